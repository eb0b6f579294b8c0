/* SPDX-License-Identifier: MPL-2.0
 *
 * Final jobs and runs that are too old go by themselves: when, in which slices, what tells
 * of it, and what those who name them hear afterwards. test_ledger_retention_log.c is about
 * events.
 */
#include <inttypes.h>

#include "persist/ledger/private.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define NOT_FOUND BELFRY__V1__CODE__CODE_NOT_FOUND

static const bf_span never = {-1};

/* Opens the store again with this retention. */
static void
keep (ledger *self, bf_retention retention)
{
    self->retention = retention;
    ledger_reopen (self, false);
}

static void
keep_finals (ledger *self, int64_t us)
{
    keep (self, (bf_retention){.finals = {us}, .events = never});
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

/* "256 512.100": what the last job.pruned tells of, up to ordinals behind a dot. */
static const char *
pruned (ledger *self)
{
    const Belfry__V1__Event *event = ledger_event (self, "job.pruned");
    assert_int_equal (event->job, 0);
    assert_string_equal (event->type, "");
    const char *text = "";
    for (size_t i = 0; i < event->pruned->n_rows; i++) {
        const Belfry__V1__Pruned__Rows *rows = event->pruned->rows[i];
        text = ledger_text (self, "%s%s%" PRIu64, text, i ? " " : "", rows->job);
        if (rows->up_to_ordinal != 0) {
            text = ledger_text (self, "%s.%" PRIu32, text, rows->up_to_ordinal);
        }
    }
    return text;
}

static int64_t
rows_of (ledger *self, const char *table)
{
    return ledger_number (self, ledger_text (self, "SELECT count (*) FROM %s", table));
}

/* --- when ------------------------------------------------------------------------- */

static void
test_defaults (void **state)
{
    ledger *self = *state;
    /* Only the event scheduler.started, which is the newest. */
    assert_true (wait_us (self) == INT64_MAX);
    ledger_pass (self, BF_SECOND_US);
    make_final (self);
    assert_int_equal (wait_us (self), 30 * BF_DAY_US);
    keep (self, (bf_retention){.events = never});
    assert_int_equal (wait_us (self), 30 * BF_DAY_US);
    keep (self, (bf_retention){.finals = never});
    assert_int_equal (wait_us (self), 30 * BF_DAY_US);
    keep (self, (bf_retention){.finals = never, .events = never});
    assert_true (wait_us (self) == INT64_MAX);
    ledger_pass (self, 100 * 365 * BF_DAY_US);
    ledger_ok (self, "status");
    assert_true (wait_us (self) == INT64_MAX);
}

static void
test_by_age (void **state)
{
    ledger *self = *state;
    keep_finals (self, 10 * BF_SECOND_US);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=60000000");
    assert_true (wait_us (self) == INT64_MAX);
    make_final (self);
    assert_int_equal (wait_us (self), 10 * BF_SECOND_US);
    ledger_pass (self, 4 * BF_SECOND_US);
    make_final (self);
    assert_int_equal (wait_us (self), 6 * BF_SECOND_US);
    ledger_pass (self, 6 * BF_SECOND_US - 1);
    assert_false (ledger_slice (self));
    ledger_pass (self, 1);
    assert_true (ledger_slice (self));
    assert_string_equal (ledger_kinds (self), "job.pruned");
    assert_string_equal (pruned (self), "512");
    ledger_expect (self, ledger_ok (self, "status"), "status.final_jobs=1");
    /* The next one four seconds later, but not twice within a minute. */
    assert_int_equal (wait_us (self), BF_MINUTE_US);
    ledger_pass (self, BF_MINUTE_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (pruned (self), "768");
    assert_true (wait_us (self) == INT64_MAX);
    assert_int_equal (rows_of (self, "job"), 1);
}

static void
test_by_count (void **state)
{
    ledger *self = *state;
    keep (self, (bf_retention){.finals = never, .final_jobs = 3, .events = never});
    for (int i = 0; i < 3; i++) {
        make_final (self);
    }
    assert_true (wait_us (self) == INT64_MAX);
    make_final (self);
    make_final (self);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (pruned (self), "256 512");
    assert_true (wait_us (self) == INT64_MAX);
    make_final (self);
    assert_int_equal (wait_us (self), BF_MINUTE_US);
    ledger_pass (self, BF_MINUTE_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (pruned (self), "768");
    assert_int_equal (rows_of (self, "job"), 3);
}

/* Rows seem young where the clock was set back, and stay; they go when it is where it was.
 */
static void
test_clock_set (void **state)
{
    ledger *self = *state;
    keep_finals (self, BF_HOUR_US);
    make_final (self);
    ledger_set_wall (self, -BF_DAY_US);
    make_final (self);
    assert_int_equal (wait_us (self), BF_HOUR_US);
    ledger_pass (self, BF_HOUR_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (pruned (self), "512");
    assert_int_equal (wait_us (self), BF_DAY_US);
    ledger_pass (self, BF_DAY_US - 1);
    assert_int_equal (ledger_tend (self), 0);
    ledger_pass (self, 1);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (pruned (self), "256");
    /* Set forward, it is told by the clock in a batch, and found in the next look. */
    make_final (self);
    ledger_set_wall (self, 2 * BF_HOUR_US);
    ledger_do_item (self, "stepped.delta_us=7200000000");
    assert_int_equal (wait_us (self), BF_MINUTE_US);
    ledger_pass (self, BF_MINUTE_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (pruned (self), "768");
}

/* --- slices ------------------------------------------------------------------------ */

static void
test_slices (void **state)
{
    ledger *self = *state;
    keep_finals (self, BF_HOUR_US);
    make_finals (self, 450);
    ledger_pass (self, BF_HOUR_US);
    static const int64_t left[] = {250, 50, 0};
    for (size_t i = 0; i < 3; i++) {
        assert_true (ledger_slice (self));
        assert_string_equal (ledger_kinds (self), "job.pruned");
        assert_int_equal (rows_of (self, "job"), left[i]);
        /* Others come between them. */
        ledger_ok (self, "status");
    }
    assert_false (ledger_slice (self));
    assert_true (wait_us (self) == INT64_MAX);
}

static void
test_crash_between_slices (void **state)
{
    ledger *self = *state;
    keep_finals (self, BF_HOUR_US);
    make_finals (self, 300);
    ledger_pass (self, BF_HOUR_US);
    assert_true (ledger_slice (self));
    ledger_reopen (self, true);
    assert_int_equal (rows_of (self, "job"), 100);
    assert_int_equal (ledger_tend (self), 1);
    assert_int_equal (rows_of (self, "job"), 0);
    ledger_expect (self, ledger_ok (self, "status"), "status.final_jobs=0");
}

/* A job with more runs than fit goes run by run, the newest last. */
static void
test_long_series (void **state)
{
    ledger *self = *state;
    keep_finals (self, BF_HOUR_US);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.delivery=2 "
                     "schedule.jobs.after_us=60000000");
    self->unchecked = true;
    for (int i = 0; i < 500; i++) {
        ledger_ok (self, "trigger.job.id=256");
    }
    self->unchecked = false;
    ledger_ok (self, "cancel.job.id=256");
    make_final (self);
    ledger_pass (self, BF_HOUR_US);
    assert_true (ledger_slice (self));
    assert_string_equal (pruned (self), "256.199");
    assert_true (ledger_slice (self));
    assert_string_equal (pruned (self), "256.398");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.runs=500 get.runs[0].run=256.500");
    ledger_refused (self, NOT_FOUND, "redrive.run=256.398");
    assert_true (ledger_slice (self));
    assert_string_equal (pruned (self), "256 512");
    assert_int_equal (rows_of (self, "run"), 0);
}

/* Large payloads and results are many pages: fewer of them make a slice. */
static void
test_large_rows (void **state)
{
    ledger *self = *state;
    keep_finals (self, BF_HOUR_US);
    self->unchecked = true;
    for (int i = 0; i < 20; i++) {
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=60000000 "
                         "schedule.jobs.payload=*65536");
        ledger_ok (self, ledger_text (self, "cancel.job.id=%d", 256 * (i + 1)));
    }
    self->unchecked = false;
    ledger_pass (self, BF_HOUR_US);
    assert_int_equal (ledger_tend (self), 2);
    assert_int_equal (rows_of (self, "job"), 0);
}

/* Cancelled while a worker had it: it stays until the worker is done, and is in nobody's
 * way. */
static void
test_leased (void **state)
{
    ledger *self = *state;
    keep (self, (bf_retention){.finals = {BF_MINUTE_US}, .final_jobs = 2, .events = never});
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    const char *token = ledger_lease (self, "mail");
    ledger_ok (self, "cancel.job.id=256");
    make_final (self);
    make_final (self);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (pruned (self), "512");
    ledger_pass (self, BF_MINUTE_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (pruned (self), "768");
    assert_int_equal (wait_us (self), BF_MINUTE_US);
    ledger_pass (self, BF_MINUTE_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (ledger_kinds (self), "");
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    ledger_pass (self, BF_MINUTE_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_string_equal (pruned (self), "256");
    assert_true (wait_us (self) == INT64_MAX);
}

/* What was undone is tried again in a minute: on a full disk there is other work. */
static void
test_undone (void **state)
{
    ledger *self = *state;
    bf_error error = {0};
    keep_finals (self, BF_HOUR_US);
    make_finals (self, 300);
    ledger_pass (self, BF_HOUR_US);
    assert_true (ledger_slice (self));
    bf_ledger_set_scarce (self->ledger, true);
    assert_int_equal (wait_us (self) <= 0, 1);
    ledger_begin (self);
    assert_int_equal (bf_ledger_tend (self->ledger, &error), BF_OK);
    bf_ledger_rollback (self->ledger);
    assert_int_equal (rows_of (self, "job"), 100);
    assert_int_equal (wait_us (self), BF_MINUTE_US);
    /* On the reserve it goes on. */
    ledger_pass (self, BF_MINUTE_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_int_equal (rows_of (self, "job"), 0);
}

/* --- runs of open jobs ------------------------------------------------------------- */

/* Fires `count` slots, one a second. */
static void
fire_slots (ledger *self, int count)
{
    for (int i = 0; i < count; i++) {
        ledger_pass (self, BF_SECOND_US);
        ledger_fire (self, NULL);
    }
}

static void
test_recurring (void **state)
{
    ledger *self = *state;
    keep_finals (self, 10 * BF_SECOND_US);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.delivery=2 "
                     "schedule.jobs.every.interval_us=1000000");
    self->unchecked = true;
    fire_slots (self, 109);
    assert_int_equal (rows_of (self, "run"), 109);
    self->unchecked = false;
    fire_slots (self, 1);
    /* The hundredth is ten seconds old. */
    assert_string_equal (pruned (self), "256.100");
    assert_string_equal (ledger_kinds (self), "run.fired run.delivered job.pruned");
    assert_int_equal (ledger_number (self, "SELECT min (ordinal) FROM run"), 101);
    self->unchecked = true;
    fire_slots (self, 99);
    assert_string_equal (ledger_kinds (self), "run.fired run.delivered");
    fire_slots (self, 1);
    assert_string_equal (pruned (self), "256.200");
    self->unchecked = false;
    ledger_check (self);
    /* The job is open: nothing of it is due by itself. */
    assert_true (wait_us (self) == INT64_MAX);
}

/* An open run stays where those around it go, and what ended late ends the slice. */
static void
test_recurring_open (void **state)
{
    ledger *self = *state;
    keep_finals (self, 200 * BF_SECOND_US);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.overlap=6 "
                     "schedule.jobs.lease_us=86400000000 "
                     "schedule.jobs.every.interval_us=1000000");
    self->unchecked = true;
    const char *third = NULL;
    for (int i = 1; i <= 320; i++) {
        fire_slots (self, 1);
        const char *token = ledger_lease (self, "mail");
        if (i == 3) {
            third = token;
        } else {
            ledger_ok (self, ledger_text (self, "complete.token=%s", token));
        }
        assert_int_equal (rows_of (self, "run"), i < 300 ? i : i - 99);
    }
    self->unchecked = false;
    ledger_check (self);
    assert_int_equal (
        ledger_number (self, "SELECT count (*) FROM run WHERE ordinal <= 100"), 1);
    ledger_ok (self, ledger_text (self, "complete.token=%s", third));
    self->unchecked = true;
    /* 256.3 is the oldest, and younger than those behind it: they stay with it. */
    fire_slots (self, 199);
    assert_int_equal (rows_of (self, "run"), 320 - 99 + 199);
    fire_slots (self, 1);
    assert_string_equal (pruned (self), "256.199");
    self->unchecked = false;
    ledger_check (self);
    assert_int_equal (ledger_number (self, "SELECT min (ordinal) FROM run"), 200);
}

/* The stretches before a run go with it, and all of them with the job. */
static void
test_stretches (void **state)
{
    ledger *self = *state;
    keep_finals (self, 10 * BF_SECOND_US);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.every.interval_us=1000000");
    self->unchecked = true;
    for (int i = 0; i < 110; i++) {
        fire_slots (self, 1);
        const char *token = ledger_lease (self, "mail");
        fire_slots (self, 1);
        assert_string_equal (ledger_kinds (self), "slot.skipped");
        ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    }
    self->unchecked = false;
    ledger_check (self);
    assert_int_equal (ledger_number (self, "SELECT min (ordinal) FROM run"), 101);
    assert_int_equal (ledger_number (self, "SELECT min (after_ordinal) FROM stretch"), 100);
    ledger_ok (self, "cancel.job.id=256");
    ledger_pass (self, 10 * BF_SECOND_US);
    assert_int_equal (ledger_tend (self), 1);
    assert_int_equal (rows_of (self, "stretch"), 0);
}

/* --- afterwards -------------------------------------------------------------------- */

static void
test_names (void **state)
{
    ledger *self = *state;
    keep_finals (self, BF_HOUR_US);
    ledger_ok (self, "request_id=one schedule.jobs.type=mail schedule.jobs.key=k "
                     "schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    const char *token = ledger_lease (self, "mail");
    ledger_ok (self, ledger_text (self, "request_id=two complete.token=%s", token));
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=other "
                     "schedule.jobs.after_us=0");
    ledger_pass (self, BF_HOUR_US);
    assert_int_equal (ledger_tend (self), 1);
    ledger_refused (self, NOT_FOUND, "get.job.id=256");
    ledger_refused (self, NOT_FOUND, "get.job.key=k");
    ledger_refused (self, NOT_FOUND, "history.job.id=256");
    ledger_refused (self, NOT_FOUND, "redrive.run=256.1");
    ledger_refused (self, NOT_FOUND, ledger_text (self, "complete.token=%s", token));
    ledger_expect (self, ledger_ok (self, "list.limit=10"), "list.jobs=1 list.jobs.id=512");
    /* Answers are repeated without what is gone. */
    ledger_expect (self,
                   ledger_ok (self, "request_id=one schedule.jobs.type=mail "
                                    "schedule.jobs.key=k schedule.jobs.after_us=0"),
                   "repeated=1 jobs.items=0");
    ledger_expect (
        self,
        ledger_ok (self, ledger_text (self, "request_id=two complete.token=%s", token)),
        "repeated=1 runs.runs=0");
    /* The key is free, as it was; the id is not used again. */
    ledger_expect (self,
                   ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=k "
                                    "schedule.jobs.after_us=0"),
                   "jobs.items.outcome=1 jobs.items.job.id=768");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_defaults),    TEST (test_by_age),     TEST (test_by_count),
        TEST (test_clock_set),   TEST (test_slices),     TEST (test_crash_between_slices),
        TEST (test_long_series), TEST (test_large_rows), TEST (test_leased),
        TEST (test_undone),      TEST (test_recurring),  TEST (test_recurring_open),
        TEST (test_stretches),   TEST (test_names),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
