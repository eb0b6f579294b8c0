/* SPDX-License-Identifier: MPL-2.0
 *
 * Absences: which are found, where they begin and end on each clock, and what becomes of
 * them when the wall clock is set.
 */
#include "core/absence.h"

#include "core/base/hash.h"
#include "tests/support/cmocka.h"

/* The wall clock of these tests, when the boot clock shows 0. */
#define EPOCH_US (1000 * BF_DAY_US)
#define NEVER INT64_MAX

static bf_now
at (int64_t us)
{
    return (bf_now){.wall = {EPOCH_US + us}, .boot = {us}};
}

/* Started a day ago, and caught up. */
static bf_absences
awake (int64_t us)
{
    bf_absences self = {0};
    bf_wall from, until;
    bf_absences_look (&self, at (us));
    bf_absences_forget (&self, &from, &until);
    return self;
}

static void
assert_reached (const bf_absences *self, int64_t slot_us, int64_t wall_us, int64_t boot_us)
{
    int64_t wall = bf_absences_wall_reached (self, (bf_wall){EPOCH_US + slot_us});
    int64_t boot = bf_absences_boot_reached (self, (bf_boot){slot_us});
    if (wall != (wall_us != 0 ? EPOCH_US + wall_us : 0) || boot != boot_us) {
        fail_msg ("the slot at %lld was reached at %lld and %lld", (long long)slot_us,
                  (long long)(wall - EPOCH_US), (long long)boot);
    }
}

static void
test_before_the_first_look (void **state)
{
    (void)state;
    bf_absences self = {0};
    bf_wall from, until;
    bf_absences_sleep (&self, at (5));
    bf_absences_look (&self, at (BF_SECOND_US));
    assert_reached (&self, BF_SECOND_US - 1, BF_SECOND_US, BF_SECOND_US);
    assert_reached (&self, INT64_MIN / 2, BF_SECOND_US, BF_SECOND_US);
    assert_true (bf_absences_boot_reached (&self, (bf_boot){INT64_MIN}) == BF_SECOND_US);
    /* What is due now came within reach when it was due. */
    assert_reached (&self, BF_SECOND_US, 0, 0);
    assert_reached (&self, BF_DAY_US, 0, 0);
    bf_absences_forget (&self, &from, &until);
    assert_true (from.us == 0);
    assert_true (until.us == EPOCH_US + BF_SECOND_US);
    assert_reached (&self, 0, 0, 0);
    assert_true (bf_absences_end (&self).wall.us == INT64_MIN);
}

/* Looked at 10 s; then at `now_s`. From when on it was away, in microseconds after 10 s. */
static void
test_one_gap (void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t wall_plan_us; /* after the look */
        int64_t boot_plan_us;
        int64_t slept_us;
        int64_t stepped_us; /* the wall clock, meanwhile */
        int64_t wall_us;    /* since when; -1: was not away */
        int64_t boot_us;
    } rows[] = {
        {"nothing planned", NEVER, NEVER, BF_DAY_US, 0, -1, -1},
        {"on time", 5000, NEVER, 5050, 0, -1, -1},
        {"late, but a thread's turn", 5000, 5000, 5000 + BF_AWAY_US, 0, -1, -1},
        {"late by the wall", 5000, NEVER, 5001 + BF_AWAY_US, 0, 5000, -1},
        {"late by both", 5000, 7000, BF_HOUR_US, 0, 5000, 7000},
        {"late by the boot clock", NEVER, 7000, BF_HOUR_US, 0, 7000, 7000},
        {"plan of the past", -5000, -7000, BF_HOUR_US, 0, 1, 1},
        {"plan of the beginning", INT64_MIN, INT64_MIN, BF_HOUR_US, 0, 1, 1},
        {"set forward over the plan", BF_HOUR_US, NEVER, 5, BF_DAY_US, BF_HOUR_US, -1},
        {"set forward over nothing", BF_DAY_US, NEVER, 5, BF_HOUR_US, -1, -1},
        {"set back", 5000, NEVER, BF_SECOND_US, -BF_DAY_US, -1, -1},
        {"set back and late", NEVER, 5000, BF_HOUR_US, -BF_DAY_US, 5000 - BF_DAY_US, 5000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int64_t start_us = 10 * BF_SECOND_US;
        bf_absences self = awake (start_us);
        bf_now planned = at (start_us);
        planned.wall.us = bf_us_add (planned.wall.us, rows[i].wall_plan_us);
        planned.boot.us = bf_us_add (planned.boot.us, rows[i].boot_plan_us);
        bf_absences_sleep (&self, planned);
        bf_now now = at (start_us + rows[i].slept_us);
        now.wall.us += rows[i].stepped_us;
        bf_absences_look (&self, now);
        bool found = self.count == 1;
        const bf_absence *absence = &self.list[0];
        int64_t wall_us = found ? absence->from.wall.us - at (start_us).wall.us : -1;
        int64_t boot_us = found && absence->from.boot.us < now.boot.us
                              ? absence->from.boot.us - start_us
                              : -1;
        if (wall_us != rows[i].wall_us || boot_us != rows[i].boot_us) {
            fail_msg ("%s: away since %lld and %lld", rows[i].name, (long long)wall_us,
                      (long long)boot_us);
        }
        assert_true (!found || absence->until.wall.us == now.wall.us);
        assert_true (!found || absence->until.boot.us == now.boot.us);
    }
}

/* Between waking up and going to sleep it is expected to go on at once. */
static void
test_stopped_while_awake (void **state)
{
    (void)state;
    bf_absences self = awake (0);
    bf_absences_look (&self, at (BF_AWAY_US));
    assert_int_equal (self.count, 0);
    bf_absences_look (&self, at (BF_DAY_US));
    assert_int_equal (self.count, 1);
    assert_reached (&self, BF_AWAY_US, 0, 0);
    assert_reached (&self, BF_AWAY_US + 1, BF_DAY_US, BF_DAY_US);
    assert_reached (&self, BF_DAY_US, 0, 0);
    bf_now now = at (BF_DAY_US);
    now.wall.us += BF_HOUR_US;
    bf_absences_look (&self, now);
    assert_reached (&self, BF_DAY_US + 1, BF_DAY_US + BF_HOUR_US, 0);
}

/* Two absences, and a time between in which it looked: its slots are in time. */
static void
test_one_after_another (void **state)
{
    (void)state;
    bf_absences self = awake (0);
    bf_absences_sleep (&self, at (BF_SECOND_US));
    bf_absences_look (&self, at (BF_HOUR_US));
    bf_absences_sleep (&self, at (2 * BF_HOUR_US));
    bf_absences_look (&self, at (3 * BF_HOUR_US));
    assert_reached (&self, BF_SECOND_US, BF_HOUR_US, BF_HOUR_US);
    assert_reached (&self, BF_HOUR_US, 0, 0);
    assert_reached (&self, 2 * BF_HOUR_US - 1, 0, 0);
    assert_reached (&self, 2 * BF_HOUR_US, 3 * BF_HOUR_US, 3 * BF_HOUR_US);
    assert_true (bf_absences_end (&self).boot.us == 3 * BF_HOUR_US);
    bf_wall from, until;
    bf_absences_forget (&self, &from, &until);
    assert_true (from.us == EPOCH_US + BF_SECOND_US);
    assert_true (until.us == EPOCH_US + 3 * BF_HOUR_US);
}

/* Nothing fired for an hour, though it was awake and away for a part of that. */
static void
test_told_by_the_caller (void **state)
{
    (void)state;
    bf_absences self = awake (0);
    bf_absences_sleep (&self, at (BF_MINUTE_US));
    bf_absences_look (&self, at (2 * BF_MINUTE_US));
    bf_absences_add (&self, (bf_boot){BF_SECOND_US}, at (BF_HOUR_US));
    assert_reached (&self, BF_SECOND_US - 1, 0, 0);
    assert_reached (&self, BF_SECOND_US, BF_HOUR_US, BF_HOUR_US);
    assert_reached (&self, BF_MINUTE_US, BF_HOUR_US, BF_HOUR_US);
    bf_absences_add (&self, (bf_boot){2 * BF_HOUR_US}, at (BF_HOUR_US));
    assert_int_equal (self.count, 2);
}

/* Set back into an absence: it ends now, and what comes after now is in time again. */
static void
test_set_back (void **state)
{
    (void)state;
    bf_absences self = awake (0);
    bf_absences_sleep (&self, at (BF_HOUR_US));
    bf_absences_look (&self, at (4 * BF_HOUR_US));
    bf_now now = at (4 * BF_HOUR_US);
    now.wall.us -= BF_HOUR_US;
    bf_absences_look (&self, now);
    assert_int_equal (self.count, 1);
    assert_reached (&self, 2 * BF_HOUR_US, 3 * BF_HOUR_US, 4 * BF_HOUR_US);
    assert_reached (&self, 3 * BF_HOUR_US + 5, 0, 4 * BF_HOUR_US);
    assert_true (bf_absences_end (&self).wall.us == now.wall.us);
    assert_true (bf_absences_end (&self).boot.us == 4 * BF_HOUR_US);

    now.wall.us -= 3 * BF_HOUR_US;
    bf_absences_look (&self, now);
    assert_reached (&self, 2 * BF_HOUR_US, 0, 4 * BF_HOUR_US);
    bf_wall from, until;
    bf_absences_forget (&self, &from, &until);
    assert_true (from.us == now.wall.us);
    assert_true (until.us == now.wall.us);
}

/* An idle clock hears of a slot that was due while the word of it lay unread: it had no
 * plan that it could have missed. */
static void
test_heard_late (void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t unread_us;
        int64_t stepped_us; /* the wall clock, meanwhile */
        int64_t wall_us;    /* away since, after it was said; -1: was not */
        int64_t boot_us;
    } rows[] = {
        {"at once", 50, 0, -1, -1},
        {"after a thread's turn", BF_AWAY_US, 0, -1, -1},
        {"after it was stopped", BF_AWAY_US + 1, 0, 0, 0},
        {"after an hour", BF_HOUR_US, 0, 0, 0},
        {"set forward", 50, BF_HOUR_US, 0, -1},
        {"set forward a little", 50, BF_AWAY_US / 2, -1, -1},
        {"set forward and stopped", BF_HOUR_US, BF_HOUR_US, 0, 0},
        {"set back and stopped", BF_HOUR_US, -BF_DAY_US, -BF_DAY_US, 0},
        {"set back", 50, -BF_DAY_US, -1, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int64_t said_us = 10 * BF_SECOND_US;
        bf_absences self = awake (BF_SECOND_US);
        bf_absences_sleep (&self, (bf_now){{NEVER}, {NEVER}});
        bf_now now = at (said_us + rows[i].unread_us);
        now.wall.us += rows[i].stepped_us;
        bf_absences_hear (&self, at (said_us), now);
        bf_absences_look (&self, now);
        bool found = self.count == 1;
        const bf_absence *absence = &self.list[0];
        int64_t wall_us = found ? absence->from.wall.us - at (said_us).wall.us : -1;
        int64_t boot_us = found && absence->from.boot.us < now.boot.us
                              ? absence->from.boot.us - said_us
                              : -1;
        if (wall_us != rows[i].wall_us || boot_us != rows[i].boot_us) {
            fail_msg ("%s: away since %lld and %lld", rows[i].name, (long long)wall_us,
                      (long long)boot_us);
        }
    }
}

/* A pile of words that lay unread together is one absence. */
static void
test_pile_heard_late (void **state)
{
    (void)state;
    bf_absences self = awake (BF_SECOND_US);
    for (int64_t i = 0; i < 100; i++) {
        bf_absences_hear (&self, at (BF_MINUTE_US + i), at (BF_HOUR_US + i));
    }
    assert_int_equal (self.count, 1);
    assert_reached (&self, BF_MINUTE_US, BF_HOUR_US + 99, BF_HOUR_US + 99);
    assert_reached (&self, BF_MINUTE_US - 1, 0, 0);
}

/* The start is the longest of all; of the others the shortest goes. */
static void
test_one_too_many (void **state)
{
    (void)state;
    bf_absences self = {0};
    int64_t now_us = BF_SECOND_US;
    bf_absences_look (&self, at (now_us));
    for (int64_t i = 1; i < BF_ABSENCES; i++) {
        int64_t hours = i == 3 ? 1 : 10 + i;
        bf_absences_sleep (&self, at (now_us + 1));
        now_us += hours * BF_HOUR_US;
        bf_absences_look (&self, at (now_us));
    }
    assert_int_equal (self.count, BF_ABSENCES);
    const int64_t third_us = BF_SECOND_US + 23 * BF_HOUR_US + 1;
    assert_reached (&self, third_us, third_us - 1 + BF_HOUR_US, third_us - 1 + BF_HOUR_US);

    bf_absences_sleep (&self, at (now_us + 1));
    bf_absences_look (&self, at (now_us + BF_MINUTE_US));
    assert_int_equal (self.count, BF_ABSENCES);
    assert_reached (&self, now_us + 1, 0, 0);

    now_us += BF_MINUTE_US;
    bf_absences_sleep (&self, at (now_us + 1));
    bf_absences_look (&self, at (now_us + BF_DAY_US));
    assert_int_equal (self.count, BF_ABSENCES);
    assert_reached (&self, third_us, 0, 0);
    assert_reached (&self, now_us + 1, now_us + BF_DAY_US, now_us + BF_DAY_US);
    assert_reached (&self, 0, BF_SECOND_US, BF_SECOND_US);
    for (size_t i = 1; i < self.count; i++) {
        assert_true (self.list[i - 1].until.boot.us <= self.list[i].until.boot.us);
    }
}

/* Random sleeps, stops and settings of the clock, against a list of all that happened. */
enum { LIVES = 300, EVENTS = 8, SLOTS = 200 };

typedef struct {
    int64_t from_us;
    int64_t until_us;
} gap_t;

static int64_t
expected (const gap_t *gaps, size_t count, int64_t slot_us)
{
    int64_t reached_us = 0;
    for (size_t i = 0; i < count; i++) {
        if (gaps[i].from_us <= slot_us && slot_us < gaps[i].until_us) {
            reached_us = gaps[i].until_us;
        }
    }
    return reached_us;
}

static void
test_random_lives (void **state)
{
    (void)state;
    for (uint64_t life = 1; life <= LIVES; life++) {
        gap_t gaps[EVENTS];
        size_t count = 0;
        int64_t now_us = 1;
        bf_absences self = awake (now_us);
        for (uint64_t event = 0; event < EVENTS; event++) {
            uint64_t dice = bf_mix (life * EVENTS + event);
            int64_t plan_us = now_us + 1 + (int64_t)(dice % 100) * BF_MS_US;
            bool planned = (dice >> 11) % 4 != 0;
            int64_t slept_us = (int64_t)((dice >> 20) % 3000) * BF_MS_US;
            bf_absences_sleep (&self,
                               planned ? at (plan_us) : (bf_now){{INT64_MAX}, {INT64_MAX}});
            gap_t gap = {.from_us = plan_us, .until_us = now_us + slept_us};
            if (planned && gap.until_us - plan_us > BF_AWAY_US) {
                gaps[count++] = gap;
            }
            now_us += slept_us;
            bf_absences_look (&self, at (now_us));
        }
        assert_int_equal (self.count, count);
        for (uint64_t i = 0; i < SLOTS; i++) {
            int64_t slot_us = (int64_t)(bf_mix (life + i * LIVES) % (uint64_t)now_us);
            int64_t reached_us = expected (gaps, count, slot_us);
            assert_reached (&self, slot_us, reached_us, reached_us);
        }
    }
}

static bf_now
clocks (int64_t wall_min, int64_t boot_min)
{
    return (bf_now){.wall = {EPOCH_US + wall_min * BF_MINUTE_US},
                    .boot = {boot_min * BF_MINUTE_US}};
}

/* What is heard of goes on with one that is known only where both clocks say so. */
static void
test_heard_apart (void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t known_from_min;
        int64_t known_until_min;
        int64_t said_wall_min, said_boot_min;
        int64_t wall_min, boot_min;
        size_t count;
    } rows[] = {
        {"the same one", 50, 60, 55, 55, 70, 70, 1},
        {"later", 0, 10, 60, 60, 70, 70, 2},
        {"the wall clock was set back before it", 100, 110, 10, 120, 20, 130, 2},
        {"the wall clock was set back into it", 0, 60, 10, 70, 20, 80, 2},
        {"it began earlier, the wall clock was set forward", 50, 60, 55, 10, 115, 70, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_absences self = {0};
        bf_absences_hear (&self, clocks (rows[i].known_from_min, rows[i].known_from_min),
                          clocks (rows[i].known_until_min, rows[i].known_until_min));
        bf_absences_hear (&self, clocks (rows[i].said_wall_min, rows[i].said_boot_min),
                          clocks (rows[i].wall_min, rows[i].boot_min));
        if (self.count != rows[i].count) {
            fail_msg ("%s: %zu absences", rows[i].what, self.count);
        }
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_before_the_first_look),
        cmocka_unit_test (test_one_gap),
        cmocka_unit_test (test_stopped_while_awake),
        cmocka_unit_test (test_one_after_another),
        cmocka_unit_test (test_told_by_the_caller),
        cmocka_unit_test (test_set_back),
        cmocka_unit_test (test_heard_late),
        cmocka_unit_test (test_pile_heard_late),
        cmocka_unit_test (test_heard_apart),
        cmocka_unit_test (test_one_too_many),
        cmocka_unit_test (test_random_lives),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
