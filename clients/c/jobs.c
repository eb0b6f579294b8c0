/* SPDX-License-Identifier: MPL-2.0
 *
 * The commands that make and change one job, in plain structs.
 */
#include "clients/c/client.h"

#include <stdlib.h>

#include "clients/c/fill.h"

enum { JOBS_PER_CALL = 1000 };

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
        answers[index] = bf_fill_answer (reply, reply->jobs->items[index]);
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
    for (size_t index = 0; index < count; index++) {
        if (jobs[index].on_key != jobs[0].on_key ||
            jobs[index].window_us != jobs[0].window_us ||
            jobs[index].reject_past != jobs[0].reject_past ||
            (jobs[index].if_version != 0 && count > 1)) {
            return bf_client_fail (&self->link, BELFRY_BAD_ARGUMENT,
                                   "on_key, window_us and reject_past must be the same in "
                                   "every job of one call, and if_version is for one job");
        }
    }
    bf_spec_room *rooms = calloc (count, sizeof *rooms);
    Belfry__V1__JobSpec **specs = calloc (count, sizeof *specs);
    int rc = BELFRY_NO_MEMORY;
    if (rooms != NULL && specs != NULL) {
        for (size_t index = 0; index < count; index++) {
            bf_fill_spec (&rooms[index], &jobs[index]);
            specs[index] = &rooms[index].spec;
        }
        Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
        schedule.jobs = specs;
        schedule.n_jobs = count;
        schedule.on_key = (Belfry__V1__OnKey)jobs[0].on_key;
        schedule.window_us = jobs[0].window_us;
        schedule.reject_past = jobs[0].reject_past;
        schedule.if_version = jobs[0].if_version;
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

int
belfry_cancel (belfry *self, belfry_ref job, const char *reason, belfry_answer *answer)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Cancel cancel = BELFRY__V1__CANCEL__INIT;
    cancel.job = &ref;
    cancel.reason = bf_fill_text (reason);
    cancel.if_version = job.if_version;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CANCEL;
    request.cancel = &cancel;
    return call_for_jobs (self, &request, 1, answer);
}

int
belfry_confirm (belfry *self, belfry_ref job, bool cancel_open, belfry_answer *answer)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Confirm confirm = BELFRY__V1__CONFIRM__INIT;
    confirm.job = &ref;
    confirm.cancel_open = cancel_open;
    confirm.if_version = job.if_version;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CONFIRM;
    request.confirm = &confirm;
    return call_for_jobs (self, &request, 1, answer);
}

int
belfry_reschedule (belfry *self, belfry_ref job, belfry_when when, belfry_answer *answer)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Every every;
    Belfry__V1__Reschedule reschedule = BELFRY__V1__RESCHEDULE__INIT;
    reschedule.job = &ref;
    reschedule.if_version = job.if_version;
    bf_fill_when (&reschedule, &every, when);
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_RESCHEDULE;
    request.reschedule = &reschedule;
    return call_for_jobs (self, &request, 1, answer);
}

int
belfry_pause (belfry *self, belfry_ref job, const char *reason, belfry_answer *answer)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Pause pause = BELFRY__V1__PAUSE__INIT;
    pause.job = &ref;
    pause.reason = bf_fill_text (reason);
    pause.if_version = job.if_version;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_PAUSE;
    request.pause = &pause;
    return call_for_jobs (self, &request, 1, answer);
}

int
belfry_resume (belfry *self, belfry_ref job, belfry_from from, belfry_answer *answer)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Resume resume = BELFRY__V1__RESUME__INIT;
    resume.job = &ref;
    resume.from = (Belfry__V1__ResumeFrom)from;
    resume.if_version = job.if_version;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_RESUME;
    request.resume = &resume;
    return call_for_jobs (self, &request, 1, answer);
}

/* Makes the call, which answers one run. */
static int
call_for_run (belfry *self, Belfry__V1__Request *request, belfry_run_answer *answer)
{
    Belfry__V1__Reply *reply = NULL;
    int rc = belfry_call (self, request, &reply);
    if (rc != BELFRY_OK) {
        return rc;
    }
    rc = belfry_reply_error (self, reply);
    bool has_run =
        reply->result_case == BELFRY__V1__REPLY__RESULT_RUNS && reply->runs->n_runs == 1;
    if (rc == BELFRY_OK && !has_run) {
        rc = bf_client_fail (&self->link, BELFRY_BAD_ANSWER,
                             "the daemon's answer shows no run");
    }
    if (rc == BELFRY_OK && answer != NULL) {
        *answer = bf_fill_run_answer (reply, reply->runs->runs[0], reply->runs->unchanged);
    }
    belfry_reply_free (&reply);
    return rc;
}

int
belfry_trigger (belfry *self, belfry_ref job, belfry_run_answer *answer)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Trigger trigger = BELFRY__V1__TRIGGER__INIT;
    trigger.job = &ref;
    trigger.if_version = job.if_version;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_TRIGGER;
    request.trigger = &trigger;
    return call_for_run (self, &request, answer);
}

int
belfry_redrive (belfry *self, const char *run, belfry_run_answer *answer)
{
    Belfry__V1__Redrive redrive = BELFRY__V1__REDRIVE__INIT;
    redrive.run = bf_fill_text (run);
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_REDRIVE;
    request.redrive = &redrive;
    return call_for_run (self, &request, answer);
}
