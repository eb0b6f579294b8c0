/* SPDX-License-Identifier: MPL-2.0
 *
 * The nth write of a store's life fails, once or for ever, in part or not at all: see
 * test_faults_io.c.
 */
#include "tests/support/cmocka.h"
#include "tests/support/faults.h"

/* A store stops at the first write that fails, so that it rarely meets another: one in so
 * many is enough. */
#define FOR_EVER_STRIDE 5

static void
tell_all (ledger *store, bool for_ever)
{
    uint64_t nth = 1;
    while (faults_survive (store, DISK_WRITE, nth, for_ever)) {
        nth += for_ever ? FOR_EVER_STRIDE : 1;
    }
    /* Otherwise this file tests nothing. */
    assert_true (nth > 300);
}

static void
test_once (void **state)
{
    tell_all (*state, false);
}

static void
test_for_ever (void **state)
{
    tell_all (*state, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_once),
        TEST (test_for_ever),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
