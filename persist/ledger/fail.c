/* SPDX-License-Identifier: MPL-2.0
 *
 * Fail: the work failed. Again, or dead: core/retry.h judges.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/moves.h"

bf_err
bf_command_fail (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                 bf_error *error)
{
    const Belfry__V1__Fail *in = request->fail;
    bf_token token;
    bf_job_row job;
    bf_run_row run;
    answer->result = BELFRY__V1__REPLY__RESULT_RUNS;
    bf_err rc = bf_token_load (self, in->token, &token, &job, &run, error);
    if (rc == BF_OK) {
        rc = bf_token_check (token, &run, error);
    }
    if (rc == BF_OK) {
        const char *reason = in->reason[0] ? in->reason : "failed";
        rc = bf_run_fail (self, &job, &run, reason, in->non_retryable, error);
    }
    if (rc == BF_OK) {
        rc = bf_run_put (self, &job, &run, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_put (self, &job, error);
    }
    return rc == BF_OK ? bf_answer_add_run (self, answer,
                                            (bf_token){run.job, run.ordinal, 0}, error)
                       : rc;
}
