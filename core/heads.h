/* SPDX-License-Identifier: MPL-2.0
 *
 * The first ready runs of one queue, in order, with a horizon: every row up to it is here
 * or was handed out, and `more` says that there are rows beyond it. A run that becomes
 * ready beyond the horizon is left to a refill; what does not fit moves the horizon back.
 * So a run is never lost, whatever the memory. Part of core/dispatch.h.
 */
#ifndef BF_CORE_HEADS_H
#define BF_CORE_HEADS_H

#include "core/dispatch.h"

/* Zero-initialise. */
typedef struct {
    bf_ready *runs; /* a window of `capacity` places; those from `first` on are taken */
    size_t first;
    size_t count;
    size_t capacity;
    bool more;
    bool bounded; /* the horizon is a place; otherwise it is the beginning of the rows */
    bf_ready horizon;
} bf_heads;

/* Order of rows: (ready_us, job, ordinal). */
int bf_ready_compare (bf_ready a, bf_ready b);

/* NULL where none is held. Valid until the next change. */
const bf_ready *bf_heads_peek (const bf_heads *self);
/* Hands out the first one; there must be one. */
bf_ready bf_heads_take (bf_heads *self);

/* A run became ready. */
void bf_heads_add (bf_heads *self, bf_ready run);

/* After bf_heads_clear: the next run of the rows' order. False without memory: then no
 * further one may follow. */
bool bf_heads_append (bf_heads *self, bf_ready run);
/* The rows up to this one are known, held or not. */
void bf_heads_known (bf_heads *self, bf_ready run);

/* Rows hold runs that are not known here. */
void bf_heads_doubt (bf_heads *self);

/* Holds nothing, and knows of no rows. */
void bf_heads_clear (bf_heads *self);

#endif
