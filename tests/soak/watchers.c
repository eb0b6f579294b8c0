/* SPDX-License-Identifier: MPL-2.0
 *
 * Follows the doors; see watchers.h.
 */
#include "tests/soak/watchers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/time.h"
#include "tests/soak/soak.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/story.h"

/* Hashes are compared at every 256th event; so many of them are kept. */
#define STRIDE 256
#define MILESTONES 65536

/* One turn takes at most so many frames of a door: the others wait. */
#define FRAMES 2000

#define SLEEP_US (2 * BF_SECOND_US)

struct milestone {
    uint64_t seq;
    uint64_t hash;
};

watchers *
watchers_new (rig *owner, record *log)
{
    watchers *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = owner;
    self->record = log;
    self->milestones = calloc (MILESTONES, sizeof *self->milestones);
    assert_non_null (self->milestones);
    return self;
}

void
watchers_destroy (watchers **self_p)
{
    watchers *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    for (size_t i = 0; i < WATCHERS; i++) {
        peer_free (self->all[i].door);
        peer_free (self->all[i].asking);
    }
    free (self->milestones);
    free (self);
}

void
watchers_connect (watchers *self)
{
    for (size_t i = 0; i < WATCHERS; i++) {
        watcher *one = &self->all[i];
        char name[16];
        (void)snprintf (name, sizeof name, "watcher-%zu", i);
        peer_free (one->asking);
        one->asking = peer_client (self->rig, self->rig->commands.ipc, ZMQ_DEALER, name);
        one->asked = false;
        if (!one->door) {
            /* On ipc it connects again by itself, and may miss what comes meanwhile. */
            const rig_door *door = i % 2 ? &self->rig->monitor : &self->rig->feed;
            one->door = peer_subscriber (self->rig, door->ipc, "");
        }
        one->known = one->door->head_seq > one->known ? one->door->head_seq : one->known;
    }
}

void
watchers_poll (const watchers *self, zmq_pollitem_t *items)
{
    int64_t now_us = soak_now_us ();
    for (size_t i = 0; i < WATCHERS; i++) {
        const watcher *one = &self->all[i];
        /* One that sleeps does not wake the others. */
        short events = now_us >= one->asleep_until_us ? ZMQ_POLLIN : 0;
        items[2 * i] = (zmq_pollitem_t){.socket = one->door->socket, .events = events};
        items[2 * i + 1] =
            (zmq_pollitem_t){.socket = one->asking->socket, .events = events};
    }
}

/* Who comes to a milestone first says what the others must have. */
static void
compare (watchers *self, const watcher *one)
{
    struct milestone *mark = &self->milestones[one->seq / STRIDE % MILESTONES];
    if (mark->seq < one->seq) {
        *mark = (struct milestone){.seq = one->seq, .hash = one->hash};
    } else if (mark->seq == one->seq && mark->hash != one->hash) {
        soak_broken ("watcher %d has read another history up to event %" PRIu64,
                     (int)(one - self->all), one->seq);
    }
}

static void
take_event (watchers *self, watcher *one, const Belfry__V1__Event *event)
{
    one->seq = event->seq;
    one->at_us = event->at_us;
    one->hash = bf_mix (one->hash ^ story_digest (event));
    if (one == &self->all[0]) {
        record_tell (self->record, event);
    }
    if (one->seq % STRIDE == 0) {
        compare (self, one);
    }
}

static void
take_published (watchers *self, watcher *one)
{
    Belfry__V1__Event *event;
    for (int i = 0; i < FRAMES && (event = peer_event (one->door, 0)) != NULL; i++) {
        one->known = event->seq > one->known ? event->seq : one->known;
        /* What lies behind a gap comes by Replay, what lies before us has come. */
        if (event->seq == one->seq + 1) {
            take_event (self, one, event);
        }
        belfry__v1__event__free_unpacked (event, NULL);
    }
    uint64_t head_seq = one->door->head_seq;
    one->known = head_seq > one->known ? head_seq : one->known;
}

static void
take_replayed (watchers *self, watcher *one)
{
    Belfry__V1__Reply *reply;
    while ((reply = peer_receive (one->asking, 0)) != NULL) {
        one->asked = false;
        if (reply->code == BELFRY__V1__CODE__CODE_OK) {
            const Belfry__V1__EventsReply *page = reply->events;
            for (size_t i = 0; i < page->n_events; i++) {
                uint64_t seq = page->events[i]->seq;
                if (seq > one->seq + 1) {
                    soak_broken ("the log has %" PRIu64 " behind %" PRIu64, seq, one->seq);
                }
                if (seq == one->seq + 1) {
                    take_event (self, one, page->events[i]);
                    self->replayed++;
                }
            }
            one->known = page->head_seq > one->known ? page->head_seq : one->known;
        } else if (reply->code != BELFRY__V1__CODE__CODE_STOPPING &&
                   reply->code != BELFRY__V1__CODE__CODE_BUSY) {
            soak_broken ("Replay after %" PRIu64 " was refused with %d: %s", one->seq,
                         (int)reply->code, reply->text);
        }
        reply_free (reply);
    }
}

void
watchers_take (watchers *self, bool awake)
{
    int64_t now_us = soak_now_us ();
    for (size_t i = 0; i < WATCHERS; i++) {
        watcher *one = &self->all[i];
        if (i + 1 == WATCHERS && !awake && now_us > one->next_sleep_us) {
            one->asleep_until_us = now_us + (int64_t)soak_random (SLEEP_US);
            one->next_sleep_us =
                one->asleep_until_us + (int64_t)soak_random (10 * SLEEP_US);
        }
        if (now_us < one->asleep_until_us && !awake) {
            continue;
        }
        take_published (self, one);
        take_replayed (self, one);
        if (one->seq < one->known && !one->asked) {
            ask_send (one->asking, "replay.after_seq=%" PRIu64 " replay.limit=1000",
                      one->seq);
            one->asked = true;
        }
    }
}

bool
watchers_are_level (const watchers *self, uint64_t seq)
{
    for (size_t i = 0; i < WATCHERS; i++) {
        const watcher *one = &self->all[i];
        if (one->seq < seq || one->seq < one->known || one->seq != self->all[0].seq) {
            return false;
        }
        if (one->hash != self->all[0].hash) {
            soak_broken ("watcher %zu has read another history than the reader", i);
        }
    }
    return true;
}

uint64_t
watchers_lag (const watchers *self)
{
    uint64_t known = 0;
    for (size_t i = 0; i < WATCHERS; i++) {
        known = self->all[i].known > known ? self->all[i].known : known;
    }
    return known - self->all[0].seq;
}

int64_t
watchers_need_us (const watchers *self)
{
    int64_t need_us = INT64_MAX;
    for (size_t i = 0; i < WATCHERS; i++) {
        need_us = self->all[i].at_us < need_us ? self->all[i].at_us : need_us;
    }
    return need_us;
}
