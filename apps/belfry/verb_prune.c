/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry prune: takes away what is old, before its time.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_us finals;
    bf_cli_us events;
    bf_cli_filter filter;
} values_t;

static const bf_cli_option options[] = {
    {.name = "finals",
     .value = "D",
     .kind = BF_CLI_SPAN,
     .offset = offsetof (values_t, finals),
     .most = BF_AFTER_MAX_US,
     .help = "jobs that ended longer ago than this, with their runs; 0s for all"},
    {.name = "events",
     .value = "D",
     .kind = BF_CLI_SPAN,
     .offset = offsetof (values_t, events),
     .most = BF_AFTER_MAX_US,
     .help = "events older than this, 0s for all; not with a choice of jobs"},
    BF_CLI_FILTER_NS_OPTION (offsetof (values_t, filter)),
    BF_CLI_FILTER_OPTIONS (offsetof (values_t, filter)),
    {0},
};

/* On the wire 0 is none of them: what is a microsecond old is all of them. */
static int64_t
age (const bf_cli_us *given)
{
    return given->set && given->us == 0 ? 1 : given->us;
}

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    const bf_cli_filter *filter = &values->filter;
    bool chosen = bf_cli_filter_is_set (filter);
    (void)operands;
    if (!values->finals.set && !values->events.set) {
        return bf_fail (error, BF_EINVALID, "prune what? --finals D, --events D, or both");
    }
    if (chosen && values->events.set) {
        return bf_fail (error, BF_EINVALID,
                        "--events is for all of them: prune chosen jobs by themselves");
    }
    bf_err err = bf_cli_filter_fill (command, filter, filter->ns, error);
    if (err != BF_OK) {
        return err;
    }
    Belfry__V1__Prune *prune = BF_CLI_BEGIN (command, prune, PRUNE);
    prune->finals_us = age (&values->finals);
    prune->events_us = age (&values->events);
    prune->filter = chosen ? &command->filter : NULL;
    prune->dry_run = filter->dry_run;
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, false);
}

const bf_cli_verb bf_cli_prune = {
    .name = "prune",
    .group = "Daemon",
    .operands = "[--finals D] [--events D] [OPTION]...",
    .summary = "takes away old jobs and events before their time",
    .about = "The daemon does the same by itself with what is older than its retention. "
             "Jobs that are not final are never touched. What is gone is told by the "
             "events job.pruned and log.pruned; a follower that comes too late for events "
             "is told so.\n"
             "\n"
             "It goes on in the daemon however long it takes; see `belfry help many`.",
    .example = "belfry prune --finals 7d --events 14d --dry-run\n"
               "belfry prune --finals 1h --tag game-12",
    .options = options,
    .values_bytes = sizeof (values_t),
    .exits = BF_CLI_EXITS_CALL,
    .act = act,
    .fill = fill,
};
