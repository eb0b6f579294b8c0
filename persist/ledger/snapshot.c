/* SPDX-License-Identifier: MPL-2.0
 *
 * Snapshot: rows as events show them, in pages. A job's rows come by ordinal: at 0 the job
 * itself, at every other a run, and at each the stretches of slots that were dropped behind
 * it. A page ends only between two ordinals, so a place (job, ordinal) says all of where
 * the next one begins: nothing is lost between them and nothing comes twice. What changes
 * behind a page is told by events above the first page's head.
 */
#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/names.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/sql.h"

/* What the rows of one page may take to read: results are read for their hashes only. */
#define EXAMINED_BYTES ((size_t)16 * 1024 * 1024)

/* At one ordinal: a job or a run, slots missed and slots skipped behind it. */
#define ROWS_PER_ORDINAL 3

typedef Belfry__V1__SnapshotReply__Row row_t;

typedef struct {
    row_t *rows[ROWS_PER_ORDINAL];
    size_t count;
    size_t bytes;
} unit_t;

/* A page in the making. */
typedef struct {
    Belfry__V1__SnapshotReply *reply;
    size_t limit;
    size_t bytes;
    size_t arena_start;
    bool full;
} page_t;

/* A job's rows that are still to come, the next run and the next stretch read already. */
typedef struct {
    bf_job_row job;
    sqlite3_stmt *runs;
    sqlite3_stmt *stretches;
    bool has_run;
    bool has_stretch;
    bf_run_row run;
    Belfry__V1__Stretch *stretch;
} walk_t;

static row_t *
unit_add (bf_ledger *self, unit_t *unit)
{
    BF_INVARIANT (unit->count < ROWS_PER_ORDINAL);
    row_t *row = bf_arena_alloc (self->arena, sizeof *row);
    if (row) {
        belfry__v1__snapshot_reply__row__init (row);
        unit->rows[unit->count++] = row;
    }
    return row;
}

static bf_err
run_next (bf_ledger *self, walk_t *walk, bf_error *error)
{
    bf_err rc = bf_step_row (self->statements, walk->runs, &walk->has_run, error);
    return rc == BF_OK && walk->has_run ? bf_run_read (self, walk->runs, &walk->run, error)
                                        : rc;
}

static bf_err
stretch_next (bf_ledger *self, walk_t *walk, bf_error *error)
{
    sqlite3_stmt *stmt = walk->stretches;
    bf_err rc = bf_step_row (self->statements, stmt, &walk->has_stretch, error);
    if (rc != BF_OK || !walk->has_stretch) {
        return rc;
    }
    Belfry__V1__Stretch *stretch = bf_arena_alloc (self->arena, sizeof *stretch);
    if (!stretch) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__stretch__init (stretch);
    stretch->job = walk->job.id;
    stretch->after_ordinal = (uint32_t)sqlite3_column_int64 (stmt, 0);
    stretch->skipped = sqlite3_column_int (stmt, 1);
    stretch->first_due_us = sqlite3_column_int64 (stmt, 2);
    stretch->last_due_us = sqlite3_column_int64 (stmt, 3);
    stretch->count = (uint64_t)sqlite3_column_int64 (stmt, 4);
    stretch->last_seq = (uint64_t)sqlite3_column_int64 (stmt, 5);
    walk->stretch = stretch;
    return BF_OK;
}

/* Most jobs have no runs yet and never dropped a slot: their counters say so. */
static bf_err
walk_begin (bf_ledger *self, walk_t *walk, uint32_t ordinal, bf_error *error)
{
    const bf_slot_counts *counts = &walk->job.counts;
    bf_err rc = BF_OK;
    if (walk->job.runs > 0) {
        walk->runs = bf_statement (self->statements, SQL_RUN_FROM);
        sqlite3_bind_int64 (walk->runs, 1, (sqlite3_int64)walk->job.id);
        sqlite3_bind_int64 (walk->runs, 2, ordinal);
        rc = run_next (self, walk, error);
    }
    bool dropped = counts->missed > 0 || counts->skipped > 0 ||
                   counts->overlap_skipped > 0 || counts->buffer_dropped > 0;
    if (rc == BF_OK && dropped) {
        walk->stretches = bf_statement (self->statements, SQL_STRETCH_FROM);
        sqlite3_bind_int64 (walk->stretches, 1, (sqlite3_int64)walk->job.id);
        sqlite3_bind_int64 (walk->stretches, 2, ordinal);
        rc = stretch_next (self, walk, error);
    }
    return rc;
}

static void
walk_end (walk_t *walk)
{
    if (walk->runs) {
        bf_statement_reset (walk->runs);
    }
    if (walk->stretches) {
        bf_statement_reset (walk->stretches);
    }
}

/* An image leaves out what its event says beside it. */
static bf_err
add_run (bf_ledger *self, walk_t *walk, unit_t *unit, bf_error *error)
{
    const bf_run_row *run = &walk->run;
    row_t *row = unit_add (self, unit);
    Belfry__V1__Run *wire = bf_render_run (self, &walk->job, run, BF_IMAGE);
    if (!row || !wire) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    wire->ns = (char *)bf_name_text (self, walk->job.ns);
    wire->type = (char *)bf_name_text (self, run->type);
    row->row_case = BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_RUN;
    row->run = wire;
    row->clock = run->clock;
    return run_next (self, walk, error);
}

static bf_err
add_stretch (bf_ledger *self, walk_t *walk, unit_t *unit, bf_error *error)
{
    row_t *row = unit_add (self, unit);
    if (!row) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    row->row_case = BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_STRETCH;
    row->stretch = walk->stretch;
    return stretch_next (self, walk, error);
}

static bf_err
add_job (bf_ledger *self, const walk_t *walk, unit_t *unit, bf_error *error)
{
    row_t *row = unit_add (self, unit);
    Belfry__V1__Job *wire = bf_render_job (self, &walk->job, BF_WITH_SPEC);
    if (!row || !wire) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    row->row_case = BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_JOB;
    row->job = wire;
    row->clock = walk->job.clock;
    return BF_OK;
}

/* Everything at one ordinal. */
static bf_err
unit_read (bf_ledger *self, walk_t *walk, uint32_t ordinal, unit_t *unit, bf_error *error)
{
    *unit = (unit_t){0};
    bf_err rc = BF_OK;
    if (ordinal == 0) {
        rc = add_job (self, walk, unit, error);
    } else if (walk->has_run && walk->run.ordinal == ordinal) {
        rc = add_run (self, walk, unit, error);
    }
    while (rc == BF_OK && walk->has_stretch && walk->stretch->after_ordinal == ordinal) {
        rc = add_stretch (self, walk, unit, error);
    }
    for (size_t i = 0; rc == BF_OK && i < unit->count; i++) {
        unit->bytes += protobuf_c_message_get_packed_size (&unit->rows[i]->base);
    }
    return rc;
}

/* Adds it, or finds that it belongs to the next page. */
static void
page_add (const bf_ledger *self, page_t *page, const unit_t *unit, uint64_t job,
          uint32_t ordinal)
{
    Belfry__V1__SnapshotReply *reply = page->reply;
    bool fits = page->bytes + unit->bytes <= BF_ANSWER_BYTES || reply->n_rows == 0;
    for (size_t i = 0; fits && i < unit->count; i++) {
        reply->rows[reply->n_rows++] = unit->rows[i];
    }
    page->bytes += unit->bytes;
    page->full = !fits || reply->n_rows >= page->limit ||
                 bf_arena_used (self->arena) - page->arena_start > EXAMINED_BYTES;
    if (page->full) {
        reply->next_job = job;
        reply->next_ordinal = fits ? ordinal + 1 : ordinal;
    }
}

/* The job's rows from an ordinal on. */
static bf_err
add_rows (bf_ledger *self, page_t *page, walk_t *walk, uint32_t ordinal, bf_error *error)
{
    bf_err rc = walk_begin (self, walk, ordinal, error);
    bool more = ordinal == 0 || walk->has_run || walk->has_stretch;
    while (rc == BF_OK && more && !page->full) {
        if (ordinal > 0) {
            bool run_first =
                walk->has_run &&
                (!walk->has_stretch || walk->run.ordinal <= walk->stretch->after_ordinal);
            ordinal = run_first ? walk->run.ordinal : walk->stretch->after_ordinal;
        }
        unit_t unit;
        rc = unit_read (self, walk, ordinal, &unit, error);
        if (rc == BF_OK) {
            page_add (self, page, &unit, walk->job.id, ordinal);
            ordinal = ordinal == 0 ? 1 : ordinal;
            more = walk->has_run || walk->has_stretch;
        }
    }
    walk_end (walk);
    return rc;
}

static bf_err
page_fill (bf_ledger *self, page_t *page, const Belfry__V1__Snapshot *in, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_LIST);
    sqlite3_bind_int64 (stmt, 1, in->job > 0 ? (sqlite3_int64)in->job - 1 : 0);
    sqlite3_bind_int64 (stmt, 2, BF_PAGE + 1); /* the page's, and one that it ended in */
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row && !page->full) {
        walk_t walk = {0};
        rc = bf_job_read (self, stmt, &walk.job, error);
        if (rc == BF_OK) {
            uint32_t ordinal = walk.job.id == in->job ? in->ordinal : 0;
            rc = add_rows (self, page, &walk, ordinal, error);
        }
        if (rc == BF_OK && !page->full) {
            rc = bf_step_row (self->statements, stmt, &row, error);
        }
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_query_snapshot (bf_ledger *self, const Belfry__V1__Request *request,
                   Belfry__V1__Reply *reply, bf_error *error)
{
    const Belfry__V1__Snapshot *in = request->snapshot;
    page_t page = {
        .reply = bf_arena_alloc (self->arena, sizeof *page.reply),
        .limit = in->limit,
    };
    size_t most = page.limit + ROWS_PER_ORDINAL - 1;
    Belfry__V1__SnapshotReply__Row **rows =
        bf_arena_alloc (self->arena, most * sizeof *rows);
    if (!page.reply || !rows) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__snapshot_reply__init (page.reply);
    page.reply->rows = rows;
    page.reply->head_seq = self->counters.head_seq;
    page.reply->stream_epoch = self->stream_epoch;
    page.arena_start = bf_arena_used (self->arena);
    reply->result_case = BELFRY__V1__REPLY__RESULT_SNAPSHOT;
    reply->snapshot = page.reply;
    bf_err rc = bf_event_oldest (self, &page.reply->oldest_seq, error);
    return rc == BF_OK ? page_fill (self, &page, in, error) : rc;
}
