/* SPDX-License-Identifier: MPL-2.0
 *
 * Reminders in the rows: what fires, what is skipped, and what a confirmation, a cancel, a
 * new time, a pause and the slot itself make of them. The fixture checks rows, log and
 * clock behind every commit.
 */
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define S BF_SECOND_US

/* Job 256, due in 100 s, with reminders 60, 30 and 10 s before. */
#define DEADLINE                                                \
    "schedule.jobs.type=turn schedule.jobs.after_us=100000000 " \
    "schedule.jobs.remind_before_us[0]=10000000 "               \
    "schedule.jobs.remind_before_us[1]=60000000 "               \
    "schedule.jobs.remind_before_us[2]=30000000"

static void
expect_fired (ledger *self, const char *kinds)
{
    assert_true (ledger_fire (self, NULL) > 0);
    assert_string_equal (ledger_kinds (self), kinds);
}

static void
test_ladder (void **state)
{
    ledger *self = *state;
    Belfry__V1__Reply *reply = ledger_ok (self, DEADLINE);
    ledger_expect (self, reply,
                   "jobs.items[0].job.remind_us=1767225640000000 "
                   "jobs.items[0].job.spec.reminder_type=turn.reminder "
                   "jobs.items[0].job.spec.remind_before_us=60000000,30000000,10000000");
    assert_non_null (strstr (ledger_to_clock (self), "arm:4:256.0@1040000000"));
    ledger_pass (self, 40 * S - 1);
    assert_int_equal (ledger_fire (self, NULL), 0);
    ledger_pass (self, 1);
    expect_fired (self, "reminder.fired");
    Belfry__V1__Event *event = ledger_event (self, "reminder.fired");
    request_expect (&event->base, self->arena,
                    "run=256.1 type=turn.reminder lateness_us=0 clock=1 "
                    "run_after.origin=2 run_after.remind_before_us=60000000 "
                    "job_after.runs=1 job_after.open_runs=1 job_after.counts.fired=0 "
                    "job_after.counts.open=0");
    (void)ledger_lease (self, "turn.reminder");
    ledger_pass (self, 30 * S);
    expect_fired (self, "reminder.fired");
    ledger_reopen (self, true);
    ledger_pass (self, 20 * S);
    expect_fired (self, "reminder.fired");
    /* The slot: one is out, and asked to stop; the others expire before its run is there.
     */
    ledger_pass (self, 10 * S);
    expect_fired (self, "run.expired run.expired run.fired");
    assert_non_null (strstr (ledger_to_retry (self), "flagged:256.1.1"));
    ledger_ok (self, "complete.token=256.1.1");
    const char *token = ledger_lease (self, "turn");
    assert_string_equal (token, "256.4.1");
    ledger_ok (self, "complete.token=256.4.1");
    assert_string_equal (ledger_kinds (self), "run.succeeded job.completed");
}

/* What ends a job, or gives it another time, takes its reminders with it. */
static void
test_withdrawn (void **state)
{
    ledger *self = *state;
    static const struct {
        const char *command;
        const char *rest;
        const char *kinds;
        bool again; /* reminders come, of the new time */
    } rows[] = {
        {"confirm", "", "job.confirmed run.cancelled", false},
        {"cancel", "", "job.cancelled run.cancelled", false},
        {"reschedule", "reschedule.after_us=200000000", "job.rescheduled run.cancelled",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int job = 256 * ((int)i + 1);
        ledger_ok (self, DEADLINE);
        ledger_pass (self, 40 * S);
        expect_fired (self, "reminder.fired");
        ledger_ok (self, ledger_text (self, "%s.job.id=%d %s", rows[i].command, job,
                                      rows[i].rest));
        assert_string_equal (ledger_kinds (self), rows[i].kinds);
        ledger_pass (self, 59 * S);
        assert_int_equal (ledger_fire (self, NULL), 0);
        if (rows[i].again) {
            ledger_pass (self, 81 * S);
            expect_fired (self, "reminder.fired");
        }
    }
}

static void
test_past (void **state)
{
    ledger *self = *state;
    /* Two of three are past as it is made. */
    ledger_ok (self, "schedule.jobs.type=turn schedule.jobs.after_us=20000000 "
                     "schedule.jobs.remind_before_us[0]=60000000 "
                     "schedule.jobs.remind_before_us[1]=30000000 "
                     "schedule.jobs.remind_before_us[2]=10000000");
    assert_string_equal (ledger_kinds (self), "job.scheduled reminder.skipped");
    Belfry__V1__Event *event = ledger_event (self, "reminder.skipped");
    request_expect (&event->base, self->arena, "slots.count=2 job=256 type=turn");
    /* Paused over the third. */
    ledger_ok (self, "pause.job.id=256");
    ledger_pass (self, 15 * S);
    assert_int_equal (ledger_fire (self, NULL), 0);
    ledger_ok (self, "resume.job.id=256");
    assert_string_equal (ledger_kinds (self), "job.resumed reminder.skipped");
    event = ledger_event (self, "reminder.skipped");
    request_expect (&event->base, self->arena, "slots.count=1");
    ledger_pass (self, 5 * S);
    expect_fired (self, "run.fired");
}

/* Nobody was there: the newest fires while the slot is ahead; behind it none. */
static void
test_late (void **state)
{
    ledger *self = *state;
    ledger_ok (self, DEADLINE);
    ledger_away (self, 95 * S);
    expect_fired (self, "reminder.skipped reminder.fired");
    Belfry__V1__Event *event = ledger_event (self, "reminder.fired");
    request_expect (&event->base, self->arena,
                    "lateness_us=5000000 run_after.late=1 "
                    "run_after.remind_before_us=10000000");
    event = ledger_event (self, "reminder.skipped");
    request_expect (&event->base, self->arena, "slots.count=2");
    ledger_ok (self, DEADLINE);
    ledger_away (self, 200 * S);
    ledger_catch_up (self);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM run WHERE job = 512"), 1);
    assert_int_equal (
        ledger_number (self, "SELECT count (*) FROM event WHERE CAST (body AS TEXT) "
                             "LIKE '%reminder.skipped%'"),
        2);
}

/* A failure is tried again, but not when the slot is due. */
static void
test_retry (void **state)
{
    ledger *self = *state;
    ledger_ok (self, DEADLINE " schedule.jobs.retry.backoff=2 "
                              "schedule.jobs.retry.jitter_percent=0 "
                              "schedule.jobs.retry.delay_us=35000000");
    ledger_pass (self, 40 * S);
    expect_fired (self, "reminder.fired");
    const char *token = ledger_lease (self, "turn.reminder");
    ledger_ok (self, ledger_text (self, "fail.token=%s", token));
    assert_string_equal (ledger_kinds (self), "run.failed");
    ledger_pass (self, 35 * S);
    expect_fired (self, "run.retrying reminder.fired");
    token = ledger_lease (self, "turn.reminder");
    ledger_ok (self, ledger_text (self, "fail.token=%s", token));
    assert_string_equal (ledger_kinds (self), "run.failed run.dead");
}

/* Before every slot of a series; the wall clock that is set back is waited for. */
static void
test_series (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=poll schedule.jobs.every.interval_us=60000000 "
                     "schedule.jobs.delivery=2 schedule.jobs.max_runs=2 "
                     "schedule.jobs.remind_before_us[0]=20000000");
    ledger_pass (self, 40 * S);
    expect_fired (self, "reminder.fired run.delivered");
    ledger_pass (self, 20 * S);
    expect_fired (self, "run.fired run.delivered");
    ledger_set_wall (self, -10 * S);
    ledger_pass (self, 49 * S);
    assert_int_equal (ledger_fire (self, NULL), 0);
    ledger_pass (self, 1 * S);
    expect_fired (self, "reminder.fired run.delivered");
    ledger_pass (self, 20 * S);
    expect_fired (self, "run.fired run.delivered job.completed");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_ladder), TEST (test_withdrawn), TEST (test_past),
        TEST (test_late),   TEST (test_retry),     TEST (test_series),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
