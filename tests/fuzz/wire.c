/* SPDX-License-Identifier: MPL-2.0
 *
 * See wire.h. What is defined here stands in for the shared library's; a function that the
 * client begins to use and that is not here still goes to the real one, and fails there for
 * want of a real socket.
 */
#include "tests/fuzz/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <zmq.h>

#include "core/base/time.h"

#include "belfry.pb-c.h"

#define ID_BYTES 65
#define QUEUE_FRAMES 64

typedef struct {
    int type;
    bool more; /* frames of the message that is being read */
} socket_t;

/* What a zmq_msg_t holds here. */
typedef struct {
    uint8_t *bytes;
    size_t size;
    bool more;
} message_t;

_Static_assert(sizeof (message_t) <= sizeof (zmq_msg_t), "a message has no room");

/* A message of the script. */
typedef struct {
    fuzz_input body;
    uint8_t control;
} said_t;

static struct {
    belfry *handle;
    fuzz_input script;
    said_t next;
    bool drawn;                 /* next holds a message */
    said_t queue[QUEUE_FRAMES]; /* frames of the feed that came while a reply was due */
    size_t queued;
    int sockets; /* that are open */
    char asked[ID_BYTES];
    bool unanswered;
    int64_t now_us;
} wire;

static int context;

belfry *
wire_open (const uint8_t *bytes, size_t size)
{
    memset (&wire, 0, sizeof wire);
    wire.script = (fuzz_input){bytes, size};
    wire.now_us = BF_DAY_US;
    const belfry_options options = {
        .commands = "inproc://commands",
        .feed = "inproc://feed",
        .monitor = "inproc://monitor",
        .client = "fuzz",
        .timeout_ms = 60000,
        .retries = -1,
    };
    belfry *self = NULL;
    FUZZ_CHECK (belfry_open_in (&self, &context, &options) == BELFRY_OK, "no handle");
    wire.handle = self;
    return self;
}

void
wire_close (belfry **self_p)
{
    belfry_close (self_p);
    FUZZ_CHECK (wire.sockets == 0, "%d sockets are left open", wire.sockets);
}

/* Whether there is something more to say. */
static bool
draw (void)
{
    if (!wire.drawn && wire.script.size > 0) {
        wire.next.control = fuzz_byte (&wire.script);
        wire.next.body = fuzz_part (&wire.script);
        wire.drawn = true;
    }
    return wire.drawn;
}

static bool
next_is (uint8_t control)
{
    return draw () && (wire.next.control & control) != 0;
}

/* --- time --------------------------------------------------------------------------- */

/* The linker sends calls of these here (tests/fuzz/CMakeLists.txt). */
bf_now __wrap_bf_now_read (void);
int __wrap_poll (struct pollfd *fds, nfds_t count, int timeout);
int __real_poll (struct pollfd *fds, nfds_t count, int timeout);

bf_now
__wrap_bf_now_read (void)
{
    return (bf_now){.wall = {wire.now_us}, .boot = {wire.now_us}};
}

static void
pass_ms (long timeout)
{
    wire.now_us += timeout > 0 ? timeout * 1000 : 0;
}

/* A pause. */
int
__wrap_poll (struct pollfd *fds, nfds_t count, int timeout)
{
    int ready = __real_poll (fds, count, 0);
    if (ready == 0) {
        pass_ms (timeout);
    }
    return ready;
}

/* --- sockets ------------------------------------------------------------------------ */

void *
zmq_socket (void *where, int type)
{
    (void)where;
    socket_t *self = calloc (1, sizeof *self);
    FUZZ_CHECK (self != NULL, "no memory");
    self->type = type;
    wire.sockets++;
    return self;
}

int
zmq_close (void *socket)
{
    free (socket);
    wire.sockets--;
    return 0;
}

int
zmq_connect (void *socket, const char *endpoint)
{
    (void)socket;
    (void)endpoint;
    return 0;
}

int
zmq_setsockopt (void *socket, int option, const void *value, size_t size)
{
    (void)socket;
    (void)option;
    (void)value;
    (void)size;
    return 0;
}

int
zmq_getsockopt (void *socket, int option, void *value, size_t *size)
{
    const socket_t *self = socket;
    int more = option == ZMQ_RCVMORE && self->more;
    FUZZ_CHECK (option == ZMQ_RCVMORE && *size == sizeof more, "option %d", option);
    memcpy (value, &more, sizeof more);
    return 0;
}

int
zmq_socket_monitor (void *socket, const char *endpoint, int events)
{
    (void)socket;
    (void)endpoint;
    (void)events;
    return 0;
}

int
zmq_errno (void)
{
    return errno;
}

const char *
zmq_strerror (int number)
{
    return strerror (number);
}

int
zmq_send (void *socket, const void *bytes, size_t size, int flags)
{
    (void)socket;
    (void)flags;
    Belfry__V1__Request *request = belfry__v1__request__unpack (NULL, size, bytes);
    FUZZ_CHECK (request != NULL, "the client sends what is no Request");
    FUZZ_CHECK (request->version == 1 && request->client[0] != '\0' &&
                    request->request_id[0] != '\0' && request->command_case != 0,
                "the client sends half a Request");
    FUZZ_CHECK (strlen (request->request_id) < sizeof wire.asked, "%s",
                request->request_id);
    snprintf (wire.asked, sizeof wire.asked, "%s", request->request_id);
    wire.unanswered = true;
    belfry__v1__request__free_unpacked (request, NULL);
    return (int)size;
}

/* What the feed says goes by while a reply is waited for, as far as a queue has room. */
static void
set_feed_aside (void)
{
    while (next_is (WIRE_FEED)) {
        if (wire.queued < QUEUE_FRAMES) {
            wire.queue[wire.queued++] = wire.next;
        }
        wire.drawn = false;
    }
}

/* Takes the next message for this socket away from the script. */
static said_t
take_said (const socket_t *socket)
{
    said_t said = wire.next;
    if (socket->type == ZMQ_SUB && wire.queued > 0) {
        said = wire.queue[0];
        wire.queued--;
        memmove (wire.queue, wire.queue + 1, wire.queued * sizeof said);
    } else {
        wire.drawn = false;
    }
    return said;
}

/* Whether this socket has something to read now. */
static bool
is_readable (const socket_t *socket)
{
    if (socket->more) {
        return true;
    }
    switch (socket->type) {
    case ZMQ_DEALER:
        if (wire.unanswered) {
            set_feed_aside ();
        }
        return wire.unanswered && draw () && !next_is (WIRE_SILENCE);
    case ZMQ_SUB:
        return wire.queued > 0 || next_is (WIRE_FEED);
    default:
        return next_is (WIRE_NEWS) && !next_is (WIRE_FEED | WIRE_SILENCE);
    }
}

/* Waits for nothing: where nobody has anything to say the peer is gone for good. */
int
zmq_poll (zmq_pollitem_t *items, int count, long timeout)
{
    int ready = 0;
    if (timeout != 0 && next_is (WIRE_STOP)) {
        wire.next.control &= (uint8_t)~WIRE_STOP;
        belfry_stop (wire.handle);
    }
    for (int i = 0; i < count; i++) {
        items[i].revents = 0;
        if (items[i].socket == NULL) {
            struct pollfd fd = {.fd = items[i].fd, .events = POLLIN};
            items[i].revents = __real_poll (&fd, 1, 0) == 1 ? ZMQ_POLLIN : 0;
        } else if ((items[i].events & ZMQ_POLLOUT) != 0) {
            items[i].revents = ZMQ_POLLOUT;
        } else if (is_readable (items[i].socket)) {
            items[i].revents = ZMQ_POLLIN;
        }
        ready += items[i].revents != 0;
    }
    if (ready == 0 && timeout != 0 && next_is (WIRE_SILENCE)) {
        wire.drawn = false;
        pass_ms (timeout);
        return 0;
    }
    if (ready == 0 && timeout != 0) {
        errno = ETERM;
        return -1;
    }
    return ready;
}

/* --- messages ----------------------------------------------------------------------- */

static message_t
load (const zmq_msg_t *frame)
{
    message_t message;
    memcpy (&message, frame, sizeof message);
    return message;
}

static void
store (zmq_msg_t *frame, message_t message)
{
    memcpy (frame, &message, sizeof message);
}

int
zmq_msg_init (zmq_msg_t *frame)
{
    store (frame, (message_t){0});
    return 0;
}

int
zmq_msg_close (zmq_msg_t *frame)
{
    free (load (frame).bytes);
    store (frame, (message_t){0});
    return 0;
}

void *
zmq_msg_data (zmq_msg_t *frame)
{
    return load (frame).bytes;
}

size_t
zmq_msg_size (const zmq_msg_t *frame)
{
    return load (frame).size;
}

int
zmq_msg_more (const zmq_msg_t *frame)
{
    return load (frame).more;
}

static void
fill (zmq_msg_t *frame, const void *bytes, size_t size, bool more)
{
    zmq_msg_close (frame);
    uint8_t *copy = malloc (size > 0 ? size : 1);
    FUZZ_CHECK (copy != NULL, "no memory");
    if (size > 0) {
        memcpy (copy, bytes, size);
    }
    store (frame, (message_t){copy, size, more});
}

/* A later field wins: request_id behind the bytes of the script. */
static void
answer (zmq_msg_t *frame, said_t said)
{
    size_t id = (said.control & WIRE_NAMED) != 0 ? strlen (wire.asked) : 0;
    size_t size = said.body.size + (id > 0 ? id + 2 : 0);
    uint8_t *bytes = (uint8_t *)fuzz_text (said.body.at, said.body.size);
    bytes = realloc (bytes, size + 1);
    FUZZ_CHECK (bytes != NULL, "no memory");
    if (id > 0) {
        bytes[said.body.size] = 1 << 3 | 2;
        bytes[said.body.size + 1] = (uint8_t)id;
        memcpy (bytes + said.body.size + 2, wire.asked, id);
    }
    fill (frame, bytes, size, false);
    free (bytes);
    wire.unanswered = id == 0;
}

int
zmq_msg_recv (zmq_msg_t *frame, void *socket, int flags)
{
    (void)flags;
    socket_t *self = socket;
    if (!is_readable (self)) {
        errno = EAGAIN;
        return -1;
    }
    bool envelope = self->type == ZMQ_DEALER && next_is (WIRE_ENVELOPE);
    if (envelope && !self->more) {
        fill (frame, "", 0, true);
        self->more = true;
        return 0;
    }
    said_t said = take_said (self);
    self->more = false;
    if (self->type == ZMQ_DEALER) {
        answer (frame, said);
    } else {
        fill (frame, said.body.at, said.body.size, false);
    }
    return (int)zmq_msg_size (frame);
}

/* The feed's topic. */
int
zmq_recv (void *socket, void *buffer, size_t room, int flags)
{
    (void)flags;
    static const char beat[] = "heartbeat ";
    static const char event[] = "run.fired mail ";
    socket_t *self = socket;
    if (self->more || !is_readable (self)) {
        errno = EAGAIN;
        return -1;
    }
    uint8_t control = wire.queued > 0 ? wire.queue[0].control : wire.next.control;
    const char *topic = (control & WIRE_BEAT) != 0 ? beat : event;
    size_t size = strlen (topic);
    memcpy (buffer, topic, size < room ? size : room);
    self->more = (control & WIRE_SHORT) == 0;
    if (!self->more) {
        take_said (self);
    }
    return (int)size;
}
