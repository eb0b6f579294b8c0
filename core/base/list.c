/* SPDX-License-Identifier: MPL-2.0
 *
 * A growable array of pointers. Doubles, so that n pushes cost O(n). Called by whoever
 * collects the output of a step.
 */
#include "core/base/list.h"

#include <stdlib.h>

#define FIRST_CAPACITY 16

bf_err
bf_list_push (bf_list *self, void *item)
{
    if (self->count == self->capacity) {
        /* Cannot wrap: no object is larger than half of what size_t can say. */
        size_t capacity = self->capacity > 0 ? self->capacity * 2 : FIRST_CAPACITY;
        void **items = realloc (self->items, capacity * sizeof *items);
        if (items == NULL) {
            return BF_ENOMEM;
        }
        self->items = items;
        self->capacity = capacity;
    }
    self->items[self->count++] = item;
    return BF_OK;
}

void
bf_list_truncate (bf_list *self, size_t count)
{
    if (count < self->count) {
        self->count = count;
    }
}

void
bf_list_clear (bf_list *self)
{
    free (self->items);
    *self = (bf_list){0};
}
