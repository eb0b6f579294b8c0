/* SPDX-License-Identifier: MPL-2.0
 *
 * Workers as a good client has them: some connections, on each some parked claims, a claim
 * sent again as soon as what it brought is settled. All in the caller's thread.
 */
#ifndef BF_BENCH_CREW_H
#define BF_BENCH_CREW_H

#include "apps/belfry/bench/calls.h"
#include "apps/belfry/bench/site.h"

/* A worker holds the payload: the wall clock at that moment. */
typedef void bf_bench_leased (void *context, const Belfry__V1__Lease *lease, int64_t at_us);

typedef struct {
    size_t connections;      /* up to BF_BENCH_CALLS_MOST */
    size_t claims;           /* parked on each */
    uint32_t most;           /* runs of one claim */
    bool batched;            /* the runs of a claim are completed in one Batch */
    bf_bench_leased *leased; /* or NULL */
    void *context;
} bf_bench_crew_options;

typedef struct bf_bench_crew bf_bench_crew;

/* Connects, and parks the claims. */
bf_err bf_bench_crew_open (bf_bench_crew **self_p, const bf_bench_site *site,
                           const bf_bench_crew_options *options, bf_error *error);
/* Accepts NULL. */
void bf_bench_crew_close (bf_bench_crew **self_p);

/* Takes what has arrived and answers it; waits for it up to wait_ms. */
bf_err bf_bench_crew_turn (bf_bench_crew *self, long wait_ms, bf_error *error);

/* Without the wait, for who polls by himself: these are the sockets. */
size_t bf_bench_crew_sockets (bf_bench_crew *self, bf_bench_calls **calls);

/* Runs whose completion was acknowledged; runs that were leased. */
size_t bf_bench_crew_settled (const bf_bench_crew *self);
size_t bf_bench_crew_claimed (const bf_bench_crew *self);

#endif
