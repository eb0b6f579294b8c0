/* SPDX-License-Identifier: MPL-2.0
 *
 * A run's timer has run out: what waited for its next attempt is ready again; what waited
 * too long for its first claim is expired.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/events.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/rows.h"

static bf_err
ready_again (bf_ledger *self, bf_job_row *job, bf_run_row *run, bf_error *error)
{
    bf_err rc = bf_run_wake (self, job, run, error);
    return rc == BF_OK ? bf_event_write (self, BF_EVENT_RUN_RETRYING, job, run, NULL, error)
                       : rc;
}

bf_err
bf_timer_wake (bf_ledger *self, bf_timer timer, bf_job_row *job, bf_run_row *run,
               bf_timer_effect *effect, bf_error *error)
{
    int64_t due_us = bf_scale_from_boot (&self->scale, (bf_boot){timer.due_us});
    *effect = BF_TIMER_STALE;
    bf_err rc = bf_run_load (self, timer.job, timer.ordinal, run, error);
    if (rc == BF_OK) {
        rc = bf_job_load (self, timer.job, job, error);
    }
    if (rc != BF_OK) {
        return rc == BF_ENOTFOUND ? BF_OK : rc;
    }
    bool waits = run->state != BF_RUN_LEASED && bf_run_is_open (run->state);
    if (!waits || run->timer_us == 0 || run->timer_us != due_us) {
        return BF_OK;
    }
    if (due_us > self->boot_us) {
        return bf_outcome_timer (self, true, timer, error);
    }
    *effect = BF_TIMER_RUN;
    /* The clock let go of it when it proposed it: nothing to disarm. */
    run->was_timer_us = 0;
    if (run->state == BF_RUN_RETRY_WAIT) {
        return ready_again (self, job, run, error);
    }
    return bf_run_end (self, job, run, BF_RUN_EXPIRE, BF_EVENT_RUN_EXPIRED,
                       "nobody claimed it before start_timeout", error);
}
