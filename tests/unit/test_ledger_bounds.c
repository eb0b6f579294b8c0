/* SPDX-License-Identifier: MPL-2.0
 *
 * What one call, one item and one batch may take: a call that does too much is refused and
 * ends nothing, an item that does too much is divided, and what is open of a job is found
 * without looking at what is kept of it.
 */
#include <inttypes.h>
#include <string.h>

#include "messages/limits.h"
#include "messages/translate.h"
#include "persist/ledger/sql.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define LIMIT BELFRY__V1__CODE__CODE_LIMIT
#define OPEN_RUNS 1000

/* Makes jobs by the keys k0, k1, …, due in a day, each with a thousand open runs. */
static void
make_crowds (ledger *self, int jobs)
{
    self->unchecked = true;
    for (int i = 0; i < jobs; i++) {
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.type=crowd schedule.jobs.key=k%d "
                                      "schedule.jobs.after_us=86400000000",
                                      i));
        ledger_begin (self);
        for (int k = 0; k < OPEN_RUNS; k++) {
            ledger_put (self, ledger_text (self, "trigger.job.key=k%d", i));
        }
        ledger_commit (self);
        ledger_forget_texts (self);
    }
    self->unchecked = false;
}

/* All of them, to be replaced by one call. */
static const char *
replace_all (ledger *self, int jobs)
{
    const char *text = "schedule.on_key=3";
    for (int i = 0; i < jobs; i++) {
        text = ledger_text (self,
                            "%s schedule.jobs[%d].type=crowd schedule.jobs[%d].key=k%d "
                            "schedule.jobs[%d].after_us=5000000",
                            text, i, i, i, i);
    }
    return text;
}

static int64_t
head_of (ledger *self)
{
    return ledger_number (self, "SELECT head_seq FROM meta");
}

/* Replaced jobs withdraw their open runs: a few at once, all of them not. What is refused
 * has changed nothing, and the same in one batch with itself, again and again, is refused
 * when its memory ends, too: the batch stands. */
static void
test_replace_crowds (void **state)
{
    enum { JOBS = 32, CALLS = 64 };
    ledger *self = *state;
    make_crowds (self, JOBS);
    int64_t head = head_of (self);
    uint64_t calls[CALLS];
    ledger_begin (self);
    for (int i = 0; i < CALLS; i++) {
        calls[i] = ledger_put (self, replace_all (self, JOBS));
    }
    uint64_t small = ledger_put (self, "schedule.jobs.type=mail schedule.jobs.after_us=5");
    ledger_commit (self);
    const char *text = NULL;
    for (int i = 0; i < CALLS; i++) {
        Belfry__V1__Reply *reply = ledger_reply (self, calls[i]);
        assert_int_equal (reply->code, LIMIT);
        assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
        text = reply->text;
        if (i == 0) {
            assert_non_null (strstr (text, "send fewer jobs at once"));
        }
    }
    assert_string_equal (text, "this is too much for one call: split it");
    assert_int_equal (ledger_reply (self, small)->code, LIMIT);
    assert_int_equal (head_of (self), head);
    ledger_expect (self, ledger_ok (self, "get.job.key=k0 get.max_runs=1"),
                   "get.job.version=1 get.job.open_runs=1000");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5");
    ledger_ok (self, replace_all (self, 4));
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM run WHERE state = 8"),
                      4 * OPEN_RUNS);
}

/* Slots that are delivered with the largest payload, all due at once. */
static void
test_deliveries_in_parts (void **state)
{
    enum { JOBS = 1000 };
    ledger *self = *state;
    self->unchecked = true;
    for (int i = 0; i < JOBS; i++) {
        ledger_ok (self, "schedule.jobs.type=news schedule.jobs.after_us=86400000000 "
                         "schedule.jobs.delivery=2 schedule.jobs.payload=*65536");
        ledger_forget_texts (self);
    }
    ledger_pass (self, BF_DAY_US);
    assert_int_equal (ledger_fire (self, NULL), JOBS);
    int64_t first = ledger_number (self, "SELECT count (*) FROM run WHERE state = 9");
    assert_in_range (first, 100, JOBS - 1);
    self->unchecked = false;
    ledger_check (self);
    self->unchecked = true;
    assert_int_equal (ledger_fire (self, NULL), JOBS - first);
    for (int i = 0; ledger_fire (self, NULL) > 0; i++) {
        assert_in_range (i, 0, 10);
    }
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM run WHERE state = 9"),
                      JOBS);
    ledger_check (self);
}

/* Begins a batch and fills it with events, so that an item goes as far as it must. */
static void
begin_full (ledger *self)
{
    ledger_begin (self);
    assert_int_equal (bf_ledger_events (self->ledger), 0);
    for (int i = 0; i < 2 * OPEN_RUNS; i++) {
        ledger_put (self, ledger_text (self, "trigger.job.key=k%d", i % 2));
    }
    assert_int_equal (bf_ledger_events (self->ledger), 4 * OPEN_RUNS);
}

/* Leases of three jobs run out in a full batch: one is judged, the others are retry's
 * still, because nothing closed them before the proposal was settled. */
static void
test_overdue_in_parts (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 2; i++) {
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.type=crowd schedule.jobs.key=k%d "
                                      "schedule.jobs.after_us=86400000000",
                                      i));
    }
    for (int i = 0; i < 3; i++) {
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5");
    }
    ledger_pass (self, 5);
    ledger_fire (self, NULL);
    assert_non_null (
        ledger_grant (self, ledger_claim (self, "claim.types=mail claim.max=3")));
    static const char overdue[] = "overdue.batch=6 "
                                  "overdue.leases[0].attempt.job=768 "
                                  "overdue.leases[0].attempt.ordinal=1 "
                                  "overdue.leases[0].attempt.attempt=1 "
                                  "overdue.leases[1].attempt.job=1024 "
                                  "overdue.leases[1].attempt.ordinal=1 "
                                  "overdue.leases[1].attempt.attempt=1 "
                                  "overdue.leases[2].attempt.job=1280 "
                                  "overdue.leases[2].attempt.ordinal=1 "
                                  "overdue.leases[2].attempt.attempt=1";
    self->unchecked = true;
    begin_full (self);
    ledger_give (self, ledger_item (self, overdue));
    ledger_commit (self);
    assert_string_equal (ledger_to_retry (self), "closed:768.1.1 settled:6");
    self->unchecked = false;
    ledger_do_item (self, overdue);
    assert_string_equal (ledger_to_retry (self),
                         "closed:1024.1.1 closed:1280.1.1 settled:6");
}

/* Timers of three jobs, and of a run, in a full batch: one is judged, the clock hears of
 * the others again, but not of the one that has no timer any more. */
static void
test_proposal_in_parts (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 2; i++) {
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.type=crowd schedule.jobs.key=k%d "
                                      "schedule.jobs.after_us=86400000000",
                                      i));
    }
    for (int i = 0; i < 4; i++) {
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.type=mail schedule.jobs.key=m%d "
                                      "schedule.jobs.after_us=%d "
                                      "schedule.jobs.start_timeout_us=1000",
                                      i, i == 0 ? 5 : 1005));
    }
    ledger_pass (self, 5);
    assert_int_equal (ledger_fire (self, NULL), 1);
    ledger_pass (self, 1000);
    bf_timer *timers;
    size_t count = ledger_due (self, &timers);
    assert_int_equal (count, 4);
    Belfry__Internal__StoreItem *item = ledger_item (self, "proposal.batch=9");
    item->proposal->timers =
        bf_arena_alloc (self->arena, count * sizeof *item->proposal->timers);
    item->proposal->n_timers = count;
    for (size_t i = 0; i < count; i++) {
        item->proposal->timers[i] =
            bf_arena_alloc (self->arena, sizeof *item->proposal->timers[i]);
        bf_timer_to_wire (timers[i], item->proposal->timers[i]);
        ledger_model_gave_timer (self, timers[i]);
    }
    self->unchecked = true;
    begin_full (self);
    ledger_put (self, "cancel.job.key=m2");
    ledger_give (self, item);
    ledger_commit (self);
    ledger_check (self);
    self->unchecked = false;
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM job WHERE state = 2 AND "
                                           "key LIKE 'm%'") +
                          ledger_number (self, "SELECT count (*) FROM run WHERE "
                                               "timer_us IS NOT NULL AND state = 2"),
                      3);
    assert_int_equal (ledger_fire (self, NULL), 2);
}

/* A claim that comes to its turn in a full batch waits on, and its runs stay ready. */
static void
test_claim_waits (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 2; i++) {
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.type=crowd schedule.jobs.key=k%d "
                                      "schedule.jobs.after_us=86400000000",
                                      i));
    }
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5");
    ledger_pass (self, 5);
    ledger_fire (self, NULL);
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, "claim.types=mail");
    Belfry__Internal__StoreItem *item =
        ledger_item (self, ledger_text (self,
                                        "proposal.assignments.runs.job=768 "
                                        "proposal.assignments.runs.ordinal=1 "
                                        "proposal.assignments.runs.queue=%" PRId64
                                        " proposal.assignments.runs.ready_us=%" PRId64,
                                        ledger_number (self, "SELECT queue FROM run"),
                                        ledger_number (self, "SELECT ready_us FROM run")));
    item->proposal->assignments[0]->claim = claim;
    ledger_model_gave_ready (self, item->proposal->assignments[0]->runs[0]);
    self->unchecked = true;
    begin_full (self);
    ledger_give (self, item);
    ledger_commit (self);
    assert_null (ledger_reply (self, claim->call));
    assert_false (ledger_resolved (self, claim->call));
    ledger_check (self);
    self->unchecked = false;
    assert_non_null (ledger_grant (self, claim));
}

/* A slot that ends the runs of earlier slots does not load those of Trigger beside them. */
static void
test_others_alone (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    ledger_ok (self, "schedule.jobs.type=tick schedule.jobs.key=k schedule.jobs.overlap=5 "
                     "schedule.jobs.every.interval_us=60000000");
    ledger_pass (self, BF_MINUTE_US);
    ledger_fire (self, NULL);
    ledger_begin (self);
    for (int i = 2; i < OPEN_RUNS; i++) {
        ledger_put (self, "trigger.job.key=k");
    }
    ledger_commit (self);
    ledger_pass (self, BF_MINUTE_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.cancelled run.fired");
    assert_in_range (bf_ledger_used (self->ledger), 1, 64 * 1024);
    ledger_check (self);
}

/* What is open is found by its own index, and nothing else is looked at. */
static void
test_plans (void **state)
{
    ledger *self = *state;
    static const struct {
        bf_sql statement;
        const char *plan;
    } rows[] = {
        {SQL_RUN_OPEN, "SEARCH run USING INDEX run_open (state=? AND job=?)"},
        {SQL_RUN_LEASED_OF, "SEARCH run USING COVERING INDEX run_open (state=? AND job=?)"},
        {SQL_RUN_BLOCKED, "SEARCH run USING COVERING INDEX run_open (state=? AND job=?)"},
        {SQL_RUN_LEASED, "SEARCH run USING COVERING INDEX run_open (state=?)"},
        {SQL_RUN_LEASED_DEPTHS, "SEARCH run USING INDEX run_open (state=?)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sqlite3_stmt *stmt =
            ledger_query (self, ledger_text (self, "EXPLAIN QUERY PLAN %s",
                                             bf_sql_texts[rows[i].statement]));
        assert_int_equal (sqlite3_step (stmt), SQLITE_ROW);
        assert_string_equal ((const char *)sqlite3_column_text (stmt, 3), rows[i].plan);
        ledger_query_end (self);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_replace_crowds),
        TEST (test_deliveries_in_parts),
        TEST (test_overdue_in_parts),
        TEST (test_proposal_in_parts),
        TEST (test_claim_waits),
        TEST (test_others_alone),
        TEST (test_plans),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
