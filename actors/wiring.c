/* SPDX-License-Identifier: MPL-2.0
 *
 * The inboxes. An inproc send writes into the receiver's own queue, so that what was sent
 * is there to be read even when the sender has closed its socket meanwhile (with linger 0
 * too: a closing pipe is read up to its delimiter; tests/actors/test_wiring.c holds libzmq
 * to it). The scheduler stops whoever speaks to the store before the store, and the store
 * before the feed, so nothing that matters is lost on the way down. On the way up a socket
 * may connect before its inbox is bound: what it sends waits for it.
 */
#include "actors/wiring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "messages/pack.h"

static const char *const names[BF_INBOXES] = {
    [BF_INBOX_STORE] = "store",           [BF_INBOX_CLOCK] = "clock",
    [BF_INBOX_DISPATCHER] = "dispatcher", [BF_INBOX_RETRY] = "retry",
    [BF_INBOX_GATEWAY] = "gateway",       [BF_INBOX_FEED] = "feed",
};

#define NAME_BYTES 64

static void
name_format (uint64_t scheduler, bf_inbox inbox, char name[NAME_BYTES])
{
    BF_INVARIANT (inbox >= 0 && inbox < BF_INBOXES);
    snprintf (name, NAME_BYTES, "inproc://belfry-%llu-%s", (unsigned long long)scheduler,
              names[inbox]);
}

zsock_t *
bf_inbox_bind (uint64_t scheduler, bf_inbox inbox)
{
    char name[NAME_BYTES];
    name_format (scheduler, inbox, name);
    zsock_t *socket = bf_actor_socket (ZMQ_PULL);
    /* Time-out 0: bf_inbox_receive never waits. */
    if (socket && (bf_actor_option (socket, ZMQ_RCVTIMEO, 0) != BF_OK ||
                   zsock_bind (socket, "%s", name) != 0)) {
        zsock_destroy (&socket);
    }
    return socket;
}

zsock_t *
bf_inbox_connect (uint64_t scheduler, bf_inbox inbox)
{
    char name[NAME_BYTES];
    name_format (scheduler, inbox, name);
    zsock_t *socket = bf_actor_socket (ZMQ_PUSH);
    if (socket && zsock_connect (socket, "%s", name) != 0) {
        zsock_destroy (&socket);
    }
    return socket;
}

static void
buffer_free (void *bytes, void *buffer)
{
    (void)bytes;
    free (buffer);
}

/* A large message goes in the buffer that it was packed in. */
static bool
pack (const ProtobufCMessage *message, zmq_msg_t *frame)
{
    bf_packed packed;
    if (!bf_packed_write (&packed, message)) {
        return false;
    }
    int rc;
    if (packed.buffer != NULL) {
        rc = zmq_msg_init_data (frame, packed.bytes, packed.size, buffer_free,
                                packed.buffer);
    } else {
        rc = zmq_msg_init_size (frame, packed.size);
    }
    if (rc != 0) {
        bf_packed_free (&packed);
        return false;
    }
    if (packed.buffer == NULL) {
        memcpy (zmq_msg_data (frame), packed.bytes, packed.size);
    }
    return true;
}

bf_err
bf_inbox_send (zsock_t *socket, const ProtobufCMessage *message)
{
    zmq_msg_t packed;
    if (!pack (message, &packed)) {
        return BF_ENOMEM;
    }
    /* EAGAIN does not mean "full", there is no high-water mark: it means that the inbox is
     * closed. */
    int rc;
    do {
        rc = zmq_msg_send (&packed, zsock_resolve (socket), ZMQ_DONTWAIT);
    } while (rc == -1 && zmq_errno () == EINTR);
    if (rc == -1) {
        zmq_msg_close (&packed);
        return BF_EINTERNAL;
    }
    return BF_OK;
}

zframe_t *
bf_inbox_receive (zsock_t *socket)
{
    return zframe_recv (socket);
}
