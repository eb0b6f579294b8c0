/* SPDX-License-Identifier: MPL-2.0
 *
 * The sockets between the actors: actors/wiring.h on queues, and the seed of actors/loop.h.
 * After each send somebody else may run, as a thread may be interrupted there: so a crash
 * can fall between any two messages of one actor.
 */
#include "actors/wiring.h"

#include <stdlib.h>
#include <string.h>

#include "tests/simulation/seam/private.h"

/* Of a thousand sends, how many are followed by somebody else. */
#define INTERRUPTED_PERMILLE 100

static struct {
    pieces queue;
    bool closed; /* it was there, and is gone */
} inboxes[BF_INBOXES];

/* --- queues ------------------------------------------------------------------------- */

void
pieces_push (pieces *self, unsigned peer, const void *bytes, size_t size)
{
    piece *one = calloc (1, sizeof *one + size + 1); /* a text has its NUL */
    if (!one) {
        abort ();
    }
    one->peer = peer;
    one->size = size;
    if (size > 0) {
        memcpy (one->bytes, bytes, size);
    }
    if (self->last) {
        self->last->next = one;
    } else {
        self->first = one;
    }
    self->last = one;
    self->count++;
}

piece *
pieces_pop (pieces *self)
{
    piece *one = self->first;
    if (one) {
        self->first = one->next;
        self->last = self->first ? self->last : NULL;
        self->count--;
    }
    return one;
}

void
pieces_clear (pieces *self)
{
    for (piece *one = pieces_pop (self); one; one = pieces_pop (self)) {
        free (one);
    }
}

/* --- sockets -------------------------------------------------------------------------- */

seam_socket *
seam_socket_new (socket_kind kind)
{
    seam_socket *self = calloc (1, sizeof *self);
    if (!self) {
        abort ();
    }
    self->kind = kind;
    return self;
}

bool
seam_socket_readable (const seam_socket *self)
{
    switch (self->kind) {
    case SOCKET_INBOX:
        return inboxes[self->inbox].queue.first != NULL;
    case SOCKET_PIPE:
        return self->queue.first || !self->other;
    case SOCKET_ROUTER:
        return self->queue.first != NULL;
    default:
        return false;
    }
}

bool
seam_inboxes_hold (void)
{
    for (size_t i = 0; i < BF_INBOXES; i++) {
        if (inboxes[i].queue.first) {
            return true;
        }
    }
    return false;
}

void
seam_inboxes_clear (void)
{
    for (size_t i = 0; i < BF_INBOXES; i++) {
        pieces_clear (&inboxes[i].queue);
        inboxes[i].closed = false;
    }
}

zsock_t *
bf_inbox_bind (uint64_t scheduler, bf_inbox inbox)
{
    (void)scheduler;
    seam_socket *self = seam_socket_new (SOCKET_INBOX);
    self->inbox = inbox;
    inboxes[inbox].closed = false;
    return (zsock_t *)self;
}

zsock_t *
bf_inbox_connect (uint64_t scheduler, bf_inbox inbox)
{
    (void)scheduler;
    seam_socket *self = seam_socket_new (SOCKET_SENDER);
    self->inbox = inbox;
    return (zsock_t *)self;
}

bf_err
bf_inbox_send (zsock_t *socket, const ProtobufCMessage *message)
{
    const seam_socket *self = (const seam_socket *)socket;
    if (inboxes[self->inbox].closed) {
        return BF_EINTERNAL;
    }
    if (!seam_is_alive ()) {
        return BF_OK;
    }
    size_t size = protobuf_c_message_get_packed_size (message);
    uint8_t *packed = malloc (size + 1);
    if (!packed) {
        abort ();
    }
    protobuf_c_message_pack (message, packed);
    pieces_push (&inboxes[self->inbox].queue, 0, packed, size);
    free (packed);
    if (sim_chance (process.random, INTERRUPTED_PERMILLE)) {
        seam_pause ();
    }
    return BF_OK;
}

zframe_t *
bf_inbox_receive (zsock_t *socket)
{
    const seam_socket *self = (const seam_socket *)socket;
    piece *one = pieces_pop (&inboxes[self->inbox].queue);
    if (!one) {
        return NULL;
    }
    zframe_t *frame = zframe_new (one->bytes, one->size);
    free (one);
    return frame;
}

/* --- of actors/loop.h ----------------------------------------------------------------- */

uint64_t __wrap_bf_loop_seed (void);

uint64_t
__wrap_bf_loop_seed (void)
{
    return sim_draw (process.random);
}

/* --- the few calls of czmq itself -------------------------------------------------------
 */

/* zsock_destroy is a macro around this. */
void __wrap_zsock_destroy_checked (zsock_t **self_p, const char *file, size_t line);
int __wrap_zsock_events (void *socket);
void *__wrap_zsock_resolve (void *socket);

void
__wrap_zsock_destroy_checked (zsock_t **self_p, const char *file, size_t line)
{
    (void)file;
    (void)line;
    seam_socket *self = (seam_socket *)*self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    if (self->kind == SOCKET_INBOX) {
        inboxes[self->inbox].closed = true;
    }
    if (self->other) {
        self->other->other = NULL;
    }
    pieces_clear (&self->queue);
    pieces_clear (&self->frames);
    seam_door_closed (self);
    free (self);
}

int
__wrap_zsock_events (void *socket)
{
    return seam_is_alive () && seam_socket_readable (socket) ? ZMQ_POLLIN : 0;
}

void *
__wrap_zsock_resolve (void *socket)
{
    return socket;
}
