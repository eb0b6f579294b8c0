/* SPDX-License-Identifier: MPL-2.0
 *
 * The commands door: a ROUTER. Decodes, validates and normalises through messages/codec,
 * holds every limit that a peer could try, passes the rest on (claims to the dispatcher,
 * heartbeats and failures to retry, everything else to the store), and sends the answers
 * back to where their calls came from.
 */
#ifndef BF_ACTORS_GATEWAY_H
#define BF_ACTORS_GATEWAY_H

#include "actors/actor.h"

typedef struct {
    bf_actor_birth birth;
    uint64_t scheduler;
    /* As in bf_feed_args. */
    const char *const *commands;
    zlist_t *commands_bound;
} bf_gateway_args;

void bf_gateway_actor (zsock_t *pipe, void *args);

#endif
