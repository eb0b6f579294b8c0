/* SPDX-License-Identifier: MPL-2.0
 *
 * A slot that is due becomes a run, and the job moves on, in one step. What the clock says
 * is only a proposal: the row may have been cancelled, moved or paused since, or the clock
 * set back.
 */
#include "persist/ledger/commands.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/outcome.h"
#include "persist/ledger/rows.h"

bf_err
bf_timer_fire (bf_ledger *self, bf_timer timer, bf_job_row *job, bf_run_row *run, bool *due,
               bf_error *error)
{
    bf_clock clock = timer.source == BF_SOURCE_SLOT_BOOT ? BF_CLOCK_BOOT : BF_CLOCK_WALL;
    int64_t due_us = clock == BF_CLOCK_BOOT
                         ? bf_scale_from_boot (&self->scale, (bf_boot){timer.due_us})
                         : timer.due_us;
    *due = false;
    bf_err rc = bf_job_load (self, timer.job, job, error);
    if (rc != BF_OK) {
        return rc == BF_ENOTFOUND ? BF_OK : rc;
    }
    if (!bf_job_is_timed (job) || job->clock != clock || job->due_us != due_us) {
        return BF_OK;
    }
    int64_t lateness_us = bf_job_lateness (self, job);
    if (lateness_us < 0) {
        return bf_outcome_timer (self, true, timer, error);
    }
    *due = true;
    /* The clock let go of it when it proposed it: nothing to disarm. */
    job->was_timed = false;
    rc = bf_job_move_to (self, job, BF_JOB_FIRE_LAST, error);
    if (rc == BF_OK) {
        bf_birth birth = {
            .origin = BF_ORIGIN_SLOT,
            .clock = clock,
            .due_us = due_us,
            .lateness_us = lateness_us,
        };
        rc = bf_run_make (self, job, &birth, run, error);
    }
    return rc;
}
