/* SPDX-License-Identifier: MPL-2.0
 *
 * The machine: its clocks, and the scheduler's life on it.
 */
#include <stdio.h>
#include <string.h>

#include "tests/simulation/cover.h"
#include "tests/simulation/private.h"

/* 2400-01-01, what the clock actor's wall alarm is set to when there is nothing to wait
 * for. */
#define WALL_NEVER_US INT64_C (13569465600000000)

/* The reserve that the daemon keeps on a real disk (README.md). */
#define RESERVE_BYTES (UINT64_C (16) * 1024 * 1024)

/* --- clocks ----------------------------------------------------------------------------
 */

sim_now
world_now (const world *self)
{
    const machine_clocks *clocks = &self->clocks;
    int64_t passed_us = self->true_us - clocks->set_us;
    return (sim_now){
        .true_us = self->true_us,
        .wall_us = clocks->wall_us + passed_us + passed_us / 1000 * clocks->ppm / 1000,
        .boot_us = self->true_us - clocks->booted_us,
        .boots = clocks->boots,
    };
}

/* The first true time at which it does. */
int64_t
machine_when_wall (const world *self, int64_t wall_us)
{
    if (wall_us >= WALL_NEVER_US) {
        return INT64_MAX;
    }
    int64_t missing_us = wall_us - world_now (self).wall_us;
    if (missing_us <= 0) {
        return self->true_us;
    }
    /* A little early where the clock is slewed: who looks then waits again. */
    int64_t ppm = self->clocks.ppm;
    int64_t shorter_us = ppm > 0 ? missing_us / 1000 * ppm / 1000 : 0;
    int64_t when_us = self->true_us + missing_us - shorter_us;
    return when_us > self->true_us ? when_us : self->true_us + 1;
}

int64_t
machine_when_boot (const world *self, int64_t boot_us)
{
    return boot_us == INT64_MAX ? INT64_MAX : self->clocks.booted_us + boot_us;
}

/* Goes on from what it shows now. */
static void
rebase (world *self)
{
    self->clocks.wall_us = world_now (self).wall_us;
    self->clocks.set_us = self->true_us;
}

void
machine_set_wall (world *self, int64_t delta_us)
{
    rebase (self);
    self->clocks.wall_us += delta_us;
    world_trace (self, "the wall clock is set by %lld us", (long long)delta_us);
    process_wall_was_set ();
    checker_machine (self->checker, MACHINE_STEPPED, self->true_us, delta_us);
}

void
machine_slew (world *self, int64_t ppm)
{
    rebase (self);
    self->clocks.ppm = ppm;
}

void
machine_boot (world *self, bool first)
{
    machine_clocks *clocks = &self->clocks;
    if (first) {
        clocks->wall_us = zones_beginning (&self->trouble) * SECOND_US;
        clocks->set_us = self->true_us;
    }
    clocks->booted_us =
        self->true_us - sim_between (&self->trouble, 2 * SECOND_US, 20 * SECOND_US);
    clocks->boots++;
    snprintf (clocks->boot_id, sizeof clocks->boot_id, "%08llx-0000-4000-8000-%012llx",
              (unsigned long long)(self->seed & UINT32_MAX),
              (unsigned long long)clocks->boots);
}

/* --- what the process finds around it ---------------------------------------------------
 */

static bf_now
process_now (void *context)
{
    sim_now now = world_now (context);
    return (bf_now){{now.wall_us}, {now.boot_us}};
}

static void
process_spend (void *context, int64_t us)
{
    ((world *)context)->true_us += us;
}

static void
process_log (void *context, const char *actor, const char *text)
{
    world_trace (context, "%s: %s", actor, text);
}

static bool
process_reserve (void *context, bool aside)
{
    world *self = context;
    if (aside == self->reserved) {
        return true;
    }
    if (aside && self->is_full) {
        return false;
    }
    if (!aside && self->is_full) {
        disk_set_room (self->disk, disk_used (self->disk) + RESERVE_BYTES);
    }
    self->reserved = aside;
    return true;
}

static uint8_t *
process_zone (void *context, const char *name, size_t *size)
{
    const zone_rules *rules = zones_find (((world *)context)->zones, name);
    return rules ? zones_bytes (rules, size) : NULL;
}

static void
process_opened (void *context)
{
    world *self = context;
    if (self->was_served) {
        machine_show (self, OCCASION_LEFT);
    }
}

void
machine_start (world *self)
{
    static const char *const commands[] = {"inproc://commands", NULL};
    static const char *const feed[] = {"inproc://feed", NULL};
    static const char *const monitor[] = {"inproc://monitor", NULL};
    world_trace (self, "the scheduler is started");
    self->served = false;
    self->stopping = false;
    self->chaos.faulty = false;
    disk_fail_none (self->disk);
    if (!self->is_full) {
        self->reserved = true;
    }
    process_start (&(process_outside){
        .context = self,
        .disk = self->disk,
        .random = &self->turns,
        .boot_id = self->clocks.boot_id,
        .now = process_now,
        .spend = process_spend,
        .reply = network_reply,
        .publish = network_publish,
        .log = process_log,
        .reserve = process_reserve,
        .opened = process_opened,
        .zone = process_zone,
        .options = {.directory = "/data",
                    .commands = commands,
                    .feed = feed,
                    .monitor = monitor,
                    .keep_finals_us = 20 * DAY_US,
                    .keep_events_us = 25 * DAY_US},
    });
    chaos_started (self);
}

/* --- looking at it ----------------------------------------------------------------------
 */

void
machine_show (world *self, occasion what)
{
    disk *copy = disk_copy (self->disk);
    sqlite3 *db = NULL;
    int rc =
        sqlite3_open_v2 ("/data/belfry.db", &db, SQLITE_OPEN_READWRITE, disk_vfs (copy));
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec (db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec (db, "SELECT count (*) FROM meta", NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        world_broken (self, "I12", 0, "the database cannot be read: %s",
                      sqlite3_errmsg (db));
    }
    self->looks++;
    bool quiet = process_exists () && process_is_quiet ();
    if (what == OCCASION_END) {
        checker_finish (self->checker, db);
    } else if (what == OCCASION_LEFT) {
        checker_left (self->checker, db);
    } else {
        checker_tables (self->checker, db, quiet);
    }
    if (quiet) {
        bf_now next = process_alarms ();
        int64_t wall_us = next.wall.us < WALL_NEVER_US ? next.wall.us : INT64_MAX;
        checker_alarms (self->checker, wall_us, next.boot.us);
    }
    sqlite3_close (db);
    disk_destroy (&copy);
}

/* Why an end that nobody asked for may be. */
static bool
may_end (const world *self)
{
    return self->stopping || self->chaos.faulty || disk_is_stopped (self->disk) ||
           (self->is_full && process_status () == BELFRY_DISK);
}

/* The process is gone: what becomes of its disk, and when it comes back. */
static void
ended (world *self)
{
    world_trace (self, "the scheduler has ended: %d %s", (int)process_status (),
                 process_reason ());
    if (!may_end (self)) {
        world_broken (self, "liveness", 0, "the scheduler ended by itself: status %d %s",
                      (int)process_status (), process_reason ());
    }
    checker_machine (self->checker, MACHINE_STOPPED, self->true_us, 0);
    bool power = false;
    if (disk_is_stopped (self->disk)) {
        power = self->chaos.kind == DISK_POWER_LOST;
        self->chaos.crashes++;
        self->chaos.ordered = false;
        cover_hit (COVER_FAULT, "crash", power ? "power lost" : "killed");
        disk_restart (self->disk, self->chaos.kind);
    }
    /* Mostly at once, sometimes after hours. */
    int64_t down_us = sim_scaled (&self->trouble, MS_US, 10 * SECOND_US);
    if (!self->healed && sim_chance (&self->trouble, 100)) {
        down_us = sim_scaled (&self->trouble, MS_US, 6 * HOUR_US);
    }
    if (down_us > WATCHED_US) {
        world_skip (self, down_us - WATCHED_US);
        down_us = WATCHED_US;
    }
    happenings_add (&self->happenings, self->true_us + down_us, HAPPENS_START, power, NULL,
                    0, NULL);
}

void
machine_look (world *self)
{
    if (!process_exists ()) {
        ended (self);
    } else if (!self->served && process_serves ()) {
        self->served = true;
        self->was_served = true;
        world_trace (self, "the scheduler serves");
        checker_machine (self->checker, MACHINE_STARTED, self->true_us, 0);
        chaos_started (self);
        machine_show (self, OCCASION_UP);
    }
}
