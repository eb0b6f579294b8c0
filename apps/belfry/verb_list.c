/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry list: jobs.
 */
#include "apps/belfry/verbs.h"

#include "apps/belfry/json.h"
#include "apps/belfry/show.h"
#include "core/base/time.h"
#include "messages/limits.h"

typedef struct {
    char *ns;
    char *type;
    bf_cli_values states;
    bf_cli_texts tags;
    char *key_prefix;
    bf_cli_number limit;
    bool all;
    bool payload;
} values_t;

#define AT(member) .offset = offsetof (values_t, member)

static const bf_cli_option options[] = {
    {.name = "ns",
     .value = "N",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_name,
     AT (ns),
     .help = "only this namespace; default all"},
    {.name = "type",
     .value = "T",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_name,
     AT (type),
     .help = "only this type; default all"},
    {.name = "state",
     .kind = BF_CLI_WORDS,
     AT (states),
     .words = &belfry__v1__job_state__descriptor,
     .help = "only this state; again for more; default all"},
    {.name = "tag",
     .value = "T",
     .kind = BF_CLI_TEXTS,
     AT (tags),
     .help = "only jobs with this tag; again for jobs that have every one"},
    {.name = "key-prefix",
     .value = "P",
     .kind = BF_CLI_TEXT,
     AT (key_prefix),
     .help = "only jobs whose key begins so"},
    {.name = "limit",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (limit),
     .least = 1,
     .most = UINT32_MAX,
     .help = "at most so many; default 100"},
    {.name = "all", .kind = BF_CLI_FLAG, AT (all), .help = "all of them, however many"},
    {.name = "payload",
     .kind = BF_CLI_FLAG,
     AT (payload),
     .help = "with -o json: include the payloads"},
    {0},
};

static bf_cli_exit
show_page (const bf_cli *cli, const Belfry__V1__ListReply *page, bf_cli_table *table)
{
    int64_t now_us = bf_now_read ().wall.us;
    for (size_t index = 0; index < page->n_jobs; index++) {
        if (cli->json) {
            bf_cli_json_print (stdout, &page->jobs[index]->base);
        } else {
            bf_cli_jobs_row (table, page->jobs[index], now_us);
        }
    }
    return bf_cli_table_print (table, stdout)
               ? BF_CLI_DONE
               : bf_cli_complain (BF_CLI_REFUSED, "out of memory");
}

static void
fill (const values_t *values, Belfry__V1__List *list, Belfry__V1__JobState *states)
{
    for (size_t index = 0; index < values->states.count; index++) {
        states[index] = (Belfry__V1__JobState)values->states.items[index];
    }
    list->states = states;
    list->n_states = values->states.count;
    list->tags = values->tags.items;
    list->n_tags = values->tags.count;
    list->with_payload = values->payload;
    if (values->ns) {
        list->ns = values->ns;
    }
    if (values->type) {
        list->type = values->type;
    }
    if (values->key_prefix) {
        list->key_prefix = values->key_prefix;
    }
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    (void)operands;
    Belfry__V1__List list = BELFRY__V1__LIST__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    Belfry__V1__JobState states[16];
    if (values->states.count > sizeof states / sizeof states[0]) {
        return bf_cli_complain (BF_CLI_USAGE, "--state is given too often");
    }
    fill (values, &list, states);
    request.command_case = BELFRY__V1__REQUEST__COMMAND_LIST;
    request.list = &list;
    bf_cli_table table = bf_cli_jobs_table ();
    uint64_t left = values->all         ? UINT64_MAX
                    : values->limit.set ? values->limit.value
                                        : BF_DEFAULT_PAGE;
    bf_cli_exit code;
    do {
        Belfry__V1__Reply *reply;
        list.limit = left < BF_PAGE ? (uint32_t)left : BF_PAGE;
        code = bf_cli_call (cli, &request, &reply);
        list.cursor = 0;
        if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_LIST) {
            code = show_page (cli, reply->list, &table);
            list.cursor = reply->list->next_cursor;
            left -= reply->list->n_jobs < left ? reply->list->n_jobs : left;
        }
        belfry_reply_free (&reply);
    } while (code == BF_CLI_DONE && left > 0 && list.cursor > 0);
    if (code == BF_CLI_DONE && list.cursor > 0 && !values->limit.set) {
        fflush (stdout);
        fprintf (stderr, "belfry: there may be more; --all lists them\n");
    }
    return code;
}

const bf_cli_verb bf_cli_list = {
    .name = "list",
    .group = "Reading",
    .operands = "[OPTION]...",
    .summary = "lists jobs in the order of their ids",
    .about = "Final jobs are listed as long as they are kept; --state scheduled --state "
             "active shows what is open.",
    .example = "belfry list --state scheduled --type claim_timeout --key-prefix turn-",
    .options = options,
    .values_bytes = sizeof (values_t),
    .exits = BF_CLI_EXITS_CALL,
    .act = act,
};
