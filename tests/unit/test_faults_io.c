/* SPDX-License-Identifier: MPL-2.0
 *
 * The nth read, sync, truncate, open and delete of a store's life fails, once or for
 * ever, for every n: whoever was told that something is done finds it done, whoever was not
 * is told so, and a start without the fault finds a sound file. test_faults_write.c is
 * about writes.
 */
#include "tests/support/cmocka.h"
#include "tests/support/faults.h"

static void
tell_all (ledger *store, disk_operation kind, uint64_t least)
{
    for (int for_ever = 0; for_ever <= 1; for_ever++) {
        uint64_t nth = 1;
        while (faults_survive (store, kind, nth, for_ever)) {
            nth++;
        }
        /* Otherwise this file tests nothing. */
        assert_true (nth > least);
    }
}

static void
test_reads (void **state)
{
    tell_all (*state, DISK_READ, 20);
}

static void
test_syncs (void **state)
{
    tell_all (*state, DISK_SYNC, 20);
}

static void
test_truncates (void **state)
{
    tell_all (*state, DISK_TRUNCATE, 1);
}

static void
test_opens (void **state)
{
    tell_all (*state, DISK_OPEN, 2);
}

static void
test_deletes (void **state)
{
    tell_all (*state, DISK_DELETE, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_reads), TEST (test_syncs),   TEST (test_truncates),
        TEST (test_opens), TEST (test_deletes),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
