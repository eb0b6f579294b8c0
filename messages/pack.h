/* SPDX-License-Identifier: MPL-2.0
 *
 * Messages to bytes, the same bytes as protobuf-c's own, written from the last one to the
 * first: a nested message's length is known when it stands there, so nothing is measured
 * before it is written. protobuf-c measures a message once for every level above it, which
 * in a batch of a thousand jobs took longer than all else the actors did with it
 * (docs/performance.md). Knows the kinds of fields that our .proto files have; a test looks
 * for others.
 */
#ifndef BF_MESSAGES_PACK_H
#define BF_MESSAGES_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "core/base/arena.h"

/* A message that was packed. Not to be copied: bytes may point into it. */
typedef struct {
    uint8_t *bytes;
    size_t size;
    uint8_t *buffer; /* NULL: in `first`; else malloc's, with the bytes at its end */
    size_t capacity; /* of buffer */
    uint8_t first[1024];
} bf_packed;

/* False without memory. Afterwards bf_packed_free, or the buffer is the caller's. */
bool bf_packed_write (bf_packed *self, const ProtobufCMessage *message);
void bf_packed_free (bf_packed *self);

/* The bytes in the arena, *size of them; NULL without memory. */
uint8_t *bf_pack (const ProtobufCMessage *message, bf_arena *arena, size_t *size);

#endif
