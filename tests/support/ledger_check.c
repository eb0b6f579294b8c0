/* SPDX-License-Identifier: MPL-2.0
 *
 * What must hold behind every commit. Three things are kept beside the ledger, by other
 * means than its own: the fold of its events, what clock, dispatcher and retry have heard,
 * and the ends of the event chains. They are compared with the tables.
 */
#include "tests/support/ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/map.h"
#include "core/event.h"
#include "core/token.h"
#include "messages/codec.h"
#include "messages/translate.h"
#include "tests/support/cmocka.h"

typedef struct {
    uint64_t job;
    uint64_t ordinal;
    uint64_t more; /* the timer's source, the queue */
} place;

typedef struct {
    uint32_t attempt;
    bool flagged;
} lease;

/* A job or a run as its events tell it. */
typedef struct {
    const Belfry__V1__Event *event; /* the newest with an image */
    const Belfry__V1__JobSpec *spec;
    const char *type;
    uint64_t last_seq;
    int64_t at_us;
} folded;

struct ledger_model {
    bf_map *timers; /* bf_timer, what the clock holds */
    bf_map *ready;  /* what the dispatcher knows; any pointer */
    bf_map *leases; /* lease, what retry holds */
    bf_map *jobs;   /* folded, by place */
    bf_map *runs;   /* folded, by place */
    bf_map *topics; /* uint64_t, the last seq */
    uint64_t seq;   /* folded up to here */
};

static bf_map *
new_map (void)
{
    bf_map *map = bf_map_new (1);
    assert_non_null (map);
    return map;
}

ledger_model *
ledger_model_new (void)
{
    ledger_model *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->timers = new_map ();
    self->ready = new_map ();
    self->leases = new_map ();
    self->jobs = new_map ();
    self->runs = new_map ();
    self->topics = new_map ();
    return self;
}

void
ledger_model_destroy (ledger_model **model_p)
{
    ledger_model *self = *model_p;
    bf_map_destroy (&self->timers);
    bf_map_destroy (&self->ready);
    bf_map_destroy (&self->leases);
    bf_map_destroy (&self->jobs);
    bf_map_destroy (&self->runs);
    bf_map_destroy (&self->topics);
    free (self);
    *model_p = NULL;
}

void
ledger_model_forget (ledger *self)
{
    ledger_model *model = self->model;
    bf_map_destroy (&model->timers);
    bf_map_destroy (&model->ready);
    bf_map_destroy (&model->leases);
    model->timers = new_map ();
    model->ready = new_map ();
    model->leases = new_map ();
}

static void *
keep (ledger *self, const void *bytes, size_t size)
{
    void *copy = bf_arena_copy (self->arena, bytes, size);
    assert_non_null (copy);
    return copy;
}

static void
put (bf_map *map, const place *at, void *value)
{
    assert_int_equal (bf_map_put (map, at, sizeof *at, value), BF_OK);
}

static void *
get (const bf_map *map, const place *at)
{
    return bf_map_get (map, at, sizeof *at);
}

static void
expect_zero (ledger *self, const char *sql)
{
    int64_t wrong = ledger_number (self, sql);
    if (wrong != 0) {
        fail_msg ("%" PRId64 ": %s", wrong, sql);
    }
}

/* --- what the others hear ----------------------------------------------------------- */

static place
place_of_timer (bf_timer timer)
{
    return (place){timer.job, timer.ordinal, timer.source};
}

/* Everything that is armed by its row, due times raw: job, ordinal, source, due, queue. */
static const char timers_sql[] =
    "SELECT job.id, 0, clock, due_us - CASE clock WHEN 1 THEN boot_origin_us ELSE 0 END, "
    "queue "
    "FROM job, meta WHERE state = 2 AND paused = 0 UNION ALL "
    "SELECT job, ordinal, 2, timer_us - boot_origin_us, queue FROM run, meta "
    "WHERE timer_us IS NOT NULL";

static bf_timer
read_timer (sqlite3_stmt *stmt)
{
    return (bf_timer){
        .job = (uint64_t)sqlite3_column_int64 (stmt, 0),
        .ordinal = (uint32_t)sqlite3_column_int64 (stmt, 1),
        .source = (bf_timer_source)sqlite3_column_int (stmt, 2),
        .due_us = sqlite3_column_int64 (stmt, 3),
        .queue = (uint32_t)sqlite3_column_int64 (stmt, 4),
    };
}

static void
arm (ledger *self, bf_timer timer)
{
    place at = place_of_timer (timer);
    put (self->model->timers, &at, keep (self, &timer, sizeof timer));
}

/* The clock forgets and refills. */
static void
reset_clock (ledger *self)
{
    bf_map_destroy (&self->model->timers);
    self->model->timers = new_map ();
    sqlite3_stmt *stmt = ledger_query (self, timers_sql);
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        arm (self, read_timer (stmt));
    }
    ledger_query_end (self);
}

static void
hear_clock (ledger *self, const Belfry__Internal__ClockItem *item)
{
    place at;
    switch (item->item_case) {
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM:
        arm (self, bf_timer_from_wire (item->arm));
        break;
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_DISARM:
        at = place_of_timer (bf_timer_from_wire (item->disarm));
        bf_map_remove (self->model->timers, &at, sizeof at);
        break;
    case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET:
        reset_clock (self);
        break;
    default:
        break;
    }
}

static void
add_ready (ledger *self, uint64_t job, uint64_t ordinal, uint64_t queue)
{
    place at = {job, ordinal, queue};
    put (self->model->ready, &at, self);
}

/* With `more` the dispatcher asks for the rows; without, there must be none. */
static void
hear_queue (ledger *self, const Belfry__Internal__Queue *queue)
{
    sqlite3_stmt *stmt =
        ledger_query (self, "SELECT job, ordinal FROM run WHERE state = 2 AND queue = ?1");
    sqlite3_bind_int64 (stmt, 1, queue->id);
    while (queue->more && sqlite3_step (stmt) == SQLITE_ROW) {
        add_ready (self, (uint64_t)sqlite3_column_int64 (stmt, 0),
                   (uint64_t)sqlite3_column_int64 (stmt, 1), queue->id);
    }
    ledger_query_end (self);
}

static void
hear_dispatcher (ledger *self, const Belfry__Internal__DispatcherItem *item)
{
    if (item->item_case == BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_QUEUE) {
        hear_queue (self, item->queue);
    } else if (item->item_case == BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_READY) {
        add_ready (self, item->ready->job, item->ready->ordinal, item->ready->queue);
    }
}

static void
hear_retry (ledger *self, const Belfry__Internal__RetryItem *item)
{
    bf_map *leases = self->model->leases;
    if (item->item_case == BELFRY__INTERNAL__RETRY_ITEM__ITEM_OPENED) {
        const Belfry__Internal__LeaseOpened *opened = item->opened;
        place at = {opened->attempt->job, opened->attempt->ordinal, 0};
        lease held = {opened->attempt->attempt, opened->flagged};
        assert_int_equal (opened->from_boot_us, self->now.boot.us);
        assert_true (opened->lease_us > 0);
        put (leases, &at, keep (self, &held, sizeof held));
    } else if (item->item_case == BELFRY__INTERNAL__RETRY_ITEM__ITEM_CLOSED) {
        place at = {item->closed->job, item->closed->ordinal, 0};
        const lease *held = get (leases, &at);
        assert_non_null (held);
        assert_int_equal (held->attempt, item->closed->attempt);
        bf_map_remove (leases, &at, sizeof at);
    } else if (item->item_case == BELFRY__INTERNAL__RETRY_ITEM__ITEM_FLAGGED) {
        place at = {item->flagged->job, item->flagged->ordinal, 0};
        lease *held = get (leases, &at);
        assert_non_null (held);
        assert_int_equal (held->attempt, item->flagged->attempt);
        held->flagged = true;
    }
}

void
ledger_model_hear (ledger *self)
{
    const bf_outcome *outcome = bf_ledger_outcome (self->ledger);
    for (size_t i = 0; i < outcome->clock.count; i++) {
        hear_clock (self, outcome->clock.items[i]);
    }
    for (size_t i = 0; i < outcome->dispatcher.count; i++) {
        hear_dispatcher (self, outcome->dispatcher.items[i]);
    }
    for (size_t i = 0; i < outcome->retry.count; i++) {
        hear_retry (self, outcome->retry.items[i]);
    }
}

void
ledger_model_gave_timer (ledger *self, bf_timer timer)
{
    place at = place_of_timer (timer);
    bf_map_remove (self->model->timers, &at, sizeof at);
}

void
ledger_model_gave_ready (ledger *self, const Belfry__Internal__ReadyRun *ready)
{
    place at = {ready->job, ready->ordinal, ready->queue};
    bf_map_remove (self->model->ready, &at, sizeof at);
}

static void
check_clock (ledger *self)
{
    size_t count = 0;
    sqlite3_stmt *stmt = ledger_query (self, timers_sql);
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        bf_timer row = read_timer (stmt);
        place at = place_of_timer (row);
        const bf_timer *held = get (self->model->timers, &at);
        if (!held || held->due_us != row.due_us || held->queue != row.queue) {
            fail_msg ("timer %d %" PRIu64 ".%u at %" PRId64
                      " of queue %u: the clock has %s",
                      (int)row.source, row.job, row.ordinal, row.due_us, row.queue,
                      held ? "another" : "none");
        }
        count++;
    }
    ledger_query_end (self);
    assert_int_equal (bf_map_count (self->model->timers), count);
}

static void
check_dispatcher (ledger *self)
{
    sqlite3_stmt *stmt =
        ledger_query (self, "SELECT job, ordinal, queue FROM run WHERE state = 2");
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        place at = {(uint64_t)sqlite3_column_int64 (stmt, 0),
                    (uint64_t)sqlite3_column_int64 (stmt, 1),
                    (uint64_t)sqlite3_column_int64 (stmt, 2)};
        if (!get (self->model->ready, &at)) {
            fail_msg ("the dispatcher never heard of %" PRIu64 ".%" PRIu64, at.job,
                      at.ordinal);
        }
    }
    ledger_query_end (self);
}

static void
check_retry (ledger *self)
{
    size_t count = 0;
    sqlite3_stmt *stmt =
        ledger_query (self, "SELECT job, ordinal, attempt, job.state IN (6, 7) OR "
                            "job_version < version FROM run JOIN job ON id = job "
                            "WHERE run.state = 3");
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        place at = {(uint64_t)sqlite3_column_int64 (stmt, 0),
                    (uint64_t)sqlite3_column_int64 (stmt, 1), 0};
        const lease *held = get (self->model->leases, &at);
        if (!held || held->attempt != (uint32_t)sqlite3_column_int (stmt, 2) ||
            held->flagged != sqlite3_column_int (stmt, 3)) {
            fail_msg ("retry knows the lease of %" PRIu64 ".%" PRIu64 " wrong", at.job,
                      at.ordinal);
        }
        count++;
    }
    ledger_query_end (self);
    assert_int_equal (bf_map_count (self->model->leases), count);
}

/* --- the log ------------------------------------------------------------------------ */

static folded *
folded_at (ledger *self, bf_map *map, place at)
{
    folded *found = get (map, &at);
    if (!found) {
        folded fresh = {0};
        found = keep (self, &fresh, sizeof fresh);
        put (map, &at, found);
    }
    return found;
}

static void
fold_job (ledger *self, const Belfry__V1__Event *event)
{
    folded *job = folded_at (self, self->model->jobs, (place){event->job, 0, 0});
    assert_int_equal (event->prev_job_seq, job->last_seq);
    job->last_seq = event->seq;
    job->at_us = event->at_us;
    if (event->job_after) {
        assert_int_equal (event->job_after->last_seq, event->seq);
        assert_int_equal (event->job_after->updated_us, event->at_us);
        job->event = event;
        if (event->job_after->spec) {
            assert_int_equal (event->job_after->spec->payload.len, 0);
            job->spec = event->job_after->spec;
        }
    }
    /* The first event of a job has all of it. */
    assert_non_null (job->event);
    assert_non_null (job->spec);
    if (event->run[0] == '\0') {
        assert_null (event->run_after);
        assert_non_null (event->job_after);
        job->type = event->type;
    }
}

static void
fold_run (ledger *self, const Belfry__V1__Event *event)
{
    bf_token token;
    assert_int_equal (bf_run_id_parse (event->run, &token), BF_OK);
    assert_int_equal (token.job, event->job);
    assert_non_null (event->run_after);
    assert_string_equal (event->run_after->run, event->run);
    assert_int_equal (event->run_after->last_seq, event->seq);
    assert_int_equal (event->run_after->attempt, event->attempt);
    assert_int_equal (event->run_after->result.len, 0);
    assert_int_equal (event->run_after->lease_until_us, 0);
    assert_int_equal (event->run_after->late, event->run_after->lateness_us > BF_SECOND_US);
    folded *run = folded_at (self, self->model->runs, (place){token.job, token.ordinal, 0});
    run->event = event;
    run->type = event->type;
    run->last_seq = event->seq;
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
        uint64_t none = 0;
        last = keep (self, &none, sizeof none);
        assert_int_equal (bf_map_put (self->model->topics, topic, strlen (topic), last),
                          BF_OK);
    }
    assert_int_equal (event->prev_seq, *last);
    *last = event->seq;
}

/* Reads what is new in the log, to its end. */
static void
fold (ledger *self)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    sqlite3_stmt *stmt = ledger_query (self, "SELECT seq, body FROM event WHERE seq > ?1");
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)self->model->seq);
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        const Belfry__V1__Event *event =
            belfry__v1__event__unpack (&allocator, (size_t)sqlite3_column_bytes (stmt, 1),
                                       sqlite3_column_blob (stmt, 1));
        assert_non_null (event);
        assert_int_equal (event->stream_epoch, 0);
        assert_int_equal (event->payload.len, 0);
        assert_int_equal (event->seq, sqlite3_column_int64 (stmt, 0));
        assert_int_equal (event->seq, self->model->seq + 1);
        self->model->seq = event->seq;
        check_topic (self, event);
        if (event->job != 0) {
            fold_job (self, event);
        }
        if (event->run[0] != '\0') {
            fold_run (self, event);
        }
    }
    ledger_query_end (self);
    assert_int_equal (self->model->seq, ledger_number (self, "SELECT head_seq FROM meta"));
}

/* One column of a row against what the log says. */
static void
same (const char *row, const char *column, int64_t table, int64_t log)
{
    if (table != log) {
        fail_msg ("%s: %s is %" PRId64 ", the log says %" PRId64, row, column, table, log);
    }
}

static void
same_text (const char *row, const char *column, const unsigned char *table, const char *log)
{
    if (strcmp (table ? (const char *)table : "", log) != 0) {
        fail_msg ("%s: %s is '%s', the log says '%s'", row, column, table, log);
    }
}

static void
check_spec (ledger *self, const char *row, sqlite3_stmt *stmt, int column,
            const Belfry__V1__JobSpec *spec)
{
    Belfry__V1__JobSpec rest = *spec;
    rest.ns = "";
    rest.key = "";
    rest.type = "";
    size_t size = 0;
    const uint8_t *bytes = bf_pack (&rest.base, self->arena, &size);
    assert_non_null (bytes);
    same (row, "length (spec)", sqlite3_column_bytes (stmt, column), (int64_t)size);
    assert_memory_equal (sqlite3_column_blob (stmt, column), bytes, size);
}

static void
check_job (ledger *self, sqlite3_stmt *stmt)
{
    place at = {(uint64_t)sqlite3_column_int64 (stmt, 0), 0, 0};
    const folded *job = get (self->model->jobs, &at);
    const char *row = ledger_text (self, "job %" PRIu64, at.job);
    if (!job) {
        fail_msg ("%s has no event", row);
    }
    const Belfry__V1__Job *image = job->event->job_after;
    assert_int_equal (image->id, at.job);
    same_text (row, "ns", sqlite3_column_text (stmt, 1), job->event->ns);
    same_text (row, "type", sqlite3_column_text (stmt, 2), job->type);
    same_text (row, "key", sqlite3_column_text (stmt, 3), job->event->key);
    same (row, "state", sqlite3_column_int64 (stmt, 4), image->state);
    same (row, "reason", sqlite3_column_int64 (stmt, 5), image->reason);
    same (row, "paused", sqlite3_column_int64 (stmt, 6), image->paused);
    same (row, "due_us", sqlite3_column_int64 (stmt, 7), image->due_us);
    same (row, "version", sqlite3_column_int64 (stmt, 8), image->version);
    same (row, "runs", sqlite3_column_int64 (stmt, 9), image->runs);
    same (row, "open_runs", sqlite3_column_int64 (stmt, 10), image->open_runs);
    same (row, "created_us", sqlite3_column_int64 (stmt, 11), image->created_us);
    same (row, "updated_us", sqlite3_column_int64 (stmt, 12), job->at_us);
    same (row, "final_us", sqlite3_column_int64 (stmt, 13), image->final_us);
    same (row, "last_seq", sqlite3_column_int64 (stmt, 14), (int64_t)job->last_seq);
    same (row, "payload_hash", sqlite3_column_int64 (stmt, 15),
          (int64_t)image->payload_hash);
    same (row, "payload_bytes", sqlite3_column_bytes (stmt, 16), image->payload_bytes);
    same (row, "hash of the payload", sqlite3_column_int64 (stmt, 15),
          (int64_t)bf_hash (sqlite3_column_blob (stmt, 16),
                            (size_t)sqlite3_column_bytes (stmt, 16)));
    check_spec (self, row, stmt, 17, job->spec);
}

static void
check_run (ledger *self, sqlite3_stmt *stmt)
{
    place at = {(uint64_t)sqlite3_column_int64 (stmt, 0),
                (uint64_t)sqlite3_column_int64 (stmt, 1), 0};
    const folded *run = get (self->model->runs, &at);
    const char *row = ledger_text (self, "run %" PRIu64 ".%" PRIu64, at.job, at.ordinal);
    if (!run) {
        fail_msg ("%s has no event", row);
    }
    const Belfry__V1__Run *image = run->event->run_after;
    same_text (row, "type", sqlite3_column_text (stmt, 2), run->type);
    same (row, "state", sqlite3_column_int64 (stmt, 3), image->state);
    same (row, "origin", sqlite3_column_int64 (stmt, 4), image->origin);
    same (row, "job_version", sqlite3_column_int64 (stmt, 5), image->job_version);
    same (row, "clock", sqlite3_column_int64 (stmt, 6), run->event->clock);
    same (row, "due_us", sqlite3_column_int64 (stmt, 7), image->due_us);
    same (row, "lateness_us", sqlite3_column_int64 (stmt, 8), image->lateness_us);
    same (row, "attempt", sqlite3_column_int64 (stmt, 9), image->attempt);
    same (row, "failures", sqlite3_column_int64 (stmt, 10), image->failures);
    same (row, "redriven_by", sqlite3_column_int64 (stmt, 11), image->redriven_by);
    same (row, "timer_us", sqlite3_column_int64 (stmt, 12), image->timer_us);
    same_text (row, "worker", sqlite3_column_text (stmt, 13), image->worker);
    same (row, "created_us", sqlite3_column_int64 (stmt, 14), image->created_us);
    same (row, "claimed_us", sqlite3_column_int64 (stmt, 15), image->claimed_us);
    same (row, "final_us", sqlite3_column_int64 (stmt, 16), image->final_us);
    same_text (row, "reason", sqlite3_column_text (stmt, 17), image->reason);
    same (row, "last_seq", sqlite3_column_int64 (stmt, 18), (int64_t)run->last_seq);
    same (row, "result_bytes", sqlite3_column_bytes (stmt, 19), image->result_bytes);
    if (image->result_bytes > 0) {
        same (row, "result_hash",
              (int64_t)bf_hash (sqlite3_column_blob (stmt, 19), image->result_bytes),
              (int64_t)image->result_hash);
    }
}

static void
check_fold (ledger *self)
{
    size_t jobs = 0;
    size_t runs = 0;
    sqlite3_stmt *stmt = ledger_query (
        self, "SELECT job.id, n.text, t.text, key, state, reason, paused, due_us, version, "
              "runs, open_runs, created_us, updated_us, final_us, last_seq, payload_hash, "
              "payload, spec FROM job JOIN name AS n ON n.id = ns "
              "JOIN name AS t ON t.id = type");
    for (; sqlite3_step (stmt) == SQLITE_ROW; jobs++) {
        check_job (self, stmt);
    }
    ledger_query_end (self);
    stmt = ledger_query (
        self, "SELECT job, ordinal, text, state, origin, job_version, clock, due_us, "
              "lateness_us, attempt, failures, redriven_by, timer_us, worker, created_us, "
              "claimed_us, final_us, reason, last_seq, result FROM run "
              "JOIN name ON name.id = type");
    for (; sqlite3_step (stmt) == SQLITE_ROW; runs++) {
        check_run (self, stmt);
    }
    ledger_query_end (self);
    assert_int_equal (bf_map_count (self->model->jobs), jobs);
    assert_int_equal (bf_map_count (self->model->runs), runs);
}

/* What was published is what was stored, under the epoch; the last item is the head. */
static void
check_feed (ledger *self)
{
    const bf_list *feed = &bf_ledger_outcome (self->ledger)->feed;
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    size_t published = 0;
    for (size_t i = 0; i < feed->count; i++) {
        const Belfry__Internal__FeedItem *item = feed->items[i];
        if (item->item_case == BELFRY__INTERNAL__FEED_ITEM__ITEM_HEAD) {
            assert_int_equal (i, feed->count - 1);
            assert_int_equal (item->head->head_seq, self->model->seq);
            assert_int_equal (item->head->stream_epoch, LEDGER_EPOCH);
            continue;
        }
        const Belfry__Internal__Published *out = item->published;
        const Belfry__V1__Event *event =
            belfry__v1__event__unpack (&allocator, out->event.len, out->event.data);
        assert_non_null (event);
        assert_true (event->stream_epoch == LEDGER_EPOCH);
        assert_int_equal (event->payload.len, 0);
        char topic[BF_TOPIC_BYTES];
        bf_event_topic (bf_event_find (event->kind), event->type, topic);
        assert_string_equal (out->topic, topic);
        published++;
        assert_int_equal (event->seq, self->model->seq - (feed->count - 1) + published);
    }
}

void
ledger_check (ledger *self)
{
    expect_zero (self, "SELECT open_jobs - (SELECT count (*) FROM job WHERE state <= 3) "
                       "FROM meta");
    expect_zero (self, "SELECT ready_runs - (SELECT count (*) FROM run WHERE state = 2) "
                       "FROM meta");
    expect_zero (self, "SELECT leased_runs - (SELECT count (*) FROM run WHERE state = 3) "
                       "FROM meta");
    expect_zero (self, "SELECT answers - (SELECT count (*) FROM answer) FROM meta");
    expect_zero (self, "SELECT (answer_bytes < 0) + (answers = 0 AND answer_bytes <> 0) "
                       "FROM meta");
    expect_zero (self, "SELECT count (*) FROM job WHERE open_runs <> "
                       "(SELECT count (*) FROM run WHERE job = id AND run.state <= 4)");
    expect_zero (self, "SELECT count (*) FROM job WHERE runs <> "
                       "(SELECT coalesce (max (ordinal), 0) FROM run WHERE job = id)");
    expect_zero (self, "SELECT count (*) FROM job WHERE state = 3 AND open_runs = 0");
    expect_zero (self, "SELECT count (*) FROM (SELECT 1 FROM job WHERE key IS NOT NULL "
                       "AND state <= 3 GROUP BY ns, key HAVING count (*) > 1)");
    expect_zero (self, "SELECT count (*) FROM run WHERE (state = 4) > "
                       "(timer_us IS NOT NULL) OR (timer_us IS NOT NULL AND "
                       "state NOT IN (2, 4))");
    fold (self);
    check_fold (self);
    expect_zero (self, "SELECT count (*) FROM topic WHERE seq > "
                       "(SELECT head_seq FROM meta)");
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM topic"),
                      bf_map_count (self->model->topics));
    check_feed (self);
    if (!bf_ledger_is_scarce (self->ledger)) {
        check_clock (self);
        check_dispatcher (self);
    }
    check_retry (self);
}
