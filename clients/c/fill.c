/* SPDX-License-Identifier: MPL-2.0
 *
 * Between belfry.h and the wire, field by field.
 */
#include "clients/c/fill.h"

#include <stdio.h>

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), "as on the wire")
SAME (BELFRY_WORK, BELFRY__V1__DELIVERY__DELIVERY_WORK);
SAME (BELFRY_NOTIFY, BELFRY__V1__DELIVERY__DELIVERY_NOTIFY);
SAME (BELFRY_EXPONENTIAL, BELFRY__V1__BACKOFF__BACKOFF_EXPONENTIAL);
SAME (BELFRY_FIXED, BELFRY__V1__BACKOFF__BACKOFF_FIXED);
SAME (BELFRY_LINEAR, BELFRY__V1__BACKOFF__BACKOFF_LINEAR);
SAME (BELFRY_LIST, BELFRY__V1__BACKOFF__BACKOFF_LIST);
SAME (BELFRY_LATE_FIRE_ONCE, BELFRY__V1__LATE__LATE_FIRE_ONCE);
SAME (BELFRY_LATE_FIRE_ALL, BELFRY__V1__LATE__LATE_FIRE_ALL);
SAME (BELFRY_LATE_SKIP, BELFRY__V1__LATE__LATE_SKIP);
SAME (BELFRY_LATE_FAIL, BELFRY__V1__LATE__LATE_FAIL);
SAME (BELFRY_OVERLAP_SKIP, BELFRY__V1__OVERLAP__OVERLAP_SKIP);
SAME (BELFRY_OVERLAP_BUFFER_ONE, BELFRY__V1__OVERLAP__OVERLAP_BUFFER_ONE);
SAME (BELFRY_OVERLAP_BUFFER_ALL, BELFRY__V1__OVERLAP__OVERLAP_BUFFER_ALL);
SAME (BELFRY_OVERLAP_CANCEL_OTHER, BELFRY__V1__OVERLAP__OVERLAP_CANCEL_OTHER);
SAME (BELFRY_OVERLAP_TERMINATE_OTHER, BELFRY__V1__OVERLAP__OVERLAP_TERMINATE_OTHER);
SAME (BELFRY_OVERLAP_ALLOW_ALL, BELFRY__V1__OVERLAP__OVERLAP_ALLOW_ALL);
SAME (BELFRY_SKIPPED_AFTER_GAP, BELFRY__V1__SKIPPED__SKIPPED_AFTER_GAP);
SAME (BELFRY_SKIPPED_SKIP, BELFRY__V1__SKIPPED__SKIPPED_SKIP);
SAME (BELFRY_SKIPPED_SHIFT, BELFRY__V1__SKIPPED__SKIPPED_SHIFT);
SAME (BELFRY_REPEATED_FIRST, BELFRY__V1__REPEATED__REPEATED_FIRST);
SAME (BELFRY_REPEATED_SECOND, BELFRY__V1__REPEATED__REPEATED_SECOND);
SAME (BELFRY_REPEATED_BOTH, BELFRY__V1__REPEATED__REPEATED_BOTH);
SAME (BELFRY_REJECT, BELFRY__V1__ON_KEY__ON_KEY_REJECT);
SAME (BELFRY_KEEP, BELFRY__V1__ON_KEY__ON_KEY_KEEP);
SAME (BELFRY_REPLACE, BELFRY__V1__ON_KEY__ON_KEY_REPLACE);
SAME (BELFRY_THROTTLE, BELFRY__V1__ON_KEY__ON_KEY_THROTTLE);
SAME (BELFRY_DEBOUNCE, BELFRY__V1__ON_KEY__ON_KEY_DEBOUNCE);
SAME (BELFRY_FROM_PAUSE, BELFRY__V1__RESUME_FROM__RESUME_FROM_PAUSE);
SAME (BELFRY_FROM_NOW, BELFRY__V1__RESUME_FROM__RESUME_FROM_NOW);
SAME (BELFRY_JOB_WAITING, BELFRY__V1__JOB_STATE__JOB_STATE_WAITING);
SAME (BELFRY_JOB_CONFIRMED, BELFRY__V1__JOB_STATE__JOB_STATE_CONFIRMED);
SAME (BELFRY_RUN_BLOCKED, BELFRY__V1__RUN_STATE__RUN_STATE_BLOCKED);
SAME (BELFRY_RUN_DELIVERED, BELFRY__V1__RUN_STATE__RUN_STATE_DELIVERED);
SAME (BELFRY_CREATED, BELFRY__V1__OUTCOME__OUTCOME_CREATED);
SAME (BELFRY_CHANGED, BELFRY__V1__OUTCOME__OUTCOME_CHANGED);
#undef SAME

char *
bf_fill_text (const char *text)
{
    /* The generated structs want char *, but packing only reads. */
    return (char *)(text != NULL ? text : "");
}

size_t
bf_fill_count (const char *const *list)
{
    size_t count = 0;
    while (list != NULL && list[count] != NULL) {
        count++;
    }
    return count;
}

static void
fill_retry (Belfry__V1__RetryPolicy *wire, const belfry_retry *retry)
{
    belfry__v1__retry_policy__init (wire);
    wire->max_attempts = retry->max_attempts;
    wire->backoff = (Belfry__V1__Backoff)retry->backoff;
    wire->delay_us = retry->delay_us;
    wire->factor_permille = retry->factor_permille;
    wire->max_delay_us = retry->max_delay_us;
    if (retry->jitter_percent != 0) {
        wire->jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT;
        wire->jitter_percent =
            retry->jitter_percent > 0 ? (uint32_t)retry->jitter_percent : 0;
    }
    wire->delays_us = (int64_t *)retry->delays_us;
    wire->n_delays_us = retry->delays_us != NULL ? retry->delays_count : 0;
    wire->max_age_us = retry->max_age_us;
}

static void
fill_every (Belfry__V1__Every *wire, int64_t every_us, bool anchored, int64_t anchor_us)
{
    belfry__v1__every__init (wire);
    wire->interval_us = every_us;
    if (anchored) {
        wire->anchor_case = BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
        wire->anchor_us = anchor_us;
    }
}

/* The trigger of a JobSpec or a Reschedule, and its zone; `from` is a belfry_job or a
 * belfry_when. */
#define FILL_TRIGGER(message, KIND, room, from)                                         \
    do {                                                                                \
        if ((from)->cron != NULL) {                                                     \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_CRON;               \
            (message)->cron = bf_fill_text ((from)->cron);                              \
        } else if ((from)->daily != NULL) {                                             \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_DAILY;              \
            (message)->daily = bf_fill_text ((from)->daily);                            \
        } else if ((from)->rrule != NULL) {                                             \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_RRULE;              \
            (message)->rrule = bf_fill_text ((from)->rrule);                            \
        } else if ((from)->every_us != 0) {                                             \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_EVERY;              \
            (message)->every = (room);                                                  \
            fill_every ((room), (from)->every_us, (from)->anchored, (from)->anchor_us); \
        } else if ((from)->at_us != 0) {                                                \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_AT_US;              \
            (message)->at_us = (from)->at_us;                                           \
        } else {                                                                        \
            (message)->trigger_case = BELFRY__V1__##KIND##__TRIGGER_AFTER_US;           \
            (message)->after_us = (from)->after_us;                                     \
        }                                                                               \
        (message)->tz = bf_fill_text ((from)->tz);                                      \
        (message)->skipped = (Belfry__V1__Skipped)(from)->skipped;                      \
        (message)->repeated = (Belfry__V1__Repeated)(from)->repeated;                   \
    } while (0)

static void
fill_trigger (bf_spec_room *room, const belfry_job *job)
{
    Belfry__V1__JobSpec *spec = &room->spec;
    FILL_TRIGGER (spec, JOB_SPEC, &room->every, job);
    spec->exclude = (char **)job->exclude;
    spec->n_exclude = bf_fill_count (job->exclude);
    spec->start_us = job->start_us;
    spec->end_us = job->end_us;
    spec->max_runs = job->max_runs;
    spec->jitter_us = job->jitter_us;
}

void
bf_fill_spec (bf_spec_room *room, const belfry_job *job)
{
    Belfry__V1__JobSpec *spec = &room->spec;
    belfry__v1__job_spec__init (spec);
    spec->ns = bf_fill_text (job->ns);
    spec->key = bf_fill_text (job->key);
    spec->type = bf_fill_text (job->type);
    spec->payload.data = (uint8_t *)job->payload;
    spec->payload.len = job->payload_size;
    spec->content_type = bf_fill_text (job->content_type);
    spec->tags = (char **)job->tags;
    spec->n_tags = bf_fill_count (job->tags);
    spec->delivery = (Belfry__V1__Delivery)job->delivery;
    fill_trigger (room, job);
    fill_retry (&room->retry, &job->retry);
    spec->retry = &room->retry;
    spec->late = (Belfry__V1__Late)job->late;
    spec->grace_us = job->grace_us;
    spec->catchup_max = job->catchup_max;
    spec->overlap = (Belfry__V1__Overlap)job->overlap;
    spec->lease_us = job->lease_us;
    spec->run_timeout_us = job->run_timeout_us;
    spec->start_timeout_us = job->start_timeout_us;
    spec->remind_before_us = (int64_t *)job->remind_before_us;
    spec->n_remind_before_us = job->remind_count;
    spec->reminder_type = bf_fill_text (job->reminder_type);
}

Belfry__V1__JobRef
bf_fill_ref (belfry_ref job)
{
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    ref.id = job.id;
    ref.ns = bf_fill_text (job.ns);
    ref.key = bf_fill_text (job.key);
    return ref;
}

void
bf_fill_when (Belfry__V1__Reschedule *reschedule, Belfry__V1__Every *every,
              belfry_when when)
{
    FILL_TRIGGER (reschedule, RESCHEDULE, every, &when);
    reschedule->reject_past = when.reject_past;
}

belfry_answer
bf_fill_answer (const Belfry__V1__Reply *reply, const Belfry__V1__JobsReply__Item *item)
{
    belfry_answer answer = {
        .outcome = (belfry_outcome)item->outcome,
        .out = (uint32_t)item->n_out,
        .repeated = reply->repeated,
        .seq = reply->seq,
    };
    if (item->job != NULL) {
        answer.id = item->job->id;
        answer.state = (belfry_job_state)item->job->state;
        answer.due_us = item->job->due_us;
        answer.version = item->job->version;
    }
    return answer;
}

belfry_run_answer
bf_fill_run_answer (const Belfry__V1__Reply *reply, const Belfry__V1__Run *run,
                    bool unchanged)
{
    belfry_run_answer answer = {
        .state = (belfry_run_state)run->state,
        .attempt = run->attempt,
        .failures = run->failures,
        .timer_us = run->timer_us,
        .unchanged = unchanged,
        .repeated = reply->repeated,
        .seq = reply->seq,
    };
    snprintf (answer.id, sizeof answer.id, "%.*s", (int)sizeof answer.id - 1, run->run);
    return answer;
}
