/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry complete: the work is done.
 */
#include "apps/belfry/verbs.h"

#include <stdlib.h>

#include "apps/belfry/content.h"

typedef struct {
    char *result;
} values_t;

static const bf_cli_option options[] = {
    {.name = "result",
     .value = "STR",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (values_t, result),
     .help = "kept with the run, up to 64 KiB: the text itself, @FILE, or - for standard "
             "input; default none"},
    {0},
};

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    Belfry__V1__Complete complete = BELFRY__V1__COMPLETE__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_error error = {0};
    bf_cli_exit code = bf_cli_token_check (operands->items[0]);
    if (code != BF_CLI_DONE) {
        return code;
    }
    if (bf_cli_content_read (values->result, &complete.result, &error) != BF_OK) {
        return bf_cli_complain (BF_CLI_REFUSED, "--result: %s", error.text);
    }
    complete.token = operands->items[0];
    request.command_case = BELFRY__V1__REQUEST__COMMAND_COMPLETE;
    request.complete = &complete;
    code = bf_cli_call_runs (cli, &request, false);
    free (complete.result.data);
    return code;
}

const bf_cli_verb bf_cli_complete = {
    .name = "complete",
    .group = "Runs",
    .operands = "TOKEN [OPTION]...",
    .summary = "the work is done",
    .about = "The run is succeeded when this returns. The same token again is no error; a "
             "token whose lease was lost to another attempt is stale (exit code 5) and "
             "changes nothing.",
    .example = "belfry complete 256.1.1 --result 'turn passed to player 4'",
    .options = options,
    .values_bytes = sizeof (values_t),
    .least_operands = 1,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
