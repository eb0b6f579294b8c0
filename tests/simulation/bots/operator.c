/* SPDX-License-Identifier: MPL-2.0
 *
 * Commands by filter, Prune, and reads. When the seed's commands are used up the operator
 * clears up: what is paused goes on, what is endless ends, and everybody waits until
 * nothing is open. What takes too long is cancelled.
 */
#include "tests/simulation/bots/commands.h"
#include "tests/simulation/bots/producer.h"
#include "tests/simulation/bots/specs.h"

#define PAUSE_LEAST_US (50 * MS_US)
#define PAUSE_MOST_US MINUTE_US
/* At the end: how often it looks, and how long what is left may take. */
#define LOOK_US (2 * SECOND_US)
#define PATIENCE_US (5 * MINUTE_US)

enum { WHAT_ANY, WHAT_CLEAR, WHAT_LOOK };

void
operator_begin (bot_operator *self, bot_party *party, unsigned who)
{
    self->random = sim_random_new (world_seed (party->world), 1000 + who);
    client_begin (&self->client, party, &self->random, who);
    self->next_us = party_now (party) + sim_scaled (&self->random, SECOND_US, MINUTE_US);
}

void
operator_end (bot_operator *self)
{
    client_end (&self->client);
}

static Belfry__V1__Request *
next_idea (bot_operator *self)
{
    static const Belfry__V1__Request__CommandCase cases[] = {
        BELFRY__V1__REQUEST__COMMAND_RESCHEDULE, BELFRY__V1__REQUEST__COMMAND_CANCEL,
        BELFRY__V1__REQUEST__COMMAND_CONFIRM,    BELFRY__V1__REQUEST__COMMAND_PAUSE,
        BELFRY__V1__REQUEST__COMMAND_RESUME,     BELFRY__V1__REQUEST__COMMAND_TRIGGER,
        BELFRY__V1__REQUEST__COMMAND_REDRIVE,
    };
    static const unsigned weights[] = {4, 3, 3, 5, 8, 3, 5, 4, 8, 6};
    bot_party *party = self->client.party;
    size_t which = sim_pick (&self->random, weights, sizeof weights / sizeof weights[0]);
    return which < sizeof cases / sizeof cases[0]
               ? command_many (party, &self->random, cases[which])
           : which == 7 ? command_prune (party, &self->random)
           : which == 8 ? command_read (party, &self->random)
                        : command_calendar (party, &self->random);
}

static Belfry__V1__Filter *
everything (bot_party *party)
{
    Belfry__V1__Filter *filter = MAKE (party, filter);
    filter->all = true;
    return filter;
}

static void
cancel (bot_operator *self, Belfry__V1__Filter *filter)
{
    bot_party *party = self->client.party;
    Belfry__V1__Cancel *cancel = MAKE (party, cancel);
    cancel->filter = filter;
    client_send (&self->client,
                 command_request (party, BELFRY__V1__REQUEST__COMMAND_CANCEL, cancel),
                 WHAT_CLEAR, true);
}

static void
clear_up (bot_operator *self)
{
    bot_party *party = self->client.party;
    Belfry__V1__Resume *resume = MAKE (party, resume);
    resume->filter = everything (party);
    resume->from = (Belfry__V1__ResumeFrom)sim_below (&self->random, 3);
    client_send (&self->client,
                 command_request (party, BELFRY__V1__REQUEST__COMMAND_RESUME, resume),
                 WHAT_CLEAR, true);
    Belfry__V1__Filter *endless = MAKE (party, filter);
    endless->n_tags = 1;
    endless->tags = bf_arena_alloc (party->arena, sizeof (char *));
    endless->tags[0] = spec_text (party, SPEC_ENDLESS_TAG);
    cancel (self, endless);
}

static void
look (bot_operator *self)
{
    bot_party *party = self->client.party;
    client_send (
        &self->client,
        command_request (party, BELFRY__V1__REQUEST__COMMAND_STATUS, MAKE (party, status)),
        WHAT_LOOK, true);
}

/* One step of the end, where the last one is answered. */
static void
finish (bot_operator *self, bool others_done, bool nobody_claims)
{
    bot_party *party = self->client.party;
    int64_t now = party_now (party);
    self->next_us = now + client_pause (&self->client, LOOK_US, 2 * LOOK_US);
    if (client_waiting (&self->client, WHAT_CLEAR) +
            client_waiting (&self->client, WHAT_LOOK) >
        0) {
        return;
    }
    bf_arena_reset (party->arena);
    switch (self->stage) {
    case OPERATOR_WORKS:
        clear_up (self);
        self->stage = OPERATOR_RESUMES;
        break;
    case OPERATOR_RESUMES:
        self->stage = OPERATOR_WATCHES;
        self->sweep_us = now + PATIENCE_US;
        break;
    case OPERATOR_WATCHES:
        if (!world_is_healed (party->world)) {
            self->sweep_us = now + PATIENCE_US;
        } else if (self->sweep_us <= now) {
            cancel (self, everything (party));
            self->sweep_us = now + PATIENCE_US;
        } else if (others_done) {
            look (self);
        }
        break;
    case OPERATOR_LOOKS:
        if (nobody_claims) {
            look (self);
        }
        break;
    case OPERATOR_DONE:
        self->next_us = INT64_MAX;
        break;
    }
}

int64_t
operator_wake (bot_operator *self, bool others_done, bool nobody_claims)
{
    bot_party *party = self->client.party;
    int64_t now = party_now (party);
    client_wake (&self->client);
    if (self->next_us <= now) {
        if (party_is_finishing (party)) {
            finish (self, others_done, nobody_claims);
        } else {
            if (self->client.count < 4) {
                bf_arena_reset (party->arena);
                client_send (&self->client, next_idea (self), WHAT_ANY, false);
            }
            self->next_us =
                now + client_pause (&self->client, PAUSE_LEAST_US, PAUSE_MOST_US);
        }
    }
    int64_t due = client_due (&self->client);
    return self->next_us < due ? self->next_us : due;
}

void
operator_revive (bot_operator *self)
{
    client_revive (&self->client);
    int64_t next = party_now (self->client.party) +
                   sim_scaled (&self->random, PAUSE_LEAST_US, PAUSE_MOST_US);
    self->next_us = next < self->next_us ? next : self->next_us;
    /* Nothing could end while nobody was there. */
    self->sweep_us = party_now (self->client.party) + PATIENCE_US;
}

static void
looked (bot_operator *self, const Belfry__V1__StatusReply *status)
{
    bot_party *party = self->client.party;
    if (self->stage == OPERATOR_WATCHES) {
        if (status->open_jobs == 0 && status->ready_runs == 0 && status->leased_runs == 0 &&
            status->operations == 0) {
            party->drained = true;
            self->stage = OPERATOR_LOOKS;
        }
    } else if (self->stage == OPERATOR_LOOKS) {
        party->head_seq = status->head_seq;
        self->stage = OPERATOR_DONE;
    }
}

void
operator_reply (bot_operator *self, const Belfry__V1__Reply *reply)
{
    bot_call *call = client_reply (&self->client, reply);
    if (call == NULL) {
        return;
    }
    bool is_look = call->what == WHAT_LOOK && !call->lied;
    client_close (&self->client, call);
    if (is_look && reply->result_case == BELFRY__V1__REPLY__RESULT_STATUS) {
        looked (self, reply->status);
    }
}
