/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry fail: the work failed.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/verbs.h"

typedef struct {
    char *reason;
    bool non_retryable;
} values_t;

static const bf_cli_option options[] = {
    {.name = "reason",
     .value = "R",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (values_t, reason),
     .help = "why, for people and the history, cut at 1024 bytes; default none"},
    {.name = "non-retryable",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, non_retryable),
     .help = "no further attempt makes sense: the run is dead at once"},
    {0},
};

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    bf_err err = bf_cli_token_fill (operands->items[0], error);
    if (err != BF_OK) {
        return err;
    }
    Belfry__V1__Fail *fail = BF_CLI_BEGIN (command, fail, FAIL);
    fail->token = operands->items[0];
    fail->non_retryable = values->non_retryable;
    if (values->reason) {
        fail->reason = values->reason;
    }
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, false);
}

const bf_cli_verb bf_cli_fail = {
    .name = "fail",
    .group = "Runs",
    .operands = "TOKEN [OPTION]...",
    .summary = "the work failed: again later, or dead",
    .about = "The run waits as its job's retry policy says and is tried again, or is dead "
             "where its attempts are used up. Prints which.",
    .example = "belfry fail 256.1.1 --reason 'the board did not answer'",
    .least_operands = 1,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
