/* SPDX-License-Identifier: MPL-2.0
 *
 * Cron expressions as crontab(5) and docs/calendar.md have them, each field written out:
 * which seconds, minutes, hours, months; a day is asked for one at a time.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/simulation/checker/calendar.h"
#include "tests/simulation/checker/table.h"

#define FIELDS 6
enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY };

/* One item of a day field that is no plain number. */
typedef struct {
    enum { LAST_DAY, LAST_WORKING_DAY, NEAREST, LAST_WEEKDAY, NTH_WEEKDAY } kind;
    int number;
    int nth;
} special;

struct cron_text {
    bool has[FIELDS][64];
    bool star[FIELDS];       /* begins with * or ? */
    special specials[2][32]; /* of days, of weekdays */
    size_t special_count[2];
    bool both; /* + before the weekdays */
};

/* --- dates -----------------------------------------------------------------------------
 */

static bool
is_leap (int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int
days_of_month (int64_t year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && is_leap (year));
}

static int64_t
days_before_year (int64_t year)
{
    int64_t past = year - 1;
    return 365 * past + floor_divide (past, 4) - floor_divide (past, 100) +
           floor_divide (past, 400);
}

int64_t
days_of_date (int64_t year, int month, int day)
{
    int64_t days = days_before_year (year) - days_before_year (1970) + day - 1;
    for (int before = 1; before < month; before++) {
        days += days_of_month (year, before);
    }
    return days;
}

void
date_of_days (int64_t days, int64_t *year, int *month, int *day)
{
    int64_t guess = 1970 + floor_divide (days, 366);
    while (days_of_date (guess + 1, 1, 1) <= days) {
        guess++;
    }
    int64_t left = days - days_of_date (guess, 1, 1);
    *year = guess;
    *month = 1;
    while (left >= days_of_month (guess, *month)) {
        left -= days_of_month (guess, *month);
        ++*month;
    }
    *day = (int)left + 1;
}

int
weekday_of_days (int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7);
}

/* --- reading ---------------------------------------------------------------------------
 */

typedef struct {
    const char *at;
    const char *end;
} piece_of_text;

/* A number, or a name of three letters. -1: neither. */
static int
read_value (piece_of_text *text, int field)
{
    static const char months[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    static const char weekdays[] = "SUNMONTUEWEDTHUFRISAT";
    const char *names = field == MONTH ? months : field == WEEKDAY ? weekdays : "";
    if (text->at < text->end && isdigit ((unsigned char)*text->at)) {
        int value = 0;
        while (text->at < text->end && isdigit ((unsigned char)*text->at)) {
            value = 10 * value + (*text->at++ - '0');
        }
        return value;
    }
    for (int i = 0; text->end - text->at >= 3 && names[0] != '\0' && names[3 * i]; i++) {
        if (strncasecmp (text->at, names + 3 * i, 3) == 0) {
            text->at += 3;
            return field == MONTH ? i + 1 : i;
        }
    }
    return -1;
}

static bool
read_char (piece_of_text *text, char what)
{
    bool there = text->at < text->end && *text->at == what;
    text->at += there;
    return there;
}

static bool
add_special (cron_text *self, int field, special what)
{
    size_t which = field == WEEKDAY;
    self->specials[which][self->special_count[which]++] = what;
    return self->special_count[which] < 32;
}

/* What only a day field has. False: it is something else; *text is where it was. */
static bool
read_special (cron_text *self, int field, piece_of_text *text)
{
    piece_of_text was = *text;
    if (field == DAY && read_char (text, 'L')) {
        bool working = read_char (text, 'W');
        return add_special (self, field,
                            (special){working ? LAST_WORKING_DAY : LAST_DAY, 0, 0});
    }
    int value = read_value (text, field);
    if (field == DAY && value > 0 && read_char (text, 'W')) {
        return add_special (self, field, (special){NEAREST, value, 0});
    }
    if (field == WEEKDAY && value >= 0 && read_char (text, 'L')) {
        return add_special (self, field, (special){LAST_WEEKDAY, value % 7, 0});
    }
    if (field == WEEKDAY && value >= 0 && read_char (text, '#')) {
        int nth = read_value (text, SECOND);
        return add_special (self, field, (special){NTH_WEEKDAY, value % 7, nth});
    }
    *text = was;
    return false;
}

static bool
read_item (cron_text *self, int field, piece_of_text text)
{
    static const int least[FIELDS] = {0, 0, 0, 1, 1, 0};
    static const int most[FIELDS] = {59, 59, 23, 31, 12, 7};
    bool days = field == DAY || field == WEEKDAY;
    if (days && read_special (self, field, &text)) {
        return text.at == text.end;
    }
    int from = least[field];
    int until = field == WEEKDAY ? 6 : most[field];
    int step = 1;
    if (!read_char (&text, '*') && !(days && read_char (&text, '?'))) {
        from = read_value (&text, field);
        until = read_char (&text, '-') ? read_value (&text, field) : from;
    }
    if (read_char (&text, '/')) {
        step = read_value (&text, SECOND);
    }
    if (from < least[field] || until > most[field] || from > until || step < 1 ||
        text.at != text.end) {
        return false;
    }
    for (int value = from; value <= until; value += step) {
        self->has[field][field == WEEKDAY ? value % 7 : value] = true;
    }
    return true;
}

static bool
read_field (cron_text *self, int field, const char *text, size_t size)
{
    const char *end = text + size;
    if (field == WEEKDAY && size > 0 && *text == '+') {
        self->both = true;
        text++;
    }
    self->star[field] = text < end && (*text == '*' || *text == '?');
    while (text <= end) {
        const char *comma = memchr (text, ',', (size_t)(end - text));
        const char *stop = comma ? comma : end;
        if (!read_item (self, field, (piece_of_text){text, stop})) {
            return false;
        }
        text = stop + 1;
    }
    return true;
}

unsigned
weekdays_of_text (const char *text, size_t size)
{
    cron_text *self = checker_alloc (1, sizeof *self);
    unsigned days = 0;
    bool read = read_field (self, WEEKDAY, text, size);
    for (unsigned day = 0; read && day < 7; day++) {
        days |= (unsigned)self->has[WEEKDAY][day] << day;
    }
    free (self);
    return days;
}

static const char *
without_macro (const char *text)
{
    static const char *const macros[][2] = {
        {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
        {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
        {"@annually", "0 0 1 1 *"},
    };
    for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++) {
        if (strcmp (text, macros[i][0]) == 0) {
            return macros[i][1];
        }
    }
    return text;
}

/* Where words are, and how many. */
static size_t
split (const char *text, const char *words[FIELDS + 1], size_t sizes[FIELDS + 1])
{
    size_t count = 0;
    for (text += strspn (text, " \t"); *text && count <= FIELDS;
         text += strspn (text, " \t")) {
        words[count] = text;
        sizes[count] = strcspn (text, " \t");
        text += sizes[count++];
    }
    return count;
}

static bool
read_cron (cron_text *self, const char *text)
{
    const char *words[FIELDS + 1];
    size_t sizes[FIELDS + 1];
    size_t count = split (without_macro (text), words, sizes);
    if (count != FIELDS && count != FIELDS - 1) {
        return false;
    }
    int field = FIELDS - (int)count;
    self->has[SECOND][0] = field == 1;
    bool fine = true;
    for (size_t i = 0; fine && i < count; i++) {
        fine = read_field (self, field + (int)i, words[i], sizes[i]);
    }
    return fine;
}

/* "2130" or "21:30", and weekdays. The zone is out of it. */
static bool
read_daily (cron_text *self, const char *text)
{
    const char *words[FIELDS + 1];
    size_t sizes[FIELDS + 1];
    size_t count = split (text, words, sizes);
    if (count < 1 || count > 2 || sizes[0] < 4) {
        return false;
    }
    const char *minutes = words[0] + sizes[0] - 2;
    self->has[SECOND][0] = true;
    return read_field (self, HOUR, words[0], 2) && read_field (self, MINUTE, minutes, 2) &&
           read_field (self, DAY, "*", 1) && read_field (self, MONTH, "*", 1) &&
           read_field (self, WEEKDAY, count == 2 ? words[1] : "*",
                       count == 2 ? sizes[1] : 1);
}

cron_text *
cron_text_new (const char *text, bool daily)
{
    cron_text *self = checker_alloc (1, sizeof *self);
    if (!(daily ? read_daily (self, text) : read_cron (self, text))) {
        cron_text_destroy (&self);
    }
    return self;
}

void
cron_text_destroy (cron_text **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

bool
cron_text_is_wild (const cron_text *self)
{
    return self->star[SECOND] || self->star[MINUTE] || self->star[HOUR];
}

/* --- matching --------------------------------------------------------------------------
 */

static bool
is_working (int64_t days)
{
    int weekday = weekday_of_days (days);
    return weekday >= 1 && weekday <= 5;
}

/* The working day nearest to a day of the month, within it; 0 where the month lacks it. */
static int
nearest_to (int64_t year, int month, int day)
{
    int length = days_of_month (year, month);
    static const int tries[] = {0, -1, 1, -2, 2};
    for (size_t i = 0; day <= length && i < 5; i++) {
        int candidate = day + tries[i];
        if (candidate >= 1 && candidate <= length &&
            is_working (days_of_date (year, month, candidate))) {
            return candidate;
        }
    }
    return 0;
}

static bool
is_special (const special *what, int64_t year, int month, int day, int weekday)
{
    int length = days_of_month (year, month);
    switch (what->kind) {
    case LAST_DAY:
        return day == length;
    case LAST_WORKING_DAY:
        return day == nearest_to (year, month, length);
    case NEAREST:
        return day == nearest_to (year, month, what->number);
    case LAST_WEEKDAY:
        return weekday == what->number && day > length - 7;
    default:
        return weekday == what->number && (day - 1) / 7 + 1 == what->nth;
    }
}

static bool
has_day (const cron_text *self, int64_t days)
{
    int64_t year;
    int month;
    int day;
    date_of_days (days, &year, &month, &day);
    int weekday = weekday_of_days (days);
    if (!self->has[MONTH][month]) {
        return false;
    }
    bool found[2] = {self->has[DAY][day], self->has[WEEKDAY][weekday]};
    for (size_t which = 0; which < 2; which++) {
        for (size_t i = 0; i < self->special_count[which]; i++) {
            found[which] |=
                is_special (&self->specials[which][i], year, month, day, weekday);
        }
    }
    bool both = self->both || self->star[DAY] || self->star[WEEKDAY];
    return both ? found[0] && found[1] : found[0] || found[1];
}

static void
minute_locals (const cron_text *self, int64_t minute_s, int64_t from_s, int64_t until_s,
               local_sink *sink, void *context)
{
    for (int second = 0; second < 60; second++) {
        int64_t local_s = minute_s + second;
        if (self->has[SECOND][second] && local_s >= from_s && local_s < until_s) {
            sink (context, local_s);
        }
    }
}

void
cron_text_locals (const cron_text *self, int64_t from_s, int64_t until_s, local_sink *sink,
                  void *context)
{
    int64_t last = floor_divide (until_s, DAY_S);
    for (int64_t days = floor_divide (from_s, DAY_S); days <= last; days++) {
        if (!has_day (self, days)) {
            continue;
        }
        for (int minute = 0; minute < 24 * 60; minute++) {
            int64_t minute_s = days * DAY_S + minute * MINUTE_S;
            if (self->has[HOUR][minute / 60] && self->has[MINUTE][minute % 60] &&
                minute_s + MINUTE_S > from_s && minute_s < until_s) {
                minute_locals (self, minute_s, from_s, until_s, sink, context);
            }
        }
    }
}
