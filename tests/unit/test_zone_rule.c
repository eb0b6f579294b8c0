/* SPDX-License-Identifier: MPL-2.0
 *
 * The rules that zone data ends with: when they change the clocks, and texts that are none.
 */
#include "core/calendar/zone.h"

#include <inttypes.h>

#include "tests/support/cmocka.h"
#include "tests/support/zone_file.h"

#define COUNT(list) (sizeof (list) / sizeof (list)[0])

#define HOUR 3600

static bf_zone *
read_rule (const char *rule, int32_t before_s)
{
    zone_file file;
    zone_file_make (&(zone_recipe){.version = '3', .offsets = {before_s}, .footer = rule},
                    &file);
    bf_zone *zone = NULL;
    bf_error error = {0};
    if (bf_zone_read (file.bytes, file.size, &zone, &error) != BF_OK) {
        fail_msg ("%s: %s", rule, error.text);
    }
    return zone;
}

/* The offset changes at this instant, from one to the other. */
typedef struct {
    const char *rule;
    const char *at;
    int32_t before_s;
    int32_t after_s;
} change_row;

static const change_row changes[] = {
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T01:00", HOUR, 2 * HOUR},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T01:00", 2 * HOUR, HOUR},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "1970-03-29T01:00", HOUR, 2 * HOUR},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2400-03-26T01:00", HOUR, 2 * HOUR},
    {"CET-1CEST,M3.5.0,M10.5.0/3", "2400-10-29T01:00", 2 * HOUR, HOUR},
    {"EST5EDT,M3.2.0,M11.1.0", "2024-03-10T07:00", -5 * HOUR, -4 * HOUR},
    {"EST5EDT,M3.2.0,M11.1.0", "2024-11-03T06:00", -4 * HOUR, -5 * HOUR},
    /* Clocks go back in winter, and that is what the rule calls daylight saving time. */
    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2040-03-25T01:00", 0, HOUR},
    {"IST-1GMT0,M10.5.0,M3.5.0/1", "2040-10-28T01:00", HOUR, 0},
    /* Names that are quoted; half an hour; the southern half of the world. */
    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2024-04-06T15:00", 39600, 37800},
    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2024-10-05T15:30", 37800, 39600},
    {"<-02>+2<-01>,M3.5.0/-1,M10.5.0/+0", "2024-03-31T01:00", -2 * HOUR, -1 * HOUR},
    {"<-02>+2<-01>,M3.5.0/-1,M10.5.0/+0", "2024-10-27T01:00", -1 * HOUR, -2 * HOUR},
    /* Seconds; letters of either case. */
    {"Zon-0:19:32aza-1:19:32,M4.1.0,M10.1.0", "2024-04-07T01:40:28", 1172, 4772},
    {"Zon-0:19:32aza-1:19:32,M4.1.0,M10.1.0", "2024-10-06T00:40:28", 4772, 1172},
    /* Hours past the day, and before it. */
    {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2024-03-30T00:00", 2 * HOUR, 3 * HOUR},
    {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2024-10-25T23:00", 3 * HOUR, 2 * HOUR},
    {"AAA0BBB,M3.1.0/167,M10.1.0/-167", "2024-03-09T23:00", 0, HOUR},
    {"AAA0BBB,M3.1.0/167:59:59,M10.1.0/-167:30", "2024-03-09T23:59:59", 0, HOUR},
    {"AAA0BBB,M3.1.0/167,M10.1.0/-167", "2024-09-29T00:00", HOUR, 0},
    {"AAA0BBB,M3.1.0/167,M10.1.0/-167:30", "2024-09-28T23:30", HOUR, 0},
    /* Jn never counts 29 February. */
    {"AAA0BBB,J59/0,J300/0", "2023-02-28T00:00", 0, HOUR},
    {"AAA0BBB,J59/0,J300/0", "2024-02-28T00:00", 0, HOUR},
    {"AAA0BBB,J60/0,J365/0", "2023-03-01T00:00", 0, HOUR},
    {"AAA0BBB,J60/0,J365/0", "2024-03-01T00:00", 0, HOUR},
    {"AAA0BBB,J1/1,J365/0", "2024-01-01T01:00", 0, HOUR},
    {"AAA0BBB,J1/1,J365/0", "2023-12-30T23:00", HOUR, 0},
    {"AAA0BBB,J1/1,J365/0", "2024-12-30T23:00", HOUR, 0},
    /* n does. */
    {"AAA0BBB,59/0,300/0", "2023-03-01T00:00", 0, HOUR},
    {"AAA0BBB,59/0,300/0", "2024-02-29T00:00", 0, HOUR},
    {"AAA0BBB,0/1,365/0", "2024-01-01T01:00", 0, HOUR},
    {"AAA0BBB,0/1,365/0", "2023-12-31T23:00", HOUR, 0},
    {"AAA0BBB,0/1,365/0", "2024-12-30T23:00", HOUR, 0},
    /* Weekdays and weeks; a fifth that the month has, and one that it has not. */
    {"AAA0BBB,M2.5.4/0,M9.1.1/0", "2024-02-29T00:00", 0, HOUR},
    {"AAA0BBB,M2.5.4/0,M9.1.1/0", "2023-02-23T00:00", 0, HOUR},
    {"AAA0BBB,M2.5.4/0,M9.1.1/0", "2024-09-01T23:00", HOUR, 0},
    {"AAA0BBB,M12.5.6/0,M1.2.2/0", "2023-12-30T00:00", 0, HOUR},
    {"AAA0BBB,M12.5.6/0,M1.2.2/0", "2024-01-08T23:00", HOUR, 0},
    {"AAA0BBB,M5.3.3/0,M6.4.5/0", "2024-05-15T00:00", 0, HOUR},
    {"AAA0BBB,M5.3.3/0,M6.4.5/0", "2024-06-27T23:00", HOUR, 0},
    /* Two o'clock where none is said, and an hour more. */
    {"AAA0BBB,J100,J200", "2023-04-10T02:00", 0, HOUR},
    {"AAA0BBB,J100,J200", "2023-07-19T01:00", HOUR, 0},
    {"AAA0BBB-1:30,J100,J200", "2023-04-10T02:00", 0, 5400},
    /* As far from UTC as a rule can say. */
    {"AAA-24BBB,J100/0,J200/0", "2023-04-09T00:00", 24 * HOUR, 25 * HOUR},
    {"AAA24BBB,J100/0,J200/0", "2023-04-11T00:00", -24 * HOUR, -23 * HOUR},
};

static void
test_rules (void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT (changes); i++) {
        const change_row *row = &changes[i];
        bf_zone *zone = read_rule (row->rule, row->before_s);
        bf_local at_utc = {0};
        assert_true (bf_local_parse (row->at, &at_utc));
        int64_t at = at_utc.s;
        bf_zone_span before = bf_zone_at (zone, (bf_instant){at - 1});
        bf_zone_span after = bf_zone_at (zone, (bf_instant){at});
        if (before.offset_s != row->before_s || after.offset_s != row->after_s ||
            after.from.s != at) {
            fail_msg ("%s, %s: from %" PRId32 " to %" PRId32 ", %" PRId64 " s before",
                      row->rule, row->at, before.offset_s, after.offset_s,
                      at - after.from.s);
        }
        bf_zone_destroy (&zone);
        assert_null (zone);
    }
}

/* Rules after which nothing ever changes. */
static void
test_rules_of_one_offset (void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int32_t offset_s;
    } rows[] = {
        {"UTC0", 0},
        {"utc0", 0},
        {"CET-1", HOUR},
        {"<+0330>-3:30", 12600},
        {"<-12>12", -12 * HOUR},
        {"<+09>-9", 9 * HOUR},
        {"MSK-3:00", 3 * HOUR},
        {"<A1b2-+>-3", 3 * HOUR},
        {"LongName-24:59:59", 24 * HOUR + 3599},
        {"IST-5:30:00", 19800},
        {"AAA+1", -HOUR},
        /* All year, as RFC 8536, 3.3.1 has it, and with the words the other way round. */
        {"EST5EDT,0/0,J365/25", -4 * HOUR},
        {"XXX3EDT4,0/0,J365/23", -4 * HOUR},
        /* Not for a second. */
        {"AAA0BBB,J100/2,J100/3", 0},
        /* One name more for the same. */
        {"AAA0BBB0,J100,J200", 0},
    };
    for (size_t i = 0; i < COUNT (rows); i++) {
        bf_zone *zone = read_rule (rows[i].rule, rows[i].offset_s);
        bf_zone_span span = bf_zone_at (zone, (bf_instant){0});
        /* Rules are worked out as far as anybody looks. */
        if (span.offset_s != rows[i].offset_s || span.from.s != INT64_MIN ||
            span.until.s <= BF_INSTANT_MAX_S + BF_DAY_S) {
            fail_msg ("%s: %" PRId32 " from %" PRId64 " until %" PRId64, rows[i].rule,
                      span.offset_s, span.from.s, span.until.s);
        }
        bf_zone_destroy (&zone);
    }
}

static const char not_a_rule[] =
    "the zone data is damaged: its last line is no rule for a zone";

static void
test_rules_refused (void **state)
{
    (void)state;
    static const char *const rules[] = {
        /* names */
        " ",
        "-1",
        "CE-1",
        "<>-1",
        "<CE>-1",
        "<CET-1",
        "<C_T>-1",
        "CET>-1",
        "C3T-1",
        "C@T-1",
        "C[T-1",
        "C`T-1",
        "C{T-1",
        "<C/T>-1",
        "<C:T>-1",
        "CET-1CE,J1,J2",
        "CET-1<CEST,J1,J2",
        /* offsets */
        "CET",
        "CET-",
        "CET+-1",
        "CET--1",
        "CET 1",
        "CET25",
        "CET-25",
        "CET99999999999999999999",
        "CET-1:",
        "CET-1:60",
        "CET-1:x",
        "CET-1:00:",
        "CET-1:00:60",
        "CET-1:00:00:00",
        "CET-1.5",
        "CET-1CEST-25,J1,J2",
        /* moments */
        "CET-1CEST",
        "CET-1CEST-2",
        "CET-1CEST,",
        "CET-1CEST,J1",
        "CET-1CEST,J1,",
        "CET-1CEST,J1;J2",
        "CET-1CEST,,J1,J2",
        "CET-1CEST,J1,J2,",
        "CET-1CEST,J1,J2,J3",
        "CET-1CEST,J1,J2 ",
        "CET-1CEST,J1,J2\n",
        "CET-1CEST,J,J2",
        "CET-1CEST,J0,J2",
        "CET-1CEST,J366,J2",
        "CET-1CEST,J-1,J2",
        "CET-1CEST,366,J2",
        "CET-1CEST,-1,J2",
        "CET-1CEST,j1,J2",
        "CET-1CEST,M,J2",
        "CET-1CEST,M0.1.0,J2",
        "CET-1CEST,M13.1.0,J2",
        "CET-1CEST,M3,J2",
        "CET-1CEST,M3.,J2",
        "CET-1CEST,M3.0.0,J2",
        "CET-1CEST,M3.6.0,J2",
        "CET-1CEST,M3.1,J2",
        "CET-1CEST,M3.1.,J2",
        "CET-1CEST,M3.1.7,J2",
        "CET-1CEST,M3-1.0,J2",
        "CET-1CEST,M3.1-0,J2",
        "CET-1CEST,J1/,J2",
        "CET-1CEST,J1/x,J2",
        "CET-1CEST,J1/168,J2",
        "CET-1CEST,J1/-168,J2",
        "CET-1CEST,J1/2:,J2",
        "CET-1CEST,J1,J2/168",
        "CET-1CEST,J1,J2/2:00:60",
        "CET-1CEST,J1,366",
    };
    for (size_t i = 0; i < COUNT (rules); i++) {
        zone_file file;
        zone_file_make (&(zone_recipe){.version = '2', .footer = rules[i]}, &file);
        bf_zone *zone = NULL;
        bf_error error = {0};
        if (bf_zone_read (file.bytes, file.size, &zone, &error) == BF_OK) {
            fail_msg ("\"%s\" is taken for a rule", rules[i]);
        }
        assert_int_equal (error.code, BF_EINVALID);
        assert_string_equal (error.text, not_a_rule);
        assert_null (zone);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_rules),
        cmocka_unit_test (test_rules_of_one_offset),
        cmocka_unit_test (test_rules_refused),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
