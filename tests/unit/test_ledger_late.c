/* SPDX-License-Identifier: MPL-2.0
 *
 * Slots that could not fire in time: every late policy in every situation, the grid that
 * never moves, pause and resume, and clocks that say strange things.
 */
#include <inttypes.h>
#include <string.h>

#include "core/job.h"
#include "core/run.h"
#include "core/trigger.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define INTERVAL_US BF_MINUTE_US
#define WEEK_US (7 * BF_DAY_US)

static int
make (ledger *self, const char *fields)
{
    Belfry__V1__Reply *reply =
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.type=tick "
                                      "schedule.jobs.retry.jitter_percent=0 %s",
                                      fields));
    return (int)reply->jobs->items[0]->job->id;
}

/* Every minute, any number of runs beside each other. */
static int
make_every (ledger *self, const char *fields)
{
    return make (self, ledger_text (self,
                                    "schedule.jobs.every.interval_us=60000000 "
                                    "schedule.jobs.overlap=6 %s",
                                    fields));
}

/* What became of a job whose first slot is a minute after the beginning: its state, its
 * runs by slot and state (R ready, W retry_wait, X dead, N delivered; ! for late), its
 * stretches, the number of slot.* events, and the next slot. */
static const char *
fate (ledger *self, int id)
{
    const char *job = ledger_string (
        self, ledger_text (self,
                           "SELECT state || '/' || reason || ' f' || fired || ' m' || "
                           "missed || ' s' || skipped FROM job WHERE id = %d",
                           id));
    const char *runs = ledger_string (
        self, ledger_text (self,
                           "SELECT group_concat (((due_us - %" PRId64 ") / 60000000) || "
                           "substr ('BRLWSXECN', state, 1) || "
                           "iif (lateness_us > 1000000, '!', ''), ' ') "
                           "FROM (SELECT * FROM run WHERE job = %d ORDER BY ordinal)",
                           LEDGER_WALL_US, id));
    const char *stretches = ledger_string (
        self, ledger_text (self,
                           "SELECT group_concat (iif (skipped, 's', 'm') || "
                           "((first_due_us - %" PRId64 ") / 60000000) || '-' || "
                           "((last_due_us - %" PRId64 ") / 60000000) || '*' || count, "
                           "' ') "
                           "FROM stretch WHERE job = %d",
                           LEDGER_WALL_US, LEDGER_WALL_US, id));
    Belfry__V1__Reply *told =
        ledger_ok (self, ledger_text (self,
                                      "history.kinds=slot.missed "
                                      "history.kinds=slot.skipped history.job.id=%d",
                                      id));
    int64_t due = ledger_number (
        self, ledger_text (self,
                           "SELECT (due_us - %" PRId64 ") / 60000000 FROM job "
                           "WHERE id = %d AND state = 2 UNION ALL SELECT 0",
                           LEDGER_WALL_US, id));
    return ledger_text (self, "%s [%s] %s (%zu) next %" PRId64, job, runs, stretches,
                        told->events->n_events, due);
}

#define FIRE_ONCE "schedule.jobs.late=1"
#define FIRE_ALL "schedule.jobs.late=2 schedule.jobs.catchup_max=3"
#define SKIP "schedule.jobs.late=3"
#define FAIL "schedule.jobs.late=4"
#define ONE_ATTEMPT " schedule.jobs.retry.max_attempts=1"

/* In time: within the grace of one second. */
#define IN_TIME (INTERVAL_US + BF_SECOND_US)
#define ONE_LATE (INTERVAL_US + BF_SECOND_US + 1)
#define A_WEEK (WEEK_US + 30 * BF_SECOND_US)
#define A_WEEK_AND_ONE WEEK_US

static void
test_recurring (void **state)
{
    static const struct {
        const char *name;
        const char *fields;
        int64_t away_us;
        const char *fate;
    } rows[] = {
        {"once, in time", FIRE_ONCE, IN_TIME, "2/0 f1 m0 s0 [1R]  (0) next 2"},
        {"all, in time", FIRE_ALL, IN_TIME, "2/0 f1 m0 s0 [1R]  (0) next 2"},
        {"skip, in time", SKIP, IN_TIME, "2/0 f1 m0 s0 [1R]  (0) next 2"},
        {"fail, in time", FAIL, IN_TIME, "2/0 f1 m0 s0 [1R]  (0) next 2"},
        {"once, one", FIRE_ONCE, ONE_LATE, "2/0 f1 m0 s0 [1R!]  (0) next 2"},
        {"all, one", FIRE_ALL, ONE_LATE, "2/0 f1 m0 s0 [1R!]  (0) next 2"},
        {"skip, one", SKIP, ONE_LATE, "2/0 f0 m0 s1 [] s1-1*1 (1) next 2"},
        {"fail, one", FAIL, ONE_LATE, "2/0 f1 m0 s0 [1W!]  (0) next 2"},
        {"fail, one attempt", FAIL ONE_ATTEMPT, ONE_LATE, "2/1 f1 m0 s0 [1X!]  (0) next 2"},
        {"a longer grace", FIRE_ONCE " schedule.jobs.grace_us=70000000", ONE_LATE,
         "2/0 f1 m0 s0 [1R!]  (0) next 2"},
        {"skip, a longer grace", SKIP " schedule.jobs.grace_us=70000000", ONE_LATE,
         "2/0 f1 m0 s0 [1R!]  (0) next 2"},
        {"once, a week", FIRE_ONCE, A_WEEK,
         "2/0 f1 m10079 s0 [10080R!] m1-10079*10079 (1) next 10081"},
        {"all, a week", FIRE_ALL, A_WEEK,
         "2/0 f3 m10077 s0 [10078R! 10079R! 10080R!] m1-10077*10077 (1) next 10081"},
        {"skip, a week", SKIP, A_WEEK, "2/0 f0 m0 s10080 [] s1-10080*10080 (1) next 10081"},
        {"fail, a week", FAIL, A_WEEK,
         "2/0 f1 m10079 s0 [10080W!] m1-10079*10079 (1) next 10081"},
        {"once, a week and one in time", FIRE_ONCE, A_WEEK_AND_ONE,
         "2/0 f1 m10079 s0 [10080R] m1-10079*10079 (1) next 10081"},
        {"all, a week and one in time", FIRE_ALL, A_WEEK_AND_ONE,
         "2/0 f4 m10076 s0 [10077R! 10078R! 10079R! 10080R] m1-10076*10076 (1) "
         "next 10081"},
        {"skip, a week and one in time", SKIP, A_WEEK_AND_ONE,
         "2/0 f1 m0 s10079 [10080R] s1-10079*10079 (1) next 10081"},
        {"fail, a week and one in time", FAIL, A_WEEK_AND_ONE,
         "2/0 f2 m10078 s0 [10079W! 10080R] m1-10078*10078 (1) next 10081"},
        {"once, delivered", FIRE_ONCE " schedule.jobs.delivery=2", A_WEEK,
         "2/0 f1 m10079 s0 [10080N!] m1-10079*10079 (1) next 10081"},
        {"all, delivered", FIRE_ALL " schedule.jobs.delivery=2", ONE_LATE,
         "2/0 f1 m0 s0 [1N!]  (0) next 2"},
        /* max_runs counts what fires, in the middle of a stretch, too. */
        {"all, two of them", FIRE_ALL " schedule.jobs.max_runs=2", A_WEEK,
         "3/0 f2 m10077 s0 [10078R! 10079R!] m1-10077*10077 (1) next 0"},
        {"once, one of them", FIRE_ONCE " schedule.jobs.max_runs=1", A_WEEK,
         "3/0 f1 m10079 s0 [10080R!] m1-10079*10079 (1) next 0"},
        /* The series ended while nobody was there: at slot 5. */
        {"once, to the end", FIRE_ONCE " schedule.jobs.end_us=1767225900000000", A_WEEK,
         "3/0 f1 m4 s0 [5R!] m1-4*4 (1) next 0"},
        {"all, to the end", FIRE_ALL " schedule.jobs.end_us=1767225900000000", A_WEEK,
         "3/0 f3 m2 s0 [3R! 4R! 5R!] m1-2*2 (1) next 0"},
        {"skip, to the end", SKIP " schedule.jobs.end_us=1767225900000000", A_WEEK,
         "5/3 f0 m0 s5 [] s1-5*5 (1) next 0"},
        {"fail, to the end", FAIL ONE_ATTEMPT " schedule.jobs.end_us=1767225900000000",
         A_WEEK, "5/1 f1 m4 s0 [5X!] m1-4*4 (1) next 0"},
        {"delivered, to the end",
         FIRE_ONCE " schedule.jobs.delivery=2 schedule.jobs.end_us=1767225900000000",
         A_WEEK, "4/0 f1 m4 s0 [5N!] m1-4*4 (1) next 0"},
        /* The first slot is start_us, wherever that is. */
        {"from a start", FIRE_ONCE " schedule.jobs.start_us=1767225780000000", ONE_LATE,
         "2/0 f0 m0 s0 []  (0) next 3"},
        {"a week from a start", SKIP " schedule.jobs.start_us=1767225780000000", A_WEEK,
         "2/0 f0 m0 s10078 [] s3-10080*10078 (1) next 10081"},
    };
    ledger *self = *state;
    int64_t begun_us = self->now.boot.us;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* Each begins at the same moment of the wall clock. */
        self->now.wall.us = LEDGER_WALL_US;
        self->back = self->now;
        int id = make_every (self, rows[i].fields);
        ledger_away (self, rows[i].away_us);
        ledger_catch_up (self);
        const char *found = fate (self, id);
        if (strcmp (found, rows[i].fate) != 0) {
            fail_msg ("%s:\n  %s, expected\n  %s", rows[i].name, found, rows[i].fate);
        }
        ledger_do (self, ledger_text (self, "cancel.job.id=%d", id));
    }
    assert_true (self->now.boot.us > begun_us);
}

/* at in time, late, and in the past from the beginning; after, over an absence. */
static void
test_one_shots (void **state)
{
    static const struct {
        const char *fields;
        int64_t away_us;
        const char *fate;
    } rows[] = {
        {"at_us=1767225660000000 " FIRE_ONCE, IN_TIME, "3/0 f1 m0 s0 [1R]  (0) next 0"},
        {"at_us=1767225660000000 " FIRE_ONCE, ONE_LATE, "3/0 f1 m0 s0 [1R!]  (0) next 0"},
        {"at_us=1767225660000000 " FIRE_ALL, ONE_LATE, "3/0 f1 m0 s0 [1R!]  (0) next 0"},
        {"at_us=1767225660000000 " SKIP, IN_TIME, "3/0 f1 m0 s0 [1R]  (0) next 0"},
        {"at_us=1767225660000000 " SKIP, ONE_LATE, "5/3 f0 m0 s1 [] s1-1*1 (1) next 0"},
        {"at_us=1767225660000000 " FAIL, ONE_LATE, "3/0 f1 m0 s0 [1W!]  (0) next 0"},
        {"at_us=1767225660000000 " FAIL ONE_ATTEMPT, ONE_LATE,
         "5/1 f1 m0 s0 [1X!]  (0) next 0"},
        {"at_us=1767225660000000 schedule.jobs.delivery=2 " FIRE_ONCE, ONE_LATE,
         "4/0 f1 m0 s0 [1N!]  (0) next 0"},
        /* An hour ago. */
        {"at_us=1767222000000000 " FIRE_ONCE, 0, "3/0 f1 m0 s0 [-60R!]  (0) next 0"},
        {"at_us=1767222000000000 " SKIP, 0, "5/3 f0 m0 s1 [] s-60--60*1 (1) next 0"},
        {"at_us=1767222000000000 " FAIL, 0, "3/0 f1 m0 s0 [-60W!]  (0) next 0"},
        {"at_us=1767222000000000 schedule.jobs.grace_us=3600000000 " SKIP, 0,
         "3/0 f1 m0 s0 [-60R!]  (0) next 0"},
    };
    ledger *self = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        self->now.wall.us = LEDGER_WALL_US;
        self->back = self->now;
        int id = make (self, ledger_text (self, "schedule.jobs.%s", rows[i].fields));
        if (rows[i].away_us > 0) {
            ledger_away (self, rows[i].away_us);
        }
        ledger_catch_up (self);
        const char *found = fate (self, id);
        if (strcmp (found, rows[i].fate) != 0) {
            fail_msg ("%s:\n  %s, expected\n  %s", rows[i].fields, found, rows[i].fate);
        }
        ledger_do (self, ledger_text (self, "cancel.job.id=%d", id));
    }
    /* On the boot clock, which a step of the wall clock is nothing to. */
    int id = make (self, "schedule.jobs.after_us=60000000 " SKIP);
    ledger_set_wall (self, BF_DAY_US);
    ledger_pass (self, INTERVAL_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.fired");
    ledger_do (self, ledger_text (self, "cancel.job.id=%d", id));
    make (self, "schedule.jobs.after_us=60000000 " SKIP);
    ledger_away (self, ONE_LATE);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "slot.skipped job.dead");
}

/* A busy scheduler makes nothing late, however long it takes. */
static void
test_backlog (void **state)
{
    ledger *self = *state;
    int id = make_every (self, SKIP);
    ledger_pass (self, 3 * INTERVAL_US + 30 * BF_SECOND_US);
    for (int i = 0; i < 3; i++) {
        assert_int_equal (ledger_fire (self, NULL), 1);
        assert_string_equal (ledger_kinds (self), "run.fired");
    }
    assert_int_equal (ledger_fire (self, NULL), 0);
    /* Flagged, because they are; but no policy was asked. */
    assert_string_equal (fate (self, id), "2/0 f3 m0 s0 [1R! 2R! 3R!]  (0) next 4");
}

/* What the events of one decision say, and the images in them. */
static void
test_events (void **state)
{
    ledger *self = *state;
    make_every (self, FIRE_ONCE);
    ledger_away (self, A_WEEK);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "slot.missed run.fired");
    Belfry__V1__Event *event = ledger_event (self, "slot.missed");
    request_expect (&event->base, self->arena,
                    "job=256 type=tick run= slots.first_due_us=1767225660000000 "
                    "slots.last_due_us=1767830340000000 slots.count=10079 "
                    "stretch_after.after_ordinal=0 stretch_after.skipped=0 "
                    "stretch_after.count=10079 job_after.counts.missed=10079 clock=0");
    assert_true (event->reason[0] != '\0');
    event = ledger_event (self, "run.fired");
    request_expect (&event->base, self->arena,
                    "due_us=1767830400000000 lateness_us=30000000 run_after.late=1 "
                    "job_after.due_us=1767830460000000 job_after.counts.fired=1 "
                    "job_after.counts.open=1");
    /* Nothing was fired between two stretches of one kind: they are one row. */
    make_every (self, SKIP);
    for (int i = 1; i <= 3; i++) {
        ledger_away (self, INTERVAL_US);
        ledger_pass (self, 2 * BF_SECOND_US);
        self->back = self->now;
        bf_timer *timers;
        size_t count = ledger_due (self, &timers);
        for (size_t k = 0; k < count; k++) {
            if (timers[k].job == 512) {
                ledger_propose (self, &timers[k], 1, NULL);
            }
        }
        assert_string_equal (ledger_kinds (self), "slot.skipped");
        request_expect (&ledger_event (self, "slot.skipped")->base, self->arena,
                        ledger_text (self, "slots.count=1 stretch_after.count=%d", i));
    }
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM stretch WHERE job = 512"),
                      1);
}

/* FIRE_ALL: one each tenth of a second, oldest first, each in a step of its own; and when
 * its worker is done, the next absence begins a bound of its own. */
static void
test_paced (void **state)
{
    ledger *self = *state;
    make_every (self, FIRE_ALL);
    ledger_away (self, A_WEEK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal (ledger_fire (self, NULL), 1);
        assert_string_equal (ledger_kinds (self),
                             i == 0 ? "slot.missed run.fired" : "run.fired");
        const char *armed = i < 2 ? ledger_text (self, "arm:0:256.0@%" PRId64 " settled:9",
                                                 self->now.wall.us + BF_LATE_PACE_US)
                                  : ledger_text (self, "arm:0:256.0@%" PRId64 " settled:9",
                                                 LEDGER_WALL_US + WEEK_US + INTERVAL_US);
        assert_string_equal (ledger_to_clock (self), armed);
        ledger_pass (self, BF_LATE_PACE_US - 1);
        assert_int_equal (ledger_fire (self, NULL), 0);
        ledger_pass (self, 1);
    }
    ledger_away (self, 2 * INTERVAL_US);
    ledger_catch_up (self);
    assert_string_equal (fate (self, 256),
                         "2/0 f5 m10077 s0 [10078R! 10079R! 10080R! 10081R! 10082R!] "
                         "m1-10077*10077 (1) next 10083");
}

/* The overlap policy refuses late slots together: the first has its run, the nine behind it
 * are one decision, one event. And what is fired faster than that is paced by its own grid.
 */
static void
test_refused_together (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.every.interval_us=1000000 "
                     "schedule.jobs.late=2");
    ledger_away (self, 10 * BF_SECOND_US + BF_SECOND_US + 1);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_string_equal (ledger_kinds (self), "run.fired");
    ledger_pass (self, BF_LATE_PACE_US);
    assert_int_equal (ledger_fire (self, NULL), 1);
    assert_string_equal (ledger_kinds (self), "slot.skipped");
    request_expect (&ledger_event (self, "slot.skipped")->base, self->arena,
                    "slots.count=9 job_after.counts.overlap_skipped=9");
    ledger_ok (self, "schedule.jobs.type=quick schedule.jobs.every.interval_us=50000 "
                     "schedule.jobs.late=2 schedule.jobs.overlap=6");
    ledger_away (self, 10 * BF_SECOND_US);
    ledger_fire (self, NULL);
    assert_int_equal (ledger_number (self, "SELECT max (wake_us) FROM job WHERE id = 512"),
                      self->now.wall.us + 25000);
}

/* A restart in the middle of catching up goes on where it was. */
static void
test_paced_over_a_crash (void **state)
{
    ledger *self = *state;
    make_every (self, FIRE_ALL);
    ledger_away (self, A_WEEK);
    ledger_fire (self, NULL);
    ledger_reopen (self, true);
    ledger_catch_up (self);
    assert_string_equal (fate (self, 256),
                         "2/0 f3 m10077 s0 [10078R! 10079R! 10080R!] m1-10077*10077 (1) "
                         "next 10081");
}

/* Whatever happens, every slot is where the grid has it. */
static void
test_grid (void **state)
{
    ledger *self = *state;
    static const char *const fields[] = {FIRE_ONCE, FIRE_ALL, SKIP, FAIL};
    for (size_t i = 0; i < 4; i++) {
        make_every (self, ledger_text (self,
                                       "%s schedule.jobs.jitter_us=30000000 "
                                       "schedule.jobs.every.anchor_us=1767225600000007",
                                       fields[i]));
    }
    for (int i = 0; i < 40; i++) {
        ledger_pass (self, i * 3 * BF_SECOND_US);
        if (i % 3 == 0) {
            ledger_away (self, i * 11 * BF_SECOND_US);
        }
        ledger_fire (self, NULL);
    }
    for (int id = 256; id <= 1024; id += 256) {
        bf_trigger trigger = {.jitter = {30000000}};
        int64_t offset_us = bf_trigger_offset (&trigger, (uint64_t)id).us;
        assert_true (offset_us > 0);
        const char *wrong =
            ledger_text (self,
                         "SELECT (SELECT count (*) FROM run WHERE job = %d AND "
                         "(due_us - 1767225600000007) %% 60000000 <> %" PRId64 ") + "
                         "(SELECT count (*) FROM stretch WHERE job = %d AND "
                         "((first_due_us - 1767225600000007) %% 60000000 <> %" PRId64
                         " OR (last_due_us - first_due_us) / 60000000 <> count - 1))",
                         id, offset_us, id, offset_us);
        assert_int_equal (ledger_number (self, wrong), 0);
        /* No slot is lost: each fired, or is in a stretch. */
        assert_int_equal (
            ledger_number (self, ledger_text (self,
                                              "SELECT fired + missed + skipped - "
                                              "(due_us - 1767225600000007) / 60000000 "
                                              "FROM job WHERE id = %d",
                                              id)),
            0);
    }
}

/* Pause, then resume: catching up by the policy, or from now. */
static void
test_resume (void **state)
{
    static const struct {
        const char *fields;
        const char *resume;
        const char *fate;
    } rows[] = {
        {"every.interval_us=60000000 " FIRE_ONCE, "",
         "2/0 f1 m9 s0 [10R!] m1-9*9 (1) next 11"},
        {"every.interval_us=60000000 schedule.jobs.overlap=6 " FIRE_ALL, "",
         "2/0 f3 m7 s0 [8R! 9R! 10R!] m1-7*7 (1) next 11"},
        {"every.interval_us=60000000 " SKIP, "", "2/0 f0 m0 s10 [] s1-10*10 (1) next 11"},
        {"every.interval_us=60000000 " FAIL, "", "2/0 f1 m9 s0 [10W!] m1-9*9 (1) next 11"},
        {"every.interval_us=60000000 " FIRE_ONCE, "resume.from=2",
         "2/0 f0 m10 s0 [] m1-10*10 (1) next 11"},
        {"every.interval_us=60000000 " FIRE_ALL, "resume.from=2",
         "2/0 f0 m10 s0 [] m1-10*10 (1) next 11"},
        {"every.interval_us=60000000 schedule.jobs.end_us=1767225780000000 " FIRE_ONCE,
         "resume.from=2", "5/2 f0 m3 s0 [] m1-3*3 (1) next 0"},
        {"every.interval_us=6000000000 " SKIP, "resume.from=2",
         "2/0 f0 m0 s0 []  (0) next 100"},
        {"at_us=1767225660000000 " FIRE_ONCE, "", "3/0 f1 m0 s0 [1R!]  (0) next 0"},
        {"at_us=1767225660000000 " SKIP, "", "5/3 f0 m0 s1 [] s1-1*1 (1) next 0"},
        {"at_us=1767225660000000 " FIRE_ONCE, "resume.from=2",
         "5/2 f0 m1 s0 [] m1-1*1 (1) next 0"},
    };
    ledger *self = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        self->now.wall.us = LEDGER_WALL_US;
        self->back = self->now;
        int id = make (self, ledger_text (self, "schedule.jobs.%s", rows[i].fields));
        ledger_ok (self, ledger_text (self, "pause.job.id=%d", id));
        ledger_pass (self, 10 * INTERVAL_US + 30 * BF_SECOND_US);
        assert_int_equal (ledger_fire (self, NULL), 0);
        ledger_ok (self, ledger_text (self, "resume.job.id=%d %s", id, rows[i].resume));
        ledger_catch_up (self);
        const char *found = fate (self, id);
        if (strcmp (found, rows[i].fate) != 0) {
            fail_msg ("%s %s:\n  %s, expected\n  %s", rows[i].fields, rows[i].resume, found,
                      rows[i].fate);
        }
        ledger_do (self, ledger_text (self, "cancel.job.id=%d", id));
    }
}

/* The job's timer, with a word of the clock's on when it was reached. */
static void
propose_reached (ledger *self, int64_t reached_us)
{
    bf_timer *timers;
    assert_int_equal (ledger_due (self, &timers), 1);
    timers[0].reached_us = reached_us;
    ledger_propose (self, timers, 1, NULL);
}

/* The latest of due, armed and reached counts, and never a time to come. */
static void
test_reached (void **state)
{
    static const struct {
        int64_t reached_us; /* from the beginning; 0: not said */
        const char *kinds;
        const char *fate;
    } rows[] = {
        /* Resumed at 10:30; the clock was back before, after, and long after that. */
        {0, "slot.missed run.fired", "2/0 f1 m9 s0 [10R!] m1-9*9 (1) next 11"},
        {5 * INTERVAL_US, "slot.missed run.fired",
         "2/0 f1 m9 s0 [10R!] m1-9*9 (1) next 11"},
        {11 * INTERVAL_US + 30 * BF_SECOND_US, "slot.missed run.fired",
         "2/0 f1 m10 s0 [11R!] m1-10*10 (1) next 12"},
        {BF_DAY_US, "slot.missed run.fired", "2/0 f1 m11 s0 [12R] m1-11*11 (1) next 13"},
    };
    ledger *self = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        self->now.wall.us = LEDGER_WALL_US;
        self->back = (bf_now){0};
        int id = make_every (self, FIRE_ONCE);
        ledger_ok (self, ledger_text (self, "pause.job.id=%d", id));
        ledger_pass (self, 10 * INTERVAL_US + 30 * BF_SECOND_US);
        ledger_ok (self, ledger_text (self, "resume.job.id=%d", id));
        int64_t passed_us = i < 2 ? 0 : INTERVAL_US;
        ledger_pass (self, i == 3 ? INTERVAL_US + 31 * BF_SECOND_US : passed_us);
        propose_reached (self,
                         rows[i].reached_us ? LEDGER_WALL_US + rows[i].reached_us : 0);
        assert_string_equal (ledger_kinds (self), rows[i].kinds);
        assert_string_equal (fate (self, id), rows[i].fate);
        ledger_do (self, ledger_text (self, "cancel.job.id=%d", id));
    }
}

/* The wall clock is set back under a job that was resumed later than it is now: what is to
 * come is not missed. */
static void
test_set_back (void **state)
{
    ledger *self = *state;
    int id = make_every (self, FIRE_ONCE);
    ledger_ok (self, "pause.job.id=256");
    ledger_pass (self, 10 * INTERVAL_US + 30 * BF_SECOND_US);
    ledger_ok (self, "resume.job.id=256");
    ledger_set_wall (self, -5 * INTERVAL_US);
    ledger_catch_up (self);
    assert_string_equal (fate (self, id), "2/0 f1 m4 s0 [5R!] m1-4*4 (1) next 6");
    /* Behind its slot altogether: it waits for its time. */
    ledger_pass (self, INTERVAL_US);
    bf_timer *timers;
    assert_int_equal (ledger_due (self, &timers), 1);
    ledger_set_wall (self, -2 * INTERVAL_US);
    ledger_propose (self, timers, 1, NULL);
    assert_string_equal (ledger_kinds (self), "");
    ledger_pass (self, 2 * INTERVAL_US);
    ledger_catch_up (self);
    assert_string_equal (fate (self, id), "2/0 f2 m4 s0 [5R! 6R!] m1-4*4 (1) next 7");
}

/* The same stretch goes on at times that came before. */
static void
test_stretch_set_back (void **state)
{
    ledger *self = *state;
    make_every (self, SKIP);
    ledger_away (self, 3 * INTERVAL_US + 30 * BF_SECOND_US);
    ledger_catch_up (self);
    self->now.wall.us = LEDGER_WALL_US - 10 * INTERVAL_US;
    self->stepped_back = true;
    ledger_ok (self, "reschedule.job.id=256 reschedule.every.interval_us=60000000");
    self->back = self->now;
    ledger_away (self, 2 * INTERVAL_US + 30 * BF_SECOND_US);
    ledger_catch_up (self);
    assert_string_equal (fate (self, 256), "2/0 f0 m0 s5 [] s-9-3*5 (2) next -7");
}

/* A slot that failed by being late waits for its next attempt, and then for a worker as
 * long as start_timeout says. */
static void
test_fail (void **state)
{
    ledger *self = *state;
    make (self,
          "schedule.jobs.at_us=1767225660000000 schedule.jobs.start_timeout_us=9000000 "
          "schedule.jobs.retry.max_attempts=2 " FAIL);
    ledger_away (self, ONE_LATE);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.fired run.failed");
    request_expect (&ledger_event (self, "run.failed")->base, self->arena,
                    "reason=missed run_after.failures=1 run_after.attempt=0 "
                    "run_after.state=4");
    ledger_pass (self, BF_SECOND_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.retrying");
    ledger_pass (self, 9 * BF_SECOND_US);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.expired job.dead");
    /* The failure counts: one more is the last. */
    make (self,
          "schedule.jobs.at_us=1767225660000000 schedule.jobs.retry.max_attempts=2 " FAIL);
    ledger_fire (self, NULL);
    ledger_pass (self, BF_SECOND_US);
    ledger_fire (self, NULL);
    ledger_lease (self, "tick");
    ledger_ok (self, "fail.token=512.1.1");
    assert_string_equal (ledger_kinds (self), "run.failed run.dead job.dead");
    /* Dead at birth, and redriven. */
    make (self, "schedule.jobs.at_us=1767225660000000" ONE_ATTEMPT " " FAIL);
    ledger_fire (self, NULL);
    assert_string_equal (ledger_kinds (self), "run.fired run.failed run.dead job.dead");
    ledger_ok (self, "redrive.run=768");
    ledger_lease (self, "tick");
    ledger_ok (self, "complete.token=768.2.1");
    assert_string_equal (ledger_kinds (self), "run.succeeded job.completed");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_recurring),
        TEST (test_one_shots),
        TEST (test_backlog),
        TEST (test_events),
        TEST (test_paced),
        TEST (test_refused_together),
        TEST (test_paced_over_a_crash),
        TEST (test_grid),
        TEST (test_resume),
        TEST (test_reached),
        TEST (test_set_back),
        TEST (test_stretch_set_back),
        TEST (test_fail),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
