/* SPDX-License-Identifier: MPL-2.0
 *
 * What a client does to a job that is there: reschedule, cancel, confirm, pause, resume,
 * trigger.
 */
#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define LIMIT BELFRY__V1__CODE__CODE_LIMIT
#define NOT_FOUND BELFRY__V1__CODE__CODE_NOT_FOUND
#define PAST_DUE BELFRY__V1__CODE__CODE_PAST_DUE
#define TOO_LATE BELFRY__V1__CODE__CODE_TOO_LATE

/* Job 256 of type mail with key k, due in 5 s on the wall clock. */
static void
make_job (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.at_us=1767225605000000");
}

/* Its slot is run 256.1. */
static void
fire_job (ledger *self)
{
    make_job (self);
    ledger_pass (self, 5 * BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
}

static void
test_reschedule (void **state)
{
    ledger *self = *state;
    make_job (self);
    Belfry__V1__Reply *reply =
        ledger_ok (self, "reschedule.job.key=k reschedule.at_us=1767225609000000");
    ledger_expect (self, reply,
                   "jobs.items=1 jobs.items.outcome=5 jobs.items.job.version=2 "
                   "jobs.items.job.due_us=1767225609000000 jobs.items.job.state=2 "
                   "jobs.items.job.spec.at_us=1767225609000000 jobs.items.out=0");
    assert_string_equal (ledger_kinds (self), "job.rescheduled");
    assert_string_equal (ledger_to_clock (self), "arm:0:256.0@1767225609000000");
    /* To the other clock, by id. */
    reply = ledger_ok (self, "reschedule.job.id=256 reschedule.after_us=1000000");
    ledger_expect (self, reply,
                   "jobs.items.job.version=3 jobs.items.job.due_us=1767225601000000 "
                   "jobs.items.job.spec.after_us=1000000 jobs.items.job.spec.at_us=-");
    assert_string_equal (ledger_to_clock (self), "disarm:0:256.0 arm:1:256.0@1001000000");
    /* The old due time is nothing any more. */
    bf_timer old = {BF_SOURCE_SLOT_WALL, 256, 0, INT64_C (1767225605000000), 1, 0, 0};
    ledger_pass (self, 5 * BF_SECOND_US);
    ledger_propose (self, &old, 1, NULL);
    assert_string_equal (ledger_kinds (self), "");
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_string_equal (ledger_kinds (self), "run.fired");
}

static void
test_reschedule_refused (void **state)
{
    ledger *self = *state;
    make_job (self);
    Belfry__V1__Reply *reply = ledger_refused (
        self, PAST_DUE,
        "reschedule.job.key=k reschedule.at_us=1767225599999999 reschedule.reject_past=1");
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
    ledger_refused (self, NOT_FOUND, "reschedule.job.key=other reschedule.after_us=1");
    ledger_refused (self, NOT_FOUND, "reschedule.job.id=512 reschedule.after_us=1");
    ledger_refused (self, NOT_FOUND,
                    "reschedule.job.key=k reschedule.job.ns=other reschedule.after_us=1");
    /* The past without reject_past: at once. */
    ledger_ok (self, "reschedule.job.key=k reschedule.at_us=1767225599000000");
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_int_equal (ledger_event (self, "run.fired")->lateness_us, BF_SECOND_US);
}

/* The payload survives what only moves the time. */
static void
test_reschedule_keeps_the_rest (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.tags=a "
                     "schedule.jobs.payload=hello schedule.jobs.after_us=5 "
                     "schedule.jobs.retry.max_attempts=2 schedule.jobs.delivery=2");
    ledger_ok (self, "reschedule.job.key=k reschedule.after_us=9");
    ledger_expect (self, ledger_ok (self, "get.job.key=k get.with_payload=1"),
                   "get.job.spec.payload=5 get.job.spec.tags=a "
                   "get.job.spec.retry.max_attempts=2 get.job.spec.after_us=9");
    ledger_pass (self, 9);
    ledger_fire (self, NULL);
    assert_int_equal (ledger_extra (self, "run.delivered")->payload.len, 5);
}

/* A committed slot is taken back: the ready run is cancelled, the new slot fires. */
static void
test_reschedule_active (void **state)
{
    ledger *self = *state;
    fire_job (self);
    Belfry__V1__Reply *reply =
        ledger_ok (self, "reschedule.job.key=k reschedule.after_us=5");
    ledger_expect (self, reply,
                   "jobs.items.job.state=2 jobs.items.job.open_runs=0 jobs.items.out=0");
    assert_string_equal (ledger_kinds (self), "job.rescheduled run.cancelled");
    ledger_pass (self, 5);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_lease (self, "mail"), "256.2.1");
    /* And again, while a worker has it: it is told, and its failure is the end of it. */
    ledger_ok (self, "reschedule.job.key=k reschedule.after_us=5");
    assert_string_equal (ledger_to_retry (self), "flagged:256.2.1");
    Belfry__V1__Reply *failed = ledger_ok (self, "fail.token=256.2.1");
    ledger_expect (self, failed, "runs.runs.state=8 runs.runs.failures=1");
    assert_string_equal (ledger_kinds (self), "run.failed run.cancelled");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.state=2");
}

/* A run that waits for its next attempt is withdrawn, too, with its timer. */
static void
test_reschedule_retry_wait (void **state)
{
    ledger *self = *state;
    fire_job (self);
    ledger_lease (self, "mail");
    ledger_ok (self, "fail.token=256.1.1");
    ledger_ok (self, "reschedule.job.key=k reschedule.after_us=5");
    assert_string_equal (ledger_to_clock (self), "disarm:2:256.1 arm:1:256.0@1005000005");
}

static void
test_cancel (void **state)
{
    ledger *self = *state;
    make_job (self);
    ledger_pass (self, 1000);
    Belfry__V1__Reply *reply = ledger_ok (self, "cancel.job.key=k cancel.reason=enough");
    ledger_expect (self, reply,
                   "jobs.items.outcome=5 jobs.items.job.state=6 jobs.items.out=0 "
                   "jobs.items.job.final_us=1767225600001000");
    assert_string_equal (ledger_kinds (self), "job.cancelled");
    assert_string_equal (ledger_event (self, "job.cancelled")->reason, "enough");
    assert_string_equal (ledger_to_clock (self), "disarm:0:256.0");
    /* After the reply the slot never fires, whatever was under way. */
    ledger_pass (self, 10 * BF_SECOND_US);
    bf_timer old = {BF_SOURCE_SLOT_WALL, 256, 0, INT64_C (1767225605000000), 1, 0, 0};
    ledger_propose (self, &old, 1, NULL);
    assert_string_equal (ledger_kinds (self), "");
    reply = ledger_ok (self, "cancel.job.key=k");
    ledger_expect (self, reply, "jobs.items.outcome=4 jobs.items.job.state=6");
    assert_string_equal (ledger_kinds (self), "");
    ledger_refused (self, NOT_FOUND, "cancel.job.key=other");
}

/* Runs that no worker has end with it, in each of their states; one that a worker has is
 * flagged, and shown, also to who cancels again. */
static void
test_cancel_runs (void **state)
{
    ledger *self = *state;
    fire_job (self);
    ledger_lease (self, "mail");
    ledger_ok (self, "trigger.job.key=k");
    ledger_lease (self, "mail");
    ledger_ok (self, "fail.token=256.2.1");
    ledger_ok (self, "trigger.job.key=k");
    Belfry__V1__Reply *reply = ledger_ok (self, "cancel.job.key=k");
    ledger_expect (self, reply,
                   "jobs.items.out=1 jobs.items.out.run=256.1 "
                   "jobs.items.out.cancel_requested=1 jobs.items.job.open_runs=1");
    assert_string_equal (ledger_kinds (self), "job.cancelled run.cancelled run.cancelled");
    assert_string_equal (ledger_to_clock (self), "disarm:2:256.2");
    assert_string_equal (ledger_to_retry (self), "flagged:256.1.1");
    ledger_expect (self, ledger_ok (self, "cancel.job.key=k"),
                   "jobs.items.outcome=4 jobs.items.out=1 jobs.items.out.run=256.1");
    ledger_expect (self, ledger_ok (self, "heartbeat.tokens=256.1.1"),
                   "heartbeat.items.code=1 heartbeat.items.cancel=1");
    ledger_expect (self, ledger_ok (self, "complete.token=256.1.1"),
                   "runs.runs.state=5 runs.runs.cancel_requested=0");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                   "get.job.state=6 get.job.open_runs=0 get.runs[0].state=8 "
                   "get.runs[1].state=8 get.runs[2].state=5");
}

/* A cancelled run's lease that expires, is snoozed or given back is over. */
static void
test_cancelled_never_again (void **state)
{
    ledger *self = *state;
    static const char *const kinds[] = {"run.failed run.cancelled", "run.cancelled",
                                        "run.cancelled"};
    for (int i = 0; i < 3; i++) {
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
        ledger_fire (self, NULL);
        const char *token = ledger_lease (self, "mail");
        int id = (i + 1) * 256;
        ledger_ok (self, ledger_text (self, "cancel.job.id=%d", id));
        if (i == 0) {
            ledger_overdue (self, token, false);
        } else if (i == 1) {
            ledger_ok (self, ledger_text (self, "snooze.token=%s snooze.for_us=1", token));
        } else {
            ledger_returned (self, token, NULL);
        }
        assert_string_equal (ledger_kinds (self), kinds[i]);
        ledger_expect (self, ledger_ok (self, ledger_text (self, "get.job.id=%d", id)),
                       "get.job.state=6 get.runs.state=8 get.job.open_runs=0");
    }
}

static void
test_confirm (void **state)
{
    ledger *self = *state;
    make_job (self);
    ledger_expect (self, ledger_ok (self, "confirm.job.key=k"),
                   "jobs.items.outcome=5 jobs.items.job.state=7 jobs.items.out=0");
    assert_string_equal (ledger_kinds (self), "job.confirmed");
    assert_string_equal (ledger_to_clock (self), "disarm:0:256.0");
    ledger_expect (self, ledger_ok (self, "confirm.job.key=k"),
                   "jobs.items.outcome=4 jobs.items.job.state=7");
    assert_string_equal (ledger_kinds (self), "");
    /* The key is free. */
    make_job (self);
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.id=512");
}

/* Due, but its slot is not committed: it still counts, and nothing fires. */
static void
test_confirm_wins (void **state)
{
    ledger *self = *state;
    make_job (self);
    ledger_pass (self, 9 * BF_SECOND_US);
    ledger_ok (self, "confirm.job.key=k");
    bf_timer old = {BF_SOURCE_SLOT_WALL, 256, 0, INT64_C (1767225605000000), 1, 0, 0};
    ledger_propose (self, &old, 1, NULL);
    assert_string_equal (ledger_kinds (self), "");
}

static void
test_confirm_too_late (void **state)
{
    ledger *self = *state;
    fire_job (self);
    Belfry__V1__Reply *reply = ledger_refused (self, TOO_LATE, "confirm.job.key=k");
    ledger_expect (self, reply,
                   "jobs.items=1 jobs.items.job.state=3 jobs.items.out=1 "
                   "jobs.items.out.run=256.1 jobs.items.out.state=2 jobs.items.outcome=4");
    assert_string_equal (ledger_kinds (self), "");
    /* While a worker has it, cancel_open does not help. */
    ledger_lease (self, "mail");
    reply = ledger_refused (self, TOO_LATE, "confirm.job.key=k confirm.cancel_open=1");
    ledger_expect (self, reply, "jobs.items.out.state=3 jobs.items.out.worker=c");
    ledger_ok (self, "complete.token=256.1.1");
    reply = ledger_refused (self, TOO_LATE, "confirm.job.key=k confirm.cancel_open=1");
    ledger_expect (self, reply, "jobs.items.job.state=4 jobs.items.out.state=5");
    ledger_refused (self, NOT_FOUND, "confirm.job.key=other");
}

/* Every open run is shown, however many have ended since. */
static void
test_too_late_shows_all_open (void **state)
{
    ledger *self = *state;
    fire_job (self);
    ledger_lease (self, "mail");
    for (int i = 2; i < 20; i++) {
        ledger_ok (self, "trigger.job.key=k");
        ledger_lease (self, "mail");
        ledger_ok (self, ledger_text (self, "complete.token=256.%d.1", i));
    }
    Belfry__V1__Reply *reply = ledger_refused (self, TOO_LATE, "confirm.job.key=k");
    ledger_expect (self, reply, "jobs.items.out[0].run=256.1 jobs.items.out[1].run=256.19");
}

static void
test_confirm_cancel_open (void **state)
{
    ledger *self = *state;
    fire_job (self);
    Belfry__V1__Reply *reply = ledger_ok (self, "confirm.job.key=k confirm.cancel_open=1");
    ledger_expect (self, reply,
                   "jobs.items.outcome=5 jobs.items.job.state=6 jobs.items.out=0 "
                   "jobs.items.job.open_runs=0");
    assert_string_equal (ledger_kinds (self), "job.cancelled run.cancelled");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.runs.state=8");
    /* Before the slot it is an ordinary confirm. */
    make_job (self);
    ledger_expect (self, ledger_ok (self, "confirm.job.key=k confirm.cancel_open=1"),
                   "jobs.items.job.state=7");
}

/* A confirmed job whose extra run is out: it is flagged like a cancelled one. */
static void
test_confirm_flags (void **state)
{
    ledger *self = *state;
    make_job (self);
    ledger_ok (self, "trigger.job.key=k");
    ledger_lease (self, "mail");
    ledger_expect (self, ledger_ok (self, "confirm.job.key=k"),
                   "jobs.items.job.state=7 jobs.items.out=1");
    assert_string_equal (ledger_to_retry (self), "flagged:256.1.1");
    ledger_expect (self, ledger_ok (self, "confirm.job.key=k"), "jobs.items.out=1");
}

static void
test_pause (void **state)
{
    ledger *self = *state;
    make_job (self);
    Belfry__V1__Reply *reply = ledger_ok (self, "pause.job.key=k");
    ledger_expect (self, reply,
                   "jobs.items.outcome=5 jobs.items.job.paused=1 jobs.items.job.state=2");
    assert_string_equal (ledger_kinds (self), "job.paused");
    assert_string_equal (ledger_to_clock (self), "disarm:0:256.0");
    ledger_expect (self, ledger_ok (self, "pause.job.key=k"), "jobs.items.outcome=4");
    assert_string_equal (ledger_kinds (self), "");
    /* Due while it is paused: it does not fire, not even for a proposal under way. */
    ledger_pass (self, 9 * BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 0);
    bf_timer old = {BF_SOURCE_SLOT_WALL, 256, 0, INT64_C (1767225605000000), 1, 0, 0};
    ledger_propose (self, &old, 1, NULL);
    assert_string_equal (ledger_kinds (self), "");
    /* Resumed, it fires at once and says how late it is. */
    reply = ledger_ok (self, "resume.job.key=k");
    ledger_expect (self, reply, "jobs.items.outcome=5 jobs.items.job.paused=0");
    assert_string_equal (ledger_kinds (self), "job.resumed");
    assert_string_equal (ledger_to_clock (self), "arm:0:256.0@1767225605000000");
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_int_equal (ledger_event (self, "run.fired")->lateness_us, 4 * BF_SECOND_US);
    ledger_expect (self, ledger_ok (self, "resume.job.key=k"), "jobs.items.outcome=4");
    ledger_refused (self, NOT_FOUND, "pause.job.key=other");
    ledger_refused (self, NOT_FOUND, "resume.job.key=other");
}

/* Resumed before it is due, or moved while it is paused. */
static void
test_resume_in_time (void **state)
{
    ledger *self = *state;
    make_job (self);
    ledger_ok (self, "pause.job.key=k");
    ledger_ok (self, "reschedule.job.key=k reschedule.after_us=7000000");
    assert_string_equal (ledger_to_clock (self), "");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.paused=1");
    ledger_ok (self, "resume.job.key=k");
    assert_string_equal (ledger_to_clock (self), "arm:1:256.0@1007000000");
}

/* Open runs go on. */
static void
test_pause_active (void **state)
{
    ledger *self = *state;
    fire_job (self);
    ledger_ok (self, "pause.job.key=k");
    assert_string_equal (ledger_lease (self, "mail"), "256.1.1");
    ledger_ok (self, "fail.token=256.1.1");
    ledger_pass (self, 2 * BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_string_equal (ledger_kinds (self), "run.retrying");
    ledger_lease (self, "mail");
    ledger_ok (self, "complete.token=256.1.2");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.state=4");
}

static void
test_trigger (void **state)
{
    ledger *self = *state;
    make_job (self);
    ledger_pass (self, 1000);
    Belfry__V1__Reply *reply = ledger_ok (self, "trigger.job.key=k");
    ledger_expect (self, reply,
                   "runs.runs=1 runs.runs.run=256.1 runs.runs.origin=3 runs.runs.state=2 "
                   "runs.runs.due_us=1767225600001000 runs.runs.lateness_us=0 "
                   "runs.runs.type=mail runs.runs.ns=default runs.unchanged=0");
    assert_string_equal (ledger_kinds (self), "job.triggered run.fired");
    /* The slot stays. */
    assert_string_equal (ledger_to_clock (self), "");
    assert_string_equal (ledger_to_dispatcher (self), "ready:1:256.1");
    ledger_lease (self, "mail");
    ledger_ok (self, "complete.token=256.1.1");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                   "get.job.state=2 get.job.runs=1 get.job.open_runs=0");
    ledger_pass (self, 5 * BF_SECOND_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_lease (self, "mail"), "256.2.1");
    ledger_refused (self, NOT_FOUND, "trigger.job.key=other");
}

/* An extra run never decides how its job ends; the job waits for it all the same. */
static void
test_extras_never_decide (void **state)
{
    ledger *self = *state;
    static const struct {
        const char *slot;
        const char *extra;
        const char *job;
    } rows[] = {
        {"complete.token", "complete.token", "get.job.state=4 get.job.reason=0"},
        {"complete.token", "fail.non_retryable=1 fail.token", "get.job.state=4"},
        {"fail.non_retryable=1 fail.token", "complete.token",
         "get.job.state=5 get.job.reason=1"},
        {"fail.non_retryable=1 fail.token", "fail.non_retryable=1 fail.token",
         "get.job.state=5 get.job.reason=1"},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        size_t row = i / 2;
        bool slot_first = i % 2;
        int id = (int)(i + 1) * 256;
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
        ledger_fire (self, NULL);
        ledger_lease (self, "mail");
        ledger_ok (self, ledger_text (self, "trigger.job.id=%d", id));
        ledger_lease (self, "mail");
        const char *slot = ledger_text (self, "%s=%d.1.1", rows[row].slot, id);
        const char *extra = ledger_text (self, "%s=%d.2.1", rows[row].extra, id);
        ledger_ok (self, slot_first ? slot : extra);
        const char *get = ledger_text (self, "get.job.id=%d", id);
        ledger_expect (self, ledger_ok (self, get), "get.job.state=3 get.job.open_runs=1");
        ledger_ok (self, slot_first ? extra : slot);
        ledger_expect (self, ledger_ok (self, get), rows[row].job);
    }
}

/* There is an end to what one job may have open. */
static void
test_trigger_limit (void **state)
{
    ledger *self = *state;
    make_job (self);
    self->unchecked = true;
    for (int i = 0; i < BF_OPEN_RUNS; i++) {
        ledger_ok (self, "trigger.job.key=k");
    }
    self->unchecked = false;
    Belfry__V1__Reply *reply = ledger_refused (self, LIMIT, "trigger.job.key=k");
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
    /* Leased with the longest reasons, all of them: the answer still fits into a frame. */
    self->unchecked = true;
    for (int i = 0; i < BF_OPEN_RUNS; i += 100) {
        Belfry__V1__Reply *claimed = ledger_grant (
            self, ledger_claim (self, "claim.types=mail claim.max=100 claim.worker=*64"));
        for (size_t k = 0; k < claimed->claim->n_leases; k++) {
            ledger_ok (self, ledger_text (self,
                                          "snooze.token=%s snooze.for_us=0 "
                                          "snooze.reason=*1024",
                                          claimed->claim->leases[k]->token));
        }
    }
    ledger_fire (self, NULL);
    for (int i = 0; i < BF_OPEN_RUNS; i += 100) {
        ledger_grant (self,
                      ledger_claim (self, "claim.types=mail claim.max=100 claim.worker=x"));
    }
    self->unchecked = false;
    reply = ledger_ok (self, "cancel.job.key=k");
    assert_in_range (reply->jobs->items[0]->n_out, 300, BF_OPEN_RUNS - 1);
    assert_int_equal (reply->jobs->items[0]->job->open_runs, BF_OPEN_RUNS);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_reschedule),
        TEST (test_reschedule_refused),
        TEST (test_reschedule_keeps_the_rest),
        TEST (test_reschedule_active),
        TEST (test_reschedule_retry_wait),
        TEST (test_cancel),
        TEST (test_cancel_runs),
        TEST (test_cancelled_never_again),
        TEST (test_confirm),
        TEST (test_confirm_wins),
        TEST (test_confirm_too_late),
        TEST (test_too_late_shows_all_open),
        TEST (test_confirm_cancel_open),
        TEST (test_confirm_flags),
        TEST (test_pause),
        TEST (test_resume_in_time),
        TEST (test_pause_active),
        TEST (test_trigger),
        TEST (test_extras_never_decide),
        TEST (test_trigger_limit),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
