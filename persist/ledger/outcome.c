/* SPDX-License-Identifier: MPL-2.0
 *
 * Items of internal.proto, made in the batch's arena. Every member of a oneof of messages
 * is a pointer at the same place, which is what lets one line per receiver do.
 */
#include "persist/ledger/outcome.h"

#include "messages/translate.h"
#include "persist/ledger/private.h"

static bf_err
push (bf_list *list, void *item, bf_error *error)
{
    return bf_list_push (list, item) == BF_OK ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

/* Allocates an item of the receiver's type and sets its case. */
#define ITEM_NEW(type, init, member)                         \
    type *item = bf_arena_alloc (self->arena, sizeof *item); \
    if (!item) {                                             \
        return bf_fail_plain (error, BF_ENOMEM);             \
    }                                                        \
    init (item);                                             \
    item->item_case = (member)

bf_err
bf_outcome_gateway (bf_ledger *self, Belfry__Internal__Answer *answer, bf_error *error)
{
    ITEM_NEW (Belfry__Internal__GatewayItem, belfry__internal__gateway_item__init,
              BELFRY__INTERNAL__GATEWAY_ITEM__ITEM_ANSWER);
    item->answer = answer;
    return push (&self->outcome.gateway, item, error);
}

bf_err
bf_outcome_feed (bf_ledger *self, Belfry__Internal__FeedItem__ItemCase member, void *value,
                 bf_error *error)
{
    ITEM_NEW (Belfry__Internal__FeedItem, belfry__internal__feed_item__init, member);
    item->published = value;
    return push (&self->outcome.feed, item, error);
}

bf_err
bf_outcome_clock (bf_ledger *self, Belfry__Internal__ClockItem__ItemCase member,
                  void *value, bf_error *error)
{
    ITEM_NEW (Belfry__Internal__ClockItem, belfry__internal__clock_item__init, member);
    item->arm = value;
    return push (&self->outcome.clock, item, error);
}

bf_err
bf_outcome_dispatcher (bf_ledger *self, Belfry__Internal__DispatcherItem__ItemCase member,
                       void *value, bf_error *error)
{
    ITEM_NEW (Belfry__Internal__DispatcherItem, belfry__internal__dispatcher_item__init,
              member);
    item->queue = value;
    return push (&self->outcome.dispatcher, item, error);
}

bf_err
bf_outcome_retry (bf_ledger *self, Belfry__Internal__RetryItem__ItemCase member,
                  void *value, bf_error *error)
{
    ITEM_NEW (Belfry__Internal__RetryItem, belfry__internal__retry_item__init, member);
    item->opened = value;
    return push (&self->outcome.retry, item, error);
}

bf_err
bf_outcome_clock_reset (bf_ledger *self, bf_error *error)
{
    ITEM_NEW (Belfry__Internal__ClockItem, belfry__internal__clock_item__init,
              BELFRY__INTERNAL__CLOCK_ITEM__ITEM_RESET);
    item->reset = true;
    item->since_boot_us = self->room_again ? self->scarce_since.us : 0;
    return push (&self->outcome.clock, item, error);
}

bf_err
bf_outcome_clock_settled (bf_ledger *self, uint64_t batch, bf_error *error)
{
    ITEM_NEW (Belfry__Internal__ClockItem, belfry__internal__clock_item__init,
              BELFRY__INTERNAL__CLOCK_ITEM__ITEM_SETTLED);
    item->settled = batch;
    return push (&self->outcome.clock, item, error);
}

bf_err
bf_outcome_retry_settled (bf_ledger *self, uint64_t batch, bf_error *error)
{
    ITEM_NEW (Belfry__Internal__RetryItem, belfry__internal__retry_item__init,
              BELFRY__INTERNAL__RETRY_ITEM__ITEM_SETTLED);
    item->settled = batch;
    return push (&self->outcome.retry, item, error);
}

bf_err
bf_outcome_resolved (bf_ledger *self, uint64_t call, bool done, bf_error *error)
{
    Belfry__Internal__Resolved *resolved = bf_arena_alloc (self->arena, sizeof *resolved);
    if (!resolved) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__internal__resolved__init (resolved);
    resolved->call = call;
    resolved->done = done;
    return bf_outcome_dispatcher (self, BELFRY__INTERNAL__DISPATCHER_ITEM__ITEM_RESOLVED,
                                  resolved, error);
}

bf_err
bf_outcome_timer (bf_ledger *self, bool arm, bf_timer timer, bf_error *error)
{
    Belfry__Internal__Timer *wire = bf_arena_alloc (self->arena, sizeof *wire);
    if (!wire) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_timer_to_wire (timer, wire);
    return bf_outcome_clock (self,
                             arm ? BELFRY__INTERNAL__CLOCK_ITEM__ITEM_ARM
                                 : BELFRY__INTERNAL__CLOCK_ITEM__ITEM_DISARM,
                             wire, error);
}
