/* SPDX-License-Identifier: MPL-2.0
 *
 * Prepared statements by number: a caller keeps its SQL in one table, indexed by an enum,
 * and each text is prepared at most once, at open, and used until close. A statement that
 * was left in the middle of its rows holds a read transaction open and stops every
 * checkpoint, so the steps below reset and clear at the end of the rows and on every error.
 * Only persist/ledger uses this; one thread.
 *
 *   stmt = bf_statement (statements, JOB_INSERT);
 *   sqlite3_bind_int64 (stmt, 1, id);
 *   rc = bf_step_done (statements, stmt, error);
 */
#ifndef BF_PERSIST_STATEMENT_H
#define BF_PERSIST_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <sqlite3.h>

#include "core/base/errors.h"
#include "persist/database.h"

typedef struct bf_statements bf_statements;

/* Prepares sql[0 .. count), one statement each; an entry may be NULL (a hole in the enum).
 * Borrows db, which must outlive it; the table is not needed afterwards.
 * A text that SQLite does not accept: BF_EINTERNAL, with its number and SQLite's reason. */
bf_err bf_statements_open (bf_statements **self_p, bf_database *db, const char *const *sql,
                           size_t count, bf_error *error);

/* Finalises all. Accepts NULL and half-built. Before bf_database_close. */
void bf_statements_close (bf_statements **self_p);

/* Statement number `index`, reset, ready to bind by position: every parameter, to NULL,
 * too, because each still is bound to what it was before. Borrowed. One use at a time:
 * asking again for a statement whose rows are still being read resets it. */
sqlite3_stmt *bf_statement (bf_statements *self, size_t index);

/* Runs a statement that gives no rows (INSERT, UPDATE, DELETE), then resets it, also on
 * error. Errors as bf_database_error; a row is BF_EINTERNAL. */
bf_err bf_step_done (bf_statements *self, sqlite3_stmt *stmt, bf_error *error);

/* One step of a query. *row true: a row stands, read its columns before the next step.
 * *row false: no further row, already reset. After an error it is reset, too,
 * and *row is left alone. Who stops before the last row calls bf_statement_reset. */
bf_err bf_step_row (bf_statements *self, sqlite3_stmt *stmt, bool *row, bf_error *error);

/* Resets. Harmless on a statement that is not running. */
void bf_statement_reset (sqlite3_stmt *stmt);

#endif
