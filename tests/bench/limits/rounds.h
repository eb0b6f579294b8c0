/* SPDX-License-Identifier: MPL-2.0
 *
 * A ledger under the loads of the benchmark, without actors: batches as the store actor
 * makes them, commands as the gateway hands them on, proposals as the dispatcher makes
 * them. What it does to its tables is what the tapes are of.
 */
#ifndef BF_LIMITS_ROUNDS_H
#define BF_LIMITS_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "tests/bench/limits/tape.h"

/* Keys and due times that grow, as bots make them; or both at random. */
typedef enum { ROUNDS_STEADY, ROUNDS_SCATTERED, ROUNDS_WORKLOADS } rounds_workload;
extern const char *const rounds_workload_names[ROUNDS_WORKLOADS];

typedef struct rounds rounds;

/* A new ledger in this directory, which has recovered. It does not sync until it is told
 * to. Everything from its opening on goes onto the tape, if there is one, each batch with
 * its mark. */
rounds *rounds_open (const char *directory, rounds_workload workload, uint64_t seed,
                     tape *onto);
/* As it would go down: the tape ends with a checkpoint in its last batch. */
void rounds_close (rounds **self_p);
sqlite3 *rounds_handle (rounds *self);
/* The last call of all, as it would go over the wire, and the last answer. */
size_t rounds_call_bytes (const rounds *self);
size_t rounds_reply_bytes (const rounds *self);

/* The PRAGMA of this name, on any database. */
void rounds_synchronous (sqlite3 *handle, const char *value);
void rounds_set_durable (rounds *self, bool durable);
/* How long the ledger took from here on, without what its callers did: requests made,
 * outcomes read. */
void rounds_watch (rounds *self);
double rounds_took_s (const rounds *self);

/* Whether there is nobody else who waits when a batch is done: then the log is moved into
 * the file sooner. */
void rounds_set_idle (rounds *self, bool idle);

/* Jobs so many a batch, one a request; or, with `atomic`, all in one. */
void rounds_schedule (rounds *self, size_t jobs, size_t per_batch, bool atomic);
/* Cancels all of them by key, one a request; scattered: in an order of its own. */
void rounds_cancel (rounds *self, size_t per_batch);
/* How runs are completed: not at all; in a call for each; in a Batch for those of a claim.
 */
typedef enum { ROUNDS_LEAVE, ROUNDS_EACH, ROUNDS_BATCHED } rounds_completion;
/* All of them come due, in the order of their times; each batch fires so many, to claims
 * that wait, and completes those that the batch before it has handed out. */
void rounds_fire (rounds *self, size_t per_batch, rounds_completion completion);

#endif
