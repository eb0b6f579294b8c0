/* SPDX-License-Identifier: MPL-2.0
 *
 * The clock's core, stopped at random, beside a store that is a table of rows and a naive
 * list of all absences: each slot has the end of the absence that it was due in, however
 * late and by whatever way it comes, and is told to be caught up with when none is left.
 */
#include "core/timers.h"

#include <stdlib.h>
#include <string.h>

#include "core/absence.h"
#include "core/base/hash.h"
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

static void
arm (bf_timers *timers, bf_timer armed)
{
    assert_int_equal (bf_timers_arm (timers, armed), BF_OK);
}

/* The store: one row per job and source, armed or not; and every absence that there was,
 * since when by each clock. */
enum { JOBS = 60, CAPACITY = 8, LIMIT = 5, BATCH = 4, WAKES = 1500, LIVES = 20 };

typedef struct {
    int64_t wall_us;
    int64_t boot_us;
    int64_t until_us;
} gap_t;

typedef struct {
    bf_timers *timers;
    int64_t now_us;
    uint64_t dice;
    bool armed[BF_SOURCES][JOBS];
    bf_timer rows[BF_SOURCES][JOBS];
    bool asked[BF_SOURCES];
    bf_timer after[BF_SOURCES];
    bf_timer batch[BATCH];
    size_t n_batch;
    uint64_t batch_number;
    gap_t gaps[WAKES + 1];
    size_t n_gaps;
    size_t first_gap; /* not told yet */
    unsigned late;
    unsigned in_time;
    unsigned told;
} play_t;

static uint64_t
roll (play_t *play, uint64_t sides)
{
    play->dice = bf_mix (play->dice + 1);
    return play->dice % sides;
}

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
play_refill (play_t *play, int source)
{
    bf_timer rows[JOBS];
    size_t count = 0;
    for (size_t job = 0; job < JOBS; job++) {
        const bf_timer *row = &play->rows[source][job];
        if (play->armed[source][job] && compare (row, &play->after[source]) > 0) {
            rows[count++] = *row;
        }
    }
    qsort (rows, count, sizeof rows[0], compare);
    size_t given = count < LIMIT ? count : LIMIT;
    assert_int_equal (bf_timers_refilled (play->timers, (bf_timer_source)source, rows,
                                          given, given == count),
                      BF_OK);
    play->asked[source] = false;
}

static void
play_arm (play_t *play, bf_timer row)
{
    play->armed[row.source][row.job] = true;
    play->rows[row.source][row.job] = row;
    arm (play->timers, row);
}

/* Commits the batch. Now and then the next slot of a job is late as well, and put off. */
static void
play_settle (play_t *play)
{
    for (size_t i = 0; i < play->n_batch; i++) {
        bf_timer fired = play->batch[i];
        play->armed[fired.source][fired.job] = false;
        int64_t slot_us = fired.slot_us != 0 ? fired.slot_us : fired.due_us;
        if (fired.reached_us > slot_us + 2 && roll (play, 3) == 0) {
            fired.due_us = instant (fired.source, play->now_us + BF_LATE_PACE_US);
            fired.slot_us = slot_us + 1;
            fired.reached_us = 0;
            play_arm (play, fired);
        }
    }
    bf_timers_settled (play->timers, play->batch_number);
    play->n_batch = 0;
}

static int64_t
naive_reached (const play_t *play, const bf_timer *slot)
{
    int64_t slot_us = slot->slot_us != 0 ? slot->slot_us : slot->due_us;
    int64_t reached_us = 0;
    bool is_slot = slot->source < RUN;
    for (size_t i = play->first_gap; i < play->n_gaps && is_slot; i++) {
        int64_t from_us =
            slot->source == WALL ? play->gaps[i].wall_us : play->gaps[i].boot_us;
        if (instant (slot->source, from_us) <= slot_us &&
            slot_us < instant (slot->source, play->gaps[i].until_us)) {
            reached_us = instant (slot->source, play->gaps[i].until_us);
        }
    }
    return reached_us;
}

/* Nothing in the rows or in the batch was due before the end of an absence. */
static void
play_check_told (play_t *play, bf_wall from, bf_wall until)
{
    const gap_t *first = &play->gaps[play->first_gap];
    const gap_t *last = &play->gaps[play->n_gaps - 1];
    assert_true (play->first_gap < play->n_gaps);
    int64_t from_us = play->first_gap > 0 ? EPOCH_US + first->wall_us : 0;
    assert_true (from.us == from_us);
    assert_true (until.us == EPOCH_US + last->until_us);
    assert_int_equal (play->n_batch, 0);
    for (int source = 0; source < BF_SOURCES; source++) {
        for (size_t job = 0; job < JOBS; job++) {
            const bf_timer *row = &play->rows[source][job];
            int64_t slot_us = row->slot_us != 0 ? row->slot_us : row->due_us;
            assert_true (!play->armed[source][job] ||
                         slot_us >= instant ((bf_timer_source)source, last->until_us));
        }
    }
    play->first_gap = play->n_gaps;
    play->told++;
}

/* What the clock actor does after whatever woke it up. */
static void
play_wake (play_t *play)
{
    bf_now now = at (play->now_us);
    bf_timers_look (play->timers, now);
    if (play->n_batch == 0) {
        play->n_batch =
            bf_timers_due (play->timers, now, play->batch, BATCH, &play->batch_number);
        for (size_t i = 0; i < play->n_batch; i++) {
            const bf_timer *slot = &play->batch[i];
            int64_t reached_us = naive_reached (play, slot);
            if (slot->reached_us != reached_us) {
                fail_msg ("job %d reached at %lld, not %lld", (int)slot->job,
                          (long long)slot->reached_us, (long long)reached_us);
            }
            play->late += reached_us != 0;
            play->in_time += reached_us == 0;
        }
    }
    bf_wall from, until;
    if (bf_timers_caught_up (play->timers, &from, &until)) {
        play_check_told (play, from, until);
    }
    for (int source = 0; source < BF_SOURCES; source++) {
        if (!play->asked[source]) {
            play->asked[source] = bf_timers_want (play->timers, (bf_timer_source)source,
                                                  &play->after[source]);
        }
    }
    bf_timers_sleep (play->timers);
}

static int64_t
sooner (int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When the wall clock's alarm rings; INT64_MAX for never. */
static int64_t
play_wall_alarm (const play_t *play)
{
    int64_t wall_us = bf_timers_next_wall (play->timers).us;
    return wall_us == INT64_MAX ? INT64_MAX : wall_us - EPOCH_US;
}

/* When the first of the alarms rings. */
static int64_t
play_alarm (const play_t *play)
{
    return sooner (play_wall_alarm (play), bf_timers_next_boot (play->timers).us);
}

/* Since when it was away by a clock whose alarm was set to that; `until` where it was not.
 */
static int64_t
play_away_since (int64_t alarm_us, int64_t until_us)
{
    return alarm_us < until_us - BF_AWAY_US ? alarm_us : until_us;
}

/* Time goes on until something wakes the clock; or the process is stopped meanwhile. */
static void
play_sleep (play_t *play, bool stops)
{
    int64_t wall_us = play_wall_alarm (play);
    int64_t boot_us = bf_timers_next_boot (play->timers).us;
    int64_t length_us = 1 + (int64_t)roll (play, stops ? 6000 : 60) * BF_MS_US;
    int64_t until_us = play->now_us + length_us;
    int64_t alarm_us = play_alarm (play);
    assert_true (alarm_us > play->now_us);
    if (!stops) {
        until_us = sooner (alarm_us, until_us);
    }
    gap_t gap = {.boot_us = play_away_since (boot_us, until_us), .until_us = until_us};
    gap.wall_us = sooner (play_away_since (wall_us, until_us), gap.boot_us);
    if (gap.wall_us < until_us) {
        play->gaps[play->n_gaps++] = gap;
    }
    play->now_us = until_us;
}

/* A message for the clock, or none. */
static void
play_hear (play_t *play)
{
    bf_timer_source source = (bf_timer_source)roll (play, BF_SOURCES);
    uint64_t job = roll (play, JOBS);
    switch (roll (play, 8)) {
    case 0:
    case 1:
        play_arm (play, timer (source, job, play->now_us + (int64_t)roll (play, 3000000)));
        break;
    case 2:
        play->armed[source][job] = false;
        bf_timers_disarm (play->timers, timer (source, job, 0));
        break;
    case 3:
    case 4:
    case 5:
        for (int i = 0; i < BF_SOURCES; i++) {
            if (play->asked[i]) {
                play_refill (play, i);
            }
        }
        break;
    default:
        play_settle (play);
    }
}

static void
test_random_stops (void **state)
{
    (void)state;
    unsigned late = 0, in_time = 0, told = 0;
    for (uint64_t life = 1; life <= LIVES; life++) {
        static play_t play;
        memset (&play, 0, sizeof play);
        play.timers = bf_timers_new (CAPACITY, life);
        play.dice = life << 32;
        play.now_us = BF_DAY_US;
        play.gaps[play.n_gaps++] = (gap_t){.until_us = BF_DAY_US};
        for (uint64_t job = 0; job < JOBS / 2; job++) {
            play_arm (&play, timer (job % 2 == 0 ? WALL : BOOT, job,
                                    (int64_t)roll (&play, 2 * BF_DAY_US)));
        }
        for (int wake = 0; wake < WAKES; wake++) {
            play_wake (&play);
            bool few = play.n_gaps - play.first_gap < BF_ABSENCES;
            play_sleep (&play, few && roll (&play, 12) == 0);
            play_hear (&play);
        }
        /* Whatever is left comes, and then there is nothing to catch up with. */
        for (int quiet = 0; quiet < 400; quiet++) {
            play_settle (&play);
            for (int i = 0; i < BF_SOURCES; i++) {
                if (play.asked[i]) {
                    play_refill (&play, i);
                }
            }
            play_wake (&play);
            int64_t alarm_us = play_alarm (&play);
            play.now_us = alarm_us > play.now_us + BF_SECOND_US ? play.now_us + 500
                          : alarm_us > play.now_us              ? alarm_us
                                                                : play.now_us;
        }
        assert_int_equal (play.first_gap, play.n_gaps);
        late += play.late;
        in_time += play.in_time;
        told += play.told;
        bf_timers_destroy (&play.timers);
    }
    assert_true (late > 1000);
    assert_true (in_time > 1000);
    assert_true (told > 10 * LIVES);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_random_stops),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
