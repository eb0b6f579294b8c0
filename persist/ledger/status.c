/* SPDX-License-Identifier: MPL-2.0
 *
 * Status: what the ledger knows of itself without looking at many rows. Parked claims come
 * with the call.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/render.h"
#include "persist/ledger/sql.h"
#include "persist/ledger/stats.h"

static bf_err
oldest_answer (bf_ledger *self, int64_t *at_us, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ANSWER_OLDEST);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && row) {
        *at_us = bf_wall_from_scale (self, sqlite3_column_int64 (stmt, 1));
        bf_statement_reset (stmt);
    }
    return rc;
}

bf_err
bf_query_status (bf_ledger *self, const Belfry__V1__Request *request,
                 Belfry__V1__Reply *reply, bf_error *error)
{
    (void)request;
    Belfry__V1__StatusReply *out = bf_arena_alloc (self->arena, sizeof *out);
    if (!out) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__status_reply__init (out);
    out->version = BELFRY_VERSION;
    out->stream_epoch = self->stream_epoch;
    out->shard = BF_SHARD;
    out->head_seq = self->counters.head_seq;
    out->now_us = self->now.wall.us;
    out->started_us = self->started.us;
    out->open_jobs = self->counters.open_jobs;
    out->ready_runs = self->counters.ready_runs;
    out->leased_runs = self->counters.leased_runs;
    out->final_jobs = self->counters.final_jobs;
    out->disk_full = self->scarce;
    out->stored_answers = self->counters.answers;
    out->stored_answer_bytes = self->counters.answer_bytes;
    reply->result_case = BELFRY__V1__REPLY__RESULT_STATUS;
    reply->status = out;
    bf_err rc = bf_event_oldest (self, &out->oldest_seq, error);
    if (rc == BF_OK) {
        rc = bf_operations_count (self, &out->operations, error);
    }
    return rc == BF_OK ? oldest_answer (self, &out->oldest_answer_us, error) : rc;
}
