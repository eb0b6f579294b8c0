/* SPDX-License-Identifier: MPL-2.0
 *
 * Reminders: planned with their slot, fired in their time, closed when the slot is decided.
 * What the clock says is only a proposal, as with slots (fire.c).
 */
#include "persist/ledger/reminders.h"

#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/names.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/render.h"
#include "persist/ledger/retention.h"
#include "persist/ledger/rows.h"

static const char too_late[] = "it was late";
static const char no_room[] = "too many runs of the job are open";
static const char slot_came[] = "its slot came first";
static const char slot_moved[] = "its slot was given another time";

bool
bf_timer_is_reminder (bf_timer timer)
{
    return timer.source == BF_SOURCE_REMIND_WALL || timer.source == BF_SOURCE_REMIND_BOOT;
}

static bf_err
tell_skipped (bf_ledger *self, bf_job_row *job, bf_reminded skipped, const char *reason,
              bf_error *error)
{
    if (skipped.count == 0) {
        return BF_OK;
    }
    Belfry__V1__Slots told = BELFRY__V1__SLOTS__INIT;
    told.first_due_us = skipped.first_us;
    told.last_due_us = skipped.last_us;
    told.count = skipped.count;
    bf_event_detail detail = {.job_image = true, .reason = reason, .slots = &told};
    return bf_event_write (self, BF_EVENT_REMINDER_SKIPPED, job, NULL, &detail, error);
}

void
bf_reminders_plan (const bf_ledger *self, bf_job_row *job, int64_t since_us,
                   int64_t from_us, const char *why)
{
    if (job->law.remind.count == 0) {
        job->remind_us = 0;
        return;
    }
    bf_remind_verdict verdict = bf_remind_begin (job->law.remind, job->due_us, since_us,
                                                 from_us, bf_job_now (self, job));
    job->remind_us = verdict.next_us;
    job->reminders_past = verdict.skipped;
    job->reminders_why = why;
    job->moved = true;
}

bf_err
bf_reminders_tell (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bf_reminded past = job->reminders_past;
    job->reminders_past.count = 0;
    return tell_skipped (self, job, past, job->reminders_why, error);
}

/* Ends the runs of reminders that no worker has, by this move, and flags the others. */
static bf_err
end_runs (bf_ledger *self, bf_job_row *job, bf_run_move move, bf_event_kind kind,
          const char *reason, bf_error *error)
{
    bf_run_row *runs;
    size_t count = 0;
    bf_err rc = BF_OK;
    if (job->open_runs > job->counts.open) {
        rc = bf_run_list_open (self, job, false, &runs, &count, error);
    }
    for (size_t i = 0; rc == BF_OK && i < count; i++) {
        bf_run_row *run = &runs[i];
        if (run->origin != BF_ORIGIN_REMINDER || bf_run_is_withdrawn (job, run)) {
            continue;
        }
        if (run->state == BF_RUN_LEASED) {
            rc = bf_run_flag (self, run, error);
            continue;
        }
        rc = bf_run_end (self, job, run, move, kind, reason, error);
        if (rc == BF_OK) {
            rc = bf_run_put (self, job, run, error);
        }
    }
    return rc;
}

bf_err
bf_reminders_close (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    if (job->law.remind.count == 0) {
        return BF_OK;
    }
    if (job->remind_us != 0) {
        bf_reminders_plan (self, job, job->remind_us, INT64_MAX, slot_came);
    }
    bf_err rc = bf_reminders_tell (self, job, error);
    return rc == BF_OK
               ? end_runs (self, job, BF_RUN_EXPIRE, BF_EVENT_RUN_EXPIRED, slot_came, error)
               : rc;
}

bf_err
bf_reminders_withdraw (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    return job->law.remind.count > 0 ? end_runs (self, job, BF_RUN_CANCEL,
                                                 BF_EVENT_RUN_CANCELLED, slot_moved, error)
                                     : BF_OK;
}

static bf_err
make_run (bf_ledger *self, bf_job_row *job, const bf_remind_verdict *verdict,
          bf_run_row *run, bf_error *error)
{
    bf_birth birth = {
        .origin = BF_ORIGIN_REMINDER,
        .clock = job->clock,
        .due_us = verdict->fire_us,
        .lateness_us = bf_job_now (self, job) - verdict->fire_us,
        .remind_before_us = verdict->before_us,
        .type = bf_name_find (self, job->definition->reminder_type),
    };
    bf_err rc = bf_queue_intern (self, job->ns, birth.type, &birth.queue, error);
    if (rc == BF_OK) {
        rc = bf_run_make (self, job, &birth, run, error);
    }
    return rc == BF_OK ? bf_retention_trim (self, job, error) : rc;
}

static bf_err
decide (bf_ledger *self, bf_job_row *job, bf_run_row *run, bf_timer_effect *effect,
        bf_error *error)
{
    bf_remind_verdict verdict = bf_remind_judge (job->law.remind, job->due_us,
                                                 job->remind_us, bf_job_now (self, job));
    bool full = verdict.fires && job->open_runs >= BF_OPEN_RUNS;
    bool fires = verdict.fires && !full;
    job->remind_us = verdict.next_us;
    job->moved = true;
    *effect = BF_TIMER_JOB;
    bf_err rc = tell_skipped (self, job, verdict.skipped, too_late, error);
    if (rc == BF_OK && full) {
        bf_reminded one = {verdict.fire_us, verdict.fire_us, 1};
        rc = tell_skipped (self, job, one, no_room, error);
    }
    if (rc == BF_OK && fires) {
        rc = make_run (self, job, &verdict, run, error);
        *effect = BF_TIMER_RUN;
    }
    return rc;
}

bf_err
bf_timer_remind (bf_ledger *self, bf_timer timer, bf_job_row *job, bf_run_row *run,
                 bf_timer_effect *effect, bf_error *error)
{
    bool boot = timer.source == BF_SOURCE_REMIND_BOOT;
    int64_t remind_us =
        boot ? bf_scale_from_boot (&self->scale, (bf_boot){timer.due_us}) : timer.due_us;
    *effect = BF_TIMER_STALE;
    bf_err rc = bf_job_load (self, timer.job, job, error);
    if (rc != BF_OK) {
        return rc == BF_ENOTFOUND ? BF_OK : rc;
    }
    bf_clock clock = boot ? BF_CLOCK_BOOT : BF_CLOCK_WALL;
    if (!bf_job_reminds (job) || job->clock != clock || job->remind_us != remind_us) {
        return BF_OK;
    }
    if (bf_job_now (self, job) < remind_us) {
        return bf_outcome_timer (self, true, timer, error);
    }
    /* The clock let go of it when it proposed it: nothing to disarm. */
    job->was_remind_us = 0;
    return decide (self, job, run, effect, error);
}
