/* SPDX-License-Identifier: MPL-2.0
 *
 * One table of spans, made whole when the zone is read: the changes that the file lists,
 * then those of its footer's rule, year by year. What changes nothing but a name is left
 * out. All questions are a search in it, and a look at the neighbours.
 *
 * A change at T skips or repeats the local times between T + one offset and T + the other.
 * In a table that was accepted these stretches come one after the other and do not touch,
 * so that a local time is ever the business of one change at most. All of tzdata is so.
 */
#include "core/calendar/zone.h"

#include <stdlib.h>

#include "core/calendar/tzif.h"
#include "core/calendar/zone_rule.h"

/* The footer's rule is worked out for these years. Files without transitions, or with old
 * ones only, have it from the beginning of the century before the calendar's. */
#define FIRST_YEAR 1900
#define LAST_YEAR 2401

/* A rule is begun two years before what it follows on: its moments may lie up to 167 h + 26
 * h outside their year. */
#define YEARS_BEFORE 2

#define RULE_CHANGES_MAX (2 * (LAST_YEAR - FIRST_YEAR + YEARS_BEFORE + 1))

struct bf_zone {
    size_t count;           /* spans, 1 or more */
    const int64_t *from;    /* count + 1; the first INT64_MIN, the last INT64_MAX */
    const int32_t *offsets; /* count */
};

/* A table in the making: changes in order of time, the first at INT64_MIN. */
typedef struct {
    size_t count;
    bf_zone_change *changes;
} table_t;

static void
append (table_t *table, int64_t at_s, int32_t offset_s)
{
    table->changes[table->count++] = (bf_zone_change){at_s, offset_s};
}

/* Goes on from the last transition by the rule. Both should agree about the time right
 * after it (RFC 8536, 3.3); where zic's slim files do not (America/Ojinaga, 2022-10-30),
 * the transition is right, and the rule counts from its next change on. */
static void
append_rule (table_t *table, const bf_zone_rule *rule)
{
    bf_zone_change *last = &table->changes[table->count - 1];
    if (!rule->has_daylight) {
        last->offset_s = rule->standard_s;
        return;
    }
    int64_t last_at_s = last->at_s;
    int64_t first_s = bf_days_of (FIRST_YEAR, 1, 1) * BF_DAY_S;
    int64_t last_s = bf_days_of (LAST_YEAR, 1, 1) * BF_DAY_S;
    int64_t begin_s = last_at_s < first_s ? first_s : last_at_s;
    begin_s = begin_s > last_s ? last_s : begin_s;
    int32_t year = bf_date_of (begin_s / BF_DAY_S).year - YEARS_BEFORE;
    for (; year <= LAST_YEAR; year++) {
        bf_zone_change changes[2];
        bf_zone_rule_year (rule, year, changes);
        for (size_t i = 0; i < 2; i++) {
            if (changes[i].at_s > last_at_s) {
                append (table, changes[i].at_s, changes[i].offset_s);
            }
        }
    }
}

/* A file without a footer, or with an empty one, goes on as its last transition says. */
static bf_err
fill (table_t *table, const bf_tzif *tzif, const bf_zone_rule *rule)
{
    size_t most = 1 + tzif->count + RULE_CHANGES_MAX;
    table->changes = malloc (most * sizeof *table->changes);
    if (table->changes == NULL) {
        return BF_ENOMEM;
    }
    append (table, INT64_MIN, bf_tzif_offset_before (tzif));
    for (size_t i = 0; i < tzif->count; i++) {
        append (table, bf_tzif_time (tzif, i), bf_tzif_offset (tzif, i));
    }
    if (rule != NULL) {
        append_rule (table, rule);
    }
    return BF_OK;
}

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

/* Leaves out what changes nothing. Of several at one instant the last stands: a rule whose
 * daylight saving time lasts all year ends it when the next one starts. */
static bf_err
condense (table_t *table, bf_error *error)
{
    bf_zone_change *changes = table->changes;
    size_t kept = 1;
    int64_t touched_s = INT64_MIN; /* the local time up to which changes had business */
    for (size_t i = 1; i < table->count; i++) {
        bf_zone_change next = changes[i];
        if (i + 1 < table->count && changes[i + 1].at_s <= next.at_s) {
            if (changes[i + 1].at_s < next.at_s) {
                return bf_fail (error, BF_EINVALID,
                                "the rule of the zone data reaches into the next year");
            }
            continue;
        }
        int32_t before_s = changes[kept - 1].offset_s;
        if (next.offset_s == before_s) {
            continue;
        }
        if (next.at_s + smaller (before_s, next.offset_s) < touched_s) {
            return bf_fail (
                error, BF_EINVALID,
                "the zone data changes its clocks again before the change before "
                "it is over");
        }
        touched_s = next.at_s + larger (before_s, next.offset_s);
        changes[kept++] = next;
    }
    table->count = kept;
    return BF_OK;
}

/* One piece of memory for all of it. */
static bf_err
make (const table_t *table, bf_zone **zone_p)
{
    size_t count = table->count;
    size_t from_bytes = (count + 1) * sizeof (int64_t);
    bf_zone *zone = malloc (sizeof *zone + from_bytes + count * sizeof (int32_t));
    if (zone == NULL) {
        return BF_ENOMEM;
    }
    int64_t *from = (int64_t *)(zone + 1);
    int32_t *offsets = (int32_t *)(from + count + 1);
    for (size_t i = 0; i < count; i++) {
        from[i] = table->changes[i].at_s;
        offsets[i] = table->changes[i].offset_s;
    }
    from[count] = INT64_MAX;
    *zone = (bf_zone){count, from, offsets};
    *zone_p = zone;
    return BF_OK;
}

bf_err
bf_zone_read (const uint8_t *bytes, size_t size, bf_zone **zone_p, bf_error *error)
{
    if (size > BF_ZONE_BYTES) {
        return bf_fail (error, BF_EINVALID, "the zone data has more than %d bytes",
                        BF_ZONE_BYTES);
    }
    bf_tzif tzif;
    bf_err err = bf_tzif_read (bytes, size, &tzif, error);
    if (err != BF_OK) {
        return err;
    }
    bf_zone_rule rule;
    if (tzif.footer_length > 0) {
        err = bf_zone_rule_read (tzif.footer, tzif.footer_length, &rule, error);
        if (err != BF_OK) {
            return err;
        }
    }
    table_t table = {0};
    err = fill (&table, &tzif, tzif.footer_length > 0 ? &rule : NULL);
    if (err == BF_OK) {
        err = condense (&table, error);
    }
    if (err == BF_OK) {
        err = make (&table, zone_p);
    }
    free (table.changes);
    return err == BF_ENOMEM ? bf_fail_plain (error, err) : err;
}

void
bf_zone_destroy (bf_zone **zone_p)
{
    free (*zone_p);
    *zone_p = NULL;
}

const bf_zone *
bf_zone_utc (void)
{
    static const int64_t from[] = {INT64_MIN, INT64_MAX};
    static const int32_t offsets[] = {0};
    static const bf_zone utc = {1, from, offsets};
    return &utc;
}

static bf_zone_span
span_at (const bf_zone *zone, size_t index)
{
    return (bf_zone_span){
        .from = {zone->from[index]},
        .until = {zone->from[index + 1]},
        .offset_s = zone->offsets[index],
        .index = (int32_t)index,
    };
}

/* A product instead of a branch: which half it is cannot be foretold. */
static size_t
find (const bf_zone *zone, int64_t at_s)
{
    size_t index = 0;
    for (size_t left = zone->count; left > 1;) {
        size_t half = left / 2;
        index += half * (zone->from[index + half] <= at_s ? 1 : 0);
        left -= half;
    }
    return index;
}

bf_zone_span
bf_zone_at (const bf_zone *zone, bf_instant at)
{
    return span_at (zone, find (zone, at.s));
}

bf_zone_span
bf_zone_next (const bf_zone *zone, bf_zone_span span)
{
    BF_INVARIANT ((size_t)span.index + 1 < zone->count);
    return span_at (zone, (size_t)span.index + 1);
}

bf_zone_span
bf_zone_previous (const bf_zone *zone, bf_zone_span span)
{
    BF_INVARIANT (span.index > 0);
    return span_at (zone, (size_t)span.index - 1);
}

bf_local
bf_zone_local (const bf_zone *zone, bf_instant at)
{
    return (bf_local){at.s + zone->offsets[find (zone, at.s)]};
}

/* The first local time that the change to a span skips or repeats. */
static int64_t
touched_from (const bf_zone *zone, size_t index)
{
    return zone->from[index] + smaller (zone->offsets[index - 1], zone->offsets[index]);
}

bf_local_meaning
bf_zone_resolve (const bf_zone *zone, bf_local local)
{
    /* Read as UTC it is off by a day or so; the last change that has come is near. */
    size_t index = find (zone, local.s);
    while (index + 1 < zone->count && touched_from (zone, index + 1) <= local.s) {
        index++;
    }
    while (index > 0 && touched_from (zone, index) > local.s) {
        index--;
    }
    int32_t after = zone->offsets[index];
    int32_t before = index > 0 ? zone->offsets[index - 1] : after;
    int64_t change_s = zone->from[index];
    if (index == 0 || local.s >= change_s + larger (before, after)) {
        bf_instant at = {local.s - after};
        return (bf_local_meaning){.kind = BF_LOCAL_UNIQUE, .first = at, .second = at};
    }
    return (bf_local_meaning){
        .kind = after > before ? BF_LOCAL_GAP : BF_LOCAL_OVERLAP,
        .first = {local.s - before},
        .second = {local.s - after},
        .change = {change_s},
        .offset_before = before,
        .offset_after = after,
    };
}
