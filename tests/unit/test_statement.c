/* SPDX-License-Identifier: MPL-2.0
 *
 * Prepared statements by number: ready again after every end, also a bad one.
 */
#include "persist/statement.h"

#include <string.h>

#include "persist/migrate.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

enum { INSERT, SELECT_ALL, HOLE, SELECT_ONE, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [INSERT] = "INSERT INTO t (id, v) VALUES (?1, ?2)",
    [SELECT_ALL] = "SELECT id, v FROM t ORDER BY id",
    [SELECT_ONE] = "SELECT v FROM t WHERE id = ?1;\n  ",
};

static const char *const steps[] = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT) STRICT"};
static const bf_schema schema = {.steps = steps, .version = 1};

typedef struct {
    char *directory;
    bf_database *db;
    bf_statements *statements;
} fixture;

static void
insert (fixture *self, int64_t id, const char *text)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, INSERT);
    sqlite3_bind_int64 (stmt, 1, id);
    sqlite3_bind_text (stmt, 2, text, -1, SQLITE_STATIC);
    assert_int_equal (bf_step_done (self->statements, stmt, NULL), BF_OK);
}

static void
test_rows_then_end (void **state)
{
    fixture *self = *state;
    insert (self, 1, "one");
    insert (self, 2, "two");
    sqlite3_stmt *stmt = bf_statement (self->statements, SELECT_ALL);
    for (int64_t id = 1; id <= 2; id++) {
        bool row = false;
        assert_int_equal (bf_step_row (self->statements, stmt, &row, NULL), BF_OK);
        assert_true (row);
        assert_int_equal (sqlite3_column_int64 (stmt, 0), id);
    }
    bool row = true;
    assert_int_equal (bf_step_row (self->statements, stmt, &row, NULL), BF_OK);
    assert_false (row);
    assert_false (sqlite3_stmt_busy (stmt));
}

/* A read that stays open would stop every checkpoint. */
static void
test_reset_lets_checkpoints_pass (void **state)
{
    fixture *self = *state;
    insert (self, 1, "one");
    insert (self, 2, "two");
    sqlite3_stmt *stmt = bf_statement (self->statements, SELECT_ALL);
    bool row = false;
    assert_int_equal (bf_step_row (self->statements, stmt, &row, NULL), BF_OK);
    assert_true (sqlite3_stmt_busy (stmt));
    bf_statement_reset (stmt);
    assert_false (sqlite3_stmt_busy (stmt));
    bf_statement_reset (stmt);
    assert_int_equal (bf_database_checkpoint (self->db, NULL), BF_OK);
    assert_int_equal (bf_database_wal_pages (self->db), 0);

    /* Asked for again in the middle of its rows, it begins anew. */
    assert_int_equal (bf_step_row (self->statements, stmt, &row, NULL), BF_OK);
    stmt = bf_statement (self->statements, SELECT_ALL);
    assert_int_equal (bf_step_row (self->statements, stmt, &row, NULL), BF_OK);
    assert_int_equal (sqlite3_column_int64 (stmt, 0), 1);
    bf_statement_reset (stmt);
}

/* A reset leaves them: who binds must bind all of them, to NULL too. */
static void
test_bindings_stay (void **state)
{
    fixture *self = *state;
    insert (self, 1, "one");
    sqlite3_stmt *stmt = bf_statement (self->statements, INSERT);
    sqlite3_bind_int64 (stmt, 1, 2);
    sqlite3_bind_null (stmt, 2);
    assert_int_equal (bf_step_done (self->statements, stmt, NULL), BF_OK);

    stmt = bf_statement (self->statements, SELECT_ONE);
    sqlite3_bind_int64 (stmt, 1, 1);
    bool row = false;
    assert_int_equal (bf_step_row (self->statements, stmt, &row, NULL), BF_OK);
    assert_true (row);

    /* Still at its row: asking again resets it. */
    stmt = bf_statement (self->statements, SELECT_ONE);
    sqlite3_bind_int64 (stmt, 1, 2);
    assert_int_equal (bf_step_row (self->statements, stmt, &row, NULL), BF_OK);
    assert_true (row);
    assert_int_equal (sqlite3_column_type (stmt, 0), SQLITE_NULL);
    bf_statement_reset (stmt);
}

static void
test_errors_are_told_and_left_behind (void **state)
{
    fixture *self = *state;
    insert (self, 1, "one");
    sqlite3_stmt *stmt = bf_statement (self->statements, INSERT);
    sqlite3_bind_int64 (stmt, 1, 1);
    bf_error error = {0};
    assert_int_equal (bf_step_done (self->statements, stmt, &error), BF_EINTERNAL);
    assert_non_null (strstr (error.text, "UNIQUE constraint failed: t.id"));
    assert_false (sqlite3_stmt_busy (stmt));

    stmt = bf_statement (self->statements, INSERT);
    sqlite3_bind_int64 (stmt, 1, 1);
    bool row = true;
    assert_int_equal (bf_step_row (self->statements, stmt, &row, &error), BF_EINTERNAL);
    assert_true (row);
    insert (self, 2, "two");

    stmt = bf_statement (self->statements, SELECT_ALL);
    assert_int_equal (bf_step_done (self->statements, stmt, &error), BF_EINTERNAL);
    assert_non_null (strstr (error.text, "a row that nobody asked for"));
    assert_false (sqlite3_stmt_busy (stmt));
}

static void
test_bad_texts (void **state)
{
    static const struct {
        const char *sql;
        const char *text;
    } texts[] = {
        {"SELECT missing FROM t", "no such column: missing"},
        {"SELECT 1; DELETE FROM t", "none or several"},
        {" ", "none or several"},
        {"", "none or several"},
    };
    fixture *self = *state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *const table[] = {"SELECT 1", texts[i].sql};
        bf_statements *statements = NULL;
        bf_error error = {0};
        assert_int_equal (bf_statements_open (&statements, self->db, table, 2, &error),
                          BF_EINTERNAL);
        assert_null (statements);
        if (strstr (error.text, texts[i].text) == NULL ||
            strstr (error.text, "statement 1: ") == NULL) {
            fail_msg ("%s", error.text);
        }
    }
}

static void
test_close_twice (void **state)
{
    fixture *self = *state;
    bf_statements_close (&self->statements);
    assert_null (self->statements);
    bf_statements_close (&self->statements);
    assert_int_equal (bf_statements_open (&self->statements, self->db, NULL, 0, NULL),
                      BF_OK);
}

static int
make_fixture (void **state)
{
    static fixture self;
    self = (fixture){.directory = temp_make ()};
    *state = &self;
    if (bf_database_open_schema (&self.db, self.directory, NULL, &schema, NULL) != BF_OK) {
        return -1;
    }
    return bf_statements_open (&self.statements, self.db, sql, STATEMENTS, NULL);
}

static int
remove_fixture (void **state)
{
    fixture *self = *state;
    bf_statements_close (&self->statements);
    bf_database_close (&self->db);
    temp_remove (self->directory);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, make_fixture, remove_fixture)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_rows_then_end), TEST (test_reset_lets_checkpoints_pass),
        TEST (test_bindings_stay), TEST (test_errors_are_told_and_left_behind),
        TEST (test_bad_texts),     TEST (test_close_twice),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
