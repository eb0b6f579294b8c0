/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads show what the model is at their seq: all of it that was asked for, in its order,
 * and nothing else. What a page leaves out comes behind its cursor.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define BIT(name) (UINT64_C (1) << CODE (name))
#define RESULT(name) BELFRY__V1__REPLY__RESULT_##name

#define GET_RUNS 10
#define LIST_LIMIT 100
#define HISTORY_LIMIT 100
#define REPLAY_LIMIT 500

static uint32_t
or_default (uint32_t asked, uint32_t usual)
{
    return asked ? asked : usual;
}

static void
check_result (checker *self, const case_t *it, Belfry__V1__Reply__ResultCase result)
{
    if (it->what->reply->result_case != result) {
        judge_broken (self, it, "answers", 0, "it has another result");
    }
}

/* --- Get ----------------------------------------------------------------------------- */

/* The newest run below this ordinal that is still there. */
static model_run *
run_below (const model_job *job, uint32_t ordinal)
{
    for (uint32_t at = ordinal - 1; at >= 1; at--) {
        if (job->runs[at - 1]) {
            return job->runs[at - 1];
        }
    }
    return NULL;
}

static void
judge_get (checker *self, const case_t *it, const Belfry__V1__Get *in)
{
    const model_job *job = past_find (self, in->job, it->up_to);
    judge_refusal (self, it, in->job->id, job ? 0 : BIT (NOT_FOUND), 0);
    if (!job || !it->fresh) {
        return;
    }
    check_result (self, it, RESULT (GET));
    const Belfry__V1__GetReply *out = it->what->reply->get;
    match_job (self, it, out->job, job);
    uint32_t below = in->before_ordinal && in->before_ordinal <= job->run_count
                         ? in->before_ordinal
                         : job->run_count + 1;
    for (size_t i = 0; i < out->n_runs; i++) {
        const model_run *run = run_below (job, below);
        if (!run || strcmp (run->image->run, out->runs[i]->run) != 0) {
            judge_broken (self, it, "answers", job->id,
                          "it shows run %s in the wrong place", out->runs[i]->run);
        }
        match_run (self, it, out->runs[i], run);
        below = run->ordinal;
    }
    /* A page that is cut by its bytes is long. */
    bool cut = out->n_runs > 0 && in->with_payload;
    if (out->n_runs < or_default (in->max_runs, GET_RUNS) && !cut &&
        run_below (job, below)) {
        judge_broken (self, it, "answers", job->id, "it leaves out runs");
    }
}

/* --- List ---------------------------------------------------------------------------- */

static bool
has_tags (const Belfry__V1__JobSpec *spec, char **tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t at = 0; at < spec->n_tags && !found; at++) {
            found = strcmp (spec->tags[at], tags[i]) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool
is_listed (const Belfry__V1__List *in, const model_job *job)
{
    bool state = in->n_states == 0;
    for (size_t i = 0; i < in->n_states && !state; i++) {
        state = in->states[i] == job->image->state;
    }
    return !job->pruned && state && (in->ns[0] == '\0' || strcmp (in->ns, job->ns) == 0) &&
           (in->type[0] == '\0' || strcmp (in->type, job->type) == 0) &&
           strncmp (job->key, in->key_prefix, strlen (in->key_prefix)) == 0 &&
           has_tags (job->definition->spec, in->tags, in->n_tags);
}

static void
judge_list (checker *self, const case_t *it, const Belfry__V1__List *in)
{
    judge_refusal (self, it, 0, 0, 0);
    if (!it->fresh) {
        return;
    }
    check_result (self, it, RESULT (LIST));
    const Belfry__V1__ListReply *out = it->what->reply->list;
    if (out->n_jobs > or_default (in->limit, LIST_LIMIT)) {
        judge_broken (self, it, "answers", 0, "it shows more than was asked for");
    }
    uint64_t end = out->next_cursor ? out->next_cursor : UINT64_MAX;
    size_t shown = 0;
    size_t cursor = 0;
    const model_job *job;
    while ((job = model_each (self, &cursor)) != NULL && job->id <= end) {
        if (job->id <= in->cursor || !is_listed (in, job)) {
            continue;
        }
        if (shown == out->n_jobs || out->jobs[shown]->id != job->id) {
            judge_broken (self, it, "answers", job->id, "it leaves out job %" PRIu64,
                          job->id);
        }
        match_job (self, it, out->jobs[shown++], job);
    }
    if (shown != out->n_jobs) {
        judge_broken (self, it, "answers", out->jobs[shown]->id,
                      "it shows job %" PRIu64 ", which was not asked for",
                      out->jobs[shown]->id);
    }
}

/* --- events -------------------------------------------------------------------------- */

typedef struct {
    char **kinds;
    size_t n_kinds;
    char **types;
    size_t n_types;
    int64_t from_us;
    int64_t until_us;
} event_filter;

static bool
is_one_of (const char *text, char **list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp (text, list[i]) == 0) {
            return true;
        }
    }
    return count == 0;
}

static bool
is_wanted (const event_filter *filter, const Belfry__V1__Event *event)
{
    return is_one_of (event->kind, filter->kinds, filter->n_kinds) &&
           is_one_of (event->type, filter->types, filter->n_types) &&
           (filter->from_us == 0 || event->at_us >= filter->from_us) &&
           (filter->until_us == 0 || event->at_us < filter->until_us);
}

/* As it was published. */
static void
match_event (checker *self, const case_t *it, const Belfry__V1__Event *shown)
{
    const model_event *told = model_event_at (self, shown->seq);
    Belfry__V1__Event body = *shown;
    body.stream_epoch = 0;
    body.payload = (ProtobufCBinaryData){0, NULL};
    body.content_type = "";
    size_t size = belfry__v1__event__get_packed_size (&body);
    bool same = told && size == self->sizes[shown->seq - 1];
    if (same) {
        uint8_t *bytes = checker_alloc (1, size);
        belfry__v1__event__pack (&body, bytes);
        same = memcmp (bytes, self->bodies[shown->seq - 1], size) == 0;
        free (bytes);
    }
    if (!same || (self->epoch != 0 && shown->stream_epoch != self->epoch)) {
        judge_broken (self, it, "6", shown->job, "it shows event %" PRIu64 ", and differs",
                      shown->seq);
    }
}

static void
check_ends (checker *self, const case_t *it, const Belfry__V1__EventsReply *out)
{
    if (out->head_seq != it->what->reply->seq ||
        (it->fresh && out->oldest_seq != self->oldest) ||
        (self->epoch != 0 && out->stream_epoch != self->epoch)) {
        judge_broken (self, it, "6", 0,
                      "the log is from %" PRIu64 " to %" PRIu64 ", it should be %" PRIu64
                      " to %" PRIu64,
                      out->oldest_seq, out->head_seq, self->oldest, it->what->reply->seq);
    }
}

static void
judge_replay (checker *self, const case_t *it, const Belfry__V1__Replay *in)
{
    const Belfry__V1__Reply *reply = it->what->reply;
    if (it->fresh) {
        uint64_t too_old = in->after_seq + 1 < self->oldest ? BIT (TOO_OLD) : 0;
        judge_refusal (self, it, 0, too_old, 0);
    }
    if (it->code != CODE (OK) && it->code != CODE (TOO_OLD)) {
        return;
    }
    check_result (self, it, RESULT (EVENTS));
    const Belfry__V1__EventsReply *out = reply->events;
    check_ends (self, it, out);
    if (it->code == CODE (TOO_OLD)) {
        return;
    }
    event_filter filter = {in->kinds, in->n_kinds, in->types, in->n_types, 0, 0};
    size_t shown = 0;
    uint64_t end = out->next_cursor < self->head ? out->next_cursor : self->head;
    for (uint64_t seq = in->after_seq + 1; seq <= end; seq++) {
        if (!is_wanted (&filter, model_event_at (self, seq)->event)) {
            continue;
        }
        if (shown == out->n_events || out->events[shown]->seq != seq) {
            judge_broken (self, it, "6", 0, "it leaves out event %" PRIu64, seq);
        }
        match_event (self, it, out->events[shown++]);
    }
    if (shown != out->n_events || out->n_events > or_default (in->limit, REPLAY_LIMIT)) {
        judge_broken (self, it, "6", 0, "it shows events that were not asked for");
    }
}

/* The event before this one, in the job's chain or in the log. */
static uint64_t
before_of (const checker *self, const model_job *job, uint64_t seq)
{
    uint64_t before = job ? model_event_at (self, seq)->job_before : seq - 1;
    return before >= self->oldest ? before : 0;
}

static void
judge_history (checker *self, const case_t *it, const Belfry__V1__History *in)
{
    const model_job *job = in->job ? past_find (self, in->job, it->up_to) : NULL;
    judge_refusal (self, it, job ? job->id : 0, in->job && !job ? BIT (NOT_FOUND) : 0, 0);
    if (it->code != CODE (OK) || !it->fresh) {
        return;
    }
    check_result (self, it, RESULT (EVENTS));
    const Belfry__V1__EventsReply *out = it->what->reply->events;
    check_ends (self, it, out);
    event_filter filter = {in->kinds,        in->n_kinds, (char **)&in->type,
                           in->type[0] != 0, in->from_us, in->until_us};
    uint64_t seq = in->cursor ? in->cursor : job ? job->last_seq : self->head;
    if (!job && seq > self->head) {
        seq = self->head;
    }
    size_t shown = 0;
    /* The cursor is the next to look at, or the last of the page, by the kind of walk: the
       events of the page tell which. */
    while (seq >= self->oldest && seq <= self->head &&
           (seq > out->next_cursor || shown < out->n_events)) {
        const Belfry__V1__Event *event = model_event_at (self, seq)->event;
        if (job && event->job != job->id) {
            break; /* a cursor of another job's */
        }
        if (is_wanted (&filter, event)) {
            if (shown == out->n_events || out->events[shown]->seq != seq) {
                judge_broken (self, it, "6", 0, "it leaves out event %" PRIu64, seq);
            }
            match_event (self, it, out->events[shown++]);
        }
        seq = before_of (self, job, seq);
    }
    if (shown != out->n_events || out->n_events > or_default (in->limit, HISTORY_LIMIT)) {
        judge_broken (self, it, "6", 0,
                      "it shows %zu events, %zu of them were asked for (cursor %" PRIu64
                      ", limit %" PRIu32 ")",
                      out->n_events, shown, in->cursor, in->limit);
    }
}

/* --- Snapshot ------------------------------------------------------------------------ */

static void
broken_row (checker *self, const case_t *it, uint64_t job, uint32_t ordinal)
{
    judge_broken (self, it, "6", job,
                  "the row at %" PRIu64 ".%" PRIu32 " is left out, or is another", job,
                  ordinal);
}

static void
match_stretches (checker *self, const case_t *it, const model_job *job, uint32_t ordinal,
                 size_t *at)
{
    const Belfry__V1__SnapshotReply *out = it->what->reply->snapshot;
    for (uint64_t skipped = 0; skipped < 2; skipped++) {
        const model_stretch *told =
            job->stretches
                ? table_get_number (job->stretches, (uint64_t)ordinal * 2 + skipped)
                : NULL;
        if (!told) {
            continue;
        }
        const Belfry__V1__Stretch *shown =
            *at < out->n_rows ? out->rows[*at]->stretch : NULL;
        if (!shown ||
            out->rows[*at]->row_case != BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_STRETCH ||
            shown->job != job->id || shown->after_ordinal != ordinal ||
            (shown->skipped != 0) != told->skipped || shown->count != told->count ||
            shown->first_due_us != told->first_due_us ||
            shown->last_due_us != told->last_due_us || shown->last_seq != told->last_seq) {
            broken_row (self, it, job->id, ordinal);
        }
        ++*at;
    }
}

static void
match_run_row (checker *self, const case_t *it, const model_run *run, size_t *at)
{
    const Belfry__V1__SnapshotReply *out = it->what->reply->snapshot;
    const Belfry__V1__SnapshotReply__Row *row = *at < out->n_rows ? out->rows[*at] : NULL;
    if (!row || row->row_case != BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_RUN ||
        strcmp (row->run->run, run->image->run) != 0 ||
        row->clock != (uint32_t)run->clock || row->run->due_us != run->image->due_us ||
        row->run->timer_us != run->image->timer_us) {
        broken_row (self, it, run->job, run->ordinal);
    }
    ++*at;
    /* But for cancel_requested, which images leave out, it is as any reply shows it. */
    Belfry__V1__Run shown = *row->run;
    const model_job *job = model_find (self, run->job);
    shown.cancel_requested = shown.state == BELFRY__V1__RUN_STATE__RUN_STATE_LEASED &&
                             states_is_withdrawn (job, job->image, run);
    match_run (self, it, &shown, run);
}

static void
match_job_row (checker *self, const case_t *it, const model_job *job, size_t *at)
{
    const Belfry__V1__SnapshotReply *out = it->what->reply->snapshot;
    const Belfry__V1__SnapshotReply__Row *row = *at < out->n_rows ? out->rows[*at] : NULL;
    if (!row || row->row_case != BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_JOB ||
        row->job->id != job->id || row->clock != (uint32_t)job->definition->clock ||
        row->job->due_us != job->image->due_us ||
        row->job->wake_us != job->image->wake_us ||
        row->job->armed_us != job->image->armed_us ||
        row->job->others_below != job->image->others_below) {
        broken_row (self, it, job->id, 0);
    }
    match_job (self, it, row->job, job);
    ++*at;
}

/* The rows of one job from an ordinal on, up to where the page ends. */
static void
match_rows_of (checker *self, const case_t *it, const model_job *job, uint32_t ordinal,
               size_t *at)
{
    const Belfry__V1__SnapshotReply *out = it->what->reply->snapshot;
    for (; ordinal <= job->run_count; ordinal++) {
        if (out->next_job == job->id && ordinal >= out->next_ordinal) {
            return;
        }
        if (ordinal == 0) {
            match_job_row (self, it, job, at);
        } else if (job->runs[ordinal - 1]) {
            match_run_row (self, it, job->runs[ordinal - 1], at);
        }
        match_stretches (self, it, job, ordinal, at);
    }
}

static void
judge_snapshot (checker *self, const case_t *it, const Belfry__V1__Snapshot *in)
{
    judge_refusal (self, it, 0, 0, 0);
    if (!it->fresh) {
        return;
    }
    check_result (self, it, RESULT (SNAPSHOT));
    const Belfry__V1__SnapshotReply *out = it->what->reply->snapshot;
    if (out->head_seq != it->what->reply->seq || out->oldest_seq != self->oldest) {
        judge_broken (self, it, "6", 0, "it says that the log ends at %" PRIu64,
                      out->head_seq);
    }
    size_t at = 0;
    size_t cursor = 0;
    const model_job *job;
    while ((job = model_each (self, &cursor)) != NULL) {
        if (out->next_job != 0 && job->id > out->next_job) {
            break;
        }
        if (job->id >= in->job && !job->pruned) {
            match_rows_of (self, it, job, job->id == in->job ? in->ordinal : 0, &at);
        }
    }
    if (at != out->n_rows) {
        judge_broken (self, it, "6", 0, "it shows rows that are not there");
    }
}

/* --- gauges -------------------------------------------------------------------------- */

static void
match_gauges (checker *self, const case_t *it, uint64_t open_jobs, uint64_t final_jobs,
              uint64_t ready_runs, uint64_t leased_runs)
{
    if (it->fresh && (open_jobs != self->open_jobs || final_jobs != self->final_jobs ||
                      ready_runs != self->ready_runs || leased_runs != self->leased_runs)) {
        judge_broken (self, it, "answers", 0,
                      "%" PRIu64 " open jobs, %" PRIu64 " final ones, %" PRIu64
                      " runs ready, %" PRIu64 " leased; the log says %" PRIu64 ", %" PRIu64
                      ", %" PRIu64 ", %" PRIu64,
                      open_jobs, final_jobs, ready_runs, leased_runs, self->open_jobs,
                      self->final_jobs, self->ready_runs, self->leased_runs);
    }
}

static void
judge_status (checker *self, const case_t *it)
{
    judge_refusal (self, it, 0, 0, 0);
    check_result (self, it, RESULT (STATUS));
    const Belfry__V1__StatusReply *out = it->what->reply->status;
    if (out->head_seq != it->what->reply->seq ||
        (it->fresh && out->oldest_seq != self->oldest)) {
        judge_broken (self, it, "6", 0,
                      "it says that the log is from %" PRIu64 " to %" PRIu64,
                      out->oldest_seq, out->head_seq);
    }
    match_gauges (self, it, out->open_jobs, out->final_jobs, out->ready_runs,
                  out->leased_runs);
}

static void
judge_stats (checker *self, const case_t *it)
{
    judge_refusal (self, it, 0, 0, 0);
    check_result (self, it, RESULT (STATS));
    const Belfry__V1__StatsReply *out = it->what->reply->stats;
    match_gauges (self, it, out->open_jobs, out->final_jobs, out->ready_runs,
                  out->leased_runs);
    uint64_t ready = 0;
    uint64_t leased = 0;
    for (size_t i = 0; i < out->n_queues; i++) {
        ready += out->queues[i]->ready;
        leased += out->queues[i]->leased;
    }
    if (ready != out->ready_runs || leased != out->leased_runs) {
        judge_broken (self, it, "answers", 0, "its queues together are not its sums");
    }
}

void
judge_read (checker *self, case_t *it, const Belfry__V1__Request *request)
{
    switch (request->command_case) {
    case BELFRY__V1__REQUEST__COMMAND_GET:
        judge_get (self, it, request->get);
        break;
    case BELFRY__V1__REQUEST__COMMAND_LIST:
        judge_list (self, it, request->list);
        break;
    case BELFRY__V1__REQUEST__COMMAND_HISTORY:
        judge_history (self, it, request->history);
        break;
    case BELFRY__V1__REQUEST__COMMAND_REPLAY:
        judge_replay (self, it, request->replay);
        break;
    case BELFRY__V1__REQUEST__COMMAND_STATUS:
        judge_status (self, it);
        break;
    case BELFRY__V1__REQUEST__COMMAND_STATS:
        judge_stats (self, it);
        break;
    case BELFRY__V1__REQUEST__COMMAND_PREVIEW:
        judge_preview (self, it, request->preview);
        break;
    case BELFRY__V1__REQUEST__COMMAND_LIST_CALENDARS:
        judge_list_calendars (self, it, request->list_calendars);
        break;
    default:
        judge_snapshot (self, it, request->snapshot);
        break;
    }
}
