/* SPDX-License-Identifier: MPL-2.0
 *
 * Exclusion calendars: dates and windows are read, or refused with their place among them.
 * Of any local time the stretch around it holds it, is no longer than a day, and is one all
 * over; stretches that follow each other do not overlap. A recurrence that is excluded from
 * has no slot there, and has all others. The input is lines: a date each, up to an empty
 * line; then a window each.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "core/calendar/exclusion.h"
#include "core/calendar/recurrence.h"
#include "tests/fuzz/zones.h"

#define LINES_MAX 80
#define STRETCHES 60

typedef struct {
    char *lines[LINES_MAX];
    const char *texts[LINES_MAX];
    size_t count;
} list_t;

static void
take_lines (fuzz_input *input, list_t *list)
{
    while (input->size > 0 && list->count < LINES_MAX) {
        char *line = fuzz_text_until (input, '\n');
        if (line[0] == '\0') {
            free (line);
            return;
        }
        list->lines[list->count] = line;
        list->texts[list->count] = line;
        list->count++;
    }
}

static void
free_lines (list_t *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free (list->lines[i]);
    }
}

/* One stretch after the other from a day on, the edges of each asked again. */
static void
check_stretches (const bf_exclusion *exclusion, int64_t from_s)
{
    bf_local at = {from_s};
    for (int i = 0; i < STRETCHES; i++) {
        bf_local from, until, again_from, again_until;
        bool excluded = bf_exclusion_at (&exclusion, 1, at, &from, &until);
        FUZZ_CHECK (from.s <= at.s && at.s < until.s && until.s - from.s <= BF_DAY_S,
                    "%lld is not within %lld..%lld", (long long)at.s, (long long)from.s,
                    (long long)until.s);
        const int64_t points[] = {from.s, from.s + (until.s - from.s) / 2, until.s - 1};
        for (size_t k = 0; k < 3; k++) {
            bool same = bf_exclusion_at (&exclusion, 1, (bf_local){points[k]}, &again_from,
                                         &again_until);
            FUZZ_CHECK (same == excluded, "%lld and %lld lie in one stretch",
                        (long long)at.s, (long long)points[k]);
        }
        at = until;
    }
}

/* Every half an hour for some days, and what is left of it. */
static void
check_slots (const bf_exclusion *exclusion, const bf_zone *zone)
{
    bf_recurrence *all = NULL, *some = NULL;
    bf_error error = {0};
    bf_recurrence_args args = {
        .kind = BF_RECURRENCE_CRON, .text = "*/30 * * * *", .zone = zone};
    FUZZ_CHECK (bf_recurrence_new (&args, &all, &error) == BF_OK, "%s", error.text);
    args.exclusions = &exclusion;
    args.n_exclusions = 1;
    FUZZ_CHECK (bf_recurrence_new (&args, &some, &error) == BF_OK, "%s", error.text);
    bf_instant from = {bf_days_of (2027, 3, 26) * BF_DAY_S};
    bf_instant end = {from.s + 5 * BF_DAY_S}, at = from, slot, left = from;
    uint64_t kept = 0;
    while (bf_recurrence_first (all, at, end, &slot)) {
        bf_instant found, stretch_from, stretch_until;
        bf_local day_from, day_until;
        bool excluded = bf_exclusion_at (&exclusion, 1, bf_zone_local (zone, slot),
                                         &day_from, &day_until);
        FUZZ_CHECK (excluded ==
                        bf_recurrence_excludes (some, slot, &stretch_from, &stretch_until),
                    "%lld", (long long)slot.s);
        FUZZ_CHECK (stretch_from.s <= slot.s && slot.s < stretch_until.s, "%lld",
                    (long long)slot.s);
        if (!excluded) {
            FUZZ_CHECK (bf_recurrence_first (some, left, end, &found) && found.s == slot.s,
                        "%lld was left out", (long long)slot.s);
            left.s = slot.s + 1;
            kept++;
        }
        at.s = slot.s + 1;
    }
    FUZZ_CHECK (bf_recurrence_count (some, from, end) == kept, "not %llu",
                (unsigned long long)kept);
    bf_recurrence_destroy (&all);
    bf_recurrence_destroy (&some);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    fuzz_input input = {bytes, size};
    list_t dates = {.count = 0}, windows = {.count = 0};
    take_lines (&input, &dates);
    take_lines (&input, &windows);
    bf_exclusion *exclusion = NULL;
    bf_error error = {0};
    size_t which = SIZE_MAX;
    bf_err err = bf_exclusion_new (dates.texts, dates.count, windows.texts, windows.count,
                                   &exclusion, &which, &error);
    if (err == BF_OK) {
        check_stretches (exclusion, bf_days_of (2026, 12, 1) * BF_DAY_S + 1234);
        check_stretches (exclusion, bf_days_of (2028, 2, 20) * BF_DAY_S);
        check_slots (exclusion, fuzz_zone ((unsigned)size));
    } else {
        FUZZ_CHECK (err == BF_EINVALID && error.text[0] != '\0' && exclusion == NULL, "%s",
                    bf_err_name (err));
        FUZZ_CHECK (windows.count > BF_EXCLUSION_WINDOWS ||
                        which < dates.count + windows.count,
                    "%s", error.text);
    }
    bf_exclusion_destroy (&exclusion);
    free_lines (&dates);
    free_lines (&windows);
    return 0;
}
