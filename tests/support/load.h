/* SPDX-License-Identifier: MPL-2.0
 *
 * Clients that press a daemon from several sockets, each with several calls in flight:
 * they schedule, move, cancel, confirm, claim and settle at random under a seed, and send
 * the same call twice now and then. Every call and its first answer are kept: the ledger
 * of what the daemon has acknowledged. What it says to a repeat is compared with the first
 * answer at once.
 *
 * After a kill, load_connect takes what had arrived before it, opens new sockets, and sends
 * every call without an answer again, byte by byte. One thread.
 */
#ifndef BF_TESTS_LOAD_H
#define BF_TESTS_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "tests/support/peer.h"

#define LOAD_CLIENTS 4
#define LOAD_IN_FLIGHT 8 /* of each */

/* A job that waits for longer than the test takes. */
#define LOAD_FAR_US INT64_C (3600000000)

typedef struct {
    size_t number; /* its request_id, and its place in `calls` */
    unsigned client;
    Belfry__V1__Request__CommandCase command;
    const char *token; /* what it settles; NULL for other commands */
    uint8_t *bytes;
    size_t size;
    size_t expected;          /* answers that are under way */
    Belfry__V1__Reply *first; /* the first answer; NULL until then */
} load_call;

typedef struct {
    rig *rig;
    uint64_t seed;
    uint64_t drawn; /* random numbers so far */
    bool settling;  /* only claims and completions, no new work */
    peer *peers[LOAD_CLIENTS];
    size_t in_flight[LOAD_CLIENTS];
    bf_list calls; /* load_call */
    size_t answered;
    size_t repeats; /* answers that were compared with the first */
    size_t resent;  /* after a kill */
    bf_list tokens; /* leases that nobody has settled yet, strings */
    bf_map *leased; /* every token that a claim was answered with */
    uint64_t *jobs; /* ids that were answered, in order, each once or more */
    size_t job_count;
    size_t job_capacity;
    uint64_t seq;      /* the highest in any answer */
    bf_arena *arena;   /* lives as long as the load */
    bf_arena *scratch; /* of one call */
} load;

load *load_new (rig *owner, uint64_t seed);
void load_destroy (load **self_p);

/* A number below `below`, by the seed. */
uint64_t load_random (load *self, uint64_t below);

/* Takes what has arrived, then opens new sockets and repeats what has no answer. */
void load_connect (load *self);

/* Calls and takes answers for so long. */
void load_run (load *self, int64_t for_us);

/* One call more, of this text (tests/support/request.h): one that answers jobs or runs. */
void load_ask (load *self, const char *text);

/* Makes no new calls, and waits until every one has its answer. */
void load_drain (load *self);

/* Sends this many of the answered calls again; load_drain takes and compares the answers.
 */
void load_repeat (load *self, size_t count);

#endif
