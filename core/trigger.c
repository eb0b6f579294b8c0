/* SPDX-License-Identifier: MPL-2.0
 *
 * Slots by arithmetic: the grid is never walked, so that a week's sleep costs what a
 * second's does.
 */
#include "core/trigger.h"

#include "core/base/errors.h"
#include "core/base/hash.h"

static int64_t
least (int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
most (int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t
divide_down (int64_t value, int64_t by)
{
    int64_t whole = value / by;
    return value % by < 0 ? whole - 1 : whole;
}

bf_clock
bf_trigger_clock (const bf_trigger *trigger)
{
    return trigger->kind == BF_TRIGGER_AFTER ? BF_CLOCK_BOOT : BF_CLOCK_WALL;
}

bool
bf_trigger_recurs (const bf_trigger *trigger)
{
    return trigger->kind == BF_TRIGGER_EVERY;
}

int64_t
bf_trigger_anchor (const bf_trigger *trigger, int64_t now_us)
{
    if (!bf_trigger_recurs (trigger)) {
        return 0;
    }
    if (trigger->anchored) {
        return trigger->anchor_us;
    }
    return trigger->start_us != 0 ? trigger->start_us : now_us;
}

bf_span
bf_trigger_offset (const bf_trigger *trigger, uint64_t job)
{
    if (trigger->jitter.us == 0) {
        return (bf_span){0};
    }
    return (bf_span){(int64_t)(bf_mix (job) % ((uint64_t)trigger->jitter.us + 1))};
}

bf_grid
bf_grid_of (const bf_trigger *trigger, int64_t anchor_us, uint64_t job)
{
    BF_INVARIANT (bf_trigger_recurs (trigger) && trigger->us > 0);
    int64_t end_us = trigger->end_us != 0 ? trigger->end_us : BF_WALL_MAX_US;
    return (bf_grid){
        .interval_us = trigger->us,
        .anchor_us = least (most (anchor_us, 0), BF_WALL_MAX_US),
        .first_us = most (trigger->start_us, 0),
        .last_us = least (end_us, BF_WALL_MAX_US),
        .offset_us = bf_trigger_offset (trigger, job).us,
    };
}

/* The last point of the grid at us or before, whatever its bounds. us and the anchor lie
 * within -1..BF_WALL_MAX_US, so that nothing here overflows, however long the interval. */
static int64_t
point_until (const bf_grid *grid, int64_t us)
{
    int64_t n = divide_down (us - grid->anchor_us, grid->interval_us);
    return grid->anchor_us + n * grid->interval_us;
}

bool
bf_grid_next (const bf_grid *grid, int64_t after_us, int64_t *due_us)
{
    int64_t from_us = bf_us_add (after_us, 1 - grid->offset_us);
    from_us = most (from_us, grid->first_us);
    if (from_us > grid->last_us) {
        return false;
    }
    /* The first point at from_us or after is the one behind the last point before. */
    int64_t slot_us = bf_us_add (point_until (grid, from_us - 1), grid->interval_us);
    if (slot_us > grid->last_us) {
        return false;
    }
    *due_us = slot_us + grid->offset_us;
    return true;
}

bool
bf_grid_last (const bf_grid *grid, int64_t until_us, int64_t *due_us)
{
    until_us = least (bf_us_add (until_us, -grid->offset_us), grid->last_us);
    if (until_us < grid->first_us) {
        return false;
    }
    int64_t slot_us = point_until (grid, until_us);
    if (slot_us < grid->first_us) {
        return false;
    }
    *due_us = slot_us + grid->offset_us;
    return true;
}

int64_t
bf_grid_back (const bf_grid *grid, int64_t due_us, uint64_t count)
{
    int64_t first_us;
    if (!bf_grid_next (grid, INT64_MIN, &first_us) || first_us >= due_us) {
        return due_us;
    }
    uint64_t before = (uint64_t)((due_us - first_us) / grid->interval_us);
    return count < before ? due_us - (int64_t)count * grid->interval_us : first_us;
}

uint64_t
bf_grid_count (const bf_grid *grid, int64_t first_us, int64_t last_us)
{
    return last_us < first_us ? 0
                              : (uint64_t)((last_us - first_us) / grid->interval_us) + 1;
}
