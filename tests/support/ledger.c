/* SPDX-License-Identifier: MPL-2.0
 *
 * Drives a ledger as the store actor does, and plays the other actors.
 */
#include "tests/support/ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/late.h"
#include "core/token.h"
#include "messages/codec.h"
#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/request.h"
#include "tests/support/temp.h"

#define ARENA_BYTES ((size_t)1024 * 1024 * 1024)
#define TEXT_BYTES (256 * 1024)
/* In one refill; and as many as there mostly are, because room for them costs time. */
#define TIMERS_AT_ONCE 5000
#define TIMERS_MOSTLY 100

static void *
take (ledger *self, size_t size)
{
    void *bytes = bf_arena_alloc (self->arena, size);
    assert_non_null (bytes);
    return bytes;
}

static void
expect_ok (bf_err rc, const bf_error *error, const char *what)
{
    if (rc != BF_OK) {
        fail_msg ("%s: %s: %s", what, bf_err_name (rc), error->text);
    }
}

/* Behind a commit, as often as the test wants it. */
static void
check_now_and_then (ledger *self)
{
    if (self->unchecked) {
        return;
    }
    if (++self->commits >= self->check_every) {
        self->commits = 0;
        ledger_check (self);
    } else {
        ledger_model_read (self);
    }
}

bf_err
ledger_try_open (ledger *self, bf_error *error)
{
    bf_database *database = NULL;
    bf_err rc = bf_database_open (&database, self->directory, self->vfs, error);
    if (rc != BF_OK) {
        return rc;
    }
    bf_ledger_options options = {
        .stream_epoch = LEDGER_EPOCH,
        .boot_id = self->boot_id,
        .seed = 7,
        .answer_bytes = self->answer_bytes,
        .retention = self->retention,
        .zoneinfo = self->zoneinfo,
    };
    rc = bf_ledger_open (&self->ledger, &database, &options, self->now, error);
    if (rc == BF_OK) {
        rc = bf_ledger_begin (self->ledger, self->now, error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_recover (self->ledger, error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_commit (self->ledger, error);
    }
    if (rc != BF_OK) {
        bf_ledger_close (&self->ledger);
        return rc;
    }
    self->back = self->now;
    return BF_OK;
}

static void
open_ledger (ledger *self)
{
    bf_error error = {0};
    expect_ok (ledger_try_open (self, &error), &error, "open the ledger");
    ledger_model_forget (self);
    ledger_model_hear (self);
    check_now_and_then (self);
}

int
ledger_setup (void **state)
{
    /* In memory and without locks and reserve: thousands of commits take no time. */
    if (access ("/dev/shm", W_OK | X_OK) == 0) {
        assert_int_equal (setenv ("TMPDIR", "/dev/shm", 0), 0);
    }
    ledger *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->directory = temp_make ();
    self->arena = bf_arena_new (ARENA_BYTES);
    self->model = ledger_model_new ();
    self->now = (bf_now){{LEDGER_WALL_US}, {LEDGER_BOOT_US}};
    self->boot_id = "11111111-1111-1111-1111-111111111111";
    self->vfs = "unix-none";
    assert_non_null (self->arena);
    open_ledger (self);
    *state = self;
    return 0;
}

int
ledger_teardown (void **state)
{
    ledger *self = *state;
    ledger_query_end (self);
    bf_ledger_close (&self->ledger);
    ledger_model_destroy (&self->model);
    bf_arena_destroy (&self->arena);
    temp_remove (self->directory);
    free (self);
    return 0;
}

/* Copies one file of the directory. */
static void
copy_file (const char *from, const char *to, const char *name)
{
    char *source = temp_path (from, name);
    char *target = temp_path (to, name);
    FILE *in = fopen (source, "rb");
    if (in) {
        FILE *out = fopen (target, "wb");
        assert_non_null (out);
        char block[4096];
        size_t size;
        while ((size = fread (block, 1, sizeof block, in)) > 0) {
            assert_int_equal (fwrite (block, 1, size, out), size);
        }
        assert_int_equal (fclose (out), 0);
        fclose (in);
    }
    free (source);
    free (target);
}

void
ledger_reopen (ledger *self, bool crash)
{
    if (crash) {
        /* What a kill leaves: the files as they are, log included. */
        char *directory = temp_make ();
        copy_file (self->directory, directory, "belfry.db");
        copy_file (self->directory, directory, "belfry.db-wal");
        bf_ledger_close (&self->ledger);
        temp_remove (self->directory);
        self->directory = directory;
    } else {
        bf_ledger_close (&self->ledger);
    }
    open_ledger (self);
}

void
ledger_pass (ledger *self, int64_t us)
{
    self->now.wall.us += us;
    self->now.boot.us += us;
}

void
ledger_away (ledger *self, int64_t us)
{
    ledger_pass (self, us);
    self->back = self->now;
}

void
ledger_set_wall (ledger *self, int64_t by_us)
{
    self->now.wall.us += by_us;
    self->stepped_back |= by_us < 0;
    if (by_us > 0) {
        self->back.wall = self->now.wall;
    }
}

/* --- batches ------------------------------------------------------------------------ */

void
ledger_begin (ledger *self)
{
    bf_error error = {0};
    expect_ok (bf_ledger_begin (self->ledger, self->now, &error), &error, "begin");
}

void
ledger_commit (ledger *self)
{
    bf_error error = {0};
    expect_ok (bf_ledger_commit (self->ledger, &error), &error, "commit");
    ledger_model_hear (self);
    check_now_and_then (self);
}

bool
ledger_slice (ledger *self)
{
    if (bf_ledger_next_tend (self->ledger).us > self->now.boot.us) {
        return false;
    }
    bf_error error = {0};
    ledger_begin (self);
    expect_ok (bf_ledger_tend (self->ledger, &error), &error, "tend");
    ledger_commit (self);
    return true;
}

size_t
ledger_tend (ledger *self)
{
    size_t slices = 0;
    while (ledger_slice (self)) {
        slices++;
    }
    return slices;
}

const char *
ledger_text (ledger *self, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    va_start (arguments, format);
    int size = vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    assert_in_range (size, 0, TEXT_BYTES - 1);
    char *copy = bf_arena_string (self->arena, text);
    assert_non_null (copy);
    return copy;
}

static Belfry__V1__Request *
decode (ledger *self, const char *text)
{
    char *line =
        bf_arena_printf (self->arena, "request_id=auto-%" PRIu64 " %s", self->calls, text);
    assert_non_null (line);
    Belfry__V1__Request *plain = request_make (self->arena, line);
    size_t size = 0;
    const uint8_t *bytes = bf_pack (&plain->base, self->arena, &size);
    assert_non_null (bytes);
    Belfry__V1__Request *request = NULL;
    bf_error error = {0};
    expect_ok (bf_request_decode (bytes, size, self->arena, &request, &error), &error,
               text);
    return request;
}

Belfry__Internal__StoreItem *
ledger_item (ledger *self, const char *text)
{
    Belfry__Internal__StoreItem *item = take (self, sizeof *item);
    belfry__internal__store_item__init (item);
    request_fill (&item->base, self->arena, text);
    return item;
}

Belfry__Internal__StoreItem *
ledger_call_item (ledger *self, const char *text)
{
    uint64_t call = ++self->calls;
    Belfry__Internal__StoreItem *item =
        ledger_item (self, ledger_text (self, "call.call=%" PRIu64, call));
    item->call->request = decode (self, text);
    return item;
}

void
ledger_give (ledger *self, const Belfry__Internal__StoreItem *item)
{
    bf_error error = {0};
    expect_ok (bf_ledger_apply (self->ledger, item, &error), &error, "apply");
}

uint64_t
ledger_put (ledger *self, const char *text)
{
    ledger_give (self, ledger_call_item (self, text));
    return self->calls;
}

void
ledger_do_item (ledger *self, const char *text)
{
    ledger_begin (self);
    ledger_give (self, ledger_item (self, text));
    ledger_commit (self);
}

Belfry__V1__Reply *
ledger_do (ledger *self, const char *text)
{
    ledger_begin (self);
    uint64_t call = ledger_put (self, text);
    ledger_commit (self);
    Belfry__V1__Reply *reply = ledger_reply (self, call);
    if (!reply) {
        fail_msg ("no reply to %s", text);
    }
    return reply;
}

Belfry__V1__Reply *
ledger_ok (ledger *self, const char *text)
{
    Belfry__V1__Reply *reply = ledger_do (self, text);
    if (reply->code != BELFRY__V1__CODE__CODE_OK) {
        fail_msg ("%s: code %d: %s", text, (int)reply->code, reply->text);
    }
    assert_string_equal (reply->text, "");
    return reply;
}

Belfry__V1__Reply *
ledger_refused (ledger *self, Belfry__V1__Code code, const char *text)
{
    Belfry__V1__Reply *reply = ledger_do (self, text);
    if (reply->code != code) {
        fail_msg ("%s: code %d, expected %d: %s", text, (int)reply->code, (int)code,
                  reply->text);
    }
    assert_true (reply->text[0] != '\0');
    return reply;
}

void
ledger_expect (ledger *self, Belfry__V1__Reply *reply, const char *text)
{
    request_expect (&reply->base, self->arena, text);
}

/* --- what the other actors do ------------------------------------------------------- */

static const bf_outcome *
outcome (const ledger *self)
{
    return bf_ledger_outcome (self->ledger);
}

static const Belfry__Internal__TimersRefilled *
refill_up_to (ledger *self, bf_timer_source source, int limit)
{
    ledger_begin (self);
    ledger_give (self, ledger_item (self, ledger_text (self,
                                                       "refill_timers.after.source=%d "
                                                       "refill_timers.after.due_us=%" PRId64
                                                       " refill_timers.limit=%d",
                                                       (int)source, INT64_MIN, limit)));
    ledger_commit (self);
    size_t count = outcome (self)->clock.count;
    assert_true (count > 0);
    const Belfry__Internal__ClockItem *item = outcome (self)->clock.items[count - 1];
    assert_int_equal (item->item_case, BELFRY__INTERNAL__CLOCK_ITEM__ITEM_REFILLED);
    assert_int_equal (item->refilled->source, source);
    return item->refilled;
}

/* All timers of a source. */
static const Belfry__Internal__TimersRefilled *
refill (ledger *self, bf_timer_source source)
{
    const Belfry__Internal__TimersRefilled *refilled =
        refill_up_to (self, source, TIMERS_MOSTLY);
    if (!refilled->end) {
        refilled = refill_up_to (self, source, TIMERS_AT_ONCE);
    }
    assert_true (refilled->end);
    return refilled;
}

/* The time of the clock that a source counts on. */
static int64_t
time_of (bf_timer_source source, bf_now now)
{
    return bf_source_is_wall (source) ? now.wall.us : now.boot.us;
}

size_t
ledger_due (ledger *self, bf_timer **timers)
{
    static bf_timer due[BF_SOURCES * TIMERS_AT_ONCE];
    size_t count = 0;
    for (bf_timer_source source = 0; source < BF_SOURCES; source++) {
        const Belfry__Internal__TimersRefilled *refilled = refill (self, source);
        int64_t back_us = time_of (source, self->back);
        for (size_t i = 0; i < refilled->n_timers; i++) {
            bf_timer timer = bf_timer_from_wire (refilled->timers[i]);
            int64_t slot_us = timer.slot_us != 0 ? timer.slot_us : timer.due_us;
            if (timer.due_us > time_of (source, self->now)) {
                break;
            }
            bool slot = source == BF_SOURCE_SLOT_WALL || source == BF_SOURCE_SLOT_BOOT;
            if (slot && slot_us < back_us) {
                timer.reached_us = back_us;
            }
            due[count++] = timer;
        }
    }
    *timers = take (self, count * sizeof **timers);
    if (count > 0) {
        memcpy (*timers, due, count * sizeof **timers);
    }
    return count;
}

Belfry__Internal__StoreItem *
ledger_proposal (ledger *self, const bf_timer *timers, size_t count,
                 Belfry__Internal__ClaimCall *claim)
{
    Belfry__Internal__StoreItem *item = ledger_item (self, "proposal.batch=9");
    Belfry__Internal__Proposal *proposal = item->proposal;
    proposal->timers = take (self, count * sizeof *proposal->timers);
    proposal->n_timers = count;
    for (size_t i = 0; i < count; i++) {
        proposal->timers[i] = take (self, sizeof *proposal->timers[i]);
        bf_timer_to_wire (timers[i], proposal->timers[i]);
        ledger_model_gave_timer (self, timers[i]);
    }
    if (claim) {
        request_fill (&proposal->base, self->arena, "assignments[0]");
        proposal->assignments[0]->claim = claim;
        proposal->assignments[0]->timers = take (self, count * sizeof (uint32_t));
        proposal->assignments[0]->n_timers = count;
        for (size_t i = 0; i < count; i++) {
            proposal->assignments[0]->timers[i] = (uint32_t)i;
        }
    }
    return item;
}

void
ledger_propose (ledger *self, const bf_timer *timers, size_t count,
                Belfry__Internal__ClaimCall *claim)
{
    Belfry__Internal__StoreItem *item = ledger_proposal (self, timers, count, claim);
    ledger_begin (self);
    ledger_give (self, item);
    ledger_commit (self);
    assert_non_null (strstr (ledger_to_clock (self), "settled:9"));
}

size_t
ledger_fire (ledger *self, Belfry__Internal__ClaimCall *claim)
{
    bf_timer *timers;
    size_t count = ledger_due (self, &timers);
    ledger_propose (self, timers, count, claim);
    return count;
}

size_t
ledger_catch_up (ledger *self)
{
    size_t all = 0;
    for (int idle = 0; idle < 2; idle++) {
        size_t count = ledger_fire (self, NULL);
        all += count;
        idle = count > 0 ? -1 : idle;
        ledger_pass (self, BF_LATE_PACE_US);
    }
    ledger_do_item (self,
                    ledger_text (self, "caught_up.until_us=%" PRId64, self->back.wall.us));
    return all;
}

void
ledger_forget_texts (ledger *self)
{
    bf_arena_reset (self->arena);
}

Belfry__Internal__ClaimCall *
ledger_claim (ledger *self, const char *text)
{
    uint64_t call = ++self->calls;
    Belfry__V1__Request *request = decode (self, text);
    assert_int_equal (request->command_case, BELFRY__V1__REQUEST__COMMAND_CLAIM);
    Belfry__Internal__ClaimCall *claim = take (self, sizeof *claim);
    belfry__internal__claim_call__init (claim);
    claim->call = call;
    claim->client = request->client;
    claim->request_id = request->request_id;
    claim->claim = request->claim;
    return claim;
}

/* The ready runs of one queue, appended to the assignment. */
static void
add_ready (ledger *self, Belfry__Internal__Assignment *assignment, const char *ns,
           const char *type, size_t room)
{
    int64_t queue =
        ledger_number (self, ledger_text (self,
                                          "SELECT coalesce (max (queue.id), 0) FROM queue "
                                          "JOIN name AS n ON n.id = queue.ns "
                                          "JOIN name AS t ON t.id = queue.name "
                                          "WHERE n.text = '%s' AND t.text = '%s'",
                                          ns, type));
    ledger_begin (self);
    ledger_give (self, ledger_item (self, ledger_text (self,
                                                       "refill_ready.queue=%" PRId64
                                                       " refill_ready.limit=%zu",
                                                       queue, room)));
    ledger_commit (self);
    size_t count = outcome (self)->dispatcher.count;
    assert_true (count > 0);
    const Belfry__Internal__DispatcherItem *item =
        outcome (self)->dispatcher.items[count - 1];
    assert_int_equal (item->item_case, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_REFILLED);
    for (size_t i = 0; i < item->refilled->n_runs; i++) {
        Belfry__Internal__ReadyRun *run = take (self, sizeof *run);
        *run = *item->refilled->runs[i];
        assignment->runs[assignment->n_runs++] = run;
    }
}

Belfry__Internal__StoreItem *
ledger_assignment (ledger *self, Belfry__Internal__ClaimCall *claim)
{
    Belfry__Internal__StoreItem *item = ledger_item (self, "proposal.assignments[0]");
    Belfry__Internal__Assignment *assignment = item->proposal->assignments[0];
    assignment->claim = claim;
    size_t room = claim->claim->max;
    assignment->runs = take (self, claim->claim->n_types * room * sizeof (void *));
    for (size_t i = 0; i < claim->claim->n_types; i++) {
        add_ready (self, assignment, claim->claim->ns, claim->claim->types[i], room);
    }
    for (size_t i = 0; i < assignment->n_runs; i++) {
        ledger_model_gave_ready (self, assignment->runs[i]);
    }
    return item;
}

Belfry__V1__Reply *
ledger_grant (ledger *self, Belfry__Internal__ClaimCall *claim)
{
    Belfry__Internal__StoreItem *item = ledger_assignment (self, claim);
    ledger_begin (self);
    ledger_give (self, item);
    ledger_commit (self);
    Belfry__V1__Reply *reply = ledger_reply (self, claim->call);
    assert_int_equal (ledger_resolved (self, claim->call), reply != NULL);
    return reply;
}

const char *
ledger_lease (ledger *self, const char *type)
{
    Belfry__V1__Reply *reply = ledger_grant (
        self, ledger_claim (self, ledger_text (self, "claim.types=%s", type)));
    if (!reply || reply->code != BELFRY__V1__CODE__CODE_OK || reply->claim->n_leases != 1) {
        fail_msg ("no lease for %s", type);
    }
    return reply->claim->leases[0]->token;
}

Belfry__V1__Reply *
ledger_recall (ledger *self, Belfry__Internal__ClaimCall *claim)
{
    Belfry__Internal__StoreItem *item = ledger_item (self, "recall");
    item->recall->claim = claim;
    ledger_begin (self);
    ledger_give (self, item);
    ledger_commit (self);
    Belfry__V1__Reply *reply = ledger_reply (self, claim->call);
    assert_int_equal (ledger_resolved (self, claim->call), reply != NULL);
    return reply;
}

/* "job=… ordinal=… attempt=…" with a path before each. */
static const char *
attempt_text (ledger *self, const char *path, const char *text)
{
    bf_token token;
    assert_int_equal (bf_token_parse (text, &token), BF_OK);
    return ledger_text (self, "%s.job=%" PRIu64 " %s.ordinal=%u %s.attempt=%u", path,
                        token.job, path, token.ordinal, path, token.attempt);
}

void
ledger_overdue (ledger *self, const char *token, bool run_timeout)
{
    ledger_do_item (self,
                    ledger_text (self, "overdue.batch=4 overdue.leases.run_timeout=%d %s",
                                 run_timeout,
                                 attempt_text (self, "overdue.leases.attempt", token)));
    assert_non_null (strstr (ledger_to_retry (self), "settled:4"));
}

void
ledger_returned (ledger *self, const char *token, const Belfry__Internal__ClaimCall *claim)
{
    Belfry__Internal__StoreItem *item =
        ledger_item (self, attempt_text (self, "returned.attempts", token));
    if (claim) {
        item->returned->client = claim->client;
        item->returned->request_id = claim->request_id;
    }
    ledger_begin (self);
    ledger_give (self, item);
    ledger_commit (self);
}

/* --- the tables -------------------------------------------------------------------- */

sqlite3_stmt *
ledger_query (ledger *self, const char *sql)
{
    assert_null (self->reading);
    sqlite3 *db = bf_database_handle (bf_ledger_database (self->ledger));
    if (sqlite3_prepare_v2 (db, sql, -1, &self->reading, NULL) != SQLITE_OK) {
        fail_msg ("%s: %s", sql, sqlite3_errmsg (db));
    }
    return self->reading;
}

void
ledger_query_end (ledger *self)
{
    sqlite3_finalize (self->reading);
    self->reading = NULL;
}

int64_t
ledger_number (ledger *self, const char *sql)
{
    sqlite3_stmt *stmt = ledger_query (self, sql);
    assert_int_equal (sqlite3_step (stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64 (stmt, 0);
    ledger_query_end (self);
    return number;
}

const char *
ledger_string (ledger *self, const char *sql)
{
    sqlite3_stmt *stmt = ledger_query (self, sql);
    assert_int_equal (sqlite3_step (stmt), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text (stmt, 0);
    char *copy = bf_arena_string (self->arena, text ? text : "");
    assert_non_null (copy);
    ledger_query_end (self);
    return copy;
}
