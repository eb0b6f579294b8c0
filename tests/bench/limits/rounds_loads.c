/* SPDX-License-Identifier: MPL-2.0
 *
 * The loads: what clients, clock and dispatcher would say.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "messages/codec.h"
#include "messages/limits.h"
#include "messages/translate.h"
#include "tests/bench/limits/limits.h"
#include "tests/bench/limits/rounds_private.h"

/* Jobs are due from here on, and all of them before an answer is old enough to go. */
#define DUE_US BF_HOUR_US
#define SPREAD_US BF_HOUR_US
/* Runs that one claim gets at most. */
#define CLAIM_MAX 10

/* --- calls --------------------------------------------------------------------------- */

static Belfry__V1__Request *
request_new (rounds *self)
{
    Belfry__V1__Request *request = rounds_take (self, sizeof *request);
    belfry__v1__request__init (request);
    request->version = BF_PROTOCOL_VERSION;
    request->client = "bench";
    request->request_id = bf_arena_printf (self->arena, "%016" PRIx64, ++self->calls);
    limits_require (request->request_id != NULL, "no memory for a batch");
    return request;
}

static void
apply_call (rounds *self, Belfry__V1__Request *request)
{
    bf_error error = {0};
    self->call_bytes = belfry__v1__request__get_packed_size (request);
    rounds_expect (bf_request_normalise (request, self->arena, &error), &error,
                   "normalise");
    Belfry__Internal__Call *call = rounds_take (self, sizeof *call);
    belfry__internal__call__init (call);
    call->call = self->calls;
    call->request = request;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL;
    item.call = call;
    rounds_apply (self, &item);
}

static char *
key_of (rounds *self, size_t job)
{
    uint64_t key = self->keys[job];
    char *text = self->workload == ROUNDS_STEADY
                     ? bf_arena_printf (self->arena, "job-%016" PRIu64, key)
                     : bf_arena_printf (self->arena, "job-%016" PRIx64, key);
    limits_require (text != NULL, "no memory for a batch");
    return text;
}

static Belfry__V1__JobSpec *
spec_new (rounds *self)
{
    Belfry__V1__JobSpec *spec = rounds_take (self, sizeof *spec);
    belfry__v1__job_spec__init (spec);
    size_t job = self->jobs++;
    bool steady = self->workload == ROUNDS_STEADY;
    self->keys[job] = steady ? job : limits_draw (&self->random);
    spec->ns = "bench";
    spec->type = "work";
    spec->key = key_of (self, job);
    spec->payload.len = LIMITS_PAYLOAD_BYTES;
    spec->payload.data = rounds_take (self, LIMITS_PAYLOAD_BYTES);
    for (size_t i = 0; i < LIMITS_PAYLOAD_BYTES; i += sizeof (uint64_t)) {
        uint64_t bytes = limits_draw (&self->random);
        memcpy (spec->payload.data + i, &bytes, sizeof bytes);
    }
    spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
    spec->at_us = ROUNDS_WALL_US + DUE_US;
    spec->at_us +=
        steady ? (int64_t)job * 100 : (int64_t)(limits_draw (&self->random) % SPREAD_US);
    return spec;
}
_Static_assert(LIMITS_PAYLOAD_BYTES % sizeof (uint64_t) == 0, "filled by eights");

static void
schedule_call (rounds *self, size_t jobs)
{
    Belfry__V1__Request *request = request_new (self);
    Belfry__V1__Schedule *schedule = rounds_take (self, sizeof *schedule);
    belfry__v1__schedule__init (schedule);
    schedule->jobs = rounds_take (self, jobs * sizeof *schedule->jobs);
    schedule->n_jobs = jobs;
    for (size_t i = 0; i < jobs; i++) {
        schedule->jobs[i] = spec_new (self);
    }
    request->command_case = BELFRY__V1__REQUEST__COMMAND_SCHEDULE;
    request->schedule = schedule;
    apply_call (self, request);
}

static size_t
part_of (size_t done, size_t all, size_t per_batch)
{
    return all - done < per_batch ? all - done : per_batch;
}

/* Room for what is known of so many jobs more. */
static void
grow (rounds *self, size_t jobs)
{
    size_t all = self->jobs + jobs;
    self->keys = limits_grow (self->keys, all * sizeof *self->keys);
    self->timers = limits_grow (self->timers, all * sizeof *self->timers);
    self->tokens = limits_grow (self->tokens, all * sizeof *self->tokens);
}

void
rounds_schedule (rounds *self, size_t jobs, size_t per_batch, bool atomic)
{
    grow (self, jobs);
    for (size_t done = 0; done < jobs;) {
        size_t part = part_of (done, jobs, per_batch);
        rounds_begin (self);
        for (size_t calls = atomic ? 1 : part; calls > 0; calls--) {
            schedule_call (self, atomic ? part : 1);
        }
        done += part;
        rounds_commit (self, done == jobs);
    }
}

static void
cancel_call (rounds *self, size_t job)
{
    Belfry__V1__Request *request = request_new (self);
    Belfry__V1__Cancel *cancel = rounds_take (self, sizeof *cancel);
    belfry__v1__cancel__init (cancel);
    cancel->job = rounds_take (self, sizeof *cancel->job);
    belfry__v1__job_ref__init (cancel->job);
    cancel->job->ns = "bench";
    cancel->job->key = key_of (self, job);
    request->command_case = BELFRY__V1__REQUEST__COMMAND_CANCEL;
    request->cancel = cancel;
    apply_call (self, request);
}

void
rounds_cancel (rounds *self, size_t per_batch)
{
    size_t *order = limits_take (self->jobs * sizeof *order);
    for (size_t i = 0; i < self->jobs; i++) {
        size_t with = i;
        if (self->workload == ROUNDS_SCATTERED) {
            with = (size_t)(limits_draw (&self->random) % (i + 1));
        }
        order[i] = order[with];
        order[with] = i;
    }
    for (size_t done = 0; done < self->jobs;) {
        size_t part = part_of (done, self->jobs, per_batch);
        rounds_begin (self);
        for (size_t i = 0; i < part; i++) {
            cancel_call (self, order[done + i]);
        }
        done += part;
        rounds_commit (self, done == self->jobs);
    }
    free (order);
}

/* --- timers -------------------------------------------------------------------------- */

static Belfry__Internal__Assignment *
assignment_new (rounds *self, size_t first, size_t count)
{
    Belfry__Internal__Assignment *assignment = rounds_take (self, sizeof *assignment);
    belfry__internal__assignment__init (assignment);
    Belfry__V1__Request *request = request_new (self);
    request->command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    request->claim = rounds_take (self, sizeof *request->claim);
    belfry__v1__claim__init (request->claim);
    request->claim->ns = "bench";
    request->claim->types = rounds_take (self, sizeof *request->claim->types);
    request->claim->types[0] = "work";
    request->claim->n_types = 1;
    request->claim->max = CLAIM_MAX;
    request->claim->wait_us = BF_SECOND_US;
    bf_error error = {0};
    rounds_expect (bf_request_normalise (request, self->arena, &error), &error,
                   "normalise");
    assignment->claim = rounds_take (self, sizeof *assignment->claim);
    belfry__internal__claim_call__init (assignment->claim);
    assignment->claim->call = self->calls;
    assignment->claim->client = request->client;
    assignment->claim->request_id = request->request_id;
    assignment->claim->claim = request->claim;
    assignment->timers = rounds_take (self, count * sizeof *assignment->timers);
    assignment->n_timers = count;
    for (size_t i = 0; i < count; i++) {
        assignment->timers[i] = (uint32_t)(first + i);
    }
    return assignment;
}

static void
fire (rounds *self, const bf_timer *timers, size_t count)
{
    Belfry__Internal__Proposal *proposal = rounds_take (self, sizeof *proposal);
    belfry__internal__proposal__init (proposal);
    proposal->batch = ++self->batches;
    proposal->timers = rounds_take (self, count * sizeof *proposal->timers);
    proposal->n_timers = count;
    for (size_t i = 0; i < count; i++) {
        proposal->timers[i] = rounds_take (self, sizeof *proposal->timers[i]);
        bf_timer_to_wire (timers[i], proposal->timers[i]);
    }
    proposal->n_assignments = (count + CLAIM_MAX - 1) / CLAIM_MAX;
    proposal->assignments =
        rounds_take (self, proposal->n_assignments * sizeof *proposal->assignments);
    for (size_t i = 0; i < proposal->n_assignments; i++) {
        size_t first = i * CLAIM_MAX;
        proposal->assignments[i] =
            assignment_new (self, first, part_of (first, count, CLAIM_MAX));
    }
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL;
    item.proposal = proposal;
    rounds_apply (self, &item);
}

static Belfry__V1__Complete *
complete_new (rounds *self, bf_token token)
{
    Belfry__V1__Complete *complete = rounds_take (self, sizeof *complete);
    belfry__v1__complete__init (complete);
    complete->token = bf_token_format (token, rounds_take (self, BF_TOKEN_BYTES));
    return complete;
}

static void
complete_each (rounds *self)
{
    for (size_t i = 0; i < self->n_tokens; i++) {
        Belfry__V1__Request *request = request_new (self);
        request->command_case = BELFRY__V1__REQUEST__COMMAND_COMPLETE;
        request->complete = complete_new (self, self->tokens[i]);
        apply_call (self, request);
    }
}

static void
complete_batch (rounds *self, const bf_token *tokens, size_t count)
{
    Belfry__V1__Request *request = request_new (self);
    Belfry__V1__Batch *batch = rounds_take (self, sizeof *batch);
    belfry__v1__batch__init (batch);
    batch->items = rounds_take (self, count * sizeof *batch->items);
    batch->n_items = count;
    for (size_t i = 0; i < count; i++) {
        Belfry__V1__BatchItem *item = rounds_take (self, sizeof *item);
        belfry__v1__batch_item__init (item);
        item->command_case = BELFRY__V1__BATCH_ITEM__COMMAND_COMPLETE;
        item->complete = complete_new (self, tokens[i]);
        batch->items[i] = item;
    }
    request->command_case = BELFRY__V1__REQUEST__COMMAND_BATCH;
    request->batch = batch;
    apply_call (self, request);
}

/* What the batch before this one has handed out: claim by claim, each full but the last. */
static void
complete_all (rounds *self, rounds_completion completion)
{
    if (completion == ROUNDS_EACH) {
        complete_each (self);
    } else if (completion == ROUNDS_BATCHED) {
        for (size_t done = 0; done < self->n_tokens; done += CLAIM_MAX) {
            size_t part = part_of (done, self->n_tokens, CLAIM_MAX);
            complete_batch (self, self->tokens + done, part);
        }
    }
    self->n_tokens = 0;
}

static int
by_time (const void *a, const void *b)
{
    const bf_timer *x = a, *y = b;
    if (x->due_us != y->due_us) {
        return x->due_us < y->due_us ? -1 : 1;
    }
    return x->job < y->job ? -1 : x->job > y->job;
}

/* Time goes on to when this timer is due. */
static void
pass_to (rounds *self, const bf_timer *timer)
{
    int64_t ahead_us = timer->due_us - self->now.wall.us;
    if (ahead_us > 0) {
        self->now.wall.us += ahead_us;
        self->now.boot.us += ahead_us;
    }
}

void
rounds_fire (rounds *self, size_t per_batch, rounds_completion completion)
{
    size_t all = self->n_timers;
    limits_require (all == self->jobs, "%zu timers for %zu jobs", all, self->jobs);
    bf_timer *timers = limits_take (all * sizeof *timers);
    memcpy (timers, self->timers, all * sizeof *timers);
    qsort (timers, all, sizeof *timers, by_time);
    size_t done = 0;
    for (bool last = false; !last;) {
        size_t part = part_of (done, all, per_batch);
        done += part;
        if (part > 0) {
            pass_to (self, &timers[done - 1]);
        }
        rounds_begin (self);
        complete_all (self, completion);
        if (part > 0) {
            fire (self, timers + done - part, part);
        }
        /* What the last of them has handed out takes one more batch. */
        last = completion == ROUNDS_LEAVE ? done == all : part == 0;
        rounds_commit (self, last);
    }
    free (timers);
}
