/* SPDX-License-Identifier: MPL-2.0
 *
 * What is true? The only owner of the ledger: drains its inbox, one transaction per batch,
 * one commit with fsync, and only then lets out replies, events, timers and leases. It
 * moves bytes and commits; every decision is persist/ledger.h's.
 */
#ifndef BF_ACTORS_STORE_H
#define BF_ACTORS_STORE_H

#include <stdint.h>

#include "actors/actor.h"

typedef struct {
    bf_actor_birth birth;
    uint64_t scheduler;
    const char *directory;
    /* As in belfry_scheduler.h. */
    int64_t keep_finals_us;
    uint64_t keep_final_jobs;
    int64_t keep_events_us;
    uint64_t keep_event_rows;
    const char *zoneinfo;
} bf_store_args;

void bf_store_actor (zsock_t *pipe, void *args);

#endif
