/* SPDX-License-Identifier: MPL-2.0
 *
 * Local times become instants, span by span. Within a span of one offset they map one to
 * one; the changes between spans are where the two switches come in. What falls out of the
 * plain mapping is called regular: under FIRST the later span leaves out what the span
 * before had already, under SECOND the earlier one what comes again. What a gap swallows
 * may be made up for: under AFTER_GAP by the instant of the change, under SHIFT by an
 * instant for each, which may fall between regular ones or on them.
 *
 * A zone promises that no local time is the business of two changes, so that regular times
 * depend on the neighbours of a span only. Instants that were shifted may still reach over
 * the change after theirs; the searches allow for that.
 */
#include "core/calendar/switches.h"

/* No offset is larger, so that no local time of an instant lies further from it. */
#define OFFSET_MAX_S (26 * INT64_C (3600))

/* No gap is longer: -25 h to +26 h. */
#define GAP_LONGEST_S (51 * INT64_C (3600))

static int64_t
smaller (int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
larger (int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Instants, held to those that the calendar knows. */
typedef struct {
    int64_t from_s;
    int64_t until_s;
} bounds_t;

static bounds_t
bounds_of (bf_instant from, bf_instant until)
{
    return (bounds_t){larger (from.s, BF_INSTANT_MIN_S),
                      smaller (until.s, BF_INSTANT_MAX_S + 1)};
}

/* Asks the set only where the last answer does not say it already: a sparse set is not
 * searched anew in each span. */
typedef struct {
    const bf_local_times *times;
    int64_t end_s;   /* searches go so far: up to it, or down to it */
    int64_t asked_s; /* the answer holds for all from here to found_s */
    int64_t found_s; /* end_s (end_s - 1) where there is none */
    bool asked;
} cursor_t;

/* The first local time of the set within the bounds; until_s or more where there is none.
 */
static int64_t
first_within (cursor_t *cursor, bounds_t local)
{
    if (local.from_s >= local.until_s) {
        return local.until_s;
    }
    if (!cursor->asked || local.from_s < cursor->asked_s ||
        local.from_s > cursor->found_s) {
        const bf_local_times *times = cursor->times;
        bf_local found = {cursor->end_s};
        times->kind->first (times->set, (bf_local){local.from_s}, (bf_local){cursor->end_s},
                            &found);
        cursor->asked = true;
        cursor->asked_s = local.from_s;
        cursor->found_s = found.s;
    }
    return cursor->found_s;
}

/* The last one; less than from_s where there is none. */
static int64_t
last_within (cursor_t *cursor, bounds_t local)
{
    if (local.from_s >= local.until_s) {
        return local.from_s - 1;
    }
    if (!cursor->asked || local.until_s > cursor->asked_s ||
        local.until_s <= cursor->found_s) {
        const bf_local_times *times = cursor->times;
        bf_local found = {cursor->end_s - 1};
        times->kind->last (times->set, (bf_local){cursor->end_s}, (bf_local){local.until_s},
                           &found);
        cursor->asked = true;
        cursor->asked_s = local.until_s;
        cursor->found_s = found.s;
    }
    return cursor->found_s;
}

/* Local times of a span that are regular, and within the bounds; empty where from_s is not
 * before until_s. */
static bounds_t
regular_in (const bf_local_times *times, bf_zone_span span, bounds_t bounds)
{
    bounds_t local = {
        .from_s = larger (bounds.from_s, span.from.s) + span.offset_s,
        .until_s = smaller (bounds.until_s, span.until.s) + span.offset_s,
    };
    if (times->switches.repeated == BF_REPEATED_FIRST && span.from.s != INT64_MIN) {
        bf_zone_span before = bf_zone_previous (times->zone, span);
        local.from_s = larger (local.from_s, span.from.s + before.offset_s);
    }
    if (times->switches.repeated == BF_REPEATED_SECOND && span.until.s != INT64_MAX) {
        bf_zone_span after = bf_zone_next (times->zone, span);
        local.until_s = smaller (local.until_s, span.until.s + after.offset_s);
    }
    return local;
}

/* A gap that is made up for. */
typedef struct {
    int64_t change_s; /* the instant at which it is jumped over */
    int64_t from_s;   /* the local times that it swallows… */
    int64_t until_s;
    int64_t reach_s; /* what makes up for it lies within so much from the change on */
} gap_t;

/* The gap that a span begins with; false where there is none to make up for. */
static bool
gap_before (const bf_local_times *times, bf_zone_span span, gap_t *gap)
{
    if (times->switches.skipped == BF_SKIPPED_SKIP || span.from.s == INT64_MIN) {
        return false;
    }
    int64_t before_s = bf_zone_previous (times->zone, span).offset_s;
    int64_t length_s = span.offset_s - before_s;
    bool shifts = times->switches.skipped == BF_SKIPPED_SHIFT;
    if (length_s <= 0 || (!shifts && length_s >= BF_GAP_MAX_S)) {
        return false;
    }
    *gap = (gap_t){
        .change_s = span.from.s,
        .from_s = span.from.s + before_s,
        .until_s = span.from.s + span.offset_s,
        .reach_s = shifts ? length_s : 1,
    };
    return true;
}

/* The local times of the gap whose instants lie within the bounds. Those of AFTER_GAP lie
 * all at the change. */
static bounds_t
swallowed_in (const gap_t *gap, bounds_t bounds)
{
    int64_t most_s = gap->until_s - gap->from_s;
    int64_t from_s = larger (bounds.from_s - gap->change_s, 0);
    int64_t until_s = larger (bounds.until_s - gap->change_s, 0);
    if (gap->reach_s < most_s) {
        from_s = from_s > 0 ? most_s : 0;
        until_s = until_s > 0 ? most_s : 0;
    }
    return (bounds_t){gap->from_s + from_s, gap->from_s + smaller (until_s, most_s)};
}

/* The instant that makes up for a local time of the gap. */
static int64_t
made_up (const gap_t *gap, int64_t local_s)
{
    return gap->change_s + smaller (local_s - gap->from_s, gap->reach_s - 1);
}

/* How far before an instant a change may lie that has to do with it. */
static int64_t
reach_of (const bf_local_times *times)
{
    return times->switches.skipped == BF_SKIPPED_SHIFT ? GAP_LONGEST_S : 0;
}

bool
bf_local_times_first (const bf_local_times *times, bf_instant from, bf_instant until,
                      bf_instant *found)
{
    bounds_t bounds = bounds_of (from, until);
    cursor_t cursor = {.times = times, .end_s = bounds.until_s + OFFSET_MAX_S};
    bf_instant earliest = {bounds.from_s - reach_of (times)};
    bf_zone_span span = bf_zone_at (times->zone, earliest);
    int64_t best_s = bounds.until_s;
    for (;;) {
        gap_t gap;
        if (gap_before (times, span, &gap)) {
            bounds_t local = swallowed_in (&gap, bounds);
            int64_t local_s = first_within (&cursor, local);
            if (local_s < local.until_s) {
                best_s = smaller (best_s, made_up (&gap, local_s));
            }
        }
        bounds_t local = regular_in (times, span, bounds);
        int64_t local_s = first_within (&cursor, local);
        if (local_s < local.until_s) {
            best_s = smaller (best_s, local_s - span.offset_s);
        }
        if (best_s <= span.until.s) {
            break;
        }
        span = bf_zone_next (times->zone, span);
    }
    if (best_s >= bounds.until_s) {
        return false;
    }
    found->s = best_s;
    return true;
}

bool
bf_local_times_last (const bf_local_times *times, bf_instant from, bf_instant until,
                     bf_instant *found)
{
    bounds_t bounds = bounds_of (from, until);
    cursor_t cursor = {.times = times, .end_s = bounds.from_s - OFFSET_MAX_S};
    bf_zone_span span = bf_zone_at (times->zone, (bf_instant){bounds.until_s - 1});
    int64_t best_s = bounds.from_s - 1;
    for (;;) {
        bounds_t local = regular_in (times, span, bounds);
        int64_t local_s = last_within (&cursor, local);
        if (local_s >= local.from_s) {
            best_s = larger (best_s, local_s - span.offset_s);
        }
        gap_t gap;
        if (gap_before (times, span, &gap)) {
            local = swallowed_in (&gap, bounds);
            local_s = last_within (&cursor, local);
            if (local_s >= local.from_s) {
                best_s = larger (best_s, made_up (&gap, local_s));
            }
        }
        /* Nothing of a span before this one comes later than this. */
        if (span.from.s <= best_s - reach_of (times) + 1) {
            break;
        }
        span = bf_zone_previous (times->zone, span);
    }
    if (best_s < bounds.from_s) {
        return false;
    }
    found->s = best_s;
    return true;
}

/* Those that are regular. */
static uint64_t
count_regular (const bf_local_times *times, bounds_t bounds)
{
    uint64_t count = 0;
    if (bounds.from_s >= bounds.until_s) {
        return 0;
    }
    bf_zone_span span = bf_zone_at (times->zone, (bf_instant){bounds.from_s});
    for (;;) {
        bounds_t local = regular_in (times, span, bounds);
        if (local.from_s < local.until_s) {
            count += times->kind->count (times->set, (bf_local){local.from_s},
                                         (bf_local){local.until_s});
        }
        if (span.until.s >= bounds.until_s) {
            return count;
        }
        span = bf_zone_next (times->zone, span);
    }
}

/* One by one, for the short stretches in which some are made up. */
static uint64_t
count_each (const bf_local_times *times, bounds_t bounds)
{
    uint64_t count = 0;
    bf_instant from = {bounds.from_s};
    while (bf_local_times_first (times, from, (bf_instant){bounds.until_s}, &from)) {
        count++;
        from.s++;
    }
    return count;
}

static bool
matches_in (const bf_local_times *times, int64_t from_s, int64_t until_s)
{
    bf_local found;
    return times->kind->first (times->set, (bf_local){from_s}, (bf_local){until_s}, &found);
}

uint64_t
bf_local_times_count (const bf_local_times *times, bf_instant from, bf_instant until)
{
    bounds_t bounds = bounds_of (from, until);
    uint64_t count = 0;
    bf_instant earliest = {bounds.from_s - reach_of (times)};
    bf_zone_span span = bf_zone_at (times->zone, earliest);
    for (;;) {
        gap_t gap;
        if (gap_before (times, span, &gap) && matches_in (times, gap.from_s, gap.until_s)) {
            /* Regular ones up to the change, and then whatever makes up for the gap. */
            bounds_t plain = {bounds.from_s, smaller (gap.change_s, bounds.until_s)};
            count += count_regular (times, plain);
            bounds_t touched = {
                larger (gap.change_s, bounds.from_s),
                smaller (gap.change_s + gap.reach_s, bounds.until_s),
            };
            count += count_each (times, touched);
            bounds.from_s = larger (bounds.from_s, touched.until_s);
        }
        if (span.until.s >= bounds.until_s) {
            return count + count_regular (times, bounds);
        }
        span = bf_zone_next (times->zone, span);
    }
}

/* Whether a shifted local time comes to this instant; the first such. */
static bool
find_shifted (const bf_local_times *times, bf_instant at, bf_local *local)
{
    bf_zone_span span = bf_zone_at (times->zone, (bf_instant){at.s - reach_of (times)});
    for (;;) {
        gap_t gap;
        if (gap_before (times, span, &gap)) {
            bounds_t swallowed = swallowed_in (&gap, (bounds_t){at.s, at.s + 1});
            bf_local found;
            if (times->kind->first (times->set, (bf_local){swallowed.from_s},
                                    (bf_local){swallowed.until_s}, &found)) {
                *local = found;
                return true;
            }
        }
        if (span.until.s > at.s) {
            return false;
        }
        span = bf_zone_next (times->zone, span);
    }
}

bf_slot_note
bf_local_times_explain (const bf_local_times *times, bf_instant at, bf_local *local)
{
    bf_zone_span span = bf_zone_at (times->zone, at);
    bounds_t regular = regular_in (times, span, (bounds_t){at.s, at.s + 1});
    *local = (bf_local){at.s + span.offset_s};
    if (regular.from_s < regular.until_s &&
        matches_in (times, regular.from_s, regular.until_s)) {
        bf_local_meaning meaning = bf_zone_resolve (times->zone, *local);
        if (meaning.kind == BF_LOCAL_UNIQUE) {
            return BF_NOTE_PLAIN;
        }
        return at.s == meaning.first.s ? BF_NOTE_FIRST : BF_NOTE_SECOND;
    }
    if (!find_shifted (times, at, local)) {
        return BF_NOTE_PLAIN;
    }
    return times->switches.skipped == BF_SKIPPED_SHIFT ? BF_NOTE_SHIFTED
                                                       : BF_NOTE_AFTER_GAP;
}
