/* SPDX-License-Identifier: MPL-2.0
 *
 * Questions about triggers, answered by core/calendar.
 */
#include "apps/belfry/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/calendar/rrule.h"
#include "persist/zoneinfo.h"

/* --- zones ------------------------------------------------------------------------- */

struct bf_cli_zones {
    const char *directory;
    bf_map *map; /* name -> bf_zone, owned */
};

bf_cli_zones *
bf_cli_zones_new (const char *directory)
{
    bf_cli_zones *self = calloc (1, sizeof *self);
    if (self) {
        self->directory = directory;
        self->map = bf_map_new (0);
        if (!self->map) {
            bf_cli_zones_destroy (&self);
        }
    }
    return self;
}

void
bf_cli_zones_destroy (bf_cli_zones **self_p)
{
    bf_cli_zones *self = *self_p;
    if (!self) {
        return;
    }
    size_t cursor = 0;
    bf_zone *zone;
    while (self->map && (zone = bf_map_each (self->map, &cursor))) {
        bf_zone_destroy (&zone);
    }
    bf_map_destroy (&self->map);
    free (self);
    *self_p = NULL;
}

bf_err
bf_cli_zones_find (bf_cli_zones *self, const char *name, const bf_zone **zone,
                   bf_error *error)
{
    if (bf_zone_name_is_utc (name)) {
        *zone = bf_zone_utc ();
        return BF_OK;
    }
    bf_zone *found = bf_map_get (self->map, name, strlen (name));
    if (!found) {
        bf_err err = bf_zoneinfo_open (self->directory, name, &found, error);
        if (err == BF_OK && bf_map_put (self->map, name, strlen (name), found) != BF_OK) {
            bf_zone_destroy (&found);
            err = bf_fail_plain (error, BF_ENOMEM);
        }
        if (err != BF_OK) {
            return err;
        }
    }
    *zone = found;
    return BF_OK;
}

/* --- questions --------------------------------------------------------------------- */

/* The zone that the text names, that which was said, or UTC. */
static bf_err
find_zone (bf_cli_zones *zones, const bf_cli_question *question, const bf_zone **zone,
           bf_error *error)
{
    char named[BF_ZONE_NAME_BYTES + 1] = "";
    if (question->kind != BF_RECURRENCE_NONE) {
        bf_err err = bf_recurrence_check (question->kind, question->text, named, error);
        if (err != BF_OK) {
            return err;
        }
    }
    const char *tz = question->tz;
    bool both = tz && *named && strcmp (tz, named) != 0;
    if (both && !(bf_zone_name_is_utc (tz) && bf_zone_name_is_utc (named))) {
        return bf_fail (error, BF_EINVALID,
                        "the zone is %s, but the text names %s: leave one of them out", tz,
                        named);
    }
    return bf_cli_zones_find (zones, tz ? tz : *named ? named : "UTC", zone, error);
}

static bf_err
refuse_year (const char *text, bf_error *error)
{
    return bf_fail (error, BF_EINVALID, "\"%s\" lies outside of the years 1970 to 2400",
                    text);
}

/* An instant to begin after: local time is never guessed, not even of a date. */
static bf_err
read_instant (const char *text, int64_t *us, bf_error *error)
{
    bf_wall wall = {0};
    if (!text) {
        *us = bf_now_read ().wall.us;
        return BF_OK;
    }
    if (bf_wall_parse (text, &wall, NULL) != BF_OK || !strchr (text, 'T')) {
        return bf_fail (error, BF_EINVALID,
                        "\"%s\" is no instant such as 2026-11-23T13:05:46Z", text);
    }
    if (wall.us < 0 || wall.us / BF_SECOND_US > BF_INSTANT_MAX_S) {
        return refuse_year (text, error);
    }
    *us = wall.us;
    return BF_OK;
}

/* Where a rule begins that does not say so itself. */
static bf_err
read_start (const bf_cli_question *question, const bf_zone *zone, bf_local *start,
            bf_error *error)
{
    if (!question->from) {
        int64_t now_us = bf_now_read ().wall.us;
        bf_instant next = {now_us / BF_SECOND_US + (now_us % BF_SECOND_US > 0)};
        *start = bf_zone_local (zone, next);
        return BF_OK;
    }
    bf_rrule *rule = NULL;
    bf_err err = bf_rrule_parse (question->text, &rule, error);
    if (err == BF_OK && bf_rrule_has_start (rule)) {
        err =
            bf_fail (error, BF_EINVALID,
                     "the rule says its DTSTART itself: leave \"%s\" out", question->from);
    }
    bf_rrule_destroy (&rule);
    if (err != BF_OK) {
        return err;
    }
    if (!bf_local_parse (question->from, start)) {
        return bf_fail (error, BF_EINVALID,
                        "\"%s\" is no local time such as 2026-11-23T14:05:46, without Z",
                        question->from);
    }
    if (start->s < BF_INSTANT_MIN_S || start->s > BF_INSTANT_MAX_S) {
        return refuse_year (question->from, error);
    }
    return BF_OK;
}

static bf_err
open_interval (bf_cli_slots *self, const bf_cli_question *question, bf_error *error)
{
    bf_err err = read_instant (question->from, &self->after_us, error);
    if (err != BF_OK) {
        return err;
    }
    bf_trigger trigger = {
        .kind = BF_TRIGGER_EVERY,
        .us = question->interval_us,
        .anchored = question->anchored,
        .anchor_us = question->anchor_us,
    };
    int64_t anchor_us = bf_trigger_anchor (&trigger, self->zone, self->after_us);
    self->grid = bf_grid_of (&trigger, NULL, anchor_us, 0);
    return BF_OK;
}

/* A rule is asked from its beginning on, all others from an instant on. */
static bf_err
open_recurrence (bf_cli_slots *self, const bf_cli_question *question, bf_error *error)
{
    bf_recurrence_args args = {
        .kind = question->kind,
        .text = question->text,
        .zone = self->zone,
        .switches = question->switches,
    };
    bf_err err;
    if (question->kind == BF_RECURRENCE_RRULE) {
        self->after_us = BF_INSTANT_MIN_S * BF_SECOND_US - 1;
        err = read_start (question, self->zone, &args.start, error);
    } else {
        err = read_instant (question->from, &self->after_us, error);
    }
    return err == BF_OK ? bf_recurrence_new (&args, &self->recurrence, error) : err;
}

bf_err
bf_cli_slots_open (bf_cli_slots *self, bf_cli_zones *zones, const bf_cli_question *question,
                   bf_error *error)
{
    *self = (bf_cli_slots){0};
    bf_err err = find_zone (zones, question, &self->zone, error);
    if (err != BF_OK) {
        return err;
    }
    return question->kind == BF_RECURRENCE_NONE ? open_interval (self, question, error)
                                                : open_recurrence (self, question, error);
}

void
bf_cli_slots_close (bf_cli_slots *self)
{
    bf_recurrence_destroy (&self->recurrence);
}

bool
bf_cli_slots_next (bf_cli_slots *self, int64_t *due_us)
{
    bool found;
    if (self->recurrence) {
        bf_instant slot;
        int64_t rest_us = self->after_us % BF_SECOND_US;
        int64_t whole_s = self->after_us / BF_SECOND_US - (rest_us < 0);
        found = bf_recurrence_first (self->recurrence, (bf_instant){whole_s + 1},
                                     (bf_instant){BF_INSTANT_MAX_S + 1}, &slot);
        *due_us = found ? slot.s * BF_SECOND_US : 0;
    } else {
        found = bf_grid_next (&self->grid, self->after_us, due_us);
    }
    if (found) {
        self->after_us = *due_us;
    }
    return found;
}
