/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads cron expressions. What is not in the grammar is refused with a sentence that names
 * the field, quotes the item and says what is allowed there; so is an expression that no
 * day of any year can match.
 */
#include "core/calendar/cron.h"

#include <string.h>

#include "core/calendar/cron_days.h"

/* Numbers stop counting here: more than any field has. */
#define NUMBER_MAX 1000

typedef enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, N_FIELDS } field_id;

static const struct {
    const char *name;
    const char *allowed;
    const char *names; /* three letters each; the first is `names_from` */
    unsigned names_from;
    unsigned low;
    unsigned high;
    unsigned top; /* of *: day-of-week has 7 only as another name of 0 */
} fields[N_FIELDS] = {
    [SECOND] = {"second",
                "0-59, *, ranges (10-20), steps (*/15, 10-20/5) and lists of these", "", 0,
                0, 59, 59},
    [MINUTE] = {"minute",
                "0-59, *, ranges (10-20), steps (*/15, 10-20/5) and lists of these", "", 0,
                0, 59, 59},
    [HOUR] = {"hour", "0-23, *, ranges (9-17), steps (*/6, 9-17/2) and lists of these", "",
              0, 0, 23, 23},
    [DAY] =
        {"day-of-month",
         "1-31, *, ?, ranges (1-7), steps (*/5, 1-15/2), L (the last day), LW (the last "
         "working day), 15W (the working day nearest to the 15th) and lists of these",
         "", 0, 1, 31, 31},
    [MONTH] = {"month",
               "1-12, JAN-DEC, *, ranges (MAR-OCT), steps (*/3, 1-6/2) and lists of these",
               "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", 1, 1, 12, 12},
    [WEEKDAY] =
        {"day-of-week",
         "0-7 (0 and 7 are Sunday), SUN-SAT, *, ?, ranges (MON-FRI), steps (*/2, "
         "1-5/2), 5L (the last Friday), 5#3 (the third Friday), lists of these, and a "
         "+ before it all where a day must match both day fields",
         "SUNMONTUEWEDTHUFRISAT", 0, 0, 7, 6},
};

/* One item of a field: what is between two commas. */
typedef struct {
    field_id field;
    const char *item;
    const char *end;
    const char *at;
    bf_error *error;
} reader_t;

static bf_err
refuse (const reader_t *reader, const char *why)
{
    return bf_fail (reader->error, BF_EINVALID, "%s: '%.*s' %s; allowed are %s",
                    fields[reader->field].name, (int)(reader->end - reader->item),
                    reader->item, why, fields[reader->field].allowed);
}

static char
upper (char c)
{
    if (c >= 'a' && c <= 'z') {
        c = (char)(c - 'a' + 'A');
    }
    return c;
}

/* The next character in upper case, NUL at the end of the item. */
static char
peek (const reader_t *reader)
{
    if (reader->at == reader->end) {
        return '\0';
    }
    return upper (*reader->at);
}

static bool
take (reader_t *reader, char c)
{
    if (peek (reader) != c) {
        return false;
    }
    reader->at++;
    return true;
}

static bool
take_number (reader_t *reader, unsigned *number)
{
    const char *begin = reader->at;
    unsigned result = 0;
    for (char c = peek (reader); c >= '0' && c <= '9'; c = peek (reader)) {
        result = result * 10 + (unsigned)(c - '0');
        result = result > NUMBER_MAX ? NUMBER_MAX : result;
        reader->at++;
    }
    *number = result;
    return reader->at > begin;
}

static bool
take_name (reader_t *reader, unsigned *number)
{
    const char *names = fields[reader->field].names;
    if (reader->end - reader->at < 3) {
        return false;
    }
    for (unsigned i = 0; names[i] != '\0'; i += 3) {
        if (upper (reader->at[0]) == names[i] && upper (reader->at[1]) == names[i + 1] &&
            upper (reader->at[2]) == names[i + 2]) {
            *number = fields[reader->field].names_from + i / 3;
            reader->at += 3;
            return true;
        }
    }
    return false;
}

/* A number within the field, or a name. */
static bf_err
take_value (reader_t *reader, unsigned *value)
{
    if (!take_number (reader, value) && !take_name (reader, value)) {
        return refuse (reader, reader->item == reader->end ? "is an empty item"
                                                           : "is not understood");
    }
    if (*value < fields[reader->field].low || *value > fields[reader->field].high) {
        return refuse (reader, "is out of range");
    }
    return BF_OK;
}

/* first..last, what came before a step, as bits. */
static bf_err
take_step (reader_t *reader, unsigned first, unsigned last, uint64_t *set)
{
    unsigned step = 1;
    if (take (reader, '/')) {
        if (!take_number (reader, &step)) {
            return refuse (reader, "has a step that is no number");
        }
        if (step == 0) {
            return refuse (reader, "has a step of 0");
        }
        if (step > fields[reader->field].top - fields[reader->field].low + 1) {
            return refuse (reader, "has a step that is larger than the field");
        }
    }
    if (reader->at < reader->end) {
        return refuse (reader, "is not understood");
    }
    for (unsigned value = first; value <= last; value += step) {
        *set |= UINT64_C (1) << value;
    }
    return BF_OK;
}

/* What may follow a single value: W, L, #k. True: it was one of them. */
static bool
take_modifier (reader_t *reader, unsigned value, bf_cron *cron)
{
    unsigned weekday = value % 7;
    unsigned k;
    reader_t ahead = *reader;
    if (reader->field == DAY && take (&ahead, 'W') && ahead.at == ahead.end) {
        cron->nearest |= UINT32_C (1) << value;
        return true;
    }
    if (reader->field != WEEKDAY) {
        return false;
    }
    if (take (&ahead, 'L') && ahead.at == ahead.end) {
        cron->weekdays_last |= (uint8_t)(1U << weekday);
        return true;
    }
    if (take (&ahead, '#') && take_number (&ahead, &k) && ahead.at == ahead.end && k >= 1 &&
        k <= 5) {
        cron->weekdays_nth[k - 1] |= (uint8_t)(1U << weekday);
        return true;
    }
    return false;
}

static bf_err
read_item (reader_t *reader, uint64_t *set, bf_cron *cron)
{
    if (take (reader, '*')) {
        return take_step (reader, fields[reader->field].low, fields[reader->field].top,
                          set);
    }
    if (reader->field == DAY && take (reader, 'L')) {
        bool working = take (reader, 'W');
        if (reader->at < reader->end) {
            return refuse (reader, "is not understood");
        }
        cron->last_day |= !working;
        cron->last_working_day |= working;
        return BF_OK;
    }
    unsigned first, last;
    bf_err err = take_value (reader, &first);
    if (err != BF_OK) {
        return err;
    }
    if (take_modifier (reader, first, cron)) {
        return BF_OK;
    }
    if (!take (reader, '-')) {
        if (peek (reader) == '/') {
            return refuse (reader, "has a step without a range");
        }
        return take_step (reader, first, first, set);
    }
    /* The end of the week by its name: SAT-SUN is 6-7. */
    bool named = peek (reader) > '9';
    err = take_value (reader, &last);
    if (err != BF_OK) {
        return err;
    }
    if (named && last == 0) {
        last = first == 0 ? 0 : 7;
    }
    if (first > last) {
        return refuse (reader, "is a range that runs backwards");
    }
    return take_step (reader, first, last, set);
}

/* A whole field: items with commas between them. */
static bf_err
read_field (field_id field, const char *word, const char *end, uint64_t *set, bf_cron *cron,
            bf_error *error)
{
    if ((field == DAY || field == WEEKDAY) && end - word == 1 && *word == '?') {
        word = "*";
        end = word + 1;
    }
    for (const char *item = word;; item++) {
        const char *item_end = item;
        while (item_end < end && *item_end != ',') {
            item_end++;
        }
        reader_t reader = {field, item, item_end, item, error};
        bf_err err = read_item (&reader, set, cron);
        if (err != BF_OK || item_end == end) {
            return err;
        }
        item = item_end;
    }
}

static bool
is_blank (char c)
{
    return c == ' ' || c == '\t';
}

typedef struct {
    const char *begin;
    const char *end;
} word_t;

/* Cuts the text at its blanks. Returns how many words there are, also beyond N_FIELDS. */
static unsigned
cut (const char *text, word_t words[N_FIELDS])
{
    unsigned count = 0;
    for (;;) {
        while (is_blank (*text)) {
            text++;
        }
        if (*text == '\0') {
            return count;
        }
        word_t word = {text, text};
        while (*word.end != '\0' && !is_blank (*word.end)) {
            word.end++;
        }
        if (count < N_FIELDS) {
            words[count] = word;
        }
        count++;
        text = word.end;
    }
}

/* Whether any month of any year has a day that matches. All lengths and first weekdays of a
 * month come up within 400 years, 29 days of February on each weekday, too. */
static bool
ever_matches (const bf_cron *cron)
{
    static const int lengths[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; month++) {
        if ((cron->months >> month & 1) == 0) {
            continue;
        }
        for (int weekday = 0; weekday < 7; weekday++) {
            if (bf_cron_days_in (cron, lengths[month], weekday) != 0 ||
                (month == 2 && bf_cron_days_in (cron, 28, weekday) != 0)) {
                return true;
            }
        }
    }
    return false;
}

static bool
is_star (word_t word)
{
    return *word.begin == '*' || *word.begin == '?';
}

/* The words of six fields, the first of which is NULL where there is none. */
static bf_err
read_words (word_t words[N_FIELDS], bf_cron *cron, bf_error *error)
{
    bf_cron result = {.has_seconds = words[SECOND].begin != NULL};
    uint64_t sets[N_FIELDS] = {[SECOND] = result.has_seconds ? 0 : 1};
    word_t *weekday = &words[WEEKDAY];
    bool both = *weekday->begin == '+' && weekday->end - weekday->begin > 1;
    weekday->begin += both;
    for (field_id field = result.has_seconds ? SECOND : MINUTE; field < N_FIELDS; field++) {
        bf_err err = read_field (field, words[field].begin, words[field].end, &sets[field],
                                 &result, error);
        if (err != BF_OK) {
            return err;
        }
        result.wild |= field <= HOUR && *words[field].begin == '*';
    }
    result.both_days = both || is_star (words[DAY]) || is_star (*weekday);
    result.seconds = sets[SECOND];
    result.minutes = sets[MINUTE];
    result.hours = (uint32_t)sets[HOUR];
    result.days = (uint32_t)sets[DAY];
    result.months = (uint32_t)sets[MONTH];
    result.weekdays =
        (uint8_t)((sets[WEEKDAY] | sets[WEEKDAY] >> 7) & BF_CRON_ALL_WEEKDAYS);
    if (!ever_matches (&result)) {
        return bf_fail (error, BF_EINVALID,
                        "the expression can never match: no year has such a day");
    }
    if (bf_cron_write (&result, NULL, 0) >= BF_CRON_BYTES) {
        return bf_fail (error, BF_EINVALID,
                        "the expression means too much: its lists, written out, have more "
                        "than %d bytes",
                        BF_CRON_BYTES - 1);
    }
    *cron = result;
    return BF_OK;
}

static bf_err
read_macro (word_t word, bf_cron *cron, bf_error *error)
{
    static const struct {
        const char *name;
        const char *stands_for;
    } macros[] = {
        {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
        {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
        {"@hourly", "0 * * * *"},
    };
    size_t length = (size_t)(word.end - word.begin);
    for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++) {
        if (strlen (macros[i].name) == length &&
            memcmp (macros[i].name, word.begin, length) == 0) {
            return bf_cron_parse (macros[i].stands_for, cron, error);
        }
    }
    return bf_fail (error, BF_EINVALID,
                    "'%.*s' is no macro; there are @yearly, @annually, @monthly, @weekly, "
                    "@daily, @midnight and @hourly",
                    (int)length, word.begin);
}

bf_err
bf_cron_parse (const char *text, bf_cron *cron, bf_error *error)
{
    if (strnlen (text, BF_CRON_BYTES + 1) > BF_CRON_BYTES) {
        return bf_fail (error, BF_EINVALID,
                        "a cron expression has at most %d bytes, this is longer",
                        BF_CRON_BYTES);
    }
    word_t words[N_FIELDS] = {0};
    unsigned count = cut (text, words);
    if (count == 1 && *words[0].begin == '@') {
        return read_macro (words[0], cron, error);
    }
    if (count != N_FIELDS && count != N_FIELDS - 1) {
        return bf_fail (error, BF_EINVALID,
                        "a cron expression has 5 fields (minute hour day-of-month month "
                        "day-of-week), or 6 with second before them; this has %u",
                        count);
    }
    if (count == N_FIELDS - 1) {
        memmove (&words[MINUTE], &words[0], count * sizeof words[0]);
        words[SECOND] = (word_t){0};
    }
    return read_words (words, cron, error);
}
