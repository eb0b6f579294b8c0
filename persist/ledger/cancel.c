/* SPDX-License-Identifier: MPL-2.0
 *
 * Cancel: the job ends, and so does everything of it that no worker has.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"

bf_err
bf_command_cancel (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                   bf_error *error)
{
    const Belfry__V1__Cancel *in = request->cancel;
    bf_job_row job;
    bf_err rc = bf_ref_load (self, in->job, in->if_version, &job, error);
    if (rc != BF_OK) {
        return rc;
    }
    bool unchanged = job.state == BF_JOB_CANCELLED;
    rc = bf_answer_add_job (self, answer, &job,
                            unchanged ? BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED
                                      : BELFRY__V1__OUTCOME__OUTCOME_CHANGED,
                            NULL, error);
    if (rc != BF_OK || unchanged) {
        return rc;
    }
    rc = bf_job_move_to (self, &job, BF_JOB_CANCEL, error);
    if (rc == BF_OK) {
        const char *reason = in->reason[0] ? in->reason : NULL;
        bf_event_detail detail = {.job_image = true, .reason = reason};
        rc = bf_event_write (self, BF_EVENT_JOB_CANCELLED, &job, NULL, &detail, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_withdraw_runs (self, &job, "the job was cancelled", error);
    }
    return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
}
