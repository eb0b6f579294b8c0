/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry cancel: ends a job.
 */
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_name job;
    char *reason;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_NAME_OPTIONS (offsetof (values_t, job)),
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
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__Cancel cancel = BELFRY__V1__CANCEL__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_name_read (operands, &values->job, &ref);
    if (code != BF_CLI_DONE) {
        return code;
    }
    cancel.job = &ref;
    if (values->reason) {
        cancel.reason = values->reason;
    }
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CANCEL;
    request.cancel = &cancel;
    return bf_cli_call_jobs (cli, &request, false);
}

const bf_cli_verb bf_cli_cancel = {
    .name = "cancel",
    .group = "Jobs",
    .operands = "(JOB | --key K) [OPTION]...",
    .summary = "ends a job: it never fires after this",
    .about = "Runs that no worker has are cancelled. Those that a worker has are printed: "
             "they are asked to stop, may still complete, and are never retried. "
             "Cancelling a cancelled job is no error.",
    .example = "belfry cancel --key turn-7 --reason 'the game is over'",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
