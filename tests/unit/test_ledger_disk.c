/* SPDX-License-Identifier: MPL-2.0
 *
 * Batches that are lost: rolled back by hand, or because the disk is full in a statement or
 * at the commit. Memory and tables are as before, and the same batch may come again; what
 * still goes through while the disk is full, and what is told when it no longer is.
 */
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define DISK_FULL BELFRY__V1__CODE__CODE_DISK_FULL

/* A VFS whose log refuses the write that takes writes_left to 0, and all that follow, for
 * want of room. Negative: it never does. */
static long writes_left = -1;
static sqlite3_vfs *plain;
static sqlite3_vfs full;
static sqlite3_io_methods log_methods;
static const sqlite3_io_methods *plain_methods;

static int
full_write (sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    if (writes_left > 0) {
        writes_left--;
    }
    return writes_left == 0 ? SQLITE_FULL : plain_methods->xWrite (file, bytes, size, at);
}

static int
full_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    int rc = plain->xOpen (plain, name, file, flags, out);
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL)) {
        plain_methods = file->pMethods;
        log_methods = *plain_methods;
        log_methods.xWrite = full_write;
        file->pMethods = &log_methods;
    }
    return rc;
}

static int
register_full (void **state)
{
    (void)state;
    plain = sqlite3_vfs_find ("unix-none");
    assert_non_null (plain);
    full = *plain;
    full.zName = "full";
    full.pNext = NULL;
    full.xOpen = full_open;
    assert_int_equal (sqlite3_vfs_register (&full, 0), SQLITE_OK);
    return 0;
}

static int
setup (void **state)
{
    writes_left = -1;
    int rc = ledger_setup (state);
    ledger *self = *state;
    self->vfs = "full";
    ledger_reopen (self, false);
    return rc;
}

static int
teardown (void **state)
{
    writes_left = -1;
    return ledger_teardown (state);
}

static bf_err
try_call (ledger *self, const char *text)
{
    bf_error error = {0};
    bf_err rc = bf_ledger_apply (self->ledger, ledger_call_item (self, text), &error);
    assert_int_equal (error.code, rc);
    return rc;
}

static bf_err
try_commit (ledger *self)
{
    bf_error error = {0};
    return bf_ledger_commit (self->ledger, &error);
}

/* Everything that can be seen of the tables, as one number for each. */
static const char *
picture (ledger *self)
{
    return ledger_string (
        self,
        "SELECT group_concat (x, ' ') FROM (SELECT count (*) || ':' || "
        "total (last_seq) AS x FROM job UNION ALL SELECT count (*) || ':' || "
        "total (last_seq + state) FROM run UNION ALL SELECT count (*) FROM event "
        "UNION ALL SELECT count (*) FROM answer UNION ALL SELECT count (*) FROM name "
        "UNION ALL SELECT count (*) FROM queue UNION ALL SELECT count (*) || ':' || "
        "total (seq) FROM topic UNION ALL SELECT next_id || ':' || head_seq || ':' || "
        "open_jobs || ':' || answer_bytes FROM meta)");
}

/* New names, topics, ids and answers, and changes of what is there. */
static const char *const batch[] = {
    "request_id=b0 schedule.jobs.type=fresh schedule.jobs.ns=new schedule.jobs.after_us=5",
    "request_id=b1 schedule.jobs.type=mail schedule.jobs.after_us=5",
    "request_id=b2 cancel.job.key=k",
    "request_id=b3 trigger.job.id=512",
};

static void
make_world (ledger *self)
{
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=5");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5");
}

static void
give_batch (ledger *self)
{
    for (size_t i = 0; i < sizeof batch / sizeof batch[0]; i++) {
        assert_int_equal (try_call (self, batch[i]), BF_OK);
    }
}

/* The batch goes through as if it had never been tried. */
static void
expect_fresh (ledger *self)
{
    ledger_begin (self);
    give_batch (self);
    ledger_commit (self);
    assert_string_equal (
        ledger_kinds (self),
        "job.scheduled job.scheduled job.cancelled job.triggered run.fired");
    assert_string_equal (ledger_to_dispatcher (self), "queue:2:new/fresh ready:1:512.1");
    ledger_expect (self, ledger_reply (self, self->calls - 3),
                   "repeated=0 jobs.items.job.id=768");
    ledger_expect (self, ledger_reply (self, self->calls), "repeated=0 runs.runs=1");
}

static void
test_rollback (void **state)
{
    ledger *self = *state;
    make_world (self);
    const char *before = picture (self);
    for (int i = 0; i < 3; i++) {
        ledger_begin (self);
        give_batch (self);
        bf_ledger_rollback (self->ledger);
        assert_int_equal (bf_ledger_outcome (self->ledger)->gateway.count, 0);
        assert_int_equal (bf_ledger_outcome (self->ledger)->feed.count, 0);
        assert_string_equal (picture (self), before);
        ledger_check (self);
    }
    /* A batch that wrote nothing, and one that did not even begin to. */
    ledger_begin (self);
    bf_ledger_rollback (self->ledger);
    bf_ledger_rollback (self->ledger);
    expect_fresh (self);
}

/* The first write of the commit finds no room, the second, … until there is room for all.
 */
static void
test_full_at_commit (void **state)
{
    ledger *self = *state;
    make_world (self);
    const char *before = picture (self);
    bf_err rc = BF_EDISKFULL;
    long n = 1;
    for (; rc == BF_EDISKFULL; n++) {
        ledger_begin (self);
        give_batch (self);
        writes_left = n;
        rc = try_commit (self);
        writes_left = -1;
        if (rc == BF_EDISKFULL) {
            assert_string_equal (picture (self), before);
            assert_int_equal (bf_ledger_outcome (self->ledger)->gateway.count, 0);
        }
    }
    assert_int_equal (rc, BF_OK);
    assert_true (n > 5);
    ledger_model_hear (self);
    ledger_check (self);
}

/* And from each of these points the daemon goes on: in scarce mode, then as usual. */
static void
test_after_full_commit (void **state)
{
    ledger *self = *state;
    make_world (self);
    ledger_begin (self);
    give_batch (self);
    writes_left = 1;
    assert_int_equal (try_commit (self), BF_EDISKFULL);
    writes_left = -1;
    bf_ledger_set_scarce (self->ledger, true);
    assert_true (bf_ledger_is_scarce (self->ledger));
    ledger_begin (self);
    uint64_t first = self->calls + 1;
    give_batch (self);
    ledger_commit (self);
    static const Belfry__V1__Code codes[] = {DISK_FULL, DISK_FULL,
                                             BELFRY__V1__CODE__CODE_OK, DISK_FULL};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_int_equal (ledger_reply (self, first + i)->code, codes[i]);
    }
    assert_string_equal (ledger_kinds (self), "job.cancelled");
    bf_ledger_set_scarce (self->ledger, false);
    ledger_reopen (self, true);
    ledger_ok (self, batch[0]);
}

static void
limit_pages (ledger *self, int64_t pages)
{
    sqlite3 *db = bf_database_handle (bf_ledger_database (self->ledger));
    const char *sql = ledger_text (self, "PRAGMA max_page_count = %lld", (long long)pages);
    assert_int_equal (sqlite3_exec (db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* No page is left in the middle of a batch: what went before it in the batch is gone, too.
 */
static void
test_full_in_statement (void **state)
{
    ledger *self = *state;
    make_world (self);
    const char *before = picture (self);
    limit_pages (self, ledger_number (self, "PRAGMA page_count") + 4);
    ledger_begin (self);
    give_batch (self);
    assert_int_equal (try_call (self, "schedule.jobs.type=mail schedule.jobs.after_us=5 "
                                      "schedule.jobs.payload=*65536"),
                      BF_EDISKFULL);
    bf_ledger_rollback (self->ledger);
    assert_string_equal (picture (self), before);
    ledger_check (self);
    expect_fresh (self);
    limit_pages (self, 1000000);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5 "
                     "schedule.jobs.payload=*65536");
}

/* What still goes through: all that frees work or room, and what only looks. */
static void
test_scarce_commands (void **state)
{
    ledger *self = *state;
    static const struct {
        const char *text;
        bool passes;
    } rows[] = {
        {"schedule.jobs.type=mail schedule.jobs.after_us=5", false},
        {"reschedule.job.key=k reschedule.after_us=5", false},
        {"resume.job.key=k", false},
        {"trigger.job.key=k", false},
        {"redrive.run=1536", false},
        {"pause.job.key=k", true},
        {"cancel.job.key=k", true},
        {"confirm.job.id=512", true},
        {"complete.token=768.1.1", true},
        {"fail.token=1024.1.1", true},
        {"snooze.token=1280.1.1 snooze.for_us=5", true},
        {"heartbeat.tokens=768.1.1", true},
        {"get.job.key=k", true},
        {"list", true},
        {"history", true},
        {"replay", true},
        {"status", true},
    };
    make_world (self);
    for (int i = 3; i <= 6; i++) {
        ledger_ok (self, "schedule.jobs.type=run schedule.jobs.after_us=0");
        ledger_fire (self, ledger_claim (self, "claim.types=run"));
    }
    ledger_ok (self, "fail.token=1536.1.1 fail.non_retryable=1");
    bf_ledger_set_scarce (self->ledger, true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Belfry__V1__Reply *reply = ledger_do (self, rows[i].text);
        if ((reply->code == BELFRY__V1__CODE__CODE_OK) != rows[i].passes ||
            (reply->code == DISK_FULL) == rows[i].passes) {
            fail_msg ("%s: code %d", rows[i].text, (int)reply->code);
        }
        if (!rows[i].passes) {
            assert_string_equal (ledger_kinds (self), "");
        }
    }
    ledger_expect (self, ledger_ok (self, "status"), "status.disk_full=1");
    bf_ledger_set_scarce (self->ledger, false);
    ledger_expect (self, ledger_ok (self, "status"), "status.disk_full=0");
}

/* A proposal of nothing for this claim: while scarce it makes no difference of what. */
static Belfry__Internal__StoreItem *
claim_item (ledger *self, Belfry__Internal__ClaimCall *claim)
{
    Belfry__Internal__StoreItem *item = ledger_item (self, "proposal.assignments[0]");
    item->proposal->assignments[0]->claim = claim;
    return item;
}

static void
hold_claim (ledger *self, Belfry__Internal__ClaimCall *claim)
{
    ledger_begin (self);
    ledger_give (self, claim_item (self, claim));
    ledger_commit (self);
}

/* Nothing is fired or given out; the claims wait on; with room again everything is told
 * anew, in the next batch. */
static void
test_scarce_proposals (void **state)
{
    ledger *self = *state;
    make_world (self);
    const char *reset = ledger_text (self, "reset:%lld", (long long)self->now.boot.us);
    ledger_pass (self, 5);
    bf_ledger_set_scarce (self->ledger, true);
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, "claim.types=mail");
    assert_int_equal (ledger_fire (self, claim), 2);
    assert_string_equal (ledger_kinds (self), "");
    assert_string_equal (ledger_to_clock (self), "settled:9");
    /* Told now, the dispatcher would propose it again now. */
    assert_string_equal (ledger_to_dispatcher (self), "");
    bf_ledger_set_scarce (self->ledger, false);
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (ledger_to_clock (self), reset);
    assert_string_equal (
        ledger_to_dispatcher (self),
        ledger_text (self, "queue:1:default/mail resolved:%d:0", (int)claim->call));
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (ledger_to_clock (self), "");
    assert_string_equal (ledger_to_dispatcher (self), "");
    assert_int_equal (ledger_fire (self, claim), 2);
    ledger_expect (self, ledger_reply (self, claim->call), "claim.leases=1");
    /* A ready run, likewise. */
    bf_ledger_set_scarce (self->ledger, true);
    claim = ledger_claim (self, "claim.types=mail");
    hold_claim (self, claim);
    assert_null (ledger_reply (self, claim->call));
    bf_ledger_set_scarce (self->ledger, false);
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (
        ledger_to_dispatcher (self),
        ledger_text (self, "queue:1:default/mail+ resolved:%d:0", (int)claim->call));
}

/* While there is no room a held claim hears of it once a second, that its time may run out;
 * and none is forgotten with a batch, or heard of twice. */
static void
test_scarce_claims (void **state)
{
    ledger *self = *state;
    make_world (self);
    Belfry__Internal__ClaimCall *first = ledger_claim (self, "claim.types=mail");
    Belfry__Internal__ClaimCall *second = ledger_claim (self, "claim.types=mail");
    const char *first_told = ledger_text (self, "resolved:%d:0", (int)first->call);
    const char *second_told = ledger_text (self, "resolved:%d:0", (int)second->call);
    bf_ledger_set_scarce (self->ledger, true);
    ledger_begin (self);
    ledger_give (self, claim_item (self, first));
    bf_ledger_rollback (self->ledger);
    hold_claim (self, first);
    ledger_pass (self, BF_SECOND_US - 1);
    hold_claim (self, second);
    assert_string_equal (ledger_to_dispatcher (self), "");
    ledger_pass (self, 1);
    ledger_begin (self);
    bf_ledger_rollback (self->ledger);
    ledger_begin (self);
    ledger_give (self, claim_item (self, first));
    ledger_commit (self);
    assert_string_equal (ledger_to_dispatcher (self),
                         ledger_text (self, "%s %s", first_told, second_told));
    ledger_pass (self, BF_SECOND_US);
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (ledger_to_dispatcher (self), first_told);
    ledger_pass (self, BF_SECOND_US);
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (ledger_to_dispatcher (self), "");
}

/* The word that there is room again is not lost with a batch. */
static void
test_room_is_told_after_rollback (void **state)
{
    ledger *self = *state;
    make_world (self);
    const char *reset = ledger_text (self, "reset:%lld", (long long)self->now.boot.us);
    bf_ledger_set_scarce (self->ledger, true);
    bf_ledger_set_scarce (self->ledger, false);
    ledger_begin (self);
    give_batch (self);
    bf_ledger_rollback (self->ledger);
    ledger_begin (self);
    give_batch (self);
    writes_left = 1;
    assert_int_equal (try_commit (self), BF_EDISKFULL);
    writes_left = -1;
    ledger_pass (self, 5);
    bf_ledger_set_scarce (self->ledger, true);
    bf_ledger_set_scarce (self->ledger, false);
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (ledger_to_clock (self), reset);
}

/* Leases still end and come back while the disk is full. */
static void
test_scarce_leases (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=run schedule.jobs.after_us=0");
    ledger_ok (self, "schedule.jobs.type=run schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    ledger_lease (self, "run");
    ledger_lease (self, "run");
    bf_ledger_set_scarce (self->ledger, true);
    ledger_overdue (self, "256.1.1", false);
    assert_string_equal (ledger_kinds (self), "run.failed");
    ledger_returned (self, "512.1.1", NULL);
    assert_string_equal (ledger_kinds (self), "run.returned");
    ledger_do_item (self, "stepped.delta_us=7");
    assert_string_equal (ledger_kinds (self), "clock.stepped");
    assert_null (ledger_recall (self, ledger_claim (self, "claim.types=run")));
}

/* Not even the reserve was enough: for a second nothing is written at all. */
static void
test_exhausted (void **state)
{
    ledger *self = *state;
    make_world (self);
    ledger_ok (self, "schedule.jobs.type=run schedule.jobs.after_us=0");
    ledger_fire (self, ledger_claim (self, "claim.types=run"));
    bf_ledger_set_scarce (self->ledger, true);
    ledger_begin (self);
    assert_int_equal (try_call (self, "request_id=x cancel.job.key=k"), BF_OK);
    writes_left = 1;
    assert_int_equal (try_commit (self), BF_EDISKFULL);
    /* The log stays full: whoever writes now would fail the batch. */
    ledger_begin (self);
    uint64_t cancel = ledger_put (self, "request_id=x cancel.job.key=k");
    uint64_t get = ledger_put (self, "get.job.key=k");
    ledger_give (self, ledger_item (self, "stepped.delta_us=7"));
    ledger_give (self, ledger_item (self, "returned.attempts.job=768 "
                                          "returned.attempts.ordinal=1 "
                                          "returned.attempts.attempt=1"));
    ledger_give (self, ledger_item (self, "overdue.batch=4 overdue.leases.attempt.job=768 "
                                          "overdue.leases.attempt.ordinal=1 "
                                          "overdue.leases.attempt.attempt=1"));
    ledger_give (self, ledger_item (self, "proposal.batch=9"));
    ledger_commit (self);
    assert_int_equal (ledger_reply (self, cancel)->code, DISK_FULL);
    assert_int_equal (ledger_reply (self, get)->code, BELFRY__V1__CODE__CODE_OK);
    assert_string_equal (ledger_kinds (self), "");
    /* Settled at once the overdue leases would come again at once, and again. */
    assert_string_equal (ledger_to_retry (self), "");
    assert_string_equal (ledger_to_clock (self), "settled:9");
    /* A second later it is tried again, and is still too early. */
    ledger_do_item (self, "stepped.delta_us=3");
    ledger_pass (self, BF_SECOND_US);
    ledger_begin (self);
    assert_int_equal (try_commit (self), BF_EDISKFULL);
    writes_left = -1;
    ledger_pass (self, BF_SECOND_US);
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (ledger_to_retry (self), "settled:4");
    /* The steps of the clock, together. */
    assert_string_equal (ledger_kinds (self), "clock.stepped");
    assert_int_equal (ledger_event (self, "clock.stepped")->delta_us, 10);
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (ledger_to_retry (self), "");
    assert_string_equal (ledger_kinds (self), "");
    ledger_expect (self, ledger_ok (self, "request_id=x cancel.job.key=k"), "repeated=0");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_rollback),          TEST (test_full_at_commit),
        TEST (test_after_full_commit), TEST (test_full_in_statement),
        TEST (test_scarce_commands),   TEST (test_scarce_proposals),
        TEST (test_scarce_claims),     TEST (test_room_is_told_after_rollback),
        TEST (test_scarce_leases),     TEST (test_exhausted),
    };
    return cmocka_run_group_tests (tests, register_full, NULL);
}
