/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry events: the log from a seq to its head.
 */
#include "apps/belfry/verbs.h"

#include "messages/limits.h"

typedef struct {
    bf_cli_number from;
    bf_cli_texts kinds;
    bf_cli_texts types;
    bf_cli_number limit;
} values_t;

#define AT(member) .offset = offsetof (values_t, member)

static const bf_cli_option options[] = {
    {.name = "from",
     .value = "SEQ",
     .kind = BF_CLI_NUMBER,
     AT (from),
     .help = "the first seq to print; default the oldest that is kept"},
    {.name = "kind",
     .value = "K",
     .kind = BF_CLI_TEXTS,
     .form = &bf_cli_form_kind,
     AT (kinds),
     .help = "only this kind, such as run.failed (`belfry help kinds`); again for more; "
             "default all"},
    {.name = "type",
     .value = "T",
     .kind = BF_CLI_TEXTS,
     .form = &bf_cli_form_name,
     AT (types),
     .help = "only events of jobs of this type; again for more; default all"},
    {.name = "limit",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (limit),
     .least = 1,
     .most = UINT32_MAX,
     .help = "at most so many; default all"},
    {0},
};

/* The first page. Without --from, a beginning that was pruned is not an error: the log
 * begins where it begins now. */
static bf_cli_exit
first_page (bf_cli *cli, const values_t *values, Belfry__V1__Request *request,
            Belfry__V1__Reply **reply)
{
    Belfry__V1__Replay *replay = request->replay;
    if (values->from.set) {
        replay->after_seq = values->from.value > 0 ? values->from.value - 1 : 0;
        return bf_cli_call (cli, request, reply);
    }
    Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
    Belfry__V1__Request question = BELFRY__V1__REQUEST__INIT;
    question.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
    question.status = &status;
    bf_cli_exit code = bf_cli_call (cli, &question, reply);
    if (code == BF_CLI_DONE && (*reply)->result_case == BELFRY__V1__REPLY__RESULT_STATUS) {
        uint64_t oldest = (*reply)->status->oldest_seq;
        replay->after_seq = oldest > 0 ? oldest - 1 : 0;
    }
    if (code != BF_CLI_DONE) {
        return code;
    }
    belfry_reply_free (reply);
    return bf_cli_call (cli, request, reply);
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    (void)operands;
    Belfry__V1__Replay replay = BELFRY__V1__REPLAY__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    replay.kinds = values->kinds.items;
    replay.n_kinds = values->kinds.count;
    replay.types = values->types.items;
    replay.n_types = values->types.count;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_REPLAY;
    request.replay = &replay;
    uint64_t left = values->limit.set ? values->limit.value : UINT64_MAX;
    /* What is committed after the first answer is not waited for, or it might never end. */
    uint64_t head = 0;
    bool begun = false;
    bf_cli_exit code;
    do {
        Belfry__V1__Reply *reply;
        replay.limit = left < BF_PAGE ? (uint32_t)left : BF_PAGE;
        code = begun ? bf_cli_call (cli, &request, &reply)
                     : first_page (cli, values, &request, &reply);
        if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_EVENTS) {
            bf_cli_print_events (cli, reply->events);
            head = begun ? head : reply->events->head_seq;
            begun = true;
            left -= reply->events->n_events < left ? reply->events->n_events : left;
            replay.after_seq = reply->events->next_cursor;
        }
        belfry_reply_free (&reply);
    } while (code == BF_CLI_DONE && begun && left > 0 && replay.after_seq < head);
    return code;
}

const bf_cli_verb bf_cli_events = {
    .name = "events",
    .group = "Reading",
    .operands = "[OPTION]...",
    .summary = "prints the event log from a seq up to now, oldest first, and ends",
    .about = "The lines are those of `belfry history`. A --from that is older than what is "
             "kept is refused. `belfry watch` goes on where this ends.",
    .example = "belfry events --from 1000 --kind run.fired -o json",
    .options = options,
    .values_bytes = sizeof (values_t),
    .exits = BF_CLI_EXITS_CALL,
    .act = act,
};
