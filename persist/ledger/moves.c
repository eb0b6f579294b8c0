/* SPDX-License-Identifier: MPL-2.0
 *
 * State moves and their events. All judgement is core's; the rows are written, and the
 * others told, by put.c.
 */
#include "persist/ledger/moves.h"

#include "core/retry.h"
#include "messages/limits.h"
#include "messages/translate.h"
#include "persist/ledger/events.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/recurrences.h"
#include "persist/ledger/reminders.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/stats.h"

bf_err
bf_job_move_to (bf_ledger *self, bf_job_row *job, bf_job_move move, bf_error *error)
{
    bf_job_state next = bf_job_next (job->state, move);
    if (next == 0) {
        return bf_fail (error, BF_ESTATE, "job %llu is %s, which does not allow %s",
                        (unsigned long long)job->id, bf_job_state_name (job->state),
                        move == BF_JOB_TOUCH ? "pause, resume or trigger"
                                             : bf_job_move_name (move));
    }
    bool was_open = bf_job_is_open (job->state);
    bool is_open = bf_job_is_open (next);
    if (was_open && !is_open) {
        self->counters.open_jobs--;
        self->counters.final_jobs++;
        job->final_us = self->now.wall.us;
    } else if (!was_open && is_open) {
        self->counters.open_jobs++;
        self->counters.final_jobs--;
        job->final_us = 0;
    }
    if (next == BF_JOB_CANCELLED || next == BF_JOB_CONFIRMED) {
        job->reason = BF_JOB_NO_REASON;
    }
    job->state = next;
    job->moved = true;
    if (next != BF_JOB_SCHEDULED) {
        job->remind_us = 0;
    }
    return BF_OK;
}

/* Counts a run in or out of the gauges of its state. */
static bf_err
gauge_add (bf_ledger *self, const bf_run_row *run, bf_run_state state, int change,
           bf_error *error)
{
    if (state == BF_RUN_READY) {
        self->counters.ready_runs += (uint64_t)change;
    } else if (state == BF_RUN_LEASED) {
        self->counters.leased_runs += (uint64_t)change;
    }
    return bf_depth_add (self, run->queue, state, change, error);
}

bf_err
bf_run_move_to (bf_ledger *self, bf_run_row *run, bf_run_move move, bf_error *error)
{
    bf_run_state next = bf_run_next (run->state, move);
    if (next == 0) {
        return bf_fail (error, BF_ESTATE, "run %llu.%u is %s, which does not allow %s",
                        (unsigned long long)run->job, run->ordinal,
                        bf_run_state_name (run->state), bf_run_move_name (move));
    }
    bf_err rc = gauge_add (self, run, run->state, -1, error);
    if (rc == BF_OK) {
        rc = gauge_add (self, run, next, 1, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    if (run->state == BF_RUN_LEASED) {
        run->lease_until_us = 0;
        run->lease_us = 0;
        run->run_until_us = 0;
    }
    run->timer_us = 0;
    run->state = next;
    if (!bf_run_is_open (next)) {
        run->final_us = self->now.wall.us;
    }
    return BF_OK;
}

int64_t
bf_job_now (const bf_ledger *self, const bf_job_row *job)
{
    return job->clock == BF_CLOCK_BOOT ? self->boot_us : self->now.wall.us;
}

void
bf_job_arm (bf_ledger *self, bf_job_row *job)
{
    job->armed_us = bf_job_now (self, job);
    job->wake_us = job->due_us;
    job->moved = true;
}

bf_err
bf_job_plan (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    const bf_trigger *trigger = &job->law.trigger;
    job->clock = bf_trigger_clock (trigger);
    int64_t now_us = bf_job_now (self, job);
    const bf_zone *zone = bf_zone_utc ();
    bf_err rc = bf_trigger_is_zoned (trigger) ? bf_zone_of (self, trigger->tz, &zone, error)
                                              : BF_OK;
    if (rc != BF_OK) {
        return rc;
    }
    job->anchor_us = bf_trigger_anchor (trigger, zone, now_us);
    job->counts.fired = 0;
    if (bf_trigger_recurs (trigger)) {
        bf_grid grid;
        rc = bf_job_grid (self, job, &grid, error);
        if (rc != BF_OK) {
            return rc;
        }
        if (!bf_grid_next (&grid, now_us, &job->due_us)) {
            return bf_fail (error, BF_EINVALID,
                            "end_us leaves the job no slot: set it later, or not at all");
        }
    } else {
        int64_t from_us = trigger->kind == BF_TRIGGER_AFTER ? now_us : 0;
        job->due_us = bf_us_add (bf_us_add (from_us, trigger->us),
                                 bf_trigger_offset (trigger, job->id).us);
    }
    bf_job_arm (self, job);
    bf_reminders_plan (self, job, INT64_MIN, job->armed_us,
                       "it was past when the job was given this time");
    return BF_OK;
}

static bf_err
run_deliver (bf_ledger *self, bf_job_row *job, bf_run_row *run, bf_error *error)
{
    bf_err rc = bf_job_load_payload (self, job, error);
    if (rc == BF_OK) {
        rc = bf_run_end (self, job, run, BF_RUN_DELIVER, BF_EVENT_RUN_DELIVERED, NULL,
                         error);
    }
    return rc;
}

/* A failed attempt, or a slot that was missed: the event, and the end where it is the last.
 * The failure is counted already. */
static bf_err
run_failed (bf_ledger *self, bf_job_row *job, bf_run_row *run, const char *reason,
            bf_verdict verdict, bf_error *error)
{
    bf_err rc = bf_event_write (self, BF_EVENT_RUN_FAILED, job, run,
                                &(bf_event_detail){.reason = reason}, error);
    if (rc == BF_OK && verdict.move == BF_RUN_CANCEL) {
        rc = bf_run_end (self, job, run, BF_RUN_CANCEL, BF_EVENT_RUN_CANCELLED, reason,
                         error);
    } else if (rc == BF_OK && verdict.move == BF_RUN_DIE) {
        rc = bf_run_end (self, job, run, BF_RUN_DIE, BF_EVENT_RUN_DEAD, reason, error);
    }
    return rc;
}

static bf_verdict
judge_failure (const bf_ledger *self, const bf_job_row *job, const bf_run_row *run,
               bool non_retryable)
{
    bf_token token = {run->job, run->ordinal, run->attempt};
    bf_span age = {self->boot_us - run->born_us};
    bf_verdict verdict = bf_retry_judge (&job->law.retry, token, run->failures, age,
                                         non_retryable, bf_run_is_withdrawn (job, run));
    /* No attempt at a reminder begins when its slot is due. */
    int64_t again_us = bf_us_add (bf_job_now (self, job), verdict.wait.us);
    if (run->origin == BF_ORIGIN_REMINDER && verdict.move == BF_RUN_RETRY &&
        again_us >= bf_us_add (run->due_us, run->remind_before_us)) {
        verdict.move = BF_RUN_DIE;
    }
    return verdict;
}

/* The state that a run begins in, with its event. */
static bf_err
run_begin (bf_ledger *self, bf_job_row *job, bf_run_row *run, const bf_birth *birth,
           bf_error *error)
{
    static const char missed[] = "missed";
    bf_verdict verdict = {.move = BF_RUN_MOVES};
    bool works = job->law.delivery == BF_DELIVERY_WORK;
    if (works && job->law.start_timeout.us > 0) {
        run->timer_us = bf_us_add (self->boot_us, job->law.start_timeout.us);
    }
    if (birth->failed) {
        run->failures = 1;
        run->reason = missed;
        verdict = judge_failure (self, job, run, false);
    }
    if (birth->blocked && verdict.move != BF_RUN_DIE) {
        run->state = BF_RUN_BLOCKED;
        job->counts.blocked++;
    } else if (birth->failed) {
        run->state = BF_RUN_RETRY_WAIT;
        run->timer_us = bf_us_add (self->boot_us, verdict.wait.us);
    }
    bf_event_kind kind =
        run->state == BF_RUN_BLOCKED ? BF_EVENT_RUN_BLOCKED : BF_EVENT_RUN_FIRED;
    if (run->origin == BF_ORIGIN_REMINDER) {
        kind = BF_EVENT_REMINDER_FIRED;
    }
    bf_err rc = gauge_add (self, run, run->state, 1, error);
    if (rc == BF_OK) {
        rc = bf_event_write (self, kind, job, run, &(bf_event_detail){.job_image = true},
                             error);
    }
    if (rc == BF_OK && birth->failed) {
        rc = run_failed (self, job, run, missed, verdict, error);
    } else if (rc == BF_OK && !works) {
        rc = run_deliver (self, job, run, error);
    }
    return rc;
}

bf_err
bf_run_make (bf_ledger *self, bf_job_row *job, const bf_birth *birth, bf_run_row *run,
             bf_error *error)
{
    bool decides = bf_origin_decides (birth->origin, birth->redone_decides);
    job->runs++;
    job->open_runs++;
    if (decides) {
        job->counts.open++;
        job->reason = BF_JOB_NO_REASON;
    }
    *run = (bf_run_row){
        .job = job->id,
        .ordinal = job->runs,
        .queue = birth->type ? birth->queue : job->queue,
        .type = birth->type ? birth->type : job->type,
        .state = BF_RUN_READY,
        .origin = birth->origin,
        .decides = decides,
        .job_version = job->version,
        .clock = birth->clock,
        .due_us = birth->due_us,
        .lateness_us = birth->lateness_us,
        .born_us = self->boot_us,
        .ready_us = self->boot_us,
        .created_us = self->now.wall.us,
        .remind_before_us = birth->remind_before_us,
    };
    return run_begin (self, job, run, birth, error);
}

bf_err
bf_run_unblock (bf_ledger *self, bf_job_row *job, bf_run_row *run, bf_error *error)
{
    int64_t timer_us = run->timer_us;
    bf_err rc = bf_run_move_to (self, run, BF_RUN_UNBLOCK, error);
    if (rc != BF_OK) {
        return rc;
    }
    job->counts.blocked--;
    run->timer_us = timer_us;
    run->ready_us = self->boot_us;
    return bf_event_write (self, BF_EVENT_RUN_FIRED, job, run,
                           &(bf_event_detail){.job_image = true}, error);
}

bf_err
bf_run_make_extra (bf_ledger *self, bf_job_row *job, bf_origin origin, bool redone_decides,
                   const bf_run_row *redone, bf_run_row *run, bf_error *error)
{
    if (job->open_runs >= BF_OPEN_RUNS) {
        return bf_fail (
            error, BF_ELIMIT,
            "job %llu has %u open runs, the most that one may have: let some of "
            "them end first",
            (unsigned long long)job->id, job->open_runs);
    }
    bf_birth birth = {
        .origin = origin,
        .redone_decides = redone_decides,
        .clock = BF_CLOCK_WALL,
        .due_us = self->now.wall.us,
    };
    /* A reminder stays one for its own workers. */
    if (redone && redone->type != job->type && redone->job_version == job->version) {
        birth.type = redone->type;
        birth.queue = redone->queue;
    }
    return bf_run_make (self, job, &birth, run, error);
}

bf_err
bf_run_lease (bf_ledger *self, bf_job_row *job, bf_run_row *run, const char *worker,
              bf_error *error)
{
    bf_err rc = bf_run_move_to (self, run, BF_RUN_CLAIM, error);
    if (rc != BF_OK) {
        return rc;
    }
    run->attempt++;
    run->worker = worker;
    run->claimed_us = self->now.wall.us;
    run->lease_us = job->law.lease.us;
    run->lease_until_us = bf_us_add (self->boot_us, run->lease_us);
    if (job->law.run_timeout.us > 0) {
        run->run_until_us = bf_us_add (self->boot_us, job->law.run_timeout.us);
    }
    return bf_event_write (self, BF_EVENT_RUN_CLAIMED, job, run, NULL, error);
}

bf_err
bf_run_return (bf_ledger *self, const bf_job_row *job, bf_run_row *run, bf_error *error)
{
    bf_err rc = bf_run_move_to (self, run, BF_RUN_RETURN, error);
    bool unseen = run->attempt == 1 && run->failures == 0;
    if (rc == BF_OK && unseen && job->law.start_timeout.us > 0) {
        run->timer_us = bf_us_add (run->born_us, job->law.start_timeout.us);
    }
    return rc;
}

bf_err
bf_run_wake (bf_ledger *self, const bf_job_row *job, bf_run_row *run, bf_error *error)
{
    bf_err rc = bf_run_move_to (self, run, BF_RUN_WAKE, error);
    run->ready_us = self->boot_us;
    if (rc == BF_OK && run->attempt == 0 && job->law.start_timeout.us > 0) {
        run->timer_us = bf_us_add (self->boot_us, job->law.start_timeout.us);
    }
    return rc;
}

bf_err
bf_job_follow (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bf_job_move move = bf_job_judge (job->state, job->state == BF_JOB_SCHEDULED,
                                     job->open_runs, job->reason != BF_JOB_NO_REASON);
    if (move == BF_JOB_MOVES) {
        return BF_OK;
    }
    bf_err rc = bf_job_move_to (self, job, move, error);
    if (rc != BF_OK) {
        return rc;
    }
    bf_event_kind kind = move == BF_JOB_FAIL ? BF_EVENT_JOB_DEAD : BF_EVENT_JOB_COMPLETED;
    const char *reason =
        job->reason == BF_JOB_NO_REASON ? NULL : bf_job_reason_name (job->reason);
    return bf_event_write (self, kind, job, NULL,
                           &(bf_event_detail){.job_image = true, .reason = reason}, error);
}

/* What the end of the run that decides makes of its job. */
static bf_job_reason
reason_of_end (bf_run_state state)
{
    switch (state) {
    case BF_RUN_DEAD:
        return BF_JOB_RUN_DEAD;
    case BF_RUN_EXPIRED:
        return BF_JOB_EXPIRED;
    default:
        return BF_JOB_NO_REASON;
    }
}

bf_err
bf_run_end (bf_ledger *self, bf_job_row *job, bf_run_row *run, bf_run_move move,
            bf_event_kind kind, const char *reason, bf_error *error)
{
    bool was_blocked = run->state == BF_RUN_BLOCKED;
    bf_err rc = bf_run_move_to (self, run, move, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (reason) {
        run->reason = reason;
    }
    job->open_runs--;
    if (run->decides) {
        job->counts.open--;
        job->counts.blocked -= was_blocked;
    }
    if (run->decides && !bf_run_is_withdrawn (job, run)) {
        job->reason = reason_of_end (run->state);
    }
    bf_event_detail detail = {
        .reason = reason,
        .job_image = true,
        .with_payload = kind == BF_EVENT_RUN_DELIVERED,
    };
    rc = bf_event_write (self, kind, job, run, &detail, error);
    return rc == BF_OK ? bf_job_follow (self, job, error) : rc;
}

bf_err
bf_run_fail (bf_ledger *self, bf_job_row *job, bf_run_row *run, const char *reason,
             bool non_retryable, bf_error *error)
{
    run->failures++;
    run->reason = reason;
    bf_verdict verdict = judge_failure (self, job, run, non_retryable);
    bf_err rc = BF_OK;
    if (verdict.move == BF_RUN_RETRY) {
        rc = bf_run_move_to (self, run, BF_RUN_RETRY, error);
        run->timer_us = bf_us_add (self->boot_us, verdict.wait.us);
    }
    return rc == BF_OK ? run_failed (self, job, run, reason, verdict, error) : rc;
}

bf_err
bf_run_flag (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    Belfry__Internal__Attempt *attempt = bf_arena_alloc (self->arena, sizeof *attempt);
    if (!attempt) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_attempt_to_wire ((bf_token){run->job, run->ordinal, run->attempt}, attempt);
    return bf_outcome_retry (self, BELFRY__INTERNAL__RETRY_ITEM__ITEM_FLAGGED, attempt,
                             error);
}

bf_err
bf_job_withdraw_runs (bf_ledger *self, bf_job_row *job, const char *reason, bf_error *error)
{
    if (job->open_runs == 0) {
        return BF_OK;
    }
    bf_run_row *runs;
    size_t count;
    bf_err rc = bf_run_list_open (self, job, false, &runs, &count, error);
    for (size_t i = 0; rc == BF_OK && i < count; i++) {
        bf_run_row *run = &runs[i];
        if (run->state == BF_RUN_LEASED) {
            rc = bf_run_flag (self, run, error);
            continue;
        }
        rc = bf_run_end (self, job, run, BF_RUN_CANCEL, BF_EVENT_RUN_CANCELLED, reason,
                         error);
        if (rc == BF_OK) {
            rc = bf_run_put (self, job, run, error);
        }
    }
    return rc;
}
