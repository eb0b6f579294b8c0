/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry claim: takes work.
 */
#include "apps/belfry/verbs.h"

#include "apps/belfry/json.h"
#include "apps/belfry/text.h"
#include "core/base/time.h"
#include "messages/limits.h"

typedef struct {
    char *ns;
    bf_cli_texts types;
    bf_cli_number max;
    bf_cli_us wait;
    char *worker;
} values_t;

static const bf_cli_option options[] = {
    {.name = "type",
     .value = "T",
     .required = true,
     .kind = BF_CLI_TEXTS,
     .offset = offsetof (values_t, types),
     .help = "take runs of this type; again for more types, up to 64"},
    {.name = "ns",
     .value = "N",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (values_t, ns),
     .help = "of this namespace; default \"default\""},
    {.name = "max",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     .offset = offsetof (values_t, max),
     .least = 1,
     .most = BF_RUNS_PER_CLAIM,
     .help = "at most so many, 1..100; default 1"},
    {.name = "wait",
     .value = "D",
     .kind = BF_CLI_SPAN,
     .offset = offsetof (values_t, wait),
     .most = BF_WAIT_MAX_US,
     .help = "how long to wait for the first, 0s..60s; default 0s, at once"},
    {.name = "worker",
     .value = "W",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (values_t, worker),
     .help = "who works, shown in the run and its events; default the client"},
    {0},
};

static void
show (const bf_cli *cli, const Belfry__V1__Lease *lease)
{
    if (cli->json) {
        bf_cli_json_print (stdout, &lease->base);
    } else {
        fprintf (stdout, "%s\t", lease->token);
        bf_cli_payload_put (stdout, lease->payload.data, lease->payload.len);
        fputc ('\n', stdout);
    }
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    Belfry__V1__Claim claim = BELFRY__V1__CLAIM__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    (void)operands;
    claim.types = values->types.items;
    claim.n_types = values->types.count;
    claim.max = (uint32_t)values->max.value;
    claim.wait_us = values->wait.us;
    if (values->ns) {
        claim.ns = values->ns;
    }
    if (values->worker) {
        claim.worker = values->worker;
    }
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    request.claim = &claim;
    Belfry__V1__Reply *reply;
    bf_cli_exit code = bf_cli_call (cli, &request, &reply);
    if (code == BF_CLI_DONE) {
        bool some = reply->result_case == BELFRY__V1__REPLY__RESULT_CLAIM &&
                    reply->claim->n_leases > 0;
        for (size_t index = 0; some && index < reply->claim->n_leases; index++) {
            show (cli, reply->claim->leases[index]);
        }
        code = some ? BF_CLI_DONE : BF_CLI_NO_WORK;
    }
    belfry_reply_free (&reply);
    return code;
}

const bf_cli_verb bf_cli_claim = {
    .name = "claim",
    .group = "Runs",
    .operands = "--type T [OPTION]...",
    .summary = "takes work and prints its tokens",
    .about = "Prints a line for each run: the token, a tab, the payload. The payload is "
             "printed as it is where it fits in a line, else as \"hex:\" and hex digits. "
             "The run is leased to you: complete, fail or snooze the token before its "
             "lease ends, or keep it alive with heartbeat. Without work it prints nothing "
             "and ends with exit code 6.",
    .example = "belfry claim --type claim_timeout --type writing_timeout --wait 30s",
    .options = options,
    .values_bytes = sizeof (values_t),
    .exits = BF_CLI_EXITS_CALL | BF_CLI_EXIT_BIT (BF_CLI_NO_WORK),
    .act = act,
};
