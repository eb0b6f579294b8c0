/* SPDX-License-Identifier: MPL-2.0
 *
 * Plain copies between the wire and core, and the proof that both count alike.
 */
#include "messages/translate.h"

#include "core/calendar/cron.h"
#include "core/calendar/rrule.h"
#include "core/run.h"
#include "messages/codec.h"
#include "messages/limits.h"

/* One number, two names: core's and the wire's. */
#define SAME(core, wire) \
    _Static_assert((int)(core) == (int)(BELFRY__V1__##wire), #core " is not " #wire)

SAME (BF_JOB_WAITING, JOB_STATE__JOB_STATE_WAITING);
SAME (BF_JOB_SCHEDULED, JOB_STATE__JOB_STATE_SCHEDULED);
SAME (BF_JOB_ACTIVE, JOB_STATE__JOB_STATE_ACTIVE);
SAME (BF_JOB_COMPLETED, JOB_STATE__JOB_STATE_COMPLETED);
SAME (BF_JOB_DEAD, JOB_STATE__JOB_STATE_DEAD);
SAME (BF_JOB_CANCELLED, JOB_STATE__JOB_STATE_CANCELLED);
SAME (BF_JOB_CONFIRMED, JOB_STATE__JOB_STATE_CONFIRMED);

SAME (BF_JOB_NO_REASON, JOB_REASON__JOB_REASON_UNSPECIFIED);
SAME (BF_JOB_RUN_DEAD, JOB_REASON__JOB_REASON_RUN_DEAD);
SAME (BF_JOB_MISSED, JOB_REASON__JOB_REASON_MISSED);
SAME (BF_JOB_SKIPPED, JOB_REASON__JOB_REASON_SKIPPED);
SAME (BF_JOB_EXPIRED, JOB_REASON__JOB_REASON_EXPIRED);
SAME (BF_JOB_DEPENDENCY, JOB_REASON__JOB_REASON_DEPENDENCY);

SAME (BF_RUN_BLOCKED, RUN_STATE__RUN_STATE_BLOCKED);
SAME (BF_RUN_READY, RUN_STATE__RUN_STATE_READY);
SAME (BF_RUN_LEASED, RUN_STATE__RUN_STATE_LEASED);
SAME (BF_RUN_RETRY_WAIT, RUN_STATE__RUN_STATE_RETRY_WAIT);
SAME (BF_RUN_SUCCEEDED, RUN_STATE__RUN_STATE_SUCCEEDED);
SAME (BF_RUN_DEAD, RUN_STATE__RUN_STATE_DEAD);
SAME (BF_RUN_EXPIRED, RUN_STATE__RUN_STATE_EXPIRED);
SAME (BF_RUN_CANCELLED, RUN_STATE__RUN_STATE_CANCELLED);
SAME (BF_RUN_DELIVERED, RUN_STATE__RUN_STATE_DELIVERED);

SAME (BF_ORIGIN_SLOT, ORIGIN__ORIGIN_SLOT);
SAME (BF_ORIGIN_REMINDER, ORIGIN__ORIGIN_REMINDER);
SAME (BF_ORIGIN_TRIGGERED, ORIGIN__ORIGIN_TRIGGERED);
SAME (BF_ORIGIN_REDRIVEN, ORIGIN__ORIGIN_REDRIVEN);

SAME (BF_DELIVERY_WORK, DELIVERY__DELIVERY_WORK);
SAME (BF_DELIVERY_NOTIFY, DELIVERY__DELIVERY_NOTIFY);

SAME (BF_BACKOFF_EXPONENTIAL, BACKOFF__BACKOFF_EXPONENTIAL);
SAME (BF_BACKOFF_FIXED, BACKOFF__BACKOFF_FIXED);
SAME (BF_BACKOFF_LINEAR, BACKOFF__BACKOFF_LINEAR);
SAME (BF_BACKOFF_LIST, BACKOFF__BACKOFF_LIST);

SAME (BF_LATE_FIRE_ONCE, LATE__LATE_FIRE_ONCE);
SAME (BF_LATE_FIRE_ALL, LATE__LATE_FIRE_ALL);
SAME (BF_LATE_SKIP, LATE__LATE_SKIP);
SAME (BF_LATE_FAIL, LATE__LATE_FAIL);

SAME (BF_OVERLAP_SKIP, OVERLAP__OVERLAP_SKIP);
SAME (BF_OVERLAP_BUFFER_ONE, OVERLAP__OVERLAP_BUFFER_ONE);
SAME (BF_OVERLAP_BUFFER_ALL, OVERLAP__OVERLAP_BUFFER_ALL);
SAME (BF_OVERLAP_CANCEL_OTHER, OVERLAP__OVERLAP_CANCEL_OTHER);
SAME (BF_OVERLAP_TERMINATE_OTHER, OVERLAP__OVERLAP_TERMINATE_OTHER);
SAME (BF_OVERLAP_ALLOW_ALL, OVERLAP__OVERLAP_ALLOW_ALL);

SAME (BF_SKIPPED_AFTER_GAP, SKIPPED__SKIPPED_AFTER_GAP);
SAME (BF_SKIPPED_SKIP, SKIPPED__SKIPPED_SKIP);
SAME (BF_SKIPPED_SHIFT, SKIPPED__SKIPPED_SHIFT);

SAME (BF_REPEATED_FIRST, REPEATED__REPEATED_FIRST);
SAME (BF_REPEATED_SECOND, REPEATED__REPEATED_SECOND);
SAME (BF_REPEATED_BOTH, REPEATED__REPEATED_BOTH);

/* The wire column of the error list. */
enum {
#define X(name, value, wire, retryable, text) WIRE_##name = (wire),
    BF_ERROR_MAP (X)
#undef X
};

SAME (WIRE_OK, CODE__CODE_OK);
SAME (WIRE_EMALFORMED, CODE__CODE_MALFORMED);
SAME (WIRE_EVERSION, CODE__CODE_UNSUPPORTED_VERSION);
SAME (WIRE_EINVALID, CODE__CODE_INVALID);
SAME (WIRE_ETOOLARGE, CODE__CODE_TOO_LARGE);
SAME (WIRE_ELIMIT, CODE__CODE_LIMIT);
SAME (WIRE_EBUSY, CODE__CODE_BUSY);
SAME (WIRE_ENOTFOUND, CODE__CODE_NOT_FOUND);
SAME (WIRE_EKEYTAKEN, CODE__CODE_KEY_TAKEN);
SAME (WIRE_EPASTDUE, CODE__CODE_PAST_DUE);
SAME (WIRE_ETOOLATE, CODE__CODE_TOO_LATE);
SAME (WIRE_ESTATE, CODE__CODE_WRONG_STATE);
SAME (WIRE_ESTALE, CODE__CODE_STALE_TOKEN);
SAME (WIRE_EREUSED, CODE__CODE_REQUEST_ID_REUSED);
SAME (WIRE_EDISKFULL, CODE__CODE_DISK_FULL);
SAME (WIRE_ESTOPPING, CODE__CODE_STOPPING);
SAME (WIRE_ETOOOLD, CODE__CODE_TOO_OLD);
SAME (WIRE_EINTERNAL, CODE__CODE_INTERNAL);
SAME (WIRE_EVERSIONED, CODE__CODE_VERSION_CONFLICT);
SAME (WIRE_ENOMEM, CODE__CODE_INTERNAL);
SAME (WIRE_EIO, CODE__CODE_INTERNAL);
SAME (WIRE_ELOCKED, CODE__CODE_INTERNAL);
SAME (WIRE_ECORRUPT, CODE__CODE_INTERNAL);
SAME (WIRE_EFOREIGN, CODE__CODE_INTERNAL);
SAME (WIRE_ENEWER, CODE__CODE_INTERNAL);
SAME (WIRE_EBIND, CODE__CODE_INTERNAL);
SAME (WIRE_ECONFIG, CODE__CODE_INTERNAL);

static bf_trigger
trigger_from_wire (const Belfry__V1__JobSpec *spec)
{
    bf_trigger trigger = {
        .start_us = spec->start_us,
        .end_us = spec->end_us,
        .max_runs = spec->max_runs,
        .jitter = {spec->jitter_us},
        .tz = spec->tz,
        .switches = {(bf_skipped)spec->skipped, (bf_repeated)spec->repeated},
        .exclude = spec->exclude,
        .n_exclude = spec->n_exclude,
    };
    switch (spec->trigger_case) {
    case BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US:
        trigger.kind = BF_TRIGGER_AFTER;
        trigger.us = spec->after_us;
        break;
    case BELFRY__V1__JOB_SPEC__TRIGGER_EVERY:
        trigger.kind = BF_TRIGGER_EVERY;
        trigger.us = spec->every->interval_us;
        trigger.anchored = spec->every->anchor_case == BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
        trigger.anchor_us = spec->every->anchor_us;
        break;
    case BELFRY__V1__JOB_SPEC__TRIGGER_CRON:
        trigger.kind = BF_TRIGGER_CRON;
        trigger.text = spec->cron;
        break;
    case BELFRY__V1__JOB_SPEC__TRIGGER_DAILY:
        trigger.kind = BF_TRIGGER_DAILY;
        trigger.text = spec->daily;
        break;
    case BELFRY__V1__JOB_SPEC__TRIGGER_RRULE:
        trigger.kind = BF_TRIGGER_RRULE;
        trigger.text = spec->rrule;
        break;
    default:
        trigger.kind = BF_TRIGGER_AT;
        trigger.us = spec->at_us;
        break;
    }
    return trigger;
}

static bool
is_within (int64_t number, int64_t least, int64_t most)
{
    return number >= least && number <= most;
}

static bool
retry_is_whole (const Belfry__V1__RetryPolicy *retry)
{
    bool list = retry->backoff == BELFRY__V1__BACKOFF__BACKOFF_LIST;
    bool whole =
        is_within (retry->max_attempts, 1, BF_MAX_ATTEMPTS) &&
        is_within ((int)retry->backoff, BF_BACKOFF_EXPONENTIAL, BF_BACKOFF_LIST) &&
        is_within (retry->delay_us, BF_RETRY_DELAY_MIN_US, BF_RETRY_DELAY_MAX_US) &&
        is_within (retry->factor_permille, 1000, 10000) &&
        is_within (retry->max_delay_us, BF_RETRY_DELAY_MIN_US, BF_RETRY_DELAY_MAX_US) &&
        retry->jitter_percent <= 50 && (retry->n_delays_us > 0) == list &&
        is_within (retry->max_age_us, 0, BF_AFTER_MAX_US);
    for (size_t i = 0; whole && i < retry->n_delays_us; i++) {
        whole =
            is_within (retry->delays_us[i], BF_RETRY_DELAY_MIN_US, BF_RETRY_DELAY_MAX_US);
    }
    return whole;
}

/* Of a calendar trigger. Whether the text can be read is seen by whoever reads it. */
static bool
calendar_is_whole (const Belfry__V1__JobSpec *spec, const char *text, size_t max_bytes)
{
    return bf_text_is_valid (text, max_bytes) && bf_zone_name_is_valid (spec->tz) &&
           is_within ((int)spec->skipped, BF_SKIPPED_AFTER_GAP, BF_SKIPPED_SHIFT) &&
           is_within ((int)spec->repeated, BF_REPEATED_FIRST, BF_REPEATED_BOTH);
}

static bool
exclude_is_whole (const Belfry__V1__JobSpec *spec)
{
    bool whole = spec->n_exclude <= BF_EXCLUDES &&
                 (spec->n_exclude == 0 || bf_zone_name_is_valid (spec->tz));
    for (size_t i = 0; whole && i < spec->n_exclude; i++) {
        whole = bf_name_is_valid (spec->exclude[i]);
    }
    return whole;
}

static bool
trigger_is_whole (const Belfry__V1__JobSpec *spec)
{
    switch (spec->trigger_case) {
    case BELFRY__V1__JOB_SPEC__TRIGGER_AT_US:
        return is_within (spec->at_us, 0, BF_WALL_MAX_US);
    case BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US:
        return is_within (spec->after_us, 0, BF_AFTER_MAX_US);
    case BELFRY__V1__JOB_SPEC__TRIGGER_EVERY:
        return is_within (spec->every->interval_us, BF_EVERY_MIN_US, BF_EVERY_MAX_US) &&
               is_within (spec->every->anchor_us, 0, BF_WALL_MAX_US);
    case BELFRY__V1__JOB_SPEC__TRIGGER_CRON:
        return calendar_is_whole (spec, spec->cron, BF_CRON_BYTES);
    case BELFRY__V1__JOB_SPEC__TRIGGER_DAILY:
        return calendar_is_whole (spec, spec->daily, BF_CRON_BYTES);
    case BELFRY__V1__JOB_SPEC__TRIGGER_RRULE:
        return calendar_is_whole (spec, spec->rrule, BF_RRULE_BYTES);
    default:
        return false;
    }
}

static bool
reminders_are_whole (const Belfry__V1__JobSpec *spec)
{
    size_t count = spec->n_remind_before_us;
    bool whole =
        count <= BF_REMINDERS && (count > 0 ? bf_name_is_valid (spec->reminder_type)
                                            : spec->reminder_type[0] == '\0');
    for (size_t i = 0; whole && i < count; i++) {
        int64_t most_us = i > 0 ? spec->remind_before_us[i - 1] - 1 : BF_REMIND_MAX_US;
        whole = is_within (spec->remind_before_us[i], BF_REMIND_MIN_US, most_us);
    }
    return whole;
}

bool
bf_spec_is_whole (const Belfry__V1__JobSpec *spec)
{
    return spec->retry != NULL && retry_is_whole (spec->retry) && trigger_is_whole (spec) &&
           exclude_is_whole (spec) && is_within (spec->start_us, 0, BF_WALL_MAX_US) &&
           is_within (spec->end_us, 0, BF_WALL_MAX_US) &&
           is_within (spec->jitter_us, 0, BF_JITTER_MAX_US) &&
           is_within ((int)spec->delivery, BF_DELIVERY_WORK, BF_DELIVERY_NOTIFY) &&
           is_within (spec->lease_us, BF_LEASE_MIN_US, BF_LEASE_MAX_US) &&
           is_within (spec->run_timeout_us, 0, BF_RUN_TIMEOUT_MAX_US) &&
           is_within (spec->start_timeout_us, 0, BF_AFTER_MAX_US) &&
           is_within ((int)spec->late, BF_LATE_FIRE_ONCE, BF_LATE_LAST) &&
           is_within (spec->grace_us, BF_GRACE_MIN_US, BF_GRACE_MAX_US) &&
           is_within (spec->catchup_max, 1, BF_CATCHUP_MAX) &&
           is_within ((int)spec->overlap, 1, BF_OVERLAP_LAST) && reminders_are_whole (spec);
}

bf_spec
bf_spec_from_wire (const Belfry__V1__JobSpec *spec)
{
    const Belfry__V1__RetryPolicy *retry = spec->retry;
    return (bf_spec){
        .trigger = trigger_from_wire (spec),
        .delivery = (bf_delivery)spec->delivery,
        .retry = {.max_attempts = retry->max_attempts,
                  .backoff = (bf_backoff)retry->backoff,
                  .delay = {retry->delay_us},
                  .factor_permille = retry->factor_permille,
                  .max_delay = {retry->max_delay_us},
                  .jitter_percent = retry->jitter_percent,
                  .delays_us = retry->delays_us,
                  .n_delays = retry->n_delays_us,
                  .max_age = {retry->max_age_us}},
        .lease = {spec->lease_us},
        .run_timeout = {spec->run_timeout_us},
        .start_timeout = {spec->start_timeout_us},
        .late = {.late = (bf_late)spec->late,
                 .grace = {spec->grace_us},
                 .catchup_max = spec->catchup_max},
        .overlap = (bf_overlap)spec->overlap,
        .remind = {spec->remind_before_us, spec->n_remind_before_us},
    };
}

void
bf_timer_to_wire (bf_timer timer, Belfry__Internal__Timer *wire)
{
    belfry__internal__timer__init (wire);
    wire->source = (uint32_t)timer.source;
    wire->job = timer.job;
    wire->ordinal = timer.ordinal;
    wire->due_us = timer.due_us;
    wire->queue = timer.queue;
    wire->slot_us = timer.slot_us;
    wire->reached_us = timer.reached_us;
}

bf_timer
bf_timer_from_wire (const Belfry__Internal__Timer *wire)
{
    return (bf_timer){.source = (bf_timer_source)wire->source,
                      .job = wire->job,
                      .ordinal = wire->ordinal,
                      .due_us = wire->due_us,
                      .queue = wire->queue,
                      .slot_us = wire->slot_us,
                      .reached_us = wire->reached_us};
}

void
bf_ready_to_wire (bf_ready ready, Belfry__Internal__ReadyRun *wire)
{
    belfry__internal__ready_run__init (wire);
    wire->queue = ready.queue;
    wire->ready_us = ready.ready_us;
    wire->job = ready.job;
    wire->ordinal = ready.ordinal;
}

bf_ready
bf_ready_from_wire (const Belfry__Internal__ReadyRun *wire)
{
    return (bf_ready){.queue = wire->queue,
                      .ready_us = wire->ready_us,
                      .job = wire->job,
                      .ordinal = wire->ordinal};
}

void
bf_attempt_to_wire (bf_token token, Belfry__Internal__Attempt *wire)
{
    belfry__internal__attempt__init (wire);
    wire->job = token.job;
    wire->ordinal = token.ordinal;
    wire->attempt = token.attempt;
}

bf_token
bf_attempt_from_wire (const Belfry__Internal__Attempt *wire)
{
    return (bf_token){.job = wire->job, .ordinal = wire->ordinal, .attempt = wire->attempt};
}
