/* SPDX-License-Identifier: MPL-2.0
 *
 * Pages of events. A delivered run's payload is read from its job's row, which is why it is
 * there on replay, too.
 */
#include "persist/ledger/log.h"

#include <string.h>

#include "messages/codec.h"
#include "messages/limits.h"
#include "persist/ledger/events.h"
#include "persist/ledger/rows.h"

bf_err
bf_log_page_begin (bf_ledger *self, size_t limit, bf_log_page *page, bf_error *error)
{
    *page = (bf_log_page){
        .reply = bf_arena_alloc (self->arena, sizeof *page->reply),
        .limit = limit,
    };
    Belfry__V1__Event **events = bf_arena_alloc (self->arena, limit * sizeof *events);
    if (!page->reply || !events) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__events_reply__init (page->reply);
    page->reply->events = events;
    page->reply->head_seq = self->counters.head_seq;
    page->reply->stream_epoch = self->stream_epoch;
    return bf_event_oldest (self, &page->reply->oldest_seq, error);
}

Belfry__V1__Event *
bf_log_event (bf_ledger *self, const void *body, size_t size, bf_error *error)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    Belfry__V1__Event *event = belfry__v1__event__unpack (&allocator, size, body);
    if (!event && bf_arena_failed (self->arena)) {
        bf_fail_plain (error, BF_ENOMEM);
    } else if (!event) {
        bf_fail (error, BF_ECORRUPT,
                 "an event cannot be read: the database is damaged, restore a backup");
    }
    return event;
}

static bool
is_among (const char *text, char *const *list, size_t count)
{
    bool found = count == 0;
    for (size_t i = 0; i < count; i++) {
        found |= strcmp (text, list[i]) == 0;
    }
    return found;
}

bool
bf_log_matches (const bf_log_filter *filter, const Belfry__V1__Event *event)
{
    return is_among (event->kind, filter->kinds, filter->n_kinds) &&
           is_among (event->type, filter->types, filter->n_types) &&
           event->at_us >= filter->from_us &&
           (filter->until_us == 0 || event->at_us < filter->until_us);
}

static bf_err
add_payload (bf_ledger *self, Belfry__V1__Event *event, bf_error *error)
{
    bf_job_row job;
    bf_err rc = bf_job_load (self, event->job, &job, error);
    if (rc == BF_OK) {
        rc = bf_job_load_payload (self, &job, error);
    }
    if (rc != BF_OK) {
        return rc == BF_ENOTFOUND ? BF_OK : rc;
    }
    /* Replaced since: a wrong payload would be worse than none. */
    if (event->job_after && event->job_after->payload_hash != job.payload_hash) {
        return BF_OK;
    }
    event->payload = job.payload;
    event->content_type = job.definition->content_type;
    return BF_OK;
}

bf_err
bf_log_page_add (bf_ledger *self, bf_log_page *page, Belfry__V1__Event *event,
                 bf_error *error)
{
    event->stream_epoch = self->stream_epoch;
    if (page->with_payload &&
        strcmp (event->kind, bf_event_name (BF_EVENT_RUN_DELIVERED)) == 0) {
        bf_err rc = add_payload (self, event, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    size_t bytes = belfry__v1__event__get_packed_size (event);
    page->full = page->reply->n_events == page->limit ||
                 (page->bytes + bytes > BF_ANSWER_BYTES && page->reply->n_events > 0);
    if (!page->full) {
        page->bytes += bytes;
        page->reply->events[page->reply->n_events++] = event;
    }
    return BF_OK;
}
