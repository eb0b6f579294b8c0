/* SPDX-License-Identifier: MPL-2.0
 *
 * A job as text, one field a line.
 */
#include "apps/belfry/show.h"

#include <inttypes.h>

#include "apps/belfry/words.h"

#define LABEL_COLUMNS 14

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
                 bf_cli_relative (bf_cli_between (now_us, us), relative));
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
put_delays (FILE *out, const Belfry__V1__RetryPolicy *retry)
{
    for (size_t index = 0; index < retry->n_delays_us; index++) {
        char brief[BF_CLI_BRIEF_BYTES];
        fprintf (out, "%s%s", index == 0 ? " " : ",",
                 bf_cli_brief (retry->delays_us[index], brief));
    }
}

static void
show_retry (FILE *out, const Belfry__V1__RetryPolicy *retry)
{
    char brief[BF_CLI_BRIEF_BYTES], word[BF_CLI_WORD_BYTES];
    label (out, "retry");
    fprintf (out, "%" PRIu32 " %s, %s,", retry->max_attempts,
             bf_cli_counted (retry->max_attempts, "attempt", "attempts"),
             bf_cli_word (&belfry__v1__backoff__descriptor, (int)retry->backoff, word));
    bool exponential = retry->backoff == BELFRY__V1__BACKOFF__BACKOFF_EXPONENTIAL;
    bool linear = retry->backoff == BELFRY__V1__BACKOFF__BACKOFF_LINEAR;
    if (retry->backoff == BELFRY__V1__BACKOFF__BACKOFF_LIST) {
        put_delays (out, retry);
    } else {
        fprintf (out, " %s", bf_cli_brief (retry->delay_us, brief));
    }
    if (exponential) {
        fprintf (out, " x %g", retry->factor_permille / 1000.0);
    }
    if (exponential || linear) {
        fprintf (out, " up to %s", bf_cli_brief (retry->max_delay_us, brief));
    }
    if (retry->jitter_case == BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT) {
        fprintf (out, ", jitter %" PRIu32 " %%", retry->jitter_percent);
    }
    if (retry->max_age_us) {
        fprintf (out, ", none after %s", bf_cli_brief (retry->max_age_us, brief));
    }
    fputc ('\n', out);
}

/* What a trigger of the calendar kinds says; NULL for the others. */
static const char *
calendar_text (const Belfry__V1__JobSpec *spec, const char **name)
{
    switch (spec->trigger_case) {
    case BELFRY__V1__JOB_SPEC__TRIGGER_CRON:
        *name = "cron";
        return spec->cron;
    case BELFRY__V1__JOB_SPEC__TRIGGER_DAILY:
        *name = "daily";
        return spec->daily;
    case BELFRY__V1__JOB_SPEC__TRIGGER_RRULE:
        *name = "rrule";
        return spec->rrule;
    default:
        return NULL;
    }
}

static void
put_every (FILE *out, const Belfry__V1__Every *every)
{
    char brief[BF_CLI_BRIEF_BYTES], time[BF_CLI_TIME_BYTES];
    fputs (bf_cli_brief (every->interval_us, brief), out);
    if (every->anchor_case == BELFRY__V1__EVERY__ANCHOR_ANCHOR_US) {
        fprintf (out, ", anchored at %s", bf_cli_time (every->anchor_us, time));
    }
}

/* "Europe/Berlin, skipped after_gap, repeated first". */
static void
show_zone (FILE *out, const Belfry__V1__JobSpec *spec)
{
    char word[BF_CLI_WORD_BYTES];
    if (!*spec->tz) {
        return;
    }
    label (out, "zone");
    bf_cli_text_put (out, spec->tz);
    if (spec->skipped) {
        int skipped = (int)spec->skipped;
        fprintf (out, ", skipped %s",
                 bf_cli_word (&belfry__v1__skipped__descriptor, skipped, word));
    }
    if (spec->repeated) {
        int repeated = (int)spec->repeated;
        fprintf (out, ", repeated %s",
                 bf_cli_word (&belfry__v1__repeated__descriptor, repeated, word));
    }
    fputc ('\n', out);
}

/* "15m, anchored at 2026-…, next 2026-… (in 3m)". */
static void
show_recurring (FILE *out, const Belfry__V1__Job *job, int64_t now_us)
{
    char brief[BF_CLI_BRIEF_BYTES], time[BF_CLI_TIME_BYTES];
    const Belfry__V1__JobSpec *spec = job->spec;
    const char *name = "every";
    const char *text = calendar_text (spec, &name);
    label (out, name);
    if (text) {
        bf_cli_text_put (out, text);
    } else {
        put_every (out, spec->every);
    }
    if (job->state == BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED && !job->paused) {
        fprintf (out, ", next %s", bf_cli_time (job->due_us, time));
        fprintf (out, " (%s)",
                 bf_cli_relative (bf_cli_between (now_us, job->due_us), brief));
    }
    fputc ('\n', out);
    show_zone (out, spec);
    for (size_t index = 0; index < spec->n_exclude; index++) {
        show_text (out, index == 0 ? "exclude" : "", spec->exclude[index]);
    }
    show_time (out, "start", spec->start_us, now_us);
    show_time (out, "end", spec->end_us, now_us);
    if (spec->max_runs) {
        label (out, "max runs");
        fprintf (out, "%" PRIu32 "\n", spec->max_runs);
    }
}

static bool
recurs (const Belfry__V1__JobSpec *spec)
{
    const char *name;
    return spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY ||
           calendar_text (spec, &name);
}

static void
show_trigger (FILE *out, const Belfry__V1__Job *job, int64_t now_us)
{
    const Belfry__V1__JobSpec *spec = job->spec;
    if (spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US) {
        show_span (out, "after", spec->after_us);
    } else if (recurs (spec)) {
        show_recurring (out, job, now_us);
    }
    show_span (out, "jitter", spec->jitter_us);
}

/* The decisions about slots that are late, or that come while a run is open. */
static void
show_policies (FILE *out, const Belfry__V1__JobSpec *spec)
{
    char word[BF_CLI_WORD_BYTES], brief[BF_CLI_BRIEF_BYTES];
    if (spec->late) {
        label (out, "late");
        fputs (bf_cli_word (&belfry__v1__late__descriptor, (int)spec->late, word), out);
        if (spec->late == BELFRY__V1__LATE__LATE_FIRE_ALL) {
            fprintf (out, ", up to %" PRIu32, spec->catchup_max);
        }
        fprintf (out, ", after %s\n", bf_cli_brief (spec->grace_us, brief));
    }
    if (spec->overlap) {
        show_text (
            out, "overlap",
            bf_cli_word (&belfry__v1__overlap__descriptor, (int)spec->overlap, word));
    }
}

/* "1h 10m 1m before, as turn.reminder". */
static void
show_reminders (FILE *out, const Belfry__V1__JobSpec *spec)
{
    if (spec->n_remind_before_us == 0) {
        return;
    }
    char brief[BF_CLI_BRIEF_BYTES];
    label (out, "reminders");
    for (size_t index = 0; index < spec->n_remind_before_us; index++) {
        fprintf (out, "%s%s", index == 0 ? "" : ", ",
                 bf_cli_brief (spec->remind_before_us[index], brief));
    }
    fputs (" before, as ", out);
    bf_cli_text_put (out, spec->reminder_type);
    fputc ('\n', out);
}

/* Those that are not 0; `fired` always where the job recurs. */
static void
show_counts (FILE *out, const Belfry__V1__Job *job)
{
    const Belfry__V1__Counts *counts = job->counts;
    const struct {
        const char *what;
        uint32_t count;
    } rows[] = {
        {"missed", counts->missed},
        {"skipped late", counts->skipped},
        {"skipped by overlap", counts->overlap_skipped},
        {"dropped from a full buffer", counts->buffer_dropped},
        {"others asked to stop", counts->cancelled_others},
        {"others ended", counts->terminated_others},
        {"waiting for another run", counts->blocked},
    };
    uint32_t sum = 0;
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        sum |= rows[index].count;
    }
    if (!(job->spec && recurs (job->spec)) && sum == 0) {
        return;
    }
    label (out, "slots");
    fprintf (out, "%" PRIu32 " fired", counts->fired);
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        if (rows[index].count > 0) {
            fprintf (out, ", %" PRIu32 " %s", rows[index].count, rows[index].what);
        }
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
                 bf_cli_counted (job->payload_bytes, "byte", "bytes"));
    }
}

static void
show_spec (FILE *out, const Belfry__V1__Job *job, int64_t now_us)
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
    show_trigger (out, job, now_us);
    show_policies (out, spec);
    show_reminders (out, spec);
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
    fprintf (out, "%s%s",
             bf_cli_word (&belfry__v1__job_state__descriptor, (int)job->state, word),
             job->paused ? ", paused" : "");
    if (job->reason) {
        int reason = (int)job->reason;
        fprintf (out, " (%s)",
                 bf_cli_word (&belfry__v1__job_reason__descriptor, reason, word));
    }
    fputc ('\n', out);
    show_time (out, "due", job->due_us, now_us);
    show_time (out, "next reminder", job->remind_us, now_us);
    label (out, "version");
    fprintf (out, "%" PRIu32 "\n", job->version);
    label (out, "runs");
    fprintf (out, "%" PRIu32 ", %" PRIu32 " open\n", job->runs, job->open_runs);
    if (job->counts) {
        show_counts (out, job);
    }
    if (job->spec) {
        show_spec (out, job, now_us);
    }
    show_time (out, "created", job->created_us, now_us);
    show_time (out, "updated", job->updated_us, now_us);
    show_time (out, "final", job->final_us, now_us);
}
