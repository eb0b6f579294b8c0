/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of lateness, once more: written from the table "Late slots" of docs/states.md.
 *
 * What became of some slots says how many of them must have been late; what the machine did
 * says how many were, at least and at most. Where no number fits both, a slot was dropped
 * that was in time, or one was fired that the policy wanted dropped, or the other way
 * round.
 *
 *   slots that are late:   0     1 .. n                    more
 *                                |<- what the facts allow ->|
 *                          ^-- what the events say: inside?
 */
#include <inttypes.h>

#include "tests/simulation/checker/slots.h"
#include "tests/simulation/cover.h"

#define IMAGE(name) BELFRY__V1__##name

/* How much later than it came within reach a slot may become a run: nobody does more in one
 * seed than this takes, full disks and absences aside. */
#define PROMPT_US (60 * SECOND_US)

/* How many slots were late, as far as one reading of the events says. */
typedef struct {
    uint64_t least;
    uint64_t most;
} number;

/* No more than two readings. */
typedef struct {
    number list[2];
    unsigned count;
} numbers;

static const char *
name_of (Belfry__V1__Late late)
{
    switch (late) {
    case IMAGE (LATE__LATE_FIRE_ALL):
        return "fire_all";
    case IMAGE (LATE__LATE_SKIP):
        return "skip";
    case IMAGE (LATE__LATE_FAIL):
        return "fail";
    default:
        return "fire_once";
    }
}

void
late_expect (void)
{
    static const char *const expected[][2] = {
        {"fire_once", "in time"}, {"fire_once", "late"}, {"fire_once", "missed"},
        {"fire_all", "in time"},  {"fire_all", "late"},  {"fire_all", "missed"},
        {"skip", "in time"},      {"skip", "skipped"},   {"skip", "missed"},
        {"fail", "in time"},      {"fail", "failed"},    {"fail", "missed"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        cover_expect (COVER_LATE, expected[i][0], expected[i][1]);
    }
}

/* --- what the events say ------------------------------------------------------------- */

static void
may_be (numbers *self, uint64_t least, uint64_t most)
{
    self->list[self->count++] = (number){least, most};
}

/* The latest fires: the last late one, or the first behind it where that is due by now. */
static numbers
by_fire_once (const happened *event, const decision *made)
{
    numbers say = {.count = 0};
    int64_t next_us;
    bool more = slots_after (event->slots_job, made->chosen_us, &next_us) &&
                next_us <= event->said->at_us;
    if (made->skipped || !made->chosen || made->failed || made->refused > 1) {
        return say;
    }
    may_be (&say, made->dropped, made->dropped);
    if (!more) {
        may_be (&say, made->dropped + 1, made->dropped + 1);
    }
    return say;
}

/* The newest catchup_max fire, one by one; refused, they are refused together. */
static numbers
by_fire_all (const happened *event, const decision *made)
{
    numbers say = {.count = 0};
    uint64_t most = event->job->definition->spec->catchup_max;
    if (made->skipped || !made->chosen || made->failed) {
        return say;
    }
    uint64_t alike_least = made->refused;
    uint64_t alike_most = made->refused;
    if (made->refused == 0) {
        alike_least = made->goes_on && made->paced ? 2 : 1;
        alike_most = made->goes_on && !made->paced ? 1 : most;
    }
    if (made->dropped > 0) {
        /* Some are too many, so all that may fire are there. */
        if (alike_least <= most && most <= alike_most) {
            may_be (&say, made->dropped + most, made->dropped + most);
        }
        return say;
    }
    if (alike_least == 1) {
        may_be (&say, 0, 0);
    }
    if (alike_least <= most) {
        may_be (&say, alike_least, alike_most < most ? alike_most : most);
    }
    return say;
}

static numbers
by_skip (const decision *made)
{
    numbers say = {.count = 0};
    bool fits = made->dropped > 0 ? made->skipped && !made->chosen
                                  : made->chosen && !made->failed && made->refused <= 1;
    if (fits) {
        may_be (&say, made->dropped, made->dropped);
    }
    return say;
}

/* The latest of the late ones becomes a run that has failed. Where it becomes none, because
 * the overlap policy refuses it, it may have been late or not. */
static numbers
by_fail (const decision *made)
{
    numbers say = {.count = 0};
    if (made->skipped || !made->chosen || made->refused > 1) {
        return say;
    }
    if (made->failed || made->refused > 0) {
        may_be (&say, made->dropped + 1, made->dropped + 1);
    }
    if (!made->failed && made->dropped == 0) {
        may_be (&say, 0, 0);
    }
    return say;
}

static numbers
said (const happened *event, const decision *made)
{
    switch (event->job->definition->spec->late) {
    case IMAGE (LATE__LATE_FIRE_ALL):
        return by_fire_all (event, made);
    case IMAGE (LATE__LATE_SKIP):
        return by_skip (made);
    case IMAGE (LATE__LATE_FAIL):
        return by_fail (made);
    default:
        return by_fire_once (event, made);
    }
}

/* --- what the facts say -------------------------------------------------------------- */

/* Late is what was due more than grace before it came within reach. */
static uint64_t
late_by (const happened *event, int64_t first_us, int64_t reached_us)
{
    int64_t grace_us = event->job->definition->spec->grace_us;
    return reached_us < grace_us
               ? 0
               : slots_before (event->slots_job, first_us, reached_us - grace_us);
}

static between
reach_of (const happened *event, const decision *made, int64_t slot_us, between now)
{
    model_clock clock = event->job->definition->clock;
    reach_question question = {
        .clock = clock,
        .slot_us = slot_us,
        .armed_us = event->job_before->image->armed_us,
        .known_since = made->known_since,
        .now = event->when,
        .now_us = now,
    };
    return facts_reached (event->slots->facts, &question);
}

/* A slot that is there to be fired does not wait for long. */
static void
judge_prompt (const happened *event, const decision *made, between reached, between now)
{
    int64_t from_us = reached.most_us;
    int64_t wake_us = event->job_before->image->wake_us;
    if (wake_us > made->first_us) {
        /* It was put off behind another late one; the clock may have been set back since.
         */
        int64_t woken_us = reach_of (event, made, wake_us, now).most_us;
        from_us = woken_us > from_us ? woken_us : from_us;
    }
    /* One that was about to be decided as the machine fell asleep, or its clock was set. */
    int64_t jumped_us =
        facts_jumped (event->slots->facts, event->when.true_time, PROMPT_US);
    if (from_us < now.least_us - PROMPT_US - jumped_us) {
        slots_broken (event, "liveness",
                      "the slot %" PRId64 " was within reach at %" PRId64
                      ", and was decided %" PRId64 " us later",
                      made->first_us, from_us, now.least_us - from_us);
    }
}

static void
cover (const happened *event, const decision *made, uint64_t late)
{
    const char *policy = name_of (event->job->definition->spec->late);
    if (made->dropped > 0) {
        cover_hit (COVER_LATE, policy, made->skipped ? "skipped" : "missed");
    }
    if (made->chosen && made->refused == 0) {
        cover_hit (COVER_LATE, policy,
                   made->failed           ? "failed"
                   : late > made->dropped ? "late"
                                          : "in time");
    }
}

void
late_judge (const happened *event, const decision *made)
{
    between now = happened_now (event, event->job->definition->clock);
    between reached = reach_of (event, made, made->first_us, now);
    judge_prompt (event, made, reached, now);
    /* Not after now, where the clock was set back since. */
    reached.least_us = reached.least_us < now.least_us ? reached.least_us : now.least_us;
    reached.most_us = reached.most_us < now.most_us ? reached.most_us : now.most_us;
    uint64_t least = late_by (event, made->first_us, reached.least_us);
    uint64_t most = late_by (event, made->first_us, reached.most_us);
    numbers say = said (event, made);
    for (unsigned i = 0; i < say.count; i++) {
        if (say.list[i].least <= most && say.list[i].most >= least) {
            cover (event, made, say.list[i].least > least ? say.list[i].least : least);
            return;
        }
    }
    slots_broken (event, "2",
                  "late policy %s: from the slot %" PRId64 " on %" PRIu64
                  " were dropped%s, then %s; %s %" PRIu64 " late; but it came within reach "
                  "between %" PRId64 " and %" PRId64 ", so that %" PRIu64 " to %" PRIu64
                  " were",
                  name_of (event->job->definition->spec->late), made->first_us,
                  made->dropped, made->skipped ? " (skipped)" : "",
                  !made->chosen       ? "none was chosen"
                  : made->refused > 0 ? "some were refused"
                  : made->failed      ? "one failed"
                                      : "one fired",
                  say.count > 0 ? "that takes" : "no number fits, not even",
                  say.count > 0 ? say.list[say.count - 1].least : 0, reached.least_us,
                  reached.most_us, least, most);
}

void
late_forgone (const happened *event)
{
    cover_hit (COVER_LATE, name_of (event->job->definition->spec->late), "missed");
}
