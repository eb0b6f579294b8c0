/* SPDX-License-Identifier: MPL-2.0
 *
 * The disk is full at every point of a store's life at which its files grow: the batch is
 * undone, work is settled on the reserve, new work is refused, and with room again the
 * story goes on, without a restart, as if nothing had been.
 */
#include "tests/support/cmocka.h"
#include "tests/support/faults.h"

#define DISK_FULL BELFRY__V1__CODE__CODE_DISK_FULL
#define CODE_OK BELFRY__V1__CODE__CODE_OK

/* The files grow by a page, or by a page and its header in the log: half of one is written,
 * too. */
#define STEP_BYTES 2048

/* What the reserve is on a VFS where it is none of the store's files. */
#define RESERVE_BYTES (1024 * 1024)

static void
expect_code (faults *self, const char *text, Belfry__V1__Code code)
{
    bf_error error = {0};
    Belfry__V1__Reply *reply = NULL;
    assert_int_equal (faults_call (self, text, &reply, &error), BF_OK);
    assert_non_null (reply);
    assert_int_equal (reply->code, code);
}

/* As the store actor does, with a checkpoint first: a log that starts over may be all the
 * room that is needed. */
static void
live_on_the_reserve (faults *self, disk *platter)
{
    bf_ledger *store = self->ledger->ledger;
    bf_database *database = bf_ledger_database (store);
    bf_error error = {0};
    bf_ledger_set_scarce (store, true);
    faults_check (self);
    bf_database_release_reserve (database);
    disk_set_room (platter, disk_used (platter) + RESERVE_BYTES);
    assert_int_equal (bf_database_checkpoint (database, &error), BF_OK);
    assert_int_equal (faults_give_again (self, &error), BF_OK);
    if (faults_spare (self)) {
        expect_code (self,
                     ledger_text (self->ledger, "request_id=spare complete.token=%s",
                                  faults_spare (self)),
                     CODE_OK);
    }
    expect_code (self, "request_id=more schedule.jobs.type=x schedule.jobs.after_us=0",
                 DISK_FULL);
    disk_set_room (platter, UINT64_MAX);
    assert_int_equal (bf_database_rebuild_reserve (database), BF_OK);
    bf_ledger_set_scarce (store, false);
}

/* False where there was room enough. */
static bool
tell (ledger *store, uint64_t room)
{
    disk *platter = disk_new (room, true);
    faults self;
    faults_new (&self, store, disk_vfs (platter));
    disk_set_room (platter, room);
    bf_error error = {0};
    bf_err rc = faults_tell (&self, &error);
    bool was_full = rc != BF_OK;
    if (was_full) {
        assert_int_equal (rc, BF_EDISKFULL);
    }
    if (was_full && store->ledger) {
        live_on_the_reserve (&self, platter);
    }
    disk_set_room (platter, UINT64_MAX);
    if (was_full) {
        assert_int_equal (faults_tell (&self, &error), BF_OK);
    }
    faults_check (&self);
    faults_check_file (&self, platter);
    bf_ledger_close (&store->ledger);
    disk_destroy (&platter);
    return was_full;
}

static void
test_full (void **state)
{
    uint64_t room = 0;
    while (tell (*state, room)) {
        room += STEP_BYTES;
    }
    /* Otherwise this file tests nothing. */
    assert_true (room > (uint64_t)100 * STEP_BYTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_full),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
