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

/* failures: how many attempts have failed, this one included (at least 1). A run whose job
 * was cancelled, confirmed or moved meanwhile (cancel_requested) is never tried again. */
bf_verdict bf_retry_judge (const bf_retry_policy *policy, bf_token token, uint32_t failures,
                           bool non_retryable, bool cancel_requested);

/* The wait after the nth failure, jitter included: within policy->delay ..
 * policy->max_delay, ± jitter_percent; never under 1 ms. The jitter is a hash of the token,
 * so a replay gives the same. */
bf_span bf_retry_wait (const bf_retry_policy *policy, bf_token token, uint32_t failures);

#endif
