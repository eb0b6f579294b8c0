/* SPDX-License-Identifier: MPL-2.0
 *
 * The phases in their order, and what all of them do: tell, count, step.
 */
#include "persist/check/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages/codec.h"
#include "persist/check/private.h"
#include "persist/lockfile.h"

#define WHAT_BYTES 1024

/* Rows between two reports of progress: some milliseconds. */
#define PROGRESS_ROWS 1024

static const struct {
    const char *word;
    const char *advice;
} kinds[] = {
#define X(name, word, advice) [BF_CHECK_##name] = {word, advice},
    BF_CHECK_MAP (X)
#undef X
};

static const char *const texts[CHECK_STATEMENTS] = {
    [CHECK_EVENT_AT] = "SELECT body FROM event WHERE seq = ?1",
    [CHECK_RUNS_OF] =
        "SELECT ordinal, queue, type, state, origin, decides, job_version, clock, due_us, "
        "lateness_us, attempt, failures, redriven_by, timer_us, lease_until_us, "
        "run_until_us, worker, created_us, claimed_us, final_us, reason, last_seq, result, "
        "remind_before_us "
        "FROM run WHERE job = ?1 ORDER BY ordinal",
    [CHECK_STRETCHES_OF] =
        "SELECT after_ordinal, skipped, first_due_us, last_due_us, count, last_seq "
        "FROM stretch WHERE job = ?1",
    [CHECK_JOB_EXISTS] = "SELECT 1 FROM job WHERE id = ?1",
    [CHECK_RUN_AT] = "SELECT last_seq FROM run WHERE job = ?1 AND ordinal = ?2",
    [CHECK_STRETCH_AT] = "SELECT last_seq FROM stretch "
                         "WHERE job = ?1 AND after_ordinal = ?2 AND skipped = ?3",
    [CHECK_NEWER_OF_KEY] = "SELECT id FROM job WHERE ns = ?1 AND key = ?2 "
                           "AND key IS NOT NULL AND id > ?3 ORDER BY id LIMIT 1",
    [CHECK_TAG] = "SELECT 1 FROM tag WHERE tag = ?1 AND job = ?2",
    [CHECK_ZONED] = "SELECT 1 FROM zoned WHERE zone = ?1 AND job = ?2",
    [CHECK_EXCLUDED] = "SELECT 1 FROM excluded WHERE calendar = ?1 AND job = ?2",
};

const char *
bf_check_kind_name (bf_check_kind kind)
{
    BF_INVARIANT (kind < BF_CHECK_KINDS);
    return kinds[kind].word;
}

void
bf_check_found (bf_checker *self, bf_check_kind kind, const char *row, const char *format,
                ...)
{
    self->summary->findings++;
    if (self->summary->findings > BF_FINDINGS_TOLD || !self->watch->finding) {
        return;
    }
    char what[WHAT_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (what, sizeof what, format, arguments);
    va_end (arguments);
    bf_finding finding = {kind, row, what, kinds[kind].advice};
    self->watch->finding (&finding, self->watch->context);
}

void
bf_check_same (bf_checker *self, bf_check_kind kind, const char *row, const char *column,
               int64_t is, const char *why, int64_t expected)
{
    if (is != expected) {
        bf_check_found (self, kind, row, "%s is %lld, but %s %lld", column, (long long)is,
                        why, (long long)expected);
    }
}

void
bf_check_same_text (bf_checker *self, bf_check_kind kind, const char *row,
                    const char *column, const char *is, const char *why,
                    const char *expected)
{
    if (strcmp (is, expected) != 0) {
        bf_check_found (self, kind, row, "%s is \"%s\", but %s \"%s\"", column, is, why,
                        expected);
    }
}

static void
tell_progress (const bf_checker *self)
{
    if (self->watch->progress) {
        self->watch->progress (self->phase, self->done, self->total, self->watch->context);
    }
}

void
bf_check_phase (bf_checker *self, const char *phase)
{
    self->phase = phase;
    tell_progress (self);
}

void
bf_check_count (bf_checker *self, uint64_t rows)
{
    uint64_t before = self->done / PROGRESS_ROWS;
    self->done += rows;
    /* What was counted beforehand is only what the counters say. */
    self->total = self->done > self->total ? self->done : self->total;
    if (self->done / PROGRESS_ROWS != before) {
        tell_progress (self);
    }
}

void
bf_check_fail (bf_checker *self, bf_err code, const char *format, ...)
{
    if (self->failure != BF_OK) {
        return;
    }
    char text[BF_ERROR_TEXT_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    self->failure = bf_fail (&self->failure_text, code, "%s", text);
}

void
bf_check_fail_memory (bf_checker *self)
{
    bf_check_fail (self, BF_ENOMEM, "out of memory");
}

bool
bf_check_step (bf_checker *self, sqlite3_stmt *stmt, const char *table)
{
    if (!stmt || self->failure != BF_OK) {
        return false;
    }
    int rc = sqlite3_step (stmt);
    if (rc == SQLITE_ROW) {
        return true;
    }
    const char *reason = sqlite3_errmsg (self->db);
    if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB) {
        bf_check_found (self, BF_CHECK_PAGES, table, "cannot be read further: %s", reason);
    } else if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM) {
        bf_check_fail_memory (self);
    } else if (rc != SQLITE_DONE) {
        bf_check_fail (self, BF_EIO, "%s: cannot be read: %s (SQLite error %d)", self->path,
                       reason, rc);
    }
    sqlite3_reset (stmt);
    return false;
}

sqlite3_stmt *
bf_check_prepare (bf_checker *self, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2 (self->db, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK) {
        bool damaged = (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
        bf_check_fail (self, damaged ? BF_ECORRUPT : BF_EIO,
                       "%s: cannot be read: %s (SQLite error %d)", self->path,
                       sqlite3_errmsg (self->db), rc);
    }
    return stmt;
}

sqlite3_stmt *
bf_check_statement (bf_checker *self, bf_check_sql which)
{
    sqlite3_stmt **stmt = &self->statements[which];
    if (*stmt) {
        sqlite3_reset (*stmt);
    } else {
        *stmt = bf_check_prepare (self, texts[which]);
    }
    return *stmt;
}

int64_t
bf_check_number (bf_checker *self, const char *sql, const char *table)
{
    sqlite3_stmt *stmt = bf_check_prepare (self, sql);
    int64_t number = bf_check_step (self, stmt, table) ? sqlite3_column_int64 (stmt, 0) : 0;
    sqlite3_finalize (stmt);
    return number;
}

ProtobufCMessage *
bf_check_unpack (const ProtobufCMessageDescriptor *descriptor, bf_arena *arena,
                 sqlite3_stmt *stmt, int column)
{
    ProtobufCAllocator allocator = bf_arena_allocator (arena);
    const void *bytes = sqlite3_column_blob (stmt, column);
    return protobuf_c_message_unpack (descriptor, &allocator,
                                      (size_t)sqlite3_column_bytes (stmt, column), bytes);
}

const char *
bf_check_name (const bf_checker *self, uint32_t id)
{
    return id >= 1 && id <= self->names.count ? self->names.items[id - 1] : "?";
}

static bool
allocate (bf_checker *self)
{
    self->arena = bf_arena_new (BF_CHECK_ARENA_BYTES);
    self->scratch = bf_arena_new (BF_CHECK_ARENA_BYTES);
    self->name_ids = bf_map_new (1);
    self->pruned = bf_pruned_new ();
    return self->arena && self->scratch && self->name_ids && self->pruned;
}

static void
examine (bf_checker *self)
{
    bf_check_phase (self, "pages");
    if (!bf_check_pages (self)) {
        return;
    }
    bf_check_phase (self, "tables");
    bf_check_meta (self);
    bf_check_names (self);
    if (self->failure == BF_OK) {
        uint64_t span = self->newest_seq - self->summary->oldest_seq + 1;
        self->chained = calloc (1, (size_t)(span / 8 + 1));
        if (!self->chained) {
            bf_check_fail_memory (self);
            return;
        }
    }
    bf_check_tables (self);
    bf_check_zones (self);
    bf_check_phase (self, "jobs");
    bf_check_jobs (self);
    bf_check_phase (self, "events");
    bf_check_log (self);
    bf_check_gauges_meta (self);
    tell_progress (self);
}

static void
clear (bf_checker *self)
{
    for (size_t i = 0; i < CHECK_STATEMENTS; i++) {
        sqlite3_finalize (self->statements[i]);
    }
    size_t cursor = 0;
    void *id;
    while (self->name_ids && (id = bf_map_each (self->name_ids, &cursor)) != NULL) {
        free (id);
    }
    bf_map_destroy (&self->name_ids);
    for (size_t i = 0; i < self->names.count; i++) {
        free (self->names.items[i]);
    }
    for (size_t i = 0; i < self->queues.count; i++) {
        free (self->queues.items[i]);
    }
    bf_list_clear (&self->names);
    bf_list_clear (&self->queues);
    bf_pruned_destroy (&self->pruned);
    bf_check_zones_clear (self);
    free (self->chained);
    bf_arena_destroy (&self->arena);
    bf_arena_destroy (&self->scratch);
    bf_check_close (self);
}

bf_err
bf_check (const char *path, const bf_check_watch *watch, bf_check_summary *summary,
          bf_error *error)
{
    static const bf_check_watch nobody;
    bf_checker self = {
        .watch = watch ? watch : &nobody,
        .summary = summary,
        .lock_fd = BF_NO_LOCKFILE,
    };
    *summary = (bf_check_summary){0};
    bf_err rc = bf_check_open (&self, path, error);
    if (rc == BF_OK && !allocate (&self)) {
        rc = bf_fail_plain (error, BF_ENOMEM);
    }
    if (rc == BF_OK) {
        examine (&self);
        rc = self.failure;
        if (rc != BF_OK && error) {
            *error = self.failure_text;
        }
    }
    clear (&self);
    return rc;
}
