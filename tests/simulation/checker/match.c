/* SPDX-License-Identifier: MPL-2.0
 *
 * Jobs and runs as replies show them, against the model at the reply's seq. Times on the
 * boot clock are shown as the wall clock counts at that moment, which only the scheduler
 * knows: those are not compared.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool
match_spec (checker *self, const Belfry__V1__JobSpec *shown,
            const Belfry__V1__JobSpec *told)
{
    (void)self;
    Belfry__V1__JobSpec rest = *shown;
    rest.payload = (ProtobufCBinaryData){0, NULL};
    size_t size = belfry__v1__job_spec__get_packed_size (&rest);
    if (size != belfry__v1__job_spec__get_packed_size (told)) {
        return false;
    }
    uint8_t *bytes = checker_alloc (2, size);
    belfry__v1__job_spec__pack (&rest, bytes);
    belfry__v1__job_spec__pack (told, bytes + size);
    bool same = memcmp (bytes, bytes + size, size) == 0;
    free (bytes);
    return same;
}

__attribute__ ((noreturn)) static void
differs (const checker *self, const case_t *it, uint64_t job, const char *what,
         const char *field, int64_t shown, int64_t told)
{
    judge_broken (self, it, "answers", job,
                  "it shows %s with %s %" PRId64 ", the log says %" PRId64, what, field,
                  shown, told);
}

#define SAME(field, told)                                                         \
    do {                                                                          \
        if ((int64_t)shown->field != (int64_t)(told)) {                           \
            differs (self, it, job->id, "the job", #field, (int64_t)shown->field, \
                     (int64_t)(told));                                            \
        }                                                                         \
    } while (0)

static void
match_counts (const checker *self, const case_t *it, const Belfry__V1__Counts *shown,
              const Belfry__V1__Counts *told, const model_job *job)
{
    SAME (fired, told->fired);
    SAME (missed, told->missed);
    SAME (skipped, told->skipped);
    SAME (overlap_skipped, told->overlap_skipped);
    SAME (buffer_dropped, told->buffer_dropped);
    SAME (cancelled_others, told->cancelled_others);
    SAME (terminated_others, told->terminated_others);
    SAME (open, told->open);
    SAME (blocked, told->blocked);
}

void
match_job (checker *self, const case_t *it, const Belfry__V1__Job *shown,
           const model_job *job)
{
    const model_event *last = past_job (self, job, it->shown);
    const Belfry__V1__Job *told = last->job;
    const model_definition *definition = past_definition (job, it->shown);
    SAME (id, job->id);
    SAME (state, told->state);
    SAME (reason, told->reason);
    SAME (paused, told->paused);
    SAME (version, told->version);
    SAME (runs, told->runs);
    SAME (open_runs, told->open_runs);
    SAME (created_us, told->created_us);
    SAME (updated_us, last->event->at_us);
    SAME (final_us, told->final_us);
    SAME (last_seq, last->seq);
    SAME (payload_bytes, told->payload_bytes);
    SAME (payload_hash, told->payload_hash);
    if (definition->clock == ON_WALL) {
        SAME (due_us, past_due (job, last, it->shown));
    }
    if (!shown->counts) {
        judge_broken (self, it, "answers", job->id, "it shows the job without its counts");
    }
    match_counts (self, it, shown->counts, told->counts, job);
    if (shown->spec && !match_spec (self, shown->spec, definition->spec)) {
        judge_broken (self, it, "answers", job->id, "it shows another definition");
    }
    if (shown->spec && shown->spec->payload.len > 0 &&
        checker_hash (CHECKER_HASH, shown->spec->payload.data, shown->spec->payload.len) !=
            told->payload_hash) {
        judge_broken (self, it, "answers", job->id, "it shows another payload");
    }
}

#undef SAME
#define SAME(field, told)                                                           \
    do {                                                                            \
        if ((int64_t)shown->field != (int64_t)(told)) {                             \
            differs (self, it, run->job, shown->run, #field, (int64_t)shown->field, \
                     (int64_t)(told));                                              \
        }                                                                           \
    } while (0)

static void
match_text (const checker *self, const case_t *it, const model_run *run, const char *shown,
            const char *told, const char *field)
{
    if (strcmp (shown, told) != 0) {
        judge_broken (self, it, "answers", run->job,
                      "it shows run %" PRIu64 ".%" PRIu32
                      " with %s '%s', the log says '%s'",
                      run->job, run->ordinal, field, shown, told);
    }
}

void
match_run (checker *self, const case_t *it, const Belfry__V1__Run *shown,
           const model_run *run)
{
    uint64_t last_seq;
    const Belfry__V1__Run *told = past_run (self, run, it->shown, &last_seq);
    if (!told) {
        judge_broken (self, it, "answers", run->job, "it shows run %s, which was not made",
                      shown->run);
    }
    const model_job *job = model_find (self, run->job);
    SAME (state, told->state);
    SAME (origin, told->origin);
    SAME (lateness_us, told->lateness_us);
    SAME (attempt, told->attempt);
    SAME (failures, told->failures);
    SAME (created_us, told->created_us);
    SAME (claimed_us, told->claimed_us);
    SAME (final_us, told->final_us);
    SAME (result_bytes, told->result_bytes);
    SAME (result_hash, told->result_hash);
    SAME (last_seq, last_seq);
    SAME (redriven_by, told->redriven_by);
    SAME (job_version, told->job_version);
    if (run->clock == ON_WALL) {
        SAME (due_us, told->due_us);
    }
    match_text (self, it, run, shown->run, told->run, "id");
    match_text (self, it, run, shown->worker, told->worker, "worker");
    match_text (self, it, run, shown->reason, told->reason, "reason");
    match_text (self, it, run, shown->ns, job->ns, "namespace");
    match_text (self, it, run, shown->type, run->type, "type");
    if (it->fresh) {
        bool leased = told->state == BELFRY__V1__RUN_STATE__RUN_STATE_LEASED;
        SAME (cancel_requested, leased && states_is_withdrawn (job, job->image, run));
    }
    if (shown->result.len > 0 && checker_hash (CHECKER_HASH, shown->result.data,
                                               shown->result.len) != told->result_hash) {
        judge_broken (self, it, "answers", run->job, "it shows another result of %s",
                      shown->run);
    }
}
#undef SAME
