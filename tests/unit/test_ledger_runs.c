/* SPDX-License-Identifier: MPL-2.0
 *
 * What a worker says of a run, and what time does to it: complete, fail, snooze, heartbeat,
 * redrive, start_timeout; and the runs that no worker ever sees.
 */
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define KEY_TAKEN BELFRY__V1__CODE__CODE_KEY_TAKEN
#define NOT_FOUND BELFRY__V1__CODE__CODE_NOT_FOUND
#define STALE BELFRY__V1__CODE__CODE_STALE_TOKEN
#define WRONG_STATE BELFRY__V1__CODE__CODE_WRONG_STATE

/* A job of type mail with these fields besides, fired and leased: its token. */
static const char *
lease_job (ledger *self, const char *fields)
{
    ledger_ok (self, ledger_text (self,
                                  "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                                  "schedule.jobs.retry.jitter_percent=0 %s",
                                  fields));
    ledger_fire (self, NULL);
    return ledger_lease (self, "mail");
}

static void
test_complete (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    ledger_pass (self, 7000);
    Belfry__V1__Reply *reply =
        ledger_ok (self, "complete.token=256.1.1 complete.result=well");
    ledger_expect (self, reply,
                   "runs.runs=1 runs.runs.state=5 runs.runs.attempt=1 runs.runs.worker=c "
                   "runs.runs.result=0 runs.runs.result_bytes=4 runs.unchanged=0 "
                   "runs.runs.final_us=1767225600007000 runs.runs.lease_until_us=0");
    assert_string_equal (ledger_kinds (self), "run.succeeded job.completed");
    assert_string_equal (ledger_to_retry (self), "closed:256.1.1");
    ledger_expect (self, ledger_ok (self, "get.job.id=256 get.with_payload=1"),
                   "get.job.state=4 get.runs.result=4 get.job.final_us=1767225600007000");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"), "get.runs.result=0");
    /* The same token again: done already, and the first result stays. */
    reply = ledger_ok (self, "complete.token=256.1.1 complete.result=otherwise");
    ledger_expect (self, reply, "runs.unchanged=1 runs.runs.result_bytes=4");
    assert_string_equal (ledger_kinds (self), "");
}

/* The longest result; and none. */
static void
test_results (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    ledger_ok (self, "complete.token=256.1.1 complete.result=*65536");
    ledger_expect (self, ledger_ok (self, "get.job.id=256 get.with_payload=1"),
                   "get.runs.result=65536");
    lease_job (self, "");
    ledger_ok (self, "complete.token=512.1.1");
    ledger_expect (self, ledger_ok (self, "get.job.id=512 get.with_payload=1"),
                   "get.runs.result=0 get.runs.result_bytes=0 get.runs.result_hash=0");
}

/* Every way in which a token can be wrong, for each call that takes one. */
static void
test_wrong_tokens (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    ledger_ok (self, "fail.token=256.1.1 fail.reason=broken");
    ledger_pass (self, BF_SECOND_US);
    ledger_fire (self, NULL);
    ledger_lease (self, "mail"); /* 256.1.2 holds now */
    lease_job (self, "");
    ledger_ok (self, "fail.token=512.1.1 fail.reason=broken");
    static const struct {
        const char *token;
        Belfry__V1__Code code;
        const char *words;
    } rows[] = {
        {"768.1.1", NOT_FOUND, "no job 768"},
        {"256.2.1", NOT_FOUND, "no run 256.2"},
        {"256.1.1", STALE, "attempt 2 of run 256.1 is now with c"},
        {"256.1.3", STALE, "never leased"},
        {"512.1.1", STALE, "run 512.1 is retry_wait, broken"},
        {"512.1.2", STALE, "never leased: run 512.1 is retry_wait after 1"},
    };
    static const char *const calls[] = {"complete.token", "fail.token",
                                        "snooze.for_us=1 snooze.token"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < sizeof calls / sizeof calls[0]; k++) {
            Belfry__V1__Reply *reply = ledger_refused (
                self, rows[i].code, ledger_text (self, "%s=%s", calls[k], rows[i].token));
            assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
            assert_string_equal (ledger_kinds (self), "");
            if (!strstr (reply->text, rows[i].words)) {
                fail_msg ("%s", reply->text);
            }
        }
        Belfry__V1__Reply *reply =
            ledger_ok (self, ledger_text (self, "heartbeat.tokens=%s", rows[i].token));
        assert_int_equal (reply->heartbeat->items[0]->code, rows[i].code);
        assert_non_null (strstr (reply->heartbeat->items[0]->text, rows[i].words));
    }
}

/* What a worker said may be long and of several lines: the sentence about it is one, and
 * UTF-8. */
static void
test_reason_in_text (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    const char *reason = ledger_text (self, "\xe2\x82\xac\n%s", "");
    for (int i = 0; i < 8; i++) {
        reason = ledger_text (self, "%s%s", reason, reason);
    }
    ledger_ok (self, ledger_text (self, "fail.token=256.1.1 fail.reason=%s", reason));
    Belfry__V1__Reply *reply = ledger_refused (self, STALE, "fail.token=256.1.1");
    assert_null (strchr (reply->text, '\n'));
    assert_int_equal (strncmp (reply->text, "256.1.1 is out of date: run 256.1 is", 36), 0);
    size_t size = strlen (reply->text);
    assert_in_range (size, BF_ERROR_TEXT_BYTES - 4, BF_ERROR_TEXT_BYTES - 1);
    assert_true (reply->text[size - 1] == ' ' || reply->text[size - 1] == '\xac');
    /* Another call under the same id gets it as it was. */
    ledger_refused (self, STALE, "request_id=x fail.token=256.1.1");
    Belfry__V1__Reply *again =
        ledger_refused (self, STALE, "request_id=x fail.token=256.1.1");
    assert_string_equal (again->text, reply->text);
}

static void
test_fail (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    Belfry__V1__Reply *reply = ledger_ok (self, "fail.token=256.1.1 fail.reason=broken");
    ledger_expect (self, reply,
                   "runs.runs.state=4 runs.runs.failures=1 runs.runs.attempt=1 "
                   "runs.runs.reason=broken runs.runs.timer_us=1767225601000000");
    assert_string_equal (ledger_kinds (self), "run.failed");
    assert_string_equal (ledger_to_clock (self), "arm:2:256.1@1001000000");
    assert_string_equal (ledger_to_retry (self), "closed:256.1.1");
    ledger_pass (self, BF_SECOND_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.retrying");
    assert_string_equal (ledger_to_dispatcher (self), "ready:1:256.1");
    assert_string_equal (ledger_lease (self, "mail"), "256.1.2");
    ledger_ok (self, "complete.token=256.1.2");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs=1 get.runs.state=5 get.runs.failures=1 get.runs.attempt=2 "
                   "get.runs.reason=");
}

/* Without a reason there still is one to read. */
static void
test_fail_without_reason (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    ledger_expect (self, ledger_ok (self, "fail.token=256.1.1 fail.non_retryable=1"),
                   "runs.runs.state=6 runs.runs.reason=failed runs.runs.timer_us=0");
    assert_string_equal (ledger_kinds (self), "run.failed run.dead job.dead");
    assert_string_equal (ledger_event (self, "job.dead")->reason, "run_dead");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.state=5 get.job.reason=1 get.job.open_runs=0");
}

/* The waits between the attempts, and the end. */
static void
test_waits (void **state)
{
    ledger *self = *state;
    static const struct {
        const char *policy;
        int64_t waits_us[4];
        int failures; /* until it is dead */
    } rows[] = {
        {"schedule.jobs.retry.max_attempts=5", {1000000, 2000000, 4000000, 8000000}, 5},
        {"schedule.jobs.retry.max_attempts=4 schedule.jobs.retry.delay_us=5000 "
         "schedule.jobs.retry.factor_permille=3000 schedule.jobs.retry.max_delay_us=20000",
         {5000, 15000, 20000},
         4},
        {"schedule.jobs.retry.max_attempts=3 schedule.jobs.retry.delay_us=7000 "
         "schedule.jobs.retry.backoff=2",
         {7000, 7000},
         3},
        {"schedule.jobs.retry.max_attempts=1", {0}, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lease_job (self, rows[i].policy);
        int id = (int)(i + 1) * 256;
        for (int k = 1; k <= rows[i].failures; k++) {
            Belfry__V1__Reply *reply =
                ledger_ok (self, ledger_text (self, "fail.token=%d.1.%d", id, k));
            const Belfry__V1__Run *run = reply->runs->runs[0];
            assert_int_equal (run->failures, k);
            if (k == rows[i].failures) {
                assert_int_equal (run->state, BELFRY__V1__RUN_STATE__RUN_STATE_DEAD);
                break;
            }
            assert_int_equal (run->timer_us, self->now.wall.us + rows[i].waits_us[k - 1]);
            ledger_pass (self, rows[i].waits_us[k - 1] - 1);
            assert_int_equal (ledger_fire (self, NULL), 0);
            ledger_pass (self, 1);
            assert_int_equal (ledger_fire (self, NULL), 1);
            ledger_lease (self, "mail");
        }
    }
}

/* The jitter stays in its range, differs between runs, and is no accident. */
static void
test_jitter (void **state)
{
    ledger *self = *state;
    int64_t first_us = 0;
    bool differs = false;
    for (int i = 1; i <= 20; i++) {
        lease_job (self, "schedule.jobs.retry.jitter_percent=25");
        Belfry__V1__Reply *reply =
            ledger_ok (self, ledger_text (self, "fail.token=%d.1.1", i * 256));
        int64_t wait_us = reply->runs->runs[0]->timer_us - self->now.wall.us;
        assert_in_range (wait_us, 750000, 1250000);
        first_us = i == 1 ? wait_us : first_us;
        differs |= wait_us != first_us;
    }
    assert_true (differs);
}

static void
test_snooze (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    Belfry__V1__Reply *reply =
        ledger_ok (self, "snooze.token=256.1.1 snooze.for_us=90 snooze.reason=busy");
    ledger_expect (self, reply,
                   "runs.runs.state=4 runs.runs.failures=0 runs.runs.reason=busy "
                   "runs.runs.timer_us=1767225600000090");
    assert_string_equal (ledger_kinds (self), "run.snoozed");
    assert_string_equal (ledger_to_retry (self), "closed:256.1.1");
    ledger_pass (self, 90);
    ledger_fire (self, NULL);
    /* Until an instant of the wall clock. */
    assert_string_equal (ledger_lease (self, "mail"), "256.1.2");
    ledger_ok (self, "snooze.token=256.1.2 snooze.at_us=1767225600000100");
    assert_string_equal (ledger_to_clock (self), "arm:2:256.1@1000000100");
    ledger_pass (self, 10);
    ledger_fire (self, NULL);
    /* In the past: at once. */
    assert_string_equal (ledger_lease (self, "mail"), "256.1.3");
    ledger_ok (self, "snooze.token=256.1.3 snooze.at_us=5");
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_string_equal (ledger_lease (self, "mail"), "256.1.4");
    ledger_refused (self, STALE, "snooze.token=256.1.3 snooze.for_us=1");
    /* 366 days ahead is as far as it goes. */
    ledger_refused (self, BELFRY__V1__CODE__CODE_INVALID,
                    ledger_text (self, "snooze.token=256.1.4 snooze.at_us=%lld",
                                 (long long)(self->now.wall.us + BF_SNOOZE_MAX_US + 1)));
    ledger_ok (self, ledger_text (self, "snooze.token=256.1.4 snooze.at_us=%lld",
                                  (long long)(self->now.wall.us + BF_SNOOZE_MAX_US)));
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.failures=0 get.runs.attempt=4");
}

/* Snoozes spend no attempt: the failures alone count against max_attempts. */
static void
test_snoozes_are_free (void **state)
{
    ledger *self = *state;
    lease_job (self, "schedule.jobs.retry.max_attempts=2");
    for (int i = 1; i < 6; i++) {
        ledger_ok (self, ledger_text (self, "snooze.token=256.1.%d snooze.for_us=0", i));
        ledger_fire (self, NULL);
        ledger_lease (self, "mail");
    }
    ledger_expect (self, ledger_ok (self, "fail.token=256.1.6"), "runs.runs.state=4");
}

static void
test_heartbeat (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    lease_job (self, "");
    ledger_ok (self, "cancel.job.id=512");
    Belfry__V1__Reply *reply =
        ledger_ok (self, "heartbeat.tokens=256.1.1 heartbeat.tokens=512.1.1 "
                         "heartbeat.tokens=768.1.1 heartbeat.tokens=256.1.2");
    ledger_expect (self, reply,
                   "heartbeat.items=4 heartbeat.items[0].token=256.1.1 "
                   "heartbeat.items[0].code=1 heartbeat.items[0].cancel=0 "
                   "heartbeat.items[0].text= heartbeat.items[1].code=1 "
                   "heartbeat.items[1].cancel=1 heartbeat.items[2].code=8 "
                   "heartbeat.items[3].code=13 heartbeat.items[3].cancel=0");
    /* Not stored: as often as one likes, under one id. */
    ledger_ok (self, "request_id=beat heartbeat.tokens=256.1.1");
    ledger_expect (self, ledger_ok (self, "request_id=beat heartbeat.tokens=512.1.1"),
                   "repeated=0");
    ledger_expect (self, ledger_ok (self, "heartbeat.tokens=#1000"),
                   "heartbeat.items=1000");
}

static void
test_redrive (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    ledger_ok (self, "fail.token=256.1.1 fail.non_retryable=1");
    ledger_pass (self, 500);
    Belfry__V1__Reply *reply = ledger_ok (self, "redrive.run=256");
    ledger_expect (self, reply,
                   "runs.runs=1 runs.runs.run=256.2 runs.runs.origin=4 runs.runs.state=2 "
                   "runs.runs.attempt=0 runs.runs.failures=0 "
                   "runs.runs.due_us=1767225600000500");
    assert_string_equal (ledger_kinds (self), "run.redriven run.fired");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.state=3 get.job.reason=0 get.job.final_us=0 "
                   "get.job.open_runs=1 get.runs[1].state=6 get.runs[1].redriven_by=2");
    /* Once. */
    ledger_refused (self, WRONG_STATE, "redrive.run=256.1");
    ledger_refused (self, WRONG_STATE, "redrive.run=256.2");
    ledger_refused (self, NOT_FOUND, "redrive.run=256.3");
    ledger_refused (self, NOT_FOUND, "redrive.run=512");
    /* The redrive decides in place of the slot. */
    ledger_lease (self, "mail");
    ledger_ok (self, "complete.token=256.2.1");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.state=4 get.job.reason=0");
    ledger_refused (self, WRONG_STATE, "redrive.run=256.2");
}

/* And its own redrive does, when it died too. */
static void
test_redrive_again (void **state)
{
    ledger *self = *state;
    lease_job (self, "");
    for (int i = 1; i < 4; i++) {
        ledger_ok (self, ledger_text (self, "fail.token=256.%d.1 fail.non_retryable=1", i));
        ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                       "get.job.state=5 get.job.reason=1");
        ledger_ok (self, "redrive.run=256");
        ledger_lease (self, "mail");
    }
    ledger_ok (self, "complete.token=256.4.1");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"), "get.job.state=4");
}

/* The redrive of an extra run is an extra itself. */
static void
test_redrive_extra (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=1000");
    ledger_ok (self, "trigger.job.id=256");
    ledger_lease (self, "mail");
    ledger_ok (self, "fail.token=256.1.1 fail.non_retryable=1");
    ledger_ok (self, "redrive.run=256.1");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"), "get.job.state=2");
    ledger_lease (self, "mail"); /* 256.2, the extra's redrive */
    ledger_pass (self, 1000);
    ledger_fire (self, NULL);
    ledger_lease (self, "mail"); /* 256.3, the slot */
    ledger_ok (self, "complete.token=256.3.1");
    ledger_ok (self, "fail.token=256.2.1 fail.non_retryable=1");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.state=4 get.job.reason=0");
    /* A job that is completed takes it up again, and its end, whatever it is, completes it
     * again. */
    static const struct {
        const char *redrive;
        const char *end;
        const char *kinds;
    } rows[] = {
        {"redrive.run=256.2", "fail.non_retryable=1 fail.token=256.4.1",
         "run.failed run.dead job.completed"},
        {"redrive.run=256.4", "complete.token=256.5.1", "run.succeeded job.completed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ledger_ok (self, rows[i].redrive);
        assert_string_equal (ledger_kinds (self), "run.redriven run.fired");
        ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                       "get.job.state=3 get.job.final_us=0 get.job.open_runs=1");
        ledger_lease (self, "mail");
        ledger_ok (self, rows[i].end);
        assert_string_equal (ledger_kinds (self), rows[i].kinds);
        ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                       "get.job.state=4 get.job.reason=0 get.job.open_runs=0");
        ledger_refused (self, WRONG_STATE, rows[i].redrive);
    }
    /* And it does not save a job whose slot's run has died. */
    lease_job (self, "");
    ledger_ok (self, "trigger.job.id=512");
    ledger_lease (self, "mail");
    ledger_ok (self, "fail.token=512.1.1 fail.non_retryable=1");
    ledger_ok (self, "fail.token=512.2.1 fail.non_retryable=1");
    ledger_ok (self, "redrive.run=512.2");
    ledger_lease (self, "mail");
    ledger_ok (self, "complete.token=512.3.1");
    ledger_expect (self, ledger_ok (self, "get.job.id=512"),
                   "get.job.state=5 get.job.reason=1");
}

static void
test_redrive_refused (void **state)
{
    ledger *self = *state;
    lease_job (self, "schedule.jobs.key=k");
    ledger_ok (self, "fail.token=256.1.1 fail.non_retryable=1");
    /* A newer job has the key, open or not. */
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.after_us=5000000");
    Belfry__V1__Reply *reply = ledger_refused (self, KEY_TAKEN, "redrive.run=256.1");
    assert_non_null (strstr (reply->text, "job 512"));
    ledger_ok (self, "cancel.job.key=k");
    ledger_refused (self, KEY_TAKEN, "redrive.run=256.1");
    /* Cancelled, with a dead run. */
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5000000");
    ledger_ok (self, "trigger.job.id=768");
    ledger_lease (self, "mail");
    ledger_ok (self, "fail.token=768.1.1 fail.non_retryable=1");
    ledger_ok (self, "cancel.job.id=768");
    ledger_refused (self, WRONG_STATE, "redrive.run=768");
    /* Its job's newest run, where it has none. */
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5000000");
    ledger_refused (self, NOT_FOUND, "redrive.run=1024");
}

/* Nobody claims it in time. */
static void
test_start_timeout (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                     "schedule.jobs.start_timeout_us=5000");
    ledger_fire (self, NULL);
    assert_string_equal (ledger_to_clock (self), "arm:2:256.1@1000005000 settled:9");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.timer_us=1767225600005000");
    ledger_pass (self, 5000);
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, "claim.types=mail");
    assert_int_equal (ledger_fire (self, claim), 1);
    assert_false (ledger_resolved (self, claim->call));
    assert_string_equal (ledger_kinds (self), "run.expired job.dead");
    assert_string_equal (ledger_event (self, "job.dead")->reason, "expired");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.state=5 get.job.reason=4 get.runs.state=7 get.runs.timer_us=0");
    ledger_refused (self, WRONG_STATE, "redrive.run=256.1");
}

/* Only the first claim counts. */
static void
test_start_timeout_claimed (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                     "schedule.jobs.start_timeout_us=5000");
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    assert_string_equal (ledger_to_clock (self), "disarm:2:256.1");
    ledger_ok (self, "snooze.token=256.1.1 snooze.for_us=0");
    ledger_fire (self, NULL);
    assert_string_equal (ledger_to_clock (self), "settled:9");
    ledger_pass (self, BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 0);
    assert_string_equal (ledger_lease (self, "mail"), "256.1.2");
}

/* A claim whose lease never arrived is none: the time goes on from the beginning. */
static void
test_start_timeout_returned (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                     "schedule.jobs.start_timeout_us=5000");
    ledger_fire (self, NULL);
    ledger_pass (self, 1000);
    ledger_lease (self, "mail");
    ledger_pass (self, 1000);
    ledger_returned (self, "256.1.1", NULL);
    assert_string_equal (ledger_to_clock (self), "arm:2:256.1@1000005000");
    ledger_pass (self, 2999);
    assert_int_equal (ledger_fire (self, NULL), 0);
    ledger_pass (self, 1);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_string_equal (ledger_kinds (self), "run.expired job.dead");
    /* Given back when it is over already: expired as soon as the clock looks. */
    lease_job (self, "schedule.jobs.start_timeout_us=5000");
    ledger_pass (self, 6000);
    ledger_returned (self, "512.1.1", NULL);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_string_equal (ledger_kinds (self), "run.expired job.dead");
    /* Somebody had it once: by a failure, by a snooze. */
    static const char *const calls[] = {"fail.token=768.1.1",
                                        "snooze.token=1024.1.1 snooze.for_us=1000000"};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        lease_job (self, "schedule.jobs.start_timeout_us=5000");
        ledger_ok (self, calls[i]);
        ledger_pass (self, BF_SECOND_US);
        ledger_fire (self, NULL);
        const char *token = ledger_lease (self, "mail");
        ledger_returned (self, token, NULL);
        ledger_pass (self, BF_SECOND_US);
        assert_int_equal (ledger_fire (self, NULL), 0);
        assert_string_equal (ledger_lease (self, "mail"), i == 0 ? "768.1.3" : "1024.1.3");
    }
}

/* A run that was given back goes to the next claim. */
static void
test_returned (void **state)
{
    ledger *self = *state;
    lease_job (self, "schedule.jobs.retry.max_attempts=1");
    ledger_returned (self, "256.1.1", NULL);
    assert_string_equal (ledger_kinds (self), "run.returned");
    assert_string_equal (ledger_to_dispatcher (self), "ready:1:256.1");
    assert_string_equal (ledger_to_retry (self), "closed:256.1.1");
    ledger_refused (self, STALE, "complete.token=256.1.1");
    assert_string_equal (ledger_lease (self, "mail"), "256.1.2");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.failures=0 get.runs.attempt=2");
    /* What is no lease any more is nobody's. */
    static const char *const others[] = {"256.1.1", "256.1.3", "256.2.1", "512.1.1"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ledger_returned (self, others[i], NULL);
        assert_string_equal (ledger_kinds (self), "");
    }
}

/* A lease that ran out is a failure like another. */
static void
test_overdue (void **state)
{
    ledger *self = *state;
    lease_job (self, "schedule.jobs.retry.max_attempts=2 "
                     "schedule.jobs.run_timeout_us=900000");
    ledger_overdue (self, "256.1.1", false);
    assert_string_equal (ledger_kinds (self), "run.failed");
    assert_string_equal (ledger_to_retry (self), "closed:256.1.1 settled:4");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.state=4 get.runs.failures=1 get.runs.attempt=1");
    assert_string_equal (ledger_string (self, "SELECT reason FROM run"),
                         "the lease expired");
    ledger_overdue (self, "256.1.1", false);
    assert_string_equal (ledger_kinds (self), "");
    ledger_pass (self, BF_SECOND_US);
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    ledger_overdue (self, "256.1.2", true);
    assert_string_equal (ledger_kinds (self), "run.failed run.dead job.dead");
    assert_string_equal (ledger_string (self, "SELECT reason FROM run"),
                         "run_timeout passed");
    static const char *const others[] = {"256.1.3", "256.2.1", "512.1.1"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ledger_overdue (self, others[i], false);
        assert_string_equal (ledger_kinds (self), "");
    }
}

/* NOTIFY: final at the commit of the fire; the payload is on the feed and in Replay, and
 * nowhere else. */
static void
test_notify (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=bell schedule.jobs.after_us=5 "
                     "schedule.jobs.delivery=2 schedule.jobs.payload=dong "
                     "schedule.jobs.content_type=text/plain "
                     "schedule.jobs.start_timeout_us=5000");
    ledger_pass (self, 6);
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, "claim.types=bell");
    ledger_fire (self, claim);
    assert_false (ledger_resolved (self, claim->call));
    assert_string_equal (ledger_kinds (self), "run.fired run.delivered job.completed");
    Belfry__V1__Event *extra = ledger_extra (self, "run.delivered");
    request_expect (&extra->base, self->arena,
                    "payload=4 content_type=text/plain seq=0 kind=");
    Belfry__V1__Event *event = ledger_event (self, "run.delivered");
    request_expect (&event->base, self->arena,
                    "payload=0 lateness_us=1 run_after.state=9 job_after.payload_bytes=4");
    assert_int_equal (ledger_extra (self, "run.fired")->payload.len, 0);
    Belfry__V1__Reply *reply = ledger_ok (self, "replay.after_seq=0");
    for (size_t i = 0; i < reply->events->n_events; i++) {
        bool has = strcmp (reply->events->events[i]->kind, "run.delivered") == 0;
        assert_int_equal (reply->events->events[i]->payload.len, has ? 4 : 0);
        assert_string_equal (reply->events->events[i]->content_type,
                             has ? "text/plain" : "");
    }
    ledger_expect (self, ledger_ok (self, "history.kinds=run.delivered"),
                   "events.events=1 events.events.payload=0");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.state=4 get.runs.state=9 get.runs.timer_us=0");
}

/* By Trigger, beside its slot; replaced afterwards, the old payload is gone, but no other
 * takes its place. */
static void
test_notify_extra (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=bell schedule.jobs.key=k schedule.jobs.after_us=5 "
                     "schedule.jobs.delivery=2 schedule.jobs.payload=dong");
    ledger_expect (self, ledger_ok (self, "trigger.job.key=k"), "runs.runs.state=9");
    assert_string_equal (ledger_kinds (self), "job.triggered run.fired run.delivered");
    assert_int_equal (ledger_extra (self, "run.delivered")->payload.len, 4);
    ledger_ok (self, "schedule.jobs.type=bell schedule.jobs.key=k schedule.jobs.after_us=5 "
                     "schedule.jobs.delivery=2 schedule.jobs.payload=ding-dong "
                     "schedule.on_key=3");
    Belfry__V1__Reply *reply = ledger_ok (self, "replay.kinds=run.delivered");
    ledger_expect (self, reply, "events.events=1 events.events.payload=0");
    /* Without a payload at all. */
    ledger_ok (self, "schedule.jobs.type=bell schedule.jobs.after_us=0 "
                     "schedule.jobs.delivery=2");
    ledger_fire (self, NULL);
    assert_int_equal (ledger_extra (self, "run.delivered")->payload.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_complete),
        TEST (test_results),
        TEST (test_wrong_tokens),
        TEST (test_reason_in_text),
        TEST (test_fail),
        TEST (test_fail_without_reason),
        TEST (test_waits),
        TEST (test_jitter),
        TEST (test_snooze),
        TEST (test_snoozes_are_free),
        TEST (test_heartbeat),
        TEST (test_redrive),
        TEST (test_redrive_again),
        TEST (test_redrive_extra),
        TEST (test_redrive_refused),
        TEST (test_start_timeout),
        TEST (test_start_timeout_claimed),
        TEST (test_start_timeout_returned),
        TEST (test_returned),
        TEST (test_overdue),
        TEST (test_notify),
        TEST (test_notify_extra),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
