/* SPDX-License-Identifier: MPL-2.0
 *
 * One command by filter: the struct of one that is under way with its row, and the kinds,
 * which say what is done for each job. It is not the list of them, nor who is answered
 * when: that is operations.h. Only the operations' own files see this.
 */
#ifndef BF_LEDGER_OPERATION_H
#define BF_LEDGER_OPERATION_H

#include "messages/limits.h"
#include "persist/ledger/operations.h"

/* --- what it has done: kept in its row -------------------------------------------------
 */

/* A job that takes more than one slice. The next one goes on with it, whatever its state is
 * by then; what the job was given meanwhile is beyond last_run. */
typedef struct {
    uint64_t job;      /* 0: none */
    uint32_t run;      /* the last of its runs that is done */
    uint32_t last_run; /* the last of those that are to be */
} bf_half_done;

/* What was done so far: see BulkReply. */
typedef struct {
    uint64_t changed;
    uint64_t unchanged;
    uint64_t refused;
    uint64_t runs;
    uint64_t events;
    uint64_t cursor;
    uint64_t examined;
    size_t n_refusals;
    bf_half_done at;
} bf_tally;

/* One of the first that are kept; their number is the tally's. */
typedef struct {
    uint64_t job;
    Belfry__V1__Code code;
    char text[BF_ERROR_TEXT_BYTES];
} bf_refusal;

/* --- what it does: operation_steps.c, prune_steps.c ------------------------------------
 */

/* Runs that a dry run only counts cost as much as one change. */
#define BF_RUNS_PER_ROOM 50

/* A slice in the making: what its steps share. */
typedef struct {
    const Belfry__V1__Request *request;
    bool dry_run;
    int64_t began_us; /* wall time of the operation's begin: ages count up to it */
    size_t room;      /* what it may do still, in changes of a small row */
    bf_tally *tally;
    bf_refusal *refusals; /* BF_REFUSALS_SHOWN */
    void *own;            /* a kind's, in the batch's arena; NULL at first */
} bf_slice;

/* What a command means for a job that its filter has found; not whether it matches, nor
 * what comes next. */
typedef struct {
    /* For which jobs where the filter names no states (filter.h). */
    uint32_t states;
    /* Does it for one job, under savepoints of its own where it may be refused, counts what
     * it did in slice->tally, and takes what it cost out of slice->room, which is not 0.
     * *more: there is more to do for this very job, in another slice; where it may not
     * match any more by then, and in a dry run, whose changes the caller undoes, tally->at
     * says how far it is. */
    bf_err (*step) (bf_ledger *self, bf_slice *slice, const bf_job_row *job, bool *more,
                    bf_error *error);
    /* After the last job of a slice, where it is not a dry run; NULL for none. */
    bf_err (*close) (bf_ledger *self, bf_slice *slice, bf_error *error);
    /* After the last job of all: a slice of what there is to do beside jobs; NULL for none.
     * *more: not done yet. In a dry run it only counts. */
    bf_err (*rest) (bf_ledger *self, bf_slice *slice, bool *more, bf_error *error);
} bf_operation_kind;

extern const bf_operation_kind bf_prune_operation; /* prune_steps.c */
extern const bf_operation_kind bf_prune_log_operation;

/* NULL where the command cannot be by filter. */
const bf_operation_kind *bf_operation_kind_of (const Belfry__V1__Request *request);

/* Counts a refusal. */
void bf_slice_refuse (bf_slice *slice, uint64_t job, const bf_error *refusal);

/* In the batch's arena; NULL without memory. */
Belfry__V1__BulkReply *bf_tally_render (bf_ledger *self, const bf_tally *tally,
                                        const bf_refusal *refusals);

/* --- the one that is under way: operation_rows.c ---------------------------------------
 */

/* What changes. */
typedef struct {
    bf_tally tally;
    uint64_t call;     /* who waits for it; 0: nobody */
    bf_boot answer_at; /* until then */
    bf_boot asked;     /* when somebody last did */
    bool jobs_done;    /* what is left is beside jobs */
    bool done;
    bool gone; /* nothing is left to say either */
} bf_operation_state;

typedef struct {
    uint64_t id; /* and the watermark: its jobs have lower ids */
    bf_arena *arena;
    const char *client;
    const char *request_id;
    uint64_t fingerprint;
    const Belfry__V1__Request *request;
    const bf_operation_kind *kind;
    int64_t created_us;
    bool dry_run;
    bool frees;         /* goes on while the disk is full */
    bool keys_are_many; /* bf_filter's, found out once */
    bool begun;         /* in this batch */
    bf_operation_state now;
    bf_operation_state kept;
    bf_refusal refusals[BF_REFUSALS_SHOWN];
} bf_operation;

/* A copy of the packed request and of the caller's names, in memory of its own. NULL
 * without that, or where the bytes are no such request. */
bf_operation *bf_operation_new (bf_caller caller, const void *command, size_t size);
void bf_operation_destroy (bf_operation *operation);

/* How far it is, as a reply and as the row's progress. In the batch's arena; NULL without
 * memory. */
Belfry__V1__BulkReply *bf_operation_render (bf_ledger *self, const bf_operation *operation);

/* Its row: command is the packed request; update writes the progress. */
bf_err bf_operation_insert (bf_ledger *self, const bf_operation *operation,
                            const uint8_t *command, size_t size, bf_error *error);
bf_err bf_operation_update (bf_ledger *self, const bf_operation *operation,
                            bf_error *error);
bf_err bf_operation_delete (bf_ledger *self, const bf_operation *operation,
                            bf_error *error);

#endif
