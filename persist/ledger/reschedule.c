/* SPDX-License-Identifier: MPL-2.0
 *
 * Reschedule: the same job, another time.
 */
#include "messages/codec.h"
#include "messages/translate.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/rows.h"

/* The stored definition with the command's trigger in place of its own. */
static bf_err
retime (bf_ledger *self, const Belfry__V1__Reschedule *in, bf_job_row *job, bf_error *error)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    Belfry__V1__JobSpec *spec =
        belfry__v1__job_spec__unpack (&allocator, job->spec.len, job->spec.data);
    if (!spec) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bool recurs = in->trigger_case == BELFRY__V1__RESCHEDULE__TRIGGER_EVERY;
    if (recurs != bf_trigger_recurs (&job->law.trigger)) {
        return bf_fail (
            error, BF_EINVALID, "job %llu %s, and stays so: give it %s, or replace it",
            (unsigned long long)job->id, recurs ? "is a one-shot" : "is recurring",
            recurs ? "at_us or after_us" : "every");
    }
    if (recurs) {
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_EVERY;
        spec->every = in->every;
    } else if (in->trigger_case == BELFRY__V1__RESCHEDULE__TRIGGER_AT_US) {
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
        spec->at_us = in->at_us;
    } else {
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
        spec->after_us = in->after_us;
    }
    /* The jitter stays, and may not reach beyond the next slot. */
    if (recurs && spec->jitter_us >= spec->every->interval_us) {
        return bf_fail (error, BF_EINVALID,
                        "the job's jitter is as long as the interval or longer");
    }
    job->law = bf_spec_from_wire (spec);
    bf_err rc = bf_trigger_check (self, job->law.trigger, in->reject_past, error);
    return rc == BF_OK ? bf_spec_pack (self, spec, &job->spec, error) : rc;
}

bf_err
bf_command_reschedule (bf_ledger *self, const Belfry__V1__Request *request,
                       bf_answer *answer, bf_error *error)
{
    const Belfry__V1__Reschedule *in = request->reschedule;
    bf_job_row job;
    bf_err rc = bf_ref_load (self, in->job, in->if_version, &job, error);
    if (rc == BF_OK) {
        rc = bf_job_load_payload (self, &job, error);
    }
    if (rc == BF_OK) {
        rc = retime (self, in, &job, error);
    }
    if (rc == BF_OK) {
        rc = bf_answer_add_job (self, answer, &job, BELFRY__V1__OUTCOME__OUTCOME_CHANGED,
                                NULL, error);
    }
    return rc == BF_OK ? bf_job_redefine (self, &job, BF_EVENT_JOB_RESCHEDULED, error) : rc;
}
