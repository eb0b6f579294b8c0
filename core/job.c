/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of jobs: the table of states. The ledger asks it before it writes a state, and
 * nobody else decides one.
 *
 *    waiting ----> scheduled ----> active ----> completed --REDRIVE--> active
 *       |           |  ^  |          |  |         (FINISH)
 *       |           |  '--|----------'  '------> dead --REDRIVE--> active
 *       |           |     | RESCHEDULE             (FAIL)
 *       |           |     |
 *       '-----------+-----|--------------------> confirmed
 *       |                 |          |
 *       '-----------------+----------+---------> cancelled
 *
 * active: no further slot, a run still open. RESCHEDULE leads back from active because it
 * takes back a slot that became a run. REDRIVE leaves an open job where it is: one of its
 * runs can be dead while the job still waits for a slot or for another run. It opens a
 * completed one again where an extra run died beside the one that decided. cancelled and
 * confirmed absorb.
 */
#include "core/job.h"

enum {
    WAITING = BF_JOB_WAITING,
    SCHEDULED = BF_JOB_SCHEDULED,
    ACTIVE = BF_JOB_ACTIVE,
    COMPLETED = BF_JOB_COMPLETED,
    DEAD = BF_JOB_DEAD,
    CANCELLED = BF_JOB_CANCELLED,
    CONFIRMED = BF_JOB_CONFIRMED,
};

/* 0 (a hole): not allowed. */
static const unsigned char moves[BF_JOB_STATE_LAST + 1][BF_JOB_MOVES] = {
    [WAITING] =
        {
            [BF_JOB_RESCHEDULE] = SCHEDULED,
            [BF_JOB_CANCEL] = CANCELLED,
            [BF_JOB_CONFIRM] = CONFIRMED,
            [BF_JOB_REDRIVE] = WAITING,
            [BF_JOB_TOUCH] = WAITING,
        },
    [SCHEDULED] =
        {
            [BF_JOB_FIRE_LAST] = ACTIVE,
            [BF_JOB_RESCHEDULE] = SCHEDULED,
            [BF_JOB_CANCEL] = CANCELLED,
            [BF_JOB_CONFIRM] = CONFIRMED,
            [BF_JOB_REDRIVE] = SCHEDULED,
            [BF_JOB_TOUCH] = SCHEDULED,
        },
    [ACTIVE] =
        {
            [BF_JOB_RESCHEDULE] = SCHEDULED,
            [BF_JOB_CANCEL] = CANCELLED,
            [BF_JOB_FINISH] = COMPLETED,
            [BF_JOB_FAIL] = DEAD,
            [BF_JOB_REDRIVE] = ACTIVE,
            [BF_JOB_TOUCH] = ACTIVE,
        },
    [COMPLETED] =
        {
            [BF_JOB_REDRIVE] = ACTIVE,
        },
    [DEAD] =
        {
            [BF_JOB_REDRIVE] = ACTIVE,
        },
};

bf_job_state
bf_job_next (bf_job_state state, bf_job_move move)
{
    if ((unsigned)state > BF_JOB_STATE_LAST || (unsigned)move >= BF_JOB_MOVES) {
        return (bf_job_state)0;
    }
    return (bf_job_state)moves[state][move];
}

bool
bf_job_is_open (bf_job_state state)
{
    return state == BF_JOB_WAITING || state == BF_JOB_SCHEDULED || state == BF_JOB_ACTIVE;
}

static const char *
name_of (const char *const *names, size_t count, unsigned number)
{
    return number < count && names[number] != NULL ? names[number] : "unknown";
}

#define NAME_OF(names, number) \
    name_of ((names), sizeof (names) / sizeof (names)[0], (unsigned)(number))

const char *
bf_job_state_name (bf_job_state state)
{
    static const char *const names[] = {
        [WAITING] = "waiting",     [SCHEDULED] = "scheduled", [ACTIVE] = "active",
        [COMPLETED] = "completed", [DEAD] = "dead",           [CANCELLED] = "cancelled",
        [CONFIRMED] = "confirmed",
    };
    return NAME_OF (names, state);
}

const char *
bf_job_reason_name (bf_job_reason reason)
{
    static const char *const names[] = {
        [BF_JOB_NO_REASON] = "none",  [BF_JOB_RUN_DEAD] = "run_dead",
        [BF_JOB_MISSED] = "missed",   [BF_JOB_SKIPPED] = "skipped",
        [BF_JOB_EXPIRED] = "expired", [BF_JOB_DEPENDENCY] = "dependency",
    };
    return NAME_OF (names, reason);
}

const char *
bf_job_move_name (bf_job_move move)
{
    static const char *const names[] = {
        [BF_JOB_FIRE_LAST] = "fire_last", [BF_JOB_RESCHEDULE] = "reschedule",
        [BF_JOB_CANCEL] = "cancel",       [BF_JOB_CONFIRM] = "confirm",
        [BF_JOB_FINISH] = "finish",       [BF_JOB_FAIL] = "fail",
        [BF_JOB_REDRIVE] = "redrive",     [BF_JOB_TOUCH] = "touch",
    };
    return NAME_OF (names, move);
}

bf_job_move
bf_job_judge (bf_job_state state, bool slot, uint32_t open_runs, bool failing)
{
    if (state != BF_JOB_ACTIVE || slot || open_runs > 0) {
        return BF_JOB_MOVES;
    }
    return failing ? BF_JOB_FAIL : BF_JOB_FINISH;
}
