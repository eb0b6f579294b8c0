/* SPDX-License-Identifier: MPL-2.0
 *
 * Messages of the wire as text for people. `now_us` is the wall clock that relative times
 * are told from.
 */
#ifndef BF_CLI_SHOW_H
#define BF_CLI_SHOW_H

#include <stdint.h>
#include <stdio.h>

#include "apps/belfry/text.h"

#include "belfry.pb-c.h"

/* Everything of a job, one field a line. */
void bf_cli_show_job (FILE *out, const Belfry__V1__Job *job, int64_t now_us);

/* What a command did to a job: "256 cancelled", then a line for each run that is out. */
void bf_cli_show_item (FILE *out, const Belfry__V1__JobsReply__Item *item, int64_t now_us);

/* "256.1 retry_wait, attempt 2, 2 failures, again … (in 3.5s): reason". */
void bf_cli_show_run (FILE *out, const Belfry__V1__Run *run, int64_t now_us);

/* One line: time, seq, kind, type, run or job, key, lateness, detail and reason. */
void bf_cli_show_event (FILE *out, const Belfry__V1__Event *event);

/* Rows of tables that were made for them. */
bf_cli_table bf_cli_jobs_table (void);
void bf_cli_jobs_row (bf_cli_table *table, const Belfry__V1__Job *job, int64_t now_us);
bf_cli_table bf_cli_runs_table (void);
void bf_cli_runs_row (bf_cli_table *table, const Belfry__V1__Run *run);

#endif
