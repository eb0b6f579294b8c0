/* SPDX-License-Identifier: MPL-2.0
 *
 * Exactly one trigger, one name for a job, one job per key, a retry policy that is whole:
 * what holds between fields that are each good by themselves.
 */
#include "messages/relations.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "messages/limits.h"

#include "belfry.pb-c.h"

/* The place of a field of the message that stands here. */
#define FIELD(here, field) (&(const bf_place){(here), (field), BF_NO_INDEX})

bf_err
bf_relate_retry (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    Belfry__V1__RetryPolicy *retry = message;
    if (retry->jitter_case == BELFRY__V1__RETRY_POLICY__JITTER__NOT_SET) {
        retry->jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT;
        retry->jitter_percent = BF_DEFAULT_RETRY_JITTER_PERCENT;
    }
    if (retry->backoff == BELFRY__V1__BACKOFF__BACKOFF_FIXED) {
        retry->factor_permille = 1000;
        retry->max_delay_us = retry->delay_us;
    } else if (retry->max_delay_us == 0) {
        retry->max_delay_us = retry->delay_us > BF_DEFAULT_RETRY_MAX_DELAY_US
                                  ? retry->delay_us
                                  : BF_DEFAULT_RETRY_MAX_DELAY_US;
    } else if (retry->max_delay_us < retry->delay_us) {
        return bf_refuse (error, BF_EINVALID, FIELD (here, "max_delay_us"),
                          "is %" PRId64 ", allowed are %" PRId64 "..%" PRId64
                          " (delay_us to 30 days)",
                          retry->max_delay_us, retry->delay_us, BF_RETRY_DELAY_MAX_US);
    }
    return BF_OK;
}

static bf_err
refuse_no_trigger (const bf_place *here, bf_error *error)
{
    return bf_refuse (error, BF_EINVALID, FIELD (here, "trigger"),
                      "is missing: set exactly one of at_us and after_us");
}

bf_err
bf_relate_job_spec (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__JobSpec *spec = message;
    if (spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER__NOT_SET) {
        return refuse_no_trigger (here, error);
    }
    return BF_OK;
}

bf_err
bf_relate_reschedule (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__Reschedule *reschedule = message;
    if (reschedule->trigger_case == BELFRY__V1__RESCHEDULE__TRIGGER__NOT_SET) {
        return refuse_no_trigger (here, error);
    }
    return BF_OK;
}

bf_err
bf_relate_snooze (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__Snooze *snooze = message;
    if (snooze->until_case == BELFRY__V1__SNOOZE__UNTIL__NOT_SET) {
        return bf_refuse (error, BF_EINVALID, FIELD (here, "until"),
                          "is missing: set exactly one of for_us and at_us");
    }
    return BF_OK;
}

bf_err
bf_relate_job_ref (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__JobRef *job = message;
    bool has_key = job->key[0] != '\0';
    if (job->id == 0 && !has_key) {
        return bf_refuse (error, BF_EINVALID, here,
                          "is empty: name the job by id or by key");
    }
    if (job->id != 0 && has_key) {
        return bf_refuse (error, BF_EINVALID, here,
                          "has an id and a key: name the job by one of them");
    }
    return BF_OK;
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

bf_err
bf_relate_schedule (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    const Belfry__V1__Schedule *schedule = message;
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
            return bf_refuse (error, BF_EINVALID, FIELD (&job, "key"),
                              "is that of jobs[%zu] already: name a key once in one call",
                              first->index);
        }
    }
    return BF_OK;
}

bf_err
bf_relate_history (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__History *history = message;
    if (history->until_us != 0 && history->until_us <= history->from_us) {
        return bf_refuse (error, BF_EINVALID, FIELD (here, "until_us"),
                          "is %" PRId64 ", not after from_us %" PRId64
                          ": set it later, or 0 for an open end",
                          history->until_us, history->from_us);
    }
    return BF_OK;
}

bf_err
bf_relate_request (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    Belfry__V1__Request *request = message;
    if (request->command_case == BELFRY__V1__REQUEST__COMMAND__NOT_SET) {
        return bf_refuse (error, BF_EINVALID, FIELD (here, "command"),
                          "is missing, or none that this version knows: set exactly one, "
                          "for example schedule");
    }
    if (request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM &&
        request->claim->worker[0] == '\0') {
        request->claim->worker = request->client;
    }
    return BF_OK;
}
