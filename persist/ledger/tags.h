/* SPDX-License-Identifier: MPL-2.0
 *
 * The table of tags: a row for each tag of each open job, so that a filter by tag looks at
 * nobody else. Written with the job's row, by whoever writes that.
 */
#ifndef BF_LEDGER_TAGS_H
#define BF_LEDGER_TAGS_H

#include "persist/ledger/private.h"

/* Brings the table in line with the row that is being written: its tags and whether it is
 * open, against what the row was when it was read, or last written. */
bf_err bf_tags_follow (bf_ledger *self, bf_job_row *job, bf_error *error);

#endif
