/* SPDX-License-Identifier: MPL-2.0
 *
 * Folds the log, event by event, and says so where one breaks a rule; see record.h. What
 * was acknowledged is compared in acknowledged.c.
 */
#include "tests/soak/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "core/job.h"
#include "core/run.h"
#include "core/token.h"
#include "tests/soak/record_rows.h"
#include "tests/soak/soak.h"
#include "tests/support/cmocka.h"

/* A pruned job is kept for answers that were under way when the daemon was killed. */
#define GHOST_US (2 * BF_MINUTE_US)

record *
record_new (void)
{
    record *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->jobs = bf_map_new (1);
    assert_non_null (self->jobs);
    return self;
}

static void
free_job (record *self, record_job *job)
{
    (void)bf_map_remove (self->jobs, &job->id, sizeof job->id);
    for (size_t i = 0; i < job->runs.count; i++) {
        free (job->runs.items[i]);
    }
    bf_list_clear (&job->runs);
    free (job);
}

void
record_destroy (record **self_p)
{
    record *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    size_t cursor = 0;
    record_job *job;
    while ((job = bf_map_each (self->jobs, &cursor)) != NULL) {
        free_job (self, job);
    }
    bf_map_destroy (&self->jobs);
    record_forget_waiting (self);
    bf_list_clear (&self->gone);
    free (self);
}

record_job *
record_find_job (const record *self, uint64_t id)
{
    return bf_map_get (self->jobs, &id, sizeof id);
}

record_run *
record_find_run (const record_job *job, uint32_t ordinal)
{
    return job && ordinal > 0 && ordinal <= job->runs.count ? job->runs.items[ordinal - 1]
                                                            : NULL;
}

/* --- the rules ------------------------------------------------------------------------ */

static void
must (bool holds, const Belfry__V1__Event *event, const char *rule)
{
    if (!holds) {
        soak_broken ("event %" PRIu64 ", %s of job %" PRIu64 " run '%s' attempt %u: not %s",
                     event->seq, event->kind, event->job, event->run, event->attempt, rule);
    }
}

/* Slots of one definition come in their order, each once, none early. */
static void
tell_slot (record *self, record_job *job, const Belfry__V1__Event *event)
{
    must (job->state == BF_JOB_SCHEDULED, event, "of a job that waited for a slot");
    must (event->run_after->job_version == job->version, event, "of the job's version");
    must (event->lateness_us >= 0, event, "in time or late");
    must (event->clock != 0 || self->count[BF_EVENT_CLOCK_STEPPED] > 0 ||
              event->at_us >= event->due_us,
          event, "at its due time or later");
    must (job->slot_version < job->version || event->due_us > job->slot_due_us, event,
          "the next slot");
    must (job->interval_us == 0 || (event->due_us - job->anchor_us) % job->interval_us == 0,
          event, "on the job's grid");
    job->slot_version = job->version;
    job->slot_due_us = event->due_us;
    self->fires++;
    /* Wall slots may have been long past when their job was made. */
    if (event->clock != 0 && event->lateness_us > self->latest_us) {
        self->latest_us = event->lateness_us;
    }
}

static void
tell_new_run (record *self, record_job *job, const Belfry__V1__Event *event)
{
    must (job->state != BF_JOB_CANCELLED && job->state != BF_JOB_CONFIRMED, event,
          "of a job that goes on");
    if (event->run_after->origin == BELFRY__V1__ORIGIN__ORIGIN_SLOT) {
        tell_slot (self, job, event);
    }
    record_run *run = calloc (1, sizeof *run);
    assert_non_null (run);
    run->made_seq = event->seq;
    assert_int_equal (bf_list_push (&job->runs, run), BF_OK);
    self->open_runs++;
}

static void
tell_claimed (const record_job *job, record_run *run, const Belfry__V1__Event *event)
{
    must (job->state != BF_JOB_CANCELLED && job->state != BF_JOB_CONFIRMED, event,
          "of a job that is wanted");
    must (event->run_after->job_version == job->version, event, "of the job's version");
    must (run->state == BF_RUN_READY, event, "of a run that was ready");
    must (event->attempt == run->attempts + 1, event, "the next attempt");
    run->last = (record_attempt){.claimed_seq = event->seq};
    run->attempts = event->attempt;
}

/* The end of an attempt; only the newest one can be held. */
static void
tell_attempt (record_run *run, bf_event_kind kind, const Belfry__V1__Event *event)
{
    bool settles = kind == BF_EVENT_RUN_FAILED || kind == BF_EVENT_RUN_SNOOZED ||
                   kind == BF_EVENT_RUN_SUCCEEDED || kind == BF_EVENT_RUN_RETURNED;
    must (event->attempt == run->attempts, event, "of the newest attempt");
    /* A late slot with policy fail has failed before anybody had it. */
    bool unborn = kind == BF_EVENT_RUN_FAILED && run->attempts == 0;
    must (!settles || unborn || run->state == BF_RUN_LEASED, event, "of a leased run");
    if (run->attempts == 0 || run->last.end != 0) {
        must (!settles || unborn, event, "the end of an attempt that was held");
        return;
    }
    run->last.end = kind;
    run->last.end_seq = event->seq;
    if (kind == BF_EVENT_RUN_SUCCEEDED) {
        run->succeeded_attempt = event->attempt;
    }
}

static void
tell_run (record *self, record_job *job, bf_event_kind kind, const Belfry__V1__Event *event)
{
    bf_token id = {0};
    must (bf_run_id_parse (event->run, &id) == BF_OK && id.ordinal > 0, event,
          "of a run with a name");
    bool makes = kind == BF_EVENT_RUN_FIRED || kind == BF_EVENT_RUN_BLOCKED;
    bool made = makes && id.ordinal == job->runs.count + 1;
    if (made) {
        tell_new_run (self, job, event);
    }
    record_run *run = record_find_run (job, id.ordinal);
    must (run != NULL, event, "of a run that was made");
    if (kind == BF_EVENT_RUN_REDRIVEN) {
        must (run->state == BF_RUN_DEAD, event, "of a dead run");
        return;
    }
    must (run->final_seq == 0, event, "of a run that was open");
    must (!makes || made || run->state == BF_RUN_BLOCKED, event, "of a run that waited");
    if (kind == BF_EVENT_RUN_CLAIMED) {
        tell_claimed (job, run, event);
    } else if (!makes) {
        tell_attempt (run, kind, event);
    }
    run->state = (bf_run_state)event->run_after->state;
    if (!bf_run_is_open (run->state)) {
        run->final_seq = event->seq;
        self->open_runs--;
    }
}

static void
tell_job (record *self, record_job *job, bf_event_kind kind, const Belfry__V1__Event *event)
{
    must (event->prev_job_seq == job->last_seq, event, "linked to the job's last event");
    job->last_seq = event->seq;
    const Belfry__V1__Job *after = event->job_after;
    if (!after) {
        return;
    }
    if (after->spec) {
        const Belfry__V1__Every *every =
            after->spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY
                ? after->spec->every
                : NULL;
        job->interval_us = every ? every->interval_us : 0;
        job->anchor_us = every ? every->anchor_us : 0;
    }
    bool was_open = job->state <= BF_JOB_ACTIVE;
    bool may_rise = job->state == BF_JOB_DEAD || job->state == BF_JOB_COMPLETED;
    must ((bf_job_state)after->state == job->state || was_open ||
              (may_rise && kind == BF_EVENT_RUN_REDRIVEN),
          event, "of a job that was open");
    must (after->version >= job->version, event, "of a version that grows");
    must (after->runs == job->runs.count || kind == BF_EVENT_RUN_REDRIVEN ||
              kind == BF_EVENT_JOB_TRIGGERED,
          event, "in step with the job's ordinals");
    job->state = (bf_job_state)after->state;
    job->version = after->version;
    job->open_runs = after->open_runs;
    bool is_open = job->state <= BF_JOB_ACTIVE;
    self->open_jobs += (size_t)is_open - (size_t)was_open;
}

static record_job *
tell_made (record *self, const Belfry__V1__Event *event)
{
    record_job *job = calloc (1, sizeof *job);
    assert_non_null (job);
    job->id = event->job;
    job->made_seq = event->seq;
    job->state = BF_JOB_SCHEDULED;
    assert_int_equal (bf_map_put (self->jobs, &job->id, sizeof job->id, job), BF_OK);
    self->open_jobs++;
    return job;
}

/* --- what retention takes ------------------------------------------------------------- */

static void
tell_pruned (record *self, const Belfry__V1__Event *event)
{
    for (size_t i = 0; event->pruned && i < event->pruned->n_rows; i++) {
        const Belfry__V1__Pruned__Rows *rows = event->pruned->rows[i];
        record_job *job = record_find_job (self, rows->job);
        must (job && job->gone_us == 0, event, "of a job that was there");
        for (uint32_t n = 1; n <= rows->up_to_ordinal && n <= job->runs.count; n++) {
            record_run *run = record_find_run (job, n);
            if (run && run->final_seq > 0) {
                free (run);
                job->runs.items[n - 1] = NULL;
            }
        }
        if (rows->up_to_ordinal == 0) {
            must (job->state > BF_JOB_ACTIVE && job->open_runs == 0, event,
                  "of a job that was final");
            job->gone_us = soak_now_us ();
            assert_int_equal (bf_list_push (&self->gone, job), BF_OK);
        }
    }
}

/* The list's beginning is given up once it is the larger half. */
static void
forget_ghosts (record *self)
{
    int64_t before_us = soak_now_us () - GHOST_US;
    while (self->gone_from < self->gone.count &&
           ((record_job *)self->gone.items[self->gone_from])->gone_us < before_us) {
        free_job (self, self->gone.items[self->gone_from++]);
    }
    if (self->gone_from > 1024 && self->gone_from > self->gone.count / 2) {
        size_t left = self->gone.count - self->gone_from;
        memmove (self->gone.items, self->gone.items + self->gone_from,
                 left * sizeof *self->gone.items);
        bf_list_truncate (&self->gone, left);
        self->gone_from = 0;
    }
}

void
record_tell (record *self, const Belfry__V1__Event *event)
{
    must (event->seq == self->seq + 1, event, "the next seq");
    must (self->epoch == 0 || event->stream_epoch == self->epoch, event, "of this epoch");
    self->epoch = event->stream_epoch;
    self->seq = event->seq;
    self->at_us = event->at_us;
    bf_event_kind kind = bf_event_find (event->kind);
    must (kind > 0 && kind < RECORD_KINDS, event, "of a known kind");
    self->count[kind]++;
    if (kind == BF_EVENT_JOB_PRUNED) {
        tell_pruned (self, event);
    } else if (event->job > 0) {
        record_job *job = record_find_job (self, event->job);
        must ((kind == BF_EVENT_JOB_SCHEDULED) == (job == NULL), event,
              "of a job that was made, once");
        job = job ? job : tell_made (self, event);
        must (job->gone_us == 0, event, "of a job that was there");
        if (*event->run) {
            tell_run (self, job, kind, event);
        }
        tell_job (self, job, kind, event);
    }
    forget_ghosts (self);
    record_compare (self);
}

/* --- the end -------------------------------------------------------------------------- */

static void
compare_job_row (const record *self, sqlite3_stmt *row)
{
    uint64_t id = (uint64_t)sqlite3_column_int64 (row, 0);
    const record_job *job = record_find_job (self, id);
    if (!job || job->gone_us > 0 || sqlite3_column_int64 (row, 1) != (int64_t)job->state ||
        sqlite3_column_int64 (row, 2) != (int64_t)job->version ||
        sqlite3_column_int64 (row, 3) != (int64_t)job->runs.count ||
        sqlite3_column_int64 (row, 4) != (int64_t)job->open_runs ||
        sqlite3_column_int64 (row, 5) != (int64_t)job->last_seq) {
        soak_broken ("the row of job %" PRIu64 " is not what the log tells", id);
    }
}

void
record_finish (record *self, sqlite3 *db)
{
    static const bf_event_kind counted[] = {
        BF_EVENT_JOB_SCHEDULED, BF_EVENT_JOB_REPLACED,  BF_EVENT_JOB_RESCHEDULED,
        BF_EVENT_JOB_TRIGGERED, BF_EVENT_RUN_SUCCEEDED, BF_EVENT_RUN_REDRIVEN};
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        bf_event_kind kind = counted[i];
        if (self->count[kind] != self->said[kind]) {
            soak_broken ("%" PRIu64 " times %s in the log, but %" PRIu64 " by the answers",
                         self->count[kind], bf_event_name (kind), self->said[kind]);
        }
    }
    uint64_t ended =
        self->count[BF_EVENT_JOB_CANCELLED] + self->count[BF_EVENT_JOB_CONFIRMED];
    if (ended != self->said[BF_EVENT_JOB_CANCELLED]) {
        soak_broken ("%" PRIu64 " jobs cancelled or confirmed in the log, but %" PRIu64
                     " by the answers",
                     ended, self->said[BF_EVENT_JOB_CANCELLED]);
    }
    sqlite3_stmt *rows = NULL;
    assert_int_equal (sqlite3_prepare_v2 (db,
                                          "SELECT id, state, version, runs, open_runs, "
                                          "last_seq FROM job",
                                          -1, &rows, NULL),
                      SQLITE_OK);
    size_t count = 0;
    for (; sqlite3_step (rows) == SQLITE_ROW; count++) {
        compare_job_row (self, rows);
    }
    sqlite3_finalize (rows);
    size_t known = bf_map_count (self->jobs) - (self->gone.count - self->gone_from);
    if (count != known) {
        soak_broken ("%zu jobs in the tables, but %zu by the log", count, known);
    }
}
