/* SPDX-License-Identifier: MPL-2.0
 *
 * The slots of a calendar trigger once more, from belfry.proto and the text of the rules
 * (crontab(5), RFC 5545, docs/calendar.md), by counting them out: every local time that a
 * text means within some days is written down, each is looked up in the spans of its zone,
 * and what calendars exclude is crossed out. Nothing here includes core/.
 */
#ifndef BF_SIMULATION_CHECKER_CALENDAR_H
#define BF_SIMULATION_CHECKER_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/simulation/zones.h"

#include "belfry.pb-c.h"

#define CALENDAR_EXCLUDES 8

/* All of it is kept, and must outlive the calendar. */
typedef struct {
    const Belfry__V1__JobSpec *spec; /* every default resolved */
    const zone_rules *rules;         /* of its tz; NULL where it needs none */
    const Belfry__V1__ExclusionCalendar *excludes[CALENDAR_EXCLUDES];
    size_t exclude_count;
    int64_t begin_s; /* local: where a rule without DTSTART begins */
} calendar_parts;

typedef struct calendar calendar;

/* NULL: the text means nothing. For EVERY as well, with what is excluded. */
calendar *calendar_new (const calendar_parts *parts);
void calendar_destroy (calendar **self_p);

/* What the walls of a zone show, seconds. */
int64_t local_of_instant (const zone_rules *rules, int64_t at_s);

/* The first slot after this instant, without the job's offset; false: there is none up to
 * the end of the definition, or within 41 years. */
bool calendar_next (calendar *self, int64_t after_us, int64_t *slot_us);
/* How many there are from the one to before the other. */
uint64_t calendar_count (calendar *self, int64_t from_us, int64_t until_us);
/* Whether a clock change made this slot, or had a say in which instant it is. */
bool calendar_is_touched (calendar *self, int64_t slot_us);

/* The next recurring trigger: an interval, cron, daily or rrule. */
bool calendar_recurs (Belfry__V1__JobSpec__TriggerCase trigger);
/* cron, daily, rrule. */
bool calendar_is_zoned (Belfry__V1__JobSpec__TriggerCase trigger);
/* What skipped and repeated are taken as where the definition leaves them out. */
Belfry__V1__Skipped calendar_default_skipped (const Belfry__V1__JobSpec *spec);
Belfry__V1__Repeated calendar_default_repeated (const Belfry__V1__JobSpec *spec);

/* --- what its files share --------------------------------------------------------------
 */

#define MINUTE_S INT64_C (60)
#define HOUR_S (60 * MINUTE_S)
#define DAY_S (24 * HOUR_S)

/* Days since 1970-01-01, and back; month 1..12. */
int64_t days_of_date (int64_t year, int month, int day);
void date_of_days (int64_t days, int64_t *year, int *month, int *day);
int days_of_month (int64_t year, int month);
/* 0 Sunday … 6 Saturday. */
int weekday_of_days (int64_t days);
int64_t floor_divide (int64_t value, int64_t by);

/* Takes local times, seconds as a wall shows them. */
typedef void local_sink (void *context, int64_t local_s);

/* calendar_cron.c */
typedef struct cron_text cron_text;
cron_text *cron_text_new (const char *text, bool daily);
void cron_text_destroy (cron_text **self_p);
bool cron_text_is_wild (const cron_text *self);
/* All of them from the one to before the other. */
void cron_text_locals (const cron_text *self, int64_t from_s, int64_t until_s,
                       local_sink *sink, void *context);
/* A list of weekdays, or *: bit n for weekday n. 0: it is none. */
unsigned weekdays_of_text (const char *text, size_t size);

/* calendar_rule.c */
typedef struct rule_text rule_text;
/* begin_s: local; where the text has no DTSTART. */
rule_text *rule_text_new (const char *text, int64_t begin_s);
void rule_text_destroy (rule_text **self_p);
void rule_text_locals (rule_text *self, int64_t from_s, int64_t until_s, local_sink *sink,
                       void *context);

/* calendar_exclusion.c */
bool exclusion_has (const Belfry__V1__ExclusionCalendar *of, int64_t local_s);

#endif
