/* SPDX-License-Identifier: MPL-2.0
 *
 * The days on which clocks change: turns a set of local times (what a cron expression or a
 * recurrence rule matches) into instants. A local time that is skipped or repeated in its
 * zone means what the job's two switches say.
 *
 *              gap: 02:00 -> 03:00                  overlap: 03:00 -> 02:00
 *   02:30      AFTER_GAP  03:00, as it ends         FIRST   the first 02:30
 *              SKIP       not at all                SECOND  the second 02:30
 *              SHIFT      03:30, as much later      BOTH    both
 *
 * Several that come to one instant are one. Under AFTER_GAP a gap of three hours or more (a
 * day that a zone leaves out) is not made up. Sources: cron(8) of Debian for AFTER_GAP and
 * FIRST, RFC 5545 3.3.5 for SHIFT.
 */
#ifndef BF_CALENDAR_SWITCHES_H
#define BF_CALENDAR_SWITCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/calendar/civil.h"
#include "core/calendar/zone.h"

/* Numbers are those of the wire. */
typedef enum {
    BF_SKIPPED_AFTER_GAP = 1,
    BF_SKIPPED_SKIP = 2,
    BF_SKIPPED_SHIFT = 3,
} bf_skipped;

typedef enum {
    BF_REPEATED_FIRST = 1,
    BF_REPEATED_SECOND = 2,
    BF_REPEATED_BOTH = 3,
} bf_repeated;

typedef struct {
    bf_skipped skipped;
    bf_repeated repeated;
} bf_switches;

#define BF_GAP_MAX_S \
    (3 * INT64_C (3600)) /* AFTER_GAP: one as long or longer is not made up */

/* A set of local times, by whoever knows it. All bounds are half-open: from is in, until is
 * not. Pure. */
typedef struct {
    /* The first, the last of the set within the bounds. False: none. */
    bool (*first) (const void *set, bf_local from, bf_local until, bf_local *found);
    bool (*last) (const void *set, bf_local from, bf_local until, bf_local *found);
    /* How many there are within the bounds. */
    uint64_t (*count) (const void *set, bf_local from, bf_local until);
} bf_local_set;

typedef struct {
    const bf_local_set *kind;
    const void *set;
    const bf_zone *zone;
    bf_switches switches;
} bf_local_times;

/* The first (last) instant within [from, until), and how many there are. */
bool bf_local_times_first (const bf_local_times *times, bf_instant from, bf_instant until,
                           bf_instant *found);
bool bf_local_times_last (const bf_local_times *times, bf_instant from, bf_instant until,
                          bf_instant *found);
uint64_t bf_local_times_count (const bf_local_times *times, bf_instant from,
                               bf_instant until);

/* Why an instant of the set is there. */
typedef enum {
    BF_NOTE_PLAIN = 0,
    BF_NOTE_AFTER_GAP, /* local does not exist; it stands in for it, at the end of the gap
                        */
    BF_NOTE_SHIFTED,   /* local does not exist; as much later */
    BF_NOTE_FIRST,     /* local comes twice; this is the first… */
    BF_NOTE_SECOND,    /* …or the second */
} bf_slot_note;

/* *local: the local time that the set has; where several of a gap come together, the first
 * of them. Of a regular match that also stands in for a skipped one: PLAIN. */
bf_slot_note bf_local_times_explain (const bf_local_times *times, bf_instant at,
                                     bf_local *local);

#endif
