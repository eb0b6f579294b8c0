/* SPDX-License-Identifier: MPL-2.0
 *
 * The tape itself, and the playing half.
 */
#include "tests/bench/limits/tape.h"

#include <stdlib.h>
#include <string.h>

#include "tests/bench/limits/limits.h"
#include "tests/bench/limits/tape_real.h"

struct tape_player {
    const tape *from;
    sqlite3 *handle;
    sqlite3_stmt **statements; /* by their numbers; NULL: left out */
    size_t count;
};

tape *
tape_new (void)
{
    return limits_take (sizeof (tape));
}

void
tape_free (tape **self_p)
{
    tape *self = *self_p;
    if (self) {
        for (size_t i = 0; i < self->texts.count; i++) {
            free (self->texts.items[i]);
        }
        bf_list_clear (&self->texts);
        free (self->bytes);
        free (self->marks);
        free (self);
        *self_p = NULL;
    }
}

void
tape_mark (tape *self)
{
    if (self->n_marks == self->marks_capacity) {
        self->marks_capacity = 2 * self->marks_capacity + 64;
        self->marks = limits_grow (self->marks, self->marks_capacity * sizeof *self->marks);
    }
    self->marks[self->n_marks++] = self->used;
}

/* How many bytes follow a head. */
static size_t
tail_of (tape_head head)
{
    switch (head.op) {
    case TAPE_BIND_INT:
        return head.size;
    case TAPE_BIND_TEXT:
    case TAPE_BIND_BLOB:
    case TAPE_EXEC:
        return (size_t)head.size + 1;
    default:
        return 0;
    }
}

size_t *
tape_count (const tape *self, size_t from, size_t until)
{
    size_t *counts = limits_take (self->texts.count * sizeof *counts);
    size_t at = from > 0 ? self->marks[from - 1] : 0;
    while (at < (until > 0 ? self->marks[until - 1] : 0)) {
        tape_head head;
        memcpy (&head, self->bytes + at, sizeof head);
        at += sizeof head + tail_of (head);
        if (head.op == TAPE_STEP) {
            counts[head.statement]++;
        }
    }
    return counts;
}

tape_player *
tape_player_new (const tape *from, sqlite3 *handle, bool writes)
{
    tape_player *self = limits_take (sizeof *self);
    self->from = from;
    self->handle = handle;
    self->count = from->texts.count;
    self->statements = limits_take ((self->count + 1) * sizeof (sqlite3_stmt *));
    for (size_t i = 0; i < self->count; i++) {
        sqlite3_stmt **stmt = &self->statements[i];
        int rc = sqlite3_prepare_v3 (handle, from->texts.items[i], -1,
                                     SQLITE_PREPARE_PERSISTENT, stmt, NULL);
        limits_require (rc == SQLITE_OK, "a statement of the tape: %s",
                        sqlite3_errmsg (handle));
        /* So it says of SAVEPOINT, RELEASE and ROLLBACK TO, too. */
        if (writes && sqlite3_stmt_readonly (*stmt)) {
            __real_sqlite3_finalize (*stmt);
            *stmt = NULL;
        }
    }
    return self;
}

void
tape_player_free (tape_player **self_p)
{
    tape_player *self = *self_p;
    if (self) {
        for (size_t i = 0; i < self->count; i++) {
            __real_sqlite3_finalize (self->statements[i]);
        }
        free (self->statements);
        free (self);
        *self_p = NULL;
    }
}

static void
expect (const tape_player *self, int rc, int expected)
{
    limits_require (rc == expected, "the tape does not fit the database: %d, not %d: %s",
                    rc, expected, sqlite3_errmsg (self->handle));
}

static int
column (tape_head head, sqlite3_stmt *stmt)
{
    switch (head.op) {
    case TAPE_COLUMN_INT:
        (void)__real_sqlite3_column_int64 (stmt, head.index);
        break;
    case TAPE_COLUMN_TEXT:
        (void)__real_sqlite3_column_text (stmt, head.index);
        break;
    case TAPE_COLUMN_BLOB:
        (void)__real_sqlite3_column_blob (stmt, head.index);
        break;
    case TAPE_COLUMN_BYTES:
        (void)__real_sqlite3_column_bytes (stmt, head.index);
        break;
    default:
        (void)__real_sqlite3_column_type (stmt, head.index);
    }
    return SQLITE_OK;
}

static int
bind (tape_head head, const uint8_t *bytes, sqlite3_stmt *stmt)
{
    sqlite3_int64 value;
    switch (head.op) {
    case TAPE_BIND_INT:
        memcpy (&value, bytes, sizeof value);
        return __real_sqlite3_bind_int64 (stmt, head.index, value);
    case TAPE_BIND_TEXT:
        return __real_sqlite3_bind_text (stmt, head.index, (const char *)bytes,
                                         (int)head.size, SQLITE_STATIC);
    case TAPE_BIND_BLOB:
        return __real_sqlite3_bind_blob (stmt, head.index, bytes, (int)head.size,
                                         SQLITE_STATIC);
    default:
        return __real_sqlite3_bind_null (stmt, head.index);
    }
}

static void
play_one (const tape_player *self, tape_head head, const uint8_t *bytes)
{
    if (head.op == TAPE_EXEC) {
        expect (self,
                __real_sqlite3_exec (self->handle, (const char *)bytes, NULL, NULL, NULL),
                SQLITE_OK);
        return;
    }
    if (head.op == TAPE_CHECKPOINT) {
        expect (self,
                __real_sqlite3_wal_checkpoint_v2 (self->handle, NULL, (int)head.size, NULL,
                                                  NULL),
                SQLITE_OK);
        return;
    }
    sqlite3_stmt *stmt = self->statements[head.statement];
    if (!stmt) {
        return;
    }
    switch (head.op) {
    case TAPE_STEP:
        expect (self, __real_sqlite3_step (stmt), head.index);
        break;
    case TAPE_RESET:
        expect (self, __real_sqlite3_reset (stmt), SQLITE_OK);
        break;
    case TAPE_CLEAR:
        expect (self, __real_sqlite3_clear_bindings (stmt), SQLITE_OK);
        break;
    case TAPE_BIND_INT:
    case TAPE_BIND_TEXT:
    case TAPE_BIND_BLOB:
    case TAPE_BIND_NULL:
        expect (self, bind (head, bytes, stmt), SQLITE_OK);
        break;
    default:
        column (head, stmt);
    }
}

void
tape_play (tape_player *self, size_t from, size_t until, double *took_us)
{
    const tape *source = self->from;
    size_t at = from > 0 ? source->marks[from - 1] : 0;
    for (size_t batch = from; batch < until; batch++) {
        int64_t began_ns = limits_now_ns ();
        while (at < source->marks[batch]) {
            tape_head head;
            memcpy (&head, source->bytes + at, sizeof head);
            at += sizeof head;
            play_one (self, head, source->bytes + at);
            at += tail_of (head);
        }
        if (took_us) {
            took_us[batch - from] = (double)(limits_now_ns () - began_ns) / 1e3;
        }
    }
}
