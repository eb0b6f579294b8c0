/* SPDX-License-Identifier: MPL-2.0
 *
 * The judge's door: hands on what it is told, and tells the story of a job to a person.
 */
#include "tests/simulation/checker/checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/checker/private.h"

static void *
allocate (void *context, size_t size)
{
    return checker_keep (context, size);
}

/* It goes with everything else. */
static void
release (void *context, void *memory)
{
    (void)context;
    (void)memory;
}

checker *
checker_new (world *outside)
{
    checker *self = checker_alloc (1, sizeof *self);
    self->world = outside;
    self->allocator = (ProtobufCAllocator){allocate, release, self};
    self->oldest = 1;
    self->life = 1;
    self->topics = table_new ();
    self->jobs = table_new ();
    self->keys = table_new ();
    self->calls = table_new ();
    self->by_request = table_new ();
    self->holders = table_new ();
    self->tallies = table_new ();
    self->slots = slots_new (self);
    self->live = live_new (self);
    cover_expectations ();
    return self;
}

void
checker_destroy (checker **self_p)
{
    checker *self = *self_p;
    if (!self) {
        return;
    }
    live_destroy (&self->live);
    slots_destroy (&self->slots);
    calls_forget (self);
    model_forget (self);
    log_forget (self);
    table_destroy (&self->holders, NULL);
    table_destroy (&self->tallies, NULL);
    checker_forget_all (self);
    free (self);
    *self_p = NULL;
}

void
checker_lives (checker *self)
{
    if (self->stopped) {
        self->life++;
        self->stopped = false;
        self->has_filled = self->full;
    }
}

/* The latest time that the wall clock showed; it was set by delta_us just now. */
static void
note_wall (checker *self, int64_t delta_us)
{
    int64_t wall_us = world_now (self->world).wall_us;
    int64_t before_us = wall_us - delta_us;
    int64_t later_us = wall_us > before_us ? wall_us : before_us;
    if (later_us > self->latest_wall_us) {
        self->latest_wall_us = later_us;
    }
}

world *
checker_world (const checker *self)
{
    return self->world;
}

uint64_t
checker_life (const checker *self)
{
    return self->life;
}

slots *
checker_slots (const checker *self)
{
    return self->slots;
}

live *
checker_live (const checker *self)
{
    return self->live;
}

void
checker_request (checker *self, const Belfry__V1__Request *request)
{
    calls_request (self, request);
}

void
checker_reply (checker *self, const char *client, const Belfry__V1__Reply *reply)
{
    calls_reply (self, client, reply);
}

void
checker_answered (checker *self, const Belfry__V1__Reply *reply)
{
    checker_lives (self);
    note_wall (self, 0);
    calls_answered (self, reply);
}

void
checker_published (checker *self, bool feed, const char *topic, const uint8_t *event,
                   size_t size)
{
    checker_lives (self);
    log_published (self, feed, topic, event, size);
}

void
checker_machine (checker *self, machine_fact fact, int64_t since_us, int64_t delta_us)
{
    note_wall (self, fact == MACHINE_STEPPED ? delta_us : 0);
    switch (fact) {
    case MACHINE_STARTED:
        checker_lives (self);
        calls_started (self);
        break;
    case MACHINE_STOPPED:
        self->down = world_now (self->world);
        self->stopped = true;
        break;
    case MACHINE_STEPPED:
        self->stepped = world_now (self->world);
        self->step_us = delta_us;
        break;
    case MACHINE_FULL:
        self->full = delta_us != 0;
        self->has_filled = true;
        break;
    case MACHINE_STALLED:
    case MACHINE_SUSPENDED:
        break;
    }
    steps_machine (self, fact);
    slots_machine (self, fact, since_us, delta_us);
    live_machine (self, fact, since_us, delta_us);
}

static void
read_tables (checker *self, sqlite3 *db, bool all)
{
    tables_check_integrity (self, db);
    log_read (self, db);
    log_compare (self, db, all);
    states_check_end (self);
    tables_compare (self, db, all);
}

void
checker_left (checker *self, sqlite3 *db)
{
    read_tables (self, db, false);
}

void
checker_tables (checker *self, sqlite3 *db, bool quiet)
{
    slots_scale (self, db);
    read_tables (self, db, false);
    if (quiet) {
        steps_quiet (self);
    }
    live_tables (self, db, quiet);
}

void
checker_alarms (checker *self, int64_t wall_us, int64_t boot_us)
{
    live_alarms (self, wall_us, boot_us);
}

void
checker_finish (checker *self, sqlite3 *db)
{
    slots_scale (self, db);
    read_tables (self, db, true);
    slots_finish (self);
    live_finish (self, db);
}

static void
print_event (const model_event *event, FILE *file)
{
    const Belfry__V1__Event *wire = event->event;
    fprintf (file, "  %6" PRIu64 " life %" PRIu64 " wall %" PRId64 " %-16s %s", event->seq,
             event->life, wire->at_us, wire->kind, wire->run);
    if (wire->job_after) {
        const Belfry__V1__Job *job = wire->job_after;
        fprintf (file,
                 " job=%s%s v%" PRIu32 " runs=%" PRIu32 " open=%" PRIu32 " due=%" PRId64,
                 states_job_name (job->state), job->paused ? "(paused)" : "", job->version,
                 job->runs, job->open_runs, job->due_us);
    }
    if (wire->run_after) {
        const Belfry__V1__Run *run = wire->run_after;
        fprintf (file,
                 " run=%s a%" PRIu32 " f%" PRIu32 " v%" PRIu32 " due=%" PRId64
                 " lateness=%" PRId64 " timer=%" PRId64 " worker=%s",
                 states_run_name (run->state), run->attempt, run->failures,
                 run->job_version, run->due_us, run->lateness_us, run->timer_us,
                 run->worker);
    }
    if (wire->slots) {
        fprintf (file, " slots=%" PRIu64 " first=%" PRId64 " last=%" PRId64,
                 wire->slots->count, wire->slots->first_due_us, wire->slots->last_due_us);
    }
    fprintf (file, " %s\n", wire->reason);
}

/* What is behind the log as it was read, and was published. */
static void
print_published (const checker *self, uint64_t job, FILE *file)
{
    for (uint64_t seq = self->head + 1; seq <= self->published_head; seq++) {
        const publication *out = &self->published[seq - 1];
        if (out->event && out->event->job == job) {
            model_event event = {.seq = seq, .event = out->event, .life = out->life};
            print_event (&event, file);
        }
    }
}

void
checker_story (checker *self, uint64_t job, void *file)
{
    const model_job *there = model_find (self, job);
    if (there) {
        fprintf (file, "job %" PRIu64 " (%s %s %s):\n", job, there->ns, there->type,
                 there->key);
    }
    for (size_t i = 0; there && i < there->seq_count; i++) {
        print_event (model_event_at (self, there->seqs[i]), file);
    }
    print_published (self, job, file);
}
