/* SPDX-License-Identifier: MPL-2.0
 *
 * The dispatcher's core: which claims are parked, which runs are ready, who gets what.
 * Pure: it is told the time, and what it decides is a proposal that the store judges on the
 * rows.
 *
 *   claim --> recall --(answered before)--> gone
 *               |
 *               v            proposed, nothing held
 *            parked <------------------------------.
 *               |                                  |
 *               '--> proposed with runs or timers -+--> answered: gone
 *
 * Each queue keeps the first ready runs in order, at most BF_HEADS; `more` says that rows
 * hold further ones. A claim waits in the line of each queue that it names; the longest
 * waiting is served first.
 */
#ifndef BF_CORE_DISPATCH_H
#define BF_CORE_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/base/time.h"
#include "core/timers.h"

/* Ready runs kept per queue, and asked for in one refill. */
#define BF_HEADS 1000

typedef struct {
    uint32_t queue;
    int64_t ready_us;
    uint64_t job;
    uint32_t ordinal;
} bf_ready;

/* A claim as it came; strings are copied. */
typedef struct {
    uint64_t call;
    const char *client;
    const char *request_id;
    const char *ns;
    const char *const *types;
    size_t n_types;
    uint32_t max;
    bf_boot until; /* when an empty answer is due */
} bf_claim;

/* Work for one claim: indexes into the timers of the same proposal, and runs that are
 * ready. */
typedef struct {
    uint64_t call;
    const uint32_t *timers;
    size_t n_timers;
    const bf_ready *runs;
    size_t n_runs;
} bf_assignment;

/* What the core wants done. Every pointer handed to a callback dies when it returns. */
typedef struct {
    void *context;
    /* batch 0: no timers came with it. */
    void (*propose) (void *context, uint64_t batch, const bf_timer *timers, size_t n_timers,
                     const bf_assignment *assignments, size_t n_assignments);
    /* Was this claim answered before? */
    void (*recall) (void *context, uint64_t call);
    /* Nothing came in time. */
    void (*answer_empty) (void *context, uint64_t call);
    /* Another call took this one's place (the same request again): forget it, answer
     * nothing. */
    void (*superseded) (void *context, uint64_t call);
    void (*refill) (void *context, uint32_t queue, uint32_t limit);
} bf_dispatch_out;

typedef struct bf_dispatch bf_dispatch;

/* NULL without memory. `out` is copied. */
bf_dispatch *bf_dispatch_new (const bf_dispatch_out *out, uint64_t seed);
void bf_dispatch_destroy (bf_dispatch **self_p);

/* A claim that waits already under the same (client, request_id) is superseded and keeps
 * its place in line, and its time where the new one's is not sooner: repeated without a
 * wait, it is answered at the next tick. BF_EREUSED where that one asks for something else.
 * Any other is recalled first, whatever its time: it may have been answered. BF_ENOMEM:
 * nothing changed, the caller answers BUSY. */
bf_err bf_dispatch_claim (bf_dispatch *self, const bf_claim *claim);

/* done: the claim has its answer. Not done: it waits (on), and bf_dispatch_serve gives it
 * what is ready; past its time, the next tick answers it empty, but not before the refills
 * of its queues that are under way. An unknown call is ignored. */
void bf_dispatch_resolved (bf_dispatch *self, uint64_t call, bool done);

/* A queue exists. Telling it again only updates `more`. */
bf_err bf_dispatch_queue (bf_dispatch *self, uint32_t queue, const char *ns,
                          const char *type, bool more);

/* A run became ready. */
bf_err bf_dispatch_ready (bf_dispatch *self, bf_ready run);
/* The first runs of the queue's order as the rows have them now; replaces what was kept. */
bf_err bf_dispatch_refilled (bf_dispatch *self, uint32_t queue, const bf_ready *runs,
                             size_t count, bool more);

/* Timers that ran out: always proposed, with claims for those queues where one waits and no
 * ready run goes first. */
bf_err bf_dispatch_due (bf_dispatch *self, uint64_t batch, const bf_timer *timers,
                        size_t count);

/* Serves waiting claims from ready runs: once after a batch of the calls above. */
void bf_dispatch_serve (bf_dispatch *self);

/* Serves, then answers empty every claim whose time is up. */
void bf_dispatch_tick (bf_dispatch *self, bf_boot now);
/* From now on no claim waits: those that do are answered empty, new ones as soon as they
 * are recalled. */
void bf_dispatch_release (bf_dispatch *self);

/* When bf_dispatch_tick has something to do; INT64_MAX for never. */
bf_boot bf_dispatch_next (const bf_dispatch *self);

/* Claims that have no answer yet. */
size_t bf_dispatch_waiting (const bf_dispatch *self);

#endif
