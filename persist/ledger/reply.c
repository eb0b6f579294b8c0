/* SPDX-License-Identifier: MPL-2.0
 *
 * Answers as Replies. Objects are read from the rows at this moment, inside the batch, so a
 * reply shows them as this batch leaves them. A reply never grows over a frame: definitions
 * are left out of large batches, and a claim was given no more than fits.
 */
#include "persist/ledger/answers.h"

#include "messages/codec.h"
#include "messages/limits.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"

static bf_err
no_memory (bf_error *error)
{
    return bf_fail_plain (error, BF_ENOMEM);
}

static void
drop_specs (Belfry__V1__JobsReply *jobs)
{
    for (size_t i = 0; i < jobs->n_items; i++) {
        jobs->items[i]->job->spec = NULL;
    }
}

static void
drop_batch_specs (Belfry__V1__BatchReply *batch)
{
    for (size_t i = 0; i < batch->n_items; i++) {
        if (batch->items[i]->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_JOBS) {
            drop_specs (batch->items[i]->jobs);
        }
    }
}

static void
drop_batch_reasons (Belfry__V1__BatchReply *batch)
{
    for (size_t i = 0; i < batch->n_items; i++) {
        bool is_runs =
            batch->items[i]->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_RUNS;
        for (size_t k = 0; is_runs && k < batch->items[i]->runs->n_runs; k++) {
            batch->items[i]->runs->runs[k]->reason = (char *)protobuf_c_empty_string;
        }
    }
}

/* What a large reply can do without: first the definitions, then, in a batch, the reasons
 * of runs, which its own Fail and Snooze gave. The rest always fits: 1000 runs, or jobs
 * with their `out`, and 1000 jobs that were scheduled. False: there is no such step. */
static bool
shorten (Belfry__V1__Reply *reply, int step)
{
    bool is_batch = reply->result_case == BELFRY__V1__REPLY__RESULT_BATCH;
    if (step == 0 && is_batch) {
        drop_batch_specs (reply->batch);
    } else if (step == 1 && is_batch) {
        drop_batch_reasons (reply->batch);
    } else if (step == 0 && reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS &&
               reply->jobs->n_items > 1) {
        drop_specs (reply->jobs);
    } else {
        return false;
    }
    return true;
}

/* The reply in the arena; NULL without memory. It is packed to be measured: hardly any is
 * too large, and to measure a thousand jobs takes as long. */
static uint8_t *
pack_short (bf_ledger *self, Belfry__V1__Reply *reply, size_t *size)
{
    uint8_t *bytes = bf_pack (&reply->base, self->arena, size);
    for (int step = 0; bytes && *size > BF_REPLY_BYTES && shorten (reply, step); step++) {
        bytes = bf_pack (&reply->base, self->arena, size);
    }
    return bytes;
}

bf_err
bf_reply_send (bf_ledger *self, bf_caller caller, Belfry__V1__Reply *reply,
               const bf_answer *leases, bf_error *error)
{
    reply->request_id = (char *)caller.request_id;
    if (reply->seq == 0) {
        reply->seq = self->counters.head_seq;
    }
    Belfry__Internal__Answer *answer = bf_arena_alloc (self->arena, sizeof *answer);
    if (!answer) {
        return no_memory (error);
    }
    belfry__internal__answer__init (answer);
    answer->call = caller.call;
    answer->reply.data = pack_short (self, reply, &answer->reply.len);
    if (!answer->reply.data) {
        return no_memory (error);
    }
    if (leases && leases->runs.count > 0) {
        size_t size = leases->runs.count * sizeof *answer->leases;
        answer->leases = bf_arena_copy (self->arena, leases->runs.items, size);
        answer->n_leases = leases->runs.count;
        if (!answer->leases) {
            return no_memory (error);
        }
    }
    return bf_outcome_gateway (self, answer, error);
}

bf_err
bf_refusal_send (bf_ledger *self, bf_caller caller, const bf_error *refusal,
                 bf_error *error)
{
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = (Belfry__V1__Code)bf_err_wire (refusal->code);
    reply.text = (char *)refusal->text;
    return bf_reply_send (self, caller, &reply, NULL, error);
}

/* Room for all `out` of an answer together; the jobs without their definitions need less
 * than the rest. */
#define OUT_BYTES (BF_REPLY_BYTES / 2)

static bf_err
render_item (bf_ledger *self, const Belfry__Internal__StoredJob *stored,
             Belfry__V1__JobsReply__Item *item, size_t *out_bytes, bf_error *error)
{
    belfry__v1__jobs_reply__item__init (item);
    item->outcome = (Belfry__V1__Outcome)stored->outcome;
    bf_job_row job;
    bf_err rc = bf_job_load (self, stored->job, &job, error);
    if (rc != BF_OK) {
        return rc;
    }
    item->job = bf_render_job (self, &job, BF_REPLY);
    item->out = bf_arena_alloc (self->arena, stored->n_out * sizeof *item->out);
    if (!item->job || !item->out) {
        return no_memory (error);
    }
    for (size_t i = 0; i < stored->n_out && *out_bytes < OUT_BYTES; i++) {
        bf_run_row run;
        rc = bf_run_load (self, stored->job, stored->out[i], &run, error);
        if (rc == BF_ENOTFOUND) {
            continue; /* pruned since, out of a series */
        }
        if (rc != BF_OK) {
            return rc;
        }
        Belfry__V1__Run *out = bf_render_run (self, &job, &run, BF_REPLY);
        if (!out) {
            return no_memory (error);
        }
        item->out[item->n_out++] = out;
        *out_bytes += belfry__v1__run__get_packed_size (out);
    }
    return BF_OK;
}

/* *out_bytes: what the `out` of this reply takes so far. */
static bf_err
render_jobs (bf_ledger *self, const bf_answer *answer, size_t *out_bytes,
             Belfry__V1__JobsReply **jobs_p, bf_error *error)
{
    size_t count = answer->jobs.count;
    Belfry__V1__JobsReply *jobs = bf_arena_alloc (self->arena, sizeof *jobs);
    Belfry__V1__JobsReply__Item *items =
        bf_arena_alloc (self->arena, count * sizeof *items);
    Belfry__V1__JobsReply__Item **list = bf_arena_alloc (self->arena, count * sizeof *list);
    if (!jobs || !items || !list) {
        return no_memory (error);
    }
    belfry__v1__jobs_reply__init (jobs);
    jobs->items = list;
    for (size_t i = 0; i < count; i++) {
        bf_err rc = render_item (self, answer->jobs.items[i], &items[i], out_bytes, error);
        if (rc == BF_ENOTFOUND) {
            continue; /* pruned since */
        }
        if (rc != BF_OK) {
            return rc;
        }
        list[jobs->n_items++] = &items[i];
    }
    *jobs_p = jobs;
    return BF_OK;
}

static bf_err
load_both (bf_ledger *self, const Belfry__Internal__Attempt *attempt, bf_job_row *job,
           bf_run_row *run, bf_error *error)
{
    bf_err rc = bf_job_load (self, attempt->job, job, error);
    return rc == BF_OK ? bf_run_load (self, attempt->job, attempt->ordinal, run, error)
                       : rc;
}

static bf_err
render_runs (bf_ledger *self, const bf_answer *answer, Belfry__V1__RunsReply **runs_p,
             bf_error *error)
{
    size_t count = answer->runs.count;
    Belfry__V1__RunsReply *runs = bf_arena_alloc (self->arena, sizeof *runs);
    Belfry__V1__Run **list = bf_arena_alloc (self->arena, count * sizeof *list);
    if (!runs || !list) {
        return no_memory (error);
    }
    belfry__v1__runs_reply__init (runs);
    runs->unchanged = answer->unchanged;
    runs->runs = list;
    for (size_t i = 0; i < count; i++) {
        bf_job_row job;
        bf_run_row run;
        bf_err rc = load_both (self, answer->runs.items[i], &job, &run, error);
        if (rc == BF_ENOTFOUND) {
            continue; /* pruned since */
        }
        if (rc != BF_OK) {
            return rc;
        }
        list[runs->n_runs] = bf_render_run (self, &job, &run, BF_REPLY);
        if (!list[runs->n_runs++]) {
            return no_memory (error);
        }
    }
    *runs_p = runs;
    return BF_OK;
}

static bf_err
render_batch_item (bf_ledger *self, const bf_answer *answer, size_t *out_bytes,
                   Belfry__V1__BatchReply__Item *item, bf_error *error)
{
    belfry__v1__batch_reply__item__init (item);
    item->result_case = (Belfry__V1__BatchReply__Item__ResultCase)answer->result;
    return answer->result == BELFRY__V1__REPLY__RESULT_JOBS
               ? render_jobs (self, answer, out_bytes, &item->jobs, error)
               : render_runs (self, answer, &item->runs, error);
}

static bf_err
render_batch (bf_ledger *self, const bf_answer *answer, Belfry__V1__BatchReply **batch_p,
              bf_error *error)
{
    size_t count = answer->items.count;
    Belfry__V1__BatchReply *batch = bf_arena_alloc (self->arena, sizeof *batch);
    Belfry__V1__BatchReply__Item *items =
        bf_arena_alloc (self->arena, count * sizeof *items);
    Belfry__V1__BatchReply__Item **list =
        bf_arena_alloc (self->arena, count * sizeof *list);
    if (!batch || !items || !list) {
        return no_memory (error);
    }
    belfry__v1__batch_reply__init (batch);
    batch->failed = answer->failed;
    batch->items = list;
    size_t out_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bf_err rc =
            render_batch_item (self, answer->items.items[i], &out_bytes, &items[i], error);
        if (rc != BF_OK) {
            return rc;
        }
        list[batch->n_items++] = &items[i];
    }
    *batch_p = batch;
    return BF_OK;
}

static bf_err
render_lease (bf_ledger *self, const Belfry__Internal__Attempt *attempt, bf_job_row *job,
              const bf_run_row *run, Belfry__V1__Lease **lease_p, bf_error *error)
{
    bf_err rc = bf_job_load_payload (self, job, error);
    if (rc != BF_OK) {
        return rc;
    }
    Belfry__V1__Lease *lease = bf_arena_alloc (self->arena, sizeof *lease);
    char *token = bf_arena_alloc (self->arena, BF_TOKEN_BYTES);
    Belfry__V1__Job *whole = bf_render_job (self, job, BF_REPLY);
    if (!lease || !token || !whole) {
        return no_memory (error);
    }
    belfry__v1__lease__init (lease);
    lease->token = bf_token_format (
        (bf_token){attempt->job, attempt->ordinal, attempt->attempt}, token);
    lease->run = bf_render_run (self, job, run, BF_REPLY);
    lease->key = whole->spec->key;
    lease->payload = job->payload;
    lease->content_type = whole->spec->content_type;
    lease->n_tags = whole->spec->n_tags;
    lease->tags = whole->spec->tags;
    lease->lease_us = run->lease_us;
    lease->run_timeout_us = job->law.run_timeout.us;
    if (!lease->run) {
        return no_memory (error);
    }
    if (run->remind_before_us != 0) {
        lease->remind_before_us = run->remind_before_us;
        lease->slot_due_us = bf_us_add (lease->run->due_us, run->remind_before_us);
    }
    *lease_p = lease;
    return BF_OK;
}

/* Only leases that still stand: what has expired meanwhile is somebody else's, and what was
 * withdrawn must not be begun, nor would its payload be the one that it was claimed with.
 */
static bf_err
render_claim (bf_ledger *self, const bf_answer *answer, Belfry__V1__Reply *reply,
              bf_error *error)
{
    size_t count = answer->runs.count;
    Belfry__V1__ClaimReply *claim = bf_arena_alloc (self->arena, sizeof *claim);
    Belfry__V1__Lease **list = bf_arena_alloc (self->arena, count * sizeof *list);
    if (!claim || !list) {
        return no_memory (error);
    }
    belfry__v1__claim_reply__init (claim);
    claim->leases = list;
    for (size_t i = 0; i < count; i++) {
        const Belfry__Internal__Attempt *attempt = answer->runs.items[i];
        bf_job_row job;
        bf_run_row run;
        bf_err rc = load_both (self, attempt, &job, &run, error);
        if (rc != BF_OK && rc != BF_ENOTFOUND) {
            return rc;
        }
        if (rc == BF_ENOTFOUND || run.state != BF_RUN_LEASED ||
            run.attempt != attempt->attempt || bf_run_is_withdrawn (&job, &run)) {
            continue;
        }
        rc = render_lease (self, attempt, &job, &run, &list[claim->n_leases], error);
        if (rc != BF_OK) {
            return rc;
        }
        claim->n_leases++;
    }
    reply->claim = claim;
    return BF_OK;
}

static bf_err
render_result (bf_ledger *self, const bf_answer *answer, Belfry__V1__Reply *reply,
               bf_error *error)
{
    size_t out_bytes = 0;
    reply->result_case = (Belfry__V1__Reply__ResultCase)answer->result;
    switch (answer->result) {
    case BELFRY__V1__REPLY__RESULT_JOBS:
        return render_jobs (self, answer, &out_bytes, &reply->jobs, error);
    case BELFRY__V1__REPLY__RESULT_RUNS:
        return render_runs (self, answer, &reply->runs, error);
    case BELFRY__V1__REPLY__RESULT_CLAIM:
        return render_claim (self, answer, reply, error);
    case BELFRY__V1__REPLY__RESULT_BATCH:
        return render_batch (self, answer, &reply->batch, error);
    case BELFRY__V1__REPLY__RESULT_BULK:
        reply->bulk = answer->bulk;
        return BF_OK;
    case BELFRY__V1__REPLY__RESULT_BACKUP:
        reply->backup = answer->backup;
        return BF_OK;
    case BELFRY__V1__REPLY__RESULT_CALENDARS:
        reply->calendars = answer->calendars;
        return BF_OK;
    default:
        reply->result_case = BELFRY__V1__REPLY__RESULT__NOT_SET;
        return BF_OK;
    }
}

bf_err
bf_answer_send (bf_ledger *self, bf_caller caller, const bf_answer *answer, bool repeated,
                bf_error *error)
{
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = (Belfry__V1__Code)bf_err_wire (answer->code);
    reply.seq = answer->seq;
    reply.repeated = repeated;
    if (answer->code != BF_OK) {
        reply.text = (char *)answer->error.text;
    }
    bf_err rc = render_result (self, answer, &reply, error);
    if (rc != BF_OK) {
        return rc;
    }
    bool leases = answer->result == BELFRY__V1__REPLY__RESULT_CLAIM;
    return bf_reply_send (self, caller, &reply, leases ? answer : NULL, error);
}

bf_err
bf_answer_repeat (bf_ledger *self, bf_caller caller, const bf_answer *answer, bool same,
                  bf_error *error)
{
    if (same) {
        return bf_answer_send (self, caller, answer, true, error);
    }
    bf_error refusal = {0};
    bf_fail (
        &refusal, BF_EREUSED,
        "client %s has used request_id %s for a different command: every call needs an id "
        "of its own, over restarts too",
        caller.client, caller.request_id);
    return bf_refusal_send (self, caller, &refusal, error);
}
