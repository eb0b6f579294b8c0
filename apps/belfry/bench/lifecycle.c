/* SPDX-License-Identifier: MPL-2.0
 *
 * lifecycle: producers schedule jobs a millisecond ahead, one a call, workers complete
 * them, and what is final goes as fast as it comes: one Prune follows the other, for what
 * is older than a second. (The daemon's own retention rests for a minute whenever it has
 * caught up, so a measurement would see it at work or not, by chance.) Producers stop where
 * too many jobs are open, so the rate is what goes through all of it; how many are open,
 * and kept, at both ends of the time is told beside it.
 */
#include <string.h>

#include "apps/belfry/bench/crew.h"
#include "apps/belfry/bench/jobs.h"
#include "core/base/time.h"

#define KEPT_US BF_SECOND_US
#define SPAN_US (20 * BF_SECOND_US)
/* Until what may be kept is there, and pruning began. */
#define WARM_UP_US (5 * BF_SECOND_US)
#define SEED 5
#define AHEAD_US BF_MS_US
#define PRODUCERS 2
#define IN_FLIGHT 256  /* of each producer */
#define OPEN_MOST 4000 /* jobs that are not completed yet */
#define KEPT_MOST                                                           \
    40000 /* final ones that are not pruned yet: those of about two seconds \
           */
#define CONNECTIONS 4
#define CLAIMS 24
#define RUNS_OF_A_CLAIM 10
#define STALL_US (30 * BF_SECOND_US)

typedef struct {
    const bf_bench_site *site;
    bf_bench_calls *producers[PRODUCERS];
    bf_bench_calls *asker;
    bf_bench_calls *pruner;
    bf_bench_crew *crew;
    bf_bench_jobs jobs;
    size_t pruned;       /* by operations that are done */
    size_t being_pruned; /* by the one that goes on */
    size_t settled;      /* when the last run was completed, how many were */
    int64_t moved_us;    /* and when that was */
} lifecycle_t;

/* What the daemon says of itself. */
typedef struct {
    double open;
    double kept;
    double pruned;
    size_t settled;
    int64_t at_us;
} moment_t;

static bool
has_room (const lifecycle_t *self)
{
    size_t settled = bf_bench_crew_settled (self->crew);
    return self->jobs.made < settled + OPEN_MOST &&
           settled < self->pruned + self->being_pruned + KEPT_MOST;
}

static bf_err
produce (lifecycle_t *self, bf_bench_calls *calls, bf_error *error)
{
    bf_err rc = BF_OK;
    while (rc == BF_OK && bf_bench_calls_in_flight (calls) < IN_FLIGHT && has_room (self)) {
        bf_bench_job job;
        bf_bench_job_make (&self->jobs, &job);
        job.spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
        job.spec.after_us = AHEAD_US;
        Belfry__V1__JobSpec *list[] = {&job.spec};
        Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
        schedule.n_jobs = 1;
        schedule.jobs = list;
        Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
        request.command_case = BELFRY__V1__REQUEST__COMMAND_SCHEDULE;
        request.schedule = &schedule;
        rc = bf_bench_calls_send (calls, 's', 0, &request, error);
    }
    return rc;
}

static bf_err
on_stored (void *context, char kind, size_t number, const Belfry__V1__Reply *reply,
           int64_t at_us, bf_error *error)
{
    (void)context;
    (void)kind;
    (void)number;
    (void)reply;
    (void)at_us;
    (void)error;
    return BF_OK;
}

static bf_err
prune (lifecycle_t *self, bf_error *error)
{
    Belfry__V1__Prune message = BELFRY__V1__PRUNE__INIT;
    message.finals_us = KEPT_US;
    message.events_us = KEPT_US;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_PRUNE;
    request.prune = &message;
    return bf_bench_calls_send (self->pruner, 'p', 0, &request, error);
}

/* An operation is asked for again until it is done; then comes the next one. */
static bf_err
on_pruned (void *context, char kind, size_t number, const Belfry__V1__Reply *reply,
           int64_t at_us, bf_error *error)
{
    (void)kind;
    (void)number;
    (void)at_us;
    lifecycle_t *self = context;
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_BULK) {
        return bf_fail (error, BF_EINTERNAL, "a Prune was not answered with its progress");
    }
    self->being_pruned = reply->bulk->changed;
    if (!reply->bulk->done) {
        return bf_bench_calls_repeat (self->pruner, error);
    }
    self->pruned += self->being_pruned;
    self->being_pruned = 0;
    return prune (self, error);
}

static bf_err
turn (lifecycle_t *self, bf_error *error)
{
    bf_bench_calls *all[BF_BENCH_CALLS_MOST];
    size_t count = bf_bench_crew_sockets (self->crew, all);
    memcpy (all + count, self->producers, sizeof self->producers);
    count += PRODUCERS;
    all[count++] = self->pruner;
    bf_bench_calls_wait (all, count, 1000);
    bf_err rc = bf_bench_crew_turn (self->crew, 0, error);
    if (rc == BF_OK) {
        rc = bf_bench_calls_take (self->pruner, on_pruned, self, error);
    }
    for (size_t i = 0; i < PRODUCERS && rc == BF_OK; i++) {
        rc = bf_bench_calls_take (self->producers[i], on_stored, NULL, error);
        if (rc == BF_OK) {
            rc = produce (self, self->producers[i], error);
        }
    }
    int64_t now_us = bf_now_read ().boot.us;
    if (bf_bench_crew_settled (self->crew) > self->settled) {
        self->settled = bf_bench_crew_settled (self->crew);
        self->moved_us = now_us;
    } else if (rc == BF_OK && now_us - self->moved_us > STALL_US) {
        rc = bf_fail (error, BF_EIO, "%zu runs were completed, then none", self->settled);
    }
    return rc;
}

static bf_err
go_on (lifecycle_t *self, const char *doing, int64_t span_us, bf_error *error)
{
    int64_t began_us = bf_now_read ().boot.us;
    int64_t gone_us = 0;
    bf_err rc = BF_OK;
    while (rc == BF_OK && gone_us < span_us) {
        rc = turn (self, error);
        gone_us = bf_now_read ().boot.us - began_us;
        self->site->progress (self->site->context, doing, (double)gone_us, (double)span_us);
    }
    return rc;
}

static bf_err
look (lifecycle_t *self, moment_t *moment, bf_error *error)
{
    Belfry__V1__Stats stats = BELFRY__V1__STATS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATS;
    request.stats = &stats;
    Belfry__V1__Reply *reply = NULL;
    bf_err rc = bf_bench_calls_ask (self->asker, &request, &reply, error);
    if (rc != BF_OK) {
        return rc;
    }
    *moment = (moment_t){.settled = bf_bench_crew_settled (self->crew),
                         .at_us = bf_now_read ().boot.us};
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_STATS) {
        moment->open = (double)reply->stats->open_jobs;
        moment->kept = (double)reply->stats->final_jobs;
        moment->pruned = (double)reply->stats->pruned_jobs;
    }
    belfry__v1__reply__free_unpacked (reply, NULL);
    return BF_OK;
}

static void
report (const bf_bench_site *site, const moment_t *from, const moment_t *until)
{
    double seconds = (double)(until->at_us - from->at_us) / (double)BF_SECOND_US;
    const char *name = "steady_state";
    site->report (site->context, name, "rate", "jobs/s",
                  (double)(until->settled - from->settled) / seconds);
    site->report (site->context, name, "pruned", "jobs/s",
                  (until->pruned - from->pruned) / seconds);
    site->report (site->context, name, "open_before", "jobs", from->open);
    site->report (site->context, name, "open_after", "jobs", until->open);
    site->report (site->context, name, "kept_before", "jobs", from->kept);
    site->report (site->context, name, "kept_after", "jobs", until->kept);
}

static bf_err
open_all (lifecycle_t *self, bf_error *error)
{
    const bf_bench_site *site = self->site;
    bf_err rc = bf_bench_calls_open (&self->asker, site->zeromq, site->commands, error);
    if (rc == BF_OK) {
        rc = bf_bench_calls_open (&self->pruner, site->zeromq, site->commands, error);
    }
    for (size_t i = 0; i < PRODUCERS && rc == BF_OK; i++) {
        rc = bf_bench_calls_open (&self->producers[i], site->zeromq, site->commands, error);
    }
    bf_bench_crew_options options = {
        .connections = CONNECTIONS, .claims = CLAIMS, .most = RUNS_OF_A_CLAIM};
    if (rc == BF_OK) {
        rc = bf_bench_crew_open (&self->crew, site, &options, error);
    }
    for (size_t i = 0; i < PRODUCERS && rc == BF_OK; i++) {
        rc = produce (self, self->producers[i], error);
    }
    self->moved_us = bf_now_read ().boot.us;
    return rc == BF_OK ? prune (self, error) : rc;
}

bf_err
bf_bench_lifecycle (const bf_bench_site *site, bf_error *error)
{
    lifecycle_t self = {.site = site, .jobs = {.scattered = site->scattered, .seed = SEED}};
    int64_t span_us = site->span_us > 0 ? site->span_us : SPAN_US;
    moment_t from, until;
    bf_err rc = open_all (&self, error);
    if (rc == BF_OK) {
        rc =
            go_on (&self, "warming up", WARM_UP_US < span_us ? WARM_UP_US : span_us, error);
    }
    if (rc == BF_OK) {
        rc = look (&self, &from, error);
    }
    if (rc == BF_OK) {
        rc = go_on (&self, "jobs go through", span_us, error);
    }
    if (rc == BF_OK) {
        rc = look (&self, &until, error);
    }
    if (rc == BF_OK) {
        report (site, &from, &until);
    }
    bf_bench_crew_close (&self.crew);
    bf_bench_calls_close (&self.asker);
    bf_bench_calls_close (&self.pruner);
    for (size_t i = 0; i < PRODUCERS; i++) {
        bf_bench_calls_close (&self.producers[i]);
    }
    return rc;
}
