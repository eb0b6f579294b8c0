/* SPDX-License-Identifier: MPL-2.0
 *
 * Zones, exclusion calendars and recurrences in memory, each by its name.
 */
#include "persist/ledger/recurrences.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "messages/codec.h"
#include "messages/limits.h"
#include "persist/ledger/names.h"
#include "persist/ledger/sql.h"
#include "persist/zoneinfo.h"

/* Recurrences at once: a rule with its dates takes up to 10 KiB, a cron expression 200
 * bytes. */
#define RECURRENCES 1024

typedef struct {
    bf_zone *zone;
    uint8_t *bytes; /* what it was made of, while it is not in the table */
    size_t size;
    bool stored;
} zone_t;

typedef struct {
    uint64_t id;
    bf_exclusion *exclusion;
} calendar_t;

struct bf_recurrences {
    char *directory; /* of the zones' files; NULL for the usual one */
    uint64_t seed;
    /* NULL while empty. */
    bf_map *zones;     /* zone_t by name */
    bf_map *calendars; /* calendar_t by (namespace, name) */
    bf_map *made;      /* bf_recurrence by what it is made of */
    bool touched;      /* the batch has written a zone or a calendar */
};

static void
zone_destroy (zone_t *zone)
{
    if (zone) {
        bf_zone_destroy (&zone->zone);
        free (zone->bytes);
        free (zone);
    }
}

static void
calendar_destroy (calendar_t *calendar)
{
    if (calendar) {
        bf_exclusion_destroy (&calendar->exclusion);
        free (calendar);
    }
}

static void
made_clear (bf_recurrences *self)
{
    size_t cursor = 0;
    bf_recurrence *each;
    while (self->made && (each = bf_map_each (self->made, &cursor)) != NULL) {
        bf_recurrence_destroy (&each);
    }
    bf_map_destroy (&self->made);
}

static void
clear (bf_recurrences *self)
{
    made_clear (self);
    size_t cursor = 0;
    zone_t *zone;
    while (self->zones && (zone = bf_map_each (self->zones, &cursor)) != NULL) {
        zone_destroy (zone);
    }
    bf_map_destroy (&self->zones);
    cursor = 0;
    calendar_t *calendar;
    while (self->calendars && (calendar = bf_map_each (self->calendars, &cursor))) {
        calendar_destroy (calendar);
    }
    bf_map_destroy (&self->calendars);
}

bf_err
bf_recurrences_open (bf_ledger *self, const char *directory, uint64_t seed, bf_error *error)
{
    bf_recurrences *made = calloc (1, sizeof *made);
    if (made && directory) {
        made->directory = strdup (directory);
    }
    if (!made || (directory && !made->directory)) {
        free (made);
        return bf_fail_plain (error, BF_ENOMEM);
    }
    made->seed = seed;
    self->recurrences = made;
    return BF_OK;
}

void
bf_recurrences_free (bf_ledger *self)
{
    bf_recurrences *recurrences = self->recurrences;
    if (recurrences) {
        clear (recurrences);
        free (recurrences->directory);
        free (recurrences);
        self->recurrences = NULL;
    }
}

const char *
bf_recurrences_directory (const bf_ledger *self)
{
    return self->recurrences->directory;
}

void
bf_recurrences_changed (bf_ledger *self)
{
    self->recurrences->touched = true;
    clear (self->recurrences);
}

void
bf_recurrences_forget (bf_ledger *self)
{
    clear (self->recurrences);
}

void
bf_recurrences_keep (bf_ledger *self)
{
    self->recurrences->touched = false;
}

void
bf_recurrences_undo (bf_ledger *self)
{
    if (self->recurrences->touched) {
        clear (self->recurrences);
    }
}

/* Maps are made when they are needed, because they are dropped whole. */
static bf_err
put (bf_ledger *self, bf_map **map, const void *key, size_t size, void *value,
     bf_error *error)
{
    if (!*map) {
        *map = bf_map_new (self->recurrences->seed);
    }
    bool there = *map && bf_map_put (*map, key, size, value) == BF_OK;
    return there ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

/* --- zones ------------------------------------------------------------------------- */

/* From the table; NULL where it has none. */
static bf_err
zone_select (bf_ledger *self, const char *name, zone_t *zone, bool *found, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ZONE_SELECT);
    sqlite3_bind_text (stmt, 1, name, -1, SQLITE_STATIC);
    bf_err rc = bf_step_row (self->statements, stmt, found, error);
    if (rc != BF_OK || !*found) {
        return rc;
    }
    const void *bytes = sqlite3_column_blob (stmt, 0);
    bf_error cause = {0};
    rc = bf_zone_read (bytes, (size_t)sqlite3_column_bytes (stmt, 0), &zone->zone, &cause);
    bf_statement_reset (stmt);
    zone->stored = true;
    if (rc == BF_EINVALID) {
        return bf_fail (error, BF_ECORRUPT,
                        "the rules of time zone %s cannot be read (%s): the database is "
                        "damaged",
                        name, cause.text);
    }
    return rc == BF_OK ? BF_OK : bf_fail_plain (error, rc);
}

static bf_err
zone_from_file (bf_ledger *self, const char *name, zone_t *zone, bf_error *error)
{
    bf_error cause = {0};
    bf_err rc = bf_zoneinfo_read (self->recurrences->directory, name, &zone->bytes,
                                  &zone->size, &cause);
    if (rc != BF_OK && rc != BF_ENOMEM) {
        /* A file that cannot be read is the caller's to see, not the end of the store. */
        return bf_fail (error, BF_EINVALID, "%s", cause.text);
    }
    if (rc == BF_OK) {
        rc = bf_zone_read (zone->bytes, zone->size, &zone->zone, &cause);
    }
    if (rc == BF_EINVALID) {
        return bf_fail (error, BF_EINVALID, "time zone %s: %s", name, cause.text);
    }
    return rc == BF_OK ? BF_OK : bf_fail_plain (error, rc);
}

static bf_err
zone_load (bf_ledger *self, const char *name, zone_t **zone_p, bf_error *error)
{
    zone_t *zone = calloc (1, sizeof *zone);
    if (!zone) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bool found = false;
    bf_err rc = zone_select (self, name, zone, &found, error);
    if (rc == BF_OK && !found) {
        rc = zone_from_file (self, name, zone, error);
    }
    if (rc == BF_OK) {
        rc = put (self, &self->recurrences->zones, name, strlen (name), zone, error);
    }
    if (rc != BF_OK) {
        zone_destroy (zone);
        return rc;
    }
    *zone_p = zone;
    return BF_OK;
}

static bf_err
zone_find (bf_ledger *self, const char *name, zone_t **zone, bf_error *error)
{
    bf_map *zones = self->recurrences->zones;
    *zone = zones ? bf_map_get (zones, name, strlen (name)) : NULL;
    return *zone ? BF_OK : zone_load (self, name, zone, error);
}

bf_err
bf_zone_of (bf_ledger *self, const char *name, const bf_zone **zone, bf_error *error)
{
    if (bf_zone_name_is_utc (name)) {
        *zone = bf_zone_utc ();
        return BF_OK;
    }
    zone_t *found = NULL;
    bf_err rc = zone_find (self, name, &found, error);
    if (rc == BF_OK) {
        *zone = found->zone;
    }
    return rc;
}

bf_err
bf_zone_keep (bf_ledger *self, const char *name, bf_error *error)
{
    zone_t *zone = NULL;
    bf_err rc = zone_find (self, name, &zone, error);
    if (rc != BF_OK || zone->stored) {
        return rc;
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_ZONE_INSERT);
    sqlite3_bind_text (stmt, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)bf_hash (zone->bytes, zone->size));
    sqlite3_bind_blob (stmt, 3, zone->bytes, (int)zone->size, SQLITE_STATIC);
    rc = bf_step_done (self->statements, stmt, error);
    if (rc == BF_OK) {
        zone->stored = true;
        self->recurrences->touched = true;
        free (zone->bytes);
        zone->bytes = NULL;
    }
    return rc;
}

/* --- exclusion calendars ----------------------------------------------------------- */

bf_err
bf_calendar_find (bf_ledger *self, uint32_t ns, const char *name, uint64_t *id,
                  bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EXCLUSION_FIND);
    sqlite3_bind_int64 (stmt, 1, ns);
    sqlite3_bind_text (stmt, 2, name, -1, SQLITE_STATIC);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK) {
        *id = row ? (uint64_t)sqlite3_column_int64 (stmt, 0) : 0;
    }
    bf_statement_reset (stmt);
    return rc;
}

/* Makes a calendar of the row that stands. */
static bf_err
calendar_read (bf_ledger *self, sqlite3_stmt *stmt, const char *name, calendar_t *calendar,
               bf_error *error)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    const Belfry__V1__ExclusionCalendar *body = belfry__v1__exclusion_calendar__unpack (
        &allocator, (size_t)sqlite3_column_bytes (stmt, 1), sqlite3_column_blob (stmt, 1));
    if (!body && bf_arena_failed (self->arena)) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_err rc = BF_EINVALID;
    if (body) {
        rc = bf_exclusion_new ((const char *const *)body->dates, body->n_dates,
                               (const char *const *)body->windows, body->n_windows,
                               &calendar->exclusion, NULL, NULL);
    }
    calendar->id = (uint64_t)sqlite3_column_int64 (stmt, 0);
    if (rc == BF_EINVALID) {
        return bf_fail (error, BF_ECORRUPT,
                        "exclusion calendar %s cannot be read: the database is damaged",
                        name);
    }
    return rc == BF_OK ? BF_OK : bf_fail_plain (error, rc);
}

static bf_err
calendar_select (bf_ledger *self, uint32_t ns, const char *name, calendar_t *calendar,
                 bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EXCLUSION_FIND);
    sqlite3_bind_int64 (stmt, 1, ns);
    sqlite3_bind_text (stmt, 2, name, -1, SQLITE_STATIC);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK && !row) {
        return bf_fail (error, BF_EINVALID,
                        "there is no exclusion calendar %s%s%s: make it with SetCalendar "
                        "first",
                        name, ns ? " in namespace " : "",
                        ns ? bf_name_text (self, ns) : "");
    }
    if (rc == BF_OK) {
        rc = calendar_read (self, stmt, name, calendar, error);
    }
    bf_statement_reset (stmt);
    return rc;
}

/* A namespace's number and a name, as a key. */
typedef struct {
    uint8_t bytes[sizeof (uint32_t) + BF_NAME_BYTES];
    size_t size;
} name_key;

static name_key
name_key_of (uint32_t ns, const char *name)
{
    name_key key = {.size = sizeof ns + strlen (name)};
    BF_INVARIANT (key.size <= sizeof key.bytes);
    memcpy (key.bytes, &ns, sizeof ns);
    memcpy (key.bytes + sizeof ns, name, key.size - sizeof ns);
    return key;
}

static bf_err
calendar_of (bf_ledger *self, uint32_t ns, const char *name, const bf_exclusion **exclusion,
             bf_error *error)
{
    name_key key = name_key_of (ns, name);
    bf_map *calendars = self->recurrences->calendars;
    calendar_t *calendar = calendars ? bf_map_get (calendars, key.bytes, key.size) : NULL;
    if (!calendar) {
        calendar = calloc (1, sizeof *calendar);
        bf_err rc = calendar ? calendar_select (self, ns, name, calendar, error)
                             : bf_fail_plain (error, BF_ENOMEM);
        if (rc == BF_OK) {
            rc = put (self, &self->recurrences->calendars, key.bytes, key.size, calendar,
                      error);
        }
        if (rc != BF_OK) {
            calendar_destroy (calendar);
            return rc;
        }
    }
    *exclusion = calendar->exclusion;
    return BF_OK;
}

/* --- recurrences ------------------------------------------------------------------- */

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

/* A rule's own start, in whole seconds of local time; only a rule has one. */
static bf_local
start_of (const bf_job_row *job)
{
    bool rule = job->law.trigger.kind == BF_TRIGGER_RRULE;
    return (bf_local){rule ? job->anchor_us / BF_SECOND_US : 0};
}

/* What the recurrence is made of, as bytes: equal ones mean the same. */
static uint8_t *
key_of (bf_ledger *self, const bf_job_row *job, size_t *size)
{
    const bf_trigger *trigger = &job->law.trigger;
    const char *text = trigger->text ? trigger->text : "";
    struct {
        int64_t start_s;
        uint32_t ns;
        uint8_t kind, skipped, repeated, n_exclude;
    } head = {
        .start_s = start_of (job).s,
        .ns = trigger->n_exclude > 0 ? job->ns : 0,
        .kind = (uint8_t)trigger->kind,
        .skipped = (uint8_t)trigger->switches.skipped,
        .repeated = (uint8_t)trigger->switches.repeated,
        .n_exclude = (uint8_t)trigger->n_exclude,
    };
    size_t bytes = sizeof head + strlen (trigger->tz) + 1 + strlen (text) + 1;
    for (size_t i = 0; i < trigger->n_exclude; i++) {
        bytes += strlen (trigger->exclude[i]) + 1;
    }
    uint8_t *key = bf_arena_alloc (self->arena, bytes);
    if (!key) {
        return NULL;
    }
    memcpy (key, &head, sizeof head);
    uint8_t *at = key + sizeof head;
    at = (uint8_t *)stpcpy ((char *)at, trigger->tz) + 1;
    at = (uint8_t *)stpcpy ((char *)at, text) + 1;
    for (size_t i = 0; i < trigger->n_exclude; i++) {
        at = (uint8_t *)stpcpy ((char *)at, trigger->exclude[i]) + 1;
    }
    *size = bytes;
    return key;
}

/* The parts that a recurrence borrows. */
static bf_err
find_parts (bf_ledger *self, const bf_job_row *job, const bf_zone **zone,
            const bf_exclusion *exclusions[BF_EXCLUDES], bf_error *error)
{
    const bf_trigger *trigger = &job->law.trigger;
    BF_INVARIANT (trigger->n_exclude <= BF_EXCLUDES);
    bf_err rc = bf_zone_of (self, trigger->tz, zone, error);
    for (size_t i = 0; rc == BF_OK && i < trigger->n_exclude; i++) {
        rc = calendar_of (self, job->ns, trigger->exclude[i], &exclusions[i], error);
    }
    return rc;
}

bf_err
bf_recurrence_check_parts (bf_ledger *self, const bf_job_row *job, bf_error *error)
{
    const bf_zone *zone;
    const bf_exclusion *exclusions[BF_EXCLUDES];
    return find_parts (self, job, &zone, exclusions, error);
}

static bf_err
make (bf_ledger *self, const bf_job_row *job, bf_recurrence **made, bf_error *error)
{
    const bf_trigger *trigger = &job->law.trigger;
    const bf_exclusion *exclusions[BF_EXCLUDES] = {NULL};
    bf_recurrence_args args = {
        .kind = kind_of (trigger),
        .text = trigger->text ? trigger->text : "",
        .switches = trigger->switches,
        .start = start_of (job),
        .exclusions = exclusions,
        .n_exclusions = trigger->n_exclude,
    };
    bf_err rc = find_parts (self, job, &args.zone, exclusions, error);
    return rc == BF_OK ? bf_recurrence_new (&args, made, error) : rc;
}

bf_err
bf_recurrence_of (bf_ledger *self, const bf_job_row *job, const bf_recurrence **recurrence,
                  bf_error *error)
{
    *recurrence = NULL;
    if (!bf_trigger_is_zoned (&job->law.trigger)) {
        return BF_OK;
    }
    bf_recurrences *all = self->recurrences;
    size_t size = 0;
    uint8_t *key = key_of (self, job, &size);
    if (!key) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    *recurrence = all->made ? bf_map_get (all->made, key, size) : NULL;
    if (*recurrence) {
        return BF_OK;
    }
    bf_recurrence *made = NULL;
    bf_err rc = make (self, job, &made, error);
    if (rc != BF_OK) {
        return rc;
    }
    if (all->made && bf_map_count (all->made) >= RECURRENCES) {
        made_clear (all);
    }
    rc = put (self, &all->made, key, size, made, error);
    if (rc != BF_OK) {
        bf_recurrence_destroy (&made);
        return rc;
    }
    *recurrence = made;
    return BF_OK;
}
