/* SPDX-License-Identifier: MPL-2.0
 *
 * The command Prune: what an operator takes away before its time, in slices, by filter, and
 * as a dry run.
 */
#include <inttypes.h>

#include "persist/database.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define OK BELFRY__V1__CODE__CODE_OK

/* Calls, and goes on until it is answered. */
static Belfry__V1__Reply *
prune (ledger *self, const char *text)
{
    ledger_begin (self);
    uint64_t call = ledger_put (self, text);
    ledger_commit (self);
    Belfry__V1__Reply *reply = ledger_reply (self, call);
    while (!reply && ledger_slice (self)) {
        reply = ledger_reply (self, call);
    }
    if (!reply || reply->code != OK) {
        fail_msg ("%s: %s", text, reply ? reply->text : "no reply");
    }
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_BULK);
    return reply;
}

/* A job of this type that ended now; `more` of its definition. */
static uint64_t
make_final (ledger *self, const char *type, const char *more)
{
    Belfry__V1__Reply *reply = ledger_ok (
        self,
        ledger_text (self, "schedule.jobs.type=%s schedule.jobs.after_us=3600000000 %s",
                     type, more));
    uint64_t id = reply->jobs->items[0]->job->id;
    ledger_ok (self, ledger_text (self, "cancel.job.id=%" PRIu64, id));
    return id;
}

static const char *
jobs_left (ledger *self)
{
    return ledger_string (self, "SELECT group_concat (id, ' ') FROM job ORDER BY id");
}

static int64_t
rows_of (ledger *self, const char *table)
{
    return ledger_number (self, ledger_text (self, "SELECT count (*) FROM %s", table));
}

/* 256 mail an hour old, 512 call an hour old, 768 mail of now, 1024 open. */
static void
make_four (ledger *self)
{
    make_final (self, "mail", "");
    make_final (self, "call", "schedule.jobs.key=k1");
    ledger_pass (self, BF_HOUR_US);
    make_final (self, "mail", "schedule.jobs.key=k2");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=3600000000");
}

typedef struct {
    const char *text;
    const char *says;
    const char *left;
} filter_case;

static const filter_case filters[] = {
    {"prune.finals_us=1800000000", "bulk.changed=2", "768 1024"},
    {"prune.finals_us=1800000000 prune.filter.all=1", "bulk.changed=2", "768 1024"},
    {"prune.finals_us=1800000000 prune.filter.type=mail", "bulk.changed=1", "512 768 1024"},
    {"prune.finals_us=1800000000 prune.filter.type=none", "bulk.changed=0",
     "256 512 768 1024"},
    {"prune.finals_us=1800000000 prune.filter.key_prefix=k", "bulk.changed=1",
     "256 768 1024"},
    {"prune.finals_us=1800000000 prune.filter.states=5", "bulk.changed=0",
     "256 512 768 1024"},
    {"prune.finals_us=1800000000 prune.filter.states=6", "bulk.changed=2", "768 1024"},
    {"prune.finals_us=3600000000", "bulk.changed=2", "768 1024"},
    {"prune.finals_us=3600000001", "bulk.changed=0", "256 512 768 1024"},
    /* An open job is nobody's to prune. */
    {"prune.finals_us=1 prune.filter.states=2",
     "bulk.changed=0 bulk.refused=1 bulk.refusals.job=1024", "256 512 768 1024"},
    {"prune.events_us=1", "bulk.changed=0 bulk.events=5 bulk.examined=0",
     "256 512 768 1024"},
    {"prune.events_us=1 prune.finals_us=1800000000", "bulk.changed=2 bulk.events=5",
     "768 1024"},
};

static void
test_filters (void **state)
{
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        void *fixture = NULL;
        assert_int_equal (ledger_setup (&fixture), 0);
        ledger *self = fixture;
        make_four (self);
        Belfry__V1__Reply *reply = prune (self, filters[i].text);
        ledger_expect (self, reply, filters[i].says);
        ledger_expect (self, reply, "bulk.done=1 bulk.unchanged=0");
        assert_string_equal (jobs_left (self), filters[i].left);
        assert_int_equal (ledger_teardown (&fixture), 0);
    }
    (void)state;
}

/* It does nothing, and says what the command would then do. */
static void
test_dry_run (void **state)
{
    ledger *self = *state;
    make_four (self);
    for (int i = 0; i < 1500; i++) {
        self->unchecked = true;
        ledger_ok (self, i % 2 ? "resume.job.id=1024" : "pause.job.id=1024");
    }
    self->unchecked = false;
    ledger_pass (self, BF_HOUR_US);
    int64_t head = ledger_number (self, "SELECT head_seq FROM meta");
    const char *said = "bulk.changed=3 bulk.runs=0 bulk.events=1508 bulk.done=1";
    ledger_expect (
        self, prune (self, "prune.finals_us=1 prune.events_us=1 prune.dry_run=1"), said);
    assert_int_equal (ledger_number (self, "SELECT head_seq FROM meta"), head);
    assert_int_equal (rows_of (self, "event"), head);
    assert_string_equal (jobs_left (self), "256 512 768 1024");
    ledger_expect (self, prune (self, "prune.finals_us=1 prune.events_us=1"), said);
    assert_string_equal (jobs_left (self), "1024");
}

/* Runs are counted, and a job with many of them takes many slices; others come between. */
static void
test_slices (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.delivery=2 "
                     "schedule.jobs.after_us=3600000000");
    self->unchecked = true;
    for (int i = 0; i < 450; i++) {
        ledger_ok (self, "trigger.job.id=256");
    }
    ledger_ok (self, "cancel.job.id=256");
    for (int i = 0; i < 100; i++) {
        make_final (self, "call", "");
    }
    self->unchecked = false;
    ledger_pass (self, BF_SECOND_US);
    ledger_expect (self, prune (self, "prune.finals_us=1 prune.dry_run=1"),
                   "bulk.changed=101 bulk.runs=450");
    ledger_begin (self);
    uint64_t call = ledger_put (self, "request_id=it prune.finals_us=1");
    ledger_commit (self);
    size_t slices = 0;
    while (rows_of (self, "job") > 1 || rows_of (self, "run") > 0) {
        assert_true (ledger_slice (self));
        assert_string_equal (ledger_event (self, "job.pruned")->type, "");
        if (++slices == 1) {
            make_final (self, "late", "");
        }
        if (slices == 2) {
            ledger_reopen (self, true);
        }
        assert_in_range (slices, 1, 10);
    }
    assert_in_range (slices, 3, 10);
    ledger_tend (self);
    assert_null (ledger_reply (self, call));
    ledger_expect (self, ledger_ok (self, "request_id=it prune.finals_us=1"),
                   "bulk.changed=101 bulk.runs=450 bulk.done=1");
    /* The one that was made meanwhile is still there. */
    ledger_expect (self, ledger_ok (self, "list.type=late"), "list.jobs=1");
}

/* A dry run counts a job's runs in slices, too. */
static void
test_dry_run_in_slices (void **state)
{
    enum { RUNS = 22000, PER_SLICE = 5000 };
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.delivery=2 "
                     "schedule.jobs.after_us=3600000000");
    ledger_ok (self, "trigger.job.id=256");
    ledger_ok (self, "cancel.job.id=256");
    make_final (self, "call", "");
    ledger_pass (self, BF_SECOND_US);
    sqlite3 *db = bf_database_handle (bf_ledger_database (self->ledger));
    const char *copy = ledger_text (
        self,
        "CREATE TEMP TABLE one AS SELECT * FROM run; CREATE TEMP TRIGGER more "
        "AFTER UPDATE ON one BEGIN INSERT INTO run SELECT * FROM one; END; "
        "CREATE TEMP TABLE n AS WITH RECURSIVE c (i) AS (SELECT 2 UNION ALL "
        "SELECT i + 1 FROM c WHERE i < %d) SELECT i FROM c; CREATE TEMP TRIGGER "
        "each AFTER DELETE ON n BEGIN UPDATE one SET ordinal = OLD.i; END; "
        "DELETE FROM n WHERE 1",
        RUNS);
    assert_int_equal (sqlite3_exec (db, copy, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal (rows_of (self, "run"), RUNS);
    self->unchecked = true;
    const char *text = "request_id=it prune.finals_us=1 prune.dry_run=1";
    ledger_begin (self);
    uint64_t call = ledger_put (self, text);
    ledger_commit (self);
    for (int slices = 0; slices < RUNS / PER_SLICE; slices++) {
        assert_true (ledger_slice (self));
        assert_null (ledger_reply (self, call));
    }
    Belfry__V1__Reply *reply = NULL;
    while (!reply && ledger_slice (self)) {
        reply = ledger_reply (self, call);
    }
    assert_non_null (reply);
    ledger_expect (self, reply, "bulk.changed=2 bulk.runs=22000 bulk.done=1");
}

/* What a worker has still is refused, and named. */
static void
test_leased (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    ledger_ok (self, "cancel.job.id=256");
    make_final (self, "mail", "");
    ledger_pass (self, BF_SECOND_US);
    for (int dry = 1; dry >= 0; dry--) {
        ledger_expect (
            self,
            prune (self, ledger_text (self, "prune.finals_us=1 prune.dry_run=%d", dry)),
            "bulk.changed=1 bulk.refused=1 bulk.refusals.job=256 bulk.refusals.code=12");
    }
    assert_string_equal (jobs_left (self), "256");
}

/* Ages count up to its beginning, and its own events are no part of it. */
static void
test_events (void **state)
{
    ledger *self = *state;
    make_four (self);
    ledger_expect (self, prune (self, "prune.events_us=1800000000"), "bulk.events=5");
    ledger_expect (self, ledger_ok (self, "status"), "status.oldest_seq=6");
    ledger_expect (self, ledger_ok (self, "history.kinds=log.pruned"),
                   "events.events=1 events.events.pruned.first_seq=1 "
                   "events.events.pruned.last_seq=5");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_filters), TEST (test_dry_run), TEST (test_slices),
        TEST (test_dry_run_in_slices),   TEST (test_leased),  TEST (test_events),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
