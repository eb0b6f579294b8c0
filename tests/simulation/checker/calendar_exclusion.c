/* SPDX-License-Identifier: MPL-2.0
 *
 * What an exclusion calendar takes out: whole days by their dates, and windows of the week.
 */
#include <stdio.h>
#include <string.h>

#include "tests/simulation/checker/calendar.h"

/* "2026-12-24", "2026-12-24..2027-01-06", "12-25". */
static bool
date_has (const char *text, int64_t days)
{
    int year;
    int month;
    int day;
    int until_year;
    int until_month;
    int until_day;
    int64_t this_year;
    int this_month;
    int this_day;
    date_of_days (days, &this_year, &this_month, &this_day);
    if (strlen (text) == 5) {
        return sscanf (text, "%d-%d", &month, &day) == 2 && month == this_month &&
               day == this_day;
    }
    int read = sscanf (text, "%d-%d-%d..%d-%d-%d", &year, &month, &day, &until_year,
                       &until_month, &until_day);
    if (read == 3) {
        return days == days_of_date (year, month, day);
    }
    return read == 6 && days >= days_of_date (year, month, day) &&
           days <= days_of_date (until_year, until_month, until_day);
}

/* "SAT-SUN", "MON-FRI 2200-0600": the weekday is that on which the window begins. */
static bool
window_has (const char *text, int64_t local_s)
{
    size_t size = strcspn (text, " ");
    unsigned weekdays = weekdays_of_text (text, size);
    int64_t days = floor_divide (local_s, DAY_S);
    int64_t second = local_s - days * DAY_S;
    int from = 0;
    int until = 2400;
    if (text[size] != '\0' && sscanf (text + size, " %d-%d", &from, &until) != 2) {
        return false;
    }
    int64_t from_s = from / 100 * HOUR_S + from % 100 * MINUTE_S;
    int64_t until_s = until / 100 * HOUR_S + until % 100 * MINUTE_S;
    until_s += until_s <= from_s ? DAY_S : 0;
    bool today = (weekdays >> weekday_of_days (days) & 1) != 0;
    bool yesterday = (weekdays >> weekday_of_days (days - 1) & 1) != 0;
    return (today && second >= from_s && second < until_s) ||
           (yesterday && second + DAY_S >= from_s && second + DAY_S < until_s);
}

bool
exclusion_has (const Belfry__V1__ExclusionCalendar *of, int64_t local_s)
{
    for (size_t i = 0; i < of->n_dates; i++) {
        if (date_has (of->dates[i], floor_divide (local_s, DAY_S))) {
            return true;
        }
    }
    for (size_t i = 0; i < of->n_windows; i++) {
        if (window_has (of->windows[i], local_s)) {
            return true;
        }
    }
    return false;
}
