/* SPDX-License-Identifier: MPL-2.0
 *
 * Zones: files of every version, put together here; what local times mean where clocks
 * change; some real zones. All of tzdata is compared with Python's zoneinfo in
 * tests/system/test_zones.c; damaged files are in test_zone_bytes.c.
 */
#include "core/calendar/zone.h"

#include <inttypes.h>

#include "tests/support/cmocka.h"
#include "tests/support/zone_file.h"
#include "tests/support/zones.h"

#define COUNT(list) (sizeof (list) / sizeof (list)[0])

#define HOUR 3600

/* Of the text of a local time, and of an instant's without the Z. */
static int64_t
seconds_of (const char *text)
{
    bf_local local;
    if (!bf_local_parse (text, &local)) {
        fail_msg ("%s", text);
    }
    return local.s;
}

static bf_zone *
read_recipe (const zone_recipe *recipe)
{
    zone_file file;
    zone_file_make (recipe, &file);
    bf_zone *zone = NULL;
    bf_error error = {0};
    if (bf_zone_read (file.bytes, file.size, &zone, &error) != BF_OK) {
        fail_msg ("%s: %s", recipe->footer != NULL ? recipe->footer : "", error.text);
    }
    return zone;
}

static size_t
count_spans (const bf_zone *zone)
{
    bf_zone_span span = bf_zone_at (zone, (bf_instant){INT64_MIN});
    size_t count = 1;
    for (; span.until.s != INT64_MAX; count++) {
        span = bf_zone_next (zone, span);
    }
    return count;
}

/* --- files ---------------------------------------------------------------------------- */

static const zone_recipe two_changes = {
    .n_changes = 2,
    .changes_s = {1000000, 2000000},
    .offsets = {-HOUR, HOUR, -2 * HOUR},
};

static void
check_two_changes (const bf_zone *zone)
{
    static const int64_t from[] = {INT64_MIN, 1000000, 2000000, INT64_MAX};
    bf_zone_span span = bf_zone_at (zone, (bf_instant){INT64_MIN});
    for (int32_t i = 0; i < 3; i++) {
        assert_int_equal (span.index, i);
        assert_true (span.from.s == from[i] && span.until.s == from[i + 1]);
        assert_int_equal (span.offset_s, two_changes.offsets[i]);
        if (i > 0) {
            bf_zone_span previous = bf_zone_previous (zone, span);
            assert_int_equal (previous.index, i - 1);
            assert_true (previous.from.s == from[i - 1] && previous.until.s == from[i]);
            assert_int_equal (previous.offset_s, two_changes.offsets[i - 1]);
        }
        if (i < 2) {
            span = bf_zone_next (zone, span);
        }
    }
    assert_int_equal (bf_zone_at (zone, (bf_instant){999999}).index, 0);
    assert_int_equal (bf_zone_at (zone, (bf_instant){1000000}).index, 1);
    assert_int_equal (bf_zone_at (zone, (bf_instant){1999999}).index, 1);
    assert_int_equal (bf_zone_at (zone, (bf_instant){2000000}).index, 2);
    assert_int_equal (bf_zone_at (zone, (bf_instant){INT64_MAX}).index, 2);
    assert_true (bf_zone_local (zone, (bf_instant){999999}).s == 999999 - HOUR);
    assert_true (bf_zone_local (zone, (bf_instant){1000000}).s == 1000000 + HOUR);
}

/* Every version says the same. */
static void
test_versions (void **state)
{
    (void)state;
    static const char versions[] = {'\0', '2', '3', '4'};
    for (size_t i = 0; i < 4 * sizeof versions; i++) {
        zone_recipe recipe = two_changes;
        recipe.version = versions[i / 4];
        recipe.fat = i % 4 >= 2;
        recipe.with_indicators = i % 2 == 1;
        bf_zone *zone = read_recipe (&recipe);
        check_two_changes (zone);
        bf_zone_destroy (&zone);
    }
}

/* From the last change on the rule holds, or what the change said, or nothing happens. */
static void
test_after_the_last_change (void **state)
{
    (void)state;
    static const struct {
        const char *footer;
        int64_t last_s;
        int32_t last_offset_s;
        const char *at;
        int32_t offset_s;
    } rows[] = {
        {"", 1000000, HOUR, "2300-01-01", HOUR},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1000000, HOUR, "1969-07-01", 0},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1000000, HOUR, "1970-01-13", HOUR},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1000000, HOUR, "1970-07-01", 2 * HOUR},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1000000, HOUR, "2400-07-01", 2 * HOUR},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1000000, HOUR, "2400-12-31", HOUR},
        /* Before the year that rules begin with, and after the one they end with. */
        {"CET-1CEST,M3.5.0,M10.5.0/3", INT64_C (-10000000000), HOUR, "1899-07-01",
         2 * HOUR},
        {"CET-1CEST,M3.5.0,M10.5.0/3", INT64_C (20000000000), 5 * HOUR, "2400-07-01", 0},
        {"CET-1CEST,M3.5.0,M10.5.0/3", INT64_C (20000000000), 5 * HOUR, "2700-07-01",
         5 * HOUR},
        /* A rule of one offset is right about the last span already. */
        {"CET-1", 1000000, 5 * HOUR, "1970-01-13", HOUR},
        /* Other rules are not (America/Ojinaga in slim files). */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1000000, 5 * HOUR, "1970-01-13", 5 * HOUR},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1000000, 5 * HOUR, "1970-04-01", 2 * HOUR},
        /* 1970-03-29T01:00:00Z, a change of the rule: the file said it already. */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 7520400, HOUR, "1970-07-01", HOUR},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 7520399, HOUR, "1970-07-01", 2 * HOUR},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 7520400, HOUR, "1971-07-01", 2 * HOUR},
        /* Moments outside their year: of 1971 in December, of 1970 in January. */
        {"AAA0BBB,J1/-40,J100", INT64_C (31363200), 0, "1970-12-31", HOUR},
        {"AAA0BBB,J365/167,J100", INT64_C (31622400), 0, "1971-01-08", HOUR},
    };
    for (size_t i = 0; i < COUNT (rows); i++) {
        zone_recipe recipe = {
            .version = '2',
            .footer = rows[i].footer,
            .n_changes = 1,
            .changes_s = {rows[i].last_s},
            .offsets = {0, rows[i].last_offset_s},
        };
        bf_zone *zone = read_recipe (&recipe);
        int32_t offset_s =
            bf_zone_at (zone, (bf_instant){seconds_of (rows[i].at)}).offset_s;
        if (offset_s != rows[i].offset_s) {
            fail_msg ("row %zu: %" PRId32, i, offset_s);
        }
        bf_zone_destroy (&zone);
    }
}

/* What changes a name, or nothing, is no change of the clocks. */
static void
test_changes_of_nothing (void **state)
{
    (void)state;
    bf_zone *zone = read_recipe (&(zone_recipe){
        .version = '2',
        .n_changes = 5,
        .changes_s = {100000, 200000, 300000, 400000, 500000},
        .offsets = {0, 0, HOUR, HOUR, 0, 0},
    });
    assert_int_equal (count_spans (zone), 3);
    bf_zone_span span = bf_zone_at (zone, (bf_instant){350000});
    assert_true (span.from.s == 200000 && span.until.s == 400000);
    bf_zone_destroy (&zone);
}

/* --- local times ------------------------------------------------------------------------
 */

typedef struct {
    int64_t local_s;
    bf_local_kind kind;
    int64_t first_s;
    int64_t second_s;
    int64_t change_s;
    int32_t before_s;
    int32_t after_s;
} meaning_row;

static void
check_meaning (const char *what, const bf_zone *zone, const meaning_row *row)
{
    bf_local_meaning meaning = bf_zone_resolve (zone, (bf_local){row->local_s});
    if (meaning.kind != row->kind || meaning.first.s != row->first_s ||
        meaning.second.s != row->second_s || meaning.change.s != row->change_s ||
        meaning.offset_before != row->before_s || meaning.offset_after != row->after_s) {
        fail_msg ("%s, local %" PRId64 ": kind %d, %" PRId64 ", %" PRId64
                  "; change %" PRId64 " from %" PRId32 " to %" PRId32,
                  what, row->local_s, (int)meaning.kind, meaning.first.s, meaning.second.s,
                  meaning.change.s, meaning.offset_before, meaning.offset_after);
    }
}

/* The same changes far west, around UTC and far east: a local time is looked for among
 * instants that are off by its offset. */
static void
test_meanings (void **state)
{
    (void)state;
    enum { GAP_S = 1000000, OVERLAP_S = 2000000 };
    static const int32_t easts[] = {-24 * HOUR, -12 * HOUR, -1,       0,
                                    HOUR,       14 * HOUR,  24 * HOUR};
    static const struct {
        int64_t at_s;
        bf_local_kind kind;
    } rows[] = {
        {0, BF_LOCAL_UNIQUE},
        {GAP_S - 1, BF_LOCAL_UNIQUE},
        {GAP_S, BF_LOCAL_GAP},
        {GAP_S + HOUR - 1, BF_LOCAL_GAP},
        {GAP_S + HOUR, BF_LOCAL_UNIQUE},
        {OVERLAP_S - 1, BF_LOCAL_UNIQUE},
        {OVERLAP_S, BF_LOCAL_OVERLAP},
        {OVERLAP_S + HOUR - 1, BF_LOCAL_OVERLAP},
        {OVERLAP_S + HOUR, BF_LOCAL_UNIQUE},
        {3000000, BF_LOCAL_UNIQUE},
        {-(INT64_C (1) << 60), BF_LOCAL_UNIQUE},
        {(INT64_C (1) << 60), BF_LOCAL_UNIQUE},
    };
    for (size_t e = 0; e < COUNT (easts); e++) {
        int32_t east = easts[e];
        bf_zone *zone = read_recipe (&(zone_recipe){
            .version = '2',
            .n_changes = 2,
            .changes_s = {GAP_S, OVERLAP_S},
            .offsets = {east, east + HOUR, east},
        });
        for (size_t i = 0; i < COUNT (rows); i++) {
            int64_t at_s = rows[i].at_s;
            meaning_row row = {at_s + east, rows[i].kind, at_s, at_s, 0, 0, 0};
            if (row.kind == BF_LOCAL_GAP) {
                row.second_s = at_s - HOUR;
                row.change_s = GAP_S;
                row.before_s = east;
                row.after_s = east + HOUR;
            } else if (row.kind == BF_LOCAL_OVERLAP) {
                row.first_s = at_s - HOUR;
                row.change_s = OVERLAP_S;
                row.before_s = east + HOUR;
                row.after_s = east;
            } else if (at_s >= GAP_S && at_s < OVERLAP_S) {
                row.first_s = at_s - HOUR;
                row.second_s = at_s - HOUR;
            }
            check_meaning ("two changes", zone, &row);
        }
        bf_zone_destroy (&zone);
    }
}

/* What the spans say of a local time, one by one: the definition. */
static void
check_by_definition (const bf_zone *zone, int64_t local_s)
{
    meaning_row row = {.local_s = local_s};
    int found = 0;
    bf_zone_span span = bf_zone_at (zone, (bf_instant){INT64_MIN});
    while (true) {
        int64_t at_s = local_s - span.offset_s;
        if (at_s >= span.from.s && at_s < span.until.s) {
            row.first_s = found == 0 ? at_s : row.first_s;
            row.second_s = at_s;
            found++;
        }
        if (span.until.s == INT64_MAX) {
            break;
        }
        bf_zone_span next = bf_zone_next (zone, span);
        int64_t ends[] = {next.from.s + span.offset_s, next.from.s + next.offset_s};
        if ((local_s >= ends[0] && local_s < ends[1]) ||
            (local_s >= ends[1] && local_s < ends[0])) {
            row.change_s = next.from.s;
            row.before_s = span.offset_s;
            row.after_s = next.offset_s;
        }
        span = next;
    }
    assert_in_range (found, 0, 2);
    row.kind = found == 0 ? BF_LOCAL_GAP : found == 1 ? BF_LOCAL_UNIQUE : BF_LOCAL_OVERLAP;
    if (found == 0) {
        row.first_s = local_s - row.before_s;
        row.second_s = local_s - row.after_s;
    }
    check_meaning ("close changes", zone, &row);
}

/* Many changes within the reach of an offset; some begin where the last one's skipped or
 * repeated hour ends. */
static void
test_close_changes (void **state)
{
    (void)state;
    static const int32_t easts[] = {-23 * HOUR, -5 * HOUR, 0, 9 * HOUR, 24 * HOUR};
    for (size_t i = 0; i < COUNT (easts); i++) {
        int32_t east = easts[i];
        bf_zone *zone = read_recipe (&(zone_recipe){
            .version = '2',
            .n_changes = 8,
            .changes_s = {0, HOUR, 4 * HOUR, 6 * HOUR, 8 * HOUR, 9 * HOUR, 12 * HOUR,
                          20 * HOUR},
            .offsets = {east, east + HOUR, east, east + HOUR, east + HOUR / 2,
                        east - HOUR / 2, east + HOUR, east - HOUR, east},
        });
        assert_int_equal (count_spans (zone), 9);
        for (int64_t step = -30 * HOUR; step <= 50 * HOUR; step += HOUR / 12) {
            check_by_definition (zone, east + step);
            check_by_definition (zone, east + step - 1);
        }
        bf_zone_destroy (&zone);
    }
}

/* A local time may be the business of one change alone. */
static void
test_entangled_changes_refused (void **state)
{
    (void)state;
    static const char too_close[] =
        "the zone data changes its clocks again before the change before it is over";
    static const char next_year[] = "the rule of the zone data reaches into the next year";
    static const struct {
        zone_recipe recipe;
        const char *text; /* NULL: taken */
    } rows[] = {
        {{.n_changes = 2, .changes_s = {0, HOUR}, .offsets = {0, HOUR, 0}}, NULL},
        {{.n_changes = 2, .changes_s = {0, HOUR - 1}, .offsets = {0, HOUR, 0}}, too_close},
        {{.n_changes = 2, .changes_s = {0, HOUR}, .offsets = {0, -HOUR, 0}}, NULL},
        {{.n_changes = 2, .changes_s = {0, HOUR - 1}, .offsets = {0, -HOUR, 0}}, too_close},
        {{.n_changes = 2, .changes_s = {0, 1}, .offsets = {0, HOUR, 2 * HOUR}}, NULL},
        {{.n_changes = 2, .changes_s = {0, 2 * HOUR}, .offsets = {0, -HOUR, -2 * HOUR}},
         NULL},
        {{.n_changes = 2, .changes_s = {0, HOUR - 1}, .offsets = {0, -HOUR, -2 * HOUR}},
         too_close},
        {{.footer = "AAA0BBB,J1/0,J365/25"}, NULL},
        {{.footer = "AAA0BBB,J1/0,J365/26"}, next_year},
        {{.footer = "AAA0BBB,J1/0,J365/24"}, NULL},
        {{.footer = "AAA0BBB,J1/0,J365/24:30"}, too_close},
        {{.footer = "AAA0BBB,J1/-1,J365/24"}, NULL},
        {{.footer = "AAA0BBB,J365/23,J1/1"}, NULL},
        {{.footer = "AAA0BBB,J365/25,J1/1"}, next_year},
        {{.footer = "AAA0BBB,J365/167,J1/0"}, next_year},
        {{.footer = "AAA0BBB,J100/2,J100/4"}, NULL},
        {{.footer = "AAA0BBB,J100/2,J100/3:59:59"}, too_close},
    };
    for (size_t i = 0; i < COUNT (rows); i++) {
        zone_recipe recipe = rows[i].recipe;
        recipe.version = '2';
        zone_file file;
        zone_file_make (&recipe, &file);
        bf_zone *zone = NULL;
        bf_error error = {0};
        bf_err err = bf_zone_read (file.bytes, file.size, &zone, &error);
        if ((err == BF_OK) != (rows[i].text == NULL)) {
            fail_msg ("row %zu: %s", i, error.text);
        }
        if (err == BF_OK) {
            bf_zone_destroy (&zone);
        } else {
            assert_int_equal (err, BF_EINVALID);
            assert_string_equal (error.text, rows[i].text);
        }
        assert_null (zone);
    }
}

static void
test_utc (void **state)
{
    (void)state;
    static const char *const names[] = {"UTC", "Etc/UTC", "Z", "GMT", "Etc/GMT-0", "Zulu"};
    for (size_t i = 0; i < COUNT (names); i++) {
        assert_true (bf_zone_name_is_utc (names[i]));
        assert_true (bf_zone_name_is_valid (names[i]));
    }
    static const char *const others[] = {"utc", "UTC0", "Etc/GMT+1", "Europe/London", "UT"};
    for (size_t i = 0; i < COUNT (others); i++) {
        assert_false (bf_zone_name_is_utc (others[i]));
    }
    const bf_zone *utc = bf_zone_utc ();
    bf_zone_span span = bf_zone_at (utc, (bf_instant){0});
    assert_true (span.from.s == INT64_MIN && span.until.s == INT64_MAX);
    assert_true (span.offset_s == 0 && span.index == 0);
    assert_true (bf_zone_local (utc, (bf_instant){42}).s == 42);
    check_meaning ("UTC", utc, &(meaning_row){42, BF_LOCAL_UNIQUE, 42, 42, 0, 0, 0});
    check_meaning ("UTC", utc, &(meaning_row){-42, BF_LOCAL_UNIQUE, -42, -42, 0, 0, 0});
}

/* --- real zones -------------------------------------------------------------------------
 */

typedef struct {
    const char *zone;
    const char *local;
    bf_local_kind kind;
    const char *first;
    const char *second;
    const char *change; /* NULL: UNIQUE */
} real_row;

/* From the announcements of those who set the clocks, not from a program. */
static const real_row reals[] = {
    {"Europe/Berlin", "2024-03-31T01:59:59", BF_LOCAL_UNIQUE, "2024-03-31T00:59:59",
     "2024-03-31T00:59:59", NULL},
    {"Europe/Berlin", "2024-03-31T02:00", BF_LOCAL_GAP, "2024-03-31T01:00",
     "2024-03-31T00:00", "2024-03-31T01:00"},
    {"Europe/Berlin", "2024-03-31T02:30", BF_LOCAL_GAP, "2024-03-31T01:30",
     "2024-03-31T00:30", "2024-03-31T01:00"},
    {"Europe/Berlin", "2024-03-31T03:00", BF_LOCAL_UNIQUE, "2024-03-31T01:00",
     "2024-03-31T01:00", NULL},
    {"Europe/Berlin", "2024-10-27T02:00", BF_LOCAL_OVERLAP, "2024-10-27T00:00",
     "2024-10-27T01:00", "2024-10-27T01:00"},
    {"Europe/Berlin", "2024-10-27T02:59:59", BF_LOCAL_OVERLAP, "2024-10-27T00:59:59",
     "2024-10-27T01:59:59", "2024-10-27T01:00"},
    {"Europe/Berlin", "2024-10-27T03:00", BF_LOCAL_UNIQUE, "2024-10-27T02:00",
     "2024-10-27T02:00", NULL},
    {"Europe/Berlin", "2399-07-01T12:00", BF_LOCAL_UNIQUE, "2399-07-01T10:00",
     "2399-07-01T10:00", NULL},
    {"America/New_York", "2024-03-10T02:30", BF_LOCAL_GAP, "2024-03-10T07:30",
     "2024-03-10T06:30", "2024-03-10T07:00"},
    {"America/New_York", "2024-11-03T01:30", BF_LOCAL_OVERLAP, "2024-11-03T05:30",
     "2024-11-03T06:30", "2024-11-03T06:00"},
    /* Until 2006 the last Sunday of October. */
    {"America/New_York", "2006-10-29T01:30", BF_LOCAL_OVERLAP, "2006-10-29T05:30",
     "2006-10-29T06:30", "2006-10-29T06:00"},
    {"America/New_York", "2100-11-07T01:30", BF_LOCAL_OVERLAP, "2100-11-07T05:30",
     "2100-11-07T06:30", "2100-11-07T06:00"},
    /* Half an hour. */
    {"Australia/Lord_Howe", "2024-10-06T02:15", BF_LOCAL_GAP, "2024-10-05T15:45",
     "2024-10-05T15:15", "2024-10-05T15:30"},
    {"Australia/Lord_Howe", "2024-10-06T02:30", BF_LOCAL_UNIQUE, "2024-10-05T15:30",
     "2024-10-05T15:30", NULL},
    {"Australia/Lord_Howe", "2024-04-07T01:29:59", BF_LOCAL_UNIQUE, "2024-04-06T14:29:59",
     "2024-04-06T14:29:59", NULL},
    {"Australia/Lord_Howe", "2024-04-07T01:45", BF_LOCAL_OVERLAP, "2024-04-06T14:45",
     "2024-04-06T15:15", "2024-04-06T15:00"},
    /* 30 December 2011 was left out. */
    {"Pacific/Apia", "2011-12-29T23:59:59", BF_LOCAL_UNIQUE, "2011-12-30T09:59:59",
     "2011-12-30T09:59:59", NULL},
    {"Pacific/Apia", "2011-12-30T00:00", BF_LOCAL_GAP, "2011-12-30T10:00",
     "2011-12-29T10:00", "2011-12-30T10:00"},
    {"Pacific/Apia", "2011-12-30T12:00", BF_LOCAL_GAP, "2011-12-30T22:00",
     "2011-12-29T22:00", "2011-12-30T10:00"},
    {"Pacific/Apia", "2011-12-31T00:00", BF_LOCAL_UNIQUE, "2011-12-30T10:00",
     "2011-12-30T10:00", NULL},
    /* An hour back for Ramadan. */
    {"Africa/Casablanca", "2024-03-10T02:30", BF_LOCAL_OVERLAP, "2024-03-10T01:30",
     "2024-03-10T02:30", "2024-03-10T02:00"},
    {"Africa/Casablanca", "2024-04-14T02:30", BF_LOCAL_GAP, "2024-04-14T02:30",
     "2024-04-14T01:30", "2024-04-14T02:00"},
    {"Africa/Casablanca", "2024-03-20T12:00", BF_LOCAL_UNIQUE, "2024-03-20T12:00",
     "2024-03-20T12:00", NULL},
    {"Africa/Casablanca", "2024-07-01T12:00", BF_LOCAL_UNIQUE, "2024-07-01T11:00",
     "2024-07-01T11:00", NULL},
    /* After 2037 by the rule alone, which has winter time as "daylight saving time". */
    {"Europe/Dublin", "2040-03-25T01:30", BF_LOCAL_GAP, "2040-03-25T01:30",
     "2040-03-25T00:30", "2040-03-25T01:00"},
    {"Europe/Dublin", "2040-07-01T12:00", BF_LOCAL_UNIQUE, "2040-07-01T11:00",
     "2040-07-01T11:00", NULL},
    {"Europe/Dublin", "2040-10-28T01:30", BF_LOCAL_OVERLAP, "2040-10-28T00:30",
     "2040-10-28T01:30", "2040-10-28T01:00"},
    {"Europe/Dublin", "2040-12-25T12:00", BF_LOCAL_UNIQUE, "2040-12-25T12:00",
     "2040-12-25T12:00", NULL},
    {"Asia/Kolkata", "2024-07-01T12:00", BF_LOCAL_UNIQUE, "2024-07-01T06:30",
     "2024-07-01T06:30", NULL},
    {"Asia/Kolkata", "2399-12-31T00:00", BF_LOCAL_UNIQUE, "2399-12-30T18:30",
     "2399-12-30T18:30", NULL},
};

static void
test_real_zones (void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT (reals); i++) {
        const real_row *real = &reals[i];
        bf_zone *zone = zone_of_name (real->zone);
        assert_non_null (zone);
        meaning_row row = {
            .local_s = seconds_of (real->local),
            .kind = real->kind,
            .first_s = seconds_of (real->first),
            .second_s = seconds_of (real->second),
        };
        if (real->change != NULL) {
            row.change_s = seconds_of (real->change);
            row.before_s = (int32_t)(row.local_s - row.first_s);
            row.after_s = (int32_t)(row.local_s - row.second_s);
        } else {
            assert_true (bf_zone_local (zone, (bf_instant){row.first_s}).s == row.local_s);
        }
        check_meaning (real->zone, zone, &row);
        bf_zone_destroy (&zone);
    }
}

/* An instant as people of a zone write it. */
static void
test_written (void **state)
{
    (void)state;
    static const struct {
        int32_t offset_s;
        int64_t us;
        const char *text;
    } rows[] = {
        {HOUR, 0, "1970-01-01T01:00:00+01:00"},
        {-5 * HOUR - 1800, 1, "1969-12-31T18:30:00.000001-05:30"},
        {0, -1, "1969-12-31T23:59:59.999999+00:00"},
        /* Local mean time of Liberia. */
        {-2670, 2670000000, "1970-01-01T00:00:00-00:44:30"},
        {2670, -1000000, "1970-01-01T00:44:29+00:44:30"},
    };
    for (size_t i = 0; i < COUNT (rows); i++) {
        const zone_recipe recipe = {.offsets = {rows[i].offset_s}};
        bf_zone *zone = read_recipe (&recipe);
        char text[BF_ZONE_TIME_BYTES];
        assert_string_equal (bf_zone_format (zone, rows[i].us, text), rows[i].text);
        bf_zone_destroy (&zone);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_versions),
        cmocka_unit_test (test_after_the_last_change),
        cmocka_unit_test (test_changes_of_nothing),
        cmocka_unit_test (test_meanings),
        cmocka_unit_test (test_close_changes),
        cmocka_unit_test (test_entangled_changes_refused),
        cmocka_unit_test (test_utc),
        cmocka_unit_test (test_written),
        cmocka_unit_test (test_real_zones),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
