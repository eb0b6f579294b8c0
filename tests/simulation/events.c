/* SPDX-License-Identifier: MPL-2.0
 *
 * A binary heap. The order of asking makes equal times a fixed order.
 */
#include "tests/simulation/events.h"

#include <stdlib.h>
#include <string.h>

static int
is_before (const happening *a, const happening *b)
{
    return a->true_us != b->true_us ? a->true_us < b->true_us : a->order < b->order;
}

static void
swap (happening *a, happening *b)
{
    happening kept = *a;
    *a = *b;
    *b = kept;
}

void
happenings_add (happenings *self, int64_t true_us, happening_kind kind, unsigned who,
                const void *bytes, size_t size, const char *topic)
{
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 64;
        self->heap = realloc (self->heap, self->room * sizeof *self->heap);
        if (!self->heap) {
            abort ();
        }
    }
    happening *one = &self->heap[self->count];
    *one = (happening){.true_us = true_us,
                       .order = self->orders++,
                       .kind = kind,
                       .who = who,
                       .size = size,
                       .bytes = bytes ? malloc (size + 1) : NULL,
                       .topic = topic ? strdup (topic) : NULL};
    if (bytes) {
        memcpy (one->bytes, bytes, size);
    }
    for (size_t at = self->count++; at > 0; at = (at - 1) / 2) {
        if (!is_before (&self->heap[at], &self->heap[(at - 1) / 2])) {
            break;
        }
        swap (&self->heap[at], &self->heap[(at - 1) / 2]);
    }
}

const happening *
happenings_first (const happenings *self)
{
    return self->count > 0 ? &self->heap[0] : NULL;
}

happening
happenings_take (happenings *self)
{
    happening first = self->heap[0];
    self->heap[0] = self->heap[--self->count];
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < self->count && is_before (&self->heap[child], &self->heap[least])) {
                least = child;
            }
        }
        if (least == at) {
            return first;
        }
        swap (&self->heap[at], &self->heap[least]);
        at = least;
    }
}

void
happening_clear (happening *self)
{
    free (self->bytes);
    free (self->topic);
    self->bytes = NULL;
    self->topic = NULL;
}

void
happenings_delay (happenings *self, int64_t us)
{
    for (size_t i = 0; i < self->count; i++) {
        self->heap[i].true_us += us;
    }
}

void
happenings_clear (happenings *self)
{
    for (size_t i = 0; i < self->count; i++) {
        happening_clear (&self->heap[i]);
    }
    free (self->heap);
    memset (self, 0, sizeof *self);
}
