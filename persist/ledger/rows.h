/* SPDX-License-Identifier: MPL-2.0
 *
 * Rows to structs and back. What is read lives in the batch's arena.
 */
#ifndef BF_LEDGER_ROWS_H
#define BF_LEDGER_ROWS_H

#include "persist/ledger/private.h"

/* BF_ENOTFOUND with a sentence where there is none. */
bf_err bf_job_load (bf_ledger *self, uint64_t id, bf_job_row *job, bf_error *error);
/* The newest job with the key: the open one, if any is. *found false where there is none.
 */
bf_err bf_job_find (bf_ledger *self, uint32_t ns, const char *key, uint64_t *id,
                    bool *found, bf_error *error);
/* Fills job->payload. */
bf_err bf_job_load_payload (bf_ledger *self, bf_job_row *job, bf_error *error);
/* Reads the columns of a query that selects a whole job. */
bf_err bf_job_read (bf_ledger *self, sqlite3_stmt *stmt, bf_job_row *job, bf_error *error);
/* The row is as it was read: what was armed for it, its tags. */
void bf_job_was (bf_job_row *job);
void bf_run_was (bf_run_row *run);

bf_err bf_job_insert (bf_ledger *self, bf_job_row *job, bf_error *error);
/* Counters, and state and due time where they moved. */
bf_err bf_job_save (bf_ledger *self, bf_job_row *job, bf_error *error);
/* All of it, the definition and job->payload included. */
bf_err bf_job_save_definition (bf_ledger *self, bf_job_row *job, bf_error *error);

/* Whether it is armed: the same condition as the index job_due. */
bool bf_job_is_timed (const bf_job_row *job);
/* Whether a reminder of it is: that of the index job_remind. */
bool bf_job_reminds (const bf_job_row *job);
/* The slots of a job that recurs; good for as long as no zone or calendar changes.
 * BF_EINVALID: its zone or one of its calendars is not there, or its rule means nothing. */
bf_err bf_job_grid (bf_ledger *self, const bf_job_row *job, bf_grid *grid, bf_error *error);
/* The same of a job that was planned before: what is not there is damage, and a rule that
 * means nothing by the rules that its zone has now has no further slots. */
bf_err bf_job_grid_kept (bf_ledger *self, const bf_job_row *job, bf_grid *grid,
                         bf_error *error);

bf_err bf_run_load (bf_ledger *self, uint64_t job, uint32_t ordinal, bf_run_row *run,
                    bf_error *error);
/* Reads the columns of a query that selects a whole run. */
bf_err bf_run_read (bf_ledger *self, sqlite3_stmt *stmt, bf_run_row *run, bf_error *error);
/* The oldest run of the job that is blocked; there must be one. */
bf_err bf_run_load_blocked (bf_ledger *self, uint64_t job, bf_run_row *run,
                            bf_error *error);
/* Up to `max` runs with an ordinal under `before` (0: from the newest), newest first. *runs
 * is in the arena. */
bf_err bf_run_list (bf_ledger *self, uint64_t job, uint32_t before, size_t max,
                    bf_run_row **runs, size_t *count, bf_error *error);
/* The open runs of the job, or those of them that decide, newest first. */
bf_err bf_run_list_open (bf_ledger *self, const bf_job_row *job, bool deciding_only,
                         bf_run_row **runs, size_t *count, bf_error *error);
/* Inserts what is not stored yet, else updates everything but the result. */
bf_err bf_run_save (bf_ledger *self, const bf_run_row *run, bf_error *error);
bf_err bf_run_save_result (bf_ledger *self, const bf_run_row *run, bf_error *error);

#endif
