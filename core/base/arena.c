/* SPDX-License-Identifier: MPL-2.0
 *
 * A bump allocator: a chain of blocks, the newest in front, the first one kept over resets,
 * and spare ones up to a bound: memory that goes back to the system and is asked for again
 * with every batch costs a page fault for every page of it. What is asked for beyond half a
 * block gets one of its own. Called by decoders and by the ledger, one arena per batch.
 */
#include "core/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most messages fit the first one; later ones double up to the last size. */
#define FIRST_BLOCK_BYTES ((size_t)8 * 1024)
#define LAST_BLOCK_BYTES ((size_t)1024 * 1024)
/* Spare blocks of one arena together: what a full batch takes of the ledger's. */
#define SPARE_BYTES ((size_t)4 * 1024 * 1024)

typedef struct block block_t;

struct block {
    block_t *older;
    size_t size; /* of bytes */
    size_t used;
    alignas (max_align_t) unsigned char bytes[];
};

struct bf_arena {
    block_t *newest;   /* never NULL */
    block_t *spare;    /* kept for later, in any order */
    size_t spare_size; /* of them together */
    size_t limit;      /* bytes handed out at most, rounding included */
    size_t used;       /* bytes handed out */
    size_t block_size; /* of the next block */
    bool failed;       /* gave NULL */
    bool full;         /* because of the limit */
};

static block_t *
block_new (size_t size, block_t *older)
{
    block_t *block = malloc (sizeof *block + size);
    if (block != NULL) {
        block->older = older;
        block->size = size;
        block->used = 0;
    }
    return block;
}

bf_arena *
bf_arena_new (size_t limit_bytes)
{
    bf_arena *self = malloc (sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    *self = (bf_arena){.limit = limit_bytes, .block_size = FIRST_BLOCK_BYTES * 2};
    self->newest = block_new (FIRST_BLOCK_BYTES, NULL);
    if (self->newest == NULL) {
        free (self);
        return NULL;
    }
    return self;
}

void
bf_arena_destroy (bf_arena **self_p)
{
    bf_arena *self = *self_p;
    if (self == NULL) {
        return;
    }
    bf_arena_reset (self);
    while (self->spare != NULL) {
        block_t *block = self->spare;
        self->spare = block->older;
        free (block);
    }
    free (self->newest);
    free (self);
    *self_p = NULL;
}

/* The spare block that is next, if so many bytes fit; else NULL. */
static block_t *
take_spare (bf_arena *self, size_t size)
{
    block_t *block = self->spare;
    if (block == NULL || block->size < size) {
        return NULL;
    }
    self->spare = block->older;
    self->spare_size -= block->size;
    block->older = self->newest;
    block->used = 0;
    return block;
}

/* A block with room for size bytes in front of the chain. */
static bool
grow (bf_arena *self, size_t size)
{
    block_t *block = take_spare (self, size);
    if (block == NULL) {
        size_t block_size = self->block_size;
        if (size > block_size / 2) {
            block_size = size;
        } else if (self->block_size < LAST_BLOCK_BYTES) {
            self->block_size *= 2;
        }
        block = block_new (block_size, self->newest);
    }
    if (block == NULL) {
        return false;
    }
    self->newest = block;
    return true;
}

/* A block in front with room for so many bytes, where the limit leaves it. */
static bool
make_room (bf_arena *self, size_t size)
{
    if (self->used > self->limit || size > self->limit - self->used) {
        self->full = true;
        return false;
    }
    return size <= self->newest->size - self->newest->used || grow (self, size);
}

void *
bf_arena_alloc (bf_arena *self, size_t size)
{
    const size_t unit = alignof (max_align_t);
    size_t rounded = size > 0 ? size / unit * unit + (size % unit ? unit : 0) : unit;
    if (rounded < size || !make_room (self, rounded)) {
        self->failed = true;
        return NULL;
    }
    void *bytes = self->newest->bytes + self->newest->used;
    self->newest->used += rounded;
    self->used += rounded;
    return memset (bytes, 0, rounded);
}

void *
bf_arena_copy (bf_arena *self, const void *bytes, size_t size)
{
    if (size == SIZE_MAX) {
        return NULL;
    }
    void *copy = bf_arena_alloc (self, size + 1);
    if (copy != NULL && size > 0) {
        memcpy (copy, bytes, size);
    }
    return copy;
}

char *
bf_arena_string (bf_arena *self, const char *text)
{
    return bf_arena_copy (self, text, strlen (text));
}

char *
bf_arena_printf (bf_arena *self, const char *format, ...)
{
    va_list arguments, again;
    va_start (arguments, format);
    va_copy (again, arguments);
    char *text = NULL;
    int length = vsnprintf (NULL, 0, format, arguments);
    if (length >= 0) {
        text = bf_arena_alloc (self, (size_t)length + 1);
    }
    if (text != NULL) {
        vsnprintf (text, (size_t)length + 1, format, again);
    }
    va_end (again);
    va_end (arguments);
    return text;
}

void
bf_arena_set_limit (bf_arena *self, size_t limit_bytes)
{
    self->limit = limit_bytes;
    self->failed = false;
    self->full = false;
}

bool
bf_arena_failed (const bf_arena *self)
{
    return self->failed;
}

bool
bf_arena_is_full (const bf_arena *self)
{
    return self->full;
}

/* Kept for later, or freed. */
static void
put_away (bf_arena *self, block_t *block)
{
    if (self->spare_size + block->size > SPARE_BYTES) {
        free (block);
        return;
    }
    block->older = self->spare;
    self->spare = block;
    self->spare_size += block->size;
}

void
bf_arena_reset (bf_arena *self)
{
    while (self->newest->older != NULL) {
        block_t *block = self->newest;
        self->newest = block->older;
        put_away (self, block);
    }
    self->newest->used = 0;
    self->used = 0;
    self->failed = false;
    self->full = false;
    self->block_size = FIRST_BLOCK_BYTES * 2;
}

size_t
bf_arena_used (const bf_arena *self)
{
    return self->used;
}
