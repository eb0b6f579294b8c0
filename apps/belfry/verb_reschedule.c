/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry reschedule: moves a job, or many, to another time.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_target target;
    bf_cli_when when;
    bool reject_past;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_TARGET_OPTIONS (offsetof (values_t, target)),
    BF_CLI_WHEN_OPTIONS (offsetof (values_t, when)),
    {.name = "reject-past",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, reject_past),
     .help = "refuse an --at in the past instead of firing at once"},
    {0},
};

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    bf_err err = bf_cli_target_fill (command, &values->target, operands, error);
    if (err == BF_OK) {
        err = bf_cli_when_fill (command, &values->when, false, error);
    }
    if (err != BF_OK) {
        return err;
    }
    Belfry__V1__Reschedule *reschedule = BF_CLI_BEGIN (command, reschedule, RESCHEDULE);
    BF_CLI_AIM (command, reschedule, &values->target);
    reschedule->reject_past = values->reject_past;
    BF_CLI_WHEN_PUT (command, &values->when, reschedule, RESCHEDULE);
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, false);
}

const bf_cli_verb bf_cli_reschedule = {
    .name = "reschedule",
    .group = "Jobs",
    .operands = "(JOB | --key K | --type T, ...) (--at ISO | --after D | --every D | "
                "--cron E | --daily HHMM | --rrule R) [OPTION]...",
    .summary = "moves a job to another time",
    .about = "After it returns the old time never fires. Runs that no worker has are "
             "cancelled; those that a worker has are printed, and are asked to stop. A "
             "recurring job takes --every, --cron, --daily or --rrule and keeps its start, "
             "end, limit of runs (counted anew), jitter, exclusion calendars and, where "
             "no --tz is said, its zone; a job that is due once takes the others.\n"
             "\n"
             "Many are chosen by --type, --tag, --state, --key-prefix, --ns or --all; see "
             "`belfry help many`.",
    .example = "belfry reschedule --key turn-7 --after 10m\n"
               "belfry reschedule --key backup --every 6h --anchor 1970-01-01\n"
               "belfry reschedule --key report --cron '0 8 * * MON-FRI'",
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
