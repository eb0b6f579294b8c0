/* SPDX-License-Identifier: MPL-2.0
 *
 * What a batch has told each of the other actors, in words that a test can compare.
 */
#include "tests/support/ledger.h"

#include <inttypes.h>
#include <string.h>

#include "messages/codec.h"
#include "messages/limits.h"
#include "tests/support/cmocka.h"

static const bf_outcome *
outcome (const ledger *self)
{
    return bf_ledger_outcome (self->ledger);
}

Belfry__V1__Reply *
ledger_reply (ledger *self, uint64_t call)
{
    Belfry__V1__Reply *reply = NULL;
    for (size_t i = 0; i < outcome (self)->gateway.count; i++) {
        const Belfry__Internal__GatewayItem *item = outcome (self)->gateway.items[i];
        const Belfry__Internal__Answer *answer = item->answer;
        if (answer->call != call) {
            continue;
        }
        assert_null (reply);
        assert_in_range (answer->reply.len, 1, BF_FRAME_BYTES);
        ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
        reply =
            belfry__v1__reply__unpack (&allocator, answer->reply.len, answer->reply.data);
        assert_non_null (reply);
        assert_true (reply->request_id[0] != '\0');
    }
    return reply;
}

bool
ledger_resolved (ledger *self, uint64_t call)
{
    int told = -1;
    for (size_t i = 0; i < outcome (self)->dispatcher.count; i++) {
        const Belfry__Internal__DispatcherItem *item = outcome (self)->dispatcher.items[i];
        if (item->item_case == BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RESOLVED &&
            item->resolved->call == call) {
            assert_int_equal (told, -1);
            told = item->resolved->done;
        }
    }
    assert_int_not_equal (told, -1);
    return told;
}

static Belfry__V1__Event *
unpack_event (ledger *self, ProtobufCBinaryData bytes)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    Belfry__V1__Event *event =
        belfry__v1__event__unpack (&allocator, bytes.len, bytes.data);
    assert_non_null (event);
    return event;
}

/* A growing line. */
static const char *
append (ledger *self, const char *line, const char *word)
{
    return ledger_text (self, "%s%s%s", line, line[0] ? " " : "", word);
}

const char *
ledger_kinds (ledger *self)
{
    const char *line = "";
    for (size_t i = 0; i < outcome (self)->feed.count; i++) {
        const Belfry__Internal__FeedItem *item = outcome (self)->feed.items[i];
        if (item->item_case == BELFRY__INTERNAL__FEED_ITEM__ITEM_PUBLISHED) {
            line = append (self, line, unpack_event (self, item->published->event)->kind);
        }
    }
    return line;
}

static const Belfry__Internal__Published *
published_of (ledger *self, const char *kind)
{
    for (size_t i = outcome (self)->feed.count; i > 0; i--) {
        const Belfry__Internal__FeedItem *item = outcome (self)->feed.items[i - 1];
        size_t size = strlen (kind);
        if (item->item_case == BELFRY__INTERNAL__FEED_ITEM__ITEM_PUBLISHED &&
            strncmp (item->published->topic, kind, size) == 0 &&
            item->published->topic[size] == ' ') {
            return item->published;
        }
    }
    fail_msg ("no event %s, only %s", kind, ledger_kinds (self));
    return NULL;
}

Belfry__V1__Event *
ledger_event (ledger *self, const char *kind)
{
    return unpack_event (self, published_of (self, kind)->event);
}

Belfry__V1__Event *
ledger_extra (ledger *self, const char *kind)
{
    return unpack_event (self, published_of (self, kind)->extra);
}

const char *
ledger_to_clock (ledger *self)
{
    const char *line = "";
    for (size_t i = 0; i < outcome (self)->clock.count; i++) {
        const Belfry__Internal__ClockItem *item = outcome (self)->clock.items[i];
        const char *word = "?";
        switch (item->item_case) {
        case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM:
            word = ledger_text (self, "arm:%u:%" PRIu64 ".%u@%" PRId64, item->arm->source,
                                item->arm->job, item->arm->ordinal, item->arm->due_us);
            break;
        case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_DISARM:
            word = ledger_text (self, "disarm:%u:%" PRIu64 ".%u", item->disarm->source,
                                item->disarm->job, item->disarm->ordinal);
            break;
        case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_SETTLED:
            word = ledger_text (self, "settled:%" PRIu64, item->settled);
            break;
        case BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET:
            word = item->since_boot_us == 0
                       ? "reset"
                       : ledger_text (self, "reset:%" PRId64, item->since_boot_us);
            break;
        default:
            break;
        }
        line = append (self, line, word);
    }
    return line;
}

const char *
ledger_to_dispatcher (ledger *self)
{
    const char *line = "";
    for (size_t i = 0; i < outcome (self)->dispatcher.count; i++) {
        const Belfry__Internal__DispatcherItem *item = outcome (self)->dispatcher.items[i];
        const char *word = "?";
        switch (item->item_case) {
        case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_QUEUE:
            word = ledger_text (self, "queue:%u:%s/%s%s", item->queue->id, item->queue->ns,
                                item->queue->type, item->queue->more ? "+" : "");
            break;
        case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_READY:
            word = ledger_text (self, "ready:%u:%" PRIu64 ".%u", item->ready->queue,
                                item->ready->job, item->ready->ordinal);
            break;
        case BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RESOLVED:
            word = ledger_text (self, "resolved:%" PRIu64 ":%d", item->resolved->call,
                                item->resolved->done);
            break;
        default:
            break;
        }
        line = append (self, line, word);
    }
    return line;
}

static const char *
attempt_word (ledger *self, const char *what, const Belfry__Internal__Attempt *attempt)
{
    return ledger_text (self, "%s:%" PRIu64 ".%u.%u", what, attempt->job, attempt->ordinal,
                        attempt->attempt);
}

const char *
ledger_to_retry (ledger *self)
{
    const char *line = "";
    for (size_t i = 0; i < outcome (self)->retry.count; i++) {
        const Belfry__Internal__RetryItem *item = outcome (self)->retry.items[i];
        const char *word = "?";
        switch (item->item_case) {
        case BELFRY__INTERNAL__RETRY_ITEM__ITEM_OPENED:
            word = attempt_word (self, "opened", item->opened->attempt);
            break;
        case BELFRY__INTERNAL__RETRY_ITEM__ITEM_CLOSED:
            word = attempt_word (self, "closed", item->closed);
            break;
        case BELFRY__INTERNAL__RETRY_ITEM__ITEM_FLAGGED:
            word = attempt_word (self, "flagged", item->flagged);
            break;
        case BELFRY__INTERNAL__RETRY_ITEM__ITEM_SETTLED:
            word = ledger_text (self, "settled:%" PRIu64, item->settled);
            break;
        default:
            break;
        }
        line = append (self, line, word);
    }
    return line;
}
