/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry complete: the work is done.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/content.h"
#include "apps/belfry/verbs.h"

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

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    bf_err err = bf_cli_token_fill (operands->items[0], error);
    if (err != BF_OK) {
        return err;
    }
    bf_error detail = {0};
    err = bf_cli_content_read (values->result, &command->content, &detail);
    if (err != BF_OK) {
        return bf_fail (error, err, "--result: %s", detail.text);
    }
    Belfry__V1__Complete *complete = BF_CLI_BEGIN (command, complete, COMPLETE);
    complete->token = operands->items[0];
    complete->result = command->content;
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, false);
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
    .least_operands = 1,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
