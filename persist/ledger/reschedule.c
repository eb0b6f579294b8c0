/* SPDX-License-Identifier: MPL-2.0
 *
 * Reschedule: the same job, another time.
 */
#include "messages/codec.h"
#include "messages/translate.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/rows.h"

/* A trigger of the calendar: its zone where none is said is the one that there is; what its
 * calendars exclude stays. */
static void
recur_by_calendar (const Belfry__V1__Reschedule *in, Belfry__V1__JobSpec *spec)
{
    /* Both oneofs hold one pointer, whichever text it is. */
    spec->trigger_case = (Belfry__V1__JobSpec__TriggerCase)in->trigger_case;
    spec->cron = in->cron;
    spec->skipped = in->skipped;
    spec->repeated = in->repeated;
    if (in->tz[0] != '\0') {
        spec->tz = in->tz;
    } else if (spec->tz[0] == '\0') {
        spec->tz = "UTC";
    }
}

static void
recur_by_interval (const Belfry__V1__Reschedule *in, Belfry__V1__JobSpec *spec)
{
    spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_EVERY;
    spec->every = in->every;
    spec->skipped = BELFRY__V1__SKIPPED__SKIPPED_UNSPECIFIED;
    spec->repeated = BELFRY__V1__REPEATED__REPEATED_UNSPECIFIED;
    if (spec->n_exclude == 0) {
        spec->tz = "";
    }
}

/* A text's number is the same in both. */
#define SAME(trigger)                                                \
    _Static_assert((int)BELFRY__V1__RESCHEDULE__TRIGGER_##trigger == \
                       (int)BELFRY__V1__JOB_SPEC__TRIGGER_##trigger, \
                   "the numbers in Reschedule must be those in JobSpec")
SAME (CRON);
SAME (DAILY);
SAME (RRULE);
#undef SAME

/* Puts the command's trigger in place of the definition's own. */
static bf_err
set_trigger (const Belfry__V1__Reschedule *in, const bf_job_row *job,
             Belfry__V1__JobSpec *spec, bf_error *error)
{
    bool one_shot = in->trigger_case == BELFRY__V1__RESCHEDULE__TRIGGER_AT_US ||
                    in->trigger_case == BELFRY__V1__RESCHEDULE__TRIGGER_AFTER_US;
    if (one_shot == bf_trigger_recurs (&job->law.trigger)) {
        return bf_fail (
            error, BF_EINVALID, "job %llu %s, and stays so: give it %s, or replace it",
            (unsigned long long)job->id, one_shot ? "is recurring" : "is a one-shot",
            one_shot ? "every, cron, daily or rrule" : "at_us or after_us");
    }
    switch (in->trigger_case) {
    case BELFRY__V1__RESCHEDULE__TRIGGER_EVERY:
        recur_by_interval (in, spec);
        break;
    case BELFRY__V1__RESCHEDULE__TRIGGER_AT_US:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
        spec->at_us = in->at_us;
        break;
    case BELFRY__V1__RESCHEDULE__TRIGGER_AFTER_US:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
        spec->after_us = in->after_us;
        break;
    default:
        recur_by_calendar (in, spec);
        break;
    }
    /* The jitter stays, and may not reach beyond the next slot. */
    if (in->trigger_case == BELFRY__V1__RESCHEDULE__TRIGGER_EVERY &&
        spec->jitter_us >= spec->every->interval_us) {
        return bf_fail (error, BF_EINVALID,
                        "the job's jitter is as long as the interval or longer");
    }
    if (in->trigger_case == BELFRY__V1__RESCHEDULE__TRIGGER_EVERY &&
        spec->n_remind_before_us > 0 &&
        spec->remind_before_us[0] > spec->every->interval_us) {
        return bf_fail (error, BF_EINVALID,
                        "the job's earliest reminder is longer before its slot than the "
                        "interval: replace the job, with other reminders");
    }
    return BF_OK;
}

/* The stored definition with the command's trigger. */
static bf_err
retime (bf_ledger *self, const Belfry__V1__Reschedule *in, bf_job_row *job, bf_error *error)
{
    ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
    Belfry__V1__JobSpec *spec =
        belfry__v1__job_spec__unpack (&allocator, job->spec.len, job->spec.data);
    if (!spec) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_spec_resolve (spec);
    bf_err rc = set_trigger (in, job, spec, error);
    if (rc == BF_OK) {
        rc = bf_job_set_definition (self, job, spec, error);
    }
    return rc == BF_OK ? bf_trigger_check (self, job->law.trigger, in->reject_past, error)
                       : rc;
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
