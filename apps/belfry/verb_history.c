/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry history: what happened, newest first.
 */
#include "apps/belfry/verbs.h"

#include <inttypes.h>

#include "messages/limits.h"

typedef struct {
    bf_cli_name job;
    bf_cli_us from;
    bf_cli_us until;
    bf_cli_texts kinds;
    char *type;
    bf_cli_number limit;
    bool all;
} values_t;

#define AT(member) .offset = offsetof (values_t, member)

static const bf_cli_option options[] = {
    BF_CLI_NAME_OPTIONS (offsetof (values_t, job)),
    {.name = "from",
     .value = "ISO",
     .kind = BF_CLI_INSTANT,
     AT (from),
     .help = "only events of this instant or later"},
    {.name = "until",
     .value = "ISO",
     .kind = BF_CLI_INSTANT,
     AT (until),
     .help = "only events before this instant"},
    {.name = "kind",
     .value = "K",
     .kind = BF_CLI_TEXTS,
     .form = &bf_cli_form_kind,
     AT (kinds),
     .help = "only this kind, such as run.failed (`belfry help kinds`); again for more; "
             "default all"},
    {.name = "type",
     .value = "T",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_name,
     AT (type),
     .help = "only events of jobs of this type; default all"},
    {.name = "limit",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (limit),
     .least = 1,
     .most = UINT32_MAX,
     .help = "at most so many; default 100"},
    {.name = "all", .kind = BF_CLI_FLAG, AT (all), .help = "all of them, however many"},
    {0},
};

/* Says so where it is not the beginning that a page ends with. `printed`: events so far. */
static void
tell_pruned (const Belfry__V1__EventsReply *page, bool of_job, uint64_t printed)
{
    bool gone = printed == 0;
    if (page->n_events > 0) {
        const Belfry__V1__Event *last = page->events[page->n_events - 1];
        gone = of_job ? last->prev_job_seq > 0 && last->prev_job_seq < page->oldest_seq
                      : last->seq == page->oldest_seq;
    }
    if (gone && page->oldest_seq > 1 && page->next_cursor == 0) {
        bf_cli_complain (BF_CLI_DONE, "events before seq %" PRIu64 " are no longer kept",
                         page->oldest_seq);
    }
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    uint64_t printed = 0;
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__History history = BELFRY__V1__HISTORY__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = BF_CLI_DONE;
    if (operands->count > 0 || values->job.key || values->job.ns) {
        code = bf_cli_name_read (operands, &values->job, &ref);
        history.job = &ref;
    }
    if (code != BF_CLI_DONE) {
        return code;
    }
    history.from_us = values->from.us;
    history.until_us = values->until.us;
    history.kinds = values->kinds.items;
    history.n_kinds = values->kinds.count;
    if (values->type) {
        history.type = values->type;
    }
    request.command_case = BELFRY__V1__REQUEST__COMMAND_HISTORY;
    request.history = &history;
    uint64_t left = values->all         ? UINT64_MAX
                    : values->limit.set ? values->limit.value
                                        : BF_DEFAULT_PAGE;
    do {
        Belfry__V1__Reply *reply;
        history.limit = left < BF_PAGE ? (uint32_t)left : BF_PAGE;
        code = bf_cli_call (cli, &request, &reply);
        history.cursor = 0;
        if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_EVENTS) {
            bf_cli_print_events (cli, reply->events);
            history.cursor = reply->events->next_cursor;
            printed += reply->events->n_events;
            tell_pruned (reply->events, history.job != NULL, printed);
            left -= reply->events->n_events < left ? reply->events->n_events : left;
        }
        belfry_reply_free (&reply);
    } while (code == BF_CLI_DONE && left > 0 && history.cursor > 0);
    return code;
}

const bf_cli_verb bf_cli_history = {
    .name = "history",
    .group = "Reading",
    .operands = "[JOB | --key K] [OPTION]...",
    .summary = "shows what happened, newest first, to one job or to all",
    .about = "A line is an event: time, seq, kind, type, run or job, key, lateness, "
             "details and reason; "
             "- where there is none. Where older ones are no longer kept, a line on stderr "
             "says so.",
    .example = "belfry history 256\n"
               "belfry history --kind run.dead --from 2026-11-22T00:00:00Z --all",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_NAMED,
    .act = act,
};
