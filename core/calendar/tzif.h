/* SPDX-License-Identifier: MPL-2.0
 *
 * The bytes of a TZif file (RFC 8536), taken apart and checked: when offsets changed, and
 * the rule of the time after that. For zone.c alone.
 */
#ifndef BF_CALENDAR_TZIF_H
#define BF_CALENDAR_TZIF_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"

/* RFC 8536, 3.2: transition times beyond -2^59 s, before the Big Bang, are of no use; the
 * bound leaves room to add offsets to them. */
#define BF_TZIF_TIME_MAX (INT64_C (1) << 59)

/* RFC 8536, 3.2: more than -25 h and less than 26 h. */
#define BF_TZIF_OFFSET_MIN (-25 * 3600 + 1)
#define BF_TZIF_OFFSET_MAX (26 * 3600 - 1)

/* Points into the bytes. */
typedef struct {
    size_t count;         /* transitions, strictly ascending */
    const uint8_t *times; /* count times, of time_bytes each, big-endian */
    size_t time_bytes;    /* 4 or 8 */
    const uint8_t *types; /* the type that each transition begins */
    const uint8_t *type;  /* the types, six bytes each */
    const char *footer;   /* the rule after the last transition, not terminated; … */
    size_t footer_length; /* …0: there is none */
} bf_tzif;

/* BF_EINVALID with a sentence. */
bf_err bf_tzif_read (const uint8_t *bytes, size_t size, bf_tzif *tzif, bf_error *error);

int64_t bf_tzif_time (const bf_tzif *tzif, size_t index);
/* The offset that a transition begins. */
int32_t bf_tzif_offset (const bf_tzif *tzif, size_t index);
/* The offset before the first transition (RFC 8536, 3.2: that of the first type). */
int32_t bf_tzif_offset_before (const bf_tzif *tzif);

#endif
