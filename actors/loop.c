/* SPDX-License-Identifier: MPL-2.0
 *
 * What the loops of all actors have in common. zmq_poll is used as it is: zpoller reads
 * past its array for raw descriptors and ends at any EINTR, and zloop is made for few
 * timers.
 */
#include "actors/loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/random.h>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "messages/codec.h"

/* Milliseconds until `next`, rounded up; -1 for ever. */
static long
timeout_ms (bf_boot next)
{
    if (next.us == INT64_MAX) {
        return -1;
    }
    int64_t now_us = bf_now_read ().boot.us;
    if (next.us <= now_us) {
        return 0;
    }
    int64_t ms = (next.us - now_us - 1) / BF_MS_US + 1;
    return ms > INT_MAX ? INT_MAX : (long)ms;
}

bool
bf_loop_wait (zmq_pollitem_t *items, int count, bf_boot next)
{
    while (zmq_poll (items, count, timeout_ms (next)) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

zmq_pollitem_t
bf_loop_socket (zsock_t *socket)
{
    return (zmq_pollitem_t){.socket = zsock_resolve (socket), .events = ZMQ_POLLIN};
}

zmq_pollitem_t
bf_loop_fd (int fd)
{
    return (zmq_pollitem_t){.fd = fd, .events = ZMQ_POLLIN};
}

ProtobufCMessage *
bf_loop_unpack (zframe_t **frame_p, const ProtobufCMessageDescriptor *descriptor,
                bf_arena *arena)
{
    ProtobufCAllocator allocator = bf_arena_allocator (arena);
    ProtobufCMessage *message = protobuf_c_message_unpack (
        descriptor, &allocator, zframe_size (*frame_p), zframe_data (*frame_p));
    zframe_destroy (frame_p);
    return message;
}

uint64_t
bf_loop_seed (void)
{
    uint64_t seed = 0;
    if (getrandom (&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        /* Only a kernel without the call, or one that is still booting, comes here. */
        seed = bf_mix ((uint64_t)bf_now_read ().boot.us);
    }
    return seed;
}

void
bf_loop_born (zsock_t *pipe)
{
    bf_actor_say (pipe, "BORN");
}

bool
bf_loop_ended (zsock_t *pipe, char **command)
{
    char *said = bf_actor_command (pipe);
    bool ended = !said || streq (said, "$TERM");
    if (command && !ended) {
        *command = said;
    } else {
        zstr_free (&said);
    }
    return ended;
}

void
bf_loop_fail (zsock_t *pipe, bf_actor_birth *birth, bf_err reason)
{
    bf_fail (&birth->failure, reason, "%s", bf_err_text (reason));
    bf_log (BF_LOG_ERROR, birth->name, "cannot go on", "error=%s text=\"%s\"",
            bf_err_name (reason), bf_err_text (reason));
    bf_actor_say (pipe, "FAILED");
}
