/* SPDX-License-Identifier: MPL-2.0
 *
 * The next rows of an order that the clock or the dispatcher holds the beginning of.
 */
#include "messages/translate.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/reminders.h"
#include "persist/ledger/sql.h"

/* The place to go on from, in the scale of the rows. */
static sqlite3_stmt *
query_timers (bf_ledger *self, bf_timer after, uint32_t limit)
{
    int64_t after_us = after.due_us;
    if (!bf_source_is_wall (after.source) && after_us != INT64_MIN) {
        after_us = bf_scale_from_boot (&self->scale, (bf_boot){after_us});
    }
    bool slots = after.source != BF_SOURCE_RUN;
    bf_sql jobs = bf_timer_is_reminder (after) ? SQL_JOB_REMIND : SQL_JOB_DUE;
    sqlite3_stmt *stmt = bf_statement (self->statements, slots ? jobs : SQL_RUN_TIMER);
    if (slots) {
        bool wall = bf_source_is_wall (after.source);
        sqlite3_bind_int (stmt, 1, wall ? BF_CLOCK_WALL : BF_CLOCK_BOOT);
        sqlite3_bind_int64 (stmt, 2, after_us);
        sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)after.job);
    } else {
        sqlite3_bind_int64 (stmt, 1, after_us);
        sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)after.job);
        sqlite3_bind_int64 (stmt, 3, after.ordinal);
    }
    sqlite3_bind_int64 (stmt, 4, limit);
    return stmt;
}

static bf_timer
read_timer (const bf_ledger *self, bf_timer_source source, sqlite3_stmt *stmt)
{
    bool slots = source != BF_SOURCE_RUN;
    bf_timer timer = {
        .source = source,
        .job = (uint64_t)sqlite3_column_int64 (stmt, 0),
        .ordinal = slots ? 0 : (uint32_t)sqlite3_column_int64 (stmt, 1),
        .due_us = sqlite3_column_int64 (stmt, slots ? 1 : 2),
        .queue = (uint32_t)sqlite3_column_int64 (stmt, slots ? 2 : 3),
    };
    int64_t slot_us = slots ? sqlite3_column_int64 (stmt, 3) : timer.due_us;
    if (slot_us != timer.due_us) {
        timer.slot_us = bf_source_is_wall (source)
                            ? slot_us
                            : bf_scale_to_boot (&self->scale, slot_us).us;
    }
    if (!bf_source_is_wall (source)) {
        timer.due_us = bf_scale_to_boot (&self->scale, timer.due_us).us;
    }
    return timer;
}

bf_err
bf_refill_timers (bf_ledger *self, const Belfry__Internal__RefillTimers *wanted,
                  bf_error *error)
{
    bf_timer after = bf_timer_from_wire (wanted->after);
    Belfry__Internal__TimersRefilled *refilled =
        bf_arena_alloc (self->arena, sizeof *refilled);
    Belfry__Internal__Timer *timers =
        bf_arena_alloc (self->arena, wanted->limit * sizeof *timers);
    Belfry__Internal__Timer **list =
        bf_arena_alloc (self->arena, wanted->limit * sizeof *list);
    if (!refilled || !timers || !list) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__internal__timers_refilled__init (refilled);
    refilled->source = (uint32_t)after.source;
    refilled->timers = list;
    sqlite3_stmt *stmt = query_timers (self, after, wanted->limit);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        size_t i = refilled->n_timers++;
        bf_timer_to_wire (read_timer (self, after.source, stmt), &timers[i]);
        list[i] = &timers[i];
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    refilled->end = refilled->n_timers < wanted->limit;
    return rc == BF_OK
               ? bf_outcome_clock (self, BELFRY__INTERNAL__CLOCK_ITEM__ITEM_REFILLED,
                                   refilled, error)
               : rc;
}

bf_err
bf_refill_ready (bf_ledger *self, const Belfry__Internal__RefillReady *wanted,
                 bf_error *error)
{
    Belfry__Internal__ReadyRefilled *refilled =
        bf_arena_alloc (self->arena, sizeof *refilled);
    Belfry__Internal__ReadyRun *runs =
        bf_arena_alloc (self->arena, wanted->limit * sizeof *runs);
    Belfry__Internal__ReadyRun **list =
        bf_arena_alloc (self->arena, wanted->limit * sizeof *list);
    if (!refilled || !runs || !list) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__internal__ready_refilled__init (refilled);
    refilled->queue = wanted->queue;
    refilled->runs = list;
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_READY);
    sqlite3_bind_int64 (stmt, 1, wanted->queue);
    sqlite3_bind_int64 (stmt, 2, wanted->limit);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        size_t i = refilled->n_runs++;
        bf_ready ready = {
            .queue = wanted->queue,
            .ready_us = sqlite3_column_int64 (stmt, 0),
            .job = (uint64_t)sqlite3_column_int64 (stmt, 1),
            .ordinal = (uint32_t)sqlite3_column_int64 (stmt, 2),
        };
        bf_ready_to_wire (ready, &runs[i]);
        list[i] = &runs[i];
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    refilled->more = refilled->n_runs == wanted->limit;
    return rc == BF_OK
               ? bf_outcome_dispatcher (self,
                                        BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_REFILLED,
                                        refilled, error)
               : rc;
}
