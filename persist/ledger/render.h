/* SPDX-License-Identifier: MPL-2.0
 *
 * Rows as the wire shows them, in replies and in the after-images of events.
 */
#ifndef BF_LEDGER_RENDER_H
#define BF_LEDGER_RENDER_H

#include "persist/ledger/private.h"

typedef enum {
    BF_IMAGE = 0,          /* the row's own times, nothing that events leave out */
    BF_WITH_SPEC = 1 << 0, /* with the definition */
    BF_REPLY = 1 << 1, /* for a reply: wall times as the clocks stand, names, definition */
    BF_WITH_PAYLOAD = 1 << 2, /* the payload (job->payload must be loaded), or the result */
    BF_IN_EVENT = 1 << 3,     /* without what the event says, and what is default */
} bf_render;

/* In the batch's arena; NULL without memory. */
Belfry__V1__Job *bf_render_job (bf_ledger *self, const bf_job_row *job, unsigned how);
Belfry__V1__Run *bf_render_run (bf_ledger *self, const bf_job_row *job,
                                const bf_run_row *run, unsigned how);

/* Whether a worker that has the run should stop: its job was cancelled, confirmed or moved.
 */
bool bf_reminder_is_timely (const bf_job_row *job, const bf_run_row *run);
bool bf_run_is_withdrawn (const bf_job_row *job, const bf_run_row *run);

/* A time of the boot scale as the wall clock would show it now. */
int64_t bf_wall_from_scale (const bf_ledger *self, int64_t us);

#endif
