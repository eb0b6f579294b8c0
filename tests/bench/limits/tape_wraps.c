/* SPDX-License-Identifier: MPL-2.0
 *
 * The recording half: calls of SQLite's functions come here, are noted where somebody
 * records, and go on. Names with __wrap_ and __real_ are the linker's.
 */
#include "tests/bench/limits/tape.h"

#include <string.h>

#include "tests/bench/limits/limits.h"
#include "tests/bench/limits/tape_real.h"

/* Statements by their addresses, open addressing; a power of 2 far above their number. */
#define PLACES 4096

static struct {
    tape *onto;
    const sqlite3_stmt *known[PLACES];
    uint16_t numbers[PLACES];
    size_t count;
} recorder;

void
tape_record (tape *self)
{
    memset (&recorder, 0, sizeof recorder);
    recorder.onto = self;
}

static void
reserve (tape *self, size_t more)
{
    if (self->used + more > self->capacity) {
        self->capacity = 2 * (self->used + more);
        self->bytes = limits_grow (self->bytes, self->capacity);
    }
}

static void
put (tape *self, tape_head head, const void *bytes, size_t size)
{
    reserve (self, sizeof head + size + 1);
    memcpy (self->bytes + self->used, &head, sizeof head);
    self->used += sizeof head;
    if (size > 0) {
        memcpy (self->bytes + self->used, bytes, size);
        self->used += size;
    }
}

static size_t
place_of (const sqlite3_stmt *stmt)
{
    size_t place = ((uintptr_t)stmt >> 4) * 2654435761U % PLACES;
    while (recorder.known[place] && recorder.known[place] != stmt) {
        place = (place + 1) % PLACES;
    }
    return place;
}

static uint16_t
number_of (sqlite3_stmt *stmt)
{
    size_t place = place_of (stmt);
    if (!recorder.known[place]) {
        limits_require (++recorder.count < PLACES / 2, "too many statements for a tape");
        recorder.known[place] = stmt;
        recorder.numbers[place] = (uint16_t)recorder.onto->texts.count;
        char *text = limits_text ("%s", sqlite3_sql (stmt));
        limits_require (bf_list_push (&recorder.onto->texts, text) == BF_OK, "no memory");
    }
    return recorder.numbers[place];
}

/* A call that is about a statement and has no more than an index to it. */
static void
note (tape_op op, sqlite3_stmt *stmt, int index)
{
    if (recorder.onto) {
        put (recorder.onto, (tape_head){(uint8_t)op, (uint8_t)index, number_of (stmt), 0},
             NULL, 0);
    }
}

static void
note_bytes (tape_op op, sqlite3_stmt *stmt, int index, const void *bytes, size_t size)
{
    if (!recorder.onto) {
        return;
    }
    if (!bytes) {
        note (TAPE_BIND_NULL, stmt, index);
        return;
    }
    uint16_t number = stmt ? number_of (stmt) : 0;
    put (recorder.onto, (tape_head){(uint8_t)op, (uint8_t)index, number, (uint32_t)size},
         bytes, size);
    recorder.onto->bytes[recorder.onto->used++] = 0;
}

int
__wrap_sqlite3_bind_int64 (sqlite3_stmt *stmt, int index, sqlite3_int64 value)
{
    if (recorder.onto) {
        put (recorder.onto,
             (tape_head){TAPE_BIND_INT, (uint8_t)index, number_of (stmt), sizeof value},
             &value, sizeof value);
    }
    return __real_sqlite3_bind_int64 (stmt, index, value);
}

int
__wrap_sqlite3_bind_int (sqlite3_stmt *stmt, int index, int value)
{
    return __wrap_sqlite3_bind_int64 (stmt, index, value);
}

int
__wrap_sqlite3_bind_null (sqlite3_stmt *stmt, int index)
{
    note (TAPE_BIND_NULL, stmt, index);
    return __real_sqlite3_bind_null (stmt, index);
}

int
__wrap_sqlite3_bind_text (sqlite3_stmt *stmt, int index, const char *text, int size,
                          void (*destroy) (void *))
{
    if (text) {
        size_t length = size < 0 ? strlen (text) : (size_t)size;
        note_bytes (TAPE_BIND_TEXT, stmt, index, text, length);
    } else {
        note (TAPE_BIND_NULL, stmt, index);
    }
    return __real_sqlite3_bind_text (stmt, index, text, size, destroy);
}

int
__wrap_sqlite3_bind_blob (sqlite3_stmt *stmt, int index, const void *bytes, int size,
                          void (*destroy) (void *))
{
    note_bytes (TAPE_BIND_BLOB, stmt, index, bytes, (size_t)size);
    return __real_sqlite3_bind_blob (stmt, index, bytes, size, destroy);
}

int
__wrap_sqlite3_step (sqlite3_stmt *stmt)
{
    int rc = __real_sqlite3_step (stmt);
    note (TAPE_STEP, stmt, rc);
    return rc;
}

int
__wrap_sqlite3_reset (sqlite3_stmt *stmt)
{
    note (TAPE_RESET, stmt, 0);
    return __real_sqlite3_reset (stmt);
}

int
__wrap_sqlite3_clear_bindings (sqlite3_stmt *stmt)
{
    note (TAPE_CLEAR, stmt, 0);
    return __real_sqlite3_clear_bindings (stmt);
}

/* Another statement may get its address, which no tape could tell. */
int
__wrap_sqlite3_finalize (sqlite3_stmt *stmt)
{
    limits_require (!recorder.onto || !recorder.known[place_of (stmt)],
                    "a statement ended while it was recorded");
    return __real_sqlite3_finalize (stmt);
}

sqlite3_int64
__wrap_sqlite3_column_int64 (sqlite3_stmt *stmt, int index)
{
    note (TAPE_COLUMN_INT, stmt, index);
    return __real_sqlite3_column_int64 (stmt, index);
}

int
__wrap_sqlite3_column_int (sqlite3_stmt *stmt, int index)
{
    return (int)__wrap_sqlite3_column_int64 (stmt, index);
}

const unsigned char *
__wrap_sqlite3_column_text (sqlite3_stmt *stmt, int index)
{
    note (TAPE_COLUMN_TEXT, stmt, index);
    return __real_sqlite3_column_text (stmt, index);
}

const void *
__wrap_sqlite3_column_blob (sqlite3_stmt *stmt, int index)
{
    note (TAPE_COLUMN_BLOB, stmt, index);
    return __real_sqlite3_column_blob (stmt, index);
}

int
__wrap_sqlite3_column_bytes (sqlite3_stmt *stmt, int index)
{
    note (TAPE_COLUMN_BYTES, stmt, index);
    return __real_sqlite3_column_bytes (stmt, index);
}

int
__wrap_sqlite3_column_type (sqlite3_stmt *stmt, int index)
{
    note (TAPE_COLUMN_TYPE, stmt, index);
    return __real_sqlite3_column_type (stmt, index);
}

int
__wrap_sqlite3_exec (sqlite3 *handle, const char *sql,
                     int (*callback) (void *, int, char **, char **), void *argument,
                     char **error)
{
    if (recorder.onto) {
        note_bytes (TAPE_EXEC, NULL, 0, sql, strlen (sql));
    }
    return __real_sqlite3_exec (handle, sql, callback, argument, error);
}

int
__wrap_sqlite3_wal_checkpoint_v2 (sqlite3 *handle, const char *name, int mode, int *log,
                                  int *moved)
{
    if (recorder.onto) {
        put (recorder.onto, (tape_head){TAPE_CHECKPOINT, 0, 0, (uint32_t)mode}, NULL, 0);
    }
    return __real_sqlite3_wal_checkpoint_v2 (handle, name, mode, log, moved);
}
