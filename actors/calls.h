/* SPDX-License-Identifier: MPL-2.0
 *
 * The gateway's calls in flight: where each came from, so that its answer finds the way
 * back, and how many there are, so that no peer can have more than its share. Pure
 * bookkeeping: no socket, no clock. Not thread-safe.
 *
 * Commands and claims are counted apart, because a parked claim may wait for a minute where
 * a command takes milliseconds; a peer is whoever has the routing id.
 */
#ifndef BF_ACTORS_CALLS_H
#define BF_ACTORS_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "messages/limits.h"

/* Frames before the body, and what one may hold: a routing id has at most 255 bytes, a
 * REQ's correlation 4, a delimiter none. */
#define BF_PATH_FRAMES (BF_ENVELOPE_FRAMES - 1)
#define BF_PATH_FRAME_BYTES 255

typedef enum { BF_CALL_COMMAND, BF_CALL_CLAIM, BF_CALL_KINDS } bf_call_kind;

/* At most so many in flight, each kind for itself. */
typedef struct {
    size_t calls[BF_CALL_KINDS];      /* of all peers */
    size_t peer_calls[BF_CALL_KINDS]; /* of one peer */
    size_t bytes;                     /* of all peers' requests */
    size_t peer_bytes;                /* of one peer's requests */
} bf_calls_limits;

/* What the gateway runs with. 16 MiB are 16 of the largest frames: one peer alone cannot
 * use up the bytes of all. */
#define BF_CALLS_LIMITS                                                       \
    {                                                                         \
        .calls = {4096, 4096}, .peer_calls = {512, 128}, .bytes = 64U << 20U, \
        .peer_bytes = 16U << 20U                                              \
    }

/* The way back: the frames in the order they came, first the routing id; `bytes` are those
 * of all frames, one after another. */
typedef struct {
    size_t count;
    uint8_t sizes[BF_PATH_FRAMES];
    const uint8_t *bytes;
} bf_path;

/* A call in flight; read only. */
typedef struct {
    uint64_t id;
    bf_call_kind kind;
    bf_path path;
    const char *client;
    const char *request_id;
} bf_call;

typedef struct bf_calls bf_calls;

/* NULL without memory. `limits` are copied. */
bf_calls *bf_calls_new (const bf_calls_limits *limits, uint64_t seed);
void bf_calls_destroy (bf_calls **self_p);

/* Takes a call in; everything is copied. path: at least one frame. request_bytes: what it
 * counts for. *id is new, never 0, never used again. BF_EBUSY over a limit, BF_ENOMEM. */
bf_err bf_calls_add (bf_calls *self, bf_call_kind kind, const bf_path *path,
                     const char *client, const char *request_id, size_t request_bytes,
                     uint64_t *id);

/* NULL where there is none. Valid until it is removed. */
const bf_call *bf_calls_find (const bf_calls *self, uint64_t id);

/* The call is answered, or forgotten. No-op for an unknown one. */
void bf_calls_remove (bf_calls *self, uint64_t id);

size_t bf_calls_count (const bf_calls *self, bf_call_kind kind);

/* Peers that have a call in flight: nothing is kept for the others. */
size_t bf_calls_peers (const bf_calls *self);

#endif
