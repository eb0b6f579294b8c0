/* SPDX-License-Identifier: MPL-2.0
 *
 * The table of commands, and what is the same for all of them.
 *
 *   request --> answered before? --> send that answer again
 *                    | no
 *                    |--> by filter? --> an operation, operations.h
 *                    v
 *               savepoint --> command --> refusal: undo --.
 *                                |                        v
 *                                '---------------> store the answer --> send
 */
#include "persist/ledger/calls.h"

#include "messages/codec.h"
#include "persist/ledger/backup.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/operations.h"

/* One of `change`, `read`, `by_filter`, which is for commands that are for many jobs alone,
 * and `copies`, for the one that answers when the copy is made. `frees`: still done while
 * the disk is full. `sure`: refuses nothing once it has written anything. */
typedef struct {
    bf_command *change;
    bf_query *read;
    bool by_filter;
    bool copies;
    bool frees;
    bool sure;
} verb_t;

static const verb_t verbs[] = {
    [BELFRY__V1__REQUEST__COMMAND_SCHEDULE] = {.change = bf_command_schedule},
    [BELFRY__V1__REQUEST__COMMAND_RESCHEDULE] = {.change = bf_command_reschedule},
    [BELFRY__V1__REQUEST__COMMAND_CANCEL] = {.change = bf_command_cancel,
                                             .frees = true,
                                             .sure = true},
    [BELFRY__V1__REQUEST__COMMAND_CONFIRM] = {.change = bf_command_confirm,
                                              .frees = true,
                                              .sure = true},
    [BELFRY__V1__REQUEST__COMMAND_PAUSE] = {.change = bf_command_pause, .frees = true},
    [BELFRY__V1__REQUEST__COMMAND_RESUME] = {.change = bf_command_resume},
    [BELFRY__V1__REQUEST__COMMAND_TRIGGER] = {.change = bf_command_trigger},
    [BELFRY__V1__REQUEST__COMMAND_COMPLETE] = {.change = bf_command_complete,
                                               .frees = true,
                                               .sure = true},
    [BELFRY__V1__REQUEST__COMMAND_FAIL] = {.change = bf_command_fail,
                                           .frees = true,
                                           .sure = true},
    [BELFRY__V1__REQUEST__COMMAND_SNOOZE] = {.change = bf_command_snooze,
                                             .frees = true,
                                             .sure = true},
    [BELFRY__V1__REQUEST__COMMAND_REDRIVE] = {.change = bf_command_redrive},
    [BELFRY__V1__REQUEST__COMMAND_BATCH] = {.change = bf_command_batch},
    [BELFRY__V1__REQUEST__COMMAND_HEARTBEAT] = {.read = bf_query_heartbeat},
    [BELFRY__V1__REQUEST__COMMAND_GET] = {.read = bf_query_get},
    [BELFRY__V1__REQUEST__COMMAND_LIST] = {.read = bf_query_list},
    [BELFRY__V1__REQUEST__COMMAND_HISTORY] = {.read = bf_query_history},
    [BELFRY__V1__REQUEST__COMMAND_REPLAY] = {.read = bf_query_replay},
    [BELFRY__V1__REQUEST__COMMAND_STATUS] = {.read = bf_query_status},
    [BELFRY__V1__REQUEST__COMMAND_STATS] = {.read = bf_query_stats},
    [BELFRY__V1__REQUEST__COMMAND_SNAPSHOT] = {.read = bf_query_snapshot},
    [BELFRY__V1__REQUEST__COMMAND_PREVIEW] = {.read = bf_query_preview},
    [BELFRY__V1__REQUEST__COMMAND_LIST_CALENDARS] = {.read = bf_query_list_calendars},
    [BELFRY__V1__REQUEST__COMMAND_SET_CALENDAR] = {.change = bf_command_set_calendar},
    [BELFRY__V1__REQUEST__COMMAND_DELETE_CALENDAR] = {.change = bf_command_delete_calendar},
    [BELFRY__V1__REQUEST__COMMAND_PRUNE] = {.by_filter = true, .frees = true},
    [BELFRY__V1__REQUEST__COMMAND_BACKUP] = {.copies = true},
};

static const verb_t *
verb_of (Belfry__V1__Request__CommandCase kind)
{
    size_t index = (size_t)kind;
    BF_INVARIANT (index < sizeof verbs / sizeof verbs[0]);
    BF_INVARIANT (verbs[index].change || verbs[index].read || verbs[index].by_filter ||
                  verbs[index].copies);
    return &verbs[index];
}

bf_command *
bf_command_of (Belfry__V1__Request__CommandCase kind)
{
    const verb_t *verb = verb_of (kind);
    BF_INVARIANT (verb->change != NULL);
    return verb->change;
}

bool
bf_command_frees (const Belfry__V1__Request *request)
{
    if (bf_request_filter (request)) {
        /* What changes many rows makes the files grow first: only Prune gives room. */
        return request->command_case == BELFRY__V1__REQUEST__COMMAND_PRUNE;
    }
    if (request->command_case != BELFRY__V1__REQUEST__COMMAND_BATCH) {
        return verb_of (request->command_case)->frees;
    }
    /* A batch, where all of it is. */
    bool all = true;
    for (size_t i = 0; i < request->batch->n_items; i++) {
        int kind = (int)request->batch->items[i]->command_case;
        all &= verb_of ((Belfry__V1__Request__CommandCase)kind)->frees;
    }
    return all;
}

static bf_err
ask (bf_ledger *self, bf_caller caller, bf_query *query, const Belfry__Internal__Call *call,
     bf_error *error)
{
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    bf_error refusal = {0};
    bf_err rc = query (self, call->request, &reply, &refusal);
    if (rc != BF_OK && !bf_ledger_is_refusal (rc)) {
        *error = refusal;
        return rc;
    }
    reply.code = (Belfry__V1__Code)bf_err_wire (rc);
    if (rc != BF_OK) {
        reply.text = refusal.text;
    }
    if (rc != BF_OK && rc != BF_ETOOOLD) {
        reply.result_case = BELFRY__V1__REPLY__RESULT__NOT_SET;
    } else if (reply.result_case == BELFRY__V1__REPLY__RESULT_STATUS) {
        reply.status->parked_claims = call->parked_claims;
    }
    return bf_reply_send (self, caller, &reply, NULL, error);
}

/* A read wrote nothing, so that one that asks for too much is its caller's loss alone. */
static bf_err
read (bf_ledger *self, bf_caller caller, bf_query *query,
      const Belfry__Internal__Call *call, bf_error *error)
{
    bf_error failure = {0};
    bf_arena_set_limit (self->arena, BF_BATCH_BYTES - BF_ASIDE_BYTES);
    bf_err rc = ask (self, caller, query, call, &failure);
    bf_arena_set_limit (self->arena, BF_BATCH_BYTES);
    if (rc != BF_ENOMEM) {
        if (rc != BF_OK) {
            *error = failure;
        }
        return rc;
    }
    bf_error refusal = {0};
    bf_fail (&refusal, BF_EINTERNAL, "out of memory for this answer, ask for less");
    return bf_refusal_send (self, caller, &refusal, error);
}

/* Of what a refused command had collected only that stays which belongs to its error: the
 * job in the way, the runs that came first, or which of a batch it was. */
static void
forget_result (bf_answer *answer)
{
    bool belongs = answer->result == BELFRY__V1__REPLY__RESULT_JOBS &&
                   (answer->code == BF_EKEYTAKEN || answer->code == BF_ETOOLATE);
    if (!belongs) {
        bf_list_truncate (&answer->jobs, 0);
        bf_list_truncate (&answer->runs, 0);
        bf_answer_forget_items (answer);
        answer->result = answer->failed ? BELFRY__V1__REPLY__RESULT_BATCH : 0;
    }
}

static bool
is_sure (const bf_ledger *self, const Belfry__V1__Request *request)
{
    return request->command_case == BELFRY__V1__REQUEST__COMMAND_SCHEDULE
               ? bf_schedule_is_sure (self, request->schedule)
               : verb_of (request->command_case)->sure;
}

/* A savepoint costs a copy of every page that the command writes to: one that is sure does
 * without. */
bf_err
bf_command_run (bf_ledger *self, bf_command *command, const Belfry__V1__Request *request,
                bf_answer *answer, bf_error *error)
{
    bool sure = is_sure (self, request);
    bf_mark mark;
    bf_err rc = sure ? bf_ledger_mark (self, &mark, error)
                     : bf_ledger_savepoint (self, &mark, error);
    if (rc != BF_OK) {
        return rc;
    }
    bf_arena_set_limit (self->arena, BF_BATCH_BYTES - BF_ASIDE_BYTES);
    answer->code = command (self, request, answer, &answer->error);
    bool too_much = answer->code == BF_ENOMEM && bf_arena_is_full (self->arena);
    bf_arena_set_limit (self->arena, BF_BATCH_BYTES);
    if (too_much) {
        answer->code = BF_ELIMIT;
        bf_fail (&answer->error, BF_ELIMIT, "this is too much for one call: split it");
    }
    if (answer->code == BF_OK) {
        return sure ? BF_OK : bf_ledger_release (self, error);
    }
    if (!bf_ledger_is_refusal (answer->code)) {
        *error = answer->error;
        return answer->code;
    }
    forget_result (answer);
    return sure ? bf_ledger_unmark (self, &mark, error)
                : bf_ledger_undo (self, &mark, error);
}

static bf_err
change (bf_ledger *self, bf_caller caller, bf_command *command,
        const Belfry__Internal__Call *call, bf_answer *answer, bf_error *error)
{
    const Belfry__V1__Request *request = call->request;
    uint64_t fingerprint = call->fingerprint
                               ? call->fingerprint
                               : bf_request_fingerprint (request, self->arena);
    if (fingerprint == 0) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    uint64_t before = 0;
    bool found = false;
    bf_err rc = bf_answer_find (self, caller, &found, &before, answer, error);
    if (rc != BF_OK || found) {
        return rc == BF_OK
                   ? bf_answer_repeat (self, caller, answer, before == fingerprint, error)
                   : rc;
    }
    if (verb_of (request->command_case)->copies) {
        return bf_backup_command_judge (self, caller, request, fingerprint, error);
    }
    if (bf_operation_is_known (self, caller)) {
        return bf_operation_join (self, caller, fingerprint, error);
    }
    if (bf_ledger_is_exhausted (self) || (self->scarce && !bf_command_frees (request))) {
        bf_error refusal = {0};
        bf_fail (
            &refusal, BF_EDISKFULL,
            "the disk is full: completions, cancels of one job and prunes go through, all "
            "else is refused until there is room; try again later");
        return bf_refusal_send (self, caller, &refusal, error);
    }
    if (bf_request_filter (request)) {
        return bf_operation_begin (self, caller, fingerprint, request, error);
    }
    if (bf_request_dry_run (request)) {
        return bf_dry_run_send (self, caller, request, error);
    }
    rc = bf_command_run (self, command, request, answer, error);
    if (rc != BF_OK) {
        return rc;
    }
    answer->seq = self->counters.head_seq;
    rc = bf_answer_store (self, caller, fingerprint, answer, error);
    return rc == BF_OK ? bf_answer_send (self, caller, answer, false, error) : rc;
}

bf_err
bf_call_judge (bf_ledger *self, const Belfry__Internal__Call *call, bf_error *error)
{
    const Belfry__V1__Request *request = call->request;
    const verb_t *verb = verb_of (request->command_case);
    bf_caller caller = {call->call, request->client, request->request_id};
    if (verb->read) {
        return read (self, caller, verb->read, call, error);
    }
    bf_answer answer = {0};
    bf_err rc = change (self, caller, verb->change, call, &answer, error);
    bf_answer_clear (&answer);
    return rc;
}
