/* SPDX-License-Identifier: MPL-2.0
 *
 * The absences of the clock.
 */
#include "core/absence.h"

#include <string.h>

static const bf_now beginning = {.wall = {INT64_MIN}, .boot = {INT64_MIN}};

static int64_t
sooner (int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
later (int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Unsigned, because the distance of two int64 may not fit one. */
static uint64_t
length_of (const bf_absence *absence)
{
    uint64_t wall = (uint64_t)absence->until.wall.us - (uint64_t)absence->from.wall.us;
    uint64_t boot = (uint64_t)absence->until.boot.us - (uint64_t)absence->from.boot.us;
    return wall > boot ? wall : boot;
}

static void
keep (bf_absences *self, bf_absence absence)
{
    if (self->count == BF_ABSENCES) {
        size_t shortest = 0;
        for (size_t i = 1; i < self->count; i++) {
            if (length_of (&self->list[i]) < length_of (&self->list[shortest])) {
                shortest = i;
            }
        }
        if (length_of (&absence) <= length_of (&self->list[shortest])) {
            return;
        }
        self->count--;
        memmove (&self->list[shortest], &self->list[shortest + 1],
                 (self->count - shortest) * sizeof self->list[0]);
    }
    self->list[self->count++] = absence;
}

void
bf_absences_add (bf_absences *self, bf_boot since, bf_now now)
{
    int64_t boot_us = sooner (since.us, now.boot.us);
    int64_t wall_us = now.wall.us - (now.boot.us - boot_us);
    if (boot_us < now.boot.us) {
        keep (self, (bf_absence){.from = {{wall_us}, {boot_us}}, .until = now});
    }
}

/* It began, and ended no later, in one that is known: that one goes on. */
static bool
goes_on (bf_absences *self, bf_absence absence)
{
    for (size_t i = 0; i < self->count; i++) {
        bf_absence *known = &self->list[i];
        if (known->from.wall.us <= absence.from.wall.us &&
            known->from.boot.us <= absence.from.boot.us &&
            known->until.wall.us >= absence.from.wall.us &&
            known->until.boot.us >= absence.from.boot.us) {
            known->until = absence.until;
            return true;
        }
    }
    return false;
}

void
bf_absences_hear (bf_absences *self, bf_now said, bf_now now)
{
    bf_absence absence = {.from = now, .until = now};
    if (bf_us_add (said.boot.us, BF_AWAY_US) < now.boot.us) {
        absence.from.boot = said.boot;
        absence.from.wall.us = now.wall.us - (now.boot.us - said.boot.us);
    }
    if (bf_us_add (said.wall.us, BF_AWAY_US) < now.wall.us) {
        absence.from.wall.us = sooner (said.wall.us, absence.from.wall.us);
    }
    if (absence.from.wall.us < now.wall.us && !goes_on (self, absence)) {
        keep (self, absence);
    }
}

/* What was due after the wall clock's new time is due again, in its time. */
static void
cut (bf_absences *self, bf_wall now)
{
    for (size_t i = 0; i < self->count; i++) {
        bf_absence *absence = &self->list[i];
        absence->until.wall.us = sooner (absence->until.wall.us, now.us);
        absence->from.wall.us = sooner (absence->from.wall.us, now.us);
    }
}

/* Since when one clock was away; `now` where it was not. */
static int64_t
away_since (int64_t last_us, int64_t planned_us, int64_t now_us)
{
    if (bf_us_add (planned_us, BF_AWAY_US) < now_us) {
        return sooner (later (planned_us, last_us + 1), now_us);
    }
    return now_us;
}

static bf_now
from_of (const bf_absences *self, bf_now now)
{
    if (!self->looked) {
        return beginning;
    }
    int64_t wall_us = away_since (self->last.wall.us, self->planned.wall.us, now.wall.us);
    int64_t boot_us = away_since (self->last.boot.us, self->planned.boot.us, now.boot.us);
    /* Whoever was away by the boot clock was away by every clock; the wall clock alone may
     * just have been set. */
    wall_us = sooner (wall_us, now.wall.us - (now.boot.us - boot_us));
    return (bf_now){.wall = {wall_us}, .boot = {boot_us}};
}

void
bf_absences_look (bf_absences *self, bf_now now)
{
    cut (self, now.wall);
    bf_now from = from_of (self, now);
    if (from.wall.us < now.wall.us) {
        keep (self, (bf_absence){.from = from, .until = now});
    }
    self->looked = true;
    self->last = now;
    self->planned = now;
}

void
bf_absences_sleep (bf_absences *self, bf_now next)
{
    self->planned = next;
}

int64_t
bf_absences_wall_reached (const bf_absences *self, bf_wall slot)
{
    int64_t reached_us = 0;
    for (size_t i = 0; i < self->count; i++) {
        const bf_absence *absence = &self->list[i];
        if (absence->from.wall.us <= slot.us && slot.us < absence->until.wall.us) {
            reached_us = absence->until.wall.us;
        }
    }
    return reached_us;
}

int64_t
bf_absences_boot_reached (const bf_absences *self, bf_boot slot)
{
    int64_t reached_us = 0;
    for (size_t i = 0; i < self->count; i++) {
        const bf_absence *absence = &self->list[i];
        if (absence->from.boot.us <= slot.us && slot.us < absence->until.boot.us) {
            reached_us = absence->until.boot.us;
        }
    }
    return reached_us;
}

bf_now
bf_absences_end (const bf_absences *self)
{
    bf_now end = beginning;
    for (size_t i = 0; i < self->count; i++) {
        end.wall.us = later (end.wall.us, self->list[i].until.wall.us);
        end.boot.us = later (end.boot.us, self->list[i].until.boot.us);
    }
    return end;
}

void
bf_absences_forget (bf_absences *self, bf_wall *from, bf_wall *until)
{
    BF_INVARIANT (self->count > 0);
    int64_t from_us = INT64_MAX;
    for (size_t i = 0; i < self->count; i++) {
        from_us = sooner (from_us, self->list[i].from.wall.us);
    }
    *from = (bf_wall){from_us != INT64_MIN ? from_us : 0};
    *until = bf_absences_end (self).wall;
    self->count = 0;
}
