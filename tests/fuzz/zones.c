/* SPDX-License-Identifier: MPL-2.0
 *
 * See zones.h.
 */
#include "tests/fuzz/zones.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

#define COUNT(list) (sizeof (list) / sizeof (list)[0])

#define HEADER_BYTES 44
#define WEEKS 52
#define WEEK_S (7 * BF_DAY_S)

/* Clocks as they begin, then changes, then the rule of all time after them. */
typedef struct {
    int32_t offset_s;
    size_t n_changes;
    struct {
        int64_t at_s;
        int32_t offset_s;
    } changes[WEEKS];
    const char *rule;
} recipe_t;

typedef struct {
    uint8_t bytes[4096];
    size_t size;
} tzif_t;

static void
put (tzif_t *tzif, int64_t number, size_t size)
{
    FUZZ_CHECK (tzif->size + size <= sizeof tzif->bytes, "the zone is too large");
    for (size_t i = size; i > 0; i--) {
        tzif->bytes[tzif->size++] = (uint8_t)((uint64_t)number >> (8 * (i - 1)));
    }
}

/* RFC 8536, 3.1: as many types as changes, and the one that was before. */
static void
put_header (tzif_t *tzif, size_t changes, size_t types, size_t name_bytes)
{
    memcpy (tzif->bytes + tzif->size, "TZif2", 5);
    tzif->size += 20;
    put (tzif, 0, 8);
    put (tzif, 0, 4);
    put (tzif, (int64_t)changes, 4);
    put (tzif, (int64_t)types, 4);
    put (tzif, (int64_t)name_bytes, 4);
}

static void
put_type (tzif_t *tzif, int32_t offset_s)
{
    put (tzif, offset_s, 4);
    put (tzif, 0, 2);
}

static bf_zone *
make (const recipe_t *recipe)
{
    tzif_t tzif = {.size = 0};
    put_header (&tzif, 0, 1, 4);
    put_type (&tzif, 0);
    put (&tzif, 0, 4);
    put_header (&tzif, recipe->n_changes, recipe->n_changes + 1, 4);
    for (size_t i = 0; i < recipe->n_changes; i++) {
        put (&tzif, recipe->changes[i].at_s, 8);
    }
    for (size_t i = 0; i < recipe->n_changes; i++) {
        put (&tzif, (int64_t)i + 1, 1);
    }
    put_type (&tzif, recipe->offset_s);
    for (size_t i = 0; i < recipe->n_changes; i++) {
        put_type (&tzif, recipe->changes[i].offset_s);
    }
    put (&tzif, 0, 4);
    put (&tzif, '\n', 1);
    for (const char *sign = recipe->rule; *sign != '\0'; sign++) {
        put (&tzif, *sign, 1);
    }
    put (&tzif, '\n', 1);
    bf_zone *zone = NULL;
    bf_error error = {0};
    FUZZ_CHECK (bf_zone_read (tzif.bytes, tzif.size, &zone, &error) == BF_OK, "%s",
                error.text);
    return zone;
}

static recipe_t recipes[] = {
    {.rule = "UTC0"},
    {.offset_s = 3600, .rule = "CET-1CEST,M3.5.0,M10.5.0/3"},
    {.offset_s = 37800, .rule = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"},
    {.offset_s = -10800, .rule = "<-03>3<-02>,M10.3.0/0,M2.3.0/0"},
    /* 2011-12-30T10:00:00Z: from ten hours behind to fourteen ahead. */
    {.offset_s = -36000,
     .n_changes = 1,
     .changes = {{INT64_C (1325239200), 50400}},
     .rule = "<+14>-14"},
    {.offset_s = 0, .n_changes = WEEKS, .rule = "<+01>-1"},
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
    recipe_t *restless = &recipes[COUNT (recipes) - 1];
    int64_t first_s = bf_days_of (2027, 1, 1) * BF_DAY_S;
    for (size_t i = 0; i < WEEKS; i++) {
        restless->changes[i].at_s = first_s + (int64_t)i * WEEK_S;
        restless->changes[i].offset_s = i % 2 == 0 ? 7200 : 3600;
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
