/* SPDX-License-Identifier: MPL-2.0
 *
 * A copy of the database while it is used, some pages at a time, made by the connection
 * that owns it: what it writes meanwhile SQLite writes into the copy, too. The copy grows
 * as DIRECTORY/backups/.NAME.partial and gets its name when it is whole, is one file
 * without a log, and has reached the disk. Used by persist/ledger/backup.c; one thread.
 */
#ifndef BF_PERSIST_BACKUP_H
#define BF_PERSIST_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "persist/database.h"

typedef struct bf_backup bf_backup;

typedef struct {
    uint64_t pages_done;
    uint64_t pages;
    uint64_t bytes; /* of all pages */
    /* What the copy holds; 0 until it is done. */
    uint64_t head_seq;
    uint64_t stream_epoch;
} bf_backup_state;

/* Makes DIRECTORY/backups (0700) where it is missing, clears what an interrupted backup has
 * left there, and begins. name: [A-Za-z0-9_.-]{1,64}, not beginning with a dot. BF_ESTATE:
 * there is a file of this name, or the database is not one of files. BF_EDISKFULL: there is
 * no room for it. BF_EIO. The source must outlive it, and not be closed before. */
bf_err bf_backup_begin (bf_backup **self_p, bf_database *source, const char *name,
                        bf_error *error);

/* Copies up to `pages` more, outside of any transaction of the source. *done: the copy is
 * there under its name. After an error only bf_backup_abandon and bf_backup_destroy make
 * sense: BF_EDISKFULL, BF_ECORRUPT (of the source), BF_EIO, BF_ENOMEM. */
bf_err bf_backup_step (bf_backup *self, int pages, bool *done, bf_error *error);

bf_backup_state bf_backup_state_of (const bf_backup *self);

/* Where the copy is, or will be. Borrowed. */
const char *bf_backup_path (const bf_backup *self);

/* Removes what is not done, at once; the path and how far it was stay known. */
void bf_backup_abandon (bf_backup *self);

/* Likewise, and forgets it. Accepts NULL. */
void bf_backup_destroy (bf_backup **self_p);

#endif
