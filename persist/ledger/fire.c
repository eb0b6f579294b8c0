/* SPDX-License-Identifier: MPL-2.0
 *
 * A slot that is due becomes a run, or is dropped, and the job moves on, in one step. What
 * the clock says is only a proposal: the row may have been cancelled, moved or paused
 * since, or the clock set back.
 *
 *   due --> late? (core/late.h) --> drop the stretch before it
 *                |
 *                '--> overlap? (core/overlap.h) --> a run, ready, blocked or failed
 *                           '--> drop it
 *
 * One step fires one slot at most. Where more are due the job is armed again, and comes
 * back with the clock's next batch: a job that has much to catch up holds up nobody else.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/recovery.h"
#include "persist/ledger/reminders.h"
#include "persist/ledger/retention.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/slots.h"

/* A time of the timer's source in the scale of the rows. */
static int64_t
row_time (const bf_ledger *self, bf_timer timer, int64_t us)
{
    return timer.source == BF_SOURCE_SLOT_BOOT
               ? bf_scale_from_boot (&self->scale, (bf_boot){us})
               : us;
}

/* Since when the job's slot could fire: the latest of its due time, when the clock was
 * back, and when the job itself was armed. */
static int64_t
reached (const bf_ledger *self, bf_timer timer, const bf_job_row *job)
{
    int64_t reached_us = job->due_us > job->armed_us ? job->due_us : job->armed_us;
    if (timer.reached_us != 0) {
        int64_t back_us = row_time (self, timer, timer.reached_us);
        reached_us = back_us > reached_us ? back_us : reached_us;
    }
    return reached_us;
}

static const char no_time[] = "it was late";
static const char not_alone[] = "a run of an earlier slot is open";
static const char no_room[] = "too many runs of the job are open";

static bf_err
drop_late (bf_ledger *self, bf_job_row *job, const bf_late_verdict *verdict,
           bf_error *error)
{
    bf_drop why = verdict->skipped ? BF_DROP_SKIPPED : BF_DROP_MISSED;
    return bf_slots_drop (self, job, verdict->dropped, why, no_time, error);
}

/* No run comes of it, nor of those that are late together with it: the job moves on behind
 * them. */
static bf_err
drop_slots (bf_ledger *self, bf_job_row *job, const bf_late_verdict *verdict, bool full,
            bf_error *error)
{
    bf_err rc = bf_slots_advance (self, job, verdict->alike.last_us, false, error);
    return rc == BF_OK ? bf_slots_drop (self, job, verdict->alike,
                                        full ? BF_DROP_BUFFER : BF_DROP_OVERLAP,
                                        full ? no_room : not_alone, error)
                       : rc;
}

static bf_err
make_run (bf_ledger *self, bf_job_row *job, const bf_late_verdict *verdict, bool blocked,
          bf_run_row *run, bf_error *error)
{
    int64_t now_us = bf_job_now (self, job);
    bf_birth birth = {
        .origin = BF_ORIGIN_SLOT,
        .clock = job->clock,
        .due_us = verdict->slot_us,
        .lateness_us = now_us - verdict->slot_us,
        .blocked = blocked,
        .failed = verdict->act == BF_SLOT_FAIL,
    };
    job->counts.fired++;
    bool paced = verdict->alike.count > 1;
    bf_err rc = bf_slots_advance (self, job, verdict->slot_us, paced, error);
    if (rc == BF_OK) {
        rc = bf_run_make (self, job, &birth, run, error);
    }
    return rc == BF_OK ? bf_retention_trim (self, job, error) : rc;
}

/* A slot that is delivered is final at its commit: it neither waits nor takes a place among
 * the open runs, so that nobody is in its way. */
static bf_overlap_act
judge_overlap (const bf_job_row *job)
{
    if (job->law.delivery == BF_DELIVERY_NOTIFY) {
        return BF_OVERLAP_FIRE;
    }
    bf_crowd crowd = bf_crowd_of (job->counts.open, job->counts.blocked, job->open_runs);
    return bf_overlap_judge (job->law.overlap, crowd);
}

/* The slot that is to fire, among those of before. *made: it became a run. */
static bf_err
fire_slot (bf_ledger *self, bf_job_row *job, const bf_late_verdict *verdict,
           bf_run_row *run, bool *made, bf_error *error)
{
    bf_overlap_act act = judge_overlap (job);
    bool blocked = act == BF_OVERLAP_BLOCK;
    bf_err rc = BF_OK;
    *made = act != BF_OVERLAP_PASS && act != BF_OVERLAP_DROP;
    if (!*made) {
        return drop_slots (self, job, verdict, act == BF_OVERLAP_DROP, error);
    }
    if (act == BF_OVERLAP_CANCEL) {
        rc = bf_slots_cancel_others (self, job, &blocked, error);
    } else if (act == BF_OVERLAP_TERMINATE) {
        rc = bf_slots_terminate_others (self, job, error);
    }
    return rc == BF_OK ? make_run (self, job, verdict, blocked, run, error) : rc;
}

/* Everything that is decided for the job at this moment. */
static bf_err
decide (bf_ledger *self, bf_timer timer, bf_job_row *job, bf_run_row *run,
        bf_timer_effect *effect, bf_error *error)
{
    bool recurs = bf_trigger_recurs (&job->law.trigger);
    bf_grid grid = {0};
    bf_err rc = recurs ? bf_job_grid_kept (self, job, &grid, error) : BF_OK;
    if (rc != BF_OK) {
        return rc;
    }
    bf_late_verdict verdict =
        bf_late_judge (&job->law.late, recurs ? &grid : NULL, job->due_us,
                       reached (self, timer, job), bf_job_now (self, job));
    bool made = false;
    uint64_t caught_seq = timer.slot_us != 0 ? job->last_seq : 0;
    rc = bf_reminders_close (self, job, error);
    *effect = BF_TIMER_JOB;
    if (rc == BF_OK && verdict.act == BF_SLOT_NONE) {
        rc = bf_slots_advance (self, job, verdict.dropped.last_us, false, error);
    }
    if (rc == BF_OK && verdict.dropped.count > 0) {
        rc = drop_late (self, job, &verdict, error);
    }
    if (rc == BF_OK && verdict.act != BF_SLOT_NONE) {
        rc = fire_slot (self, job, &verdict, run, &made, error);
    }
    if (made) {
        *effect = BF_TIMER_RUN;
    }
    return rc == BF_OK && timer.reached_us != 0
               ? bf_recovery_note (self, job, &verdict, made, caught_seq, error)
               : rc;
}

bf_err
bf_timer_fire (bf_ledger *self, bf_timer timer, bf_job_row *job, bf_run_row *run,
               bf_timer_effect *effect, bf_error *error)
{
    bf_clock clock = timer.source == BF_SOURCE_SLOT_BOOT ? BF_CLOCK_BOOT : BF_CLOCK_WALL;
    *effect = BF_TIMER_STALE;
    bf_err rc = bf_job_load (self, timer.job, job, error);
    if (rc != BF_OK) {
        return rc == BF_ENOTFOUND ? BF_OK : rc;
    }
    int64_t wake_us = row_time (self, timer, timer.due_us);
    if (!bf_job_is_timed (job) || job->clock != clock || job->wake_us != wake_us) {
        return BF_OK;
    }
    if (bf_job_now (self, job) < wake_us) {
        timer.reached_us = 0;
        return bf_outcome_timer (self, true, timer, error);
    }
    /* The clock let go of it when it proposed it: nothing to disarm. */
    job->was_timed = false;
    return decide (self, timer, job, run, effect, error);
}
