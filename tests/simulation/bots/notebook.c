/* SPDX-License-Identifier: MPL-2.0
 *
 * Jobs are found by their id. Of each state the last few jobs and runs that came into it
 * are remembered in a ring: most are still there when one is drawn.
 */
#include "tests/simulation/bots/notebook.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"

#define RING 64
#define JOB_STATES (BELFRY__V1__JOB_STATE__JOB_STATE_CONFIRMED + 1)
#define RUN_STATES (BELFRY__V1__RUN_STATE__RUN_STATE_DELIVERED + 1)
/* How often a job is drawn until one is as it is wanted. */
#define DRAWS 8

typedef struct {
    const note_job *jobs[RING];
    uint64_t count; /* ever put in */
} job_ring;

typedef struct {
    note_run runs[RING];
    uint64_t count;
} run_ring;

struct notebook {
    bf_map *jobs; /* note_job by id */
    unsigned open_jobs;
    job_ring in[JOB_STATES];
    job_ring paused;
    run_ring runs[RUN_STATES];
    char tokens[RING][NOTE_BYTES];
    uint64_t token_count;
};

notebook *
notebook_new (void)
{
    notebook *self = calloc (1, sizeof *self);
    if (self == NULL || (self->jobs = bf_map_new (0)) == NULL) {
        abort ();
    }
    return self;
}

void
notebook_destroy (notebook **self_p)
{
    notebook *self = *self_p;
    *self_p = NULL;
    if (self == NULL) {
        return;
    }
    size_t cursor = 0;
    note_job *job;
    while ((job = bf_map_each (self->jobs, &cursor)) != NULL) {
        free (job);
    }
    bf_map_destroy (&self->jobs);
    free (self);
}

static void
job_ring_put (job_ring *ring, const note_job *job)
{
    ring->jobs[ring->count++ % RING] = job;
}

static bool
is_open (Belfry__V1__JobState state)
{
    return state >= BELFRY__V1__JOB_STATE__JOB_STATE_WAITING &&
           state <= BELFRY__V1__JOB_STATE__JOB_STATE_ACTIVE;
}

/* Cut where it does not fit: then it names nothing, which is a case of its own. */
static void
copy (char to[NOTE_BYTES], const char *from)
{
    size_t size = strlen (from);
    if (size >= NOTE_BYTES) {
        size = NOTE_BYTES - 1;
    }
    memcpy (to, from, size);
    to[size] = '\0';
}

static void
note_spec (note_job *job, const Belfry__V1__JobSpec *spec)
{
    job->has_spec = true;
    job->recurs = spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY ||
                  spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_CRON ||
                  spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_DAILY ||
                  spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_RRULE;
    job->endless = job->recurs && spec->end_us == 0;
    copy (job->ns, spec->ns);
    copy (job->key, spec->key);
}

static void
note_a_job (notebook *self, const Belfry__V1__Job *news, uint64_t seq)
{
    if (news == NULL || news->id == 0 || news->state >= JOB_STATES) {
        return;
    }
    note_job *job = bf_map_get (self->jobs, &news->id, sizeof news->id);
    if (job == NULL) {
        job = calloc (1, sizeof *job);
        if (job == NULL || bf_map_put (self->jobs, &news->id, sizeof news->id, job) != 0) {
            abort ();
        }
        job->id = news->id;
    } else if (seq < job->seq) {
        return;
    }
    if (news->spec != NULL) {
        note_spec (job, news->spec);
    }
    if (job->state != news->state) {
        self->open_jobs += is_open (news->state);
        self->open_jobs -= is_open (job->state);
        job_ring_put (&self->in[news->state], job);
    }
    if (news->paused && !job->paused) {
        job_ring_put (&self->paused, job);
    }
    job->seq = seq;
    job->state = news->state;
    job->paused = news->paused;
    job->version = news->version;
}

static void
note_job_now (notebook *self, const Belfry__V1__Job *news)
{
    if (news != NULL) {
        note_a_job (self, news, news->last_seq);
    }
}

static void
note_a_run (notebook *self, const char *name, const Belfry__V1__Run *news)
{
    if (news == NULL || name[0] == '\0' || strlen (name) >= NOTE_BYTES ||
        news->state >= RUN_STATES) {
        return;
    }
    run_ring *ring = &self->runs[news->state];
    note_run *run = &ring->runs[ring->count++ % RING];
    copy (run->run, name);
    run->attempt = news->attempt;
}

static void
note_runs (notebook *self, Belfry__V1__Run *const *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        note_a_run (self, runs[i]->run, runs[i]);
    }
}

static void
note_jobs (notebook *self, const Belfry__V1__JobsReply *reply)
{
    for (size_t i = 0; i < reply->n_items; i++) {
        note_job_now (self, reply->items[i]->job);
        note_runs (self, reply->items[i]->out, reply->items[i]->n_out);
    }
}

static void
note_batch (notebook *self, const Belfry__V1__BatchReply *reply)
{
    for (size_t i = 0; i < reply->n_items; i++) {
        const Belfry__V1__BatchReply__Item *item = reply->items[i];
        if (item->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_JOBS) {
            note_jobs (self, item->jobs);
        } else if (item->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_RUNS) {
            note_runs (self, item->runs->runs, item->runs->n_runs);
        }
    }
}

static void
note_snapshot (notebook *self, const Belfry__V1__SnapshotReply *reply)
{
    for (size_t i = 0; i < reply->n_rows; i++) {
        const Belfry__V1__SnapshotReply__Row *row = reply->rows[i];
        if (row->row_case == BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_JOB) {
            note_job_now (self, row->job);
        } else if (row->row_case == BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_RUN) {
            note_a_run (self, row->run->run, row->run);
        }
    }
}

void
notebook_reply (notebook *self, const Belfry__V1__Reply *reply)
{
    switch (reply->result_case) {
    case BELFRY__V1__REPLY__RESULT_JOBS:
        note_jobs (self, reply->jobs);
        break;
    case BELFRY__V1__REPLY__RESULT_RUNS:
        note_runs (self, reply->runs->runs, reply->runs->n_runs);
        break;
    case BELFRY__V1__REPLY__RESULT_CLAIM:
        for (size_t i = 0; i < reply->claim->n_leases; i++) {
            const Belfry__V1__Lease *lease = reply->claim->leases[i];
            notebook_token (self, lease->token);
            if (lease->run != NULL) {
                note_a_run (self, lease->run->run, lease->run);
            }
        }
        break;
    case BELFRY__V1__REPLY__RESULT_GET:
        note_job_now (self, reply->get->job);
        note_runs (self, reply->get->runs, reply->get->n_runs);
        break;
    case BELFRY__V1__REPLY__RESULT_LIST:
        for (size_t i = 0; i < reply->list->n_jobs; i++) {
            note_job_now (self, reply->list->jobs[i]);
        }
        break;
    case BELFRY__V1__REPLY__RESULT_BATCH:
        note_batch (self, reply->batch);
        break;
    case BELFRY__V1__REPLY__RESULT_SNAPSHOT:
        note_snapshot (self, reply->snapshot);
        break;
    default:
        break;
    }
}

void
notebook_event (notebook *self, const Belfry__V1__Event *event)
{
    note_a_job (self, event->job_after, event->seq);
    note_a_run (self, event->run, event->run_after);
}

void
notebook_token (notebook *self, const char *token)
{
    if (strlen (token) < NOTE_BYTES) {
        copy (self->tokens[self->token_count++ % RING], token);
    }
}

unsigned
notebook_open_jobs (const notebook *self)
{
    return self->open_jobs;
}

static uint64_t
filled (uint64_t count)
{
    return count < RING ? count : RING;
}

const note_job *
notebook_job_in (const notebook *self, Belfry__V1__JobState state, sim_random *random)
{
    const job_ring *ring = &self->in[state];
    for (unsigned draw = 0; draw < DRAWS && ring->count > 0; draw++) {
        const note_job *job = ring->jobs[sim_below (random, filled (ring->count))];
        if (job->state == state) {
            return job;
        }
    }
    return NULL;
}

const note_job *
notebook_any_job (const notebook *self, sim_random *random)
{
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        Belfry__V1__JobState state =
            (Belfry__V1__JobState)(BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED +
                                   sim_below (random, 6));
        const note_job *job = notebook_job_in (self, state, random);
        if (job != NULL) {
            return job;
        }
    }
    return NULL;
}

const note_job *
notebook_paused_job (const notebook *self, sim_random *random)
{
    for (unsigned draw = 0; draw < DRAWS && self->paused.count > 0; draw++) {
        const note_job *job =
            self->paused.jobs[sim_below (random, filled (self->paused.count))];
        if (job->paused && is_open (job->state)) {
            return job;
        }
    }
    return NULL;
}

const note_run *
notebook_run_in (const notebook *self, Belfry__V1__RunState state, sim_random *random)
{
    const run_ring *ring = &self->runs[state];
    if (ring->count == 0) {
        return NULL;
    }
    /* Rather one of the newest: most states do not last. */
    uint64_t back = (uint64_t)sim_scaled (random, 1, (int64_t)filled (ring->count));
    return &ring->runs[(ring->count - back) % RING];
}

const char *
notebook_old_token (const notebook *self, sim_random *random)
{
    return self->token_count > 0
               ? self->tokens[sim_below (random, filled (self->token_count))]
               : NULL;
}
