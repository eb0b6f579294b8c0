/* SPDX-License-Identifier: MPL-2.0
 *
 * Clients that the kernel has stopped (SIGSTOP): a worker in the middle of its work, and a
 * subscriber who does not read while a log of events goes by. Both are processes of their
 * own, which speak libbelfry: this program, started again with a role. What they have to
 * say they print.
 *
 *   test_stopped worker COMMANDS        holds a run until $GO is there, settles it
 *   test_stopped watcher COMMANDS FEED  watches until the job "last" was delivered
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "clients/c/belfry.h"
#include "core/base/time.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/peer.h"
#include "tests/support/proc.h"
#include "tests/support/process.h"
#include "tests/support/rig.h"
#include "tests/support/temp.h"

#define OK BELFRY__V1__CODE__CODE_OK
#define STALE BELFRY__V1__CODE__CODE_STALE_TOKEN

#define LEASE_US (500 * BF_MS_US)

/* 4 events each, one of them with a payload, so that the sockets between are soon full;
 * then 10,000 wait for a subscriber in the daemon, and the rest is lost to it. */
#define NOTE_CALLS 14
#define NOTE_JOBS 400
#define NOTE_EVENTS 4
#define NOTE_PAYLOAD "2000"

#define MIB ((size_t)1024 * 1024)
/* 10,000 events of a KiB on average, in libzmq's frames, twice. */
#define QUEUE_BYTES (32 * MIB)
/* What the daemon takes for itself meanwhile: the page cache of SQLite, batches, and what
 * the sanitizers keep back of what was freed (rig_bound_sanitizer). */
#define GROWTH_BYTES (96 * MIB)

/* --- the roles ---------------------------------------------------------------------------
 */

static void
say (const char *word, const char *more)
{
    printf ("%s %s\n", word, more);
    fflush (stdout);
}

/* Works until the test has made the file $GO. */
static int
hold (belfry_run *run, void *context)
{
    (void)context;
    say ("holding", run->token);
    const char *go = getenv ("GO");
    while (go && access (go, F_OK) != 0) {
        (void)poll (NULL, 0, 5);
    }
    return 0;
}

static void
settled (const belfry_run *run, int error, void *context)
{
    (void)run;
    (void)context;
    say ("settled", belfry_error_name (error));
}

static int
be_worker (const char *commands)
{
    belfry *self = NULL;
    const belfry_options options = {.commands = commands, .client = "stopped-worker"};
    const char *const types[] = {"work", NULL};
    const belfry_work_options work = {.types = types, .limit = 1, .settled = settled};
    int rc = belfry_open (&self, &options);
    if (rc == BELFRY_OK) {
        rc = belfry_work (self, &work, hold, NULL);
    }
    belfry_close (&self);
    return rc == BELFRY_OK ? 0 : 1;
}

typedef struct {
    uint64_t seq;
    uint64_t events;
    uint64_t replayed;
    uint64_t gaps;
} watched;

static int
watch (const belfry_event *event, void *context)
{
    watched *self = context;
    if (event->notice == BELFRY_CAUGHT_UP && self->events == 0) {
        say ("watching", "");
    }
    if (event->notice != BELFRY_EVENT) {
        return 0;
    }
    self->gaps += self->seq != 0 && event->seq != self->seq + 1;
    self->seq = event->seq;
    self->replayed += event->replayed;
    if (self->events++ == 0) {
        say ("heard", event->kind);
    }
    return strcmp (event->kind, "run.delivered") == 0 && strcmp (event->type, "last") == 0;
}

static int
be_watcher (const char *commands, const char *feed)
{
    belfry *self = NULL;
    watched seen = {0};
    const belfry_options options = {
        .commands = commands, .feed = feed, .client = "stopped-watcher"};
    const belfry_watch_options all = {.from_now = true};
    int rc = belfry_open (&self, &options);
    if (rc == BELFRY_OK) {
        rc = belfry_watch (self, &all, watch, &seen);
    }
    printf ("saw %" PRIu64 " events up to %" PRIu64 ", %" PRIu64 " replayed, %" PRIu64
            " gaps\n",
            seen.events, seen.seq, seen.replayed, seen.gaps);
    belfry_close (&self);
    return rc == BELFRY_HANDLER ? 0 : 1;
}

/* --- the tests ---------------------------------------------------------------------------
 */

typedef struct {
    rig *rig;
    peer *client;
    process role;
    char *log; /* of the role */
} bench;

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    self->log = temp_path (self->rig->directory, "role.log");
    rig_start (self->rig, NULL);
    self->client = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "bench");
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    if (self->role.pid) {
        (void)kill (self->role.pid, SIGKILL);
        (void)process_wait (&self->role, RIG_DEADLINE_MS);
    }
    peer_free (self->client);
    free (self->log);
    rig_destroy (&self->rig);
    free (self);
    return 0;
}

/* The rest of the next line, which must begin with this word; the caller's to free. */
static char *
expect_word (bench *self, const char *word)
{
    char *line = process_line (&self->role, RIG_DEADLINE_MS);
    size_t size = strlen (word);
    if (!line || strncmp (line, word, size) != 0 || line[size] != ' ') {
        print_error ("'%s' instead of '%s'\n", line ? line : "nothing", word);
        free (line);
        rig_fail (self->rig, "a client did not do its part");
    }
    memmove (line, line + size + 1, strlen (line + size + 1) + 1);
    return line;
}

static void
expect_line (bench *self, const char *word, const char *more)
{
    char *rest = expect_word (self, word);
    assert_string_equal (rest, more);
    free (rest);
}

/* Stopped for good when it returns. */
static void
stop_role (bench *self)
{
    process_signal (&self->role, SIGSTOP);
    if (!proc_await_stopped (self->role.pid)) {
        rig_fail (self->rig, "a client does not stop");
    }
}

static uint64_t
schedule_work (bench *self)
{
    return ask_job (self->client,
                    "schedule.jobs.type=work schedule.jobs.after_us=0 "
                    "schedule.jobs.lease_us=%" PRId64 " schedule.jobs.retry.delay_us=1000",
                    LEASE_US);
}

/* The run of this job ended with success, once, by this attempt. */
static void
expect_succeeded_once (bench *self, uint64_t job, uint32_t attempt)
{
    Belfry__V1__Reply *reply =
        ask_for (self->client, OK, "history.job.id=%" PRIu64 " history.limit=100", job);
    size_t succeeded = 0;
    for (size_t i = 0; i < reply->events->n_events; i++) {
        const Belfry__V1__Event *event = reply->events->events[i];
        if (strcmp (event->kind, "run.succeeded") == 0) {
            assert_int_equal (event->attempt, attempt);
            succeeded++;
        }
    }
    reply_free (reply);
    assert_int_equal (succeeded, 1);
}

/* Its heartbeats stop with it: the lease ends, somebody else does the work, and what it
 * says when it goes on is refused. Also where it held its lease far beyond its end because
 * of its heartbeats. */
static void
test_worker (void **state)
{
    bench *self = *state;
    peer *feed = peer_subscriber (self->rig, self->rig->feed.tcp, "");
    uint64_t job = schedule_work (self);
    char *go = temp_path (self->rig->directory, "go");
    assert_int_equal (setenv ("GO", go, 1), 0);
    process_start (&self->role, "/proc/self/exe",
                   (const char *const[]){"worker", self->rig->commands.tcp, NULL},
                   self->log);
    char *token = expect_word (self, "holding");
    /* Twice its lease, and it still has it: its heartbeats are what holds it. */
    (void)poll (NULL, 0, (int)(2 * LEASE_US / BF_MS_US));
    ask_ok (self->client, "heartbeat.tokens=%s", token);

    stop_role (self);
    Belfry__V1__Event *event = peer_await (feed, "run.failed");
    assert_int_equal (event->job, job);
    assert_int_equal (event->attempt, 1);
    belfry__v1__event__free_unpacked (event, NULL);
    char *second = ask_lease (self->client, "work");
    assert_string_not_equal (second, token);
    ask_ok (self->client, "complete.token=%s complete.result=second", second);

    FILE *file = fopen (go, "w");
    assert_non_null (file);
    (void)fclose (file);
    process_signal (&self->role, SIGCONT);
    expect_line (self, "settled", "STALE_TOKEN");
    assert_int_equal (process_wait (&self->role, RIG_DEADLINE_MS), 0);
    reply_free (ask_for (self->client, STALE, "complete.token=%s", token));
    expect_succeeded_once (self, job, 2);
    free (second);
    free (token);
    free (go);
    peer_free (feed);
    rig_stop (self->rig);
}

static void
publish_notes (bench *self)
{
    static char text[NOTE_JOBS * 140];
    size_t size = 0;
    for (int i = 0; i < NOTE_JOBS; i++) {
        size += (size_t)snprintf (text + size, sizeof text - size,
                                  " schedule.jobs[%d].type=note schedule.jobs[%d].at_us=1"
                                  " schedule.jobs[%d].delivery=2"
                                  " schedule.jobs[%d].payload=*" NOTE_PAYLOAD,
                                  i, i, i, i);
    }
    ask_job (self->client, "%s", text + 1);
}

/* Another one hears all of it, in order and without a gap. */
static void
hear_notes (bench *self, peer *other, uint64_t *seq)
{
    for (int delivered = 0; delivered < NOTE_JOBS;) {
        Belfry__V1__Event *event = peer_event (other, RIG_DEADLINE_MS);
        if (!event || (*seq != 0 && event->seq != *seq + 1)) {
            rig_fail (self->rig, "a subscriber who reads has missed an event");
        }
        *seq = event->seq;
        delivered += strcmp (event->kind, "job.completed") == 0;
        belfry__v1__event__free_unpacked (event, NULL);
    }
}

__attribute__ ((unused)) static void
test_subscriber (void **state)
{
    bench *self = *state;
    process_start (&self->role, "/proc/self/exe",
                   (const char *const[]){"watcher", self->rig->commands.tcp,
                                         self->rig->feed.tcp, NULL},
                   self->log);
    expect_line (self, "watching", "");
    peer *other = peer_subscriber (self->rig, self->rig->feed.tcp, "");
    uint64_t seq = 0;
    publish_notes (self);
    hear_notes (self, other, &seq);
    free (expect_word (self, "heard"));
    size_t before = proc_resident_bytes (self->rig->daemon.pid);

    stop_role (self);
    size_t most = before;
    for (int i = 0; i < NOTE_CALLS; i++) {
        publish_notes (self);
        hear_notes (self, other, &seq);
        size_t now = proc_resident_bytes (self->rig->daemon.pid);
        most = now > most ? now : most;
        reply_free (ask_status (self->client));
    }
    print_message ("%zu KiB resident before, %zu at most, %d events\n", before / 1024,
                   most / 1024, (NOTE_CALLS + 1) * NOTE_JOBS * NOTE_EVENTS);
    assert_in_range (most, 0, before + QUEUE_BYTES + GROWTH_BYTES);

    process_signal (&self->role, SIGCONT);
    ask_job (self->client, "schedule.jobs.type=last schedule.jobs.after_us=0 "
                           "schedule.jobs.delivery=2");
    char *saw = expect_word (self, "saw");
    print_message ("it saw %s\n", saw);
    uint64_t events, last, replayed, gaps;
    assert_int_equal (sscanf (saw,
                              "%" SCNu64 " events up to %" SCNu64 ", %" SCNu64
                              " replayed, %" SCNu64 " gaps",
                              &events, &last, &replayed, &gaps),
                      4);
    free (saw);
    assert_int_equal (process_wait (&self->role, RIG_DEADLINE_MS), 0);
    assert_int_equal (gaps, 0);
    assert_true (last > seq);
    assert_true (events >= (NOTE_CALLS + 1) * NOTE_JOBS * NOTE_EVENTS);
    /* Or it would not have been behind at all. */
    assert_true (replayed > 0);
    peer_free (other);
    rig_stop (self->rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (int argc, char **argv)
{
    if (argc == 3 && strcmp (argv[1], "worker") == 0) {
        return be_worker (argv[2]);
    }
    if (argc == 4 && strcmp (argv[1], "watcher") == 0) {
        return be_watcher (argv[2], argv[3]);
    }
    const struct CMUnitTest tests[] = {
        TEST (test_worker),
/* Tens of thousands of events take minutes under the thread sanitizer, and there is nothing
 * in them for it to see that the other tests do not show. */
#ifndef __SANITIZE_THREAD__
        TEST (test_subscriber),
#endif
    };
    return cmocka_run_group_tests (tests, rig_bound_sanitizer, NULL);
}
