/* SPDX-License-Identifier: MPL-2.0
 *
 * Still alive? Watches every open lease, answers heartbeats, and proposes to the store what
 * has run out. core/leases.h is its core; the judgement "again, or dead" is core/retry.h,
 * made by the store on the row.
 */
#ifndef BF_ACTORS_RETRY_H
#define BF_ACTORS_RETRY_H

#include "actors/actor.h"

typedef struct {
    bf_actor_birth birth;
    uint64_t scheduler;
} bf_retry_args;

void bf_retry_actor (zsock_t *pipe, void *args);

#endif
