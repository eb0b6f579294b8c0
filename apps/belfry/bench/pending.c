/* SPDX-License-Identifier: MPL-2.0
 *
 * pending: what jobs cost that only wait. At each depth: the memory of the daemon, its
 * files' bytes for a job, how long a restart takes after a kill, and how fast one more job
 * is made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "apps/belfry/bench/daemon.h"
#include "apps/belfry/bench/jobs.h"
#include "core/base/time.h"

#define DEPTH 1000000
#define MADE_AT_DEPTH 20000
#define SEED 8

/* Each up to --jobs, and that one last. */
static const struct {
    size_t jobs;
    const char *name;
} depths[] = {
    {0, "depth_0"},
    {100000, "depth_100k"},
    {1000000, "depth_1m"},
    {10000000, "depth_10m"},
};

#define DEPTHS (sizeof depths / sizeof depths[0])

typedef struct {
    const bf_bench_site *site;
    bf_bench_jobs jobs;
    size_t made; /* one by one, at each depth */
} pending_t;

/* VmRSS in MiB. */
static double
memory_of (int pid)
{
    char path[64], line[256];
    double mebibytes = 0;
    (void)snprintf (path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen (path, "re");
    while (file && fgets (line, sizeof line, file)) {
        if (!strncmp (line, "VmRSS:", 6)) {
            mebibytes = (double)strtoull (line + 6, NULL, 10) / 1024;
        }
    }
    if (file) {
        (void)fclose (file);
    }
    return mebibytes;
}

static double
bytes_of (const bf_bench_daemon *daemon)
{
    static const char *const names[] = {"belfry.db", "belfry.db-wal"};
    double sum = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[sizeof daemon->directory + 32];
        struct stat facts;
        (void)snprintf (path, sizeof path, "%s/%s", daemon->directory, names[i]);
        sum += stat (path, &facts) == 0 ? (double)facts.st_size : 0;
    }
    return sum;
}

static bf_err
store (pending_t *self, size_t count, bf_error *error)
{
    bf_bench_calls *calls = NULL;
    bf_err rc =
        bf_bench_calls_open (&calls, self->site->zeromq, self->site->commands, error);
    if (rc == BF_OK && count > 0) {
        rc = bf_bench_jobs_store (&self->jobs, self->site, calls, count, error);
    }
    bf_bench_calls_close (&calls);
    return rc;
}

/* With so many jobs in it. */
static bf_err
measure (pending_t *self, const char *name, bf_error *error)
{
    const bf_bench_site *site = self->site;
    site->report (site->context, name, "rss", "MiB", memory_of (site->daemon->pid));
    int64_t took_us = 0;
    bf_err rc = bf_bench_daemon_restart (site->daemon, &took_us, error);
    if (rc != BF_OK) {
        return rc;
    }
    site->report (site->context, name, "restart", "ms", (double)took_us / (double)BF_MS_US);
    if (self->jobs.made > 0) {
        /* The restart has moved the log into the file. */
        site->report (site->context, name, "disk", "bytes/job",
                      bytes_of (site->daemon) / (double)self->jobs.made);
    }
    return bf_bench_schedule_rate (site, name, &self->jobs, self->made, error);
}

bf_err
bf_bench_pending (const bf_bench_site *site, bf_error *error)
{
    size_t most = site->jobs > 0 ? site->jobs : DEPTH;
    pending_t self = {
        .site = site,
        .jobs = {.scattered = site->scattered,
                 .from_us = bf_now_read ().wall.us + BF_DAY_US,
                 .spread_us = 30 * BF_DAY_US,
                 .all = most + DEPTHS * MADE_AT_DEPTH,
                 .seed = SEED},
        .made = most < MADE_AT_DEPTH ? most : MADE_AT_DEPTH,
    };
    bf_err rc = BF_OK;
    bool last = false;
    for (size_t i = 0; rc == BF_OK && i < DEPTHS && !last; i++) {
        size_t depth = depths[i].jobs < most ? depths[i].jobs : most;
        last = depth == most;
        size_t more = depth > self.jobs.made ? depth - self.jobs.made : 0;
        rc = store (&self, more, error);
        if (rc == BF_OK) {
            rc = measure (&self, depth == depths[i].jobs ? depths[i].name : "depth_n",
                          error);
        }
    }
    return rc;
}
