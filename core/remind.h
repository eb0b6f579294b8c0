/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of reminders: which of those before one slot are due, and what becomes of those
 * that could not be in time. Pure arithmetic on the clock of the job. A reminder that is
 * late fires only while its slot is still ahead, and only the newest of several: never a
 * flood.
 *
 *        since                     now                  slot
 *   -------|-----x--------x--------|------x---------------|---->
 *                skipped  fires           next
 */
#ifndef BF_CORE_REMIND_H
#define BF_CORE_REMIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long before each slot; longest first, none twice. Borrowed. */
typedef struct {
    const int64_t *before_us;
    size_t count;
} bf_reminders;

/* An unbroken stretch of one slot's reminders, by when they were due; count 0: none. */
typedef struct {
    int64_t first_us;
    int64_t last_us;
    uint64_t count;
} bf_reminded;

typedef struct {
    bf_reminded skipped; /* those that are past */
    bool fires;          /* and the newest of them is to fire: */
    int64_t fire_us;     /* when it was due… */
    int64_t before_us;   /* …which is so long before the slot */
    int64_t next_us;     /* when the next one is due; 0: none is left */
} bf_remind_verdict;

/* What is past, of those that are due at since_us or later, when the job turns to its slot
 * (it was made, moved, resumed, or the slot before is over): all that are due before
 * from_us, and where the slot is due itself, all. None fires. */
bf_remind_verdict bf_remind_begin (bf_reminders reminders, int64_t due_us, int64_t since_us,
                                   int64_t from_us, int64_t now_us);

/* What is due now, of those that are due at since_us or later. Nothing fires where the slot
 * itself is due. */
bf_remind_verdict bf_remind_judge (bf_reminders reminders, int64_t due_us, int64_t since_us,
                                   int64_t now_us);

#endif
