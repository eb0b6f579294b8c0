/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_envelope_read on a real ROUTER: any frames that a DEALER sends are read to the last,
 * what is kept of them is what was sent, and no more than is allowed. Then the way back is
 * tried: a reply along the path reaches the sender.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "actors/envelope.h"

#define FRAMES_MOST 40

static zsock_t *router;
static zsock_t *dealer;

static void
close_sockets (void)
{
    zsock_destroy (&router);
    zsock_destroy (&dealer);
}

static void
open_sockets (void)
{
    zsys_init ();
    zsys_handler_set (NULL);
    atexit (close_sockets);
    router = zsock_new (ZMQ_ROUTER);
    dealer = zsock_new (ZMQ_DEALER);
    FUZZ_CHECK (router != NULL && dealer != NULL, "no sockets");
    FUZZ_CHECK (zsock_bind (router, "inproc://fuzz-envelope") == 0 &&
                    zsock_connect (dealer, "inproc://fuzz-envelope") == 0,
                "they do not meet");
}

/* The reply as the gateway sends it. */
static void
send_back (const bf_path *path)
{
    void *socket = zsock_resolve (router);
    const uint8_t *at = path->bytes;
    for (size_t i = 0; i < path->count; i++) {
        FUZZ_CHECK (zmq_send (socket, at, path->sizes[i], ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0,
                    "the way back ends at frame %zu", i);
        at += path->sizes[i];
    }
    FUZZ_CHECK (zmq_send (socket, "pong", 4, ZMQ_DONTWAIT) == 4, "no way back");
}

/* Frames come back as they were kept; the last one is the reply. */
static void
receive_back (const bf_path *path)
{
    void *socket = zsock_resolve (dealer);
    uint8_t frame[BF_PATH_FRAME_BYTES];
    const uint8_t *at = path->bytes + path->sizes[0];
    for (size_t i = 1; i < path->count; i++) {
        int size = zmq_recv (socket, frame, sizeof frame, ZMQ_DONTWAIT);
        FUZZ_CHECK (size == path->sizes[i] && memcmp (frame, at, (size_t)size) == 0,
                    "frame %zu came back as another", i);
        at += path->sizes[i];
    }
    int size = zmq_recv (socket, frame, sizeof frame, ZMQ_DONTWAIT);
    FUZZ_CHECK (size == 4 && memcmp (frame, "pong", 4) == 0, "the reply is not there");
}

static void
check_envelope (const bf_envelope *envelope, const fuzz_input *frames, size_t count)
{
    bool broken = count > BF_PATH_FRAMES; /* the routing id and all but the last */
    for (size_t i = 0; i + 1 < count; i++) {
        broken |= frames[i].size > BF_PATH_FRAME_BYTES;
    }
    FUZZ_CHECK (envelope->broken == broken, "%zu frames", count);
    FUZZ_CHECK (envelope->path.count >= 1 && envelope->path.count <= BF_PATH_FRAMES,
                "%zu frames of a path", envelope->path.count);
    const uint8_t *at = envelope->path.bytes + envelope->path.sizes[0];
    for (size_t i = 1; i < envelope->path.count; i++) {
        FUZZ_CHECK (envelope->path.sizes[i] == frames[i - 1].size &&
                        (frames[i - 1].size == 0 ||
                         memcmp (at, frames[i - 1].at, frames[i - 1].size) == 0),
                    "frame %zu of the path is not what was sent", i);
        at += envelope->path.sizes[i];
    }
    FUZZ_CHECK (at <= envelope->storage + sizeof envelope->storage, "beyond its room");
    if (!broken) {
        zmq_msg_t *body = (zmq_msg_t *)&envelope->body;
        const fuzz_input *sent = &frames[count - 1];
        FUZZ_CHECK (envelope->path.count == count, "frames are lost");
        FUZZ_CHECK (zmq_msg_size (body) == sent->size &&
                        (sent->size == 0 ||
                         memcmp (zmq_msg_data (body), sent->at, sent->size) == 0),
                    "the body is not what was sent");
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    if (router == NULL) {
        open_sockets ();
    }
    fuzz_input input = {bytes, size};
    fuzz_input frames[FRAMES_MOST];
    size_t count = 0;
    do {
        frames[count++] = fuzz_part (&input);
    } while (input.size > 0 && count < FRAMES_MOST);
    for (size_t i = 0; i < count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        FUZZ_CHECK (zmq_send (zsock_resolve (dealer), frames[i].at, frames[i].size,
                              flags) == (int)frames[i].size,
                    "frame %zu is not taken", i);
    }
    bf_envelope envelope;
    FUZZ_CHECK (bf_envelope_read (&envelope, router), "nothing came");
    check_envelope (&envelope, frames, count);
    send_back (&envelope.path);
    receive_back (&envelope.path);
    bf_envelope_clear (&envelope);
    FUZZ_CHECK (!bf_envelope_read (&envelope, router), "something is left");
    return 0;
}
