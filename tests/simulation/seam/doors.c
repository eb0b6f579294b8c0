/* SPDX-License-Identifier: MPL-2.0
 *
 * The public doors: a ROUTER and two PUBs without a network behind them. A request comes
 * with the frames that a DEALER sends, or, from every other peer, with a REQ's delimiter.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/endpoint.h"
#include "actors/envelope.h"
#include "tests/simulation/seam/private.h"

/* What libzmq keeps of all peers before it leaves the rest with them; here it is lost. */
#define DOOR_HOLDS 1000

/* The commands door of the process. */
static seam_socket *router;

/* --- actors/endpoint.h ------------------------------------------------------------------
 */

zsock_t *__wrap_bf_door_new (int type);
bf_err __wrap_bf_door_bind (zsock_t *door, const char *const *endpoints, zlist_t **bound,
                            bf_error *error);

zsock_t *
__wrap_bf_door_new (int type)
{
    seam_socket *self = seam_socket_new (type == ZMQ_ROUTER ? SOCKET_ROUTER : SOCKET_PUB);
    if (type == ZMQ_ROUTER) {
        router = self;
    }
    return (zsock_t *)self;
}

bf_err
__wrap_bf_door_bind (zsock_t *door, const char *const *endpoints, zlist_t **bound,
                     bf_error *error)
{
    (void)error;
    ((seam_socket *)door)->feed = strstr (endpoints[0], "feed") != NULL;
    *bound = zlist_new ();
    zlist_autofree (*bound);
    zlist_append (*bound, (void *)endpoints[0]);
    return BF_OK;
}

void
seam_door_closed (const seam_socket *self)
{
    if (self == router) {
        router = NULL;
    }
}

/* Pulled in with the checks of actors/endpoint.c, which need no socket. */
zsock_t *
bf_actor_socket (int type)
{
    (void)type;
    abort ();
}

bf_err
bf_actor_option (zsock_t *socket, int option, int value)
{
    (void)socket;
    (void)option;
    (void)value;
    abort ();
}

/* --- in --------------------------------------------------------------------------------
 */

void
process_receive (unsigned peer, const uint8_t *bytes, size_t size)
{
    if (router && seam_is_alive () && router->queue.count < DOOR_HOLDS) {
        pieces_push (&router->queue, peer, bytes, size);
    }
}

bool
bf_envelope_read (bf_envelope *self, zsock_t *socket)
{
    piece *one = pieces_pop (&((seam_socket *)socket)->queue);
    if (!one) {
        return false;
    }
    self->path = (bf_path){.bytes = self->storage};
    self->broken = false;
    uint32_t id = one->peer;
    memcpy (self->storage, &id, sizeof id);
    self->path.sizes[0] = sizeof id;
    self->path_bytes = sizeof id;
    /* A REQ's delimiter is a frame without bytes. */
    self->path.count = 1 + id % 2;
    self->path.sizes[1] = 0;
    if (zmq_msg_init_size (&self->body, one->size) != 0) {
        abort ();
    }
    memcpy (zmq_msg_data (&self->body), one->bytes, one->size);
    free (one);
    return true;
}

void
bf_envelope_clear (bf_envelope *self)
{
    zmq_msg_close (&self->body);
}

/* --- out --------------------------------------------------------------------------------
 */

int __wrap_zmq_send (void *socket, const void *bytes, size_t size, int flags);
int __wrap_zmq_msg_send (zmq_msg_t *message, void *socket, int flags);

/* [routing id] [delimiter, of a REQ] [reply] */
static bool
send_reply (seam_socket *self, const void *bytes, size_t size)
{
    uint32_t id = 0;
    memcpy (&id, self->frames.first->bytes, sizeof id);
    size_t path = 0;
    for (const piece *one = self->frames.first; one; one = one->next) {
        path++;
    }
    if (path != 1 + id % 2) {
        abort ();
    }
    pieces_clear (&self->frames);
    return process.reply (process.context, id, bytes, size);
}

int
__wrap_zmq_send (void *socket, const void *bytes, size_t size, int flags)
{
    seam_socket *self = socket;
    if (!seam_is_alive ()) {
        return (int)size;
    }
    if (self->kind == SOCKET_ROUTER && !self->frames.first) {
        uint32_t id = 0;
        memcpy (&id, bytes, sizeof id);
        /* ROUTER_MANDATORY: said at the first frame. */
        if (!process.reply (process.context, id, NULL, 0)) {
            errno = EHOSTUNREACH;
            return -1;
        }
    }
    if (flags & ZMQ_SNDMORE) {
        pieces_push (&self->frames, 0, bytes, size);
    } else {
        send_reply (self, bytes, size);
    }
    return (int)size;
}

int
__wrap_zmq_msg_send (zmq_msg_t *message, void *socket, int flags)
{
    (void)flags;
    seam_socket *self = socket;
    int size = (int)zmq_msg_size (message);
    piece *topic = pieces_pop (&self->frames);
    if (seam_is_alive () && topic) {
        char *text = strndup ((const char *)topic->bytes, topic->size);
        process.publish (process.context, self->feed, text, zmq_msg_data (message),
                         (size_t)size);
        free (text);
    }
    free (topic);
    zmq_msg_close (message);
    return size;
}
