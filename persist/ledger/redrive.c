/* SPDX-License-Identifier: MPL-2.0
 *
 * Redrive: a dead run is tried again as a new run, once.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/rows.h"

/* The open job of a key is always its newest: a dead one may come back only while it still
 * is. */
static bf_err
check_key (bf_ledger *self, const bf_job_row *job, bf_error *error)
{
    if (!job->key || bf_job_is_open (job->state)) {
        return BF_OK;
    }
    uint64_t newest = job->id;
    bool found;
    bf_err rc = bf_job_find (self, job->ns, job->key, &newest, &found, error);
    if (rc == BF_OK && newest != job->id) {
        return bf_fail (error, BF_EKEYTAKEN, "job %llu was made later with the same key %s",
                        (unsigned long long)newest, job->key);
    }
    return rc;
}

static bf_err
check_run (const bf_run_row *run, bf_error *error)
{
    if (run->state != BF_RUN_DEAD) {
        return bf_fail (
            error, BF_ESTATE, "run %llu.%u is %s, only a dead run can be redriven",
            (unsigned long long)run->job, run->ordinal, bf_run_state_name (run->state));
    }
    if (run->redriven_by != 0) {
        return bf_fail (error, BF_ESTATE, "run %llu.%u was redriven already, as %llu.%u",
                        (unsigned long long)run->job, run->ordinal,
                        (unsigned long long)run->job, run->redriven_by);
    }
    return BF_OK;
}

static bf_err
make_again (bf_ledger *self, bf_job_row *job, bf_run_row *dead, bf_run_row *run,
            bf_error *error)
{
    dead->redriven_by = job->runs + 1;
    bf_err rc = bf_event_write (self, BF_EVENT_RUN_REDRIVEN, job, dead,
                                &(bf_event_detail){.job_image = true}, error);
    if (rc == BF_OK) {
        rc = bf_run_put (self, job, dead, error);
    }
    if (rc == BF_OK) {
        /* What an extra run, or the slot of a time that was given up, could not decide, its
         * redrive cannot either. */
        bool decides = dead->decides && dead->job_version == job->version;
        rc = bf_run_make_extra (self, job, BF_ORIGIN_REDRIVEN, decides, dead, run, error);
    }
    return rc == BF_OK ? bf_run_put (self, job, run, error) : rc;
}

bf_err
bf_command_redrive (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                    bf_error *error)
{
    bf_token which;
    bf_job_row job;
    bf_run_row dead;
    bf_run_row run;
    answer->result = BELFRY__V1__REPLY__RESULT_RUNS;
    bf_err rc = bf_run_id_parse (request->redrive->run, &which);
    if (rc != BF_OK) {
        return bf_fail (error, rc, "%s is not a run JOB.ORDINAL or a JOB",
                        request->redrive->run);
    }
    rc = bf_job_load (self, which.job, &job, error);
    if (rc == BF_OK && job.runs == 0) {
        rc = bf_fail (error, BF_ENOTFOUND,
                      "job %llu never had a run: there is nothing to redrive",
                      (unsigned long long)which.job);
    }
    if (rc == BF_OK) {
        uint32_t ordinal = which.ordinal ? which.ordinal : job.runs;
        rc = bf_run_load (self, which.job, ordinal, &dead, error);
    }
    if (rc == BF_OK) {
        rc = check_run (&dead, error);
    }
    if (rc == BF_OK) {
        rc = check_key (self, &job, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_move_to (self, &job, BF_JOB_REDRIVE, error);
    }
    if (rc == BF_OK) {
        rc = make_again (self, &job, &dead, &run, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_put (self, &job, error);
    }
    return rc == BF_OK ? bf_answer_add_run (self, answer,
                                            (bf_token){run.job, run.ordinal, 0}, error)
                       : rc;
}
