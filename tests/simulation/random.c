/* SPDX-License-Identifier: MPL-2.0
 *
 * SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014):
 * 64 bits of state, any of them a good start.
 */
#include "tests/simulation/random.h"

sim_random
sim_random_new (uint64_t seed, uint64_t stream)
{
    sim_random self = {seed * UINT64_C (0x9e3779b97f4a7c15) ^
                       (stream + 1) * UINT64_C (0xd1342543de82ef95)};
    sim_draw (&self);
    return self;
}

uint64_t
sim_draw (sim_random *self)
{
    self->state += UINT64_C (0x9e3779b97f4a7c15);
    uint64_t z = self->state;
    z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t
sim_below (sim_random *self, uint64_t below)
{
    /* The bias of a remainder is far below anything that a simulation could notice. */
    return sim_draw (self) % below;
}

int64_t
sim_between (sim_random *self, int64_t least, int64_t most)
{
    return least + (int64_t)sim_below (self, (uint64_t)(most - least) + 1);
}

int64_t
sim_scaled (sim_random *self, int64_t least, int64_t most)
{
    int doublings = 0;
    while (least << doublings < most && doublings < 62) {
        doublings++;
    }
    int64_t top = least << sim_below (self, (uint64_t)doublings + 1);
    return sim_between (self, least, top < most ? top : most);
}

bool
sim_chance (sim_random *self, unsigned permille)
{
    return sim_below (self, 1000) < permille;
}

size_t
sim_pick (sim_random *self, const unsigned *weights, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weights[i];
    }
    uint64_t at = sim_below (self, sum);
    for (size_t i = 0; i < count; i++) {
        if (at < weights[i]) {
            return i;
        }
        at -= weights[i];
    }
    return count - 1;
}
