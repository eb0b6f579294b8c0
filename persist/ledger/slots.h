/* SPDX-License-Identifier: MPL-2.0
 *
 * The slots of a job: what a decision of core/late.h and core/overlap.h makes of the rows.
 */
#ifndef BF_LEDGER_SLOTS_H
#define BF_LEDGER_SLOTS_H

#include "persist/ledger/private.h"

/* Why a stretch of slots was dropped: says which counter it goes to. */
typedef enum {
    BF_DROP_MISSED,
    BF_DROP_SKIPPED,
    BF_DROP_OVERLAP,
    BF_DROP_BUFFER,
} bf_drop;

/* Moves the job on behind the slot at slot_us: to the next one, or to its end. paced: the
 * next one is late as well, and waits a moment. */
bf_err bf_slots_advance (bf_ledger *self, bf_job_row *job, int64_t slot_us, bool paced,
                         bf_error *error);

/* Drops slots, behind which the job has moved on already: counts them, puts them into the
 * row of their stretch, writes slot.missed or slot.skipped, and judges the job's end where
 * they were its last. */
bf_err bf_slots_drop (bf_ledger *self, bf_job_row *job, bf_stretch slots, bf_drop why,
                      const char *reason, bf_error *error);

/* Makes room for a slot by its job's overlap policy: asks the others to stop, or ends them.
 * *crowded: some are open still. */
bf_err bf_slots_cancel_others (bf_ledger *self, bf_job_row *job, bool *crowded,
                               bf_error *error);
bf_err bf_slots_terminate_others (bf_ledger *self, bf_job_row *job, bf_error *error);

#endif
