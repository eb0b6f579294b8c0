/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry confirm: what a deadline waited for has come.
 */
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_name job;
    bool cancel_open;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_NAME_OPTIONS (offsetof (values_t, job)),
    {.name = "cancel-open",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, cancel_open),
     .help =
         "where it fired already, cancel the job and its runs, unless a worker has one"},
    {0},
};

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__Confirm confirm = BELFRY__V1__CONFIRM__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_name_read (operands, &values->job, &ref);
    if (code != BF_CLI_DONE) {
        return code;
    }
    confirm.job = &ref;
    confirm.cancel_open = values->cancel_open;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CONFIRM;
    request.confirm = &confirm;
    return bf_cli_call_jobs (cli, &request, false);
}

const bf_cli_verb bf_cli_confirm = {
    .name = "confirm",
    .group = "Jobs",
    .operands = "(JOB | --key K) [OPTION]...",
    .summary = "what the job waited for has come: it ends, nothing fires",
    .about = "For deadlines. It works until the moment at which the job fires; after that "
             "it is too late (exit code 5), changes nothing, and shows the runs. "
             "Confirming a confirmed job is no error.",
    .example = "belfry confirm --key turn-7",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
