/* SPDX-License-Identifier: MPL-2.0
 *
 * The writing of rows: what the clock, the dispatcher and retry must hear is the difference
 * between the row as it was read and as it is now.
 */
#include "messages/translate.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/reminders.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"

/* What the clock watches for this job: the source says on which clock. */
static bf_timer
slot_timer (const bf_ledger *self, const bf_job_row *job, bf_clock clock, int64_t wake_us)
{
    bf_timer timer = {
        .source = BF_SOURCE_SLOT_WALL,
        .job = job->id,
        .due_us = wake_us,
        .queue = job->queue,
        .slot_us = job->due_us != wake_us ? job->due_us : 0,
    };
    if (clock == BF_CLOCK_BOOT) {
        timer.source = BF_SOURCE_SLOT_BOOT;
        timer.due_us = bf_scale_to_boot (&self->scale, wake_us).us;
        if (timer.slot_us != 0) {
            timer.slot_us = bf_scale_to_boot (&self->scale, job->due_us).us;
        }
    }
    return timer;
}

/* The reminder that the clock watches. Its queue is not known to the clock: what it makes
 * is given away once it is ready. */
static bf_err
tell_reminder (bf_ledger *self, bool arm, const bf_job_row *job, bf_clock clock,
               int64_t remind_us, bf_error *error)
{
    bf_timer timer = {.source = BF_SOURCE_REMIND_WALL, .job = job->id, .due_us = remind_us};
    if (clock == BF_CLOCK_BOOT) {
        timer.source = BF_SOURCE_REMIND_BOOT;
        timer.due_us = bf_scale_to_boot (&self->scale, remind_us).us;
    }
    return bf_outcome_timer (self, arm, timer, error);
}

static bf_err
tell_reminders (bf_ledger *self, const bf_job_row *job, bf_error *error)
{
    int64_t remind_us = bf_job_reminds (job) ? job->remind_us : 0;
    bool stays = remind_us != 0 && job->clock == job->was_clock;
    bf_err rc = BF_OK;
    if (job->was_remind_us != 0 && !stays) {
        rc = tell_reminder (self, false, job, job->was_clock, job->was_remind_us, error);
    }
    if (rc == BF_OK && remind_us != 0 && !(stays && remind_us == job->was_remind_us)) {
        rc = tell_reminder (self, true, job, job->clock, remind_us, error);
    }
    return rc;
}

bf_err
bf_job_tell (bf_ledger *self, const bf_job_row *job, bf_error *error)
{
    bool is_timed = bf_job_is_timed (job);
    bool stays = is_timed && job->clock == job->was_clock;
    if (job->was_timed && !stays) {
        bf_err rc = bf_outcome_timer (
            self, false, slot_timer (self, job, job->was_clock, job->was_wake_us), error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    bool same = job->was_timed && stays && job->wake_us == job->was_wake_us &&
                job->queue == job->was_queue;
    if (is_timed && !same) {
        bf_err rc = bf_outcome_timer (
            self, true, slot_timer (self, job, job->clock, job->wake_us), error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    return job->law.remind.count > 0 || job->was_remind_us != 0
               ? tell_reminders (self, job, error)
               : BF_OK;
}

/* The oldest that waits, where nobody that it waits for is open. */
static bf_err
unblock_next (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bf_run_row run;
    if (job->counts.blocked == 0 || job->counts.blocked < job->counts.open) {
        return BF_OK;
    }
    bf_err rc = bf_run_load_blocked (self, job->id, &run, error);
    if (rc == BF_OK) {
        rc = bf_run_unblock (self, job, &run, error);
    }
    return rc == BF_OK ? bf_run_put (self, job, &run, error) : rc;
}

bf_err
bf_job_put (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bf_err rc = unblock_next (self, job, error);
    if (rc == BF_OK) {
        rc = bf_reminders_tell (self, job, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_save (self, job, error);
    }
    return rc == BF_OK ? bf_job_tell (self, job, error) : rc;
}

static bf_err
tell_clock (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    if (run->timer_us == run->was_timer_us) {
        return BF_OK;
    }
    bf_timer timer = {
        .source = BF_SOURCE_RUN,
        .job = run->job,
        .ordinal = run->ordinal,
        .queue = run->queue,
    };
    if (run->timer_us) {
        timer.due_us = bf_scale_to_boot (&self->scale, run->timer_us).us;
    }
    return bf_outcome_timer (self, run->timer_us != 0, timer, error);
}

bf_err
bf_timer_again (bf_ledger *self, bf_timer timer, bf_error *error)
{
    bf_job_row job;
    bf_run_row run;
    bf_err rc;
    if (timer.source == BF_SOURCE_RUN) {
        rc = bf_run_load (self, timer.job, timer.ordinal, &run, error);
        run.was_timer_us = 0;
        rc = rc == BF_OK ? tell_clock (self, &run, error) : rc;
    } else {
        rc = bf_job_load (self, timer.job, &job, error);
        if (bf_timer_is_reminder (timer)) {
            job.was_remind_us = 0;
        } else {
            job.was_timed = false;
        }
        rc = rc == BF_OK ? bf_job_tell (self, &job, error) : rc;
    }
    return rc == BF_ENOTFOUND ? BF_OK : rc;
}

static bf_err
tell_dispatcher (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    if (run->state != BF_RUN_READY || run->was_state == BF_RUN_READY) {
        return BF_OK;
    }
    Belfry__Internal__ReadyRun *ready = bf_arena_alloc (self->arena, sizeof *ready);
    if (!ready) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_ready_to_wire ((bf_ready){run->queue, run->ready_us, run->job, run->ordinal}, ready);
    return bf_outcome_dispatcher (self, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_READY,
                                  ready, error);
}

static bf_err
tell_closed (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    Belfry__Internal__Attempt *attempt = bf_arena_alloc (self->arena, sizeof *attempt);
    if (!attempt) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_attempt_to_wire ((bf_token){run->job, run->ordinal, run->was_attempt}, attempt);
    return bf_outcome_retry (self, BELFRY__INTERNAL__RETRY_ITEM__ITEM_CLOSED, attempt,
                             error);
}

bf_err
bf_lease_tell (bf_ledger *self, const bf_job_row *job, const bf_run_row *run,
               bf_error *error)
{
    Belfry__Internal__LeaseOpened *opened = bf_arena_alloc (self->arena, sizeof *opened);
    Belfry__Internal__Attempt *attempt = bf_arena_alloc (self->arena, sizeof *attempt);
    if (!opened || !attempt) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__internal__lease_opened__init (opened);
    bf_attempt_to_wire ((bf_token){run->job, run->ordinal, run->attempt}, attempt);
    opened->attempt = attempt;
    opened->from_boot_us = self->now.boot.us;
    opened->lease_us = run->lease_us;
    if (run->run_until_us) {
        opened->run_until_boot_us = bf_scale_to_boot (&self->scale, run->run_until_us).us;
    }
    opened->flagged = bf_run_is_withdrawn (job, run);
    return bf_outcome_retry (self, BELFRY__INTERNAL__RETRY_ITEM__ITEM_OPENED, opened,
                             error);
}

bf_err
bf_run_put (bf_ledger *self, const bf_job_row *job, bf_run_row *run, bf_error *error)
{
    bool was_leased = run->was_state == BF_RUN_LEASED;
    bool is_leased = run->state == BF_RUN_LEASED;
    bf_err rc = bf_run_save (self, run, error);
    if (rc == BF_OK) {
        rc = tell_clock (self, run, error);
    }
    if (rc == BF_OK) {
        rc = tell_dispatcher (self, run, error);
    }
    if (rc == BF_OK && was_leased && !is_leased) {
        rc = tell_closed (self, run, error);
    }
    if (rc == BF_OK && is_leased && !was_leased) {
        rc = bf_lease_tell (self, job, run, error);
    }
    return rc;
}
