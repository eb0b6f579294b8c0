/* SPDX-License-Identifier: MPL-2.0
 *
 * From local times to instants, and the list of slots that is known so far:
 *
 *      known_from_s                     known_until_s
 *           |--x----x--x----------x---x-------|  … written down as far as anybody asked
 */
#include "tests/simulation/checker/calendar.h"

#include <stdlib.h>
#include <string.h>

#include "tests/simulation/checker/table.h"

#define SECOND_US INT64_C (1000000)

#define TRIGGER(name) BELFRY__V1__JOB_SPEC__TRIGGER_##name
#define SKIPPED(name) BELFRY__V1__SKIPPED__SKIPPED_##name
#define REPEATED(name) BELFRY__V1__REPEATED__REPEATED_##name

/* A wall is never farther from UTC, what a gap moved included. */
#define FARTHEST_S (42 * HOUR_S)
/* belfry.proto, SKIPPED_AFTER_GAP: one so long is not made up. */
#define GAP_S (3 * HOUR_S)
#define HORIZON_S (41 * 366 * DAY_S)
/* How much is written down at once, at first and at most. */
#define STEP_LEAST_S (DAY_S / 2)
#define STEP_MOST_S (366 * DAY_S)

typedef struct {
    int64_t at_s;
    bool touched;
} point;

struct calendar {
    calendar_parts parts;
    cron_text *cron;
    rule_text *rule;
    Belfry__V1__Skipped skipped;
    Belfry__V1__Repeated repeated;
    int64_t known_from_s;
    int64_t known_until_s;
    int64_t from_s; /* of what is written down at the moment */
    int64_t until_s;
    point *points;
    size_t count;
    size_t room;
};

int64_t
floor_divide (int64_t value, int64_t by)
{
    int64_t whole = value / by;
    return value % by < 0 ? whole - 1 : whole;
}

bool
calendar_recurs (Belfry__V1__JobSpec__TriggerCase trigger)
{
    return trigger == TRIGGER (EVERY) || calendar_is_zoned (trigger);
}

bool
calendar_is_zoned (Belfry__V1__JobSpec__TriggerCase trigger)
{
    return trigger == TRIGGER (CRON) || trigger == TRIGGER (DAILY) ||
           trigger == TRIGGER (RRULE);
}

static bool
is_wild (const Belfry__V1__JobSpec *spec)
{
    cron_text *cron =
        spec->trigger_case == TRIGGER (CRON) ? cron_text_new (spec->cron, false) : NULL;
    bool wild = cron != NULL && cron_text_is_wild (cron);
    cron_text_destroy (&cron);
    return wild;
}

Belfry__V1__Skipped
calendar_default_skipped (const Belfry__V1__JobSpec *spec)
{
    return !calendar_is_zoned (spec->trigger_case) ? SKIPPED (UNSPECIFIED)
           : spec->trigger_case == TRIGGER (RRULE) ? SKIPPED (SHIFT)
           : is_wild (spec)                        ? SKIPPED (SKIP)
                                                   : SKIPPED (AFTER_GAP);
}

Belfry__V1__Repeated
calendar_default_repeated (const Belfry__V1__JobSpec *spec)
{
    return !calendar_is_zoned (spec->trigger_case) ? REPEATED (UNSPECIFIED)
           : is_wild (spec)                        ? REPEATED (BOTH)
                                                   : REPEATED (FIRST);
}

/* --- instants and walls ----------------------------------------------------------------
 */

int64_t
local_of_instant (const zone_rules *rules, int64_t at_s)
{
    return at_s + rules->spans[zone_span_at (rules, at_s)].offset_s;
}

static bool
is_excluded (const calendar *self, int64_t at_s)
{
    for (size_t i = 0; i < self->parts.exclude_count; i++) {
        if (exclusion_has (self->parts.excludes[i],
                           local_of_instant (self->parts.rules, at_s))) {
            return true;
        }
    }
    return false;
}

static void
write_down (calendar *self, int64_t at_s, bool touched)
{
    if (at_s < self->from_s || at_s >= self->until_s || is_excluded (self, at_s)) {
        return;
    }
    if (self->count == self->room) {
        self->room = 2 * self->room + 64;
        self->points = checker_grow (self->points, self->room, sizeof *self->points);
    }
    self->points[self->count++] = (point){at_s, touched};
}

/* The wall never shows it: the span behind the gap is this one. */
static void
write_skipped (calendar *self, int64_t local_s, size_t span)
{
    const zone_span *spans = self->parts.rules->spans;
    int64_t gap_s = spans[span].offset_s - spans[span - 1].offset_s;
    if (self->skipped == SKIPPED (SHIFT)) {
        write_down (self, local_s - spans[span - 1].offset_s, true);
    } else if (self->skipped == SKIPPED (AFTER_GAP) && gap_s < GAP_S) {
        write_down (self, spans[span].from_s, true);
    }
}

static void
write_local (void *context, int64_t local_s)
{
    calendar *self = context;
    const zone_rules *rules = self->parts.rules;
    int64_t at_s[2] = {0, 0};
    size_t count = 0;
    for (size_t i = zone_span_at (rules, local_s - FARTHEST_S);
         i < rules->count && rules->spans[i].from_s <= local_s + FARTHEST_S; i++) {
        const zone_span *span = &rules->spans[i];
        int64_t instant_s = local_s - span->offset_s;
        bool begun = i == 0 || instant_s >= span->from_s;
        bool over = i + 1 < rules->count && instant_s >= rules->spans[i + 1].from_s;
        if (begun && !over && count < 2) {
            at_s[count++] = instant_s;
        } else if (i > 0 && !begun && local_s >= span->from_s + span[-1].offset_s) {
            write_skipped (self, local_s, i);
        }
    }
    bool twice = count == 2;
    if (count > 0 && !(twice && self->repeated == REPEATED (SECOND))) {
        write_down (self, at_s[0], twice);
    }
    if (twice && self->repeated != REPEATED (FIRST)) {
        write_down (self, at_s[1], true);
    }
}

/* --- what is known ---------------------------------------------------------------------
 */

static int
by_time (const void *a, const void *b)
{
    const point *left = a;
    const point *right = b;
    return left->at_s != right->at_s ? (left->at_s < right->at_s ? -1 : 1)
                                     : (int)left->touched - (int)right->touched;
}

/* Several that come to one instant are one; one that needs no clock change explains it. */
static void
learn (calendar *self, int64_t until_s)
{
    size_t before = self->count;
    self->from_s = self->known_until_s;
    self->until_s = until_s;
    int64_t first_s = self->from_s - FARTHEST_S;
    int64_t last_s = until_s + FARTHEST_S;
    if (self->cron) {
        cron_text_locals (self->cron, first_s, last_s, write_local, self);
    } else {
        rule_text_locals (self->rule, first_s, last_s, write_local, self);
    }
    if (self->count > before) {
        qsort (self->points + before, self->count - before, sizeof *self->points, by_time);
    }
    size_t kept = before;
    for (size_t i = before; i < self->count; i++) {
        if (kept == before || self->points[kept - 1].at_s != self->points[i].at_s) {
            self->points[kept++] = self->points[i];
        }
    }
    self->count = kept;
    self->known_until_s = until_s;
}

static void
know (calendar *self, int64_t from_s, int64_t until_s)
{
    if (from_s < self->known_from_s || from_s > self->known_until_s + STEP_MOST_S) {
        self->count = 0;
        self->known_from_s = from_s;
        self->known_until_s = from_s;
    }
    while (self->known_until_s < until_s) {
        int64_t step_s = until_s - self->known_until_s;
        step_s = step_s < STEP_LEAST_S ? STEP_LEAST_S : step_s;
        learn (self, self->known_until_s + (step_s < STEP_MOST_S ? step_s : STEP_MOST_S));
    }
}

/* How many of the points are before this one. */
static size_t
place_of (const calendar *self, int64_t at_s)
{
    size_t low = 0;
    size_t high = self->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (self->points[middle].at_s < at_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* --- an interval -----------------------------------------------------------------------
 */

/* Excluded or not is decided by whole minutes of the wall, and walls show whole minutes. */
static bool
next_of_interval (const calendar *self, int64_t after_us, int64_t *slot_us)
{
    const Belfry__V1__Every *every = self->parts.spec->every;
    int64_t steps = floor_divide (after_us - every->anchor_us, every->interval_us) + 1;
    int64_t at_us = every->anchor_us + steps * every->interval_us;
    int64_t last_us = after_us + HORIZON_S * SECOND_US;
    int64_t end_us = self->parts.spec->end_us;
    last_us = end_us != 0 && end_us < last_us ? end_us : last_us;
    while (is_excluded (self, floor_divide (at_us, SECOND_US))) {
        int64_t minute_us = (floor_divide (at_us, 60 * SECOND_US) + 1) * 60 * SECOND_US;
        steps = floor_divide (minute_us - 1 - every->anchor_us, every->interval_us) + 1;
        at_us = every->anchor_us + steps * every->interval_us;
        if (at_us > last_us) {
            return false;
        }
    }
    *slot_us = at_us;
    return true;
}

/* --- asking ----------------------------------------------------------------------------
 */

static bool
is_interval (const calendar *self)
{
    return self->parts.spec->trigger_case == TRIGGER (EVERY);
}

bool
calendar_next (calendar *self, int64_t after_us, int64_t *slot_us)
{
    if (is_interval (self)) {
        return next_of_interval (self, after_us, slot_us);
    }
    int64_t from_s = floor_divide (after_us, SECOND_US) + 1;
    int64_t end_us = self->parts.spec->end_us;
    int64_t last_s = from_s + HORIZON_S;
    last_s = end_us != 0 && end_us / SECOND_US < last_s ? end_us / SECOND_US + 1 : last_s;
    int64_t step_s = STEP_LEAST_S;
    know (self, from_s, from_s);
    for (;;) {
        size_t at = place_of (self, from_s);
        if (at < self->count) {
            *slot_us = self->points[at].at_s * SECOND_US;
            return true;
        }
        if (self->known_until_s > last_s) {
            return false;
        }
        know (self, from_s, self->known_until_s + step_s);
        step_s = 2 * step_s < STEP_MOST_S ? 2 * step_s : STEP_MOST_S;
    }
}

uint64_t
calendar_count (calendar *self, int64_t from_us, int64_t until_us)
{
    if (until_us <= from_us) {
        return 0;
    }
    if (!is_interval (self)) {
        int64_t from_s = floor_divide (from_us - 1, SECOND_US) + 1;
        int64_t until_s = floor_divide (until_us - 1, SECOND_US) + 1;
        know (self, from_s, until_s);
        return place_of (self, until_s) - place_of (self, from_s);
    }
    uint64_t count = 0;
    for (int64_t at_us = from_us - 1;
         next_of_interval (self, at_us, &at_us) && at_us < until_us;) {
        count++;
    }
    return count;
}

bool
calendar_is_touched (calendar *self, int64_t slot_us)
{
    if (is_interval (self)) {
        return false;
    }
    int64_t at_s = floor_divide (slot_us, SECOND_US);
    know (self, at_s, at_s + 1);
    size_t at = place_of (self, at_s);
    return at < self->count && self->points[at].at_s == at_s && self->points[at].touched;
}

calendar *
calendar_new (const calendar_parts *parts)
{
    const Belfry__V1__JobSpec *spec = parts->spec;
    calendar *self = checker_alloc (1, sizeof *self);
    self->parts = *parts;
    self->skipped = spec->skipped;
    self->repeated = spec->repeated;
    bool read = true;
    if (spec->trigger_case == TRIGGER (RRULE)) {
        self->rule = rule_text_new (spec->rrule, parts->begin_s);
        read = self->rule != NULL;
    } else if (calendar_is_zoned (spec->trigger_case)) {
        bool daily = spec->trigger_case == TRIGGER (DAILY);
        self->cron = cron_text_new (daily ? spec->daily : spec->cron, daily);
        read = self->cron != NULL;
    }
    if (!read || (calendar_is_zoned (spec->trigger_case) && !parts->rules)) {
        calendar_destroy (&self);
    }
    return self;
}

void
calendar_destroy (calendar **self_p)
{
    calendar *self = *self_p;
    if (!self) {
        return;
    }
    cron_text_destroy (&self->cron);
    rule_text_destroy (&self->rule);
    free (self->points);
    free (self);
    *self_p = NULL;
}
