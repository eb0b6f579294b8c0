/* SPDX-License-Identifier: MPL-2.0
 *
 * Zone data that is damaged, hostile or at its bounds: refused with a sentence, or a zone
 * that covers the line of time without holes; never read past its end, which is why every
 * reading here has memory of just its size.
 */
#include "core/calendar/zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/zone_file.h"

#define COUNT(list) (sizeof (list) / sizeof (list)[0])

#define HOUR 3600

/* Each span begins where the one before it ends. */
static void
check_cover (const bf_zone *zone)
{
    bf_zone_span span = bf_zone_at (zone, (bf_instant){INT64_MIN});
    assert_true (span.index == 0 && span.from.s == INT64_MIN);
    while (span.until.s != INT64_MAX) {
        bf_zone_span next = bf_zone_next (zone, span);
        if (next.index != span.index + 1 || next.from.s != span.until.s ||
            next.from.s >= next.until.s || next.offset_s == span.offset_s ||
            next.offset_s <= -25 * HOUR || next.offset_s >= 26 * HOUR ||
            bf_zone_at (zone, next.from).index != next.index ||
            bf_zone_at (zone, (bf_instant){next.from.s - 1}).index != span.index) {
            fail_msg ("span %" PRId32 " from %" PRId64, next.index, next.from.s);
        }
        span = next;
    }
}

/* "": it is a zone. Otherwise the sentence; till the next call. */
static const char *
read_bytes (const uint8_t *bytes, size_t size)
{
    static bf_error error;
    error = (bf_error){0};
    uint8_t *exact = malloc (size);
    assert_true (exact != NULL || size == 0);
    if (size > 0) {
        memcpy (exact, bytes, size);
    }
    bf_zone *zone = NULL;
    bf_err err = bf_zone_read (exact, size, &zone, &error);
    /* A zone does not need the bytes any more. */
    free (exact);
    if (err == BF_OK) {
        check_cover (zone);
        bf_zone_destroy (&zone);
        assert_string_equal (error.text, "");
    } else {
        assert_int_equal (err, BF_EINVALID);
        assert_int_equal (error.code, err);
        assert_true (error.text[0] != '\0');
    }
    assert_null (zone);
    return error.text;
}

/* What the damage is done to. */
#define CHANGES 2
#define TYPES (CHANGES + 1)

static const zone_recipe whole = {
    .version = '2',
    .footer = "CET-1CEST,M3.5.0,M10.5.0/3",
    .with_indicators = true,
    .n_changes = CHANGES,
    .changes_s = {1000000, 2000000},
    .offsets = {0, 2 * HOUR, HOUR},
};

/* Where things are, from the beginning of a block with 64-bit times. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_UT = 20,
    AT_STANDARD = 24,
    AT_LEAPS = 28,
    AT_TIMES = 32,
    AT_TYPES = 36,
    AT_NAME_BYTES = 40,
    AT_TIME = 44,
    AT_INDEX = AT_TIME + CHANGES * 8,
    AT_TYPE = AT_INDEX + CHANGES,
    AT_NAMES = AT_TYPE + TYPES * 6,
    AT_FOOTER = AT_NAMES + 4 + 2 * TYPES,
};

static const char truncated[] = "the zone data is damaged: it ends too early";
static const char no_fit[] = "the zone data is damaged: its counts do not fit each other";
static const char disorder[] = "the zone data is damaged: its times do not ascend";
static const char no_type[] = "the zone data is damaged: a time has no type";
static const char too_far[] = "the zone data is damaged: an offset is more than a day";
static const char no_flag[] = "the zone data is damaged: a flag is neither 0 nor 1";
static const char no_name[] = "the zone data is damaged: a name lies outside";
static const char no_line[] = "the zone data is damaged: its last line is not whole";
static const char no_magic[] = "this is no zone data: it does not begin with TZif";
static const char no_version[] = "the zone data has an unknown version";
static const char leaps[] = "the zone data counts leap seconds (as those below right/ do), "
                            "which clocks here do not; "
                            "take the zone of the same name without them";

#define FAR (INT64_C (1) << 59)

typedef struct {
    size_t block; /* 0 or 1 */
    size_t at;
    size_t n_bytes;
    int64_t number;
    const char *text; /* "": taken */
} damage_row;

static const damage_row damages[] = {
    {0, AT_MAGIC, 1, 't', no_magic},
    {0, AT_MAGIC + 3, 1, 'F', no_magic},
    {1, AT_MAGIC, 1, 0, no_magic},
    {0, AT_VERSION, 1, '1', no_version},
    {0, AT_VERSION, 1, '5', no_version},
    {0, AT_VERSION, 1, 1, no_version},
    {1, AT_VERSION, 1, '5', no_version},
    {1, AT_VERSION, 1, '3', "the zone data is damaged: its two versions differ"},
    {1, AT_VERSION, 1, '\0', "the zone data is damaged: its two versions differ"},
    {0, AT_VERSION, 1, '\0', "the zone data is damaged: something follows its end"},
    /* Fifteen bytes that nobody has a use for yet. */
    {0, AT_VERSION + 1, 8, -1, ""},
    {1, AT_UT - 7, 7, -1, ""},
    /* Counts, of the block that is stepped over, … */
    {0, AT_UT, 4, UINT32_MAX, truncated},
    {0, AT_STANDARD, 4, UINT32_MAX, truncated},
    {0, AT_LEAPS, 4, UINT32_MAX, truncated},
    {0, AT_TIMES, 4, UINT32_MAX, truncated},
    {0, AT_TYPES, 4, UINT32_MAX, truncated},
    {0, AT_NAME_BYTES, 4, UINT32_MAX, truncated},
    {0, AT_TIMES, 4, 0x80000000, truncated},
    /* …and of the one that counts. */
    {1, AT_UT, 4, 0, "the zone data is damaged: its last line is not whole"},
    {1, AT_UT, 4, 1, no_fit},
    {1, AT_UT, 4, UINT32_MAX, no_fit},
    {1, AT_STANDARD, 4, 2, no_fit},
    {1, AT_STANDARD, 4, TYPES + 1, no_fit},
    {1, AT_LEAPS, 4, 1, leaps},
    {1, AT_LEAPS, 4, UINT32_MAX, leaps},
    {1, AT_TIMES, 4, UINT32_MAX, truncated},
    {1, AT_TIMES, 4, 0x40000000, truncated},
    {1, AT_TYPES, 4, 0, no_fit},
    {1, AT_TYPES, 4, UINT32_MAX, no_fit},
    {1, AT_NAME_BYTES, 4, 0, no_fit},
    {1, AT_NAME_BYTES, 4, UINT32_MAX, truncated},
    {1, AT_NAME_BYTES, 4, 3, no_name},
    /* Times. */
    {1, AT_TIME, 8, 2000000, disorder},
    {1, AT_TIME, 8, 2000001, disorder},
    {1, AT_TIME, 8, -FAR - 1, disorder},
    {1, AT_TIME, 8, INT64_MIN, disorder},
    {1, AT_TIME, 8, -FAR, ""},
    {1, AT_TIME + 8, 8, FAR, ""},
    {1, AT_TIME + 8, 8, FAR + 1, disorder},
    {1, AT_TIME + 8, 8, INT64_MAX, disorder},
    {1, AT_INDEX, 1, 0, ""},
    {1, AT_INDEX, 1, TYPES, no_type},
    {1, AT_INDEX + 1, 1, TYPES - 1, ""},
    {1, AT_INDEX + 1, 1, 255, no_type},
    /* Types, and where their names begin. */
    {1, AT_TYPE, 4, 26 * HOUR - 1, ""},
    {1, AT_TYPE, 4, 26 * HOUR, too_far},
    {1, AT_TYPE, 4, -25 * HOUR + 1, ""},
    {1, AT_TYPE, 4, -25 * HOUR, too_far},
    {1, AT_TYPE + 6, 4, INT32_MAX, too_far},
    {1, AT_TYPE + 12, 4, INT32_MIN, too_far},
    {1, AT_TYPE + 4, 1, 1, ""},
    {1, AT_TYPE + 4, 1, 2, no_flag},
    {1, AT_TYPE + 10, 1, 255, no_flag},
    {1, AT_TYPE + 5, 1, 3, ""},
    {1, AT_TYPE + 5, 1, 4, no_name},
    {1, AT_TYPE + 17, 1, 255, no_name},
    {1, AT_NAMES + 3, 1, 'A', no_name},
    {1, AT_NAMES, 1, 0, ""},
    /* The last line. */
    {1, AT_FOOTER, 1, 'x', no_line},
    {1, AT_FOOTER + 1, 1, '\n',
     "the zone data is damaged: its last line is no rule for a zone"},
    {1, AT_FOOTER + 1, 1, 0,
     "the zone data is damaged: its last line is no rule for a zone"},
    {1, AT_FOOTER + 27, 1, 'x', no_line},
};

static void
test_damages (void **state)
{
    (void)state;
    zone_file file;
    zone_file_make (&whole, &file);
    assert_string_equal (read_bytes (file.bytes, file.size), "");
    assert_int_equal (file.size, file.second + AT_FOOTER + 28);
    for (size_t i = 0; i < COUNT (damages); i++) {
        const damage_row *row = &damages[i];
        zone_file damaged = file;
        zone_file_put (damaged.bytes + (row->block == 0 ? 0 : file.second) + row->at,
                       row->number, row->n_bytes);
        const char *text = read_bytes (damaged.bytes, damaged.size);
        if (strcmp (text, row->text) != 0) {
            fail_msg ("row %zu: \"%s\" instead of \"%s\"", i, text, row->text);
        }
    }
}

/* All counts together must not wrap to what is there. */
static void
test_all_counts_huge (void **state)
{
    (void)state;
    for (size_t block = 0; block < 2; block++) {
        zone_file file;
        zone_file_make (&whole, &file);
        uint8_t *header = file.bytes + (block == 0 ? 0 : file.second);
        for (size_t at = AT_UT; at < AT_TIME; at += 4) {
            zone_file_put (header + at, at == AT_LEAPS && block == 1 ? 0 : UINT32_MAX, 4);
        }
        assert_string_equal (read_bytes (file.bytes, file.size), truncated);
    }
}

/* What follows the names is no part of them, though it be NULs. */
static void
test_endless_names (void **state)
{
    (void)state;
    for (uint8_t name = 0; name < 4; name++) {
        zone_file file;
        zone_file_make (&whole, &file);
        uint8_t *block = file.bytes + file.second;
        block[AT_NAMES + 3] = 'A';
        for (size_t i = 0; i < TYPES; i++) {
            block[AT_TYPE + 6 * i + 5] = name;
        }
        assert_string_equal (read_bytes (file.bytes, file.size), no_name);
    }
}

/* Which part is not all there. */
static void
test_ends (void **state)
{
    (void)state;
    static const char within_header[] = "the zone data is damaged: it ends within a header";
    zone_file file;
    zone_file_make (&whole, &file);
    const struct {
        size_t size;
        const char *text;
    } rows[] = {
        {0, within_header},
        {AT_TIME - 1, within_header},
        {AT_TIME, truncated},
        {file.second - 1, truncated},
        {file.second, within_header},
        {file.second + AT_TIME - 1, within_header},
        {file.second + AT_TIME, truncated},
        {file.second + AT_FOOTER - 1, truncated},
        {file.second + AT_FOOTER, no_line},
        {file.second + AT_FOOTER + 1, no_line},
        {file.size - 1, no_line},
        {file.size, ""},
    };
    for (size_t i = 0; i < COUNT (rows); i++) {
        assert_string_equal (read_bytes (file.bytes, rows[i].size), rows[i].text);
    }
}

static void
test_leap_seconds (void **state)
{
    (void)state;
    for (int version = 0; version < 2; version++) {
        zone_recipe recipe = whole;
        recipe.version = version == 0 ? '\0' : '4';
        recipe.fat = true;
        recipe.leaps = 27;
        zone_file file;
        zone_file_make (&recipe, &file);
        assert_string_equal (read_bytes (file.bytes, file.size), leaps);
    }
}

/* What a file of its kind may be. */
static const zone_recipe *
recipe_of (size_t number)
{
    static const zone_recipe recipes[] = {
        {.version = '\0',
         .n_changes = 2,
         .changes_s = {1000000, 2000000},
         .offsets = {HOUR, 0, HOUR}},
        {.version = '2'},
        {.version = '3', .footer = "IST-1GMT0,M10.5.0,M3.5.0/1", .offsets = {HOUR}},
        {.version = '2',
         .footer = "<+1030>-10:30<+11>-11,J100/50,260/-3",
         .fat = true,
         .with_indicators = true,
         .n_changes = 3,
         .changes_s = {-1000000, 1000000, 2000000},
         .offsets = {HOUR, 37800, 39600, 37800}},
    };
    return number < COUNT (recipes) ? &recipes[number] : NULL;
}

static void
test_truncated (void **state)
{
    (void)state;
    const zone_recipe *recipe;
    for (size_t i = 0; (recipe = recipe_of (i)) != NULL; i++) {
        zone_file file;
        zone_file_make (recipe, &file);
        assert_string_equal (read_bytes (file.bytes, file.size), "");
        for (size_t size = 0; size < file.size; size++) {
            if (read_bytes (file.bytes, size)[0] == '\0') {
                fail_msg ("file %zu: %zu of %zu bytes are taken", i, size, file.size);
            }
        }
        file.size++;
        assert_true (read_bytes (file.bytes, file.size)[0] != '\0');
    }
    assert_string_equal (read_bytes (NULL, 0),
                         "the zone data is damaged: it ends within a header");
}

static void
test_flipped_bits (void **state)
{
    (void)state;
    size_t taken = 0, refused = 0;
    const zone_recipe *recipe;
    for (size_t i = 0; (recipe = recipe_of (i)) != NULL; i++) {
        zone_file file;
        zone_file_make (recipe, &file);
        for (size_t bit = 0; bit < 8 * file.size; bit++) {
            file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            const char *text = read_bytes (file.bytes, file.size);
            *(text[0] == '\0' ? &taken : &refused) += 1;
            file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    print_message ("%zu taken, %zu refused\n", taken, refused);
    assert_true (taken > 500 && refused > 500);
}

static size_t
read_installed (const char *name, uint8_t *bytes, size_t most)
{
    char path[128];
    (void)snprintf (path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen (path, "rb");
    assert_non_null (file);
    size_t size = fread (bytes, 1, most, file);
    (void)fclose (file);
    return size;
}

/* Files as they are installed. */
static void
test_installed_files (void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin", "Africa/Casablanca", "Etc/GMT+12"};
    for (size_t i = 0; i < COUNT (names); i++) {
        uint8_t bytes[8192];
        size_t size = read_installed (names[i], bytes, sizeof bytes);
        assert_string_equal (read_bytes (bytes, size), "");
        for (size_t cut = 0; cut < size; cut++) {
            assert_true (read_bytes (bytes, cut)[0] != '\0');
        }
        for (size_t bit = 0; bit < 8 * size; bit += 5) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            (void)read_bytes (bytes, size);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

/* As many changes as a file of the largest size can have, and one byte more. */
static void
test_largest (void **state)
{
    (void)state;
    enum { MOST = 13000, NAME_BYTES = BF_ZONE_BYTES - AT_TIME - MOST * 5 - 2 * 6 };
    uint8_t *bytes = calloc (1, BF_ZONE_BYTES + 1);
    assert_non_null (bytes);
    memcpy (bytes, "TZif", 4);
    zone_file_put (bytes + AT_TIMES, MOST, 4);
    zone_file_put (bytes + AT_TYPES, 2, 4);
    zone_file_put (bytes + AT_NAME_BYTES, NAME_BYTES, 4);
    for (size_t i = 0; i < MOST; i++) {
        zone_file_put (bytes + AT_TIME + 4 * i, (int64_t)i * 2 * HOUR, 4);
        bytes[AT_TIME + 4 * MOST + i] = i % 2 == 0 ? 1 : 0;
    }
    zone_file_put (bytes + AT_TIME + 5 * MOST + 6, HOUR, 4);
    bf_zone *zone = NULL;
    assert_int_equal (bf_zone_read (bytes, BF_ZONE_BYTES, &zone, NULL), BF_OK);
    check_cover (zone);
    assert_int_equal (bf_zone_at (zone, (bf_instant){INT64_MAX}).index, MOST);
    bf_zone_destroy (&zone);
    assert_string_equal (read_bytes (bytes, BF_ZONE_BYTES + 1),
                         "the zone data has more than 65536 bytes");
    free (bytes);
}

/* Nobody has to ask for the sentence; what is handed in stays as it was. */
static void
test_no_sentence (void **state)
{
    (void)state;
    zone_file file;
    zone_file_make (&whole, &file);
    bf_zone *before = NULL, *zone;
    assert_int_equal (bf_zone_read (file.bytes, file.size, &before, NULL), BF_OK);
    zone = before;
    for (size_t size = 0; size < file.size; size++) {
        assert_int_equal (bf_zone_read (file.bytes, size, &zone, NULL), BF_EINVALID);
        assert_ptr_equal (zone, before);
    }
    bf_zone_destroy (&before);
    bf_zone_destroy (&before);
    assert_null (before);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_damages),       cmocka_unit_test (test_all_counts_huge),
        cmocka_unit_test (test_endless_names), cmocka_unit_test (test_ends),
        cmocka_unit_test (test_leap_seconds),  cmocka_unit_test (test_truncated),
        cmocka_unit_test (test_flipped_bits),  cmocka_unit_test (test_installed_files),
        cmocka_unit_test (test_largest),       cmocka_unit_test (test_no_sentence),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
