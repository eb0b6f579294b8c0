/* SPDX-License-Identifier: MPL-2.0
 *
 * What a load that runs against a daemon gets, and where it leaves its figures: the doors,
 * the process where it is our own, how large the load is to be. Loads know the public wire
 * and nothing else of the daemon.
 */
#ifndef BF_BENCH_SITE_H
#define BF_BENCH_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"

typedef struct {
    void *zeromq; /* the context of every socket */
    const char *commands;
    const char *feed;
    struct bf_bench_daemon *daemon; /* the process behind them */
    bool scattered;                 /* the workload: else steady */
    size_t jobs;                    /* of one run; 0 for what suits the load */
    int64_t span_us;                /* how long to measure; 0 for what suits the load */
    /* One figure of this run. */
    void (*report) (void *context, const char *name, const char *metric, const char *unit,
                    double value);
    /* What goes on, from time to time: so much of so much, or of 0 where nobody knows. */
    void (*progress) (void *context, const char *doing, double done, double all);
    void *context;
} bf_bench_site;

/* One run of a load against a daemon that is fresh. */
typedef bf_err bf_bench_run (const bf_bench_site *site, bf_error *error);

/* schedule.c: one call in flight; 256 on one connection; calls of a thousand jobs; eight
 * connections. */
bf_bench_run bf_bench_schedule_one;
bf_bench_run bf_bench_schedule_256;
bf_bench_run bf_bench_schedule_batches;
bf_bench_run bf_bench_schedule_connections;
bf_bench_run bf_bench_cancel;  /* cancel.c */
bf_bench_run bf_bench_pending; /* pending.c; restarts the daemon */
/* drain.c: a Complete for each run; those of a claim in one Batch. */
bf_bench_run bf_bench_drain_each;
bf_bench_run bf_bench_drain_batched;
bf_bench_run bf_bench_lifecycle; /* lifecycle.c */
/* latency.c: 170 a second; 1,000 a second. */
bf_bench_run bf_bench_latency_170;
bf_bench_run bf_bench_latency_1000;
/* feed.c: so many subscribers; pages of Replay. */
bf_bench_run bf_bench_feed_1;
bf_bench_run bf_bench_feed_10;
bf_bench_run bf_bench_feed_100;
bf_bench_run bf_bench_feed_replay;
bf_bench_run bf_bench_idle; /* idle.c */

#endif
