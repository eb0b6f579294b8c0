/* SPDX-License-Identifier: MPL-2.0
 *
 * Memory that runs out inside SQLite, at every allocation of an open in turn: the open ends
 * with an error or without, never in between, and the next one finds everything in place.
 */
#include "persist/database.h"

#include <stdlib.h>
#include <unistd.h>

#include "persist/migrate.h"
#include "persist/statement.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

static const char *const steps[] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY);",
    "ALTER TABLE t ADD COLUMN w ANY; UPDATE t SET w = v;",
};
static const bf_schema old_schema = {.steps = steps, .version = 1};
static const bf_schema new_schema = {.steps = steps, .version = 2};

static sqlite3_mem_methods real;
static long allocations_left; /* the one that takes it to 0 fails; negative: none does */

static bool
is_refused (void)
{
    return allocations_left > 0 && --allocations_left == 0;
}

static void *
refusing_malloc (int size)
{
    return is_refused () ? NULL : real.xMalloc (size);
}

static void *
refusing_realloc (void *bytes, int size)
{
    return is_refused () ? NULL : real.xRealloc (bytes, size);
}

static bf_err
use (const char *directory, const bf_schema *schema)
{
    bf_database *db = NULL;
    bf_error error = {0};
    bf_err err = bf_database_open_schema (&db, directory, NULL, schema, &error);
    if (err == BF_OK) {
        static const char *const sql[] = {"SELECT v FROM t", "UPDATE t SET v = 'one'"};
        bf_statements *statements = NULL;
        err = bf_statements_open (&statements, db, sql, 2, &error);
        if (err == BF_OK) {
            err = bf_step_done (statements, bf_statement (statements, 1), &error);
        }
        bf_statements_close (&statements);
        bf_database_close (&db);
    } else {
        assert_null (db);
        assert_int_equal (error.code, err);
        assert_true (error.text[0] != '\0');
    }
    return err;
}

static void
make (const char *directory)
{
    bf_database *db = NULL;
    assert_int_equal (bf_database_open_schema (&db, directory, NULL, &old_schema, NULL),
                      BF_OK);
    assert_int_equal (sqlite3_exec (bf_database_handle (db),
                                    "INSERT INTO t VALUES (1, 'one')", NULL, NULL, NULL),
                      SQLITE_OK);
    bf_database_abandon (&db);
}

/* Starts over, but leaves the reserve: making 16 MiB of it is what takes the time. */
static void
clear (const char *directory)
{
    static const char *const names[] = {"belfry.db", "belfry.db-wal",
                                        "belfry.db.v1.backup"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = temp_path (directory, names[i]);
        unlink (path);
        free (path);
    }
}

/* Fails allocation 1, 2, 3, … until there are no more to fail. SQLite lives without some of
 * them. */
static void
try_all (const bf_schema *schema, bool fresh)
{
    char *directory = temp_make ();
    int refused = 0;
    bool reached = true;
    for (long n = 1; reached; n++) {
        clear (directory);
        if (!fresh) {
            make (directory);
        }
        allocations_left = n;
        bf_err err = use (directory, schema);
        reached = allocations_left == 0;
        allocations_left = -1;
        if (err != BF_OK) {
            assert_int_equal (err, BF_ENOMEM);
            refused++;
        }
        assert_int_equal (use (directory, schema), BF_OK);
    }
    assert_true (refused > 100);
    temp_remove (directory);
}

static void
test_new (void **state)
{
    (void)state;
    try_all (&old_schema, true);
}

static void
test_old (void **state)
{
    (void)state;
    try_all (&old_schema, false);
}

static void
test_migrated (void **state)
{
    (void)state;
    try_all (&new_schema, false);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_new),
        cmocka_unit_test (test_old),
        cmocka_unit_test (test_migrated),
    };
    /* In memory, so that hundreds of syncs take no time. */
    if (access ("/dev/shm", W_OK | X_OK) == 0 && setenv ("TMPDIR", "/dev/shm", 1) != 0) {
        return EXIT_FAILURE;
    }
    sqlite3_mem_methods refusing;
    if (sqlite3_config (SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    refusing = real;
    refusing.xMalloc = refusing_malloc;
    refusing.xRealloc = refusing_realloc;
    if (sqlite3_config (SQLITE_CONFIG_MALLOC, &refusing) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    return cmocka_run_group_tests (tests, NULL, NULL);
}
