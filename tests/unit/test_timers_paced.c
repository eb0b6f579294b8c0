/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock's core, catching up with slots that are put off, because their jobs fire all
 * that they missed, one by one: they come late, and until they came it has not caught up.
 */
#include "core/timers.h"

#include <time.h>

#include "core/late.h"
#include "tests/support/cmocka.h"

/* The wall clock of these tests, when the boot clock shows 0. */
#define EPOCH_US (20000 * BF_DAY_US)

static const bf_timer_source WALL = BF_SOURCE_SLOT_WALL;
static const bf_timer_source BOOT = BF_SOURCE_SLOT_BOOT;
static const bf_timer_source RUN = BF_SOURCE_RUN;

static bf_now
at (int64_t us)
{
    return (bf_now){.wall = {EPOCH_US + us}, .boot = {us}};
}

/* On its own clock. */
static int64_t
instant (bf_timer_source source, int64_t us)
{
    return source == BF_SOURCE_SLOT_WALL ? EPOCH_US + us : us;
}

static bf_timer
timer (bf_timer_source source, uint64_t job, int64_t due_us)
{
    return (bf_timer){
        .source = source, .job = job, .due_us = instant (source, due_us), .queue = 1};
}

/* Put off: the clock acts later than the slot is due. */
static bf_timer
paced (bf_timer_source source, uint64_t job, int64_t due_us, int64_t slot_us)
{
    bf_timer result = timer (source, job, due_us);
    result.slot_us = instant (source, slot_us);
    return result;
}

static void
arm (bf_timers *timers, bf_timer armed)
{
    assert_int_equal (bf_timers_arm (timers, armed), BF_OK);
}

static void
refill (bf_timers *timers, bf_timer_source source, const bf_timer *rows, size_t count,
        bool end)
{
    bf_timer after;
    assert_true (bf_timers_want (timers, source, &after));
    assert_int_equal (bf_timers_refilled (timers, source, rows, count, end), BF_OK);
}

static void
expect_caught_up (bf_timers *timers, int64_t from_us, int64_t until_us)
{
    bf_wall from, until;
    assert_true (bf_timers_caught_up (timers, &from, &until));
    assert_true (from.us == from_us);
    assert_true (until.us == until_us);
    assert_false (bf_timers_caught_up (timers, &from, &until));
}

static void
expect_behind (bf_timers *timers)
{
    bf_wall from, until;
    assert_false (bf_timers_caught_up (timers, &from, &until));
}

/* Awake since 0, with no rows, and caught up. */
static bf_timers *
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
static uint64_t
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

static void
settle_due (bf_timers *timers, bf_now now, uint64_t job, int64_t reached_us)
{
    bf_timers_settled (timers, expect_due (timers, now, job, reached_us));
    bf_timers_look (timers, now);
    bf_timers_sleep (timers);
}

/* A slot that is put off keeps its own due time, through a move, a refill and a trim. */
static void
test_slots_that_are_put_off (void **state)
{
    (void)state;
    const int64_t back_us = BF_HOUR_US;
    bf_timers *timers = timers_awake (4);
    arm (timers, timer (BOOT, 1, 10));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (back_us), 1, back_us);
    arm (timers, timer (BOOT, 1, back_us + 5));
    arm (timers, paced (BOOT, 1, back_us + BF_LATE_PACE_US, 20));
    bf_timers_settled (timers, batch);
    expect_behind (timers);

    bf_timer out[1];
    bf_now now = at (back_us + BF_LATE_PACE_US);
    bf_timers_look (timers, now);
    assert_int_equal (bf_timers_due (timers, now, out, 1, &batch), 1);
    assert_true (out[0].slot_us == 20);
    assert_true (out[0].due_us == now.boot.us);
    assert_true (out[0].reached_us == back_us);
    /* The next one is due after the end: only the pace makes it wait. */
    arm (timers, paced (BOOT, 1, now.boot.us + BF_LATE_PACE_US, back_us + 1));
    arm (timers, paced (BOOT, 2, now.boot.us + BF_LATE_PACE_US, 30));
    bf_timers_settled (timers, batch);
    expect_behind (timers);
    bf_timers_disarm (timers, timer (BOOT, 2, 0));
    expect_caught_up (timers, EPOCH_US + 10, EPOCH_US + back_us);
    settle_due (timers, at (now.boot.us + BF_LATE_PACE_US), 1, 0);
    bf_timers_destroy (&timers);
}

/* Over capacity the far half goes back to the rows: it is still owed. */
static void
test_owed_rows_beyond_the_horizon (void **state)
{
    (void)state;
    const int64_t back_us = BF_HOUR_US;
    bf_timers *timers = timers_awake (4);
    arm (timers, timer (WALL, 1, 10));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (back_us), 1, back_us);
    for (uint64_t job = 2; job <= 6; job++) {
        arm (timers, paced (WALL, job, back_us + BF_LATE_PACE_US, 20));
    }
    bf_timers_settled (timers, batch);
    expect_behind (timers);
    for (uint64_t job = 2; job <= 3; job++) {
        settle_due (timers, at (back_us + BF_LATE_PACE_US), job, back_us);
        expect_behind (timers);
    }
    const bf_timer rows[] = {paced (WALL, 4, back_us + BF_LATE_PACE_US, 20),
                             paced (WALL, 5, back_us + BF_LATE_PACE_US, 20)};
    refill (timers, WALL, rows, 2, true);
    settle_due (timers, at (back_us + BF_LATE_PACE_US), 4, back_us);
    expect_behind (timers);
    settle_due (timers, at (back_us + BF_LATE_PACE_US), 5, back_us);
    expect_caught_up (timers, EPOCH_US + 10, EPOCH_US + back_us);
    bf_timers_destroy (&timers);
}

/* Asked with every look, so that it may not cost more the more is held. */
static void
test_many_that_are_put_off (void **state)
{
    (void)state;
    enum { MANY = 60000, LOOKS = 20000 };
    const int64_t back_us = BF_HOUR_US, end_us = back_us + BF_LATE_PACE_US;
    bf_timers *timers = timers_awake (BF_TIMERS_CAPACITY);
    arm (timers, timer (WALL, 1, 10));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (back_us), 1, back_us);
    for (uint64_t job = 2; job < MANY; job++) {
        arm (timers, paced (WALL, job, end_us, back_us + 1));
    }
    arm (timers, paced (WALL, MANY, end_us + 1, 20));
    bf_timers_settled (timers, batch);
    clock_t before = clock ();
    for (int look = 0; look < LOOKS; look++) {
        bf_timers_look (timers, at (back_us + look));
        expect_behind (timers);
        bf_timers_sleep (timers);
    }
    /* It is a thousandth of that; looking at all of them is a multiple. */
    assert_true (clock () - before < CLOCKS_PER_SEC);
    bf_timers_disarm (timers, timer (WALL, MANY, 0));
    expect_caught_up (timers, EPOCH_US + 10, EPOCH_US + back_us);
    bf_timers_destroy (&timers);
}

/* Away again, over slots that were put off in time: now they are owed as well. */
static void
test_another_absence (void **state)
{
    (void)state;
    const int64_t back_us = BF_HOUR_US, again_us = 2 * BF_HOUR_US;
    bf_timers *timers = timers_awake (64);
    arm (timers, timer (WALL, 1, 10));
    arm (timers, timer (RUN, 2, back_us + 1));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (back_us), 1, back_us);
    arm (timers, paced (WALL, 3, again_us + BF_LATE_PACE_US, 20));
    arm (timers, paced (WALL, 4, again_us + BF_LATE_PACE_US, back_us + 20));
    bf_timers_settled (timers, batch);
    expect_behind (timers);
    bf_timers_sleep (timers);
    settle_due (timers, at (again_us), 2, 0);
    bf_timers_disarm (timers, timer (WALL, 3, 0));
    expect_behind (timers);
    arm (timers, paced (WALL, 4, again_us + 2 * BF_LATE_PACE_US, back_us + 20));
    expect_behind (timers);
    bf_timers_disarm (timers, timer (WALL, 4, 0));
    expect_caught_up (timers, EPOCH_US + 10, EPOCH_US + again_us);
    bf_timers_destroy (&timers);
}

/* Owed, and then there are no such rows any more. */
static void
test_reset (void **state)
{
    (void)state;
    const int64_t back_us = BF_HOUR_US;
    bf_timers *timers = timers_awake (64);
    arm (timers, timer (WALL, 1, 10));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (back_us), 1, back_us);
    arm (timers, paced (WALL, 1, back_us + BF_LATE_PACE_US, 20));
    bf_timers_settled (timers, batch);
    expect_behind (timers);
    bf_timers_reset (timers);
    for (int source = 0; source < BF_SOURCES; source++) {
        expect_behind (timers);
        refill (timers, (bf_timer_source)source, NULL, 0, true);
    }
    expect_caught_up (timers, EPOCH_US + 10, EPOCH_US + back_us);
    bf_timers_destroy (&timers);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_slots_that_are_put_off),
        cmocka_unit_test (test_owed_rows_beyond_the_horizon),
        cmocka_unit_test (test_many_that_are_put_off),
        cmocka_unit_test (test_another_absence),
        cmocka_unit_test (test_reset),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
