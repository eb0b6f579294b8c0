/* SPDX-License-Identifier: MPL-2.0
 *
 * The loop of a world. Either a thread of the scheduler runs for a while, or, where none
 * could, time goes on to the next thing that happens.
 */
#include "tests/simulation/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/cover.h"
#include "tests/simulation/private.h"

/* A seed has a few hundred thousand steps; one that has so many goes in circles. */
#define STEPS_MAX UINT64_C (50000000)
/* How long the healed world may take to finish what is open, in its own time. */
#define FINISH_US (2 * DAY_US)
/* Between two looks at the tables of a scheduler that is up. */
#define LOOK_EVERY 250

uint64_t
world_seed (const world *self)
{
    return self->seed;
}

const zones *
world_zones (const world *self)
{
    return self->zones;
}

bool
world_is_healed (const world *self)
{
    return self->healed;
}

bool
world_is_winding_down (const world *self)
{
    return self->commands >= self->plan->commands;
}

int64_t
world_healed_us (const world *self)
{
    return self->healed ? self->healed_us : INT64_MAX;
}

void
world_count_command (world *self)
{
    self->commands++;
    chaos_command (self);
}

void
world_trace (world *self, const char *format, ...)
{
    if (!self->plan->trace) {
        return;
    }
    fprintf (stdout, "%" PRIu64 " %" PRId64 ".%06" PRId64 " ", self->steps,
             self->true_us / SECOND_US, self->true_us % SECOND_US);
    va_list args;
    va_start (args, format);
    vfprintf (stdout, format, args);
    va_end (args);
    fputc ('\n', stdout);
}

void
world_broken (world *self, const char *promise, uint64_t job, const char *format, ...)
{
    fflush (stdout);
    fprintf (stderr,
             "seed %" PRIu64 ", step %" PRIu64 ", command %" PRIu64 ", after %" PRIu64
             " crashes: promise %s is broken\n  ",
             self->seed, self->steps, self->commands, self->chaos.crashes, promise);
    va_list args;
    va_start (args, format);
    vfprintf (stderr, format, args);
    va_end (args);
    fputc ('\n', stderr);
    if (job) {
        fprintf (stderr, "  the story of job %" PRIu64 ":\n", job);
        checker_story (self->checker, job, stderr);
    }
    fprintf (stderr, "  again: simulate --seed %" PRIu64 "\n", self->seed);
    fflush (stderr);
    _Exit (1);
}

void
world_skip (world *self, int64_t us)
{
    self->true_us += us;
    happenings_delay (&self->happenings, us);
}

/* --- the loop ---------------------------------------------------------------------------
 */

static void
happen (world *self)
{
    happening what = happenings_take (&self->happenings);
    if (what.true_us > self->true_us) {
        self->true_us = what.true_us;
    }
    switch (what.kind) {
    case HAPPENS_START:
        if (what.who) {
            machine_boot (self, false);
            /* Its battery clock may have gone wrong meanwhile. */
            if (!self->healed && sim_chance (&self->trouble, 100)) {
                machine_set_wall (self, sim_between (&self->trouble, -HOUR_US, HOUR_US));
            }
        }
        machine_start (self);
        break;
    case HAPPENS_ROOM: {
        int64_t since_us = 0;
        memcpy (&since_us, what.bytes, sizeof since_us);
        chaos_room_again (self, since_us);
        break;
    }
    case HAPPENS_THAW:
        chaos_thawed (self, &what);
        break;
    default:
        network_deliver (self, &what);
        break;
    }
    happening_clear (&what);
}

static bool
is_running (const world *self)
{
    return process_exists () && !self->sleeps;
}

/* The next true time at which a thread of the scheduler wants to run by itself. */
static int64_t
next_step (const world *self)
{
    bf_now next = process_next ();
    int64_t wall_us = machine_when_wall (self, next.wall.us);
    int64_t boot_us = machine_when_boot (self, next.boot.us);
    int64_t at_us = wall_us < boot_us ? wall_us : boot_us;
    return at_us > self->true_us ? at_us : self->true_us;
}

/* One thread, for a while. */
static void
run (world *self)
{
    const char *name = process_step ();
    self->steps++;
    world_trace (self, "ran %s", name);
    bool is_store = name[0] == 's' && name[1] == 't';
    self->true_us += is_store ? sim_scaled (&self->turns, 50, 4 * MS_US)
                              : sim_scaled (&self->turns, 2, 100);
    machine_look (self);
}

/* One turn of the world. */
static void
turn (world *self)
{
    const happening *first = happenings_first (&self->happenings);
    bool due = first && first->true_us <= self->true_us;
    bool can_run = is_running (self) && process_can_step ();
    if (can_run && (!due || sim_chance (&self->turns, 500))) {
        run (self);
    } else if (due) {
        happen (self);
    } else {
        int64_t next_us = is_running (self) ? next_step (self) : INT64_MAX;
        if (first && first->true_us <= next_us) {
            happen (self);
        } else if (next_us == INT64_MAX) {
            world_broken (self, "liveness", 0, "nothing will ever happen again");
        } else {
            self->true_us = next_us > self->true_us ? next_us : self->true_us + 1;
        }
    }
    if (self->steps > STEPS_MAX) {
        world_broken (self, "liveness", 0, "%" PRIu64 " steps, and no end", self->steps);
    }
}

/* At a quiet moment now and then, with a scheduler that is up. */
static void
look_now_and_then (world *self, uint64_t *looked)
{
    if (self->commands >= *looked + LOOK_EVERY && is_running (self) &&
        process_is_quiet ()) {
        *looked = self->commands;
        machine_show (self, OCCASION_UP);
    }
}

static void
live_with_troubles (world *self)
{
    uint64_t looked = 0;
    while (!world_is_winding_down (self) || !chaos_has_crashed (self)) {
        turn (self);
        look_now_and_then (self, &looked);
    }
}

static bool
is_settled (world *self)
{
    return self->served && !self->is_full && is_running (self) && process_serves () &&
           process_is_quiet () && !bots_unfinished (self->bots);
}

static void
live_to_the_end (world *self)
{
    chaos_heal (self);
    int64_t until_us = self->true_us + FINISH_US;
    /* Quiet, and still so a minute later. */
    int64_t settled_us = INT64_MAX;
    while (settled_us == INT64_MAX || self->true_us < settled_us + 60 * SECOND_US) {
        turn (self);
        if (self->true_us > until_us) {
            const char *missing = bots_unfinished (self->bots);
            world_broken (self, "liveness", 0, "healed for two days, and still: %s",
                          missing ? missing : "the scheduler does not come to rest");
        }
        bool settled = is_settled (self);
        if (settled && settled_us == INT64_MAX) {
            settled_us = self->true_us;
        }
    }
    while (!(process_exists () && process_is_quiet ())) {
        turn (self);
    }
    machine_show (self, OCCASION_END);
}

static void
stop_and_clear (world *self)
{
    self->stopping = true;
    process_stop ();
    while (process_exists ()) {
        turn (self);
    }
    bots_destroy (&self->bots);
    checker_destroy (&self->checker);
    happenings_clear (&self->happenings);
    disk_destroy (&self->disk);
    zones_destroy (&self->zones);
}

void
world_live (const simulation *plan, uint64_t seed, simulation_sum *sum)
{
    world self = {
        .plan = plan,
        .seed = seed,
        .turns = sim_random_new (seed, 1),
        .air = sim_random_new (seed, 2),
        .trouble = sim_random_new (seed, 3),
        .true_us = DAY_US,
        .disk = disk_new (seed, seed % 2 == 0),
        .zones = zones_new (),
    };
    self.checker = checker_new (&self);
    self.bots = bots_new (&self, self.checker, plan->commands);
    machine_boot (&self, true);
    chaos_begin (&self);
    machine_start (&self);
    bots_begin (self.bots);
    live_with_troubles (&self);
    live_to_the_end (&self);
    stop_and_clear (&self);
    sum->seeds++;
    sum->commands += self.commands;
    sum->crashes += self.chaos.crashes;
    sum->steps += self.steps;
    sum->looks += self.looks;
    sum->true_us += self.true_us - DAY_US;
}
