/* SPDX-License-Identifier: MPL-2.0
 *
 * Recurrence rules as a set of local times: against a matcher that tries every time, at the
 * edges that UNTIL, COUNT, EXDATE and RDATE make, and with rules that want to search for
 * ever.
 */
#include "core/calendar/rrule.h"

#include <stdio.h>
#include <string.h>

#include "core/calendar/recurrence.h"
#include "persist/zoneinfo.h"

#include "tests/support/cmocka.h"

#define DAY BF_DAY_S
#define LONG_AGO (-(INT64_C (1) << 40))
#define FAR (INT64_C (1) << 40)

static int64_t
local_of (const char *text)
{
    bf_local local;
    assert_true (bf_local_parse (text, &local));
    return local.s;
}

static bf_rrule *
open_in (const char *text, const char *start, const bf_zone *zone)
{
    bf_rrule *rule = NULL;
    bf_error error = {0};
    if (bf_rrule_parse (text, &rule, &error) != BF_OK ||
        bf_rrule_open (rule, zone, (bf_local){local_of (start)}, &error) != BF_OK) {
        fail_msg ("%s: %s", text, error.text);
    }
    return rule;
}

static bool
first (const bf_rrule *rule, int64_t from, int64_t until, int64_t *found)
{
    bf_local local;
    bool is_there =
        bf_rrule_times.first (rule, (bf_local){from}, (bf_local){until}, &local);
    if (is_there) {
        *found = local.s;
    }
    return is_there;
}

static bool
last (const bf_rrule *rule, int64_t from, int64_t until, int64_t *found)
{
    bf_local local;
    bool is_there = bf_rrule_times.last (rule, (bf_local){from}, (bf_local){until}, &local);
    if (is_there) {
        *found = local.s;
    }
    return is_there;
}

static uint64_t
count (const bf_rrule *rule, int64_t from, int64_t until)
{
    return bf_rrule_times.count (rule, (bf_local){from}, (bf_local){until});
}

/* --- Against one that tries every time --- */

/* A rule as plain lists, 0 terminated where 0 is no number. */
typedef struct {
    int freq; /* 0 yearly..5 minutely */
    int interval;
    int week_start;
    int months[4];
    int month_days[4];
    int year_days[4];
    int weeks[4];
    int weekdays[4]; /* weekday + 1 */
    int nth[4];      /* of the weekday; 0: every */
    int n_weekdays;
    int hours[4]; /* hour + 1 */
    int64_t start;
} plain_t;

static const char *const freqs[] = {"YEARLY", "MONTHLY", "WEEKLY",
                                    "DAILY",  "HOURLY",  "MINUTELY"};
static const char *const weekdays[] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

static uint64_t seed;

static int
random_below (int bound)
{
    seed = seed * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
    return (int)((seed >> 33) % (uint64_t)bound);
}

static void
random_list (int list[4], int max, bool both_ends)
{
    int size = 1 + random_below (4);
    for (int i = 0; i < size; i++) {
        list[i] = 1 + random_below (max);
        if (both_ends && random_below (2) == 0) {
            list[i] = -list[i];
        }
    }
}

static plain_t
random_plain (void)
{
    plain_t plain = {.freq = random_below (6), .week_start = random_below (7)};
    plain.interval = 1 + (random_below (2) == 0 ? random_below (8) : 0);
    /* Within the days of 2027 to 2030. */
    plain.start =
        local_of ("2027-01-01") + random_below (1400) * DAY + random_below (1440) * 60;
    if (random_below (3) == 0) {
        random_list (plain.months, 12, false);
    }
    if (plain.freq != 2 && random_below (3) == 0) {
        random_list (plain.month_days, 31, true);
    }
    if ((plain.freq == 0 || plain.freq > 3) && random_below (4) == 0) {
        random_list (plain.year_days, 366, true);
    }
    if (plain.freq == 0 && random_below (3) == 0) {
        random_list (plain.weeks, 53, true);
    }
    if (random_below (2) == 0) {
        random_list (plain.weekdays, 7, false);
        bool numbered = plain.freq < 2 && plain.weeks[0] == 0 && random_below (2) == 0;
        for (int i = 0; i < 4 && numbered; i++) {
            plain.nth[i] = random_below (11) - 5;
        }
    }
    if (random_below (3) == 0) {
        random_list (plain.hours, 24, false);
    }
    return plain;
}

static size_t
print_list (char *text, size_t size, const char *name, const int list[4], int less)
{
    if (list[0] == 0) {
        return 0;
    }
    size_t used = (size_t)snprintf (text, size, ";%s=", name);
    for (int i = 0; i < 4 && list[i] != 0; i++) {
        used += (size_t)snprintf (text + used, size - used, "%s%d", i > 0 ? "," : "",
                                  list[i] - less);
    }
    return used;
}

static void
print_plain (const plain_t *plain, char *text, size_t size)
{
    size_t used =
        (size_t)snprintf (text, size, "FREQ=%s;INTERVAL=%d;WKST=%s", freqs[plain->freq],
                          plain->interval, weekdays[plain->week_start]);
    used += print_list (text + used, size - used, "BYMONTH", plain->months, 0);
    used += print_list (text + used, size - used, "BYMONTHDAY", plain->month_days, 0);
    used += print_list (text + used, size - used, "BYYEARDAY", plain->year_days, 0);
    used += print_list (text + used, size - used, "BYWEEKNO", plain->weeks, 0);
    used += print_list (text + used, size - used, "BYHOUR", plain->hours, 1);
    for (int i = 0; i < 4 && plain->weekdays[i] != 0; i++) {
        used += (size_t)snprintf (text + used, size - used, "%s", i > 0 ? "," : ";BYDAY=");
        if (plain->nth[i] != 0) {
            used += (size_t)snprintf (text + used, size - used, "%d", plain->nth[i]);
        }
        used += (size_t)snprintf (text + used, size - used, "%s",
                                  weekdays[plain->weekdays[i] - 1]);
    }
}

/* A number of a list says the place, from either end of so many. */
static bool
says (const int list[4], int place, int of)
{
    for (int i = 0; i < 4; i++) {
        if (list[i] != 0 && (list[i] == place || list[i] == place - of - 1)) {
            return true;
        }
    }
    return list[0] == 0;
}

static int64_t
week_begins (const plain_t *plain, int64_t day)
{
    while (bf_weekday_of (day) != plain->week_start) {
        day--;
    }
    return day;
}

/* Week 1 is the one with 4 January in it. */
static bool
says_week (const plain_t *plain, int64_t day)
{
    int64_t begins = week_begins (plain, day);
    int32_t year = bf_date_of (begins + 3).year;
    int64_t week_1 = week_begins (plain, bf_days_of (year, 1, 4));
    int64_t next_1 = week_begins (plain, bf_days_of (year + 1, 1, 4));
    return says (plain->weeks, (int)((begins - week_1) / 7) + 1,
                 (int)((next_1 - week_1) / 7));
}

static bool
says_weekday (const plain_t *plain, int64_t day, bf_date date)
{
    bool in_year = plain->freq == 0 && plain->months[0] == 0;
    for (int i = 0; i < 4 && plain->weekdays[i] != 0; i++) {
        if (plain->weekdays[i] - 1 != bf_weekday_of (day)) {
            continue;
        }
        int place = 0;
        int of = 0;
        int64_t from = bf_days_of (date.year, in_year ? 1 : date.month, 1);
        int64_t until = in_year ? bf_days_of (date.year + 1, 1, 1)
                                : from + bf_days_in_month (date.year, date.month);
        for (int64_t other = from; other < until; other++) {
            if (bf_weekday_of (other) == bf_weekday_of (day)) {
                of++;
                place += other <= day;
            }
        }
        if (plain->nth[i] == 0 || plain->nth[i] == place ||
            plain->nth[i] == place - of - 1) {
            return true;
        }
    }
    return plain->weekdays[0] == 0;
}

static bool
says_day (const plain_t *plain, int64_t day)
{
    bf_date date = bf_date_of (day);
    bf_date start = bf_date_of (bf_local_day ((bf_local){plain->start}));
    int64_t new_year = bf_days_of (date.year, 1, 1);
    if (plain->month_days[0] == 0 && plain->year_days[0] == 0 && plain->weeks[0] == 0 &&
        plain->weekdays[0] == 0) {
        bool yearly = plain->freq == 0 && plain->months[0] == 0;
        int64_t start_day = bf_local_day ((bf_local){plain->start});
        if ((plain->freq < 2 && date.day != start.day) ||
            (yearly && date.month != start.month) ||
            (plain->freq == 2 && bf_weekday_of (day) != bf_weekday_of (start_day))) {
            return false;
        }
    }
    return says (plain->months, date.month, 12) &&
           says (plain->month_days, date.day, bf_days_in_month (date.year, date.month)) &&
           says (plain->year_days, (int)(day - new_year) + 1,
                 (int)(bf_days_of (date.year + 1, 1, 1) - new_year)) &&
           says_weekday (plain, day, date) &&
           (plain->weeks[0] == 0 || says_week (plain, day));
}

static bool
on_grid (const plain_t *plain, int64_t at)
{
    int64_t day = bf_local_day ((bf_local){at});
    int64_t start_day = bf_local_day ((bf_local){plain->start});
    bf_date date = bf_date_of (day);
    bf_date start = bf_date_of (start_day);
    int64_t periods[] = {
        date.year - start.year,
        (date.year - start.year) * 12 + date.month - start.month,
        (week_begins (plain, day) - week_begins (plain, start_day)) / 7,
        day - start_day,
        at / 3600 - plain->start / 3600,
        at / 60 - plain->start / 60,
    };
    return periods[plain->freq] % plain->interval == 0;
}

static bool
matches (const plain_t *plain, int64_t at)
{
    int hour = (int)(at % DAY / 3600);
    int minute = (int)(at % 3600 / 60);
    bool hour_says = plain->hours[0] == 0
                         ? plain->freq >= 4 || hour == (int)(plain->start % DAY / 3600)
                         : says (plain->hours, hour + 1, 1000);
    bool minute_says = plain->freq >= 5 || minute == (int)(plain->start % 3600 / 60);
    return at >= plain->start && hour_says && minute_says && on_grid (plain, at);
}

/* Asks for the times of one day by all three ways. */
static void
check_day (const plain_t *plain, const char *text, const bf_rrule *rule, int64_t day)
{
    int64_t from = day * DAY;
    uint64_t number = 0;
    bool says_it = says_day (plain, day);
    for (int64_t at = from; at < from + DAY && says_it; at += 60) {
        if (matches (plain, at)) {
            int64_t found = 0;
            if (!first (rule, number == 0 ? from : from + 1, FAR, &found) ||
                (number == 0 && found != at)) {
                fail_msg ("%s: %lld instead of %lld", text, (long long)found,
                          (long long)at);
            }
            assert_true (last (rule, from, at + 1, &found));
            assert_int_equal (found, at);
            number++;
        }
    }
    if (count (rule, from, from + DAY) != number) {
        fail_msg ("%s: %llu on day %lld instead of %llu", text,
                  (unsigned long long)count (rule, from, from + DAY), (long long)day,
                  (unsigned long long)number);
    }
    if (number == 0) {
        assert_false (first (rule, from, from + DAY, &from));
        assert_false (last (rule, from, from + DAY, &from));
    }
}

static void
test_every_time (void **state)
{
    (void)state;
    seed = 20270328;
    int opened = 0;
    for (int i = 0; i < 600; i++) {
        plain_t plain = random_plain ();
        char text[512];
        print_plain (&plain, text, sizeof text);
        bf_rrule *rule = NULL;
        assert_int_equal (bf_rrule_parse (text, &rule, NULL), BF_OK);
        int64_t day = bf_local_day ((bf_local){plain.start});
        if (bf_rrule_open (rule, bf_zone_utc (), (bf_local){plain.start}, NULL) == BF_OK) {
            opened++;
            for (int n = 0; n < 370; n++) {
                check_day (&plain, text, rule, day + n);
            }
        } else {
            for (int n = 0; n < 370; n++) {
                for (int64_t at = (day + n) * DAY;
                     says_day (&plain, day + n) && at < (day + n + 1) * DAY; at += 60) {
                    assert_false (matches (&plain, at));
                }
            }
        }
        bf_rrule_destroy (&rule);
    }
    assert_true (opened > 400);
}

/* --- Rules whose times are known --- */

static const struct {
    const char *text;
    const char *start;
    const char *times; /* all of them, or the first ones before "…" */
} rows[] = {
    {"FREQ=DAILY;COUNT=3", "2027-01-05T09:00:00",
     "2027-01-05T09:00:00 2027-01-06T09:00:00 2027-01-07T09:00:00"},
    {"FREQ=DAILY;UNTIL=20270106", "2027-01-05T09:00:00",
     "2027-01-05T09:00:00 2027-01-06T09:00:00"},
    {"FREQ=DAILY;UNTIL=20270106T085959", "2027-01-05T09:00:00", "2027-01-05T09:00:00"},
    {"FREQ=DAILY;UNTIL=20270106T090000", "2027-01-05T09:00:00",
     "2027-01-05T09:00:00 2027-01-06T09:00:00"},
    {"FREQ=DAILY;UNTIL=20270106T090000Z", "2027-01-05T09:00:00",
     "2027-01-05T09:00:00 2027-01-06T09:00:00"},
    {"FREQ=DAILY;UNTIL=99991231", "2400-12-31T09:00:00",
     "2400-12-31T09:00:00 2401-01-01T09:00:00"},
    /* DTSTART is a time only where it matches. */
    {"FREQ=WEEKLY;BYDAY=WE;COUNT=2", "2027-01-05T09:00:00",
     "2027-01-06T09:00:00 2027-01-13T09:00:00"},
    /* The first week is whole for BYSETPOS, though it begins before DTSTART. */
    {"FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2;COUNT=2", "2027-01-05T09:00:00",
     "2027-01-06T09:00:00 2027-01-13T09:00:00"},
    {"FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1;COUNT=1", "2027-01-05T09:00:00",
     "2027-01-11T09:00:00"},
    /* A week of two months, and of two years. */
    {"FREQ=WEEKLY;BYDAY=MO,TH,SU;BYSETPOS=-1,2;COUNT=4", "2026-12-28T09:00:00",
     "2026-12-31T09:00:00 2027-01-03T09:00:00 2027-01-07T09:00:00 2027-01-10T09:00:00"},
    {"FREQ=DAILY;BYHOUR=8,12,18;BYSETPOS=1,-1;COUNT=4", "2027-01-05T10:00:00",
     "2027-01-05T18:00:00 2027-01-06T08:00:00 2027-01-06T18:00:00 2027-01-07T08:00:00"},
    {"FREQ=HOURLY;BYMINUTE=10,20,30;BYSETPOS=2;COUNT=2", "2027-01-05T10:00:00",
     "2027-01-05T10:20:00 2027-01-05T11:20:00"},
    {"FREQ=MINUTELY;BYSECOND=5,10,15,60;BYSETPOS=-1;COUNT=2", "2027-01-05T23:59:00",
     "2027-01-05T23:59:15 2027-01-06T00:00:15"},
    {"FREQ=SECONDLY;BYSECOND=7;BYSETPOS=1;COUNT=2", "2027-01-05T23:59:00",
     "2027-01-05T23:59:07 2027-01-06T00:00:07"},
    {"FREQ=YEARLY;BYDAY=MO;BYSETPOS=53;COUNT=2", "2027-01-05T09:00:00",
     "2029-12-31T09:00:00 2035-12-31T09:00:00"},
    {"FREQ=YEARLY;BYMONTHDAY=1,2;BYHOUR=1,2;BYSETPOS=-3,1;COUNT=3", "2027-01-05T00:00:00",
     "2027-12-01T02:00:00 2028-01-01T01:00:00 2028-12-01T02:00:00"},
    {"FREQ=YEARLY;BYSECOND=1,2;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-366;COUNT=1",
     "2027-01-01T00:00:00", "2027-07-02T00:00:01"},
    /* Weeks that belong to the year beside. */
    {"FREQ=YEARLY;BYWEEKNO=-53,-52;BYDAY=MO;COUNT=3", "2024-06-01T00:00:00",
     "2024-12-30T00:00:00 2025-12-29T00:00:00 2026-01-05T00:00:00"},
    {"FREQ=YEARLY;BYWEEKNO=53;COUNT=7", "2026-06-01T00:00:00",
     "2026-12-28T00:00:00 2026-12-29T00:00:00 2026-12-30T00:00:00 2026-12-31T00:00:00 "
     "2027-01-01T00:00:00 2027-01-02T00:00:00 2027-01-03T00:00:00"},
    {"FREQ=MONTHLY;BYDAY=WE,1MO;COUNT=3", "2027-01-01T00:00:00",
     "2027-01-04T00:00:00 2027-01-06T00:00:00 2027-01-13T00:00:00"},
    {"FREQ=MONTHLY;COUNT=3", "2027-01-31T00:00:00",
     "2027-01-31T00:00:00 2027-03-31T00:00:00 2027-05-31T00:00:00"},
    {"FREQ=YEARLY;COUNT=3", "2096-02-29T00:00:00",
     "2096-02-29T00:00:00 2104-02-29T00:00:00 2108-02-29T00:00:00"},
    /* COUNT from long ago, by each kind of grid. */
    {"DTSTART:17000101T000000 FREQ=DAILY;INTERVAL=2;COUNT=60000", "2027-01-01",
     "… 2028-07-18T00:00:00"},
    {"DTSTART:20270101T000000 FREQ=HOURLY;INTERVAL=5;BYHOUR=1,2,3;COUNT=4", "2027-01-01",
     "2027-01-02T01:00:00 2027-01-03T02:00:00 2027-01-04T03:00:00 2027-01-07T01:00:00"},
    {"DTSTART:20270101T000000 FREQ=SECONDLY;INTERVAL=7;COUNT=1000", "2027-01-01",
     "… 2027-01-01T01:56:33"},
    {"DTSTART:20270101T000000 FREQ=SECONDLY;COUNT=1000001", "2027-01-01",
     "… 2027-01-12T13:46:40"},
    {"DTSTART:20270101T120000 FREQ=MINUTELY;INTERVAL=7;COUNT=1000", "2027-01-01",
     "… 2027-01-06T08:33:00"},
    /* Grids that begin before 1970. */
    {"DTSTART:19600106T093000 FREQ=WEEKLY;INTERVAL=1000;COUNT=4", "2027-01-01",
     "1960-01-06T09:30:00 1979-03-07T09:30:00 1998-05-06T09:30:00 2017-07-05T09:30:00"},
    {"DTSTART:19600106T093010 FREQ=HOURLY;INTERVAL=100000;COUNT=3", "2027-01-01",
     "1960-01-06T09:30:10 1971-06-04T01:30:10 1982-10-30T17:30:10"},
    /* EXDATE counts in COUNT, RDATE does not. */
    {"DTSTART:20270105T090000 FREQ=DAILY;COUNT=3 EXDATE:20270106T090000 "
     "RDATE:20270101T080000,20270109T090000,20270105T090000,20270109T090000",
     "2027-01-01",
     "2027-01-01T08:00:00 2027-01-05T09:00:00 2027-01-07T09:00:00 2027-01-09T09:00:00"},
    {"DTSTART:20270105T090000 FREQ=HOURLY;INTERVAL=6;COUNT=8 "
     "EXDATE;VALUE=DATE:20270106,20270109 EXDATE:20270106T150000,20270105T150000 "
     "RDATE;VALUE=DATE:20270108,20270109 RDATE:20270106T160000Z",
     "2027-01-01",
     "2027-01-05T09:00:00 2027-01-05T21:00:00 2027-01-07T03:00:00 2027-01-08T09:00:00"},
    /* Only what RDATE adds is left. */
    {"DTSTART:20270105T090000 FREQ=DAILY;COUNT=1 EXDATE:20270105T090000 RDATE:20270201",
     "2027-01-01", "2027-02-01T09:00:00"},
};

/* The words of a row, asked for forward, backward and as a number. */
static void
check_times (const char *text, const bf_rrule *rule, const char *times)
{
    int64_t expected[16] = {0};
    size_t n = 0;
    bool from_first = strncmp (times, "… ", strlen ("… ")) != 0;
    for (const char *at = from_first ? times : times + strlen ("… "); *at != '\0'; n++) {
        char word[32] = {0};
        size_t size = strcspn (at, " ");
        memcpy (word, at, size);
        expected[n] = local_of (word);
        at += size + (at[size] == ' ');
    }
    int64_t found = 0;
    int64_t at = from_first ? LONG_AGO : expected[0];
    for (size_t i = 0; i < n; i++) {
        if (!first (rule, at, FAR, &found) || found != expected[i]) {
            char said[BF_LOCAL_BYTES];
            fail_msg ("%s: %zu is %s", text, i, bf_local_format ((bf_local){found}, said));
        }
        at = found + 1;
    }
    assert_false (first (rule, at, INT64_MAX, &found));
    at = FAR;
    for (size_t i = n; i > 0; i--) {
        assert_true (last (rule, INT64_MIN, at, &found));
        assert_int_equal (found, expected[i - 1]);
        at = found;
    }
    assert_int_equal (last (rule, INT64_MIN, at, &found), !from_first);
    if (from_first) {
        assert_int_equal (count (rule, INT64_MIN, INT64_MAX), n);
        assert_int_equal (count (rule, expected[0], expected[n - 1]), n - 1);
    }
}

static void
test_times (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_rrule *rule = open_in (rows[i].text, rows[i].start, bf_zone_utc ());
        check_times (rows[i].text, rule, rows[i].times);
        bf_rrule_destroy (&rule);
    }
}

/* --- Clock changes --- */

/* What is left of a rule by an UNTIL near a clock change, as instants. */
static const struct {
    const char *text;
    bf_switches switches;
    const char *last; /* in UTC */
} ends[] = {
    /* New York, 2027-11-07: 02:00 EDT -> 01:00 EST, at 06:00Z. */
    {"DTSTART:20271107T003000 FREQ=MINUTELY;INTERVAL=15;UNTIL=20271107T061500Z",
     {0},
     "2027-11-07T05:45:00"},
    {"DTSTART:20271107T003000 FREQ=MINUTELY;INTERVAL=15;UNTIL=20271107T053000Z",
     {0},
     "2027-11-07T05:30:00"},
    {"DTSTART:20271107T003000 FREQ=MINUTELY;INTERVAL=15;UNTIL=20271107T061500Z",
     {BF_SKIPPED_SHIFT, BF_REPEATED_SECOND},
     "2027-11-07T06:15:00"},
    {"DTSTART:20271107T003000 FREQ=MINUTELY;INTERVAL=15;UNTIL=20271107T053000Z",
     {BF_SKIPPED_SHIFT, BF_REPEATED_SECOND},
     "2027-11-07T04:45:00"},
    /* 2027-03-14: 02:00 EST -> 03:00 EDT, at 07:00Z; 02:45 is 07:45Z. */
    {"DTSTART:20270314T014500 FREQ=HOURLY;UNTIL=20270314T072959Z",
     {0},
     "2027-03-14T06:45:00"},
    {"DTSTART:20270314T014500 FREQ=HOURLY;UNTIL=20270314T074500Z",
     {0},
     "2027-03-14T07:45:00"},
    /* Instants in DTSTART, EXDATE and RDATE: local times of the zone. */
    {"DTSTART:20270314T064500Z FREQ=HOURLY;COUNT=2 EXDATE:20270314T074500Z",
     {0},
     "2027-03-14T07:45:00"},
    {"DTSTART:20270601T160000Z FREQ=DAILY;COUNT=3 EXDATE:20270603T160000Z "
     "RDATE:20271201T170000Z",
     {0},
     "2027-12-01T17:00:00"},
};

static void
test_ends_at_changes (void **state)
{
    (void)state;
    bf_zone *zone = NULL;
    assert_int_equal (bf_zoneinfo_open (NULL, "America/New_York", &zone, NULL), BF_OK);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        bf_recurrence_args args = {.kind = BF_RECURRENCE_RRULE,
                                   .text = ends[i].text,
                                   .zone = zone,
                                   .switches = ends[i].switches};
        bf_recurrence *self = NULL;
        assert_int_equal (bf_recurrence_new (&args, &self, NULL), BF_OK);
        bf_instant found = {0};
        bf_instant far = {INT64_MAX};
        assert_true (bf_recurrence_last (self, (bf_instant){0}, far, &found));
        if (found.s != local_of (ends[i].last)) {
            char said[BF_LOCAL_BYTES];
            fail_msg ("%zu: %s: %s", i, ends[i].text,
                      bf_local_format ((bf_local){found.s}, said));
        }
        bf_instant after = {found.s + 1};
        assert_false (bf_recurrence_first (self, after, far, &found));
        assert_int_equal (bf_recurrence_count (self, after, far), 0);
        bf_recurrence_destroy (&self);
    }
    bf_zone_destroy (&zone);
}

/* --- Rules that would search for ever --- */

static const struct {
    const char *text;
    const char *says; /* NULL: it is opened */
} hostile[] = {
    {"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "gives no time between its start and"},
    {"FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", "gives no time between its start and"},
    {"FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;UNTIL=23990101T000000Z", "gives no time between"},
    {"FREQ=HOURLY;BYYEARDAY=366;BYMONTH=1", "gives no time between its start and"},
    {"FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", "gives no time between its start and"},
    {"FREQ=MONTHLY;BYDAY=6MO", "gives no time between its start and"},
    {"FREQ=MONTHLY;BYDAY=1TH;BYSETPOS=2", "gives no time between its start and"},
    {"FREQ=YEARLY;BYMONTH=1;BYSETPOS=-2", "gives no time between its start and"},
    {"FREQ=YEARLY;INTERVAL=999999999;BYMONTH=2;BYMONTHDAY=30", "gives no time between"},
    {"FREQ=DAILY;UNTIL=20260101", "gives no time between its start and"},
    {"DTSTART:24010103 FREQ=DAILY", "gives no time between its start and"},
    {"DTSTART:99991231 FREQ=DAILY;COUNT=3", "gives no time between its start and"},
    {"FREQ=HOURLY;INTERVAL=24;BYHOUR=5", "gives no time within 100000 steps"},
    {"FREQ=SECONDLY;INTERVAL=86400;BYHOUR=5", "gives no time within 100000 steps"},
    {"FREQ=SECONDLY;INTERVAL=3600;BYMINUTE=7", "gives no time within 100000 steps"},
    {"FREQ=MINUTELY;BYSECOND=0;BYSETPOS=2", "gives no time within 100000 steps"},
    {"FREQ=SECONDLY;INTERVAL=7;COUNT=99999999", "COUNT=99999999 is too far"},
    {"FREQ=MINUTELY;BYSECOND=1,2;BYSETPOS=1;COUNT=999999", "COUNT=999999 is too far"},
    {"DTSTART:20270101 FREQ=DAILY;COUNT=2 EXDATE:20270101,20270102",
     "EXDATE takes away all"},
    {"FREQ=MINUTELY;BYMONTHDAY=-31", NULL},
    {"FREQ=SECONDLY;COUNT=999999999", NULL},
    {"FREQ=DAILY;COUNT=999999999", NULL},
    {"FREQ=SECONDLY;INTERVAL=999999999", NULL},
    {"FREQ=YEARLY;INTERVAL=999999999", NULL},
    {"FREQ=MONTHLY;INTERVAL=999999999", NULL},
    {"FREQ=WEEKLY;INTERVAL=999999999;COUNT=2", NULL},
    {"DTSTART:00040101 FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;INTERVAL=100", NULL},
};

static void
test_hostile (void **state)
{
    (void)state;
    bf_local start = {local_of ("2027-01-01T00:00:00")};
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        bf_rrule *rule = NULL;
        bf_error error = {0};
        assert_int_equal (bf_rrule_parse (hostile[i].text, &rule, &error), BF_OK);
        bf_err rc = bf_rrule_open (rule, bf_zone_utc (), start, &error);
        if (rc != (hostile[i].says != NULL ? BF_EINVALID : BF_OK) ||
            (hostile[i].says != NULL && strstr (error.text, hostile[i].says) == NULL)) {
            fail_msg ("%s: %s '%s'", hostile[i].text, bf_err_name (rc), error.text);
        }
        int64_t found = 0;
        for (int64_t at = start.s; rc == BF_OK && at < BF_INSTANT_MAX_S; at += 97 * DAY) {
            if (first (rule, at, FAR, &found)) {
                int64_t back = 0;
                if (!last (rule, LONG_AGO, found + 1, &back) || back != found) {
                    fail_msg ("%s: %lld, but back %lld", hostile[i].text, (long long)found,
                              (long long)back);
                }
            }
        }
        bf_rrule_destroy (&rule);
    }
}

/* An accepted rule whose next time lies beyond the budget: none, not a hang. */
static void
test_budget (void **state)
{
    (void)state;
    bf_rrule *rule = open_in ("DTSTART:20270101T050505 "
                              "FREQ=SECONDLY;INTERVAL=86401;BYHOUR=5;BYMINUTE=5;BYSECOND=5",
                              "2027-01-01", bf_zone_utc ());
    int64_t start = local_of ("2027-01-01T05:05:05");
    int64_t found = 0;
    assert_true (first (rule, start, FAR, &found));
    assert_int_equal (found, start);
    assert_false (first (rule, start + 1, FAR, &found));
    assert_false (last (rule, start + 1, FAR, &found));
    bf_rrule_destroy (&rule);
}

static void
test_switches (void **state)
{
    (void)state;
    bf_switches switches = bf_rrule_switches ();
    assert_int_equal (switches.skipped, BF_SKIPPED_SHIFT);
    assert_int_equal (switches.repeated, BF_REPEATED_FIRST);
    bf_rrule *rule = open_in ("FREQ=DAILY", "2027-01-01", bf_zone_utc ());
    assert_true (bf_rrule_until (rule).s == INT64_MAX);
    bf_rrule_destroy (&rule);
    rule = open_in ("FREQ=DAILY;UNTIL=20270101T000000Z", "2027-01-01", bf_zone_utc ());
    assert_true (bf_rrule_until (rule).s == local_of ("2027-01-01") + 1);
    bf_rrule_destroy (&rule);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_every_time),      cmocka_unit_test (test_times),
        cmocka_unit_test (test_ends_at_changes), cmocka_unit_test (test_hostile),
        cmocka_unit_test (test_budget),          cmocka_unit_test (test_switches),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
