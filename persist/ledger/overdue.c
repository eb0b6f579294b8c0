/* SPDX-License-Identifier: MPL-2.0
 *
 * Leases that ran out, by heartbeat or by run_timeout: a failure of the attempt, if the row
 * still has it so. Where the batch is full the rest is not judged: those leases stay open,
 * and retry, which hears that its proposal is settled, proposes them again.
 */
#include "messages/translate.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/rows.h"

static bf_err
judge_lease (bf_ledger *self, const Belfry__Internal__OverdueLease *overdue,
             bf_error *error)
{
    bf_token token = bf_attempt_from_wire (overdue->attempt);
    bf_job_row job;
    bf_run_row run;
    bf_err rc = bf_run_load (self, token.job, token.ordinal, &run, error);
    if (rc == BF_OK) {
        rc = bf_job_load (self, token.job, &job, error);
    }
    if (rc != BF_OK) {
        return rc == BF_ENOTFOUND ? BF_OK : rc;
    }
    if (run.state != BF_RUN_LEASED || run.attempt != token.attempt) {
        return BF_OK;
    }
    rc = bf_run_fail (self, &job, &run,
                      overdue->run_timeout ? "run_timeout passed" : "the lease expired",
                      false, error);
    if (rc == BF_OK) {
        rc = bf_run_put (self, &job, &run, error);
    }
    return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
}

bf_err
bf_judge_overdue (bf_ledger *self, const Belfry__Internal__Overdue *overdue,
                  bf_error *error)
{
    bf_err rc = bf_ledger_write_begin (self, error);
    bool room = true; /* for one in any case, so that all are judged in the end */
    for (size_t i = 0; rc == BF_OK && room && i < overdue->n_leases; i++) {
        rc = judge_lease (self, overdue->leases[i], error);
        room = bf_ledger_has_room (self);
    }
    return rc == BF_OK ? bf_outcome_retry_settled (self, overdue->batch, error) : rc;
}
