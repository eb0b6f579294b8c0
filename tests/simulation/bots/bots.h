/* SPDX-License-Identifier: MPL-2.0
 *
 * Everybody who uses the scheduler: producers that make jobs and change their minds,
 * workers that claim, beat and settle (or hold leases too long, answer with stale tokens,
 * die), monitors that subscribe. They know what a client can know, speak the public wire
 * and nothing else, and keep ledgers of what they were told, which the checker reads.
 */
#ifndef BF_SIMULATION_BOTS_H
#define BF_SIMULATION_BOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/simulation/checker/checker.h"
#include "tests/simulation/world.h"

typedef struct bots bots;

/* Their numbers, for world_wake and as peers: 0 .. BOTS_ACTORS - 1. Each has one peer. */
#define BOTS_PRODUCERS 6
#define BOTS_WORKERS 4
#define BOTS_SUBSCRIBERS 4
#define BOTS_ACTORS (BOTS_PRODUCERS + BOTS_WORKERS + BOTS_SUBSCRIBERS + 1)

/* `commands`: how many they send (first sendings) before they only finish what they have.
 */
bots *bots_new (world *world, checker *checker, uint64_t commands);
void bots_destroy (bots **self_p);

/* The world calls these. */
void bots_begin (bots *self);
void bots_wake (bots *self, unsigned who);
void bots_reply (bots *self, sim_peer peer, const uint8_t *bytes, size_t size);
/* A frame of the feed (or of the monitor) that reached subscriber `who` (0, 1, …
 * BOTS_SUBSCRIBERS - 1; odd ones sit at the monitor). */
void bots_frame (bots *self, unsigned who, const char *topic, const uint8_t *event,
                 size_t size);

/* All calls answered, all leases settled, all subscribers at the head: with a healed world
 * this must come true. NULL, or what is still missing, in words. */
const char *bots_unfinished (bots *self);

#endif
