/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry confirm: what a deadline waited for has come.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_target target;
    bool cancel_open;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_TARGET_OPTIONS (offsetof (values_t, target)),
    {.name = "cancel-open",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, cancel_open),
     .help =
         "where it fired already, cancel the job and its runs, unless a worker has one"},
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
    Belfry__V1__Confirm *confirm = BF_CLI_BEGIN (command, confirm, CONFIRM);
    BF_CLI_AIM (command, confirm, &values->target);
    confirm->cancel_open = values->cancel_open;
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, false);
}

const bf_cli_verb bf_cli_confirm = {
    .name = "confirm",
    .group = "Jobs",
    .operands = "(JOB | --key K | --type T, --tag T, ...) [OPTION]...",
    .summary = "what the job waited for has come: it ends, nothing fires",
    .about = "For deadlines. It works until the moment at which the job fires; after that "
             "it is too late (exit code 5), changes nothing, and shows the runs. "
             "Confirming a confirmed job is no error. A recurring job cannot be "
             "confirmed: schedule one job for each deadline.\n"
             "\n"
             "Many are chosen by --type, --tag, --state, --key-prefix, --ns or --all; see "
             "`belfry help many`.",
    .example = "belfry confirm --key turn-7\n"
               "belfry confirm --type reminder --tag game-12",
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
