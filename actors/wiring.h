/* SPDX-License-Identifier: MPL-2.0
 *
 * Who talks to whom: the names of the inproc endpoints, and how a batch is sent and read.
 * Every actor binds one inbox (PULL); everybody who has something to say to it connects a
 * PUSH. No high-water marks: credits bound what is under way, so no actor ever blocks on a
 * send.
 */
#ifndef BF_ACTORS_WIRING_H
#define BF_ACTORS_WIRING_H

#include <stddef.h>
#include <stdint.h>

#include <czmq.h>
#include <protobuf-c/protobuf-c.h>

#include "core/base/errors.h"

typedef enum {
    BF_INBOX_STORE,
    BF_INBOX_CLOCK,
    BF_INBOX_DISPATCHER,
    BF_INBOX_RETRY,
    BF_INBOX_GATEWAY,
    BF_INBOX_FEED,
    BF_INBOXES
} bf_inbox;

/* scheduler: tells several in one process apart. NULL without memory or sockets. Destroy
 * with zsock_destroy. */
zsock_t *bf_inbox_bind (uint64_t scheduler, bf_inbox inbox);
zsock_t *bf_inbox_connect (uint64_t scheduler, bf_inbox inbox);

/* Packs and sends, without waiting. BF_ENOMEM, or BF_EINTERNAL where the other end is known
 * to be gone; what is sent to it before that is known is lost. */
bf_err bf_inbox_send (zsock_t *socket, const ProtobufCMessage *message);

/* One message without waiting: its bytes in a frame that the caller destroys; NULL where
 * there is none. */
zframe_t *bf_inbox_receive (zsock_t *socket);

#endif
