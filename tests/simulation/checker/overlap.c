/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of overlap, once more: written from the table "Overlap" of docs/states.md. It is
 * asked as soon as a slot became a run, or was refused, and looks back at what was open
 * before; the others that gave way have been counted out by then.
 */
#include <inttypes.h>
#include <string.h>

#include "tests/simulation/checker/slots.h"
#include "tests/simulation/cover.h"

#define IMAGE(name) BELFRY__V1__##name

/* Open runs of one job, at most. */
#define FULL 1000

typedef enum { NOBODY, RUNNING, WAITING, FULL_HOUSE, CROWDS } crowd;

typedef enum { FIRE, BLOCK, PASS, DROP, CANCEL, TERMINATE } act;

typedef struct {
    const char *name;
    act acts[CROWDS];
} row;

static const row table_of_acts[] = {
    [IMAGE (OVERLAP__OVERLAP_SKIP)] = {"skip", {FIRE, PASS, PASS, DROP}},
    [IMAGE (OVERLAP__OVERLAP_BUFFER_ONE)] = {"buffer_one", {FIRE, BLOCK, DROP, DROP}},
    [IMAGE (OVERLAP__OVERLAP_BUFFER_ALL)] = {"buffer_all", {FIRE, BLOCK, BLOCK, DROP}},
    [IMAGE (OVERLAP__OVERLAP_CANCEL_OTHER)] = {"cancel_other",
                                               {FIRE, CANCEL, CANCEL, DROP}},
    [IMAGE (OVERLAP__OVERLAP_TERMINATE_OTHER)] = {"terminate_other",
                                                  {FIRE, TERMINATE, TERMINATE, DROP}},
    [IMAGE (OVERLAP__OVERLAP_ALLOW_ALL)] = {"allow_all", {FIRE, FIRE, FIRE, DROP}},
};

static const char *const crowds[CROWDS] = {"none", "running", "waiting", "full"};

/* 1000 open runs of one job are more than a seed makes: "full" is for the unit tests. Runs
 * wait only where the policy blocks them; those of another policy are withdrawn with it. */
void
overlap_expect (void)
{
    for (size_t i = 1; i < sizeof table_of_acts / sizeof table_of_acts[0]; i++) {
        const row *one = &table_of_acts[i];
        bool blocks = i == IMAGE (OVERLAP__OVERLAP_BUFFER_ONE) ||
                      i == IMAGE (OVERLAP__OVERLAP_BUFFER_ALL) ||
                      i == IMAGE (OVERLAP__OVERLAP_CANCEL_OTHER);
        cover_expect (COVER_OVERLAP, one->name, crowds[NOBODY]);
        cover_expect (COVER_OVERLAP, one->name, crowds[RUNNING]);
        if (blocks) {
            cover_expect (COVER_OVERLAP, one->name, crowds[WAITING]);
        }
    }
}

/* Runs of slots that a worker has and that nobody had asked to stop, before this slot. */
static uint32_t
count_asked (const happened *event)
{
    const model_job *job = event->job;
    uint32_t left = event->slots_job->leased;
    uint32_t asked = 0;
    for (uint32_t i = job->run_count; i > 0 && left > 0; i--) {
        const model_run *run = job->runs[i - 1];
        if (!run || !run->decides ||
            run->image->state != IMAGE (RUN_STATE__RUN_STATE_LEASED)) {
            continue;
        }
        left--;
        asked += run->image->job_version == job->image->version &&
                 run->ordinal >= event->slots_job->others_below;
    }
    return asked;
}

static void
judge_end (const happened *event, const row *policy, crowd before, overlap_end should,
           overlap_end end)
{
    static const char *const ends[] = {"fires", "is blocked", "is skipped",
                                       "is dropped for want of room"};
    if (should != end) {
        slots_broken (event, "2",
                      "overlap policy %s, crowd %s: a slot %s here, and this one %s",
                      policy->name, crowds[before], ends[should], ends[end]);
    }
}

/* Those who have to go have gone, or were asked to. */
static void
judge_others (const happened *event, const row *policy, act should, uint32_t open_before,
              bool born)
{
    slots_job *job = event->slots_job;
    const Belfry__V1__Job *image = event->said->job_after;
    uint32_t open = job->open - born;
    if (should == CANCEL) {
        job->cancelled_others += job->gave_way + count_asked (event);
        job->others_below = event->run->ordinal;
        if (open != job->leased) {
            slots_broken (event, "2", "%u others are open, and workers have %u of them",
                          open, job->leased);
        }
    } else if (should == TERMINATE) {
        job->terminated_others += job->gave_way;
        if (job->gave_way != open_before || open != 0) {
            slots_broken (event, "2", "%u others were open, and %u of them were ended",
                          open_before, job->gave_way);
        }
    } else if (job->gave_way > 0) {
        slots_broken (event, "2", "overlap policy %s ended %u others", policy->name,
                      job->gave_way);
    }
    if (image->others_below != job->others_below) {
        slots_broken (event, "2", "runs below %u were asked to stop, and it says below %u",
                      job->others_below, image->others_below);
    }
    job->gave_way = 0;
    job->gave_way_blocked = 0;
}

void
overlap_judge (const happened *event, overlap_end end)
{
    slots_job *job = event->slots_job;
    const Belfry__V1__JobSpec *spec = event->job->definition->spec;
    bool born = end == OVERLAP_FIRED || end == OVERLAP_BLOCKED;
    uint32_t open = job->open - born + job->gave_way;
    uint32_t all = job->open_all - born + job->gave_way;
    uint32_t blocked = job->blocked - (end == OVERLAP_BLOCKED) + job->gave_way_blocked;
    crowd before = all >= FULL    ? FULL_HOUSE
                   : open == 0    ? NOBODY
                   : blocked == 0 ? RUNNING
                                  : WAITING;
    const row *policy = &table_of_acts[spec->overlap];
    act should = policy->acts[before];
    if (spec->delivery == IMAGE (DELIVERY__DELIVERY_NOTIFY)) {
        /* Nobody is asked: it is final as it fires. */
        should = FIRE;
    } else {
        cover_hit (COVER_OVERLAP, policy->name, crowds[before]);
    }
    static const overlap_end ends[] = {
        [FIRE] = OVERLAP_FIRED,   [BLOCK] = OVERLAP_BLOCKED, [PASS] = OVERLAP_SKIPPED,
        [DROP] = OVERLAP_DROPPED, [CANCEL] = OVERLAP_FIRED,  [TERMINATE] = OVERLAP_FIRED,
    };
    overlap_end right = ends[should];
    if (should == CANCEL && job->open - born > 0) {
        right = OVERLAP_BLOCKED;
    }
    /* A late slot whose one failure is its last waits for nobody: it is dead as it is made.
     */
    bool dies = born && event->run->image->failures > 0 && spec->retry &&
                (spec->retry->max_attempts <= 1 || spec->retry->max_age_us > 0);
    if (!(dies && right == OVERLAP_BLOCKED && end == OVERLAP_FIRED)) {
        judge_end (event, policy, before, right, end);
    }
    judge_others (event, policy, should, open, born);
}

void
overlap_judge_turn (const happened *event)
{
    slots_job *job = event->slots_job;
    const model_job *model = event->job;
    if (!event->run_before ||
        event->run_before->image->state != IMAGE (RUN_STATE__RUN_STATE_BLOCKED)) {
        slots_broken (event, "2", "it fires for a second time");
    }
    /* It is counted as unblocked already. */
    if (job->open - job->blocked > 1) {
        slots_broken (event, "2", "it waited for others, and %u of them are open still",
                      job->open - job->blocked - 1);
    }
    while (job->low < event->run->ordinal) {
        const model_run *run =
            job->low <= model->run_count ? model->runs[job->low - 1] : NULL;
        if (run && model_run_is_open (run->image->state)) {
            break;
        }
        job->low++;
    }
    for (uint32_t i = job->low; i < event->run->ordinal; i++) {
        const model_run *run = i <= model->run_count ? model->runs[i - 1] : NULL;
        if (run && run->image->state == IMAGE (RUN_STATE__RUN_STATE_BLOCKED)) {
            slots_broken (event, "2", "run %u is blocked for longer, and was next", i);
        }
    }
}
