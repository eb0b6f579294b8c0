/* SPDX-License-Identifier: MPL-2.0
 *
 * What all bots have in common, and what they compare.
 */
#include "tests/simulation/bots/party.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"

int64_t
party_now (const bot_party *self)
{
    return world_now (self->world).true_us;
}

bool
party_is_finishing (const bot_party *self)
{
    return self->sent >= self->commands || world_is_winding_down (self->world);
}

/* Everything that a frame and an answer of Replay both have, and that never changes. 0 is
 * nobody's. */
static uint64_t
event_hash (const Belfry__V1__Event *event)
{
    const uint64_t numbers[] = {
        event->stream_epoch,     event->seq,
        event->prev_seq,         event->prev_job_seq,
        (uint64_t)event->at_us,  event->job,
        event->attempt,          (uint64_t)event->lateness_us,
        (uint64_t)event->due_us, event->clock,
    };
    uint64_t hash = bf_hash (numbers, sizeof numbers);
    const char *texts[] = {event->kind, event->ns,  event->key,
                           event->type, event->run, event->reason};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hash = bf_mix (hash) ^ bf_hash (texts[i], strlen (texts[i]));
    }
    return hash != 0 ? hash : 1;
}

void
party_saw (bot_party *self, const Belfry__V1__Event *event)
{
    if (event->seq >= self->event_room) {
        uint64_t room = event->seq * 2 + 1024;
        uint64_t *events = realloc (self->events, room * sizeof *events);
        if (events == NULL) {
            abort ();
        }
        memset (events + self->event_room, 0, (room - self->event_room) * sizeof *events);
        self->events = events;
        self->event_room = room;
    }
    uint64_t hash = event_hash (event);
    if (self->events[event->seq] == 0) {
        self->events[event->seq] = hash;
    } else if (self->events[event->seq] != hash) {
        world_broken (self->world, "6", event->job,
                      "two subscribers saw different events of seq %" PRIu64
                      "; the second is %s",
                      event->seq, event->kind);
    }
    notebook_event (self->notebook, event);
}
