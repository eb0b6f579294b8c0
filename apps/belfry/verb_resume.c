/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry resume: lets paused jobs go on.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_target target;
    bool from_now;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_TARGET_OPTIONS (offsetof (values_t, target)),
    {.name = "from-now",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, from_now),
     .help = "forget the slots of the pause: they are missed, and a job that had only that "
             "one is dead; default they are late, and the job's --late policy decides"},
    {0},
};

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    bf_err err = bf_cli_target_fill (command, &values->target, operands, error);
    if (err != BF_OK) {
        return err;
    }
    Belfry__V1__Resume *resume = BF_CLI_BEGIN (command, resume, RESUME);
    BF_CLI_AIM (command, resume, &values->target);
    resume->from = values->from_now ? BELFRY__V1__RESUME_FROM__RESUME_FROM_NOW
                                    : BELFRY__V1__RESUME_FROM__RESUME_FROM_PAUSE;
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, false);
}

const bf_cli_verb bf_cli_resume = {
    .name = "resume",
    .group = "Jobs",
    .operands = "(JOB | --key K | --type T, --tag T, ...) [OPTION]...",
    .summary = "lets a paused job go on",
    .about = "What was due during the pause is late: by default the latest slot fires, "
             "flagged, and those before it are missed. Resuming a job that is not paused "
             "is no error.\n"
             "\n"
             "Many are chosen by --type, --tag, --state, --key-prefix, --ns or --all; see "
             "`belfry help many`.",
    .example = "belfry resume 256\n"
               "belfry resume --ns game --from-now",
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
