/* SPDX-License-Identifier: MPL-2.0
 *
 * Recurrences put together: texts, zones they name, defaults, notes, and exclusions on days
 * on which clocks change, against the same recurrence without exclusions, slot by slot.
 */
#include "core/calendar/recurrence.h"

#include <string.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/zones.h"

static bf_zone *berlin;

static bf_recurrence *
make (bf_recurrence_kind kind, const char *text, const bf_zone *zone, bf_switches switches,
      const bf_exclusion *exclusion)
{
    const bf_exclusion *list[] = {exclusion};
    bf_recurrence_args args = {
        .kind = kind,
        .text = text,
        .zone = zone,
        .switches = switches,
        .start = {bf_days_of (2026, 1, 1) * BF_DAY_S},
        .exclusions = list,
        .n_exclusions = exclusion != NULL ? 1 : 0,
    };
    bf_error error = {0};
    bf_recurrence *recurrence = NULL;
    if (bf_recurrence_new (&args, &recurrence, &error) != BF_OK) {
        fail_msg ("%s: %s", text, error.text);
    }
    return recurrence;
}

static const struct {
    bf_recurrence_kind kind;
    const char *text;
    const char *zone; /* that it names; NULL: refused */
    bf_switches switches;
    const char *print;
} texts[] = {
    {BF_RECURRENCE_NONE, NULL, "", {0}, ""},
    {BF_RECURRENCE_CRON,
     " 0  9 * * MON-FRI",
     "",
     {BF_SKIPPED_AFTER_GAP, BF_REPEATED_FIRST},
     "0 9 * * MON-FRI"},
    {BF_RECURRENCE_CRON, "* * * * *", "", {BF_SKIPPED_SKIP, BF_REPEATED_BOTH}, "* * * * *"},
    {BF_RECURRENCE_CRON, "0 9 * *", NULL, {0}, NULL},
    {BF_RECURRENCE_DAILY,
     "  2130   Europe/Berlin ",
     "Europe/Berlin",
     {BF_SKIPPED_AFTER_GAP, BF_REPEATED_FIRST},
     "2130 Europe/Berlin"},
    {BF_RECURRENCE_DAILY, "2530", NULL, {0}, NULL},
    {BF_RECURRENCE_RRULE,
     "FREQ=DAILY",
     "",
     {BF_SKIPPED_SHIFT, BF_REPEATED_FIRST},
     "FREQ=DAILY"},
    {BF_RECURRENCE_RRULE,
     "DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=WEEKLY",
     "Europe/Berlin",
     {BF_SKIPPED_SHIFT, BF_REPEATED_FIRST},
     "DTSTART;TZID=Europe/Berlin:20260105T090000 RRULE:FREQ=WEEKLY"},
    {BF_RECURRENCE_RRULE, "FREQ=NEVER", NULL, {0}, NULL},
};

static void
test_texts (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char zone[BF_ZONE_NAME_BYTES + 1] = "untouched";
        bf_error error = {0};
        bf_err rc = bf_recurrence_check (texts[i].kind, texts[i].text, zone, &error);
        bf_recurrence *self = NULL;
        if (texts[i].zone == NULL) {
            assert_int_equal (rc, BF_EINVALID);
            assert_string_equal (zone, "untouched");
            bf_recurrence_args args = {
                .kind = texts[i].kind, .text = texts[i].text, .zone = berlin};
            assert_int_equal (bf_recurrence_new (&args, &self, &error), BF_EINVALID);
            assert_null (self);
            bf_recurrence_destroy (&self);
            continue;
        }
        assert_int_equal (rc, BF_OK);
        assert_string_equal (zone, texts[i].zone);
        self = make (texts[i].kind, texts[i].text, berlin, (bf_switches){0}, NULL);
        bf_switches switches = bf_recurrence_switches (self);
        assert_int_equal (switches.skipped, texts[i].switches.skipped);
        assert_int_equal (switches.repeated, texts[i].switches.repeated);
        assert_false (bf_recurrence_has_exclusions (self));
        char buffer[256];
        assert_string_equal (bf_recurrence_print (self, buffer, sizeof buffer),
                             texts[i].print);
        bf_recurrence_explain (self, buffer, sizeof buffer);
        assert_int_equal (buffer[0] != '\0', texts[i].kind != BF_RECURRENCE_NONE);
        bf_recurrence_destroy (&self);
        self = make (texts[i].kind, texts[i].text, berlin,
                     (bf_switches){BF_SKIPPED_SKIP, BF_REPEATED_SECOND}, NULL);
        switches = bf_recurrence_switches (self);
        assert_int_equal (switches.skipped, BF_SKIPPED_SKIP);
        assert_int_equal (switches.repeated, BF_REPEATED_SECOND);
        bf_recurrence_destroy (&self);
    }
}

/* A rule that can be read, but gives nothing. */
static void
test_empty_rule (void **state)
{
    (void)state;
    bf_recurrence_args args = {
        .kind = BF_RECURRENCE_RRULE,
        .text = "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        .zone = berlin,
    };
    bf_recurrence *self = NULL;
    assert_int_equal (bf_recurrence_new (&args, &self, NULL), BF_EINVALID);
    assert_null (self);
}

static int64_t
second_of (const char *text)
{
    bf_wall wall;
    assert_int_equal (bf_wall_parse (text, &wall, NULL), BF_OK);
    return wall.us / BF_SECOND_US;
}

static const struct {
    const char *zone;
    const char *cron;
    bf_switches switches;
    const char *slot;
    const char *note;
} notes[] = {
    {"Europe/Berlin",
     "30 2 * * *",
     {0},
     "2027-03-28T01:00:00Z",
     "02:30 does not exist on 2027-03-28, moved to 03:00"},
    {"Europe/Berlin",
     "15 30 2 * * *",
     {BF_SKIPPED_SHIFT, 0},
     "2027-03-28T01:30:15Z",
     "02:30:15 does not exist on 2027-03-28, moved to 03:30:15"},
    {"Europe/Berlin",
     "30 2 * * *",
     {0, BF_REPEATED_BOTH},
     "2027-10-31T00:30:00Z",
     "02:30 comes twice on 2027-10-31, this is the first"},
    {"Europe/Berlin",
     "30 2 * * *",
     {0, BF_REPEATED_BOTH},
     "2027-10-31T01:30:00Z",
     "02:30 comes twice on 2027-10-31, this is the second"},
    {"Europe/Berlin", "30 2 * * *", {0}, "2027-10-30T00:30:00Z", ""},
    {"Europe/Berlin", "30 2 * * *", {0}, "2027-10-30T00:31:00Z", ""},
    {"Europe/Berlin", "0,30 2,3 * * *", {0}, "2027-03-28T01:00:00Z", ""},
    {"America/Sao_Paulo",
     "30 0 * * *",
     {0},
     "2018-11-04T03:00:00Z",
     "00:30 does not exist on 2018-11-04, moved to 01:00"},
    {"Pacific/Apia", "0 12 * * *", {BF_SKIPPED_SHIFT, 0}, "2011-12-30T22:00:00Z", ""},
    {"Pacific/Apia",
     "0 12 30 * *",
     {BF_SKIPPED_SHIFT, 0},
     "2011-12-30T22:00:00Z",
     "2011-12-30 does not exist, its 12:00 moved to 12:00 on 2011-12-31"},
    {"America/Scoresbysund",
     "30 23 * * *",
     {BF_SKIPPED_SHIFT, 0},
     "2025-03-30T01:30:00Z",
     "23:30 does not exist on 2025-03-29, moved to 00:30 on 2025-03-30"},
};

static void
test_notes (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        bf_zone *zone = zone_of_name (notes[i].zone);
        assert_non_null (zone);
        bf_recurrence *self =
            make (BF_RECURRENCE_CRON, notes[i].cron, zone, notes[i].switches, NULL);
        char note[BF_NOTE_BYTES];
        bf_instant slot = {second_of (notes[i].slot)};
        assert_string_equal (bf_recurrence_note (self, slot, note), notes[i].note);
        bf_recurrence_destroy (&self);
        bf_zone_destroy (&zone);
    }
}

/* Every slot of a recurrence over some days, and which are excluded by what the wall shows.
 */
static void
compare (const char *cron, const bf_exclusion *exclusion, bf_instant from, bf_instant until)
{
    bf_switches switches = {BF_SKIPPED_SHIFT, BF_REPEATED_BOTH};
    bf_recurrence *plain = make (BF_RECURRENCE_CRON, cron, berlin, switches, NULL);
    bf_recurrence *self = make (BF_RECURRENCE_CRON, cron, berlin, switches, exclusion);
    assert_true (bf_recurrence_has_exclusions (self));
    bf_instant slot = {from.s - 1};
    bf_instant before = {-1};
    bf_instant found;
    uint64_t count = 0;
    while (bf_recurrence_first (plain, (bf_instant){slot.s + 1}, until, &slot)) {
        bf_local low;
        bf_local high;
        bf_instant begin;
        bf_instant end;
        bf_local local = bf_zone_local (berlin, slot);
        bool excluded = bf_exclusion_at (&exclusion, 1, local, &low, &high);
        assert_int_equal (bf_recurrence_excludes (self, slot, &begin, &end), excluded);
        assert_true (begin.s <= slot.s && slot.s < end.s);
        if (excluded) {
            continue;
        }
        bf_instant next = {before.s < 0 ? from.s : before.s + 1};
        assert_true (bf_recurrence_first (self, next, until, &found));
        assert_int_equal (found.s, slot.s);
        assert_int_equal (bf_recurrence_last (self, from, slot, &found), before.s >= 0);
        assert_int_equal (found.s, before.s >= 0 ? before.s : slot.s);
        before = slot;
        count++;
        assert_int_equal (bf_recurrence_count (self, from, (bf_instant){slot.s + 1}),
                          count);
    }
    assert_int_equal (bf_recurrence_count (self, from, until), count);
    bf_recurrence_destroy (&plain);
    bf_recurrence_destroy (&self);
}

static bf_exclusion *
calendar (const char *date, const char *window)
{
    bf_exclusion *exclusion = NULL;
    assert_int_equal (bf_exclusion_new (&date, date != NULL ? 1 : 0, &window,
                                        window != NULL ? 1 : 0, &exclusion, NULL, NULL),
                      BF_OK);
    return exclusion;
}

static void
test_exclusions (void **state)
{
    (void)state;
    static const char *const windows[] = {"* 0230-0245", "SUN 0130-0230", "SUN 0215-1200",
                                          "SAT 2300-0300", "MON-FRI"};
    static const char *const crons[] = {"*/10 * * * *", "5 2 * * *", "15,45 1-3 * * *"};
    static const char *const days[] = {"2027-03-26T00:00:00Z", "2027-10-29T00:00:00Z"};
    for (size_t i = 0; i < 5 * 3 * 2; i++) {
        bf_exclusion *exclusion = calendar ("2027-03-27", windows[i % 5]);
        bf_instant from = {second_of (days[i % 2])};
        compare (crons[i % 3], exclusion, from, (bf_instant){from.s + 4 * BF_DAY_S});
        bf_exclusion_destroy (&exclusion);
    }
}

/* Where all is excluded a search ends. */
static void
test_never (void **state)
{
    (void)state;
    bf_exclusion *exclusion = calendar (NULL, "*");
    bf_recurrence *self =
        make (BF_RECURRENCE_CRON, "0 9 * * *", berlin, (bf_switches){0}, exclusion);
    bf_instant low = {INT64_MIN};
    bf_instant high = {INT64_MAX};
    bf_instant found;
    assert_false (bf_recurrence_first (self, low, high, &found));
    assert_false (bf_recurrence_last (self, low, high, &found));
    assert_int_equal (bf_recurrence_count (self, low, high), 0);
    low.s = second_of ("2027-01-01");
    high.s = second_of ("2027-01-05");
    assert_false (bf_recurrence_first (self, low, high, &found));
    assert_false (bf_recurrence_last (self, low, high, &found));
    bf_recurrence_destroy (&self);
    bf_exclusion_destroy (&exclusion);
    /* And where it is at first only, it goes on to the ends of time. */
    exclusion = calendar ("1970-01-01..1972-12-31", NULL);
    self =
        make (BF_RECURRENCE_CRON, "0 9 * * *", bf_zone_utc (), (bf_switches){0}, exclusion);
    assert_true (bf_recurrence_first (self, (bf_instant){INT64_MIN},
                                      (bf_instant){INT64_MAX}, &found));
    assert_int_equal (found.s, second_of ("1973-01-01T09:00:00Z"));
    assert_true (bf_recurrence_last (self, (bf_instant){INT64_MIN}, (bf_instant){INT64_MAX},
                                     &found));
    assert_int_equal (found.s, second_of ("2400-12-31T09:00:00Z"));
    bf_recurrence_destroy (&self);
    bf_exclusion_destroy (&exclusion);
}

/* What is left behind the excluded days lies beyond the bounds. */
static void
test_beyond (void **state)
{
    (void)state;
    bf_exclusion *exclusion = calendar ("2027-01-01..2027-01-10", NULL);
    bf_recurrence *self =
        make (BF_RECURRENCE_CRON, "0 9 * * *", berlin, (bf_switches){0}, exclusion);
    bf_instant low = {second_of ("2027-01-01T12:00:00Z")};
    bf_instant high = {second_of ("2027-01-05")};
    bf_instant found;
    assert_false (bf_recurrence_first (self, low, high, &found));
    assert_false (bf_recurrence_last (self, low, high, &found));
    bf_recurrence_destroy (&self);
    bf_exclusion_destroy (&exclusion);
}

static int
setup (void **state)
{
    (void)state;
    berlin = zone_of_name ("Europe/Berlin");
    return berlin != NULL ? 0 : -1;
}

static int
teardown (void **state)
{
    (void)state;
    bf_zone_destroy (&berlin);
    return 0;
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_texts), cmocka_unit_test (test_empty_rule),
        cmocka_unit_test (test_notes), cmocka_unit_test (test_exclusions),
        cmocka_unit_test (test_never), cmocka_unit_test (test_beyond),
    };
    return cmocka_run_group_tests (tests, setup, teardown);
}
