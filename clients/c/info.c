/* SPDX-License-Identifier: MPL-2.0
 *
 * One job as the store has it, in plain structs that live in the reply.
 */
#include "clients/c/client.h"

#include <stdlib.h>

#include "clients/c/fill.h"

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
fill_trigger (belfry_job_info *info, const Belfry__V1__JobSpec *spec)
{
    switch (spec->trigger_case) {
    case BELFRY__V1__JOB_SPEC__TRIGGER_AT_US:
        info->at_us = spec->at_us;
        break;
    case BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US:
        info->after_us = spec->after_us;
        break;
    case BELFRY__V1__JOB_SPEC__TRIGGER_EVERY:
        info->every_us = spec->every->interval_us;
        info->anchor_us = spec->every->anchor_us;
        break;
    case BELFRY__V1__JOB_SPEC__TRIGGER_CRON:
        info->cron = spec->cron;
        break;
    case BELFRY__V1__JOB_SPEC__TRIGGER_DAILY:
        info->daily = spec->daily;
        break;
    case BELFRY__V1__JOB_SPEC__TRIGGER_RRULE:
        info->rrule = spec->rrule;
        break;
    default: /* a newer daemon's */
        break;
    }
}

static void
fill_counts (belfry_counts *counts, const Belfry__V1__Counts *wire)
{
    *counts = (belfry_counts){
        .fired = wire->fired,
        .missed = wire->missed,
        .skipped = wire->skipped,
        .overlap_skipped = wire->overlap_skipped,
        .buffer_dropped = wire->buffer_dropped,
        .cancelled_others = wire->cancelled_others,
        .terminated_others = wire->terminated_others,
        .open = wire->open,
        .blocked = wire->blocked,
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
        .tz = job->spec->tz,
        .state = (belfry_job_state)job->state,
        .paused = job->paused,
        .due_us = job->due_us,
        .remind_us = job->remind_us,
        .start_us = job->spec->start_us,
        .end_us = job->spec->end_us,
        .max_runs = job->spec->max_runs,
        .jitter_us = job->spec->jitter_us,
        .late = (belfry_late)job->spec->late,
        .grace_us = job->spec->grace_us,
        .catchup_max = job->spec->catchup_max,
        .overlap = (belfry_overlap)job->spec->overlap,
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
    fill_trigger (&room->info, job->spec);
    if (job->counts != NULL) {
        fill_counts (&room->info.counts, job->counts);
    }
    for (size_t index = 0; index < get->n_runs; index++) {
        fill_run (&room->runs[index], get->runs[index]);
    }
}

/* Consumes the reply. */
static int
take_info (belfry *self, Belfry__V1__Reply *reply, belfry_job_info **info_p)
{
    int rc = belfry_reply_error (self, reply);
    bool shows_job = reply->result_case == BELFRY__V1__REPLY__RESULT_GET &&
                     reply->get->job != NULL && reply->get->job->spec != NULL;
    info_room *room = NULL;
    if (rc == BELFRY_OK && !shows_job) {
        rc = bf_client_fail (&self->link, BELFRY_BAD_ANSWER,
                             "the daemon's answer shows no job");
    } else if (rc == BELFRY_OK) {
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
    Belfry__V1__JobRef ref = bf_fill_ref (job);
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
