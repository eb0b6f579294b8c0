/* SPDX-License-Identifier: MPL-2.0
 *
 * What a ledger asks of SQLite, recorded call by call with every value, and played to
 * another database by nothing but SQLite: the same statements on the same rows in the same
 * transactions, without a ledger. Whatever the ledger will do tomorrow is on tomorrow's
 * tape, because nobody says here what it does.
 *
 * It works by the linker's --wrap: the calls that this program makes of the functions in
 * CMakeLists.txt come to tape_wraps.c first. One thread, one tape at a time.
 */
#ifndef BF_LIMITS_TAPE_H
#define BF_LIMITS_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "core/base/list.h"

typedef enum {
    TAPE_BIND_INT,
    TAPE_BIND_TEXT,
    TAPE_BIND_BLOB,
    TAPE_BIND_NULL,
    TAPE_STEP,
    TAPE_RESET,
    TAPE_CLEAR,
    TAPE_COLUMN_INT,
    TAPE_COLUMN_TEXT,
    TAPE_COLUMN_BLOB,
    TAPE_COLUMN_BYTES,
    TAPE_COLUMN_TYPE,
    TAPE_EXEC,
    TAPE_CHECKPOINT,
} tape_op;

/* One call. Of BIND_INT the value follows; of BIND_TEXT, BIND_BLOB and EXEC so many bytes
 * and a NUL. */
typedef struct {
    uint8_t op;
    uint8_t index;      /* of the parameter or column; STEP: what it returned */
    uint16_t statement; /* place in texts */
    uint32_t size;      /* of what follows; CHECKPOINT: its mode */
} tape_head;

typedef struct {
    uint8_t *bytes;
    size_t used;
    size_t capacity;
    size_t *marks; /* where each batch ends */
    size_t n_marks;
    size_t marks_capacity;
    bf_list texts; /* char *, of the statements */
} tape;

tape *tape_new (void);
void tape_free (tape **self_p);

/* From here on calls go onto this tape too; NULL: onto none. Statements are known by their
 * addresses until then. */
void tape_record (tape *self);
/* A batch ends here. */
void tape_mark (tape *self);

/* How often each statement was stepped in batches [from, until), by its number; the
 * caller's to free. */
size_t *tape_count (const tape *self, size_t from, size_t until);

/* One player for one database, which it borrows. `writes` leaves out what changes no row:
 * reads and savepoints. */
typedef struct tape_player tape_player;
tape_player *tape_player_new (const tape *from, sqlite3 *handle, bool writes);
void tape_player_free (tape_player **self_p);

/* Plays batches [from, until). took_us may be NULL, or has room for how long each took. */
void tape_play (tape_player *self, size_t from, size_t until, double *took_us);

#endif
