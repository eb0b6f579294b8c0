/* SPDX-License-Identifier: MPL-2.0
 *
 * Jobs, runs and events as text.
 */
#include "apps/belfry/show.h"

#include <inttypes.h>
#include <string.h>

#include "apps/belfry/utf8.h"
#include "apps/belfry/words.h"

#define LABEL_COLUMNS 14
/* Of a result in a table: the line is to stay one. */
#define RESULT_CHARACTERS 60

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

static const char *
counted (uint32_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

static void
label (FILE *out, const char *name)
{
    fprintf (out, "%-*s", LABEL_COLUMNS, name);
}

static void
show_text (FILE *out, const char *name, const char *text)
{
    if (*text) {
        label (out, name);
        bf_cli_text_put (out, text);
        fputc ('\n', out);
    }
}

static void
show_time (FILE *out, const char *name, int64_t us, int64_t now_us)
{
    if (us) {
        char time[BF_CLI_TIME_BYTES], relative[BF_CLI_BRIEF_BYTES];
        label (out, name);
        fprintf (out, "%s (%s)\n", bf_cli_time (us, time),
                 bf_cli_relative (us - now_us, relative));
    }
}

static void
show_span (FILE *out, const char *name, int64_t us)
{
    if (us) {
        char brief[BF_CLI_BRIEF_BYTES];
        label (out, name);
        fprintf (out, "%s\n", bf_cli_brief (us, brief));
    }
}

static void
show_retry (FILE *out, const Belfry__V1__RetryPolicy *retry)
{
    char delay[BF_CLI_BRIEF_BYTES], most[BF_CLI_BRIEF_BYTES], word[BF_CLI_WORD_BYTES];
    label (out, "retry");
    fprintf (out, "%" PRIu32 " %s, %s, %s", retry->max_attempts,
             counted (retry->max_attempts, "attempt", "attempts"),
             bf_cli_word (&belfry__v1__backoff__descriptor, (int)retry->backoff, word),
             bf_cli_brief (retry->delay_us, delay));
    if (retry->backoff == BELFRY__V1__BACKOFF__BACKOFF_EXPONENTIAL) {
        fprintf (out, " x %g up to %s", retry->factor_permille / 1000.0,
                 bf_cli_brief (retry->max_delay_us, most));
    }
    if (retry->jitter_case == BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT) {
        fprintf (out, ", jitter %" PRIu32 " %%", retry->jitter_percent);
    }
    fputc ('\n', out);
}

static void
show_payload (FILE *out, const Belfry__V1__Job *job)
{
    if (job->spec->payload.len > 0) {
        label (out, "payload");
        bf_cli_payload_put (out, job->spec->payload.data, job->spec->payload.len);
        fputc ('\n', out);
    } else if (job->payload_bytes > 0) {
        label (out, "payload");
        fprintf (out, "%" PRIu32 " %s\n", job->payload_bytes,
                 counted (job->payload_bytes, "byte", "bytes"));
    }
}

static void
show_spec (FILE *out, const Belfry__V1__Job *job)
{
    char word[BF_CLI_WORD_BYTES];
    const Belfry__V1__JobSpec *spec = job->spec;
    show_payload (out, job);
    show_text (out, "content type", spec->content_type);
    for (size_t index = 0; index < spec->n_tags; index++) {
        show_text (out, index == 0 ? "tags" : "", spec->tags[index]);
    }
    show_text (out, "delivery",
               bf_cli_word (&belfry__v1__delivery__descriptor, (int)spec->delivery, word));
    if (spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US) {
        show_span (out, "after", spec->after_us);
    }
    if (spec->retry) {
        show_retry (out, spec->retry);
    }
    show_span (out, "lease", spec->lease_us);
    show_span (out, "run timeout", spec->run_timeout_us);
    show_span (out, "start timeout", spec->start_timeout_us);
}

void
bf_cli_show_job (FILE *out, const Belfry__V1__Job *job, int64_t now_us)
{
    char word[BF_CLI_WORD_BYTES];
    label (out, "job");
    fprintf (out, "%" PRIu64 "\n", job->id);
    if (job->spec) {
        show_text (out, "ns", job->spec->ns);
        show_text (out, "key", job->spec->key);
        show_text (out, "type", job->spec->type);
    }
    label (out, "state");
    fprintf (out, "%s%s", job_state (job, word), job->paused ? ", paused" : "");
    if (job->reason) {
        int reason = (int)job->reason;
        fprintf (out, " (%s)",
                 bf_cli_word (&belfry__v1__job_reason__descriptor, reason, word));
    }
    fputc ('\n', out);
    show_time (out, "due", job->due_us, now_us);
    label (out, "version");
    fprintf (out, "%" PRIu32 "\n", job->version);
    label (out, "runs");
    fprintf (out, "%" PRIu32 ", %" PRIu32 " open\n", job->runs, job->open_runs);
    if (job->spec) {
        show_spec (out, job);
    }
    show_time (out, "created", job->created_us, now_us);
    show_time (out, "updated", job->updated_us, now_us);
    show_time (out, "final", job->final_us, now_us);
}

void
bf_cli_show_run (FILE *out, const Belfry__V1__Run *run, int64_t now_us)
{
    char word[BF_CLI_WORD_BYTES];
    fprintf (out, "%s %s", run->run, run_state (run, word));
    if (run->attempt) {
        fprintf (out, ", attempt %" PRIu32, run->attempt);
    }
    if (run->failures) {
        fprintf (out, ", %" PRIu32 " %s", run->failures,
                 counted (run->failures, "failure", "failures"));
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
                 bf_cli_relative (run->timer_us - now_us, relative));
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
                     bf_cli_relative (job->due_us - now_us, relative));
        }
        bool unchanged = item->outcome == BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED;
        fprintf (out, "%s\n", unchanged ? ", unchanged" : "");
    }
    for (size_t index = 0; index < item->n_out; index++) {
        fputs ("  ", out);
        bf_cli_show_run (out, item->out[index], now_us);
    }
}

/* A column of an event's line: at least `width` characters, and two spaces behind it. */
static void
put_column (FILE *out, const char *text, size_t width)
{
    size_t used = bf_cli_text_put (out, *text ? text : "-");
    fprintf (out, "%*s", (int)(used < width ? width - used : 0) + 2, "");
}

void
bf_cli_show_event (FILE *out, const Belfry__V1__Event *event)
{
    char time[BF_CLI_TIME_BYTES], brief[BF_CLI_BRIEF_BYTES], subject[64] = "";
    if (*event->run && event->attempt) {
        snprintf (subject, sizeof subject, "%.40s.%" PRIu32, event->run, event->attempt);
    } else if (*event->run) {
        snprintf (subject, sizeof subject, "%.40s", event->run);
    } else if (event->job) {
        snprintf (subject, sizeof subject, "%" PRIu64, event->job);
    }
    fprintf (out, "%s  %6" PRIu64 "  ", bf_cli_time (event->at_us, time), event->seq);
    put_column (out, event->kind, 18);
    put_column (out, event->type, 16);
    put_column (out, subject, 10);
    put_column (out, event->key, 12);
    bool fired =
        !strcmp (event->kind, "run.fired") || !strcmp (event->kind, "run.delivered");
    if (fired) {
        fprintf (out, "+%s", bf_cli_brief (event->lateness_us, brief));
    } else if (event->delta_us) {
        fprintf (out, "%s%s", event->delta_us > 0 ? "+" : "",
                 bf_cli_brief (event->delta_us, brief));
    } else {
        fputc ('-', out);
    }
    fputs ("  ", out);
    bf_cli_text_put (out, *event->reason ? event->reason : "-");
    fputc ('\n', out);
}

bf_cli_table
bf_cli_jobs_table (void)
{
    static const char *const heads[] = {"ID",    "NS",  "KEY",      "TYPE",
                                        "STATE", "DUE", "FROM NOW", "VERSION"};
    return (bf_cli_table){.heads = heads, .columns = sizeof heads / sizeof heads[0]};
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
    bf_cli_table_cell (table, "%s", bf_cli_relative (job->due_us - now_us, relative));
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
                               counted (whole, "byte", "bytes"));
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
    bf_cli_table_cell (table, "%s%s", run_state (run, word),
                       run->cancel_requested ? ",asked to stop" : "");
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
