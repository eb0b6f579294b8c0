/* SPDX-License-Identifier: MPL-2.0
 *
 * Frames byte by byte. Out of memory or room fails the test.
 */
#include "tests/support/frame.h"

#include <stdlib.h>
#include <string.h>

#include "messages/codec.h"
#include "tests/support/cmocka.h"

frame_t
frame_new (bf_arena *arena, size_t room)
{
    frame_t frame = {bf_arena_alloc (arena, room), 0, room};
    assert_non_null (frame.bytes);
    return frame;
}

void
frame_put (frame_t *frame, const void *bytes, size_t size)
{
    assert_true (size <= frame->room - frame->size);
    memcpy (frame->bytes + frame->size, bytes, size);
    frame->size += size;
}

void
frame_varint (frame_t *frame, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        frame_put (frame, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

void
frame_field (frame_t *frame, unsigned id, const void *bytes, size_t size)
{
    frame_varint (frame, id << 3 | 2);
    frame_varint (frame, size);
    frame_put (frame, bytes, size);
}

void
frame_header (frame_t *frame)
{
    frame_put (frame,
               "\x08\x01"
               "\x12\x01"
               "c\x1a\x01r",
               8);
}

bf_err
frame_decode (bf_arena *arena, const uint8_t *bytes, size_t size,
              Belfry__V1__Request **request, bf_error *error)
{
    bf_arena_reset (arena);
    *request = NULL;
    *error = (bf_error){0};
    /* In a block of its own, so that a sanitizer sees every byte read beyond. */
    uint8_t *copy = malloc (size > 0 ? size : 1);
    assert_non_null (copy);
    if (size > 0) {
        memcpy (copy, bytes, size);
    }
    bf_err rc = bf_request_decode (copy, size, arena, request, error);
    free (copy);
    if (rc != BF_OK) {
        assert_int_equal (error->code, rc);
        assert_true (strlen (error->text) > 0);
        assert_true (*request == NULL ||
                     (*request)->command_case == BELFRY__V1__REQUEST__COMMAND__NOT_SET);
    }
    return rc;
}

void
frame_refused (bf_arena *arena, const frame_t *frame, bf_err code, const char *sentence)
{
    Belfry__V1__Request *request;
    bf_error error;
    bf_err rc = frame_decode (arena, frame->bytes, frame->size, &request, &error);
    if (rc != code || strstr (error.text, sentence) == NULL) {
        fail_msg ("got %s '%s', expected %s '%s'", bf_err_name (rc), error.text,
                  bf_err_name (code), sentence);
    }
}
