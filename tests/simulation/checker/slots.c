/* SPDX-License-Identifier: MPL-2.0
 *
 * Every slot is accounted for: of each definition of a job, from its first slot on, each
 * point of the grid became a run, or was dropped by exactly one event, in order, without
 * holes and without doubles, and the counts say so. The grid never moves.
 *
 *   anchor + n * interval + offset:   s1    s2    s3    s4    s5
 *                                   fired '-- dropped --' fired  next
 *
 * One decision may be told by several events, one behind the other: those dropped because
 * they were late, runs that gave way, and the slot that was chosen.
 */
#include "tests/simulation/checker/slots.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/cover.h"

#define IMAGE(name) BELFRY__V1__##name

/* Any time there is, and some room for sums. */
#define UNKNOWN ((between){INT64_MIN / 4, INT64_MAX / 4})

slots *
slots_new (checker *whole)
{
    slots *self = checker_alloc (1, sizeof *self);
    self->checker = whole;
    self->world = checker_world (whole);
    self->facts = facts_new ();
    self->jobs = table_new ();
    self->runs = table_new ();
    self->tokens = table_new ();
    self->zones = table_new ();
    self->planned = table_new ();
    self->excludes = table_new ();
    late_expect ();
    overlap_expect ();
    return self;
}

void
slots_destroy (slots **self_p)
{
    slots *self = *self_p;
    if (!self) {
        return;
    }
    facts_destroy (&self->facts);
    size_t cursor = 0;
    slots_job *job;
    while ((job = table_each (self->jobs, &cursor)) != NULL) {
        grids_forget (job);
    }
    table_destroy (&self->zones, NULL);
    table_destroy (&self->planned, NULL);
    table_destroy (&self->excludes, NULL);
    table_destroy (&self->jobs, free);
    table_destroy (&self->runs, free);
    table_destroy (&self->tokens, free);
    free (self);
    *self_p = NULL;
}

/* --- what is handed about ------------------------------------------------------------ */

bool
happened_is (const happened *self, const char *kind)
{
    return strcmp (self->kind, kind) == 0;
}

between
happened_now (const happened *self, model_clock clock)
{
    if (clock == ON_WALL) {
        return (between){self->said->at_us, self->said->at_us};
    }
    return self->when.scale_known ? self->when.scale : UNKNOWN;
}

void
slots_broken (const happened *self, const char *promise, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start (args, format);
    vsnprintf (text, sizeof text, format, args);
    va_end (args);
    world_broken (self->slots->world, promise, self->said->job,
                  "seq %" PRIu64 " %s %s (at %" PRId64 "): %s", self->event->seq,
                  self->kind, self->said->run, self->said->at_us, text);
}

static slots_job *
find_job (slots *self, uint64_t id)
{
    slots_job *job = table_get_number (self->jobs, id);
    if (!job) {
        job = checker_alloc (1, sizeof *job);
        job->id = id;
        job->low = 1;
        table_put_number (self->jobs, id, job);
    }
    return job;
}

/* --- definitions --------------------------------------------------------------------- */

static void
define_one (const happened *event, const Belfry__V1__JobSpec *spec)
{
    slots_job *job = event->slots_job;
    const Belfry__V1__Job *image = event->said->job_after;
    bool after = spec->trigger_case == IMAGE (JOB_SPEC__TRIGGER_AFTER_US);
    int64_t from_us = after ? image->armed_us + spec->after_us : spec->at_us;
    int64_t offset_us = image->due_us - from_us;
    job->recurs = false;
    if (offset_us < 0 || offset_us > spec->jitter_us) {
        slots_broken (event, "2",
                      "its slot is %" PRId64 ", which is not at %" PRId64
                      " and up to %" PRId64 " later",
                      image->due_us, from_us, spec->jitter_us);
    }
}

/* armed_us and wake_us after the job was made, moved or resumed: it can fire from now on.
 */
static void
judge_armed (const happened *event)
{
    const Belfry__V1__Job *image = event->said->job_after;
    between now = happened_now (event, event->job->definition->clock);
    if (image->armed_us < now.least_us || image->armed_us > now.most_us) {
        slots_broken (event, "2",
                      "armed at %" PRId64 ", and now is %" PRId64 " to %" PRId64,
                      image->armed_us, now.least_us, now.most_us);
    }
    if (image->wake_us != image->due_us) {
        slots_broken (event, "2", "a slot due at %" PRId64 " is looked at at %" PRId64,
                      image->due_us, image->wake_us);
    }
}

void
slots_await (const happened *event, int64_t due_us)
{
    event->slots_job->waits = true;
    event->slots_job->next_us = due_us;
    event->slots_job->since = event->when.true_time;
}

static void
define (const happened *event)
{
    slots_job *job = event->slots_job;
    const Belfry__V1__JobSpec *spec = event->job->definition->spec;
    grids_forget (job);
    job->decided_us = -1;
    if (calendar_recurs (spec->trigger_case)) {
        grids_define (event, spec);
    } else {
        define_one (event, spec);
    }
    judge_armed (event);
    job->fired = 0;
    slots_await (event, event->said->job_after->due_us);
}

/* --- counts -------------------------------------------------------------------------- */

static void
count_runs (const happened *event)
{
    slots_job *job = event->slots_job;
    Belfry__V1__RunState before = event->run_before ? event->run_before->image->state : 0;
    Belfry__V1__RunState after = event->run->image->state;
    bool was_open = model_run_is_open (before);
    bool is_open = model_run_is_open (after);
    job->open_all += (uint32_t)is_open - (uint32_t)was_open;
    if (!event->run->decides) {
        return;
    }
    uint32_t blocked = before == IMAGE (RUN_STATE__RUN_STATE_BLOCKED);
    uint32_t leased = before == IMAGE (RUN_STATE__RUN_STATE_LEASED);
    job->open += (uint32_t)is_open - (uint32_t)was_open;
    job->blocked += (after == IMAGE (RUN_STATE__RUN_STATE_BLOCKED)) - blocked;
    job->leased += (after == IMAGE (RUN_STATE__RUN_STATE_LEASED)) - leased;
    bool gave_way = happened_is (event, "run.cancelled") &&
                    strcmp (event->said->reason, "a later slot took its place") == 0;
    if (gave_way) {
        job->gave_way++;
        job->gave_way_blocked += blocked;
        job->gave_way_seq = event->event->seq;
        if (job->telling && job->told.last_seq + 1 == event->event->seq) {
            job->told.last_seq = event->event->seq;
        }
    }
}

static void
judge_count (const happened *event, const char *name, uint32_t said, uint32_t should)
{
    if (said != should) {
        slots_broken (event, "2", "counts.%s is %u, and should be %u", name, said, should);
    }
}

/* The image's counts and next slot against those that follow from the events so far. */
static void
judge_image (const happened *event)
{
    const slots_job *job = event->slots_job;
    const Belfry__V1__Job *image = event->said->job_after;
    const Belfry__V1__Counts *counts = image->counts;
    if (!counts) {
        slots_broken (event, "2", "the image has no counts");
    }
    judge_count (event, "fired", counts->fired, job->fired);
    judge_count (event, "missed", counts->missed, job->missed);
    judge_count (event, "skipped", counts->skipped, job->skipped);
    judge_count (event, "overlap_skipped", counts->overlap_skipped, job->overlap_skipped);
    judge_count (event, "buffer_dropped", counts->buffer_dropped, job->buffer_dropped);
    judge_count (event, "open", counts->open, job->open);
    judge_count (event, "blocked", counts->blocked, job->blocked);
    if (job->gave_way == 0) {
        judge_count (event, "cancelled_others", counts->cancelled_others,
                     job->cancelled_others);
        judge_count (event, "terminated_others", counts->terminated_others,
                     job->terminated_others);
    }
    bool scheduled = image->state == IMAGE (JOB_STATE__JOB_STATE_SCHEDULED);
    if (scheduled != job->waits) {
        slots_broken (event, "2",
                      scheduled ? "scheduled, and it has no slot left"
                                : "it has a slot left, and is not scheduled");
    }
    if (scheduled && image->due_us != job->next_us) {
        slots_broken (event, "2",
                      "the grid moved: the next slot was %" PRId64 " and is %" PRId64,
                      job->next_us, image->due_us);
    }
}

/* What must be told in one go may not be left half told. */
static void
judge_told (const happened *event)
{
    slots_job *job = event->slots_job;
    if (job->gave_way > 0 && job->gave_way_seq + 1 != event->event->seq &&
        job->gave_way_seq != event->event->seq) {
        slots_broken (event, "2", "runs gave way to a slot that never came");
    }
    if (job->telling && job->told.last_seq + 1 != event->event->seq &&
        job->told.last_seq != event->event->seq) {
        slots_broken (event, "2",
                      "slots were missed at seq %" PRIu64 " for one that never came",
                      job->told.last_seq);
    }
}

/* --- events -------------------------------------------------------------------------- */

static void
job_event (const happened *event)
{
    slots_job *job = event->slots_job;
    if (happened_is (event, "job.scheduled") || happened_is (event, "job.replaced") ||
        happened_is (event, "job.rescheduled")) {
        define (event);
    } else if (happened_is (event, "job.resumed")) {
        job->resumed_seq = event->event->seq;
        judge_armed (event);
        if (job->waits) {
            job->since = event->when.true_time;
        }
    } else if (happened_is (event, "job.cancelled") ||
               happened_is (event, "job.confirmed")) {
        job->waits = false;
    } else if (happened_is (event, "slot.missed") || happened_is (event, "slot.skipped")) {
        decide_dropped (event);
    }
}

static void
run_event (const happened *event)
{
    bool born = event->run_before == NULL;
    count_runs (event);
    if (born) {
        runs_born (event);
        if (event->run->image->origin == IMAGE (ORIGIN__ORIGIN_SLOT)) {
            decide_fired (event);
        }
    } else if (happened_is (event, "run.fired")) {
        overlap_judge_turn (event);
    }
    runs_judge (event);
}

void
slots_event (checker *whole, const model_event *event, const model_job *job_before,
             const model_job *job_after, const model_run *run_before,
             const model_run *run_after)
{
    slots *self = checker_slots (whole);
    happened now = {
        .slots = self,
        .event = event,
        .said = event->event,
        .kind = event->event->kind,
        .when = facts_moment (self->facts, event),
        .job_before = job_before,
        .job = job_after,
        .run_before = run_before,
        .run = run_after,
    };
    retries_judge_next (&now);
    if (happened_is (&now, "clock.stepped")) {
        facts_told_step (self->facts, event);
    }
    if (!job_after) {
        if (event->event->replanned) {
            grids_changed (self, event, now.when);
        }
        return;
    }
    now.slots_job = find_job (self, job_after->id);
    judge_told (&now);
    if (run_after) {
        run_event (&now);
    } else {
        job_event (&now);
    }
    if (now.said->job_after && !happened_is (&now, "job.pruned")) {
        judge_image (&now);
    }
    judge_told (&now);
}

void
slots_machine (checker *whole, machine_fact fact, int64_t since_us, int64_t delta_us)
{
    slots *self = checker_slots (whole);
    facts_machine (self->facts, world_now (self->world), fact, since_us, delta_us);
}

void
slots_scale (checker *whole, sqlite3 *db)
{
    slots *self = checker_slots (whole);
    sqlite3_stmt *stmt = NULL;
    const char *wrong = "meta cannot be read";
    if (sqlite3_prepare_v2 (db, "SELECT boot_id, boot_origin_us FROM meta", -1, &stmt,
                            NULL) == SQLITE_OK &&
        sqlite3_step (stmt) == SQLITE_ROW) {
        wrong = facts_scale (self->facts, world_now (self->world),
                             (const char *)sqlite3_column_text (stmt, 0),
                             sqlite3_column_int64 (stmt, 1));
    }
    sqlite3_finalize (stmt);
    if (wrong) {
        world_broken (self->world, "2", 0, "%s", wrong);
    }
}
