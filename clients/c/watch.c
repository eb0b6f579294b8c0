/* SPDX-License-Identifier: MPL-2.0
 *
 * The watch: a SUB on the feed, and Replay wherever stream.h says that something is
 * missing. The SUB is connected before the first replay, and while one goes on the frames
 * wait in its queue, so nothing falls between the two. A feed that is silent (it beats
 * every second) is looked up and connected again.
 */
#include "clients/c/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/c/stream.h"
#include "clients/c/subscription.h"

#define SILENCE_US INT64_C (5000000)

enum {
    TOPIC_BYTES = BF_STREAM_TOPIC_BYTES,
    FRAMES_PER_WAKE = 1000, /* then belfry_stop is looked at */
};

typedef struct {
    belfry *self;
    const belfry_watch_options *options;
    belfry_event_handler *handler;
    void *context;
    size_t kinds;
    size_t types;
    bf_stream stream;
    bool replay_due;
    bool was_live; /* the first CAUGHT_UP was told */
    bf_subscription feed;
    int64_t heard_us; /* the last frame, or the connect */
} watcher;

/* ------------------------------------------------------------------------------------- */
/* Telling                                                                               */

static int
tell (watcher *watch, const belfry_event *event)
{
    return watch->handler (event, watch->context) == 0 ? BELFRY_OK : BELFRY_HANDLER;
}

static int
tell_notice (watcher *watch, belfry_notice notice, uint64_t oldest_seq)
{
    belfry_event event = {
        .notice = notice,
        .stream_epoch = watch->stream.epoch,
        .seq = watch->stream.covered,
        .oldest_seq = oldest_seq,
        .kind = "",
        .ns = "",
        .key = "",
        .type = "",
        .run = "",
        .reason = "",
        .content_type = "",
    };
    return tell (watch, &event);
}

static bool
list_has (const char *const *list, size_t count, const char *name)
{
    for (size_t index = 0; index < count; index++) {
        if (strcmp (list[index], name) == 0) {
            return true;
        }
    }
    return count == 0;
}

static int
tell_event (watcher *watch, const Belfry__V1__Event *wire, bool replayed)
{
    if (!list_has (watch->options->kinds, watch->kinds, wire->kind) ||
        !list_has (watch->options->types, watch->types, wire->type)) {
        return BELFRY_OK;
    }
    /* Replay shows payloads to whoever may call it; the monitor's watcher asked for none.
     */
    bool bare = watch->options->monitor;
    belfry_event event = {
        .notice = BELFRY_EVENT,
        .stream_epoch = wire->stream_epoch,
        .seq = wire->seq,
        .replayed = replayed,
        .at_us = wire->at_us,
        .kind = wire->kind,
        .ns = wire->ns,
        .job = wire->job,
        .key = wire->key,
        .type = wire->type,
        .run = wire->run,
        .attempt = wire->attempt,
        .due_us = wire->due_us,
        .lateness_us = wire->lateness_us,
        .reason = wire->reason,
        .payload = bare ? NULL : wire->payload.data,
        .payload_size = bare ? 0 : wire->payload.len,
        .content_type = wire->content_type,
        .own = wire,
    };
    return tell (watch, &event);
}

const Belfry__V1__Event *
belfry_event_message (const belfry_event *event)
{
    return event->own;
}

/* ------------------------------------------------------------------------------------- */
/* Replaying                                                                             */

/* "KIND TYPE ", or "KIND ": as the feed's first frame. */
static const char *
topic_of (const Belfry__V1__Event *event, char topic[TOPIC_BYTES])
{
    if (event->type[0] == '\0') {
        snprintf (topic, TOPIC_BYTES, "%s ", event->kind);
    } else {
        snprintf (topic, TOPIC_BYTES, "%s %s ", event->kind, event->type);
    }
    return topic;
}

static int
tell_page (watcher *watch, const Belfry__V1__EventsReply *page, uint64_t *told)
{
    char topic[TOPIC_BYTES];

    for (size_t index = 0; index < page->n_events; index++) {
        const Belfry__V1__Event *event = page->events[index];
        topic_of (event, topic);
        if (bf_stream_replayed (&watch->stream, event->seq, topic) == BF_STREAM_TELL) {
            (*told)++;
            int rc = tell_event (watch, event, true);
            if (rc != BELFRY_OK) {
                return rc;
            }
        }
    }
    return BELFRY_OK;
}

/* Judges one page and tells what is in it. *done is set at the head. */
static int
take_page (watcher *watch, const Belfry__V1__Reply *reply, uint64_t *told, bool *done)
{
    bool has_events = reply->result_case == BELFRY__V1__REPLY__RESULT_EVENTS;
    bool too_old = reply->code == BELFRY__V1__CODE__CODE_TOO_OLD && has_events;
    int rc = too_old ? BELFRY_OK : belfry_reply_error (watch->self, reply);
    if (rc != BELFRY_OK) {
        return rc;
    }
    if (!has_events) {
        return bf_client_fail (&watch->self->link, BELFRY_BAD_ANSWER,
                               "the daemon's answer to Replay has no events");
    }
    const Belfry__V1__EventsReply *page = reply->events;
    if (page->stream_epoch == 0) {
        return bf_client_fail (&watch->self->link, BELFRY_BAD_ANSWER,
                               "the daemon's answer to Replay names no history");
    }
    if (bf_stream_page (&watch->stream, page->stream_epoch) == BF_STREAM_RESTARTED) {
        return tell_notice (watch, BELFRY_HISTORY_RESTARTED, 0);
    }
    int64_t now_us = bf_client_elapsed_us ();
    if (too_old) {
        if (page->oldest_seq <= watch->stream.covered + 1) {
            return bf_client_fail (&watch->self->link, BELFRY_BAD_ANSWER,
                                   "the daemon keeps events from %llu, yet has none after "
                                   "%llu",
                                   (unsigned long long)page->oldest_seq,
                                   (unsigned long long)watch->stream.covered);
        }
        bf_stream_cover (&watch->stream, page->oldest_seq - 1, now_us);
        return tell_notice (watch, BELFRY_EVENTS_LOST, page->oldest_seq);
    }
    rc = tell_page (watch, page, told);
    if (rc == BELFRY_OK) {
        /* A page that goes nowhere would be asked for for ever. */
        *done = page->next_cursor >= page->head_seq ||
                page->next_cursor <= watch->stream.covered;
        bf_stream_cover (&watch->stream, page->next_cursor, now_us);
    }
    return rc;
}

static int
replay_page (watcher *watch, uint64_t *told, bool *done)
{
    belfry *self = watch->self;
    char id[BF_CLIENT_ID_BYTES];
    Belfry__V1__Replay replay = BELFRY__V1__REPLAY__INIT;
    replay.after_seq = watch->stream.covered;
    replay.kinds = (char **)watch->options->kinds;
    replay.n_kinds = watch->kinds;
    replay.types = (char **)watch->options->types;
    replay.n_types = watch->types;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_REPLAY;
    request.replay = &replay;
    bf_link_address (self, &self->link, &request, id);
    bf_patience patience = {.try_us = self->timeout_us, .wake_fd = self->stop_fd};
    Belfry__V1__Reply *reply = NULL;
    int rc = bf_link_call (self, &self->link, &request, patience, &reply);
    if (rc == BELFRY_OK) {
        rc = take_page (watch, reply, told, done);
        belfry_reply_free (&reply);
    }
    return rc;
}

/* From `covered` to the head. */
static int
replay (watcher *watch)
{
    uint64_t told = 0;
    bool done = false;
    while (!done) {
        if (bf_client_stopped (watch->self)) {
            return BF_CLIENT_WOKEN;
        }
        int rc = replay_page (watch, &told, &done);
        if (rc != BELFRY_OK) {
            return rc;
        }
    }
    watch->replay_due = false;
    if (watch->was_live && told == 0) {
        return BELFRY_OK;
    }
    watch->was_live = true;
    return tell_notice (watch, BELFRY_CAUGHT_UP, 0);
}

/* ------------------------------------------------------------------------------------- */
/* The feed                                                                              */

static int
connect_feed (watcher *watch)
{
    belfry *self = watch->self;
    watch->heard_us = bf_client_elapsed_us ();
    int rc = bf_subscription_open (&watch->feed, self, &self->link, watch->options);
    if (rc == BELFRY_OK) {
        bf_stream_connected (&watch->stream);
    }
    return rc;
}

/* Does what the stream says of a frame; `event` is NULL where it was a beat. */
static int
follow (watcher *watch, bf_stream_step step, const Belfry__V1__Event *event)
{
    switch (step) {
    case BF_STREAM_DROP:
        return BELFRY_OK;
    case BF_STREAM_TELL:
        return event != NULL ? tell_event (watch, event, false) : BELFRY_OK;
    case BF_STREAM_REPLAY:
        watch->replay_due = true;
        return BELFRY_OK;
    case BF_STREAM_RESTARTED:
        watch->replay_due = true;
        return tell_notice (watch, BELFRY_HISTORY_RESTARTED, 0);
    }
    return BELFRY_OK;
}

static int
take_beat (watcher *watch, zmq_msg_t *body)
{
    Belfry__V1__FeedHeartbeat *beat =
        belfry__v1__feed_heartbeat__unpack (NULL, zmq_msg_size (body), zmq_msg_data (body));
    if (beat == NULL) {
        return BELFRY_OK;
    }
    bf_stream_step step = bf_stream_beat (&watch->stream, beat->stream_epoch,
                                          beat->head_seq, bf_client_elapsed_us ());
    belfry__v1__feed_heartbeat__free_unpacked (beat, NULL);
    return follow (watch, step, NULL);
}

static int
take_event (watcher *watch, zmq_msg_t *body)
{
    char topic[TOPIC_BYTES];

    Belfry__V1__Event *event =
        belfry__v1__event__unpack (NULL, zmq_msg_size (body), zmq_msg_data (body));
    if (event == NULL) {
        /* A frame that is lost like any other. */
        return BELFRY_OK;
    }
    bf_stream_step step = bf_stream_frame (&watch->stream, event->stream_epoch, event->seq,
                                           event->prev_seq, topic_of (event, topic));
    int rc = follow (watch, step, event);
    belfry__v1__event__free_unpacked (event, NULL);
    return rc;
}

/* False where no frame waits. */
static bool
take_frame (watcher *watch, int *rc)
{
    zmq_msg_t body;
    zmq_msg_init (&body);
    bf_feed_frame frame = bf_subscription_take (&watch->feed, &body);
    if (frame != BF_FEED_EMPTY) {
        watch->heard_us = bf_client_elapsed_us ();
        *rc = frame == BF_FEED_BEAT ? take_beat (watch, &body) : take_event (watch, &body);
    }
    zmq_msg_close (&body);
    return frame != BF_FEED_EMPTY;
}

static int
take_frames (watcher *watch)
{
    int rc = BELFRY_OK;
    int taken = 0;
    /* Once something is missing, what follows waits in the queue for the replay. */
    while (rc == BELFRY_OK && !watch->replay_due && taken < FRAMES_PER_WAKE &&
           take_frame (watch, &rc)) {
        taken++;
    }
    return rc;
}

/* Waits for frames, or the end of the patience with a silent feed. */
static int
follow_feed (watcher *watch)
{
    belfry *self = watch->self;
    int rc = bf_subscription_wait (&watch->feed, self, &self->link,
                                   watch->heard_us + SILENCE_US);
    if (rc == BELFRY_UNREACHABLE) {
        rc = connect_feed (watch);
        /* The daemon is away and has taken its endpoints file along. */
        return rc == BELFRY_NO_ENDPOINT ? BELFRY_OK : rc;
    }
    if (rc != BELFRY_OK) {
        return rc;
    }
    if (bf_subscription_was_connected (&watch->feed)) {
        bf_stream_connected (&watch->stream);
    }
    return take_frames (watch);
}

/* ------------------------------------------------------------------------------------- */
/* The watch                                                                             */

/* Where "now" is: the head at this moment. */
static int
begin_at_head (watcher *watch)
{
    belfry *self = watch->self;
    char id[BF_CLIENT_ID_BYTES];
    Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
    request.status = &status;
    bf_link_address (self, &self->link, &request, id);
    bf_patience patience = {.try_us = self->timeout_us, .wake_fd = self->stop_fd};
    Belfry__V1__Reply *reply = NULL;
    int rc = bf_link_call (self, &self->link, &request, patience, &reply);
    if (rc != BELFRY_OK) {
        return rc;
    }
    rc = belfry_reply_error (self, reply);
    if (rc == BELFRY_OK && reply->result_case == BELFRY__V1__REPLY__RESULT_STATUS) {
        bf_stream_begin (&watch->stream, watch->stream.chosen, reply->status->stream_epoch,
                         reply->status->head_seq);
        bf_stream_connected (&watch->stream);
    }
    belfry_reply_free (&reply);
    return rc;
}

static int
watch_until_stopped (watcher *watch)
{
    int rc = connect_feed (watch);
    if (rc == BELFRY_OK && watch->options->from_now) {
        rc = begin_at_head (watch);
    }
    watch->replay_due = true;
    while (rc == BELFRY_OK) {
        rc = watch->replay_due ? replay (watch) : follow_feed (watch);
    }
    return rc == BF_CLIENT_WOKEN ? BELFRY_OK : rc;
}

static size_t
count_list (const char *const *list)
{
    size_t count = 0;
    while (list != NULL && list[count] != NULL) {
        count++;
    }
    return count;
}

int
belfry_watch (belfry *self, const belfry_watch_options *options,
              belfry_event_handler *handler, void *context)
{
    static const belfry_watch_options everything = {0};

    if (handler == NULL) {
        return bf_client_fail (&self->link, BELFRY_BAD_ARGUMENT, "a watch needs a handler");
    }
    watcher *watch = calloc (1, sizeof *watch);
    if (watch == NULL) {
        return bf_client_fail (&self->link, BELFRY_NO_MEMORY, "out of memory");
    }
    watch->self = self;
    watch->options = options != NULL ? options : &everything;
    watch->handler = handler;
    watch->context = context;
    watch->kinds = count_list (watch->options->kinds);
    watch->types = count_list (watch->options->types);
    /* Types alone cannot be subscribed to, a topic begins with its kind: then everything is
     * heard and what was not asked for left out, which keeps seq free of gaps. */
    bf_stream_begin (&watch->stream, watch->kinds > 0, watch->options->stream_epoch,
                     watch->options->after_seq);
    self->link.text[0] = '\0';
    int rc = watch_until_stopped (watch);
    bf_subscription_close (&watch->feed);
    free (watch);
    bf_client_resume (self);
    return rc;
}
