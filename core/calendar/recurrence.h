/* SPDX-License-Identifier: MPL-2.0
 *
 * A recurring trigger's calendar, ready to be asked: a cron expression, a time of day or a
 * recurrence rule in its zone, and the exclusion calendars that the job names. Made once
 * from texts, never changed: pure, and safe to share between threads.
 */
#ifndef BF_CALENDAR_RECURRENCE_H
#define BF_CALENDAR_RECURRENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/calendar/exclusion.h"
#include "core/calendar/switches.h"
#include "core/calendar/zone.h"

typedef enum {
    BF_RECURRENCE_NONE = 0, /* no times of its own: only exclusions, for a plain grid */
    BF_RECURRENCE_CRON,
    BF_RECURRENCE_DAILY,
    BF_RECURRENCE_RRULE,
} bf_recurrence_kind;

typedef struct {
    bf_recurrence_kind kind;
    const char *text;
    const bf_zone *zone;                   /* borrowed: lives longer than the recurrence */
    bf_switches switches;                  /* 0 in either: the default of its kind */
    bf_local start;                        /* RRULE without a DTSTART of its own: that */
    const bf_exclusion *const *exclusions; /* borrowed likewise; the list is copied */
    size_t n_exclusions;
} bf_recurrence_args;

typedef struct bf_recurrence bf_recurrence;

/* BF_EINVALID with a sentence, BF_ENOMEM. */
bf_err bf_recurrence_new (const bf_recurrence_args *args, bf_recurrence **self_p,
                          bf_error *error);
void bf_recurrence_destroy (bf_recurrence **self_p);

/* Which zone a text itself names ("2130 Europe/Berlin", DTSTART;TZID=…), "" for none;
 * checks the text. BF_EINVALID with a sentence. */
bf_err bf_recurrence_check (bf_recurrence_kind kind, const char *text,
                            char zone[BF_ZONE_NAME_BYTES + 1], bf_error *error);

bf_switches bf_recurrence_switches (const bf_recurrence *self);

/* The first (last) slot within [from, until), and how many there are; exclusions applied.
 * Not for NONE. */
bool bf_recurrence_first (const bf_recurrence *self, bf_instant from, bf_instant until,
                          bf_instant *found);
bool bf_recurrence_last (const bf_recurrence *self, bf_instant from, bf_instant until,
                         bf_instant *found);
uint64_t bf_recurrence_count (const bf_recurrence *self, bf_instant from, bf_instant until);

/* Whether an instant is excluded, and the stretch of instants around it, [from, until), in
 * which all are as it is. For any kind. */
bool bf_recurrence_excludes (const bf_recurrence *self, bf_instant at, bf_instant *from,
                             bf_instant *until);
bool bf_recurrence_has_exclusions (const bf_recurrence *self);

/* "02:30 does not exist on 2027-03-28, moved to 03:00"; empty where no clock change touched
 * the slot. Returns buffer. */
#define BF_NOTE_BYTES 128
char *bf_recurrence_note (const bf_recurrence *self, bf_instant slot,
                          char buffer[BF_NOTE_BYTES]);

/* The text in its usual form, and in English. Each returns buffer. */
char *bf_recurrence_print (const bf_recurrence *self, char *buffer, size_t size);
char *bf_recurrence_explain (const bf_recurrence *self, char *buffer, size_t size);

#endif
