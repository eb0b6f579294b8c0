/* SPDX-License-Identifier: MPL-2.0
 *
 * The change of the tables to those of a newer version is killed at each of its steps: the
 * database is the old one or the new one, and the copy that was made before is good. The
 * newer version is this program, started again as
 *
 *   test_migrate_killed migrate DIRECTORY
 *
 * with a schema of one step more, and with the failpoints in its persist/.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>
#include <zmq.h>

#include "persist/database.h"
#include "persist/migrate.h"
#include "persist/schema.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/failpoints.h"
#include "tests/support/peer.h"
#include "tests/support/process.h"
#include "tests/support/rig.h"
#include "tests/support/temp.h"

#define EXIT_KILLED (128 + SIGKILL)
#define EXIT_NEWER 13

static int
migrate (const char *directory)
{
    enum { STEPS_MAX = 64 };
    const char *steps[STEPS_MAX];
    /* One step is what this test adds to those that there are. */
    BF_INVARIANT (bf_schema_version < STEPS_MAX);
    for (int i = 0; i < bf_schema_version; i++) {
        steps[i] = bf_schema_steps[i];
    }
    steps[bf_schema_version] =
        "CREATE TABLE newer (id INTEGER PRIMARY KEY, type TEXT) STRICT;"
        "INSERT INTO newer SELECT id, 'moved' FROM job;";
    const bf_schema schema = {.steps = steps, .version = bf_schema_version + 1};
    bf_database *database = NULL;
    bf_error error = {0};
    if (bf_database_open_schema (&database, directory, NULL, &schema, &error) != BF_OK) {
        (void)fprintf (stderr, "%s\n", error.text);
        return 1;
    }
    bf_database_close (&database);
    return 0;
}

typedef struct {
    rig *rig;
    failpoints *points;
    char program[PATH_MAX]; /* this one */
} bench;

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    self->points = failpoints_new (self->rig->directory);
    assert_true (readlink ("/proc/self/exe", self->program, sizeof self->program - 1) > 0);
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    failpoints_destroy (&self->points);
    rig_destroy (&self->rig);
    free (self);
    return 0;
}

static int
run_newer (bench *self)
{
    process newer = {0};
    process_start (&newer, "/usr/bin/env",
                   (const char *const[]){self->points->setting, self->program, "migrate",
                                         self->rig->data, NULL},
                   self->rig->log);
    return process_wait (&newer, RIG_DEADLINE_MS);
}

/* A database of this version, whose daemon was killed. */
static void
prepare (bench *self)
{
    rig_start (self->rig, NULL);
    peer *client = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "old");
    ask_job (client, "schedule.jobs.type=t schedule.jobs.key=kept "
                     "schedule.jobs.after_us=3600000000");
    peer_free (client);
    rig_kill (self->rig);
}

static void
check (bench *self, const char *name)
{
    char *path = temp_path (self->rig->data, name);
    assert_int_equal (
        rig_belfry (self->rig, (const char *const[]){"check", path, NULL}, NULL), 0);
    free (path);
}

/* This version finds its database as it was. */
static void
expect_old (bench *self)
{
    rig_start (self->rig, NULL);
    peer *client = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "again");
    reply_free (ask_for (client, BELFRY__V1__CODE__CODE_OK, "get.job.key=kept"));
    peer_free (client);
    rig_kill (self->rig);
}

/* One row of the new table for the job, and one only. */
static void
expect_new (const bench *self)
{
    char *path = temp_path (self->rig->data, "belfry.db");
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    free (path);
    assert_int_equal (sqlite3_prepare_v2 (db,
                                          "SELECT count (*), user_version FROM newer, "
                                          "pragma_user_version",
                                          -1, &stmt, NULL),
                      SQLITE_OK);
    assert_int_equal (sqlite3_step (stmt), SQLITE_ROW);
    assert_int_equal (sqlite3_column_int (stmt, 0), 1);
    assert_int_equal (sqlite3_column_int (stmt, 1), bf_schema_version + 1);
    sqlite3_finalize (stmt);
    sqlite3_close (db);
}

static const struct {
    const char *point;
    bool changed; /* by then */
} rows[] = {
    {"before_settle", true}, /* of the new tables: the change is behind it */
    {"after_settle", true},           {"after_migrate_copy", false},
    {"before_migrate_commit", false}, {"after_migrate_commit", true},
};

static void
kill_at (bench *self, size_t row)
{
    prepare (self);
    failpoints_arm (self->points, rows[row].point, 0, FAILPOINT_KILL);
    assert_int_equal (run_newer (self), EXIT_KILLED);
    if (rows[row].changed) {
        assert_int_equal (rig_refused (self->rig, NULL), EXIT_NEWER);
    } else {
        expect_old (self);
    }
    char backup[sizeof "belfry.db.v2147483647.backup"];
    (void)snprintf (backup, sizeof backup, "belfry.db.v%d.backup", bf_schema_version);
    check (self, backup);
    assert_int_equal (run_newer (self), 0);
    expect_new (self);
    /* The next row finds no directory. */
    free (self->rig->data);
    self->rig->data = temp_path (self->rig->directory, rows[row].point);
}

static void
test_every_step (void **state)
{
    bench *self = *state;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        kill_at (self, row);
    }
}

int
main (int argc, char **argv)
{
    if (argc == 3 && strcmp (argv[1], "migrate") == 0) {
        return migrate (argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_every_step, set_up, tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
