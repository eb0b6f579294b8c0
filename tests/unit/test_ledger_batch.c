/* SPDX-License-Identifier: MPL-2.0
 *
 * Batch: several commands in one commit, in their order, all or none. The turn of a game is
 * what it is for: its claim timeout goes and its writing timeout comes at the same moment,
 * or nothing happens at all.
 */
#include <stdio.h>
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define CONFLICT BELFRY__V1__CODE__CODE_VERSION_CONFLICT
#define DISK_FULL BELFRY__V1__CODE__CODE_DISK_FULL
#define OK BELFRY__V1__CODE__CODE_OK

/* The turn's claim timeout, job 256, at version 7. */
static void
make_turn (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=claim_timeout schedule.jobs.key=turn-5 "
                     "schedule.jobs.after_us=60000000");
    for (int version = 2; version <= 7; version++) {
        ledger_ok (self, "reschedule.job.key=turn-5 reschedule.after_us=60000000");
    }
}

/* Cancel the claim timeout and arm the writing timeout only if the turn is still at version
 * 7. */
static const char claimed[] =
    "batch.items[0].cancel.job.key=turn-5 batch.items[0].cancel.if_version=7 "
    "batch.items[0].cancel.reason=claimed "
    "batch.items[1].schedule.jobs.type=writing_timeout "
    "batch.items[1].schedule.jobs.key=turn-5 "
    "batch.items[1].schedule.jobs.after_us=3600000000";

static void
test_turn_is_claimed (void **state)
{
    ledger *self = *state;
    make_turn (self);
    Belfry__V1__Reply *reply = ledger_ok (self, claimed);
    ledger_expect (self, reply,
                   "batch.items=2 batch.failed=0 batch.items[0].jobs.items.outcome=5 "
                   "batch.items[0].jobs.items.job.state=6 "
                   "batch.items[0].jobs.items.job.spec.type=claim_timeout "
                   "batch.items[1].jobs.items.outcome=1 "
                   "batch.items[1].jobs.items.job.id=512 "
                   "batch.items[1].jobs.items.job.state=2");
    /* In one commit, in their order; the reply's seq is that of the last event. */
    assert_string_equal (ledger_kinds (self), "job.cancelled job.scheduled");
    assert_int_equal (reply->seq, ledger_event (self, "job.scheduled")->seq);
    ledger_pass (self, 60 * BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 0);
    ledger_pass (self, BF_HOUR_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
    ledger_lease (self, "writing_timeout");
}

static void
test_turn_has_moved_on (void **state)
{
    ledger *self = *state;
    make_turn (self);
    ledger_ok (self, "reschedule.job.key=turn-5 reschedule.after_us=60000000");
    Belfry__V1__Reply *reply = ledger_refused (self, CONFLICT, claimed);
    ledger_expect (self, reply, "batch.items=0 batch.failed=1");
    assert_non_null (strstr (reply->text, "items[0]: job 256 has version 8, not 7"));
    assert_string_equal (ledger_kinds (self), "");
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM job"), 1);
    /* Its claim timeout stands. */
    ledger_pass (self, 60 * BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
    ledger_lease (self, "claim_timeout");
}

/* The work is done, and what follows from it is armed, or neither is. */
static const char done[] =
    "request_id=done batch.items[0].complete.token=256.1.1 "
    "batch.items[0].complete.result=ok "
    "batch.items[1].schedule.jobs.type=draw batch.items[1].schedule.jobs.key=d "
    "batch.items[1].schedule.jobs.after_us=5";

static void
lease_one (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=write schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    assert_string_equal (ledger_lease (self, "write"), "256.1.1");
}

static void
test_crash_before_the_commit (void **state)
{
    ledger *self = *state;
    lease_one (self);
    ledger_begin (self);
    ledger_put (self, done);
    ledger_reopen (self, true);
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.state=3 get.runs.state=3");
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM job"), 1);
    /* Nobody has answered it: the repeat does it, once. */
    Belfry__V1__Reply *reply = ledger_ok (self, done);
    assert_false (reply->repeated);
    assert_string_equal (ledger_kinds (self), "run.succeeded job.completed job.scheduled");
}

static void
test_crash_behind_the_commit (void **state)
{
    ledger *self = *state;
    lease_one (self);
    Belfry__V1__Reply *first = ledger_ok (self, done);
    static const char shape[] =
        "batch.items=2 batch.failed=0 batch.items[0].runs.runs.run=256.1 "
        "batch.items[0].runs.runs.state=5 batch.items[0].runs.unchanged=0 "
        "batch.items[1].jobs.items.job.id=512 batch.items[1].jobs.items.outcome=1";
    ledger_expect (self, first, shape);
    uint64_t seq = first->seq;
    ledger_reopen (self, true);
    Belfry__V1__Reply *second = ledger_ok (self, done);
    assert_true (second->repeated);
    assert_int_equal (second->seq, seq);
    ledger_expect (self, second, shape);
    assert_string_equal (ledger_kinds (self), "");
    /* It shows the objects as they are now. */
    ledger_ok (self, "cancel.job.key=d");
    ledger_expect (self, ledger_ok (self, done), "batch.items[1].jobs.items.job.state=6");
    ledger_refused (self, BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED,
                    "request_id=done batch.items.cancel.job.key=d");
}

/* Each sees what those before it did. */
static void
test_in_order (void **state)
{
    ledger *self = *state;
    Belfry__V1__Reply *reply = ledger_ok (
        self, "batch.items[0].schedule.jobs.type=mail batch.items[0].schedule.jobs.key=k "
              "batch.items[0].schedule.jobs.after_us=9 "
              "batch.items[1].trigger.job.key=k batch.items[1].trigger.if_version=1 "
              "batch.items[2].reschedule.job.key=k "
              "batch.items[2].reschedule.after_us=5 "
              "batch.items[3].pause.job.key=k batch.items[3].pause.if_version=2 "
              "batch.items[4].resume.job.key=k "
              "batch.items[5].confirm.job.key=k "
              "batch.items[6].confirm.job.key=k "
              "batch.items[7].schedule.jobs.type=mail batch.items[7].schedule.jobs.key=k "
              "batch.items[7].schedule.jobs.after_us=9");
    ledger_expect (self, reply,
                   "batch.items=8 batch.items[0].jobs.items.outcome=1 "
                   "batch.items[1].runs.runs.run=256.1 "
                   "batch.items[2].jobs.items.outcome=5 "
                   "batch.items[3].jobs.items.outcome=5 "
                   "batch.items[4].jobs.items.outcome=5 "
                   "batch.items[5].jobs.items.outcome=5 "
                   "batch.items[6].jobs.items.outcome=4 "
                   "batch.items[7].jobs.items.job.id=512");
    assert_string_equal (ledger_kinds (self),
                         "job.scheduled job.triggered run.fired job.rescheduled "
                         "run.cancelled job.paused job.resumed job.confirmed "
                         "job.scheduled");
}

/* Every command that a batch can hold. */
static void
test_runs (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5 "
                     "schedule.jobs.retry.max_attempts=2");
    for (int i = 1; i <= 3; i++) {
        ledger_ok (self, "trigger.job.id=256");
        ledger_lease (self, "mail");
    }
    Belfry__V1__Reply *reply = ledger_ok (self, "batch.items[0].fail.token=256.1.1 "
                                                "batch.items[0].fail.non_retryable=1 "
                                                "batch.items[1].snooze.token=256.2.1 "
                                                "batch.items[1].snooze.for_us=5000000 "
                                                "batch.items[2].redrive.run=256.1 "
                                                "batch.items[3].complete.token=256.3.1 "
                                                "batch.items[4].complete.token=256.3.1");
    ledger_expect (self, reply,
                   "batch.items[0].runs.runs.state=6 batch.items[1].runs.runs.state=4 "
                   "batch.items[2].runs.runs.run=256.4 batch.items[3].runs.unchanged=0 "
                   "batch.items[4].runs.unchanged=1");
}

/* One that is refused undoes all that came before it; the answer is its. */
static void
test_refusals (void **state)
{
    ledger *self = *state;
    static const struct {
        const char *last; /* of items, the third */
        Belfry__V1__Code code;
        const char *words;
    } rows[] = {
        {"batch.items[2].cancel.job.id=9999", BELFRY__V1__CODE__CODE_NOT_FOUND,
         "items[2]: there is no job 9999"},
        {"batch.items[2].cancel.job.key=a batch.items[2].cancel.if_version=9", CONFLICT,
         "items[2]: job 256 has version 1, not 9"},
        {"batch.items[2].schedule.jobs.type=x batch.items[2].schedule.jobs.key=a "
         "batch.items[2].schedule.jobs.after_us=5",
         BELFRY__V1__CODE__CODE_KEY_TAKEN, "items[2]: job 256 in namespace default"},
        {"batch.items[2].schedule.jobs.type=x batch.items[2].schedule.jobs.at_us=5 "
         "batch.items[2].schedule.reject_past=1",
         BELFRY__V1__CODE__CODE_PAST_DUE, "items[2]: 1970-01-01"},
        {"batch.items[2].confirm.job.key=fired", BELFRY__V1__CODE__CODE_TOO_LATE,
         "items[2]: job 512 is active"},
        {"batch.items[2].complete.token=512.1.2", BELFRY__V1__CODE__CODE_STALE_TOKEN,
         "items[2]: 512.1.2 was never leased"},
        {"batch.items[2].redrive.run=512.1", BELFRY__V1__CODE__CODE_WRONG_STATE,
         "items[2]: run 512.1 is ready"},
        {"batch.items[2].reschedule.job.key=a batch.items[2].reschedule.every.interval_us="
         "10000",
         BELFRY__V1__CODE__CODE_INVALID, "items[2]: job 256 is a one-shot"},
    };
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=a "
                     "schedule.jobs.after_us=60000000");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=fired "
                     "schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    int64_t head = ledger_number (self, "SELECT head_seq FROM meta");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = ledger_text (self,
                                        "request_id=row%zu batch.items[0].pause.job.key=a "
                                        "batch.items[1].schedule.jobs.type=new%zu "
                                        "batch.items[1].schedule.jobs.after_us=5 %s",
                                        i, i, rows[i].last);
        for (int turn = 0; turn < 2; turn++) {
            Belfry__V1__Reply *reply = ledger_refused (self, rows[i].code, text);
            assert_ptr_equal (strstr (reply->text, rows[i].words), reply->text);
            ledger_expect (self, reply, "batch.items=0 batch.failed=3");
            assert_int_equal (reply->repeated, turn);
            assert_string_equal (ledger_kinds (self), "");
        }
    }
    assert_int_equal (ledger_number (self, "SELECT head_seq FROM meta"), head);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM job"), 2);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM name"), 2);
    ledger_expect (self, ledger_ok (self, "get.job.key=a"), "get.job.paused=0");
}

/* A refused batch takes no other call of its commit with it. */
static void
test_beside_others (void **state)
{
    ledger *self = *state;
    ledger_begin (self);
    uint64_t before = ledger_put (self, "schedule.jobs.type=a schedule.jobs.after_us=5");
    uint64_t batch = ledger_put (self, "batch.items[0].trigger.job.id=256 "
                                       "batch.items[1].trigger.job.id=512");
    uint64_t behind = ledger_put (self, "trigger.job.id=256");
    ledger_commit (self);
    assert_int_equal (ledger_reply (self, before)->code, OK);
    assert_int_equal (ledger_reply (self, batch)->code, BELFRY__V1__CODE__CODE_NOT_FOUND);
    ledger_expect (self, ledger_reply (self, behind), "runs.runs.run=256.1");
}

/* While the disk is full a batch goes through where everything in it does. */
static void
test_disk_full (void **state)
{
    ledger *self = *state;
    lease_one (self);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.after_us=60000000");
    bf_ledger_set_scarce (self->ledger, true);
    ledger_refused (self, DISK_FULL, done);
    ledger_refused (self, DISK_FULL,
                    "batch.items[0].cancel.job.key=k "
                    "batch.items[1].trigger.job.id=256");
    ledger_ok (self,
               "batch.items[0].complete.token=256.1.1 batch.items[1].cancel.job.key=k");
    bf_ledger_set_scarce (self->ledger, false);
    /* The refusal was not kept. */
    Belfry__V1__Reply *reply = ledger_ok (self, done);
    assert_false (reply->repeated);
    ledger_expect (self, reply, "batch.items[0].runs.unchanged=1");
}

typedef enum {
    ONE_JOB,
    EACH_JOB,
    EACH_TOKEN, /* of the one job */
} which;

static const char *
name_of (ledger *self, which named, int number)
{
    switch (named) {
    case EACH_JOB:
        return ledger_text (self, "%d", 256 * number);
    case EACH_TOKEN:
        return ledger_text (self, "256.%d.1", number);
    default:
        return "256";
    }
}

/* A batch of 1000 items, "batch.items[7].FIELD=256.8.1 batch.items[7].MORE". */
static const char *
for_all (ledger *self, const char *field, which named, const char *more)
{
    size_t size = BF_ITEMS_PER_BATCH * (size_t)128;
    char *text = bf_arena_alloc (self->arena, size);
    assert_non_null (text);
    size_t used = 0;
    for (int i = 0; i < BF_ITEMS_PER_BATCH; i++) {
        const char *item = ledger_text (self, "batch.items[%d].%s=", i, field);
        item = ledger_text (self, "%s%s", item, name_of (self, named, i + 1));
        if (more) {
            item = ledger_text (self, "%s batch.items[%d].%s", item, i, more);
        }
        int wrote = snprintf (text + used, size - used, "%s ", item);
        assert_in_range (wrote, 1, size - used - 1);
        used += (size_t)wrote;
    }
    return text;
}

/* 1000 jobs of a kilobyte each: the definitions do not fit, everything else does. */
static void
test_large_jobs (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    for (int i = 0; i < BF_ITEMS_PER_BATCH; i++) {
        const char *text = ledger_text (
            self,
            "schedule.jobs.type=mail schedule.jobs.key=%0256d "
            "schedule.jobs.content_type=*128 schedule.jobs.tags=%064d "
            "schedule.jobs.tags=%063d schedule.jobs.tags=%062d schedule.jobs.tags=%061d "
            "schedule.jobs.tags=%060d schedule.jobs.tags=%059d schedule.jobs.tags=%058d "
            "schedule.jobs.tags=%057d schedule.jobs.after_us=60000000",
            i, i, i, i, i, i, i, i, i);
        ledger_ok (self, text);
    }
    Belfry__V1__Reply *reply =
        ledger_ok (self, for_all (self, "pause.job.id", EACH_JOB, NULL));
    assert_in_range (belfry__v1__reply__get_packed_size (reply), 1, BF_REPLY_BYTES);
    ledger_expect (self, reply,
                   "batch.items=1000 batch.items[0].jobs.items.job.paused=1 "
                   "batch.items[0].jobs.items.job.spec=- "
                   "batch.items[999].jobs.items.job.id=256000 "
                   "batch.items[999].jobs.items.job.spec=-");
    reply = ledger_ok (self, "batch.items.resume.job.id=256");
    ledger_expect (self, reply, "batch.items.jobs.items.job.spec=set");
    ledger_check (self);
}

/* 1000 runs that failed with a kilobyte of reason each. */
static void
test_large_runs (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=60000000");
    Belfry__V1__Reply *reply =
        ledger_ok (self, for_all (self, "trigger.job.id", ONE_JOB, NULL));
    ledger_expect (self, reply, "batch.items=1000 batch.items[999].runs.runs.run=256.1000");
    for (int i = 0; i < BF_ITEMS_PER_BATCH; i += BF_RUNS_PER_CLAIM) {
        assert_non_null (
            ledger_grant (self, ledger_claim (self, "claim.types=mail claim.max=100")));
    }
    reply = ledger_ok (self, for_all (self, "fail.token", EACH_TOKEN, "fail.reason=*980"));
    assert_in_range (belfry__v1__reply__get_packed_size (reply), 1, BF_REPLY_BYTES);
    ledger_expect (self, reply,
                   "batch.items=1000 batch.items[999].runs.runs.state=4 "
                   "batch.items[999].runs.runs.reason=");
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM run WHERE "
                                           "length (reason) = 980"),
                      BF_ITEMS_PER_BATCH);
    ledger_check (self);
}

/* A call whose items are small, and what they load is not. */
static void
test_too_much (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    for (int i = 0; i < BF_ITEMS_PER_BATCH; i++) {
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=60000000 "
                         "schedule.jobs.payload=*65536");
    }
    int64_t head = ledger_number (self, "SELECT head_seq FROM meta");
    const char *text =
        for_all (self, "reschedule.job.id", EACH_JOB, "reschedule.after_us=60000000");
    Belfry__V1__Reply *reply = ledger_refused (self, BELFRY__V1__CODE__CODE_LIMIT, text);
    assert_in_range (reply->batch->failed, 300, 600);
    assert_non_null (strstr (reply->text, "split the batch"));
    assert_int_equal (ledger_number (self, "SELECT head_seq FROM meta"), head);
    ledger_expect (self, ledger_ok (self, "get.job.id=256"), "get.job.version=1");
    ledger_check (self);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_turn_is_claimed),
        TEST (test_turn_has_moved_on),
        TEST (test_crash_before_the_commit),
        TEST (test_crash_behind_the_commit),
        TEST (test_in_order),
        TEST (test_runs),
        TEST (test_refusals),
        TEST (test_beside_others),
        TEST (test_disk_full),
        TEST (test_large_jobs),
        TEST (test_large_runs),
        TEST (test_too_much),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
