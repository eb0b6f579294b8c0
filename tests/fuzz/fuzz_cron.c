/* SPDX-License-Identifier: MPL-2.0
 *
 * Cron expressions: what is refused changes nothing and is told in a sentence; what is
 * accepted is printed as an expression of the same times, has a time within 40 years, and
 * its local times are those that a model finds that tries one day after the other. As a
 * recurrence, in several zones and under all switches, its slots ascend, first, last
 * and count agree, and around the next change of clocks they are those of a model that
 * looks at every second. The input is an expression, a NUL, a byte for the zone, one for
 * the switches, and four for the years since 1970 (two) and the second of the day (two,
 * twice).
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "core/calendar/cron.h"
#include "core/calendar/recurrence.h"
#include "tests/fuzz/zones.h"

#define SLOTS 12
#define DAYS_TRIED 1000
#define AHEAD_S (40 * 366 * BF_DAY_S)

/* --- the model ---------------------------------------------------------------------- */

static bool
has (uint64_t set, int64_t bit)
{
    return (set >> bit & 1) != 0;
}

static bool
works_on (int64_t day)
{
    int weekday = bf_weekday_of (day);
    return weekday >= 1 && weekday <= 5;
}

/* The working day nearest to a day, in a month of days first..last: crontab's nW. */
static int64_t
nearest_to (int64_t day, int64_t first, int64_t last)
{
    static const int64_t steps[] = {0, -1, 1, -2, 2};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int64_t near = day + steps[i];
        if (near >= first && near <= last && works_on (near)) {
            return near;
        }
    }
    return -1;
}

static bool
day_of_month_matches (const bf_cron *cron, int64_t day, bf_date date)
{
    int64_t first = day - date.day + 1;
    int length = bf_days_in_month (date.year, date.month);
    int64_t last = first + length - 1;
    if (has (cron->days, date.day) || (cron->last_day && day == last)) {
        return true;
    }
    int64_t last_working = last;
    while (!works_on (last_working)) {
        last_working--;
    }
    if (cron->last_working_day && day == last_working) {
        return true;
    }
    for (int n = 1; n <= length; n++) {
        if (has (cron->nearest, n) && nearest_to (first + n - 1, first, last) == day) {
            return true;
        }
    }
    return false;
}

static bool
weekday_matches (const bf_cron *cron, int64_t day, bf_date date)
{
    int weekday = bf_weekday_of (day);
    bool is_last = date.day + 7 > bf_days_in_month (date.year, date.month);
    return has (cron->weekdays, weekday) ||
           (is_last && has (cron->weekdays_last, weekday)) ||
           has (cron->weekdays_nth[(date.day - 1) / 7], weekday);
}

static bool
day_matches (const bf_cron *cron, int64_t day)
{
    bf_date date = bf_date_of (day);
    if (!has (cron->months, date.month)) {
        return false;
    }
    bool by_day = day_of_month_matches (cron, day, date);
    bool by_weekday = weekday_matches (cron, day, date);
    return cron->both_days ? by_day && by_weekday : by_day || by_weekday;
}

static bool
time_matches (const bf_cron *cron, int64_t second)
{
    return has (cron->hours, second / 3600) && has (cron->minutes, second / 60 % 60) &&
           has (cron->seconds, second % 60);
}

static uint64_t
times_a_day (const bf_cron *cron)
{
    return (uint64_t)__builtin_popcount (cron->hours) *
           (uint64_t)__builtin_popcountll (cron->minutes) *
           (uint64_t)__builtin_popcountll (cron->seconds);
}

/* --- local times -------------------------------------------------------------------- */

static void
check_days (const bf_cron *cron, const char *text, int64_t first_day, int64_t found_s)
{
    int64_t last_day = found_s / BF_DAY_S;
    FUZZ_CHECK (day_matches (cron, last_day) && time_matches (cron, found_s % BF_DAY_S),
                "\"%s\": not %lld", text, (long long)found_s);
    for (int64_t day = first_day; day < last_day && day < first_day + DAYS_TRIED; day++) {
        FUZZ_CHECK (!day_matches (cron, day), "\"%s\" has a time on day %lld", text,
                    (long long)day);
    }
    for (int64_t day = last_day; day < last_day + 40; day++) {
        uint64_t count = bf_cron_times.count (cron, (bf_local){day * BF_DAY_S},
                                              (bf_local){(day + 1) * BF_DAY_S});
        uint64_t wanted = day_matches (cron, day) ? times_a_day (cron) : 0;
        FUZZ_CHECK (count == wanted, "\"%s\": day %lld has %llu times, not %llu", text,
                    (long long)day, (unsigned long long)count, (unsigned long long)wanted);
    }
}

static void
check_local_times (const bf_cron *cron, const char *text, int64_t from_s)
{
    int64_t day = from_s / BF_DAY_S;
    bf_local from = {day * BF_DAY_S}, end = {from.s + AHEAD_S}, found, last;
    FUZZ_CHECK (bf_cron_times.first (cron, from, end, &found), "\"%s\" has no time", text);
    check_days (cron, text, day, found.s);
    bf_local until = {found.s + 1};
    FUZZ_CHECK (bf_cron_times.last (cron, from, until, &last) && last.s == found.s &&
                    bf_cron_times.count (cron, from, until) == 1,
                "\"%s\": the first is not the last", text);
    FUZZ_CHECK (!bf_cron_times.first (cron, from, found, &last) &&
                    !bf_cron_times.last (cron, from, found, &last) &&
                    bf_cron_times.count (cron, from, found) == 0,
                "\"%s\": the first is not the first", text);
}

/* --- text --------------------------------------------------------------------------- */

static void
check_print (const bf_cron *cron, const char *text)
{
    char first[BF_CRON_BYTES], second[BF_CRON_BYTES];
    bf_cron again;
    bf_error error = {0};
    bf_cron_print (cron, first);
    FUZZ_CHECK (bf_cron_parse (first, &again, &error) == BF_OK, "\"%s\" became \"%s\": %s",
                text, first, error.text);
    FUZZ_CHECK (strcmp (bf_cron_print (&again, second), first) == 0,
                "\"%s\" became \"%s\", \"%s\"", text, first, second);
    bf_switches before = bf_cron_switches (cron), after = bf_cron_switches (&again);
    FUZZ_CHECK (before.skipped == after.skipped && before.repeated == after.repeated &&
                    cron->wild == again.wild && cron->seconds == again.seconds &&
                    cron->minutes == again.minutes && cron->hours == again.hours,
                "\"%s\" became \"%s\"", text, first);
    int64_t from = bf_days_of (2023, 11, 1);
    for (int64_t day = from; day < from + 500; day++) {
        FUZZ_CHECK (day_matches (cron, day) == day_matches (&again, day),
                    "\"%s\" became \"%s\": day %lld", text, first, (long long)day);
    }
}

static void
check_explain (const bf_cron *cron, const char *text)
{
    char words[1024], cut[16];
    bf_cron_explain (cron, words, sizeof words);
    FUZZ_CHECK (memchr (words, '\0', sizeof words) != NULL && words[0] != '\0',
                "\"%s\" is not explained", text);
    bf_cron_explain (cron, cut, sizeof cut);
    FUZZ_CHECK (memchr (cut, '\0', sizeof cut) != NULL, "\"%s\"", text);
}

/* --- slots -------------------------------------------------------------------------- */

static void
check_slots (const bf_recurrence *recurrence, const char *text, bf_instant from)
{
    bf_instant at = from, end = {from.s + AHEAD_S}, found, same;
    end.s = end.s > BF_INSTANT_MAX_S ? BF_INSTANT_MAX_S : end.s;
    for (uint64_t n = 1; n <= SLOTS; n++) {
        if (!bf_recurrence_first (recurrence, at, end, &found)) {
            FUZZ_CHECK (bf_recurrence_count (recurrence, at, end) == 0, "\"%s\"", text);
            return;
        }
        FUZZ_CHECK (found.s >= at.s && found.s < end.s, "\"%s\": %lld after %lld", text,
                    (long long)found.s, (long long)at.s);
        bf_instant until = {found.s + 1};
        FUZZ_CHECK (bf_recurrence_last (recurrence, from, until, &same) &&
                        same.s == found.s,
                    "\"%s\": %lld is not the last", text, (long long)found.s);
        uint64_t count = bf_recurrence_count (recurrence, from, until);
        FUZZ_CHECK (count == n, "\"%s\": %llu slots, not %llu", text,
                    (unsigned long long)count, (unsigned long long)n);
        char note[BF_NOTE_BYTES];
        bf_recurrence_note (recurrence, found, note);
        FUZZ_CHECK (memchr (note, '\0', sizeof note) != NULL, "\"%s\"", text);
        at = until;
    }
}

/* Two hours on either side of a change of clocks, second by second. */
#define AROUND_S (2 * 3600)

static bool
local_matches (const bf_cron *cron, int64_t local_s)
{
    int64_t day = bf_local_day ((bf_local){local_s});
    return time_matches (cron, local_s - day * BF_DAY_S) && day_matches (cron, day);
}

/* What the switches say of one instant whose wall shows a time that matches. */
static bool
is_regular (const bf_zone *zone, bf_repeated repeated, bf_instant at)
{
    bf_local_meaning meaning = bf_zone_resolve (zone, bf_zone_local (zone, at));
    return meaning.kind == BF_LOCAL_UNIQUE || repeated == BF_REPEATED_BOTH ||
           (repeated == BF_REPEATED_FIRST) == (at.s == meaning.first.s);
}

/* Marks what makes up for the local times that a change skips. */
static void
mark_gap (const bf_cron *cron, bf_skipped skipped, bf_zone_span before, bf_zone_span after,
          bool marks[2 * AROUND_S])
{
    int64_t length = after.offset_s - before.offset_s;
    bool shifts = skipped == BF_SKIPPED_SHIFT;
    if (skipped == BF_SKIPPED_SKIP || (!shifts && length >= BF_GAP_MAX_S)) {
        return;
    }
    for (int64_t i = 0; i < length && (!shifts || i < AROUND_S); i++) {
        if (local_matches (cron, after.from.s + before.offset_s + i)) {
            marks[AROUND_S + (shifts ? i : 0)] = true;
        }
    }
}

static void
check_change (const bf_recurrence *recurrence, const bf_cron *cron, const bf_zone *zone,
              const char *text, int64_t from_s)
{
    static bool marks[2 * AROUND_S];
    bf_switches switches = bf_recurrence_switches (recurrence);
    bf_zone_span before = bf_zone_at (zone, (bf_instant){from_s});
    if (before.until.s == INT64_MAX || before.until.s > BF_INSTANT_MAX_S - AROUND_S) {
        return;
    }
    bf_zone_span after = bf_zone_next (zone, before);
    bf_instant from = {after.from.s - AROUND_S}, end = {after.from.s + AROUND_S}, slot;
    for (int64_t i = 0; i < 2 * AROUND_S; i++) {
        bf_instant at = {from.s + i};
        marks[i] = local_matches (cron, bf_zone_local (zone, at).s) &&
                   is_regular (zone, switches.repeated, at);
    }
    mark_gap (cron, switches.skipped, before, after, marks);
    uint64_t count = 0;
    for (int64_t i = 0; i < 2 * AROUND_S; i++) {
        count += marks[i] ? 1 : 0;
        if (marks[i] && count <= SLOTS) {
            FUZZ_CHECK (bf_recurrence_first (recurrence, from, end, &slot) &&
                            slot.s == after.from.s - AROUND_S + i,
                        "\"%s\" has no slot %lld s from the change at %lld", text,
                        (long long)(i - AROUND_S), (long long)after.from.s);
            from.s = slot.s + 1;
        }
    }
    from.s = after.from.s - AROUND_S;
    uint64_t counted = bf_recurrence_count (recurrence, from, end);
    FUZZ_CHECK (counted == count, "\"%s\": %llu slots, not %llu, around %lld", text,
                (unsigned long long)counted, (unsigned long long)count,
                (long long)after.from.s);
}

static void
check_recurrence (const bf_cron *cron, const char *text, fuzz_input *input, int64_t from_s)
{
    bf_recurrence *recurrence = NULL;
    bf_error error = {0};
    bf_recurrence_args args = {
        .kind = BF_RECURRENCE_CRON,
        .text = text,
        .zone = fuzz_zone (fuzz_byte (input)),
        .switches = fuzz_switches (fuzz_byte (input)),
    };
    FUZZ_CHECK (bf_recurrence_new (&args, &recurrence, &error) == BF_OK, "\"%s\": %s", text,
                error.text);
    check_slots (recurrence, text, (bf_instant){from_s});
    check_change (recurrence, cron, args.zone, text, from_s);
    bf_recurrence_destroy (&recurrence);
}

/* A second within the years that leave 40 to search. */
static int64_t
take_instant (fuzz_input *input)
{
    int64_t year = fuzz_byte (input);
    year += fuzz_byte (input);
    int64_t second = fuzz_byte (input);
    second += 256 * fuzz_byte (input);
    return bf_days_of ((int32_t)(1970 + year % 380), 1, 1) * BF_DAY_S + second * 500;
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    fuzz_input input = {bytes, size};
    char *text = fuzz_text_until (&input, '\0');
    bf_cron cron, untouched;
    memset (&cron, 0x2a, sizeof cron);
    untouched = cron;
    bf_error error = {0};
    if (bf_cron_parse (text, &cron, &error) != BF_OK) {
        FUZZ_CHECK (error.code == BF_EINVALID && error.text[0] != '\0', "refused: \"%s\"",
                    text);
        FUZZ_CHECK (memcmp (&cron, &untouched, sizeof cron) == 0, "refused: \"%s\"", text);
    } else {
        fuzz_input at = input;
        fuzz_byte (&at);
        fuzz_byte (&at);
        int64_t from_s = take_instant (&at);
        check_print (&cron, text);
        check_explain (&cron, text);
        check_local_times (&cron, text, from_s);
        check_recurrence (&cron, text, &input, from_s);
    }
    free (text);
    return 0;
}
