/* SPDX-License-Identifier: MPL-2.0
 *
 * What a command by filter does for one job: the very command for that job, so that a rule
 * cannot hold for the one and not for the other.
 */
#include "persist/ledger/operation.h"

#include <stdio.h>
#include <string.h>

#include "persist/ledger/commands.h"
#include "persist/ledger/filter.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/sql.h"

/* A redrive changes two runs. */
#define REDRIVE_CHANGES 2

/* Of all the commands that can be by filter: their case, and the member of the oneof. */
#define COMMANDS(X)            \
    X (RESCHEDULE, reschedule) \
    X (CANCEL, cancel)         \
    X (CONFIRM, confirm)       \
    X (PAUSE, pause)           \
    X (RESUME, resume)         \
    X (TRIGGER, trigger)

/* --- the request -------------------------------------------------------------------- */

const Belfry__V1__Filter *
bf_request_filter (const Belfry__V1__Request *request)
{
    static const Belfry__V1__Filter everything = BELFRY__V1__FILTER__INIT;
    switch (request->command_case) {
#define X(name, member)                       \
    case BELFRY__V1__REQUEST__COMMAND_##name: \
        return request->member->filter;
        COMMANDS (X)
        X (REDRIVE, redrive)
#undef X
    case BELFRY__V1__REQUEST__COMMAND_PRUNE:
        return request->prune->filter ? request->prune->filter : &everything;
    default:
        return NULL;
    }
}

bool
bf_request_dry_run (const Belfry__V1__Request *request)
{
    switch (request->command_case) {
#define X(name, member)                       \
    case BELFRY__V1__REQUEST__COMMAND_##name: \
        return request->member->dry_run;
        COMMANDS (X)
        X (REDRIVE, redrive)
        X (PRUNE, prune)
#undef X
    default:
        return false;
    }
}

/* A request for one of the jobs, with room for what it is made of. */
typedef struct {
    Belfry__V1__Request request;
    Belfry__V1__JobRef ref;
    char run[BF_TOKEN_BYTES];
    union {
        Belfry__V1__Reschedule reschedule;
        Belfry__V1__Cancel cancel;
        Belfry__V1__Confirm confirm;
        Belfry__V1__Pause pause;
        Belfry__V1__Resume resume;
        Belfry__V1__Trigger trigger;
        Belfry__V1__Redrive redrive;
    } command;
} single_t;

static void
single_for_job (single_t *single, const Belfry__V1__Request *all, uint64_t job)
{
    single->request = *all;
    belfry__v1__job_ref__init (&single->ref);
    single->ref.id = job;
    switch (all->command_case) {
#define X(name, member)                                   \
    case BELFRY__V1__REQUEST__COMMAND_##name:             \
        single->command.member = *all->member;            \
        single->command.member.filter = NULL;             \
        single->command.member.dry_run = false;           \
        single->command.member.job = &single->ref;        \
        single->request.member = &single->command.member; \
        break;
        COMMANDS (X)
#undef X
    default:
        BF_INVARIANT (false);
    }
}

static void
single_for_run (single_t *single, const Belfry__V1__Request *all, uint64_t job,
                uint32_t ordinal)
{
    single->request = *all;
    snprintf (single->run, sizeof single->run, "%llu.%u", (unsigned long long)job, ordinal);
    single->command.redrive = *all->redrive;
    single->command.redrive.filter = NULL;
    single->command.redrive.dry_run = false;
    single->command.redrive.run = single->run;
    single->request.redrive = &single->command.redrive;
}

/* --- the steps ---------------------------------------------------------------------- */

void
bf_slice_refuse (bf_slice *slice, uint64_t job, const bf_error *refusal)
{
    bf_tally *tally = slice->tally;
    tally->refused++;
    if (tally->n_refusals < BF_REFUSALS_SHOWN) {
        bf_refusal *kept = &slice->refusals[tally->n_refusals++];
        kept->job = job;
        kept->code = (Belfry__V1__Code)bf_err_wire (refusal->code);
        memcpy (kept->text, refusal->text, sizeof kept->text);
    }
}

static void
spend (bf_slice *slice, size_t changes)
{
    slice->room -= changes < slice->room ? changes : slice->room;
}

/* What the answer to the command for one job says of it. */
static void
count_answer (bf_slice *slice, uint64_t job, const bf_answer *answer)
{
    bf_tally *tally = slice->tally;
    if (answer->code != BF_OK) {
        bf_slice_refuse (slice, job, &answer->error);
        return;
    }
    bool unchanged = answer->unchanged;
    if (answer->jobs.count > 0) {
        const Belfry__Internal__StoredJob *stored = answer->jobs.items[0];
        unchanged |= stored->outcome == BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED;
    }
    tally->unchanged += unchanged;
    tally->changed += !unchanged;
    tally->runs += answer->runs.count;
}

static bf_err
step_job (bf_ledger *self, bf_slice *slice, const bf_job_row *job, bool *more,
          bf_error *error)
{
    single_t single;
    bf_answer answer = {0};
    *more = false;
    single_for_job (&single, slice->request, job->id);
    bf_command *command = bf_command_of (slice->request->command_case);
    bf_err rc = bf_command_run (self, command, &single.request, &answer, error);
    if (rc == BF_OK) {
        count_answer (slice, job->id, &answer);
    }
    bf_answer_clear (&answer);
    /* The runs that are withdrawn with it. */
    spend (slice, 1 + job->open_runs);
    return rc;
}

/* The job's dead runs behind `at` that were not redriven, up to `max` of them. */
static bf_err
dead_runs (bf_ledger *self, const bf_half_done *at, size_t max, uint32_t **ordinals,
           size_t *count, bf_error *error)
{
    uint32_t *list = bf_arena_alloc (self->arena, max * sizeof *list);
    if (!list) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    sqlite3_stmt *stmt = bf_statement (self->statements, SQL_RUN_DEAD);
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)at->job);
    sqlite3_bind_int64 (stmt, 2, at->run);
    sqlite3_bind_int64 (stmt, 3, at->last_run);
    sqlite3_bind_int64 (stmt, 4, (sqlite3_int64)max);
    size_t found = 0;
    bool row = false;
    bf_err rc = bf_step_row (self->statements, stmt, &row, error);
    while (rc == BF_OK && row) {
        list[found++] = (uint32_t)sqlite3_column_int64 (stmt, 0);
        rc = bf_step_row (self->statements, stmt, &row, error);
    }
    *ordinals = list;
    *count = found;
    return rc;
}

static bf_err
redrive_run (bf_ledger *self, bf_slice *slice, uint64_t job, uint32_t ordinal,
             bool *refused, bf_error *error)
{
    single_t single;
    bf_answer answer = {0};
    single_for_run (&single, slice->request, job, ordinal);
    bf_err rc = bf_command_run (self, bf_command_redrive, &single.request, &answer, error);
    *refused = rc == BF_OK && answer.code != BF_OK;
    if (*refused) {
        bf_slice_refuse (slice, job, &answer.error);
    }
    bf_answer_clear (&answer);
    return rc;
}

/* Counts what was redriven, and notes how far it is. */
static void
count_redriven (bf_slice *slice, const uint32_t *ordinals, size_t made)
{
    bf_tally *tally = slice->tally;
    tally->changed += tally->at.run == 0 && made > 0;
    tally->runs += made;
    if (made > 0) {
        tally->at.run = ordinals[made - 1];
    }
}

/* What it would do: the first run is tried, for the others there is only one rule that can
 * stand against them. */
static bf_err
try_redrive (bf_ledger *self, bf_slice *slice, const bf_job_row *job, bool *more,
             bf_error *error)
{
    const bf_half_done *at = &slice->tally->at;
    uint32_t *ordinals = NULL;
    size_t count = 0;
    bool refused = false;
    bf_err rc = dead_runs (self, at, BF_OPEN_RUNS + 1, &ordinals, &count, error);
    if (rc == BF_OK && count > 0 && at->run == 0) {
        rc = redrive_run (self, slice, job->id, ordinals[0], &refused, error);
    }
    spend (slice, 1 + count / BF_RUNS_PER_ROOM);
    if (rc != BF_OK || refused) {
        return rc;
    }
    size_t made = count;
    if (job->law.delivery == BF_DELIVERY_WORK && job->open_runs + count > BF_OPEN_RUNS) {
        made = BF_OPEN_RUNS - job->open_runs;
        refused = true;
        bf_error refusal = {0};
        bf_fail (&refusal, BF_ELIMIT,
                 "job %llu would have %d open runs, the most that one may have",
                 (unsigned long long)job->id, BF_OPEN_RUNS);
        bf_slice_refuse (slice, job->id, &refusal);
    }
    count_redriven (slice, ordinals, made);
    *more = !refused && count > BF_OPEN_RUNS;
    return BF_OK;
}

/* The job's dead runs, one by one, as many as there is room for: after the first of them it
 * is dead no more, so that tally->at, and not the filter, leads back to it. Those that die
 * meanwhile are not for this command. What refuses one stands against all that are left,
 * and is one refusal of the job, which counts as changed where some were redriven. */
static bf_err
step_redrive (bf_ledger *self, bf_slice *slice, const bf_job_row *job, bool *more,
              bf_error *error)
{
    bf_half_done *at = &slice->tally->at;
    *more = false;
    if (at->job != job->id) {
        *at = (bf_half_done){.job = job->id, .last_run = job->runs};
    }
    if (slice->dry_run) {
        return try_redrive (self, slice, job, more, error);
    }
    size_t max = (slice->room + REDRIVE_CHANGES - 1) / REDRIVE_CHANGES;
    uint32_t *ordinals = NULL;
    size_t count = 0;
    size_t made = 0;
    bool refused = false;
    bf_err rc = dead_runs (self, at, max, &ordinals, &count, error);
    while (rc == BF_OK && !refused && made < count) {
        rc = redrive_run (self, slice, job->id, ordinals[made], &refused, error);
        made += rc == BF_OK && !refused;
    }
    count_redriven (slice, ordinals, made);
    *more = rc == BF_OK && made == max;
    spend (slice, 1 + REDRIVE_CHANGES * made);
    return rc;
}

static const bf_operation_kind change_open = {.states = BF_STATES_OPEN, .step = step_job};
static const bf_operation_kind redrive = {
    .states = BF_STATE_BIT (BF_JOB_DEAD),
    .step = step_redrive,
};

const bf_operation_kind *
bf_operation_kind_of (const Belfry__V1__Request *request)
{
    switch (request->command_case) {
#define X(name, member) case BELFRY__V1__REQUEST__COMMAND_##name:
        COMMANDS (X)
#undef X
        return &change_open;
    case BELFRY__V1__REQUEST__COMMAND_REDRIVE:
        return &redrive;
    case BELFRY__V1__REQUEST__COMMAND_PRUNE:
        return request->prune->finals_us ? &bf_prune_operation : &bf_prune_log_operation;
    default:
        return NULL;
    }
}

/* --- the reply ---------------------------------------------------------------------- */

Belfry__V1__BulkReply *
bf_tally_render (bf_ledger *self, const bf_tally *tally, const bf_refusal *refusals)
{
    size_t count = tally->n_refusals;
    Belfry__V1__BulkReply *bulk = bf_arena_alloc (self->arena, sizeof *bulk);
    Belfry__V1__BulkReply__Refusal *items =
        bf_arena_alloc (self->arena, count * sizeof *items);
    Belfry__V1__BulkReply__Refusal **list =
        bf_arena_alloc (self->arena, count * sizeof *list);
    if (!bulk || !items || !list) {
        return NULL;
    }
    belfry__v1__bulk_reply__init (bulk);
    bulk->changed = tally->changed;
    bulk->unchanged = tally->unchanged;
    bulk->refused = tally->refused;
    bulk->runs = tally->runs;
    bulk->events = tally->events;
    bulk->cursor = tally->cursor;
    bulk->examined = tally->examined;
    bulk->n_refusals = count;
    bulk->refusals = list;
    for (size_t i = 0; i < count; i++) {
        belfry__v1__bulk_reply__refusal__init (&items[i]);
        items[i].job = refusals[i].job;
        items[i].code = refusals[i].code;
        items[i].text = bf_arena_string (self->arena, refusals[i].text);
        if (!items[i].text) {
            return NULL;
        }
        list[i] = &items[i];
    }
    return bulk;
}

/* The job that the request names by its id, or by the id of its run; 0 where it does so by
 * key. */
static uint64_t
named_job (const Belfry__V1__Request *request)
{
    bf_token token = {0};
    switch (request->command_case) {
#define X(name, member)                       \
    case BELFRY__V1__REQUEST__COMMAND_##name: \
        return request->member->job->id;
        COMMANDS (X)
#undef X
    default:
        bf_run_id_parse (request->redrive->run, &token);
        return token.job;
    }
}

bf_err
bf_dry_run_send (bf_ledger *self, bf_caller caller, const Belfry__V1__Request *request,
                 bf_error *error)
{
    bf_tally tally = {.examined = 1};
    bf_refusal refusals[BF_REFUSALS_SHOWN];
    bf_slice slice = {.tally = &tally, .refusals = refusals};
    bf_answer answer = {0};
    bf_mark mark;
    bf_err rc = bf_ledger_savepoint (self, &mark, error);
    if (rc == BF_OK) {
        rc = bf_command_run (self, bf_command_of (request->command_case), request, &answer,
                             error);
    }
    if (rc == BF_OK) {
        count_answer (&slice, named_job (request), &answer);
        rc = bf_ledger_undo (self, &mark, error);
    }
    bf_answer_clear (&answer);
    if (rc != BF_OK) {
        return rc;
    }
    bf_answer bulk = {
        .result = BELFRY__V1__REPLY__RESULT_BULK,
        .bulk = bf_tally_render (self, &tally, refusals),
    };
    if (!bulk.bulk) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bulk.bulk->done = true;
    bulk.bulk->dry_run = true;
    return bf_answer_send (self, caller, &bulk, false, error);
}
