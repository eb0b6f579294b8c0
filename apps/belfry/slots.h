/* SPDX-License-Identifier: MPL-2.0
 *
 * The slots of a trigger, reckoned here and now, for `belfry next`: no daemon is asked.
 * Zone files are read once and kept, so that many questions are answered quickly.
 */
#ifndef BF_CLI_SLOTS_H
#define BF_CLI_SLOTS_H

#include <stdbool.h>

#include "core/base/time.h"
#include "core/calendar/recurrence.h"
#include "core/trigger.h"

typedef struct bf_cli_zones bf_cli_zones;

/* directory: NULL for the system's. NULL without memory. */
bf_cli_zones *bf_cli_zones_new (const char *directory);
void bf_cli_zones_destroy (bf_cli_zones **self_p);

/* The zone of a name; lives as long as the zones. BF_EINVALID with a sentence. */
bf_err bf_cli_zones_find (bf_cli_zones *self, const char *name, const bf_zone **zone,
                          bf_error *error);

/* What is asked. Texts are borrowed while the slots are used. */
typedef struct {
    bf_recurrence_kind kind; /* NONE: an interval */
    const char *text;
    const char *tz;   /* NULL: that of the text, else UTC */
    const char *from; /* NULL: now. Of a rule its DTSTART, a local time; else an instant,
                         with Z or an offset: slots are after it */
    bf_switches switches; /* 0 in either: the default of the kind */
    int64_t interval_us;
    bool anchored;
    int64_t anchor_us;
} bf_cli_question;

/* A question under way. */
typedef struct {
    const bf_zone *zone;
    bf_recurrence *recurrence; /* NULL: an interval */
    bf_grid grid;
    int64_t after_us; /* the next slot is after it */
} bf_cli_slots;

/* BF_EINVALID with a sentence, BF_ENOMEM. Close it either way. */
bf_err bf_cli_slots_open (bf_cli_slots *self, bf_cli_zones *zones,
                          const bf_cli_question *question, bf_error *error);
void bf_cli_slots_close (bf_cli_slots *self);

/* The next slot, later than the one before. False: there is none. */
bool bf_cli_slots_next (bf_cli_slots *self, int64_t *due_us);

#endif
