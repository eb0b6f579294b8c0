/* SPDX-License-Identifier: MPL-2.0
 *
 * idle: many jobs are armed, far ahead, and nobody calls. How often each thread of the
 * daemon wakes, how much CPU time the process takes, and what it writes.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/belfry/bench/daemon.h"
#include "apps/belfry/bench/jobs.h"
#include "core/base/time.h"

#define JOBS 1000000
#define SPAN_US (60 * BF_SECOND_US)
/* What storing leaves to be done: the log is moved into the file, connections end. */
#define SETTLE_US (5 * BF_SECOND_US)
#define SEED 7
#define THREADS_MOST 64
#define LINE_BYTES 512

typedef struct {
    long id;
    char name[32];
    uint64_t wakes; /* it went to sleep so often by itself */
} thread_t;

typedef struct {
    thread_t threads[THREADS_MOST];
    size_t count;
    double cpu_us;
    double written;
} state_t;

/* What follows `name` in a file of lines "name value"; 0 where it is not there. */
static uint64_t
number_in (const char *path, const char *name, char *text, size_t room)
{
    uint64_t number = 0;
    char line[LINE_BYTES];
    FILE *file = fopen (path, "re");
    while (file && fgets (line, sizeof line, file)) {
        if (!strncmp (line, name, strlen (name))) {
            const char *at = line + strlen (name) + strspn (line + strlen (name), ": \t");
            number = strtoull (at, NULL, 10);
            if (text) {
                (void)snprintf (text, room, "%.*s", (int)strcspn (at, "\n"), at);
            }
        }
    }
    if (file) {
        (void)fclose (file);
    }
    return number;
}

static double
cpu_us_of (int pid)
{
    char path[64], line[1024] = "";
    (void)snprintf (path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen (path, "re");
    if (file) {
        if (!fgets (line, sizeof line, file)) {
            line[0] = '\0';
        }
        (void)fclose (file);
    }
    /* The name in brackets may hold anything; utime and stime are 12 and 13 words on. */
    char *at = strrchr (line, ')');
    for (int word = 0; at && word < 12; word++) {
        at = strchr (at + 1, ' ');
    }
    if (!at) {
        return 0;
    }
    uint64_t user = strtoull (at, &at, 10);
    return (double)(user + strtoull (at, NULL, 10)) * (double)BF_SECOND_US /
           (double)sysconf (_SC_CLK_TCK);
}

static bf_err
look (int pid, state_t *state, bf_error *error)
{
    char path[128];
    *state = (state_t){.cpu_us = cpu_us_of (pid)};
    (void)snprintf (path, sizeof path, "/proc/%d/io", pid);
    state->written = (double)number_in (path, "write_bytes", NULL, 0);
    (void)snprintf (path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir (path);
    if (!tasks) {
        return bf_fail (error, BF_EIO, "%s cannot be read", path);
    }
    for (struct dirent *entry = readdir (tasks); entry && state->count < THREADS_MOST;
         entry = readdir (tasks)) {
        long id = strtol (entry->d_name, NULL, 10);
        if (id <= 0) {
            continue;
        }
        thread_t *thread = &state->threads[state->count++];
        thread->id = id;
        (void)snprintf (path, sizeof path, "/proc/%d/task/%ld/status", pid, id);
        (void)number_in (path, "Name", thread->name, sizeof thread->name);
        thread->wakes = number_in (path, "voluntary_ctxt_switches", NULL, 0);
    }
    closedir (tasks);
    return BF_OK;
}

static void
pause_for (const bf_bench_site *site, const char *doing, int64_t span_us)
{
    for (int64_t gone_us = 0; gone_us < span_us && !bf_bench_is_stopped ();
         gone_us += BF_SECOND_US / 4) {
        site->progress (site->context, doing, (double)gone_us, (double)span_us);
        struct timespec quarter = {.tv_nsec = 250000000};
        (void)nanosleep (&quarter, NULL);
    }
}

/* Threads of one name are told together. */
static void
report_threads (const bf_bench_site *site, const state_t *from, const state_t *until)
{
    uint64_t all = 0;
    uint64_t sums[THREADS_MOST] = {0};
    /* A figure's name stays when this run is over. */
    static char names[THREADS_MOST][32];
    static size_t known;
    for (size_t i = 0; i < until->count; i++) {
        const thread_t *thread = &until->threads[i];
        uint64_t before = 0;
        for (size_t j = 0; j < from->count; j++) {
            before = from->threads[j].id == thread->id ? from->threads[j].wakes : before;
        }
        all += thread->wakes - before;
        size_t name = 0;
        while (name < known && strcmp (names[name], thread->name) != 0) {
            name++;
        }
        if (name == known && known < THREADS_MOST) {
            memcpy (names[known++], thread->name, sizeof names[0]);
        }
        if (name < known) {
            sums[name] += thread->wakes - before;
        }
    }
    for (size_t name = 0; name < known; name++) {
        site->report (site->context, names[name], "wake_ups", "times", (double)sums[name]);
    }
    site->report (site->context, "process", "wake_ups", "times", (double)all);
}

bf_err
bf_bench_idle (const bf_bench_site *site, bf_error *error)
{
    size_t count = site->jobs > 0 ? site->jobs : JOBS;
    int64_t span_us = site->span_us > 0 ? site->span_us : SPAN_US;
    bf_bench_calls *calls = NULL;
    bf_err rc = bf_bench_calls_open (&calls, site->zeromq, site->commands, error);
    if (rc != BF_OK) {
        return rc;
    }
    bf_bench_jobs jobs = {.from_us = bf_now_read ().wall.us + 30 * BF_DAY_US,
                          .spread_us = BF_DAY_US,
                          .all = count,
                          .seed = SEED};
    rc = bf_bench_jobs_store (&jobs, site, calls, count, error);
    bf_bench_calls_close (&calls);
    state_t from, until;
    if (rc == BF_OK) {
        pause_for (site, "coming to rest", SETTLE_US);
        rc = look (site->daemon->pid, &from, error);
    }
    if (rc == BF_OK) {
        pause_for (site, "idle", span_us);
        rc = look (site->daemon->pid, &until, error);
    }
    if (rc == BF_OK) {
        report_threads (site, &from, &until);
        site->report (site->context, "process", "cpu", "%",
                      100 * (until.cpu_us - from.cpu_us) / (double)span_us);
        site->report (site->context, "process", "written", "bytes",
                      until.written - from.written);
    }
    return rc;
}
