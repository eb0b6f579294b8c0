/* SPDX-License-Identifier: MPL-2.0
 *
 * A command by filter: one request, repeated under its request_id until the daemon is
 * through with it.
 */
#include "clients/c/client.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "clients/c/fill.h"

/* Between two repeats. The daemon answers after a second by itself; this is for one that
 * answers at once. */
enum { REST_MS = 20 };

/* False where belfry_stop was called. */
static bool
rest (belfry *self)
{
    struct pollfd stop = {.fd = self->stop_fd, .events = POLLIN};
    if (poll (&stop, 1, REST_MS) <= 0) {
        return true;
    }
    bf_client_resume (self);
    return false;
}

static bool
goes_on (const Belfry__V1__Reply *reply)
{
    if (reply->code != BELFRY__V1__CODE__CODE_OK) {
        return false;
    }
    switch (reply->result_case) {
    case BELFRY__V1__REPLY__RESULT_BULK:
        return !reply->bulk->done;
    case BELFRY__V1__REPLY__RESULT_BACKUP:
        return !reply->backup->done;
    default:
        return false;
    }
}

int
belfry_call_long (belfry *self, Belfry__V1__Request *request, belfry_so_far *so_far,
                  void *context, Belfry__V1__Reply **reply_p)
{
    char id[BF_CLIENT_ID_BYTES];
    char *request_id = request->request_id;
    if (request_id == NULL || request_id[0] == '\0') {
        bf_link_name (&self->link, id);
        request->request_id = id;
    }
    Belfry__V1__Reply *reply = NULL;
    int rc;
    for (;;) {
        rc = belfry_call (self, request, &reply);
        if (rc != BELFRY_OK || !goes_on (reply)) {
            break;
        }
        if (so_far != NULL) {
            so_far (reply, context);
        }
        if (!rest (self)) {
            break;
        }
        belfry_reply_free (&reply);
    }
    request->request_id = request_id;
    if (rc == BELFRY_OK) {
        *reply_p = reply;
    }
    return rc;
}

/* ------------------------------------------------------------------------------------- */
/* In plain structs                                                                      */

enum {
    REFUSALS = sizeof ((belfry_bulk_result *)0)->refusals /
               sizeof ((belfry_bulk_result *)0)->refusals[0]
};

/* Cut where it is too long, between two characters. */
static void
copy_text (char *to, size_t room, const char *from)
{
    size_t size = strlen (from);
    if (size >= room) {
        size = room - 1;
        while (size > 0 && ((unsigned char)from[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    memcpy (to, from, size);
    to[size] = '\0';
}

static void
fill_result (belfry_bulk_result *result, const Belfry__V1__BulkReply *bulk)
{
    *result = (belfry_bulk_result){
        .done = bulk->done,
        .dry_run = bulk->dry_run,
        .operation = bulk->operation,
        .changed = bulk->changed,
        .unchanged = bulk->unchanged,
        .refused = bulk->refused,
        .runs = bulk->runs,
        .examined = bulk->examined,
        .cursor = bulk->cursor,
        .watermark = bulk->watermark,
    };
    for (size_t index = 0; index < bulk->n_refusals && index < REFUSALS; index++) {
        const Belfry__V1__BulkReply__Refusal *refusal = bulk->refusals[index];
        result->refusals[index].job = refusal->job;
        result->refusals[index].error = bf_client_error_of ((int)refusal->code);
        copy_text (result->refusals[index].text, sizeof result->refusals[index].text,
                   refusal->text);
        result->refusals_count = index + 1;
    }
}

static void
fill_filter (Belfry__V1__Filter *wire, const belfry_filter *filter)
{
    _Static_assert(sizeof (belfry_job_state) == sizeof (Belfry__V1__JobState),
                   "a list of the one is a list of the other");
    belfry__v1__filter__init (wire);
    wire->ns = bf_fill_text (filter->ns);
    wire->type = bf_fill_text (filter->type);
    wire->states = (Belfry__V1__JobState *)filter->states;
    wire->n_states = filter->states != NULL ? filter->states_count : 0;
    wire->tags = (char **)filter->tags;
    wire->n_tags = bf_fill_count (filter->tags);
    wire->key_prefix = bf_fill_text (filter->key_prefix);
    wire->all = filter->all;
}

/* One of them is what the request points to. */
typedef struct {
    Belfry__V1__Filter filter;
    Belfry__V1__Every every;
    union {
        Belfry__V1__Cancel cancel;
        Belfry__V1__Confirm confirm;
        Belfry__V1__Pause pause;
        Belfry__V1__Resume resume;
        Belfry__V1__Reschedule reschedule;
        Belfry__V1__Trigger trigger;
        Belfry__V1__Redrive redrive;
    } of;
} bulk_room;

/* What all of these commands have. */
#define BEGIN(member, kind)                                      \
    belfry__v1__##member##__init (&room->of.member);             \
    room->of.member.filter = &room->filter;                      \
    room->of.member.dry_run = command->dry_run;                  \
    request->command_case = BELFRY__V1__REQUEST__COMMAND_##kind; \
    request->member = &room->of.member

static bool
fill_command (bulk_room *room, Belfry__V1__Request *request,
              const belfry_bulk_command *command)
{
    fill_filter (&room->filter, &command->filter);
    switch (command->verb) {
    case BELFRY_BULK_CANCEL:
        BEGIN (cancel, CANCEL);
        room->of.cancel.reason = bf_fill_text (command->reason);
        return true;
    case BELFRY_BULK_CONFIRM:
        BEGIN (confirm, CONFIRM);
        room->of.confirm.cancel_open = command->cancel_open;
        return true;
    case BELFRY_BULK_PAUSE:
        BEGIN (pause, PAUSE);
        room->of.pause.reason = bf_fill_text (command->reason);
        return true;
    case BELFRY_BULK_RESUME:
        BEGIN (resume, RESUME);
        room->of.resume.from = (Belfry__V1__ResumeFrom)command->from;
        return true;
    case BELFRY_BULK_RESCHEDULE:
        BEGIN (reschedule, RESCHEDULE);
        bf_fill_when (&room->of.reschedule, &room->every, command->when);
        return true;
    case BELFRY_BULK_TRIGGER:
        BEGIN (trigger, TRIGGER);
        return true;
    case BELFRY_BULK_REDRIVE:
        BEGIN (redrive, REDRIVE);
        return true;
    }
    return false;
}

/* A belfry_progress, and what it is told. */
typedef struct {
    const belfry_bulk_command *command;
    belfry_bulk_result result;
} telling;

static void
tell (const Belfry__V1__Reply *so_far, void *context)
{
    telling *self = context;
    if (so_far->result_case != BELFRY__V1__REPLY__RESULT_BULK) {
        return;
    }
    fill_result (&self->result, so_far->bulk);
    if (self->command->progress != NULL) {
        self->command->progress (&self->result, self->command->context);
    }
}

int
belfry_bulk (belfry *self, const belfry_bulk_command *command, belfry_bulk_result *result)
{
    bulk_room room;
    telling told = {.command = command};
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    if (!fill_command (&room, &request, command)) {
        return bf_client_fail (&self->link, BELFRY_BAD_ARGUMENT, "there is no verb %d",
                               (int)command->verb);
    }
    Belfry__V1__Reply *reply = NULL;
    int rc = belfry_call_long (self, &request, tell, &told, &reply);
    if (rc == BELFRY_OK) {
        rc = belfry_reply_error (self, reply);
        bool is_bulk = reply->result_case == BELFRY__V1__REPLY__RESULT_BULK;
        if (is_bulk) {
            fill_result (&told.result, reply->bulk);
        } else if (rc == BELFRY_OK) {
            rc = bf_client_fail (&self->link, BELFRY_BAD_ANSWER,
                                 "the daemon's answer counts nothing");
        }
        belfry_reply_free (&reply);
    }
    if (result != NULL) {
        *result = told.result;
    }
    return rc;
}
