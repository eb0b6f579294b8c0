/* SPDX-License-Identifier: MPL-2.0
 *
 * Snapshot for those who mirror the tables: pages that were read while everything went on,
 * with the events since the head of the first of them, make the tables.
 */
#include <inttypes.h>
#include <string.h>

#include "core/base/map.h"
#include "core/token.h"
#include "messages/codec.h"
#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/whole.h"

typedef Belfry__V1__SnapshotReply__Row row_t;

static Belfry__V1__SnapshotReply *
page_at (ledger *self, uint64_t job, uint32_t ordinal, uint32_t limit)
{
    Belfry__V1__Reply *reply =
        ledger_ok (self, ledger_text (self,
                                      "snapshot.job=%" PRIu64 " snapshot.ordinal=%" PRIu32
                                      " snapshot.limit=%" PRIu32,
                                      job, ordinal, limit));
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_SNAPSHOT);
    assert_true (reply->snapshot->stream_epoch == LEDGER_EPOCH);
    return reply->snapshot;
}

/* "256", "256.1", "256/0m": a job, a run, what was missed behind run 0. */
static const char *
row_name (ledger *self, const row_t *row)
{
    switch (row->row_case) {
    case BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_JOB:
        return ledger_text (self, "%" PRIu64, row->job->id);
    case BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_RUN:
        return row->run->run;
    default:
        assert_int_equal (row->row_case, BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_STRETCH);
        return ledger_text (self, "%" PRIu64 "/%" PRIu32 "%s", row->stretch->job,
                            row->stretch->after_ordinal, row->stretch->skipped ? "s" : "m");
    }
}

static row_t *
mirror_get (bf_map *mirror, const char *name)
{
    return bf_map_get (mirror, name, strlen (name));
}

static row_t *
mirror_at (ledger *self, bf_map *mirror, const char *name)
{
    row_t *row = mirror_get (mirror, name);
    if (!row) {
        row = bf_arena_alloc (self->arena, sizeof *row);
        assert_non_null (row);
        belfry__v1__snapshot_reply__row__init (row);
        assert_int_equal (bf_map_put (mirror, name, strlen (name), row), BF_OK);
    }
    return row;
}

static void
apply_job (ledger *self, bf_map *mirror, Belfry__V1__Event *event)
{
    const char *name = ledger_text (self, "%" PRIu64, event->job);
    row_t *row = mirror_get (mirror, name);
    if (row && row->job->last_seq >= event->seq) {
        return;
    }
    if (!row && !(event->job_after && event->job_after->spec)) {
        return; /* gone before its page was read: an event that comes will say so */
    }
    if (event->job_after) {
        ProtobufCAllocator allocator = bf_arena_allocator (self->arena);
        event_make_whole (event, &allocator);
        Belfry__V1__JobSpec *spec = event->job_after->spec;
        row = mirror_at (self, mirror, name);
        spec = spec ? spec : row->job->spec;
        row->row_case = BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_JOB;
        row->job = event->job_after;
        row->job->spec = spec;
        row->clock = spec->trigger_case == BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
    }
    row->job->last_seq = event->seq;
    row->job->updated_us = event->at_us;
}

static void
apply_run (ledger *self, bf_map *mirror, const Belfry__V1__Event *event)
{
    const row_t *known = mirror_get (mirror, event->run);
    if (known && known->run->last_seq >= event->seq) {
        return;
    }
    row_t *row = mirror_at (self, mirror, event->run);
    row->row_case = BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_RUN;
    row->run = event->run_after;
    row->run->ns = event->ns;
    row->run->type = event->type;
    row->clock = event->clock;
}

static void
apply_stretch (ledger *self, bf_map *mirror, const Belfry__V1__Event *event)
{
    row_t fresh = BELFRY__V1__SNAPSHOT_REPLY__ROW__INIT;
    fresh.row_case = BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_STRETCH;
    fresh.stretch = event->stretch_after;
    const char *name = row_name (self, &fresh);
    const row_t *known = mirror_get (mirror, name);
    if (!known || known->stretch->last_seq < event->seq) {
        *mirror_at (self, mirror, name) = fresh;
    }
}

/* Whether this is what was taken away: a job with everything of it, or its final runs up to
 * an ordinal with the stretches between them. */
static bool
is_among (const Belfry__V1__Pruned__Rows *gone, const row_t *row, uint64_t seq)
{
    bf_token token = {0};
    bool whole = gone->up_to_ordinal == 0;
    switch (row->row_case) {
    case BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_JOB:
        return whole && row->job->id == gone->job;
    case BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_RUN:
        assert_int_equal (bf_run_id_parse (row->run->run, &token), BF_OK);
        return token.job == gone->job && row->run->final_us != 0 &&
               row->run->last_seq < seq && (whole || token.ordinal <= gone->up_to_ordinal);
    default:
        return row->stretch->job == gone->job &&
               (whole || row->stretch->after_ordinal < gone->up_to_ordinal);
    }
}

static void
apply_pruned (ledger *self, bf_map *mirror, const Belfry__V1__Event *event)
{
    for (size_t i = 0; i < event->pruned->n_rows; i++) {
        size_t cursor = 0;
        const row_t *row;
        while ((row = bf_map_each (mirror, &cursor)) != NULL) {
            if (is_among (event->pruned->rows[i], row, event->seq)) {
                const char *name = row_name (self, row);
                assert_non_null (bf_map_remove (mirror, name, strlen (name)));
            }
        }
    }
}

/* Every event after a seq; returns how many. */
static size_t
replay (ledger *self, bf_map *mirror, uint64_t after)
{
    size_t count = 0;
    for (;;) {
        const Belfry__V1__EventsReply *page =
            ledger_ok (
                self,
                ledger_text (self, "replay.after_seq=%" PRIu64 " replay.limit=1000", after))
                ->events;
        for (size_t i = 0; i < page->n_events; i++, count++) {
            Belfry__V1__Event *event = page->events[i];
            if (event->job != 0) {
                apply_job (self, mirror, event);
            }
            if (event->run[0]) {
                apply_run (self, mirror, event);
            }
            if (event->stretch_after) {
                apply_stretch (self, mirror, event);
            }
            if (event->pruned) {
                apply_pruned (self, mirror, event);
            }
        }
        if (page->n_events == 0) {
            return count;
        }
        after = page->next_cursor;
    }
}

static uint64_t
next_random (uint64_t *seed)
{
    *seed = *seed * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
    return *seed >> 33;
}

static void
work (ledger *self, uint64_t *seed)
{
    Belfry__V1__Reply *reply = ledger_grant (
        self, ledger_claim (self, "claim.types=mail claim.types=call claim.max=3"));
    for (size_t i = 0; reply && i < reply->claim->n_leases; i++) {
        size_t which = next_random (seed) % 4;
        const char *token = reply->claim->leases[i]->token;
        if (which == 0) {
            ledger_do (self,
                       ledger_text (self, "complete.token=%s complete.result=r", token));
        } else if (which == 1) {
            ledger_do (self, ledger_text (self, "fail.reason=no fail.token=%s", token));
        } else if (which == 2) {
            ledger_do (self, ledger_text (self, "snooze.for_us=1 snooze.token=%s", token));
        }
    }
}

/* Takes away what ended more than a few seconds ago. */
static void
prune (ledger *self)
{
    ledger_begin (self);
    ledger_put (self, "prune.finals_us=5000000");
    ledger_commit (self);
    ledger_tend (self);
}

/* Something that changes rows, or is refused. */
static void
disturb (ledger *self, uint64_t *seed)
{
    unsigned id = 256 * (unsigned)(1 + next_random (seed) % 60);
    switch (next_random (seed) % 12) {
    case 0:
        ledger_do (self, ledger_text (self, "cancel.job.id=%u", id));
        break;
    case 1:
        ledger_do (self, ledger_text (self, "trigger.job.id=%u", id));
        break;
    case 2:
        ledger_do (self, ledger_text (self, "pause.job.id=%u", id));
        break;
    case 3:
        ledger_do (self, ledger_text (self, "resume.job.id=%u resume.from=2", id));
        break;
    case 4:
        ledger_do (self, ledger_text (self,
                                      "schedule.jobs.type=call schedule.on_key=3 "
                                      "schedule.jobs.key=k%u "
                                      "schedule.jobs.after_us=%u",
                                      id % 13, id));
        break;
    case 5:
        ledger_do (self, ledger_text (self,
                                      "schedule.jobs.type=mail schedule.on_key=3 "
                                      "schedule.jobs.key=k%u "
                                      "schedule.jobs.every.interval_us=%u",
                                      id % 13, 100 * id + 10000));
        break;
    case 6:
    case 7:
        work (self, seed);
        break;
    case 8:
        prune (self);
        break;
    default:
        ledger_pass (self, (int64_t)(1 + next_random (seed) % 3) * BF_SECOND_US);
        ledger_fire (self, NULL);
        break;
    }
}

/* Reads all pages, with a few commands between one and the next; returns the head of the
 * first. */
static uint64_t
read_disturbed (ledger *self, bf_map *mirror, uint64_t *seed)
{
    uint64_t head = 0;
    uint64_t job = 0;
    uint32_t ordinal = 0;
    do {
        uint32_t limit = 1 + (uint32_t)(next_random (seed) % 9);
        const Belfry__V1__SnapshotReply *page = page_at (self, job, ordinal, limit);
        head = head ? head : page->head_seq;
        for (size_t i = 0; i < page->n_rows; i++) {
            const char *name = row_name (self, page->rows[i]);
            assert_null (mirror_get (mirror, name));
            *mirror_at (self, mirror, name) = *page->rows[i];
        }
        job = page->next_job;
        ordinal = page->next_ordinal;
        for (int i = 0; i < 6; i++) {
            disturb (self, seed);
        }
    } while (job != 0);
    return head;
}

static const char *
packed (ledger *self, const row_t *row, size_t *size)
{
    const char *bytes = (const char *)bf_pack (&row->base, self->arena, size);
    assert_non_null (bytes);
    return bytes;
}

/* The mirror holds what a snapshot at rest shows, to the byte. */
static void
expect_mirror (ledger *self, bf_map *mirror)
{
    size_t count = 0;
    uint64_t job = 0;
    uint32_t ordinal = 0;
    do {
        const Belfry__V1__SnapshotReply *page = page_at (self, job, ordinal, BF_PAGE);
        for (size_t i = 0; i < page->n_rows; i++, count++) {
            const char *name = row_name (self, page->rows[i]);
            const row_t *row = mirror_get (mirror, name);
            size_t size;
            size_t mirror_size;
            if (!row) {
                fail_msg ("%s is missing", name);
            }
            const char *bytes = packed (self, page->rows[i], &size);
            const char *mirrored = packed (self, row, &mirror_size);
            if (size != mirror_size || memcmp (bytes, mirrored, size) != 0) {
                fail_msg ("%s differs", name);
            }
        }
        job = page->next_job;
        ordinal = page->next_ordinal;
    } while (job != 0);
    assert_int_equal (bf_map_count (mirror), count);
}

/* And that is what the tables hold. */
static void
expect_tables (ledger *self)
{
    const char *jobs = "";
    const char *runs = "";
    const char *stretches = "";
    const Belfry__V1__SnapshotReply *page = page_at (self, 0, 0, BF_PAGE);
    assert_int_equal (page->next_job, 0);
    for (size_t i = 0; i < page->n_rows; i++) {
        const row_t *row = page->rows[i];
        if (row->row_case == BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_JOB) {
            jobs = ledger_text (
                self,
                "%s%" PRIu64 ":%d:%" PRId64 ":%" PRId64 ":%u:%u:%u:%u:%" PRIu64 ":%u ",
                jobs, row->job->id, (int)row->job->state, row->job->due_us,
                row->job->armed_us, row->job->version, row->job->runs, row->job->open_runs,
                row->job->counts->fired, row->job->last_seq, row->clock);
        } else if (row->row_case == BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_RUN) {
            runs = ledger_text (self, "%s%s:%d:%" PRId64 ":%u:%" PRId64 ":%" PRIu64 ":%u ",
                                runs, row->run->run, (int)row->run->state, row->run->due_us,
                                row->run->attempt, row->run->timer_us, row->run->last_seq,
                                row->clock);
        } else {
            stretches = ledger_text (self, "%s%s:%" PRIu64 ":%" PRId64 ":%" PRIu64 " ",
                                     stretches, row_name (self, row), row->stretch->count,
                                     row->stretch->last_due_us, row->stretch->last_seq);
        }
    }
    assert_string_equal (
        jobs,
        ledger_string (self, "SELECT group_concat (t, '') FROM (SELECT id || ':' || state "
                             "|| ':' || due_us || ':' || armed_us || ':' || version || ':' "
                             "|| runs || ':' || open_runs || ':' || fired || ':' || "
                             "last_seq || ':' || clock || ' ' AS t FROM job ORDER BY id)"));
    assert_string_equal (
        runs, ledger_string (
                  self, "SELECT group_concat (t, '') FROM (SELECT job || '.' || "
                        "ordinal || ':' || state || ':' || due_us || ':' || attempt || "
                        "':' || coalesce (timer_us, 0) || ':' || last_seq || ':' || "
                        "clock || ' ' AS t FROM run ORDER BY job, ordinal)"));
    assert_string_equal (
        stretches,
        ledger_string (self, "SELECT group_concat (t, '') FROM (SELECT job || '/' || "
                             "after_ordinal || iif (skipped, 's', 'm') || ':' || count || "
                             "':' || last_due_us || ':' || last_seq || ' ' AS t "
                             "FROM stretch ORDER BY job, after_ordinal, skipped)"));
}

static void
test_mirror (void **state)
{
    ledger *self = *state;
    uint64_t seed = 11;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 150; i++) {
            disturb (self, &seed);
        }
        bf_map *mirror = bf_map_new (1);
        assert_non_null (mirror);
        uint64_t head = read_disturbed (self, mirror, &seed);
        assert_in_range (replay (self, mirror, head), 5, 100000);
        expect_mirror (self, mirror);
        bf_map_destroy (&mirror);
    }
    expect_tables (self);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM topic WHERE kind = 11"),
                      1);
    assert_true (ledger_number (self, "SELECT count (*) FROM stretch") > 5);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_mirror, ledger_setup, ledger_teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
