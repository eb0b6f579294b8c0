/* SPDX-License-Identifier: MPL-2.0
 *
 * For tests of one actor: the test plays the others. It binds their inboxes, reads what the
 * actor under test sends there, item by item however it was batched, and talks to the
 * actor's own inbox. Real sockets, real thread. What does not come in time fails the test.
 */
#ifndef BF_TESTS_NEIGHBOUR_H
#define BF_TESTS_NEIGHBOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/actor.h"
#include "actors/wiring.h"

#include "internal.pb-c.h"

/* A scheduler's number that no other test in this process has. */
uint64_t neighbour_scheduler (void);

typedef struct neighbour neighbour;

neighbour *neighbour_new (uint64_t scheduler, bf_inbox inbox);
void neighbour_free (neighbour *self);

/* The next item that came to this inbox (a Belfry__Internal__…Item). Valid until the next
 * call. Never NULL: none within 5 s fails the test. */
void *neighbour_item (neighbour *self);

/* Whether there is nothing to read. Says something only after the test has seen that the
 * actor got past the point where it would have sent it. */
bool neighbour_is_silent (neighbour *self);

/* Its inbox, to be polled. Borrowed. */
zsock_t *neighbour_socket (neighbour *self);

/* How many messages came, each with one or more items. */
size_t neighbour_messages (const neighbour *self);

/* Starts an actor; what goes wrong fails the test. */
bf_actor *neighbour_start (zactor_fn *function, bf_actor_birth *birth);

/* The thread of that name, as a number for /proc/self/task. */
int neighbour_thread (const char *name);

/* What this thread did so far: how often it went to sleep, and its time on a processor. */
typedef struct {
    long sleeps;
    long busy_ms;
} neighbour_effort;

neighbour_effort neighbour_effort_of (int thread);

/* Fails the test unless it slept through nearly all of the time since then. */
void neighbour_check_idle (int thread, neighbour_effort since);

/* Waits for what the actor says on its pipe, up to 5 s, and checks it. */
void neighbour_hears (bf_actor *actor, const char *said);

#endif
