/* SPDX-License-Identifier: MPL-2.0
 *
 * actors/store: what it does around the ledger, with a ledger that does as it is told. The
 * functions of persist/ledger.h and persist/database.h that the store calls are defined
 * here, so that the linker never takes the real ones.
 */
#include "actors/store.h"

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "actors/wiring.h"
#include "core/base/time.h"
#include "persist/database.h"
#include "persist/ledger.h"
#include "tests/support/cmocka.h"

#include "internal.pb-c.h"

#define DEADLINE_MS 10000
#define LOG_BYTES 65536

/* --- the ledger -------------------------------------------------------------------- */

/* What it is told to do, and what it was asked. One store at a time. */
static struct {
    pthread_mutex_t mutex; /* of log */
    char log[LOG_BYTES];   /* "begin apply:1 apply:2 commit " */
    atomic_int open_error;
    atomic_int apply_error;   /* of every apply */
    atomic_int commit_error;  /* of every commit */
    atomic_int commit_full;   /* so many commits find the disk full */
    atomic_bool full;         /* EDISKFULL while the reserve is there */
    atomic_bool very_full;    /* EDISKFULL in any case */
    atomic_bool room;         /* the reserve can be made again */
    atomic_size_t item_bytes; /* of memory that each item takes */
    atomic_int item_events;   /* that each item writes */
    atomic_int wal_pages;     /* set to 0 by a checkpoint */
    atomic_bool block_commit; /* every commit waits for `go` */
    atomic_int slices;        /* of tending, that there are to do now */
    atomic_llong tend_at;     /* when there is one more; INT64_MAX: never */
    atomic_int asked;         /* how often it was asked when */
    atomic_bool tend_full;    /* EDISKFULL, of slices alone, in any case */
    sem_t at_commit;
    sem_t go;
} told = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct bf_ledger {
    bf_outcome outcome;
    size_t used;
    uint64_t events;
    bool scarce;
    bool reset; /* the clock's, in the next batch */
};

static bf_ledger the_ledger;
static int the_database;

static void
note (const char *what, uint64_t number)
{
    pthread_mutex_lock (&told.mutex);
    size_t used = strlen (told.log);
    if (number > 0) {
        snprintf (told.log + used, LOG_BYTES - used, "%s:%llu ", what,
                  (unsigned long long)number);
    } else {
        snprintf (told.log + used, LOG_BYTES - used, "%s ", what);
    }
    pthread_mutex_unlock (&told.mutex);
}

/* Everything so far. */
static const char *
log_text (void)
{
    static char copy[LOG_BYTES];
    pthread_mutex_lock (&told.mutex);
    strcpy (copy, told.log);
    pthread_mutex_unlock (&told.mutex);
    return copy;
}

/* Waits until the log says so. */
static void
await_log (const char *text)
{
    int64_t until_us = bf_now_read ().boot.us + DEADLINE_MS * BF_MS_US;
    bool found = false;
    while (!found && bf_now_read ().boot.us < until_us) {
        pthread_mutex_lock (&told.mutex);
        found = strstr (told.log, text) != NULL;
        pthread_mutex_unlock (&told.mutex);
        zclock_sleep (1);
    }
    if (!found) {
        fail_msg ("no \"%s\" in: %s", text, log_text ());
    }
}

static size_t
count_log (const char *text)
{
    size_t count = 0;
    pthread_mutex_lock (&told.mutex);
    for (const char *c = strstr (told.log, text); c; c = strstr (c + 1, text)) {
        count++;
    }
    pthread_mutex_unlock (&told.mutex);
    return count;
}

static void
outcome_forget (bf_ledger *self)
{
    self->used = 0;
    self->events = 0;
    bf_list *list = &self->outcome.gateway;
    for (size_t i = 0; i < list->count; i++) {
        belfry__internal__gateway_item__free_unpacked (list->items[i], NULL);
    }
    bf_list_clear (list);
    list = &self->outcome.clock;
    for (size_t i = 0; i < list->count; i++) {
        belfry__internal__clock_item__free_unpacked (list->items[i], NULL);
    }
    bf_list_clear (list);
}

bf_err
bf_database_open (bf_database **self_p, const char *directory, const char *vfs,
                  bf_error *error)
{
    (void)directory;
    (void)vfs;
    bf_err rc = (bf_err)atomic_load (&told.open_error);
    if (rc != BF_OK) {
        return bf_fail (error, rc, "told so");
    }
    *self_p = (bf_database *)&the_database;
    return BF_OK;
}

bf_err
bf_ledger_open (bf_ledger **self_p, bf_database **database_p,
                const bf_ledger_options *options, bf_now now, bf_error *error)
{
    (void)now;
    (void)error;
    assert_true (options->stream_epoch != 0);
    assert_non_null (options->boot_id);
    *database_p = NULL;
    the_ledger = (bf_ledger){0};
    *self_p = &the_ledger;
    note ("open", 0);
    return BF_OK;
}

void
bf_ledger_close (bf_ledger **self_p)
{
    if (*self_p) {
        note ("close", 0);
        outcome_forget (*self_p);
        *self_p = NULL;
    }
}

bf_err
bf_ledger_begin (bf_ledger *self, bf_now now, bf_error *error)
{
    (void)now;
    (void)error;
    note ("begin", 0);
    if (self->reset) {
        Belfry__Internal__ClockItem *item = calloc (1, sizeof *item);
        belfry__internal__clock_item__init (item);
        item->item_case = BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET;
        item->reset = true;
        bf_list_push (&self->outcome.clock, item);
        self->reset = false;
    }
    return BF_OK;
}

bf_err
bf_ledger_recover (bf_ledger *self, bf_error *error)
{
    (void)self;
    (void)error;
    note ("recover", 0);
    return BF_OK;
}

bf_err
bf_ledger_retire (bf_ledger *self, bf_error *error)
{
    (void)self;
    (void)error;
    note ("retire", 0);
    return BF_OK;
}

bf_err
bf_ledger_apply (bf_ledger *self, const Belfry__Internal__StoreItem *item, bf_error *error)
{
    note ("apply", item->call->call);
    bf_err rc = (bf_err)atomic_load (&told.apply_error);
    if (atomic_load (&told.very_full) || (atomic_load (&told.full) && !self->scarce)) {
        rc = BF_EDISKFULL;
    }
    if (rc != BF_OK) {
        return bf_fail (error, rc, "told so");
    }
    self->used += atomic_load (&told.item_bytes);
    self->events += (uint64_t)atomic_load (&told.item_events);
    Belfry__Internal__GatewayItem *out = calloc (1, sizeof *out);
    belfry__internal__gateway_item__init (out);
    out->item_case = BELFRY__INTERNAL__GATEWAY_ITEM__ITEM_ANSWER;
    out->answer = calloc (1, sizeof *out->answer);
    belfry__internal__answer__init (out->answer);
    out->answer->call = item->call->call;
    bf_list_push (&self->outcome.gateway, out);
    return BF_OK;
}

bf_boot
bf_ledger_next_tend (const bf_ledger *self)
{
    (void)self;
    atomic_fetch_add (&told.asked, 1);
    return (bf_boot){atomic_load (&told.slices) > 0 ? 0 : atomic_load (&told.tend_at)};
}

bf_err
bf_ledger_tend (bf_ledger *self, bf_error *error)
{
    note ("tend", 0);
    if (atomic_load (&told.full) && !self->scarce) {
        return bf_fail (error, BF_EDISKFULL, "told so");
    }
    atomic_store (&told.tend_at, INT64_MAX);
    if (atomic_load (&told.slices) > 0) {
        atomic_fetch_sub (&told.slices, 1);
    }
    /* It is put off. */
    return atomic_load (&told.tend_full) ? bf_fail (error, BF_EDISKFULL, "told so") : BF_OK;
}

bf_err
bf_ledger_commit (bf_ledger *self, bf_error *error)
{
    (void)self;
    if (atomic_load (&told.block_commit)) {
        sem_post (&told.at_commit);
        sem_wait (&told.go);
    }
    bf_err rc = (bf_err)atomic_load (&told.commit_error);
    if (atomic_load (&told.commit_full) > 0) {
        atomic_fetch_sub (&told.commit_full, 1);
        rc = BF_EDISKFULL;
    }
    note (rc == BF_OK ? "commit" : "broken", 0);
    return rc == BF_OK ? BF_OK : bf_fail (error, rc, "told so");
}

void
bf_ledger_rollback (bf_ledger *self)
{
    note ("rollback", 0);
    outcome_forget (self);
}

size_t
bf_ledger_used (const bf_ledger *self)
{
    return self->used;
}

uint64_t
bf_ledger_events (const bf_ledger *self)
{
    return self->events;
}

const bf_outcome *
bf_ledger_outcome (const bf_ledger *self)
{
    return &self->outcome;
}

void
bf_ledger_clear (bf_ledger *self)
{
    outcome_forget (self);
}

void
bf_ledger_set_scarce (bf_ledger *self, bool scarce)
{
    note (scarce ? "scarce" : "plenty", 0);
    self->reset = self->scarce && !scarce;
    self->scarce = scarce;
}

bool
bf_ledger_is_scarce (const bf_ledger *self)
{
    return self->scarce;
}

bf_database *
bf_ledger_database (bf_ledger *self)
{
    (void)self;
    return (bf_database *)&the_database;
}

void
bf_database_release_reserve (bf_database *self)
{
    (void)self;
    note ("release", 0);
}

bf_err
bf_database_rebuild_reserve (bf_database *self)
{
    (void)self;
    return atomic_load (&told.room) ? BF_OK : BF_EDISKFULL;
}

int
bf_database_wal_pages (const bf_database *self)
{
    (void)self;
    return atomic_load (&told.wal_pages);
}

bf_err
bf_database_checkpoint (bf_database *self, bf_error *error)
{
    (void)self;
    (void)error;
    note ("checkpoint", 0);
    atomic_store (&told.wal_pages, 0);
    return BF_OK;
}

/* --- the others -------------------------------------------------------------------- */

typedef struct {
    uint64_t scheduler;
    bf_store_args args;
    bf_actor *actor;
    zsock_t *store;               /* we speak to it … */
    zsock_t *inboxes[BF_INBOXES]; /* … and are everybody else */
} fixture;

static int
fixture_setup (void **state)
{
    static fixture self;
    static uint64_t number;
    self = (fixture){.scheduler = ++number};
    told.log[0] = '\0';
    atomic_store (&told.open_error, BF_OK);
    atomic_store (&told.apply_error, BF_OK);
    atomic_store (&told.commit_error, BF_OK);
    atomic_store (&told.commit_full, 0);
    atomic_store (&told.full, false);
    atomic_store (&told.very_full, false);
    atomic_store (&told.room, false);
    atomic_store (&told.item_bytes, 0);
    atomic_store (&told.item_events, 0);
    atomic_store (&told.wal_pages, 0);
    atomic_store (&told.block_commit, false);
    atomic_store (&told.slices, 0);
    atomic_store (&told.tend_at, INT64_MAX);
    atomic_store (&told.asked, 0);
    atomic_store (&told.tend_full, false);
    sem_init (&told.at_commit, 0, 0);
    sem_init (&told.go, 0, 0);
    for (bf_inbox i = 0; i < BF_INBOXES; i++) {
        if (i != BF_INBOX_STORE) {
            self.inboxes[i] = bf_inbox_bind (self.scheduler, i);
            assert_non_null (self.inboxes[i]);
        }
    }
    self.store = bf_inbox_connect (self.scheduler, BF_INBOX_STORE);
    self.args = (bf_store_args){
        .birth.name = "store", .scheduler = self.scheduler, .directory = "nowhere"};
    *state = &self;
    return 0;
}

static int
fixture_teardown (void **state)
{
    fixture *self = *state;
    bf_actor_stop (&self->actor);
    zsock_destroy (&self->store);
    for (size_t i = 0; i < BF_INBOXES; i++) {
        zsock_destroy (&self->inboxes[i]);
    }
    return 0;
}

static void
start (fixture *self)
{
    bf_error error = {0};
    assert_int_equal (
        bf_actor_start (&self->actor, bf_store_actor, &self->args.birth, &error), BF_OK);
}

/* One message with the calls first..last. */
static void
send_calls (fixture *self, uint64_t first, uint64_t last,
            Belfry__V1__Request__CommandCase command)
{
    Belfry__V1__Cancel cancel = BELFRY__V1__CANCEL__INIT;
    Belfry__V1__Get get = BELFRY__V1__GET__INIT;
    Belfry__V1__Heartbeat heartbeat = BELFRY__V1__HEARTBEAT__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = command;
    if (command == BELFRY__V1__REQUEST__COMMAND_GET) {
        request.get = &get;
    } else if (command == BELFRY__V1__REQUEST__COMMAND_HEARTBEAT) {
        request.heartbeat = &heartbeat;
    } else {
        request.cancel = &cancel;
    }
    size_t count = last - first + 1;
    Belfry__Internal__Call *calls = calloc (count, sizeof *calls);
    Belfry__Internal__StoreItem *items = calloc (count, sizeof *items);
    Belfry__Internal__StoreItem **pointers = calloc (count, sizeof *pointers);
    for (size_t i = 0; i < count; i++) {
        belfry__internal__call__init (&calls[i]);
        calls[i].call = first + i;
        calls[i].request = &request;
        belfry__internal__store_item__init (&items[i]);
        items[i].item_case = BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL;
        items[i].call = &calls[i];
        pointers[i] = &items[i];
    }
    Belfry__Internal__ToStore message = BELFRY__INTERNAL__TO_STORE__INIT;
    message.n_items = count;
    message.items = pointers;
    assert_int_equal (bf_inbox_send (self->store, &message.base), BF_OK);
    free (calls);
    free (items);
    free (pointers);
}

static void
send_call (fixture *self, uint64_t call)
{
    send_calls (self, call, call, BELFRY__V1__REQUEST__COMMAND_CANCEL);
}

/* The next message to an inbox; NULL after wait_ms. */
static zframe_t *
receive (fixture *self, bf_inbox inbox, int wait_ms)
{
    zsock_set_rcvtimeo (self->inboxes[inbox], wait_ms);
    return bf_inbox_receive (self->inboxes[inbox]);
}

/* The answers first..last arrive in this order, and nothing else. */
static void
expect_answers (fixture *self, uint64_t first, uint64_t last)
{
    for (uint64_t next = first; next <= last;) {
        zframe_t *frame = receive (self, BF_INBOX_GATEWAY, DEADLINE_MS);
        assert_non_null (frame);
        Belfry__Internal__ToGateway *message = belfry__internal__to_gateway__unpack (
            NULL, zframe_size (frame), zframe_data (frame));
        for (size_t i = 0; i < message->n_items; i++) {
            assert_int_equal (message->items[i]->answer->call, next);
            next++;
        }
        belfry__internal__to_gateway__free_unpacked (message, NULL);
        zframe_destroy (&frame);
    }
}

/* --- tests ------------------------------------------------------------------------- */

static void
test_answer_after_commit (void **state)
{
    fixture *self = *state;
    start (self);
    assert_string_equal (log_text (), "open begin recover commit ");
    atomic_store (&told.block_commit, true);
    send_call (self, 1);
    sem_wait (&told.at_commit);
    assert_null (receive (self, BF_INBOX_GATEWAY, 0));
    sem_post (&told.go);
    expect_answers (self, 1, 1);
    atomic_store (&told.block_commit, false);
    bf_actor_stop (&self->actor);
    assert_string_equal (log_text (),
                         "open begin recover commit begin apply:1 commit begin "
                         "retire commit close ");
}

/* What came during a commit is one batch. */
static void
test_group_commit (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.block_commit, true);
    send_call (self, 1);
    sem_wait (&told.at_commit);
    atomic_store (&told.block_commit, false);
    for (uint64_t i = 2; i <= 6; i++) {
        send_call (self, i);
    }
    sem_post (&told.go);
    expect_answers (self, 1, 6);
    bf_actor_stop (&self->actor);
    assert_int_equal (count_log ("begin apply:1 commit begin apply:2 apply:3 apply:4 "
                                 "apply:5 apply:6 commit "),
                      1);
}

/* A batch has an end, also inside of one message: 1000 commands, or 16 reads. */
static void
test_batch_is_bounded (void **state)
{
    fixture *self = *state;
    start (self);
    send_calls (self, 1, 2500, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    expect_answers (self, 1, 2500);
    assert_int_equal (count_log ("apply:1000 commit begin apply:1001 "), 1);
    assert_int_equal (count_log ("apply:2000 commit begin apply:2001 "), 1);
    send_calls (self, 2501, 2540, BELFRY__V1__REQUEST__COMMAND_GET);
    expect_answers (self, 2501, 2540);
    assert_int_equal (count_log ("apply:2516 commit begin apply:2517 "), 1);
    assert_int_equal (count_log ("apply:2532 commit begin apply:2533 "), 1);
    send_calls (self, 2541, 2580, BELFRY__V1__REQUEST__COMMAND_HEARTBEAT);
    expect_answers (self, 2541, 2580);
    assert_int_equal (count_log ("apply:2556 commit begin apply:2557 "), 1);
}

/* Or earlier, where the ledger's memory goes: nothing is lost, and all in its order; also
 * where the disk is full at the commit. */
static void
test_batch_is_bounded_by_memory (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.item_bytes, (size_t)20 * 1024 * 1024);
    send_calls (self, 1, 10, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    expect_answers (self, 1, 10);
    assert_int_equal (count_log ("begin apply:1 apply:2 apply:3 apply:4 commit begin "
                                 "apply:5 apply:6 apply:7 apply:8 commit begin apply:9 "
                                 "apply:10 commit "),
                      1);
    /* One item of that size alone still goes. */
    atomic_store (&told.item_bytes, (size_t)200 * 1024 * 1024);
    atomic_store (&told.commit_full, 1);
    send_calls (self, 11, 12, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    expect_answers (self, 11, 12);
    assert_int_equal (count_log ("begin apply:11 broken rollback scarce release checkpoint "
                                 "begin apply:11 commit begin apply:12 commit "),
                      1);
}

/* Or by the events that its items write: they are its time. */
static void
test_batch_is_bounded_by_events (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.item_events, 900);
    send_calls (self, 1, 7, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    expect_answers (self, 1, 7);
    assert_int_equal (count_log ("begin apply:1 apply:2 apply:3 commit begin apply:4 "
                                 "apply:5 apply:6 commit begin apply:7 commit "),
                      1);
}

static void
expect_reset (fixture *self)
{
    zframe_t *frame = receive (self, BF_INBOX_CLOCK, DEADLINE_MS);
    assert_non_null (frame);
    Belfry__Internal__ToClock *message =
        belfry__internal__to_clock__unpack (NULL, zframe_size (frame), zframe_data (frame));
    assert_int_equal (message->n_items, 1);
    assert_true (message->items[0]->reset);
    belfry__internal__to_clock__free_unpacked (message, NULL);
    zframe_destroy (&frame);
}

/* The same batch again on the reserve, then normal service by itself. */
static void
test_disk_full (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.full, true);
    send_calls (self, 1, 2, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    expect_answers (self, 1, 2);
    assert_int_equal (count_log ("begin apply:1 rollback scarce release checkpoint "
                                 "begin apply:1 apply:2 commit "),
                      1);
    send_call (self, 3);
    expect_answers (self, 3, 3);
    assert_int_equal (count_log ("release"), 1);
    atomic_store (&told.full, false);
    atomic_store (&told.room, true);
    expect_reset (self);
    await_log ("plenty begin commit");
    send_call (self, 4);
    expect_answers (self, 4, 4);
}

/* The room for the reserve was the last there was: the next time it is not given away so
 * soon. */
static void
test_disk_flaps (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.full, true);
    atomic_store (&told.room, true);
    send_call (self, 1);
    expect_answers (self, 1, 1);
    expect_reset (self);
    send_call (self, 2);
    expect_answers (self, 2, 2);
    int64_t full_us = bf_now_read ().boot.us;
    assert_int_equal (count_log ("scarce"), 2);
    assert_int_equal (count_log ("plenty"), 1);
    expect_reset (self);
    /* What is measured begins and ends a little later than what is meant. */
    assert_true (bf_now_read ().boot.us - full_us > 1900 * BF_MS_US);
    assert_int_equal (count_log ("plenty"), 2);
    assert_int_equal (count_log ("release"), 2);
}

/* No room even without the reserve, and a ledger that cannot refuse without it: the batch
 * waits, and is applied when there is some. */
static void
test_disk_very_full (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.very_full, true);
    send_calls (self, 1, 2, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    await_log ("scarce");
    send_call (self, 3);
    assert_null (receive (self, BF_INBOX_GATEWAY, 50));
    atomic_store (&told.very_full, false);
    expect_answers (self, 1, 3);
}

/* … or is forgotten, unacknowledged, when the daemon stops instead. */
static void
test_stop_while_held (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.very_full, true);
    send_call (self, 1);
    await_log ("begin apply:1 rollback scarce release checkpoint begin apply:1 rollback "
               "checkpoint begin apply:1 rollback");
    bf_actor_stop (&self->actor);
    assert_int_equal (self->args.birth.failure.code, BF_OK);
    assert_int_equal (count_log ("close"), 1);
    assert_null (receive (self, BF_INBOX_GATEWAY, 0));
}

/* The first batch finds no room until the reserve is released: it serves. */
static void
test_disk_full_at_start (void **state)
{
    fixture *self = *state;
    atomic_store (&told.commit_full, 1);
    start (self);
    assert_string_equal (log_text (), "open begin recover broken rollback scarce release "
                                      "checkpoint begin recover commit ");
}

/* A commit that found no room is rolled back and made again like an item that found none.
 */
static void
test_disk_full_at_commit (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.commit_full, 1);
    send_calls (self, 1, 2, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    expect_answers (self, 1, 2);
    assert_int_equal (count_log ("apply:2 broken rollback scarce release checkpoint begin "
                                 "apply:1 apply:2 commit "),
                      1);
}

static void
expect_failed (fixture *self, bf_err code)
{
    char *said = bf_actor_command (bf_actor_pipe (self->actor));
    assert_string_equal (said, "FAILED");
    free (said);
    bf_actor_stop (&self->actor);
    assert_int_equal (self->args.birth.failure.code, code);
    assert_string_equal (self->args.birth.failure.text, "told so");
    assert_null (receive (self, BF_INBOX_GATEWAY, 0));
    assert_int_equal (count_log ("close"), 1);
    assert_int_equal (count_log ("retire"), 0);
}

/* The outcome of the commit is unknown: no answer, and the parent hears of it. */
static void
test_commit_fails (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.commit_error, BF_EIO);
    send_call (self, 1);
    expect_failed (self, BF_EIO);
    assert_int_equal (count_log ("rollback"), 0);
}

static void
test_apply_fails (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.apply_error, BF_ECORRUPT);
    send_call (self, 1);
    expect_failed (self, BF_ECORRUPT);
    assert_int_equal (count_log ("rollback"), 0);
}

/* What was said before the end is committed before the end. */
static void
test_stop_empties_inbox (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.block_commit, true);
    send_call (self, 1);
    sem_wait (&told.at_commit);
    atomic_store (&told.block_commit, false);
    assert_true (bf_actor_say (bf_actor_pipe (self->actor), "$TERM"));
    for (uint64_t i = 2; i <= 1500; i++) {
        send_call (self, i);
    }
    sem_post (&told.go);
    bf_actor_stop (&self->actor);
    expect_answers (self, 1, 1500);
    const char *end = "apply:1500 commit begin retire commit close ";
    const char *log = log_text ();
    assert_string_equal (log + strlen (log) - strlen (end), end);
}

static void
test_start_fails (void **state)
{
    fixture *self = *state;
    bf_error error = {0};
    atomic_store (&told.open_error, BF_ELOCKED);
    assert_int_equal (
        bf_actor_start (&self->actor, bf_store_actor, &self->args.birth, &error),
        BF_ELOCKED);
    assert_null (self->actor);
    assert_string_equal (error.text, "told so");
}

/* The first commit has to work too. */
static void
test_recovery_fails (void **state)
{
    fixture *self = *state;
    bf_error error = {0};
    atomic_store (&told.commit_error, BF_EIO);
    assert_int_equal (
        bf_actor_start (&self->actor, bf_store_actor, &self->args.birth, &error), BF_EIO);
    assert_null (self->actor);
    assert_int_equal (count_log ("close"), 1);
}

/* Soft: when nobody waits. Hard: between two batches. */
static void
test_checkpoints (void **state)
{
    fixture *self = *state;
    start (self);
    assert_int_equal (count_log ("checkpoint"), 0);
    atomic_store (&told.wal_pages, BF_WAL_SOFT_PAGES + 1);
    send_calls (self, 1, 1500, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    await_log ("apply:1500 commit checkpoint");
    expect_answers (self, 1, 1500);
    assert_int_equal (count_log ("checkpoint"), 1);
    atomic_store (&told.wal_pages, 4 * BF_WAL_SOFT_PAGES + 1);
    send_calls (self, 1501, 3000, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    await_log ("apply:2500 commit checkpoint begin apply:2501 ");
    expect_answers (self, 1501, 3000);
    assert_int_equal (count_log ("checkpoint"), 2);
}

/* One slice at a time: whoever calls meanwhile is next. */
static void
test_slices (void **state)
{
    fixture *self = *state;
    atomic_store (&told.slices, 3);
    start (self);
    await_log ("recover commit begin tend commit begin tend commit begin tend commit ");
    /* Two are under way: a call comes in during the first, more during its own commit. */
    atomic_store (&told.block_commit, true);
    atomic_store (&told.slices, 2);
    send_call (self, 1);
    sem_wait (&told.at_commit);
    send_call (self, 2);
    sem_post (&told.go);
    sem_wait (&told.at_commit);
    sem_post (&told.go);
    sem_wait (&told.at_commit);
    atomic_store (&told.block_commit, false);
    sem_post (&told.go);
    expect_answers (self, 1, 2);
    await_log ("begin apply:1 commit begin tend commit begin apply:2 commit begin tend "
               "commit ");
    bf_actor_stop (&self->actor);
    assert_int_equal (count_log ("tend"), 5);
}

/* It sleeps until then, and looks neither before nor again. */
static void
test_tends_in_time (void **state)
{
    fixture *self = *state;
    int64_t at_us = bf_now_read ().boot.us + 100 * BF_MS_US;
    atomic_store (&told.tend_at, at_us);
    start (self);
    await_log ("tend commit ");
    assert_true (bf_now_read ().boot.us >= at_us);
    /* A wait that ends by the kernel's clock may end a little early, once or twice. */
    assert_in_range (atomic_load (&told.asked), 1, 10);
    send_call (self, 1);
    expect_answers (self, 1, 1);
    assert_int_equal (count_log ("tend"), 1);
}

/* A slice that finds no room is made again with the reserve; one for which that is too
 * small as well stops nobody. */
static void
test_slice_without_room (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.full, true);
    atomic_store (&told.slices, 1);
    send_call (self, 1);
    expect_answers (self, 1, 1);
    await_log ("commit begin tend commit ");
    assert_int_equal (count_log ("scarce"), 1);
    atomic_store (&told.tend_full, true);
    atomic_store (&told.slices, 1);
    send_call (self, 2);
    expect_answers (self, 2, 2);
    await_log ("begin tend rollback checkpoint begin tend rollback checkpoint begin tend "
               "rollback ");
    send_call (self, 3);
    expect_answers (self, 3, 3);
    /* At once: not after the second that a batch without room would be held for. */
    assert_int_equal (count_log ("tend rollback begin apply:3 commit "), 1);
}

/* Nobody waits for the slices that are left. */
static void
test_stop_leaves_slices (void **state)
{
    fixture *self = *state;
    start (self);
    atomic_store (&told.slices, INT_MAX);
    send_call (self, 1);
    expect_answers (self, 1, 1);
    bf_actor_stop (&self->actor);
    assert_int_equal (count_log ("retire commit close "), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, fixture_setup, fixture_teardown)

int
main (void)
{
    bf_actor_prepare (NULL);
    const struct CMUnitTest tests[] = {
        TEST (test_answer_after_commit),
        TEST (test_group_commit),
        TEST (test_batch_is_bounded),
        TEST (test_disk_full),
        TEST (test_batch_is_bounded_by_memory),
        TEST (test_batch_is_bounded_by_events),
        TEST (test_disk_flaps),
        TEST (test_disk_very_full),
        TEST (test_disk_full_at_commit),
        TEST (test_disk_full_at_start),
        TEST (test_stop_while_held),
        TEST (test_commit_fails),
        TEST (test_apply_fails),
        TEST (test_stop_empties_inbox),
        TEST (test_start_fails),
        TEST (test_recovery_fails),
        TEST (test_checkpoints),
        TEST (test_slices),
        TEST (test_tends_in_time),
        TEST (test_slice_without_room),
        TEST (test_stop_leaves_slices),
    };
    int failed = cmocka_run_group_tests (tests, NULL, NULL);
    zsys_shutdown ();
    return failed;
}
