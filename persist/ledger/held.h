/* SPDX-License-Identifier: MPL-2.0
 *
 * What a full disk puts off: claims that nothing may be leased to, overdue leases and steps
 * of the clock that cannot be written. Answered at once, those who proposed them would
 * propose them again at once, for as long as the disk is full.
 */
#ifndef BF_LEDGER_HELD_H
#define BF_LEDGER_HELD_H

#include "persist/ledger/private.h"

/* The claim hears that nothing held for it when there is room again, and once a second
 * until then, so that one whose time is up gets its empty answer. */
bf_err bf_held_claim (bf_ledger *self, uint64_t call, bf_error *error);

/* Not even the reserve was enough: what is only proposed is not judged for a while. True:
 * it is dropped, and remembered where nobody would propose it again. */
bool bf_held_drops (bf_ledger *self, const Belfry__Internal__StoreItem *item);

/* At a batch's begin: tells what was put off. Once its commit is through, forgets that. */
bf_err bf_held_tell (bf_ledger *self, bf_error *error);
void bf_held_told (bf_ledger *self);

/* The batch is rolled back: what it put off comes again with it. */
void bf_held_undo (bf_ledger *self);

void bf_held_free (bf_ledger *self);

#endif
