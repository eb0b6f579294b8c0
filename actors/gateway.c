/* SPDX-License-Identifier: MPL-2.0
 *
 * The commands door. What comes in is hostile until messages/codec has decoded it; what
 * goes in from here may be trusted. One message to each of the others carries everything
 * that was read in one go. Which call came from where, and how many there may be, is kept
 * in actors/calls.
 *
 *   [routing id] … [body]   every frame but the last is the way back, and is sent back as
 *                           it came, in front of the reply
 */
#include "actors/gateway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/calls.h"
#include "actors/endpoint.h"
#include "actors/envelope.h"
#include "actors/loop.h"
#include "actors/wiring.h"
#include "core/base/list.h"
#include "core/base/log.h"
#include "messages/codec.h"

#include "internal.pb-c.h"

/* Requests that wait for the flush, and the decoding of one more. */
#define REQUESTS_BYTES (BF_LOOP_FLUSH_BYTES + BF_DECODE_BYTES)

typedef struct {
    zsock_t *pipe;
    zsock_t *inbox;
    zsock_t *door;
    zsock_t *store;
    zsock_t *dispatcher;
    zsock_t *retry;
    bf_calls *calls;
    bf_arena *requests;    /* decoded since the last flush */
    bf_arena *answers;     /* one message from inside */
    bf_list to_store;      /* Belfry__Internal__StoreItem */
    bf_list to_dispatcher; /* Belfry__Internal__DispatcherItem */
    bf_list to_retry;      /* Belfry__Internal__RetryItem */
    bool draining;         /* nothing new is taken */
    bool drained;          /* and it was said that all is answered */
    bool terminated;
} self_t;

static void
self_destroy (self_t **self_p)
{
    self_t *self = *self_p;
    if (!self) {
        return;
    }
    bf_list_clear (&self->to_retry);
    bf_list_clear (&self->to_dispatcher);
    bf_list_clear (&self->to_store);
    bf_calls_destroy (&self->calls);
    bf_arena_destroy (&self->answers);
    bf_arena_destroy (&self->requests);
    zsock_destroy (&self->door);
    zsock_destroy (&self->retry);
    zsock_destroy (&self->dispatcher);
    zsock_destroy (&self->store);
    zsock_destroy (&self->inbox);
    free (self);
    *self_p = NULL;
}

static bf_err
self_new (self_t **self_p, zsock_t *pipe, bf_gateway_args *args, bf_error *error)
{
    self_t *self = calloc (1, sizeof *self);
    if (!self) {
        return bf_fail (error, BF_ENOMEM, "%s", bf_err_text (BF_ENOMEM));
    }
    const bf_calls_limits limits = BF_CALLS_LIMITS;
    self->pipe = pipe;
    self->inbox = bf_inbox_bind (args->scheduler, BF_INBOX_GATEWAY);
    self->store = bf_inbox_connect (args->scheduler, BF_INBOX_STORE);
    self->dispatcher = bf_inbox_connect (args->scheduler, BF_INBOX_DISPATCHER);
    self->retry = bf_inbox_connect (args->scheduler, BF_INBOX_RETRY);
    self->door = bf_door_new (ZMQ_ROUTER);
    self->requests = bf_arena_new (REQUESTS_BYTES);
    self->answers = bf_arena_new (BF_LOOP_ARENA_BYTES);
    self->calls = bf_calls_new (&limits, bf_loop_seed ());
    bf_err rc = BF_OK;
    if (!self->inbox || !self->store || !self->dispatcher || !self->retry || !self->door ||
        !self->requests || !self->answers || !self->calls) {
        rc = bf_fail (error, BF_ENOMEM, "no memory or sockets for the gateway");
    }
    if (rc == BF_OK) {
        rc = bf_door_bind (self->door, args->commands, &args->commands_bound, error);
    }
    if (rc != BF_OK) {
        self_destroy (&self);
        return rc;
    }
    *self_p = self;
    return BF_OK;
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
    if (rc == BF_OK && self->to_dispatcher.count > 0) {
        Belfry__Internal__ToDispatcher message = BELFRY__INTERNAL__TO_DISPATCHER__INIT;
        message.n_items = self->to_dispatcher.count;
        message.items = (Belfry__Internal__DispatcherItem **)self->to_dispatcher.items;
        rc = bf_inbox_send (self->dispatcher, &message.base);
    }
    if (rc == BF_OK && self->to_retry.count > 0) {
        Belfry__Internal__ToRetry message = BELFRY__INTERNAL__TO_RETRY__INIT;
        message.n_items = self->to_retry.count;
        message.items = (Belfry__Internal__RetryItem **)self->to_retry.items;
        rc = bf_inbox_send (self->retry, &message.base);
    }
    bf_list_truncate (&self->to_store, 0);
    bf_list_truncate (&self->to_dispatcher, 0);
    bf_list_truncate (&self->to_retry, 0);
    bf_arena_reset (self->requests);
    return rc;
}

/* Starts to drain: from here on nothing is taken in, and claims that wait are answered. */
static bf_err
drain (self_t *self)
{
    bf_log (BF_LOG_INFO, "gateway", "draining", "commands=%zu claims=%zu",
            bf_calls_count (self->calls, BF_CALL_COMMAND),
            bf_calls_count (self->calls, BF_CALL_CLAIM));
    self->draining = true;
    Belfry__Internal__DispatcherItem item = BELFRY__INTERNAL__DISPATCHER_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RELEASE;
    item.release = true;
    Belfry__Internal__DispatcherItem *items = &item;
    Belfry__Internal__ToDispatcher message = BELFRY__INTERNAL__TO_DISPATCHER__INIT;
    message.n_items = 1;
    message.items = &items;
    return bf_inbox_send (self->dispatcher, &message.base);
}

static bf_err
handle_pipe (self_t *self)
{
    bf_err rc = BF_OK;
    char *command = NULL;
    if (bf_loop_ended (self->pipe, &command)) {
        self->terminated = true;
    } else if (streq (command, "DRAIN") && !self->draining) {
        rc = drain (self);
    }
    zstr_free (&command);
    return rc;
}

static int
send_frame (self_t *self, const void *bytes, size_t size, int flags)
{
    int rc;
    do {
        rc = zmq_send (zsock_resolve (self->door), bytes, size, flags | ZMQ_DONTWAIT);
    } while (rc < 0 && errno == EINTR);
    return rc;
}

/* False where the peer is gone (EHOSTUNREACH) or does not read (EAGAIN): libzmq says so at
 * the first frame, and after that one takes the others. */
static bool
send_reply (self_t *self, const bf_path *path, const uint8_t *reply, size_t size)
{
    const uint8_t *bytes = path->bytes;
    for (size_t index = 0; index < path->count; index++) {
        if (send_frame (self, bytes, path->sizes[index], ZMQ_SNDMORE) < 0) {
            bf_log (BF_LOG_DEBUG, "gateway", "a reply could not be sent", "reason=\"%s\"",
                    zmq_strerror (errno));
            return false;
        }
        bytes += path->sizes[index];
    }
    return send_frame (self, reply, size, 0) >= 0;
}

/* Answers with an error at once. request_id: NULL where it could not be read; text: NULL
 * for the list's. */
static void
refuse (self_t *self, const bf_path *path, const char *request_id, bf_err reason,
        const char *text)
{
    bf_log (BF_LOG_DEBUG, "gateway", "refused", "error=%s text=\"%s\"",
            bf_err_name (reason), text ? text : bf_err_text (reason));
    size_t size = 0;
    uint8_t *reply = bf_reply_error (self->requests, request_id, reason, text, &size);
    if (reply) {
        send_reply (self, path, reply, size);
    }
}

static bf_err
route_claim (self_t *self, uint64_t call, Belfry__V1__Request *request)
{
    Belfry__Internal__ClaimCall *claim = bf_arena_alloc (self->requests, sizeof *claim);
    Belfry__Internal__DispatcherItem *item = bf_arena_alloc (self->requests, sizeof *item);
    if (!claim || !item) {
        return BF_ENOMEM;
    }
    belfry__internal__claim_call__init (claim);
    claim->call = call;
    claim->client = request->client;
    claim->request_id = request->request_id;
    claim->claim = request->claim;
    belfry__internal__dispatcher_item__init (item);
    item->item_case = BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_CLAIM;
    item->claim = claim;
    return bf_list_push (&self->to_dispatcher, item);
}

static bf_err
route_to_retry (self_t *self, Belfry__Internal__Call *call)
{
    Belfry__Internal__RetryItem *item = bf_arena_alloc (self->requests, sizeof *item);
    if (!item) {
        return BF_ENOMEM;
    }
    belfry__internal__retry_item__init (item);
    item->item_case = BELFRY__INTERNAL__RETRY_ITEM__ITEM_CALL;
    item->call = call;
    return bf_list_push (&self->to_retry, item);
}

static bf_err
route_to_store (self_t *self, Belfry__Internal__Call *call)
{
    Belfry__Internal__StoreItem *item = bf_arena_alloc (self->requests, sizeof *item);
    if (!item) {
        return BF_ENOMEM;
    }
    belfry__internal__store_item__init (item);
    item->item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL;
    item->call = call;
    return bf_list_push (&self->to_store, item);
}

static bf_err
route (self_t *self, uint64_t id, Belfry__V1__Request *request)
{
    if (request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM) {
        return route_claim (self, id, request);
    }
    Belfry__Internal__Call *call = bf_arena_alloc (self->requests, sizeof *call);
    if (!call) {
        return BF_ENOMEM;
    }
    belfry__internal__call__init (call);
    call->call = id;
    call->request = request;
    if (bf_request_is_stored (request)) {
        call->fingerprint = bf_request_fingerprint (request, self->requests);
    }
    switch (request->command_case) {
    case BELFRY__V1__REQUEST__COMMAND_HEARTBEAT:
    case BELFRY__V1__REQUEST__COMMAND_FAIL:
        return route_to_retry (self, call);
    case BELFRY__V1__REQUEST__COMMAND_STATUS:
        call->parked_claims = (uint32_t)bf_calls_count (self->calls, BF_CALL_CLAIM);
        return route_to_store (self, call);
    default:
        return route_to_store (self, call);
    }
}

/* Takes a valid request in, unless there are too many. */
static bf_err
admit (self_t *self, const bf_envelope *envelope, Belfry__V1__Request *request)
{
    bf_call_kind kind = request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM
                            ? BF_CALL_CLAIM
                            : BF_CALL_COMMAND;
    uint64_t id = 0;
    bf_err rc = bf_calls_add (self->calls, kind, &envelope->path, request->client,
                              request->request_id,
                              zmq_msg_size (&envelope->body) + envelope->path_bytes, &id);
    if (rc == BF_OK) {
        rc = route (self, id, request);
        if (rc != BF_OK) {
            bf_calls_remove (self->calls, id);
        }
    }
    return rc;
}

static void
take_request (self_t *self, bf_envelope *envelope)
{
    const bf_path *path = &envelope->path;
    if (envelope->broken) {
        refuse (
            self, path, NULL, BF_EMALFORMED,
            "a message has at most 8 frames: the way back, and the request in the last");
        return;
    }
    Belfry__V1__Request *request = NULL;
    bf_error error = {.code = BF_OK};
    bf_err rc =
        bf_request_decode (zmq_msg_data (&envelope->body), zmq_msg_size (&envelope->body),
                           self->requests, &request, &error);
    const char *text = error.text;
    if (rc == BF_OK) {
        rc = self->draining ? BF_ESTOPPING : admit (self, envelope, request);
        text = NULL;
    }
    if (rc != BF_OK) {
        refuse (self, path, request ? request->request_id : NULL, rc, text);
    }
}

static bf_err
handle_door (self_t *self)
{
    bf_err rc = BF_OK;
    bf_envelope envelope;
    for (int count = 0; count < BF_LOOP_MESSAGES && rc == BF_OK; count++) {
        if (!bf_envelope_read (&envelope, self->door)) {
            break;
        }
        if (envelope.path.count > 0) {
            take_request (self, &envelope);
        }
        bf_envelope_clear (&envelope);
        if (bf_arena_used (self->requests) >= BF_LOOP_FLUSH_BYTES) {
            rc = flush (self);
        }
    }
    return rc == BF_OK ? flush (self) : rc;
}

/* The leases of an answer that did not go out: they are nobody's. */
static bf_err
give_back (self_t *self, Belfry__Internal__Answer *answer, const bf_call *call)
{
    Belfry__Internal__Returned returned = BELFRY__INTERNAL__RETURNED__INIT;
    returned.n_attempts = answer->n_leases;
    returned.attempts = answer->leases;
    if (call) {
        returned.client = (char *)call->client;
        returned.request_id = (char *)call->request_id;
    }
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_RETURNED;
    item.returned = &returned;
    Belfry__Internal__StoreItem *items = &item;
    Belfry__Internal__ToStore message = BELFRY__INTERNAL__TO_STORE__INIT;
    message.n_items = 1;
    message.items = &items;
    return bf_inbox_send (self->store, &message.base);
}

/* Sends an answer to where its call came from. */
static bf_err
deliver (self_t *self, Belfry__Internal__Answer *answer)
{
    const bf_call *call = bf_calls_find (self->calls, answer->call);
    bool sent = false;
    if (call && answer->reply.len > BF_FRAME_BYTES) {
        refuse (self, &call->path, call->request_id, BF_ETOOLARGE,
                "the answer has more than 1 MiB");
    } else if (call && answer->reply.len > 0) {
        sent = send_reply (self, &call->path, answer->reply.data, answer->reply.len);
    }
    bf_err rc = BF_OK;
    if (!sent && answer->n_leases > 0) {
        bf_log (BF_LOG_DEBUG, "gateway", "leases given back", "call=%llu leases=%zu",
                (unsigned long long)answer->call, answer->n_leases);
        rc = give_back (self, answer, call);
    }
    bf_calls_remove (self->calls, answer->call);
    return rc;
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
        bf_arena_reset (self->answers);
        const Belfry__Internal__ToGateway *message =
            (const Belfry__Internal__ToGateway *)bf_loop_unpack (
                &frame, &belfry__internal__to_gateway__descriptor, self->answers);
        if (!message) {
            return BF_ENOMEM;
        }
        for (size_t index = 0; index < message->n_items && rc == BF_OK; index++) {
            const Belfry__Internal__GatewayItem *item = message->items[index];
            rc = item->item_case == BELFRY__INTERNAL__GATEWAY_ITEM__ITEM_ANSWER
                     ? deliver (self, item->answer)
                     : BF_EINTERNAL;
        }
    }
    bf_arena_reset (self->answers);
    return rc;
}

/* Draining: says when the last call is answered. */
static void
check_drained (self_t *self)
{
    if (self->draining && !self->drained &&
        bf_calls_count (self->calls, BF_CALL_COMMAND) == 0 &&
        bf_calls_count (self->calls, BF_CALL_CLAIM) == 0) {
        self->drained = true;
        bf_actor_say (self->pipe, "DRAINED");
    }
}

static bf_err
run (self_t *self)
{
    bf_err rc = BF_OK;
    while (rc == BF_OK && !self->terminated) {
        zmq_pollitem_t items[] = {
            bf_loop_socket (self->pipe),
            bf_loop_socket (self->inbox),
            bf_loop_socket (self->door),
        };
        if (!bf_loop_wait (items, 3, (bf_boot){INT64_MAX})) {
            break;
        }
        if (items[0].revents) {
            rc = handle_pipe (self);
        }
        if (rc == BF_OK && items[1].revents && !self->terminated) {
            rc = handle_inbox (self);
        }
        if (rc == BF_OK && items[2].revents && !self->terminated) {
            rc = handle_door (self);
        }
        check_drained (self);
    }
    return rc;
}

void
bf_gateway_actor (zsock_t *pipe, void *argument)
{
    bf_gateway_args *args = argument;
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
