/* SPDX-License-Identifier: MPL-2.0
 *
 * The power goes in the middle of the nth operation of a store's life, for every n, on
 * disks of both kinds in turn: each write since the last sync is kept, dropped, torn or
 * garbage. What was acknowledged is there, and the file is sound.
 */
#include "tests/support/cmocka.h"
#include "tests/support/faults.h"

/* So often the power goes once more, while the store recovers. */
#define TWICE 3

static void
expect_failure (faults *self, disk *platter, bf_err rc)
{
    assert_int_equal (rc, BF_EIO);
    assert_true (disk_is_stopped (platter));
    bf_ledger_close (&self->ledger->ledger);
    disk_restart (platter, DISK_POWER_LOST);
}

/* False where there were fewer operations. */
static bool
tell (ledger *store, uint64_t nth, bool powersafe)
{
    disk *platter = disk_new (nth, powersafe);
    faults self;
    faults_new (&self, store, disk_vfs (platter));
    disk_stop_after (platter, nth);
    bf_error error = {0};
    bf_err rc = faults_tell (&self, &error);
    bool has_come = rc != BF_OK;
    if (has_come) {
        expect_failure (&self, platter, rc);
        disk_stop_after (platter, nth % TWICE == 0 ? nth / TWICE % 20 + 1 : 0);
        rc = faults_try_again (&self, &error);
    }
    if (rc != BF_OK) {
        expect_failure (&self, platter, rc);
        assert_int_equal (faults_try_again (&self, &error), BF_OK);
    }
    disk_stop_after (platter, 0);
    faults_check (&self);
    faults_check_file (&self, platter);
    bf_ledger_close (&store->ledger);
    disk_destroy (&platter);
    return has_come;
}

static void
test_power_loss (void **state)
{
    uint64_t nth = 1;
    while (tell (*state, nth, nth & 1)) {
        nth++;
    }
    /* Otherwise this file tests nothing. */
    assert_true (nth > 300);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_power_loss),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
