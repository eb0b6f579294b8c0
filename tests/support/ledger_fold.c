/* SPDX-License-Identifier: MPL-2.0
 *
 * The fold of the log: every event as it comes, its chains, and the images put together,
 * which must give the tables, column by column.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/event.h"
#include "core/run.h"
#include "core/token.h"
#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger_model.h"
#include "tests/support/whole.h"

/* An event that one or several rows still stand on. */
typedef struct {
    Belfry__V1__Event *event;
    unsigned uses;
} kept;

/* A job or a run as its events tell it. */
typedef struct {
    kept *image;      /* the newest with an image */
    kept *definition; /* of a job: the newest with its spec */
    kept *named;      /* of a job: the newest that says its type */
    uint64_t last_seq;
    int64_t at_us;
} folded;

static void
let_go (kept **slot)
{
    if (*slot && --(*slot)->uses == 0) {
        belfry__v1__event__free_unpacked ((*slot)->event, NULL);
        free (*slot);
    }
    *slot = NULL;
}

static void
hold (kept **slot, kept *event)
{
    event->uses++;
    let_go (slot);
    *slot = event;
}

static void
let_go_of (folded *row)
{
    let_go (&row->image);
    let_go (&row->definition);
    let_go (&row->named);
}

static void
forget_all (bf_map **map_p)
{
    size_t cursor = 0;
    folded *row;
    while (*map_p && (row = bf_map_each (*map_p, &cursor)) != NULL) {
        let_go_of (row);
    }
    model_map_destroy (map_p);
}

void
model_forget_fold (ledger_model *self)
{
    forget_all (&self->jobs);
    forget_all (&self->runs);
    model_map_destroy (&self->stretches);
    model_map_destroy (&self->topics);
    model_map_destroy (&self->calendars);
}

static const Belfry__V1__Job *
image_of_job (const folded *job)
{
    return job->image->event->job_after;
}

static const Belfry__V1__JobSpec *
spec_of_job (const folded *job)
{
    return job->definition->event->job_after->spec;
}

/* --- one event ---------------------------------------------------------------------- */

static void
fold_job (ledger *self, kept *kept_event)
{
    const Belfry__V1__Event *event = kept_event->event;
    folded *job = model_at (self->model->jobs, (place){event->job, 0, 0}, sizeof *job);
    assert_int_equal (event->prev_job_seq, job->last_seq);
    job->last_seq = event->seq;
    job->at_us = event->at_us;
    if (event->job_after) {
        assert_non_null (event->job_after->counts);
        hold (&job->image, kept_event);
        if (event->job_after->spec) {
            assert_int_equal (event->job_after->spec->payload.len, 0);
            hold (&job->definition, kept_event);
        }
    }
    /* The first event of a job has all of it. */
    assert_non_null (job->image);
    assert_non_null (job->definition);
    if (event->run[0] == '\0') {
        assert_null (event->run_after);
        assert_non_null (event->job_after);
        hold (&job->named, kept_event);
    }
}

static void
fold_run (ledger *self, kept *kept_event)
{
    const Belfry__V1__Event *event = kept_event->event;
    const Belfry__V1__Run *image = event->run_after;
    bf_token token;
    assert_int_equal (bf_run_id_parse (event->run, &token), BF_OK);
    assert_int_equal (token.job, event->job);
    assert_non_null (image);
    assert_string_equal (image->run, event->run);
    assert_int_equal (image->last_seq, event->seq);
    assert_int_equal (image->attempt, event->attempt);
    assert_int_equal (image->result.len, 0);
    assert_int_equal (image->lease_until_us, 0);
    const folded *job = model_get (self->model->jobs, (place){event->job, 0, 0});
    assert_int_equal (image->late, image->lateness_us > spec_of_job (job)->grace_us);
    assert_true (image->origin != BELFRY__V1__ORIGIN__ORIGIN_SLOT ||
                 image->lateness_us >= 0);
    folded *run =
        model_at (self->model->runs, (place){token.job, token.ordinal, 0}, sizeof *run);
    run->last_seq = event->seq;
    hold (&run->image, kept_event);
}

static place
place_of_stretch (const Belfry__V1__Stretch *row)
{
    return (place){row->job, row->after_ordinal, row->skipped ? 1 : 0};
}

/* The stretch of before with the slots of this event. */
static void
fold_stretch (ledger *self, const Belfry__V1__Event *event)
{
    const Belfry__V1__Stretch *after = event->stretch_after;
    const Belfry__V1__Slots *slots = event->slots;
    bool skipped = strcmp (event->kind, "slot.skipped") == 0;
    assert_true (skipped || strcmp (event->kind, "slot.missed") == 0);
    assert_non_null (slots);
    assert_int_equal (after->job, event->job);
    assert_int_equal (after->skipped, skipped);
    assert_int_equal (after->last_seq, event->seq);
    assert_int_equal (after->after_ordinal, event->job_after->runs);
    Belfry__V1__Stretch *row =
        model_at (self->model->stretches, place_of_stretch (after), sizeof *row);
    assert_int_equal (after->count, row->count + slots->count);
    assert_in_range (slots->count, 1, INT64_MAX);
    assert_true (slots->first_due_us <= slots->last_due_us);
    assert_true (after->first_due_us <= slots->first_due_us);
    assert_true (after->last_due_us >= slots->last_due_us);
    *row = *after;
}

/* Final runs up to the ordinal, and stretches before it; or all of the job. */
static bool
is_gone (const Belfry__V1__Pruned__Rows *rows, place at, bool run)
{
    return at.job == rows->job &&
           (rows->up_to_ordinal == 0 || (run && at.ordinal <= rows->up_to_ordinal) ||
            (!run && at.ordinal < rows->up_to_ordinal));
}

static void
prune_runs (ledger *self, const Belfry__V1__Pruned__Rows *rows)
{
    size_t cursor = 0;
    folded *run;
    while ((run = bf_map_each (self->model->runs, &cursor)) != NULL) {
        bf_token token;
        assert_int_equal (bf_run_id_parse (run->image->event->run, &token), BF_OK);
        place at = {token.job, token.ordinal, 0};
        bool final = (int)run->image->event->run_after->state > BF_RUN_OPEN_LAST;
        assert_true (final || rows->up_to_ordinal != 0 || at.job != rows->job);
        if (final && is_gone (rows, at, true)) {
            let_go_of (run);
            model_remove (self->model->runs, at);
        }
    }
}

static void
fold_pruned_rows (ledger *self, const Belfry__V1__Pruned__Rows *rows)
{
    place at = {rows->job, 0, 0};
    folded *job = model_get (self->model->jobs, at);
    assert_non_null (job);
    prune_runs (self, rows);
    size_t cursor = 0;
    Belfry__V1__Stretch *stretch;
    while ((stretch = bf_map_each (self->model->stretches, &cursor)) != NULL) {
        place row = place_of_stretch (stretch);
        if (is_gone (rows, row, false)) {
            model_remove (self->model->stretches, row);
        }
    }
    if (rows->up_to_ordinal == 0) {
        assert_true (image_of_job (job)->final_us != 0);
        let_go_of (job);
        model_remove (self->model->jobs, at);
    }
}

static void
fold_pruned (ledger *self, const Belfry__V1__Event *event)
{
    const Belfry__V1__Pruned *pruned = event->pruned;
    if (strcmp (event->kind, "log.pruned") == 0) {
        assert_int_equal (pruned->n_rows, 0);
        assert_int_equal (pruned->first_seq, self->model->oldest);
        assert_true (pruned->last_seq >= pruned->first_seq);
        assert_true (pruned->last_seq < event->seq);
        self->model->oldest = pruned->last_seq + 1;
        return;
    }
    assert_string_equal (event->kind, "job.pruned");
    assert_true (pruned->n_rows > 0);
    self->model->pruned = true;
    for (size_t i = 0; i < pruned->n_rows; i++) {
        fold_pruned_rows (self, pruned->rows[i]);
    }
}

/* Jobs that were planned anew: no image, only their times. */
static void
fold_replanned_rows (ledger *self, const Belfry__V1__Replanned *replanned)
{
    assert_true (replanned->n_rows <= replanned->examined);
    for (size_t i = 0; i < replanned->n_rows; i++) {
        const Belfry__V1__Replanned__Row *row = replanned->rows[i];
        const folded *job = model_get (self->model->jobs, (place){row->job, 0, 0});
        assert_non_null (job);
        Belfry__V1__Job *image = job->image->event->job_after;
        assert_int_equal (image->state, BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED);
        assert_true (image->due_us != row->due_us);
        image->due_us = row->due_us;
        image->armed_us = row->armed_us;
        image->wake_us = row->wake_us;
        image->remind_us = row->remind_us;
    }
}

static uint64_t
content_hash (const Belfry__V1__ExclusionCalendar *calendar)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < calendar->n_dates; i++) {
        hash = bf_mix (hash ^ bf_hash (calendar->dates[i], strlen (calendar->dates[i])));
    }
    for (size_t i = 0; i < calendar->n_windows; i++) {
        hash =
            bf_mix (~hash ^ bf_hash (calendar->windows[i], strlen (calendar->windows[i])));
    }
    return hash;
}

static void
fold_calendar (ledger *self, const Belfry__V1__ExclusionCalendar *image)
{
    const char *key = ledger_text (self, "%s/%s", image->ns, image->name);
    model_calendar *row = bf_map_get (self->model->calendars, key, strlen (key));
    if (image->version == 0) {
        assert_non_null (row);
        free (bf_map_remove (self->model->calendars, key, strlen (key)));
        return;
    }
    if (!row) {
        row = calloc (1, sizeof *row);
        assert_non_null (row);
        assert_int_equal (bf_map_put (self->model->calendars, key, strlen (key), row),
                          BF_OK);
    }
    assert_true (image->version >= row->version);
    *row = (model_calendar){image->version, image->updated_us, content_hash (image)};
}

static void
fold_replanned (ledger *self, const Belfry__V1__Event *event)
{
    bool of_zone = strcmp (event->kind, "zone.changed") == 0;
    assert_true (of_zone || strcmp (event->kind, "calendar.changed") == 0);
    assert_int_equal (of_zone, event->replanned->zone[0] != '\0');
    assert_int_equal (of_zone, event->replanned->calendar == NULL);
    fold_replanned_rows (self, event->replanned);
    if (event->replanned->calendar) {
        fold_calendar (self, event->replanned->calendar);
    }
}

static void
check_topic (ledger *self, const Belfry__V1__Event *event)
{
    char topic[BF_TOPIC_BYTES];
    bf_event_kind kind = bf_event_find (event->kind);
    assert_int_not_equal (kind, 0);
    bf_event_topic (kind, event->type, topic);
    uint64_t *last = bf_map_get (self->model->topics, topic, strlen (topic));
    if (!last) {
        last = calloc (1, sizeof *last);
        assert_non_null (last);
        assert_int_equal (bf_map_put (self->model->topics, topic, strlen (topic), last),
                          BF_OK);
    }
    assert_int_equal (event->prev_seq, *last);
    *last = event->seq;
}

static void
fold_event (ledger *self, kept *event)
{
    check_topic (self, event->event);
    if (event->event->job != 0) {
        fold_job (self, event);
    }
    if (event->event->run[0] != '\0') {
        fold_run (self, event);
    }
    if (event->event->stretch_after) {
        fold_stretch (self, event->event);
    }
    if (event->event->pruned) {
        fold_pruned (self, event->event);
    }
    if (event->event->replanned) {
        fold_replanned (self, event->event);
    }
}

/* What an event says is not in its image once more. */
static void
check_lean (const Belfry__V1__Event *event)
{
    const Belfry__V1__Job *image = event->job_after;
    if (image) {
        assert_int_equal (image->last_seq, 0);
        assert_int_equal (image->updated_us, 0);
        assert_true (image->wake_us == 0 || image->wake_us != image->due_us);
    }
    if (image && image->spec) {
        assert_string_equal (image->spec->ns, "");
        assert_string_equal (image->spec->key, "");
        assert_string_equal (image->spec->type, "");
    }
}

void
model_fold (ledger *self)
{
    sqlite3_stmt *stmt = ledger_query (self, "SELECT seq, body FROM event WHERE seq > ?1");
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)self->model->seq);
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        kept *event = calloc (1, sizeof *event);
        assert_non_null (event);
        event->event = belfry__v1__event__unpack (
            NULL, (size_t)sqlite3_column_bytes (stmt, 1), sqlite3_column_blob (stmt, 1));
        assert_non_null (event->event);
        assert_int_equal (event->event->stream_epoch, 0);
        assert_int_equal (event->event->payload.len, 0);
        assert_int_equal (event->event->seq, sqlite3_column_int64 (stmt, 0));
        assert_int_equal (event->event->seq, self->model->seq + 1);
        check_lean (event->event);
        event_make_whole (event->event, NULL);
        self->model->seq = event->event->seq;
        event->uses = 1;
        fold_event (self, event);
        let_go (&event);
    }
    ledger_query_end (self);
    assert_int_equal (self->model->seq, ledger_number (self, "SELECT head_seq FROM meta"));
    assert_int_equal (self->model->oldest,
                      ledger_number (self, "SELECT coalesce ((SELECT seq FROM event ORDER "
                                           "BY seq LIMIT 1), head_seq + 1) FROM meta"));
}

/* --- against the tables ------------------------------------------------------------- */

/* What is compared: a row, by name, and where its columns are. */
typedef struct {
    sqlite3_stmt *stmt;
    int column; /* the next one */
    const char *table;
    place at;
} row_t;

/* The next column of a row against what the log says. */
static void
same (row_t *row, int64_t log)
{
    int64_t table = sqlite3_column_int64 (row->stmt, row->column);
    if (table != log) {
        fail_msg ("%s %" PRIu64 ".%" PRIu64 ": %s is %" PRId64 ", the log says %" PRId64,
                  row->table, row->at.job, row->at.ordinal,
                  sqlite3_column_name (row->stmt, row->column), table, log);
    }
    row->column++;
}

static void
same_text (row_t *row, const char *log)
{
    const char *table = (const char *)sqlite3_column_text (row->stmt, row->column);
    if (strcmp (table ? table : "", log) != 0) {
        fail_msg ("%s %" PRIu64 ".%" PRIu64 ": %s is '%s', the log says '%s'", row->table,
                  row->at.job, row->at.ordinal,
                  sqlite3_column_name (row->stmt, row->column), table, log);
    }
    row->column++;
}

/* A blob of this size and hash. */
static void
same_blob (row_t *row, uint64_t bytes, uint64_t hash)
{
    const void *blob = sqlite3_column_blob (row->stmt, row->column);
    size_t size = (size_t)sqlite3_column_bytes (row->stmt, row->column);
    row->column++;
    assert_int_equal (size, bytes);
    if (size > 0 || hash != 0) {
        assert_true (bf_hash (blob, size) == hash);
    }
}

/* The definition as the log has it: what is shown of the anchor is always resolved, and
 * neither what the row has in columns nor what is default is in its spec. */
static void
same_spec (row_t *row, const Belfry__V1__JobSpec *log)
{
    size_t size = (size_t)sqlite3_column_bytes (row->stmt, row->column);
    const void *bytes = sqlite3_column_blob (row->stmt, row->column);
    Belfry__V1__JobSpec *stored = belfry__v1__job_spec__unpack (NULL, size, bytes);
    assert_non_null (stored);
    Belfry__V1__JobSpec rest = bf_spec_kept (log);
    Belfry__V1__Every every;
    if (rest.trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY) {
        every = *rest.every;
        every.anchor_case = stored->every->anchor_case;
        rest.every = &every;
    }
    uint8_t packed[4096];
    assert_int_equal (belfry__v1__job_spec__get_packed_size (&rest), size);
    assert_in_range (size, 1, sizeof packed);
    belfry__v1__job_spec__pack (&rest, packed);
    assert_memory_equal (bytes, packed, size);
    belfry__v1__job_spec__free_unpacked (stored, NULL);
    row->column++;
}

static const char jobs_sql[] =
    "SELECT job.id, n.text AS ns, t.text AS type, key, state, reason, paused, clock, "
    "due_us, wake_us, armed_us, remind_us, anchor_us, version, runs, open_runs, "
    "slots_open, blocked, "
    "fired, missed, skipped, overlap_skipped, buffer_dropped, cancelled_others, "
    "terminated_others, others_below, created_us, updated_us, final_us, last_seq, "
    "payload_hash, payload, spec "
    "FROM job JOIN name AS n ON n.id = ns JOIN name AS t ON t.id = type";

static void
same_counts (row_t *row, const Belfry__V1__Counts *log)
{
    same (row, log->open);
    same (row, log->blocked);
    same (row, log->fired);
    same (row, log->missed);
    same (row, log->skipped);
    same (row, log->overlap_skipped);
    same (row, log->buffer_dropped);
    same (row, log->cancelled_others);
    same (row, log->terminated_others);
}

static void
check_job (ledger *self, sqlite3_stmt *stmt)
{
    row_t row = {stmt, 1, "job", {(uint64_t)sqlite3_column_int64 (stmt, 0), 0, 0}};
    const folded *job = model_get (self->model->jobs, row.at);
    if (!job) {
        fail_msg ("job %" PRIu64 " has no event", row.at.job);
    }
    const Belfry__V1__Job *image = image_of_job (job);
    const Belfry__V1__JobSpec *spec = spec_of_job (job);
    bool recurs = spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY;
    assert_int_equal (image->id, row.at.job);
    same_text (&row, job->image->event->ns);
    same_text (&row, job->named->event->type);
    same_text (&row, job->image->event->key);
    same (&row, image->state);
    same (&row, image->reason);
    same (&row, image->paused);
    same (&row, spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US);
    same (&row, image->due_us);
    same (&row, image->wake_us);
    same (&row, image->armed_us);
    same (&row, image->remind_us);
    if (spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_RRULE) {
        row.column++; /* where a rule began is no business of others */
    } else {
        same (&row, recurs ? spec->every->anchor_us : 0);
    }
    same (&row, image->version);
    same (&row, image->runs);
    same (&row, image->open_runs);
    same_counts (&row, image->counts);
    same (&row, image->others_below);
    same (&row, image->created_us);
    same (&row, job->at_us);
    same (&row, image->final_us);
    same (&row, (int64_t)job->last_seq);
    same (&row, (int64_t)image->payload_hash);
    same_blob (&row, image->payload_bytes, image->payload_hash);
    same_spec (&row, spec);
}

static const char runs_sql[] =
    "SELECT job, ordinal, text, state, origin, job_version, clock, due_us, lateness_us, "
    "attempt, failures, redriven_by, timer_us, worker, created_us, claimed_us, final_us, "
    "reason, remind_before_us, last_seq, result FROM run JOIN name ON name.id = type";

static void
check_run (ledger *self, sqlite3_stmt *stmt)
{
    row_t row = {stmt,
                 2,
                 "run",
                 {(uint64_t)sqlite3_column_int64 (stmt, 0),
                  (uint64_t)sqlite3_column_int64 (stmt, 1), 0}};
    const folded *run = model_get (self->model->runs, row.at);
    if (!run) {
        fail_msg ("run %" PRIu64 ".%" PRIu64 " has no event", row.at.job, row.at.ordinal);
    }
    const Belfry__V1__Run *image = run->image->event->run_after;
    same_text (&row, run->image->event->type);
    same (&row, image->state);
    same (&row, image->origin);
    same (&row, image->job_version);
    same (&row, run->image->event->clock);
    same (&row, image->due_us);
    same (&row, image->lateness_us);
    same (&row, image->attempt);
    same (&row, image->failures);
    same (&row, image->redriven_by);
    same (&row, image->timer_us);
    same_text (&row, image->worker);
    same (&row, image->created_us);
    same (&row, image->claimed_us);
    same (&row, image->final_us);
    same_text (&row, image->reason);
    same (&row, image->remind_before_us);
    same (&row, (int64_t)run->last_seq);
    same_blob (&row, image->result_bytes, image->result_hash);
}

static void
check_stretch (ledger *self, sqlite3_stmt *stmt)
{
    row_t row = {stmt,
                 3,
                 "stretch",
                 {(uint64_t)sqlite3_column_int64 (stmt, 0),
                  (uint64_t)sqlite3_column_int64 (stmt, 1),
                  (uint64_t)sqlite3_column_int64 (stmt, 2)}};
    const Belfry__V1__Stretch *log = model_get (self->model->stretches, row.at);
    if (!log) {
        fail_msg ("stretch %" PRIu64 ".%" PRIu64 " has no event", row.at.job,
                  row.at.ordinal);
    }
    same (&row, log->first_due_us);
    same (&row, log->last_due_us);
    same (&row, (int64_t)log->count);
    same (&row, (int64_t)log->last_seq);
}

static void
check_calendar (ledger *self, sqlite3_stmt *stmt)
{
    row_t row = {stmt, 1, "exclusion", {0, 0, 0}};
    const char *key = (const char *)sqlite3_column_text (stmt, 0);
    const model_calendar *log = bf_map_get (self->model->calendars, key, strlen (key));
    if (!log) {
        fail_msg ("exclusion calendar %s has no event", key);
    }
    same (&row, log->version);
    same (&row, log->updated_us);
    Belfry__V1__ExclusionCalendar *body = belfry__v1__exclusion_calendar__unpack (
        NULL, (size_t)sqlite3_column_bytes (stmt, 3), sqlite3_column_blob (stmt, 3));
    assert_non_null (body);
    assert_true (content_hash (body) == log->hash);
    belfry__v1__exclusion_calendar__free_unpacked (body, NULL);
}

static void
check_rows (ledger *self, const char *sql, void (*check) (ledger *self, sqlite3_stmt *stmt),
            const bf_map *map)
{
    size_t count = 0;
    sqlite3_stmt *stmt = ledger_query (self, sql);
    for (; sqlite3_step (stmt) == SQLITE_ROW; count++) {
        check (self, stmt);
    }
    ledger_query_end (self);
    assert_int_equal (bf_map_count (map), count);
}

void
model_check_fold (ledger *self)
{
    check_rows (self, jobs_sql, check_job, self->model->jobs);
    check_rows (self, runs_sql, check_run, self->model->runs);
    check_rows (self,
                "SELECT job, after_ordinal, skipped, first_due_us, last_due_us, count, "
                "last_seq FROM stretch",
                check_stretch, self->model->stretches);
    check_rows (self,
                "SELECT text || '/' || exclusion.name, version, updated_us, body "
                "FROM exclusion JOIN name ON name.id = ns",
                check_calendar, self->model->calendars);
}
