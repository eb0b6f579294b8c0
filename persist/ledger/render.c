/* SPDX-License-Identifier: MPL-2.0
 *
 * Rows to messages. Strings are borrowed from the row and from the names, which both
 * outlive the batch's outcome.
 */
#include "persist/ledger/render.h"

#include "core/base/hash.h"
#include "messages/translate.h"
#include "persist/ledger/names.h"

int64_t
bf_wall_from_scale (const bf_ledger *self, int64_t us)
{
    /* As last written rather than as just measured: two answers about one row must not
     * differ by the microsecond between two readings of a clock. */
    bool drifted = bf_scale_has_drifted (&self->scale, self->now);
    int64_t skew_us =
        drifted ? bf_scale_skew (&self->scale, self->now) : self->scale.skew_us;
    return bf_us_add (us, skew_us);
}

static int64_t
due_for_people (const bf_ledger *self, bf_clock clock, int64_t due_us)
{
    return clock == BF_CLOCK_BOOT ? bf_wall_from_scale (self, due_us) : due_us;
}

bool
bf_reminder_is_timely (const bf_job_row *job, const bf_run_row *run)
{
    return job->state == BF_JOB_SCHEDULED &&
           job->due_us == bf_us_add (run->due_us, run->remind_before_us);
}

bool
bf_run_is_withdrawn (const bf_job_row *job, const bf_run_row *run)
{
    return job->state == BF_JOB_CANCELLED || job->state == BF_JOB_CONFIRMED ||
           run->job_version < job->version ||
           (run->origin == BF_ORIGIN_REMINDER && !bf_reminder_is_timely (job, run)) ||
           (run->decides && run->ordinal < job->others_below);
}

/* The grid's anchor, resolved; the row's definition says whether its author gave it. */
static bool
render_anchor (bf_ledger *self, const bf_job_row *job, Belfry__V1__JobSpec *spec)
{
    Belfry__V1__Every *every = bf_arena_alloc (self->arena, sizeof *every);
    if (every) {
        *every = *spec->every;
        every->anchor_case = BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
        every->anchor_us = job->anchor_us;
        spec->every = every;
    }
    return every != NULL;
}

static Belfry__V1__JobSpec *
render_spec (bf_ledger *self, const bf_job_row *job, unsigned how)
{
    Belfry__V1__JobSpec *spec = bf_arena_alloc (self->arena, sizeof *spec);
    if (!spec) {
        return NULL;
    }
    *spec = bf_spec_kept (job->definition);
    if (!(how & BF_IN_EVENT)) {
        bf_spec_resolve (spec);
        spec->ns = (char *)bf_name_text (self, job->ns);
        spec->type = (char *)bf_name_text (self, job->type);
        if (job->key) {
            spec->key = (char *)job->key;
        }
    }
    if (how & BF_WITH_PAYLOAD) {
        spec->payload = job->payload;
    }
    bool recurs = spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY;
    return !recurs || render_anchor (self, job, spec) ? spec : NULL;
}

static Belfry__V1__Counts *
render_counts (bf_ledger *self, const bf_job_row *job)
{
    Belfry__V1__Counts *wire = bf_arena_alloc (self->arena, sizeof *wire);
    if (wire) {
        belfry__v1__counts__init (wire);
        wire->fired = job->counts.fired;
        wire->missed = job->counts.missed;
        wire->skipped = job->counts.skipped;
        wire->overlap_skipped = job->counts.overlap_skipped;
        wire->buffer_dropped = job->counts.buffer_dropped;
        wire->cancelled_others = job->counts.cancelled_others;
        wire->terminated_others = job->counts.terminated_others;
        wire->open = job->counts.open;
        wire->blocked = job->counts.blocked;
    }
    return wire;
}

Belfry__V1__Job *
bf_render_job (bf_ledger *self, const bf_job_row *job, unsigned how)
{
    Belfry__V1__Job *wire = bf_arena_alloc (self->arena, sizeof *wire);
    if (!wire) {
        return NULL;
    }
    belfry__v1__job__init (wire);
    wire->id = job->id;
    wire->state = (Belfry__V1__JobState)job->state;
    wire->reason = (Belfry__V1__JobReason)job->reason;
    wire->paused = job->paused;
    wire->due_us =
        how & BF_REPLY ? due_for_people (self, job->clock, job->due_us) : job->due_us;
    wire->remind_us = how & BF_REPLY && job->remind_us != 0
                          ? due_for_people (self, job->clock, job->remind_us)
                          : job->remind_us;
    wire->version = job->version;
    wire->runs = job->runs;
    wire->open_runs = job->open_runs;
    wire->created_us = job->created_us;
    wire->final_us = job->final_us;
    if (!(how & BF_IN_EVENT)) {
        wire->updated_us = job->updated_us;
        wire->last_seq = job->last_seq;
    }
    wire->payload_bytes = job->payload_bytes;
    wire->payload_hash = job->payload_hash;
    wire->counts = render_counts (self, job);
    if (!wire->counts) {
        return NULL;
    }
    if (!(how & BF_REPLY)) {
        wire->armed_us = job->armed_us;
        bool said = how & BF_IN_EVENT && job->wake_us == job->due_us;
        wire->wake_us = said ? 0 : job->wake_us;
        wire->others_below = job->others_below;
    }
    if (how & (BF_WITH_SPEC | BF_REPLY)) {
        wire->spec = render_spec (self, job, how);
        if (!wire->spec) {
            return NULL;
        }
    }
    return wire;
}

static void
render_run_reply (bf_ledger *self, const bf_job_row *job, const bf_run_row *run,
                  unsigned how, Belfry__V1__Run *wire)
{
    wire->ns = (char *)bf_name_text (self, job->ns);
    wire->type = (char *)bf_name_text (self, run->type);
    wire->due_us = due_for_people (self, run->clock, run->due_us);
    wire->cancel_requested = run->state == BF_RUN_LEASED && bf_run_is_withdrawn (job, run);
    if (run->timer_us) {
        wire->timer_us = bf_wall_from_scale (self, run->timer_us);
    }
    if (run->lease_until_us) {
        wire->lease_until_us = bf_wall_from_scale (self, run->lease_until_us);
    }
    if (how & BF_WITH_PAYLOAD) {
        wire->result = run->result;
    }
}

Belfry__V1__Run *
bf_render_run (bf_ledger *self, const bf_job_row *job, const bf_run_row *run, unsigned how)
{
    Belfry__V1__Run *wire = bf_arena_alloc (self->arena, sizeof *wire);
    char *id = bf_arena_alloc (self->arena, BF_TOKEN_BYTES);
    if (!wire || !id) {
        return NULL;
    }
    belfry__v1__run__init (wire);
    wire->run = bf_token_format ((bf_token){run->job, run->ordinal, 0}, id);
    wire->state = (Belfry__V1__RunState)run->state;
    wire->origin = (Belfry__V1__Origin)run->origin;
    wire->due_us = run->due_us;
    wire->lateness_us = run->lateness_us;
    wire->late = run->lateness_us > job->law.late.grace.us;
    wire->attempt = run->attempt;
    wire->failures = run->failures;
    if (run->worker) {
        wire->worker = (char *)run->worker;
    }
    wire->created_us = run->created_us;
    wire->claimed_us = run->claimed_us;
    wire->final_us = run->final_us;
    wire->timer_us = run->timer_us;
    if (run->reason) {
        wire->reason = (char *)run->reason;
    }
    if (run->result.len > 0) {
        wire->result_bytes = (uint32_t)run->result.len;
        wire->result_hash = bf_hash (run->result.data, run->result.len);
    }
    wire->last_seq = run->last_seq;
    wire->redriven_by = run->redriven_by;
    wire->job_version = run->job_version;
    wire->remind_before_us = run->remind_before_us;
    if (how & BF_REPLY) {
        render_run_reply (self, job, run, how, wire);
    }
    return wire;
}
