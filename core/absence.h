/* SPDX-License-Identifier: MPL-2.0
 *
 * When the clock was away: the stretches of time in which it should have looked what is due
 * and did not, because the machine slept, the process was stopped, the wall clock was set
 * forward, or nobody ran at all. A slot that is due inside of one came within reach at its
 * end; how late it is counts from there. A slot that is due outside only waits behind
 * others: a busy scheduler makes nothing late. core/timers.c is its caller; what may be
 * forgotten is decided there.
 *
 *   looked       planned                     looked           caught up
 *   --+-------------+- - - - - - - - - - - - - -+----------------+-------->
 *                   |<------ an absence ------->|                '-- told, forgotten
 *                   from                        until
 *
 * The first look of all ends an absence since the beginning of time. Each look that comes
 * more than BF_AWAY_US after the plan ends one since the plan, but not since before the
 * last look. Whoever is awake means to look again at once.
 *
 * Each clock is compared with its own plan. So a wall clock that is set forward is found
 * without being looked for: it is late for the plan. Whoever waits for an answer before it
 * can look what is due plans to look all the same, to have been there. And what nobody
 * could plan for, because the word of it lay unread meanwhile, is found by the age of the
 * word.
 */
#ifndef BF_CORE_ABSENCE_H
#define BF_CORE_ABSENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/time.h"

/* Between the planned instant and the look. A timer comes within a millisecond; this much
 * is only missed by a thread that cannot run. */
#define BF_AWAY_US (250 * BF_MS_US)

/* Kept at once. Of one more, the shortest is forgotten: its slots count as in time, and
 * they are the least late of all. */
#define BF_ABSENCES 8

/* On both clocks. A part that ends where it begins is none. */
typedef struct {
    bf_now from; /* INT64_MIN: the beginning of time */
    bf_now until;
} bf_absence;

/* Zero-initialise: it never looked. */
typedef struct {
    bf_absence list[BF_ABSENCES]; /* oldest first */
    size_t count;
    bool looked;
    bf_now last;    /* the last look */
    bf_now planned; /* the next one, per clock; INT64_MAX for none */
} bf_absences;

/* Awake: was it away until now? What lies after a wall clock that was set back is cut off,
 * because it comes again. */
void bf_absences_look (bf_absences *self, bf_now now);

/* Goes to sleep until the first of these instants; INT64_MAX for never. */
void bf_absences_sleep (bf_absences *self, bf_now next);

/* An absence that only the caller knows of: since then, until now. */
void bf_absences_add (bf_absences *self, bf_boot since, bf_now now);

/* Somebody said at `said` what is heard only `now`. Where more than BF_AWAY_US lie between
 * them it was away since then, whatever its plan: what it is told of now could not be in
 * that. */
void bf_absences_hear (bf_absences *self, bf_now said, bf_now now);

/* When a slot came within reach; 0 where it was all the time. */
int64_t bf_absences_wall_reached (const bf_absences *self, bf_wall slot);
int64_t bf_absences_boot_reached (const bf_absences *self, bf_boot slot);

/* The end of the last one on each clock; INT64_MIN where there is none. */
bf_now bf_absences_end (const bf_absences *self);

/* Forgets them all and says from when until when they were; from 0 where that is not known.
 * There must be one. */
void bf_absences_forget (bf_absences *self, bf_wall *from, bf_wall *until);

#endif
