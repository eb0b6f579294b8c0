/* SPDX-License-Identifier: MPL-2.0
 *
 * Again, or dead: the order of the verdict's reasons, and waits up to the ends of the
 * range.
 */
#include "core/retry.h"

#include <stdlib.h>

#include "tests/support/cmocka.h"

static const bf_token token = {256, 1, 1};

static const bf_retry_policy standard = {
    .max_attempts = 5,
    .backoff = BF_BACKOFF_EXPONENTIAL,
    .delay = {BF_SECOND_US},
    .factor_permille = 2000,
    .max_delay = {5 * BF_MINUTE_US},
    .jitter_percent = 10,
};

static void
test_verdicts (void **state)
{
    (void)state;
    static const struct {
        uint32_t max_attempts;
        uint32_t failures;
        bool non_retryable;
        bool cancel_requested;
        bf_run_move move;
    } rows[] = {
        {5, 1, false, false, BF_RUN_RETRY}, {5, 4, false, false, BF_RUN_RETRY},
        {5, 5, false, false, BF_RUN_DIE},   {5, 6, false, false, BF_RUN_DIE},
        {1, 1, false, false, BF_RUN_DIE},   {5, 1, true, false, BF_RUN_DIE},
        {5, 1, false, true, BF_RUN_CANCEL}, {5, 1, true, true, BF_RUN_CANCEL},
        {5, 5, false, true, BF_RUN_CANCEL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_retry_policy policy = standard;
        policy.max_attempts = rows[i].max_attempts;
        bf_verdict verdict =
            bf_retry_judge (&policy, token, rows[i].failures, (bf_span){0},
                            rows[i].non_retryable, rows[i].cancel_requested);
        assert_int_equal (verdict.move, rows[i].move);
        int64_t wait = rows[i].move == BF_RUN_RETRY
                           ? bf_retry_wait (&policy, token, rows[i].failures).us
                           : 0;
        assert_true (verdict.wait.us == wait);
    }
}

/* The first limit that is reached ends the run: failures, or age. No attempt may begin when
 * the run is older than max_age. */
static void
test_limits (void **state)
{
    (void)state;
    static const struct {
        uint32_t max_attempts;
        int64_t max_age;
        uint32_t failures;
        int64_t age;
        bf_run_move move;
    } rows[] = {
        {5, 0, 4, INT64_MAX, BF_RUN_RETRY},
        {5, 10 * BF_SECOND_US, 1, 9 * BF_SECOND_US, BF_RUN_RETRY}, /* again at 10 s */
        {5, 10 * BF_SECOND_US, 1, 9 * BF_SECOND_US + 1, BF_RUN_DIE},
        {5, 10 * BF_SECOND_US, 3, 6 * BF_SECOND_US, BF_RUN_RETRY}, /* the wait is 4 s */
        {5, 10 * BF_SECOND_US, 4, 6 * BF_SECOND_US, BF_RUN_DIE},   /* 8 s */
        {5, 10 * BF_SECOND_US, 5, 0, BF_RUN_DIE},
        {1, 10 * BF_SECOND_US, 1, 0, BF_RUN_DIE},
        {5, BF_MS_US, 1, 0, BF_RUN_DIE},
        {5, BF_SECOND_US, 1, 0, BF_RUN_RETRY},
        {5, INT64_MAX, 1, INT64_MAX, BF_RUN_RETRY}, /* cut at the end of the range */
        {5, INT64_MAX - 1, 1, INT64_MAX, BF_RUN_DIE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_retry_policy policy = standard;
        policy.jitter_percent = 0;
        policy.max_attempts = rows[i].max_attempts;
        policy.max_age.us = rows[i].max_age;
        bf_verdict verdict = bf_retry_judge (&policy, token, rows[i].failures,
                                             (bf_span){rows[i].age}, false, false);
        if (verdict.move != rows[i].move) {
            fail_msg ("row %zu: %s", i, bf_run_move_name (verdict.move));
        }
    }
    /* A run that is not tried again anyway is cancelled, however old. */
    bf_retry_policy policy = standard;
    policy.max_age.us = BF_MS_US;
    bf_verdict verdict =
        bf_retry_judge (&policy, token, 1, (bf_span){BF_DAY_US}, false, true);
    assert_int_equal (verdict.move, BF_RUN_CANCEL);
}

/* The stretched wait counts against max_age, not the one in the middle. */
static void
test_age_and_jitter (void **state)
{
    (void)state;
    bf_retry_policy policy = standard;
    policy.jitter_percent = 50;
    policy.max_age.us = BF_SECOND_US;
    unsigned died = 0;
    for (uint32_t attempt = 1; attempt <= 200; attempt++) {
        bf_token other = {256, 1, attempt};
        bf_verdict verdict = bf_retry_judge (&policy, other, 1, (bf_span){0}, false, false);
        bool over = bf_retry_wait (&policy, other, 1).us > BF_SECOND_US;
        assert_int_equal (verdict.move, over ? BF_RUN_DIE : BF_RUN_RETRY);
        died += over;
    }
    assert_in_range (died, 60, 140);
}

static void
test_waits_without_jitter (void **state)
{
    (void)state;
    enum {
        EXP = BF_BACKOFF_EXPONENTIAL,
        FIX = BF_BACKOFF_FIXED,
        LIN = BF_BACKOFF_LINEAR,
    };
    static const struct {
        int backoff;
        int64_t delay;
        uint32_t factor;
        int64_t max_delay;
        uint32_t failures;
        int64_t wait;
    } rows[] = {
        {EXP, BF_SECOND_US, 2000, 5 * BF_MINUTE_US, 1, BF_SECOND_US},
        {EXP, BF_SECOND_US, 2000, 5 * BF_MINUTE_US, 2, 2 * BF_SECOND_US},
        {EXP, BF_SECOND_US, 2000, 5 * BF_MINUTE_US, 9, 256 * BF_SECOND_US},
        {EXP, BF_SECOND_US, 2000, 5 * BF_MINUTE_US, 10, 5 * BF_MINUTE_US},
        {EXP, BF_SECOND_US, 2000, 5 * BF_MINUTE_US, 1000, 5 * BF_MINUTE_US},
        {EXP, BF_SECOND_US, 2000, 5 * BF_MINUTE_US, UINT32_MAX, 5 * BF_MINUTE_US},
        {EXP, BF_SECOND_US, 1500, 5 * BF_MINUTE_US, 3, 2250 * BF_MS_US},
        {EXP, BF_SECOND_US, 1000, 5 * BF_MINUTE_US, UINT32_MAX, BF_SECOND_US},
        {EXP, BF_MS_US, 10000, 30 * BF_DAY_US, 5, 10 * BF_SECOND_US},
        {EXP, 30 * BF_DAY_US, 10000, 30 * BF_DAY_US, 1000, 30 * BF_DAY_US},
        {EXP, BF_HOUR_US, 2000, BF_MINUTE_US, 1, BF_MINUTE_US},
        {EXP, 1, UINT32_MAX, INT64_MAX, UINT32_MAX, INT64_MAX},
        {EXP, INT64_MAX - 1, UINT32_MAX, INT64_MAX, 2, INT64_MAX},
        {EXP, INT64_MAX - 999, 1001, INT64_MAX, 2, INT64_MAX},
        {EXP, 1, 2000, BF_HOUR_US, 1, BF_MS_US},
        {EXP, 0, 2000, BF_HOUR_US, 50, BF_MS_US},
        {FIX, BF_SECOND_US, 2000, 5 * BF_MINUTE_US, 7, BF_SECOND_US},
        {FIX, BF_HOUR_US, 2000, BF_MINUTE_US, 7, BF_HOUR_US},
        {FIX, INT64_MAX, 0, 0, UINT32_MAX, INT64_MAX},
        {LIN, BF_SECOND_US, 1000, 5 * BF_MINUTE_US, 1, BF_SECOND_US},
        {LIN, BF_SECOND_US, 1000, 5 * BF_MINUTE_US, 2, 2 * BF_SECOND_US},
        {LIN, BF_SECOND_US, 1000, 5 * BF_MINUTE_US, 300, 5 * BF_MINUTE_US},
        {LIN, BF_SECOND_US, 1000, 5 * BF_MINUTE_US, 301, 5 * BF_MINUTE_US},
        {LIN, BF_SECOND_US, 1000, 5 * BF_MINUTE_US, UINT32_MAX, 5 * BF_MINUTE_US},
        {LIN, BF_HOUR_US, 1000, BF_MINUTE_US, 1, BF_MINUTE_US},
        {LIN, INT64_MAX, 1000, INT64_MAX, UINT32_MAX, INT64_MAX},
        {LIN, BF_SECOND_US, 1000, 5 * BF_MINUTE_US, 0, BF_MS_US},
        {99, BF_SECOND_US, 2000, 5 * BF_MINUTE_US, 2, 2 * BF_SECOND_US}, /* as EXP */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_retry_policy policy = {
            .max_attempts = UINT32_MAX,
            .backoff = (bf_backoff)rows[i].backoff,
            .delay = {rows[i].delay},
            .factor_permille = rows[i].factor,
            .max_delay = {rows[i].max_delay},
        };
        int64_t wait = bf_retry_wait (&policy, token, rows[i].failures).us;
        if (wait != rows[i].wait) {
            fail_msg ("row %zu: %lld, not %lld", i, (long long)wait,
                      (long long)rows[i].wait);
        }
    }
}

static void
test_list (void **state)
{
    (void)state;
    static const int64_t delays[] = {5 * BF_SECOND_US, BF_MS_US, 30 * BF_DAY_US};
    static const struct {
        size_t n_delays;
        uint32_t failures;
        int64_t wait;
    } rows[] = {
        {3, 1, 5 * BF_SECOND_US},        {3, 2, BF_MS_US},
        {3, 3, 30 * BF_DAY_US},          {3, 4, 30 * BF_DAY_US},
        {3, UINT32_MAX, 30 * BF_DAY_US}, {2, 3, BF_MS_US},
        {1, 1, 5 * BF_SECOND_US},        {1, 9, 5 * BF_SECOND_US},
        {3, 0, 5 * BF_SECOND_US},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_retry_policy policy = {
            .max_attempts = 9,
            .backoff = BF_BACKOFF_LIST,
            .delays_us = delays,
            .n_delays = rows[i].n_delays,
        };
        assert_int_equal (bf_retry_wait (&policy, token, rows[i].failures).us,
                          rows[i].wait);
        /* Jitter stretches and cuts these as any other. */
        policy.jitter_percent = 50;
        int64_t wait = bf_retry_wait (&policy, token, rows[i].failures).us;
        int64_t low = rows[i].wait / 2 > BF_MS_US ? rows[i].wait / 2 : BF_MS_US;
        assert_in_range (wait, low, rows[i].wait * 3 / 2);
    }
}

/* All within the band, spread over it, and the same again. */
static void
test_jitter (void **state)
{
    (void)state;
    static const struct {
        uint32_t percent;
        int64_t low;
        int64_t high;
    } rows[] = {
        {1, 990 * BF_MS_US, 1010 * BF_MS_US},  {10, 900 * BF_MS_US, 1100 * BF_MS_US},
        {50, 500 * BF_MS_US, 1500 * BF_MS_US}, {100, BF_MS_US, 2000 * BF_MS_US},
        {400, BF_MS_US, 2000 * BF_MS_US},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_retry_policy policy = standard;
        policy.jitter_percent = rows[i].percent;
        int64_t middle = (rows[i].low + rows[i].high) / 2;
        int64_t quarter = (rows[i].high - rows[i].low) / 4;
        unsigned seen[2] = {0, 0};
        for (uint64_t job = 1; job <= 400; job++) {
            bf_token other = {job << 8, 1, 1};
            int64_t wait = bf_retry_wait (&policy, other, 1).us;
            assert_true (wait >= rows[i].low && wait <= rows[i].high);
            assert_true (wait == bf_retry_wait (&policy, other, 1).us);
            seen[0] += wait < middle - quarter;
            seen[1] += wait > middle + quarter;
        }
        assert_in_range (seen[0], 60, 140);
        assert_in_range (seen[1], 60, 140);
    }
}

static void
test_jitter_depends_on_the_whole_token (void **state)
{
    (void)state;
    static const bf_token tokens[] = {
        {256, 1, 1}, {512, 1, 1}, {256, 2, 1}, {256, 1, 2}, {256, 2, 2}};
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true (bf_retry_wait (&standard, tokens[i], 1).us !=
                         bf_retry_wait (&standard, tokens[j], 1).us);
        }
    }
}

static void
test_jitter_at_the_end_of_the_range (void **state)
{
    (void)state;
    bf_retry_policy policy = {.max_attempts = 9,
                              .backoff = BF_BACKOFF_FIXED,
                              .delay = {INT64_MAX},
                              .jitter_percent = 100};
    for (uint32_t attempt = 1; attempt <= 100; attempt++) {
        bf_token other = {256, 1, attempt};
        assert_true (bf_retry_wait (&policy, other, 1).us >= BF_MS_US);
    }
    /* Nothing to stretch. */
    policy.delay.us = 0;
    assert_true (bf_retry_wait (&policy, token, 1).us == BF_MS_US);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_verdicts),
        cmocka_unit_test (test_limits),
        cmocka_unit_test (test_age_and_jitter),
        cmocka_unit_test (test_waits_without_jitter),
        cmocka_unit_test (test_list),
        cmocka_unit_test (test_jitter),
        cmocka_unit_test (test_jitter_depends_on_the_whole_token),
        cmocka_unit_test (test_jitter_at_the_end_of_the_range),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
