/* SPDX-License-Identifier: MPL-2.0
 *
 * Schedule: new jobs, or, on a key that is taken, what on_key says. Reschedule shares the
 * redefinition.
 */
#include <string.h>

#include "core/base/hash.h"
#include "messages/codec.h"
#include "messages/translate.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/names.h"
#include "persist/ledger/reminders.h"
#include "persist/ledger/rows.h"

bf_err
bf_trigger_check (bf_ledger *self, bf_trigger trigger, bool reject_past, bf_error *error)
{
    if (!reject_past || trigger.kind != BF_TRIGGER_AT || trigger.us >= self->now.wall.us) {
        return BF_OK;
    }
    char due[BF_ISO_BYTES];
    char now[BF_ISO_BYTES];
    return bf_fail (
        error, BF_EPASTDUE,
        "%s is in the past, it is %s here: leave reject_past out to fire at once",
        bf_wall_format ((bf_wall){trigger.us}, due), bf_wall_format (self->now.wall, now));
}

bf_err
bf_job_set_definition (bf_ledger *self, bf_job_row *job, const Belfry__V1__JobSpec *spec,
                       bf_error *error)
{
    Belfry__V1__JobSpec kept = bf_spec_kept (spec);
    job->definition = spec;
    job->law = bf_spec_from_wire (spec);
    job->tags = spec->tags;
    job->n_tags = spec->n_tags;
    job->spec.data = bf_pack (&kept.base, self->arena, &job->spec.len);
    return job->spec.data ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

/* The reminders' type and queue are there from now on, so that none fails for want of room.
 */
static bf_err
intern_reminders (bf_ledger *self, const Belfry__V1__JobSpec *spec, uint32_t ns,
                  bf_error *error)
{
    uint32_t type;
    uint32_t queue;
    bf_err rc = bf_name_intern (self, spec->reminder_type, &type, error);
    return rc == BF_OK ? bf_queue_intern (self, ns, type, &queue, error) : rc;
}

/* What a spec says, into a row: everything but identity, state and history. */
static bf_err
define (bf_ledger *self, const Belfry__V1__JobSpec *spec, bf_job_row *job, bf_error *error)
{
    job->payload = spec->payload;
    job->payload_bytes = (uint32_t)spec->payload.len;
    job->payload_hash = bf_hash (spec->payload.data, spec->payload.len);
    bf_err rc = bf_job_set_definition (self, job, spec, error);
    if (rc == BF_OK) {
        rc = bf_name_intern (self, spec->ns, &job->ns, error);
    }
    if (rc == BF_OK) {
        rc = bf_name_intern (self, spec->type, &job->type, error);
    }
    if (rc == BF_OK && spec->n_remind_before_us > 0) {
        rc = intern_reminders (self, spec, job->ns, error);
    }
    return rc == BF_OK ? bf_queue_intern (self, job->ns, job->type, &job->queue, error)
                       : rc;
}

static bf_err
create (bf_ledger *self, const Belfry__V1__JobSpec *spec, bool reject_past,
        bf_answer *answer, bf_error *error)
{
    bf_job_row job = {
        .id = self->counters.next_id,
        .key = spec->key[0] ? spec->key : NULL,
        .state = BF_JOB_SCHEDULED,
        .version = 1,
        .created_us = self->now.wall.us,
        .updated_us = self->now.wall.us,
    };
    self->counters.next_id += BF_ID_STEP;
    self->counters.open_jobs++;
    bf_err rc = define (self, spec, &job, error);
    if (rc == BF_OK) {
        rc = bf_trigger_check (self, job.law.trigger, reject_past, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_plan (self, &job, error);
    }
    if (rc == BF_OK) {
        bf_event_detail detail = {.job_image = true, .with_spec = true};
        rc = bf_event_write (self, BF_EVENT_JOB_SCHEDULED, &job, NULL, &detail, error);
    }
    if (rc == BF_OK) {
        rc = bf_reminders_tell (self, &job, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_insert (self, &job, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_tell (self, &job, error);
    }
    if (rc == BF_OK) {
        rc = bf_answer_add_job (self, answer, &job, BELFRY__V1__OUTCOME__OUTCOME_CREATED,
                                NULL, error);
    }
    return rc;
}

static bool
same_bytes (ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    return a.len == b.len && (a.len == 0 || memcmp (a.data, b.data, a.len) == 0);
}

bf_err
bf_job_redefine (bf_ledger *self, bf_job_row *job, bf_event_kind kind, bf_error *error)
{
    bf_err rc = bf_job_move_to (self, job, BF_JOB_RESCHEDULE, error);
    if (rc != BF_OK) {
        return rc;
    }
    job->version++;
    job->reason = BF_JOB_NO_REASON;
    rc = bf_job_plan (self, job, error);
    if (rc != BF_OK) {
        return rc;
    }
    bf_event_detail detail = {.job_image = true, .with_spec = true};
    rc = bf_event_write (self, kind, job, NULL, &detail, error);
    if (rc == BF_OK) {
        rc = bf_job_withdraw_runs (self, job, "the job was given another time", error);
    }
    if (rc == BF_OK) {
        rc = bf_reminders_tell (self, job, error);
    }
    if (rc == BF_OK) {
        rc = bf_job_save_definition (self, job, error);
    }
    return rc == BF_OK ? bf_job_tell (self, job, error) : rc;
}

/* The open job gets this definition. `again`: its wait begins anew, also where it is equal
 * (DEBOUNCE). */
static bf_err
replace (bf_ledger *self, const Belfry__V1__JobSpec *spec, bool reject_past, bool again,
         bf_job_row *job, bf_answer *answer, bf_error *error)
{
    bf_err rc = bf_job_load_payload (self, job, error);
    if (rc != BF_OK) {
        return rc;
    }
    /* Packed anew: older versions kept the defaults, too. */
    bf_job_row before = *job;
    rc = bf_job_set_definition (self, &before, job->definition, error);
    if (rc == BF_OK) {
        rc = define (self, spec, job, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    bool equal = before.type == job->type && same_bytes (before.spec, job->spec) &&
                 same_bytes (before.payload, job->payload);
    rc = bf_answer_add_job (self, answer, job,
                            !equal  ? BELFRY__V1__OUTCOME__OUTCOME_REPLACED
                            : again ? BELFRY__V1__OUTCOME__OUTCOME_CHANGED
                                    : BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED,
                            NULL, error);
    if (rc != BF_OK || (equal && !again)) {
        return rc;
    }
    rc = bf_trigger_check (self, job->law.trigger, reject_past, error);
    return rc == BF_OK
               ? bf_job_redefine (self, job,
                                  equal ? BF_EVENT_JOB_RESCHEDULED : BF_EVENT_JOB_REPLACED,
                                  error)
               : rc;
}

/* A clock that was set back does not make a window longer. */
static bool
is_throttled (const bf_ledger *self, const Belfry__V1__Schedule *in, const bf_job_row *job)
{
    int64_t age_us = self->now.wall.us - job->created_us;
    return in->on_key == BELFRY__V1__ON_KEY__ON_KEY_THROTTLE && age_us >= 0 &&
           age_us < in->window_us;
}

static bf_err
on_taken_key (bf_ledger *self, const Belfry__V1__JobSpec *spec,
              const Belfry__V1__Schedule *in, bf_job_row *job, bf_answer *answer,
              bf_error *error)
{
    bool debounces = in->on_key == BELFRY__V1__ON_KEY__ON_KEY_DEBOUNCE;
    if (debounces || in->on_key == BELFRY__V1__ON_KEY__ON_KEY_REPLACE) {
        return replace (self, spec, in->reject_past, debounces, job, answer, error);
    }
    bool reject = in->on_key == BELFRY__V1__ON_KEY__ON_KEY_REJECT;
    if (reject) {
        /* What the call had made so far is undone; the answer names the job in its way. */
        bf_list_truncate (&answer->jobs, 0);
    }
    bf_err rc = bf_answer_add_job (self, answer, job, BELFRY__V1__OUTCOME__OUTCOME_EXISTING,
                                   NULL, error);
    if (rc == BF_OK && reject) {
        return bf_fail (error, BF_EKEYTAKEN,
                        "job %llu in namespace %s has the key %s and is %s: choose keep or "
                        "replace, or another key",
                        (unsigned long long)job->id, spec->ns, spec->key,
                        bf_job_state_name (job->state));
    }
    return rc;
}

/* Whether the definition may take the place of the one that there is. */
static bf_err
check_version (const Belfry__V1__JobSpec *spec, const bf_job_row *open, uint32_t wanted,
               bf_error *error)
{
    if (wanted == 0 || open) {
        return open ? bf_version_check (open, wanted, error) : BF_OK;
    }
    return bf_fail (error, BF_EVERSIONED,
                    "no open job in namespace %s has the key %s, so none has version %u: "
                    "leave if_version out to make one",
                    spec->ns, spec->key, wanted);
}

static bf_err
schedule_one (bf_ledger *self, const Belfry__V1__JobSpec *spec,
              const Belfry__V1__Schedule *in, bf_answer *answer, bf_error *error)
{
    uint32_t ns = bf_name_find (self, spec->ns);
    uint64_t id;
    bool found = false;
    bf_job_row job = {0};
    bf_err rc = BF_OK;
    if (spec->key[0] != '\0' && ns != 0) {
        rc = bf_job_find (self, ns, spec->key, &id, &found, error);
    }
    if (rc == BF_OK && found) {
        rc = bf_job_load (self, id, &job, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    bool taken = found && bf_job_is_open (job.state);
    rc = check_version (spec, taken ? &job : NULL, in->if_version, error);
    if (rc != BF_OK) {
        return rc;
    }
    taken = taken || (found && is_throttled (self, in, &job));
    return taken ? on_taken_key (self, spec, in, &job, answer, error)
                 : create (self, spec, in->reject_past, answer, error);
}

bool
bf_schedule_is_sure (const bf_ledger *self, const Belfry__V1__Schedule *in)
{
    const Belfry__V1__JobSpec *spec = in->jobs[0];
    bool plain = spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AT_US ||
                 spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
    return in->n_jobs == 1 && plain && in->on_key != BELFRY__V1__ON_KEY__ON_KEY_REPLACE &&
           in->on_key != BELFRY__V1__ON_KEY__ON_KEY_DEBOUNCE &&
           bf_queue_is_known (self, spec->ns, spec->type) &&
           (spec->n_remind_before_us == 0 ||
            bf_queue_is_known (self, spec->ns, spec->reminder_type));
}

bf_err
bf_command_schedule (bf_ledger *self, const Belfry__V1__Request *request, bf_answer *answer,
                     bf_error *error)
{
    const Belfry__V1__Schedule *in = request->schedule;
    size_t start = bf_arena_used (self->arena);
    bf_err rc = BF_OK;
    for (size_t i = 0; rc == BF_OK && i < in->n_jobs; i++) {
        if (bf_arena_used (self->arena) - start >= BF_CALL_BYTES) {
            return bf_fail (error, BF_ELIMIT,
                            "jobs[%zu]: those before it did so much already that no more "
                            "is done in one commit: send fewer jobs at once",
                            i);
        }
        rc = schedule_one (self, in->jobs[i], in, answer, error);
    }
    return rc;
}
