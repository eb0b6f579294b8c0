/* SPDX-License-Identifier: MPL-2.0
 *
 * Subscribers that follow the doors and close gaps by Replay. The first one is the reader
 * of the record; the last one sleeps now and then, so that the daemon drops its frames. All
 * of them must have read the same.
 */
#ifndef BF_SOAK_WATCHERS_H
#define BF_SOAK_WATCHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#include "tests/soak/record.h"
#include "tests/support/peer.h"

#define WATCHERS 4
#define WATCHERS_SOCKETS ((size_t)2 * WATCHERS)

typedef struct {
    peer *door;
    peer *asking; /* for Replay */
    bool asked;   /* and waits */
    uint64_t seq;
    uint64_t hash;  /* over everything up to there */
    uint64_t known; /* the newest seq that it has heard of */
    int64_t at_us;  /* of the newest event that it took */
    int64_t asleep_until_us;
    int64_t next_sleep_us;
} watcher;

typedef struct watchers {
    rig *rig;
    record *record;
    watcher all[WATCHERS];
    struct milestone *milestones; /* what others had hashed by a seq */
    uint64_t replayed;            /* events that came by Replay */
} watchers;

watchers *watchers_new (rig *owner, record *log);
void watchers_destroy (watchers **self_p);

/* The daemon is back. */
void watchers_connect (watchers *self);
/* Fills WATCHERS_SOCKETS items. */
void watchers_poll (const watchers *self, zmq_pollitem_t *items);
/* Takes what has come. awake: nobody sleeps. */
void watchers_take (watchers *self, bool awake);
/* All are where the one is that has heard the most, and that is at least `seq`. */
bool watchers_are_level (const watchers *self, uint64_t seq);
/* How many events the reader is behind. */
uint64_t watchers_lag (const watchers *self);
/* Events from this wall time on may still be wanted. */
int64_t watchers_need_us (const watchers *self);

#endif
