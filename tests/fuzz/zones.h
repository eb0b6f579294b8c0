/* SPDX-License-Identifier: MPL-2.0
 *
 * Zones for the targets of core/calendar/, the same on every machine: their bytes are put
 * together here, no file is read.
 */
#ifndef BF_FUZZ_ZONES_H
#define BF_FUZZ_ZONES_H

#include "core/calendar/switches.h"
#include "core/calendar/zone.h"

/* The zone of any number: UTC, one hour in spring (Berlin), half an hour (Lord Howe),
 * clocks that change at midnight, a day left out (Apia), a year with a change each week.
 * Made once, destroyed at the end of the process. */
const bf_zone *fuzz_zone (unsigned number);

/* Switches of any number; 0 is the default in either. */
bf_switches fuzz_switches (unsigned number);

#endif
