/* SPDX-License-Identifier: MPL-2.0
 *
 * Taking away what is final: jobs, runs and events, a slice at a time, each slice told by
 * one event. When, and how old it must be, is retention.h's, or an operator's.
 */
#ifndef BF_LEDGER_PRUNE_H
#define BF_LEDGER_PRUNE_H

#include "persist/ledger/private.h"

/* What a slice takes at most, so that it and its commit stay under 4 ms: pages of rows, of
 * which a small one counts as a whole; and events, which lie side by side. */
#define BF_PRUNE_ROOM 200
#define BF_PRUNE_EVENTS 1000

/* A slice of jobs. Zero-initialise it but for `room`. */
typedef struct {
    size_t room;              /* what it may take still */
    Belfry__V1__Pruned *told; /* NULL while it is empty */
    uint64_t jobs;            /* taken whole */
    uint64_t runs;
} bf_pruning;

/* Takes a final job without open runs. *gone false: there was only room for some of its
 * oldest runs; go on with it in the next slice. */
bf_err bf_prune_job (bf_ledger *self, bf_pruning *slice, const bf_job_row *job, bool *gone,
                     bf_error *error);

/* Takes the runs of an open job that ended at before_us or earlier, as far as they are its
 * oldest; open ones among them stay, and its newest. */
bf_err bf_prune_runs (bf_ledger *self, bf_pruning *slice, const bf_job_row *job,
                      int64_t before_us, bf_error *error);

/* The event job.pruned, where the slice took anything. */
bf_err bf_prune_tell (bf_ledger *self, const bf_pruning *slice, bf_error *error);

/* How many events from `first` on, which is one that is kept, were written at before_us or
 * earlier, without a younger one between them; BF_PRUNE_EVENTS at most. */
bf_err bf_prune_expired (bf_ledger *self, uint64_t first, int64_t before_us,
                         uint64_t *count, bf_error *error);

/* Takes so many of the oldest events, with the event log.pruned: the log is never empty. */
bf_err bf_prune_log (bf_ledger *self, uint64_t count, bf_error *error);

/* When the two oldest events that are kept were written, whichever time is later; INT64_MAX
 * where there are no two. */
bf_err bf_prune_log_time (bf_ledger *self, int64_t *at_us, bf_error *error);

#endif
