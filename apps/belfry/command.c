/* SPDX-License-Identifier: MPL-2.0
 *
 * From a filled command to its answer.
 */
#include "apps/belfry/command.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apps/belfry/json.h"
#include "apps/belfry/show.h"
#include "core/base/time.h"
#include "core/token.h"

bf_err
bf_cli_token_fill (const char *text, bf_error *error)
{
    bf_token token;
    if (bf_token_parse (text, &token) == BF_OK) {
        return BF_OK;
    }
    return bf_fail (error, BF_EINVALID,
                    "\"%s\" is no token; `belfry claim` prints one for each lease, such as "
                    "256.1.1",
                    text);
}

void
bf_cli_command_clear (bf_cli_command *command)
{
    free (command->content.data);
    free (command->text);
    *command = (bf_cli_command){0};
}

bf_cli_exit
bf_cli_exit_of_fill (bf_err err)
{
    return err == BF_OK ? BF_CLI_DONE : err == BF_EINVALID ? BF_CLI_USAGE : BF_CLI_REFUSED;
}

void
bf_cli_show_jobs (const bf_cli *cli, const Belfry__V1__JobsReply *jobs, bool terse,
                  bf_cli_exit code)
{
    int64_t now_us = bf_now_read ().wall.us;
    for (size_t index = 0; index < jobs->n_items; index++) {
        const Belfry__V1__JobsReply__Item *item = jobs->items[index];
        if (cli->json) {
            bf_cli_json_print (stdout, &item->base);
        } else if (code == BF_CLI_DONE && terse) {
            fprintf (stdout, "%" PRIu64 "\n", item->job ? item->job->id : 0);
        } else {
            bf_cli_show_item (code == BF_CLI_DONE ? stdout : stderr, item, now_us);
        }
    }
}

void
bf_cli_show_runs (const bf_cli *cli, const Belfry__V1__RunsReply *runs, bool terse,
                  bf_cli_exit code)
{
    int64_t now_us = bf_now_read ().wall.us;
    for (size_t index = 0; index < runs->n_runs; index++) {
        const Belfry__V1__Run *run = runs->runs[index];
        if (cli->json) {
            bf_cli_json_print (stdout, &run->base);
        } else if (code == BF_CLI_DONE && terse) {
            bf_cli_text_put (stdout, run->run);
            fputc ('\n', stdout);
        } else {
            bf_cli_show_run (code == BF_CLI_DONE ? stdout : stderr, run, now_us);
        }
    }
}

/* Some of many were refused: not all is well, and a script is to notice. */
static bf_cli_exit
show_bulk (const bf_cli *cli, const Belfry__V1__Request *request,
           const Belfry__V1__BulkReply *bulk)
{
    if (cli->json) {
        bf_cli_json_print (stdout, &bulk->base);
    } else {
        bf_cli_show_bulk (stdout, stderr, request, bulk);
    }
    return bulk->refused > 0 ? BF_CLI_REFUSED : BF_CLI_DONE;
}

bf_cli_exit
bf_cli_command_send (bf_cli *cli, bf_cli_command *command, bool terse)
{
    Belfry__V1__Reply *reply;
    bf_cli_exit code = bf_cli_call_bulk (cli, &command->request, command->progress, &reply);
    if (reply && reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS) {
        bf_cli_show_jobs (cli, reply->jobs, terse, code);
    } else if (reply && reply->result_case == BELFRY__V1__REPLY__RESULT_RUNS) {
        bf_cli_show_runs (cli, reply->runs, terse, code);
    } else if (reply && code == BF_CLI_DONE &&
               reply->result_case == BELFRY__V1__REPLY__RESULT_BULK) {
        code = show_bulk (cli, &command->request, reply->bulk);
    }
    belfry_reply_free (&reply);
    return code;
}

bf_cli_exit
bf_cli_command_run (bf_cli *cli, bf_cli_fill *fill, const void *values,
                    const bf_cli_texts *operands, bool terse)
{
    bf_cli_command command = {0};
    bf_error error = {0};
    bf_err err = fill (&command, values, operands, &error);
    bf_cli_exit code = err == BF_OK
                           ? bf_cli_command_send (cli, &command, terse)
                           : bf_cli_complain (bf_cli_exit_of_fill (err), "%s", error.text);
    bf_cli_command_clear (&command);
    return code;
}
