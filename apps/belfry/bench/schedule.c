/* SPDX-License-Identifier: MPL-2.0
 *
 * schedule: jobs that are due an hour ahead, or within the day after, are made as fast as
 * calls are answered, with so many of them under way.
 */
#include "apps/belfry/bench/jobs.h"
#include "apps/belfry/bench/series.h"
#include "core/base/time.h"

#define JOBS 100000
#define JOBS_ONE_BY_ONE 5000
#define AHEAD_US BF_HOUR_US
#define SPREAD_US BF_DAY_US
#define SEED 2
#define PATIENCE_MS 60000

typedef struct {
    const char *name;
    size_t connections;
    size_t window; /* calls under way on each */
    size_t jobs;   /* of a call */
    bool timed;    /* each call, too: for a window of one */
} shape_t;

typedef struct {
    const bf_bench_site *site;
    const shape_t *shape;
    bf_bench_jobs *jobs;
    bf_bench_calls *calls[BF_BENCH_CALLS_MOST];
    size_t all, sent, done;
    int64_t sent_us; /* the call under way, where it is timed */
    bf_bench_series series;
} schedule_t;

static bf_err
on_answer (void *context, char kind, size_t number, const Belfry__V1__Reply *reply,
           int64_t at_us, bf_error *error)
{
    schedule_t *self = context;
    (void)kind;
    (void)at_us;
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_JOBS ||
        reply->jobs->n_items != number) {
        return bf_fail (error, BF_EINTERNAL, "a Schedule was not answered with its jobs");
    }
    self->done += number;
    if (self->shape->timed) {
        bf_bench_series_add (&self->series, bf_now_read ().boot.us - self->sent_us);
    }
    return BF_OK;
}

/* Fills the window of one connection. */
static bf_err
fill (schedule_t *self, bf_bench_calls *calls, bf_error *error)
{
    bf_err rc = BF_OK;
    while (rc == BF_OK && self->sent < self->all &&
           bf_bench_calls_in_flight (calls) < self->shape->window) {
        size_t left = self->all - self->sent;
        size_t part = left < self->shape->jobs ? left : self->shape->jobs;
        self->sent_us = self->shape->timed ? bf_now_read ().boot.us : 0;
        rc = bf_bench_jobs_send (self->jobs, calls, part, error);
        self->sent += part;
    }
    return rc;
}

static bf_err
drive (schedule_t *self, bf_error *error)
{
    bf_err rc = BF_OK;
    while (rc == BF_OK && self->done < self->all) {
        size_t before = self->done;
        for (size_t i = 0; rc == BF_OK && i < self->shape->connections; i++) {
            rc = fill (self, self->calls[i], error);
        }
        if (rc == BF_OK) {
            bf_bench_calls_wait (self->calls, self->shape->connections, PATIENCE_MS);
        }
        for (size_t i = 0; rc == BF_OK && i < self->shape->connections; i++) {
            rc = bf_bench_calls_take (self->calls[i], on_answer, self, error);
        }
        if (rc == BF_OK && self->done == before) {
            rc = bf_fail (error, BF_EIO, "a Schedule was not answered");
        }
        self->site->progress (self->site->context, "scheduling", (double)self->done,
                              (double)self->all);
    }
    return rc;
}

static bf_err
measure (schedule_t *self, bf_error *error)
{
    bf_err rc =
        self->shape->timed ? bf_bench_series_open (&self->series, self->all, error) : BF_OK;
    for (size_t i = 0; rc == BF_OK && i < self->shape->connections; i++) {
        rc = bf_bench_calls_open (&self->calls[i], self->site->zeromq, self->site->commands,
                                  error);
    }
    int64_t from_us = bf_now_read ().boot.us;
    rc = rc == BF_OK ? drive (self, error) : rc;
    if (rc == BF_OK) {
        double took_us = (double)(bf_now_read ().boot.us - from_us);
        self->site->report (self->site->context, self->shape->name, "rate", "jobs/s",
                            (double)self->all * (double)BF_SECOND_US / took_us);
    }
    if (rc == BF_OK && self->shape->timed) {
        bf_bench_series_report (&self->series, self->site, self->shape->name);
    }
    return rc;
}

static bf_err
run (const bf_bench_site *site, const shape_t *shape, bf_bench_jobs *jobs, size_t count,
     bf_error *error)
{
    schedule_t self = {.site = site, .shape = shape, .jobs = jobs, .all = count};
    bf_err rc = measure (&self, error);
    for (size_t i = 0; i < shape->connections; i++) {
        bf_bench_calls_close (&self.calls[i]);
    }
    bf_bench_series_close (&self.series);
    return rc;
}

static bf_err
schedule (const bf_bench_site *site, const shape_t *shape, bf_error *error)
{
    size_t count = site->jobs > 0 ? site->jobs : JOBS;
    if (shape->timed && count > JOBS_ONE_BY_ONE) {
        count = JOBS_ONE_BY_ONE;
    }
    bf_bench_jobs jobs = {.scattered = site->scattered,
                          .from_us = bf_now_read ().wall.us + AHEAD_US,
                          .spread_us = SPREAD_US,
                          .all = count,
                          .seed = SEED};
    return run (site, shape, &jobs, count, error);
}

bf_err
bf_bench_schedule_rate (const bf_bench_site *site, const char *name, bf_bench_jobs *jobs,
                        size_t count, bf_error *error)
{
    const shape_t shape = {name, 1, 256, 1, false};
    return run (site, &shape, jobs, count, error);
}

bf_err
bf_bench_schedule_one (const bf_bench_site *site, bf_error *error)
{
    static const shape_t shape = {"one_in_flight", 1, 1, 1, true};
    return schedule (site, &shape, error);
}

bf_err
bf_bench_schedule_256 (const bf_bench_site *site, bf_error *error)
{
    static const shape_t shape = {"in_flight_256", 1, 256, 1, false};
    return schedule (site, &shape, error);
}

bf_err
bf_bench_schedule_batches (const bf_bench_site *site, bf_error *error)
{
    static const shape_t shape = {"batches_1000", 1, 4, BF_BENCH_CALL_JOBS, false};
    return schedule (site, &shape, error);
}

bf_err
bf_bench_schedule_connections (const bf_bench_site *site, bf_error *error)
{
    static const shape_t shape = {"connections_8", 8, 32, 1, false};
    return schedule (site, &shape, error);
}
