/* SPDX-License-Identifier: MPL-2.0
 *
 * The sentence that tells a person why a slot is not where the text of its job says.
 */
#ifndef BF_CALENDAR_RECURRENCE_NOTE_H
#define BF_CALENDAR_RECURRENCE_NOTE_H

#include "core/calendar/recurrence.h"

/* local: the local time that stands for the slot, as bf_local_times_explain says; shown:
 * what a wall shows at the slot. Returns buffer. */
char *bf_slot_note_format (bf_slot_note note, bf_local local, bf_local shown,
                           const bf_zone *zone, char buffer[BF_NOTE_BYTES]);

#endif
