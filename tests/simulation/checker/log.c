/* SPDX-License-Identifier: MPL-2.0
 *
 * The log as it was published and as it is on the disk, which must be the same: contiguous,
 * nothing of it ever changed, nothing that anybody saw ever gone (promise 6).
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/whole.h"

/* How many of the events that were read before are compared after each start: what a crash
 * could have damaged is new. All of them at the end. */
#define COMPARED_EVENTS 256

#define TOPIC_BYTES 256

const char *const kind_names[KINDS] = {
    [KIND_NONE] = "",
    [KIND_JOB_SCHEDULED] = "job.scheduled",
    [KIND_JOB_REPLACED] = "job.replaced",
    [KIND_JOB_RESCHEDULED] = "job.rescheduled",
    [KIND_JOB_PAUSED] = "job.paused",
    [KIND_JOB_RESUMED] = "job.resumed",
    [KIND_JOB_TRIGGERED] = "job.triggered",
    [KIND_JOB_CANCELLED] = "job.cancelled",
    [KIND_JOB_CONFIRMED] = "job.confirmed",
    [KIND_JOB_COMPLETED] = "job.completed",
    [KIND_JOB_DEAD] = "job.dead",
    [KIND_RUN_FIRED] = "run.fired",
    [KIND_RUN_BLOCKED] = "run.blocked",
    [KIND_RUN_DELIVERED] = "run.delivered",
    [KIND_RUN_CLAIMED] = "run.claimed",
    [KIND_RUN_RETURNED] = "run.returned",
    [KIND_RUN_FAILED] = "run.failed",
    [KIND_RUN_SNOOZED] = "run.snoozed",
    [KIND_RUN_RETRYING] = "run.retrying",
    [KIND_RUN_SUCCEEDED] = "run.succeeded",
    [KIND_RUN_DEAD] = "run.dead",
    [KIND_RUN_CANCELLED] = "run.cancelled",
    [KIND_RUN_EXPIRED] = "run.expired",
    [KIND_RUN_REDRIVEN] = "run.redriven",
    [KIND_SLOT_MISSED] = "slot.missed",
    [KIND_SLOT_SKIPPED] = "slot.skipped",
    [KIND_RECOVERY_REPORT] = "recovery.report",
    [KIND_JOB_PRUNED] = "job.pruned",
    [KIND_LOG_PRUNED] = "log.pruned",
    [KIND_CLOCK_STEPPED] = "clock.stepped",
    [KIND_ZONE_CHANGED] = "zone.changed",
    [KIND_CALENDAR_CHANGED] = "calendar.changed",
    [KIND_SCHEDULER_STARTED] = "scheduler.started",
    [KIND_SCHEDULER_STOPPING] = "scheduler.stopping",
};

event_kind
kind_of (const char *name)
{
    for (int kind = KIND_NONE + 1; kind < KINDS; kind++) {
        if (strcmp (kind_names[kind], name) == 0) {
            return (event_kind)kind;
        }
    }
    return KIND_NONE;
}

/* --- what was published -------------------------------------------------------------- */

static void
check_topic (checker *self, const char *topic, const Belfry__V1__Event *event)
{
    char expected[TOPIC_BYTES];
    snprintf (expected, sizeof expected, event->type[0] ? "%s %s " : "%s %s", event->kind,
              event->type);
    if (strcmp (expected, topic) != 0) {
        world_broken (self->world, "6", event->job, "event %" PRIu64 " has the topic '%s'",
                      event->seq, topic);
    }
}

/* Each door has every event of this life, in order. */
static void
check_door (checker *self, feed_door *door, const Belfry__V1__Event *event)
{
    if (event->seq <= door->last_seq) {
        world_broken (self->world, "6", event->job,
                      "event %" PRIu64 " was published after %" PRIu64, event->seq,
                      door->last_seq);
    }
    if (door->life == self->life && event->seq != door->last_seq + 1) {
        world_broken (self->world, "6", event->job,
                      "event %" PRIu64 " was published right after %" PRIu64
                      " in the same life",
                      event->seq, door->last_seq);
    }
    door->life = self->life;
    door->last_seq = event->seq;
}

static void
check_payload (checker *self, bool feed, const Belfry__V1__Event *event)
{
    bool delivers = strcmp (event->kind, kind_names[KIND_RUN_DELIVERED]) == 0;
    if (!feed || !delivers) {
        if (event->payload.len > 0 || event->content_type[0] != '\0') {
            world_broken (self->world, "6", event->job,
                          "event %" PRIu64 " (%s) shows a payload on the %s", event->seq,
                          event->kind, feed ? "feed" : "monitor");
        }
        return;
    }
    uint64_t hash = checker_hash (CHECKER_HASH, event->payload.data, event->payload.len);
    const Belfry__V1__Job *job = event->job_after;
    if (!job || event->payload.len != job->payload_bytes || hash != job->payload_hash) {
        world_broken (self->world, "6", event->job,
                      "event %" PRIu64 " delivers another payload than the job's",
                      event->seq);
    }
}

/* As the table should have it. */
static const uint8_t *
pack_body (checker *self, Belfry__V1__Event *event, size_t *size)
{
    event->stream_epoch = 0;
    event->payload = (ProtobufCBinaryData){0, NULL};
    event->content_type = "";
    uint8_t *body = checker_keep (self, belfry__v1__event__get_packed_size (event));
    *size = belfry__v1__event__pack (event, body);
    return body;
}

void
log_published (checker *self, bool feed, const char *topic, const uint8_t *bytes,
               size_t size)
{
    Belfry__V1__Event *event = belfry__v1__event__unpack (&self->allocator, size, bytes);
    if (!event || event->seq == 0) {
        world_broken (self->world, "6", 0, "an event that cannot be read was published");
    }
    if (self->epoch == 0) {
        self->epoch = event->stream_epoch;
    }
    if (event->stream_epoch == 0 || event->stream_epoch != self->epoch) {
        world_broken (self->world, "6", event->job,
                      "event %" PRIu64 " has another stream_epoch", event->seq);
    }
    check_topic (self, topic, event);
    check_door (self, feed ? &self->feed : &self->monitor, event);
    check_payload (self, feed, event);
    uint64_t index = event->seq - 1;
    CHECKER_ROOM (self->published, self->published_room, index);
    publication *there = &self->published[index];
    size_t body_size;
    const uint8_t *body = pack_body (self, event, &body_size);
    if (!there->event) {
        *there = (publication){event,      body,  body_size, world_now (self->world),
                               self->life, false, false};
    } else if (there->size != body_size || memcmp (there->body, body, body_size) != 0) {
        world_broken (self->world, "6", event->job,
                      "event %" PRIu64 " was published twice, and differs", event->seq);
    }
    *(feed ? &there->on_feed : &there->on_monitor) = true;
    if (event->seq > self->published_head) {
        self->published_head = event->seq;
    }
    if (event->seq <= self->head && (self->sizes[index] != body_size ||
                                     memcmp (self->bodies[index], body, body_size) != 0)) {
        world_broken (self->world, "6", event->job,
                      "event %" PRIu64 " is published, and is not as the log has it",
                      event->seq);
    }
}

/* --- what is on the disk ------------------------------------------------------------- */

static void
make_room (checker *self, uint64_t index)
{
    size_t room = self->room;
    CHECKER_ROOM (self->events, room, index);
    room = self->room;
    CHECKER_ROOM (self->bodies, room, index);
    room = self->room;
    CHECKER_ROOM (self->sizes, room, index);
    room = self->room;
    CHECKER_ROOM (self->owners, room, index);
    self->room = room;
}

static void
check_prev_seq (checker *self, const Belfry__V1__Event *event)
{
    char topic[TOPIC_BYTES];
    int size = snprintf (topic, sizeof topic, "%s %s", event->kind, event->type);
    uint64_t *last = table_get (self->topics, topic, (size_t)size);
    if (!last) {
        last = checker_keep (self, sizeof *last);
        table_put (self->topics, topic, (size_t)size, last);
    }
    if (event->prev_seq != *last) {
        world_broken (self->world, "6", event->job,
                      "event %" PRIu64 " of topic '%s' says that %" PRIu64
                      " is before it, but it is %" PRIu64,
                      event->seq, topic, event->prev_seq, *last);
    }
    *last = event->seq;
}

/* The next one: from the table, or, where it was pruned before anybody looked, as it was
 * published. */
static void
append (checker *self, const uint8_t *body, size_t size)
{
    uint64_t seq = self->head + 1;
    make_room (self, self->head);
    model_event *event = checker_keep (self, sizeof *event);
    publication *out =
        seq <= self->published_room ? &self->published[seq - 1] : &(publication){0};
    *event = (model_event){
        .seq = seq, .published = out->event != NULL, .seen = out->seen, .life = out->life};
    if (!out->event) {
        event->seen = world_now (self->world);
        event->life = self->life;
        body = checker_keep_bytes (self, body, size);
        event->event = belfry__v1__event__unpack (&self->allocator, size, body);
    } else if (size != out->size || memcmp (body, out->body, size) != 0) {
        world_broken (self->world, "6", out->event->job,
                      "event %" PRIu64 " was published, and is not as the log has it", seq);
    } else {
        event->event = out->event;
        body = out->body;
    }
    const Belfry__V1__Event *wire = event->event;
    if (!wire || wire->seq != seq || wire->stream_epoch != 0 || wire->payload.len != 0) {
        world_broken (self->world, "6", 0, "row %" PRIu64 " of the log is no such event",
                      seq);
    }
    self->events[seq - 1] = event;
    self->bodies[seq - 1] = body;
    self->sizes[seq - 1] = size;
    self->head = seq;
    check_prev_seq (self, wire);
    event_make_whole (event->event, &self->allocator);
    model_fold (self, event);
    calls_judge (self, seq);
}

static void
append_published (checker *self, uint64_t up_to)
{
    while (self->head < up_to) {
        uint64_t seq = self->head + 1;
        const publication *out =
            seq <= self->published_room ? &self->published[seq - 1] : NULL;
        if (!out || !out->event) {
            world_broken (self->world, "6", 0,
                          "event %" PRIu64 " is not in the log, nor was it ever published",
                          seq);
        }
        append (self, out->body, out->size);
    }
}

void
log_read (checker *self, sqlite3 *db)
{
    calls_sort (self);
    calls_judge (self, self->head);
    uint64_t head =
        (uint64_t)tables_number (self, db, "SELECT head_seq FROM meta WHERE id = 1");
    if (self->head > head || self->published_head > head) {
        world_broken (self->world, "6", 0,
                      "the log ends at %" PRIu64 ", but %" PRIu64 " was published", head,
                      self->published_head > self->head ? self->published_head
                                                        : self->head);
    }
    sqlite3_stmt *stmt = tables_prepare (
        self, db, "SELECT seq, body FROM event WHERE seq > ?1 ORDER BY seq");
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)self->head);
    int rc;
    while ((rc = sqlite3_step (stmt)) == SQLITE_ROW) {
        append_published (self, (uint64_t)sqlite3_column_int64 (stmt, 0) - 1);
        append (self, sqlite3_column_blob (stmt, 1),
                (size_t)sqlite3_column_bytes (stmt, 1));
    }
    sqlite3_finalize (stmt);
    append_published (self, head);
    if (rc != SQLITE_DONE || self->head != head) {
        world_broken (self->world, "6", 0,
                      "the log ends at %" PRIu64 ", its counter says %" PRIu64, self->head,
                      head);
    }
    calls_check_head (self);
    uint64_t oldest = (uint64_t)tables_number (
        self, db,
        "SELECT coalesce ((SELECT min (seq) FROM event), head_seq + 1) FROM meta");
    if (oldest != self->oldest) {
        world_broken (self->world, "6", 0,
                      "the log begins at %" PRIu64 ", by log.pruned it should at %" PRIu64,
                      oldest, self->oldest);
    }
}

void
log_compare (checker *self, sqlite3 *db, bool all)
{
    uint64_t from = self->oldest;
    if (!all && self->head > COMPARED_EVENTS && self->head - COMPARED_EVENTS > from) {
        from = self->head - COMPARED_EVENTS;
    }
    sqlite3_stmt *stmt = tables_prepare (
        self, db, "SELECT seq, body FROM event WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq");
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)from);
    sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)self->head);
    int rc;
    while ((rc = sqlite3_step (stmt)) == SQLITE_ROW) {
        uint64_t seq = (uint64_t)sqlite3_column_int64 (stmt, 0);
        size_t size = (size_t)sqlite3_column_bytes (stmt, 1);
        if (seq != from || size != self->sizes[seq - 1] ||
            memcmp (sqlite3_column_blob (stmt, 1), self->bodies[seq - 1], size) != 0) {
            world_broken (self->world, "6", 0,
                          "event %" PRIu64 " is gone, or is not what it was", from);
        }
        from++;
    }
    sqlite3_finalize (stmt);
    if (from <= self->head) {
        world_broken (self->world, "6", 0, "event %" PRIu64 " is gone (%s)", from,
                      sqlite3_errstr (rc));
    }
}

void
log_forget (checker *self)
{
    free (self->events);
    free (self->bodies);
    free (self->sizes);
    free (self->owners);
    free (self->published);
    table_destroy (&self->topics, NULL);
}
