/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry fail: the work failed.
 */
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

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    Belfry__V1__Fail fail = BELFRY__V1__FAIL__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_token_check (operands->items[0]);
    if (code != BF_CLI_DONE) {
        return code;
    }
    fail.token = operands->items[0];
    fail.non_retryable = values->non_retryable;
    if (values->reason) {
        fail.reason = values->reason;
    }
    request.command_case = BELFRY__V1__REQUEST__COMMAND_FAIL;
    request.fail = &fail;
    return bf_cli_call_runs (cli, &request, false);
}

const bf_cli_verb bf_cli_fail = {
    .name = "fail",
    .group = "Runs",
    .operands = "TOKEN [OPTION]...",
    .summary = "the work failed: again later, or dead",
    .about = "The run waits as its job's retry policy says and is tried again, or is dead "
             "where its attempts are used up. Prints which.",
    .example = "belfry fail 256.1.1 --reason 'the board did not answer'",
    .options = options,
    .values_bytes = sizeof (values_t),
    .least_operands = 1,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
