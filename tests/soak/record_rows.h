/* SPDX-License-Identifier: MPL-2.0
 *
 * What a record holds of jobs and runs: for record.c and acknowledged.c.
 */
#ifndef BF_SOAK_RECORD_ROWS_H
#define BF_SOAK_RECORD_ROWS_H

#include "core/job.h"
#include "core/run.h"
#include "tests/soak/record.h"

typedef struct {
    uint64_t claimed_seq;
    uint64_t end_seq;
    bf_event_kind end; /* 0 while it is held */
} record_attempt;

typedef struct {
    bf_run_state state;
    uint64_t made_seq;
    uint64_t final_seq; /* 0 while it is open */
    uint32_t attempts;
    uint32_t succeeded_attempt; /* 0 for none */
    record_attempt last;
} record_run;

typedef struct {
    uint64_t id;
    bf_job_state state;
    uint32_t version;
    uint32_t open_runs;
    uint32_t slot_version; /* whose slot was the last to become a run; 0 for none */
    int64_t slot_due_us;   /* that slot */
    int64_t interval_us;   /* of its grid; 0 for a one-shot */
    int64_t anchor_us;
    uint64_t made_seq;
    uint64_t last_seq;
    int64_t gone_us; /* boot time; 0 while it is there */
    bf_list runs;    /* record_run of ordinal n at [n - 1]; NULL where it was pruned */
} record_job;

record_job *record_find_job (const record *self, uint64_t id);
/* NULL where there is none, also of a NULL job. */
record_run *record_find_run (const record_job *job, uint32_t ordinal);

/* Compares the acknowledgements that the log has reached. */
void record_compare (record *self);
void record_forget_waiting (record *self);

#endif
