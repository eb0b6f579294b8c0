/* SPDX-License-Identifier: MPL-2.0
 *
 * The search for the times of a recurrence rule, forward, backward and by number. It goes
 * in leaps: from where it is to the next period that INTERVAL reaches, from there to the
 * next day that meets the rule (a month at a time), from there to the next time of day,
 * until all three agree. With BYSETPOS it leaps to the next time without it, and then asks
 * which of that period are taken. Every leap is a step, and steps are counted, so that no
 * rule can keep it searching for ever.
 */
#include "core/calendar/rrule_rule.h"

/* What the days of a month, or all of a period, cost: as much as so many leaps. */
#define MONTH_STEPS 4
#define PERIOD_STEPS 8

#define HOUR_S 3600
#define MINUTE_S 60
#define HOURS 24
#define MINUTES 60
#define SECONDS 60

/* One search, and the month that it is in. */
typedef struct {
    const bf_rrule *rule;
    bf_rrule_clock clock;
    int64_t steps;
    int64_t month_first; /* its first day */
    int64_t month_until; /* the day after it */
    uint64_t month;      /* bit n: its day n + 1 meets the rule */
} search_t;

static search_t
search_new (const bf_rrule *rule, int64_t steps)
{
    return (search_t){.rule = rule, .clock = bf_rrule_clock_of (rule), .steps = steps};
}

static int64_t
day_of (int64_t at)
{
    return bf_local_day ((bf_local){at});
}

static void
enter_month (search_t *self, int64_t day)
{
    if (day < self->month_first || day >= self->month_until) {
        bf_date date = bf_date_of (day);
        self->month_first = day - (date.day - 1);
        self->month_until = self->month_first + bf_days_in_month (date.year, date.month);
        self->month = bf_rrule_month (self->rule, date.year, date.month);
        self->steps -= MONTH_STEPS;
    }
}

/* The time itself where its period is one that INTERVAL reaches, else the beginning of the
 * next such period, or the end of the one before. Not for times before the start. */
static int64_t
grid_ceil (const bf_rrule *rule, int64_t at)
{
    if (rule->interval == 1) {
        return at;
    }
    int64_t unit = bf_rrule_unit (rule, at);
    int64_t over = (unit - rule->start_unit) % rule->interval;
    return over == 0 ? at : bf_rrule_unit_start (rule, unit - over + rule->interval);
}

static int64_t
grid_floor (const bf_rrule *rule, int64_t at)
{
    if (rule->interval == 1) {
        return at;
    }
    int64_t unit = bf_rrule_unit (rule, at);
    int64_t over = (unit - rule->start_unit) % rule->interval;
    return over == 0 ? at : bf_rrule_unit_start (rule, unit - over + 1) - 1;
}

/* The next (last) day of the same month that meets the rule, else the first of the next
 * month (the last of the one before), which may or may not. */
static int64_t
day_ceil (search_t *self, int64_t day)
{
    enter_month (self, day);
    uint64_t left = self->month >> (day - self->month_first);
    return left != 0 ? day + __builtin_ctzll (left) : self->month_until;
}

static int64_t
day_floor (search_t *self, int64_t day)
{
    enter_month (self, day);
    uint64_t left = self->month & ((UINT64_C (2) << (day - self->month_first)) - 1);
    return left != 0 ? self->month_first + 63 - __builtin_clzll (left)
                     : self->month_first - 1;
}

/* The first time at or after `at`, before `until`, in a period of the grid and on a day
 * that meets the rule. */
static bool
reach_day (search_t *self, int64_t at, int64_t until, int64_t *found)
{
    while (at < until && self->steps-- > 0) {
        int64_t next = grid_ceil (self->rule, at);
        if (next == at) {
            int64_t day = day_of (at);
            int64_t next_day = day_ceil (self, day);
            if (next_day == day) {
                *found = at;
                return true;
            }
            next = next_day * BF_DAY_S;
        }
        at = next;
    }
    return false;
}

/* The first time at or after `at`, before `until`, that meets the rule but for BYSETPOS. */
static bool
leap (search_t *self, int64_t at, int64_t until, int64_t *found)
{
    while (reach_day (self, at, until, &at)) {
        int64_t midnight = day_of (at) * BF_DAY_S;
        int64_t next = midnight + bf_rrule_clock_ceil (&self->clock, at - midnight);
        if (next == at) {
            *found = at;
            return true;
        }
        at = next;
    }
    return false;
}

/* The last such time at or before `at`, from `from` on. */
static bool
leap_back (search_t *self, int64_t at, int64_t from, int64_t *found)
{
    while (at >= from && self->steps-- > 0) {
        int64_t last = grid_floor (self->rule, at);
        if (last == at) {
            int64_t day = day_of (at);
            int64_t last_day = day_floor (self, day);
            if (last_day == day) {
                int64_t midnight = day * BF_DAY_S;
                last = midnight + bf_rrule_clock_floor (&self->clock, at - midnight);
            } else {
                last = last_day * BF_DAY_S + BF_DAY_S - 1;
            }
            if (last == at) {
                *found = at;
                return true;
            }
        }
        at = last;
    }
    return false;
}

static bool
first (search_t *self, int64_t from, int64_t until, int64_t *found)
{
    const bf_rrule *rule = self->rule;
    if (!bf_rrule_has (rule, BF_BYSETPOS)) {
        return leap (self, from, until, found);
    }
    int64_t at = from;
    while (leap (self, at, until, &at)) {
        int64_t unit = bf_rrule_unit (rule, at);
        bf_rrule_period period;
        bf_rrule_expand (rule, unit, &period);
        self->steps -= PERIOD_STEPS;
        int64_t rank =
            bf_rrule_position_ceil (rule, bf_rrule_rank (&period, at), period.size);
        if (rank >= 0) {
            at = bf_rrule_select (&period, rank);
            *found = at;
            return at < until;
        }
        at = bf_rrule_unit_start (rule, unit + 1);
    }
    return false;
}

bool
bf_rrule_search_first (const bf_rrule *rule, int64_t from, int64_t until, int64_t *steps,
                       int64_t *found)
{
    search_t search = search_new (rule, *steps);
    int64_t at;
    bool is_there = first (&search, from, until, &at);
    *steps = search.steps;
    if (is_there) {
        *found = at;
    }
    return is_there;
}

static bool
last (search_t *self, int64_t from, int64_t until, int64_t *found)
{
    const bf_rrule *rule = self->rule;
    if (!bf_rrule_has (rule, BF_BYSETPOS)) {
        return leap_back (self, until - 1, from, found);
    }
    int64_t at = until - 1;
    while (leap_back (self, at, from, &at)) {
        int64_t unit = bf_rrule_unit (rule, at);
        bf_rrule_period period;
        bf_rrule_expand (rule, unit, &period);
        self->steps -= PERIOD_STEPS;
        int64_t rank =
            bf_rrule_position_below (rule, bf_rrule_rank (&period, at) + 1, period.size);
        if (rank >= 0) {
            at = bf_rrule_select (&period, rank);
            *found = at;
            return at >= from;
        }
        at = bf_rrule_unit_start (rule, unit) - 1;
    }
    return false;
}

bool
bf_rrule_search_last (const bf_rrule *rule, int64_t from, int64_t until, int64_t *steps,
                      int64_t *found)
{
    search_t search = search_new (rule, *steps);
    int64_t at;
    bool is_there = last (&search, from, until, &at);
    *steps = search.steps;
    if (is_there) {
        *found = at;
    }
    return is_there;
}

/* --- By number --- */

/* Of the `size` units from one on, those that INTERVAL reaches; bit 0: that one. */
static uint64_t
on_grid (const bf_rrule *rule, int64_t unit, int64_t size)
{
    /* Negative before the start, in the day that it lies in. */
    int64_t over = (unit - rule->start_unit) % rule->interval;
    uint64_t bits = 0;
    for (int64_t next = over > 0 ? rule->interval - over : -over; next < size;
         next += rule->interval) {
        bits |= UINT64_C (1) << next;
    }
    return bits;
}

/* How many times of a day that meets the rule lie before its second `second`. */
static int64_t
below (search_t *self, int64_t midnight, int64_t second)
{
    const bf_rrule *rule = self->rule;
    bf_rrule_clock clock = self->clock;
    if (rule->freq <= BF_FREQ_DAILY || rule->interval == 1) {
        return bf_rrule_clock_below (&clock, second);
    }
    if (rule->freq == BF_FREQ_HOURLY) {
        clock.hours &= on_grid (rule, bf_rrule_unit (rule, midnight), HOURS);
        return bf_rrule_clock_below (&clock, second);
    }
    int64_t sum = 0;
    int64_t stride = rule->freq == BF_FREQ_MINUTELY ? HOUR_S : MINUTE_S;
    for (int64_t at = 0; at < second; at += stride) {
        clock = self->clock;
        clock.hours &= UINT64_C (1) << (at / HOUR_S);
        int64_t unit = bf_rrule_unit (rule, midnight + at);
        if (rule->freq == BF_FREQ_MINUTELY) {
            clock.minutes &= on_grid (rule, unit, MINUTES);
        } else {
            clock.minutes &= UINT64_C (1) << (at % HOUR_S / MINUTE_S);
            clock.seconds &= on_grid (rule, unit, SECONDS);
        }
        self->steps--;
        sum += bf_rrule_clock_below (&clock, second);
    }
    return sum;
}

/* Day by day: what is left of it from `at` on, up to `until`. */
typedef struct {
    int64_t midnight;
    int64_t from;
    int64_t until;
    int64_t before; /* times of the day before from… */
    int64_t size;   /* …and from there on */
} day_t;

static bool
next_day (search_t *self, int64_t at, int64_t until, day_t *day)
{
    if (!reach_day (self, at, until, &day->from)) {
        return false;
    }
    day->midnight = day_of (day->from) * BF_DAY_S;
    day->until = day->midnight + BF_DAY_S < until ? day->midnight + BF_DAY_S : until;
    day->before = below (self, day->midnight, day->from - day->midnight);
    day->size = below (self, day->midnight, day->until - day->midnight) - day->before;
    return true;
}

uint64_t
bf_rrule_search_count (const bf_rrule *rule, int64_t from, int64_t until)
{
    search_t search = search_new (rule, INT64_MAX);
    uint64_t count = 0;
    if (bf_rrule_has (rule, BF_BYSETPOS)) {
        for (int64_t at = from; first (&search, at, until, &at); at++) {
            count++;
        }
        return count;
    }
    day_t day;
    for (int64_t at = from; next_day (&search, at, until, &day); at = day.until) {
        count += (uint64_t)day.size;
    }
    return count;
}

/* The time of a day that has `index` of its others before it. */
static int64_t
nth_of_day (search_t *self, const day_t *day, int64_t index)
{
    int64_t low = day->from - day->midnight; /* at most index before it… */
    int64_t high = BF_DAY_S;                 /* …and more before this one */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (below (self, day->midnight, middle) > index) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return day->midnight + low;
}

static bool
nth_by_walk (search_t *self, int64_t n, int64_t until, int64_t *found)
{
    int64_t at = self->rule->start;
    for (; first (self, at, until, &at); at++) {
        if (--n == 0) {
            *found = at;
            return true;
        }
    }
    return false;
}

static bool
nth_by_day (search_t *self, int64_t n, int64_t until, int64_t *found)
{
    day_t day;
    for (int64_t at = self->rule->start; next_day (self, at, until, &day); at = day.until) {
        if (n <= day.size) {
            *found = nth_of_day (self, &day, day.before + n - 1);
            return true;
        }
        n -= day.size;
    }
    return false;
}

bool
bf_rrule_search_nth (const bf_rrule *rule, int64_t n, int64_t until, int64_t *steps,
                     int64_t *found)
{
    search_t search = search_new (rule, *steps);
    bool is_there = bf_rrule_has (rule, BF_BYSETPOS)
                        ? nth_by_walk (&search, n, until, found)
                        : nth_by_day (&search, n, until, found);
    *steps = search.steps;
    return is_there;
}
