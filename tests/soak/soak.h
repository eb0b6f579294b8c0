/* SPDX-License-Identifier: MPL-2.0
 *
 * What all parts of the soak share: how one says that something is broken, and chance.
 */
#ifndef BF_SOAK_H
#define BF_SOAK_H

#include <stdint.h>

#include "tests/support/rig.h"

/* Says what is broken, when, and under which seed, and ends the program with 1. The
 * daemon's directory stays. */
_Noreturn __attribute__ ((format (printf, 1, 2))) void soak_broken (const char *format,
                                                                    ...);

/* A number below `below` (at least 1), by the seed. */
uint64_t soak_random (uint64_t below);

/* Boot time, microseconds. */
int64_t soak_now_us (void);

#endif
