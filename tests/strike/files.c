/* SPDX-License-Identifier: MPL-2.0
 *
 * Whole directories under blows: opening a database, checking one, restoring one. Each blow
 * falls on a copy of the directory, and whatever it leaves there is thrown away; what a
 * crash or a full disk at these places leaves is the matter of other tests. Here: an error
 * is told, with a text, and nothing of it is lost in memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist/backup.h"
#include "persist/check/check.h"
#include "persist/database.h"
#include "persist/ledger.h"
#include "persist/migrate.h"
#include "persist/restore.h"
#include "tests/strike/strike.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

bf_err __real_bf_database_open_schema (bf_database **database, const char *directory,
                                       const char *vfs, const bf_schema *schema,
                                       bf_error *error);
bf_err __wrap_bf_database_open_schema (bf_database **database, const char *directory,
                                       const char *vfs, const bf_schema *schema,
                                       bf_error *error);
bf_err __real_bf_database_open (bf_database **database, const char *directory,
                                const char *vfs, bf_error *error);
bf_err __wrap_bf_database_open (bf_database **database, const char *directory,
                                const char *vfs, bf_error *error);
bf_err __real_bf_check (const char *path, const bf_check_watch *watch,
                        bf_check_summary *summary, bf_error *error);
bf_err __wrap_bf_check (const char *path, const bf_check_watch *watch,
                        bf_check_summary *summary, bf_error *error);
bf_err __real_bf_restore (const char *file, const char *directory,
                          const bf_restore_options *options, bf_check_summary *backup,
                          char **aside, bf_error *error);
bf_err __wrap_bf_restore (const char *file, const char *directory,
                          const bf_restore_options *options, bf_check_summary *backup,
                          char **aside, bf_error *error);
bf_err __real_bf_backup_begin (bf_backup **self, bf_database *source, const char *name,
                               bf_error *error);
bf_err __wrap_bf_backup_begin (bf_backup **self, bf_database *source, const char *name,
                               bf_error *error);
bf_err __real_bf_ledger_open (bf_ledger **self, bf_database **database,
                              const bf_ledger_options *options, bf_now now,
                              bf_error *error);
bf_err __wrap_bf_ledger_open (bf_ledger **self, bf_database **database,
                              const bf_ledger_options *options, bf_now now,
                              bf_error *error);

/* One of these functions calls another: only the outermost is struck. */
static bool inside;

/* A directory beside which nothing is: a copy of it, in a new place. */
static char *
copy_of (const char *directory)
{
    char *place = temp_make ();
    char command[4096];
    struct stat facts;
    if (stat (directory, &facts) == 0) {
        int size = snprintf (command, sizeof command, "cp -a '%s/.' '%s' 2>/dev/null",
                             directory, place);
        assert_in_range (size, 1, sizeof command - 1);
        (void)!system (command);
    }
    return place;
}

/* Whether the call was struck. */
static bool
ended (void)
{
    strike_disarm ();
    return strike_struck != STRUCK_NOT;
}

/* The same. If so, it said so, or could do without. */
static bool
was_struck (bf_err rc, const bf_error *error)
{
    if (!ended ()) {
        return false;
    }
    if (rc == BF_OK && strike_struck != STRUCK_SYSTEM) {
        strike_tell ();
        fail_msg ("nobody noticed");
    }
    if (rc != BF_OK) {
        assert_int_equal (error->code, rc);
        assert_true (error->text[0] != '\0');
    }
    return true;
}

static bool
strike_open (const char *directory, const char *vfs, const bf_schema *schema)
{
    bf_database *database = NULL;
    bf_error error = {0};
    char *copy = copy_of (directory);
    strike_arm (STRUCK_NOT);
    bf_err rc = schema
                    ? __real_bf_database_open_schema (&database, copy, vfs, schema, &error)
                    : __real_bf_database_open (&database, copy, vfs, &error);
    bool struck = was_struck (rc, &error);
    bf_database_abandon (&database);
    temp_remove (copy);
    return struck;
}

bf_err
__wrap_bf_database_open_schema (bf_database **database, const char *directory,
                                const char *vfs, const bf_schema *schema, bf_error *error)
{
    while (!inside && strike_open (directory, vfs, schema)) {
    }
    return __real_bf_database_open_schema (database, directory, vfs, schema, error);
}

bf_err
__wrap_bf_database_open (bf_database **database, const char *directory, const char *vfs,
                         bf_error *error)
{
    while (!inside && strike_open (directory, vfs, NULL)) {
    }
    return __real_bf_database_open (database, directory, vfs, error);
}

bf_err
__wrap_bf_check (const char *path, const bf_check_watch *watch, bf_check_summary *summary,
                 bf_error *error)
{
    bool struck = !inside;
    while (struck) {
        bf_check_summary seen = {0};
        bf_error failure = {0};
        strike_arm (STRUCK_NOT);
        bf_err rc = __real_bf_check (path, NULL, &seen, &failure);
        /* What cannot be read is a finding, too. */
        struck = rc == BF_OK && seen.findings > 0 ? ended () : was_struck (rc, &failure);
    }
    return __real_bf_check (path, watch, summary, error);
}

bf_err
__wrap_bf_restore (const char *file, const char *directory,
                   const bf_restore_options *options, bf_check_summary *backup,
                   char **aside, bf_error *error)
{
    bool struck = true;
    inside = true;
    while (struck) {
        bf_restore_options quiet = *options;
        quiet.watch = (bf_check_watch){0};
        bf_check_summary ignored;
        bf_error failure = {0};
        char *left = NULL;
        char *copy = copy_of (directory);
        strike_arm (STRUCK_NOT);
        struck = was_struck (
            __real_bf_restore (file, copy, &quiet, &ignored, &left, &failure), &failure);
        free (left);
        temp_remove (copy);
    }
    bf_err rc = __real_bf_restore (file, directory, options, backup, aside, error);
    inside = false;
    return rc;
}

/* The whole of a backup, under another name. */
static bool
strike_backup (bf_database *source)
{
    bf_backup *backup = NULL;
    bf_error error = {0};
    bool done = false;
    strike_arm (STRUCK_NOT);
    bf_err rc = __real_bf_backup_begin (&backup, source, "struck", &error);
    while (rc == BF_OK && !done) {
        rc = bf_backup_step (backup, 5, &done, &error);
    }
    bool struck = was_struck (rc, &error);
    if (done) {
        assert_int_equal (unlink (bf_backup_path (backup)), 0);
    }
    bf_backup_destroy (&backup);
    return struck;
}

bf_err
__wrap_bf_backup_begin (bf_backup **self, bf_database *source, const char *name,
                        bf_error *error)
{
    inside = true;
    while (bf_database_directory (source) && strike_backup (source)) {
    }
    inside = false;
    return __real_bf_backup_begin (self, source, name, error);
}

/* The database is gone with the ledger that could not be: it is opened again. */
bf_err
__wrap_bf_ledger_open (bf_ledger **self, bf_database **database,
                       const bf_ledger_options *options, bf_now now, bf_error *error)
{
    for (;;) {
        const char *path = sqlite3_db_filename (bf_database_handle (*database), "main");
        char *directory = strndup (path, (size_t)(strrchr (path, '/') - path));
        sqlite3_vfs *vfs = NULL;
        (void)sqlite3_file_control (bf_database_handle (*database), "main",
                                    SQLITE_FCNTL_VFS_POINTER, &vfs);
        bf_error failure = {0};
        strike_arm (STRUCK_SYSTEM);
        bf_err rc = __real_bf_ledger_open (self, database, options, now, &failure);
        bool struck = was_struck (rc, &failure);
        if (!struck) {
            free (directory);
            if (rc != BF_OK && error) {
                *error = failure;
            }
            return rc;
        }
        assert_int_not_equal (rc, BF_OK);
        assert_int_equal (__real_bf_database_open (database, directory, vfs->zName, NULL),
                          BF_OK);
        free (directory);
    }
}
