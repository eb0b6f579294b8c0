/* SPDX-License-Identifier: MPL-2.0
 *
 * Work in slices, between the batches of those who wait: each kind of it says when it has
 * something to do, and does a slice. One kind after the other, so that none starves.
 */
#ifndef BF_LEDGER_TEND_H
#define BF_LEDGER_TEND_H

#include "persist/ledger/private.h"

typedef struct {
    /* A slice of it, in the batch that has begun and has written nothing yet. */
    bf_err (*tend) (bf_ledger *self, bf_error *error);
    /* 0: there is something to do now. INT64_MAX: not before somebody asks for it. */
    bf_boot (*next) (const bf_ledger *self);
} bf_chore;

extern const bf_chore bf_operations_chore; /* operations.c: commands by filter */
extern const bf_chore bf_retention_chore;  /* retention.c: what is too old */
extern const bf_chore bf_backup_chore;     /* backup.c: one that is under way */
extern const bf_chore bf_replan_chore;     /* replan.c: jobs whose zone has new rules */

#endif
