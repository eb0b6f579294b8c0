/* SPDX-License-Identifier: MPL-2.0
 *
 * How a connection is set. Nothing is left to the defaults of the build: Debian's differ
 * from SQLite's own (secure_delete, for one).
 */
#include "persist/setup.h"

#include <stddef.h>
#include <string.h>

#include <sqlite3.h>

#include "messages/limits.h"

/* Nobody should hold a lock while we start; a backup tool that does is given this long. */
#define START_BUSY_MS 5000

/* The longest row: a job's definition, at most a frame, and its payload, with room. */
#define LENGTH_BYTES (2 * BF_FRAME_BYTES)
_Static_assert(LENGTH_BYTES >= BF_FRAME_BYTES + BF_PAYLOAD_BYTES, "a row must fit");

#define SQL_LENGTH_BYTES (100 * 1024)
#define TRIGGER_DEPTH 8

/* NO_CKPT_ON_CLOSE holds until bf_database_close takes it back: whatever goes wrong leaves
 * the WAL to the next start. DEFENSIVE and TRUSTED_SCHEMA: a file that was tampered with
 * must not get at us through its schema. */
static const struct {
    int option;
    int value;
} switches[] = {
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},   {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_DQS_DDL, 0},          {SQLITE_DBCONFIG_DQS_DML, 0},
};

static const struct {
    int id;
    int value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, LENGTH_BYTES}, {SQLITE_LIMIT_SQL_LENGTH, SQL_LENGTH_BYTES},
    {SQLITE_LIMIT_ATTACHED, 0},          {SQLITE_LIMIT_TRIGGER_DEPTH, TRIGGER_DEPTH},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

/* locking_mode comes first: set before the first access, it keeps the WAL's index in the
 * heap, without a -shm file. */
static const char pragmas[] =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA mmap_size = 0;" /* with a map, an I/O error is a SIGBUS */
    "PRAGMA cell_size_check = ON;"
    "PRAGMA cache_size = -16384;" /* KiB */
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA foreign_keys = OFF;"; /* until the tables are migrated */

/* For a file that is ours. page_size and auto_vacuum mean something only to a new one: a
 * page is Debian's sector, and freed pages are used again, which is all that retention
 * needs. synchronous: in WAL, FULL is one fsync per commit, before it is acknowledged. */
static const char storage_pragmas[] = "PRAGMA page_size = 4096;"
                                      "PRAGMA auto_vacuum = NONE;"
                                      "PRAGMA synchronous = FULL;"
                                      "PRAGMA secure_delete = OFF;"
                                      "PRAGMA journal_size_limit = 16777216;" /* 16 MiB */
                                      "PRAGMA wal_autocheckpoint = 0;";

static bf_err
run (bf_database *db, const char *sql, bf_error *error)
{
    int rc = sqlite3_exec (bf_database_handle (db), sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? BF_OK : bf_database_error (db, rc, error);
}

bf_err
bf_setup_connection (bf_database *db, bf_error *error)
{
    sqlite3 *handle = bf_database_handle (db);
    int rc = sqlite3_busy_timeout (handle, START_BUSY_MS);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0] && rc == SQLITE_OK; i++) {
        rc = sqlite3_db_config (handle, switches[i].option, switches[i].value, NULL);
    }
    if (rc != SQLITE_OK) {
        return bf_database_error (db, rc, error);
    }
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        sqlite3_limit (handle, limits[i].id, limits[i].value);
    }
    return run (db, pragmas, error);
}

bf_err
bf_setup_storage (bf_database *db, bf_error *error)
{
    return run (db, storage_pragmas, error);
}

/* Where SQLite cannot use a WAL it says so in the answer, not with an error. */
bf_err
bf_setup_wal (bf_database *db, bf_error *error)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2 (bf_database_handle (db), "PRAGMA journal_mode = WAL", -1,
                                 &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step (stmt);
    }
    bf_err err = BF_OK;
    if (rc != SQLITE_ROW) {
        err = bf_database_error (db, rc, error);
    } else {
        const char *mode = (const char *)sqlite3_column_text (stmt, 0);
        if (mode == NULL || strcmp (mode, "wal") != 0) {
            err = bf_fail (error, BF_EIO, "%s: SQLite cannot use a write-ahead log here",
                           sqlite3_db_filename (bf_database_handle (db), "main"));
        }
    }
    sqlite3_finalize (stmt);
    return err;
}

bf_err
bf_setup_finish (bf_database *db, bf_error *error)
{
    /* From here on the only lock is ours: a wait for one would be a bug, not a delay. */
    sqlite3_busy_timeout (bf_database_handle (db), 0);
    return run (db, "PRAGMA foreign_keys = ON", error);
}
