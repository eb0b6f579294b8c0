/* SPDX-License-Identifier: MPL-2.0
 *
 * The table of verbs, in the order and under the headings of `belfry help`.
 */
#include "apps/belfry/verbs.h"

#include <string.h>

const bf_cli_verb *const bf_cli_verbs[] = {
    &bf_cli_schedule,  &bf_cli_reschedule, &bf_cli_cancel,
    &bf_cli_confirm,   &bf_cli_pause,      &bf_cli_resume,
    &bf_cli_trigger,   &bf_cli_batch,

    &bf_cli_claim,     &bf_cli_heartbeat,  &bf_cli_complete,
    &bf_cli_fail,      &bf_cli_snooze,     &bf_cli_redrive,

    &bf_cli_get,       &bf_cli_list,       &bf_cli_next,
    &bf_cli_runs,      &bf_cli_history,    &bf_cli_events,
    &bf_cli_watch,     &bf_cli_status,     &bf_cli_stats,

    &bf_cli_calendars,

    &bf_cli_prune,     &bf_cli_backup,     &bf_cli_check,
    &bf_cli_restore,   &bf_cli_bench,

    &bf_cli_help,      &bf_cli_version,    NULL,
};

const bf_cli_verb *
bf_cli_verb_find (const char *name)
{
    for (size_t index = 0; bf_cli_verbs[index]; index++) {
        if (!strcmp (bf_cli_verbs[index]->name, name)) {
            return bf_cli_verbs[index];
        }
    }
    return NULL;
}
