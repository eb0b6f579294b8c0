/* SPDX-License-Identifier: MPL-2.0
 *
 * Clocks that are set, machines that boot, and what those who start anew are told.
 */
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

static const char another_boot[] = "22222222-2222-2222-2222-222222222222";

/* The machine was off for so long: another boot, a boot clock that began at 0. */
static void
reboot (ledger *self, int64_t off_us)
{
    self->now.wall.us += off_us;
    self->now.boot.us = 60 * BF_SECOND_US;
    self->boot_id = another_boot;
    ledger_reopen (self, true);
}

/* Job 256 after 10 s, job 512 at 00:00:10. */
static void
make_both (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=10000000");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.at_us=1767225610000000");
}

/* Proposed before its time (the clock was set back between): armed again, not fired. */
static void
test_early (void **state)
{
    ledger *self = *state;
    make_both (self);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                     "schedule.jobs.start_timeout_us=5000000");
    ledger_fire (self, NULL);
    ledger_pass (self, 3 * BF_SECOND_US);
    bf_timer early[] = {
        {BF_SOURCE_SLOT_BOOT, 256, 0, LEDGER_BOOT_US + 10 * BF_SECOND_US, 1, 0, 0},
        {BF_SOURCE_SLOT_WALL, 512, 0, LEDGER_WALL_US + 10 * BF_SECOND_US, 1, 0, 0},
        {BF_SOURCE_RUN, 768, 1, LEDGER_BOOT_US + 5 * BF_SECOND_US, 1, 0, 0},
    };
    Belfry__Internal__ClaimCall *claim = ledger_claim (self, "claim.types=mail");
    ledger_propose (self, early, 3, claim);
    assert_string_equal (ledger_kinds (self), "");
    assert_string_equal (ledger_to_clock (self),
                         "arm:1:256.0@1010000000 arm:0:512.0@1767225610000000 "
                         "arm:2:768.1@1005000000 settled:9");
    assert_false (ledger_resolved (self, claim->call));
    /* To the microsecond. */
    ledger_pass (self, 7 * BF_SECOND_US - 1);
    ledger_propose (self, early, 2, NULL);
    assert_string_equal (ledger_kinds (self), "");
    ledger_pass (self, 1);
    ledger_propose (self, early, 2, NULL);
    assert_string_equal (ledger_kinds (self), "run.fired run.fired");
    assert_int_equal (ledger_event (self, "run.fired")->lateness_us, 0);
}

/* The wall clock is set by an hour: `at` follows it, `after`, leases and waits do not. */
static void
test_step_forward (void **state)
{
    ledger *self = *state;
    make_both (self);
    ledger_set_wall (self, BF_HOUR_US);
    ledger_do_item (self, "stepped.delta_us=3600000000");
    Belfry__V1__Event *event = ledger_event (self, "clock.stepped");
    request_expect (&event->base, self->arena,
                    "delta_us=3600000000 at_us=1767229200000000 type= job=0 run= ns=");
    assert_int_equal (ledger_fire (self, NULL), 1);
    event = ledger_event (self, "run.fired");
    request_expect (&event->base, self->arena, "job=512 lateness_us=3590000000");
    ledger_pass (self, 10 * BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
    event = ledger_event (self, "run.fired");
    request_expect (&event->base, self->arena, "job=256 lateness_us=0 clock=1");
}

static void
test_step_back (void **state)
{
    ledger *self = *state;
    make_both (self);
    ledger_set_wall (self, -BF_HOUR_US);
    ledger_do_item (self, "stepped.delta_us=-3600000000");
    assert_int_equal (ledger_event (self, "clock.stepped")->delta_us, -BF_HOUR_US);
    ledger_pass (self, 10 * BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_int_equal (ledger_event (self, "run.fired")->job, 256);
    ledger_pass (self, BF_HOUR_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_int_equal (ledger_event (self, "run.fired")->job, 512);
}

/* A retry's wait is elapsed time. */
static void
test_waits_over_a_step (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                     "schedule.jobs.retry.jitter_percent=0");
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    ledger_ok (self, "fail.token=256.1.1");
    ledger_set_wall (self, BF_DAY_US);
    assert_int_equal (ledger_fire (self, NULL), 0);
    /* Shown as the wall clock counts now. */
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.timer_us=1767312001000000");
    ledger_pass (self, BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
}

/* Another process in the same boot, whatever the wall clock did. */
static void
test_restart (void **state)
{
    ledger *self = *state;
    make_both (self);
    for (int crash = 0; crash <= 1; crash++) {
        ledger_pass (self, BF_SECOND_US);
        ledger_set_wall (self, -BF_HOUR_US);
        ledger_reopen (self, crash);
        assert_string_equal (ledger_kinds (self), "scheduler.started");
        assert_string_equal (ledger_to_clock (self), "reset");
        assert_string_equal (ledger_to_dispatcher (self), "queue:1:default/mail");
    }
    ledger_pass (self, 8 * BF_SECOND_US - 1);
    assert_int_equal (ledger_fire (self, NULL), 0);
    ledger_pass (self, 1);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_int_equal (ledger_event (self, "run.fired")->job, 256);
}

/* Over a reboot the time off counts, by the wall clock. */
static void
test_reboot (void **state)
{
    ledger *self = *state;
    make_both (self);
    reboot (self, 4 * BF_SECOND_US);
    ledger_pass (self, 6 * BF_SECOND_US - 1);
    assert_int_equal (ledger_fire (self, NULL), 0);
    ledger_pass (self, 1);
    assert_int_equal (ledger_fire (self, NULL), 2);
    assert_int_equal (ledger_event (self, "run.fired")->lateness_us, 0);
}

/* It was off for longer: late, by how much. */
static void
test_reboot_late (void **state)
{
    ledger *self = *state;
    make_both (self);
    reboot (self, BF_HOUR_US);
    assert_int_equal (ledger_fire (self, NULL), 2);
    assert_int_equal (ledger_event (self, "run.fired")->lateness_us,
                      BF_HOUR_US - 10 * BF_SECOND_US);
}

/* The wall clock had been set before: that was no time that passed. */
static void
test_step_then_reboot (void **state)
{
    ledger *self = *state;
    make_both (self);
    ledger_set_wall (self, BF_DAY_US);
    ledger_do_item (self, "stepped.delta_us=86400000000");
    reboot (self, 4 * BF_SECOND_US);
    ledger_pass (self, 6 * BF_SECOND_US - 1);
    assert_int_equal (ledger_fire (self, NULL), 1); /* 512, long due by the wall clock */
    assert_int_equal (ledger_event (self, "run.fired")->job, 512);
    ledger_pass (self, 1);
    assert_int_equal (ledger_fire (self, NULL), 1);
}

/* It comes up in 1970: elapsed time stands, nothing fires early, nothing goes back. */
static void
test_dead_clock (void **state)
{
    ledger *self = *state;
    make_both (self);
    reboot (self, -LEDGER_WALL_US);
    ledger_pass (self, 10 * BF_SECOND_US - 1);
    assert_int_equal (ledger_fire (self, NULL), 0);
    ledger_pass (self, 1);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_int_equal (ledger_event (self, "run.fired")->job, 256);
    /* The clock is set right: the other one fires. */
    ledger_set_wall (self, LEDGER_WALL_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
}

/* Every open lease gets its full length again, in memory and in its row; run_timeout goes
 * on. */
static void
test_recover_leases (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 3; i++) {
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0 "
                         "schedule.jobs.lease_us=5000000 "
                         "schedule.jobs.run_timeout_us=9000000");
    }
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    ledger_lease (self, "mail");
    ledger_ok (self, "cancel.job.id=512");
    ledger_pass (self, 4 * BF_SECOND_US);
    ledger_reopen (self, true);
    assert_string_equal (ledger_to_retry (self), "opened:256.1.1 opened:512.1.1");
    assert_string_equal (ledger_to_dispatcher (self), "queue:1:default/mail+");
    for (int i = 0; i < 2; i++) {
        const Belfry__Internal__RetryItem *item =
            bf_ledger_outcome (self->ledger)->retry.items[i];
        assert_int_equal (item->opened->lease_us, 5000000);
        assert_int_equal (item->opened->run_until_boot_us, LEDGER_BOOT_US + 9000000);
        assert_int_equal (item->opened->flagged, i == 1);
    }
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.lease_until_us=1767225609000000");
    /* The lease holds as before. */
    ledger_ok (self, "complete.token=256.1.1");
    reboot (self, BF_SECOND_US);
    const Belfry__Internal__RetryItem *item =
        bf_ledger_outcome (self->ledger)->retry.items[0];
    assert_int_equal (item->opened->from_boot_us, 60 * BF_SECOND_US);
    assert_int_equal (item->opened->run_until_boot_us, 64 * BF_SECOND_US);
}

/* Heartbeats go along with the next commit, and are never a reason for one. */
static void
test_extended (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    ledger_do_item (self, "extended.attempt.job=256 extended.attempt.ordinal=1 "
                          "extended.attempt.attempt=1 extended.until_boot_us=1077000000");
    /* Of another attempt, and of nothing: no harm. */
    ledger_do_item (self, "extended.attempt.job=512 extended.attempt.ordinal=1 "
                          "extended.attempt.attempt=1 extended.until_boot_us=1099000000");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.lease_until_us=1767225630000000");
    ledger_do_item (self, "stepped.delta_us=1");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.lease_until_us=1767225677000000");
    ledger_do_item (self, "extended.attempt.job=256 extended.attempt.ordinal=1 "
                          "extended.attempt.attempt=2 extended.until_boot_us=1099000000");
    ledger_do_item (self, "stepped.delta_us=1");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.lease_until_us=1767225677000000");
    /* Settled in the same batch: the row has no lease any more. */
    ledger_begin (self);
    ledger_give (self, ledger_item (self, "extended.attempt.job=256 "
                                          "extended.attempt.ordinal=1 "
                                          "extended.attempt.attempt=1 "
                                          "extended.until_boot_us=1088000000"));
    ledger_put (self, "complete.token=256.1.1");
    ledger_commit (self);
    ledger_expect (self, ledger_ok (self, "get.job.id=256"), "get.runs.lease_until_us=0");
}

/* The clock's pages: in the order of each source, from a place on. */
static void
test_refill_timers (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 5; i++) {
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=1000");
    }
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.at_us=1767225600000007");
    ledger_ok (self, "pause.job.id=512");
    static const struct {
        const char *after;
        const char *jobs;
        bool end;
    } rows[] = {
        {"refill_timers.after.source=1 refill_timers.after.due_us=-9223372036854775808",
         "256 768", false},
        {"refill_timers.after.source=1 refill_timers.after.due_us=1000001000 "
         "refill_timers.after.job=768",
         "1024 1280", false},
        {"refill_timers.after.source=1 refill_timers.after.due_us=1000001000 "
         "refill_timers.after.job=1280",
         "", true},
        {"refill_timers.after.source=0 refill_timers.after.due_us=-9223372036854775808",
         "1536", true},
        {"refill_timers.after.source=2 refill_timers.after.due_us=-9223372036854775808", "",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ledger_do_item (self,
                        ledger_text (self, "refill_timers.limit=2 %s", rows[i].after));
        const Belfry__Internal__ClockItem *item =
            bf_ledger_outcome (self->ledger)->clock.items[0];
        assert_int_equal (item->item_case, BELFRY__INTERNAL__CLOCK_ITEM__ITEM_REFILLED);
        const char *jobs = "";
        for (size_t k = 0; k < item->refilled->n_timers; k++) {
            jobs = ledger_text (self, "%s%s%llu", jobs, k ? " " : "",
                                (unsigned long long)item->refilled->timers[k]->job);
        }
        assert_string_equal (jobs, rows[i].jobs);
        assert_int_equal (item->refilled->end, rows[i].end);
    }
}

/* Run timers likewise, several of one due time; and the ready heads of a queue. */
static void
test_refill_runs (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=9000000 "
                     "schedule.jobs.start_timeout_us=5000");
    for (int i = 0; i < 3; i++) {
        ledger_ok (self, "trigger.job.id=256");
    }
    ledger_do_item (self, "refill_timers.after.source=2 refill_timers.after.job=256 "
                          "refill_timers.after.ordinal=1 "
                          "refill_timers.after.due_us=1000005000 refill_timers.limit=9");
    const Belfry__Internal__ClockItem *item =
        bf_ledger_outcome (self->ledger)->clock.items[0];
    assert_int_equal (item->refilled->n_timers, 2);
    assert_int_equal (item->refilled->timers[0]->ordinal, 2);
    assert_int_equal (item->refilled->timers[0]->due_us, 1000005000);
    assert_int_equal (item->refilled->timers[0]->queue, 1);
    assert_true (item->refilled->end);
    for (uint32_t limit = 2; limit <= 4; limit++) {
        ledger_do_item (
            self, ledger_text (self, "refill_ready.queue=1 refill_ready.limit=%u", limit));
        const Belfry__Internal__DispatcherItem *ready =
            bf_ledger_outcome (self->ledger)->dispatcher.items[0];
        assert_int_equal (ready->refilled->n_runs, limit < 3 ? limit : 3);
        assert_int_equal (ready->refilled->more, limit <= 3);
        assert_int_equal (ready->refilled->queue, 1);
        assert_int_equal (ready->refilled->runs[1]->ordinal, 2);
    }
    ledger_do_item (self, "refill_ready.queue=7 refill_ready.limit=2");
}

/* The last event, and the one of the next start. */
static void
test_retire (void **state)
{
    ledger *self = *state;
    bf_error error = {0};
    ledger_begin (self);
    assert_int_equal (bf_ledger_retire (self->ledger, &error), BF_OK);
    ledger_commit (self);
    assert_string_equal (ledger_kinds (self), "scheduler.stopping");
    ledger_reopen (self, false);
    Belfry__V1__Reply *reply = ledger_ok (self, "replay");
    ledger_expect (self, reply,
                   "events.events=3 events.events[1].kind=scheduler.stopping "
                   "events.events[2].kind=scheduler.started events.events[2].prev_seq=1");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_early),       TEST (test_step_forward),
        TEST (test_step_back),   TEST (test_waits_over_a_step),
        TEST (test_restart),     TEST (test_reboot),
        TEST (test_reboot_late), TEST (test_step_then_reboot),
        TEST (test_dead_clock),  TEST (test_recover_leases),
        TEST (test_extended),    TEST (test_refill_timers),
        TEST (test_refill_runs), TEST (test_retire),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
