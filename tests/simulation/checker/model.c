/* SPDX-License-Identifier: MPL-2.0
 *
 * The fold of the log: what each event makes of its job, its run and its stretch. Whether
 * it may is states.c's; what is gone with time is pruned.c's.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ids grow by this: the lowest bits are the shard's. */
#define ID_STEP 256

/* What comes with each kind. */
typedef struct {
    bool job;  /* the job's image */
    bool spec; /* with its definition */
} content;

static const content contents[KINDS] = {
    [KIND_JOB_SCHEDULED] = {true, true},   [KIND_JOB_REPLACED] = {true, true},
    [KIND_JOB_RESCHEDULED] = {true, true}, [KIND_JOB_PAUSED] = {true, false},
    [KIND_JOB_RESUMED] = {true, false},    [KIND_JOB_TRIGGERED] = {true, false},
    [KIND_JOB_CANCELLED] = {true, false},  [KIND_JOB_CONFIRMED] = {true, false},
    [KIND_JOB_COMPLETED] = {true, false},  [KIND_JOB_DEAD] = {true, false},
    [KIND_RUN_FIRED] = {true, false},      [KIND_RUN_BLOCKED] = {true, false},
    [KIND_RUN_DELIVERED] = {true, false},  [KIND_RUN_SUCCEEDED] = {true, false},
    [KIND_RUN_DEAD] = {true, false},       [KIND_RUN_CANCELLED] = {true, false},
    [KIND_RUN_EXPIRED] = {true, false},    [KIND_RUN_REDRIVEN] = {true, false},
    [KIND_SLOT_MISSED] = {true, false},    [KIND_SLOT_SKIPPED] = {true, false},
};

/* --- looking up ---------------------------------------------------------------------- */

model_job *
model_find (const checker *self, uint64_t job)
{
    return table_get_number (self->jobs, job);
}

model_run *
model_find_run (const checker *self, uint64_t job, uint32_t ordinal)
{
    const model_job *there = model_find (self, job);
    return there && ordinal >= 1 && ordinal <= there->run_count ? there->runs[ordinal - 1]
                                                                : NULL;
}

const model_event *
model_event_at (const checker *self, uint64_t seq)
{
    return seq >= 1 && seq <= self->head ? self->events[seq - 1] : NULL;
}

uint64_t
model_head (const checker *self)
{
    return self->head;
}

model_job *
model_each (const checker *self, size_t *cursor)
{
    return table_each (self->jobs, cursor);
}

/* "NS\0KEY" into a buffer that the caller frees. */
static char *
key_bytes (const char *ns, const char *key, size_t *size)
{
    size_t ns_size = strlen (ns) + 1;
    size_t key_size = strlen (key);
    char *bytes = checker_alloc (1, ns_size + key_size);
    memcpy (bytes, ns, ns_size);
    memcpy (bytes + ns_size, key, key_size);
    *size = ns_size + key_size;
    return bytes;
}

const key_holders *
model_holders (const checker *self, const char *ns, const char *key)
{
    size_t size;
    char *bytes = key_bytes (ns, key, &size);
    const key_holders *holders = table_get (self->keys, bytes, size);
    free (bytes);
    return holders;
}

static bool
read_number (const char **text, uint64_t most, uint64_t *number)
{
    const char *at = *text;
    uint64_t value = 0;
    if (*at < '1' || *at > '9') {
        return false;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (most - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *text = at;
    *number = value;
    return true;
}

bool
model_parse (const char *text, uint64_t *job, uint32_t *ordinal, uint32_t *attempt)
{
    uint64_t parts[3] = {0, 0, 0};
    const uint64_t most[3] = {INT64_MAX, UINT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        if (!read_number (&text, most[i], &parts[i])) {
            return false;
        }
        if (*text == '\0') {
            break;
        }
        if (*text++ != '.' || i == 2) {
            return false;
        }
    }
    *job = parts[0];
    *ordinal = (uint32_t)parts[1];
    *attempt = (uint32_t)parts[2];
    return *text == '\0';
}

/* --- the fold ------------------------------------------------------------------------ */

__attribute__ ((noreturn)) static void
broken (const checker *self, const model_event *event, const char *what)
{
    world_broken (self->world, "6", event->event->job, "event %" PRIu64 " (%s): %s",
                  event->seq, event->event->kind, what);
}

static void
hold_key (checker *self, model_job *job)
{
    size_t size;
    char *bytes = key_bytes (job->ns, job->key, &size);
    key_holders *holders = table_get (self->keys, bytes, size);
    if (!holders) {
        holders = checker_alloc (1, sizeof *holders);
        table_put (self->keys, bytes, size, holders);
    }
    free (bytes);
    if (holders->count > 0) {
        const model_job *newest = holders->jobs[holders->count - 1];
        if (!newest->pruned && model_job_is_open (newest->image->state)) {
            world_broken (self->world, "1", job->id,
                          "job %" PRIu64 " has the key '%s' of the open job %" PRIu64,
                          job->id, job->key, newest->id);
        }
    }
    CHECKER_ROOM (holders->jobs, holders->room, holders->count);
    holders->jobs[holders->count++] = job;
}

static model_job *
make_job (checker *self, const model_event *event)
{
    const Belfry__V1__Event *wire = event->event;
    if (wire->job <= self->last_id || wire->job % ID_STEP != 0) {
        broken (self, event, "the id is not a new one");
    }
    model_job *job = checker_keep (self, sizeof *job);
    job->id = wire->job;
    job->ns = wire->ns;
    job->key = wire->key;
    job->type = wire->type;
    job->first_seq = event->seq;
    job->image = wire->job_after;
    table_put_number (self->jobs, job->id, job);
    self->last_id = job->id;
    if (job->key[0] != '\0') {
        hold_key (self, job);
    }
    return job;
}

static void
define (checker *self, const model_event *event, model_job *job)
{
    const Belfry__V1__JobSpec *spec = event->event->job_after->spec;
    if (spec->payload.len > 0) {
        broken (self, event, "the definition has the payload");
    }
    if (strcmp (spec->ns, job->ns) != 0 || strcmp (spec->key, job->key) != 0 ||
        strcmp (spec->type, job->type) != 0) {
        broken (self, event, "the definition is another job's");
    }
    model_definition *definition = checker_keep (self, sizeof *definition);
    *definition = (model_definition){
        .before = job->definition,
        .spec = spec,
        .version = event->event->job_after->version,
        .clock = spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US ? ON_BOOT
                                                                              : ON_WALL,
        .seq = event->seq,
        .at_us = event->event->at_us,
    };
    job->definition = definition;
}

static void
count_job (checker *self, const Belfry__V1__Job *before, const Belfry__V1__Job *after)
{
    bool was_open = before && model_job_is_open (before->state);
    bool is_open = model_job_is_open (after->state);
    self->open_jobs += is_open;
    self->open_jobs -= was_open;
    self->final_jobs += !is_open;
    self->final_jobs -= before && !was_open;
}

static void
count_run (checker *self, const Belfry__V1__Run *before, const Belfry__V1__Run *after)
{
    const Belfry__V1__RunState ready = BELFRY__V1__RUN_STATE__RUN_STATE_READY;
    const Belfry__V1__RunState leased = BELFRY__V1__RUN_STATE__RUN_STATE_LEASED;
    self->ready_runs += after->state == ready;
    self->ready_runs -= before && before->state == ready;
    self->leased_runs += after->state == leased;
    self->leased_runs -= before && before->state == leased;
}

/* What the log says of the job beside its image. */
static void
fold_job (checker *self, model_event *event, event_kind kind, model_job *job)
{
    const Belfry__V1__Event *wire = event->event;
    if (strcmp (wire->ns, job->ns) != 0 || strcmp (wire->key, job->key) != 0) {
        broken (self, event, "the namespace or the key is another");
    }
    if (wire->prev_job_seq != job->last_seq) {
        world_broken (self->world, "6", job->id,
                      "event %" PRIu64 " says that %" PRIu64 " is before it of its job, "
                      "but it is %" PRIu64,
                      event->seq, wire->prev_job_seq, job->last_seq);
    }
    event->job_before = job->last_seq;
    job->last_seq = event->seq;
    job->updated_us = wire->at_us;
    CHECKER_ROOM (job->seqs, job->seq_room, job->seq_count);
    job->seqs[job->seq_count++] = event->seq;
    if (wire->job_after) {
        const Belfry__V1__Job *after = wire->job_after;
        if (after->id != job->id || after->last_seq != event->seq ||
            after->updated_us != wire->at_us || !after->counts) {
            broken (self, event, "the job's image is not of this moment");
        }
        if (!kind_is_of_run (kind)) {
            job->type = wire->type;
        }
        count_job (self, kind == KIND_JOB_SCHEDULED ? NULL : job->image, after);
        job->image = after;
        if (after->spec) {
            define (self, event, job);
        }
    }
    if (!kind_is_of_run (kind) && strcmp (wire->type, job->type) != 0) {
        broken (self, event, "the type is not the job's");
    }
    event->job = job->image;
}

/* Redrives decide where what they redo did, and the job was not moved since. */
static bool
run_decides (const checker *self, const model_job *job, const model_event *event)
{
    const Belfry__V1__Run *image = event->event->run_after;
    if (image->origin != BELFRY__V1__ORIGIN__ORIGIN_REDRIVEN) {
        return image->origin == BELFRY__V1__ORIGIN__ORIGIN_SLOT;
    }
    const model_event *before = model_event_at (self, event->seq - 1);
    uint64_t id;
    uint32_t ordinal;
    uint32_t attempt;
    if (!before || !model_parse (before->event->run, &id, &ordinal, &attempt) ||
        id != job->id || ordinal > job->run_count || !job->runs[ordinal - 1]) {
        broken (self, event, "a redrive of no run");
    }
    const model_run *dead = job->runs[ordinal - 1];
    return dead->decides && dead->image->job_version == job->image->version;
}

static model_run *
make_run (checker *self, const model_event *event, event_kind kind, model_job *job,
          uint32_t ordinal)
{
    if ((kind != KIND_RUN_FIRED && kind != KIND_RUN_BLOCKED) ||
        ordinal != job->run_count + 1) {
        broken (self, event, "there is no such run");
    }
    model_run *run = checker_keep (self, sizeof *run);
    *run = (model_run){
        .job = job->id,
        .ordinal = ordinal,
        .clock = (model_clock)event->event->clock,
        .type = event->event->type,
        .definition = job->definition,
        .decides = run_decides (self, job, event),
        .first_seq = event->seq,
    };
    size_t room = job->run_room;
    CHECKER_ROOM (job->runs, room, job->run_count);
    job->run_room = (uint32_t)room;
    job->runs[job->run_count++] = run;
    return run;
}

/* *before is the run as it was; returns it as it is. */
static model_run *
fold_run (checker *self, model_event *event, event_kind kind, model_job *job,
          model_run *before, bool *made)
{
    const Belfry__V1__Event *wire = event->event;
    const Belfry__V1__Run *after = wire->run_after;
    uint64_t id;
    uint32_t ordinal;
    uint32_t attempt;
    if (!after || !model_parse (wire->run, &id, &ordinal, &attempt) || id != job->id ||
        ordinal == 0 || attempt != 0) {
        broken (self, event, "it names no run of its job");
    }
    if (strcmp (after->run, wire->run) != 0 || after->last_seq != event->seq ||
        after->attempt != wire->attempt || after->result.len > 0 ||
        after->lease_until_us != 0 || after->ns[0] != '\0' || after->type[0] != '\0' ||
        after->cancel_requested) {
        broken (self, event, "the run's image is not of this moment");
    }
    if (ordinal <= job->run_count && !job->runs[ordinal - 1]) {
        broken (self, event, "the run was pruned");
    }
    *made = ordinal > job->run_count;
    model_run *run =
        *made ? make_run (self, event, kind, job, ordinal) : job->runs[ordinal - 1];
    *before = *run;
    if (strcmp (wire->type, run->type) != 0 || wire->clock != (uint32_t)run->clock ||
        wire->due_us != after->due_us) {
        broken (self, event, "type, clock or due time are not the run's");
    }
    event->run_before = run->last_seq;
    event->run = after;
    run->last_seq = event->seq;
    if (kind == KIND_RUN_CLAIMED) {
        run->claimed_seq = event->seq;
    }
    count_run (self, *made ? NULL : run->image, after);
    run->image = after;
    return run;
}

static void
fold_stretch (checker *self, const model_event *event, event_kind kind, model_job *job)
{
    const Belfry__V1__Stretch *after = event->event->stretch_after;
    const Belfry__V1__Slots *slots_told = event->event->slots;
    bool skipped = kind == KIND_SLOT_SKIPPED;
    if (!after || !slots_told || after->job != job->id || after->skipped != skipped ||
        after->after_ordinal != job->run_count || after->last_seq != event->seq ||
        slots_told->count < 1 || slots_told->first_due_us > slots_told->last_due_us) {
        broken (self, event, "its slots, or its stretch, are none");
    }
    if (!job->stretches) {
        job->stretches = table_new ();
    }
    uint64_t place = (uint64_t)after->after_ordinal * 2 + skipped;
    model_stretch *row = table_get_number (job->stretches, place);
    if (!row) {
        row = checker_keep (self, sizeof *row);
        *row = (model_stretch){
            .job = job->id,
            .after_ordinal = after->after_ordinal,
            .skipped = skipped,
            .first_due_us = slots_told->first_due_us,
            .last_due_us = slots_told->last_due_us,
        };
        table_put_number (job->stretches, place, row);
    }
    row->count += slots_told->count;
    row->last_seq = event->seq;
    if (slots_told->first_due_us < row->first_due_us) {
        row->first_due_us = slots_told->first_due_us;
    }
    if (slots_told->last_due_us > row->last_due_us) {
        row->last_due_us = slots_told->last_due_us;
    }
    if (row->count != after->count || row->first_due_us != after->first_due_us ||
        row->last_due_us != after->last_due_us) {
        broken (self, event, "its stretch is not that of before with these slots");
    }
}

static void
check_content (const checker *self, const model_event *event, event_kind kind)
{
    const Belfry__V1__Event *wire = event->event;
    bool has_spec = wire->job_after && wire->job_after->spec;
    bool of_slots = kind == KIND_SLOT_MISSED || kind == KIND_SLOT_SKIPPED;
    bool prunes = kind == KIND_JOB_PRUNED || kind == KIND_LOG_PRUNED;
    bool replans = kind == KIND_ZONE_CHANGED || kind == KIND_CALENDAR_CHANGED;
    if ((wire->job_after != NULL) != contents[kind].job ||
        has_spec != contents[kind].spec ||
        (wire->run[0] != '\0') != kind_is_of_run (kind) ||
        (wire->run_after != NULL) != kind_is_of_run (kind) ||
        (wire->job != 0) != kind_is_of_job (kind) ||
        (wire->stretch_after != NULL) != of_slots || (wire->pruned != NULL) != prunes ||
        (wire->replanned != NULL) != replans ||
        (replans &&
         (wire->replanned->calendar != NULL) != (kind == KIND_CALENDAR_CHANGED)) ||
        (wire->recovery != NULL) != (kind == KIND_RECOVERY_REPORT)) {
        broken (self, event, "it does not have the content that its kind has");
    }
}

static void
fold_of_job (checker *self, model_event *event, event_kind kind)
{
    model_job *job = model_find (self, event->event->job);
    bool makes = kind == KIND_JOB_SCHEDULED;
    if (makes != (job == NULL) || (job && job->pruned)) {
        broken (self, event,
                job ? "the job was there, or is gone" : "there is no such job");
    }
    if (!job) {
        job = make_job (self, event);
    }
    model_job job_before = *job;
    model_run run_before = {0};
    model_run *run = NULL;
    bool made = false;
    fold_job (self, event, kind, job);
    if (kind_is_of_run (kind)) {
        run = fold_run (self, event, kind, job, &run_before, &made);
    } else if (event->event->stretch_after) {
        fold_stretch (self, event, kind, job);
    }
    const model_job *before = makes ? NULL : &job_before;
    const model_run *before_run = run && !made ? &run_before : NULL;
    if (run) {
        states_check_run (self, event, kind, job, before_run, run);
    }
    states_check_job (self, event, kind, before, before_run, run);
    effects_done (self, event, kind, job);
    slots_event (self, event, before, job, before_run, run);
}

/* The images of jobs whose next slot is another one by now. */
static void
replan (checker *self, const model_event *event)
{
    const Belfry__V1__Replanned *told = event->event->replanned;
    for (size_t i = 0; i < told->n_rows; i++) {
        const Belfry__V1__Replanned__Row *row = told->rows[i];
        model_job *job = model_find (self, row->job);
        if (!job || job->pruned) {
            broken (self, event, "there is no such job");
        }
        Belfry__V1__Job *image = checker_keep (self, sizeof *image);
        *image = *job->image;
        image->due_us = row->due_us;
        image->armed_us = row->armed_us;
        image->wake_us = row->wake_us;
        job->image = image;
        CHECKER_ROOM (job->replans, job->replan_room, job->replan_count);
        job->replans[job->replan_count].seq = event->seq;
        job->replans[job->replan_count++].image = image;
    }
}

void
model_fold (checker *self, model_event *event)
{
    event_kind kind = kind_of (event->event->kind);
    if (kind == KIND_NONE) {
        broken (self, event, "there is no such kind");
    }
    cover_hit (COVER_EVENT, kind_names[kind], "seen");
    check_content (self, event, kind);
    states_check_order (self, event, kind);
    if (kind_is_of_job (kind)) {
        fold_of_job (self, event, kind);
        return;
    }
    if (event->event->pruned) {
        model_prune (self, event);
    }
    slots_event (self, event, NULL, NULL, NULL, NULL);
    if (event->event->replanned) {
        replan (self, event);
    }
}

void
model_forget (checker *self)
{
    size_t cursor = 0;
    model_job *job;
    while (self->jobs && (job = table_each (self->jobs, &cursor)) != NULL) {
        table_destroy (&job->stretches, NULL);
        free (job->runs);
        free (job->seqs);
        free (job->replans);
    }
    cursor = 0;
    key_holders *holders;
    while (self->keys && (holders = table_each (self->keys, &cursor)) != NULL) {
        free (holders->jobs);
    }
    table_destroy (&self->keys, free);
    table_destroy (&self->jobs, NULL);
}
