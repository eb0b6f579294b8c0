/* SPDX-License-Identifier: MPL-2.0
 *
 * The program: seeds one after the other, each in a process of its own, some at a time.
 *
 *   simulate --seed 17              one seed; --trace prints every step of it
 *   simulate --seeds 1-500 --jobs 2 many; ends with 1 where one of them broke a promise
 *   simulate --years                few jobs, for long: years.h
 *
 * Prints what was met, and fails where a legal cell of its tables was not, with --cover.
 */
/* getopt_long, and waiting with a name. */
#define _GNU_SOURCE

#include "tests/simulation/simulate.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/simulation/cover.h"
#include "tests/simulation/years.h"

#define JOBS_MAX 64
/* Seeds between two lines of progress. */
#define PROGRESS 25

typedef struct {
    simulation plan;
    uint64_t first;
    uint64_t last;
    unsigned jobs;
    bool cover; /* print the tables, and insist on their cells */
    bool stop_at_first;
    bool years; /* not seeds */
} settings;

static const char usage[] =
    "usage: simulate --seed N [--trace]\n"
    "       simulate --seeds FIRST-LAST [--jobs J] [--cover] [--stop-at-first]\n"
    "       simulate --years\n"
    "  --commands N   commands of a seed (default 2000)\n"
    "  --crashes N    crashes of a seed, at least (default 10)\n"
    "  --trace        every step, on stdout\n"
    "  --jobs J       seeds at a time (default 1)\n"
    "  --cover        print what was met, and fail where a legal cell was not\n"
    "  --stop-at-first  after the first seed that breaks a promise\n";

static void
refuse (const char *what)
{
    fprintf (stderr, "simulate: %s\n%s", what, usage);
    exit (2);
}

static uint64_t
number (const char *text, char **end)
{
    uint64_t value = strtoull (text, end, 10);
    if (*end == text) {
        refuse ("a number is missing");
    }
    return value;
}

static void
read_range (settings *self, const char *text)
{
    char *end = NULL;
    self->first = number (text, &end);
    self->last = self->first;
    if (*end == '-') {
        self->last = number (end + 1, &end);
    }
    if (*end != '\0' || self->last < self->first) {
        refuse ("seeds are given as N or FIRST-LAST");
    }
}

static settings
read_arguments (int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},
        {"seeds", required_argument, NULL, 's'},
        {"commands", required_argument, NULL, 'n'},
        {"crashes", required_argument, NULL, 'k'},
        {"jobs", required_argument, NULL, 'j'},
        {"trace", no_argument, NULL, 't'},
        {"cover", no_argument, NULL, 'c'},
        {"stop-at-first", no_argument, NULL, 'f'},
        {"years", no_argument, NULL, 'y'},
        {NULL, 0, NULL, 0},
    };
    settings self = {.plan = {.commands = 2000, .crashes = 10}, .jobs = 1};
    bool any = false;
    int option;
    char *end = NULL;
    while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            read_range (&self, optarg);
            any = true;
            break;
        case 'n':
            self.plan.commands = number (optarg, &end);
            break;
        case 'k':
            self.plan.crashes = number (optarg, &end);
            break;
        case 'j':
            self.jobs = (unsigned)number (optarg, &end);
            break;
        case 't':
            self.plan.trace = true;
            break;
        case 'c':
            self.cover = true;
            break;
        case 'f':
            self.stop_at_first = true;
            break;
        case 'y':
            self.years = true;
            break;
        default:
            refuse ("unknown argument");
        }
    }
    if (any == self.years || optind < argc || self.jobs < 1 || self.jobs > JOBS_MAX ||
        self.plan.commands < 1) {
        refuse ("which seeds?");
    }
    return self;
}

/* Added up by every seed's process; they share it. */
static simulation_sum *
sum_new (void)
{
    simulation_sum *sum = mmap (NULL, JOBS_MAX * sizeof *sum, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sum == MAP_FAILED) {
        perror ("simulate: no memory to share");
        exit (2);
    }
    return sum;
}

static simulation_sum
sum_of (const simulation_sum *sums)
{
    simulation_sum all = {0};
    for (size_t i = 0; i < JOBS_MAX; i++) {
        all.seeds += sums[i].seeds;
        all.commands += sums[i].commands;
        all.crashes += sums[i].crashes;
        all.steps += sums[i].steps;
        all.looks += sums[i].looks;
        all.true_us += sums[i].true_us;
    }
    return all;
}

static void
print_sum (const simulation_sum *sums, uint64_t failed, time_t began)
{
    simulation_sum all = sum_of (sums);
    printf ("simulate: %" PRIu64 " seeds, %" PRIu64 " commands, %" PRIu64
            " crashes, %" PRIu64 " looks at the tables, %" PRIu64 " steps, %" PRId64
            " days of their time, %" PRIu64 " failed; %lld s\n",
            all.seeds + failed, all.commands, all.crashes, all.looks, all.steps,
            all.true_us / INT64_C (86400000000), failed, (long long)(time (NULL) - began));
    fflush (stdout);
}

/* Waits for one seed's process; true where it kept every promise. *slot is free again. */
static bool
reap (pid_t *pids, const uint64_t *seeds, unsigned jobs, unsigned *slot)
{
    int status = 0;
    pid_t pid = wait (&status);
    for (unsigned i = 0; i < jobs; i++) {
        if (pids[i] != 0 && pids[i] == pid) {
            pids[i] = 0;
            *slot = i;
            bool kept = WIFEXITED (status) && WEXITSTATUS (status) == 0;
            if (!kept) {
                fprintf (stderr, "simulate: seed %" PRIu64 " failed (%s %d)\n", seeds[i],
                         WIFSIGNALED (status) ? "signal" : "status",
                         WIFSIGNALED (status) ? WTERMSIG (status) : WEXITSTATUS (status));
            }
            return kept;
        }
    }
    return true;
}

/* Lives all seeds, `jobs` at a time; returns how many failed. */
static uint64_t
live_all (const settings *self, simulation_sum *sums)
{
    pid_t pids[JOBS_MAX] = {0};
    uint64_t seeds[JOBS_MAX] = {0};
    uint64_t failed = 0;
    uint64_t next = self->first;
    unsigned running = 0;
    time_t began = time (NULL);
    while (running > 0 || (next <= self->last && !(self->stop_at_first && failed))) {
        unsigned slot = running;
        bool more = next <= self->last && !(self->stop_at_first && failed);
        if (running == self->jobs || !more) {
            failed += !reap (pids, seeds, self->jobs, &slot);
            running--;
            uint64_t done = next - self->first - running;
            if (done % PROGRESS == 0 && self->last > self->first) {
                print_sum (sums, failed, began);
            }
            if (!more || (self->stop_at_first && failed)) {
                continue;
            }
        }
        seeds[slot] = next++;
        pids[slot] = fork ();
        if (pids[slot] == 0) {
            world_live (&self->plan, seeds[slot], &sums[slot]);
            exit (0);
        }
        running++;
    }
    return failed;
}

int
main (int argc, char **argv)
{
    settings self = read_arguments (argc, argv);
    cover_begin ();
    if (self.years) {
        return years_live () ? 0 : 1;
    }
    simulation_sum *sums = sum_new ();
    time_t began = time (NULL);
    uint64_t failed = live_all (&self, sums);
    print_sum (sums, failed, began);
    bool covered = !self.cover || cover_print (stdout);
    return failed == 0 && covered ? 0 : 1;
}
