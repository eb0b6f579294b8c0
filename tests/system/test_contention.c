/* SPDX-License-Identifier: MPL-2.0
 *
 * Several who want the same: workers and one run, workers and many runs, a worker that is
 * silent and its successor, two sockets and one request_id, calls in flight and SIGTERM.
 * Over ipc and tcp on the daemon, and over inproc on an embedded scheduler.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <czmq.h>

#include "actors/belfry_scheduler.h"
#include "core/base/time.h"
#include "messages/limits.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/peer.h"
#include "tests/support/proc.h"
#include "tests/support/rig.h"
#include "tests/support/story.h"

#define OK BELFRY__V1__CODE__CODE_OK
#define STALE_TOKEN BELFRY__V1__CODE__CODE_STALE_TOKEN
#define STOPPING BELFRY__V1__CODE__CODE_STOPPING
#define BUSY BELFRY__V1__CODE__CODE_BUSY

#define ROUNDS 20 /* of two claims for one run */
#define WORKERS 4
#define RUNS 500
#define TWICE 200   /* calls that go out on two sockets */
#define STOPPED 600 /* calls in flight at SIGTERM */

/* Two ways to one scheduler. */
typedef struct {
    rig *rig;
    const char *first;
    const char *second;
    belfry_scheduler *embedded; /* NULL: a daemon */
} bench;

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    rig_start (self->rig, NULL);
    self->first = self->rig->commands.tcp;
    self->second = self->rig->commands.ipc;
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    rig_destroy (&self->rig);
    free (self);
    return 0;
}

/* In this process; the rig lends its directory only. */
static int
set_up_embedded (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    static const char *const commands[] = {"inproc://commands", "tcp://127.0.0.1:*", NULL};
    belfry_scheduler_options options = {.directory = self->rig->data, .commands = commands};
    char text[512];
    if (belfry_scheduler_start (&self->embedded, &options, text, sizeof text) !=
        BELFRY_STOPPED) {
        fail_msg ("%s", text);
    }
    zmq_ctx_term (self->rig->context);
    self->rig->context = belfry_scheduler_context ();
    self->first = commands[0];
    self->second = commands[0];
    *state = self;
    return 0;
}

static int
tear_down_embedded (void **state)
{
    bench *self = *state;
    /* The context is the process's. */
    self->rig->context = zmq_ctx_new ();
    int status = (int)belfry_scheduler_stop (&self->embedded);
    rig_destroy (&self->rig);
    free (self);
    return status;
}

static void
stop (bench *self)
{
    if (!self->embedded) {
        rig_stop (self->rig);
    }
}

/* --- workers ------------------------------------------------------------------------- */

/* Two claims wait, one run is due: one gets it, and the other goes on waiting. */
static void
test_two_claims_one_run (void **state)
{
    bench *self = *state;
    peer *workers[2] = {peer_client (self->rig, self->first, ZMQ_DEALER, "one"),
                        peer_client (self->rig, self->second, ZMQ_DEALER, "two")};
    peer *author = peer_client (self->rig, self->second, ZMQ_DEALER, "author");
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < 2; i++) {
            ask_send (workers[i], "claim.types=turn claim.wait_us=30000000");
        }
        for (int run = 0; run < 2; run++) {
            ask_job (author, "schedule.jobs.type=turn schedule.jobs.after_us=%d",
                     round * 200);
            zmq_pollitem_t items[2] = {{workers[0]->socket, 0, ZMQ_POLLIN, 0},
                                       {workers[1]->socket, 0, ZMQ_POLLIN, 0}};
            assert_int_equal (zmq_poll (items, 2, RIG_DEADLINE_MS), 1);
            size_t winner = items[0].revents ? 0 : 1;
            Belfry__V1__Reply *reply = peer_receive (workers[winner], 0);
            assert_int_equal (reply->claim->n_leases, 1);
            assert_int_equal (reply->claim->leases[0]->run->attempt, 1);
            ask_ok (workers[winner], "complete.token=%s", reply->claim->leases[0]->token);
            reply_free (reply);
            /* The second run is the other's. */
        }
        for (size_t i = 0; i < 2; i++) {
            assert_null (peer_receive (workers[i], 0));
        }
    }
    story *log = story_new ();
    story_read (log, author);
    assert_int_equal (log->count[BF_EVENT_RUN_CLAIMED], 2 * ROUNDS);
    assert_int_equal (log->count[BF_EVENT_RUN_SUCCEEDED], 2 * ROUNDS);
    story_destroy (&log);
    peer_free (workers[0]);
    peer_free (workers[1]);
    peer_free (author);
    stop (self);
}

/* One turn of a worker: what came in, and what it makes of it. Returns completions. */
static size_t
work (peer *worker)
{
    size_t completed = 0;
    Belfry__V1__Reply *reply;
    while ((reply = peer_receive (worker, 0)) != NULL) {
        assert_int_equal (reply->code, OK);
        if (reply->result_case == BELFRY__V1__REPLY__RESULT_RUNS) {
            assert_false (reply->runs->unchanged);
            completed++;
        } else {
            for (size_t i = 0; i < reply->claim->n_leases; i++) {
                ask_send (worker, "complete.token=%s", reply->claim->leases[i]->token);
            }
            ask_send (worker, "claim.types=turn claim.max=3 claim.wait_us=30000000");
        }
        reply_free (reply);
    }
    return completed;
}

/* Four workers and five hundred runs: each is given once, and completed once. */
static void
test_many_runs (void **state)
{
    bench *self = *state;
    peer *author = peer_client (self->rig, self->first, ZMQ_DEALER, "author");
    peer *workers[WORKERS];
    zmq_pollitem_t items[WORKERS];
    for (size_t i = 0; i < WORKERS; i++) {
        char name[] = "worker-0";
        name[7] = (char)('0' + i);
        workers[i] =
            peer_client (self->rig, i % 2 ? self->first : self->second, ZMQ_DEALER, name);
        items[i] = (zmq_pollitem_t){workers[i]->socket, 0, ZMQ_POLLIN, 0};
        ask_send (workers[i], "claim.types=turn claim.max=3 claim.wait_us=30000000");
    }
    for (int i = 0; i < RUNS; i++) {
        ask_send (author, "schedule.jobs.type=turn schedule.jobs.after_us=%d",
                  i % 7 * 10000);
    }
    size_t completed = 0;
    while (completed < RUNS) {
        if (zmq_poll (items, WORKERS, RIG_DEADLINE_MS) <= 0) {
            rig_fail (self->rig, "a run was lost");
        }
        for (size_t i = 0; i < WORKERS; i++) {
            completed += items[i].revents ? work (workers[i]) : 0;
        }
    }
    story *log = story_new ();
    story_read (log, author);
    assert_int_equal (completed, RUNS);
    assert_int_equal (bf_map_count (log->jobs), RUNS);
    assert_int_equal (log->count[BF_EVENT_RUN_FIRED], RUNS);
    assert_int_equal (log->count[BF_EVENT_RUN_CLAIMED], RUNS);
    assert_int_equal (log->count[BF_EVENT_RUN_SUCCEEDED], RUNS);
    assert_int_equal (log->count[BF_EVENT_RUN_FAILED], 0);
    assert_true (story_settled (log, INT64_MAX));
    story_destroy (&log);
    for (size_t i = 0; i < WORKERS; i++) {
        peer_free (workers[i]);
    }
    peer_free (author);
    stop (self);
}

/* A worker says nothing any more: its lease runs out, the next one gets attempt 2, and what
 * the first one says later changes nothing. */
static void
test_silent_worker (void **state)
{
    bench *self = *state;
    peer *silent = peer_client (self->rig, self->first, ZMQ_DEALER, "silent");
    peer *next = peer_client (self->rig, self->second, ZMQ_DEALER, "next-in-line");
    ask_job (silent, "schedule.jobs.type=turn schedule.jobs.after_us=0 "
                     "schedule.jobs.lease_us=200000 schedule.jobs.retry.delay_us=1000");
    char *lost = ask_lease (silent, "turn");
    int64_t from_us = bf_now_read ().boot.us;
    char *token = ask_lease (next, "turn");
    assert_true (bf_now_read ().boot.us - from_us >= 150 * BF_MS_US);
    assert_string_equal (lost, "256.1.1");
    assert_string_equal (token, "256.1.2");

    Belfry__V1__Reply *reply = ask_for (silent, STALE_TOKEN, "complete.token=%s", lost);
    assert_non_null (strstr (reply->text, "next-in-line"));
    reply_free (reply);
    reply_free (ask_for (silent, STALE_TOKEN, "fail.token=%s", lost));
    reply_free (ask_for (silent, STALE_TOKEN, "snooze.token=%s snooze.for_us=0", lost));
    reply = ask_for (silent, OK, "heartbeat.tokens=%s heartbeat.tokens=%s", lost, token);
    assert_int_equal (reply->heartbeat->items[0]->code, STALE_TOKEN);
    assert_int_equal (reply->heartbeat->items[1]->code, OK);
    reply_free (reply);
    ask_ok (next, "complete.token=%s", token);
    reply_free (ask_for (silent, STALE_TOKEN, "complete.token=%s", lost));

    story *log = story_new ();
    story_read (log, next);
    assert_int_equal (story_find_run (log, "256.1")->failures, 1);
    assert_int_equal (story_find_attempt (log, lost)->end, BF_EVENT_RUN_FAILED);
    assert_int_equal (story_find_attempt (log, token)->end, BF_EVENT_RUN_SUCCEEDED);
    story_destroy (&log);
    free (lost);
    free (token);
    peer_free (silent);
    peer_free (next);
    stop (self);
}

/* The longest waiting claim is that of a client which has gone: the lease comes back at
 * once, counts as no failure, and the next claim gets the run. */
static void
test_vanished_worker (void **state)
{
    bench *self = *state;
    pid_t pid = self->rig->daemon.pid;
    peer *next = peer_client (self->rig, self->second, ZMQ_DEALER, "next");
    reply_free (ask_status (next));
    size_t descriptors = proc_descriptors (pid);
    peer *gone = peer_client (self->rig, self->first, ZMQ_DEALER, "gone");
    ask_send (gone, "claim.types=turn claim.wait_us=60000000");
    Belfry__V1__Reply *reply;
    for (bool parked = false; !parked;) {
        reply = ask_status (next);
        parked = reply->status->parked_claims == 1;
        reply_free (reply);
    }
    peer_free (gone);
    assert_true (proc_await_descriptors (pid, descriptors));

    int64_t from_us = bf_now_read ().boot.us;
    ask_job (next, "schedule.jobs.type=turn schedule.jobs.after_us=0");
    char *token = ask_lease (next, "turn");
    assert_true (bf_now_read ().boot.us - from_us < BF_DEFAULT_LEASE_US / 2);
    assert_string_equal (token, "256.1.2");
    ask_ok (next, "complete.token=%s", token);
    story *log = story_new ();
    story_read (log, next);
    assert_int_equal (log->count[BF_EVENT_RUN_RETURNED], 1);
    assert_int_equal (story_find_run (log, "256.1")->failures, 0);
    story_destroy (&log);
    free (token);
    peer_free (next);
    stop (self);
}

/* --- calls --------------------------------------------------------------------------- */

/* The same call on two sockets at the same time: one job, and twice the same answer. */
static void
test_one_call_twice (void **state)
{
    bench *self = *state;
    peer *sockets[2] = {peer_client (self->rig, self->first, ZMQ_DEALER, "twin"),
                        peer_client (self->rig, self->second, ZMQ_DEALER, "twin")};
    for (int call = 0; call < TWICE; call++) {
        for (size_t i = 0; i < 2; i++) {
            ask_send (sockets[(i + (size_t)call) % 2],
                      "request_id=r%d schedule.jobs.type=turn schedule.jobs.after_us=0",
                      call);
        }
    }
    uint64_t jobs[2][TWICE] = {{0}};
    for (size_t i = 0; i < 2; i++) {
        for (int call = 0; call < TWICE; call++) {
            Belfry__V1__Reply *reply = peer_receive (sockets[i], RIG_DEADLINE_MS);
            assert_non_null (reply);
            assert_int_equal (reply->code, OK);
            jobs[i][strtoul (reply->request_id + 1, NULL, 10)] =
                reply->jobs->items[0]->job->id;
            reply_free (reply);
        }
    }
    assert_memory_equal (jobs[0], jobs[1], sizeof jobs[0]);
    story *log = story_new ();
    story_read (log, sockets[0]);
    assert_int_equal (bf_map_count (log->jobs), TWICE);
    for (int call = 0; call < TWICE; call++) {
        assert_non_null (story_find_job (log, jobs[0][call]));
    }
    story_destroy (&log);
    peer_free (sockets[0]);
    peer_free (sockets[1]);
    stop (self);
}

/* SIGTERM while calls are in flight: what was answered OK is there afterwards; all others,
 * sent again, have their effect once. A daemon that falls behind says BUSY to some: more
 * are sent than one connection may have in flight. */
static void
test_stop_in_flight (void **state)
{
    bench *self = *state;
    uint64_t jobs[STOPPED] = {0};
    size_t done = 0;
    size_t refused = 0;
    peer *client = peer_client (self->rig, self->first, ZMQ_DEALER, "author");
    static const char text[] =
        "request_id=r%zu schedule.jobs.type=turn schedule.jobs.after_us=3600000000";
    for (size_t i = 0; i < STOPPED; i++) {
        ask_send (client, text, i);
        if (i == STOPPED / 2) {
            process_signal (&self->rig->daemon, SIGTERM);
        }
    }
    assert_int_equal (rig_wait (self->rig), 0);
    Belfry__V1__Reply *reply;
    while ((reply = peer_receive (client, 100)) != NULL) {
        if (reply->code == OK) {
            jobs[strtoul (reply->request_id + 1, NULL, 10)] =
                reply->jobs->items[0]->job->id;
            done++;
        } else {
            assert_true (reply->code == STOPPING || reply->code == BUSY);
            refused++;
        }
        reply_free (reply);
    }
    print_message ("%zu done, %zu refused, %zu not answered\n", done, refused,
                   STOPPED - done - refused);
    peer_free (client);

    rig_start (self->rig, NULL);
    client = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "author");
    for (size_t i = 0; i < STOPPED; i++) {
        uint64_t job = ask_job (client, text, i);
        assert_true (jobs[i] == 0 || jobs[i] == job);
    }
    story *log = story_new ();
    story_read (log, client);
    assert_int_equal (bf_map_count (log->jobs), STOPPED);
    assert_int_equal (log->count[BF_EVENT_SCHEDULER_STOPPING], 1);
    story_destroy (&log);
    peer_free (client);
    stop (self);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)
#define TEST_EMBEDDED(name)                                                \
    {                                                                      \
#name " (inproc)", name, set_up_embedded, tear_down_embedded, NULL \
    }

int
main (void)
{
    /* czmq's own handlers would end pollers. */
    zsys_handler_set (NULL);
    const struct CMUnitTest tests[] = {
        TEST (test_two_claims_one_run),
        TEST (test_many_runs),
        TEST (test_silent_worker),
        TEST (test_vanished_worker),
        TEST (test_one_call_twice),
        TEST (test_stop_in_flight),
        TEST_EMBEDDED (test_two_claims_one_run),
        TEST_EMBEDDED (test_many_runs),
        TEST_EMBEDDED (test_silent_worker),
        TEST_EMBEDDED (test_one_call_twice),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
