/* SPDX-License-Identifier: MPL-2.0
 *
 * The log as a reader has it, folded into jobs, runs and attempts, and what the daemon has
 * acknowledged, each compared with the log as soon as the reader is that far. What
 * retention has taken is forgotten here, too, a while later, so that a soak of days holds
 * no more than one of minutes.
 */
#ifndef BF_SOAK_RECORD_H
#define BF_SOAK_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "core/base/list.h"
#include "core/base/map.h"
#include "core/event.h"

#include "belfry.pb-c.h"

#define RECORD_KINDS 64 /* above the number of every event kind */

typedef struct {
    uint64_t seq; /* told up to here */
    uint64_t epoch;
    int64_t at_us; /* of that event */
    uint64_t count[RECORD_KINDS];
    uint64_t said[RECORD_KINDS]; /* how many there must be, by the answers */
    uint64_t acknowledged;       /* the highest seq in any answer */
    uint64_t compared;           /* acknowledgements that were found in the log */
    uint64_t fires;              /* slots that became runs */
    int64_t latest_us;           /* the latest of them */
    bf_map *jobs;                /* record_job by id, private to record.c */
    bf_list waiting;             /* acknowledgements that the reader has yet to come to */
    bf_list gone;                /* pruned jobs, the oldest first */
    size_t gone_from;
    size_t open_jobs;
    size_t open_runs;
} record;

record *record_new (void);
void record_destroy (record **self_p);

/* The next event. */
void record_tell (record *self, const Belfry__V1__Event *event);

/* The first answer to a call. `token`: what it settles, or NULL. */
void record_answer (record *self, const Belfry__V1__Request *request,
                    const Belfry__V1__Reply *reply);

/* Nothing that was acknowledged lies behind this head. Called after each start. */
void record_head (const record *self, uint64_t head_seq);

/* Every call has its answer, the log is read: as many events of each kind as were answered,
 * none lost and none twice; and the tables are the fold. */
void record_finish (record *self, sqlite3 *db);

#endif
