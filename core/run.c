/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of runs: the table of states. The ledger asks it before it writes a state, and
 * nobody else decides one.
 *
 *   blocked ----> ready ----> leased ----> succeeded
 *      |         | ^ ^ |        | | |
 *      |         | | | '------- | | '----> dead <------.
 *      |         | | | RETURN <-' |                    |
 *      |         | | |            v                    |
 *      |         | | '-WAKE-- retry_wait (RETRY, SNOOZE) -- DIE
 *      |         | |
 *      |         | '--> delivered (NOTIFY: final at the commit of the fire)
 *      |         |
 *      '---------+----> expired            every open state --CANCEL--> cancelled
 *                       (also from retry_wait: a reminder whose slot has come)
 *
 * succeeded, dead, expired, cancelled and delivered absorb.
 */
#include "core/run.h"

enum {
    BLOCKED = BF_RUN_BLOCKED,
    READY = BF_RUN_READY,
    LEASED = BF_RUN_LEASED,
    RETRY_WAIT = BF_RUN_RETRY_WAIT,
    SUCCEEDED = BF_RUN_SUCCEEDED,
    DEAD = BF_RUN_DEAD,
    EXPIRED = BF_RUN_EXPIRED,
    CANCELLED = BF_RUN_CANCELLED,
    DELIVERED = BF_RUN_DELIVERED,
};

/* 0 (a hole): not allowed. */
static const unsigned char moves[BF_RUN_STATE_LAST + 1][BF_RUN_MOVES] = {
    [BLOCKED] =
        {
            [BF_RUN_UNBLOCK] = READY,
            [BF_RUN_EXPIRE] = EXPIRED,
            [BF_RUN_CANCEL] = CANCELLED,
        },
    [READY] =
        {
            [BF_RUN_CLAIM] = LEASED,
            [BF_RUN_EXPIRE] = EXPIRED,
            [BF_RUN_CANCEL] = CANCELLED,
            [BF_RUN_DELIVER] = DELIVERED,
        },
    [LEASED] =
        {
            [BF_RUN_RETURN] = READY,
            [BF_RUN_COMPLETE] = SUCCEEDED,
            [BF_RUN_RETRY] = RETRY_WAIT,
            [BF_RUN_SNOOZE] = RETRY_WAIT,
            [BF_RUN_DIE] = DEAD,
            [BF_RUN_CANCEL] = CANCELLED,
        },
    [RETRY_WAIT] =
        {
            [BF_RUN_DIE] = DEAD,
            [BF_RUN_WAKE] = READY,
            [BF_RUN_EXPIRE] = EXPIRED,
            [BF_RUN_CANCEL] = CANCELLED,
        },
};

bf_run_state
bf_run_next (bf_run_state state, bf_run_move move)
{
    if ((unsigned)state > BF_RUN_STATE_LAST || (unsigned)move >= BF_RUN_MOVES) {
        return (bf_run_state)0;
    }
    return (bf_run_state)moves[state][move];
}

bool
bf_run_is_open (bf_run_state state)
{
    return state == BF_RUN_BLOCKED || state == BF_RUN_READY || state == BF_RUN_LEASED ||
           state == BF_RUN_RETRY_WAIT;
}

static const char *
name_of (const char *const *names, size_t count, unsigned number)
{
    return number < count && names[number] != NULL ? names[number] : "unknown";
}

#define NAME_OF(names, number) \
    name_of ((names), sizeof (names) / sizeof (names)[0], (unsigned)(number))

const char *
bf_run_state_name (bf_run_state state)
{
    static const char *const names[] = {
        [BLOCKED] = "blocked",       [READY] = "ready",         [LEASED] = "leased",
        [RETRY_WAIT] = "retry_wait", [SUCCEEDED] = "succeeded", [DEAD] = "dead",
        [EXPIRED] = "expired",       [CANCELLED] = "cancelled", [DELIVERED] = "delivered",
    };
    return NAME_OF (names, state);
}

const char *
bf_run_move_name (bf_run_move move)
{
    static const char *const names[] = {
        [BF_RUN_UNBLOCK] = "unblock", [BF_RUN_CLAIM] = "claim",
        [BF_RUN_RETURN] = "return",   [BF_RUN_COMPLETE] = "complete",
        [BF_RUN_RETRY] = "retry",     [BF_RUN_SNOOZE] = "snooze",
        [BF_RUN_DIE] = "die",         [BF_RUN_WAKE] = "wake",
        [BF_RUN_EXPIRE] = "expire",   [BF_RUN_CANCEL] = "cancel",
        [BF_RUN_DELIVER] = "deliver",
    };
    return NAME_OF (names, move);
}

const char *
bf_origin_name (bf_origin origin)
{
    static const char *const names[] = {
        [BF_ORIGIN_SLOT] = "slot",
        [BF_ORIGIN_REMINDER] = "reminder",
        [BF_ORIGIN_TRIGGERED] = "trigger",
        [BF_ORIGIN_REDRIVEN] = "redrive",
    };
    return NAME_OF (names, origin);
}

bool
bf_origin_decides (bf_origin origin, bool redone_decides)
{
    return origin == BF_ORIGIN_SLOT || (origin == BF_ORIGIN_REDRIVEN && redone_decides);
}
