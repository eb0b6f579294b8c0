/* SPDX-License-Identifier: MPL-2.0
 *
 * The log. An event gets its seq here, in the transaction of the change that it tells of.
 */
#ifndef BF_LEDGER_EVENTS_H
#define BF_LEDGER_EVENTS_H

#include "persist/ledger/private.h"

typedef struct {
    const char *reason; /* NULL for none */
    bool job_image;     /* the job's row changed beyond last_seq */
    bool with_spec;     /* its definition changed, too */
    bool with_payload;  /* the feed gets the job's payload (loaded) */
    int64_t delta_us;
    Belfry__V1__Slots *slots; /* slots.h; with the row that they are now part of */
    Belfry__V1__Stretch *stretch;
    Belfry__V1__Recovery *recovery;
    Belfry__V1__Pruned *pruned;
    Belfry__V1__Replanned *replanned;
} bf_event_detail;

/* Writes one event and gives it to the feed. job and run may be NULL; their last_seq, and
 * the job's updated_us, become the event's, so call it after every other change of the rows
 * and before they are put. */
bf_err bf_event_write (bf_ledger *self, bf_event_kind kind, bf_job_row *job,
                       bf_run_row *run, const bf_event_detail *detail, bf_error *error);

/* Reads the topics' last seqs; writes those that a batch moved; takes back a step's. */
bf_err bf_topics_load (bf_ledger *self, bf_error *error);
bf_err bf_topics_save (bf_ledger *self, bf_error *error);
void bf_topics_undo (bf_ledger *self, size_t made, size_t touched);
void bf_topics_free (bf_ledger *self);

/* The oldest seq that is kept; head + 1 where the log is empty. */
bf_err bf_event_oldest (bf_ledger *self, uint64_t *seq, bf_error *error);

/* Tells the feed what its heartbeats say. */
bf_err bf_event_head (bf_ledger *self, bf_error *error);

#endif
