/* SPDX-License-Identifier: MPL-2.0
 *
 * A ledger on a database in which a packed value is another than any that was ever stored,
 * and yet can be unpacked: found to be damage before anything believes it.
 */
#include "persist/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/damage.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"
#include "tests/support/temp.h"

/* Packed by hand: fields are tag, (length,) value. */
#define HEADER "08011201631a0172" /* version=1 client=c request_id=r */

static const struct {
    const char *sql;
    const char *sentence;
} damages[] = {
    /* after_us=5, and a lease of 5 us. */
    {"UPDATE job SET spec = x'5805a80105' WHERE id = 1792", "the definition of job 1792"},
    /* No bytes at all: no trigger either. */
    {"UPDATE job SET spec = x'' WHERE id = 1792", "the definition of job 1792"},
    /* cancel.job.id=256: for one job. */
    {"UPDATE operation SET command = x'" HEADER "72050a03088002'", "operation 1"},
    /* cancel.filter.all=1 without client and request_id. */
    {"UPDATE operation SET command = x'08017205f201023001'", "operation 1"},
    /* status: changes nothing. */
    {"UPDATE operation SET command = x'" HEADER "920200'", "operation 1"},
    {"UPDATE operation SET command = x'ff'", "operation 1"},
    {"UPDATE operation SET progress = x'ff'", "operation 1"},
    /* Numbers that no table has. */
    {"UPDATE job SET ns = 99 WHERE id = 1792", "job 1792 is of namespace 99"},
    {"UPDATE job SET type = 0 WHERE id = 1792", "job 1792 has type 0"},
    {"UPDATE job SET queue = 99 WHERE id = 1792", "job 1792 has type 3 and queue 99"},
};

/* Opens the ledger, recovers, reads the job, and does what it has to do by itself. */
static bf_err
use (ledger *self, bf_error *error)
{
    bf_database *file = NULL;
    assert_int_equal (bf_database_open (&file, self->directory, self->vfs, error), BF_OK);
    bf_ledger_options options = {
        .stream_epoch = LEDGER_EPOCH, .boot_id = self->boot_id, .seed = 7};
    bf_err rc = bf_ledger_open (&self->ledger, &file, &options, self->now, error);
    if (rc == BF_OK) {
        rc = bf_ledger_begin (self->ledger, self->now, error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_recover (self->ledger, error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_apply (self->ledger, ledger_call_item (self, "get.job.id=1792"),
                              error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_commit (self->ledger, error);
    }
    for (int slices = 0; rc == BF_OK && slices < 4; slices++) {
        rc = bf_ledger_begin (self->ledger, self->now, error);
        rc = rc == BF_OK ? bf_ledger_tend (self->ledger, error) : rc;
        rc = rc == BF_OK ? bf_ledger_commit (self->ledger, error) : rc;
    }
    bf_ledger_close (&self->ledger);
    return rc;
}

static void
test_damages (void **state)
{
    ledger *self = *state;
    char *good = temp_path (self->directory, "good.db");
    char *database = temp_path (self->directory, "belfry.db");
    bf_error error = {0};
    damage_copy_file (good, database);
    assert_int_equal (use (self, &error), BF_OK);
    /* An event without a byte has no time either: it is as old as can be. */
    damage_copy_file (good, database);
    damage_make (database, "UPDATE event SET body = x'' WHERE seq = 1");
    assert_int_equal (use (self, &error), BF_OK);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        damage_copy_file (good, database);
        damage_make (database, damages[i].sql);
        bf_err rc = use (self, &error);
        if (rc != BF_ECORRUPT || strstr (error.text, damages[i].sentence) == NULL) {
            fail_msg ("%s: %s: %s", damages[i].sql, bf_err_name (rc), error.text);
        }
    }
    free (good);
    free (database);
}

#define SOUND                                                                              \
    "retry.max_attempts=5 retry.backoff=1 retry.delay_us=1000 retry.factor_permille=1000 " \
    "retry.max_delay_us=1000 delivery=1 lease_us=100000 late=1 grace_us=1000 "             \
    "catchup_max=1 overlap=1"

/* What each does to a definition that is whole. */
static const char *const flaws[] = {
    "retry.max_attempts=0",
    "retry.max_attempts=1001",
    "retry.backoff=0",
    "retry.backoff=5",
    "retry.backoff=4",
    "retry.delays_us=1000",
    "retry.delay_us=999",
    "retry.factor_permille=999",
    "retry.max_delay_us=999",
    "retry.jitter_percent=51",
    "retry.max_age_us=-1",
    "retry.backoff=4 retry.delays_us=5",
    "after_us=-1",
    "at_us=-1",
    "at_us=13569465600000001",
    "every",
    "every.interval_us=9999",
    "every.interval_us=10000 every.anchor_us=-1",
    "start_us=-1",
    "end_us=-1",
    "jitter_us=-1",
    "delivery=0",
    "delivery=3",
    "lease_us=0",
    "run_timeout_us=-1",
    "start_timeout_us=-1",
    "late=0",
    "late=5",
    "grace_us=0",
    "catchup_max=0",
    "catchup_max=1001",
    "overlap=0",
    "overlap=7",
};

static const char *const sound[] = {
    "",
    "retry.backoff=4 retry.delays_us=1000 retry.delays_us=2000",
    "at_us=13569465600000000",
    "every.interval_us=10000 jitter_us=9 start_us=1 end_us=9",
};

static bool
is_whole (ledger *self, const char *more)
{
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    request_fill (&spec.base, self->arena, SOUND);
    request_fill (&spec.base, self->arena, more);
    if (spec.trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER__NOT_SET) {
        request_fill (&spec.base, self->arena, "after_us=5");
    }
    return bf_spec_is_whole (&spec);
}

static void
test_definitions (void **state)
{
    ledger *self = *state;
    Belfry__V1__JobSpec nothing = BELFRY__V1__JOB_SPEC__INIT;
    assert_false (bf_spec_is_whole (&nothing));
    for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++) {
        if (!is_whole (self, sound[i])) {
            fail_msg ("'%s' is refused", sound[i]);
        }
    }
    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++) {
        if (is_whole (self, flaws[i])) {
            fail_msg ("'%s' is believed", flaws[i]);
        }
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_damages, damage_setup, ledger_teardown),
        cmocka_unit_test_setup_teardown (test_definitions, ledger_setup, ledger_teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
