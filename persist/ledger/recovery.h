/* SPDX-License-Identifier: MPL-2.0
 *
 * What is decided for slots that came due while the clock was away, collected until the
 * clock says that it has caught up; then one event recovery.report tells of it. Kept in
 * memory: what a crash cuts short is told in two reports, and the decisions themselves are
 * events of their own.
 */
#ifndef BF_LEDGER_RECOVERY_H
#define BF_LEDGER_RECOVERY_H

#include "persist/ledger/private.h"

/* Notes a decision of this batch. made: the slot that was to fire became a run. caught_seq:
 * the job's last_seq before it, where this slot was paced behind others of the same job; 0
 * for the first decision of a job. */
bf_err bf_recovery_note (bf_ledger *self, const bf_job_row *job,
                         const bf_late_verdict *verdict, bool made, uint64_t caught_seq,
                         bf_error *error);

/* The clock has caught up: the report, where there is something to tell; without room on
 * the disk it is owed. */
bf_err bf_recovery_report (bf_ledger *self, const Belfry__Internal__CaughtUp *caught_up,
                           bf_error *error);
/* The report that is owed, where there is room again: at the beginning of a batch. */
bf_err bf_recovery_settle (bf_ledger *self, bf_error *error);

/* The batch is in, or undone. */
void bf_recovery_keep (bf_ledger *self);
void bf_recovery_undo (bf_ledger *self);
void bf_recovery_free (bf_ledger *self);

#endif
