/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry bench: loads against a belfryd of its own, each run with a fresh one, and the
 * median of the runs of each figure.
 */
#include "apps/belfry/verbs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "apps/belfry/bench/calls.h"
#include "apps/belfry/bench/daemon.h"
#include "apps/belfry/bench/machine.h"
#include "apps/belfry/bench/site.h"
#include "apps/belfry/text.h"
#include "core/base/time.h"

#define RUNS 3
#define RUNS_MOST 25
#define FIGURES_MOST 256
#define QUICK_JOBS 2000
#define QUICK_SPAN_US (2 * BF_SECOND_US)
#define PROGRESS_US (BF_SECOND_US / 4)
#define PROGRESS_SELDOM_US (10 * BF_SECOND_US)
#define DURABILITY "synchronous=FULL, an answer only after its sync"

typedef struct {
    bf_cli_number runs;
    bf_cli_number jobs;
    bf_cli_us span;
    char *workload;
    char *daemon;
    bool quick;
} values_t;

#define AT(member) .offset = offsetof (values_t, member)

static const bf_cli_option options[] = {
    {.name = "runs",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (runs),
     .least = 1,
     .most = RUNS_MOST,
     .help = "runs of which the medians are shown, 1..25; default 3"},
    {.name = "jobs",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (jobs),
     .least = 1,
     .most = 100000000,
     .help = "jobs of one run; default what suits the load"},
    {.name = "seconds",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (span),
     .least = BF_MS_US,
     .most = BF_DAY_US,
     .help = "how long to measure where a load takes a time, such as 60s; default what "
             "suits the load"},
    {.name = "workload",
     .value = "steady|scattered|both",
     .kind = BF_CLI_TEXT,
     AT (workload),
     .help = "keys and due times that grow, or random ones; default both"},
    {.name = "daemon",
     .value = "FILE",
     .kind = BF_CLI_TEXT,
     AT (daemon),
     .help = "the belfryd to start; default the one beside this program, else of PATH"},
    {.name = "quick",
     .kind = BF_CLI_FLAG,
     AT (quick),
     .help = "sizes of a moment: shows that everything runs, says nothing of speed"},
    {0},
};

typedef struct {
    const char *name; /* of the operand */
    bf_bench_run *run;
    bool workloads;         /* does it have two? */
    const char *options[8]; /* of the daemon */
} load_t;

static const load_t loads[] = {
    {"schedule", bf_bench_schedule_one, true, {NULL}},
    {"schedule", bf_bench_schedule_256, true, {NULL}},
    {"schedule", bf_bench_schedule_batches, true, {NULL}},
    {"schedule", bf_bench_schedule_connections, true, {NULL}},
    {"cancel", bf_bench_cancel, true, {NULL}},
    {"drain", bf_bench_drain_each, true, {NULL}},
    {"drain", bf_bench_drain_batched, true, {NULL}},
    {"lifecycle", bf_bench_lifecycle, true, {NULL}},
    {"latency", bf_bench_latency_170, false, {NULL}},
    {"latency", bf_bench_latency_1000, false, {NULL}},
    {"feed", bf_bench_feed_1, false, {NULL}},
    {"feed", bf_bench_feed_10, false, {NULL}},
    {"feed", bf_bench_feed_100, false, {NULL}},
    {"feed", bf_bench_feed_replay, false, {NULL}},
    {"pending", bf_bench_pending, true, {NULL}},
    {"idle", bf_bench_idle, false, {NULL}},
};

/* One metric of one case, and what each run gave. */
typedef struct {
    const load_t *load;
    const char *name;
    const char *workload;
    const char *metric;
    const char *unit;
    double values[RUNS_MOST];
    size_t count;
} figure_t;

typedef struct {
    const values_t *values;
    const char *below;
    char program[4096];
    void *zeromq;
    const load_t *load;
    const char *workload;
    size_t run, runs;
    int64_t shown_us; /* progress, when last */
    figure_t figures[FIGURES_MOST];
    size_t count;
} bench_t;

/* Names and units are literals of the loads. */
static void
on_report (void *context, const char *name, const char *metric, const char *unit,
           double value)
{
    bench_t *self = context;
    figure_t *figure = NULL;
    for (size_t i = 0; i < self->count && !figure; i++) {
        figure_t *one = &self->figures[i];
        if (one->load == self->load && one->workload == self->workload &&
            !strcmp (one->name, name) && !strcmp (one->metric, metric)) {
            figure = one;
        }
    }
    if (!figure) {
        BF_INVARIANT (self->count < FIGURES_MOST);
        figure = &self->figures[self->count++];
        *figure = (figure_t){.load = self->load,
                             .name = name,
                             .metric = metric,
                             .unit = unit,
                             .workload = self->workload};
    }
    figure->values[figure->count++] = value;
}

static void
on_progress (void *context, const char *doing, double done, double all)
{
    bench_t *self = context;
    bool terminal = isatty (STDERR_FILENO);
    int64_t now_us = bf_now_read ().boot.us;
    if (now_us - self->shown_us < (terminal ? PROGRESS_US : PROGRESS_SELDOM_US)) {
        return;
    }
    self->shown_us = now_us;
    fprintf (stderr, "%s%s %s, run %zu of %zu: %s", terminal ? "\r\033[K" : "",
             self->load->name, self->workload ? self->workload : "", self->run, self->runs,
             doing);
    if (all > 0) {
        fprintf (stderr, " %.0f %%", 100 * done / all);
    }
    fputs (terminal ? "" : "\n", stderr);
}

static int
ascending (const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double
median (figure_t *figure)
{
    qsort (figure->values, figure->count, sizeof figure->values[0], ascending);
    size_t middle = figure->count / 2;
    return figure->count % 2 ? figure->values[middle]
                             : (figure->values[middle - 1] + figure->values[middle]) / 2;
}

static void
print_json (bench_t *self, const bf_bench_machine *machine)
{
    printf ("{\"machine\":{\"cpu\":\"%s\",\"cores\":%ld,\"kernel\":\"%s\","
            "\"memory\":\"%s\",\"disk\":\"%s\",\"belfry\":\"%s\","
            "\"durability\":\"%s\"}}\n",
            machine->cpu, machine->cores, machine->kernel, machine->memory, machine->disk,
            BELFRY_VERSION, DURABILITY);
    for (size_t i = 0; i < self->count; i++) {
        figure_t *one = &self->figures[i];
        double middle = median (one);
        printf ("{\"load\":\"%s\",\"case\":\"%s\",", one->load->name, one->name);
        if (one->workload) {
            printf ("\"workload\":\"%s\",", one->workload);
        }
        printf ("\"metric\":\"%s\",\"unit\":\"%s\",\"value\":%.3f,\"min\":%.3f,"
                "\"max\":%.3f,\"runs\":%zu}\n",
                one->metric, one->unit, middle, one->values[0], one->values[one->count - 1],
                one->count);
    }
}

static bool
print_table (bench_t *self, const bf_bench_machine *machine)
{
    static const char *const heads[] = {"LOAD",  "CASE", "WORKLOAD", "METRIC",
                                        "VALUE", "MIN",  "MAX",      "UNIT"};
    bf_cli_table table = {.heads = heads, .columns = sizeof heads / sizeof heads[0]};
    printf ("%s, %ld cores, %s, %s of memory\n", machine->cpu, machine->cores,
            machine->kernel, machine->memory);
    printf ("data below %s: %s; %s; belfry %s\n\n", self->below, machine->disk, DURABILITY,
            BELFRY_VERSION);
    for (size_t i = 0; i < self->count; i++) {
        figure_t *one = &self->figures[i];
        double middle = median (one);
        bf_cli_table_cell (&table, "%s", one->load->name);
        bf_cli_table_cell (&table, "%s", one->name);
        bf_cli_table_cell (&table, "%s", one->workload ? one->workload : "");
        bf_cli_table_cell (&table, "%s", one->metric);
        bf_cli_table_cell (&table, "%.1f", middle);
        bf_cli_table_cell (&table, "%.1f", one->values[0]);
        bf_cli_table_cell (&table, "%.1f", one->values[one->count - 1]);
        bf_cli_table_cell (&table, "%s", one->unit);
    }
    return bf_cli_table_print (&table, stdout);
}

static bf_cli_exit
run_once (bench_t *self)
{
    const values_t *values = self->values;
    bf_error error = {0};
    bf_bench_daemon daemon;
    bf_err rc = bf_bench_daemon_start (&daemon, self->program, self->below,
                                       self->load->options, &error);
    if (rc == BF_OK) {
        bf_bench_site site = {
            .zeromq = self->zeromq,
            .commands = daemon.commands,
            .feed = daemon.feed,
            .daemon = &daemon,
            .scattered = self->workload && !strcmp (self->workload, "scattered"),
            .jobs = values->jobs.set ? values->jobs.value
                    : values->quick  ? QUICK_JOBS
                                     : 0,
            .span_us = values->span.set ? values->span.us
                       : values->quick  ? QUICK_SPAN_US
                                        : 0,
            .report = on_report,
            .progress = on_progress,
            .context = self,
        };
        rc = self->load->run (&site, &error);
        if (rc == BF_OK && bf_bench_is_stopped ()) {
            rc = bf_fail (&error, BF_ESTOPPING, "interrupted");
        }
        bf_bench_daemon_end (&daemon);
    }
    if (rc != BF_OK && isatty (STDERR_FILENO)) {
        fputs ("\r\033[K", stderr);
    }
    return rc == BF_OK
               ? BF_CLI_DONE
               : bf_cli_complain (BF_CLI_REFUSED, "%s: %s", self->load->name, error.text);
}

static bool
has_workload (const values_t *values, const char *name)
{
    return !values->workload || !strcmp (values->workload, "both") ||
           !strcmp (values->workload, name);
}

/* Every run of a load, of the workloads that are wanted. */
static bf_cli_exit
run_load (bench_t *self)
{
    static const char *const both[] = {"steady", "scattered"};
    bf_cli_exit code = BF_CLI_DONE;
    for (size_t i = 0; i < (self->load->workloads ? 2U : 1U); i++) {
        self->workload = self->load->workloads ? both[i] : NULL;
        if (self->workload && !has_workload (self->values, self->workload)) {
            continue;
        }
        for (self->run = 1; self->run <= self->runs && code == BF_CLI_DONE; self->run++) {
            code = run_once (self);
        }
    }
    return code;
}

static bool
is_wanted (const bf_cli_texts *operands, const char *name)
{
    bool wanted = operands->count == 0;
    for (size_t i = 0; i < operands->count; i++) {
        wanted = wanted || !strcmp (operands->items[i], name);
    }
    return wanted;
}

/* Beside this program where it is there, else wherever PATH has it. */
static void
find_daemon (const values_t *values, char *program, size_t room)
{
    ssize_t length = readlink ("/proc/self/exe", program, room - 1);
    char *slash = NULL;
    if (!values->daemon && length > 0) {
        program[length] = '\0';
        slash = strrchr (program, '/');
    }
    if (slash && (size_t)(slash - program) + sizeof "/belfryd" <= room) {
        memcpy (slash, "/belfryd", sizeof "/belfryd");
    }
    if (!slash || access (program, X_OK) != 0) {
        (void)snprintf (program, room, "%s", values->daemon ? values->daemon : "belfryd");
    }
}

static bf_cli_exit
check (const values_t *values, const bf_cli_texts *operands)
{
    if (values->workload && !has_workload (values, "steady") &&
        !has_workload (values, "scattered")) {
        return bf_cli_complain (BF_CLI_USAGE,
                                "--workload: \"%s\" is neither steady, scattered nor both",
                                values->workload);
    }
    for (size_t i = 0; i < operands->count; i++) {
        bool known = false;
        for (size_t load = 0; load < sizeof loads / sizeof loads[0]; load++) {
            known = known || !strcmp (operands->items[i], loads[load].name);
        }
        if (!known) {
            return bf_cli_complain (BF_CLI_USAGE,
                                    "there is no load %s; see `belfry help bench`",
                                    operands->items[i]);
        }
    }
    return BF_CLI_DONE;
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    if (cli->connect || cli->feed) {
        return bf_cli_complain (BF_CLI_USAGE,
                                "bench measures a belfryd of its own; it takes "
                                "no --connect and no --feed");
    }
    bf_cli_exit code = check (values, operands);
    if (code != BF_CLI_DONE) {
        return code;
    }
    static bench_t self; /* too large for a stack */
    self = (bench_t){.values = values,
                     .below = cli->data ? cli->data : ".",
                     .runs = values->runs.set ? values->runs.value : RUNS};
    find_daemon (values, self.program, sizeof self.program);
    self.zeromq = zmq_ctx_new ();
    struct sigaction stop = {.sa_handler = bf_bench_stop};
    sigaction (SIGINT, &stop, NULL);
    sigaction (SIGTERM, &stop, NULL);
    for (size_t i = 0; i < sizeof loads / sizeof loads[0] && code == BF_CLI_DONE; i++) {
        self.load = &loads[i];
        if (is_wanted (operands, self.load->name)) {
            code = run_load (&self);
        }
    }
    zmq_ctx_term (self.zeromq);
    if (isatty (STDERR_FILENO)) {
        fputs ("\r\033[K", stderr);
    }
    bf_bench_machine machine;
    bf_bench_machine_read (&machine, self.below);
    if (code == BF_CLI_DONE && cli->json) {
        print_json (&self, &machine);
    } else if (code == BF_CLI_DONE && !print_table (&self, &machine)) {
        code = bf_cli_complain (BF_CLI_REFUSED, "out of memory");
    }
    return code;
}

const bf_cli_verb bf_cli_bench = {
    .name = "bench",
    .group = "Daemon",
    .operands = "[LOAD...]",
    .summary = "measures how fast belfryd is on this machine",
    .about =
        "Starts a belfryd of its own for each run, on a fresh directory below --data "
        "(default: here), puts a load on it through the public doors, and removes both. "
        "Loads: schedule (one call in flight, 256, calls of 1,000 jobs, 8 connections), "
        "cancel (by key), drain (many jobs come due, workers complete each), lifecycle "
        "(jobs go "
        "all the way through, and are pruned, at a steady rate), latency (from the due "
        "time to a "
        "worker, and to a subscriber of the feed), feed (events to 1, 10 and 100 "
        "subscribers, and Replay), pending (memory, disk, restart and rate with up to "
        "--jobs jobs that wait; default a million), idle (what a daemon does that has "
        "many jobs to wait for and nothing else). Progress goes to "
        "stderr, the medians to stdout.",
    .example = "belfry bench\n"
               "belfry bench drain --workload steady -o json",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 16,
    .exits = BF_CLI_EXITS_LOCAL,
    .act = act,
};
