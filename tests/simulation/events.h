/* SPDX-License-Identifier: MPL-2.0
 *
 * What is going to happen in a world, and when: a heap by (true time, order of asking).
 */
#ifndef BF_SIMULATION_EVENTS_H
#define BF_SIMULATION_EVENTS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    HAPPENS_REQUEST, /* reaches the commands door; who: the routing id */
    HAPPENS_REPLY,   /* reaches a client; who: the routing id */
    HAPPENS_FRAME,   /* reaches a subscriber; who: which */
    HAPPENS_WAKE,    /* a bot wanted to be woken; who: which */
    HAPPENS_START,   /* the scheduler is started again */
    HAPPENS_ROOM,    /* there is room on the disk again */
    HAPPENS_THAW,    /* the machine runs again */
} happening_kind;

typedef struct {
    int64_t true_us;
    uint64_t order;
    happening_kind kind;
    unsigned who;
    size_t size;
    uint8_t *bytes; /* of a message; freed by who takes it out */
    char *topic;    /* of a frame; the same */
} happening;

typedef struct {
    happening *heap;
    size_t count;
    size_t room;
    uint64_t orders;
} happenings;

/* bytes are copied, topic too; either may be NULL. */
void happenings_add (happenings *self, int64_t true_us, happening_kind kind, unsigned who,
                     const void *bytes, size_t size, const char *topic);
/* NULL where there is none. */
const happening *happenings_first (const happenings *self);
happening happenings_take (happenings *self);
void happening_clear (happening *self);
/* Everything comes so much later. */
void happenings_delay (happenings *self, int64_t us);
void happenings_clear (happenings *self);

#endif
