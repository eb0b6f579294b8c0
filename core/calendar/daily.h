/* SPDX-License-Identifier: MPL-2.0
 *
 * "2130", "2130 Europe/Berlin MON-FRI": a time of day, read into the cron expression that
 * it stands for. HHMM or HH:MM, then a zone and weekdays as cron writes them, either or
 * both.
 */
#ifndef BF_CALENDAR_DAILY_H
#define BF_CALENDAR_DAILY_H

#include "core/base/errors.h"
#include "core/calendar/cron.h"
#include "core/calendar/zone.h"

/* zone: empty where none is said. BF_EINVALID with a sentence. */
bf_err bf_daily_parse (const char *text, bf_cron *cron, char zone[BF_ZONE_NAME_BYTES + 1],
                       bf_error *error);

#endif
