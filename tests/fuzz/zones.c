/* SPDX-License-Identifier: MPL-2.0
 *
 * See zones.h.
 */
#include "tests/fuzz/zones.h"

#include "tests/fuzz/fuzz.h"
#include "tests/support/zone_file.h"

#define COUNT(list) (sizeof (list) / sizeof (list)[0])

#define WEEKS 52
#define WEEK_S (7 * BF_DAY_S)

static bf_zone *
make (const zone_recipe *recipe)
{
    zone_file file;
    zone_file_make (recipe, &file);
    bf_zone *zone = NULL;
    bf_error error = {0};
    FUZZ_CHECK (bf_zone_read (file.bytes, file.size, &zone, &error) == BF_OK, "%s",
                error.text);
    return zone;
}

static zone_recipe recipes[] = {
    {.version = '2', .footer = "UTC0"},
    {.version = '2', .offsets = {3600}, .footer = "CET-1CEST,M3.5.0,M10.5.0/3"},
    {.version = '2', .offsets = {37800}, .footer = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"},
    {.version = '2', .offsets = {-10800}, .footer = "<-03>3<-02>,M10.3.0/0,M2.3.0/0"},
    /* 2011-12-30T10:00:00Z: from ten hours behind to fourteen ahead. */
    {.version = '2',
     .n_changes = 1,
     .changes_s = {INT64_C (1325239200)},
     .offsets = {-36000, 50400},
     .footer = "<+14>-14"},
    {.version = '2', .n_changes = WEEKS, .footer = "<+01>-1"},
};

static bf_zone *zones[COUNT (recipes)];

static void
destroy_zones (void)
{
    for (size_t i = 0; i < COUNT (zones); i++) {
        bf_zone_destroy (&zones[i]);
    }
}

static void
make_zones (void)
{
    /* Each week of 2027 the clocks move by an hour, forth and back. */
    zone_recipe *restless = &recipes[COUNT (recipes) - 1];
    int64_t first_s = bf_days_of (2027, 1, 1) * BF_DAY_S;
    for (size_t i = 0; i < WEEKS; i++) {
        restless->changes_s[i] = first_s + (int64_t)i * WEEK_S;
        restless->offsets[i + 1] = i % 2 == 0 ? 7200 : 3600;
    }
    for (size_t i = 0; i < COUNT (zones); i++) {
        zones[i] = make (&recipes[i]);
    }
    atexit (destroy_zones);
}

const bf_zone *
fuzz_zone (unsigned number)
{
    if (zones[0] == NULL) {
        make_zones ();
    }
    return zones[number % COUNT (zones)];
}

bf_switches
fuzz_switches (unsigned number)
{
    return (bf_switches){
        .skipped = (bf_skipped)(number % 4),
        .repeated = (bf_repeated)(number / 4 % 4),
    };
}
