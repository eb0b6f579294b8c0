/* SPDX-License-Identifier: MPL-2.0
 *
 * What persist/ unpacks from its own tables, where a disk has had its will with one value:
 * a packed JobSpec, Event, StoredAnswer, Request or BulkReply. bf_check gets to its end,
 * and tells of what it finds in sentences; a ledger on the same file answers, refuses, or
 * says that the database is damaged. Neither ever ends the program.
 *
 * The first byte says which table, the second which row of it, the third which of the two
 * looks; the rest is the value.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "messages/codec.h"
#include "messages/limits.h"
#include "persist/check/check.h"
#include "persist/ledger.h"
#include "tests/fuzz/mutate.h"
#include "tests/support/damage.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"
#include "tests/support/temp.h"

enum { HEAD = 3 };

static const struct {
    const char *sql;
    const ProtobufCMessageDescriptor *descriptor;
} values[] = {
    {"UPDATE event SET body = ?1 WHERE seq = "
     "(SELECT seq FROM event ORDER BY seq LIMIT 1 OFFSET ?2 % (SELECT count(*) FROM "
     "event))",
     &belfry__v1__event__descriptor},
    {"UPDATE job SET spec = ?1 WHERE id = "
     "(SELECT id FROM job ORDER BY id LIMIT 1 OFFSET ?2 % (SELECT count(*) FROM job))",
     &belfry__v1__job_spec__descriptor},
    {"UPDATE answer SET body = ?1 WHERE id = "
     "(SELECT id FROM answer ORDER BY id LIMIT 1 OFFSET ?2 % (SELECT count(*) FROM "
     "answer))",
     &belfry__internal__stored_answer__descriptor},
    {"UPDATE operation SET command = ?1 WHERE ?2 >= 0", &belfry__v1__request__descriptor},
    {"UPDATE operation SET progress = ?1 WHERE ?2 >= 0",
     &belfry__v1__bulk_reply__descriptor},
};

#define VALUES (sizeof values / sizeof values[0])

/* What a client, or the other actors, may ask of the damaged file. request_id is that of
 * stored answers, too. */
static const char *const questions[] = {
    "get.job.id=256 get.with_payload=1",
    "list.limit=100 list.with_payload=1",
    "list.tags=red",
    "history.limit=100",
    "history.job.id=256",
    "replay.limit=100",
    "snapshot.limit=100",
    "status",
    "stats",
    "trigger.job.id=256",
    "redrive.run=768.1",
    ("schedule.jobs.type=wait schedule.jobs.key=k1 schedule.jobs.after_us=5 "
     "schedule.on_key=3"),
    "resume.job.id=2304",
    "reschedule.job.id=1536 reschedule.after_us=7",
};

static ledger *fixture;
static bf_arena *arena;
static char database[FUZZ_PATH_BYTES];

size_t
LLVMFuzzerCustomMutator (uint8_t *bytes, size_t size, size_t room, unsigned seed)
{
    if (size <= HEAD || room <= HEAD || seed % 8 == 0) {
        return LLVMFuzzerMutate (bytes, size, room);
    }
    return HEAD + fuzz_mutate (values[bytes[0] % VALUES].descriptor, bytes + HEAD,
                               size - HEAD, room - HEAD, seed / 8);
}

static void
end (void)
{
    void *state = fixture;
    ledger_teardown (&state);
    bf_arena_destroy (&arena);
}

static void
begin (void)
{
    void *state = NULL;
    FUZZ_CHECK (damage_setup (&state) == 0, "no database");
    fixture = state;
    atexit (end);
    arena = bf_arena_new (64 * 1024 * 1024);
    FUZZ_CHECK (arena != NULL, "no memory");
    fuzz_path ("belfry.db", database);
}

/* A good database with this one value in it. */
static void
plant (size_t table, uint8_t row, const uint8_t *bytes, size_t size)
{
    char *good = temp_path (fixture->directory, "good.db");
    char companion[FUZZ_PATH_BYTES + 8];
    snprintf (companion, sizeof companion, "%s-wal", database);
    unlink (companion);
    damage_copy_file (good, database);
    free (good);
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    FUZZ_CHECK (sqlite3_open (database, &db) == SQLITE_OK, "%s", sqlite3_errmsg (db));
    sqlite3_exec (db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY", NULL, NULL,
                  NULL);
    FUZZ_CHECK (sqlite3_prepare_v2 (db, values[table].sql, -1, &stmt, NULL) == SQLITE_OK,
                "%s", sqlite3_errmsg (db));
    sqlite3_bind_blob (stmt, 1, size > 0 ? (const void *)bytes : "", (int)size,
                       SQLITE_STATIC);
    sqlite3_bind_int (stmt, 2, row);
    FUZZ_CHECK (sqlite3_step (stmt) == SQLITE_DONE && sqlite3_changes (db) == 1, "%s",
                sqlite3_errmsg (db));
    sqlite3_finalize (stmt);
    sqlite3_close (db);
}

static void
on_finding (const bf_finding *finding, void *context)
{
    uint64_t *told = context;
    FUZZ_CHECK (finding->row[0] != '\0' && finding->what[0] != '\0' &&
                    finding->advice[0] != '\0' && finding->kind < BF_CHECK_KINDS,
                "a finding without words");
    ++*told;
}

static void
examine (void)
{
    uint64_t told = 0;
    bf_check_watch watch = {.finding = on_finding, .context = &told};
    bf_check_summary summary = {0};
    bf_error error = {0};
    bf_err rc = bf_check (database, &watch, &summary, &error);
    FUZZ_CHECK (rc == BF_OK, "%s: %s", bf_err_name (rc), error.text);
    uint64_t most =
        summary.findings < BF_FINDINGS_TOLD ? summary.findings : BF_FINDINGS_TOLD;
    FUZZ_CHECK (told == most, "%llu findings", (unsigned long long)summary.findings);
}

/* What a ledger may come to on such a file. */
static bool
goes_on (bf_err rc, const bf_error *error)
{
    FUZZ_CHECK (rc == BF_OK || error->text[0] != '\0', "%s without a sentence",
                bf_err_name (rc));
    FUZZ_CHECK (rc == BF_OK || rc == BF_ECORRUPT, "%s: %s", bf_err_name (rc), error->text);
    return rc == BF_OK;
}

static bf_err
apply (bf_ledger *self, const Belfry__Internal__StoreItem *item, bf_error *error)
{
    bf_err rc = bf_ledger_begin (self, fixture->now, error);
    if (rc == BF_OK) {
        rc = item != NULL ? bf_ledger_apply (self, item, error)
                          : bf_ledger_recover (self, error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_commit (self, error);
        bf_ledger_clear (self);
    } else {
        bf_ledger_rollback (self);
    }
    return rc;
}

static bf_err
ask (bf_ledger *self, const char *question, bf_error *error)
{
    bf_arena_reset (arena);
    Belfry__V1__Request *request = request_make (arena, question);
    FUZZ_CHECK (bf_request_normalise (request, arena, error) == BF_OK, "%s: %s", question,
                error->text);
    Belfry__Internal__Call call = BELFRY__INTERNAL__CALL__INIT;
    call.call = 1;
    call.request = request;
    Belfry__Internal__StoreItem item = BELFRY__INTERNAL__STORE_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL;
    item.call = &call;
    return apply (self, &item, error);
}

/* Every stored answer once more, as the answer to one and the same request. */
static bool
repeat_answers (bf_ledger *self, bf_error *error)
{
    static const char question[] = "trigger.job.id=1";
    sqlite3 *db = bf_database_handle (bf_ledger_database (self));
    sqlite3_stmt *stmt = NULL;
    char lines[64][160];
    char sql[96];
    size_t count = 0;
    bf_arena_reset (arena);
    Belfry__V1__Request *request = request_make (arena, question);
    FUZZ_CHECK (bf_request_normalise (request, arena, error) == BF_OK, "%s", error->text);
    snprintf (sql, sizeof sql, "UPDATE answer SET fingerprint = %lld",
              (long long)bf_request_fingerprint (request, arena));
    FUZZ_CHECK (sqlite3_exec (db, sql, NULL, NULL, NULL) == SQLITE_OK &&
                    sqlite3_prepare_v2 (db, "SELECT client, request_id FROM answer", -1,
                                        &stmt, NULL) == SQLITE_OK,
                "%s", sqlite3_errmsg (db));
    while (count < 64 && sqlite3_step (stmt) == SQLITE_ROW) {
        snprintf (lines[count++], sizeof lines[0], "client=%s request_id=%s %s",
                  sqlite3_column_text (stmt, 0), sqlite3_column_text (stmt, 1), question);
    }
    sqlite3_finalize (stmt);
    bool well = true;
    for (size_t i = 0; well && i < count; i++) {
        well = goes_on (ask (self, lines[i], error), error);
    }
    return well;
}

static void
use (void)
{
    bf_error error = {0};
    bf_database *file = NULL;
    bf_ledger *self = NULL;
    bf_err rc = bf_database_open (&file, fuzz_directory (), "unix-none", &error);
    FUZZ_CHECK (rc == BF_OK, "%s", error.text);
    bf_ledger_options options = {
        .stream_epoch = LEDGER_EPOCH, .boot_id = fixture->boot_id, .seed = 7};
    rc = bf_ledger_open (&self, &file, &options, fixture->now, &error);
    bool well = goes_on (rc, &error) && goes_on (apply (self, NULL, &error), &error);
    for (size_t i = 0; well && i < sizeof questions / sizeof questions[0]; i++) {
        char line[256];
        snprintf (line, sizeof line, "client=fuzz request_id=q%zu %s", i, questions[i]);
        well = goes_on (ask (self, line, &error), &error);
    }
    well = well && repeat_answers (self, &error);
    for (int slices = 0;
         well && slices < 4 && bf_ledger_next_tend (self).us <= fixture->now.boot.us;
         slices++) {
        rc = bf_ledger_begin (self, fixture->now, &error);
        rc = rc == BF_OK ? bf_ledger_tend (self, &error) : rc;
        rc = rc == BF_OK ? bf_ledger_commit (self, &error) : rc;
        well = goes_on (rc, &error);
    }
    bf_ledger_close (&self);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    if (fixture == NULL) {
        begin ();
    }
    fuzz_input input = {bytes, size};
    size_t table = fuzz_byte (&input) % VALUES;
    uint8_t row = fuzz_byte (&input);
    uint8_t who = fuzz_byte (&input);
    plant (table, row, input.at, input.size);
    if ((who & 1) == 0) {
        examine ();
    } else {
        use ();
    }
    return 0;
}
