/* SPDX-License-Identifier: MPL-2.0
 *
 * The command Backup: one at a time, under way between batches (tend.h), answered after a
 * second with how far it is, and at the end with where it is. A restart forgets it, and a
 * full disk ends it, unless it is whole by then.
 */
#ifndef BF_LEDGER_BACKUP_H
#define BF_LEDGER_BACKUP_H

#include "persist/ledger/answers.h"
#include "persist/ledger/private.h"

/* Begins a backup, or, where this request began the one that is under way, waits for it,
 * too. The answer comes later, but for a refusal. */
bf_err bf_backup_command_judge (bf_ledger *self, bf_caller caller,
                                const Belfry__V1__Request *request, uint64_t fingerprint,
                                bf_error *error);

/* The disk is full: what is there of the copy makes room at once. Those who wait hear of it
 * from the chore. Between batches. */
void bf_backup_command_yield (bf_ledger *self);

/* The batch is in, or undone. */
void bf_backup_command_keep (bf_ledger *self);
void bf_backup_command_undo (bf_ledger *self);

/* Forgets the backup that is under way, and its file; before the database is closed. */
void bf_backup_command_free (bf_ledger *self);

#endif
