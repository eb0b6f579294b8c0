/* SPDX-License-Identifier: MPL-2.0
 *
 * The store actor: group commit around the ledger.
 *
 *   wait -> drain inbox -> begin, apply each item, commit -> release outcome -> wait
 *                              |            '-- disk full: roll back, use the reserve,
 *                              |                apply the same batch again
 *                              '-- anything else: release nothing, stop, tell the parent
 *
 * Between two batches it does one slice of the work that nobody waits for (tending the
 * ledger), as long as there is any. While there is nothing to do it sleeps until the ledger
 * has some again. With the disk full it wakes every second to see whether there is room.
 */
#include "actors/store.h"

#include <stdlib.h>

#include "actors/loop.h"
#include "actors/store_weight.h"
#include "actors/wiring.h"
#include "core/base/failpoint.h"
#include "core/base/list.h"
#include "core/base/log.h"
#include "persist/database.h"
#include "persist/ledger.h"

#include "internal.pb-c.h"

/* Work in one transaction, by weight. A commit is one fdatasync, which a disk does in 0.1
 * to 10 ms; a thousand small commands take the ledger about as long, so that beyond this a
 * larger batch gains nothing and its first caller only waits. */
#define BF_STORE_BATCH 1000
/* What a batch may take of the ledger's memory before it is ended, whatever is left for the
 * next one. Weights say nothing about bytes: a small command may have a large answer. */
#define BF_STORE_BATCH_MEMORY ((size_t)64 * 1024 * 1024)
/* Nor about time: a small command may end a thousand runs. A thousand plain ones write at
 * most two events each. */
#define BF_STORE_BATCH_EVENTS 2000
/* Bytes taken from the inbox at once: a thousand commands of the usual size. It bounds what
 * waits here unpacked, not what judging it takes. */
#define BF_STORE_BATCH_BYTES ((size_t)1024 * 1024)

/* How often a held batch is tried again, and room for the reserve is looked for, while the
 * disk is full. */
#define SCARCE_US BF_SECOND_US
/* Room for the reserve may be the last there was. Full again so soon after leaving, the
 * next leaving has to wait twice as long, up to the most; after a quiet minute, as at
 * first. */
#define FLAP_US (10 * BF_SECOND_US)
#define LEAVE_MAX_US BF_MINUTE_US
#define QUIET_US BF_MINUTE_US

typedef struct {
    bf_store_args *args;
    zsock_t *pipe;
    zsock_t *inbox;
    zsock_t *outboxes[BF_INBOXES]; /* by receiver; none to itself */
    bf_ledger *ledger;
    bf_arena *arena; /* what the items of `items` are made of */
    bf_list items;   /* Belfry__Internal__StoreItem, unpacked */
    size_t done;     /* items judged, committed and released */
    bf_boot retry;   /* disk full: when to look for room; INT64_MAX otherwise */
    bf_boot left;    /* disk full: when it last was over */
    bf_boot leave;   /* not over before then */
    int64_t wait_us; /* how long it lasts at least */
    bool held;       /* there is no room to refuse the batch in: it waits */
    bool terminated;
} self_t;

static void
self_destroy (self_t **self_p)
{
    self_t *self = *self_p;
    if (self) {
        *self_p = NULL;
        bf_ledger_close (&self->ledger);
        for (size_t i = 0; i < BF_INBOXES; i++) {
            zsock_destroy (&self->outboxes[i]);
        }
        zsock_destroy (&self->inbox);
        bf_list_clear (&self->items);
        bf_arena_destroy (&self->arena);
        free (self);
    }
}

static bf_err
ledger_open (self_t *self, bf_error *error)
{
    bf_database *database = NULL;
    bf_err rc = bf_database_open (&database, self->args->directory, NULL, error);
    if (rc != BF_OK) {
        return rc;
    }
    char boot_id[BF_BOOT_ID_BYTES];
    bf_boot_id_read (boot_id);
    bf_ledger_options options = {
        .stream_epoch = bf_loop_seed () | 1,
        .boot_id = boot_id,
        .seed = bf_loop_seed (),
        .retention.finals = {self->args->keep_finals_us},
        .retention.final_jobs = self->args->keep_final_jobs,
        .retention.events = {self->args->keep_events_us},
        .retention.event_rows = self->args->keep_event_rows,
        .zoneinfo = self->args->zoneinfo,
    };
    return bf_ledger_open (&self->ledger, &database, &options, bf_now_read (), error);
}

static bf_err
self_open (self_t *self, bf_error *error)
{
    self->arena = bf_arena_new (BF_LOOP_ARENA_BYTES);
    self->inbox = bf_inbox_bind (self->args->scheduler, BF_INBOX_STORE);
    bool complete = self->arena && self->inbox;
    for (bf_inbox i = 0; i < BF_INBOXES; i++) {
        if (i != BF_INBOX_STORE) {
            self->outboxes[i] = bf_inbox_connect (self->args->scheduler, i);
            complete = complete && self->outboxes[i];
        }
    }
    if (!complete) {
        return bf_fail (error, BF_ELIMIT,
                        "no room for the store's sockets; raise the limit of open files");
    }
    return ledger_open (self, error);
}

static self_t *
self_new (zsock_t *pipe, bf_store_args *args, bf_error *error)
{
    self_t *self = calloc (1, sizeof *self);
    if (!self) {
        bf_fail_plain (error, BF_ENOMEM);
        return NULL;
    }
    self->args = args;
    self->pipe = pipe;
    self->retry.us = INT64_MAX;
    self->left.us = -QUIET_US;
    if (self_open (self, error) != BF_OK) {
        self_destroy (&self);
    }
    return self;
}

/* --- release ----------------------------------------------------------------------- */

/* An inbox's message type is a base, a count and an array: the same in all five, but not in
 * C's eyes. */
#define RELEASE(self, inbox, Type, type, list)                                         \
    release_list (                                                                     \
        self, inbox,                                                                   \
        (const ProtobufCMessage *)&(Belfry__Internal__##Type){                         \
            .base = PROTOBUF_C_MESSAGE_INIT (&belfry__internal__##type##__descriptor), \
            .n_items = (list)->count,                                                  \
            .items = (void *)(list)->items})

static bf_err
release_list (self_t *self, bf_inbox inbox, const ProtobufCMessage *message)
{
    bf_err rc = bf_inbox_send (self->outboxes[inbox], message);
    /* A receiver that is gone: on the way down they end before the store does, and
     * otherwise the scheduler has noticed and is stopping everything. */
    return rc == BF_EINTERNAL ? BF_OK : rc;
}

/* With the time: how long it lay unread tells the clock whether it was away. */
static bf_err
release_clock (self_t *self, const bf_list *items)
{
    bf_now now = bf_now_read ();
    Belfry__Internal__ToClock message = BELFRY__INTERNAL__TO_CLOCK__INIT;
    message.n_items = items->count;
    message.items = (Belfry__Internal__ClockItem **)items->items;
    message.sent_wall_us = now.wall.us;
    message.sent_boot_us = now.boot.us;
    return release_list (self, BF_INBOX_CLOCK, &message.base);
}

/* After the commit, and only then. Leases are told to retry and queues to the dispatcher
 * before the gateway answers, so that a worker's first heartbeat and a client's next claim
 * mostly find them known; both actors cope where it is the other way round. The clock comes
 * after the answers, because a timer may be due at once and a fire makes the next batch.
 * Events go last: nobody waits for them. */
static bf_err
release (self_t *self, bf_error *error)
{
    const bf_outcome *outcome = bf_ledger_outcome (self->ledger);
    bf_err rc = BF_OK;
    for (size_t i = 0; i < outcome->warnings.count; i++) {
        bf_log (BF_LOG_WARNING, self->args->birth.name,
                "a time zone cannot be brought up to date", "text=\"%s\"",
                (const char *)outcome->warnings.items[i]);
    }
    if (rc == BF_OK && outcome->retry.count > 0) {
        rc = RELEASE (self, BF_INBOX_RETRY, ToRetry, to_retry, &outcome->retry);
    }
    if (rc == BF_OK && outcome->dispatcher.count > 0) {
        rc = RELEASE (self, BF_INBOX_DISPATCHER, ToDispatcher, to_dispatcher,
                      &outcome->dispatcher);
    }
    if (rc == BF_OK && outcome->gateway.count > 0) {
        rc = RELEASE (self, BF_INBOX_GATEWAY, ToGateway, to_gateway, &outcome->gateway);
    }
    if (rc == BF_OK && outcome->feed.count > 0) {
        rc = BF_FAILPOINT (after_reply_before_feed, error);
    }
    if (rc == BF_OK && outcome->clock.count > 0) {
        rc = release_clock (self, &outcome->clock);
    }
    if (rc == BF_OK && outcome->feed.count > 0) {
        rc = RELEASE (self, BF_INBOX_FEED, ToFeed, to_feed, &outcome->feed);
    }
    bf_ledger_clear (self->ledger);
    if (rc != BF_OK) {
        /* A timer or a lease that its actor never hears of would be forgotten until the
         * next start: better have that start now. */
        return bf_fail (error, rc, "a committed batch could not be passed on: %s",
                        bf_err_text (rc));
    }
    return BF_OK;
}

/* --- one batch --------------------------------------------------------------------- */

/* What a batch may have at its edges beside the items. */
typedef enum { EDGE_NONE, EDGE_RECOVER, EDGE_TEND, EDGE_RETIRE } edge;

/* Everything between begin and commit: the items up to *end_p, which is moved to where the
 * batch's memory or its time ended, if that came first. */
static bf_err
judge (self_t *self, size_t *end_p, edge at, bf_error *error)
{
    bf_err rc = at == EDGE_RECOVER ? bf_ledger_recover (self->ledger, error) : BF_OK;
    for (size_t i = self->done; rc == BF_OK && i < *end_p; i++) {
        rc = bf_ledger_apply (self->ledger, self->items.items[i], error);
        if (bf_ledger_used (self->ledger) > BF_STORE_BATCH_MEMORY ||
            bf_ledger_events (self->ledger) > BF_STORE_BATCH_EVENTS) {
            *end_p = i + 1;
        }
    }
    if (rc == BF_OK && at == EDGE_TEND) {
        rc = bf_ledger_tend (self->ledger, error);
    }
    if (rc == BF_OK && at == EDGE_RETIRE) {
        rc = bf_ledger_retire (self->ledger, error);
    }
    return rc;
}

static bf_err
transact (self_t *self, size_t *end_p, edge at, bf_error *error)
{
    bf_err rc = bf_ledger_begin (self->ledger, bf_now_read (), error);
    if (rc == BF_OK) {
        rc = judge (self, end_p, at, error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_commit (self->ledger, error);
    }
    if (rc == BF_EDISKFULL) {
        /* After any other error nobody knows what the file holds: it is left to the next
         * start. */
        bf_ledger_rollback (self->ledger);
    }
    return rc;
}

/* A WAL that is all in the file is written again from its start, which may be all the room
 * that is needed. */
static bf_err
checkpoint (self_t *self, bf_error *error)
{
    bf_err rc = bf_database_checkpoint (bf_ledger_database (self->ledger), error);
    return rc == BF_EDISKFULL ? BF_OK : rc;
}

/* How long this time of disk full lasts at least. */
static void
set_leave (self_t *self, bf_boot now)
{
    int64_t lasted_us = now.us - self->left.us;
    if (lasted_us >= QUIET_US) {
        self->wait_us = SCARCE_US;
    } else if (lasted_us < FLAP_US) {
        self->wait_us = 2 * self->wait_us < LEAVE_MAX_US ? 2 * self->wait_us : LEAVE_MAX_US;
    }
    self->leave.us = now.us + self->wait_us;
}

static void
become_scarce (self_t *self)
{
    bf_boot now = bf_now_read ().boot;
    if (!bf_ledger_is_scarce (self->ledger)) {
        bf_log (BF_LOG_ERROR, self->args->birth.name,
                "the disk is full: new work is refused until there is room",
                "directory=\"%s\"", self->args->directory);
        bf_ledger_set_scarce (self->ledger, true);
        bf_database_release_reserve (bf_ledger_database (self->ledger));
        set_leave (self, now);
    }
    self->retry.us = now.us + SCARCE_US;
}

/* The same items on the reserve, and, where even that is not enough, once more, when the
 * ledger refuses everything that needs room, so that callers hear of it. */
static bf_err
transact_scarce (self_t *self, size_t *end_p, edge at, bf_error *error)
{
    bf_err rc = BF_EDISKFULL;
    for (int tries = 0; rc == BF_EDISKFULL && tries < 2; tries++) {
        become_scarce (self);
        rc = checkpoint (self, error);
        if (rc == BF_OK) {
            rc = transact (self, end_p, at, error);
        }
    }
    return rc;
}

/* Judges, commits and releases the items up to `end`, or fewer. BF_EDISKFULL: they could
 * not even be refused, and are kept. */
static bf_err
batch (self_t *self, size_t end, edge at, bf_error *error)
{
    bf_err rc = transact (self, &end, at, error);
    if (rc == BF_EDISKFULL) {
        rc = transact_scarce (self, &end, at, error);
    }
    if (rc == BF_OK) {
        self->done = end;
        rc = release (self, error);
    }
    if (self->done == self->items.count) {
        bf_list_truncate (&self->items, 0);
        bf_arena_reset (self->arena);
        self->done = 0;
    }
    return rc;
}

/* The items after `done` that make one batch: at least one where there is any. */
static size_t
batch_end (const self_t *self)
{
    size_t end = self->done;
    size_t sum = 0;
    while (end < self->items.count && sum < BF_STORE_BATCH) {
        sum += bf_store_weight (self->items.items[end]);
        end++;
    }
    return end;
}

/* Unpacks what is in the inbox, without waiting, up to about a batch. */
static bf_err
drain (self_t *self, bf_error *error)
{
    size_t bytes = 0;
    while (self->items.count < BF_STORE_BATCH && bytes < BF_STORE_BATCH_BYTES) {
        zframe_t *frame = bf_inbox_receive (self->inbox);
        if (!frame) {
            break;
        }
        bytes += zframe_size (frame);
        const Belfry__Internal__ToStore *message =
            (const Belfry__Internal__ToStore *)bf_loop_unpack (
                &frame, &belfry__internal__to_store__descriptor, self->arena);
        bf_err rc = message ? BF_OK : BF_ENOMEM;
        for (size_t i = 0; rc == BF_OK && i < message->n_items; i++) {
            rc = bf_list_push (&self->items, message->items[i]);
        }
        if (rc != BF_OK) {
            return bf_fail (error, rc, "no memory for a batch");
        }
    }
    return BF_OK;
}

/* --- the loop ---------------------------------------------------------------------- */

static bool
has_slice (const self_t *self)
{
    return bf_ledger_next_tend (self->ledger).us <= bf_now_read ().boot.us;
}

/* One slice of what nobody waits for, in a batch of its own, so that whoever has called
 * meanwhile is next. Where even the reserve is too small for it the ledger puts it off. */
static bf_err
slice (self_t *self, bf_error *error)
{
    if (!has_slice (self)) {
        return BF_OK;
    }
    bf_err rc = batch (self, self->done, EDGE_TEND, error);
    if (rc == BF_OK) {
        rc = BF_FAILPOINT (between_slices, error);
    }
    return rc == BF_EDISKFULL ? BF_OK : rc;
}

/* Once a batch is out: moves the WAL on when it has grown and nobody waits, or when it has
 * grown too far to ask. */
static bf_err
tend (self_t *self, bool idle, bf_error *error)
{
    int pages = bf_database_wal_pages (bf_ledger_database (self->ledger));
    bool due = pages > 4 * BF_WAL_SOFT_PAGES || (pages > BF_WAL_SOFT_PAGES && idle);
    if (!due || bf_ledger_is_scarce (self->ledger)) {
        return BF_OK;
    }
    bf_err rc = bf_database_checkpoint (bf_ledger_database (self->ledger), error);
    if (rc == BF_EDISKFULL) {
        become_scarce (self);
        return BF_OK;
    }
    return rc;
}

/* The second has passed: is there room for the reserve again? */
static bf_err
on_retry (self_t *self, bf_error *error)
{
    bf_boot now = bf_now_read ().boot;
    if (now.us < self->retry.us) {
        return BF_OK;
    }
    self->retry.us = now.us + SCARCE_US;
    if (now.us < self->leave.us ||
        bf_database_rebuild_reserve (bf_ledger_database (self->ledger)) != BF_OK) {
        /* No reserve, but a held batch may fit by now, and what was dropped for a second
         * may come again. */
        self->held = false;
        return batch (self, self->done, EDGE_NONE, error);
    }
    bf_log (BF_LOG_WARNING, self->args->birth.name, "there is room on the disk again",
            "directory=\"%s\"", self->args->directory);
    bf_ledger_set_scarce (self->ledger, false);
    self->left = now;
    self->retry.us = INT64_MAX;
    self->held = false;
    /* Lets the clock's reset out, also where nothing else is asked. */
    return batch (self, self->done, EDGE_NONE, error);
}

/* The next batch, if there is one and it may go. */
static bf_err
work (self_t *self, bf_error *error)
{
    bf_err rc = BF_OK;
    if (self->items.count == 0) {
        rc = drain (self, error);
    }
    size_t end = batch_end (self);
    if (rc == BF_OK && end > self->done) {
        rc = batch (self, end, EDGE_NONE, error);
    }
    return rc;
}

static bool
is_idle (const self_t *self)
{
    return self->items.count == 0 && !(zsock_events (self->inbox) & ZMQ_POLLIN);
}

/* One turn of the loop. */
static bf_err
turn (self_t *self, bf_error *error)
{
    bf_err rc = on_retry (self, error);
    if (rc == BF_OK && !self->held) {
        rc = work (self, error);
    }
    if (rc == BF_OK && !self->held) {
        rc = slice (self, error);
    }
    if (rc == BF_EDISKFULL) {
        self->held = true;
        return BF_OK;
    }
    /* Between two slices it is not idle: a checkpoint for every few of them would make
     * those wait who call meanwhile. */
    return rc == BF_OK ? tend (self, is_idle (self) && !has_slice (self), error) : rc;
}

/* What everybody said before they ended, and the last event. */
static bf_err
finish (self_t *self, bf_error *error)
{
    bf_err rc = BF_OK;
    while (rc == BF_OK && !self->held && !is_idle (self)) {
        rc = turn (self, error);
    }
    if (rc == BF_OK && !self->held) {
        rc = batch (self, self->done, EDGE_RETIRE, error);
    }
    /* A batch that never found room was never acknowledged, and the event
     * scheduler.stopping is a courtesy. */
    return rc == BF_EDISKFULL ? BF_OK : rc;
}

/* When there is something to do though nobody says so. What is unpacked already waits for
 * nobody. */
static bf_boot
next_turn (const self_t *self)
{
    if (self->held) {
        return self->retry;
    }
    if (self->items.count > 0) {
        return (bf_boot){0};
    }
    bf_boot next = bf_ledger_next_tend (self->ledger);
    return next.us < self->retry.us ? next : self->retry;
}

/* Until $TERM, or an error that it cannot survive. */
static bf_err
serve (self_t *self, bf_error *error)
{
    zmq_pollitem_t items[] = {bf_loop_socket (self->pipe), bf_loop_socket (self->inbox)};
    bf_err rc = BF_OK;
    while (rc == BF_OK && !self->terminated) {
        /* A batch that is held back lets the inbox wait too: its senders have credits. */
        if (!bf_loop_wait (items, self->held ? 1 : 2, next_turn (self))) {
            break;
        }
        if (items[0].revents) {
            self->terminated = bf_loop_ended (self->pipe, NULL);
        }
        rc = turn (self, error);
    }
    return rc == BF_OK ? finish (self, error) : rc;
}

void
bf_store_actor (zsock_t *pipe, void *args)
{
    bf_store_args *store_args = args;
    bf_actor_birth *birth = &store_args->birth;
    /* Not the birth's own: what is survived, as a full disk is, leaves its sentence too. */
    bf_error error = {0};
    self_t *self = self_new (pipe, store_args, &error);
    if (self && batch (self, 0, EDGE_RECOVER, &error) != BF_OK) {
        self_destroy (&self);
    }
    if (!self) {
        birth->error = error;
    }
    bf_loop_born (pipe);
    if (!self) {
        return;
    }
    if (serve (self, &error) != BF_OK) {
        birth->failure = error;
        bf_log (BF_LOG_ERROR, birth->name, "cannot go on", "error=%s text=\"%s\"",
                bf_err_name (error.code), error.text);
        bf_actor_say (pipe, "FAILED");
    }
    self_destroy (&self);
}
