/* SPDX-License-Identifier: MPL-2.0
 *
 * Putting a backup back.
 *
 *   lock -> check the file -> copy to belfry.db.restore -> new epoch, fsync
 *        -> belfry.db     to belfry.db.replaced-TIME       from here on belfryd refuses to
 *        -> belfry.db-wal to belfry.db.replaced-TIME-wal   start: no database, but a copy
 *        -> fsync of the directory
 *        -> belfry.db.restore to belfry.db -> fsync of the directory
 *
 * Never is a log beside a database that it does not belong to: SQLite would take it for its
 * own. A restore that was cut off shows in a directory that has a copy and no database: the
 * next one puts the log, if it is there still, to the database that was moved last, and
 * leaves a copy there until the end, whatever becomes of it.
 */
#include "persist/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/base/failpoint.h"
#include "core/base/time.h"
#include "persist/directory.h"
#include "persist/lockfile.h"

#define DATABASE_NAME "belfry.db"
#define RESTORE_SUFFIX ".restore"
#define REPLACED DATABASE_NAME ".replaced-"
#define TIME_LENGTH (sizeof "2026-11-23T160000Z" - 1)
#define BLOCK_BYTES ((size_t)1024 * 1024)
#define ASIDE_BYTES 64

typedef struct {
    const char *file;
    const bf_restore_options *options;
    char *directory;
    char *path;          /* belfry.db */
    char *wal;           /* belfry.db-wal */
    char *fresh;         /* belfry.db.restore */
    char *fresh_journal; /* belfry.db.restore-journal */
    bool cut_off;        /* the restore before this one was */
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
    self->fresh_journal =
        bf_directory_path (self->directory, DATABASE_NAME, RESTORE_SUFFIX "-journal");
    if (!self->path || !self->wal || !self->fresh || !self->fresh_journal) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    rc = bf_lockfile_take (&self->lock_fd, self->directory, error);
    if (rc == BF_ELOCKED) {
        return bf_fail (error, rc, "%s: a daemon has this data directory: stop it first",
                        self->directory);
    }
    self->cut_off = !is_there (self->path) && is_there (self->fresh);
    if (rc == BF_OK && !self->options->force &&
        (is_there (self->path) || is_there (self->wal))) {
        rc = bf_fail (error, BF_ESTATE,
                      "%s: holds a database already; with --force it is moved aside",
                      self->directory);
    }
    return rc;
}

/* "PATH-wal"; the caller frees it. */
static char *
log_path (const char *path)
{
    size_t bytes = strlen (path) + sizeof "-wal";
    char *wal = malloc (bytes);
    if (wal) {
        snprintf (wal, bytes, "%s-wal", path);
    }
    return wal;
}

static bf_err
move (const char *from, const char *to, bf_error *error)
{
    return rename (from, to) == 0 ? BF_OK : bf_fail_errno (error, from, "be moved", errno);
}

/* belfry.db.replaced-TIME or belfry.db.replaced-TIME.NUMBER. */
static bool
is_replaced (const char *name)
{
    size_t before = sizeof REPLACED - 1;
    if (strncmp (name, REPLACED, before) != 0 || strlen (name) < before + TIME_LENGTH) {
        return false;
    }
    const char *number = name + before + TIME_LENGTH;
    return *number == '\0' ||
           (*number == '.' && strspn (number + 1, "0123456789") == strlen (number + 1));
}

/* Whether one of them was moved later than another. */
static bool
is_later (const char *name, const char *other)
{
    int order = strncmp (name, other, sizeof REPLACED - 1 + TIME_LENGTH);
    if (order != 0) {
        return order > 0;
    }
    size_t length = strlen (name);
    size_t other_length = strlen (other);
    return length != other_length ? length > other_length : strcmp (name, other) > 0;
}

/* Whether there is no log beside a database that was moved. */
static bool
is_alone (int directory, const char *name)
{
    char wal[NAME_MAX + sizeof "-wal"];
    struct stat facts;
    snprintf (wal, sizeof wal, "%s-wal", name);
    return fstatat (directory, wal, &facts, AT_SYMLINK_NOFOLLOW) != 0;
}

/* The database that was moved last, of those without a log; none: *aside stays NULL. */
static bf_err
find_parted (const restore *self, char **aside, bf_error *error)
{
    char newest[NAME_MAX + 1] = "";
    DIR *list = opendir (self->directory);
    if (!list) {
        return bf_fail_errno (error, self->directory, "be read", errno);
    }
    const struct dirent *entry;
    while ((entry = readdir (list)) != NULL) {
        const char *name = entry->d_name;
        if (is_replaced (name) && (newest[0] == '\0' || is_later (name, newest)) &&
            is_alone (dirfd (list), name)) {
            snprintf (newest, sizeof newest, "%s", name);
        }
    }
    closedir (list);
    if (newest[0] == '\0') {
        return BF_OK;
    }
    *aside = bf_directory_path (self->directory, newest, "");
    return *aside ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

/* The log that a restore which was cut off has left alone goes to its database. */
static bf_err
reunite (const restore *self, char **aside, bf_error *error)
{
    if (!self->cut_off || !is_there (self->wal)) {
        return BF_OK;
    }
    bf_err rc = find_parted (self, aside, error);
    if (rc != BF_OK || !*aside) {
        return rc;
    }
    char *wal = log_path (*aside);
    rc = wal ? move (self->wal, wal, error) : bf_fail_plain (error, BF_ENOMEM);
    free (wal);
    return rc;
}

/* Whether there is a log beside the file: then it alone is not all of the database. */
static bool
has_log (const char *file)
{
    char *wal = log_path (file);
    struct stat facts;
    bool found = !wal || (stat (wal, &facts) == 0 && facts.st_size > 0);
    free (wal);
    return found;
}

/* A plain file and no data directory, which might be the one that is restored to. */
static bf_err
check_file (const restore *self, bf_check_summary *backup, bf_error *error)
{
    struct stat facts = {0};
    if (stat (self->file, &facts) == 0 && !S_ISREG (facts.st_mode)) {
        return bf_fail (error, BF_EINVALID, "%s: is not a file; name the backup itself",
                        self->file);
    }
    struct stat fresh;
    if (stat (self->fresh, &fresh) == 0 && facts.st_dev == fresh.st_dev &&
        facts.st_ino == fresh.st_ino) {
        return bf_fail (error, BF_EINVALID,
                        "%s: is what a restore has left that was cut off; name the backup",
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
    /* What is left of a copy that was cut off: its journal would be played back into this
     * one. */
    if (unlink (self->fresh_journal) != 0 && errno != ENOENT) {
        return bf_fail_errno (error, self->fresh_journal, "be removed", errno);
    }
    int from = open (self->file, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        return bf_fail_errno (error, self->file, "be opened", errno);
    }
    int to =
        open (self->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
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

/* A name that is free, for the database and for its log. */
static bf_err
choose_aside (const restore *self, char **aside, bf_error *error)
{
    char iso[BF_ISO_BYTES];
    bf_wall now = bf_now_read ().wall;
    now.us -= now.us % BF_SECOND_US;
    bf_wall_format (now, iso);
    for (int number = 1; number < 1000; number++) {
        char name[ASIDE_BYTES];
        char again[ASIDE_BYTES / 4] = "";
        if (number > 1) {
            snprintf (again, sizeof again, ".%d", number);
        }
        snprintf (name, sizeof name, REPLACED "%.13s%.2s%.2sZ%s", iso, iso + 14, iso + 17,
                  again);
        char *path = bf_directory_path (self->directory, name, "");
        char *wal = path ? log_path (path) : NULL;
        bool memory = wal != NULL;
        bool free_name = memory && !is_there (path) && !is_there (wal);
        free (wal);
        if (free_name) {
            *aside = path;
            return BF_OK;
        }
        free (path);
        if (!memory) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
    }
    return bf_fail (error, BF_ESTATE,
                    "%s: a thousand databases were moved aside in this second",
                    self->directory);
}

static bf_err
move_aside (const restore *self, char **aside, bf_error *error)
{
    if (!is_there (self->path) && !is_there (self->wal)) {
        return BF_OK;
    }
    bf_err rc = choose_aside (self, aside, error);
    char *wal = *aside ? log_path (*aside) : NULL;
    if (rc == BF_OK && !wal) {
        rc = bf_fail_plain (error, BF_ENOMEM);
    }
    if (rc == BF_OK && is_there (self->path)) {
        rc = move (self->path, *aside, error);
    }
    if (rc == BF_OK) {
        rc = BF_FAILPOINT (in_restore_moves, error);
    }
    if (rc == BF_OK && is_there (self->wal)) {
        rc = move (self->wal, wal, error);
    }
    free (wal);
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
        /* The old log must be known to be gone before the new one comes. */
        rc = bf_directory_sync (self->directory, error);
    }
    if (rc == BF_OK) {
        rc = BF_FAILPOINT (before_restore_move, error);
    }
    if (rc == BF_OK) {
        rc = move (self->fresh, self->path, error);
    }
    if (rc == BF_OK) {
        rc = BF_FAILPOINT (after_restore_move, error);
    }
    return rc == BF_OK ? bf_directory_sync (self->directory, error) : rc;
}

static bf_err
run (restore *self, const char *directory, bf_check_summary *backup, char **aside,
     bf_error *error)
{
    bf_err rc = open_directory (self, directory, error);
    if (rc == BF_OK) {
        rc = reunite (self, aside, error);
    }
    if (rc == BF_OK) {
        rc = check_file (self, backup, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    rc = copy_file (self, backup->bytes, error);
    if (rc == BF_OK) {
        rc = BF_FAILPOINT (after_restore_copy, error);
    }
    if (rc == BF_OK) {
        rc = write_epoch (self, error);
    }
    if (rc == BF_OK) {
        rc = BF_FAILPOINT (after_restore_epoch, error);
    }
    if (rc == BF_OK) {
        return put_there (self, aside, error);
    }
    if (!self->cut_off) {
        unlink (self->fresh_journal);
        unlink (self->fresh);
    }
    return rc;
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
    free (self.fresh_journal);
    return rc;
}
