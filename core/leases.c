/* SPDX-License-Identifier: MPL-2.0
 *
 * Retry's core: every open lease in a map by token and in one heap by its end. A lease that
 * has been proposed as overdue stays in the heap with an end of "never", so that bringing
 * it back to life needs no memory. The retry actor is its caller.
 */
#include "core/leases.h"

#include <stdlib.h>

#include "core/base/heap.h"
#include "core/base/map.h"

/* Tokens are map keys by their bytes. */
_Static_assert(sizeof (bf_token) == 16, "a token has no padding");

typedef struct {
    bf_heap_node node; /* at: the end; id: job; first, so that a node is its lease */
    bf_token token;
    int64_t lease_us;
    int64_t beat_until;
    int64_t run_until;
    int64_t told_until; /* the end as the store has it */
    bool flagged;
    bool proposed;
} lease_t;

struct bf_leases {
    bf_map *by_token;
    bf_heap by_end;
    uint64_t last_batch;
    bool unsettled; /* the last batch, which was: */
    size_t n_proposed;
    bf_token proposed[BF_LEASES_BATCH];
};

bf_leases *
bf_leases_new (uint64_t seed)
{
    bf_leases *self = calloc (1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->by_token = bf_map_new (seed);
    if (self->by_token == NULL) {
        free (self);
        return NULL;
    }
    return self;
}

void
bf_leases_destroy (bf_leases **self_p)
{
    bf_leases *self = *self_p;
    if (self == NULL) {
        return;
    }
    bf_map_destroy (&self->by_token);
    for (size_t i = 0; i < self->by_end.count; i++) {
        free (self->by_end.nodes[i]);
    }
    self->by_end.count = 0;
    bf_heap_clear (&self->by_end);
    free (self);
    *self_p = NULL;
}

static lease_t *
find (const bf_leases *self, bf_token token)
{
    return bf_map_get (self->by_token, &token, sizeof token);
}

static int64_t
end_of (const lease_t *lease)
{
    return lease->beat_until < lease->run_until ? lease->beat_until : lease->run_until;
}

static bf_err
hold (bf_leases *self, lease_t *lease)
{
    bf_err err = bf_heap_push (&self->by_end, &lease->node);
    if (err != BF_OK) {
        return err;
    }
    err = bf_map_put (self->by_token, &lease->token, sizeof lease->token, lease);
    if (err != BF_OK) {
        bf_heap_remove (&self->by_end, &lease->node);
    }
    return err;
}

bf_err
bf_leases_open (bf_leases *self, bf_token token, bf_boot from, bf_span lease,
                bf_boot run_until, bool flagged)
{
    lease_t opened = {.token = token,
                      .lease_us = lease.us,
                      .beat_until = bf_us_add (from.us, lease.us),
                      .run_until = run_until.us,
                      .flagged = flagged};
    opened.told_until = end_of (&opened);
    opened.node = (bf_heap_node){.at = opened.told_until, .id = token.job};

    lease_t *held = find (self, token);
    if (held != NULL) {
        opened.node.position = held->node.position;
        *held = opened;
        bf_heap_move (&self->by_end, &held->node, end_of (held));
        return BF_OK;
    }
    held = malloc (sizeof *held);
    if (held == NULL) {
        return BF_ENOMEM;
    }
    *held = opened;
    bf_err err = hold (self, held);
    if (err != BF_OK) {
        free (held);
    }
    return err;
}

void
bf_leases_close (bf_leases *self, bf_token token)
{
    lease_t *lease = bf_map_remove (self->by_token, &token, sizeof token);
    if (lease != NULL) {
        bf_heap_remove (&self->by_end, &lease->node);
        free (lease);
    }
}

void
bf_leases_flag (bf_leases *self, bf_token token)
{
    lease_t *lease = find (self, token);
    if (lease != NULL) {
        lease->flagged = true;
    }
}

bf_lease_pulse
bf_leases_pulse (bf_leases *self, bf_token token, bf_boot now, bf_boot *until)
{
    lease_t *lease = find (self, token);
    if (lease == NULL) {
        return BF_LEASE_UNKNOWN;
    }
    lease->beat_until = bf_us_add (now.us, lease->lease_us);
    if (lease->proposed) {
        return BF_LEASE_UNKNOWN;
    }
    bf_heap_move (&self->by_end, &lease->node, end_of (lease));
    until->us = end_of (lease);
    return lease->flagged ? BF_LEASE_FLAGGED : BF_LEASE_EXTENDED;
}

bool
bf_leases_tell (bf_leases *self, bf_token token)
{
    lease_t *lease = find (self, token);
    if (lease == NULL) {
        return false;
    }
    int64_t moved_us = end_of (lease) - lease->told_until;
    if (moved_us <= 0 || moved_us < lease->lease_us / BF_LEASES_TELL_PARTS) {
        return false;
    }
    lease->told_until = end_of (lease);
    return true;
}

size_t
bf_leases_overdue (bf_leases *self, bf_boot now, bf_overdue *overdue, size_t size,
                   uint64_t *batch)
{
    size_t count = 0;
    size_t most = size < BF_LEASES_BATCH ? size : BF_LEASES_BATCH;
    while (!self->unsettled && count < most) {
        lease_t *lease = (lease_t *)bf_heap_peek (&self->by_end);
        if (lease == NULL || lease->proposed || lease->node.at > now.us) {
            break;
        }
        overdue[count].token = lease->token;
        overdue[count].run_timeout = lease->run_until <= lease->beat_until;
        self->proposed[count] = lease->token;
        count++;
        lease->proposed = true;
        bf_heap_move (&self->by_end, &lease->node, INT64_MAX);
    }
    if (count > 0) {
        self->n_proposed = count;
        self->unsettled = true;
        *batch = ++self->last_batch;
    }
    return count;
}

void
bf_leases_settled (bf_leases *self, uint64_t batch)
{
    if (!self->unsettled || batch != self->last_batch) {
        return;
    }
    self->unsettled = false;
    for (size_t i = 0; i < self->n_proposed; i++) {
        lease_t *lease = find (self, self->proposed[i]);
        if (lease != NULL) {
            lease->proposed = false;
            bf_heap_move (&self->by_end, &lease->node, end_of (lease));
        }
    }
}

bf_boot
bf_leases_next (const bf_leases *self)
{
    const bf_heap_node *node = bf_heap_peek (&self->by_end);
    return (bf_boot){node != NULL && !self->unsettled ? node->at : INT64_MAX};
}

size_t
bf_leases_count (const bf_leases *self)
{
    return bf_map_count (self->by_token);
}
