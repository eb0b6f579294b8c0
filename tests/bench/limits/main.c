/* SPDX-License-Identifier: MPL-2.0
 *
 * What this machine allows: the limits that bound a durable scheduler on it, each measured
 * by itself. tests/bench/run puts the benchmark's figures beside them.
 *
 *   limits [--data DIR] [--jobs N] [--calls N] [--runs N] [--seed N] [-o json] [LIMIT…]
 *   limits --statements [--data DIR] [--jobs N] [LIMIT…]
 *   limits --check [--data DIR] [--jobs N]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/limits/limits.h"

static const char usage[] =
    "usage: limits [--data DIR] [--jobs N] [--calls N] [--runs N] [--seed N] [-o json] "
    "[LIMIT…]\n"
    "\n"
    "  sync                      fdatasync of 4 KiB, appended and overwritten\n"
    "  timer                     how late a timerfd wakes its thread\n"
    "  wire                      ZeroMQ DEALER to ROUTER and back, over ipc\n"
    "  sqlite_schedule           the ledger's statements on an empty database\n"
    "  sqlite_cancel\n"
    "  sqlite_fire\n"
    "  sqlite_fire_and_complete\n"
    "  ledger_…                  the ledger itself under the same loads, without actors\n"
    "\n"
    "  --data DIR   on which disk (default: here)\n"
    "  --jobs N     in each run of sqlite_… (default 100000)\n"
    "  --calls N    in each run of the others (default 5000)\n"
    "  --runs N     of which the median is shown (default 3)\n"
    "  --seed N     of the workloads (default 1)\n"
    "  -o json      one object a line\n"
    "  --statements measures nothing: lists how often the ledger runs which statement\n"
    "  --check      measures nothing: compares what sqlite_… does with what a ledger "
    "does\n";

static const char *const names[] = {
    "sync",
    "timer",
    "wire",
    "sqlite_schedule",
    "sqlite_cancel",
    "sqlite_fire",
    "sqlite_fire_and_complete",
    "ledger_schedule",
    "ledger_cancel",
    "ledger_fire",
    "ledger_fire_and_complete",
};

static void
refuse (const char *what, const char *argument)
{
    fprintf (stderr, "limits: %s '%s'\n%s", what, argument, usage);
    exit (2);
}

static size_t
number (const char *option, const char *text, size_t most)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = text ? strtoull (text, &end, 10) : 0;
    if (value == 0 || errno != 0 || *end != '\0' || value > most) {
        refuse ("this option takes a number above 0:", option);
    }
    return (size_t)value;
}

static bool
is_name (const char *text)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp (text, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

typedef enum { MEASURE, LIST, CHECK } task;

/* Returns how many arguments it took; 0 where this is no option. */
static int
read_option (char **arguments, limits_options *options, task *what)
{
    const char *option = arguments[0], *value = arguments[1];
    if (strcmp (option, "--check") == 0) {
        *what = CHECK;
        return 1;
    }
    if (strcmp (option, "--statements") == 0) {
        *what = LIST;
        return 1;
    }
    if (strcmp (option, "--data") == 0 && value) {
        options->data = value;
    } else if (strcmp (option, "--jobs") == 0) {
        options->jobs = number (option, value, 100000000);
    } else if (strcmp (option, "--calls") == 0) {
        options->calls = number (option, value, 100000000);
    } else if (strcmp (option, "--runs") == 0) {
        options->runs = (int)number (option, value, LIMITS_RUNS);
    } else if (strcmp (option, "--seed") == 0) {
        options->seed = number (option, value, SIZE_MAX);
    } else if (strcmp (option, "-o") == 0 && value && strcmp (value, "json") == 0) {
        options->json = true;
    } else {
        return 0;
    }
    return 2;
}

static void
read_options (int count, char **arguments, limits_options *options, task *what)
{
    int at = 1;
    while (at < count && arguments[at][0] == '-') {
        if (strcmp (arguments[at], "--help") == 0) {
            fputs (usage, stdout);
            exit (0);
        }
        int took = read_option (arguments + at, options, what);
        if (took == 0) {
            refuse ("unknown option", arguments[at]);
        }
        at += took;
    }
    for (int i = at; i < count; i++) {
        if (!is_name (arguments[i])) {
            refuse ("unknown limit", arguments[i]);
        }
    }
    options->only = arguments + at;
    options->n_only = count - at;
}

bool
limits_wanted (const limits_options *options, const char *name)
{
    for (int i = 0; i < options->n_only; i++) {
        if (strcmp (options->only[i], name) == 0) {
            return true;
        }
    }
    return options->n_only == 0;
}

int
main (int count, char **arguments)
{
    limits_options options = {
        .data = ".", .jobs = 100000, .calls = 5000, .runs = 3, .seed = 1};
    task what = MEASURE;
    read_options (count, arguments, &options, &what);
    if (what == CHECK) {
        limits_sqlite_check (&options);
    } else if (what == LIST) {
        limits_sqlite_list (&options);
    } else {
        limits_machine (&options);
        limits_disk (&options);
        limits_timer (&options);
        limits_wire (&options);
        limits_sqlite (&options);
    }
    return 0;
}
