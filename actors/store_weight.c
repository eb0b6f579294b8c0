/* SPDX-License-Identifier: MPL-2.0
 *
 * Weights by what an item is, before anything of it is judged.
 */
#include "actors/store_weight.h"

#include <stdbool.h>

/* A read may look at BF_PAGE_EXAMINED rows, a heartbeat or the repeat of a claim at a
 * thousand: a batch of 1000 full of them holds at most 16, so that its time is not theirs.
 */
#define READ_WEIGHT 64

static bool
is_read (const Belfry__Internal__Call *call)
{
    switch (call->request->command_case) {
    case BELFRY__V1__REQUEST__COMMAND_HEARTBEAT:
    case BELFRY__V1__REQUEST__COMMAND_GET:
    case BELFRY__V1__REQUEST__COMMAND_LIST:
    case BELFRY__V1__REQUEST__COMMAND_HISTORY:
    case BELFRY__V1__REQUEST__COMMAND_REPLAY:
    case BELFRY__V1__REQUEST__COMMAND_STATUS:
        return true;
    default:
        return false;
    }
}

size_t
bf_store_weight (const Belfry__Internal__StoreItem *item)
{
    switch (item->item_case) {
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL:
        return is_read (item->call) ? READ_WEIGHT : 1;
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_PROPOSAL:
        return item->proposal->n_timers + item->proposal->n_assignments + 1;
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_OVERDUE:
        return item->overdue->n_leases + 1;
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_RECALL:
        return READ_WEIGHT;
    default:
        return 1;
    }
}
