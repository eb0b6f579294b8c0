/* SPDX-License-Identifier: MPL-2.0
 *
 * Proposals and recalls: fire and lease in one commit, what no longer holds, how much one
 * answer takes, and answers that got lost.
 */
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

/* `count` jobs of a type, due at once; with these fields besides. */
static void
make_jobs (ledger *self, int count, const char *type, const char *fields)
{
    for (int i = 0; i < count; i++) {
        ledger_ok (self,
                   ledger_text (self, "schedule.jobs.type=%s schedule.jobs.after_us=0 %s",
                                type, fields));
    }
}

/* A parked claim gets the run in the commit that fires it. */
static void
test_fire_and_lease (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail",
               "schedule.jobs.key=k schedule.jobs.payload=hello schedule.jobs.tags=a "
               "schedule.jobs.content_type=text/plain schedule.jobs.lease_us=7000000 "
               "schedule.jobs.run_timeout_us=9000000");
    ledger_pass (self, 30);
    Belfry__Internal__ClaimCall *claim =
        ledger_claim (self, "claim.types=mail claim.worker=bot-1");
    ledger_fire (self, claim);
    assert_string_equal (ledger_kinds (self), "run.fired run.claimed");
    assert_true (ledger_resolved (self, claim->call));
    assert_string_equal (ledger_to_retry (self), "opened:256.1.1");
    Belfry__V1__Reply *reply = ledger_reply (self, claim->call);
    ledger_expect (self, reply,
                   "code=1 seq=4 repeated=0 claim.leases=1 claim.leases.token=256.1.1 "
                   "claim.leases.key=k claim.leases.payload=5 claim.leases.tags=a "
                   "claim.leases.content_type=text/plain claim.leases.lease_us=7000000 "
                   "claim.leases.run_timeout_us=9000000 claim.leases.run.state=3 "
                   "claim.leases.run.worker=bot-1 claim.leases.run.attempt=1 "
                   "claim.leases.run.lateness_us=30 claim.leases.run.late=0 "
                   "claim.leases.run.claimed_us=1767225600000030 "
                   "claim.leases.run.lease_until_us=1767225607000030 "
                   "claim.leases.run.ns=default claim.leases.run.type=mail");
    const Belfry__Internal__RetryItem *item =
        bf_ledger_outcome (self->ledger)->retry.items[0];
    assert_int_equal (item->opened->lease_us, 7000000);
    assert_int_equal (item->opened->run_until_boot_us, LEDGER_BOOT_US + 9000030);
    /* The gateway knows what to give back. */
    const Belfry__Internal__GatewayItem *answer =
        bf_ledger_outcome (self->ledger)->gateway.items[0];
    assert_int_equal (answer->answer->n_leases, 1);
    assert_int_equal (answer->answer->leases[0]->job, 256);
    assert_int_equal (answer->answer->leases[0]->attempt, 1);
}

/* Nobody waits: it stays ready, and the next claim gets it. run.fired is told once. */
static void
test_no_claim (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail", "");
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.fired");
    assert_string_equal (ledger_to_dispatcher (self), "ready:1:256.1");
    ledger_pass (self, 60 * BF_SECOND_US);
    Belfry__V1__Reply *reply = ledger_grant (self, ledger_claim (self, "claim.types=mail"));
    assert_string_equal (ledger_kinds (self), "run.claimed");
    /* Waiting for a worker is never lateness. */
    ledger_expect (self, reply,
                   "claim.leases.run.attempt=1 claim.leases.run.lateness_us=0");
    assert_null (ledger_grant (self, ledger_claim (self, "claim.types=mail")));
}

/* The same timer proposed twice, in one proposal and in two: one run. */
static void
test_fires_once (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail", "");
    bf_timer *timers;
    assert_int_equal (ledger_due (self, &timers), 1);
    bf_timer twice[] = {timers[0], timers[0]};
    ledger_propose (self, twice, 2, NULL);
    assert_string_equal (ledger_kinds (self), "run.fired");
    ledger_propose (self, twice, 1, NULL);
    assert_string_equal (ledger_kinds (self), "");
    /* One that was never there. */
    bf_timer none = {BF_SOURCE_SLOT_BOOT, 512, 0, timers[0].due_us, 1, 0, 0};
    ledger_propose (self, &none, 1, NULL);
    bf_timer run = {BF_SOURCE_RUN, 256, 1, timers[0].due_us, 1, 0, 0};
    ledger_propose (self, &run, 1, NULL);
    run.ordinal = 2;
    ledger_propose (self, &run, 1, NULL);
    assert_string_equal (ledger_kinds (self), "");
}

/* The right job at the wrong time, or on the wrong clock, is another slot. */
static void
test_other_slots (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail", "");
    bf_timer *timers;
    assert_int_equal (ledger_due (self, &timers), 1);
    bf_timer wrong = timers[0];
    wrong.due_us--;
    ledger_pass (self, 10);
    ledger_begin (self);
    ledger_give (self, ledger_item (self, ledger_text (self,
                                                       "proposal.timers.source=1 "
                                                       "proposal.timers.job=256 "
                                                       "proposal.timers.due_us=%lld",
                                                       (long long)wrong.due_us)));
    ledger_give (self, ledger_item (self, ledger_text (self,
                                                       "proposal.timers.source=0 "
                                                       "proposal.timers.job=256 "
                                                       "proposal.timers.due_us=%lld",
                                                       (long long)timers[0].due_us)));
    ledger_commit (self);
    assert_string_equal (ledger_kinds (self), "");
    /* batch 0: nothing of the clock's is settled. */
    assert_string_equal (ledger_to_clock (self), "");
}

/* A timer in a row whose state has none (a table that was meddled with) stops nobody. */
static void
test_impossible_timer (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail", "");
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    self->unchecked = true;
    sqlite3 *db = bf_database_handle (bf_ledger_database (self->ledger));
    assert_int_equal (sqlite3_exec (db,
                                    "UPDATE run SET timer_us = (SELECT boot_origin_us "
                                    "FROM meta) + 1000000000",
                                    NULL, NULL, NULL),
                      SQLITE_OK);
    bf_timer timer = {BF_SOURCE_RUN, 256, 1, LEDGER_BOOT_US, 1, 0, 0};
    ledger_propose (self, &timer, 1, NULL);
    assert_string_equal (ledger_kinds (self), "");
    assert_int_equal (ledger_number (self, "SELECT state FROM run"), 3);
}

/* Two claims are promised the same run: one gets it, the other waits on. */
static void
test_two_claims (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail", "");
    ledger_fire (self, NULL);
    Belfry__Internal__ClaimCall *claims[] = {ledger_claim (self, "claim.types=mail"),
                                             ledger_claim (self, "claim.types=mail")};
    ledger_begin (self);
    for (int i = 0; i < 2; i++) {
        Belfry__Internal__StoreItem *item =
            ledger_item (self, "proposal.assignments.runs.queue=1 "
                               "proposal.assignments.runs.job=256 "
                               "proposal.assignments.runs.ordinal=1");
        item->proposal->assignments[0]->claim = claims[i];
        ledger_give (self, item);
    }
    ledger_commit (self);
    assert_true (ledger_resolved (self, claims[0]->call));
    assert_false (ledger_resolved (self, claims[1]->call));
    assert_non_null (ledger_reply (self, claims[0]->call));
    assert_null (ledger_reply (self, claims[1]->call));
    assert_string_equal (ledger_kinds (self), "run.claimed");
}

/* A cancel in the batch before wins; so does one in the same batch that came first. */
static void
test_cancel_wins (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail", "");
    bf_timer *timers;
    ledger_due (self, &timers);
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, "claim.types=mail");
    ledger_begin (self);
    ledger_put (self, "cancel.job.id=256");
    Belfry__Internal__StoreItem *item = ledger_item (
        self, ledger_text (self,
                           "proposal.timers.source=1 proposal.timers.job=256 "
                           "proposal.timers.due_us=%lld proposal.assignments.timers=0",
                           (long long)timers[0].due_us));
    item->proposal->assignments[0]->claim = claim;
    ledger_give (self, item);
    ledger_commit (self);
    assert_string_equal (ledger_kinds (self), "job.cancelled");
    assert_false (ledger_resolved (self, claim->call));
    /* A ready run that was cancelled meanwhile. */
    make_jobs (self, 1, "mail", "");
    ledger_fire (self, NULL);
    ledger_ok (self, "cancel.job.id=512");
    ledger_begin (self);
    item = ledger_item (self, "proposal.assignments.runs.queue=1 "
                              "proposal.assignments.runs.job=512 "
                              "proposal.assignments.runs.ordinal=1");
    item->proposal->assignments[0]->claim = claim;
    ledger_give (self, item);
    ledger_commit (self);
    assert_false (ledger_resolved (self, claim->call));
}

/* A claim takes what it asked for; the rest is told to the dispatcher again. */
static void
test_max (void **state)
{
    ledger *self = *state;
    make_jobs (self, 5, "mail", "");
    Belfry__Internal__ClaimCall *claim =
        ledger_claim (self, "claim.types=mail claim.max=2");
    assert_int_equal (ledger_fire (self, claim), 5);
    ledger_expect (self, ledger_reply (self, claim->call), "claim.leases=2");
    assert_int_equal (ledger_number (self, "SELECT ready_runs FROM meta"), 3);
    /* Ready runs beyond max. */
    claim = ledger_claim (self, "claim.types=mail claim.max=1");
    Belfry__Internal__StoreItem *item = ledger_item (self, "proposal.assignments");
    item->proposal->assignments[0]->claim = claim;
    for (int i = 0; i < 3; i++) {
        const char *text = ledger_text (self,
                                        "runs[%d].queue=1 runs[%d].job=%d "
                                        "runs[%d].ordinal=1",
                                        i, i, (i + 3) * 256, i);
        request_fill (&item->proposal->assignments[0]->base, self->arena, text);
        ledger_model_gave_ready (self, item->proposal->assignments[0]->runs[i]);
    }
    ledger_begin (self);
    ledger_give (self, item);
    ledger_commit (self);
    ledger_expect (self, ledger_reply (self, claim->call),
                   "claim.leases=1 claim.leases.token=768.1.1");
    assert_non_null (strstr (ledger_to_dispatcher (self), "ready:1:1024.1 ready:1:1280.1"));
}

/* As many payloads as one answer holds. */
static void
test_bytes (void **state)
{
    ledger *self = *state;
    make_jobs (self, 20, "mail", "schedule.jobs.payload=*65536");
    ledger_fire (self, NULL);
    size_t total = 0;
    while (total < 20) {
        Belfry__V1__Reply *reply =
            ledger_grant (self, ledger_claim (self, "claim.types=mail claim.max=100"));
        assert_in_range (reply->claim->n_leases, total ? 1 : 3, 3);
        total += reply->claim->n_leases;
    }
    assert_int_equal (total, 20);
}

/* The longest of everything beside the payloads, a hundred times. */
static void
test_largest_leases (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    for (int i = 0; i < 100; i++) {
        make_jobs (
            self, 1, "m",
            ledger_text (self,
                         "schedule.jobs.ns=*64 schedule.jobs.key=%d%0250d "
                         "schedule.jobs.content_type=*128 schedule.jobs.payload=*7000 "
                         "schedule.jobs.tags=a%063d schedule.jobs.tags=b%063d "
                         "schedule.jobs.tags=c%063d schedule.jobs.tags=d%063d "
                         "schedule.jobs.tags=e%063d schedule.jobs.tags=f%063d "
                         "schedule.jobs.tags=g%063d schedule.jobs.tags=h%063d",
                         i, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    }
    ledger_fire (self, NULL);
    for (int turn = 0; turn < 2; turn++) {
        Belfry__V1__Reply *reply = ledger_grant (
            self, ledger_claim (self, "claim.types=m claim.ns=*64 claim.max=100 "
                                      "claim.worker=*64"));
        assert_in_range (reply->claim->n_leases, 25, 27);
        for (size_t i = 0; i < reply->claim->n_leases; i++) {
            ledger_ok (self, ledger_text (self,
                                          "snooze.token=%s snooze.for_us=0 "
                                          "snooze.reason=*1024",
                                          reply->claim->leases[i]->token));
        }
        ledger_fire (self, NULL);
    }
    self->unchecked = false;
    ledger_ok (self, "status");
}

/* Claims of several types, in one namespace each. */
static void
test_queues (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail", "");
    make_jobs (self, 1, "mail", "schedule.jobs.ns=n");
    make_jobs (self, 1, "call", "");
    ledger_fire (self, NULL);
    ledger_expect (self,
                   ledger_grant (self, ledger_claim (self, "claim.types=mail "
                                                           "claim.types=call claim.max=9")),
                   "claim.leases=2 claim.leases[0].token=256.1.1 "
                   "claim.leases[1].token=768.1.1");
    assert_null (
        ledger_grant (self, ledger_claim (self, "claim.types=mail claim.types=x")));
    ledger_expect (self,
                   ledger_grant (self, ledger_claim (self, "claim.types=mail claim.ns=n")),
                   "claim.leases=1 claim.leases[0].token=512.1.1");
    /* A run that stands in another queue than the proposal says is not given away. */
    make_jobs (self, 1, "mail", "");
    ledger_fire (self, NULL);
    Belfry__Internal__StoreItem *item =
        ledger_item (self, "proposal.assignments.runs.queue=3 "
                           "proposal.assignments.runs.job=1024 "
                           "proposal.assignments.runs.ordinal=1");
    item->proposal->assignments[0]->claim = ledger_claim (self, "claim.types=call");
    ledger_begin (self);
    ledger_give (self, item);
    ledger_commit (self);
    assert_string_equal (ledger_kinds (self), "");
}

/* Ready runs come in the order in which they became ready; a returned one keeps its place.
 */
static void
test_order (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 3; i++) {
        make_jobs (self, 1, "mail", "");
        ledger_fire (self, NULL);
        ledger_pass (self, 10);
    }
    assert_string_equal (ledger_lease (self, "mail"), "256.1.1");
    assert_string_equal (ledger_lease (self, "mail"), "512.1.1");
    ledger_returned (self, "512.1.1", NULL);
    ledger_returned (self, "256.1.1", NULL);
    assert_string_equal (ledger_lease (self, "mail"), "256.1.2");
    assert_string_equal (ledger_lease (self, "mail"), "512.1.2");
    assert_string_equal (ledger_lease (self, "mail"), "768.1.1");
}

/* The answer got lost: the same claim again gets those leases that still stand. */
static void
test_recall (void **state)
{
    ledger *self = *state;
    assert_null (ledger_recall (self, ledger_claim (self, "claim.types=mail")));
    make_jobs (self, 3, "mail", "schedule.jobs.payload=hello");
    static const char text[] = "request_id=r1 claim.types=mail claim.max=3";
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, text);
    ledger_fire (self, claim);
    ledger_expect (self, ledger_reply (self, claim->call), "claim.leases=3 seq=10");
    for (int crash = 0; crash <= 1; crash++) {
        Belfry__V1__Reply *reply = ledger_recall (self, ledger_claim (self, text));
        ledger_expect (self, reply,
                       "code=1 repeated=1 claim.leases=3 claim.leases[1].token=512.1.1 "
                       "claim.leases[1].payload=5 seq=10");
        assert_string_equal (ledger_kinds (self), "");
        ledger_reopen (self, crash);
    }
    ledger_ok (self, "complete.token=256.1.1");
    ledger_overdue (self, "512.1.1", false);
    ledger_pass (self, 2 * BF_SECOND_US);
    ledger_fire (self, NULL);
    ledger_lease (self, "mail"); /* 512.1.2, of somebody else */
    ledger_expect (self, ledger_recall (self, ledger_claim (self, text)),
                   "code=1 claim.leases=1 claim.leases.token=768.1.1");
    ledger_ok (self, "complete.token=768.1.1");
    ledger_expect (self, ledger_recall (self, ledger_claim (self, text)),
                   "code=1 claim.leases=0");
    /* Another client may use the same id. */
    assert_null (ledger_recall (
        self, ledger_claim (self, "client=d request_id=r1 claim.types=mail")));
}

static void
test_recall_of_another_command (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail", "request_id=r1");
    Belfry__V1__Reply *reply =
        ledger_recall (self, ledger_claim (self, "request_id=r1 claim.types=mail"));
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED);
    assert_non_null (strstr (reply->text, "request_id r1"));
    /* And the other way round; another max is another command. */
    Belfry__Internal__ClaimCall *claim =
        ledger_claim (self, "request_id=r2 claim.types=mail");
    ledger_fire (self, claim);
    ledger_refused (self, BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED,
                    "request_id=r2 cancel.job.id=256");
    reply = ledger_recall (
        self, ledger_claim (self, "request_id=r2 claim.types=mail claim.max=2"));
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED);
}

/* What could not be delivered was never answered: the same claim is a new one. */
static void
test_returned_is_forgotten (void **state)
{
    ledger *self = *state;
    make_jobs (self, 1, "mail", "");
    ledger_fire (self, NULL);
    static const char text[] = "request_id=r1 claim.types=mail";
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, text);
    ledger_grant (self, claim);
    ledger_returned (self, "256.1.1", claim);
    assert_null (ledger_recall (self, ledger_claim (self, text)));
    ledger_expect (self, ledger_grant (self, ledger_claim (self, text)),
                   "repeated=0 claim.leases.token=256.1.2");
    ledger_expect (self, ledger_recall (self, ledger_claim (self, text)),
                   "repeated=1 claim.leases.token=256.1.2");
    /* Several at once, one of them settled already. */
    make_jobs (self, 2, "mail", "");
    claim = ledger_claim (self, "claim.types=mail claim.max=2");
    ledger_fire (self, claim);
    ledger_ok (self, "complete.token=512.1.1");
    ledger_do_item (self, "returned.attempts[0].job=512 returned.attempts[0].ordinal=1 "
                          "returned.attempts[0].attempt=1 returned.attempts[1].job=768 "
                          "returned.attempts[1].ordinal=1 returned.attempts[1].attempt=1");
    assert_string_equal (ledger_kinds (self), "run.returned");
}

/* Two claims of one id that are granted one after the other: the second gets the answer of
 * the first, and no further run. */
static void
test_second_answer (void **state)
{
    ledger *self = *state;
    make_jobs (self, 2, "mail", "");
    ledger_fire (self, NULL);
    static const char text[] = "request_id=r1 claim.types=mail";
    ledger_grant (self, ledger_claim (self, text));
    ledger_expect (self, ledger_grant (self, ledger_claim (self, text)),
                   "repeated=1 claim.leases=1 claim.leases.token=256.1.1");
    assert_string_equal (ledger_kinds (self), "");
    ledger_expect (self, ledger_grant (self, ledger_claim (self, "claim.types=mail")),
                   "claim.leases.token=512.1.1");
}

/* While a claim was parked another command took its request_id: it is refused, and what it
 * would have got is for the next one. */
static void
test_id_taken_meanwhile (void **state)
{
    ledger *self = *state;
    Belfry__Internal__ClaimCall *claim =
        ledger_claim (self, "request_id=r1 claim.types=mail");
    assert_null (ledger_recall (self, claim));
    make_jobs (self, 1, "mail", "request_id=r1");
    ledger_fire (self, claim);
    Belfry__V1__Reply *reply = ledger_reply (self, claim->call);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED);
    assert_true (ledger_resolved (self, claim->call));
    assert_string_equal (ledger_kinds (self), "run.fired");
    ledger_expect (self, ledger_grant (self, ledger_claim (self, "claim.types=mail")),
                   "claim.leases.token=256.1.1");
}

/* A worker was told how long its lease is, and beats as it needs to for that. A definition
 * that came since does not change it, not even where a restart opens the lease again. */
static void
test_lease_keeps_its_length (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.at_us=0 "
                     "schedule.jobs.lease_us=50000000");
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.at_us=5 "
                     "schedule.jobs.lease_us=1000000 schedule.on_key=3");
    ledger_reopen (self, true);
    const bf_list *said = &bf_ledger_outcome (self->ledger)->retry;
    assert_int_equal (said->count, 1);
    const Belfry__Internal__RetryItem *item = said->items[0];
    assert_int_equal (item->item_case, BELFRY__INTERNAL__RETRY_ITEM__ITEM_OPENED);
    assert_int_equal (item->opened->lease_us, 50000000);
    assert_int_equal (ledger_number (self, "SELECT lease_us FROM run WHERE state = 3"),
                      50000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_fire_and_lease),
        TEST (test_no_claim),
        TEST (test_fires_once),
        TEST (test_other_slots),
        TEST (test_impossible_timer),
        TEST (test_two_claims),
        TEST (test_cancel_wins),
        TEST (test_max),
        TEST (test_bytes),
        TEST (test_largest_leases),
        TEST (test_queues),
        TEST (test_order),
        TEST (test_recall),
        TEST (test_recall_of_another_command),
        TEST (test_returned_is_forgotten),
        TEST (test_second_answer),
        TEST (test_id_taken_meanwhile),
        TEST (test_lease_keeps_its_length),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
