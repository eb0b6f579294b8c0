/* SPDX-License-Identifier: MPL-2.0
 *
 * Who gets it? Turns messages into calls of core/dispatch.h, and what that decides into
 * proposals to the store and answers to the gateway. It also keeps each claim as it came,
 * because the store wants all of it with every proposal.
 */
#include "actors/dispatcher.h"

#include <stdlib.h>

#include "actors/loop.h"
#include "actors/wiring.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "core/dispatch.h"
#include "messages/codec.h"
#include "messages/translate.h"

/* A claim without an answer, as the gateway sent it. */
typedef struct claim_t {
    Belfry__Internal__ClaimCall *message;
    struct claim_t *next; /* in self_t.retired */
} claim_t;

typedef struct {
    zsock_t *pipe;
    zsock_t *inbox;
    zsock_t *store;
    zsock_t *gateway;
    bf_dispatch *dispatch;
    bf_map *claims;     /* claim_t by call */
    claim_t *retired;   /* over, but what is being collected may still name them */
    bf_arena *incoming; /* one message */
    bf_arena *outgoing; /* what is being collected */
    bf_list to_store;   /* Belfry__Internal__StoreItem */
    bf_list to_gateway; /* Belfry__Internal__GatewayItem */
    bool terminated;
    bf_err rc; /* why it cannot go on; BF_OK while it can */
} self_t;

static void
claim_destroy (claim_t *claim)
{
    belfry__internal__claim_call__free_unpacked (claim->message, NULL);
    free (claim);
}

static claim_t *
claim_of (const self_t *self, uint64_t call)
{
    claim_t *claim = bf_map_get (self->claims, &call, sizeof call);
    BF_INVARIANT (claim != NULL);
    return claim;
}

/* Keeps a copy of a claim. */
static bf_err
claim_keep (self_t *self, const Belfry__Internal__ClaimCall *message)
{
    size_t size = 0;
    uint8_t *bytes = bf_pack (&message->base, self->incoming, &size);
    claim_t *claim = calloc (1, sizeof *claim);
    if (claim && bytes) {
        claim->message = belfry__internal__claim_call__unpack (NULL, size, bytes);
    }
    if (!claim || !claim->message ||
        bf_map_put (self->claims, &message->call, sizeof message->call, claim) != BF_OK) {
        if (claim) {
            claim_destroy (claim);
        }
        return BF_ENOMEM;
    }
    return BF_OK;
}

/* The claim is over. */
static void
claim_retire (self_t *self, uint64_t call)
{
    claim_t *claim = bf_map_remove (self->claims, &call, sizeof call);
    if (claim) {
        claim->next = self->retired;
        self->retired = claim;
    }
}

static void
drop_retired (self_t *self)
{
    while (self->retired) {
        claim_t *claim = self->retired;
        self->retired = claim->next;
        claim_destroy (claim);
    }
}

/* A piece of what is being collected. NULL without memory, which self->rc then says. */
static void *
collect (self_t *self, size_t size)
{
    void *piece = bf_arena_alloc (self->outgoing, size);
    if (!piece) {
        self->rc = BF_ENOMEM;
    }
    return piece;
}

static void
tell_store (self_t *self, Belfry__Internal__StoreItem item)
{
    Belfry__Internal__StoreItem *kept = collect (self, sizeof *kept);
    if (kept) {
        *kept = item;
        if (bf_list_push (&self->to_store, kept) != BF_OK) {
            self->rc = BF_ENOMEM;
        }
    }
}

/* reply: packed, in the outgoing arena; size 0: forget the call. */
static void
tell_gateway (self_t *self, uint64_t call, uint8_t *reply, size_t size)
{
    Belfry__Internal__GatewayItem *item = collect (self, sizeof *item);
    Belfry__Internal__Answer *answer = collect (self, sizeof *answer);
    if (!item || !answer) {
        return;
    }
    belfry__internal__answer__init (answer);
    answer->call = call;
    answer->reply.data = reply;
    answer->reply.len = size;
    belfry__internal__gateway_item__init (item);
    item->item_case = BELFRY__INTERNAL__GATEWAY_ITEM__ITEM_ANSWER;
    item->answer = answer;
    if (bf_list_push (&self->to_gateway, item) != BF_OK) {
        self->rc = BF_ENOMEM;
    }
}

static Belfry__Internal__Assignment *
assignment_to_wire (self_t *self, const bf_assignment *assignment)
{
    Belfry__Internal__Assignment *wire = collect (self, sizeof *wire);
    uint32_t *timers = collect (self, assignment->n_timers * sizeof *timers);
    Belfry__Internal__ReadyRun *runs = collect (self, assignment->n_runs * sizeof *runs);
    Belfry__Internal__ReadyRun **pointers =
        collect (self, assignment->n_runs * sizeof *pointers);
    if (!wire || !timers || !runs || !pointers) {
        return NULL;
    }
    for (size_t index = 0; index < assignment->n_timers; index++) {
        timers[index] = assignment->timers[index];
    }
    for (size_t index = 0; index < assignment->n_runs; index++) {
        bf_ready_to_wire (assignment->runs[index], &runs[index]);
        pointers[index] = &runs[index];
    }
    belfry__internal__assignment__init (wire);
    wire->claim = claim_of (self, assignment->call)->message;
    wire->n_timers = assignment->n_timers;
    wire->timers = timers;
    wire->n_runs = assignment->n_runs;
    wire->runs = pointers;
    return wire;
}

static void
propose (void *context, uint64_t batch, const bf_timer *timers, size_t n_timers,
         const bf_assignment *assignments, size_t n_assignments)
{
    self_t *self = context;
    Belfry__Internal__Proposal *proposal = collect (self, sizeof *proposal);
    Belfry__Internal__Timer *wire = collect (self, n_timers * sizeof *wire);
    Belfry__Internal__Timer **pointers = collect (self, n_timers * sizeof *pointers);
    Belfry__Internal__Assignment **given = collect (self, n_assignments * sizeof *given);
    if (!proposal || !wire || !pointers || !given) {
        return;
    }
    for (size_t index = 0; index < n_timers; index++) {
        bf_timer_to_wire (timers[index], &wire[index]);
        pointers[index] = &wire[index];
    }
    for (size_t index = 0; index < n_assignments; index++) {
        given[index] = assignment_to_wire (self, &assignments[index]);
        if (!given[index]) {
            return;
        }
    }
    belfry__internal__proposal__init (proposal);
    proposal->batch = batch;
    proposal->n_timers = n_timers;
    proposal->timers = pointers;
    proposal->n_assignments = n_assignments;
    proposal->assignments = given;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL;
    item.proposal = proposal;
    tell_store (self, item);
}

static void
recall (void *context, uint64_t call)
{
    self_t *self = context;
    Belfry__Internal__Recall *wire = collect (self, sizeof *wire);
    if (!wire) {
        return;
    }
    belfry__internal__recall__init (wire);
    wire->claim = claim_of (self, call)->message;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_RECALL;
    item.recall = wire;
    tell_store (self, item);
}

static void
answer_empty (void *context, uint64_t call)
{
    self_t *self = context;
    Belfry__V1__ClaimReply nothing = BELFRY__V1__CLAIM_REPLY__INIT;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.request_id = claim_of (self, call)->message->request_id;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_CLAIM;
    reply.claim = &nothing;
    size_t size = 0;
    uint8_t *bytes = bf_pack (&reply.base, self->outgoing, &size);
    if (bytes) {
        tell_gateway (self, call, bytes, size);
    } else {
        self->rc = BF_ENOMEM;
    }
    claim_retire (self, call);
}

static void
superseded (void *context, uint64_t call)
{
    self_t *self = context;
    tell_gateway (self, call, NULL, 0);
    claim_retire (self, call);
}

static void
refill (void *context, uint32_t queue, uint32_t limit)
{
    self_t *self = context;
    Belfry__Internal__RefillReady *wire = collect (self, sizeof *wire);
    if (!wire) {
        return;
    }
    belfry__internal__refill_ready__init (wire);
    wire->queue = queue;
    wire->limit = limit;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_REFILL_READY;
    item.refill_ready = wire;
    tell_store (self, item);
}

static void
self_destroy (self_t **self_p)
{
    self_t *self = *self_p;
    if (!self) {
        return;
    }
    bf_dispatch_destroy (&self->dispatch);
    bf_list_clear (&self->to_gateway);
    bf_list_clear (&self->to_store);
    drop_retired (self);
    if (self->claims) {
        size_t cursor = 0;
        claim_t *claim;
        while ((claim = bf_map_each (self->claims, &cursor))) {
            claim_destroy (claim);
        }
    }
    bf_map_destroy (&self->claims);
    bf_arena_destroy (&self->outgoing);
    bf_arena_destroy (&self->incoming);
    zsock_destroy (&self->gateway);
    zsock_destroy (&self->store);
    zsock_destroy (&self->inbox);
    free (self);
    *self_p = NULL;
}

static bf_err
self_new (self_t **self_p, zsock_t *pipe, const bf_dispatcher_args *args, bf_error *error)
{
    self_t *self = calloc (1, sizeof *self);
    if (!self) {
        return bf_fail (error, BF_ENOMEM, "%s", bf_err_text (BF_ENOMEM));
    }
    bf_dispatch_out out = {
        .context = self,
        .propose = propose,
        .recall = recall,
        .answer_empty = answer_empty,
        .superseded = superseded,
        .refill = refill,
    };
    self->pipe = pipe;
    self->inbox = bf_inbox_bind (args->scheduler, BF_INBOX_DISPATCHER);
    self->store = bf_inbox_connect (args->scheduler, BF_INBOX_STORE);
    self->gateway = bf_inbox_connect (args->scheduler, BF_INBOX_GATEWAY);
    self->incoming = bf_arena_new (BF_LOOP_ARENA_BYTES);
    self->outgoing = bf_arena_new (BF_LOOP_ARENA_BYTES);
    self->claims = bf_map_new (bf_loop_seed ());
    self->dispatch = bf_dispatch_new (&out, bf_loop_seed ());
    if (!self->inbox || !self->store || !self->gateway || !self->incoming ||
        !self->outgoing || !self->claims || !self->dispatch) {
        self_destroy (&self);
        return bf_fail (error, BF_ENOMEM, "no memory or sockets for the dispatcher");
    }
    *self_p = self;
    return BF_OK;
}

/* Sends what was collected. */
static void
flush (self_t *self)
{
    if (self->rc == BF_OK && self->to_store.count > 0) {
        Belfry__Internal__ToStore message = BELFRY__INTERNAL__TO_STORE__INIT;
        message.n_items = self->to_store.count;
        message.items = (Belfry__Internal__StoreItem **)self->to_store.items;
        self->rc = bf_inbox_send (self->store, &message.base);
    }
    if (self->rc == BF_OK && self->to_gateway.count > 0) {
        Belfry__Internal__ToGateway message = BELFRY__INTERNAL__TO_GATEWAY__INIT;
        message.n_items = self->to_gateway.count;
        message.items = (Belfry__Internal__GatewayItem **)self->to_gateway.items;
        self->rc = bf_inbox_send (self->gateway, &message.base);
    }
    bf_list_truncate (&self->to_store, 0);
    bf_list_truncate (&self->to_gateway, 0);
    bf_arena_reset (self->outgoing);
    drop_retired (self);
}

static void
handle_pipe (self_t *self)
{
    if (bf_loop_ended (self->pipe, NULL)) {
        self->terminated = true;
    }
}

/* Without memory for it, or where its request_id waits for something else, this one claim
 * is refused. */
static void
take_claim (self_t *self, const Belfry__Internal__ClaimCall *message)
{
    bf_now now = bf_now_read ();
    bf_claim claim = {
        .call = message->call,
        .client = message->client,
        .request_id = message->request_id,
        .ns = message->claim->ns,
        .types = (const char *const *)message->claim->types,
        .n_types = message->claim->n_types,
        .max = message->claim->max,
        .until = {bf_us_add (now.boot.us, message->claim->wait_us)},
    };
    bf_err rc = claim_keep (self, message);
    if (rc == BF_OK) {
        rc = bf_dispatch_claim (self->dispatch, &claim);
    }
    if (rc != BF_OK) {
        claim_retire (self, message->call);
        size_t size = 0;
        uint8_t *reply =
            bf_reply_error (self->outgoing, message->request_id,
                            rc == BF_EREUSED ? BF_EREUSED : BF_EBUSY, NULL, &size);
        if (reply) {
            tell_gateway (self, message->call, reply, size);
        } else {
            self->rc = BF_ENOMEM;
        }
    }
}

static void
take_due (self_t *self, const Belfry__Internal__Due *due)
{
    bf_timer *timers = bf_arena_alloc (self->incoming, due->n_timers * sizeof *timers);
    if (!timers) {
        self->rc = BF_ENOMEM;
        return;
    }
    for (size_t index = 0; index < due->n_timers; index++) {
        timers[index] = bf_timer_from_wire (due->timers[index]);
    }
    bf_err rc = bf_dispatch_due (self->dispatch, due->batch, timers, due->n_timers);
    if (rc != BF_OK) {
        self->rc = rc;
    }
}

static void
take_refill (self_t *self, const Belfry__Internal__ReadyRefilled *refilled)
{
    bf_ready *runs = bf_arena_alloc (self->incoming, refilled->n_runs * sizeof *runs);
    if (!runs) {
        self->rc = BF_ENOMEM;
        return;
    }
    for (size_t index = 0; index < refilled->n_runs; index++) {
        runs[index] = bf_ready_from_wire (refilled->runs[index]);
    }
    bf_err rc = bf_dispatch_refilled (self->dispatch, refilled->queue, runs,
                                      refilled->n_runs, refilled->more);
    if (rc != BF_OK) {
        self->rc = rc;
    }
}

/* What a claim asks can be refused; what the others tell cannot: losing it would lose a
 * timer, or a run until the next start. */
static void
handle_item (self_t *self, const Belfry__Internal__DispatcherItem *item)
{
    bf_err rc = BF_OK;
    switch (item->item_case) {
    case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_CLAIM:
        take_claim (self, item->claim);
        break;
    case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RELEASE:
        bf_dispatch_release (self->dispatch);
        break;
    case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_DUE:
        take_due (self, item->due);
        break;
    case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_QUEUE:
        rc = bf_dispatch_queue (self->dispatch, item->queue->id, item->queue->ns,
                                item->queue->type, item->queue->more);
        break;
    case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_READY:
        rc = bf_dispatch_ready (self->dispatch, bf_ready_from_wire (item->ready));
        break;
    case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_REFILLED:
        take_refill (self, item->refilled);
        break;
    case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RESOLVED:
        bf_dispatch_resolved (self->dispatch, item->resolved->call, item->resolved->done);
        if (item->resolved->done) {
            claim_retire (self, item->resolved->call);
        }
        break;
    default:
        rc = BF_EINTERNAL;
        break;
    }
    if (rc != BF_OK) {
        self->rc = rc;
    }
}

static void
handle_inbox (self_t *self)
{
    for (int count = 0; count < BF_LOOP_MESSAGES && self->rc == BF_OK; count++) {
        zframe_t *frame = bf_inbox_receive (self->inbox);
        if (!frame) {
            break;
        }
        bf_arena_reset (self->incoming);
        const Belfry__Internal__ToDispatcher *message =
            (const Belfry__Internal__ToDispatcher *)bf_loop_unpack (
                &frame, &belfry__internal__to_dispatcher__descriptor, self->incoming);
        if (!message) {
            self->rc = BF_ENOMEM;
            break;
        }
        for (size_t index = 0; index < message->n_items && self->rc == BF_OK; index++) {
            handle_item (self, message->items[index]);
            if (bf_arena_used (self->outgoing) >= BF_LOOP_FLUSH_BYTES) {
                flush (self);
            }
        }
    }
    if (self->rc == BF_OK) {
        bf_dispatch_serve (self->dispatch);
    }
}

static void
on_deadline (self_t *self)
{
    bf_boot now = bf_now_read ().boot;
    if (self->rc == BF_OK && bf_dispatch_next (self->dispatch).us <= now.us) {
        bf_dispatch_tick (self->dispatch, now);
    }
}

static void
run (self_t *self)
{
    while (self->rc == BF_OK && !self->terminated) {
        zmq_pollitem_t items[] = {
            bf_loop_socket (self->pipe),
            bf_loop_socket (self->inbox),
        };
        if (!bf_loop_wait (items, 2, bf_dispatch_next (self->dispatch))) {
            break;
        }
        if (items[0].revents) {
            handle_pipe (self);
            continue;
        }
        if (items[1].revents) {
            handle_inbox (self);
        }
        on_deadline (self);
        flush (self);
    }
}

void
bf_dispatcher_actor (zsock_t *pipe, void *argument)
{
    bf_dispatcher_args *args = argument;
    self_t *self = NULL;
    bf_err rc = self_new (&self, pipe, args, &args->birth.error);
    bf_loop_born (pipe);
    if (rc == BF_OK) {
        run (self);
        if (self->rc != BF_OK) {
            bf_loop_fail (pipe, &args->birth, self->rc);
        }
    }
    self_destroy (&self);
}
