/* SPDX-License-Identifier: MPL-2.0
 *
 * Stats: the depths of the queues against their rows, whatever was undone in between, and
 * what is counted since the start.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

static const Belfry__V1__StatsReply *
stats (ledger *self)
{
    Belfry__V1__Reply *reply = ledger_ok (self, "stats");
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_STATS);
    return reply->stats;
}

static void
expect_stats (ledger *self, const char *text)
{
    ledger_expect (self, ledger_ok (self, "stats"), text);
}

/* "default/mail:2:1 n/mail:0:1": ready and leased. */
static const char *
queues_of (ledger *self)
{
    const Belfry__V1__StatsReply *reply = stats (self);
    const char *line = "";
    for (size_t i = 0; i < reply->n_queues; i++) {
        line = ledger_text (self, "%s%s%s/%s:%" PRIu64 ":%" PRIu64, line, i ? " " : "",
                            reply->queues[i]->ns, reply->queues[i]->type,
                            reply->queues[i]->ready, reply->queues[i]->leased);
    }
    return line;
}

/* The same from the rows. */
static const char queues_sql[] =
    "SELECT group_concat (text, ' ') FROM (SELECT n.text || '/' || t.text || ':' || "
    "count (*) FILTER (WHERE state = 2) || ':' || count (*) FILTER (WHERE state = 3) "
    "AS text FROM run JOIN queue ON queue.id = run.queue JOIN name AS n ON n.id = queue.ns "
    "JOIN name AS t ON t.id = queue.name WHERE state IN (2, 3) GROUP BY queue.id "
    "ORDER BY count (*) FILTER (WHERE state = 2) DESC, "
    "count (*) FILTER (WHERE state = 3) DESC, queue.id)";

static void
expect_queues (ledger *self)
{
    const char *rows = ledger_string (self, queues_sql);
    assert_string_equal (queues_of (self), rows ? rows : "");
}

static void
test_new (void **state)
{
    ledger *self = *state;
    ledger_pass (self, 7);
    expect_stats (self, "stats.queues=0 stats.open_jobs=0 stats.final_jobs=0 "
                        "stats.ready_runs=0 stats.leased_runs=0 stats.operations=0 "
                        "stats.lateness=13 stats.batches=11 stats.fired=0 stats.commits=1 "
                        "stats.batches[0].le=1 stats.batches[0].count=1 "
                        "stats.batches[10].le=0 stats.lateness[0].le=100 "
                        "stats.lateness[12].le=0 stats.events=1");
    const Belfry__V1__StatsReply *reply = stats (self);
    assert_int_equal (reply->started_us, LEDGER_WALL_US);
    assert_int_equal (reply->now_us, LEDGER_WALL_US + 7);
    for (size_t i = 1; i + 1 < reply->n_lateness; i++) {
        assert_true (reply->lateness[i]->le > reply->lateness[i - 1]->le);
    }
    assert_int_equal (reply->database_bytes % 4096, 0);
    assert_true (reply->database_bytes > 0);
    assert_true (reply->wal_bytes > 0);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5 "
                     "schedule.jobs.payload=*60000");
    assert_true (stats (self)->wal_bytes >= reply->wal_bytes + 60000);
}

static void
trigger (ledger *self, const char *job, int times)
{
    for (int i = 0; i < times; i++) {
        ledger_ok (self, ledger_text (self, "trigger.job.key=%s", job));
    }
}

static void
make_queues (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=a schedule.jobs.key=a "
                     "schedule.jobs.after_us=60000000");
    ledger_ok (self, "schedule.jobs.type=b schedule.jobs.key=b "
                     "schedule.jobs.after_us=60000000");
    ledger_ok (self, "schedule.jobs.type=a schedule.jobs.ns=n schedule.jobs.key=c "
                     "schedule.jobs.after_us=60000000");
}

static void
test_queues (void **state)
{
    ledger *self = *state;
    make_queues (self);
    assert_string_equal (queues_of (self), "");
    trigger (self, "a", 1);
    ledger_pass (self, 5 * BF_SECOND_US);
    trigger (self, "b", 2);
    ledger_ok (self, "trigger.job.key=c trigger.job.ns=n");
    ledger_ok (self, "trigger.job.key=c trigger.job.ns=n");
    ledger_ok (self, "trigger.job.key=c trigger.job.ns=n");
    assert_string_equal (queues_of (self), "n/a:3:0 default/b:2:0 default/a:1:0");
    ledger_pass (self, BF_SECOND_US);
    ledger_set_wall (self, BF_HOUR_US);
    expect_stats (self, "stats.queues[0].oldest_ready_us=1000000 "
                        "stats.queues[2].oldest_ready_us=6000000 stats.ready_runs=6 "
                        "stats.leased_runs=0 stats.open_jobs=3");
    const char *token = ledger_lease (self, "a");
    ledger_lease (self, "b");
    assert_string_equal (queues_of (self), "n/a:3:0 default/b:1:1 default/a:0:1");
    expect_stats (self, "stats.queues[2].oldest_ready_us=0 stats.ready_runs=4 "
                        "stats.leased_runs=2");
    ledger_reopen (self, true);
    assert_string_equal (queues_of (self), "n/a:3:0 default/b:1:1 default/a:0:1");
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    ledger_ok (self, "cancel.job.key=c cancel.job.ns=n");
    assert_string_equal (queues_of (self), "default/b:1:1");
    ledger_expect (self, ledger_ok (self, "status"),
                   "status.final_jobs=1 status.operations=0");
    expect_stats (self, "stats.final_jobs=1 stats.open_jobs=2");
}

/* What a refusal, or a batch that is lost, takes back. */
static void
test_undone (void **state)
{
    ledger *self = *state;
    make_queues (self);
    trigger (self, "a", 2);
    const char *token = ledger_lease (self, "a");
    const char *before = queues_of (self);
    ledger_refused (
        self, BELFRY__V1__CODE__CODE_NOT_FOUND,
        ledger_text (self,
                     "batch.items[0].trigger.job.key=a "
                     "batch.items[1].complete.token=%s "
                     "batch.items[2].schedule.jobs.type=fresh "
                     "batch.items[2].schedule.jobs.key=f "
                     "batch.items[2].schedule.jobs.after_us=5 "
                     "batch.items[3].trigger.job.key=f batch.items[4].trigger.job.key=no",
                     token));
    assert_string_equal (queues_of (self), before);
    expect_stats (self, "stats.succeeded=0");
    ledger_begin (self);
    ledger_put (self, "trigger.job.key=b");
    ledger_put (self, ledger_text (self, "fail.token=%s", token));
    ledger_put (self, "schedule.jobs.type=fresh schedule.jobs.after_us=5");
    ledger_put (self, "trigger.job.id=1024");
    bf_ledger_rollback (self->ledger);
    assert_string_equal (queues_of (self), before);
    expect_stats (self, "stats.failed=0");
    /* And then it is as if that had never been. */
    trigger (self, "b", 1);
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    assert_string_equal (queues_of (self), "default/a:1:0 default/b:1:0");
    expect_stats (self, "stats.succeeded=1");
    expect_queues (self);
}

static void
test_lateness (void **state)
{
    ledger *self = *state;
    static const struct {
        int64_t late_us;
        size_t bucket;
    } rows[] = {
        {0, 0},
        {100, 0},
        {101, 1},
        {BF_MS_US, 1},
        {BF_MS_US + 1, 2},
        {5 * BF_MS_US, 3},
        {10 * BF_MS_US, 4},
        {25 * BF_MS_US, 5},
        {50 * BF_MS_US, 6},
        {100 * BF_MS_US, 7},
        {250 * BF_MS_US, 8},
        {BF_SECOND_US, 9},
        {10 * BF_SECOND_US, 10},
        {BF_MINUTE_US, 11},
        {BF_MINUTE_US + 1, 12},
        {BF_DAY_US, 12},
    };
    uint64_t counts[13] = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
        ledger_pass (self, rows[i].late_us);
        assert_int_equal (ledger_fire (self, NULL), 1);
        counts[rows[i].bucket]++;
        const Belfry__V1__StatsReply *reply = stats (self);
        for (size_t k = 0; k < reply->n_lateness; k++) {
            assert_int_equal (reply->lateness[k]->count, counts[k]);
        }
        assert_int_equal (reply->fired, i + 1);
    }
    /* Runs of no slot are not late. */
    ledger_ok (self, "trigger.job.id=256 trigger.if_version=1");
    assert_int_equal (stats (self)->fired, sizeof rows / sizeof rows[0]);
}

static void
tick (ledger *self, int times)
{
    for (int i = 0; i < times; i++) {
        ledger_pass (self, 10 * BF_SECOND_US);
        ledger_fire (self, NULL);
    }
}

/* Slots that fire three times beside a run that stays open. */
static void
test_dropped (void **state)
{
    static const struct {
        const char *overlap;
        const char *counts;
    } rows[] = {
        {"1", "stats.fired=1 stats.overlap_skipped=2 stats.ready_runs=1"},
        {"2", "stats.fired=2 stats.ready_runs=1"},
        {"3", "stats.fired=3 stats.ready_runs=1"},
        {"4", "stats.fired=3 stats.cancelled_others=2 stats.ready_runs=1"},
        {"5", "stats.fired=3 stats.terminated_others=2 stats.ready_runs=1"},
        {"6", "stats.fired=3 stats.ready_runs=3 stats.overlap_skipped=0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ledger *self = *state;
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.type=mail schedule.jobs.overlap=%s "
                                      "schedule.jobs.every.interval_us=10000000",
                                      rows[i].overlap));
        tick (self, 3);
        expect_stats (self, rows[i].counts);
        const Belfry__V1__StatsReply *reply = stats (self);
        const Belfry__V1__Counts *counts =
            ledger_ok (self, "get.job.id=256")->get->job->counts;
        assert_int_equal (reply->fired, counts->fired);
        assert_int_equal (reply->overlap_skipped, counts->overlap_skipped);
        assert_int_equal (reply->buffer_dropped, counts->buffer_dropped);
        assert_int_equal (reply->cancelled_others, counts->cancelled_others);
        assert_int_equal (reply->terminated_others, counts->terminated_others);
        ledger_teardown (state);
        assert_int_equal (ledger_setup (state), 0);
    }
}

/* A slot whose run was blocked became a run then, not when it was let go. */
static void
test_blocked_counts_once (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.overlap=3 "
                     "schedule.jobs.every.interval_us=10000000");
    tick (self, 3);
    for (int i = 0; i < 3; i++) {
        ledger_ok (self,
                   ledger_text (self, "complete.token=%s", ledger_lease (self, "mail")));
    }
    expect_stats (self, "stats.fired=3 stats.succeeded=3 stats.lateness[0].count=3");
}

static void
test_late (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.every.interval_us=10000000");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.every.interval_us=10000000 "
                     "schedule.jobs.late=3");
    ledger_ok (self, "pause.job.id=256");
    ledger_ok (self, "pause.job.id=512");
    ledger_pass (self, 45 * BF_SECOND_US);
    ledger_ok (self, "resume.job.id=256 resume.from=2");
    ledger_ok (self, "resume.job.id=512 resume.from=1");
    ledger_fire (self, NULL);
    expect_stats (self, "stats.missed=4 stats.skipped=4 stats.fired=0");
}

static void
test_ends (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                     "schedule.jobs.retry.max_attempts=2 schedule.jobs.key=m");
    ledger_ok (self, "schedule.jobs.type=call schedule.jobs.after_us=0 "
                     "schedule.jobs.start_timeout_us=1000000");
    ledger_ok (self, "schedule.jobs.type=note schedule.jobs.after_us=0 "
                     "schedule.jobs.delivery=2");
    ledger_fire (self, NULL);
    ledger_ok (self, ledger_text (self, "fail.token=%s", ledger_lease (self, "mail")));
    expect_stats (self, "stats.failed=1 stats.dead=0 stats.expired=0");
    ledger_pass (self, 2 * BF_SECOND_US);
    ledger_fire (self, NULL);
    expect_stats (self, "stats.expired=1 stats.fired=3");
    ledger_ok (self, ledger_text (self, "fail.token=%s", ledger_lease (self, "mail")));
    expect_stats (self, "stats.failed=2 stats.dead=1 stats.succeeded=0");
    ledger_ok (self, "redrive.run=256.1");
    ledger_ok (self, ledger_text (self, "complete.token=%s", ledger_lease (self, "mail")));
    expect_stats (self, "stats.failed=2 stats.dead=1 stats.succeeded=1 stats.fired=3");
}

static void
test_pruned (void **state)
{
    ledger *self = *state;
    make_queues (self);
    ledger_ok (self, "cancel.job.key=a");
    ledger_ok (self, "cancel.job.key=b");
    ledger_pass (self, BF_MINUTE_US);
    ledger_begin (self);
    ledger_put (self, "prune.finals_us=1000000 prune.events_us=1000000");
    ledger_commit (self);
    assert_true (ledger_tend (self) > 0);
    const Belfry__V1__StatsReply *reply = stats (self);
    assert_int_equal (reply->pruned_jobs, 2);
    assert_true (reply->pruned_events > 0);
    assert_int_equal (reply->events, ledger_number (self, "SELECT count (*) FROM event"));
    assert_int_equal (reply->final_jobs, 0);
    assert_int_equal (reply->operations, 0);
}

/* A command by filter, from its begin to its end. */
static void
test_operations (void **state)
{
    ledger *self = *state;
    make_queues (self);
    ledger_begin (self);
    ledger_put (self, "cancel.filter.all=1");
    ledger_commit (self);
    expect_stats (self, "stats.operations=1 stats.open_jobs=3");
    ledger_expect (self, ledger_ok (self, "status"), "status.operations=1");
    ledger_tend (self);
    expect_stats (self, "stats.operations=0 stats.open_jobs=0 stats.final_jobs=3");
}

static void
test_commits (void **state)
{
    ledger *self = *state;
    static const struct {
        int items;
        size_t bucket;
    } rows[] = {{1, 0}, {2, 1}, {3, 2}, {5, 2}, {6, 3}, {25, 4}, {26, 5}, {1001, 10}};
    uint64_t counts[11] = {1};
    self->unchecked = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ledger_begin (self);
        for (int k = 0; k < rows[i].items; k++) {
            ledger_put (self, "schedule.jobs.type=mail schedule.jobs.after_us=60000000");
        }
        ledger_commit (self);
        counts[rows[i].bucket]++;
        const Belfry__V1__StatsReply *reply = stats (self);
        for (size_t k = 0; k < reply->n_batches; k++) {
            assert_int_equal (reply->batches[k]->count, counts[k]);
        }
        /* Reads commit nothing. */
        assert_int_equal (reply->commits, i + 2);
        assert_int_equal (reply->events,
                          ledger_number (self, "SELECT count(*) FROM event"));
    }
}

/* More queues than are shown, with the longest names: the deepest come first, and the
 * answer stays within its bytes. */
static void
test_bounded (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    for (int i = 0; i < 1100; i++) {
        ledger_ok (self, ledger_text (self,
                                      "batch.items[0].schedule.jobs.type=%064d "
                                      "batch.items[0].schedule.jobs.ns=%064d "
                                      "batch.items[0].schedule.jobs.key=k "
                                      "batch.items[0].schedule.jobs.after_us=60000000 "
                                      "batch.items[1].trigger.job.key=k "
                                      "batch.items[1].trigger.job.ns=%064d",
                                      i, i, i));
    }
    ledger_ok (self, ledger_text (self, "trigger.job.key=k trigger.job.ns=%064d", 1099));
    const Belfry__V1__StatsReply *reply = stats (self);
    assert_int_equal (reply->n_queues, 1000);
    assert_int_equal (reply->queues[0]->ready, 2);
    assert_int_equal (reply->queues[1]->ready, 1);
    assert_in_range (belfry__v1__stats_reply__get_packed_size (reply), 1, BF_ANSWER_BYTES);
}

static uint64_t
next_random (uint64_t *seed)
{
    *seed = *seed * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
    return *seed >> 33;
}

/* Whatever is done: the depths are those of the rows. */
static void
test_walk (void **state)
{
    ledger *self = *state;
    static const char *const keys[] = {"a", "b", "d", "e"};
    static const char *const types[] = {"a", "b", "c"};
    uint64_t seed = 5;
    for (int i = 0; i < 400; i++) {
        const char *key = keys[next_random (&seed) % 4];
        const char *type = types[next_random (&seed) % 3];
        switch (next_random (&seed) % 8) {
        case 0:
            ledger_do (self, ledger_text (self,
                                          "schedule.jobs.type=%s schedule.jobs.key=%s "
                                          "schedule.jobs.every.interval_us=1000000 "
                                          "schedule.jobs.overlap=%d schedule.on_key=3",
                                          type, key, 1 + i % 6));
            break;
        case 1:
            ledger_do (self, ledger_text (self, "cancel.job.key=%s", key));
            break;
        case 2:
            ledger_do (self, ledger_text (self, "trigger.job.key=%s", key));
            break;
        case 3:
        case 4: {
            const Belfry__V1__Reply *reply = ledger_grant (
                self, ledger_claim (self, ledger_text (self, "claim.types=%s", type)));
            if (reply && i % 2) {
                ledger_do (self,
                           ledger_text (self, "%s.token=%s", i % 3 ? "fail" : "complete",
                                        reply->claim->leases[0]->token));
            }
            break;
        }
        default:
            ledger_pass (self, BF_SECOND_US);
            ledger_fire (self, NULL);
            break;
        }
        expect_queues (self);
        if (i % 100 == 99) {
            ledger_reopen (self, i % 200 == 99);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_new),        TEST (test_queues),  TEST (test_undone),
        TEST (test_lateness),   TEST (test_dropped), TEST (test_blocked_counts_once),
        TEST (test_late),       TEST (test_ends),    TEST (test_pruned),
        TEST (test_operations), TEST (test_commits), TEST (test_bounded),
        TEST (test_walk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
