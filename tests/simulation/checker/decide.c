/* SPDX-License-Identifier: MPL-2.0
 *
 * Decisions on slots, as the events tell them, put together and handed to those who judge:
 *
 *   slot.missed                                  late ones that are gone, and then
 *     (run.cancelled …)                            runs that gave way
 *     run.fired, run.blocked, or slot.skipped      the one that was chosen
 *   slot.skipped                                 late ones that are gone, policy skip
 *   job.resumed, slot.missed                     resumed from now
 */
#include <inttypes.h>
#include <string.h>

#include "tests/simulation/checker/slots.h"

/* belfry.proto, Late: late slots that fire one by one are paced; docs/states.md. */
#define PACE_US (100 * MS_US)

#define IMAGE(name) BELFRY__V1__##name

/* Nothing fires, and nothing is dropped, of a job whose slots stand still or are spent. */
static void
judge_stands (const happened *event, int64_t first_us)
{
    const slots_job *job = event->slots_job;
    const Belfry__V1__Job *before = event->job_before ? event->job_before->image : NULL;
    if (!job->waits || !before || before->state != IMAGE (JOB_STATE__JOB_STATE_SCHEDULED)) {
        slots_broken (event, "4", "the slot %" PRId64 " of a job that waits for none",
                      first_us);
    }
    if (before->paused) {
        slots_broken (event, "2", "the slot %" PRId64 " of a job that is paused", first_us);
    }
    if (first_us != job->next_us) {
        slots_broken (event, "2",
                      "the slot %" PRId64 " was decided, and %" PRId64 " is next", first_us,
                      job->next_us);
    }
    between now = happened_now (event, event->job->definition->clock);
    int64_t wake_us = before->wake_us > first_us ? before->wake_us : first_us;
    if (now.most_us < wake_us) {
        slots_broken (event, "2",
                      "the slot %" PRId64 ", which is to be looked at at %" PRId64
                      ", was decided at %" PRId64,
                      first_us, wake_us, now.most_us);
    }
}

/* The job moves on behind this slot. */
static void
move_on (const happened *event, int64_t last_us, decision *made)
{
    slots_job *job = event->slots_job;
    const Belfry__V1__Job *image = event->said->job_after;
    int64_t next_us = 0;
    job->decided_us = last_us;
    job->ever_us = last_us > job->ever_us ? last_us : job->ever_us;
    grids_cover (job, last_us);
    bool spent = job->max_runs != 0 && job->recurs && job->fired >= job->max_runs;
    bool goes_on = !spent && slots_after (job, last_us, &next_us);
    bool scheduled = image->state == IMAGE (JOB_STATE__JOB_STATE_SCHEDULED);
    if (goes_on != scheduled) {
        slots_broken (event, "2",
                      goes_on ? "%" PRId64 " is its next slot, and it has ended"
                              : "its last slot is decided, and it goes on",
                      next_us);
    }
    made->goes_on = goes_on;
    job->waits = goes_on;
    if (!goes_on) {
        return;
    }
    if (image->due_us != next_us) {
        slots_broken (event, "2", "its next slot is %" PRId64 ", and it waits for %" PRId64,
                      next_us, image->due_us);
    }
    slots_await (event, next_us);
    made->paced = image->wake_us != image->due_us;
    int64_t half_us = (next_us - last_us) / 2;
    int64_t pace_us = half_us < PACE_US ? half_us : PACE_US;
    if (made->paced && image->wake_us != event->said->at_us + pace_us) {
        slots_broken (event, "2",
                      "late slots are paced by %" PRId64 " us, this one by %" PRId64,
                      pace_us, image->wake_us - event->said->at_us);
    }
}

/* What was told so far of the decision that this event is about. */
static decision
take_told (const happened *event, int64_t chosen_us)
{
    slots_job *job = event->slots_job;
    decision told = job->told;
    if (!job->telling) {
        judge_stands (event, chosen_us);
        return (decision){
            .first_us = chosen_us,
            .known_since = job->since,
            .chosen = true,
            .chosen_us = chosen_us,
        };
    }
    if (told.last_seq + 1 != event->event->seq || chosen_us != told.chosen_us) {
        slots_broken (event, "2",
                      "the slot %" PRId64
                      " was to fire behind those that were missed at seq "
                      "%" PRIu64,
                      told.chosen_us, told.last_seq);
    }
    job->telling = false;
    return told;
}

/* A slot became a run. */
void
decide_fired (const happened *event)
{
    slots_job *job = event->slots_job;
    if (event->run->image->job_version != event->job->image->version) {
        slots_broken (event, "4", "a slot of version %u fired, and the job has %u",
                      event->run->image->job_version, event->job->image->version);
    }
    job->fired++;
    grids_settle (event, event->said->due_us, event->said->due_us, 1);
    decision made = take_told (event, event->said->due_us);
    made.failed = event->run->image->failures > 0;
    overlap_judge (event,
                   happened_is (event, "run.blocked") ? OVERLAP_BLOCKED : OVERLAP_FIRED);
    move_on (event, made.chosen_us, &made);
    late_judge (event, &made);
}

/* The slots that the event tells of: the next ones, as many as it says. */
static void
judge_stretch (const happened *event, const Belfry__V1__Slots *dropped)
{
    const slots_job *job = event->slots_job;
    /* The first was judged to be the next one; whether the last is a slot shows in the one
     * before: without it there is one less. */
    int64_t last_us = dropped->last_due_us;
    bool fits = dropped->first_due_us == last_us && dropped->count == 1;
    if (job->recurs && !fits) {
        fits = slots_before (job, dropped->first_due_us, last_us + 1) == dropped->count &&
               slots_before (job, dropped->first_due_us, last_us) + 1 == dropped->count;
    }
    if (!fits) {
        slots_broken (event, "2", "%" PRIu64 " slots from %" PRId64 " to %" PRId64,
                      dropped->count, dropped->first_due_us, dropped->last_due_us);
    }
    between now = happened_now (event, event->job->definition->clock);
    if (now.most_us < dropped->last_due_us) {
        slots_broken (event, "2", "the slot %" PRId64 " was dropped before it was due",
                      dropped->last_due_us);
    }
}

/* Late ones that are gone. With SKIP that was all; else one more was chosen, and the next
 * event tells of it. */
static void
slots_were_late (const happened *event, const Belfry__V1__Slots *dropped, bool skipped)
{
    slots_job *job = event->slots_job;
    const Belfry__V1__Job *image = event->said->job_after;
    decision made = {
        .first_us = dropped->first_due_us,
        .dropped = dropped->count,
        .skipped = skipped,
        .known_since = job->since,
        .last_seq = event->event->seq,
    };
    judge_stands (event, dropped->first_due_us);
    if (skipped) {
        move_on (event, dropped->last_due_us, &made);
        late_judge (event, &made);
        return;
    }
    if (!slots_after (job, dropped->last_due_us, &made.chosen_us) ||
        image->state != IMAGE (JOB_STATE__JOB_STATE_SCHEDULED) ||
        image->due_us != dropped->first_due_us) {
        slots_broken (event, "2", "late slots were missed, and none was chosen to fire");
    }
    made.chosen = true;
    job->told = made;
    job->telling = true;
}

/* Given up by Resume from now, which is told just before: everything until now. */
static bool
was_forgone (const happened *event, const Belfry__V1__Slots *dropped)
{
    slots_job *job = event->slots_job;
    const Belfry__V1__Job *image = event->said->job_after;
    bool moved = image->state != IMAGE (JOB_STATE__JOB_STATE_SCHEDULED) ||
                 image->due_us != dropped->first_due_us;
    if (job->resumed_seq + 1 != event->event->seq || !moved) {
        return false;
    }
    judge_stands (event, dropped->first_due_us);
    between now = happened_now (event, event->job->definition->clock);
    int64_t next_us;
    if (slots_after (job, dropped->last_due_us, &next_us) && next_us <= now.least_us) {
        slots_broken (event, "2", "resumed from now, and %" PRId64 " was left behind",
                      next_us);
    }
    decision made = {0};
    move_on (event, dropped->last_due_us, &made);
    late_forgone (event);
    return true;
}

/* By new rules there is no slot left; grids.c judges whether, by the event that tells. */
static void
rules_ended (const happened *event, const Belfry__V1__Slots *dropped)
{
    slots_job *job = event->slots_job;
    if (!job->calendar || !job->waits || dropped->count != 1 ||
        dropped->first_due_us != job->next_us || !happened_is (event, "slot.skipped")) {
        slots_broken (event, "2", "a slot was dropped that nothing took away");
    }
    job->skipped++;
    job->waits = false;
    job->ended = true;
}

void
decide_dropped (const happened *event)
{
    slots_job *job = event->slots_job;
    const Belfry__V1__Slots *dropped = event->said->slots;
    const Belfry__V1__Job *image = event->said->job_after;
    if (!dropped || !image || !image->counts) {
        slots_broken (event, "2", "it does not say which slots");
    }
    uint32_t count = (uint32_t)dropped->count;
    if (strcmp (event->said->reason, "the rules of its calendar leave it no slot") == 0) {
        rules_ended (event, dropped);
        return;
    }
    grids_settle (event, dropped->first_due_us, dropped->last_due_us, dropped->count);
    judge_stretch (event, dropped);
    if (happened_is (event, "slot.missed")) {
        job->missed += count;
        if (!was_forgone (event, dropped)) {
            slots_were_late (event, dropped, false);
        }
        return;
    }
    if (image->counts->skipped != job->skipped) {
        job->skipped += count;
        slots_were_late (event, dropped, true);
        return;
    }
    bool full = image->counts->buffer_dropped != job->buffer_dropped;
    *(full ? &job->buffer_dropped : &job->overlap_skipped) += count;
    decision made = take_told (event, dropped->first_due_us);
    made.refused = dropped->count;
    overlap_judge (event, full ? OVERLAP_DROPPED : OVERLAP_SKIPPED);
    move_on (event, dropped->last_due_us, &made);
    late_judge (event, &made);
}
