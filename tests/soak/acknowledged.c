/* SPDX-License-Identifier: MPL-2.0
 *
 * The answers, against the log: each is taken apart into the facts that it says, and each
 * fact waits until the reader has come to the seq of its answer. By then the log must have
 * told of it; see record.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/token.h"
#include "tests/soak/record_rows.h"
#include "tests/soak/soak.h"
#include "tests/support/cmocka.h"

typedef enum {
    FACT_JOB_MADE,  /* the job is there */
    FACT_JOB_ENDED, /* cancelled or confirmed */
    FACT_JOB_MOVED, /* it has at least this version */
    FACT_RUN_MADE,  /* the run is there */
    FACT_LEASED,    /* the attempt began */
    FACT_SUCCEEDED, /* the run succeeded by this attempt */
    FACT_FAILED,    /* the attempt is over */
} fact_kind;

typedef struct {
    fact_kind kind;
    uint64_t seq;
    bf_token token; /* as much of it as the kind needs */
    uint32_t version;
} fact;

void
record_forget_waiting (record *self)
{
    for (size_t i = 0; i < self->waiting.count; i++) {
        free (self->waiting.items[i]);
    }
    bf_list_clear (&self->waiting);
}

/* --- answers into facts --------------------------------------------------------------- */

static void
say (record *self, fact what)
{
    fact *kept = malloc (sizeof *kept);
    assert_non_null (kept);
    *kept = what;
    assert_int_equal (bf_list_push (&self->waiting, kept), BF_OK);
}

static bf_token
token_of (const char *text)
{
    bf_token token = {0};
    if (bf_token_parse (text, &token) != BF_OK && bf_run_id_parse (text, &token) != BF_OK) {
        soak_broken ("an answer names a run '%s'", text);
    }
    return token;
}

static void
answer_jobs (record *self, const Belfry__V1__JobsReply *jobs, bool moves, uint64_t seq)
{
    for (size_t i = 0; i < jobs->n_items; i++) {
        const Belfry__V1__JobsReply__Item *item = jobs->items[i];
        fact what = {.kind = FACT_JOB_MADE, .seq = seq, .token = {.job = item->job->id}};
        switch (item->outcome) {
        case BELFRY__V1__OUTCOME__OUTCOME_CREATED:
            self->said[BF_EVENT_JOB_SCHEDULED]++;
            break;
        case BELFRY__V1__OUTCOME__OUTCOME_REPLACED:
            self->said[BF_EVENT_JOB_REPLACED]++;
            break;
        case BELFRY__V1__OUTCOME__OUTCOME_CHANGED:
            self->said[moves ? BF_EVENT_JOB_RESCHEDULED : BF_EVENT_JOB_CANCELLED]++;
            what.kind = moves ? FACT_JOB_MOVED : FACT_JOB_ENDED;
            /* A repeat shows the job as it is by then. */
            what.version = 2;
            break;
        default:
            break;
        }
        say (self, what);
    }
}

static void
answer_runs (record *self, const Belfry__V1__RunsReply *runs, bf_event_kind counted,
             uint64_t seq)
{
    for (size_t i = 0; i < runs->n_runs; i++) {
        say (self, (fact){.kind = FACT_RUN_MADE,
                          .seq = seq,
                          .token = token_of (runs->runs[i]->run)});
    }
    self->said[counted] += !runs->unchanged;
}

static void
answer_settled (record *self, const char *token, bf_event_kind kind,
                const Belfry__V1__RunsReply *runs, uint64_t seq)
{
    bool succeeded = kind == BF_EVENT_RUN_SUCCEEDED;
    say (self, (fact){.kind = succeeded ? FACT_SUCCEEDED : FACT_FAILED,
                      .seq = seq,
                      .token = token_of (token)});
    if (succeeded) {
        self->said[kind] += !runs->unchanged;
    }
}

static void
answer_claim (record *self, const Belfry__V1__ClaimReply *claim, uint64_t seq)
{
    for (size_t i = 0; i < claim->n_leases; i++) {
        say (self, (fact){.kind = FACT_LEASED,
                          .seq = seq,
                          .token = token_of (claim->leases[i]->token)});
    }
}

static void
answer_bulk (record *self, Belfry__V1__Request__CommandCase command,
             const Belfry__V1__BulkReply *bulk)
{
    if (bulk->dry_run) {
        return;
    }
    switch (command) {
    case BELFRY__V1__REQUEST__COMMAND_CANCEL:
    case BELFRY__V1__REQUEST__COMMAND_CONFIRM:
        self->said[BF_EVENT_JOB_CANCELLED] += bulk->changed;
        break;
    case BELFRY__V1__REQUEST__COMMAND_RESCHEDULE:
        self->said[BF_EVENT_JOB_RESCHEDULED] += bulk->changed;
        break;
    case BELFRY__V1__REQUEST__COMMAND_TRIGGER:
        self->said[BF_EVENT_JOB_TRIGGERED] += bulk->runs;
        break;
    case BELFRY__V1__REQUEST__COMMAND_REDRIVE:
        self->said[BF_EVENT_RUN_REDRIVEN] += bulk->runs;
        break;
    default:
        break;
    }
}

/* A batch: what each of its commands would have been answered. */
static void
answer_batch (record *self, const Belfry__V1__Batch *batch,
              const Belfry__V1__BatchReply *reply, uint64_t seq)
{
    for (size_t i = 0; i < batch->n_items && i < reply->n_items; i++) {
        const Belfry__V1__BatchItem *asked = batch->items[i];
        const Belfry__V1__BatchReply__Item *item = reply->items[i];
        if (item->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_JOBS) {
            bool ends = asked->command_case == BELFRY__V1__BATCH_ITEM__COMMAND_CANCEL ||
                        asked->command_case == BELFRY__V1__BATCH_ITEM__COMMAND_CONFIRM ||
                        asked->command_case == BELFRY__V1__BATCH_ITEM__COMMAND_SCHEDULE;
            answer_jobs (self, item->jobs, !ends, seq);
        } else if (asked->command_case == BELFRY__V1__BATCH_ITEM__COMMAND_TRIGGER) {
            answer_runs (self, item->runs, BF_EVENT_JOB_TRIGGERED, seq);
        } else if (asked->command_case == BELFRY__V1__BATCH_ITEM__COMMAND_COMPLETE) {
            answer_settled (self, asked->complete->token, BF_EVENT_RUN_SUCCEEDED,
                            item->runs, seq);
        }
    }
}

static void
answer_one (record *self, const Belfry__V1__Request *request,
            const Belfry__V1__Reply *reply)
{
    switch (request->command_case) {
    case BELFRY__V1__REQUEST__COMMAND_SCHEDULE:
    case BELFRY__V1__REQUEST__COMMAND_CANCEL:
    case BELFRY__V1__REQUEST__COMMAND_CONFIRM:
        answer_jobs (self, reply->jobs, false, reply->seq);
        break;
    case BELFRY__V1__REQUEST__COMMAND_RESCHEDULE:
        answer_jobs (self, reply->jobs, true, reply->seq);
        break;
    case BELFRY__V1__REQUEST__COMMAND_TRIGGER:
        answer_runs (self, reply->runs, BF_EVENT_JOB_TRIGGERED, reply->seq);
        break;
    case BELFRY__V1__REQUEST__COMMAND_REDRIVE:
        answer_runs (self, reply->runs, BF_EVENT_RUN_REDRIVEN, reply->seq);
        break;
    case BELFRY__V1__REQUEST__COMMAND_CLAIM:
        answer_claim (self, reply->claim, reply->seq);
        break;
    case BELFRY__V1__REQUEST__COMMAND_COMPLETE:
        answer_settled (self, request->complete->token, BF_EVENT_RUN_SUCCEEDED, reply->runs,
                        reply->seq);
        break;
    case BELFRY__V1__REQUEST__COMMAND_FAIL:
        answer_settled (self, request->fail->token, BF_EVENT_RUN_FAILED, reply->runs,
                        reply->seq);
        break;
    case BELFRY__V1__REQUEST__COMMAND_SNOOZE:
        answer_settled (self, request->snooze->token, BF_EVENT_RUN_SNOOZED, reply->runs,
                        reply->seq);
        break;
    case BELFRY__V1__REQUEST__COMMAND_BATCH:
        answer_batch (self, request->batch, reply->batch, reply->seq);
        break;
    default:
        break;
    }
}

void
record_answer (record *self, const Belfry__V1__Request *request,
               const Belfry__V1__Reply *reply)
{
    self->acknowledged = reply->seq > self->acknowledged ? reply->seq : self->acknowledged;
    if (reply->code != BELFRY__V1__CODE__CODE_OK) {
        return;
    }
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_BULK) {
        answer_bulk (self, request->command_case, reply->bulk);
    } else {
        answer_one (self, request, reply);
    }
    record_compare (self);
}

/* --- facts against the log ------------------------------------------------------------ */

static bool
is_true (const record *self, const fact *what)
{
    const record_job *job = record_find_job (self, what->token.job);
    if (!job || job->made_seq > what->seq) {
        return false;
    }
    /* Its runs went with it, or before it; that they were there is the fold's business. */
    const record_run *run = record_find_run (job, what->token.ordinal);
    bool pruned = job->gone_us > 0 || (what->token.ordinal > 0 &&
                                       what->token.ordinal <= job->runs.count && !run);
    switch (what->kind) {
    case FACT_JOB_MADE:
        return true;
    case FACT_JOB_ENDED:
        return job->state == BF_JOB_CANCELLED || job->state == BF_JOB_CONFIRMED;
    case FACT_JOB_MOVED:
        return job->version >= what->version;
    case FACT_RUN_MADE:
        return pruned || (run && run->made_seq <= what->seq);
    case FACT_LEASED:
        return pruned || (run && run->attempts >= what->token.attempt);
    case FACT_SUCCEEDED:
        return pruned || (run && run->succeeded_attempt == what->token.attempt &&
                          run->final_seq <= what->seq);
    case FACT_FAILED:
        return pruned || (run && (run->attempts > what->token.attempt ||
                                  (run->last.end != 0 && run->last.end_seq <= what->seq &&
                                   run->succeeded_attempt != what->token.attempt)));
    }
    return false;
}

void
record_compare (record *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->waiting.count; i++) {
        fact *what = self->waiting.items[i];
        if (what->seq > self->seq) {
            self->waiting.items[kept++] = what;
            continue;
        }
        if (!is_true (self, what)) {
            soak_broken ("acknowledged at seq %" PRIu64 " (kind %d, job %" PRIu64
                         " run %u attempt %u), but not in the log",
                         what->seq, (int)what->kind, what->token.job, what->token.ordinal,
                         what->token.attempt);
        }
        self->compared++;
        free (what);
    }
    bf_list_truncate (&self->waiting, kept);
}

void
record_head (const record *self, uint64_t head_seq)
{
    if (head_seq < self->acknowledged) {
        soak_broken ("the log ends at %" PRIu64 ", but %" PRIu64 " was acknowledged",
                     head_seq, self->acknowledged);
    }
}
