/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry heartbeat: keeps leases alive.
 */
#include "apps/belfry/verbs.h"

#include "apps/belfry/json.h"
#include "apps/belfry/text.h"
#include "apps/belfry/words.h"
#include "messages/limits.h"

static const bf_cli_option options[] = {{0}};

/* Prints the item and says how the verb ends if it is the worst of all. */
static bf_cli_exit
show (const bf_cli *cli, const Belfry__V1__HeartbeatReply__Item *item)
{
    char word[BF_CLI_WORD_BYTES];
    bf_cli_exit code = bf_cli_exit_of (
        item->code == BELFRY__V1__CODE__CODE_OK ? BELFRY_OK : -(int)item->code);
    if (cli->json) {
        bf_cli_json_print (stdout, &item->base);
    } else if (code == BF_CLI_DONE) {
        fprintf (stdout, "%s\t%s\n", item->token, item->cancel ? "cancel" : "ok");
    } else {
        fprintf (stdout, "%s\t%s\n", item->token,
                 bf_cli_word (&belfry__v1__code__descriptor, (int)item->code, word));
        bf_cli_complain (code, "%s: %s", item->token, item->text);
    }
    return code;
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    Belfry__V1__Heartbeat heartbeat = BELFRY__V1__HEARTBEAT__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    (void)given;
    heartbeat.tokens = operands->items;
    heartbeat.n_tokens = operands->count;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_HEARTBEAT;
    request.heartbeat = &heartbeat;
    Belfry__V1__Reply *reply;
    bf_cli_exit code = bf_cli_call (cli, &request, &reply);
    if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_HEARTBEAT) {
        for (size_t index = 0; index < reply->heartbeat->n_items; index++) {
            bf_cli_exit one = show (cli, reply->heartbeat->items[index]);
            code = one > code ? one : code;
        }
    }
    belfry_reply_free (&reply);
    return code;
}

const bf_cli_verb bf_cli_heartbeat = {
    .name = "heartbeat",
    .group = "Runs",
    .operands = "TOKEN...",
    .summary = "keeps leases alive: each gets its full length again",
    .about = "Prints a line for each token: the token, a tab, and ok, cancel (the job was "
             "cancelled, confirmed or moved: stop if you can), stale_token or not_found. "
             "The exit code is that of the worst.",
    .example = "belfry heartbeat 256.1.1 512.1.1",
    .options = options,
    .least_operands = 1,
    .most_operands = BF_TOKENS_PER_CALL,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
