/* SPDX-License-Identifier: MPL-2.0
 *
 * Slots by arithmetic: the grid is never walked, so that a week's sleep costs what a
 * second's does.
 */
#include "core/trigger.h"

#include "core/base/errors.h"
#include "core/base/hash.h"

/* How far a search for a point goes on from one excluded stretch to the next. */
#define EXCLUDED_MAX_US (40 * 366 * BF_DAY_US)

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

static int64_t
divide_up (int64_t value, int64_t by)
{
    return divide_down (value - 1, by) + 1;
}

bf_clock
bf_trigger_clock (const bf_trigger *trigger)
{
    return trigger->kind == BF_TRIGGER_AFTER ? BF_CLOCK_BOOT : BF_CLOCK_WALL;
}

bool
bf_trigger_is_calendar (const bf_trigger *trigger)
{
    return trigger->kind == BF_TRIGGER_CRON || trigger->kind == BF_TRIGGER_DAILY ||
           trigger->kind == BF_TRIGGER_RRULE;
}

bool
bf_trigger_recurs (const bf_trigger *trigger)
{
    return trigger->kind == BF_TRIGGER_EVERY || bf_trigger_is_calendar (trigger);
}

bool
bf_trigger_is_zoned (const bf_trigger *trigger)
{
    return bf_trigger_is_calendar (trigger) ||
           (trigger->kind == BF_TRIGGER_EVERY && trigger->n_exclude > 0);
}

int64_t
bf_trigger_anchor (const bf_trigger *trigger, const bf_zone *zone, int64_t now_us)
{
    int64_t begin_us = trigger->start_us != 0 ? trigger->start_us : now_us;
    if (trigger->kind == BF_TRIGGER_RRULE) {
        begin_us = least (most (begin_us, 0), BF_WALL_MAX_US);
        bf_instant begin = {divide_up (begin_us, BF_SECOND_US)};
        return bf_zone_local (zone, begin).s * BF_SECOND_US;
    }
    if (trigger->kind != BF_TRIGGER_EVERY) {
        return 0;
    }
    return trigger->anchored ? trigger->anchor_us : begin_us;
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
bf_grid_of (const bf_trigger *trigger, const bf_recurrence *recurrence, int64_t anchor_us,
            uint64_t job)
{
    BF_INVARIANT (bf_trigger_recurs (trigger));
    bool by_interval = trigger->kind == BF_TRIGGER_EVERY;
    BF_INVARIANT (by_interval ? trigger->us > 0 : recurrence != NULL);
    int64_t end_us = trigger->end_us != 0 ? trigger->end_us : BF_WALL_MAX_US;
    return (bf_grid){
        .interval_us = by_interval ? trigger->us : 0,
        .anchor_us = least (most (anchor_us, 0), BF_WALL_MAX_US),
        .recurrence = recurrence,
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

/* The first one at us or after: the one behind the last one before. */
static int64_t
point_from (const bf_grid *grid, int64_t us)
{
    return bf_us_add (point_until (grid, us - 1), grid->interval_us);
}

/* Whether a point is excluded, and the stretch around it in which all are as it is: both
 * ends are in. */
static bool
excludes (const bf_grid *grid, int64_t us, int64_t *first_us, int64_t *last_us)
{
    bf_instant from;
    bf_instant until;
    bf_instant at = {divide_down (us, BF_SECOND_US)};
    bool excluded = bf_recurrence_excludes (grid->recurrence, at, &from, &until);
    *first_us = from.s * BF_SECOND_US;
    *last_us = until.s * BF_SECOND_US - 1;
    return excluded;
}

/* The first point within from_us..grid->last_us that is not excluded. */
static bool
allowed_from (const bf_grid *grid, int64_t from_us, int64_t *found_us)
{
    int64_t limit_us = bf_us_add (from_us, EXCLUDED_MAX_US);
    int64_t point_us = point_from (grid, from_us);
    while (point_us <= grid->last_us) {
        int64_t first_us;
        int64_t last_us;
        if (grid->recurrence == NULL || !excludes (grid, point_us, &first_us, &last_us)) {
            *found_us = point_us;
            return true;
        }
        if (last_us >= limit_us) {
            return false;
        }
        point_us = point_from (grid, last_us + 1);
    }
    return false;
}

/* The last one within grid->first_us..until_us. */
static bool
allowed_until (const bf_grid *grid, int64_t until_us, int64_t *found_us)
{
    int64_t limit_us = until_us - EXCLUDED_MAX_US;
    int64_t point_us = point_until (grid, until_us);
    while (point_us >= grid->first_us) {
        int64_t first_us;
        int64_t last_us;
        if (grid->recurrence == NULL || !excludes (grid, point_us, &first_us, &last_us)) {
            *found_us = point_us;
            return true;
        }
        if (first_us <= limit_us) {
            return false;
        }
        point_us = point_until (grid, first_us - 1);
    }
    return false;
}

/* The instants of whole seconds within first_us..last_us. */
static void
whole_seconds (int64_t first_us, int64_t last_us, bf_instant *from, bf_instant *until)
{
    from->s = divide_up (first_us, BF_SECOND_US);
    until->s = divide_down (last_us, BF_SECOND_US) + 1;
}

bool
bf_grid_next (const bf_grid *grid, int64_t after_us, int64_t *due_us)
{
    int64_t from_us = bf_us_add (after_us, 1 - grid->offset_us);
    from_us = most (from_us, grid->first_us);
    if (from_us > grid->last_us) {
        return false;
    }
    int64_t slot_us;
    if (grid->interval_us > 0) {
        if (!allowed_from (grid, from_us, &slot_us)) {
            return false;
        }
    } else {
        bf_instant from;
        bf_instant until;
        whole_seconds (from_us, grid->last_us, &from, &until);
        if (!bf_recurrence_first (grid->recurrence, from, until, &from)) {
            return false;
        }
        slot_us = from.s * BF_SECOND_US;
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
    int64_t slot_us;
    if (grid->interval_us > 0) {
        if (!allowed_until (grid, until_us, &slot_us)) {
            return false;
        }
    } else {
        bf_instant from;
        bf_instant until;
        whole_seconds (grid->first_us, until_us, &from, &until);
        if (!bf_recurrence_last (grid->recurrence, from, until, &from)) {
            return false;
        }
        slot_us = from.s * BF_SECOND_US;
    }
    *due_us = slot_us + grid->offset_us;
    return true;
}

int64_t
bf_grid_back (const bf_grid *grid, int64_t due_us, uint64_t count)
{
    if (grid->recurrence != NULL) {
        while (count > 0 && bf_grid_last (grid, due_us - 1, &due_us)) {
            count--;
        }
        return due_us;
    }
    int64_t first_us;
    if (!bf_grid_next (grid, INT64_MIN, &first_us) || first_us >= due_us) {
        return due_us;
    }
    uint64_t before = (uint64_t)((due_us - first_us) / grid->interval_us);
    return count < before ? due_us - (int64_t)count * grid->interval_us : first_us;
}

/* The points within first_us..last_us, or none where last_us lies just before. */
static uint64_t
points_within (const bf_grid *grid, int64_t first_us, int64_t last_us)
{
    return (uint64_t)((point_until (grid, last_us) - point_until (grid, first_us - 1)) /
                      grid->interval_us);
}

/* Those of an interval that are not excluded: all, less those of excluded stretches. */
static uint64_t
count_allowed (const bf_grid *grid, int64_t first_us, int64_t last_us)
{
    uint64_t count = points_within (grid, first_us, last_us);
    for (int64_t at_us = first_us; at_us <= last_us;) {
        int64_t begin_us;
        int64_t end_us;
        if (excludes (grid, at_us, &begin_us, &end_us)) {
            count -= points_within (grid, at_us, least (end_us, last_us));
        }
        at_us = end_us + 1;
    }
    return count;
}

uint64_t
bf_grid_count (const bf_grid *grid, int64_t first_us, int64_t last_us)
{
    if (last_us < first_us) {
        return 0;
    }
    if (grid->recurrence == NULL) {
        return (uint64_t)((last_us - first_us) / grid->interval_us) + 1;
    }
    first_us -= grid->offset_us;
    last_us -= grid->offset_us;
    if (grid->interval_us > 0) {
        return count_allowed (grid, first_us, last_us);
    }
    bf_instant from;
    bf_instant until;
    whole_seconds (first_us, last_us, &from, &until);
    return bf_recurrence_count (grid->recurrence, from, until);
}
