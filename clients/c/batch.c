/* SPDX-License-Identifier: MPL-2.0
 *
 * Several commands in one commit. Each is copied as it is added, by packing and unpacking
 * it, so that callers need not keep anything.
 */
#include "clients/c/client.h"

#include <stdlib.h>

#include "clients/c/fill.h"

enum { COMMANDS = 1000 };

struct belfry_batch {
    belfry *client;
    Belfry__V1__BatchItem **items; /* each owned */
    size_t count;
    size_t room;
    int error; /* the first that an add came to */
};

int
belfry_batch_begin (belfry *self, belfry_batch **batch_p)
{
    belfry_batch *batch = calloc (1, sizeof *batch);
    if (batch == NULL) {
        return bf_client_fail (&self->link, BELFRY_NO_MEMORY, "out of memory");
    }
    batch->client = self;
    *batch_p = batch;
    return BELFRY_OK;
}

void
belfry_batch_abandon (belfry_batch **batch_p)
{
    if (batch_p == NULL || *batch_p == NULL) {
        return;
    }
    belfry_batch *batch = *batch_p;
    *batch_p = NULL;
    for (size_t index = 0; index < batch->count; index++) {
        belfry__v1__batch_item__free_unpacked (batch->items[index], NULL);
    }
    free (batch->items);
    free (batch);
}

size_t
belfry_batch_count (const belfry_batch *batch)
{
    return batch->count;
}

static int
keep_error (belfry_batch *batch, int error)
{
    if (batch->error == BELFRY_OK) {
        batch->error = error;
    }
    return error;
}

/* NULL without memory. */
static Belfry__V1__BatchItem *
copy_item (const Belfry__V1__BatchItem *item)
{
    size_t size = belfry__v1__batch_item__get_packed_size (item);
    uint8_t *bytes = malloc (size + 1);
    if (bytes == NULL) {
        return NULL;
    }
    belfry__v1__batch_item__pack (item, bytes);
    Belfry__V1__BatchItem *copy = belfry__v1__batch_item__unpack (NULL, size, bytes);
    free (bytes);
    return copy;
}

static int
add (belfry_batch *batch, const Belfry__V1__BatchItem *item)
{
    if (batch->count == COMMANDS) {
        return keep_error (batch, BELFRY_BAD_ARGUMENT);
    }
    if (batch->count == batch->room) {
        size_t room = batch->room > 0 ? 2 * batch->room : 8;
        Belfry__V1__BatchItem **items = realloc (batch->items, room * sizeof *items);
        if (items == NULL) {
            return keep_error (batch, BELFRY_NO_MEMORY);
        }
        batch->items = items;
        batch->room = room;
    }
    Belfry__V1__BatchItem *copy = copy_item (item);
    if (copy == NULL) {
        return keep_error (batch, BELFRY_NO_MEMORY);
    }
    batch->items[batch->count++] = copy;
    return BELFRY_OK;
}

#define ITEM(name, kind)                                        \
    Belfry__V1__BatchItem item = BELFRY__V1__BATCH_ITEM__INIT;  \
    item.command_case = BELFRY__V1__BATCH_ITEM__COMMAND_##kind; \
    item.name = &name

int
belfry_batch_schedule (belfry_batch *batch, const belfry_job *job)
{
    bf_spec_room room;
    Belfry__V1__JobSpec *specs[] = {&room.spec};
    Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
    bf_fill_spec (&room, job);
    schedule.jobs = specs;
    schedule.n_jobs = 1;
    schedule.on_key = (Belfry__V1__OnKey)job->on_key;
    schedule.window_us = job->window_us;
    schedule.reject_past = job->reject_past;
    schedule.if_version = job->if_version;
    ITEM (schedule, SCHEDULE);
    return add (batch, &item);
}

int
belfry_batch_cancel (belfry_batch *batch, belfry_ref job, const char *reason)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Cancel cancel = BELFRY__V1__CANCEL__INIT;
    cancel.job = &ref;
    cancel.reason = bf_fill_text (reason);
    cancel.if_version = job.if_version;
    ITEM (cancel, CANCEL);
    return add (batch, &item);
}

int
belfry_batch_confirm (belfry_batch *batch, belfry_ref job, bool cancel_open)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Confirm confirm = BELFRY__V1__CONFIRM__INIT;
    confirm.job = &ref;
    confirm.cancel_open = cancel_open;
    confirm.if_version = job.if_version;
    ITEM (confirm, CONFIRM);
    return add (batch, &item);
}

int
belfry_batch_reschedule (belfry_batch *batch, belfry_ref job, belfry_when when)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Every every;
    Belfry__V1__Reschedule reschedule = BELFRY__V1__RESCHEDULE__INIT;
    reschedule.job = &ref;
    reschedule.if_version = job.if_version;
    bf_fill_when (&reschedule, &every, when);
    ITEM (reschedule, RESCHEDULE);
    return add (batch, &item);
}

int
belfry_batch_pause (belfry_batch *batch, belfry_ref job, const char *reason)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Pause pause = BELFRY__V1__PAUSE__INIT;
    pause.job = &ref;
    pause.reason = bf_fill_text (reason);
    pause.if_version = job.if_version;
    ITEM (pause, PAUSE);
    return add (batch, &item);
}

int
belfry_batch_resume (belfry_batch *batch, belfry_ref job, belfry_from from)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Resume resume = BELFRY__V1__RESUME__INIT;
    resume.job = &ref;
    resume.from = (Belfry__V1__ResumeFrom)from;
    resume.if_version = job.if_version;
    ITEM (resume, RESUME);
    return add (batch, &item);
}

int
belfry_batch_trigger (belfry_batch *batch, belfry_ref job)
{
    Belfry__V1__JobRef ref = bf_fill_ref (job);
    Belfry__V1__Trigger trigger = BELFRY__V1__TRIGGER__INIT;
    trigger.job = &ref;
    trigger.if_version = job.if_version;
    ITEM (trigger, TRIGGER);
    return add (batch, &item);
}

int
belfry_batch_redrive (belfry_batch *batch, const char *run)
{
    Belfry__V1__Redrive redrive = BELFRY__V1__REDRIVE__INIT;
    redrive.run = bf_fill_text (run);
    ITEM (redrive, REDRIVE);
    return add (batch, &item);
}

int
belfry_batch_complete (belfry_batch *batch, const char *token, const void *result,
                       size_t result_size)
{
    Belfry__V1__Complete complete = BELFRY__V1__COMPLETE__INIT;
    complete.token = bf_fill_text (token);
    complete.result.data = (uint8_t *)result;
    complete.result.len = result_size;
    ITEM (complete, COMPLETE);
    return add (batch, &item);
}

int
belfry_batch_fail (belfry_batch *batch, const char *token, const char *reason,
                   bool retryable)
{
    Belfry__V1__Fail fail = BELFRY__V1__FAIL__INIT;
    fail.token = bf_fill_text (token);
    fail.reason = bf_fill_text (reason);
    fail.non_retryable = !retryable;
    ITEM (fail, FAIL);
    return add (batch, &item);
}

int
belfry_batch_snooze (belfry_batch *batch, const char *token, int64_t for_us,
                     const char *reason)
{
    Belfry__V1__Snooze snooze = BELFRY__V1__SNOOZE__INIT;
    snooze.token = bf_fill_text (token);
    snooze.until_case = BELFRY__V1__SNOOZE__UNTIL_FOR_US;
    snooze.for_us = for_us;
    snooze.reason = bf_fill_text (reason);
    ITEM (snooze, SNOOZE);
    return add (batch, &item);
}

/* ------------------------------------------------------------------------------------- */
/* Commit                                                                                */

static belfry_batch_answer
answer_of (const Belfry__V1__Reply *reply, const Belfry__V1__BatchReply__Item *item)
{
    belfry_batch_answer answer = {0};
    if (item->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_JOBS &&
        item->jobs->n_items > 0) {
        answer.job = bf_fill_answer (reply, item->jobs->items[0]);
    } else if (item->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_RUNS &&
               item->runs->n_runs > 0) {
        answer.run = bf_fill_run_answer (reply, item->runs->runs[0], item->runs->unchanged);
    }
    return answer;
}

static int
take_answers (belfry_batch *batch, const Belfry__V1__Reply *reply,
              belfry_batch_answer *answers, size_t *failed)
{
    belfry *self = batch->client;
    int rc = belfry_reply_error (self, reply);
    bool is_batch = reply->result_case == BELFRY__V1__REPLY__RESULT_BATCH;
    if (rc != BELFRY_OK) {
        *failed = is_batch ? reply->batch->failed : 0;
        return rc;
    }
    if (!is_batch || reply->batch->n_items != batch->count) {
        return bf_client_fail (&self->link, BELFRY_BAD_ANSWER,
                               "the daemon's answer does not fit a batch of %zu",
                               batch->count);
    }
    for (size_t index = 0; answers != NULL && index < batch->count; index++) {
        answers[index] = answer_of (reply, reply->batch->items[index]);
    }
    return BELFRY_OK;
}

int
belfry_batch_commit (belfry_batch **batch_p, belfry_batch_answer *answers, size_t *failed)
{
    belfry_batch *batch = *batch_p;
    belfry *self = batch->client;
    size_t none;
    failed = failed != NULL ? failed : &none;
    *failed = 0;
    int rc = batch->error;
    if (rc != BELFRY_OK) {
        bf_client_fail (&self->link, rc, "%s",
                        rc == BELFRY_NO_MEMORY ? "out of memory"
                                               : "more than 1000 commands in a batch");
    } else {
        Belfry__V1__Batch message = BELFRY__V1__BATCH__INIT;
        Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
        Belfry__V1__Reply *reply = NULL;
        message.items = batch->items;
        message.n_items = batch->count;
        request.command_case = BELFRY__V1__REQUEST__COMMAND_BATCH;
        request.batch = &message;
        rc = belfry_call (self, &request, &reply);
        if (rc == BELFRY_OK) {
            rc = take_answers (batch, reply, answers, failed);
            belfry_reply_free (&reply);
        }
    }
    belfry_batch_abandon (batch_p);
    return rc;
}
