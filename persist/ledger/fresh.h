/* SPDX-License-Identifier: MPL-2.0
 *
 * Rows as this batch has written them, in memory: what a command has changed, its reply
 * shows, and a run that is made in a batch is mostly leased in it. Reading such a row again
 * from its table would take longer than having written it.
 *
 * Only a memory: a row that is not here is read from its table. Whoever writes rows puts
 * them here, or, writing beside them, forgets them all, as a step that is undone does.
 */
#ifndef BF_LEDGER_FRESH_H
#define BF_LEDGER_FRESH_H

#include "persist/ledger/private.h"

bf_err bf_fresh_open (bf_ledger *self, bf_error *error);
void bf_fresh_free (bf_ledger *self);

/* Nothing is known any more. */
void bf_fresh_forget (bf_ledger *self);

/* The row is in its table like this. BF_ENOMEM: the batch's memory is used up. */
bf_err bf_fresh_put_job (bf_ledger *self, const bf_job_row *job, bf_error *error);
bf_err bf_fresh_put_run (bf_ledger *self, const bf_run_row *run, bf_error *error);

/* As if it had been read just now. False: read it. */
bool bf_fresh_job (const bf_ledger *self, uint64_t id, bf_job_row *job);
bool bf_fresh_run (const bf_ledger *self, uint64_t job, uint32_t ordinal, bf_run_row *run);

#endif
