/* SPDX-License-Identifier: MPL-2.0
 *
 * The rows against the fold, column by column, and what SQLite says of its own file. Rows
 * that have not changed since they were compared are compared again at the end only.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "messages/translate.h"

/* All rows each so many times. */
#define ALL_EVERY 6

sqlite3_stmt *
tables_prepare (checker *self, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        world_broken (self->world, "I12", 0, "%s: %s", sql, sqlite3_errmsg (db));
    }
    return stmt;
}

int64_t
tables_number (checker *self, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = tables_prepare (self, db, sql);
    if (sqlite3_step (stmt) != SQLITE_ROW) {
        world_broken (self->world, "I12", 0, "%s: %s", sql, sqlite3_errmsg (db));
    }
    int64_t number = sqlite3_column_int64 (stmt, 0);
    sqlite3_finalize (stmt);
    return number;
}

void
tables_check_integrity (checker *self, sqlite3 *db)
{
    sqlite3_stmt *stmt = tables_prepare (self, db, "PRAGMA integrity_check");
    int rc;
    while ((rc = sqlite3_step (stmt)) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text (stmt, 0);
        if (!line || strcmp (line, "ok") != 0) {
            world_broken (self->world, "I12", 0, "integrity_check: %s", line ? line : "?");
        }
    }
    sqlite3_finalize (stmt);
    stmt = tables_prepare (self, db, "PRAGMA foreign_key_check");
    if (rc != SQLITE_DONE || sqlite3_step (stmt) != SQLITE_DONE) {
        world_broken (self->world, "I12", 0, "the file is damaged: %s",
                      sqlite3_errmsg (db));
    }
    sqlite3_finalize (stmt);
}

/* --- a row and its columns ----------------------------------------------------------- */

typedef struct {
    checker *self;
    sqlite3_stmt *stmt;
    int column; /* the next one */
    const char *table;
    uint64_t job;
    uint32_t ordinal;
} line;

static void
same (line *row, int64_t told)
{
    int64_t there = sqlite3_column_int64 (row->stmt, row->column);
    if (there != told) {
        world_broken (row->self->world, "I8", row->job,
                      "%s %" PRIu64 ".%" PRIu32 ": %s is %" PRId64
                      ", the log says %" PRId64,
                      row->table, row->job, row->ordinal,
                      sqlite3_column_name (row->stmt, row->column), there, told);
    }
    row->column++;
}

static void
same_text (line *row, const char *told)
{
    const char *there = (const char *)sqlite3_column_text (row->stmt, row->column);
    if (strcmp (there ? there : "", told) != 0) {
        world_broken (row->self->world, "I8", row->job,
                      "%s %" PRIu64 ".%" PRIu32 ": %s is '%s', the log says '%s'",
                      row->table, row->job, row->ordinal,
                      sqlite3_column_name (row->stmt, row->column), there ? there : "",
                      told);
    }
    row->column++;
}

static void
same_blob (line *row, size_t bytes, uint64_t hash)
{
    const void *blob = sqlite3_column_blob (row->stmt, row->column);
    size_t size = (size_t)sqlite3_column_bytes (row->stmt, row->column);
    if (size != bytes || (size > 0 && checker_hash (CHECKER_HASH, blob, size) != hash)) {
        world_broken (row->self->world, "I8", row->job,
                      "%s %" PRIu64 ".%" PRIu32 ": %s is not what the log says", row->table,
                      row->job, row->ordinal, sqlite3_column_name (row->stmt, row->column));
    }
    row->column++;
}

/* The definition without what has columns of its own; the anchor is as it was asked for. */
static void
same_spec (line *row, const Belfry__V1__JobSpec *told)
{
    const uint8_t *bytes = sqlite3_column_blob (row->stmt, row->column);
    size_t size = (size_t)sqlite3_column_bytes (row->stmt, row->column);
    Belfry__V1__JobSpec *there = belfry__v1__job_spec__unpack (NULL, size, bytes);
    Belfry__V1__JobSpec rest = bf_spec_kept (told);
    Belfry__V1__Every every;
    bool recurs = rest.trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY;
    if (there && recurs && there->trigger_case == rest.trigger_case) {
        every = *rest.every;
        every.anchor_case = there->every->anchor_case;
        rest.every = &every;
    }
    uint8_t *packed = checker_alloc (1, belfry__v1__job_spec__get_packed_size (&rest));
    size_t packed_size = belfry__v1__job_spec__pack (&rest, packed);
    if (!there || packed_size != size || memcmp (packed, bytes, size) != 0) {
        world_broken (row->self->world, "I8", row->job,
                      "job %" PRIu64 ": its definition is not what the log says", row->job);
    }
    free (packed);
    belfry__v1__job_spec__free_unpacked (there, NULL);
    row->column++;
}

/* --- jobs ---------------------------------------------------------------------------- */

static const char jobs_sql[] =
    "SELECT job.id, n.text AS ns, t.text AS type, q.text AS queue_ns, u.text AS "
    "queue_type, "
    "key, state, reason, paused, clock, due_us, wake_us, armed_us, anchor_us, version, "
    "runs, open_runs, slots_open, blocked, fired, missed, skipped, overlap_skipped, "
    "buffer_dropped, cancelled_others, terminated_others, others_below, created_us, "
    "updated_us, final_us, last_seq, payload_hash, payload, spec "
    "FROM job JOIN name AS n ON n.id = job.ns JOIN name AS t ON t.id = job.type "
    "JOIN queue ON queue.id = job.queue JOIN name AS q ON q.id = queue.ns "
    "JOIN name AS u ON u.id = queue.name WHERE last_seq > ?1";

static void
compare_counts (line *row, const Belfry__V1__Counts *told)
{
    same (row, told->open);
    same (row, told->blocked);
    same (row, told->fired);
    same (row, told->missed);
    same (row, told->skipped);
    same (row, told->overlap_skipped);
    same (row, told->buffer_dropped);
    same (row, told->cancelled_others);
    same (row, told->terminated_others);
}

static void
compare_job (checker *self, sqlite3_stmt *stmt)
{
    line row = {self, stmt, 1, "job", (uint64_t)sqlite3_column_int64 (stmt, 0), 0};
    const model_job *job = model_find (self, row.job);
    if (!job || job->pruned) {
        world_broken (self->world, "I8", row.job, "job %" PRIu64 " has no event", row.job);
    }
    const Belfry__V1__Job *image = job->image;
    const Belfry__V1__JobSpec *spec = job->definition->spec;
    same_text (&row, job->ns);
    same_text (&row, job->type);
    same_text (&row, job->ns);
    same_text (&row, job->type);
    same_text (&row, job->key);
    same (&row, image->state);
    same (&row, image->reason);
    same (&row, image->paused);
    same (&row, job->definition->clock);
    same (&row, image->due_us);
    same (&row, image->wake_us);
    same (&row, image->armed_us);
    same (&row,
          spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY
              ? spec->every->anchor_us
              : slots_anchor (self, job->id, sqlite3_column_int64 (stmt, row.column)));
    same (&row, image->version);
    same (&row, image->runs);
    same (&row, image->open_runs);
    compare_counts (&row, image->counts);
    same (&row, image->others_below);
    same (&row, image->created_us);
    same (&row, job->updated_us);
    same (&row, image->final_us);
    same (&row, (int64_t)job->last_seq);
    same (&row, (int64_t)image->payload_hash);
    same_blob (&row, image->payload_bytes, image->payload_hash);
    same_spec (&row, spec);
}

/* --- runs ---------------------------------------------------------------------------- */

static const char runs_sql[] =
    "SELECT job, ordinal, text, state, origin, decides, job_version, clock, due_us, "
    "lateness_us, attempt, failures, redriven_by, timer_us, worker, created_us, "
    "claimed_us, final_us, reason, last_seq, result "
    "FROM run JOIN name ON name.id = run.type WHERE last_seq > ?1";

static void
compare_run (checker *self, sqlite3_stmt *stmt)
{
    line row = {self,
                stmt,
                2,
                "run",
                (uint64_t)sqlite3_column_int64 (stmt, 0),
                (uint32_t)sqlite3_column_int64 (stmt, 1)};
    const model_run *run = model_find_run (self, row.job, row.ordinal);
    if (!run) {
        world_broken (self->world, "I8", row.job,
                      "run %" PRIu64 ".%" PRIu32 " has no event", row.job, row.ordinal);
    }
    const Belfry__V1__Run *image = run->image;
    same_text (&row, run->type);
    same (&row, image->state);
    same (&row, image->origin);
    same (&row, run->decides);
    same (&row, image->job_version);
    same (&row, run->clock);
    same (&row, image->due_us);
    same (&row, image->lateness_us);
    same (&row, image->attempt);
    same (&row, image->failures);
    same (&row, image->redriven_by);
    same (&row, image->timer_us);
    same_text (&row, image->worker);
    same (&row, image->created_us);
    same (&row, image->claimed_us);
    same (&row, image->final_us);
    same_text (&row, image->reason);
    same (&row, (int64_t)run->last_seq);
    same_blob (&row, image->result_bytes, image->result_hash);
}

/* --- stretches ----------------------------------------------------------------------- */

static const char stretches_sql[] =
    "SELECT job, after_ordinal, skipped, first_due_us, last_due_us, count, last_seq "
    "FROM stretch WHERE last_seq > ?1";

static void
compare_stretch (checker *self, sqlite3_stmt *stmt)
{
    line row = {self,
                stmt,
                3,
                "stretch",
                (uint64_t)sqlite3_column_int64 (stmt, 0),
                (uint32_t)sqlite3_column_int64 (stmt, 1)};
    const model_job *job = model_find (self, row.job);
    uint64_t place = (uint64_t)row.ordinal * 2 + (uint64_t)sqlite3_column_int64 (stmt, 2);
    const model_stretch *told =
        job && job->stretches ? table_get_number (job->stretches, place) : NULL;
    if (!told) {
        world_broken (self->world, "I8", row.job,
                      "the stretch after %" PRIu64 ".%" PRIu32 " has no event", row.job,
                      row.ordinal);
    }
    same (&row, told->first_due_us);
    same (&row, told->last_due_us);
    same (&row, (int64_t)told->count);
    same (&row, (int64_t)told->last_seq);
}

/* --- all of them --------------------------------------------------------------------- */

static void
compare_rows (checker *self, sqlite3 *db, const char *sql, uint64_t since,
              void (*compare) (checker *self, sqlite3_stmt *stmt))
{
    sqlite3_stmt *stmt = tables_prepare (self, db, sql);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)since);
    int rc;
    while ((rc = sqlite3_step (stmt)) == SQLITE_ROW) {
        compare (self, stmt);
    }
    if (rc != SQLITE_DONE) {
        world_broken (self->world, "I12", 0, "%s: %s", sql, sqlite3_errmsg (db));
    }
    sqlite3_finalize (stmt);
}

static void
same_number (checker *self, sqlite3 *db, const char *sql, uint64_t told)
{
    int64_t there = tables_number (self, db, sql);
    if (there != (int64_t)told) {
        world_broken (self->world, "I8", 0, "%s is %" PRId64 ", the log says %" PRIu64, sql,
                      there, told);
    }
}

static void
compare_counters (checker *self, sqlite3 *db)
{
    uint64_t runs = 0;
    uint64_t stretches = 0;
    size_t cursor = 0;
    const model_job *job;
    while ((job = model_each (self, &cursor)) != NULL) {
        for (uint32_t i = 0; !job->pruned && i < job->run_count; i++) {
            runs += job->runs[i] != NULL;
        }
        stretches += job->stretches ? table_count (job->stretches) : 0;
    }
    uint64_t jobs = self->open_jobs + self->final_jobs;
    same_number (self, db, "SELECT count (*) FROM job", jobs);
    same_number (self, db, "SELECT count (*) FROM run", runs);
    same_number (self, db, "SELECT count (*) FROM stretch", stretches);
    same_number (self, db, "SELECT open_jobs FROM meta", self->open_jobs);
    same_number (self, db, "SELECT final_jobs FROM meta", self->final_jobs);
    same_number (self, db, "SELECT ready_runs FROM meta", self->ready_runs);
    same_number (self, db, "SELECT leased_runs FROM meta", self->leased_runs);
    same_number (self, db, "SELECT count (*) - (SELECT answers FROM meta) FROM answer", 0);
    /* Tags are kept of open jobs only, to find them by. */
    same_number (self, db,
                 "SELECT count (*) FROM tag LEFT JOIN job ON job.id = tag.job "
                 "WHERE job.id IS NULL OR job.state > 3",
                 0);
    if ((uint64_t)tables_number (self, db, "SELECT next_id FROM meta") <= self->last_id) {
        world_broken (self->world, "I8", 0, "the next id was used before");
    }
}

void
tables_compare (checker *self, sqlite3 *db, bool all)
{
    uint64_t since = all || self->table_reads++ % ALL_EVERY == 0 ? 0 : self->compared_seq;
    compare_rows (self, db, jobs_sql, since, compare_job);
    compare_rows (self, db, runs_sql, since, compare_run);
    compare_rows (self, db, stretches_sql, since, compare_stretch);
    compare_counters (self, db);
    self->compared_seq = self->head;
}
