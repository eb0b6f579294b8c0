/* SPDX-License-Identifier: MPL-2.0
 *
 * Schedule: what was made is what was asked for, and the key was free, or on_key says what
 * to do.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>

#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define BIT(name) (UINT64_C (1) << CODE (name))
#define OUTCOME(name) BELFRY__V1__OUTCOME__OUTCOME_##name
#define KIND(name) (UINT64_C (1) << KIND_##name)

static bool
same_text_or_default (const char *asked, const char *made)
{
    return asked[0] == '\0' || strcmp (asked, made) == 0;
}

/* A text may be trimmed, and a zone that it names taken out of it. */
static bool
same_words (const char *asked, const char *made)
{
    for (;;) {
        asked += strspn (asked, " ");
        made += strspn (made, " ");
        size_t size = strcspn (made, " ");
        size_t asked_size = strcspn (asked, " ");
        if (size == asked_size && memcmp (asked, made, size) == 0) {
            if (size == 0) {
                return true;
            }
            made += size;
        } else if (!memchr (asked, '/', asked_size)) {
            return false;
        }
        asked += asked_size;
    }
}

static bool
same_zone (const Belfry__V1__JobSpec *asked, const Belfry__V1__JobSpec *made)
{
    bool zoned = calendar_is_zoned (asked->trigger_case);
    const char *usual = zoned || asked->n_exclude > 0 ? "UTC" : "";
    bool named = asked->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_DAILY &&
                 strchr (asked->daily, '/') != NULL;
    const char *tz = asked->tz[0] != '\0' ? asked->tz
                     : named              ? strstr (asked->daily, made->tz)
                                          : usual;
    bool same = tz && strncmp (tz, made->tz, strlen (made->tz)) == 0 &&
                asked->n_exclude == made->n_exclude;
    for (size_t i = 0; same && i < asked->n_exclude; i++) {
        same = strcmp (asked->exclude[i], made->exclude[i]) == 0;
    }
    Belfry__V1__Skipped skipped =
        asked->skipped != 0 ? asked->skipped : calendar_default_skipped (made);
    Belfry__V1__Repeated repeated =
        asked->repeated != 0 ? asked->repeated : calendar_default_repeated (made);
    return same && made->skipped == skipped && made->repeated == repeated;
}

static bool
same_trigger (const Belfry__V1__JobSpec *asked, const Belfry__V1__JobSpec *made)
{
    if (asked->trigger_case != made->trigger_case) {
        return false;
    }
    switch (asked->trigger_case) {
    case BELFRY__V1__JOB_SPEC__TRIGGER_AT_US:
        return asked->at_us == made->at_us;
    case BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US:
        return asked->after_us == made->after_us;
    case BELFRY__V1__JOB_SPEC__TRIGGER_CRON:
        return same_words (asked->cron, made->cron);
    case BELFRY__V1__JOB_SPEC__TRIGGER_DAILY:
        return same_words (asked->daily, made->daily);
    case BELFRY__V1__JOB_SPEC__TRIGGER_RRULE:
        return same_words (asked->rrule, made->rrule);
    default:
        return asked->every->interval_us == made->every->interval_us &&
               (asked->every->anchor_case != BELFRY__V1__EVERY__ANCHOR_ANCHOR_US ||
                asked->every->anchor_us == made->every->anchor_us);
    }
}

#define GIVEN(field) (asked->field == 0 || asked->field == made->field)

/* Whether the definition is what was asked for, where anything was asked for. */
static bool
is_asked (const Belfry__V1__JobSpec *asked, const Belfry__V1__JobSpec *made)
{
    bool same =
        same_text_or_default (asked->ns, made->ns) && strcmp (asked->key, made->key) == 0 &&
        strcmp (asked->type, made->type) == 0 &&
        strcmp (asked->content_type, made->content_type) == 0 &&
        asked->n_tags == made->n_tags && same_trigger (asked, made) &&
        same_zone (asked, made) && GIVEN (delivery) && GIVEN (start_us) && GIVEN (end_us) &&
        asked->max_runs == made->max_runs && asked->jitter_us == made->jitter_us &&
        GIVEN (lease_us) && asked->run_timeout_us == made->run_timeout_us &&
        asked->start_timeout_us == made->start_timeout_us && GIVEN (late) &&
        GIVEN (grace_us) && GIVEN (overlap);
    for (size_t i = 0; same && i < asked->n_tags; i++) {
        same = strcmp (asked->tags[i], made->tags[i]) == 0;
    }
    return same && (!asked->retry || asked->retry->max_attempts == 0 ||
                    asked->retry->max_attempts == made->retry->max_attempts);
}

static bool
is_payload (const Belfry__V1__JobSpec *asked, const Belfry__V1__Job *image)
{
    return asked->payload.len == image->payload_bytes &&
           checker_hash (CHECKER_HASH, asked->payload.data, asked->payload.len) ==
               image->payload_hash;
}

/* The newest job that had the key. */
static const model_job *
holder (const checker *self, const Belfry__V1__JobSpec *spec, uint64_t seq)
{
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    ref.ns = spec->ns;
    ref.key = spec->key;
    return past_find (self, &ref, seq);
}

/* In a window at most one job of the key is made. */
static void
judge_window (checker *self, case_t *it, const Belfry__V1__Schedule *in,
              const Belfry__V1__JobSpec *spec, const model_event *made)
{
    const model_job *before = holder (self, spec, made->seq - 1);
    if (in->window_us == 0 || !before) {
        return;
    }
    int64_t age_us =
        made->event->at_us - past_job (self, before, made->seq - 1)->job->created_us;
    if (age_us >= 0 && age_us < in->window_us) {
        judge_broken (self, it, "answers", before->id,
                      "another job of its key was made within the window");
    }
}

static void
judge_item (checker *self, case_t *it, const Belfry__V1__Schedule *in,
            const Belfry__V1__JobSpec *spec, const Belfry__V1__JobsReply__Item *item)
{
    model_job *job = model_find (self, item->job->id);
    const model_event *first = NULL;
    if (!job || job->first_seq > it->up_to) {
        judge_broken (self, it, "1", item->job->id, "the job is not in the log");
    }
    const model_definition *definition = past_definition (job, it->up_to);
    const Belfry__V1__Job *image = past_job (self, job, it->up_to)->job;
    bool debounces = in->on_key == BELFRY__V1__ON_KEY__ON_KEY_DEBOUNCE;
    bool replaces = in->on_key == BELFRY__V1__ON_KEY__ON_KEY_REPLACE;
    bool throttles = in->on_key == BELFRY__V1__ON_KEY__ON_KEY_THROTTLE;
    bool expected = false;
    switch (item->outcome) {
    case OUTCOME (CREATED):
        first = past_leader (self, job, KIND (JOB_SCHEDULED), it->up_to, true);
        expected = first != NULL;
        break;
    case OUTCOME (REPLACED):
        first = past_leader (self, job, KIND (JOB_REPLACED), it->up_to, true);
        expected = first != NULL && (replaces || debounces);
        break;
    case OUTCOME (CHANGED):
        first = past_leader (self, job, KIND (JOB_RESCHEDULED), it->up_to, true);
        expected = first != NULL && debounces;
        break;
    case OUTCOME (UNCHANGED):
        expected = replaces && past_open (self, spec->ns, spec->key, it->up_to) == job;
        break;
    case OUTCOME (EXISTING):
        expected = throttles ? holder (self, spec, it->up_to) == job
                             : in->on_key == BELFRY__V1__ON_KEY__ON_KEY_KEEP &&
                                   past_open (self, spec->ns, spec->key, it->up_to) == job;
        break;
    default:
        break;
    }
    if (!expected) {
        judge_broken (self, it, first ? "answers" : "1", job->id,
                      "the outcome %d is not in the log", (int)item->outcome);
    }
    if (item->outcome == OUTCOME (CREATED)) {
        judge_window (self, it, in, spec, first);
    }
    if (item->outcome != OUTCOME (EXISTING) &&
        (!is_asked (spec, definition->spec) || !is_payload (spec, image))) {
        judge_broken (self, it, "answers", job->id, "the job is not what was asked for");
    }
    judge_match_item (self, it, item, job, false);
    if (first) {
        judge_own (self, it, first);
    }
    const model_job *open = past_open (self, spec->ns, spec->key, it->up_to);
    if (in->if_version != 0 &&
        (!open || past_job (self, open, it->up_to)->job->version != in->if_version)) {
        judge_broken (self, it, "answers", job->id, "done, to another version");
    }
}

/* The refusals that the state, or the definitions, may be the reason of. */
static void
refuse_schedule (checker *self, const case_t *it, const Belfry__V1__Schedule *in)
{
    bool rejects = in->on_key == BELFRY__V1__ON_KEY__ON_KEY_REJECT ||
                   in->on_key == BELFRY__V1__ON_KEY__ON_KEY_UNSPECIFIED;
    uint64_t may = 0;
    uint64_t id = 0;
    for (size_t i = 0; i < in->n_jobs; i++) {
        const Belfry__V1__JobSpec *spec = in->jobs[i];
        const model_job *open = past_open (self, spec->ns, spec->key, it->up_to);
        id = open ? open->id : id;
        may |= open && rejects ? BIT (KEY_TAKEN) : 0;
        may |= judge_past_due (self, in->reject_past,
                               spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AT_US,
                               spec->at_us);
        /* A definition without a slot, a zone or a calendar that is not there. */
        bool no_zone =
            spec->tz[0] != '\0' && !zones_find (world_zones (self->world), spec->tz);
        may |= spec->end_us != 0 || spec->n_exclude > 0 || no_zone ||
                       spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_RRULE
                   ? BIT (INVALID)
                   : 0;
        /* 1000 jobs, or the runs that a replacement withdraws, are too much. */
        may |= in->n_jobs > 1 || (open && !rejects) ? BIT (LIMIT) : 0;
        if (in->if_version != 0) {
            const model_event *at = open ? past_job (self, open, it->up_to) : NULL;
            may |= !at || at->job->version != in->if_version ? BIT (VERSION_CONFLICT) : 0;
        }
    }
    judge_refusal (self, it, id, 0, may);
    if (it->code == CODE (KEY_TAKEN) && it->jobs && it->jobs->n_items == 1) {
        const Belfry__V1__JobsReply__Item *item = it->jobs->items[0];
        const model_job *job = model_find (self, item->job->id);
        const model_event *at = job ? past_job (self, job, it->up_to) : NULL;
        if (item->outcome != OUTCOME (EXISTING) || !at ||
            (!it->what->repeated && !model_job_is_open (at->job->state))) {
            judge_broken (self, it, "answers", item->job->id,
                          "the job that it names is not in the way");
        }
        judge_match_item (self, it, item, job, false);
    }
}

void
judge_schedule (checker *self, case_t *it, const Belfry__V1__Schedule *in)
{
    if (it->code != CODE (OK)) {
        refuse_schedule (self, it, in);
        return;
    }
    if (!it->jobs || it->jobs->n_items != in->n_jobs) {
        if (it->what->repeated) {
            return; /* some were pruned since */
        }
        judge_broken (self, it, "answers", 0, "it has not one answer for each job");
    }
    for (size_t i = in->n_jobs; i > 0; i--) {
        judge_item (self, it, in, in->jobs[i - 1], it->jobs->items[i - 1]);
    }
}
