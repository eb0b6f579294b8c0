/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry snooze: not now.
 */
#include "apps/belfry/command.h"
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

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    if (values->wait.set == values->at.set) {
        return bf_fail (error, BF_EINVALID, "say until when: either --for D or --at ISO");
    }
    bf_err err = bf_cli_token_fill (operands->items[0], error);
    if (err != BF_OK) {
        return err;
    }
    Belfry__V1__Snooze *snooze = BF_CLI_BEGIN (command, snooze, SNOOZE);
    snooze->token = operands->items[0];
    if (values->wait.set) {
        snooze->until_case = BELFRY__V1__SNOOZE__UNTIL_FOR_US;
        snooze->for_us = values->wait.us;
    } else {
        snooze->until_case = BELFRY__V1__SNOOZE__UNTIL_AT_US;
        snooze->at_us = values->at.us;
    }
    if (values->reason) {
        snooze->reason = values->reason;
    }
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, false);
}

const bf_cli_verb bf_cli_snooze = {
    .name = "snooze",
    .group = "Runs",
    .operands = "TOKEN (--for D | --at ISO) [OPTION]...",
    .summary = "not now: gives the run back until later, no failure counted",
    .about = "The lease ends and the run can be claimed again at that time, with a new "
             "token.",
    .example = "belfry snooze 256.1.1 --for 15m --reason 'the player is typing'",
    .least_operands = 1,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
