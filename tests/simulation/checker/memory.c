/* SPDX-License-Identifier: MPL-2.0
 *
 * Memory for what is kept to the end: events, requests, replies, what the model is made of.
 */
#include "tests/simulation/checker/private.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES ((size_t)1024 * 1024)
#define ALIGNMENT ((size_t)16)

static void *
take (checker *self, size_t size)
{
    size_t needed = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    piece *piece_now = self->pieces;
    if (!piece_now || piece_now->size - piece_now->used < needed) {
        size_t header = (sizeof (piece) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        size_t bytes = needed + header > PIECE_BYTES ? needed + header : PIECE_BYTES;
        piece_now = checker_grow (NULL, bytes, 1);
        *piece_now = (piece){.before = self->pieces, .used = header, .size = bytes};
        self->pieces = piece_now;
    }
    void *memory = (char *)piece_now + piece_now->used;
    piece_now->used += needed;
    return memory;
}

void *
checker_keep (checker *self, size_t size)
{
    return memset (take (self, size), 0, size);
}

const void *
checker_keep_bytes (checker *self, const void *bytes, size_t size)
{
    void *memory = take (self, size);
    if (size > 0) {
        memcpy (memory, bytes, size);
    }
    return memory;
}

const char *
checker_keep_text (checker *self, const char *text)
{
    return checker_keep_bytes (self, text, strlen (text) + 1);
}

void
checker_forget_all (checker *self)
{
    while (self->pieces) {
        piece *last = self->pieces;
        self->pieces = last->before;
        free (last);
    }
}
