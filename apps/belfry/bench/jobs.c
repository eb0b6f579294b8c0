/* SPDX-License-Identifier: MPL-2.0
 *
 * See jobs.h.
 */
#include "apps/belfry/bench/jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"

/* Calls of a thousand jobs under way: one is judged while the next one arrives. */
#define CALLS_IN_FLIGHT 4
#define PATIENCE_MS 60000

uint64_t
bf_bench_draw (uint64_t seed, uint64_t number)
{
    return bf_mix (bf_mix (seed) + number);
}

void
bf_bench_job_make (bf_bench_jobs *self, bf_bench_job *job)
{
    uint64_t number = self->made++;
    uint64_t drawn = bf_bench_draw (self->seed, number);
    int64_t offset_us = 0;
    if (self->scattered) {
        (void)snprintf (job->key, sizeof job->key, "job-%016" PRIx64, drawn);
        offset_us = (int64_t)(bf_bench_draw (self->seed + 1, number) %
                              (uint64_t)(self->spread_us + 1));
    } else {
        (void)snprintf (job->key, sizeof job->key, "job-%016" PRIu64, number);
        if (self->all > 0) {
            offset_us =
                (int64_t)((double)self->spread_us * (double)number / (double)self->all);
        }
    }
    for (size_t i = 0; i < sizeof job->payload; i += sizeof drawn) {
        memcpy (job->payload + i, &drawn, sizeof drawn);
        drawn = bf_mix (drawn);
    }
    belfry__v1__job_spec__init (&job->spec);
    job->spec.ns = (char *)BF_BENCH_NS;
    job->spec.type = (char *)BF_BENCH_TYPE;
    job->spec.key = job->key;
    job->spec.payload = (ProtobufCBinaryData){sizeof job->payload, job->payload};
    job->spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
    job->spec.at_us = self->from_us + offset_us;
}
_Static_assert(BF_BENCH_PAYLOAD_BYTES % sizeof (uint64_t) == 0, "filled by eights");

static bf_err
stored (void *context, char kind, size_t number, const Belfry__V1__Reply *reply,
        int64_t at_us, bf_error *error)
{
    (void)kind;
    (void)at_us;
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_JOBS ||
        reply->jobs->n_items != number) {
        return bf_fail (error, BF_EINTERNAL, "a Schedule was not answered with its jobs");
    }
    *(size_t *)context += number;
    return BF_OK;
}

bf_err
bf_bench_jobs_send (bf_bench_jobs *self, bf_bench_calls *calls, size_t count,
                    bf_error *error)
{
    BF_INVARIANT (count <= BF_BENCH_CALL_JOBS);
    bf_bench_job *jobs = calloc (count, sizeof *jobs);
    if (!jobs) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    Belfry__V1__JobSpec *specs[BF_BENCH_CALL_JOBS];
    for (size_t i = 0; i < count; i++) {
        bf_bench_job_make (self, &jobs[i]);
        specs[i] = &jobs[i].spec;
    }
    Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
    schedule.n_jobs = count;
    schedule.jobs = specs;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SCHEDULE;
    request.schedule = &schedule;
    bf_err rc = bf_bench_calls_send (calls, 's', count, &request, error);
    free (jobs);
    return rc;
}

bf_err
bf_bench_jobs_store (bf_bench_jobs *self, const bf_bench_site *site, bf_bench_calls *calls,
                     size_t count, bf_error *error)
{
    size_t sent = 0, done = 0;
    bf_err rc = BF_OK;
    while (rc == BF_OK && done < count) {
        while (rc == BF_OK && sent < count &&
               bf_bench_calls_in_flight (calls) < CALLS_IN_FLIGHT) {
            size_t part =
                count - sent < BF_BENCH_CALL_JOBS ? count - sent : BF_BENCH_CALL_JOBS;
            rc = bf_bench_jobs_send (self, calls, part, error);
            sent += part;
        }
        size_t before = done;
        if (rc == BF_OK) {
            bf_bench_calls_wait (&calls, 1, PATIENCE_MS);
            rc = bf_bench_calls_take (calls, stored, &done, error);
        }
        if (rc == BF_OK && done == before) {
            rc = bf_fail (error, BF_EIO, "a Schedule was not answered");
        }
        site->progress (site->context, "storing", (double)done, (double)count);
    }
    return rc;
}
