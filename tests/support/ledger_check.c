/* SPDX-License-Identifier: MPL-2.0
 *
 * What must hold behind every commit: the rows among each other, the log and its fold
 * (ledger_fold.c), and what the other actors have heard (ledger_heard.c).
 */
#include "tests/support/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "messages/codec.h"
#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger_model.h"

bf_map *
model_map (void)
{
    bf_map *map = bf_map_new (1);
    assert_non_null (map);
    return map;
}

void
model_map_destroy (bf_map **map_p)
{
    size_t cursor = 0;
    void *value;
    while (*map_p && (value = bf_map_each (*map_p, &cursor)) != NULL) {
        free (value);
    }
    bf_map_destroy (map_p);
}

void *
model_get (const bf_map *map, place at)
{
    return bf_map_get (map, &at, sizeof at);
}

void *
model_at (bf_map *map, place at, size_t size)
{
    void *value = model_get (map, at);
    if (!value) {
        value = calloc (1, size);
        assert_non_null (value);
        assert_int_equal (bf_map_put (map, &at, sizeof at, value), BF_OK);
    }
    return value;
}

void
model_remove (bf_map *map, place at)
{
    free (bf_map_remove (map, &at, sizeof at));
}

ledger_model *
ledger_model_new (void)
{
    ledger_model *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->timers = model_map ();
    self->ready = model_map ();
    self->leases = model_map ();
    self->jobs = model_map ();
    self->runs = model_map ();
    self->stretches = model_map ();
    self->topics = model_map ();
    self->calendars = model_map ();
    self->oldest = 1;
    return self;
}

void
ledger_model_destroy (ledger_model **model_p)
{
    ledger_model *self = *model_p;
    model_map_destroy (&self->timers);
    model_map_destroy (&self->ready);
    model_map_destroy (&self->leases);
    model_forget_fold (self);
    free (self);
    *model_p = NULL;
}

void
ledger_model_forget (ledger *self)
{
    ledger_model *model = self->model;
    model_map_destroy (&model->timers);
    model_map_destroy (&model->ready);
    model_map_destroy (&model->leases);
    model->timers = model_map ();
    model->ready = model_map ();
    model->leases = model_map ();
}

void
ledger_model_read (ledger *self)
{
    model_fold (self);
}

static void
expect_zero (ledger *self, const char *sql)
{
    int64_t wrong = ledger_number (self, sql);
    if (wrong != 0) {
        fail_msg ("%" PRId64 ": %s", wrong, sql);
    }
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
            assert_int_equal (item->head->oldest_seq, self->model->oldest);
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

/* The counters of the store. */
static void
check_gauges (ledger *self)
{
    expect_zero (self, "SELECT open_jobs - (SELECT count (*) FROM job WHERE state <= 3) "
                       "FROM meta");
    expect_zero (self, "SELECT final_jobs - (SELECT count (*) FROM job WHERE state > 3) "
                       "FROM meta");
    expect_zero (self, "SELECT ready_runs - (SELECT count (*) FROM run WHERE state = 2) "
                       "FROM meta");
    expect_zero (self, "SELECT leased_runs - (SELECT count (*) FROM run WHERE state = 3) "
                       "FROM meta");
    expect_zero (self, "SELECT answers - (SELECT count (*) FROM answer) FROM meta");
    expect_zero (self, "SELECT (answer_bytes < 0) + (answers = 0 AND answer_bytes <> 0) "
                       "FROM meta");
}

/* The counters of each job, and what its runs must be for them. */
static void
check_counts (ledger *self)
{
    expect_zero (self, "SELECT count (*) FROM job WHERE open_runs <> "
                       "(SELECT count (*) FROM run WHERE job = id AND run.state <= 4)");
    expect_zero (self, "SELECT count (*) FROM job WHERE (slots_open, blocked) <> (SELECT "
                       "count (*) FILTER (WHERE decides), "
                       "count (*) FILTER (WHERE decides AND run.state = 1) "
                       "FROM run WHERE job = id AND run.state <= 4)");
    /* Who is blocked waits for somebody, and for nothing but a slot. */
    expect_zero (self, "SELECT count (*) FROM job WHERE blocked > 0 AND "
                       "blocked = slots_open");
    expect_zero (self, "SELECT count (*) FROM run WHERE state = 1 AND NOT decides");
    expect_zero (self, "SELECT count (*) FROM job WHERE state = 3 AND open_runs = 0");
    expect_zero (self, "SELECT count (*) FROM job WHERE runs < "
                       "(SELECT coalesce (max (ordinal), 0) FROM run WHERE job = id)");
    expect_zero (self, "SELECT count (*) FROM job WHERE open_runs > 1000");
}

/* What nobody has taken away yet adds up. */
static void
check_history (ledger *self)
{
    expect_zero (self, "SELECT count (*) FROM job WHERE runs <> "
                       "(SELECT coalesce (max (ordinal), 0) FROM run WHERE job = id)");
    expect_zero (self,
                 "SELECT count (*) FROM job WHERE fired <> (SELECT count (*) FROM run "
                 "WHERE job = id AND origin = 1 AND job_version = version)");
    expect_zero (self, "SELECT count (*) FROM job WHERE missed <> (SELECT coalesce (sum "
                       "(count), 0) FROM stretch WHERE job = id AND stretch.skipped = 0)");
    expect_zero (self,
                 "SELECT count (*) FROM job WHERE "
                 "skipped + overlap_skipped + buffer_dropped <> (SELECT coalesce (sum "
                 "(count), 0) FROM stretch WHERE job = id AND stretch.skipped = 1)");
    /* A slot makes one run, as long as the job stays as it is and its clock goes on. */
    if (!self->stepped_back) {
        expect_zero (self, "SELECT count (*) FROM (SELECT 1 FROM run WHERE origin <= 2 "
                           "GROUP BY job, job_version, origin, due_us "
                           "HAVING count (*) > 1)");
        expect_zero (self,
                     "SELECT count (*) FROM run WHERE origin = 2 AND lateness_us < 0");
    }
}

static void
check_rows (ledger *self)
{
    expect_zero (self, "SELECT count (*) FROM (SELECT 1 FROM job WHERE key IS NOT NULL "
                       "AND state <= 3 GROUP BY ns, key HAVING count (*) > 1)");
    expect_zero (self, "SELECT count (*) FROM run WHERE (state = 4) > "
                       "(timer_us IS NOT NULL) OR (timer_us IS NOT NULL AND "
                       "state NOT IN (1, 2, 4))");
    expect_zero (self, "SELECT count (*) FROM job WHERE wake_us < due_us");
    /* A reminder that nobody has is one of the slot that its job waits for. */
    expect_zero (self, "SELECT count (*) FROM run JOIN job ON id = job WHERE origin = 2 "
                       "AND run.state IN (1, 2, 4) AND (job.state <> 2 OR "
                       "job.due_us <> run.due_us + remind_before_us)");
    expect_zero (self, "SELECT count (*) FROM topic WHERE seq > "
                       "(SELECT head_seq FROM meta)");
}

/* The table of tags has those of the open jobs, and no others. */
static void
check_tags (ledger *self)
{
    char tag[BF_TAG_BYTES + 32];
    bf_map *wanted = bf_map_new (1);
    assert_non_null (wanted);
    sqlite3_stmt *stmt = ledger_query (self, "SELECT id, spec FROM job WHERE state <= 3");
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        Belfry__V1__JobSpec *spec = belfry__v1__job_spec__unpack (
            NULL, (size_t)sqlite3_column_bytes (stmt, 1), sqlite3_column_blob (stmt, 1));
        assert_non_null (spec);
        for (size_t i = 0; i < spec->n_tags; i++) {
            int size = snprintf (tag, sizeof tag, "%" PRId64 " %s",
                                 (int64_t)sqlite3_column_int64 (stmt, 0), spec->tags[i]);
            assert_int_equal (bf_map_put (wanted, tag, (size_t)size, self), BF_OK);
        }
        belfry__v1__job_spec__free_unpacked (spec, NULL);
    }
    ledger_query_end (self);
    stmt = ledger_query (self, "SELECT job, tag FROM tag");
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        int size = snprintf (tag, sizeof tag, "%" PRId64 " %s",
                             (int64_t)sqlite3_column_int64 (stmt, 0),
                             (const char *)sqlite3_column_text (stmt, 1));
        if (!bf_map_remove (wanted, tag, (size_t)size)) {
            fail_msg ("the tag %s has no open job", tag);
        }
    }
    ledger_query_end (self);
    assert_int_equal (bf_map_count (wanted), 0);
    bf_map_destroy (&wanted);
}

void
ledger_check (ledger *self)
{
    check_gauges (self);
    check_counts (self);
    check_rows (self);
    check_tags (self);
    model_fold (self);
    if (!self->model->pruned) {
        check_history (self);
    }
    model_check_fold (self);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM topic"),
                      bf_map_count (self->model->topics));
    check_feed (self);
    model_check_heard (self);
}
