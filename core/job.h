/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of jobs: what a job is, and which move is allowed from which state. Numbers of
 * states and reasons are those of the wire and of the tables.
 */
#ifndef BF_CORE_JOB_H
#define BF_CORE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/base/time.h"
#include "core/late.h"
#include "core/overlap.h"
#include "core/remind.h"
#include "core/trigger.h"

typedef enum {
    BF_JOB_WAITING = 1,
    BF_JOB_SCHEDULED = 2,
    BF_JOB_ACTIVE = 3,
    BF_JOB_COMPLETED = 4,
    BF_JOB_DEAD = 5,
    BF_JOB_CANCELLED = 6,
    BF_JOB_CONFIRMED = 7,
} bf_job_state;

#define BF_JOB_STATE_LAST BF_JOB_CONFIRMED

typedef enum {
    BF_JOB_NO_REASON = 0,
    BF_JOB_RUN_DEAD = 1,
    BF_JOB_MISSED = 2,
    BF_JOB_SKIPPED = 3,
    BF_JOB_EXPIRED = 4,
    BF_JOB_DEPENDENCY = 5,
} bf_job_reason;

/* Everything that can happen to a job's state. */
typedef enum {
    BF_JOB_FIRE_LAST,  /* the last slot became a run, or was dropped */
    BF_JOB_RESCHEDULE, /* a new slot is armed: Reschedule, or Schedule with REPLACE */
    BF_JOB_CANCEL,
    BF_JOB_CONFIRM,
    BF_JOB_FINISH, /* the last open run is final, and the work is done */
    BF_JOB_FAIL,   /* the last open run is final, and the work is not */
    BF_JOB_REDRIVE,
    BF_JOB_TOUCH, /* Pause, Resume, Trigger: allowed while open, changes no state */
    BF_JOB_MOVES
} bf_job_move;

/* The state after the move, or 0 where the move is not allowed. */
bf_job_state bf_job_next (bf_job_state state, bf_job_move move);

bool bf_job_is_open (bf_job_state state);

/* "scheduled", "run_dead", "reschedule". Static; "unknown" beyond the lists. */
const char *bf_job_state_name (bf_job_state state);
const char *bf_job_reason_name (bf_job_reason reason);
const char *bf_job_move_name (bf_job_move move);

typedef enum { BF_DELIVERY_WORK = 1, BF_DELIVERY_NOTIFY = 2 } bf_delivery;

typedef enum {
    BF_BACKOFF_EXPONENTIAL = 1,
    BF_BACKOFF_FIXED = 2,
    BF_BACKOFF_LINEAR = 3,
    BF_BACKOFF_LIST = 4,
} bf_backoff;

/* See RetryPolicy in belfry.proto; every default resolved. */
typedef struct {
    uint32_t max_attempts;
    bf_backoff backoff;
    bf_span delay;
    uint32_t factor_permille;
    bf_span max_delay;
    uint32_t jitter_percent;
    const int64_t *delays_us; /* LIST; borrowed */
    size_t n_delays;
    bf_span max_age; /* 0: none */
} bf_retry_policy;

/* What the law needs to know of a JobSpec. */
typedef struct {
    bf_trigger trigger;
    bf_delivery delivery;
    bf_retry_policy retry;
    bf_span lease;
    bf_span run_timeout;   /* 0: none */
    bf_span start_timeout; /* 0: none */
    bf_late_policy late;
    bf_overlap overlap;
    bf_reminders remind;
} bf_spec;

/* The job is over, or not: judged when one of its runs has become final. `open_runs` counts
 * the runs still open, `slot` says whether a further slot is armed, `failing` whether the
 * run that decides has died. Returns the move to make, or BF_JOB_MOVES for none. */
bf_job_move bf_job_judge (bf_job_state state, bool slot, uint32_t open_runs, bool failing);

#endif
