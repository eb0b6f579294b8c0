/* SPDX-License-Identifier: MPL-2.0
 *
 * The rule that a TZif file ends with, in the form of the TZ variable of POSIX as RFC 8536,
 * 3.3.1 extends it: "CET-1CEST,M3.5.0,M10.5.0/3". For zone.c alone.
 */
#ifndef BF_CALENDAR_ZONE_RULE_H
#define BF_CALENDAR_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"

/* A moment of each year. */
typedef struct {
    enum {
        BF_RULE_JULIAN = 1, /* Jn: day 1..365, which 29 February is none of */
        BF_RULE_DAY,        /* n: day 0..365 */
        BF_RULE_MONTH,      /* Mm.w.d: week 1..5 of the month, 5 is the last; weekday */
    } kind;
    int32_t day;
    int32_t month;
    int32_t week;
    int32_t weekday;
    int32_t time_s; /* local time of that day, -167 h..+167 h */
} bf_zone_moment;

typedef struct {
    int32_t standard_s; /* offsets, local minus UTC */
    int32_t daylight_s;
    bool has_daylight;    /* the following count: */
    bf_zone_moment start; /* of daylight saving time, on a wall that shows standard time */
    bf_zone_moment end;   /* on a wall that shows daylight saving time */
} bf_zone_rule;

/* From this instant on, this offset. */
typedef struct {
    int64_t at_s;
    int32_t offset_s;
} bf_zone_change;

/* Reads all of the text. BF_EINVALID with a sentence. */
bf_err bf_zone_rule_read (const char *text, size_t length, bf_zone_rule *rule,
                          bf_error *error);

/* The two changes of a year, in order. Only where the rule has daylight saving time. */
void bf_zone_rule_year (const bf_zone_rule *rule, int32_t year, bf_zone_change changes[2]);

#endif
