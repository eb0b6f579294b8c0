/* SPDX-License-Identifier: MPL-2.0
 *
 * Nothing is lost between the wire's structs and core's. That the numbers agree is proved
 * when translate.c is compiled.
 */
#include "messages/translate.h"

#include <stdio.h>
#include <string.h>

#include "messages/codec.h"
#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/request.h"

static void
test_spec (void **state)
{
    (void)state;
    bf_arena *arena = bf_arena_new (BF_DECODE_BYTES);
    Belfry__V1__Request *request = request_make (
        arena, "schedule.jobs[0].type=a schedule.jobs[0].at_us=11 "
               "schedule.jobs[0].delivery=2 schedule.jobs[0].lease_us=100001 "
               "schedule.jobs[0].run_timeout_us=100002 "
               "schedule.jobs[0].start_timeout_us=1003 "
               "schedule.jobs[0].retry.max_attempts=3 schedule.jobs[0].retry.backoff=2 "
               "schedule.jobs[0].retry.delay_us=1004 "
               "schedule.jobs[0].retry.jitter_percent=0 "
               "schedule.jobs[1].type=b schedule.jobs[1].after_us=12");
    assert_int_equal (bf_request_normalise (request, arena, NULL), BF_OK);

    bf_spec spec = bf_spec_from_wire (request->schedule->jobs[0]);
    assert_int_equal (spec.trigger.kind, BF_TRIGGER_AT);
    assert_int_equal (spec.trigger.us, 11);
    assert_int_equal (spec.delivery, BF_DELIVERY_NOTIFY);
    assert_int_equal (spec.lease.us, 100001);
    assert_int_equal (spec.run_timeout.us, 100002);
    assert_int_equal (spec.start_timeout.us, 1003);
    assert_int_equal (spec.retry.max_attempts, 3);
    assert_int_equal (spec.retry.backoff, BF_BACKOFF_FIXED);
    assert_int_equal (spec.retry.delay.us, 1004);
    assert_int_equal (spec.retry.factor_permille, 1000);
    assert_int_equal (spec.retry.max_delay.us, 1004);
    assert_int_equal (spec.retry.jitter_percent, 0);

    spec = bf_spec_from_wire (request->schedule->jobs[1]);
    assert_int_equal (spec.trigger.kind, BF_TRIGGER_AFTER);
    assert_int_equal (spec.trigger.us, 12);
    assert_int_equal (spec.delivery, BF_DELIVERY_WORK);
    assert_int_equal (spec.lease.us, BF_DEFAULT_LEASE_US);
    assert_int_equal (spec.run_timeout.us, 0);
    assert_int_equal (spec.start_timeout.us, 0);
    assert_int_equal (spec.retry.max_attempts, BF_DEFAULT_MAX_ATTEMPTS);
    assert_int_equal (spec.retry.backoff, BF_BACKOFF_EXPONENTIAL);
    assert_int_equal (spec.retry.delay.us, BF_DEFAULT_RETRY_DELAY_US);
    assert_int_equal (spec.retry.factor_permille, BF_DEFAULT_RETRY_FACTOR_PERMILLE);
    assert_int_equal (spec.retry.max_delay.us, BF_DEFAULT_RETRY_MAX_DELAY_US);
    assert_int_equal (spec.retry.jitter_percent, BF_DEFAULT_RETRY_JITTER_PERCENT);
    assert_int_equal (spec.retry.n_delays, 0);
    assert_int_equal (spec.retry.max_age.us, 0);
    assert_int_equal (spec.trigger.jitter.us, 0);
    assert_int_equal (spec.late.late, BF_LATE_FIRE_ONCE);
    assert_int_equal (spec.late.grace.us, BF_DEFAULT_GRACE_US);
    assert_int_equal (spec.late.catchup_max, 1);
    assert_int_equal (spec.overlap, BF_OVERLAP_ALLOW_ALL);
    bf_arena_destroy (&arena);
}

static void
test_recurring_spec (void **state)
{
    (void)state;
    bf_arena *arena = bf_arena_new (BF_DECODE_BYTES);
    Belfry__V1__Request *request = request_make (
        arena, "schedule.jobs[0].type=a schedule.jobs[0].every.interval_us=10001 "
               "schedule.jobs[0].every.anchor_us=12 schedule.jobs[0].start_us=13 "
               "schedule.jobs[0].end_us=14 schedule.jobs[0].max_runs=15 "
               "schedule.jobs[0].jitter_us=16 schedule.jobs[0].late=2 "
               "schedule.jobs[0].grace_us=1017 schedule.jobs[0].catchup_max=18 "
               "schedule.jobs[0].overlap=4 schedule.jobs[0].retry.backoff=4 "
               "schedule.jobs[0].retry.delays_us=2019 "
               "schedule.jobs[0].retry.delays_us=1020 "
               "schedule.jobs[0].retry.max_age_us=1021 "
               "schedule.jobs[1].type=b schedule.jobs[1].every.interval_us=10002");
    assert_int_equal (bf_request_normalise (request, arena, NULL), BF_OK);

    bf_spec spec = bf_spec_from_wire (request->schedule->jobs[0]);
    assert_int_equal (spec.trigger.kind, BF_TRIGGER_EVERY);
    assert_int_equal (spec.trigger.us, 10001);
    assert_true (spec.trigger.anchored);
    assert_int_equal (spec.trigger.anchor_us, 12);
    assert_int_equal (spec.trigger.start_us, 13);
    assert_int_equal (spec.trigger.end_us, 14);
    assert_int_equal (spec.trigger.max_runs, 15);
    assert_int_equal (spec.trigger.jitter.us, 16);
    assert_int_equal (spec.late.late, BF_LATE_FIRE_ALL);
    assert_int_equal (spec.late.grace.us, 1017);
    assert_int_equal (spec.late.catchup_max, 18);
    assert_int_equal (spec.overlap, BF_OVERLAP_CANCEL_OTHER);
    assert_int_equal (spec.retry.backoff, BF_BACKOFF_LIST);
    assert_int_equal (spec.retry.n_delays, 2);
    assert_int_equal (spec.retry.delays_us[0], 2019);
    assert_int_equal (spec.retry.delays_us[1], 1020);
    assert_int_equal (spec.retry.delay.us, 2019);
    assert_int_equal (spec.retry.max_age.us, 1021);

    /* 1970 is an anchor; none is another thing. */
    spec = bf_spec_from_wire (request->schedule->jobs[1]);
    assert_int_equal (spec.trigger.us, 10002);
    assert_false (spec.trigger.anchored);
    assert_int_equal (spec.overlap, BF_OVERLAP_SKIP);
    request->schedule->jobs[1]->every->anchor_case = BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
    spec = bf_spec_from_wire (request->schedule->jobs[1]);
    assert_true (spec.trigger.anchored);
    assert_int_equal (spec.trigger.anchor_us, 0);
    bf_arena_destroy (&arena);
}

#define J "schedule.jobs[0]."

/* Each kind of calendar: its text, zone, switches and exclusions. */
static void
test_calendar_spec (void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bf_trigger_kind kind;
        const char *text;
        bf_switches switches;
    } rows[] = {
        {J "cron=0^9^*^*^*",
         BF_TRIGGER_CRON,
         "0 9 * * *",
         {BF_SKIPPED_AFTER_GAP, BF_REPEATED_FIRST}},
        {J "cron=@hourly", BF_TRIGGER_CRON, "@hourly", {BF_SKIPPED_SKIP, BF_REPEATED_BOTH}},
        {J "daily=2130 " J "repeated=2",
         BF_TRIGGER_DAILY,
         "2130",
         {BF_SKIPPED_AFTER_GAP, BF_REPEATED_SECOND}},
        {J "rrule=FREQ=DAILY",
         BF_TRIGGER_RRULE,
         "FREQ=DAILY",
         {BF_SKIPPED_SHIFT, BF_REPEATED_FIRST}},
    };
    bf_arena *arena = bf_arena_new (BF_DECODE_BYTES);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf (text, sizeof text,
                  J "type=a " J "tz=Europe/Berlin " J "exclude=one " J "exclude=two " J
                    "start_us=13 " J "max_runs=15 %s",
                  rows[i].request);
        Belfry__V1__Request *request = request_make (arena, text);
        assert_int_equal (bf_request_normalise (request, arena, NULL), BF_OK);
        assert_true (bf_spec_is_whole (request->schedule->jobs[0]));
        bf_spec spec = bf_spec_from_wire (request->schedule->jobs[0]);
        assert_int_equal (spec.trigger.kind, rows[i].kind);
        assert_string_equal (spec.trigger.text, rows[i].text);
        assert_string_equal (spec.trigger.tz, "Europe/Berlin");
        assert_int_equal (spec.trigger.switches.skipped, rows[i].switches.skipped);
        assert_int_equal (spec.trigger.switches.repeated, rows[i].switches.repeated);
        assert_int_equal (spec.trigger.n_exclude, 2);
        assert_string_equal (spec.trigger.exclude[1], "two");
        assert_int_equal (spec.trigger.start_us, 13);
        assert_int_equal (spec.trigger.max_runs, 15);
        assert_int_equal (spec.overlap, BF_OVERLAP_SKIP);
    }
    bf_arena_destroy (&arena);
}

/* What was stored by nobody: each of these is damage. */
static void
test_damaged_spec (void **state)
{
    (void)state;
    static const char *const good = J "type=a " J "cron=0^9^*^*^* " J "exclude=one";
    static const char *const damage[] = {
        J "tz=",         J "tz=../x",     J "skipped=0",  J "skipped=4", J "repeated=0",
        J "repeated=4",  J "cron=",       J "cron=*257",  J "cron=a\tb", J "daily=*257",
        J "rrule=*4097", J "exclude=a/b", J "exclude=#9",
    };
    bf_arena *arena = bf_arena_new (BF_DECODE_BYTES);
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        Belfry__V1__Request *request = request_make (arena, good);
        assert_int_equal (bf_request_normalise (request, arena, NULL), BF_OK);
        assert_true (bf_spec_is_whole (request->schedule->jobs[0]));
        request_fill (&request->base, arena, damage[i]);
        if (bf_spec_is_whole (request->schedule->jobs[0])) {
            fail_msg ("'%s' is taken for whole", damage[i]);
        }
    }
    bf_arena_destroy (&arena);
}

static void
test_there_and_back (void **state)
{
    (void)state;
    bf_timer timer = {BF_SOURCE_RUN, UINT64_MAX, 7, INT64_MIN, 9, -10, INT64_MAX};
    Belfry__Internal__Timer wire_timer;
    bf_timer_to_wire (timer, &wire_timer);
    bf_timer same_timer = bf_timer_from_wire (&wire_timer);
    assert_int_equal (same_timer.source, BF_SOURCE_RUN);
    assert_true (same_timer.job == UINT64_MAX);
    assert_int_equal (same_timer.ordinal, 7);
    assert_true (same_timer.due_us == INT64_MIN);
    assert_int_equal (same_timer.queue, 9);
    assert_int_equal (same_timer.slot_us, -10);
    assert_true (same_timer.reached_us == INT64_MAX);

    bf_ready ready = {1, -2, 3, 4};
    Belfry__Internal__ReadyRun wire_ready;
    bf_ready_to_wire (ready, &wire_ready);
    bf_ready same_ready = bf_ready_from_wire (&wire_ready);
    assert_int_equal (same_ready.queue, 1);
    assert_int_equal (same_ready.ready_us, -2);
    assert_int_equal (same_ready.job, 3);
    assert_int_equal (same_ready.ordinal, 4);

    bf_token token = {5, 6, 7};
    Belfry__Internal__Attempt wire_attempt;
    bf_attempt_to_wire (token, &wire_attempt);
    bf_token same_token = bf_attempt_from_wire (&wire_attempt);
    assert_int_equal (same_token.job, 5);
    assert_int_equal (same_token.ordinal, 6);
    assert_int_equal (same_token.attempt, 7);
}

/* The structs are initialised, so that they can be packed as they are. */
static void
test_packable (void **state)
{
    (void)state;
    Belfry__Internal__Timer timer;
    memset (&timer, 0xff, sizeof timer);
    bf_timer_to_wire ((bf_timer){0}, &timer);
    assert_int_equal (belfry__internal__timer__get_packed_size (&timer), 0);
    Belfry__Internal__ReadyRun ready;
    memset (&ready, 0xff, sizeof ready);
    bf_ready_to_wire ((bf_ready){0}, &ready);
    assert_int_equal (belfry__internal__ready_run__get_packed_size (&ready), 0);
    Belfry__Internal__Attempt attempt;
    memset (&attempt, 0xff, sizeof attempt);
    bf_attempt_to_wire ((bf_token){0}, &attempt);
    assert_int_equal (belfry__internal__attempt__get_packed_size (&attempt), 0);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_spec),           cmocka_unit_test (test_recurring_spec),
        cmocka_unit_test (test_calendar_spec),  cmocka_unit_test (test_damaged_spec),
        cmocka_unit_test (test_there_and_back), cmocka_unit_test (test_packable),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
