/* SPDX-License-Identifier: MPL-2.0
 *
 * Operations in the table `operation`: written when they begin, with each slice, and gone
 * with the last one; read once, when the store is opened.
 */
#include "persist/ledger/operation.h"

#include <stdlib.h>
#include <string.h>

#include "messages/codec.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/sql.h"

/* Of one operation: its request, which has a filter's and a command's few strings, twice.
 */
#define OPERATION_BYTES ((size_t)256 * 1024)

void
bf_operation_destroy (bf_operation *operation)
{
    bf_arena_destroy (&operation->arena);
    free (operation);
}

bf_operation *
bf_operation_new (bf_caller caller, const void *command, size_t size)
{
    bf_operation *operation = calloc (1, sizeof *operation);
    if (!operation) {
        return NULL;
    }
    operation->arena = bf_arena_new (OPERATION_BYTES);
    if (!operation->arena) {
        bf_operation_destroy (operation);
        return NULL;
    }
    ProtobufCAllocator allocator = bf_arena_allocator (operation->arena);
    Belfry__V1__Request *request = belfry__v1__request__unpack (&allocator, size, command);
    operation->request = request;
    operation->client = bf_arena_string (operation->arena, caller.client);
    operation->request_id = bf_arena_string (operation->arena, caller.request_id);
    /* What comes from the disk is no command by filter until it was found to be one. */
    bool whole = request && operation->client && operation->request_id &&
                 bf_request_normalise (request, operation->arena, NULL) == BF_OK;
    bool by_filter = whole && bf_request_filter (request);
    operation->kind = by_filter ? bf_operation_kind_of (request) : NULL;
    if (!operation->kind) {
        bf_operation_destroy (operation);
        return NULL;
    }
    operation->dry_run = bf_request_dry_run (operation->request);
    operation->frees = bf_command_frees (operation->request);
    return operation;
}

Belfry__V1__BulkReply *
bf_operation_render (bf_ledger *self, const bf_operation *operation)
{
    Belfry__V1__BulkReply *bulk =
        bf_tally_render (self, &operation->now.tally, operation->refusals);
    if (bulk) {
        bulk->operation = operation->dry_run ? 0 : operation->id;
        bulk->dry_run = operation->dry_run;
        bulk->done = operation->now.done;
        bulk->watermark = operation->id;
    }
    return bulk;
}

static uint8_t *
pack_progress (bf_ledger *self, const bf_operation *operation, size_t *size)
{
    const Belfry__V1__BulkReply *bulk = bf_operation_render (self, operation);
    return bulk ? bf_pack (&bulk->base, self->arena, size) : NULL;
}

bf_err
bf_operation_insert (bf_ledger *self, const bf_operation *operation, const uint8_t *command,
                     size_t size, bf_error *error)
{
    size_t progress_size;
    const uint8_t *progress = pack_progress (self, operation, &progress_size);
    if (!progress) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_OPERATION_INSERT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)operation->id);
    sqlite3_bind_text (stmt, 2, operation->client, -1, SQLITE_STATIC);
    sqlite3_bind_text (stmt, 3, operation->request_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 4, (sqlite3_int64)operation->fingerprint);
    sqlite3_bind_blob (stmt, 5, command, (int)size, SQLITE_STATIC);
    sqlite3_bind_blob (stmt, 6, progress, (int)progress_size, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 7, operation->created_us);
    return bf_step_done (self->statements, stmt, error);
}

bf_err
bf_operation_update (bf_ledger *self, const bf_operation *operation, bf_error *error)
{
    size_t size;
    const uint8_t *progress = pack_progress (self, operation, &size);
    if (!progress) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_OPERATION_UPDATE);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)operation->id);
    const bf_half_done *at = &operation->now.tally.at;
    sqlite3_bind_blob (stmt, 2, progress, (int)size, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)at->job);
    sqlite3_bind_int64 (stmt, 4, at->run);
    sqlite3_bind_int64 (stmt, 5, at->last_run);
    return bf_step_done (self->statements, stmt, error);
}

bf_err
bf_operation_delete (bf_ledger *self, const bf_operation *operation, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_OPERATION_DELETE);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)operation->id);
    return bf_step_done (self->statements, stmt, error);
}

/* What was done before the restart. */
static bool
read_progress (bf_operation *operation, const void *bytes, size_t size)
{
    ProtobufCAllocator allocator = bf_arena_allocator (operation->arena);
    const Belfry__V1__BulkReply *bulk =
        belfry__v1__bulk_reply__unpack (&allocator, size, bytes);
    if (!bulk || bulk->n_refusals > BF_REFUSALS_SHOWN) {
        return false;
    }
    operation->now.tally = (bf_tally){
        .changed = bulk->changed,
        .unchanged = bulk->unchanged,
        .refused = bulk->refused,
        .runs = bulk->runs,
        .events = bulk->events,
        .cursor = bulk->cursor,
        .examined = bulk->examined,
        .n_refusals = bulk->n_refusals,
    };
    for (size_t i = 0; i < bulk->n_refusals; i++) {
        bf_refusal *refusal = &operation->refusals[i];
        refusal->job = bulk->refusals[i]->job;
        refusal->code = bulk->refusals[i]->code;
        strncpy (refusal->text, bulk->refusals[i]->text, sizeof refusal->text - 1);
    }
    return true;
}

static bf_err
row_read (bf_ledger *self, sqlite3_stmt *stmt, bf_error *error)
{
    bf_caller caller = {
        .client = (const char *)sqlite3_column_text (stmt, 1),
        .request_id = (const char *)sqlite3_column_text (stmt, 2),
    };
    bf_operation *operation = NULL;
    if (caller.client && caller.request_id) {
        operation = bf_operation_new (caller, sqlite3_column_blob (stmt, 4),
                                      (size_t)sqlite3_column_bytes (stmt, 4));
    }
    if (operation && !read_progress (operation, sqlite3_column_blob (stmt, 5),
                                     (size_t)sqlite3_column_bytes (stmt, 5))) {
        bf_operation_destroy (operation);
        operation = NULL;
    }
    if (!operation) {
        return bf_fail (error, BF_ECORRUPT,
                        "operation %lld cannot be read: the database is damaged",
                        (long long)sqlite3_column_int64 (stmt, 0));
    }
    operation->id = (uint64_t)sqlite3_column_int64 (stmt, 0);
    operation->fingerprint = (uint64_t)sqlite3_column_int64 (stmt, 3);
    operation->created_us = sqlite3_column_int64 (stmt, 6);
    operation->now.tally.at = (bf_half_done){
        .job = (uint64_t)sqlite3_column_int64 (stmt, 7),
        .run = (uint32_t)sqlite3_column_int64 (stmt, 8),
        .last_run = (uint32_t)sqlite3_column_int64 (stmt, 9),
    };
    operation->kept = operation->now;
    if (bf_list_push (&self->operations, operation) != BF_OK) {
        bf_operation_destroy (operation);
        return bf_fail_plain (error, BF_ENOMEM);
    }
    return BF_OK;
}

bf_err
bf_operations_load (bf_ledger *self, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_OPERATIONS);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        rc = row_read (self, stmt, error);
        if (rc == BF_OK) {
            rc = bf_step_row (self->statements, stmt, &row, error);
        }
    }
    bf_statement_reset (stmt);
    return rc;
}
