/* SPDX-License-Identifier: MPL-2.0
 *
 * What actors that have just started must know: which queues there are, which leases are
 * open, and that the clock should begin from nothing. Also what they must hear again after
 * a time of disk full.
 */
#include "persist/ledger/handover.h"

#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/names.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/sql.h"

static bf_err
announce (bf_ledger *self, const bf_queue *queue, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_READY_ANY);
    sqlite3_bind_int64 (stmt, 1, queue->id);
    bool more = false;
    bf_err rc = bf_step_row (self->statements, stmt, &more, error);
    bf_statement_reset (stmt);
    return rc == BF_OK ? bf_queue_announce (self, queue, more, error) : rc;
}

bf_err
bf_handover_orders (bf_ledger *self, bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < self->queues.count; i++) {
        rc = announce (self, self->queues.items[i], error);
    }
    return rc == BF_OK ? bf_outcome_clock_reset (self, error) : rc;
}

/* (job, ordinal) of every leased run, collected first: opening a lease reads the same rows.
 */
static bf_err
leased_runs (bf_ledger *self, bf_list *tokens, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_LEASED);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        bf_token *token = bf_arena_alloc (self->arena, sizeof *token);
        if (!token || bf_list_push (tokens, token) != BF_OK) {
            rc = bf_fail_plain (error, BF_ENOMEM);
            break;
        }
        token->job = (uint64_t)sqlite3_column_int64 (stmt, 0);
        token->ordinal = (uint32_t)sqlite3_column_int64 (stmt, 1);
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    return rc;
}

static bf_err
load_both (bf_ledger *self, const bf_token *token, bf_job_row *job, bf_run_row *run,
           bf_error *error)
{
    bf_err rc = bf_job_load (self, token->job, job, error);
    return rc == BF_OK ? bf_run_load (self, token->job, token->ordinal, run, error) : rc;
}

/* The rows live in `scratch` for as long as they are looked at: only what is told of them
 * stays in the batch's memory, so that a start has room for every lease that there is. */
static bf_err
reopen (bf_ledger *self, const bf_token *token, bf_arena *scratch, bf_error *error)
{
    bf_job_row job;
    bf_run_row run;
    bf_arena *batch = self->arena;
    self->arena = scratch;
    bf_err rc = load_both (self, token, &job, &run, error);
    if (rc == BF_OK) {
        run.lease_until_us = bf_us_add (self->boot_us, run.lease_us);
        rc = bf_run_save (self, &run, error);
    }
    self->arena = batch;
    if (rc == BF_OK) {
        rc = bf_lease_tell (self, &job, &run, error);
    }
    bf_arena_reset (scratch);
    return rc;
}

bf_err
bf_handover_leases (bf_ledger *self, bf_error *error)
{
    bf_list tokens = {0};
    bf_arena *scratch = bf_arena_new (BF_BATCH_BYTES);
    bf_err rc =
        scratch ? leased_runs (self, &tokens, error) : bf_fail_plain (error, BF_ENOMEM);
    for (size_t i = 0; rc == BF_OK && i < tokens.count; i++) {
        rc = reopen (self, tokens.items[i], scratch, error);
    }
    bf_list_clear (&tokens);
    bf_arena_destroy (&scratch);
    return rc;
}
