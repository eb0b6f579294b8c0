/* SPDX-License-Identifier: MPL-2.0
 *
 * Prepared statements by number. What has to be right is that no statement stays in the
 * middle of its rows: every end of every step goes through bf_statement_reset.
 */
#include "persist/statement.h"

#include <stdlib.h>
#include <string.h>

struct bf_statements {
    bf_database *db;     /* borrowed */
    size_t count;        /* of statements */
    sqlite3_stmt **list; /* by number; NULL: a hole in the caller's enum */
};

/* SQLite compiles the first statement of a text and says where the rest begins; a rest
 * would be lost without a word. */
static bf_err
prepare (bf_statements *self, size_t index, const char *sql, bf_error *error)
{
    const char *rest = NULL;
    int rc = sqlite3_prepare_v3 (bf_database_handle (self->db), sql, -1,
                                 SQLITE_PREPARE_PERSISTENT, &self->list[index], &rest);
    if (rc != SQLITE_OK) {
        bf_error cause = {0};
        bf_err err = bf_database_error (self->db, rc, &cause);
        return bf_fail (error, err, "statement %zu: %s", index, cause.text);
    }
    if (self->list[index] == NULL || rest[strspn (rest, " \t\n")] != '\0') {
        return bf_fail (error, BF_EINTERNAL,
                        "statement %zu: is not one statement but none or several", index);
    }
    return BF_OK;
}

bf_err
bf_statements_open (bf_statements **self_p, bf_database *db, const char *const *sql,
                    size_t count, bf_error *error)
{
    bf_statements *self = calloc (1, sizeof *self);
    if (self == NULL) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    self->db = db;
    self->list = calloc (count > 0 ? count : 1, sizeof (sqlite3_stmt *));
    if (self->list == NULL) {
        free (self);
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    self->count = count;
    bf_err err = BF_OK;
    for (size_t i = 0; i < count && err == BF_OK; i++) {
        if (sql[i] != NULL) {
            err = prepare (self, i, sql[i], error);
        }
    }
    if (err != BF_OK) {
        bf_statements_close (&self);
        return err;
    }
    *self_p = self;
    return BF_OK;
}

void
bf_statements_close (bf_statements **self_p)
{
    bf_statements *self = *self_p;
    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->count; i++) {
        sqlite3_finalize (self->list[i]);
    }
    free (self->list);
    free (self);
    *self_p = NULL;
}

sqlite3_stmt *
bf_statement (bf_statements *self, size_t index)
{
    BF_INVARIANT (index < self->count && self->list[index] != NULL);
    /* Only what gave up in the middle of its rows is still busy. */
    if (sqlite3_stmt_busy (self->list[index])) {
        bf_statement_reset (self->list[index]);
    }
    return self->list[index];
}

/* The reset gives the error of the step once more; it was told already. Parameters keep
 * what they are bound to, which may be gone by then, until every one of them is bound anew.
 */
void
bf_statement_reset (sqlite3_stmt *stmt)
{
    (void)sqlite3_reset (stmt);
}

bf_err
bf_step_done (bf_statements *self, sqlite3_stmt *stmt, bf_error *error)
{
    int rc = sqlite3_step (stmt);
    bf_err err = BF_OK;
    if (rc == SQLITE_ROW) {
        err = bf_fail (error, BF_EINTERNAL, "a statement gave a row that nobody asked for");
    } else if (rc != SQLITE_DONE) {
        err = bf_database_error (self->db, rc, error);
    }
    bf_statement_reset (stmt);
    return err;
}

bf_err
bf_step_row (bf_statements *self, sqlite3_stmt *stmt, bool *row, bf_error *error)
{
    int rc = sqlite3_step (stmt);
    if (rc == SQLITE_ROW) {
        *row = true;
        return BF_OK;
    }
    bf_err err = BF_OK;
    if (rc == SQLITE_DONE) {
        *row = false;
    } else {
        err = bf_database_error (self->db, rc, error);
    }
    bf_statement_reset (stmt);
    return err;
}
