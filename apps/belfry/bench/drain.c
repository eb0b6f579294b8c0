/* SPDX-License-Identifier: MPL-2.0
 *
 * drain: many jobs come due within a moment, workers with parked claims complete each. From
 * the first due time until the last completion is acknowledged.
 */
#include "apps/belfry/bench/crew.h"
#include "apps/belfry/bench/jobs.h"
#include "core/base/time.h"

#define JOBS 100000
#define SEED 4
/* Concurrency: 4 * 24 * 10 runs, under the calls that a daemon takes of one socket. */
#define CONNECTIONS 4
#define CLAIMS 24
#define RUNS_OF_A_CLAIM 10
/* Jobs that are stored in a second by the slowest machine that is thought of. */
#define STORED_PER_SECOND 15000
/* Nothing at all for so long: it hangs. */
#define STALL_US (30 * BF_SECOND_US)

/* Everything is stored before any of it is due. */
static bf_err
store (const bf_bench_site *site, size_t count, int64_t due_us, bf_error *error)
{
    bf_bench_calls *calls = NULL;
    bf_err rc = bf_bench_calls_open (&calls, site->zeromq, site->commands, error);
    if (rc != BF_OK) {
        return rc;
    }
    /* A microsecond between two steady jobs. */
    bf_bench_jobs jobs = {.scattered = site->scattered,
                          .from_us = due_us,
                          .spread_us = (int64_t)count,
                          .all = count,
                          .seed = SEED};
    rc = bf_bench_jobs_store (&jobs, site, calls, count, error);
    bf_bench_calls_close (&calls);
    if (rc == BF_OK && bf_now_read ().wall.us >= due_us) {
        rc = bf_fail (error, BF_EINTERNAL,
                      "storing took too long: the first jobs were due before the last were "
                      "stored; try fewer --jobs");
    }
    return rc;
}

static bf_err
settle_all (const bf_bench_site *site, bf_bench_crew *crew, size_t count, bf_error *error)
{
    size_t settled = 0;
    int64_t moved_us = bf_now_read ().boot.us;
    while (settled < count) {
        bf_err rc = bf_bench_crew_turn (crew, 1000, error);
        if (rc != BF_OK) {
            return rc;
        }
        int64_t now_us = bf_now_read ().boot.us;
        if (bf_bench_crew_settled (crew) > settled) {
            settled = bf_bench_crew_settled (crew);
            moved_us = now_us;
            site->progress (site->context, "draining", (double)settled, (double)count);
        } else if (now_us - moved_us > STALL_US) {
            return bf_fail (error, BF_EIO, "%zu of %zu runs were completed, then none",
                            settled, count);
        }
    }
    return BF_OK;
}

static bf_err
drain (const bf_bench_site *site, bool batched, bf_error *error)
{
    size_t count = site->jobs > 0 ? site->jobs : JOBS;
    int64_t storing_us = (int64_t)count * BF_SECOND_US / STORED_PER_SECOND;
    int64_t due_us = bf_now_read ().wall.us + BF_SECOND_US + storing_us;
    bf_err rc = store (site, count, due_us, error);
    if (rc != BF_OK) {
        return rc;
    }
    bf_bench_crew *crew = NULL;
    bf_bench_crew_options options = {.connections = CONNECTIONS,
                                     .claims = CLAIMS,
                                     .most = RUNS_OF_A_CLAIM,
                                     .batched = batched};
    rc = bf_bench_crew_open (&crew, site, &options, error);
    /* The claims are parked by then; whatever is late for it counts. */
    while (rc == BF_OK && bf_now_read ().wall.us < due_us) {
        site->progress (site->context, "waiting until they are due", 0, 0);
        rc = bf_bench_crew_turn (crew, 10, error);
    }
    if (rc == BF_OK) {
        rc = settle_all (site, crew, count, error);
    }
    if (rc == BF_OK) {
        double took_us = (double)(bf_now_read ().wall.us - due_us);
        site->report (site->context, batched ? "batched" : "each", "rate", "runs/s",
                      (double)count * (double)BF_SECOND_US / took_us);
    }
    bf_bench_crew_close (&crew);
    return rc;
}

bf_err
bf_bench_drain_each (const bf_bench_site *site, bf_error *error)
{
    return drain (site, false, error);
}

bf_err
bf_bench_drain_batched (const bf_bench_site *site, bf_error *error)
{
    return drain (site, true, error);
}
