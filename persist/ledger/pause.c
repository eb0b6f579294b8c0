/* SPDX-License-Identifier: MPL-2.0
 *
 * Pause and Resume: a flag beside the state. What is paused is not armed. What was due
 * meanwhile is late when the job is resumed, or, resumed from now, missed.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/reminders.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/slots.h"

/* The job, as it is before the command. *unchanged: there is nothing to do. */
static bf_err
begin (bf_ledger *self, const Belfry__V1__JobRef *ref, uint32_t if_version, bool paused,
       bf_job_row *job, bool *unchanged, bf_answer *answer, bf_error *error)
{
    bf_err rc = bf_ref_load (self, ref, if_version, job, error);
    if (rc == BF_OK) {
        rc = bf_job_move_to (self, job, BF_JOB_TOUCH, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    *unchanged = job->paused == paused;
    job->paused = paused;
    return bf_answer_add_job (self, answer, job,
                              *unchanged ? BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED
                                         : BELFRY__V1__OUTCOME__OUTCOME_CHANGED,
                              NULL, error);
}

bf_err
bf_command_pause (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                  bf_error *error)
{
    const Belfry__V1__Pause *in = request->pause;
    bf_job_row job;
    bool unchanged;
    bf_err rc =
        begin (self, in->job, in->if_version, true, &job, &unchanged, answer, error);
    if (rc != BF_OK || unchanged) {
        return rc;
    }
    bf_event_detail detail = {
        .job_image = true,
        .reason = in->reason[0] ? in->reason : NULL,
    };
    rc = bf_event_write (self, BF_EVENT_JOB_PAUSED, &job, NULL, &detail, error);
    return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
}

/* From now: what was due during the pause is missed. */
static bf_err
forgo (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bool recurs = bf_trigger_recurs (&job->law.trigger);
    bf_grid grid = {0};
    bf_err rc = recurs ? bf_job_grid_kept (self, job, &grid, error) : BF_OK;
    if (rc != BF_OK) {
        return rc;
    }
    bf_late_verdict verdict =
        bf_late_forgo (recurs ? &grid : NULL, job->due_us, bf_job_now (self, job));
    if (verdict.dropped.count == 0) {
        return BF_OK;
    }
    rc = bf_reminders_close (self, job, error);
    if (rc == BF_OK) {
        rc = bf_slots_advance (self, job, verdict.dropped.last_us, false, error);
    }
    return rc == BF_OK ? bf_slots_drop (self, job, verdict.dropped, BF_DROP_MISSED,
                                        "the job was paused", error)
                       : rc;
}

bf_err
bf_command_resume (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                   bf_error *error)
{
    const Belfry__V1__Resume *in = request->resume;
    bf_job_row job;
    bool unchanged;
    bf_err rc =
        begin (self, in->job, in->if_version, false, &job, &unchanged, answer, error);
    if (rc != BF_OK || unchanged) {
        return rc;
    }
    bf_job_arm (self, &job);
    if (job.remind_us != 0) {
        bf_reminders_plan (self, &job, job.remind_us, job.armed_us, "the job was paused");
    }
    rc = bf_event_write (self, BF_EVENT_JOB_RESUMED, &job, NULL,
                         &(bf_event_detail){.job_image = true}, error);
    if (rc == BF_OK) {
        rc = bf_reminders_tell (self, &job, error);
    }
    bool from_now = in->from == BELFRY__V1__RESUME_FROM__RESUME_FROM_NOW;
    if (rc == BF_OK && from_now && job.state == BF_JOB_SCHEDULED) {
        rc = forgo (self, &job, error);
    }
    return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
}
