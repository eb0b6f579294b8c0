/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry redrive: a dead run gets another chance.
 */
#include "apps/belfry/verbs.h"

static const bf_cli_option options[] = {{0}};

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    Belfry__V1__Redrive redrive = BELFRY__V1__REDRIVE__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    (void)given;
    redrive.run = operands->items[0];
    request.command_case = BELFRY__V1__REQUEST__COMMAND_REDRIVE;
    request.redrive = &redrive;
    return bf_cli_call_runs (cli, &request, true);
}

const bf_cli_verb bf_cli_redrive = {
    .name = "redrive",
    .group = "Runs",
    .operands = "(JOB.ORDINAL | JOB)",
    .summary = "makes a new run out of a dead one and prints its id",
    .about = "The new run has fresh attempts, and its job is active again. A JOB alone "
             "means its newest run.",
    .example = "belfry redrive 256.1",
    .options = options,
    .least_operands = 1,
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
