/* SPDX-License-Identifier: MPL-2.0
 *
 * sqlite3_backup with what it leaves to others: room, names, and the way to the disk.
 *
 *   begin -> step … step -> close, journal_mode=DELETE, fsync -> rename -> fsync directory
 *
 * The copy needs no journal of its own: until it has its name it is thrown away whole. The
 * kernel is asked to write out each slice at once, so that the fsync at the end, for which
 * everybody waits, has little left to do.
 */
/* For sync_file_range. */
#define _GNU_SOURCE

#include "persist/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/base/failpoint.h"
#include "persist/directory.h"

#define FOLDER "backups"
#define PARTIAL ".partial"

/* Of the file that is worked on, and of what SQLite may leave beside it. */
static const char *const endings[] = {PARTIAL, PARTIAL "-wal", PARTIAL "-journal"};

struct bf_backup {
    char *folder;
    char *path;
    char *partial;
    sqlite3 *copy;
    sqlite3_backup *work;
    int fd; /* of the partial file: for syncing */
    int page_size;
    bool made; /* the partial file is ours to remove */
    bf_backup_state state;
};

/* locking_mode: nobody else knows this file. cache_size: small, so that every slice reaches
 * the kernel. */
static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
                              "PRAGMA journal_mode = OFF;"
                              "PRAGMA synchronous = OFF;"
                              "PRAGMA mmap_size = 0;"
                              "PRAGMA cache_size = 256;";

/* Why the disk said no, as the copy's file remembers it. */
static int
last_errno (const bf_backup *self)
{
    int number = 0;
    if (self->copy) {
        (void)sqlite3_file_control (self->copy, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
    }
    return number;
}

static bf_err
fail_sqlite (const bf_backup *self, int rc, bf_error *error)
{
    int number = last_errno (self);
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return bf_fail_plain (error, BF_ENOMEM);
    case SQLITE_FULL:
        return bf_fail_errno (error, self->partial, "be written", ENOSPC);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return bf_fail (error, BF_ECORRUPT,
                        "the database is damaged, no backup can be made of it: stop the "
                        "daemon, run belfry check, and restore an older backup");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (number != 0) {
            return bf_fail_errno (error, self->partial, "be written", number);
        }
        /* fall through */
    default:
        return bf_fail (error, BF_EIO, "%s: cannot be made: %s (SQLite error %d)",
                        self->path, sqlite3_errstr (rc), rc);
    }
}

static int
query_int64 (sqlite3 *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step (stmt);
    }
    if (rc == SQLITE_ROW) {
        *number = sqlite3_column_int64 (stmt, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize (stmt);
    return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/* Whether a file of this name is one that is worked on. No backup begins with a dot, so
 * that none is taken for one. */
static bool
is_partial (const char *name)
{
    size_t length = strlen (name);
    for (size_t i = 0; name[0] == '.' && i < sizeof endings / sizeof endings[0]; i++) {
        size_t size = strlen (endings[i]);
        if (length > size && strcmp (name + length - size, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The folder, without what an interrupted backup has left. */
static bf_err
prepare_folder (const bf_backup *self, bf_error *error)
{
    char *real = NULL;
    bf_err err = bf_directory_make (self->folder, &real, error);
    free (real);
    DIR *list = err == BF_OK ? opendir (self->folder) : NULL;
    if (err == BF_OK && !list) {
        return bf_fail_errno (error, self->folder, "be read", errno);
    }
    const struct dirent *entry;
    while (list && (entry = readdir (list)) != NULL) {
        if (is_partial (entry->d_name)) {
            unlinkat (dirfd (list), entry->d_name, 0);
        }
    }
    if (list) {
        closedir (list);
    }
    return err;
}

static bf_err
check_room (const bf_backup *self, bf_error *error)
{
    struct stat facts;
    if (lstat (self->path, &facts) == 0) {
        return bf_fail (error, BF_ESTATE,
                        "%s: is there already: choose another name, or move it away",
                        self->path);
    }
    struct statvfs room;
    if (statvfs (self->folder, &room) != 0) {
        return bf_fail_errno (error, self->folder, "be looked at", errno);
    }
    uint64_t bytes = (uint64_t)room.f_bavail * room.f_frsize;
    uint64_t needed = self->state.bytes + BF_RESERVE_BYTES;
    if (bytes < needed) {
        return bf_fail (error, BF_EDISKFULL,
                        "%s: a backup needs %llu MiB, but there are only %llu: free some "
                        "space there",
                        self->folder, (unsigned long long)(needed >> 20U),
                        (unsigned long long)(bytes >> 20U));
    }
    return BF_OK;
}

static bf_err
open_copy (bf_backup *self, bf_error *error)
{
    bf_err err = bf_directory_touch (self->partial, error);
    if (err != BF_OK) {
        return err;
    }
    self->made = true;
    self->fd = open (self->partial, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (self->fd < 0) {
        return bf_fail_errno (error, self->partial, "be opened", errno);
    }
    int rc = sqlite3_open_v2 (self->partial, &self->copy,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                  SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                              NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec (self->copy, pragmas, NULL, NULL, NULL);
    }
    return rc == SQLITE_OK ? BF_OK : fail_sqlite (self, rc, error);
}

static bf_err
measure (bf_backup *self, sqlite3 *source, bf_error *error)
{
    int64_t pages = 0;
    int64_t page_size = 0;
    int rc = query_int64 (source, "PRAGMA page_count", &pages);
    if (rc == SQLITE_OK) {
        rc = query_int64 (source, "PRAGMA page_size", &page_size);
    }
    self->page_size = (int)page_size;
    self->state.pages = (uint64_t)pages;
    self->state.bytes = (uint64_t)(pages * page_size);
    return rc == SQLITE_OK ? BF_OK : fail_sqlite (self, rc, error);
}

static bf_err
begin (bf_backup *self, sqlite3 *source, bf_error *error)
{
    bf_err err = measure (self, source, error);
    if (err == BF_OK) {
        err = prepare_folder (self, error);
    }
    if (err == BF_OK) {
        err = check_room (self, error);
    }
    if (err == BF_OK) {
        err = open_copy (self, error);
    }
    if (err == BF_OK) {
        self->work = sqlite3_backup_init (self->copy, "main", source, "main");
        if (!self->work) {
            err = fail_sqlite (self, sqlite3_extended_errcode (self->copy), error);
        }
    }
    return err;
}

static char *
partial_path (const char *folder, const char *name)
{
    size_t bytes = strlen (folder) + strlen (name) + sizeof "/." PARTIAL;
    char *path = malloc (bytes);
    if (path) {
        snprintf (path, bytes, "%s/.%s" PARTIAL, folder, name);
    }
    return path;
}

bf_err
bf_backup_begin (bf_backup **self_p, bf_database *source, const char *name, bf_error *error)
{
    const char *directory = bf_database_directory (source);
    if (!directory) {
        return bf_fail (error, BF_ESTATE, "this database is not in files of its own");
    }
    bf_backup *self = calloc (1, sizeof *self);
    if (!self) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    self->fd = -1;
    self->folder = bf_directory_path (directory, FOLDER, "");
    if (self->folder) {
        self->path = bf_directory_path (self->folder, name, "");
        self->partial = partial_path (self->folder, name);
    }
    bf_err err = self->path && self->partial
                     ? begin (self, bf_database_handle (source), error)
                     : bf_fail_plain (error, BF_ENOMEM);
    if (err != BF_OK) {
        bf_backup_destroy (&self);
        return err;
    }
    *self_p = self;
    return BF_OK;
}

/* The copy still says WAL, as its source does; without a log it is one file. Reads what it
 * holds on the way. */
static int
settle_copy (bf_backup *self)
{
    int64_t head_seq = 0;
    int64_t epoch = 0;
    int64_t application_id = 0;
    int rc = sqlite3_exec (self->copy,
                           "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF;"
                           "PRAGMA journal_mode = DELETE",
                           NULL, NULL, NULL);
    if (rc == SQLITE_OK) {
        rc = query_int64 (self->copy, "PRAGMA application_id", &application_id);
    }
    if (rc == SQLITE_OK) {
        rc = query_int64 (self->copy, "SELECT head_seq FROM meta", &head_seq);
    }
    if (rc == SQLITE_OK) {
        rc = query_int64 (self->copy, "SELECT stream_epoch FROM meta", &epoch);
    }
    self->state.head_seq = (uint64_t)head_seq;
    self->state.stream_epoch = (uint64_t)epoch;
    return rc == SQLITE_OK && application_id != BF_APPLICATION_ID ? SQLITE_CORRUPT : rc;
}

static int
close_copy (bf_backup *self)
{
    int rc = sqlite3_close (self->copy);
    self->copy = NULL;
    return rc;
}

static bf_err
finish (bf_backup *self, bf_error *error)
{
    int rc = sqlite3_backup_finish (self->work);
    self->work = NULL;
    if (rc == SQLITE_OK) {
        rc = close_copy (self);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_open_v2 (self->partial, &self->copy,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                  SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                              NULL);
    }
    if (rc == SQLITE_OK) {
        rc = settle_copy (self);
    }
    if (rc == SQLITE_OK) {
        rc = close_copy (self);
    }
    if (rc != SQLITE_OK) {
        return fail_sqlite (self, rc, error);
    }
    if (fsync (self->fd) != 0) {
        return bf_fail_errno (error, self->partial, "be synced", errno);
    }
    bf_err err = BF_FAILPOINT (before_backup_link, error);
    if (err != BF_OK) {
        return err;
    }
    /* A link and not a rename: it never takes the place of another file. */
    if (link (self->partial, self->path) != 0) {
        return errno == EEXIST
                   ? bf_fail (error, BF_ESTATE, "%s: is there already", self->path)
                   : bf_fail_errno (error, self->path, "be made", errno);
    }
    err = BF_FAILPOINT (after_backup_link, error);
    unlink (self->partial);
    self->made = false;
    return err == BF_OK ? bf_directory_sync (self->folder, error) : err;
}

static void
count (bf_backup *self)
{
    int pages = sqlite3_backup_pagecount (self->work);
    int left = sqlite3_backup_remaining (self->work);
    self->state.pages = (uint64_t)pages;
    self->state.pages_done = (uint64_t)(pages - left);
    self->state.bytes = (uint64_t)pages * (uint64_t)self->page_size;
}

bf_err
bf_backup_step (bf_backup *self, int pages, bool *done, bf_error *error)
{
    int rc = sqlite3_backup_step (self->work, pages);
    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
        /* In a transaction of the source after all: later. */
        return BF_OK;
    }
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
        return fail_sqlite (self, rc, error);
    }
    count (self);
    (void)sync_file_range (self->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    if (rc == SQLITE_OK) {
        return BF_FAILPOINT (in_backup, error);
    }
    bf_err err = finish (self, error);
    if (err == BF_OK) {
        *done = true;
    }
    return err;
}

bf_backup_state
bf_backup_state_of (const bf_backup *self)
{
    return self->state;
}

const char *
bf_backup_path (const bf_backup *self)
{
    return self->path;
}

void
bf_backup_abandon (bf_backup *self)
{
    if (self->work) {
        (void)sqlite3_backup_finish (self->work);
        self->work = NULL;
    }
    (void)close_copy (self);
    if (self->fd >= 0) {
        close (self->fd);
        self->fd = -1;
    }
    if (self->made) {
        unlink (self->partial);
        self->made = false;
    }
}

void
bf_backup_destroy (bf_backup **self_p)
{
    bf_backup *self = *self_p;
    if (!self) {
        return;
    }
    bf_backup_abandon (self);
    free (self->folder);
    free (self->path);
    free (self->partial);
    free (self);
    *self_p = NULL;
}
