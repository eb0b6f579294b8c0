/* SPDX-License-Identifier: MPL-2.0
 *
 * State moves, their events, and the telling of the others. All judgement is core's.
 */
#include "persist/ledger/moves.h"

#include <string.h>

#include "core/retry.h"
#include "messages/limits.h"
#include "messages/translate.h"
#include "persist/ledger/events.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"

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
        job->final_us = self->now.wall.us;
    } else if (!was_open && is_open) {
        self->counters.open_jobs++;
        job->final_us = 0;
    }
    if (next == BF_JOB_CANCELLED || next == BF_JOB_CONFIRMED) {
        job->reason = BF_JOB_NO_REASON;
    }
    job->state = next;
    job->moved = true;
    return BF_OK;
}

/* Counts a run in or out of the gauge of its state. */
static void
gauge_add (bf_ledger *self, bf_run_state state, int change)
{
    if (state == BF_RUN_READY) {
        self->counters.ready_runs += (uint64_t)change;
    } else if (state == BF_RUN_LEASED) {
        self->counters.leased_runs += (uint64_t)change;
    }
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
    gauge_add (self, run->state, -1);
    gauge_add (self, next, 1);
    if (run->state == BF_RUN_LEASED) {
        run->lease_until_us = 0;
        run->run_until_us = 0;
    }
    run->timer_us = 0;
    run->state = next;
    if (!bf_run_is_open (next)) {
        run->final_us = self->now.wall.us;
    }
    return BF_OK;
}

void
bf_job_plan (bf_ledger *self, bf_job_row *job)
{
    job->clock = job->law.trigger.clock;
    job->due_us = job->clock == BF_CLOCK_BOOT
                      ? bf_us_add (self->boot_us, job->law.trigger.us)
                      : job->law.trigger.us;
    job->moved = true;
}

int64_t
bf_job_lateness (const bf_ledger *self, const bf_job_row *job)
{
    int64_t now_us = job->clock == BF_CLOCK_BOOT ? self->boot_us : self->now.wall.us;
    return now_us - job->due_us;
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

bf_err
bf_run_make (bf_ledger *self, bf_job_row *job, const bf_birth *birth, bf_run_row *run,
             bf_error *error)
{
    bool decides = bf_origin_decides (birth->origin, birth->redone_decides);
    job->runs++;
    job->open_runs++;
    if (decides) {
        job->reason = BF_JOB_NO_REASON;
    }
    *run = (bf_run_row){
        .job = job->id,
        .ordinal = job->runs,
        .queue = job->queue,
        .type = job->type,
        .state = BF_RUN_READY,
        .origin = birth->origin,
        .decides = decides,
        .job_version = job->version,
        .clock = birth->clock,
        .due_us = birth->due_us,
        .lateness_us = birth->lateness_us,
        .ready_us = self->boot_us,
        .created_us = self->now.wall.us,
    };
    gauge_add (self, BF_RUN_READY, 1);
    if (job->law.delivery == BF_DELIVERY_WORK && job->law.start_timeout.us > 0) {
        run->timer_us = bf_us_add (self->boot_us, job->law.start_timeout.us);
    }
    bf_err rc = bf_event_write (self, BF_EVENT_RUN_FIRED, job, run,
                                &(bf_event_detail){.job_image = true}, error);
    if (rc == BF_OK && job->law.delivery == BF_DELIVERY_NOTIFY) {
        rc = run_deliver (self, job, run, error);
    }
    return rc;
}

bf_err
bf_run_make_extra (bf_ledger *self, bf_job_row *job, bf_origin origin, bool redone_decides,
                   bf_run_row *run, bf_error *error)
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
    run->lease_until_us = bf_us_add (self->boot_us, job->law.lease.us);
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
        run->timer_us = bf_us_add (run->ready_us, job->law.start_timeout.us);
    }
    return rc;
}

bf_err
bf_run_wake (bf_ledger *self, bf_run_row *run, bf_error *error)
{
    bf_err rc = bf_run_move_to (self, run, BF_RUN_WAKE, error);
    run->ready_us = self->boot_us;
    return rc;
}

/* The job's own end, where this run's end is it. */
static bf_err
job_follow (bf_ledger *self, bf_job_row *job, bf_error *error)
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
    bf_err rc = bf_run_move_to (self, run, move, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (reason) {
        run->reason = reason;
    }
    job->open_runs--;
    if (run->decides && !bf_run_is_withdrawn (job, run)) {
        job->reason = reason_of_end (run->state);
    }
    bf_event_detail detail = {
        .reason = reason,
        .job_image = true,
        .with_payload = kind == BF_EVENT_RUN_DELIVERED,
    };
    rc = bf_event_write (self, kind, job, run, &detail, error);
    return rc == BF_OK ? job_follow (self, job, error) : rc;
}

bf_err
bf_run_fail (bf_ledger *self, bf_job_row *job, bf_run_row *run, const char *reason,
             bool non_retryable, bf_error *error)
{
    run->failures++;
    bf_token token = {run->job, run->ordinal, run->attempt};
    bf_verdict verdict = bf_retry_judge (&job->law.retry, token, run->failures,
                                         non_retryable, bf_run_is_withdrawn (job, run));
    run->reason = reason;
    bf_err rc = BF_OK;
    if (verdict.move == BF_RUN_RETRY) {
        rc = bf_run_move_to (self, run, BF_RUN_RETRY, error);
        run->timer_us = bf_us_add (self->boot_us, verdict.wait.us);
    }
    if (rc == BF_OK) {
        rc = bf_event_write (self, BF_EVENT_RUN_FAILED, job, run,
                             &(bf_event_detail){.reason = reason}, error);
    }
    if (rc == BF_OK && verdict.move == BF_RUN_CANCEL) {
        rc = bf_run_end (self, job, run, BF_RUN_CANCEL, BF_EVENT_RUN_CANCELLED, reason,
                         error);
    } else if (rc == BF_OK && verdict.move == BF_RUN_DIE) {
        rc = bf_run_end (self, job, run, BF_RUN_DIE, BF_EVENT_RUN_DEAD, reason, error);
    }
    return rc;
}

static bf_err
run_flag (bf_ledger *self, const bf_run_row *run, bf_error *error)
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
    bf_err rc = bf_run_list (self, job->id, 0, true, job->open_runs, &runs, &count, error);
    for (size_t i = 0; rc == BF_OK && i < count; i++) {
        bf_run_row *run = &runs[i];
        if (run->state == BF_RUN_LEASED) {
            rc = run_flag (self, run, error);
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

/* What the clock watches for this job: the source says on which clock. */
static bf_timer
slot_timer (const bf_ledger *self, const bf_job_row *job, bf_clock clock, int64_t due_us)
{
    bf_timer timer = {BF_SOURCE_SLOT_WALL, job->id, 0, due_us, job->queue};
    if (clock == BF_CLOCK_BOOT) {
        timer.source = BF_SOURCE_SLOT_BOOT;
        timer.due_us = bf_scale_to_boot (&self->scale, due_us).us;
    }
    return timer;
}

bf_err
bf_job_tell (bf_ledger *self, const bf_job_row *job, bf_error *error)
{
    bool is_timed = bf_job_is_timed (job);
    bool stays = is_timed && job->clock == job->was_clock;
    if (job->was_timed && !stays) {
        bf_err rc = bf_outcome_timer (
            self, false, slot_timer (self, job, job->was_clock, job->was_due_us), error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    bool same = job->was_timed && stays && job->due_us == job->was_due_us &&
                job->queue == job->was_queue;
    if (is_timed && !same) {
        return bf_outcome_timer (self, true,
                                 slot_timer (self, job, job->clock, job->due_us), error);
    }
    return BF_OK;
}

bf_err
bf_job_put (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bf_err rc = bf_job_save (self, job, error);
    return rc == BF_OK ? bf_job_tell (self, job, error) : rc;
}

static bf_err
tell_clock (bf_ledger *self, const bf_run_row *run, bf_error *error)
{
    if (run->timer_us == run->was_timer_us) {
        return BF_OK;
    }
    bf_timer timer = {BF_SOURCE_RUN, run->job, run->ordinal, 0, run->queue};
    if (run->timer_us) {
        timer.due_us = bf_scale_to_boot (&self->scale, run->timer_us).us;
    }
    return bf_outcome_timer (self, run->timer_us != 0, timer, error);
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
    opened->lease_us = job->law.lease.us;
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
