/* SPDX-License-Identifier: MPL-2.0
 *
 * What one period of a recurrence rule holds: the times of its days, and BYSETPOS, which
 * picks from all of them by rank. Nothing is listed: sets of bits are counted.
 */
#include "core/calendar/rrule_rule.h"

#define HOUR_S 3600
#define MINUTE_S 60
#define WEEK 7
#define YEAR_MONTHS 12
#define WORD 64

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

static int
highest (uint64_t bits)
{
    return WORD - 1 - __builtin_clzll (bits);
}

static int64_t
how_many (uint64_t bits)
{
    return __builtin_popcountll (bits);
}

/* --- Times of day --- */

bf_rrule_clock
bf_rrule_clock_of (const bf_rrule *rule)
{
    return (bf_rrule_clock){
        .hours = rule->lists[BF_BYHOUR].up.words[0],
        .minutes = rule->lists[BF_BYMINUTE].up.words[0],
        .seconds = rule->lists[BF_BYSECOND].up.words[0],
    };
}

int64_t
bf_rrule_clock_ceil (const bf_rrule_clock *clock, int64_t second)
{
    int64_t hour = second / HOUR_S;
    int64_t minute = second % HOUR_S / MINUTE_S;
    int64_t begins = second - second % MINUTE_S;
    if ((clock->hours >> hour & 1) != 0) {
        uint64_t seconds = clock->seconds >> (second % MINUTE_S);
        if ((clock->minutes >> minute & 1) != 0 && seconds != 0) {
            return second + lowest (seconds);
        }
        uint64_t minutes = clock->minutes >> (minute + 1);
        if (minutes != 0) {
            return begins + (lowest (minutes) + 1) * MINUTE_S + lowest (clock->seconds);
        }
    }
    uint64_t hours = clock->hours >> (hour + 1);
    if (hours != 0) {
        return (hour + 1 + lowest (hours)) * HOUR_S + lowest (clock->minutes) * MINUTE_S +
               lowest (clock->seconds);
    }
    return BF_DAY_S;
}

int64_t
bf_rrule_clock_floor (const bf_rrule_clock *clock, int64_t second)
{
    int64_t hour = second / HOUR_S;
    int64_t minute = second % HOUR_S / MINUTE_S;
    if ((clock->hours >> hour & 1) != 0) {
        uint64_t seconds = clock->seconds & bits_below (second % MINUTE_S + 1);
        if ((clock->minutes >> minute & 1) != 0 && seconds != 0) {
            return second - second % MINUTE_S + highest (seconds);
        }
        uint64_t minutes = clock->minutes & bits_below (minute);
        if (minutes != 0) {
            return hour * HOUR_S + highest (minutes) * MINUTE_S + highest (clock->seconds);
        }
    }
    uint64_t hours = clock->hours & bits_below (hour);
    if (hours != 0) {
        return highest (hours) * HOUR_S + highest (clock->minutes) * MINUTE_S +
               highest (clock->seconds);
    }
    return -1;
}

int64_t
bf_rrule_clock_below (const bf_rrule_clock *clock, int64_t second)
{
    int64_t hour = second / HOUR_S;
    int64_t minute = second % HOUR_S / MINUTE_S;
    int64_t seconds = how_many (clock->seconds);
    int64_t minutes = how_many (clock->minutes);
    int64_t below = how_many (clock->hours & bits_below (hour)) * minutes * seconds;
    if ((clock->hours >> hour & 1) != 0) {
        below += how_many (clock->minutes & bits_below (minute)) * seconds;
        if ((clock->minutes >> minute & 1) != 0) {
            below += how_many (clock->seconds & bits_below (second % MINUTE_S));
        }
    }
    return below;
}

static int64_t
clock_size (const bf_rrule_clock *clock)
{
    return bf_rrule_clock_below (clock, BF_DAY_S);
}

/* --- A whole period --- */

/* How many numbers of a set are below `number`. */
static int64_t
count_below (const bf_rrule_bits *bits, int64_t number)
{
    int64_t count = 0;
    for (int word = 0; word < BF_RRULE_WORDS; word++) {
        int64_t of_word = number - (int64_t)word * WORD;
        if (of_word >= WORD) {
            count += how_many (bits->words[word]);
        } else if (of_word > 0) {
            count += how_many (bits->words[word] & bits_below (of_word));
        }
    }
    return count;
}

/* Puts the days of a month into a set, its first day as number `at`. */
static void
add_days (bf_rrule_bits *days, uint32_t month, int at)
{
    days->words[at / WORD] |= (uint64_t)month << (at % WORD);
    if (at % WORD > WORD - 31) {
        days->words[at / WORD + 1] |= (uint64_t)month >> (WORD - at % WORD);
    }
}

/* Days of less than a month: a week, of two months perhaps, or a day. */
static void
expand_short (const bf_rrule *rule, int length, bf_rrule_period *period)
{
    bf_date date = bf_date_of (period->first_day);
    int left = bf_days_in_month (date.year, date.month) - (date.day - 1);
    uint64_t days = bf_rrule_month (rule, date.year, date.month) >> (date.day - 1);
    if (left < length) {
        date = bf_date_of (period->first_day + left);
        days |= (uint64_t)bf_rrule_month (rule, date.year, date.month) << left;
    }
    period->days.words[0] = days & bits_below (length);
}

static void
expand_year (const bf_rrule *rule, int32_t year, bf_rrule_period *period)
{
    int before = 0;
    for (int month = 1; month <= YEAR_MONTHS; month++) {
        add_days (&period->days, bf_rrule_month (rule, year, month), before);
        before += bf_days_in_month (year, month);
    }
}

/* The one hour, minute or second that a period of less than a day is. */
static void
narrow_clock (bf_rrule_freq freq, int64_t second, bf_rrule_clock *clock)
{
    clock->hours &= UINT64_C (1) << (second / HOUR_S);
    if (freq >= BF_FREQ_MINUTELY) {
        clock->minutes &= UINT64_C (1) << (second % HOUR_S / MINUTE_S);
    }
    if (freq == BF_FREQ_SECONDLY) {
        clock->seconds &= UINT64_C (1) << (second % MINUTE_S);
    }
}

void
bf_rrule_expand (const bf_rrule *rule, int64_t unit, bf_rrule_period *period)
{
    int64_t begins = bf_rrule_unit_start (rule, unit);
    *period = (bf_rrule_period){
        .first_day = bf_local_day ((bf_local){begins}),
        .clock = bf_rrule_clock_of (rule),
    };
    if (rule->freq == BF_FREQ_YEARLY) {
        expand_year (rule, (int32_t)unit, period);
    } else if (rule->freq == BF_FREQ_MONTHLY) {
        period->days.words[0] = bf_rrule_month (rule, (int32_t)(unit / YEAR_MONTHS),
                                                (int32_t)(unit % YEAR_MONTHS) + 1);
    } else {
        expand_short (rule, rule->freq == BF_FREQ_WEEKLY ? WEEK : 1, period);
    }
    if (rule->freq >= BF_FREQ_HOURLY) {
        narrow_clock (rule->freq, begins - period->first_day * BF_DAY_S, &period->clock);
    }
    period->size =
        count_below (&period->days, BF_RRULE_WORDS * WORD) * clock_size (&period->clock);
}

/* The number in a word that has `index` others below it. */
static int
select_bit (uint64_t bits, int64_t index)
{
    for (; index > 0; index--) {
        bits &= bits - 1;
    }
    return lowest (bits);
}

int64_t
bf_rrule_rank (const bf_rrule_period *period, int64_t at)
{
    int64_t day = bf_local_day ((bf_local){at}) - period->first_day;
    int64_t second = bf_local_second ((bf_local){at});
    return count_below (&period->days, day) * clock_size (&period->clock) +
           bf_rrule_clock_below (&period->clock, second);
}

int64_t
bf_rrule_select (const bf_rrule_period *period, int64_t rank)
{
    int64_t size = clock_size (&period->clock);
    int64_t day_index = rank / size;
    int word = 0;
    while (day_index >= how_many (period->days.words[word])) {
        day_index -= how_many (period->days.words[word]);
        word++;
    }
    int64_t day =
        period->first_day + word * WORD + select_bit (period->days.words[word], day_index);
    int64_t seconds = how_many (period->clock.seconds);
    int64_t minutes = how_many (period->clock.minutes);
    int64_t index = rank % size;
    return day * BF_DAY_S +
           select_bit (period->clock.hours, index / (minutes * seconds)) * HOUR_S +
           select_bit (period->clock.minutes, index / seconds % minutes) * MINUTE_S +
           select_bit (period->clock.seconds, index % seconds);
}

/* --- BYSETPOS --- */

/* The first number of a set at or above one, the last at or below; 0: none (0 is in no set
 * of places). */
static int64_t
set_ceil (const bf_rrule_bits *bits, int64_t number)
{
    for (int64_t word = number / WORD; word < BF_RRULE_WORDS; word++) {
        uint64_t left = bits->words[word];
        if (word == number / WORD) {
            left &= ~bits_below (number % WORD);
        }
        if (left != 0) {
            return word * WORD + lowest (left);
        }
    }
    return 0;
}

static int64_t
set_floor (const bf_rrule_bits *bits, int64_t number)
{
    int64_t top = number < BF_RRULE_WORDS * WORD ? number : BF_RRULE_WORDS * WORD - 1;
    for (int64_t word = top / WORD; word >= 0; word--) {
        uint64_t left = bits->words[word];
        if (word == top / WORD) {
            left &= UINT64_MAX >> (WORD - 1 - top % WORD);
        }
        if (left != 0) {
            return word * WORD + highest (left);
        }
    }
    return 0;
}

int64_t
bf_rrule_position_ceil (const bf_rrule *rule, int64_t rank, int64_t size)
{
    int64_t up = set_ceil (&rule->lists[BF_BYSETPOS].up, rank + 1) - 1;
    int64_t down = set_floor (&rule->lists[BF_BYSETPOS].down, size - rank);
    int64_t found = up >= 0 && up < size ? up : size;
    if (down > 0 && size - down < found) {
        found = size - down;
    }
    return found < size ? found : -1;
}

int64_t
bf_rrule_position_below (const bf_rrule *rule, int64_t rank, int64_t size)
{
    int64_t up = set_floor (&rule->lists[BF_BYSETPOS].up, rank) - 1;
    int64_t down = set_ceil (&rule->lists[BF_BYSETPOS].down, size - rank + 1);
    int64_t found = down > 0 && down <= size ? size - down : -1;
    return up > found ? up : found;
}
