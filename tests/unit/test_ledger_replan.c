/* SPDX-License-Identifier: MPL-2.0
 *
 * Zones whose rules change under a ledger: whose slots move, what is told, and that what
 * was decided stays so, over crashes in the midst of it, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/time.h"
#include "persist/check/check.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/temp.h"

#define ZONES "/usr/share/zoneinfo/"

/* Gives a zone of the test's directory the rules of one of the machine's. */
static void
put_zone (const ledger *self, const char *name, const char *rules)
{
    char *from = temp_path (ZONES, rules);
    char *to = temp_path (self->zoneinfo, name);
    FILE *in = fopen (from, "rb");
    FILE *out = fopen (to, "wb");
    assert_non_null (in);
    assert_non_null (out);
    int byte;
    while ((byte = fgetc (in)) != EOF) {
        fputc (byte, out);
    }
    fclose (in);
    assert_int_equal (fclose (out), 0);
    free (from);
    free (to);
}

static void
remove_zone (const ledger *self, const char *name)
{
    char *path = temp_path (self->zoneinfo, name);
    assert_int_equal (unlink (path), 0);
    free (path);
}

static int
setup (void **state)
{
    if (ledger_setup (state) != 0) {
        return -1;
    }
    ledger *self = *state;
    self->zoneinfo = temp_make ();
    put_zone (self, "Here", "Europe/Berlin");
    put_zone (self, "There", "Asia/Tokyo");
    ledger_reopen (self, false);
    ledger_tend (self);
    return 0;
}

/* The check of what is on the disk, too, beside the fixture's own. */
static int
teardown (void **state)
{
    ledger *self = *state;
    ledger_query_end (self);
    bf_ledger_close (&self->ledger);
    bf_check_summary summary;
    bf_error error = {0};
    if (bf_check (self->directory, NULL, &summary, &error) != BF_OK ||
        summary.findings != 0) {
        print_error ("%zu findings %s\n", (size_t)summary.findings, error.text);
        return -1;
    }
    temp_remove ((char *)self->zoneinfo);
    return ledger_teardown (state);
}

/* The clock has noticed something. Returns how many slices it took. */
static size_t
notice (ledger *self)
{
    ledger_do_item (self, "zones_changed");
    return ledger_tend (self);
}

static int
schedule (ledger *self, const char *fields)
{
    Belfry__V1__Reply *reply =
        ledger_ok (self, ledger_text (self, "schedule.jobs.type=t %s", fields));
    return (int)reply->jobs->items[0]->job->id;
}

static int64_t
due_of (ledger *self, int id)
{
    return ledger_number (self,
                          ledger_text (self, "SELECT due_us FROM job WHERE id = %d", id));
}

/* Hours from the beginning of the test, which is midnight UTC. */
static void
expect_due (ledger *self, int id, double hours)
{
    assert_int_equal (due_of (self, id) - LEDGER_WALL_US,
                      (int64_t)(hours * (double)BF_HOUR_US));
}

#define NOON "schedule.jobs.cron=0^12^*^*^* schedule.jobs.tz=Here "

static void
test_moved (void **state)
{
    ledger *self = *state;
    int moved = schedule (self, NOON);
    int paused = schedule (self, NOON);
    int other = schedule (self, "schedule.jobs.cron=0^12^*^*^* schedule.jobs.tz=There");
    ledger_ok (self, ledger_text (self, "pause.job.id=%d", paused));
    expect_due (self, moved, 11);
    put_zone (self, "Here", "America/New_York");
    notice (self);
    expect_due (self, moved, 17);
    expect_due (self, paused, 17);
    expect_due (self, other, 3);
    Belfry__V1__Reply *reply =
        ledger_ok (self, "history.kinds=zone.changed history.limit=10");
    assert_int_equal (reply->events->n_events, 1);
    const Belfry__V1__Replanned *told = reply->events->events[0]->replanned;
    assert_string_equal (told->zone, "Here");
    assert_int_equal (told->n_rows, 2);
    assert_int_equal (told->examined, 2);
    assert_true (told->done);
    assert_int_equal (told->rows[0]->due_us, due_of (self, moved));
    ledger_expect (self, ledger_ok (self, ledger_text (self, "get.job.id=%d", moved)),
                   "get.job.version=1");
    /* It is fired by the new rules, and goes on by them. */
    ledger_pass (self, 17 * BF_HOUR_US);
    assert_int_equal (ledger_fire (self, NULL), 2);
    expect_due (self, moved, 41);
}

static void
test_nothing_moves (void **state)
{
    ledger *self = *state;
    schedule (self, NOON);
    ledger_ok (self, "cancel.job.id=256");
    /* Nothing is different: nothing is written. */
    int64_t seq = ledger_number (self, "SELECT head_seq FROM meta");
    notice (self);
    assert_int_equal (ledger_number (self, "SELECT head_seq FROM meta"), seq);
    /* It is, but nobody minds. */
    put_zone (self, "Here", "Asia/Tokyo");
    notice (self);
    assert_int_equal (ledger_number (self, "SELECT head_seq FROM meta"), seq + 1);
    Belfry__V1__Reply *reply = ledger_ok (self, "history.kinds=zone.changed");
    assert_true (reply->events->events[0]->replanned->done);
    assert_int_equal (reply->events->events[0]->replanned->examined, 0);
    notice (self);
    assert_int_equal (ledger_number (self, "SELECT head_seq FROM meta"), seq + 1);
}

/* What has fired does not fire again, although by the new rules it is still to come. */
static void
test_decided_stays (void **state)
{
    ledger *self = *state;
    int fired = schedule (self, NOON);
    int dropped =
        schedule (self, NOON "schedule.jobs.late=3 schedule.jobs.grace_us=1000000");
    ledger_away (self, 11 * BF_HOUR_US + BF_MINUTE_US);
    ledger_fire (self, NULL);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM run"), 1);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM stretch"), 1);
    /* Noon is seven hours before the one that was: tomorrow's is next. */
    put_zone (self, "Here", "Asia/Tokyo");
    notice (self);
    expect_due (self, fired, 27);
    expect_due (self, dropped, 27);
    /* And six hours after it: today's is a slot. */
    put_zone (self, "Here", "America/New_York");
    notice (self);
    expect_due (self, fired, 17);
    expect_due (self, dropped, 17);
}

/* What an earlier definition has decided, before the clock was set back, takes no slot from
 * the one that there is. */
static void
test_clock_set_back (void **state)
{
    ledger *self = *state;
    int id = schedule (self, NOON "schedule.jobs.late=3 schedule.jobs.grace_us=1000000");
    ledger_away (self, 11 * BF_HOUR_US + BF_MINUTE_US);
    ledger_fire (self, NULL);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM stretch"), 1);
    ledger_set_wall (self, -6 * BF_HOUR_US);
    ledger_ok (self, ledger_text (self,
                                  "reschedule.job.id=%d reschedule.cron=0^12^*^*^* "
                                  "reschedule.tz=Here",
                                  id));
    expect_due (self, id, 11);
    /* The same time all year. */
    put_zone (self, "Here", "Africa/Lagos");
    notice (self);
    expect_due (self, id, 11);
}

/* The new slot is in the past: it is late from now on. */
static void
test_into_the_past (void **state)
{
    ledger *self = *state;
    int late = schedule (self, NOON "schedule.jobs.late=1");
    int skip = schedule (self, NOON "schedule.jobs.late=3");
    ledger_pass (self, 10 * BF_HOUR_US);
    put_zone (self, "Here", "Asia/Tokyo");
    notice (self);
    expect_due (self, late, 3);
    ledger_catch_up (self);
    expect_due (self, late, 27);
    expect_due (self, skip, 27);
    assert_int_equal (
        ledger_number (self, ledger_text (self,
                                          "SELECT lateness_us / 3600000000 FROM run "
                                          "WHERE job = %d",
                                          late)),
        7);
    assert_int_equal (
        ledger_number (self,
                       ledger_text (self, "SELECT skipped FROM job WHERE id = %d", skip)),
        1);
}

/* What is due already is judged as it is. */
static void
test_due_is_left (void **state)
{
    ledger *self = *state;
    int id = schedule (self, NOON);
    ledger_pass (self, 11 * BF_HOUR_US);
    put_zone (self, "Here", "America/New_York");
    notice (self);
    expect_due (self, id, 11);
    ledger_fire (self, NULL);
    expect_due (self, id, 17);
}

/* By the new rules there is no slot any more. */
static void
test_no_slot_left (void **state)
{
    ledger *self = *state;
    int64_t end_us = LEDGER_WALL_US + 15 * BF_HOUR_US;
    int id =
        schedule (self, ledger_text (self, NOON "schedule.jobs.end_us=%" PRId64, end_us));
    int open = schedule (self, ledger_text (self,
                                            NOON "schedule.jobs.start_us=1 "
                                                 "schedule.jobs.end_us=%" PRId64,
                                            end_us + BF_DAY_US));
    ledger_ok (self, ledger_text (self, "trigger.job.id=%d", open));
    put_zone (self, "Here", "America/New_York");
    notice (self);
    assert_int_equal (
        ledger_number (self, ledger_text (self, "SELECT state FROM job WHERE id = %d", id)),
        BELFRY__V1__JOB_STATE__JOB_STATE_DEAD);
    expect_due (self, open, 17);
    assert_int_equal (ledger_number (self, "SELECT count (*) FROM zoned"), 1);
}

/* A thousand jobs a slice, each its own commit; a crash between two of them loses nothing.
 */
static void
test_slices (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    for (int i = 0; i < 2500; i++) {
        schedule (self, NOON);
        ledger_forget_texts (self);
    }
    put_zone (self, "Here", "America/New_York");
    ledger_do_item (self, "zones_changed");
    assert_true (ledger_slice (self));
    assert_true (ledger_slice (self));
    const Belfry__V1__Replanned *told = ledger_event (self, "zone.changed")->replanned;
    assert_int_equal (told->n_rows, 1000);
    assert_int_equal (told->examined, 1000);
    assert_false (told->done);
    ledger_reopen (self, true);
    ledger_tend (self);
    assert_int_equal (ledger_number (self, "SELECT count (DISTINCT due_us) FROM job"), 1);
    assert_int_equal (ledger_number (self, "SELECT sum (until_job + at_job) FROM zone"), 0);
    Belfry__V1__Reply *reply = ledger_ok (self, "history.kinds=zone.changed");
    assert_int_equal (reply->events->n_events, 3);
    assert_int_equal (reply->events->events[0]->replanned->examined, 2500);
    assert_int_equal (reply->events->events[0]->replanned->n_rows, 500);
    self->unchecked = false;
    ledger_check (self);
}

/* Without a file, or with a bad one, jobs go on as they were; that is said once. */
static void
test_file_is_gone (void **state)
{
    ledger *self = *state;
    int id = schedule (self, NOON);
    remove_zone (self, "Here");
    ledger_do_item (self, "zones_changed");
    ledger_slice (self);
    const bf_outcome *outcome = bf_ledger_outcome (self->ledger);
    assert_int_equal (outcome->warnings.count, 1);
    assert_non_null (strstr (outcome->warnings.items[0], "jobs of Here go on"));
    ledger_do_item (self, "zones_changed");
    ledger_slice (self);
    assert_int_equal (bf_ledger_outcome (self->ledger)->warnings.count, 0);
    /* Also over a restart, and for jobs that are new. */
    ledger_reopen (self, true);
    ledger_tend (self);
    expect_due (self, id, 11);
    expect_due (self, schedule (self, NOON), 11);
    ledger_pass (self, 11 * BF_HOUR_US);
    ledger_fire (self, NULL);
    expect_due (self, id, 35);
    put_zone (self, "Here", "America/New_York");
    notice (self);
    expect_due (self, id, 17);
}

/* A change while nobody was there is seen at the start. */
static void
test_changed_while_down (void **state)
{
    ledger *self = *state;
    int id = schedule (self, NOON);
    put_zone (self, "Here", "Asia/Tokyo");
    ledger_reopen (self, false);
    ledger_tend (self);
    expect_due (self, id, 3);
}

/* With the disk full it waits. */
static void
test_disk_full (void **state)
{
    ledger *self = *state;
    int id = schedule (self, NOON);
    put_zone (self, "Here", "Asia/Tokyo");
    bf_ledger_set_scarce (self->ledger, true);
    ledger_do_item (self, "zones_changed");
    assert_int_equal (ledger_tend (self), 0);
    expect_due (self, id, 11);
    bf_ledger_set_scarce (self->ledger, false);
    ledger_tend (self);
    expect_due (self, id, 3);
}

static void
damage (ledger *self, const char *sql)
{
    sqlite3 *db = bf_database_handle (bf_ledger_database (self->ledger));
    assert_int_equal (sqlite3_exec (db, sql, NULL, NULL, NULL), SQLITE_OK);
    ledger_reopen (self, false);
}

/* A job whose rules are lost does not fire at some time or other: the store stops. */
static void
test_rules_are_lost (void **state)
{
    ledger *self = *state;
    schedule (self, NOON);
    remove_zone (self, "Here");
    ledger_pass (self, 11 * BF_HOUR_US);
    damage (self, "CREATE TABLE spare AS SELECT * FROM zone; DELETE FROM zone");
    bf_timer *due;
    assert_int_equal (ledger_due (self, &due), 1);
    bf_error error = {0};
    ledger_begin (self);
    bf_err rc =
        bf_ledger_apply (self->ledger, ledger_proposal (self, due, 1, NULL), &error);
    assert_int_equal (rc, BF_ECORRUPT);
    assert_non_null (strstr (error.text, "the slots of job 256 cannot be told"));
    bf_ledger_rollback (self->ledger);
    damage (self, "INSERT INTO zone SELECT * FROM spare; DROP TABLE spare");
    ledger_fire (self, NULL);
}

/* By the new rules a rule means nothing at all: it has no slot behind the one that is due.
 */
static void
test_rule_means_nothing (void **state)
{
    ledger *self = *state;
    /* The night on which Berlin leaves 02:30 out; Tokyo never does. */
    put_zone (self, "Here", "Asia/Tokyo");
    notice (self);
    int due = schedule (self, "schedule.jobs.rrule=DTSTART:20260329T023000^"
                              "RRULE:FREQ=DAILY;COUNT=1 schedule.jobs.tz=Here "
                              "schedule.jobs.skipped=2");
    put_zone (self, "Here", "Europe/Berlin");
    notice (self);
    assert_int_equal (
        ledger_number (self,
                       ledger_text (self, "SELECT state FROM job WHERE id = %d", due)),
        BELFRY__V1__JOB_STATE__JOB_STATE_DEAD);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, setup, teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_moved),
        TEST (test_nothing_moves),
        TEST (test_decided_stays),
        TEST (test_clock_set_back),
        TEST (test_into_the_past),
        TEST (test_due_is_left),
        TEST (test_no_slot_left),
        TEST (test_slices),
        TEST (test_file_is_gone),
        TEST (test_changed_while_down),
        TEST (test_disk_full),
        TEST (test_rules_are_lost),
        TEST (test_rule_means_nothing),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
