/* SPDX-License-Identifier: MPL-2.0
 *
 * Again, or dead? Whole numbers only, so that every machine and every replay gets the same
 * answer. The ledger asks it for each failed attempt.
 */
#include "core/retry.h"

#include "core/base/errors.h"
#include "core/base/hash.h"

/* No wait is shorter: jitter must not turn a retry into a busy loop. */
#define SHORTEST_US BF_MS_US

/* value * numerator / denominator for value >= 0, cut at `most`. */
static int64_t
scale (int64_t value, uint32_t numerator, int64_t denominator, int64_t most)
{
    int64_t whole = value / denominator;
    int64_t rest = value % denominator;
    if (numerator > 0 && whole > most / numerator) {
        return most;
    }
    int64_t scaled = bf_us_add (whole * numerator, rest * numerator / denominator);
    return scaled < most ? scaled : most;
}

static int64_t
from_list (const bf_retry_policy *policy, uint32_t failures)
{
    BF_INVARIANT (policy->n_delays > 0);
    size_t place = failures > 0 ? failures - 1 : 0;
    size_t last = policy->n_delays - 1;
    return policy->delays_us[place < last ? place : last];
}

static int64_t
wait_without_jitter (const bf_retry_policy *policy, uint32_t failures)
{
    int64_t wait = policy->delay.us;
    switch (policy->backoff) {
    case BF_BACKOFF_FIXED:
        return wait;
    case BF_BACKOFF_LINEAR:
        return scale (wait, failures, 1, policy->max_delay.us);
    case BF_BACKOFF_LIST:
        return from_list (policy, failures);
    case BF_BACKOFF_EXPONENTIAL:
        break;
    }
    for (uint32_t i = 1; i < failures && wait < policy->max_delay.us; i++) {
        int64_t next = scale (wait, policy->factor_permille, 1000, policy->max_delay.us);
        if (next == wait) {
            break;
        }
        wait = next;
    }
    return wait < policy->max_delay.us ? wait : policy->max_delay.us;
}

bf_span
bf_retry_wait (const bf_retry_policy *policy, bf_token token, uint32_t failures)
{
    int64_t wait = wait_without_jitter (policy, failures);
    if (policy->jitter_percent > 0 && wait > 0) {
        int64_t most = scale (wait, policy->jitter_percent, 100, wait);
        uint64_t spread =
            bf_mix (bf_mix (token.job) ^ ((uint64_t)token.ordinal << 32 | token.attempt)) %
            ((uint64_t)most * 2 + 1);
        int64_t offset = spread > (uint64_t)most ? (int64_t)(spread - (uint64_t)most)
                                                 : (int64_t)spread - most;
        wait = bf_us_add (wait, offset);
    }
    return (bf_span){wait > SHORTEST_US ? wait : SHORTEST_US};
}

bf_verdict
bf_retry_judge (const bf_retry_policy *policy, bf_token token, uint32_t failures,
                bf_span age, bool non_retryable, bool cancel_requested)
{
    if (cancel_requested) {
        return (bf_verdict){.move = BF_RUN_CANCEL};
    }
    if (non_retryable || failures >= policy->max_attempts) {
        return (bf_verdict){.move = BF_RUN_DIE};
    }
    bf_span wait = bf_retry_wait (policy, token, failures);
    if (policy->max_age.us > 0 && bf_us_add (age.us, wait.us) > policy->max_age.us) {
        return (bf_verdict){.move = BF_RUN_DIE};
    }
    return (bf_verdict){.move = BF_RUN_RETRY, .wait = wait};
}
