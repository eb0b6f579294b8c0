/* SPDX-License-Identifier: MPL-2.0
 *
 * What cron expressions are called in English: one of each shape, cut ones, and that two
 * expressions with other times are never said alike.
 */
#include <stdio.h>
#include <string.h>

#include "core/calendar/cron.h"
#include "core/calendar/cron_days.h"
#include "tests/support/cmocka.h"

#define SAID_BYTES 2048
#define ROUNDS 20000

static const struct {
    const char *text;
    const char *said;
} shapes[] = {
    {"* * * * *", "every minute"},
    {"*/15 * * * *", "every 15 minutes"},
    {"0 * * * *", "every hour"},
    {"30 * * * *", "every hour from 00:30 to 23:30"},
    {"0,30 * * * *", "every 30 minutes"},
    {"*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"},
    {"5,10 * * * *", "at minutes 5 and 10 of every hour"},
    {"0-29 * * * *", "at minutes 0 to 29 of every hour"},
    {"0 */2 * * *", "every 2 hours from 00:00 to 22:00"},
    {"30 */2 * * *", "every 2 hours from 00:30 to 22:30"},
    {"0 */5 * * *", "every 5 hours from 00:00 to 20:00"},
    {"0 9-17 * * *", "every hour from 09:00 to 17:00"},
    {"30 9-17/4 * * *", "every 4 hours from 09:30 to 17:30"},
    {"*/15 9-17 * * *", "every 15 minutes from 09:00 to 17:45"},
    {"0,30 9-17 * * *", "every 30 minutes from 09:00 to 17:30"},
    {"*/20 9 * * *", "at 09:00, 09:20 and 09:40 every day"},
    {"*/7 9 * * *", "every 7 minutes from 09:00 to 09:56"},
    {"10-50/5 9 * * *", "every 5 minutes from 09:10 to 09:50"},
    {"0-29 9 * * *", "every minute from 09:00 to 09:29"},
    {"* 9 * * *", "every minute from 09:00 to 09:59"},
    {"* 9,17 * * *", "at every minute of hours 9 and 17"},
    {"* 9,11,13 * * *", "at every minute of hours 9, 11 and 13"},
    {"0 9 * * *", "at 09:00 every day"},
    {"0 9,17 * * *", "at 09:00 and 17:00 every day"},
    {"0 6,12,18 * * *", "every 6 hours from 06:00 to 18:00"},
    {"15 6,12,20 * * *", "at 06:15, 12:15 and 20:15 every day"},
    {"0,7 1-3 * * *", "at 01:00, 01:07, 02:00, 02:07, 03:00 and 03:07 every day"},
    {"1,2 1,2,5,9 * * *", "at minutes 1 and 2 of hours 1, 2, 5 and 9"},
    {"* * * * * *", "every second"},
    {"*/10 * * * * *", "every 10 seconds"},
    {"0,30 * * * * *", "every 30 seconds"},
    {"5 * * * * *", "at second 5 of every minute"},
    {"5,6 * * * * *", "at seconds 5 and 6 of every minute"},
    {"*/7 * * * * *", "at seconds 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every minute"},
    {"* 0 * * * *", "at every second of minute 0 of every hour"},
    {"0 0 * * * *", "every hour"},
    {"30 0 9 * * *", "at 09:00:30 every day"},
    {"0 0 9 * * *", "at 09:00 every day"},
    {"0,30 0 9 * * *", "at 09:00:00 and 09:00:30 every day"},
    {"*/10 * 9-10 * * *", "every 10 seconds from 09:00:00 to 10:59:50"},
    {"*/10 * 9 * * *", "every 10 seconds from 09:00:00 to 09:59:50"},
    {"*/10 0-4 9 * * *", "every 10 seconds from 09:00:00 to 09:04:50"},
    {"*/10 0-4 9,10 * * *",
     "at seconds 0, 10, 20, 30, 40 and 50 of minutes 0 to 4 of hours 9 and 10"},
    {"* 5 9 * * *", "every second from 09:05:00 to 09:05:59"},
    {"10-20 5 9 * * *", "at seconds 10 to 20 of minute 5 of hour 9"},
    {"15,0 10 * * * *", "at seconds 0 and 15 of minute 10 of every hour"},
    {"5 30 * * * *", "at second 5 of minute 30 of every hour"},
    {"0 */15 * * * *", "every 15 minutes"},
    {"0 9 1 * *", "at 09:00 on the 1st"},
    {"0 9 1,15 * *", "at 09:00 on the 1st and 15th"},
    {"0 9 1-7 * *", "at 09:00 on the 1st to 7th"},
    {"0 9 */2 * *", "at 09:00 on every 2nd day from the 1st to the 31st"},
    {"0 9 1-31/10 * *", "at 09:00 on every 10th day from the 1st to the 31st"},
    {"0 9 11,12,13,21,22,23,31 * *", "at 09:00 on the 11th to 13th, 21st to 23rd and 31st"},
    {"0 9 L * *", "at 09:00 on the last day of the month"},
    {"0 9 LW * *", "at 09:00 on the last working day of the month"},
    {"0 9 15W * *", "at 09:00 on the working day nearest to the 15th"},
    {"0 9 1W,2W,3W * *", "at 09:00 on the working days nearest to the 1st, 2nd and 3rd"},
    {"0 9 1,L * *", "at 09:00 on the 1st or the last day of the month"},
    {"0 9 * * MON", "at 09:00 on Mondays"},
    {"0 9 * * MON,WED", "at 09:00 on Mondays and Wednesdays"},
    {"0 9 * * MON-FRI", "at 09:00 on Monday to Friday"},
    {"0 9 * * SAT,SUN", "at 09:00 on Sundays and Saturdays"},
    {"0 9 * * SUN,TUE-THU,SAT", "at 09:00 on Sundays, Tuesdays to Thursdays and Saturdays"},
    {"0 9 * * FRIL", "at 09:00 on the last Friday of the month"},
    {"0 9 * * MON#1", "at 09:00 on the first Monday of the month"},
    {"0 9 * * MON#1,TUE#1,WED#1,THU#1",
     "at 09:00 on the first Monday, Tuesday, Wednesday and Thursday of the month"},
    {"0 9 * * MON,FRI#3", "at 09:00 on Mondays or the third Friday of the month"},
    {"0 9 * * MONL,TUEL,WEDL",
     "at 09:00 on the last Monday, Tuesday and Wednesday of the month"},
    {"0 0 13 * FRI", "at 00:00 on the 13th, or on Fridays"},
    {"0 0 13 * +FRI", "at 00:00 on the 13th, but only on Fridays"},
    {"0 0 29 2 *", "at 00:00 on the 29th in February"},
    {"0 0 29 2 +MON", "at 00:00 on the 29th in February, but only on Mondays"},
    {"0 0 29 2 MON", "at 00:00 on the 29th, or on Mondays, in February"},
    {"0 0 1-7 * +MON", "at 00:00 on the 1st to 7th, but only on Mondays"},
    {"0 0 L * +FRI#5",
     "at 00:00 on the last day of the month, but only on the fifth Friday of the "
     "month"},
    {"0 0 * 1 *", "at 00:00 every day in January"},
    {"0 0 * 6-8 *", "at 00:00 every day from June to August"},
    {"0 0 * 1,7 *", "at 00:00 every day in January and July"},
    {"0 0 * 1,3-5 *", "at 00:00 every day in January and March to May"},
    {"0 0 1 1,7 *", "at 00:00 on the 1st in January and July"},
    {"0 0 * 6-8 MON", "at 00:00 on Mondays from June to August"},
    {"* * * 12 *", "every minute in December"},
    {"* * 25 12 *", "every minute on the 25th in December"},
    {"*/5 * * * MON", "every 5 minutes on Mondays"},
    {"0 0 1-31 * MON", "at 00:00 every day"},
    {"0 0 1-30 * *", "at 00:00 on the 1st to 30th"},
    {"0 0 1 * 0-6", "at 00:00 every day"},
    {"0 0 */2 * 1",
     "at 00:00 on every 2nd day from the 1st to the 31st, but only on Mondays"},
    {"0 0 */2 */2 1",
     "at 00:00 on every 2nd day from the 1st to the 31st in January, March, May, "
     "July, September and November, but only on Mondays"},
    {"*/60 5 * * *", "at 05:00 every day"},
    {"0 9 L 2-4 +MON-FRI",
     "at 09:00 on the last day of the month from February to April, but only on "
     "Monday to Friday"},
    {"@weekly", "at 00:00 on Sundays"},
    {"0 0 1,15 * */2",
     "at 00:00 on the 1st and 15th, but only on Sundays, Tuesdays, Thursdays and "
     "Saturdays"},
    {"59 59 23 31 12 *", "at 23:59:59 on the 31st in December"},
    {"0-30/10 * * * *", "at minutes 0, 10, 20 and 30 of every hour"},
    {"1-59/2 * * * *",
     "at minutes 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, "
     "37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57 and 59 of every hour"},
    {"0,20 9 * * *", "at 09:00 and 09:20 every day"},
    {"*/10 0-4 9,11 * * *",
     "at seconds 0, 10, 20, 30, 40 and 50 of minutes 0 to 4 of hours 9 and 11"},
    {"0-59/7 0-4 9 * * *",
     "at seconds 0, 7, 14, 21, 28, 35, 42, 49 and 56 of minutes 0 to 4 of hour 9"},
    {"*/20 * 9,12,13 * * *",
     "at seconds 0, 20 and 40 of every minute of hours 9, 12 and 13"},
    {"*/20 0-3,7 9 * * *", "at seconds 0, 20 and 40 of minutes 0 to 3 and 7 of hour 9"},
    {"0 9 * * MON#2,MON#4",
     "at 09:00 on the second Monday of the month or the fourth Monday of the month"},
    {"0 9 4,13,24 * *", "at 09:00 on the 4th, 13th and 24th"},
    {"0 0 1,3,5 * *", "at 00:00 on the 1st, 3rd and 5th"},
    {"30 0-23 * * *", "every hour from 00:30 to 23:30"},
    {"0 0,12 * * *", "at 00:00 and 12:00 every day"},
    {"*/20 9,12 * * *", "at 09:00, 09:20, 09:40, 12:00, 12:20 and 12:40 every day"},
};

static void
test_shapes (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        bf_cron cron;
        char said[SAID_BYTES];
        assert_int_equal (bf_cron_parse (shapes[i].text, &cron, NULL), BF_OK);
        assert_ptr_equal (bf_cron_explain (&cron, said, sizeof said), said);
        if (strcmp (said, shapes[i].said) != 0) {
            fail_msg ("'%s' is \"%s\", not \"%s\"", shapes[i].text, said, shapes[i].said);
        }
    }
}

static void
test_cut (void **state)
{
    (void)state;
    static const char whole[] = "at 09:00 on Monday to Friday";
    bf_cron cron;
    assert_int_equal (bf_cron_parse ("0 9 * * MON-FRI", &cron, NULL), BF_OK);
    for (size_t size = 0; size <= sizeof whole + 1; size++) {
        char said[sizeof whole + 1];
        char expected[sizeof whole + 8] = "~";
        memset (said, '~', sizeof said);
        bf_cron_explain (&cron, said, size);
        if (size >= sizeof whole) {
            strcpy (expected, whole);
        } else if (size >= sizeof "…") {
            snprintf (expected, sizeof expected, "%.*s…", (int)(size - sizeof "…"), whole);
        } else if (size > 0) {
            memcpy (expected, whole, size - 1);
            expected[size - 1] = '\0';
        }
        assert_memory_equal (said, expected, size > 0 ? strlen (expected) + 1 : 1);
        for (size_t i = size; i < sizeof said; i++) {
            assert_int_equal (said[i], '~');
        }
    }
}

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

static void
make (uint64_t *seed, char *text, size_t size)
{
    static const char *const small[] = {"*",       "0",   "*/15", "0,30", "5-20",
                                        "*/7",     "0,1", "0-59", "7,11", "*/30",
                                        "10-58/2", "30",  NULL};
    static const char *const hours[] = {"*",      "9",    "9-17", "*/2", "9,17",
                                        "8-20/4", "0-23", "5,6",  NULL};
    static const char *const days[] = {"*",       "1",        "1-31", "1-30", "*/2",
                                       "L",       "LW",       "3W",   "1,L",  "1,15",
                                       "10-20/5", "1W,2W,3W", NULL};
    static const char *const months[] = {"*", "2", "*/3", "6-8", "1,2", "5-7,9", NULL};
    static const char *const weekdays[] = {"*",     "1",       "+1",    "1-5", "0,6",
                                           "5L",    "+1#1",    "1,5#3", "0-6", "+0,2-4",
                                           "4L,5L", "1#2,1#4", "1-5#1", NULL};
    int length =
        next_random (seed) % 2 == 0 ? snprintf (text, size, "%s ", pick (seed, small)) : 0;
    snprintf (text + length, size - (size_t)length, "%s %s %s %s %s", pick (seed, small),
              pick (seed, hours), pick (seed, days), pick (seed, months),
              pick (seed, weekdays));
}

/* Other times: of the day, or in some month. */
static bool
differ (const bf_cron *a, const bf_cron *b)
{
    bool days = a->months != b->months;
    for (int length = 28; length <= 31; length++) {
        for (int weekday = 0; weekday < 7; weekday++) {
            days |= bf_cron_days_in (a, length, weekday) !=
                    bf_cron_days_in (b, length, weekday);
        }
    }
    return days || a->seconds != b->seconds || a->minutes != b->minutes ||
           a->hours != b->hours;
}

/* One value more or less of one field. */
static void
change (uint64_t *seed, bf_cron *cron)
{
    unsigned bit = (unsigned)(next_random (seed) % 64);
    switch (next_random (seed) % 9) {
    case 0:
        cron->seconds ^= UINT64_C (1) << bit % 60;
        break;
    case 1:
        cron->minutes ^= UINT64_C (1) << bit % 60;
        break;
    case 2:
        cron->hours ^= UINT32_C (1) << bit % 24;
        break;
    case 3:
        cron->days ^= UINT32_C (2) << bit % 31;
        break;
    case 4:
        cron->nearest ^= UINT32_C (2) << bit % 31;
        break;
    case 5:
        cron->months ^= UINT32_C (2) << bit % 12;
        break;
    case 6:
        cron->weekdays ^= (uint8_t)(1U << bit % 7);
        break;
    case 7:
        cron->weekdays_nth[bit % 5] ^= (uint8_t)(1U << bit / 5 % 7);
        break;
    default:
        cron->both_days = !cron->both_days;
        cron->last_day ^= bit % 2 != 0;
        cron->last_working_day ^= bit % 3 == 0;
        if (bit % 5 == 0) {
            cron->weekdays_last = (uint8_t)(cron->weekdays_last ^ 1U << bit % 7);
        }
    }
}

static bool
is_whole (const bf_cron *cron)
{
    return cron->seconds != 0 && cron->minutes != 0 && cron->hours != 0 &&
           cron->months != 0 && (cron->days | cron->nearest) != 0 && cron->weekdays != 0;
}

static void
test_others_are_said_otherwise (void **state)
{
    (void)state;
    uint64_t seed = 42;
    int compared = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char text[BF_CRON_BYTES];
        bf_cron cron;
        make (&seed, text, sizeof text);
        if (bf_cron_parse (text, &cron, NULL) != BF_OK) {
            continue;
        }
        bf_cron other = cron;
        change (&seed, &other);
        if (!is_whole (&other) || !differ (&cron, &other)) {
            continue;
        }
        char said[SAID_BYTES];
        char said_of_other[SAID_BYTES];
        bf_cron_explain (&cron, said, sizeof said);
        bf_cron_explain (&other, said_of_other, sizeof said_of_other);
        if (strcmp (said, said_of_other) == 0) {
            fail_msg ("'%s' and another are both \"%s\"", text, said);
        }
        compared++;
    }
    assert_true (compared > ROUNDS / 4);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_shapes),
        cmocka_unit_test (test_cut),
        cmocka_unit_test (test_others_are_said_otherwise),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
