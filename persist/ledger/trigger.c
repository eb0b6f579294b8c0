/* SPDX-License-Identifier: MPL-2.0
 *
 * Trigger: an extra run now, beside the slot.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"

bf_err
bf_command_trigger (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                    bf_error *error)
{
    const Belfry__V1__Trigger *in = request->trigger;
    bf_job_row job;
    bf_run_row run;
    bf_err rc = bf_ref_load (self, in->job, in->if_version, &job, error);
    if (rc == BF_OK) {
        rc = bf_job_move_to (self, &job, BF_JOB_TOUCH, error);
    }
    if (rc == BF_OK) {
        rc = bf_event_write (self, BF_EVENT_JOB_TRIGGERED, &job, NULL,
                             &(bf_event_detail){.job_image = true}, error);
    }
    if (rc == BF_OK) {
        rc = bf_run_make_extra (self, &job, BF_ORIGIN_TRIGGERED, false, NULL, &run, error);
    }
    if (rc == BF_OK) {
        rc = bf_run_put (self, &job, &run, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_put (self, &job, error);
    }
    answer->result = BELFRY__V1__REPLY__RESULT_RUNS;
    return rc == BF_OK ? bf_answer_add_run (self, answer,
                                            (bf_token){run.job, run.ordinal, 0}, error)
                       : rc;
}
