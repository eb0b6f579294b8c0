/* SPDX-License-Identifier: MPL-2.0
 *
 * The first ready runs of a queue: order, the horizon, and a random walk against a table of
 * rows that shows that none is lost or handed out twice.
 */
#include "core/heads.h"

#include <stdlib.h>

#include "core/base/hash.h"
#include "tests/support/cmocka.h"

static bf_ready
run (int64_t ready_us, uint64_t job, uint32_t ordinal)
{
    return (bf_ready){.queue = 1, .ready_us = ready_us, .job = job, .ordinal = ordinal};
}

static void
test_order (void **state)
{
    (void)state;
    const bf_ready sorted[] = {run (-1, 9, 9), run (0, 1, 2), run (0, 1, 3),
                               run (0, 2, 1),  run (5, 1, 1), run (INT64_MAX, 1, 1)};
    static const size_t order[] = {3, 5, 0, 2, 4, 1};
    bf_heads heads = {0};
    assert_null (bf_heads_peek (&heads));
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            int sign = bf_ready_compare (sorted[i], sorted[j]);
            assert_int_equal (sign, i < j ? -1 : i > j);
        }
    }
    for (int life = 0; life < 2; life++) {
        for (size_t i = 0; i < 6; i++) {
            bf_heads_add (&heads, sorted[order[i]]);
            bf_heads_add (&heads, sorted[order[i]]);
            assert_int_equal (heads.count, i + 1);
        }
        for (size_t i = 0; i < 6; i++) {
            bf_ready head = *bf_heads_peek (&heads);
            assert_int_equal (bf_ready_compare (head, sorted[i]), 0);
            assert_int_equal (bf_ready_compare (bf_heads_take (&heads), head), 0);
        }
        assert_null (bf_heads_peek (&heads));
        assert_null (heads.runs);
    }
    bf_heads_clear (&heads);
}

static void
test_beyond_the_horizon_is_ignored (void **state)
{
    (void)state;
    bf_heads heads = {0};
    heads.more = true;
    /* Nothing is known of the rows. */
    bf_heads_add (&heads, run (1, 1, 1));
    assert_int_equal (heads.count, 0);
    assert_true (bf_heads_append (&heads, run (10, 1, 1)));
    assert_true (bf_heads_append (&heads, run (20, 1, 1)));
    bf_heads_known (&heads, run (30, 1, 1));
    static const struct {
        int64_t ready_us;
        uint64_t job;
        size_t count;
    } rows[] = {{31, 1, 2}, {30, 2, 2}, {30, 1, 3}, {15, 1, 4}, {5, 1, 5}, {5, 1, 5}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_heads_add (&heads, run (rows[i].ready_us, rows[i].job, 1));
        assert_int_equal (heads.count, rows[i].count);
    }
    /* The horizon stays where it is when its runs are gone. */
    while (heads.count > 0) {
        bf_heads_take (&heads);
    }
    bf_heads_add (&heads, run (31, 1, 1));
    assert_int_equal (heads.count, 0);
    bf_heads_add (&heads, run (29, 1, 1));
    assert_int_equal (heads.count, 1);
    bf_heads_clear (&heads);
}

static void
test_doubt (void **state)
{
    (void)state;
    bf_heads heads = {0};
    bf_heads_doubt (&heads);
    assert_true (heads.more);
    bf_heads_add (&heads, run (1, 1, 1));
    assert_int_equal (heads.count, 0);
    bf_heads_clear (&heads);
    bf_heads_add (&heads, run (1, 1, 1));
    bf_heads_doubt (&heads);
    bf_heads_add (&heads, run (2, 1, 1));
    assert_int_equal (heads.count, 1);
    /* All taken: what comes now may not be the first. */
    bf_heads_take (&heads);
    bf_heads_doubt (&heads);
    bf_heads_add (&heads, run (0, 1, 1));
    assert_int_equal (heads.count, 0);
    bf_heads_clear (&heads);
}

static void
test_capacity (void **state)
{
    (void)state;
    bf_heads heads = {0};
    for (int64_t i = 0; i < BF_HEADS; i++) {
        bf_heads_add (&heads, run (2 * i, 1, 1));
    }
    assert_int_equal (heads.count, BF_HEADS);
    assert_false (heads.more);
    bf_heads_add (&heads, run (5, 1, 1));
    assert_int_equal (heads.count, BF_HEADS);
    assert_true (heads.more);
    /* The last one went, and nothing beyond the one before it comes in. */
    bf_heads_take (&heads);
    bf_heads_add (&heads, run (2 * (BF_HEADS - 1), 1, 1));
    assert_int_equal (heads.count, BF_HEADS - 1);
    bf_heads_add (&heads, run (2 * (BF_HEADS - 2) - 1, 1, 1));
    assert_int_equal (heads.count, BF_HEADS);
    bf_heads_clear (&heads);
}

enum { ROWS = 3000, STEPS = 40000 };

typedef enum { ABSENT, READY, TAKEN } row_t;

static int
compare (const void *a, const void *b)
{
    return bf_ready_compare (*(const bf_ready *)a, *(const bf_ready *)b);
}

/* The first runs of the table's order, as the store would tell them. */
static void
refill (bf_heads *heads, const row_t *rows, const int64_t *ready_us)
{
    static bf_ready sorted[ROWS];
    size_t count = 0;
    for (uint64_t job = 0; job < ROWS; job++) {
        if (rows[job] == READY) {
            sorted[count++] = run (ready_us[job], job, 1);
        }
    }
    qsort (sorted, count, sizeof sorted[0], compare);
    bf_heads_clear (heads);
    heads->more = count > BF_HEADS;
    for (size_t i = 0; i < count && i < BF_HEADS; i++) {
        assert_true (bf_heads_append (heads, sorted[i]));
    }
}

static void
test_random_walk (void **state)
{
    (void)state;
    static row_t rows[ROWS];
    static int64_t ready_us[ROWS];
    bf_heads heads = {0};
    size_t taken = 0;
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint64_t dice = bf_mix (step);
        uint64_t job = dice % ROWS;
        if (dice >> 61 < 5) {
            if (rows[job] != READY) {
                rows[job] = READY;
                ready_us[job] = (int64_t)(dice >> 30 & 0xffff);
                bf_heads_add (&heads, run (ready_us[job], job, 1));
            }
        } else if (heads.count > 0) {
            bf_ready head = bf_heads_take (&heads);
            assert_int_equal (rows[head.job], READY);
            assert_true (ready_us[head.job] == head.ready_us);
            rows[head.job] = TAKEN;
            taken++;
        } else if (heads.more) {
            refill (&heads, rows, ready_us);
        }
        assert_true (heads.count <= BF_HEADS);
    }
    while (heads.count > 0 || heads.more) {
        if (heads.count == 0) {
            refill (&heads, rows, ready_us);
            continue;
        }
        rows[bf_heads_take (&heads).job] = TAKEN;
        taken++;
    }
    for (size_t job = 0; job < ROWS; job++) {
        assert_int_not_equal (rows[job], READY);
    }
    assert_true (taken > STEPS / 4);
    bf_heads_clear (&heads);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_order),
        cmocka_unit_test (test_beyond_the_horizon_is_ignored),
        cmocka_unit_test (test_doubt),
        cmocka_unit_test (test_capacity),
        cmocka_unit_test (test_random_walk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
