/* SPDX-License-Identifier: MPL-2.0
 *
 * A good database with a row of nearly everything, and the hand that damages copies of it.
 */
#include "tests/support/damage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "messages/codec.h"
#include "tests/support/cmocka.h"
#include "tests/support/request.h"
#include "tests/support/temp.h"

static void
settle_some (ledger *self)
{
    const char *token = ledger_lease (self, "work");
    ledger_ok (self, ledger_text (self, "complete.token=%s complete.result=*9", token));
    token = ledger_lease (self, "work");
    ledger_ok (self, ledger_text (self, "fail.token=%s fail.reason=oh", token));
    token = ledger_lease (self, "work");
    ledger_ok (self, ledger_text (self, "fail.token=%s fail.non_retryable=1", token));
    ledger_lease (self, "work");
}

/* A row of every table, a job and a run of nearly every state. Ids are 256, 512, … in the
 * order below. */
static void
fill (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=work schedule.jobs.at_us=1767225600000000 "
                     "schedule.jobs.payload=*5");
    for (int i = 0; i < 4; i++) {
        ledger_ok (self, "schedule.jobs.type=work schedule.jobs.after_us=0");
    }
    ledger_fire (self, NULL);
    settle_some (self);
    /* 1536: open, with a key and tags. 1792: of the same key, ended. */
    ledger_ok (self, "schedule.jobs.type=wait schedule.jobs.key=k1 "
                     "schedule.jobs.at_us=1800000000000000 schedule.jobs.tags=red "
                     "schedule.jobs.tags=blue schedule.jobs.payload=*7");
    ledger_ok (self, "schedule.jobs.type=wait schedule.jobs.key=k2 "
                     "schedule.jobs.after_us=99000000 schedule.jobs.tags=red");
    ledger_ok (self, "cancel.job.key=k2");
    /* 2048: recurs, its slots are buffered behind a run; 2304: drops slots. */
    ledger_ok (self, "schedule.jobs.type=tick schedule.jobs.every.interval_us=1000000 "
                     "schedule.jobs.overlap=3");
    ledger_ok (self, "schedule.jobs.type=tock schedule.jobs.every.interval_us=1000000 "
                     "schedule.jobs.overlap=1");
    for (int i = 0; i < 3; i++) {
        ledger_pass (self, BF_SECOND_US);
        ledger_fire (self, NULL);
    }
    ledger_ok (self, "redrive.run=768.1");
    ledger_ok (self, ledger_text (self, "fail.token=%s", ledger_lease (self, "work")));
    ledger_ok (self, "pause.job.id=2304");
    /* 2560: goes by a zone and an exclusion calendar, which was changed under it. */
    ledger_ok (self, "set_calendar.calendar.name=off "
                     "set_calendar.calendar.dates=2026-01-02");
    ledger_ok (self, "schedule.jobs.type=cron schedule.jobs.cron=30^2^*^*^* "
                     "schedule.jobs.tz=Europe/Berlin schedule.jobs.exclude=off");
    ledger_ok (self, "set_calendar.calendar.name=off "
                     "set_calendar.calendar.dates=2026-01-01");
}

static void
write_operation (ledger *self)
{
    sqlite3 *db = bf_database_handle (bf_ledger_database (self->ledger));
    size_t size;
    Belfry__V1__Request *request =
        request_make (self->arena, "cancel.filter.all=1 cancel.reason=x");
    size = belfry__v1__request__get_packed_size (request);
    uint8_t *bytes = bf_arena_alloc (self->arena, size);
    belfry__v1__request__pack (request, bytes);
    sqlite3_stmt *stmt = NULL;
    assert_int_equal (sqlite3_prepare_v2 (db,
                                          "INSERT INTO operation "
                                          "VALUES (1, 'c', 'op', ?2, ?1, x'', 0, 0, 0, 0)",
                                          -1, &stmt, NULL),
                      SQLITE_OK);
    sqlite3_bind_blob (stmt, 1, bytes, (int)size, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 2,
                        (sqlite3_int64)bf_request_fingerprint (request, self->arena));
    assert_int_equal (sqlite3_step (stmt), SQLITE_DONE);
    sqlite3_finalize (stmt);
}

void
damage_copy_file (const char *from, const char *to)
{
    FILE *in = fopen (from, "rb");
    FILE *out = fopen (to, "wb");
    assert_non_null (in);
    assert_non_null (out);
    char block[65536];
    size_t size;
    while ((size = fread (block, 1, sizeof block, in)) > 0) {
        assert_int_equal (fwrite (block, 1, size, out), size);
    }
    fclose (in);
    assert_int_equal (fclose (out), 0);
}

/* with (body, 'a.b=5'): an event with other fields. */
static void
sql_with (sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    bf_arena *arena = bf_arena_new (1 << 24);
    Belfry__V1__Event *event = belfry__v1__event__unpack (
        NULL, (size_t)sqlite3_value_bytes (values[0]), sqlite3_value_blob (values[0]));
    assert_non_null (event);
    Belfry__V1__Event changed = *event;
    request_fill (&changed.base, arena, (const char *)sqlite3_value_text (values[1]));
    size_t size = belfry__v1__event__get_packed_size (&changed);
    uint8_t *bytes = bf_arena_alloc (arena, size);
    belfry__v1__event__pack (&changed, bytes);
    sqlite3_result_blob (context, bytes, (int)size, SQLITE_TRANSIENT);
    belfry__v1__event__free_unpacked (event, NULL);
    bf_arena_destroy (&arena);
}

void
damage_make (const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *reason = NULL;
    assert_int_equal (sqlite3_open (path, &db), SQLITE_OK);
    sqlite3_create_function (db, "with", 2, SQLITE_UTF8, NULL, sql_with, NULL, NULL);
    sqlite3_exec (db, "PRAGMA ignore_check_constraints = 1; PRAGMA writable_schema = 1",
                  NULL, NULL, NULL);
    if (sqlite3_exec (db, sql, NULL, NULL, &reason) != SQLITE_OK) {
        fail_msg ("%s: %s", sql, reason);
    }
    if (sqlite3_total_changes (db) == 0 && !strstr (sql, "INDEX") &&
        !strstr (sql, "CREATE")) {
        fail_msg ("%s: changed nothing", sql);
    }
    assert_int_equal (sqlite3_close (db), SQLITE_OK);
}

static void
on_finding (const bf_finding *finding, void *context)
{
    damage_report *self = context;
    size_t used = strlen (self->text);
    snprintf (self->text + used, sizeof self->text - used, "%s: %s: %s\n",
              bf_check_kind_name (finding->kind), finding->row, finding->what);
    assert_true (strlen (finding->advice) > 10);
    self->told++;
}

static void
on_progress (const char *phase, uint64_t done, uint64_t total, void *context)
{
    damage_report *self = context;
    assert_true (*phase != '\0' && done <= total);
    self->progress++;
}

bf_check_summary
damage_examine (const char *path, damage_report *found)
{
    *found = (damage_report){0};
    bf_check_watch watch = {on_finding, on_progress, found};
    bf_check_summary summary;
    bf_error error = {0};
    if (bf_check (path, &watch, &summary, &error) != BF_OK) {
        fail_msg ("%s: %s", bf_err_name (error.code), error.text);
    }
    assert_int_equal (found->told, summary.findings < BF_FINDINGS_TOLD ? summary.findings
                                                                       : BF_FINDINGS_TOLD);
    assert_true (found->progress > 0);
    return summary;
}

int
damage_setup (void **state)
{
    ledger_setup (state);
    ledger *self = *state;
    fill (self);
    write_operation (self);
    char *database = temp_path (self->directory, "belfry.db");
    char *good = temp_path (self->directory, "good.db");
    bf_ledger_close (&self->ledger);
    damage_copy_file (database, good);
    free (database);
    free (good);
    return 0;
}
