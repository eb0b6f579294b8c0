/* SPDX-License-Identifier: MPL-2.0
 *
 * The commands that make and change jobs, in plain structs.
 */
#include "clients/c/client.h"

#include <stdlib.h>
#include <string.h>

enum { JOBS_PER_CALL = 1000 };

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), "as on the wire")
SAME (BELFRY_WORK, BELFRY__V1__DELIVERY__DELIVERY_WORK);
SAME (BELFRY_NOTIFY, BELFRY__V1__DELIVERY__DELIVERY_NOTIFY);
SAME (BELFRY_EXPONENTIAL, BELFRY__V1__BACKOFF__BACKOFF_EXPONENTIAL);
SAME (BELFRY_FIXED, BELFRY__V1__BACKOFF__BACKOFF_FIXED);
SAME (BELFRY_REJECT, BELFRY__V1__ON_KEY__ON_KEY_REJECT);
SAME (BELFRY_KEEP, BELFRY__V1__ON_KEY__ON_KEY_KEEP);
SAME (BELFRY_REPLACE, BELFRY__V1__ON_KEY__ON_KEY_REPLACE);
SAME (BELFRY_JOB_WAITING, BELFRY__V1__JOB_STATE__JOB_STATE_WAITING);
SAME (BELFRY_JOB_CONFIRMED, BELFRY__V1__JOB_STATE__JOB_STATE_CONFIRMED);
SAME (BELFRY_RUN_BLOCKED, BELFRY__V1__RUN_STATE__RUN_STATE_BLOCKED);
SAME (BELFRY_RUN_DELIVERED, BELFRY__V1__RUN_STATE__RUN_STATE_DELIVERED);
SAME (BELFRY_CREATED, BELFRY__V1__OUTCOME__OUTCOME_CREATED);
SAME (BELFRY_CHANGED, BELFRY__V1__OUTCOME__OUTCOME_CHANGED);
#undef SAME

/* A JobSpec and what it points to, so that one allocation holds a job. */
typedef struct {
    Belfry__V1__JobSpec spec;
    Belfry__V1__RetryPolicy retry;
} spec_room;

static char *
text_or_empty (const char *text)
{
    /* The generated structs want char *, but packing only reads. */
    return (char *)(text != NULL ? text : "");
}

static size_t
count_list (const char *const *list)
{
    size_t count = 0;
    while (list != NULL && list[count] != NULL) {
        count++;
    }
    return count;
}

static void
fill_retry (Belfry__V1__RetryPolicy *wire, const belfry_retry *retry)
{
    belfry__v1__retry_policy__init (wire);
    wire->max_attempts = retry->max_attempts;
    wire->backoff = (Belfry__V1__Backoff)retry->backoff;
    wire->delay_us = retry->delay_us;
    wire->factor_permille = retry->factor_permille;
    wire->max_delay_us = retry->max_delay_us;
    if (retry->jitter_percent != 0) {
        wire->jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT;
        wire->jitter_percent =
            retry->jitter_percent > 0 ? (uint32_t)retry->jitter_percent : 0;
    }
}

static void
fill_spec (spec_room *room, const belfry_job *job)
{
    Belfry__V1__JobSpec *spec = &room->spec;
    belfry__v1__job_spec__init (spec);
    spec->ns = text_or_empty (job->ns);
    spec->key = text_or_empty (job->key);
    spec->type = text_or_empty (job->type);
    spec->payload.data = (uint8_t *)job->payload;
    spec->payload.len = job->payload_size;
    spec->content_type = text_or_empty (job->content_type);
    spec->tags = (char **)job->tags;
    spec->n_tags = count_list (job->tags);
    spec->delivery = (Belfry__V1__Delivery)job->delivery;
    if (job->at_us != 0) {
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
        spec->at_us = job->at_us;
    } else {
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
        spec->after_us = job->after_us;
    }
    fill_retry (&room->retry, &job->retry);
    spec->retry = &room->retry;
    spec->lease_us = job->lease_us;
    spec->run_timeout_us = job->run_timeout_us;
    spec->start_timeout_us = job->start_timeout_us;
}

static void
fill_answer (belfry_answer *answer, const Belfry__V1__Reply *reply,
             const Belfry__V1__JobsReply__Item *item)
{
    *answer = (belfry_answer){
        .outcome = (belfry_outcome)item->outcome,
        .out = (uint32_t)item->n_out,
        .repeated = reply->repeated,
        .seq = reply->seq,
    };
    if (item->job != NULL) {
        answer->id = item->job->id;
        answer->state = (belfry_job_state)item->job->state;
        answer->due_us = item->job->due_us;
        answer->version = item->job->version;
    }
}

/* Makes the call; hands out the items where the reply has as many as were asked for, also
 * with the errors that show a job. */
static int
call_for_jobs (belfry *self, Belfry__V1__Request *request, size_t count,
               belfry_answer *answers)
{
    Belfry__V1__Reply *reply = NULL;
    int rc = belfry_call (self, request, &reply);
    if (rc != BELFRY_OK) {
        return rc;
    }
    rc = belfry_reply_error (self, reply);
    bool has_jobs = reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS;
    size_t items = has_jobs ? reply->jobs->n_items : 0;
    if (rc == BELFRY_OK && items != count) {
        rc = bf_client_fail (&self->link, BELFRY_BAD_ANSWER,
                             "the daemon answered %zu jobs where %zu were asked for", items,
                             count);
    }
    for (size_t index = 0; answers != NULL && index < items && index < count; index++) {
        fill_answer (&answers[index], reply, reply->jobs->items[index]);
    }
    belfry_reply_free (&reply);
    return rc;
}

int
belfry_schedule_many (belfry *self, const belfry_job *jobs, size_t count,
                      belfry_answer *answers)
{
    if (jobs == NULL || count == 0 || count > JOBS_PER_CALL) {
        return bf_client_fail (&self->link, BELFRY_BAD_ARGUMENT,
                               "1 to %d jobs go into one call, not %zu", JOBS_PER_CALL,
                               count);
    }
    for (size_t index = 1; index < count; index++) {
        if (jobs[index].on_key != jobs[0].on_key ||
            jobs[index].reject_past != jobs[0].reject_past) {
            return bf_client_fail (&self->link, BELFRY_BAD_ARGUMENT,
                                   "on_key and reject_past must be the same in every job "
                                   "of one call");
        }
    }
    spec_room *rooms = calloc (count, sizeof *rooms);
    Belfry__V1__JobSpec **specs = calloc (count, sizeof *specs);
    int rc = BELFRY_NO_MEMORY;
    if (rooms != NULL && specs != NULL) {
        for (size_t index = 0; index < count; index++) {
            fill_spec (&rooms[index], &jobs[index]);
            specs[index] = &rooms[index].spec;
        }
        Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
        schedule.jobs = specs;
        schedule.n_jobs = count;
        schedule.on_key = (Belfry__V1__OnKey)jobs[0].on_key;
        schedule.reject_past = jobs[0].reject_past;
        Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
        request.command_case = BELFRY__V1__REQUEST__COMMAND_SCHEDULE;
        request.schedule = &schedule;
        rc = call_for_jobs (self, &request, count, answers);
    }
    free (specs);
    free (rooms);
    return rc;
}

int
belfry_schedule (belfry *self, const belfry_job *job, belfry_answer *answer)
{
    return belfry_schedule_many (self, job, 1, answer);
}

static Belfry__V1__JobRef
wire_ref (belfry_ref job)
{
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    ref.id = job.id;
    ref.ns = text_or_empty (job.ns);
    ref.key = text_or_empty (job.key);
    return ref;
}

int
belfry_cancel (belfry *self, belfry_ref job, const char *reason, belfry_answer *answer)
{
    Belfry__V1__JobRef ref = wire_ref (job);
    Belfry__V1__Cancel cancel = BELFRY__V1__CANCEL__INIT;
    cancel.job = &ref;
    cancel.reason = text_or_empty (reason);
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CANCEL;
    request.cancel = &cancel;
    return call_for_jobs (self, &request, 1, answer);
}

int
belfry_confirm (belfry *self, belfry_ref job, bool cancel_open, belfry_answer *answer)
{
    Belfry__V1__JobRef ref = wire_ref (job);
    Belfry__V1__Confirm confirm = BELFRY__V1__CONFIRM__INIT;
    confirm.job = &ref;
    confirm.cancel_open = cancel_open;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CONFIRM;
    request.confirm = &confirm;
    return call_for_jobs (self, &request, 1, answer);
}

int
belfry_reschedule (belfry *self, belfry_ref job, int64_t at_us, int64_t after_us,
                   belfry_answer *answer)
{
    Belfry__V1__JobRef ref = wire_ref (job);
    Belfry__V1__Reschedule reschedule = BELFRY__V1__RESCHEDULE__INIT;
    reschedule.job = &ref;
    if (at_us != 0) {
        reschedule.trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_AT_US;
        reschedule.at_us = at_us;
    } else {
        reschedule.trigger_case = BELFRY__V1__RESCHEDULE__TRIGGER_AFTER_US;
        reschedule.after_us = after_us;
    }
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_RESCHEDULE;
    request.reschedule = &reschedule;
    return call_for_jobs (self, &request, 1, answer);
}

/* ------------------------------------------------------------------------------------- */
/* Get                                                                                   */

/* A belfry_job_info, its runs, and the reply that their strings live in. */
typedef struct {
    belfry_job_info info;
    Belfry__V1__Reply *reply;
    belfry_run_info runs[];
} info_room;

static void
fill_run (belfry_run_info *info, const Belfry__V1__Run *run)
{
    *info = (belfry_run_info){
        .id = run->run,
        .state = (belfry_run_state)run->state,
        .attempt = run->attempt,
        .failures = run->failures,
        .due_us = run->due_us,
        .lateness_us = run->lateness_us,
        .worker = run->worker,
        .reason = run->reason,
        .result = run->result.data,
        .result_size = run->result.len,
    };
}

static void
fill_info (info_room *room, const Belfry__V1__GetReply *get)
{
    const Belfry__V1__Job *job = get->job;
    room->info = (belfry_job_info){
        .id = job->id,
        .ns = job->spec->ns,
        .key = job->spec->key,
        .type = job->spec->type,
        .payload = job->spec->payload.data,
        .payload_size = job->spec->payload.len,
        .content_type = job->spec->content_type,
        .state = (belfry_job_state)job->state,
        .paused = job->paused,
        .due_us = job->due_us,
        .version = job->version,
        .run_count = job->runs,
        .open_runs = job->open_runs,
        .created_us = job->created_us,
        .updated_us = job->updated_us,
        .final_us = job->final_us,
        .runs = room->runs,
        .runs_size = get->n_runs,
        .own = room,
    };
    for (size_t index = 0; index < get->n_runs; index++) {
        fill_run (&room->runs[index], get->runs[index]);
    }
}

/* Consumes the reply. */
static int
take_info (belfry *self, Belfry__V1__Reply *reply, belfry_job_info **info_p)
{
    int rc = belfry_reply_error (self, reply);
    if (rc == BELFRY_OK && (reply->result_case != BELFRY__V1__REPLY__RESULT_GET ||
                            reply->get->job == NULL || reply->get->job->spec == NULL)) {
        rc = bf_client_fail (&self->link, BELFRY_BAD_ANSWER,
                             "the daemon's answer shows no job");
    }
    info_room *room = NULL;
    if (rc == BELFRY_OK) {
        room = malloc (sizeof *room + reply->get->n_runs * sizeof room->runs[0]);
        rc = room != NULL ? BELFRY_OK
                          : bf_client_fail (&self->link, BELFRY_NO_MEMORY, "out of memory");
    }
    if (room == NULL) {
        belfry_reply_free (&reply);
        return rc;
    }
    room->reply = reply;
    fill_info (room, reply->get);
    *info_p = &room->info;
    return BELFRY_OK;
}

int
belfry_get (belfry *self, belfry_ref job, belfry_job_info **info_p)
{
    Belfry__V1__JobRef ref = wire_ref (job);
    Belfry__V1__Get get = BELFRY__V1__GET__INIT;
    get.job = &ref;
    get.with_payload = true;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_GET;
    request.get = &get;
    Belfry__V1__Reply *reply = NULL;
    int rc = belfry_call (self, &request, &reply);
    return rc == BELFRY_OK ? take_info (self, reply, info_p) : rc;
}

void
belfry_job_info_free (belfry_job_info **info_p)
{
    if (info_p != NULL && *info_p != NULL) {
        info_room *room = (*info_p)->own;
        belfry_reply_free (&room->reply);
        free (room);
        *info_p = NULL;
    }
}
