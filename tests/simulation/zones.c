/* SPDX-License-Identifier: MPL-2.0
 *
 * Rules are those of the real zones: two changes a year on some Sunday, or a list. Spans
 * are worked out up to a year that no seed looks beyond; the file has the first ones of
 * them, and says the rest by its footer.
 */
#include "tests/simulation/zones.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_S INT64_C (60)
#define HOUR_S (60 * MINUTE_S)
#define DAY_S (24 * HOUR_S)

#define FIRST_YEAR 2009
#define LAST_YEAR 2399
#define SPANS_MAX (2 * (LAST_YEAR - FIRST_YEAR + 1) + 8)
/* Of a zone with yearly changes the file has so many spans itself. */
#define SPANS_WRITTEN 24

/* Between two changes of a zone that are made up: no local time comes three times. */
#define APART_S (12 * HOUR_S)

/* On a Sunday of a month, at a second of that day, counted as walls show before it. */
typedef struct {
    int month;
    int nth; /* 1 the first… 5 the last */
    int64_t second;
} yearly;

typedef struct {
    const char *name;
    int32_t offset_s; /* of standard time */
    int32_t ahead_s;  /* of summer; 0 for none */
    yearly begins;
    yearly ends;
    const zone_span *list; /* instead of yearly changes */
    size_t list_count;
    const char *footer;
} zone_kind;

/* 2026, Ramadan: 15 February 02:00Z to 22 March 02:00Z. */
static const zone_span casablanca[] = {
    {INT64_MIN, 3600}, {1771120800, 0}, {1774144800, 3600}};
/* 2011-12-30 was left out: 10:00Z. */
static const zone_span apia[] = {{INT64_MIN, -10 * 3600}, {1325239200, 14 * 3600}};

static const zone_kind kinds[ZONE_COUNT] = {
    {.name = "UTC", .footer = "UTC0"},
    {.name = "Europe/Berlin",
     .offset_s = 3600,
     .ahead_s = 3600,
     .begins = {3, 5, 2 * HOUR_S},
     .ends = {10, 5, 3 * HOUR_S},
     .footer = "CET-1CEST,M3.5.0,M10.5.0/3"},
    {.name = "America/New_York",
     .offset_s = -5 * 3600,
     .ahead_s = 3600,
     .begins = {3, 2, 2 * HOUR_S},
     .ends = {11, 1, 2 * HOUR_S},
     .footer = "EST5EDT,M3.2.0,M11.1.0"},
    {.name = "Australia/Lord_Howe",
     .offset_s = 10 * 3600 + 1800,
     .ahead_s = 1800,
     .begins = {10, 1, 2 * HOUR_S},
     .ends = {4, 1, 2 * HOUR_S},
     .footer = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"},
    {.name = "America/Sao_Paulo",
     .offset_s = -3 * 3600,
     .ahead_s = 3600,
     .begins = {11, 1, 0},
     .ends = {2, 3, 0},
     .footer = "<-03>3<-02>,M11.1.0/0,M2.3.0/0"},
    {.name = "Antarctica/Troll",
     .offset_s = 0,
     .ahead_s = 7200,
     .begins = {3, 5, HOUR_S},
     .ends = {10, 5, 3 * HOUR_S},
     .footer = "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3"},
    {.name = "Asia/Kolkata", .offset_s = 5 * 3600 + 1800, .footer = "IST-5:30"},
    {.name = "Africa/Casablanca", .list = casablanca, .list_count = 3, .footer = "<+01>-1"},
    {.name = "Pacific/Apia", .list = apia, .list_count = 2, .footer = "<+14>-14"},
};

struct zones {
    const zone_rules *newest[ZONE_COUNT];
};

/* --- the year --------------------------------------------------------------------------
 */

static int64_t
days_of (int64_t year, int month, int day)
{
    /* March is the first month: a leap day is the last of its year. */
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* On the wall, seconds. */
static int64_t
moment_of (const yearly *self, int year)
{
    bool last = self->nth == 5;
    int64_t first =
        last ? days_of (self->month == 12 ? year + 1 : year, self->month % 12 + 1, 1) - 7
             : days_of (year, self->month, 1) + 7 * (self->nth - 1);
    int64_t weekday = (first + 4) % 7;
    return (first + (7 - weekday) % 7) * DAY_S + self->second;
}

/* --- rules -----------------------------------------------------------------------------
 */

static zone_rules *
rules_new (const char *name, const char *footer, size_t room)
{
    zone_rules *self = calloc (1, sizeof *self + room * sizeof self->spans[0]);
    if (self == NULL) {
        abort ();
    }
    self->name = name;
    self->footer = footer;
    return self;
}

static void
append (zone_rules *self, int64_t from_s, int32_t offset_s)
{
    if (self->count == 0 || self->spans[self->count - 1].offset_s != offset_s) {
        self->spans[self->count++] = (zone_span){from_s, offset_s};
    }
}

static void
append_year (zone_rules *self, const zone_kind *kind, int year)
{
    int32_t summer_s = kind->offset_s + kind->ahead_s;
    int64_t begins_s = moment_of (&kind->begins, year) - kind->offset_s;
    int64_t ends_s = moment_of (&kind->ends, year) - summer_s;
    if (begins_s < ends_s) {
        append (self, begins_s, summer_s);
        append (self, ends_s, kind->offset_s);
    } else {
        append (self, ends_s, kind->offset_s);
        append (self, begins_s, summer_s);
    }
}

static const zone_rules *
first_rules (const zone_kind *kind)
{
    zone_rules *self = rules_new (kind->name, kind->footer, SPANS_MAX);
    self->since_us = INT64_MIN;
    for (size_t i = 0; i < kind->list_count; i++) {
        append (self, kind->list[i].from_s, kind->list[i].offset_s);
    }
    if (kind->list_count == 0) {
        append (self, INT64_MIN, kind->offset_s);
    }
    for (int year = FIRST_YEAR; kind->ahead_s != 0 && year <= LAST_YEAR; year++) {
        append_year (self, kind, year);
    }
    self->written = self->count < SPANS_WRITTEN ? self->count : SPANS_WRITTEN;
    return self;
}

zones *
zones_new (void)
{
    zones *self = calloc (1, sizeof *self);
    if (self == NULL) {
        abort ();
    }
    for (size_t i = 0; i < ZONE_COUNT; i++) {
        self->newest[i] = first_rules (&kinds[i]);
    }
    return self;
}

void
zones_destroy (zones **self_p)
{
    zones *self = *self_p;
    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < ZONE_COUNT; i++) {
        while (self->newest[i] != NULL) {
            const zone_rules *last = self->newest[i];
            self->newest[i] = last->before;
            free ((void *)last);
        }
    }
    free (self);
    *self_p = NULL;
}

const zone_rules *
zones_at (const zones *self, size_t which)
{
    return self->newest[which];
}

const zone_rules *
zones_find (const zones *self, const char *name)
{
    for (size_t i = 0; i < ZONE_COUNT; i++) {
        if (strcmp (kinds[i].name, name) == 0) {
            return self->newest[i];
        }
    }
    return NULL;
}

size_t
zone_span_at (const zone_rules *rules, int64_t instant_s)
{
    size_t low = 0;
    size_t high = rules->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (rules->spans[middle].from_s <= instant_s) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* --- releases ---------------------------------------------------------------------------
 */

/* A footer without changes, of the offsets that releases may end with. */
static const char *
fixed_footer (int32_t offset_s)
{
    static char footers[256][16];
    static const int step_s = 900;
    int quarters = offset_s / step_s;
    char *text = footers[quarters + 128];
    unsigned minutes = (unsigned)(quarters < 0 ? -quarters : quarters) * 15;
    char sign = quarters < 0 ? '+' : '-';
    char *at = text;
    memcpy (at, "SIM", 3);
    at += 3;
    *at++ = sign;
    *at++ = (char)('0' + minutes / 600);
    *at++ = (char)('0' + minutes / 60 % 10);
    *at++ = ':';
    *at++ = (char)('0' + minutes % 60 / 10);
    *at++ = (char)('0' + minutes % 10);
    *at = '\0';
    return text;
}

/* When its clocks change, or might: from now on, mostly soon; sometimes the data comes
 * late. */
static int64_t
draw_change (sim_random *random, int64_t now_s)
{
    int64_t at_s = sim_chance (random, 250) ? now_s - sim_scaled (random, MINUTE_S, DAY_S)
                                            : now_s + sim_scaled (random, MINUTE_S, DAY_S);
    return at_s - at_s % (sim_chance (random, 500) ? HOUR_S : 1800);
}

const zone_rules *
zones_release (zones *self, sim_random *random, int64_t true_us, int64_t now_s)
{
    static const int32_t moves_s[] = {3600, -3600, 1800, -1800, 7200, -7200, 14400, 900};
    size_t which = 1 + sim_below (random, ZONE_COUNT - 1);
    const zone_rules *old = self->newest[which];
    int64_t at_s = draw_change (random, now_s);
    size_t kept = zone_span_at (old, at_s - 1) + 1;
    if (kept > 1 && at_s < old->spans[kept - 1].from_s + APART_S) {
        at_s = old->spans[kept - 1].from_s + APART_S;
        kept = zone_span_at (old, at_s - 1) + 1;
    }
    zone_rules *rules = rules_new (old->name, "", kept + 3);
    rules->before = old;
    rules->since_us = true_us;
    for (size_t i = 0; i < kept; i++) {
        append (rules, old->spans[i].from_s, old->spans[i].offset_s);
    }
    int32_t offset_s = rules->spans[rules->count - 1].offset_s;
    if (sim_chance (random, 800)) {
        offset_s += moves_s[sim_below (random, sizeof moves_s / sizeof moves_s[0])];
        append (rules, at_s, offset_s);
    }
    if (sim_chance (random, 500)) {
        offset_s += sim_chance (random, 500) ? 3600 : -3600;
        append (rules, at_s + sim_scaled (random, APART_S, 3 * DAY_S) / 60 * 60, offset_s);
    }
    bool far = offset_s < -13 * 3600 || offset_s > 15 * 3600;
    if (far) {
        offset_s = 0;
        append (rules, at_s + 4 * DAY_S, offset_s);
    }
    rules->footer = fixed_footer (offset_s);
    rules->written = rules->count;
    self->newest[which] = rules;
    return rules;
}

int64_t
zones_beginning (sim_random *random)
{
    static const int64_t changes_s[] = {
        1774746000, /* 2026-03-29, Berlin and Troll, forward */
        1792890000, /* 2026-10-25, back */
        1772953200, /* 2026-03-08, New York */
        1793512800, /* 2026-11-01 */
        1775314800, /* 2026-04-05 there, Lord Howe, back */
        1791041400, /* 2026-10-04 there, forward */
        1771120800, /* 2026-02-15, Casablanca, back */
        1774144800, /* 2026-03-22, forward */
        1793502000, /* 2026-11-01, Sao Paulo, at midnight, forward */
        1771120800, /* 2026-02-15, at midnight, back */
        1325239200, /* 2011-12-30, Apia */
    };
    if (sim_chance (random, 200)) {
        return 1767225600; /* 2026-01-01 */
    }
    int64_t at_s = changes_s[sim_below (random, sizeof changes_s / sizeof changes_s[0])];
    return at_s - sim_scaled (random, 10 * MINUTE_S, DAY_S);
}

/* --- the file ---------------------------------------------------------------------------
 */

typedef struct {
    uint8_t *bytes;
    size_t size;
} file;

static void
put (file *self, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        self->bytes[self->size++] = (uint8_t)(value >> (8 * i));
    }
}

static void
put_text (file *self, const char *text)
{
    memcpy (self->bytes + self->size, text, strlen (text));
    self->size += strlen (text);
}

static void
put_header (file *self, size_t changes, size_t types, size_t letters)
{
    put_text (self, "TZif2");
    put (self, 0, 15 - 8);
    put (self, 0, 8);
    put (self, 0, 4);
    put (self, 0, 4);
    put (self, 0, 4);
    put (self, changes, 4);
    put (self, types, 4);
    put (self, letters, 4);
}

/* Each span is of a type of its own. */
uint8_t *
zones_bytes (const zone_rules *rules, size_t *size)
{
    file made = {.bytes = calloc (1, 256 + rules->written * 16)};
    if (made.bytes == NULL) {
        abort ();
    }
    put_header (&made, 0, 1, 4);
    put (&made, 0, 6);
    put (&made, UINT64_C (0x53494d00), 4); /* "SIM" */
    put_header (&made, rules->written - 1, rules->written, 4);
    for (size_t i = 1; i < rules->written; i++) {
        put (&made, (uint64_t)rules->spans[i].from_s, 8);
    }
    for (size_t i = 1; i < rules->written; i++) {
        put (&made, i, 1);
    }
    for (size_t i = 0; i < rules->written; i++) {
        put (&made, (uint32_t)rules->spans[i].offset_s, 4);
        put (&made, 0, 2);
    }
    put (&made, UINT64_C (0x53494d00), 4);
    put_text (&made, "\n");
    put_text (&made, rules->footer);
    put_text (&made, "\n");
    *size = made.size;
    return made.bytes;
}
