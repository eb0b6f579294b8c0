/* SPDX-License-Identifier: MPL-2.0
 *
 * Jobs in the order of their ids, each with its runs and stretches: every column that an
 * image holds against the newest image in the log, where the log still has it.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "messages/codec.h"
#include "messages/translate.h"
#include "persist/check/private.h"

#define NEWEST "its newest event says"

static const char jobs_sql[] =
    "SELECT id, ns, type, queue, key, state, reason, paused, clock, due_us, wake_us, "
    "armed_us, anchor_us, version, runs, open_runs, slots_open, blocked, fired, missed, "
    "skipped, overlap_skipped, buffer_dropped, cancelled_others, terminated_others, "
    "others_below, created_us, updated_us, final_us, last_seq, spec, payload_hash, "
    "payload, remind_us "
    "FROM job ORDER BY id";

static const char *
text_copy (bf_checker *self, sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text (stmt, column);
    const char *copy = bf_arena_string (self->arena, text ? text : "");
    if (!copy) {
        bf_check_fail_memory (self);
        return "";
    }
    return copy;
}

static int64_t
hash_of (sqlite3_stmt *stmt, int column)
{
    const void *bytes = sqlite3_column_blob (stmt, column);
    return (int64_t)bf_hash (bytes, (size_t)sqlite3_column_bytes (stmt, column));
}

static void
job_read_counts (sqlite3_stmt *stmt, bf_check_job *job)
{
    int64_t *const columns[] = {
        &job->state,
        &job->reason,
        &job->paused,
        &job->clock,
        &job->due_us,
        &job->wake_us,
        &job->armed_us,
        &job->anchor_us,
        &job->version,
        &job->runs,
        &job->open_runs,
        &job->slots_open,
        &job->blocked,
        &job->fired,
        &job->missed,
        &job->skipped,
        &job->overlap_skipped,
        &job->buffer_dropped,
        &job->cancelled_others,
        &job->terminated_others,
        &job->others_below,
        &job->created_us,
        &job->updated_us,
        &job->final_us,
    };
    for (int i = 0; i < (int)(sizeof columns / sizeof columns[0]); i++) {
        *columns[i] = sqlite3_column_int64 (stmt, 5 + i);
    }
}

static void
job_read (bf_checker *self, sqlite3_stmt *stmt, bf_check_job *job)
{
    *job = (bf_check_job){
        .id = (uint64_t)sqlite3_column_int64 (stmt, 0),
        .ns = (uint32_t)sqlite3_column_int64 (stmt, 1),
        .type = (uint32_t)sqlite3_column_int64 (stmt, 2),
        .queue = (uint32_t)sqlite3_column_int64 (stmt, 3),
        .key = text_copy (self, stmt, 4),
        .is_final = sqlite3_column_type (stmt, 28) != SQLITE_NULL,
        .last_seq = (uint64_t)sqlite3_column_int64 (stmt, 29),
        .payload_hash = sqlite3_column_int64 (stmt, 31),
        .real_hash = hash_of (stmt, 32),
        .payload_bytes = sqlite3_column_bytes (stmt, 32),
        .remind_us = sqlite3_column_int64 (stmt, 33),
    };
    job_read_counts (stmt, job);
    snprintf (job->row, sizeof job->row, "job %llu", (unsigned long long)job->id);
    Belfry__V1__JobSpec *definition = (Belfry__V1__JobSpec *)bf_check_unpack (
        &belfry__v1__job_spec__descriptor, self->arena, stmt, 30);
    if (definition) {
        bf_spec_resolve (definition);
    }
    job->definition = definition && bf_spec_is_whole (definition) ? definition : NULL;
    if (!job->definition) {
        bf_check_found (self, BF_CHECK_SPEC, job->row, "spec cannot be read");
    }
}

static void
compare_counts (bf_checker *self, const bf_check_job *job, const Belfry__V1__Counts *counts)
{
    static const Belfry__V1__Counts none = BELFRY__V1__COUNTS__INIT;
    counts = counts ? counts : &none;
    const struct {
        const char *column;
        int64_t is;
        int64_t expected;
    } columns[] = {
        {"fired", job->fired, counts->fired},
        {"missed", job->missed, counts->missed},
        {"skipped", job->skipped, counts->skipped},
        {"overlap_skipped", job->overlap_skipped, counts->overlap_skipped},
        {"buffer_dropped", job->buffer_dropped, counts->buffer_dropped},
        {"cancelled_others", job->cancelled_others, counts->cancelled_others},
        {"terminated_others", job->terminated_others, counts->terminated_others},
        {"slots_open", job->slots_open, counts->open},
        {"blocked", job->blocked, counts->blocked},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        bf_check_same (self, BF_CHECK_IMAGE, job->row, columns[i].column, columns[i].is,
                       NEWEST, columns[i].expected);
    }
}

/* An image leaves it out where it is due_us. */
static int64_t
wake_of (const Belfry__V1__Job *image)
{
    return image->wake_us ? image->wake_us : image->due_us;
}

static void
compare_job (bf_checker *self, const bf_check_job *job, const Belfry__V1__Event *event)
{
    const Belfry__V1__Job *image = event->job_after;
    const bf_check_replanned *since = bf_check_replanned_of (self, job->id);
    if (since && since->seq < event->seq) {
        since = NULL;
    }
    const struct {
        const char *column;
        int64_t is;
        int64_t expected;
    } columns[] = {
        {"state", job->state, image->state},
        {"reason", job->reason, image->reason},
        {"paused", job->paused, image->paused},
        {"due_us", job->due_us, since ? since->due_us : image->due_us},
        {"wake_us", job->wake_us, since ? since->wake_us : wake_of (image)},
        {"armed_us", job->armed_us, since ? since->armed_us : image->armed_us},
        {"remind_us", job->remind_us, since ? since->remind_us : image->remind_us},
        {"version", job->version, image->version},
        {"runs", job->runs, image->runs},
        {"open_runs", job->open_runs, image->open_runs},
        {"others_below", job->others_below, image->others_below},
        {"created_us", job->created_us, image->created_us},
        {"final_us", job->final_us, image->final_us},
        {"payload_hash", job->payload_hash, (int64_t)image->payload_hash},
        {"length (payload)", job->payload_bytes, image->payload_bytes},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        bf_check_same (self, BF_CHECK_IMAGE, job->row, columns[i].column, columns[i].is,
                       NEWEST, columns[i].expected);
    }
    compare_counts (self, job, image->counts);
    bf_check_same_text (self, BF_CHECK_IMAGE, job->row, "ns", bf_check_name (self, job->ns),
                        NEWEST, event->ns);
    bf_check_same_text (self, BF_CHECK_IMAGE, job->row, "key", job->key, NEWEST,
                        event->key);
}

/* A definition as it is kept, packed; NULL without memory. Older versions kept the
 * defaults, too. */
static const uint8_t *
pack_kept (bf_checker *self, const Belfry__V1__JobSpec *spec, size_t *size)
{
    Belfry__V1__JobSpec kept = *spec;
    bf_spec_resolve (&kept);
    kept = bf_spec_kept (&kept);
    return bf_pack (&kept.base, self->arena, size);
}

static void
compare_spec (bf_checker *self, const bf_check_job *job, const Belfry__V1__Event *event)
{
    Belfry__V1__JobSpec image = *event->job_after->spec;
    Belfry__V1__Every every;
    bf_check_same_text (self, BF_CHECK_IMAGE, job->row, "type",
                        bf_check_name (self, job->type), NEWEST, event->type);
    if (image.trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_EVERY) {
        bf_check_same (self, BF_CHECK_IMAGE, job->row, "anchor_us", job->anchor_us, NEWEST,
                       image.every->anchor_us);
        /* Resolved where it is shown; the row knows whether the author gave it. */
        bool given =
            job->definition->trigger_case == image.trigger_case &&
            job->definition->every->anchor_case == BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
        every = *image.every;
        every.anchor_case = given ? every.anchor_case : BELFRY__V1__EVERY__ANCHOR__NOT_SET;
        image.every = &every;
    }
    size_t size = 0;
    size_t image_size = 0;
    const uint8_t *bytes = pack_kept (self, job->definition, &size);
    const uint8_t *image_bytes = pack_kept (self, &image, &image_size);
    if (!bytes || !image_bytes) {
        bf_check_fail_memory (self);
    } else if (size != image_size || memcmp (bytes, image_bytes, size) != 0) {
        bf_check_found (self, BF_CHECK_IMAGE, job->row,
                        "spec is not the definition that the log has");
    }
}

static void
compare_chain (bf_checker *self, const bf_check_job *job)
{
    bf_check_chain chain;
    bf_check_follow (self, job, &chain);
    if (chain.newest) {
        bf_check_same (self, BF_CHECK_IMAGE, job->row, "updated_us", job->updated_us,
                       NEWEST, chain.newest->at_us);
    }
    if (chain.image) {
        compare_job (self, job, chain.image);
    }
    if (chain.spec && job->definition) {
        compare_spec (self, job, chain.spec);
    }
}

/* --- runs --------------------------------------------------------------------------- */

static void
run_read (bf_checker *self, sqlite3_stmt *stmt, uint64_t job, bf_check_run *run)
{
    *run = (bf_check_run){
        .job = job,
        .ordinal = (uint32_t)sqlite3_column_int64 (stmt, 0),
        .queue = (uint32_t)sqlite3_column_int64 (stmt, 1),
        .type = (uint32_t)sqlite3_column_int64 (stmt, 2),
        .state = sqlite3_column_int64 (stmt, 3),
        .origin = sqlite3_column_int64 (stmt, 4),
        .decides = sqlite3_column_int64 (stmt, 5),
        .job_version = sqlite3_column_int64 (stmt, 6),
        .clock = sqlite3_column_int64 (stmt, 7),
        .due_us = sqlite3_column_int64 (stmt, 8),
        .lateness_us = sqlite3_column_int64 (stmt, 9),
        .attempt = sqlite3_column_int64 (stmt, 10),
        .failures = sqlite3_column_int64 (stmt, 11),
        .redriven_by = sqlite3_column_int64 (stmt, 12),
        .timer_us = sqlite3_column_int64 (stmt, 13),
        .has_timer = sqlite3_column_type (stmt, 13) != SQLITE_NULL,
        .has_lease = sqlite3_column_type (stmt, 14) != SQLITE_NULL,
        .has_run_until = sqlite3_column_type (stmt, 15) != SQLITE_NULL,
        .worker = text_copy (self, stmt, 16),
        .created_us = sqlite3_column_int64 (stmt, 17),
        .claimed_us = sqlite3_column_int64 (stmt, 18),
        .final_us = sqlite3_column_int64 (stmt, 19),
        .is_final = sqlite3_column_type (stmt, 19) != SQLITE_NULL,
        .reason = text_copy (self, stmt, 20),
        .last_seq = (uint64_t)sqlite3_column_int64 (stmt, 21),
        .result_bytes = sqlite3_column_bytes (stmt, 22),
        .result_hash = sqlite3_column_bytes (stmt, 22) ? hash_of (stmt, 22) : 0,
        .remind_before_us = sqlite3_column_int64 (stmt, 23),
    };
    snprintf (run->row, sizeof run->row, "run %llu.%u", (unsigned long long)job,
              run->ordinal);
}

static void
compare_run_texts (bf_checker *self, const bf_check_run *run,
                   const Belfry__V1__Event *event)
{
    const Belfry__V1__Run *image = event->run_after;
    bf_check_same_text (self, BF_CHECK_IMAGE, run->row, "type",
                        bf_check_name (self, run->type), NEWEST, event->type);
    bf_check_same_text (self, BF_CHECK_IMAGE, run->row, "worker", run->worker, NEWEST,
                        image->worker);
    bf_check_same_text (self, BF_CHECK_IMAGE, run->row, "reason", run->reason, NEWEST,
                        image->reason);
}

static void
compare_run (bf_checker *self, const bf_check_run *run, const Belfry__V1__Event *event)
{
    const Belfry__V1__Run *image = event->run_after;
    const struct {
        const char *column;
        int64_t is;
        int64_t expected;
    } columns[] = {
        {"state", run->state, image->state},
        {"origin", run->origin, image->origin},
        {"job_version", run->job_version, image->job_version},
        {"clock", run->clock, event->clock},
        {"due_us", run->due_us, image->due_us},
        {"lateness_us", run->lateness_us, image->lateness_us},
        {"attempt", run->attempt, image->attempt},
        {"failures", run->failures, image->failures},
        {"redriven_by", run->redriven_by, image->redriven_by},
        {"timer_us", run->timer_us, image->timer_us},
        {"created_us", run->created_us, image->created_us},
        {"claimed_us", run->claimed_us, image->claimed_us},
        {"final_us", run->final_us, image->final_us},
        {"remind_before_us", run->remind_before_us, image->remind_before_us},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        bf_check_same (self, BF_CHECK_IMAGE, run->row, columns[i].column, columns[i].is,
                       NEWEST, columns[i].expected);
    }
    bf_check_same (self, BF_CHECK_PAYLOAD, run->row, "length (result)", run->result_bytes,
                   NEWEST, image->result_bytes);
    bf_check_same (self, BF_CHECK_PAYLOAD, run->row, "the hash of result", run->result_hash,
                   NEWEST, (int64_t)image->result_hash);
    compare_run_texts (self, run, event);
}

static void
check_run_image (bf_checker *self, const bf_check_run *run)
{
    bool beyond = run->last_seq == 0 || run->last_seq > self->newest_seq;
    if (!beyond && run->last_seq < self->summary->oldest_seq) {
        return; /* retention has taken it */
    }
    char id[BF_CHECK_ROW_BYTES];
    snprintf (id, sizeof id, "%llu.%u", (unsigned long long)run->job, run->ordinal);
    bf_arena_reset (self->scratch);
    const Belfry__V1__Event *event =
        beyond ? NULL : bf_check_event (self, run->last_seq, self->scratch);
    if (!event || !event->run_after || strcmp (event->run, id) != 0) {
        bf_check_found (self, BF_CHECK_IMAGE, run->row,
                        "last_seq is %llu, but that is no event of it",
                        (unsigned long long)run->last_seq);
        return;
    }
    compare_run (self, run, event);
}

static void
tally_run (bf_checker *self, const bf_check_run *run, bf_check_tally *tally)
{
    bf_check_gauges *gauges = &self->gauges;
    bool open = run->state <= BELFRY__V1__RUN_STATE__RUN_STATE_RETRY_WAIT;
    bool blocked = run->state == BELFRY__V1__RUN_STATE__RUN_STATE_BLOCKED;
    bool leased = run->state == BELFRY__V1__RUN_STATE__RUN_STATE_LEASED;
    self->summary->runs++;
    tally->count++;
    tally->newest = run->ordinal;
    tally->open += open;
    tally->leased += leased;
    tally->slots_open += open && run->decides;
    tally->blocked += blocked && run->decides;
    gauges->open_runs += open;
    gauges->dead_runs +=
        run->state == BELFRY__V1__RUN_STATE__RUN_STATE_DEAD && run->redriven_by == 0;
    gauges->leased_runs += leased;
    gauges->ready_runs += run->state == BELFRY__V1__RUN_STATE__RUN_STATE_READY;
    gauges->timed_runs += run->has_timer;
}

static void
check_runs (bf_checker *self, const bf_check_job *job, bf_check_tally *tally)
{
    sqlite3_stmt *stmt = bf_check_statement (self, CHECK_RUNS_OF);
    if (!stmt) {
        return;
    }
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job->id);
    while (bf_check_step (self, stmt, "table run")) {
        bf_check_run run;
        run_read (self, stmt, job->id, &run);
        tally_run (self, &run, tally);
        check_run_image (self, &run);
        bf_check_run_rules (self, job, &run);
    }
}

/* --- stretches ---------------------------------------------------------------------- */

static void
compare_stretch (bf_checker *self, const char *row, sqlite3_stmt *stmt,
                 const Belfry__V1__Stretch *image)
{
    static const char *const columns[] = {"after_ordinal", "skipped", "first_due_us",
                                          "last_due_us", "count"};
    const int64_t expected[] = {image->after_ordinal, image->skipped, image->first_due_us,
                                image->last_due_us, (int64_t)image->count};
    for (int i = 0; i < (int)(sizeof columns / sizeof columns[0]); i++) {
        bf_check_same (self, BF_CHECK_IMAGE, row, columns[i],
                       sqlite3_column_int64 (stmt, i), NEWEST, expected[i]);
    }
}

static void
check_stretch (bf_checker *self, const bf_check_job *job, sqlite3_stmt *stmt)
{
    char row[BF_CHECK_ROW_BYTES];
    int64_t after = sqlite3_column_int64 (stmt, 0);
    uint64_t last_seq = (uint64_t)sqlite3_column_int64 (stmt, 5);
    snprintf (row, sizeof row, "stretch after run %llu.%lld", (unsigned long long)job->id,
              (long long)after);
    self->summary->stretches++;
    if (after > job->runs) {
        bf_check_found (self, BF_CHECK_STATE, row, "the job has only %lld runs",
                        (long long)job->runs);
    }
    if (last_seq != 0 && last_seq < self->summary->oldest_seq) {
        return;
    }
    bf_arena_reset (self->scratch);
    const Belfry__V1__Event *event = bf_check_is_kept (self, last_seq)
                                         ? bf_check_event (self, last_seq, self->scratch)
                                         : NULL;
    if (!event || !event->stretch_after || event->job != job->id) {
        bf_check_found (self, BF_CHECK_IMAGE, row,
                        "last_seq is %llu, but that is no event of it",
                        (unsigned long long)last_seq);
        return;
    }
    compare_stretch (self, row, stmt, event->stretch_after);
}

static void
check_stretches (bf_checker *self, const bf_check_job *job)
{
    sqlite3_stmt *stmt = bf_check_statement (self, CHECK_STRETCHES_OF);
    if (!stmt) {
        return;
    }
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)job->id);
    while (bf_check_step (self, stmt, "table stretch")) {
        check_stretch (self, job, stmt);
    }
}

/* --- all of them -------------------------------------------------------------------- */

static void
tally_job (bf_checker *self, const bf_check_job *job)
{
    bool open = job->state <= BELFRY__V1__JOB_STATE__JOB_STATE_ACTIVE;
    self->summary->jobs++;
    self->gauges.open_jobs += open;
    self->gauges.final_jobs += !open;
    self->gauges.timed_jobs +=
        job->state == BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED && !job->paused;
    self->gauges.timed_reminders += job->remind_us != 0 && !job->paused;
}

void
bf_check_jobs (bf_checker *self)
{
    sqlite3_stmt *stmt = self->failure == BF_OK ? bf_check_prepare (self, jobs_sql) : NULL;
    while (bf_check_step (self, stmt, "table job")) {
        bf_check_job job;
        bf_check_tally tally = {0};
        bf_arena_reset (self->arena);
        job_read (self, stmt, &job);
        tally_job (self, &job);
        compare_chain (self, &job);
        check_runs (self, &job, &tally);
        check_stretches (self, &job);
        bf_check_job_rules (self, &job, &tally);
        bf_check_count (self, 1);
    }
    sqlite3_finalize (stmt);
}
