/* SPDX-License-Identifier: MPL-2.0
 *
 * What clock, dispatcher and retry have heard, against what the rows say that they must
 * know.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger_model.h"

typedef struct {
    uint32_t attempt;
    bool flagged;
} lease;

static place
place_of_timer (bf_timer timer)
{
    return (place){timer.job, timer.ordinal, timer.source};
}

/* Everything that is armed by its row, due times raw: job, ordinal, source, when the clock
 * looks, queue, and the slot where that is another time. */
static const char timers_sql[] =
    "SELECT job.id, 0, clock, wake_us - clock * boot_origin_us, queue, "
    "CASE wake_us WHEN due_us THEN 0 ELSE due_us - clock * boot_origin_us END "
    "FROM job, meta WHERE state = 2 AND paused = 0 UNION ALL "
    "SELECT job, ordinal, 2, timer_us - boot_origin_us, queue, 0 FROM run, meta "
    "WHERE timer_us IS NOT NULL UNION ALL "
    "SELECT job.id, 0, 3 + clock, remind_us - clock * boot_origin_us, 0, 0 FROM job, meta "
    "WHERE remind_us <> 0 AND paused = 0";

static bf_timer
read_timer (sqlite3_stmt *stmt)
{
    return (bf_timer){
        .job = (uint64_t)sqlite3_column_int64 (stmt, 0),
        .ordinal = (uint32_t)sqlite3_column_int64 (stmt, 1),
        .source = (bf_timer_source)sqlite3_column_int (stmt, 2),
        .due_us = sqlite3_column_int64 (stmt, 3),
        .queue = (uint32_t)sqlite3_column_int64 (stmt, 4),
        .slot_us = sqlite3_column_int64 (stmt, 5),
    };
}

static void
arm (ledger *self, bf_timer timer)
{
    bf_timer *held = model_at (self->model->timers, place_of_timer (timer), sizeof *held);
    *held = timer;
}

/* The clock forgets and refills. */
static void
reset_clock (ledger *self)
{
    model_map_destroy (&self->model->timers);
    self->model->timers = model_map ();
    sqlite3_stmt *stmt = ledger_query (self, timers_sql);
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        arm (self, read_timer (stmt));
    }
    ledger_query_end (self);
}

static void
hear_clock (ledger *self, const Belfry__Internal__ClockItem *item)
{
    switch (item->item_case) {
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM:
        arm (self, bf_timer_from_wire (item->arm));
        break;
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_DISARM:
        model_remove (self->model->timers,
                      place_of_timer (bf_timer_from_wire (item->disarm)));
        break;
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET:
        reset_clock (self);
        break;
    default:
        break;
    }
}

static void
add_ready (ledger *self, uint64_t job, uint64_t ordinal, uint64_t queue)
{
    place at = {job, ordinal, queue};
    model_at (self->model->ready, at, sizeof at);
}

/* With `more` the dispatcher asks for the rows; without, there must be none. */
static void
hear_queue (ledger *self, const Belfry__Internal__Queue *queue)
{
    sqlite3_stmt *stmt =
        ledger_query (self, "SELECT job, ordinal FROM run WHERE state = 2 AND queue = ?1");
    sqlite3_bind_int64 (stmt, 1, queue->id);
    while (queue->more && sqlite3_step (stmt) == SQLITE_ROW) {
        add_ready (self, (uint64_t)sqlite3_column_int64 (stmt, 0),
                   (uint64_t)sqlite3_column_int64 (stmt, 1), queue->id);
    }
    ledger_query_end (self);
}

static void
hear_dispatcher (ledger *self, const Belfry__Internal__DispatcherItem *item)
{
    if (item->item_case == BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_QUEUE) {
        hear_queue (self, item->queue);
    } else if (item->item_case == BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_READY) {
        add_ready (self, item->ready->job, item->ready->ordinal, item->ready->queue);
    }
}

static void
hear_retry (ledger *self, const Belfry__Internal__RetryItem *item)
{
    bf_map *leases = self->model->leases;
    if (item->item_case == BELFRY__INTERNAL__RETRY_ITEM__ITEM_OPENED) {
        const Belfry__Internal__LeaseOpened *opened = item->opened;
        place at = {opened->attempt->job, opened->attempt->ordinal, 0};
        assert_int_equal (opened->from_boot_us, self->now.boot.us);
        assert_true (opened->lease_us > 0);
        lease *held = model_at (leases, at, sizeof *held);
        *held = (lease){opened->attempt->attempt, opened->flagged};
    } else if (item->item_case == BELFRY__INTERNAL__RETRY_ITEM__ITEM_CLOSED) {
        place at = {item->closed->job, item->closed->ordinal, 0};
        const lease *held = model_get (leases, at);
        assert_non_null (held);
        assert_int_equal (held->attempt, item->closed->attempt);
        model_remove (leases, at);
    } else if (item->item_case == BELFRY__INTERNAL__RETRY_ITEM__ITEM_FLAGGED) {
        place at = {item->flagged->job, item->flagged->ordinal, 0};
        lease *held = model_get (leases, at);
        assert_non_null (held);
        assert_int_equal (held->attempt, item->flagged->attempt);
        held->flagged = true;
    }
}

void
ledger_model_hear (ledger *self)
{
    const bf_outcome *outcome = bf_ledger_outcome (self->ledger);
    for (size_t i = 0; i < outcome->clock.count; i++) {
        hear_clock (self, outcome->clock.items[i]);
    }
    for (size_t i = 0; i < outcome->dispatcher.count; i++) {
        hear_dispatcher (self, outcome->dispatcher.items[i]);
    }
    for (size_t i = 0; i < outcome->retry.count; i++) {
        hear_retry (self, outcome->retry.items[i]);
    }
}

void
ledger_model_gave_timer (ledger *self, bf_timer timer)
{
    model_remove (self->model->timers, place_of_timer (timer));
}

void
ledger_model_gave_ready (ledger *self, const Belfry__Internal__ReadyRun *ready)
{
    place at = {ready->job, ready->ordinal, ready->queue};
    model_remove (self->model->ready, at);
}

static void
check_clock (ledger *self)
{
    size_t count = 0;
    sqlite3_stmt *stmt = ledger_query (self, timers_sql);
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        bf_timer row = read_timer (stmt);
        const bf_timer *held = model_get (self->model->timers, place_of_timer (row));
        if (!held || held->due_us != row.due_us || held->queue != row.queue ||
            held->slot_us != row.slot_us) {
            fail_msg ("timer %d %" PRIu64 ".%u at %" PRId64 " (slot %" PRId64
                      ") of queue %u: the clock has %s",
                      (int)row.source, row.job, row.ordinal, row.due_us, row.slot_us,
                      row.queue, held ? "another" : "none");
        }
        count++;
    }
    ledger_query_end (self);
    assert_int_equal (bf_map_count (self->model->timers), count);
}

static void
check_dispatcher (ledger *self)
{
    sqlite3_stmt *stmt =
        ledger_query (self, "SELECT job, ordinal, queue FROM run WHERE state = 2");
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        place at = {(uint64_t)sqlite3_column_int64 (stmt, 0),
                    (uint64_t)sqlite3_column_int64 (stmt, 1),
                    (uint64_t)sqlite3_column_int64 (stmt, 2)};
        if (!model_get (self->model->ready, at)) {
            fail_msg ("the dispatcher never heard of %" PRIu64 ".%" PRIu64, at.job,
                      at.ordinal);
        }
    }
    ledger_query_end (self);
}

static void
check_retry (ledger *self)
{
    size_t count = 0;
    sqlite3_stmt *stmt =
        ledger_query (self, "SELECT job, ordinal, attempt, job.state IN (6, 7) OR "
                            "job_version < version OR (decides AND ordinal < others_below) "
                            "OR (origin = 2 AND (job.state <> 2 OR "
                            "job.due_us <> run.due_us + remind_before_us)) "
                            "FROM run JOIN job ON id = job "
                            "WHERE run.state = 3");
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        place at = {(uint64_t)sqlite3_column_int64 (stmt, 0),
                    (uint64_t)sqlite3_column_int64 (stmt, 1), 0};
        const lease *held = model_get (self->model->leases, at);
        if (!held || held->attempt != (uint32_t)sqlite3_column_int (stmt, 2) ||
            held->flagged != sqlite3_column_int (stmt, 3)) {
            fail_msg ("retry knows the lease of %" PRIu64 ".%" PRIu64 " wrong", at.job,
                      at.ordinal);
        }
        count++;
    }
    ledger_query_end (self);
    assert_int_equal (bf_map_count (self->model->leases), count);
}

void
model_check_heard (ledger *self)
{
    if (!bf_ledger_is_scarce (self->ledger)) {
        check_clock (self);
        check_dispatcher (self);
    }
    check_retry (self);
}
