/* SPDX-License-Identifier: MPL-2.0
 *
 * What makes a definition whole: a trigger (relations_trigger.c), a retry policy, a late
 * policy, and jobs that do not stand in each other's way in one call.
 */
#include "messages/relations.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "messages/limits.h"

#include "belfry.pb-c.h"

/* The fields that a list makes meaningless show its ends. */
static bf_err
relate_list (Belfry__V1__RetryPolicy *retry, const bf_place *here, bf_error *error)
{
    if (retry->n_delays_us == 0) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "delays_us"),
                          "is empty: backoff LIST needs 1..%d waiting times",
                          BF_RETRY_DELAYS);
    }
    retry->delay_us = retry->delays_us[0];
    retry->factor_permille = 1000;
    retry->max_delay_us = 0;
    for (size_t i = 0; i < retry->n_delays_us; i++) {
        if (retry->delays_us[i] > retry->max_delay_us) {
            retry->max_delay_us = retry->delays_us[i];
        }
    }
    return BF_OK;
}

bf_err
bf_relate_retry (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    Belfry__V1__RetryPolicy *retry = message;
    if (retry->jitter_case == BELFRY__V1__RETRY_POLICY__JITTER__NOT_SET) {
        retry->jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT;
        retry->jitter_percent = BF_DEFAULT_RETRY_JITTER_PERCENT;
    }
    switch (retry->backoff) {
    case BELFRY__V1__BACKOFF__BACKOFF_LIST:
        return relate_list (retry, here, error);
    case BELFRY__V1__BACKOFF__BACKOFF_FIXED:
        retry->factor_permille = 1000;
        retry->max_delay_us = retry->delay_us;
        break;
    case BELFRY__V1__BACKOFF__BACKOFF_LINEAR:
        retry->factor_permille = 1000;
        break;
    default:
        break;
    }
    if (retry->n_delays_us > 0) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "delays_us"),
                          "is for backoff LIST: set that, or leave the list out");
    }
    if (retry->max_delay_us == 0) {
        retry->max_delay_us = retry->delay_us > BF_DEFAULT_RETRY_MAX_DELAY_US
                                  ? retry->delay_us
                                  : BF_DEFAULT_RETRY_MAX_DELAY_US;
    } else if (retry->max_delay_us < retry->delay_us) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "max_delay_us"),
                          "is %" PRId64 ", allowed are %" PRId64 "..%" PRId64
                          " (delay_us to 30 days)",
                          retry->max_delay_us, retry->delay_us, BF_RETRY_DELAY_MAX_US);
    }
    return BF_OK;
}

static bf_err
relate_late (Belfry__V1__JobSpec *spec, const bf_place *here, bf_error *error)
{
    if (spec->late == BELFRY__V1__LATE__LATE_FAIL &&
        spec->delivery == BELFRY__V1__DELIVERY__DELIVERY_NOTIFY) {
        return bf_refuse (
            error, BF_EINVALID, BF_FIELD (here, "late"),
            "is FAIL, but nobody retries a NOTIFY job: choose another policy, "
            "or delivery WORK");
    }
    if (spec->late != BELFRY__V1__LATE__LATE_FIRE_ALL) {
        spec->catchup_max = 1;
    } else if (spec->catchup_max == 0) {
        spec->catchup_max = BF_DEFAULT_CATCHUP_MAX;
    }
    return BF_OK;
}

bf_err
bf_relate_preview_spec (void *message, const bf_place *here, bf_arena *arena,
                        bf_error *error)
{
    Belfry__V1__JobSpec *spec = message;
    bf_err rc = bf_relate_trigger_of_spec (spec, here, arena, error);
    return rc == BF_OK ? relate_late (spec, here, error) : rc;
}

/* Longest first. */
static int
compare_spans (const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a;
    int64_t other = *(const int64_t *)b;
    return one < other ? 1 : one > other ? -1 : 0;
}

/* The type that reminders have where none is said. */
static bf_err
name_reminders (Belfry__V1__JobSpec *spec, const bf_place *here, bf_arena *arena,
                bf_error *error)
{
    static const char suffix[] = ".reminder";
    size_t size = strlen (spec->type);
    if (size + sizeof suffix - 1 > BF_NAME_BYTES) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "reminder_type"),
                          "is missing, and the type with %s behind it has %zu bytes, "
                          "allowed are %d: name one",
                          suffix, size + sizeof suffix - 1, BF_NAME_BYTES);
    }
    char *name = bf_arena_alloc (arena, size + sizeof suffix);
    if (name == NULL) {
        return bf_fail (error, BF_ENOMEM, "%s", bf_err_text (BF_ENOMEM));
    }
    memcpy (name, spec->type, size);
    memcpy (name + size, suffix, sizeof suffix);
    spec->reminder_type = name;
    return BF_OK;
}

static bf_err
relate_reminders (Belfry__V1__JobSpec *spec, const bf_place *here, bf_arena *arena,
                  bf_error *error)
{
    size_t count = spec->n_remind_before_us;
    if (count == 0) {
        return spec->reminder_type[0] == '\0'
                   ? BF_OK
                   : bf_refuse (error, BF_EINVALID, BF_FIELD (here, "reminder_type"),
                                "is for jobs with reminders: say when, in "
                                "remind_before_us, or leave it out");
    }
    qsort (spec->remind_before_us, count, sizeof spec->remind_before_us[0], compare_spans);
    if (spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY &&
        spec->remind_before_us[0] > spec->every->interval_us) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "remind_before_us"),
                          "has %" PRId64 ", which is longer than the interval: the slot "
                          "before would be later",
                          spec->remind_before_us[0]);
    }
    return spec->reminder_type[0] == '\0' ? name_reminders (spec, here, arena, error)
                                          : BF_OK;
}

bf_err
bf_relate_job_spec (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    Belfry__V1__JobSpec *spec = message;
    if (spec->type[0] == '\0') {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "type"),
                          "is missing, allowed are 1..%d of A-Z a-z 0-9 _ . -",
                          BF_NAME_BYTES);
    }
    bf_err rc = bf_relate_preview_spec (message, here, arena, error);
    return rc == BF_OK ? relate_reminders (spec, here, arena, error) : rc;
}

/* One key of a Schedule, and which job has it. */
typedef struct {
    const char *ns;
    const char *key;
    size_t index;
} named_t;

/* By namespace and key; equal ones in the order of the call. */
static int
compare_named (const void *a, const void *b)
{
    const named_t *one = a;
    const named_t *other = b;
    int order = strcmp (one->key, other->key);
    if (order == 0) {
        order = strcmp (one->ns, other->ns);
    }
    if (order == 0) {
        order = one->index < other->index ? -1 : 1;
    }
    return order;
}

static bf_err
relate_on_key (const Belfry__V1__Schedule *schedule, const bf_place *here, bf_error *error)
{
    bool throttles = schedule->on_key == BELFRY__V1__ON_KEY__ON_KEY_THROTTLE;
    bool debounces = schedule->on_key == BELFRY__V1__ON_KEY__ON_KEY_DEBOUNCE;
    if (throttles != (schedule->window_us != 0)) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "window_us"),
                          throttles ? "is missing: on_key THROTTLE needs it"
                                    : "is for on_key THROTTLE: leave it out");
    }
    for (size_t i = 0; i < schedule->n_jobs; i++) {
        const Belfry__V1__JobSpec *spec = schedule->jobs[i];
        const bf_place job = {here, "jobs", i};
        if ((throttles || debounces) && spec->key[0] == '\0') {
            return bf_refuse (error, BF_EINVALID, BF_FIELD (&job, "key"),
                              "is missing: on_key THROTTLE and DEBOUNCE go by it");
        }
        if (debounces && spec->trigger_case != BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US) {
            return bf_refuse (error, BF_EINVALID, BF_FIELD (&job, "trigger"),
                              "is not after_us: on_key DEBOUNCE makes the job due that "
                              "long after the newest call");
        }
    }
    bool replaces = schedule->on_key == BELFRY__V1__ON_KEY__ON_KEY_REPLACE || debounces;
    bool one = schedule->n_jobs == 1 && schedule->jobs[0]->key[0] != '\0';
    if (schedule->if_version != 0 && !(replaces && one)) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "if_version"),
                          "is for one job with a key and on_key REPLACE or DEBOUNCE");
    }
    return BF_OK;
}

bf_err
bf_relate_schedule (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    const Belfry__V1__Schedule *schedule = message;
    bf_err rc = relate_on_key (schedule, here, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (schedule->n_jobs < 2) {
        return BF_OK;
    }
    named_t *named = bf_arena_alloc (arena, schedule->n_jobs * sizeof *named);
    if (named == NULL) {
        return bf_fail (error, BF_ENOMEM, "%s", bf_err_text (BF_ENOMEM));
    }
    size_t count = 0;
    for (size_t i = 0; i < schedule->n_jobs; i++) {
        const Belfry__V1__JobSpec *spec = schedule->jobs[i];
        if (spec->key[0] != '\0') {
            named[count++] = (named_t){spec->ns, spec->key, i};
        }
    }
    qsort (named, count, sizeof *named, compare_named);
    for (size_t i = 1; i < count; i++) {
        const named_t *first = &named[i - 1];
        const named_t *again = &named[i];
        if (strcmp (first->key, again->key) == 0 && strcmp (first->ns, again->ns) == 0) {
            const bf_place job = {here, "jobs", again->index};
            return bf_refuse (error, BF_EINVALID, BF_FIELD (&job, "key"),
                              "is that of jobs[%zu] already: name a key once in one call",
                              first->index);
        }
    }
    return BF_OK;
}
