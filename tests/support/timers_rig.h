/* SPDX-License-Identifier: MPL-2.0
 *
 * For the tests of the clock's core that are about absences: two clocks that are told
 * apart by their numbers, and what the clock is expected to hand out after it was away.
 */
#ifndef BF_TESTS_TIMERS_RIG_H
#define BF_TESTS_TIMERS_RIG_H

#include "core/timers.h"

#include "tests/support/cmocka.h"

/* The wall clock of these tests, when the boot clock shows 0. */
#define EPOCH_US (20000 * BF_DAY_US)

static const bf_timer_source WALL = BF_SOURCE_SLOT_WALL;
static const bf_timer_source BOOT = BF_SOURCE_SLOT_BOOT;
static const bf_timer_source RUN = BF_SOURCE_RUN;

static inline bf_now
at (int64_t us)
{
    return (bf_now){.wall = {EPOCH_US + us}, .boot = {us}};
}

/* On its own clock. */
static inline int64_t
instant (bf_timer_source source, int64_t us)
{
    return bf_source_is_wall (source) ? EPOCH_US + us : us;
}

static inline bf_timer
timer (bf_timer_source source, uint64_t job, int64_t due_us)
{
    return (bf_timer){
        .source = source, .job = job, .due_us = instant (source, due_us), .queue = 1};
}

/* Put off: the clock acts later than the slot is due. */
static inline bf_timer
paced (bf_timer_source source, uint64_t job, int64_t due_us, int64_t slot_us)
{
    bf_timer result = timer (source, job, due_us);
    result.slot_us = instant (source, slot_us);
    return result;
}

static inline void
arm (bf_timers *timers, bf_timer armed)
{
    assert_int_equal (bf_timers_arm (timers, armed), BF_OK);
}

static inline void
refill (bf_timers *timers, bf_timer_source source, const bf_timer *rows, size_t count,
        bool end)
{
    bf_timer after;
    assert_true (bf_timers_want (timers, source, &after));
    assert_int_equal (bf_timers_refilled (timers, source, rows, count, end), BF_OK);
}

static inline void
expect_caught_up (bf_timers *timers, int64_t from_us, int64_t until_us)
{
    bf_wall from, until;
    assert_true (bf_timers_caught_up (timers, &from, &until));
    assert_true (from.us == from_us);
    assert_true (until.us == until_us);
    assert_false (bf_timers_caught_up (timers, &from, &until));
}

static inline void
expect_behind (bf_timers *timers)
{
    bf_wall from, until;
    assert_false (bf_timers_caught_up (timers, &from, &until));
}

/* Awake since 0, with no rows, and caught up. */
static inline bf_timers *
timers_awake (size_t capacity)
{
    bf_timers *timers = bf_timers_new (capacity, 1);
    bf_timers_look (timers, at (0));
    expect_behind (timers);
    for (int source = 0; source < BF_SOURCES; source++) {
        expect_behind (timers);
        refill (timers, (bf_timer_source)source, NULL, 0, true);
    }
    expect_caught_up (timers, 0, EPOCH_US);
    bf_timers_sleep (timers);
    return timers;
}

/* Wakes up and takes one timer: expects this one, and when it was reached (0: always). */
static inline uint64_t
expect_due (bf_timers *timers, bf_now now, uint64_t job, int64_t reached_us)
{
    bf_timer out[1];
    uint64_t batch = 0;
    bf_timers_look (timers, now);
    assert_int_equal (bf_timers_due (timers, now, out, 1, &batch), 1);
    assert_int_equal (out[0].job, job);
    int64_t expected_us = reached_us != 0 ? instant (out[0].source, reached_us) : 0;
    if (out[0].reached_us != expected_us) {
        fail_msg ("job %d came within reach at %lld", (int)job,
                  (long long)out[0].reached_us);
    }
    bf_timers_sleep (timers);
    return batch;
}

static inline void
settle_due (bf_timers *timers, bf_now now, uint64_t job, int64_t reached_us)
{
    bf_timers_settled (timers, expect_due (timers, now, job, reached_us));
    bf_timers_look (timers, now);
    bf_timers_sleep (timers);
}

#endif
