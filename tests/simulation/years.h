/* SPDX-License-Identifier: MPL-2.0
 *
 * Long lives: the scheduler as it is runs a few jobs for years of its own time, in a world
 * without any trouble, and each of their slots must fire once, at its instant, in order.
 */
#ifndef BF_SIMULATION_YEARS_H
#define BF_SIMULATION_YEARS_H

#include <stdbool.h>

/* Ten years of one job an hour and one a day, in Berlin, with clocks that change twice a
 * year; and one year of one job a minute. Prints what came of it. */
bool years_live (void);

#endif
