/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of overlap: the table. The ledger asks it for every slot that is to fire.
 *
 *   a slot comes while runs of earlier slots are open:
 *
 *   SKIP              no run
 *   BUFFER_ONE, _ALL  a run, blocked ---(the others are final)---> ready, the oldest first
 *   CANCEL_OTHER      the others are asked to stop; a run, blocked until they have
 *   TERMINATE_OTHER   the others are ended; a run, ready
 *   ALLOW_ALL         a run, ready
 */
#include "core/overlap.h"

#include <stddef.h>

#include "core/base/errors.h"

enum {
    FIRE = BF_OVERLAP_FIRE,
    BLOCK = BF_OVERLAP_BLOCK,
    PASS = BF_OVERLAP_PASS,
    DROP = BF_OVERLAP_DROP,
    CANCEL = BF_OVERLAP_CANCEL,
    TERMINATE = BF_OVERLAP_TERMINATE,
};

/* none, running, waiting, full */
static const unsigned char acts[BF_OVERLAP_LAST + 1][BF_CROWDS] = {
    [BF_OVERLAP_SKIP] = {FIRE, PASS, PASS, DROP},
    [BF_OVERLAP_BUFFER_ONE] = {FIRE, BLOCK, DROP, DROP},
    [BF_OVERLAP_BUFFER_ALL] = {FIRE, BLOCK, BLOCK, DROP},
    [BF_OVERLAP_CANCEL_OTHER] = {FIRE, CANCEL, CANCEL, DROP},
    [BF_OVERLAP_TERMINATE_OTHER] = {FIRE, TERMINATE, TERMINATE, DROP},
    [BF_OVERLAP_ALLOW_ALL] = {FIRE, FIRE, FIRE, DROP},
};

bf_crowd
bf_crowd_of (uint32_t slots_open, uint32_t blocked, uint32_t open_runs)
{
    if (open_runs >= BF_OVERLAP_RUNS) {
        return BF_CROWD_FULL;
    }
    if (slots_open == 0) {
        return BF_CROWD_NONE;
    }
    return blocked == 0 ? BF_CROWD_RUNNING : BF_CROWD_WAITING;
}

bf_overlap_act
bf_overlap_judge (bf_overlap overlap, bf_crowd crowd)
{
    BF_INVARIANT (overlap > 0 && overlap <= BF_OVERLAP_LAST && crowd < BF_CROWDS);
    return (bf_overlap_act)acts[overlap][crowd];
}

static const char *
name_of (const char *const *names, size_t count, size_t number)
{
    return number < count && names[number] != NULL ? names[number] : "unknown";
}

#define NAME_OF(names, number) \
    name_of ((names), sizeof (names) / sizeof (names)[0], (size_t)(number))

const char *
bf_overlap_name (bf_overlap overlap)
{
    static const char *const names[] = {
        [BF_OVERLAP_SKIP] = "skip",
        [BF_OVERLAP_BUFFER_ONE] = "buffer_one",
        [BF_OVERLAP_BUFFER_ALL] = "buffer_all",
        [BF_OVERLAP_CANCEL_OTHER] = "cancel_other",
        [BF_OVERLAP_TERMINATE_OTHER] = "terminate_other",
        [BF_OVERLAP_ALLOW_ALL] = "allow_all",
    };
    return NAME_OF (names, overlap);
}

const char *
bf_crowd_name (bf_crowd crowd)
{
    static const char *const names[] = {
        [BF_CROWD_NONE] = "none",
        [BF_CROWD_RUNNING] = "running",
        [BF_CROWD_WAITING] = "waiting",
        [BF_CROWD_FULL] = "full",
    };
    return NAME_OF (names, crowd);
}

const char *
bf_overlap_act_name (bf_overlap_act act)
{
    static const char *const names[] = {
        [BF_OVERLAP_FIRE] = "fire",     [BF_OVERLAP_BLOCK] = "block",
        [BF_OVERLAP_PASS] = "pass",     [BF_OVERLAP_DROP] = "drop",
        [BF_OVERLAP_CANCEL] = "cancel", [BF_OVERLAP_TERMINATE] = "terminate",
    };
    return NAME_OF (names, act);
}
