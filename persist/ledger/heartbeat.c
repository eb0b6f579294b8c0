/* SPDX-License-Identifier: MPL-2.0
 *
 * Heartbeat, for tokens that retry does not know: the rows say whether a lease still
 * stands. Nothing is written: retry keeps the time.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/render.h"

static bf_err
judge_token (bf_ledger *self, const char *text, Belfry__V1__HeartbeatReply__Item *item,
             bf_error *error)
{
    bf_token token;
    bf_job_row job;
    bf_run_row run;
    bf_error refusal = {0};
    bf_err rc = bf_token_load (self, text, &token, &job, &run, &refusal);
    if (rc == BF_OK) {
        rc = bf_token_check (token, &run, &refusal);
    }
    if (rc != BF_OK && !bf_ledger_is_refusal (rc)) {
        *error = refusal;
        return rc;
    }
    item->token = (char *)text;
    item->code = (Belfry__V1__Code)bf_err_wire (rc);
    item->cancel = rc == BF_OK && bf_run_is_withdrawn (&job, &run);
    if (rc != BF_OK) {
        item->text = bf_arena_string (self->arena, refusal.text);
    }
    return item->text ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

bf_err
bf_query_heartbeat (bf_ledger *self, const Belfry__V1__Request *request,
                    Belfry__V1__Reply *reply, bf_error *error)
{
    const Belfry__V1__Heartbeat *in = request->heartbeat;
    Belfry__V1__HeartbeatReply *out = bf_arena_alloc (self->arena, sizeof *out);
    Belfry__V1__HeartbeatReply__Item *items =
        bf_arena_alloc (self->arena, in->n_tokens * sizeof *items);
    Belfry__V1__HeartbeatReply__Item **list =
        bf_arena_alloc (self->arena, in->n_tokens * sizeof *list);
    if (!out || !items || !list) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__heartbeat_reply__init (out);
    out->items = list;
    for (size_t i = 0; i < in->n_tokens; i++) {
        belfry__v1__heartbeat_reply__item__init (&items[i]);
        bf_err rc = judge_token (self, in->tokens[i], &items[i], error);
        if (rc != BF_OK) {
            return rc;
        }
        list[out->n_items++] = &items[i];
    }
    reply->result_case = BELFRY__V1__REPLY__RESULT_HEARTBEAT;
    reply->heartbeat = out;
    return BF_OK;
}
