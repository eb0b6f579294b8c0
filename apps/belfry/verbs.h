/* SPDX-License-Identifier: MPL-2.0
 *
 * The rows of the table of verbs, one from each verb_NAME.c.
 */
#ifndef BF_CLI_VERBS_H
#define BF_CLI_VERBS_H

#include "apps/belfry/cli.h"

extern const bf_cli_verb bf_cli_backup;
extern const bf_cli_verb bf_cli_batch;
extern const bf_cli_verb bf_cli_bench;
extern const bf_cli_verb bf_cli_calendars;
extern const bf_cli_verb bf_cli_cancel;
extern const bf_cli_verb bf_cli_check;
extern const bf_cli_verb bf_cli_claim;
extern const bf_cli_verb bf_cli_complete;
extern const bf_cli_verb bf_cli_confirm;
extern const bf_cli_verb bf_cli_events;
extern const bf_cli_verb bf_cli_fail;
extern const bf_cli_verb bf_cli_get;
extern const bf_cli_verb bf_cli_heartbeat;
extern const bf_cli_verb bf_cli_help;
extern const bf_cli_verb bf_cli_history;
extern const bf_cli_verb bf_cli_list;
extern const bf_cli_verb bf_cli_next;
extern const bf_cli_verb bf_cli_pause;
extern const bf_cli_verb bf_cli_prune;
extern const bf_cli_verb bf_cli_redrive;
extern const bf_cli_verb bf_cli_reschedule;
extern const bf_cli_verb bf_cli_restore;
extern const bf_cli_verb bf_cli_resume;
extern const bf_cli_verb bf_cli_runs;
extern const bf_cli_verb bf_cli_schedule;
extern const bf_cli_verb bf_cli_snooze;
extern const bf_cli_verb bf_cli_stats;
extern const bf_cli_verb bf_cli_status;
extern const bf_cli_verb bf_cli_trigger;
extern const bf_cli_verb bf_cli_version;
extern const bf_cli_verb bf_cli_watch;

#endif
