/* SPDX-License-Identifier: MPL-2.0
 *
 * Which period a local time is in, what a recurrence rule takes from DTSTART, and which
 * days of a month meet it: the table of RFC 5545, 3.3.10, read as conditions on a day.
 */
#include "core/calendar/rrule_rule.h"

#define HOUR_S 3600
#define MINUTE_S 60
#define WEEK 7
#define YEAR_MONTHS 12
#define WORD 64

/* 1970-01-01 was a Thursday. */
#define EPOCH_WEEKDAY 4

#define ALL_HOURS ((UINT64_C (1) << 24) - 1)
#define ALL_MINUTES ((UINT64_C (1) << 60) - 1)
#define ALL_SECONDS ALL_MINUTES

static int64_t
floor_div (int64_t number, int64_t by)
{
    int64_t quotient = number / by;
    return quotient * by > number ? quotient - 1 : quotient;
}

/* The numbers below one, which is at most 63. */
static uint64_t
bits_below (int64_t number)
{
    return (UINT64_C (1) << number) - 1;
}

static int
lowest (uint64_t bits)
{
    return __builtin_ctzll (bits);
}

static bool
bits_have (const bf_rrule_bits *bits, int32_t number)
{
    return (bits->words[number / WORD] >> (number % WORD) & 1) != 0;
}

static bool
list_has (const bf_rrule_list *list, int32_t up, int32_t down)
{
    return bits_have (&list->up, up) || bits_have (&list->down, down);
}

/* --- What follows from DTSTART --- */

/* A unit of time that the rule says nothing of: as DTSTART's where periods are longer than
 * it, any where they are not. */
static void
bind_time (bf_rrule *rule, bf_rrule_part part, bf_rrule_freq own, int64_t start,
           uint64_t any)
{
    if (!bf_rrule_has (rule, part)) {
        rule->lists[part].up.words[0] = rule->freq < own ? UINT64_C (1) << start : any;
    }
}

static void
bind_day (bf_rrule *rule, int64_t day)
{
    bf_date date = bf_date_of (day);
    if (rule->by_day || rule->by_month_day || bf_rrule_has (rule, BF_BYYEARDAY) ||
        bf_rrule_has (rule, BF_BYWEEKNO)) {
        return;
    }
    if (rule->freq == BF_FREQ_WEEKLY) {
        rule->by_day = true;
        rule->nth_up[bf_weekday_of (day)] = 1;
    } else if (rule->freq <= BF_FREQ_MONTHLY) {
        rule->by_month_day = true;
        rule->lists[BF_BYMONTHDAY].up.words[0] = UINT64_C (1) << date.day;
        if (rule->freq == BF_FREQ_YEARLY && !bf_rrule_has (rule, BF_BYMONTH)) {
            rule->lists[BF_BYMONTH].up.words[0] = UINT64_C (1) << date.month;
        }
    }
}

void
bf_rrule_bind (bf_rrule *rule, int64_t start)
{
    int64_t day = bf_local_day ((bf_local){start});
    int64_t second = start - day * BF_DAY_S;
    rule->start = start;
    rule->by_day = bf_rrule_has (rule, BF_BYDAY);
    rule->by_month_day = bf_rrule_has (rule, BF_BYMONTHDAY);
    bind_time (rule, BF_BYHOUR, BF_FREQ_HOURLY, second / HOUR_S, ALL_HOURS);
    bind_time (rule, BF_BYMINUTE, BF_FREQ_MINUTELY, second % HOUR_S / MINUTE_S,
               ALL_MINUTES);
    bind_time (rule, BF_BYSECOND, BF_FREQ_SECONDLY, second % MINUTE_S, ALL_SECONDS);
    bind_day (rule, day);
    rule->start_unit = bf_rrule_unit (rule, start);
}

/* --- Periods --- */

static const int64_t unit_seconds[BF_FREQS] = {
    [BF_FREQ_DAILY] = BF_DAY_S,
    [BF_FREQ_HOURLY] = HOUR_S,
    [BF_FREQ_MINUTELY] = MINUTE_S,
    [BF_FREQ_SECONDLY] = 1,
};

int64_t
bf_rrule_unit (const bf_rrule *rule, int64_t at)
{
    if (rule->freq >= BF_FREQ_DAILY) {
        return floor_div (at, unit_seconds[rule->freq]);
    }
    int64_t day = bf_local_day ((bf_local){at});
    if (rule->freq == BF_FREQ_WEEKLY) {
        return floor_div (day + EPOCH_WEEKDAY - rule->week_start, WEEK);
    }
    bf_date date = bf_date_of (day);
    return rule->freq == BF_FREQ_YEARLY ? date.year
                                        : (int64_t)date.year * YEAR_MONTHS + date.month - 1;
}

int64_t
bf_rrule_unit_start (const bf_rrule *rule, int64_t unit)
{
    switch (rule->freq) {
    case BF_FREQ_YEARLY:
        return bf_days_of ((int32_t)unit, 1, 1) * BF_DAY_S;
    case BF_FREQ_MONTHLY:
        return bf_days_of ((int32_t)(unit / YEAR_MONTHS), (int32_t)(unit % YEAR_MONTHS) + 1,
                           1) *
               BF_DAY_S;
    case BF_FREQ_WEEKLY:
        return (unit * WEEK - EPOCH_WEEKDAY + rule->week_start) * BF_DAY_S;
    default:
        return unit * unit_seconds[rule->freq];
    }
}

/* --- Days --- */

/* A month, as the conditions on its days want to know it. */
typedef struct {
    int length;
    int weekday; /* of its first day */
    int before;  /* days of the year before it */
    int32_t year;
    int year_length;
} month_t;

static int
length_of_year (int32_t year)
{
    return bf_year_is_leap (year) ? 366 : 365;
}

/* -1 is the last day, as 1 is the first. */
static uint32_t
days_by_month_day (const bf_rrule *rule, const month_t *month)
{
    uint64_t days = rule->lists[BF_BYMONTHDAY].up.words[0] >> 1;
    for (uint64_t left = rule->lists[BF_BYMONTHDAY].down.words[0]; left != 0;
         left &= left - 1) {
        int from_end = lowest (left);
        if (from_end <= month->length) {
            days |= UINT64_C (1) << (month->length - from_end);
        }
    }
    return (uint32_t)days;
}

static uint32_t
days_by_year_day (const bf_rrule *rule, const month_t *month)
{
    uint32_t days = 0;
    for (int day = 0; day < month->length; day++) {
        int of_year = month->before + day + 1;
        if (list_has (&rule->lists[BF_BYYEARDAY], of_year,
                      month->year_length + 1 - of_year)) {
            days |= UINT32_C (1) << day;
        }
    }
    return days;
}

/* Days that lie in the first week of the next year, or the last of the year before, have
 * that year's number for their week (week 1 is the first with four days in its year). */
static uint32_t
days_by_week (const bf_rrule *rule, const month_t *month)
{
    uint32_t days = 0;
    int into = (month->weekday - rule->week_start + WEEK) % WEEK;
    for (int first = -into; first < month->length; first += WEEK) {
        /* The year of a week is that of its fourth day, its number that day's. */
        int fourth = month->before + first + 3;
        int length = month->year_length;
        if (fourth < 0) {
            length = length_of_year (month->year - 1);
            fourth += length;
        } else if (fourth >= length) {
            fourth -= length;
            length = length_of_year (month->year + 1);
        }
        if (list_has (&rule->lists[BF_BYWEEKNO], fourth / WEEK + 1,
                      (length - 1 - fourth) / WEEK + 1)) {
            uint32_t week = (1U << WEEK) - 1;
            days |= first < 0 ? week >> -first : week << first;
        }
    }
    return days;
}

/* A number before a weekday counts in the month, or in the year where the rule is of years
 * and names no months. */
static uint32_t
days_by_weekday (const bf_rrule *rule, const month_t *month)
{
    bool in_year = rule->freq == BF_FREQ_YEARLY && !bf_rrule_has (rule, BF_BYMONTH);
    int before = in_year ? month->before : 0;
    int length = in_year ? month->year_length : month->length;
    uint32_t days = 0;
    for (int day = 0; day < month->length; day++) {
        int weekday = (month->weekday + day) % WEEK;
        uint64_t up = rule->nth_up[weekday];
        uint64_t down = rule->nth_down[weekday];
        int at = before + day;
        if (((up | up >> (at / WEEK + 1) | down >> ((length - 1 - at) / WEEK + 1)) & 1) !=
            0) {
            days |= UINT32_C (1) << day;
        }
    }
    return days;
}

uint32_t
bf_rrule_month (const bf_rrule *rule, int32_t year, int32_t number)
{
    uint64_t months = rule->lists[BF_BYMONTH].up.words[0];
    if (months != 0 && (months >> number & 1) == 0) {
        return 0;
    }
    int64_t first = bf_days_of (year, number, 1);
    month_t month = {
        .length = bf_days_in_month (year, number),
        .weekday = bf_weekday_of (first),
        .before = (int)(first - bf_days_of (year, 1, 1)),
        .year = year,
        .year_length = length_of_year (year),
    };
    uint32_t days = (uint32_t)bits_below (month.length);
    if (rule->by_month_day) {
        days &= days_by_month_day (rule, &month);
    }
    if (rule->by_day) {
        days &= days_by_weekday (rule, &month);
    }
    if (bf_rrule_has (rule, BF_BYYEARDAY)) {
        days &= days_by_year_day (rule, &month);
    }
    if (bf_rrule_has (rule, BF_BYWEEKNO)) {
        days &= days_by_week (rule, &month);
    }
    return days;
}
