/* SPDX-License-Identifier: MPL-2.0
 *
 * Slots that move on, are dropped, or push others away.
 */
#include "persist/ledger/slots.h"

#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/reminders.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/sql.h"
#include "persist/ledger/stats.h"

/* When a late slot is looked at that comes behind another one of its job. */
static int64_t
pace (const bf_ledger *self, const bf_job_row *job, int64_t slot_us, int64_t next_us)
{
    int64_t half_us = (next_us - slot_us) / 2;
    int64_t wait_us = half_us < BF_LATE_PACE_US ? half_us : BF_LATE_PACE_US;
    return bf_us_add (bf_job_now (self, job), wait_us);
}

bf_err
bf_slots_advance (bf_ledger *self, bf_job_row *job, int64_t slot_us, bool paced,
                  bf_error *error)
{
    const bf_trigger *trigger = &job->law.trigger;
    bool spent = trigger->max_runs != 0 && job->counts.fired >= trigger->max_runs;
    int64_t next_us;
    if (bf_trigger_recurs (trigger) && !spent) {
        bf_grid grid;
        bf_err rc = bf_job_grid_kept (self, job, &grid, error);
        if (rc != BF_OK) {
            return rc;
        }
        if (bf_grid_next (&grid, slot_us, &next_us)) {
            job->due_us = next_us;
            job->wake_us = paced ? pace (self, job, slot_us, next_us) : next_us;
            job->moved = true;
            int64_t from_us = slot_us > job->armed_us ? slot_us : job->armed_us;
            bf_reminders_plan (self, job, INT64_MIN, from_us, "the slot before was later");
            return BF_OK;
        }
    }
    return bf_job_move_to (self, job, BF_JOB_FIRE_LAST, error);
}

static void
count_add (uint32_t *counter, uint64_t count)
{
    *counter = count < UINT32_MAX - *counter ? *counter + (uint32_t)count : UINT32_MAX;
}

static void
count_dropped (bf_job_row *job, uint64_t count, bf_drop why)
{
    uint32_t *const counters[] = {
        [BF_DROP_MISSED] = &job->counts.missed,
        [BF_DROP_SKIPPED] = &job->counts.skipped,
        [BF_DROP_OVERLAP] = &job->counts.overlap_skipped,
        [BF_DROP_BUFFER] = &job->counts.buffer_dropped,
    };
    count_add (counters[why], count);
}

/* The row that these slots belong to, as it will be: the stretch behind the newest run may
 * have begun already. */
static bf_err
stretch_extend (bf_ledger *self, const bf_job_row *job, bf_stretch slots,
                Belfry__V1__Stretch *row, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_STRETCH_SELECT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job->id);
    sqlite3_bind_int64 (stmt, 2, job->runs);
    sqlite3_bind_int (stmt, 3, row->skipped);
    bool found = false;
    bf_err rc = bf_step_row (self->statements, stmt, &found, error);
    row->job = job->id;
    row->after_ordinal = job->runs;
    row->first_due_us = slots.first_us;
    row->last_due_us = slots.last_us;
    row->count = slots.count;
    if (rc == BF_OK && found) {
        int64_t first_us = sqlite3_column_int64 (stmt, 0);
        int64_t last_us = sqlite3_column_int64 (stmt, 1);
        row->first_due_us = first_us < slots.first_us ? first_us : slots.first_us;
        row->last_due_us = last_us > slots.last_us ? last_us : slots.last_us;
        row->count += (uint64_t)sqlite3_column_int64 (stmt, 2);
    }
    bf_statement_reset (stmt);
    return rc;
}

static bf_err
stretch_save (bf_ledger *self, const Belfry__V1__Stretch *row, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_STRETCH_UPSERT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)row->job);
    sqlite3_bind_int64 (stmt, 2, row->after_ordinal);
    sqlite3_bind_int (stmt, 3, row->skipped);
    sqlite3_bind_int64 (stmt, 4, row->first_due_us);
    sqlite3_bind_int64 (stmt, 5, row->last_due_us);
    sqlite3_bind_int64 (stmt, 6, (sqlite3_int64)row->count);
    sqlite3_bind_int64 (stmt, 7, (sqlite3_int64)row->last_seq);
    return bf_step_done (self->statements, stmt, error);
}

bf_err
bf_slots_drop (bf_ledger *self, bf_job_row *job, bf_stretch slots, bf_drop why,
               const char *reason, bf_error *error)
{
    bool missed = why == BF_DROP_MISSED;
    Belfry__V1__Slots told = BELFRY__V1__SLOTS__INIT;
    Belfry__V1__Stretch row = BELFRY__V1__STRETCH__INIT;
    told.first_due_us = slots.first_us;
    told.last_due_us = slots.last_us;
    told.count = slots.count;
    row.skipped = !missed;
    count_dropped (job, slots.count, why);
    bf_happened_drop (self, why, slots.count);
    /* A job that never came to fire has failed by this; otherwise its runs say. */
    if (job->state == BF_JOB_ACTIVE && job->counts.fired == 0) {
        job->reason = missed ? BF_JOB_MISSED : BF_JOB_SKIPPED;
    }
    bf_err rc = stretch_extend (self, job, slots, &row, error);
    if (rc == BF_OK) {
        bf_event_detail detail = {
            .reason = reason,
            .job_image = true,
            .slots = &told,
            .stretch = &row,
        };
        rc = bf_event_write (self, missed ? BF_EVENT_SLOT_MISSED : BF_EVENT_SLOT_SKIPPED,
                             job, NULL, &detail, error);
    }
    if (rc == BF_OK) {
        rc = stretch_save (self, &row, error);
    }
    return rc == BF_OK ? bf_job_follow (self, job, error) : rc;
}

static const char gives_way[] = "a later slot took its place";

static bf_err
other_end (bf_ledger *self, bf_job_row *job, bf_run_row *run, bf_error *error)
{
    bf_err rc = bf_run_end (self, job, run, BF_RUN_CANCEL, BF_EVENT_RUN_CANCELLED,
                            gives_way, error);
    return rc == BF_OK ? bf_run_put (self, job, run, error) : rc;
}

bf_err
bf_slots_cancel_others (bf_ledger *self, bf_job_row *job, bool *crowded, bf_error *error)
{
    bf_run_row *runs;
    size_t count = 0;
    bf_job_row before = *job;
    /* Newest first: the blocked ones before those that they wait for. */
    bf_err rc = bf_run_list_open (self, job, true, &runs, &count, error);
    job->others_below = job->runs + 1;
    for (size_t i = 0; rc == BF_OK && i < count; i++) {
        if (runs[i].state != BF_RUN_LEASED) {
            rc = other_end (self, job, &runs[i], error);
            count_add (&job->counts.cancelled_others, 1);
            self->counters.happened.cancelled_others++;
        } else if (!bf_run_is_withdrawn (&before, &runs[i])) {
            rc = bf_run_flag (self, &runs[i], error);
            count_add (&job->counts.cancelled_others, 1);
            self->counters.happened.cancelled_others++;
        }
    }
    *crowded = job->counts.open > 0;
    return rc;
}

bf_err
bf_slots_terminate_others (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bf_run_row *runs;
    size_t count = 0;
    bf_err rc = bf_run_list_open (self, job, true, &runs, &count, error);
    for (size_t i = 0; rc == BF_OK && i < count; i++) {
        rc = other_end (self, job, &runs[i], error);
        count_add (&job->counts.terminated_others, 1);
        self->counters.happened.terminated_others++;
    }
    return rc;
}
