/* SPDX-License-Identifier: MPL-2.0
 *
 * Pause and Resume: a flag beside the state. What is paused is not armed; what is resumed
 * past its due time fires at once.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"

static bf_err
set_paused (bf_ledger *self, const Belfry__V1__JobRef *ref, bool paused, bf_event_kind kind,
            bf_answer *answer, bf_error *error)
{
    bf_job_row job;
    bf_err rc = bf_ref_load (self, ref, &job, error);
    if (rc == BF_OK) {
        rc = bf_job_move_to (self, &job, BF_JOB_TOUCH, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    bool unchanged = job.paused == paused;
    rc = bf_answer_add_job (self, answer, &job,
                            unchanged ? BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED
                                      : BELFRY__V1__OUTCOME__OUTCOME_CHANGED,
                            NULL, error);
    if (rc != BF_OK || unchanged) {
        return rc;
    }
    job.paused = paused;
    rc = bf_event_write (self, kind, &job, NULL, &(bf_event_detail){.job_image = true},
                         error);
    return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
}

bf_err
bf_command_pause (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                  bf_error *error)
{
    return set_paused (self, request->pause->job, true, BF_EVENT_JOB_PAUSED, answer, error);
}

bf_err
bf_command_resume (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                   bf_error *error)
{
    return set_paused (self, request->resume->job, false, BF_EVENT_JOB_RESUMED, answer,
                       error);
}
