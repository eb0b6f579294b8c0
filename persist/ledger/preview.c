/* SPDX-License-Identifier: MPL-2.0
 *
 * Preview: the next slots of a definition or of a job, and what clock changes did to them.
 * A read: what it looks up of zones comes into the table only with a job.
 */
#include <string.h>

#include "core/calendar/rrule.h"
#include "messages/limits.h"
#include "messages/translate.h"
#include "persist/ledger/commands.h"
#include "persist/ledger/moves.h"
#include "persist/ledger/names.h"
#include "persist/ledger/recurrences.h"
#include "persist/ledger/render.h"
#include "persist/ledger/rows.h"

#define WORDS_BYTES 512

typedef Belfry__V1__PreviewReply__Slot slot_t;

typedef struct {
    bf_job_row job;
    bf_grid grid;
    const bf_recurrence *recurrence; /* NULL: none of a calendar */
    const bf_zone *zone;
    int64_t after_us; /* on the job's clock */
    size_t limit;
    Belfry__V1__PreviewReply *reply;
} preview_t;

/* --- a slot ------------------------------------------------------------------------ */

static bf_err
slot_add (bf_ledger *self, preview_t *preview, int64_t due_us, bf_error *error)
{
    const bf_job_row *job = &preview->job;
    slot_t *slot = bf_arena_alloc (self->arena, sizeof *slot);
    char *note = NULL;
    if (slot) {
        belfry__v1__preview_reply__slot__init (slot);
        slot->due_us =
            job->clock == BF_CLOCK_BOOT ? bf_wall_from_scale (self, due_us) : due_us;
        char local[BF_ZONE_TIME_BYTES];
        slot->local = bf_arena_string (self->arena,
                                       bf_zone_format (preview->zone, slot->due_us, local));
        note = slot->note;
    }
    if (slot && preview->recurrence && bf_trigger_is_calendar (&job->law.trigger)) {
        bf_instant at = {(due_us - preview->grid.offset_us) / BF_SECOND_US};
        char text[BF_NOTE_BYTES];
        note = bf_arena_string (self->arena,
                                bf_recurrence_note (preview->recurrence, at, text));
        slot->note = note;
    }
    if (!slot || !slot->local || !note) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    preview->reply->slots[preview->reply->n_slots++] = slot;
    return BF_OK;
}

static bf_err
slots_add (bf_ledger *self, preview_t *preview, bf_error *error)
{
    const bf_job_row *job = &preview->job;
    if (!bf_trigger_recurs (&job->law.trigger)) {
        return job->due_us > preview->after_us
                   ? slot_add (self, preview, job->due_us, error)
                   : BF_OK;
    }
    int64_t after_us = preview->after_us;
    bf_err rc = BF_OK;
    while (rc == BF_OK && preview->reply->n_slots < preview->limit &&
           bf_grid_next (&preview->grid, after_us, &after_us)) {
        rc = slot_add (self, preview, after_us, error);
    }
    return rc;
}

/* --- what it is of ----------------------------------------------------------------- */

/* A definition, as if it was scheduled now; the offset of its jitter only a job has. */
static bf_err
of_spec (bf_ledger *self, Belfry__V1__JobSpec *spec, preview_t *preview, bf_error *error)
{
    bf_job_row *job = &preview->job;
    job->law = bf_spec_from_wire (spec);
    job->law.trigger.jitter.us = 0;
    job->ns = bf_name_find (self, spec->ns);
    bf_err rc = bf_job_plan (self, job, error);
    preview->after_us = bf_job_now (self, job);
    preview->reply->spec = spec;
    return rc;
}

static bf_err
of_job (bf_ledger *self, const Belfry__V1__JobRef *ref, preview_t *preview, bf_error *error)
{
    bf_job_row *job = &preview->job;
    bf_err rc = bf_ref_load (self, ref, 0, job, error);
    if (rc == BF_OK && !bf_job_is_open (job->state)) {
        rc = bf_fail (error, BF_ESTATE, "job %llu is %s, it has no further slots",
                      (unsigned long long)job->id, bf_job_state_name (job->state));
    }
    if (rc != BF_OK) {
        return rc;
    }
    Belfry__V1__Job *image = bf_render_job (self, job, BF_REPLY);
    if (!image) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    preview->reply->spec = image->spec;
    preview->after_us = job->due_us - 1;
    if (job->state != BF_JOB_SCHEDULED) {
        preview->limit = 0;
    }
    return BF_OK;
}

static bf_err
prepare (bf_ledger *self, preview_t *preview, bf_error *error)
{
    const bf_trigger *trigger = &preview->job.law.trigger;
    preview->zone = bf_zone_utc ();
    bf_err rc = BF_OK;
    if (bf_trigger_is_zoned (trigger)) {
        rc = bf_zone_of (self, trigger->tz, &preview->zone, error);
    }
    if (rc == BF_OK && bf_trigger_recurs (trigger)) {
        rc = bf_job_grid (self, &preview->job, &preview->grid, error);
    }
    return rc == BF_OK ? bf_recurrence_of (self, &preview->job, &preview->recurrence, error)
                       : rc;
}

/* Where the caller wants it to begin, on the job's clock: never before what is left. */
static void
begin_at (const bf_ledger *self, int64_t from_us, preview_t *preview)
{
    bool boot = preview->job.clock == BF_CLOCK_BOOT;
    int64_t after_us =
        boot ? bf_us_add (self->boot_us, from_us - self->now.wall.us) : from_us;
    bool of_job = preview->job.id != 0;
    if (from_us != 0 && (!of_job || after_us > preview->after_us)) {
        preview->after_us = after_us;
    }
}

static void
cut_by_runs (preview_t *preview)
{
    const bf_job_row *job = &preview->job;
    uint32_t max_runs = job->law.trigger.max_runs;
    uint32_t left = max_runs > job->counts.fired ? max_runs - job->counts.fired : 0;
    if (max_runs != 0 && left < preview->limit) {
        preview->limit = left;
    }
}

/* --- the answer -------------------------------------------------------------------- */

static bf_err
say (bf_ledger *self, const preview_t *preview, bf_error *error)
{
    if (!bf_trigger_is_calendar (&preview->job.law.trigger)) {
        return BF_OK;
    }
    Belfry__V1__PreviewReply *reply = preview->reply;
    char *text = bf_arena_alloc (self->arena, BF_RRULE_BYTES + 1);
    char *words = bf_arena_alloc (self->arena, WORDS_BYTES);
    if (!text || !words) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    reply->normalised = bf_recurrence_print (preview->recurrence, text, BF_RRULE_BYTES + 1);
    reply->words = bf_recurrence_explain (preview->recurrence, words, WORDS_BYTES);
    return BF_OK;
}

bf_err
bf_query_preview (bf_ledger *self, const Belfry__V1__Request *request,
                  Belfry__V1__Reply *reply, bf_error *error)
{
    const Belfry__V1__Preview *in = request->preview;
    preview_t preview = {
        .limit = in->limit ? in->limit : BF_DEFAULT_SLOTS_PER_PREVIEW,
        .reply = bf_arena_alloc (self->arena, sizeof *preview.reply),
    };
    slot_t **slots = bf_arena_alloc (self->arena, preview.limit * sizeof (*slots));
    if (!preview.reply || !slots) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    belfry__v1__preview_reply__init (preview.reply);
    preview.reply->slots = slots;
    bf_err rc = in->spec ? of_spec (self, in->spec, &preview, error)
                         : of_job (self, in->job, &preview, error);
    if (rc == BF_OK) {
        rc = prepare (self, &preview, error);
    }
    if (rc != BF_OK) {
        return rc;
    }
    begin_at (self, in->from_us, &preview);
    cut_by_runs (&preview);
    rc = preview.limit > 0 ? slots_add (self, &preview, error) : BF_OK;
    reply->preview = preview.reply;
    reply->result_case = BELFRY__V1__REPLY__RESULT_PREVIEW;
    return rc == BF_OK ? say (self, &preview, error) : rc;
}
