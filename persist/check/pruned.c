/* SPDX-License-Identifier: MPL-2.0
 *
 * Open addressing with linear probing; nothing is ever taken out.
 */
#include "persist/check/pruned.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/base/hash.h"

#define FIRST_SLOTS 1024

typedef struct {
    uint64_t job; /* 0: free */
    uint32_t up_to;
} slot;

struct bf_pruned {
    slot *slots;
    size_t size; /* a power of two */
    size_t count;
};

bf_pruned *
bf_pruned_new (void)
{
    bf_pruned *self = calloc (1, sizeof *self);
    if (self) {
        self->slots = calloc (FIRST_SLOTS, sizeof *self->slots);
        self->size = FIRST_SLOTS;
        if (!self->slots) {
            bf_pruned_destroy (&self);
        }
    }
    return self;
}

void
bf_pruned_destroy (bf_pruned **self_p)
{
    bf_pruned *self = *self_p;
    if (self) {
        free (self->slots);
        free (self);
        *self_p = NULL;
    }
}

/* Where the job is, or would be. */
static slot *
place (const slot *slots, size_t size, uint64_t job)
{
    size_t at = (size_t)bf_mix (job) & (size - 1);
    while (slots[at].job != 0 && slots[at].job != job) {
        at = (at + 1) & (size - 1);
    }
    return (slot *)&slots[at];
}

static bf_err
grow (bf_pruned *self)
{
    size_t size = 2 * self->size;
    slot *slots = calloc (size, sizeof *slots);
    if (!slots) {
        return BF_ENOMEM;
    }
    for (size_t i = 0; i < self->size; i++) {
        if (self->slots[i].job != 0) {
            *place (slots, size, self->slots[i].job) = self->slots[i];
        }
    }
    free (self->slots);
    self->slots = slots;
    self->size = size;
    return BF_OK;
}

bf_err
bf_pruned_add (bf_pruned *self, uint64_t job, uint32_t up_to)
{
    if (job == 0) {
        return BF_OK;
    }
    if (2 * (self->count + 1) > self->size) {
        bf_err rc = grow (self);
        if (rc != BF_OK) {
            return rc;
        }
    }
    slot *at = place (self->slots, self->size, job);
    self->count += at->job == 0;
    at->job = job;
    at->up_to = up_to > at->up_to ? up_to : at->up_to;
    return BF_OK;
}

uint32_t
bf_pruned_up_to (const bf_pruned *self, uint64_t job)
{
    return place (self->slots, self->size, job)->up_to;
}
