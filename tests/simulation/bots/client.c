/* SPDX-License-Identifier: MPL-2.0
 *
 * Calls in flight, and those that are over and come back. Whoever sends a message tells the
 * checker first.
 */
#include "tests/simulation/bots/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/cover.h"

/* Between two sendings of a call: at first, and at most, however often it was lost. */
#define REPEAT_LEAST_US (20 * MS_US)
#define REPEAT_MOST_US (5 * SECOND_US)
#define REPEAT_LIMIT_US DAY_US
/* Of a parked claim, as the protocol wants it. */
#define PARKED_US (5 * SECOND_US)
/* After BUSY, STOPPING and DISK_FULL: twice as long each time, six times at most. */
#define REFUSED_US (50 * MS_US)
#define REFUSED_TIMES 5
/* Sent so often, a call tells that nobody listens; from then on all becomes slower. */
#define LOST_TRIES 5
#define SLOWER_TIMES 14
/* Until an old call comes back: beyond the day for which answers are kept. */
#define RELAPSE_MOST_US (26 * HOUR_US)
/* INTERNAL is an answer once it has come this often. */
#define INTERNAL_TIMES 5

void *
client_make (bot_party *party, const ProtobufCMessageDescriptor *descriptor)
{
    void *message = bf_arena_alloc (party->arena, descriptor->sizeof_message);
    if (message == NULL) {
        abort ();
    }
    protobuf_c_message_init (descriptor, message);
    return message;
}

void
client_begin (bot_client *self, bot_party *party, sim_random *random, unsigned who)
{
    *self = (bot_client){.party = party, .random = random, .who = who, .life = 1};
    snprintf (self->name, sizeof self->name, "bot-%u", who);
    self->relapse_us = INT64_MAX;
}

static void
free_call (bot_call *call)
{
    if (call != NULL) {
        belfry__v1__request__free_unpacked (call->request, NULL);
        free (call->bytes);
        free (call);
    }
}

static void
free_all (bot_client *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free_call (self->calls[i]);
    }
    self->count = 0;
    for (size_t i = 0; i < CLIENT_OLD; i++) {
        free_call (self->old[i]);
        self->old[i] = NULL;
    }
    self->old_count = 0;
}

void
client_end (bot_client *self)
{
    free_all (self);
}

/* Packs the request again, and reads what came of it. */
static void
encode (bot_call *call, const Belfry__V1__Request *request)
{
    size_t size = belfry__v1__request__get_packed_size (request);
    uint8_t *bytes = malloc (size + 1);
    if (bytes == NULL) {
        abort ();
    }
    belfry__v1__request__pack (request, bytes);
    belfry__v1__request__free_unpacked (call->request, NULL);
    free (call->bytes);
    call->bytes = bytes;
    call->size = size;
    call->request = belfry__v1__request__unpack (NULL, size, bytes);
    if (call->request == NULL) {
        abort ();
    }
}

static const char *
command_name (const Belfry__V1__Request *request)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field (
        &belfry__v1__request__descriptor, (unsigned)request->command_case);
    return field != NULL ? field->name : "none";
}

static void
post (bot_client *self, const bot_call *call)
{
    world_trace (self->party->world, "%s sends %s %s (%zu bytes)", self->name,
                 call->request_id, command_name (call->request), call->size);
    checker_request (self->party->checker, call->request);
    world_send (self->party->world, self->who, call->bytes, call->size);
}

/* How much slower a call makes everything that was sent so often. */
static unsigned
slower (unsigned tries)
{
    unsigned times = tries > LOST_TRIES ? tries - LOST_TRIES : 0;
    return times < SLOWER_TIMES ? times : SLOWER_TIMES;
}

int64_t
client_pause (const bot_client *self, int64_t least_us, int64_t most_us)
{
    unsigned tries = 0;
    for (size_t i = 0; i < self->count; i++) {
        tries = self->calls[i]->tries > tries ? self->calls[i]->tries : tries;
    }
    int64_t pause = sim_scaled (self->random, least_us, most_us) << slower (tries);
    return pause < REPEAT_LIMIT_US ? pause : REPEAT_LIMIT_US;
}

/* Longer each time, so that nobody fills a day on which the machine is off with repeats. */
static int64_t
repeat_after (const bot_client *self, const bot_call *call)
{
    const Belfry__V1__Request *request = call->request;
    bool parks = request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM &&
                 request->claim->wait_us > PARKED_US;
    int64_t least = parks && !sim_chance (self->random, 100) ? PARKED_US : REPEAT_LEAST_US;
    int64_t wait = sim_scaled (self->random, least, REPEAT_MOST_US);
    wait <<= slower (call->tries);
    return wait < REPEAT_LIMIT_US ? wait : REPEAT_LIMIT_US;
}

static void
post_and_wait (bot_client *self, bot_call *call)
{
    post (self, call);
    call->tries++;
    call->due_us = party_now (self->party) + repeat_after (self, call);
}

static void
count_command (bot_client *self)
{
    self->party->sent++;
    world_count_command (self->party->world);
}

bool
client_send (bot_client *self, Belfry__V1__Request *request, int what, bool insists)
{
    if (self->count == CLIENT_CALLS) {
        return false;
    }
    bot_call *call = calloc (1, sizeof *call);
    if (call == NULL) {
        abort ();
    }
    snprintf (call->request_id, sizeof call->request_id, "%u-%06" PRIu64 "-%s", self->life,
              ++self->last_id, self->name);
    if (request->version == 0) {
        request->version = 1;
    }
    request->client = self->name;
    request->request_id = call->request_id;
    encode (call, request);
    call->what = what;
    call->insists = insists;
    call->first_us = party_now (self->party);
    self->calls[self->count++] = call;
    count_command (self);
    post_and_wait (self, call);
    return true;
}

void
client_send_garbage (bot_client *self, const void *bytes, size_t size)
{
    world_trace (self->party->world, "%s sends garbage (%zu bytes)", self->name, size);
    count_command (self);
    world_send (self->party->world, self->who, bytes, size);
}

/* Takes it out of the calls in flight. */
static void
drop (bot_client *self, size_t index)
{
    self->calls[index] = self->calls[--self->count];
}

/* What is over may come back. */
static void
keep_old (bot_client *self, bot_call *call)
{
    size_t place = self->old_count++ % CLIENT_OLD;
    free_call (self->old[place]);
    self->old[place] = call;
}

void
client_close (bot_client *self, bot_call *call)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->calls[i] == call) {
            drop (self, i);
            break;
        }
    }
    if (sim_chance (self->random, 300)) {
        keep_old (self, call);
        if (self->relapse_us == INT64_MAX) {
            self->relapse_us =
                party_now (self->party) + sim_scaled (self->random, MS_US, RELAPSE_MOST_US);
        }
    } else {
        free_call (call);
    }
}

/* The id of a call, and the command of another one: what a program does whose counter began
 * anew. */
static void
lie (bot_client *self, const char *request_id, const bot_call *other)
{
    if (other->request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM ||
        strcmp (other->request_id, request_id) == 0) {
        return;
    }
    Belfry__V1__Request request = *other->request;
    char id[sizeof other->request_id];
    snprintf (id, sizeof id, "%s", request_id);
    request.request_id = id;
    bot_call again = {.what = other->what};
    memcpy (again.request_id, id, sizeof id);
    encode (&again, &request);
    cover_hit (COVER_FAULT, "client", "id reused");
    post (self, &again);
    belfry__v1__request__free_unpacked (again.request, NULL);
    free (again.bytes);
}

static void
relapse (bot_client *self)
{
    size_t filled = self->old_count < CLIENT_OLD ? (size_t)self->old_count : CLIENT_OLD;
    if (filled == 0) {
        return;
    }
    const bot_call *old = self->old[sim_below (self->random, filled)];
    if (sim_chance (self->random, 600)) {
        cover_hit (COVER_FAULT, "client", "old call repeated");
        post (self, old);
    } else if (sim_chance (self->random, 300) && self->count > 0) {
        bot_call *call = self->calls[sim_below (self->random, self->count)];
        call->lied = true;
        lie (self, call->request_id, old);
    } else {
        lie (self, old->request_id, self->old[sim_below (self->random, filled)]);
    }
}

/* Patience, in numbers of sendings. */
static bool
gives_up (bot_client *self, const bot_call *call)
{
    return !call->insists && !party_is_finishing (self->party) && call->tries >= 3 &&
           sim_chance (self->random, 60);
}

void
client_wake (bot_client *self)
{
    int64_t now = party_now (self->party);
    bool finishing = party_is_finishing (self->party);
    for (size_t i = 0; i < self->count;) {
        bot_call *call = self->calls[i];
        if (call->due_us > now) {
            i++;
        } else if (gives_up (self, call)) {
            cover_hit (COVER_FAULT, "client", "gave up");
            drop (self, i);
            keep_old (self, call);
        } else {
            if (!finishing && sim_chance (self->random, 50)) {
                world_hang_up (self->party->world, self->who);
            }
            post_and_wait (self, call);
            i++;
        }
    }
    if (self->relapse_us <= now) {
        self->relapse_us = INT64_MAX;
        if (!finishing) {
            relapse (self);
        }
    }
}

void
client_revive (bot_client *self)
{
    int64_t now = party_now (self->party);
    for (size_t i = 0; i < self->count; i++) {
        bot_call *call = self->calls[i];
        int64_t due = now + sim_scaled (self->random, MS_US, REPEAT_MOST_US);
        call->due_us = due < call->due_us ? due : call->due_us;
        call->tries = call->tries < LOST_TRIES ? call->tries : LOST_TRIES;
    }
}

int64_t
client_due (const bot_client *self)
{
    int64_t due = party_is_finishing (self->party) ? INT64_MAX : self->relapse_us;
    for (size_t i = 0; i < self->count; i++) {
        due = self->calls[i]->due_us < due ? self->calls[i]->due_us : due;
    }
    return due;
}

static bot_call *
find_call (const bot_client *self, const char *request_id)
{
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp (self->calls[i]->request_id, request_id) == 0) {
            return self->calls[i];
        }
    }
    return NULL;
}

/* "Not now" is no answer: the same bytes again, a little later. */
static bool
is_answer (bot_client *self, bot_call *call, const Belfry__V1__Reply *reply)
{
    int64_t now = party_now (self->party);
    switch (reply->code) {
    case BELFRY__V1__CODE__CODE_INTERNAL:
        if (call->refusals >= INTERNAL_TIMES && !party_is_finishing (self->party)) {
            return true;
        }
        break;
    case BELFRY__V1__CODE__CODE_BUSY:
    case BELFRY__V1__CODE__CODE_STOPPING:
    case BELFRY__V1__CODE__CODE_DISK_FULL:
        break;
    case BELFRY__V1__CODE__CODE_OK:
        if (reply->result_case == BELFRY__V1__REPLY__RESULT_BULK && !reply->bulk->done) {
            call->due_us = now + sim_scaled (self->random, MS_US, SECOND_US);
            return false;
        }
        return true;
    default:
        return true;
    }
    unsigned doubled = call->refusals < REFUSED_TIMES ? call->refusals : REFUSED_TIMES;
    call->refusals++;
    call->due_us = now + (REFUSED_US << doubled);
    return false;
}

bot_call *
client_reply (bot_client *self, const Belfry__V1__Reply *reply)
{
    /* An answer to garbage, which nobody can tell from another. */
    if (reply->request_id[0] == '\0' || reply->request_id[0] == CLIENT_GARBAGE) {
        return NULL;
    }
    checker_reply (self->party->checker, self->name, reply);
    notebook_reply (self->party->notebook, reply);
    bot_call *call = find_call (self, reply->request_id);
    if (call == NULL) {
        return NULL;
    }
    return is_answer (self, call, reply) ? call : NULL;
}

size_t
client_waiting (const bot_client *self, int what)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++) {
        count += self->calls[i]->what == what;
    }
    return count;
}

void
client_leave (bot_client *self, bot_call *call)
{
    Belfry__V1__Request request = *call->request;
    Belfry__V1__Claim claim = *request.claim;
    claim.wait_us = 0;
    request.claim = &claim;
    encode (call, &request);
    post_and_wait (self, call);
}

void
client_crash (bot_client *self, bool ledger)
{
    world_hang_up (self->party->world, self->who);
    if (!ledger) {
        free_all (self);
        self->life++;
        return;
    }
    int64_t now = party_now (self->party);
    for (size_t i = 0; i < self->count; i++) {
        self->calls[i]->due_us = now + sim_scaled (self->random, MS_US, SECOND_US);
    }
}
