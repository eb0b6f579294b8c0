/* SPDX-License-Identifier: MPL-2.0
 *
 * Batch: several commands in the savepoint of one. Each runs as if it had come alone, on
 * the rows as those before it left them, and fills an answer of its own; the first refusal
 * is the batch's, and everything is undone.
 */
#include "persist/ledger/commands.h"

/* An item's member is the request's of the same number. */
#define SAME(command)                                                \
    _Static_assert((int)BELFRY__V1__BATCH_ITEM__COMMAND_##command == \
                       (int)BELFRY__V1__REQUEST__COMMAND_##command,  \
                   "the numbers in BatchItem must be those in Request")
SAME (SCHEDULE);
SAME (RESCHEDULE);
SAME (CANCEL);
SAME (CONFIRM);
SAME (PAUSE);
SAME (RESUME);
SAME (TRIGGER);
SAME (COMPLETE);
SAME (FAIL);
SAME (SNOOZE);
SAME (REDRIVE);
#undef SAME

static Belfry__V1__Request
request_of (const Belfry__V1__Request *batch, const Belfry__V1__BatchItem *item)
{
    Belfry__V1__Request request = *batch;
    request.command_case = (Belfry__V1__Request__CommandCase)item->command_case;
    /* Both oneofs hold one pointer, whichever member it is. */
    request.schedule = item->schedule;
    return request;
}

static bf_err
do_item (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
         bf_error *error)
{
    bf_answer *item = bf_arena_alloc (self->arena, sizeof *item);
    if (!item || bf_list_push (&answer->items, item) != BF_OK) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    return bf_command_of (request->command_case) (self, request, item, error);
}

static bf_err
refuse_more (bf_error *error)
{
    return bf_fail (error, BF_ELIMIT,
                    "those before it did so much already that no more is done in one "
                    "commit: split the batch");
}

bf_err
bf_command_batch (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                  bf_error *error)
{
    const Belfry__V1__Batch *in = request->batch;
    size_t start = bf_arena_used (self->arena);
    answer->result = BELFRY__V1__REPLY__RESULT_BATCH;
    for (size_t i = 0; i < in->n_items; i++) {
        Belfry__V1__Request single = request_of (request, in->items[i]);
        bf_error failure = {0};
        bool room = bf_arena_used (self->arena) - start < BF_CALL_BYTES;
        bf_err rc =
            room ? do_item (self, &single, answer, &failure) : refuse_more (&failure);
        if (rc != BF_OK && bf_ledger_is_refusal (rc)) {
            answer->failed = (uint32_t)i + 1;
            return bf_fail (error, rc, "items[%zu]: %s", i, failure.text);
        }
        if (rc != BF_OK) {
            *error = failure;
            return rc;
        }
    }
    return BF_OK;
}
