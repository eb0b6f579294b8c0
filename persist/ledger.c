/* SPDX-License-Identifier: MPL-2.0
 *
 * Batches: the transaction, its savepoints, and everything in memory that must come and go
 * with them. What an item means is in ledger/, one file per command; this file decides only
 * what is kept.
 */
#include "persist/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/failpoint.h"
#include "persist/ledger/answers.h"
#include "persist/ledger/backup.h"
#include "persist/ledger/calls.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/fresh.h"
#include "persist/ledger/handover.h"
#include "persist/ledger/held.h"
#include "persist/ledger/names.h"
#include "persist/ledger/operations.h"
#include "persist/ledger/private.h"
#include "persist/ledger/recovery.h"
#include "persist/ledger/recurrences.h"
#include "persist/ledger/replan.h"
#include "persist/ledger/retention.h"
#include "persist/ledger/sql.h"
#include "persist/ledger/stats.h"

/* After the reserve was used up, too, how long nothing is written. */
#define EXHAUSTED_US BF_SECOND_US

/* One of the savepoint statements. */
static bf_err
step (bf_ledger *self, bf_sql statement, bf_error *error)
{
    return bf_step_done (self->statements, bf_statement (self->statements, statement),
                         error);
}

static bf_err
transaction (bf_ledger *self, const char *sql, bf_error *error)
{
    int rc = sqlite3_exec (self->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? BF_OK : bf_database_error (self->database, rc, error);
}

bool
bf_ledger_is_refusal (bf_err code)
{
    switch (code) {
    case BF_EINVALID:
    case BF_ETOOLARGE:
    case BF_ELIMIT:
    case BF_ENOTFOUND:
    case BF_EKEYTAKEN:
    case BF_EPASTDUE:
    case BF_ETOOLATE:
    case BF_ESTATE:
    case BF_ESTALE:
    case BF_ETOOOLD:
    case BF_EVERSIONED:
        return true;
    default:
        return false;
    }
}

bool
bf_ledger_is_exhausted (const bf_ledger *self)
{
    return self->scarce && self->now.boot.us < self->exhausted_until.us;
}

/* Changes of rows that stand so far, in this batch and all before it. */
static int64_t
changes_kept (const bf_ledger *self)
{
    return sqlite3_total_changes64 (self->db) - self->undone;
}

static bf_mark
mark_now (const bf_ledger *self)
{
    return (bf_mark){
        .changes = changes_kept (self),
        .counters = self->counters,
        .gateway = self->outcome.gateway.count,
        .feed = self->outcome.feed.count,
        .clock = self->outcome.clock.count,
        .dispatcher = self->outcome.dispatcher.count,
        .retry = self->outcome.retry.count,
        .names = self->names.count,
        .queues = self->queues.count,
        .topics_made = self->topics_made.count,
        .topics_touched = self->topics_touched.count,
        .depths_touched = self->depths_touched.count,
    };
}

static void
mark_restore (bf_ledger *self, const bf_mark *mark)
{
    self->counters = mark->counters;
    bf_list_truncate (&self->outcome.gateway, mark->gateway);
    bf_list_truncate (&self->outcome.feed, mark->feed);
    bf_list_truncate (&self->outcome.clock, mark->clock);
    bf_list_truncate (&self->outcome.dispatcher, mark->dispatcher);
    bf_list_truncate (&self->outcome.retry, mark->retry);
    bf_depths_undo (self, mark->depths_touched);
    bf_names_undo (self, mark->names, mark->queues);
    bf_topics_undo (self, mark->topics_made, mark->topics_touched);
}

bf_err
bf_ledger_write_begin (bf_ledger *self, bf_error *error)
{
    if (self->wrote) {
        return BF_OK;
    }
    bf_err rc = transaction (self, "BEGIN IMMEDIATE", error);
    self->wrote = rc == BF_OK;
    return rc;
}

bf_err
bf_ledger_mark (bf_ledger *self, bf_mark *mark, bf_error *error)
{
    bf_err rc = bf_ledger_write_begin (self, error);
    *mark = mark_now (self);
    return rc;
}

bf_err
bf_ledger_unmark (bf_ledger *self, const bf_mark *mark, bf_error *error)
{
    if (changes_kept (self) != mark->changes) {
        return bf_fail (error, BF_EINTERNAL,
                        "a command was refused after it had begun to write");
    }
    mark_restore (self, mark);
    bf_recurrences_undo (self);
    return BF_OK;
}

bf_err
bf_ledger_savepoint (bf_ledger *self, bf_mark *mark, bf_error *error)
{
    bf_err rc = bf_ledger_mark (self, mark, error);
    return rc == BF_OK ? step (self, SQL_SAVEPOINT, error) : rc;
}

bf_err
bf_ledger_release (bf_ledger *self, bf_error *error)
{
    return step (self, SQL_RELEASE, error);
}

bf_err
bf_ledger_undo (bf_ledger *self, const bf_mark *mark, bf_error *error)
{
    mark_restore (self, mark);
    self->undone += changes_kept (self) - mark->changes;
    bf_recurrences_undo (self);
    bf_fresh_forget (self);
    bf_err rc = step (self, SQL_ROLLBACK_TO, error);
    return rc == BF_OK ? step (self, SQL_RELEASE, error) : rc;
}

static bf_err
meta_insert (bf_ledger *self, const bf_ledger_options *options, bf_now now, bf_error *error)
{
    self->scale = bf_scale_begin (options->boot_id, now);
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_META_INSERT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)options->stream_epoch);
    sqlite3_bind_int64 (stmt, 2, BF_ID_STEP + BF_SHARD);
    sqlite3_bind_text (stmt, 3, self->scale.boot_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 4, self->scale.origin_us);
    sqlite3_bind_int64 (stmt, 5, self->scale.skew_us);
    sqlite3_bind_int64 (stmt, 6, self->scale.seen_us);
    return bf_step_done (self->statements, stmt, error);
}

static void
meta_read (bf_ledger *self, sqlite3_stmt *stmt, const char *boot_id, bf_now now)
{
    self->stream_epoch = (uint64_t)sqlite3_column_int64 (stmt, 0);
    self->counters = (bf_counters){
        .next_id = (uint64_t)sqlite3_column_int64 (stmt, 1),
        .head_seq = (uint64_t)sqlite3_column_int64 (stmt, 2),
        .open_jobs = (uint64_t)sqlite3_column_int64 (stmt, 3),
        .final_jobs = (uint64_t)sqlite3_column_int64 (stmt, 4),
        .ready_runs = (uint64_t)sqlite3_column_int64 (stmt, 5),
        .leased_runs = (uint64_t)sqlite3_column_int64 (stmt, 6),
        .answers = (uint64_t)sqlite3_column_int64 (stmt, 7),
        .answer_bytes = (uint64_t)sqlite3_column_int64 (stmt, 8),
    };
    bf_scale stored = {
        .origin_us = sqlite3_column_int64 (stmt, 10),
        .skew_us = sqlite3_column_int64 (stmt, 11),
        .seen_us = sqlite3_column_int64 (stmt, 12),
    };
    const char *stored_boot = (const char *)sqlite3_column_text (stmt, 9);
    strncpy (stored.boot_id, stored_boot ? stored_boot : "", sizeof stored.boot_id - 1);
    self->last_sign_us = bf_us_add (stored.seen_us, stored.skew_us);
    self->scale = bf_scale_resume (&stored, boot_id, now);
    self->saved = self->counters;
}

static bf_err
meta_load (bf_ledger *self, const bf_ledger_options *options, bf_now now, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_META_SELECT);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && !row) {
        rc = meta_insert (self, options, now, error);
        if (rc == BF_OK) {
            rc = bf_step_row (self->statements, stmt, &row, error);
        }
    }
    if (rc == BF_OK) {
        meta_read (self, stmt, options->boot_id, now);
    }
    bf_statement_reset (stmt);
    return rc;
}

static bf_err
meta_save (bf_ledger *self, bf_error *error)
{
    if (bf_scale_has_drifted (&self->scale, self->now)) {
        self->scale.skew_us = bf_scale_skew (&self->scale, self->now);
    }
    self->scale.seen_us = self->boot_us;
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_META_UPDATE);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)self->counters.next_id);
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)self->counters.head_seq);
    sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)self->counters.open_jobs);
    sqlite3_bind_int64 (stmt, 4, (sqlite3_int64)self->counters.final_jobs);
    sqlite3_bind_int64 (stmt, 5, (sqlite3_int64)self->counters.ready_runs);
    sqlite3_bind_int64 (stmt, 6, (sqlite3_int64)self->counters.leased_runs);
    sqlite3_bind_int64 (stmt, 7, (sqlite3_int64)self->counters.answers);
    sqlite3_bind_int64 (stmt, 8, (sqlite3_int64)self->counters.answer_bytes);
    sqlite3_bind_text (stmt, 9, self->scale.boot_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 10, self->scale.origin_us);
    sqlite3_bind_int64 (stmt, 11, self->scale.skew_us);
    sqlite3_bind_int64 (stmt, 12, self->scale.seen_us);
    return bf_step_done (self->statements, stmt, error);
}

/* Everything that is held in memory, from the rows. */
static bf_err
load (bf_ledger *self, const bf_ledger_options *options, bf_now now, bf_error *error)
{
    bf_err rc = bf_statements_open (&self->statements, self->database, bf_sql_texts,
                                    SQL_STATEMENTS, error);
    if (rc == BF_OK) {
        rc = meta_load (self, options, now, error);
    }
    if (rc == BF_OK) {
        rc = bf_names_load (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_depths_load (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_topics_load (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_operations_load (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_replan_load (self, error);
    }
    return rc == BF_OK ? bf_retention_load (self, options->retention, error) : rc;
}

bf_err
bf_ledger_open (bf_ledger **self_p, bf_database **database_p,
                const bf_ledger_options *options, bf_now now, bf_error *error)
{
    bf_ledger *self = calloc (1, sizeof *self);
    if (!self) {
        bf_database_abandon (database_p);
        return bf_fail_plain (error, BF_ENOMEM);
    }
    self->database = *database_p;
    *database_p = NULL;
    self->db = bf_database_handle (self->database);
    self->started = now.wall;
    self->now = now;
    self->answer_bytes_max =
        options->answer_bytes ? options->answer_bytes : BF_ANSWER_BYTES_DEFAULT;
    self->arena = bf_arena_new (BF_BATCH_BYTES);
    self->names_by_text = bf_map_new (options->seed);
    self->queues_by_name = bf_map_new (options->seed);
    self->topics = bf_map_new (options->seed);
    self->extended = bf_map_new (options->seed);
    bool ready = self->arena && self->names_by_text && self->queues_by_name &&
                 self->topics && self->extended;
    bf_err rc = ready ? bf_recurrences_open (self, options->zoneinfo, options->seed, error)
                      : bf_fail_plain (error, BF_ENOMEM);
    if (rc == BF_OK) {
        rc = bf_fresh_open (self, error);
    }
    if (rc == BF_OK) {
        rc = load (self, options, now, error);
    }
    if (rc != BF_OK) {
        self->failed = true;
        bf_ledger_close (&self);
        return rc;
    }
    *self_p = self;
    return BF_OK;
}

static void
extended_free (bf_ledger *self)
{
    if (self->extended) {
        bf_extended_keep (self);
    }
    bf_map_destroy (&self->extended);
}

void
bf_ledger_close (bf_ledger **self_p)
{
    bf_ledger *self = *self_p;
    if (!self) {
        return;
    }
    bf_backup_command_free (self);
    bf_statements_close (&self->statements);
    if (self->failed) {
        bf_database_abandon (&self->database);
    } else {
        bf_database_close (&self->database);
    }
    bf_topics_free (self);
    bf_names_free (self);
    extended_free (self);
    bf_held_free (self);
    bf_recovery_free (self);
    bf_recurrences_free (self);
    bf_fresh_free (self);
    bf_replan_free (self);
    bf_operations_free (self);
    bf_map_destroy (&self->names_by_text);
    bf_map_destroy (&self->queues_by_name);
    bf_map_destroy (&self->topics);
    bf_list_clear (&self->outcome.gateway);
    bf_list_clear (&self->outcome.feed);
    bf_list_clear (&self->outcome.clock);
    bf_list_clear (&self->outcome.dispatcher);
    bf_list_clear (&self->outcome.retry);
    bf_list_clear (&self->outcome.warnings);
    bf_list_clear (&self->depths_touched);
    bf_arena_destroy (&self->arena);
    free (self);
    *self_p = NULL;
}

bf_err
bf_ledger_note (bf_ledger *self, bf_err rc)
{
    if (rc == BF_EDISKFULL && self->scarce) {
        self->exhausted_until.us = self->now.boot.us + EXHAUSTED_US;
    }
    self->failed |= rc != BF_OK && rc != BF_EDISKFULL;
    return rc;
}

bf_err
bf_ledger_begin (bf_ledger *self, bf_now now, bf_error *error)
{
    BF_INVARIANT (!self->wrote);
    self->commits.items = 0;
    bf_ledger_clear (self);
    self->now = now;
    self->boot_us = bf_scale_from_boot (&self->scale, now.boot);
    self->batch = mark_now (self);
    bf_err rc = BF_FAILPOINT (before_begin, error);
    if (rc == BF_OK && self->room_again) {
        rc = bf_handover_orders (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_held_tell (self, error);
    }
    return bf_ledger_note (self, rc == BF_OK ? bf_recovery_settle (self, error) : rc);
}

/* The batch is in: what its beginning told again is told. */
static void
told (bf_ledger *self)
{
    self->room_again = false;
    bf_held_told (self);
    bf_retention_keep (self);
    bf_operations_keep (self);
    bf_backup_command_keep (self);
    bf_recovery_keep (self);
    bf_recurrences_keep (self);
    bf_replan_keep (self);
}

bf_err
bf_ledger_recover (bf_ledger *self, bf_error *error)
{
    bf_err rc = bf_ledger_write_begin (self, error);
    if (rc == BF_OK) {
        rc = bf_handover_orders (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_handover_leases (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_event_write (self, BF_EVENT_SCHEDULER_STARTED, NULL, NULL, NULL, error);
    }
    return rc == BF_OK ? BF_FAILPOINT (at_recover, error) : rc;
}

bf_err
bf_ledger_retire (bf_ledger *self, bf_error *error)
{
    bf_err rc = bf_ledger_write_begin (self, error);
    return rc == BF_OK
               ? bf_event_write (self, BF_EVENT_SCHEDULER_STOPPING, NULL, NULL, NULL, error)
               : rc;
}

static bf_err
judge (bf_ledger *self, const Belfry__Internal__StoreItem *item, bf_error *error)
{
    switch (item->item_case) {
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL:
        return bf_call_judge (self, item->call, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL:
        return bf_judge_proposal (self, item->proposal, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_RECALL:
        return bf_judge_recall (self, item->recall, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE:
        return bf_judge_overdue (self, item->overdue, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_EXTENDED:
        return bf_note_extended (self, item->extended, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_RETURNED:
        return bf_judge_returned (self, item->returned, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_STEPPED:
        return bf_note_stepped (self, item->stepped, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_REFILL_TIMERS:
        return bf_refill_timers (self, item->refill_timers, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_REFILL_READY:
        return bf_refill_ready (self, item->refill_ready, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_CAUGHT_UP:
        return bf_recovery_report (self, item->caught_up, error);
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_ZONES_CHANGED:
        bf_replan_look (self);
        return BF_OK;
    default:
        return bf_fail (error, BF_EINTERNAL, "an item of kind %d came to the store",
                        (int)item->item_case);
    }
}

/* Out of memory even a read may cost the whole transaction: SQLite undoes it by itself, and
 * what came behind would be committed on its own. */
static bf_err
check_transaction (bf_ledger *self, bf_error *error)
{
    bool is_lost = self->wrote && sqlite3_get_autocommit (self->db);
    return is_lost ? bf_fail_plain (error, BF_ENOMEM) : BF_OK;
}

bf_err
bf_ledger_apply (bf_ledger *self, const Belfry__Internal__StoreItem *item, bf_error *error)
{
    self->commits.items++;
    bf_err rc = bf_held_drops (self, item) ? BF_OK : judge (self, item, error);
    return bf_ledger_note (self, rc == BF_OK ? check_transaction (self, error) : rc);
}

static bf_err
write_last (bf_ledger *self, bf_error *error)
{
    bf_err rc = bf_extended_save (self, error);
    if (rc == BF_OK) {
        rc = bf_answer_prune (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_topics_save (self, error);
    }
    if (rc == BF_OK) {
        rc = meta_save (self, error);
    }
    return rc == BF_OK ? bf_event_head (self, error) : rc;
}

/* A batch that has begun a transaction and left no row changed, as a dry run does, costs no
 * commit. */
static bf_err
end_unchanged (bf_ledger *self, bf_error *error)
{
    bf_err rc = self->wrote ? transaction (self, "ROLLBACK", error) : BF_OK;
    if (rc == BF_OK) {
        self->wrote = false;
        told (self);
    }
    return bf_ledger_note (self, rc);
}

bf_err
bf_ledger_commit (bf_ledger *self, bf_error *error)
{
    /* A rollback sends a backup that is under way back to its first page. */
    bool copying = self->wrote && self->backup;
    if (changes_kept (self) == self->batch.changes && !copying) {
        return end_unchanged (self, error);
    }
    bf_err rc = write_last (self, error);
    if (rc == BF_OK) {
        rc = BF_FAILPOINT (after_apply_before_commit, error);
    }
    if (rc == BF_OK) {
        rc = transaction (self, "COMMIT", error);
    }
    if (rc == BF_OK) {
        rc = BF_FAILPOINT (after_commit_before_reply, error);
    }
    bf_ledger_note (self, rc);
    if (rc == BF_EDISKFULL) {
        bf_ledger_rollback (self);
        return rc;
    }
    self->wrote = rc != BF_OK;
    if (rc == BF_OK) {
        told (self);
        self->saved = self->counters;
        bf_extended_keep (self);
        bf_list_truncate (&self->topics_touched, 0);
        bf_list_truncate (&self->depths_touched, 0);
        bf_happened_commit (self);
    }
    return rc;
}

void
bf_ledger_rollback (bf_ledger *self)
{
    if (self->wrote && !sqlite3_get_autocommit (self->db)) {
        sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL);
    }
    self->wrote = false;
    mark_restore (self, &self->batch);
    self->counters = self->saved;
    bf_held_undo (self);
    bf_retention_undo (self);
    bf_operations_undo (self);
    bf_backup_command_undo (self);
    bf_recovery_undo (self);
    bf_recurrences_undo (self);
    bf_recurrences_keep (self);
    bf_replan_undo (self);
    bf_ledger_clear (self);
}

const bf_outcome *
bf_ledger_outcome (const bf_ledger *self)
{
    return &self->outcome;
}

void
bf_ledger_clear (bf_ledger *self)
{
    bf_list_truncate (&self->outcome.gateway, 0);
    bf_list_truncate (&self->outcome.feed, 0);
    bf_list_truncate (&self->outcome.clock, 0);
    bf_list_truncate (&self->outcome.dispatcher, 0);
    bf_list_truncate (&self->outcome.retry, 0);
    bf_list_truncate (&self->outcome.warnings, 0);
    bf_list_truncate (&self->topics_touched, 0);
    bf_list_truncate (&self->depths_touched, 0);
    bf_fresh_forget (self);
    bf_arena_reset (self->arena);
}

void
bf_ledger_set_scarce (bf_ledger *self, bool scarce)
{
    if (scarce && !self->scarce && !self->room_again) {
        self->scarce_since = self->now.boot;
    }
    if (scarce) {
        bf_backup_command_yield (self);
    }
    self->room_again |= self->scarce && !scarce;
    self->scarce = scarce;
}

bool
bf_ledger_is_scarce (const bf_ledger *self)
{
    return self->scarce;
}

size_t
bf_ledger_used (const bf_ledger *self)
{
    return bf_arena_used (self->arena);
}

uint64_t
bf_ledger_events (const bf_ledger *self)
{
    return self->counters.head_seq - self->saved.head_seq;
}

bool
bf_ledger_has_room (const bf_ledger *self)
{
    return bf_ledger_used (self) < BF_FULL_BYTES &&
           bf_ledger_events (self) < BF_FULL_EVENTS;
}

bf_database *
bf_ledger_database (bf_ledger *self)
{
    return self->database;
}
