/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of runs: which move is allowed from which state, and what a failure leads to.
 * Numbers are those of the wire.
 */
#ifndef BF_CORE_RUN_H
#define BF_CORE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/job.h"

typedef enum {
    BF_RUN_BLOCKED = 1,
    BF_RUN_READY = 2,
    BF_RUN_LEASED = 3,
    BF_RUN_RETRY_WAIT = 4,
    BF_RUN_SUCCEEDED = 5,
    BF_RUN_DEAD = 6,
    BF_RUN_EXPIRED = 7,
    BF_RUN_CANCELLED = 8,
    BF_RUN_DELIVERED = 9,
} bf_run_state;

#define BF_RUN_STATE_LAST BF_RUN_DELIVERED
#define BF_RUN_OPEN_LAST BF_RUN_RETRY_WAIT /* beyond it all are final */

typedef enum {
    BF_ORIGIN_SLOT = 1,
    BF_ORIGIN_REMINDER = 2,
    BF_ORIGIN_TRIGGERED = 3,
    BF_ORIGIN_REDRIVEN = 4,
} bf_origin;

/* Everything that can happen to a run's state. */
typedef enum {
    BF_RUN_UNBLOCK,
    BF_RUN_CLAIM,
    BF_RUN_RETURN, /* the lease could not be delivered; no failure counted */
    BF_RUN_COMPLETE,
    BF_RUN_RETRY,  /* failed, again later */
    BF_RUN_SNOOZE, /* the worker asks for later; no failure counted */
    BF_RUN_DIE,    /* failed for good */
    BF_RUN_WAKE,   /* the waiting time is over */
    BF_RUN_EXPIRE, /* start_timeout; a reminder: its slot has come */
    BF_RUN_CANCEL,
    BF_RUN_DELIVER, /* NOTIFY */
    BF_RUN_MOVES
} bf_run_move;

/* The state after the move, or 0 where the move is not allowed. */
bf_run_state bf_run_next (bf_run_state state, bf_run_move move);

bool bf_run_is_open (bf_run_state state);

/* "retry_wait", "return", "slot". Static; "unknown" beyond the lists. */
const char *bf_run_state_name (bf_run_state state);
const char *bf_run_move_name (bf_run_move move);
const char *bf_origin_name (bf_origin origin);

/* Whether this run's end decides how its job ends: that of the slot does, and a redrive
 * where the run that it redoes did; extras do not. */
bool bf_origin_decides (bf_origin origin, bool redone_decides);

#endif
