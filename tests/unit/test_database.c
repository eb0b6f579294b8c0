/* SPDX-License-Identifier: MPL-2.0
 *
 * A life with the file: made, locked, set, written, checkpointed, closed, abandoned. What
 * is refused is in test_database_refused.c, what the disk refuses in test_database_disk.c.
 */
#include "persist/database.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "persist/migrate.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

static const char *const steps[] = {"CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY);"};
static const bf_schema schema = {.steps = steps, .version = 1};

static bf_database *
open_ok (const char *directory, const char *vfs)
{
    bf_database *db = NULL;
    bf_error error = {0};
    bf_err err = bf_database_open_schema (&db, directory, vfs, &schema, &error);
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
assert_answer (bf_database *db, const char *sql, const char *expected)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal (sqlite3_prepare_v2 (bf_database_handle (db), sql, -1, &stmt, NULL),
                      SQLITE_OK);
    assert_int_equal (sqlite3_step (stmt), SQLITE_ROW);
    assert_string_equal ((const char *)sqlite3_column_text (stmt, 0), expected);
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

static mode_t
mode_of (const char *directory, const char *name)
{
    char *path = temp_path (directory, name);
    struct stat facts;
    assert_int_equal (stat (path, &facts), 0);
    free (path);
    return facts.st_mode & 07777;
}

static void
test_new_then_reopened (void **state)
{
    char *directory = *state;
    bf_database *db = open_ok (directory, NULL);
    assert_true (bf_database_is_new (db));
    assert_true (bf_database_has_reserve (db));
    assert_int_equal (run (db, "INSERT INTO t VALUES (1, 'one')"), SQLITE_OK);
    bf_database_close (&db);
    assert_null (db);
    assert_false (exists (directory, "belfry.db-wal"));
    assert_false (exists (directory, "belfry.db-journal"));
    assert_true (exists (directory, "belfry.reserve"));

    db = open_ok (directory, NULL);
    assert_false (bf_database_is_new (db));
    assert_answer (db, "SELECT v FROM t", "one");
    bf_database_close (&db);
    bf_database_close (&db);
    bf_database_abandon (&db);
}

static void
test_real_schema_opens (void **state)
{
    bf_database *db = NULL;
    for (int i = 0; i < 2; i++) {
        bf_error error = {0};
        bf_err err = bf_database_open (&db, *state, NULL, &error);
        if (err != BF_OK) {
            fail_msg ("%s: %s", bf_err_name (err), error.text);
        }
        assert_int_equal (bf_database_is_new (db), i == 0);
        assert_answer (db, "PRAGMA integrity_check", "ok");
        bf_database_close (&db);
    }
}

static void
test_empty_leftover_is_new (void **state)
{
    char *path = temp_path (*state, "belfry.db");
    int fd = open (path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true (fd >= 0);
    close (fd);
    free (path);
    bf_database *db = open_ok (*state, NULL);
    assert_true (bf_database_is_new (db));
    bf_database_close (&db);
}

static void
test_settings (void **state)
{
    static const struct {
        const char *sql;
        const char *expected;
    } settings[] = {
        {"PRAGMA locking_mode", "exclusive"},
        {"PRAGMA journal_mode", "wal"},
        {"PRAGMA synchronous", "2"},
        {"PRAGMA foreign_keys", "1"},
        {"PRAGMA secure_delete", "0"},
        {"PRAGMA temp_store", "2"},
        {"PRAGMA cache_size", "-16384"},
        {"PRAGMA mmap_size", "0"},
        {"PRAGMA cell_size_check", "1"},
        {"PRAGMA wal_autocheckpoint", "0"},
        {"PRAGMA journal_size_limit", "16777216"},
        {"PRAGMA page_size", "4096"},
        {"PRAGMA auto_vacuum", "0"},
        {"PRAGMA application_id", "1114400377"},
        {"PRAGMA user_version", "1"},
        {"PRAGMA trusted_schema", "0"},
    };
    for (int open = 0; open < 2; open++) {
        bf_database *db = open_ok (*state, NULL);
        for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
            assert_answer (db, settings[i].sql, settings[i].expected);
        }
        assert_int_equal (run (db, "ATTACH ':memory:' AS other"), SQLITE_ERROR);
        assert_int_equal (run (db, "SELECT \"a string\""), SQLITE_ERROR);
        assert_int_equal (run (db, "DELETE FROM sqlite_schema"), SQLITE_ERROR);
        assert_int_equal (run (db, "SELECT zeroblob (3000000)"), SQLITE_TOOBIG);
        assert_int_equal (run (db, "INSERT INTO t (v) VALUES (1)"), SQLITE_OK);
        assert_false (exists (*state, "belfry.db-shm"));
        bf_database_close (&db);
    }
}

static void
test_modes_under_any_umask (void **state)
{
    static const mode_t masks[] = {0, 022, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        char name[16];
        snprintf (name, sizeof name, "data%zu", i);
        char *directory = temp_path (*state, name);
        mode_t before = umask (masks[i]);
        bf_database *db = open_ok (directory, NULL);
        umask (before);
        assert_int_equal (run (db, "INSERT INTO t (v) VALUES (1)"), SQLITE_OK);
        assert_int_equal (mode_of (directory, ""), 0700);
        assert_int_equal (mode_of (directory, "belfry.db"), 0600);
        assert_int_equal (mode_of (directory, "belfry.db-wal"), 0600);
        assert_int_equal (mode_of (directory, "belfry.lock"), 0600);
        assert_int_equal (mode_of (directory, "belfry.reserve"), 0600);
        bf_database_close (&db);
        free (directory);
    }
}

static void
test_linked_directory (void **state)
{
    char *real = temp_path (*state, "real");
    char *link = temp_path (*state, "link");
    assert_int_equal (mkdir (real, 0700), 0);
    assert_int_equal (symlink (real, link), 0);
    bf_database *db = open_ok (link, NULL);
    assert_true (exists (real, "belfry.db"));
    bf_database_close (&db);
    free (real);
    free (link);
}

static void
test_second_open_is_refused (void **state)
{
    bf_database *db = open_ok (*state, NULL);
    assert_int_equal (run (db, "INSERT INTO t VALUES (1, 'one')"), SQLITE_OK);
    char pid[32];
    snprintf (pid, sizeof pid, "process %ld", (long)getpid ());

    bf_database *second = NULL;
    bf_error error = {0};
    assert_int_equal (bf_database_open_schema (&second, *state, NULL, &schema, &error),
                      BF_ELOCKED);
    assert_null (second);
    assert_int_equal (error.code, BF_ELOCKED);
    assert_non_null (strstr (error.text, *state));
    assert_non_null (strstr (error.text, pid));

    /* The refusal did not cost the first its hold, as a close of belfry.db would have. */
    assert_int_equal (run (db, "INSERT INTO t VALUES (2, 'two')"), SQLITE_OK);
    bf_database_close (&db);
    db = open_ok (*state, NULL);
    assert_answer (db, "SELECT count(*) FROM t", "2");
    bf_database_close (&db);
}

/* What another process gets. Only numbers leave the child, which must not run on in
 * cmocka. */
static int
open_in_child (const char *directory)
{
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        bf_database *db = NULL;
        bf_err err = bf_database_open_schema (&db, directory, NULL, &schema, NULL);
        bf_database_close (&db);
        _exit (-(int)err);
    }
    int status = 0;
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_true (WIFEXITED (status));
    return -WEXITSTATUS (status);
}

static void
test_another_process_is_refused (void **state)
{
    bf_database *db = open_ok (*state, NULL);
    assert_int_equal (open_in_child (*state), BF_ELOCKED);
    /* The flock aside, SQLite's own lock keeps any other reader out. */
    char *path = temp_path (*state, "belfry.db");
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        sqlite3 *other = NULL;
        int rc = sqlite3_open (path, &other);
        if (rc == SQLITE_OK) {
            rc = sqlite3_exec (other, "SELECT count(*) FROM t", NULL, NULL, NULL);
        }
        _exit (rc & 0xff);
    }
    int status = 0;
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), SQLITE_BUSY);
    free (path);
    bf_database_close (&db);
    assert_int_equal (open_in_child (*state), BF_OK);
}

static void
test_child_does_not_keep_the_lock (void **state)
{
    bf_database *db = open_ok (*state, NULL);
    int gate[2];
    assert_int_equal (pipe (gate), 0);
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        char byte;
        close (gate[1]);
        _exit (read (gate[0], &byte, 1) == 0 ? 0 : 1);
    }
    close (gate[0]);
    bf_database_close (&db);
    db = open_ok (*state, NULL);
    close (gate[1]);
    int status = 0;
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_int_equal (status, 0);
    bf_database_close (&db);
}

static void
test_abandoned_is_recovered (void **state)
{
    bf_database *db = open_ok (*state, NULL);
    assert_int_equal (run (db, "INSERT INTO t VALUES (1, 'one')"), SQLITE_OK);
    assert_int_equal (run (db, "BEGIN; INSERT INTO t VALUES (2, 'two')"), SQLITE_OK);
    bf_database_abandon (&db);
    assert_null (db);
    struct stat facts;
    char *path = temp_path (*state, "belfry.db-wal");
    assert_int_equal (stat (path, &facts), 0);
    assert_true (facts.st_size > 0);

    db = open_ok (*state, NULL);
    assert_answer (db, "SELECT group_concat (v) FROM t", "one");
    /* Moved and synced before anybody is served. */
    assert_int_equal (stat (path, &facts), 0);
    assert_int_equal (facts.st_size, 0);
    bf_database_close (&db);
    free (path);
}

static void
test_damaged_log_tail (void **state)
{
    bf_database *db = open_ok (*state, NULL);
    assert_int_equal (run (db, "INSERT INTO t VALUES (1, 'one')"), SQLITE_OK);
    assert_int_equal (run (db, "INSERT INTO t VALUES (2, 'two')"), SQLITE_OK);
    bf_database_abandon (&db);
    char *path = temp_path (*state, "belfry.db-wal");
    int fd = open (path, O_RDWR | O_CLOEXEC);
    assert_true (fd >= 0);
    off_t end = lseek (fd, 0, SEEK_END);
    assert_int_equal (pwrite (fd, "torn", 4, end - 4), 4);
    close (fd);
    free (path);

    db = open_ok (*state, NULL);
    assert_answer (db, "SELECT group_concat (v) FROM t", "one");
    assert_answer (db, "PRAGMA integrity_check", "ok");
    bf_database_close (&db);
}

/* Leaves what a power cut in the very first commit may leave: a page of zeros, and the
 * journal that says that the file was empty. */
static void
cut_first_commit (const char *path)
{
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        sqlite3 *handle = NULL;
        int rc = sqlite3_open (path, &handle);
        if (rc == SQLITE_OK) {
            rc = sqlite3_exec (handle,
                               "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;"
                               "PRAGMA application_id = 1114400377; CREATE TABLE t (v);"
                               "INSERT INTO t VALUES (zeroblob (200000))",
                               NULL, NULL, NULL);
        }
        _exit (rc);
    }
    int status = 0;
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_int_equal (status, 0);
    static const char zeros[4096];
    int fd = open (path, O_RDWR | O_CLOEXEC);
    assert_true (fd >= 0);
    assert_int_equal (pwrite (fd, zeros, sizeof zeros, 0), (ssize_t)sizeof zeros);
    close (fd);
}

static void
test_unfinished_first_commit (void **state)
{
    char *path = temp_path (*state, "belfry.db");
    cut_first_commit (path);
    assert_true (exists (*state, "belfry.db-journal"));
    bf_database *db = open_ok (*state, NULL);
    assert_true (bf_database_is_new (db));
    assert_int_equal (run (db, "INSERT INTO t VALUES (1, 'one')"), SQLITE_OK);
    bf_database_close (&db);
    assert_false (exists (*state, "belfry.db-journal"));
    free (path);
}

static void
test_checkpoint_empties_the_log (void **state)
{
    bf_database *db = open_ok (*state, NULL);
    assert_int_equal (bf_database_wal_pages (db), 0);
    assert_int_equal (run (db, "INSERT INTO t (v) VALUES (zeroblob (100000))"), SQLITE_OK);
    int pages = bf_database_wal_pages (db);
    assert_in_range (pages, 25, 40);
    assert_int_equal (run (db, "INSERT INTO t (v) VALUES (zeroblob (100000))"), SQLITE_OK);
    assert_true (bf_database_wal_pages (db) > pages);
    bf_error error = {0};
    assert_int_equal (bf_database_checkpoint (db, &error), BF_OK);
    assert_int_equal (bf_database_wal_pages (db), 0);
    assert_int_equal (run (db, "INSERT INTO t (v) VALUES (1)"), SQLITE_OK);
    assert_in_range (bf_database_wal_pages (db), 1, 3);

    /* A reader in the middle of its rows is a bug that must show. */
    sqlite3_stmt *reader = NULL;
    assert_int_equal (
        sqlite3_prepare_v2 (bf_database_handle (db), "SELECT id FROM t", -1, &reader, NULL),
        SQLITE_OK);
    assert_int_equal (sqlite3_step (reader), SQLITE_ROW);
    assert_int_equal (run (db, "INSERT INTO t (v) VALUES (zeroblob (100000))"), SQLITE_OK);
    assert_int_equal (bf_database_checkpoint (db, &error), BF_EINTERNAL);
    assert_true (bf_database_wal_pages (db) > 0);
    sqlite3_finalize (reader);
    assert_int_equal (bf_database_checkpoint (db, &error), BF_OK);
    assert_int_equal (bf_database_wal_pages (db), 0);
    bf_database_close (&db);
}

static void
test_reserve (void **state)
{
    bf_database *db = open_ok (*state, NULL);
    char *path = temp_path (*state, "belfry.reserve");
    struct stat facts;
    assert_int_equal (stat (path, &facts), 0);
    assert_int_equal (facts.st_size, BF_RESERVE_BYTES);
    assert_true (facts.st_blocks * 512 >= BF_RESERVE_BYTES);
    bf_database_release_reserve (db);
    assert_false (bf_database_has_reserve (db));
    assert_int_equal (stat (path, &facts), -1);
    assert_int_equal (bf_database_rebuild_reserve (db), BF_OK);
    assert_true (bf_database_has_reserve (db));
    /* Sparse is not a reserve. */
    assert_int_equal (truncate (path, 0), 0);
    assert_int_equal (truncate (path, BF_RESERVE_BYTES), 0);
    bf_database_close (&db);
    db = open_ok (*state, NULL);
    assert_true (bf_database_has_reserve (db));
    assert_int_equal (stat (path, &facts), 0);
    assert_true (facts.st_blocks * 512 >= BF_RESERVE_BYTES);
    bf_database_close (&db);
    free (path);
}

static void
test_errors_by_code (void **state)
{
    static const struct {
        int sqlite_rc;
        bf_err expected;
    } codes[] = {
        {SQLITE_FULL, BF_EDISKFULL},         {SQLITE_NOMEM, BF_ENOMEM},
        {SQLITE_IOERR_NOMEM, BF_ENOMEM},     {SQLITE_CORRUPT, BF_ECORRUPT},
        {SQLITE_CORRUPT_INDEX, BF_ECORRUPT}, {SQLITE_NOTADB, BF_ECORRUPT},
        {SQLITE_BUSY, BF_ELOCKED},           {SQLITE_IOERR_FSYNC, BF_EIO},
        {SQLITE_CANTOPEN, BF_EIO},           {SQLITE_READONLY_DBMOVED, BF_EIO},
        {SQLITE_PROTOCOL, BF_EIO},           {SQLITE_CONSTRAINT_UNIQUE, BF_EINTERNAL},
        {SQLITE_MISUSE, BF_EINTERNAL},       {SQLITE_LOCKED, BF_EINTERNAL},
    };
    bf_database *db = open_ok (*state, NULL);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        bf_error error = {0};
        assert_int_equal (bf_database_error (db, codes[i].sqlite_rc, &error),
                          codes[i].expected);
        assert_int_equal (error.code, codes[i].expected);
        assert_true (strcmp (error.text, "out of memory") == 0 ||
                     strstr (error.text, "/belfry.db: ") != NULL);
        assert_int_equal (bf_database_error (db, codes[i].sqlite_rc, NULL),
                          codes[i].expected);
    }
    bf_database_close (&db);
}

/* A limit of the file size is an error of write() that is not a full disk. */
static void
test_failed_commit_names_its_errno (void **state)
{
    bf_database *db = open_ok (*state, NULL);
    struct rlimit before;
    assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 65536, .rlim_max = before.rlim_max};
    void (*handler) (int) = signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
    int rc = run (db, "INSERT INTO t (v) VALUES (zeroblob (200000))");
    bf_error error = {0};
    bf_err err = bf_database_error (db, rc, &error);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
    signal (SIGXFSZ, handler);
    assert_int_equal (rc, SQLITE_IOERR_WRITE);
    assert_int_equal (err, BF_EIO);
    assert_non_null (strstr (error.text, "File too large"));
    bf_database_abandon (&db);
    db = open_ok (*state, NULL);
    assert_answer (db, "SELECT count(*) FROM t", "0");
    bf_database_close (&db);
}

/* A VFS of another name over the system's files, whose log cannot be written when told so.
 */
static sqlite3_io_methods failing_methods;
static const sqlite3_io_methods *real_methods;
static int (*real_open) (sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static int write_errno;

static int
failing_write (sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    return write_errno != 0 ? SQLITE_IOERR_WRITE
                            : real_methods->xWrite (file, bytes, count, offset);
}

static int
failing_control (sqlite3_file *file, int code, void *argument)
{
    if (code == SQLITE_FCNTL_LAST_ERRNO && write_errno != 0) {
        *(int *)argument = write_errno;
        return SQLITE_OK;
    }
    return real_methods->xFileControl (file, code, argument);
}

static int
failing_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    int rc = real_open (vfs, name, file, flags, out);
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        real_methods = file->pMethods;
        failing_methods = *real_methods;
        failing_methods.xWrite = failing_write;
        failing_methods.xFileControl = failing_control;
        file->pMethods = &failing_methods;
    }
    return rc;
}

static void
test_named_vfs (void **state)
{
    sqlite3_vfs vfs = *sqlite3_vfs_find (NULL);
    vfs.zName = "failing";
    real_open = vfs.xOpen;
    vfs.xOpen = failing_open;
    assert_int_equal (sqlite3_vfs_register (&vfs, 0), SQLITE_OK);
    write_errno = 0;
    bf_database *db = open_ok (*state, "failing");
    assert_false (exists (*state, "belfry.lock"));
    assert_false (exists (*state, "belfry.reserve"));
    assert_true (bf_database_has_reserve (db));
    bf_database_release_reserve (db);
    assert_false (bf_database_has_reserve (db));
    assert_int_equal (bf_database_rebuild_reserve (db), BF_OK);
    assert_true (bf_database_has_reserve (db));

    static const struct {
        int number;
        bf_err expected;
        const char *text;
    } failures[] = {{EDQUOT, BF_EDISKFULL, "quota"}, {EIO, BF_EIO, "Input/output error"}};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        bf_error error = {0};
        write_errno = failures[i].number;
        int rc = run (db, "INSERT INTO t VALUES (1, 'one')");
        assert_int_equal (rc, SQLITE_IOERR_WRITE);
        assert_int_equal (bf_database_error (db, rc, &error), failures[i].expected);
        assert_non_null (strstr (error.text, failures[i].text));
        write_errno = 0;
    }
    bf_database_abandon (&db);

    db = open_ok (*state, "failing");
    assert_false (bf_database_is_new (db));
    assert_answer (db, "SELECT count(*) FROM t", "0");
    bf_database_close (&db);
    sqlite3_vfs_unregister (&vfs);
    bf_error error = {0};
    assert_int_equal (bf_database_open_schema (&db, *state, "failing", &schema, &error),
                      BF_EINTERNAL);
    assert_null (db);
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
    temp_remove (*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, make_directory, remove_directory)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_new_then_reopened),
        TEST (test_real_schema_opens),
        TEST (test_empty_leftover_is_new),
        TEST (test_settings),
        TEST (test_modes_under_any_umask),
        TEST (test_linked_directory),
        TEST (test_second_open_is_refused),
        TEST (test_another_process_is_refused),
        TEST (test_child_does_not_keep_the_lock),
        TEST (test_abandoned_is_recovered),
        TEST (test_damaged_log_tail),
        TEST (test_unfinished_first_commit),
        TEST (test_checkpoint_empties_the_log),
        TEST (test_reserve),
        TEST (test_errors_by_code),
        TEST (test_failed_commit_names_its_errno),
        TEST (test_named_vfs),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
