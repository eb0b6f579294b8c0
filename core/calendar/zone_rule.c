/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads "std offset dst [offset],start[/time],end[/time]" and says when such a rule changes
 * the clocks of a year. Offsets in it count westwards, so their sign is turned. "Daylight
 * saving time" is only a word of the form: Europe/Dublin's has its clocks one hour back in
 * winter, and calls that so.
 */
#include "core/calendar/zone_rule.h"

#include "core/calendar/civil.h"

#define MINUTE_S 60
#define HOUR_S 3600

#define NAME_CHARACTERS 3 /* at least */

/* What of the text is not yet read. */
typedef struct {
    const char *at;
    const char *end;
} rest_t;

static char
peek (const rest_t *rest)
{
    if (rest->at == rest->end) {
        return '\0';
    }
    return *rest->at;
}

static bool
take (rest_t *rest, char c)
{
    if (rest->at == rest->end || *rest->at != c) {
        return false;
    }
    rest->at++;
    return true;
}

/* Of digits, within the bounds. */
static bool
take_number (rest_t *rest, int32_t least, int32_t most, int32_t *number)
{
    const char *begin = rest->at;
    int32_t value = 0;
    while (peek (rest) >= '0' && peek (rest) <= '9' && value <= most) {
        value = value * 10 + (peek (rest) - '0');
        rest->at++;
    }
    *number = value;
    return rest->at > begin && value >= least && value <= most;
}

/* hours[:minutes[:seconds]], with a sign or without. */
static bool
take_time (rest_t *rest, int32_t most_hours, int32_t *time_s)
{
    int32_t hours, minutes = 0, seconds = 0;
    bool negative = take (rest, '-');
    if (!negative) {
        take (rest, '+');
    }
    if (!take_number (rest, 0, most_hours, &hours)) {
        return false;
    }
    if (take (rest, ':')) {
        if (!take_number (rest, 0, 59, &minutes)) {
            return false;
        }
        if (take (rest, ':') && !take_number (rest, 0, 59, &seconds)) {
            return false;
        }
    }
    int32_t value = hours * HOUR_S + minutes * MINUTE_S + seconds;
    *time_s = negative ? -value : value;
    return true;
}

static bool
is_letter (char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_quotable (char c)
{
    return is_letter (c) || (c >= '0' && c <= '9') || c == '+' || c == '-';
}

/* Letters, or <letters, digits and signs>. Nobody asks for the name itself. */
static bool
take_name (rest_t *rest)
{
    bool quoted = take (rest, '<');
    const char *begin = rest->at;
    while (quoted ? is_quotable (peek (rest)) : is_letter (peek (rest))) {
        rest->at++;
    }
    bool long_enough = rest->at - begin >= NAME_CHARACTERS;
    return long_enough && (!quoted || take (rest, '>'));
}

static bool
take_offset (rest_t *rest, int32_t *offset_s)
{
    if (!take_time (rest, 24, offset_s)) {
        return false;
    }
    *offset_s = -*offset_s;
    return true;
}

static bool
take_day (rest_t *rest, bf_zone_moment *moment)
{
    if (take (rest, 'J')) {
        moment->kind = BF_RULE_JULIAN;
        return take_number (rest, 1, 365, &moment->day);
    }
    if (take (rest, 'M')) {
        moment->kind = BF_RULE_MONTH;
        return take_number (rest, 1, 12, &moment->month) && take (rest, '.') &&
               take_number (rest, 1, 5, &moment->week) && take (rest, '.') &&
               take_number (rest, 0, 6, &moment->weekday);
    }
    moment->kind = BF_RULE_DAY;
    return take_number (rest, 0, 365, &moment->day);
}

static bool
take_moment (rest_t *rest, bf_zone_moment *moment)
{
    *moment = (bf_zone_moment){.time_s = 2 * HOUR_S};
    if (!take (rest, ',') || !take_day (rest, moment)) {
        return false;
    }
    return !take (rest, '/') || take_time (rest, 167, &moment->time_s);
}

static bool
take_rule (rest_t *rest, bf_zone_rule *rule)
{
    *rule = (bf_zone_rule){.has_daylight = false};
    if (!take_name (rest) || !take_offset (rest, &rule->standard_s)) {
        return false;
    }
    if (rest->at == rest->end) {
        return true;
    }
    rule->has_daylight = true;
    rule->daylight_s = rule->standard_s + HOUR_S;
    if (!take_name (rest)) {
        return false;
    }
    if (peek (rest) != ',' && !take_offset (rest, &rule->daylight_s)) {
        return false;
    }
    return take_moment (rest, &rule->start) && take_moment (rest, &rule->end) &&
           rest->at == rest->end;
}

bf_err
bf_zone_rule_read (const char *text, size_t length, bf_zone_rule *rule, bf_error *error)
{
    rest_t rest = {text, text + length};
    bf_zone_rule found;
    if (!take_rule (&rest, &found)) {
        return bf_fail (error, BF_EINVALID,
                        "the zone data is damaged: its last line is no rule for a zone");
    }
    *rule = found;
    return BF_OK;
}

static int64_t
day_of_moment (const bf_zone_moment *moment, int32_t year)
{
    if (moment->kind == BF_RULE_DAY) {
        return bf_days_of (year, 1, 1 + moment->day);
    }
    if (moment->kind == BF_RULE_JULIAN) {
        /* 60 is 1 March, always. */
        bool leap_day = moment->day >= 60 && bf_year_is_leap (year);
        return bf_days_of (year, 1, moment->day + (leap_day ? 1 : 0));
    }
    int64_t first = bf_days_of (year, moment->month, 1);
    int32_t until_weekday = (moment->weekday - bf_weekday_of (first) + 7) % 7;
    int32_t day = until_weekday + (moment->week - 1) * 7;
    if (day >= bf_days_in_month (year, moment->month)) {
        day -= 7;
    }
    return first + day;
}

void
bf_zone_rule_year (const bf_zone_rule *rule, int32_t year, bf_zone_change changes[2])
{
    bf_zone_change start = {
        day_of_moment (&rule->start, year) * BF_DAY_S + rule->start.time_s -
            rule->standard_s,
        rule->daylight_s,
    };
    bf_zone_change end = {
        day_of_moment (&rule->end, year) * BF_DAY_S + rule->end.time_s - rule->daylight_s,
        rule->standard_s,
    };
    bool start_first = start.at_s <= end.at_s;
    changes[0] = start_first ? start : end;
    changes[1] = start_first ? end : start;
}
