/* SPDX-License-Identifier: MPL-2.0
 *
 * A daemon made of a ROUTER and a PUB that does only what a test tells it to: takes calls
 * when it is asked to, answers them in any order, late, twice, or never. For tests of
 * clients; the test's own thread drives it, the client under test runs on another.
 */
#ifndef BF_TESTS_FAKE_H
#define BF_TESTS_FAKE_H

#include <stddef.h>
#include <stdint.h>

#include "belfry.pb-c.h"

typedef struct {
    void *context; /* plain libzmq, its own */
    void *router;
    void *feed;
    char commands[256]; /* endpoints that clients can connect to */
    char events[256];
} fake;

/* A call as it arrived, with its way back. */
typedef struct {
    Belfry__V1__Request *request;
    size_t frames;
    size_t sizes[4];
    uint8_t path[4][256];
} fake_call;

/* On ports that the kernel chooses. */
fake *fake_new (void);
void fake_destroy (fake **self_p);

/* Closes the commands door, and opens it again at the same place: what a restart looks
 * like. */
void fake_restart (fake *self);

/* The next call. One that does not come fails the test. */
fake_call *fake_take (fake *self);
/* The next call, or NULL after wait_ms. */
fake_call *fake_poll (fake *self, int wait_ms);
void fake_call_free (fake_call **call_p);

/* Sends a reply back on the call's way; request_id is filled in where it is not set. May be
 * done several times. */
void fake_answer (fake *self, const fake_call *call, Belfry__V1__Reply *reply);
/* The same with nothing but a code. */
void fake_answer_code (fake *self, const fake_call *call, Belfry__V1__Code code);

/* Publishes; the topic is made from kind and type. */
void fake_publish (fake *self, Belfry__V1__Event *event);
void fake_beat (fake *self, uint64_t stream_epoch, uint64_t head_seq);

#endif
