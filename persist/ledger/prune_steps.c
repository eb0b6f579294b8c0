/* SPDX-License-Identifier: MPL-2.0
 *
 * Prune, the command, as an operation: final jobs by filter, then the log. Ages count up to
 * the moment at which it began.
 */
#include "persist/ledger/filter.h"
#include "persist/ledger/operation.h"
#include "persist/ledger/prune.h"
#include "persist/ledger/sql.h"

/* The slice's own pruning; NULL without memory. */
static bf_pruning *
pruning_of (bf_ledger *self, bf_slice *slice)
{
    bf_pruning *pruning = slice->own;
    if (!pruning) {
        pruning = bf_arena_alloc (self->arena, sizeof *pruning);
        if (pruning) {
            *pruning = (bf_pruning){.room = BF_PRUNE_ROOM};
            slice->own = pruning;
        }
    }
    return pruning;
}

/* Counts runs of the job behind at->run, up to `max` of them, and moves it on. */
static bf_err
count_runs (bf_ledger *self, bf_half_done *at, uint64_t max, uint64_t *count,
            bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_COUNT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)at->job);
    sqlite3_bind_int64 (stmt, 2, at->run);
    sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)max);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    *count = rc == BF_OK && row ? (uint64_t)sqlite3_column_int64 (stmt, 0) : 0;
    if (*count > 0) {
        at->run = (uint32_t)sqlite3_column_int64 (stmt, 1);
    }
    bf_statement_reset (stmt);
    return rc;
}

static void
spend (bf_slice *slice, uint64_t cost)
{
    slice->room -= cost < slice->room ? (size_t)cost : slice->room;
}

static bf_err
step_try (bf_ledger *self, bf_slice *slice, const bf_job_row *job, bool *more,
          bf_error *error)
{
    bf_half_done *at = &slice->tally->at;
    uint64_t max = (uint64_t)slice->room * BF_RUNS_PER_ROOM;
    uint64_t runs;
    if (at->job != job->id) {
        *at = (bf_half_done){.job = job->id, .last_run = job->runs};
    }
    bf_err rc = count_runs (self, at, max, &runs, error);
    if (rc == BF_OK) {
        *more = runs == max;
        slice->tally->changed += !*more;
        slice->tally->runs += runs;
        spend (slice, 1 + runs / BF_RUNS_PER_ROOM);
    }
    return rc;
}

/* Whether the job is one that can go at all; else *refusal says why not. */
static bool
is_over (const bf_job_row *job, bf_error *refusal)
{
    if (bf_job_is_open (job->state)) {
        bf_fail (refusal, BF_ESTATE, "job %llu is %s, only final jobs can be pruned",
                 (unsigned long long)job->id, bf_job_state_name (job->state));
        return false;
    }
    if (job->open_runs > 0) {
        bf_fail (refusal, BF_ESTATE,
                 "a worker still has a run of job %llu: prune it when that is over",
                 (unsigned long long)job->id);
        return false;
    }
    return true;
}

static bf_err
step (bf_ledger *self, bf_slice *slice, const bf_job_row *job, bool *more, bf_error *error)
{
    const Belfry__V1__Prune *prune = slice->request->prune;
    bf_error refusal = {0};
    *more = false;
    if (prune->finals_us == 0 || job->final_us > slice->began_us - prune->finals_us) {
        return BF_OK;
    }
    if (!is_over (job, &refusal)) {
        bf_slice_refuse (slice, job->id, &refusal);
        return BF_OK;
    }
    if (slice->dry_run) {
        return step_try (self, slice, job, more, error);
    }
    bf_pruning *pruning = pruning_of (self, slice);
    if (!pruning) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bool gone = false;
    size_t room = pruning->room;
    uint64_t runs = pruning->runs;
    bf_err rc = bf_prune_job (self, pruning, job, &gone, error);
    slice->tally->changed += gone;
    slice->tally->runs += pruning->runs - runs;
    spend (slice, pruning->room > 0 ? room - pruning->room : slice->room);
    *more = !gone;
    return rc;
}

static bf_err
tell (bf_ledger *self, bf_slice *slice, bf_error *error)
{
    return slice->own ? bf_prune_tell (self, slice->own, error) : BF_OK;
}

/* A dry run counts on from where its last slice has ended. */
static bf_err
rest (bf_ledger *self, bf_slice *slice, bool *more, bf_error *error)
{
    const Belfry__V1__Prune *prune = slice->request->prune;
    uint64_t count = 0;
    *more = false;
    if (prune->events_us == 0) {
        return BF_OK;
    }
    uint64_t first = self->expiry.oldest_seq + (slice->dry_run ? slice->tally->events : 0);
    bf_err rc =
        bf_prune_expired (self, first, slice->began_us - prune->events_us, &count, error);
    if (rc != BF_OK) {
        return rc;
    }
    slice->tally->events += count;
    *more = count == BF_PRUNE_EVENTS;
    return count > 0 && !slice->dry_run ? bf_prune_log (self, count, error) : BF_OK;
}

const bf_operation_kind bf_prune_operation = {
    .states = BF_STATES_FINAL,
    .step = step,
    .close = tell,
    .rest = rest,
};

/* Only the log: no job is looked at. */
const bf_operation_kind bf_prune_log_operation = {
    .states = 0,
    .step = step,
    .rest = rest,
};
