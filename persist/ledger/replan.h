/* SPDX-License-Identifier: MPL-2.0
 *
 * Planning anew: when the rules of a zone or an exclusion calendar change, the jobs that go
 * by them get their next slots by the new ones, in slices of a thousand between the batches
 * of others (tend.h). How far it is stands in the row of the zone or calendar, so that it
 * goes on after a restart. Each slice is told by one event, zone.changed or
 * calendar.changed, with the jobs whose slot moved.
 *
 *   what was decided stays:   fired  missed   |  slots by the new rules
 *                           ----x------x------|----o-----o-----o---->
 *                                             the newest of them
 */
#ifndef BF_LEDGER_REPLAN_H
#define BF_LEDGER_REPLAN_H

#include "persist/ledger/private.h"

/* Looks at the files of all zones that are in use, and goes on with what was begun. */
bf_err bf_replan_load (bf_ledger *self, bf_error *error);

/* The files of zones have changed, says the clock. */
void bf_replan_look (bf_ledger *self);

/* A calendar was set, or taken away (`gone`, what it was): the first slice of its jobs,
 * with the event. */
bf_err bf_replan_calendar (bf_ledger *self, uint64_t id, bf_error *error);
bf_err bf_replan_calendar_gone (bf_ledger *self, const char *ns, const char *name,
                                bf_error *error);

/* calendars.c: the image of a calendar, in the arena. */
bf_err bf_calendar_image (bf_ledger *self, uint64_t id,
                          Belfry__V1__ExclusionCalendar **image, bf_error *error);
/* The same of a row's columns: what is not in the body is given. */
bf_err bf_calendar_unpack (bf_ledger *self, const void *body, size_t size, const char *ns,
                           const char *name, Belfry__V1__ExclusionCalendar **image,
                           bf_error *error);

/* The batch is in, or undone. */
void bf_replan_keep (bf_ledger *self);
void bf_replan_undo (bf_ledger *self);
void bf_replan_free (bf_ledger *self);

#endif
