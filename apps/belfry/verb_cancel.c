/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry cancel: ends a job, or many.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_target target;
    char *reason;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_TARGET_OPTIONS (offsetof (values_t, target)),
    {.name = "reason",
     .value = "R",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (values_t, reason),
     .help = "why, for the history; default none"},
    {0},
};

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    bf_err err = bf_cli_target_fill (command, &values->target, operands, error);
    if (err != BF_OK) {
        return err;
    }
    Belfry__V1__Cancel *cancel = BF_CLI_BEGIN (command, cancel, CANCEL);
    BF_CLI_AIM (command, cancel, &values->target);
    if (values->reason) {
        cancel->reason = values->reason;
    }
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, false);
}

const bf_cli_verb bf_cli_cancel = {
    .name = "cancel",
    .group = "Jobs",
    .operands = "(JOB | --key K | --type T, --tag T, ...) [OPTION]...",
    .summary = "ends a job: it never fires after this",
    .about = "Runs that no worker has are cancelled. Those that a worker has are printed: "
             "they are asked to stop, may still complete, and are never retried. "
             "Cancelling a cancelled job is no error.\n"
             "\n"
             "Many are chosen by --type, --tag, --state, --key-prefix, --ns or --all; see "
             "`belfry help many`.",
    .example = "belfry cancel --key turn-7 --reason 'the game is over'\n"
               "belfry cancel --tag game-12 --dry-run",
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
