/* SPDX-License-Identifier: MPL-2.0
 *
 * A story of all that a store does, told to a ledger while something fails: its disk, its
 * memory, its power. The teller goes on after each failure as the scheduler and its clients
 * do: it starts the store again and asks again, with the same request ids. What was
 * acknowledged must still be there; what was not is said once more.
 *
 *   faults_new (&self, ledger, disk_vfs (disk));
 *   disk_fail (disk, DISK_WRITE, 7, false);
 *   while ((rc = faults_tell (&self, &error)) != BF_OK) {
 *       assert_int_equal (rc, BF_EIO);
 *   }
 *   faults_check (&self);
 */
#ifndef BF_TESTS_FAULTS_H
#define BF_TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/simulation/disk.h"
#include "tests/support/ledger.h"

#define FAULTS_TOLD_MAX 32

typedef struct {
    ledger *ledger;
    size_t at;                               /* the next step */
    const Belfry__Internal__StoreItem *last; /* of the last batch; NULL: a slice */
    /* Acknowledged calls, and what they were told. */
    struct {
        const char *text;
        Belfry__V1__Reply *reply;
    } told[FAULTS_TOLD_MAX];
    size_t n_told;
    /* May be NULL: told when the teller begins and ends to do what it does for itself, and
     * nothing must fail. */
    void (*aside) (void *context, bool begins);
    void *context;
} faults;

/* A story from its beginning, on a VFS without a database. The fixture's ledger is closed,
 * and remembers nothing. */
void faults_new (faults *self, ledger *store, const char *vfs);

/* Goes on until the end (BF_OK) or an error. BF_EDISKFULL: the batch is rolled back, the
 * store is open. Anything else: it is closed, and opened by the next call, which also asks
 * for everything again that was acknowledged. */
bf_err faults_tell (faults *self, bf_error *error);
/* Only opens what is closed, and asks again. */
bf_err faults_open (faults *self, bf_error *error);
bool faults_is_over (const faults *self);
/* The same as far as the end of the step that failed. */
bf_err faults_try_again (faults *self, bf_error *error);

/* What the store does with a batch that found no room: the same again. */
bf_err faults_give_again (faults *self, bf_error *error);
/* A worker holds the run that nobody else has a word about: its token, or NULL so far. */
const char *faults_spare (const faults *self);

/* A call, in a batch of its own. *reply: NULL where nobody answers yet. */
bf_err faults_call (faults *self, const char *text, Belfry__V1__Reply **reply,
                    bf_error *error);

/* The story on a disk of its own, of which the nth operation of this kind fails; false
 * where there were fewer. Fails the test where the store does not survive it. Every other
 * time (by nth) the power goes with the failure. */
bool faults_survive (ledger *store, disk_operation kind, uint64_t nth, bool for_ever);

/* Of a store that is open and does not fail any more: the rows, the log and its fold. */
void faults_check (faults *self);
/* Of the files, read by another connection: PRAGMA integrity_check, all its rows. */
void faults_check_file (const faults *self, const disk *platter);

#endif
