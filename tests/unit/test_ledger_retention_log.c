/* SPDX-License-Identifier: MPL-2.0
 *
 * Events that are too old go by themselves: when, in which slices, what tells of it, what
 * those who ask for them hear, and that this comes to an end.
 */
#include <inttypes.h>

#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define TOO_OLD BELFRY__V1__CODE__CODE_TOO_OLD

static const bf_span never = {-1};

/* Opens the store again with this retention. */
static void
keep (ledger *self, bf_retention retention)
{
    self->retention = retention;
    ledger_reopen (self, false);
}

/* How long until there is something to do; INT64_MAX for never. */
static int64_t
wait_us (const ledger *self)
{
    bf_boot next = bf_ledger_next_tend (self->ledger);
    return next.us == INT64_MAX ? INT64_MAX : next.us - self->now.boot.us;
}

/* A job that ended now. */
static void
make_final (ledger *self)
{
    Belfry__V1__Reply *reply =
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=60000000");
    ledger_ok (
        self, ledger_text (self, "cancel.job.id=%" PRIu64, reply->jobs->items[0]->job->id));
}

static void
make_finals (ledger *self, int count)
{
    self->unchecked = true;
    for (int i = 0; i < count; i++) {
        make_final (self);
    }
    self->unchecked = false;
    ledger_check (self);
}

static int64_t
rows_of (ledger *self, const char *table)
{
    return ledger_number (self, ledger_text (self, "SELECT count (*) FROM %s", table));
}

static const Belfry__V1__Pruned *
log_pruned (ledger *self)
{
    const Belfry__V1__Event *event = ledger_event (self, "log.pruned");
    assert_string_equal (event->type, "");
    return event->pruned;
}

/* The oldest seq that the feed was told in the last batch. */
static uint64_t
told_oldest (ledger *self)
{
    const bf_list *feed = &bf_ledger_outcome (self->ledger)->feed;
    const Belfry__Internal__FeedItem *item = feed->items[feed->count - 1];
    assert_int_equal (item->item_case, BELFRY__INTERNAL__FEED_ITEM__ITEM_HEAD);
    return item->head->oldest_seq;
}

static void
test_events_by_age (void **state)
{
    ledger *self = *state;
    keep (self, (bf_retention){.finals = never, .events = {10 * BF_SECOND_US}});
    /* 1 and 2: scheduler.started. 3 and 4: the job. */
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.after_us=600000000");
    ledger_ok (self, "pause.job.id=256");
    assert_int_equal (wait_us (self), 10 * BF_SECOND_US);
    ledger_pass (self, 5 * BF_SECOND_US);
    ledger_ok (self, "resume.job.id=256");
    ledger_pass (self, 5 * BF_SECOND_US);
    assert_true (ledger_slice (self));
    assert_string_equal (ledger_kinds (self), "log.pruned");
    assert_int_equal (log_pruned (self)->first_seq, 1);
    assert_int_equal (log_pruned (self)->last_seq, 4);
    assert_int_equal (told_oldest (self), 5);
    assert_int_equal (rows_of (self, "event"), 2);
    ledger_expect (self, ledger_ok (self, "status"),
                   "status.oldest_seq=5 status.head_seq=6");
    /* Who asks for what is gone is told; the chain of the job ends where it was cut. */
    ledger_expect (self, ledger_refused (self, TOO_OLD, "replay.after_seq=3"),
                   "events.oldest_seq=5");
    ledger_expect (self, ledger_ok (self, "replay.after_seq=4"), "events.events=2");
    ledger_expect (self, ledger_ok (self, "history.job.key=k"),
                   "events.events=1 events.events.kind=job.resumed events.next_cursor=0");
    ledger_expect (self, ledger_ok (self, "history.limit=10"), "events.events=2");
    /* What tells of it stays: one event, and nothing that could ever be due. */
    ledger_pass (self, BF_HOUR_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_int_equal (log_pruned (self)->last_seq, 6);
    assert_int_equal (rows_of (self, "event"), 1);
    assert_true (wait_us (self) == INT64_MAX);
    ledger_expect (self, ledger_ok (self, "history.job.key=k"), "events.events=0");
    /* And all is well after a restart, which writes one more. */
    ledger_reopen (self, false);
    assert_int_equal (wait_us (self), 10 * BF_SECOND_US);
    ledger_pass (self, 10 * BF_SECOND_US);
    assert_int_equal (ledger_tend (self), 1);
}

static void
test_events_by_count (void **state)
{
    ledger *self = *state;
    keep (self, (bf_retention){.finals = never, .events = never, .event_rows = 20});
    for (int i = 0; i < 9; i++) {
        make_final (self);
    }
    assert_int_equal (rows_of (self, "event"), 20);
    assert_true (wait_us (self) == INT64_MAX);
    make_final (self);
    assert_int_equal (ledger_tend (self), 1);
    assert_int_equal (log_pruned (self)->last_seq, 3);
    assert_int_equal (rows_of (self, "event"), 20);
    assert_true (wait_us (self) == INT64_MAX);
    make_final (self);
    assert_int_equal (wait_us (self), BF_MINUTE_US);
    ledger_reopen (self, false);
    assert_int_equal (ledger_tend (self), 1);
    assert_int_equal (rows_of (self, "event"), 20);
    /* As few as can be. */
    keep (self, (bf_retention){.finals = never, .events = never, .event_rows = 1});
    assert_int_equal (ledger_tend (self), 1);
    assert_int_equal (rows_of (self, "event"), 1);
    assert_true (wait_us (self) == INT64_MAX);
}

static void
test_events_in_slices (void **state)
{
    ledger *self = *state;
    keep (self, (bf_retention){.finals = never, .events = {BF_HOUR_US}});
    make_finals (self, 1200);
    ledger_pass (self, BF_HOUR_US);
    make_final (self);
    static const uint64_t last[] = {1000, 2000, 2402};
    for (size_t i = 0; i < 3; i++) {
        assert_true (ledger_slice (self));
        assert_int_equal (log_pruned (self)->first_seq, i > 0 ? last[i - 1] + 1 : 1);
        assert_int_equal (log_pruned (self)->last_seq, last[i]);
    }
    assert_int_equal (wait_us (self), BF_HOUR_US);
    /* A thousand too many do not wait for the minute to be over. */
    keep (self, (bf_retention){.finals = never, .events = never, .event_rows = 1000});
    make_finals (self, 600);
    assert_int_equal (ledger_tend (self), 1);
    make_finals (self, 600);
    assert_int_equal (ledger_tend (self), 2);
    assert_int_equal (rows_of (self, "event"), 1000);
}

/* An event that was written while the clock was ahead is as young as it says. */
static void
test_events_clock_set (void **state)
{
    ledger *self = *state;
    keep (self, (bf_retention){.finals = never, .events = {BF_HOUR_US}});
    make_final (self);
    ledger_set_wall (self, BF_DAY_US);
    make_final (self);
    ledger_set_wall (self, -BF_DAY_US);
    make_final (self);
    ledger_pass (self, 2 * BF_HOUR_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_int_equal (log_pruned (self)->last_seq, 4);
    assert_int_equal (wait_us (self), BF_DAY_US - BF_HOUR_US);
    ledger_pass (self, BF_DAY_US - BF_HOUR_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_int_equal (log_pruned (self)->last_seq, 9);
}

/* Each log.pruned is an event that grows old: yet a store that is left alone comes to rest.
 */
static void
test_events_come_to_rest (void **state)
{
    ledger *self = *state;
    keep (self, (bf_retention){.finals = never, .events = {10 * BF_HOUR_US}});
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=1000000000000");
    for (int i = 0; i < 200; i++) {
        ledger_pass (self, 7 * BF_MINUTE_US);
        ledger_ok (self, i % 2 ? "resume.job.id=256" : "pause.job.id=256");
        ledger_tend (self);
    }
    size_t slices = 0;
    while (wait_us (self) != INT64_MAX) {
        assert_true (wait_us (self) > 0);
        ledger_pass (self, wait_us (self));
        slices += ledger_tend (self);
        assert_in_range (slices, 1, 100);
    }
    assert_int_equal (rows_of (self, "event"), 1);
}

/* Both duties at once take turns. */
static void
test_turns (void **state)
{
    ledger *self = *state;
    keep (self, (bf_retention){.finals = {BF_HOUR_US}, .events = {BF_HOUR_US}});
    make_finals (self, 600);
    ledger_pass (self, BF_HOUR_US);
    static const char *const kinds[] = {"job.pruned", "log.pruned", "job.pruned",
                                        "log.pruned", "job.pruned"};
    for (size_t i = 0; i < 5; i++) {
        assert_true (ledger_slice (self));
        assert_string_equal (ledger_kinds (self), kinds[i]);
    }
    assert_int_equal (rows_of (self, "job"), 0);
    /* What was written meanwhile is due in an hour. */
    assert_int_equal (wait_us (self), BF_HOUR_US);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_events_by_age),       TEST (test_events_by_count),
        TEST (test_events_in_slices),    TEST (test_events_clock_set),
        TEST (test_events_come_to_rest), TEST (test_turns),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
