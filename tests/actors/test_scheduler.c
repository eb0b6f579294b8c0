/* SPDX-License-Identifier: MPL-2.0
 *
 * actors/scheduler: the whole scheduler inside this process, started and stopped, and what
 * it leaves of its host as it was.
 */
/* srandom, random. */
#define _GNU_SOURCE

#include "actors/belfry_scheduler.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <czmq.h>

#include "actors/actor.h"
#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

#include "belfry.pb-c.h"

#define DEADLINE_MS 20000
#define CYCLES 50

/* Descriptors, threads: the entries of a directory of /proc. */
static int
count_entries (const char *path)
{
    DIR *directory = opendir (path);
    assert_non_null (directory);
    int count = 0;
    while (readdir (directory)) {
        count++;
    }
    closedir (directory);
    return count;
}

/* libzmq closes a socket's descriptors a moment after the socket: waits until there are no
 * more than that. */
static void
await_entries (const char *path, int most)
{
    int64_t until_us = bf_now_read ().boot.us + DEADLINE_MS * BF_MS_US;
    while (count_entries (path) > most && bf_now_read ().boot.us < until_us) {
        zclock_sleep (1);
    }
    assert_true (count_entries (path) <= most);
}

/* What is left when nothing has changed for a while. */
static int
settled_entries (const char *path)
{
    int count = count_entries (path);
    for (int quiet = 0; quiet < 50; quiet++) {
        zclock_sleep (1);
        int now = count_entries (path);
        if (now != count) {
            quiet = 0;
            count = now;
        }
    }
    return count;
}

static const char *const tcp[] = {"tcp://127.0.0.1:*", NULL};

static belfry_scheduler *
start (const char *directory, const char *const *commands)
{
    belfry_scheduler_options options = {
        .directory = directory, .commands = commands, .feed = tcp, .monitor = tcp};
    belfry_scheduler *self = NULL;
    char text[512];
    belfry_scheduler_status status =
        belfry_scheduler_start (&self, &options, text, sizeof text);
    if (status != BELFRY_STOPPED) {
        fail_msg ("%d: %s", (int)status, text);
    }
    assert_non_null (self);
    return self;
}

/* Asks for the status over `endpoint`, in the scheduler's own context. */
static void
assert_serves (const char *endpoint)
{
    Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.version = 1;
    request.client = (char *)"test";
    request.request_id = (char *)"1";
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
    request.status = &status;
    uint8_t packed[128];
    size_t size = belfry__v1__request__pack (&request, packed);
    int wait_ms = DEADLINE_MS;
    void *socket = zmq_socket (belfry_scheduler_context (), ZMQ_DEALER);
    assert_non_null (socket);
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    assert_int_equal (zmq_connect (socket, endpoint), 0);
    assert_int_equal (zmq_send (socket, packed, size, 0), size);
    uint8_t answer[4096];
    int got = zmq_recv (socket, answer, sizeof answer, 0);
    assert_in_range (got, 1, sizeof answer);
    Belfry__V1__Reply *reply = belfry__v1__reply__unpack (NULL, (size_t)got, answer);
    assert_non_null (reply);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_OK);
    belfry__v1__reply__free_unpacked (reply, NULL);
    int linger = 0;
    zmq_setsockopt (socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_close (socket);
}

static void
on_signal (int number)
{
    (void)number;
}

/* Start, call, stop, many times: nothing stays behind, and the host is as it was. */
static void
test_cycles (void **state)
{
    (void)state;
    char *directory = temp_make ();
    char *data = temp_path (directory, "data");
    char ipc[256];
    snprintf (ipc, sizeof ipc, "ipc://%s/commands.sock", directory);
    /* The first one makes the context, whose threads and descriptors stay. */
    belfry_scheduler *self = start (data, (const char *const[]){ipc, NULL});
    belfry_scheduler_stop (&self);
    assert_null (self);
    int threads = count_entries ("/proc/self/task");
    srandom (7);
    long expected[CYCLES + 1];
    for (size_t i = 0; i <= CYCLES; i++) {
        expected[i] = random ();
    }
    srandom (7);
    assert_int_equal (random (), expected[0]);
    int descriptors = 0;
    for (size_t i = 1; i <= CYCLES; i++) {
        self = start (data, (const char *const[]){ipc, "inproc://bot", NULL});
        if (i % 10 == 1) {
            /* Not over ipc: libzmq draws from rand() when a client of its has to connect
             * again. */
            assert_serves ("inproc://bot");
        }
        assert_int_equal (belfry_scheduler_stop (&self), BELFRY_STOPPED);
        assert_int_equal (random (), expected[i]);
        assert_int_equal (count_entries ("/proc/self/task"), threads);
        if (i == 1) {
            descriptors = settled_entries ("/proc/self/fd");
        }
    }
    await_entries ("/proc/self/fd", descriptors);
    free (data);
    temp_remove (directory);
}

static void
test_host_signals (void **state)
{
    (void)state;
    const int numbers[] = {SIGINT, SIGTERM, SIGPIPE, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < 4; i++) {
        sigaction (numbers[i], &action, NULL);
    }
    char *directory = temp_make ();
    belfry_scheduler *self = start (directory, tcp);
    belfry_scheduler_stop (&self);
    sigset_t mask;
    pthread_sigmask (SIG_SETMASK, NULL, &mask);
    for (size_t i = 0; i < 4; i++) {
        struct sigaction now;
        sigaction (numbers[i], NULL, &now);
        assert_ptr_equal (now.sa_handler, on_signal);
        assert_int_equal (sigismember (&mask, numbers[i]), 0);
    }
    temp_remove (directory);
}

/* Two in one process; the same directory twice is refused. */
static void
test_two (void **state)
{
    (void)state;
    char *one_directory = temp_make ();
    char *two_directory = temp_make ();
    belfry_scheduler *one =
        start (one_directory, (const char *const[]){"inproc://one", NULL});
    belfry_scheduler *two =
        start (two_directory, (const char *const[]){"inproc://two", NULL});
    belfry_scheduler *three = NULL;
    belfry_scheduler_options options = {.directory = one_directory};
    char text[512];
    assert_int_equal (belfry_scheduler_start (&three, &options, text, sizeof text),
                      BELFRY_LOCKED);
    assert_null (three);
    assert_non_null (strstr (text, one_directory));
    belfry_scheduler_stop (&one);
    assert_serves ("inproc://two");
    belfry_scheduler_stop (&two);
    temp_remove (one_directory);
    temp_remove (two_directory);
}

static void
test_endpoints (void **state)
{
    (void)state;
    char *directory = temp_make ();
    belfry_scheduler *self =
        start (directory, (const char *const[]){"tcp://localhost:*", "inproc://c", NULL});
    int ports[3];
    assert_int_equal (sscanf (belfry_scheduler_endpoints (self),
                              "commands=tcp://127.0.0.1:%d,inproc://c "
                              "feed=tcp://127.0.0.1:%d monitor=tcp://127.0.0.1:%d",
                              &ports[0], &ports[1], &ports[2]),
                      3);
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", ports[0]);
    assert_serves (endpoint);
    belfry_scheduler_stop (&self);
    temp_remove (directory);
}

/* Whatever fails, and however far the start had come, nothing stays behind. */
static void
test_start_fails (void **state)
{
    (void)state;
    char *directory = temp_make ();
    belfry_scheduler *first = start (directory, tcp);
    char taken[64];
    sscanf (belfry_scheduler_endpoints (first), "commands=%63s", taken);
    char *fresh = temp_path (directory, "fresh");
    const char *const taken_list[] = {taken, NULL};
    const char *const open_list[] = {"tcp://*:*", NULL};
    const char *const bad_list[] = {"http://localhost", NULL};
    const struct {
        belfry_scheduler_options options;
        belfry_scheduler_status status;
    } rows[] = {
        {{.directory = directory, .commands = tcp}, BELFRY_LOCKED},
        {{.directory = fresh, .commands = taken_list}, BELFRY_BIND},
        {{.directory = fresh, .feed = taken_list}, BELFRY_BIND},
        {{.directory = fresh, .monitor = open_list}, BELFRY_CONFIG},
        {{.directory = fresh, .monitor = bad_list}, BELFRY_CONFIG},
        {{.directory = NULL}, BELFRY_CONFIG},
        {{.directory = ""}, BELFRY_CONFIG},
        {{.directory = "/proc/nowhere"}, BELFRY_DISK},
    };
    int descriptors = settled_entries ("/proc/self/fd");
    int threads = count_entries ("/proc/self/task");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        belfry_scheduler *self = NULL;
        char text[512] = "";
        assert_int_equal (
            belfry_scheduler_start (&self, &rows[i].options, text, sizeof text),
            rows[i].status);
        assert_null (self);
        assert_string_not_equal (text, "");
        assert_int_equal (belfry_scheduler_start (&self, &rows[i].options, NULL, 0),
                          rows[i].status);
    }
    assert_int_equal (count_entries ("/proc/self/task"), threads);
    await_entries ("/proc/self/fd", descriptors);
    belfry_scheduler_stop (&first);
    first = start (fresh, tcp);
    belfry_scheduler_stop (&first);
    free (fresh);
    temp_remove (directory);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_cycles),      cmocka_unit_test (test_host_signals),
        cmocka_unit_test (test_two),         cmocka_unit_test (test_endpoints),
        cmocka_unit_test (test_start_fails),
    };
    int failed = cmocka_run_group_tests (tests, NULL, NULL);
    zsys_shutdown ();
    return failed;
}
