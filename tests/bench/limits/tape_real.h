/* SPDX-License-Identifier: MPL-2.0
 *
 * SQLite's functions as the linker calls them where theirs are wrapped: __real_ is SQLite's
 * own, __wrap_ the one in tape_wraps.c.
 */
#ifndef BF_LIMITS_TAPE_REAL_H
#define BF_LIMITS_TAPE_REAL_H

#include <sqlite3.h>

#define TAPE_BOTH(result, name, ...)            \
    result __real_sqlite3_##name (__VA_ARGS__); \
    result __wrap_sqlite3_##name (__VA_ARGS__)

TAPE_BOTH (int, bind_int64, sqlite3_stmt *, int, sqlite3_int64);
TAPE_BOTH (int, bind_int, sqlite3_stmt *, int, int);
TAPE_BOTH (int, bind_null, sqlite3_stmt *, int);
TAPE_BOTH (int, bind_text, sqlite3_stmt *, int, const char *, int, void (*) (void *));
TAPE_BOTH (int, bind_blob, sqlite3_stmt *, int, const void *, int, void (*) (void *));
TAPE_BOTH (int, step, sqlite3_stmt *);
TAPE_BOTH (int, reset, sqlite3_stmt *);
TAPE_BOTH (int, clear_bindings, sqlite3_stmt *);
TAPE_BOTH (int, finalize, sqlite3_stmt *);
TAPE_BOTH (sqlite3_int64, column_int64, sqlite3_stmt *, int);
TAPE_BOTH (int, column_int, sqlite3_stmt *, int);
TAPE_BOTH (const unsigned char *, column_text, sqlite3_stmt *, int);
TAPE_BOTH (const void *, column_blob, sqlite3_stmt *, int);
TAPE_BOTH (int, column_bytes, sqlite3_stmt *, int);
TAPE_BOTH (int, column_type, sqlite3_stmt *, int);
TAPE_BOTH (int, exec, sqlite3 *, const char *, int (*) (void *, int, char **, char **),
           void *, char **);
TAPE_BOTH (int, wal_checkpoint_v2, sqlite3 *, const char *, int, int *, int *);

#endif
