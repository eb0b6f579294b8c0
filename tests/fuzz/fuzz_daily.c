/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_daily_parse: what is accepted is one minute of the day, on some weekdays, in a zone
 * whose name is valid; it begins with that minute. What is refused is told in a sentence.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "core/calendar/daily.h"

/* The minute that the digits of "2130" or "21:30" say. */
static int
minute_of (const char *text)
{
    int digits[4], count = 0;
    text += strspn (text, " \t");
    for (; count < 4 && *text != '\0'; text++) {
        if (*text >= '0' && *text <= '9') {
            digits[count++] = *text - '0';
        }
    }
    if (count < 4) {
        return -1;
    }
    return (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3];
}

static void
check_accepted (const char *text, const bf_cron *cron, const char *zone)
{
    FUZZ_CHECK (memchr (zone, '\0', BF_ZONE_NAME_BYTES + 1) != NULL, "\"%s\"", text);
    FUZZ_CHECK (zone[0] == '\0' || bf_zone_name_is_valid (zone), "\"%s\": zone %s", text,
                zone);
    int minute = minute_of (text);
    FUZZ_CHECK (minute >= 0 && minute < 24 * 60, "\"%s\"", text);
    FUZZ_CHECK (cron->hours == UINT32_C (1) << (minute / 60) &&
                    cron->minutes == UINT64_C (1) << (minute % 60) && cron->seconds == 1,
                "\"%s\" is another time", text);
    FUZZ_CHECK (!cron->wild, "\"%s\" is wild", text);
    bf_local found, last;
    bf_local from = {bf_days_of (2027, 3, 28) * BF_DAY_S},
             until = {from.s + 366 * BF_DAY_S};
    FUZZ_CHECK (bf_cron_times.first (cron, from, until, &found) &&
                    bf_local_second (found) == minute * 60,
                "\"%s\" has no time in a year", text);
    FUZZ_CHECK (bf_cron_times.last (cron, from, until, &last) && last.s >= found.s,
                "\"%s\"", text);
    uint64_t count = bf_cron_times.count (cron, from, until);
    FUZZ_CHECK (count >= 1 && count <= 366 && (count > 1) == (last.s > found.s),
                "\"%s\" has %llu", text, (unsigned long long)count);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    char *text = fuzz_text (bytes, size);
    char zone[BF_ZONE_NAME_BYTES + 1] = "untouched";
    bf_cron cron = {.days = 42};
    bf_error error = {0};
    if (bf_daily_parse (text, &cron, zone, &error) == BF_OK) {
        check_accepted (text, &cron, zone);
    } else {
        FUZZ_CHECK (error.code == BF_EINVALID && error.text[0] != '\0', "refused: \"%s\"",
                    text);
        FUZZ_CHECK (cron.days == 42 && strcmp (zone, "untouched") == 0, "refused: \"%s\"",
                    text);
    }
    free (text);
    return 0;
}
