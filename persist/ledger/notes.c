/* SPDX-License-Identifier: MPL-2.0
 *
 * What is worth knowing but never worth a commit by itself (heartbeats), and what happened
 * to the clock.
 */
#include <stdlib.h>

#include "messages/translate.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/fresh.h"
#include "persist/ledger/sql.h"

typedef struct {
    uint64_t job;
    uint64_t ordinal;
} run_key_t;

bf_err
bf_note_extended (bf_ledger *self, const Belfry__Internal__Extended *extended,
                  bf_error *error)
{
    bf_token token = bf_attempt_from_wire (extended->attempt);
    run_key_t key = {token.job, token.ordinal};
    bf_extension *extension = bf_map_get (self->extended, &key, sizeof key);
    if (!extension) {
        extension = calloc (1, sizeof *extension);
        if (!extension ||
            bf_map_put (self->extended, &key, sizeof key, extension) != BF_OK) {
            free (extension);
            return bf_fail_plain (error, BF_ENOMEM);
        }
    }
    extension->token = token;
    extension->until_us =
        bf_scale_from_boot (&self->scale, (bf_boot){extended->until_boot_us});
    return BF_OK;
}

static bf_err
extend (bf_ledger *self, const bf_extension *extension, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_EXTEND);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)extension->token.job);
    sqlite3_bind_int64 (stmt, 2, extension->token.ordinal);
    sqlite3_bind_int64 (stmt, 3, extension->token.attempt);
    sqlite3_bind_int64 (stmt, 4, extension->until_us);
    bf_fresh_forget (self);
    return bf_step_done (self->statements, stmt, error);
}

bf_err
bf_extended_save (bf_ledger *self, bf_error *error)
{
    size_t cursor = 0;
    bf_extension *extension;
    while ((extension = bf_map_each (self->extended, &cursor)) != NULL) {
        bf_err rc = extend (self, extension, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    return BF_OK;
}

void
bf_extended_keep (bf_ledger *self)
{
    size_t cursor = 0;
    bf_extension *extension;
    while ((extension = bf_map_each (self->extended, &cursor)) != NULL) {
        run_key_t key = {extension->token.job, extension->token.ordinal};
        bf_map_remove (self->extended, &key, sizeof key);
        free (extension);
    }
}

bf_err
bf_note_stepped (bf_ledger *self, const Belfry__Internal__Stepped *stepped, bf_error *error)
{
    bf_err rc = bf_ledger_write_begin (self, error);
    return rc == BF_OK
               ? bf_event_write (self, BF_EVENT_CLOCK_STEPPED, NULL, NULL,
                                 &(bf_event_detail){.delta_us = stepped->delta_us}, error)
               : rc;
}
