/* SPDX-License-Identifier: MPL-2.0
 *
 * Complete: the work is done. The same attempt may say so twice.
 */
#include "core/base/hash.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/rows.h"

bf_err
bf_command_complete (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                     bf_error *error)
{
    const Belfry__V1__Complete *in = request->complete;
    bf_token token;
    bf_job_row job;
    bf_run_row run;
    answer->result = BELFRY__V1__REPLY__RESULT_RUNS;
    bf_err rc = bf_token_load (self, in->token, &token, &job, &run, error);
    if (rc == BF_OK) {
        rc = bf_answer_add_run (self, answer, (bf_token){run.job, run.ordinal, 0}, error);
    }
    if (rc == BF_OK && run.state == BF_RUN_SUCCEEDED && run.attempt == token.attempt) {
        answer->unchanged = true;
        return BF_OK;
    }
    if (rc == BF_OK) {
        rc = bf_token_check (token, &run, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    run.reason = NULL;
    run.result = in->result;
    rc =
        bf_run_end (self, &job, &run, BF_RUN_COMPLETE, BF_EVENT_RUN_SUCCEEDED, NULL, error);
    if (rc == BF_OK) {
        rc = bf_run_put (self, &job, &run, error);
    }
    if (rc == BF_OK && run.result.len > 0) {
        rc = bf_run_save_result (self, &run, error);
    }
    return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
}
