/* SPDX-License-Identifier: MPL-2.0
 *
 * The file: who may open it, how it is opened, and what is left of the disk. One
 * connection, which holds the only lock (locking_mode=EXCLUSIVE), so that no second writer
 * or checkpointer can exist; docs/design.md, "The file", says why.
 */
#ifndef BF_PERSIST_DATABASE_H
#define BF_PERSIST_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "core/base/errors.h"

/* "Blfy": at offset 68 of the file. */
#define BF_APPLICATION_ID 0x426c6679

typedef struct bf_database bf_database;
typedef struct bf_schema bf_schema; /* persist/migrate.h */

/* For a process that is Belfry's own, before its first database: SQLite keeps no statistics
 * of its memory, which nobody reads and every allocation takes a mutex for. */
void bf_database_own_process (void);

/* Opens DIRECTORY/belfry.db, creating both where they are missing (0700, 0600). In this
 * order: flock on belfry.lock (BF_ELOCKED), the 100-byte header read and closed again
 * (BF_EFOREIGN, BF_ENEWER, BF_ECORRUPT), SQLite in WAL with synchronous=FULL, migrations in
 * one transaction behind a copy made with VACUUM INTO, checkpoint TRUNCATE, the reserve. A
 * refused file and its companions are left as they were. BF_EDISKFULL, BF_EIO: the disk;
 * the text names path and reason. A new database needs room for the reserve, an old one
 * opens without it. vfs may be NULL for the system's own; the files of another one are not
 * in the file system, so lock, header check, copy and reserve are left out: then there
 * always is a reserve until it is released. */
bf_err bf_database_open (bf_database **self_p, const char *directory, const char *vfs,
                         bf_error *error);

/* The same with another schema than persist/schema.h's, for tests. */
bf_err bf_database_open_schema (bf_database **self_p, const char *directory,
                                const char *vfs, const bf_schema *schema, bf_error *error);

/* Checkpoints (TRUNCATE), closes, unlocks. Accepts NULL and half-built. All statements must
 * be finalised. */
void bf_database_close (bf_database **self_p);

/* Closes without a checkpoint: after an I/O error the files are left for the next start's
 * recovery. Rolls back what is open. Otherwise as bf_database_close. */
void bf_database_abandon (bf_database **self_p);

/* Borrowed; do not close. */
sqlite3 *bf_database_handle (bf_database *self);

/* The data directory, absolute. Borrowed; NULL where the VFS has no files in the file
 * system. */
const char *bf_database_directory (const bf_database *self);

/* True where this open created the tables. */
bool bf_database_is_new (const bf_database *self);

/* What an SQLite result code means to us, with a sentence: BF_EDISKFULL, BF_ENOMEM,
 * BF_ECORRUPT; BF_ELOCKED for a lock that another program holds; BF_EINTERNAL where the
 * statement or its values are at fault (a broken constraint); else BF_EIO. Call it before
 * anything else is done with the handle. */
bf_err bf_database_error (bf_database *self, int sqlite_rc, bf_error *error);

/* The reserve: a file of BF_RESERVE_BYTES that is deleted when the disk is full, so that
 * completions and cancels still find room, and made again when there is room. */
#define BF_RESERVE_BYTES (16 * 1024 * 1024)
void bf_database_release_reserve (bf_database *self);
/* BF_EDISKFULL as long as there is no room for it. */
bf_err bf_database_rebuild_reserve (bf_database *self);
bool bf_database_has_reserve (const bf_database *self);

/* Pages in the WAL that no checkpoint has moved yet; above BF_WAL_SOFT_PAGES one pays. */
#define BF_WAL_SOFT_PAGES 4096 /* 16 MiB of 4 KiB pages */
int bf_database_wal_pages (const bf_database *self);

/* How large the file and its WAL are. 0 where the VFS does not say. */
uint64_t bf_database_bytes (bf_database *self);
uint64_t bf_database_wal_bytes (bf_database *self);

/* Moves the WAL into the file. BF_EINTERNAL inside a transaction, also that of a statement
 * in the middle of its rows. */
bf_err bf_database_checkpoint (bf_database *self, bf_error *error);

#endif
