/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry schedule: makes a job.
 */
#include "apps/belfry/command.h"
#include "apps/belfry/content.h"
#include "apps/belfry/verbs.h"

typedef struct {
    char *type;
    char *ns;
    char *key;
    char *payload;
    char *content_type;
    bf_cli_texts tags;
    int delivery;
    bf_cli_when when;
    bf_cli_texts exclude;
    bf_cli_us start;
    bf_cli_us end;
    bf_cli_number max_runs;
    bf_cli_us jitter;
    int late;
    bf_cli_us grace;
    bf_cli_number catchup_max;
    int overlap;
    bf_cli_spans remind;
    char *reminder_type;
    int on_key;
    bf_cli_us window;
    bf_cli_number if_version;
    bool reject_past;
    bf_cli_us lease;
    bf_cli_us run_timeout;
    bf_cli_us start_timeout;
    bf_cli_number max_attempts;
    int backoff;
    bf_cli_us retry_delay;
    bf_cli_spans delays;
    bf_cli_us max_delay;
    bf_cli_us max_age;
    bf_cli_number retry_jitter;
} values_t;

#define AT(member) .offset = offsetof (values_t, member)

static const bf_cli_option options[] = {
    {.name = "type",
     .value = "T",
     .required = true,
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_name,
     AT (type),
     .help = "what kind of work, [A-Za-z0-9_.-]{1,64}: workers claim by it"},
    BF_CLI_WHEN_OPTIONS (offsetof (values_t, when)),
    {.name = "exclude",
     .value = "NAME",
     .kind = BF_CLI_TEXTS,
     .form = &bf_cli_form_name,
     AT (exclude),
     .help = "recurring: no slots where this exclusion calendar of the namespace says so; "
             "up to 8 times. See `belfry help calendars`"},
    {.name = "start",
     .value = "ISO",
     .kind = BF_CLI_INSTANT,
     AT (start),
     .help = "recurring: no slot before this instant; default now"},
    {.name = "end",
     .value = "ISO",
     .kind = BF_CLI_INSTANT,
     AT (end),
     .help = "recurring: no slot after this instant; default never"},
    {.name = "max-runs",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (max_runs),
     .least = 1,
     .most = UINT32_MAX,
     .help = "recurring: how many slots fire in all; default no limit"},
    {.name = "jitter",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (jitter),
     .most = BF_JITTER_MAX_US,
     .help = "every slot of this job is due later by the same offset, which is between 0 "
             "and this, up to 30d and less than --every: spreads jobs that are due "
             "together; default 0s"},
    {.name = "late",
     .kind = BF_CLI_WORD,
     AT (late),
     .words = &belfry__v1__late__descriptor,
     .help = "what becomes of slots that could not fire in time, because the scheduler was "
             "down, asleep or the job paused: the latest fires, all fire, none fires, or "
             "the latest counts as a first failed attempt; default fire_once"},
    {.name = "grace",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (grace),
     .least = BF_GRACE_MIN_US,
     .most = BF_GRACE_MAX_US,
     .help = "late is what is later than this, 1ms..36525d; default 1s"},
    {.name = "catchup-max",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (catchup_max),
     .least = 1,
     .most = BF_CATCHUP_MAX,
     .help = "with --late fire_all: how many late slots fire at most, the newest ones, "
             "1..1000; default 100"},
    {.name = "overlap",
     .kind = BF_CLI_WORD,
     AT (overlap),
     .words = &belfry__v1__overlap__descriptor,
     .help = "what becomes of a slot while a run of an earlier slot is open: it is "
             "skipped, waits (one, or all), asks the others to stop, ends them, or fires "
             "beside them; default skip for what recurs, else allow_all"},
    {.name = "remind",
     .value = "D,D,...",
     .kind = BF_CLI_SPANS,
     AT (remind),
     .least = BF_REMIND_MIN_US,
     .most = BF_REMIND_MAX_US,
     .help =
         "so long before each due time a reminder comes, a run of --reminder-type, such "
         "as 1h,10m,1m: up to 16, each 1ms..366d; default none"},
    {.name = "reminder-type",
     .value = "T",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_name,
     AT (reminder_type),
     .help = "with --remind: the type that workers claim the reminders by; default the "
             "job's type with .reminder behind it"},
    {.name = "key",
     .value = "K",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_key,
     AT (key),
     .help = "a name that no other open job of the namespace may have, up to 256 bytes; "
             "default none"},
    {.name = "ns",
     .value = "N",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_name,
     AT (ns),
     .help = "the namespace; default \"default\""},
    {.name = "on-key",
     .kind = BF_CLI_WORD,
     AT (on_key),
     .words = &belfry__v1__on_key__descriptor,
     .help = "what to do where an open job has the key; default reject. keep leaves that "
             "job alone and prints its id, replace gives it this definition, debounce does "
             "so and lets its --after begin again; throttle is keep, and makes none either "
             "within --window of the last one"},
    {.name = "window",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (window),
     .least = BF_WINDOW_MIN_US,
     .most = BF_WINDOW_MAX_US,
     .help = "with --on-key throttle: at most one job of this key is made in so long a "
             "time, the first"},
    {.name = "if-version",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (if_version),
     .least = 1,
     .most = UINT32_MAX,
     .help = "with --on-key replace or debounce: only where the job that has the key has "
             "this version, "
             "else nothing happens (exit code 5)"},
    {.name = "payload",
     .value = "STR",
     .kind = BF_CLI_TEXT,
     AT (payload),
     .help = "what the worker gets, up to 64 KiB: the text itself, @FILE, or - for "
             "standard input"},
    {.name = "content-type",
     .value = "C",
     .kind = BF_CLI_TEXT,
     AT (content_type),
     .help = "how to read the payload, such as application/json"},
    {.name = "tag",
     .value = "T",
     .kind = BF_CLI_TEXTS,
     .form = &bf_cli_form_tag,
     AT (tags),
     .help = "a tag to choose the job by; up to 8 times"},
    {.name = "delivery",
     .kind = BF_CLI_WORD,
     AT (delivery),
     .words = &belfry__v1__delivery__descriptor,
     .help = "work: a worker claims the run; notify: the feed's event carries the payload "
             "and the run is done; default work"},
    {.name = "reject-past",
     .kind = BF_CLI_FLAG,
     AT (reject_past),
     .help = "refuse an --at in the past instead of firing at once"},
    {.name = "lease",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (lease),
     .help = "how long a claim is valid without a heartbeat, 100ms..24h; default 30s"},
    {.name = "run-timeout",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (run_timeout),
     .help = "how long one attempt may take in all, 100ms..30d; default no limit"},
    {.name = "start-timeout",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (start_timeout),
     .help = "how long a run may wait for its first claim before it expires, 1ms..36525d; "
             "default no limit"},
    {.name = "max-attempts",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (max_attempts),
     .least = 1,
     .most = BF_MAX_ATTEMPTS,
     .help = "failures after which the run is dead, 1..1000; default 5"},
    {.name = "backoff",
     .kind = BF_CLI_WORD,
     AT (backoff),
     .words = &belfry__v1__backoff__descriptor,
     .help = "how the wait before the next attempt grows: doubles, stays, grows by itself "
             "each time, or is taken from --delays; default exponential, and list with "
             "--delays"},
    {.name = "retry-delay",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (retry_delay),
     .least = BF_RETRY_DELAY_MIN_US,
     .most = BF_RETRY_DELAY_MAX_US,
     .help = "the first wait, 1ms..30d; default 1s"},
    {.name = "delays",
     .value = "D,D,...",
     .kind = BF_CLI_SPANS,
     AT (delays),
     .least = BF_RETRY_DELAY_MIN_US,
     .most = BF_RETRY_DELAY_MAX_US,
     .help = "the waits one after the other, such as 1s,5s,1m; the last one stays"},
    {.name = "max-delay",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (max_delay),
     .least = BF_RETRY_DELAY_MIN_US,
     .most = BF_RETRY_DELAY_MAX_US,
     .help = "the longest wait that it grows to, up to 30d; default 5m"},
    {.name = "max-age",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (max_age),
     .least = BF_MS_US,
     .most = BF_AFTER_MAX_US,
     .help = "no attempt begins later than this after the run was made, 1ms..36525d; "
             "default no limit"},
    {.name = "retry-jitter",
     .value = "PCT",
     .kind = BF_CLI_NUMBER,
     AT (retry_jitter),
     .most = 50,
     .help = "each wait is stretched or cut by up to so many percent, 0..50; default 10"},
    {0},
};

static void
set (char **field, char *text)
{
    if (text) {
        *field = text;
    }
}

/* What would be ignored otherwise, or refused in the words of the wire. */
static bf_err
check (const values_t *values, bf_error *error)
{
    bool recurs = values->when.every.set || bf_cli_when_is_calendar (&values->when);
    if (!recurs && (values->start.set || values->end.set || values->max_runs.set ||
                    values->exclude.count > 0)) {
        return bf_fail (error, BF_EINVALID,
                        "--start, --end, --max-runs and --exclude go with --every, --cron, "
                        "--daily and --rrule");
    }
    if (values->catchup_max.set && values->late != BELFRY__V1__LATE__LATE_FIRE_ALL) {
        return bf_fail (error, BF_EINVALID, "--catchup-max goes with --late fire_all");
    }
    if (values->reminder_type && values->remind.count == 0) {
        return bf_fail (error, BF_EINVALID, "--reminder-type goes with --remind");
    }
    bool replaces = values->on_key == BELFRY__V1__ON_KEY__ON_KEY_REPLACE ||
                    values->on_key == BELFRY__V1__ON_KEY__ON_KEY_DEBOUNCE;
    if (values->if_version.set && !(replaces && values->key)) {
        return bf_fail (error, BF_EINVALID,
                        "--if-version goes with --key and --on-key replace or debounce");
    }
    if (values->window.set != (values->on_key == BELFRY__V1__ON_KEY__ON_KEY_THROTTLE)) {
        return bf_fail (error, BF_EINVALID,
                        "--window goes with --on-key throttle, which needs it");
    }
    bool list = values->backoff == BELFRY__V1__BACKOFF__BACKOFF_LIST;
    if (values->delays.count > 0 && values->backoff != 0 && !list) {
        return bf_fail (error, BF_EINVALID, "--delays goes with --backoff list");
    }
    if (list && values->delays.count == 0) {
        return bf_fail (error, BF_EINVALID,
                        "--backoff list needs --delays, such as "
                        "--delays 1s,5s,1m");
    }
    if (values->delays.count > 0 && (values->retry_delay.set || values->max_delay.set)) {
        return bf_fail (error, BF_EINVALID,
                        "--retry-delay and --max-delay cannot go with --delays");
    }
    return BF_OK;
}

static void
fill_retry (const values_t *values, Belfry__V1__RetryPolicy *retry)
{
    belfry__v1__retry_policy__init (retry);
    retry->max_attempts = (uint32_t)values->max_attempts.value;
    retry->backoff = values->delays.count > 0 ? BELFRY__V1__BACKOFF__BACKOFF_LIST
                                              : (Belfry__V1__Backoff)values->backoff;
    retry->delay_us = values->retry_delay.us;
    retry->delays_us = values->delays.items;
    retry->n_delays_us = values->delays.count;
    retry->max_delay_us = values->max_delay.us;
    retry->max_age_us = values->max_age.us;
    if (values->retry_jitter.set) {
        retry->jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT;
        retry->jitter_percent = (uint32_t)values->retry_jitter.value;
    }
}

static void
fill_trigger (bf_cli_command *command, const values_t *values, Belfry__V1__JobSpec *spec)
{
    BF_CLI_WHEN_PUT (command, &values->when, spec, JOB_SPEC);
    spec->exclude = values->exclude.items;
    spec->n_exclude = values->exclude.count;
    spec->start_us = values->start.us;
    spec->end_us = values->end.us;
    spec->max_runs = (uint32_t)values->max_runs.value;
    spec->jitter_us = values->jitter.us;
}

static void
fill_spec (const values_t *values, Belfry__V1__JobSpec *spec)
{
    set (&spec->type, values->type);
    set (&spec->ns, values->ns);
    set (&spec->key, values->key);
    set (&spec->content_type, values->content_type);
    spec->tags = values->tags.items;
    spec->n_tags = values->tags.count;
    spec->delivery = (Belfry__V1__Delivery)values->delivery;
    spec->late = (Belfry__V1__Late)values->late;
    spec->grace_us = values->grace.us;
    spec->catchup_max = (uint32_t)values->catchup_max.value;
    spec->overlap = (Belfry__V1__Overlap)values->overlap;
    spec->remind_before_us = values->remind.items;
    spec->n_remind_before_us = values->remind.count;
    set (&spec->reminder_type, values->reminder_type);
    spec->lease_us = values->lease.us;
    spec->run_timeout_us = values->run_timeout.us;
    spec->start_timeout_us = values->start_timeout.us;
}

static bf_err
fill (bf_cli_command *command, const void *given, const bf_cli_texts *operands,
      bf_error *error)
{
    const values_t *values = given;
    (void)operands;
    bf_err err =
        bf_cli_when_fill (command, &values->when, values->exclude.count > 0, error);
    if (err == BF_OK) {
        err = check (values, error);
    }
    if (err != BF_OK) {
        return err;
    }
    bf_error detail = {0};
    err = bf_cli_content_read (values->payload, &command->content, &detail);
    if (err != BF_OK) {
        return bf_fail (error, err, "--payload: %s", detail.text);
    }
    belfry__v1__job_spec__init (&command->spec);
    fill_spec (values, &command->spec);
    fill_trigger (command, values, &command->spec);
    fill_retry (values, &command->retry);
    command->spec.retry = &command->retry;
    command->spec.payload = command->content;
    command->specs[0] = &command->spec;
    Belfry__V1__Schedule *schedule = BF_CLI_BEGIN (command, schedule, SCHEDULE);
    schedule->jobs = command->specs;
    schedule->n_jobs = 1;
    schedule->on_key = (Belfry__V1__OnKey)values->on_key;
    schedule->reject_past = values->reject_past;
    schedule->window_us = values->window.us;
    schedule->if_version = (uint32_t)values->if_version.value;
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *values, const bf_cli_texts *operands)
{
    return bf_cli_command_run (cli, fill, values, operands, true);
}

const bf_cli_verb bf_cli_schedule = {
    .name = "schedule",
    .group = "Jobs",
    .operands = "--type T (--at ISO | --after D | --every D | --cron E | --daily HHMM | "
                "--rrule R) [OPTION]...",
    .summary = "makes a job and prints its id",
    .about =
        "When the id is printed the job is on disk: it survives a crash of everything. "
        "With a key the command can be repeated without making a second job: the "
        "second time it is refused (exit code 5), or prints the same id with --on-key "
        "keep.\n"
        "\n"
        "With --every the job recurs on a grid that never drifts: its slots are due at "
        "--anchor and every interval before and after it, however long a run takes. With "
        "--cron, --daily and --rrule its slots are times on the walls of --tz; `belfry "
        "next` "
        "shows them beforehand, `belfry help calendar` says what clock changes do. --late "
        "says what becomes of those that nobody could fire, --overlap of those that come "
        "while a run is still open. What is dropped is counted (`belfry get`) and told by "
        "an event.\n"
        "\n"
        "With --remind somebody can be told before the time is over; `belfry confirm` ends "
        "a one-shot in time, and then neither a reminder nor the job itself comes.",
    .example = "belfry schedule --type claim_timeout --key turn-7 --after 90s --payload "
               "'{\"player\":3}'\n"
               "belfry schedule --type turn_over --key turn-8 --after 12h --remind 1h,10m "
               "--payload '{\"turn\":8}'\n"
               "belfry schedule --type season_open --at 2026-12-01T18:00:00Z --delivery "
               "notify\n"
               "belfry schedule --type backup --key backup --every 6h --anchor 1970-01-01 "
               "--overlap skip\n"
               "belfry schedule --type report --cron '0 9 * * MON-FRI' --tz Europe/Berlin "
               "--exclude holidays\n"
               "belfry schedule --type poll --every 15m --jitter 30s --late skip --delays "
               "1s,5s,1m --max-age 10m",
    .options = options,
    .values_bytes = sizeof (values_t),
    .exits = BF_CLI_EXITS_CALL | BF_CLI_EXIT_BIT (BF_CLI_CONFLICT),
    .act = act,
    .fill = fill,
};
