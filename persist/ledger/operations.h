/* SPDX-License-Identifier: MPL-2.0
 *
 * The list of commands by filter that are under way: how they begin, are asked about, go on
 * in slices and end. What one does to a job is not here but in operation.h. An operation is
 * a row with the packed request and how far it is, so that it survives a restart, and a
 * struct that knows who waits for it. A slice is a batch of its own (tend.h): some jobs,
 * each by the command that a caller would have used for it, and the row's progress in the
 * same commit.
 *
 *   call with a filter -> answered before? --------------------------> that answer again
 *                      -> under way for this (client, request_id)? --> waits for it, too
 *                      -> else begins
 *   slice, slice, … -> done: the BulkReply becomes the stored answer, the row goes
 *   whoever has waited for a second hears how far it is, and asks again
 *
 * A dry run takes the same way with every job's changes undone, has no row and no stored
 * answer, and is forgotten when nobody has asked for it for a while.
 *
 * Jobs are those that were there when it began: it takes its number from the counter of the
 * jobs' ids, so that theirs are all lower.
 */
#ifndef BF_LEDGER_OPERATIONS_H
#define BF_LEDGER_OPERATIONS_H

#include "persist/ledger/answers.h"
#include "persist/ledger/private.h"

/* --- of the request: operation_steps.c -------------------------------------------------
 */

/* The command's filter; NULL where it is for one job. Prune always has one. */
const Belfry__V1__Filter *bf_request_filter (const Belfry__V1__Request *request);
bool bf_request_dry_run (const Belfry__V1__Request *request);

/* The command of a request for one job, tried and undone: its answer is a BulkReply. */
bf_err bf_dry_run_send (bf_ledger *self, bf_caller caller,
                        const Belfry__V1__Request *request, bf_error *error);

/* --- how it goes on: operations.c ------------------------------------------------------
 */

/* Those that were under way when the store was closed. */
bf_err bf_operations_load (bf_ledger *self, bf_error *error);
void bf_operations_free (bf_ledger *self);

/* Whether this caller's request is under way. */
bool bf_operation_is_known (const bf_ledger *self, bf_caller caller);
/* Joins the one that is under way; BF_EREUSED to the caller where it is another command. */
bf_err bf_operation_join (bf_ledger *self, bf_caller caller, uint64_t fingerprint,
                          bf_error *error);
/* Begins one; BF_EBUSY to the caller where there are BF_OPERATIONS. */
bf_err bf_operation_begin (bf_ledger *self, bf_caller caller, uint64_t fingerprint,
                           const Belfry__V1__Request *request, bf_error *error);

/* The batch is in, or undone. */
void bf_operations_keep (bf_ledger *self);
void bf_operations_undo (bf_ledger *self);

#endif
