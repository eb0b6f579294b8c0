/* SPDX-License-Identifier: MPL-2.0
 *
 * Rows that go. The runs of a job go oldest first, so that the newest, whose ordinal the
 * job's counter is, goes last, with the job itself.
 */
#include "persist/ledger/prune.h"

#include "persist/ledger/events.h"
#include "persist/ledger/fresh.h"
#include "persist/ledger/sql.h"

/* Bytes of a payload or a result that lie outside of its row's page and are given back page
 * by page. */
#define PAGE_BYTES 4096

/* Runs that one look at an open job takes at most. */
#define RUNS_AT_ONCE 100

static void
spend (bf_pruning *slice, size_t rows, size_t bytes)
{
    size_t cost = rows + bytes / PAGE_BYTES;
    slice->room -= cost < slice->room ? cost : slice->room;
}

/* Notes that these rows are gone: of a whole job where up_to is 0. */
static bf_err
tell (bf_ledger *self, bf_pruning *slice, uint64_t job, uint32_t up_to, bf_error *error)
{
    Belfry__V1__Pruned *told = slice->told;
    if (!told) {
        told = bf_arena_alloc (self->arena, sizeof *told);
        if (told) {
            belfry__v1__pruned__init (told);
            told->rows = bf_arena_alloc (self->arena, BF_PRUNE_ROOM * sizeof *told->rows);
        }
    }
    Belfry__V1__Pruned__Rows *rows = bf_arena_alloc (self->arena, sizeof *rows);
    if (!told || !told->rows || !rows) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    BF_INVARIANT (told->n_rows < BF_PRUNE_ROOM);
    belfry__v1__pruned__rows__init (rows);
    rows->job = job;
    rows->up_to_ordinal = up_to;
    told->rows[told->n_rows++] = rows;
    slice->told = told;
    return BF_OK;
}

/* The runs of a job that may go. */
typedef struct {
    uint32_t up_to; /* 0: none */
    uint64_t count; /* final ones among them */
    bool all;       /* there is none beyond up_to */
} stale_t;

/* Walks the job's runs, oldest first, while they are open or ended at before_us or earlier,
 * and while there is room for them. */
static bf_err
find_stale (bf_ledger *self, bf_pruning *slice, uint64_t job, int64_t before_us,
            stale_t *stale, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_OLDEST);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job);
    *stale = (stale_t){0};
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row && slice->room > 0) {
        bool is_final = sqlite3_column_type (stmt, 1) != SQLITE_NULL;
        if (is_final && sqlite3_column_int64 (stmt, 1) > before_us) {
            break;
        }
        if (is_final) {
            stale->up_to = (uint32_t)sqlite3_column_int64 (stmt, 0);
            stale->count++;
            spend (slice, 1, (size_t)sqlite3_column_int64 (stmt, 2));
        }
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    stale->all = !row;
    return rc;
}

/* Runs one of the statements that take rows of a job up to an ordinal. */
static bf_err
take (bf_ledger *self, bf_sql statement, uint64_t job, uint32_t up_to, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, statement);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job);
    sqlite3_bind_int64 (stmt, 2, up_to);
    return bf_step_done (self->statements, stmt, error);
}

/* The final runs up to this one, and the stretches before it. */
static bf_err
take_runs (bf_ledger *self, bf_pruning *slice, uint64_t job, const stale_t *stale,
           bf_error *error)
{
    bf_err rc = bf_ledger_write_begin (self, error);
    bf_fresh_forget (self);
    if (rc == BF_OK) {
        rc = take (self, SQL_RUN_PRUNE, job, stale->up_to, error);
    }
    if (rc == BF_OK) {
        slice->runs += stale->count;
        rc = take (self, SQL_STRETCH_PRUNE, job, stale->up_to, error);
    }
    if (rc == BF_OK) {
        spend (slice, (size_t)sqlite3_changes (self->db), 0);
    }
    return rc;
}

static bf_err
take_row (bf_ledger *self, bf_pruning *slice, uint64_t job, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_PRUNE);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job);
    bf_err rc = bf_step_done (self->statements, stmt, error);
    self->counters.final_jobs--;
    self->counters.pruned_jobs++;
    slice->jobs++;
    return rc == BF_OK ? tell (self, slice, job, 0, error) : rc;
}

bf_err
bf_prune_job (bf_ledger *self, bf_pruning *slice, const bf_job_row *job, bool *gone,
              bf_error *error)
{
    BF_INVARIANT (!bf_job_is_open (job->state) && job->open_runs == 0);
    *gone = false;
    if (slice->room == 0) {
        return BF_OK;
    }
    spend (slice, 1, job->payload_bytes + job->spec.len);
    stale_t stale;
    bf_err rc = find_stale (self, slice, job->id, INT64_MAX, &stale, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (!stale.all) {
        if (stale.count == 0) {
            return BF_OK;
        }
        rc = take_runs (self, slice, job->id, &stale, error);
        return rc == BF_OK ? tell (self, slice, job->id, stale.up_to, error) : rc;
    }
    /* Every stretch lies before a run that there never was. */
    stale.up_to = UINT32_MAX;
    rc = take_runs (self, slice, job->id, &stale, error);
    *gone = rc == BF_OK;
    return rc == BF_OK ? take_row (self, slice, job->id, error) : rc;
}

/* The ordinal of the job's first final run from `from` on, and when it ended; 0 where there
 * is none. */
static bf_err
first_final (bf_ledger *self, uint64_t job, uint64_t from, uint64_t *ordinal,
             int64_t *final_us, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_FIRST_FINAL);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job);
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)from);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && row) {
        *ordinal = (uint64_t)sqlite3_column_int64 (stmt, 0);
        *final_us = sqlite3_column_int64 (stmt, 1);
        bf_statement_reset (stmt);
    } else if (rc == BF_OK) {
        *ordinal = 0;
    }
    return rc;
}

bf_err
bf_prune_runs (bf_ledger *self, bf_pruning *slice, const bf_job_row *job, int64_t before_us,
               bf_error *error)
{
    if (job->runs <= RUNS_AT_ONCE) {
        return BF_OK;
    }
    /* Two looks say whether there are enough of them to be worth an event. */
    uint64_t ordinal;
    int64_t final_us;
    bf_err rc = first_final (self, job->id, 1, &ordinal, &final_us, error);
    if (rc == BF_OK && ordinal != 0) {
        rc = first_final (self, job->id, ordinal + RUNS_AT_ONCE - 1, &ordinal, &final_us,
                          error);
    }
    if (rc != BF_OK || ordinal == 0 || ordinal >= job->runs || final_us > before_us) {
        return rc;
    }
    slice->room = slice->room < RUNS_AT_ONCE ? slice->room : RUNS_AT_ONCE;
    stale_t stale;
    rc = find_stale (self, slice, job->id, before_us, &stale, error);
    if (rc != BF_OK || stale.count == 0) {
        return rc;
    }
    rc = take_runs (self, slice, job->id, &stale, error);
    return rc == BF_OK ? tell (self, slice, job->id, stale.up_to, error) : rc;
}

bf_err
bf_prune_tell (bf_ledger *self, const bf_pruning *slice, bf_error *error)
{
    bf_event_detail detail = {.pruned = slice->told};
    return slice->told
               ? bf_event_write (self, BF_EVENT_JOB_PRUNED, NULL, NULL, &detail, error)
               : BF_OK;
}

/* --- the log ----------------------------------------------------------------------- */

/* Moves on behind a varint, whose value it returns. */
static uint64_t
varint (const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            break;
        }
    }
    return value;
}

/* Event.at_us of a body, without unpacking the rest: fields are packed in the order of
 * their numbers, and those before it are all varints. 0 where it is not there. */
static int64_t
body_time (const uint8_t *body, size_t size)
{
    const uint64_t tag = 5 << 3;
    const uint8_t *end = body + size;
    while (body < end) {
        uint64_t field = varint (&body, end);
        uint64_t value = varint (&body, end);
        if (field >= tag) {
            return field == tag ? (int64_t)value : 0;
        }
    }
    return 0;
}

static int64_t
row_time (sqlite3_stmt *stmt)
{
    const void *body = sqlite3_column_blob (stmt, 1);
    return body ? body_time (body, (size_t)sqlite3_column_bytes (stmt, 1)) : 0;
}

bf_err
bf_prune_expired (bf_ledger *self, uint64_t first, int64_t before_us, uint64_t *count,
                  bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EVENT_AFTER);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)first - 1);
    sqlite3_bind_int64 (stmt, 2, BF_PRUNE_EVENTS);
    *count = 0;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        if (row_time (stmt) > before_us) {
            break;
        }
        ++*count;
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_prune_log (bf_ledger *self, uint64_t count, bf_error *error)
{
    uint64_t first = self->expiry.oldest_seq;
    uint64_t last = first + count - 1;
    BF_INVARIANT (count > 0 && last <= self->counters.head_seq);
    bf_err rc = bf_ledger_write_begin (self, error);
    if (rc == BF_OK) {
        sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EVENT_PRUNE);
        sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)last);
        rc = bf_step_done (self->statements, stmt, error);
    }
    if (rc == BF_OK) {
        self->counters.pruned_events += count;
        Belfry__V1__Pruned told = BELFRY__V1__PRUNED__INIT;
        told.first_seq = first;
        told.last_seq = last;
        bf_event_detail detail = {.pruned = &told};
        rc = bf_event_write (self, BF_EVENT_LOG_PRUNED, NULL, NULL, &detail, error);
    }
    if (rc == BF_OK) {
        self->expiry.oldest_seq = last + 1;
        rc = bf_prune_log_time (self, &self->expiry.event_us, error);
    }
    return rc;
}

bf_err
bf_prune_log_time (bf_ledger *self, int64_t *at_us, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EVENT_AFTER);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)self->expiry.oldest_seq - 1);
    sqlite3_bind_int64 (stmt, 2, 2);
    int64_t latest_us = INT64_MIN;
    int found = 0;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        int64_t time_us = row_time (stmt);
        latest_us = time_us > latest_us ? time_us : latest_us;
        found++;
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    if (rc == BF_OK) {
        *at_us = found == 2 ? latest_us : INT64_MAX;
    }
    return rc;
}
