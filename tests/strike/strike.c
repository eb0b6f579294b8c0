/* SPDX-License-Identifier: MPL-2.0
 *
 * See strike.h. The linker's --wrap leads what the product calls to __wrap_X here, and
 * __real_X to the function itself.
 */
#include "tests/strike/strike.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "tests/support/cmocka.h"

/* Frames that tell one place from another: enough to see the command. */
#define FRAMES 14
/* A power of two; far more places than there are. */
#define PLACES 65536

struck_t strike_struck;
static bool armed;
static unsigned spared;
static uint64_t places[PLACES];
static size_t n_places;
/* The last place that was come by. */
static void *place[FRAMES];
static int n_frames;

void
strike_arm (unsigned spare)
{
    strike_struck = STRUCK_NOT;
    spared = spare;
    armed = true;
}

void
strike_disarm (void)
{
    armed = false;
}

void
strike_tell (void)
{
    backtrace_symbols_fd (place, n_frames, STDERR_FILENO);
}

/* Whether this place was never come by before. */
static bool
is_new_place (void)
{
    n_frames = backtrace (place, FRAMES);
    uint64_t hash = 1;
    for (int i = 0; i < n_frames; i++) {
        hash = bf_mix (hash ^ (uint64_t)(uintptr_t)place[i]);
    }
    size_t at = hash % PLACES;
    while (places[at] != 0 && places[at] != hash) {
        at = (at + 1) % PLACES;
    }
    if (places[at] == hash) {
        return false;
    }
    places[at] = hash;
    n_places++;
    assert_true (n_places < PLACES / 2);
    return true;
}

/* Whether the call that comes by is to fail: one at most, until it is armed again. */
static bool
strikes (struck_t how)
{
    if (!armed || strike_struck != STRUCK_NOT || (spared & how) != 0) {
        return false;
    }
    armed = false;
    bool is_new = is_new_place ();
    armed = true;
    strike_struck = is_new ? how : STRUCK_NOT;
    return is_new;
}

/* --- SQLite, memory ------------------------------------------------------------------ */

int __real_sqlite3_step (sqlite3_stmt *stmt);
int __wrap_sqlite3_step (sqlite3_stmt *stmt);
int __real_sqlite3_prepare_v2 (sqlite3 *db, const char *sql, int size, sqlite3_stmt **stmt,
                               const char **rest);
int __wrap_sqlite3_prepare_v2 (sqlite3 *db, const char *sql, int size, sqlite3_stmt **stmt,
                               const char **rest);
int __real_sqlite3_exec (sqlite3 *db, const char *sql,
                         int (*row) (void *, int, char **, char **), void *context,
                         char **text);
int __wrap_sqlite3_exec (sqlite3 *db, const char *sql,
                         int (*row) (void *, int, char **, char **), void *context,
                         char **text);
void *__real_malloc (size_t size);
void *__wrap_malloc (size_t size);
void *__real_calloc (size_t count, size_t size);
void *__wrap_calloc (size_t count, size_t size);
void *__real_realloc (void *memory, size_t size);
void *__wrap_realloc (void *memory, size_t size);
char *__real_strdup (const char *text);
char *__wrap_strdup (const char *text);
void *__real_bf_arena_alloc (bf_arena *arena, size_t size);
void *__wrap_bf_arena_alloc (bf_arena *arena, size_t size);
void *__real_bf_arena_copy (bf_arena *arena, const void *bytes, size_t size);
void *__wrap_bf_arena_copy (bf_arena *arena, const void *bytes, size_t size);
char *__real_bf_arena_string (bf_arena *arena, const char *text);
char *__wrap_bf_arena_string (bf_arena *arena, const char *text);
char *__wrap_bf_arena_printf (bf_arena *arena, const char *format, ...);
bool __real_bf_arena_failed (const bf_arena *arena);
bool __wrap_bf_arena_failed (const bf_arena *arena);

int
__wrap_sqlite3_step (sqlite3_stmt *stmt)
{
    return strikes (STRUCK_SQLITE) ? SQLITE_FULL : __real_sqlite3_step (stmt);
}

int
__wrap_sqlite3_prepare_v2 (sqlite3 *db, const char *sql, int size, sqlite3_stmt **stmt,
                           const char **rest)
{
    return strikes (STRUCK_SQLITE) ? SQLITE_FULL
                                   : __real_sqlite3_prepare_v2 (db, sql, size, stmt, rest);
}

int
__wrap_sqlite3_exec (sqlite3 *db, const char *sql,
                     int (*row) (void *, int, char **, char **), void *context, char **text)
{
    /* An end that fails is a lost disk, not a full one. */
    if (strcmp (sql, "ROLLBACK") != 0 && strikes (STRUCK_SQLITE)) {
        return SQLITE_FULL;
    }
    return __real_sqlite3_exec (db, sql, row, context, text);
}

void *
__wrap_malloc (size_t size)
{
    return strikes (STRUCK_MEMORY) ? NULL : __real_malloc (size);
}

void *
__wrap_calloc (size_t count, size_t size)
{
    return strikes (STRUCK_MEMORY) ? NULL : __real_calloc (count, size);
}

void *
__wrap_realloc (void *memory, size_t size)
{
    return strikes (STRUCK_MEMORY) ? NULL : __real_realloc (memory, size);
}

char *
__wrap_strdup (const char *text)
{
    return strikes (STRUCK_MEMORY) ? NULL : __real_strdup (text);
}

void *
__wrap_bf_arena_alloc (bf_arena *arena, size_t size)
{
    return strikes (STRUCK_MEMORY) ? NULL : __real_bf_arena_alloc (arena, size);
}

void *
__wrap_bf_arena_copy (bf_arena *arena, const void *bytes, size_t size)
{
    return strikes (STRUCK_MEMORY) ? NULL : __real_bf_arena_copy (arena, bytes, size);
}

char *
__wrap_bf_arena_string (bf_arena *arena, const char *text)
{
    return strikes (STRUCK_MEMORY) ? NULL : __real_bf_arena_string (arena, text);
}

char *
__wrap_bf_arena_printf (bf_arena *arena, const char *format, ...)
{
    if (strikes (STRUCK_MEMORY)) {
        return NULL;
    }
    va_list arguments, again;
    va_start (arguments, format);
    va_copy (again, arguments);
    int length = vsnprintf (NULL, 0, format, arguments);
    char *text = __real_bf_arena_alloc (arena, (size_t)length + 1);
    if (text != NULL) {
        vsnprintf (text, (size_t)length + 1, format, again);
    }
    va_end (again);
    va_end (arguments);
    return text;
}

bool
__wrap_bf_arena_failed (const bf_arena *arena)
{
    return strike_struck == STRUCK_MEMORY || __real_bf_arena_failed (arena);
}

/* --- files --------------------------------------------------------------------------- */

#define STRIKE_CALL(type, failure, name, parameters, arguments) \
    type __real_##name parameters;                              \
    type __wrap_##name parameters;                              \
    type __wrap_##name parameters                               \
    {                                                           \
        if (strikes (STRUCK_SYSTEM)) {                          \
            errno = EIO;                                        \
            return failure;                                     \
        }                                                       \
        return __real_##name arguments;                         \
    }

STRIKE_CALL (int, -1, fstat, (int fd, struct stat *facts), (fd, facts))
STRIKE_CALL (int, -1, fsync, (int fd), (fd))
STRIKE_CALL (int, -1, link, (const char *from, const char *to), (from, to))
STRIKE_CALL (int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
STRIKE_CALL (int, EIO, posix_fallocate, (int fd, off_t from, off_t size), (fd, from, size))
STRIKE_CALL (ssize_t, -1, pread, (int fd, void *bytes, size_t size, off_t at),
             (fd, bytes, size, at))
STRIKE_CALL (ssize_t, -1, pwrite, (int fd, const void *bytes, size_t size, off_t at),
             (fd, bytes, size, at))
STRIKE_CALL (ssize_t, -1, read, (int fd, void *bytes, size_t size), (fd, bytes, size))
STRIKE_CALL (int, -1, rename, (const char *from, const char *to), (from, to))
STRIKE_CALL (ssize_t, -1, write, (int fd, const void *bytes, size_t size),
             (fd, bytes, size))

int __real_open (const char *path, int flags, ...);
int __wrap_open (const char *path, int flags, ...);

int
__wrap_open (const char *path, int flags, ...)
{
    va_list arguments;
    va_start (arguments, flags);
    mode_t mode = flags & O_CREAT ? (mode_t)va_arg (arguments, int) : 0;
    va_end (arguments);
    if (strikes (STRUCK_SYSTEM)) {
        errno = EIO;
        return -1;
    }
    return __real_open (path, flags, mode);
}
