/* SPDX-License-Identifier: MPL-2.0
 *
 * The watch against a feed that loses frames, a history that changes, and events that are
 * no longer kept: what is told, in which order, exactly once.
 */
#include "clients/c/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "tests/support/cmocka.h"
#include "tests/support/fake.h"

enum { EPOCH = 7, TOLD_BYTES = 4096, TELL_MS = 20000 };

typedef struct {
    fake *daemon;
    belfry *client;
    pthread_t thread;
    belfry_watch_options options;
    int rc;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    char told[TOLD_BYTES]; /* under the mutex: "1 2r live:2 …" */
    const char *end_at;    /* the handler ends the watch at this kind; NULL: never */
} bench;

static int
note (const belfry_event *event, void *context)
{
    bench *self = context;
    pthread_mutex_lock (&self->mutex);
    size_t length = strlen (self->told);
    char *end = self->told + length;
    size_t room = sizeof self->told - length;
    switch (event->notice) {
    case BELFRY_EVENT:
        snprintf (end, room, "%llu%s ", (unsigned long long)event->seq,
                  event->replayed ? "r" : "");
        break;
    case BELFRY_CAUGHT_UP:
        snprintf (end, room, "live:%llu ", (unsigned long long)event->seq);
        break;
    case BELFRY_HISTORY_RESTARTED:
        snprintf (end, room, "restarted:%llu ", (unsigned long long)event->stream_epoch);
        break;
    case BELFRY_EVENTS_LOST:
        snprintf (end, room, "lost:%llu ", (unsigned long long)event->oldest_seq);
        break;
    }
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->mutex);
    return self->end_at != NULL && strcmp (event->kind, self->end_at) == 0;
}

static void *
watch (void *argument)
{
    bench *self = argument;
    self->rc = belfry_watch (self->client, &self->options, note, self);
    return NULL;
}

static void
prepare (bench *self, belfry_watch_options options)
{
    memset (self, 0, sizeof *self);
    pthread_mutex_init (&self->mutex, NULL);
    pthread_cond_init (&self->changed, NULL);
    self->daemon = fake_new ();
    self->options = options;
}

static void
launch (bench *self)
{
    belfry_options opened = {.commands = self->daemon->commands,
                             .feed = self->daemon->events,
                             .timeout_ms = 10000};
    assert_int_equal (belfry_open (&self->client, &opened), BELFRY_OK);
    assert_int_equal (pthread_create (&self->thread, NULL, watch, self), 0);
}

static void
begin (bench *self, belfry_watch_options options)
{
    prepare (self, options);
    launch (self);
}

static void
finish (bench *self)
{
    belfry_stop (self->client);
    pthread_join (self->thread, NULL);
    assert_int_equal (self->rc, BELFRY_OK);
    belfry_close (&self->client);
    fake_destroy (&self->daemon);
    pthread_cond_destroy (&self->changed);
    pthread_mutex_destroy (&self->mutex);
}

/* Waits until exactly this was told. */
static void
expect_told (bench *self, const char *expected)
{
    struct timespec until;
    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_sec += TELL_MS / 1000;
    pthread_mutex_lock (&self->mutex);
    int rc = 0;
    while (rc == 0 && strcmp (self->told, expected) != 0) {
        rc = pthread_cond_timedwait (&self->changed, &self->mutex, &until);
    }
    char told[TOLD_BYTES];
    memcpy (told, self->told, sizeof told);
    pthread_mutex_unlock (&self->mutex);
    assert_string_equal (told, expected);
}

static Belfry__V1__Event
event_of (uint64_t seq, const char *kind)
{
    Belfry__V1__Event event = BELFRY__V1__EVENT__INIT;
    event.stream_epoch = EPOCH;
    event.seq = seq;
    event.kind = (char *)kind;
    event.type = (char *)"t";
    return event;
}

/* The next Replay; heartbeats go on meanwhile, as a real feed's do. */
static fake_call *
take_replay (bench *self, uint64_t head, uint64_t expected_after)
{
    fake_call *call = NULL;
    for (int beats = 0; call == NULL; beats++) {
        assert_true (beats < 200);
        call = fake_poll (self->daemon, 100);
        if (call == NULL) {
            fake_beat (self->daemon, EPOCH, head);
        }
    }
    assert_int_equal (call->request->command_case, BELFRY__V1__REQUEST__COMMAND_REPLAY);
    assert_int_equal (call->request->replay->after_seq, expected_after);
    return call;
}

/* Answers with the events [from, to], all "run.fired". */
static void
answer_page (bench *self, fake_call *call, uint64_t from, uint64_t to, uint64_t head)
{
    Belfry__V1__Event events[16];
    Belfry__V1__Event *list[16];
    Belfry__V1__EventsReply page = BELFRY__V1__EVENTS_REPLY__INIT;
    for (uint64_t seq = from; seq <= to; seq++) {
        events[seq - from] = event_of (seq, "run.fired");
        list[seq - from] = &events[seq - from];
        page.n_events++;
    }
    page.events = list;
    page.next_cursor = to;
    page.head_seq = head;
    page.oldest_seq = 1;
    page.stream_epoch = EPOCH;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_EVENTS;
    reply.events = &page;
    fake_answer (self->daemon, call, &reply);
    fake_call_free (&call);
}

/* What is published before a subscriber's first heartbeat may not reach it; here a feed is
 * proven live by a replay that a beat caused. */
static void
make_live (bench *self, uint64_t head)
{
    answer_page (self, take_replay (self, 0, 0), 1, head, head);
    answer_page (self, take_replay (self, head + 1, head), head + 1, head + 1, head + 1);
}

static void
publish (bench *self, uint64_t seq)
{
    Belfry__V1__Event event = event_of (seq, "run.fired");
    event.prev_seq = seq - 1;
    fake_publish (self->daemon, &event);
}

static void
test_history_then_news (void **state)
{
    (void)state;
    bench self;
    begin (&self, (belfry_watch_options){0});
    answer_page (&self, take_replay (&self, 3, 0), 1, 2, 3);
    answer_page (&self, take_replay (&self, 3, 2), 3, 3, 3);
    expect_told (&self, "1r 2r 3r live:3 ");
    answer_page (&self, take_replay (&self, 4, 3), 4, 4, 4);
    expect_told (&self, "1r 2r 3r live:3 4r live:4 ");
    publish (&self, 4);
    publish (&self, 5);
    publish (&self, 6);
    expect_told (&self, "1r 2r 3r live:3 4r live:4 5 6 ");
    finish (&self);
}

static void
test_a_lost_frame_is_replayed (void **state)
{
    (void)state;
    bench self;
    begin (&self, (belfry_watch_options){0});
    make_live (&self, 1);
    publish (&self, 3);
    publish (&self, 6);
    publish (&self, 7);
    answer_page (&self, take_replay (&self, 7, 3), 4, 6, 6);
    expect_told (&self, "1r live:1 2r live:2 3 4r 5r 6r live:6 7 ");
    finish (&self);
}

/* Everything was lost, but the heartbeats tell. */
static void
test_lost_last_frames_are_replayed (void **state)
{
    (void)state;
    bench self;
    begin (&self, (belfry_watch_options){0});
    make_live (&self, 1);
    fake_beat (self.daemon, EPOCH, 2);
    fake_beat (self.daemon, EPOCH, 2);
    answer_page (&self, take_replay (&self, 4, 2), 3, 4, 4);
    expect_told (&self, "1r live:1 2r live:2 3r 4r live:4 ");
    finish (&self);
}

static void
answer_too_old (bench *self, fake_call *call, uint64_t oldest, uint64_t epoch)
{
    Belfry__V1__EventsReply page = BELFRY__V1__EVENTS_REPLY__INIT;
    page.oldest_seq = oldest;
    page.head_seq = oldest + 1;
    page.stream_epoch = epoch;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_TOO_OLD;
    reply.result_case = BELFRY__V1__REPLY__RESULT_EVENTS;
    reply.events = &page;
    fake_answer (self->daemon, call, &reply);
    fake_call_free (&call);
}

static void
test_too_old (void **state)
{
    (void)state;
    bench self;
    begin (&self, (belfry_watch_options){.after_seq = 3});
    answer_too_old (&self, take_replay (&self, 9, 3), 8, EPOCH);
    answer_page (&self, take_replay (&self, 9, 7), 8, 9, 9);
    expect_told (&self, "lost:8 8r 9r live:9 ");
    finish (&self);
}

/* A restored backup: what after_seq meant is of another history. */
static void
test_another_history (void **state)
{
    (void)state;
    bench self;
    begin (&self, (belfry_watch_options){.after_seq = 3, .stream_epoch = 6});
    answer_page (&self, take_replay (&self, 0, 3), 4, 4, 4);
    answer_page (&self, take_replay (&self, 0, 0), 1, 2, 2);
    expect_told (&self, "restarted:7 1r 2r live:2 ");
    finish (&self);
}

static void
test_from_now (void **state)
{
    (void)state;
    bench self;
    begin (&self, (belfry_watch_options){.from_now = true, .after_seq = 1});
    fake_call *call = fake_take (self.daemon);
    assert_int_equal (call->request->command_case, BELFRY__V1__REQUEST__COMMAND_STATUS);
    Belfry__V1__StatusReply status = BELFRY__V1__STATUS_REPLY__INIT;
    status.head_seq = 40;
    status.stream_epoch = EPOCH;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_STATUS;
    reply.status = &status;
    fake_answer (self.daemon, call, &reply);
    fake_call_free (&call);
    answer_page (&self, take_replay (&self, 40, 40), 41, 41, 41);
    expect_told (&self, "41r live:41 ");
    finish (&self);
}

/* Kinds are subscribed to and asked for; a break in prev_seq is a gap, one in seq is not.
 */
static void
test_chosen_kinds (void **state)
{
    (void)state;
    static const char *const kinds[] = {"run.fired", "job.dead", NULL};
    bench self;
    begin (&self, (belfry_watch_options){.kinds = kinds});
    fake_call *call = take_replay (&self, 0, 0);
    assert_int_equal (call->request->replay->n_kinds, 2);
    assert_string_equal (call->request->replay->kinds[1], "job.dead");
    answer_page (&self, call, 1, 1, 1);
    answer_page (&self, take_replay (&self, 2, 1), 2, 2, 2);
    answer_page (&self, take_replay (&self, 3, 2), 3, 3, 3);
    Belfry__V1__Event event = event_of (9, "run.fired");
    event.prev_seq = 3;
    fake_publish (self.daemon, &event);
    event = event_of (10, "run.dead"); /* not chosen */
    fake_publish (self.daemon, &event);
    event = event_of (12, "run.fired");
    event.prev_seq = 11;
    fake_publish (self.daemon, &event);
    answer_page (&self, take_replay (&self, 12, 3), 11, 12, 12);
    expect_told (&self, "1r live:1 2r live:2 3r live:3 9 11r 12r live:12 ");
    finish (&self);
}

/* Types alone: all is heard, so that seq shows a gap, and the rest is left out. */
static void
test_chosen_types (void **state)
{
    (void)state;
    static const char *const types[] = {"t", NULL};
    bench self;
    begin (&self, (belfry_watch_options){.types = types});
    make_live (&self, 1);
    Belfry__V1__Event event = event_of (3, "run.fired");
    event.type = (char *)"other";
    fake_publish (self.daemon, &event);
    publish (&self, 4);
    expect_told (&self, "1r live:1 2r live:2 4 ");
    finish (&self);
}

/* As an embedded bot does it: in the context of somebody else, which outlives it. */
static void
test_inproc (void **state)
{
    (void)state;
    bench self;
    prepare (&self, (belfry_watch_options){0});
    assert_int_equal (zmq_bind (self.daemon->router, "inproc://commands"), 0);
    assert_int_equal (zmq_bind (self.daemon->feed, "inproc://feed"), 0);
    belfry_options opened = {.commands = "inproc://commands", .feed = "inproc://feed"};
    assert_int_equal (belfry_open_in (&self.client, self.daemon->context, &opened),
                      BELFRY_OK);
    assert_int_equal (pthread_create (&self.thread, NULL, watch, &self), 0);
    make_live (&self, 1);
    publish (&self, 3);
    expect_told (&self, "1r live:1 2r live:2 3 ");
    finish (&self);
}

static void
test_the_handler_ends_it (void **state)
{
    (void)state;
    bench self;
    prepare (&self, (belfry_watch_options){0});
    self.end_at = "run.fired";
    launch (&self);
    answer_page (&self, take_replay (&self, 0, 0), 1, 5, 5);
    pthread_join (self.thread, NULL);
    assert_int_equal (self.rc, BELFRY_HANDLER);
    assert_string_equal (self.told, "1r ");
    assert_int_equal (pthread_create (&self.thread, NULL, watch, &self), 0);
    finish (&self);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_history_then_news),
        cmocka_unit_test (test_a_lost_frame_is_replayed),
        cmocka_unit_test (test_lost_last_frames_are_replayed),
        cmocka_unit_test (test_too_old),
        cmocka_unit_test (test_another_history),
        cmocka_unit_test (test_from_now),
        cmocka_unit_test (test_chosen_kinds),
        cmocka_unit_test (test_chosen_types),
        cmocka_unit_test (test_inproc),
        cmocka_unit_test (test_the_handler_ends_it),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
