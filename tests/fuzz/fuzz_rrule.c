/* SPDX-License-Identifier: MPL-2.0
 *
 * Recurrence rules: any text is read and opened, or refused with a sentence, within bounds;
 * no search takes longer than its budget. What is found ascends, lies within what was asked
 * for, and first, last and count agree, in local time and as slots of a zone. The input is
 * a byte for the zone, one for the switches, two for the day it begins on, and the text.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <time.h>

#include "core/calendar/recurrence.h"
#include "core/calendar/rrule.h"
#include "tests/fuzz/zones.h"

#define TIMES 12

/* Of the processor, with room for a sanitizer: what takes longer has no bound. */
#define SECONDS_MAX 3.0

static double
seconds_now (void)
{
    struct timespec now;
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
check_bounded (double *began, const char *what, const char *text)
{
    double now = seconds_now ();
    FUZZ_CHECK (now - *began < SECONDS_MAX, "%s: %.1f s for \"%s\"", what, now - *began,
                text);
    *began = now;
}

static void
check_times (const bf_rrule *rule, const char *text, double *began)
{
    const bf_local_set *times = &bf_rrule_times;
    bf_local from = {BF_INSTANT_MIN_S - BF_DAY_S}, end = {BF_INSTANT_MAX_S + BF_DAY_S};
    bf_local at = from, found, same, before = from;
    for (int n = 0; n < TIMES; n++) {
        if (!times->first (rule, at, end, &found)) {
            break;
        }
        check_bounded (began, "first", text);
        FUZZ_CHECK (found.s >= at.s && found.s < end.s, "\"%s\": %lld after %lld", text,
                    (long long)found.s, (long long)at.s);
        bf_local until = {found.s + 1};
        FUZZ_CHECK (times->last (rule, at, until, &same) && same.s == found.s,
                    "\"%s\": %lld is not the last", text, (long long)found.s);
        check_bounded (began, "last", text);
        FUZZ_CHECK (times->count (rule, at, until) == 1, "\"%s\": %lld is not one", text,
                    (long long)found.s);
        if (n > 0) {
            FUZZ_CHECK (times->count (rule, before, until) == 2, "\"%s\": %lld, %lld", text,
                        (long long)before.s, (long long)found.s);
        }
        check_bounded (began, "count", text);
        before = found;
        at = until;
    }
}

static void
check_slots (const bf_recurrence *recurrence, const char *text, double *began)
{
    bf_instant from = {BF_INSTANT_MIN_S}, end = {BF_INSTANT_MAX_S}, at = from, found, same;
    for (uint64_t n = 1; n <= TIMES; n++) {
        if (!bf_recurrence_first (recurrence, at, end, &found)) {
            return;
        }
        check_bounded (began, "first slot", text);
        FUZZ_CHECK (found.s >= at.s && found.s < end.s, "\"%s\": slot %lld after %lld",
                    text, (long long)found.s, (long long)at.s);
        from = n == 1 ? found : from;
        bf_instant until = {found.s + 1};
        FUZZ_CHECK (bf_recurrence_last (recurrence, from, until, &same) &&
                        same.s == found.s,
                    "\"%s\": slot %lld is not the last", text, (long long)found.s);
        FUZZ_CHECK (bf_recurrence_count (recurrence, from, until) == n,
                    "\"%s\": slot %lld is not the %lluth", text, (long long)found.s,
                    (unsigned long long)n);
        check_bounded (began, "count of slots", text);
        at = until;
    }
}

static void
check_recurrence (const bf_recurrence_args *args, bool opens, double *began)
{
    bf_recurrence *recurrence = NULL;
    bf_error error = {0};
    bool made = bf_recurrence_new (args, &recurrence, &error) == BF_OK;
    FUZZ_CHECK (made || opens == false, "\"%s\": %s", args->text, error.text);
    if (made) {
        char words[256];
        check_slots (recurrence, args->text, began);
        bf_recurrence_print (recurrence, words, sizeof words);
        bf_recurrence_explain (recurrence, words, sizeof words);
        FUZZ_CHECK (memchr (words, '\0', sizeof words) != NULL, "\"%s\"", args->text);
        bf_recurrence_destroy (&recurrence);
    }
}

static void
check_rule (const bf_recurrence_args *args)
{
    double began = seconds_now ();
    bf_rrule *rule = NULL;
    bf_error error = {0};
    bf_err err = bf_rrule_parse (args->text, &rule, &error);
    check_bounded (&began, "parse", args->text);
    if (err != BF_OK) {
        FUZZ_CHECK (rule == NULL && error.code == BF_EINVALID && error.text[0] != '\0',
                    "refused: \"%s\"", args->text);
        return;
    }
    const char *zone = bf_rrule_zone (rule);
    FUZZ_CHECK (zone[0] == '\0' || bf_zone_name_is_valid (zone), "\"%s\": zone %s",
                args->text, zone);
    err = bf_rrule_open (rule, args->zone, args->start, &error);
    check_bounded (&began, "open", args->text);
    FUZZ_CHECK (err == BF_OK || (err == BF_EINVALID && error.text[0] != '\0'), "\"%s\"",
                args->text);
    if (err == BF_OK) {
        check_times (rule, args->text, &began);
    }
    check_recurrence (args, err == BF_OK, &began);
    bf_rrule_destroy (&rule);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    fuzz_input input = {bytes, size};
    bf_recurrence_args args = {.kind = BF_RECURRENCE_RRULE};
    args.zone = fuzz_zone (fuzz_byte (&input));
    args.switches = fuzz_switches (fuzz_byte (&input));
    int64_t day = fuzz_byte (&input);
    day += 256 * fuzz_byte (&input);
    args.start.s = day * BF_DAY_S + 9 * 3600;
    char *text = fuzz_text (input.at, input.size);
    args.text = text;
    check_rule (&args);
    free (text);
    return 0;
}
