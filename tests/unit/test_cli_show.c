/* SPDX-License-Identifier: MPL-2.0
 *
 * Jobs, runs and events as text for people.
 */
#include "apps/belfry/show.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

#define NOW_US INT64_C (1795439146000000) /* 2026-11-23T13:05:46Z */

typedef struct {
    char *text;
    size_t size;
    FILE *out;
} page;

static FILE *
begin (page *self)
{
    *self = (page){0};
    self->out = open_memstream (&self->text, &self->size);
    assert_non_null (self->out);
    return self->out;
}

static void
expect (page *self, const char *text)
{
    fclose (self->out);
    assert_string_equal (self->text, text);
    free (self->text);
}

static void
test_event (void **state)
{
    (void)state;
    page self;
    Belfry__V1__Event event = BELFRY__V1__EVENT__INIT;
    event.seq = 42;
    event.at_us = NOW_US + 120000;
    event.kind = "run.fired";
    event.type = "claim_timeout";
    event.job = 256;
    event.run = "256.1";
    event.key = "turn-7";
    event.lateness_us = 12000;
    bf_cli_show_event (begin (&self), &event);
    expect (&self,
            "2026-11-23T13:05:46.120Z      42  run.fired           claim_timeout     "
            "256.1       turn-7        +12ms  -\n");
    event.kind = "run.failed";
    event.attempt = 2;
    event.lateness_us = 0;
    event.reason = "the board\ndid not answer";
    bf_cli_show_event (begin (&self), &event);
    expect (&self,
            "2026-11-23T13:05:46.120Z      42  run.failed          claim_timeout     "
            "256.1.2     turn-7        -  the board?did not answer\n");
}

static void
test_event_of_nothing (void **state)
{
    (void)state;
    page self;
    Belfry__V1__Event event = BELFRY__V1__EVENT__INIT;
    event.seq = 1000000;
    event.at_us = NOW_US;
    event.kind = "clock.stepped";
    event.delta_us = -2500000;
    bf_cli_show_event (begin (&self), &event);
    expect (&self,
            "2026-11-23T13:05:46.000Z  1000000  clock.stepped       -                 "
            "-           -             -2.5s  -\n");
}

static void
test_item (void **state)
{
    (void)state;
    page self;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    Belfry__V1__Run run = BELFRY__V1__RUN__INIT;
    Belfry__V1__Run *out[] = {&run};
    Belfry__V1__JobsReply__Item item = BELFRY__V1__JOBS_REPLY__ITEM__INIT;
    item.job = &job;
    job.id = 256;
    job.state = BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED;
    job.due_us = NOW_US + 192000000;
    job.paused = 1;
    bf_cli_show_item (begin (&self), &item, NOW_US);
    expect (&self, "256 scheduled, paused, due 2026-11-23T13:08:58.000Z (in 3m12s)\n");
    job.state = BELFRY__V1__JOB_STATE__JOB_STATE_CANCELLED;
    job.paused = 0;
    item.outcome = BELFRY__V1__OUTCOME__OUTCOME_UNCHANGED;
    item.out = out;
    item.n_out = 1;
    run.run = "256.1";
    run.state = BELFRY__V1__RUN_STATE__RUN_STATE_LEASED;
    run.attempt = 1;
    run.worker = "bot-3";
    run.cancel_requested = 1;
    bf_cli_show_item (begin (&self), &item, NOW_US);
    expect (&self, "256 cancelled, unchanged\n"
                   "  256.1 leased, attempt 1, held by bot-3, asked to stop\n");
}

static void
test_run (void **state)
{
    (void)state;
    page self;
    Belfry__V1__Run run = BELFRY__V1__RUN__INIT;
    run.run = "256.1";
    run.state = BELFRY__V1__RUN_STATE__RUN_STATE_RETRY_WAIT;
    run.attempt = 1;
    run.failures = 1;
    run.worker = "bot-3";
    run.timer_us = NOW_US + 1000000;
    run.reason = "no board";
    bf_cli_show_run (begin (&self), &run, NOW_US);
    expect (&self, "256.1 retry_wait, attempt 1, 1 failure, again 2026-11-23T13:05:47.000Z "
                   "(in 1s): no board\n");
    /* Of a peer that may be anybody. */
    run.run = "256.1\033[2J";
    run.timer_us = INT64_MIN;
    run.reason = "";
    bf_cli_show_run (begin (&self), &run, NOW_US);
    expect (&self, "256.1?[2J retry_wait, attempt 1, 1 failure, again "
                   "0001-01-01T00:00:00.224Z (106751991d4h ago)\n");
}

static void
test_job (void **state)
{
    (void)state;
    page self;
    Belfry__V1__RetryPolicy retry = BELFRY__V1__RETRY_POLICY__INIT;
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    char *tags[] = {"red", "blue"};
    retry.max_attempts = 5;
    retry.backoff = BELFRY__V1__BACKOFF__BACKOFF_EXPONENTIAL;
    retry.delay_us = 1000000;
    retry.factor_permille = 2000;
    retry.max_delay_us = 300000000;
    retry.jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT;
    retry.jitter_percent = 10;
    spec.ns = "default";
    spec.key = "turn-7";
    spec.type = "claim_timeout";
    spec.tags = tags;
    spec.n_tags = 2;
    spec.delivery = BELFRY__V1__DELIVERY__DELIVERY_WORK;
    spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
    spec.after_us = 90000000;
    spec.lease_us = 30000000;
    spec.retry = &retry;
    job.id = 256;
    job.spec = &spec;
    job.state = BELFRY__V1__JOB_STATE__JOB_STATE_DEAD;
    job.reason = BELFRY__V1__JOB_REASON__JOB_REASON_RUN_DEAD;
    job.due_us = NOW_US - 5000000;
    job.version = 2;
    job.runs = 3;
    job.open_runs = 1;
    job.payload_bytes = 1;
    job.final_us = NOW_US;
    bf_cli_show_job (begin (&self), &job, NOW_US);
    expect (&self, "job           256\n"
                   "ns            default\n"
                   "key           turn-7\n"
                   "type          claim_timeout\n"
                   "state         dead (run_dead)\n"
                   "due           2026-11-23T13:05:41.000Z (5s ago)\n"
                   "version       2\n"
                   "runs          3, 1 open\n"
                   "payload       1 byte\n"
                   "tags          red\n"
                   "              blue\n"
                   "delivery      work\n"
                   "after         1m30s\n"
                   "retry         5 attempts, exponential, 1s x 2 up to 5m, jitter 10 %\n"
                   "lease         30s\n"
                   "final         2026-11-23T13:05:46.000Z (now)\n");
}

static void
test_recurring_job (void **state)
{
    (void)state;
    page self;
    Belfry__V1__RetryPolicy retry = BELFRY__V1__RETRY_POLICY__INIT;
    Belfry__V1__Every every = BELFRY__V1__EVERY__INIT;
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    Belfry__V1__Counts counts = BELFRY__V1__COUNTS__INIT;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    int64_t delays[] = {1000000, 5000000};
    retry.max_attempts = 1;
    retry.backoff = BELFRY__V1__BACKOFF__BACKOFF_LIST;
    retry.delays_us = delays;
    retry.n_delays_us = 2;
    retry.max_age_us = 600000000;
    every.interval_us = 900000000;
    every.anchor_case = BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
    every.anchor_us = NOW_US - 46000000;
    spec.type = "poll";
    spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_EVERY;
    spec.every = &every;
    spec.end_us = NOW_US + 60000000;
    spec.max_runs = 9;
    spec.jitter_us = 5000000;
    spec.retry = &retry;
    spec.late = BELFRY__V1__LATE__LATE_FIRE_ALL;
    spec.catchup_max = 3;
    spec.grace_us = 1000000;
    spec.overlap = BELFRY__V1__OVERLAP__OVERLAP_CANCEL_OTHER;
    counts.fired = 4;
    counts.missed = 2;
    counts.cancelled_others = 1;
    counts.blocked = 1;
    job.id = 256;
    job.spec = &spec;
    job.counts = &counts;
    job.state = BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED;
    job.due_us = NOW_US + 3000000;
    job.version = 1;
    bf_cli_show_job (begin (&self), &job, NOW_US);
    expect (
        &self,
        "job           256\n"
        "type          poll\n"
        "state         scheduled\n"
        "due           2026-11-23T13:05:49.000Z (in 3s)\n"
        "version       1\n"
        "runs          0, 0 open\n"
        "slots         4 fired, 2 missed, 1 others asked to stop, 1 waiting for another "
        "run\n"
        "delivery      unspecified\n"
        "every         15m, anchored at 2026-11-23T13:05:00.000Z, next "
        "2026-11-23T13:05:49.000Z (in 3s)\n"
        "end           2026-11-23T13:06:46.000Z (in 1m)\n"
        "max runs      9\n"
        "jitter        5s\n"
        "late          fire_all, up to 3, after 1s\n"
        "overlap       cancel_other\n"
        "retry         1 attempt, list, 1s,5s, none after 10m\n");
}

static void
test_calendar_job (void **state)
{
    (void)state;
    page self;
    char *exclude[] = {"holidays", "nights"};
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    spec.type = "report";
    spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_CRON;
    spec.cron = "0 9 * * MON-FRI";
    spec.tz = "Europe/Berlin";
    spec.skipped = BELFRY__V1__SKIPPED__SKIPPED_AFTER_GAP;
    spec.repeated = BELFRY__V1__REPEATED__REPEATED_BOTH;
    spec.exclude = exclude;
    spec.n_exclude = 2;
    spec.max_runs = 9;
    job.id = 256;
    job.spec = &spec;
    job.state = BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED;
    job.due_us = NOW_US + 3000000;
    job.version = 1;
    bf_cli_show_job (begin (&self), &job, NOW_US);
    expect (&self, "job           256\n"
                   "type          report\n"
                   "state         scheduled\n"
                   "due           2026-11-23T13:05:49.000Z (in 3s)\n"
                   "version       1\n"
                   "runs          0, 0 open\n"
                   "delivery      unspecified\n"
                   "cron          0 9 * * MON-FRI, next 2026-11-23T13:05:49.000Z (in 3s)\n"
                   "zone          Europe/Berlin, skipped after_gap, repeated both\n"
                   "exclude       holidays\n"
                   "              nights\n"
                   "max runs      9\n");

    static const struct {
        Belfry__V1__JobSpec__TriggerCase kind;
        char *text;
        const char *line;
        const char *cell;
    } rows[] = {
        {BELFRY__V1__JOB_SPEC__TRIGGER_CRON, "@hourly", "\ncron          @hourly, next ",
         "  @hourly  1\n"},
        {BELFRY__V1__JOB_SPEC__TRIGGER_DAILY, "2130", "\ndaily         2130, next ",
         "  2130    1\n"},
        {BELFRY__V1__JOB_SPEC__TRIGGER_RRULE, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA",
         "\nrrule         FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA, next ",
         "  FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR...  1\n"},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        bf_cli_table jobs = bf_cli_jobs_table ();
        spec.trigger_case = rows[index].kind;
        spec.cron = rows[index].text;
        FILE *out = begin (&self);
        bf_cli_show_job (out, &job, NOW_US);
        bf_cli_jobs_row (&jobs, &job, NOW_US);
        assert_true (bf_cli_table_print (&jobs, out));
        fclose (out);
        assert_non_null (strstr (self.text, rows[index].line));
        assert_non_null (strstr (self.text, rows[index].cell));
        free (self.text);
    }
}

static void
expect_detail (const Belfry__V1__Event *event, const char *tail)
{
    page self;
    bf_cli_show_event (begin (&self), event);
    fclose (self.out);
    size_t length = strlen (tail);
    assert_true (self.size > length);
    assert_string_equal (self.text + self.size - length, tail);
    free (self.text);
}

/* What the kinds have to say that are more than a name and a number. */
static void
test_event_details (void **state)
{
    (void)state;
    Belfry__V1__Event event = BELFRY__V1__EVENT__INIT;
    Belfry__V1__Slots slots = BELFRY__V1__SLOTS__INIT;
    event.kind = "slot.missed";
    event.slots = &slots;
    slots.count = 3;
    slots.first_due_us = NOW_US;
    slots.last_due_us = NOW_US + 2000000;
    expect_detail (&event, "  -  3 slots, "
                           "2026-11-23T13:05:46.000Z..2026-11-23T13:05:48.000Z\n");
    event.reason = "late";
    slots.count = 1;
    slots.last_due_us = NOW_US;
    expect_detail (&event, "  -  1 slot, 2026-11-23T13:05:46.000Z: late\n");
    event.clock = 1;
    expect_detail (&event, "  -  1 slot: late\n");

    Belfry__V1__Replanned replanned = BELFRY__V1__REPLANNED__INIT;
    Belfry__V1__ExclusionCalendar calendar = BELFRY__V1__EXCLUSION_CALENDAR__INIT;
    event = (Belfry__V1__Event)BELFRY__V1__EVENT__INIT;
    event.kind = "zone.changed";
    event.replanned = &replanned;
    replanned.zone = "Europe/Berlin";
    replanned.n_rows = 1;
    replanned.examined = 1000;
    expect_detail (&event,
                   "  -  Europe/Berlin: 1 job moved, 1000 looked at, more to come\n");
    replanned.n_rows = 0;
    replanned.done = 1;
    replanned.calendar = &calendar;
    calendar.ns = "default";
    calendar.name = "holidays";
    calendar.version = 3;
    expect_detail (&event,
                   "  -  default/holidays version 3: 0 jobs moved, 1000 looked at\n");
    calendar.version = 0;
    expect_detail (&event, "  -  default/holidays deleted: 0 jobs moved, 1000 looked at\n");

    event = (Belfry__V1__Event)BELFRY__V1__EVENT__INIT;
    event.kind = "run.blocked";
    expect_detail (&event, "  -  waits for an earlier run\n");

    event.kind = "log.pruned";
    Belfry__V1__Pruned pruned = BELFRY__V1__PRUNED__INIT;
    event.pruned = &pruned;
    pruned.first_seq = 1;
    pruned.last_seq = 5000;
    expect_detail (&event, "  -  events 1..5000\n");
    Belfry__V1__Pruned__Rows whole = BELFRY__V1__PRUNED__ROWS__INIT, part = whole;
    Belfry__V1__Pruned__Rows *rows[] = {&whole, &part};
    part.up_to_ordinal = 7;
    pruned = (Belfry__V1__Pruned)BELFRY__V1__PRUNED__INIT;
    pruned.rows = rows;
    pruned.n_rows = 1;
    event.kind = "job.pruned";
    expect_detail (&event, "  -  1 job\n");
    pruned.n_rows = 2;
    expect_detail (&event, "  -  1 job, and old runs of 1\n");

    event = (Belfry__V1__Event)BELFRY__V1__EVENT__INIT;
    Belfry__V1__Recovery recovery = BELFRY__V1__RECOVERY__INIT;
    Belfry__V1__Recovery__Count fired = BELFRY__V1__RECOVERY__COUNT__INIT, missed = fired;
    Belfry__V1__Recovery__Count *counts[] = {&fired, &missed};
    event.kind = "recovery.report";
    event.recovery = &recovery;
    recovery.from_us = NOW_US;
    recovery.until_us = NOW_US + 192000000;
    recovery.counts = counts;
    recovery.n_counts = 2;
    fired.type = "poll";
    fired.decision = BELFRY__V1__DECISION__DECISION_FIRED;
    fired.jobs = fired.slots = 1;
    missed.decision = BELFRY__V1__DECISION__DECISION_MISSED;
    missed.jobs = 2;
    missed.slots = 12;
    expect_detail (&event, "  -  away 2026-11-23T13:05:46.000Z..2026-11-23T13:08:58.000Z "
                           "(3m12s): poll 1 slot fired of 1 job; all others 12 slots "
                           "missed of 2 jobs\n");
}

static void
test_tables (void **state)
{
    (void)state;
    page self;
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    Belfry__V1__Run run = BELFRY__V1__RUN__INIT;
    bf_cli_table jobs = bf_cli_jobs_table (), runs = bf_cli_runs_table ();
    spec.ns = "default";
    spec.type = "t";
    job.id = 256;
    job.spec = &spec;
    job.state = BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED;
    job.paused = 1;
    job.version = 1;
    job.due_us = NOW_US;
    run.run = "256.1";
    run.state = BELFRY__V1__RUN_STATE__RUN_STATE_READY;
    run.origin = BELFRY__V1__ORIGIN__ORIGIN_SLOT;
    run.created_us = NOW_US;
    run.lateness_us = 2000000;
    run.late = 1;
    bf_cli_jobs_row (&jobs, &job, NOW_US);
    bf_cli_runs_row (&runs, &run);
    FILE *out = begin (&self);
    assert_true (bf_cli_table_print (&jobs, out));
    assert_true (bf_cli_table_print (&runs, out));
    expect (
        &self,
        "ID   NS       KEY  TYPE  STATE             DUE                       FROM NOW  "
        "RECURS  VERSION\n"
        "256  default  -    t     scheduled,paused  2026-11-23T13:05:46.000Z  now       "
        "-       1\n"
        "RUN    STATE  ORIGIN  FIRED                     LATENESS  ATTEMPT  FAILURES  "
        "WORKER  FINAL  REASON  RESULT\n"
        "256.1  ready  slot    2026-11-23T13:05:46.000Z  +2s late  0        0         "
        "-       -      -       -\n");
    bf_cli_table waiting = bf_cli_runs_table ();
    run.state = BELFRY__V1__RUN_STATE__RUN_STATE_RETRY_WAIT;
    run.timer_us = NOW_US + 5000000;
    bf_cli_runs_row (&waiting, &run);
    assert_true (bf_cli_table_print (&waiting, begin (&self)));
    fclose (self.out);
    assert_non_null (
        strstr (self.text, "  retry_wait,again 2026-11-23T13:05:51.000Z  slot  "));
    free (self.text);
}

/* The beginning of what is printable, in characters; of anything else its length. */
static void
test_results (void **state)
{
    (void)state;
#define TEN "\u00e4234567890"
    static const struct {
        const char *result;
        uint32_t bytes;
        const char *cell;
    } rows[] = {
        {"", 0, "-"},
        {"", 12, "12 bytes"},
        {"well done", 9, "well done"},
        {"two\nlines", 9, "9 bytes"},
        {"\xff", 1, "1 byte"},
        {TEN TEN TEN TEN TEN TEN, 66, TEN TEN TEN TEN TEN TEN},
        {TEN TEN TEN TEN TEN TEN "x", 67, TEN TEN TEN TEN TEN TEN "..."},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        page self;
        char tail[128];
        Belfry__V1__Run run = BELFRY__V1__RUN__INIT;
        bf_cli_table runs = bf_cli_runs_table ();
        run.run = "256.1";
        run.result.data = (uint8_t *)rows[index].result;
        run.result.len = strlen (rows[index].result);
        run.result_bytes = rows[index].bytes;
        bf_cli_runs_row (&runs, &run);
        assert_true (bf_cli_table_print (&runs, begin (&self)));
        fclose (self.out);
        snprintf (tail, sizeof tail, "  %s\n", rows[index].cell);
        size_t length = strlen (tail);
        assert_true (self.size > length);
        assert_string_equal (self.text + self.size - length, tail);
        free (self.text);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_event),        cmocka_unit_test (test_event_of_nothing),
        cmocka_unit_test (test_item),         cmocka_unit_test (test_run),
        cmocka_unit_test (test_job),          cmocka_unit_test (test_tables),
        cmocka_unit_test (test_results),      cmocka_unit_test (test_recurring_job),
        cmocka_unit_test (test_calendar_job), cmocka_unit_test (test_event_details),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
