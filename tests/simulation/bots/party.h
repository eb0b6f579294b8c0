/* SPDX-License-Identifier: MPL-2.0
 *
 * What all bots have in common: the world that they live in, the checker that they report
 * to, what they know together, and how far the seed is.
 */
#ifndef BF_SIMULATION_PARTY_H
#define BF_SIMULATION_PARTY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "tests/simulation/bots/notebook.h"
#include "tests/simulation/checker/checker.h"
#include "tests/simulation/world.h"

/* Lengths, for whoever draws one. */
#define MS_US INT64_C (1000)
#define SECOND_US (1000 * MS_US)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

typedef struct {
    world *world;
    checker *checker;
    notebook *notebook;
    bf_arena *arena;   /* for the request that is being made */
    uint64_t commands; /* how many are wanted */
    uint64_t sent;     /* for the first time */
    /* What events are, by seq: all who see one must see the same. */
    uint64_t *events;
    uint64_t event_room;
    /* At the end: nothing is open any more, and nobody will make anything. */
    bool drained;
    /* The newest seq after that, as the scheduler says it; 0 until it does. */
    uint64_t head_seq;
} bot_party;

/* True time. */
int64_t party_now (const bot_party *self);
/* No new work: only what is begun is finished. */
bool party_is_finishing (const bot_party *self);
/* Somebody saw this event, by a frame or by Replay. Breaks promise 6 where somebody else
 * saw another one of the same seq. */
void party_saw (bot_party *self, const Belfry__V1__Event *event);

#endif
