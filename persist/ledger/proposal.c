/* SPDX-License-Identifier: MPL-2.0
 *
 * What the dispatcher proposes: timers that ran out, and runs for parked claims. A claim
 * whose request_id has an answer by now gets that one and no work. Each timer, with the
 * lease of its run, is one step; each ready run is one; then every claim gets its answer,
 * or the word that nothing held and it waits on. Where the batch is full, what is left is
 * armed, or ready, again.
 */
#include "messages/codec.h"
#include "messages/limits.h"
#include "messages/translate.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/held.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/reminders.h"
#include "persist/ledger/rows.h"

/* What a lease adds to an answer beside its payload: names, key, tags, numbers. */
#define LEASE_BYTES 2048
/* What the claims of one proposal get together, so that a batch's memory holds the
 * payloads, the replies and their packing; what does not fit stays ready and is proposed
 * again. */
#define HANDOUT_BYTES ((size_t)16 * 1024 * 1024)

/* A claim on its way to an answer. */
typedef struct {
    const Belfry__Internal__ClaimCall *claim;
    uint64_t fingerprint;
    bool answered; /* before it could get anything */
    bf_answer answer;
    size_t bytes;
    size_t *handout; /* bytes of all claims of the proposal */
} grant_t;

static bool
grant_has_room (const bf_ledger *ledger, const grant_t *self, const bf_job_row *job)
{
    size_t more = job->payload_bytes + LEASE_BYTES;
    return !self->answered && bf_ledger_has_room (ledger) &&
           self->answer.runs.count < self->claim->claim->max &&
           self->bytes + more <= BF_ANSWER_BYTES && *self->handout + more <= HANDOUT_BYTES;
}

/* Leases the run to the claim, where it has room and the run is ready. */
static bf_err
grant_add (bf_ledger *self, grant_t *grant, bf_job_row *job, bf_run_row *run,
           bf_error *error)
{
    if (run->state != BF_RUN_READY || !grant_has_room (self, grant, job)) {
        return BF_OK;
    }
    bf_err rc = bf_run_lease (self, job, run, grant->claim->claim->worker, error);
    if (rc == BF_OK) {
        bf_token token = {run->job, run->ordinal, run->attempt};
        rc = bf_answer_add_run (self, &grant->answer, token, error);
        grant->bytes += job->payload_bytes + LEASE_BYTES;
        *grant->handout += job->payload_bytes + LEASE_BYTES;
    }
    return rc;
}

/* One timer: the run that it makes or wakes, and, where a claim waits for it, the lease. */
static bf_err
judge_timer (bf_ledger *self, bf_timer timer, grant_t *grant, bf_error *error)
{
    bf_job_row job;
    bf_run_row run;
    bf_timer_effect effect;
    bf_err rc;
    if (timer.source == BF_SOURCE_RUN) {
        rc = bf_timer_wake (self, timer, &job, &run, &effect, error);
    } else if (bf_timer_is_reminder (timer)) {
        rc = bf_timer_remind (self, timer, &job, &run, &effect, error);
    } else {
        rc = bf_timer_fire (self, timer, &job, &run, &effect, error);
    }
    if (rc != BF_OK || effect == BF_TIMER_STALE) {
        return rc;
    }
    /* The job may have been given another type since the timer was armed. */
    if (effect == BF_TIMER_RUN && grant && run.queue == timer.queue) {
        rc = grant_add (self, grant, &job, &run, error);
    }
    if (rc == BF_OK && effect == BF_TIMER_RUN) {
        rc = bf_run_put (self, &job, &run, error);
    }
    return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
}

static bf_err
judge_ready (bf_ledger *self, bf_ready ready, grant_t *grant, bf_error *error)
{
    bf_job_row job;
    bf_run_row run;
    bf_err rc = bf_run_load (self, ready.job, ready.ordinal, &run, error);
    if (rc == BF_OK) {
        rc = bf_job_load (self, ready.job, &job, error);
    }
    if (rc != BF_OK) {
        return rc == BF_ENOTFOUND ? BF_OK : rc;
    }
    if (run.state != BF_RUN_READY || run.queue != ready.queue) {
        return BF_OK;
    }
    rc = grant_add (self, grant, &job, &run, error);
    if (rc == BF_OK && run.state == BF_RUN_LEASED) {
        rc = bf_run_put (self, &job, &run, error);
        return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
    }
    /* No room in the answer: the dispatcher took it for given away, so it must hear of it
     * again. */
    if (rc == BF_OK) {
        Belfry__Internal__ReadyRun *again = bf_arena_alloc (self->arena, sizeof *again);
        if (!again) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
        bf_ready_to_wire (ready, again);
        rc = bf_outcome_dispatcher (self, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_READY,
                                    again, error);
    }
    return rc;
}

/* Of what the claim asks for. How long it waits is no part of that: whoever leaves repeats
 * it with a shorter wait. */
static bf_err
claim_fingerprint (bf_ledger *self, const Belfry__Internal__ClaimCall *claim,
                   uint64_t *fingerprint, bf_error *error)
{
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    Belfry__V1__Claim wanted = *claim->claim;
    wanted.wait_us = 0;
    request.claim = &wanted;
    *fingerprint = bf_request_fingerprint (&request, self->arena);
    return *fingerprint != 0 ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

static bf_caller
caller_of (const Belfry__Internal__ClaimCall *claim)
{
    return (bf_caller){claim->call, claim->client, claim->request_id};
}

/* Answers a claim again where its request_id was answered before: *found. */
static bf_err
claim_repeat (bf_ledger *self, const Belfry__Internal__ClaimCall *claim,
              uint64_t *fingerprint, bool *found, bf_error *error)
{
    bf_caller caller = caller_of (claim);
    bf_answer answer = {0};
    uint64_t before = 0;
    bf_err rc = claim_fingerprint (self, claim, fingerprint, error);
    if (rc == BF_OK) {
        rc = bf_answer_find (self, caller, found, &before, &answer, error);
    }
    if (rc == BF_OK && *found) {
        rc = bf_answer_repeat (self, caller, &answer, before == *fingerprint, error);
    }
    bf_answer_clear (&answer);
    return rc;
}

/* While it was parked, another call may have used its request_id. */
static bf_err
grant_begin (bf_ledger *self, grant_t *grant, bf_error *error)
{
    bf_err rc =
        claim_repeat (self, grant->claim, &grant->fingerprint, &grant->answered, error);
    return rc == BF_OK && grant->answered
               ? bf_outcome_resolved (self, grant->claim->call, true, error)
               : rc;
}

static bf_err
grant_finish (bf_ledger *self, grant_t *grant, bf_error *error)
{
    if (grant->answered) {
        return BF_OK;
    }
    bool done = grant->answer.runs.count > 0;
    bf_err rc = BF_OK;
    if (done) {
        bf_caller caller = caller_of (grant->claim);
        grant->answer.result = BELFRY__V1__REPLY__RESULT_CLAIM;
        grant->answer.seq = self->counters.head_seq;
        rc = bf_answer_store (self, caller, grant->fingerprint, &grant->answer, error);
        if (rc == BF_OK) {
            rc = bf_answer_send (self, caller, &grant->answer, false, error);
        }
    }
    return rc == BF_OK ? bf_outcome_resolved (self, grant->claim->call, done, error) : rc;
}

/* Which claim each timer goes to, if any. */
static grant_t **
owners_of (bf_ledger *self, const Belfry__Internal__Proposal *proposal, grant_t *grants)
{
    grant_t **owners = bf_arena_alloc (self->arena, proposal->n_timers * sizeof *owners);
    for (size_t i = 0; owners && i < proposal->n_assignments; i++) {
        const Belfry__Internal__Assignment *assignment = proposal->assignments[i];
        for (size_t k = 0; k < assignment->n_timers; k++) {
            BF_INVARIANT (assignment->timers[k] < proposal->n_timers);
            owners[assignment->timers[k]] = &grants[i];
        }
    }
    return owners;
}

static bf_err
judge_all (bf_ledger *self, const Belfry__Internal__Proposal *proposal, grant_t *grants,
           grant_t *const *owners, bf_error *error)
{
    bf_err rc = BF_OK;
    bool room = true; /* for one in any case, so that all are judged in the end */
    for (size_t i = 0; rc == BF_OK && i < proposal->n_timers; i++) {
        bf_timer timer = bf_timer_from_wire (proposal->timers[i]);
        rc = room ? judge_timer (self, timer, owners[i], error)
                  : bf_timer_again (self, timer, error);
        room = room && bf_ledger_has_room (self);
    }
    for (size_t i = 0; rc == BF_OK && i < proposal->n_assignments; i++) {
        const Belfry__Internal__Assignment *assignment = proposal->assignments[i];
        for (size_t k = 0; rc == BF_OK && k < assignment->n_runs; k++) {
            rc = judge_ready (self, bf_ready_from_wire (assignment->runs[k]), &grants[i],
                              error);
        }
    }
    return rc;
}

/* With the disk full nothing is fired or leased: the rows stay as they are, and when there
 * is room again clock and dispatcher are told everything anew. Until then the claims are
 * kept: told at once that nothing held, they would be proposed again at once. */
static bf_err
hold (bf_ledger *self, const Belfry__Internal__Proposal *proposal, bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < proposal->n_assignments; i++) {
        rc = bf_held_claim (self, proposal->assignments[i]->claim->call, error);
    }
    return rc;
}

bf_err
bf_judge_proposal (bf_ledger *self, const Belfry__Internal__Proposal *proposal,
                   bf_error *error)
{
    bf_err rc;
    size_t handout = 0;
    if (self->scarce) {
        rc = hold (self, proposal, error);
    } else {
        grant_t *grants =
            bf_arena_alloc (self->arena, proposal->n_assignments * sizeof *grants);
        grant_t **owners = grants ? owners_of (self, proposal, grants) : NULL;
        if (!owners) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
        for (size_t i = 0; i < proposal->n_assignments; i++) {
            grants[i].claim = proposal->assignments[i]->claim;
            grants[i].handout = &handout;
        }
        rc = bf_ledger_write_begin (self, error);
        for (size_t i = 0; rc == BF_OK && i < proposal->n_assignments; i++) {
            rc = grant_begin (self, &grants[i], error);
        }
        if (rc == BF_OK) {
            rc = judge_all (self, proposal, grants, owners, error);
        }
        for (size_t i = 0; i < proposal->n_assignments; i++) {
            rc = rc == BF_OK ? grant_finish (self, &grants[i], error) : rc;
            bf_answer_clear (&grants[i].answer);
        }
    }
    if (rc == BF_OK && proposal->batch != 0) {
        rc = bf_outcome_clock_settled (self, proposal->batch, error);
    }
    return rc;
}

bf_err
bf_judge_recall (bf_ledger *self, const Belfry__Internal__Recall *recall, bf_error *error)
{
    uint64_t fingerprint;
    bool found = false;
    bf_err rc = claim_repeat (self, recall->claim, &fingerprint, &found, error);
    return rc == BF_OK ? bf_outcome_resolved (self, recall->claim->call, found, error) : rc;
}
