/* SPDX-License-Identifier: MPL-2.0
 *
 * The only room that reads a clock, and how times look as text. The calendar is the
 * proleptic Gregorian one, counted with integers; the process's TZ plays no part.
 */
#include "core/base/time.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* 0001-01-01T00:00:00Z and the last microsecond of 9999. */
#define FIRST_US (INT64_C (-62135596800) * BF_SECOND_US)
#define LAST_US (INT64_C (253402300800) * BF_SECOND_US - 1)

/* Decimals that a time or a duration may have. */
#define DECIMALS 6

static int64_t
read_us (clockid_t clock)
{
    struct timespec now;
    int rc = clock_gettime (clock, &now);
    BF_INVARIANT (rc == 0);
    return (int64_t)now.tv_sec * BF_SECOND_US + now.tv_nsec / 1000;
}

bf_now
bf_now_read (void)
{
    return (bf_now){.wall = {read_us (CLOCK_REALTIME)}, .boot = {read_us (CLOCK_BOOTTIME)}};
}

void
bf_boot_id_read (char id[BF_BOOT_ID_BYTES])
{
    char text[BF_BOOT_ID_BYTES] = "";
    int fd = open ("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t length = read (fd, text, BF_BOOT_ID_BYTES - 1);
        if (length != BF_BOOT_ID_BYTES - 1) { /* unreachable: Linux writes it whole */
            text[0] = '\0';
        }
        close (fd);
    }
    memcpy (id, text, BF_BOOT_ID_BYTES);
    id[BF_BOOT_ID_BYTES - 1] = '\0';
}

int64_t
bf_us_add (int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow (a, b, &sum)) {
        return b > 0 ? INT64_MAX : INT64_MIN;
    }
    return sum;
}

typedef struct {
    int64_t year;
    int64_t month; /* 1..12 */
    int64_t day;   /* 1..31 */
} date_t;

/* Years begin in March here, so that the leap day is the last day of its year; 400 years
 * are 146,097 days, and 719,468 of them lie between 0000-03-01 and 1970-01-01. No date is
 * before 0001-01-01, so nothing here is negative. */
static int64_t
days_of (date_t date)
{
    int64_t year = date.month > 2 ? date.year : date.year - 1;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static date_t
date_of (int64_t days)
{
    days += 719468;
    int64_t era = days / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    date_t date = {.year = year_of_era + era * 400,
                   .month = month < 10 ? month + 3 : month - 9,
                   .day = day_of_year - (153 * month + 2) / 5 + 1};
    date.year += date.month <= 2;
    return date;
}

char *
bf_wall_format (bf_wall wall, char buffer[BF_ISO_BYTES])
{
    int64_t us = wall.us < FIRST_US ? FIRST_US : wall.us > LAST_US ? LAST_US : wall.us;
    int64_t days = us / BF_DAY_US;
    int64_t rest = us % BF_DAY_US;
    if (rest < 0) {
        days--;
        rest += BF_DAY_US;
    }
    date_t date = date_of (days);
    int length =
        snprintf (buffer, BF_ISO_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d", (int)date.year,
                  (int)date.month, (int)date.day, (int)(rest / BF_HOUR_US),
                  (int)(rest / BF_MINUTE_US % 60), (int)(rest / BF_SECOND_US % 60));
    size_t used = (size_t)length;
    if (rest % BF_SECOND_US != 0) {
        snprintf (buffer + used, BF_ISO_BYTES - used, ".%06dZ", (int)(rest % BF_SECOND_US));
    } else {
        snprintf (buffer + used, BF_ISO_BYTES - used, "Z");
    }
    return buffer;
}

/* Exactly `width` digits. */
static bool
read_digits (const char **text, int width, int64_t *number)
{
    int64_t result = 0;
    for (int i = 0; i < width; i++) {
        if ((*text)[i] < '0' || (*text)[i] > '9') {
            return false;
        }
        result = result * 10 + ((*text)[i] - '0');
    }
    *text += width;
    *number = result;
    return true;
}

static bool
read_mark (const char **text, char mark)
{
    if (**text != mark) {
        return false;
    }
    (*text)++;
    return true;
}

/* What follows a decimal point: 1..6 digits, as millionths. */
static bool
read_millionths (const char **text, int64_t *millionths)
{
    int64_t result = 0;
    int digits = 0;
    while (**text >= '0' && **text <= '9') {
        if (++digits > DECIMALS) {
            return false;
        }
        result = result * 10 + (**text - '0');
        (*text)++;
    }
    if (digits == 0) {
        return false;
    }
    for (; digits < DECIMALS; digits++) {
        result *= 10;
    }
    *millionths = result;
    return true;
}

static bool
read_date (const char **text, date_t *date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!read_digits (text, 4, &date->year) || !read_mark (text, '-') ||
        !read_digits (text, 2, &date->month) || !read_mark (text, '-') ||
        !read_digits (text, 2, &date->day)) {
        return false;
    }
    if (date->year < 1 || date->month < 1 || date->month > 12) {
        return false;
    }
    bool leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);
    int64_t length = lengths[date->month - 1] + (leap && date->month == 2 ? 1 : 0);
    return date->day >= 1 && date->day <= length;
}

/* HH:MM[:SS[.ffffff]] as microseconds of the day. */
static bool
read_time (const char **text, int64_t *us)
{
    int64_t hour, minute, second = 0, millionths = 0;
    if (!read_digits (text, 2, &hour) || !read_mark (text, ':') ||
        !read_digits (text, 2, &minute)) {
        return false;
    }
    if (read_mark (text, ':')) {
        if (!read_digits (text, 2, &second)) {
            return false;
        }
        if (read_mark (text, '.') && !read_millionths (text, &millionths)) {
            return false;
        }
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *us = hour * BF_HOUR_US + minute * BF_MINUTE_US + second * BF_SECOND_US + millionths;
    return true;
}

/* Z or ±HH:MM, as what must be subtracted to get UTC. */
static bool
read_offset (const char **text, int64_t *us)
{
    if (read_mark (text, 'Z')) {
        *us = 0;
        return true;
    }
    bool west = **text == '-';
    int64_t hour, minute;
    if ((!read_mark (text, '+') && !read_mark (text, '-')) ||
        !read_digits (text, 2, &hour) || !read_mark (text, ':') ||
        !read_digits (text, 2, &minute) || hour > 23 || minute > 59) {
        return false;
    }
    *us = hour * BF_HOUR_US + minute * BF_MINUTE_US;
    *us = west ? -*us : *us;
    return true;
}

bf_err
bf_wall_parse (const char *text, bf_wall *wall, bf_error *error)
{
    const char *rest = text;
    date_t date;
    int64_t time_us = 0, offset_us = 0;
    bool valid = read_date (&rest, &date);
    if (valid && *rest != '\0') {
        valid = read_mark (&rest, 'T') && read_time (&rest, &time_us);
        if (valid && *rest == '\0') {
            return bf_fail (error, BF_EINVALID,
                            "%.60s has no offset: add Z for UTC, or one such as +01:00",
                            text);
        }
        valid = valid && read_offset (&rest, &offset_us) && *rest == '\0';
    }
    if (!valid) {
        return bf_fail (error, BF_EINVALID,
                        "%.60s is no time: write it as 2026-11-23T13:05:46Z", text);
    }
    int64_t us = days_of (date) * BF_DAY_US + time_us - offset_us;
    if (us < FIRST_US || us > LAST_US) {
        return bf_fail (error, BF_EINVALID, "%.60s is not within the years 1 to 9999",
                        text);
    }
    wall->us = us;
    return BF_OK;
}

static const struct {
    const char *name;
    int64_t us;
} units[] = {
    /* "ms" before "m". */
    {"us", 1},           {"ms", BF_MS_US},  {"s", BF_SECOND_US},
    {"m", BF_MINUTE_US}, {"h", BF_HOUR_US}, {"d", BF_DAY_US},
};

static bool
read_unit (const char **text, int64_t *us)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t length = strlen (units[i].name);
        if (strncmp (*text, units[i].name, length) == 0) {
            *text += length;
            *us = units[i].us;
            return true;
        }
    }
    return false;
}

/* One "1.5h". False where it is not one, is finer than a microsecond, or is too long. */
static bool
read_part (const char **text, int64_t *us)
{
    int64_t whole = 0, millionths = 0, unit;
    if (**text < '0' || **text > '9') {
        return false;
    }
    while (**text >= '0' && **text <= '9') {
        if (__builtin_mul_overflow (whole, 10, &whole) ||
            __builtin_add_overflow (whole, **text - '0', &whole)) {
            return false;
        }
        (*text)++;
    }
    if (read_mark (text, '.') && !read_millionths (text, &millionths)) {
        return false;
    }
    if (!read_unit (text, &unit) || millionths * unit % BF_SECOND_US != 0) {
        return false;
    }
    return !__builtin_mul_overflow (whole, unit, us) &&
           !__builtin_add_overflow (*us, millionths * unit / BF_SECOND_US, us);
}

bf_err
bf_span_parse (const char *text, bf_span *span, bf_error *error)
{
    const char *rest = text;
    int64_t total = 0, part = 0;
    do {
        if (!read_part (&rest, &part) || __builtin_add_overflow (total, part, &total)) {
            return bf_fail (
                error, BF_EINVALID,
                "%.60s is no duration: write it as 500ms, 90s, 15m, 2h, 3d or 1h30m", text);
        }
    } while (*rest != '\0');
    span->us = total;
    return BF_OK;
}

/* "1.5s" of 1500 thousandths of a second: without zeros at the end, without a point where
 * nothing follows it. */
static int
print_decimal (char *buffer, size_t size, uint64_t value, uint64_t unit, int decimals,
               const char *name)
{
    uint64_t fraction = value % unit;
    while (decimals > 0 && fraction % 10 == 0) {
        fraction /= 10;
        decimals--;
    }
    unsigned long long whole = value / unit;
    if (decimals == 0) {
        return snprintf (buffer, size, "%llu%s", whole, name);
    }
    return snprintf (buffer, size, "%llu.%0*llu%s", whole, decimals,
                     (unsigned long long)fraction, name);
}

char *
bf_span_format (bf_span span, char buffer[BF_SPAN_BYTES])
{
    static const struct {
        uint64_t us;
        const char *name;
    } whole[] = {{BF_DAY_US, "d"}, {BF_HOUR_US, "h"}, {BF_MINUTE_US, "m"}};

    /* Negated as an unsigned number, because INT64_MIN has no positive twin. */
    uint64_t rest = span.us < 0 ? UINT64_C (0) - (uint64_t)span.us : (uint64_t)span.us;
    size_t used = 0;
    if (span.us < 0) {
        buffer[used++] = '-';
    }
    if (rest == 0) {
        snprintf (buffer, BF_SPAN_BYTES, "0s");
        return buffer;
    }
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        if (rest >= whole[i].us) {
            int length = snprintf (buffer + used, BF_SPAN_BYTES - used, "%llu%s",
                                   (unsigned long long)(rest / whole[i].us), whole[i].name);
            used += (size_t)length;
            rest %= whole[i].us;
        }
    }
    if (rest >= BF_SECOND_US) {
        print_decimal (buffer + used, BF_SPAN_BYTES - used, rest, BF_SECOND_US, 6, "s");
    } else if (rest >= BF_MS_US) {
        print_decimal (buffer + used, BF_SPAN_BYTES - used, rest, BF_MS_US, 3, "ms");
    } else if (rest > 0) {
        print_decimal (buffer + used, BF_SPAN_BYTES - used, rest, 1, 0, "us");
    }
    return buffer;
}
