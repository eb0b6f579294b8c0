/* SPDX-License-Identifier: MPL-2.0
 *
 * A bare DEALER and a bare ROUTER over ipc, each with a context and a thread of its own:
 * what a call and its answer cost where nobody does anything in between. Frames are as
 * large as those of a Schedule of one job and its Reply.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "tests/bench/limits/limits.h"
#include "tests/bench/limits/rounds.h"

/* In flight at a time, and how many times as many calls as one by one. */
#define WINDOW 256
#define STREAM_PART 20

typedef struct {
    const char *endpoint;
    size_t reply_bytes;
} answerer;

static void
check (bool holds, const char *what)
{
    limits_require (holds, "%s: %s", what, zmq_strerror (zmq_errno ()));
}

static void *
socket_open (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    check (socket != NULL, "a socket");
    int none = 0;
    zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none);
    return socket;
}

/* Answers everything until it gets an empty frame. */
static void *
answer_all (void *argument)
{
    const answerer *self = argument;
    void *context = zmq_ctx_new ();
    void *router = socket_open (context, ZMQ_ROUTER);
    check (zmq_bind (router, self->endpoint) == 0, self->endpoint);
    char *reply = limits_take (self->reply_bytes);
    for (bool goes_on = true; goes_on;) {
        zmq_msg_t way, body;
        zmq_msg_init (&way);
        zmq_msg_init (&body);
        check (zmq_msg_recv (&way, router, 0) >= 0, "receive");
        check (zmq_msg_recv (&body, router, 0) >= 0, "receive");
        goes_on = zmq_msg_size (&body) > 0;
        if (goes_on) {
            check (zmq_msg_send (&way, router, ZMQ_SNDMORE) >= 0, "send");
            int sent = zmq_send (router, reply, self->reply_bytes, 0);
            check (sent == (int)self->reply_bytes, "send");
        }
        zmq_msg_close (&way);
        zmq_msg_close (&body);
    }
    free (reply);
    zmq_close (router);
    zmq_ctx_term (context);
    return NULL;
}

static void
send_call (void *dealer, const void *call, size_t size)
{
    check (zmq_send (dealer, call, size, 0) == (int)size, "send");
}

static void
receive_answer (void *dealer)
{
    zmq_msg_t body;
    zmq_msg_init (&body);
    check (zmq_msg_recv (&body, dealer, 0) >= 0, "receive");
    zmq_msg_close (&body);
}

static void
run_one_by_one (const limits_options *options, void *dealer, const void *call, size_t size)
{
    limits_case about = {"wire", "one_in_flight", NULL};
    double *took_us = limits_take (options->calls * sizeof *took_us);
    int64_t began_ns = limits_now_ns ();
    for (size_t i = 0; i < options->calls; i++) {
        int64_t from_ns = limits_now_ns ();
        send_call (dealer, call, size);
        receive_answer (dealer);
        took_us[i] = (double)(limits_now_ns () - from_ns) / 1e3;
    }
    double took_s = (double)(limits_now_ns () - began_ns) / 1e9;
    limits_report (about, "rate", "calls/s", (double)options->calls / took_s);
    limits_report_tail (about, took_us, options->calls);
    free (took_us);
}

static void
run_stream (const limits_options *options, void *dealer, const void *call, size_t size)
{
    size_t calls = STREAM_PART * options->calls, sent = 0;
    int64_t began_ns = limits_now_ns ();
    for (size_t answered = 0; answered < calls; answered++) {
        while (sent < calls && sent - answered < WINDOW) {
            send_call (dealer, call, size);
            sent++;
        }
        receive_answer (dealer);
    }
    double took_s = (double)(limits_now_ns () - began_ns) / 1e9;
    limits_report ((limits_case){"wire", "in_flight_256", NULL}, "rate", "calls/s",
                   (double)calls / took_s);
}

static void
run_all (const limits_options *options, const char *endpoint, size_t call_bytes,
         size_t reply_bytes)
{
    answerer other = {endpoint, reply_bytes};
    pthread_t thread;
    int rc = pthread_create (&thread, NULL, answer_all, &other);
    limits_require (rc == 0, "a thread: %s", strerror (rc));
    void *context = zmq_ctx_new ();
    void *dealer = socket_open (context, ZMQ_DEALER);
    check (zmq_connect (dealer, endpoint) == 0, endpoint);
    char *call = limits_take (call_bytes);
    /* The other one is there once this is answered. */
    send_call (dealer, call, call_bytes);
    receive_answer (dealer);
    for (int run = 0; run < options->runs; run++) {
        run_one_by_one (options, dealer, call, call_bytes);
        run_stream (options, dealer, call, call_bytes);
    }
    send_call (dealer, call, 0);
    pthread_join (thread, NULL);
    free (call);
    zmq_close (dealer);
    zmq_ctx_term (context);
}

void
limits_wire (const limits_options *options)
{
    if (!limits_wanted (options, "wire")) {
        return;
    }
    char *directory = limits_directory_make (options->data);
    rounds *ledger = rounds_open (directory, ROUNDS_STEADY, options->seed, NULL);
    rounds_schedule (ledger, 1, 1, false);
    size_t call_bytes = rounds_call_bytes (ledger);
    size_t reply_bytes = rounds_reply_bytes (ledger);
    rounds_close (&ledger);
    limits_directory_remove (&directory);
    limits_say ("wire: %zu calls of %zu bytes, answers of %zu", options->calls, call_bytes,
                reply_bytes);
    /* Not below the data: the path of a socket must be short. */
    directory = limits_directory_make ("/tmp");
    char *endpoint = limits_text ("ipc://%s/wire", directory);
    run_all (options, endpoint, call_bytes, reply_bytes);
    limits_report_end (options->json);
    free (endpoint);
    limits_directory_remove (&directory);
}
