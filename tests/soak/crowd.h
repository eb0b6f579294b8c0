/* SPDX-License-Identifier: MPL-2.0
 *
 * The callers: each with one call in flight, which it sends again until it is answered, and
 * sends again at times when it was, to hear the same. Their answers go to the record.
 */
#ifndef BF_SOAK_CROWD_H
#define BF_SOAK_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#include "core/base/arena.h"
#include "tests/soak/record.h"
#include "tests/support/peer.h"

#define CROWD_CALLERS 46
#define CROWD_KEYS 60
#define CROWD_RECENT 256 /* jobs that commands go to */
#define CROWD_HELD 8     /* leases of one worker */

typedef enum {
    ROLE_PRODUCER, /* schedules */
    ROLE_MOVER,    /* cancels, confirms, reschedules, pauses, triggers, redrives */
    ROLE_WORKER,   /* claims and settles */
    ROLE_BULK,     /* commands by filter, pruning */
    ROLE_BATCH,    /* several commands in one commit */
    ROLE_READER,   /* get, list, history, stats */
} role;

typedef struct {
    char token[48];
} held_lease;

typedef struct {
    role role;
    peer *peer;
    char name[16];
    uint64_t number; /* of its calls */
    uint8_t *bytes;  /* the call that is in flight; NULL for none */
    size_t size;
    bool prunes_events;
    char *first;      /* what was answered to it, once it was */
    int64_t asked_us; /* since when it waits for an answer, while the daemon serves */
    int64_t sent_us;  /* when it was sent last */
    int64_t next_us;  /* it does nothing before that */
    held_lease held[CROWD_HELD];
    size_t held_count;
} caller;

typedef struct crowd {
    rig *rig;
    record *record;
    caller all[CROWD_CALLERS];
    uint64_t recent[CROWD_RECENT];
    size_t recent_count;
    bool settling;      /* no new work: callers end what there is */
    bool over;          /* no new calls: those in flight get their answers */
    int64_t need_us;    /* events since this wall time may not be pruned */
    uint64_t calls;     /* first sendings */
    uint64_t repeats;   /* answers that were compared with the first */
    uint64_t resent;    /* sent again for want of an answer */
    int64_t slowest_us; /* answer since crowd_slowest was asked last; claims wait */
    bf_arena *arena;    /* of one call */
} crowd;

crowd *crowd_new (rig *owner, record *log);
void crowd_destroy (crowd **self_p);

/* The daemon is back: new sockets, and every call without an answer again. */
void crowd_connect (crowd *self);
/* Fills CROWD_CALLERS items. */
void crowd_poll (const crowd *self, zmq_pollitem_t *items);
/* Takes the answers that came; lets whoever has nothing in flight call. */
void crowd_take (crowd *self, const zmq_pollitem_t *items);
void crowd_call (crowd *self);
/* Nobody waits for an answer. */
bool crowd_is_quiet (const crowd *self);
/* Somebody has events pruned. */
bool crowd_prunes_events (const crowd *self);
/* The slowest answer since the last time. */
int64_t crowd_slowest (crowd *self);

#endif
