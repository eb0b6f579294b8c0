/* SPDX-License-Identifier: MPL-2.0
 *
 * The dispatcher actor between a gateway, a store and a clock that the test plays.
 */
#include "actors/dispatcher.h"

#include <string.h>

#include "core/base/time.h"
#include "core/dispatch.h"
#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/neighbour.h"

typedef Belfry__Internal__DispatcherItem dispatcher_item;
typedef Belfry__Internal__StoreItem store_item;
typedef Belfry__Internal__GatewayItem gateway_item;

typedef struct {
    bf_dispatcher_args args;
    bf_actor *actor;
    neighbour *store;
    neighbour *gateway;
    zsock_t *dispatcher;
} fixture;

static int
set_up (void **state)
{
    static fixture self;
    memset (&self, 0, sizeof self);
    self.args.birth.name = "dispatcher";
    self.args.scheduler = neighbour_scheduler ();
    self.store = neighbour_new (self.args.scheduler, BF_INBOX_STORE);
    self.gateway = neighbour_new (self.args.scheduler, BF_INBOX_GATEWAY);
    self.actor = neighbour_start (bf_dispatcher_actor, &self.args.birth);
    self.dispatcher = bf_inbox_connect (self.args.scheduler, BF_INBOX_DISPATCHER);
    assert_non_null (self.dispatcher);
    *state = &self;
    return 0;
}

static int
tear_down (void **state)
{
    fixture *self = *state;
    bf_actor_stop (&self->actor);
    zsock_destroy (&self->dispatcher);
    neighbour_free (self->gateway);
    neighbour_free (self->store);
    return 0;
}

static void
tell (fixture *self, dispatcher_item *item)
{
    Belfry__Internal__ToDispatcher message = BELFRY__INTERNAL__TO_DISPATCHER__INIT;
    message.n_items = 1;
    message.items = &item;
    assert_int_equal (bf_inbox_send (self->dispatcher, &message.base), BF_OK);
}

/* One type, max 2. */
static void
claim (fixture *self, uint64_t call, const char *request_id, char *type, int64_t wait_us)
{
    Belfry__V1__Claim wanted = BELFRY__V1__CLAIM__INIT;
    wanted.ns = "default";
    wanted.n_types = 1;
    wanted.types = &type;
    wanted.max = 2;
    wanted.wait_us = wait_us;
    wanted.worker = "w-1";
    Belfry__Internal__ClaimCall message = BELFRY__INTERNAL__CLAIM_CALL__INIT;
    message.call = call;
    message.client = "bot";
    message.request_id = (char *)request_id;
    message.claim = &wanted;
    dispatcher_item item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_CLAIM;
    item.claim = &message;
    tell (self, &item);
}

static void
queue (fixture *self, uint32_t id, char *type, bool more)
{
    Belfry__Internal__Queue message = BELFRY__INTERNAL__QUEUE__INIT;
    message.id = id;
    message.ns = "default";
    message.type = type;
    message.more = more;
    dispatcher_item item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_QUEUE;
    item.queue = &message;
    tell (self, &item);
}

static void
ready (fixture *self, bf_ready run)
{
    Belfry__Internal__ReadyRun message;
    bf_ready_to_wire (run, &message);
    dispatcher_item item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_READY;
    item.ready = &message;
    tell (self, &item);
}

static void
resolve (fixture *self, uint64_t call, bool done)
{
    Belfry__Internal__Resolved message = BELFRY__INTERNAL__RESOLVED__INIT;
    message.call = call;
    message.done = done;
    dispatcher_item item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RESOLVED;
    item.resolved = &message;
    tell (self, &item);
}

static store_item *
expect_store (fixture *self, Belfry__Internal__StoreItem__ItemCase what)
{
    store_item *item = neighbour_item (self->store);
    assert_int_equal (item->item_case, what);
    return item;
}

/* The whole claim comes with what the store gets. */
static void
check_claim (const Belfry__Internal__ClaimCall *message, uint64_t call,
             const char *request_id, const char *type)
{
    assert_int_equal (message->call, call);
    assert_string_equal (message->client, "bot");
    assert_string_equal (message->request_id, request_id);
    assert_string_equal (message->claim->ns, "default");
    assert_int_equal (message->claim->n_types, 1);
    assert_string_equal (message->claim->types[0], type);
    assert_int_equal (message->claim->max, 2);
    assert_string_equal (message->claim->worker, "w-1");
}

static void
expect_recall (fixture *self, uint64_t call, const char *request_id, const char *type)
{
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_RECALL);
    check_claim (item->recall->claim, call, request_id, type);
}

static const Belfry__Internal__Answer *
expect_answer (fixture *self, uint64_t call)
{
    gateway_item *item = neighbour_item (self->gateway);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__GATEWAY_ITEM__ITEM_ANSWER);
    assert_int_equal (item->answer->call, call);
    assert_int_equal (item->answer->n_leases, 0);
    return item->answer;
}

/* Nothing came in time. */
static void
expect_empty (fixture *self, uint64_t call, const char *request_id)
{
    const Belfry__Internal__Answer *answer = expect_answer (self, call);
    Belfry__V1__Reply *reply =
        belfry__v1__reply__unpack (NULL, answer->reply.len, answer->reply.data);
    assert_non_null (reply);
    assert_string_equal (reply->request_id, request_id);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_CLAIM);
    assert_int_equal (reply->claim->n_leases, 0);
    belfry__v1__reply__free_unpacked (reply, NULL);
}

/* Another call took its place. */
static void
expect_forget (fixture *self, uint64_t call)
{
    assert_int_equal (expect_answer (self, call)->reply.len, 0);
}

/* A claim that the store knows nothing of. */
static void
park (fixture *self, uint64_t call, const char *request_id, char *type)
{
    claim (self, call, request_id, type, BF_MINUTE_US);
    expect_recall (self, call, request_id, type);
    resolve (self, call, false);
}

static void
test_ready_run_is_proposed (void **state)
{
    fixture *self = *state;
    queue (self, 3, "mail", false);
    park (self, 11, "r-1", "mail");
    ready (self, (bf_ready){.queue = 3, .ready_us = 1000, .job = 256, .ordinal = 4});
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL);
    assert_int_equal (item->proposal->batch, 0);
    assert_int_equal (item->proposal->n_timers, 0);
    assert_int_equal (item->proposal->n_assignments, 1);
    const Belfry__Internal__Assignment *given = item->proposal->assignments[0];
    check_claim (given->claim, 11, "r-1", "mail");
    assert_int_equal (given->n_timers, 0);
    assert_int_equal (given->n_runs, 1);
    assert_int_equal (given->runs[0]->queue, 3);
    assert_int_equal (given->runs[0]->ready_us, 1000);
    assert_int_equal (given->runs[0]->job, 256);
    assert_int_equal (given->runs[0]->ordinal, 4);
}

/* The store did not give it away: the claim goes on, and whole. */
static void
test_unresolved_claim_is_proposed_again (void **state)
{
    fixture *self = *state;
    queue (self, 3, "mail", false);
    park (self, 11, "r-1", "mail");
    for (uint32_t ordinal = 1; ordinal <= 3; ordinal++) {
        ready (self,
               (bf_ready){.queue = 3, .ready_us = 1000, .job = 256, .ordinal = ordinal});
        store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL);
        check_claim (item->proposal->assignments[0]->claim, 11, "r-1", "mail");
        assert_int_equal (item->proposal->assignments[0]->runs[0]->ordinal, ordinal);
        resolve (self, 11, ordinal == 3);
    }
    /* Done: the next run finds nobody; a second claim gets it. */
    ready (self, (bf_ready){.queue = 3, .ready_us = 1000, .job = 256, .ordinal = 9});
    park (self, 12, "r-2", "mail");
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL);
    check_claim (item->proposal->assignments[0]->claim, 12, "r-2", "mail");
    assert_int_equal (item->proposal->assignments[0]->runs[0]->ordinal, 9);
    assert_true (neighbour_is_silent (self->gateway));
}

static void
due (fixture *self, uint64_t batch, const bf_timer *timers, size_t count)
{
    Belfry__Internal__Timer wire[4];
    Belfry__Internal__Timer *pointers[4];
    for (size_t i = 0; i < count; i++) {
        bf_timer_to_wire (timers[i], &wire[i]);
        pointers[i] = &wire[i];
    }
    Belfry__Internal__Due message = BELFRY__INTERNAL__DUE__INIT;
    message.batch = batch;
    message.n_timers = count;
    message.timers = pointers;
    dispatcher_item item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_DUE;
    item.due = &message;
    tell (self, &item);
}

static void
test_due_is_proposed_with_the_claim (void **state)
{
    fixture *self = *state;
    queue (self, 3, "mail", false);
    queue (self, 4, "post", false);
    park (self, 11, "r-1", "post");
    static const bf_timer timers[] = {
        {.source = BF_SOURCE_SLOT_WALL,
         .job = 256,
         .due_us = 5,
         .queue = 3,
         .slot_us = -4,
         .reached_us = 3},
        {.source = BF_SOURCE_RUN, .job = 512, .ordinal = 2, .due_us = 6, .queue = 4},
    };
    due (self, 9, timers, 2);
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL);
    const Belfry__Internal__Proposal *proposal = item->proposal;
    assert_int_equal (proposal->batch, 9);
    assert_int_equal (proposal->n_timers, 2);
    assert_int_equal (proposal->timers[0]->job, 256);
    assert_int_equal (proposal->timers[0]->due_us, 5);
    assert_int_equal (proposal->timers[0]->slot_us, -4);
    assert_int_equal (proposal->timers[0]->reached_us, 3);
    assert_int_equal (proposal->timers[1]->reached_us, 0);
    assert_int_equal (proposal->timers[1]->source, BF_SOURCE_RUN);
    assert_int_equal (proposal->timers[1]->ordinal, 2);
    assert_int_equal (proposal->n_assignments, 1);
    check_claim (proposal->assignments[0]->claim, 11, "r-1", "post");
    assert_int_equal (proposal->assignments[0]->n_timers, 1);
    assert_int_equal (proposal->assignments[0]->timers[0], 1);
}

static void
test_due_without_claims_is_proposed (void **state)
{
    fixture *self = *state;
    static const bf_timer timer = {.job = 256, .due_us = 5, .queue = 3};
    queue (self, 3, "mail", false);
    due (self, 1, &timer, 1);
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL);
    assert_int_equal (item->proposal->batch, 1);
    assert_int_equal (item->proposal->n_timers, 1);
    assert_int_equal (item->proposal->n_assignments, 0);
}

static void
test_refill (void **state)
{
    fixture *self = *state;
    queue (self, 3, "mail", true);
    park (self, 11, "r-1", "mail");
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_REFILL_READY);
    assert_int_equal (item->refill_ready->queue, 3);
    assert_int_equal (item->refill_ready->limit, BF_HEADS);
    Belfry__Internal__ReadyRun runs[2];
    bf_ready_to_wire ((bf_ready){.queue = 3, .ready_us = 1, .job = 256, .ordinal = 1},
                      &runs[0]);
    bf_ready_to_wire ((bf_ready){.queue = 3, .ready_us = 2, .job = 512, .ordinal = 1},
                      &runs[1]);
    Belfry__Internal__ReadyRun *pointers[] = {&runs[0], &runs[1]};
    Belfry__Internal__ReadyRefilled refilled = BELFRY__INTERNAL__READY_REFILLED__INIT;
    refilled.queue = 3;
    refilled.n_runs = 2;
    refilled.runs = pointers;
    dispatcher_item answer = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    answer.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_REFILLED;
    answer.refilled = &refilled;
    tell (self, &answer);
    item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL);
    assert_int_equal (item->proposal->assignments[0]->n_runs, 2);
    assert_int_equal (item->proposal->assignments[0]->runs[1]->job, 512);
}

static void
test_wait_ends_on_time (void **state)
{
    fixture *self = *state;
    int64_t begin_us = bf_now_read ().boot.us;
    claim (self, 11, "r-1", "mail", 50 * BF_MS_US);
    expect_recall (self, 11, "r-1", "mail");
    resolve (self, 11, false);
    expect_empty (self, 11, "r-1");
    assert_true (bf_now_read ().boot.us >= begin_us + 50 * BF_MS_US);
}

static void
test_no_wait_is_answered_after_recall (void **state)
{
    fixture *self = *state;
    claim (self, 11, "r-1", "mail", 0);
    expect_recall (self, 11, "r-1", "mail");
    assert_true (neighbour_is_silent (self->gateway));
    resolve (self, 11, false);
    expect_empty (self, 11, "r-1");
}

/* The older way back is forgotten, and the answer goes to the newer one. */
static void
test_repeat_supersedes (void **state)
{
    fixture *self = *state;
    queue (self, 3, "mail", false);
    park (self, 11, "r-1", "mail");
    claim (self, 12, "r-1", "mail", BF_MINUTE_US);
    expect_forget (self, 11);
    ready (self, (bf_ready){.queue = 3, .ready_us = 1, .job = 256, .ordinal = 1});
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL);
    check_claim (item->proposal->assignments[0]->claim, 12, "r-1", "mail");
}

static void
test_release_answers_all (void **state)
{
    fixture *self = *state;
    park (self, 11, "r-1", "mail");
    park (self, 12, "r-2", "post");
    dispatcher_item item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RELEASE;
    item.release = true;
    tell (self, &item);
    expect_empty (self, 11, "r-1");
    expect_empty (self, 12, "r-2");
    claim (self, 13, "r-3", "mail", BF_MINUTE_US);
    expect_recall (self, 13, "r-3", "mail");
    resolve (self, 13, false);
    expect_empty (self, 13, "r-3");
}

/* The claim is over before what was said of it has left. */
static void
test_recall_and_answer_in_one_batch (void **state)
{
    fixture *self = *state;
    Belfry__V1__Claim wanted = BELFRY__V1__CLAIM__INIT;
    char *type = "mail";
    wanted.ns = "default";
    wanted.n_types = 1;
    wanted.types = &type;
    wanted.max = 2;
    wanted.worker = "w-1";
    Belfry__Internal__ClaimCall message = BELFRY__INTERNAL__CLAIM_CALL__INIT;
    message.call = 11;
    message.client = "bot";
    message.request_id = "r-1";
    message.claim = &wanted;
    dispatcher_item claim_item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    claim_item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_CLAIM;
    claim_item.claim = &message;
    Belfry__Internal__Resolved resolved = BELFRY__INTERNAL__RESOLVED__INIT;
    resolved.call = 11;
    dispatcher_item resolved_item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    resolved_item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RESOLVED;
    resolved_item.resolved = &resolved;
    dispatcher_item *items[] = {&claim_item, &resolved_item};
    Belfry__Internal__ToDispatcher both = BELFRY__INTERNAL__TO_DISPATCHER__INIT;
    both.n_items = 2;
    both.items = items;
    assert_int_equal (bf_inbox_send (self->dispatcher, &both.base), BF_OK);
    expect_recall (self, 11, "r-1", "mail");
    expect_empty (self, 11, "r-1");
}

static void
test_stops_with_claims_parked (void **state)
{
    fixture *self = *state;
    park (self, 11, "r-1", "mail");
    bf_actor_stop (&self->actor);
    assert_true (neighbour_is_silent (self->gateway));
}

static void
test_unknown_queue_ends_it (void **state)
{
    fixture *self = *state;
    ready (self, (bf_ready){.queue = 77, .ready_us = 1, .job = 256, .ordinal = 1});
    neighbour_hears (self->actor, "FAILED");
    bf_actor_stop (&self->actor);
    assert_int_equal (self->args.birth.failure.code, BF_ENOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_ready_run_is_proposed),
        TEST (test_unresolved_claim_is_proposed_again),
        TEST (test_due_is_proposed_with_the_claim),
        TEST (test_due_without_claims_is_proposed),
        TEST (test_refill),
        TEST (test_wait_ends_on_time),
        TEST (test_no_wait_is_answered_after_recall),
        TEST (test_repeat_supersedes),
        TEST (test_release_answers_all),
        TEST (test_recall_and_answer_in_one_batch),
        TEST (test_stops_with_claims_parked),
        TEST (test_unknown_queue_ends_it),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
