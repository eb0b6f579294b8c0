/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads times of day. The cron expression that one stands for does the rest; its parser
 * says what is wrong with weekdays.
 */
#include "core/calendar/daily.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 3 /* time, zone, weekdays */

static bf_err
refuse (bf_error *error, const char *text, const char *why)
{
    return bf_fail (
        error, BF_EINVALID,
        "'%s' %s; allowed are a time of day, HHMM or HH:MM, then a zone and "
        "weekdays where they are meant: \"2130\", \"2130 Europe/Berlin MON-FRI\"",
        text, why);
}

/* Two digits, up to `high`. */
static bool
read_two (const char *text, int high, int *number)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return false;
    }
    *number = (text[0] - '0') * 10 + (text[1] - '0');
    return *number <= high;
}

static bool
read_time (const char *word, int *hour, int *minute)
{
    size_t length = strlen (word);
    bool colon = length == 5 && word[2] == ':';
    return (length == 4 || colon) && read_two (word, 23, hour) &&
           read_two (word + (colon ? 3 : 2), 59, minute);
}

/* No zone begins with the name of a weekday, a digit or a star. */
static bool
looks_like_weekdays (const char *word)
{
    static const char names[] = "sunmontuewedthufrisat";
    if ((word[0] >= '0' && word[0] <= '9') || word[0] == '*' || word[0] == ',') {
        return true;
    }
    char lower[4] = "";
    for (size_t i = 0; i < 3 && word[i] != '\0'; i++) {
        lower[i] = (char)(word[i] | 0x20);
    }
    for (size_t i = 0; names[i] != '\0'; i += 3) {
        if (memcmp (lower, names + i, 3) == 0) {
            return true;
        }
    }
    return false;
}

/* Cuts `copy` at its blanks, in place. Returns how many words there are, also beyond
 * WORDS_MAX. */
static size_t
cut (char *copy, const char *words[WORDS_MAX])
{
    size_t count = 0;
    char *rest = copy;
    for (char *word = strtok_r (copy, " \t", &rest); word != NULL;
         word = strtok_r (NULL, " \t", &rest)) {
        if (count < WORDS_MAX) {
            words[count] = word;
        }
        count++;
    }
    return count;
}

bf_err
bf_daily_parse (const char *text, bf_cron *cron, char zone[BF_ZONE_NAME_BYTES + 1],
                bf_error *error)
{
    char copy[BF_CRON_BYTES];
    const char *words[WORDS_MAX] = {0};
    if (strnlen (text, sizeof copy) == sizeof copy) {
        return bf_fail (error, BF_EINVALID,
                        "a time of day with its zone and weekdays has at most %d bytes, "
                        "this is longer",
                        BF_CRON_BYTES - 1);
    }
    memcpy (copy, text, strlen (text) + 1);
    size_t count = cut (copy, words);
    int hour, minute;
    if (count == 0 || !read_time (words[0], &hour, &minute)) {
        return refuse (error, text, "does not begin with a time of day");
    }
    const char *named = NULL;
    const char *weekdays = NULL;
    for (size_t i = 1; i < count; i++) {
        if (i == WORDS_MAX) {
            return refuse (error, text, "has too many words");
        }
        const char **meant = looks_like_weekdays (words[i]) ? &weekdays : &named;
        if (*meant != NULL) {
            return refuse (error, text,
                           meant == &weekdays ? "names weekdays twice" : "names two zones");
        }
        *meant = words[i];
    }
    if (named != NULL && !bf_zone_name_is_valid (named)) {
        return refuse (error, named, "is neither a zone nor weekdays");
    }
    char expression[BF_CRON_BYTES + 16];
    snprintf (expression, sizeof expression, "%d %d * * %s", minute, hour,
              weekdays != NULL ? weekdays : "*");
    bf_err err = bf_cron_parse (expression, cron, error);
    if (err == BF_OK) {
        snprintf (zone, BF_ZONE_NAME_BYTES + 1, "%s", named != NULL ? named : "");
    }
    return err;
}
