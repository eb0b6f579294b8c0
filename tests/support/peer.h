/* SPDX-License-Identifier: MPL-2.0
 *
 * Peers of a rig's daemon that speak the plain protocol: a client of the commands door and
 * a subscriber of the feed or the monitor. They belong to the rig, which closes their
 * sockets; free them with peer_free.
 */
#ifndef BF_TESTS_PEER_H
#define BF_TESTS_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "tests/support/rig.h"

typedef struct {
    rig *owner;
    void *socket;      /* plain libzmq */
    char name[65];     /* Request.client */
    uint64_t calls;    /* for request ids */
    uint64_t head_seq; /* of the newest heartbeat (subscribers) */
} peer;

/* A client called `name`, connected to `endpoint`; type: ZMQ_REQ, or ZMQ_DEALER, which
 * sends the request alone, without a delimiter. */
peer *peer_client (rig *owner, const char *endpoint, int type, const char *name);

/* Sends. version, client and request_id ("NAME-1", "NAME-2", …) are filled in where they
 * are not set; they point into the peer only until the return. */
void peer_send (peer *self, const Belfry__V1__Request *request);

/* Sends these bytes as the body. */
void peer_send_bytes (peer *self, const void *bytes, size_t size);

/* The next reply; NULL when wait_ms have passed. Free it with
 * belfry__v1__reply__free_unpacked (reply, NULL). */
Belfry__V1__Reply *peer_receive (peer *self, int wait_ms);

/* Sends, and waits for the reply to this very request; others that arrive before it are
 * thrown away. Never NULL: no reply fails the test. */
Belfry__V1__Reply *peer_call (peer *self, const Belfry__V1__Request *request);

/* A subscriber of everything that begins with `topic` ("" for all). Returns after the first
 * heartbeat: what is published from here on arrives. */
peer *peer_subscriber (rig *owner, const char *endpoint, const char *topic);

/* The next event; NULL when wait_ms have passed. Heartbeats only set head_seq. Free it with
 * belfry__v1__event__free_unpacked (event, NULL). */
Belfry__V1__Event *peer_event (peer *self, int wait_ms);

/* The next event of this kind, others are thrown away. Never NULL: none fails the test. */
Belfry__V1__Event *peer_await (peer *self, const char *kind);

/* Closes the socket. Accepts NULL. */
void peer_free (peer *self);

#endif
