/* SPDX-License-Identifier: MPL-2.0
 *
 * The reminders of a job's slot: what a decision of core/remind.h makes of the rows. One
 * instant in the job's row says which is the next; what is before it is decided.
 */
#ifndef BF_LEDGER_REMINDERS_H
#define BF_LEDGER_REMINDERS_H

#include "persist/ledger/private.h"

bool bf_timer_is_reminder (bf_timer timer);

/* The job has turned to the slot that it is armed for: which reminder is the next, of those
 * at since_us or later (INT64_MIN: of all), and which are past at from_us. Why they are is
 * told by bf_reminders_tell. */
void bf_reminders_plan (const bf_ledger *self, bf_job_row *job, int64_t since_us,
                        int64_t from_us, const char *why);
/* reminder.skipped, where bf_reminders_plan found some past: once the job is as it will be.
 * bf_job_put does so; what writes the job's row by itself must. */
bf_err bf_reminders_tell (bf_ledger *self, bf_job_row *job, bf_error *error);

/* The slot is about to be decided: what is left of its reminders is skipped, and their runs
 * expire; those that a worker has are flagged. */
bf_err bf_reminders_close (bf_ledger *self, bf_job_row *job, bf_error *error);
/* The slot is about to be moved by new rules of its zone: their runs are withdrawn. */
bf_err bf_reminders_withdraw (bf_ledger *self, bf_job_row *job, bf_error *error);

#endif
