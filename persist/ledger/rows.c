/* SPDX-License-Identifier: MPL-2.0
 *
 * Column by column, in the order of sql.c. The only file that knows which position is what.
 */
#include "persist/ledger/rows.h"

#include <string.h>

#include "messages/codec.h"
#include "messages/translate.h"
#include "persist/ledger/sql.h"

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
    const Belfry__V1__JobSpec *spec =
        belfry__v1__job_spec__unpack (&allocator, job->spec.len, job->spec.data);
    if (!spec) {
        return bf_fail (
            error, BF_ECORRUPT,
            "the definition of job %llu cannot be read: the database is damaged",
            (unsigned long long)job->id);
    }
    job->law = bf_spec_from_wire (spec);
    return BF_OK;
}

bf_err
bf_job_read (bf_ledger *self, sqlite3_stmt *stmt, bf_job_row *job, bf_error *error)
{
    bool out_of_memory = false;
    *job = (bf_job_row){
        .id = (uint64_t)sqlite3_column_int64 (stmt, 0),
        .ns = (uint32_t)sqlite3_column_int64 (stmt, 1),
        .type = (uint32_t)sqlite3_column_int64 (stmt, 2),
        .queue = (uint32_t)sqlite3_column_int64 (stmt, 3),
        .key = text_copy (self, stmt, 4, &out_of_memory),
        .state = (bf_job_state)sqlite3_column_int (stmt, 5),
        .reason = (bf_job_reason)sqlite3_column_int (stmt, 6),
        .paused = sqlite3_column_int (stmt, 7),
        .clock = (bf_clock)sqlite3_column_int (stmt, 8),
        .due_us = sqlite3_column_int64 (stmt, 9),
        .version = (uint32_t)sqlite3_column_int64 (stmt, 10),
        .runs = (uint32_t)sqlite3_column_int64 (stmt, 11),
        .open_runs = (uint32_t)sqlite3_column_int64 (stmt, 12),
        .created_us = sqlite3_column_int64 (stmt, 13),
        .updated_us = sqlite3_column_int64 (stmt, 14),
        .final_us = sqlite3_column_int64 (stmt, 15),
        .last_seq = (uint64_t)sqlite3_column_int64 (stmt, 16),
        .spec = blob_copy (self, stmt, 17, &out_of_memory),
        .payload_hash = (uint64_t)sqlite3_column_int64 (stmt, 18),
        .payload_bytes = (uint32_t)sqlite3_column_int64 (stmt, 19),
    };
    if (out_of_memory) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    job->was_timed = bf_job_is_timed (job);
    job->was_clock = job->clock;
    job->was_due_us = job->due_us;
    job->was_queue = job->queue;
    return spec_read (self, job, error);
}

bf_err
bf_job_load (bf_ledger *self, uint64_t id, bf_job_row *job, bf_error *error)
{
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

bf_err
bf_job_insert (bf_ledger *self, const bf_job_row *job, bf_error *error)
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
    sqlite3_bind_int64 (stmt, 11, job->version);
    sqlite3_bind_int64 (stmt, 12, job->runs);
    sqlite3_bind_int64 (stmt, 13, job->open_runs);
    sqlite3_bind_int64 (stmt, 14, job->created_us);
    sqlite3_bind_int64 (stmt, 15, job->updated_us);
    bind_time (stmt, 16, job->final_us);
    sqlite3_bind_int64 (stmt, 17, (sqlite3_int64)job->last_seq);
    /* A spec is never empty: it holds a trigger. */
    sqlite3_bind_blob (stmt, 18, job->spec.data, (int)job->spec.len, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 19, (sqlite3_int64)job->payload_hash);
    bind_blob (stmt, 20, job->payload);
    return bf_step_done (self->statements, stmt, error);
}

static void
bind_counts (sqlite3_stmt *stmt, const bf_job_row *job)
{
    sqlite3_bind_int64 (stmt, 1, job->runs);
    sqlite3_bind_int64 (stmt, 2, job->open_runs);
    sqlite3_bind_int (stmt, 3, (int)job->reason);
    sqlite3_bind_int64 (stmt, 4, job->updated_us);
    sqlite3_bind_int64 (stmt, 5, (sqlite3_int64)job->last_seq);
    sqlite3_bind_int64 (stmt, 6, (sqlite3_int64)job->id);
}

static void
bind_move (sqlite3_stmt *stmt, const bf_job_row *job)
{
    bind_counts (stmt, job);
    sqlite3_bind_int (stmt, 7, (int)job->state);
    sqlite3_bind_int (stmt, 8, job->paused);
    sqlite3_bind_int (stmt, 9, (int)job->clock);
    sqlite3_bind_int64 (stmt, 10, job->due_us);
    bind_time (stmt, 11, job->final_us);
}

bf_err
bf_job_save (bf_ledger *self, const bf_job_row *job, bf_error *error)
{
    sqlite3_stmt *stmt;
    if (job->moved) {
        stmt = bf_statement (self->statements, SQL_JOB_MOVE);
        bind_move (stmt, job);
    } else {
        stmt = bf_statement (self->statements, SQL_JOB_COUNT);
        bind_counts (stmt, job);
    }
    return bf_step_done (self->statements, stmt, error);
}

bf_err
bf_job_save_definition (bf_ledger *self, const bf_job_row *job, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_DEFINE);
    bind_move (stmt, job);
    sqlite3_bind_int64 (stmt, 12, job->type);
    sqlite3_bind_int64 (stmt, 13, job->queue);
    sqlite3_bind_int64 (stmt, 14, job->version);
    sqlite3_bind_blob (stmt, 15, job->spec.data, (int)job->spec.len, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 16, (sqlite3_int64)job->payload_hash);
    bind_blob (stmt, 17, job->payload);
    return bf_step_done (self->statements, stmt, error);
}

bool
bf_job_is_timed (const bf_job_row *job)
{
    return job->state == BF_JOB_SCHEDULED && !job->paused;
}

static bf_err
run_read (bf_ledger *self, sqlite3_stmt *stmt, bf_run_row *run, bf_error *error)
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
        .ready_us = sqlite3_column_int64 (stmt, 14),
        .timer_us = sqlite3_column_int64 (stmt, 15),
        .lease_until_us = sqlite3_column_int64 (stmt, 16),
        .run_until_us = sqlite3_column_int64 (stmt, 17),
        .worker = text_copy (self, stmt, 18, &out_of_memory),
        .created_us = sqlite3_column_int64 (stmt, 19),
        .claimed_us = sqlite3_column_int64 (stmt, 20),
        .final_us = sqlite3_column_int64 (stmt, 21),
        .reason = text_copy (self, stmt, 22, &out_of_memory),
        .last_seq = (uint64_t)sqlite3_column_int64 (stmt, 23),
        .result = blob_copy (self, stmt, 24, &out_of_memory),
    };
    run->was_state = run->state;
    run->was_attempt = run->attempt;
    run->was_timer_us = run->timer_us;
    return out_of_memory ? bf_fail_plain (error, BF_ENOMEM) : BF_OK;
}

bf_err
bf_run_load (bf_ledger *self, uint64_t job, uint32_t ordinal, bf_run_row *run,
             bf_error *error)
{
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
        rc = run_read (self, stmt, run, error);
        bf_statement_reset (stmt);
    }
    return rc;
}

bf_err
bf_run_list (bf_ledger *self, uint64_t job, uint32_t before, bool open_only, size_t max,
             bf_run_row **runs, size_t *count, bf_error *error)
{
    bf_run_row *list = bf_arena_alloc (self->arena, max * sizeof *list);
    if (!list) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_LIST);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job);
    sqlite3_bind_int64 (stmt, 2, before ? (sqlite3_int64)before : INT64_MAX);
    sqlite3_bind_int (stmt, 3, open_only ? BF_RUN_OPEN_LAST : BF_RUN_STATE_LAST);
    sqlite3_bind_int64 (stmt, 4, (sqlite3_int64)max);
    size_t found = 0;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        rc = run_read (self, stmt, &list[found], error);
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
    sqlite3_bind_int64 (stmt, 15, run->ready_us);
    bind_time (stmt, 16, run->timer_us);
    bind_time (stmt, 17, run->lease_until_us);
    bind_time (stmt, 18, run->run_until_us);
    bind_text (stmt, 19, run->worker);
    sqlite3_bind_int64 (stmt, 20, run->created_us);
    bind_time (stmt, 21, run->claimed_us);
    bind_time (stmt, 22, run->final_us);
    bind_text (stmt, 23, run->reason);
    sqlite3_bind_int64 (stmt, 24, (sqlite3_int64)run->last_seq);
    bind_blob (stmt, 25, run->result);
    return bf_step_done (self->statements, stmt, error);
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
    bind_time (stmt, 10, run->run_until_us);
    bind_text (stmt, 11, run->worker);
    bind_time (stmt, 12, run->claimed_us);
    bind_time (stmt, 13, run->final_us);
    bind_text (stmt, 14, run->reason);
    sqlite3_bind_int64 (stmt, 15, (sqlite3_int64)run->last_seq);
    return bf_step_done (self->statements, stmt, error);
}

bf_err
bf_run_save_result (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_RESULT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)run->job);
    sqlite3_bind_int64 (stmt, 2, run->ordinal);
    bind_blob (stmt, 3, run->result);
    return bf_step_done (self->statements, stmt, error);
}
