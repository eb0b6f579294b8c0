/* SPDX-License-Identifier: MPL-2.0
 *
 * The operations that are under way: begun, joined, worked off in turn, ended. What an
 * operation has done, and who waits for it, is changed in `now` and kept or taken back with
 * the batch.
 */
#include "persist/ledger/operations.h"

#include <string.h>

#include "messages/codec.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/filter.h"
#include "persist/ledger/operation.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/tend.h"

/* What a slice does and looks at at most, so that it and its commit take a few
 * milliseconds: whoever calls meanwhile waits for that long. A change costs 20 to 40 us. */
#define SLICE_CHANGES 100
#define SLICE_EXAMINED 2000

/* How long a caller waits before it hears how far it is. */
#define PATIENCE_US BF_SECOND_US
/* How long a dry run lives after somebody has asked for it. */
#define INTEREST_US BF_MINUTE_US

void
bf_operations_free (bf_ledger *self)
{
    for (size_t i = 0; i < self->operations.count; i++) {
        bf_operation_destroy (self->operations.items[i]);
    }
    bf_list_clear (&self->operations);
}

/* Takes those out of the list that the batch has ended, or, undone, had begun. */
static void
sweep (bf_ledger *self, bool keep)
{
    size_t count = 0;
    for (size_t i = 0; i < self->operations.count; i++) {
        bf_operation *operation = self->operations.items[i];
        if (keep ? operation->now.gone : operation->begun) {
            bf_operation_destroy (operation);
            continue;
        }
        self->operations.items[count++] = operation;
        operation->begun = false;
        if (keep) {
            operation->kept = operation->now;
        } else {
            operation->now = operation->kept;
        }
    }
    bf_list_truncate (&self->operations, count);
}

void
bf_operations_keep (bf_ledger *self)
{
    sweep (self, true);
}

void
bf_operations_undo (bf_ledger *self)
{
    sweep (self, false);
}

/* --- callers ------------------------------------------------------------------------- */

static bf_operation *
find (const bf_ledger *self, bf_caller caller)
{
    for (size_t i = 0; i < self->operations.count; i++) {
        bf_operation *operation = self->operations.items[i];
        if (!operation->now.gone && strcmp (operation->client, caller.client) == 0 &&
            strcmp (operation->request_id, caller.request_id) == 0) {
            return operation;
        }
    }
    return NULL;
}

bool
bf_operation_is_known (const bf_ledger *self, bf_caller caller)
{
    return find (self, caller) != NULL;
}

/* Whoever waits hears how far it is, and waits no more. */
static bf_err
answer (bf_ledger *self, bf_operation *operation, bf_error *error)
{
    bf_caller caller = {operation->now.call, operation->client, operation->request_id};
    bf_answer said = {
        .result = BELFRY__V1__REPLY__RESULT_BULK,
        .bulk = bf_operation_render (self, operation),
    };
    if (!said.bulk) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    operation->now.call = 0;
    operation->now.gone = operation->now.done;
    return bf_answer_send (self, caller, &said, false, error);
}

static void
wait (bf_ledger *self, bf_operation *operation, uint64_t call)
{
    operation->now.call = call;
    operation->now.asked = self->now.boot;
    operation->now.answer_at.us = bf_us_add (self->now.boot.us, PATIENCE_US);
}

bf_err
bf_operation_join (bf_ledger *self, bf_caller caller, uint64_t fingerprint, bf_error *error)
{
    bf_operation *operation = find (self, caller);
    BF_INVARIANT (operation != NULL);
    if (operation->fingerprint != fingerprint) {
        return bf_answer_repeat (self, caller, NULL, false, error);
    }
    if (operation->now.call != 0) {
        /* Its place is taken. */
        Belfry__Internal__Answer *forget = bf_arena_alloc (self->arena, sizeof *forget);
        if (!forget) {
            return bf_fail_plain (error, BF_ENOMEM);
        }
        belfry__internal__answer__init (forget);
        forget->call = operation->now.call;
        bf_err rc = bf_outcome_gateway (self, forget, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    wait (self, operation, caller.call);
    return operation->now.done ? answer (self, operation, error) : BF_OK;
}

bf_err
bf_operation_begin (bf_ledger *self, bf_caller caller, uint64_t fingerprint,
                    const Belfry__V1__Request *request, bf_error *error)
{
    if (self->operations.count >= BF_OPERATIONS) {
        bf_error refusal = {0};
        bf_fail (&refusal, BF_EBUSY,
                 "%d commands by filter are under way, the most there may be: try again "
                 "when one of them is done",
                 BF_OPERATIONS);
        return bf_refusal_send (self, caller, &refusal, error);
    }
    size_t size;
    const uint8_t *command = bf_pack (&request->base, self->arena, &size);
    bf_operation *operation = command ? bf_operation_new (caller, command, size) : NULL;
    if (!operation || bf_list_push (&self->operations, operation) != BF_OK) {
        if (operation) {
            bf_operation_destroy (operation);
        }
        return bf_fail_plain (error, BF_ENOMEM);
    }
    operation->id = self->counters.next_id;
    operation->fingerprint = fingerprint;
    operation->created_us = self->now.wall.us;
    operation->begun = true;
    wait (self, operation, caller.call);
    if (operation->dry_run) {
        return BF_OK;
    }
    self->counters.next_id += BF_ID_STEP;
    bf_err rc = bf_ledger_write_begin (self, error);
    return rc == BF_OK ? bf_operation_insert (self, operation, command, size, error) : rc;
}

/* --- a slice ------------------------------------------------------------------------- */

/* The step for one job, undone again in a dry run. */
static bf_err
step_or_try (bf_ledger *self, const bf_operation *operation, bf_slice *slice,
             const bf_job_row *job, bool *more, bf_error *error)
{
    if (!operation->dry_run) {
        bf_err rc = bf_ledger_write_begin (self, error);
        return rc == BF_OK ? operation->kind->step (self, slice, job, more, error) : rc;
    }
    bf_mark mark;
    bf_err rc = bf_ledger_savepoint (self, &mark, error);
    if (rc == BF_OK) {
        rc = operation->kind->step (self, slice, job, more, error);
    }
    return rc == BF_OK ? bf_ledger_undo (self, &mark, error) : rc;
}

static bf_err
step (bf_ledger *self, bf_operation *operation, bf_slice *slice, const bf_job_row *job,
      bool *more, bf_error *error)
{
    bf_err rc = step_or_try (self, operation, slice, job, more, error);
    if (rc == BF_OK && !*more) {
        operation->now.tally.at = (bf_half_done){0};
    }
    return rc;
}

/* Goes on with the job that the slice before has left half done. */
static bf_err
do_half_done (bf_ledger *self, bf_operation *operation, bf_slice *slice, bf_error *error)
{
    bf_tally *tally = &operation->now.tally;
    uint64_t id = tally->at.job;
    bool more = false;
    bf_job_row job;
    bf_error absent = {0};
    bf_err rc = bf_job_load (self, id, &job, &absent);
    if (rc == BF_OK) {
        rc = step (self, operation, slice, &job, &more, error);
    } else if (rc == BF_ENOTFOUND) {
        /* It was pruned meanwhile. */
        tally->at = (bf_half_done){0};
        rc = BF_OK;
    } else {
        *error = absent;
    }
    if (rc == BF_OK && !more) {
        tally->cursor = id;
    }
    return rc;
}

/* Goes through the candidates until there is no room left. *all: none is left. */
static bf_err
do_jobs (bf_ledger *self, bf_operation *operation, bf_slice *slice, const bf_filter *filter,
         const bf_candidates *found, bool *all, bf_error *error)
{
    bf_tally *tally = &operation->now.tally;
    bf_err rc = BF_OK;
    size_t i = 0;
    bool more = false;
    while (rc == BF_OK && i < found->count && slice->room > 0 && !more &&
           found->ids[i] < operation->id) {
        bf_job_row job;
        rc = bf_job_load (self, found->ids[i], &job, error);
        if (rc == BF_OK && bf_filter_matches (filter, &job)) {
            rc = step (self, operation, slice, &job, &more, error);
        }
        if (rc == BF_OK && !more) {
            tally->cursor = job.id;
            i++;
        }
    }
    bool beyond = i < found->count && found->ids[i] >= operation->id;
    *all = beyond || (i == found->count && (found->end || found->cursor >= operation->id));
    if (i == found->count && !*all) {
        tally->cursor = found->cursor;
    }
    return rc;
}

/* Jobs that nobody has looked at yet. */
static bf_err
do_next (bf_ledger *self, bf_operation *operation, bf_slice *slice, bf_error *error)
{
    const Belfry__V1__Filter *in = bf_request_filter (operation->request);
    bf_filter filter = bf_filter_of (self, in, operation->kind->states);
    bf_candidates found;
    filter.keys_are_many = operation->keys_are_many;
    bf_err rc = bf_filter_seek (self, &filter, operation->now.tally.cursor, SLICE_CHANGES,
                                SLICE_EXAMINED, &found, error);
    operation->keys_are_many = filter.keys_are_many;
    if (rc == BF_OK) {
        operation->now.tally.examined += found.examined;
        rc = do_jobs (self, operation, slice, &filter, &found, &operation->now.jobs_done,
                      error);
    }
    return rc;
}

/* Some more jobs. */
static bf_err
advance (bf_ledger *self, bf_operation *operation, bf_slice *slice, bf_error *error)
{
    const bf_half_done *at = &operation->now.tally.at;
    bf_err rc = at->job != 0 ? do_half_done (self, operation, slice, error) : BF_OK;
    if (rc == BF_OK && at->job == 0 && slice->room > 0) {
        rc = do_next (self, operation, slice, error);
    }
    if (rc == BF_OK && operation->kind->close && self->wrote && !operation->dry_run) {
        rc = operation->kind->close (self, slice, error);
    }
    return rc;
}

/* Stores the answer, unless a claim, which is not asked about operations, has used the
 * request_id meanwhile. */
static bf_err
remember (bf_ledger *self, bf_caller caller, uint64_t fingerprint, const bf_answer *said,
          bf_error *error)
{
    bf_answer before = {0};
    uint64_t other;
    bool found = false;
    bf_err rc = bf_answer_find (self, caller, &found, &other, &before, error);
    bf_answer_clear (&before);
    return rc == BF_OK && !found ? bf_answer_store (self, caller, fingerprint, said, error)
                                 : rc;
}

/* The last slice is done: what it did is the answer from now on. */
static bf_err
finish (bf_ledger *self, bf_operation *operation, bf_error *error)
{
    operation->now.done = true;
    if (operation->now.tally.cursor < operation->id) {
        operation->now.tally.cursor = operation->id;
    }
    bf_err rc = BF_OK;
    if (!operation->dry_run) {
        bf_caller caller = {0, operation->client, operation->request_id};
        bf_answer said = {
            .seq = self->counters.head_seq,
            .result = BELFRY__V1__REPLY__RESULT_BULK,
            .bulk = bf_operation_render (self, operation),
        };
        rc = said.bulk ? bf_ledger_write_begin (self, error)
                       : bf_fail_plain (error, BF_ENOMEM);
        if (rc == BF_OK) {
            rc = bf_operation_delete (self, operation, error);
        }
        if (rc == BF_OK) {
            rc = remember (self, caller, operation->fingerprint, &said, error);
        }
        operation->now.gone = true;
    }
    return rc == BF_OK && operation->now.call != 0 ? answer (self, operation, error) : rc;
}

static bf_err
slice_of (bf_ledger *self, bf_operation *operation, bf_error *error)
{
    bf_slice slice = {
        .request = operation->request,
        .dry_run = operation->dry_run,
        .began_us = operation->created_us,
        .room = SLICE_CHANGES,
        .tally = &operation->now.tally,
        .refusals = operation->refusals,
    };
    bf_err rc = BF_OK;
    bool more = false;
    if (!operation->now.jobs_done) {
        more = true;
        rc = advance (self, operation, &slice, error);
    } else if (operation->kind->rest) {
        rc = bf_ledger_write_begin (self, error);
        rc = rc == BF_OK ? operation->kind->rest (self, &slice, &more, error) : rc;
    }
    if (rc != BF_OK) {
        return rc;
    }
    bool over = operation->now.jobs_done && (!operation->kind->rest || !more);
    if (over) {
        return finish (self, operation, error);
    }
    /* How far it has looked is worth no commit of its own. */
    bool keep = self->wrote && !operation->dry_run;
    return keep ? bf_operation_update (self, operation, error) : BF_OK;
}

/* --- the chore ----------------------------------------------------------------------- */

/* Whether it could do a slice now. */
static bool
goes_on (const bf_ledger *self, const bf_operation *operation)
{
    return !operation->now.done && (!self->scarce || operation->frees);
}

static bf_boot
forgotten_at (const bf_operation *operation)
{
    return (bf_boot){bf_us_add (operation->now.asked.us, INTEREST_US)};
}

/* Answers those who have waited for long enough, and forgets the dry runs that nobody asks
 * for. */
static bf_err
look_after (bf_ledger *self, bf_operation *operation, bf_error *error)
{
    bool waited =
        operation->now.call != 0 && operation->now.answer_at.us <= self->now.boot.us;
    if (operation->dry_run && operation->now.call == 0 &&
        forgotten_at (operation).us <= self->now.boot.us) {
        operation->now.gone = true;
    }
    return waited ? answer (self, operation, error) : BF_OK;
}

static bf_err
tend (bf_ledger *self, bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < self->operations.count; i++) {
        rc = look_after (self, self->operations.items[i], error);
    }
    if (rc != BF_OK || bf_ledger_is_exhausted (self)) {
        return rc;
    }
    for (size_t i = 0; i < self->operations.count; i++) {
        size_t which = (self->next_operation + i) % self->operations.count;
        bf_operation *operation = self->operations.items[which];
        if (goes_on (self, operation) && !operation->now.gone) {
            self->next_operation = which + 1;
            return slice_of (self, operation, error);
        }
    }
    return BF_OK;
}

static bf_boot
next (const bf_ledger *self)
{
    bf_boot first = {INT64_MAX};
    for (size_t i = 0; i < self->operations.count; i++) {
        const bf_operation *operation = self->operations.items[i];
        bf_boot at = {INT64_MAX};
        if (goes_on (self, operation)) {
            at.us = self->scarce ? self->exhausted_until.us : 0;
        }
        if (operation->now.call != 0 && operation->now.answer_at.us < at.us) {
            at = operation->now.answer_at;
        }
        if (operation->dry_run && forgotten_at (operation).us < at.us) {
            at = forgotten_at (operation);
        }
        first = at.us < first.us ? at : first;
    }
    return first;
}

const bf_chore bf_operations_chore = {tend, next};
