/* SPDX-License-Identifier: MPL-2.0
 *
 * The only source of chance in a simulation: everything that is random is drawn from the
 * seed, so that the seed replays it. Each part has a stream of its own, so that a draw more
 * in one does not move all the others.
 */
#ifndef BF_SIMULATION_RANDOM_H
#define BF_SIMULATION_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} sim_random;

/* stream: any number that says which part draws. */
sim_random sim_random_new (uint64_t seed, uint64_t stream);

uint64_t sim_draw (sim_random *self);
/* 0..below - 1; below at least 1. */
uint64_t sim_below (sim_random *self, uint64_t below);
/* From least to most, both included. */
int64_t sim_between (sim_random *self, int64_t least, int64_t most);
/* The same, small ones as likely as large ones: for times. least at least 1. */
int64_t sim_scaled (sim_random *self, int64_t least, int64_t most);
bool sim_chance (sim_random *self, unsigned permille);
/* Which of weights[0 .. count); their sum is at least 1. */
size_t sim_pick (sim_random *self, const unsigned *weights, size_t count);

#endif
