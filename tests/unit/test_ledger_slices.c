/* SPDX-License-Identifier: MPL-2.0
 *
 * What one slice of a command by filter may do at most, where a single job is more than
 * that: dead runs without number, which are redriven one by one over many slices while
 * others come in between. And that a slice which keeps nothing costs no commit.
 */
#include <inttypes.h>

#include "messages/limits.h"
#include "persist/database.h"
#include "persist/ledger/sql.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define AT_ONCE 100
#define SLICE_REDRIVES 50

#define LIMIT "6"
#define WRONG_STATE "12"

/* Starts the command, whose answer is asked for later. */
static void
begin (ledger *self, const char *text)
{
    ledger_begin (self);
    ledger_put (self, text);
    ledger_commit (self);
}

/* The answer of one that was begun, or begins here. */
static Belfry__V1__Reply *
end (ledger *self, const char *text)
{
    ledger_begin (self);
    uint64_t call = ledger_put (self, text);
    ledger_commit (self);
    Belfry__V1__Reply *reply = ledger_reply (self, call);
    while (!reply && ledger_slice (self)) {
        reply = ledger_reply (self, call);
    }
    assert_non_null (reply);
    return reply;
}

/* What workers have, up to AT_ONCE runs, ends so: "fail", "complete". */
static size_t
settle (ledger *self, const char *how)
{
    Belfry__V1__Reply *reply = ledger_grant (
        self,
        ledger_claim (self, ledger_text (self, "claim.types=work claim.max=%d", AT_ONCE)));
    const char *many = "";
    size_t count = reply ? reply->claim->n_leases : 0;
    for (size_t i = 0; i < count; i++) {
        many = bf_arena_printf (self->arena, "%s batch.items[%zu].%s.token=%s", many, i,
                                how, reply->claim->leases[i]->token);
        assert_non_null (many);
    }
    if (count > 0) {
        ledger_ok (self, many);
    }
    return count;
}

/* Job 256, which is dead with so many dead runs: a multiple of AT_ONCE. */
static void
make_dead (ledger *self, int runs)
{
    self->unchecked = true;
    ledger_ok (self, "schedule.jobs.type=work schedule.jobs.after_us=0 "
                     "schedule.jobs.retry.max_attempts=1");
    int triggered = runs - 1;
    while (triggered > 0) {
        const char *many = "";
        for (int i = 0; i < AT_ONCE && triggered > 0; i++, triggered--) {
            many = bf_arena_printf (self->arena, "%s batch.items[%d].trigger.job.id=256",
                                    many, i);
            assert_non_null (many);
        }
        ledger_ok (self, many);
        if (triggered > 0) {
            settle (self, "fail");
        }
    }
    ledger_fire (self, NULL);
    while (settle (self, "fail") > 0) {
    }
    ledger_expect (
        self, ledger_ok (self, "get.job.id=256"),
        ledger_text (self, "get.job.state=5 get.job.open_runs=0 get.job.runs=%d", runs));
}

static int64_t
redriven (ledger *self)
{
    return ledger_number (self, "SELECT count (*) FROM run WHERE redriven_by > 0");
}

/* A slice, which redrives no more than it may. */
static bool
slice (ledger *self)
{
    int64_t before = redriven (self);
    bool done_any = ledger_slice (self);
    assert_in_range (redriven (self) - before, 0, SLICE_REDRIVES);
    return done_any;
}

/* One job with more dead runs than may be open: up to that many, and one refusal; a dry run
 * knows it before. */
static void
test_limit (void **state)
{
    ledger *self = *state;
    make_dead (self, BF_OPEN_RUNS + AT_ONCE);
    const char *says = "bulk.done=1 bulk.changed=1 bulk.runs=1000 bulk.refused=1 "
                       "bulk.refusals=1 bulk.refusals.job=256 bulk.refusals.code=" LIMIT;
    ledger_expect (self, end (self, "redrive.filter.all=1 redrive.dry_run=1"), says);
    assert_int_equal (redriven (self), 0);
    begin (self, "request_id=r redrive.filter.all=1");
    while (slice (self)) {
    }
    ledger_expect (self, end (self, "request_id=r redrive.filter.all=1"), says);
    assert_int_equal (redriven (self), BF_OPEN_RUNS);
    /* Those that are left are still there to be redriven. */
    while (settle (self, "complete") > 0) {
    }
    ledger_expect (self,
                   end (self, "redrive.filter.states=3 redrive.filter.states=4 "
                              "redrive.filter.states=5"),
                   "bulk.changed=1 bulk.runs=100 bulk.refused=0");
    ledger_check (self);
}

/* Where workers keep up with it, all of them, and over kills. */
static void
test_all (void **state)
{
    ledger *self = *state;
    make_dead (self, BF_OPEN_RUNS + AT_ONCE);
    begin (self, "request_id=r redrive.filter.all=1");
    for (int i = 0; slice (self); i++) {
        settle (self, "complete");
        if (i % 5 == 2) {
            int64_t before = redriven (self);
            ledger_reopen (self, true);
            assert_int_equal (redriven (self), before);
        }
    }
    ledger_expect (self, end (self, "request_id=r redrive.filter.all=1"),
                   "bulk.done=1 bulk.changed=1 bulk.runs=1100 bulk.refused=0 "
                   "bulk.examined=1");
    assert_int_equal (redriven (self), BF_OPEN_RUNS + AT_ONCE);
    ledger_check (self);
}

/* What dies again meanwhile is not for it, so that it ends. */
static void
test_dead_again (void **state)
{
    ledger *self = *state;
    make_dead (self, 2 * AT_ONCE);
    ledger_ok (self, "schedule.jobs.type=other schedule.jobs.after_us=0");
    begin (self, "request_id=r redrive.filter.all=1");
    size_t slices = 0;
    while (slice (self)) {
        while (settle (self, "fail") > 0) {
        }
        assert_in_range (++slices, 1, 10);
    }
    ledger_expect (self, end (self, "request_id=r redrive.filter.all=1"),
                   "bulk.done=1 bulk.changed=1 bulk.runs=200 bulk.refused=0");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"), "get.job.runs=400");
    ledger_check (self);
}

/* The job is somebody else's meanwhile: cancelled, it refuses; pruned, it is passed over.
 */
static void
test_lost_job (void **state)
{
    for (int pruned = 0; pruned < 2; pruned++) {
        ledger_setup (state);
        ledger *self = *state;
        make_dead (self, AT_ONCE);
        begin (self, "request_id=r redrive.filter.all=1");
        assert_true (slice (self));
        ledger_ok (self, "cancel.job.id=256");
        ledger_pass (self, BF_SECOND_US);
        const char *says = "bulk.refused=1 bulk.refusals.code=" WRONG_STATE;
        if (pruned) {
            begin (self, "prune.finals_us=1");
            assert_true (ledger_slice (self));
            assert_int_equal (ledger_number (self, "SELECT count (*) FROM run"), 0);
            says = "bulk.refused=0";
        }
        Belfry__V1__Reply *reply = end (self, "request_id=r redrive.filter.all=1");
        ledger_expect (self, reply, "bulk.done=1 bulk.changed=1 bulk.runs=50");
        ledger_expect (self, reply, says);
        ledger_teardown (state);
    }
    ledger_setup (state);
}

/* Keys that are too many to be gathered are read for nothing once, not in every slice. */
static void
test_many_keys (void **state)
{
    enum { KEYS = 2200, GATHERED = 2001 };
    ledger *self = *state;
    self->unchecked = true;
    for (int done = 0; done < KEYS; done += AT_ONCE) {
        const char *many = "";
        for (int i = 0; i < AT_ONCE; i++) {
            many = bf_arena_printf (self->arena,
                                    "%s schedule.jobs[%d].type=t schedule.jobs[%d].key=k%d "
                                    "schedule.jobs[%d].after_us=5",
                                    many, i, i, done + i, i);
            assert_non_null (many);
        }
        ledger_ok (self, many);
    }
    Belfry__V1__Reply *reply =
        end (self, "cancel.filter.ns=default cancel.filter.key_prefix=k");
    ledger_expect (self, reply, "bulk.changed=2200");
    assert_in_range (reply->bulk->examined, KEYS, KEYS + GATHERED + AT_ONCE);
    ledger_check (self);
}

/* What the file has been through: another number after each commit. */
static unsigned
version_of (ledger *self)
{
    unsigned version = 0;
    sqlite3 *db = bf_database_handle (bf_ledger_database (self->ledger));
    assert_int_equal (
        sqlite3_file_control (db, "main", SQLITE_FCNTL_DATA_VERSION, &version), SQLITE_OK);
    return version;
}

/* Dry runs write nothing to the disk, by filter or for one job; nor do refusals of them. */
static void
test_dry_runs_commit_nothing (void **state)
{
    ledger *self = *state;
    make_dead (self, AT_ONCE);
    for (int i = 0; i < 150; i++) {
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5");
    }
    static const char *const texts[] = {
        "cancel.filter.all=1 cancel.dry_run=1",
        "redrive.filter.all=1 redrive.dry_run=1",
        "trigger.filter.all=1 trigger.dry_run=1",
        "prune.finals_us=1 prune.events_us=1 prune.dry_run=1",
        "cancel.job.id=512 cancel.dry_run=1",
        "cancel.job.id=7 cancel.dry_run=1",
    };
    unsigned before = version_of (self);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ledger_expect (self, end (self, texts[i]), "bulk.done=1 bulk.dry_run=1");
        assert_int_equal (version_of (self), before);
    }
    /* What is kept beside one, in the same batch, is kept. */
    ledger_begin (self);
    ledger_put (self, "cancel.job.id=512 cancel.dry_run=1");
    ledger_put (self, "cancel.job.id=768");
    ledger_put (self, "cancel.job.id=1024 cancel.dry_run=1");
    ledger_commit (self);
    assert_int_not_equal (version_of (self), before);
    ledger_reopen (self, true);
    ledger_expect (self, ledger_ok (self, "get.job.id=768"), "get.job.state=6");
    ledger_expect (self, ledger_ok (self, "get.job.id=512"), "get.job.state=2");
    /* A refused command is answered from the row of its answer. */
    before = version_of (self);
    ledger_refused (self, BELFRY__V1__CODE__CODE_NOT_FOUND, "request_id=n cancel.job.id=7");
    assert_int_not_equal (version_of (self), before);
    ledger_check (self);
}

/* The dead runs of a job are found without a look at the others. */
static void
test_plan (void **state)
{
    ledger *self = *state;
    sqlite3_stmt *stmt = ledger_query (
        self, ledger_text (self, "EXPLAIN QUERY PLAN %s", bf_sql_texts[SQL_RUN_DEAD]));
    assert_int_equal (sqlite3_step (stmt), SQLITE_ROW);
    assert_string_equal (
        (const char *)sqlite3_column_text (stmt, 3),
        "SEARCH run USING INDEX run_dead (job=? AND ordinal>? AND ordinal<?)");
    assert_int_equal (sqlite3_step (stmt), SQLITE_DONE);
    ledger_query_end (self);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_limit),
        TEST (test_all),
        TEST (test_dead_again),
        cmocka_unit_test_setup_teardown (test_lost_job, NULL, ledger_teardown),
        TEST (test_many_keys),
        TEST (test_dry_runs_commit_nothing),
        TEST (test_plan),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
