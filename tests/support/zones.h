/* SPDX-License-Identifier: MPL-2.0
 *
 * Zones for tests: those of this machine, and made-up ones with changes wherever a test
 * wants them.
 */
#ifndef BF_TESTS_ZONES_H
#define BF_TESTS_ZONES_H

#include <stddef.h>
#include <stdint.h>

#include "core/calendar/zone.h"

/* A zone of the machine's tzdata. NULL: it has none of that name. The caller destroys it.
 */
bf_zone *zone_of_name (const char *name);

#define ZONE_CHANGES 32

/* A zone with offset offsets[0] until changes_s[0], then offsets[1] and so on: one offset
 * more than changes. NULL: bf_zone_read refuses it. */
bf_zone *zone_of_changes (const int64_t *changes_s, size_t n_changes,
                          const int32_t *offsets);

#endif
