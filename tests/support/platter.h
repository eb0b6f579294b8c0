/* SPDX-License-Identifier: MPL-2.0
 *
 * Files of a simulated disk by hand, through the methods that SQLite calls. What does not
 * say "try" fails the test.
 */
#ifndef BF_TESTS_PLATTER_H
#define BF_TESTS_PLATTER_H

#include <stdbool.h>

#include "tests/simulation/disk.h"

#define PLATTER_PAGE 4096
#define PLATTER_TEAR 512

#define PLATTER_MAIN_FLAGS \
    (SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)
#define PLATTER_WAL_FLAGS (SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL)

/* *file is the caller's to close. */
int platter_try_open (disk *self, const char *name, int flags, sqlite3_file **file);
sqlite3_file *platter_open (disk *self, const char *name);
void platter_close (sqlite3_file **file);

/* This letter, again and again. */
int platter_try_write (sqlite3_file *file, char letter, int size, sqlite3_int64 at);
void platter_write (sqlite3_file *file, char letter, int size, sqlite3_int64 at);
int platter_sync (sqlite3_file *file);
int platter_truncate (sqlite3_file *file, sqlite3_int64 size);
sqlite3_int64 platter_size (sqlite3_file *file);
/* What is there; zeroes behind its end. */
void platter_read (sqlite3_file *file, char *bytes, int size, sqlite3_int64 at);
bool platter_is_all (const char *bytes, char letter, int size);
void platter_expect (sqlite3_file *file, char letter, int size, sqlite3_int64 at);

/* As SQLite asks: an empty file is none. Or any file at all. */
bool platter_exists (disk *self, const char *name);
bool platter_is_named (disk *self, const char *name);
int platter_delete (disk *self, const char *name, int sync_directory);

/* Closes, loses the power and opens again. */
void platter_lose_power (disk *self, const char *name, sqlite3_file **file);
/* The file "f" with two synced pages of 'a'. */
sqlite3_file *platter_two_pages (disk *self);

#endif
