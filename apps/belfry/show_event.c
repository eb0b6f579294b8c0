/* SPDX-License-Identifier: MPL-2.0
 *
 * An event as a line of text.
 */
#include "apps/belfry/show.h"

#include <inttypes.h>
#include <string.h>

#include "apps/belfry/words.h"

/* A column of an event's line: at least `width` characters, and two spaces behind it. */
static void
put_column (FILE *out, const char *text, size_t width)
{
    size_t used = bf_cli_text_put (out, *text ? text : "-");
    fprintf (out, "%*s", (int)(used < width ? width - used : 0) + 2, "");
}

/* "3 slots, 2026-…..2026-…"; on the boot clock, which is nobody's calendar, how far they
 * lie apart. */
static void
put_slots (FILE *out, const Belfry__V1__Slots *slots, bool reminders, bool boot)
{
    char first[BF_CLI_TIME_BYTES], last[BF_CLI_TIME_BYTES];
    fprintf (out, "%" PRIu64 " %s", slots->count,
             reminders ? bf_cli_counted (slots->count, "reminder", "reminders")
                       : bf_cli_counted (slots->count, "slot", "slots"));
    if (boot) {
        return;
    }
    fprintf (out, ", %s", bf_cli_time (slots->first_due_us, first));
    if (slots->last_due_us != slots->first_due_us) {
        fprintf (out, "..%s", bf_cli_time (slots->last_due_us, last));
    }
}

static const char *
decision (int value, char word[BF_CLI_WORD_BYTES])
{
    return bf_cli_word (&belfry__v1__decision__descriptor, value, word);
}

/* "away 2026-…..2026-… (3m12s): backup: 1 fired, 12 missed; …". */
static void
put_recovery (FILE *out, const Belfry__V1__Recovery *recovery)
{
    char from[BF_CLI_TIME_BYTES], until[BF_CLI_TIME_BYTES], brief[BF_CLI_BRIEF_BYTES];
    char word[BF_CLI_WORD_BYTES];
    if (recovery->from_us) {
        fprintf (
            out, "away %s..%s (%s)", bf_cli_time (recovery->from_us, from),
            bf_cli_time (recovery->until_us, until),
            bf_cli_brief (bf_cli_between (recovery->from_us, recovery->until_us), brief));
    } else {
        fprintf (out, "away until %s", bf_cli_time (recovery->until_us, until));
    }
    for (size_t index = 0; index < recovery->n_counts; index++) {
        const Belfry__V1__Recovery__Count *count = recovery->counts[index];
        fputs (index == 0 ? ": " : "; ", out);
        bf_cli_text_put (out, *count->type ? count->type : "all others");
        fprintf (out, " %" PRIu64 " %s %s of %" PRIu64 " %s", count->slots,
                 bf_cli_counted (count->slots, "slot", "slots"),
                 decision ((int)count->decision, word), count->jobs,
                 bf_cli_counted (count->jobs, "job", "jobs"));
    }
}

/* "12 jobs, and old runs of 3"; "events 1..5000". */
static void
put_pruned (FILE *out, const Belfry__V1__Pruned *pruned)
{
    uint64_t jobs = 0;
    for (size_t index = 0; index < pruned->n_rows; index++) {
        jobs += pruned->rows[index]->up_to_ordinal == 0;
    }
    uint64_t parts = pruned->n_rows - jobs;
    if (pruned->last_seq > 0) {
        fprintf (out, "events %" PRIu64 "..%" PRIu64, pruned->first_seq, pruned->last_seq);
    } else if (parts == 0) {
        fprintf (out, "%" PRIu64 " %s", jobs, bf_cli_counted (jobs, "job", "jobs"));
    } else {
        fprintf (out, "%" PRIu64 " %s, and old runs of %" PRIu64, jobs,
                 bf_cli_counted (jobs, "job", "jobs"), parts);
    }
}

/* "Europe/Berlin: 3 jobs moved, 1000 looked at, more to come"; "default/holidays version 2:
 * …". */
static void
put_replanned (FILE *out, const Belfry__V1__Replanned *replanned)
{
    const Belfry__V1__ExclusionCalendar *calendar = replanned->calendar;
    if (calendar) {
        bf_cli_text_put (out, calendar->ns);
        fputc ('/', out);
        bf_cli_text_put (out, calendar->name);
    } else {
        bf_cli_text_put (out, replanned->zone);
    }
    if (calendar && calendar->version > 0) {
        fprintf (out, " version %" PRIu32, calendar->version);
    } else if (calendar) {
        fputs (" deleted", out);
    }
    fprintf (out, ": %zu %s moved, %" PRIu64 " looked at%s", replanned->n_rows,
             bf_cli_counted (replanned->n_rows, "job", "jobs"), replanned->examined,
             replanned->done ? "" : ", more to come");
}

/* The last column: what the kind has to say, and the reason. */
static void
show_detail (FILE *out, const Belfry__V1__Event *event)
{
    bool said = true;
    if (event->slots) {
        bool reminders = strcmp (event->kind, "reminder.skipped") == 0;
        put_slots (out, event->slots, reminders, event->clock != 0);
    } else if (event->run_after && event->run_after->remind_before_us != 0 &&
               !*event->reason) {
        char brief[BF_CLI_BRIEF_BYTES];
        fprintf (out, "%s before",
                 bf_cli_brief (event->run_after->remind_before_us, brief));
    } else if (event->recovery) {
        put_recovery (out, event->recovery);
    } else if (event->pruned) {
        put_pruned (out, event->pruned);
    } else if (event->replanned) {
        put_replanned (out, event->replanned);
    } else if (!*event->reason && !strcmp (event->kind, "run.blocked")) {
        fputs ("waits for an earlier run", out);
    } else {
        said = false;
    }
    if (*event->reason) {
        fputs (said ? ": " : "", out);
        bf_cli_text_put (out, event->reason);
    } else if (!said) {
        fputc ('-', out);
    }
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
    show_detail (out, event);
    fputc ('\n', out);
}
