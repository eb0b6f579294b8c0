/* SPDX-License-Identifier: MPL-2.0
 *
 * Where the rows come from. A data directory is locked as a daemon would lock it, and its
 * log, which a killed daemon leaves, is read but not moved into the file. A backup has no
 * log: it is opened as a file that nobody changes, so that neither a lock nor a -wal is
 * made beside it.
 */
/* For realpath. */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist/check/private.h"
#include "persist/database.h"
#include "persist/directory.h"
#include "persist/header.h"
#include "persist/lockfile.h"
#include "persist/schema.h"

#define DATABASE_NAME "belfry.db"
#define LOCKFILE_NAME "belfry.lock"

/* Nobody else may change what we read, and what was tampered with must not get at us
 * through its schema. */
static const struct {
    int option;
    int value;
} switches[] = {
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
};

/* locking_mode first: without a -shm file. */
static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
                              "PRAGMA mmap_size = 0;"
                              "PRAGMA cell_size_check = ON;"
                              "PRAGMA cache_size = -65536;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA query_only = ON;";

static off_t
size_of (const char *path)
{
    struct stat facts;
    return path && stat (path, &facts) == 0 ? facts.st_size : 0;
}

static bf_err
journal_size (const char *path, off_t *size, bf_error *error)
{
    size_t bytes = strlen (path) + sizeof "-journal";
    char *journal = malloc (bytes);
    if (!journal) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    snprintf (journal, bytes, "%s-journal", path);
    *size = size_of (journal);
    free (journal);
    return BF_OK;
}

/* DIRECTORY/belfry.db where belfry.lock lies beside it: its directory is meant. */
static bf_err
find_directory (const char *path, char **directory, bf_error *error)
{
    const char *slash = strrchr (path, '/');
    if (!slash || strcmp (slash + 1, DATABASE_NAME) != 0) {
        return BF_OK;
    }
    char *parent = strndup (path, (size_t)(slash - path));
    char *lockfile = parent ? bf_directory_path (parent, LOCKFILE_NAME, "") : NULL;
    if (!lockfile) {
        free (parent);
        return bf_fail_plain (error, BF_ENOMEM);
    }
    struct stat facts;
    if (stat (lockfile, &facts) == 0) {
        *directory = parent;
    } else {
        free (parent);
    }
    free (lockfile);
    return BF_OK;
}

/* What the path means: sets self->path, and self->directory where it is a directory's. */
static bf_err
resolve (bf_checker *self, const char *path, bf_error *error)
{
    struct stat facts;
    char *real = realpath (path, NULL);
    if (!real || stat (real, &facts) != 0) {
        int number = errno;
        free (real);
        return number == ENOENT ? bf_fail (error, BF_ENOTFOUND,
                                           "%s: there is no such file or directory", path)
                                : bf_fail_errno (error, path, "be found", number);
    }
    if (S_ISDIR (facts.st_mode)) {
        self->directory = real;
        self->path = bf_directory_path (real, DATABASE_NAME, "");
    } else {
        self->path = real;
        bf_err rc = find_directory (real, &self->directory, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    size_t bytes = self->path ? strlen (self->path) + sizeof "-wal" : 0;
    self->wal_path = malloc (bytes + 1);
    if (!self->path || !self->wal_path) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    snprintf (self->wal_path, bytes + 1, "%s-wal", self->path);
    return BF_OK;
}

static bf_err
lock (bf_checker *self, bf_error *error)
{
    bf_error cause = {0};
    bf_err rc = bf_lockfile_take (&self->lock_fd, self->directory, &cause);
    if (rc == BF_ELOCKED) {
        return bf_fail (error, rc,
                        "%s: a daemon has this data directory: stop it, or make a backup "
                        "and work on that",
                        self->directory);
    }
    return rc == BF_OK ? BF_OK : bf_fail (error, rc, "%s", cause.text);
}

/* All that can be known before SQLite comes. */
static bf_err
judge_files (bf_checker *self, bf_error *error)
{
    bf_err rc = bf_header_check (self->path, bf_schema_version, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (size_of (self->path) == 0) {
        return bf_fail (error, BF_ENOTFOUND, "%s: there is no database", self->path);
    }
    off_t journal = 0;
    rc = journal_size (self->path, &journal, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (journal > 0) {
        return bf_fail (error, BF_ESTATE,
                        "%s: its first start, or a restore, was cut off: start belfryd on "
                        "it once, or restore again",
                        self->path);
    }
    off_t log = size_of (self->wal_path);
    if (!self->directory && log > 0) {
        return bf_fail (error, BF_ESTATE,
                        "%s: is no backup, it has a log beside it (%s): put both into a "
                        "directory as " DATABASE_NAME " and " DATABASE_NAME
                        "-wal, and name that",
                        self->path, self->wal_path);
    }
    struct stat facts;
    self->had_wal = stat (self->wal_path, &facts) == 0;
    return BF_OK;
}

/* "file:…?immutable=1" for a path with any bytes in it. */
static char *
immutable_uri (const char *path)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789/._-";
    static const char scheme[] = "file:";
    static const char options[] = "?mode=ro&immutable=1";
    size_t room = sizeof scheme + 3 * strlen (path) + sizeof options;
    char *uri = malloc (room);
    if (!uri) {
        return NULL;
    }
    size_t used = (size_t)snprintf (uri, room, "%s", scheme);
    for (; *path; path++) {
        unsigned byte = (unsigned char)*path;
        char *to = uri + used;
        bool is_plain = strchr (plain, *path) != NULL;
        used += (size_t)(is_plain ? snprintf (to, room - used, "%c", *path)
                                  : snprintf (to, room - used, "%%%02X", byte));
    }
    snprintf (uri + used, room - used, "%s", options);
    return uri;
}

static bf_err
fail_sqlite (bf_checker *self, int rc, bf_error *error)
{
    const char *reason = self->db ? sqlite3_errmsg (self->db) : sqlite3_errstr (rc);
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return bf_fail_plain (error, BF_ENOMEM);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return bf_fail (error, BF_ECORRUPT, "%s: damaged: %s; " BF_CHECK_RESTORE,
                        self->path, reason);
    case SQLITE_BUSY:
        return bf_fail (error, BF_ELOCKED, "%s: another program has it open; close that",
                        self->path);
    default:
        return bf_fail (error, BF_EIO, "%s: cannot be read: %s (SQLite error %d)",
                        self->path, reason, rc);
    }
}

static int
open_handle (bf_checker *self)
{
    if (self->directory) {
        return sqlite3_open_v2 (self->path, &self->db,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                                NULL);
    }
    char *uri = immutable_uri (self->path);
    int rc = uri ? sqlite3_open_v2 (uri, &self->db,
                                    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
                                        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                    NULL)
                 : SQLITE_NOMEM;
    free (uri);
    return rc;
}

static int
query_int (bf_checker *self, const char *sql, int *number)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2 (self->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step (stmt);
    }
    if (rc == SQLITE_ROW) {
        *number = sqlite3_column_int (stmt, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize (stmt);
    return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/* Reads the first page and the schema, so that damage there is told at once. */
static bf_err
judge_version (bf_checker *self, bf_error *error)
{
    int version = 0;
    int tables = 0;
    int rc = query_int (self, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK) {
        rc = query_int (self, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (rc != SQLITE_OK) {
        return fail_sqlite (self, rc, error);
    }
    if (version < 1 || tables == 0) {
        return bf_fail (error, BF_ECORRUPT, "%s: has lost its tables; " BF_CHECK_RESTORE,
                        self->path);
    }
    if (version != bf_schema_version) {
        return bf_fail (error, version > bf_schema_version ? BF_ENEWER : BF_EVERSION,
                        "%s: was written by another version (schema %d, this program knows "
                        "%d): check it with that version, or start this version's belfryd "
                        "on it first",
                        self->path, version, bf_schema_version);
    }
    self->summary->schema = version;
    self->summary->bytes = (uint64_t)size_of (self->path);
    return BF_OK;
}

bf_err
bf_check_open (bf_checker *self, const char *path, bf_error *error)
{
    bf_err err = resolve (self, path, error);
    if (err == BF_OK && self->directory) {
        err = lock (self, error);
    }
    if (err == BF_OK) {
        err = judge_files (self, error);
    }
    if (err != BF_OK) {
        return err;
    }
    int rc = open_handle (self);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0] && rc == SQLITE_OK; i++) {
        rc = sqlite3_db_config (self->db, switches[i].option, switches[i].value, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec (self->db, pragmas, NULL, NULL, NULL);
    }
    return rc == SQLITE_OK ? judge_version (self, error) : fail_sqlite (self, rc, error);
}

void
bf_check_close (bf_checker *self)
{
    if (self->db) {
        int rc = sqlite3_close (self->db);
        BF_INVARIANT (rc == SQLITE_OK);
        struct stat facts;
        if (self->directory && !self->had_wal && stat (self->wal_path, &facts) == 0 &&
            facts.st_size == 0) {
            unlink (self->wal_path);
        }
    }
    bf_lockfile_release (&self->lock_fd);
    free (self->path);
    free (self->directory);
    free (self->wal_path);
}
