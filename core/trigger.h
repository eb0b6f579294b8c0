/* SPDX-License-Identifier: MPL-2.0
 *
 * When: what a trigger says, and the slots that follow from it. Pure arithmetic; times are
 * microseconds on the clock of the trigger.
 *
 *   start      anchor + n * interval                     end
 *     |   .--------.--------.--------.--------.--------.  |
 *     |   |  +off  |  +off  |  +off  |  +off  |  +off     |
 *         due      due      due      due      due
 *
 * The grid is fixed: whenever a slot fires, the next one stays where it is. Jitter moves
 * all slots of a job by the same offset; start and end bound the grid, not the offset. The
 * slots of CRON, DAILY and RRULE come from core/calendar/ instead of an interval, and are a
 * grid like any other from here on. Exclusion calendars take points out of either.
 */
#ifndef BF_CORE_TRIGGER_H
#define BF_CORE_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/time.h"
#include "core/calendar/recurrence.h"

/* Which clock a due time counts on. */
typedef enum {
    BF_CLOCK_WALL = 0,
    BF_CLOCK_BOOT = 1, /* CLOCK_BOOTTIME, carried on over reboots: persist/ledger/scale.h */
} bf_clock;

typedef enum {
    BF_TRIGGER_AT = 1,
    BF_TRIGGER_AFTER = 2,
    BF_TRIGGER_EVERY = 3,
    BF_TRIGGER_CRON = 4,
    BF_TRIGGER_DAILY = 5,
    BF_TRIGGER_RRULE = 6,
} bf_trigger_kind;

/* See JobSpec in belfry.proto. */
typedef struct {
    bf_trigger_kind kind;
    int64_t us;        /* AT: the instant. AFTER: the delay. EVERY: the interval, > 0 */
    bool anchored;     /* EVERY: the author gave the anchor… */
    int64_t anchor_us; /* …and this is it */
    /* CRON, DAILY, RRULE: the text, the zone ("UTC" where none was said), and what skipped
     * and repeated local times mean, 0 for the default of the kind. Borrowed. */
    const char *text;
    const char *tz;
    bf_switches switches;
    /* Recurring: the names of exclusion calendars; tz is theirs, too. Borrowed. */
    char *const *exclude;
    size_t n_exclude;
    int64_t start_us;  /* recurring: no slot before it; 0: open */
    int64_t end_us;    /* recurring: no slot after it; 0: open */
    uint32_t max_runs; /* recurring: slots that fire in all; 0: no limit */
    bf_span jitter;    /* slots are due up to this much later */
} bf_trigger;

bf_clock bf_trigger_clock (const bf_trigger *trigger);
bool bf_trigger_recurs (const bf_trigger *trigger);

/* Its slots come from core/calendar/: CRON, DAILY or RRULE. */
bool bf_trigger_is_calendar (const bf_trigger *trigger);
/* It needs a bf_recurrence: a calendar, or an interval with exclusions. */
bool bf_trigger_is_zoned (const bf_trigger *trigger);

/* The anchor of a recurring trigger that is defined at `now`. EVERY: as given, else
 * start_us, else now. RRULE: the same (start_us or now, rounded up to a whole second) as
 * local time of its zone, what begins a rule without a DTSTART. 0 for all others. */
int64_t bf_trigger_anchor (const bf_trigger *trigger, const bf_zone *zone, int64_t now_us);

/* How much later than its trigger says every slot of this job is due: 0..jitter, a hash of
 * its id. One-shots have it too. */
bf_span bf_trigger_offset (const bf_trigger *trigger, uint64_t job);

/* The slots of one recurring job, bounds and offset included. A value: copies the trigger's
 * numbers, so that it outlives it, but not the recurrence. */
typedef struct {
    int64_t interval_us; /* 0: the recurrence's own slots */
    int64_t anchor_us;
    const bf_recurrence *recurrence; /* NULL: a plain interval, nothing excluded */
    int64_t first_us;                /* no point of the grid before it is a slot… */
    int64_t last_us; /* …and none after it: start, end, and the years 1970 to 2400 */
    int64_t offset_us;
} bf_grid;

/* anchor_us: what bf_trigger_anchor said as the job was defined. recurrence: of a trigger
 * that is zoned, else NULL; borrowed. */
bf_grid bf_grid_of (const bf_trigger *trigger, const bf_recurrence *recurrence,
                    int64_t anchor_us, uint64_t job);

/* The first slot that is due after `after_us`, any int64. False: there is none. */
bool bf_grid_next (const bf_grid *grid, int64_t after_us, int64_t *due_us);
/* The last slot that is due at `until_us`, any int64, or before. False: there is none. */
bool bf_grid_last (const bf_grid *grid, int64_t until_us, int64_t *due_us);
/* The slot `count` places before the one at due_us, or the first one of all. */
int64_t bf_grid_back (const bf_grid *grid, int64_t due_us, uint64_t count);
/* How many slots there are from the one at first_us to the one at last_us, both included.
 */
uint64_t bf_grid_count (const bf_grid *grid, int64_t first_us, int64_t last_us);

#endif
