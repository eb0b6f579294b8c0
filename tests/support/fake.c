/* SPDX-License-Identifier: MPL-2.0
 *
 * See fake.h.
 */
#include "tests/support/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "tests/support/cmocka.h"

/* Far more than a call needs, for a sanitizer on a busy machine. */
enum { DEADLINE_MS = 20000 };

static void *
door (fake *self, int type, const char *endpoint, char resolved[256])
{
    int linger = 0;
    void *socket = zmq_socket (self->context, type);
    assert_non_null (socket);
    zmq_setsockopt (socket, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal (zmq_bind (socket, endpoint), 0);
    size_t size = 256;
    assert_int_equal (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, resolved, &size), 0);
    return socket;
}

fake *
fake_new (void)
{
    fake *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->context = zmq_ctx_new ();
    self->router = door (self, ZMQ_ROUTER, "tcp://127.0.0.1:*", self->commands);
    self->feed = door (self, ZMQ_PUB, "tcp://127.0.0.1:*", self->events);
    return self;
}

void
fake_destroy (fake **self_p)
{
    fake *self = *self_p;
    *self_p = NULL;
    zmq_close (self->router);
    zmq_close (self->feed);
    zmq_ctx_term (self->context);
    free (self);
}

void
fake_restart (fake *self)
{
    char resolved[256];

    zmq_close (self->router);
    /* The port is free a moment after the close, which libzmq does behind our back. */
    int linger = 0;
    self->router = zmq_socket (self->context, ZMQ_ROUTER);
    zmq_setsockopt (self->router, ZMQ_LINGER, &linger, sizeof linger);
    int tries = 0;
    while (zmq_bind (self->router, self->commands) != 0) {
        assert_int_equal (zmq_errno (), EADDRINUSE);
        assert_true (tries++ < DEADLINE_MS);
        zmq_poll (NULL, 0, 1);
    }
    size_t size = sizeof resolved;
    zmq_getsockopt (self->router, ZMQ_LAST_ENDPOINT, resolved, &size);
    assert_string_equal (resolved, self->commands);
}

static fake_call *
read_call (fake *self)
{
    fake_call *call = calloc (1, sizeof *call);
    assert_non_null (call);
    for (int more = 1; more;) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        assert_true (zmq_msg_recv (&frame, self->router, 0) >= 0);
        more = zmq_msg_more (&frame);
        size_t size = zmq_msg_size (&frame);
        if (more) {
            assert_true (call->frames < 4 && size <= 256);
            memcpy (call->path[call->frames], zmq_msg_data (&frame), size);
            call->sizes[call->frames++] = size;
        } else {
            call->request = belfry__v1__request__unpack (NULL, size, zmq_msg_data (&frame));
            assert_non_null (call->request);
        }
        zmq_msg_close (&frame);
    }
    return call;
}

fake_call *
fake_poll (fake *self, int wait_ms)
{
    zmq_pollitem_t item = {.socket = self->router, .events = ZMQ_POLLIN};
    return zmq_poll (&item, 1, wait_ms) > 0 ? read_call (self) : NULL;
}

fake_call *
fake_take (fake *self)
{
    fake_call *call = fake_poll (self, DEADLINE_MS);
    assert_non_null (call);
    return call;
}

void
fake_call_free (fake_call **call_p)
{
    if (*call_p != NULL) {
        belfry__v1__request__free_unpacked ((*call_p)->request, NULL);
        free (*call_p);
        *call_p = NULL;
    }
}

void
fake_answer (fake *self, const fake_call *call, Belfry__V1__Reply *reply)
{
    if (reply->request_id == NULL || reply->request_id[0] == '\0') {
        reply->request_id = call->request->request_id;
    }
    uint8_t *bytes = malloc (belfry__v1__reply__get_packed_size (reply));
    size_t size = belfry__v1__reply__pack (reply, bytes);
    for (size_t index = 0; index < call->frames; index++) {
        zmq_send (self->router, call->path[index], call->sizes[index], ZMQ_SNDMORE);
    }
    zmq_send (self->router, bytes, size, 0);
    free (bytes);
}

void
fake_answer_code (fake *self, const fake_call *call, Belfry__V1__Code code)
{
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = code;
    fake_answer (self, call, &reply);
}

static void
publish (fake *self, const char *topic, const ProtobufCMessage *message)
{
    uint8_t *bytes = malloc (protobuf_c_message_get_packed_size (message) + 1);
    size_t size = protobuf_c_message_pack (message, bytes);
    zmq_send (self->feed, topic, strlen (topic), ZMQ_SNDMORE);
    zmq_send (self->feed, bytes, size, 0);
    free (bytes);
}

void
fake_publish (fake *self, Belfry__V1__Event *event)
{
    char topic[256];
    snprintf (topic, sizeof topic, event->type[0] != '\0' ? "%s %s " : "%s ", event->kind,
              event->type);
    publish (self, topic, &event->base);
}

void
fake_beat (fake *self, uint64_t stream_epoch, uint64_t head_seq)
{
    Belfry__V1__FeedHeartbeat beat = BELFRY__V1__FEED_HEARTBEAT__INIT;
    beat.stream_epoch = stream_epoch;
    beat.head_seq = head_seq;
    publish (self, "heartbeat ", &beat.base);
}
