/* SPDX-License-Identifier: MPL-2.0
 *
 * One idea after the other, each after a pause. A bot that has not been answered for long
 * waits longer and longer with its next idea: where nobody listens, little is used up.
 */
#include "tests/simulation/bots/producer.h"

#include "tests/simulation/bots/commands.h"
#include "tests/simulation/bots/mistakes.h"
#include "tests/simulation/cover.h"

#define PAUSE_LEAST_US MS_US
#define PAUSE_MOST_US (20 * SECOND_US)
/* Over this many open jobs no more are made, but some ended. */
#define OPEN_JOBS 120
/* Calls in flight: more do not help where nobody answers. */
#define CALLS 6

enum { WHAT_ANY };

void
producer_begin (bot_producer *self, bot_party *party, unsigned who)
{
    self->random = sim_random_new (world_seed (party->world), 1000 + who);
    client_begin (&self->client, party, &self->random, who);
    self->next_us = party_now (party) + sim_scaled (&self->random, MS_US, SECOND_US);
    self->crash_us = party_now (party) + sim_scaled (&self->random, MINUTE_US, HOUR_US);
}

void
producer_end (bot_producer *self)
{
    client_end (&self->client);
}

static Belfry__V1__Request *
next_idea (bot_producer *self)
{
    bot_party *party = self->client.party;
    sim_random *random = &self->random;
    bool enough = notebook_open_jobs (party->notebook) > OPEN_JOBS;
    const unsigned weights[] = {
        enough ? 2 : 34, 7, enough ? 20 : 7, 6, 6, 7, 5, 6, enough ? 0 : 6, 6, 12};
    switch (sim_pick (random, weights, sizeof weights / sizeof weights[0])) {
    case 0:
        return command_schedule (party, random);
    case 1:
        return command_one (party, random, BELFRY__V1__REQUEST__COMMAND_RESCHEDULE);
    case 2:
        return command_one (party, random, BELFRY__V1__REQUEST__COMMAND_CANCEL);
    case 3:
        return command_one (party, random, BELFRY__V1__REQUEST__COMMAND_CONFIRM);
    case 4:
        return command_one (party, random, BELFRY__V1__REQUEST__COMMAND_PAUSE);
    case 5:
        return command_one (party, random, BELFRY__V1__REQUEST__COMMAND_RESUME);
    case 6:
        return command_one (party, random, BELFRY__V1__REQUEST__COMMAND_TRIGGER);
    case 7:
        return command_redrive (party, random);
    case 8:
        return command_batch (party, random);
    case 9:
        return command_stale (party, random);
    default:
        return command_read (party, random);
    }
}

int64_t
producer_wake (bot_producer *self)
{
    bot_party *party = self->client.party;
    int64_t now = party_now (party);
    client_wake (&self->client);
    if (party_is_finishing (party)) {
        return client_due (&self->client);
    }
    if (self->crash_us <= now) {
        bool ledger = sim_chance (&self->random, 500);
        cover_hit (COVER_FAULT, "producer",
                   ledger ? "crashed, has a ledger" : "crashed, forgot all");
        client_crash (&self->client, ledger);
        self->crash_us = now + sim_scaled (&self->random, MINUTE_US, HOUR_US);
    }
    if (self->next_us <= now) {
        if (self->client.count < CALLS) {
            bf_arena_reset (party->arena);
            if (sim_chance (&self->random, 15)) {
                mistake_send (&self->client, WHAT_ANY);
            } else {
                client_send (&self->client, next_idea (self), WHAT_ANY, false);
            }
        }
        self->next_us = now + client_pause (&self->client, PAUSE_LEAST_US, PAUSE_MOST_US);
    }
    int64_t due = client_due (&self->client);
    due = self->next_us < due ? self->next_us : due;
    return self->crash_us < due ? self->crash_us : due;
}

void
producer_revive (bot_producer *self)
{
    client_revive (&self->client);
    int64_t next =
        party_now (self->client.party) + sim_scaled (&self->random, MS_US, PAUSE_MOST_US);
    self->next_us = next < self->next_us ? next : self->next_us;
}

void
producer_reply (bot_producer *self, const Belfry__V1__Reply *reply)
{
    bot_call *call = client_reply (&self->client, reply);
    if (call != NULL) {
        client_close (&self->client, call);
    }
}
