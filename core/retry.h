/* SPDX-License-Identifier: MPL-2.0
 *
 * Again, or dead? The judgement on a failed attempt: pure arithmetic on the policy.
 */
#ifndef BF_CORE_RETRY_H
#define BF_CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/job.h"
#include "core/run.h"
#include "core/token.h"

typedef struct {
    bf_run_move move; /* BF_RUN_RETRY, BF_RUN_DIE, or BF_RUN_CANCEL */
    bf_span wait;     /* BF_RUN_RETRY: from now until the next attempt */
} bf_verdict;

/* failures: how many attempts have failed, this one included (at least 1). age: since the
 * run was made. A run whose job was cancelled, confirmed or moved meanwhile, or that was
 * asked to stop by an overlap policy (cancel_requested), is never tried again. The first
 * limit that is reached ends it: non_retryable, max_attempts, max_age (the next attempt
 * would begin later than that). */
bf_verdict bf_retry_judge (const bf_retry_policy *policy, bf_token token, uint32_t failures,
                           bf_span age, bool non_retryable, bool cancel_requested);

/* The wait after the nth failure, jitter included: exponential, linear, fixed or from the
 * list, up to policy->max_delay, ± jitter_percent; never under 1 ms. The jitter is a hash
 * of the token, so a replay gives the same. */
bf_span bf_retry_wait (const bf_retry_policy *policy, bf_token token, uint32_t failures);

#endif
