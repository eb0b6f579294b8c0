/* SPDX-License-Identifier: MPL-2.0
 *
 * A command for many jobs: how far it is while it goes on, and what it did.
 */
#include "apps/belfry/command.h"

#include <inttypes.h>
#include <unistd.h>

#include "apps/belfry/text.h"

/* What became of those that it changed. */
static const char *
done_word (const Belfry__V1__Request *request)
{
    switch (request->command_case) {
    case BELFRY__V1__REQUEST__COMMAND_CANCEL:
        return "cancelled";
    case BELFRY__V1__REQUEST__COMMAND_CONFIRM:
        return "confirmed";
    case BELFRY__V1__REQUEST__COMMAND_PAUSE:
        return "paused";
    case BELFRY__V1__REQUEST__COMMAND_RESUME:
        return "resumed";
    case BELFRY__V1__REQUEST__COMMAND_RESCHEDULE:
        return "rescheduled";
    case BELFRY__V1__REQUEST__COMMAND_TRIGGER:
        return "triggered";
    case BELFRY__V1__REQUEST__COMMAND_REDRIVE:
        return "redriven";
    case BELFRY__V1__REQUEST__COMMAND_PRUNE:
        return "pruned";
    default:
        return "changed";
    }
}

static void
put_counts (FILE *out, const Belfry__V1__Request *request,
            const Belfry__V1__BulkReply *bulk)
{
    const char *word = done_word (request);
    if (bulk->dry_run) {
        fprintf (out, "%" PRIu64 " would be %s", bulk->changed, word);
    } else {
        fprintf (out, "%s %" PRIu64, word, bulk->changed);
    }
    fprintf (out, ", %" PRIu64 " unchanged, %" PRIu64 " refused", bulk->unchanged,
             bulk->refused);
    const char *runs = bulk->runs == 1 ? "run" : "runs";
    if (bulk->runs > 0 && request->command_case == BELFRY__V1__REQUEST__COMMAND_PRUNE) {
        fprintf (out, ", %" PRIu64 " %s with them", bulk->runs, runs);
    } else if (bulk->runs > 0) {
        fprintf (out, ", %" PRIu64 " new %s", bulk->runs, runs);
    }
    if (bulk->events > 0) {
        fprintf (out, ", %" PRIu64 " %s", bulk->events,
                 bulk->events == 1 ? "event" : "events");
    }
}

void
bf_cli_show_bulk (FILE *out, FILE *refusals, const Belfry__V1__Request *request,
                  const Belfry__V1__BulkReply *bulk)
{
    put_counts (out, request, bulk);
    fputc ('\n', out);
    for (size_t index = 0; index < bulk->n_refusals; index++) {
        const Belfry__V1__BulkReply__Refusal *refusal = bulk->refusals[index];
        fprintf (refusals, "  %" PRIu64 ": ", refusal->job);
        bf_cli_text_put (refusals, refusal->text);
        fprintf (refusals, " (%s)\n",
                 belfry_error_name (bf_cli_error_of ((int)refusal->code)));
    }
    if (bulk->refused > bulk->n_refusals && bulk->n_refusals > 0) {
        fprintf (refusals, "  and %" PRIu64 " more\n", bulk->refused - bulk->n_refusals);
    }
}

typedef struct {
    const Belfry__V1__Request *request;
    bool terminal; /* one line that is written over, instead of one after the other */
    bool shown;
} progress_t;

static void
show_progress (const Belfry__V1__Reply *reply, void *context)
{
    progress_t *self = context;
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_BULK) {
        return;
    }
    const Belfry__V1__BulkReply *bulk = reply->bulk;
    /* Both are below 2^63, and a hundredth is exact enough. */
    uint64_t hundredth = bulk->watermark / 100 + 1;
    uint64_t percent = bulk->cursor / hundredth;
    fprintf (stderr, "%sbelfry: %" PRIu64 " %%: ", self->terminal ? "\r" : "",
             percent < 100 ? percent : 99);
    put_counts (stderr, self->request, bulk);
    fputs (self->terminal ? "\033[K" : "\n", stderr);
    fflush (stderr);
    self->shown = true;
}

bf_cli_exit
bf_cli_call_bulk (bf_cli *cli, Belfry__V1__Request *request, bool progress,
                  Belfry__V1__Reply **reply)
{
    *reply = NULL;
    bf_cli_exit code = bf_cli_open (cli);
    if (code != BF_CLI_DONE) {
        return code;
    }
    if (cli->request_id) {
        request->request_id = cli->request_id;
    }
    progress_t self = {.request = request, .terminal = isatty (STDERR_FILENO) == 1};
    bool wanted = progress || self.terminal;
    int error = belfry_call_long (cli->belfry, request, wanted ? show_progress : NULL,
                                  &self, reply);
    if (self.shown && self.terminal) {
        fputs ("\r\033[K", stderr);
    }
    if (error == BELFRY_OK) {
        error = belfry_reply_error (cli->belfry, *reply);
    }
    return error == BELFRY_OK ? BF_CLI_DONE : bf_cli_complain_of (cli, error);
}
