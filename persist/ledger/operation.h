/* SPDX-License-Identifier: MPL-2.0
 *
 * One operation (operations.h): what is known of it in memory, and its row. Only
 * operations.c and operation_rows.c see this.
 */
#ifndef BF_LEDGER_OPERATION_H
#define BF_LEDGER_OPERATION_H

#include "persist/ledger/operations.h"

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
    bool frees; /* goes on while the disk is full */
    bool begun; /* in this batch */
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
