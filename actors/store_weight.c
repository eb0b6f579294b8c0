/* SPDX-License-Identifier: MPL-2.0
 *
 * Weights by what an item is, before anything of it is judged. A command by filter weighs
 * as one: it is only taken note of, and worked off between the batches. What weighs one may
 * still cost up to a thousand rows: the end of a job ends all its open runs, and no job has
 * more (BF_OVERLAP_RUNS). That shows only when it is judged; so the store ends a batch also
 * by the events that it has written, and by the memory that it has taken.
 */
#include "actors/store_weight.h"

/* A read may look at BF_PAGE_EXAMINED rows, a heartbeat or the repeat of a claim at a
 * thousand: a batch of 1000 full of them holds at most 16, so that its time is not theirs.
 */
#define READ_WEIGHT 64

/* What it schedules; never nothing. */
static size_t
weight_of_schedule (const Belfry__V1__Schedule *schedule)
{
    return schedule->n_jobs > 0 ? schedule->n_jobs : 1;
}

static size_t
weight_of_batch (const Belfry__V1__Batch *batch)
{
    size_t sum = 1;
    for (size_t i = 0; i < batch->n_items; i++) {
        const Belfry__V1__BatchItem *item = batch->items[i];
        sum += item->command_case == BELFRY__V1__BATCH_ITEM__COMMAND_SCHEDULE
                   ? weight_of_schedule (item->schedule)
                   : 1;
    }
    return sum;
}

static size_t
weight_of_call (const Belfry__V1__Request *request)
{
    switch (request->command_case) {
    case BELFRY__V1__REQUEST__COMMAND_SCHEDULE:
        return weight_of_schedule (request->schedule);
    case BELFRY__V1__REQUEST__COMMAND_BATCH:
        return weight_of_batch (request->batch);
    case BELFRY__V1__REQUEST__COMMAND_HEARTBEAT:
    case BELFRY__V1__REQUEST__COMMAND_GET:
    case BELFRY__V1__REQUEST__COMMAND_LIST:
    case BELFRY__V1__REQUEST__COMMAND_HISTORY:
    case BELFRY__V1__REQUEST__COMMAND_REPLAY:
    case BELFRY__V1__REQUEST__COMMAND_STATUS:
    case BELFRY__V1__REQUEST__COMMAND_STATS:
    case BELFRY__V1__REQUEST__COMMAND_SNAPSHOT:
    case BELFRY__V1__REQUEST__COMMAND_PREVIEW:
    case BELFRY__V1__REQUEST__COMMAND_LIST_CALENDARS:
    case BELFRY__V1__REQUEST__COMMAND_SET_CALENDAR: /* plans up to 1000 jobs anew */
        return READ_WEIGHT;
    default:
        return 1;
    }
}

size_t
bf_store_weight (const Belfry__Internal__StoreItem *item)
{
    switch (item->item_case) {
    case BELFRY__INTERNAL__STORE_ITEM__ITEM_CALL:
        return weight_of_call (item->call->request);
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
