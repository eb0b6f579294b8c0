/* SPDX-License-Identifier: MPL-2.0
 *
 * What the two files of rounds share: rounds.c has its life and its batches, rounds_loads.c
 * what goes into them.
 */
#ifndef BF_LIMITS_ROUNDS_PRIVATE_H
#define BF_LIMITS_ROUNDS_PRIVATE_H

#include "core/base/arena.h"
#include "core/base/time.h"
#include "core/timers.h"
#include "core/token.h"
#include "persist/ledger.h"
#include "tests/bench/limits/rounds.h"

/* When it begins: 2026-01-01T00:00:00Z. */
#define ROUNDS_WALL_US INT64_C (1767225600000000)

struct rounds {
    bf_ledger *ledger;
    bf_arena *arena; /* one batch's items */
    tape *onto;
    bf_now now;
    rounds_workload workload;
    uint64_t random; /* of the workload */
    uint64_t calls;
    uint64_t batches; /* of timers */
    bool idle;
    size_t jobs;      /* made so far */
    uint64_t *keys;   /* by job: what its key is made of */
    bf_timer *timers; /* by job, in the order of their making */
    size_t n_timers;
    bf_token *tokens; /* handed out in the batch before this one */
    size_t n_tokens;
    int64_t took_ns;   /* in the ledger, since rounds_watch */
    size_t call_bytes; /* of the last call and the last answer */
    size_t reply_bytes;
};

void rounds_expect (bf_err rc, const bf_error *error, const char *what);
/* Of the batch's memory. */
void *rounds_take (rounds *self, size_t size);

/* One batch; `last`: of a load. What its calls were answered must be good. */
void rounds_begin (rounds *self);
void rounds_apply (rounds *self, Belfry__Internal__StoreItem *item);
void rounds_commit (rounds *self, bool last);

#endif
