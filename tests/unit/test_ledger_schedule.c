/* SPDX-License-Identifier: MPL-2.0
 *
 * Schedule: what becomes of new jobs, of taken keys, and of calls that are refused.
 */
#include <string.h>

#include "messages/codec.h"
#include "messages/limits.h"
#include "persist/ledger/private.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define KEY_TAKEN BELFRY__V1__CODE__CODE_KEY_TAKEN
#define LIMIT BELFRY__V1__CODE__CODE_LIMIT
#define PAST_DUE BELFRY__V1__CODE__CODE_PAST_DUE

static void
test_one (void **state)
{
    ledger *self = *state;
    Belfry__V1__Reply *reply = ledger_ok (
        self, "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.tags=a "
              "schedule.jobs.payload=hello schedule.jobs.content_type=text/plain "
              "schedule.jobs.after_us=5000000");
    ledger_expect (
        self, reply,
        "jobs.items=1 jobs.items.outcome=1 jobs.items.out=0 jobs.items.job.id=256 "
        "jobs.items.job.state=2 jobs.items.job.version=1 jobs.items.job.runs=0 "
        "jobs.items.job.due_us=1767225605000000 jobs.items.job.paused=0 "
        "jobs.items.job.created_us=1767225600000000 jobs.items.job.final_us=0 "
        "jobs.items.job.payload_bytes=5 jobs.items.job.spec.payload=0 "
        "jobs.items.job.spec.ns=default jobs.items.job.spec.key=k "
        "jobs.items.job.spec.type=mail jobs.items.job.spec.tags=a "
        "jobs.items.job.spec.delivery=1 jobs.items.job.spec.after_us=5000000 "
        "jobs.items.job.spec.lease_us=30000000 "
        "jobs.items.job.spec.retry.max_attempts=5 repeated=0 seq=2 "
        "jobs.items.job.last_seq=2");
    assert_string_equal (ledger_kinds (self), "job.scheduled");
    assert_string_equal (ledger_to_clock (self), "arm:1:256.0@1005000000");
    assert_string_equal (ledger_to_dispatcher (self), "queue:1:default/mail");
    /* The next one of the type: no second queue; ids end in the shard. */
    reply =
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.at_us=1767225605000000");
    ledger_expect (self, reply, "jobs.items.job.id=512 jobs.items.job.spec.key= seq=3");
    assert_string_equal (ledger_to_clock (self), "arm:0:512.0@1767225605000000");
    assert_string_equal (ledger_to_dispatcher (self), "");
}

/* The event has all of it but the payload. */
static void
test_event (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.ns=n "
                     "schedule.jobs.payload=hello schedule.jobs.after_us=5");
    Belfry__V1__Event *event = ledger_event (self, "job.scheduled");
    request_expect (&event->base, self->arena,
                    "ns=n key=k type=mail job=256 run= attempt=0 clock=1 "
                    "due_us=1767225600000005 at_us=1767225600000000 seq=2 prev_seq=0 "
                    "prev_job_seq=0 reason= payload=0 job_after.spec.payload=0 "
                    "job_after.payload_bytes=5 job_after.due_us=1767225600000005 "
                    /* Neither what the event says nor what is default. */
                    "job_after.spec.type= job_after.spec.key= job_after.spec.ns= "
                    "job_after.spec.lease_us=0 job_after.spec.retry=- "
                    "job_after.updated_us=0 job_after.last_seq=0 job_after.wake_us=0");
    assert_int_equal (ledger_extra (self, "job.scheduled")->payload.len, 0);
}

/* As many as a call may have, in one commit, ids in the order of the items. */
static void
test_thousand (void **state)
{
    ledger *self = *state;
    const char *text = "schedule.on_key=1";
    for (int i = 0; i < BF_JOBS_PER_CALL; i++) {
        text = i % 100 ? text : ledger_text (self, "%s", text);
        text = bf_arena_printf (self->arena,
                                "%s schedule.jobs[%d].type=t schedule.jobs[%d].after_us=%d "
                                "schedule.jobs[%d].key=k%d",
                                text, i, i, i, i, i);
    }
    Belfry__V1__Reply *reply = ledger_ok (self, text);
    assert_int_equal (reply->jobs->n_items, BF_JOBS_PER_CALL);
    assert_int_equal (reply->seq, 1 + BF_JOBS_PER_CALL);
    for (int i = 0; i < BF_JOBS_PER_CALL; i++) {
        assert_int_equal (reply->jobs->items[i]->job->id, (i + 1) * BF_ID_STEP);
    }
    ledger_expect (self, reply, "jobs.items[999].job.spec.key=k999");
    /* All of them fire. */
    ledger_pass (self, BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), BF_JOBS_PER_CALL);
    assert_int_equal (ledger_number (self, "SELECT ready_runs FROM meta"),
                      BF_JOBS_PER_CALL);
}

/* Where the definitions do not fit into a frame, they are left out. */
static void
test_large_answer (void **state)
{
    ledger *self = *state;
    const char *text = "";
    for (int i = 0; i < 700; i++) {
        text = bf_arena_printf (self->arena,
                                "%s schedule.jobs[%d].type=t schedule.jobs[%d].after_us=9 "
                                "schedule.jobs[%d].key=%d%0200d schedule.jobs[%d].tags=*64 "
                                "schedule.jobs[%d].ns=%064d schedule.jobs[%d].tags=y "
                                "schedule.jobs[%d].payload=*800 "
                                "schedule.jobs[%d].content_type=*128",
                                text, i, i, i, i, 1, i, i, 1, i, i, i);
    }
    Belfry__V1__Reply *reply = ledger_ok (self, text);
    assert_int_equal (reply->jobs->n_items, 700);
    ledger_expect (self, reply, "jobs.items[699].job.payload_bytes=800");
}

/* One bad item spoils all, and leaves nothing: no job, no name, no event, no id. */
static void
test_all_or_none (void **state)
{
    ledger *self = *state;
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=5");
    Belfry__V1__Reply *reply = ledger_refused (
        self, KEY_TAKEN,
        "schedule.jobs[0].type=new schedule.jobs[0].ns=fresh schedule.jobs[0].after_us=5 "
        "schedule.jobs[1].type=mail schedule.jobs[1].key=k schedule.jobs[1].after_us=5 "
        "schedule.jobs[2].type=mail schedule.jobs[2].after_us=5");
    ledger_expect (self, reply,
                   "seq=2 jobs.items=1 jobs.items.job.id=256 jobs.items.outcome=2");
    assert_non_null (strstr (reply->text, "job 256"));
    assert_string_equal (ledger_kinds (self), "");
    assert_string_equal (ledger_to_clock (self), "");
    assert_string_equal (ledger_to_dispatcher (self), "");
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM job"), 1);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM name"), 2);
    reply = ledger_refused (
        self, PAST_DUE,
        "schedule.jobs[0].type=new schedule.jobs[0].after_us=5 schedule.jobs[1].type=mail "
        "schedule.jobs[1].at_us=5 schedule.reject_past=1");
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
    /* The names that were forgotten may come again. */
    reply = ledger_ok (self, "schedule.jobs.type=new schedule.jobs.ns=fresh "
                             "schedule.jobs.after_us=5");
    ledger_expect (self, reply,
                   "jobs.items.job.id=512 jobs.items.job.spec.type=new "
                   "jobs.items.job.spec.ns=fresh seq=3");
    assert_string_equal (ledger_to_dispatcher (self), "queue:2:fresh/new");
    ledger_reopen (self, true);
    ledger_ok (self, "get.job.id=512");
}

static void
test_keep (void **state)
{
    ledger *self = *state;
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=5");
    Belfry__V1__Reply *reply = ledger_ok (
        self, "schedule.jobs[0].type=other schedule.jobs[0].key=k "
              "schedule.jobs[0].after_us=9 schedule.jobs[1].type=mail "
              "schedule.jobs[1].key=l schedule.jobs[1].after_us=7 schedule.on_key=2");
    ledger_expect (self, reply,
                   "jobs.items=2 jobs.items[0].outcome=2 jobs.items[0].job.id=256 "
                   "jobs.items[0].job.version=1 jobs.items[0].job.spec.type=mail "
                   "jobs.items[0].job.spec.after_us=5 jobs.items[1].outcome=1 "
                   "jobs.items[1].job.id=512");
    /* Another namespace, another key; a job that is over has none. */
    reply = ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                             "schedule.jobs.ns=n schedule.jobs.after_us=5 "
                             "schedule.on_key=2");
    ledger_expect (self, reply, "jobs.items.outcome=1 jobs.items.job.id=768");
    ledger_ok (self, "cancel.job.key=k");
    reply = ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                             "schedule.jobs.after_us=5");
    ledger_expect (self, reply, "jobs.items.outcome=1 jobs.items.job.id=1024");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.id=1024");
}

static void
test_replace (void **state)
{
    ledger *self = *state;
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.payload=one "
               "schedule.jobs.after_us=5000000");
    ledger_pass (self, 1000);
    Belfry__V1__Reply *reply =
        ledger_ok (self, "schedule.jobs.type=call schedule.jobs.key=k "
                         "schedule.jobs.payload=three schedule.jobs.after_us=7000000 "
                         "schedule.jobs.lease_us=1000000 schedule.on_key=3");
    ledger_expect (self, reply,
                   "jobs.items.outcome=3 jobs.items.job.id=256 jobs.items.job.version=2 "
                   "jobs.items.job.due_us=1767225607001000 jobs.items.job.payload_bytes=5 "
                   "jobs.items.job.spec.type=call jobs.items.job.spec.lease_us=1000000 "
                   "jobs.items.job.created_us=1767225600000000 "
                   "jobs.items.job.updated_us=1767225600001000");
    assert_string_equal (ledger_kinds (self), "job.replaced");
    assert_string_equal (ledger_to_clock (self), "arm:1:256.0@1007001000");
    assert_string_equal (ledger_to_dispatcher (self), "queue:2:default/call");
    ledger_expect (self, ledger_ok (self, "get.job.key=k get.with_payload=1"),
                   "get.job.spec.payload=5");
    /* The payload alone; and back to none. */
    reply = ledger_ok (self, "schedule.jobs.type=call schedule.jobs.key=k "
                             "schedule.jobs.after_us=7000000 "
                             "schedule.jobs.lease_us=1000000 schedule.on_key=3");
    ledger_expect (self, reply,
                   "jobs.items.outcome=3 jobs.items.job.payload_bytes=0 "
                   "jobs.items.job.version=3");
    ledger_expect (self, ledger_ok (self, "get.job.key=k get.with_payload=1"),
                   "get.job.spec.payload=0");
}

/* The first call in a window counts; a job that is final by then as well as an open one. */
static void
test_throttle (void **state)
{
    ledger *self = *state;
    static const char first[] = "schedule.jobs.type=mail schedule.jobs.key=k "
                                "schedule.jobs.after_us=0 schedule.on_key=4 "
                                "schedule.window_us=5000";
    ledger_expect (self, ledger_ok (self, first), "jobs.items.outcome=1");
    ledger_expect (self, ledger_ok (self, first),
                   "jobs.items.outcome=2 jobs.items.job.id=256");
    ledger_ok (self, "cancel.job.key=k");
    ledger_pass (self, 4999);
    ledger_expect (self, ledger_ok (self, first),
                   "jobs.items.outcome=2 jobs.items.job.id=256 jobs.items.job.state=6");
    ledger_pass (self, 1);
    ledger_expect (self, ledger_ok (self, first),
                   "jobs.items.outcome=1 jobs.items.job.id=512");
}

/* An open job is kept however old it is, and another policy asks for no window. */
static void
test_throttle_keeps_an_open_job (void **state)
{
    ledger *self = *state;
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=90000");
    ledger_pass (self, 50000);
    ledger_expect (self,
                   ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                                    "schedule.jobs.after_us=0 schedule.on_key=4 "
                                    "schedule.window_us=1000"),
                   "jobs.items.outcome=2 jobs.items.job.id=256");
    ledger_ok (self, "cancel.job.key=k");
    ledger_expect (self,
                   ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                                    "schedule.jobs.after_us=0"),
                   "jobs.items.outcome=1 jobs.items.job.id=512");
}

/* The job is due so long after the newest call, with its payload. */
static void
test_debounce (void **state)
{
    ledger *self = *state;
    static const char call[] = "schedule.jobs.type=mail schedule.jobs.key=k "
                               "schedule.jobs.after_us=5000 schedule.on_key=5";
    ledger_expect (self, ledger_ok (self, call),
                   "jobs.items.outcome=1 jobs.items.job.version=1");
    ledger_pass (self, 3000);
    ledger_expect (self, ledger_ok (self, call),
                   "jobs.items.outcome=5 jobs.items.job.id=256 jobs.items.job.version=2 "
                   "jobs.items.job.due_us=1767225600008000");
    assert_string_equal (ledger_kinds (self), "job.rescheduled");
    ledger_pass (self, 3000);
    ledger_expect (
        self, ledger_ok (self, ledger_text (self, "%s schedule.jobs.payload=new", call)),
        "jobs.items.outcome=3 jobs.items.job.version=3 "
        "jobs.items.job.due_us=1767225600011000 "
        "jobs.items.job.payload_bytes=3");
    assert_string_equal (ledger_kinds (self), "job.replaced");
    ledger_expect (self,
                   ledger_refused (self, BELFRY__V1__CODE__CODE_VERSION_CONFLICT,
                                   ledger_text (self, "%s schedule.if_version=2", call)),
                   "");
}

/* From one clock to the other: the old timer goes. */
static void
test_replace_changes_clock (void **state)
{
    ledger *self = *state;
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=5");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.at_us=1767225600000005 schedule.on_key=3");
    assert_string_equal (ledger_to_clock (self),
                         "disarm:1:256.0 arm:0:256.0@1767225600000005");
}

/* Only the type changes: the clock must know the new queue, or the wrong worker gets it. */
static void
test_replace_changes_queue (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.at_us=1767225600000005");
    bf_timer old = {BF_SOURCE_SLOT_WALL, 256, 0, INT64_C (1767225600000005), 1, 0, 0};
    ledger_ok (self, "schedule.jobs.type=call schedule.jobs.key=k "
                     "schedule.jobs.at_us=1767225600000005 schedule.on_key=3");
    assert_string_equal (ledger_to_clock (self), "arm:0:256.0@1767225600000005");
    /* A proposal that was under way still says mail: it fires, but not for that worker. */
    ledger_pass (self, 5);
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, "claim.types=mail");
    ledger_propose (self, &old, 1, claim);
    assert_null (ledger_reply (self, claim->call));
    assert_false (ledger_resolved (self, claim->call));
    assert_string_equal (ledger_kinds (self), "run.fired");
    assert_non_null (ledger_lease (self, "call"));
}

/* Older versions kept definitions whole: the same one again is the same still. */
static void
test_unchanged_over_a_whole_row (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    static const char definition[] = "schedule.jobs.type=mail schedule.jobs.key=k "
                                     "schedule.jobs.at_us=5000000 schedule.on_key=3";
    Belfry__V1__Reply *reply = ledger_ok (self, definition);
    Belfry__V1__JobSpec whole = *reply->jobs->items[0]->job->spec;
    whole.ns = whole.key = whole.type = "";
    size_t size = 0;
    const uint8_t *bytes = bf_pack (&whole.base, self->arena, &size);
    sqlite3 *db = bf_database_handle (bf_ledger_database (self->ledger));
    sqlite3_stmt *stmt;
    assert_int_equal (sqlite3_prepare_v2 (db, "UPDATE job SET spec = ?1", -1, &stmt, NULL),
                      SQLITE_OK);
    sqlite3_bind_blob (stmt, 1, bytes, (int)size, SQLITE_STATIC);
    assert_int_equal (sqlite3_step (stmt), SQLITE_DONE);
    sqlite3_finalize (stmt);
    ledger_expect (self, ledger_ok (self, definition),
                   "jobs.items.outcome=4 jobs.items.job.version=1 "
                   "jobs.items.job.spec.lease_us=30000000");
    ledger_expect (self,
                   ledger_ok (self, ledger_text (self, "%s schedule.jobs.lease_us=200000",
                                                 definition)),
                   "jobs.items.outcome=3 jobs.items.job.version=2 "
                   "jobs.items.job.spec.lease_us=200000");
}

static void
test_unchanged (void **state)
{
    ledger *self = *state;
    static const char definition[] =
        "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.payload=one "
        "schedule.jobs.tags=a schedule.jobs.after_us=5000000 schedule.on_key=3";
    ledger_ok (self, definition);
    ledger_pass (self, 1000);
    Belfry__V1__Reply *reply = ledger_ok (self, definition);
    ledger_expect (self, reply,
                   "jobs.items.outcome=4 jobs.items.job.id=256 jobs.items.job.version=1 "
                   "jobs.items.job.due_us=1767225605000000");
    assert_string_equal (ledger_kinds (self), "");
    assert_string_equal (ledger_to_clock (self), "");
    /* The same with every default spelled out. */
    ledger_expect (self,
                   ledger_ok (self, ledger_text (self,
                                                 "%s schedule.jobs.lease_us=30000000 "
                                                 "schedule.jobs.ns=default "
                                                 "schedule.jobs.delivery=1",
                                                 definition)),
                   "jobs.items.outcome=4");
    /* And each part that differs. */
    static const char *const changes[] = {
        "schedule.jobs.type=call",     "schedule.jobs.payload=two",
        "schedule.jobs.tags=b",        "schedule.jobs.after_us=6",
        "schedule.jobs.at_us=5000000", "schedule.jobs.start_timeout_us=9000",
        "schedule.jobs.delivery=2",    "schedule.jobs.retry.max_attempts=6",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        ledger_expect (
            self, ledger_ok (self, ledger_text (self, "%s %s", definition, changes[i])),
            "jobs.items.outcome=3");
        ledger_expect (self, ledger_ok (self, definition), "jobs.items.outcome=3");
    }
}

/* What a call leaves alone is not judged by reject_past. */
static void
test_past_and_taken (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.at_us=1767225600000005 schedule.reject_past=1");
    ledger_pass (self, 10);
    ledger_expect (self,
                   ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                                    "schedule.jobs.at_us=1767225600000005 "
                                    "schedule.reject_past=1 schedule.on_key=2"),
                   "jobs.items.outcome=2");
    ledger_expect (self,
                   ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                                    "schedule.jobs.at_us=1767225600000005 "
                                    "schedule.reject_past=1 schedule.on_key=3"),
                   "jobs.items.outcome=4");
    ledger_refused (self, PAST_DUE,
                    "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.payload=new "
                    "schedule.jobs.at_us=1767225600000005 schedule.reject_past=1 "
                    "schedule.on_key=3");
    ledger_refused (self, PAST_DUE,
                    "schedule.jobs.type=mail schedule.jobs.key=other "
                    "schedule.jobs.at_us=1767225600000009 schedule.reject_past=1");
    /* Now is not past. */
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.at_us=1767225600000010 "
                     "schedule.reject_past=1");
}

/* Without reject_past it fires at once, and says how late. */
static void
test_past_fires (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.at_us=1767225598000000");
    assert_int_equal (ledger_fire (self, NULL), 1);
    Belfry__V1__Event *event = ledger_event (self, "run.fired");
    request_expect (&event->base, self->arena,
                    "lateness_us=2000000 due_us=1767225598000000 clock=0 run=256.1 "
                    "run_after.late=1 run_after.lateness_us=2000000 run_after.origin=1 "
                    "job_after.state=3 job_after.runs=1 job_after.open_runs=1");
}

/* REPLACE of a job whose slot is committed takes it back: what no worker has is cancelled,
 * what one has is asked to stop. */
static void
test_replace_active (void **state)
{
    ledger *self = *state;
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    const char *token = ledger_lease (self, "mail");
    ledger_ok (self, "trigger.job.key=k");
    Belfry__V1__Reply *reply =
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                         "schedule.jobs.after_us=5 schedule.on_key=3");
    ledger_expect (self, reply,
                   "jobs.items.outcome=3 jobs.items.job.state=2 jobs.items.job.version=2 "
                   "jobs.items.job.runs=2 jobs.items.job.open_runs=1 jobs.items.out=1 "
                   "jobs.items.out.run=256.1 jobs.items.out.cancel_requested=1");
    assert_string_equal (ledger_kinds (self), "job.replaced run.cancelled");
    assert_string_equal (ledger_to_retry (self), "flagged:256.1.1");
    /* It may still complete, which decides nothing. */
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                   "get.job.state=2 get.job.open_runs=0 get.runs[1].state=5");
    ledger_pass (self, 5);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_lease (self, "mail"), "256.3.1");
}

/* What KEEP finds says what a worker has of it. */
static void
test_keep_shows_out (void **state)
{
    ledger *self = *state;
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    static const char again[] = "schedule.jobs.type=mail schedule.jobs.key=k "
                                "schedule.jobs.after_us=0";
    for (int on_key = 2; on_key <= 3; on_key++) {
        ledger_expect (
            self,
            ledger_ok (self, ledger_text (self, "%s schedule.on_key=%d", again, on_key)),
            "jobs.items.out=1 jobs.items.out.run=256.1");
    }
    ledger_expect (self, ledger_refused (self, KEY_TAKEN, again),
                   "jobs.items.out=1 jobs.items.out.run=256.1");
}

/* Names cost memory for good, so there is an end to them. */
static void
test_names_end (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5");
    for (int made = 2; made < BF_NAMES;) {
        const char *text = "";
        for (int i = 0; i < BF_JOBS_PER_CALL && made < BF_NAMES; i++, made++) {
            text = i % 50 ? text : bf_arena_string (self->arena, text);
            text = bf_arena_printf (
                self->arena, "%s schedule.jobs[%d].type=t%d schedule.jobs[%d].after_us=5",
                text, i, made, i);
        }
        ledger_ok (self, text);
    }
    self->unchecked = false;
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM name"), BF_NAMES);
    Belfry__V1__Reply *reply =
        ledger_refused (self, LIMIT, "schedule.jobs.type=more schedule.jobs.after_us=5");
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
    ledger_ok (self, "schedule.jobs.type=t2 schedule.jobs.after_us=5");
}

/* The longest of everything in one job, read back as it was sent. */
static void
test_longest (void **state)
{
    ledger *self = *state;
    Belfry__V1__Reply *reply = ledger_ok (
        self, "schedule.jobs.type=*64 schedule.jobs.ns=*64 schedule.jobs.key=*256 "
              "schedule.jobs.payload=*65536 schedule.jobs.content_type=*128 "
              "schedule.jobs.tags=*64 schedule.jobs.after_us=3155760000000000 client=*64 "
              "request_id=*64");
    assert_int_equal (strlen (reply->jobs->items[0]->job->spec->key), BF_KEY_BYTES);
    reply = ledger_ok (self, "get.job.id=256 get.with_payload=1");
    ledger_expect (self, reply, "get.job.spec.payload=65536");
    reply = ledger_refused (self, KEY_TAKEN,
                            "schedule.jobs.type=x schedule.jobs.ns=*64 "
                            "schedule.jobs.key=*256 schedule.jobs.after_us=5");
    assert_non_null (strstr (reply->text, "choose keep or replace, or another key"));
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_one),
        TEST (test_event),
        TEST (test_thousand),
        TEST (test_large_answer),
        TEST (test_all_or_none),
        TEST (test_keep),
        TEST (test_replace),
        TEST (test_throttle),
        TEST (test_throttle_keeps_an_open_job),
        TEST (test_debounce),
        TEST (test_replace_changes_clock),
        TEST (test_replace_changes_queue),
        TEST (test_unchanged),
        TEST (test_unchanged_over_a_whole_row),
        TEST (test_past_and_taken),
        TEST (test_past_fires),
        TEST (test_replace_active),
        TEST (test_keep_shows_out),
        TEST (test_names_end),
        TEST (test_longest),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
