/* SPDX-License-Identifier: MPL-2.0
 *
 * What becomes of messages between the scheduler and those who talk to it.
 */
#include <string.h>

#include "tests/simulation/cover.h"
#include "tests/simulation/private.h"

/* Of a thousand messages. */
#define LOST_PERMILLE 10
#define TWICE_PERMILLE 10
#define SLOW_PERMILLE 20

/* A routing id is the peer and which connection of its it was. */
static unsigned
routing_id (const world *self, sim_peer peer)
{
    return self->peers[peer].generation * PEERS + peer;
}

static bool
is_connected (const world *self, unsigned id)
{
    const peer_line *line = &self->peers[id % PEERS];
    return line->open && line->generation == id / PEERS;
}

static int64_t
delay (world *self)
{
    if (!self->healed && sim_chance (&self->air, SLOW_PERMILLE)) {
        cover_hit (COVER_FAULT, "network", "slow");
        return sim_scaled (&self->air, MS_US, 5 * SECOND_US);
    }
    return sim_scaled (&self->air, 20, 2 * MS_US);
}

static bool
is_lost (world *self)
{
    bool lost = !self->healed && sim_chance (&self->air, LOST_PERMILLE);
    if (lost) {
        cover_hit (COVER_FAULT, "network", "lost");
    }
    return lost;
}

void
world_send (world *self, sim_peer peer, const void *bytes, size_t size)
{
    peer_line *line = &self->peers[peer];
    line->open = true;
    if (is_lost (self)) {
        return;
    }
    unsigned id = routing_id (self, peer);
    happenings_add (&self->happenings, self->true_us + delay (self), HAPPENS_REQUEST, id,
                    bytes, size, NULL);
    if (!self->healed && sim_chance (&self->air, TWICE_PERMILLE)) {
        cover_hit (COVER_FAULT, "network", "twice");
        happenings_add (&self->happenings, self->true_us + delay (self), HAPPENS_REQUEST,
                        id, bytes, size, NULL);
    }
}

void
world_hang_up (world *self, sim_peer peer)
{
    cover_hit (COVER_FAULT, "network", "hung up");
    self->peers[peer].open = false;
    self->peers[peer].generation++;
}

void
world_wake (world *self, int64_t true_us, unsigned who)
{
    int64_t at_us = true_us > self->true_us ? true_us : self->true_us;
    happenings_add (&self->happenings, at_us, HAPPENS_WAKE, who, NULL, 0, NULL);
}

bool
network_reply (void *context, unsigned id, const uint8_t *bytes, size_t size)
{
    world *self = context;
    if (!is_connected (self, id)) {
        return false;
    }
    if (!bytes) {
        return true;
    }
    Belfry__V1__Reply *reply = belfry__v1__reply__unpack (NULL, size, bytes);
    if (!reply) {
        world_broken (self, "answers", 0, "a reply that is no Reply left the door");
    }
    checker_answered (self->checker, reply);
    belfry__v1__reply__free_unpacked (reply, NULL);
    if (!is_lost (self)) {
        happenings_add (&self->happenings, self->true_us + delay (self), HAPPENS_REPLY, id,
                        bytes, size, NULL);
    }
    return true;
}

/* libzmq keeps the order of one publisher; what a subscriber loses are whole frames. */
void
network_publish (void *context, bool feed, const char *topic, const uint8_t *event,
                 size_t size)
{
    world *self = context;
    if (strcmp (topic, "heartbeat ") != 0) {
        checker_published (self->checker, feed, topic, event, size);
    }
    for (unsigned who = 0; who < BOTS_SUBSCRIBERS; who++) {
        if ((who % 2 == 0) != feed || is_lost (self)) {
            continue;
        }
        int64_t at_us = self->true_us + delay (self);
        if (at_us < self->frames_until[who]) {
            at_us = self->frames_until[who];
        }
        self->frames_until[who] = at_us;
        happenings_add (&self->happenings, at_us, HAPPENS_FRAME, who, event, size, topic);
    }
}

/* What a request finds that comes while nobody serves: libzmq keeps it until somebody does,
 * or it is lost with the connection. */
static void
request (world *self, const happening *what)
{
    if (process_exists () && process_serves ()) {
        process_receive (what->who, what->bytes, what->size);
    } else if (self->healed || sim_chance (&self->air, 500)) {
        happenings_add (&self->happenings, self->true_us + SECOND_US, HAPPENS_REQUEST,
                        what->who, what->bytes, what->size, NULL);
    }
}

void
network_deliver (world *self, const happening *what)
{
    switch (what->kind) {
    case HAPPENS_REQUEST:
        if (is_connected (self, what->who)) {
            request (self, what);
        }
        break;
    case HAPPENS_REPLY:
        if (is_connected (self, what->who)) {
            bots_reply (self->bots, what->who % PEERS, what->bytes, what->size);
        }
        break;
    case HAPPENS_FRAME:
        bots_frame (self->bots, what->who, what->topic, what->bytes, what->size);
        break;
    default:
        bots_wake (self->bots, what->who);
        break;
    }
}
