/* SPDX-License-Identifier: MPL-2.0
 *
 * When? Sleeps in timerfds until a timer is due, tells the dispatcher, and notices when the
 * wall clock is set. core/timers.h is its core.
 */
#ifndef BF_ACTORS_CLOCK_H
#define BF_ACTORS_CLOCK_H

#include "actors/actor.h"

typedef struct {
    bf_actor_birth birth;
    uint64_t scheduler;
    const char *zoneinfo; /* as in belfry_scheduler.h */
} bf_clock_args;

void bf_clock_actor (zsock_t *pipe, void *args);

#endif
