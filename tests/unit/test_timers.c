/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock's core: never early, oldest first, one batch at a time, and a horizon that
 * loses no timer. The last test plays the store with a table of rows and arms, moves and
 * disarms at random.
 */
#include "core/timers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "tests/support/cmocka.h"

static const bf_timer_source WALL = BF_SOURCE_SLOT_WALL;
static const bf_timer_source BOOT = BF_SOURCE_SLOT_BOOT;
static const bf_timer_source RUN = BF_SOURCE_RUN;

static bf_timer
timer (bf_timer_source source, uint64_t job, uint32_t ordinal, int64_t due_us)
{
    return (bf_timer){.source = source,
                      .job = job,
                      .ordinal = ordinal,
                      .due_us = due_us,
                      .queue = (uint32_t)job + 100};
}

static bf_now
at (int64_t wall, int64_t boot)
{
    return (bf_now){.wall = {wall}, .boot = {boot}};
}

/* Every source told that there are no rows. */
static bf_timers *
timers_known (size_t capacity)
{
    bf_timers *timers = bf_timers_new (capacity, 1);
    assert_non_null (timers);
    for (int source = 0; source < BF_SOURCES; source++) {
        bf_timer after;
        assert_true (bf_timers_want (timers, (bf_timer_source)source, &after));
        assert_int_equal (
            bf_timers_refilled (timers, (bf_timer_source)source, NULL, 0, true), BF_OK);
    }
    return timers;
}

static void
arm (bf_timers *timers, bf_timer armed)
{
    assert_int_equal (bf_timers_arm (timers, armed), BF_OK);
}

/* What is due, as "JOB.ORDINAL" in order, and settles it. */
static const char *
due (bf_timers *timers, bf_now now, size_t size)
{
    static char text[4096];
    bf_timer out[64];
    uint64_t batch = 0;
    size_t count = bf_timers_due (timers, now, out, size, &batch), used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        assert_int_equal (out[i].queue, out[i].job + 100);
        used += (size_t)snprintf (text + used, sizeof text - used, "%s%llu.%u",
                                  i > 0 ? " " : "", (unsigned long long)out[i].job,
                                  out[i].ordinal);
    }
    bf_timers_settled (timers, batch);
    return text;
}

/* How many are held: all of them are due at the end of time. They are held again after it.
 */
static size_t
held (bf_timers *timers)
{
    bf_timer out[64];
    uint64_t batch = 0;
    size_t count = bf_timers_due (timers, at (INT64_MAX, INT64_MAX), out, 64, &batch);
    bf_timers_settled (timers, batch);
    for (size_t i = 0; i < count; i++) {
        arm (timers, out[i]);
    }
    return count;
}

static void
test_order_and_never_early (void **state)
{
    (void)state;
    static const struct {
        int64_t wall;
        int64_t boot;
        size_t size;
        const char *due;
    } rows[] = {
        {999, 99, 64, ""},          {1000, 0, 64, "1.0"},   {1000, 99, 64, ""},
        {1001, 100, 64, "3.0"},     {5000, 150, 64, "2.0"}, {5000, 200, 64, "4.2 4.1"},
        {5000, 350, 64, "6.9 5.0"}, {7000, 400, 1, "7.0"},  {7000, 400, 1, "8.0"},
        {7000, 400, 1, "9.0"},      {7000, 400, 1, ""},
    };
    bf_timers *timers = timers_known (64);
    arm (timers, timer (WALL, 1, 0, 1000));
    arm (timers, timer (WALL, 2, 0, 5000));
    arm (timers, timer (BOOT, 3, 0, 100));
    arm (timers, timer (RUN, 4, 1, 200));
    arm (timers, timer (RUN, 4, 2, 199));
    arm (timers, timer (BOOT, 5, 0, 310));
    arm (timers, timer (RUN, 6, 9, 300));
    arm (timers, timer (WALL, 8, 0, 6500));
    arm (timers, timer (WALL, 9, 0, 6500));
    arm (timers, timer (WALL, 7, 0, 6400));
    assert_int_equal (held (timers), 10);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = due (timers, at (rows[i].wall, rows[i].boot), rows[i].size);
        assert_string_equal (text, rows[i].due);
    }
    assert_int_equal (held (timers), 0);
    bf_timers_destroy (&timers);
    assert_null (timers);
    bf_timers_destroy (&timers);
}

static void
test_ends_of_the_range (void **state)
{
    (void)state;
    bf_timers *timers = timers_known (64);
    arm (timers, timer (WALL, 1, 0, INT64_MIN));
    arm (timers, timer (BOOT, 2, 0, INT64_MIN));
    arm (timers, timer (RUN, 3, 1, INT64_MAX));
    assert_string_equal (due (timers, at (INT64_MAX, 0), 64), "1.0 2.0");
    assert_string_equal (due (timers, at (0, INT64_MAX - 1), 64), "");
    assert_string_equal (due (timers, at (0, INT64_MAX), 64), "3.1");
    bf_timers_destroy (&timers);
}

static void
test_move_and_disarm (void **state)
{
    (void)state;
    bf_timers *timers = timers_known (64);
    arm (timers, timer (WALL, 1, 0, 1000));
    arm (timers, timer (WALL, 1, 0, 3000));
    arm (timers, timer (BOOT, 1, 0, 1000));
    arm (timers, timer (RUN, 1, 0, 1000));
    assert_int_equal (held (timers), 3);
    bf_timers_disarm (timers, timer (RUN, 1, 1, 0));
    bf_timers_disarm (timers, timer (RUN, 2, 0, 0));
    assert_int_equal (held (timers), 3);
    bf_timers_disarm (timers, timer (RUN, 1, 0, 0));
    bf_timers_disarm (timers, timer (RUN, 1, 0, 0));
    assert_int_equal (held (timers), 2);
    assert_string_equal (due (timers, at (2999, 1000), 64), "1.0");
    arm (timers, timer (WALL, 1, 0, 2000));
    assert_true (bf_timers_next_wall (timers).us == 2000);
    assert_string_equal (due (timers, at (2000, 0), 64), "1.0");
    assert_int_equal (held (timers), 0);
    bf_timers_destroy (&timers);
}

static void
test_one_batch_at_a_time (void **state)
{
    (void)state;
    bf_timer out[4];
    uint64_t batch = 77;
    bf_timers *timers = timers_known (64);
    assert_int_equal (bf_timers_due (timers, at (9, 9), out, 4, &batch), 0);
    assert_int_equal (batch, 77);
    for (uint64_t job = 1; job <= 6; job++) {
        arm (timers, timer (WALL, job, 0, (int64_t)job));
    }
    arm (timers, timer (BOOT, 7, 0, 7));
    assert_true (bf_timers_next_wall (timers).us == 1);
    assert_true (bf_timers_next_boot (timers).us == 7);
    arm (timers, timer (RUN, 7, 1, 6));
    assert_true (bf_timers_next_boot (timers).us == 6);
    bf_timers_disarm (timers, timer (RUN, 7, 1, 0));

    bf_timers_look (timers, at (9, 3));
    assert_int_equal (bf_timers_due (timers, at (9, 3), out, 4, &batch), 4);
    assert_int_equal (batch, 1);
    assert_int_equal (bf_timers_due (timers, at (9, 9), out, 4, &batch), 0);
    assert_true (bf_timers_next_wall (timers).us == 9 + BF_TIMERS_LOOK_US);
    assert_true (bf_timers_next_boot (timers).us == 3 + BF_TIMERS_LOOK_US);
    bf_timers_settled (timers, 0);
    bf_timers_settled (timers, 2);
    assert_int_equal (bf_timers_due (timers, at (9, 9), out, 4, &batch), 0);
    bf_timers_settled (timers, 1);
    assert_true (bf_timers_next_wall (timers).us == 5);

    assert_int_equal (bf_timers_due (timers, at (9, 9), out, 4, &batch), 3);
    assert_int_equal (batch, 2);
    bf_timers_settled (timers, 1);
    arm (timers, timer (WALL, 8, 0, 0));
    assert_int_equal (bf_timers_due (timers, at (9, 9), out, 4, &batch), 0);
    bf_timers_settled (timers, 2);
    assert_int_equal (bf_timers_due (timers, at (9, 9), out, 4, &batch), 1);
    assert_int_equal (batch, 3);
    bf_timers_destroy (&timers);
}

static void
assert_after (bf_timer after, int64_t due_us, uint64_t job, uint32_t ordinal)
{
    assert_true (after.due_us == due_us);
    assert_int_equal (after.job, job);
    assert_int_equal (after.ordinal, ordinal);
}

static void
test_refill_from_the_beginning (void **state)
{
    (void)state;
    bf_timer after;
    bf_timers *timers = bf_timers_new (8, 1);
    /* Before it knows anything, everything lies beyond the horizon. */
    arm (timers, timer (RUN, 1, 1, 10));
    assert_int_equal (held (timers), 0);
    assert_true (bf_timers_want (timers, RUN, &after));
    assert_int_equal (after.source, RUN);
    assert_after (after, INT64_MIN, 0, 0);
    assert_false (bf_timers_want (timers, RUN, &after));
    arm (timers, timer (RUN, 1, 1, 10));
    assert_int_equal (held (timers), 0);

    const bf_timer first[] = {timer (RUN, 1, 1, 10), timer (RUN, 1, 2, 10)};
    assert_int_equal (bf_timers_refilled (timers, RUN, first, 2, false), BF_OK);
    assert_int_equal (held (timers), 2);
    /* Two of eight: not low. Within the horizon is held, beyond is not. */
    assert_false (bf_timers_want (timers, RUN, &after));
    arm (timers, timer (RUN, 1, 2, 10));
    assert_int_equal (held (timers), 2);
    arm (timers, timer (RUN, 1, 3, 10));
    arm (timers, timer (RUN, 2, 0, 10));
    arm (timers, timer (RUN, 0, 9, 11));
    assert_int_equal (held (timers), 2);
    arm (timers, timer (RUN, 0, 9, 10));
    assert_int_equal (held (timers), 3);
    /* Moved beyond: disarmed. */
    arm (timers, timer (RUN, 1, 1, 12));
    arm (timers, timer (RUN, 1, 2, 12));
    assert_int_equal (held (timers), 1);

    assert_true (bf_timers_want (timers, RUN, &after));
    assert_after (after, 10, 1, 2);
    const bf_timer second[] = {timer (RUN, 1, 1, 12), timer (RUN, 1, 2, 12)};
    assert_int_equal (bf_timers_refilled (timers, RUN, second, 2, true), BF_OK);
    arm (timers, timer (RUN, 3, 0, INT64_MAX));
    assert_int_equal (held (timers), 4);
    bf_timers_disarm (timers, second[0]);
    bf_timers_disarm (timers, second[1]);
    bf_timers_disarm (timers, timer (RUN, 3, 0, 0));
    assert_false (bf_timers_want (timers, RUN, &after));
    bf_timers_destroy (&timers);
}

static void
test_answers_that_nobody_waits_for (void **state)
{
    (void)state;
    bf_timer after;
    const bf_timer old[] = {timer (WALL, 5, 0, 50)}, fresh[] = {timer (WALL, 1, 0, 10)};
    bf_timers *timers = bf_timers_new (8, 1);
    assert_int_equal (bf_timers_refilled (timers, WALL, old, 1, true), BF_OK);
    assert_int_equal (held (timers), 0);

    /* Asked, then reset, then asked again: the first answer is outdated. */
    assert_true (bf_timers_want (timers, WALL, &after));
    bf_timers_reset (timers);
    assert_true (bf_timers_want (timers, WALL, &after));
    assert_after (after, INT64_MIN, 0, 0);
    assert_int_equal (bf_timers_refilled (timers, WALL, old, 1, true), BF_OK);
    assert_int_equal (held (timers), 0);
    assert_int_equal (bf_timers_refilled (timers, WALL, fresh, 1, true), BF_OK);
    assert_string_equal (due (timers, at (99, 0), 64), "1.0");
    bf_timers_destroy (&timers);
}

static void
test_reset (void **state)
{
    (void)state;
    bf_timer out[4], after;
    uint64_t batch = 0;
    bf_timers *timers = timers_known (64);
    arm (timers, timer (WALL, 1, 0, 1));
    arm (timers, timer (WALL, 2, 0, 2));
    arm (timers, timer (RUN, 3, 1, 3));
    assert_int_equal (bf_timers_due (timers, at (1, 0), out, 4, &batch), 1);
    bf_timers_reset (timers);
    assert_int_equal (held (timers), 0);
    for (int source = 0; source < BF_SOURCES; source++) {
        assert_true (bf_timers_want (timers, (bf_timer_source)source, &after));
        assert_after (after, INT64_MIN, 0, 0);
    }
    const bf_timer rows[] = {timer (WALL, 1, 0, 1), timer (WALL, 2, 0, 2)};
    assert_int_equal (bf_timers_refilled (timers, WALL, rows, 2, true), BF_OK);
    assert_int_equal (bf_timers_due (timers, at (9, 0), out, 4, &batch), 2);
    /* The batch from before the reset is settled late: not the one that is out now. */
    bf_timers_settled (timers, 1);
    arm (timers, timer (WALL, 4, 0, 4));
    assert_int_equal (bf_timers_due (timers, at (9, 0), out, 4, &batch), 0);
    bf_timers_settled (timers, batch);
    assert_int_equal (bf_timers_due (timers, at (9, 0), out, 4, &batch), 1);
    bf_timers_destroy (&timers);
}

static void
test_trim (void **state)
{
    (void)state;
    bf_timer after;
    bf_timers *timers = timers_known (8);
    for (uint64_t job = 9; job >= 1; job--) {
        arm (timers, timer (WALL, job, 0, (int64_t)job * 10));
    }
    arm (timers, timer (BOOT, 1, 0, 10));
    /* The ninth was one too many: the near half of eight is kept. */
    assert_int_equal (held (timers), 5);
    arm (timers, timer (WALL, 20, 0, 41));
    arm (timers, timer (WALL, 21, 0, 40));
    assert_int_equal (held (timers), 5);
    arm (timers, timer (WALL, 0, 0, 40));
    assert_int_equal (held (timers), 6);
    assert_false (bf_timers_want (timers, WALL, &after));
    assert_string_equal (due (timers, at (100, 0), 64), "1.0 2.0 3.0 0.0 4.0");
    assert_true (bf_timers_want (timers, WALL, &after));
    assert_after (after, 40, 4, 0);
    bf_timers_destroy (&timers);
}

/* A refill is asked for, then the near end fills up so much that the horizon moves back:
 * the answer would leave a gap, so it is asked for again. */
static void
test_trim_while_asked (void **state)
{
    (void)state;
    bf_timer after;
    bf_timers *timers = bf_timers_new (8, 1);
    assert_true (bf_timers_want (timers, WALL, &after));
    const bf_timer first[] = {timer (WALL, 1, 0, 1000)};
    assert_int_equal (bf_timers_refilled (timers, WALL, first, 1, false), BF_OK);
    assert_true (bf_timers_want (timers, WALL, &after));
    assert_after (after, 1000, 1, 0);
    for (uint64_t job = 2; job <= 9; job++) {
        arm (timers, timer (WALL, job, 0, (int64_t)job));
    }
    assert_int_equal (held (timers), 4);
    const bf_timer second[] = {timer (WALL, 50, 0, 2000)};
    assert_int_equal (bf_timers_refilled (timers, WALL, second, 1, true), BF_OK);
    assert_int_equal (held (timers), 4);
    assert_string_equal (due (timers, at (9999, 0), 64), "2.0 3.0 4.0 5.0");
    assert_true (bf_timers_want (timers, WALL, &after));
    assert_after (after, 5, 5, 0);
    bf_timers_destroy (&timers);
}

static void
test_refill_over_capacity (void **state)
{
    (void)state;
    bf_timer rows[20], after;
    bf_timers *timers = bf_timers_new (8, 1);
    for (uint64_t i = 0; i < 20; i++) {
        rows[i] = timer (WALL, i + 1, 0, (int64_t)i);
    }
    assert_true (bf_timers_want (timers, WALL, &after));
    assert_int_equal (bf_timers_refilled (timers, WALL, rows, 20, true), BF_OK);
    assert_int_equal (held (timers), 4);
    assert_string_equal (due (timers, at (99, 0), 64), "1.0 2.0 3.0 4.0");
    assert_true (bf_timers_want (timers, WALL, &after));
    assert_after (after, 3, 4, 0);
    bf_timers_destroy (&timers);
}

/* The store of the last test: rows by job; a row is armed, or fired. */
enum { JOBS = 400, STEPS = 20000, CAPACITY = 16, LIMIT = 12 };

typedef struct {
    bool armed[JOBS];
    int64_t due_us[JOBS];
    bf_timers *timers;
    bool asked;
    bf_timer after;
    bf_timer batch[JOBS];
    size_t n_batch;
    uint64_t batch_number;
    unsigned fired;
    bool end;         /* it was told of all rows… */
    bf_timer horizon; /* …or of those up to here */
    unsigned trimmed;
} play_t;

static int
compare (const void *a, const void *b)
{
    const bf_timer *left = a, *right = b;
    if (left->due_us != right->due_us) {
        return left->due_us < right->due_us ? -1 : 1;
    }
    return left->job < right->job ? -1 : left->job > right->job;
}

static void
play_refill (play_t *play)
{
    bf_timer rows[JOBS];
    size_t count = 0;
    for (uint64_t job = 0; job < JOBS; job++) {
        bf_timer row = timer (WALL, job, 0, play->due_us[job]);
        if (play->armed[job] && compare (&row, &play->after) > 0) {
            rows[count++] = row;
        }
    }
    qsort (rows, count, sizeof rows[0], compare);
    size_t given = count < LIMIT ? count : LIMIT;
    assert_int_equal (bf_timers_refilled (play->timers, WALL, rows, given, given == count),
                      BF_OK);
    play->asked = false;
    play->end = given == count;
    play->horizon = given > 0 ? rows[given - 1] : play->after;
}

/* It asks for what it had been told before: that was dropped. */
static void
play_want (play_t *play)
{
    if (!play->asked) {
        play->asked = bf_timers_want (play->timers, WALL, &play->after);
        play->trimmed +=
            play->asked && (play->end || compare (&play->after, &play->horizon) < 0);
    }
}

/* Never are more due than may be held. */
static void
play_due (play_t *play, int64_t now)
{
    play->n_batch =
        bf_timers_due (play->timers, at (now, 0), play->batch, JOBS, &play->batch_number);
    assert_true (play->n_batch <= CAPACITY);
}

/* Commits the batch: fires each row that is still armed and due. */
static void
play_settle (play_t *play, int64_t now)
{
    for (size_t i = 0; i < play->n_batch; i++) {
        uint64_t job = play->batch[i].job;
        assert_true (play->batch[i].due_us <= now);
        if (play->armed[job] && play->due_us[job] <= now) {
            play->armed[job] = false;
            bf_timers_disarm (play->timers, play->batch[i]);
            play->fired++;
        }
    }
    bf_timers_settled (play->timers, play->batch_number);
    play->n_batch = 0;
}

static void
play_step (play_t *play, uint64_t dice, int64_t now)
{
    uint64_t job = dice % JOBS;
    switch (dice >> 61) {
    case 0:
    case 1:
    case 2:
        play->armed[job] = true;
        play->due_us[job] = now + (int64_t)(dice >> 20) % ((dice & 0x8000) != 0 ? 300 : 9);
        arm (play->timers, timer (WALL, job, 0, play->due_us[job]));
        break;
    case 3:
        play->armed[job] = false;
        bf_timers_disarm (play->timers, timer (WALL, job, 0, 0));
        break;
    case 4:
        if (play->asked) {
            play_refill (play);
        }
        break;
    case 5:
        play_settle (play, now);
        break;
    default:
        if (play->n_batch == 0) {
            play_due (play, now);
        }
    }
    play_want (play);
}

static void
test_no_timer_is_missed (void **state)
{
    (void)state;
    static play_t play;
    play.timers = bf_timers_new (CAPACITY, 9);
    int64_t now = 0;
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint64_t dice = bf_mix (step * 3);
        now += (int64_t)(dice >> 40) % 3;
        play_step (&play, dice, now);
        if (bf_mix (step) % 5000 == 0) {
            bf_timers_reset (play.timers);
            if (play.asked) {
                play_refill (&play);
            }
            play.end = false;
            play.horizon.due_us = INT64_MIN;
            play_want (&play);
        }
    }
    now += 300;
    for (size_t silent = 0; silent < 3;) {
        if (play.asked) {
            play_refill (&play);
        }
        play_settle (&play, now);
        play_due (&play, now);
        silent = play.n_batch > 0 ? 0 : silent + 1;
        play_want (&play);
    }
    for (size_t job = 0; job < JOBS; job++) {
        assert_false (play.armed[job]);
    }
    assert_true (play.fired > 1000);
    assert_true (play.trimmed > 10);
    bf_timers_destroy (&play.timers);
}

/* More timers than the first table of buckets has. */
static void
test_many (void **state)
{
    (void)state;
    enum { MANY = 20000 };
    bf_timers *timers = timers_known (BF_TIMERS_CAPACITY);
    for (uint64_t i = 0; i < MANY; i++) {
        arm (timers,
             timer (RUN, i / 2 + 1, (uint32_t)(i % 2) + 1, (int64_t)(bf_mix (i) % 100000)));
    }
    for (uint64_t i = 0; i < MANY; i += 2) {
        bf_timers_disarm (timers, timer (RUN, i / 2 + 1, 1, 0));
    }
    int64_t last = -1;
    bf_timer out[BF_TIMERS_BATCH];
    uint64_t batch;
    size_t count, total = 0;
    while ((count = bf_timers_due (timers, at (0, 100000), out, BF_TIMERS_BATCH, &batch)) >
           0) {
        for (size_t i = 0; i < count; i++) {
            assert_int_equal (out[i].ordinal, 2);
            assert_true (out[i].due_us >= last);
            last = out[i].due_us;
        }
        total += count;
        bf_timers_settled (timers, batch);
    }
    assert_int_equal (total, MANY / 2);
    bf_timers_destroy (&timers);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_order_and_never_early),
        cmocka_unit_test (test_ends_of_the_range),
        cmocka_unit_test (test_move_and_disarm),
        cmocka_unit_test (test_one_batch_at_a_time),
        cmocka_unit_test (test_refill_from_the_beginning),
        cmocka_unit_test (test_answers_that_nobody_waits_for),
        cmocka_unit_test (test_reset),
        cmocka_unit_test (test_trim),
        cmocka_unit_test (test_trim_while_asked),
        cmocka_unit_test (test_refill_over_capacity),
        cmocka_unit_test (test_no_timer_is_missed),
        cmocka_unit_test (test_many),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
