/* SPDX-License-Identifier: MPL-2.0
 *
 * The first ready runs of one queue: a sorted array that is consumed at its front and,
 * since runs become ready in the order of time, nearly always grows at its end.
 */
#include "core/heads.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

int
bf_ready_compare (bf_ready a, bf_ready b)
{
    if (a.ready_us != b.ready_us) {
        return a.ready_us < b.ready_us ? -1 : 1;
    }
    if (a.job != b.job) {
        return a.job < b.job ? -1 : 1;
    }
    return a.ordinal < b.ordinal ? -1 : a.ordinal > b.ordinal;
}

const bf_ready *
bf_heads_peek (const bf_heads *self)
{
    return self->count > 0 ? &self->runs[self->first] : NULL;
}

bf_ready
bf_heads_take (bf_heads *self)
{
    BF_INVARIANT (self->count > 0);
    bf_ready run = self->runs[self->first++];
    if (--self->count == 0) {
        /* An idle queue keeps no memory: there may be many of them. */
        free (self->runs);
        self->runs = NULL;
        self->first = 0;
        self->capacity = 0;
    }
    return run;
}

/* Room for one more at the end. */
static bool
reserve (bf_heads *self)
{
    if (self->first + self->count < self->capacity) {
        return true;
    }
    if (self->first > self->capacity / 2) {
        memmove (self->runs, self->runs + self->first, self->count * sizeof *self->runs);
        self->first = 0;
        return true;
    }
    size_t capacity = self->capacity > 0 ? self->capacity * 2 : FIRST_CAPACITY;
    bf_ready *runs = realloc (self->runs, capacity * sizeof *runs);
    if (runs == NULL) {
        return false;
    }
    self->runs = runs;
    self->capacity = capacity;
    return true;
}

/* Leaves everything from the nth on to a refill. */
static void
cut (bf_heads *self, size_t count)
{
    self->more = true;
    self->count = count;
    if (count > 0) {
        self->bounded = true;
        self->horizon = self->runs[self->first + count - 1];
    } else {
        self->bounded = false;
    }
}

/* How many of the runs held come before this one. */
static size_t
rank (const bf_heads *self, bf_ready run)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bf_ready_compare (self->runs[self->first + middle], run) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void
bf_heads_add (bf_heads *self, bf_ready run)
{
    if (self->more && (!self->bounded || bf_ready_compare (run, self->horizon) > 0)) {
        return;
    }
    size_t position = rank (self, run);
    if (position < self->count &&
        bf_ready_compare (self->runs[self->first + position], run) == 0) {
        return;
    }
    if (!reserve (self)) {
        cut (self, position);
        return;
    }
    bf_ready *place = self->runs + self->first + position;
    memmove (place + 1, place, (self->count - position) * sizeof *place);
    *place = run;
    self->count++;
    if (self->count > BF_HEADS) {
        cut (self, BF_HEADS);
    }
}

bool
bf_heads_append (bf_heads *self, bf_ready run)
{
    if (!reserve (self)) {
        self->more = true;
        return false;
    }
    self->runs[self->first + self->count++] = run;
    bf_heads_known (self, run);
    return true;
}

void
bf_heads_known (bf_heads *self, bf_ready run)
{
    self->bounded = true;
    self->horizon = run;
}

void
bf_heads_doubt (bf_heads *self)
{
    cut (self, self->count);
}

void
bf_heads_clear (bf_heads *self)
{
    free (self->runs);
    *self = (bf_heads){0};
}
