/* SPDX-License-Identifier: MPL-2.0
 *
 * Threads with pipes. The pipe is a pair of PAIR sockets over inproc, made here rather than
 * by zsys_create_pipe, which asserts when descriptors run out and names its endpoints with
 * random(). The thread is joined, so that after bf_actor_stop nothing of it is left: no
 * socket half closed, no args still read, nothing for a leak checker or a fork to find.
 */
/* pthread_setname_np; initstate, setstate. */
#define _GNU_SOURCE

#include "actors/actor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Sockets in the process's context, at 20 to 30 for each scheduler in it; libzmq's default
 * is 1023. Takes effect only if the context has made none yet. */
#define SOCKETS_MAX 4096

#define THREAD_NAME_BYTES 16 /* with its NUL; the kernel's limit */

/* What random() runs on while libzmq or czmq may draw from it. */
#define RANDOM_STATE_BYTES 8

struct bf_actor {
    pthread_t thread;
    zactor_fn *function;
    bf_actor_birth *birth;
    zsock_t *pipe;    /* ours */
    zsock_t *backend; /* the thread's, who closes it */
};

static pthread_mutex_t random_mutex = PTHREAD_MUTEX_INITIALIZER;
static char random_aside[RANDOM_STATE_BYTES];

/* Sets the host's random() sequence aside. rand() shares it in glibc, and libzmq calls that
 * for every ROUTER. Another thread that draws meanwhile gets a number of the wrong
 * sequence: as good as the interface allows. */
static char *
random_hide (void)
{
    pthread_mutex_lock (&random_mutex);
    return initstate (1, random_aside, sizeof random_aside);
}

static void
random_restore (char *state)
{
    setstate (state);
    pthread_mutex_unlock (&random_mutex);
}

bf_err
bf_actor_prepare (bf_error *error)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static bool prepared;
    pthread_mutex_lock (&mutex);
    if (!prepared) {
        /* zsys_handler_set (NULL) keeps czmq from taking SIGINT and SIGTERM; where the host
         * had czmq take them already it would put the default back, so put back what was
         * there. */
        struct sigaction interrupt;
        struct sigaction terminate;
        sigaction (SIGINT, NULL, &interrupt);
        sigaction (SIGTERM, NULL, &terminate);
        zsys_handler_set (NULL);
        char *state = random_hide ();
        void *context = zsys_init ();
        random_restore (state);
        sigaction (SIGINT, &interrupt, NULL);
        sigaction (SIGTERM, &terminate, NULL);
        if (context) {
            zsys_set_logstream (stderr);
            /* Not zsys_set_max_sockets: it asserts where the host has a socket open. */
            if (zmq_ctx_get (context, ZMQ_MAX_SOCKETS) < SOCKETS_MAX) {
                zmq_ctx_set (context, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
            }
            prepared = true;
        }
    }
    bool done = prepared;
    pthread_mutex_unlock (&mutex);
    return done ? BF_OK : bf_fail (error, BF_ENOMEM, "there is no zeromq context");
}

bf_err
bf_actor_option (zsock_t *socket, int option, int value)
{
    int rc = zmq_setsockopt (zsock_resolve (socket), option, &value, sizeof value);
    return rc == 0 ? BF_OK : BF_EINTERNAL;
}

/* zsock_new asserts where zmq_socket fails, so first see whether there are descriptors: one
 * for the socket, one for a thread that makes another at this moment. */
static bool
descriptors_left (void)
{
    int one = eventfd (0, EFD_CLOEXEC);
    int two = eventfd (0, EFD_CLOEXEC);
    int reason = errno;
    bool left = one != -1 && two != -1;
    if (one != -1) {
        close (one);
    }
    if (two != -1) {
        close (two);
    }
    errno = reason;
    return left;
}

zsock_t *
bf_actor_socket (int type)
{
    if (!descriptors_left ()) {
        return NULL;
    }
    char *state = random_hide ();
    zsock_t *socket = zsock_new (type);
    random_restore (state);
    if (socket && (bf_actor_option (socket, ZMQ_SNDHWM, 0) != BF_OK ||
                   bf_actor_option (socket, ZMQ_RCVHWM, 0) != BF_OK ||
                   bf_actor_option (socket, ZMQ_LINGER, 0) != BF_OK ||
                   bf_actor_option (socket, ZMQ_IPV6, 0) != BF_OK)) {
        zsock_destroy (&socket);
    }
    return socket;
}

/* Both ends, or neither. */
static bool
pipe_open (bf_actor *self)
{
    static atomic_ullong number;
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "inproc://belfry-pipe-%llu",
              atomic_fetch_add (&number, 1) + 1);
    self->pipe = bf_actor_socket (ZMQ_PAIR);
    self->backend = bf_actor_socket (ZMQ_PAIR);
    if (self->pipe && self->backend && zsock_bind (self->pipe, "%s", endpoint) == 0 &&
        zsock_connect (self->backend, "%s", endpoint) == 0) {
        return true;
    }
    zsock_destroy (&self->pipe);
    zsock_destroy (&self->backend);
    return false;
}

void
bf_actor_name (const char *name)
{
    char cut[THREAD_NAME_BYTES];
    snprintf (cut, sizeof cut, "%s", name);
    pthread_setname_np (pthread_self (), cut);
}

static void *
run (void *argument)
{
    bf_actor *self = argument;
    bf_actor_name (self->birth->name);
    zsock_t *pipe = self->backend;
    self->function (pipe, self->birth);
    bf_actor_say (pipe, "ENDED");
    zsock_destroy (&pipe);
    return NULL;
}

/* The new thread inherits the mask. A signal that it took would interrupt its poll, and
 * which thread of a process takes a signal is the kernel's choice. */
static int
thread_start (bf_actor *self)
{
    sigset_t all;
    sigset_t before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    int rc = pthread_create (&self->thread, NULL, run, self);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return rc;
}

/* Waits for its birth signal, or whatever it says first. */
static void
birth_wait (bf_actor *self)
{
    char *said = bf_actor_command (self->pipe);
    free (said);
}

bf_err
bf_actor_start (bf_actor **self_p, zactor_fn *function, bf_actor_birth *birth,
                bf_error *error)
{
    bf_err rc = bf_actor_prepare (error);
    if (rc != BF_OK) {
        return rc;
    }
    bf_actor *self = calloc (1, sizeof *self);
    if (!self) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    self->function = function;
    self->birth = birth;
    if (!pipe_open (self)) {
        free (self);
        return bf_fail (error, BF_ELIMIT,
                        "no socket for the thread %s: %s; raise the limit of open files "
                        "(ulimit -n)",
                        birth->name, zmq_strerror (zmq_errno ()));
    }
    int failed = thread_start (self);
    if (failed) {
        zsock_destroy (&self->backend);
        zsock_destroy (&self->pipe);
        free (self);
        return bf_fail (error, BF_ELIMIT,
                        "the system gives no thread for %s: %s; raise the limit of "
                        "processes (ulimit -u, TasksMax)",
                        birth->name, strerror (failed));
    }
    birth_wait (self);
    if (birth->error.code != BF_OK) {
        rc = birth->error.code;
        bf_actor_stop (&self);
        return bf_fail (error, rc, "%s", birth->error.text);
    }
    *self_p = self;
    return BF_OK;
}

void
bf_actor_stop (bf_actor **self_p)
{
    bf_actor *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    bf_actor_say (self->pipe, "$TERM");
    /* A join is not ended by a signal, as zactor_destroy's wait is. */
    pthread_join (self->thread, NULL);
    zsock_destroy (&self->pipe);
    free (self);
}

zsock_t *
bf_actor_pipe (bf_actor *self)
{
    return self->pipe;
}

/* Who reads what was said on a pipe also sees what its sender wrote before it (the birth in
 * its args). libzmq sees to that by atomics of its own, which the thread sanitizer cannot
 * know of; this pair tells it. */
static atomic_uint spoken;

bool
bf_actor_say (zsock_t *pipe, const char *command)
{
    atomic_fetch_add_explicit (&spoken, 1, memory_order_release);
    /* Without a high-water mark DONTWAIT only fails where the other end is closed. */
    int rc;
    do {
        rc = zmq_send (zsock_resolve (pipe), command, strlen (command), ZMQ_DONTWAIT);
    } while (rc == -1 && zmq_errno () == EINTR);
    return rc != -1;
}

char *
bf_actor_command (zsock_t *pipe)
{
    /* Signals are blocked in actors, but a debugger still interrupts, and the host's
     * threads have theirs open. */
    char *command;
    do {
        command = zstr_recv (pipe);
    } while (!command && zmq_errno () == EINTR);
    (void)atomic_load_explicit (&spoken, memory_order_acquire);
    return command;
}
