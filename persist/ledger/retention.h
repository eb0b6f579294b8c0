/* SPDX-License-Identifier: MPL-2.0
 *
 * When what is old goes by itself: final jobs and events by age and by count, as a chore
 * (tend.h), and the old runs of jobs that recur when they fire.
 */
#ifndef BF_LEDGER_RETENTION_H
#define BF_LEDGER_RETENTION_H

#include "persist/ledger/private.h"

/* Fills in the defaults, and reads how old the oldest rows are. */
bf_err bf_retention_load (bf_ledger *self, bf_retention wanted, bf_error *error);

/* The batch is in (before its counters become the saved ones), or undone. */
void bf_retention_keep (bf_ledger *self);
void bf_retention_undo (bf_ledger *self);

/* An open job has got a run, which is not written yet: lets go of a hundred of its oldest,
 * where so many are too old. */
bf_err bf_retention_trim (bf_ledger *self, const bf_job_row *job, bf_error *error);

#endif
