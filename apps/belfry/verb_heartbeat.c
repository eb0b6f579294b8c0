/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry heartbeat: keeps leases alive.
 */
#include "apps/belfry/command.h"

#include <stdlib.h>

#include "apps/belfry/json.h"
#include "apps/belfry/text.h"
#include "apps/belfry/verbs.h"
#include "apps/belfry/words.h"
#include "core/token.h"
#include "messages/limits.h"

static const bf_cli_option options[] = {{0}};

/* Prints the item and says how the verb ends if it is the worst of all. */
static bf_cli_exit
show (const bf_cli *cli, const Belfry__V1__HeartbeatReply__Item *item)
{
    char word[BF_CLI_WORD_BYTES];
    bf_cli_exit code = bf_cli_exit_of (bf_cli_error_of ((int)item->code));
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

/* What is no token gets its own line and holds up no other. */
static void
show_malformed (const bf_cli *cli, char *text)
{
    Belfry__V1__HeartbeatReply__Item item = BELFRY__V1__HEARTBEAT_REPLY__ITEM__INIT;
    item.token = text;
    item.code = BELFRY__V1__CODE__CODE_INVALID;
    item.text = (char *)"no token";
    if (cli->json) {
        bf_cli_json_print (stdout, &item.base);
    } else {
        bf_cli_text_put (stdout, text);
        fputs ("\tinvalid\n", stdout);
    }
    bf_error error = {0};
    bf_cli_token_fill (text, &error);
    bf_cli_complain (BF_CLI_USAGE, "%s", error.text);
}

/* The good tokens, in their order; complains of the others. NULL without memory. */
static char **
choose_tokens (const bf_cli *cli, const bf_cli_texts *operands, size_t *count)
{
    char **tokens = calloc (operands->count, sizeof *tokens);
    *count = 0;
    for (size_t index = 0; tokens && index < operands->count; index++) {
        bf_token token;
        if (bf_token_parse (operands->items[index], &token) == BF_OK) {
            tokens[(*count)++] = operands->items[index];
        } else {
            show_malformed (cli, operands->items[index]);
        }
    }
    return tokens;
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    Belfry__V1__Heartbeat heartbeat = BELFRY__V1__HEARTBEAT__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    (void)given;
    heartbeat.tokens = choose_tokens (cli, operands, &heartbeat.n_tokens);
    if (!heartbeat.tokens) {
        return bf_cli_complain (BF_CLI_REFUSED, "out of memory");
    }
    if (heartbeat.n_tokens == 0) {
        free (heartbeat.tokens);
        return BF_CLI_USAGE;
    }
    bf_cli_exit worst = heartbeat.n_tokens < operands->count ? BF_CLI_REFUSED : BF_CLI_DONE;
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
    free (heartbeat.tokens);
    return worst > code ? worst : code;
}

const bf_cli_verb bf_cli_heartbeat = {
    .name = "heartbeat",
    .group = "Runs",
    .operands = "TOKEN...",
    .summary = "keeps leases alive: each gets its full length again",
    .about = "Prints a line for each token: the token, a tab, and ok, cancel (the job was "
             "cancelled, confirmed or moved: stop if you can), stale_token, not_found, or "
             "invalid for what is no token; the others are kept alive all the same. The "
             "exit code is that of the worst.",
    .example = "belfry heartbeat 256.1.1 512.1.1",
    .options = options,
    .least_operands = 1,
    .most_operands = BF_TOKENS_PER_CALL,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
