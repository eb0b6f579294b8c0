/* SPDX-License-Identifier: MPL-2.0
 *
 * Start and stop of a thread with a pipe, in the shape of czmq's zactor (a zactor_fn, a
 * birth signal, $TERM), but not by zactor_new, which waits for ever where the system allows
 * no further thread, draws from the host's random(), and lets go of its thread before that
 * has ended. Here signals are blocked in the new thread, the thread has a name, the pipe
 * has no high-water mark, the result of the start comes back, and a stop is a join.
 */
#ifndef BF_ACTORS_ACTOR_H
#define BF_ACTORS_ACTOR_H

#include <stdbool.h>

#include <czmq.h>

#include "core/base/errors.h"

typedef struct bf_actor bf_actor;

/* What every actor's args struct begins with. The actor fills `error` before it signals its
 * birth; it must outlive the actor. */
typedef struct {
    const char *name; /* of the thread and in the log, up to 15 bytes */
    bf_error error;   /* code BF_OK where the start succeeded; not touched after it */
    bf_error failure; /* why it said FAILED later; to be read when it has been stopped */
} bf_actor_birth;

/* Prepares the process's zeromq context for actors: no signal handlers, no stdout, the
 * host's random() untouched, room for sockets. Idempotent, any thread. bf_actor_start does
 * it too. */
bf_err bf_actor_prepare (bf_error *error);

/* A socket without high-water marks, linger 0, whatever the environment or the host has
 * made czmq's defaults; every socket of the actors is made by it. The host's random() stays
 * untouched (libzmq draws from it for a ROUTER). NULL where there is no room for one.
 * Destroy with zsock_destroy. */
zsock_t *bf_actor_socket (int type);

/* zmq_setsockopt with a number. BF_EINTERNAL where libzmq refuses it: czmq's own setters
 * abort, or do nothing where Debian built them without drafts. */
bf_err bf_actor_option (zsock_t *socket, int option, int value);

/* Runs `function` with `birth` (the first member of its args) on a thread of its own, and
 * waits for its birth: the first that it says on its pipe, or its return. On error the
 * thread has ended and *self_p is untouched. BF_ELIMIT: no thread or socket to be had. */
bf_err bf_actor_start (bf_actor **self_p, zactor_fn *function, bf_actor_birth *birth,
                       bf_error *error);

/* Sends $TERM and waits until the thread has ended, whatever signals come. Accepts NULL. */
void bf_actor_stop (bf_actor **self_p);

/* The parent's end of the pipe: control only ("DRAIN", "RELOAD"), and "FAILED" from an
 * actor that cannot go on. An actor that ends by itself also says something here: anything
 * that is not an answer to the parent's command means that it is gone. */
zsock_t *bf_actor_pipe (bf_actor *self);

/* Names the calling thread; bf_actor_start has done it for actors. */
void bf_actor_name (const char *name);

/* What a message on the pipe says (either end; waits for one), or NULL where the context is
 * going down (treat it as $TERM). Caller frees. */
char *bf_actor_command (zsock_t *pipe);

/* Sends a command or its answer; false where the other end is gone. Never waits. */
bool bf_actor_say (zsock_t *pipe, const char *command);

#endif
