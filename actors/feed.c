/* SPDX-License-Identifier: MPL-2.0
 *
 * The PUB doors. Frames: topic, event. The feed's event is the monitor's with `extra`
 * behind it: concatenated protobuf messages are merged by whoever reads them, so nothing is
 * decoded here. What a slow subscriber cannot take is dropped by libzmq, never waited for:
 * the feed is a hint, seq shows the gap, and Replay closes it.
 *
 * Plain PUB: XPUB_MANUAL can be made to read freed memory by a peer in libzmq before 4.3.5,
 * and an XPUB that nobody reads grows with what peers send up.
 */
#include "actors/feed.h"

#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "actors/endpoint.h"
#include "actors/loop.h"
#include "actors/wiring.h"
#include "core/base/arena.h"
#include "core/event.h"
#include "messages/codec.h"

#include "belfry.pb-c.h"
#include "internal.pb-c.h"

#define HEARTBEAT_US BF_SECOND_US

typedef struct {
    bf_feed_args *args;
    zsock_t *pipe;
    zsock_t *inbox;
    zsock_t *feed;
    zsock_t *monitor;
    bf_arena *arena;                /* one message of the inbox */
    Belfry__V1__FeedHeartbeat head; /* what the heartbeats say */
    bool has_head;                  /* the store has told it */
    bf_boot next;                   /* heartbeat */
    bool terminated;
} self_t;

static void
self_destroy (self_t **self_p)
{
    self_t *self = *self_p;
    if (self) {
        *self_p = NULL;
        zsock_destroy (&self->inbox);
        zsock_destroy (&self->feed);
        zsock_destroy (&self->monitor);
        bf_arena_destroy (&self->arena);
        free (self);
    }
}

static bf_err
self_open (self_t *self, bf_error *error)
{
    bf_feed_args *args = self->args;
    self->arena = bf_arena_new (BF_LOOP_ARENA_BYTES);
    self->feed = bf_door_new (ZMQ_PUB);
    self->monitor = bf_door_new (ZMQ_PUB);
    self->inbox = bf_inbox_bind (args->scheduler, BF_INBOX_FEED);
    if (!self->arena || !self->feed || !self->monitor || !self->inbox) {
        return bf_fail (error, BF_ELIMIT,
                        "no room for the feed's sockets; raise the limit of open files");
    }
    bf_err rc = bf_door_bind (self->feed, args->feed, &args->feed_bound, error);
    if (rc == BF_OK) {
        rc = bf_door_bind (self->monitor, args->monitor, &args->monitor_bound, error);
    }
    return rc;
}

static self_t *
self_new (zsock_t *pipe, bf_feed_args *args, bf_error *error)
{
    self_t *self = calloc (1, sizeof *self);
    if (!self) {
        bf_fail_plain (error, BF_ENOMEM);
        return NULL;
    }
    self->args = args;
    self->pipe = pipe;
    belfry__v1__feed_heartbeat__init (&self->head);
    if (self_open (self, error) != BF_OK) {
        self_destroy (&self);
    }
    return self;
}

/* A PUB takes or drops; without memory for the copy the frame is dropped too. */
static void
publish (zsock_t *door, const char *topic, const void *event, size_t size,
         const void *extra, size_t extra_size)
{
    zmq_msg_t frame;
    if (zmq_msg_init_size (&frame, size + extra_size) != 0) {
        return;
    }
    uint8_t *bytes = zmq_msg_data (&frame);
    if (size > 0) {
        memcpy (bytes, event, size);
    }
    if (extra_size > 0) {
        memcpy (bytes + size, extra, extra_size);
    }
    void *handle = zsock_resolve (door);
    if (zmq_send (handle, topic, strlen (topic), ZMQ_SNDMORE | ZMQ_DONTWAIT) == -1 ||
        zmq_msg_send (&frame, handle, ZMQ_DONTWAIT) == -1) {
        zmq_msg_close (&frame);
    }
}

static void
handle_item (self_t *self, const Belfry__Internal__FeedItem *item)
{
    if (item->item_case == BELFRY__INTERNAL__FEED_ITEM__ITEM_PUBLISHED) {
        const Belfry__Internal__Published *event = item->published;
        publish (self->feed, event->topic, event->event.data, event->event.len,
                 event->extra.data, event->extra.len);
        publish (self->monitor, event->topic, event->event.data, event->event.len, NULL, 0);
    } else if (item->item_case == BELFRY__INTERNAL__FEED_ITEM__ITEM_HEAD) {
        const Belfry__Internal__Head *head = item->head;
        self->head.stream_epoch = head->stream_epoch;
        self->head.shard = head->shard;
        self->head.head_seq = head->head_seq;
        self->head.oldest_seq = head->oldest_seq;
        self->has_head = true;
    }
}

/* False where the inbox is empty. */
static bool
handle_inbox (self_t *self)
{
    zframe_t *frame = bf_inbox_receive (self->inbox);
    if (!frame) {
        return false;
    }
    bf_arena_reset (self->arena);
    const Belfry__Internal__ToFeed *message =
        (const Belfry__Internal__ToFeed *)bf_loop_unpack (
            &frame, &belfry__internal__to_feed__descriptor, self->arena);
    /* Without memory the events of this batch are a gap that subscribers replay. */
    for (size_t i = 0; message && i < message->n_items; i++) {
        handle_item (self, message->items[i]);
    }
    return true;
}

static void
heartbeat (self_t *self)
{
    bf_now now = bf_now_read ();
    if (now.boot.us < self->next.us) {
        return;
    }
    /* A second after this one, not after the one that was meant: a machine that slept does
     * not owe its heartbeats. */
    self->next.us = now.boot.us + HEARTBEAT_US;
    if (!self->has_head) {
        return;
    }
    self->head.at_us = now.wall.us;
    /* Two fixed64, three varints of at most 10 bytes, five tags. */
    uint8_t packed[64];
    BF_INVARIANT (belfry__v1__feed_heartbeat__get_packed_size (&self->head) <=
                  sizeof packed);
    size_t size = belfry__v1__feed_heartbeat__pack (&self->head, packed);
    publish (self->feed, BF_HEARTBEAT_TOPIC, packed, size, NULL, 0);
    publish (self->monitor, BF_HEARTBEAT_TOPIC, packed, size, NULL, 0);
}

void
bf_feed_actor (zsock_t *pipe, void *args)
{
    bf_feed_args *feed_args = args;
    self_t *self = self_new (pipe, feed_args, &feed_args->birth.error);
    bf_loop_born (pipe);
    if (!self) {
        return;
    }
    self->next.us = bf_now_read ().boot.us + HEARTBEAT_US;
    zmq_pollitem_t items[] = {bf_loop_socket (self->pipe), bf_loop_socket (self->inbox)};
    while (!self->terminated && bf_loop_wait (items, 2, self->next)) {
        if (items[0].revents) {
            self->terminated = bf_loop_ended (self->pipe, NULL);
        }
        int taken = 0;
        while (taken < BF_LOOP_MESSAGES && handle_inbox (self)) {
            taken++;
        }
        heartbeat (self);
    }
    /* The store has ended: what it committed last goes out. */
    while (handle_inbox (self)) {
    }
    self_destroy (&self);
}
