/* SPDX-License-Identifier: MPL-2.0
 *
 * Cron expressions, in the dialect of Debian's cron with what bots use besides.
 *
 *   [second] minute hour day-of-month month day-of-week
 *
 *   *, a, a-b (a <= b), a-b/n, the step also after *, and lists of these; JAN-DEC and
 *   SUN-SAT in any case; 0 and 7 are Sunday. ? is *, in the two day fields. day-of-month: L
 *   the last day, LW the last of Monday to Friday, 15W the nearest of these within the
 * month. day-of-week: 5L the last Friday, 5#3 the third. @yearly @annually @monthly @weekly
 *   @daily @midnight @hourly. A + before day-of-week: a day must match both day fields.
 *
 * Without the + a day must match both day fields where either begins with * or ?, else one
 * of them suffices (crontab(5) of cronie; the code of Debian's cron). An expression is wild
 * where its second, minute or hour begins with *: it stands for real time that passes, a
 * fixed one for moments of a day. What that means on days on which clocks change is said by
 * bf_cron_switches.
 *
 * An expression is a value of fixed size: sets of bits, no memory of its own. Matching is
 * on local times; core/calendar/switches.h makes instants of them.
 */
#ifndef BF_CALENDAR_CRON_H
#define BF_CALENDAR_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/calendar/switches.h"

#define BF_CRON_BYTES 256 /* the longest expression */

typedef struct {
    uint64_t seconds;        /* bit n: second n */
    uint64_t minutes;        /* bit n: minute n */
    uint32_t hours;          /* bit n: hour n */
    uint32_t months;         /* bit n: month n, 1..12 */
    uint32_t days;           /* day-of-month; bit n: day n, 1..31 */
    uint32_t nearest;        /* bit n: the working day nearest to day n (nW) */
    uint8_t weekdays;        /* day-of-week; bit n: weekday n, 0 Sunday..6 */
    uint8_t weekdays_last;   /* bit n: the last such day of the month (nL) */
    uint8_t weekdays_nth[5]; /* [k - 1], bit n: the k-th such day of the month (n#k) */
    bool last_day;           /* L */
    bool last_working_day;   /* LW */
    bool both_days;          /* a day must match both day fields */
    bool wild;
    bool has_seconds; /* written with six fields */
} bf_cron;

/* Reads an expression; blanks and tabs around it are ignored. BF_EINVALID with a sentence
 * that names the field and says what is allowed; also where it can never match (30
 * February). *cron is untouched then. */
bf_err bf_cron_parse (const char *text, bf_cron *cron, bf_error *error);

/* Writes an expression back: the shortest usual form, which bf_cron_parse reads as the same
 * times. Two expressions with equal fields are printed alike, macros as what they stand
 * for. Returns buffer. */
char *bf_cron_print (const bf_cron *cron, char buffer[BF_CRON_BYTES]);

/* Says it in English: "at 09:00 on Monday to Friday". Cut with "…" where it is longer.
 * Returns buffer. */
char *bf_cron_explain (const bf_cron *cron, char *buffer, size_t size);

/* What skipped and repeated local times mean unless the job says otherwise. A wild one:
 * SKIP and BOTH, it follows real time; a fixed one: AFTER_GAP and FIRST, once a day. */
bf_switches bf_cron_switches (const bf_cron *cron);

/* The set of its local times: `set` is a bf_cron. Looks ahead (back) at most 40 years from
 * `from` (`until`), and not before 1970 nor after 2400. */
extern const bf_local_set bf_cron_times;

#define BF_CRON_YEARS 40

#endif
