/* SPDX-License-Identifier: MPL-2.0
 *
 * A recurrence as a set of local times: the rule, less EXDATE, and RDATE. Opening it turns
 * everything that was written as an instant into local time, and works out where the rule
 * ends, so that all questions after that are answered from where they ask.
 */
#include "core/calendar/rrule_rule.h"

/* A day after the last instant, as local times may be; and long before the first time that
 * can be written. */
#define LIMIT_S (BF_INSTANT_MAX_S + BF_DAY_S)
#define FLOOR_S (-(INT64_C (2000) * 366 * BF_DAY_S))

bf_switches
bf_rrule_switches (void)
{
    return (bf_switches){BF_SKIPPED_SHIFT, BF_REPEATED_FIRST};
}

/* --- EXDATE and RDATE --- */

/* The first of the dates, from..until within the list, that ends after a time; `until` if
 * there is none. */
static size_t
date_after (const bf_rrule *rule, size_t from, size_t until, int64_t at)
{
    while (from < until) {
        size_t middle = from + (until - from) / 2;
        if (rule->dates[middle].until > at) {
            until = middle;
        } else {
            from = middle + 1;
        }
    }
    return from;
}

/* The EXDATE that a time is of; NULL: none. */
static const bf_rrule_date *
excluding (const bf_rrule *rule, int64_t at)
{
    size_t i = date_after (rule, 0, rule->n_excluded, at);
    return i < rule->n_excluded && rule->dates[i].from <= at ? &rule->dates[i] : NULL;
}

static size_t
n_dates (const bf_rrule *rule)
{
    return rule->n_excluded + rule->n_added;
}

/* --- The rule's own times --- */

static int64_t
later (int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t
earlier (int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool
rule_first (const bf_rrule *rule, int64_t from, int64_t until, int64_t *steps,
            int64_t *found)
{
    from = later (from, rule->start);
    until = earlier (until, rule->end + 1);
    return bf_rrule_search_first (rule, from, until, steps, found);
}

static uint64_t
rule_count (const bf_rrule *rule, int64_t from, int64_t until)
{
    from = later (from, rule->start);
    until = earlier (until, rule->end + 1);
    return bf_rrule_search_count (rule, from, until);
}

/* --- The set --- */

static bool
set_first (const void *set, bf_local from, bf_local until, bf_local *found)
{
    const bf_rrule *rule = set;
    int64_t steps = BF_RRULE_BUDGET;
    int64_t best = until.s;
    int64_t at = from.s;
    while (rule_first (rule, at, best, &steps, &at)) {
        const bf_rrule_date *out = excluding (rule, at);
        if (out == NULL) {
            best = at;
            break;
        }
        at = out->until;
    }
    for (size_t i = date_after (rule, rule->n_excluded, n_dates (rule), from.s);
         i < n_dates (rule) && rule->dates[i].from < best; i++) {
        if (excluding (rule, rule->dates[i].from) == NULL) {
            best = rule->dates[i].from;
        }
    }
    if (best >= until.s) {
        return false;
    }
    found->s = best;
    return true;
}

static bool
set_last (const void *set, bf_local from, bf_local until, bf_local *found)
{
    const bf_rrule *rule = set;
    int64_t steps = BF_RRULE_BUDGET;
    int64_t none = later (from.s, FLOOR_S) - 1;
    int64_t best = none;
    int64_t at = earlier (until.s, rule->end + 1);
    while (bf_rrule_search_last (rule, later (from.s, rule->start), at, &steps, &at)) {
        const bf_rrule_date *out = excluding (rule, at);
        if (out == NULL) {
            best = at;
            break;
        }
        at = out->from;
    }
    /* Those that end at or before `until` begin before it. */
    for (size_t i = date_after (rule, rule->n_excluded, n_dates (rule), until.s);
         i > rule->n_excluded && rule->dates[i - 1].from > best; i--) {
        if (excluding (rule, rule->dates[i - 1].from) == NULL) {
            best = rule->dates[i - 1].from;
        }
    }
    if (best == none) {
        return false;
    }
    found->s = best;
    return true;
}

static uint64_t
set_count (const void *set, bf_local from, bf_local until)
{
    const bf_rrule *rule = set;
    uint64_t count = rule_count (rule, from.s, until.s);
    for (size_t i = 0; i < rule->n_excluded; i++) {
        const bf_rrule_date *out = &rule->dates[i];
        count -=
            rule_count (rule, later (from.s, out->from), earlier (until.s, out->until));
    }
    for (size_t i = rule->n_excluded; i < n_dates (rule); i++) {
        int64_t at = rule->dates[i].from;
        if (at >= from.s && at < until.s && excluding (rule, at) == NULL &&
            rule_count (rule, at, at + 1) == 0) {
            count++;
        }
    }
    return count;
}

const bf_local_set bf_rrule_times = {
    .first = set_first,
    .last = set_last,
    .count = set_count,
};

/* --- Opening --- */

static int64_t
moment_local (bf_rrule_moment moment, const bf_zone *zone)
{
    return moment.form == BF_MOMENT_UTC ? bf_zone_local (zone, (bf_instant){moment.s}).s
                                        : moment.s;
}

static void
resolve (const bf_rrule *rule, const bf_zone *zone, bf_rrule_date *date)
{
    date->from = moment_local (date->said, zone);
    date->until = date->from + 1;
    if (date->said.form == BF_MOMENT_DATE) {
        if (date->added) {
            date->from += bf_local_second ((bf_local){rule->start});
            date->until = date->from + 1;
        } else {
            date->until = date->from + BF_DAY_S;
        }
    }
}

/* Whether the first of two comes first: EXDATEs before RDATEs, and by time. */
static bool
is_before (const bf_rrule_date *a, const bf_rrule_date *b)
{
    return a->added != b->added ? b->added : a->from < b->from;
}

/* Puts the dates in order and makes one of those that overlap: at most 512, so that the
 * simple way is the quick one, and needs no memory. */
static void
settle_dates (bf_rrule *rule, const bf_zone *zone)
{
    size_t count = n_dates (rule);
    for (size_t i = 0; i < count; i++) {
        bf_rrule_date date = rule->dates[i];
        resolve (rule, zone, &date);
        size_t place = i;
        for (; place > 0 && is_before (&date, &rule->dates[place - 1]); place--) {
            rule->dates[place] = rule->dates[place - 1];
        }
        rule->dates[place] = date;
    }
    rule->n_excluded = 0;
    rule->n_added = 0;
    for (size_t i = 0; i < count; i++) {
        bf_rrule_date date = rule->dates[i];
        size_t place = n_dates (rule);
        bf_rrule_date *previous = place > 0 ? &rule->dates[place - 1] : NULL;
        if (previous != NULL && previous->added == date.added &&
            previous->until > date.from) {
            previous->until = later (previous->until, date.until);
            continue;
        }
        rule->dates[place] = date;
        *(date.added ? &rule->n_added : &rule->n_excluded) += 1;
    }
}

/* The last local time that UNTIL leaves in. Of an instant in the second pass of a repeated
 * hour: all of that hour, as the first pass is before it; what of the second pass is after
 * it is kept out by bf_rrule_until. */
static int64_t
settle_until (bf_rrule *rule, const bf_zone *zone)
{
    if (rule->until.form == BF_MOMENT_DATE) {
        return rule->until.s + BF_DAY_S - 1;
    }
    if (rule->until.form == BF_MOMENT_LOCAL) {
        return rule->until.s;
    }
    rule->until_instant.s = rule->until.s + 1;
    bf_local local = bf_zone_local (zone, (bf_instant){rule->until.s});
    bf_local_meaning meaning = bf_zone_resolve (zone, local);
    if (meaning.kind == BF_LOCAL_OVERLAP && meaning.change.s <= rule->until.s) {
        return meaning.change.s + meaning.offset_before - 1;
    }
    return local.s;
}

static bf_err
settle_count (bf_rrule *rule, bf_error *error)
{
    int64_t steps = INT64_C (10) * BF_RRULE_BUDGET;
    int64_t end;
    if (bf_rrule_search_nth (rule, rule->count, LIMIT_S, &steps, &end)) {
        rule->end = end;
    } else if (steps < 0) {
        return bf_fail (error, BF_EINVALID,
                        "RRULE: COUNT=%d is too far to be counted out; UNTIL has no such "
                        "limit",
                        rule->count);
    }
    return BF_OK;
}

static bf_err
check_gives (const bf_rrule *rule, bf_error *error)
{
    int64_t steps = BF_RRULE_BUDGET;
    int64_t at;
    if (!rule_first (rule, rule->start, LIMIT_S, &steps, &at)) {
        return steps < 0
                   ? bf_fail (error, BF_EINVALID,
                              "RRULE: gives no time within %d steps of search",
                              BF_RRULE_BUDGET)
                   : bf_fail (error, BF_EINVALID,
                              "RRULE: gives no time between its start and the year 2400");
    }
    bf_local found;
    if (!set_first (rule, (bf_local){FLOOR_S}, (bf_local){LIMIT_S}, &found)) {
        return bf_fail (error, BF_EINVALID, "EXDATE takes away all times that RRULE gives");
    }
    return BF_OK;
}

bf_err
bf_rrule_open (bf_rrule *rule, const bf_zone *zone, bf_local start, bf_error *error)
{
    bf_rrule_bind (rule, rule->has_start ? moment_local (rule->said_start, zone) : start.s);
    rule->until_instant.s = INT64_MAX;
    rule->end = LIMIT_S - 1;
    settle_dates (rule, zone);
    if (bf_rrule_has (rule, BF_PART_UNTIL)) {
        rule->end = earlier (rule->end, settle_until (rule, zone));
    }
    if (bf_rrule_has (rule, BF_PART_COUNT)) {
        bf_err rc = settle_count (rule, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    return check_gives (rule, error);
}

bf_instant
bf_rrule_until (const bf_rrule *rule)
{
    return rule->until_instant;
}
