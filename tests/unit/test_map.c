/* SPDX-License-Identifier: MPL-2.0
 *
 * The map: keys of every length, a random walk against an array, and removal while
 * iterating.
 */
#include "core/base/map.h"

#include <string.h>

#include "core/base/hash.h"
#include "tests/support/cmocka.h"

static void
test_keys (void **state)
{
    (void)state;
    static const struct {
        const char *key;
        size_t size;
    } keys[] = {
        {"", 0},
        {"a", 1},
        {"a\0", 2},
        {"\0a", 2},
        {"\0", 1},
        {"\0\0", 2},
        {"12345678", 8},
        {"123456789", 9},
        {"12345678\0", 9},
        {"season/7/turn/12", 16},
        {"season/7/turn/13", 16},
    };
    enum { COUNT = sizeof keys / sizeof keys[0] };
    static int values[COUNT], others[COUNT];
    bf_map *map = bf_map_new (42);
    assert_non_null (map);
    for (size_t i = 0; i < COUNT; i++) {
        assert_null (bf_map_get (map, keys[i].key, keys[i].size));
        assert_int_equal (bf_map_put (map, keys[i].key, keys[i].size, &values[i]), BF_OK);
        assert_int_equal (bf_map_count (map), i + 1);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal (bf_map_get (map, keys[i].key, keys[i].size), &values[i]);
        assert_int_equal (bf_map_put (map, keys[i].key, keys[i].size, &others[i]), BF_OK);
    }
    assert_int_equal (bf_map_count (map), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal (bf_map_remove (map, keys[i].key, keys[i].size), &others[i]);
        assert_null (bf_map_remove (map, keys[i].key, keys[i].size));
        assert_int_equal (bf_map_count (map), COUNT - 1 - i);
    }
    bf_map_destroy (&map);
    assert_null (map);
    bf_map_destroy (&map);
}

/* What eight bytes at the beginning of a key of 16 make of it, before the other eight. */
static uint64_t
half_way (uint64_t seed, uint64_t word)
{
    return bf_mix (bf_mix (seed ^ 16) ^ word) + seed;
}

/* Keys made to share all 64 bits of their hash, of one size and of another. */
static void
test_same_hash (void **state)
{
    (void)state;
    const uint64_t seed = 5;
    uint64_t first[2] = {1, 2};
    uint64_t second[2] = {3, 2 ^ half_way (seed, 1) ^ half_way (seed, 3)};
    uint64_t shorter = 2 ^ half_way (seed, 1) ^ bf_mix (seed ^ 8);
    bf_map *map = bf_map_new (seed);
    assert_int_equal (bf_map_put (map, first, sizeof first, &first), BF_OK);
    assert_null (bf_map_get (map, second, sizeof second));
    assert_null (bf_map_get (map, &shorter, sizeof shorter));
    assert_int_equal (bf_map_put (map, second, sizeof second, &second), BF_OK);
    assert_int_equal (bf_map_put (map, &shorter, sizeof shorter, &shorter), BF_OK);
    assert_int_equal (bf_map_count (map), 3);
    assert_ptr_equal (bf_map_remove (map, first, sizeof first), &first);
    assert_ptr_equal (bf_map_get (map, second, sizeof second), &second);
    assert_ptr_equal (bf_map_get (map, &shorter, sizeof shorter), &shorter);
    bf_map_destroy (&map);
}

static void
test_keys_are_copied (void **state)
{
    (void)state;
    char key[] = "claim_timeout";
    bf_map *map = bf_map_new (0);
    assert_int_equal (bf_map_put (map, key, sizeof key, key), BF_OK);
    memset (key, 0, sizeof key);
    assert_ptr_equal (bf_map_get (map, "claim_timeout", sizeof key), key);
    bf_map_destroy (&map);
}

enum { NUMBERS = 3000, STEPS = 60000 };

static void
test_random_walk (void **state)
{
    (void)state;
    static char values[NUMBERS];
    static bool held[NUMBERS];
    size_t count = 0;
    bf_map *map = bf_map_new (7);
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint64_t number = bf_mix (step) % NUMBERS;
        void *expected = held[number] ? &values[number] : NULL;
        assert_ptr_equal (bf_map_get (map, &number, sizeof number), expected);
        if (bf_mix (step) >> 62 == 0) {
            assert_ptr_equal (bf_map_remove (map, &number, sizeof number), expected);
            count -= held[number];
            held[number] = false;
        } else {
            assert_int_equal (bf_map_put (map, &number, sizeof number, &values[number]),
                              BF_OK);
            count += !held[number];
            held[number] = true;
        }
        assert_int_equal (bf_map_count (map), count);
    }
    bf_map_destroy (&map);
}

/* A queue that is always filled and emptied: the graves must not fill the array. */
static void
test_churn (void **state)
{
    (void)state;
    bf_map *map = bf_map_new (3);
    for (uint64_t i = 1; i <= 50000; i++) {
        assert_int_equal (bf_map_put (map, &i, sizeof i, map), BF_OK);
        uint64_t old = i - 1;
        assert_ptr_equal (bf_map_remove (map, &old, sizeof old), i > 1 ? map : NULL);
    }
    assert_int_equal (bf_map_count (map), 1);
    bf_map_destroy (&map);
}

static void
test_each_with_removal (void **state)
{
    (void)state;
    static uint64_t numbers[500];
    bf_map *map = bf_map_new (11);
    for (uint64_t i = 0; i < 500; i++) {
        numbers[i] = i;
        assert_int_equal (bf_map_put (map, &i, sizeof i, &numbers[i]), BF_OK);
    }
    bool seen[500] = {false};
    size_t cursor = 0, visits = 0;
    uint64_t *number;
    while ((number = bf_map_each (map, &cursor)) != NULL) {
        assert_false (seen[*number]);
        seen[*number] = true;
        visits++;
        if (*number % 2 == 0) {
            assert_ptr_equal (bf_map_remove (map, number, sizeof *number), number);
        }
    }
    assert_int_equal (visits, 500);
    assert_int_equal (bf_map_count (map), 250);
    cursor = 0;
    while ((number = bf_map_each (map, &cursor)) != NULL) {
        assert_int_equal (*number % 2, 1);
        visits++;
    }
    assert_int_equal (visits, 750);
    bf_map_destroy (&map);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_keys),
        cmocka_unit_test (test_same_hash),
        cmocka_unit_test (test_keys_are_copied),
        cmocka_unit_test (test_random_walk),
        cmocka_unit_test (test_churn),
        cmocka_unit_test (test_each_with_removal),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
