/* SPDX-License-Identifier: MPL-2.0
 *
 * The proleptic Gregorian calendar, counted with integers.
 */
#include "core/calendar/civil.h"

/* 400 years, after which the calendar repeats; 0000-03-01 lies so many days before 1970. */
#define ERA_DAYS INT64_C (146097)
#define ERA_OFFSET_DAYS INT64_C (719468)

#define MINUTE_S 60
#define HOUR_S 3600

/* Rounds down, where / rounds towards zero. */
static int64_t
floor_divide (int64_t value, int64_t divisor)
{
    return (value >= 0 ? value : value - divisor + 1) / divisor;
}

/* Years begin in March here, so that the leap day is the last day of its year. */
int64_t
bf_days_of (int32_t year, int32_t month, int32_t day)
{
    int64_t march_year = month > 2 ? year : (int64_t)year - 1;
    int64_t era = floor_divide (march_year, 400);
    int64_t year_of_era = march_year - era * 400;
    int64_t month_of_year = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * month_of_year + 2) / 5;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - ERA_OFFSET_DAYS + day - 1;
}

bf_date
bf_date_of (int64_t days)
{
    int64_t shifted = days + ERA_OFFSET_DAYS;
    int64_t era = floor_divide (shifted, ERA_DAYS);
    /* From here on nothing is negative, and 32 bits hold it. */
    uint32_t day_of_era = (uint32_t)(shifted - era * ERA_DAYS);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_of_year = (5 * day_of_year + 2) / 153;
    uint32_t month = month_of_year < 10 ? month_of_year + 3 : month_of_year - 9;
    uint32_t day = day_of_year - (153 * month_of_year + 2) / 5 + 1;
    int64_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);
    return (bf_date){(int32_t)year, (int32_t)month, (int32_t)day};
}

int
bf_weekday_of (int64_t days)
{
    /* 1970-01-01 was a Thursday. */
    int64_t shifted = days + 4;
    return (int)(shifted - floor_divide (shifted, 7) * 7);
}

bool
bf_year_is_leap (int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int
bf_days_in_month (int32_t year, int month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && bf_year_is_leap (year) ? 1 : 0);
}

int64_t
bf_local_day (bf_local local)
{
    return floor_divide (local.s, BF_DAY_S);
}

int32_t
bf_local_second (bf_local local)
{
    return (int32_t)(local.s - bf_local_day (local) * BF_DAY_S);
}

static char *
put_number (char *at, int32_t number, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    at[digits] = after;
    return at + digits + 1;
}

char *
bf_local_format (bf_local local, char buffer[BF_LOCAL_BYTES])
{
    bf_date date = bf_date_of (bf_local_day (local));
    int32_t second = bf_local_second (local);
    char *at = put_number (buffer, date.year, 4, '-');
    at = put_number (at, date.month, 2, '-');
    at = put_number (at, date.day, 2, 'T');
    at = put_number (at, second / HOUR_S, 2, ':');
    at = put_number (at, second % HOUR_S / MINUTE_S, 2, ':');
    put_number (at, second % MINUTE_S, 2, '\0');
    return buffer;
}

/* Exactly so many digits, whose number lies within the bounds. */
static bool
take_number (const char **text, int digits, int32_t least, int32_t most, int32_t *number)
{
    int32_t value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *text += digits;
    *number = value;
    return value >= least && value <= most;
}

static bool
take (const char **text, char c)
{
    if (**text != c) {
        return false;
    }
    (*text)++;
    return true;
}

static bool
take_date (const char **text, bf_date *date)
{
    return take_number (text, 4, 1, 9999, &date->year) && take (text, '-') &&
           take_number (text, 2, 1, 12, &date->month) && take (text, '-') &&
           take_number (text, 2, 1, bf_days_in_month (date->year, date->month), &date->day);
}

static bool
take_time (const char **text, int32_t *time)
{
    int32_t hour, minute, second = 0;
    if (!take_number (text, 2, 0, 23, &hour) || !take (text, ':') ||
        !take_number (text, 2, 0, 59, &minute)) {
        return false;
    }
    if (take (text, ':') && !take_number (text, 2, 0, 59, &second)) {
        return false;
    }
    *time = hour * HOUR_S + minute * MINUTE_S + second;
    return true;
}

bool
bf_local_parse (const char *text, bf_local *local)
{
    bf_date date;
    int32_t time = 0;
    if (!take_date (&text, &date)) {
        return false;
    }
    if (take (&text, 'T') && !take_time (&text, &time)) {
        return false;
    }
    if (*text != '\0') {
        return false;
    }
    local->s = bf_days_of (date.year, date.month, date.day) * BF_DAY_S + time;
    return true;
}
