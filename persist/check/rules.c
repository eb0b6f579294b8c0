/* SPDX-License-Identifier: MPL-2.0
 *
 * What a row must be in itself and beside its neighbours, whatever the log says: the states
 * with what belongs to them, the counters against the rows they count, the slot on its
 * grid, the one open job of a key, the tags.
 */
#include <stdio.h>
#include <string.h>

#include "core/run.h"
#include "messages/limits.h"
#include "messages/translate.h"
#include "persist/check/private.h"

#define ID_SHARD_MASK 0xff

static const char counted[] = "the rows say";

static void
check_ids (bf_checker *self, const bf_check_job *job)
{
    if (job->id == 0 || (job->id & ID_SHARD_MASK) != 0) {
        bf_check_found (self, BF_CHECK_COUNTER, job->row, "its id is not one of shard 0");
    }
    if (job->id >= (uint64_t)self->next_id) {
        bf_check_found (self, BF_CHECK_COUNTER, job->row,
                        "its id is not below meta.next_id, which is %lld",
                        (long long)self->next_id);
    }
}

static void
check_names (bf_checker *self, const bf_check_job *job)
{
    bool known = job->ns >= 1 && job->ns <= self->names.count && job->type >= 1 &&
                 job->type <= self->names.count;
    const bf_check_queue *queue = job->queue >= 1 && job->queue <= self->queues.count
                                      ? self->queues.items[job->queue - 1]
                                      : NULL;
    if (!known) {
        bf_check_found (self, BF_CHECK_NAME, job->row,
                        "ns %u or type %u is not among the names", job->ns, job->type);
    } else if (!queue || queue->ns != job->ns || queue->name != job->type) {
        bf_check_found (self, BF_CHECK_NAME, job->row, "queue %u is not that of %s/%s",
                        job->queue, bf_check_name (self, job->ns),
                        bf_check_name (self, job->type));
    }
}

static void
check_state (bf_checker *self, const bf_check_job *job, const bf_check_tally *tally)
{
    bool known = job->state >= BF_JOB_WAITING && job->state <= BF_JOB_STATE_LAST;
    bool open = job->state <= BF_JOB_ACTIVE;
    const char *state = bf_job_state_name ((bf_job_state)job->state);
    if (!known || job->reason < BF_JOB_NO_REASON || job->reason > BF_JOB_DEPENDENCY ||
        job->paused < 0 || job->paused > 1 || job->clock < 0 || job->clock > 1 ||
        job->version < 1) {
        bf_check_found (self, BF_CHECK_STATE, job->row,
                        "state %lld, reason %lld, paused %lld, clock %lld or version %lld "
                        "is out of its range",
                        (long long)job->state, (long long)job->reason,
                        (long long)job->paused, (long long)job->clock,
                        (long long)job->version);
    }
    if (known && open == job->is_final) {
        bf_check_found (self, BF_CHECK_STATE, job->row, "it is %s, but final_us is %s",
                        state, job->is_final ? "set" : "not set");
    }
    if (job->state == BF_JOB_ACTIVE && tally->open == 0) {
        bf_check_found (self, BF_CHECK_STATE, job->row, "it is active without an open run");
    }
    bool over = job->state == BF_JOB_COMPLETED || job->state == BF_JOB_DEAD;
    if (over && tally->open > 0) {
        bf_check_found (self, BF_CHECK_STATE, job->row, "it is %s, but %lld runs are open",
                        state, (long long)tally->open);
    }
    if (known && !open && !over && tally->open > tally->leased) {
        bf_check_found (self, BF_CHECK_STATE, job->row,
                        "it is %s, but %lld runs are open that no worker has", state,
                        (long long)(tally->open - tally->leased));
    }
    if (known && !open && (job->state == BF_JOB_DEAD) != (job->reason != 0)) {
        bf_check_found (self, BF_CHECK_STATE, job->row, "it is %s with reason %lld", state,
                        (long long)job->reason);
    }
}

static void
check_counters (bf_checker *self, const bf_check_job *job, const bf_check_tally *tally)
{
    bf_check_same (self, BF_CHECK_COUNTER, job->row, "open_runs", job->open_runs, counted,
                   tally->open);
    bf_check_same (self, BF_CHECK_COUNTER, job->row, "slots_open", job->slots_open, counted,
                   tally->slots_open);
    bf_check_same (self, BF_CHECK_COUNTER, job->row, "blocked", job->blocked, counted,
                   tally->blocked);
    if (job->runs < tally->newest) {
        bf_check_found (self, BF_CHECK_COUNTER, job->row,
                        "runs is %lld, but there is run %lld", (long long)job->runs,
                        (long long)tally->newest);
    }
    if (tally->blocked > 0 && tally->blocked == tally->slots_open) {
        bf_check_found (self, BF_CHECK_STATE, job->row,
                        "%lld runs are blocked, but by none that is open",
                        (long long)tally->blocked);
    }
}

/* Between 1970 and the last slot of all. */
static bool
is_reckonable (int64_t us)
{
    return us >= 0 && us <= BF_WALL_MAX_US + BF_EVERY_MAX_US;
}

/* A slot has its place on the grid, or is what the trigger says. */
static void
check_slot (bf_checker *self, const bf_check_job *job, const bf_trigger *trigger)
{
    bool reckonable = is_reckonable (job->anchor_us) && is_reckonable (job->due_us);
    if (bf_trigger_is_zoned (trigger) && reckonable) {
        bf_check_zoned_slot (self, job, trigger);
    } else if (bf_trigger_recurs (trigger)) {
        bool is_slot = false;
        if (reckonable) {
            int64_t due_us = 0;
            bf_grid grid = bf_grid_of (trigger, NULL, job->anchor_us, job->id);
            is_slot =
                bf_grid_next (&grid, job->due_us - 1, &due_us) && due_us == job->due_us;
        }
        if (!is_slot) {
            bf_check_found (self, BF_CHECK_TIMER, job->row,
                            "due_us is %lld, which is no slot of its grid",
                            (long long)job->due_us);
        }
    } else if (trigger->kind == BF_TRIGGER_AT) {
        bf_check_same (self, BF_CHECK_TIMER, job->row, "due_us", job->due_us,
                       "its trigger says",
                       bf_us_add (trigger->us, bf_trigger_offset (trigger, job->id).us));
    }
}

/* The next reminder is one of the definition's, and only an armed slot has one. */
static void
check_reminder (bf_checker *self, const bf_check_job *job, const bf_spec *law)
{
    bool known = job->remind_us == 0;
    for (size_t i = 0; !known && i < law->remind.count; i++) {
        known = bf_us_add (job->due_us, -law->remind.before_us[i]) == job->remind_us;
    }
    if (!known || (job->remind_us != 0 && job->state != BF_JOB_SCHEDULED)) {
        bf_check_found (self, BF_CHECK_TIMER, job->row,
                        "remind_us is %lld, which is no reminder of the slot at %lld",
                        (long long)job->remind_us, (long long)job->due_us);
    }
}

static void
check_timer (bf_checker *self, const bf_check_job *job)
{
    bf_spec law = bf_spec_from_wire (job->definition);
    bf_check_same (self, BF_CHECK_TIMER, job->row, "clock", job->clock, "its trigger says",
                   bf_trigger_clock (&law.trigger));
    check_reminder (self, job, &law);
    if (job->state != BF_JOB_SCHEDULED) {
        return;
    }
    if (job->wake_us < job->due_us) {
        bf_check_found (self, BF_CHECK_TIMER, job->row,
                        "wake_us is %lld, before due_us, which is %lld",
                        (long long)job->wake_us, (long long)job->due_us);
    }
    if (law.trigger.max_runs != 0 && job->fired >= law.trigger.max_runs) {
        bf_check_found (self, BF_CHECK_TIMER, job->row,
                        "it is scheduled, but %lld of %u slots have fired",
                        (long long)job->fired, law.trigger.max_runs);
    }
    check_slot (self, job, &law.trigger);
}

/* Of the jobs with a key, the newest is the one that is open, if any is. */
static void
check_key (bf_checker *self, const bf_check_job *job)
{
    if (job->key[0] == '\0' || job->state > BF_JOB_ACTIVE) {
        return;
    }
    sqlite3_stmt *stmt = bf_check_statement (self, CHECK_NEWER_OF_KEY);
    if (!stmt) {
        return;
    }
    sqlite3_bind_int64 (stmt, 1, job->ns);
    sqlite3_bind_text (stmt, 2, job->key, -1, SQLITE_STATIC);
    sqlite3_bind_int64 (stmt, 3, (sqlite3_int64)job->id);
    if (bf_check_step (self, stmt, "table job")) {
        bf_check_found (self, BF_CHECK_KEY, job->row,
                        "it is open, but job %lld has its key \"%s\", too, and is newer",
                        (long long)sqlite3_column_int64 (stmt, 0), job->key);
        sqlite3_reset (stmt);
    }
}

static void
check_tags (bf_checker *self, const bf_check_job *job)
{
    if (job->state > BF_JOB_ACTIVE) {
        return;
    }
    for (size_t i = 0; i < job->definition->n_tags; i++) {
        sqlite3_stmt *stmt = bf_check_statement (self, CHECK_TAG);
        if (!stmt) {
            return;
        }
        sqlite3_bind_text (stmt, 1, job->definition->tags[i], -1, SQLITE_STATIC);
        sqlite3_bind_int64 (stmt, 2, (sqlite3_int64)job->id);
        bool there = bf_check_step (self, stmt, "table tag");
        sqlite3_reset (stmt);
        if (!there) {
            bf_check_found (self, BF_CHECK_TAG, job->row, "its tag \"%s\" has no row",
                            job->definition->tags[i]);
        }
        self->gauges.tags += there;
    }
}

void
bf_check_job_rules (bf_checker *self, const bf_check_job *job, const bf_check_tally *tally)
{
    check_ids (self, job);
    check_names (self, job);
    check_state (self, job, tally);
    check_counters (self, job, tally);
    check_key (self, job);
    bf_check_same (self, BF_CHECK_PAYLOAD, job->row, "payload_hash", job->payload_hash,
                   "the payload's is", job->real_hash);
    if (job->definition) {
        check_timer (self, job);
        check_tags (self, job);
        bf_spec law = bf_spec_from_wire (job->definition);
        bf_check_zoned (self, job, &law.trigger);
    }
}

/* --- runs --------------------------------------------------------------------------- */

static void
check_run_state (bf_checker *self, const bf_check_run *run)
{
    bool known = run->state >= BF_RUN_BLOCKED && run->state <= BF_RUN_STATE_LAST;
    bool leased = run->state == BF_RUN_LEASED;
    const char *state = bf_run_state_name ((bf_run_state)run->state);
    if (!known || run->origin < BF_ORIGIN_SLOT || run->origin > BF_ORIGIN_REDRIVEN ||
        run->decides < 0 || run->decides > 1 || run->clock < 0 || run->clock > 1) {
        bf_check_found (self, BF_CHECK_STATE, run->row,
                        "state %lld, origin %lld, decides %lld or clock %lld is out of its "
                        "range",
                        (long long)run->state, (long long)run->origin,
                        (long long)run->decides, (long long)run->clock);
        return;
    }
    if (bf_run_is_open ((bf_run_state)run->state) == run->is_final) {
        bf_check_found (self, BF_CHECK_STATE, run->row, "it is %s, but final_us is %s",
                        state, run->is_final ? "set" : "not set");
    }
    if (leased != run->has_lease || (run->has_run_until && !leased)) {
        bf_check_found (self, BF_CHECK_TIMER, run->row,
                        "it is %s, which contradicts its lease_until_us or run_until_us",
                        state);
    }
    if (leased && (run->attempt == 0 || run->worker[0] == '\0' || run->claimed_us == 0)) {
        bf_check_found (self, BF_CHECK_STATE, run->row,
                        "it is leased without an attempt, a worker or claimed_us");
    }
    if ((run->origin == BF_ORIGIN_REMINDER) != (run->remind_before_us != 0)) {
        bf_check_found (
            self, BF_CHECK_STATE, run->row, "remind_before_us is %lld for origin %s",
            (long long)run->remind_before_us, bf_origin_name ((bf_origin)run->origin));
    }
    if (run->origin != BF_ORIGIN_REDRIVEN &&
        run->decides != (run->origin == BF_ORIGIN_SLOT)) {
        bf_check_found (self, BF_CHECK_STATE, run->row, "decides is %lld for origin %s",
                        (long long)run->decides, bf_origin_name ((bf_origin)run->origin));
    }
}

static void
check_run_timer (bf_checker *self, const bf_check_run *run)
{
    bool may = run->state == BF_RUN_BLOCKED || run->state == BF_RUN_READY ||
               run->state == BF_RUN_RETRY_WAIT;
    if (run->state == BF_RUN_RETRY_WAIT && !run->has_timer) {
        bf_check_found (self, BF_CHECK_TIMER, run->row,
                        "it waits to be tried again, but has no timer_us");
    }
    if (run->has_timer && !may) {
        bf_check_found (self, BF_CHECK_TIMER, run->row, "it is %s, but has a timer_us",
                        bf_run_state_name ((bf_run_state)run->state));
    }
}

void
bf_check_run_rules (bf_checker *self, const bf_check_job *job, const bf_check_run *run)
{
    check_run_state (self, run);
    check_run_timer (self, run);
    if (run->ordinal == 0 || run->job_version < 1 || run->job_version > job->version ||
        run->attempt < 0 || run->failures < 0 || run->failures > run->attempt + 1) {
        bf_check_found (self, BF_CHECK_COUNTER, run->row,
                        "ordinal %u, job_version %lld, attempt %lld or failures %lld "
                        "cannot be",
                        run->ordinal, (long long)run->job_version, (long long)run->attempt,
                        (long long)run->failures);
    }
    if (run->redriven_by != 0 &&
        (run->state != BF_RUN_DEAD || run->redriven_by <= run->ordinal ||
         run->redriven_by > job->runs)) {
        bf_check_found (self, BF_CHECK_STATE, run->row, "it is not one that %lld redoes",
                        (long long)run->redriven_by);
    }
    const bf_check_queue *queue = run->queue >= 1 && run->queue <= self->queues.count
                                      ? self->queues.items[run->queue - 1]
                                      : NULL;
    if (!queue || queue->ns != job->ns || queue->name != run->type) {
        bf_check_found (self, BF_CHECK_NAME, run->row, "queue %u is not that of %s/%s",
                        run->queue, bf_check_name (self, job->ns),
                        bf_check_name (self, run->type));
    }
}
