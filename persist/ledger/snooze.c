/* SPDX-License-Identifier: MPL-2.0
 *
 * Snooze: the worker gives the lease back and asks for the run again later. No failure is
 * counted.
 */
#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/render.h"

/* When to wake, in the boot scale: an instant of the wall clock is a length from now. */
static bf_err
wake_at (const bf_ledger *self, const Belfry__V1__Snooze *in, int64_t *us, bf_error *error)
{
    int64_t wait_us = in->for_us;
    if (in->until_case == BELFRY__V1__SNOOZE__UNTIL_AT_US) {
        wait_us = in->at_us > self->now.wall.us ? in->at_us - self->now.wall.us : 0;
    }
    if (wait_us > BF_SNOOZE_MAX_US) {
        return bf_fail (error, BF_EINVALID,
                        "at_us is more than a year ahead: fail the run, or "
                        "schedule a job for then");
    }
    *us = bf_us_add (self->boot_us, wait_us);
    return BF_OK;
}

/* A withdrawn run is not given out again. */
static bf_err
put_off (bf_ledger *self, bf_job_row *job, bf_run_row *run, int64_t until_us,
         const char *reason, bf_error *error)
{
    bf_err rc = bf_run_move_to (self, run, BF_RUN_SNOOZE, error);
    if (rc != BF_OK) {
        return rc;
    }
    run->timer_us = until_us;
    run->reason = reason;
    return bf_event_write (self, BF_EVENT_RUN_SNOOZED, job, run,
                           &(bf_event_detail){.reason = reason}, error);
}

bf_err
bf_command_snooze (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                   bf_error *error)
{
    const Belfry__V1__Snooze *in = request->snooze;
    bf_token token;
    bf_job_row job;
    bf_run_row run;
    int64_t until_us = 0;
    const char *reason = in->reason[0] ? in->reason : NULL;
    answer->result = BELFRY__V1__REPLY__RESULT_RUNS;
    bf_err rc = bf_token_load (self, in->token, &token, &job, &run, error);
    if (rc == BF_OK) {
        rc = bf_token_check (token, &run, error);
    }
    if (rc == BF_OK) {
        rc = wake_at (self, in, &until_us, error);
    }
    if (rc == BF_OK && bf_run_is_withdrawn (&job, &run)) {
        rc = bf_run_end (self, &job, &run, BF_RUN_CANCEL, BF_EVENT_RUN_CANCELLED, reason,
                         error);
    } else if (rc == BF_OK) {
        rc = put_off (self, &job, &run, until_us, reason, error);
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
