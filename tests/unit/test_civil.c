/* SPDX-License-Identifier: MPL-2.0
 *
 * Days, months and local times: known dates, every day of nine centuries against counting
 * on from the day before, and texts that are none.
 */
#include "core/calendar/civil.h"

#include <inttypes.h>
#include <string.h>

#include "tests/support/cmocka.h"

enum { SUN, MON, TUE, WED, THU, FRI, SAT };

static void
test_known_days (void **state)
{
    (void)state;
    static const struct {
        int64_t days;
        bf_date date;
        int weekday;
    } known[] = {
        {0, {1970, 1, 1}, THU},          {-1, {1969, 12, 31}, WED},
        {59, {1970, 3, 1}, SUN},         {-672, {1968, 2, 29}, THU},
        {10957, {2000, 1, 1}, SAT},      {11016, {2000, 2, 29}, TUE},
        {11017, {2000, 3, 1}, WED},      {19782, {2024, 2, 29}, THU},
        {-25509, {1900, 2, 28}, WED},    {-25508, {1900, 3, 1}, THU},
        {47540, {2100, 2, 28}, SUN},     {47541, {2100, 3, 1}, MON},
        {157113, {2400, 2, 29}, TUE},    {-719468, {0, 3, 1}, WED},
        {-719469, {0, 2, 29}, TUE},      {-719162, {1, 1, 1}, MON},
        {-719528, {0, 1, 1}, SAT},       {-719529, {-1, 12, 31}, FRI},
        {-865565, {-400, 3, 1}, WED},    {-865566, {-400, 2, 29}, TUE},
        {-865625, {-400, 1, 1}, SAT},    {-865626, {-401, 12, 31}, FRI},
        {-4371953, {-10000, 1, 1}, SAT}, {2932896, {9999, 12, 31}, FRI},
        {157054, {2400, 1, 1}, SAT},     {24855, {2038, 1, 19}, TUE},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        bf_date wanted = known[i].date;
        bf_date date = bf_date_of (known[i].days);
        int64_t days = bf_days_of (wanted.year, wanted.month, wanted.day);
        int weekday = bf_weekday_of (known[i].days);
        if (date.year != wanted.year || date.month != wanted.month ||
            date.day != wanted.day || days != known[i].days ||
            weekday != known[i].weekday) {
            fail_msg ("%d-%d-%d, weekday %d, is day %" PRId64
                      ", weekday %d, and day %" PRId64 " is %d-%d-%d",
                      wanted.year, wanted.month, wanted.day, known[i].weekday, days,
                      weekday, known[i].days, date.year, date.month, date.day);
        }
    }
    assert_true (bf_days_of (2401, 1, 1) * BF_DAY_S - 1 == BF_INSTANT_MAX_S);
}

/* A day that lies outside its month counts on from it, or back. */
static void
test_days_outside_their_month (void **state)
{
    (void)state;
    static const struct {
        int32_t day;
        bf_date date;
    } of_february[] = {
        {0, {2024, 1, 31}},  {-30, {2024, 1, 1}}, {-31, {2023, 12, 31}},
        {30, {2024, 3, 1}},  {60, {2024, 3, 31}}, {335, {2024, 12, 31}},
        {336, {2025, 1, 1}},
    };
    for (size_t i = 0; i < sizeof of_february / sizeof of_february[0]; i++) {
        bf_date date = of_february[i].date;
        assert_true (bf_days_of (2024, 2, of_february[i].day) ==
                     bf_days_of (date.year, date.month, date.day));
    }
}

static void
test_leap_years (void **state)
{
    (void)state;
    static const struct {
        int32_t year;
        bool leap;
    } years[] = {
        {2024, true}, {2023, false}, {2000, true}, {1900, false}, {2100, false},
        {2400, true}, {2200, false}, {4, true},    {1, false},    {100, false},
        {400, true},  {0, true},     {-1, false},  {-4, true},    {-100, false},
    };
    for (size_t i = 0; i < sizeof years / sizeof years[0]; i++) {
        bool leap = bf_year_is_leap (years[i].year);
        if (leap != years[i].leap ||
            bf_days_in_month (years[i].year, 2) != (years[i].leap ? 29 : 28)) {
            fail_msg ("%d is %s leap year", years[i].year, leap ? "a" : "no");
        }
    }
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; month++) {
        assert_int_equal (bf_days_in_month (2023, month), days[month - 1]);
    }
}

/* Across every kind of century, and year 0. */
static void
test_every_day (void **state)
{
    (void)state;
    bf_date date = {-101, 1, 1};
    int64_t days = bf_days_of (date.year, date.month, date.day);
    int weekday = bf_weekday_of (days);
    for (; date.year < 802; days++) {
        bf_date found = bf_date_of (days);
        if (found.year != date.year || found.month != date.month || found.day != date.day ||
            bf_days_of (date.year, date.month, date.day) != days ||
            bf_weekday_of (days) != weekday) {
            fail_msg ("day %" PRId64 " is %d-%d-%d", days, date.year, date.month, date.day);
        }
        weekday = (weekday + 1) % 7;
        date.day++;
        if (date.day > bf_days_in_month (date.year, date.month)) {
            date.day = 1;
            date.month = date.month % 12 + 1;
            date.year += date.month == 1 ? 1 : 0;
        }
    }
}

static void
test_parts_of_local_times (void **state)
{
    (void)state;
    static const struct {
        int64_t local_s;
        int64_t day;
        int32_t second;
    } locals[] = {
        {0, 0, 0},       {86399, 0, 86399},   {86400, 1, 0},       {-1, -1, 86399},
        {-86400, -1, 0}, {-86401, -2, 86399}, {86400 * 30, 30, 0},
    };
    for (size_t i = 0; i < sizeof locals / sizeof locals[0]; i++) {
        bf_local local = {locals[i].local_s};
        assert_true (bf_local_day (local) == locals[i].day);
        assert_int_equal (bf_local_second (local), locals[i].second);
    }
}

static void
test_texts (void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t local_s;
        const char *whole; /* NULL: the text is */
    } texts[] = {
        {"1970-01-01T00:00:00", 0, NULL},
        {"1969-12-31T23:59:59", -1, NULL},
        {"2027-03-28T02:30:00", INT64_C (1806201000), NULL},
        {"2024-02-29T23:59:59", INT64_C (1709251199), NULL},
        {"2400-12-31T23:59:59", BF_INSTANT_MAX_S, NULL},
        {"0001-01-01T00:00:00", INT64_C (-62135596800), NULL},
        {"9999-12-31T23:59:59", INT64_C (253402300799), NULL},
        {"2000-02-29T10:09:08", INT64_C (951818948), NULL},
        {"1970-01-02", BF_DAY_S, "1970-01-02T00:00:00"},
        {"1970-01-01T01:02", 3720, "1970-01-01T01:02:00"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bf_local local = {1};
        if (!bf_local_parse (texts[i].text, &local) || local.s != texts[i].local_s) {
            fail_msg ("\"%s\" is %" PRId64, texts[i].text, local.s);
        }
        char buffer[BF_LOCAL_BYTES];
        memset (buffer, 'x', sizeof buffer);
        assert_ptr_equal (bf_local_format (local, buffer), buffer);
        assert_string_equal (buffer,
                             texts[i].whole != NULL ? texts[i].whole : texts[i].text);
    }
}

static void
test_texts_refused (void **state)
{
    (void)state;
    static const char *const texts[] = {
        /* not whole */
        "",
        "2027",
        "2027-",
        "2027-03",
        "2027-03-",
        "2027-03-2",
        "2027-03-28T",
        "2027-03-28T02",
        "2027-03-28T02:",
        "2027-03-28T02:3",
        "2027-03-28T02:30:",
        "2027-03-28T02:30:0",
        /* no such day, no such time */
        "0000-01-01",
        "2027-00-01",
        "2027-13-01",
        "2027-01-00",
        "2027-01-32",
        "2027-04-31",
        "2027-02-29",
        "2100-02-29",
        "2024-02-30",
        "2027-03-28T24:00",
        "2027-03-28T23:60",
        "2027-03-28T23:59:60",
        /* other forms */
        "20270328",
        "20270328T023000",
        "2027/03/28",
        "2027-03/28",
        "2027-3-28",
        "2027-03-8",
        "27-03-28",
        "12027-03-28",
        "+2027-03-28",
        "-001-03-28",
        "2027-03-28t02:30",
        "2027-03-28 02:30",
        "2027-03-28T02.30",
        "2027-03-28T2:30",
        "2027-03-28T-2:30",
        "2027-03-28T02:30.00",
        "2027-03-28T02:30:00.0",
        "2027-03-28T02:30:00Z",
        "2027-03-28T02:30:00+01:00",
        "2027-03-28T02:30Z",
        "2027-03-28Z",
        " 2027-03-28",
        "2027-03-28 ",
        "2027-03-28\n",
        "2027-03-2x",
        "2027-03-2/",
        "2027-03-2:",
        "٢٠٢٧-03-28",
        "today",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bf_local local = {42};
        if (bf_local_parse (texts[i], &local)) {
            fail_msg ("\"%s\" is taken for %" PRId64, texts[i], local.s);
        }
        assert_true (local.s == 42);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_known_days),
        cmocka_unit_test (test_days_outside_their_month),
        cmocka_unit_test (test_leap_years),
        cmocka_unit_test (test_every_day),
        cmocka_unit_test (test_parts_of_local_times),
        cmocka_unit_test (test_texts),
        cmocka_unit_test (test_texts_refused),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
