/* SPDX-License-Identifier: MPL-2.0
 *
 * Frames that are put together byte by byte, as no encoder would, and what the codec says
 * to them.
 */
#ifndef BF_TESTS_FRAME_H
#define BF_TESTS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/errors.h"

#include "belfry.pb-c.h"

/* Bytes being put together. */
typedef struct {
    uint8_t *bytes;
    size_t size;
    size_t room;
} frame_t;

/* Empty; the bytes are the arena's. */
frame_t frame_new (bf_arena *arena, size_t room);
void frame_put (frame_t *frame, const void *bytes, size_t size);
void frame_varint (frame_t *frame, uint64_t value);
/* A field of wire type 2. */
void frame_field (frame_t *frame, unsigned id, const void *bytes, size_t size);
/* version 1, client "c", request_id "r". */
void frame_header (frame_t *frame);

/* Decodes into this arena, which is reset first. An error has a sentence, and at most a
 * request_id. */
bf_err frame_decode (bf_arena *arena, const uint8_t *bytes, size_t size,
                     Belfry__V1__Request **request, bf_error *error);

/* Fails the test unless it is refused so; sentence: a part of it. */
void frame_refused (bf_arena *arena, const frame_t *frame, bf_err code,
                    const char *sentence);

#endif
