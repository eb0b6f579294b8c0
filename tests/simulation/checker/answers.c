/* SPDX-License-Identifier: MPL-2.0
 *
 * Which answers are kept for repeats, and when two of them are the same: codes, seqs, ids
 * and outcomes are; the objects are read again, and may have gone on.
 */
#include "tests/simulation/checker/private.h"

#include <string.h>

#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define REQUEST(name) BELFRY__V1__REQUEST__COMMAND_##name
#define RESULT(name) BELFRY__V1__REPLY__RESULT_##name

static bool
is_read (Belfry__V1__Request__CommandCase command)
{
    return command == REQUEST (HEARTBEAT) ||
           (command >= REQUEST (GET) && command <= REQUEST (LIST_CALENDARS));
}

static bool
is_dry (const Belfry__V1__Request *request)
{
    switch (request->command_case) {
    case REQUEST (RESCHEDULE):
        return request->reschedule->dry_run;
    case REQUEST (CANCEL):
        return request->cancel->dry_run;
    case REQUEST (CONFIRM):
        return request->confirm->dry_run;
    case REQUEST (PAUSE):
        return request->pause->dry_run;
    case REQUEST (RESUME):
        return request->resume->dry_run;
    case REQUEST (TRIGGER):
        return request->trigger->dry_run;
    case REQUEST (REDRIVE):
        return request->redrive->dry_run;
    case REQUEST (PRUNE):
        return request->prune->dry_run;
    default:
        return false;
    }
}

/* Codes that the store remembers, with everything that they came with. */
static bool
is_remembered_code (Belfry__V1__Code code)
{
    switch (code) {
    case CODE (OK):
    case CODE (NOT_FOUND):
    case CODE (KEY_TAKEN):
    case CODE (PAST_DUE):
    case CODE (TOO_LATE):
    case CODE (WRONG_STATE):
    case CODE (STALE_TOKEN):
    case CODE (VERSION_CONFLICT):
        return true;
    default:
        return false;
    }
}

bool
answers_is_remembered (const call *self, const Belfry__V1__Reply *reply)
{
    for (const variant *each = self->variants; each; each = each->next) {
        if (is_read (each->request->command_case) || is_dry (each->request)) {
            return false;
        }
    }
    switch (reply->result_case) {
    case RESULT (BULK):
        return reply->bulk->done;
    case RESULT (BACKUP):
        return reply->backup->done;
    case RESULT (CLAIM):
        return reply->claim->n_leases > 0;
    default:
        return is_remembered_code (reply->code);
    }
}

static bool
same_jobs (const Belfry__V1__JobsReply *first, const Belfry__V1__JobsReply *again)
{
    size_t at = 0;
    for (size_t i = 0; i < again->n_items; i++) {
        const Belfry__V1__JobsReply__Item *item = again->items[i];
        while (at < first->n_items && first->items[at]->job->id != item->job->id) {
            at++;
        }
        if (at == first->n_items || first->items[at]->outcome != item->outcome ||
            first->items[at]->job->version > item->job->version ||
            first->items[at]->job->last_seq > item->job->last_seq) {
            return false;
        }
        at++;
    }
    return true;
}

static bool
same_runs (const Belfry__V1__RunsReply *first, const Belfry__V1__RunsReply *again)
{
    size_t at = 0;
    for (size_t i = 0; i < again->n_runs; i++) {
        while (at < first->n_runs &&
               strcmp (first->runs[at]->run, again->runs[i]->run) != 0) {
            at++;
        }
        if (at == first->n_runs || first->runs[at]->last_seq > again->runs[i]->last_seq) {
            return false;
        }
        at++;
    }
    return first->unchanged == again->unchanged;
}

static bool
same_batch (const Belfry__V1__BatchReply *first, const Belfry__V1__BatchReply *again)
{
    bool same = first->n_items == again->n_items && first->failed == again->failed;
    for (size_t i = 0; same && i < first->n_items; i++) {
        const Belfry__V1__BatchReply__Item *a = first->items[i];
        const Belfry__V1__BatchReply__Item *b = again->items[i];
        same = a->result_case == b->result_case &&
               (a->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_JOBS
                    ? same_jobs (a->jobs, b->jobs)
                    : same_runs (a->runs, b->runs));
    }
    return same;
}

static bool
same_leases (const Belfry__V1__ClaimReply *first, const Belfry__V1__ClaimReply *again)
{
    for (size_t i = 0; i < again->n_leases; i++) {
        size_t at = 0;
        while (at < first->n_leases &&
               strcmp (first->leases[at]->token, again->leases[i]->token) != 0) {
            at++;
        }
        if (at == first->n_leases) {
            return false;
        }
    }
    return true;
}

static bool
same_calendars (const Belfry__V1__CalendarsReply *first,
                const Belfry__V1__CalendarsReply *again)
{
    bool same =
        first->n_calendars == again->n_calendars && first->unchanged == again->unchanged;
    for (size_t i = 0; same && i < first->n_calendars; i++) {
        same = first->calendars[i]->version <= again->calendars[i]->version &&
               strcmp (first->calendars[i]->name, again->calendars[i]->name) == 0;
    }
    return same;
}

static bool
same_bulk (const Belfry__V1__BulkReply *first, const Belfry__V1__BulkReply *again)
{
    return first->operation == again->operation && first->done == again->done &&
           first->changed == again->changed && first->unchanged == again->unchanged &&
           first->refused == again->refused && first->runs == again->runs &&
           first->events == again->events && first->n_refusals == again->n_refusals;
}

bool
answers_are_same (const Belfry__V1__Reply *first, const Belfry__V1__Reply *again)
{
    if (first->code != again->code || first->seq != again->seq ||
        first->result_case != again->result_case ||
        strcmp (first->text, again->text) != 0) {
        return false;
    }
    switch (first->result_case) {
    case RESULT (JOBS):
        return same_jobs (first->jobs, again->jobs);
    case RESULT (RUNS):
        return same_runs (first->runs, again->runs);
    case RESULT (BATCH):
        return same_batch (first->batch, again->batch);
    case RESULT (CLAIM):
        return same_leases (first->claim, again->claim);
    case RESULT (CALENDARS):
        return same_calendars (first->calendars, again->calendars);
    case RESULT (BULK):
        return same_bulk (first->bulk, again->bulk);
    default:
        return true;
    }
}
