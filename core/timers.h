/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock's core: which timers are armed, which are due, and how far ahead it knows.
 * Pure: it is told the time.
 *
 * The rows of the store are the truth; this holds the near end of them. Each source is one
 * ordered list of rows (due_us, job, ordinal); the clock holds all of it up to a horizon, a
 * place in that order, and nothing beyond. Arming beyond the horizon is ignored, because
 * the row will come with a refill. When a heap runs low the horizon is moved on by a
 * refill; when it grows over its capacity the far half is dropped and the horizon moves
 * back. So memory is bounded however many jobs wait, and no timer is missed. It also knows
 * which slots came due while nobody looked (core/absence.h).
 *
 *        |<------ held ------>|<-- rows only -->
 *   -----+---------+----------+------------------> due_us
 *      due now                horizon
 */
#ifndef BF_CORE_TIMERS_H
#define BF_CORE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/base/time.h"

/* What is due, and on which clock its due_us counts: bf_source_is_wall. */
typedef enum {
    BF_SOURCE_SLOT_WALL,   /* a job's slot, wall clock */
    BF_SOURCE_SLOT_BOOT,   /* a job's slot, boot clock */
    BF_SOURCE_RUN,         /* a run's retry, snooze or start_timeout, boot clock */
    BF_SOURCE_REMIND_WALL, /* a reminder before a job's slot, wall clock */
    BF_SOURCE_REMIND_BOOT, /* the same, boot clock */
    BF_SOURCES
} bf_timer_source;

bool bf_source_is_wall (bf_timer_source source);

typedef struct {
    bf_timer_source source;
    uint64_t job;
    uint32_t ordinal;
    int64_t due_us; /* when the clock acts: its place in the order */
    uint32_t queue;
    int64_t slot_us;    /* the slot's own due time where it is another one; else 0 */
    int64_t reached_us; /* out of bf_timers_due: see there; else 0 */
} bf_timer;

/* Held per source before the far half is dropped, and asked for in one refill. */
#define BF_TIMERS_CAPACITY 65536
#define BF_TIMERS_REFILL 4096
/* Timers in one batch to the dispatcher; one batch is out at a time. */
#define BF_TIMERS_BATCH 1000
/* Between two looks while the store owes an answer: to a batch, or to a refill. */
#define BF_TIMERS_LOOK_US (250 * BF_MS_US)

typedef struct bf_timers bf_timers;

/* capacity: timers held per source (BF_TIMERS_CAPACITY, smaller in tests; at least 4). NULL
 * without memory. */
bf_timers *bf_timers_new (size_t capacity, uint64_t seed);
void bf_timers_destroy (bf_timers **self_p);

/* Forgets all and holds nothing: the first bf_timers_want of every source asks for a refill
 * from the beginning. The unsettled batch, if any, counts as settled. */
void bf_timers_reset (bf_timers *self);

/* New, or moved to another due time. Beyond the horizon: disarms. BF_ENOMEM: nothing
 * changed. */
bf_err bf_timers_arm (bf_timers *self, bf_timer timer);
/* By (source, job, ordinal); no-op for what is not held. */
void bf_timers_disarm (bf_timers *self, bf_timer timer);

/* The refill of a source: timers in order, after the horizon it was asked for; end: nothing
 * follows. */
bf_err bf_timers_refilled (bf_timers *self, bf_timer_source source, const bf_timer *timers,
                           size_t count, bool end);

/* Whether a source wants a refill now (low, rows beyond the horizon, none asked for yet).
 * True marks it as asked and fills *after, the place to go on from (due_us INT64_MIN for
 * the beginning). */
bool bf_timers_want (bf_timers *self, bf_timer_source source, bf_timer *after);

/* Every time the caller woke up, before bf_timers_due and with the same time: what came due
 * since it last looked, although it should have looked, came within reach now. */
void bf_timers_look (bf_timers *self, bf_now now);

/* Every time it goes to sleep, until bf_timers_next_wall or bf_timers_next_boot. */
void bf_timers_sleep (bf_timers *self);

/* What is told next was sent then, and is heard now: see core/absence.h. */
void bf_timers_hear (bf_timers *self, bf_now sent, bf_now now);

/* Nothing became of what was proposed since then, until now. With a reset. */
void bf_timers_away (bf_timers *self, bf_boot since, bf_now now);

/* After bf_timers_look: true once when everything has been proposed and settled that was
 * due before the end of its absences, however many of them ran together: from when until
 * when. From 0 where that is not known. */
bool bf_timers_caught_up (bf_timers *self, bf_wall *from, bf_wall *until);

/* Takes what is due, oldest first over all sources' own order, up to `size` timers; 0 while
 * a batch is unsettled. A number > 0 is one batch: *batch names it (1, 2, …), and
 * bf_timers_settled must follow. A slot that was due in an absence has the end of it as
 * reached_us, on its own clock, however late it comes. */
size_t bf_timers_due (bf_timers *self, bf_now now, bf_timer *timers, size_t size,
                      uint64_t *batch);

/* The batch was committed; the next may be taken. An unknown number is ignored. */
void bf_timers_settled (bf_timers *self, uint64_t batch);

/* When to look again, per clock; INT64_MAX for never. While the store owes an answer it is
 * BF_TIMERS_LOOK_US after the last look, if nothing is to be proposed before: what is due
 * then has to wait, but it was within reach, because somebody looked. */
bf_wall bf_timers_next_wall (const bf_timers *self);
bf_boot bf_timers_next_boot (const bf_timers *self);

#endif
