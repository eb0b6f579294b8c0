/* SPDX-License-Identifier: MPL-2.0
 *
 * What belfry.proto's comments promise of calendar triggers, their zones and switches, of
 * exclusion calendars and of Preview; one row each. What the texts mean is tested where
 * they are read.
 */
#include "messages/codec.h"

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/codec_rows.h"
#include "tests/support/request.h"

#define J "schedule.jobs."
#define ONCE J "type=mail " J "after_us=5 "
#define EVERY J "type=mail " J "every.interval_us=60000000 "
#define CRON J "type=mail " J "cron=0^9^*^*^MON-FRI "
#define DAILY J "type=mail " J "daily=2130 "
#define RRULE J "type=mail " J "rrule=FREQ=DAILY "
#define MOVE "reschedule.job.id=1 "
#define SET "set_calendar.calendar."

static const codec_refused refused[] = {
    /* The texts. */
    {J "type=mail " J "cron=", BF_EINVALID, "jobs[0].cron is missing, allowed are 1..256"},
    {J "type=mail " J "cron=*257", BF_EINVALID, "jobs[0].cron has 257 bytes"},
    {J "type=mail " J "cron=0^9\x01*^*^*", BF_EINVALID,
     "jobs[0].cron has a byte 0x01 at 3, allowed is UTF-8 without control characters"},
    {J "type=mail " J "cron=60^9^*^*^*", BF_EINVALID, "jobs[0].cron is not accepted: "},
    {J "type=mail " J "cron=0^0^30^2^*", BF_EINVALID, "jobs[0].cron is not accepted: "},
    {J "type=mail " J "cron=^^", BF_EINVALID, "jobs[0].cron is not accepted: "},
    {J "type=mail " J "daily=2460", BF_EINVALID, "jobs[0].daily is not accepted: "},
    {J "type=mail " J "daily=*257", BF_EINVALID, "jobs[0].daily has 257 bytes"},
    {J "type=mail " J "rrule=FREQ=NEVER", BF_EINVALID, "jobs[0].rrule is not accepted: "},
    {J "type=mail " J "rrule=*4097", BF_EINVALID, "jobs[0].rrule has 4097 bytes"},
    {J "cron=@hourly", BF_EINVALID, "jobs[0].type is missing, allowed are 1..64"},

    /* Zones and switches. */
    {CRON J "tz=*65", BF_EINVALID, "jobs[0].tz has 65 bytes"},
    {CRON J "tz=../passwd", BF_EINVALID,
     "jobs[0].tz is ../passwd, allowed is the name of a time zone, such as Europe/Berlin"},
    {CRON J "tz=/etc/localtime", BF_EINVALID, "jobs[0].tz is /etc/localtime, allowed"},
    {CRON J "skipped=4", BF_EINVALID,
     "jobs[0].skipped is 4, allowed are 1 SKIPPED_AFTER_GAP, 2 SKIPPED_SKIP, 3 "},
    {CRON J "repeated=-1", BF_EINVALID, "jobs[0].repeated is -1, allowed are 1 "},
    {J "type=mail " J "daily=2130^Europe/Berlin " J "tz=Europe/Paris", BF_EINVALID,
     "jobs[0].tz is Europe/Paris, but daily names Europe/Berlin: leave one of them out"},
    {J "type=mail " J "rrule=DTSTART;TZID=Europe/Berlin:20260105T090000^RRULE:FREQ=DAILY " J
       "tz=UTC",
     BF_EINVALID, "jobs[0].tz is UTC, but rrule names Europe/Berlin"},
    {ONCE J "tz=UTC", BF_EINVALID, "jobs[0].tz is for cron, daily and rrule: leave it out"},
    {ONCE J "skipped=1", BF_EINVALID, "jobs[0].skipped is for cron, daily and rrule"},
    {ONCE J "repeated=1", BF_EINVALID, "jobs[0].repeated is for cron, daily and rrule"},
    {EVERY J "skipped=1", BF_EINVALID, "jobs[0].skipped is for cron, daily and rrule"},
    {EVERY J "repeated=1", BF_EINVALID, "jobs[0].repeated is for cron, daily and rrule"},
    {EVERY J "tz=UTC", BF_EINVALID,
     "jobs[0].tz means nothing to every without exclude: leave it out"},

    /* Bounds and exclusion calendars. */
    {CRON J "start_us=8 " J "end_us=7", BF_EINVALID, "jobs[0].end_us is 7, before start"},
    {CRON J "jitter_us=2592000000001", BF_EINVALID, "jobs[0].jitter_us is"},
    {ONCE J "exclude=holidays", BF_EINVALID, "jobs[0].exclude is for recurring jobs"},
    {CRON J "exclude=a/b", BF_EINVALID, "jobs[0].exclude[0] is not a name"},
    {CRON J "exclude=a " J "exclude=b " J "exclude=a", BF_EINVALID,
     "jobs[0].exclude[2] is that of exclude[0] already: send it once"},
    {CRON J "exclude=#9", BF_ELIMIT, "jobs[0].exclude has more than 8 items"},

    /* Reschedule. */
    {MOVE, BF_EINVALID, "trigger is missing: set exactly one of at_us, after_us, every, "},
    {MOVE "reschedule.cron=61^*^*^*^*", BF_EINVALID, "cron is not accepted: "},
    {MOVE "reschedule.daily=9", BF_EINVALID, "daily is not accepted: "},
    {MOVE "reschedule.rrule=x", BF_EINVALID, "rrule is not accepted: "},
    {MOVE "reschedule.cron=@daily reschedule.tz=a//b", BF_EINVALID, "tz is a//b, allowed"},
    {MOVE "reschedule.at_us=1 reschedule.tz=UTC", BF_EINVALID,
     "tz is for cron, daily and rrule"},
    {MOVE "reschedule.after_us=1 reschedule.skipped=1", BF_EINVALID, "skipped is for cron"},
    {MOVE "reschedule.every.interval_us=60000000 reschedule.repeated=1", BF_EINVALID,
     "repeated is for cron"},
    {MOVE "reschedule.every.interval_us=60000000 reschedule.tz=UTC", BF_EINVALID,
     "tz is for cron"},
    {MOVE "reschedule.daily=2130^Europe/Berlin reschedule.tz=UTC", BF_EINVALID,
     "tz is UTC, but daily names Europe/Berlin"},

    /* Preview. */
    {"preview", BF_EINVALID,
     "spec is missing, and so is job: set exactly one of spec and job"},
    {"preview.job.id=1 preview.spec.cron=@daily", BF_EINVALID,
     "spec is set, and so is job"},
    {"preview.job", BF_EINVALID, "job is empty: name the job by id or by key"},
    {"preview.spec.type=a/b preview.spec.cron=@daily", BF_EINVALID, "spec.type is not a"},
    {"preview.spec", BF_EINVALID, "spec.trigger is missing"},
    {"preview.spec.cron=x", BF_EINVALID, "spec.cron is not accepted: "},
    {"preview.job.id=1 preview.limit=1001", BF_EINVALID, "limit is 1001, allowed are 1.."},
    {"preview.job.id=1 preview.from_us=-1", BF_EINVALID, "from_us is -1, allowed are 0.."},

    /* Exclusion calendars. */
    {"set_calendar", BF_EINVALID, "calendar is missing"},
    {SET "dates=2026-12-24", BF_EINVALID, "calendar.name is missing"},
    {SET "name=a/b", BF_EINVALID, "calendar.name is not a name"},
    {SET "name=a " SET "ns=a/b", BF_EINVALID, "calendar.ns is not a name"},
    {SET "name=a " SET "dates=2026-12-24 " SET "dates=2026-02-30", BF_EINVALID,
     "calendar.dates[1] is not accepted: "},
    {SET "name=a " SET "dates=12-25 " SET "windows=SAT-SUN " SET "windows=DAY", BF_EINVALID,
     "calendar.windows[1] is not accepted: "},
    {SET "name=a " SET "dates=", BF_EINVALID, "calendar.dates[0] is missing"},
    {SET "name=a " SET "windows=*65", BF_EINVALID, "calendar.windows[0] has 65 bytes"},
    {SET "name=a " SET "dates=#1001", BF_ELIMIT, "calendar.dates has more than 1000"},
    {SET "name=a " SET "windows=#65", BF_ELIMIT, "calendar.windows has more than 64"},
    {"delete_calendar", BF_EINVALID, "name is missing"},
    {"delete_calendar.name=a/b", BF_EINVALID, "name is not a name"},
    {"list_calendars.ns=a/b", BF_EINVALID, "ns is not a name"},
    {"list_calendars.name=a/b", BF_EINVALID, "name is not a name"},
    {"list_calendars.cursor=9223372036854775808", BF_EINVALID, "cursor is 92233720368547"},
};

static const codec_accepted accepted[] = {
    /* Defaults: a fixed expression, a wild one, a time of day, a rule. */
    {CRON, J "cron=0^9^*^*^MON-FRI " J "tz=UTC " J "skipped=1 " J "repeated=1 " J
             "overlap=1 " J "exclude= " J "late=1 " J "every=- " J "daily=- " J "rrule=-"},
    {J "type=mail " J "cron=^*/15^*^*^*^*", J "skipped=2 " J "repeated=3"},
    {J "type=mail " J "cron=@hourly", J "cron=@hourly " J "skipped=2 " J "repeated=3"},
    {DAILY, J "daily=2130 " J "tz=UTC " J "skipped=1 " J "repeated=1 " J "overlap=1"},
    {RRULE, J "rrule=FREQ=DAILY " J "tz=UTC " J "skipped=3 " J "repeated=1 " J "overlap=1"},
    {EVERY, J "tz= " J "skipped=0 " J "repeated=0 " J "exclude="},
    {ONCE, J "tz= " J "skipped=0 " J "repeated=0 " J "exclude="},
    /* What is said stays. */
    {CRON J "tz=Europe/Berlin " J "skipped=3 " J "repeated=2 " J "overlap=6",
     J "tz=Europe/Berlin " J "skipped=3 " J "repeated=2 " J "overlap=6"},
    {J "type=mail " J "cron=^^0^9^*^*^*^", J "cron=0^9^*^*^*"},
    {J "type=mail " J "cron=0^^9^*^*^*", J "cron=0^^9^*^*^*"},
    /* Tabs and line ends stand for blanks. */
    {J "type=mail " J "cron=0\t9^*^*^*\r\n", J "cron=0^9^*^*^*"},
    {J "type=mail " J "rrule=DTSTART:20260105T090000\nRRULE:FREQ=DAILY\n",
     J "rrule=DTSTART:20260105T090000^RRULE:FREQ=DAILY"},
    /* A zone inside the text. */
    {J "type=mail " J "daily=2130^Europe/Berlin", J "daily=2130 " J "tz=Europe/Berlin"},
    {J "type=mail " J "daily=^21:30^^Europe/Berlin^MON-FRI^",
     J "daily=21:30^MON-FRI " J "tz=Europe/Berlin"},
    {J "type=mail " J "daily=2130^Europe/Berlin " J "tz=Europe/Berlin",
     J "daily=2130 " J "tz=Europe/Berlin"},
    {J "type=mail " J "daily=2130^UTC " J "tz=Etc/UTC", J "daily=2130 " J "tz=Etc/UTC"},
    {J "type=mail " J "rrule=DTSTART;TZID=Europe/Berlin:20260105T090000^RRULE:FREQ=DAILY",
     J "rrule=DTSTART;TZID=Europe/Berlin:20260105T090000^RRULE:FREQ=DAILY " J
       "tz=Europe/Berlin"},
    {J "type=mail " J "rrule=DTSTART:20260105T090000Z^RRULE:FREQ=DAILY", J "tz=UTC"},
    /* Jitter has no interval to be shorter than. */
    {CRON J "jitter_us=2592000000000 " J "start_us=7 " J "end_us=7 " J "max_runs=3",
     J "jitter_us=2592000000000 " J "start_us=7 " J "end_us=7 " J "max_runs=3"},
    {CRON J "exclude=a " J "exclude=b", J "exclude=a,b"},
    {EVERY J "exclude=a", J "exclude=a " J "tz=UTC"},
    {EVERY J "exclude=a " J "tz=Europe/Berlin", J "tz=Europe/Berlin"},

    {MOVE "reschedule.cron=0^9^*^*^*",
     "reschedule.cron=0^9^*^*^* reschedule.tz= reschedule.skipped=1 reschedule.repeated=1"},
    {MOVE "reschedule.daily=2130^Europe/Berlin reschedule.skipped=2",
     "reschedule.daily=2130 reschedule.tz=Europe/Berlin reschedule.skipped=2 "
     "reschedule.repeated=1"},
    {MOVE "reschedule.rrule=^FREQ=DAILY reschedule.tz=UTC",
     "reschedule.rrule=FREQ=DAILY reschedule.tz=UTC reschedule.skipped=3"},
    {MOVE "reschedule.at_us=7",
     "reschedule.tz= reschedule.skipped=0 reschedule.repeated=0"},

    {"preview.job.id=7",
     "preview.job.id=7 preview.spec=- preview.limit=5 preview.from_us=0"},
    {"preview.spec.cron=@daily preview.limit=1000 preview.from_us=9",
     "preview.spec.type= preview.spec.tz=UTC preview.spec.skipped=1 preview.limit=1000"},
    {"preview.spec.after_us=5 preview.spec.payload=*65536", "preview.spec.payload=0"},
    {"preview.spec.after_us=5", "preview.spec.overlap=6 preview.spec.tz="},

    {SET "name=a", SET "ns=default " SET "name=a " SET "dates= " SET "windows="},
    {SET "name=a " SET "ns=n " SET "dates=2026-12-24..2027-01-06 " SET "dates=12-25 " SET
         "windows=MON-FRI^2200-0600 " SET "version=7 " SET "updated_us=9 "
         "set_calendar.if_version=3",
     SET "dates=2026-12-24..2027-01-06,12-25 " SET "windows=MON-FRI^2200-0600 " SET
         "version=0 " SET "updated_us=0 set_calendar.if_version=3"},
    {"delete_calendar.name=a", "delete_calendar.ns=default delete_calendar.if_version=0"},
    {"list_calendars", "list_calendars.ns= list_calendars.name= list_calendars.cursor=0"},
};

static bf_arena *arena;

static int
setup (void **state)
{
    (void)state;
    arena = bf_arena_new (2 * BF_DECODE_BYTES);
    return arena == NULL;
}

static int
teardown (void **state)
{
    (void)state;
    bf_arena_destroy (&arena);
    return 0;
}

static void
test_refused (void **state)
{
    (void)state;
    codec_expect_refused (arena, refused, sizeof refused / sizeof refused[0]);
}

static void
test_accepted (void **state)
{
    (void)state;
    codec_expect_accepted (arena, accepted, sizeof accepted / sizeof accepted[0]);
}

/* Whose answers are kept for repeats. */
static void
test_stored (void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool stored;
    } rows[] = {
        {"preview.job.id=1", false},
        {"list_calendars", false},
        {SET "name=a", true},
        {"delete_calendar.name=a", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_arena_reset (arena);
        Belfry__V1__Request *request = NULL;
        assert_int_equal (codec_decode (arena, rows[i].request, &request, NULL), BF_OK);
        assert_int_equal (bf_request_is_stored (request), rows[i].stored);
    }
}

/* What is a default said or not is the same, and every field tells definitions apart. */
static void
test_fingerprints (void **state)
{
    (void)state;
    static const struct {
        const char *one;
        const char *other;
        bool same;
    } rows[] = {
        {CRON, CRON J "tz=UTC " J "skipped=1 " J "repeated=1", true},
        {J "type=mail " J "daily=2130^Europe/Berlin", DAILY J "tz=Europe/Berlin", true},
        {CRON, CRON J "tz=Europe/Berlin", false},
        {CRON, CRON J "skipped=2", false},
        {CRON, CRON J "repeated=2", false},
        {CRON, CRON J "exclude=a", false},
        {CRON, CRON J "max_runs=1", false},
        {SET "name=a " SET "version=1", SET "name=a", true},
        {SET "name=a " SET "dates=12-25", SET "name=a " SET "dates=12-26", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_arena_reset (arena);
        Belfry__V1__Request *one = NULL;
        Belfry__V1__Request *other = NULL;
        assert_int_equal (codec_decode (arena, rows[i].one, &one, NULL), BF_OK);
        assert_int_equal (codec_decode (arena, rows[i].other, &other, NULL), BF_OK);
        bool same =
            bf_request_fingerprint (one, arena) == bf_request_fingerprint (other, arena);
        if (same != rows[i].same) {
            fail_msg ("'%s' and '%s' are %s", rows[i].one, rows[i].other,
                      same ? "the same" : "told apart");
        }
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (test_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown (test_stored, setup, teardown),
        cmocka_unit_test_setup_teardown (test_fingerprints, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
