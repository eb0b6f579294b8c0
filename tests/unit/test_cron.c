/* SPDX-License-Identifier: MPL-2.0
 *
 * Which local times a cron expression means: first, last and count are those of a walk,
 * minute by minute, second by second, or day by day over years, that asks a matcher of its
 * own. That one reads the text again for every question, and knows nothing of bit sets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/calendar/civil.h"
#include "core/calendar/cron.h"
#include "tests/support/cmocka.h"

static uint64_t
next_random (uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const char *
pick (uint64_t *seed, const char *const *texts)
{
    size_t count = 0;
    while (texts[count] != NULL) {
        count++;
    }
    return texts[next_random (seed) % count];
}

/* A day, and what the matcher asks of it. */
typedef struct {
    int day;
    int month;
    int length;  /* of its month */
    int weekday; /* 0: Sunday */
} date_t;

static date_t
date_of (int64_t day)
{
    bf_date date = bf_date_of (day);
    return (date_t){date.day, date.month, bf_days_in_month (date.year, date.month),
                    bf_weekday_of (day)};
}

/* The weekday of another day of that month. */
static int
weekday_on (date_t date, int day)
{
    return (date.weekday + 35 + day - date.day) % 7;
}

static bool
is_working (date_t date, int day)
{
    return weekday_on (date, day) >= 1 && weekday_on (date, day) <= 5;
}

/* The working day nearest to `day`, within the month. */
static int
nearest_working (date_t date, int day)
{
    for (int away = 0;; away++) {
        if (day - away >= 1 && is_working (date, day - away)) {
            return day - away;
        }
        if (day + away <= date.length && is_working (date, day + away)) {
            return day + away;
        }
    }
}

/* What a number or a name is. */
static int
value_of (const char *text)
{
    static const char names[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    static const char weekdays[] = "SUNMONTUEWEDTHUFRISAT";
    if (text[0] >= '0' && text[0] <= '9') {
        return atoi (text);
    }
    for (int i = 0; i < 12; i++) {
        if (strncmp (text, names + 3 * i, 3) == 0) {
            return i + 1;
        }
    }
    for (int i = 0; i < 7; i++) {
        if (strncmp (text, weekdays + 3 * i, 3) == 0) {
            return i;
        }
    }
    fail_msg ("'%s' is no value", text);
    return -1;
}

/* Whether `value` is in one item, without what only day fields have. */
static bool
in_range (const char *item, int low, int value)
{
    const char *slash = strchr (item, '/');
    const char *dash = strchr (item, '-');
    int step = slash != NULL ? atoi (slash + 1) : 1;
    if (*item == '*' || *item == '?') {
        return (value - low) % step == 0;
    }
    int first = value_of (item);
    int last = dash != NULL ? value_of (dash + 1) : first;
    return value >= first && value <= last && (value - first) % step == 0;
}

/* The matcher of one item in one of six fields. */
static bool
in_item (const char *item, int field, int value, date_t date)
{
    static const int lows[] = {0, 0, 0, 1, 1, 0};
    size_t length = strlen (item);
    char end = item[length - 1];
    const char *hash = strchr (item, '#');
    if (field == 3 && strcmp (item, "L") == 0) {
        return value == date.length;
    }
    if (field == 3 && strcmp (item, "LW") == 0) {
        int last = date.length;
        while (!is_working (date, last)) {
            last--;
        }
        return value == last;
    }
    if (field == 3 && end == 'W') {
        int day = value_of (item);
        return day <= date.length && value == nearest_working (date, day);
    }
    if (field == 5 && hash != NULL) {
        return value_of (item) % 7 == value && (date.day + 6) / 7 == atoi (hash + 1);
    }
    if (field == 5 && end == 'L') {
        return value_of (item) % 7 == value && date.day + 7 > date.length;
    }
    return in_range (item, lows[field], value) ||
           (field == 5 && value == 0 && *item != '*' && *item != '?' &&
            in_range (item, 0, 7));
}

static bool
in_field (const char *text, int field, int value, date_t date)
{
    char copy[BF_CRON_BYTES];
    char *rest = copy;
    strcpy (copy, text);
    for (char *item = strtok_r (copy, ",", &rest); item != NULL;
         item = strtok_r (NULL, ",", &rest)) {
        if (in_item (item, field, value, date)) {
            return true;
        }
    }
    return false;
}

typedef struct {
    char fields[6][BF_CRON_BYTES];
} words_t;

/* Six fields out of five or six. */
static words_t
words_of (const char *text)
{
    words_t words = {{"0"}};
    int blanks = 0;
    for (const char *c = text; *c != '\0'; c++) {
        blanks += *c == ' ';
    }
    char copy[BF_CRON_BYTES];
    char *rest = copy;
    int field = 5 - blanks;
    strcpy (copy, text);
    for (char *word = strtok_r (copy, " ", &rest); word != NULL;
         word = strtok_r (NULL, " ", &rest)) {
        strcpy (words.fields[field++], word);
    }
    return words;
}

static bool
on_day (const words_t *words, int64_t day)
{
    date_t date = date_of (day);
    const char *days = words->fields[3];
    const char *weekdays = words->fields[5];
    bool both = *days == '*' || *days == '?' || *weekdays == '*' || *weekdays == '?' ||
                *weekdays == '+';
    bool by_day = in_field (days, 3, date.day, date);
    bool by_weekday = in_field (weekdays + (*weekdays == '+'), 5, date.weekday, date);
    return in_field (words->fields[4], 4, date.month, date) &&
           (both ? by_day && by_weekday : by_day || by_weekday);
}

/* The times of day that match, as a table of 86400. Returns how many there are. */
static uint64_t
times_of (const words_t *words, bool times[BF_DAY_S])
{
    static const date_t any = {1, 1, 31, 1};
    bool fields[3][60];
    uint64_t count = 0;
    for (int field = 0; field < 3; field++) {
        for (int value = 0; value < 60; value++) {
            fields[field][value] = in_field (words->fields[field], field, value, any);
        }
    }
    for (int s = 0; s < BF_DAY_S; s++) {
        times[s] = fields[2][s / 3600] && fields[1][s / 60 % 60] && fields[0][s % 60];
        count += times[s];
    }
    return count;
}

typedef struct {
    int64_t first; /* -1: none */
    int64_t last;
    uint64_t count;
} found_t;

/* Every second from..until of every day that matches. */
static found_t
walk (const char *text, int64_t from, int64_t until)
{
    static bool times[BF_DAY_S];
    words_t words = words_of (text);
    uint64_t a_day = times_of (&words, times);
    found_t found = {-1, -1, 0};
    for (int64_t day = from / BF_DAY_S; day * BF_DAY_S < until; day++) {
        if (!on_day (&words, day)) {
            continue;
        }
        int64_t begin = day * BF_DAY_S;
        int64_t end = begin + BF_DAY_S;
        if (found.first >= 0 && end <= until) {
            int64_t last = BF_DAY_S - 1;
            while (!times[last]) {
                last--;
            }
            found.last = begin + last;
            found.count += a_day;
            continue;
        }
        for (int64_t s = begin < from ? from : begin; s < end && s < until; s++) {
            if (times[s - begin]) {
                found.first = found.first < 0 ? s : found.first;
                found.last = s;
                found.count++;
            }
        }
    }
    return found;
}

static void
check (const char *text, const bf_cron *cron, int64_t from_s, int64_t until_s)
{
    bf_local from = {from_s};
    bf_local until = {until_s};
    found_t walked = walk (text, from_s, until_s);
    bf_local first = {-1};
    bf_local last = {-1};
    bool any = bf_cron_times.first (cron, from, until, &first);
    assert_int_equal (bf_cron_times.last (cron, from, until, &last), any);
    uint64_t count = bf_cron_times.count (cron, from, until);
    if (first.s != walked.first || last.s != walked.last || count != walked.count ||
        any != (walked.count > 0)) {
        fail_msg ("'%s' from %lld until %lld: %lld, %lld and %llu; walked %lld, %lld and "
                  "%llu",
                  text, (long long)from_s, (long long)until_s, (long long)first.s,
                  (long long)last.s, (unsigned long long)count, (long long)walked.first,
                  (long long)walked.last, (unsigned long long)walked.count);
    }
}

/* A random expression out of words that are each easy to get wrong. */
static void
make (uint64_t *seed, char *text, size_t size)
{
    static const char *const seconds[] = {"0 ",     "*/7 ", "59 ", "* ",
                                          "10-20 ", "",     "",    NULL};
    static const char *const minutes[] = {"0",       "*/7",  "59", "*/15,3",
                                          "10-20/5", "0,59", "*",  NULL};
    static const char *const hours[] = {"*", "0", "23", "*/5", "9-17/2", "0,23", NULL};
    static const char *const days[] = {"*", "1",   "31",  "29-31",  "L", "LW", "1W,31W",
                                       "?", "*/2", "15W", "L,LW,3", "5", NULL};
    static const char *const months[] = {"*",   "2",       "*/3", "NOV,DEC",
                                         "1-6", "FEB-MAY", NULL};
    static const char *const weekdays[] = {"*",       "?",      "0",    "+MON-FRI", "5L",
                                           "1#1,3#5", "+6",     "7L,1", "*/2",      "0#2",
                                           "5-7",     "+1-7/2", "SUN",  NULL};
    int length = snprintf (text, size, "%s", pick (seed, seconds));
    snprintf (text + length, size - (size_t)length, "%s %s %s %s %s", pick (seed, minutes),
              pick (seed, hours), pick (seed, days), pick (seed, months),
              pick (seed, weekdays));
}

/* Days on end: every second of them. */
static void
test_days_on_end (void **state)
{
    (void)state;
    uint64_t seed = 20261123;
    int checked = 0;
    while (checked < 1500) {
        char text[BF_CRON_BYTES];
        bf_cron cron;
        make (&seed, text, sizeof text);
        if (bf_cron_parse (text, &cron, NULL) != BF_OK) {
            continue;
        }
        int64_t from = (int64_t)(next_random (&seed) % (150000 * (uint64_t)BF_DAY_S));
        check (text, &cron, from, from + (int64_t)(next_random (&seed) % (9 * 86400)));
        /* Bounds on a slot and beside it. */
        bf_local slot;
        if (bf_cron_times.first (&cron, (bf_local){from}, (bf_local){INT64_MAX}, &slot)) {
            check (text, &cron, slot.s, slot.s + 1);
            check (text, &cron, slot.s + 1, slot.s + 100);
            check (text, &cron, slot.s > 100 ? slot.s - 100 : 0, slot.s);
        }
        checked++;
    }
}

/* What seldom comes: over years. */
static void
test_years_on_end (void **state)
{
    (void)state;
    static const char *const sparse[] = {
        "0 0 29 2 *",        "30 12 29 2 +MON",     "0 0 31 12 +5#5",
        "59 59 23 31W 8 +1", "0 0 13 * +FRI",       "0 0 L 2 +0",
        "0 0 LW 2 +FRI",     "15 8 1W 5 +WED",      "0 0 * FEB 3#5",
        "5 4 * 1 +7L",       "0 0 L 2 +TUE#4",      "0 0 29W 2 +SUN-MON",
        "*/9 1 2 3 4 +5",    "0 0 31 */2 +SUN,SAT", NULL,
    };
    uint64_t seed = 7;
    for (size_t i = 0; sparse[i] != NULL; i++) {
        bf_cron cron;
        bf_error error = {0};
        if (bf_cron_parse (sparse[i], &cron, &error) != BF_OK) {
            fail_msg ("'%s': %s", sparse[i], error.text);
        }
        for (int round = 0; round < 10; round++) {
            int64_t from = (int64_t)(next_random (&seed) % (140000 * (uint64_t)BF_DAY_S));
            int64_t days = 1 + (int64_t)(next_random (&seed) % (BF_CRON_YEARS * 365));
            check (sparse[i], &cron, from, from + days * BF_DAY_S);
        }
    }
}

/* Month by month from the first to the last, and back: nothing is left out. */
static void
test_there_and_back (void **state)
{
    (void)state;
    uint64_t seed = 99;
    for (int round = 0; round < 60; round++) {
        char text[BF_CRON_BYTES];
        bf_cron cron;
        make (&seed, text, sizeof text);
        if (bf_cron_parse (text, &cron, NULL) != BF_OK) {
            continue;
        }
        int64_t begin = (int64_t)(next_random (&seed) % (140000 * (uint64_t)BF_DAY_S));
        bf_local end = {begin + 3 * 366 * BF_DAY_S};
        bf_local slots[300];
        size_t count = 0;
        bf_local from = {begin};
        while (count < 300 && bf_cron_times.first (&cron, from, end, &slots[count])) {
            assert_true (slots[count].s >= from.s);
            from.s = slots[count++].s + 1;
        }
        assert_int_equal (bf_cron_times.count (&cron, (bf_local){begin}, from), count);
        bf_local slot;
        while (count > 0) {
            assert_true (bf_cron_times.last (&cron, (bf_local){begin}, from, &slot));
            assert_int_equal (slot.s, slots[--count].s);
            from = slot;
        }
        assert_false (bf_cron_times.last (&cron, (bf_local){begin}, from, &slot));
    }
}

/* A 29 February on each weekday, over the 40 years around 2100, which has none. */
static void
test_rarest_day (void **state)
{
    (void)state;
    for (int weekday = 0; weekday < 7; weekday++) {
        char text[BF_CRON_BYTES];
        bf_cron cron;
        snprintf (text, sizeof text, "0 0 29 2 +%d", weekday);
        assert_int_equal (bf_cron_parse (text, &cron, NULL), BF_OK);
        bf_local from = {bf_days_of (2000, 3, 1) * BF_DAY_S};
        bf_local end = {bf_days_of (2400, 1, 1) * BF_DAY_S};
        bf_local slot;
        int found = 0;
        int64_t longest = 0;
        while (bf_cron_times.first (&cron, from, (bf_local){INT64_MAX}, &slot) &&
               slot.s < end.s) {
            bf_local back = {-1};
            bf_date date = bf_date_of (bf_local_day (slot));
            assert_true (date.month == 2 && date.day == 29);
            assert_int_equal (bf_weekday_of (bf_local_day (slot)), weekday);
            assert_true (bf_cron_times.last (&cron, (bf_local){INT64_MIN},
                                             (bf_local){slot.s + 1}, &back));
            assert_int_equal (back.s, slot.s);
            longest = slot.s - from.s > longest ? slot.s - from.s : longest;
            from.s = slot.s + 1;
            found++;
        }
        /* 97 in 400 years, less 2000's own and 2400. */
        assert_in_range (found, 12, 15);
        assert_true (longest <= BF_CRON_YEARS * 366 * BF_DAY_S);
    }
}

/* Nothing outside of what the calendar knows, whatever the bounds. */
static void
test_edges (void **state)
{
    (void)state;
    bf_cron cron;
    bf_local found = {-7};
    bf_local beyond = {BF_INSTANT_MAX_S + 2 * BF_DAY_S};
    bf_local never = {INT64_MIN};
    bf_local always = {INT64_MAX};
    assert_int_equal (bf_cron_parse ("0 9 * * MON-FRI", &cron, NULL), BF_OK);
    const bf_local nothing[][2] = {
        {{5}, {5}}, {{6}, {5}}, {beyond, always}, {never, {INT64_MIN + 5}}, {always, never},
    };
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        assert_false (bf_cron_times.first (&cron, nothing[i][0], nothing[i][1], &found));
        assert_false (bf_cron_times.last (&cron, nothing[i][0], nothing[i][1], &found));
        assert_int_equal (bf_cron_times.count (&cron, nothing[i][0], nothing[i][1]), 0);
    }
    assert_int_equal (found.s, -7);
    /* Local times begin a day before the first instant and end a day after the last. */
    assert_true (bf_cron_times.first (&cron, never, always, &found));
    assert_in_range (found.s - (BF_INSTANT_MIN_S - BF_DAY_S), 0, 4 * BF_DAY_S);
    assert_true (bf_cron_times.last (&cron, never, always, &found));
    assert_in_range (BF_INSTANT_MAX_S + BF_DAY_S - found.s, 1, 4 * BF_DAY_S);
    assert_true (bf_cron_times.count (&cron, never, always) > 430 * 260);
    /* It gives up where it can look no further: a Monday, 29 February, from 2400 on. */
    assert_int_equal (bf_cron_parse ("0 0 29 2 +MON", &cron, NULL), BF_OK);
    bf_local late = {bf_days_of (2400, 3, 1) * BF_DAY_S};
    bf_local early = {bf_days_of (1970, 3, 1) * BF_DAY_S};
    assert_false (bf_cron_times.first (&cron, late, always, &found));
    assert_false (bf_cron_times.last (&cron, never, early, &found));
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_days_on_end),    cmocka_unit_test (test_years_on_end),
        cmocka_unit_test (test_there_and_back), cmocka_unit_test (test_rarest_day),
        cmocka_unit_test (test_edges),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
