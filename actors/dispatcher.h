/* SPDX-License-Identifier: MPL-2.0
 *
 * Who gets it? Holds the parked claims and the first ready runs of each queue, matches
 * them, and proposes to the store. core/dispatch.h is its core.
 */
#ifndef BF_ACTORS_DISPATCHER_H
#define BF_ACTORS_DISPATCHER_H

#include "actors/actor.h"

typedef struct {
    bf_actor_birth birth;
    uint64_t scheduler;
} bf_dispatcher_args;

void bf_dispatcher_actor (zsock_t *pipe, void *args);

#endif
