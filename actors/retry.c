/* SPDX-License-Identifier: MPL-2.0
 *
 * Still alive? Keeps every open lease in core/leases.h, answers heartbeats from memory as
 * long as each token in them is known there, and tells the store what to write down with
 * its next commit, and what has run out. Fail, and heartbeats that only the rows can
 * answer, pass through.
 */
#include "actors/retry.h"

#include <stdlib.h>

#include "actors/loop.h"
#include "actors/wiring.h"
#include "core/base/list.h"
#include "core/leases.h"
#include "messages/codec.h"
#include "messages/translate.h"

typedef struct {
    zsock_t *pipe;
    zsock_t *inbox;
    zsock_t *store;
    zsock_t *gateway;
    bf_leases *leases;
    bf_arena *arena;    /* what came since the last flush, and what goes out with it */
    bf_list to_store;   /* Belfry__Internal__StoreItem */
    bf_list to_gateway; /* Belfry__Internal__GatewayItem */
    bf_overdue overdue[BF_LEASES_BATCH];
    bool terminated;
} self_t;

static void
self_destroy (self_t **self_p)
{
    self_t *self = *self_p;
    if (!self) {
        return;
    }
    bf_list_clear (&self->to_gateway);
    bf_list_clear (&self->to_store);
    bf_leases_destroy (&self->leases);
    bf_arena_destroy (&self->arena);
    zsock_destroy (&self->gateway);
    zsock_destroy (&self->store);
    zsock_destroy (&self->inbox);
    free (self);
    *self_p = NULL;
}

static bf_err
self_new (self_t **self_p, zsock_t *pipe, const bf_retry_args *args, bf_error *error)
{
    self_t *self = calloc (1, sizeof *self);
    if (!self) {
        return bf_fail (error, BF_ENOMEM, "%s", bf_err_text (BF_ENOMEM));
    }
    self->pipe = pipe;
    self->inbox = bf_inbox_bind (args->scheduler, BF_INBOX_RETRY);
    self->store = bf_inbox_connect (args->scheduler, BF_INBOX_STORE);
    self->gateway = bf_inbox_connect (args->scheduler, BF_INBOX_GATEWAY);
    self->arena = bf_arena_new (BF_LOOP_ARENA_BYTES);
    self->leases = bf_leases_new (bf_loop_seed ());
    if (!self->inbox || !self->store || !self->gateway || !self->arena || !self->leases) {
        self_destroy (&self);
        return bf_fail (error, BF_ENOMEM, "no memory or sockets for retry");
    }
    *self_p = self;
    return BF_OK;
}

static bf_err
tell_store (self_t *self, Belfry__Internal__StoreItem item)
{
    Belfry__Internal__StoreItem *kept = bf_arena_alloc (self->arena, sizeof *kept);
    if (!kept) {
        return BF_ENOMEM;
    }
    *kept = item;
    return bf_list_push (&self->to_store, kept);
}

static bf_err
tell_gateway (self_t *self, uint64_t call, const Belfry__V1__Reply *reply)
{
    Belfry__Internal__GatewayItem *item = bf_arena_alloc (self->arena, sizeof *item);
    Belfry__Internal__Answer *answer = bf_arena_alloc (self->arena, sizeof *answer);
    size_t size = 0;
    uint8_t *bytes = bf_pack (&reply->base, self->arena, &size);
    if (!item || !answer || !bytes) {
        return BF_ENOMEM;
    }
    belfry__internal__answer__init (answer);
    answer->call = call;
    answer->reply.data = bytes;
    answer->reply.len = size;
    belfry__internal__gateway_item__init (item);
    item->item_case = BELFRY__INTERNAL__GATEWAY_ITEM__ITEM_ANSWER;
    item->answer = answer;
    return bf_list_push (&self->to_gateway, item);
}

/* Sends what was collected. */
static bf_err
flush (self_t *self)
{
    bf_err rc = BF_OK;
    if (self->to_store.count > 0) {
        Belfry__Internal__ToStore message = BELFRY__INTERNAL__TO_STORE__INIT;
        message.n_items = self->to_store.count;
        message.items = (Belfry__Internal__StoreItem **)self->to_store.items;
        rc = bf_inbox_send (self->store, &message.base);
    }
    if (rc == BF_OK && self->to_gateway.count > 0) {
        Belfry__Internal__ToGateway message = BELFRY__INTERNAL__TO_GATEWAY__INIT;
        message.n_items = self->to_gateway.count;
        message.items = (Belfry__Internal__GatewayItem **)self->to_gateway.items;
        rc = bf_inbox_send (self->gateway, &message.base);
    }
    bf_list_truncate (&self->to_store, 0);
    bf_list_truncate (&self->to_gateway, 0);
    bf_arena_reset (self->arena);
    return rc;
}

static void
handle_pipe (self_t *self)
{
    if (bf_loop_ended (self->pipe, NULL)) {
        self->terminated = true;
    }
}

/* One lease lives on until then: the store may write it down when it writes. */
static bf_err
note_extended (self_t *self, bf_token token, bf_boot until)
{
    Belfry__Internal__Extended *extended = bf_arena_alloc (self->arena, sizeof *extended);
    Belfry__Internal__Attempt *attempt = bf_arena_alloc (self->arena, sizeof *attempt);
    if (!extended || !attempt) {
        return BF_ENOMEM;
    }
    bf_attempt_to_wire (token, attempt);
    belfry__internal__extended__init (extended);
    extended->attempt = attempt;
    extended->until_boot_us = until.us;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_EXTENDED;
    item.extended = extended;
    return tell_store (self, item);
}

/* Extends every lease that is known here and fills an item of the reply for each. *known:
 * all were. No credit bounds heartbeats, so the store hears of few of them. */
static bf_err
pulse (self_t *self, const Belfry__V1__Heartbeat *heartbeat,
       Belfry__V1__HeartbeatReply__Item **items, bool *known)
{
    bf_boot now = bf_now_read ().boot;
    *known = true;
    for (size_t index = 0; index < heartbeat->n_tokens; index++) {
        bf_token token;
        bf_boot until;
        bf_lease_pulse found = BF_LEASE_UNKNOWN;
        if (bf_token_parse (heartbeat->tokens[index], &token) == BF_OK) {
            found = bf_leases_pulse (self->leases, token, now, &until);
        }
        if (found == BF_LEASE_UNKNOWN) {
            *known = false;
            continue;
        }
        bf_err rc = bf_leases_tell (self->leases, token)
                        ? note_extended (self, token, until)
                        : BF_OK;
        items[index] = bf_arena_alloc (self->arena, sizeof *items[index]);
        if (rc != BF_OK || !items[index]) {
            return BF_ENOMEM;
        }
        belfry__v1__heartbeat_reply__item__init (items[index]);
        items[index]->token = heartbeat->tokens[index];
        items[index]->code = BELFRY__V1__CODE__CODE_OK;
        items[index]->cancel = found == BF_LEASE_FLAGGED;
    }
    return BF_OK;
}

/* To the store, which answers it by the rows. */
static bf_err
pass_on (self_t *self, Belfry__Internal__Call *call)
{
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL;
    item.call = call;
    return tell_store (self, item);
}

static bf_err
take_call (self_t *self, Belfry__Internal__Call *call)
{
    if (call->request->command_case != BELFRY__V1__REQUEST__COMMAND_HEARTBEAT) {
        return pass_on (self, call);
    }
    const Belfry__V1__Heartbeat *heartbeat = call->request->heartbeat;
    Belfry__V1__HeartbeatReply__Item **items =
        bf_arena_alloc (self->arena, heartbeat->n_tokens * sizeof *items);
    if (!items) {
        return BF_ENOMEM;
    }
    bool known = false;
    bf_err rc = pulse (self, heartbeat, items, &known);
    if (rc != BF_OK) {
        return rc;
    }
    if (!known) {
        return pass_on (self, call);
    }
    Belfry__V1__HeartbeatReply alive = BELFRY__V1__HEARTBEAT_REPLY__INIT;
    alive.n_items = heartbeat->n_tokens;
    alive.items = items;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.request_id = call->request->request_id;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_HEARTBEAT;
    reply.heartbeat = &alive;
    return tell_gateway (self, call->call, &reply);
}

static bf_err
take_opened (self_t *self, const Belfry__Internal__LeaseOpened *opened)
{
    int64_t run_until_us =
        opened->run_until_boot_us ? opened->run_until_boot_us : INT64_MAX;
    return bf_leases_open (self->leases, bf_attempt_from_wire (opened->attempt),
                           (bf_boot){opened->from_boot_us}, (bf_span){opened->lease_us},
                           (bf_boot){run_until_us}, opened->flagged);
}

static bf_err
handle_item (self_t *self, const Belfry__Internal__RetryItem *item)
{
    switch (item->item_case) {
    case BELFRY__INTERNAL__RETRY_ITEM__ITEM_CALL:
        return take_call (self, item->call);
    case BELFRY__INTERNAL__RETRY_ITEM__ITEM_OPENED:
        return take_opened (self, item->opened);
    case BELFRY__INTERNAL__RETRY_ITEM__ITEM_CLOSED:
        bf_leases_close (self->leases, bf_attempt_from_wire (item->closed));
        return BF_OK;
    case BELFRY__INTERNAL__RETRY_ITEM__ITEM_FLAGGED:
        bf_leases_flag (self->leases, bf_attempt_from_wire (item->flagged));
        return BF_OK;
    case BELFRY__INTERNAL__RETRY_ITEM__ITEM_SETTLED:
        bf_leases_settled (self->leases, item->settled);
        return BF_OK;
    default:
        return BF_EINTERNAL;
    }
}

static bf_err
handle_inbox (self_t *self)
{
    bf_err rc = BF_OK;
    for (int count = 0; count < BF_LOOP_MESSAGES && rc == BF_OK; count++) {
        zframe_t *frame = bf_inbox_receive (self->inbox);
        if (!frame) {
            break;
        }
        const Belfry__Internal__ToRetry *message =
            (const Belfry__Internal__ToRetry *)bf_loop_unpack (
                &frame, &belfry__internal__to_retry__descriptor, self->arena);
        if (!message) {
            return BF_ENOMEM;
        }
        for (size_t index = 0; index < message->n_items && rc == BF_OK; index++) {
            rc = handle_item (self, message->items[index]);
        }
        if (rc == BF_OK && bf_arena_used (self->arena) >= BF_LOOP_FLUSH_BYTES) {
            rc = flush (self);
        }
    }
    return rc;
}

/* Tells the store which leases have run out. */
static bf_err
on_deadline (self_t *self)
{
    uint64_t batch = 0;
    size_t count = bf_leases_overdue (self->leases, bf_now_read ().boot, self->overdue,
                                      BF_LEASES_BATCH, &batch);
    if (count == 0) {
        return BF_OK;
    }
    Belfry__Internal__Overdue *overdue = bf_arena_alloc (self->arena, sizeof *overdue);
    Belfry__Internal__Attempt *attempts =
        bf_arena_alloc (self->arena, count * sizeof *attempts);
    Belfry__Internal__OverdueLease *leases =
        bf_arena_alloc (self->arena, count * sizeof *leases);
    Belfry__Internal__OverdueLease **pointers =
        bf_arena_alloc (self->arena, count * sizeof *pointers);
    if (!overdue || !attempts || !leases || !pointers) {
        return BF_ENOMEM;
    }
    for (size_t index = 0; index < count; index++) {
        bf_attempt_to_wire (self->overdue[index].token, &attempts[index]);
        belfry__internal__overdue_lease__init (&leases[index]);
        leases[index].attempt = &attempts[index];
        leases[index].run_timeout = self->overdue[index].run_timeout;
        pointers[index] = &leases[index];
    }
    belfry__internal__overdue__init (overdue);
    overdue->batch = batch;
    overdue->n_leases = count;
    overdue->leases = pointers;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE;
    item.overdue = overdue;
    return tell_store (self, item);
}

static bf_err
run (self_t *self)
{
    bf_err rc = BF_OK;
    while (rc == BF_OK && !self->terminated) {
        zmq_pollitem_t items[] = {
            bf_loop_socket (self->pipe),
            bf_loop_socket (self->inbox),
        };
        if (!bf_loop_wait (items, 2, bf_leases_next (self->leases))) {
            break;
        }
        if (items[0].revents) {
            handle_pipe (self);
            continue;
        }
        if (items[1].revents) {
            rc = handle_inbox (self);
        }
        if (rc == BF_OK) {
            rc = on_deadline (self);
        }
        if (rc == BF_OK) {
            rc = flush (self);
        }
    }
    return rc;
}

void
bf_retry_actor (zsock_t *pipe, void *argument)
{
    bf_retry_args *args = argument;
    self_t *self = NULL;
    bf_err rc = self_new (&self, pipe, args, &args->birth.error);
    bf_loop_born (pipe);
    if (rc == BF_OK) {
        rc = run (self);
        if (rc != BF_OK) {
            bf_loop_fail (pipe, &args->birth, rc);
        }
    }
    self_destroy (&self);
}
