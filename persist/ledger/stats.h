/* SPDX-License-Identifier: MPL-2.0
 *
 * What is counted in memory: how deep the queues are, and what happened since the ledger
 * was opened. A step that is undone takes its part back.
 */
#ifndef BF_LEDGER_STATS_H
#define BF_LEDGER_STATS_H

#include "persist/ledger/private.h"
#include "persist/ledger/slots.h"

/* Reads the depths of all queues. After bf_names_load. */
bf_err bf_depths_load (bf_ledger *self, bf_error *error);
/* A run came into (1) or left (-1) a state in this queue. */
bf_err bf_depth_add (bf_ledger *self, uint32_t queue, bf_run_state state, int change,
                     bf_error *error);
/* Takes back what came after the first `touched` changes of the batch. Before
 * bf_names_undo, which takes queues away. */
void bf_depths_undo (bf_ledger *self, size_t touched);

/* Counts what an event tells of; slots that were dropped; a batch that is in. */
void bf_happened_event (bf_ledger *self, bf_event_kind kind, const bf_run_row *run);
void bf_happened_drop (bf_ledger *self, bf_drop why, uint64_t count);
void bf_happened_commit (bf_ledger *self);

/* Commands by filter that are under way. */
bf_err bf_operations_count (bf_ledger *self, uint64_t *count, bf_error *error);

#endif
