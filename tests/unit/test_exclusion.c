/* SPDX-License-Identifier: MPL-2.0
 *
 * Exclusion calendars: what is read and refused, and random calendars against a model that
 * looks at each minute.
 */
#include "core/calendar/exclusion.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"

static const struct {
    const char *text;
    bool date;
    bool valid;
} texts[] = {
    {"2026-12-24", true, true},
    {"2026-12-24..2027-01-06", true, true},
    {"2026-12-24..2026-12-24", true, true},
    {"12-25", true, true},
    {"02-29", true, true},
    {"", true, false},
    {"02-30", true, false},
    {"13-01", true, false},
    {"2026-02-29", true, false},
    {"2026-1-1", true, false},
    {"2026-12-24 ", true, false},
    {"2026-12-24T00:00", true, false},
    {"2026-12-24.2027-01-06", true, false},
    {"2026-12-24..2027-01-061", true, false},
    {"2026-12-24..2027-13-06", true, false},
    {"2026-12-24..01-06", true, false},
    {"2026-12-24..2026-12-23", true, false},
    {"tomorrow!!", true, false},
    {"SAT-SUN", false, true},
    {"sat-sun,wed 0900-1000", false, true},
    {"*", false, true},
    {"1,3,5", false, true},
    {"mon-fri\t2200-0600 ", false, true},
    {"* 12:00-13:00", false, true},
    {"* 0000-2400", false, true},
    {"", false, false},
    {"FUN", false, false},
    {"FRI-MON", false, false},
    {"FRI-SUNDAY", false, false},
    {"5L", false, false},
    {"5#2", false, false},
    {"?", false, false},
    {"+MON", false, false},
    {"MON,,TUE", false, false},
    {"MON 1200", false, false},
    {"MON 1200-", false, false},
    {"MON 1200-130", false, false},
    {"MON 1200-13000", false, false},
    {"MON 2400-1300", false, false},
    {"MON 1260-1300", false, false},
    {"MON 1200-2401", false, false},
    {"MON 1200-1300 x", false, false},
    {"MON aaaa-bbbb", false, false},
    {"MON ////-1300", false, false},
    {"MON 1200_1300", false, false},
    {"MON-FRI,MON-FRI,MON-FRI,MON-FRI,MON-FRI,MON-FRI,MON-FRI,MON-FRI,MON", false, false},
    {"* 0900-1000000000000000000000000000000000000000000000000000000000000000", false,
     false},
};

static void
test_texts (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bf_exclusion *exclusion = NULL;
        bf_error error = {0};
        const char *dates[] = {"2026-01-01", texts[i].text};
        const char *windows[] = {"MON", texts[i].text};
        size_t which = 99;
        bf_err rc = bf_exclusion_new (dates, texts[i].date ? 2 : 1, windows,
                                      texts[i].date ? 1 : 2, &exclusion, &which, &error);
        if ((rc == BF_OK) != texts[i].valid) {
            fail_msg ("row %zu, \"%s\": %d %s", i, texts[i].text, (int)rc, error.text);
        }
        if (rc == BF_OK) {
            assert_int_equal (which, 99);
        } else {
            assert_int_equal (rc, BF_EINVALID);
            assert_int_equal (which, texts[i].date ? 1 : 2);
            assert_null (exclusion);
            assert_non_null (strstr (error.text, "write"));
            rc = bf_exclusion_new (dates, texts[i].date ? 2 : 1, windows,
                                   texts[i].date ? 1 : 2, &exclusion, NULL, NULL);
            assert_int_equal (rc, BF_EINVALID);
        }
        bf_exclusion_destroy (&exclusion);
    }
}

static void
test_limits (void **state)
{
    (void)state;
    static const char *dates[BF_EXCLUSION_DATES + 1];
    static const char *windows[BF_EXCLUSION_WINDOWS + 1];
    for (size_t i = 0; i <= BF_EXCLUSION_DATES; i++) {
        dates[i] = "2026-12-24";
    }
    for (size_t i = 0; i <= BF_EXCLUSION_WINDOWS; i++) {
        windows[i] = "* 2200-0600";
    }
    bf_exclusion *exclusion = NULL;
    size_t which = 0;
    assert_int_equal (bf_exclusion_new (dates, BF_EXCLUSION_DATES, windows,
                                        BF_EXCLUSION_WINDOWS, &exclusion, &which, NULL),
                      BF_OK);
    bf_exclusion_destroy (&exclusion);
    assert_int_equal (bf_exclusion_new (dates, BF_EXCLUSION_DATES + 1, windows, 0,
                                        &exclusion, &which, NULL),
                      BF_EINVALID);
    assert_int_equal (which, BF_EXCLUSION_DATES);
    assert_int_equal (bf_exclusion_new (dates, 3, windows, BF_EXCLUSION_WINDOWS + 1,
                                        &exclusion, &which, NULL),
                      BF_EINVALID);
    assert_int_equal (which, 3 + BF_EXCLUSION_WINDOWS);
}

/* xorshift64 of Marsaglia: the same calendars in every run. */
static uint64_t seed;

static int
up_to (int most)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int)(seed % (uint64_t)(most + 1));
}

#define FIRST_DAY 20800 /* 2026-12-13 */
#define DAYS 28
#define MINUTES (DAYS * 1440)

static bool model[2][MINUTES + 2880];

static void
exclude (bool *minutes, int from, int until)
{
    for (int at = from; at < until; at++) {
        if (at >= 0) {
            minutes[at] = true;
        }
    }
}

static void
say_date (char *text, size_t size, int day, bool yearly)
{
    bf_date date = bf_date_of (day);
    if (yearly) {
        snprintf (text, size, "%02d-%02d", (int)date.month, (int)date.day);
    } else {
        snprintf (text, size, "%04d-%02d-%02d", (int)date.year, (int)date.month,
                  (int)date.day);
    }
}

/* A calendar of some dates and windows, and the model of it. */
static bf_exclusion *
random_calendar (bool *minutes)
{
    char dates[4][32];
    char windows[4][32];
    const char *date_list[4];
    const char *window_list[4];
    size_t n_dates = (size_t)up_to (4);
    size_t n_windows = (size_t)up_to (3);
    memset (minutes, 0, sizeof model[0]);
    for (size_t i = 0; i < n_dates; i++) {
        int first = up_to (DAYS - 1);
        int last = first;
        say_date (dates[i], 16, FIRST_DAY + first, i == 0);
        if (i == 2) {
            last = first + up_to (DAYS - 1 - first);
            memcpy (dates[i] + 10, "..", 2);
            say_date (dates[i] + 12, 16, FIRST_DAY + last, false);
        }
        exclude (minutes, first * 1440, (last + 1) * 1440);
        date_list[i] = dates[i];
    }
    for (size_t i = 0; i < n_windows; i++) {
        int weekday = up_to (6);
        int from = up_to (95) * 15;
        int until = up_to (96) * 15;
        snprintf (windows[i], sizeof windows[i], "%d %02d%02d-%02d%02d", weekday, from / 60,
                  from % 60, until / 60, until % 60);
        if (until <= from) {
            until += 1440;
        }
        for (int day = -1; day < DAYS; day++) {
            if (bf_weekday_of (FIRST_DAY + day) == weekday) {
                exclude (minutes, day * 1440 + from, day * 1440 + until);
            }
        }
        window_list[i] = windows[i];
    }
    bf_exclusion *exclusion = NULL;
    assert_int_equal (bf_exclusion_new (date_list, n_dates, window_list, n_windows,
                                        &exclusion, NULL, NULL),
                      BF_OK);
    return exclusion;
}

static void
check_minute (const bf_exclusion *const *list, size_t count, int minute)
{
    int64_t base = (int64_t)FIRST_DAY * BF_DAY_S;
    bf_local local = {base + minute * 60 + up_to (59)};
    bf_local from;
    bf_local until;
    bool want = (count > 0 && model[0][minute]) || (count > 1 && model[1][minute]);
    assert_int_equal (bf_exclusion_at (list, count, local, &from, &until), want);
    assert_true (from.s <= local.s && local.s < until.s && until.s - from.s <= BF_DAY_S);
    assert_int_equal ((until.s - from.s) % 60, 0);
    for (int64_t at = (from.s - base) / 60; at < (until.s - base) / 60; at++) {
        bool is = (count > 0 && model[0][at]) || (count > 1 && model[1][at]);
        assert_int_equal (is, want);
    }
}

static void
test_model (void **state)
{
    (void)state;
    seed = 20261123;
    for (int round = 0; round < 200; round++) {
        bf_exclusion *list[2] = {random_calendar (model[0]), random_calendar (model[1])};
        for (int i = 0; i < 500; i++) {
            check_minute ((const bf_exclusion *const *)list, (size_t)up_to (2),
                          up_to (MINUTES - 1));
        }
        bf_exclusion_destroy (&list[0]);
        bf_exclusion_destroy (&list[1]);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_texts),
        cmocka_unit_test (test_limits),
        cmocka_unit_test (test_model),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
