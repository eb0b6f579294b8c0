/* SPDX-License-Identifier: MPL-2.0
 *
 * The slots of a recurring definition, whatever makes them: a grid, or a calendar. And what
 * becomes of them when a zone or an exclusion calendar changes:
 *
 *   decided        now            next
 *   ---x------------|--------------x------------>   by the old rules
 *                   |-------n------------------->   by the new ones: n is next, and told
 *
 * A slot that is due already stays; everything else is as if the job had always had the new
 * rules, but what was decided is never decided again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/checker/slots.h"
#include "tests/simulation/cover.h"

/* 2400-01-01T00:00:00Z: no slot after it. */
#define LAST_US INT64_C (13569465600000000)
#define IMAGE(name) BELFRY__V1__##name

/* --- the grid ------------------------------------------------------------------------ */

static int64_t
remainder_of (int64_t value, int64_t by)
{
    int64_t rest = value % by;
    return rest < 0 ? rest + by : rest;
}

bool
slots_after (const slots_job *self, int64_t slot_us, int64_t *next_us)
{
    int64_t point_us = slot_us - self->offset_us;
    bool found = self->recurs;
    if (found && self->calendar) {
        found = calendar_next (self->calendar, point_us, &point_us);
    } else {
        point_us += self->interval_us;
    }
    /* Bounds are the grid's: the offset comes on top. */
    if (!found || point_us > self->end_us) {
        return false;
    }
    *next_us = point_us + self->offset_us;
    return true;
}

uint64_t
slots_before (const slots_job *self, int64_t first_us, int64_t before_us)
{
    if (before_us <= first_us) {
        return 0;
    }
    if (!self->recurs) {
        return 1;
    }
    int64_t until_us = before_us - 1 - self->offset_us;
    int64_t point_us = first_us - self->offset_us;
    until_us = until_us < self->end_us ? until_us : self->end_us;
    return 1 + (self->calendar ? calendar_count (self->calendar, point_us + 1, until_us + 1)
                : until_us > point_us
                    ? (uint64_t)((until_us - point_us) / self->interval_us)
                    : 0);
}

/* --- zones and exclusion calendars --------------------------------------------------- */

/* Releases that nobody of the scheduler can have seen then. */
static const zone_rules *
newest_at (const slots *self, const char *tz, int64_t true_us)
{
    const zone_rules *rules = zones_find (world_zones (self->world), tz);
    while (rules && rules->since_us > true_us) {
        rules = rules->before;
    }
    return rules;
}

bool
grids_rules (const slots *self, const char *tz, int64_t true_us, const zone_rules **rules)
{
    const zone_rules *told = table_get (self->zones, tz, strlen (tz));
    *rules = *rules ? (*rules)->before : newest_at (self, tz, true_us);
    return *rules && (!told || (*rules)->since_us >= told->since_us);
}

#define PLACE_BYTES 256

/* "NS\0NAME"; returns its size. */
static size_t
place_of_exclude (const char *ns, const char *name, char place[PLACE_BYTES])
{
    return (size_t)snprintf (place, PLACE_BYTES, "%s%c%s", ns, '\0', name);
}

const Belfry__V1__ExclusionCalendar *
grids_exclude (const slots *self, const char *ns, const char *name)
{
    char place[PLACE_BYTES];
    size_t size = place_of_exclude (ns, name, place);
    return table_get (self->excludes, place, size);
}

static void
note_exclude (slots *self, const Belfry__V1__ExclusionCalendar *image)
{
    char place[PLACE_BYTES];
    size_t size = place_of_exclude (image->ns, image->name, place);
    if (image->version == 0) {
        table_remove (self->excludes, place, size);
    } else {
        table_put (self->excludes, place, size, (void *)image);
    }
}

/* What the definition's calendar is made of now. */
static void
take_parts (slots *self, slots_job *job, const zone_rules *rules)
{
    const Belfry__V1__JobSpec *spec = job->parts.spec;
    job->parts.rules = rules;
    job->parts.exclude_count = 0;
    for (size_t i = 0; i < spec->n_exclude && i < CALENDAR_EXCLUDES; i++) {
        const Belfry__V1__ExclusionCalendar *there =
            grids_exclude (self, spec->ns, spec->exclude[i]);
        if (!there) {
            world_broken (self->world, "2", job->id, "there is no calendar %s %s", spec->ns,
                          spec->exclude[i]);
        }
        job->parts.excludes[job->parts.exclude_count++] = there;
    }
    calendar_destroy (&job->calendar);
    job->calendar = calendar_new (&job->parts);
    if (!job->calendar) {
        world_broken (self->world, "2", job->id, "its definition means nothing");
    }
}

/* --- definitions --------------------------------------------------------------------- */

/* Of a grid the first point at which the offset can be read off; of a calendar the one
 * whose slot it must be: the first that is not over. */
static bool
find_offset (const happened *event, const Belfry__V1__JobSpec *spec, int64_t *offset_us)
{
    slots_job *job = event->slots_job;
    int64_t due_us = event->said->job_after->due_us;
    if (!job->calendar) {
        *offset_us = remainder_of (due_us - spec->every->anchor_us, job->interval_us);
        return *offset_us <= spec->jitter_us;
    }
    if (job->has_offset && spec->jitter_us == job->jitter_us) {
        *offset_us = job->offset_us;
        return true;
    }
    int64_t point_us = due_us - spec->jitter_us - 1;
    int64_t before_us = INT64_MIN;
    while (calendar_next (job->calendar, point_us, &point_us) && point_us <= due_us) {
        *offset_us = due_us - point_us;
        bool first = before_us == INT64_MIN || before_us < spec->start_us ||
                     before_us + *offset_us <= event->said->at_us;
        if (first && point_us >= spec->start_us) {
            return true;
        }
        before_us = point_us;
    }
    return false;
}

static void
define_parts (const happened *event, const Belfry__V1__JobSpec *spec)
{
    slots_job *job = event->slots_job;
    job->recurs = true;
    job->parts = (calendar_parts){.spec = spec};
    job->interval_us = 0;
    job->end_us = spec->end_us != 0 && spec->end_us < LAST_US ? spec->end_us : LAST_US;
    if (spec->trigger_case == IMAGE (JOB_SPEC__TRIGGER_EVERY)) {
        job->interval_us = spec->every->interval_us;
        if (spec->every->anchor_case != IMAGE (EVERY__ANCHOR_ANCHOR_US) ||
            job->interval_us <= 0) {
            slots_broken (event, "2", "the definition does not show its grid");
        }
    }
}

/* The first that is due after now, and not before the start. */
static bool
first_slot (const happened *event, int64_t offset_us, int64_t *first_us)
{
    const slots_job *job = event->slots_job;
    const Belfry__V1__JobSpec *spec = job->parts.spec;
    int64_t after_us = event->said->at_us - offset_us;
    after_us = after_us < spec->start_us - 1 ? spec->start_us - 1 : after_us;
    after_us = after_us < -1 ? -1 : after_us;
    if (job->calendar) {
        if (!calendar_next (job->calendar, after_us, first_us)) {
            return false;
        }
    } else {
        *first_us = after_us + job->interval_us -
                    remainder_of (after_us - spec->every->anchor_us, job->interval_us);
    }
    *first_us += offset_us;
    return *first_us - offset_us <= job->end_us;
}

/* Its first slot, and so its offset, are what the definition says. */
static bool
fits_first (const happened *event, int64_t *offset_us, int64_t *first_us)
{
    return find_offset (event, event->slots_job->parts.spec, offset_us) &&
           first_slot (event, *offset_us, first_us) &&
           *first_us == event->said->job_after->due_us;
}

static bool
fits_rules (const happened *event, const zone_rules *rules, int64_t *offset_us,
            int64_t *first_us)
{
    slots_job *job = event->slots_job;
    const Belfry__V1__JobSpec *spec = job->parts.spec;
    int64_t begin_us = spec->start_us != 0 ? spec->start_us : event->said->at_us;
    job->begin_at_s = floor_divide (begin_us - 1, SECOND_US) + 1;
    job->parts.begin_s = local_of_instant (rules, job->begin_at_s);
    take_parts (event->slots, job, rules);
    return fits_first (event, offset_us, first_us);
}

/* By the rules that the scheduler plans with, as far as anybody knows: those of the last
 * definition, or newer ones. */
static bool
define_zoned (const happened *event, int64_t *offset_us, int64_t *first_us)
{
    slots *self = event->slots;
    const char *tz = event->slots_job->parts.spec->tz;
    const zone_rules *rules = table_get (self->planned, tz, strlen (tz));
    bool fits = rules && fits_rules (event, rules, offset_us, first_us);
    rules = fits ? rules : NULL;
    while (!fits && grids_rules (self, tz, event->when.true_time.most_us, &rules)) {
        fits = fits_rules (event, rules, offset_us, first_us);
    }
    if (fits) {
        table_put (self->planned, tz, strlen (tz), (void *)rules);
    }
    return fits;
}

void
grids_define (const happened *event, const Belfry__V1__JobSpec *spec)
{
    slots_job *job = event->slots_job;
    int64_t offset_us = 0;
    int64_t first_us = -1;
    define_parts (event, spec);
    bool plain = job->interval_us != 0 && spec->n_exclude == 0;
    if (!(plain ? fits_first (event, &offset_us, &first_us)
                : define_zoned (event, &offset_us, &first_us))) {
        slots_broken (event, "2",
                      "%" PRId64 " is not the first slot of the definition, with a jitter "
                      "of %" PRId64 ": %" PRId64 " is",
                      event->said->job_after->due_us, spec->jitter_us, first_us);
    }
    bool same = job->has_offset && spec->jitter_us == job->jitter_us;
    if (same && offset_us != job->offset_us) {
        slots_broken (event, "2", "the job's jitter was %" PRId64 " and is %" PRId64,
                      job->offset_us, offset_us);
    }
    job->has_offset = true;
    job->offset_us = offset_us;
    job->jitter_us = spec->jitter_us;
    job->max_runs = spec->max_runs;
}

int64_t
slots_anchor (checker *whole, uint64_t id, int64_t there_us)
{
    slots *self = checker_slots (whole);
    slots_job *job = table_get_number (self->jobs, id);
    if (!job || !job->calendar ||
        job->parts.spec->trigger_case != IMAGE (JOB_SPEC__TRIGGER_RRULE)) {
        return 0;
    }
    const zone_rules *rules = NULL;
    int64_t true_us = world_now (self->world).true_us;
    while (job->parts.begin_s * SECOND_US != there_us &&
           grids_rules (self, job->parts.spec->tz, true_us, &rules)) {
        if (local_of_instant (rules, job->begin_at_s) * SECOND_US == there_us) {
            job->parts.begin_s = there_us / SECOND_US;
            take_parts (self, job, job->parts.rules);
        }
    }
    return job->parts.begin_s * SECOND_US;
}

/* --- rules that nobody has told of yet ------------------------------------------------ */

/* Whether the event, which decided a slot, leaves the job where these rules do. */
static bool
goes_on_well (const happened *event, int64_t last_us)
{
    const Belfry__V1__Job *image = event->said->job_after;
    int64_t next_us;
    bool more = slots_after (event->slots_job, last_us, &next_us);
    if (image->state != IMAGE (JOB_STATE__JOB_STATE_SCHEDULED)) {
        /* Having fired so often that it ends, it ends by any rules. */
        uint32_t most = event->slots_job->max_runs;
        return !more || (most != 0 && event->slots_job->fired >= most);
    }
    return more && (image->due_us == next_us || image->due_us == last_us);
}

void
grids_settle (const happened *event, int64_t first_us, int64_t last_us, uint64_t count)
{
    slots *self = event->slots;
    slots_job *job = event->slots_job;
    const Belfry__V1__Job *image = event->said->job_after;
    if (!job->calendar || !image || job->parts.rules == NULL) {
        return;
    }
    const zone_rules *known = job->parts.rules;
    const zone_rules *rules = known;
    const zone_rules *each = NULL;
    /* Missed ones are told before the one that fires: the job waits for them still. */
    bool begins = image->due_us == first_us && happened_is (event, "slot.missed");
    for (;;) {
        bool fits = slots_before (job, first_us, last_us + 1) == count &&
                    (begins || goes_on_well (event, last_us));
        if (fits) {
            return;
        }
        do {
            if (!grids_rules (self, job->parts.spec->tz, event->when.true_time.most_us,
                              &each)) {
                take_parts (self, job, known);
                return;
            }
        } while (each == known);
        rules = each;
        take_parts (self, job, rules);
    }
}

void
grids_cover (const slots_job *job, int64_t slot_us)
{
    static const char *const names[] = {
        [IMAGE (JOB_SPEC__TRIGGER_EVERY)] = "every, with exclusions",
        [IMAGE (JOB_SPEC__TRIGGER_CRON)] = "cron",
        [IMAGE (JOB_SPEC__TRIGGER_DAILY)] = "daily",
        [IMAGE (JOB_SPEC__TRIGGER_RRULE)] = "rrule",
    };
    if (job->calendar) {
        bool touched = calendar_is_touched (job->calendar, slot_us - job->offset_us);
        cover_hit (COVER_SLOT, names[job->parts.spec->trigger_case],
                   touched ? "touched" : "plain");
    }
}

void
grids_forget (slots_job *job)
{
    calendar_destroy (&job->calendar);
    job->recurs = false;
}

/* --- changes ------------------------------------------------------------------------- */

typedef struct {
    slots *self;
    const model_event *event;
    const Belfry__V1__Replanned *told;
    const zone_rules *rules; /* NULL: it is about a calendar */
    between true_time;
    uint64_t until; /* jobs up to this one were looked at */
    uint64_t job;   /* what is wrong, and with which: */
    char text[256];
} change;

static bool
is_wrong (change *self, uint64_t job, const char *what, int64_t was_us, int64_t next_us)
{
    self->job = job;
    snprintf (self->text, sizeof self->text,
              "%s; it was %" PRId64 ", and by the new rules it is %" PRId64, what, was_us,
              next_us);
    return false;
}

static bool
is_concerned (const change *self, const slots_job *job)
{
    if (!job->calendar || !(job->waits || job->ended)) {
        return false;
    }
    const Belfry__V1__JobSpec *spec = job->parts.spec;
    if (self->rules) {
        return strcmp (spec->tz, self->told->zone) == 0;
    }
    bool named = false;
    for (size_t i = 0; i < spec->n_exclude; i++) {
        named |= strcmp (spec->exclude[i], self->told->calendar->name) == 0;
    }
    return named && strcmp (spec->ns, self->told->calendar->ns) == 0;
}

/* Its next slot by the rules that it has: whether the event says just so. */
static bool
fits_behind (change *self, const slots_job *job, const model_job *model,
             const Belfry__V1__Replanned__Row *row, int64_t decided_us)
{
    int64_t now_us = self->event->event->at_us;
    int64_t after_us = model->image->armed_us;
    int64_t start_us = job->parts.spec->start_us + job->offset_us;
    int64_t next_us = 0;
    after_us = after_us > decided_us ? after_us : decided_us;
    /* The armed one itself is not lost, though the clock was set back since. */
    after_us = after_us < job->next_us ? after_us : job->next_us - 1;
    after_us = after_us > start_us - 1 ? after_us : start_us - 1;
    if (!job->ended && job->next_us <= now_us) {
        return !row || is_wrong (self, job->id, "a slot that is due was planned anew",
                                 job->next_us, row->due_us);
    }
    bool more = slots_after (job, after_us, &next_us);
    if (job->ended || !more) {
        return (job->ended && !more) ||
               is_wrong (self, job->id,
                         more ? "its slots were ended" : "it has no slot left, and goes on",
                         job->next_us, next_us);
    }
    if ((next_us != job->next_us) != (row != NULL)) {
        return is_wrong (self, job->id, row ? "its slot did not move" : "its slot stayed",
                         job->next_us, next_us);
    }
    return !row || (row->due_us == next_us && row->wake_us == next_us) ||
           is_wrong (self, job->id, "its next slot is told as another", row->due_us,
                     next_us);
}

/* Behind what was decided, or, where the clock was set back since, behind what a definition
 * before this one decided. */
static bool
fits_decided (change *self, const slots_job *job, const model_job *model,
              const Belfry__V1__Replanned__Row *row)
{
    return fits_behind (self, job, model, row, job->decided_us) ||
           (job->ever_us > job->decided_us &&
            fits_behind (self, job, model, row, job->ever_us));
}

/* Where a rule without DTSTART begins follows from the release that it was defined by. */
static bool
fits_job (change *self, slots_job *job, const model_job *model,
          const Belfry__V1__Replanned__Row *row)
{
    bool rule = job->parts.spec->trigger_case == IMAGE (JOB_SPEC__TRIGGER_RRULE);
    int64_t begin_s = job->parts.begin_s;
    const zone_rules *each = NULL;
    bool fits = fits_decided (self, job, model, row);
    while (!fits && rule &&
           grids_rules (self->self, job->parts.spec->tz, self->true_time.most_us, &each)) {
        job->parts.begin_s = local_of_instant (each, job->begin_at_s);
        take_parts (self->self, job, job->parts.rules);
        fits = fits_decided (self, job, model, row);
    }
    job->parts.begin_s = fits ? job->parts.begin_s : begin_s;
    return fits;
}

/* All jobs with their rows; with `adopt` they go by the new rules from now on. */
static bool
fits_all (change *self, bool adopt)
{
    const Belfry__V1__Replanned *told = self->told;
    size_t at = 0;
    size_t cursor = 0;
    const model_job *model;
    bool fits = true;
    while (fits && (model = model_each (self->self->checker, &cursor)) != NULL &&
           model->id <= self->until) {
        slots_job *job = table_get_number (self->self->jobs, model->id);
        if (!is_concerned (self, job)) {
            continue;
        }
        const Belfry__V1__Replanned__Row *row = at < told->n_rows ? told->rows[at] : NULL;
        row = row && row->job == job->id ? row : NULL;
        at += row != NULL;
        const zone_rules *before = job->parts.rules;
        take_parts (self->self, job, self->rules ? self->rules : before);
        fits = fits_job (self, job, model, row);
        if (!adopt) {
            take_parts (self->self, job, before);
            continue;
        }
        cover_hit (COVER_REPLAN, self->rules ? "zone" : "calendar",
                   job->ended ? "no slot left"
                   : row      ? "moved"
                              : "stays");
        job->ended = false;
        if (row) {
            job->next_us = row->due_us;
            job->since = self->true_time;
        }
    }
    return fits && (at == told->n_rows ||
                    is_wrong (self, told->rows[at]->job, "it has nothing to do with this",
                              0, told->rows[at]->due_us));
}

/* The newest release that explains it: the scheduler may have read an older one. */
static bool
find_release (change *self, int64_t true_us)
{
    const zone_rules *newest = NULL;
    const zone_rules *each = NULL;
    while (grids_rules (self->self, self->told->zone, true_us, &each)) {
        newest = newest ? newest : each;
        self->rules = each;
        if (fits_all (self, false)) {
            return true;
        }
    }
    self->rules = newest;
    return newest && fits_all (self, false);
}

void
grids_changed (slots *self, const model_event *event, moment when)
{
    const Belfry__V1__Replanned *told = event->event->replanned;
    change made = {.self = self, .event = event, .told = told, .true_time = when.true_time};
    made.until = told->done          ? UINT64_MAX
                 : told->n_rows == 0 ? 0
                                     : told->rows[told->n_rows - 1]->job;
    bool fits = true;
    if (told->zone[0] != '\0') {
        fits = find_release (&made, when.true_time.most_us);
    } else if (told->calendar) {
        note_exclude (self, told->calendar);
    }
    if (!fits || !fits_all (&made, true)) {
        world_broken (self->world, "2", made.job,
                      "seq %" PRIu64 " %s %s (at %" PRId64 ", %zu rows, %" PRIu64
                      " examined): %s",
                      event->seq, event->event->kind, told->zone, event->event->at_us,
                      told->n_rows, told->examined, made.text);
    }
    if (made.rules) {
        table_put (self->zones, told->zone, strlen (told->zone), (void *)made.rules);
        table_put (self->planned, told->zone, strlen (told->zone), (void *)made.rules);
    }
}

/* --- the end ------------------------------------------------------------------------- */

static bool
are_same (const zone_rules *a, const zone_rules *b)
{
    return strcmp (a->footer, b->footer) == 0 && a->written == b->written &&
           memcmp (a->spans, b->spans, a->written * sizeof a->spans[0]) == 0;
}

void
slots_finish (checker *whole)
{
    const slots *self = checker_slots (whole);
    size_t cursor = 0;
    const zone_rules *planned;
    while ((planned = table_each (self->planned, &cursor)) != NULL) {
        const zone_rules *newest = zones_find (world_zones (self->world), planned->name);
        if (newest->since_us > planned->since_us && !are_same (newest, planned)) {
            world_broken (self->world, "2", 0, "%s has other rules, and nobody noticed",
                          planned->name);
        }
    }
}
