/* SPDX-License-Identifier: MPL-2.0
 *
 * The life of a ledger under load, and its batches.
 */
#include <stdlib.h>

#include "messages/translate.h"
#include "tests/bench/limits/limits.h"
#include "tests/bench/limits/rounds_private.h"

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
/* Since the boot, when it begins. */
#define BOOT_US (1000 * BF_SECOND_US)
/* From one batch to the next. */
#define BATCH_US BF_MS_US

const char *const rounds_workload_names[ROUNDS_WORKLOADS] = {"steady", "scattered"};

void
rounds_expect (bf_err rc, const bf_error *error, const char *what)
{
    limits_require (rc == BF_OK, "%s: %s: %s", what, bf_err_name (rc), error->text);
}

void *
rounds_take (rounds *self, size_t size)
{
    void *memory = bf_arena_alloc (self->arena, size);
    limits_require (memory != NULL, "no memory for a batch");
    return memory;
}

/* --- one batch ----------------------------------------------------------------------- */

void
rounds_begin (rounds *self)
{
    bf_error error = {0};
    self->now.wall.us += BATCH_US;
    self->now.boot.us += BATCH_US;
    int64_t from_ns = limits_now_ns ();
    rounds_expect (bf_ledger_begin (self->ledger, self->now, &error), &error, "begin");
    self->took_ns += limits_now_ns () - from_ns;
}

void
rounds_apply (rounds *self, Belfry__Internal__StoreItem *item)
{
    bf_error error = {0};
    int64_t from_ns = limits_now_ns ();
    rounds_expect (bf_ledger_apply (self->ledger, item, &error), &error, "apply");
    self->took_ns += limits_now_ns () - from_ns;
}

/* What was armed, and what was handed out. Every call must have been answered well: a
 * refusal would be another load. */
static void
hear (rounds *self)
{
    const bf_outcome *outcome = bf_ledger_outcome (self->ledger);
    for (size_t i = 0; i < outcome->clock.count; i++) {
        const Belfry__Internal__ClockItem *item = outcome->clock.items[i];
        if (item->item_case == BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM) {
            limits_require (self->n_timers < self->jobs, "more timers than jobs");
            self->timers[self->n_timers++] = bf_timer_from_wire (item->arm);
        }
    }
    for (size_t i = 0; i < outcome->gateway.count; i++) {
        const Belfry__Internal__GatewayItem *item = outcome->gateway.items[i];
        const Belfry__Internal__Answer *answer = item->answer;
        Belfry__V1__Reply *reply =
            belfry__v1__reply__unpack (NULL, answer->reply.len, answer->reply.data);
        limits_require (reply && reply->code == BELFRY__V1__CODE__CODE_OK,
                        "the ledger refused a call: %s", reply ? reply->text : "no reply");
        belfry__v1__reply__free_unpacked (reply, NULL);
        self->reply_bytes = answer->reply.len;
        for (size_t k = 0; k < answer->n_leases; k++) {
            self->tokens[self->n_tokens++] = bf_attempt_from_wire (answer->leases[k]);
        }
    }
}

/* As the store actor's: it moves a grown log on when nobody waits, and one that has grown
 * far in any case. At the end the rest of it: what is not in the file yet has not been
 * paid for. */
static void
checkpoint (rounds *self, bool last)
{
    bf_database *database = bf_ledger_database (self->ledger);
    int pages = bf_database_wal_pages (database);
    int limit = self->idle ? BF_WAL_SOFT_PAGES : 4 * BF_WAL_SOFT_PAGES;
    if (pages > limit || last) {
        bf_error error = {0};
        rounds_expect (bf_database_checkpoint (database, &error), &error, "checkpoint");
    }
}

void
rounds_commit (rounds *self, bool last)
{
    bf_error error = {0};
    int64_t from_ns = limits_now_ns ();
    rounds_expect (bf_ledger_commit (self->ledger, &error), &error, "commit");
    self->took_ns += limits_now_ns () - from_ns;
    hear (self);
    from_ns = limits_now_ns ();
    bf_ledger_clear (self->ledger);
    checkpoint (self, last);
    self->took_ns += limits_now_ns () - from_ns;
    bf_arena_reset (self->arena);
    if (self->onto) {
        tape_mark (self->onto);
    }
}

/* --- life ---------------------------------------------------------------------------- */

void
rounds_synchronous (sqlite3 *handle, const char *value)
{
    char *sql = limits_text ("PRAGMA synchronous = %s", value);
    int rc = sqlite3_exec (handle, sql, NULL, NULL, NULL);
    limits_require (rc == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg (handle));
    free (sql);
}

rounds *
rounds_open (const char *directory, rounds_workload workload, uint64_t seed, tape *onto)
{
    rounds *self = limits_take (sizeof *self);
    self->arena = bf_arena_new (ARENA_BYTES);
    limits_require (self->arena != NULL, "no memory");
    self->workload = workload;
    self->random = seed;
    self->now = (bf_now){{ROUNDS_WALL_US}, {BOOT_US}};
    self->onto = onto;
    bf_error error = {0};
    bf_database *database = NULL;
    rounds_expect (bf_database_open (&database, directory, NULL, &error), &error, "open");
    rounds_synchronous (bf_database_handle (database), "OFF");
    tape_record (onto);
    bf_ledger_options options = {
        .stream_epoch = 1,
        .boot_id = "11111111-1111-1111-1111-111111111111",
        .seed = seed,
    };
    rounds_expect (bf_ledger_open (&self->ledger, &database, &options, self->now, &error),
                   &error, "open");
    rounds_begin (self);
    rounds_expect (bf_ledger_recover (self->ledger, &error), &error, "recover");
    rounds_commit (self, true);
    return self;
}

void
rounds_close (rounds **self_p)
{
    rounds *self = *self_p;
    tape_record (NULL);
    bf_ledger_close (&self->ledger);
    bf_arena_destroy (&self->arena);
    free (self->keys);
    free (self->timers);
    free (self->tokens);
    free (self);
    *self_p = NULL;
}

sqlite3 *
rounds_handle (rounds *self)
{
    return bf_database_handle (bf_ledger_database (self->ledger));
}

void
rounds_set_durable (rounds *self, bool durable)
{
    rounds_synchronous (rounds_handle (self), durable ? "FULL" : "OFF");
}

void
rounds_watch (rounds *self)
{
    self->took_ns = 0;
}

double
rounds_took_s (const rounds *self)
{
    return (double)self->took_ns / 1e9;
}

void
rounds_set_idle (rounds *self, bool idle)
{
    self->idle = idle;
}

size_t
rounds_call_bytes (const rounds *self)
{
    return self->call_bytes;
}

size_t
rounds_reply_bytes (const rounds *self)
{
    return self->reply_bytes;
}
