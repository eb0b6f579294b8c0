/* SPDX-License-Identifier: MPL-2.0
 *
 * Slots by arithmetic: bounds to the microsecond, the ends of the years and of int64, and a
 * walk over the points of many grids, which must find the same.
 */
#include "core/trigger.h"

#include "tests/support/cmocka.h"
#include "tests/support/zones.h"

#define MAX BF_WALL_MAX_US
#define NONE INT64_MIN /* stands for: there is no such slot */
#define DAY BF_DAY_US
#define CENTURY (36525 * BF_DAY_US)

static const struct {
    bf_trigger_kind kind;
    bool recurs;
    bf_clock clock;
} kinds[] = {
    {BF_TRIGGER_AT, false, BF_CLOCK_WALL},   {BF_TRIGGER_AFTER, false, BF_CLOCK_BOOT},
    {BF_TRIGGER_EVERY, true, BF_CLOCK_WALL}, {BF_TRIGGER_CRON, true, BF_CLOCK_WALL},
    {BF_TRIGGER_DAILY, true, BF_CLOCK_WALL}, {BF_TRIGGER_RRULE, true, BF_CLOCK_WALL},
};

static void
test_kinds (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bf_trigger trigger = {.kind = kinds[i].kind, .us = 1};
        assert_int_equal (bf_trigger_recurs (&trigger), kinds[i].recurs);
        assert_int_equal (bf_trigger_clock (&trigger), kinds[i].clock);
        bool is_calendar = kinds[i].kind >= BF_TRIGGER_CRON;
        assert_int_equal (bf_trigger_is_calendar (&trigger), is_calendar);
        assert_int_equal (bf_trigger_is_zoned (&trigger), is_calendar);
        trigger.n_exclude = 1;
        assert_int_equal (bf_trigger_is_zoned (&trigger), kinds[i].recurs);
    }
}

static void
test_anchors (void **state)
{
    (void)state;
    static const struct {
        bf_trigger trigger;
        int64_t anchor_us;
    } rows[] = {
        {{.kind = BF_TRIGGER_AT, .us = 7}, 0},
        {{.kind = BF_TRIGGER_AFTER, .us = 7}, 0},
        {{.kind = BF_TRIGGER_EVERY, .us = 7}, 1000},
        {{.kind = BF_TRIGGER_EVERY, .us = 7, .start_us = 5}, 5},
        {{.kind = BF_TRIGGER_EVERY, .us = 7, .anchored = true, .anchor_us = 3}, 3},
        {{.kind = BF_TRIGGER_EVERY, .us = 7, .anchored = true, .start_us = 5}, 0},
        {{.kind = BF_TRIGGER_CRON, .start_us = 5}, 0},
        {{.kind = BF_TRIGGER_DAILY, .start_us = 5}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal (bf_trigger_anchor (&rows[i].trigger, NULL, 1000),
                          rows[i].anchor_us);
    }
    /* A rule begins at a whole second on the wall, within the years. */
    bf_zone *berlin = zone_of_name ("Europe/Berlin");
    assert_non_null (berlin);
    bf_trigger rule = {.kind = BF_TRIGGER_RRULE};
    int64_t hour_us = BF_HOUR_US;
    assert_int_equal (bf_trigger_anchor (&rule, berlin, 1), hour_us + BF_SECOND_US);
    assert_int_equal (bf_trigger_anchor (&rule, berlin, INT64_MIN), hour_us);
    assert_int_equal (bf_trigger_anchor (&rule, berlin, INT64_MAX), MAX + hour_us);
    rule.start_us = 5 * BF_SECOND_US;
    assert_int_equal (bf_trigger_anchor (&rule, berlin, 1), hour_us + 5 * BF_SECOND_US);
    bf_zone_destroy (&berlin);
}

/* The offset lies within the jitter, both ends included, and is the job's own. */
static void
test_offsets (void **state)
{
    (void)state;
    bf_trigger trigger = {.kind = BF_TRIGGER_EVERY, .us = 100};
    assert_int_equal (bf_trigger_offset (&trigger, 256).us, 0);
    trigger.jitter.us = 3;
    unsigned seen[4] = {0};
    for (uint64_t job = 1; job <= 400; job++) {
        int64_t offset_us = bf_trigger_offset (&trigger, job << 8).us;
        assert_in_range (offset_us, 0, 3);
        assert_int_equal (bf_trigger_offset (&trigger, job << 8).us, offset_us);
        seen[offset_us]++;
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range (seen[i], 60, 140);
    }
    /* Rows hold due times that were made with it: it must never change. */
    trigger.jitter.us = 30 * BF_DAY_US;
    assert_int_equal (bf_trigger_offset (&trigger, 256).us, INT64_C (0x12dfe8811ce));
}

/* A grid with this offset. */
static bf_grid
grid_of (bf_trigger trigger, int64_t offset_us)
{
    trigger.kind = BF_TRIGGER_EVERY;
    bf_grid grid = bf_grid_of (&trigger, NULL, bf_trigger_anchor (&trigger, NULL, 0), 256);
    grid.offset_us = offset_us;
    return grid;
}

#define ANCHOR(us) .anchored = true, .anchor_us = (us)

static const struct {
    bf_trigger trigger;
    int64_t offset_us;
    int64_t at_us;
    int64_t next_us; /* after at_us */
    int64_t last_us; /* until at_us */
} grids[] = {
    /* Between two slots, and on one. */
    {{.us = 10, ANCHOR (3)}, 0, 27, 33, 23},
    {{.us = 10, ANCHOR (3)}, 0, 32, 33, 23},
    {{.us = 10, ANCHOR (3)}, 0, 33, 43, 33},
    {{.us = 10, ANCHOR (3)}, 0, 34, 43, 33},
    /* The grid reaches back behind its anchor, as far as 1970. */
    {{.us = 10, ANCHOR (1003)}, 0, 27, 33, 23},
    {{.us = 10, ANCHOR (1003)}, 0, 2, 3, NONE},
    {{.us = 10, ANCHOR (1003)}, 0, -1, 3, NONE},
    {{.us = 10, ANCHOR (0)}, 0, -1, 0, NONE},
    {{.us = 10, ANCHOR (0)}, 0, 0, 10, 0},
    /* An anchor that only a clock gone mad would give. */
    {{.us = 10, ANCHOR (-7)}, 0, 0, 10, 0},
    {{.us = 10, ANCHOR (INT64_MIN)}, 0, 12, 20, 10},
    {{.us = DAY, ANCHOR (INT64_MAX)}, 0, MAX - 1, MAX, MAX - DAY},
    /* Start and end may be slots, and are of the grid, not of the offset. */
    {{.us = 10, ANCHOR (3), .start_us = 23}, 0, 0, 23, NONE},
    {{.us = 10, ANCHOR (3), .start_us = 23}, 0, 22, 23, NONE},
    {{.us = 10, ANCHOR (3), .start_us = 23}, 0, 23, 33, 23},
    {{.us = 10, ANCHOR (3), .start_us = 24}, 0, 24, 33, NONE},
    {{.us = 10, ANCHOR (3), .start_us = 24}, 0, 33, 43, 33},
    {{.us = 10, .start_us = 24}, 0, 0, 24, NONE},
    {{.us = 10, ANCHOR (3), .end_us = 43}, 0, 42, 43, 33},
    {{.us = 10, ANCHOR (3), .end_us = 43}, 0, 43, NONE, 43},
    {{.us = 10, ANCHOR (3), .end_us = 42}, 0, 33, NONE, 33},
    {{.us = 10, ANCHOR (3), .end_us = 42}, 0, 9000, NONE, 33},
    {{.us = 10, ANCHOR (3), .start_us = 33, .end_us = 33}, 0, 0, 33, NONE},
    {{.us = 10, ANCHOR (3), .start_us = 33, .end_us = 33}, 0, 33, NONE, 33},
    {{.us = 10, ANCHOR (3), .start_us = 34, .end_us = 42}, 0, 0, NONE, NONE},
    {{.us = 10, ANCHOR (3), .start_us = 34, .end_us = 42}, 0, 900, NONE, NONE},
    {{.us = 10, ANCHOR (3)}, 4, 27, 37, 27},
    {{.us = 10, ANCHOR (3)}, 4, 26, 27, 17},
    {{.us = 10, ANCHOR (3)}, 9, 11, 12, NONE},
    {{.us = 10, ANCHOR (3), .start_us = 23}, 4, 0, 27, NONE},
    {{.us = 10, ANCHOR (3), .start_us = 23}, 4, 26, 27, NONE},
    {{.us = 10, ANCHOR (3), .end_us = 43}, 4, 43, 47, 37},
    {{.us = 10, ANCHOR (3), .end_us = 43}, 4, 47, NONE, 47},
    /* The ends of the years, and of numbers. */
    {{.us = 10, ANCHOR (3)}, 0, INT64_MIN, 3, NONE},
    {{.us = 10, ANCHOR (3)}, 9, INT64_MIN, 12, NONE},
    {{.us = DAY, ANCHOR (0)}, 0, INT64_MAX, NONE, MAX},
    {{.us = DAY, ANCHOR (0)}, 9, INT64_MAX, NONE, MAX + 9},
    {{.us = DAY, ANCHOR (0)}, 0, MAX - 1, MAX, MAX - DAY},
    {{.us = DAY, ANCHOR (0)}, 0, MAX, NONE, MAX},
    {{.us = DAY, ANCHOR (0), .end_us = INT64_MAX}, 0, MAX, NONE, MAX},
    {{.us = 10, ANCHOR (3), .start_us = INT64_MIN}, 0, -60, 3, NONE},
    {{.us = DAY, ANCHOR (MAX), .start_us = MAX}, 0, 0, MAX, NONE},
    {{.us = DAY, ANCHOR (MAX), .start_us = MAX, .end_us = MAX}, 5, MAX, MAX + 5, NONE},
    {{.us = CENTURY, ANCHOR (5)}, 0, 0, 5, NONE},
    {{.us = CENTURY, ANCHOR (5)}, 0, MAX, NONE, 4 * CENTURY + 5},
    {{.us = CENTURY, ANCHOR (MAX)}, 0, 0, MAX - 4 * CENTURY, NONE},
    {{.us = INT64_MAX, ANCHOR (5)}, 0, 0, 5, NONE},
    {{.us = INT64_MAX, ANCHOR (5)}, 0, 5, NONE, 5},
    {{.us = INT64_MAX, ANCHOR (MAX)}, 0, 0, MAX, NONE},
    {{.us = 1, ANCHOR (0)}, 0, MAX - 1, MAX, MAX - 1},
};

static void
test_next_and_last (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof grids / sizeof grids[0]; i++) {
        bf_grid grid = grid_of (grids[i].trigger, grids[i].offset_us);
        int64_t next_us = NONE;
        int64_t last_us = NONE;
        bool has_next = bf_grid_next (&grid, grids[i].at_us, &next_us);
        bool has_last = bf_grid_last (&grid, grids[i].at_us, &last_us);
        if (next_us != grids[i].next_us || has_next != (next_us != NONE) ||
            last_us != grids[i].last_us || has_last != (last_us != NONE)) {
            fail_msg ("row %zu: next %lld, last %lld", i, (long long)next_us,
                      (long long)last_us);
        }
    }
}

static void
test_back_and_count (void **state)
{
    (void)state;
    bf_grid grid =
        grid_of ((bf_trigger){.us = 10, ANCHOR (1000), .start_us = 20, .end_us = 90}, 4);
    static const struct {
        int64_t due_us;
        uint64_t places;
        int64_t back_us;
    } rows[] = {
        {94, 0, 94}, {94, 1, 84}, {94, 6, 34},          {94, 7, 24},
        {94, 8, 24}, {24, 0, 24}, {24, 5, 24},          {94, UINT64_MAX, 24},
        {34, 1, 24}, {34, 2, 24}, {24, UINT64_MAX, 24},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal (bf_grid_back (&grid, rows[i].due_us, rows[i].places),
                          rows[i].back_us);
    }
    assert_int_equal (bf_grid_count (&grid, 24, 94), 8);
    assert_int_equal (bf_grid_count (&grid, 24, 24), 1);
    assert_int_equal (bf_grid_count (&grid, 34, 24), 0);
    /* No slot at all. */
    grid = grid_of ((bf_trigger){.us = 10, ANCHOR (3), .start_us = 34, .end_us = 42}, 0);
    assert_int_equal (bf_grid_back (&grid, 40, 5), 40);
    /* 400 years of hundredths of a second are no work. */
    grid = grid_of ((bf_trigger){.us = 10 * BF_MS_US, ANCHOR (0)}, 0);
    assert_int_equal (bf_grid_count (&grid, 0, MAX), MAX / (10 * BF_MS_US) + 1);
    assert_int_equal (bf_grid_back (&grid, MAX, 1000), MAX - 10 * BF_SECOND_US);
}

/* xorshift64 of Marsaglia: the same grids in every run. */
static uint64_t seed;

static int64_t
up_to (int64_t most)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int64_t)(seed % (uint64_t)(most + 1));
}

#define SPAN 240 /* length of the piece of time that is walked */

/* Every slot of the grid in low_us..low_us + SPAN, found by looking at each microsecond. */
static size_t
walk (const bf_trigger *trigger, int64_t offset_us, int64_t low_us, int64_t slots[SPAN + 1])
{
    size_t count = 0;
    for (int64_t us = low_us; us <= low_us + SPAN; us++) {
        bool is_point = (us - trigger->anchor_us) % trigger->us == 0;
        bool is_within = us >= trigger->start_us && us <= MAX &&
                         (trigger->end_us == 0 || us <= trigger->end_us);
        if (is_point && is_within) {
            slots[count++] = us + offset_us;
        }
    }
    return count;
}

static void
compare (const bf_grid *grid, const int64_t *slots, size_t count, int64_t at_us)
{
    size_t behind = 0;
    while (behind < count && slots[behind] <= at_us) {
        behind++;
    }
    int64_t found_us = NONE;
    assert_int_equal (bf_grid_next (grid, at_us, &found_us), behind < count);
    if (behind < count) {
        assert_int_equal (found_us, slots[behind]);
        assert_true (found_us > at_us);
    }
    assert_int_equal (bf_grid_last (grid, at_us, &found_us), behind > 0);
    if (behind > 0) {
        assert_int_equal (found_us, slots[behind - 1]);
    }
}

static void
compare_pairs (const bf_grid *grid, const int64_t *slots, size_t count)
{
    for (size_t to = 0; to < count; to++) {
        for (size_t from = 0; from <= to; from++) {
            assert_int_equal (bf_grid_count (grid, slots[from], slots[to]), to - from + 1);
            assert_int_equal (bf_grid_back (grid, slots[to], to - from), slots[from]);
        }
        assert_int_equal (bf_grid_back (grid, slots[to], to + 1), slots[0]);
    }
}

/* Small grids at the beginning of time, in its middle and at its end. All slots lie within
 * what is walked: start is in it, and the end too, or it is that of time. */
static void
test_walked (void **state)
{
    (void)state;
    static const int64_t lows[] = {0, INT64_C (1795000000000000), MAX - SPAN};
    seed = 20261123;
    for (int round = 0; round < 6000; round++) {
        int64_t low_us = lows[round % 3];
        bf_trigger trigger = {.kind = BF_TRIGGER_EVERY, .us = 1 + up_to (30)};
        trigger.anchored = true;
        trigger.anchor_us = low_us + up_to (SPAN);
        trigger.start_us = low_us + up_to (SPAN / 2);
        trigger.end_us = trigger.start_us + up_to (SPAN / 2);
        if (low_us == MAX - SPAN && up_to (1) == 0) {
            trigger.end_us = 0;
        }
        bf_grid grid = grid_of (trigger, up_to (trigger.us - 1));
        int64_t slots[SPAN + 1];
        size_t count = walk (&trigger, grid.offset_us, low_us, slots);
        for (int64_t us = low_us - 2; us <= low_us + SPAN + 40; us++) {
            compare (&grid, slots, count, us);
        }
        compare (&grid, slots, count, INT64_MIN);
        compare (&grid, slots, count, INT64_MAX);
        if (round % 50 == 0) {
            compare_pairs (&grid, slots, count);
        }
    }
}

/* In UTC; exclusion may be NULL. Without an expression it has only that. */
static bf_recurrence *
recurrence_of (const char *cron, const bf_exclusion *exclusion)
{
    bf_recurrence_args args = {
        .kind = cron != NULL ? BF_RECURRENCE_CRON : BF_RECURRENCE_NONE,
        .text = cron,
        .zone = bf_zone_utc (),
        .exclusions = &exclusion,
        .n_exclusions = exclusion != NULL ? 1 : 0,
    };
    bf_recurrence *recurrence = NULL;
    assert_int_equal (bf_recurrence_new (&args, &recurrence, NULL), BF_OK);
    return recurrence;
}

static bf_exclusion *
exclusion_of (const char *date, const char *window)
{
    bf_exclusion *exclusion = NULL;
    assert_int_equal (bf_exclusion_new (&date, date != NULL ? 1 : 0, &window,
                                        window != NULL ? 1 : 0, &exclusion, NULL, NULL),
                      BF_OK);
    return exclusion;
}

/* Bounds and offset of a recurrence's grid are to the microsecond. */
static void
test_calendar (void **state)
{
    (void)state;
    bf_exclusion *exclusion = exclusion_of ("1970-01-03", NULL);
    bf_recurrence *recurrence = recurrence_of ("0 12 * * *", exclusion);
    const int64_t noon_us = 12 * BF_HOUR_US;
    bf_trigger trigger = {
        .kind = BF_TRIGGER_CRON, .start_us = noon_us + 1, .end_us = 5 * DAY + noon_us};
    bf_grid grid = bf_grid_of (&trigger, recurrence, 0, 256);
    grid.offset_us = 7;
    /* Days 1, 3, 4 and 5: the first began too early, and day 2 is excluded. */
    int64_t slots[4] = {0};
    static const int64_t days[] = {1, 3, 4, 5};
    for (size_t i = 0; i < 4; i++) {
        slots[i] = days[i] * DAY + noon_us + 7;
    }
    for (int64_t at_us = -DAY; at_us < 8 * DAY; at_us += DAY / 4) {
        compare (&grid, slots, 4, at_us);
        compare (&grid, slots, 4, at_us + 6);
        compare (&grid, slots, 4, at_us + 7);
    }
    compare (&grid, slots, 4, INT64_MIN);
    compare (&grid, slots, 4, INT64_MAX);
    compare_pairs (&grid, slots, 4);
    assert_int_equal (bf_grid_count (&grid, slots[1], slots[0]), 0);
    bf_recurrence_destroy (&recurrence);
    bf_exclusion_destroy (&exclusion);
}

/* An interval with exclusions: each point looked at by itself finds the same. */
static void
test_excluded (void **state)
{
    (void)state;
    bf_exclusion *exclusion = exclusion_of ("1970-01-03", "* 0600-1800");
    bf_recurrence *recurrence = recurrence_of (NULL, exclusion);
    seed = 20261123;
    for (int round = 0; round < 100; round++) {
        bf_trigger trigger = {
            .kind = BF_TRIGGER_EVERY,
            .us = BF_HOUR_US + up_to (6 * BF_HOUR_US),
            .anchored = true,
            .anchor_us = up_to (DAY),
            .start_us = 1 + up_to (DAY),
            .end_us = 3 * DAY + up_to (2 * DAY),
            .n_exclude = 1,
        };
        bf_grid grid = bf_grid_of (&trigger, recurrence, trigger.anchor_us, 256);
        grid.offset_us = up_to (9);
        int64_t slots[200];
        size_t count = 0;
        for (int64_t us = trigger.anchor_us % trigger.us; us <= trigger.end_us;
             us += trigger.us) {
            int64_t hour = us % DAY / BF_HOUR_US;
            bool excluded = us / DAY == 2 || (hour >= 6 && hour < 18);
            if (us >= trigger.start_us && !excluded) {
                slots[count++] = us + grid.offset_us;
            }
        }
        for (int i = 0; i < 100; i++) {
            compare (&grid, slots, count, up_to (6 * DAY));
        }
        if (count > 0) {
            compare_pairs (&grid, slots, count);
        }
    }
    /* Many points are no work. */
    bf_trigger often = {.kind = BF_TRIGGER_EVERY, .us = 10 * BF_MS_US, .n_exclude = 1};
    bf_grid grid = bf_grid_of (&often, recurrence, 0, 256);
    assert_int_equal (bf_grid_count (&grid, 3 * DAY, 368 * DAY - 10 * BF_MS_US),
                      365 * (DAY / 2) / (10 * BF_MS_US));
    bf_recurrence_destroy (&recurrence);
    bf_exclusion_destroy (&exclusion);
    /* Where nothing is left a search ends. */
    exclusion = exclusion_of (NULL, "*");
    recurrence = recurrence_of (NULL, exclusion);
    grid = bf_grid_of (&often, recurrence, 0, 256);
    int64_t due_us;
    assert_false (bf_grid_next (&grid, 0, &due_us));
    assert_false (bf_grid_last (&grid, MAX, &due_us));
    bf_recurrence_destroy (&recurrence);
    bf_exclusion_destroy (&exclusion);
}

/* Grids that hold nothing. */
static void
test_calendar_empty (void **state)
{
    (void)state;
    bf_recurrence *recurrence = recurrence_of ("0 12 * * *", NULL);
    bf_trigger trigger = {.kind = BF_TRIGGER_CRON, .start_us = 1, .end_us = BF_HOUR_US};
    bf_grid grid = bf_grid_of (&trigger, recurrence, 0, 256);
    int64_t due_us;
    assert_false (bf_grid_next (&grid, 0, &due_us));
    assert_false (bf_grid_last (&grid, MAX, &due_us));
    bf_recurrence_destroy (&recurrence);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_kinds),          cmocka_unit_test (test_anchors),
        cmocka_unit_test (test_offsets),        cmocka_unit_test (test_next_and_last),
        cmocka_unit_test (test_back_and_count), cmocka_unit_test (test_walked),
        cmocka_unit_test (test_calendar),       cmocka_unit_test (test_excluded),
        cmocka_unit_test (test_calendar_empty),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
