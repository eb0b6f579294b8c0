/* SPDX-License-Identifier: MPL-2.0
 *
 * What is read as a recurrence, what is refused and with which words, and how a rule is
 * said in English.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/calendar/rrule.h"

#include "tests/support/cmocka.h"

static const char *const accepted[] = {
    "FREQ=DAILY",
    "rrule:freq=daily;interval=2",
    "  FREQ=DAILY\n",
    "BYDAY=mo,Tu;FREQ=WEEKLY",
    "FREQ=YEARLY;BYDAY=+53MO,-53SU,1FR",
    "FREQ=YEARLY;BYYEARDAY=1,-366,+366;BYMONTHDAY=-31;BYWEEKNO=-53,53;BYMONTH=12",
    "FREQ=MINUTELY;BYSECOND=0,60;BYYEARDAY=3",
    "FREQ=SECONDLY;BYSETPOS=1;BYMINUTE=59;BYHOUR=0",
    "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=-1",
    "FREQ=DAILY;INTERVAL=999999999;COUNT=999999999",
    "FREQ=DAILY;UNTIL=20270328",
    "FREQ=DAILY;UNTIL=20270328T023000",
    "FREQ=DAILY;UNTIL=20270328t023000z;WKST=SU",
    "DTSTART:20260105T090000\r\nRRULE:FREQ=DAILY\r\n",
    "DTSTART;VALUE=DATE:20260105 FREQ=DAILY",
    "DTSTART;TZID=Europe/Berlin;VALUE=DATE-TIME:20260105T090000 RRULE:FREQ=DAILY "
    "EXDATE;TZID=Europe/Berlin:20260106T090000,20260107 RDATE;VALUE=DATE:20260203 "
    "EXDATE:20260108T080000Z",
};

static void
test_accepted (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        bf_rrule *rule = NULL;
        bf_error error = {0};
        if (bf_rrule_parse (accepted[i], &rule, &error) != BF_OK) {
            fail_msg ("%s: %s", accepted[i], error.text);
        }
        bf_rrule_destroy (&rule);
        assert_null (rule);
    }
}

static const struct {
    const char *text;
    const char *says;
} refused[] = {
    {"", "no RRULE"},
    {" \t\n", "no RRULE"},
    {"DTSTART:20260105T090000", "no RRULE"},
    {"COUNT=3", "FREQ is missing"},
    {"FREQ=FORTNIGHTLY", "FREQ is SECONDLY"},
    {"FREQ=", "FREQ is SECONDLY"},
    {"FREQ", "'FREQ' is no part"},
    {"FREQ=DAILY;", "'' is no part"},
    {"FREQ=DAILY;;COUNT=1", "'' is no part"},
    {"FREQ=DAILY;FREQ=DAILY", "FREQ is said twice"},
    {"FREQ=DAILY;BYHOUR=1;BYHOUR=2", "BYHOUR is said twice"},
    {"FREQ=DAILY;BYEASTER=1", "no part 'BYEASTER'"},
    {"FREQ=DAILY;RSCALE=CHINESE", "RSCALE (RFC 7529) is not supported"},
    {"FREQ=MONTHLY;SKIP=BACKWARD", "SKIP (RFC 7529) is not supported"},
    {"FREQ=DAILY;INTERVAL=0", "INTERVAL is 1 to 999999999"},
    {"FREQ=DAILY;INTERVAL=-1", "INTERVAL is 1 to 999999999"},
    {"FREQ=DAILY;INTERVAL=", "INTERVAL is 1 to 999999999"},
    {"FREQ=DAILY;INTERVAL=1000000000", "INTERVAL is 1 to 999999999"},
    {"FREQ=DAILY;INTERVAL=1.5", "INTERVAL is 1 to 999999999"},
    {"FREQ=DAILY;COUNT=0", "COUNT is 1 to 999999999"},
    {"FREQ=DAILY;COUNT=1;UNTIL=20270101", "COUNT or UNTIL, not both"},
    {"FREQ=DAILY;UNTIL=2027", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270101T", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270101 ;COUNT=1", "a second RRULE"},
    {"FREQ=DAILY;UNTIL=20270101X000000", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270101T00000A", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=2027010aT000000", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270101T000000X", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=00000101", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270001", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20271301", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270100", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270229", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270101T240000", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270101T006000", "UNTIL is like"},
    {"FREQ=DAILY;UNTIL=20270101T000060", "UNTIL is like"},
    {"FREQ=DAILY;WKST=XX", "WKST is SU"},
    {"FREQ=DAILY;WKST=", "WKST is SU"},
    {"FREQ=DAILY;BYSECOND=61", "BYSECOND may hold 0 to 60"},
    {"FREQ=DAILY;BYSECOND=60", "BYSECOND=60 alone"},
    {"FREQ=DAILY;BYMINUTE=60", "BYMINUTE may hold 0 to 59"},
    {"FREQ=DAILY;BYHOUR=24", "BYHOUR may hold 0 to 23"},
    {"FREQ=DAILY;BYHOUR=-1", "BYHOUR may hold 0 to 23, not '-1'"},
    {"FREQ=DAILY;BYHOUR=1,,2", "BYHOUR may hold 0 to 23, not ''"},
    {"FREQ=DAILY;BYHOUR=", "BYHOUR may hold 0 to 23, not ''"},
    {"FREQ=DAILY;BYMONTH=13", "BYMONTH may hold 1 to 12"},
    {"FREQ=DAILY;BYMONTHDAY=0", "BYMONTHDAY may hold 1 to 31, or these with a minus"},
    {"FREQ=DAILY;BYMONTHDAY=-32", "BYMONTHDAY may hold"},
    {"FREQ=DAILY;BYMONTHDAY=-", "BYMONTHDAY may hold"},
    {"FREQ=DAILY;BYMONTHDAY=--1", "BYMONTHDAY may hold"},
    {"FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY may hold"},
    {"FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO may hold"},
    {"FREQ=YEARLY;BYMONTH=1;BYSETPOS=0", "BYSETPOS may hold"},
    {"FREQ=DAILY;BYDAY=XX", "BYDAY may hold"},
    {"FREQ=DAILY;BYDAY=", "BYDAY may hold"},
    {"FREQ=DAILY;BYDAY=M", "BYDAY may hold"},
    {"FREQ=MONTHLY;BYDAY=0MO", "BYDAY may hold"},
    {"FREQ=MONTHLY;BYDAY=54MO", "BYDAY may hold"},
    {"FREQ=MONTHLY;BYDAY=-MO", "BYDAY may hold"},
    {"FREQ=MONTHLY;BYDAY=xMO", "BYDAY may hold"},
    {"FREQ=WEEKLY;BYDAY=1MO", "BYDAY has numbers with FREQ=MONTHLY and YEARLY only"},
    {"FREQ=HOURLY;BYDAY=-1MO", "BYDAY has numbers with FREQ=MONTHLY and YEARLY only"},
    {"FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO", "no numbers beside BYWEEKNO"},
    {"FREQ=MONTHLY;BYWEEKNO=3", "BYWEEKNO needs FREQ=YEARLY"},
    {"FREQ=MONTHLY;BYYEARDAY=3", "BYYEARDAY does not go with"},
    {"FREQ=WEEKLY;BYYEARDAY=3", "BYYEARDAY does not go with"},
    {"FREQ=DAILY;BYYEARDAY=3", "BYYEARDAY does not go with"},
    {"FREQ=WEEKLY;BYMONTHDAY=3", "BYMONTHDAY does not go with"},
    {"FREQ=DAILY;BYSETPOS=1", "BYSETPOS needs another"},
    {"FREQ=DAILY FREQ=DAILY", "a second RRULE"},
    {"RRULE;X=1:FREQ=DAILY", "not 'RRULE;X=1'"},
    {"EXRULE:FREQ=DAILY", "not 'EXRULE'"},
    {"FREQ=DAILY;BYHOUR=123456789012345678901234567890123456789012345678901234567890123",
     "not '123456789012345678901234567890123456789012345678901234567890'"},
    {"DTSTART:20260105 DTSTART:20260106 FREQ=DAILY", "DTSTART is said twice"},
    {"DTSTART:2026 FREQ=DAILY", "DTSTART: a time is like"},
    {"DTSTART;VALUE=DATE:20260105T090000 FREQ=DAILY", "DTSTART: a time is like"},
    {"DTSTART;VALUE=PERIOD:20260105 FREQ=DAILY", "not 'VALUE=PERIOD'"},
    {"DTSTART;TZID:20260105 FREQ=DAILY", "not 'TZID'"},
    {"DTSTART;TZID=../etc/passwd:20260105 FREQ=DAILY", "DTSTART: TZID has to be the name"},
    {"DTSTART;TZID="
     "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:20260105 "
     "FREQ=DAILY",
     "DTSTART: TZID has to be the name"},
    {"DTSTART;TZID=Europe/Berlin:20260105T090000Z FREQ=DAILY",
     "of one zone, not of Europe/Berlin and UTC"},
    {"EXDATE;TZID=Asia/Tokyo:20260105 RDATE;TZID=Asia/Seoul:20260106 FREQ=DAILY",
     "RDATE: all times of a rule have to be of one zone"},
    {"RDATE:20260105,  FREQ=DAILY", "RDATE: a time is like"},
    {"EXDATE: FREQ=DAILY", "EXDATE: a time is like"},
};

static void
test_refused (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        bf_rrule *rule = NULL;
        bf_error error = {0};
        bf_err rc = bf_rrule_parse (refused[i].text, &rule, &error);
        if (rc != BF_EINVALID || strstr (error.text, refused[i].says) == NULL) {
            fail_msg ("'%s': %s, '%s'", refused[i].text, bf_err_name (rc), error.text);
        }
        assert_null (rule);
    }
}

/* `count` dates of a property, and what is said of one more. */
static void
check_dates (const char *property)
{
    char text[BF_RRULE_BYTES] = "FREQ=DAILY";
    size_t used = strlen (text);
    for (int i = 0; i <= BF_RRULE_DATES; i++) {
        used += (size_t)snprintf (text + used, sizeof text - used, "%s20260105",
                                  i == 0 ? property : ",");
        bf_rrule *rule = NULL;
        bf_error error = {0};
        bf_err rc = bf_rrule_parse (text, &rule, &error);
        assert_int_equal (rc, i < BF_RRULE_DATES ? BF_OK : BF_EINVALID);
        bf_rrule_destroy (&rule);
    }
}

static void
test_limits (void **state)
{
    (void)state;
    check_dates (" EXDATE:");
    check_dates (" RDATE:");
    char text[BF_RRULE_BYTES + 2];
    memset (text, ' ', sizeof text);
    memcpy (text, "FREQ=DAILY", 10);
    text[BF_RRULE_BYTES + 1] = '\0';
    bf_rrule *rule = NULL;
    bf_error error = {0};
    assert_int_equal (bf_rrule_parse (text, &rule, &error), BF_EINVALID);
    assert_string_equal (error.text, "a rule has at most 4096 bytes");
    text[BF_RRULE_BYTES] = '\0';
    assert_int_equal (bf_rrule_parse (text, &rule, &error), BF_OK);
    bf_rrule_destroy (&rule);
}

static void
test_zone (void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *zone;
        bool has_start;
    } rows[] = {
        {"FREQ=DAILY", "", false},
        {"DTSTART:20260105T090000 FREQ=DAILY", "", true},
        {"DTSTART:20260105T090000Z FREQ=DAILY", "UTC", true},
        {"DTSTART;tzid=Europe/Berlin:20260105T090000 FREQ=DAILY", "Europe/Berlin", true},
        {"FREQ=DAILY EXDATE;TZID=Asia/Tokyo:20260105T090000", "Asia/Tokyo", false},
        {"FREQ=DAILY EXDATE:20260105T090000Z", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_rrule *rule = NULL;
        assert_int_equal (bf_rrule_parse (rows[i].text, &rule, NULL), BF_OK);
        assert_string_equal (bf_rrule_zone (rule), rows[i].zone);
        assert_int_equal (bf_rrule_has_start (rule), rows[i].has_start);
        bf_rrule_destroy (&rule);
    }
}

/* All with DTSTART on Monday, 2026-01-05, at 09:30:00, unless it is in the text. */
static const struct {
    const char *text;
    const char *says;
} explained[] = {
    {"FREQ=DAILY", "every day at 09:30"},
    {"FREQ=YEARLY", "every year in January on the 5th day of the month at 09:30"},
    {"FREQ=MONTHLY;COUNT=1", "every month on the 5th day of the month at 09:30, once"},
    {"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;COUNT=12",
     "every 2 weeks on Monday and Friday at 09:30, 12 times"},
    {"FREQ=WEEKLY;WKST=SU", "every week on Monday at 09:30, weeks begin on Sunday"},
    {"FREQ=MONTHLY;BYDAY=MO,2TU,-1FR",
     "every month on Monday, the 2nd Tuesday and the last Friday of the month at 09:30"},
    {"FREQ=YEARLY;BYDAY=-3SU", "every year on the 3rd last Sunday of the year at 09:30"},
    {"FREQ=YEARLY;BYMONTH=5,6,7,9;BYDAY=1WE",
     "every year in May to July and September on the 1st Wednesday of the month at 09:30"},
    {"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
     "every month on Friday, but only on the 13th day of the month at 09:30"},
    {"FREQ=MONTHLY;BYMONTHDAY=1,2,3,11,22,-1,-2",
     "every month on the 1st to 3rd, 11th, 22nd, last and 2nd last day of the month at "
     "09:30"},
    {"FREQ=YEARLY;BYWEEKNO=15,-1;BYYEARDAY=100;BYMONTHDAY=9,10",
     "every year in the 15th and last week of the year on the 9th and 10th day of the "
     "month, "
     "but only on the 100th day of the year at 09:30"},
    {"FREQ=YEARLY;BYYEARDAY=200", "every year on the 200th day of the year at 09:30"},
    {"FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0,20", "every day at 09:00, 09:20, 17:00 and 17:20"},
    {"FREQ=DAILY;BYSECOND=15", "every day at 09:30:15"},
    {"FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,23",
     "every day at hours 9 to 15 and 23, minute 30, second 0"},
    {"FREQ=SECONDLY;INTERVAL=20", "every 20 seconds"},
    {"FREQ=HOURLY", "every hour at minute 30, second 0"},
    {"FREQ=MINUTELY;BYHOUR=3", "every minute at hour 3, second 0"},
    {"FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1,-1",
     "every month on Monday and Tuesday at 09:30, of these the 1st and last of the month"},
    {"FREQ=DAILY;UNTIL=20270328", "every day at 09:30, until 2027-03-28"},
    {"FREQ=DAILY;UNTIL=20270328T023000", "every day at 09:30, until 2027-03-28T02:30:00"},
    {"FREQ=DAILY;UNTIL=20270328T023000Z", "every day at 09:30, until 2027-03-28T02:30:00Z"},
    {"DTSTART:20260105 FREQ=DAILY EXDATE:20260106 RDATE:20260106T120000,20270101T120000",
     "every day at 00:00, without 1 date, and 2 more dates"},
};

static void
test_explain (void **state)
{
    (void)state;
    bf_local start = {bf_days_of (2026, 1, 5) * BF_DAY_S + 9 * 3600 + 30 * 60};
    for (size_t i = 0; i < sizeof explained / sizeof explained[0]; i++) {
        bf_rrule *rule = NULL;
        char buffer[256];
        assert_int_equal (bf_rrule_parse (explained[i].text, &rule, NULL), BF_OK);
        /* What DTSTART adds is left out before it is known. */
        assert_ptr_equal (bf_rrule_explain (rule, buffer, sizeof buffer), buffer);
        bf_error error = {0};
        if (bf_rrule_open (rule, bf_zone_utc (), start, &error) != BF_OK) {
            fail_msg ("%s: %s", explained[i].text, error.text);
        }
        bf_rrule_explain (rule, buffer, sizeof buffer);
        if (strcmp (buffer, explained[i].says) != 0) {
            fail_msg ("%s: '%s'", explained[i].text, buffer);
        }
        bf_rrule_destroy (&rule);
    }
}

static void
test_explain_cut (void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *says;
    } rows[] = {{3, "ev"}, {4, "…"}, {9, "every…"}, {10, "every day"}};
    bf_rrule *rule = NULL;
    assert_int_equal (bf_rrule_parse ("FREQ=DAILY;BYMONTH=1", &rule, NULL), BF_OK);
    char buffer[64];
    assert_string_equal (bf_rrule_explain (rule, buffer, sizeof buffer),
                         "every day in January");
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal (bf_rrule_explain (rule, buffer, rows[i].size), rows[i].says);
    }
    bf_rrule_destroy (&rule);
    assert_int_equal (bf_rrule_parse ("FREQ=DAILY", &rule, NULL), BF_OK);
    assert_string_equal (bf_rrule_explain (rule, buffer, rows[3].size), rows[3].says);
    bf_rrule_destroy (&rule);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_accepted), cmocka_unit_test (test_refused),
        cmocka_unit_test (test_limits),   cmocka_unit_test (test_zone),
        cmocka_unit_test (test_explain),  cmocka_unit_test (test_explain_cut),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
