/* SPDX-License-Identifier: MPL-2.0
 *
 * Slots that come while runs of earlier slots are open: every overlap policy with every
 * crowd, who is let go when, what becomes of tokens, and how a series ends.
 */
#include <inttypes.h>
#include <string.h>

#include "core/job.h"
#include "core/overlap.h"
#include "core/run.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define STALE BELFRY__V1__CODE__CODE_STALE_TOKEN
#define LIMIT BELFRY__V1__CODE__CODE_LIMIT

/* A job with a slot each minute, by its key. */
static void
make (ledger *self, bf_overlap overlap, const char *fields)
{
    ledger_ok (self, ledger_text (self,
                                  "schedule.jobs.type=tick schedule.jobs.key=k "
                                  "schedule.jobs.every.interval_us=60000000 "
                                  "schedule.jobs.overlap=%d "
                                  "schedule.jobs.lease_us=86400000000 "
                                  "schedule.jobs.retry.delay_us=3600000000 "
                                  "schedule.jobs.retry.jitter_percent=0 %s",
                                  (int)overlap, fields));
}

/* The next slot comes. */
static void
slot (ledger *self)
{
    ledger_pass (self, BF_MINUTE_US);
    assert_in_range (ledger_fire (self, NULL), 1, 5);
}

/* The job's runs by ordinal and state (B blocked, R ready, L leased, W retry_wait,
 * S succeeded, X dead, E expired, C cancelled, N delivered), and its counters that are not
 * 0. */
static const char *
crowd (ledger *self)
{
    return ledger_string (
        self, "SELECT coalesce ((SELECT group_concat (ordinal || "
              "substr ('BRLWSXECN', state, 1), ' ') FROM run WHERE job = id), '-') || "
              "iif (overlap_skipped, ' skipped ' || overlap_skipped, '') || "
              "iif (buffer_dropped, ' dropped ' || buffer_dropped, '') || "
              "iif (cancelled_others, ' cancelled ' || cancelled_others, '') || "
              "iif (terminated_others, ' terminated ' || terminated_others, '') "
              "FROM job WHERE key = 'k' ORDER BY id DESC LIMIT 1");
}

static void
leave_ready (ledger *self)
{
    (void)self;
}

static void
lease_it (ledger *self)
{
    ledger_lease (self, "tick");
}

static void
fail_it (ledger *self)
{
    ledger_ok (self, ledger_text (self, "fail.token=%s", ledger_lease (self, "tick")));
}

static void
snooze_it (ledger *self)
{
    ledger_ok (self, ledger_text (self, "snooze.for_us=86400000000 snooze.token=%s",
                                  ledger_lease (self, "tick")));
}

/* The second and the third slot over a first run that is ready, leased, or waits. */
static void
test_policies (void **state)
{
    static const struct {
        bf_overlap overlap;
        void (*first) (ledger *self);
        const char *kinds;
        const char *second;
        const char *third;
    } rows[] = {
        {BF_OVERLAP_SKIP, leave_ready, "slot.skipped", "1R skipped 1", "1R skipped 2"},
        {BF_OVERLAP_SKIP, lease_it, "slot.skipped", "1L skipped 1", "1L skipped 2"},
        {BF_OVERLAP_SKIP, fail_it, "slot.skipped", "1W skipped 1", "1W skipped 2"},
        {BF_OVERLAP_SKIP, snooze_it, "slot.skipped", "1W skipped 1", "1W skipped 2"},
        {BF_OVERLAP_BUFFER_ONE, leave_ready, "run.blocked", "1R 2B", "1R 2B dropped 1"},
        {BF_OVERLAP_BUFFER_ONE, lease_it, "run.blocked", "1L 2B", "1L 2B dropped 1"},
        {BF_OVERLAP_BUFFER_ONE, fail_it, "run.blocked", "1W 2B", "1W 2B dropped 1"},
        {BF_OVERLAP_BUFFER_ALL, leave_ready, "run.blocked", "1R 2B", "1R 2B 3B"},
        {BF_OVERLAP_BUFFER_ALL, lease_it, "run.blocked", "1L 2B", "1L 2B 3B"},
        {BF_OVERLAP_BUFFER_ALL, snooze_it, "run.blocked", "1W 2B", "1W 2B 3B"},
        {BF_OVERLAP_CANCEL_OTHER, leave_ready, "run.cancelled run.fired",
         "1C 2R cancelled 1", "1C 2C 3R cancelled 2"},
        {BF_OVERLAP_CANCEL_OTHER, lease_it, "run.blocked", "1L 2B cancelled 1",
         "1L 2C 3B cancelled 2"},
        {BF_OVERLAP_CANCEL_OTHER, fail_it, "run.cancelled run.fired", "1C 2R cancelled 1",
         "1C 2C 3R cancelled 2"},
        {BF_OVERLAP_TERMINATE_OTHER, leave_ready, "run.cancelled run.fired",
         "1C 2R terminated 1", "1C 2C 3R terminated 2"},
        {BF_OVERLAP_TERMINATE_OTHER, lease_it, "run.cancelled run.fired",
         "1C 2R terminated 1", "1C 2C 3R terminated 2"},
        {BF_OVERLAP_TERMINATE_OTHER, fail_it, "run.cancelled run.fired",
         "1C 2R terminated 1", "1C 2C 3R terminated 2"},
        {BF_OVERLAP_ALLOW_ALL, leave_ready, "run.fired", "1R 2R", "1R 2R 3R"},
        {BF_OVERLAP_ALLOW_ALL, lease_it, "run.fired", "1L 2R", "1L 2R 3R"},
        {BF_OVERLAP_ALLOW_ALL, fail_it, "run.fired", "1W 2R", "1W 2R 3R"},
    };
    ledger *self = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make (self, rows[i].overlap, "");
        slot (self);
        assert_string_equal (ledger_kinds (self), "run.fired");
        rows[i].first (self);
        slot (self);
        const char *kinds = ledger_kinds (self);
        const char *second = crowd (self);
        slot (self);
        const char *third = crowd (self);
        if (strcmp (kinds, rows[i].kinds) != 0 || strcmp (second, rows[i].second) != 0 ||
            strcmp (third, rows[i].third) != 0) {
            fail_msg ("row %zu, %s: %s: %s; %s", i, bf_overlap_name (rows[i].overlap),
                      kinds, second, third);
        }
        /* The next row has the workers to itself. */
        ledger_teardown (state);
        ledger_setup (state);
        self = *state;
    }
}

/* No run is open: every policy fires. And what Trigger made is no reason not to. */
static void
test_alone (void **state)
{
    ledger *self = *state;
    for (bf_overlap overlap = BF_OVERLAP_SKIP; overlap <= BF_OVERLAP_LAST; overlap++) {
        make (self, overlap, "");
        ledger_ok (self, "trigger.job.key=k");
        slot (self);
        assert_string_equal (ledger_kinds (self), "run.fired");
        assert_string_equal (crowd (self), "1R 2R");
        ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                       "get.job.counts.open=1 get.job.open_runs=2 get.job.counts.fired=1");
        ledger_ok (self, "cancel.job.key=k");
    }
}

/* One after the other, in order, however the one before ends. */
static void
test_unblock (void **state)
{
    ledger *self = *state;
    make (self, BF_OVERLAP_BUFFER_ALL, "");
    slot (self);
    const char *token = ledger_lease (self, "tick");
    for (int i = 0; i < 4; i++) {
        slot (self);
    }
    assert_string_equal (crowd (self), "1L 2B 3B 4B 5B");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                   "get.job.counts.open=5 get.job.counts.blocked=4 get.job.open_runs=5");
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    assert_string_equal (ledger_kinds (self), "run.succeeded run.fired");
    request_expect (&ledger_event (self, "run.fired")->base, self->arena,
                    "run=256.2 lateness_us=0 run_after.state=2 job_after.counts.blocked=3 "
                    "job_after.counts.open=4");
    assert_string_equal (ledger_to_dispatcher (self), "ready:1:256.2");
    assert_string_equal (crowd (self), "1S 2R 3B 4B 5B");
    /* Not while it is only to be tried again. */
    fail_it (self);
    assert_string_equal (crowd (self), "1S 2W 3B 4B 5B");
    ledger_pass (self, BF_HOUR_US);
    ledger_ok (self, "pause.job.key=k");
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.retrying");
    ledger_ok (self, ledger_text (self, "fail.non_retryable=1 fail.token=%s",
                                  ledger_lease (self, "tick")));
    assert_string_equal (ledger_kinds (self), "run.failed run.dead run.fired");
    /* A lease that runs out for the last time; the job is paused, which is nothing to it.
     */
    assert_string_equal (crowd (self), "1S 2X 3R 4B 5B");
    ledger_ok (self, ledger_text (self, "complete.token=%s", ledger_lease (self, "tick")));
    assert_string_equal (crowd (self), "1S 2X 3S 4R 5B");
    /* Ready is not final. */
    ledger_returned (self, ledger_lease (self, "tick"), NULL);
    assert_string_equal (crowd (self), "1S 2X 3S 4R 5B");
    ledger_ok (self, ledger_text (self, "complete.token=%s", ledger_lease (self, "tick")));
    assert_string_equal (crowd (self), "1S 2X 3S 4S 5R");
}

/* CANCEL_OTHER asks the worker, once; the run may still complete, or is cancelled. */
static void
test_cancel_other (void **state)
{
    ledger *self = *state;
    static const struct {
        const char *settle;
        const char *kinds;
        const char *crowd;
    } rows[] = {
        {"complete", "run.succeeded run.fired", "1S 2C 3R cancelled 2"},
        {"fail", "run.failed run.cancelled run.fired", "1C 2C 3R cancelled 2"},
        {"snooze.for_us=5 snooze", "run.cancelled run.fired", "1C 2C 3R cancelled 2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make (self, BF_OVERLAP_CANCEL_OTHER, "");
        slot (self);
        const char *token = ledger_lease (self, "tick");
        ledger_expect (self,
                       ledger_ok (self, ledger_text (self, "heartbeat.tokens=%s", token)),
                       "heartbeat.items.cancel=0");
        slot (self);
        assert_string_equal (ledger_to_retry (self),
                             ledger_text (self, "flagged:%s", token));
        slot (self);
        assert_string_equal (ledger_to_retry (self), "");
        ledger_expect (self,
                       ledger_ok (self, ledger_text (self, "heartbeat.tokens=%s", token)),
                       "heartbeat.items.cancel=1");
        ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                       "get.runs[2].cancel_requested=1 get.runs[0].cancel_requested=0 "
                       "get.job.counts.cancelled_others=2");
        ledger_reopen (self, true);
        assert_string_equal (ledger_to_retry (self),
                             ledger_text (self, "opened:%s", token));
        ledger_ok (self, ledger_text (self, "%s.token=%s", rows[i].settle, token));
        assert_string_equal (ledger_kinds (self), rows[i].kinds);
        assert_string_equal (crowd (self), rows[i].crowd);
        ledger_teardown (state);
        ledger_setup (state);
        self = *state;
    }
}

/* TERMINATE_OTHER ends the lease with the run: its token is out of date. */
static void
test_terminate_other (void **state)
{
    ledger *self = *state;
    make (self, BF_OVERLAP_TERMINATE_OTHER, "");
    slot (self);
    const char *token = ledger_lease (self, "tick");
    slot (self);
    assert_string_equal (ledger_to_retry (self), ledger_text (self, "closed:%s", token));
    static const char *const commands[] = {"complete", "fail", "snooze.for_us=5 snooze"};
    for (size_t i = 0; i < 3; i++) {
        ledger_refused (self, STALE, ledger_text (self, "%s.token=%s", commands[i], token));
    }
    ledger_overdue (self, token, false);
    ledger_returned (self, token, NULL);
    assert_string_equal (crowd (self), "1C 2R terminated 1");
    /* The end of the one that gave way decides nothing. */
    ledger_ok (self, ledger_text (self, "complete.token=%s", ledger_lease (self, "tick")));
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.reason=0");
}

/* start_timeout counts from the making of a run, blocked or not. */
static void
test_start_timeout (void **state)
{
    ledger *self = *state;
    make (self, BF_OVERLAP_BUFFER_ALL, "schedule.jobs.start_timeout_us=90000000");
    slot (self);
    const char *token = ledger_lease (self, "tick");
    slot (self);
    ledger_pass (self, BF_MINUTE_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
    ledger_pass (self, 30 * BF_SECOND_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_string_equal (ledger_kinds (self), "run.expired");
    assert_string_equal (crowd (self), "1L 2E 3B");
    ledger_ok (self, "pause.job.key=k");
    ledger_pass (self, 40 * BF_SECOND_US);
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    assert_string_equal (crowd (self), "1S 2E 3R");
    /* Its answer could not be sent: the rest of the ninety seconds is left, no more. */
    ledger_returned (self, ledger_lease (self, "tick"), NULL);
    ledger_pass (self, 20 * BF_SECOND_US - 1);
    assert_int_equal (ledger_fire (self, NULL), 0);
    ledger_pass (self, 1);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_string_equal (crowd (self), "1S 2E 3E");
}

/* A slot's redrive is a slot's run, an extra one's is not. */
static void
test_redrive (void **state)
{
    ledger *self = *state;
    make (self, BF_OVERLAP_SKIP, "schedule.jobs.retry.max_attempts=1");
    slot (self);
    fail_it (self);
    assert_string_equal (crowd (self), "1X");
    ledger_ok (self, "redrive.run=256.1");
    slot (self);
    assert_string_equal (crowd (self), "1X 2R skipped 1");
    ledger_ok (self, ledger_text (self, "complete.token=%s", ledger_lease (self, "tick")));
    ledger_ok (self, "trigger.job.key=k");
    fail_it (self);
    ledger_ok (self, "redrive.run=256.3");
    slot (self);
    assert_string_equal (crowd (self), "1X 2S 3X 4R 5R skipped 1");
    /* A buffer behind a redrive. */
    make (self, BF_OVERLAP_BUFFER_ALL,
          "schedule.on_key=3 schedule.jobs.retry.max_attempts=1");
    assert_string_equal (crowd (self), "1X 2S 3X 4C 5C skipped 1");
    slot (self);
    fail_it (self);
    ledger_ok (self, "redrive.run=256.6");
    slot (self);
    assert_string_equal (crowd (self), "1X 2S 3X 4C 5C 6X 7R 8B skipped 1");
}

/* The job is moved, replaced or cancelled: what is blocked goes, what is leased stays in
 * the way of the slots to come. */
static void
test_moved (void **state)
{
    static const struct {
        const char *command;
        const char *then;
        const char *next;
    } rows[] = {
        {"reschedule.job.key=k reschedule.every.interval_us=60000000", "1L 2C 3C",
         "1L 2C 3C 4B"},
        {"schedule.on_key=3 schedule.jobs.key=k schedule.jobs.type=tick "
         "schedule.jobs.every.interval_us=60000000 schedule.jobs.overlap=2",
         "1L 2C 3C", "1L 2C 3C 4B"},
        {"schedule.on_key=3 schedule.jobs.key=k schedule.jobs.type=tick "
         "schedule.jobs.every.interval_us=60000000 schedule.jobs.overlap=4",
         "1L 2C 3C", "1L 2C 3C 4B"},
        {"schedule.on_key=3 schedule.jobs.key=k schedule.jobs.type=tick "
         "schedule.jobs.at_us=1767226000000000",
         "1L 2C 3C", "1L 2C 3C 4R"},
        {"cancel.job.key=k", "1L 2C 3C", NULL},
    };
    ledger *self = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make (self, BF_OVERLAP_BUFFER_ALL, "");
        slot (self);
        const char *token = ledger_lease (self, "tick");
        slot (self);
        slot (self);
        assert_string_equal (crowd (self), "1L 2B 3B");
        ledger_ok (self, rows[i].command);
        assert_non_null (strstr (ledger_to_retry (self), "flagged:"));
        assert_string_equal (crowd (self), rows[i].then);
        if (rows[i].next) {
            ledger_pass (self, 5 * BF_MINUTE_US);
            ledger_fire (self, NULL);
            assert_string_equal (crowd (self), rows[i].next);
        }
        ledger_ok (self, ledger_text (self, "complete.token=%s", token));
        assert_string_equal (crowd (self), rows[i].next ? "1S 2C 3C 4R" : "1S 2C 3C");
        ledger_teardown (state);
        ledger_setup (state);
        self = *state;
    }
}

/* A WORK job with a leased run and blocked ones became a NOTIFY one: those that waited are
 * withdrawn with the old definition, and its slots wait for nobody, whatever it says of
 * overlap. */
static void
test_notify_behind (void **state)
{
    ledger *self = *state;
    for (bf_overlap overlap = BF_OVERLAP_SKIP; overlap <= BF_OVERLAP_LAST; overlap++) {
        make (self, BF_OVERLAP_BUFFER_ALL, "");
        slot (self);
        const char *token = ledger_lease (self, "tick");
        slot (self);
        slot (self);
        assert_string_equal (crowd (self), "1L 2B 3B");
        make (self, overlap,
              "schedule.on_key=3 schedule.jobs.delivery=2 schedule.jobs.max_runs=2 "
              "schedule.jobs.payload=hello");
        assert_string_equal (crowd (self), "1L 2C 3C");
        slot (self);
        assert_string_equal (ledger_kinds (self), "run.fired run.delivered");
        assert_int_equal (ledger_extra (self, "run.delivered")->payload.len, 5);
        slot (self);
        assert_string_equal (crowd (self), "1L 2C 3C 4N 5N");
        ledger_ok (self, ledger_text (self, "complete.token=%s", token));
        assert_string_equal (ledger_kinds (self), "run.succeeded job.completed");
        assert_string_equal (crowd (self), "1S 2C 3C 4N 5N");
    }
}

/* A slot that was late and failed by that waits its turn like any other, or is dead. */
static void
test_late_failure (void **state)
{
    ledger *self = *state;
    make (self, BF_OVERLAP_BUFFER_ALL, "schedule.jobs.late=4");
    slot (self);
    const char *token = ledger_lease (self, "tick");
    ledger_away (self, 2 * BF_MINUTE_US + 30 * BF_SECOND_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "slot.missed run.blocked run.failed");
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    assert_string_equal (ledger_kinds (self), "run.succeeded run.fired");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                   "get.runs.state=2 get.runs.failures=1 get.runs.reason=missed");
    make (self, BF_OVERLAP_BUFFER_ALL,
          "schedule.on_key=3 schedule.jobs.late=4 schedule.jobs.retry.max_attempts=1");
    ledger_pass (self, BF_MINUTE_US);
    ledger_fire (self, NULL);
    ledger_lease (self, "tick");
    ledger_away (self, BF_MINUTE_US + 30 * BF_SECOND_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.fired run.failed run.dead");
    assert_string_equal (crowd (self), "1S 2C 3L 4X");
}

/* A thousand runs are open, whatever made them: no more, by no policy; and all of them can
 * be ended at once. */
static void
test_full (void **state)
{
    ledger *self = *state;
    for (bf_overlap overlap = BF_OVERLAP_BUFFER_ONE; overlap <= BF_OVERLAP_LAST;
         overlap++) {
        make (self, overlap, "");
        self->unchecked = true;
        slot (self);
        ledger_begin (self);
        for (int i = 1; i < BF_OVERLAP_RUNS; i++) {
            ledger_put (self, "trigger.job.key=k");
        }
        ledger_commit (self);
        self->unchecked = false;
        ledger_refused (self, LIMIT, "trigger.job.key=k");
        slot (self);
        assert_string_equal (ledger_kinds (self), "slot.skipped");
        assert_non_null (strstr (ledger_event (self, "slot.skipped")->reason, "too many"));
        ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                       "get.job.open_runs=1000 get.job.counts.buffer_dropped=1 "
                       "get.job.counts.cancelled_others=0 "
                       "get.job.counts.terminated_others=0");
        if (overlap == BF_OVERLAP_ALLOW_ALL) {
            /* One that ends makes room for one. */
            ledger_ok (
                self, ledger_text (self, "complete.token=%s", ledger_lease (self, "tick")));
            slot (self);
            assert_string_equal (ledger_kinds (self), "run.fired");
        }
        ledger_ok (self, "cancel.job.key=k");
        ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.open_runs=0");
        ledger_forget_texts (self);
    }
}

/* A thousand of the job's own. */
static void
test_full_buffer (void **state)
{
    ledger *self = *state;
    make (self, BF_OVERLAP_BUFFER_ALL, "");
    self->unchecked = true;
    for (int i = 0; i < BF_OVERLAP_RUNS; i++) {
        slot (self);
        ledger_forget_texts (self);
    }
    self->unchecked = false;
    ledger_check (self);
    slot (self);
    assert_string_equal (ledger_kinds (self), "slot.skipped");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                   "get.job.counts.open=1000 get.job.counts.blocked=999 "
                   "get.job.counts.buffer_dropped=1");
    /* All of them give way to the next one. */
    make (self, BF_OVERLAP_TERMINATE_OTHER, "schedule.on_key=3");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.open_runs=0");
}

/* How a series ends: by the run that ended last, of those that decide. */
static void
test_series_end (void **state)
{
    static const struct {
        const char *first;  /* what becomes of run 1 */
        const char *second; /* and, after the last slot, of run 2 */
        bool first_last;    /* run 1 ends after run 2 */
        int state;
        int reason;
    } rows[] = {
        {"complete", "complete", false, BF_JOB_COMPLETED, 0},
        {"complete", "fail.non_retryable=1 fail", false, BF_JOB_DEAD, BF_JOB_RUN_DEAD},
        {"fail.non_retryable=1 fail", "complete", false, BF_JOB_COMPLETED, 0},
        {"fail.non_retryable=1 fail", "complete", true, BF_JOB_DEAD, BF_JOB_RUN_DEAD},
        {"complete", "fail.non_retryable=1 fail", true, BF_JOB_COMPLETED, 0},
    };
    ledger *self = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make (self, BF_OVERLAP_ALLOW_ALL, "schedule.jobs.max_runs=2");
        slot (self);
        const char *first = ledger_lease (self, "tick");
        if (!rows[i].first_last) {
            ledger_ok (self, ledger_text (self, "%s.token=%s", rows[i].first, first));
        }
        slot (self);
        ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.state=3");
        ledger_ok (self, ledger_text (self, "%s.token=%s", rows[i].second,
                                      ledger_lease (self, "tick")));
        if (rows[i].first_last) {
            ledger_ok (self, ledger_text (self, "%s.token=%s", rows[i].first, first));
        }
        ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                       ledger_text (self, "get.job.state=%d get.job.reason=%d",
                                    rows[i].state, rows[i].reason));
    }
}

/* The last slots are dropped: the runs before them say how it ends; where there was none,
 * the drop does. An extra run says nothing. */
static void
test_series_dropped (void **state)
{
    ledger *self = *state;
    /* Slot 1 runs on, slot 2, the last, passes it by. */
    make (self, BF_OVERLAP_SKIP, "schedule.jobs.end_us=1767225720000000");
    slot (self);
    const char *token = ledger_lease (self, "tick");
    slot (self);
    assert_string_equal (ledger_kinds (self), "slot.skipped");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.state=3");
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                   "get.job.state=4 get.job.reason=0");
    /* One has fired and is done, the last one is late. */
    self->now.wall.us = LEDGER_WALL_US;
    make (self, BF_OVERLAP_SKIP,
          "schedule.jobs.late=3 schedule.jobs.end_us=1767225720000000");
    slot (self);
    ledger_ok (self, ledger_text (self, "complete.token=%s", ledger_lease (self, "tick")));
    ledger_away (self, BF_HOUR_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "slot.skipped job.completed");
    /* All of them were late; only an extra run is left, and it does not count. */
    self->now.wall.us = LEDGER_WALL_US;
    make (self, BF_OVERLAP_SKIP,
          "schedule.jobs.late=3 schedule.jobs.end_us=1767225720000000");
    ledger_ok (self, "trigger.job.key=k");
    token = ledger_lease (self, "tick");
    ledger_away (self, BF_HOUR_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "slot.skipped");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                   "get.job.state=3 get.job.reason=3");
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    assert_string_equal (ledger_kinds (self), "run.succeeded job.dead");
    /* A one-shot that was moved while a worker has its run, and may not overlap it. */
    ledger_ok (self, "schedule.jobs.type=tick schedule.jobs.key=k schedule.jobs.overlap=1 "
                     "schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    token = ledger_lease (self, "tick");
    ledger_ok (self, "reschedule.job.key=k reschedule.after_us=5");
    ledger_pass (self, 5);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "slot.skipped");
    ledger_ok (self, ledger_text (self, "complete.token=%s", token));
    assert_string_equal (ledger_kinds (self), "run.succeeded job.dead");
    /* Nothing is there to see, and Confirm comes too late all the same. */
    ledger_ok (self, "schedule.jobs.type=tick schedule.jobs.key=k schedule.jobs.late=3 "
                     "schedule.jobs.at_us=1767225600000000");
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "slot.skipped job.dead");
    Belfry__V1__Reply *reply =
        ledger_refused (self, BELFRY__V1__CODE__CODE_TOO_LATE, "confirm.job.key=k");
    assert_non_null (strstr (reply->text, "no run is left"));
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_policies),
        TEST (test_alone),
        TEST (test_unblock),
        TEST (test_cancel_other),
        TEST (test_terminate_other),
        TEST (test_start_timeout),
        TEST (test_redrive),
        TEST (test_moved),
        TEST (test_notify_behind),
        TEST (test_late_failure),
        TEST (test_full),
        TEST (test_full_buffer),
        TEST (test_series_end),
        TEST (test_series_dropped),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
