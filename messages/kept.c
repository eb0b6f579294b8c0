/* SPDX-License-Identifier: MPL-2.0
 *
 * Definitions without what is default, and whole again. Most jobs say a type, a time and a
 * payload: the rest of their definition is two thirds of its bytes, twice for every job.
 * Zero, or nothing, is in none of these fields a value of its own.
 */
#include <string.h>

#include "messages/limits.h"
#include "messages/translate.h"

static const Belfry__V1__RetryPolicy plain_retry = {
    .base = PROTOBUF_C_MESSAGE_INIT (&belfry__v1__retry_policy__descriptor),
    .max_attempts = BF_DEFAULT_MAX_ATTEMPTS,
    .backoff = BELFRY__V1__BACKOFF__BACKOFF_EXPONENTIAL,
    .delay_us = BF_DEFAULT_RETRY_DELAY_US,
    .factor_permille = BF_DEFAULT_RETRY_FACTOR_PERMILLE,
    .max_delay_us = BF_DEFAULT_RETRY_MAX_DELAY_US,
    .jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT,
    .jitter_percent = BF_DEFAULT_RETRY_JITTER_PERCENT,
};

static bool
retry_is_plain (const Belfry__V1__RetryPolicy *retry)
{
    return retry->max_attempts == plain_retry.max_attempts &&
           retry->backoff == plain_retry.backoff &&
           retry->delay_us == plain_retry.delay_us &&
           retry->factor_permille == plain_retry.factor_permille &&
           retry->max_delay_us == plain_retry.max_delay_us &&
           retry->jitter_percent == plain_retry.jitter_percent &&
           retry->max_age_us == plain_retry.max_age_us;
}

/* Of the fields whose default depends on others. */
static Belfry__V1__Overlap
default_overlap (const Belfry__V1__JobSpec *spec)
{
    bool one_shot = spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AT_US ||
                    spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
    return one_shot ? BELFRY__V1__OVERLAP__OVERLAP_ALLOW_ALL
                    : BELFRY__V1__OVERLAP__OVERLAP_SKIP;
}

static uint32_t
default_catchup (Belfry__V1__Late late)
{
    return late == BELFRY__V1__LATE__LATE_FIRE_ALL ? BF_DEFAULT_CATCHUP_MAX : 1;
}

/* X (field, default): the order matters, catchup_max needs late. */
#define DEFAULTS(X, spec)                             \
    X (delivery, BELFRY__V1__DELIVERY__DELIVERY_WORK) \
    X (lease_us, BF_DEFAULT_LEASE_US)                 \
    X (late, BELFRY__V1__LATE__LATE_FIRE_ONCE)        \
    X (grace_us, BF_DEFAULT_GRACE_US)                 \
    X (catchup_max, default_catchup ((spec)->late))   \
    X (overlap, default_overlap (spec))

Belfry__V1__JobSpec
bf_spec_kept (const Belfry__V1__JobSpec *spec)
{
    Belfry__V1__JobSpec kept = *spec;
    kept.ns = (char *)protobuf_c_empty_string;
    kept.key = (char *)protobuf_c_empty_string;
    kept.type = (char *)protobuf_c_empty_string;
    kept.payload = (ProtobufCBinaryData){0, NULL};
    if (retry_is_plain (spec->retry)) {
        kept.retry = NULL;
    }
#define X(field, fallback)           \
    if (spec->field == (fallback)) { \
        kept.field = 0;              \
    }
    DEFAULTS (X, spec)
#undef X
    return kept;
}

void
bf_spec_resolve (Belfry__V1__JobSpec *spec)
{
    if (!spec->retry) {
        spec->retry = (Belfry__V1__RetryPolicy *)&plain_retry;
    }
#define X(field, fallback)        \
    if (spec->field == 0) {       \
        spec->field = (fallback); \
    }
    DEFAULTS (X, spec)
#undef X
}
