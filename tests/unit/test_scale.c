/* SPDX-License-Identifier: MPL-2.0
 *
 * The boot scale: what it says within a boot, over a reboot, and when the wall clock is
 * set.
 */
#include "persist/ledger/scale.h"

#include "tests/support/cmocka.h"

#define WALL INT64_C (1767225600000000)
#define HOUR BF_HOUR_US

static bf_now
at (int64_t wall_us, int64_t boot_us)
{
    return (bf_now){{wall_us}, {boot_us}};
}

static void
test_new_store (void **state)
{
    (void)state;
    bf_scale scale = bf_scale_begin ("boot-a", at (WALL, 5000));
    assert_string_equal (scale.boot_id, "boot-a");
    assert_int_equal (bf_scale_from_boot (&scale, (bf_boot){5000}), WALL);
    assert_int_equal (bf_scale_from_boot (&scale, (bf_boot){6000}), WALL + 1000);
    assert_int_equal (bf_scale_to_boot (&scale, WALL + 1000).us, 6000);
    assert_int_equal (bf_scale_skew (&scale, at (WALL, 5000)), 0);
    assert_int_equal (scale.seen_us, WALL);
}

/* The end of the range, where a due time in 100 years meets a large origin. */
static void
test_never_wraps (void **state)
{
    (void)state;
    bf_scale scale = bf_scale_begin ("boot-a", at (WALL, 0));
    assert_int_equal (bf_scale_from_boot (&scale, (bf_boot){INT64_MAX}), INT64_MAX);
    assert_int_equal (bf_scale_to_boot (&scale, INT64_MIN).us, INT64_MIN);
}

static void
test_restart_in_the_same_boot (void **state)
{
    (void)state;
    bf_scale before = bf_scale_begin ("boot-a", at (WALL, 5000));
    /* However the wall clock was set meanwhile. */
    bf_scale scale = bf_scale_resume (&before, "boot-a", at (WALL + HOUR, 9000));
    assert_int_equal (bf_scale_from_boot (&scale, (bf_boot){9000}), WALL + 4000);
    assert_int_equal (bf_scale_skew (&scale, at (WALL + HOUR, 9000)), HOUR - 4000);
}

/* What a stored scale becomes: by how much the scale went on from the last that was seen.
 */
static void
test_reboot (void **state)
{
    (void)state;
    static const struct {
        const char *boot_id;
        int64_t skew_us; /* as stored */
        int64_t seen_us;
        int64_t wall_us; /* at the new start */
        int64_t scale_us;
    } rows[] = {
        /* The machine was off for an hour. */
        {"boot-b", 0, WALL, WALL + HOUR, WALL + HOUR},
        /* The wall clock had been set by a day before: that is no time that passed. */
        {"boot-b", BF_DAY_US, WALL, WALL + BF_DAY_US + HOUR, WALL + HOUR},
        {"boot-b", -BF_DAY_US, WALL, WALL - BF_DAY_US + HOUR, WALL + HOUR},
        /* It comes up with a dead clock: the scale stands, but never goes back. */
        {"boot-b", 0, WALL, 0, WALL},
        {"boot-b", 0, WALL, WALL - 1, WALL},
        {"boot-b", 0, WALL, WALL, WALL},
        /* A kernel without a boot id: every start is a reboot. */
        {"", 0, WALL, WALL + HOUR, WALL + HOUR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_scale stored = {
            .boot_id = "boot-a",
            .origin_us = WALL,
            .skew_us = rows[i].skew_us,
            .seen_us = rows[i].seen_us,
        };
        bf_scale scale =
            bf_scale_resume (&stored, rows[i].boot_id, at (rows[i].wall_us, 70));
        assert_int_equal (bf_scale_from_boot (&scale, (bf_boot){70}), rows[i].scale_us);
        assert_int_equal (bf_scale_to_boot (&scale, rows[i].scale_us).us, 70);
        assert_int_equal (scale.skew_us, rows[i].skew_us);
        assert_int_equal (scale.seen_us, rows[i].scale_us);
        assert_string_equal (scale.boot_id, rows[i].boot_id);
    }
}

/* Two stores without a boot id are not in the same boot. */
static void
test_no_boot_id_never_matches (void **state)
{
    (void)state;
    bf_scale stored = bf_scale_begin ("", at (WALL, 5000));
    bf_scale scale = bf_scale_resume (&stored, "", at (WALL + HOUR, 10));
    assert_int_equal (bf_scale_from_boot (&scale, (bf_boot){10}), WALL + HOUR);
}

static void
test_drift (void **state)
{
    (void)state;
    bf_scale scale = bf_scale_begin ("boot-a", at (WALL, 0));
    assert_false (bf_scale_has_drifted (&scale, at (WALL + 5, 5)));
    assert_false (bf_scale_has_drifted (&scale, at (WALL + BF_SCALE_DRIFT_US - 1, 0)));
    assert_true (bf_scale_has_drifted (&scale, at (WALL + BF_SCALE_DRIFT_US, 0)));
    assert_true (bf_scale_has_drifted (&scale, at (WALL - BF_SCALE_DRIFT_US, 0)));
    scale.skew_us = bf_scale_skew (&scale, at (WALL + HOUR, 0));
    assert_false (bf_scale_has_drifted (&scale, at (WALL + HOUR + 9, 9)));
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_new_store),
        cmocka_unit_test (test_never_wraps),
        cmocka_unit_test (test_restart_in_the_same_boot),
        cmocka_unit_test (test_reboot),
        cmocka_unit_test (test_no_boot_id_never_matches),
        cmocka_unit_test (test_drift),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
