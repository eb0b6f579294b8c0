/* SPDX-License-Identifier: MPL-2.0
 *
 * One Replay, or one page of a Snapshot, is under way at a time. Frames are taken all the
 * while, where they are the next.
 */
#include "tests/simulation/bots/subscriber.h"

#include <inttypes.h>
#include <string.h>

#include "tests/simulation/bots/commands.h"
#include "tests/simulation/cover.h"
#include "tests/support/whole.h"

/* It asks by itself so often: the heartbeats may all be lost. */
#define LOOK_LEAST_US SECOND_US
#define LOOK_MOST_US HOUR_US
#define LOOK_FINISHING_US MINUTE_US

enum { WHAT_REPLAY, WHAT_SNAPSHOT };

static void
set_next_look (bot_subscriber *self)
{
    bot_party *party = self->client.party;
    self->look_us =
        party_now (party) + (party_is_finishing (party)
                                 ? LOOK_FINISHING_US
                                 : sim_scaled (&self->random, LOOK_LEAST_US, LOOK_MOST_US));
}

void
subscriber_begin (bot_subscriber *self, bot_party *party, unsigned who, unsigned index)
{
    self->random = sim_random_new (world_seed (party->world), 1000 + who);
    client_begin (&self->client, party, &self->random, who);
    self->index = index;
    self->mirrors = index < 2;
    self->crash_us = party_now (party) + sim_scaled (&self->random, MINUTE_US, 6 * HOUR_US);
    set_next_look (self);
}

void
subscriber_end (bot_subscriber *self)
{
    client_end (&self->client);
}

static bool
is_asking (const bot_subscriber *self)
{
    return self->client.count > 0;
}

static void
ask_replay (bot_subscriber *self)
{
    bot_party *party = self->client.party;
    if (is_asking (self)) {
        return;
    }
    bf_arena_reset (party->arena);
    Belfry__V1__Replay *replay = MAKE (party, replay);
    replay->after_seq = self->covered;
    replay->limit = (uint32_t)sim_scaled (&self->random, 10, 1000);
    client_send (&self->client,
                 command_request (party, BELFRY__V1__REQUEST__COMMAND_REPLAY, replay),
                 WHAT_REPLAY, true);
}

static void
ask_snapshot (bot_subscriber *self, uint64_t job, uint32_t ordinal)
{
    bot_party *party = self->client.party;
    bf_arena_reset (party->arena);
    Belfry__V1__Snapshot *snapshot = MAKE (party, snapshot);
    snapshot->job = job;
    snapshot->ordinal = ordinal;
    snapshot->limit = (uint32_t)sim_scaled (&self->random, 20, 1000);
    client_send (&self->client,
                 command_request (party, BELFRY__V1__REQUEST__COMMAND_SNAPSHOT, snapshot),
                 WHAT_SNAPSHOT, true);
}

static void
tell (bot_subscriber *self)
{
    if (self->covered > self->told) {
        self->told = self->covered;
        checker_subscribed (self->client.party->checker, self->index, self->epoch,
                            self->covered);
    }
}

/* Another epoch is another history. */
static void
meet_epoch (bot_subscriber *self, uint64_t epoch)
{
    if (self->epoch != 0 && self->epoch != epoch) {
        world_broken (self->client.party->world, "6", 0,
                      "subscriber %u met another stream_epoch, and no backup was restored",
                      self->index);
    }
    self->epoch = epoch;
}

/* --- frames ------------------------------------------------------------------------------
 */

static void
take_event (bot_subscriber *self, const Belfry__V1__Event *event)
{
    meet_epoch (self, event->stream_epoch);
    party_saw (self->client.party, event);
    if (event->seq == self->covered + 1) {
        self->covered = event->seq;
        tell (self);
    } else if (event->seq > self->covered) {
        ask_replay (self);
    }
}

static void
take_heartbeat (bot_subscriber *self, const Belfry__V1__FeedHeartbeat *heartbeat)
{
    meet_epoch (self, heartbeat->stream_epoch);
    if (heartbeat->head_seq > self->covered) {
        ask_replay (self);
    }
}

void
subscriber_frame (bot_subscriber *self, const char *topic, const uint8_t *bytes,
                  size_t size)
{
    bot_party *party = self->client.party;
    if (strcmp (topic, "heartbeat ") == 0) {
        Belfry__V1__FeedHeartbeat *heartbeat =
            belfry__v1__feed_heartbeat__unpack (NULL, size, bytes);
        if (heartbeat == NULL) {
            world_broken (party->world, "6", 0, "a heartbeat of the feed cannot be read");
        }
        take_heartbeat (self, heartbeat);
        belfry__v1__feed_heartbeat__free_unpacked (heartbeat, NULL);
        return;
    }
    Belfry__V1__Event *event = belfry__v1__event__unpack (NULL, size, bytes);
    if (event == NULL || strncmp (topic, event->kind, strlen (event->kind)) != 0) {
        world_broken (party->world, "6", 0, "a frame \"%s\" has no event of its kind",
                      topic);
    }
    event_make_whole (event, NULL);
    take_event (self, event);
    belfry__v1__event__free_unpacked (event, NULL);
}

/* --- answers -----------------------------------------------------------------------------
 */

static void
came_too_late (bot_subscriber *self, uint64_t after_seq, const Belfry__V1__Reply *reply)
{
    cover_hit (COVER_FAULT, "subscriber", "came too late");
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_EVENTS ||
        reply->events->oldest_seq <= after_seq + 1) {
        world_broken (self->client.party->world, "6", 0,
                      "Replay after %" PRIu64 " is TOO_OLD, and does not say since when",
                      after_seq);
    }
    if (self->mirrors) {
        self->page_head = 0;
        ask_snapshot (self, 0, 0);
    } else {
        uint64_t gone = reply->events->oldest_seq - 1;
        self->covered = gone > self->covered ? gone : self->covered;
        ask_replay (self);
    }
}

static void
replayed (bot_subscriber *self, const Belfry__V1__EventsReply *reply)
{
    meet_epoch (self, reply->stream_epoch);
    for (size_t i = 0; i < reply->n_events; i++) {
        const Belfry__V1__Event *event = reply->events[i];
        if (event->seq > self->covered + 1) {
            world_broken (self->client.party->world, "6", event->job,
                          "Replay goes from seq %" PRIu64 " to %" PRIu64, self->covered,
                          event->seq);
        }
        party_saw (self->client.party, event);
        if (event->seq == self->covered + 1) {
            self->covered = event->seq;
        }
    }
    if (reply->next_cursor > self->covered) {
        world_broken (self->client.party->world, "6", 0,
                      "Replay says that it went up to seq %" PRIu64
                      ", and shows them to %" PRIu64,
                      reply->next_cursor, self->covered);
    }
    tell (self);
    if (reply->head_seq > self->covered) {
        ask_replay (self);
    }
}

static void
read_page (bot_subscriber *self, const Belfry__V1__SnapshotReply *reply)
{
    meet_epoch (self, reply->stream_epoch);
    if (self->page_head == 0) {
        self->page_head = reply->head_seq;
    }
    if (reply->next_job != 0) {
        ask_snapshot (self, reply->next_job, reply->next_ordinal);
        return;
    }
    cover_hit (COVER_FAULT, "subscriber", "began anew with a snapshot");
    self->covered = self->page_head > self->covered ? self->page_head : self->covered;
    tell (self);
    ask_replay (self);
}

void
subscriber_reply (bot_subscriber *self, const Belfry__V1__Reply *reply)
{
    bot_call *call = client_reply (&self->client, reply);
    if (call == NULL) {
        return;
    }
    int what = call->what;
    uint64_t after_seq = what == WHAT_REPLAY ? call->request->replay->after_seq : 0;
    /* It may be that of another call, to which the same id was given by mistake. */
    bool fits =
        !call->lied &&
        reply->result_case == (what == WHAT_REPLAY ? BELFRY__V1__REPLY__RESULT_EVENTS
                                                   : BELFRY__V1__REPLY__RESULT_SNAPSHOT);
    client_close (&self->client, call);
    if (what == WHAT_REPLAY && fits && reply->code == BELFRY__V1__CODE__CODE_TOO_OLD) {
        came_too_late (self, after_seq, reply);
    } else if (reply->code != BELFRY__V1__CODE__CODE_OK || !fits) {
        set_next_look (self);
    } else if (what == WHAT_REPLAY) {
        replayed (self, reply->events);
    } else {
        read_page (self, reply->snapshot);
    }
}

/* --- its life ----------------------------------------------------------------------------
 */

static void
crash (bot_subscriber *self)
{
    bool ledger = sim_chance (&self->random, 700);
    cover_hit (COVER_FAULT, "subscriber",
               ledger ? "crashed, has a ledger" : "crashed, forgot all");
    client_crash (&self->client, false);
    self->covered = ledger ? self->saved : 0;
    self->saved = self->covered;
    self->crash_us =
        party_now (self->client.party) + sim_scaled (&self->random, MINUTE_US, 6 * HOUR_US);
    ask_replay (self);
}

int64_t
subscriber_wake (bot_subscriber *self)
{
    bot_party *party = self->client.party;
    int64_t now = party_now (party);
    bool finishing = party_is_finishing (party);
    client_wake (&self->client);
    if (self->crash_us <= now && !finishing) {
        crash (self);
    }
    int64_t next_look = now + LOOK_FINISHING_US;
    if (self->look_us <= now || (finishing && self->look_us > next_look)) {
        /* A program saves how far it is, now and then. */
        self->saved = self->covered;
        if (!finishing || self->covered < party->head_seq) {
            ask_replay (self);
        }
        set_next_look (self);
    }
    int64_t due = client_due (&self->client);
    due = self->look_us < due ? self->look_us : due;
    return self->crash_us < due && !finishing ? self->crash_us : due;
}
