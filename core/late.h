/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of lateness: what becomes of slots that could not fire in time. A slot is late
 * when more than `grace` passed between its due time and the moment at which it came within
 * reach: the scheduler was back, the clock was set, the job was resumed. Within grace every
 * policy fires it normally. The picture and the table of policies are in late.c and in
 * docs/states.md.
 */
#ifndef BF_CORE_LATE_H
#define BF_CORE_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/time.h"
#include "core/trigger.h"

typedef enum {
    BF_LATE_FIRE_ONCE = 1,
    BF_LATE_FIRE_ALL = 2,
    BF_LATE_SKIP = 3,
    BF_LATE_FAIL = 4,
} bf_late;

#define BF_LATE_LAST BF_LATE_FAIL

/* "fire_once". Static; "unknown" beyond the list. */
const char *bf_late_name (bf_late late);

/* Every default resolved. */
typedef struct {
    bf_late late;
    bf_span grace;
    uint32_t catchup_max;
} bf_late_policy;

/* Between two late slots of one job that both fire, at most: half an interval where that is
 * less, so that the job comes back to its time. */
#define BF_LATE_PACE_US (100 * BF_MS_US)

/* An unbroken stretch of slots; count 0: none. */
typedef struct {
    int64_t first_us;
    int64_t last_us;
    uint64_t count;
} bf_stretch;

/* What becomes of the slot after the dropped ones. */
typedef enum {
    BF_SLOT_FIRE = 1, /* it becomes a run */
    BF_SLOT_FAIL,     /* it becomes a run that has failed once */
    BF_SLOT_NONE,     /* nothing now: the next slot, if any, is judged in its own time */
} bf_slot_act;

typedef struct {
    bf_stretch dropped; /* these first; they begin at the slot that was judged */
    bool skipped;       /* they are skipped (policy SKIP) rather than missed */
    bf_slot_act act;
    int64_t slot_us;  /* FIRE, FAIL: this one, the first after those dropped */
    bool late;        /* it is late: always with FAIL */
    bf_stretch alike; /* it, and those behind it that are late and to fire as well: they are
                         paced, and where it is refused so are they */
} bf_late_verdict;

/* due_us: the job's slot, due by now_us. reached_us: when it came within reach, due_us or
 * before where it was in time; not after now_us, where the clock was set back since. grid:
 * NULL for a one-shot. All on the job's clock. Slots of the grid that are due by reached_us
 * came within reach together with it. */
bf_late_verdict bf_late_judge (const bf_late_policy *policy, const bf_grid *grid,
                               int64_t due_us, int64_t reached_us, int64_t now_us);

/* A pause that is resumed from now: everything due by now_us is missed. act is NONE. */
bf_late_verdict bf_late_forgo (const bf_grid *grid, int64_t due_us, int64_t now_us);

#endif
