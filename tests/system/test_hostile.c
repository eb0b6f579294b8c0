/* SPDX-License-Identifier: MPL-2.0
 *
 * Peers that mean harm, or do not know better: garbage in every form, floods, peers that
 * never read, connections that say nothing. Behind each of them the daemon must answer
 * others, have changed nothing, hold no more memory and descriptors than before, and end
 * with 0 (which it does not where a sanitizer has something to say).
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <zmq.h>

#include "core/base/hash.h"
#include "core/base/time.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/peer.h"
#include "tests/support/proc.h"
#include "tests/support/rig.h"

#define OK BELFRY__V1__CODE__CODE_OK
#define MALFORMED BELFRY__V1__CODE__CODE_MALFORMED
#define VERSION BELFRY__V1__CODE__CODE_UNSUPPORTED_VERSION
#define INVALID BELFRY__V1__CODE__CODE_INVALID
#define TOO_LARGE BELFRY__V1__CODE__CODE_TOO_LARGE
#define LIMIT BELFRY__V1__CODE__CODE_LIMIT

#define MIB ((size_t)1024 * 1024)
/* What any of this may cost for good. ASan keeps freed memory back; rig_bound_sanitizer
 * limits that. */
#define GROWTH_BYTES (96 * MIB)
/* Sockets that libzmq is slow to close. */
#define SPARE_FDS 4

/* What a client that never reads asks for: more than the 1280 answers that wait for it in
 * the daemon, and those in the kernel's buffers. */
#define DEAF_ANSWER_BYTES 32768
#define DEAF_CALLS 4000
#define DEAF_QUEUE_BYTES ((size_t)1280 * DEAF_ANSWER_BYTES)

#define FLOOD 100000
#define CONNECTIONS 500
/* At most this many of the flood's calls are under way. */
#define FLOOD_AHEAD 500

typedef struct {
    rig *rig;
    peer *client; /* the innocent one */
    uint64_t seq; /* of the log, before */
    size_t fds;
    size_t bytes;
} bench;

static uint64_t
head_seq (const bench *self)
{
    Belfry__V1__Reply *reply = ask_status (self->client);
    uint64_t seq = reply->status->head_seq;
    reply_free (reply);
    return seq;
}

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    rig_start (self->rig, NULL);
    self->client = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "innocent");
    ask_job (self->client, "schedule.jobs.type=far schedule.jobs.after_us=3600000000");
    self->seq = head_seq (self);
    self->fds = proc_descriptors (self->rig->daemon.pid);
    self->bytes = proc_resident_bytes (self->rig->daemon.pid);
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    peer_free (self->client);
    rig_destroy (&self->rig);
    free (self);
    return 0;
}

/* Nothing stays of whatever it was. */
static void
survives (bench *self)
{
    assert_int_equal (head_seq (self), self->seq);
    if (!proc_await_descriptors (self->rig->daemon.pid, self->fds + SPARE_FDS)) {
        rig_fail (self->rig, "descriptors stay open");
    }
    if (!proc_await_resident (self->rig->daemon.pid, self->bytes + GROWTH_BYTES)) {
        print_error ("%zu KiB, before %zu\n",
                     proc_resident_bytes (self->rig->daemon.pid) / 1024,
                     self->bytes / 1024);
        rig_fail (self->rig, "it has grown");
    }
    reply_free (ask_status (self->client));
    rig_stop (self->rig);
}

/* --- requests that are none --------------------------------------------------------------
 */

static void
expect_refused (bench *self, peer *villain, Belfry__V1__Code code)
{
    Belfry__V1__Reply *reply = peer_receive (villain, RIG_DEADLINE_MS);
    if (!reply || (code ? reply->code != code : reply->code == OK)) {
        rig_fail (self->rig, reply ? reply->text : "garbage was not answered");
    }
    assert_true (strlen (reply->text) > 0);
    reply_free (reply);
}

static peer *
new_villain (bench *self)
{
    return peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "villain");
}

/* Requests that protobuf can read, and Belfry cannot take. */
static void
test_requests (void **state)
{
    bench *self = *state;
    static const struct {
        const char *text;
        Belfry__V1__Code code;
    } rows[] = {
        {"", INVALID},
        {"version=2 status", VERSION},
        {"schedule", INVALID},
        {"schedule.jobs.type=t", INVALID},
        {"schedule.jobs.type=t schedule.jobs.after_us=0 schedule.on_key=99", INVALID},
        {"schedule.jobs.type=t schedule.jobs.after_us=0 schedule.jobs.delivery=-1",
         INVALID},
        {"schedule.jobs.type=t schedule.jobs.after_us=-1", INVALID},
        {"schedule.jobs.type=t/ schedule.jobs.after_us=0", INVALID},
        {"schedule.jobs.type=*65 schedule.jobs.after_us=0", INVALID},
        {"schedule.jobs.type=t schedule.jobs.after_us=9223372036854775807", INVALID},
        {"schedule.jobs.type=t schedule.jobs.after_us=0 schedule.jobs.payload=*65537",
         TOO_LARGE},
        {"schedule.jobs=#1001", LIMIT},
        {"heartbeat.tokens=#1001", LIMIT},
        {"heartbeat.tokens=1.1", INVALID},
        {"complete.token=../../etc/passwd", INVALID},
        {"cancel.job.id=18446744073709551615", INVALID},
        {"cancel.job.key=*257", INVALID},
        {"claim.types=t claim.max=101", INVALID},
        {"replay.limit=4294967295", INVALID},
        {"client=*65 status", INVALID},
    };
    peer *villain = new_villain (self);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size;
        uint8_t *bytes = ask_pack ("villain", "1", rows[i].text, &size);
        if (strncmp (rows[i].text, "version=2", 9) == 0) {
            bytes[1] = 2;
        }
        peer_send_bytes (villain, bytes, size);
        free (bytes);
        Belfry__V1__Reply *reply = peer_receive (villain, RIG_DEADLINE_MS);
        assert_non_null (reply);
        if (reply->code != rows[i].code) {
            fail_msg ("%s: code %d, %s", rows[i].text, (int)reply->code, reply->text);
        }
        reply_free (reply);
    }
    peer_free (villain);
    survives (self);
}

/* A request for a job that there is not, cut at every byte, and with every bit changed.
 * Some of those are good requests again, for the same job. */
static void
test_broken_bytes (void **state)
{
    bench *self = *state;
    peer *villain = new_villain (self);
    size_t size;
    uint8_t *bytes = ask_pack ("villain", "1", "get.job.id=99 get.max_runs=7", &size);
    for (size_t i = 0; i < size; i++) {
        peer_send_bytes (villain, bytes, i);
        expect_refused (self, villain, 0);
    }
    for (size_t i = 0; i < size * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1U << i % 8);
        peer_send_bytes (villain, bytes, size);
        reply_free (peer_receive (villain, RIG_DEADLINE_MS));
        bytes[i / 8] ^= (uint8_t)(1U << i % 8);
    }
    free (bytes);
    /* NUL inside a string. */
    bytes = ask_pack ("villain", "1",
                      "schedule.jobs.type=a?b schedule.jobs.after_us=3600000000", &size);
    *(uint8_t *)memchr (bytes, '?', size) = '\0';
    peer_send_bytes (villain, bytes, size);
    expect_refused (self, villain, INVALID);
    free (bytes);
    peer_free (villain);
    survives (self);
}

static void
test_sizes (void **state)
{
    bench *self = *state;
    peer *villain = new_villain (self);
    uint8_t *bytes = calloc (1, 3 * MIB);
    assert_non_null (bytes);
    peer_send_bytes (villain, bytes, 0);
    expect_refused (self, villain, VERSION);
    peer_send_bytes (villain, bytes, MIB);
    expect_refused (self, villain, MALFORMED);
    peer_send_bytes (villain, bytes, MIB + 1);
    expect_refused (self, villain, TOO_LARGE);
    for (int i = 0; i < 20; i++) {
        assert_int_equal (zmq_send (villain->socket, "x", 1, i < 19 ? ZMQ_SNDMORE : 0), 1);
    }
    expect_refused (self, villain, MALFORMED);
    /* Cut without a word; afterwards the same peer may come back. */
    peer_send_bytes (villain, bytes, 3 * MIB);
    free (bytes);
    reply_free (ask_status (self->client));
    peer_free (villain);
    villain = new_villain (self);
    reply_free (ask_status (villain));
    peer_free (villain);
    survives (self);
}

/* --- floods ------------------------------------------------------------------------------
 */

/* A hundred thousand messages of 0 to 15 random bytes; each has its answer. */
static void
test_flood (void **state)
{
    bench *self = *state;
    peer *villain = new_villain (self);
    size_t sent = 0;
    size_t answered = 0;
    int64_t until_us = bf_now_read ().boot.us + 4 * RIG_DEADLINE_MS * BF_MS_US;
    while (answered < FLOOD) {
        uint64_t noise[2] = {bf_mix (sent), bf_mix (~sent)};
        if (sent < FLOOD && sent < answered + FLOOD_AHEAD &&
            zmq_send (villain->socket, noise, sent % 16, ZMQ_DONTWAIT) >= 0) {
            sent++;
            continue;
        }
        Belfry__V1__Reply *reply = peer_receive (villain, 100);
        if (!reply && bf_now_read ().boot.us > until_us) {
            rig_fail (self->rig, "the flood was not answered");
        }
        if (reply) {
            assert_int_not_equal (reply->code, OK);
            answered++;
            reply_free (reply);
        }
    }
    peer_free (villain);
    survives (self);
}

/* A peer that takes one frame and then reads no more. */
static void *
new_deaf (bench *self, int type, const char *endpoint)
{
    void *deaf = zmq_socket (self->rig->context, type);
    assert_non_null (deaf);
    int one = 1;
    int none = 0;
    int small = 4096;
    zmq_setsockopt (deaf, ZMQ_RCVHWM, &one, sizeof one);
    zmq_setsockopt (deaf, ZMQ_RCVBUF, &small, sizeof small);
    zmq_setsockopt (deaf, ZMQ_LINGER, &none, sizeof none);
    if (type == ZMQ_SUB) {
        zmq_setsockopt (deaf, ZMQ_SUBSCRIBE, "", 0);
    }
    assert_int_equal (zmq_connect (deaf, endpoint), 0);
    return deaf;
}

/* It asks and asks, and never reads an answer, until the daemon's queue for it is full and
 * answers are dropped. Others are served all the while. */
static void
test_deaf_client (void **state)
{
    bench *self = *state;
    uint64_t job = ask_job (self->client,
                            "schedule.jobs.type=far schedule.jobs.after_us=3600000000 "
                            "schedule.jobs.payload=*%d",
                            DEAF_ANSWER_BYTES);
    self->seq = head_seq (self);
    void *deaf = new_deaf (self, ZMQ_DEALER, self->rig->commands.tcp);
    char text[64];
    (void)snprintf (text, sizeof text, "get.with_payload=1 get.job.id=%" PRIu64, job);
    size_t size;
    uint8_t *bytes = ask_pack ("deaf", "1", text, &size);
    for (int i = 0; i < DEAF_CALLS; i++) {
        assert_int_equal (zmq_send (deaf, bytes, size, 0), size);
        if (i % 50 == 0) {
            reply_free (ask_status (self->client));
        }
    }
    free (bytes);
    reply_free (ask_status (self->client));
    size_t bytes_now = proc_resident_bytes (self->rig->daemon.pid);
    assert_in_range (bytes_now, 0, self->bytes + DEAF_QUEUE_BYTES + GROWTH_BYTES);
    zmq_close (deaf);
    survives (self);
}

/* It subscribes to everything and reads nothing, while events are published. */
static void
test_deaf_subscriber (void **state)
{
    bench *self = *state;
    void *deaf = new_deaf (self, ZMQ_SUB, self->rig->feed.tcp);
    peer *other = peer_subscriber (self->rig, self->rig->feed.tcp, "job.completed ");
    char jobs[100000] = "";
    size_t length = 0;
    for (int i = 0; i < 500; i++) {
        length += (size_t)snprintf (jobs + length, sizeof jobs - length,
                                    " schedule.jobs[%d].type=note schedule.jobs[%d].at_us=1"
                                    " schedule.jobs[%d].delivery=2",
                                    i, i, i);
    }
    size_t heard = 0;
    for (int i = 0; i < 20; i++) {
        ask_job (self->client, "%s", jobs);
        for (int job = 0; job < 500; job++) {
            belfry__v1__event__free_unpacked (peer_await (other, "job.completed"), NULL);
            heard++;
        }
    }
    assert_int_equal (heard, 10000);
    self->seq = head_seq (self);
    zmq_close (deaf);
    peer_free (other);
    survives (self);
}

/* --- connections -------------------------------------------------------------------------
 */

static int
connect_raw (const char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    address.sin_port = htons ((uint16_t)strtoul (strrchr (endpoint, ':') + 1, NULL, 10));
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true (fd >= 0);
    assert_int_equal (connect (fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Opened and dropped, with nothing or something said, on every door. */
static void
test_connections (void **state)
{
    bench *self = *state;
    const char *const doors[] = {self->rig->commands.tcp, self->rig->feed.tcp,
                                 self->rig->monitor.tcp};
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const uint8_t greeting[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U'};
    for (size_t i = 0; i < CONNECTIONS; i++) {
        int fd = connect_raw (doors[i % 3]);
        if (i % 4 == 1) {
            (void)send (fd, request, sizeof request - 1, MSG_NOSIGNAL);
        } else if (i % 4 == 2) {
            (void)send (fd, greeting, 1 + i % sizeof greeting, MSG_NOSIGNAL);
        }
        close (fd);
        if (i % 50 == 0) {
            reply_free (ask_status (self->client));
        }
    }
    survives (self);
}

/* Held open, half way through a greeting: the daemon lets go of them. */
static void
test_half_open (void **state)
{
    bench *self = *state;
    int fds[60];
    static const uint8_t greeting[10] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f};
    uint64_t noise[32];
    for (size_t i = 0; i < 32; i++) {
        noise[i] = bf_mix (i);
    }
    for (size_t i = 0; i < 60; i++) {
        fds[i] = connect_raw (i % 2 ? self->rig->commands.tcp : self->rig->feed.tcp);
        if (i % 3 == 1) {
            (void)send (fds[i], noise, sizeof noise, MSG_NOSIGNAL);
        } else if (i % 3 == 2) {
            (void)send (fds[i], greeting, sizeof greeting, MSG_NOSIGNAL);
        }
    }
    reply_free (ask_status (self->client));
    survives (self);
    for (size_t i = 0; i < 60; i++) {
        close (fds[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_requests),    TEST (test_broken_bytes), TEST (test_sizes),
        TEST (test_flood),       TEST (test_deaf_client),  TEST (test_deaf_subscriber),
        TEST (test_connections), TEST (test_half_open),
    };
    return cmocka_run_group_tests (tests, rig_bound_sanitizer, NULL);
}
