/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock's core, catching up with slots that are put off, because their jobs fire all
 * that they missed, one by one: they come late, and until they came it has not caught up.
 */
#include "core/timers.h"

#include "core/late.h"
#include "tests/support/cmocka.h"
#include "tests/support/timers_rig.h"

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

/* One slot of very many is still owed: asked with every look, and each time found. */
static void
test_many_that_are_put_off (void **state)
{
    (void)state;
    enum { MANY = 60000, LOOKS = 1000 };
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
    for (int look = 0; look < LOOKS; look++) {
        bf_timers_look (timers, at (back_us + look));
        expect_behind (timers);
        bf_timers_sleep (timers);
    }
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
