/* SPDX-License-Identifier: MPL-2.0
 *
 * Descriptors run out: with too few the daemon says so and does not start, and however many
 * connections are opened to it, it keeps some for itself, loses nobody whom it serves, and
 * nothing that it acknowledged.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/time.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/proc.h"
#include "tests/support/witness.h"

#define OK BELFRY__V1__CODE__CODE_OK
#define EXIT_FAILED 1

/* The daemon's limit, and what it keeps of that for itself. */
#define LIMIT 160
#define SPARE 32
/* More than it has, on each endpoint in turn. */
#define CONNECTIONS 400
/* The load while they are held open. */
#define HELD_MS 300
#define REPEATS 200

static int
set_up (void **state)
{
    *state = witness_new ();
    return 0;
}

static int
tear_down (void **state)
{
    witness_destroy ((witness **)state);
    return 0;
}

static void
test_too_few (void **state)
{
    witness *self = *state;
    static const char *const limits[] = {"12", "20", "31", "57", "80", "110"};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char command[64];
        (void)snprintf (command, sizeof command, "ulimit -n %s; exec \"$0\" \"$@\"",
                        limits[i]);
        const char *const starter[] = {"/bin/sh", "-c", command, NULL};
        self->rig->starter = starter;
        int rc = rig_refused (self->rig, NULL);
        self->rig->starter = NULL;
        if (rc != EXIT_FAILED) {
            print_error ("ulimit -n %s: exit code %d\n", limits[i], rc);
            rig_fail (self->rig, "it did not refuse");
        }
    }
    char *log = rig_log_text (self->rig);
    size_t said = 0;
    for (const char *at = log; (at = strstr (at, "raise the limit of open files")); at++) {
        said++;
    }
    free (log);
    assert_int_equal (said, sizeof limits / sizeof *limits);
    /* It has not touched anything. */
    assert_int_equal (access (self->rig->data, F_OK), -1);
}

/* -1 where the daemon takes no more for now. */
static int
connect_raw (const char *endpoint)
{
    struct sockaddr_in inet = {.sin_family = AF_INET};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    bool is_tcp = strncmp (endpoint, "tcp://", 6) == 0;
    if (is_tcp) {
        inet.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
        inet.sin_port = htons ((uint16_t)strtoul (strrchr (endpoint, ':') + 1, NULL, 10));
    } else {
        assert_true (strlen (endpoint + 6) < sizeof local.sun_path);
        strcpy (local.sun_path, endpoint + 6);
    }
    int fd =
        socket (is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true (fd >= 0);
    const struct sockaddr *address =
        is_tcp ? (const struct sockaddr *)&inet : (const struct sockaddr *)&local;
    socklen_t size = is_tcp ? sizeof inet : sizeof local;
    if (connect (fd, address, size) != 0 && errno != EINPROGRESS) {
        close (fd);
        return -1;
    }
    return fd;
}

static void
check_bound (const witness *self)
{
    if (process_has_ended (&self->rig->daemon)) {
        rig_fail (self->rig, "it has ended");
    }
    /* Some may be on their way out. */
    assert_in_range (proc_descriptors (self->rig->daemon.pid), 1, LIMIT - SPARE / 2);
}

/* Silent connections to these endpoints, far more than there may be, while the load goes
 * on. */
static void
flood (witness *self, const char *const *endpoints, size_t count)
{
    int fds[CONNECTIONS];
    for (size_t i = 0; i < CONNECTIONS; i++) {
        fds[i] = connect_raw (endpoints[i % count]);
        if (i % 20 == 0) {
            load_run (self->load, BF_MS_US);
            check_bound (self);
        }
    }
    load_run (self->load, HELD_MS * BF_MS_US);
    check_bound (self);
    /* What is kept is there for the daemon's own files. */
    Belfry__V1__Reply *reply = ask_for (self->reader, OK, "backup");
    reply_free (reply);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (fds[i] >= 0) {
            close (fds[i]);
        }
    }
    witness_listen (self);
}

static void
test_floods (void **state)
{
    witness *self = *state;
    int64_t from_us = bf_now_read ().boot.us;
    char command[64];
    (void)snprintf (command, sizeof command, "ulimit -n %d; exec \"$0\" \"$@\"", LIMIT);
    const char *const starter[] = {"/bin/sh", "-c", command, NULL};
    self->rig->starter = starter;
    rig_start (self->rig, NULL);
    self->rig->starter = NULL;
    witness_serve (self);
    load_run (self->load, HELD_MS * BF_MS_US);
    size_t before = proc_descriptors (self->rig->daemon.pid);

    const rig_door *commands = &self->rig->commands;
    const rig_door *feed = &self->rig->feed;
    flood (self, (const char *const[]){commands->tcp}, 1);
    flood (self, (const char *const[]){commands->ipc}, 1);
    flood (self, (const char *const[]){feed->ipc, commands->ipc, feed->tcp, commands->tcp},
           4);

    /* All of them are let go of, and whoever comes next is served. */
    assert_true (proc_await_descriptors (self->rig->daemon.pid, before + 4));
    assert_int_equal (rig_belfry (self->rig, (const char *const[]){"status", NULL}, NULL),
                      0);
    witness_end (self, REPEATS);
    witness_report (self, 0, from_us);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_too_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_floods, set_up, tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
