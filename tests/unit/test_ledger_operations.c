/* SPDX-License-Identifier: MPL-2.0
 *
 * Commands by filter: what they do to which jobs, in slices, beside others, over restarts
 * and lost batches; how their callers hear of it; and dry runs, which do nothing.
 */
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define BUSY BELFRY__V1__CODE__CODE_BUSY
#define DISK_FULL BELFRY__V1__CODE__CODE_DISK_FULL
#define REUSED BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED

/* Calls, and goes on until it is answered: that reply. */
static Belfry__V1__Reply *
bulk (ledger *self, const char *text)
{
    ledger_begin (self);
    uint64_t call = ledger_put (self, text);
    ledger_commit (self);
    Belfry__V1__Reply *reply = ledger_reply (self, call);
    while (!reply && ledger_slice (self)) {
        reply = ledger_reply (self, call);
    }
    if (!reply) {
        fail_msg ("no reply to %s", text);
    }
    return reply;
}

/* Calls without waiting; no reply comes at once. */
static uint64_t
begin (ledger *self, const char *text)
{
    ledger_begin (self);
    uint64_t call = ledger_put (self, text);
    ledger_commit (self);
    assert_null (ledger_reply (self, call));
    return call;
}

static void
expect_bulk (ledger *self, Belfry__V1__Reply *reply, const char *text)
{
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_BULK);
    ledger_expect (self, reply, text);
}

/* Jobs of this type, due in an hour. */
static void
make (ledger *self, const char *type, int count, const char *more)
{
    const char *many = "";
    for (int i = 0; i < count; i++) {
        many = bf_arena_printf (self->arena,
                                "%s schedule.jobs[%d].type=%s "
                                "schedule.jobs[%d].after_us=3600000000",
                                many, i, type, i);
        assert_non_null (many);
        if (more[0]) {
            many = bf_arena_printf (self->arena, "%s schedule.jobs[%d].%s", many, i, more);
            assert_non_null (many);
        }
    }
    ledger_ok (self, many);
}

static int64_t
in_state (ledger *self, int state)
{
    return ledger_number (
        self, ledger_text (self, "SELECT count (*) FROM job WHERE state = %d", state));
}

/* 256 mail [x] scheduled, 512 mail [x y] paused, 768 call [x] recurring, 1024 mail active
 * with a leased run, 1280 mail cancelled, 1536 mail dead with one dead run and one of an
 * extra run, 1792 mail completed. */
static void
make_each (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.tags=x schedule.jobs.key=k1 "
                     "schedule.jobs.after_us=3600000000");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.tags=x schedule.jobs.tags=y "
                     "schedule.jobs.key=k2 schedule.jobs.after_us=3600000000");
    ledger_ok (self, "pause.job.id=512");
    ledger_ok (self, "schedule.jobs.type=call schedule.jobs.tags=x "
                     "schedule.jobs.every.interval_us=3600000000");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=3600000000");
    ledger_ok (self, "cancel.job.id=1280");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                     "schedule.jobs.retry.max_attempts=1");
    ledger_ok (self, "trigger.job.id=1536");
    ledger_fire (self, NULL);
    ledger_ok (self, ledger_text (self, "fail.token=%s", ledger_lease (self, "mail")));
    ledger_ok (self, ledger_text (self, "fail.token=%s", ledger_lease (self, "mail")));
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    ledger_ok (self, ledger_text (self, "complete.token=%s", ledger_lease (self, "mail")));
    assert_string_equal (
        ledger_string (self, "SELECT group_concat (state, ' ') FROM job ORDER BY id"),
        "2 2 2 3 6 5 4");
}

/* Each command, on the seven jobs of make_each. `says` of the BulkReply; `left` are the
 * states of the jobs afterwards. */
static const struct {
    const char *command;
    const char *says;
    const char *left;
} commands[] = {
    {"cancel.filter.all=1", "changed=4 unchanged=0 refused=0 runs=0", "6 6 6 6 6 5 4"},
    {"cancel.filter.tags=x", "changed=3 unchanged=0 refused=0", "6 6 6 3 6 5 4"},
    {"cancel.filter.type=mail cancel.filter.tags=x cancel.filter.tags=y", "changed=1",
     "2 6 2 3 6 5 4"},
    {"cancel.filter.key_prefix=k cancel.filter.ns=default", "changed=2", "6 6 2 3 6 5 4"},
    {"cancel.filter.ns=nobody", "changed=0 examined=0", "2 2 2 3 6 5 4"},
    {"cancel.filter.states=6", "changed=0 unchanged=1 refused=0", "2 2 2 3 6 5 4"},
    {"cancel.filter.states=5 cancel.filter.states=4",
     "changed=0 refused=2 refusals=2 refusals[0].job=1536 refusals[1].job=1792 "
     "refusals[0].code=12",
     "2 2 2 3 6 5 4"},
    {"confirm.filter.type=mail",
     "changed=2 refused=1 refusals[0].job=1024 refusals[0].code=11", "7 7 2 3 6 5 4"},
    {"confirm.filter.type=call", "changed=0 refused=1 refusals[0].code=12",
     "2 2 2 3 6 5 4"},
    {"pause.filter.all=1", "changed=3 unchanged=1 refused=0", "2 2 2 3 6 5 4"},
    {"resume.filter.all=1", "changed=1 unchanged=3 refused=0", "2 2 2 3 6 5 4"},
    {"trigger.filter.all=1", "changed=4 runs=4 refused=0", "2 2 2 3 6 5 4"},
    {"reschedule.filter.all=1 reschedule.at_us=1767299999000000",
     "changed=3 refused=1 refusals[0].job=768 refusals[0].code=4", "2 2 2 2 6 5 4"},
    {"redrive.filter.all=1", "changed=1 runs=2 refused=0", "2 2 2 3 6 3 4"},
    {"redrive.filter.states=4", "changed=0 unchanged=0 refused=0 runs=0", "2 2 2 3 6 5 4"},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

/* "changed=4 refused=0" of a BulkReply. */
static void
expect_says (ledger *self, Belfry__V1__Reply *reply, const char *says)
{
    char *words = bf_arena_string (self->arena, says);
    char *rest = NULL;
    for (char *word = strtok_r (words, " ", &rest); word;
         word = strtok_r (NULL, " ", &rest)) {
        expect_bulk (self, reply, ledger_text (self, "bulk.%s", word));
    }
}

static void
test_commands (void **state)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        ledger_setup (state);
        ledger *self = *state;
        make_each (self);
        Belfry__V1__Reply *reply = bulk (self, commands[i].command);
        expect_says (self, reply, commands[i].says);
        expect_bulk (self, reply,
                     "bulk.done=1 bulk.dry_run=0 bulk.operation=2048 bulk.watermark=2048 "
                     "bulk.cursor=2048 repeated=0");
        const char *left =
            ledger_string (self, "SELECT group_concat (state, ' ') FROM job ORDER BY id");
        if (strcmp (left, commands[i].left) != 0) {
            fail_msg ("%s leaves %s", commands[i].command, left);
        }
        assert_int_equal (ledger_number (self, "SELECT count (*) FROM operation"), 0);
        ledger_teardown (state);
    }
    ledger_setup (state);
}

/* All its dead runs, but for those of a key that is somebody else's now. */
static void
test_redrive (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 2; i++) {
        ledger_ok (self,
                   ledger_text (self,
                                "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                                "schedule.jobs.key=k%d schedule.jobs.retry.max_attempts=1",
                                i));
        for (int run = 0; run < 3; run++) {
            ledger_ok (self, ledger_text (self, "trigger.job.key=k%d", i));
        }
        ledger_fire (self, NULL);
        for (int run = 0; run < 4; run++) {
            ledger_ok (self,
                       ledger_text (self, "fail.token=%s", ledger_lease (self, "mail")));
        }
    }
    assert_int_equal (in_state (self, 5), 2);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5 "
                     "schedule.jobs.key=k0");
    ledger_ok (self, "redrive.run=512.2");
    expect_bulk (self, bulk (self, "redrive.filter.all=1"),
                 "bulk.changed=0 bulk.runs=0 bulk.refused=1 bulk.refusals.job=256 "
                 "bulk.refusals.code=9");
    /* What was not redriven yet. */
    for (int runs = 3; runs >= 0; runs -= 3) {
        expect_bulk (self, bulk (self, "redrive.filter.states=3"),
                     ledger_text (self, "bulk.changed=%d bulk.runs=%d bulk.refused=0",
                                  runs / 3, runs));
    }
    ledger_expect (self, ledger_ok (self, "get.job.id=512"),
                   "get.job.state=3 get.job.runs=8 get.job.open_runs=4");
}

/* The same counts, and nothing of it has happened. */
static void
test_dry_runs (void **state)
{
    ledger *self = *state;
    make_each (self);
    int64_t head = ledger_number (self, "SELECT head_seq FROM meta");
    int64_t answers = ledger_number (self, "SELECT answers FROM meta");
    for (size_t i = 0; i < COMMANDS; i++) {
        size_t verb = strcspn (commands[i].command, ".");
        Belfry__V1__Reply *reply =
            bulk (self, ledger_text (self, "%s %.*s.dry_run=1", commands[i].command,
                                     (int)verb, commands[i].command));
        expect_says (self, reply, commands[i].says);
        expect_bulk (self, reply, "bulk.done=1 bulk.dry_run=1 bulk.operation=0");
    }
    assert_string_equal (
        ledger_string (self, "SELECT group_concat (state, ' ') FROM job ORDER BY id"),
        "2 2 2 3 6 5 4");
    assert_int_equal (ledger_number (self, "SELECT head_seq FROM meta"), head);
    assert_int_equal (ledger_number (self, "SELECT answers FROM meta"), answers);
    assert_int_equal (ledger_number (self, "SELECT next_id FROM meta"), 2048);
}

static void
test_dry_run_of_one (void **state)
{
    ledger *self = *state;
    make_each (self);
    static const struct {
        const char *command;
        const char *says;
    } rows[] = {
        {"cancel.job.id=256 cancel.dry_run=1", "changed=1 refused=0"},
        {"cancel.job.id=1280 cancel.dry_run=1", "changed=0 unchanged=1"},
        {"cancel.job.id=1792 cancel.dry_run=1",
         "changed=0 refused=1 refusals.job=1792 refusals.code=12"},
        {"confirm.job.key=k1 confirm.dry_run=1", "changed=1"},
        {"confirm.job.key=nope confirm.dry_run=1", "refused=1 refusals.code=8"},
        {"pause.job.id=256 pause.dry_run=1", "changed=1"},
        {"resume.job.id=512 resume.dry_run=1", "changed=1"},
        {"trigger.job.id=256 trigger.dry_run=1", "changed=1 runs=1"},
        {"trigger.job.id=256 trigger.if_version=9 trigger.dry_run=1",
         "refused=1 refusals.code=19"},
        {"redrive.run=1536.1 redrive.dry_run=1", "changed=1 runs=1"},
        {"redrive.run=1024 redrive.dry_run=1", "refused=1 refusals.job=1024"},
        {"reschedule.job.id=256 reschedule.after_us=1 reschedule.dry_run=1", "changed=1"},
    };
    int64_t head = ledger_number (self, "SELECT head_seq FROM meta");
    int64_t answers = ledger_number (self, "SELECT answers FROM meta");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Belfry__V1__Reply *reply = ledger_ok (self, rows[i].command);
        expect_says (self, reply, rows[i].says);
        expect_bulk (self, reply, "bulk.done=1 bulk.dry_run=1 bulk.operation=0");
        assert_string_equal (ledger_to_clock (self), "");
    }
    assert_int_equal (ledger_number (self, "SELECT head_seq FROM meta"), head);
    assert_int_equal (ledger_number (self, "SELECT answers FROM meta"), answers);
}

/* Others come in between the slices, and see what is done so far; what they make is not
 * touched. */
static void
test_slices (void **state)
{
    ledger *self = *state;
    make (self, "a", 250, "");
    uint64_t call = begin (self, "cancel.filter.type=a cancel.reason=over");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"), "get.job.state=2");
    assert_true (ledger_slice (self));
    assert_int_equal (in_state (self, 6), 100);
    assert_null (ledger_reply (self, call));
    assert_string_equal (ledger_event (self, "job.cancelled")->reason, "over");
    make (self, "a", 10, "");
    /* One of them is gone before it is looked at. */
    ledger_ok (self, "cancel.job.id=64000");
    assert_true (ledger_slice (self));
    assert_int_equal (in_state (self, 6), 201);
    assert_true (ledger_slice (self));
    assert_int_equal (in_state (self, 6), 250);
    /* To be sure that nothing follows takes one more look, at most. */
    Belfry__V1__Reply *reply = ledger_reply (self, call);
    while (!reply) {
        assert_true (ledger_slice (self));
        reply = ledger_reply (self, call);
    }
    expect_bulk (self, reply, "bulk.changed=249 bulk.unchanged=0 bulk.done=1");
    assert_int_equal (in_state (self, 2), 10);
    assert_false (ledger_slice (self));
}

/* A caller hears after a second how far it is, asks again, and gets the end; a repeat of
 * that gets it again. */
static void
test_patience (void **state)
{
    ledger *self = *state;
    make (self, "a", 350, "");
    uint64_t call = begin (self, "request_id=r1 cancel.filter.type=a");
    ledger_slice (self);
    ledger_pass (self, BF_SECOND_US - 1);
    ledger_slice (self);
    assert_null (ledger_reply (self, call));
    ledger_pass (self, 1);
    assert_true (ledger_slice (self));
    Belfry__V1__Reply *reply = ledger_reply (self, call);
    assert_non_null (reply);
    expect_bulk (self, reply, "bulk.done=0 bulk.changed=200 bulk.cursor=51200 repeated=0");
    /* Nobody waits: it is not told again. */
    call = begin (self, "request_id=r1 cancel.filter.type=a");
    while (ledger_slice (self) && !ledger_reply (self, call)) {
    }
    reply = ledger_reply (self, call);
    assert_non_null (reply);
    expect_bulk (self, reply, "bulk.done=1 bulk.changed=350 repeated=0");
    uint64_t seq = reply->seq;
    ledger_ok (self, "schedule.jobs.type=b schedule.jobs.after_us=5");
    reply = ledger_ok (self, "request_id=r1 cancel.filter.type=a");
    expect_bulk (self, reply,
                 "bulk.done=1 bulk.changed=350 bulk.operation=89856 repeated=1");
    assert_int_equal (reply->seq, seq);
    ledger_refused (self, REUSED, "request_id=r1 cancel.filter.type=b");
}

/* The same call once more takes the way back over: the older one is forgotten. */
static void
test_way_back (void **state)
{
    ledger *self = *state;
    make (self, "a", 150, "");
    uint64_t first = begin (self, "request_id=r1 cancel.filter.type=a");
    ledger_begin (self);
    uint64_t second = ledger_put (self, "request_id=r1 cancel.filter.type=a");
    ledger_commit (self);
    const bf_outcome *outcome = bf_ledger_outcome (self->ledger);
    assert_int_equal (outcome->gateway.count, 1);
    const Belfry__Internal__GatewayItem *item = outcome->gateway.items[0];
    assert_int_equal (item->answer->call, first);
    assert_int_equal (item->answer->reply.len, 0);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM operation"), 1);
    ledger_refused (self, REUSED, "request_id=r1 cancel.filter.type=b");
    ledger_refused (self, REUSED, "request_id=r1 pause.job.id=256");
    Belfry__V1__Reply *reply = NULL;
    while (!reply && ledger_slice (self)) {
        assert_null (ledger_reply (self, first));
        reply = ledger_reply (self, second);
    }
    assert_non_null (reply);
    expect_bulk (self, reply, "bulk.changed=150 bulk.done=1");
}

/* A kill between two slices: it goes on, and whoever asks again gets the same end. */
static void
test_restart (void **state)
{
    ledger *self = *state;
    make (self, "a", 250, "");
    begin (self, "request_id=r1 confirm.filter.type=a confirm.filter.states=2 "
                 "confirm.filter.states=6");
    ledger_ok (self, "cancel.job.id=512");
    ledger_ok (self, "cancel.job.id=64000");
    ledger_slice (self);
    int64_t done = in_state (self, 7);
    assert_in_range (done, 50, 150);
    for (int crash = 0; crash < 2; crash++) {
        ledger_reopen (self, crash);
        assert_int_equal (in_state (self, 7), done);
        assert_int_equal (ledger_number (self, "SELECT count (*) FROM operation"), 1);
    }
    ledger_refused (self, REUSED, "request_id=r1 cancel.job.id=256");
    uint64_t call = begin (self, "request_id=r1 confirm.filter.type=a "
                                 "confirm.filter.states=2 confirm.filter.states=6");
    ledger_reopen (self, true);
    ledger_tend (self);
    assert_null (ledger_reply (self, call));
    Belfry__V1__Reply *reply =
        ledger_ok (self, "request_id=r1 confirm.filter.type=a confirm.filter.states=2 "
                         "confirm.filter.states=6");
    expect_bulk (
        self, reply,
        "bulk.done=1 bulk.changed=248 bulk.refused=2 bulk.examined=250 repeated=1");
}

/* The refusals that were kept come back, too; only the first ten are. */
static void
test_refusals_over_a_restart (void **state)
{
    ledger *self = *state;
    make (self, "a", 150, "key=");
    ledger_ok (self, "schedule.jobs.type=a schedule.jobs.every.interval_us=3600000000");
    uint64_t last = 151 * 256;
    bulk (self, "cancel.filter.type=a cancel.filter.states=2 cancel.filter.key_prefix=no");
    /* Cancelled jobs refuse a pause. */
    bulk (self, "cancel.filter.type=a");
    begin (self, "request_id=r1 pause.filter.states=6");
    ledger_slice (self);
    ledger_reopen (self, true);
    ledger_tend (self);
    Belfry__V1__Reply *reply = ledger_ok (self, "request_id=r1 pause.filter.states=6");
    expect_bulk (self, reply,
                 "bulk.done=1 bulk.changed=0 bulk.refused=151 bulk.refusals=10 "
                 "bulk.refusals[0].job=256 bulk.refusals[9].job=2560 "
                 "bulk.refusals[9].code=12");
    assert_non_null (strstr (reply->bulk->refusals[9]->text, "job 2560 is cancelled"));
    ledger_expect (
        self,
        ledger_ok (self, ledger_text (self, "get.job.id=%llu", (unsigned long long)last)),
        "get.job.state=6 get.job.paused=0");
}

/* A batch that is lost takes back what it had begun, done and answered. */
static void
test_lost_batches (void **state)
{
    ledger *self = *state;
    bf_error error = {0};
    make (self, "a", 150, "");
    ledger_begin (self);
    ledger_put (self, "request_id=r1 cancel.filter.type=a");
    bf_ledger_rollback (self->ledger);
    assert_false (ledger_slice (self));
    uint64_t call = begin (self, "request_id=r1 cancel.filter.type=a");
    Belfry__V1__Reply *reply = NULL;
    for (int i = 0; !reply && i < 10; i++) {
        assert_int_equal (bf_ledger_begin (self->ledger, self->now, &error), BF_OK);
        assert_int_equal (bf_ledger_tend (self->ledger, &error), BF_OK);
        bf_ledger_rollback (self->ledger);
        assert_true (ledger_slice (self));
        reply = ledger_reply (self, call);
    }
    assert_non_null (reply);
    expect_bulk (self, reply, "bulk.done=1 bulk.changed=150 bulk.examined=150");
    assert_int_equal (in_state (self, 6), 150);
    assert_false (ledger_slice (self));
}

/* In turn: neither waits for the other's end. */
static void
test_in_turn (void **state)
{
    ledger *self = *state;
    make (self, "a", 300, "");
    make (self, "b", 300, "");
    begin (self, "cancel.filter.type=a");
    begin (self, "pause.filter.type=b");
    for (int i = 0; i < 4; i++) {
        assert_true (ledger_slice (self));
    }
    assert_int_equal (in_state (self, 6), 200);
    assert_int_equal (ledger_number (self, "SELECT sum (paused) FROM job"), 200);
    ledger_tend (self);
    assert_int_equal (in_state (self, 6), 300);
    assert_int_equal (ledger_number (self, "SELECT sum (paused) FROM job"), 300);
}

static void
test_busy (void **state)
{
    ledger *self = *state;
    make (self, "a", 1, "");
    for (int i = 0; i < BF_OPERATIONS; i++) {
        begin (self, ledger_text (self, "request_id=r%d pause.filter.type=a", i));
    }
    ledger_refused (self, BUSY, "request_id=more pause.filter.type=a");
    ledger_refused (self, BUSY, "request_id=dry pause.filter.type=a pause.dry_run=1");
    /* One that is under way may be asked about, and one job is no operation. */
    begin (self, "request_id=r7 pause.filter.type=a");
    ledger_ok (self, "pause.job.id=256");
    ledger_tend (self);
    expect_bulk (self, bulk (self, "request_id=more pause.filter.type=a"),
                 "bulk.unchanged=1");
}

/* Prune goes on, the rest waits for room; and its callers do not wait for it. A single
 * Cancel still goes through. */
static void
test_disk_full (void **state)
{
    ledger *self = *state;
    make (self, "a", 5, "");
    make (self, "b", 5, "");
    ledger_ok (self, "cancel.job.id=256");
    ledger_pass (self, BF_SECOND_US);
    uint64_t waits = begin (self, "cancel.filter.type=b");
    uint64_t frees = begin (self, "prune.finals_us=1");
    bf_ledger_set_scarce (self->ledger, true);
    static const char *const refused[] = {"resume", "cancel", "confirm", "pause",
                                          "trigger"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        ledger_refused (self, DISK_FULL,
                        ledger_text (self, "%s.filter.type=a", refused[i]));
    }
    ledger_ok (self, "cancel.job.id=512");
    while (ledger_slice (self) && !ledger_reply (self, frees)) {
    }
    expect_bulk (self, ledger_reply (self, frees), "bulk.done=1 bulk.changed=1");
    assert_false (ledger_slice (self));
    assert_int_equal (in_state (self, 6), 1);
    ledger_pass (self, BF_SECOND_US);
    assert_true (ledger_slice (self));
    expect_bulk (self, ledger_reply (self, waits), "bulk.done=0 bulk.changed=0");
    assert_false (ledger_slice (self));
    expect_bulk (self, bulk (self, "prune.finals_us=1"), "bulk.changed=1");
    bf_ledger_set_scarce (self->ledger, false);
    assert_true (ledger_slice (self));
    assert_int_equal (in_state (self, 6), 5);
}

/* A dry run is asked about like the real one, and forgotten when nobody does. */
static void
test_dry_run_in_slices (void **state)
{
    ledger *self = *state;
    const char *text = "request_id=r1 cancel.filter.type=a cancel.dry_run=1";
    make (self, "a", 250, "");
    uint64_t call = begin (self, text);
    ledger_slice (self);
    ledger_pass (self, BF_SECOND_US);
    ledger_slice (self);
    expect_bulk (self, ledger_reply (self, call), "bulk.done=0 bulk.dry_run=1");
    /* It is done while nobody waits, and says so to whoever comes. */
    ledger_tend (self);
    expect_bulk (self, ledger_ok (self, text), "bulk.done=1 bulk.changed=250 repeated=0");
    /* And is forgotten then: the next one begins. */
    begin (self, text);
    ledger_tend (self);
    begin (self, text);
    ledger_slice (self);
    ledger_pass (self, BF_SECOND_US);
    ledger_tend (self);
    bf_boot next = bf_ledger_next_tend (self->ledger);
    assert_true (next.us > self->now.boot.us);
    ledger_pass (self, BF_MINUTE_US);
    ledger_tend (self);
    begin (self, text);
    ledger_reopen (self, true);
    assert_int_equal (ledger_tend (self), 0);
    assert_int_equal (in_state (self, 2), 250);
}

/* A claim may use the same request_id meanwhile: nothing breaks. */
static void
test_claim_of_the_same_name (void **state)
{
    ledger *self = *state;
    make (self, "a", 150, "");
    ledger_ok (self, "schedule.jobs.type=work schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    begin (self, "client=c request_id=r1 cancel.filter.type=a");
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, "claim.types=work");
    claim->client = bf_arena_string (self->arena, "c");
    claim->request_id = bf_arena_string (self->arena, "r1");
    assert_non_null (ledger_grant (self, claim));
    ledger_tend (self);
    assert_int_equal (in_state (self, 6), 150);
    ledger_refused (self, REUSED, "client=c request_id=r1 cancel.filter.type=a");
}

#define IN_LEDGER(test) \
    cmocka_unit_test_setup_teardown (test, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_commands, NULL, ledger_teardown),
        IN_LEDGER (test_redrive),
        IN_LEDGER (test_dry_runs),
        IN_LEDGER (test_dry_run_of_one),
        IN_LEDGER (test_slices),
        IN_LEDGER (test_patience),
        IN_LEDGER (test_way_back),
        IN_LEDGER (test_restart),
        IN_LEDGER (test_refusals_over_a_restart),
        IN_LEDGER (test_lost_batches),
        IN_LEDGER (test_in_turn),
        IN_LEDGER (test_busy),
        IN_LEDGER (test_disk_full),
        IN_LEDGER (test_dry_run_in_slices),
        IN_LEDGER (test_claim_of_the_same_name),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
