/* SPDX-License-Identifier: MPL-2.0
 *
 * feed: jobs are made as fast as they can be, and every subscriber gets all of their
 * events; what one was too slow for it reads from the log, as the protocol says, and how
 * much that was is told. From the first job until the last subscriber has everything. Then:
 * pages of Replay, one after the other.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

#include "apps/belfry/bench/jobs.h"
#include "core/base/time.h"

#define JOBS 100000
#define JOBS_TO_MANY 20000 /* to 100: two million deliveries */
#define SUBSCRIBERS_MOST 100
#define CALLS_IN_FLIGHT 4
#define PAGE 1000
#define SEED 8
#define WATERMARK 10000 /* as the protocol says */
#define AT_ONCE 256     /* frames of one subscriber before the next one's turn */
#define STALL_US (30 * BF_SECOND_US)

typedef struct {
    void *socket;
    uint64_t covered; /* every event up to this seq was handled */
    bool heard;       /* a heartbeat: the subscription is in force */
} subscriber_t;

typedef struct {
    const bf_bench_site *site;
    subscriber_t subscribers[SUBSCRIBERS_MOST];
    size_t count;
    size_t healed; /* events that came by Replay */
    bf_bench_calls *producer;
    bf_bench_calls *reader;
    bf_bench_jobs jobs;
    size_t all;
    uint64_t last_seq; /* of everything that was acknowledged */
    size_t stored;
} feed_t;

/* One page behind `after`; where it ends, and where the log does. */
static bf_err
replay (bf_bench_calls *calls, uint64_t after, size_t *events, uint64_t *next,
        uint64_t *head, bf_error *error)
{
    Belfry__V1__Replay message = BELFRY__V1__REPLAY__INIT;
    message.after_seq = after;
    message.limit = PAGE;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_REPLAY;
    request.replay = &message;
    Belfry__V1__Reply *reply = NULL;
    bf_err rc = bf_bench_calls_ask (calls, &request, &reply, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_EVENTS) {
        *events = reply->events->n_events;
        *next = reply->events->next_cursor;
        *head = reply->events->head_seq;
    } else {
        rc = bf_fail (error, BF_EINTERNAL, "a Replay was not answered with events");
    }
    belfry__v1__reply__free_unpacked (reply, NULL);
    return rc;
}

static bf_err
heal (feed_t *self, subscriber_t *subscriber, bf_error *error)
{
    uint64_t head = UINT64_MAX;
    while (subscriber->covered < head) {
        size_t events = 0;
        uint64_t next = 0;
        bf_err rc =
            replay (self->reader, subscriber->covered, &events, &next, &head, error);
        if (rc != BF_OK) {
            return rc;
        }
        self->healed += events;
        subscriber->covered = next > subscriber->covered ? next : subscriber->covered;
    }
    return BF_OK;
}

static bf_err
handle (feed_t *self, subscriber_t *subscriber, bool beat, size_t size,
        const uint8_t *bytes, bf_error *error)
{
    if (beat) {
        Belfry__V1__FeedHeartbeat *message =
            belfry__v1__feed_heartbeat__unpack (NULL, size, bytes);
        if (!message) {
            return bf_fail (error, BF_EMALFORMED, "a heartbeat could not be read");
        }
        bool ahead = message->head_seq > subscriber->covered;
        belfry__v1__feed_heartbeat__free_unpacked (message, NULL);
        subscriber->heard = true;
        return ahead ? heal (self, subscriber, error) : BF_OK;
    }
    Belfry__V1__Event *event = belfry__v1__event__unpack (NULL, size, bytes);
    if (!event) {
        return bf_fail (error, BF_EMALFORMED, "an event could not be read");
    }
    uint64_t seq = event->seq;
    belfry__v1__event__free_unpacked (event, NULL);
    if (!subscriber->heard || seq <= subscriber->covered) {
        return BF_OK;
    }
    if (seq != subscriber->covered + 1) {
        return heal (self, subscriber, error);
    }
    subscriber->covered = seq;
    return BF_OK;
}

static bf_err
hear (feed_t *self, subscriber_t *subscriber, bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; i < AT_ONCE && rc == BF_OK; i++) {
        char topic[160];
        int size = zmq_recv (subscriber->socket, topic, sizeof topic, ZMQ_DONTWAIT);
        if (size < 0) {
            break;
        }
        bool beat = size >= 10 && !memcmp (topic, "heartbeat ", 10);
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        if (zmq_msg_recv (&frame, subscriber->socket, ZMQ_DONTWAIT) >= 0) {
            rc = handle (self, subscriber, beat, zmq_msg_size (&frame),
                         zmq_msg_data (&frame), error);
        }
        zmq_msg_close (&frame);
    }
    return rc;
}

static bf_err
hear_all (feed_t *self, long wait_ms, bf_error *error)
{
    zmq_pollitem_t items[SUBSCRIBERS_MOST + 1];
    for (size_t i = 0; i < self->count; i++) {
        items[i] =
            (zmq_pollitem_t){.socket = self->subscribers[i].socket, .events = ZMQ_POLLIN};
    }
    items[self->count] = (zmq_pollitem_t){.socket = bf_bench_calls_socket (self->producer),
                                          .events = ZMQ_POLLIN};
    (void)zmq_poll (items, (int)self->count + 1, wait_ms);
    bf_err rc = BF_OK;
    for (size_t i = 0; i < self->count && rc == BF_OK; i++) {
        if (items[i].revents) {
            rc = hear (self, &self->subscribers[i], error);
        }
    }
    return rc;
}

static bf_err
subscribe (feed_t *self, bf_error *error)
{
    int none = 0, watermark = WATERMARK;
    for (size_t i = 0; i < self->count; i++) {
        void *socket = zmq_socket (self->site->zeromq, ZMQ_SUB);
        self->subscribers[i].socket = socket;
        if (!socket || zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none) != 0 ||
            zmq_setsockopt (socket, ZMQ_RCVHWM, &watermark, sizeof watermark) != 0 ||
            zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "", 0) != 0 ||
            zmq_connect (socket, self->site->feed) != 0) {
            return bf_fail (error, BF_EIO, "cannot subscribe to %s: %s", self->site->feed,
                            zmq_strerror (zmq_errno ()));
        }
    }
    int64_t until_us = bf_now_read ().boot.us + STALL_US;
    size_t heard = 0;
    while (heard < self->count) {
        bf_err rc = hear_all (self, 1000, error);
        if (rc != BF_OK) {
            return rc;
        }
        heard = 0;
        for (size_t i = 0; i < self->count; i++) {
            heard += self->subscribers[i].heard;
        }
        if (bf_now_read ().boot.us > until_us) {
            return bf_fail (error, BF_EIO, "only %zu of %zu subscribers had a heartbeat",
                            heard, self->count);
        }
    }
    return BF_OK;
}

static bf_err
on_stored (void *context, char kind, size_t number, const Belfry__V1__Reply *reply,
           int64_t at_us, bf_error *error)
{
    (void)kind;
    (void)at_us;
    (void)error;
    feed_t *self = context;
    self->stored += number;
    self->last_seq = reply->seq > self->last_seq ? reply->seq : self->last_seq;
    return BF_OK;
}

static bf_err
produce (feed_t *self, bf_error *error)
{
    bf_err rc = bf_bench_calls_take (self->producer, on_stored, self, error);
    while (rc == BF_OK && self->jobs.made < self->all &&
           bf_bench_calls_in_flight (self->producer) < CALLS_IN_FLIGHT) {
        size_t left = self->all - self->jobs.made;
        rc = bf_bench_jobs_send (&self->jobs, self->producer,
                                 left < BF_BENCH_CALL_JOBS ? left : BF_BENCH_CALL_JOBS,
                                 error);
    }
    return rc;
}

static bool
have_all (const feed_t *self)
{
    bool all = self->stored == self->all;
    for (size_t i = 0; i < self->count && all; i++) {
        all = self->subscribers[i].covered >= self->last_seq;
    }
    return all;
}

static bf_err
run (feed_t *self, bf_error *error)
{
    bf_err rc = bf_bench_calls_open (&self->producer, self->site->zeromq,
                                     self->site->commands, error);
    if (rc == BF_OK) {
        rc = bf_bench_calls_open (&self->reader, self->site->zeromq, self->site->commands,
                                  error);
    }
    if (rc == BF_OK) {
        rc = subscribe (self, error);
    }
    self->healed = 0; /* what they began with is not what they missed */
    self->jobs.from_us = bf_now_read ().wall.us + BF_DAY_US;
    int64_t began_us = bf_now_read ().boot.us;
    while (rc == BF_OK && !have_all (self)) {
        rc = produce (self, error);
        if (rc == BF_OK) {
            rc = hear_all (self, 1000, error);
        }
        self->site->progress (self->site->context, "publishing", (double)self->stored,
                              (double)self->all);
    }
    if (rc != BF_OK) {
        return rc;
    }
    static const char *const names[] = {"subscribers_1", "subscribers_10",
                                        "subscribers_100"};
    const char *name = names[self->count == 1 ? 0 : self->count == 10 ? 1 : 2];
    double seconds = (double)(bf_now_read ().boot.us - began_us) / (double)BF_SECOND_US;
    self->site->report (self->site->context, name, "rate", "events/s",
                        (double)self->all / seconds);
    self->site->report (self->site->context, name, "delivered", "events/s",
                        (double)(self->all * self->count) / seconds);
    self->site->report (self->site->context, name, "replayed", "events",
                        (double)self->healed);
    return BF_OK;
}

static bf_err
feed (const bf_bench_site *site, size_t subscribers, size_t jobs, bf_error *error)
{
    feed_t self = {.site = site,
                   .count = subscribers,
                   .jobs = {.seed = SEED},
                   .all = site->jobs > 0 ? site->jobs : jobs};
    bf_err rc = run (&self, error);
    for (size_t i = 0; i < self.count; i++) {
        if (self.subscribers[i].socket) {
            zmq_close (self.subscribers[i].socket);
        }
    }
    bf_bench_calls_close (&self.producer);
    bf_bench_calls_close (&self.reader);
    return rc;
}

bf_err
bf_bench_feed_1 (const bf_bench_site *site, bf_error *error)
{
    return feed (site, 1, JOBS, error);
}

bf_err
bf_bench_feed_10 (const bf_bench_site *site, bf_error *error)
{
    return feed (site, 10, JOBS, error);
}

bf_err
bf_bench_feed_100 (const bf_bench_site *site, bf_error *error)
{
    return feed (site, SUBSCRIBERS_MOST, JOBS_TO_MANY, error);
}

bf_err
bf_bench_feed_replay (const bf_bench_site *site, bf_error *error)
{
    bf_bench_calls *calls = NULL;
    bf_err rc = bf_bench_calls_open (&calls, site->zeromq, site->commands, error);
    if (rc != BF_OK) {
        return rc;
    }
    bf_bench_jobs jobs = {.from_us = bf_now_read ().wall.us + BF_DAY_US, .seed = SEED};
    rc =
        bf_bench_jobs_store (&jobs, site, calls, site->jobs > 0 ? site->jobs : JOBS, error);
    size_t all = 0;
    uint64_t next = 0, head = UINT64_MAX;
    int64_t began_us = bf_now_read ().boot.us;
    while (rc == BF_OK && next < head) {
        size_t events = 0;
        rc = replay (calls, next, &events, &next, &head, error);
        all += events;
        site->progress (site->context, "replaying", (double)next, (double)head);
    }
    if (rc == BF_OK) {
        site->report (site->context, "replay", "rate", "events/s",
                      (double)all * (double)BF_SECOND_US /
                          (double)(bf_now_read ().boot.us - began_us));
    }
    bf_bench_calls_close (&calls);
    return rc;
}
