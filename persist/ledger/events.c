/* SPDX-License-Identifier: MPL-2.0
 *
 * Body of an event in the table: a packed Event without stream_epoch. What is published is
 * the epoch's field followed by the body, and for the feed the payload's fields behind
 * that: protobuf reads fields in any order, so nothing is packed twice and a restored
 * history goes out under its new epoch.
 */
#include "persist/ledger/events.h"

#include <stdlib.h>
#include <string.h>

#include "messages/codec.h"
#include "persist/ledger/names.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/render.h"
#include "persist/ledger/sql.h"
#include "persist/ledger/stats.h"

typedef struct {
    uint32_t kind;
    uint32_t type;
} topic_key_t;

static bf_err
topic_remember (bf_ledger *self, topic_key_t key, uint64_t seq, bf_topic **made,
                bf_error *error)
{
    bf_topic *topic = calloc (1, sizeof *topic);
    if (topic) {
        *topic = (bf_topic){key.kind, key.type, seq, seq};
        if (bf_map_put (self->topics, &key, sizeof key, topic) == BF_OK) {
            if (bf_list_push (&self->topics_made, topic) == BF_OK) {
                *made = topic;
                return BF_OK;
            }
            bf_map_remove (self->topics, &key, sizeof key);
        }
    }
    free (topic);
    return bf_fail_plain (error, BF_ENOMEM);
}

bf_err
bf_topics_load (bf_ledger *self, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_TOPICS);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        topic_key_t key = {(uint32_t)sqlite3_column_int64 (stmt, 0),
                           (uint32_t)sqlite3_column_int64 (stmt, 1)};
        bf_topic *topic;
        rc = topic_remember (self, key, (uint64_t)sqlite3_column_int64 (stmt, 2), &topic,
                             error);
        if (rc == BF_OK) {
            rc = bf_step_row (self->statements, stmt, &row, error);
        }
    }
    bf_statement_reset (stmt);
    return rc;
}

bf_err
bf_topics_save (bf_ledger *self, bf_error *error)
{
    for (size_t i = 0; i < self->topics_touched.count; i++) {
        bf_topic *topic = ((bf_topic_undo *)self->topics_touched.items[i])->topic;
        if (topic->saved_seq == topic->seq) {
            continue;
        }
        sqlite3_stmt *stmt = bf_statement (self->statements, SQL_TOPIC_UPSERT);
        sqlite3_bind_int64 (stmt, 1, topic->kind);
        sqlite3_bind_int64 (stmt, 2, topic->type);
        sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)topic->seq);
        bf_err rc = bf_step_done (self->statements, stmt, error);
        if (rc != BF_OK) {
            return rc;
        }
        topic->saved_seq = topic->seq;
    }
    return BF_OK;
}

void
bf_topics_undo (bf_ledger *self, size_t made, size_t touched)
{
    for (size_t i = self->topics_touched.count; i > touched; i--) {
        const bf_topic_undo *undo = self->topics_touched.items[i - 1];
        undo->topic->seq = undo->seq;
        /* Saved by a commit that failed: the table is where it was. */
        if (undo->topic->saved_seq > undo->seq) {
            undo->topic->saved_seq = undo->seq;
        }
    }
    bf_list_truncate (&self->topics_touched, touched);
    for (size_t i = self->topics_made.count; i > made; i--) {
        bf_topic *topic = self->topics_made.items[i - 1];
        topic_key_t key = {topic->kind, topic->type};
        bf_map_remove (self->topics, &key, sizeof key);
        free (topic);
    }
    bf_list_truncate (&self->topics_made, made);
}

void
bf_topics_free (bf_ledger *self)
{
    bf_list_truncate (&self->topics_touched, 0);
    if (self->topics) {
        bf_topics_undo (self, 0, 0);
    }
    bf_list_clear (&self->topics_touched);
    bf_list_clear (&self->topics_made);
}

/* Moves the topic on to seq; *prev is where it was. */
static bf_err
topic_advance (bf_ledger *self, topic_key_t key, uint64_t seq, uint64_t *prev,
               bf_error *error)
{
    bf_topic *topic = bf_map_get (self->topics, &key, sizeof key);
    if (!topic) {
        bf_err rc = topic_remember (self, key, 0, &topic, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    bf_topic_undo *undo = bf_arena_alloc (self->arena, sizeof *undo);
    if (!undo) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    *undo = (bf_topic_undo){topic, topic->seq};
    if (bf_list_push (&self->topics_touched, undo) != BF_OK) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    *prev = topic->seq;
    topic->seq = seq;
    return BF_OK;
}

/* The parts of an event that its rows give. False without memory. */
static bool
event_describe (bf_ledger *self, Belfry__V1__Event *event, const bf_job_row *job,
                const bf_run_row *run, const bf_event_detail *detail)
{
    if (job) {
        event->ns = (char *)bf_name_text (self, job->ns);
        event->type = (char *)bf_name_text (self, job->type);
        event->job = job->id;
        if (job->key) {
            event->key = (char *)job->key;
        }
        event->clock = job->clock;
        event->due_us = job->due_us;
        if (detail->job_image) {
            event->job_after = bf_render_job (
                self, job, BF_IN_EVENT | (detail->with_spec ? BF_WITH_SPEC : 0));
            if (!event->job_after) {
                return false;
            }
        }
    }
    if (run) {
        event->run_after = bf_render_run (self, job, run, BF_IMAGE);
        if (!event->run_after) {
            return false;
        }
        event->run = event->run_after->run;
        event->type = (char *)bf_name_text (self, run->type);
        event->attempt = run->attempt;
        event->clock = run->clock;
        event->due_us = run->due_us;
    }
    if (detail->reason) {
        event->reason = (char *)detail->reason;
    }
    event->delta_us = detail->delta_us;
    event->slots = detail->slots;
    event->stretch_after = detail->stretch;
    event->recovery = detail->recovery;
    event->pruned = detail->pruned;
    event->replanned = detail->replanned;
    return true;
}

/* The fields that only the feed's frame gets. */
static bf_err
extra_pack (bf_ledger *self, const bf_job_row *job, ProtobufCBinaryData *extra,
            bf_error *error)
{
    Belfry__V1__Event fields = BELFRY__V1__EVENT__INIT;
    fields.payload = job->payload;
    fields.content_type = job->definition->content_type;
    extra->data = bf_pack (&fields.base, self->arena, &extra->len);
    return extra->data ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

static bf_err
event_store (bf_ledger *self, uint64_t seq, const uint8_t *body, size_t size,
             bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EVENT_INSERT);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)seq);
    sqlite3_bind_blob (stmt, 2, body, (int)size, SQLITE_STATIC);
    return bf_step_done (self->statements, stmt, error);
}

/* Field 1, fixed64, is nine bytes: the tag 0x09 and the number, low byte first. */
#define EPOCH_BYTES 9

static void
epoch_write (uint64_t epoch, uint8_t bytes[EPOCH_BYTES])
{
    bytes[0] = (1 << 3) | 1;
    for (size_t i = 1; i < EPOCH_BYTES; i++) {
        bytes[i] = (uint8_t)(epoch & 0xff);
        epoch >>= 8;
    }
}

/* The epoch's field and the body; NULL without memory. */
static uint8_t *
event_pack (bf_ledger *self, const Belfry__V1__Event *event, size_t *size)
{
    bf_packed body;
    if (!bf_packed_write (&body, &event->base)) {
        return NULL;
    }
    uint8_t *bytes = bf_arena_alloc (self->arena, EPOCH_BYTES + body.size);
    if (bytes) {
        epoch_write (self->stream_epoch, bytes);
        memcpy (bytes + EPOCH_BYTES, body.bytes, body.size);
        *size = EPOCH_BYTES + body.size;
    }
    bf_packed_free (&body);
    return bytes;
}

static bf_err
event_publish (bf_ledger *self, bf_event_kind kind, const Belfry__V1__Event *event,
               const bf_job_row *job, const bf_event_detail *detail, bf_error *error)
{
    size_t size = 0;
    uint8_t *bytes = event_pack (self, event, &size);
    Belfry__Internal__Published *published =
        bf_arena_alloc (self->arena, sizeof *published);
    char *topic = bf_arena_alloc (self->arena, BF_TOPIC_BYTES);
    if (!bytes || !published || !topic) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_err rc =
        event_store (self, event->seq, bytes + EPOCH_BYTES, size - EPOCH_BYTES, error);
    if (rc != BF_OK) {
        return rc;
    }
    belfry__internal__published__init (published);
    published->topic = bf_event_topic (kind, event->type, topic);
    published->event = (ProtobufCBinaryData){size, bytes};
    if (detail->with_payload) {
        BF_INVARIANT (job != NULL);
        rc = extra_pack (self, job, &published->extra, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    return bf_outcome_feed (self, BELFRY__INTERNAL__FEED_ITEM__ITEM_PUBLISHED, published,
                            error);
}

bf_err
bf_event_write (bf_ledger *self, bf_event_kind kind, bf_job_row *job, bf_run_row *run,
                const bf_event_detail *detail, bf_error *error)
{
    static const bf_event_detail plain;
    if (!detail) {
        detail = &plain;
    }
    Belfry__V1__Event event = BELFRY__V1__EVENT__INIT;
    event.seq = ++self->counters.head_seq;
    event.at_us = self->now.wall.us;
    event.kind = (char *)bf_event_name (kind);
    bf_happened_event (self, kind, run);
    if (job) {
        event.prev_job_seq = job->last_seq;
        job->last_seq = event.seq;
        job->updated_us = event.at_us;
    }
    if (run) {
        run->last_seq = event.seq;
        if (kind == BF_EVENT_RUN_FIRED || kind == BF_EVENT_RUN_BLOCKED ||
            kind == BF_EVENT_RUN_DELIVERED || kind == BF_EVENT_REMINDER_FIRED) {
            event.lateness_us = run->lateness_us;
        }
    }
    if (detail->stretch) {
        detail->stretch->last_seq = event.seq;
    }
    topic_key_t key = {(uint32_t)kind, run ? run->type : job ? job->type : 0};
    bf_err rc = topic_advance (self, key, event.seq, &event.prev_seq, error);
    if (rc == BF_OK && !event_describe (self, &event, job, run, detail)) {
        rc = bf_fail_plain (error, BF_ENOMEM);
    }
    if (rc == BF_OK) {
        rc = event_publish (self, kind, &event, job, detail, error);
    }
    return rc;
}

bf_err
bf_event_oldest (bf_ledger *self, uint64_t *seq, bf_error *error)
{
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_EVENT_OLDEST);
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    if (rc == BF_OK) {
        *seq = row ? (uint64_t)sqlite3_column_int64 (stmt, 0) : self->counters.head_seq + 1;
        bf_statement_reset (stmt);
    }
    return rc;
}

bf_err
bf_event_head (bf_ledger *self, bf_error *error)
{
    Belfry__Internal__Head *head = bf_arena_alloc (self->arena, sizeof *head);
    if (!head) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__internal__head__init (head);
    head->stream_epoch = self->stream_epoch;
    head->shard = BF_SHARD;
    head->head_seq = self->counters.head_seq;
    bf_err rc = bf_event_oldest (self, &head->oldest_seq, error);
    if (rc == BF_OK) {
        rc = bf_outcome_feed (self, BELFRY__INTERNAL__FEED_ITEM__ITEM_HEAD, head, error);
    }
    return rc;
}
