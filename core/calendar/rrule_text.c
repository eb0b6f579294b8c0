/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads the text of a recurrence: its properties (RFC 5545, 3.8.5 and 3.8.2.4) and their
 * times, and makes the one object that holds all of it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/calendar/rrule_rule.h"

#define DATE_BYTES 8       /* 20270328 */
#define DATE_TIME_BYTES 15 /* 20270328T023000 */

/* What is found before the rule is made. */
typedef struct {
    bf_rrule *rule;
    bool has_rule;
    bf_error *error;
} reader_t;

bool
bf_rrule_read_moment (bf_piece piece, bf_rrule_moment *moment)
{
    static const int places[] = {4, 2, 2, 0, 2, 2, 2}; /* 0: the T */
    int32_t numbers[7] = {0};
    bool utc = piece.size == DATE_TIME_BYTES + 1 &&
               (piece.at[DATE_TIME_BYTES] == 'Z' || piece.at[DATE_TIME_BYTES] == 'z');
    size_t size = utc ? DATE_TIME_BYTES : piece.size;
    if (size != DATE_BYTES && size != DATE_TIME_BYTES) {
        return false;
    }
    const char *at = piece.at;
    for (size_t i = 0; at < piece.at + size; i++) {
        if (places[i] == 0) {
            if (*at != 'T' && *at != 't') {
                return false;
            }
            at++;
        } else if (!bf_piece_number ((bf_piece){at, (size_t)places[i]}, &numbers[i])) {
            return false;
        }
        at += places[i];
    }
    if (numbers[0] < 1 || numbers[1] < 1 || numbers[1] > 12 || numbers[2] < 1 ||
        numbers[2] > bf_days_in_month (numbers[0], numbers[1]) || numbers[4] > 23 ||
        numbers[5] > 59 || numbers[6] > 59) {
        return false;
    }
    moment->form = utc                  ? BF_MOMENT_UTC
                   : size == DATE_BYTES ? BF_MOMENT_DATE
                                        : BF_MOMENT_LOCAL;
    moment->s = bf_days_of (numbers[0], numbers[1], numbers[2]) * BF_DAY_S +
                numbers[4] * 3600 + numbers[5] * 60 + numbers[6];
    return true;
}

static bf_err
read_zone (reader_t *reader, const char *property, bf_piece zone)
{
    bf_rrule *rule = reader->rule;
    char name[BF_ZONE_NAME_BYTES + 1];
    if (zone.size > BF_ZONE_NAME_BYTES) {
        zone.size = 0; /* too long to be one */
    }
    memcpy (name, zone.at, zone.size);
    name[zone.size] = '\0';
    if (!bf_zone_name_is_valid (name)) {
        return bf_fail (reader->error, BF_EINVALID,
                        "%s: TZID has to be the name of a time zone like Europe/Berlin",
                        property);
    }
    if (rule->zone[0] != '\0' && strcmp (rule->zone, name) != 0) {
        return bf_fail (reader->error, BF_EINVALID,
                        "%s: all times of a rule have to be of one zone, not of %s and %s",
                        property, rule->zone, name);
    }
    memcpy (rule->zone, name, zone.size + 1);
    return BF_OK;
}

/* "TZID=…", "VALUE=DATE", "VALUE=DATE-TIME"; several with semicolons. */
static bf_err
read_parameters (reader_t *reader, const char *property, bf_piece parameters, bool *date)
{
    while (parameters.at != NULL) {
        bf_piece value = bf_piece_cut (&parameters, ';');
        bf_piece written = value;
        bf_piece name = bf_piece_cut (&value, '=');
        bf_err rc = BF_OK;
        if (value.at != NULL && bf_piece_is (name, "TZID")) {
            rc = read_zone (reader, property, value);
        } else if (bf_piece_is (written, "VALUE=DATE")) {
            *date = true;
        } else if (!bf_piece_is (written, "VALUE=DATE-TIME")) {
            rc = bf_fail (reader->error, BF_EINVALID,
                          "%s: it may have TZID, VALUE=DATE or VALUE=DATE-TIME, not '%.*s'",
                          property, BF_PIECE (written));
        }
        if (rc != BF_OK) {
            return rc;
        }
    }
    return BF_OK;
}

static bf_err
read_time (reader_t *reader, const char *property, bf_piece piece, bool date,
           bf_rrule_moment *moment)
{
    if (!bf_rrule_read_moment (piece, moment) || (date && moment->form != BF_MOMENT_DATE)) {
        return bf_fail (reader->error, BF_EINVALID,
                        "%s: a time is like 20270328, 20270328T023000 or 20270328T013000Z, "
                        "not '%.*s'",
                        property, BF_PIECE (piece));
    }
    return BF_OK;
}

static bf_err
read_start (reader_t *reader, bf_piece value, bool date)
{
    bf_rrule *rule = reader->rule;
    if (rule->has_start) {
        return bf_fail (reader->error, BF_EINVALID, "DTSTART is said twice");
    }
    rule->has_start = true;
    bf_err rc = read_time (reader, "DTSTART", value, date, &rule->said_start);
    if (rc == BF_OK && rule->said_start.form == BF_MOMENT_UTC) {
        rc = read_zone (reader, "DTSTART", (bf_piece){"UTC", 3});
    }
    return rc;
}

static bf_err
read_dates (reader_t *reader, const char *property, bool added, bf_piece values, bool date)
{
    bf_rrule *rule = reader->rule;
    size_t *count = added ? &rule->n_added : &rule->n_excluded;
    while (values.at != NULL) {
        if (*count == BF_RRULE_DATES) {
            return bf_fail (reader->error, BF_EINVALID, "%s: a rule has at most %d of them",
                            property, BF_RRULE_DATES);
        }
        bf_rrule_date *next = &rule->dates[rule->n_excluded + rule->n_added];
        next->added = added;
        bf_err rc =
            read_time (reader, property, bf_piece_cut (&values, ','), date, &next->said);
        if (rc != BF_OK) {
            return rc;
        }
        (*count)++;
    }
    return BF_OK;
}

static bf_err
read_rule (reader_t *reader, bf_piece value)
{
    if (reader->has_rule) {
        return bf_fail (reader->error, BF_EINVALID,
                        "a second RRULE '%.*s': there may be one, without blanks in it",
                        BF_PIECE (value));
    }
    reader->has_rule = true;
    return bf_rrule_read_rule (value, reader->rule, reader->error);
}

/* "DTSTART;TZID=Europe/Berlin:20260105T090000", or a rule without its name. */
static bf_err
read_property (reader_t *reader, bf_piece property)
{
    bf_piece value = property;
    bf_piece head = bf_piece_cut (&value, ':');
    if (value.at == NULL) {
        return read_rule (reader, property);
    }
    bf_piece parameters = head;
    bf_piece name = bf_piece_cut (&parameters, ';');
    if (bf_piece_is (name, "RRULE") && parameters.at == NULL) {
        return read_rule (reader, value);
    }
    bool start = bf_piece_is (name, "DTSTART");
    bool added = bf_piece_is (name, "RDATE");
    if (!start && !added && !bf_piece_is (name, "EXDATE")) {
        return bf_fail (reader->error, BF_EINVALID,
                        "a rule has DTSTART, RRULE, EXDATE and RDATE, not '%.*s'",
                        BF_PIECE (head));
    }
    const char *label = start ? "DTSTART" : added ? "RDATE" : "EXDATE";
    bool date = false;
    bf_err rc = read_parameters (reader, label, parameters, &date);
    if (rc != BF_OK) {
        return rc;
    }
    return start ? read_start (reader, value, date)
                 : read_dates (reader, label, added, value, date);
}

#define BLANKS " \t\r\n"

static bf_err
read_text (reader_t *reader, const char *text)
{
    for (text += strspn (text, BLANKS); *text != '\0'; text += strspn (text, BLANKS)) {
        size_t size = strcspn (text, BLANKS);
        bf_err rc = read_property (reader, (bf_piece){text, size});
        if (rc != BF_OK) {
            return rc;
        }
        text += size;
    }
    if (!reader->has_rule) {
        return bf_fail (reader->error, BF_EINVALID,
                        "there is no RRULE; one is like FREQ=WEEKLY;BYDAY=MO,FR");
    }
    return BF_OK;
}

bf_err
bf_rrule_parse (const char *text, bf_rrule **rule_p, bf_error *error)
{
    size_t size = strnlen (text, BF_RRULE_BYTES + 1);
    if (size > BF_RRULE_BYTES) {
        return bf_fail (error, BF_EINVALID, "a rule has at most %d bytes", BF_RRULE_BYTES);
    }
    size_t dates = 0; /* not more than commas and colons */
    for (size_t i = 0; i < size; i++) {
        dates += text[i] == ',' || text[i] == ':';
    }
    bf_rrule *rule = calloc (1, sizeof *rule + dates * sizeof rule->dates[0]);
    if (rule == NULL) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    reader_t reader = {.rule = rule, .error = error};
    bf_err rc = read_text (&reader, text);
    if (rc != BF_OK) {
        free (rule);
        return rc;
    }
    *rule_p = rule;
    return BF_OK;
}

void
bf_rrule_destroy (bf_rrule **rule_p)
{
    free (*rule_p);
    *rule_p = NULL;
}

const char *
bf_rrule_zone (const bf_rrule *rule)
{
    return rule->zone;
}

bool
bf_rrule_has_start (const bf_rrule *rule)
{
    return rule->has_start;
}
