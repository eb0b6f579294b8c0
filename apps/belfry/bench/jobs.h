/* SPDX-License-Identifier: MPL-2.0
 *
 * The jobs of a load, one after the other: keys and due times that grow (steady) or random
 * ones (scattered), 200 bytes of payload each; and how they are stored by the thousand.
 */
#ifndef BF_BENCH_JOBS_H
#define BF_BENCH_JOBS_H

#include "apps/belfry/bench/calls.h"
#include "apps/belfry/bench/site.h"

#define BF_BENCH_NS "bench"
#define BF_BENCH_TYPE "work"
#define BF_BENCH_PAYLOAD_BYTES 200
#define BF_BENCH_CALL_JOBS 1000 /* as many as one Schedule takes */

typedef struct {
    bool scattered;
    size_t made;
    /* Due times are from here on, and so long: the n-th job's is n of `all` of it, or
     * anywhere. */
    int64_t from_us;
    int64_t spread_us;
    size_t all;
    uint64_t seed; /* of the payloads, keys and times that are random */
} bf_bench_jobs;

/* One definition, with room for what it points to. */
typedef struct {
    Belfry__V1__JobSpec spec;
    char key[32];
    uint8_t payload[BF_BENCH_PAYLOAD_BYTES];
} bf_bench_job;

/* A number that depends on the seed and this one. */
uint64_t bf_bench_draw (uint64_t seed, uint64_t number);

/* The next job; trigger at_us. */
void bf_bench_job_make (bf_bench_jobs *self, bf_bench_job *job);

/* Sends one call that makes `count` jobs, up to BF_BENCH_CALL_JOBS; its kind is 's', its
 * number the count. */
bf_err bf_bench_jobs_send (bf_bench_jobs *self, bf_bench_calls *calls, size_t count,
                           bf_error *error);

/* Makes `count` more, one a call and 256 calls under way on one connection, and reports the
 * rate as `name`; schedule.c. */
bf_err bf_bench_schedule_rate (const bf_bench_site *site, const char *name,
                               bf_bench_jobs *self, size_t count, bf_error *error);

/* Stores `count` more, in calls of a thousand, some in flight, and waits for the answers.
 */
bf_err bf_bench_jobs_store (bf_bench_jobs *self, const bf_bench_site *site,
                            bf_bench_calls *calls, size_t count, bf_error *error);

#endif
