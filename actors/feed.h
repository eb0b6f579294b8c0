/* SPDX-License-Identifier: MPL-2.0
 *
 * The PUB doors: the feed for bots (NOTIFY payloads included) and the monitor for observers
 * (never a payload). Publishes what the store has committed, and a heartbeat with the head
 * every second.
 */
#ifndef BF_ACTORS_FEED_H
#define BF_ACTORS_FEED_H

#include "actors/actor.h"

typedef struct {
    bf_actor_birth birth;
    uint64_t scheduler;
    /* Endpoints to bind, and (out) what they became, ports resolved. Each list ends with
     * NULL; the results are the caller's to free with zlist_destroy. */
    const char *const *feed;
    const char *const *monitor;
    zlist_t *feed_bound;
    zlist_t *monitor_bound;
} bf_feed_args;

void bf_feed_actor (zsock_t *pipe, void *args);

#endif
