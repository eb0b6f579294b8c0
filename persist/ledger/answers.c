/* SPDX-License-Identifier: MPL-2.0
 *
 * The table of answers: find, store, forget, prune. reply.c renders them.
 */
#include "persist/ledger/answers.h"

#include <string.h>

#include "messages/codec.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/sql.h"

static void
bind_request (sqlite3_stmt *stmt, const char *client, const char *request_id)
{
    sqlite3_bind_text (stmt, 1, client, -1, SQLITE_STATIC);
    sqlite3_bind_text (stmt, 2, request_id, -1, SQLITE_STATIC);
}

/* Wire codes are unique but for those that all mean INTERNAL, which are never stored. */
static bf_err
err_of_wire (uint32_t code)
{
#define X(name, value, wire, retryable, text) \
    if (code == (wire)) {                     \
        return BF_##name;                     \
    }
    BF_ERROR_MAP (X)
#undef X
    return BF_EINTERNAL;
}

/* What an answer, or an item of one, says beyond its code. */
static bf_err
shape_read (const Belfry__Internal__StoredAnswer *stored, bf_answer *answer)
{
    answer->result = stored->result;
    answer->unchanged = stored->unchanged;
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < stored->n_jobs; i++) {
        rc = bf_list_push (&answer->jobs, stored->jobs[i]);
    }
    for (size_t i = 0; rc == BF_OK && i < stored->n_runs; i++) {
        rc = bf_list_push (&answer->runs, stored->runs[i]);
    }
    return rc;
}

static bf_err
items_read (bf_ledger *self, const Belfry__Internal__StoredAnswer *stored,
            bf_answer *answer)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < stored->n_items; i++) {
        bf_answer *item = bf_arena_alloc (self->arena, sizeof *item);
        if (!item) {
            return BF_ENOMEM;
        }
        rc = bf_list_push (&answer->items, item);
        if (rc == BF_OK) {
            rc = shape_read (stored->items[i], item);
        }
    }
    return rc;
}

static bf_err
answer_unpack (bf_ledger *self, const void *bytes, size_t size, bf_answer *answer,
               bf_error *error)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    Belfry__Internal__StoredAnswer *stored =
        belfry__internal__stored_answer__unpack (&allocator, size, bytes);
    if (!stored && bf_arena_failed (self->arena)) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    if (!stored) {
        return bf_fail (error, BF_ECORRUPT,
                        "a stored answer cannot be read: the database is damaged");
    }
    *answer = (bf_answer){
        .code = err_of_wire (stored->code),
        .seq = stored->seq,
        .failed = stored->failed,
        .bulk = stored->bulk,
        .backup = stored->backup,
        .calendars = stored->calendars,
    };
    if (answer->code != BF_OK) {
        bf_fail (&answer->error, answer->code, "%s", stored->text);
    }
    bf_err rc = shape_read (stored, answer);
    if (rc == BF_OK) {
        rc = items_read (self, stored, answer);
    }
    return rc == BF_OK ? BF_OK : bf_fail_plain (error, rc);
}

bf_err
bf_answer_find (bf_ledger *self, bf_caller caller, bool *found, uint64_t *fingerprint,
                bf_answer *answer, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ANSWER_SELECT);
    bind_request (stmt, caller.client, caller.request_id);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && row) {
        *fingerprint = (uint64_t)sqlite3_column_int64 (stmt, 0);
        rc = answer_unpack (self, sqlite3_column_blob (stmt, 1),
                            (size_t)sqlite3_column_bytes (stmt, 1), answer, error);
        bf_statement_reset (stmt);
    }
    if (rc == BF_OK) {
        *found = row;
    }
    return rc;
}

static uint64_t
row_bytes (bf_caller caller, size_t body)
{
    return 2 * (strlen (caller.client) + strlen (caller.request_id)) + body +
           BF_ANSWER_ROW_BYTES;
}

static void
shape_write (const bf_answer *answer, Belfry__Internal__StoredAnswer *stored)
{
    belfry__internal__stored_answer__init (stored);
    stored->result = answer->result;
    stored->unchanged = answer->unchanged;
    stored->n_jobs = answer->jobs.count;
    stored->jobs = (Belfry__Internal__StoredJob **)answer->jobs.items;
    stored->n_runs = answer->runs.count;
    stored->runs = (Belfry__Internal__Attempt **)answer->runs.items;
}

static bf_err
items_write (bf_ledger *self, const bf_answer *answer,
             Belfry__Internal__StoredAnswer *stored, bf_error *error)
{
    size_t count = answer->items.count;
    Belfry__Internal__StoredAnswer *items =
        bf_arena_alloc (self->arena, count * sizeof *items);
    stored->items = bf_arena_alloc (self->arena, count * sizeof *stored->items);
    if (!items || !stored->items) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    for (size_t i = 0; i < count; i++) {
        shape_write (answer->items.items[i], &items[i]);
        stored->items[i] = &items[i];
    }
    stored->n_items = count;
    return BF_OK;
}

/* The answer as the table keeps it. */
static bf_err
answer_pack (bf_ledger *self, const bf_answer *answer, uint8_t **body, size_t *size,
             bf_error *error)
{
    Belfry__Internal__StoredAnswer stored;
    shape_write (answer, &stored);
    stored.code = (uint32_t)bf_err_wire (answer->code);
    stored.text = answer->code == BF_OK ? "" : (char *)answer->error.text;
    stored.seq = answer->seq;
    stored.failed = answer->failed;
    stored.bulk = answer->bulk;
    stored.backup = answer->backup;
    stored.calendars = answer->calendars;
    bf_err rc = items_write (self, answer, &stored, error);
    if (rc != BF_OK) {
        return rc;
    }
    *body = bf_pack (&stored.base, self->arena, size);
    return *body ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

bf_err
bf_answer_store (bf_ledger *self, bf_caller caller, uint64_t fingerprint,
                 const bf_answer *answer, bf_error *error)
{
    uint8_t *body;
    size_t size;
    bf_err rc = answer_pack (self, answer, &body, &size, error);
    if (rc != BF_OK) {
        return rc;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ANSWER_INSERT);
    bind_request (stmt, caller.client, caller.request_id);
    sqlite3_bind_int64 (stmt, 3, self->boot_us);
    sqlite3_bind_int64 (stmt, 4, (sqlite3_int64)fingerprint);
    sqlite3_bind_blob (stmt, 5, body, (int)size, SQLITE_STATIC);
    rc = bf_step_done (self->statements, stmt, error);
    if (rc == BF_OK) {
        self->counters.answers++;
        self->counters.answer_bytes += row_bytes (caller, size);
    }
    return rc;
}

static void
count_out (bf_ledger *self, uint64_t bytes)
{
    self->counters.answers--;
    self->counters.answer_bytes -= bytes;
}

bf_err
bf_answer_forget (bf_ledger *self, const char *client, const char *request_id,
                  bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ANSWER_DELETE);
    bind_request (stmt, client, request_id);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && row) {
        bf_caller caller = {0, client, request_id};
        count_out (self, row_bytes (caller, (size_t)sqlite3_column_int64 (stmt, 0)));
        bf_statement_reset (stmt);
    }
    return rc;
}

/* The oldest that has to go, if any. */
static bf_err
prunable (bf_ledger *self, bool *found, int64_t *id, uint64_t *bytes, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ANSWER_OLDEST);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && row) {
        *id = sqlite3_column_int64 (stmt, 0);
        *bytes = (uint64_t)sqlite3_column_int64 (stmt, 2) + BF_ANSWER_ROW_BYTES;
        bool aged = self->boot_us - sqlite3_column_int64 (stmt, 1) > BF_ANSWER_AGE_US;
        row = aged || self->counters.answer_bytes > self->answer_bytes_max;
        bf_statement_reset (stmt);
    }
    if (rc == BF_OK) {
        *found = row;
    }
    return rc;
}

bf_err
bf_answer_prune (bf_ledger *self, bf_error *error)
{
    uint64_t stored = self->counters.answers > self->saved.answers
                          ? self->counters.answers - self->saved.answers
                          : 0;
    uint64_t quota = 2 * stored + 1;
    for (uint64_t i = 0; i < quota; i++) {
        bool found = false;
        int64_t id = 0;
        uint64_t bytes = 0;
        bf_err rc = prunable (self, &found, &id, &bytes, error);
        if (rc != BF_OK || !found) {
            return rc;
        }
        sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ANSWER_PRUNE);
        sqlite3_bind_int64 (stmt, 1, id);
        rc = bf_step_done (self->statements, stmt, error);
        if (rc != BF_OK) {
            return rc;
        }
        count_out (self, bytes);
    }
    return BF_OK;
}

void
bf_answer_forget_items (bf_answer *answer)
{
    for (size_t i = 0; i < answer->items.count; i++) {
        bf_answer *item = answer->items.items[i];
        bf_list_clear (&item->jobs);
        bf_list_clear (&item->runs);
    }
    bf_list_clear (&answer->items);
}

void
bf_answer_clear (bf_answer *answer)
{
    bf_answer_forget_items (answer);
    bf_list_clear (&answer->jobs);
    bf_list_clear (&answer->runs);
}

bf_err
bf_stored_job_out (bf_ledger *self, Belfry__Internal__StoredJob *stored, uint32_t ordinal,
                   bf_error *error)
{
    size_t count = stored->n_out;
    /* Full at 0, 1, 2, 4, …: grown by doubling, because the arena takes nothing back. */
    if ((count & (count - 1)) == 0) {
        uint32_t *out = bf_arena_alloc (self->arena, (count ? 2 * count : 1) * sizeof *out);
        if (!out) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
        if (count > 0) {
            memcpy (out, stored->out, count * sizeof *out);
        }
        stored->out = out;
    }
    stored->out[stored->n_out++] = ordinal;
    return BF_OK;
}

/* The runs that a worker has at this moment. */
static bf_err
add_leased (bf_ledger *self, const bf_job_row *job, Belfry__Internal__StoredJob *stored,
            bf_error *error)
{
    if (job->open_runs == 0) {
        return BF_OK;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_LEASED_OF);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job->id);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        rc = bf_stored_job_out (self, stored, (uint32_t)sqlite3_column_int64 (stmt, 0),
                                error);
        if (rc == BF_OK) {
            rc = bf_step_row (self->statements, stmt, &row, error);
        }
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_answer_add_job (bf_ledger *self, bf_answer *answer, const bf_job_row *job, int outcome,
                   Belfry__Internal__StoredJob **stored, bf_error *error)
{
    Belfry__Internal__StoredJob *item = bf_arena_alloc (self->arena, sizeof *item);
    if (!item || bf_list_push (&answer->jobs, item) != BF_OK) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__internal__stored_job__init (item);
    item->job = job->id;
    item->outcome = (uint32_t)outcome;
    answer->result = BELFRY__V1__REPLY__RESULT_JOBS;
    if (stored) {
        *stored = item;
    }
    return add_leased (self, job, item, error);
}

bf_err
bf_answer_add_run (bf_ledger *self, bf_answer *answer, bf_token token, bf_error *error)
{
    Belfry__Internal__Attempt *item = bf_arena_alloc (self->arena, sizeof *item);
    if (!item || bf_list_push (&answer->runs, item) != BF_OK) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__internal__attempt__init (item);
    item->job = token.job;
    item->ordinal = token.ordinal;
    item->attempt = token.attempt;
    return BF_OK;
}
