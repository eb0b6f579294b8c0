/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry trigger: makes an extra run now and prints its id.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_target target;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_TARGET_OPTIONS (offsetof (values_t, target)),
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
    Belfry__V1__Trigger *trigger = BF_CLI_BEGIN (command, trigger, TRIGGER);
    BF_CLI_AIM (command, trigger, &values->target);
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, true);
}

const bf_cli_verb bf_cli_trigger = {
    .name = "trigger",
    .group = "Jobs",
    .operands = "(JOB | --key K | --type T, --tag T, ...) [OPTION]...",
    .summary = "makes an extra run now and prints its id",
    .about = "The job's own times stay as they are; the run does not count for --max-runs, "
             "and the overlap policy does not ask for it.\n"
             "\n"
             "Many are chosen by --type, --tag, --state, --key-prefix, --ns or --all; see "
             "`belfry help many`.",
    .example = "belfry trigger --key turn-7 --ns game",
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
