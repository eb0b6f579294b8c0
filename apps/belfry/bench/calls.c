/* SPDX-License-Identifier: MPL-2.0
 *
 * See calls.h.
 */
#include "apps/belfry/bench/calls.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>

#include <zmq.h>

#include "core/base/arena.h"
#include "core/base/time.h"
#include "messages/codec.h"

/* What nothing takes on a machine that works. */
#define PATIENCE_MS 60000
#define ID_BYTES 65
/* Answers that may wait in the socket: more than a daemon lets be under way. */
#define WATERMARK 10000
/* An answer, unpacked; a frame has a megabyte at most. */
#define ANSWER_BYTES ((size_t)64 * 1024 * 1024)

struct bf_bench_calls {
    void *socket;
    char client[33];
    uint64_t sent; /* grows in every request_id, so that they are quick to store */
    size_t in_flight;
    uint8_t *bytes; /* of the last request */
    size_t size;
    size_t room;
    bf_arena *arena; /* of the answer in hand */
};

static volatile sig_atomic_t stopped;

void
bf_bench_stop (int signal)
{
    (void)signal;
    stopped = 1;
}

bool
bf_bench_is_stopped (void)
{
    return stopped != 0;
}

static bf_err
of_zeromq (bf_error *error, const char *what, const char *endpoint)
{
    return bf_fail (error, BF_EIO, "%s %s: %s", what, endpoint,
                    zmq_strerror (zmq_errno ()));
}

bf_err
bf_bench_calls_open (bf_bench_calls **self_p, void *zeromq, const char *endpoint,
                     bf_error *error)
{
    bf_bench_calls *self = calloc (1, sizeof *self);
    if (!self) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    uint64_t random[2];
    if (getrandom (random, sizeof random, 0) != (ssize_t)sizeof random) {
        free (self);
        return bf_fail (error, BF_EIO, "no random bits for a client's name");
    }
    (void)snprintf (self->client, sizeof self->client, "%016" PRIx64 "%016" PRIx64,
                    random[0], random[1]);
    self->arena = bf_arena_new (ANSWER_BYTES);
    if (!self->arena) {
        bf_bench_calls_close (&self);
        return bf_fail_plain (error, BF_ENOMEM);
    }
    self->socket = zmq_socket (zeromq, ZMQ_DEALER);
    int none = 0, patience = PATIENCE_MS, watermark = WATERMARK;
    if (!self->socket ||
        zmq_setsockopt (self->socket, ZMQ_LINGER, &none, sizeof none) != 0 ||
        zmq_setsockopt (self->socket, ZMQ_SNDTIMEO, &patience, sizeof patience) != 0 ||
        zmq_setsockopt (self->socket, ZMQ_RCVHWM, &watermark, sizeof watermark) != 0 ||
        zmq_connect (self->socket, endpoint) != 0) {
        bf_bench_calls_close (&self);
        return of_zeromq (error, "cannot connect to", endpoint);
    }
    *self_p = self;
    return BF_OK;
}

void
bf_bench_calls_close (bf_bench_calls **self_p)
{
    bf_bench_calls *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    if (self->socket) {
        zmq_close (self->socket);
    }
    bf_arena_destroy (&self->arena);
    free (self->bytes);
    free (self);
}

static bf_err
keep (bf_bench_calls *self, const bf_packed *packed, bf_error *error)
{
    if (packed->size > self->room) {
        uint8_t *bytes = realloc (self->bytes, 2 * packed->size);
        if (!bytes) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
        self->bytes = bytes;
        self->room = 2 * packed->size;
    }
    memcpy (self->bytes, packed->bytes, packed->size);
    self->size = packed->size;
    return BF_OK;
}

bf_err
bf_bench_calls_send (bf_bench_calls *self, char kind, size_t number,
                     Belfry__V1__Request *request, bf_error *error)
{
    char id[ID_BYTES];
    (void)snprintf (id, sizeof id, "%010" PRIu64 "%c%zu", ++self->sent, kind, number);
    request->version = 1;
    request->client = self->client;
    request->request_id = id;
    bf_packed packed;
    if (!bf_packed_write (&packed, &request->base)) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_err rc = keep (self, &packed, error);
    bf_packed_free (&packed);
    return rc == BF_OK ? bf_bench_calls_repeat (self, error) : rc;
}

bf_err
bf_bench_calls_repeat (bf_bench_calls *self, bf_error *error)
{
    if (zmq_send (self->socket, self->bytes, self->size, 0) < 0) {
        return of_zeromq (error, "cannot send to", "the daemon");
    }
    self->in_flight++;
    return BF_OK;
}

/* NULL with BF_OK where nothing is there. allocator: NULL for malloc's. */
static bf_err
receive (bf_bench_calls *self, int flags, ProtobufCAllocator *allocator,
         Belfry__V1__Reply **reply_p, bf_error *error)
{
    *reply_p = NULL;
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    if (zmq_msg_recv (&frame, self->socket, flags) < 0) {
        bool none = zmq_errno () == EAGAIN || zmq_errno () == EINTR;
        zmq_msg_close (&frame);
        return none ? BF_OK : of_zeromq (error, "cannot receive from", "the daemon");
    }
    *reply_p =
        belfry__v1__reply__unpack (allocator, zmq_msg_size (&frame), zmq_msg_data (&frame));
    zmq_msg_close (&frame);
    if (!*reply_p) {
        return bf_fail (error, BF_EMALFORMED, "an answer could not be read");
    }
    self->in_flight -= self->in_flight > 0;
    if ((*reply_p)->code != BELFRY__V1__CODE__CODE_OK) {
        const ProtobufCEnumValue *code = protobuf_c_enum_descriptor_get_value (
            &belfry__v1__code__descriptor, (int)(*reply_p)->code);
        bf_err rc = bf_fail (error, BF_EINTERNAL, "a call was refused: %s: %s",
                             code ? code->name : "?", (*reply_p)->text);
        belfry__v1__reply__free_unpacked (*reply_p, allocator);
        *reply_p = NULL;
        return rc;
    }
    return BF_OK;
}

/* The counter of bf_bench_calls_send ends where the letter begins. */
static char
kind_of (const char *request_id, size_t *number)
{
    size_t digits = strspn (request_id, "0123456789");
    char kind = request_id[digits];
    *number = kind ? strtoull (request_id + digits + 1, NULL, 10) : 0;
    return kind;
}

bf_err
bf_bench_calls_take (bf_bench_calls *self, bf_bench_answer *answer, void *context,
                     bf_error *error)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    for (;;) {
        if (bf_bench_is_stopped ()) {
            return bf_fail (error, BF_ESTOPPING, "interrupted");
        }
        Belfry__V1__Reply *reply;
        bf_arena_reset (self->arena);
        bf_err rc = receive (self, ZMQ_DONTWAIT, &allocator, &reply, error);
        if (rc != BF_OK || !reply) {
            return rc;
        }
        size_t number;
        char kind = kind_of (reply->request_id, &number);
        rc = answer (context, kind, number, reply, bf_now_read ().wall.us, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
}

void
bf_bench_calls_wait (bf_bench_calls *const *all, size_t count, long wait_ms)
{
    zmq_pollitem_t items[BF_BENCH_CALLS_MOST];
    BF_INVARIANT (count <= BF_BENCH_CALLS_MOST);
    for (size_t i = 0; i < count; i++) {
        items[i] = (zmq_pollitem_t){.socket = all[i]->socket, .events = ZMQ_POLLIN};
    }
    (void)zmq_poll (items, (int)count, wait_ms);
}

bf_err
bf_bench_calls_ask (bf_bench_calls *self, Belfry__V1__Request *request,
                    Belfry__V1__Reply **reply_p, bf_error *error)
{
    bf_err rc = bf_bench_calls_send (self, 'a', 0, request, error);
    if (rc == BF_OK) {
        bf_bench_calls_wait (&self, 1, PATIENCE_MS);
        rc = receive (self, ZMQ_DONTWAIT, NULL, reply_p, error);
    }
    if (rc == BF_OK && !*reply_p) {
        rc = bf_fail (error, BF_EIO, "no answer within %d seconds", PATIENCE_MS / 1000);
    }
    return rc;
}

void *
bf_bench_calls_socket (bf_bench_calls *self)
{
    return self->socket;
}

size_t
bf_bench_calls_in_flight (const bf_bench_calls *self)
{
    return self->in_flight;
}
