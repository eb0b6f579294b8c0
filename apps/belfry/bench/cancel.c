/* SPDX-License-Identifier: MPL-2.0
 *
 * cancel: jobs that wait are cancelled by their keys, 256 calls in flight: in the order in
 * which they were made (steady), or in any (scattered).
 */
#include <stdlib.h>
#include <string.h>

#include "apps/belfry/bench/jobs.h"
#include "core/base/time.h"

#define JOBS 100000
#define WINDOW 256
#define SEED 3
#define PATIENCE_MS 60000

typedef struct {
    char text[sizeof ((bf_bench_job *)0)->key];
} bench_key;

typedef struct {
    const bf_bench_site *site;
    bf_bench_jobs jobs;
    bf_bench_calls *calls;
    bench_key *keys; /* in the order of their cancels */
    size_t all, sent, done;
} cancel_t;

/* The keys that the jobs will have. */
static bf_err
draw_keys (cancel_t *self, bf_error *error)
{
    bf_bench_jobs jobs = self->jobs;
    bf_bench_job job;
    self->keys = calloc (self->all, sizeof *self->keys);
    if (!self->keys) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    for (size_t i = 0; i < self->all; i++) {
        bf_bench_job_make (&jobs, &job);
        size_t at = i;
        if (self->site->scattered) {
            at = (size_t)(bf_bench_draw (SEED, i) % (i + 1));
        }
        self->keys[i] = self->keys[at];
        memcpy (self->keys[at].text, job.key, sizeof job.key);
    }
    return BF_OK;
}

static bf_err
send_one (cancel_t *self, bf_error *error)
{
    Belfry__V1__JobRef job = BELFRY__V1__JOB_REF__INIT;
    job.ns = (char *)BF_BENCH_NS;
    job.key = self->keys[self->sent++].text;
    Belfry__V1__Cancel cancel = BELFRY__V1__CANCEL__INIT;
    cancel.job = &job;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CANCEL;
    request.cancel = &cancel;
    return bf_bench_calls_send (self->calls, 'c', 1, &request, error);
}

static bf_err
on_answer (void *context, char kind, size_t number, const Belfry__V1__Reply *reply,
           int64_t at_us, bf_error *error)
{
    cancel_t *self = context;
    (void)kind;
    (void)at_us;
    bool cancelled =
        reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS && reply->jobs->n_items == 1 &&
        reply->jobs->items[0]->job->state == BELFRY__V1__JOB_STATE__JOB_STATE_CANCELLED;
    self->done += number;
    return cancelled ? BF_OK
                     : bf_fail (error, BF_EINTERNAL, "a Cancel did not cancel its job");
}

static bf_err
drive (cancel_t *self, bf_error *error)
{
    bf_err rc = BF_OK;
    while (rc == BF_OK && self->done < self->all) {
        size_t before = self->done;
        while (rc == BF_OK && self->sent < self->all &&
               bf_bench_calls_in_flight (self->calls) < WINDOW) {
            rc = send_one (self, error);
        }
        if (rc == BF_OK) {
            bf_bench_calls_wait (&self->calls, 1, PATIENCE_MS);
            rc = bf_bench_calls_take (self->calls, on_answer, self, error);
        }
        if (rc == BF_OK && self->done == before) {
            rc = bf_fail (error, BF_EIO, "a Cancel was not answered");
        }
        self->site->progress (self->site->context, "cancelling", (double)self->done,
                              (double)self->all);
    }
    return rc;
}

static bf_err
measure (cancel_t *self, bf_error *error)
{
    bf_err rc = draw_keys (self, error);
    if (rc == BF_OK) {
        rc = bf_bench_calls_open (&self->calls, self->site->zeromq, self->site->commands,
                                  error);
    }
    if (rc == BF_OK) {
        rc = bf_bench_jobs_store (&self->jobs, self->site, self->calls, self->all, error);
    }
    int64_t from_us = bf_now_read ().boot.us;
    rc = rc == BF_OK ? drive (self, error) : rc;
    if (rc == BF_OK) {
        double took_us = (double)(bf_now_read ().boot.us - from_us);
        self->site->report (self->site->context, "in_flight_256", "rate", "jobs/s",
                            (double)self->all * (double)BF_SECOND_US / took_us);
    }
    return rc;
}

bf_err
bf_bench_cancel (const bf_bench_site *site, bf_error *error)
{
    cancel_t self = {.site = site, .all = site->jobs > 0 ? site->jobs : JOBS};
    self.jobs = (bf_bench_jobs){.scattered = site->scattered,
                                .from_us = bf_now_read ().wall.us + BF_HOUR_US,
                                .spread_us = BF_DAY_US,
                                .all = self.all,
                                .seed = SEED};
    bf_err rc = measure (&self, error);
    bf_bench_calls_close (&self.calls);
    free (self.keys);
    return rc;
}
