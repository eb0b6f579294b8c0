/* SPDX-License-Identifier: MPL-2.0
 *
 * Says cron expressions in English. What has a short and common shape is said as people say
 * it; all else number by number. Nothing is left out, and nothing is rounded.
 */
#include "core/calendar/cron.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/calendar/cron_days.h"

/* Up to so many times of day are said one by one. */
#define TIMES_MAX 6

#define ELLIPSIS "…"

typedef struct {
    char *buffer;
    size_t size;
    size_t length;
} speech_t;

__attribute__ ((format (printf, 2, 3))) static void
say (speech_t *speech, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    size_t room = speech->length < speech->size ? speech->size - speech->length : 0;
    int length = vsnprintf (room > 0 ? speech->buffer + speech->length : NULL, room, format,
                            arguments);
    va_end (arguments);
    speech->length += (size_t)length;
}

/* What one value of a set is called. */
typedef void (*name_fn) (speech_t *speech, int value);

static void
name_number (speech_t *speech, int value)
{
    say (speech, "%d", value);
}

static void
name_ordinal (speech_t *speech, int value)
{
    static const char *const endings[] = {"th", "st", "nd", "rd"};
    bool teen = value / 10 == 1;
    say (speech, "%d%s", value, !teen && value % 10 < 4 ? endings[value % 10] : "th");
}

static void
name_month (speech_t *speech, int value)
{
    static const char *const names[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
    say (speech, "%s", names[value - 1]);
}

static const char *const weekday_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                            "Thursday", "Friday", "Saturday"};

static void
name_weekday (speech_t *speech, int value)
{
    say (speech, "%s", weekday_names[value]);
}

static void
name_weekdays (speech_t *speech, int value)
{
    say (speech, "%ss", weekday_names[value]);
}

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

static int
bits_in (uint64_t set)
{
    return __builtin_popcountll (set);
}

/* The last value of the run that begins the set. */
static int
run_end (uint64_t set)
{
    uint64_t shifted = set >> low_bit (set);
    return low_bit (set) + low_bit (~shifted) - 1;
}

/* All of it is one run. */
static bool
is_run (uint64_t set)
{
    return run_end (set) == high_bit (set);
}

/* The distance of all neighbours in a set of three or more; 0: there is no such. */
static int
step_of (uint64_t set)
{
    if (bits_in (set) < 3) {
        return 0;
    }
    int step = low_bit (set & (set - 1)) - low_bit (set);
    uint64_t expected = 0;
    for (int value = low_bit (set); value <= high_bit (set); value += step) {
        expected |= UINT64_C (1) << value;
    }
    return expected == set ? step : 0;
}

/* "1, 3 and 5 to 9"; with `shortest_run` past the set's size always value by value. */
static void
say_runs (speech_t *speech, uint64_t set, int shortest_run, name_fn name)
{
    bool any = false;
    while (set != 0) {
        int first = low_bit (set);
        int last = run_end (set);
        last = last - first + 1 < shortest_run ? first : last;
        set &= ~(((UINT64_C (2) << (last - first)) - 1) << first);
        if (any) {
            say (speech, set != 0 ? ", " : " and ");
        }
        any = true;
        name (speech, first);
        if (last > first) {
            say (speech, " to ");
            name (speech, last);
        }
    }
}

static void
say_set (speech_t *speech, uint64_t set, name_fn name)
{
    say_runs (speech, set, 3, name);
}

/* "1, 3, 5, 6 and 7": where "5 to 7" might be taken for one thing. */
static void
say_each (speech_t *speech, uint64_t set, name_fn name)
{
    say_runs (speech, set, 64, name);
}

static void
say_clock (speech_t *speech, bool seconds, int hour, int minute, int second)
{
    say (speech, "%02d:%02d", hour, minute);
    if (seconds) {
        say (speech, ":%02d", second);
    }
}

/* "at 09:00 and 17:00" */
static void
say_times (speech_t *speech, const bf_cron *cron)
{
    int left = bits_in (cron->hours) * bits_in (cron->minutes) * bits_in (cron->seconds);
    bool seconds = cron->seconds != 1;
    const char *before = "at ";
    for (uint64_t hours = cron->hours; hours != 0; hours &= hours - 1) {
        for (uint64_t minutes = cron->minutes; minutes != 0; minutes &= minutes - 1) {
            for (uint64_t rest = cron->seconds; rest != 0; rest &= rest - 1) {
                say (speech, "%s", before);
                say_clock (speech, seconds, low_bit (hours), low_bit (minutes),
                           low_bit (rest));
                left--;
                before = left > 1 ? ", " : " and ";
            }
        }
    }
}

/* Steps that go on evenly from one hour (or minute) into the next: 0 where they do not. */
static int
even_step (uint64_t set)
{
    if (set == BF_CRON_ALL_60) {
        return 1;
    }
    int step = set == (UINT64_C (1) | UINT64_C (1) << 30) ? 30 : step_of (set);
    return step != 0 && 60 % step == 0 && (set & 1) != 0 && high_bit (set) == 60 - step
               ? step
               : 0;
}

static void
say_every (speech_t *speech, int step, const char *unit)
{
    if (step == 1) {
        say (speech, "every %s", unit);
    } else {
        say (speech, "every %d %ss", step, unit);
    }
}

/* "from 09:00 to 17:45": the first and the last time of a day. */
static void
say_bounds (speech_t *speech, const bf_cron *cron, bool seconds)
{
    say (speech, " from ");
    say_clock (speech, seconds, low_bit (cron->hours), low_bit (cron->minutes),
               low_bit (cron->seconds));
    say (speech, " to ");
    say_clock (speech, seconds, high_bit (cron->hours), high_bit (cron->minutes),
               high_bit (cron->seconds));
}

/* "every 15 minutes from 09:00 to 17:45": one step leads from each time of a day to the
 * next. False: it is not of that shape. */
static bool
say_rhythm (speech_t *speech, const bf_cron *cron)
{
    bool each_minute = cron->minutes == BF_CRON_ALL_60;
    bool each_hour = cron->hours == BF_CRON_ALL_HOURS;
    bool one_hour = bits_in (cron->hours) == 1;
    bool around = each_hour;
    if (cron->seconds != 1) {
        int step = even_step (cron->seconds);
        bool minutes_go_on = one_hour ? is_run (cron->minutes) : each_minute;
        if (step == 0 || !minutes_go_on || !is_run (cron->hours)) {
            return false;
        }
        say_every (speech, step, "second");
    } else if (even_step (cron->minutes) != 0 && is_run (cron->hours)) {
        say_every (speech, even_step (cron->minutes), "minute");
    } else if (one_hour && step_of (cron->minutes) != 0) {
        say_every (speech, step_of (cron->minutes), "minute");
    } else if (bits_in (cron->minutes) == 1 && step_of (cron->hours) != 0) {
        say_every (speech, step_of (cron->hours), "hour");
        around = each_hour && cron->minutes == 1;
    } else {
        return false;
    }
    if (!around) {
        say_bounds (speech, cron, cron->seconds != 1);
    }
    return true;
}

static void
say_part (speech_t *speech, uint64_t set, uint64_t all, const char *unit)
{
    if (set == all) {
        say (speech, "every %s", unit);
        return;
    }
    say (speech, "%s%s ", unit, bits_in (set) > 1 ? "s" : "");
    say_set (speech, set, name_number);
}

/* True: as times of day, one by one. */
static bool
say_time (speech_t *speech, const bf_cron *cron)
{
    int64_t times =
        (int64_t)bits_in (cron->hours) * bits_in (cron->minutes) * bits_in (cron->seconds);
    if (times <= 2) {
        say_times (speech, cron);
        return true;
    }
    /* Some times of one hour are clearer as times: 09:00, 09:20 and 09:40. */
    bool few = times <= TIMES_MAX && bits_in (cron->hours) == 1 && cron->seconds == 1;
    if (!few && say_rhythm (speech, cron)) {
        return false;
    }
    if (times <= TIMES_MAX) {
        say_times (speech, cron);
        return true;
    }
    say (speech, "at ");
    if (cron->seconds != 1) {
        say_part (speech, cron->seconds, BF_CRON_ALL_60, "second");
        say (speech, " of ");
    }
    say_part (speech, cron->minutes, BF_CRON_ALL_60, "minute");
    if (cron->minutes != BF_CRON_ALL_60 || cron->hours != BF_CRON_ALL_HOURS) {
        say (speech, " of ");
        say_part (speech, cron->hours, BF_CRON_ALL_HOURS, "hour");
    }
    return false;
}

/* Before each part of a day field but the first. */
static void
say_or (speech_t *speech, bool *any)
{
    say (speech, *any ? " or " : "on ");
    *any = true;
}

static void
say_days (speech_t *speech, const bf_cron *cron)
{
    bool any = false;
    if (cron->days != 0) {
        int step = step_of (cron->days);
        say_or (speech, &any);
        if (step > 1 && bits_in (cron->days) > 3) {
            say (speech, "every ");
            name_ordinal (speech, step);
            say (speech, " day from the ");
            name_ordinal (speech, low_bit (cron->days));
            say (speech, " to the ");
            name_ordinal (speech, high_bit (cron->days));
        } else {
            say (speech, "the ");
            say_set (speech, cron->days, name_ordinal);
        }
    }
    if (cron->nearest != 0) {
        say_or (speech, &any);
        say (speech, "the working day%s nearest to the ",
             bits_in (cron->nearest) > 1 ? "s" : "");
        say_each (speech, cron->nearest, name_ordinal);
    }
    if (cron->last_day) {
        say_or (speech, &any);
        say (speech, "the last day of the month");
    }
    if (cron->last_working_day) {
        say_or (speech, &any);
        say (speech, "the last working day of the month");
    }
}

static void
say_weekdays (speech_t *speech, const bf_cron *cron)
{
    static const char *const which[] = {"first", "second", "third", "fourth", "fifth"};
    bool any = false;
    if (cron->weekdays != 0) {
        bool run = is_run (cron->weekdays) && bits_in (cron->weekdays) > 2;
        say_or (speech, &any);
        say_set (speech, cron->weekdays, run ? name_weekday : name_weekdays);
    }
    for (int k = 0; k < 5; k++) {
        if (cron->weekdays_nth[k] != 0) {
            say_or (speech, &any);
            say (speech, "the %s ", which[k]);
            say_each (speech, cron->weekdays_nth[k], name_weekday);
            say (speech, " of the month");
        }
    }
    if (cron->weekdays_last != 0) {
        say_or (speech, &any);
        say (speech, "the last ");
        say_each (speech, cron->weekdays_last, name_weekday);
        say (speech, " of the month");
    }
}

static void
say_months (speech_t *speech, const bf_cron *cron)
{
    if (cron->months != BF_CRON_ALL_MONTHS) {
        say (speech,
             is_run (cron->months) && bits_in (cron->months) > 2 ? " from " : " in ");
        say_set (speech, cron->months, name_month);
    }
}

/* The months stand where they can be read one way only: "on the 29th in February, but only
 * on Mondays", "on the 15th, or on Fridays, in February". */
static void
say_date (speech_t *speech, const bf_cron *cron, bool at)
{
    bool any_day = cron->days == BF_CRON_ALL_DAYS;
    bool any_weekday = cron->weekdays == BF_CRON_ALL_WEEKDAYS;
    if (cron->both_days ? any_day && any_weekday : any_day || any_weekday) {
        say (speech, at ? " every day" : "");
        say_months (speech, cron);
        return;
    }
    say (speech, " ");
    if (any_weekday) {
        say_days (speech, cron);
        say_months (speech, cron);
    } else if (any_day) {
        say_weekdays (speech, cron);
        say_months (speech, cron);
    } else if (cron->both_days) {
        say_days (speech, cron);
        say_months (speech, cron);
        say (speech, ", but only ");
        say_weekdays (speech, cron);
    } else {
        say_days (speech, cron);
        say (speech, ", or ");
        say_weekdays (speech, cron);
        say (speech, cron->months != BF_CRON_ALL_MONTHS ? "," : "");
        say_months (speech, cron);
    }
}

/* Where the text was cut, the sign for it, after whole characters: all of it is ASCII. */
static void
mark_cut (const speech_t *speech)
{
    size_t room = sizeof ELLIPSIS;
    if (speech->length >= speech->size && speech->size >= room) {
        memcpy (speech->buffer + speech->size - room, ELLIPSIS, room);
    }
}

char *
bf_cron_explain (const bf_cron *cron, char *buffer, size_t size)
{
    speech_t speech = {buffer, size, 0};
    bool at = say_time (&speech, cron);
    say_date (&speech, cron, at);
    mark_cut (&speech);
    return buffer;
}
