/* SPDX-License-Identifier: MPL-2.0
 *
 * Get: one job and its newest runs.
 */
#include "messages/limits.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"

/* As many runs as fit beside the job; the page goes on below the last one's ordinal. */
static bf_err
add_runs (bf_ledger *self, const bf_job_row *job, const Belfry__V1__Get *in, unsigned how,
          Belfry__V1__GetReply *out, bf_error *error)
{
    bf_run_row *runs;
    size_t count;
    bf_err rc =
        bf_run_list (self, job->id, in->before_ordinal, in->max_runs, &runs, &count, error);
    if (rc != BF_OK) {
        return rc;
    }
    out->runs = bf_arena_alloc (self->arena, count * sizeof *out->runs);
    if (!out->runs) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    size_t bytes = belfry__v1__job__get_packed_size (out->job);
    for (size_t i = 0; i < count; i++) {
        Belfry__V1__Run *run = bf_render_run (self, job, &runs[i], how);
        if (!run) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
        bytes += belfry__v1__run__get_packed_size (run);
        if (bytes > BF_ANSWER_BYTES) {
            break;
        }
        out->runs[out->n_runs++] = run;
    }
    return BF_OK;
}

bf_err
bf_query_get (bf_ledger *self, const Belfry__V1__Request *request, Belfry__V1__Reply *reply,
              bf_error *error)
{
    const Belfry__V1__Get *in = request->get;
    unsigned how = BF_REPLY | (in->with_payload ? BF_WITH_PAYLOAD : 0);
    bf_job_row job;
    bf_err rc = bf_ref_load (self, in->job, 0, &job, error);
    if (rc == BF_OK && in->with_payload) {
        rc = bf_job_load_payload (self, &job, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    Belfry__V1__GetReply *out = bf_arena_alloc (self->arena, sizeof *out);
    if (!out) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__get_reply__init (out);
    out->job = bf_render_job (self, &job, how);
    if (!out->job) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    reply->result_case = BELFRY__V1__REPLY__RESULT_GET;
    reply->get = out;
    return add_runs (self, &job, in, how, out, error);
}
