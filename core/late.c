/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of lateness.
 *
 *          away                      back         now
 *      |<---------------------------->|            |
 *                          |<- grace->|            |
 *   ---s1------s2------s3------s4-----+----s5------+-----> time
 *      '------- late ------''-------- in time -----'
 *
 *               s1        s2        s3        s4
 *   FIRE_ONCE   missed    missed    missed    fires
 *   FIRE_ALL    missed    fires     fires     fires     with catchup_max 2
 *   SKIP        skipped   skipped   skipped   fires
 *   FAIL        missed    missed    failed    fires
 *
 * Where no slot in time has come by now, as without s4 and s5, FIRE_ONCE fires s3, late.
 * Those that FIRE_ALL fires go out one by one, paced. A one-shot is a grid of one slot.
 *
 * Slots that came within reach at the same moment are decided together; the next decision
 * begins after them. The ledger asks for each slot that is due.
 */
#include "core/late.h"

#include <stddef.h>

const char *
bf_late_name (bf_late late)
{
    static const char *const names[] = {
        [BF_LATE_FIRE_ONCE] = "fire_once",
        [BF_LATE_FIRE_ALL] = "fire_all",
        [BF_LATE_SKIP] = "skip",
        [BF_LATE_FAIL] = "fail",
    };
    size_t n = sizeof names / sizeof names[0];
    return (size_t)late < n && names[late] != NULL ? names[late] : "unknown";
}

/* From the job's slot at first_us to the one at last_us of the grid. The first need not be
 * on the grid: it was armed by rules that have changed since. */
static bf_stretch
stretch_to (const bf_grid *grid, int64_t first_us, int64_t last_us)
{
    uint64_t count = 1;
    int64_t next_us = last_us;
    if (last_us > first_us) {
        bf_grid_next (grid, first_us, &next_us);
        count += bf_grid_count (grid, next_us, last_us);
    }
    return (bf_stretch){first_us, last_us, count};
}

/* The last slot that is due at until_us or before; first_us where there is no later one. */
static int64_t
last_until (const bf_grid *grid, int64_t first_us, int64_t until_us)
{
    int64_t last_us;
    bool later =
        grid != NULL && bf_grid_last (grid, until_us, &last_us) && last_us > first_us;
    return later ? last_us : first_us;
}

/* From the slot at first_us to the last one before before_us. */
static bf_stretch
stretch_before (const bf_grid *grid, int64_t first_us, int64_t before_us)
{
    if (before_us <= first_us) {
        return (bf_stretch){0};
    }
    return stretch_to (grid, first_us, last_until (grid, first_us, before_us - 1));
}

/* One run for all of them: the latest slot. Where one in time has come by now that is it,
 * and it is not late. */
static bf_late_verdict
fire_once (const bf_grid *grid, int64_t due_us, int64_t last_us, int64_t now_us)
{
    int64_t next_us;
    if (grid != NULL && bf_grid_next (grid, last_us, &next_us) && next_us <= now_us) {
        return (bf_late_verdict){
            .dropped = stretch_to (grid, due_us, last_us),
            .act = BF_SLOT_FIRE,
            .slot_us = next_us,
            .alike = stretch_to (NULL, next_us, next_us),
        };
    }
    return (bf_late_verdict){
        .dropped = stretch_before (grid, due_us, last_us),
        .act = BF_SLOT_FIRE,
        .slot_us = last_us,
        .late = true,
        .alike = stretch_to (NULL, last_us, last_us),
    };
}

static bf_late_verdict
fire_all (const bf_late_policy *policy, const bf_grid *grid, int64_t due_us,
          int64_t last_us)
{
    int64_t first_us = due_us;
    if (grid != NULL) {
        int64_t oldest_us = bf_grid_back (grid, last_us, policy->catchup_max - 1);
        first_us = oldest_us > due_us ? oldest_us : due_us;
    }
    return (bf_late_verdict){
        .dropped = stretch_before (grid, due_us, first_us),
        .act = BF_SLOT_FIRE,
        .slot_us = first_us,
        .late = true,
        .alike = stretch_to (grid, first_us, last_us),
    };
}

bf_late_verdict
bf_late_judge (const bf_late_policy *policy, const bf_grid *grid, int64_t due_us,
               int64_t reached_us, int64_t now_us)
{
    /* A clock that was set back has taken back what it made of later slots. */
    if (reached_us > now_us) {
        reached_us = now_us;
    }
    if (bf_us_add (due_us, policy->grace.us) >= reached_us) {
        return (bf_late_verdict){
            .act = BF_SLOT_FIRE,
            .slot_us = due_us,
            .alike = stretch_to (NULL, due_us, due_us),
        };
    }
    /* The last that is late; due_us itself where there is no other. */
    int64_t last_us = last_until (grid, due_us, reached_us - policy->grace.us - 1);
    switch (policy->late) {
    case BF_LATE_FIRE_ALL:
        return fire_all (policy, grid, due_us, last_us);
    case BF_LATE_SKIP:
        return (bf_late_verdict){
            .dropped = stretch_to (grid, due_us, last_us),
            .skipped = true,
            .act = BF_SLOT_NONE,
        };
    case BF_LATE_FAIL:
        return (bf_late_verdict){
            .dropped = stretch_before (grid, due_us, last_us),
            .act = BF_SLOT_FAIL,
            .slot_us = last_us,
            .late = true,
            .alike = stretch_to (NULL, last_us, last_us),
        };
    case BF_LATE_FIRE_ONCE:
        break;
    }
    return fire_once (grid, due_us, last_us, now_us);
}

bf_late_verdict
bf_late_forgo (const bf_grid *grid, int64_t due_us, int64_t now_us)
{
    if (due_us > now_us) {
        return (bf_late_verdict){.act = BF_SLOT_NONE};
    }
    int64_t last_us = last_until (grid, due_us, now_us);
    return (bf_late_verdict){
        .dropped = stretch_to (grid, due_us, last_us),
        .act = BF_SLOT_NONE,
    };
}
