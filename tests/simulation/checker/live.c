/* SPDX-License-Identifier: MPL-2.0
 *
 * Nothing is forgotten, and nobody wakes up for nothing: at a quiet moment the clock
 * actor's alarms are exactly the earliest times in the tables (promise 8, I10); in no
 * committed state do only blocked runs wait for each other; and at the end, healed,
 * whatever was due has been decided (I3).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tests/simulation/checker/slots.h"

/* After the world has healed everything due is decided within this: it has had more. */
#define SETTLED_US (30 * SECOND_US)
/* A disk that was full is found to have room within a second, or after a minute where that
 * came again and again; until then nothing is armed that was proposed in vain. */
#define FULL_US (90 * SECOND_US)

struct live {
    world *world;
    bool full;
    int64_t full_until_us; /* true time: what the tables say may not be armed before */
    /* What the tables say at this true time; INT64_MIN: nothing to compare. */
    int64_t read_us;
    int64_t wall_us;
    int64_t boot_us;
};

live *
live_new (checker *whole)
{
    live *self = checker_alloc (1, sizeof *self);
    self->world = checker_world (whole);
    self->read_us = INT64_MIN;
    self->full_until_us = INT64_MIN;
    return self;
}

void
live_destroy (live **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void
live_machine (checker *whole, machine_fact fact, int64_t since_us, int64_t delta_us)
{
    (void)since_us;
    live *self = checker_live (whole);
    if (fact == MACHINE_FULL) {
        self->full = delta_us != 0;
        self->full_until_us = world_now (self->world).true_us + FULL_US;
    }
}

/* --- asking the tables --------------------------------------------------------------- */

typedef struct {
    bool found;
    int64_t columns[4];
} answer;

/* The first row: up to four numbers. NULL in the first column counts as no row. */
static answer
ask (const live *self, sqlite3 *db, const char *text, int64_t first, int64_t second)
{
    answer row = {.found = false};
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2 (db, text, -1, &stmt, NULL) != SQLITE_OK) {
        world_broken (self->world, "I12", 0, "%s: %s", text, sqlite3_errmsg (db));
    }
    int parameters = sqlite3_bind_parameter_count (stmt);
    if (parameters > 0) {
        sqlite3_bind_int64 (stmt, 1, first);
    }
    if (parameters > 1) {
        sqlite3_bind_int64 (stmt, 2, second);
    }
    int rc = sqlite3_step (stmt);
    if (rc == SQLITE_ROW && sqlite3_column_type (stmt, 0) != SQLITE_NULL) {
        row.found = true;
        int columns = sqlite3_column_count (stmt);
        for (int i = 0; i < columns && i < 4; i++) {
            row.columns[i] = sqlite3_column_int64 (stmt, i);
        }
    } else if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        world_broken (self->world, "I12", 0, "%s: %s", text, sqlite3_errmsg (db));
    }
    sqlite3_finalize (stmt);
    return row;
}

static int64_t
earliest (const live *self, sqlite3 *db, const char *text)
{
    answer row = ask (self, db, text, 0, 0);
    return row.found ? row.columns[0] : INT64_MAX;
}

static int64_t
boot_origin (const live *self, sqlite3 *db)
{
    return ask (self, db, "SELECT boot_origin_us FROM meta", 0, 0).columns[0];
}

/* --- at every reading ---------------------------------------------------------------- */

/* Where only blocked runs are left, the oldest is ready in the same commit. */
static void
judge_blocked (const live *self, sqlite3 *db)
{
    answer row =
        ask (self, db,
             "SELECT job, count (*) FROM run WHERE state = 1 AND NOT EXISTS ("
             "  SELECT 1 FROM run AS other WHERE other.job = run.job AND"
             "  other.state IN (2, 3, 4) AND other.decides = 1) GROUP BY job LIMIT 1",
             0, 0);
    if (row.found) {
        world_broken (self->world, "2", (uint64_t)row.columns[0],
                      "%" PRId64 " blocked runs wait, and nobody is in their way",
                      row.columns[1]);
    }
}

static void
note_earliest (live *self, sqlite3 *db)
{
    int64_t slot_us = earliest (
        self, db,
        "SELECT min (wake_us) FROM job WHERE state = 2 AND paused = 0 AND clock = 1");
    int64_t run_us =
        earliest (self, db, "SELECT min (timer_us) FROM run WHERE timer_us IS NOT NULL");
    int64_t boot_us = slot_us < run_us ? slot_us : run_us;
    self->wall_us = earliest (
        self, db,
        "SELECT min (wake_us) FROM job WHERE state = 2 AND paused = 0 AND clock = 0");
    self->boot_us = boot_us == INT64_MAX ? boot_us : boot_us - boot_origin (self, db);
    self->read_us = world_now (self->world).true_us;
}

/* At a quiet moment everything that the clocks did has been noticed, and told. */
static void
judge_steps (const live *self, const checker *whole)
{
    int64_t untold_us;
    if (!facts_steps_are_told (checker_slots (whole)->facts, world_now (self->world),
                               &untold_us)) {
        world_broken (self->world, "2", 0,
                      "the wall clock was set by %" PRId64 " us, and no event tells of it",
                      untold_us);
    }
}

void
live_tables (checker *whole, sqlite3 *db, bool quiet)
{
    live *self = checker_live (whole);
    judge_blocked (self, db);
    self->read_us = INT64_MIN;
    if (quiet && !self->full && world_now (self->world).true_us > self->full_until_us) {
        note_earliest (self, db);
        judge_steps (self, whole);
    }
}

/* An alarm that should have rung is one that rings at once. */
static int64_t
not_before (int64_t us, int64_t now_us)
{
    return us > now_us ? us : now_us;
}

void
live_alarms (checker *whole, int64_t wall_us, int64_t boot_us)
{
    live *self = checker_live (whole);
    sim_now now = world_now (self->world);
    if (self->read_us != now.true_us) {
        return;
    }
    if (not_before (wall_us, now.wall_us) != not_before (self->wall_us, now.wall_us)) {
        world_broken (self->world, "8", 0,
                      "the first slot on the wall clock is due at %" PRId64
                      ", and the alarm is set to %" PRId64,
                      self->wall_us, wall_us);
    }
    if (not_before (boot_us, now.boot_us) != not_before (self->boot_us, now.boot_us)) {
        world_broken (self->world, "8", 0,
                      "the first timer on the boot clock is due at %" PRId64
                      ", and the alarm is set to %" PRId64,
                      self->boot_us, boot_us);
    }
}

/* --- the end ------------------------------------------------------------------------- */

static void
judge_slots (const live *self, sqlite3 *db, sim_now now, int64_t scale_us)
{
    static const char *const texts[] = {
        "SELECT id, wake_us FROM job WHERE state = 2 AND paused = 0 AND clock = 0 AND"
        " wake_us < ?1 LIMIT 1",
        "SELECT id, wake_us FROM job WHERE state = 2 AND paused = 0 AND clock = 1 AND"
        " wake_us < ?1 LIMIT 1",
    };
    int64_t now_us[] = {now.wall_us, scale_us};
    for (size_t i = 0; i < 2; i++) {
        answer row = ask (self, db, texts[i], now_us[i] - SETTLED_US, 0);
        if (row.found) {
            world_broken (self->world, "liveness", (uint64_t)row.columns[0],
                          "its slot of %" PRId64 " is not decided at %" PRId64,
                          row.columns[1], now_us[i]);
        }
    }
}

static void
judge_timers (const live *self, sqlite3 *db, int64_t scale_us)
{
    answer row = ask (self, db,
                      "SELECT job, ordinal, timer_us, state FROM run"
                      " WHERE timer_us IS NOT NULL AND timer_us < ?1 LIMIT 1",
                      scale_us - SETTLED_US, 0);
    if (row.found) {
        world_broken (self->world, "liveness", (uint64_t)row.columns[0],
                      "run %" PRId64 " in state %" PRId64 " has waited until %" PRId64
                      ", and it is %" PRId64,
                      row.columns[1], row.columns[3], row.columns[2], scale_us);
    }
}

/* The row of a lease is a quarter of its length behind what its heartbeats made of it, or
 * a whole one before a restart. */
static void
judge_leases (const live *self, const checker *whole, sqlite3 *db, int64_t scale_us)
{
    size_t cursor = 0;
    for (const model_job *job; (job = model_each (whole, &cursor)) != NULL;) {
        if (job->pruned || !job->image || job->image->open_runs == 0) {
            continue;
        }
        answer row = ask (self, db,
                          "SELECT ordinal, lease_until_us FROM run"
                          " WHERE job = ?1 AND state = 3 ORDER BY lease_until_us LIMIT 1",
                          (int64_t)job->id, 0);
        int64_t lease_us = job->definition->spec->lease_us;
        if (row.found && row.columns[1] + lease_us + SETTLED_US < scale_us) {
            world_broken (self->world, "liveness", job->id,
                          "run %" PRId64 " is leased until %" PRId64
                          " by its row, and it is %" PRId64,
                          row.columns[0], row.columns[1], scale_us);
        }
    }
}

void
live_finish (checker *whole, sqlite3 *db)
{
    live *self = checker_live (whole);
    sim_now now = world_now (self->world);
    int64_t scale_us = now.boot_us + boot_origin (self, db);
    live_tables (whole, db, true);
    judge_slots (self, db, now, scale_us);
    judge_timers (self, db, scale_us);
    judge_leases (self, whole, db, scale_us);
    answer row = ask (self, db, "SELECT id FROM operation LIMIT 1", 0, 0);
    if (row.found) {
        world_broken (self->world, "liveness", 0, "the operation %" PRId64 " never ends",
                      row.columns[0]);
    }
}
