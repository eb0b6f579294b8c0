/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock's core while it is away: which slots come with reached_us, and when it has
 * caught up. A backlog is no lateness. Absences at random are in test_timers_stops.c.
 */
#include "core/timers.h"

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

/* The same, with the process stopped in the middle: what was due before that only waits;
 * what came due meanwhile was out of reach. */
static void
test_stopped_with_a_batch_out (void **state)
{
    (void)state;
    bf_timers *timers = timers_awake (64);
    arm (timers, timer (WALL, 1, BF_MINUTE_US));
    arm (timers, timer (WALL, 2, BF_MINUTE_US));
    arm (timers, timer (WALL, 3, 2 * BF_MINUTE_US));
    arm (timers, timer (BOOT, 4, 3 * BF_MINUTE_US));
    bf_timers_sleep (timers);
    uint64_t batch = expect_due (timers, at (BF_MINUTE_US + 1), 1, 0);
    bf_timers_look (timers, at (BF_MINUTE_US + 500 * BF_MS_US));
    bf_timers_sleep (timers);
    bf_timers_settled (timers, batch);
    const int64_t back_us = 4 * BF_MINUTE_US;
    settle_due (timers, at (back_us), 2, 0);
    settle_due (timers, at (back_us), 3, back_us);
    settle_due (timers, at (back_us), 4, back_us);
    expect_caught_up (timers, EPOCH_US + BF_MINUTE_US + 500 * BF_MS_US + 1,
                      EPOCH_US + back_us);
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
    now = at (2 * BF_SECOND_US);
    bf_timers_look (timers, now);
    bf_timers_settled (timers, batch);
    expect_caught_up (timers, now.wall.us, now.wall.us);
    bf_timers_sleep (timers);
    settle_due (timers, at (2 * BF_HOUR_US), 2, 0);
    bf_timers_destroy (&timers);
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
    assert_int_equal (bf_timers_count (timers), 2);
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
        cmocka_unit_test (test_stopped_with_a_batch_out),
        cmocka_unit_test (test_stopped_with_a_refill_out),
        cmocka_unit_test (test_wall_clock_set_forward),
        cmocka_unit_test (test_wall_clock_set_back),
        cmocka_unit_test (test_slots_that_are_put_off),
        cmocka_unit_test (test_owed_rows_beyond_the_horizon),
        cmocka_unit_test (test_reset),
        cmocka_unit_test (test_reset_after_a_full_disk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
