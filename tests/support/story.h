/* SPDX-License-Identifier: MPL-2.0
 *
 * The log as it was told: reads a daemon's events by Replay, folds them into jobs, runs and
 * attempts, and fails the test where an event breaks a promise: a gap, a run without a
 * slot, a slot that fires early or under an old definition, an attempt that is skipped or
 * held twice, anything behind a final state. Knows nothing of the daemon's own code but
 * names and numbers.
 */
#ifndef BF_TESTS_STORY_H
#define BF_TESTS_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/event.h"
#include "core/job.h"
#include "core/run.h"
#include "core/token.h"
#include "tests/support/peer.h"

#define STORY_KINDS 64 /* above the number of every event kind */

typedef struct {
    uint64_t id;
    bf_job_state state;
    uint32_t version;
    uint32_t runs;
    uint32_t open_runs;
    int64_t due_us;
    uint32_t fired_version; /* whose slot was the last to become a run; 0 for none */
    uint64_t fired_seq;     /* of that */
    uint64_t made_seq;
    uint64_t last_seq;
} story_job;

typedef struct {
    bf_token id;
    bf_run_state state;
    uint32_t attempt;
    uint32_t failures;
    uint64_t last_seq;
    uint64_t final_seq; /* 0 while it is open */
} story_run;

typedef struct {
    uint64_t claimed_seq;
    uint64_t end_seq;
    bf_event_kind end; /* run.failed, run.succeeded, …; 0 while it is held */
} story_attempt;

typedef struct {
    uint64_t seq; /* told up to here */
    uint64_t epoch;
    size_t count[STORY_KINDS]; /* events of each kind */
    bf_map *jobs;              /* story_job by id */
    bf_map *runs;              /* story_run by token without attempt */
    bf_map *attempts;          /* story_attempt by token */
    uint64_t *digests;         /* of the event seq at [seq - 1] */
    size_t capacity;
    bf_arena *arena;
} story;

story *story_new (void);
void story_destroy (story **self_p);

/* Reads on, up to the head of the log. */
void story_read (story *self, peer *client);

/* NULL where the log has not told of it. */
story_job *story_find_job (const story *self, uint64_t id);
story_run *story_find_run (const story *self, const char *run);
story_attempt *story_find_attempt (const story *self, const char *token);

/* Every run is final, and every open job waits for a slot after `due_us`. */
bool story_settled (const story *self, int64_t due_us);

/* Prints the jobs and runs that are open, for a test that waited in vain. */
void story_print_open (const story *self);

/* The digest of an event, for one that was heard elsewhere: equal to digests[seq - 1] if it
 * is the same event, payload aside. */
uint64_t story_digest (const Belfry__V1__Event *event);

#endif
