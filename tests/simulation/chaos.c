/* SPDX-License-Identifier: MPL-2.0
 *
 * What breaks, and when: counted in commands, so that each seed gets its crashes however
 * fast its time goes by.
 */
#include <inttypes.h>
#include <string.h>

#include "tests/simulation/cover.h"
#include "tests/simulation/private.h"

/* Commands between two troubles that are no crashes, on average. */
#define TROUBLE_EVERY 40

/* Commands until the next crash: what is left of both, spread by chance. */
static uint64_t
between_crashes (world *self)
{
    const chaos *past = &self->chaos;
    uint64_t left = past->wanted > past->crashes ? past->wanted - past->crashes : 1;
    uint64_t commands = self->plan->commands - self->commands;
    return 1 + sim_below (&self->trouble, 2 * commands / (left + 1) + 1);
}

void
chaos_begin (world *self)
{
    self->chaos.wanted = self->plan->crashes + sim_below (&self->trouble, 4);
    self->chaos.next_crash = between_crashes (self);
    self->chaos.next_trouble = sim_below (&self->trouble, TROUBLE_EVERY);
}

/* --- crashes ----------------------------------------------------------------------------
 */

/* Between two steps, or in the middle of an operation of the disk. */
static void
crash (world *self)
{
    if (self->chaos.ordered || disk_is_stopped (self->disk) || !process_exists ()) {
        return;
    }
    self->chaos.ordered = true;
    bool power = sim_chance (&self->trouble, 600);
    self->chaos.kind = power ? DISK_POWER_LOST : DISK_KILLED;
    if (sim_chance (&self->trouble, 700)) {
        uint64_t operations = (uint64_t)sim_scaled (&self->trouble, 1, 80);
        world_trace (self, "a crash after %" PRIu64 " operations of the disk", operations);
        disk_stop_after (self->disk, operations);
    } else {
        world_trace (self, "a crash");
        disk_stop (self->disk);
        process_kill ();
    }
}

/* A daemon that is stopped as people stop it. */
static void
stop (world *self)
{
    if (process_exists () && process_serves () && !self->stopping) {
        cover_hit (COVER_FAULT, "machine", "stopped");
        world_trace (self, "the scheduler is asked to stop");
        self->stopping = true;
        process_stop ();
    }
}

/* --- troubles ----------------------------------------------------------------------------
 */

static void
sleep_for (world *self, int64_t us, machine_fact fact)
{
    if (self->sleeps) {
        return;
    }
    world_trace (self, "nobody runs for %" PRId64 " us", us);
    int64_t since_us = self->true_us;
    if (us > WATCHED_US) {
        world_skip (self, us - WATCHED_US);
        us = WATCHED_US;
    }
    self->sleeps = true;
    /* Told when it is over, with its beginning: see chaos_thawed. */
    happenings_add (&self->happenings, self->true_us + us, HAPPENS_THAW, (unsigned)fact,
                    &since_us, sizeof since_us, NULL);
}

static void
stall (world *self)
{
    cover_hit (COVER_FAULT, "machine", "stalled");
    sleep_for (self, sim_scaled (&self->trouble, 50 * MS_US, 30 * SECOND_US),
               MACHINE_STALLED);
}

/* Rarely so long that stored answers, or final jobs, grow too old. */
static void
suspend (world *self)
{
    cover_hit (COVER_FAULT, "machine", "suspended");
    int64_t us = sim_scaled (&self->trouble, SECOND_US, 2 * HOUR_US);
    if (self->chaos.sleeps < 2 && sim_chance (&self->trouble, 150)) {
        self->chaos.sleeps++;
        us = sim_chance (&self->trouble, 500) ? 25 * HOUR_US : 26 * DAY_US;
    }
    sleep_for (self, us, MACHINE_SUSPENDED);
}

static void
step (world *self)
{
    int64_t us = sim_scaled (&self->trouble, 150 * MS_US, 3 * HOUR_US);
    bool back = sim_chance (&self->trouble, 400);
    cover_hit (COVER_FAULT, "wall clock", back ? "set back" : "set forward");
    machine_set_wall (self, back ? -us : us);
}

static void
slew (world *self)
{
    cover_hit (COVER_FAULT, "wall clock", "slewed");
    machine_slew (self, sim_between (&self->trouble, -500, 500));
}

static void
fill_disk (world *self)
{
    if (self->is_full) {
        return;
    }
    cover_hit (COVER_FAULT, "disk", "full");
    self->is_full = true;
    disk_set_room (self->disk, disk_used (self->disk) +
                                   (uint64_t)sim_scaled (&self->trouble, 1, 65536));
    world_trace (self, "the disk is full");
    checker_machine (self->checker, MACHINE_FULL, self->true_us, 1);
    happenings_add (&self->happenings,
                    self->true_us +
                        sim_scaled (&self->trouble, 100 * MS_US, 2 * 60 * SECOND_US),
                    HAPPENS_ROOM, 0, &self->true_us, sizeof self->true_us, NULL);
}

static void
break_disk (world *self)
{
    static const disk_operation kinds[] = {DISK_READ, DISK_WRITE, DISK_SYNC};
    static const char *const names[] = {"read error", "write error", "sync error"};
    if (!process_exists ()) {
        return;
    }
    size_t kind = sim_below (&self->trouble, 3);
    cover_hit (COVER_FAULT, "disk", names[kind]);
    self->chaos.faulty = true;
    disk_fail (self->disk, kinds[kind], 1 + sim_below (&self->trouble, 20),
               sim_chance (&self->trouble, 300));
    world_trace (self, "the disk has a %s", names[kind]);
}

/* Somewhere a parliament has decided, and an update was installed. */
static void
release_zone (world *self)
{
    int64_t now_s = world_now (self).wall_us / SECOND_US;
    const zone_rules *rules =
        zones_release (self->zones, &self->trouble, self->true_us, now_s);
    cover_hit (COVER_FAULT, "zones", "released");
    world_trace (self, "%s has other rules", rules->name);
    process_zones_were_written ();
}

static void
trouble (world *self)
{
    static void (*const troubles[]) (world *) = {stall,     suspend,    step, slew,
                                                 fill_disk, break_disk, stop, release_zone};
    static const unsigned weights[] = {20, 10, 20, 10, 10, 8, 6, 12};
    troubles[sim_pick (&self->trouble, weights, 8)](self);
}

void
chaos_command (world *self)
{
    chaos *past = &self->chaos;
    if (self->healed) {
        return;
    }
    if (self->commands >= past->next_crash && past->crashes < past->wanted &&
        self->commands < self->plan->commands) {
        past->next_crash = self->commands + between_crashes (self);
        crash (self);
    }
    if (self->commands >= past->next_trouble) {
        past->next_trouble =
            self->commands + 1 + sim_below (&self->trouble, 2 * TROUBLE_EVERY);
        trouble (self);
    }
}

void
chaos_started (world *self)
{
    if (!self->healed && !self->served && sim_chance (&self->trouble, 150)) {
        /* Again, while it recovers. */
        crash (self);
    }
}

void
chaos_room_again (world *self, int64_t since_us)
{
    self->is_full = false;
    disk_set_room (self->disk, UINT64_MAX);
    world_trace (self, "there is room on the disk");
    checker_machine (self->checker, MACHINE_FULL, since_us, 0);
}

void
chaos_thawed (world *self, const happening *what)
{
    int64_t since_us = 0;
    memcpy (&since_us, what->bytes, sizeof since_us);
    world_trace (self, "the machine runs again");
    self->sleeps = false;
    checker_machine (self->checker, (machine_fact)what->who, since_us, 0);
}

/* The commands are used up: what is missing of the crashes. */
bool
chaos_has_crashed (world *self)
{
    if (self->chaos.crashes >= self->plan->crashes) {
        return true;
    }
    if (process_exists () && process_serves ()) {
        if (!self->chaos.ordered) {
            crash (self);
        }
        /* Idle, its disk might never come so far. */
        disk_stop (self->disk);
        process_kill ();
    }
    return false;
}

/* A crash that was ordered may still come: it was due before. */
void
chaos_heal (world *self)
{
    world_trace (self, "the world heals");
    self->healed = true;
    self->healed_us = self->true_us;
    machine_slew (self, 0);
    disk_fail_none (self->disk);
}
