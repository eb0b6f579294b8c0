/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry status: how the daemon is.
 */
#include "apps/belfry/verbs.h"

#include <inttypes.h>

#include "apps/belfry/json.h"
#include "apps/belfry/text.h"

static const bf_cli_option options[] = {{0}};

static void
show (const Belfry__V1__StatusReply *status, const char *endpoint)
{
    char time[BF_CLI_TIME_BYTES], brief[BF_CLI_BRIEF_BYTES];
    printf ("belfryd       %s at %s\n", status->version, endpoint);
    printf ("time          %s\n", bf_cli_time (status->now_us, time));
    printf ("up since      %s (%s)\n", bf_cli_time (status->started_us, time),
            bf_cli_brief (bf_cli_between (status->started_us, status->now_us), brief));
    printf ("open jobs     %" PRIu64 "\n", status->open_jobs);
    printf ("final jobs    %" PRIu64 "\n", status->final_jobs);
    printf ("ready runs    %" PRIu64 "\n", status->ready_runs);
    printf ("leased runs   %" PRIu64 "\n", status->leased_runs);
    printf ("parked claims %" PRIu32 "\n", status->parked_claims);
    printf ("operations    %" PRIu64 "\n", status->operations);
    printf ("events        %" PRIu64 "..%" PRIu64 ", epoch %" PRIu64 "\n",
            status->oldest_seq, status->head_seq, status->stream_epoch);
    printf ("answers kept  %" PRIu64 ", %" PRIu64 " bytes\n", status->stored_answers,
            status->stored_answer_bytes);
    printf ("disk          %s\n",
            status->disk_full ? "full: new work is refused until there is room" : "ok");
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    (void)given;
    (void)operands;
    Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
    request.status = &status;
    Belfry__V1__Reply *reply;
    bf_cli_exit code = bf_cli_call (cli, &request, &reply);
    if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_STATUS) {
        if (cli->json) {
            bf_cli_json_print (stdout, &reply->status->base);
        } else {
            show (reply->status, belfry_endpoint (cli->belfry));
        }
    }
    belfry_reply_free (&reply);
    return code;
}

const bf_cli_verb bf_cli_status = {
    .name = "status",
    .group = "Reading",
    .operands = "",
    .summary = "shows how the daemon is",
    .about = "Also the way to see whether it answers: exit code 3 says that it does not.",
    .example = "belfry status --timeout 1s",
    .options = options,
    .exits = BF_CLI_EXITS_CALL,
    .act = act,
};
