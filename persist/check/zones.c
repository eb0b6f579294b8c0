/* SPDX-License-Identifier: MPL-2.0
 *
 * Time zones and exclusion calendars: what the tables have of them, whether the jobs that
 * go by them are known there, and whether their slots are slots by these rules. Where jobs
 * are still to be planned anew, their slots are those of rules that are gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/event.h"
#include "messages/limits.h"
#include "persist/check/private.h"

/* What both have: whose jobs are not planned anew yet. */
typedef struct {
    uint64_t id; /* of a calendar */
    bf_zone *zone;
    bf_exclusion *exclusion;
    uint64_t at_job;
    uint64_t until_job;
} rules_t;

static void
rules_destroy (rules_t *rules)
{
    bf_zone_destroy (&rules->zone);
    bf_exclusion_destroy (&rules->exclusion);
    free (rules);
}

/* Whether the job is one of those that are still to be planned anew. */
static bool
is_pending (const rules_t *rules, uint64_t job)
{
    return rules && job > rules->at_job && job < rules->until_job;
}

static bool
put (bf_checker *self, bf_map *map, const void *key, size_t size, void *value)
{
    if (bf_map_put (map, key, size, value) == BF_OK) {
        return true;
    }
    bf_check_fail_memory (self);
    return false;
}

static rules_t *
rules_new (bf_checker *self, sqlite3_stmt *stmt, const char *row, int column)
{
    rules_t *rules = calloc (1, sizeof *rules);
    if (!rules) {
        bf_check_fail_memory (self);
        return NULL;
    }
    rules->at_job = (uint64_t)sqlite3_column_int64 (stmt, column);
    rules->until_job = (uint64_t)sqlite3_column_int64 (stmt, column + 1);
    if (rules->until_job > (uint64_t)self->next_id || rules->at_job > rules->until_job) {
        bf_check_found (self, BF_CHECK_CALENDAR, row,
                        "it is at job %llu and works up to job %llu, which cannot be",
                        (unsigned long long)rules->at_job,
                        (unsigned long long)rules->until_job);
    }
    return rules;
}

static void
load_zone (bf_checker *self, sqlite3_stmt *stmt)
{
    const char *name = (const char *)sqlite3_column_text (stmt, 0);
    char row[BF_CHECK_ROW_BYTES + BF_ZONE_NAME_BYTES];
    snprintf (row, sizeof row, "zone %s", name ? name : "");
    if (!name || !bf_zone_name_is_valid (name)) {
        bf_check_found (self, BF_CHECK_CALENDAR, "table zone", "\"%s\" is no name",
                        name ? name : "");
        return;
    }
    rules_t *rules = rules_new (self, stmt, row, 3);
    if (!rules) {
        return;
    }
    const void *bytes = sqlite3_column_blob (stmt, 2);
    size_t size = (size_t)sqlite3_column_bytes (stmt, 2);
    bf_error cause = {0};
    bf_check_same (self, BF_CHECK_CALENDAR, row, "hash", sqlite3_column_int64 (stmt, 1),
                   "that of its bytes is", (int64_t)bf_hash (bytes, size));
    bf_err rc = bf_zone_read (bytes, size, &rules->zone, &cause);
    if (rc == BF_ENOMEM) {
        bf_check_fail_memory (self);
    } else if (rc != BF_OK) {
        bf_check_found (self, BF_CHECK_CALENDAR, row, "bytes cannot be read: %s",
                        cause.text);
    }
    if (!put (self, self->zones, name, strlen (name), rules)) {
        rules_destroy (rules);
    }
}

/* A namespace's number and a name. Returns its size. */
static size_t
calendar_key (uint32_t ns, const char *name, uint8_t key[sizeof ns + BF_NAME_BYTES])
{
    size_t size = strnlen (name, BF_NAME_BYTES);
    memcpy (key, &ns, sizeof ns);
    memcpy (key + sizeof ns, name, size);
    return sizeof ns + size;
}

static void
load_exclusion (bf_checker *self, sqlite3_stmt *stmt)
{
    char row[BF_CHECK_ROW_BYTES];
    uint8_t key[sizeof (uint32_t) + BF_NAME_BYTES];
    const char *name = (const char *)sqlite3_column_text (stmt, 2);
    int64_t ns = sqlite3_column_int64 (stmt, 1);
    snprintf (row, sizeof row, "exclusion %lld", (long long)sqlite3_column_int64 (stmt, 0));
    rules_t *rules = rules_new (self, stmt, row, 4);
    if (!rules) {
        return;
    }
    rules->id = (uint64_t)sqlite3_column_int64 (stmt, 0);
    if (!name || ns < 1 || ns > (int64_t)self->names.count) {
        bf_check_found (self, BF_CHECK_NAME, row, "ns %lld is not among the names",
                        (long long)ns);
    }
    bf_arena_reset (self->scratch);
    const Belfry__V1__ExclusionCalendar *body =
        (const Belfry__V1__ExclusionCalendar *)bf_check_unpack (
            &belfry__v1__exclusion_calendar__descriptor, self->scratch, stmt, 3);
    bf_err rc = body ? bf_exclusion_new ((const char *const *)body->dates, body->n_dates,
                                         (const char *const *)body->windows,
                                         body->n_windows, &rules->exclusion, NULL, NULL)
                     : BF_EINVALID;
    if (rc == BF_ENOMEM || bf_arena_failed (self->scratch)) {
        bf_check_fail_memory (self);
    } else if (rc != BF_OK) {
        bf_check_found (self, BF_CHECK_CALENDAR, row, "body cannot be read");
    }
    size_t size = calendar_key ((uint32_t)ns, name ? name : "", key);
    if (!put (self, self->exclusions, key, size, rules)) {
        rules_destroy (rules);
    }
}

static void
replanned_add (bf_checker *self, uint64_t seq, const Belfry__V1__Replanned__Row *row)
{
    if (bf_map_get (self->replanned, &row->job, sizeof row->job)) {
        return; /* by a later event */
    }
    bf_check_replanned *added = malloc (sizeof *added);
    if (!added) {
        bf_check_fail_memory (self);
        return;
    }
    *added =
        (bf_check_replanned){seq, row->due_us, row->armed_us, row->wake_us, row->remind_us};
    if (!put (self, self->replanned, &row->job, sizeof row->job, added)) {
        free (added);
    }
}

/* Both topics by themselves, from their newest event back, the newer first. */
static void
load_replanned (bf_checker *self)
{
    uint64_t seqs[] = {
        (uint64_t)bf_check_number (self, "SELECT seq FROM topic WHERE kind = 45",
                                   "table topic"),
        (uint64_t)bf_check_number (self, "SELECT seq FROM topic WHERE kind = 46",
                                   "table topic"),
    };
    _Static_assert(BF_EVENT_ZONE_CHANGED == 45 && BF_EVENT_CALENDAR_CHANGED == 46,
                   "the numbers in the queries above");
    while (self->failure == BF_OK) {
        uint64_t *seq = seqs[0] > seqs[1] ? &seqs[0] : &seqs[1];
        if (!bf_check_is_kept (self, *seq)) {
            return;
        }
        bf_arena_reset (self->scratch);
        const Belfry__V1__Event *event = bf_check_event (self, *seq, self->scratch);
        if (!event || !event->replanned || event->prev_seq >= *seq) {
            return; /* the fold tells of it */
        }
        for (size_t i = 0; i < event->replanned->n_rows; i++) {
            replanned_add (self, *seq, event->replanned->rows[i]);
        }
        *seq = event->prev_seq;
    }
}

void
bf_check_zones (bf_checker *self)
{
    if (self->failure != BF_OK) {
        return;
    }
    self->zones = bf_map_new (1);
    self->exclusions = bf_map_new (1);
    self->replanned = bf_map_new (1);
    if (!self->zones || !self->exclusions || !self->replanned) {
        bf_check_fail_memory (self);
        return;
    }
    self->last_commit_us = bf_check_number (
        self, "SELECT boot_seen_us + wall_skew_us FROM meta", "table meta");
    sqlite3_stmt *stmt =
        bf_check_prepare (self, "SELECT name, hash, bytes, at_job, until_job FROM zone");
    while (bf_check_step (self, stmt, "table zone")) {
        load_zone (self, stmt);
    }
    sqlite3_finalize (stmt);
    stmt = bf_check_prepare (self,
                             "SELECT id, ns, name, body, at_job, until_job FROM exclusion");
    while (bf_check_step (self, stmt, "table exclusion")) {
        load_exclusion (self, stmt);
    }
    sqlite3_finalize (stmt);
    load_replanned (self);
}

static void
rules_clear (bf_map **map)
{
    size_t cursor = 0;
    rules_t *each;
    while (*map && (each = bf_map_each (*map, &cursor)) != NULL) {
        rules_destroy (each);
    }
    bf_map_destroy (map);
}

void
bf_check_zones_clear (bf_checker *self)
{
    size_t cursor = 0;
    bf_check_replanned *each;
    while (self->replanned && (each = bf_map_each (self->replanned, &cursor)) != NULL) {
        free (each);
    }
    bf_map_destroy (&self->replanned);
    rules_clear (&self->zones);
    rules_clear (&self->exclusions);
}

const bf_check_replanned *
bf_check_replanned_of (const bf_checker *self, uint64_t job)
{
    return self->replanned ? bf_map_get (self->replanned, &job, sizeof job) : NULL;
}

static const rules_t *
exclusion_of (const bf_checker *self, const bf_check_job *job, const char *name)
{
    uint8_t key[sizeof (uint32_t) + BF_NAME_BYTES];
    size_t size = calendar_key (job->ns, name, key);
    return bf_map_get (self->exclusions, key, size);
}

/* --- who goes by them -------------------------------------------------------------- */

static bool
row_exists (bf_checker *self, sqlite3_stmt *stmt, uint64_t job, const char *table)
{
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)job);
    bool there = bf_check_step (self, stmt, table);
    sqlite3_reset (stmt);
    return there;
}

static void
check_zone_row (bf_checker *self, const bf_check_job *job, const char *name)
{
    if (!bf_map_get (self->zones, name, strlen (name))) {
        bf_check_found (self, BF_CHECK_CALENDAR, job->row,
                        "its zone %s is not among the zones", name);
    }
    sqlite3_stmt *stmt = bf_check_statement (self, CHECK_ZONED);
    if (!stmt) {
        return;
    }
    sqlite3_bind_text (stmt, 1, name, -1, SQLITE_STATIC);
    bool there = row_exists (self, stmt, job->id, "table zoned");
    if (!there) {
        bf_check_found (self, BF_CHECK_CALENDAR, job->row, "its zone %s has no row for it",
                        name);
    }
    self->gauges.zoned += there;
}

static void
check_exclusion_row (bf_checker *self, const bf_check_job *job, const char *name)
{
    const rules_t *rules = exclusion_of (self, job, name);
    sqlite3_stmt *stmt = bf_check_statement (self, CHECK_EXCLUDED);
    /* One that has no slot left may outlive its calendar. */
    bool needed = job->state == BF_JOB_SCHEDULED;
    if (!stmt || (!rules && !needed)) {
        return;
    }
    if (!rules) {
        bf_check_found (self, BF_CHECK_CALENDAR, job->row,
                        "its exclusion calendar %s is not among them", name);
        return;
    }
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)rules->id);
    bool there = row_exists (self, stmt, job->id, "table excluded");
    if (!there && needed) {
        bf_check_found (self, BF_CHECK_CALENDAR, job->row,
                        "its exclusion calendar %s has no row for it", name);
    }
    self->gauges.excluded += there;
}

void
bf_check_zoned (bf_checker *self, const bf_check_job *job, const bf_trigger *trigger)
{
    if (job->state > BF_JOB_ACTIVE || !bf_trigger_is_zoned (trigger) || !self->zones) {
        return;
    }
    if (!bf_zone_name_is_utc (trigger->tz)) {
        check_zone_row (self, job, trigger->tz);
    }
    for (size_t i = 0; i < trigger->n_exclude; i++) {
        check_exclusion_row (self, job, trigger->exclude[i]);
    }
}

/* --- slots ------------------------------------------------------------------------- */

/* What the recurrence borrows. False: something is missing or cannot be read, which is told
 * elsewhere, or the job is still to be planned anew. */
static bool
find_rules (const bf_checker *self, const bf_check_job *job, const bf_trigger *trigger,
            const bf_zone **zone, const bf_exclusion *exclusions[BF_EXCLUDES])
{
    *zone = bf_zone_utc ();
    if (!bf_zone_name_is_utc (trigger->tz)) {
        const rules_t *rules = bf_map_get (self->zones, trigger->tz, strlen (trigger->tz));
        if (!rules || !rules->zone || is_pending (rules, job->id)) {
            return false;
        }
        *zone = rules->zone;
    }
    for (size_t i = 0; i < trigger->n_exclude; i++) {
        const rules_t *rules = exclusion_of (self, job, trigger->exclude[i]);
        if (!rules || !rules->exclusion || is_pending (rules, job->id)) {
            return false;
        }
        exclusions[i] = rules->exclusion;
    }
    return true;
}

static bf_recurrence_kind
kind_of (const bf_trigger *trigger)
{
    switch (trigger->kind) {
    case BF_TRIGGER_CRON:
        return BF_RECURRENCE_CRON;
    case BF_TRIGGER_DAILY:
        return BF_RECURRENCE_DAILY;
    case BF_TRIGGER_RRULE:
        return BF_RECURRENCE_RRULE;
    default:
        return BF_RECURRENCE_NONE;
    }
}

static bool
is_slot (const bf_check_job *job, const bf_trigger *trigger,
         const bf_recurrence *recurrence)
{
    int64_t due_us = 0;
    bf_grid grid = bf_grid_of (trigger, recurrence, job->anchor_us, job->id);
    return bf_grid_next (&grid, job->due_us - 1, &due_us) && due_us == job->due_us;
}

void
bf_check_zoned_slot (bf_checker *self, const bf_check_job *job, const bf_trigger *trigger)
{
    const bf_zone *zone;
    const bf_exclusion *exclusions[BF_EXCLUDES] = {NULL};
    /* What was due when the rules changed is judged as it was. */
    bool judged = job->due_us > self->last_commit_us && job->due_us > job->armed_us;
    if (!judged || !self->zones || !find_rules (self, job, trigger, &zone, exclusions)) {
        return;
    }
    bf_recurrence_args args = {
        .kind = kind_of (trigger),
        .text = trigger->text ? trigger->text : "",
        .zone = zone,
        .switches = trigger->switches,
        .start = {trigger->kind == BF_TRIGGER_RRULE ? job->anchor_us / BF_SECOND_US : 0},
        .exclusions = exclusions,
        .n_exclusions = trigger->n_exclude,
    };
    bf_recurrence *recurrence = NULL;
    bf_error cause = {0};
    bf_err rc = bf_recurrence_new (&args, &recurrence, &cause);
    if (rc == BF_ENOMEM) {
        bf_check_fail_memory (self);
    } else if (rc != BF_OK) {
        bf_check_found (self, BF_CHECK_SPEC, job->row, "its slots cannot be told: %s",
                        cause.text);
    } else if (!is_slot (job, trigger, recurrence)) {
        bf_check_found (self, BF_CHECK_TIMER, job->row,
                        "due_us is %lld, which is no slot of its calendar",
                        (long long)job->due_us);
    }
    bf_recurrence_destroy (&recurrence);
}
