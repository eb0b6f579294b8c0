/* SPDX-License-Identifier: MPL-2.0
 *
 * Exclusion calendars: local times at which the jobs that name the calendar have no slots.
 * Whole dates ("2026-12-24", "2026-12-24..2027-01-06", "12-25" of every year), and weekly
 * windows ("SAT-SUN", "MON-FRI 2200-0600", "* 1200-1300"; from is in, until is not; one
 * that ends at or before it begins goes on into the next day). What is excluded is no slot:
 * nothing is missed, nothing counted.
 */
#ifndef BF_CALENDAR_EXCLUSION_H
#define BF_CALENDAR_EXCLUSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/calendar/civil.h"
#include "core/calendar/zone.h"

#define BF_EXCLUSION_DATES 1000
#define BF_EXCLUSION_WINDOWS 64

/* Made once, never changed. */
typedef struct bf_exclusion bf_exclusion;

/* BF_EINVALID with a sentence that names the date or window; *which (may be NULL) is its
 * place, counted over the dates and then the windows. BF_ENOMEM. */
bf_err bf_exclusion_new (const char *const *dates, size_t n_dates,
                         const char *const *windows, size_t n_windows,
                         bf_exclusion **exclusion_p, size_t *which, bf_error *error);
void bf_exclusion_destroy (bf_exclusion **exclusion_p);

/* Whether the local time is excluded by any of them, and the stretch of local times around
 * it, [from, until), in which all are as it is (at most a day, never empty). */
bool bf_exclusion_at (const bf_exclusion *const *exclusions, size_t count, bf_local local,
                      bf_local *from, bf_local *until);

#endif
