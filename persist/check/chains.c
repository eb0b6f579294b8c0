/* SPDX-License-Identifier: MPL-2.0
 *
 * The chain of a job's events, which its row's last_seq begins and each event's
 * prev_job_seq goes on with. Every event that is met gets its bit, so that fold.c can tell
 * which were passed by, without a word of memory for any job.
 *
 *   row.last_seq -> 912 -> 840 -> 17 -> 0      or into what retention has taken
 */
#include <stdio.h>
#include <string.h>

#include "core/event.h"
#include "persist/check/private.h"

bool
bf_check_is_kept (const bf_checker *self, uint64_t seq)
{
    return seq >= self->summary->oldest_seq && seq <= self->newest_seq;
}

static uint64_t
place_of (const bf_checker *self, uint64_t seq)
{
    return seq - self->summary->oldest_seq;
}

bool
bf_check_is_chained (const bf_checker *self, uint64_t seq)
{
    uint64_t place = place_of (self, seq);
    return self->chained[place / 8] >> (place % 8) & 1;
}

static void
mark (bf_checker *self, uint64_t seq)
{
    uint64_t place = place_of (self, seq);
    self->chained[place / 8] |= (uint8_t)(1U << (place % 8));
}

const Belfry__V1__Event *
bf_check_event (bf_checker *self, uint64_t seq, bf_arena *arena)
{
    sqlite3_stmt *stmt = bf_check_statement (self, CHECK_EVENT_AT);
    if (!stmt) {
        return NULL;
    }
    sqlite3_bind_int64 (stmt, 1, (sqlite3_int64)seq);
    const Belfry__V1__Event *event = NULL;
    if (bf_check_step (self, stmt, "table event")) {
        event = (const Belfry__V1__Event *)bf_check_unpack (&belfry__v1__event__descriptor,
                                                            arena, stmt, 0);
        sqlite3_reset (stmt);
    }
    return event;
}

/* Keeps what the event says of the job, if nothing newer said it. */
static bool
keep (bf_checker *self, const Belfry__V1__Event *event, bf_check_chain *chain)
{
    const Belfry__V1__Job *image = event->job_after;
    bool wanted = !chain->newest || (image && !chain->image) ||
                  (image && image->spec && !chain->spec);
    if (!wanted) {
        return true;
    }
    /* Again, into memory that lasts. */
    const Belfry__V1__Event *kept = bf_check_event (self, event->seq, self->arena);
    if (!kept) {
        bf_check_fail_memory (self);
        return false;
    }
    chain->newest = chain->newest ? chain->newest : kept;
    if (image && !chain->image) {
        chain->image = kept;
    }
    if (image && image->spec && !chain->spec) {
        chain->spec = kept;
    }
    return true;
}

/* The next event of the chain. NULL where it ends wrongly, which is told. */
static const Belfry__V1__Event *
follow_one (bf_checker *self, const bf_check_job *job, uint64_t from, uint64_t seq)
{
    char whence[BF_CHECK_ROW_BYTES] = "the row";
    if (from != 0) {
        snprintf (whence, sizeof whence, "event %llu", (unsigned long long)from);
    }
    if (seq > self->newest_seq || (from != 0 && seq >= from)) {
        bf_check_found (self, BF_CHECK_CHAIN, job->row,
                        "%s names event %llu as the one before, which is not before it",
                        whence, (unsigned long long)seq);
        return NULL;
    }
    bf_arena_reset (self->scratch);
    const Belfry__V1__Event *event = bf_check_event (self, seq, self->scratch);
    if (!event) {
        bf_check_found (self, BF_CHECK_CHAIN, job->row,
                        "%s names event %llu as the one before, which cannot be read",
                        whence, (unsigned long long)seq);
    } else if (event->job != job->id || event->seq != seq) {
        bf_check_found (self, BF_CHECK_CHAIN, job->row,
                        "%s names event %llu as the one before, which is of job %llu",
                        whence, (unsigned long long)seq, (unsigned long long)event->job);
        event = NULL;
    }
    return event;
}

void
bf_check_follow (bf_checker *self, const bf_check_job *job, bf_check_chain *chain)
{
    *chain = (bf_check_chain){0};
    uint64_t from = 0;
    uint64_t seq = job->last_seq;
    bool first_of_all = false;
    while (self->failure == BF_OK && seq >= self->summary->oldest_seq) {
        const Belfry__V1__Event *event = follow_one (self, job, from, seq);
        if (!event || !keep (self, event, chain)) {
            return;
        }
        mark (self, seq);
        from = seq;
        seq = event->prev_job_seq;
        first_of_all = strcmp (event->kind, bf_event_name (BF_EVENT_JOB_SCHEDULED)) == 0;
    }
    if (seq == 0 && from != 0 && !first_of_all) {
        bf_check_found (self, BF_CHECK_CHAIN, job->row,
                        "its chain of events ends with event %llu, which is not the one "
                        "that it began with",
                        (unsigned long long)from);
    }
    if (seq == 0 && from == 0) {
        bf_check_found (self, BF_CHECK_CHAIN, job->row, "last_seq is 0: it has no event");
    }
}
