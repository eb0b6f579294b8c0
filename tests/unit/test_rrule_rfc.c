/* SPDX-License-Identifier: MPL-2.0
 *
 * The examples of RFC 5545, 3.8.5.3, all of them, with the dates that the RFC gives.
 */
#include <stdio.h>
#include <string.h>

#include "core/calendar/recurrence.h"
#include "persist/zoneinfo.h"

#include "tests/support/cmocka.h"

/* The times: "1997-09: 2 3" are days of a month, at 09:00; "1997-09-02: 09:00 12:00" are
 * times of a day. */
static const struct {
    const char *what;
    const char *text;
    bool ends; /* there are no more than these */
    const char *times;
} examples[] = {
    /* clang-format off: long rules stay on one line. */
    {"daily for 10 occurrences",
     "DTSTART;TZID=America/New_York:19970902T090000 RRULE:FREQ=DAILY;COUNT=10", true,
     "1997-09: 2 3 4 5 6 7 8 9 10 11"},
    {"daily until December 24, 1997",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=DAILY;UNTIL=19971224T000000Z",
     true,
     "1997-09: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 "
     "25 26 27 28 29 30 1997-10: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 "
     "18 19 20 21 22 23 24 25 26 27 28 29 30 31 1997-11: 1 2 3 4 5 6 7 8 9 "
     "10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 "
     "1997-12: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
    {"every other day",
     "DTSTART;TZID=America/New_York:19970902T090000 RRULE:FREQ=DAILY;INTERVAL=2", false,
     "1997-09: 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 1997-10: 2 4 6 8 10 "
     "12 14 16 18 20 22 24 26 28 30 1997-11: 1 3 5 7 9 11 13 15 17 19 21 23 "
     "25 27 29 1997-12: 1 3 5"},
    {"every 10 days, 5 occurrences",
     "DTSTART;TZID=America/New_York:19970902T090000 RRULE:FREQ=DAILY;INTERVAL=10;COUNT=5",
     true, "1997-09: 2 12 22 1997-10: 2 12"},
    {"every day in January, for 3 years",
     "DTSTART;TZID=America/New_York:19980101T090000 "
     "RRULE:FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
     true,
     "1998-01: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 "
     "24 25 26 27 28 29 30 31 1999-01: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 "
     "16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 2000-01: 1 2 3 4 5 6 7 "
     "8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31"},
    {"the same, by days",
     "DTSTART;TZID=America/New_York:19980101T090000 "
     "RRULE:FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
     true,
     "1998-01: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 "
     "24 25 26 27 28 29 30 31 1999-01: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 "
     "16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 2000-01: 1 2 3 4 5 6 7 "
     "8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31"},
    {"weekly for 10 occurrences",
     "DTSTART;TZID=America/New_York:19970902T090000 RRULE:FREQ=WEEKLY;COUNT=10", true,
     "1997-09: 2 9 16 23 30 1997-10: 7 14 21 28 1997-11: 4"},
    {"weekly until December 24, 1997",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=WEEKLY;UNTIL=19971224T000000Z",
     true,
     "1997-09: 2 9 16 23 30 1997-10: 7 14 21 28 1997-11: 4 11 18 25 1997-12: "
     "2 9 16 23"},
    {"every other week",
     "DTSTART;TZID=America/New_York:19970902T090000 RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU",
     false,
     "1997-09: 2 16 30 1997-10: 14 28 1997-11: 11 25 1997-12: 9 23 1998-01: "
     "6 20 1998-02: 3 17"},
    {"weekly on Tuesday and Thursday for five weeks",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
     true, "1997-09: 2 4 9 11 16 18 23 25 30 1997-10: 2"},
    {"the same, by count",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
     true, "1997-09: 2 4 9 11 16 18 23 25 30 1997-10: 2"},
    {"every other week on Monday, Wednesday and Friday",
     "DTSTART;TZID=America/New_York:19970901T090000 "
     "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
     true,
     "1997-09: 1 3 5 15 17 19 29 1997-10: 1 3 13 15 17 27 29 31 1997-11: 10 "
     "12 14 24 26 28 1997-12: 8 10 12 22"},
    {"every other week on Tuesday and Thursday, 8 occurrences",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
     true, "1997-09: 2 4 16 18 30 1997-10: 2 14 16"},
    {"monthly on the first Friday for 10 occurrences",
     "DTSTART;TZID=America/New_York:19970905T090000 RRULE:FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
     true,
     "1997-09: 5 1997-10: 3 1997-11: 7 1997-12: 5 1998-01: 2 1998-02: 6 "
     "1998-03: 6 1998-04: 3 1998-05: 1 1998-06: 5"},
    {"monthly on the first Friday until December 24, 1997",
     "DTSTART;TZID=America/New_York:19970905T090000 "
     "RRULE:FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
     true, "1997-09: 5 1997-10: 3 1997-11: 7 1997-12: 5"},
    {"every other month on the first and last Sunday",
     "DTSTART;TZID=America/New_York:19970907T090000 "
     "RRULE:FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
     true, "1997-09: 7 28 1997-11: 2 30 1998-01: 4 25 1998-03: 1 29 1998-05: 3 31"},
    {"monthly on the second-to-last Monday",
     "DTSTART;TZID=America/New_York:19970922T090000 RRULE:FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
     true,
     "1997-09: 22 1997-10: 20 1997-11: 17 1997-12: 22 1998-01: 19 1998-02: "
     "16"},
    {"monthly on the third-to-the-last day",
     "DTSTART;TZID=America/New_York:19970928T090000 RRULE:FREQ=MONTHLY;BYMONTHDAY=-3",
     false,
     "1997-09: 28 1997-10: 29 1997-11: 28 1997-12: 29 1998-01: 29 1998-02: "
     "26"},
    {"monthly on the 2nd and 15th",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
     true, "1997-09: 2 15 1997-10: 2 15 1997-11: 2 15 1997-12: 2 15 1998-01: 2 15"},
    {"monthly on the first and last day",
     "DTSTART;TZID=America/New_York:19970930T090000 "
     "RRULE:FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
     true,
     "1997-09: 30 1997-10: 1 31 1997-11: 1 30 1997-12: 1 31 1998-01: 1 31 "
     "1998-02: 1"},
    {"every 18 months on the 10th through 15th",
     "DTSTART;TZID=America/New_York:19970910T090000 "
     "RRULE:FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
     true, "1997-09: 10 11 12 13 14 15 1999-03: 10 11 12 13"},
    {"every Tuesday, every other month",
     "DTSTART;TZID=America/New_York:19970902T090000 RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
     false,
     "1997-09: 2 9 16 23 30 1997-11: 4 11 18 25 1998-01: 6 13 20 27 1998-03: "
     "3 10 17 24 31"},
    {"yearly in June and July",
     "DTSTART;TZID=America/New_York:19970610T090000 RRULE:FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
     true,
     "1997-06: 10 1997-07: 10 1998-06: 10 1998-07: 10 1999-06: 10 1999-07: "
     "10 2000-06: 10 2000-07: 10 2001-06: 10 2001-07: 10"},
    {"every other year in January, February and March",
     "DTSTART;TZID=America/New_York:19970310T090000 "
     "RRULE:FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
     true,
     "1997-03: 10 1999-01: 10 1999-02: 10 1999-03: 10 2001-01: 10 2001-02: "
     "10 2001-03: 10 2003-01: 10 2003-02: 10 2003-03: 10"},
    {"every third year on the 1st, 100th and 200th day",
     "DTSTART;TZID=America/New_York:19970101T090000 "
     "RRULE:FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
     true,
     "1997-01: 1 1997-04: 10 1997-07: 19 2000-01: 1 2000-04: 9 2000-07: 18 "
     "2003-01: 1 2003-04: 10 2003-07: 19 2006-01: 1"},
    {"every 20th Monday of the year",
     "DTSTART;TZID=America/New_York:19970519T090000 RRULE:FREQ=YEARLY;BYDAY=20MO", false,
     "1997-05: 19 1998-05: 18 1999-05: 17"},
    {"Monday of week number 20",
     "DTSTART;TZID=America/New_York:19970512T090000 RRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
     false, "1997-05: 12 1998-05: 11 1999-05: 17"},
    {"every Thursday in March",
     "DTSTART;TZID=America/New_York:19970313T090000 RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
     false, "1997-03: 13 20 27 1998-03: 5 12 19 26 1999-03: 4 11 18 25"},
    {"every Thursday in June, July and August",
     "DTSTART;TZID=America/New_York:19970605T090000 "
     "RRULE:FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
     false,
     "1997-06: 5 12 19 26 1997-07: 3 10 17 24 31 1997-08: 7 14 21 28 "
     "1998-06: 4 11 18 25 1998-07: 2 9 16 23 30 1998-08: 6 13 20 27 1999-06: "
     "3 10 17 24 1999-07: 1 8 15 22 29 1999-08: 5 12 19 26"},
    {"every Friday the 13th",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
     false, "1998-02: 13 1998-03: 13 1998-11: 13 1999-08: 13 2000-10: 13"},
    {"the first Saturday that follows the first Sunday",
     "DTSTART;TZID=America/New_York:19970913T090000 "
     "RRULE:FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
     false,
     "1997-09: 13 1997-10: 11 1997-11: 8 1997-12: 13 1998-01: 10 1998-02: 7 "
     "1998-03: 7 1998-04: 11 1998-05: 9 1998-06: 13"},
    {"U.S. Presidential Election day",
     "DTSTART;TZID=America/New_York:19961105T090000 "
     "RRULE:FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
     false, "1996-11: 5 2000-11: 7 2004-11: 2"},
    {"the third of Tuesday, Wednesday or Thursday",
     "DTSTART;TZID=America/New_York:19970904T090000 "
     "RRULE:FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
     true, "1997-09: 4 1997-10: 7 1997-11: 6"},
    {"the second-to-last weekday of the month",
     "DTSTART;TZID=America/New_York:19970929T090000 "
     "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
     false,
     "1997-09: 29 1997-10: 30 1997-11: 27 1997-12: 30 1998-01: 29 1998-02: "
     "26 1998-03: 30"},
    {"every 3 hours from 9:00 to 17:00 on a day (UNTIL as in erratum 3883)",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z",
     true, "1997-09-02: 09:00 12:00 15:00"},
    {"every 15 minutes for 6 occurrences",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=MINUTELY;INTERVAL=15;COUNT=6",
     true, "1997-09-02: 09:00 09:15 09:30 09:45 10:00 10:15"},
    {"every hour and a half for 4 occurrences",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=4",
     true, "1997-09-02: 09:00 10:30 12:00 13:30"},
    {"every 20 minutes from 9:00 to 16:40 every day",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
     false,
     "1997-09-02: 09:00 09:20 09:40 10:00 10:20 10:40 11:00 11:20 11:40 "
     "12:00 12:20 12:40 13:00 13:20 13:40 14:00 14:20 14:40 15:00 15:20 "
     "15:40 16:00 16:20 16:40 1997-09-03: 09:00 09:20 09:40 10:00 10:20 "
     "10:40 11:00 11:20 11:40 12:00 12:20 12:40 13:00 13:20 13:40 14:00 "
     "14:20 14:40 15:00 15:20 15:40 16:00 16:20 16:40"},
    {"the same, by minutes",
     "DTSTART;TZID=America/New_York:19970902T090000 "
     "RRULE:FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
     false,
     "1997-09-02: 09:00 09:20 09:40 10:00 10:20 10:40 11:00 11:20 11:40 "
     "12:00 12:20 12:40 13:00 13:20 13:40 14:00 14:20 14:40 15:00 15:20 "
     "15:40 16:00 16:20 16:40 1997-09-03: 09:00 09:20 09:40 10:00 10:20 "
     "10:40 11:00 11:20 11:40 12:00 12:20 12:40 13:00 13:20 13:40 14:00 "
     "14:20 14:40 15:00 15:20 15:40 16:00 16:20 16:40"},
    {"weeks that begin on Monday",
     "DTSTART;TZID=America/New_York:19970805T090000 "
     "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
     true, "1997-08: 5 10 19 24"},
    {"weeks that begin on Sunday",
     "DTSTART;TZID=America/New_York:19970805T090000 "
     "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
     true, "1997-08: 5 17 19 31"},
    {"a day that months lack",
     "DTSTART;TZID=America/New_York:20070115T090000 "
     "RRULE:FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
     true, "2007-01: 15 30 2007-02: 15 2007-03: 15 30"},
    /* clang-format on */
};

/* The next of the times, as local seconds; *midnight is of the day that was said last, or
 * of the day before the month that was. NULL: there is none. */
static const char *
read_time (const char *at, bool *in_day, int64_t *midnight, int64_t *time)
{
    for (; *at != '\0'; at += strcspn (at, " "), at += strspn (at, " ")) {
        int year;
        int month;
        int day = 0;
        int fields = sscanf (at, "%4d-%2d-%2d", &year, &month, &day);
        if (fields >= 2) {
            *in_day = fields == 3;
            *midnight = bf_days_of (year, month, day) * BF_DAY_S;
            continue;
        }
        int hour;
        int minute;
        if (*in_day) {
            assert_int_equal (sscanf (at, "%2d:%2d", &hour, &minute), 2);
            *time = *midnight + hour * 3600 + minute * 60;
        } else {
            assert_int_equal (sscanf (at, "%2d", &day), 1);
            *time = *midnight + day * BF_DAY_S + 9 * 3600;
        }
        at += strcspn (at, " ");
        return at + strspn (at, " ");
    }
    return NULL;
}

static void
check_example (size_t row, const bf_zone *zone)
{
    bf_recurrence_args args = {
        .kind = BF_RECURRENCE_RRULE, .text = examples[row].text, .zone = zone};
    bf_recurrence *self;
    bf_error error = {0};
    if (bf_recurrence_new (&args, &self, &error) != BF_OK) {
        fail_msg ("%s: %s", examples[row].what, error.text);
    }
    bf_instant end = {INT64_MAX};
    bf_instant from = {0};
    bool in_day = false;
    int64_t midnight = 0;
    int64_t expected;
    const char *at = examples[row].times;
    while ((at = read_time (at, &in_day, &midnight, &expected)) != NULL) {
        bf_instant found = {0};
        assert_true (bf_recurrence_first (self, from, end, &found));
        bf_local local = bf_zone_local (zone, found);
        if (local.s != expected) {
            char text[BF_LOCAL_BYTES];
            fail_msg ("%s: %s before '%s'", examples[row].what,
                      bf_local_format (local, text), at);
        }
        from.s = found.s + 1;
    }
    assert_int_equal (bf_recurrence_first (self, from, end, &(bf_instant){0}),
                      !examples[row].ends);
    bf_recurrence_destroy (&self);
}

static void
test_examples (void **state)
{
    (void)state;
    bf_zone *zone = NULL;
    assert_int_equal (bf_zoneinfo_open (NULL, "America/New_York", &zone, NULL), BF_OK);
    for (size_t row = 0; row < sizeof examples / sizeof examples[0]; row++) {
        check_example (row, zone);
    }
    bf_zone_destroy (&zone);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_examples),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
