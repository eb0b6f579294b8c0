/* SPDX-License-Identifier: MPL-2.0
 *
 * Steps from version to version: all or none of them, behind a copy.
 */
#include "persist/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist/schema.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

#define FIRST                                                                    \
    "CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;"                       \
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES parent (id) " \
    "  ON DELETE CASCADE);"

/* As SQLite's own recipe rebuilds a table: with foreign keys on, the DROP would delete the
 * children, too. */
#define SECOND                                                                  \
    "CREATE TABLE parent2 (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;" \
    "INSERT INTO parent2 SELECT id, 'p' || id FROM parent; DROP TABLE parent;"  \
    "ALTER TABLE parent2 RENAME TO parent;"

static const char *const good[] = {FIRST, SECOND, "CREATE INDEX by_name ON parent (name)"};
static const char *const broken[] = {FIRST, SECOND "INSERT INTO nowhere VALUES (1)"};
static const char *const orphaning[] = {FIRST, "DELETE FROM parent"};

static const bf_schema version_1 = {.steps = good, .version = 1};
static const bf_schema version_2 = {.steps = good, .version = 2};
static const bf_schema version_3 = {.steps = good, .version = 3};

static bf_database *
open_ok (const char *directory, const bf_schema *schema)
{
    bf_database *db = NULL;
    bf_error error = {0};
    bf_err err = bf_database_open_schema (&db, directory, NULL, schema, &error);
    if (err != BF_OK) {
        fail_msg ("%s: %s", bf_err_name (err), error.text);
    }
    return db;
}

static void
assert_answer (sqlite3 *handle, const char *sql, const char *expected)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal (sqlite3_prepare_v2 (handle, sql, -1, &stmt, NULL), SQLITE_OK);
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

static void
make_version_1 (const char *directory)
{
    bf_database *db = open_ok (directory, &version_1);
    assert_int_equal (sqlite3_exec (bf_database_handle (db),
                                    "INSERT INTO parent VALUES (1), (2);"
                                    "INSERT INTO child VALUES (10, 1), (20, 2)",
                                    NULL, NULL, NULL),
                      SQLITE_OK);
    bf_database_close (&db);
}

static void
assert_version_1 (const char *directory, const char *name)
{
    char *path = temp_path (directory, name);
    sqlite3 *handle = NULL;
    assert_int_equal (sqlite3_open (path, &handle), SQLITE_OK);
    assert_answer (handle, "PRAGMA user_version", "1");
    assert_answer (handle, "PRAGMA application_id", "1114400377");
    assert_answer (handle, "PRAGMA integrity_check", "ok");
    assert_answer (handle, "SELECT count(*) FROM child JOIN parent ON parent = parent.id",
                   "2");
    assert_answer (handle, "SELECT count(*) FROM pragma_table_info ('parent')", "1");
    struct stat facts;
    assert_int_equal (stat (path, &facts), 0);
    assert_int_equal (facts.st_mode & 07777, 0600);
    sqlite3_close (handle);
    free (path);
}

static void
test_new_runs_all_steps (void **state)
{
    bf_database *db = open_ok (*state, &version_3);
    assert_true (bf_database_is_new (db));
    assert_answer (bf_database_handle (db), "PRAGMA user_version", "3");
    assert_answer (bf_database_handle (db),
                   "SELECT count(*) FROM sqlite_schema WHERE name = 'by_name'", "1");
    bf_database_close (&db);
    assert_false (exists (*state, "belfry.db.v0.backup"));
}

static void
test_old_is_copied_and_migrated (void **state)
{
    make_version_1 (*state);
    bf_database *db = open_ok (*state, &version_2);
    assert_false (bf_database_is_new (db));
    assert_answer (bf_database_handle (db), "PRAGMA user_version", "2");
    assert_answer (bf_database_handle (db), "SELECT group_concat (name) FROM parent",
                   "p1,p2");
    assert_answer (bf_database_handle (db), "SELECT count(*) FROM child", "2");
    assert_answer (bf_database_handle (db), "PRAGMA foreign_keys", "1");
    assert_int_equal (sqlite3_limit (bf_database_handle (db), SQLITE_LIMIT_ATTACHED, -1),
                      0);
    bf_database_close (&db);
    assert_version_1 (*state, "belfry.db.v1.backup");
    assert_false (exists (*state, "belfry.db.backup.part"));

    /* Up to date: no further copy. */
    db = open_ok (*state, &version_2);
    bf_database_close (&db);
    assert_false (exists (*state, "belfry.db.v2.backup"));
}

static void
test_two_steps_at_once (void **state)
{
    make_version_1 (*state);
    bf_database *db = open_ok (*state, &version_3);
    assert_answer (bf_database_handle (db), "PRAGMA user_version", "3");
    bf_database_close (&db);
    assert_version_1 (*state, "belfry.db.v1.backup");
    assert_false (exists (*state, "belfry.db.v2.backup"));
}

static void
test_copies_are_never_overwritten (void **state)
{
    make_version_1 (*state);
    char *first = temp_path (*state, "belfry.db.v1.backup");
    char *part = temp_path (*state, "belfry.db.backup.part");
    FILE *file = fopen (first, "w");
    assert_non_null (file);
    assert_true (fputs ("precious", file) >= 0);
    assert_int_equal (fclose (file), 0);
    /* Left by a crash in the middle of a copy. */
    assert_int_equal (link (first, part), 0);

    bf_database *db = open_ok (*state, &version_2);
    bf_database_close (&db);
    assert_version_1 (*state, "belfry.db.v1.2.backup");
    char text[16] = "";
    file = fopen (first, "r");
    assert_non_null (file);
    assert_non_null (fgets (text, sizeof text, file));
    fclose (file);
    assert_string_equal (text, "precious");
    assert_false (exists (*state, "belfry.db.backup.part"));
    free (first);
    free (part);
}

/* Which step, why, and everything as it was, also the number of copies. */
static void
test_failing_step_changes_nothing (void **state)
{
    static const struct {
        const bf_schema schema;
        const char *text;
    } failures[] = {
        {{.steps = broken, .version = 2}, "schema step 2: "},
        {{.steps = broken, .version = 2}, "no such table: nowhere"},
        {{.steps = orphaning, .version = 2}, "a row of table child refers to nothing"},
    };
    make_version_1 (*state);
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        bf_database *db = NULL;
        bf_error error = {0};
        assert_int_equal (
            bf_database_open_schema (&db, *state, NULL, &failures[i].schema, &error),
            BF_EINTERNAL);
        assert_null (db);
        if (strstr (error.text, failures[i].text) == NULL) {
            fail_msg ("%s", error.text);
        }
        assert_false (exists (*state, "belfry.db.v1.backup"));
        assert_false (exists (*state, "belfry.db-wal"));
        assert_version_1 (*state, "belfry.db");
    }
    bf_database *db = open_ok (*state, &version_2);
    bf_database_close (&db);
}

static void
test_failing_first_step_leaves_nothing (void **state)
{
    static const char *const steps[] = {"CREATE TABLE t (v); CREATE TABLE t (v)"};
    const bf_schema schema = {.steps = steps, .version = 1};
    bf_database *db = NULL;
    assert_int_equal (bf_database_open_schema (&db, *state, NULL, &schema, NULL),
                      BF_EINTERNAL);
    assert_null (db);
    assert_false (exists (*state, "belfry.reserve"));
    db = open_ok (*state, &version_1);
    assert_true (bf_database_is_new (db));
    bf_database_close (&db);
}

/* The first version of the tables, with a job in it, becomes today's. */
static void
test_first_version (void **state)
{
    const bf_schema first = {.steps = bf_schema_steps, .version = 1};
    bf_database *db = open_ok (*state, &first);
    assert_int_equal (sqlite3_exec (bf_database_handle (db),
                                    "INSERT INTO name VALUES (1, 'default');"
                                    "INSERT INTO tag VALUES ('red', 256)",
                                    NULL, NULL, NULL),
                      SQLITE_OK);
    bf_database_close (&db);
    bf_error error = {0};
    assert_int_equal (bf_database_open (&db, *state, NULL, &error), BF_OK);
    sqlite3 *handle = bf_database_handle (db);
    assert_answer (handle, "SELECT user_version FROM pragma_user_version", "4");
    assert_answer (handle, "SELECT job FROM tag", "256");
    assert_answer (handle,
                   "SELECT (SELECT count (*) FROM zone) + (SELECT count (*) FROM zoned) + "
                   "(SELECT count (*) FROM exclusion) + (SELECT count (*) FROM excluded)",
                   "0");
    bf_database_close (&db);
    assert_true (exists (*state, "belfry.db.v1.backup"));
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
        TEST (test_new_runs_all_steps),
        TEST (test_old_is_copied_and_migrated),
        TEST (test_two_steps_at_once),
        TEST (test_copies_are_never_overwritten),
        TEST (test_failing_step_changes_nothing),
        TEST (test_failing_first_step_leaves_nothing),
        TEST (test_first_version),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
