/* SPDX-License-Identifier: MPL-2.0
 *
 * Confirm: what the job waited for has come. Before the slot's commit nothing fires; after
 * it the answer is TOO_LATE, with what there is to see, unless nobody has begun and the
 * caller asked for the run to be taken back.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/rows.h"

/* Runs that TOO_LATE shows beside the open ones. */
#define RUNS_SHOWN 10

/* Shows every run that is open, and the newest of the others. */
static bf_err
show_runs (bf_ledger *self, const bf_job_row *job, Belfry__Internal__StoredJob *stored,
           const bf_run_row **newest, bf_error *error)
{
    bf_run_row *open;
    bf_run_row *runs;
    size_t open_count;
    size_t count = 0;
    stored->n_out = 0;
    bf_err rc = bf_run_list_open (self, job, false, &open, &open_count, error);
    if (rc == BF_OK) {
        rc = bf_run_list (self, job->id, 0, RUNS_SHOWN, &runs, &count, error);
    }
    for (size_t i = 0; rc == BF_OK && i < open_count; i++) {
        rc = bf_stored_job_out (self, stored, open[i].ordinal, error);
    }
    for (size_t i = 0; rc == BF_OK && i < count; i++) {
        if (!bf_run_is_open (runs[i].state)) {
            rc = bf_stored_job_out (self, stored, runs[i].ordinal, error);
        }
    }
    *newest = count > 0 ? runs : NULL;
    return rc;
}

static bf_err
too_late (bf_ledger *self, const bf_job_row *job, Belfry__Internal__StoredJob *stored,
          bf_error *error)
{
    const bf_run_row *newest = NULL;
    stored->outcome = BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED;
    bf_err rc = show_runs (self, job, stored, &newest, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (!newest) {
        return bf_fail (error, BF_ETOOLATE,
                        "job %llu is %s: its slot is decided, and no run is left of it",
                        (unsigned long long)job->id, bf_job_state_name (job->state));
    }
    return bf_fail (
        error, BF_ETOOLATE, "job %llu is %s: its slot is committed, run %llu.%u is %s",
        (unsigned long long)job->id, bf_job_state_name (job->state),
        (unsigned long long)job->id, newest->ordinal, bf_run_state_name (newest->state));
}

static bf_err
end_job (bf_ledger *self, bf_job_row *job, bf_job_move move, bf_event_kind kind,
         bf_error *error)
{
    bf_err rc = bf_job_move_to (self, job, move, error);
    if (rc == BF_OK) {
        bf_event_detail detail = {.job_image = true, .reason = "confirmed"};
        rc = bf_event_write (self, kind, job, NULL, &detail, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_withdraw_runs (self, job, "the job was confirmed", error);
    }
    return rc == BF_OK ? bf_job_put (self, job, error) : rc;
}

bf_err
bf_command_confirm (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                    bf_error *error)
{
    const Belfry__V1__Confirm *in = request->confirm;
    bf_job_row job;
    bf_err rc = bf_ref_load (self, in->job, in->if_version, &job, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (bf_trigger_recurs (&job.law.trigger)) {
        return bf_fail (
            error, BF_ESTATE,
            "job %llu is recurring, which cannot be confirmed: schedule one job "
            "for each deadline",
            (unsigned long long)job.id);
    }
    bool unchanged = job.state == BF_JOB_CONFIRMED;
    Belfry__Internal__StoredJob *stored;
    rc = bf_answer_add_job (self, answer, &job,
                            unchanged ? BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED
                                      : BELFRY__V1__OUTCOME__OUTCOME_CHANGED,
                            &stored, error);
    if (rc != BF_OK || unchanged) {
        return rc;
    }
    if (job.state == BF_JOB_CANCELLED || bf_job_next (job.state, BF_JOB_CONFIRM) != 0) {
        return end_job (self, &job, BF_JOB_CONFIRM, BF_EVENT_JOB_CONFIRMED, error);
    }
    bool is_out = stored->n_out > 0;
    return in->cancel_open && job.state == BF_JOB_ACTIVE && !is_out
               ? end_job (self, &job, BF_JOB_CANCEL, BF_EVENT_JOB_CANCELLED, error)
               : too_late (self, &job, stored, error);
}
