/* SPDX-License-Identifier: MPL-2.0
 *
 * Column by column, in the order of sql.c. The only file that knows which position is what.
 */
#include "persist/ledger/rows.h"

#include <string.h>

#include "messages/codec.h"
#include "messages/translate.h"
#include "persist/ledger/fresh.h"
#include "persist/ledger/recurrences.h"
#include "persist/ledger/sql.h"
#include "persist/ledger/tags.h"

static const char *
text_copy (bf_ledger *self, sqlite3_stmt *stmt, int column, bool *out_of_memory)
{
    const void *text = sqlite3_column_text (stmt, column);
    if (!text) {
        return NULL;
    }
    char *copy =
        bf_arena_copy (self->arena, text, (size_t)sqlite3_column_bytes (stmt, column));
    *out_of_memory |= !copy;
    return copy;
}

static ProtobufCBinaryData
blob_copy (bf_ledger *self, sqlite3_stmt *stmt, int column, bool *out_of_memory)
{
    ProtobufCBinaryData data = {0, NULL};
    const void *bytes = sqlite3_column_blob (stmt, column);
    size_t size = (size_t)sqlite3_column_bytes (stmt, column);
    if (!bytes || size == 0) {
        return data;
    }
    data.data = bf_arena_copy (self->arena, bytes, size);
    data.len = size;
    *out_of_memory |= !data.data;
    return data;
}

static uint32_t
number (sqlite3_stmt *stmt, int column)
{
    return (uint32_t)sqlite3_column_int64 (stmt, column);
}

static void
bind_text (sqlite3_stmt *stmt, int position, const char *text)
{
    if (text) {
        sqlite3_bind_text (stmt, position, text, -1, SQLITE_STATIC);
    } else {
        sqlite3_bind_null (stmt, position);
    }
}

static void
bind_blob (sqlite3_stmt *stmt, int position, ProtobufCBinaryData data)
{
    if (data.len > 0) {
        sqlite3_bind_blob (stmt, position, data.data, (int)data.len, SQLITE_STATIC);
    } else {
        sqlite3_bind_null (stmt, position);
    }
}

/* 0 stands for "none" in the structs and is NULL in the table. */
static void
bind_time (sqlite3_stmt *stmt, int position, int64_t us)
{
    if (us != 0) {
        sqlite3_bind_int64 (stmt, position, us);
    } else {
        sqlite3_bind_null (stmt, position);
    }
}

static bf_err
spec_read (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    Belfry__V1__JobSpec *spec =
        belfry__v1__job_spec__unpack (&allocator, job->spec.len, job->spec.data);
    if (!spec && bf_arena_failed (self->arena)) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    if (spec) {
        bf_spec_resolve (spec);
    }
    if (!spec || !bf_spec_is_whole (spec)) {
        return bf_fail (
            error, BF_ECORRUPT,
            "the definition of job %llu cannot be read: the database is damaged",
            (unsigned long long)job->id);
    }
    job->definition = spec;
    job->law = bf_spec_from_wire (spec);
    job->tags = spec->tags;
    job->n_tags = spec->n_tags;
    return BF_OK;
}

/* Numbers of names and queues that the tables do not have: nothing behind the row may be
 * looked up by them. */
static bf_err
check_numbers (const bf_ledger *self, uint64_t job, uint32_t type, uint32_t queue,
               bf_error *error)
{
    if (type >= 1 && type <= self->names.count && queue >= 1 &&
        queue <= self->queues.count) {
        return BF_OK;
    }
    return bf_fail (error, BF_ECORRUPT,
                    "job %llu has type %u and queue %u, which there are not: the database "
                    "is damaged",
                    (unsigned long long)job, type, queue);
}

bool
bf_job_reminds (const bf_job_row *job)
{
    return job->remind_us != 0 && !job->paused;
}

void
bf_job_was (bf_job_row *job)
{
    job->was_open = bf_job_is_open (job->state);
    job->was_tags = job->tags;
    job->n_was_tags = job->n_tags;
    job->was_trigger = job->law.trigger;
    job->was_timed = bf_job_is_timed (job);
    job->was_clock = job->clock;
    job->was_wake_us = job->wake_us;
    job->was_remind_us = bf_job_reminds (job) ? job->remind_us : 0;
    job->was_queue = job->queue;
    job->moved = false;
}

bf_err
bf_job_read (bf_ledger *self, sqlite3_stmt *stmt, bf_job_row *job, bf_error *error)
{
    bool out_of_memory = false;
    *job = (bf_job_row){
        .id = (uint64_t)sqlite3_column_int64 (stmt, 0),
        .ns = number (stmt, 1),
        .type = number (stmt, 2),
        .queue = number (stmt, 3),
        .key = text_copy (self, stmt, 4, &out_of_memory),
        .state = (bf_job_state)sqlite3_column_int (stmt, 5),
        .reason = (bf_job_reason)sqlite3_column_int (stmt, 6),
        .paused = sqlite3_column_int (stmt, 7),
        .clock = (bf_clock)sqlite3_column_int (stmt, 8),
        .due_us = sqlite3_column_int64 (stmt, 9),
        .wake_us = sqlite3_column_int64 (stmt, 10),
        .armed_us = sqlite3_column_int64 (stmt, 11),
        .anchor_us = sqlite3_column_int64 (stmt, 12),
        .version = number (stmt, 13),
        .runs = number (stmt, 14),
        .open_runs = number (stmt, 15),
        .counts.open = number (stmt, 16),
        .counts.blocked = number (stmt, 17),
        .counts.fired = number (stmt, 18),
        .counts.missed = number (stmt, 19),
        .counts.skipped = number (stmt, 20),
        .counts.overlap_skipped = number (stmt, 21),
        .counts.buffer_dropped = number (stmt, 22),
        .counts.cancelled_others = number (stmt, 23),
        .counts.terminated_others = number (stmt, 24),
        .others_below = number (stmt, 25),
        .created_us = sqlite3_column_int64 (stmt, 26),
        .updated_us = sqlite3_column_int64 (stmt, 27),
        .final_us = sqlite3_column_int64 (stmt, 28),
        .last_seq = (uint64_t)sqlite3_column_int64 (stmt, 29),
        .spec = blob_copy (self, stmt, 30, &out_of_memory),
        .payload_hash = (uint64_t)sqlite3_column_int64 (stmt, 31),
        .payload_bytes = number (stmt, 32),
        .remind_us = sqlite3_column_int64 (stmt, 33),
    };
    if (out_of_memory) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_err rc = spec_read (self, job, error);
    if (rc == BF_OK) {
        rc = check_numbers (self, job->id, job->type, job->queue, error);
    }
    if (rc == BF_OK && (job->ns < 1 || job->ns > self->names.count)) {
        rc = bf_fail (error, BF_ECORRUPT,
                      "job %llu is of namespace %u, which there is not: the database is "
                      "damaged",
                      (unsigned long long)job->id, job->ns);
    }
    bf_job_was (job);
    return rc;
}

bf_err
bf_job_load (bf_ledger *self, uint64_t id, bf_job_row *job, bf_error *error)
{
    if (bf_fresh_job (self, id, job)) {
        return BF_OK;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_SELECT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)id);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && !row) {
        return bf_fail (error, BF_ENOTFOUND, "there is no job %llu",
                        (unsigned long long)id);
    }
    if (rc == BF_OK) {
        rc = bf_job_read (self, stmt, job, error);
        bf_statement_reset (stmt);
    }
    return rc;
}

bf_err
bf_job_find (bf_ledger *self, uint32_t ns, const char *key, uint64_t *id, bool *found,
             bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_BY_KEY);
    sqlite3_bind_int64 (stmt, 1, ns);
    bind_text (stmt, 2, key);
    bf_err rc = bf_step_row (self->statements, stmt, found, error);
    if (rc == BF_OK && *found) {
        *id = (uint64_t)sqlite3_column_int64 (stmt, 0);
        bf_statement_reset (stmt);
    }
    return rc;
}

bf_err
bf_job_load_payload (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    if (job->payload_bytes == 0 || job->payload.data) {
        return BF_OK;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_PAYLOAD);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job->id);
    bool row = false;
    bool out_of_memory = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && row) {
        job->payload = blob_copy (self, stmt, 0, &out_of_memory);
        bf_statement_reset (stmt);
    }
    return rc == BF_OK && out_of_memory ? bf_fail_plain (error, BF_ENOMEM) : rc;
}

/* Runs a statement that writes the row, and what goes with it. */
static bf_err
job_written (bf_ledger *self, sqlite3_stmt *stmt, bf_job_row *job, bf_error *error)
{
    bf_err rc = bf_step_done (self->statements, stmt, error);
    if (rc == BF_OK) {
        rc = bf_zoned_follow (self, job, error);
    }
    if (rc == BF_OK) {
        rc = bf_tags_follow (self, job, error);
    }
    return rc == BF_OK ? bf_fresh_put_job (self, job, error) : rc;
}

bf_err
bf_job_insert (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_INSERT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job->id);
    sqlite3_bind_int64 (stmt, 2, job->ns);
    sqlite3_bind_int64 (stmt, 3, job->type);
    sqlite3_bind_int64 (stmt, 4, job->queue);
    bind_text (stmt, 5, job->key);
    sqlite3_bind_int (stmt, 6, (int)job->state);
    sqlite3_bind_int (stmt, 7, (int)job->reason);
    sqlite3_bind_int (stmt, 8, job->paused);
    sqlite3_bind_int (stmt, 9, (int)job->clock);
    sqlite3_bind_int64 (stmt, 10, job->due_us);
    sqlite3_bind_int64 (stmt, 11, job->wake_us);
    sqlite3_bind_int64 (stmt, 12, job->armed_us);
    sqlite3_bind_int64 (stmt, 13, job->anchor_us);
    sqlite3_bind_int64 (stmt, 14, job->created_us);
    sqlite3_bind_int64 (stmt, 15, (sqlite3_int64)job->last_seq);
    /* A spec is never empty: it holds a trigger. */
    sqlite3_bind_blob (stmt, 16, job->spec.data, (int)job->spec.len, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 17, (sqlite3_int64)job->payload_hash);
    bind_blob (stmt, 18, job->payload);
    sqlite3_bind_int64 (stmt, 19, job->remind_us);
    return job_written (self, stmt, job, error);
}

static void
bind_counts (sqlite3_stmt *stmt, const bf_job_row *job)
{
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job->id);
    sqlite3_bind_int64 (stmt, 2, job->runs);
    sqlite3_bind_int64 (stmt, 3, job->open_runs);
    sqlite3_bind_int (stmt, 4, (int)job->reason);
    sqlite3_bind_int64 (stmt, 5, job->updated_us);
    sqlite3_bind_int64 (stmt, 6, (sqlite3_int64)job->last_seq);
    sqlite3_bind_int64 (stmt, 7, job->counts.open);
    sqlite3_bind_int64 (stmt, 8, job->counts.blocked);
    sqlite3_bind_int64 (stmt, 9, job->counts.fired);
    sqlite3_bind_int64 (stmt, 10, job->counts.missed);
    sqlite3_bind_int64 (stmt, 11, job->counts.skipped);
    sqlite3_bind_int64 (stmt, 12, job->counts.overlap_skipped);
    sqlite3_bind_int64 (stmt, 13, job->counts.buffer_dropped);
    sqlite3_bind_int64 (stmt, 14, job->counts.cancelled_others);
    sqlite3_bind_int64 (stmt, 15, job->counts.terminated_others);
    sqlite3_bind_int64 (stmt, 16, job->others_below);
}

static void
bind_move (sqlite3_stmt *stmt, const bf_job_row *job)
{
    bind_counts (stmt, job);
    sqlite3_bind_int (stmt, 17, (int)job->state);
    sqlite3_bind_int (stmt, 18, job->paused);
    sqlite3_bind_int (stmt, 19, (int)job->clock);
    sqlite3_bind_int64 (stmt, 20, job->due_us);
    sqlite3_bind_int64 (stmt, 21, job->wake_us);
    sqlite3_bind_int64 (stmt, 22, job->armed_us);
    bind_time (stmt, 23, job->final_us);
    sqlite3_bind_int64 (stmt, 24, job->remind_us);
}

bf_err
bf_job_save (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    sqlite3_stmt *stmt;
    if (job->moved) {
        stmt = bf_statement (self->statements, SQL_JOB_MOVE);
        bind_move (stmt, job);
    } else {
        stmt = bf_statement (self->statements, SQL_JOB_COUNT);
        bind_counts (stmt, job);
    }
    return job_written (self, stmt, job, error);
}

bf_err
bf_job_save_definition (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_DEFINE);
    bind_move (stmt, job);
    sqlite3_bind_int64 (stmt, 25, job->type);
    sqlite3_bind_int64 (stmt, 26, job->queue);
    sqlite3_bind_int64 (stmt, 27, job->version);
    sqlite3_bind_int64 (stmt, 28, job->anchor_us);
    sqlite3_bind_blob (stmt, 29, job->spec.data, (int)job->spec.len, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 30, (sqlite3_int64)job->payload_hash);
    bind_blob (stmt, 31, job->payload);
    return job_written (self, stmt, job, error);
}

bf_err
bf_job_grid (bf_ledger *self, const bf_job_row *job, bf_grid *grid, bf_error *error)
{
    const bf_recurrence *recurrence = NULL;
    bf_err rc = bf_recurrence_of (self, job, &recurrence, error);
    if (rc == BF_OK) {
        *grid = bf_grid_of (&job->law.trigger, recurrence, job->anchor_us, job->id);
    }
    return rc;
}

bf_err
bf_job_grid_kept (bf_ledger *self, const bf_job_row *job, bf_grid *grid, bf_error *error)
{
    bf_error cause = {0};
    bf_err rc = bf_job_grid (self, job, grid, &cause);
    if (rc == BF_EINVALID) {
        rc = bf_recurrence_check_parts (self, job, &cause);
        *grid = (bf_grid){.interval_us = 1, .first_us = 1, .last_us = 0};
    }
    if (rc == BF_EINVALID) {
        return bf_fail (
            error, BF_ECORRUPT,
            "the slots of job %llu cannot be told (%s): the database is damaged",
            (unsigned long long)job->id, cause.text);
    }
    if (rc != BF_OK && error) {
        *error = cause;
    }
    return rc;
}

bool
bf_job_is_timed (const bf_job_row *job)
{
    return job->state == BF_JOB_SCHEDULED && !job->paused;
}

void
bf_run_was (bf_run_row *run)
{
    run->was_state = run->state;
    run->was_attempt = run->attempt;
    run->was_timer_us = run->timer_us;
}

bf_err
bf_run_read (bf_ledger *self, sqlite3_stmt *stmt, bf_run_row *run, bf_error *error)
{
    bool out_of_memory = false;
    *run = (bf_run_row){
        .job = (uint64_t)sqlite3_column_int64 (stmt, 0),
        .ordinal = (uint32_t)sqlite3_column_int64 (stmt, 1),
        .queue = (uint32_t)sqlite3_column_int64 (stmt, 2),
        .type = (uint32_t)sqlite3_column_int64 (stmt, 3),
        .state = (bf_run_state)sqlite3_column_int (stmt, 4),
        .origin = (bf_origin)sqlite3_column_int (stmt, 5),
        .decides = sqlite3_column_int (stmt, 6),
        .job_version = (uint32_t)sqlite3_column_int64 (stmt, 7),
        .clock = (bf_clock)sqlite3_column_int (stmt, 8),
        .due_us = sqlite3_column_int64 (stmt, 9),
        .lateness_us = sqlite3_column_int64 (stmt, 10),
        .attempt = (uint32_t)sqlite3_column_int64 (stmt, 11),
        .failures = (uint32_t)sqlite3_column_int64 (stmt, 12),
        .redriven_by = (uint32_t)sqlite3_column_int64 (stmt, 13),
        .born_us = sqlite3_column_int64 (stmt, 14),
        .ready_us = sqlite3_column_int64 (stmt, 15),
        .timer_us = sqlite3_column_int64 (stmt, 16),
        .lease_until_us = sqlite3_column_int64 (stmt, 17),
        .lease_us = sqlite3_column_int64 (stmt, 18),
        .run_until_us = sqlite3_column_int64 (stmt, 19),
        .worker = text_copy (self, stmt, 20, &out_of_memory),
        .created_us = sqlite3_column_int64 (stmt, 21),
        .claimed_us = sqlite3_column_int64 (stmt, 22),
        .final_us = sqlite3_column_int64 (stmt, 23),
        .reason = text_copy (self, stmt, 24, &out_of_memory),
        .last_seq = (uint64_t)sqlite3_column_int64 (stmt, 25),
        .result = blob_copy (self, stmt, 26, &out_of_memory),
        .remind_before_us = sqlite3_column_int64 (stmt, 27),
    };
    bf_run_was (run);
    return out_of_memory ? bf_fail_plain (error, BF_ENOMEM)
                         : check_numbers (self, run->job, run->type, run->queue, error);
}

bf_err
bf_run_load (bf_ledger *self, uint64_t job, uint32_t ordinal, bf_run_row *run,
             bf_error *error)
{
    if (bf_fresh_run (self, job, ordinal, run)) {
        return BF_OK;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_SELECT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job);
    sqlite3_bind_int64 (stmt, 2, ordinal);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && !row) {
        return bf_fail (error, BF_ENOTFOUND, "there is no run %llu.%u",
                        (unsigned long long)job, ordinal);
    }
    if (rc == BF_OK) {
        rc = bf_run_read (self, stmt, run, error);
        bf_statement_reset (stmt);
    }
    return rc;
}

bf_err
bf_run_load_blocked (bf_ledger *self, uint64_t job, bf_run_row *run, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_BLOCKED);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    uint32_t ordinal = rc == BF_OK && row ? number (stmt, 0) : 0;
    bf_statement_reset (stmt);
    return rc == BF_OK ? bf_run_load (self, job, ordinal, run, error) : rc;
}

/* All that a query of whole runs selects, `max` at most. */
static bf_err
runs_read (bf_ledger *self, sqlite3_stmt *stmt, size_t max, bf_run_row **runs,
           size_t *count, bf_error *error)
{
    bf_run_row *list = bf_arena_alloc (self->arena, max * sizeof *list);
    size_t found = 0;
    bool row = false;
    bf_err rc = list ? bf_step_row (self->statements, stmt, &row, error)
                     : bf_fail_plain (error, BF_ENOMEM);
    while (rc == BF_OK && row) {
        rc = bf_run_read (self, stmt, &list[found], error);
        if (rc == BF_OK) {
            found++;
            rc = bf_step_row (self->statements, stmt, &row, error);
        }
    }
    bf_statement_reset (stmt);
    if (rc == BF_OK) {
        *runs = list;
        *count = found;
    }
    return rc;
}

bf_err
bf_run_list (bf_ledger *self, uint64_t job, uint32_t before, size_t max, bf_run_row **runs,
             size_t *count, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_LIST);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job);
    sqlite3_bind_int64 (stmt, 2, before ? (sqlite3_int64)before : INT64_MAX);
    sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)max);
    return runs_read (self, stmt, max, runs, count, error);
}

bf_err
bf_run_list_open (bf_ledger *self, const bf_job_row *job, bool deciding_only,
                  bf_run_row **runs, size_t *count, bf_error *error)
{
    size_t max = deciding_only ? job->counts.open : job->open_runs;
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_OPEN);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job->id);
    sqlite3_bind_int (stmt, 2, deciding_only);
    sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)max);
    return runs_read (self, stmt, max, runs, count, error);
}

/* Runs a statement that writes the row. */
static bf_err
run_written (bf_ledger *self, sqlite3_stmt *stmt, const bf_run_row *run, bf_error *error)
{
    bf_err rc = bf_step_done (self->statements, stmt, error);
    return rc == BF_OK ? bf_fresh_put_run (self, run, error) : rc;
}

static bf_err
run_insert (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_INSERT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)run->job);
    sqlite3_bind_int64 (stmt, 2, run->ordinal);
    sqlite3_bind_int64 (stmt, 3, run->queue);
    sqlite3_bind_int64 (stmt, 4, run->type);
    sqlite3_bind_int (stmt, 5, (int)run->state);
    sqlite3_bind_int (stmt, 6, (int)run->origin);
    sqlite3_bind_int (stmt, 7, run->decides);
    sqlite3_bind_int64 (stmt, 8, run->job_version);
    sqlite3_bind_int (stmt, 9, (int)run->clock);
    sqlite3_bind_int64 (stmt, 10, run->due_us);
    sqlite3_bind_int64 (stmt, 11, run->lateness_us);
    sqlite3_bind_int64 (stmt, 12, run->attempt);
    sqlite3_bind_int64 (stmt, 13, run->failures);
    sqlite3_bind_int64 (stmt, 14, run->redriven_by);
    sqlite3_bind_int64 (stmt, 15, run->born_us);
    sqlite3_bind_int64 (stmt, 16, run->ready_us);
    bind_time (stmt, 17, run->timer_us);
    bind_time (stmt, 18, run->lease_until_us);
    bind_time (stmt, 19, run->lease_us);
    bind_time (stmt, 20, run->run_until_us);
    bind_text (stmt, 21, run->worker);
    sqlite3_bind_int64 (stmt, 22, run->created_us);
    bind_time (stmt, 23, run->claimed_us);
    bind_time (stmt, 24, run->final_us);
    bind_text (stmt, 25, run->reason);
    sqlite3_bind_int64 (stmt, 26, (sqlite3_int64)run->last_seq);
    bind_blob (stmt, 27, run->result);
    sqlite3_bind_int64 (stmt, 28, run->remind_before_us);
    return run_written (self, stmt, run, error);
}

bf_err
bf_run_save (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    if (run->was_state == 0) {
        return run_insert (self, run, error);
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_UPDATE);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)run->job);
    sqlite3_bind_int64 (stmt, 2, run->ordinal);
    sqlite3_bind_int (stmt, 3, (int)run->state);
    sqlite3_bind_int64 (stmt, 4, run->attempt);
    sqlite3_bind_int64 (stmt, 5, run->failures);
    sqlite3_bind_int64 (stmt, 6, run->redriven_by);
    sqlite3_bind_int64 (stmt, 7, run->ready_us);
    bind_time (stmt, 8, run->timer_us);
    bind_time (stmt, 9, run->lease_until_us);
    bind_time (stmt, 10, run->lease_us);
    bind_time (stmt, 11, run->run_until_us);
    bind_text (stmt, 12, run->worker);
    bind_time (stmt, 13, run->claimed_us);
    bind_time (stmt, 14, run->final_us);
    bind_text (stmt, 15, run->reason);
    sqlite3_bind_int64 (stmt, 16, (sqlite3_int64)run->last_seq);
    return run_written (self, stmt, run, error);
}

bf_err
bf_run_save_result (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_RESULT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)run->job);
    sqlite3_bind_int64 (stmt, 2, run->ordinal);
    bind_blob (stmt, 3, run->result);
    return run_written (self, stmt, run, error);
}
