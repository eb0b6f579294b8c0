/* SPDX-License-Identifier: MPL-2.0
 *
 * Leases whose answer could not be sent: ready again at once, no failure counted; and the
 * answer is forgotten, so that a repeat of the claim is a new one. They are those of one
 * claim, which bounds what they take: no payload is loaded for them.
 */
#include "messages/translate.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"

static const char reason[] = "the answer could not be delivered";

static bf_err
give_back (bf_ledger *self, bf_job_row *job, bf_run_row *run, bf_error *error)
{
    if (bf_run_is_withdrawn (job, run)) {
        return bf_run_end (self, job, run, BF_RUN_CANCEL, BF_EVENT_RUN_CANCELLED, reason,
                           error);
    }
    bf_err rc = bf_run_return (self, job, run, error);
    return rc == BF_OK ? bf_event_write (self, BF_EVENT_RUN_RETURNED, job, run,
                                         &(bf_event_detail){.reason = reason}, error)
                       : rc;
}

static bf_err
judge_attempt (bf_ledger *self, bf_token token, bf_error *error)
{
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
    rc = give_back (self, &job, &run, error);
    if (rc == BF_OK) {
        rc = bf_run_put (self, &job, &run, error);
    }
    return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
}

bf_err
bf_judge_returned (bf_ledger *self, const Belfry__Internal__Returned *returned,
                   bf_error *error)
{
    bf_err rc = bf_ledger_write_begin (self, error);
    for (size_t i = 0; rc == BF_OK && i < returned->n_attempts; i++) {
        rc = judge_attempt (self, bf_attempt_from_wire (returned->attempts[i]), error);
    }
    return rc == BF_OK
               ? bf_answer_forget (self, returned->client, returned->request_id, error)
               : rc;
}
