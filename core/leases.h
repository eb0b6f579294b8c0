/* SPDX-License-Identifier: MPL-2.0
 *
 * Retry's core: which leases are open and when each runs out, by heartbeat or by
 * run_timeout. Pure: it is told the time. All times are boot times. The rows are the truth:
 * what this calls overdue is a proposal.
 */
#ifndef BF_CORE_LEASES_H
#define BF_CORE_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/base/time.h"
#include "core/token.h"

/* Leases in one batch to the store; one batch is out at a time. */
#define BF_LEASES_BATCH 1000
/* The store is told of a lease's end when it has moved by a part of so many of its length:
 * the rows only show it to people. So a lease costs the store this many notes in its own
 * length, however fast its worker beats. */
#define BF_LEASES_TELL_PARTS 4

typedef struct {
    bf_token token;
    bool run_timeout; /* ran into run_timeout rather than out of heartbeats */
} bf_overdue;

/* What a heartbeat finds. */
typedef enum {
    BF_LEASE_UNKNOWN, /* not held here, or just proposed as overdue: the rows must say */
    BF_LEASE_EXTENDED,
    BF_LEASE_FLAGGED, /* extended, and the worker should stop */
} bf_lease_pulse;

typedef struct bf_leases bf_leases;

bf_leases *bf_leases_new (uint64_t seed);
void bf_leases_destroy (bf_leases **self_p);

/* run_until: when run_timeout ends it; INT64_MAX for never. A lease that is open already
 * starts over. */
bf_err bf_leases_open (bf_leases *self, bf_token token, bf_boot from, bf_span lease,
                       bf_boot run_until, bool flagged);
/* By the whole token; no-op for what is not held. */
void bf_leases_close (bf_leases *self, bf_token token);
void bf_leases_flag (bf_leases *self, bf_token token);

/* A heartbeat at `now`. Extended: *until is the new end without a further heartbeat. */
bf_lease_pulse bf_leases_pulse (bf_leases *self, bf_token token, bf_boot now,
                                bf_boot *until);

/* Whether the end has moved far enough to tell the store; if so it counts as told. */
bool bf_leases_tell (bf_leases *self, bf_token token);

/* Takes the leases that have run out, up to `size`; 0 while a batch is unsettled. They stay
 * held until they are closed, or come back to life when the batch is settled without that.
 * Until then a heartbeat finds them UNKNOWN, but it counts where they come back: the rows
 * may have answered it. */
size_t bf_leases_overdue (bf_leases *self, bf_boot now, bf_overdue *overdue, size_t size,
                          uint64_t *batch);
void bf_leases_settled (bf_leases *self, uint64_t batch);

/* When to look again; INT64_MAX for never (also while a batch is unsettled). */
bf_boot bf_leases_next (const bf_leases *self);
size_t bf_leases_count (const bf_leases *self);

#endif
