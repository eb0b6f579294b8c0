/* SPDX-License-Identifier: MPL-2.0
 *
 * Sentences about slots that a clock change touched. Seconds are said only where there are
 * any, and a second date only where it is another one.
 */
#include "core/calendar/recurrence_note.h"

#include <stdio.h>
#include <string.h>

#define DATE_LENGTH 10 /* "2027-03-28" */

/* A local time in two words. */
typedef struct {
    char date[BF_LOCAL_BYTES];
    const char *time; /* within date */
} said_t;

static void
say (bf_local local, said_t *said)
{
    bf_local_format (local, said->date);
    said->date[DATE_LENGTH] = '\0';
    said->time = said->date + DATE_LENGTH + 1;
    char *seconds = said->date + strlen ("2027-03-28T02:30");
    if (strcmp (seconds, ":00") == 0) {
        *seconds = '\0';
    }
}

/* Whether the day has no time at all in the zone. */
static bool
is_day_gone (const bf_zone *zone, bf_local local)
{
    int64_t begin_s = bf_local_day (local) * BF_DAY_S;
    bf_local_meaning meaning = bf_zone_resolve (zone, local);
    return begin_s >= meaning.change.s + meaning.offset_before &&
           begin_s + BF_DAY_S <= meaning.change.s + meaning.offset_after;
}

static void
say_moved (bf_local local, bf_local shown, const bf_zone *zone, char buffer[BF_NOTE_BYTES])
{
    said_t was;
    said_t is;
    say (local, &was);
    say (shown, &is);
    if (is_day_gone (zone, local)) {
        snprintf (buffer, BF_NOTE_BYTES, "%s does not exist, its %s moved to %s on %s",
                  was.date, was.time, is.time, is.date);
    } else if (strcmp (was.date, is.date) != 0) {
        snprintf (buffer, BF_NOTE_BYTES, "%s does not exist on %s, moved to %s on %s",
                  was.time, was.date, is.time, is.date);
    } else {
        snprintf (buffer, BF_NOTE_BYTES, "%s does not exist on %s, moved to %s", was.time,
                  was.date, is.time);
    }
}

char *
bf_slot_note_format (bf_slot_note note, bf_local local, bf_local shown, const bf_zone *zone,
                     char buffer[BF_NOTE_BYTES])
{
    said_t said;
    buffer[0] = '\0';
    if (note == BF_NOTE_AFTER_GAP || note == BF_NOTE_SHIFTED) {
        say_moved (local, shown, zone, buffer);
    } else if (note != BF_NOTE_PLAIN) {
        say (local, &said);
        snprintf (buffer, BF_NOTE_BYTES, "%s comes twice on %s, this is the %s", said.time,
                  said.date, note == BF_NOTE_FIRST ? "first" : "second");
    }
    return buffer;
}
