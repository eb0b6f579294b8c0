/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry resume: lets a paused job go on.
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
    Belfry__V1__Resume resume = BELFRY__V1__RESUME__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_name_read (operands, &values->job, &ref);
    if (code != BF_CLI_DONE) {
        return code;
    }
    resume.job = &ref;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_RESUME;
    request.resume = &resume;
    return bf_cli_call_jobs (cli, &request, false);
}

const bf_cli_verb bf_cli_resume = {
    .name = "resume",
    .group = "Jobs",
    .operands = "(JOB | --key K) [OPTION]...",
    .summary = "lets a paused job go on",
    .about = "A time that passed meanwhile fires at once, late. Resuming a job that is not "
             "paused is no error.",
    .example = "belfry resume 256",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
