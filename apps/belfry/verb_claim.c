/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry claim: takes work.
 */
#include "apps/belfry/verbs.h"

#include <signal.h>

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
     .form = &bf_cli_form_name,
     .offset = offsetof (values_t, types),
     .help = "take runs of this type; again for more types, up to 64"},
    {.name = "ns",
     .value = "N",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_name,
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

/* For the handler of SIGINT and SIGTERM: which ended the wait, or 0. */
static belfry *waiting;
static volatile sig_atomic_t ended_by;

static void
on_signal (int number)
{
    ended_by = number;
    belfry_stop (waiting);
}

/* Not where the parent wants it ignored, as a shell does in the background. */
static void
catch_signal (int number)
{
    struct sigaction before;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset (&action.sa_mask);
    if (sigaction (number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        sigaction (number, &action, NULL);
    }
}

static void
give_back (bf_cli *cli, const Belfry__V1__Lease *lease)
{
    Belfry__V1__Snooze snooze = BELFRY__V1__SNOOZE__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    Belfry__V1__Reply *reply = NULL;
    snooze.token = lease->token;
    snooze.until_case = BELFRY__V1__SNOOZE__UNTIL_FOR_US;
    snooze.reason = (char *)"the claim was interrupted";
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SNOOZE;
    request.snooze = &snooze;
    belfry_call (cli->belfry, &request, &reply);
    belfry_reply_free (&reply);
}

/* Ends as the signal would have ended it, so that a shell's loop ends too. */
static void
end_by_signal (bf_cli *cli, const Belfry__V1__Reply *reply)
{
    size_t leases = reply && reply->result_case == BELFRY__V1__REPLY__RESULT_CLAIM
                        ? reply->claim->n_leases
                        : 0;
    for (size_t index = 0; index < leases; index++) {
        give_back (cli, reply->claim->leases[index]);
    }
    signal (ended_by, SIG_DFL);
    raise (ended_by);
}

static bf_cli_exit
claim_runs (bf_cli *cli, Belfry__V1__Request *request)
{
    Belfry__V1__Reply *reply = NULL;
    bf_cli_exit code = bf_cli_open (cli);
    if (code != BF_CLI_DONE) {
        return code;
    }
    waiting = cli->belfry;
    catch_signal (SIGINT);
    catch_signal (SIGTERM);
    code = bf_cli_call (cli, request, &reply);
    if (ended_by) {
        end_by_signal (cli, reply);
    }
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
    return claim_runs (cli, &request);
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
             "and ends with exit code 6. Ctrl-C or SIGTERM ends the wait and takes "
             "nothing.",
    .example = "belfry claim --type claim_timeout --type writing_timeout --wait 30s",
    .options = options,
    .values_bytes = sizeof (values_t),
    .exits = BF_CLI_EXITS_CALL | BF_CLI_EXIT_BIT (BF_CLI_NO_WORK),
    .act = act,
};
