/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry trigger: makes an extra run now and prints its id.
 */
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_name job;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_NAME_OPTIONS (offsetof (values_t, job)),
    {0},
};

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__Trigger trigger = BELFRY__V1__TRIGGER__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_name_read (operands, &values->job, &ref);
    if (code != BF_CLI_DONE) {
        return code;
    }
    trigger.job = &ref;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_TRIGGER;
    request.trigger = &trigger;
    return bf_cli_call_runs (cli, &request, true);
}

const bf_cli_verb bf_cli_trigger = {
    .name = "trigger",
    .group = "Jobs",
    .operands = "(JOB | --key K) [OPTION]...",
    .summary = "makes an extra run now and prints its id",
    .about = "The job's own time stays as it is.",
    .example = "belfry trigger --key turn-7 --ns game",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
