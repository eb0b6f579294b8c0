/* SPDX-License-Identifier: MPL-2.0
 *
 * Preview: the slots that follow from a definition, one after the other without a hole, by
 * rules that the scheduler may go by; and a note at exactly those that a clock change had a
 * say in.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/simulation/checker/slots.h"

#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define BIT(name) (UINT64_C (1) << CODE (name))
#define TRIGGER(name) BELFRY__V1__JOB_SPEC__TRIGGER_##name
#define PREVIEW_LIMIT 5
#define LAST_US INT64_C (13569465600000000)

typedef struct {
    const Belfry__V1__PreviewReply *out;
    slots_job grid;   /* what the slots are asked of */
    uint32_t limit;   /* not more than so many */
    int64_t after_us; /* the first is behind this… */
    bool after_known; /* …if that is known */
    char text[160];   /* what is wrong */
} preview;

static bool
is_wrong (preview *self, const char *what, int64_t shown_us, int64_t told_us)
{
    snprintf (self->text, sizeof self->text, "%s: %" PRId64 ", not %" PRId64, what,
              shown_us, told_us);
    return false;
}

/* The slots, as the grid has them now. */
static bool
fits (preview *self)
{
    const Belfry__V1__PreviewReply *out = self->out;
    int64_t at_us = self->after_us;
    int64_t next_us = 0;
    for (size_t i = 0; i < out->n_slots; i++) {
        const Belfry__V1__PreviewReply__Slot *slot = out->slots[i];
        bool known = i > 0 || self->after_known;
        bool more = slots_after (&self->grid, known ? at_us : slot->due_us - 1, &next_us);
        if (!more || next_us != slot->due_us) {
            return is_wrong (self, "it shows a slot", slot->due_us, more ? next_us : -1);
        }
        bool touched =
            self->grid.calendar &&
            calendar_is_touched (self->grid.calendar, slot->due_us - self->grid.offset_us);
        if (touched != (slot->note[0] != '\0')) {
            return is_wrong (
                self, touched ? "a clock change is not noted" : "a clock change is noted",
                slot->due_us, touched);
        }
        at_us = slot->due_us;
    }
    bool all = out->n_slots < self->limit && (out->n_slots > 0 || self->after_known);
    return !(all && slots_after (&self->grid, at_us, &next_us)) ||
           is_wrong (self, "it leaves out the last", -1, next_us);
}

/* By any of the rules that there may be. */
static bool
fits_some (checker *self, preview *what)
{
    slots *all = checker_slots (self);
    const Belfry__V1__JobSpec *spec = what->grid.parts.spec;
    int64_t true_us = world_now (self->world).true_us;
    const zone_rules *rules = NULL;
    bool found = false;
    while (!found && grids_rules (all, spec->tz, true_us, &rules)) {
        calendar_destroy (&what->grid.calendar);
        what->grid.parts.rules = rules;
        what->grid.calendar = calendar_new (&what->grid.parts);
        found = what->grid.calendar && fits (what);
    }
    calendar_destroy (&what->grid.calendar);
    return found;
}

/* Of a definition: what it is made of. False: a calendar is not there. */
static bool
take_spec (const checker *self, preview *what, const Belfry__V1__JobSpec *spec)
{
    what->grid.recurs = calendar_recurs (spec->trigger_case);
    what->grid.end_us = spec->end_us != 0 ? spec->end_us : LAST_US;
    what->grid.parts.spec = spec;
    for (size_t i = 0; i < spec->n_exclude && i < CALENDAR_EXCLUDES; i++) {
        const Belfry__V1__ExclusionCalendar *there =
            grids_exclude (checker_slots (self), spec->ns, spec->exclude[i]);
        if (!there) {
            return false;
        }
        what->grid.parts.excludes[what->grid.parts.exclude_count++] = there;
    }
    return true;
}

/* What has no beginning of its own begins when it is asked. */
static bool
begins_now (const Belfry__V1__JobSpec *spec)
{
    return spec->trigger_case == TRIGGER (EVERY)
               ? spec->every->anchor_case != BELFRY__V1__EVERY__ANCHOR_ANCHOR_US
               : spec->trigger_case == TRIGGER (RRULE) && !strstr (spec->rrule, "DTSTART");
}

static void
judge_slots (checker *self, const case_t *it, preview *what)
{
    const Belfry__V1__JobSpec *spec = what->grid.parts.spec;
    bool plain = !calendar_is_zoned (spec->trigger_case) && spec->n_exclude == 0;
    if (plain) {
        /* The point before. */
        int64_t interval_us = spec->every->interval_us;
        int64_t offset_us = spec->every->anchor_us + what->grid.offset_us;
        what->grid.interval_us = interval_us;
        if (!what->after_known && what->out->n_slots > 0) {
            what->after_us = what->out->slots[0]->due_us - 1;
        }
        what->after_us =
            floor_divide (what->after_us - offset_us, interval_us) * interval_us +
            offset_us;
        what->after_known |= what->out->n_slots > 0;
    }
    if (plain ? !fits (what) : !fits_some (self, what)) {
        judge_broken (self, it, "answers", 0, "%s", what->text);
    }
}

static void
judge_spec (checker *self, const case_t *it, const Belfry__V1__Preview *in)
{
    const Belfry__V1__PreviewReply *out = it->what->reply->preview;
    preview what = {.out = out, .after_us = in->from_us, .after_known = in->from_us != 0};
    if (!out->spec || !take_spec (self, &what, out->spec)) {
        judge_broken (self, it, "answers", 0, "its definition is not whole");
    }
    uint32_t limit = in->limit != 0 ? in->limit : PREVIEW_LIMIT;
    what.limit = out->spec->max_runs != 0 && out->spec->max_runs < limit
                     ? out->spec->max_runs
                     : limit;
    if (out->n_slots > what.limit) {
        judge_broken (self, it, "answers", 0, "it shows more slots than there are");
    }
    if (!what.grid.recurs || begins_now (out->spec)) {
        return;
    }
    if (what.after_us < out->spec->start_us) {
        what.after_us = out->spec->start_us - 1;
        what.after_known |= in->from_us != 0 || out->spec->start_us > self->latest_wall_us;
    }
    judge_slots (self, it, &what);
}

static void
judge_job (checker *self, const case_t *it, const Belfry__V1__Preview *in,
           const model_job *job)
{
    const Belfry__V1__PreviewReply *out = it->what->reply->preview;
    const slots_job *there = table_get_number (checker_slots (self)->jobs, job->id);
    preview what = {.out = out, .after_known = true};
    if (!there || !there->recurs || !there->waits) {
        return;
    }
    /* From the armed one on. */
    what.after_us = in->from_us < there->next_us ? there->next_us - 1 : in->from_us;
    what.grid = *there;
    what.grid.calendar = NULL;
    uint32_t limit = in->limit != 0 ? in->limit : PREVIEW_LIMIT;
    uint32_t left = there->max_runs > there->fired ? there->max_runs - there->fired : 0;
    what.limit = there->max_runs != 0 && left < limit ? left : limit;
    if (out->n_slots > what.limit) {
        judge_broken (self, it, "answers", job->id, "it shows more slots than there are");
    }
    judge_slots (self, it, &what);
}

void
judge_preview (checker *self, const case_t *it, const Belfry__V1__Preview *in)
{
    const model_job *job = in->job ? past_find (self, in->job, it->up_to) : NULL;
    const model_event *at = job ? past_job (self, job, it->up_to) : NULL;
    uint64_t must = in->job && !job                             ? BIT (NOT_FOUND)
                    : at && !model_job_is_open (at->job->state) ? BIT (WRONG_STATE)
                                                                : 0;
    /* A definition that means nothing, or a calendar that is not there. */
    judge_refusal (self, it, job ? job->id : 0, must, in->spec ? BIT (INVALID) : 0);
    if (it->code != CODE (OK) || !it->fresh) {
        return;
    }
    if (it->what->reply->result_case != BELFRY__V1__REPLY__RESULT_PREVIEW) {
        judge_broken (self, it, "answers", 0, "it has another result");
    }
    if (in->spec) {
        judge_spec (self, it, in);
    } else {
        judge_job (self, it, in, job);
    }
}
