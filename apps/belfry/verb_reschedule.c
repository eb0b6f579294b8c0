/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry reschedule: moves a job to another time.
 */
#include "apps/belfry/verbs.h"

typedef struct {
    bf_cli_name job;
    bf_cli_us at;
    bf_cli_us after;
    bool reject_past;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_NAME_OPTIONS (offsetof (values_t, job)),
    {.name = "at",
     .value = "ISO",
     .kind = BF_CLI_INSTANT,
     .offset = offsetof (values_t, at),
     .help = "due at this instant of the wall clock; one in the past fires at once"},
    {.name = "after",
     .value = "D",
     .kind = BF_CLI_SPAN,
     .offset = offsetof (values_t, after),
     .help = "due so long from now"},
    {.name = "reject-past",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, reject_past),
     .help = "refuse an --at in the past instead of firing at once"},
    {0},
};

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__Reschedule reschedule = BELFRY__V1__RESCHEDULE__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_name_read (operands, &values->job, &ref);
    if (code != BF_CLI_DONE) {
        return code;
    }
    if (values->at.set == values->after.set) {
        return bf_cli_complain (BF_CLI_USAGE, "say when: either --at ISO or --after D");
    }
    if (values->at.set) {
        reschedule.trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_AT_US;
        reschedule.at_us = values->at.us;
    } else {
        reschedule.trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_AFTER_US;
        reschedule.after_us = values->after.us;
    }
    reschedule.job = &ref;
    reschedule.reject_past = values->reject_past;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_RESCHEDULE;
    request.reschedule = &reschedule;
    return bf_cli_call_jobs (cli, &request, false);
}

const bf_cli_verb bf_cli_reschedule = {
    .name = "reschedule",
    .group = "Jobs",
    .operands = "(JOB | --key K) (--at ISO | --after D) [OPTION]...",
    .summary = "moves a job to another time",
    .about = "After it returns the old time never fires. Runs that no worker has are "
             "cancelled; those that a worker has are printed, and are asked to stop.",
    .example = "belfry reschedule --key turn-7 --after 10m",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
