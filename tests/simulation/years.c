/* SPDX-License-Identifier: MPL-2.0
 *
 * Time goes on to the next alarm of the scheduler's clock, whatever else it waits for: what
 * is only there to be seen, the feed's heartbeats above all, comes when there is a slot.
 * The slots are held against those of the checker's calendar.
 */
#include "tests/simulation/years.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/simulation/checker/calendar.h"
#include "tests/simulation/private.h"

#include "belfry.pb-c.h"

/* 2026-01-01T00:00:00Z, and a while before, to come up in: then the boot clock shows 0. */
#define FIRST_S INT64_C (1767225600)
#define BEGIN_US ((FIRST_S - 30) * SECOND_US)
#define YEAR_S INT64_C (31536000)
#define JOBS 2
/* Between its due time and its commit, nobody being in the way. */
#define PROMPT_US (50 * MS_US)

typedef struct {
    const char *cron;
    const char *tz;
} long_job;

typedef struct {
    const char *name;
    long_job jobs[JOBS];
    int64_t until_s; /* on the wall clock */
} long_life;

/* 2028 and 2032 have leap days. */
static const long_life lives[] = {
    {"ten years",
     {{"0 * * * *", "Europe/Berlin"}, {"30 2 * * *", "Europe/Berlin"}},
     FIRST_S + 10 * YEAR_S + 2 * DAY_S},
    {"one year", {{"* * * * *", "America/New_York"}}, FIRST_S + YEAR_S},
};
#define LIVES (sizeof lives / sizeof lives[0])

typedef struct {
    Belfry__V1__JobSpec spec;
    calendar *calendar;
    int64_t last_us; /* slot that fired */
    uint64_t fired;
    int64_t most_us; /* behind its slot */
} long_slots;

typedef struct {
    const long_life *life;
    disk *disk;
    zones *zones;
    sim_random random;
    int64_t true_us; /* what its boot clock shows */
    long_slots jobs[JOBS];
    uint64_t steps;
    bool scheduled;
} years;

__attribute__ ((noreturn, format (printf, 2, 3))) static void
broken (const years *self, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    fprintf (stderr, "simulate --years: %s: ", self->life->name);
    vfprintf (stderr, format, args);
    fputc ('\n', stderr);
    va_end (args);
    exit (1);
}

/* --- what the process finds around it --------------------------------------------------
 */

static bf_now
process_now (void *context)
{
    const years *self = context;
    return (bf_now){{BEGIN_US + self->true_us}, {self->true_us}};
}

static void
process_spend (void *context, int64_t us)
{
    ((years *)context)->true_us += us;
}

static bool
take_reply (void *context, unsigned peer, const uint8_t *bytes, size_t size)
{
    (void)peer;
    years *self = context;
    Belfry__V1__Reply *reply = bytes ? belfry__v1__reply__unpack (NULL, size, bytes) : NULL;
    if (reply) {
        self->scheduled = reply->code == BELFRY__V1__CODE__CODE_OK;
        if (!self->scheduled) {
            broken (self, "not scheduled: %s", reply->text);
        }
        belfry__v1__reply__free_unpacked (reply, NULL);
    }
    return true;
}

/* Each slot is the next one of its job, and in time. */
static void
judge_fired (years *self, long_slots *job, const Belfry__V1__Event *event)
{
    int64_t next_us = 0;
    if (!calendar_next (job->calendar, job->last_us, &next_us) ||
        next_us != event->due_us) {
        broken (self, "%s fired at %" PRId64 ", and %" PRId64 " was next", job->spec.cron,
                event->due_us, next_us);
    }
    int64_t behind_us = event->at_us - event->due_us;
    if (behind_us < 0 || behind_us > PROMPT_US) {
        broken (self, "the slot %" PRId64 " of %s fired %" PRId64 " us later",
                event->due_us, job->spec.cron, behind_us);
    }
    job->most_us = behind_us > job->most_us ? behind_us : job->most_us;
    job->last_us = next_us;
    job->fired++;
}

static void
take_event (void *context, bool feed, const char *topic, const uint8_t *bytes, size_t size)
{
    years *self = context;
    bool fires = strncmp (topic, "run.delivered ", 14) == 0;
    if (!feed || (!fires && strncmp (topic, "slot.", 5) != 0)) {
        return;
    }
    Belfry__V1__Event *event = belfry__v1__event__unpack (NULL, size, bytes);
    if (!event || !fires) {
        broken (self, "%s", event ? "a slot was dropped" : "an event cannot be read");
    }
    for (size_t i = 0; i < JOBS; i++) {
        if (self->jobs[i].calendar && strcmp (self->jobs[i].spec.key, event->key) == 0) {
            judge_fired (self, &self->jobs[i], event);
        }
    }
    belfry__v1__event__free_unpacked (event, NULL);
}

static void
take_log (void *context, const char *actor, const char *text)
{
    (void)context;
    (void)actor;
    (void)text;
}

static bool
reserve (void *context, bool aside)
{
    (void)context;
    (void)aside;
    return true;
}

static void
opened (void *context)
{
    (void)context;
}

static uint8_t *
read_zone (void *context, const char *name, size_t *size)
{
    const zone_rules *rules = zones_find (((years *)context)->zones, name);
    return rules ? zones_bytes (rules, size) : NULL;
}

/* --- a life ----------------------------------------------------------------------------
 */

static void
prepare_jobs (years *self)
{
    static char keys[JOBS][2] = {"a", "b"};
    for (size_t i = 0; i < JOBS && self->life->jobs[i].cron; i++) {
        Belfry__V1__JobSpec *spec = &self->jobs[i].spec;
        *spec = (Belfry__V1__JobSpec)BELFRY__V1__JOB_SPEC__INIT;
        spec->type = "tick";
        spec->key = keys[i];
        spec->delivery = BELFRY__V1__DELIVERY__DELIVERY_NOTIFY;
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_CRON;
        spec->cron = (char *)self->life->jobs[i].cron;
        spec->tz = (char *)self->life->jobs[i].tz;
        spec->skipped = calendar_default_skipped (spec);
        spec->repeated = calendar_default_repeated (spec);
        self->jobs[i].calendar = calendar_new (
            &(calendar_parts){.spec = spec, .rules = zones_find (self->zones, spec->tz)});
        self->jobs[i].last_us = BEGIN_US + self->true_us;
    }
}

static void
send_jobs (years *self)
{
    Belfry__V1__JobSpec *specs[JOBS];
    Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    prepare_jobs (self);
    for (size_t i = 0; i < JOBS && self->jobs[i].calendar; i++) {
        specs[schedule.n_jobs++] = &self->jobs[i].spec;
    }
    schedule.jobs = specs;
    request.version = 1;
    request.client = "years";
    request.request_id = "1";
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SCHEDULE;
    request.schedule = &schedule;
    size_t size = belfry__v1__request__get_packed_size (&request);
    uint8_t *bytes = malloc (size);
    if (!bytes) {
        broken (self, "no memory");
    }
    belfry__v1__request__pack (&request, bytes);
    process_receive (2, bytes, size);
    free (bytes);
}

static void
start (years *self)
{
    static const char *const commands[] = {"inproc://commands", NULL};
    static const char *const feed[] = {"inproc://feed", NULL};
    static const char *const monitor[] = {"inproc://monitor", NULL};
    process_start (&(process_outside){
        .context = self,
        .disk = self->disk,
        .random = &self->random,
        .boot_id = "00000000-0000-4000-8000-000000000001",
        .now = process_now,
        .spend = process_spend,
        .reply = take_reply,
        .publish = take_event,
        .log = take_log,
        .reserve = reserve,
        .opened = opened,
        .zone = read_zone,
        .options = {.directory = "/data",
                    .commands = commands,
                    .feed = feed,
                    .monitor = monitor,
                    .keep_finals_us = HOUR_US,
                    .keep_events_us = HOUR_US},
    });
}

/* Until nobody can run at this moment. */
static void
run (years *self)
{
    while (process_can_step ()) {
        process_step ();
        self->steps++;
    }
    if (!process_exists ()) {
        broken (self, "the scheduler ended: %s", process_reason ());
    }
}

static void
go_on (years *self)
{
    bf_now next = process_alarms ();
    int64_t wall_us = next.wall.us - BEGIN_US;
    int64_t next_us = wall_us < next.boot.us ? wall_us : next.boot.us;
    if (self->jobs[0].fired == 0) {
        /* Still coming up: whoever waits for a time is waited for. */
        int64_t boot_us = process_next ().boot.us;
        next_us = boot_us < next_us ? boot_us : next_us;
    }
    self->true_us = next_us > self->true_us ? next_us : self->true_us + 1;
}

/* Nothing was left out, and nothing came too often: as many as there are in the calendar.
 */
static void
report (const years *self, time_t began)
{
    int64_t until_us = self->life->until_s * SECOND_US;
    for (size_t i = 0; i < JOBS && self->jobs[i].calendar; i++) {
        const long_slots *job = &self->jobs[i];
        uint64_t slots = calendar_count (job->calendar, BEGIN_US, until_us);
        printf ("simulate: %s of %s in %s: %" PRIu64 " slots, %" PRIu64
                " fired, at most %" PRId64 " us behind; %" PRIu64 " steps, %lld s\n",
                self->life->name, job->spec.cron, job->spec.tz, slots, job->fired,
                job->most_us, self->steps, (long long)(time (NULL) - began));
        if (job->fired != slots) {
            broken (self, "%s: some slots are missing, or were made up", job->spec.cron);
        }
    }
}

static void
live (const long_life *life)
{
    years self = {
        .life = life,
        .disk = disk_new (1, true),
        .zones = zones_new (),
        .random = sim_random_new (1, 1),
        .true_us = SECOND_US,
    };
    time_t began = time (NULL);
    start (&self);
    while (!process_serves ()) {
        run (&self);
        go_on (&self);
    }
    send_jobs (&self);
    while (BEGIN_US + self.true_us < life->until_s * SECOND_US) {
        run (&self);
        go_on (&self);
    }
    report (&self, began);
    fflush (stdout);
    _Exit (0);
}

bool
years_live (void)
{
    bool kept = true;
    for (size_t i = 0; i < LIVES; i++) {
        if (fork () == 0) {
            live (&lives[i]);
        }
    }
    for (size_t i = 0; i < LIVES; i++) {
        int status = 0;
        kept &= wait (&status) > 0 && WIFEXITED (status) && WEXITSTATUS (status) == 0;
    }
    return kept;
}
