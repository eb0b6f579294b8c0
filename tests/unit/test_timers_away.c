/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock's core while it is away: which slots come with reached_us, and when it has
 * caught up. A backlog is no lateness. Slots that are put off are in test_timers_paced.c,
 * absences at random in test_timers_stops.c.
 */
#include "core/timers.h"

#include "tests/support/cmocka.h"
#include "tests/support/timers_rig.h"

static void
test_asleep_for_a_week (void **state)
{
    (void)state;
    const int64_t week_us = 7 * BF_DAY_US;
    bf_timers *timers = timers_awake (64);
    arm (timers, timer (BOOT, 1, BF_HOUR_US));
    arm (timers, timer (WALL, 2, 2 * BF_HOUR_US));
    arm (timers, timer (RUN, 3, 3 * BF_HOUR_US));
    arm (timers, timer (WALL, 4, BF_DAY_US));
    arm (timers, timer (BOOT, 5, week_us + 1));
    bf_timers_sleep (timers);
    settle_due (timers, at (week_us), 1, week_us);
    expect_behind (timers);
    settle_due (timers, at (week_us), 2, week_us);
    settle_due (timers, at (week_us), 3, 0);
    expect_behind (timers);
    uint64_t batch = expect_due (timers, at (week_us), 4, week_us);
    expect_behind (timers);
    bf_timers_settled (timers, batch);
    /* What was due after waking up is in time, and is not waited for. */
    expect_caught_up (timers, EPOCH_US + BF_HOUR_US, EPOCH_US + week_us);
    settle_due (timers, at (week_us + 1), 5, 0);
    expect_behind (timers);
    bf_timers_destroy (&timers);
}

/* Rows beyond the horizon come long after waking up. */
static void
test_rows_that_come_by_refills (void **state)
{
    (void)state;
    const int64_t hour_us = BF_HOUR_US;
    bf_timers *timers = bf_timers_new (4, 1);
    bf_timers_look (timers, at (-1));
    const bf_timer first[] = {timer (WALL, 1, 10)};
    const bf_timer second[] = {timer (WALL, 2, 20)};
    const bf_timer third[] = {timer (WALL, 3, hour_us - 1), timer (WALL, 4, hour_us)};
    refill (timers, BOOT, NULL, 0, true);
    refill (timers, RUN, NULL, 0, true);
    refill (timers, BF_SOURCE_REMIND_WALL, NULL, 0, true);
    refill (timers, BF_SOURCE_REMIND_BOOT, NULL, 0, true);
    refill (timers, WALL, first, 1, false);
    bf_timers_sleep (timers);
    settle_due (timers, at (hour_us), 1, hour_us);
    expect_behind (timers);
    refill (timers, WALL, second, 1, false);
    settle_due (timers, at (hour_us + 50), 2, hour_us);
    expect_behind (timers);
    refill (timers, WALL, third, 2, false);
    settle_due (timers, at (hour_us + 90), 3, hour_us);
    /* Nothing before the end is left, but rows that were put off might come behind 4. */
    expect_behind (timers);
    settle_due (timers, at (hour_us + 90), 4, 0);
    refill (timers, WALL, NULL, 0, true);
    expect_caught_up (timers, 0, EPOCH_US + hour_us);
    bf_timers_destroy (&timers);
}

/* However many are due at one instant: the last is as much in time as the first. */
static void
test_backlog_is_no_lateness (void **state)
{
    (void)state;
    enum { MANY = 100000 };
    const int64_t due_us = BF_HOUR_US;
    static bf_timer rows[BF_TIMERS_REFILL], out[BF_TIMERS_BATCH];
    uint64_t told = 0, fired = 0, batch = 0;
    int64_t now_us = due_us + 70;
    bf_timer after;
    bf_timers *timers = timers_awake (BF_TIMERS_CAPACITY);
    bf_timers_reset (timers);
    while (fired < MANY) {
        while (bf_timers_want (timers, WALL, &after)) {
            size_t count = 0;
            while (count < BF_TIMERS_REFILL && told < MANY) {
                rows[count++] = timer (WALL, ++told, due_us);
            }
            assert_int_equal (bf_timers_refilled (timers, WALL, rows, count, told == MANY),
                              BF_OK);
        }
        if (fired == 0) {
            bf_timers_look (timers, at (due_us - BF_MINUTE_US));
            bf_timers_sleep (timers);
        }
        bf_timers_look (timers, at (now_us));
        size_t count = bf_timers_due (timers, at (now_us), out, BF_TIMERS_BATCH, &batch);
        assert_int_equal (count, BF_TIMERS_BATCH);
        for (size_t i = 0; i < count; i++) {
            assert_true (out[i].reached_us == 0);
        }
        bf_timers_sleep (timers);
        fired += count;
        now_us += 50 * BF_MS_US;
        bf_timers_settled (timers, batch);
    }
    expect_behind (timers);
    bf_timers_destroy (&timers);
}

/* When the alarms ring; fails where they would not. */
static int64_t
next_look (const bf_timers *timers)
{
    int64_t boot_us = bf_timers_next_boot (timers).us;
    assert_true (boot_us != INT64_MAX);
    assert_true (bf_timers_next_wall (timers).us == EPOCH_US + boot_us);
    return boot_us;
}

/* Looks whenever it means to, for so long. Returns the last look. */
static int64_t
look_on (bf_timers *timers, int64_t until_us)
{
    int64_t now_us = 0;
    while (next_look (timers) <= until_us) {
        assert_true (next_look (timers) > now_us);
        now_us = next_look (timers);
        bf_timers_look (timers, at (now_us));
        bf_timers_sleep (timers);
    }
    return now_us;
}

/* A slow disk, a large batch, a checkpoint: the store takes five seconds, and then as long
 * again for a refill. What comes due meanwhile waits, but somebody was there. */
static void
test_store_that_takes_its_time (void **state)
{
    (void)state;
    const int64_t due_us = BF_MINUTE_US, slow_us = 5 * BF_SECOND_US;
    bf_timers *timers = timers_awake (4);
    bf_timers_reset (timers);
    refill (timers, BOOT, NULL, 0, true);
    refill (timers, RUN, NULL, 0, true);
    refill (timers, BF_SOURCE_REMIND_WALL, NULL, 0, true);
    refill (timers, BF_SOURCE_REMIND_BOOT, NULL, 0, true);
    const bf_timer first[] = {timer (WALL, 1, due_us), timer (WALL, 2, due_us + BF_MS_US)};
    const bf_timer second[] = {timer (WALL, 4, due_us + 2 * BF_SECOND_US),
                               timer (WALL, 5, due_us + slow_us + 2 * BF_SECOND_US)};
    refill (timers, WALL, first, 2, false);
    arm (timers, timer (BOOT, 3, due_us + BF_SECOND_US));
    bf_timers_look (timers, at (BF_SECOND_US));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (due_us), 1, 0);
    int64_t now_us = look_on (timers, due_us + slow_us);
    assert_true (now_us == due_us + slow_us);
    bf_timers_settled (timers, batch);
    settle_due (timers, at (now_us), 2, 0);
    settle_due (timers, at (now_us), 3, 0);

    bf_timer after;
    assert_true (bf_timers_want (timers, WALL, &after));
    bf_timers_sleep (timers);
    now_us = look_on (timers, due_us + 2 * slow_us);
    assert_true (now_us == due_us + 2 * slow_us);
    assert_int_equal (bf_timers_refilled (timers, WALL, second, 2, true), BF_OK);
    settle_due (timers, at (now_us), 4, 0);
    settle_due (timers, at (now_us), 5, 0);
    expect_behind (timers);
    /* All answers are there: nothing to wake up for. */
    assert_true (bf_timers_next_wall (timers).us == INT64_MAX);
    assert_true (bf_timers_next_boot (timers).us == INT64_MAX);
    bf_timers_destroy (&timers);
}

/* The same, with the process stopped in the middle: what was due before that only waits;
 * what came due meanwhile was out of reach. */
static void
test_stopped_with_a_batch_out (void **state)
{
    (void)state;
    const int64_t due_us = BF_MINUTE_US;
    bf_timers *timers = timers_awake (64);
    arm (timers, timer (WALL, 1, due_us));
    arm (timers, timer (WALL, 2, due_us));
    arm (timers, timer (WALL, 3, due_us + 3 * BF_SECOND_US));
    arm (timers, timer (BOOT, 4, due_us + 4 * BF_SECOND_US));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (due_us), 1, 0);
    int64_t last_us = look_on (timers, due_us + BF_SECOND_US);
    const int64_t back_us = last_us + 5 * BF_SECOND_US;
    bf_timers_settled (timers, batch);
    settle_due (timers, at (back_us), 2, 0);
    settle_due (timers, at (back_us), 3, back_us);
    settle_due (timers, at (back_us), 4, back_us);
    expect_caught_up (timers, EPOCH_US + last_us + BF_TIMERS_LOOK_US, EPOCH_US + back_us);
    bf_timers_destroy (&timers);
}

/* The wall clock, while a batch is out: the same by that clock alone. */
static void
test_set_forward_with_a_batch_out (void **state)
{
    (void)state;
    bf_timers *timers = timers_awake (64);
    arm (timers, timer (RUN, 1, 10));
    arm (timers, timer (WALL, 2, BF_MINUTE_US));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (10), 1, 0);
    bf_now now = at (BF_MS_US);
    now.wall.us += BF_HOUR_US;
    bf_timers_settled (timers, batch);
    settle_due (timers, now, 2, BF_HOUR_US + BF_MS_US);
    expect_caught_up (timers, EPOCH_US + 10 + BF_TIMERS_LOOK_US, now.wall.us);
    bf_timers_destroy (&timers);
}

/* Stopped while a refill is under way: nobody knew yet what is due. */
static void
test_stopped_with_a_refill_out (void **state)
{
    (void)state;
    bf_timer after;
    bf_timers *timers = timers_awake (64);
    bf_timers_reset (timers);
    assert_true (bf_timers_want (timers, BOOT, &after));
    bf_timers_sleep (timers);
    const bf_timer rows[] = {timer (BOOT, 1, BF_SECOND_US)};
    assert_int_equal (bf_timers_refilled (timers, BOOT, rows, 1, true), BF_OK);
    settle_due (timers, at (BF_MINUTE_US), 1, BF_MINUTE_US);
    bf_timers_destroy (&timers);
}

static void
test_wall_clock_set_forward (void **state)
{
    (void)state;
    bf_timers *timers = timers_awake (64);
    arm (timers, timer (WALL, 1, BF_HOUR_US));
    arm (timers, timer (WALL, 2, 3 * BF_HOUR_US));
    arm (timers, timer (BOOT, 3, BF_HOUR_US));
    bf_timers_sleep (timers);
    bf_now now = at (BF_SECOND_US);
    now.wall.us += 2 * BF_HOUR_US;
    settle_due (timers, now, 1, 2 * BF_HOUR_US + BF_SECOND_US);
    expect_caught_up (timers, EPOCH_US + BF_HOUR_US, now.wall.us);
    now.wall.us = EPOCH_US + 3 * BF_HOUR_US;
    settle_due (timers, now, 2, 0);
    now.boot.us = BF_HOUR_US;
    settle_due (timers, now, 3, 0);
    expect_behind (timers);
    bf_timers_destroy (&timers);
}

/* Set back before all that came due by it was proposed: the rest is due in its time. */
static void
test_wall_clock_set_back (void **state)
{
    (void)state;
    bf_timers *timers = timers_awake (64);
    arm (timers, timer (WALL, 1, BF_HOUR_US));
    arm (timers, timer (WALL, 2, 2 * BF_HOUR_US));
    bf_timers_sleep (timers);
    bf_now now = at (BF_SECOND_US);
    now.wall.us = EPOCH_US + 3 * BF_HOUR_US;
    uint64_t batch = expect_due (timers, now, 1, 3 * BF_HOUR_US);
    now = at (BF_SECOND_US + BF_TIMERS_LOOK_US);
    bf_timers_look (timers, now);
    bf_timers_settled (timers, batch);
    expect_caught_up (timers, now.wall.us, now.wall.us);
    bf_timers_sleep (timers);
    settle_due (timers, at (2 * BF_HOUR_US), 2, 0);
    bf_timers_destroy (&timers);
}

/* A reset alone is no absence, and ends none. */
static void
test_reset (void **state)
{
    (void)state;
    const int64_t hour_us = BF_HOUR_US;
    bf_timers *timers = timers_awake (64);
    arm (timers, timer (WALL, 1, 10));
    arm (timers, timer (WALL, 2, 20));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (hour_us), 1, hour_us);
    bf_timers_reset (timers);
    bf_timers_settled (timers, batch);
    expect_behind (timers);
    const bf_timer rows[] = {timer (WALL, 2, 20), timer (WALL, 3, hour_us)};
    refill (timers, WALL, rows, 2, true);
    refill (timers, BOOT, NULL, 0, true);
    refill (timers, RUN, NULL, 0, true);
    refill (timers, BF_SOURCE_REMIND_WALL, NULL, 0, true);
    refill (timers, BF_SOURCE_REMIND_BOOT, NULL, 0, true);
    settle_due (timers, at (hour_us + 1), 2, hour_us);
    expect_caught_up (timers, EPOCH_US + 10, EPOCH_US + hour_us);
    settle_due (timers, at (hour_us + 1), 3, 0);
    bf_timers_destroy (&timers);
}

/* Where nothing fired meanwhile, it is. */
static void
test_reset_after_a_full_disk (void **state)
{
    (void)state;
    const int64_t full_us = BF_HOUR_US, room_us = 2 * BF_HOUR_US;
    bf_timers *timers = timers_awake (64);
    bf_timers_look (timers, at (room_us));
    bf_timers_reset (timers);
    bf_timers_away (timers, (bf_boot){full_us}, at (room_us));
    expect_behind (timers);
    const bf_timer rows[] = {timer (WALL, 1, full_us - 1), timer (WALL, 2, full_us)};
    refill (timers, WALL, rows, 2, true);
    refill (timers, BOOT, NULL, 0, true);
    refill (timers, RUN, NULL, 0, true);
    refill (timers, BF_SOURCE_REMIND_WALL, NULL, 0, true);
    refill (timers, BF_SOURCE_REMIND_BOOT, NULL, 0, true);
    settle_due (timers, at (room_us), 1, 0);
    settle_due (timers, at (room_us), 2, room_us);
    expect_caught_up (timers, EPOCH_US + full_us, EPOCH_US + room_us);
    bf_timers_destroy (&timers);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_asleep_for_a_week),
        cmocka_unit_test (test_rows_that_come_by_refills),
        cmocka_unit_test (test_backlog_is_no_lateness),
        cmocka_unit_test (test_store_that_takes_its_time),
        cmocka_unit_test (test_stopped_with_a_batch_out),
        cmocka_unit_test (test_set_forward_with_a_batch_out),
        cmocka_unit_test (test_stopped_with_a_refill_out),
        cmocka_unit_test (test_wall_clock_set_forward),
        cmocka_unit_test (test_wall_clock_set_back),
        cmocka_unit_test (test_reset),
        cmocka_unit_test (test_reset_after_a_full_disk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
