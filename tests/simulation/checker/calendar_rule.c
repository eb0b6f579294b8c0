/* SPDX-License-Identifier: MPL-2.0
 *
 * Recurrence rules, as much of RFC 5545 as the bots make use of: one period after the other
 * from DTSTART on, the times of each written out, sorted, and counted.
 *
 *   MINUTELY, HOURLY   INTERVAL, BYMINUTE
 *   DAILY              INTERVAL, BYHOUR, BYMINUTE, BYDAY, BYMONTH
 *   WEEKLY             INTERVAL, BYDAY
 *   MONTHLY            INTERVAL, BYMONTHDAY or BYDAY, BYSETPOS
 *   all                COUNT, UNTIL, EXDATE, RDATE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/checker/calendar.h"
#include "tests/simulation/checker/table.h"

#define LIST 64

typedef enum { MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY, FREQUENCIES } frequency;

typedef struct {
    int numbers[LIST];
    size_t count;
} list;

typedef struct {
    int64_t *times;
    size_t count;
    size_t room;
} times;

struct rule_text {
    frequency each;
    int64_t interval;
    int64_t most; /* COUNT; INT64_MAX: without an end */
    int64_t until_s;
    list minutes;
    list hours;
    list months;
    list month_days;
    list weekdays; /* 0..6 + 16 * (nth + 8) */
    list places;
    int64_t start_s;
    times excluded;
    times added;
    /* Written out so far. */
    times known;
    int64_t periods;
    int64_t counted;
    bool over;
};

static void
append (times *self, int64_t time_s)
{
    if (self->count == self->room) {
        self->room = 2 * self->room + 16;
        self->times = checker_grow (self->times, self->room, sizeof *self->times);
    }
    self->times[self->count++] = time_s;
}

/* --- reading ---------------------------------------------------------------------------
 */

/* "20260105T090000", "20260105T090000Z", "20260105". */
static bool
read_time (const char *text, int64_t *time_s, bool *whole_day)
{
    int year;
    int month;
    int day;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int read =
        sscanf (text, "%4d%2d%2dT%2d%2d%2d", &year, &month, &day, &hour, &minute, &second);
    if (read != 3 && read != 6) {
        return false;
    }
    *whole_day = read == 3;
    *time_s = days_of_date (year, month, day) * DAY_S + hour * HOUR_S + minute * MINUTE_S +
              second;
    return true;
}

static bool
read_times (const char *text, times *into)
{
    bool whole_day;
    int64_t time_s;
    for (; text; text = strchr (text, ',') ? strchr (text, ',') + 1 : NULL) {
        if (!read_time (text, &time_s, &whole_day)) {
            return false;
        }
        append (into, time_s);
    }
    return true;
}

static int
by_number (const void *a, const void *b)
{
    int left = *(const int *)a;
    int right = *(const int *)b;
    return (left > right) - (left < right);
}

static void
read_numbers (const char *text, list *into)
{
    char *end = NULL;
    for (; into->count < LIST; text = end + 1) {
        into->numbers[into->count++] = (int)strtol (text, &end, 10);
        if (*end != ',') {
            break;
        }
    }
    qsort (into->numbers, into->count, sizeof into->numbers[0], by_number);
}

/* "MO", "-1FR", "2TU". */
static void
read_weekdays (const char *text, list *into)
{
    static const char names[] = "SUMOTUWETHFRSA";
    for (; text && into->count < LIST;
         text = strchr (text, ',') ? strchr (text, ',') + 1 : NULL) {
        char *end = NULL;
        int nth = (int)strtol (text, &end, 10);
        for (int day = 0; day < 7; day++) {
            if (strncmp (end, names + 2 * day, 2) == 0) {
                into->numbers[into->count++] = day + 16 * (nth + 8);
            }
        }
    }
}

static bool
read_part (rule_text *self, const char *name, const char *value)
{
    static const char *const frequencies[FREQUENCIES] = {"MINUTELY", "HOURLY", "DAILY",
                                                         "WEEKLY", "MONTHLY"};
    static const char *const names[] = {"BYMINUTE", "BYHOUR", "BYMONTH", "BYMONTHDAY",
                                        "BYSETPOS"};
    list *lists[] = {&self->minutes, &self->hours, &self->months, &self->month_days,
                     &self->places};
    if (strcmp (name, "FREQ") == 0) {
        while (self->each < FREQUENCIES && strcmp (frequencies[self->each], value) != 0) {
            self->each++;
        }
        return self->each < FREQUENCIES;
    }
    if (strcmp (name, "INTERVAL") == 0) {
        self->interval = strtol (value, NULL, 10);
        return self->interval > 0;
    }
    if (strcmp (name, "COUNT") == 0) {
        self->most = strtol (value, NULL, 10);
        return self->most > 0;
    }
    if (strcmp (name, "UNTIL") == 0) {
        bool whole_day = false;
        bool read = read_time (value, &self->until_s, &whole_day);
        self->until_s += whole_day ? DAY_S - 1 : 0;
        return read;
    }
    if (strcmp (name, "BYDAY") == 0) {
        read_weekdays (value, &self->weekdays);
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp (name, names[i]) == 0) {
            read_numbers (value, lists[i]);
            return true;
        }
    }
    return false;
}

static bool
read_rule (rule_text *self, char *text)
{
    char *rest = NULL;
    for (char *part = strtok_r (text, ";", &rest); part;
         part = strtok_r (NULL, ";", &rest)) {
        char *equals = strchr (part, '=');
        if (!equals) {
            return false;
        }
        *equals = '\0';
        if (!read_part (self, part, equals + 1)) {
            return false;
        }
    }
    return true;
}

static bool
read_property (rule_text *self, char *text)
{
    char *colon = strchr (text, ':');
    bool whole_day;
    if (!colon) {
        return read_rule (self, text);
    }
    if (strncmp (text, "DTSTART", 7) == 0) {
        return read_time (colon + 1, &self->start_s, &whole_day);
    }
    return strncmp (text, "EXDATE", 6) == 0  ? read_times (colon + 1, &self->excluded)
           : strncmp (text, "RDATE", 5) == 0 ? read_times (colon + 1, &self->added)
                                             : read_rule (self, colon + 1);
}

rule_text *
rule_text_new (const char *text, int64_t begin_s)
{
    rule_text *self = checker_alloc (1, sizeof *self);
    self->interval = 1;
    self->most = INT64_MAX;
    self->until_s = INT64_MAX;
    self->start_s = begin_s;
    char *copy = strdup (text);
    char *rest = NULL;
    bool read = copy != NULL;
    for (char *word = read ? strtok_r (copy, " \t\r\n", &rest) : NULL; read && word;
         word = strtok_r (NULL, " \t\r\n", &rest)) {
        read = read_property (self, word);
    }
    free (copy);
    if (!read) {
        rule_text_destroy (&self);
    }
    return self;
}

void
rule_text_destroy (rule_text **self_p)
{
    rule_text *self = *self_p;
    if (!self) {
        return;
    }
    free (self->excluded.times);
    free (self->added.times);
    free (self->known.times);
    free (self);
    *self_p = NULL;
}

/* --- periods ---------------------------------------------------------------------------
 */

static bool
has (const list *self, int number)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->numbers[i] == number) {
            return true;
        }
    }
    return false;
}

/* Where a list is empty: that of DTSTART. */
static size_t
count_or_one (const list *self)
{
    return self->count > 0 ? self->count : 1;
}

static int64_t
number_or (const list *self, size_t at, int64_t usual)
{
    return self->count > 0 ? self->numbers[at] : usual;
}

static void
write_day (const rule_text *self, int64_t days, times *into)
{
    int64_t second = self->start_s - floor_divide (self->start_s, DAY_S) * DAY_S;
    for (size_t h = 0; h < count_or_one (&self->hours); h++) {
        for (size_t m = 0; m < count_or_one (&self->minutes); m++) {
            append (into, days * DAY_S +
                              number_or (&self->hours, h, second / HOUR_S) * HOUR_S +
                              number_or (&self->minutes, m, second / 60 % 60) * MINUTE_S +
                              second % 60);
        }
    }
}

static bool
is_weekday (const rule_text *self, int64_t days)
{
    return self->weekdays.count == 0 ||
           has (&self->weekdays, weekday_of_days (days) + 16 * 8);
}

/* Whether a day of a month is the nth, or -nth, such weekday in it. */
static bool
is_nth (const rule_text *self, int64_t days, int day, int length)
{
    int weekday = weekday_of_days (days);
    int nth = (day - 1) / 7 + 1;
    int from_end = -((length - day) / 7 + 1);
    return has (&self->weekdays, weekday + 16 * 8) ||
           has (&self->weekdays, weekday + 16 * (nth + 8)) ||
           has (&self->weekdays, weekday + 16 * (from_end + 8));
}

static void
write_month (const rule_text *self, int64_t months, times *into)
{
    int64_t year = floor_divide (months, 12);
    int month = (int)(months - year * 12) + 1;
    int length = days_of_month (year, month);
    int64_t start_year;
    int start_month;
    int start_day;
    date_of_days (floor_divide (self->start_s, DAY_S), &start_year, &start_month,
                  &start_day);
    for (int day = 1; day <= length; day++) {
        int64_t days = days_of_date (year, month, day);
        bool by_number = self->month_days.count > 0;
        bool wanted = by_number ? has (&self->month_days, day) ||
                                      has (&self->month_days, day - length - 1)
                      : self->weekdays.count > 0 ? is_nth (self, days, day, length)
                                                 : day == start_day;
        if (wanted && (!by_number || is_weekday (self, days))) {
            write_day (self, days, into);
        }
    }
}

static void
write_period (const rule_text *self, int64_t period, times *into)
{
    int64_t first = floor_divide (self->start_s, DAY_S);
    int64_t steps = period * self->interval;
    int64_t year;
    int month;
    int day;
    switch (self->each) {
    case MINUTELY:
        append (into, self->start_s + steps * MINUTE_S);
        break;
    case HOURLY: {
        int64_t hour_s = floor_divide (self->start_s, HOUR_S) * HOUR_S + steps * HOUR_S;
        int64_t rest_s = self->start_s - floor_divide (self->start_s, HOUR_S) * HOUR_S;
        for (size_t m = 0; m < count_or_one (&self->minutes); m++) {
            append (into, hour_s + number_or (&self->minutes, m, rest_s / 60) * MINUTE_S +
                              rest_s % 60);
        }
        break;
    }
    case DAILY:
        date_of_days (first + steps, &year, &month, &day);
        if (is_weekday (self, first + steps) &&
            (self->months.count == 0 || has (&self->months, month))) {
            write_day (self, first + steps, into);
        }
        break;
    case WEEKLY: {
        /* Weeks begin on Monday. */
        int64_t monday = first - (weekday_of_days (first) + 6) % 7 + 7 * steps;
        for (int64_t days = monday; days < monday + 7; days++) {
            bool usual = self->weekdays.count == 0 &&
                         weekday_of_days (days) == weekday_of_days (first);
            if (usual || (self->weekdays.count > 0 && is_weekday (self, days))) {
                write_day (self, days, into);
            }
        }
        break;
    }
    default:
        date_of_days (first, &year, &month, &day);
        write_month (self, year * 12 + month - 1 + steps, into);
        break;
    }
}

/* --- counting --------------------------------------------------------------------------
 */

static bool
is_placed (const rule_text *self, size_t at, size_t count)
{
    return self->places.count == 0 || has (&self->places, (int)at + 1) ||
           has (&self->places, (int)at - (int)count);
}

/* Where the next period begins, at the earliest. */
static int64_t
period_begins (const rule_text *self)
{
    static const int64_t least_s[FREQUENCIES] = {MINUTE_S, HOUR_S, DAY_S, 7 * DAY_S,
                                                 28 * DAY_S};
    return self->start_s - 31 * DAY_S +
           self->periods * self->interval * least_s[self->each];
}

static void
write_out (rule_text *self, int64_t until_s)
{
    times period = {0};
    while (!self->over && period_begins (self) < until_s) {
        period.count = 0;
        write_period (self, self->periods++, &period);
        for (size_t i = 0; i < period.count && !self->over; i++) {
            int64_t time_s = period.times[i];
            if (time_s < self->start_s || !is_placed (self, i, period.count)) {
                continue;
            }
            self->over = time_s > self->until_s || self->counted == self->most;
            if (!self->over) {
                self->counted++;
                append (&self->known, time_s);
            }
        }
    }
    free (period.times);
}

static bool
is_excluded (const rule_text *self, int64_t time_s)
{
    for (size_t i = 0; i < self->excluded.count; i++) {
        if (self->excluded.times[i] == time_s) {
            return true;
        }
    }
    return false;
}

void
rule_text_locals (rule_text *self, int64_t from_s, int64_t until_s, local_sink *sink,
                  void *context)
{
    write_out (self, until_s);
    const times *lists[] = {&self->known, &self->added};
    for (size_t which = 0; which < 2; which++) {
        for (size_t i = 0; i < lists[which]->count; i++) {
            int64_t time_s = lists[which]->times[i];
            if (time_s >= from_s && time_s < until_s && !is_excluded (self, time_s)) {
                sink (context, time_s);
            }
        }
    }
}
