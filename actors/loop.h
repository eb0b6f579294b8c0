/* SPDX-License-Identifier: MPL-2.0
 *
 * What the loops of all actors have in common: waiting without losing a wake-up, reading a
 * message into an arena, and giving up. No actor's own business is in here.
 */
#ifndef BF_ACTORS_LOOP_H
#define BF_ACTORS_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <czmq.h>
#include <protobuf-c/protobuf-c.h>

#include "actors/actor.h"
#include "core/base/arena.h"
#include "core/base/errors.h"
#include "core/base/time.h"

/* Messages that an actor takes from one peer before it looks at the others again. */
#define BF_LOOP_MESSAGES 256

/* For the arenas of the actors: what they say to each other is bounded by their batches, so
 * this only stops a mistake from taking the whole machine. */
#define BF_LOOP_ARENA_BYTES ((size_t)1024 * 1024 * 1024)

/* Where a batch that is being collected is sent, full or not. */
#define BF_LOOP_FLUSH_BYTES ((size_t)4 * 1024 * 1024)

/* zmq_poll until something is readable or `next` has come (INT64_MAX: for ever).
 * Milliseconds are all that zmq_poll knows: rounded up, so that it never returns just
 * before `next`, and clamped, so that a far `next` only returns early. False where zeromq
 * has ended. */
bool bf_loop_wait (zmq_pollitem_t *items, int count, bf_boot next);

/* The item for a socket, and the one for a descriptor. */
zmq_pollitem_t bf_loop_socket (zsock_t *socket);
zmq_pollitem_t bf_loop_fd (int fd);

/* Unpacks into the arena; destroys the frame. NULL without memory, or where the bytes are
 * none of ours. */
ProtobufCMessage *bf_loop_unpack (zframe_t **frame_p,
                                  const ProtobufCMessageDescriptor *descriptor,
                                  bf_arena *arena);

/* A number that no peer can guess: the seed of a hash map. */
uint64_t bf_loop_seed (void);

/* Birth: says to the parent that the start is over, whatever its result. */
void bf_loop_born (zsock_t *pipe);

/* Takes one command off the pipe. True for $TERM, or where nobody is left to send one;
 * *command (may be NULL) is otherwise the command, the caller's to free. */
bool bf_loop_ended (zsock_t *pipe, char **command);

/* An actor that cannot go on: logs why, leaves it in `birth` for the parent to read when
 * the thread has ended, and says "FAILED"; then the actor returns. */
void bf_loop_fail (zsock_t *pipe, bf_actor_birth *birth, bf_err reason);

#endif
