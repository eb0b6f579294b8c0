/* SPDX-License-Identifier: MPL-2.0
 *
 * Commands of the wire as command lines say them. A verb that changes something has a
 * `fill`, which makes the command and talks to nobody; so the same line can be sent by
 * itself, or as a part of `belfry batch`.
 */
#ifndef BF_CLI_COMMAND_H
#define BF_CLI_COMMAND_H

#include "apps/belfry/cli.h"
#include "core/calendar/recurrence.h"
#include "messages/limits.h"

/* A request and everything that it points to, but what is of argv or of the struct of the
 * verb. Zero-initialise. */
struct bf_cli_command {
    Belfry__V1__Request request;
    Belfry__V1__JobRef job;
    Belfry__V1__Filter filter;
    Belfry__V1__JobState states[BF_KINDS_PER_FILTER];
    Belfry__V1__Every every;
    Belfry__V1__RetryPolicy retry;
    Belfry__V1__JobSpec spec;
    Belfry__V1__JobSpec *specs[1];
    union {
        Belfry__V1__Schedule schedule;
        Belfry__V1__Reschedule reschedule;
        Belfry__V1__Cancel cancel;
        Belfry__V1__Confirm confirm;
        Belfry__V1__Pause pause;
        Belfry__V1__Resume resume;
        Belfry__V1__Trigger trigger;
        Belfry__V1__Complete complete;
        Belfry__V1__Fail fail;
        Belfry__V1__Snooze snooze;
        Belfry__V1__Redrive redrive;
        Belfry__V1__Prune prune;
    } of;
    ProtobufCBinaryData content; /* owned: a payload or a result */
    char *text;                  /* owned: a calendar trigger */
    bool many;                   /* by filter */
    bool dry_run;
    bool progress; /* tell also where stderr is no terminal */
};

/* Makes command->of.member the command of the request; the value points to it. */
#define BF_CLI_BEGIN(command, member, KIND)                                 \
    (belfry__v1__request__init (&(command)->request),                       \
     belfry__v1__##member##__init (&(command)->of.member),                  \
     (command)->request.command_case = BELFRY__V1__REQUEST__COMMAND_##KIND, \
     (command)->request.member = &(command)->of.member)

/* Frees what it owns. */
void bf_cli_command_clear (bf_cli_command *command);

/* Fills the command, sends it, and shows what came of it: jobs by their ids alone where
 * `terse`, runs likewise, else in words; a command by filter by its counts, after telling
 * how far it is while it goes on. */
bf_cli_exit bf_cli_command_run (bf_cli *cli, bf_cli_fill *fill, const void *values,
                                const bf_cli_texts *operands, bool terse);

/* The same for a command that is filled. */
bf_cli_exit bf_cli_command_send (bf_cli *cli, bf_cli_command *command, bool terse);

/* How a mistake of a fill ends the program. */
bf_cli_exit bf_cli_exit_of_fill (bf_err err);

/* What a JobsReply, a RunsReply says. With an error the words go to stderr. */
void bf_cli_show_jobs (const bf_cli *cli, const Belfry__V1__JobsReply *jobs, bool terse,
                       bf_cli_exit code);
void bf_cli_show_runs (const bf_cli *cli, const Belfry__V1__RunsReply *runs, bool terse,
                       bf_cli_exit code);

/* BF_EINVALID where the text is no token of a lease. */
bf_err bf_cli_token_fill (const char *text, bf_error *error);

/* bulk.c */

/* "cancelled 99998, 2 unchanged, 0 refused", and the refusals that the reply names. */
void bf_cli_show_bulk (FILE *out, FILE *refusals, const Belfry__V1__Request *request,
                       const Belfry__V1__BulkReply *bulk);

/* Sends it, and tells how far it is while it goes on; as bf_cli_call. */
bf_cli_exit bf_cli_call_bulk (bf_cli *cli, Belfry__V1__Request *request, bool progress,
                              Belfry__V1__Reply **reply);

/* when.c: the trigger of a job. */

typedef struct {
    bf_cli_us at;
    bf_cli_us after;
    bf_cli_us every;
    bf_cli_us anchor;
    char *cron;
    char *daily;
    char *rrule;
    char *tz;
    int skipped;
    int repeated;
} bf_cli_when;

/* `where`: the offset of the bf_cli_when in the struct of the verb. */
#define BF_CLI_WHEN_OPTIONS(where)                                                        \
    {.name = "at",                                                                        \
     .value = "ISO",                                                                      \
     .help = "due at this instant of the wall clock, such as 2026-11-23T13:05:46Z; one "  \
             "in the past goes by the job's --late, which by default fires it at once, "  \
             "late",                                                                      \
     .kind = BF_CLI_INSTANT,                                                              \
     .offset = (where) + offsetof (bf_cli_when, at)},                                     \
        {.name = "after",                                                                 \
         .value = "D",                                                                    \
         .help =                                                                          \
             "due so long from now, such as 90s, on a clock that does not move when the " \
             "wall clock is set; 0s for at once",                                         \
         .kind = BF_CLI_SPAN,                                                             \
         .offset = (where) + offsetof (bf_cli_when, after)},                              \
        BF_CLI_RECURRING_OPTIONS (where)

/* Those of triggers that recur. */
#define BF_CLI_RECURRING_OPTIONS(where)                                                   \
    {.name = "every",                                                                     \
     .value = "D",                                                                        \
     .help = "again and again, so long after each other, 10ms..36525d, on a grid that "   \
             "never moves",                                                               \
     .kind = BF_CLI_SPAN,                                                                 \
     .least = BF_EVERY_MIN_US,                                                            \
     .most = BF_EVERY_MAX_US,                                                             \
     .offset = (where) + offsetof (bf_cli_when, every)},                                  \
        {.name = "anchor",                                                                \
         .value = "ISO",                                                                  \
         .help =                                                                          \
             "with --every: a point of the grid; default the start, so that the first "   \
             "slot is there, else now, so that it is one interval later",                 \
         .kind = BF_CLI_INSTANT,                                                          \
         .offset = (where) + offsetof (bf_cli_when, anchor)},                             \
        {.name = "cron",                                                                  \
         .value = "E",                                                                    \
         .help = "a cron expression of 5 or 6 fields, such as \"0 9 * * MON-FRI\", or a " \
                 "macro such as @hourly; see `belfry help calendar`",                     \
         .kind = BF_CLI_TEXT,                                                             \
         .offset = (where) + offsetof (bf_cli_when, cron)},                               \
        {.name = "daily",                                                                 \
         .value = "HHMM",                                                                 \
         .help = "once a day, such as 2130, \"2130 MON-FRI\" or \"2130 Europe/Berlin\"",  \
         .kind = BF_CLI_TEXT,                                                             \
         .offset = (where) + offsetof (bf_cli_when, daily)},                              \
        {.name = "rrule",                                                                 \
         .value = "R",                                                                    \
         .help =                                                                          \
             "a recurrence rule of RFC 5545, such as \"FREQ=WEEKLY;BYDAY=MO,WE\", with "  \
             "DTSTART, EXDATE and RDATE beside it where needed",                          \
         .kind = BF_CLI_TEXT,                                                             \
         .offset = (where) + offsetof (bf_cli_when, rrule)},                              \
        {.name = "tz",                                                                    \
         .value = "ZONE",                                                                 \
         .help =                                                                          \
             "the time zone whose walls are meant, such as Europe/Berlin; default UTC",   \
         .kind = BF_CLI_TEXT,                                                             \
         .form = &bf_cli_form_zone,                                                       \
         .offset = (where) + offsetof (bf_cli_when, tz)},                                 \
        {.name = "skipped",                                                               \
         .help = "what a local time means that the clocks skip: the end of the gap, "     \
                 "nothing, or as much later; see `belfry help calendar`",                 \
         .kind = BF_CLI_WORD,                                                             \
         .words = &belfry__v1__skipped__descriptor,                                       \
         .offset = (where) + offsetof (bf_cli_when, skipped)},                            \
    {                                                                                     \
        .name = "repeated", .help = "what a local time means that comes twice",           \
        .kind = BF_CLI_WORD, .words = &belfry__v1__repeated__descriptor,                  \
        .offset = (where) + offsetof (bf_cli_when, repeated)                              \
    }

/* How many triggers were given; whether one of the calendar kinds. */
int bf_cli_when_count (const bf_cli_when *when);
bool bf_cli_when_is_calendar (const bf_cli_when *when);
/* Those of the calendar kinds; NONE for the others. *text: what it says. */
bf_recurrence_kind bf_cli_when_kind (const bf_cli_when *when, const char **text);

/* Fills command->every, or command->text where it is a calendar. zoned: something else of
 * the command line has a use for --tz. BF_EINVALID where not exactly one trigger was given,
 * where it cannot be read, or with an option that goes with another one. */
bf_err bf_cli_when_fill (bf_cli_command *command, const bf_cli_when *when, bool zoned,
                         bf_error *error);

/* What bf_cli_when_fill has filled, into a JobSpec or a Reschedule. */
#define BF_CLI_WHEN_PUT(command, when, message, KIND)                         \
    do {                                                                      \
        const bf_cli_when *when_ = (when);                                    \
        if (when_->every.set) {                                               \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_EVERY;    \
            (message)->every = &(command)->every;                             \
        } else if (when_->at.set) {                                           \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_AT_US;    \
            (message)->at_us = when_->at.us;                                  \
        } else if (when_->after.set) {                                        \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_AFTER_US; \
            (message)->after_us = when_->after.us;                            \
        } else if (when_->cron) {                                             \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_CRON;     \
            (message)->cron = (command)->text;                                \
        } else if (when_->daily) {                                            \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_DAILY;    \
            (message)->daily = (command)->text;                               \
        } else {                                                              \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_RRULE;    \
            (message)->rrule = (command)->text;                               \
        }                                                                     \
        if (when_->tz) {                                                      \
            (message)->tz = when_->tz;                                        \
        }                                                                     \
        (message)->skipped = (Belfry__V1__Skipped)when_->skipped;             \
        (message)->repeated = (Belfry__V1__Repeated)when_->repeated;          \
    } while (0)

/* target.c: which job, or which jobs. */

typedef struct {
    char *ns;
    char *type;
    bf_cli_texts tags;
    bf_cli_values states;
    char *key_prefix;
    bool all;
    bool dry_run;
    bool progress;
} bf_cli_filter;

typedef struct {
    bf_cli_name job; /* its ns is that of the filter, too */
    bf_cli_filter filter;
    bf_cli_number if_version;
} bf_cli_target;

/* `where`: the offset of the bf_cli_filter in the struct of the verb. */
#define BF_CLI_FILTER_OPTIONS(where)                                                      \
    {.name = "type",                                                                      \
     .value = "T",                                                                        \
     .help = "choose many: only jobs of this type",                                       \
     .kind = BF_CLI_TEXT,                                                                 \
     .form = &bf_cli_form_name,                                                           \
     .offset = (where) + offsetof (bf_cli_filter, type)},                                 \
        {.name = "tag",                                                                   \
         .value = "T",                                                                    \
         .help =                                                                          \
             "choose many: only jobs with this tag; again for those that have every one", \
         .kind = BF_CLI_TEXTS,                                                            \
         .form = &bf_cli_form_tag,                                                        \
         .offset = (where) + offsetof (bf_cli_filter, tags)},                             \
        {.name = "state",                                                                 \
         .help = "choose many: only jobs in this state; again for more; default those "   \
                 "that the "                                                              \
                 "verb can be for at all",                                                \
         .kind = BF_CLI_WORDS,                                                            \
         .words = &belfry__v1__job_state__descriptor,                                     \
         .offset = (where) + offsetof (bf_cli_filter, states)},                           \
        {.name = "key-prefix",                                                            \
         .value = "P",                                                                    \
         .help = "choose many: only jobs whose key begins so",                            \
         .kind = BF_CLI_TEXT,                                                             \
         .offset = (where) + offsetof (bf_cli_filter, key_prefix)},                       \
        {.name = "all",                                                                   \
         .help = "choose many: every job, whatever it is",                                \
         .kind = BF_CLI_FLAG,                                                             \
         .offset = (where) + offsetof (bf_cli_filter, all)},                              \
        {.name = "dry-run",                                                               \
         .help = "change nothing, count what it would be for",                            \
         .kind = BF_CLI_FLAG,                                                             \
         .offset = (where) + offsetof (bf_cli_filter, dry_run)},                          \
    {                                                                                     \
        .name = "progress",                                                               \
        .help = "of many: tell how far it is, also where stderr is no terminal",          \
        .kind = BF_CLI_FLAG, .offset = (where) + offsetof (bf_cli_filter, progress)       \
    }

/* The same for the filter's own namespace, where no job is named by its key. */
#define BF_CLI_FILTER_NS_OPTION(where)                                   \
    {                                                                    \
        .name = "ns", .value = "N",                                      \
        .help = "choose many: only jobs of this namespace; default all", \
        .kind = BF_CLI_TEXT, .form = &bf_cli_form_name,                  \
        .offset = (where) + offsetof (bf_cli_filter, ns)                 \
    }

/* `where`: the offset of the bf_cli_target. */
#define BF_CLI_TARGET_OPTIONS(where)                                                     \
    BF_CLI_KEY_OPTION ((where) + offsetof (bf_cli_target, job)),                         \
        BF_CLI_NS_OPTION (                                                               \
            (where) + offsetof (bf_cli_target, job),                                     \
            "the namespace of the key, default \"default\"; without a key or an id "     \
            "choose many: only jobs of this namespace"),                                 \
        {.name = "if-version",                                                           \
         .value = "N",                                                                   \
         .help = "only where the job has this version, else nothing happens (exit code " \
                 "5); `belfry get` shows it",                                            \
         .kind = BF_CLI_NUMBER,                                                          \
         .least = 1,                                                                     \
         .most = UINT32_MAX,                                                             \
         .offset = (where) + offsetof (bf_cli_target, if_version)},                      \
        BF_CLI_FILTER_OPTIONS ((where) + offsetof (bf_cli_target, filter))

/* Fills command->job, or command->filter and `many`. BF_EINVALID where neither or both are
 * named. */
bf_err bf_cli_target_fill (bf_cli_command *command, const bf_cli_target *target,
                           const bf_cli_texts *operands, bf_error *error);

/* Whether anything of the filter was given that says which jobs. */
bool bf_cli_filter_is_set (const bf_cli_filter *filter);

/* Fills command->filter and `many`; `ns` for the filter's. */
bf_err bf_cli_filter_fill (bf_cli_command *command, const bf_cli_filter *filter, char *ns,
                           bf_error *error);

/* What bf_cli_target_fill has filled, into a message that has a job and a filter. */
#define BF_CLI_AIM(command, message, target)                          \
    ((message)->job = (command)->many ? NULL : &(command)->job,       \
     (message)->filter = (command)->many ? &(command)->filter : NULL, \
     (message)->dry_run = (command)->dry_run,                         \
     (message)->if_version = (uint32_t)(target)->if_version.value)

#endif
