/* SPDX-License-Identifier: MPL-2.0
 *
 * The command Backup: one at a time, under way between batches (tend.h), answered after a
 * second with how far it is, and at the end with where it is. A restart forgets it.
 */
#ifndef BF_LEDGER_COPY_H
#define BF_LEDGER_COPY_H

#include "persist/ledger/answers.h"
#include "persist/ledger/private.h"

/* Begins a backup, or, where this request began the one that is under way, waits for it,
 * too. The answer comes later, but for a refusal. */
bf_err bf_copy_call (bf_ledger *self, bf_caller caller, const Belfry__V1__Request *request,
                     uint64_t fingerprint, bf_error *error);

/* Forgets the backup that is under way, and its file; before the database is closed. */
void bf_copy_free (bf_ledger *self);

#endif
