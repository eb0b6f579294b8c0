/* SPDX-License-Identifier: MPL-2.0
 *
 * One effect per call, also where the answer to it never left: nothing is made more often
 * than it was asked for. Of jobs their definitions are counted, of which hardly two are
 * equal; of what is done to a job the calls that name it, by its id or by its key, with
 * those by filter, which may be for any.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST(name) BELFRY__V1__REQUEST__COMMAND_##name

/* How often something was asked for, and how often it was done. */
typedef struct {
    uint64_t asked;
    uint64_t done;
    int64_t since_us; /* true time: first asked for */
} effect_tally;

#define NAME_BYTES 640

static effect_tally *
tally_at (checker *self, const char *name, int size)
{
    effect_tally *there = table_get (self->tallies, name, (size_t)size);
    if (!there) {
        there = checker_keep (self, sizeof *there);
        table_put (self->tallies, name, (size_t)size, there);
    }
    return there;
}

static void
count_asked (checker *self, effect_tally *tally)
{
    if (tally->asked++ == 0) {
        tally->since_us = world_now (self->world).true_us;
    }
}

/* Asked for so long ago that its answer may be forgotten. */
static bool
may_be_again (const checker *self, const effect_tally *tally, const model_event *event)
{
    return tally->asked > 0 &&
           event->seen.true_us - tally->since_us + self->uncertain_us > REMEMBERED_US;
}

/* --- jobs ---------------------------------------------------------------------------- */

/* What the definition that was asked for and the one that was made have in common. */
static int
name_of_spec (const Belfry__V1__JobSpec *spec, uint64_t payload_hash, char *name)
{
    int64_t when_us = 0;
    if (spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AT_US) {
        when_us = spec->at_us;
    } else if (spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US) {
        when_us = spec->after_us;
    } else if (spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY) {
        when_us = spec->every->interval_us;
    } else {
        when_us = spec->end_us;
    }
    int size = snprintf (name, NAME_BYTES,
                         "job %s %s %s %d %" PRId64 " %" PRIx64 " %" PRIu32 " %" PRId64
                         " %" PRId64 " %" PRId64,
                         spec->ns[0] ? spec->ns : "default", spec->type, spec->key,
                         (int)spec->trigger_case, when_us, payload_hash, spec->max_runs,
                         spec->jitter_us, spec->run_timeout_us, spec->start_timeout_us);
    return size < NAME_BYTES ? size : NAME_BYTES - 1;
}

static void
ask_jobs (checker *self, const Belfry__V1__Schedule *in)
{
    for (size_t i = 0; i < in->n_jobs; i++) {
        const Belfry__V1__JobSpec *spec = in->jobs[i];
        char name[NAME_BYTES];
        uint64_t hash = checker_hash (CHECKER_HASH, spec->payload.data, spec->payload.len);
        count_asked (self, tally_at (self, name, name_of_spec (spec, hash, name)));
    }
}

/* --- what is done to jobs ------------------------------------------------------------ */

static effect_tally *
tally_of_ref (checker *self, event_kind kind, uint64_t id, const char *ns, const char *key)
{
    char name[NAME_BYTES];
    int size = id != 0 ? snprintf (name, sizeof name, "%d id %" PRIu64, (int)kind, id)
                       : snprintf (name, sizeof name, "%d key %s %s", (int)kind,
                                   ns[0] ? ns : "default", key);
    return tally_at (self, name, size < NAME_BYTES ? size : NAME_BYTES - 1);
}

static effect_tally *
tally_of_filter (checker *self, event_kind kind)
{
    char name[NAME_BYTES];
    return tally_at (self, name, snprintf (name, sizeof name, "%d filter", (int)kind));
}

static void
ask (checker *self, event_kind kind, const Belfry__V1__JobRef *ref, bool by_filter)
{
    if (by_filter || !ref) {
        count_asked (self, tally_of_filter (self, kind));
    } else {
        count_asked (self, tally_of_ref (self, kind, ref->id, ref->ns, ref->key));
    }
}

static void
ask_one (checker *self, const Belfry__V1__Request *in)
{
    switch (in->command_case) {
    case REQUEST (SCHEDULE):
        ask_jobs (self, in->schedule);
        break;
    case REQUEST (RESCHEDULE):
        ask (self, KIND_JOB_RESCHEDULED, in->reschedule->job, in->reschedule->filter);
        break;
    case REQUEST (CANCEL):
        ask (self, KIND_JOB_CANCELLED, in->cancel->job, in->cancel->filter);
        break;
    case REQUEST (CONFIRM):
        ask (self, KIND_JOB_CONFIRMED, in->confirm->job, in->confirm->filter);
        ask (self, KIND_JOB_CANCELLED, in->confirm->job, in->confirm->filter);
        break;
    case REQUEST (PAUSE):
        ask (self, KIND_JOB_PAUSED, in->pause->job, in->pause->filter);
        break;
    case REQUEST (RESUME):
        ask (self, KIND_JOB_RESUMED, in->resume->job, in->resume->filter);
        break;
    case REQUEST (TRIGGER):
        ask (self, KIND_JOB_TRIGGERED, in->trigger->job, in->trigger->filter);
        break;
    default:
        break;
    }
}

void
effects_asked (checker *self, const Belfry__V1__Request *request)
{
    if (request->command_case != REQUEST (BATCH)) {
        ask_one (self, request);
        return;
    }
    for (size_t i = 0; i < request->batch->n_items; i++) {
        Belfry__V1__Request item = BELFRY__V1__REQUEST__INIT;
        item.command_case =
            (Belfry__V1__Request__CommandCase)request->batch->items[i]->command_case;
        item.schedule = request->batch->items[i]->schedule;
        ask_one (self, &item);
    }
}

static void
check_made (checker *self, const model_event *event, const model_job *job)
{
    char name[NAME_BYTES];
    int size = name_of_spec (job->definition->spec, job->image->payload_hash, name);
    effect_tally *made = tally_at (self, name, size);
    if (++made->done > made->asked && !may_be_again (self, made, event)) {
        world_broken (self->world, "5", job->id,
                      "event %" PRIu64 " (%s): the %" PRIu64
                      ". such job, and it was asked for %" PRIu64 " times",
                      event->seq, event->event->kind, made->done, made->asked);
    }
}

void
effects_done (checker *self, const model_event *event, event_kind kind,
              const model_job *job)
{
    switch (kind) {
    case KIND_JOB_SCHEDULED:
    case KIND_JOB_REPLACED:
        check_made (self, event, job);
        return;
    case KIND_JOB_RESCHEDULED:
    case KIND_JOB_CANCELLED:
    case KIND_JOB_CONFIRMED:
    case KIND_JOB_PAUSED:
    case KIND_JOB_RESUMED:
    case KIND_JOB_TRIGGERED:
        break;
    default:
        return;
    }
    effect_tally *by_id = tally_of_ref (self, kind, job->id, "", "");
    effect_tally *by_filter = tally_of_filter (self, kind);
    uint64_t asked = by_id->asked + by_filter->asked;
    bool again = may_be_again (self, by_id, event) || may_be_again (self, by_filter, event);
    if (job->key[0] != '\0') {
        effect_tally *by_key = tally_of_ref (self, kind, 0, job->ns, job->key);
        asked += by_key->asked;
        again |= may_be_again (self, by_key, event);
    }
    if (++by_id->done > asked && !again) {
        world_broken (self->world, "5", job->id,
                      "event %" PRIu64 " (%s): done %" PRIu64 " times, asked for %" PRIu64,
                      event->seq, event->event->kind, by_id->done, asked);
    }
}
