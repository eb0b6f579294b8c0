/* SPDX-License-Identifier: MPL-2.0
 *
 * An exclusion calendar is three tables: stretches of days in order, the days of every year
 * as bits, and the windows as stretches of one week in order. A question is two searches.
 */
#include "core/calendar/exclusion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/calendar/cron.h"

#define WEEK_S (7 * BF_DAY_S)

/* A window gives one stretch for each weekday, and one more where it runs over the end of
 * the week. */
#define PIECES_MAX (BF_EXCLUSION_WINDOWS * 8)

/* Days, or seconds of a week that begins on Sunday: from is in, until is not. */
typedef struct {
    int64_t from;
    int64_t until;
} stretch_t;

struct bf_exclusion {
    uint32_t yearly[13]; /* [month], bit n: day n of every year */
    size_t n_dates;
    stretch_t dates[BF_EXCLUSION_DATES]; /* in order, apart */
    size_t n_pieces;
    stretch_t pieces[PIECES_MAX]; /* in order, apart */
};

static int
compare (const void *a, const void *b)
{
    int64_t left = ((const stretch_t *)a)->from;
    int64_t right = ((const stretch_t *)b)->from;
    return (left > right) - (left < right);
}

/* Puts them in order and makes one of those that touch. Returns how many are left. */
static size_t
merge (stretch_t *stretches, size_t count)
{
    size_t kept = 0;
    qsort (stretches, count, sizeof *stretches, compare);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || stretches[i].from > stretches[kept - 1].until) {
            stretches[kept++] = stretches[i];
        } else if (stretches[i].until > stretches[kept - 1].until) {
            stretches[kept - 1].until = stretches[i].until;
        }
    }
    return kept;
}

#define DATE_LENGTH 10  /* "2026-12-24" */
#define YEARLY_LENGTH 5 /* "12-24" */

/* A date that begins a text. */
static bool
read_date (const char *text, int64_t *day)
{
    char date[DATE_LENGTH + 1];
    snprintf (date, sizeof date, "%s", text);
    bf_local local;
    if (strlen (date) != DATE_LENGTH || !bf_local_parse (date, &local)) {
        return false;
    }
    *day = bf_local_day (local);
    return true;
}

/* Any day of a leap year, so that 29 February is one. */
static bool
read_yearly (bf_exclusion *self, const char *text)
{
    char date[DATE_LENGTH + 1];
    int64_t day;
    snprintf (date, sizeof date, "2000-%s", text);
    if (strlen (text) != YEARLY_LENGTH || !read_date (date, &day)) {
        return false;
    }
    bf_date read = bf_date_of (day);
    self->yearly[read.month] |= UINT32_C (1) << read.day;
    return true;
}

static bool
read_dates (bf_exclusion *self, const char *text)
{
    if (read_yearly (self, text)) {
        return true;
    }
    int64_t first;
    int64_t last;
    if (!read_date (text, &first)) {
        return false;
    }
    last = first;
    const char *rest = text + DATE_LENGTH;
    if (*rest != '\0') {
        if (strncmp (rest, "..", 2) != 0 || strlen (rest + 2) != DATE_LENGTH ||
            !read_date (rest + 2, &last)) {
            return false;
        }
    }
    if (last < first) {
        return false;
    }
    self->dates[self->n_dates++] = (stretch_t){first, last + 1};
    return true;
}

#define WORD_BYTES 64

/* The next word of a text, and what is behind it. False: none, or too long. */
static bool
next_word (const char **text, char word[WORD_BYTES])
{
    const char *begin = *text + strspn (*text, " \t");
    size_t length = strcspn (begin, " \t");
    if (length == 0 || length >= WORD_BYTES) {
        return false;
    }
    memcpy (word, begin, length);
    word[length] = '\0';
    *text = begin + length;
    *text += strspn (*text, " \t");
    return true;
}

/* Weekdays as cron writes them, less what means certain days of a month. */
static bool
read_weekdays (const char *word, uint8_t *weekdays)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789*,-/";
    char text[WORD_BYTES + 16];
    bf_cron cron;
    snprintf (text, sizeof text, "0 0 * * %s", word);
    if (word[strspn (word, letters)] != '\0' ||
        bf_cron_parse (text, &cron, NULL) != BF_OK || cron.weekdays_last != 0) {
        return false;
    }
    *weekdays = cron.weekdays;
    return true;
}

/* "2200", "22:00", and 2400 where a window may end. */
static bool
read_time (const char **text, int most, int64_t *second)
{
    const char *at = *text;
    int digits[4];
    for (int i = 0; i < 4; i++) {
        if (i == 2 && *at == ':') {
            at++;
        }
        if (*at < '0' || *at > '9') {
            return false;
        }
        digits[i] = *at++ - '0';
    }
    int hour = digits[0] * 10 + digits[1];
    int minute = digits[2] * 10 + digits[3];
    if (minute > 59 || hour * 60 + minute > most) {
        return false;
    }
    *second = (hour * 60 + minute) * INT64_C (60);
    *text = at;
    return true;
}

static bool
read_times (const char *word, int64_t *from, int64_t *until)
{
    const char *at = word;
    if (!read_time (&at, 23 * 60 + 59, from) || *at++ != '-' ||
        !read_time (&at, 24 * 60, until)) {
        return false;
    }
    return *at == '\0';
}

static bool
read_window (bf_exclusion *self, const char *text)
{
    char word[WORD_BYTES];
    uint8_t weekdays;
    int64_t from = 0;
    int64_t until = BF_DAY_S;
    if (!next_word (&text, word) || !read_weekdays (word, &weekdays)) {
        return false;
    }
    if (*text != '\0' &&
        (!next_word (&text, word) || !read_times (word, &from, &until) || *text != '\0')) {
        return false;
    }
    if (until <= from) {
        until += BF_DAY_S;
    }
    for (int weekday = 0; weekday < 7; weekday++) {
        if ((weekdays >> weekday & 1) != 0) {
            int64_t day = weekday * BF_DAY_S;
            stretch_t piece = {day + from, day + until};
            if (piece.until > WEEK_S) {
                self->pieces[self->n_pieces++] = (stretch_t){0, piece.until - WEEK_S};
                piece.until = WEEK_S;
            }
            self->pieces[self->n_pieces++] = piece;
        }
    }
    return true;
}

static bf_err
read_all (bf_exclusion *self, const char *const *dates, size_t n_dates,
          const char *const *windows, size_t n_windows, size_t *which, bf_error *error)
{
    for (size_t i = 0; i < n_dates; i++) {
        if (!read_dates (self, dates[i])) {
            *which = i;
            return bf_fail (error, BF_EINVALID,
                            "\"%.64s\" is no date: write 2026-12-24, "
                            "2026-12-24..2027-01-06, or 12-24 for every year",
                            dates[i]);
        }
    }
    for (size_t i = 0; i < n_windows; i++) {
        if (!read_window (self, windows[i])) {
            *which = n_dates + i;
            return bf_fail (error, BF_EINVALID,
                            "\"%.64s\" is no window: write weekdays, and from when until "
                            "when if not all day: SAT-SUN, MON-FRI 2200-0600, * 1200-1300",
                            windows[i]);
        }
    }
    return BF_OK;
}

bf_err
bf_exclusion_new (const char *const *dates, size_t n_dates, const char *const *windows,
                  size_t n_windows, bf_exclusion **exclusion_p, size_t *which,
                  bf_error *error)
{
    size_t place = n_dates > BF_EXCLUSION_DATES ? BF_EXCLUSION_DATES : n_dates;
    bf_err rc = BF_OK;
    if (n_dates > BF_EXCLUSION_DATES || n_windows > BF_EXCLUSION_WINDOWS) {
        place += n_dates > BF_EXCLUSION_DATES ? 0 : BF_EXCLUSION_WINDOWS;
        rc = bf_fail (error, BF_EINVALID, "at most %d dates and %d windows",
                      BF_EXCLUSION_DATES, BF_EXCLUSION_WINDOWS);
    } else {
        bf_exclusion *self = calloc (1, sizeof *self);
        if (self == NULL) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
        rc = read_all (self, dates, n_dates, windows, n_windows, &place, error);
        if (rc == BF_OK) {
            self->n_dates = merge (self->dates, self->n_dates);
            self->n_pieces = merge (self->pieces, self->n_pieces);
            *exclusion_p = self;
            return BF_OK;
        }
        bf_exclusion_destroy (&self);
    }
    if (which != NULL) {
        *which = place;
    }
    return rc;
}

void
bf_exclusion_destroy (bf_exclusion **exclusion_p)
{
    free (*exclusion_p);
    *exclusion_p = NULL;
}

/* The first stretch that ends after `at`; count where there is none. */
static size_t
find (const stretch_t *stretches, size_t count, int64_t at)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stretches[middle].until > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static bool
is_date_excluded (const bf_exclusion *self, int64_t day)
{
    size_t index = find (self->dates, self->n_dates, day);
    if (index < self->n_dates && self->dates[index].from <= day) {
        return true;
    }
    bf_date date = bf_date_of (day);
    return (self->yearly[date.month] >> date.day & 1) != 0;
}

/* Narrows a stretch of the day to where the windows say what they say at `local`. */
static bool
is_in_window (const bf_exclusion *self, int64_t local, stretch_t *around)
{
    int64_t day = bf_local_day ((bf_local){local});
    int64_t week = (day - bf_weekday_of (day)) * BF_DAY_S;
    size_t index = find (self->pieces, self->n_pieces, local - week);
    int64_t from = index > 0 ? week + self->pieces[index - 1].until : around->from;
    int64_t until = around->until;
    bool inside = false;
    if (index < self->n_pieces) {
        inside = week + self->pieces[index].from <= local;
        from = inside ? week + self->pieces[index].from : from;
        until = week + (inside ? self->pieces[index].until : self->pieces[index].from);
    }
    around->from = from > around->from ? from : around->from;
    around->until = until < around->until ? until : around->until;
    return inside;
}

bool
bf_exclusion_at (const bf_exclusion *const *exclusions, size_t count, bf_local local,
                 bf_local *from, bf_local *until)
{
    int64_t day = bf_local_day (local);
    stretch_t around = {day * BF_DAY_S, (day + 1) * BF_DAY_S};
    bool excluded = false;
    for (size_t i = 0; i < count; i++) {
        if (is_date_excluded (exclusions[i], day) ||
            is_in_window (exclusions[i], local.s, &around)) {
            excluded = true;
        }
    }
    from->s = around.from;
    until->s = around.until;
    return excluded;
}
