/* SPDX-License-Identifier: MPL-2.0
 *
 * The recovery report: what was decided for slots that came due while the clock was away,
 * told once, when it has caught up.
 */
#include <inttypes.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define KEY_BYTES 256
#define EVENT_BYTES (64 * 1024)

/* A job with a slot each minute. */
static void
make (ledger *self, const char *type, const char *fields)
{
    ledger_ok (self, ledger_text (self,
                                  "schedule.jobs.type=%s schedule.jobs.overlap=6 "
                                  "schedule.jobs.every.interval_us=60000000 %s",
                                  type, fields));
}

/* The counts of a report: "TYPE:fired:JOBS*SLOTS", one space between. */
static const char *
counts (ledger *self, const Belfry__V1__Event *event)
{
    static const char *const words[] = {"?", "fired", "missed", "skipped", "failed"};
    const char *line = "";
    for (size_t i = 0; i < event->recovery->n_counts; i++) {
        const Belfry__V1__Recovery__Count *count = event->recovery->counts[i];
        line = ledger_text (self, "%s%s%s:%s:%" PRIu64 "*%" PRIu64, line, i ? " " : "",
                            count->type, words[count->decision], count->jobs, count->slots);
    }
    return line;
}

static const char *
items (ledger *self, const Belfry__V1__Event *event)
{
    const char *line = "";
    for (size_t i = 0; i < event->recovery->n_items; i++) {
        const Belfry__V1__Recovery__Item *item = event->recovery->items[i];
        line = ledger_text (self, "%s%s%" PRIu64 "%s%s:%d*%" PRIu64, line, i ? " " : "",
                            item->job, item->key[0] ? "=" : "", item->key,
                            (int)item->decision, item->slots->count);
    }
    return line;
}

/* Everything that is decided, in one report. */
static void
test_decisions (void **state)
{
    ledger *self = *state;
    make (self, "once", "schedule.jobs.key=k");
    make (self, "once", "");
    make (self, "all", "schedule.jobs.late=2 schedule.jobs.catchup_max=3");
    make (self, "skip", "schedule.jobs.late=3");
    make (self, "fail", "schedule.jobs.late=4");
    make (self, "calm", "schedule.jobs.start_us=1767232800000000");
    ledger_away (self, 10 * BF_MINUTE_US + 30 * BF_SECOND_US);
    ledger_catch_up (self);
    assert_string_equal (ledger_kinds (self), "recovery.report");
    Belfry__V1__Event *event = ledger_event (self, "recovery.report");
    request_expect (&event->base, self->arena,
                    "job=0 run= type= ns= recovery.from_us=1767225600000000 "
                    "recovery.until_us=1767226230000000 recovery.items=9 "
                    "recovery.items.type=once recovery.items.slots.count=9 "
                    "recovery.items.slots.first_due_us=1767225660000000 "
                    "recovery.items.slots.last_due_us=1767226140000000");
    assert_string_equal (counts (self, event),
                         "once:fired:2*2 once:missed:2*18 all:fired:1*3 all:missed:1*7 "
                         "skip:skipped:1*10 fail:missed:1*9 fail:failed:1*1");
    assert_string_equal (items (self, event),
                         "256=k:2*9 256=k:1*1 512:2*9 512:1*1 768:2*7 768:1*3 1024:3*10 "
                         "1280:2*9 1280:4*1");
    /* It is told and forgotten. */
    ledger_do_item (self, "caught_up.until_us=1767226231000000");
    assert_string_equal (ledger_kinds (self), "");
}

/* In time, by a resume, or for a busy scheduler: nothing to tell. */
static void
test_nothing (void **state)
{
    ledger *self = *state;
    make (self, "tick", "schedule.jobs.late=3");
    ledger_do_item (self, "caught_up.until_us=5");
    assert_string_equal (ledger_kinds (self), "");
    ledger_away (self, BF_MINUTE_US + 900 * BF_MS_US);
    ledger_catch_up (self);
    assert_string_equal (ledger_kinds (self), "");
    assert_int_equal (ledger_number (self, "SELECT fired FROM job"), 1);
    ledger_ok (self, "pause.job.id=256");
    ledger_pass (self, BF_HOUR_US);
    ledger_ok (self, "resume.job.id=256");
    ledger_catch_up (self);
    assert_string_equal (ledger_kinds (self), "");
    assert_int_equal (ledger_number (self, "SELECT skipped FROM job"), 60);
}

/* A late slot that its overlap policy dropped: skipped. */
static void
test_overlap (void **state)
{
    ledger *self = *state;
    make (self, "tick", "schedule.jobs.overlap=1");
    ledger_pass (self, BF_MINUTE_US);
    ledger_fire (self, NULL);
    ledger_away (self, 3 * BF_MINUTE_US + 30 * BF_SECOND_US);
    ledger_catch_up (self);
    assert_string_equal (counts (self, ledger_event (self, "recovery.report")),
                         "tick:missed:1*2 tick:skipped:1*1");
}

static void
fire_and_undo (ledger *self, bool report)
{
    bf_timer *timers;
    size_t count = ledger_due (self, &timers);
    assert_int_equal (count, 1);
    ledger_begin (self);
    ledger_give (self,
                 ledger_item (self, ledger_text (self,
                                                 "proposal.timers.source=0 "
                                                 "proposal.timers.job=%" PRIu64 " "
                                                 "proposal.timers.due_us=%" PRId64 " "
                                                 "proposal.timers.reached_us=%" PRId64,
                                                 timers[0].job, timers[0].due_us,
                                                 timers[0].reached_us)));
    if (report) {
        ledger_give (self, ledger_item (self, "caught_up.until_us=7"));
    }
    assert_non_null (
        strstr (ledger_kinds (self), report ? "recovery.report" : "run.fired"));
    bf_ledger_rollback (self->ledger);
}

/* What a batch noted goes with it, and what it told is still to be told. */
static void
test_rollback (void **state)
{
    ledger *self = *state;
    make (self, "first", "");
    ledger_away (self, 2 * BF_MINUTE_US + 30 * BF_SECOND_US);
    fire_and_undo (self, false);
    fire_and_undo (self, true);
    ledger_do_item (self, "caught_up.until_us=5");
    assert_string_equal (ledger_kinds (self), "");
    ledger_fire (self, NULL);
    make (self, "second", "");
    ledger_away (self, 3 * BF_MINUTE_US + 30 * BF_SECOND_US);
    ledger_ok (self, "cancel.job.id=256");
    fire_and_undo (self, true);
    fire_and_undo (self, false);
    ledger_catch_up (self);
    assert_string_equal (counts (self, ledger_event (self, "recovery.report")),
                         "first:fired:1*1 first:missed:1*1 second:fired:1*1 "
                         "second:missed:1*2");
}

/* Without room it is owed; the first batch with room tells it, and later ones nothing. */
static void
test_scarce (void **state)
{
    ledger *self = *state;
    make (self, "tick", "");
    ledger_away (self, 2 * BF_MINUTE_US + 30 * BF_SECOND_US);
    ledger_fire (self, NULL);
    bf_ledger_set_scarce (self->ledger, true);
    ledger_do_item (self, "caught_up.from_us=3 caught_up.until_us=5");
    assert_string_equal (ledger_kinds (self), "");
    ledger_do_item (self, "caught_up.from_us=7 caught_up.until_us=9");
    assert_string_equal (ledger_kinds (self), "");
    bf_ledger_set_scarce (self->ledger, false);
    /* The batch that would tell it is lost. */
    ledger_begin (self);
    assert_string_equal (ledger_kinds (self), "recovery.report");
    bf_ledger_rollback (self->ledger);
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (ledger_kinds (self), "recovery.report");
    request_expect (&ledger_event (self, "recovery.report")->base, self->arena,
                    "recovery.from_us=3 recovery.until_us=9");
    ledger_begin (self);
    ledger_commit (self);
    assert_string_equal (ledger_kinds (self), "");
}

/* More types than are counted, more jobs than are shown, and keys as long as they may be:
 * the event stays small. */
static void
test_bounds (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    char key[KEY_BYTES];
    memset (key, 'k', sizeof key);
    for (int i = 0; i < 3000; i++) {
        char type[64];
        memset (type, 't', sizeof type);
        type[61] = (char)('a' + i % 130 / 10);
        type[62] = (char)('0' + i % 10);
        type[63] = '\0';
        static const char *const late[] = {
            "late=2 schedule.jobs.catchup_max=2", "late=3", "late=4",
            "late=1", /* each type has all of them, as 130 is no multiple of 4 */
        };
        make (self, type,
              ledger_text (self, "schedule.jobs.key=%.*s%04d schedule.jobs.%s",
                           KEY_BYTES - 4, key, i, late[i % 4]));
    }
    ledger_away (self, 10 * BF_MINUTE_US + 30 * BF_SECOND_US);
    ledger_catch_up (self);
    Belfry__V1__Event *event = ledger_event (self, "recovery.report");
    self->unchecked = false;
    ledger_check (self);
    assert_in_range (belfry__v1__event__get_packed_size (event), 1000, EVENT_BYTES - 4096);
    assert_in_range (event->recovery->n_items, 25, 100);
    uint64_t jobs[5] = {0};
    uint64_t slots[5] = {0};
    size_t types = 0;
    for (size_t i = 0; i < event->recovery->n_counts; i++) {
        const Belfry__V1__Recovery__Count *count = event->recovery->counts[i];
        jobs[count->decision] += count->jobs;
        slots[count->decision] += count->slots;
        bool others = count->type[0] == '\0';
        types += others;
        assert_true (!others || i + 4 >= event->recovery->n_counts);
    }
    assert_int_equal (types, 4);
    assert_int_equal (jobs[1], 1500);
    assert_int_equal (slots[1], 750 * 2 + 750);
    assert_int_equal (jobs[2], 2250);
    assert_int_equal (slots[2], 750 * 8 + 1500 * 9);
    assert_int_equal (jobs[3], 750);
    assert_int_equal (slots[3], 7500);
    assert_int_equal (slots[4], 750);
}

/* What a crash cuts short is told in two reports: each counts the job. */
static void
test_crash (void **state)
{
    ledger *self = *state;
    make (self, "tick", "schedule.jobs.late=2 schedule.jobs.catchup_max=5");
    ledger_away (self, 10 * BF_MINUTE_US + 30 * BF_SECOND_US);
    ledger_fire (self, NULL);
    ledger_pass (self, 100 * BF_MS_US);
    ledger_fire (self, NULL);
    ledger_reopen (self, true);
    ledger_catch_up (self);
    assert_string_equal (counts (self, ledger_event (self, "recovery.report")),
                         "tick:fired:1*3");
    /* And again, as if nothing had been. */
    ledger_away (self, 2 * BF_MINUTE_US);
    ledger_catch_up (self);
    Belfry__V1__Event *event = ledger_event (self, "recovery.report");
    assert_string_equal (counts (self, event), "tick:fired:1*2");
    assert_string_equal (items (self, event), "256:1*2");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_decisions), TEST (test_nothing), TEST (test_overlap),
        TEST (test_rollback),  TEST (test_scarce),  TEST (test_bounds),
        TEST (test_crash),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
