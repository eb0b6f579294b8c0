/* SPDX-License-Identifier: MPL-2.0
 *
 * Jobs that go by a calendar: what is kept of their zones, what is refused, Preview, the
 * exclusion calendars, and restarts and clock steps over the days on which clocks change.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define BERLIN "schedule.jobs.tz=Europe/Berlin "
#define NIGHTLY "schedule.jobs.type=t schedule.jobs.cron=30^2^*^*^* " BERLIN

static int64_t
at (const char *iso)
{
    bf_wall wall;
    bf_error error = {0};
    if (bf_wall_parse (iso, &wall, &error) != BF_OK) {
        fail_msg ("%s: %s", iso, error.text);
    }
    return wall.us;
}

/* Both clocks go on to an instant, nobody being there. */
static void
away_until (ledger *self, const char *iso)
{
    ledger_away (self, at (iso) - self->now.wall.us);
}

static const char *
iso_of (ledger *self, int64_t us)
{
    char text[BF_ISO_BYTES];
    return ledger_text (self, "%s", bf_wall_format ((bf_wall){us}, text));
}

static void
expect_due (ledger *self, int id, const char *iso)
{
    int64_t due = ledger_number (
        self, ledger_text (self, "SELECT due_us FROM job WHERE id = %d", id));
    assert_string_equal (iso_of (self, due), iso);
}

/* When the slots of a job's runs were, and its missed ones. */
static const char *
story (ledger *self, int id)
{
    return ledger_string (
        self,
        ledger_text (self,
                     "SELECT coalesce ((SELECT group_concat (strftime ('%%d %%H:%%M', "
                     "due_us / 1000000, 'unixepoch'), ', ') FROM (SELECT * FROM run "
                     "WHERE job = %d ORDER BY ordinal)), '-') || ' missed ' || missed "
                     "FROM job WHERE id = %d",
                     id, id));
}

static int
schedule (ledger *self, const char *fields)
{
    Belfry__V1__Reply *reply = ledger_ok (self, fields);
    return (int)reply->jobs->items[0]->job->id;
}

/* How many rows the tables have: zones, jobs of zones, calendars, jobs of calendars. */
static void
expect_rows (ledger *self, const char *expected)
{
    assert_string_equal (ledger_string (self,
                                        "SELECT (SELECT count(*) FROM zone) || ' ' || "
                                        "(SELECT count(*) FROM zoned) || ' ' || "
                                        "(SELECT count(*) FROM exclusion) || ' ' || "
                                        "(SELECT count(*) FROM excluded)"),
                         expected);
}

static void
test_zone_is_kept (void **state)
{
    ledger *self = *state;
    int id = schedule (self, NIGHTLY "schedule.jobs.key=k");
    expect_due (self, id, "2026-01-01T01:30:00Z");
    expect_rows (self, "1 1 0 0");
    /* No file is needed for UTC, and nothing can change it. */
    int utc = schedule (self, "schedule.jobs.type=t schedule.jobs.daily=0500");
    expect_due (self, utc, "2026-01-01T05:00:00Z");
    expect_rows (self, "1 1 0 0");
    ledger_ok (self, NIGHTLY "schedule.jobs.key=k schedule.on_key=3 "
                             "schedule.jobs.tz=Asia/Tokyo");
    expect_due (self, id, "2026-01-01T17:30:00Z");
    expect_rows (self, "2 1 0 0");
    ledger_ok (self, "cancel.job.key=k");
    expect_rows (self, "2 0 0 0");
    ledger_reopen (self, true);
    ledger_fire (self, NULL);
}

static void
test_equal_is_unchanged (void **state)
{
    ledger *self = *state;
    schedule (self, NIGHTLY "schedule.jobs.key=k");
    ledger_expect (self, ledger_ok (self, NIGHTLY "schedule.jobs.key=k schedule.on_key=3"),
                   "jobs.items.outcome=4 jobs.items.job.version=1");
}

static void
test_refused (void **state)
{
    ledger *self = *state;
    static const struct {
        const char *fields;
        const char *text;
    } rows[] = {
        {"schedule.jobs[1].cron=0^9^*^*^* schedule.jobs[1].tz=Europe/Nowhere",
         "there is no time zone Europe/Nowhere in "},
        {"schedule.jobs[1].cron=0^9^*^*^* schedule.jobs[1].exclude=holidays",
         "there is no exclusion calendar holidays in namespace default"},
        {"schedule.jobs[1].every.interval_us=60000000 schedule.jobs[1].exclude=holidays",
         "there is no exclusion calendar holidays"},
        {"schedule.jobs[1].rrule=FREQ=DAILY;UNTIL=20200101T000000", ""},
        {"schedule.jobs[1].daily=0900 schedule.jobs[1].end_us=1767225600000001",
         "leaves the job no slot"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* The first job of the call, whose zone is fine, goes with the other. */
        Belfry__V1__Reply *reply = ledger_refused (
            self, BELFRY__V1__CODE__CODE_INVALID,
            ledger_text (self, NIGHTLY "schedule.jobs[1].type=t %s", rows[i].fields));
        if (!strstr (reply->text, rows[i].text)) {
            fail_msg ("%s: %s", rows[i].fields, reply->text);
        }
        expect_rows (self, "0 0 0 0");
    }
    /* What was read for them was forgotten with them. */
    schedule (self, NIGHTLY);
    expect_rows (self, "1 1 0 0");
}

static void
test_reschedule (void **state)
{
    ledger *self = *state;
    ledger_ok (self,
               "set_calendar.calendar.name=off set_calendar.calendar.dates=2026-01-02");
    int id = schedule (self, NIGHTLY "schedule.jobs.exclude=off");
    /* The zone stays where none is said, and so do the calendars. */
    ledger_ok (self, "reschedule.job.id=256 reschedule.daily=2130");
    expect_due (self, id, "2026-01-01T20:30:00Z");
    ledger_ok (self, "reschedule.job.id=256 reschedule.rrule=FREQ=DAILY;BYHOUR=1 "
                     "reschedule.tz=Asia/Tokyo");
    expect_due (self, id, "2026-01-02T16:00:00Z");
    expect_rows (self, "2 1 1 1");
    ledger_ok (self, "reschedule.job.id=256 reschedule.every.interval_us=60000000");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.spec.tz=Asia/Tokyo get.job.spec.exclude=off");
    ledger_refused (self, BELFRY__V1__CODE__CODE_INVALID,
                    "reschedule.job.id=256 reschedule.after_us=5");
    ledger_refused (
        self, BELFRY__V1__CODE__CODE_INVALID,
        "reschedule.job.id=256 reschedule.cron=0^9^*^*^* reschedule.tz=No/Where");
    expect_rows (self, "2 1 1 1");
}

static void
test_preview (void **state)
{
    ledger *self = *state;
    Belfry__V1__Reply *reply = ledger_ok (
        self, ledger_text (self,
                           "preview.spec.cron=30^2^*^*^* preview.spec.tz=Europe/Berlin "
                           "preview.limit=3 preview.from_us=%" PRId64,
                           at ("2027-03-27T12:00:00Z")));
    assert_int_equal (reply->preview->n_slots, 3);
    assert_string_equal (reply->preview->slots[0]->local, "2027-03-28T03:00:00+02:00");
    assert_non_null (strstr (reply->preview->slots[0]->note, "02:30 does not exist"));
    assert_string_equal (reply->preview->slots[1]->local, "2027-03-29T02:30:00+02:00");
    assert_string_equal (reply->preview->slots[1]->note, "");
    assert_string_equal (reply->preview->normalised, "30 2 * * *");
    assert_true (strlen (reply->preview->words) > 0);
    /* It is a read: the zone stays out of the table. */
    expect_rows (self, "0 0 0 0");
    schedule (self, NIGHTLY "schedule.jobs.max_runs=2");
    reply = ledger_ok (self, "preview.job.id=256");
    assert_int_equal (reply->preview->n_slots, 2);
    assert_string_equal (reply->preview->slots[0]->local, "2026-01-01T02:30:00+01:00");
    assert_string_equal (reply->preview->spec->tz, "Europe/Berlin");
    ledger_ok (self, "cancel.job.id=256");
    ledger_refused (self, BELFRY__V1__CODE__CODE_WRONG_STATE, "preview.job.id=256");
    ledger_refused (self, BELFRY__V1__CODE__CODE_INVALID,
                    "preview.spec.cron=0^9^*^*^* preview.spec.tz=No/Where");
    ledger_refused (self, BELFRY__V1__CODE__CODE_INVALID,
                    "preview.spec.cron=0^9^*^*^* preview.spec.exclude=none "
                    "preview.spec.ns=unheard");
    reply = ledger_ok (self, "preview.spec.after_us=1500000");
    assert_string_equal (reply->preview->slots[0]->local,
                         "2026-01-01T00:00:01.500000+00:00");
}

#define SET_OFF "set_calendar.calendar.name=off set_calendar.calendar.dates="

static void
test_calendars (void **state)
{
    ledger *self = *state;
    ledger_expect (self, ledger_ok (self, SET_OFF "2026-01-01"),
                   "calendars.calendars.version=1 calendars.calendars.ns=default");
    assert_string_equal (ledger_kinds (self), "calendar.changed");
    ledger_expect (self, ledger_ok (self, SET_OFF "2026-01-01"), "calendars.unchanged=1");
    assert_string_equal (ledger_kinds (self), "");
    int id = schedule (self, NIGHTLY "schedule.jobs.exclude=off");
    expect_due (self, id, "2026-01-02T01:30:00Z");
    expect_rows (self, "1 1 1 1");
    /* Its jobs hear of a change at once. */
    ledger_expect (self, ledger_ok (self, SET_OFF "2026-01-02"),
                   "calendars.calendars.version=2");
    expect_due (self, id, "2026-01-01T01:30:00Z");
    Belfry__V1__Event *event = ledger_event (self, "calendar.changed");
    assert_int_equal (event->replanned->n_rows, 1);
    assert_int_equal (event->replanned->examined, 1);
    assert_true (event->replanned->done);
    assert_string_equal (event->replanned->calendar->dates[0], "2026-01-02");
    assert_true (strstr (ledger_to_clock (self), "arm:") != NULL);
    ledger_refused (self, BELFRY__V1__CODE__CODE_VERSION_CONFLICT,
                    SET_OFF "2026-01-03 set_calendar.if_version=1");
    ledger_refused (self, BELFRY__V1__CODE__CODE_WRONG_STATE, "delete_calendar.name=off");
    ledger_refused (self, BELFRY__V1__CODE__CODE_NOT_FOUND, "delete_calendar.name=on");
    ledger_ok (self, "cancel.job.id=256");
    ledger_expect (self, ledger_ok (self, "delete_calendar.name=off"),
                   "calendars.calendars.version=2");
    assert_int_equal (ledger_event (self, "calendar.changed")->replanned->calendar->version,
                      0);
    expect_rows (self, "1 0 0 0");
}

static void
test_calendars_are_listed (void **state)
{
    ledger *self = *state;
    static const char *const names[] = {"b", "c", "a"};
    for (size_t i = 0; i < 3; i++) {
        ledger_ok (self, ledger_text (self,
                                      "set_calendar.calendar.name=%s "
                                      "set_calendar.calendar.windows=SAT-SUN",
                                      names[i]));
    }
    ledger_ok (self, "set_calendar.calendar.ns=abc set_calendar.calendar.name=z");
    Belfry__V1__Reply *reply = ledger_ok (self, "list_calendars.cursor=0");
    assert_int_equal (reply->calendars->n_calendars, 4);
    assert_string_equal (reply->calendars->calendars[0]->name, "z");
    assert_string_equal (reply->calendars->calendars[1]->name, "a");
    assert_int_equal (reply->calendars->next_cursor, 0);
    reply = ledger_ok (self, "list_calendars.ns=default list_calendars.cursor=2");
    assert_int_equal (reply->calendars->n_calendars, 1);
    assert_string_equal (reply->calendars->calendars[0]->name, "c");
    reply = ledger_ok (self, "list_calendars.name=b");
    assert_string_equal (reply->calendars->calendars[0]->windows[0], "SAT-SUN");
    reply = ledger_ok (self, "list_calendars.cursor=9999999");
    assert_int_equal (reply->calendars->n_calendars, 0);
}

/* A repeated call has the answer of the first one, and changes nothing. */
static void
test_calendar_once (void **state)
{
    ledger *self = *state;
    ledger_ok (self, SET_OFF "2026-01-01 request_id=one");
    ledger_ok (self, SET_OFF "2026-01-02");
    ledger_expect (self, ledger_ok (self, SET_OFF "2026-01-01 request_id=one"),
                   "repeated=1 calendars.calendars.version=1");
    assert_int_equal (ledger_number (self, "SELECT version FROM exclusion"), 2);
}

#define ALL "schedule.jobs.late=2 schedule.jobs.catchup_max=100 schedule.jobs.overlap=6 "

/* Away from the evening before to the morning after, over a crash. */
static void
test_away_over_spring (void **state)
{
    ledger *self = *state;
    away_until (self, "2027-03-27T20:00:00Z");
    int fixed = schedule (self, NIGHTLY ALL);
    int wild = schedule (self, ALL BERLIN "schedule.jobs.type=t "
                                          "schedule.jobs.cron=30^*^*^*^*");
    int skips = schedule (self, NIGHTLY ALL "schedule.jobs.skipped=2");
    away_until (self, "2027-03-28T02:10:00Z");
    ledger_reopen (self, true);
    ledger_catch_up (self);
    assert_string_equal (story (self, fixed), "28 01:00 missed 0");
    assert_string_equal (story (self, wild),
                         "27 20:30, 27 21:30, 27 22:30, 27 23:30, 28 00:30, 28 01:30 "
                         "missed 0");
    assert_string_equal (story (self, skips), "- missed 0");
    expect_due (self, fixed, "2027-03-29T00:30:00Z");
    expect_due (self, skips, "2027-03-29T00:30:00Z");
    /* The wall clock is set back before the gap: nothing fires again. */
    ledger_set_wall (self, -2 * BF_HOUR_US);
    ledger_catch_up (self);
    away_until (self, "2027-03-28T02:20:00Z");
    ledger_catch_up (self);
    assert_string_equal (story (self, fixed), "28 01:00 missed 0");
}

static void
test_away_over_autumn (void **state)
{
    ledger *self = *state;
    away_until (self, "2026-10-24T22:00:00Z");
    int fixed = schedule (self, NIGHTLY ALL);
    int wild = schedule (self, ALL BERLIN "schedule.jobs.type=t "
                                          "schedule.jobs.cron=30^*^*^*^*");
    int both = schedule (self, NIGHTLY ALL "schedule.jobs.repeated=3");
    int once = schedule (self, NIGHTLY "schedule.jobs.late=1 schedule.jobs.repeated=3");
    away_until (self, "2026-10-25T02:10:00Z");
    ledger_reopen (self, false);
    ledger_catch_up (self);
    assert_string_equal (story (self, fixed), "25 00:30 missed 0");
    assert_string_equal (story (self, wild),
                         "24 22:30, 24 23:30, 25 00:30, 25 01:30 missed 0");
    assert_string_equal (story (self, both), "25 00:30, 25 01:30 missed 0");
    assert_string_equal (story (self, once), "25 01:30 missed 1");
    expect_due (self, fixed, "2026-10-26T01:30:00Z");
    /* Between the two passes the clock goes back an hour, as a host's on local time would:
     * no business of ours. */
    ledger_set_wall (self, -BF_HOUR_US);
    ledger_catch_up (self);
    away_until (self, "2026-10-25T03:00:00Z");
    ledger_catch_up (self);
    assert_string_equal (story (self, fixed), "25 00:30 missed 0");
}

/* One run at a time, and the repeated hour is an hour like any other. */
static void
test_overlap_over_autumn (void **state)
{
    ledger *self = *state;
    away_until (self, "2026-10-25T00:00:00Z");
    int id = schedule (self, BERLIN "schedule.jobs.type=t schedule.jobs.cron=30^*^*^*^* "
                                    "schedule.jobs.overlap=1");
    ledger_pass (self, 30 * BF_MINUTE_US);
    ledger_fire (self, NULL);
    const char *token = ledger_lease (self, "t");
    ledger_reopen (self, true);
    ledger_pass (self, BF_HOUR_US);
    ledger_fire (self, NULL);
    assert_string_equal (story (self, id), "25 00:30 missed 0");
    assert_int_equal (ledger_number (self, "SELECT overlap_skipped FROM job"), 1);
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    ledger_pass (self, BF_HOUR_US);
    ledger_fire (self, NULL);
    assert_string_equal (story (self, id), "25 00:30, 25 02:30 missed 0");
}

/* Where no beginning is said a rule begins with the job, and keeps to that. */
static void
test_rule_keeps_its_beginning (void **state)
{
    ledger *self = *state;
    ledger_pass (self, 10 * BF_HOUR_US + 1);
    int id = schedule (self, BERLIN "schedule.jobs.type=t "
                                    "schedule.jobs.rrule=FREQ=DAILY;INTERVAL=2;COUNT=2");
    expect_due (self, id, "2026-01-01T10:00:01Z");
    ledger_pass (self, BF_MINUTE_US);
    ledger_fire (self, NULL);
    ledger_reopen (self, true);
    expect_due (self, id, "2026-01-03T10:00:01Z");
    ledger_pass (self, 2 * BF_DAY_US);
    ledger_fire (self, NULL);
    assert_int_equal (
        ledger_number (self, ledger_text (self, "SELECT state FROM job WHERE id = %d", id)),
        BELFRY__V1__JOB_STATE__JOB_STATE_ACTIVE);
    /* Nothing of it is left: there is nothing to show either. */
    ledger_expect (self, ledger_ok (self, ledger_text (self, "preview.job.id=%d", id)),
                   "preview.slots=0");
}

/* What is excluded is no slot of an interval either. */
static void
test_interval_with_exclusion (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "set_calendar.calendar.name=off "
                     "set_calendar.calendar.windows=SUN-SAT^0010-0020");
    int id =
        schedule (self, "schedule.jobs.type=t schedule.jobs.every.interval_us=300000000 "
                        "schedule.jobs.exclude=off " ALL);
    ledger_away (self, 26 * BF_MINUTE_US);
    ledger_catch_up (self);
    assert_string_equal (story (self, id), "01 00:05, 01 00:20, 01 00:25 missed 0");
}

/* More rules than are kept in memory, some of them again. */
static void
test_many_rules (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    for (int i = 0; i < 1100; i++) {
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.type=t schedule.jobs.cron=%d^%d^*^*^* "
                                      "schedule.jobs.tz=Europe/Berlin",
                                      i % 60, i / 60));
        ledger_forget_texts (self);
    }
    self->unchecked = false;
    ledger_away (self, BF_DAY_US);
    ledger_fire (self, NULL);
    assert_int_equal (ledger_number (self, "SELECT count(*) FROM run"), 1100);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_zone_is_kept),
        TEST (test_equal_is_unchanged),
        TEST (test_refused),
        TEST (test_reschedule),
        TEST (test_preview),
        TEST (test_calendars),
        TEST (test_calendars_are_listed),
        TEST (test_calendar_once),
        TEST (test_away_over_spring),
        TEST (test_away_over_autumn),
        TEST (test_overlap_over_autumn),
        TEST (test_rule_keeps_its_beginning),
        TEST (test_interval_with_exclusion),
        TEST (test_many_rules),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
