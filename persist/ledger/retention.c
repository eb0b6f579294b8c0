/* SPDX-License-Identifier: MPL-2.0
 *
 * What is too old goes. Ages are by the wall clock as it was written into the rows: where
 * it was set back, rows seem young and stay. There are two duties, final jobs and events,
 * and each of them is a cycle:
 *
 *   rest --(the oldest is over its limit, but not at once after the last time)
 *    ^                                     |
 *    |                                     v
 *    '---(a slice that was not full)--- slice <--(a slice that was full, at once)
 *
 * So a busy store prunes now and then, a long backlog goes in slices between the batches of
 * others, and a store in which nothing is old enough sleeps until something is. How old the
 * oldest rows are is remembered, and never asked for while the store rests.
 *
 * To prune the log is an event, which grows old in its turn: two events must be too old
 * before they go, so that a store in which nothing else happens comes to an end of it.
 */
#include "persist/ledger/retention.h"

#include "persist/ledger/events.h"
#include "persist/ledger/prune.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/sql.h"
#include "persist/ledger/tend.h"

#define KEEP_US (30 * BF_DAY_US)
#define KEEP_EVENT_ROWS UINT64_C (10000000)

#define REST_US BF_MINUTE_US
/* Of the events' age: how seldom the log is pruned. */
#define EVENTS_REST_PART 30

/* Final jobs that a slice looks at: more than it can take, because those whose run a worker
 * still has are passed over. */
#define LOOKS (2 * BF_PRUNE_ROOM)

/* --- the oldest -------------------------------------------------------------------- */

static bf_span
span_or (bf_span wanted, int64_t fallback_us)
{
    if (wanted.us < 0) {
        return (bf_span){INT64_MAX};
    }
    return wanted.us == 0 ? (bf_span){fallback_us} : wanted;
}

static bf_err
oldest_final (bf_ledger *self, int64_t *final_us, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_FINAL);
    sqlite3_bind_int64 (stmt, 1, INT64_MIN);
    sqlite3_bind_int64 (stmt, 2, 0);
    sqlite3_bind_int64 (stmt, 3, 1);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK) {
        *final_us = row ? sqlite3_column_int64 (stmt, 1) : INT64_MAX;
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_retention_load (bf_ledger *self, bf_retention wanted, bf_error *error)
{
    self->retention = (bf_retention){
        .finals = span_or (wanted.finals, KEEP_US),
        .final_jobs = wanted.final_jobs ? wanted.final_jobs : UINT64_MAX,
        .events = span_or (wanted.events, KEEP_US),
        .event_rows = wanted.event_rows ? wanted.event_rows : KEEP_EVENT_ROWS,
    };
    bf_expiry *expiry = &self->expiry;
    *expiry = (bf_expiry){
        .passed_us = INT64_MAX,
        .finals_rest_us = INT64_MIN,
        .events_rest_us = INT64_MIN,
    };
    bf_err rc = oldest_final (self, &expiry->final_us, error);
    if (rc == BF_OK) {
        rc = bf_event_oldest (self, &expiry->oldest_seq, error);
    }
    if (rc == BF_OK) {
        rc = bf_prune_log_time (self, &expiry->event_us, error);
    }
    self->expiry_saved = *expiry;
    return rc;
}

static uint64_t
events_kept (const bf_ledger *self)
{
    return self->counters.head_seq + 1 - self->expiry.oldest_seq;
}

void
bf_retention_keep (bf_ledger *self)
{
    bf_expiry *expiry = &self->expiry;
    int64_t now_us = self->now.wall.us;
    /* A job that ended in this batch is older than the others only where there was none, or
     * where the clock was set back. */
    if (self->counters.final_jobs > self->saved.final_jobs && now_us < expiry->final_us) {
        expiry->final_us = now_us;
    }
    if (expiry->event_us == INT64_MAX && events_kept (self) > 1) {
        expiry->event_us = now_us;
    }
    self->expiry_saved = *expiry;
}

void
bf_retention_undo (bf_ledger *self)
{
    self->expiry = self->expiry_saved;
}

/* --- when -------------------------------------------------------------------------- */

/* When a row that was written at this time is over its age; INT64_MAX for never. */
static int64_t
due_by_age (const bf_ledger *self, int64_t at_us, bf_span limit)
{
    if (at_us == INT64_MAX || limit.us == INT64_MAX) {
        return INT64_MAX;
    }
    int64_t wait_us = bf_us_add (bf_us_add (at_us, limit.us), -self->now.wall.us);
    return bf_us_add (self->now.boot.us, wait_us);
}

static int64_t
later (int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t
finals_due (const bf_ledger *self)
{
    const bf_expiry *expiry = &self->expiry;
    if (expiry->more_finals) {
        return 0;
    }
    int64_t rested_us = bf_us_add (expiry->finals_rest_us, REST_US);
    if (self->counters.final_jobs > self->retention.final_jobs) {
        return rested_us;
    }
    return later (due_by_age (self, expiry->final_us, self->retention.finals), rested_us);
}

static int64_t
events_due (const bf_ledger *self)
{
    const bf_expiry *expiry = &self->expiry;
    const bf_retention *keep = &self->retention;
    uint64_t kept = events_kept (self);
    bool many = kept > keep->event_rows && kept - keep->event_rows >= BF_PRUNE_EVENTS;
    if (expiry->more_events || (many && !self->scarce)) {
        return 0;
    }
    if (kept > keep->event_rows) {
        return bf_us_add (expiry->events_rest_us, REST_US);
    }
    int64_t rest_us = later (keep->events.us / EVENTS_REST_PART, REST_US);
    return later (due_by_age (self, expiry->event_us, keep->events),
                  bf_us_add (expiry->events_rest_us, rest_us));
}

static bf_boot
next (const bf_ledger *self)
{
    int64_t finals_us = finals_due (self);
    int64_t events_us = events_due (self);
    int64_t due_us = finals_us < events_us ? finals_us : events_us;
    if (self->scarce) {
        due_us = later (due_us, self->exhausted_until.us);
    }
    return (bf_boot){due_us};
}

/* --- a slice of final jobs --------------------------------------------------------- */

typedef struct {
    uint64_t id;
    int64_t final_us;
} final_t;

/* The next final jobs, oldest first, behind those that this cycle has passed. */
static bf_err
finals_read (bf_ledger *self, final_t finals[LOOKS], size_t *count, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_JOB_FINAL);
    sqlite3_bind_int64 (stmt, 1, self->expiry.behind_us);
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)self->expiry.behind_id);
    sqlite3_bind_int64 (stmt, 3, LOOKS);
    *count = 0;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        finals[(*count)++] = (final_t){(uint64_t)sqlite3_column_int64 (stmt, 0),
                                       sqlite3_column_int64 (stmt, 1)};
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    return rc;
}

/* Takes this one, or passes it over for as long as a worker has a run of it. *done false:
 * there was no room for all of it. */
static bf_err
final_take (bf_ledger *self, bf_pruning *slice, final_t final, bool *done, bf_error *error)
{
    bf_expiry *expiry = &self->expiry;
    bf_job_row job;
    bf_err rc = bf_job_load (self, final.id, &job, error);
    *done = true;
    if (rc == BF_OK && job.open_runs == 0) {
        rc = bf_prune_job (self, slice, &job, done, error);
    } else if (final.final_us < expiry->passed_us) {
        expiry->passed_us = final.final_us;
    }
    if (*done) {
        expiry->behind_us = final.final_us;
        expiry->behind_id = final.id;
    }
    return rc;
}

/* The end of a cycle: what is the oldest now? */
static void
finals_end (bf_ledger *self, int64_t oldest_us)
{
    bf_expiry *expiry = &self->expiry;
    expiry->final_us = expiry->passed_us < oldest_us ? expiry->passed_us : oldest_us;
    expiry->passed_us = INT64_MAX;
    expiry->behind_us = 0;
    expiry->behind_id = 0;
    expiry->finals_rest_us = self->now.boot.us;
}

static bf_err
finals_slice (bf_ledger *self, bf_error *error)
{
    const bf_retention *keep = &self->retention;
    int64_t before_us = self->now.wall.us - keep->finals.us;
    final_t *finals = bf_arena_alloc (self->arena, LOOKS * sizeof *finals);
    if (!finals) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    size_t count;
    size_t i = 0;
    bool done = true;
    bf_pruning slice = {.room = BF_PRUNE_ROOM};
    bf_err rc = finals_read (self, finals, &count, error);
    while (rc == BF_OK && done && i < count) {
        if (finals[i].final_us > before_us &&
            self->counters.final_jobs <= keep->final_jobs) {
            break;
        }
        rc = final_take (self, &slice, finals[i], &done, error);
        i += done;
    }
    if (rc != BF_OK) {
        return rc;
    }
    bool all_old = i == count;
    self->expiry.more_finals = !done || (all_old && count == LOOKS);
    if (!self->expiry.more_finals) {
        finals_end (self, all_old ? INT64_MAX : finals[i].final_us);
    }
    return bf_prune_tell (self, &slice, error);
}

/* --- a slice of the log ------------------------------------------------------------ */

static bf_err
events_slice (bf_ledger *self, bf_error *error)
{
    const bf_retention *keep = &self->retention;
    bf_expiry *expiry = &self->expiry;
    uint64_t kept = events_kept (self);
    uint64_t count = 0;
    bf_err rc = bf_prune_expired (self, expiry->oldest_seq,
                                  self->now.wall.us - keep->events.us, &count, error);
    /* One more makes room for the event that tells of it. */
    uint64_t over = kept > keep->event_rows ? kept - keep->event_rows + 1 : 0;
    if (count < over) {
        count = over < BF_PRUNE_EVENTS ? over : BF_PRUNE_EVENTS;
    }
    expiry->more_events = count == BF_PRUNE_EVENTS;
    expiry->events_rest_us = self->now.boot.us;
    if (rc != BF_OK) {
        return rc;
    }
    return count > 0 ? bf_prune_log (self, count, error)
                     : bf_prune_log_time (self, &expiry->event_us, error);
}

/* What holds where this slice is undone, because the disk is full: it is tried again in a
 * minute. It may run on the reserve, because pages that it frees are pages by which the
 * file need not grow for the completions that go through; but what it could not have must
 * be left to them. */
static void
rest_if_undone (bf_ledger *self)
{
    bf_expiry *saved = &self->expiry_saved;
    saved->more_finals = false;
    saved->more_events = false;
    saved->finals_rest_us = self->now.boot.us;
    saved->events_rest_us = self->now.boot.us;
}

static bf_err
tend (bf_ledger *self, bf_error *error)
{
    int64_t now_us = self->now.boot.us;
    bf_expiry *expiry = &self->expiry;
    rest_if_undone (self);
    bool finals = finals_due (self) <= now_us;
    bool events = events_due (self) <= now_us;
    if (finals && !(events && expiry->events_first)) {
        expiry->events_first = true;
        return finals_slice (self, error);
    }
    expiry->events_first = false;
    return events ? events_slice (self, error) : BF_OK;
}

const bf_chore bf_retention_chore = {tend, next};

/* --- runs of open jobs ------------------------------------------------------------- */

bf_err
bf_retention_trim (bf_ledger *self, const bf_job_row *job, bf_error *error)
{
    if (self->retention.finals.us == INT64_MAX) {
        return BF_OK;
    }
    bf_pruning slice = {.room = BF_PRUNE_ROOM};
    bf_err rc = bf_prune_runs (self, &slice, job,
                               self->now.wall.us - self->retention.finals.us, error);
    return rc == BF_OK ? bf_prune_tell (self, &slice, error) : rc;
}
