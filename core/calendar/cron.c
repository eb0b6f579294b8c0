/* SPDX-License-Identifier: MPL-2.0
 *
 * Which local times a cron expression means. Days are found a month at a time: all that the
 * day fields say of one month is one set of 31 bits, and the next day is the next bit.
 * Times of day are found in the same manner, so that a search costs some shifts for each
 * month that it passes over and nothing for days and seconds.
 */
#include "core/calendar/cron.h"

#include "core/calendar/cron_days.h"

/* Weekdays as bits. */
#define SUNDAY UINT32_C (0x01)
#define SATURDAY UINT32_C (0x40)

/* At least BF_CRON_YEARS. Every expression that bf_cron_parse takes has a day within them:
 * the rarest is a 29 February on a given weekday, with 40 years around a century that is
 * none. */
#define AHEAD_S (BF_CRON_YEARS * 366 * BF_DAY_S)

/* A weekday set as the bits of a month whose day 1 is `weekday`: day n on bit n. */
static uint32_t
spread (uint32_t weekdays, int weekday)
{
    uint32_t turned =
        (weekdays >> weekday | weekdays << (7 - weekday)) & BF_CRON_ALL_WEEKDAYS;
    return (uint32_t)((uint64_t)turned * UINT64_C (0x10204081) << 1);
}

/* The working days nearest to `days` that do not leave the month: Saturdays go back,
 * Sundays on, and at either end of the month the other way. */
static uint32_t
nearest_working (uint32_t days, uint32_t all, uint32_t saturdays, uint32_t sundays)
{
    uint32_t first = UINT32_C (2);
    uint32_t last = all & ~(all >> 1);
    uint32_t on_saturday = days & saturdays;
    uint32_t on_sunday = days & sundays;
    return (days & all & ~(saturdays | sundays)) | (on_saturday & ~first) >> 1 |
           (on_saturday & first) << 2 | (on_sunday & ~last) << 1 | (on_sunday & last) >> 2;
}

static uint32_t
highest (uint32_t days)
{
    return UINT32_C (1) << (31 - __builtin_clz (days));
}

uint32_t
bf_cron_days_in (const bf_cron *cron, int length, int weekday)
{
    uint32_t all = (uint32_t)((UINT64_C (2) << length) - 2);
    uint32_t by_day = cron->days & all;
    if (cron->nearest != 0 || cron->last_day || cron->last_working_day) {
        uint32_t saturdays = spread (SATURDAY, weekday) & all;
        uint32_t sundays = spread (SUNDAY, weekday) & all;
        by_day |= nearest_working (cron->nearest, all, saturdays, sundays);
        by_day |= cron->last_day ? highest (all) : 0;
        by_day |= cron->last_working_day ? highest (all & ~(saturdays | sundays)) : 0;
    }
    uint32_t by_weekday = spread (cron->weekdays, weekday);
    uint32_t last_seven = all & ~(all >> 7);
    by_weekday |= spread (cron->weekdays_last, weekday) & last_seven;
    for (int k = 0; k < 5; k++) {
        uint32_t seven = (uint32_t)(UINT64_C (0xfe) << (7 * k));
        by_weekday |= spread (cron->weekdays_nth[k], weekday) & seven;
    }
    return cron->both_days ? by_day & by_weekday : (by_day | by_weekday) & all;
}

bf_switches
bf_cron_switches (const bf_cron *cron)
{
    if (cron->wild) {
        return (bf_switches){BF_SKIPPED_SKIP, BF_REPEATED_BOTH};
    }
    return (bf_switches){BF_SKIPPED_AFTER_GAP, BF_REPEATED_FIRST};
}

/* A month on the way, and what matches in it. */
typedef struct {
    int32_t year;
    int32_t month;
    int32_t length;
    int32_t weekday; /* of day 1 */
    int64_t before;  /* the day before day 1, so that before + n is day n */
} month_t;

static month_t
month_of (int64_t day, int32_t *day_of_month)
{
    bf_date date = bf_date_of (day);
    int64_t before = day - date.day;
    *day_of_month = date.day;
    return (month_t){date.year, date.month, bf_days_in_month (date.year, date.month),
                     bf_weekday_of (before + 1), before};
}

static void
month_on (month_t *month)
{
    month->before += month->length;
    month->weekday = (month->weekday + month->length) % 7;
    month->year += month->month == 12;
    month->month = month->month % 12 + 1;
    month->length = bf_days_in_month (month->year, month->month);
}

static void
month_back (month_t *month)
{
    month->year -= month->month == 1;
    month->month = (month->month + 10) % 12 + 1;
    month->length = bf_days_in_month (month->year, month->month);
    month->before -= month->length;
    month->weekday = (month->weekday + 35 - month->length) % 7;
}

static uint32_t
days_of_month (const bf_cron *cron, const month_t *month)
{
    if ((cron->months >> month->month & 1) == 0) {
        return 0;
    }
    return bf_cron_days_in (cron, month->length, month->weekday);
}

/* The lowest and the highest bit of a set that has one. */
static int
low_bit (uint64_t set)
{
    return __builtin_ctzll (set);
}

static int
high_bit (uint64_t set)
{
    return 63 - __builtin_clzll (set);
}

static uint64_t
bits_below (int n)
{
    return (UINT64_C (1) << n) - 1;
}

static int32_t
second_of_day (int hour, int minute, int second)
{
    return (hour * 60 + minute) * 60 + second;
}

/* The first time of day that is not before `from`. */
static bool
time_from (const bf_cron *cron, int32_t from, int32_t *found)
{
    int hour = from / 3600, minute = from / 60 % 60, second = from % 60;
    if ((cron->hours >> hour & 1) != 0) {
        uint64_t seconds = cron->seconds & ~bits_below (second);
        if ((cron->minutes >> minute & 1) != 0 && seconds != 0) {
            *found = second_of_day (hour, minute, low_bit (seconds));
            return true;
        }
        uint64_t minutes = cron->minutes & ~bits_below (minute + 1);
        if (minutes != 0) {
            *found = second_of_day (hour, low_bit (minutes), low_bit (cron->seconds));
            return true;
        }
    }
    uint64_t hours = cron->hours & ~bits_below (hour + 1);
    if (hours != 0) {
        *found = second_of_day (low_bit (hours), low_bit (cron->minutes),
                                low_bit (cron->seconds));
    }
    return hours != 0;
}

/* The last time of day that is not after `until`. */
static bool
time_until (const bf_cron *cron, int32_t until, int32_t *found)
{
    int hour = until / 3600, minute = until / 60 % 60, second = until % 60;
    if ((cron->hours >> hour & 1) != 0) {
        uint64_t seconds = cron->seconds & bits_below (second + 1);
        if ((cron->minutes >> minute & 1) != 0 && seconds != 0) {
            *found = second_of_day (hour, minute, high_bit (seconds));
            return true;
        }
        uint64_t minutes = cron->minutes & bits_below (minute);
        if (minutes != 0) {
            *found = second_of_day (hour, high_bit (minutes), high_bit (cron->seconds));
            return true;
        }
    }
    uint64_t hours = cron->hours & bits_below (hour);
    if (hours != 0) {
        *found = second_of_day (high_bit (hours), high_bit (cron->minutes),
                                high_bit (cron->seconds));
    }
    return hours != 0;
}

/* Narrows the bounds to what the calendar knows; local times lie up to a day outside of its
 * instants. False: nothing is left. */
static bool
narrow (bf_local *from, bf_local *until)
{
    int64_t low = BF_INSTANT_MIN_S - BF_DAY_S;
    int64_t high = BF_INSTANT_MAX_S + BF_DAY_S;
    from->s = from->s < low ? low : from->s;
    until->s = until->s > high ? high : until->s;
    return from->s < until->s;
}

static bool
cron_first (const void *set, bf_local from, bf_local until, bf_local *found)
{
    const bf_cron *cron = set;
    if (!narrow (&from, &until)) {
        return false;
    }
    int64_t end = until.s - from.s > AHEAD_S ? from.s + AHEAD_S : until.s;
    int32_t day;
    month_t month = month_of (bf_local_day (from), &day);
    uint32_t days = days_of_month (cron, &month) & ~(uint32_t)bits_below (day);
    int32_t time;
    if ((days >> day & 1) == 0 || !time_from (cron, bf_local_second (from), &time)) {
        days &= ~(uint32_t)bits_below (day + 1);
        time = second_of_day (low_bit (cron->hours), low_bit (cron->minutes),
                              low_bit (cron->seconds));
    }
    while (days == 0) {
        month_on (&month);
        if ((month.before + 1) * BF_DAY_S >= end) {
            return false;
        }
        days = days_of_month (cron, &month);
    }
    int64_t first = (month.before + low_bit (days)) * BF_DAY_S + time;
    if (first >= end) {
        return false;
    }
    found->s = first;
    return true;
}

static bool
cron_last (const void *set, bf_local from, bf_local until, bf_local *found)
{
    const bf_cron *cron = set;
    if (!narrow (&from, &until)) {
        return false;
    }
    int64_t start = until.s - from.s > AHEAD_S ? until.s - AHEAD_S : from.s;
    bf_local latest = {until.s - 1};
    int32_t day;
    month_t month = month_of (bf_local_day (latest), &day);
    uint32_t days = days_of_month (cron, &month) & (uint32_t)bits_below (day + 1);
    int32_t time;
    if ((days >> day & 1) == 0 || !time_until (cron, bf_local_second (latest), &time)) {
        days &= (uint32_t)bits_below (day);
        time = second_of_day (high_bit (cron->hours), high_bit (cron->minutes),
                              high_bit (cron->seconds));
    }
    while (days == 0) {
        if ((month.before + 1) * BF_DAY_S <= start) {
            return false;
        }
        month_back (&month);
        days = days_of_month (cron, &month);
    }
    int64_t last = (month.before + high_bit (days)) * BF_DAY_S + time;
    if (last < start) {
        return false;
    }
    found->s = last;
    return true;
}

static uint64_t
bits_in (uint64_t set)
{
    return (uint64_t)__builtin_popcountll (set);
}

/* How many times of day lie before `second`. */
static uint64_t
times_before (const bf_cron *cron, int32_t second)
{
    int hour = second / 3600, minute = second / 60 % 60;
    uint64_t in_minute = bits_in (cron->seconds & bits_below (second % 60));
    uint64_t in_hour =
        bits_in (cron->minutes & bits_below (minute)) * bits_in (cron->seconds) +
        (cron->minutes >> minute & 1) * in_minute;
    return bits_in (cron->hours & bits_below (hour)) * bits_in (cron->minutes) *
               bits_in (cron->seconds) +
           (cron->hours >> hour & 1) * in_hour;
}

/* Whole days times what each has, less what the first has before `from`, and what the last
 * has before `until`. */
static uint64_t
cron_count (const void *set, bf_local from, bf_local until)
{
    const bf_cron *cron = set;
    if (!narrow (&from, &until)) {
        return 0;
    }
    int64_t last = bf_local_day (until);
    int32_t day;
    month_t month = month_of (bf_local_day (from), &day);
    uint32_t days = days_of_month (cron, &month);
    uint64_t before = (days >> day & 1) * times_before (cron, bf_local_second (from));
    uint64_t whole = 0;
    days &= ~(uint32_t)bits_below (day);
    while (month.before + month.length < last) {
        whole += bits_in (days);
        month_on (&month);
        days = days_of_month (cron, &month);
    }
    day = (int32_t)(last - month.before);
    whole += bits_in (days & bits_below (day));
    uint64_t rest = (days >> day & 1) * times_before (cron, bf_local_second (until));
    uint64_t a_day =
        bits_in (cron->hours) * bits_in (cron->minutes) * bits_in (cron->seconds);
    return whole * a_day + rest - before;
}

const bf_local_set bf_cron_times = {
    .first = cron_first,
    .last = cron_last,
    .count = cron_count,
};
