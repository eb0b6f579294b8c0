/* SPDX-License-Identifier: MPL-2.0
 *
 * Puts a text, a zone and exclusion calendars together. An instant is excluded where what a
 * wall shows at it is; a search that lands there goes on behind the excluded stretch, and a
 * count counts the stretches between: no slot is ever looked at by itself.
 */
#include "core/calendar/recurrence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/calendar/cron.h"
#include "core/calendar/daily.h"
#include "core/calendar/recurrence_note.h"
#include "core/calendar/rrule.h"

/* How far a search goes on from one excluded stretch to the next. */
#define EXCLUDED_MAX_S (BF_CRON_YEARS * 366 * BF_DAY_S)

struct bf_recurrence {
    bf_recurrence_kind kind;
    char *text;           /* DAILY, RRULE: blanks squeezed */
    bf_cron cron;         /* CRON, DAILY */
    bf_rrule *rrule;      /* RRULE */
    bf_local_times times; /* of either */
    bf_instant until;     /* no slot from here on: UNTIL of an RRULE */
    size_t n_exclusions;
    const bf_exclusion *exclusions[];
};

/* One blank between words, none around them. */
static char *
squeeze (const char *text)
{
    char *copy = malloc (strlen (text) + 1);
    if (copy == NULL) {
        return NULL;
    }
    size_t length = 0;
    for (const char *at = text + strspn (text, " \t\r\n"); *at != '\0';) {
        size_t word = strcspn (at, " \t\r\n");
        if (length > 0) {
            copy[length++] = ' ';
        }
        memcpy (copy + length, at, word);
        length += word;
        at += word;
        at += strspn (at, " \t\r\n");
    }
    copy[length] = '\0';
    return copy;
}

static bf_err
read_cron (bf_recurrence *self, const bf_recurrence_args *args, bf_error *error)
{
    char zone[BF_ZONE_NAME_BYTES + 1];
    bf_err rc = args->kind == BF_RECURRENCE_CRON
                    ? bf_cron_parse (args->text, &self->cron, error)
                    : bf_daily_parse (args->text, &self->cron, zone, error);
    if (rc == BF_OK) {
        self->times.kind = &bf_cron_times;
        self->times.set = &self->cron;
        self->times.switches = bf_cron_switches (&self->cron);
    }
    return rc;
}

static bf_err
read_rrule (bf_recurrence *self, const bf_recurrence_args *args, bf_error *error)
{
    bf_err rc = bf_rrule_parse (args->text, &self->rrule, error);
    if (rc == BF_OK) {
        rc = bf_rrule_open (self->rrule, args->zone, args->start, error);
        self->times.kind = &bf_rrule_times;
        self->times.set = self->rrule;
        self->times.switches = bf_rrule_switches ();
        self->until = bf_rrule_until (self->rrule);
    }
    return rc;
}

static bf_err
read_text (bf_recurrence *self, const bf_recurrence_args *args, bf_error *error)
{
    if (args->kind == BF_RECURRENCE_NONE) {
        return BF_OK;
    }
    bf_err rc = args->kind == BF_RECURRENCE_RRULE ? read_rrule (self, args, error)
                                                  : read_cron (self, args, error);
    if (rc != BF_OK) {
        return rc;
    }
    self->text = squeeze (args->text);
    return self->text != NULL ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

bf_err
bf_recurrence_new (const bf_recurrence_args *args, bf_recurrence **self_p, bf_error *error)
{
    size_t list_bytes = args->n_exclusions * sizeof (const bf_exclusion *);
    bf_recurrence *self = malloc (sizeof *self + list_bytes);
    if (self == NULL) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    *self = (bf_recurrence){
        .kind = args->kind, .until = {INT64_MAX}, .n_exclusions = args->n_exclusions};
    for (size_t i = 0; i < args->n_exclusions; i++) {
        self->exclusions[i] = args->exclusions[i];
    }
    bf_err rc = read_text (self, args, error);
    if (rc != BF_OK) {
        bf_recurrence_destroy (&self);
        return rc;
    }
    self->times.zone = args->zone;
    if (args->switches.skipped != 0) {
        self->times.switches.skipped = args->switches.skipped;
    }
    if (args->switches.repeated != 0) {
        self->times.switches.repeated = args->switches.repeated;
    }
    *self_p = self;
    return BF_OK;
}

void
bf_recurrence_destroy (bf_recurrence **self_p)
{
    bf_recurrence *self = *self_p;
    if (self != NULL) {
        bf_rrule_destroy (&self->rrule);
        free (self->text);
        free (self);
        *self_p = NULL;
    }
}

bf_err
bf_recurrence_check (bf_recurrence_kind kind, const char *text,
                     char zone[BF_ZONE_NAME_BYTES + 1], bf_error *error)
{
    bf_cron cron;
    bf_rrule *rrule = NULL;
    bf_err rc = BF_OK;
    char named[BF_ZONE_NAME_BYTES + 1] = "";
    if (kind == BF_RECURRENCE_CRON) {
        rc = bf_cron_parse (text, &cron, error);
    } else if (kind == BF_RECURRENCE_DAILY) {
        rc = bf_daily_parse (text, &cron, named, error);
    } else if (kind == BF_RECURRENCE_RRULE) {
        rc = bf_rrule_parse (text, &rrule, error);
        if (rc == BF_OK) {
            snprintf (named, sizeof named, "%s", bf_rrule_zone (rrule));
        }
        bf_rrule_destroy (&rrule);
    }
    if (rc == BF_OK) {
        memcpy (zone, named, sizeof named);
    }
    return rc;
}

bf_switches
bf_recurrence_switches (const bf_recurrence *self)
{
    return self->times.switches;
}

bool
bf_recurrence_has_exclusions (const bf_recurrence *self)
{
    return self->n_exclusions > 0;
}

/* The stretch of local times is cut at the ends of the span: within it instants and local
 * times map one to one. */
bool
bf_recurrence_excludes (const bf_recurrence *self, bf_instant at, bf_instant *from,
                        bf_instant *until)
{
    bf_zone_span span = bf_zone_at (self->times.zone, at);
    bf_local low;
    bf_local high;
    bool excluded = bf_exclusion_at (self->exclusions, self->n_exclusions,
                                     (bf_local){at.s + span.offset_s}, &low, &high);
    low.s -= span.offset_s;
    high.s -= span.offset_s;
    from->s = low.s > span.from.s ? low.s : span.from.s;
    until->s = high.s < span.until.s ? high.s : span.until.s;
    return excluded;
}

/* Instants, held to those that the calendar knows. */
static void
hold (bf_instant *from, bf_instant *until)
{
    if (from->s < BF_INSTANT_MIN_S) {
        from->s = BF_INSTANT_MIN_S;
    }
    if (until->s > BF_INSTANT_MAX_S + 1) {
        until->s = BF_INSTANT_MAX_S + 1;
    }
}

/* Instants, held to those before UNTIL. */
static bf_instant
earlier (bf_instant until, bf_instant bound)
{
    return until.s < bound.s ? until : bound;
}

bool
bf_recurrence_first (const bf_recurrence *self, bf_instant from, bf_instant until,
                     bf_instant *found)
{
    until = earlier (until, self->until);
    if (self->n_exclusions == 0) {
        return bf_local_times_first (&self->times, from, until, found);
    }
    hold (&from, &until);
    int64_t limit_s = from.s + EXCLUDED_MAX_S;
    bf_instant slot;
    while (from.s < limit_s && bf_local_times_first (&self->times, from, until, &slot)) {
        bf_instant low;
        if (!bf_recurrence_excludes (self, slot, &low, &from)) {
            *found = slot;
            return true;
        }
        while (from.s < limit_s && bf_recurrence_excludes (self, from, &low, &slot)) {
            from = slot;
        }
    }
    return false;
}

bool
bf_recurrence_last (const bf_recurrence *self, bf_instant from, bf_instant until,
                    bf_instant *found)
{
    until = earlier (until, self->until);
    if (self->n_exclusions == 0) {
        return bf_local_times_last (&self->times, from, until, found);
    }
    hold (&from, &until);
    int64_t limit_s = until.s - EXCLUDED_MAX_S;
    bf_instant slot;
    while (until.s > limit_s && bf_local_times_last (&self->times, from, until, &slot)) {
        bf_instant high;
        if (!bf_recurrence_excludes (self, slot, &until, &high)) {
            *found = slot;
            return true;
        }
        while (until.s > limit_s &&
               bf_recurrence_excludes (self, (bf_instant){until.s - 1}, &slot, &high)) {
            until = slot;
        }
    }
    return false;
}

uint64_t
bf_recurrence_count (const bf_recurrence *self, bf_instant from, bf_instant until)
{
    until = earlier (until, self->until);
    if (self->n_exclusions == 0) {
        return bf_local_times_count (&self->times, from, until);
    }
    hold (&from, &until);
    uint64_t count = 0;
    for (bf_instant at = from; at.s < until.s;) {
        bf_instant low;
        bf_instant high;
        if (bf_recurrence_excludes (self, at, &low, &high)) {
            count += bf_local_times_count (&self->times, from, at);
            from = high;
        }
        at = high;
    }
    return count + bf_local_times_count (&self->times, from, until);
}

char *
bf_recurrence_note (const bf_recurrence *self, bf_instant slot, char buffer[BF_NOTE_BYTES])
{
    bf_local local;
    bf_slot_note note = bf_local_times_explain (&self->times, slot, &local);
    bf_local shown = bf_zone_local (self->times.zone, slot);
    return bf_slot_note_format (note, local, shown, self->times.zone, buffer);
}

char *
bf_recurrence_print (const bf_recurrence *self, char *buffer, size_t size)
{
    char cron[BF_CRON_BYTES];
    const char *text = self->text;
    if (self->kind == BF_RECURRENCE_CRON) {
        text = bf_cron_print (&self->cron, cron);
    }
    snprintf (buffer, size, "%s", text != NULL ? text : "");
    return buffer;
}

char *
bf_recurrence_explain (const bf_recurrence *self, char *buffer, size_t size)
{
    if (self->kind == BF_RECURRENCE_RRULE) {
        return bf_rrule_explain (self->rrule, buffer, size);
    }
    if (self->kind != BF_RECURRENCE_NONE) {
        return bf_cron_explain (&self->cron, buffer, size);
    }
    snprintf (buffer, size, "%s", "");
    return buffer;
}
