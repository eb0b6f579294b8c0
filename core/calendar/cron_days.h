/* SPDX-License-Identifier: MPL-2.0
 *
 * What the parts of cron share with each other and with nobody else: which days of one
 * month an expression means, and how long its usual form is.
 */
#ifndef BF_CALENDAR_CRON_DAYS_H
#define BF_CALENDAR_CRON_DAYS_H

#include <stdint.h>

#include "core/calendar/cron.h"

/* Every one of them: bits of bf_cron. */
#define BF_CRON_ALL_60 ((UINT64_C (1) << 60) - 1)
#define BF_CRON_ALL_HOURS ((UINT32_C (1) << 24) - 1)
#define BF_CRON_ALL_DAYS UINT32_C (0xfffffffe)
#define BF_CRON_ALL_MONTHS UINT32_C (0x1ffe)
#define BF_CRON_ALL_WEEKDAYS UINT32_C (0x7f)

/* The days that match in a month of `length` days that begins on `weekday`, bit n: day n.
 * Which month it is, is not asked. */
uint32_t bf_cron_days_in (const bf_cron *cron, int length, int weekday);

/* What bf_cron_print writes, into any size; a form that is longer is cut somewhere. Returns
 * how many bytes it has without its NUL. */
size_t bf_cron_write (const bf_cron *cron, char *buffer, size_t size);

#endif
