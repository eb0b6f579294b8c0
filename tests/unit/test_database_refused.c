/* SPDX-License-Identifier: MPL-2.0
 *
 * Directories that must not be opened. Each case makes one, opens it, and looks for the
 * right error and for every file as it was: bytes, modification time, none more, none less.
 */
#include "persist/database.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist/header.h"
#include "persist/migrate.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

#define SNAPSHOT_BYTES 4096

static const char *const steps[] = {"CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY);"};
static const bf_schema schema = {.steps = steps, .version = 1};

static uint64_t
hash_of (const char *path)
{
    uint64_t hash = UINT64_C (14695981039346656037); /* FNV-1a */
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    assert_true (fd >= 0);
    unsigned char bytes[4096];
    ssize_t count;
    while ((count = read (fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            hash = (hash ^ bytes[i]) * UINT64_C (1099511628211);
        }
    }
    close (fd);
    return hash;
}

static int
not_ours_to_compare (const struct dirent *entry)
{
    return strcmp (entry->d_name, "belfry.lock") != 0 && entry->d_name[0] != '.';
}

/* One line per file, sorted by name. Only while nobody in this process has the database
 * open: reading it would drop SQLite's lock. */
static void
snapshot (const char *directory, char text[SNAPSHOT_BYTES])
{
    struct dirent **entries = NULL;
    int count = scandir (directory, &entries, not_ours_to_compare, alphasort);
    assert_true (count >= 0);
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        char *path = temp_path (directory, entries[i]->d_name);
        struct stat facts;
        assert_int_equal (lstat (path, &facts), 0);
        unsigned long long hash = S_ISREG (facts.st_mode) ? hash_of (path) : 0;
        int length =
            snprintf (text + used, SNAPSHOT_BYTES - used, "%s %o %lld %lld.%09ld %llx\n",
                      entries[i]->d_name, (unsigned)facts.st_mode, (long long)facts.st_size,
                      (long long)facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, hash);
        used += (size_t)length;
        assert_true (used < SNAPSHOT_BYTES);
        free (path);
        free (entries[i]);
    }
    free (entries);
}

static void
put (const char *directory, const char *name, off_t offset, const void *bytes, size_t size)
{
    char *path = temp_path (directory, name);
    int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true (fd >= 0);
    assert_int_equal (pwrite (fd, bytes, size, offset), (ssize_t)size);
    close (fd);
    free (path);
}

static void
fill (const char *directory, const char *name, off_t offset, int byte, size_t size)
{
    unsigned char bytes[8192];
    assert_true (size <= sizeof bytes);
    memset (bytes, byte, size);
    put (directory, name, offset, bytes, size);
}

/* A good store. `unmoved`: SQL whose effect is left in the log; NULL for none. */
static void
make_store (const char *directory, const char *unmoved)
{
    bf_database *db = NULL;
    assert_int_equal (bf_database_open_schema (&db, directory, NULL, &schema, NULL), BF_OK);
    sqlite3 *handle = bf_database_handle (db);
    assert_int_equal (sqlite3_exec (handle, "INSERT INTO t VALUES (1, zeroblob (50000))",
                                    NULL, NULL, NULL),
                      SQLITE_OK);
    if (unmoved == NULL) {
        bf_database_close (&db);
        return;
    }
    assert_int_equal (bf_database_checkpoint (db, NULL), BF_OK);
    assert_int_equal (sqlite3_exec (handle, unmoved, NULL, NULL, NULL), SQLITE_OK);
    bf_database_abandon (&db);
}

static void
make_foreign (const char *directory, const char *sql)
{
    char *path = temp_path (directory, "belfry.db");
    sqlite3 *handle = NULL;
    assert_int_equal (sqlite3_open (path, &handle), SQLITE_OK);
    assert_int_equal (sqlite3_db_config (handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL),
                      SQLITE_OK);
    assert_int_equal (sqlite3_exec (handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal (sqlite3_close (handle), SQLITE_OK);
    free (path);
}

static void
garbage (const char *directory)
{
    fill (directory, "belfry.db", 0, 'x', 8192);
}

static void
zeros (const char *directory)
{
    fill (directory, "belfry.db", 0, 0, 8192);
}

static void
cut_short (const char *directory)
{
    put (directory, "belfry.db", 0, "SQLite format 3", 16);
}

static void
foreign (const char *directory)
{
    make_foreign (directory, "CREATE TABLE theirs (v); INSERT INTO theirs VALUES (1)");
}

static void
foreign_with_log (const char *directory)
{
    make_foreign (directory, "PRAGMA application_id = 7; PRAGMA journal_mode = WAL;"
                             "CREATE TABLE theirs (v); INSERT INTO theirs VALUES (1)");
}

static void
newer (const char *directory)
{
    make_store (directory, NULL);
    put (directory, "belfry.db", 60, "\0\0\0\x09", 4);
}

static void
newer_in_the_log (const char *directory)
{
    make_store (directory, "PRAGMA user_version = 9");
}

static void
without_tables (const char *directory)
{
    make_foreign (directory, "PRAGMA application_id = 1114400377; PRAGMA user_version = 1");
}

static void
damaged_schema (const char *directory)
{
    make_store (directory, NULL);
    fill (directory, "belfry.db", 100, 0xa5, 3996);
}

static void
damaged_schema_with_log (const char *directory)
{
    make_store (directory, "INSERT INTO t VALUES (2, 2)");
    fill (directory, "belfry.db", 100, 0xa5, 3996);
}

static void
damaged_page_size (const char *directory)
{
    make_store (directory, "INSERT INTO t VALUES (2, 2)");
    put (directory, "belfry.db", 16, "\x01\x01", 2);
}

static void
cut_off (const char *directory)
{
    make_store (directory, NULL);
    char *path = temp_path (directory, "belfry.db");
    assert_int_equal (truncate (path, 4096), 0);
    free (path);
}

static void
missing_beside_log (const char *directory)
{
    make_store (directory, "INSERT INTO t VALUES (2, 'two')");
    char *path = temp_path (directory, "belfry.db");
    assert_int_equal (unlink (path), 0);
    free (path);
}

static void
empty_beside_log (const char *directory)
{
    make_store (directory, "INSERT INTO t VALUES (2, 'two')");
    char *path = temp_path (directory, "belfry.db");
    assert_int_equal (truncate (path, 0), 0);
    free (path);
}

static void
symbolic_link (const char *directory)
{
    make_store (directory, NULL);
    char *path = temp_path (directory, "belfry.db");
    char *elsewhere = temp_path (directory, "elsewhere.db");
    assert_int_equal (rename (path, elsewhere), 0);
    assert_int_equal (symlink (elsewhere, path), 0);
    free (path);
    free (elsewhere);
}

static void
named_pipe (const char *directory)
{
    char *path = temp_path (directory, "belfry.db");
    assert_int_equal (mkfifo (path, 0600), 0);
    free (path);
}

static void
folder (const char *directory)
{
    char *path = temp_path (directory, "belfry.db");
    assert_int_equal (mkdir (path, 0700), 0);
    free (path);
}

static const struct {
    const char *name;
    void (*make) (const char *directory);
    bf_err expected;
    const char *text;
} cases[] = {
    {"garbage", garbage, BF_EFOREIGN, "is not an SQLite file"},
    {"zeros without a journal", zeros, BF_EFOREIGN, "is not an SQLite file"},
    {"cut short", cut_short, BF_ECORRUPT, "cut off after 16 bytes"},
    {"foreign", foreign, BF_EFOREIGN, "application_id 0x00000000, ours is 0x426c6679"},
    {"foreign with a log", foreign_with_log, BF_EFOREIGN, "belongs to another program"},
    {"newer", newer, BF_ENEWER, "schema 9, this program knows 1"},
    {"newer in the log", newer_in_the_log, BF_ENEWER, "schema 9, this program knows 1"},
    {"without tables", without_tables, BF_ECORRUPT, "has lost its tables"},
    {"damaged schema", damaged_schema, BF_ECORRUPT, "damaged: "},
    {"damaged schema, log", damaged_schema_with_log, BF_ECORRUPT, "damaged: "},
    {"damaged page size", damaged_page_size, BF_ECORRUPT, "damaged: "},
    {"cut off", cut_off, BF_ECORRUPT, "damaged: "},
    {"missing beside a log", missing_beside_log, BF_ECORRUPT, "belfry.db-wal holds data"},
    {"empty beside a log", empty_beside_log, BF_ECORRUPT, "belfry.db-wal holds data"},
    {"symbolic link", symbolic_link, BF_EIO, "symbolic link"},
    {"named pipe", named_pipe, BF_EFOREIGN, "not a regular file"},
    {"folder", folder, BF_EFOREIGN, "not a regular file"},
};

static void
test_refused_and_left_alone (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *directory = temp_make ();
        cases[i].make (directory);
        char before[SNAPSHOT_BYTES];
        char after[SNAPSHOT_BYTES];
        snapshot (directory, before);
        /* Twice: a refusal must not make the next open see something else. */
        for (int round = 0; round < 2; round++) {
            bf_database *db = NULL;
            bf_error error = {0};
            bf_err err = bf_database_open_schema (&db, directory, NULL, &schema, &error);
            if (err != cases[i].expected || strstr (error.text, cases[i].text) == NULL) {
                fail_msg ("%s: %s: %s", cases[i].name, bf_err_name (err), error.text);
            }
            assert_null (db);
            assert_int_equal (error.code, err);
            assert_non_null (strstr (error.text, "/belfry.db: "));
            snapshot (directory, after);
            if (strcmp (before, after) != 0) {
                fail_msg ("%s: before\n%safter\n%s", cases[i].name, before, after);
            }
        }
        temp_remove (directory);
    }
}

/* Both are known before SQLite sees the file. */
static void
test_header_alone (void **state)
{
    (void)state;
    char *directory = temp_make ();
    char *path = temp_path (directory, "belfry.db");
    assert_int_equal (bf_header_check (path, 1, NULL), BF_OK);
    make_store (directory, NULL);
    assert_int_equal (bf_header_check (path, 1, NULL), BF_OK);
    put (directory, "belfry.db", 60, "\0\0\0\x02", 4);
    assert_int_equal (bf_header_check (path, 1, NULL), BF_ENEWER);
    assert_int_equal (bf_header_check (path, 2, NULL), BF_OK);
    put (directory, "belfry.db", 68, "Elsa", 4);
    assert_int_equal (bf_header_check (path, 2, NULL), BF_EFOREIGN);
    free (path);
    temp_remove (directory);
}

/* The lock that a refused open took is free again. */
static void
test_refusal_unlocks (void **state)
{
    (void)state;
    char *directory = temp_make ();
    garbage (directory);
    bf_database *db = NULL;
    assert_int_equal (bf_database_open_schema (&db, directory, NULL, &schema, NULL),
                      BF_EFOREIGN);
    char *path = temp_path (directory, "belfry.db");
    assert_int_equal (unlink (path), 0);
    free (path);
    assert_int_equal (bf_database_open_schema (&db, directory, NULL, &schema, NULL), BF_OK);
    bf_database_close (&db);
    temp_remove (directory);
}

/* root may write anywhere, so what stops them here is no right but a thing in the way. */
static void
test_directory_that_cannot_be (void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
    } places[] = {
        {"file", "in the way"},
        {"file/data", "in the way"},
        {"missing/data", "parent directory"},
        {"dangling", "in the way"},
    };
    char *directory = temp_make ();
    put (directory, "file", 0, "x", 1);
    char *dangling = temp_path (directory, "dangling");
    assert_int_equal (symlink ("nowhere", dangling), 0);
    free (dangling);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *path = temp_path (directory, places[i].name);
        bf_database *db = NULL;
        bf_error error = {0};
        assert_int_equal (bf_database_open_schema (&db, path, NULL, &schema, &error),
                          BF_EIO);
        assert_null (db);
        if (strstr (error.text, path) == NULL ||
            strstr (error.text, places[i].text) == NULL) {
            fail_msg ("%s: %s", places[i].name, error.text);
        }
        free (path);
    }
    temp_remove (directory);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_refused_and_left_alone),
        cmocka_unit_test (test_header_alone),
        cmocka_unit_test (test_refusal_unlocks),
        cmocka_unit_test (test_directory_that_cannot_be),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
