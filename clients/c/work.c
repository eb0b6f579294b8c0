/* SPDX-License-Identifier: MPL-2.0
 *
 * The work loop: park a claim, hand its run to the handler while beat.c keeps the lease
 * alive, settle it, again. Each of the calls is repeated under its request_id until it is
 * answered, so a daemon that is killed and comes back costs nothing but time.
 */
#include "clients/c/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long one Claim is parked; the daemon allows 60 s. */
#define CLAIM_WAIT_US INT64_C (30000000)

enum { RESULT_MAX_BYTES = 64 * 1024, REASON_BYTES = 1025 };

typedef struct {
    belfry *self;
    const belfry_work_options *options;
    belfry_handler *handler;
    void *context;
    bf_beat *beat;
    uint64_t done; /* runs that were handled */
} worker;

typedef enum { SETTLE_BY_RETURN, SETTLE_SNOOZE } settlement;

/* A belfry_run and what the handler said of it. */
typedef struct {
    belfry_run run;
    const Belfry__V1__Lease *lease;
    const bf_beat *beat;
    void *result;
    size_t result_size;
    char reason[REASON_BYTES];
    bool final; /* no further attempt makes sense */
    settlement settlement;
    int64_t snooze_us;
} run_room;

/* ------------------------------------------------------------------------------------- */
/* For handlers                                                                          */

int
belfry_run_result (belfry_run *run, const void *result, size_t size)
{
    run_room *room = run->own;
    if (size > RESULT_MAX_BYTES) {
        return BELFRY_TOO_LARGE;
    }
    void *copy = NULL;
    if (size > 0) {
        copy = malloc (size);
        if (copy == NULL) {
            return BELFRY_NO_MEMORY;
        }
        memcpy (copy, result, size);
    }
    free (room->result);
    room->result = copy;
    room->result_size = size;
    return BELFRY_OK;
}

/* Cuts at a character's beginning: half a one would not be UTF-8. */
static void
keep_reason (run_room *room, const char *reason)
{
    size_t length = reason != NULL ? strlen (reason) : 0;
    if (length >= sizeof room->reason) {
        length = sizeof room->reason - 1;
        while (length > 0 && ((unsigned char)reason[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    memcpy (room->reason, length > 0 ? reason : "", length);
    room->reason[length] = '\0';
}

int
belfry_run_fail (belfry_run *run, const char *reason, bool retryable)
{
    run_room *room = run->own;
    keep_reason (room, reason);
    room->final = !retryable;
    room->settlement = SETTLE_BY_RETURN;
    return -1;
}

int
belfry_run_snooze (belfry_run *run, int64_t for_us, const char *reason)
{
    run_room *room = run->own;
    keep_reason (room, reason);
    room->settlement = SETTLE_SNOOZE;
    room->snooze_us = for_us > 0 ? for_us : 0;
    return -1;
}

bool
belfry_run_cancelled (const belfry_run *run)
{
    const run_room *room = run->own;
    return bf_beat_cancelled (room->beat);
}

const Belfry__V1__Lease *
belfry_run_message (const belfry_run *run)
{
    const run_room *room = run->own;
    return room->lease;
}

/* ------------------------------------------------------------------------------------- */
/* Settling                                                                              */

/* For ever, but where belfry_stop was called only as long as any other call: the same
 * request, under the same id, before and after. */
static int
call_until_stopped (belfry *self, const Belfry__V1__Request *request,
                    Belfry__V1__Reply **reply_p)
{
    bf_patience patience = {.try_us = self->timeout_us, .wake_fd = self->stop_fd};
    int rc = BF_CLIENT_WOKEN;
    if (!bf_client_stopped (self)) {
        rc = bf_link_call (self, &self->link, request, patience, reply_p);
    }
    if (rc == BF_CLIENT_WOKEN) {
        rc = bf_link_call (self, &self->link, request, bf_link_patience (self, request),
                           reply_p);
    }
    return rc;
}

static int
send_settlement (belfry *self, Belfry__V1__Request *request)
{
    char id[BF_CLIENT_ID_BYTES];
    bf_link_address (self, &self->link, request, id);
    Belfry__V1__Reply *reply = NULL;
    int rc = call_until_stopped (self, request, &reply);
    if (rc == BELFRY_OK) {
        rc = belfry_reply_error (self, reply);
        belfry_reply_free (&reply);
    }
    return rc;
}

static int
complete (belfry *self, run_room *room)
{
    Belfry__V1__Complete message = BELFRY__V1__COMPLETE__INIT;
    message.token = room->lease->token;
    message.result.data = room->result;
    message.result.len = room->result_size;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_COMPLETE;
    request.complete = &message;
    return send_settlement (self, &request);
}

static int
fail (belfry *self, run_room *room)
{
    Belfry__V1__Fail message = BELFRY__V1__FAIL__INIT;
    message.token = room->lease->token;
    message.reason = room->reason;
    message.non_retryable = room->final;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_FAIL;
    request.fail = &message;
    return send_settlement (self, &request);
}

static int
snooze (belfry *self, char *token, int64_t for_us, char *reason)
{
    Belfry__V1__Snooze message = BELFRY__V1__SNOOZE__INIT;
    message.token = token;
    message.until_case = BELFRY__V1__SNOOZE__UNTIL_FOR_US;
    message.for_us = for_us;
    message.reason = reason;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SNOOZE;
    request.snooze = &message;
    return send_settlement (self, &request);
}

static int
settle (belfry *self, run_room *room, int returned)
{
    if (room->settlement == SETTLE_SNOOZE) {
        return snooze (self, room->lease->token, room->snooze_us, room->reason);
    }
    if (returned == 0) {
        return complete (self, room);
    }
    if (room->reason[0] == '\0') {
        snprintf (room->reason, sizeof room->reason, "the handler returned %d", returned);
    }
    return fail (self, room);
}

/* ------------------------------------------------------------------------------------- */
/* The loop                                                                              */

static void
fill_run (run_room *room, const Belfry__V1__Lease *lease, const bf_beat *beat)
{
    const Belfry__V1__Run *run = lease->run;
    *room = (run_room){.lease = lease, .beat = beat};
    room->run = (belfry_run){
        .token = lease->token,
        .id = run->run,
        .job = strtoull (run->run, NULL, 10),
        .ns = run->ns,
        .type = run->type,
        .key = lease->key,
        .payload = lease->payload.data,
        .payload_size = lease->payload.len,
        .content_type = lease->content_type,
        .attempt = run->attempt,
        .failures = run->failures,
        .due_us = run->due_us,
        .lateness_us = run->lateness_us,
        .late = run->late,
        .lease_us = lease->lease_us,
        .run_timeout_us = lease->run_timeout_us,
        .remind_before_us = lease->remind_before_us,
        .slot_due_us = lease->slot_due_us,
        .own = room,
    };
}

static void
handle_lease (worker *work, const Belfry__V1__Lease *lease)
{
    run_room *room = malloc (sizeof *room);
    if (room == NULL) {
        /* Nothing can be done with it now; its lease runs out and it is tried again. */
        return;
    }
    fill_run (room, lease, work->beat);
    bf_beat_hold (work->beat, lease->token, lease->lease_us);
    int returned = work->handler (&room->run, work->context);
    int rc = settle (work->self, room, returned);
    bf_beat_release (work->beat);
    work->done++;
    if (work->options->settled != NULL) {
        work->options->settled (&room->run, rc, work->context);
    }
    free (room->result);
    free (room);
}

static bool
limit_is_reached (const worker *work)
{
    return work->options->limit != 0 && work->done >= work->options->limit;
}

/* One claim and what comes of it. BF_CLIENT_WOKEN where belfry_stop was called. */
static int
claim_once (worker *work, Belfry__V1__Request *request)
{
    belfry *self = work->self;
    char id[BF_CLIENT_ID_BYTES];
    bf_link_address (self, &self->link, request, id);
    bf_patience patience = bf_link_patience (self, request);
    patience.tries = 0;
    patience.wake_fd = self->stop_fd;
    Belfry__V1__Reply *reply = NULL;
    int rc = bf_link_call (self, &self->link, request, patience, &reply);
    if (rc == BF_CLIENT_WOKEN) {
        bf_claim_abandon (self, &self->link, request);
    }
    if (rc != BELFRY_OK) {
        return rc;
    }
    rc = belfry_reply_error (self, reply);
    if (rc == BELFRY_OK && reply->result_case == BELFRY__V1__REPLY__RESULT_CLAIM) {
        for (size_t index = 0; index < reply->claim->n_leases; index++) {
            const Belfry__V1__Lease *lease = reply->claim->leases[index];
            if (bf_client_stopped (self)) {
                bf_lease_give_back (self, &self->link, lease);
            } else if (lease->run != NULL) {
                handle_lease (work, lease);
            }
        }
    }
    belfry_reply_free (&reply);
    return rc;
}

static int
work_until_stopped (worker *work)
{
    const belfry_work_options *options = work->options;
    Belfry__V1__Claim claim = BELFRY__V1__CLAIM__INIT;
    claim.ns = (char *)(options->ns != NULL ? options->ns : "");
    claim.types = (char **)options->types;
    while (options->types[claim.n_types] != NULL) {
        claim.n_types++;
    }
    claim.max = 1;
    claim.wait_us = CLAIM_WAIT_US;
    claim.worker = (char *)(options->worker != NULL ? options->worker : "");
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_CLAIM;
    request.claim = &claim;
    int rc = BELFRY_OK;
    while (rc == BELFRY_OK && !limit_is_reached (work) && !bf_client_stopped (work->self)) {
        rc = claim_once (work, &request);
    }
    return rc == BF_CLIENT_WOKEN ? BELFRY_OK : rc;
}

int
belfry_work (belfry *self, const belfry_work_options *options, belfry_handler *handler,
             void *context)
{
    if (options == NULL || options->types == NULL || options->types[0] == NULL ||
        handler == NULL) {
        return bf_client_fail (&self->link, BELFRY_BAD_ARGUMENT,
                               "a worker needs a handler and at least one type");
    }
    worker work = {
        .self = self, .options = options, .handler = handler, .context = context};
    int rc = bf_beat_start (&work.beat, self, &self->link);
    if (rc == BELFRY_OK) {
        rc = work_until_stopped (&work);
    }
    bf_beat_stop (&work.beat);
    bf_client_resume (self);
    return rc;
}
