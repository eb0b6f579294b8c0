/* SPDX-License-Identifier: MPL-2.0
 *
 * The life of the callers' calls; see crowd.h.
 */
#include "tests/soak/crowd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "tests/soak/soak.h"
#include "tests/soak/wishes.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"

#define ARENA_BYTES ((size_t)4 * 1024 * 1024)

/* How long a caller thinks before its next call, at most. */
#define THINK_US (60 * BF_MS_US)

/* A parked claim is asked again by its protocol; so is everything here. */
#define AGAIN_US (5 * BF_SECOND_US)

/* The longest that an answer may take of a daemon that serves: far more than it needs, for
 * a sanitizer on a busy machine. */
#define PATIENCE_US (60 * BF_SECOND_US)

static role
role_of (size_t i)
{
    static const struct {
        role role;
        size_t count;
    } roles[] = {{ROLE_PRODUCER, 12}, {ROLE_MOVER, 5}, {ROLE_WORKER, 24},
                 {ROLE_BULK, 2},      {ROLE_BATCH, 1}, {ROLE_READER, 2}};
    for (size_t n = 0; n < sizeof roles / sizeof *roles; n++) {
        if (i < roles[n].count) {
            return roles[n].role;
        }
        i -= roles[n].count;
    }
    return ROLE_WORKER;
}

crowd *
crowd_new (rig *owner, record *log)
{
    crowd *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = owner;
    self->record = log;
    self->arena = bf_arena_new (ARENA_BYTES);
    assert_non_null (self->arena);
    for (size_t i = 0; i < CROWD_CALLERS; i++) {
        self->all[i].role = role_of (i);
        (void)snprintf (self->all[i].name, sizeof self->all[i].name, "soak-%02zu", i);
    }
    return self;
}

static void
forget_call (caller *who)
{
    free (who->bytes);
    free (who->first);
    who->bytes = NULL;
    who->first = NULL;
    who->prunes_events = false;
}

void
crowd_destroy (crowd **self_p)
{
    crowd *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    for (size_t i = 0; i < CROWD_CALLERS; i++) {
        peer_free (self->all[i].peer);
        forget_call (&self->all[i]);
    }
    bf_arena_destroy (&self->arena);
    free (self);
}

static void
send (caller *who)
{
    peer_send_bytes (who->peer, who->bytes, who->size);
    who->sent_us = soak_now_us ();
}

void
crowd_connect (crowd *self)
{
    for (size_t i = 0; i < CROWD_CALLERS; i++) {
        caller *who = &self->all[i];
        peer_free (who->peer);
        who->peer = peer_client (self->rig, self->rig->commands.ipc, ZMQ_DEALER, who->name);
        who->asked_us = soak_now_us ();
        if (who->bytes) {
            send (who);
            self->resent++;
        }
    }
}

void
crowd_poll (const crowd *self, zmq_pollitem_t *items)
{
    for (size_t i = 0; i < CROWD_CALLERS; i++) {
        items[i] =
            (zmq_pollitem_t){.socket = self->all[i].peer->socket, .events = ZMQ_POLLIN};
    }
}

/* --- answers -------------------------------------------------------------------------- */

/* Whether a code may come; `final`: it answers the call. */
static bool
is_expected (const caller *who, Belfry__V1__Code code, bool *final)
{
    *final = true;
    switch (code) {
    case BELFRY__V1__CODE__CODE_OK:
    case BELFRY__V1__CODE__CODE_NOT_FOUND:
    case BELFRY__V1__CODE__CODE_KEY_TAKEN:
    case BELFRY__V1__CODE__CODE_TOO_LATE:
    case BELFRY__V1__CODE__CODE_WRONG_STATE:
    case BELFRY__V1__CODE__CODE_STALE_TOKEN:
        return true;
    case BELFRY__V1__CODE__CODE_LIMIT:
        return who->role == ROLE_MOVER || who->role == ROLE_BATCH;
    case BELFRY__V1__CODE__CODE_INVALID:
        /* A recurring job cannot be given one instant. */
        return who->role == ROLE_MOVER;
    case BELFRY__V1__CODE__CODE_BUSY:
    case BELFRY__V1__CODE__CODE_STOPPING:
        *final = false;
        return true;
    default:
        return false;
    }
}

/* What a repeat must say again: code, seq, ids and outcomes. */
static char *
essence (const Belfry__V1__Reply *reply)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream (&text, &size);
    assert_non_null (stream);
    (void)fprintf (stream, "%d seq %" PRIu64, (int)reply->code, reply->seq);
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS) {
        for (size_t i = 0; i < reply->jobs->n_items; i++) {
            const Belfry__V1__JobsReply__Item *item = reply->jobs->items[i];
            (void)fprintf (stream, " %" PRIu64 ":%d", item->job->id, (int)item->outcome);
        }
    } else if (reply->result_case == BELFRY__V1__REPLY__RESULT_RUNS) {
        (void)fprintf (stream, " %d", reply->runs->unchanged);
        for (size_t i = 0; i < reply->runs->n_runs; i++) {
            (void)fprintf (stream, " %s", reply->runs->runs[i]->run);
        }
    } else if (reply->result_case == BELFRY__V1__REPLY__RESULT_BULK) {
        (void)fprintf (stream, " operation %" PRIu64 " changed %" PRIu64 " runs %" PRIu64,
                       reply->bulk->operation, reply->bulk->changed, reply->bulk->runs);
    }
    assert_int_equal (fclose (stream), 0);
    return text;
}

/* Reads, dry runs, heartbeats and claims are answered anew. */
static bool
is_stored (const caller *who, const Belfry__V1__Request *request,
           const Belfry__V1__Reply *reply)
{
    return who->role != ROLE_READER &&
           request->command_case != BELFRY__V1__REQUEST__COMMAND_CLAIM &&
           request->command_case != BELFRY__V1__REQUEST__COMMAND_HEARTBEAT &&
           !(reply->result_case == BELFRY__V1__REPLY__RESULT_BULK && reply->bulk->dry_run);
}

static void
keep_found (crowd *self, caller *who, const Belfry__V1__Reply *reply)
{
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_CLAIM) {
        for (size_t i = 0; i < reply->claim->n_leases && who->held_count < CROWD_HELD;
             i++) {
            held_lease *lease = &who->held[who->held_count++];
            (void)snprintf (lease->token, sizeof lease->token, "%s",
                            reply->claim->leases[i]->token);
        }
    }
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS &&
        who->role == ROLE_PRODUCER && reply->code == BELFRY__V1__CODE__CODE_OK) {
        for (size_t i = 0; i < reply->jobs->n_items; i++) {
            size_t at = self->recent_count < CROWD_RECENT ? self->recent_count++
                                                          : soak_random (CROWD_RECENT);
            self->recent[at] = reply->jobs->items[i]->job->id;
        }
    }
}

/* The call is done with; the caller thinks. */
static void
rest (caller *who)
{
    forget_call (who);
    /* A bulk command is for everybody: not all the time. */
    uint64_t longest = who->role == ROLE_BULK ? 20 * THINK_US : 2 * THINK_US;
    who->next_us = soak_now_us () + (int64_t)soak_random (longest);
}

static void
take_first (crowd *self, caller *who, const Belfry__V1__Reply *reply)
{
    Belfry__V1__Request *request =
        belfry__v1__request__unpack (NULL, who->size, who->bytes);
    assert_non_null (request);
    record_answer (self->record, request, reply);
    keep_found (self, who, reply);
    bool again = is_stored (who, request, reply) && soak_random (25) == 0;
    bool parked = request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM;
    belfry__v1__request__free_unpacked (request, NULL);
    int64_t took_us = soak_now_us () - who->asked_us;
    if (!parked && took_us > self->slowest_us) {
        self->slowest_us = took_us;
    }
    if (!again) {
        rest (who);
        return;
    }
    who->first = essence (reply);
    who->asked_us = soak_now_us ();
    send (who);
}

static void
take_repeat (crowd *self, caller *who, const Belfry__V1__Reply *reply)
{
    char *now = essence (reply);
    if (strcmp (now, who->first) != 0) {
        soak_broken ("%s's call %" PRIu64 " was answered '%s', and its repeat '%s'",
                     who->name, who->number, who->first, now);
    }
    free (now);
    self->repeats++;
    rest (who);
}

static void
take (crowd *self, caller *who, const Belfry__V1__Reply *reply)
{
    /* Answers to what was sent twice may come twice. */
    if (!who->bytes || strtoull (reply->request_id, NULL, 10) != who->number) {
        return;
    }
    bool final = true;
    if (!is_expected (who, reply->code, &final)) {
        soak_broken ("%s's call %" PRIu64 " was answered with code %d: %s", who->name,
                     who->number, (int)reply->code, reply->text);
    }
    bool goes_on = reply->result_case == BELFRY__V1__REPLY__RESULT_BULK &&
                   reply->code == BELFRY__V1__CODE__CODE_OK && !reply->bulk->done;
    if (!final || goes_on) {
        who->asked_us = soak_now_us ();
        /* Sent again soon. */
        who->sent_us = soak_now_us () - AGAIN_US + 100 * BF_MS_US;
    } else if (who->first) {
        take_repeat (self, who, reply);
    } else {
        take_first (self, who, reply);
    }
}

void
crowd_take (crowd *self, const zmq_pollitem_t *items)
{
    for (size_t i = 0; i < CROWD_CALLERS; i++) {
        Belfry__V1__Reply *reply;
        while (items[i].revents && (reply = peer_receive (self->all[i].peer, 0)) != NULL) {
            take (self, &self->all[i], reply);
            reply_free (reply);
        }
    }
}

/* --- calls ---------------------------------------------------------------------------- */

static void
ask_new (crowd *self, caller *who)
{
    bf_arena_reset (self->arena);
    const char *text = wish_next (self, who);
    if (!text) {
        if (who->next_us <= soak_now_us ()) {
            who->next_us = soak_now_us () + (int64_t)soak_random (THINK_US);
        }
        return;
    }
    who->number++;
    self->calls++;
    char id[24];
    (void)snprintf (id, sizeof id, "%012" PRIu64, who->number);
    who->bytes = ask_pack (who->name, id, text, &who->size);
    who->prunes_events = strncmp (text, "prune.events_us", 15) == 0;
    who->asked_us = soak_now_us ();
    send (who);
    if (soak_random (40) == 0) {
        send (who);
    }
}

void
crowd_call (crowd *self)
{
    int64_t now_us = soak_now_us ();
    for (size_t i = 0; i < CROWD_CALLERS; i++) {
        caller *who = &self->all[i];
        if (!who->bytes && !self->over && now_us >= who->next_us) {
            ask_new (self, who);
        } else if (who->bytes && now_us - who->asked_us > PATIENCE_US) {
            soak_broken ("%s's call %" PRIu64 " has no answer after 60 s", who->name,
                         who->number);
        } else if (who->bytes && now_us - who->sent_us > AGAIN_US) {
            send (who);
            self->resent++;
        }
    }
}

bool
crowd_is_quiet (const crowd *self)
{
    for (size_t i = 0; i < CROWD_CALLERS; i++) {
        if (self->all[i].bytes) {
            return false;
        }
    }
    return true;
}

bool
crowd_prunes_events (const crowd *self)
{
    for (size_t i = 0; i < CROWD_CALLERS; i++) {
        if (self->all[i].prunes_events) {
            return true;
        }
    }
    return false;
}

int64_t
crowd_slowest (crowd *self)
{
    int64_t slowest_us = self->slowest_us;
    self->slowest_us = 0;
    return slowest_us;
}
