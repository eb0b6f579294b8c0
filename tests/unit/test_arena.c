/* SPDX-License-Identifier: MPL-2.0
 *
 * The arena: alignment, zeroes (also in memory that was used before), the limit, and
 * copies.
 */
#include "core/base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include "tests/support/cmocka.h"

enum { LIMIT = 4 * 1024 * 1024 };

static bool
is_zero (const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static void
test_pieces (void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4000, 8000, 9000, 100000, 3, 2000000};
    bf_arena *arena = bf_arena_new (LIMIT);
    assert_non_null (arena);
    for (int life = 0; life < 3; life++) {
        unsigned char *pieces[sizeof sizes / sizeof sizes[0]];
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            pieces[i] = bf_arena_alloc (arena, sizes[i]);
            assert_non_null (pieces[i]);
            assert_int_equal ((uintptr_t)pieces[i] % alignof (max_align_t), 0);
            assert_true (is_zero (pieces[i], sizes[i]));
            if (sizes[i] > 0) {
                memset (pieces[i], (int)i + 1, sizes[i]);
            }
        }
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            for (size_t j = 0; j < sizes[i]; j++) {
                if (pieces[i][j] != i + 1) {
                    fail_msg ("piece %zu was overwritten at %zu", i, j);
                }
            }
        }
        assert_true (bf_arena_used (arena) >= 2121052);
        bf_arena_reset (arena);
        assert_int_equal (bf_arena_used (arena), 0);
    }
    bf_arena_destroy (&arena);
    assert_null (arena);
    bf_arena_destroy (&arena);
}

static void
test_reset_keeps_the_first_block (void **state)
{
    (void)state;
    bf_arena *arena = bf_arena_new (LIMIT);
    void *first = bf_arena_alloc (arena, 100);
    for (int life = 0; life < 3; life++) {
        bf_arena_alloc (arena, 100000);
        bf_arena_reset (arena);
        assert_ptr_equal (bf_arena_alloc (arena, 100), first);
    }
    bf_arena_destroy (&arena);
}

/* What a reset gives back is at hand for the next life: four megabytes of it. */
static void
test_reset_keeps_spare_blocks (void **state)
{
    (void)state;
    enum { BLOCK = 1024 * 1024, BLOCKS = 6, SPARE = 4 };
    bf_arena *arena = bf_arena_new ((size_t)16 * BLOCK);
    void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = bf_arena_alloc (arena, BLOCK);
        assert_non_null (blocks[i]);
        memset (blocks[i], 1, BLOCK);
    }
    bf_arena_reset (arena);
    /* The newest four; the others went back. */
    for (int i = BLOCKS - SPARE; i < BLOCKS; i++) {
        unsigned char *again = bf_arena_alloc (arena, BLOCK);
        assert_ptr_equal (again, blocks[i]);
        assert_true (is_zero (again, BLOCK));
    }
    bf_arena_reset (arena);
    /* None of them is large enough for this one, and they stay. */
    assert_non_null (bf_arena_alloc (arena, 2 * BLOCK));
    assert_ptr_equal (bf_arena_alloc (arena, BLOCK), blocks[BLOCKS - SPARE]);
    bf_arena_destroy (&arena);
}

static void
test_limit (void **state)
{
    (void)state;
    bf_arena *arena = bf_arena_new (1024);
    assert_null (bf_arena_alloc (arena, 1025));
    assert_null (bf_arena_alloc (arena, SIZE_MAX));
    assert_null (bf_arena_alloc (arena, SIZE_MAX - 8));
    assert_null (bf_arena_copy (arena, "", SIZE_MAX));
    for (int life = 0; life < 2; life++) {
        assert_non_null (bf_arena_alloc (arena, 1000));
        assert_null (bf_arena_alloc (arena, 100));
        assert_null (bf_arena_printf (arena, "%100s", ""));
        assert_non_null (bf_arena_alloc (arena, 16));
        assert_null (bf_arena_alloc (arena, 1));
        bf_arena_reset (arena);
    }
    bf_arena_destroy (&arena);
}

/* Lowered, raised, and lowered below what is out: what failed is known until then. */
static void
test_another_limit (void **state)
{
    (void)state;
    bf_arena *arena = bf_arena_new (1024);
    assert_non_null (bf_arena_alloc (arena, 512));
    assert_false (bf_arena_failed (arena));
    bf_arena_set_limit (arena, 600);
    assert_false (bf_arena_is_full (arena));
    assert_null (bf_arena_alloc (arena, 512));
    assert_true (bf_arena_failed (arena));
    assert_true (bf_arena_is_full (arena));
    bf_arena_set_limit (arena, 1024);
    assert_false (bf_arena_failed (arena));
    assert_false (bf_arena_is_full (arena));
    assert_non_null (bf_arena_alloc (arena, 512));
    bf_arena_set_limit (arena, 100);
    assert_null (bf_arena_alloc (arena, 1));
    assert_true (bf_arena_failed (arena));
    bf_arena_reset (arena);
    assert_false (bf_arena_failed (arena));
    assert_false (bf_arena_is_full (arena));
    assert_non_null (bf_arena_alloc (arena, 64));
    bf_arena_destroy (&arena);
}

static void
test_copies (void **state)
{
    (void)state;
    bf_arena *arena = bf_arena_new (LIMIT);
    char *copy = bf_arena_copy (arena, "a\0b", 3);
    assert_memory_equal (copy, "a\0b", 4);
    copy = bf_arena_copy (arena, NULL, 0);
    assert_string_equal (copy, "");
    assert_string_equal (bf_arena_string (arena, "turn"), "turn");
    assert_string_equal (bf_arena_string (arena, ""), "");
    assert_string_equal (bf_arena_printf (arena, "%s.%d", "season", 7), "season.7");
    copy = bf_arena_printf (arena, "%20000d", 1);
    assert_int_equal (strlen (copy), 20000);
    /* No text: the C locale has no such character. */
    assert_null (bf_arena_printf (arena, "%lc", (wint_t)0x20ac));
    bf_arena_destroy (&arena);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_pieces),
        cmocka_unit_test (test_reset_keeps_the_first_block),
        cmocka_unit_test (test_reset_keeps_spare_blocks),
        cmocka_unit_test (test_limit),
        cmocka_unit_test (test_another_limit),
        cmocka_unit_test (test_copies),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
