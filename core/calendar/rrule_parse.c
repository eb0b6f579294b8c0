/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads one RRULE (RFC 5545, 3.3.10) into its sets of bits, and refuses what the RFC says
 * must not be: parts that say the same twice, or that do not go together.
 */
#include <string.h>
#include <strings.h>

#include "core/calendar/rrule_rule.h"

const char *const bf_rrule_part_names[BF_RRULE_PARTS] = {
    [BF_BYSECOND] = "BYSECOND",
    [BF_BYMINUTE] = "BYMINUTE",
    [BF_BYHOUR] = "BYHOUR",
    [BF_BYMONTHDAY] = "BYMONTHDAY",
    [BF_BYYEARDAY] = "BYYEARDAY",
    [BF_BYWEEKNO] = "BYWEEKNO",
    [BF_BYMONTH] = "BYMONTH",
    [BF_BYSETPOS] = "BYSETPOS",
    [BF_BYDAY] = "BYDAY",
    [BF_PART_FREQ] = "FREQ",
    [BF_PART_INTERVAL] = "INTERVAL",
    [BF_PART_COUNT] = "COUNT",
    [BF_PART_UNTIL] = "UNTIL",
    [BF_PART_WKST] = "WKST",
};

const char *const bf_rrule_freq_names[BF_FREQS] = {
    "YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY",
};

static const char *const weekday_names[7] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

/* What each list may hold. */
static const struct {
    int32_t from;
    int32_t to;
    bool both_ends; /* and the same with a minus, counted from the end */
} limits[BF_RRULE_LISTS] = {
    [BF_BYSECOND] = {0, 60, false}, /* 60: a leap second, which no clock here shows */
    [BF_BYMINUTE] = {0, 59, false},  [BF_BYHOUR] = {0, 23, false},
    [BF_BYMONTHDAY] = {1, 31, true}, [BF_BYYEARDAY] = {1, 366, true},
    [BF_BYWEEKNO] = {1, 53, true},   [BF_BYMONTH] = {1, 12, false},
    [BF_BYSETPOS] = {1, 366, true},
};

#define MAX_NTH 53 /* weekdays of one kind in a year */

bool
bf_piece_is (bf_piece piece, const char *word)
{
    return strlen (word) == piece.size && strncasecmp (piece.at, word, piece.size) == 0;
}

bf_piece
bf_piece_cut (bf_piece *rest, char sign)
{
    bf_piece piece = *rest;
    const char *end = memchr (rest->at, sign, rest->size);
    if (end == NULL) {
        *rest = (bf_piece){NULL, 0};
        return piece;
    }
    piece.size = (size_t)(end - piece.at);
    *rest = (bf_piece){end + 1, rest->size - piece.size - 1};
    return piece;
}

#define MAX_DIGITS 9

bool
bf_piece_number (bf_piece piece, int32_t *number)
{
    if (piece.size == 0 || piece.size > MAX_DIGITS) {
        return false;
    }
    int32_t value = 0;
    for (size_t i = 0; i < piece.size; i++) {
        if (piece.at[i] < '0' || piece.at[i] > '9') {
            return false;
        }
        value = value * 10 + (piece.at[i] - '0');
    }
    *number = value;
    return true;
}

/* Takes a sign off the front. */
static bool
take_sign (bf_piece *piece)
{
    bool minus = false;
    if (piece->size > 0 && (piece->at[0] == '-' || piece->at[0] == '+')) {
        minus = piece->at[0] == '-';
        piece->at++;
        piece->size--;
    }
    return minus;
}

static void
bits_add (bf_rrule_bits *bits, int32_t number)
{
    bits->words[number / 64] |= UINT64_C (1) << (number % 64);
}

static bf_err
read_list (bf_piece values, bf_rrule_part part, bf_rrule_list *list, bf_error *error)
{
    while (values.at != NULL) {
        bf_piece value = bf_piece_cut (&values, ',');
        bf_piece digits = value;
        bool minus = limits[part].both_ends && take_sign (&digits);
        int32_t number;
        if (!bf_piece_number (digits, &number) || number < limits[part].from ||
            number > limits[part].to) {
            return bf_fail (error, BF_EINVALID, "RRULE: %s may hold %d to %d%s, not '%.*s'",
                            bf_rrule_part_names[part], limits[part].from, limits[part].to,
                            limits[part].both_ends ? ", or these with a minus" : "",
                            BF_PIECE (value));
        }
        bits_add (minus ? &list->down : &list->up, number);
    }
    return BF_OK;
}

/* 0 Sunday..6; -1: none. */
static int
weekday_of (bf_piece piece)
{
    for (int weekday = 0; weekday < 7; weekday++) {
        if (bf_piece_is (piece, weekday_names[weekday])) {
            return weekday;
        }
    }
    return -1;
}

/* "MO", "2MO", "-1FR". */
static bool
read_weekday (bf_piece value, bf_rrule *rule)
{
    bf_piece number = value;
    bool minus = take_sign (&number);
    if (number.size < 2) {
        return false;
    }
    number.size -= 2;
    int weekday = weekday_of ((bf_piece){number.at + number.size, 2});
    if (weekday < 0) {
        return false;
    }
    int32_t nth = 0;
    if (value.size > 2 && (!bf_piece_number (number, &nth) || nth < 1 || nth > MAX_NTH)) {
        return false;
    }
    uint64_t *set = minus ? rule->nth_down : rule->nth_up;
    set[weekday] |= UINT64_C (1) << nth;
    return true;
}

static bf_err
read_weekdays (bf_piece values, bf_rrule *rule, bf_error *error)
{
    while (values.at != NULL) {
        bf_piece value = bf_piece_cut (&values, ',');
        if (!read_weekday (value, rule)) {
            return bf_fail (error, BF_EINVALID,
                            "RRULE: BYDAY may hold SU MO TU WE TH FR SA, and before them "
                            "1 to %d or -1 to -%d, not '%.*s'",
                            MAX_NTH, MAX_NTH, BF_PIECE (value));
        }
    }
    return BF_OK;
}

static bf_err
read_freq (bf_piece value, bf_rrule *rule, bf_error *error)
{
    for (int freq = 0; freq < BF_FREQS; freq++) {
        if (bf_piece_is (value, bf_rrule_freq_names[freq])) {
            rule->freq = (bf_rrule_freq)freq;
            return BF_OK;
        }
    }
    return bf_fail (error, BF_EINVALID,
                    "RRULE: FREQ is SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or "
                    "YEARLY, not '%.*s'",
                    BF_PIECE (value));
}

static bf_err
read_number (bf_piece value, bf_rrule_part part, int32_t *number, bf_error *error)
{
    int32_t read;
    if (!bf_piece_number (value, &read) || read == 0) {
        return bf_fail (error, BF_EINVALID, "RRULE: %s is 1 to 999999999, not '%.*s'",
                        bf_rrule_part_names[part], BF_PIECE (value));
    }
    *number = read;
    return BF_OK;
}

static bf_err
read_part (bf_piece value, bf_rrule_part part, bf_rrule *rule, bf_error *error)
{
    switch (part) {
    case BF_PART_FREQ:
        return read_freq (value, rule, error);
    case BF_PART_INTERVAL:
        return read_number (value, part, &rule->interval, error);
    case BF_PART_COUNT:
        return read_number (value, part, &rule->count, error);
    case BF_PART_UNTIL:
        if (!bf_rrule_read_moment (value, &rule->until)) {
            return bf_fail (error, BF_EINVALID,
                            "RRULE: UNTIL is like 20270328, 20270328T023000 or "
                            "20270328T013000Z, not '%.*s'",
                            BF_PIECE (value));
        }
        return BF_OK;
    case BF_PART_WKST:
        rule->week_start = weekday_of (value);
        if (rule->week_start < 0) {
            return bf_fail (error, BF_EINVALID,
                            "RRULE: WKST is SU MO TU WE TH FR or SA, not '%.*s'",
                            BF_PIECE (value));
        }
        return BF_OK;
    case BF_BYDAY:
        return read_weekdays (value, rule, error);
    default:
        return read_list (value, part, &rule->lists[part], error);
    }
}

static bf_err
read_assignment (bf_piece value, bf_rrule *rule, bf_error *error)
{
    bf_piece name = bf_piece_cut (&value, '=');
    if (value.at == NULL) {
        return bf_fail (error, BF_EINVALID,
                        "RRULE: '%.*s' is no part of the form NAME=value", BF_PIECE (name));
    }
    for (int part = 0; part < BF_RRULE_PARTS; part++) {
        if (bf_piece_is (name, bf_rrule_part_names[part])) {
            if (bf_rrule_has (rule, (bf_rrule_part)part)) {
                return bf_fail (error, BF_EINVALID, "RRULE: %s is said twice",
                                bf_rrule_part_names[part]);
            }
            rule->given |= 1U << part;
            return read_part (value, (bf_rrule_part)part, rule, error);
        }
    }
    if (bf_piece_is (name, "RSCALE") || bf_piece_is (name, "SKIP")) {
        return bf_fail (error, BF_EINVALID,
                        "RRULE: %.*s (RFC 7529) is not supported: rules are Gregorian, and "
                        "leave out days that a month does not have",
                        BF_PIECE (name));
    }
    return bf_fail (error, BF_EINVALID, "RRULE: there is no part '%.*s'", BF_PIECE (name));
}

static bool
has_numbered_days (const bf_rrule *rule)
{
    for (int weekday = 0; weekday < 7; weekday++) {
        if ((rule->nth_up[weekday] & ~UINT64_C (1)) != 0 || rule->nth_down[weekday] != 0) {
            return true;
        }
    }
    return false;
}

/* RFC 5545, 3.3.10: what "MUST NOT" be. */
static bf_err
check_together (const bf_rrule *rule, bf_error *error)
{
    bf_rrule_freq freq = rule->freq;
    const char *wrong = NULL;
    if (bf_rrule_has (rule, BF_PART_COUNT) && bf_rrule_has (rule, BF_PART_UNTIL)) {
        wrong = "it has COUNT or UNTIL, not both";
    } else if (bf_rrule_has (rule, BF_BYWEEKNO) && freq != BF_FREQ_YEARLY) {
        wrong = "BYWEEKNO needs FREQ=YEARLY";
    } else if (bf_rrule_has (rule, BF_BYYEARDAY) &&
               (freq == BF_FREQ_MONTHLY || freq == BF_FREQ_WEEKLY ||
                freq == BF_FREQ_DAILY)) {
        wrong = "BYYEARDAY does not go with FREQ=MONTHLY, WEEKLY or DAILY";
    } else if (bf_rrule_has (rule, BF_BYMONTHDAY) && freq == BF_FREQ_WEEKLY) {
        wrong = "BYMONTHDAY does not go with FREQ=WEEKLY";
    } else if (has_numbered_days (rule) && freq > BF_FREQ_MONTHLY) {
        wrong = "BYDAY has numbers with FREQ=MONTHLY and YEARLY only";
    } else if (has_numbered_days (rule) && bf_rrule_has (rule, BF_BYWEEKNO)) {
        wrong = "BYDAY has no numbers beside BYWEEKNO";
    } else if (bf_rrule_has (rule, BF_BYSETPOS) &&
               (rule->given & (((1U << BF_BYSETPOS) - 1) | 1U << BF_BYDAY)) == 0) {
        wrong = "BYSETPOS needs another BY part to choose from";
    }
    return wrong == NULL ? BF_OK : bf_fail (error, BF_EINVALID, "RRULE: %s", wrong);
}

bf_err
bf_rrule_read_rule (bf_piece piece, bf_rrule *rule, bf_error *error)
{
    rule->interval = 1;
    rule->week_start = 1;
    while (piece.at != NULL) {
        bf_err rc = read_assignment (bf_piece_cut (&piece, ';'), rule, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    if (!bf_rrule_has (rule, BF_PART_FREQ)) {
        return bf_fail (error, BF_EINVALID, "RRULE: FREQ is missing");
    }
    uint64_t *seconds = &rule->lists[BF_BYSECOND].up.words[0];
    *seconds &= (UINT64_C (1) << 60) - 1;
    if (bf_rrule_has (rule, BF_BYSECOND) && *seconds == 0) {
        return bf_fail (error, BF_EINVALID,
                        "RRULE: BYSECOND=60 alone gives no time, clocks here show no leap "
                        "seconds");
    }
    return check_together (rule, error);
}
