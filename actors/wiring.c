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

#include "actors/actor.h"

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

bf_err
bf_inbox_send (zsock_t *socket, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size (message);
    zmq_msg_t packed;
    if (zmq_msg_init_size (&packed, size) != 0) {
        return BF_ENOMEM;
    }
    protobuf_c_message_pack (message, zmq_msg_data (&packed));
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
