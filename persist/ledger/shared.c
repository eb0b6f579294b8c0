/* SPDX-License-Identifier: MPL-2.0
 *
 * Finding what a command names: a job by id or key, and in the version that it wants; a run
 * by its token.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/names.h"
#include "persist/ledger/rows.h"

bf_err
bf_version_check (const bf_job_row *job, uint32_t wanted, bf_error *error)
{
    if (wanted == 0 || wanted == job->version) {
        return BF_OK;
    }
    return bf_fail (error, BF_EVERSIONED,
                    "job %llu has version %u, not %u: somebody gave it another definition "
                    "or time, read it and decide again",
                    (unsigned long long)job->id, job->version, wanted);
}

static bf_err
load_named (bf_ledger *self, const Belfry__V1__JobRef *ref, bf_job_row *job,
            bf_error *error)
{
    if (ref->id != 0) {
        return bf_job_load (self, ref->id, job, error);
    }
    uint32_t ns = bf_name_find (self, ref->ns);
    uint64_t id = 0;
    bool found = false;
    if (ns != 0) {
        bf_err rc = bf_job_find (self, ns, ref->key, &id, &found, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    if (!found) {
        return bf_fail (error, BF_ENOTFOUND, "no job in namespace %s has the key %s",
                        ref->ns, ref->key);
    }
    return bf_job_load (self, id, job, error);
}

bf_err
bf_ref_load (bf_ledger *self, const Belfry__V1__JobRef *ref, uint32_t if_version,
             bf_job_row *job, bf_error *error)
{
    bf_err rc = load_named (self, ref, job, error);
    return rc == BF_OK ? bf_version_check (job, if_version, error) : rc;
}

bf_err
bf_token_load (bf_ledger *self, const char *text, bf_token *token, bf_job_row *job,
               bf_run_row *run, bf_error *error)
{
    bf_err rc = bf_token_parse (text, token);
    if (rc != BF_OK) {
        return bf_fail (error, rc, "%s is not a token JOB.ORDINAL.ATTEMPT", text);
    }
    rc = bf_job_load (self, token->job, job, error);
    return rc == BF_OK ? bf_run_load (self, token->job, token->ordinal, run, error) : rc;
}

bf_err
bf_token_check (bf_token token, const bf_run_row *run, bf_error *error)
{
    if (run->state == BF_RUN_LEASED && run->attempt == token.attempt) {
        return BF_OK;
    }
    char text[BF_TOKEN_BYTES];
    bf_token_format (token, text);
    if (token.attempt > run->attempt) {
        return bf_fail (error, BF_ESTALE,
                        "%s was never leased: run %llu.%u is %s after %u "
                        "attempts",
                        text, (unsigned long long)run->job, run->ordinal,
                        bf_run_state_name (run->state), run->attempt);
    }
    if (run->state == BF_RUN_LEASED) {
        return bf_fail (error, BF_ESTALE,
                        "%s is out of date: attempt %u of run %llu.%u is now "
                        "with %s",
                        text, run->attempt, (unsigned long long)run->job, run->ordinal,
                        run->worker);
    }
    return bf_fail (error, BF_ESTALE, "%s is out of date: run %llu.%u is %s%s%s", text,
                    (unsigned long long)run->job, run->ordinal,
                    bf_run_state_name (run->state), run->reason ? ", " : "",
                    run->reason ? run->reason : "");
}
