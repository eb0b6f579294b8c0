/* SPDX-License-Identifier: MPL-2.0
 *
 * A time zone: which offset from UTC its walls showed, show and will show. Read from the
 * bytes of a TZif file (RFC 8536); who reads the file lives elsewhere. A zone is made once
 * and never changed, so that any number of threads may use it.
 *
 *      offset_s    +3600            +7200             +3600
 *   instants   --------------|-----------------|---------------->
 *                            T1                T2
 *   local      …01:59:59     03:00:00… …02:59:59   02:00:00…
 *                       gap of 1 h          overlap of 1 h
 *
 * Time is cut into spans of one offset. Where the next span's offset is larger, local times
 * are skipped (a gap); where it is smaller, they are repeated (an overlap).
 */
#ifndef BF_CALENDAR_ZONE_H
#define BF_CALENDAR_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/calendar/civil.h"

typedef struct bf_zone bf_zone;

/* A TZif file has at most so many bytes; the largest of tzdata has under 4 KiB. */
#define BF_ZONE_BYTES (64 * 1024)

/* Makes a zone of the bytes of a TZif file, version 1 to 4, fat or slim; its footer rule is
 * worked out up to the year 2400 here and now. BF_EINVALID with a sentence where they are
 * none, are damaged, or count leap seconds ("right/" files: their clock is not UTC).
 * BF_ENOMEM. */
bf_err bf_zone_read (const uint8_t *bytes, size_t size, bf_zone **zone_p, bf_error *error);
void bf_zone_destroy (bf_zone **zone_p);

/* Offset 0 for ever. Static. */
const bf_zone *bf_zone_utc (void);

/* Names of zones are 1..64 of A-Z a-z 0-9 _ + - /, begin with a letter, and have no empty
 * part, so that no path built from one can lead out of its directory. Whether there is such
 * a zone is not said here. */
#define BF_ZONE_NAME_BYTES 64
bool bf_zone_name_is_valid (const char *name);
/* The names that need no file: "UTC", "Etc/UTC", "Z", "GMT", … are bf_zone_utc. */
bool bf_zone_name_is_utc (const char *name);

/* A stretch of time with one offset. Neighbours differ in it. */
typedef struct {
    bf_instant from;  /* the first instant; INT64_MIN in the first span */
    bf_instant until; /* the first one after; INT64_MAX in the last span */
    int32_t offset_s; /* local minus UTC, -25 h..+26 h */
    int32_t index;
} bf_zone_span;

/* The span that an instant lies in; constant time for UTC, else one binary search. */
bf_zone_span bf_zone_at (const bf_zone *zone, bf_instant at);
/* The one after (before) a span that has an end (a beginning). */
bf_zone_span bf_zone_next (const bf_zone *zone, bf_zone_span span);
bf_zone_span bf_zone_previous (const bf_zone *zone, bf_zone_span span);

/* What a wall shows then. For instants within ±2^60 s. */
bf_local bf_zone_local (const bf_zone *zone, bf_instant at);

/* "2027-03-28T03:00:00+02:00": an instant in microseconds, as the walls of the zone show
 * it, with the offset (ISO 8601; its seconds only where it has some, as in Liberia until
 * 1972) and decimals where they are not 0. Returns buffer. */
#define BF_ZONE_TIME_BYTES 48
char *bf_zone_format (const bf_zone *zone, int64_t us, char buffer[BF_ZONE_TIME_BYTES]);

typedef enum { BF_LOCAL_UNIQUE = 1, BF_LOCAL_GAP, BF_LOCAL_OVERLAP } bf_local_kind;

/* What a local time means. UNIQUE: both instants are the one. OVERLAP: the two, in order.
 * GAP: no instant has it; first is the local time read with the offset before the gap (RFC
 * 5545, 3.3.5; it lies after the gap), second with the one after it. */
typedef struct {
    bf_local_kind kind;
    bf_instant first;
    bf_instant second;
    bf_instant change;     /* GAP, OVERLAP: when the offset changed */
    int32_t offset_before; /* GAP, OVERLAP: until then… */
    int32_t offset_after;  /* …and from then on */
} bf_local_meaning;

/* For local times within ±2^60 s. */
bf_local_meaning bf_zone_resolve (const bf_zone *zone, bf_local local);

#endif
