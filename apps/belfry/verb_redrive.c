/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry redrive: dead runs get another chance.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/verbs.h"

#include <inttypes.h>

typedef struct {
    char *key;
    bf_cli_filter filter; /* its ns is that of the key, too */
} values_t;

static const bf_cli_option options[] = {
    {.name = "key",
     .value = "K",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_key,
     .offset = offsetof (values_t, key),
     .help = "the newest run of the job that has this key, with --ns in that namespace; "
             "not in a batch"},
    BF_CLI_FILTER_NS_OPTION (offsetof (values_t, filter)),
    BF_CLI_FILTER_OPTIONS (offsetof (values_t, filter)),
    {0},
};

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    const bf_cli_filter *filter = &values->filter;
    bool many = bf_cli_filter_is_set (filter);
    if (values->key) {
        return bf_fail (error, BF_EINVALID,
                        "in a batch redrive takes a run or a job by its id; `belfry get "
                        "--key %s` shows it",
                        values->key);
    }
    if ((operands->count > 0) == many) {
        return bf_fail (
            error, BF_EINVALID,
            "one run or many: name one as JOB.ORDINAL, or its job by --key, "
            "or choose the jobs by --type, --tag, --state, --key-prefix, --ns or --all");
    }
    if (!many && filter->progress) {
        return bf_fail (error, BF_EINVALID, "--progress is for many jobs");
    }
    bf_err err = many ? bf_cli_filter_fill (command, filter, filter->ns, error) : BF_OK;
    if (err != BF_OK) {
        return err;
    }
    Belfry__V1__Redrive *redrive = BF_CLI_BEGIN (command, redrive, REDRIVE);
    redrive->filter = many ? &command->filter : NULL;
    redrive->dry_run = command->dry_run = filter->dry_run;
    if (!many) {
        redrive->run = operands->items[0];
    }
    return BF_OK;
}

/* The wire names no run by a key: asks for the job, and goes on with its id. */
static bf_cli_exit
act_by_key (bf_cli *cli, const values_t *values, const bf_cli_texts *operands)
{
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__Get get = BELFRY__V1__GET__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    values_t rest = *values;
    bf_cli_name name = {.key = values->key, .ns = values->filter.ns};
    rest.key = NULL;
    rest.filter.ns = NULL;
    if (bf_cli_filter_is_set (&rest.filter)) {
        return bf_cli_complain (BF_CLI_USAGE, "one job or many: --key is for one");
    }
    bf_cli_exit code = bf_cli_name_read (operands, &name, &ref);
    if (code != BF_CLI_DONE) {
        return code;
    }
    get.job = &ref;
    get.max_runs = 1;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_GET;
    request.get = &get;
    Belfry__V1__Reply *reply;
    code = bf_cli_call (cli, &request, &reply);
    if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_GET &&
        reply->get->job) {
        char id[24];
        char *ids[] = {id, NULL};
        snprintf (id, sizeof id, "%" PRIu64, reply->get->job->id);
        code = bf_cli_command_run (cli, fill, &rest,
                                   &(bf_cli_texts){.items = ids, .count = 1}, true);
    }
    belfry_reply_free (&reply);
    return code;
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    return values->key ? act_by_key (cli, values, operands)
                       : bf_cli_command_run (cli, fill, values, operands, true);
}

const bf_cli_verb bf_cli_redrive = {
    .name = "redrive",
    .group = "Runs",
    .operands = "(JOB.ORDINAL | JOB | --key K | --type T, --tag T, ...) [OPTION]...",
    .summary = "makes a new run out of a dead one and prints its id",
    .about = "The new run has fresh attempts, and its job is active again. A JOB alone "
             "means its newest run.\n"
             "\n"
             "Of many jobs, which are chosen by --type, --tag, --state, --key-prefix, --ns "
             "or --all, every dead run that was not redriven yet; see `belfry help many`.",
    .example = "belfry redrive 256.1\n"
               "belfry redrive --type draw --progress",
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .options = options,
    .values_bytes = sizeof (values_t),
    .act = act,
    .fill = fill,
};
