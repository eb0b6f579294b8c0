/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry runs: the runs of a job.
 */
#include "apps/belfry/verbs.h"

#include "apps/belfry/json.h"
#include "apps/belfry/show.h"
#include "core/token.h"
#include "messages/limits.h"

#define DEFAULT_LIMIT 100

typedef struct {
    bf_cli_name job;
    bf_cli_number limit;
    bool all;
    bool results;
} values_t;

static const bf_cli_option options[] = {
    BF_CLI_NAME_OPTIONS (offsetof (values_t, job)),
    {.name = "limit",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     .offset = offsetof (values_t, limit),
     .least = 1,
     .most = UINT32_MAX,
     .help = "at most so many; default 100"},
    {.name = "all",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, all),
     .help = "all of them, however many"},
    {.name = "results",
     .kind = BF_CLI_FLAG,
     .offset = offsetof (values_t, results),
     .help =
         "include what the workers answered; as text the beginning of what is printable"},
    {0},
};

/* Shows a page and says where the next one begins: the ordinal of its oldest run, or 0
 * where there is no older one. */
static bf_cli_exit
show_page (const bf_cli *cli, const Belfry__V1__GetReply *page, bf_cli_table *table,
           uint32_t *before)
{
    *before = 0;
    for (size_t index = 0; index < page->n_runs; index++) {
        bf_token token;
        if (cli->json) {
            bf_cli_json_print (stdout, &page->runs[index]->base);
        } else {
            bf_cli_runs_row (table, page->runs[index]);
        }
        if (bf_run_id_parse (page->runs[index]->run, &token) == BF_OK) {
            *before = token.ordinal > 1 ? token.ordinal : 0;
        }
    }
    return bf_cli_table_print (table, stdout)
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
    get.with_payload = values->results;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_GET;
    request.get = &get;
    bf_cli_table table = bf_cli_runs_table ();
    uint64_t left = values->all         ? UINT64_MAX
                    : values->limit.set ? values->limit.value
                                        : DEFAULT_LIMIT;
    do {
        Belfry__V1__Reply *reply;
        get.max_runs = left < BF_RUNS_PER_GET ? (uint32_t)left : BF_RUNS_PER_GET;
        code = bf_cli_call (cli, &request, &reply);
        get.before_ordinal = 0;
        if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_GET) {
            if (reply->get->job) {
                /* A key may go to another job between two pages. */
                belfry__v1__job_ref__init (&ref);
                ref.id = reply->get->job->id;
            }
            code = show_page (cli, reply->get, &table, &get.before_ordinal);
            left -= reply->get->n_runs < left ? reply->get->n_runs : left;
        }
        belfry_reply_free (&reply);
    } while (code == BF_CLI_DONE && left > 0 && get.before_ordinal > 0);
    return code;
}

const bf_cli_verb bf_cli_runs = {
    .name = "runs",
    .group = "Reading",
    .operands = "(JOB | --key K) [OPTION]...",
    .summary = "lists the runs of a job, newest first",
    .about = "FIRED is when the run was made, LATENESS how long after its due time that "
             "was.",
    .example = "belfry runs 256 --all",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_NAMED,
    .act = act,
};
