/* SPDX-License-Identifier: MPL-2.0
 *
 * Every event, from the newest back. That way each thing is known before it is needed: an
 * event says which one came before it on its topic, and job.pruned comes before the events
 * of what it took. Together with rows.c, which holds each row against its newest image,
 * this is the fold: nothing is in the tables that the log does not say, and nothing in the
 * log that the tables lack.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "core/token.h"
#include "persist/check/private.h"

typedef struct {
    uint32_t kind;
    uint32_t type;
} topic_key;

typedef struct {
    topic_key key;
    uint64_t seq; /* what must be the next event of the topic on the way back */
    uint64_t by;  /* who says so: an event; 0 for the table */
} topic;

typedef struct {
    bf_checker *checker;
    bf_map *topics;
    uint64_t expected;    /* seq of the next event on the way back */
    uint64_t taken_up_to; /* by the newest log.pruned; 0: none was met */
    char row[BF_CHECK_ROW_BYTES];
} fold;

static topic *
topic_add (fold *self, topic_key key, uint64_t seq, uint64_t by)
{
    topic *added = calloc (1, sizeof *added);
    if (added) {
        *added = (topic){key, seq, by};
        if (bf_map_put (self->topics, &key, sizeof key, added) == BF_OK) {
            return added;
        }
    }
    free (added);
    bf_check_fail_memory (self->checker);
    return NULL;
}

static void
topics_load (fold *self)
{
    bf_checker *checker = self->checker;
    sqlite3_stmt *stmt = bf_check_prepare (checker, "SELECT kind, type, seq FROM topic");
    while (bf_check_step (checker, stmt, "table topic")) {
        topic_key key = {(uint32_t)sqlite3_column_int64 (stmt, 0),
                         (uint32_t)sqlite3_column_int64 (stmt, 1)};
        if (!bf_event_name ((bf_event_kind)key.kind) || key.type > checker->names.count) {
            bf_check_found (checker, BF_CHECK_TOPIC, "table topic",
                            "there is no topic of kind %u and type %u", key.kind, key.type);
        }
        topic_add (self, key, (uint64_t)sqlite3_column_int64 (stmt, 2), 0);
    }
    sqlite3_finalize (stmt);
}

/* What a topic waits for at the end must lie before the log. */
static void
topics_end (fold *self)
{
    bf_checker *checker = self->checker;
    size_t cursor = 0;
    topic *each;
    while ((each = bf_map_each (self->topics, &cursor)) != NULL) {
        if (each->seq >= checker->summary->oldest_seq) {
            const char *kind = bf_event_name ((bf_event_kind)each->key.kind);
            bf_check_found (checker, BF_CHECK_TOPIC, "table topic",
                            "%s %s: %s %llu names event %llu as its newest before, which "
                            "is not on this topic",
                            kind ? kind : "?", bf_check_name (checker, each->key.type),
                            each->by ? "event" : "row", (unsigned long long)each->by,
                            (unsigned long long)each->seq);
        }
        free (each);
    }
}

static void
check_topic (fold *self, bf_event_kind kind, const Belfry__V1__Event *event)
{
    bf_checker *checker = self->checker;
    const uint32_t *type =
        event->type[0] == '\0'
            ? NULL
            : bf_map_get (checker->name_ids, event->type, strlen (event->type));
    if (event->type[0] != '\0' && !type) {
        bf_check_found (checker, BF_CHECK_EVENT, self->row,
                        "type \"%s\" is not among the names", event->type);
        return;
    }
    topic_key key = {(uint32_t)kind, type ? *type : 0};
    topic *known = bf_map_get (self->topics, &key, sizeof key);
    if (!known) {
        bf_check_found (checker, BF_CHECK_TOPIC, self->row,
                        "its topic %s %s is not in table topic", event->kind, event->type);
        topic_add (self, key, event->prev_seq, event->seq);
        return;
    }
    if (known->seq != event->seq) {
        bf_check_found (checker, BF_CHECK_TOPIC, self->row,
                        "it is the newest of %s %s before %s %llu, which says that event "
                        "%llu is",
                        event->kind, event->type, known->by ? "event" : "the table's row",
                        (unsigned long long)known->by, (unsigned long long)known->seq);
    }
    if (event->prev_seq >= event->seq) {
        bf_check_found (checker, BF_CHECK_TOPIC, self->row,
                        "prev_seq is %llu, which is not before it",
                        (unsigned long long)event->prev_seq);
    }
    known->seq = event->prev_seq;
    known->by = event->seq;
}

/* Steps a query for one last_seq. False: there is no such row. */
static bool
last_seq_of (fold *self, sqlite3_stmt *stmt, const char *table, uint64_t *seq)
{
    bool found = bf_check_step (self->checker, stmt, table);
    if (found) {
        *seq = (uint64_t)sqlite3_column_int64 (stmt, 0);
        sqlite3_reset (stmt);
    }
    return found;
}

static bool
run_last_seq (fold *self, bf_token run, uint64_t *seq)
{
    sqlite3_stmt *stmt = bf_check_statement (self->checker, CHECK_RUN_AT);
    if (!stmt) {
        return false;
    }
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)run.job);
    sqlite3_bind_int64 (stmt, 2, run.ordinal);
    return last_seq_of (self, stmt, "table run", seq);
}

static void
check_run (fold *self, const Belfry__V1__Event *event)
{
    bf_checker *checker = self->checker;
    bf_token run;
    uint64_t last_seq = 0;
    if (bf_run_id_parse (event->run, &run) != BF_OK || run.job != event->job ||
        !event->run_after) {
        bf_check_found (checker, BF_CHECK_EVENT, self->row,
                        "run \"%s\" is not one of job %llu, or has no image", event->run,
                        (unsigned long long)event->job);
        return;
    }
    bool there = run_last_seq (self, run, &last_seq);
    if (there && last_seq < event->seq) {
        bf_check_found (checker, BF_CHECK_IMAGE, self->row,
                        "is newer than run %s's row, whose last_seq is %llu", event->run,
                        (unsigned long long)last_seq);
    } else if (!there && run.ordinal > bf_pruned_up_to (checker->pruned, run.job)) {
        bf_check_found (checker, BF_CHECK_MISSING, self->row,
                        "run %s has no row, and no job.pruned tells of it", event->run);
    }
}

static void
check_stretch (fold *self, const Belfry__V1__Event *event)
{
    bf_checker *checker = self->checker;
    const Belfry__V1__Stretch *image = event->stretch_after;
    sqlite3_stmt *stmt = bf_check_statement (checker, CHECK_STRETCH_AT);
    if (!stmt) {
        return;
    }
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)event->job);
    sqlite3_bind_int64 (stmt, 2, image->after_ordinal);
    sqlite3_bind_int (stmt, 3, image->skipped);
    uint64_t last_seq = 0;
    bool there = last_seq_of (self, stmt, "table stretch", &last_seq);
    if (image->job != event->job) {
        bf_check_found (checker, BF_CHECK_EVENT, self->row, "its stretch is of job %llu",
                        (unsigned long long)image->job);
    } else if (there && last_seq < event->seq) {
        bf_check_found (checker, BF_CHECK_IMAGE, self->row,
                        "is newer than the row of its stretch, whose last_seq is %llu",
                        (unsigned long long)last_seq);
    } else if (!there &&
               image->after_ordinal >= bf_pruned_up_to (checker->pruned, event->job)) {
        bf_check_found (checker, BF_CHECK_MISSING, self->row,
                        "the stretch after run %llu.%u has no row",
                        (unsigned long long)event->job, image->after_ordinal);
    }
}

static bool
job_exists (bf_checker *checker, uint64_t id)
{
    sqlite3_stmt *stmt = bf_check_statement (checker, CHECK_JOB_EXISTS);
    if (!stmt) {
        return true;
    }
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)id);
    bool found = bf_check_step (checker, stmt, "table job");
    sqlite3_reset (stmt);
    return found;
}

static void
check_job (fold *self, const Belfry__V1__Event *event)
{
    bf_checker *checker = self->checker;
    if (event->job_after && event->job_after->id != event->job) {
        bf_check_found (checker, BF_CHECK_EVENT, self->row, "its image is of job %llu",
                        (unsigned long long)event->job_after->id);
    }
    if (bf_pruned_up_to (checker->pruned, event->job) == UINT32_MAX) {
        if (job_exists (checker, event->job)) {
            bf_check_found (checker, BF_CHECK_ORPHAN, self->row,
                            "a job.pruned took job %llu, but it is there",
                            (unsigned long long)event->job);
        }
        return;
    }
    if (!bf_check_is_chained (checker, event->seq)) {
        bool there = job_exists (checker, event->job);
        bf_check_found (checker, there ? BF_CHECK_CHAIN : BF_CHECK_MISSING, self->row,
                        there ? "the chain of job %llu passes it by"
                              : "job %llu has no row, and no job.pruned tells of it",
                        (unsigned long long)event->job);
        return;
    }
    if (event->run[0] != '\0') {
        check_run (self, event);
    }
    if (event->stretch_after) {
        check_stretch (self, event);
    }
}

static void
note_pruned (fold *self, bf_event_kind kind, const Belfry__V1__Pruned *pruned)
{
    for (size_t i = 0; i < pruned->n_rows; i++) {
        uint32_t up_to = pruned->rows[i]->up_to_ordinal;
        if (bf_pruned_add (self->checker->pruned, pruned->rows[i]->job,
                           up_to ? up_to : UINT32_MAX) != BF_OK) {
            bf_check_fail_memory (self->checker);
        }
    }
    if (kind == BF_EVENT_LOG_PRUNED && self->taken_up_to == 0) {
        self->taken_up_to = pruned->last_seq;
    }
}

static void
check_event (fold *self, uint64_t seq, const Belfry__V1__Event *event)
{
    bf_checker *checker = self->checker;
    bf_event_kind kind = bf_event_find (event->kind);
    bf_check_same (checker, BF_CHECK_EVENT, self->row, "seq", (int64_t)event->seq,
                   "its place in the log is", (int64_t)seq);
    if (event->seq != seq) {
        return;
    }
    if (kind == 0) {
        bf_check_found (checker, BF_CHECK_EVENT, self->row, "there is no kind \"%s\"",
                        event->kind);
        return;
    }
    if (event->stream_epoch != 0 || event->payload.len != 0) {
        bf_check_found (checker, BF_CHECK_EVENT, self->row,
                        "it holds a stream_epoch or a payload, which belong elsewhere");
    }
    if (event->pruned) {
        note_pruned (self, kind, event->pruned);
    }
    check_topic (self, kind, event);
    if (event->job != 0) {
        check_job (self, event);
    }
}

static void
check_place (fold *self, uint64_t seq)
{
    if (seq != self->expected) {
        bf_check_found (self->checker, BF_CHECK_LOG, "table event",
                        "events %llu..%llu are missing", (unsigned long long)seq + 1,
                        (unsigned long long)self->expected);
    }
    self->expected = seq - 1;
}

static void
walk (fold *self)
{
    bf_checker *checker = self->checker;
    sqlite3_stmt *stmt =
        bf_check_prepare (checker, "SELECT seq, body FROM event ORDER BY seq DESC");
    while (bf_check_step (checker, stmt, "table event")) {
        uint64_t seq = (uint64_t)sqlite3_column_int64 (stmt, 0);
        checker->summary->events++;
        bf_check_count (checker, 1);
        if (!bf_check_is_kept (checker, seq)) {
            continue; /* beyond head_seq, which is told already */
        }
        snprintf (self->row, sizeof self->row, "event %llu", (unsigned long long)seq);
        check_place (self, seq);
        bf_arena_reset (checker->scratch);
        const Belfry__V1__Event *event = (const Belfry__V1__Event *)bf_check_unpack (
            &belfry__v1__event__descriptor, checker->scratch, stmt, 1);
        if (event) {
            check_event (self, seq, event);
        } else {
            bf_check_found (checker, BF_CHECK_EVENT, self->row, "it cannot be read");
        }
    }
    sqlite3_finalize (stmt);
}

/* Where the log begins later than it once did, an event says so. */
static void
check_beginning (fold *self)
{
    uint64_t oldest = self->checker->summary->oldest_seq;
    if (oldest > 1 && self->checker->summary->events > 0 &&
        self->taken_up_to != oldest - 1) {
        bf_check_found (self->checker, BF_CHECK_LOG, "table event",
                        "it begins with event %llu, but the newest log.pruned took those "
                        "up to %llu",
                        (unsigned long long)oldest, (unsigned long long)self->taken_up_to);
    }
}

void
bf_check_log (bf_checker *self)
{
    fold walker = {.checker = self, .expected = self->newest_seq};
    if (self->failure != BF_OK) {
        return;
    }
    walker.topics = bf_map_new (1);
    if (!walker.topics) {
        bf_check_fail_memory (self);
        return;
    }
    topics_load (&walker);
    walk (&walker);
    if (self->failure == BF_OK) {
        check_beginning (&walker);
    }
    topics_end (&walker);
    bf_map_destroy (&walker.topics);
}
