/* SPDX-License-Identifier: MPL-2.0
 *
 * `belfry restore` is killed at each of its steps, over a database whose daemon was killed:
 * what is there afterwards is the old database, or the new one, or a directory on which
 * belfryd refuses to start; never an empty one, and never the new one with the log of the
 * old. The next restore makes it good, and the old database with its log is kept.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/failpoints.h"
#include "tests/support/peer.h"
#include "tests/support/proc.h"
#include "tests/support/rig.h"
#include "tests/support/temp.h"

#define OK BELFRY__V1__CODE__CODE_OK
#define NOT_FOUND BELFRY__V1__CODE__CODE_NOT_FOUND

#define EXIT_KILLED (128 + SIGKILL)
#define EXIT_LOCKED 10
#define EXIT_CORRUPT 11

typedef struct {
    rig *rig;
    failpoints *points;
    char *backup;
    process restore;
} bench;

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    self->points = failpoints_new (self->rig->directory);
    self->backup = temp_path (self->rig->directory, "backup.db");
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    if (self->restore.pid) {
        (void)kill (self->restore.pid, SIGKILL);
        (void)process_wait (&self->restore, RIG_DEADLINE_MS);
    }
    failpoints_destroy (&self->points);
    free (self->backup);
    rig_destroy (&self->rig);
    free (self);
    return 0;
}

/* Starts, checks which of the two jobs there are, and leaves a log behind. */
static void
expect_jobs (bench *self, bool late)
{
    rig_start (self->rig, NULL);
    peer *client = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "expect");
    reply_free (ask_for (client, OK, "get.job.key=early"));
    reply_free (ask_for (client, late ? OK : NOT_FOUND, "get.job.key=late"));
    peer_free (client);
    rig_kill (self->rig);
}

/* A backup with one job, a database with two, and the second one only in its log. */
static void
prepare (bench *self)
{
    rig_start (self->rig, NULL);
    peer *client = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "prepare");
    static const char text[] =
        "schedule.jobs.type=t schedule.jobs.key=%s schedule.jobs.after_us=3600000000";
    ask_job (client, text, "early");
    assert_int_equal (
        rig_belfry (self->rig, (const char *const[]){"backup", self->backup, NULL}, NULL),
        0);
    ask_job (client, text, "late");
    peer_free (client);
    rig_kill (self->rig);
}

static void
begin_restore (bench *self, const char *point, failpoint_action action)
{
    failpoints_arm (self->points, point, 0, action);
    const char *program = getenv ("BELFRY_FAILPOINTS");
    assert_non_null (program);
    process_start (&self->restore, "/usr/bin/env",
                   (const char *const[]){self->points->setting, program, "restore",
                                         self->backup, "--data", self->rig->data, "--force",
                                         NULL},
                   self->rig->log);
}

static void
restore_again (bench *self)
{
    const char *const args[] = {"restore",       self->backup, "--data",
                                self->rig->data, "--force",    NULL};
    assert_int_equal (rig_belfry (self->rig, args, NULL), 0);
}

/* Moves belfry.db.replaced-…, the first that was moved, and its log to a directory of their
 * own, and makes that the rig's. */
static void
go_back_to_old (bench *self)
{
    char first[256] = "";
    DIR *list = opendir (self->rig->data);
    assert_non_null (list);
    const struct dirent *entry;
    while ((entry = readdir (list)) != NULL) {
        bool is_one = strncmp (entry->d_name, "belfry.db.replaced-", 19) == 0 &&
                      !strstr (entry->d_name, "-wal");
        if (is_one && (!*first || strcmp (entry->d_name, first) < 0)) {
            (void)snprintf (first, sizeof first, "%s", entry->d_name);
        }
    }
    closedir (list);
    assert_true (*first);
    char *old = temp_path (self->rig->directory, "old");
    assert_int_equal (mkdir (old, 0700), 0);
    char log[300];
    (void)snprintf (log, sizeof log, "%s-wal", first);
    const char *const names[][2] = {{first, "belfry.db"}, {log, "belfry.db-wal"}};
    for (size_t i = 0; i < 2; i++) {
        char *from = temp_path (self->rig->data, names[i][0]);
        char *to = temp_path (old, names[i][1]);
        assert_int_equal (rename (from, to), 0);
        free (from);
        free (to);
    }
    free (self->rig->data);
    self->rig->data = old;
}

static void
check (bench *self)
{
    assert_int_equal (
        rig_belfry (self->rig,
                    (const char *const[]){"check", "--data", self->rig->data, NULL}, NULL),
        0);
}

typedef enum { OLD, REFUSED, NEW } outcome;

static void
kill_at (bench *self, const char *point, outcome expected)
{
    prepare (self);
    begin_restore (self, point, FAILPOINT_KILL);
    assert_int_equal (process_wait (&self->restore, RIG_DEADLINE_MS), EXIT_KILLED);
    if (expected == REFUSED) {
        assert_int_equal (rig_refused (self->rig, NULL), EXIT_CORRUPT);
    } else {
        expect_jobs (self, expected == OLD);
        check (self);
    }
    restore_again (self);
    expect_jobs (self, false);
    check (self);
    if (expected == REFUSED) {
        go_back_to_old (self);
        expect_jobs (self, true);
        check (self);
    }
}

static void
test_after_copy (void **state)
{
    kill_at (*state, "after_restore_copy", OLD);
}

static void
test_after_epoch (void **state)
{
    kill_at (*state, "after_restore_epoch", OLD);
}

static void
test_between_the_moves_aside (void **state)
{
    kill_at (*state, "in_restore_moves", REFUSED);
}

static void
test_before_move (void **state)
{
    kill_at (*state, "before_restore_move", REFUSED);
}

static void
test_after_move (void **state)
{
    kill_at (*state, "after_restore_move", NEW);
}

/* A restore that is under way has the directory. */
static void
test_stopped (void **state)
{
    bench *self = *state;
    prepare (self);
    begin_restore (self, "before_restore_move", FAILPOINT_STOP);
    assert_true (proc_await_stopped (self->restore.pid));
    assert_int_equal (rig_refused (self->rig, NULL), EXIT_LOCKED);
    process_signal (&self->restore, SIGCONT);
    assert_int_equal (process_wait (&self->restore, RIG_DEADLINE_MS), 0);
    expect_jobs (self, false);
    check (self);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_after_copy),
        TEST (test_after_epoch),
        TEST (test_between_the_moves_aside),
        TEST (test_before_move),
        TEST (test_after_move),
        TEST (test_stopped),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
