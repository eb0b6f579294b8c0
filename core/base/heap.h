/* SPDX-License-Identifier: MPL-2.0
 *
 * A binary min-heap of nodes that live inside their owners' structs, so that nothing is
 * allocated per entry and any entry can be moved or removed in O(log n). Order: (at, id),
 * so that equal times leave in the order of their ids.
 */
#ifndef BF_BASE_HEAP_H
#define BF_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"

/* Embed it; set at and id before the push; do not touch them while it is in a heap. */
typedef struct {
    int64_t at;
    uint64_t id;
    size_t position; /* 1-based; 0 while in no heap */
} bf_heap_node;

/* Zero-initialise. Borrows its nodes. */
typedef struct {
    bf_heap_node **nodes;
    size_t count;
    size_t capacity;
} bf_heap;

bf_err bf_heap_push (bf_heap *self, bf_heap_node *node);
/* The smallest, or NULL. */
bf_heap_node *bf_heap_peek (const bf_heap *self);
bf_heap_node *bf_heap_pop (bf_heap *self);
/* No-op for a node that is in no heap. */
void bf_heap_remove (bf_heap *self, bf_heap_node *node);
/* Changes the key of a node that is in the heap. */
void bf_heap_move (bf_heap *self, bf_heap_node *node, int64_t at);
/* Frees the array, not the nodes, whose position becomes 0. */
void bf_heap_clear (bf_heap *self);

#endif
