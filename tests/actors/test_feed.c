/* SPDX-License-Identifier: MPL-2.0
 *
 * actors/feed: what the two doors publish, over real sockets.
 */
#include "actors/feed.h"

#include <string.h>

#include "actors/wiring.h"
#include "core/base/time.h"
#include "core/event.h"
#include "tests/support/cmocka.h"

#include "belfry.pb-c.h"
#include "internal.pb-c.h"

/* Far more than anything here needs. */
#define DEADLINE_MS 10000

typedef struct {
    uint64_t scheduler;
    bf_feed_args args;
    bf_actor *actor;
    zsock_t *store; /* we are the store */
    zsock_t *feed;  /* and a subscriber of each door */
    zsock_t *monitor;
} fixture;

static zsock_t *
subscribe (zlist_t *bound)
{
    zsock_t *socket = bf_actor_socket (ZMQ_SUB);
    assert_non_null (socket);
    assert_int_equal (zsock_connect (socket, "%s", (char *)zlist_first (bound)), 0);
    zsock_set_rcvtimeo (socket, DEADLINE_MS);
    zsock_set_subscribe (socket, "");
    return socket;
}

static void
start (fixture *self, const char *const *feed, const char *const *monitor)
{
    static uint64_t number;
    *self = (fixture){.scheduler = ++number};
    self->args = (bf_feed_args){.birth.name = "feed",
                                .scheduler = self->scheduler,
                                .feed = feed,
                                .monitor = monitor};
    self->store = bf_inbox_connect (self->scheduler, BF_INBOX_FEED);
    bf_error error = {0};
    assert_int_equal (
        bf_actor_start (&self->actor, bf_feed_actor, &self->args.birth, &error), BF_OK);
    self->feed = subscribe (self->args.feed_bound);
    self->monitor = subscribe (self->args.monitor_bound);
}

static void
finish (fixture *self)
{
    bf_actor_stop (&self->actor);
    zsock_destroy (&self->store);
    zsock_destroy (&self->feed);
    zsock_destroy (&self->monitor);
    zlist_destroy (&self->args.feed_bound);
    zlist_destroy (&self->args.monitor_bound);
}

static void
send_item (fixture *self, Belfry__Internal__FeedItem *item)
{
    Belfry__Internal__ToFeed message = BELFRY__INTERNAL__TO_FEED__INIT;
    message.n_items = 1;
    message.items = &item;
    assert_int_equal (bf_inbox_send (self->store, &message.base), BF_OK);
}

static void
send_head (fixture *self, uint64_t seq)
{
    Belfry__Internal__Head head = BELFRY__INTERNAL__HEAD__INIT;
    head.stream_epoch = 77;
    head.head_seq = seq;
    head.oldest_seq = 3;
    Belfry__Internal__FeedItem item = BELFRY__INTERNAL__FEED_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__FEED_ITEM__ITEM_HEAD;
    item.head = &head;
    send_item (self, &item);
}

/* An event with a payload for the feed only. */
static void
send_event (fixture *self, uint64_t seq)
{
    Belfry__V1__Event event = BELFRY__V1__EVENT__INIT;
    event.seq = seq;
    event.kind = (char *)"run.delivered";
    uint8_t packed[64];
    size_t size = belfry__v1__event__pack (&event, packed);
    Belfry__V1__Event extra = BELFRY__V1__EVENT__INIT;
    extra.payload = (ProtobufCBinaryData){5, (uint8_t *)"hello"};
    uint8_t packed_extra[64];
    size_t extra_size = belfry__v1__event__pack (&extra, packed_extra);

    Belfry__Internal__Published published = BELFRY__INTERNAL__PUBLISHED__INIT;
    published.topic = (char *)"run.delivered turn ";
    published.event = (ProtobufCBinaryData){size, packed};
    published.extra = (ProtobufCBinaryData){extra_size, packed_extra};
    Belfry__Internal__FeedItem item = BELFRY__INTERNAL__FEED_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__FEED_ITEM__ITEM_PUBLISHED;
    item.published = &published;
    send_item (self, &item);
}

/* The next message has exactly two frames; the topic is checked, the other is returned. */
static zframe_t *
receive (zsock_t *socket, const char *topic)
{
    zmsg_t *message = zmsg_recv (socket);
    assert_non_null (message);
    assert_int_equal (zmsg_size (message), 2);
    zframe_t *first = zmsg_pop (message);
    assert_int_equal (zframe_size (first), strlen (topic));
    assert_memory_equal (zframe_data (first), topic, strlen (topic));
    zframe_destroy (&first);
    zframe_t *second = zmsg_pop (message);
    zmsg_destroy (&message);
    return second;
}

static Belfry__V1__FeedHeartbeat *
receive_heartbeat (zsock_t *socket)
{
    zframe_t *frame = receive (socket, BF_HEARTBEAT_TOPIC);
    Belfry__V1__FeedHeartbeat *heartbeat =
        belfry__v1__feed_heartbeat__unpack (NULL, zframe_size (frame), zframe_data (frame));
    assert_non_null (heartbeat);
    zframe_destroy (&frame);
    return heartbeat;
}

static Belfry__V1__Event *
receive_event (zsock_t *socket)
{
    zframe_t *frame = receive (socket, "run.delivered turn ");
    Belfry__V1__Event *event =
        belfry__v1__event__unpack (NULL, zframe_size (frame), zframe_data (frame));
    assert_non_null (event);
    zframe_destroy (&frame);
    return event;
}

/* The heartbeat tells a subscriber that it is heard; after it nothing is missed. */
static void
await_heartbeats (fixture *self)
{
    Belfry__V1__FeedHeartbeat *heartbeat = receive_heartbeat (self->feed);
    belfry__v1__feed_heartbeat__free_unpacked (heartbeat, NULL);
    heartbeat = receive_heartbeat (self->monitor);
    belfry__v1__feed_heartbeat__free_unpacked (heartbeat, NULL);
}

static void
check_event (Belfry__V1__Event *event, uint64_t seq, size_t payload_bytes)
{
    assert_int_equal (event->seq, seq);
    assert_string_equal (event->kind, "run.delivered");
    assert_int_equal (event->payload.len, payload_bytes);
    belfry__v1__event__free_unpacked (event, NULL);
}

static const char *const tcp[] = {"tcp://127.0.0.1:*", NULL};

static void
test_events (void **state)
{
    (void)state;
    fixture self;
    start (&self, tcp, tcp);
    send_head (&self, 1);
    await_heartbeats (&self);
    send_event (&self, 2);
    send_event (&self, 3);
    /* The payload is the feed's alone. */
    check_event (receive_event (self.feed), 2, 5);
    check_event (receive_event (self.feed), 3, 5);
    check_event (receive_event (self.monitor), 2, 0);
    check_event (receive_event (self.monitor), 3, 0);
    finish (&self);
}

static void
test_heartbeat (void **state)
{
    (void)state;
    fixture self;
    start (&self, tcp, tcp);
    bf_now before = bf_now_read ();
    send_head (&self, 8);
    send_head (&self, 9);
    Belfry__V1__FeedHeartbeat *heartbeat = receive_heartbeat (self.feed);
    assert_int_equal (heartbeat->stream_epoch, 77);
    assert_int_equal (heartbeat->head_seq, 9);
    assert_int_equal (heartbeat->oldest_seq, 3);
    assert_true (heartbeat->at_us >= before.wall.us);
    int64_t first_us = heartbeat->at_us;
    belfry__v1__feed_heartbeat__free_unpacked (heartbeat, NULL);
    heartbeat = receive_heartbeat (self.feed);
    assert_true (heartbeat->at_us - first_us >= BF_SECOND_US);
    belfry__v1__feed_heartbeat__free_unpacked (heartbeat, NULL);
    finish (&self);
}

/* What the store said before both end is published: the actor empties its inbox. */
static void
test_last_words (void **state)
{
    (void)state;
    fixture self;
    start (&self, tcp, tcp);
    send_head (&self, 1);
    await_heartbeats (&self);
    for (uint64_t i = 2; i <= 501; i++) {
        send_event (&self, i);
    }
    bf_actor_stop (&self.actor);
    for (uint64_t i = 2; i <= 501; i++) {
        check_event (receive_event (self.monitor), i, 0);
    }
    finish (&self);
}

/* Waits for the heartbeat that says so. */
static void
await_head (zsock_t *socket, uint64_t seq)
{
    for (uint64_t head = 0; head != seq;) {
        zmsg_t *message = zmsg_recv (socket);
        assert_non_null (message);
        char *topic = zmsg_popstr (message);
        if (streq (topic, BF_HEARTBEAT_TOPIC)) {
            zframe_t *frame = zmsg_first (message);
            Belfry__V1__FeedHeartbeat *heartbeat = belfry__v1__feed_heartbeat__unpack (
                NULL, zframe_size (frame), zframe_data (frame));
            assert_non_null (heartbeat);
            head = heartbeat->head_seq;
            belfry__v1__feed_heartbeat__free_unpacked (heartbeat, NULL);
        }
        zstr_free (&topic);
        zmsg_destroy (&message);
    }
}

/* More than a PUB keeps for one subscriber. */
#define FLOOD 11000

/* A subscriber that does not read loses frames; it holds up nobody. */
static void
test_stalled_subscriber (void **state)
{
    (void)state;
    static const char *const inproc[] = {"inproc://test-stalled", NULL};
    fixture self;
    start (&self, tcp, inproc);
    send_head (&self, 1);
    await_heartbeats (&self);
    zsock_t *stalled = bf_actor_socket (ZMQ_SUB);
    zsock_set_rcvhwm (stalled, 1);
    zsock_set_subscribe (stalled, "");
    zsock_connect (stalled, "%s", (char *)zlist_first (self.args.monitor_bound));
    Belfry__Internal__Published published = BELFRY__INTERNAL__PUBLISHED__INIT;
    published.topic = (char *)"x ";
    Belfry__Internal__FeedItem item = BELFRY__INTERNAL__FEED_ITEM__INIT;
    item.item_case = BELFRY__INTERNAL__FEED_ITEM__ITEM_PUBLISHED;
    item.published = &published;
    for (size_t i = 0; i < FLOOD; i++) {
        send_item (&self, &item);
    }
    send_head (&self, 2);
    await_head (self.feed, 2);
    zsock_destroy (&stalled);
    finish (&self);
}

static void
test_taken_endpoint (void **state)
{
    (void)state;
    fixture self;
    start (&self, tcp, tcp);
    const char *const taken[] = {zlist_first (self.args.feed_bound), NULL};
    bf_feed_args args = {.birth.name = "feed", .scheduler = 1000, .feed = taken};
    bf_actor *actor = NULL;
    bf_error error = {0};
    assert_int_equal (bf_actor_start (&actor, bf_feed_actor, &args.birth, &error),
                      BF_EBIND);
    assert_null (actor);
    assert_non_null (strstr (error.text, taken[0]));
    zlist_destroy (&args.feed_bound);
    zlist_destroy (&args.monitor_bound);
    finish (&self);
}

int
main (void)
{
    bf_actor_prepare (NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_events),         cmocka_unit_test (test_heartbeat),
        cmocka_unit_test (test_last_words),     cmocka_unit_test (test_stalled_subscriber),
        cmocka_unit_test (test_taken_endpoint),
    };
    int failed = cmocka_run_group_tests (tests, NULL, NULL);
    zsys_shutdown ();
    return failed;
}
