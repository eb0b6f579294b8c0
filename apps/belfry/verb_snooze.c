/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry snooze: not now.
 */
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_us wait;
    bf_cli_us at;
    char *reason;
} values_t;

static const bf_cli_option options[] = {
    {.name = "for",
     .value = "D",
     .kind = BF_CLI_SPAN,
     .offset = offsetof (values_t, wait),
     .help = "so long from now, up to a year"},
    {.name = "at",
     .value = "ISO",
     .kind = BF_CLI_INSTANT,
     .offset = offsetof (values_t, at),
     .help = "at this instant of the wall clock, up to a year ahead"},
    {.name = "reason",
     .value = "R",
     .kind = BF_CLI_TEXT,
     .offset = offsetof (values_t, reason),
     .help = "why, for the history; default none"},
    {0},
};

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    Belfry__V1__Snooze snooze = BELFRY__V1__SNOOZE__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    if (values->wait.set == values->at.set) {
        return bf_cli_complain (BF_CLI_USAGE, "say until when: either --for D or --at ISO");
    }
    bf_cli_exit code = bf_cli_token_check (operands->items[0]);
    if (code != BF_CLI_DONE) {
        return code;
    }
    if (values->wait.set) {
        snooze.until_case = BELFRY__V1__SNOOZE__UNTIL_FOR_US;
        snooze.for_us = values->wait.us;
    } else {
        snooze.until_case = BELFRY__V1__SNOOZE__UNTIL_AT_US;
        snooze.at_us = values->at.us;
    }
    snooze.token = operands->items[0];
    if (values->reason) {
        snooze.reason = values->reason;
    }
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SNOOZE;
    request.snooze = &snooze;
    return bf_cli_call_runs (cli, &request, false);
}

const bf_cli_verb bf_cli_snooze = {
    .name = "snooze",
    .group = "Runs",
    .operands = "TOKEN (--for D | --at ISO) [OPTION]...",
    .summary = "not now: gives the run back until later, no failure counted",
    .about = "The lease ends and the run can be claimed again at that time, with a new "
             "token.",
    .example = "belfry snooze 256.1.1 --for 15m --reason 'the player is typing'",
    .options = options,
    .values_bytes = sizeof (values_t),
    .least_operands = 1,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
