/* SPDX-License-Identifier: MPL-2.0
 *
 * One seed's world: the machine with its clocks and its disk, the scheduler that runs on
 * it (the real one: actors, cores, ledger, SQLite), the network, and everybody who talks to
 * it. One thread; whose turn it is, and how long it takes, is drawn from the seed.
 *
 * True time is what the machine's boot clock would show if the machine never went down; it
 * never stops and never jumps. The scheduler sees other clocks: its boot clock starts over
 * with each boot, its wall clock is set by hand, slewed, and wrong after a restart.
 */
#ifndef BF_SIMULATION_WORLD_H
#define BF_SIMULATION_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "tests/simulation/random.h"
#include "tests/simulation/zones.h"

typedef struct world world;

/* All microseconds. */
typedef struct {
    int64_t true_us;
    int64_t wall_us;
    int64_t boot_us;
    uint64_t boots; /* which boot of the machine: 1, 2, … */
} sim_now;

sim_now world_now (const world *self);
uint64_t world_seed (const world *self);
/* The zones as their newest release has them; those before are behind it. */
const zones *world_zones (const world *self);

/* --- for those who talk to the scheduler (bots/) ------------------------------------- */

/* A peer is one connection to the commands door. It may be closed and opened again at any
 * time; requests go out with delays, get lost, come twice and out of order, unless the
 * world is healed. */
typedef unsigned sim_peer;

/* Sends the bytes of a Request. Copies them. Where the scheduler is down it is lost. */
void world_send (world *self, sim_peer peer, const void *bytes, size_t size);
/* The peer is gone: replies to it cannot be sent (the scheduler is told so), what is under
 * way to it is lost. Sending opens it again. */
void world_hang_up (world *self, sim_peer peer);
/* Calls bots_wake (…, who) once, at this true time or later. */
void world_wake (world *self, int64_t true_us, unsigned who);
/* After healing nothing is lost any more, nobody crashes, no clock is set. */
bool world_is_healed (const world *self);
/* Since when, in true time; INT64_MAX while it has not. */
int64_t world_healed_us (const world *self);
/* How many commands have been sent for the first time: the measure of a seed. Bots say so.
 */
void world_count_command (world *self);
/* No new work is wanted any more: the seed's commands are used up, bots only finish. */
bool world_is_winding_down (const world *self);

/* --- what went wrong ------------------------------------------------------------------ */

/* Prints seed, step, promise, the sentence and the story of the job (0 for none), and ends
 * the process with 1. promise: "1" .. "8", "I12", "liveness", "answers". */
__attribute__ ((noreturn, format (printf, 4, 5))) void world_broken (
    world *self, const char *promise, uint64_t job, const char *format, ...);

/* One line for `simulate --trace`; nothing without it. */
__attribute__ ((format (printf, 2, 3))) void world_trace (world *self, const char *format,
                                                          ...);

#endif
