/* SPDX-License-Identifier: MPL-2.0
 *
 * Recurrence rules of RFC 5545: every FREQ, all BY parts, BYSETPOS, WKST, COUNT, UNTIL,
 * INTERVAL, with EXDATE and RDATE. Expanded in local time; core/calendar/switches.h makes
 * instants of it.
 *
 *   FREQ=MONTHLY;BYDAY=-1FR;COUNT=12
 *   DTSTART;TZID=Europe/Berlin:20260105T090000 RRULE:FREQ=WEEKLY EXDATE:20260112T090000
 *
 * A text is one rule, with or without "RRULE:" before it, or several properties with blanks
 * or newlines between them: DTSTART, RRULE (one), EXDATE and RDATE (up to 256 times each).
 * Times are local to the zone, or end in Z; TZID may only name the job's own zone. UNTIL
 * with Z is an instant, without it a local time; a date alone means all of that day.
 * DTSTART is the first time only where it matches the rule. COUNT counts what the rule
 * gives, before EXDATE and RDATE.
 *
 * Where the RFC leaves it open: BYWEEKNO without BYDAY is every day of these weeks; of
 * weeks that lie in two years each day counts in the calendar year that it is in.
 * BYSECOND=60 never matches. A number before a weekday and a plain weekday may stand side
 * by side in BYDAY: either suffices.
 */
#ifndef BF_CALENDAR_RRULE_H
#define BF_CALENDAR_RRULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/calendar/switches.h"
#include "core/calendar/zone.h"

#define BF_RRULE_BYTES 4096 /* the longest text */
#define BF_RRULE_DATES 256  /* EXDATE and RDATE, each */

/* Steps that one search may take: about a millisecond. A rule that gives nothing within
 * them is refused when it is opened, and searches that come later stop there. */
#define BF_RRULE_BUDGET 100000

/* A rule that stands by itself: text that was read, no zone needed. */
typedef struct bf_rrule bf_rrule;

/* Reads a text. BF_EINVALID with a sentence that names the part; BF_ENOMEM. */
bf_err bf_rrule_parse (const char *text, bf_rrule **rule_p, bf_error *error);
void bf_rrule_destroy (bf_rrule **rule_p);

/* The zone that its TZID says, "UTC" where DTSTART ends in Z, "" for none. Borrowed. */
const char *bf_rrule_zone (const bf_rrule *rule);
/* Whether it has a DTSTART of its own. */
bool bf_rrule_has_start (const bf_rrule *rule);

/* Binds the rule to its zone, and to its start where it has none of its own, and works out
 * where it ends. Once. BF_EINVALID where it gives no time at all, or COUNT lies beyond the
 * budget (10 * BF_RRULE_BUDGET steps). The zone is not kept. */
bf_err bf_rrule_open (bf_rrule *rule, const bf_zone *zone, bf_local start, bf_error *error);

/* The first instant after UNTIL, where that was written with Z; else INT64_MAX. The set
 * knows local times only: round a clock change, who makes instants of them has to leave out
 * those from this one on. Of a rule that was opened. */
bf_instant bf_rrule_until (const bf_rrule *rule);

/* RFC 5545, 3.3.5: SHIFT and FIRST. */
bf_switches bf_rrule_switches (void);

/* The set of its local times: `set` is a bf_rrule that was opened. */
extern const bf_local_set bf_rrule_times;

/* "every 2 weeks on Monday and Friday, 12 times". Cut with "…". Returns buffer. */
char *bf_rrule_explain (const bf_rrule *rule, char *buffer, size_t size);

#endif
