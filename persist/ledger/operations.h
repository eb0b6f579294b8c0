/* SPDX-License-Identifier: MPL-2.0
 *
 * Operations: commands by filter, worked off in slices. An operation is a row with the
 * packed request and how far it is, so that it survives a restart, and a struct that knows
 * who waits for it. A slice is a batch of its own (tend.h): some jobs, each by the command
 * that a caller would have used for it, and the row's progress in the same commit.
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

#include "messages/limits.h"
#include "persist/ledger/answers.h"
#include "persist/ledger/filter.h"
#include "persist/ledger/private.h"

/* --- what it does: operation_steps.c ---------------------------------------------------
 */

/* What was done so far: see BulkReply. */
typedef struct {
    uint64_t changed;
    uint64_t unchanged;
    uint64_t refused;
    uint64_t runs;
    uint64_t events;
    uint64_t cursor;
    uint64_t examined;
    size_t n_refusals;
} bf_tally;

/* One of the first that are kept; their number is the tally's. */
typedef struct {
    uint64_t job;
    Belfry__V1__Code code;
    char text[BF_ERROR_TEXT_BYTES];
} bf_refusal;

/* A slice in the making: what its steps share. */
typedef struct {
    const Belfry__V1__Request *request;
    bool dry_run;
    int64_t began_us; /* wall time of the operation's begin: ages count up to it */
    size_t room;      /* what it may do still, in changes of a small row */
    bf_tally *tally;
    bf_refusal *refusals; /* BF_REFUSALS_SHOWN */
    void *own;            /* a kind's, in the batch's arena; NULL at first */
} bf_slice;

typedef struct {
    /* For which jobs where the filter names no states (filter.h). */
    uint32_t states;
    /* Does it for one job that matches the filter, under savepoints of its own where it may
     * be refused, counts what it did in slice->tally, and takes what it cost out of
     * slice->room. *more: there is more to do for this very job, in another slice; never
     * where the job would not match any more, and never in a dry run, whose changes the
     * caller undoes. */
    bf_err (*step) (bf_ledger *self, bf_slice *slice, const bf_job_row *job, bool *more,
                    bf_error *error);
    /* After the last job of a slice, where it is not a dry run; NULL for none. */
    bf_err (*close) (bf_ledger *self, bf_slice *slice, bf_error *error);
    /* After the last job of all: a slice of what there is to do beside jobs; NULL for none.
     * *more: not done yet. In a dry run it only counts. */
    bf_err (*rest) (bf_ledger *self, bf_slice *slice, bool *more, bf_error *error);
} bf_operation_kind;

extern const bf_operation_kind bf_prune_operation; /* prune_steps.c */
extern const bf_operation_kind bf_prune_log_operation;

/* NULL where the command cannot be by filter. */
const bf_operation_kind *bf_operation_kind_of (const Belfry__V1__Request *request);

/* The command's filter; NULL where it is for one job. Prune always has one. */
const Belfry__V1__Filter *bf_request_filter (const Belfry__V1__Request *request);
bool bf_request_dry_run (const Belfry__V1__Request *request);

/* Counts a refusal. */
void bf_slice_refuse (bf_slice *slice, uint64_t job, const bf_error *refusal);

/* The command of a request for one job, tried and undone: its answer is a BulkReply. */
bf_err bf_dry_run_send (bf_ledger *self, bf_caller caller,
                        const Belfry__V1__Request *request, bf_error *error);

/* In the batch's arena; NULL without memory. */
Belfry__V1__BulkReply *bf_tally_render (bf_ledger *self, const bf_tally *tally,
                                        const bf_refusal *refusals);

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
