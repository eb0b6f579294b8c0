/* SPDX-License-Identifier: MPL-2.0
 *
 * Exclusion calendars, as commands set them and reads show them, against those that the
 * events made; and Preview against the slots that a trigger has.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>

#include "tests/simulation/checker/slots.h"

#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define BIT(name) (UINT64_C (1) << CODE (name))
#define PREVIEW_LIMIT 5

/* --- exclusion calendars ---------------------------------------------------------------
 */

static bool
same_texts (char **a, size_t a_count, char **b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        same = strcmp (a[i], b[i]) == 0;
    }
    return same;
}

static bool
same_content (const Belfry__V1__ExclusionCalendar *a,
              const Belfry__V1__ExclusionCalendar *b)
{
    return same_texts (a->dates, a->n_dates, b->dates, b->n_dates) &&
           same_texts (a->windows, a->n_windows, b->windows, b->n_windows);
}

static const char *
or_default (const char *ns)
{
    return ns[0] != '\0' ? ns : "default";
}

/* The calendar's image by the newest event up to then; NULL: there was none. */
static const Belfry__V1__ExclusionCalendar *
calendar_then (const checker *self, const char *ns, const char *name, uint64_t seq)
{
    for (; seq > 0; seq--) {
        const Belfry__V1__Replanned *told = model_event_at (self, seq)->event->replanned;
        const Belfry__V1__ExclusionCalendar *image = told ? told->calendar : NULL;
        if (image && strcmp (image->name, name) == 0 &&
            strcmp (image->ns, or_default (ns)) == 0) {
            return image->version > 0 ? image : NULL;
        }
    }
    return NULL;
}

static void
check_shown (checker *self, const case_t *it, const Belfry__V1__ExclusionCalendar *shown,
             const Belfry__V1__ExclusionCalendar *told)
{
    if (!told || strcmp (shown->name, told->name) != 0 ||
        strcmp (shown->ns, told->ns) != 0 || shown->version != told->version ||
        shown->updated_us != told->updated_us || !same_content (shown, told)) {
        judge_broken (self, it, "answers", 0,
                      "it shows the calendar %s %s of version %" PRIu32
                      ", the log has another",
                      shown->ns, shown->name, shown->version);
    }
}

static const Belfry__V1__CalendarsReply *
result_of (checker *self, const case_t *it)
{
    const Belfry__V1__Reply *reply = it->what->reply;
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_CALENDARS) {
        judge_broken (self, it, "answers", 0, "it has another result");
    }
    return reply->calendars;
}

static uint64_t
conflict_of (const Belfry__V1__ExclusionCalendar *there, uint32_t if_version)
{
    return if_version != 0 && (!there || there->version != if_version)
               ? BIT (VERSION_CONFLICT)
               : 0;
}

void
judge_set_calendar (checker *self, case_t *it, const Belfry__V1__SetCalendar *in)
{
    const Belfry__V1__ExclusionCalendar *asked = in->calendar;
    const Belfry__V1__ExclusionCalendar *there =
        calendar_then (self, asked->ns, asked->name, it->up_to);
    if (it->code != CODE (OK)) {
        judge_refusal (self, it, 0, 0, conflict_of (there, in->if_version));
        return;
    }
    const Belfry__V1__CalendarsReply *out = result_of (self, it);
    if (!there || !same_content (asked, there)) {
        judge_broken (self, it, "1", 0, "the calendar %s is not in the log", asked->name);
    }
    if (out->n_calendars != 1 && !it->what->repeated) {
        judge_broken (self, it, "answers", 0, "it does not show the calendar");
    }
    if (it->what->repeated || out->n_calendars != 1) {
        return;
    }
    check_shown (self, it, out->calendars[0], there);
    const model_event *last = model_event_at (self, it->up_to);
    if (!out->unchanged && last->event->replanned == NULL) {
        judge_broken (self, it, "6", 0, "the change of %s is not the last event",
                      asked->name);
    }
}

/* Whether an open job names it then: by the events up to the reply, which is the same while
 * nothing else happens. */
static bool
is_named (const checker *self, const char *ns, const char *name)
{
    size_t cursor = 0;
    const model_job *job;
    while ((job = model_each (self, &cursor)) != NULL) {
        const Belfry__V1__JobSpec *spec = job->definition->spec;
        bool open = !job->pruned && model_job_is_open (job->image->state);
        for (size_t i = 0; open && i < spec->n_exclude; i++) {
            if (strcmp (spec->exclude[i], name) == 0 &&
                strcmp (spec->ns, or_default (ns)) == 0) {
                return true;
            }
        }
    }
    return false;
}

void
judge_delete_calendar (checker *self, case_t *it, const Belfry__V1__DeleteCalendar *in)
{
    bool done = it->code == CODE (OK);
    uint64_t before = done && it->up_to > 0 ? it->up_to - 1 : it->up_to;
    const Belfry__V1__ExclusionCalendar *there =
        calendar_then (self, in->ns, in->name, before);
    bool named = it->fresh && is_named (self, in->ns, in->name);
    uint64_t must = !there ? BIT (NOT_FOUND) : conflict_of (there, in->if_version);
    if (done) {
        judge_refusal (self, it, 0, must | (named ? BIT (WRONG_STATE) : 0), 0);
        if (calendar_then (self, in->ns, in->name, it->up_to)) {
            judge_broken (self, it, "1", 0, "the calendar %s is there still", in->name);
        }
        if (!it->what->repeated && result_of (self, it)->n_calendars == 1) {
            check_shown (self, it, result_of (self, it)->calendars[0], there);
        }
        return;
    }
    judge_refusal (self, it, 0, must, named || !it->fresh ? BIT (WRONG_STATE) : 0);
}

void
judge_list_calendars (checker *self, const case_t *it, const Belfry__V1__ListCalendars *in)
{
    judge_refusal (self, it, 0, 0, 0);
    if (!it->fresh) {
        return;
    }
    const Belfry__V1__CalendarsReply *out = result_of (self, it);
    size_t there = 0;
    const table *all = checker_slots (self)->excludes;
    size_t cursor = 0;
    const Belfry__V1__ExclusionCalendar *each;
    while ((each = table_each (all, &cursor)) != NULL) {
        there += (in->ns[0] == '\0' || strcmp (in->ns, each->ns) == 0) &&
                 (in->name[0] == '\0' || strcmp (in->name, each->name) == 0);
    }
    for (size_t i = 0; i < out->n_calendars; i++) {
        const Belfry__V1__ExclusionCalendar *shown = out->calendars[i];
        const Belfry__V1__ExclusionCalendar *before = i > 0 ? out->calendars[i - 1] : shown;
        int order = strcmp (before->ns, shown->ns);
        order = order != 0 ? order : strcmp (before->name, shown->name);
        check_shown (self, it, shown,
                     grids_exclude (checker_slots (self), shown->ns, shown->name));
        if (i > 0 && order >= 0) {
            judge_broken (self, it, "answers", 0, "its calendars are not in order");
        }
    }
    if (in->cursor == 0 && out->next_cursor == 0 && out->n_calendars != there) {
        judge_broken (self, it, "answers", 0, "it shows %zu calendars, there are %zu",
                      out->n_calendars, there);
    }
}
