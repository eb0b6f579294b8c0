/* SPDX-License-Identifier: MPL-2.0
 *
 * Commands for one job: docs/states.md, "What a client's command makes of a job in each
 * state", once more.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <string.h>

#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define BIT(name) (UINT64_C (1) << CODE (name))
#define JOB(name) BELFRY__V1__JOB_STATE__JOB_STATE_##name
#define OUTCOME(name) BELFRY__V1__OUTCOME__OUTCOME_##name
#define KIND(name) (UINT64_C (1) << KIND_##name)
#define MOST_OPEN 1000
#define JOB_STATES 8

typedef enum {
    WRONG, /* WRONG_STATE */
    YES,   /* it changes */
    SAME,  /* answered OK, nothing changes */
    LATE,  /* TOO_LATE */
} cell;

typedef struct {
    const char *name;
    uint64_t kinds; /* the first event of the change */
    cell cells[JOB_STATES];
} row;

#define OPEN_ONLY                                                            \
    {                                                                        \
        [JOB (WAITING)] = YES, [JOB (SCHEDULED)] = YES, [JOB (ACTIVE)] = YES \
    }

static const row reschedules = {"Reschedule", KIND (JOB_RESCHEDULED), OPEN_ONLY};
static const row triggers = {"Trigger", KIND (JOB_TRIGGERED), OPEN_ONLY};
static const row pauses = {"Pause", KIND (JOB_PAUSED), OPEN_ONLY};
static const row resumes = {"Resume", KIND (JOB_RESUMED), OPEN_ONLY};
static const row cancels = {"Cancel",
                            KIND (JOB_CANCELLED),
                            {[JOB (WAITING)] = YES,
                             [JOB (SCHEDULED)] = YES,
                             [JOB (ACTIVE)] = YES,
                             [JOB (CANCELLED)] = SAME}};
static const row confirms = {"Confirm",
                             KIND (JOB_CONFIRMED) | KIND (JOB_CANCELLED),
                             {[JOB (WAITING)] = YES,
                              [JOB (SCHEDULED)] = YES,
                              [JOB (ACTIVE)] = LATE,
                              [JOB (COMPLETED)] = LATE,
                              [JOB (DEAD)] = LATE,
                              [JOB (CONFIRMED)] = SAME}};

static void
cover (const model_event *at, const row *command)
{
    cover_hit (COVER_JOB_COMMAND, states_job_name (at->job->state), command->name);
}

/* --- what is shown ------------------------------------------------------------------- */

/* Whether `out` has exactly those runs that a worker has. */
static void
match_out (checker *self, const case_t *it, const Belfry__V1__JobsReply__Item *item,
           const model_job *job)
{
    size_t leased = 0;
    size_t shown = 0;
    for (uint32_t i = 0; job->image->open_runs > 0 && i < job->run_count; i++) {
        leased += job->runs[i] &&
                  job->runs[i]->image->state == BELFRY__V1__RUN_STATE__RUN_STATE_LEASED;
    }
    for (size_t i = 0; i < item->n_out; i++) {
        uint64_t id;
        uint32_t ordinal;
        uint32_t attempt;
        const model_run *run =
            model_parse (item->out[i]->run, &id, &ordinal, &attempt) && id == job->id
                ? model_find_run (self, id, ordinal)
                : NULL;
        if (!run) {
            judge_broken (self, it, "answers", job->id, "it shows run %s",
                          item->out[i]->run);
        }
        match_run (self, it, item->out[i], run);
        shown += item->out[i]->state == BELFRY__V1__RUN_STATE__RUN_STATE_LEASED;
    }
    if (shown != leased) {
        judge_broken (self, it, "answers", job->id,
                      "it shows %zu runs that a worker has, there are %zu", shown, leased);
    }
}

static const Belfry__V1__JobsReply__Item *
only_item (checker *self, const case_t *it)
{
    if (!it->jobs || it->jobs->n_items > 1) {
        judge_broken (self, it, "answers", 0, "it has not one job in its answer");
    }
    if (it->jobs->n_items == 0 && !it->what->repeated) {
        judge_broken (self, it, "answers", 0, "it has no job in its answer");
    }
    return it->jobs->n_items == 1 ? it->jobs->items[0] : NULL;
}

void
judge_match_item (checker *self, const case_t *it, const Belfry__V1__JobsReply__Item *item,
                  const model_job *job, bool with_out)
{
    if (!item) {
        return;
    }
    if (item->job->id != job->id) {
        judge_broken (self, it, "answers", job->id, "it shows job %" PRIu64, item->job->id);
    }
    if (it->fresh) {
        match_job (self, it, item->job, job);
        if (with_out) {
            match_out (self, it, item, job);
        }
    }
}

/* --- by state ------------------------------------------------------------------------ */

static bool
recurs_then (const model_job *job, uint64_t seq)
{
    const model_definition *definition = past_definition (job, seq);
    return calendar_recurs (definition->spec->trigger_case);
}

/* What everything that is for one job asks first. NULL: not found, and judged. */
static model_job *
subject_of (checker *self, const case_t *it, const Belfry__V1__JobRef *ref)
{
    model_job *job = past_find (self, ref, it->up_to);
    if (!job) {
        judge_refusal (self, it, ref->id, BIT (NOT_FOUND), 0);
    }
    return job;
}

static uint64_t
version_conflict (const model_event *at, uint32_t if_version)
{
    return if_version != 0 && if_version != at->job->version ? BIT (VERSION_CONFLICT) : 0;
}

static uint64_t
refusal_of (cell what)
{
    return what == WRONG ? BIT (WRONG_STATE) : what == LATE ? BIT (TOO_LATE) : 0;
}

/* It was done: its events are there, right before the reply's seq, and the state before
 * them allowed it. Returns the state before. */
static const model_event *
find_effect (checker *self, case_t *it, const Belfry__V1__JobRef *ref, const row *command,
             model_job **job_p)
{
    /* By key, the job that has it now had it before: nothing here makes one. */
    model_job *job = past_find (self, ref, it->up_to);
    if (!job) {
        judge_broken (self, it, "1", ref->id, "done to a job that was not there");
    }
    const model_event *first = past_leader (self, job, command->kinds, it->up_to, true);
    if (!first) {
        judge_broken (self, it, "1", job->id, "its effect is not in the log");
    }
    judge_own (self, it, first);
    *job_p = job;
    const model_event *before = past_job (self, job, it->up_to);
    cover (before, command);
    return before;
}

typedef struct {
    const row *command;
    const Belfry__V1__JobRef *ref;
    uint32_t if_version;
    uint64_t must; /* other refusals, that the caller finds in the state */
    uint64_t may;
} plain;

/* Those that answer with the job. `found_so`: answered as done already. Without the job,
 * which was pruned since, a repeat does not tell whether it was. */
static void
judge_plain (checker *self, case_t *it, const plain *in, bool found_so,
             const Belfry__V1__JobsReply__Item *item)
{
    model_job *job;
    if (it->code == CODE (OK) && !item) {
        return;
    }
    if (it->code == CODE (OK) && !found_so) {
        const model_event *before = find_effect (self, it, in->ref, in->command, &job);
        cell what = in->command->cells[before->job->state];
        judge_refusal (self, it, job->id,
                       version_conflict (before, in->if_version) | refusal_of (what), 0);
        if (what == SAME) {
            judge_broken (self, it, "answers", job->id, "changed, what was so already");
        }
        judge_match_item (self, it, item, job, true);
        return;
    }
    job = subject_of (self, it, in->ref);
    if (!job) {
        return;
    }
    const model_event *at = past_job (self, job, it->up_to);
    cover (at, in->command);
    uint64_t conflict = version_conflict (at, in->if_version);
    judge_refusal (self, it, job->id,
                   conflict | refusal_of (in->command->cells[at->job->state]) | in->must,
                   in->may);
    judge_match_item (self, it, item, job, it->code == CODE (OK));
}

static bool
is_unchanged (checker *self, const case_t *it, const Belfry__V1__JobsReply__Item **item)
{
    *item = NULL;
    if (it->code != CODE (OK)) {
        return false;
    }
    *item = only_item (self, it);
    if (*item && (*item)->outcome != OUTCOME (CHANGED) &&
        (*item)->outcome != OUTCOME (UNCHANGED)) {
        judge_broken (self, it, "answers", (*item)->job->id, "with the outcome %d",
                      (int)(*item)->outcome);
    }
    return *item && (*item)->outcome == OUTCOME (UNCHANGED);
}

void
judge_cancel (checker *self, case_t *it, const Belfry__V1__Cancel *in)
{
    const Belfry__V1__JobsReply__Item *item;
    bool unchanged = is_unchanged (self, it, &item);
    plain what = {&cancels, in->job, in->if_version, 0, 0};
    const model_job *job = unchanged ? past_find (self, in->job, it->up_to) : NULL;
    if (job && past_job (self, job, it->up_to)->job->state != JOB (CANCELLED)) {
        judge_broken (self, it, "answers", job->id, "unchanged, and it is not cancelled");
    }
    judge_plain (self, it, &what, unchanged, item);
}

void
judge_pause (checker *self, case_t *it, const Belfry__V1__Pause *in)
{
    const Belfry__V1__JobsReply__Item *item;
    bool unchanged = is_unchanged (self, it, &item);
    plain what = {&pauses, in->job, in->if_version, 0, 0};
    const model_job *job = unchanged ? past_find (self, in->job, it->up_to) : NULL;
    if (job && !past_job (self, job, it->up_to)->job->paused) {
        judge_broken (self, it, "answers", job->id, "unchanged, and it is not paused");
    }
    judge_plain (self, it, &what, unchanged, item);
}

/* From now, no slot that is due is left; else all of them are, for the late policy. `last`:
 * the command's last event. */
static void
check_resumed (checker *self, const case_t *it, const Belfry__V1__Resume *in, uint64_t last)
{
    const model_job *job = past_find (self, in->job, last);
    const model_event *event = job ? past_job (self, job, last) : NULL;
    if (!event || event->seq != last) {
        return;
    }
    bool from_now = in->from == BELFRY__V1__RESUME_FROM__RESUME_FROM_NOW;
    bool waits = event->job->state == BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED;
    if (from_now && waits && past_definition (job, last)->clock == ON_WALL &&
        event->job->due_us <= event->event->at_us) {
        judge_broken (self, it, "2", job->id,
                      "resumed from now, and its slot %" PRId64 " is left",
                      event->job->due_us);
    }
    if (!from_now && strcmp (event->event->kind, "job.resumed") != 0) {
        judge_broken (self, it, "2", job->id,
                      "resumed from its pause, and slots were lost");
    }
}

void
judge_resume (checker *self, case_t *it, const Belfry__V1__Resume *in)
{
    uint64_t last = it->up_to;
    const Belfry__V1__JobsReply__Item *item;
    bool unchanged = is_unchanged (self, it, &item);
    plain what = {&resumes, in->job, in->if_version, 0, 0};
    const model_job *job = unchanged ? past_find (self, in->job, it->up_to) : NULL;
    if (job && past_job (self, job, it->up_to)->job->paused) {
        judge_broken (self, it, "answers", job->id, "unchanged, and it is paused");
    }
    if (it->code == CODE (OK) && !unchanged) {
        check_resumed (self, it, in, last);
    }
    judge_plain (self, it, &what, unchanged, item);
}

/* What the scheduler's wall clock showed as it judged is not known, but for what it never
 * showed: PAST_DUE may be where it was asked for. */
uint64_t
judge_past_due (const checker *self, bool reject_past, bool is_instant, int64_t at_us)
{
    return reject_past && is_instant && at_us <= self->latest_wall_us ? BIT (PAST_DUE) : 0;
}

void
judge_reschedule (checker *self, case_t *it, const Belfry__V1__Reschedule *in)
{
    /* The numbers of the triggers are the same in both. */
    bool recurs = calendar_recurs ((Belfry__V1__JobSpec__TriggerCase)in->trigger_case);
    bool instant = in->trigger_case == BELFRY__V1__RESCHEDULE__TRIGGER_AT_US;
    const Belfry__V1__JobsReply__Item *item = NULL;
    plain what = {&reschedules, in->job, in->if_version, 0,
                  judge_past_due (self, in->reject_past, instant, in->at_us)};
    const model_job *job = past_find (self, in->job, it->up_to);
    if (it->code == CODE (OK)) {
        item = only_item (self, it);
        if (item && item->outcome != OUTCOME (CHANGED)) {
            judge_broken (self, it, "answers", item->job->id, "it is not changed");
        }
    } else if (job) {
        const model_definition *definition = past_definition (job, it->up_to);
        if (recurs != recurs_then (job, it->up_to)) {
            what.must |= BIT (INVALID);
            /* Of two reasons either may be told. */
            what.may |= BIT (WRONG_STATE);
        } else if (recurs &&
                   (definition->spec->end_us != 0 || definition->spec->jitter_us != 0 ||
                    definition->spec->n_exclude > 0 ||
                    in->trigger_case == BELFRY__V1__RESCHEDULE__TRIGGER_RRULE)) {
            what.may |= BIT (INVALID); /* a jitter, an end, a calendar that leave no slot */
        }
    }
    judge_plain (self, it, &what, false, item);
}

/* Whether a worker has a run of the job then. */
static bool
is_out (const checker *self, const model_job *job, uint64_t seq)
{
    bool out = false;
    for (uint32_t i = 0; i < job->run_count && !out; i++) {
        const Belfry__V1__Run *image =
            job->runs[i] ? past_run (self, job->runs[i], seq, NULL) : NULL;
        out = image && image->state == BELFRY__V1__RUN_STATE__RUN_STATE_LEASED;
    }
    return out;
}

/* With cancel_open, active is TOO_LATE only while a worker has a run. */
static void
check_too_late (checker *self, const case_t *it, const Belfry__V1__Confirm *in,
                const model_job *job)
{
    bool in_batch = it->what->reply->result_case == BELFRY__V1__REPLY__RESULT_BATCH;
    if (!in_batch && (!it->jobs || it->jobs->n_items > 1)) {
        judge_broken (self, it, "answers", job ? job->id : 0, "it does not show the job");
    }
    if (job && in->cancel_open && !job->pruned && job->runs_pruned == 0 &&
        past_job (self, job, it->up_to)->job->state == JOB (ACTIVE) &&
        !is_out (self, job, it->up_to)) {
        judge_broken (self, it, "answers", job->id, "no worker has a run");
    }
}

void
judge_confirm (checker *self, case_t *it, const Belfry__V1__Confirm *in)
{
    const Belfry__V1__JobsReply__Item *item;
    bool unchanged = is_unchanged (self, it, &item);
    plain what = {&confirms, in->job, in->if_version, 0, 0};
    model_job *job = past_find (self, in->job, it->up_to);
    const model_event *at = job ? past_job (self, job, it->up_to) : NULL;
    if (item && !unchanged && at && at->job->state == JOB (CANCELLED)) {
        /* cancel_open: only where it was asked for, from active, while no worker had one.
         */
        const model_event *before = find_effect (self, it, in->job, &confirms, &job);
        if (!in->cancel_open || before->job->state != JOB (ACTIVE) ||
            is_out (self, job, it->up_to)) {
            judge_broken (self, it, "answers", job->id,
                          "cancelled, which was not asked for, or while a worker has it");
        }
        judge_refusal (self, it, job->id, version_conflict (before, in->if_version), 0);
        judge_match_item (self, it, item, job, true);
        return;
    }
    if (at && recurs_then (job, it->up_to)) {
        cover (at, &confirms);
        judge_refusal (self, it, job->id,
                       version_conflict (at, in->if_version) | BIT (WRONG_STATE), 0);
        return;
    }
    if (unchanged && at && at->job->state != JOB (CONFIRMED)) {
        judge_broken (self, it, "answers", job->id, "unchanged, and it is not confirmed");
    }
    judge_plain (self, it, &what, unchanged, item);
    if (it->code == CODE (TOO_LATE)) {
        check_too_late (self, it, in, job);
    }
}

void
judge_trigger (checker *self, case_t *it, const Belfry__V1__Trigger *in)
{
    model_job *job;
    if (it->code != CODE (OK)) {
        job = subject_of (self, it, in->job);
        if (job) {
            const model_event *at = past_job (self, job, it->up_to);
            cover (at, &triggers);
            judge_refusal (self, it, job->id,
                           version_conflict (at, in->if_version) |
                               refusal_of (triggers.cells[at->job->state]) |
                               (at->job->open_runs >= MOST_OPEN ? BIT (LIMIT) : 0),
                           0);
        }
        return;
    }
    const model_event *before = find_effect (self, it, in->job, &triggers, &job);
    judge_refusal (self, it, job->id,
                   version_conflict (before, in->if_version) |
                       refusal_of (triggers.cells[before->job->state]),
                   0);
    if (!it->runs || it->runs->n_runs != 1) {
        if (it->what->repeated) {
            return;
        }
        judge_broken (self, it, "answers", job->id, "it does not show the run");
    }
    const model_run *run = model_find_run (self, job->id, before->job->runs + 1);
    if (run && it->fresh) {
        match_run (self, it, it->runs->runs[0], run);
    }
}
