/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry redrive: dead runs get another chance.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_filter filter;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_FILTER_NS_OPTION (offsetof (values_t, filter)),
    BF_CLI_FILTER_OPTIONS (offsetof (values_t, filter)),
    {0},
};

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    const bf_cli_filter *filter = &values->filter;
    bool many = bf_cli_filter_is_set (filter);
    if ((operands->count > 0) == many) {
        return bf_fail (error, BF_EINVALID,
                        "one run or many: name one as JOB.ORDINAL, or choose the jobs by "
                        "--type, --tag, --state, --key-prefix, --ns or --all");
    }
    if (!many && filter->progress) {
        return bf_fail (error, BF_EINVALID, "--progress is for many jobs");
    }
    bf_err err = many ? bf_cli_filter_fill (command, filter, filter->ns, error) : BF_OK;
    if (err != BF_OK) {
        return err;
    }
    Belfry__V1__Redrive *redrive = BF_CLI_BEGIN (command, redrive, REDRIVE);
    redrive->filter = many ? &command->filter : NULL;
    redrive->dry_run = command->dry_run = filter->dry_run;
    if (!many) {
        redrive->run = operands->items[0];
    }
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, true);
}

const bf_cli_verb bf_cli_redrive = {
    .name = "redrive",
    .group = "Runs",
    .operands = "(JOB.ORDINAL | JOB | --type T, --tag T, ...) [OPTION]...",
    .summary = "makes a new run out of a dead one and prints its id",
    .about = "The new run has fresh attempts, and its job is active again. A JOB alone "
             "means its newest run.\n"
             "\n"
             "Of many jobs, which are chosen by --type, --tag, --state, --key-prefix, --ns "
             "or --all, every dead run that was not redriven yet; see `belfry help many`.",
    .example = "belfry redrive 256.1\n"
               "belfry redrive --type draw --progress",
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
