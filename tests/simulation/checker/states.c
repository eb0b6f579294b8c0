/* SPDX-License-Identifier: MPL-2.0
 *
 * The tables of docs/states.md once more, as an outsider reads them: which event may move a
 * job or a run from where to where, and what else of the row it changes. Promise 3: one
 * lease at a time, attempts counted without holes, one end. Promise 4: what was cancelled,
 * confirmed or moved neither fires nor is tried again.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <string.h>

#define JOB(name) BELFRY__V1__JOB_STATE__JOB_STATE_##name
#define RUN(name) BELFRY__V1__RUN_STATE__RUN_STATE_##name
#define ORIGIN(name) BELFRY__V1__ORIGIN__ORIGIN_##name
#define REASON(name) BELFRY__V1__JOB_REASON__JOB_REASON_##name

/* Sets of states. */
#define AT(state) (1u << (unsigned)(state))
#define OPEN_JOBS (AT (JOB (WAITING)) | AT (JOB (SCHEDULED)) | AT (JOB (ACTIVE)))
#define OPEN_RUNS \
    (AT (RUN (BLOCKED)) | AT (RUN (READY)) | AT (RUN (LEASED)) | AT (RUN (RETRY_WAIT)))
/* No row was there. */
#define NEW AT (0)

/* The most open runs of a job. */
#define MOST_OPEN 1000

/* From where to where an event may move a row. to 0: it stays where it is. */
typedef struct {
    unsigned from;
    unsigned to;
} moves;

static const moves job_moves[KINDS] = {
    [KIND_JOB_SCHEDULED] = {NEW, AT (JOB (SCHEDULED))},
    [KIND_JOB_REPLACED] = {OPEN_JOBS, AT (JOB (SCHEDULED))},
    [KIND_JOB_RESCHEDULED] = {OPEN_JOBS, AT (JOB (SCHEDULED))},
    [KIND_JOB_PAUSED] = {OPEN_JOBS, 0},
    [KIND_JOB_RESUMED] = {OPEN_JOBS, 0},
    [KIND_JOB_TRIGGERED] = {OPEN_JOBS, 0},
    [KIND_JOB_CANCELLED] = {OPEN_JOBS, AT (JOB (CANCELLED))},
    [KIND_JOB_CONFIRMED] = {AT (JOB (WAITING)) | AT (JOB (SCHEDULED)),
                            AT (JOB (CONFIRMED))},
    [KIND_JOB_COMPLETED] = {AT (JOB (ACTIVE)), AT (JOB (COMPLETED))},
    [KIND_JOB_DEAD] = {AT (JOB (ACTIVE)), AT (JOB (DEAD))},
    [KIND_SLOT_MISSED] = {AT (JOB (SCHEDULED)), AT (JOB (SCHEDULED)) | AT (JOB (ACTIVE))},
    [KIND_SLOT_SKIPPED] = {AT (JOB (SCHEDULED)), AT (JOB (SCHEDULED)) | AT (JOB (ACTIVE))},
};

static const moves run_moves[KINDS] = {
    [KIND_RUN_FIRED] = {NEW | AT (RUN (BLOCKED)), AT (RUN (READY)) | AT (RUN (RETRY_WAIT))},
    [KIND_RUN_BLOCKED] = {NEW, AT (RUN (BLOCKED))},
    [KIND_RUN_DELIVERED] = {AT (RUN (READY)), AT (RUN (DELIVERED))},
    [KIND_RUN_CLAIMED] = {AT (RUN (READY)), AT (RUN (LEASED))},
    [KIND_RUN_RETURNED] = {AT (RUN (LEASED)), AT (RUN (READY))},
    /* Of a late slot that became a failed run, it tells what run.fired or run.blocked has
       shown; else the worker's attempt has failed, and goes on, or ends next. */
    [KIND_RUN_FAILED] = {AT (RUN (LEASED)) | AT (RUN (RETRY_WAIT)) | AT (RUN (BLOCKED)),
                         AT (RUN (LEASED)) | AT (RUN (RETRY_WAIT)) | AT (RUN (BLOCKED))},
    [KIND_RUN_SNOOZED] = {AT (RUN (LEASED)), AT (RUN (RETRY_WAIT))},
    [KIND_RUN_RETRYING] = {AT (RUN (RETRY_WAIT)), AT (RUN (READY))},
    [KIND_RUN_SUCCEEDED] = {AT (RUN (LEASED)), AT (RUN (SUCCEEDED))},
    [KIND_RUN_DEAD] = {AT (RUN (LEASED)) | AT (RUN (RETRY_WAIT)), AT (RUN (DEAD))},
    [KIND_RUN_CANCELLED] = {OPEN_RUNS, AT (RUN (CANCELLED))},
    [KIND_RUN_EXPIRED] = {AT (RUN (BLOCKED)) | AT (RUN (READY)), AT (RUN (EXPIRED))},
    [KIND_RUN_REDRIVEN] = {AT (RUN (DEAD)), 0},
};

const char *
states_job_name (Belfry__V1__JobState state)
{
    static const char *const names[] = {"none",      "waiting", "scheduled", "active",
                                        "completed", "dead",    "cancelled", "confirmed"};
    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "?";
}

const char *
states_run_name (Belfry__V1__RunState state)
{
    static const char *const names[] = {"none",       "blocked",   "ready", "leased",
                                        "retry_wait", "succeeded", "dead",  "expired",
                                        "cancelled",  "delivered"};
    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "?";
}

bool
states_is_withdrawn (const model_job *job, const Belfry__V1__Job *image,
                     const model_run *run)
{
    (void)job;
    return image->state == JOB (CANCELLED) || image->state == JOB (CONFIRMED) ||
           run->image->job_version < image->version ||
           (run->decides && run->ordinal < image->others_below);
}

__attribute__ ((noreturn)) static void
broken (const checker *self, const char *promise, const model_event *event,
        const char *what)
{
    world_broken (self->world, promise, event->event->job, "event %" PRIu64 " (%s %s): %s",
                  event->seq, event->event->kind, event->event->run, what);
}

/* --- events that come together ------------------------------------------------------- */

/* The kinds that must follow, and whether of the same run; 0 for anything. */
static unsigned
followers (const model_event *event, event_kind kind, bool *same_run)
{
    const Belfry__V1__Run *run = event->event->run_after;
    *same_run = true;
    switch (kind) {
    case KIND_JOB_TRIGGERED:
    case KIND_RUN_REDRIVEN:
        *same_run = false;
        return 1u << KIND_RUN_FIRED;
    case KIND_RUN_FAILED:
        return run->state == RUN (LEASED) ? 1u << KIND_RUN_DEAD | 1u << KIND_RUN_CANCELLED
                                          : 0;
    default:
        return 0;
    }
}

void
states_check_order (checker *self, const model_event *event, event_kind kind)
{
    const model_event *before = model_event_at (self, event->seq - 1);
    event_kind before_kind = before ? kind_of (before->event->kind) : KIND_NONE;
    bool same_run = false;
    unsigned must = before ? followers (before, before_kind, &same_run) : 0;
    bool same_job = before && before->event->job == event->event->job;
    bool follows =
        same_job && (!same_run || strcmp (before->event->run, event->event->run) == 0);
    if (must != 0 && (!follows || (must & 1u << kind) == 0)) {
        broken (self, "6", event, "it stands between two events that belong together");
    }
    if (kind == KIND_RUN_DEAD && before_kind != KIND_RUN_FAILED) {
        broken (self, "3", event, "a run is dead that has not failed");
    }
    if (kind == KIND_RUN_DELIVERED && (before_kind != KIND_RUN_FIRED || !follows)) {
        broken (self, "3", event, "a run is delivered that has not fired");
    }
    if (!kind_is_of_run (kind) || !event->event->run_after || kind != KIND_RUN_FIRED) {
        return;
    }
    const Belfry__V1__Run *run = event->event->run_after;
    uint64_t job;
    uint32_t ordinal;
    uint32_t attempt;
    bool readable = model_parse (event->event->run, &job, &ordinal, &attempt);
    bool makes = readable && !model_find_run (self, job, ordinal);
    bool triggered = same_job && before_kind == KIND_JOB_TRIGGERED;
    bool redriven = same_job && before_kind == KIND_RUN_REDRIVEN &&
                    before->event->run_after->redriven_by == ordinal;
    if (makes && ((run->origin == ORIGIN (TRIGGERED)) != triggered ||
                  (run->origin == ORIGIN (REDRIVEN)) != redriven)) {
        broken (self, "3", event, "a run that nobody asked for");
    }
}

void
states_check_end (checker *self)
{
    bool same_run;
    const model_event *last = model_event_at (self, self->head);
    if (last && followers (last, kind_of (last->event->kind), &same_run) != 0) {
        broken (self, "6", last, "the log ends in the middle of a commit");
    }
}

/* --- runs ---------------------------------------------------------------------------- */

static bool
is_move (const moves *allowed, unsigned from, unsigned to)
{
    return (allowed->from & AT (from)) != 0 &&
           (allowed->to != 0 ? (allowed->to & AT (to)) != 0 : from == to);
}

/* What a move leaves as it was. */
static void
check_run_constants (checker *self, const model_event *event, event_kind kind,
                     const Belfry__V1__Run *before, const Belfry__V1__Run *after)
{
    if (after->created_us != before->created_us || after->origin != before->origin ||
        after->due_us != before->due_us || after->lateness_us != before->lateness_us ||
        after->job_version != before->job_version) {
        broken (self, "3", event, "what a run is has changed");
    }
    bool claims = kind == KIND_RUN_CLAIMED;
    if (after->attempt != before->attempt + claims) {
        broken (self, "3", event, "attempts are not counted one by one");
    }
    if (claims ? after->worker[0] == '\0' || after->claimed_us != event->event->at_us
               : strcmp (after->worker, before->worker) != 0 ||
                     after->claimed_us != before->claimed_us) {
        broken (self, "3", event, "who has, or had, the lease is not what was claimed");
    }
    bool fails = kind == KIND_RUN_FAILED && before->state == RUN (LEASED);
    if (after->failures != before->failures + fails) {
        broken (self, "3", event, "failures are not counted one by one");
    }
    bool redrives = kind == KIND_RUN_REDRIVEN;
    if (redrives ? before->redriven_by != 0 || after->redriven_by == 0
                 : after->redriven_by != before->redriven_by) {
        broken (self, "3", event, "a run is redriven once, by a redrive");
    }
    bool succeeds = kind == KIND_RUN_SUCCEEDED;
    if (!succeeds && (after->result_bytes != before->result_bytes ||
                      after->result_hash != before->result_hash)) {
        broken (self, "3", event, "a result comes with the completion and stays");
    }
}

static void
check_run_times (checker *self, const model_event *event, event_kind kind,
                 const Belfry__V1__Run *before, const Belfry__V1__Run *after)
{
    bool is_open = model_run_is_open (after->state);
    int64_t final_us = is_open                     ? 0
                       : kind == KIND_RUN_REDRIVEN ? before->final_us
                                                   : event->event->at_us;
    if (after->final_us != final_us) {
        broken (self, "3", event, "its end has another time");
    }
    bool must_wait = after->state == RUN (RETRY_WAIT);
    bool may_wait = after->state == RUN (READY) || after->state == RUN (BLOCKED);
    if (!may_wait && (after->timer_us != 0) != must_wait) {
        broken (self, "3", event, "it waits for a time that it should not, or for none");
    }
}

/* The first of a run. */
static void
check_new_run (checker *self, const model_event *event, const model_job *job,
               const model_run *run)
{
    const Belfry__V1__Run *after = run->image;
    const Belfry__V1__JobSpec *spec = job->definition->spec;
    bool slot = after->origin == ORIGIN (SLOT);
    bool fails = after->state == RUN (RETRY_WAIT) ||
                 (after->state == RUN (BLOCKED) && after->failures > 0);
    if (after->attempt != 0 || after->claimed_us != 0 || after->worker[0] != '\0' ||
        after->redriven_by != 0 || after->final_us != 0 || after->result_bytes != 0 ||
        after->created_us != event->event->at_us || after->failures != (uint32_t)fails) {
        broken (self, "3", event, "a new run that has a past");
    }
    if (after->job_version != job->image->version) {
        broken (self, "4", event, "a new run of an old version");
    }
    if (fails && (!slot || spec->late != BELFRY__V1__LATE__LATE_FAIL)) {
        broken (self, "3", event, "a new run that has failed");
    }
    if (slot && after->lateness_us < 0) {
        broken (self, "2", event, "it fires before it is due");
    }
    if (after->late != (after->lateness_us > spec->grace_us)) {
        broken (self, "3", event, "late, or not, against its lateness");
    }
    if (job->image->open_runs > MOST_OPEN) {
        broken (self, "3", event, "more open runs than a job may have");
    }
}

static void
check_withdrawn (checker *self, const model_event *event, event_kind kind,
                 const model_job *job, const model_run *run)
{
    /* Who has it may still complete; in every other way it only ends. */
    bool goes_on = kind == KIND_RUN_CLAIMED || kind == KIND_RUN_RETURNED ||
                   kind == KIND_RUN_SNOOZED || kind == KIND_RUN_RETRYING ||
                   kind == KIND_RUN_FIRED || kind == KIND_RUN_DEAD ||
                   (kind == KIND_RUN_FAILED && run->image->state != RUN (LEASED));
    if (goes_on && states_is_withdrawn (job, job->image, run)) {
        broken (self, "4", event, "a run that was withdrawn goes on");
    }
}

void
states_check_run (checker *self, const model_event *event, event_kind kind,
                  const model_job *job, const model_run *before, const model_run *run)
{
    const Belfry__V1__Run *after = run->image;
    unsigned from = before ? (unsigned)before->image->state : 0;
    if (!is_move (&run_moves[kind], from, after->state)) {
        world_broken (
            self->world, "3", run->job, "event %" PRIu64 " (%s %s): from %s to %s",
            event->seq, event->event->kind, event->event->run,
            states_run_name ((Belfry__V1__RunState)from), states_run_name (after->state));
    }
    if (kind != KIND_RUN_REDRIVEN) {
        check_withdrawn (self, event, kind, job, run);
    }
    if (!before) {
        check_new_run (self, event, job, run);
        return;
    }
    check_run_constants (self, event, kind, before->image, after);
    check_run_times (self, event, kind, before->image, after);
    const Belfry__V1__JobSpec *spec = job->definition->spec;
    if (kind == KIND_RUN_FAILED && after->state == RUN (RETRY_WAIT) &&
        after->failures >= spec->retry->max_attempts && from == RUN (LEASED)) {
        broken (self, "3", event, "it is tried again after its last attempt");
    }
    bool unseen = after->attempt == 0 || (after->attempt == 1 && after->failures == 0);
    if (kind == KIND_RUN_EXPIRED && (spec->start_timeout_us == 0 || !unseen)) {
        broken (self, "3", event,
                "a run expired that has no start_timeout, or was claimed");
    }
    if (kind == KIND_RUN_REDRIVEN && after->redriven_by != job->run_count + 1) {
        broken (self, "3", event, "it is redriven by a run that is not the next");
    }
}

/* --- jobs ---------------------------------------------------------------------------- */

/* The counters that every event moves in a way of its own. */
typedef struct {
    uint32_t version;
    uint32_t runs;
    uint32_t open_runs;
    uint32_t open;
    uint32_t blocked;
    bool paused;
    int reason;
} tally;

static tally
tally_of (const Belfry__V1__Job *image)
{
    return (tally){
        image->version,         image->runs,        image->open_runs,  image->counts->open,
        image->counts->blocked, image->paused != 0, (int)image->reason};
}

static bool
same_tally (const tally *a, const tally *b)
{
    return a->version == b->version && a->runs == b->runs && a->open_runs == b->open_runs &&
           a->open == b->open && a->blocked == b->blocked && a->paused == b->paused &&
           a->reason == b->reason;
}

/* A run was made, or let go, or ended. */
static void
tally_run (tally *to, const model_job *job, const model_run *before, const model_run *run)
{
    bool was_blocked = before && before->image->state == RUN (BLOCKED);
    bool is_blocked = run->image->state == RUN (BLOCKED);
    to->blocked += is_blocked;
    to->blocked -= was_blocked;
    if (!before) {
        to->runs++;
        to->open_runs++;
        to->open += run->decides;
        to->reason = run->decides ? REASON (UNSPECIFIED) : to->reason;
        return;
    }
    bool ends =
        model_run_is_open (before->image->state) && !model_run_is_open (run->image->state);
    to->open_runs -= ends;
    to->open -= ends && run->decides;
    if (ends && run->decides && !states_is_withdrawn (job, job->image, run)) {
        to->reason = run->image->state == RUN (DEAD)      ? REASON (RUN_DEAD)
                     : run->image->state == RUN (EXPIRED) ? REASON (EXPIRED)
                                                          : REASON (UNSPECIFIED);
    }
}

static tally
expected_tally (event_kind kind, const model_job *before, const model_job *job,
                const model_run *run_before, const model_run *run)
{
    if (!before) {
        return (tally){.version = 1};
    }
    tally expected = tally_of (before->image);
    switch (kind) {
    case KIND_JOB_REPLACED:
    case KIND_JOB_RESCHEDULED:
        expected.version++;
        expected.reason = REASON (UNSPECIFIED);
        break;
    case KIND_JOB_PAUSED:
    case KIND_JOB_RESUMED:
        expected.paused = kind == KIND_JOB_PAUSED;
        break;
    case KIND_JOB_CANCELLED:
    case KIND_JOB_CONFIRMED:
        expected.reason = REASON (UNSPECIFIED);
        break;
    case KIND_SLOT_MISSED:
    case KIND_SLOT_SKIPPED:
        /* Where it was the last slot, and none ever fired: slots.c knows. */
        expected.reason = (int)job->image->reason;
        break;
    default:
        if (run && kind != KIND_RUN_REDRIVEN) {
            tally_run (&expected, job, run_before, run);
        }
    }
    return expected;
}

/* Where a run's event leaves its job. */
static bool
is_state_after_run (event_kind kind, const model_run *run_before, const model_run *run,
                    Belfry__V1__JobState from, Belfry__V1__JobState to, bool recurs)
{
    if (kind == KIND_RUN_REDRIVEN) {
        return model_job_is_open (from)
                   ? to == from
                   : (from == JOB (COMPLETED) || from == JOB (DEAD)) && to == JOB (ACTIVE);
    }
    bool of_slot = !run_before && run->image->origin == ORIGIN (SLOT);
    if (!of_slot) {
        return to == from;
    }
    /* A one-shot has one slot; whether a recurring job's was the last, slots.c knows. */
    return from == JOB (SCHEDULED) &&
           (to == JOB (ACTIVE) || (recurs && to == JOB (SCHEDULED)));
}

static void
check_job_state (checker *self, const model_event *event, event_kind kind,
                 const model_job *before, const model_run *run_before, const model_run *run)
{
    const Belfry__V1__Job *after = event->event->job_after;
    Belfry__V1__JobState from = before ? before->image->state : 0;
    bool recurs = before && calendar_recurs (before->definition->spec->trigger_case);
    bool fine = run ? is_state_after_run (kind, run_before, run, from, after->state, recurs)
                    : is_move (&job_moves[kind], from, after->state);
    if (!fine) {
        bool fires = kind == KIND_RUN_FIRED || kind == KIND_RUN_BLOCKED;
        world_broken (self->world, fires ? "4" : "3", after->id,
                      "event %" PRIu64 " (%s %s): the job goes from %s to %s", event->seq,
                      event->event->kind, event->event->run, states_job_name (from),
                      states_job_name (after->state));
    }
    bool new_slot_run = run && !run_before && run->image->origin == ORIGIN (SLOT);
    if (new_slot_run && before->image->paused) {
        broken (self, "4", event, "a slot of a paused job fires");
    }
    if (kind == KIND_JOB_CONFIRMED && recurs) {
        broken (self, "3", event, "a recurring job is confirmed");
    }
    if ((kind == KIND_JOB_PAUSED || kind == KIND_JOB_RESUMED) &&
        before->image->paused == (kind == KIND_JOB_PAUSED)) {
        broken (self, "3", event, "it was so already");
    }
    bool ends = kind == KIND_JOB_COMPLETED || kind == KIND_JOB_DEAD;
    if (ends && (after->open_runs != 0 ||
                 (after->reason != REASON (UNSPECIFIED)) != (kind == KIND_JOB_DEAD))) {
        broken (self, "3", event, "the job ends with open runs, or against its reason");
    }
}

static void
check_job_constants (checker *self, const model_event *event, event_kind kind,
                     const model_job *before)
{
    const Belfry__V1__Job *after = event->event->job_after;
    bool is_open = model_job_is_open (after->state);
    if (!before) {
        if (after->created_us != event->event->at_us || after->final_us != 0) {
            broken (self, "3", event, "a new job that has a past");
        }
        return;
    }
    const Belfry__V1__Job *was = before->image;
    int64_t final_us = is_open                          ? 0
                       : model_job_is_open (was->state) ? event->event->at_us
                                                        : was->final_us;
    if (after->created_us != was->created_us || after->final_us != final_us) {
        broken (self, "3", event, "the job's beginning, or its end, has another time");
    }
    bool redefines = kind == KIND_JOB_REPLACED;
    if (!redefines && (after->payload_bytes != was->payload_bytes ||
                       after->payload_hash != was->payload_hash)) {
        broken (self, "3", event, "the job has another payload");
    }
}

void
states_check_job (checker *self, const model_event *event, event_kind kind,
                  const model_job *before, const model_run *run_before,
                  const model_run *run)
{
    const Belfry__V1__Job *after = event->event->job_after;
    if (!after) {
        return;
    }
    const model_job *job = model_find (self, after->id);
    check_job_state (self, event, kind, before, run_before, run);
    check_job_constants (self, event, kind, before);
    tally expected = expected_tally (kind, before, job, run_before, run);
    tally told = tally_of (after);
    if (!same_tally (&expected, &told)) {
        world_broken (self->world, "3", after->id,
                      "event %" PRIu64 " (%s %s): version %" PRIu32 ", runs %" PRIu32
                      ", open %" PRIu32 "/%" PRIu32 ", blocked %" PRIu32
                      ", paused %d, reason %d; should be %" PRIu32 ", %" PRIu32 ", %" PRIu32
                      "/%" PRIu32 ", %" PRIu32 ", %d, %d",
                      event->seq, event->event->kind, event->event->run, told.version,
                      told.runs, told.open_runs, told.open, told.blocked, told.paused,
                      told.reason, expected.version, expected.runs, expected.open_runs,
                      expected.open, expected.blocked, expected.paused, expected.reason);
    }
    if (told.runs != job->run_count) {
        broken (self, "3", event, "runs are not numbered without holes");
    }
}
