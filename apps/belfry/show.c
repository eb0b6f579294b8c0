/* SPDX-License-Identifier: MPL-2.0
 *
 * Runs and what commands did, and tables of jobs and runs, as text.
 */
#include "apps/belfry/show.h"

#include <inttypes.h>
#include <string.h>

#include "apps/belfry/utf8.h"
#include "apps/belfry/words.h"

/* Of a result in a table: the line is to stay one. */
#define RESULT_CHARACTERS 60
/* The same of a calendar text, which is ASCII. */
#define RECURS_BYTES 32

static const char *
job_state (const Belfry__V1__Job *job, char word[BF_CLI_WORD_BYTES])
{
    return bf_cli_word (&belfry__v1__job_state__descriptor, (int)job->state, word);
}

static const char *
run_state (const Belfry__V1__Run *run, char word[BF_CLI_WORD_BYTES])
{
    return bf_cli_word (&belfry__v1__run_state__descriptor, (int)run->state, word);
}

void
bf_cli_show_run (FILE *out, const Belfry__V1__Run *run, int64_t now_us)
{
    char word[BF_CLI_WORD_BYTES];
    bf_cli_text_put (out, run->run);
    fprintf (out, " %s", run_state (run, word));
    if (run->attempt) {
        fprintf (out, ", attempt %" PRIu32, run->attempt);
    }
    if (run->failures) {
        fprintf (out, ", %" PRIu32 " %s", run->failures,
                 bf_cli_counted (run->failures, "failure", "failures"));
    }
    if (*run->worker && run->state == BELFRY__V1__RUN_STATE__RUN_STATE_LEASED) {
        fputs (", held by ", out);
        bf_cli_text_put (out, run->worker);
    }
    if (run->cancel_requested) {
        fputs (", asked to stop", out);
    }
    if (run->timer_us && run->state == BELFRY__V1__RUN_STATE__RUN_STATE_RETRY_WAIT) {
        char time[BF_CLI_TIME_BYTES], relative[BF_CLI_BRIEF_BYTES];
        fprintf (out, ", again %s (%s)", bf_cli_time (run->timer_us, time),
                 bf_cli_relative (bf_cli_between (now_us, run->timer_us), relative));
    }
    if (*run->reason) {
        fputs (": ", out);
        bf_cli_text_put (out, run->reason);
    }
    fputc ('\n', out);
}

void
bf_cli_show_item (FILE *out, const Belfry__V1__JobsReply__Item *item, int64_t now_us)
{
    char word[BF_CLI_WORD_BYTES];
    const Belfry__V1__Job *job = item->job;
    if (job) {
        fprintf (out, "%" PRIu64 " %s%s", job->id, job_state (job, word),
                 job->paused ? ", paused" : "");
        if (job->state == BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED) {
            char time[BF_CLI_TIME_BYTES], relative[BF_CLI_BRIEF_BYTES];
            fprintf (out, ", due %s (%s)", bf_cli_time (job->due_us, time),
                     bf_cli_relative (bf_cli_between (now_us, job->due_us), relative));
        }
        bool unchanged = item->outcome == BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED;
        fprintf (out, "%s\n", unchanged ? ", unchanged" : "");
    }
    for (size_t index = 0; index < item->n_out; index++) {
        fputs ("  ", out);
        bf_cli_show_run (out, item->out[index], now_us);
    }
}

bf_cli_table
bf_cli_jobs_table (void)
{
    static const char *const heads[] = {"ID",  "NS",       "KEY",    "TYPE",   "STATE",
                                        "DUE", "FROM NOW", "RECURS", "VERSION"};
    return (bf_cli_table){.heads = heads, .columns = sizeof heads / sizeof heads[0]};
}

/* The interval, or what the calendar says, as far as there is room for it. */
static void
recurs_cell (bf_cli_table *table, const Belfry__V1__JobSpec *spec)
{
    char brief[BF_CLI_BRIEF_BYTES];
    const char *text = "";
    if (spec && spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY) {
        text = bf_cli_brief (spec->every->interval_us, brief);
    } else if (spec && spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_CRON) {
        text = spec->cron;
    } else if (spec && spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_DAILY) {
        text = spec->daily;
    } else if (spec && spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_RRULE) {
        text = spec->rrule;
    }
    int room = RECURS_BYTES;
    bool whole = strlen (text) <= RECURS_BYTES;
    bf_cli_table_cell (table, "%.*s%s", room, text, whole ? "" : "...");
}

void
bf_cli_jobs_row (bf_cli_table *table, const Belfry__V1__Job *job, int64_t now_us)
{
    char word[BF_CLI_WORD_BYTES], time[BF_CLI_TIME_BYTES], relative[BF_CLI_BRIEF_BYTES];
    const Belfry__V1__JobSpec *spec = job->spec;
    bf_cli_table_cell (table, "%" PRIu64, job->id);
    bf_cli_table_cell (table, "%s", spec ? spec->ns : "");
    bf_cli_table_cell (table, "%s", spec ? spec->key : "");
    bf_cli_table_cell (table, "%s", spec ? spec->type : "");
    bf_cli_table_cell (table, "%s%s", job_state (job, word), job->paused ? ",paused" : "");
    bf_cli_table_cell (table, "%s", bf_cli_time (job->due_us, time));
    bf_cli_table_cell (table, "%s",
                       bf_cli_relative (bf_cli_between (now_us, job->due_us), relative));
    recurs_cell (table, spec);
    bf_cli_table_cell (table, "%" PRIu32, job->version);
}

bf_cli_table
bf_cli_runs_table (void)
{
    static const char *const heads[] = {"RUN",      "STATE",   "ORIGIN",   "FIRED",
                                        "LATENESS", "ATTEMPT", "FAILURES", "WORKER",
                                        "FINAL",    "REASON",  "RESULT"};
    return (bf_cli_table){.heads = heads, .columns = sizeof heads / sizeof heads[0]};
}

/* Its beginning where it is text and was asked for, else how long it is. */
static void
result_cell (bf_cli_table *table, const Belfry__V1__Run *run)
{
    const uint8_t *bytes = run->result.data;
    size_t size = run->result.len;
    if (size == 0 || !bf_cli_utf8_is_printable (bytes, size)) {
        uint32_t whole = size > 0 ? (uint32_t)size : run->result_bytes;
        if (whole > 0) {
            bf_cli_table_cell (table, "%" PRIu32 " %s", whole,
                               bf_cli_counted (whole, "byte", "bytes"));
        } else {
            bf_cli_table_cell (table, "%s", "");
        }
        return;
    }
    size_t shown = 0;
    uint32_t character;
    for (int count = 0; shown < size && count < RESULT_CHARACTERS; count++) {
        shown += bf_cli_utf8_next (bytes + shown, size - shown, &character);
    }
    bf_cli_table_cell (table, "%.*s%s", (int)shown, (const char *)bytes,
                       shown < size ? "..." : "");
}

void
bf_cli_runs_row (bf_cli_table *table, const Belfry__V1__Run *run)
{
    char word[BF_CLI_WORD_BYTES], time[BF_CLI_TIME_BYTES], brief[BF_CLI_BRIEF_BYTES];
    bf_cli_table_cell (table, "%s", run->run);
    bool again = run->timer_us && run->state == BELFRY__V1__RUN_STATE__RUN_STATE_RETRY_WAIT;
    bf_cli_table_cell (table, "%s%s%s%s", run_state (run, word),
                       run->cancel_requested ? ",asked to stop" : "",
                       again ? ",again " : "",
                       again ? bf_cli_time (run->timer_us, time) : "");
    bf_cli_table_cell (
        table, "%s", bf_cli_word (&belfry__v1__origin__descriptor, (int)run->origin, word));
    bf_cli_table_cell (table, "%s", bf_cli_time (run->created_us, time));
    bf_cli_table_cell (table, "+%s%s", bf_cli_brief (run->lateness_us, brief),
                       run->late ? " late" : "");
    bf_cli_table_cell (table, "%" PRIu32, run->attempt);
    bf_cli_table_cell (table, "%" PRIu32, run->failures);
    bf_cli_table_cell (table, "%s", run->worker);
    bf_cli_table_cell (table, "%s", run->final_us ? bf_cli_time (run->final_us, time) : "");
    bf_cli_table_cell (table, "%s", run->reason);
    result_cell (table, run);
}
