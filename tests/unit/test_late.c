/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of lateness, row by row: the edges of grace, of the grid and of time.
 */
#include "core/late.h"

#include "tests/support/cmocka.h"

#define ONCE BF_LATE_FIRE_ONCE
#define ALL BF_LATE_FIRE_ALL
#define SKIP BF_LATE_SKIP
#define FAIL BF_LATE_FAIL
#define FIRES BF_SLOT_FIRE
#define FAILS BF_SLOT_FAIL
#define NOTHING BF_SLOT_NONE

#define ALONE 0 /* the interval of a one-shot */
#define END BF_WALL_MAX_US
#define LAST INT64_MAX

/* What a verdict says beside its slots. */
#define LATE 1
#define PACED 2
#define AS_SKIP 4

/* The grid has slots at 0, interval, 2 * interval, … up to end. */
static const struct {
    const char *what;
    bf_late late;
    int64_t grace_us;
    uint32_t catchup_max;
    int64_t interval_us;
    int64_t end_us; /* 0: open */
    int64_t due_us;
    int64_t reached_us;
    int64_t now_us;
    bf_stretch dropped;
    bf_slot_act act;
    int64_t slot_us;
    unsigned says;
} rows[] = {
    {"in time", ONCE, 5, 1, 10, 0, 20, 20, 20, {0}, FIRES, 20, 0},
    {"in time, but we are busy", ONCE, 5, 1, 10, 0, 20, 20, 900, {0}, FIRES, 20, 0},
    {"within reach before it was due", SKIP, 5, 1, 10, 0, 20, -7, 20, {0}, FIRES, 20, 0},
    {"exactly grace is not late", SKIP, 5, 1, 10, 0, 20, 25, 25, {0}, FIRES, 20, 0},
    {"1 us more", SKIP, 5, 1, 10, 0, 20, 26, 26, {20, 20, 1}, NOTHING, 0, AS_SKIP},
    {"alone, exactly grace", FAIL, 5, 1, ALONE, 0, 20, 25, 25, {0}, FIRES, 20, 0},
    {"alone: once", ONCE, 5, 1, ALONE, 0, 20, 26, 30, {0}, FIRES, 20, LATE},
    {"alone: all", ALL, 5, 3, ALONE, 0, 20, 26, 30, {0}, FIRES, 20, LATE},
    {"alone: skip", SKIP, 5, 1, ALONE, 0, 20, 26, 30, {20, 20, 1}, NOTHING, 0, AS_SKIP},
    {"alone: fail", FAIL, 5, 1, ALONE, 0, 20, 26, 30, {0}, FAILS, 20, LATE},

    {"as nobody knows", (bf_late)99, 5, 1, ALONE, 0, 20, 26, 30, {0}, FIRES, 20, LATE},
    /* Armed by rules that have changed since: a slot all the same. */
    {"not of the grid", FAIL, 5, 1, 10, 0, -5, 9, 9, {-5, -5, 1}, FAILS, 0, LATE},

    {"one: once", ONCE, 5, 1, 10, 0, 20, 26, 26, {0}, FIRES, 20, LATE},
    {"one and one: once", ONCE, 5, 1, 10, 0, 20, 26, 30, {20, 20, 1}, FIRES, 30, 0},
    {"one and one in grace", ONCE, 5, 1, 10, 0, 20, 31, 31, {20, 20, 1}, FIRES, 30, 0},
    {"three: once", ONCE, 5, 1, 10, 0, 20, 49, 49, {20, 30, 2}, FIRES, 40, LATE},
    {"two in time: once", ONCE, 5, 1, 10, 0, 20, 49, 66, {20, 40, 3}, FIRES, 50, 0},
    {"to end: once", ONCE, 5, 1, 10, 40, 20, 900, 900, {20, 30, 2}, FIRES, 40, LATE},
    {"the edge of grace: once", ONCE, 5, 1, 10, 0, 20, 45, 45, {20, 30, 2}, FIRES, 40, 0},

    {"one: all", ALL, 5, 3, 10, 0, 20, 26, 26, {0}, FIRES, 20, LATE},
    {"one and one: all", ALL, 5, 3, 10, 0, 20, 26, 30, {0}, FIRES, 20, LATE},
    {"catchup_max: all", ALL, 5, 3, 10, 0, 20, 49, 49, {0}, FIRES, 20, LATE | PACED},
    {"one more: all", ALL, 5, 2, 10, 0, 20, 49, 49, {20, 20, 1}, FIRES, 30, LATE | PACED},
    {"only one: all", ALL, 5, 1, 10, 0, 20, 49, 49, {20, 30, 2}, FIRES, 40, LATE},
    {"endless: all", ALL, 5, UINT32_MAX, 10, 0, 20, 49, 49, {0}, FIRES, 20, LATE | PACED},
    {"to end: all", ALL, 5, 2, 10, 40, 20, 900, 900, {20, 20, 1}, FIRES, 30, LATE | PACED},

    {"three: skip", SKIP, 5, 1, 10, 0, 20, 49, 66, {20, 40, 3}, NOTHING, 0, AS_SKIP},
    {"three: fail", FAIL, 5, 1, 10, 0, 20, 49, 66, {20, 30, 2}, FAILS, 40, LATE},
    {"one: fail", FAIL, 5, 1, 10, 0, 20, 26, 66, {0}, FAILS, 20, LATE},

    {"set back: once", ONCE, 5, 1, 10, 0, 20, 900, 37, {20, 20, 1}, FIRES, 30, LATE},
    {"set back: skip", SKIP, 5, 1, 10, 0, 20, 900, 25, {0}, FIRES, 20, 0},
    {"endless grace", SKIP, LAST, 1, 10, 0, 20, LAST, LAST, {0}, FIRES, 20, 0},
    {"no grace", SKIP, 0, 1, 10, 0, 20, 21, 21, {20, 20, 1}, NOTHING, 0, AS_SKIP},
    {"no grace, in time", SKIP, 0, 1, 10, 0, 20, 20, 21, {0}, FIRES, 20, 0},
    {"all time",
     ONCE,
     5,
     1,
     10,
     0,
     20,
     LAST,
     LAST,
     {20, END - 10, END / 10 - 2},
     FIRES,
     END,
     LATE},
};

static void
expect_verdict (const char *what, bf_late_verdict found, bf_late_verdict expected)
{
    bool same = found.act == expected.act && found.skipped == expected.skipped &&
                found.late == expected.late &&
                (found.alike.count > 1) == (expected.alike.count > 1) &&
                found.slot_us == expected.slot_us &&
                found.dropped.count == expected.dropped.count &&
                found.dropped.first_us == expected.dropped.first_us &&
                found.dropped.last_us == expected.dropped.last_us;
    if (!same) {
        fail_msg ("%s: act %d slot %lld%s%s, dropped %llu from %lld to %lld", what,
                  found.act, (long long)found.slot_us, found.late ? " late" : "",
                  found.alike.count > 1 ? " paced" : "",
                  (unsigned long long)found.dropped.count,
                  (long long)found.dropped.first_us, (long long)found.dropped.last_us);
    }
}

static bf_grid
grid_of (int64_t interval_us, int64_t end_us)
{
    bf_trigger trigger = {
        .kind = BF_TRIGGER_EVERY, .us = interval_us, .anchored = true, .end_us = end_us};
    return bf_grid_of (&trigger, NULL, 0, 256);
}

static void
test_verdicts (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool recurs = rows[i].interval_us != ALONE;
        bf_grid grid = grid_of (recurs ? rows[i].interval_us : 1, rows[i].end_us);
        bf_late_policy policy = {rows[i].late, {rows[i].grace_us}, rows[i].catchup_max};
        bf_late_verdict verdict =
            bf_late_judge (&policy, recurs ? &grid : NULL, rows[i].due_us,
                           rows[i].reached_us, rows[i].now_us);
        bf_late_verdict expected = {
            .dropped = rows[i].dropped,
            .skipped = (rows[i].says & AS_SKIP) != 0,
            .act = rows[i].act,
            .slot_us = rows[i].slot_us,
            .late = (rows[i].says & LATE) != 0,
            .alike = {.count = (rows[i].says & PACED) != 0 ? 2 : 1},
        };
        expect_verdict (rows[i].what, verdict, expected);
    }
}

static void
test_forgone (void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t interval_us;
        int64_t end_us;
        int64_t due_us;
        int64_t now_us;
        bf_stretch dropped;
    } forgone[] = {
        {"not due yet", 10, 0, 20, 19, {0}},
        {"due now", 10, 0, 20, 20, {20, 20, 1}},
        {"between two", 10, 0, 20, 39, {20, 30, 2}},
        {"beyond the end", 10, 40, 20, 900, {20, 40, 3}},
        {"one shot, not due yet", ALONE, 0, 20, 19, {0}},
        {"one shot, due", ALONE, 0, 20, 900, {20, 20, 1}},
    };
    for (size_t i = 0; i < sizeof forgone / sizeof forgone[0]; i++) {
        bool recurs = forgone[i].interval_us != ALONE;
        bf_grid grid = grid_of (recurs ? forgone[i].interval_us : 1, forgone[i].end_us);
        bf_late_verdict expected = {.dropped = forgone[i].dropped, .act = NOTHING};
        expect_verdict (
            forgone[i].what,
            bf_late_forgo (recurs ? &grid : NULL, forgone[i].due_us, forgone[i].now_us),
            expected);
    }
}

/* A slot that was armed by rules that have changed since is no slot of the grid, and is
 * judged all the same. */
static void
test_off_the_grid (void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t start_us;
        int64_t end_us;
        int64_t now_us;
        bf_stretch dropped;
    } strays[] = {
        {"others behind it", 0, 0, 42, {15, 40, 4}},
        {"none behind it yet", 0, 0, 18, {15, 15, 1}},
        {"the grid ends before it", 0, 10, 42, {15, 15, 1}},
        {"the grid begins later", 90, 0, 42, {15, 15, 1}},
    };
    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++) {
        bf_trigger trigger = {.kind = BF_TRIGGER_EVERY,
                              .us = 10,
                              .anchored = true,
                              .start_us = strays[i].start_us,
                              .end_us = strays[i].end_us};
        bf_grid grid = bf_grid_of (&trigger, NULL, 0, 256);
        bf_late_verdict expected = {.dropped = strays[i].dropped, .act = NOTHING};
        expect_verdict (strays[i].what, bf_late_forgo (&grid, 15, strays[i].now_us),
                        expected);
    }
}

static void
test_names (void **state)
{
    (void)state;
    static const char *const names[] = {"unknown", "fire_once", "fire_all",
                                        "skip",    "fail",      "unknown"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_string_equal (bf_late_name ((bf_late)i), names[i]);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_verdicts),
        cmocka_unit_test (test_forgone),
        cmocka_unit_test (test_off_the_grid),
        cmocka_unit_test (test_names),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
