/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of reminders, row by row.
 */
#include "core/remind.h"

#include "tests/support/cmocka.h"

/* A slot at 1000 with reminders at 900, 960 and 990. */
#define DUE 1000
static const int64_t before_us[] = {100, 40, 10};
static const bf_reminders three = {before_us, 3};
static const bf_reminders none = {NULL, 0};

static void
assert_skipped (bf_reminded skipped, uint64_t count, int64_t first_us, int64_t last_us)
{
    assert_int_equal (skipped.count, count);
    if (count > 0) {
        assert_int_equal (skipped.first_us, first_us);
        assert_int_equal (skipped.last_us, last_us);
    }
}

static void
test_begin (void **state)
{
    (void)state;
    static const struct {
        int64_t since_us;
        int64_t from_us;
        int64_t now_us;
        uint64_t skipped;
        int64_t first_us;
        int64_t last_us;
        int64_t next_us;
    } rows[] = {
        {INT64_MIN, 0, 0, 0, 0, 0, 900},
        {INT64_MIN, 900, 900, 0, 0, 0, 900}, /* due at this very moment is not past */
        {INT64_MIN, 901, 901, 1, 900, 900, 960},
        {INT64_MIN, 970, 970, 2, 900, 960, 990},
        {INT64_MIN, 991, 991, 3, 900, 990, 0},
        {INT64_MIN, 1000, 1000, 3, 900, 990, 0}, /* the slot itself is due */
        {INT64_MIN, 2000, 2000, 3, 900, 990, 0},
        {960, 970, 970, 1, 960, 960, 990}, /* resumed: what was decided before is */
        {960, 995, 995, 2, 960, 990, 0},
        {INT64_MIN, 950, 980, 1, 900, 900,
         960}, /* from the slot before: overdue, not past */
        {INT64_MIN, 950, 1000, 3, 900, 990, 0},
        {990, INT64_MAX, 500, 1, 990, 990, 0}, /* closed */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_remind_verdict verdict =
            bf_remind_begin (three, DUE, rows[i].since_us, rows[i].from_us, rows[i].now_us);
        assert_skipped (verdict.skipped, rows[i].skipped, rows[i].first_us,
                        rows[i].last_us);
        assert_int_equal (verdict.next_us, rows[i].next_us);
        assert_false (verdict.fires);
    }
}

static void
test_judge (void **state)
{
    (void)state;
    static const struct {
        int64_t since_us;
        int64_t now_us;
        int64_t fire_us; /* 0: none */
        int64_t before_us;
        uint64_t skipped;
        int64_t first_us;
        int64_t last_us;
        int64_t next_us;
    } rows[] = {
        {900, 899, 0, 0, 0, 0, 0, 900}, /* never early */
        {900, 900, 900, 100, 0, 0, 0, 960},
        {900, 959, 900, 100, 0, 0, 0, 960}, /* late, and still ahead */
        {900, 960, 960, 40, 1, 900, 900, 990},
        {900, 999, 990, 10, 2, 900, 960, 0}, /* the newest, the others are skipped */
        {960, 999, 990, 10, 1, 960, 960, 0},
        {990, 990, 990, 10, 0, 0, 0, 0},
        {900, 1000, 0, 0, 3, 900, 990, 0}, /* the slot is due: none */
        {990, 5000, 0, 0, 1, 990, 990, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_remind_verdict verdict =
            bf_remind_judge (three, DUE, rows[i].since_us, rows[i].now_us);
        assert_int_equal (verdict.fires, rows[i].fire_us != 0);
        if (verdict.fires) {
            assert_int_equal (verdict.fire_us, rows[i].fire_us);
            assert_int_equal (verdict.before_us, rows[i].before_us);
        }
        assert_skipped (verdict.skipped, rows[i].skipped, rows[i].first_us,
                        rows[i].last_us);
        assert_int_equal (verdict.next_us, rows[i].next_us);
    }
}

static void
test_none (void **state)
{
    (void)state;
    bf_remind_verdict verdict = bf_remind_begin (none, DUE, INT64_MIN, 0, 0);
    assert_int_equal (verdict.next_us, 0);
    assert_int_equal (verdict.skipped.count, 0);
    verdict = bf_remind_judge (none, DUE, 0, 0);
    assert_false (verdict.fires);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_begin),
        cmocka_unit_test (test_judge),
        cmocka_unit_test (test_none),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
