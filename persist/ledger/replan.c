/* SPDX-License-Identifier: MPL-2.0
 *
 * A look at the files, and the jobs that are planned anew.
 */
#include "persist/ledger/replan.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/recurrences.h"
#include "persist/ledger/reminders.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/slots.h"
#include "persist/ledger/sql.h"
#include "persist/ledger/tend.h"
#include "persist/zoneinfo.h"

/* Zones whose files one slice compares: a file is some KiB. */
#define ZONES_AT_ONCE 64
/* Jobs that one slice looks at. */
#define JOBS_AT_ONCE 1000

void
bf_replan_look (bf_ledger *self)
{
    self->replan.look = true;
    self->replan.after[0] = '\0';
    bf_recurrences_forget (self);
}

bf_err
bf_replan_load (bf_ledger *self, bf_error *error)
{
    self->zones_warned = bf_map_new (0);
    if (!self->zones_warned) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    /* A store without zones and calendars has nothing to look at. */
    bool zones = false;
    bool calendars = false;
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ZONE_NEXT);
    sqlite3_bind_text (stmt, 1, "", -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 2, 1);
    bf_err rc = bf_step_row (self->statements, stmt, &zones, error);
    bf_statement_reset (stmt);
    if (rc == BF_OK) {
        stmt = bf_statement (self->statements, SQL_EXCLUSION_PENDING);
        rc = bf_step_row (self->statements, stmt, &calendars, error);
        bf_statement_reset (stmt);
    }
    self->replan.look = zones;
    self->replan.pending = zones || calendars;
    self->replan_saved = self->replan;
    return rc;
}

void
bf_replan_keep (bf_ledger *self)
{
    self->replan_saved = self->replan;
}

void
bf_replan_undo (bf_ledger *self)
{
    self->replan = self->replan_saved;
}

void
bf_replan_free (bf_ledger *self)
{
    bf_map_destroy (&self->zones_warned);
}

/* --- a look at the files ----------------------------------------------------------- */

typedef struct {
    const char *name;
    uint64_t hash;
} zone_t;

/* Says once that a zone goes on by the rules that it has; until its file is good again. */
static bf_err
warn (bf_ledger *self, const char *name, const char *cause, bf_error *error)
{
    static char said;
    if (bf_map_get (self->zones_warned, name, strlen (name))) {
        return BF_OK;
    }
    char *text = bf_arena_printf (
        self->arena, "jobs of %s go on by the rules that they were planned with: %s", name,
        cause);
    bool done = text && bf_list_push (&self->outcome.warnings, text) == BF_OK &&
                bf_map_put (self->zones_warned, name, strlen (name), &said) == BF_OK;
    return done ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

/* Other rules than those in the table: its jobs are planned anew from now on. */
static bf_err
zone_change (bf_ledger *self, const char *name, const uint8_t *bytes, size_t size,
             bf_error *error)
{
    bf_err rc = bf_ledger_write_begin (self, error);
    if (rc != BF_OK) {
        return rc;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ZONE_CHANGE);
    sqlite3_bind_text (stmt, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)bf_hash (bytes, size));
    sqlite3_bind_blob (stmt, 3, bytes, (int)size, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 4, (sqlite3_int64)self->counters.next_id);
    rc = bf_step_done (self->statements, stmt, error);
    bf_recurrences_changed (self);
    self->replan.pending = true;
    return rc;
}

static bf_err
look_at (bf_ledger *self, zone_t known, bf_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    bf_zone *zone = NULL;
    bf_error cause = {0};
    bf_err rc = bf_zoneinfo_read (bf_recurrences_directory (self), known.name, &bytes,
                                  &size, &cause);
    bool same = rc == BF_OK && bf_hash (bytes, size) == known.hash;
    if (rc == BF_OK && !same) {
        rc = bf_zone_read (bytes, size, &zone, &cause);
        bf_zone_destroy (&zone);
    }
    if (rc == BF_OK) {
        bf_map_remove (self->zones_warned, known.name, strlen (known.name));
        rc = same ? BF_OK : zone_change (self, known.name, bytes, size, error);
    } else if (rc == BF_ENOMEM) {
        bf_fail_plain (error, rc);
    } else {
        rc = warn (self, known.name, cause.text, error);
    }
    free (bytes);
    return rc;
}

/* The next zones of the table, by name. */
static bf_err
zones_read (bf_ledger *self, zone_t *zones, size_t *count, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ZONE_NEXT);
    sqlite3_bind_text (stmt, 1, self->replan.after, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 2, ZONES_AT_ONCE);
    *count = 0;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        zone_t *zone = &zones[(*count)++];
        zone->name =
            bf_arena_string (self->arena, (const char *)sqlite3_column_text (stmt, 0));
        zone->hash = (uint64_t)sqlite3_column_int64 (stmt, 1);
        rc = zone->name ? bf_step_row (self->statements, stmt, &row, error)
                        : bf_fail_plain (error, BF_ENOMEM);
    }
    bf_statement_reset (stmt);
    return rc;
}

static bf_err
look_slice (bf_ledger *self, bf_error *error)
{
    zone_t zones[ZONES_AT_ONCE];
    size_t count = 0;
    bf_err rc = zones_read (self, zones, &count, error);
    for (size_t i = 0; rc == BF_OK && i < count; i++) {
        rc = look_at (self, zones[i], error);
    }
    self->replan.look = count == ZONES_AT_ONCE;
    if (rc == BF_OK && self->replan.look) {
        strncpy (self->replan.after, zones[count - 1].name, BF_ZONE_NAME_BYTES);
    }
    return rc;
}

/* --- a job ------------------------------------------------------------------------- */

/* The first number of a query that takes the job, or more of them: the largest. */
static bf_err
largest (bf_ledger *self, bf_sql statement, uint64_t job, int64_t *us, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, statement);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        int64_t at_us = sqlite3_column_int64 (stmt, 0);
        *us = at_us > *us ? at_us : *us;
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    return rc;
}

/* Up to when everything is decided: what fired, what was dropped, and what lay before the
 * job was defined, resumed or planned anew. */
static bf_err
decided (bf_ledger *self, const bf_job_row *job, int64_t *until_us, bf_error *error)
{
    *until_us = job->armed_us;
    bf_err rc = BF_OK;
    if (job->counts.fired > 0) {
        rc = largest (self, SQL_RUN_NEWEST_SLOT, job->id, until_us, error);
    }
    return rc == BF_OK ? largest (self, SQL_STRETCH_NEWEST, job->id, until_us, error) : rc;
}

static Belfry__V1__Replanned__Row *
row_of (bf_ledger *self, const bf_job_row *job)
{
    Belfry__V1__Replanned__Row *row = bf_arena_alloc (self->arena, sizeof *row);
    if (row) {
        belfry__v1__replanned__row__init (row);
        row->job = job->id;
        row->due_us = job->due_us;
        row->armed_us = job->armed_us;
        row->wake_us = job->wake_us;
        row->remind_us = job->remind_us;
    }
    return row;
}

/* The new rules leave it no slot: the one that was armed is its last, and dropped. */
static bf_err
end (bf_ledger *self, bf_job_row *job, bf_error *error)
{
    bf_stretch last = {job->due_us, job->due_us, 1};
    bf_err rc = bf_reminders_close (self, job, error);
    if (rc == BF_OK) {
        rc = bf_job_move_to (self, job, BF_JOB_FIRE_LAST, error);
    }
    return rc == BF_OK ? bf_slots_drop (self, job, last, BF_DROP_SKIPPED,
                                        "the rules of its calendar leave it no slot", error)
                       : rc;
}

static bf_err
move (bf_ledger *self, bf_job_row *job, int64_t due_us, Belfry__V1__Replanned *told,
      bf_error *error)
{
    bf_err rc = bf_reminders_withdraw (self, job, error);
    job->due_us = due_us;
    bf_job_arm (self, job);
    bf_reminders_plan (self, job, INT64_MIN, job->armed_us,
                       "the rules of its calendar changed");
    if (rc != BF_OK) {
        return rc;
    }
    told->rows[told->n_rows] = row_of (self, job);
    return told->rows[told->n_rows++] ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

static bf_err
plan_anew (bf_ledger *self, uint64_t id, Belfry__V1__Replanned *told, bf_error *error)
{
    bf_job_row job;
    bf_grid grid;
    int64_t until_us = 0;
    bf_err rc = bf_job_load (self, id, &job, error);
    /* What is due is judged as it is. */
    if (rc != BF_OK || job.state != BF_JOB_SCHEDULED ||
        job.due_us <= bf_job_now (self, &job)) {
        return rc;
    }
    rc = bf_job_grid_kept (self, &job, &grid, error);
    if (rc == BF_OK) {
        rc = decided (self, &job, &until_us, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    /* What is later than the armed slot was decided by an earlier definition, before the
     * clock was set back. */
    until_us = until_us < job.due_us ? until_us : job.due_us - 1;
    int64_t due_us = 0;
    bool more = bf_grid_next (&grid, until_us, &due_us);
    if (more && due_us == job.due_us) {
        return BF_OK;
    }
    rc = more ? move (self, &job, due_us, told, error) : end (self, &job, error);
    return rc == BF_OK ? bf_job_put (self, &job, error) : rc;
}

/* --- a slice of jobs --------------------------------------------------------------- */

/* A zone or a calendar whose jobs are to be planned anew. */
typedef struct {
    const char *zone; /* NULL: a calendar */
    uint64_t calendar;
    uint64_t at_job;
    uint64_t until_job;
    uint64_t examined;
} task_t;

/* The zone's name or the calendar's number, as the first parameter. */
static sqlite3_stmt *
statement_of (bf_ledger *self, const task_t *task, bf_sql of_zone, bf_sql of_calendar)
{
    sqlite3_stmt *stmt =
        bf_statement (self->statements, task->zone ? of_zone : of_calendar);
    if (task->zone) {
        sqlite3_bind_text (stmt, 1, task->zone, -1, SQLITE_STATIC);
    } else {
        sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)task->calendar);
    }
    return stmt;
}

static bf_err
jobs_read (bf_ledger *self, const task_t *task, uint64_t *jobs, size_t *count,
           bf_error *error)
{
    sqlite3_stmt *stmt = statement_of (self, task, SQL_ZONED_JOBS, SQL_EXCLUDED_JOBS);
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)task->at_job);
    sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)task->until_job);
    sqlite3_bind_int64 (stmt, 4, JOBS_AT_ONCE);
    *count = 0;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        jobs[(*count)++] = (uint64_t)sqlite3_column_int64 (stmt, 0);
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    bf_statement_reset (stmt);
    return rc;
}

static bf_err
progress_save (bf_ledger *self, const task_t *task, bf_error *error)
{
    sqlite3_stmt *stmt =
        statement_of (self, task, SQL_ZONE_PROGRESS, SQL_EXCLUSION_PROGRESS);
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)task->at_job);
    sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)task->until_job);
    sqlite3_bind_int64 (stmt, 4, (sqlite3_int64)task->examined);
    return bf_step_done (self->statements, stmt, error);
}

static bf_err
tell (bf_ledger *self, const task_t *task, Belfry__V1__Replanned *told, bf_error *error)
{
    bf_err rc = BF_OK;
    if (task->zone) {
        told->zone = (char *)task->zone;
    } else {
        rc = bf_calendar_image (self, task->calendar, &told->calendar, error);
    }
    bf_event_detail detail = {.replanned = told};
    bf_event_kind kind = task->zone ? BF_EVENT_ZONE_CHANGED : BF_EVENT_CALENDAR_CHANGED;
    return rc == BF_OK ? bf_event_write (self, kind, NULL, NULL, &detail, error) : rc;
}

static bf_err
slice (bf_ledger *self, task_t *task, bf_error *error)
{
    Belfry__V1__Replanned told = BELFRY__V1__REPLANNED__INIT;
    uint64_t *jobs = bf_arena_alloc (self->arena, JOBS_AT_ONCE * sizeof *jobs);
    told.rows = bf_arena_alloc (self->arena, JOBS_AT_ONCE * sizeof (*told.rows));
    if (!jobs || !told.rows) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    size_t count = 0;
    bf_err rc = bf_ledger_write_begin (self, error);
    if (rc == BF_OK) {
        rc = jobs_read (self, task, jobs, &count, error);
    }
    for (size_t i = 0; rc == BF_OK && i < count; i++) {
        rc = plan_anew (self, jobs[i], &told, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    task->examined += count;
    told.examined = task->examined;
    told.done = count < JOBS_AT_ONCE;
    task->at_job = told.done ? 0 : jobs[count - 1];
    task->until_job = told.done ? 0 : task->until_job;
    self->replan.pending = true;
    rc = progress_save (self, task, error);
    return rc == BF_OK ? tell (self, task, &told, error) : rc;
}

/* The next of the zones, or of the calendars, whose jobs are not done. */
static bf_err
task_read (bf_ledger *self, bool of_zones, task_t *task, bool *found, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements,
                                       of_zones ? SQL_ZONE_PENDING : SQL_EXCLUSION_PENDING);
    bf_err rc = bf_step_row (self->statements, stmt, found, error);
    if (rc != BF_OK || !*found) {
        return rc;
    }
    *task = (task_t){
        .at_job = (uint64_t)sqlite3_column_int64 (stmt, 1),
        .until_job = (uint64_t)sqlite3_column_int64 (stmt, 2),
        .examined = (uint64_t)sqlite3_column_int64 (stmt, 3),
    };
    if (of_zones) {
        task->zone =
            bf_arena_string (self->arena, (const char *)sqlite3_column_text (stmt, 0));
        rc = task->zone ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
    } else {
        task->calendar = (uint64_t)sqlite3_column_int64 (stmt, 0);
    }
    bf_statement_reset (stmt);
    return rc;
}

static bf_err
jobs_slice (bf_ledger *self, bf_error *error)
{
    task_t task = {0};
    bool found = false;
    bf_err rc = task_read (self, true, &task, &found, error);
    if (rc == BF_OK && !found) {
        rc = task_read (self, false, &task, &found, error);
    }
    if (rc != BF_OK || !found) {
        self->replan.pending = rc != BF_OK;
        return rc;
    }
    return slice (self, &task, error);
}

bf_err
bf_replan_calendar (bf_ledger *self, uint64_t id, bf_error *error)
{
    task_t task = {.calendar = id, .until_job = self->counters.next_id};
    bf_recurrences_changed (self);
    return slice (self, &task, error);
}

bf_err
bf_replan_calendar_gone (bf_ledger *self, const char *ns, const char *name, bf_error *error)
{
    Belfry__V1__ExclusionCalendar image = BELFRY__V1__EXCLUSION_CALENDAR__INIT;
    Belfry__V1__Replanned told = BELFRY__V1__REPLANNED__INIT;
    image.ns = (char *)ns;
    image.name = (char *)name;
    told.calendar = &image;
    told.done = true;
    bf_recurrences_changed (self);
    return bf_event_write (self, BF_EVENT_CALENDAR_CHANGED, NULL, NULL,
                           &(bf_event_detail){.replanned = &told}, error);
}

/* --- the chore --------------------------------------------------------------------- */

/* Nothing of it frees room: it waits until there is some. */
static bf_boot
next (const bf_ledger *self)
{
    bool some = self->replan.look || self->replan.pending;
    return (bf_boot){some && !self->scarce ? 0 : INT64_MAX};
}

static bf_err
tend (bf_ledger *self, bf_error *error)
{
    if (self->scarce) {
        return BF_OK;
    }
    return self->replan.look ? look_slice (self, error) : jobs_slice (self, error);
}

const bf_chore bf_replan_chore = {tend, next};
