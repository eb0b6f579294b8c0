/* SPDX-License-Identifier: MPL-2.0
 *
 * Putting a backup back.
 *
 *   lock -> check the file -> copy to belfry.db.restore -> new epoch, fsync
 *        -> belfry.db     to belfry.db.replaced-TIME       from here on belfryd refuses to
 *        -> belfry.db-wal to belfry.db.replaced-TIME-wal   start: no database, but a copy
 *        -> belfry.db.restore to belfry.db -> fsync of the directory
 *
 * Never is a log beside a database that it does not belong to: SQLite would take it for its
 * own.
 */
#include "persist/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/base/time.h"
#include "persist/directory.h"
#include "persist/lockfile.h"

#define DATABASE_NAME "belfry.db"
#define RESTORE_SUFFIX ".restore"
#define BLOCK_BYTES ((size_t)1024 * 1024)
#define ASIDE_BYTES 64

typedef struct {
    const char *file;
    const bf_restore_options *options;
    char *directory;
    char *path;  /* belfry.db */
    char *wal;   /* belfry.db-wal */
    char *fresh; /* belfry.db.restore */
    int lock_fd;
} restore;

static bool
is_there (const char *path)
{
    struct stat facts;
    return lstat (path, &facts) == 0;
}

static bf_err
open_directory (restore *self, const char *directory, bf_error *error)
{
    bf_err rc = bf_directory_make (directory, &self->directory, error);
    if (rc != BF_OK) {
        return rc;
    }
    self->path = bf_directory_path (self->directory, DATABASE_NAME, "");
    self->wal = bf_directory_path (self->directory, DATABASE_NAME, "-wal");
    self->fresh = bf_directory_path (self->directory, DATABASE_NAME, RESTORE_SUFFIX);
    if (!self->path || !self->wal || !self->fresh) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    rc = bf_lockfile_take (&self->lock_fd, self->directory, error);
    if (rc == BF_ELOCKED) {
        return bf_fail (error, rc, "%s: a daemon has this data directory: stop it first",
                        self->directory);
    }
    if (rc == BF_OK && !self->options->force &&
        (is_there (self->path) || is_there (self->wal))) {
        rc = bf_fail (error, BF_ESTATE,
                      "%s: holds a database already; with --force it is moved aside",
                      self->directory);
    }
    return rc;
}

/* Whether there is a log beside the file: then it alone is not all of the database. */
static bool
has_log (const char *file)
{
    size_t bytes = strlen (file) + sizeof "-wal";
    char *wal = malloc (bytes);
    struct stat facts;
    bool found = true;
    if (wal) {
        snprintf (wal, bytes, "%s-wal", file);
        found = stat (wal, &facts) == 0 && facts.st_size > 0;
    }
    free (wal);
    return found;
}

/* A plain file and no data directory, which might be the one that is restored to. */
static bf_err
check_file (const restore *self, bf_check_summary *backup, bf_error *error)
{
    struct stat facts;
    if (stat (self->file, &facts) == 0 && !S_ISREG (facts.st_mode)) {
        return bf_fail (error, BF_EINVALID, "%s: is not a file; name the backup itself",
                        self->file);
    }
    if (has_log (self->file)) {
        return bf_fail (error, BF_ESTATE,
                        "%s: is no backup, it has a log beside it (%s-wal): start and stop "
                        "belfryd on its directory, or make a backup there",
                        self->file, self->file);
    }
    bf_err rc = bf_check (self->file, &self->options->watch, backup, error);
    if (rc == BF_OK && backup->findings > 0) {
        rc = bf_fail (error, BF_ECORRUPT,
                      "%s: is damaged (%llu findings), nothing was restored: take another "
                      "backup",
                      self->file, (unsigned long long)backup->findings);
    }
    return rc;
}

static bf_err
copy_block (const restore *self, int from, int to, char *block, size_t *got,
            bf_error *error)
{
    ssize_t size;
    do {
        size = read (from, block, BLOCK_BYTES);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return bf_fail_errno (error, self->file, "be read", errno);
    }
    for (ssize_t done = 0; done < size;) {
        ssize_t written = write (to, block + done, (size_t)(size - done));
        if (written < 0 && errno != EINTR) {
            return bf_fail_errno (error, self->fresh, "be written", errno);
        }
        done += written > 0 ? written : 0;
    }
    *got = (size_t)size;
    return BF_OK;
}

static bf_err
copy_bytes (const restore *self, int from, int to, uint64_t total, bf_error *error)
{
    char *block = malloc (BLOCK_BYTES);
    if (!block) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    const bf_check_watch *watch = &self->options->watch;
    uint64_t done = 0;
    size_t got = 0;
    bf_err rc;
    do {
        rc = copy_block (self, from, to, block, &got, error);
        done += got;
        if (rc == BF_OK && watch->progress) {
            watch->progress ("copy", done, total > done ? total : done, watch->context);
        }
    } while (rc == BF_OK && got > 0);
    free (block);
    return rc;
}

static bf_err
copy_file (const restore *self, uint64_t bytes, bf_error *error)
{
    unlink (self->fresh);
    int from = open (self->file, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        return bf_fail_errno (error, self->file, "be opened", errno);
    }
    int to = open (self->fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bf_err rc = to >= 0 ? copy_bytes (self, from, to, bytes, error)
                        : bf_fail_errno (error, self->fresh, "be made", errno);
    if (rc == BF_OK && (fchmod (to, 0600) != 0 || fsync (to) != 0)) {
        rc = bf_fail_errno (error, self->fresh, "be synced", errno);
    }
    if (to >= 0) {
        close (to);
    }
    close (from);
    return rc;
}

/* Its history goes on under another epoch, and it is one file, without a log. */
static bf_err
write_epoch (const restore *self, bf_error *error)
{
    sqlite3 *db = NULL;
    char sql[128];
    snprintf (sql, sizeof sql, "UPDATE meta SET stream_epoch = %lld",
              (long long)self->options->stream_epoch);
    int rc = sqlite3_open_v2 (self->fresh, &db,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                  SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                              NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec (db,
                           "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;"
                           "PRAGMA journal_mode = DELETE",
                           NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec (db, sql, NULL, NULL, NULL);
    }
    bf_err err = BF_OK;
    if (rc != SQLITE_OK) {
        err = bf_fail (error, (rc & 0xff) == SQLITE_FULL ? BF_EDISKFULL : BF_EIO,
                       "%s: cannot be written: %s (SQLite error %d)", self->fresh,
                       sqlite3_errmsg (db), rc);
    }
    sqlite3_close (db);
    return err;
}

static bf_err
move (const char *from, const char *to, bf_error *error)
{
    return rename (from, to) == 0 ? BF_OK : bf_fail_errno (error, from, "be moved", errno);
}

/* A name that is free, for the database and for its log. */
static char *
aside_path (const restore *self)
{
    char iso[BF_ISO_BYTES];
    bf_wall now = bf_now_read ().wall;
    now.us -= now.us % BF_SECOND_US;
    bf_wall_format (now, iso);
    for (int number = 1; number < 1000; number++) {
        char suffix[ASIDE_BYTES];
        char again[ASIDE_BYTES / 4] = "";
        if (number > 1) {
            snprintf (again, sizeof again, ".%d", number);
        }
        snprintf (suffix, sizeof suffix, ".replaced-%.13s%.2s%.2sZ%s", iso, iso + 14,
                  iso + 17, again);
        char *path = bf_directory_path (self->directory, DATABASE_NAME, suffix);
        if (!path || !is_there (path)) {
            return path;
        }
        free (path);
    }
    return NULL;
}

static bf_err
move_aside (const restore *self, char **aside, bf_error *error)
{
    if (!is_there (self->path) && !is_there (self->wal)) {
        return BF_OK;
    }
    char *path = aside_path (self);
    char *wal = path ? malloc (strlen (path) + sizeof "-wal") : NULL;
    if (!wal) {
        free (path);
        return bf_fail_plain (error, BF_ENOMEM);
    }
    sprintf (wal, "%s-wal", path);
    bf_err rc = is_there (self->path) ? move (self->path, path, error) : BF_OK;
    if (rc == BF_OK && is_there (self->wal)) {
        rc = move (self->wal, wal, error);
    }
    free (wal);
    *aside = path;
    return rc;
}

static bf_err
put_there (const restore *self, char **aside, bf_error *error)
{
    /* The copy must be known on the disk before the old one goes. */
    bf_err rc = bf_directory_sync (self->directory, error);
    if (rc == BF_OK) {
        rc = move_aside (self, aside, error);
    }
    if (rc == BF_OK) {
        rc = move (self->fresh, self->path, error);
    }
    return rc == BF_OK ? bf_directory_sync (self->directory, error) : rc;
}

static bf_err
run (restore *self, const char *directory, bf_check_summary *backup, char **aside,
     bf_error *error)
{
    bf_err rc = open_directory (self, directory, error);
    if (rc == BF_OK) {
        rc = check_file (self, backup, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    rc = copy_file (self, backup->bytes, error);
    if (rc == BF_OK) {
        rc = write_epoch (self, error);
    }
    if (rc != BF_OK) {
        unlink (self->fresh);
        return rc;
    }
    return put_there (self, aside, error);
}

bf_err
bf_restore (const char *file, const char *directory, const bf_restore_options *options,
            bf_check_summary *backup, char **aside, bf_error *error)
{
    restore self = {.file = file, .options = options, .lock_fd = BF_NO_LOCKFILE};
    *aside = NULL;
    *backup = (bf_check_summary){0};
    bf_err rc = run (&self, directory, backup, aside, error);
    bf_lockfile_release (&self.lock_fd);
    free (self.directory);
    free (self.path);
    free (self.wal);
    free (self.fresh);
    return rc;
}
