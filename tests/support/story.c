/* SPDX-License-Identifier: MPL-2.0
 *
 * Folds the log; see story.h.
 */
#include "tests/support/story.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

story *
story_new (void)
{
    story *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->jobs = bf_map_new (1);
    self->runs = bf_map_new (2);
    self->attempts = bf_map_new (3);
    self->arena = bf_arena_new (ARENA_BYTES);
    assert_true (self->jobs && self->runs && self->attempts && self->arena);
    return self;
}

void
story_destroy (story **self_p)
{
    story *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    bf_map_destroy (&self->jobs);
    bf_map_destroy (&self->runs);
    bf_map_destroy (&self->attempts);
    bf_arena_destroy (&self->arena);
    free (self->digests);
    free (self);
}

static void *
get (const bf_map *map, bf_token id)
{
    return bf_map_get (map, &id, sizeof id);
}

static void *
add (story *self, bf_map *map, bf_token id, size_t size)
{
    assert_null (get (map, id));
    void *item = bf_arena_alloc (self->arena, size);
    assert_non_null (item);
    assert_int_equal (bf_map_put (map, &id, sizeof id, item), BF_OK);
    return item;
}

story_job *
story_find_job (const story *self, uint64_t id)
{
    return get (self->jobs, (bf_token){.job = id});
}

story_run *
story_find_run (const story *self, const char *run)
{
    bf_token id = {0};
    assert_int_equal (bf_run_id_parse (run, &id), BF_OK);
    return get (self->runs, id);
}

story_attempt *
story_find_attempt (const story *self, const char *token)
{
    bf_token id = {0};
    assert_int_equal (bf_token_parse (token, &id), BF_OK);
    return get (self->attempts, id);
}

uint64_t
story_digest (const Belfry__V1__Event *event)
{
    Belfry__V1__Event bare = *event;
    /* As the job has it now, not as the log had it then. */
    bare.payload = (ProtobufCBinaryData){0};
    bare.content_type = (char *)(uintptr_t)protobuf_c_empty_string;
    size_t size = belfry__v1__event__get_packed_size (&bare);
    uint8_t *bytes = malloc (size + 1);
    assert_non_null (bytes);
    belfry__v1__event__pack (&bare, bytes);
    uint64_t digest = bf_hash (bytes, size);
    free (bytes);
    return digest;
}

/* --- the rules ------------------------------------------------------------------------ */

static void
must (bool holds, const Belfry__V1__Event *event, const char *rule)
{
    if (!holds) {
        fail_msg ("event %" PRIu64 ", %s of job %" PRIu64 " run %s attempt %u: not %s",
                  event->seq, event->kind, event->job, event->run, event->attempt, rule);
    }
}

static void
tell_job (story *self, story_job *job, bf_event_kind kind, const Belfry__V1__Event *event)
{
    if (!job) {
        must (kind == BF_EVENT_JOB_SCHEDULED, event, "of a job that was made");
        job = add (self, self->jobs, (bf_token){.job = event->job}, sizeof *job);
        job->id = event->job;
        job->made_seq = event->seq;
    } else {
        must (kind != BF_EVENT_JOB_SCHEDULED, event, "of a new id");
    }
    must (event->prev_job_seq == job->last_seq, event, "a link to the job's last event");
    job->last_seq = event->seq;
    const Belfry__V1__Job *after = event->job_after;
    if (!after) {
        return;
    }
    bool stays = job->state == (bf_job_state)after->state;
    must (stays || job->state <= BF_JOB_ACTIVE ||
              ((job->state == BF_JOB_DEAD || job->state == BF_JOB_COMPLETED) &&
               kind == BF_EVENT_RUN_REDRIVEN),
          event, "behind a final state of the job");
    must (after->version >= job->version && after->runs >= job->runs, event, "growing");
    job->state = (bf_job_state)after->state;
    job->version = after->version;
    job->runs = after->runs;
    job->open_runs = after->open_runs;
    job->due_us = after->due_us;
}

/* Of a slot: the one that the job's last definition has, once, not early. `job` as it was
 * before. */
static void
tell_slot (story_job *job, const Belfry__V1__Event *event)
{
    must (job->state == BF_JOB_SCHEDULED, event, "of a job that waited for its slot");
    must (event->due_us == job->due_us, event, "at the due time of the job");
    must (event->lateness_us >= 0, event, "late or in time");
    must (job->fired_version < job->version, event, "the only fire of this version");
    must (event->run_after->job_version == job->version, event, "of the job's version");
    job->fired_version = job->version;
    job->fired_seq = event->seq;
}

static void
tell_fired (story *self, const story_job *job, bf_token id, const Belfry__V1__Event *event)
{
    must (id.ordinal == job->runs + 1, event, "the job's next run");
    story_run *run = add (self, self->runs, id, sizeof *run);
    run->id = id;
    run->state = (bf_run_state)event->run_after->state;
    run->last_seq = event->seq;
    must (run->state == BF_RUN_READY && event->attempt == 0, event, "a new run");
}

static void
tell_attempt (story *self, const story_run *run, bf_event_kind kind,
              const Belfry__V1__Event *event)
{
    bf_token id = run->id;
    id.attempt = event->attempt;
    if (kind == BF_EVENT_RUN_CLAIMED) {
        must (run->state == BF_RUN_READY, event, "of a run that was ready");
        must (event->attempt == run->attempt + 1, event, "the next attempt");
        story_attempt *attempt = add (self, self->attempts, id, sizeof *attempt);
        attempt->claimed_seq = event->seq;
        return;
    }
    bool settles = kind == BF_EVENT_RUN_FAILED || kind == BF_EVENT_RUN_SNOOZED ||
                   kind == BF_EVENT_RUN_SUCCEEDED || kind == BF_EVENT_RUN_RETURNED;
    must (event->attempt == run->attempt, event, "of the newest attempt");
    must (!settles || run->state == BF_RUN_LEASED, event, "of a run that was leased");
    story_attempt *attempt = get (self->attempts, id);
    if (settles) {
        must (attempt && attempt->end == 0, event, "the end of an attempt that was held");
    }
    /* Cancelled or dead without a word before: the attempt's end, too. */
    if (attempt && attempt->end == 0) {
        attempt->end = kind;
        attempt->end_seq = event->seq;
    }
}

static void
tell_run (story *self, bf_event_kind kind, const Belfry__V1__Event *event)
{
    story_run *run = story_find_run (self, event->run);
    must (run != NULL, event, "of a run that was fired");
    if (kind == BF_EVENT_RUN_REDRIVEN) {
        must (run->state == BF_RUN_DEAD, event, "of a dead run");
    } else {
        must (run->final_seq == 0, event, "behind a final state of the run");
        tell_attempt (self, run, kind, event);
    }
    run->last_seq = event->seq;
    run->state = (bf_run_state)event->run_after->state;
    run->attempt = event->run_after->attempt;
    run->failures = event->run_after->failures;
    if (!bf_run_is_open (run->state) && run->final_seq == 0) {
        run->final_seq = event->seq;
    }
}

static void
keep_digest (story *self, const Belfry__V1__Event *event)
{
    if (event->seq > self->capacity) {
        self->capacity = self->capacity * 2 + 1024;
        self->digests = realloc (self->digests, self->capacity * sizeof *self->digests);
        assert_non_null (self->digests);
    }
    self->digests[event->seq - 1] = story_digest (event);
}

static void
tell (story *self, const Belfry__V1__Event *event)
{
    must (event->seq == self->seq + 1, event, "the next seq");
    must (self->epoch == 0 || event->stream_epoch == self->epoch, event, "of this epoch");
    self->epoch = event->stream_epoch;
    self->seq = event->seq;
    keep_digest (self, event);
    bf_event_kind kind = bf_event_find (event->kind);
    must (kind > 0 && kind < STORY_KINDS, event, "of a known kind");
    self->count[kind]++;
    if (event->job == 0) {
        return;
    }
    story_job *job = story_find_job (self, event->job);
    if (kind == BF_EVENT_RUN_FIRED) {
        bf_token id = {0};
        must (job && bf_run_id_parse (event->run, &id) == BF_OK, event, "of a known job");
        if (event->run_after->origin == BELFRY__V1__ORIGIN__ORIGIN_SLOT) {
            tell_slot (job, event);
        }
        tell_fired (self, job, id, event);
    } else if (*event->run) {
        tell_run (self, kind, event);
    }
    tell_job (self, job, kind, event);
}

void
story_read (story *self, peer *client)
{
    uint64_t head_seq;
    do {
        Belfry__V1__Reply *reply =
            ask_for (client, BELFRY__V1__CODE__CODE_OK,
                     "replay.after_seq=%" PRIu64 " replay.limit=1000", self->seq);
        for (size_t i = 0; i < reply->events->n_events; i++) {
            tell (self, reply->events->events[i]);
        }
        head_seq = reply->events->head_seq;
        assert_int_equal (reply->events->next_cursor, self->seq);
        assert_true (reply->events->n_events > 0 || head_seq <= self->seq);
        reply_free (reply);
    } while (self->seq < head_seq);
    assert_int_equal (self->seq, head_seq);
}

bool
story_settled (const story *self, int64_t due_us)
{
    size_t cursor = 0;
    const story_job *job;
    while ((job = bf_map_each (self->jobs, &cursor)) != NULL) {
        bool waits = job->state == BF_JOB_SCHEDULED && job->due_us > due_us;
        if (job->open_runs > 0 || (job->state <= BF_JOB_ACTIVE && !waits)) {
            return false;
        }
    }
    return true;
}

void
story_print_open (const story *self)
{
    size_t cursor = 0;
    const story_job *job;
    while ((job = bf_map_each (self->jobs, &cursor)) != NULL) {
        if (job->state == BF_JOB_ACTIVE || job->open_runs > 0) {
            print_error ("job %" PRIu64 ": state %d, version %u, due %" PRId64
                         ", %u runs, %u open, last event %" PRIu64 "\n",
                         job->id, (int)job->state, job->version, job->due_us, job->runs,
                         job->open_runs, job->last_seq);
        }
    }
    cursor = 0;
    const story_run *run;
    while ((run = bf_map_each (self->runs, &cursor)) != NULL) {
        if (run->final_seq == 0) {
            print_error (
                "run %" PRIu64 ".%u: state %d, attempt %u, last event %" PRIu64 "\n",
                run->id.job, run->id.ordinal, (int)run->state, run->attempt, run->last_seq);
        }
    }
}
