/* SPDX-License-Identifier: MPL-2.0
 *
 * Stats: depths and counts that are kept as things happen, so that asking for them costs
 * nothing that grows with the jobs; only the first run in line of each queue shown is
 * looked up.
 */
#include "persist/ledger/stats.h"

#include <stdlib.h>

#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/names.h"
#include "persist/ledger/sql.h"

#define QUEUES_SHOWN 1000

/* Two names, three numbers, the age, and what frames them. */
#define QUEUE_BYTES (2 * (BF_NAME_BYTES + 2) + 4 * 11 + 4)
_Static_assert(QUEUES_SHOWN *QUEUE_BYTES + 2048 <= BF_ANSWER_BYTES,
               "a StatsReply is no larger than a page");

/* Upper ends, the last one open. */
static const uint64_t lateness_us[BF_LATENESS_BUCKETS] = {
    100,
    BF_MS_US,
    2 * BF_MS_US,
    5 * BF_MS_US,
    10 * BF_MS_US,
    25 * BF_MS_US,
    50 * BF_MS_US,
    100 * BF_MS_US,
    250 * BF_MS_US,
    BF_SECOND_US,
    10 * BF_SECOND_US,
    60 * BF_SECOND_US,
    0,
};
static const uint64_t batch_items[BF_BATCH_BUCKETS] = {1,   2,   5,   10,   25, 50,
                                                       100, 250, 500, 1000, 0};

static size_t
bucket_of (const uint64_t *ends, size_t count, uint64_t value)
{
    size_t i = 0;
    while (i < count - 1 && value > ends[i]) {
        i++;
    }
    return i;
}

static bf_queue *
queue_at (const bf_ledger *self, uint32_t id)
{
    BF_INVARIANT (id >= 1 && id <= self->queues.count);
    return self->queues.items[id - 1];
}

static uint64_t *
depth_of (bf_queue *queue, bf_run_state state)
{
    return state == BF_RUN_READY ? &queue->ready : &queue->leased;
}

static bf_err
depths_read (bf_ledger *self, bf_sql statement, bf_run_state state, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, statement);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        uint64_t id = (uint64_t)sqlite3_column_int64 (stmt, 0);
        if (id == 0 || id > self->queues.count) {
            rc = bf_fail (error, BF_ECORRUPT,
                          "a run is in queue %llu, which is not there: restore a backup",
                          (unsigned long long)id);
            break;
        }
        *depth_of (queue_at (self, (uint32_t)id), state) =
            (uint64_t)sqlite3_column_int64 (stmt, 1);
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_depths_load (bf_ledger *self, bf_error *error)
{
    bf_err rc = depths_read (self, SQL_RUN_READY_DEPTHS, BF_RUN_READY, error);
    return rc == BF_OK ? depths_read (self, SQL_RUN_LEASED_DEPTHS, BF_RUN_LEASED, error)
                       : rc;
}

bf_err
bf_depth_add (bf_ledger *self, uint32_t queue, bf_run_state state, int change,
              bf_error *error)
{
    if (state != BF_RUN_READY && state != BF_RUN_LEASED) {
        return BF_OK;
    }
    bf_depth_undo *undo = bf_arena_alloc (self->arena, sizeof *undo);
    if (!undo || bf_list_push (&self->depths_touched, undo) != BF_OK) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    *undo = (bf_depth_undo){queue, state, change};
    *depth_of (queue_at (self, queue), state) += (uint64_t)change;
    return BF_OK;
}

void
bf_depths_undo (bf_ledger *self, size_t touched)
{
    for (size_t i = self->depths_touched.count; i > touched; i--) {
        const bf_depth_undo *undo = self->depths_touched.items[i - 1];
        *depth_of (queue_at (self, undo->queue), undo->state) -= (uint64_t)undo->change;
    }
    bf_list_truncate (&self->depths_touched, touched);
}

/* A slot becomes a run once: a run that was blocked is fired later, and was counted. */
static void
slot_fired (bf_happened *happened, const bf_run_row *run)
{
    if (run->origin == BF_ORIGIN_SLOT && run->was_state == 0) {
        uint64_t late_us = run->lateness_us > 0 ? (uint64_t)run->lateness_us : 0;
        happened->fired++;
        happened->lateness[bucket_of (lateness_us, BF_LATENESS_BUCKETS, late_us)]++;
    }
}

void
bf_happened_event (bf_ledger *self, bf_event_kind kind, const bf_run_row *run)
{
    bf_happened *happened = &self->counters.happened;
    switch (kind) {
    case BF_EVENT_RUN_FIRED:
    case BF_EVENT_RUN_BLOCKED:
        slot_fired (happened, run);
        break;
    case BF_EVENT_RUN_SUCCEEDED:
        happened->succeeded++;
        break;
    case BF_EVENT_RUN_FAILED:
        happened->failed++;
        break;
    case BF_EVENT_RUN_DEAD:
        happened->dead++;
        break;
    case BF_EVENT_RUN_EXPIRED:
        happened->expired++;
        break;
    default:
        break;
    }
}

void
bf_happened_drop (bf_ledger *self, bf_drop why, uint64_t count)
{
    bf_happened *happened = &self->counters.happened;
    uint64_t *const counters[] = {
        [BF_DROP_MISSED] = &happened->missed,
        [BF_DROP_SKIPPED] = &happened->skipped,
        [BF_DROP_OVERLAP] = &happened->overlap_skipped,
        [BF_DROP_BUFFER] = &happened->buffer_dropped,
    };
    *counters[why] += count;
}

void
bf_happened_commit (bf_ledger *self)
{
    self->commits.count++;
    self->commits.batches[bucket_of (batch_items, BF_BATCH_BUCKETS, self->commits.items)]++;
}

bf_err
bf_operations_count (bf_ledger *self, uint64_t *count, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_OPERATION_COUNT);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && row) {
        *count = (uint64_t)sqlite3_column_int64 (stmt, 0);
        bf_statement_reset (stmt);
    }
    return rc;
}

static int
deepest_first (const void *a, const void *b)
{
    const bf_queue *left = *(bf_queue *const *)a;
    const bf_queue *right = *(bf_queue *const *)b;
    if (left->ready != right->ready) {
        return left->ready > right->ready ? -1 : 1;
    }
    if (left->leased != right->leased) {
        return left->leased > right->leased ? -1 : 1;
    }
    return left->id < right->id ? -1 : left->id > right->id;
}

static bf_err
oldest_ready (bf_ledger *self, const bf_queue *queue, int64_t *age_us, bf_error *error)
{
    if (queue->ready == 0) {
        return BF_OK;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_READY);
    sqlite3_bind_int64 (stmt, 1, queue->id);
    sqlite3_bind_int64 (stmt, 2, 1);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && row) {
        *age_us = self->boot_us - sqlite3_column_int64 (stmt, 0);
        bf_statement_reset (stmt);
    }
    return rc;
}

static bf_err
render_queues (bf_ledger *self, Belfry__V1__StatsReply *out, bf_error *error)
{
    bf_queue **busy = bf_arena_alloc (self->arena, self->queues.count * sizeof *busy);
    size_t count = 0;
    for (size_t i = 0; busy && i < self->queues.count; i++) {
        bf_queue *queue = self->queues.items[i];
        if (queue->ready > 0 || queue->leased > 0) {
            busy[count++] = queue;
        }
    }
    out->queues = bf_arena_alloc (self->arena, QUEUES_SHOWN * sizeof *out->queues);
    Belfry__V1__StatsReply__Queue *shown =
        bf_arena_alloc (self->arena, QUEUES_SHOWN * sizeof *shown);
    if (!busy || !out->queues || !shown) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    qsort (busy, count, sizeof (bf_queue *), deepest_first);
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < count && i < QUEUES_SHOWN; i++) {
        belfry__v1__stats_reply__queue__init (&shown[i]);
        shown[i].ns = (char *)bf_name_text (self, busy[i]->ns);
        shown[i].type = (char *)bf_name_text (self, busy[i]->name);
        shown[i].ready = busy[i]->ready;
        shown[i].leased = busy[i]->leased;
        rc = oldest_ready (self, busy[i], &shown[i].oldest_ready_us, error);
        out->queues[out->n_queues++] = &shown[i];
    }
    return rc;
}

static bf_err
render_buckets (bf_ledger *self, const uint64_t *ends, const uint64_t *counts, size_t count,
                Belfry__V1__StatsReply__Bucket ***list, size_t *n, bf_error *error)
{
    Belfry__V1__StatsReply__Bucket *buckets =
        bf_arena_alloc (self->arena, count * sizeof *buckets);
    *list = bf_arena_alloc (self->arena, count * sizeof **list);
    if (!buckets || !*list) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    for (size_t i = 0; i < count; i++) {
        belfry__v1__stats_reply__bucket__init (&buckets[i]);
        buckets[i].le = ends[i];
        buckets[i].count = counts[i];
        (*list)[i] = &buckets[i];
    }
    *n = count;
    return BF_OK;
}

static bf_err
render_happened (bf_ledger *self, Belfry__V1__StatsReply *out, bf_error *error)
{
    const bf_happened *happened = &self->counters.happened;
    out->fired = happened->fired;
    out->missed = happened->missed;
    out->skipped = happened->skipped;
    out->overlap_skipped = happened->overlap_skipped;
    out->buffer_dropped = happened->buffer_dropped;
    out->cancelled_others = happened->cancelled_others;
    out->terminated_others = happened->terminated_others;
    out->succeeded = happened->succeeded;
    out->failed = happened->failed;
    out->dead = happened->dead;
    out->expired = happened->expired;
    out->pruned_jobs = self->counters.pruned_jobs;
    out->pruned_events = self->counters.pruned_events;
    out->commits = self->commits.count;
    bf_err rc = render_buckets (self, lateness_us, happened->lateness, BF_LATENESS_BUCKETS,
                                &out->lateness, &out->n_lateness, error);
    return rc == BF_OK
               ? render_buckets (self, batch_items, self->commits.batches, BF_BATCH_BUCKETS,
                                 &out->batches, &out->n_batches, error)
               : rc;
}

bf_err
bf_query_stats (bf_ledger *self, const Belfry__V1__Request *request,
                Belfry__V1__Reply *reply, bf_error *error)
{
    (void)request;
    Belfry__V1__StatsReply *out = bf_arena_alloc (self->arena, sizeof *out);
    if (!out) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__stats_reply__init (out);
    out->now_us = self->now.wall.us;
    out->started_us = self->started.us;
    out->open_jobs = self->counters.open_jobs;
    out->final_jobs = self->counters.final_jobs;
    out->ready_runs = self->counters.ready_runs;
    out->leased_runs = self->counters.leased_runs;
    out->database_bytes = bf_database_bytes (self->database);
    out->wal_bytes = bf_database_wal_bytes (self->database);
    reply->result_case = BELFRY__V1__REPLY__RESULT_STATS;
    reply->stats = out;
    uint64_t oldest_seq = 0;
    bf_err rc = bf_event_oldest (self, &oldest_seq, error);
    if (rc == BF_OK) {
        out->events = self->counters.head_seq + 1 - oldest_seq;
        rc = bf_operations_count (self, &out->operations, error);
    }
    if (rc == BF_OK) {
        rc = render_queues (self, out, error);
    }
    return rc == BF_OK ? render_happened (self, out, error) : rc;
}
