/* SPDX-License-Identifier: MPL-2.0
 *
 * The file: lock, judge, open, create or migrate, checkpoint, serve. Everything that may
 * refuse comes before anything that writes, and a connection is told at its birth not to
 * checkpoint when it is closed, so every way out of a failed open leaves the files alone.
 * Only persist/ledger and the offline verbs come here; one thread.
 */
#include "persist/database.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/failpoint.h"
#include "persist/directory.h"
#include "persist/header.h"
#include "persist/lockfile.h"
#include "persist/migrate.h"
#include "persist/reserve.h"
#include "persist/schema.h"
#include "persist/setup.h"

#define DATABASE_NAME "belfry.db"
#define RESERVE_NAME "belfry.reserve"

struct bf_database {
    char *directory;    /* absolute, without links; as given where has_files is false */
    char *path;         /* belfry.db in it */
    char *wal_path;     /* and its log */
    char *reserve_path; /* and the reserve */
    const char *vfs;    /* borrowed from SQLite, which never frees it */
    sqlite3 *handle;    /* the only connection */
    int lock_fd;        /* belfry.lock, held for life; BF_NO_LOCKFILE without has_files */
    int wal_pages;      /* not yet moved by a checkpoint */
    bool has_files;     /* the VFS is the system's own: our files are real ones */
    bool had_wal;       /* a log was there before SQLite came */
    bool is_new;        /* this open made the tables */
    bool has_reserve;
};

static void
self_free (bf_database **self_p)
{
    bf_database *self = *self_p;
    bf_lockfile_release (&self->lock_fd);
    free (self->directory);
    free (self->path);
    free (self->wal_path);
    free (self->reserve_path);
    free (self);
    *self_p = NULL;
}

static void
close_handle (bf_database *self)
{
    int rc = sqlite3_close (self->handle);
    /* BUSY: somebody kept a statement. */
    BF_INVARIANT (rc == SQLITE_OK);
    self->handle = NULL;
}

/* A refused open. The empty log that SQLite made goes again; one that was there stays. */
static void
refuse (bf_database **self_p)
{
    bf_database *self = *self_p;
    close_handle (self);
    struct stat facts;
    if (self->has_files && self->wal_path != NULL && !self->had_wal &&
        stat (self->wal_path, &facts) == 0 && facts.st_size == 0) {
        unlink (self->wal_path);
    }
    self_free (self_p);
}

static bf_err
self_new (bf_database **self_p, const char *directory, const char *vfs, bf_error *error)
{
    int rc = sqlite3_initialize ();
    if (rc != SQLITE_OK) {
        return bf_fail (error, rc == SQLITE_NOMEM ? BF_ENOMEM : BF_EINTERNAL,
                        "SQLite cannot start: %s", sqlite3_errstr (rc));
    }
    sqlite3_vfs *found = sqlite3_vfs_find (vfs);
    if (found == NULL) {
        return bf_fail (error, BF_EINTERNAL, "SQLite has no VFS called %s",
                        vfs != NULL ? vfs : "(default)");
    }
    bf_database *self = calloc (1, sizeof *self);
    if (self == NULL) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    self->lock_fd = BF_NO_LOCKFILE;
    self->vfs = found->zName;
    self->has_files = found == sqlite3_vfs_find (NULL);
    bf_err err = BF_OK;
    if (self->has_files) {
        err = bf_directory_make (directory, &self->directory, error);
    } else {
        self->directory = strdup (directory);
    }
    if (err == BF_OK && self->directory != NULL) {
        self->path = bf_directory_path (self->directory, DATABASE_NAME, "");
        self->wal_path = bf_directory_path (self->directory, DATABASE_NAME, "-wal");
        self->reserve_path = bf_directory_path (self->directory, RESERVE_NAME, "");
    }
    if (err == BF_OK &&
        (self->path == NULL || self->wal_path == NULL || self->reserve_path == NULL)) {
        err = bf_fail (error, BF_ENOMEM, "out of memory");
    }
    if (err != BF_OK) {
        self_free (&self);
        return err;
    }
    *self_p = self;
    return BF_OK;
}

/* A restore that was cut off between the old database and the new one must not become an
 * empty one. */
static bf_err
check_restore (const bf_database *self, bf_error *error)
{
    struct stat facts;
    char *fresh = bf_directory_path (self->directory, DATABASE_NAME, ".restore");
    if (fresh == NULL) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    bool cut_off = stat (self->path, &facts) != 0 && stat (fresh, &facts) == 0;
    free (fresh);
    return cut_off ? bf_fail (error, BF_ECORRUPT,
                              "%s: a restore was cut off before its end: restore again",
                              self->directory)
                   : BF_OK;
}

/* Lock and header: all that can be known before SQLite touches anything. */
static bf_err
prepare_files (bf_database *self, const bf_schema *schema, bf_error *error)
{
    bf_err err = bf_lockfile_take (&self->lock_fd, self->directory, error);
    if (err == BF_OK) {
        err = check_restore (self, error);
    }
    if (err == BF_OK) {
        err = bf_header_check (self->path, schema->version, error);
    }
    if (err == BF_OK) {
        /* Made here, because SQLite would make it readable for others; -wal and -journal
         * take over its mode. */
        err = bf_directory_touch (self->path, error);
    }
    struct stat facts;
    self->had_wal = stat (self->wal_path, &facts) == 0;
    return err;
}

static bf_err
open_handle (bf_database *self, bf_error *error)
{
    int rc =
        sqlite3_open_v2 (self->path, &self->handle,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                             SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                         self->vfs);
    if (rc != SQLITE_OK) {
        return bf_database_error (self, rc, error);
    }
    if (sqlite3_db_readonly (self->handle, "main") == 1) {
        /* Asked for both, SQLite is content with reading. */
        return bf_fail (error, BF_EIO,
                        "%s: cannot be written; give this user the right to it, or choose "
                        "another data directory",
                        self->path);
    }
    return bf_setup_connection (self, error);
}

static bf_err
query_int (bf_database *self, const char *sql, int *value, bf_error *error)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2 (self->handle, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step (stmt);
    }
    bf_err err = BF_OK;
    if (rc == SQLITE_ROW) {
        *value = sqlite3_column_int (stmt, 0);
    } else {
        err = bf_database_error (self, rc, error);
    }
    sqlite3_finalize (stmt);
    return err;
}

/* What the header check saw may be older than what the log holds, and a VFS of another kind
 * had no header check; this is the last word. Reads the first page and the schema, so that
 * damage there is found now. *version: 0 for a file without content. */
static bf_err
judge (bf_database *self, const bf_schema *schema, int *version, bf_error *error)
{
    int pages = 0;
    int application_id = 0;
    int user_version = 0;
    int tables = 0;
    bf_err err = query_int (self, "PRAGMA page_count", &pages, error);
    if (err == BF_OK) {
        err = query_int (self, "PRAGMA application_id", &application_id, error);
    }
    if (err == BF_OK) {
        err = query_int (self, "PRAGMA user_version", &user_version, error);
    }
    if (err == BF_OK) {
        err = query_int (self, "SELECT count(*) FROM sqlite_schema", &tables, error);
    }
    if (err != BF_OK) {
        return err;
    }
    if (pages == 0) {
        *version = 0;
        return BF_OK;
    }
    if (application_id != BF_APPLICATION_ID) {
        return bf_fail (error, BF_EFOREIGN,
                        "%s: belongs to another program; choose another data directory",
                        self->path);
    }
    if (user_version > schema->version) {
        return bf_fail (error, BF_ENEWER,
                        "%s: was written by a newer version (schema %d, this program knows "
                        "%d); it was left as it is: install the newer version",
                        self->path, user_version, schema->version);
    }
    if (user_version < 1 || tables == 0) {
        return bf_fail (error, BF_ECORRUPT, "%s: has lost its tables; restore a backup",
                        self->path);
    }
    *version = user_version;
    return BF_OK;
}

/* A new file: application_id, tables and version in one commit, still on a rollback
 * journal, so that there is no moment at which the file is neither empty nor known as ours.
 */
static bf_err
create (bf_database *self, const bf_schema *schema, bf_error *error)
{
    bf_err err = BF_OK;
    if (self->has_files) {
        err = bf_reserve_make (self->reserve_path, BF_RESERVE_BYTES, error);
    }
    if (err == BF_OK) {
        err = bf_migrate (self, schema, 0, NULL, error);
    }
    if (err == BF_OK) {
        err = bf_setup_wal (self, error);
    }
    if (err == BF_OK && self->has_files) {
        err = bf_directory_sync (self->directory, error);
    }
    if (err == BF_OK) {
        self->is_new = true;
        self->has_reserve = true;
    } else if (self->has_files) {
        bf_reserve_remove (self->reserve_path);
    }
    return err;
}

static bf_err
adopt (bf_database *self, const bf_schema *schema, int version, bf_error *error)
{
    bf_err err = bf_setup_wal (self, error);
    if (err == BF_OK && version < schema->version) {
        const char *directory = self->has_files ? self->directory : NULL;
        err = bf_migrate (self, schema, version, directory, error);
    }
    return err;
}

static int
on_commit (void *argument, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    bf_database *self = argument;
    self->wal_pages = pages;
    return SQLITE_OK;
}

static bf_err
truncate_wal (bf_database *self, bf_error *error)
{
    bf_err err = BF_FAILPOINT (before_settle, error);
    if (err != BF_OK) {
        return err;
    }
    int rc = sqlite3_wal_checkpoint_v2 (self->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                        NULL, NULL);
    if (rc != SQLITE_OK) {
        return bf_database_error (self, rc, error);
    }
    self->wal_pages = 0;
    return BF_FAILPOINT (after_settle, error);
}

/* Whatever recovery took from the log, perhaps only from the page cache, is synced into the
 * file before anything is built on it. On a full disk that is worth the reserve. */
static bf_err
settle (bf_database *self, bf_error *error)
{
    bf_err err = truncate_wal (self, error);
    if (err == BF_EDISKFULL && self->has_files && !self->is_new) {
        bf_reserve_remove (self->reserve_path);
        err = truncate_wal (self, error);
    }
    if (err == BF_OK && !self->is_new) {
        (void)bf_database_rebuild_reserve (self);
    }
    return err;
}

static bf_err
open_connection (bf_database *self, const bf_schema *schema, bf_error *error)
{
    int version = 0;
    bf_err err = open_handle (self, error);
    if (err == BF_OK) {
        err = judge (self, schema, &version, error);
    }
    if (err == BF_OK) {
        err = bf_setup_storage (self, error);
    }
    if (err == BF_OK) {
        err = version == 0 ? create (self, schema, error)
                           : adopt (self, schema, version, error);
    }
    if (err == BF_OK) {
        err = bf_setup_finish (self, error);
    }
    if (err == BF_OK) {
        /* Setting wal_autocheckpoint removed whatever hook there was. */
        sqlite3_wal_hook (self->handle, on_commit, self);
        err = settle (self, error);
    }
    return err;
}

bf_err
bf_database_open_schema (bf_database **self_p, const char *directory, const char *vfs,
                         const bf_schema *schema, bf_error *error)
{
    bf_database *self = NULL;
    bf_err err = self_new (&self, directory, vfs, error);
    if (self == NULL) {
        return err;
    }
    if (self->has_files) {
        err = prepare_files (self, schema, error);
    }
    if (err == BF_OK) {
        err = open_connection (self, schema, error);
    }
    if (err != BF_OK) {
        refuse (&self);
        return err;
    }
    *self_p = self;
    return BF_OK;
}

void
bf_database_own_process (void)
{
    /* Refused once SQLite is in use: then it keeps them, that is all. */
    (void)sqlite3_config (SQLITE_CONFIG_MEMSTATUS, 0);
}

bf_err
bf_database_open (bf_database **self_p, const char *directory, const char *vfs,
                  bf_error *error)
{
    const bf_schema schema = {.steps = bf_schema_steps, .version = bf_schema_version};
    return bf_database_open_schema (self_p, directory, vfs, &schema, error);
}

void
bf_database_close (bf_database **self_p)
{
    if (*self_p == NULL) {
        return;
    }
    bf_database *self = *self_p;
    /* SQLite checkpoints at the close and deletes the log only where that worked. */
    int rc = sqlite3_db_config (self->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    BF_INVARIANT (rc == SQLITE_OK);
    close_handle (self);
    self_free (self_p);
}

void
bf_database_abandon (bf_database **self_p)
{
    if (*self_p != NULL) {
        close_handle (*self_p);
        self_free (self_p);
    }
}

sqlite3 *
bf_database_handle (bf_database *self)
{
    return self->handle;
}

const char *
bf_database_directory (const bf_database *self)
{
    return self->has_files ? self->directory : NULL;
}

bool
bf_database_is_new (const bf_database *self)
{
    return self->is_new;
}

/* Why the disk said no. sqlite3_system_errno knows it of a statement, but not of a COMMIT,
 * so the files are asked: the log, which is written at every commit, then the database. */
static int
last_errno (bf_database *self)
{
    int number = 0;
    sqlite3_file *log = NULL;
    if (self->handle == NULL) {
        return 0;
    }
    (void)sqlite3_file_control (self->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (log != NULL && log->pMethods != NULL) {
        (void)log->pMethods->xFileControl (log, SQLITE_FCNTL_LAST_ERRNO, &number);
    }
    if (number == 0) {
        (void)sqlite3_file_control (self->handle, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
    }
    return number != 0 ? number : sqlite3_system_errno (self->handle);
}

/* A used-up quota is a full disk, too, but SQLite knows only ENOSPC. Only of a failed
 * write: when a sync fails, what became of the data is unknown, whatever the errno. */
static bf_err
fail_disk (bf_database *self, int sqlite_rc, bf_error *error)
{
    int number = last_errno (self);
    if (number == 0) {
        return bf_fail (error, BF_EIO, "%s: %s (SQLite error %d)", self->path,
                        sqlite3_errmsg (self->handle), sqlite_rc);
    }
    bf_error cause = {0};
    (void)bf_fail_errno (&cause, self->path, "be read or written", number);
    if (sqlite_rc == SQLITE_IOERR_WRITE && number == EDQUOT) {
        return bf_fail (error, BF_EDISKFULL, "%s", cause.text);
    }
    return bf_fail (error, BF_EIO, "%s (SQLite error %d)", cause.text, sqlite_rc);
}

bf_err
bf_database_error (bf_database *self, int sqlite_rc, bf_error *error)
{
    if (sqlite_rc == SQLITE_IOERR_NOMEM) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    switch (sqlite_rc & 0xff) {
    case SQLITE_FULL:
        return bf_fail (error, BF_EDISKFULL, "%s: the disk is full; free some space there",
                        self->path);
    case SQLITE_NOMEM:
        return bf_fail (error, BF_ENOMEM, "out of memory");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return bf_fail (error, BF_ECORRUPT,
                        "%s: damaged: %s; restore a backup, and keep the damaged files "
                        "until it is clear what is lost",
                        self->path, sqlite3_errmsg (self->handle));
    case SQLITE_BUSY:
        return bf_fail (error, BF_ELOCKED, "%s: another program has it open; close that",
                        self->path);
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_LOCKED:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
        return bf_fail (error, BF_EINTERNAL, "%s: %s (SQLite error %d)", self->path,
                        sqlite3_errmsg (self->handle), sqlite_rc);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return fail_disk (self, sqlite_rc, error);
    default:
        return bf_fail (error, BF_EIO, "%s: %s (SQLite error %d)", self->path,
                        sqlite3_errmsg (self->handle), sqlite_rc);
    }
}

void
bf_database_release_reserve (bf_database *self)
{
    if (self->has_files) {
        bf_reserve_remove (self->reserve_path);
    }
    self->has_reserve = false;
}

bf_err
bf_database_rebuild_reserve (bf_database *self)
{
    bf_err err = BF_OK;
    if (self->has_files) {
        err = bf_reserve_make (self->reserve_path, BF_RESERVE_BYTES, NULL);
    }
    self->has_reserve = err == BF_OK;
    return err;
}

bool
bf_database_has_reserve (const bf_database *self)
{
    return self->has_reserve;
}

int
bf_database_wal_pages (const bf_database *self)
{
    return self->wal_pages;
}

/* The size of a file that SQLite has open. */
static uint64_t
file_bytes (bf_database *self, int which)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    int rc = sqlite3_file_control (self->handle, "main", which, &file);
    if (rc == SQLITE_OK && file && file->pMethods) {
        rc = file->pMethods->xFileSize (file, &size);
    }
    return rc == SQLITE_OK ? (uint64_t)size : 0;
}

uint64_t
bf_database_bytes (bf_database *self)
{
    return file_bytes (self, SQLITE_FCNTL_FILE_POINTER);
}

uint64_t
bf_database_wal_bytes (bf_database *self)
{
    return file_bytes (self, SQLITE_FCNTL_JOURNAL_POINTER);
}

bf_err
bf_database_checkpoint (bf_database *self, bf_error *error)
{
    int pages = 0;
    int moved = 0;
    bf_err err = BF_FAILPOINT (before_checkpoint, error);
    if (err != BF_OK) {
        return err;
    }
    int rc = sqlite3_wal_checkpoint_v2 (self->handle, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                        &pages, &moved);
    if (rc != SQLITE_OK) {
        return bf_database_error (self, rc, error);
    }
    self->wal_pages = pages - moved;
    return BF_FAILPOINT (after_checkpoint, error);
}
