/* SPDX-License-Identifier: MPL-2.0
 *
 * Random calendar triggers: cron expressions, times of day, recurrence rules, in the zones
 * of the world, rather at moments that clocks change soon; and what calendars exclude.
 */
#ifndef BF_SIMULATION_TRIGGERS_H
#define BF_SIMULATION_TRIGGERS_H

#include "tests/simulation/bots/party.h"

#include "belfry.pb-c.h"

typedef struct {
    Belfry__V1__JobSpec__TriggerCase which; /* CRON, DAILY or RRULE */
    char *text;
    char *tz;
    Belfry__V1__Skipped skipped;
    Belfry__V1__Repeated repeated;
    int64_t period_us; /* about how far its slots are apart */
    int64_t jitter_us; /* as long as it may be so that its slots stay apart */
} calendar_trigger;

/* coarse: not more than one slot in some hours. */
calendar_trigger trigger_draw (bot_party *party, sim_random *random, bool coarse);
/* Puts it into a definition. */
void trigger_put (const calendar_trigger *trigger, Belfry__V1__JobSpec *spec);

/* The name of an exclusion calendar. */
char *trigger_exclude (bot_party *party, sim_random *random);
/* What it excludes. */
Belfry__V1__ExclusionCalendar *trigger_calendar (bot_party *party, sim_random *random);

#endif
