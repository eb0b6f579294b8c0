/* SPDX-License-Identifier: MPL-2.0
 *
 * latency: one-shots at random instants. From the due time until a worker holds the payload
 * (a parked claim), and until a subscriber of the feed has the event. Client and daemon
 * read the same wall clock.
 */
#include <stdlib.h>

#include <zmq.h>

#include "apps/belfry/bench/crew.h"
#include "apps/belfry/bench/jobs.h"
#include "apps/belfry/bench/series.h"
#include "core/base/time.h"

#define SEED 6
/* From the last job stored until the first is due. */
#define LEAD_US (2 * BF_SECOND_US)
#define STORED_PER_SECOND 15000
#define CLAIMS 64
#define SUBSCRIBED "run.fired " BF_BENCH_TYPE " "
#define HEARTBEAT "heartbeat "
#define FEED_WATERMARK 10000
#define STALL_US (30 * BF_SECOND_US)

typedef struct {
    const bf_bench_site *site;
    size_t all;
    bf_bench_series leased;
    bf_bench_series heard;
    bf_bench_crew *crew;
    void *subscriber;
} latency_t;

/* What is delivered twice is counted by nobody: a run is leased once here. */
static void
on_leased (void *context, const Belfry__V1__Lease *lease, int64_t at_us)
{
    latency_t *self = context;
    bf_bench_series_add (&self->leased, at_us - lease->run->due_us);
}

static bf_err
hear (latency_t *self, bf_error *error)
{
    for (;;) {
        char topic[64];
        if (zmq_recv (self->subscriber, topic, sizeof topic, ZMQ_DONTWAIT) < 0) {
            return BF_OK;
        }
        int64_t at_us = bf_now_read ().wall.us;
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        Belfry__V1__Event *event = NULL;
        if (zmq_msg_recv (&frame, self->subscriber, ZMQ_DONTWAIT) >= 0 && topic[0] == 'r') {
            event = belfry__v1__event__unpack (NULL, zmq_msg_size (&frame),
                                               zmq_msg_data (&frame));
        }
        zmq_msg_close (&frame);
        if (topic[0] != 'r') {
            continue;
        }
        if (!event) {
            return bf_fail (error, BF_EMALFORMED, "an event could not be read");
        }
        bf_bench_series_add (&self->heard, at_us - event->due_us);
        belfry__v1__event__free_unpacked (event, NULL);
    }
}

/* A heartbeat says that the subscription is in force. */
static bf_err
subscribe (latency_t *self, bf_error *error)
{
    int none = 0, watermark = FEED_WATERMARK;
    self->subscriber = zmq_socket (self->site->zeromq, ZMQ_SUB);
    if (!self->subscriber ||
        zmq_setsockopt (self->subscriber, ZMQ_LINGER, &none, sizeof none) != 0 ||
        zmq_setsockopt (self->subscriber, ZMQ_RCVHWM, &watermark, sizeof watermark) != 0 ||
        zmq_setsockopt (self->subscriber, ZMQ_SUBSCRIBE, SUBSCRIBED,
                        sizeof SUBSCRIBED - 1) != 0 ||
        zmq_setsockopt (self->subscriber, ZMQ_SUBSCRIBE, HEARTBEAT, sizeof HEARTBEAT - 1) !=
            0 ||
        zmq_connect (self->subscriber, self->site->feed) != 0) {
        return bf_fail (error, BF_EIO, "cannot subscribe to %s: %s", self->site->feed,
                        zmq_strerror (zmq_errno ()));
    }
    zmq_pollitem_t item = {.socket = self->subscriber, .events = ZMQ_POLLIN};
    if (zmq_poll (&item, 1, (long)(STALL_US / BF_MS_US)) != 1) {
        return bf_fail (error, BF_EIO, "no heartbeat from %s", self->site->feed);
    }
    return BF_OK;
}

static bf_err
store (latency_t *self, double per_second, bf_error *error)
{
    bf_bench_calls *calls = NULL;
    bf_err rc =
        bf_bench_calls_open (&calls, self->site->zeromq, self->site->commands, error);
    if (rc != BF_OK) {
        return rc;
    }
    int64_t storing_us = (int64_t)self->all * BF_SECOND_US / STORED_PER_SECOND;
    bf_bench_jobs jobs = {
        .scattered = true,
        .from_us = bf_now_read ().wall.us + storing_us + LEAD_US,
        .spread_us = (int64_t)((double)self->all / per_second * (double)BF_SECOND_US),
        .seed = SEED,
    };
    rc = bf_bench_jobs_store (&jobs, self->site, calls, self->all, error);
    bf_bench_calls_close (&calls);
    if (rc == BF_OK && bf_now_read ().wall.us >= jobs.from_us) {
        rc = bf_fail (error, BF_EINTERNAL, "storing took too long; try fewer --jobs");
    }
    return rc;
}

/* Waits for whatever comes first: a lease, an answer, an event. */
static bf_err
watch (latency_t *self, bf_error *error)
{
    bf_bench_calls *calls[BF_BENCH_CALLS_MOST];
    (void)bf_bench_crew_sockets (self->crew, calls);
    zmq_pollitem_t items[] = {
        {.socket = bf_bench_calls_socket (calls[0]), .events = ZMQ_POLLIN},
        {.socket = self->subscriber, .events = ZMQ_POLLIN},
    };
    int64_t moved_us = bf_now_read ().boot.us;
    size_t before = 0;
    while (self->leased.count < self->all || self->heard.count < self->all ||
           bf_bench_crew_settled (self->crew) < self->all) {
        (void)zmq_poll (items, 2, 1000);
        bf_err rc = bf_bench_crew_turn (self->crew, 0, error);
        if (rc == BF_OK) {
            rc = hear (self, error);
        }
        if (rc != BF_OK) {
            return rc;
        }
        size_t now =
            self->leased.count + self->heard.count + bf_bench_crew_settled (self->crew);
        int64_t now_us = bf_now_read ().boot.us;
        if (now > before) {
            before = now;
            moved_us = now_us;
        } else if (now_us - moved_us > STALL_US) {
            return bf_fail (error, BF_EIO, "of %zu runs %zu were leased and %zu heard of",
                            self->all, self->leased.count, self->heard.count);
        }
        self->site->progress (self->site->context, "firing", (double)self->leased.count,
                              (double)self->all);
    }
    return BF_OK;
}

static bf_err
measure (latency_t *self, double per_second, bf_error *error)
{
    bf_err rc = bf_bench_series_open (&self->leased, self->all, error);
    if (rc == BF_OK) {
        rc = bf_bench_series_open (&self->heard, self->all, error);
    }
    if (rc == BF_OK) {
        rc = subscribe (self, error);
    }
    bf_bench_crew_options options = {.connections = 1,
                                     .claims = CLAIMS,
                                     .most = 1,
                                     .leased = on_leased,
                                     .context = self};
    if (rc == BF_OK) {
        rc = bf_bench_crew_open (&self->crew, self->site, &options, error);
    }
    if (rc == BF_OK) {
        rc = store (self, per_second, error);
    }
    return rc == BF_OK ? watch (self, error) : rc;
}

static bf_err
latency (const bf_bench_site *site, double per_second, size_t count, const char *to_worker,
         const char *to_feed, bf_error *error)
{
    latency_t self = {.site = site, .all = site->jobs > 0 ? site->jobs : count};
    bf_err rc = measure (&self, per_second, error);
    if (rc == BF_OK) {
        bf_bench_series_report (&self.leased, site, to_worker);
        bf_bench_series_report (&self.heard, site, to_feed);
    }
    bf_bench_crew_close (&self.crew);
    if (self.subscriber) {
        zmq_close (self.subscriber);
    }
    bf_bench_series_close (&self.leased);
    bf_bench_series_close (&self.heard);
    return rc;
}

bf_err
bf_bench_latency_170 (const bf_bench_site *site, bf_error *error)
{
    return latency (site, 10000.0 / 60, 10000, "worker_170", "feed_170", error);
}

bf_err
bf_bench_latency_1000 (const bf_bench_site *site, bf_error *error)
{
    return latency (site, 1000, 20000, "worker_1000", "feed_1000", error);
}
