/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry schedule: makes a job.
 */
#include "apps/belfry/verbs.h"

#include <stdlib.h>

#include "apps/belfry/content.h"

typedef struct {
    char *type;
    char *ns;
    char *key;
    char *payload;
    char *content_type;
    bf_cli_texts tags;
    int delivery;
    bf_cli_us at;
    bf_cli_us after;
    int on_key;
    bool reject_past;
    bf_cli_us lease;
    bf_cli_us run_timeout;
    bf_cli_us start_timeout;
    bf_cli_number max_attempts;
    int backoff;
    bf_cli_us retry_delay;
    bf_cli_us retry_max_delay;
    bf_cli_number jitter;
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
    {.name = "at",
     .value = "ISO",
     .kind = BF_CLI_INSTANT,
     AT (at),
     .help = "due at this instant of the wall clock, such as 2026-11-23T13:05:46Z; one in "
             "the past fires at once"},
    {.name = "after",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (after),
     .help = "due so long after the job is stored, such as 90s, on a clock that does not "
             "move when the wall clock is set; 0s for at once"},
    {.name = "key",
     .value = "K",
     .kind = BF_CLI_TEXT,
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
             "job alone and prints its id, replace gives it this definition"},
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
     AT (tags),
     .help = "a tag to list the job by; up to 8 times"},
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
     .most = 1000,
     .help = "failures after which the run is dead, 1..1000; default 5"},
    {.name = "backoff",
     .kind = BF_CLI_WORD,
     AT (backoff),
     .words = &belfry__v1__backoff__descriptor,
     .help = "how the wait before the next attempt grows; default exponential, which "
             "doubles it"},
    {.name = "retry-delay",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (retry_delay),
     .help = "the first wait, 1ms..30d; default 1s"},
    {.name = "retry-max-delay",
     .value = "D",
     .kind = BF_CLI_SPAN,
     AT (retry_max_delay),
     .help = "the longest wait, up to 30d; default 5m"},
    {.name = "jitter",
     .value = "PCT",
     .kind = BF_CLI_NUMBER,
     AT (jitter),
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

static void
fill_retry (const values_t *values, Belfry__V1__RetryPolicy *retry)
{
    retry->max_attempts = (uint32_t)values->max_attempts.value;
    retry->backoff = (Belfry__V1__Backoff)values->backoff;
    retry->delay_us = values->retry_delay.us;
    retry->max_delay_us = values->retry_max_delay.us;
    if (values->jitter.set) {
        retry->jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT;
        retry->jitter_percent = (uint32_t)values->jitter.value;
    }
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
    spec->lease_us = values->lease.us;
    spec->run_timeout_us = values->run_timeout.us;
    spec->start_timeout_us = values->start_timeout.us;
    if (values->at.set) {
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
        spec->at_us = values->at.us;
    } else {
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
        spec->after_us = values->after.us;
    }
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    (void)operands;
    if (values->at.set == values->after.set) {
        return bf_cli_complain (BF_CLI_USAGE, "say when: either --at ISO or --after D");
    }
    Belfry__V1__RetryPolicy retry = BELFRY__V1__RETRY_POLICY__INIT;
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_error error = {0};
    if (bf_cli_content_read (values->payload, &spec.payload, &error) != BF_OK) {
        return bf_cli_complain (BF_CLI_REFUSED, "--payload: %s", error.text);
    }
    fill_retry (values, &retry);
    fill_spec (values, &spec);
    spec.retry = &retry;
    Belfry__V1__JobSpec *jobs[] = {&spec};
    schedule.jobs = jobs;
    schedule.n_jobs = 1;
    schedule.on_key = (Belfry__V1__OnKey)values->on_key;
    schedule.reject_past = values->reject_past;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SCHEDULE;
    request.schedule = &schedule;
    bf_cli_exit code = bf_cli_call_jobs (cli, &request, true);
    free (spec.payload.data);
    return code;
}

const bf_cli_verb bf_cli_schedule = {
    .name = "schedule",
    .group = "Jobs",
    .operands = "--type T (--at ISO | --after D) [OPTION]...",
    .summary = "makes a job and prints its id",
    .about =
        "When the id is printed the job is on disk: it survives a crash of everything. "
        "With a key the command can be repeated without making a second job: the "
        "second time it is refused (exit code 5), or prints the same id with --on-key "
        "keep.",
    .example = "belfry schedule --type claim_timeout --key turn-7 --after 90s --payload "
               "'{\"player\":3}'\n"
               "belfry schedule --type season_open --at 2026-12-01T18:00:00Z --delivery "
               "notify",
    .options = options,
    .values_bytes = sizeof (values_t),
    .exits = BF_CLI_EXITS_CALL | BF_CLI_EXIT_BIT (BF_CLI_CONFLICT),
    .act = act,
};
