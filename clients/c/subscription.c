/* SPDX-License-Identifier: MPL-2.0
 *
 * See subscription.h.
 */
#include "clients/c/subscription.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clients/c/stream.h"

#define HEARTBEAT_TOPIC "heartbeat "

enum { QUEUE_FRAMES = 10000 /* that wait while a replay goes on */ };

void
bf_subscription_close (bf_subscription *subscription)
{
    if (subscription->feed != NULL) {
        zmq_socket_monitor (subscription->feed, NULL, 0);
        zmq_close (subscription->feed);
        subscription->feed = NULL;
    }
    if (subscription->news != NULL) {
        zmq_close (subscription->news);
        subscription->news = NULL;
    }
}

static int
subscribe (void *feed, const char *topic)
{
    return zmq_setsockopt (feed, ZMQ_SUBSCRIBE, topic, strlen (topic));
}

/* Of one kind: all types, or those that were chosen. */
static int
subscribe_kind (void *feed, const char *kind, const char *const *types)
{
    /* Longer than any name that is allowed: then nothing can match it anyhow. */
    char topic[BF_STREAM_TOPIC_BYTES];
    if (types == NULL || types[0] == NULL) {
        snprintf (topic, sizeof topic, "%s ", kind);
        return subscribe (feed, topic);
    }
    int rc = 0;
    for (size_t type = 0; rc == 0 && types[type] != NULL; type++) {
        snprintf (topic, sizeof topic, "%s %s ", kind, types[type]);
        rc = subscribe (feed, topic);
    }
    return rc;
}

/* The heartbeat last, so that where it arrives the others are in force. */
static int
subscribe_all (void *feed, const belfry_watch_options *options)
{
    bool everything = options->kinds == NULL || options->kinds[0] == NULL;
    int rc = everything ? subscribe (feed, "") : 0;
    for (size_t kind = 0; rc == 0 && !everything && options->kinds[kind] != NULL; kind++) {
        rc = subscribe_kind (feed, options->kinds[kind], options->types);
    }
    return rc == 0 ? subscribe (feed, HEARTBEAT_TOPIC) : rc;
}

/* So that a connection that was lost and came back is noticed: frames between are gone. */
static int
listen_to_connects (bf_subscription *subscription, void *context)
{
    static atomic_uint connects;

    /* A new name each time: that of a closed socket is free only some time later. */
    char name[64];
    snprintf (name, sizeof name, "inproc://belfry-subscription-%u", ++connects);
    if (zmq_socket_monitor (subscription->feed, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0) {
        return -1;
    }
    subscription->news = zmq_socket (context, ZMQ_PAIR);
    return subscription->news != NULL ? zmq_connect (subscription->news, name) : -1;
}

int
bf_subscription_open (bf_subscription *subscription, const belfry *self, bf_link *link,
                      const belfry_watch_options *options)
{
    bf_subscription_close (subscription);
    bf_door door = options->monitor ? BF_DOOR_MONITOR : BF_DOOR_FEED;
    int rc = bf_endpoint_find (self, link, door, subscription->endpoint);
    if (rc != BELFRY_OK) {
        return rc;
    }
    subscription->feed = zmq_socket (self->context, ZMQ_SUB);
    bool made = subscription->feed != NULL;
    if (made) {
        int frames = QUEUE_FRAMES;
        bf_socket_configure (subscription->feed);
        zmq_setsockopt (subscription->feed, ZMQ_RCVHWM, &frames, sizeof frames);
        made = subscribe_all (subscription->feed, options) == 0 &&
               listen_to_connects (subscription, self->context) == 0;
    }
    if (!made) {
        return bf_client_fail (link, BELFRY_SYSTEM, "no socket for the feed: %s",
                               zmq_strerror (zmq_errno ()));
    }
    if (zmq_connect (subscription->feed, subscription->endpoint) != 0) {
        rc = bf_client_fail (link, BELFRY_NO_ENDPOINT, "cannot connect to '%s': %s",
                             subscription->endpoint, zmq_strerror (zmq_errno ()));
        bf_subscription_close (subscription);
        return rc;
    }
    return BELFRY_OK;
}

int
bf_subscription_wait (bf_subscription *subscription, const belfry *self, bf_link *link,
                      int64_t until_us)
{
    zmq_pollitem_t items[3] = {
        {.fd = self->stop_fd, .events = ZMQ_POLLIN},
        {.socket = subscription->feed, .events = ZMQ_POLLIN},
        {.socket = subscription->news, .events = ZMQ_POLLIN},
    };
    int count = subscription->feed != NULL ? 3 : 1;
    for (;;) {
        int ready = zmq_poll (items, count, bf_client_wait_ms (until_us));
        if (ready < 0 && zmq_errno () != EINTR) {
            return bf_client_fail (link, BELFRY_SYSTEM, "the feed failed: %s",
                                   zmq_strerror (zmq_errno ()));
        }
        if (ready > 0) {
            return items[0].revents != 0 ? BF_CLIENT_WOKEN : BELFRY_OK;
        }
        if (bf_client_elapsed_us () >= until_us) {
            return BELFRY_UNREACHABLE;
        }
    }
}

bf_feed_frame
bf_subscription_take (bf_subscription *subscription, zmq_msg_t *body)
{
    char topic[BF_STREAM_TOPIC_BYTES];

    int size;
    do {
        size = zmq_recv (subscription->feed, topic, sizeof topic, ZMQ_DONTWAIT);
    } while (size < 0 && zmq_errno () == EINTR);
    if (size < 0) {
        return BF_FEED_EMPTY;
    }
    int more = 0;
    size_t more_size = sizeof more;
    zmq_getsockopt (subscription->feed, ZMQ_RCVMORE, &more, &more_size);
    while (more && zmq_msg_recv (body, subscription->feed, 0) >= 0) {
        more = zmq_msg_more (body);
    }
    size_t beat_size = strlen (HEARTBEAT_TOPIC);
    bool is_beat =
        (size_t)size == beat_size && memcmp (topic, HEARTBEAT_TOPIC, beat_size) == 0;
    return is_beat ? BF_FEED_BEAT : BF_FEED_EVENT;
}

bool
bf_subscription_was_connected (bf_subscription *subscription)
{
    bool connected = false;
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    while (subscription->news != NULL &&
           zmq_msg_recv (&frame, subscription->news, ZMQ_DONTWAIT) >= 0) {
        connected = true;
    }
    zmq_msg_close (&frame);
    return connected;
}
