/* SPDX-License-Identifier: MPL-2.0
 *
 * What is gone with time: only what is final, only from the oldest on, and only as far as
 * an event tells.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdlib.h>

static void
prune_runs (checker *self, model_job *job, uint32_t up_to)
{
    for (uint32_t ordinal = 1; ordinal <= up_to; ordinal++) {
        model_run *run = job->runs[ordinal - 1];
        if (!run) {
            continue;
        }
        if (model_run_is_open (run->image->state)) {
            if (up_to == job->run_count) {
                world_broken (self->world, "6", job->id,
                              "job %" PRIu64 " was pruned with its open run %" PRIu32,
                              job->id, ordinal);
            }
            continue; /* only those that are final go */
        }
        job->runs[ordinal - 1] = NULL;
    }
}

static void
prune_stretches (model_job *job, uint64_t below)
{
    size_t cursor = 0;
    model_stretch *row;
    while (job->stretches && (row = table_each (job->stretches, &cursor)) != NULL) {
        if (row->after_ordinal < below) {
            table_remove_number (job->stretches,
                                 (uint64_t)row->after_ordinal * 2 + row->skipped);
        }
    }
}

static void
prune_rows (checker *self, const model_event *event, const Belfry__V1__Pruned__Rows *rows)
{
    model_job *job = model_find (self, rows->job);
    if (!job || job->pruned) {
        world_broken (self->world, "6", rows->job,
                      "event %" PRIu64 " prunes job %" PRIu64 ", which is not there",
                      event->seq, rows->job);
    }
    if (rows->up_to_ordinal != 0) {
        /* The newest stays, to count on. */
        if (rows->up_to_ordinal >= job->run_count) {
            world_broken (self->world, "6", job->id,
                          "event %" PRIu64 " prunes the newest run of job %" PRIu64,
                          event->seq, job->id);
        }
        prune_runs (self, job, rows->up_to_ordinal);
        prune_stretches (job, rows->up_to_ordinal);
        job->runs_pruned = rows->up_to_ordinal;
        return;
    }
    if (model_job_is_open (job->image->state) || job->image->open_runs > 0) {
        world_broken (self->world, "6", job->id,
                      "event %" PRIu64 " prunes job %" PRIu64 ", which is not final",
                      event->seq, job->id);
    }
    prune_runs (self, job, job->run_count);
    prune_stretches (job, UINT64_MAX);
    job->pruned = true;
    job->pruned_seq = event->seq;
    self->final_jobs--;
}

void
model_prune (checker *self, const model_event *event)
{
    const Belfry__V1__Pruned *pruned = event->event->pruned;
    if (kind_of (event->event->kind) == KIND_JOB_PRUNED) {
        for (size_t i = 0; i < pruned->n_rows; i++) {
            prune_rows (self, event, pruned->rows[i]);
        }
        return;
    }
    if (pruned->n_rows > 0 || pruned->first_seq != self->oldest ||
        pruned->last_seq < pruned->first_seq || pruned->last_seq >= event->seq) {
        world_broken (self->world, "6", 0,
                      "event %" PRIu64 " takes %" PRIu64 " to %" PRIu64
                      " out of the log, which begins at %" PRIu64,
                      event->seq, pruned->first_seq, pruned->last_seq, self->oldest);
    }
    self->oldest = pruned->last_seq + 1;
}
