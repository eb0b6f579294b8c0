/* SPDX-License-Identifier: MPL-2.0
 *
 * The retry actor between a store and a gateway that the test plays.
 */
#include "actors/retry.h"

#include <string.h>

#include "core/base/time.h"
#include "core/leases.h"
#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/neighbour.h"

typedef Belfry__Internal__RetryItem retry_item;
typedef Belfry__Internal__StoreItem store_item;
typedef Belfry__Internal__GatewayItem gateway_item;

typedef struct {
    bf_retry_args args;
    bf_actor *actor;
    neighbour *store;
    neighbour *gateway;
    zsock_t *retry;
} fixture;

static int
set_up (void **state)
{
    static fixture self;
    memset (&self, 0, sizeof self);
    self.args.birth.name = "retry";
    self.args.scheduler = neighbour_scheduler ();
    self.store = neighbour_new (self.args.scheduler, BF_INBOX_STORE);
    self.gateway = neighbour_new (self.args.scheduler, BF_INBOX_GATEWAY);
    self.actor = neighbour_start (bf_retry_actor, &self.args.birth);
    self.retry = bf_inbox_connect (self.args.scheduler, BF_INBOX_RETRY);
    assert_non_null (self.retry);
    *state = &self;
    return 0;
}

static int
tear_down (void **state)
{
    fixture *self = *state;
    bf_actor_stop (&self->actor);
    zsock_destroy (&self->retry);
    neighbour_free (self->gateway);
    neighbour_free (self->store);
    return 0;
}

static void
tell_all (fixture *self, retry_item **items, size_t count)
{
    Belfry__Internal__ToRetry message = BELFRY__INTERNAL__TO_RETRY__INIT;
    message.n_items = count;
    message.items = items;
    assert_int_equal (bf_inbox_send (self->retry, &message.base), BF_OK);
}

static void
tell (fixture *self, retry_item *item)
{
    tell_all (self, &item, 1);
}

/* What one lease is, for both items that tell of it. */
typedef struct {
    Belfry__Internal__Attempt attempt;
    Belfry__Internal__LeaseOpened opened;
    retry_item item;
} lease_item;

/* run_until_us: 0 for never. */
static void
lease_opened (lease_item *lease, bf_token token, int64_t lease_us, int64_t run_until_us,
              bool flagged)
{
    bf_attempt_to_wire (token, &lease->attempt);
    belfry__internal__lease_opened__init (&lease->opened);
    lease->opened.attempt = &lease->attempt;
    lease->opened.from_boot_us = bf_now_read ().boot.us;
    lease->opened.lease_us = lease_us;
    lease->opened.run_until_boot_us = run_until_us;
    lease->opened.flagged = flagged;
    belfry__internal__retry_item__init (&lease->item);
    lease->item.item_case = BELFRY__INTERNAL__RETRY_ITEM__ITEM_OPENED;
    lease->item.opened = &lease->opened;
}

static void
lease_closed (lease_item *lease, bf_token token)
{
    bf_attempt_to_wire (token, &lease->attempt);
    belfry__internal__retry_item__init (&lease->item);
    lease->item.item_case = BELFRY__INTERNAL__RETRY_ITEM__ITEM_CLOSED;
    lease->item.closed = &lease->attempt;
}

static void
open_lease (fixture *self, bf_token token, int64_t lease_us, int64_t run_until_us,
            bool flagged)
{
    lease_item opened;
    lease_opened (&opened, token, lease_us, run_until_us, flagged);
    tell (self, &opened.item);
}

/* Half its time has passed: its next heartbeat is worth a note to the store. */
static void
open_old_lease (fixture *self, bf_token token, int64_t lease_us, bool flagged)
{
    lease_item opened;
    lease_opened (&opened, token, lease_us, 0, flagged);
    opened.opened.from_boot_us -= lease_us / 2;
    tell (self, &opened.item);
}

static void
close_lease (fixture *self, bf_token token)
{
    lease_item closed;
    lease_closed (&closed, token);
    tell (self, &closed.item);
}

/* Both in one message, so that nothing can happen in between. */
static void
open_and_close (fixture *self, bf_token token)
{
    lease_item opened;
    lease_item closed;
    lease_opened (&opened, token, 0, 0, false);
    lease_closed (&closed, token);
    retry_item *items[] = {&opened.item, &closed.item};
    tell_all (self, items, 2);
}

static void
flag_lease (fixture *self, bf_token token)
{
    Belfry__Internal__Attempt attempt;
    bf_attempt_to_wire (token, &attempt);
    retry_item item = BELFRY__INTERNAL__RETRY_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__RETRY_ITEM__ITEM_FLAGGED;
    item.flagged = &attempt;
    tell (self, &item);
}

static void
settle (fixture *self, uint64_t batch)
{
    retry_item item = BELFRY__INTERNAL__RETRY_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__RETRY_ITEM__ITEM_SETTLED;
    item.settled = batch;
    tell (self, &item);
}

/* As the gateway passes it on. */
static void
call_with (fixture *self, uint64_t id, Belfry__V1__Request *request)
{
    request->version = 1;
    request->client = "bot";
    request->request_id = "r-1";
    Belfry__Internal__Call call = BELFRY__INTERNAL__CALL__INIT;
    call.call = id;
    call.request = request;
    retry_item item = BELFRY__INTERNAL__RETRY_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__RETRY_ITEM__ITEM_CALL;
    item.call = &call;
    tell (self, &item);
}

static void
heartbeat (fixture *self, uint64_t id, const char **tokens, size_t count)
{
    Belfry__V1__Heartbeat beat = BELFRY__V1__HEARTBEAT__INIT;
    beat.n_tokens = count;
    beat.tokens = (char **)tokens;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_HEARTBEAT;
    request.heartbeat = &beat;
    call_with (self, id, &request);
}

static store_item *
expect_store (fixture *self, Belfry__Internal__StoreItem__ItemCase what)
{
    store_item *item = neighbour_item (self->store);
    assert_int_equal (item->item_case, what);
    return item;
}

static void
expect_extended (fixture *self, uint64_t job, int64_t least_us)
{
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_EXTENDED);
    assert_int_equal (item->extended->attempt->job, job);
    assert_true (item->extended->until_boot_us >= least_us);
}

/* The reply to a heartbeat; the caller frees it. */
static Belfry__V1__Reply *
expect_answer (fixture *self, uint64_t call)
{
    gateway_item *item = neighbour_item (self->gateway);
    assert_int_equal (item->item_case, BELFRY__INTERNAL__GATEWAY_ITEM__ITEM_ANSWER);
    assert_int_equal (item->answer->call, call);
    Belfry__V1__Reply *reply =
        belfry__v1__reply__unpack (NULL, item->answer->reply.len, item->answer->reply.data);
    assert_non_null (reply);
    assert_string_equal (reply->request_id, "r-1");
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_OK);
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_HEARTBEAT);
    return reply;
}

static void
test_heartbeat_extends (void **state)
{
    fixture *self = *state;
    open_old_lease (self, (bf_token){256, 1, 1}, BF_MINUTE_US, false);
    open_old_lease (self, (bf_token){512, 2, 3}, BF_HOUR_US, false);
    open_old_lease (self, (bf_token){768, 1, 1}, BF_HOUR_US, true);
    flag_lease (self, (bf_token){512, 2, 3});
    int64_t before_us = bf_now_read ().boot.us;
    const char *tokens[] = {"256.1.1", "512.2.3", "768.1.1"};
    heartbeat (self, 77, tokens, 3);

    Belfry__V1__Reply *reply = expect_answer (self, 77);
    assert_int_equal (reply->heartbeat->n_items, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal (reply->heartbeat->items[i]->token, tokens[i]);
        assert_int_equal (reply->heartbeat->items[i]->code, BELFRY__V1__CODE__CODE_OK);
        assert_int_equal (reply->heartbeat->items[i]->cancel, i > 0);
    }
    belfry__v1__reply__free_unpacked (reply, NULL);
    expect_extended (self, 256, before_us + BF_MINUTE_US);
    expect_extended (self, 512, before_us + BF_HOUR_US);
    expect_extended (self, 768, before_us + BF_HOUR_US);
    assert_int_equal (neighbour_messages (self->store), 1);
}

/* However fast a worker beats, the store hears of it once in a while. */
static void
test_heartbeats_spare_the_store (void **state)
{
    fixture *self = *state;
    enum { BEATS = 200 };
    int64_t before_us = bf_now_read ().boot.us;
    open_old_lease (self, (bf_token){256, 1, 1}, BF_HOUR_US, false);
    open_lease (self, (bf_token){512, 1, 1}, BF_HOUR_US, 0, false);
    const char *tokens[] = {"256.1.1", "512.1.1", "256.1.1"};
    for (uint64_t i = 0; i < BEATS; i++) {
        heartbeat (self, i, tokens, 3);
    }
    for (uint64_t i = 0; i < BEATS; i++) {
        Belfry__V1__Reply *reply = expect_answer (self, i);
        assert_int_equal (reply->heartbeat->n_items, 3);
        belfry__v1__reply__free_unpacked (reply, NULL);
    }
    expect_extended (self, 256, before_us + BF_HOUR_US);
    assert_true (neighbour_is_silent (self->store));
}

static void
test_unknown_token_goes_to_the_store (void **state)
{
    fixture *self = *state;
    static const char *const unknown[] = {
        "512.1.1", /* never opened */
        "256.1.2", /* another attempt */
        "768.1.1", /* closed */
        "nonsense", "", "1.2", "-1.1.1",
    };
    open_old_lease (self, (bf_token){256, 1, 1}, BF_HOUR_US, false);
    open_lease (self, (bf_token){768, 1, 1}, BF_MINUTE_US, 0, false);
    close_lease (self, (bf_token){768, 1, 1});
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        const char *tokens[] = {unknown[i], "256.1.1"};
        int64_t before_us = bf_now_read ().boot.us;
        heartbeat (self, i + 1, tokens, 2);
        if (i == 0) {
            expect_extended (self, 256, before_us + BF_HOUR_US);
        }
        store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL);
        assert_int_equal (item->call->call, i + 1);
        assert_string_equal (item->call->request->client, "bot");
        assert_int_equal (item->call->request->heartbeat->n_tokens, 2);
        assert_string_equal (item->call->request->heartbeat->tokens[0], unknown[i]);
        assert_true (neighbour_is_silent (self->gateway));
    }
}

static void
test_fail_passes_through (void **state)
{
    fixture *self = *state;
    open_lease (self, (bf_token){256, 1, 1}, BF_MINUTE_US, 0, false);
    Belfry__V1__Fail failed = BELFRY__V1__FAIL__INIT;
    failed.token = "256.1.1";
    failed.reason = "no ink";
    failed.non_retryable = true;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_FAIL;
    request.fail = &failed;
    call_with (self, 5, &request);
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL);
    assert_int_equal (item->call->call, 5);
    assert_string_equal (item->call->request->request_id, "r-1");
    assert_string_equal (item->call->request->fail->token, "256.1.1");
    assert_string_equal (item->call->request->fail->reason, "no ink");
    assert_true (item->call->request->fail->non_retryable);
}

/* One lease runs out of heartbeats, another into its run_timeout; a third was closed. */
static void
test_overdue_on_time (void **state)
{
    fixture *self = *state;
    int64_t begin_us = bf_now_read ().boot.us;
    open_and_close (self, (bf_token){768, 1, 1});
    open_lease (self, (bf_token){256, 1, 1}, 50 * BF_MS_US, 0, false);
    open_lease (self, (bf_token){512, 1, 2}, BF_HOUR_US, begin_us + 150 * BF_MS_US, false);

    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE);
    assert_true (bf_now_read ().boot.us >= begin_us + 50 * BF_MS_US);
    assert_int_equal (item->overdue->batch, 1);
    assert_int_equal (item->overdue->n_leases, 1);
    assert_int_equal (item->overdue->leases[0]->attempt->job, 256);
    assert_false (item->overdue->leases[0]->run_timeout);
    close_lease (self, (bf_token){256, 1, 1});
    settle (self, 1);

    item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE);
    assert_true (bf_now_read ().boot.us >= begin_us + 150 * BF_MS_US);
    assert_int_equal (item->overdue->batch, 2);
    assert_int_equal (item->overdue->n_leases, 1);
    assert_int_equal (item->overdue->leases[0]->attempt->job, 512);
    assert_int_equal (item->overdue->leases[0]->attempt->attempt, 2);
    assert_true (item->overdue->leases[0]->run_timeout);
}

/* While a batch is out, nothing further is proposed, and what it names is deaf. */
static void
test_batch_waits_for_settled (void **state)
{
    fixture *self = *state;
    open_lease (self, (bf_token){256, 1, 1}, 0, 0, false);
    store_item *item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE);
    assert_int_equal (item->overdue->batch, 1);
    open_lease (self, (bf_token){512, 1, 1}, 0, 0, false);
    const char *tokens[] = {"256.1.1"};
    heartbeat (self, 1, tokens, 1);
    expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL);
    assert_true (neighbour_is_silent (self->store));

    close_lease (self, (bf_token){256, 1, 1});
    settle (self, 1);
    item = expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE);
    assert_int_equal (item->overdue->batch, 2);
    assert_int_equal (item->overdue->n_leases, 1);
    assert_int_equal (item->overdue->leases[0]->attempt->job, 512);
}

static void
test_heartbeat_keeps_alive (void **state)
{
    fixture *self = *state;
    open_lease (self, (bf_token){256, 1, 1}, 500 * BF_MS_US, 0, false);
    const char *tokens[] = {"256.1.1"};
    int64_t last_us = 0;
    for (uint64_t i = 0; i < 3; i++) {
        last_us = bf_now_read ().boot.us;
        heartbeat (self, i, tokens, 1);
        belfry__v1__reply__free_unpacked (expect_answer (self, i), NULL);
    }
    /* Whether it hears of an extension before depends on how fast that went. */
    store_item *item = neighbour_item (self->store);
    while (item->item_case == BELFRY__INTERNAL__STORE_ITEM__ITEM_EXTENDED) {
        item = neighbour_item (self->store);
    }
    assert_int_equal (item->item_case, BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE);
    assert_true (bf_now_read ().boot.us >= last_us + 500 * BF_MS_US);
}

static void
test_waiting_wakes_nobody (void **state)
{
    fixture *self = *state;
    int thread = neighbour_thread ("retry");
    /* Its answer says that the actor has gone to sleep once, and will again. */
    const char *tokens[] = {"256.1.1"};
    heartbeat (self, 1, tokens, 1);
    expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL);
    neighbour_effort before = neighbour_effort_of (thread);
    open_lease (self, (bf_token){512, 1, 1}, 400 * BF_MS_US, 0, false);
    expect_store (self, BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE);
    neighbour_check_idle (thread, before);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_heartbeat_extends),       TEST (test_unknown_token_goes_to_the_store),
        TEST (test_fail_passes_through),     TEST (test_overdue_on_time),
        TEST (test_batch_waits_for_settled), TEST (test_heartbeat_keeps_alive),
        TEST (test_waiting_wakes_nobody),    TEST (test_heartbeats_spare_the_store),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
