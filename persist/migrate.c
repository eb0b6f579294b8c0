/* SPDX-License-Identifier: MPL-2.0
 *
 * Numbered steps in one transaction, behind a copy. The copy is written under a name of its
 * own and renamed when it is whole and synced, so that a file called *.backup is always
 * good to restore.
 */
#include "persist/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/base/failpoint.h"
#include "persist/directory.h"

#define DATABASE_NAME "belfry.db"
#define SUFFIX_BYTES 48 /* ".v2147483647.2147483647.backup" and a NUL */
#define SQL_BYTES 64

/* So many copies of one version, and something else is wrong. */
#define COPIES_MAX 1000

static bf_err
run (bf_database *db, const char *sql, bf_error *error)
{
    int rc = sqlite3_exec (bf_database_handle (db), sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? BF_OK : bf_database_error (db, rc, error);
}

/* The first free one of belfry.db.v1.backup, belfry.db.v1.2.backup, … */
static bf_err
free_name (const char *directory, int version, char **name, bf_error *error)
{
    for (int number = 1; number <= COPIES_MAX; number++) {
        char suffix[SUFFIX_BYTES];
        if (number == 1) {
            snprintf (suffix, sizeof suffix, ".v%d.backup", version);
        } else {
            snprintf (suffix, sizeof suffix, ".v%d.%d.backup", version, number);
        }
        char *path = bf_directory_path (directory, DATABASE_NAME, suffix);
        if (path == NULL) {
            return bf_fail (error, BF_ENOMEM, "out of memory");
        }
        struct stat facts;
        if (lstat (path, &facts) != 0 && errno == ENOENT) {
            *name = path;
            return BF_OK;
        }
        free (path);
    }
    return bf_fail (error, BF_EIO, "%s: too many backups of version %d; move some away",
                    directory, version);
}

static bf_err
sync_file (const char *path, bf_error *error)
{
    int fd = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return bf_fail_errno (error, path, "be opened", errno);
    }
    bf_err err = BF_OK;
    if (fsync (fd) != 0) {
        err = bf_fail_errno (error, path, "be synced", errno);
    }
    close (fd);
    return err;
}

/* VACUUM INTO attaches its target, which our limit of 0 forbids. */
static bf_err
vacuum_into (bf_database *db, const char *path, bf_error *error)
{
    sqlite3 *handle = bf_database_handle (db);
    int limit = sqlite3_limit (handle, SQLITE_LIMIT_ATTACHED, 1);
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2 (handle, "VACUUM INTO ?1", -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_text (stmt, 1, path, -1, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_step (stmt);
    }
    bf_err err = rc == SQLITE_DONE ? BF_OK : bf_database_error (db, rc, error);
    sqlite3_finalize (stmt);
    sqlite3_limit (handle, SQLITE_LIMIT_ATTACHED, limit);
    return err;
}

static bf_err
copy_aside (bf_database *db, int version, const char *directory, char **copy,
            bf_error *error)
{
    char *part = bf_directory_path (directory, DATABASE_NAME, ".backup.part");
    if (part == NULL) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    char *name = NULL;
    bf_err err = free_name (directory, version, &name, error);
    if (err == BF_OK) {
        /* A part that was left by a crash goes; one made here has the mode that SQLite
         * would not give it. */
        unlink (part);
        err = bf_directory_touch (part, error);
    }
    if (err == BF_OK) {
        err = vacuum_into (db, part, error);
    }
    if (err == BF_OK) {
        err = sync_file (part, error);
    }
    if (err == BF_OK && rename (part, name) != 0) {
        err = bf_fail_errno (error, name, "be made", errno);
    }
    if (err == BF_OK) {
        err = bf_directory_sync (directory, error);
    } else {
        unlink (part);
    }
    free (part);
    if (err != BF_OK) {
        free (name);
        return err;
    }
    *copy = name;
    return BF_OK;
}

static bf_err
check_foreign_keys (bf_database *db, bf_error *error)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2 (bf_database_handle (db), "PRAGMA foreign_key_check", -1,
                                 &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step (stmt);
    }
    bf_err err = BF_OK;
    if (rc == SQLITE_ROW) {
        err = bf_fail (error, BF_EINTERNAL, "a row of table %s refers to nothing",
                       (const char *)sqlite3_column_text (stmt, 0));
    } else if (rc != SQLITE_DONE) {
        err = bf_database_error (db, rc, error);
    }
    sqlite3_finalize (stmt);
    return err;
}

static bf_err
run_steps (bf_database *db, const bf_schema *schema, int from, bf_error *error)
{
    for (int version = from; version < schema->version; version++) {
        bf_error cause = {0};
        bf_err err = run (db, schema->steps[version], &cause);
        if (err != BF_OK) {
            return bf_fail (error, err, "schema step %d: %s", version + 1, cause.text);
        }
        BF_INVARIANT (!sqlite3_get_autocommit (bf_database_handle (db)));
    }
    bf_err err = check_foreign_keys (db, error);
    if (err != BF_OK) {
        return err;
    }
    char sql[SQL_BYTES];
    snprintf (sql, sizeof sql, "PRAGMA user_version = %d", schema->version);
    return run (db, sql, error);
}

/* *unknown: COMMIT failed in a way that leaves its outcome to the next start's recovery. */
static bf_err
change (bf_database *db, const bf_schema *schema, int from, bool *unknown, bf_error *error)
{
    bf_err err = run (db, "BEGIN EXCLUSIVE", error);
    if (err != BF_OK) {
        return err;
    }
    char sql[SQL_BYTES];
    snprintf (sql, sizeof sql, "PRAGMA application_id = %d", BF_APPLICATION_ID);
    err = run (db, sql, error);
    if (err == BF_OK) {
        err = run_steps (db, schema, from, error);
    }
    if (err == BF_OK) {
        err = BF_FAILPOINT (before_migrate_commit, error);
    }
    if (err == BF_OK) {
        err = run (db, "COMMIT", error);
        *unknown = err != BF_OK && err != BF_EDISKFULL;
    }
    if (err == BF_OK) {
        err = BF_FAILPOINT (after_migrate_commit, error);
    }
    if (err != BF_OK && !sqlite3_get_autocommit (bf_database_handle (db))) {
        (void)run (db, "ROLLBACK", NULL);
    }
    return err;
}

bf_err
bf_migrate (bf_database *db, const bf_schema *schema, int from, const char *directory,
            bf_error *error)
{
    char *copy = NULL;
    if (from > 0 && directory != NULL) {
        bf_err err = copy_aside (db, from, directory, &copy, error);
        if (err == BF_OK) {
            err = BF_FAILPOINT (after_migrate_copy, error);
        }
        if (err != BF_OK) {
            free (copy);
            return err;
        }
    }
    bool unknown = false;
    bf_err err = change (db, schema, from, &unknown, error);
    if (err != BF_OK && !unknown && copy != NULL) {
        /* Nothing has changed that it could undo, and a daemon that is started again and
         * again must not fill the disk with copies. */
        unlink (copy);
    }
    free (copy);
    return err;
}
