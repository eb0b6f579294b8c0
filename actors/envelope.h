/* SPDX-License-Identifier: MPL-2.0
 *
 * One message from a stranger as a ROUTER gets it:
 *
 *   [routing id] … [body]
 *
 * Every frame but the last is the way back and is sent back as it came, in front of the
 * reply, so that REQ (an empty delimiter), REQ with ZMQ_REQ_CORRELATE (four bytes and a
 * delimiter), DEALER (with a delimiter or without) and whatever is routed through proxies
 * all work. Used by the gateway.
 */
#ifndef BF_ACTORS_ENVELOPE_H
#define BF_ACTORS_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <czmq.h>

#include "actors/calls.h"

typedef struct {
    bf_path path; /* points into `storage` */
    size_t path_bytes;
    bool broken; /* too many frames, or one too long; path is what of it reaches its sender
                  */
    zmq_msg_t body;
    uint8_t storage[BF_PATH_FRAMES * BF_PATH_FRAME_BYTES];
} bf_envelope;

/* Reads one message to its last frame, however many it has, and keeps no more of it than is
 * allowed. False where there is none; true: clear it afterwards. Never waits. Not to be
 * copied. */
bool bf_envelope_read (bf_envelope *self, zsock_t *router);
void bf_envelope_clear (bf_envelope *self);

#endif
