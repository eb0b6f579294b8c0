/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry get: one job and its newest runs.
 */
#include "apps/belfry/verbs.h"

#include "apps/belfry/json.h"
#include "apps/belfry/show.h"
#include "core/base/time.h"
#include "messages/limits.h"

typedef struct {
    bf_cli_name job;
    bf_cli_number runs;
    bool payload;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_NAME_OPTIONS (offsetof (values_t, job)),
    {.name = "runs",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     .offset = offsetof (values_t, runs),
     .least = 1,
     .most = BF_RUNS_PER_GET,
     .help = "show so many of its newest runs, 1..100; default 10"},
    {.name = "payload",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, payload),
     .help = "show the payload and the results; as text the beginning of "
             "those that are printable"},
    {0},
};

static bf_cli_exit
show (const bf_cli *cli, const Belfry__V1__GetReply *get)
{
    if (cli->json) {
        bf_cli_json_print (stdout, &get->base);
        return BF_CLI_DONE;
    }
    if (get->job) {
        bf_cli_show_job (stdout, get->job, bf_now_read ().wall.us);
    }
    if (get->n_runs == 0) {
        return BF_CLI_DONE;
    }
    bf_cli_table table = bf_cli_runs_table ();
    for (size_t index = 0; index < get->n_runs; index++) {
        bf_cli_runs_row (&table, get->runs[index]);
    }
    fputc ('\n', stdout);
    return bf_cli_table_print (&table, stdout)
               ? BF_CLI_DONE
               : bf_cli_complain (BF_CLI_REFUSED, "out of memory");
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__Get get = BELFRY__V1__GET__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_name_read (operands, &values->job, &ref);
    if (code != BF_CLI_DONE) {
        return code;
    }
    get.job = &ref;
    get.max_runs = (uint32_t)values->runs.value;
    get.with_payload = values->payload;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_GET;
    request.get = &get;
    Belfry__V1__Reply *reply;
    code = bf_cli_call (cli, &request, &reply);
    if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_GET) {
        code = show (cli, reply->get);
    }
    belfry_reply_free (&reply);
    return code;
}

const bf_cli_verb bf_cli_get = {
    .name = "get",
    .group = "Reading",
    .operands = "(JOB | --key K) [OPTION]...",
    .summary = "shows one job and its newest runs",
    .about = "With -o json one object with the members job and runs.",
    .example = "belfry get --key turn-7 --payload",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_NAMED,
    .act = act,
};
