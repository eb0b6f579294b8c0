/* SPDX-License-Identifier: MPL-2.0
 *
 * A binary min-heap of borrowed nodes. Each node knows its place, so that any of them can
 * be moved or removed without a search. Called by the cores that wait for times.
 */
#include "core/base/heap.h"

#include <stdbool.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64

static bool
before (const bf_heap_node *a, const bf_heap_node *b)
{
    return a->at != b->at ? a->at < b->at : a->id < b->id;
}

static void
place (bf_heap *self, size_t position, bf_heap_node *node)
{
    self->nodes[position - 1] = node;
    node->position = position;
}

static void
sift_up (bf_heap *self, bf_heap_node *node)
{
    size_t position = node->position;
    while (position > 1 && before (node, self->nodes[position / 2 - 1])) {
        place (self, position, self->nodes[position / 2 - 1]);
        position /= 2;
    }
    place (self, position, node);
}

static void
sift_down (bf_heap *self, bf_heap_node *node)
{
    size_t position = node->position;
    while (position <= self->count / 2) {
        size_t child = position * 2;
        if (child < self->count && before (self->nodes[child], self->nodes[child - 1])) {
            child++;
        }
        if (!before (self->nodes[child - 1], node)) {
            break;
        }
        place (self, position, self->nodes[child - 1]);
        position = child;
    }
    place (self, position, node);
}

bf_err
bf_heap_push (bf_heap *self, bf_heap_node *node)
{
    BF_INVARIANT (node->position == 0);
    if (self->count == self->capacity) {
        /* Cannot wrap: no object is larger than half of what size_t can say. */
        size_t capacity = self->capacity > 0 ? self->capacity * 2 : FIRST_CAPACITY;
        bf_heap_node **nodes = realloc (self->nodes, capacity * sizeof (bf_heap_node *));
        if (nodes == NULL) {
            return BF_ENOMEM;
        }
        self->nodes = nodes;
        self->capacity = capacity;
    }
    self->count++;
    place (self, self->count, node);
    sift_up (self, node);
    return BF_OK;
}

bf_heap_node *
bf_heap_peek (const bf_heap *self)
{
    return self->count > 0 ? self->nodes[0] : NULL;
}

bf_heap_node *
bf_heap_pop (bf_heap *self)
{
    bf_heap_node *node = bf_heap_peek (self);
    if (node != NULL) {
        bf_heap_remove (self, node);
    }
    return node;
}

void
bf_heap_remove (bf_heap *self, bf_heap_node *node)
{
    size_t position = node->position;
    if (position == 0) {
        return;
    }
    BF_INVARIANT (position <= self->count && self->nodes[position - 1] == node);
    bf_heap_node *last = self->nodes[self->count - 1];
    self->count--;
    node->position = 0;
    if (last != node) {
        place (self, position, last);
        sift_up (self, last);
        sift_down (self, last);
    }
}

void
bf_heap_move (bf_heap *self, bf_heap_node *node, int64_t at)
{
    BF_INVARIANT (node->position > 0 && node->position <= self->count &&
                  self->nodes[node->position - 1] == node);
    node->at = at;
    sift_up (self, node);
    sift_down (self, node);
}

void
bf_heap_clear (bf_heap *self)
{
    for (size_t i = 0; i < self->count; i++) {
        self->nodes[i]->position = 0;
    }
    free (self->nodes);
    *self = (bf_heap){0};
}
