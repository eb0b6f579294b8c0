/* SPDX-License-Identifier: MPL-2.0
 *
 * A story on a disk of which one operation fails.
 */
#include "tests/support/cmocka.h"
#include "tests/support/faults.h"

/* More failures than this in one telling, and it is the teller who is broken. */
#define FAILURES_MAX 8

/* Most tellings end when the store has recovered and what failed is done; some go on. */
#define GOES_ON 16

/* The fault, which rests while the teller reads for itself. */
typedef struct {
    disk *platter;
    disk_operation kind;
    uint64_t left; /* operations until it comes; 0: it is over */
    uint64_t from; /* counted before it was ordered last */
    bool for_ever;
    bool has_come;
} fault;

static void
order (fault *self)
{
    self->from = disk_count (self->platter, self->kind);
    if (self->left > 0) {
        disk_fail (self->platter, self->kind, self->left, self->for_ever);
    }
}

static void
rest (fault *self)
{
    uint64_t passed = disk_count (self->platter, self->kind) - self->from;
    if (self->left > 0 && disk_has_failed (self->platter)) {
        self->has_come = true;
        self->left = self->for_ever ? 1 : 0;
    } else if (self->left > 0) {
        self->left -= passed;
    }
    disk_fail_none (self->platter);
}

static void
on_aside (void *context, bool begins)
{
    fault *self = context;
    if (begins) {
        rest (self);
    } else {
        order (self);
    }
}

/* Every other time the power goes, too: what was said to have failed may be on the disk or
 * not. */
static void
lose_power (ledger *store, disk *platter)
{
    disk_stop (platter);
    bf_ledger_close (&store->ledger);
    disk_restart (platter, DISK_POWER_LOST);
}

bool
faults_survive (ledger *store, disk_operation kind, uint64_t nth, bool for_ever)
{
    disk *platter = disk_new (nth, nth & 2);
    fault broken = {.platter = platter, .kind = kind, .left = nth, .for_ever = for_ever};
    faults self;
    faults_new (&self, store, disk_vfs (platter));
    self.aside = on_aside;
    self.context = &broken;
    order (&broken);
    bf_error error = {0};
    int failures = 0;
    bf_err rc = faults_tell (&self, &error);
    while (rc != BF_OK) {
        assert_int_equal (rc, BF_EIO);
        rest (&broken);
        assert_true (broken.has_come);
        assert_in_range (++failures, 1, FAILURES_MAX);
        if (nth & 1) {
            lose_power (store, platter);
        }
        broken.left = failures > 1 ? 0 : broken.left;
        order (&broken);
        rc = nth % GOES_ON == 0 ? faults_tell (&self, &error)
                                : faults_try_again (&self, &error);
    }
    rest (&broken);
    broken.left = 0;
    faults_check (&self);
    faults_check_file (&self, platter);
    bf_ledger_close (&store->ledger);
    disk_destroy (&platter);
    return broken.has_come;
}
