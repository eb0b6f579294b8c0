/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry pause: holds a job, or many.
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
    Belfry__V1__Pause *pause = BF_CLI_BEGIN (command, pause, PAUSE);
    BF_CLI_AIM (command, pause, &values->target);
    if (values->reason) {
        pause->reason = values->reason;
    }
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, false);
}

const bf_cli_verb bf_cli_pause = {
    .name = "pause",
    .group = "Jobs",
    .operands = "(JOB | --key K | --type T, --tag T, ...) [OPTION]...",
    .summary = "holds a job: it does not fire until resume",
    .about = "Runs that exist already go on. Pausing a paused job is no error.\n"
             "\n"
             "Many are chosen by --type, --tag, --state, --key-prefix, --ns or --all; see "
             "`belfry help many`.",
    .example = "belfry pause 256 --reason 'the server is being moved'\n"
               "belfry pause --ns game",
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
