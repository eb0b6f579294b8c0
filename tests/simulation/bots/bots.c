/* SPDX-License-Identifier: MPL-2.0
 *
 * Who there is, and whose turn it is. Every bot says when it wants to be woken next; the
 * world is asked for the earliest only.
 */
#include "tests/simulation/bots/bots.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/simulation/bots/producer.h"
#include "tests/simulation/bots/subscriber.h"
#include "tests/simulation/bots/worker.h"

#define ARENA_BYTES (16 * 1024 * 1024)
/* So long without a frame, not even a heartbeat, and the scheduler is not there. */
#define SILENCE_US (10 * SECOND_US)

enum {
    FIRST_PRODUCER = 0,
    FIRST_WORKER = FIRST_PRODUCER + BOTS_PRODUCERS,
    FIRST_SUBSCRIBER = FIRST_WORKER + BOTS_WORKERS,
    THE_OPERATOR = FIRST_SUBSCRIBER + BOTS_SUBSCRIBERS,
};
_Static_assert(THE_OPERATOR + 1 == BOTS_ACTORS, "everybody has a number");

struct bots {
    bot_party party;
    bot_producer producers[BOTS_PRODUCERS];
    bot_worker workers[BOTS_WORKERS];
    bot_subscriber subscribers[BOTS_SUBSCRIBERS];
    bot_operator operator;
    /* When the world wakes each of them; INT64_MAX: it was not asked to. */
    int64_t wake_us[BOTS_ACTORS];
    int64_t frame_us;  /* when the last frame came that anybody saw */
    char missing[128]; /* what bots_unfinished says */
};

bots *
bots_new (world *place, checker *judge, uint64_t commands)
{
    bots *self = calloc (1, sizeof *self);
    if (self == NULL || (self->party.arena = bf_arena_new (ARENA_BYTES)) == NULL) {
        abort ();
    }
    self->party.world = place;
    self->party.checker = judge;
    self->party.notebook = notebook_new ();
    self->party.commands = commands;
    for (unsigned who = 0; who < BOTS_ACTORS; who++) {
        self->wake_us[who] = INT64_MAX;
    }
    return self;
}

void
bots_destroy (bots **self_p)
{
    bots *self = *self_p;
    *self_p = NULL;
    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < BOTS_PRODUCERS; i++) {
        producer_end (&self->producers[i]);
    }
    for (size_t i = 0; i < BOTS_WORKERS; i++) {
        worker_end (&self->workers[i]);
    }
    for (size_t i = 0; i < BOTS_SUBSCRIBERS; i++) {
        subscriber_end (&self->subscribers[i]);
    }
    operator_end (&self->operator);
    notebook_destroy (&self->party.notebook);
    bf_arena_destroy (&self->party.arena);
    free (self->party.events);
    free (self);
}

static bool
others_are_done (const bots *self)
{
    for (size_t i = 0; i < BOTS_PRODUCERS; i++) {
        if (self->producers[i].client.count > 0) {
            return false;
        }
    }
    for (size_t i = 0; i < BOTS_WORKERS; i++) {
        if (!worker_is_idle (&self->workers[i])) {
            return false;
        }
    }
    return true;
}

static bool
nobody_claims (const bots *self)
{
    for (size_t i = 0; i < BOTS_WORKERS; i++) {
        if (self->workers[i].client.count > 0) {
            return false;
        }
    }
    return true;
}

/* What is due by now; when it wants to be woken next. */
static int64_t
wake_one (bots *self, unsigned who)
{
    if (who < FIRST_WORKER) {
        return producer_wake (&self->producers[who - FIRST_PRODUCER]);
    }
    if (who < FIRST_SUBSCRIBER) {
        return worker_wake (&self->workers[who - FIRST_WORKER]);
    }
    if (who < THE_OPERATOR) {
        return subscriber_wake (&self->subscribers[who - FIRST_SUBSCRIBER]);
    }
    return operator_wake (&self->operator, others_are_done (self), nobody_claims (self));
}

/* Lets it do what is due, and asks for the next time where that is not asked for yet. */
static void
attend (bots *self, unsigned who)
{
    int64_t due = wake_one (self, who);
    int64_t now = party_now (&self->party);
    if (due == INT64_MAX) {
        return;
    }
    due = due > now ? due : now + 1;
    if (due < self->wake_us[who]) {
        self->wake_us[who] = due;
        world_wake (self->party.world, due, who);
    }
}

void
bots_begin (bots *self)
{
    bot_party *party = &self->party;
    for (unsigned i = 0; i < BOTS_PRODUCERS; i++) {
        producer_begin (&self->producers[i], party, FIRST_PRODUCER + i);
    }
    for (unsigned i = 0; i < BOTS_WORKERS; i++) {
        worker_begin (&self->workers[i], party, FIRST_WORKER + i);
    }
    for (unsigned i = 0; i < BOTS_SUBSCRIBERS; i++) {
        subscriber_begin (&self->subscribers[i], party, FIRST_SUBSCRIBER + i, i);
    }
    operator_begin (&self->operator, party, THE_OPERATOR);
    for (unsigned who = 0; who < BOTS_ACTORS; who++) {
        attend (self, who);
    }
}

void
bots_wake (bots *self, unsigned who)
{
    if (self->wake_us[who] <= party_now (&self->party)) {
        self->wake_us[who] = INT64_MAX;
    }
    attend (self, who);
}

void
bots_reply (bots *self, sim_peer peer, const uint8_t *bytes, size_t size)
{
    Belfry__V1__Reply *reply = belfry__v1__reply__unpack (NULL, size, bytes);
    if (reply == NULL) {
        world_broken (self->party.world, "answers", 0,
                      "a reply of %zu bytes cannot be read", size);
    }
    if (peer < FIRST_WORKER) {
        producer_reply (&self->producers[peer - FIRST_PRODUCER], reply);
    } else if (peer < FIRST_SUBSCRIBER) {
        worker_reply (&self->workers[peer - FIRST_WORKER], reply);
    } else if (peer < THE_OPERATOR) {
        subscriber_reply (&self->subscribers[peer - FIRST_SUBSCRIBER], reply);
    } else {
        operator_reply (&self->operator, reply);
    }
    belfry__v1__reply__free_unpacked (reply, NULL);
    attend (self, peer);
}

/* Frames come again after a silence: whoever waits with long pauses need not any more. */
static void
revive (bots *self)
{
    for (unsigned i = 0; i < BOTS_PRODUCERS; i++) {
        producer_revive (&self->producers[i]);
        attend (self, FIRST_PRODUCER + i);
    }
    for (unsigned i = 0; i < BOTS_WORKERS; i++) {
        client_revive (&self->workers[i].client);
        attend (self, FIRST_WORKER + i);
    }
    for (unsigned i = 0; i < BOTS_SUBSCRIBERS; i++) {
        client_revive (&self->subscribers[i].client);
        attend (self, FIRST_SUBSCRIBER + i);
    }
    operator_revive (&self->operator);
    attend (self, THE_OPERATOR);
}

void
bots_frame (bots *self, unsigned who, const char *topic, const uint8_t *event, size_t size)
{
    int64_t now = party_now (&self->party);
    if (self->frame_us + SILENCE_US < now) {
        revive (self);
    }
    self->frame_us = now;
    subscriber_frame (&self->subscribers[who], topic, event, size);
    attend (self, FIRST_SUBSCRIBER + who);
}

const char *
bots_unfinished (bots *self)
{
    const bot_party *party = &self->party;
    if (!party_is_finishing (party)) {
        return "there are commands left to send";
    }
    for (size_t i = 0; i < BOTS_PRODUCERS; i++) {
        const bot_client *client = &self->producers[i].client;
        if (client->count > 0) {
            snprintf (self->missing, sizeof self->missing,
                      "%s has no answer yet to %zu calls; one of them is %s", client->name,
                      client->count, client->calls[0]->request_id);
            return self->missing;
        }
    }
    for (size_t i = 0; i < BOTS_WORKERS; i++) {
        const bot_worker *worker = &self->workers[i];
        if (worker->count > 0 || worker->client.count > 0) {
            snprintf (self->missing, sizeof self->missing,
                      "%s has %zu leases and %zu calls in flight", worker->client.name,
                      worker->count, worker->client.count);
            return self->missing;
        }
    }
    if (party->head_seq == 0) {
        return party->drained ? "the operator has not heard of the head of the log"
                              : "something is still open, as the operator knows";
    }
    for (size_t i = 0; i < BOTS_SUBSCRIBERS; i++) {
        const bot_subscriber *subscriber = &self->subscribers[i];
        if (subscriber->covered < party->head_seq) {
            snprintf (self->missing, sizeof self->missing,
                      "subscriber %zu is at seq %llu of %llu", i,
                      (unsigned long long)subscriber->covered,
                      (unsigned long long)party->head_seq);
            return self->missing;
        }
    }
    return NULL;
}
