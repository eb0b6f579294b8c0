/* SPDX-License-Identifier: MPL-2.0
 *
 * Says a recurrence in English: "every 2 weeks on Monday and Friday at 09:00, 12 times".
 * All that a rule says is in it, and what it takes from DTSTART once it is opened.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/calendar/rrule_rule.h"

#define NUMBERS 384 /* of one side of a list */
#define WEEKDAYS 7
#define MAX_NTH 53

/* So many times of day are said one by one. */
#define MAX_TIMES 6

typedef struct {
    char *buffer;
    size_t size;
    size_t used; /* size or more: it did not fit */
} writer_t;

__attribute__ ((format (printf, 2, 3))) static void
say (writer_t *self, const char *format, ...)
{
    if (self->used < self->size) {
        va_list args;
        va_start (args, format);
        int length =
            vsnprintf (self->buffer + self->used, self->size - self->used, format, args);
        va_end (args);
        self->used += (size_t)length;
    }
}

static const char *const unit_names[BF_FREQS] = {
    "year", "month", "week", "day", "hour", "minute", "second",
};

static const char *const weekday_names[WEEKDAYS] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

static const char *const month_names[] = {
    "",     "January", "February",  "March",   "April",    "May",      "June",
    "July", "August",  "September", "October", "November", "December",
};

/* --- Lists --- */

typedef void say_number (writer_t *writer, int number, bool last);

static void
say_plain (writer_t *writer, int number, bool last)
{
    (void)last;
    say (writer, "%d", number);
}

static void
say_month (writer_t *writer, int number, bool last)
{
    (void)last;
    BF_INVARIANT (number < (int)(sizeof month_names / sizeof month_names[0]));
    say (writer, "%s", month_names[number]);
}

/* "1st", "22nd", "last", "3rd last". */
static void
say_ordinal (writer_t *writer, int number, bool last)
{
    static const char *const ends[10] = {"th", "st", "nd", "rd", "th",
                                         "th", "th", "th", "th", "th"};
    if (last && number == 1) {
        say (writer, "last");
        return;
    }
    bool teen = number % 100 / 10 == 1;
    say (writer, "%d%s%s", number, teen ? "th" : ends[number % 10], last ? " last" : "");
}

/* Numbers of a list in a row: 0..383 from the first, from 384 on those from the last. */
static bool
list_has (const bf_rrule_list *list, int at)
{
    const bf_rrule_bits *bits = at < NUMBERS ? &list->up : &list->down;
    return (bits->words[at % NUMBERS / 64] >> (at % 64) & 1) != 0;
}

static int
list_next (const bf_rrule_list *list, int at)
{
    while (at < 2 * NUMBERS && !list_has (list, at)) {
        at++;
    }
    return at;
}

/* What comes before one of several: "a, b and c". */
static void
say_comma (writer_t *writer, bool is_first, bool is_last)
{
    if (!is_first) {
        say (writer, "%s", is_last ? " and " : ", ");
    }
}

/* Three or more in a row are "a to b". */
static void
say_list (writer_t *writer, const bf_rrule_list *list, say_number *number)
{
    bool is_first = true;
    for (int at = list_next (list, 0); at < 2 * NUMBERS; is_first = false) {
        int to = at;
        while (list_has (list, to + 1)) {
            to++;
        }
        if (to < at + 2) {
            to = at;
        }
        int next = list_next (list, to + 1);
        say_comma (writer, is_first, next == 2 * NUMBERS);
        number (writer, at % NUMBERS, at >= NUMBERS);
        if (to > at) {
            say (writer, " to ");
            number (writer, to % NUMBERS, to >= NUMBERS);
        }
        at = next;
    }
}

/* --- Days --- */

/* One BYDAY as a number of its own: nth, then weekday. 0 is "every". */
static bool
has_weekday (const bf_rrule *rule, int at)
{
    int weekday = at % WEEKDAYS;
    int nth = at / WEEKDAYS;
    return nth <= MAX_NTH ? (rule->nth_up[weekday] >> nth & 1) != 0
                          : (rule->nth_down[weekday] >> (nth - MAX_NTH) & 1) != 0;
}

#define WEEKDAY_NUMBERS ((2 * MAX_NTH + 1) * WEEKDAYS)

static int
next_weekday (const bf_rrule *rule, int at)
{
    while (at < WEEKDAY_NUMBERS && !has_weekday (rule, at)) {
        at++;
    }
    return at;
}

static void
say_weekdays (writer_t *writer, const bf_rrule *rule)
{
    bool numbered = false;
    int from = 0;
    for (int at = next_weekday (rule, 0); at < WEEKDAY_NUMBERS;) {
        int next = next_weekday (rule, at + 1);
        int nth = at / WEEKDAYS;
        say_comma (writer, from++ == 0, next == WEEKDAY_NUMBERS);
        if (nth > 0) {
            numbered = true;
            say (writer, "the ");
            say_ordinal (writer, nth <= MAX_NTH ? nth : nth - MAX_NTH, nth > MAX_NTH);
            say (writer, " ");
        }
        say (writer, "%s", weekday_names[at % WEEKDAYS]);
        at = next;
    }
    if (numbered) {
        bool in_year = rule->freq == BF_FREQ_YEARLY && !bf_rrule_has (rule, BF_BYMONTH);
        say (writer, " of the %s", in_year ? "year" : "month");
    }
}

/* All of these have to be. */
static void
say_days (writer_t *writer, const bf_rrule *rule)
{
    const bf_rrule_list *lists = rule->lists;
    if (lists[BF_BYMONTH].up.words[0] != 0) {
        say (writer, " in ");
        say_list (writer, &lists[BF_BYMONTH], say_month);
    }
    if (bf_rrule_has (rule, BF_BYWEEKNO)) {
        say (writer, " in the ");
        say_list (writer, &lists[BF_BYWEEKNO], say_ordinal);
        say (writer, " week of the year");
    }
    const char *on = " on ";
    if (bf_rrule_has (rule, BF_BYDAY) || rule->by_day) {
        say (writer, "%s", on);
        say_weekdays (writer, rule);
        on = ", but only on ";
    }
    if (bf_rrule_has (rule, BF_BYMONTHDAY) || rule->by_month_day) {
        say (writer, "%sthe ", on);
        say_list (writer, &lists[BF_BYMONTHDAY], say_ordinal);
        say (writer, " day of the month");
        on = ", but only on ";
    }
    if (bf_rrule_has (rule, BF_BYYEARDAY)) {
        say (writer, "%sthe ", on);
        say_list (writer, &lists[BF_BYYEARDAY], say_ordinal);
        say (writer, " day of the year");
    }
}

/* --- Times --- */

static void
say_each_time (writer_t *writer, const bf_rrule_clock *clock, int64_t count)
{
    bool seconds = clock->seconds != 1;
    int64_t second = bf_rrule_clock_ceil (clock, 0);
    for (int64_t i = 0; i < count; i++) {
        say_comma (writer, i == 0, i == count - 1);
        say (writer, "%02d:%02d", (int)(second / 3600), (int)(second / 60 % 60));
        if (seconds) {
            say (writer, ":%02d", (int)(second % 60));
        }
        /* From the last one on it would be a second of tomorrow. */
        second = bf_rrule_clock_ceil (clock, second + 1);
    }
}

/* ", hours 9 to 17": of a unit that the rule chooses from. */
static void
say_units (writer_t *writer, const char *before, const bf_rrule *rule, bf_rrule_part part,
           const char *name)
{
    const bf_rrule_list *list = &rule->lists[part];
    uint64_t bits = list->up.words[0];
    say (writer, "%s%s%s ", before, name, (bits & (bits - 1)) != 0 ? "s" : "");
    say_list (writer, list, say_plain);
}

static void
say_times (writer_t *writer, const bf_rrule *rule)
{
    bf_rrule_clock clock = bf_rrule_clock_of (rule);
    int64_t count = bf_rrule_clock_below (&clock, BF_DAY_S);
    if (rule->freq <= BF_FREQ_DAILY && count >= 1 && count <= MAX_TIMES) {
        say (writer, " at ");
        say_each_time (writer, &clock, count);
        return;
    }
    const char *before = " at ";
    static const struct {
        bf_rrule_part part;
        bf_rrule_freq own; /* periods of this or less do not take it from DTSTART */
        const char *name;
    } units[] = {
        {BF_BYHOUR, BF_FREQ_HOURLY, "hour"},
        {BF_BYMINUTE, BF_FREQ_MINUTELY, "minute"},
        {BF_BYSECOND, BF_FREQ_SECONDLY, "second"},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        bool bound =
            rule->freq < units[i].own && rule->lists[units[i].part].up.words[0] != 0;
        if (bf_rrule_has (rule, units[i].part) || bound) {
            say_units (writer, before, rule, units[i].part, units[i].name);
            before = ", ";
        }
    }
}

/* --- Bounds --- */

static void
say_until (writer_t *writer, const bf_rrule *rule)
{
    char text[BF_LOCAL_BYTES];
    bf_local_format ((bf_local){rule->until.s}, text);
    if (rule->until.form == BF_MOMENT_DATE) {
        text[10] = '\0'; /* the date of it */
    }
    say (writer, ", until %s%s", text, rule->until.form == BF_MOMENT_UTC ? "Z" : "");
}

static void
say_dates (writer_t *writer, const char *before, size_t count, const char *after)
{
    if (count > 0) {
        say (writer, ", %s%zu %s%s", before, count, after, count > 1 ? "s" : "");
    }
}

static void
say_bounds (writer_t *writer, const bf_rrule *rule)
{
    if (bf_rrule_has (rule, BF_BYSETPOS)) {
        say (writer, ", of these the ");
        say_list (writer, &rule->lists[BF_BYSETPOS], say_ordinal);
        say (writer, " of the %s", unit_names[rule->freq]);
    }
    if (bf_rrule_has (rule, BF_PART_WKST)) {
        say (writer, ", weeks begin on %s", weekday_names[rule->week_start]);
    }
    if (bf_rrule_has (rule, BF_PART_UNTIL)) {
        say_until (writer, rule);
    }
    if (bf_rrule_has (rule, BF_PART_COUNT)) {
        if (rule->count == 1) {
            say (writer, ", once");
        } else {
            say (writer, ", %d times", rule->count);
        }
    }
    say_dates (writer, "without ", rule->n_excluded, "date");
    say_dates (writer, "and ", rule->n_added, "more date");
}

#define CUT "…"

char *
bf_rrule_explain (const bf_rrule *rule, char *buffer, size_t size)
{
    writer_t writer = {.buffer = buffer, .size = size};
    if (rule->interval == 1) {
        say (&writer, "every %s", unit_names[rule->freq]);
    } else {
        say (&writer, "every %d %ss", rule->interval, unit_names[rule->freq]);
    }
    say_days (&writer, rule);
    say_times (&writer, rule);
    say_bounds (&writer, rule);
    if (writer.used >= size && size >= sizeof CUT) {
        memcpy (buffer + size - sizeof CUT, CUT, sizeof CUT);
    }
    return buffer;
}
