/* SPDX-License-Identifier: MPL-2.0
 *
 * Texts are made for the moment: what fires often enough to be met, and what would fire in
 * the hours in which some wall skips or repeats its times.
 */
#include "tests/simulation/bots/triggers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/simulation/bots/client.h"
#include "tests/simulation/bots/specs.h"

#define CRON(...)                                                            \
    ((calendar_trigger){.which = BELFRY__V1__JOB_SPEC__TRIGGER_CRON,         \
                        .text = bf_arena_printf (party->arena, __VA_ARGS__), \
                        .period_us = HOUR_US,                                \
                        .jitter_us = MINUTE_US - 1})

/* Zones whose walls are of interest: so far around now. */
#define SOON_S (36 * INT64_C (3600))

static const char *const weekdays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static int64_t
now_s (const bot_party *party)
{
    return world_now (party->world).wall_us / SECOND_US;
}

static bool
changes_soon (const zone_rules *rules, int64_t at_s)
{
    size_t span = zone_span_at (rules, at_s + SOON_S);
    return span > 0 && rules->spans[span].from_s > at_s - SOON_S;
}

static const zone_rules *
draw_zone (bot_party *party, sim_random *random)
{
    const zones *all = world_zones (party->world);
    const zone_rules *rules = zones_at (all, sim_below (random, ZONE_COUNT));
    bool wanted = sim_chance (random, 700);
    for (unsigned draw = 0; wanted && draw < 12 && !changes_soon (rules, now_s (party));
         draw++) {
        rules = zones_at (all, sim_below (random, ZONE_COUNT));
    }
    return rules;
}

/* A moment of some wall, mostly soon. */
static struct tm
draw_moment (const bot_party *party, sim_random *random, const zone_rules *rules)
{
    int64_t at_s = now_s (party);
    if (changes_soon (rules, at_s) && sim_chance (random, 500)) {
        /* Around the change. */
        at_s = rules->spans[zone_span_at (rules, at_s + SOON_S)].from_s +
               sim_between (random, -5400, 3600);
    } else {
        at_s += sim_scaled (random, 30, 6 * 3600);
    }
    time_t local = (time_t)(at_s + rules->spans[zone_span_at (rules, at_s)].offset_s);
    struct tm moment;
    gmtime_r (&local, &moment);
    return moment;
}

/* --- cron -------------------------------------------------------------------------------
 */

static calendar_trigger
draw_dense (bot_party *party, sim_random *random, struct tm at)
{
    int step = (int)sim_between (random, 2, 20);
    calendar_trigger made;
    switch (sim_below (random, 7)) {
    case 0:
        made = CRON ("* * * * *");
        made.period_us = MINUTE_US;
        return made;
    case 1:
        made = CRON ("*/%d * * * *", step);
        made.period_us = step * MINUTE_US;
        return made;
    case 2:
        made = CRON ("*/%d * * * * *", 10 * (step % 3 + 1));
        made.period_us = 20 * SECOND_US;
        made.jitter_us = SECOND_US - 1;
        return made;
    case 3:
        made = CRON ("%d-%d/%d * * * *", step % 5, 40 + step, step);
        made.period_us = step * MINUTE_US;
        return made;
    case 4:
        made =
            CRON ("%d-59 %d,%d * * *", at.tm_min % 30, at.tm_hour, (at.tm_hour + 1) % 24);
        made.period_us = MINUTE_US;
        return made;
    case 5:
        made = CRON ("%d,%d %d %d * * *", at.tm_sec % 30, 30 + step, at.tm_min, at.tm_hour);
        made.period_us = MINUTE_US;
        made.jitter_us = SECOND_US - 1;
        return made;
    default:
        made = CRON ("*/%d %d-%d * * *", step, at.tm_hour / 2, at.tm_hour);
        made.period_us = step * MINUTE_US;
        return made;
    }
}

static calendar_trigger
draw_sparse (bot_party *party, sim_random *random, struct tm at)
{
    static const char *const days[] = {
        "* * *",       "* * MON-FRI", "L * *",       "LW * *",    "15W * *",
        "* * 5#3",     "* * FRIL",    "1,15 * +MON", "*/2 * SUN", "1-7 * ?",
        "* JAN-DEC *", "1 * MON",     "? * 0,3,6",   "29 FEB *",  "* * sun-tue,6",
    };
    const char *day = days[sim_below (random, sizeof days / sizeof days[0])];
    int minute = at.tm_min;
    int hour = at.tm_hour;
    switch (sim_below (random, 6)) {
    case 0:
        return CRON ("%d * * * *", minute);
    case 1:
        return CRON ("@%s", sim_chance (random, 500)   ? "hourly"
                            : sim_chance (random, 500) ? "daily"
                                                       : "weekly");
    case 2:
        return CRON ("%d,%d %d * %d *", minute, (minute + 15) % 60, hour, at.tm_mon + 1);
    case 3:
        return CRON ("%d */%d %s", minute, (int)sim_between (random, 1, 6), day);
    default:
        return CRON ("%d %d %s", minute, hour, day);
    }
}

/* --- the others -------------------------------------------------------------------------
 */

static calendar_trigger
draw_daily (bot_party *party, sim_random *random, struct tm at, const char *tz)
{
    bool within = sim_chance (random, 300) && strchr (tz, '/') != NULL;
    bool some = sim_chance (random, 300);
    return (calendar_trigger){
        .which = BELFRY__V1__JOB_SPEC__TRIGGER_DAILY,
        .text = bf_arena_printf (party->arena, "%02d%s%02d%s%s%s%s", at.tm_hour,
                                 sim_chance (random, 500) ? ":" : "", at.tm_min,
                                 within ? " " : "", within ? tz : "", some ? " " : "",
                                 !some                      ? ""
                                 : sim_chance (random, 500) ? "MON-FRI"
                                                            : weekdays[at.tm_wday]),
        .tz = within ? spec_text (party, "") : NULL,
        .period_us = DAY_US,
        .jitter_us = HOUR_US,
    };
}

static char *
draw_rule (bot_party *party, sim_random *random, bool coarse, struct tm at,
           int64_t *period_us)
{
    static const char *const names[] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};
    int interval = (int)sim_between (random, 1, 15);
    *period_us = DAY_US;
    switch (sim_below (random, coarse ? 6 : 9)) {
    case 0:
        return bf_arena_printf (party->arena, "FREQ=DAILY;INTERVAL=%d", 1 + interval % 3);
    case 1:
        return bf_arena_printf (party->arena, "FREQ=DAILY;BYHOUR=%d,%d;BYMINUTE=%d",
                                at.tm_hour / 2, at.tm_hour / 2 + 2, at.tm_min);
    case 2:
        return bf_arena_printf (party->arena, "FREQ=WEEKLY;INTERVAL=%d;BYDAY=%s,%s",
                                1 + interval % 2, names[at.tm_wday],
                                names[(at.tm_wday + 2) % 7]);
    case 3:
        return bf_arena_printf (party->arena, "FREQ=MONTHLY;BYMONTHDAY=%d,-1", at.tm_mday);
    case 4:
        return bf_arena_printf (party->arena, "FREQ=MONTHLY;BYDAY=%d%s,-1FR",
                                1 + (at.tm_mday - 1) / 7, names[at.tm_wday]);
    case 5:
        *period_us = HOUR_US;
        return bf_arena_printf (party->arena, "FREQ=HOURLY;INTERVAL=%d", 1 + interval % 4);
    default:
        *period_us = interval * MINUTE_US;
        return bf_arena_printf (party->arena, "FREQ=MINUTELY;INTERVAL=%d", interval);
    }
}

static calendar_trigger
draw_recurrence (bot_party *party, sim_random *random, bool coarse, struct tm at)
{
    calendar_trigger made = {.which = BELFRY__V1__JOB_SPEC__TRIGGER_RRULE};
    char *rule = draw_rule (party, random, coarse, at, &made.period_us);
    char *end = spec_text (party, "");
    if (sim_chance (random, 400)) {
        end = bf_arena_printf (party->arena, ";COUNT=%d", (int)sim_between (random, 1, 20));
    } else if (sim_chance (random, 200)) {
        end = bf_arena_printf (party->arena, ";UNTIL=%04d1231T%02d%02d00",
                               at.tm_year + 1900, at.tm_hour, at.tm_min);
    }
    made.jitter_us = SECOND_US - 1;
    if (sim_chance (random, 250)) {
        made.text = bf_arena_printf (party->arena, "RRULE:%s%s", rule, end);
        return made;
    }
    char when[40];
    strftime (when, sizeof when, "%Y%m%dT%H%M00", &at);
    const char *except =
        sim_chance (random, 300) ? bf_arena_printf (party->arena, " EXDATE:%s", when) : "";
    at.tm_mday = at.tm_mday < 28 ? at.tm_mday + 1 : at.tm_mday;
    char later[40];
    strftime (later, sizeof later, "%Y%m%dT%H3000", &at);
    const char *besides =
        sim_chance (random, 200) ? bf_arena_printf (party->arena, " RDATE:%s", later) : "";
    made.text = bf_arena_printf (party->arena, "DTSTART:%s RRULE:%s%s%s%s", when, rule, end,
                                 except, besides);
    return made;
}

calendar_trigger
trigger_draw (bot_party *party, sim_random *random, bool coarse)
{
    const zone_rules *rules = draw_zone (party, random);
    struct tm at = draw_moment (party, random, rules);
    calendar_trigger made;
    switch (sim_below (random, 6)) {
    case 0:
        made = draw_daily (party, random, at, rules->name);
        break;
    case 1:
    case 2:
        made = draw_recurrence (party, random, coarse, at);
        break;
    default:
        made = coarse || sim_chance (random, 400) ? draw_sparse (party, random, at)
                                                  : draw_dense (party, random, at);
        break;
    }
    if (made.tz == NULL) {
        made.tz = spec_text (party, rules->name);
    }
    if (sim_chance (random, 500)) {
        made.skipped = (Belfry__V1__Skipped)sim_below (random, 4);
        made.repeated = (Belfry__V1__Repeated)sim_below (random, 4);
    }
    return made;
}

void
trigger_put (const calendar_trigger *trigger, Belfry__V1__JobSpec *spec)
{
    spec->trigger_case = trigger->which;
    /* Every text is the same member of the union. */
    spec->cron = trigger->text;
    spec->tz = trigger->tz;
    spec->skipped = trigger->skipped;
    spec->repeated = trigger->repeated;
}

/* --- exclusion calendars ----------------------------------------------------------------
 */

char *
trigger_exclude (bot_party *party, sim_random *random)
{
    static const char *const names[] = {"holidays", "nights", "quiet"};
    return spec_text (party, names[sim_below (random, 3)]);
}

static char *
draw_date (bot_party *party, sim_random *random)
{
    time_t day = (time_t)(now_s (party) + sim_between (random, 0, 4) * 86400);
    time_t last = day + sim_between (random, 0, 5) * 86400;
    struct tm at;
    char text[64];
    gmtime_r (&day, &at);
    if (sim_chance (random, 300)) {
        strftime (text, sizeof text, "%m-%d", &at);
        return spec_text (party, text);
    }
    strftime (text, sizeof text, "%Y-%m-%d", &at);
    if (sim_chance (random, 500)) {
        return spec_text (party, text);
    }
    char until[32];
    gmtime_r (&last, &at);
    strftime (until, sizeof until, "%Y-%m-%d", &at);
    return bf_arena_printf (party->arena, "%s..%s", text, until);
}

static char *
draw_window (bot_party *party, sim_random *random)
{
    const char *day = weekdays[sim_below (random, 7)];
    int hour = (int)sim_below (random, 24);
    int minute = (int)sim_below (random, 60);
    int length = (int)sim_between (random, 1, 8);
    switch (sim_below (random, 4)) {
    case 0:
        return spec_text (party, day);
    case 1:
        return bf_arena_printf (party->arena, "* %02d%02d-%02d%02d", hour, minute % 30,
                                hour, minute % 30 + 20);
    case 2:
        return bf_arena_printf (party->arena, "MON-FRI %02d%02d-%02d00", hour, minute,
                                (hour + length) % 24);
    default:
        return bf_arena_printf (party->arena, "%s,SUN %02d00-%02d%02d", day, hour,
                                (hour + length) % 24, minute);
    }
}

Belfry__V1__ExclusionCalendar *
trigger_calendar (bot_party *party, sim_random *random)
{
    Belfry__V1__ExclusionCalendar *calendar = MAKE (party, exclusion_calendar);
    calendar->ns = spec_ns (party, random);
    calendar->name = trigger_exclude (party, random);
    calendar->n_dates = sim_below (random, 3);
    calendar->n_windows = sim_below (random, 3);
    calendar->dates = bf_arena_alloc (party->arena, 3 * sizeof (char *));
    calendar->windows = bf_arena_alloc (party->arena, 3 * sizeof (char *));
    if (calendar->dates == NULL || calendar->windows == NULL) {
        abort ();
    }
    for (size_t i = 0; i < calendar->n_dates; i++) {
        calendar->dates[i] = draw_date (party, random);
    }
    for (size_t i = 0; i < calendar->n_windows; i++) {
        calendar->windows[i] = draw_window (party, random);
    }
    return calendar;
}
