/* SPDX-License-Identifier: MPL-2.0
 *
 * The model as it was: every reply is judged by the state at its own seq, whenever that is.
 * A seq is found in the list of its job's events by halving.
 */
#include "tests/simulation/checker/private.h"

#include <string.h>

/* How many of the job's events are not after this seq. */
static size_t
count_up_to (const model_job *job, uint64_t seq)
{
    size_t low = 0;
    size_t high = job->seq_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (job->seqs[middle] <= seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const model_event *
past_job (const checker *self, const model_job *job, uint64_t seq)
{
    size_t count = count_up_to (job, seq);
    return count > 0 ? model_event_at (self, job->seqs[count - 1]) : NULL;
}

int64_t
past_due (const model_job *job, const model_event *at, uint64_t seq)
{
    for (size_t i = job->replan_count; i > 0; i--) {
        if (job->replans[i - 1].seq <= seq) {
            return job->replans[i - 1].seq > at->seq ? job->replans[i - 1].image->due_us
                                                     : at->job->due_us;
        }
    }
    return at->job->due_us;
}

bool
past_has_job (const checker *self, const model_job *job, uint64_t seq)
{
    (void)self;
    return job && job->first_seq <= seq && (!job->pruned || job->pruned_seq > seq);
}

const Belfry__V1__Run *
past_run (const checker *self, const model_run *run, uint64_t seq, uint64_t *last_seq)
{
    uint64_t at = run->last_seq;
    while (at > seq) {
        at = model_event_at (self, at)->run_before;
    }
    if (last_seq) {
        *last_seq = at;
    }
    return at > 0 ? model_event_at (self, at)->run : NULL;
}

const model_definition *
past_definition (const model_job *job, uint64_t seq)
{
    const model_definition *definition = job->definition;
    while (definition && definition->seq > seq) {
        definition = definition->before;
    }
    return definition;
}

static model_job *
newest_holder (const checker *self, const char *ns, const char *key, uint64_t seq)
{
    const key_holders *holders = model_holders (self, ns, key);
    for (size_t i = holders ? holders->count : 0; i > 0; i--) {
        if (past_has_job (self, holders->jobs[i - 1], seq)) {
            return holders->jobs[i - 1];
        }
    }
    return NULL;
}

model_job *
past_find (const checker *self, const Belfry__V1__JobRef *ref, uint64_t seq)
{
    if (ref->id == 0) {
        return newest_holder (self, ref->ns[0] ? ref->ns : "default", ref->key, seq);
    }
    model_job *job = model_find (self, ref->id);
    return past_has_job (self, job, seq) ? job : NULL;
}

model_job *
past_open (const checker *self, const char *ns, const char *key, uint64_t seq)
{
    if (key[0] == '\0') {
        return NULL;
    }
    model_job *job = newest_holder (self, ns[0] ? ns : "default", key, seq);
    const model_event *last = job ? past_job (self, job, seq) : NULL;
    return last && model_job_is_open (last->job->state) ? job : NULL;
}

const model_event *
past_leader (const checker *self, const model_job *job, uint64_t kinds, uint64_t seq,
             bool right_behind)
{
    size_t count = count_up_to (job, seq);
    uint64_t expected = seq;
    for (; count > 0; count--) {
        const model_event *event = model_event_at (self, job->seqs[count - 1]);
        if (right_behind && event->seq != expected) {
            return NULL;
        }
        if ((kinds & UINT64_C (1) << kind_of (event->event->kind)) != 0) {
            return event;
        }
        expected = event->seq - 1;
    }
    return NULL;
}
