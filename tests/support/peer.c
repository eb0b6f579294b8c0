/* SPDX-License-Identifier: MPL-2.0
 *
 * Peers that speak the plain protocol; see peer.h.
 */
#include "tests/support/peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"

static const char HEARTBEAT[] = "heartbeat ";

/* "NAME-NUMBER": 64 bytes, a dash, 20 digits, and the NUL. */
#define REQUEST_ID_BYTES 86

static peer *
peer_new (rig *owner, int type)
{
    peer *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->owner = owner;
    self->socket = zmq_socket (owner->context, type);
    assert_non_null (self->socket);
    assert_int_equal (bf_list_push (&owner->sockets, self->socket), BF_OK);
    int linger = 0;
    assert_int_equal (zmq_setsockopt (self->socket, ZMQ_LINGER, &linger, sizeof linger), 0);
    return self;
}

void
peer_free (peer *self)
{
    if (!self) {
        return;
    }
    bf_list *sockets = &self->owner->sockets;
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->items[i] == self->socket) {
            sockets->items[i] = sockets->items[sockets->count - 1];
            bf_list_truncate (sockets, sockets->count - 1);
            break;
        }
    }
    (void)zmq_close (self->socket);
    free (self);
}

static void
connect_to (const peer *self, const char *endpoint)
{
    if (!endpoint || zmq_connect (self->socket, endpoint) != 0) {
        rig_fail (self->owner, "the endpoint cannot be connected to");
    }
}

peer *
peer_client (rig *owner, const char *endpoint, int type, const char *name)
{
    peer *self = peer_new (owner, type);
    assert_true (strlen (name) < sizeof self->name);
    (void)snprintf (self->name, sizeof self->name, "%s", name);
    connect_to (self, endpoint);
    return self;
}

void
peer_send_bytes (peer *self, const void *bytes, size_t size)
{
    int rc = -1;
    do {
        rc = zmq_send (self->socket, bytes, size, 0);
    } while (rc < 0 && errno == EINTR);
    assert_int_equal (rc, size);
}

/* A shallow copy with what was not set. */
static Belfry__V1__Request
complete (peer *self, const Belfry__V1__Request *request, char id[REQUEST_ID_BYTES])
{
    Belfry__V1__Request result = *request;
    if (!result.version) {
        result.version = 1;
    }
    if (!result.client || !*result.client) {
        result.client = self->name;
    }
    if (!result.request_id || !*result.request_id) {
        self->calls++;
        (void)snprintf (id, REQUEST_ID_BYTES, "%s-%" PRIu64, self->name, self->calls);
        result.request_id = id;
    }
    return result;
}

static void
pack_and_send (peer *self, const Belfry__V1__Request *request)
{
    size_t size = belfry__v1__request__get_packed_size (request);
    uint8_t *bytes = malloc (size + 1);
    assert_non_null (bytes);
    belfry__v1__request__pack (request, bytes);
    peer_send_bytes (self, bytes, size);
    free (bytes);
}

void
peer_send (peer *self, const Belfry__V1__Request *request)
{
    char id[REQUEST_ID_BYTES];
    Belfry__V1__Request filled = complete (self, request, id);
    pack_and_send (self, &filled);
}

/* Waits for a message until the deadline; false when it passed. */
static bool
wait_readable (const peer *self, bf_boot deadline)
{
    for (;;) {
        int64_t left_us = deadline.us - bf_now_read ().boot.us;
        if (left_us < 0) {
            left_us = 0;
        }
        zmq_pollitem_t item = {.socket = self->socket, .events = ZMQ_POLLIN};
        int rc = zmq_poll (&item, 1, (long)(left_us / BF_MS_US));
        if (rc >= 0) {
            return rc > 0;
        }
        assert_int_equal (errno, EINTR);
    }
}

/* The next message: its first frame in *first where asked for, its last in *last. */
static void
receive_ends (const peer *self, zmq_msg_t *first, zmq_msg_t *last)
{
    assert_int_equal (zmq_msg_init (last), 0);
    assert_true (zmq_msg_recv (last, self->socket, 0) >= 0);
    if (first) {
        assert_int_equal (zmq_msg_init (first), 0);
        assert_int_equal (zmq_msg_copy (first, last), 0);
    }
    while (zmq_msg_more (last)) {
        assert_true (zmq_msg_recv (last, self->socket, 0) >= 0);
    }
}

static bf_boot
deadline_in (int wait_ms)
{
    return (bf_boot){.us = bf_now_read ().boot.us + wait_ms * BF_MS_US};
}

static Belfry__V1__Reply *
receive_until (peer *self, bf_boot deadline)
{
    if (!wait_readable (self, deadline)) {
        return NULL;
    }
    zmq_msg_t body;
    receive_ends (self, NULL, &body);
    Belfry__V1__Reply *reply =
        belfry__v1__reply__unpack (NULL, zmq_msg_size (&body), zmq_msg_data (&body));
    zmq_msg_close (&body);
    if (!reply) {
        rig_fail (self->owner, "a reply cannot be read");
    }
    return reply;
}

Belfry__V1__Reply *
peer_receive (peer *self, int wait_ms)
{
    return receive_until (self, deadline_in (wait_ms));
}

Belfry__V1__Reply *
peer_call (peer *self, const Belfry__V1__Request *request)
{
    char id[REQUEST_ID_BYTES];
    Belfry__V1__Request filled = complete (self, request, id);
    pack_and_send (self, &filled);
    bf_boot deadline = deadline_in (RIG_DEADLINE_MS);
    for (;;) {
        Belfry__V1__Reply *reply = receive_until (self, deadline);
        if (!reply) {
            rig_fail (self->owner, "a call was not answered");
        }
        if (strcmp (reply->request_id, filled.request_id) == 0) {
            return reply;
        }
        belfry__v1__reply__free_unpacked (reply, NULL);
    }
}

/* One message of a PUB door: an event, or NULL and head_seq set where it is a heartbeat. */
static Belfry__V1__Event *
read_published (peer *self)
{
    zmq_msg_t topic;
    zmq_msg_t body;
    receive_ends (self, &topic, &body);
    size_t size = zmq_msg_size (&body);
    const uint8_t *bytes = zmq_msg_data (&body);
    Belfry__V1__Event *event = NULL;
    bool readable = false;
    if (zmq_msg_size (&topic) == strlen (HEARTBEAT) &&
        memcmp (zmq_msg_data (&topic), HEARTBEAT, strlen (HEARTBEAT)) == 0) {
        Belfry__V1__FeedHeartbeat *beat =
            belfry__v1__feed_heartbeat__unpack (NULL, size, bytes);
        if (beat) {
            readable = true;
            self->head_seq = beat->head_seq;
            belfry__v1__feed_heartbeat__free_unpacked (beat, NULL);
        }
    } else {
        event = belfry__v1__event__unpack (NULL, size, bytes);
        readable = event != NULL;
    }
    zmq_msg_close (&topic);
    zmq_msg_close (&body);
    if (!readable) {
        rig_fail (self->owner, "what was published cannot be read");
    }
    return event;
}

peer *
peer_subscriber (rig *owner, const char *endpoint, const char *topic)
{
    peer *self = peer_new (owner, ZMQ_SUB);
    assert_int_equal (zmq_setsockopt (self->socket, ZMQ_SUBSCRIBE, topic, strlen (topic)),
                      0);
    assert_int_equal (
        zmq_setsockopt (self->socket, ZMQ_SUBSCRIBE, HEARTBEAT, strlen (HEARTBEAT)), 0);
    connect_to (self, endpoint);
    bf_boot deadline = deadline_in (RIG_DEADLINE_MS);
    Belfry__V1__Event *event = NULL;
    do {
        if (!wait_readable (self, deadline)) {
            rig_fail (owner, "no heartbeat was published");
        }
        event = read_published (self);
        if (event) {
            belfry__v1__event__free_unpacked (event, NULL);
        }
    } while (event);
    return self;
}

static Belfry__V1__Event *
event_until (peer *self, bf_boot deadline)
{
    Belfry__V1__Event *event = NULL;
    while (!event && wait_readable (self, deadline)) {
        event = read_published (self);
    }
    return event;
}

Belfry__V1__Event *
peer_event (peer *self, int wait_ms)
{
    return event_until (self, deadline_in (wait_ms));
}

Belfry__V1__Event *
peer_await (peer *self, const char *kind)
{
    bf_boot deadline = deadline_in (RIG_DEADLINE_MS);
    for (;;) {
        Belfry__V1__Event *event = event_until (self, deadline);
        if (!event) {
            print_error ("waited for %s\n", kind);
            rig_fail (self->owner, "an event was not published");
        }
        if (strcmp (event->kind, kind) == 0) {
            return event;
        }
        belfry__v1__event__free_unpacked (event, NULL);
    }
}
