/* SPDX-License-Identifier: MPL-2.0
 *
 * What one seed is to be: read from the command line by simulate.c.
 */
#ifndef BF_SIMULATION_SIMULATE_H
#define BF_SIMULATION_SIMULATE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t commands; /* of a seed, at least */
    uint64_t crashes;  /* the same */
    bool trace;        /* print every step */
} simulation;

/* What a seed came to, for the sum at the end. */
typedef struct {
    uint64_t seeds;
    uint64_t commands;
    uint64_t crashes;
    uint64_t steps;
    uint64_t looks; /* at all tables */
    int64_t true_us;
} simulation_sum;

/* Lives one seed to its end. What breaks a promise ends the process. */
void world_live (const simulation *plan, uint64_t seed, simulation_sum *sum);

#endif
