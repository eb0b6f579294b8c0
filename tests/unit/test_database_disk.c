/* SPDX-License-Identifier: MPL-2.0
 *
 * Disks that are full or read-only: real ones, small file systems in memory, mounted in a
 * mount namespace of this process alone. Where that is not allowed the tests are skipped.
 */

#include "persist/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "persist/migrate.h"
#include "tests/support/cmocka.h"
#include "tests/support/namespace.h"
#include "tests/support/temp.h"

static const char *const steps[] = {"CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY);"};
static const bf_schema schema = {.steps = steps, .version = 1};

static bool may_mount;

static int
enter_namespace (void **state)
{
    (void)state;
    may_mount = namespace_enter ();
    if (!may_mount) {
        print_message ("skipping: no right to mount (%s)\n", strerror (errno));
    }
    return 0;
}

static void
mount_disk (const char *directory, const char *options, unsigned long flags)
{
    if (mount ("belfry-test", directory, "tmpfs", flags, options) != 0) {
        fail_msg ("mount %s: %s", options, strerror (errno));
    }
}

static int
make_directory (void **state)
{
    *state = temp_make ();
    return 0;
}

static int
remove_directory (void **state)
{
    if (may_mount) {
        umount2 (*state, MNT_DETACH);
    }
    temp_remove (*state);
    return 0;
}

static bf_database *
open_ok (const char *directory)
{
    bf_database *db = NULL;
    bf_error error = {0};
    bf_err err = bf_database_open_schema (&db, directory, NULL, &schema, &error);
    if (err != BF_OK) {
        fail_msg ("%s: %s", bf_err_name (err), error.text);
    }
    return db;
}

static int
run (bf_database *db, const char *sql)
{
    return sqlite3_exec (bf_database_handle (db), sql, NULL, NULL, NULL);
}

static void
assert_rows (bf_database *db, int expected)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal (sqlite3_prepare_v2 (bf_database_handle (db), "SELECT count(*) FROM t",
                                          -1, &stmt, NULL),
                      SQLITE_OK);
    assert_int_equal (sqlite3_step (stmt), SQLITE_ROW);
    assert_int_equal (sqlite3_column_int (stmt, 0), expected);
    sqlite3_finalize (stmt);
}

static bool
exists (const char *directory, const char *name)
{
    char *path = temp_path (directory, name);
    bool found = access (path, F_OK) == 0;
    free (path);
    return found;
}

/* Takes all the space that is left, but for `bytes`. */
static void
fill_disk_but (const char *directory, size_t bytes)
{
    struct statvfs facts;
    assert_int_equal (statvfs (directory, &facts), 0);
    char *path = temp_path (directory, "filler");
    int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true (fd >= 0);
    assert_int_equal (
        posix_fallocate (fd, 0, (off_t)(facts.f_bavail * facts.f_frsize - bytes)), 0);
    close (fd);
    free (path);
}

static void
fill_disk (const char *directory)
{
    fill_disk_but (directory, 0);
}

static void
free_disk (const char *directory)
{
    char *path = temp_path (directory, "filler");
    assert_int_equal (unlink (path), 0);
    free (path);
}

static void
test_new_needs_the_reserve (void **state)
{
    if (!may_mount) {
        skip ();
    }
    mount_disk (*state, "size=8m", 0);
    bf_database *db = NULL;
    bf_error error = {0};
    assert_int_equal (bf_database_open_schema (&db, *state, NULL, &schema, &error),
                      BF_EDISKFULL);
    assert_null (db);
    assert_non_null (strstr (error.text, "/belfry.reserve: "));
    assert_non_null (strstr (error.text, "No space left on device"));
    assert_non_null (strstr (error.text, "free some space"));
    assert_false (exists (*state, "belfry.reserve"));
    assert_false (exists (*state, "belfry.db-wal"));

    mount_disk (*state, "size=32m", MS_REMOUNT);
    db = open_ok (*state);
    assert_true (bf_database_is_new (db));
    assert_true (bf_database_has_reserve (db));
    bf_database_close (&db);
}

/* Room for the reserve and the lock file, but none for the tables behind them. */
static void
test_new_needs_room_for_tables (void **state)
{
    if (!may_mount) {
        skip ();
    }
    mount_disk (*state, "size=16388k", 0); /* 4 KiB more than the reserve */
    bf_database *db = NULL;
    bf_error error = {0};
    assert_int_equal (bf_database_open_schema (&db, *state, NULL, &schema, &error),
                      BF_EDISKFULL);
    assert_null (db);
    assert_false (exists (*state, "belfry.reserve"));
    mount_disk (*state, "size=32m", MS_REMOUNT);
    db = open_ok (*state);
    assert_true (bf_database_is_new (db));
    bf_database_close (&db);
}

static void
test_reserve_carries_on (void **state)
{
    if (!may_mount) {
        skip ();
    }
    mount_disk (*state, "size=32m", 0);
    bf_database *db = open_ok (*state);
    assert_int_equal (run (db, "INSERT INTO t (v) VALUES (1)"), SQLITE_OK);
    fill_disk (*state);
    int rc = run (db, "INSERT INTO t (v) VALUES (zeroblob (1000000))");
    bf_error error = {0};
    assert_int_equal (rc & 0xff, SQLITE_FULL);
    assert_int_equal (bf_database_error (db, rc, &error), BF_EDISKFULL);
    assert_non_null (strstr (error.text, "the disk is full"));
    assert_rows (db, 1);

    bf_database_release_reserve (db);
    assert_false (bf_database_has_reserve (db));
    assert_int_equal (run (db, "INSERT INTO t (v) VALUES (zeroblob (1000000))"), SQLITE_OK);
    assert_int_equal (bf_database_rebuild_reserve (db), BF_EDISKFULL);
    assert_false (bf_database_has_reserve (db));
    assert_false (exists (*state, "belfry.reserve"));
    assert_int_equal (run (db, "INSERT INTO t (v) VALUES (zeroblob (1000000))"), SQLITE_OK);
    free_disk (*state);
    assert_int_equal (bf_database_rebuild_reserve (db), BF_OK);
    assert_true (bf_database_has_reserve (db));
    assert_rows (db, 3);
    bf_database_close (&db);
}

static void
test_old_opens_without_reserve (void **state)
{
    if (!may_mount) {
        skip ();
    }
    mount_disk (*state, "size=32m", 0);
    bf_database *db = open_ok (*state);
    assert_int_equal (run (db, "INSERT INTO t (v) VALUES (1)"), SQLITE_OK);
    bf_database_release_reserve (db);
    bf_database_close (&db);
    fill_disk (*state);
    db = open_ok (*state);
    assert_false (bf_database_has_reserve (db));
    assert_rows (db, 1);
    bf_database_close (&db);
}

/* The log of a killed daemon must be moved into the file, which grows by it. */
static void
test_recovery_takes_the_reserve (void **state)
{
    static const char insert[] =
        "INSERT INTO t (v) VALUES (zeroblob (2000000)), (zeroblob (2000000))";
    if (!may_mount) {
        skip ();
    }
    mount_disk (*state, "size=32m", 0);
    bf_database *db = open_ok (*state);
    assert_int_equal (run (db, insert), SQLITE_OK);
    bf_database_abandon (&db);
    fill_disk (*state);
    db = open_ok (*state);
    assert_rows (db, 2);
    bf_database_close (&db);

    /* And where even that does not help, nothing is lost. */
    db = open_ok (*state);
    bf_database_release_reserve (db);
    assert_int_equal (run (db, insert), SQLITE_OK);
    bf_database_abandon (&db);
    free_disk (*state);
    fill_disk (*state);
    bf_error error = {0};
    assert_int_equal (bf_database_open_schema (&db, *state, NULL, &schema, &error),
                      BF_EDISKFULL);
    assert_null (db);
    assert_non_null (strstr (error.text, "/belfry.db: the disk is full"));
    free_disk (*state);
    db = open_ok (*state);
    assert_rows (db, 4);
    assert_true (bf_database_has_reserve (db));
    bf_database_close (&db);
}

static void
test_copy_needs_room (void **state)
{
    static const char *const two[] = {"CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY);",
                                      "CREATE TABLE u (v);"};
    static const bf_schema newer = {.steps = two, .version = 2};
    if (!may_mount) {
        skip ();
    }
    mount_disk (*state, "size=32m", 0);
    bf_database *db = open_ok (*state);
    assert_int_equal (run (db, "INSERT INTO t (v) VALUES (zeroblob (2000000))"), SQLITE_OK);
    bf_database_close (&db);
    fill_disk (*state);
    bf_error error = {0};
    assert_int_equal (bf_database_open_schema (&db, *state, NULL, &newer, &error),
                      BF_EDISKFULL);
    assert_null (db);
    assert_false (exists (*state, "belfry.db.backup.part"));
    assert_false (exists (*state, "belfry.db.v1.backup"));
    db = open_ok (*state);
    assert_rows (db, 1);
    bf_database_close (&db);
}

/* The migration is committed, but only to a log that was not there before: a refusal that
 * tidied it away would lose it, and with a half-moved log the whole file. */
static void
test_migrated_log_is_kept (void **state)
{
    static const char *const two[] = {
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY);",
        "INSERT INTO t (v) VALUES (zeroblob (2000000)), (zeroblob (2000000));"};
    static const bf_schema newer = {.steps = two, .version = 2};
    if (!may_mount) {
        skip ();
    }
    mount_disk (*state, "size=32m", 0);
    bf_database *db = open_ok (*state);
    bf_database_release_reserve (db);
    bf_database_close (&db);
    assert_false (exists (*state, "belfry.db-wal"));
    fill_disk_but (*state, 6000000); /* for a log of 4 MB, not for a file of 4 MB besides */
    bf_error error = {0};
    assert_int_equal (bf_database_open_schema (&db, *state, NULL, &newer, &error),
                      BF_EDISKFULL);
    assert_null (db);
    assert_true (exists (*state, "belfry.db-wal"));
    free_disk (*state);
    assert_int_equal (bf_database_open_schema (&db, *state, NULL, &newer, &error), BF_OK);
    assert_rows (db, 2);
    bf_database_close (&db);
}

static void
test_read_only (void **state)
{
    if (!may_mount) {
        skip ();
    }
    mount_disk (*state, "size=32m", 0);
    char *data = temp_path (*state, "data");
    char *missing = temp_path (*state, "missing");
    bf_database *db = open_ok (data);
    bf_database_close (&db);
    mount_disk (*state, "size=32m", MS_REMOUNT | MS_RDONLY);
    const char *const places[] = {data, missing};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        bf_error error = {0};
        assert_int_equal (bf_database_open_schema (&db, places[i], NULL, &schema, &error),
                          BF_EIO);
        assert_null (db);
        assert_non_null (strstr (error.text, places[i]));
        assert_non_null (strstr (error.text, "Read-only file system"));
        assert_non_null (strstr (error.text, "mount it for writing"));
    }
    mount_disk (*state, "size=32m", MS_REMOUNT);
    db = open_ok (data);
    bf_database_close (&db);
    free (data);
    free (missing);
}

/* Only the file is: SQLite alone would open it for reading and fail at the first write. */
static void
test_read_only_file (void **state)
{
    if (!may_mount) {
        skip ();
    }
    bf_database *db = open_ok (*state);
    bf_database_close (&db);
    char *path = temp_path (*state, "belfry.db");
    assert_int_equal (mount (path, path, NULL, MS_BIND, NULL), 0);
    assert_int_equal (mount (path, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
    bf_error error = {0};
    assert_int_equal (bf_database_open_schema (&db, *state, NULL, &schema, &error), BF_EIO);
    assert_null (db);
    assert_non_null (strstr (error.text, "/belfry.db: cannot be written"));
    assert_false (exists (*state, "belfry.db-wal"));
    assert_int_equal (umount2 (path, MNT_DETACH), 0);
    free (path);
    db = open_ok (*state);
    bf_database_close (&db);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, make_directory, remove_directory)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_new_needs_the_reserve),
        TEST (test_new_needs_room_for_tables),
        TEST (test_reserve_carries_on),
        TEST (test_old_opens_without_reserve),
        TEST (test_recovery_takes_the_reserve),
        TEST (test_copy_needs_room),
        TEST (test_migrated_log_is_kept),
        TEST (test_read_only),
        TEST (test_read_only_file),
    };
    return cmocka_run_group_tests (tests, enter_namespace, NULL);
}
