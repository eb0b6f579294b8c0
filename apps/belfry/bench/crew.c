/* SPDX-License-Identifier: MPL-2.0
 *
 * See crew.h. A claim is not renewed while it is parked: that heals a daemon that was
 * started again, which ends a measurement anyway.
 */
#include "apps/belfry/bench/crew.h"

#include <stdlib.h>

#include "apps/belfry/bench/jobs.h"
#include "core/base/time.h"

#define CLAIM_WAIT_US (60 * BF_SECOND_US)
#define LEASES_MOST 100 /* of one claim, by the protocol */

typedef struct {
    bf_bench_crew *crew;
    bf_bench_calls *calls;
    size_t *unsettled; /* of each claim: completions without an answer */
} connection_t;

struct bf_bench_crew {
    bf_bench_crew_options options;
    connection_t connections[BF_BENCH_CALLS_MOST];
    bf_bench_calls *calls[BF_BENCH_CALLS_MOST];
    size_t claimed;
    size_t settled;
};

static bf_err
claim (connection_t *self, size_t number, bf_error *error)
{
    char *types[] = {(char *)BF_BENCH_TYPE};
    Belfry__V1__Claim message = BELFRY__V1__CLAIM__INIT;
    message.ns = (char *)BF_BENCH_NS;
    message.n_types = 1;
    message.types = types;
    message.max = self->crew->options.most;
    message.wait_us = CLAIM_WAIT_US;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    request.claim = &message;
    return bf_bench_calls_send (self->calls, 'c', number, &request, error);
}

static bf_err
complete_each (connection_t *self, size_t number, const Belfry__V1__ClaimReply *reply,
               bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; i < reply->n_leases && rc == BF_OK; i++) {
        Belfry__V1__Complete message = BELFRY__V1__COMPLETE__INIT;
        message.token = reply->leases[i]->token;
        Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
        request.command_case = BELFRY__V1__REQUEST__COMMAND_COMPLETE;
        request.complete = &message;
        rc = bf_bench_calls_send (self->calls, 'd', number, &request, error);
    }
    self->unsettled[number] = reply->n_leases;
    return rc;
}

static bf_err
complete_together (connection_t *self, size_t number, const Belfry__V1__ClaimReply *reply,
                   bf_error *error)
{
    Belfry__V1__Complete messages[LEASES_MOST];
    Belfry__V1__BatchItem items[LEASES_MOST];
    Belfry__V1__BatchItem *list[LEASES_MOST];
    BF_INVARIANT (reply->n_leases <= LEASES_MOST);
    for (size_t i = 0; i < reply->n_leases; i++) {
        belfry__v1__complete__init (&messages[i]);
        messages[i].token = reply->leases[i]->token;
        belfry__v1__batch_item__init (&items[i]);
        items[i].command_case = BELFRY__V1__BATCH_ITEM__COMMAND_COMPLETE;
        items[i].complete = &messages[i];
        list[i] = &items[i];
    }
    Belfry__V1__Batch batch = BELFRY__V1__BATCH__INIT;
    batch.n_items = reply->n_leases;
    batch.items = list;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_BATCH;
    request.batch = &batch;
    self->unsettled[number] = 1;
    return bf_bench_calls_send (self->calls, 'd', number, &request, error);
}

static bf_err
on_claimed (connection_t *self, size_t number, const Belfry__V1__Reply *reply,
            int64_t at_us, bf_error *error)
{
    const bf_bench_crew_options *options = &self->crew->options;
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_CLAIM ||
        reply->claim->n_leases == 0) {
        return claim (self, number, error);
    }
    const Belfry__V1__ClaimReply *work = reply->claim;
    for (size_t i = 0; i < work->n_leases; i++) {
        if (work->leases[i]->payload.len != BF_BENCH_PAYLOAD_BYTES) {
            return bf_fail (error, BF_EINTERNAL, "a lease came without its payload");
        }
        if (options->leased) {
            options->leased (options->context, work->leases[i], at_us);
        }
    }
    self->crew->claimed += work->n_leases;
    return options->batched ? complete_together (self, number, work, error)
                            : complete_each (self, number, work, error);
}

static bf_err
on_answer (void *context, char kind, size_t number, const Belfry__V1__Reply *reply,
           int64_t at_us, bf_error *error)
{
    connection_t *self = context;
    BF_INVARIANT (number < self->crew->options.claims);
    if (kind == 'c') {
        return on_claimed (self, number, reply, at_us, error);
    }
    bool batch = reply->result_case == BELFRY__V1__REPLY__RESULT_BATCH;
    self->crew->settled += batch ? reply->batch->n_items : 1;
    return --self->unsettled[number] == 0 ? claim (self, number, error) : BF_OK;
}

bf_err
bf_bench_crew_open (bf_bench_crew **self_p, const bf_bench_site *site,
                    const bf_bench_crew_options *options, bf_error *error)
{
    BF_INVARIANT (options->connections <= BF_BENCH_CALLS_MOST);
    bf_bench_crew *self = calloc (1, sizeof *self);
    if (!self) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    self->options = *options;
    bf_err rc = BF_OK;
    for (size_t i = 0; i < options->connections && rc == BF_OK; i++) {
        connection_t *one = &self->connections[i];
        one->crew = self;
        one->unsettled = calloc (options->claims, sizeof *one->unsettled);
        rc = one->unsettled
                 ? bf_bench_calls_open (&one->calls, site->zeromq, site->commands, error)
                 : bf_fail_plain (error, BF_ENOMEM);
        self->calls[i] = one->calls;
        for (size_t number = 0; number < options->claims && rc == BF_OK; number++) {
            rc = claim (one, number, error);
        }
    }
    if (rc != BF_OK) {
        bf_bench_crew_close (&self);
        return rc;
    }
    *self_p = self;
    return BF_OK;
}

void
bf_bench_crew_close (bf_bench_crew **self_p)
{
    bf_bench_crew *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    for (size_t i = 0; i < self->options.connections; i++) {
        bf_bench_calls_close (&self->connections[i].calls);
        free (self->connections[i].unsettled);
    }
    free (self);
}

bf_err
bf_bench_crew_turn (bf_bench_crew *self, long wait_ms, bf_error *error)
{
    if (wait_ms > 0) {
        bf_bench_calls_wait (self->calls, self->options.connections, wait_ms);
    }
    bf_err rc = BF_OK;
    for (size_t i = 0; i < self->options.connections && rc == BF_OK; i++) {
        rc = bf_bench_calls_take (self->calls[i], on_answer, &self->connections[i], error);
    }
    return rc;
}

size_t
bf_bench_crew_sockets (bf_bench_crew *self, bf_bench_calls **calls)
{
    for (size_t i = 0; i < self->options.connections; i++) {
        calls[i] = self->calls[i];
    }
    return self->options.connections;
}

size_t
bf_bench_crew_settled (const bf_bench_crew *self)
{
    return self->settled;
}

size_t
bf_bench_crew_claimed (const bf_bench_crew *self)
{
    return self->claimed;
}
