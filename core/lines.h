/* SPDX-License-Identifier: MPL-2.0
 *
 * Who waits where: claims that have no answer yet (here: waiters), queues, and for each
 * queue the line of its parked waiters, longest waiting first. Memory and links only; what
 * to do with them is core/dispatch.h, whose part this is.
 *
 *   waiter --- place --- queue        a waiter has one place for each type that it named;
 *         '--- place --- queue        the place is linked into the queue's line while the
 *                                     waiter is parked
 */
#ifndef BF_CORE_LINES_H
#define BF_CORE_LINES_H

#include "core/base/heap.h"
#include "core/base/map.h"
#include "core/heads.h"

typedef struct bf_waiter bf_waiter;
typedef struct bf_line_place bf_line_place;
typedef struct bf_line_queue bf_line_queue;

typedef enum {
    BF_WAITER_RECALLING, /* asked whether it was answered before */
    BF_WAITER_PARKED,
    BF_WAITER_PROPOSED, /* the store judges what it is to get */
} bf_waiter_state;

struct bf_line_place {
    bf_waiter *waiter;
    bf_line_queue *queue;
    bf_line_place *ahead;
    bf_line_place *behind;
};

/* A queue, or, until it is announced, only a name that waiters wait for. */
struct bf_line_queue {
    uint32_t id;
    bool announced;
    size_t places; /* of waiters, in line or not */
    bf_line_place *first;
    bf_line_place *last;
    bf_heads heads;
    bool asked;    /* a refill is under way */
    bool consumed; /* heads were handed out since the last one was asked for */
    bool stirred;  /* in the list of queues to look at */
    bf_line_queue *next_stirred;
    /* While one batch of timers (the round) is shared out: the first place to look at for
     * a waiter that got none of it, and for one that has room. */
    uint64_t round;
    bf_line_place *fresh;
    bf_line_place *filling;
    size_t key_size;
    char key[]; /* ns NUL type NUL */
};

struct bf_waiter {
    bf_heap_node node; /* at: until while parked, else never; id: order of arrival; first */
    bf_waiter *earlier;
    bf_waiter *later;
    uint64_t call;
    bool repeated; /* the same request came again while this call was with the store: */
    uint64_t next_call;
    bf_boot until;
    uint32_t max;
    bf_waiter_state state;
    bf_ready *runs; /* proposed, room for max; NULL where there are none */
    size_t n_runs;
    size_t n_timers; /* while one batch of timers is shared out: how many it gets… */
    size_t listed;   /* …and where the next of their indexes is written */
    char *key;       /* client NUL request_id NUL */
    size_t key_size;
    size_t n_places;
    bf_line_place places[];
};

/* Zero-initialise, then bf_lines_init. */
typedef struct {
    bf_map *waiters_by_call;
    bf_map *waiters_by_key;
    bf_map *queues_by_id;
    bf_map *queues_by_key;
    bf_heap by_until;
    bf_waiter *first; /* of all waiters, by arrival */
    bf_waiter *last;
    uint64_t arrivals;
} bf_lines;

bf_err bf_lines_init (bf_lines *self, uint64_t seed);
void bf_lines_clear (bf_lines *self);

/* NULL where there is none. */
bf_waiter *bf_lines_waiter (const bf_lines *self, uint64_t call);
bf_line_queue *bf_lines_queue (const bf_lines *self, uint32_t id);
/* The waiter that sent this request already. BF_ENOMEM: could not be looked up. */
bf_err bf_lines_same (const bf_lines *self, const bf_claim *claim, bf_waiter **waiter);

/* Whether the claim asks for the same: namespace, types and max. */
bool bf_lines_asks_same (const bf_waiter *waiter, const bf_claim *claim);

/* A new waiter, RECALLING, last in arrival. */
bf_err bf_lines_join (bf_lines *self, const bf_claim *claim);
/* The same request under a newer call, which becomes the next call; a former next call is
 * forgotten. */
bf_err bf_lines_repeat (bf_lines *self, bf_waiter *waiter, uint64_t call);
/* Its empty answer is due at `until`, where that is sooner than it was. */
void bf_lines_hurry (bf_lines *self, bf_waiter *waiter, bf_boot until);
/* The next call becomes the call; the old one is forgotten. */
void bf_lines_rename (bf_lines *self, bf_waiter *waiter);
/* Frees it, and the names that only it waited for. */
void bf_lines_leave (bf_lines *self, bf_waiter *waiter);

/* Its time is up, but a refill of one of its queues is under way: until that is there, it
 * is not answered empty. */
bool bf_lines_awaits_refill (const bf_waiter *waiter);
void bf_lines_postpone (bf_lines *self, bf_waiter *waiter);
/* The refill of the queue is there: whoever it was postponed for may be answered. */
void bf_lines_resume (bf_lines *self, bf_line_queue *queue);

/* Into, or out of, the lines of its queues. */
void bf_lines_park (bf_lines *self, bf_waiter *waiter);
void bf_lines_unpark (bf_lines *self, bf_waiter *waiter, bf_waiter_state state);

/* The queue of that id, made or found by its name. */
bf_err bf_lines_announce (bf_lines *self, uint32_t id, const char *ns, const char *type,
                          bf_line_queue **queue);

#endif
