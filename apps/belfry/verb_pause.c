/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry pause: holds a job: it does not fire until resume.
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
    Belfry__V1__Pause pause = BELFRY__V1__PAUSE__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_name_read (operands, &values->job, &ref);
    if (code != BF_CLI_DONE) {
        return code;
    }
    pause.job = &ref;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_PAUSE;
    request.pause = &pause;
    return bf_cli_call_jobs (cli, &request, false);
}

const bf_cli_verb bf_cli_pause = {
    .name = "pause",
    .group = "Jobs",
    .operands = "(JOB | --key K) [OPTION]...",
    .summary = "holds a job: it does not fire until resume",
    .about = "Runs that exist already go on. Pausing a paused job is no error.",
    .example = "belfry pause 256",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
