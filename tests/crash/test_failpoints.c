/* SPDX-License-Identifier: MPL-2.0
 *
 * kill -9 at named points (core/base/failpoint.h), under the load of several clients: at
 * each point that the store has between its file, its memory and what others were told, and
 * at each of them several times. Between two kills the witness (tests/support/witness.h)
 * holds the log against all that was answered. The load takes the daemon through its
 * batches; commands by filter, backups and what fills the WAL are asked for besides.
 */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "core/base/time.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/failpoints.h"
#include "tests/support/temp.h"
#include "tests/support/witness.h"

#define OK BELFRY__V1__CODE__CODE_OK

#define EXIT_KILLED (128 + SIGKILL)
#define EXIT_DISK 14

/* Load before the point is armed, and at most until it is reached. */
#define PEACE_MS 60
#define REPEATS 1000

/* 14 payloads of 64 KiB fit into a frame. The WAL is moved on from 16 MiB. */
#define HEAVY_JOBS 14
/* More than the slices that are killed have. */
#define FILTERED_JOBS 900

/* What besides the load has to be asked for, so that a point is reached. */
typedef enum { NOTHING, FILTER, BACKUP, WEIGHT, START } prompt;

typedef struct {
    witness *witness;
    failpoints *points;
    const char *starter[3];
    size_t kills;
    size_t backups;
    uint64_t changed; /* jobs that commands by filter were told to have moved */
} bench;

/* --- the bench ---------------------------------------------------------------------------
 */

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->witness = witness_new ();
    rig *owner = self->witness->rig;
    self->points = failpoints_new (owner->directory);
    self->starter[0] = "/usr/bin/env";
    self->starter[1] = self->points->setting;
    owner->program = "BELFRYD_FAILPOINTS";
    owner->starter = self->starter;
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    failpoints_destroy (&self->points);
    witness_destroy (&self->witness);
    free (self);
    return 0;
}

/* --- what has to be asked for ------------------------------------------------------------
 */

/* A frame full, of a type that the load claims; not more of them at a time than the load
 * has calls. */
static void
schedule_heavy (bench *self)
{
    load *load_of = self->witness->load;
    if (load_of->in_flight[0] >= LOAD_IN_FLIGHT) {
        return;
    }
    char text[8192];
    size_t size = 0;
    for (int i = 0; i < HEAVY_JOBS; i++) {
        size += (size_t)snprintf (
            text + size, sizeof text - size,
            " schedule.jobs[%d].type=season schedule.jobs[%d].after_us=%" PRId64
            " schedule.jobs[%d].payload=*65536 schedule.jobs[%d].lease_us=500000"
            " schedule.jobs[%d].retry.delay_us=1000",
            i, i, LOAD_FAR_US, i, i, i);
    }
    load_ask (load_of, text + 1);
}

static void
schedule_filtered (bench *self)
{
    static char text[FILTERED_JOBS * 80];
    /* The reader is a new one after each start, and counts its requests anew. */
    size_t size = (size_t)snprintf (text, sizeof text, "request_id=many-%zu", self->kills);
    for (int i = 0; i < FILTERED_JOBS; i++) {
        size += (size_t)snprintf (text + size, sizeof text - size,
                                  " schedule.jobs[%d].type=many"
                                  " schedule.jobs[%d].after_us=%" PRId64,
                                  i, i, LOAD_FAR_US);
    }
    ask_ok (self->witness->reader, "%s", text);
    self->witness->elsewhere[BF_EVENT_JOB_SCHEDULED] += FILTERED_JOBS;
}

/* One that is under way goes on by itself; one and the same request, until it is done. */
static void
move_filtered (const bench *self, peer *client)
{
    ask_send (
        client,
        "request_id=move-%zu reschedule.filter.type=many reschedule.after_us=%" PRId64,
        self->kills, LOAD_FAR_US + (int64_t)self->kills);
}

/* After the kill: waits until it is done, and every job was moved once. */
static void
await_moved (bench *self, size_t number)
{
    for (;;) {
        Belfry__V1__Reply *reply =
            ask_for (self->witness->reader, OK,
                     "client=mover request_id=move-%zu reschedule.filter.type=many "
                     "reschedule.after_us=%" PRId64,
                     number, LOAD_FAR_US + (int64_t)number);
        bool done = reply->bulk->done;
        uint64_t changed = reply->bulk->changed;
        assert_int_equal (reply->bulk->refused, 0);
        reply_free (reply);
        if (done) {
            assert_int_equal (changed % FILTERED_JOBS, 0);
            assert_true (changed > 0);
            self->witness->elsewhere[BF_EVENT_JOB_RESCHEDULED] += changed;
            return;
        }
    }
}

static void
ask_for_it (bench *self, prompt what, peer *client)
{
    switch (what) {
    case FILTER:
        move_filtered (self, client);
        break;
    case BACKUP:
        ask_send (client, "backup.name=at-%zu.db", self->kills);
        self->backups++;
        break;
    case WEIGHT:
    case NOTHING:
    case START:
        break;
    }
}

/* --- the rounds --------------------------------------------------------------------------
 */

static void
start (bench *self)
{
    rig_start (self->witness->rig, NULL);
    witness_serve (self->witness);
}

static void
press_until_dead (bench *self, const char *point, prompt what)
{
    const rig *owner = self->witness->rig;
    int64_t until_us = bf_now_read ().boot.us + RIG_DEADLINE_MS * BF_MS_US;
    while (!process_has_ended (&owner->daemon)) {
        if (bf_now_read ().boot.us > until_us) {
            print_error ("%s\n", point);
            rig_fail (owner, "a point was never reached");
        }
        if (what == WEIGHT) {
            schedule_heavy (self);
        }
        load_run (self->witness->load, 2 * BF_MS_US);
        witness_listen (self->witness);
    }
}

/* A daemon that serves, and dies at the point. */
static void
die_serving (bench *self, const char *point, long skip, prompt what,
             failpoint_action action)
{
    rig *owner = self->witness->rig;
    start (self);
    if (what == FILTER) {
        schedule_filtered (self);
    }
    load_run (self->witness->load, PEACE_MS * BF_MS_US);
    peer *client = peer_client (owner, owner->commands.ipc, ZMQ_DEALER, "mover");
    failpoints_arm (self->points, point, skip, action);
    ask_for_it (self, what, client);
    press_until_dead (self, point, what);
    peer_free (client);
    assert_int_equal (rig_wait (owner),
                      action == FAILPOINT_ERROR ? EXIT_DISK : EXIT_KILLED);
    if (what == FILTER) {
        start (self);
        await_moved (self, self->kills);
        rig_kill (owner);
    }
}

/* A daemon that dies before it serves. Its log has something to be moved: the one before
 * was killed. */
static void
die_starting (bench *self, const char *point, long skip, failpoint_action action)
{
    rig *owner = self->witness->rig;
    start (self);
    load_run (self->witness->load, PEACE_MS * BF_MS_US);
    rig_kill (owner);
    failpoints_arm (self->points, point, skip, action);
    assert_int_equal (rig_refused (owner, NULL),
                      action == FAILPOINT_ERROR ? EXIT_DISK : EXIT_KILLED);
}

static const struct {
    const char *point;
    prompt what;
    failpoint_action action;
    long skip[4]; /* how often it is passed before; -1 for the end */
} rows[] = {
    {"before_begin", NOTHING, FAILPOINT_KILL, {0, 9, 80, -1}},
    {"after_apply_before_commit", NOTHING, FAILPOINT_KILL, {0, 9, 80, -1}},
    {"after_commit_before_reply", NOTHING, FAILPOINT_KILL, {0, 9, 80, -1}},
    {"after_reply_before_feed", NOTHING, FAILPOINT_KILL, {0, 9, 80, -1}},
    {"after_apply_before_commit", NOTHING, FAILPOINT_ERROR, {3, -1}},
    {"after_commit_before_reply", NOTHING, FAILPOINT_ERROR, {3, -1}},
    {"between_slices", FILTER, FAILPOINT_KILL, {0, 1, 2, -1}},
    {"before_checkpoint", WEIGHT, FAILPOINT_KILL, {0, 1, -1}},
    {"after_checkpoint", WEIGHT, FAILPOINT_KILL, {0, 1, -1}},
    {"before_checkpoint", WEIGHT, FAILPOINT_ERROR, {0, -1}},
    {"in_backup", BACKUP, FAILPOINT_KILL, {0, 1, 5, -1}},
    {"before_backup_link", BACKUP, FAILPOINT_KILL, {0, -1}},
    {"after_backup_link", BACKUP, FAILPOINT_KILL, {0, -1}},
    {"before_settle", START, FAILPOINT_KILL, {0, -1}},
    {"after_settle", START, FAILPOINT_KILL, {0, -1}},
    {"after_settle", START, FAILPOINT_ERROR, {0, -1}},
    {"at_recover", START, FAILPOINT_KILL, {0, -1}},
    {"after_apply_before_commit", START, FAILPOINT_KILL, {0, -1}},
    {"after_commit_before_reply", START, FAILPOINT_KILL, {0, -1}},
    {"after_reply_before_feed", START, FAILPOINT_KILL, {0, -1}},
};

/* These need megabytes, which take minutes under the thread sanitizer; and a checkpoint and
 * a backup are one thread's business. */
static bool
is_left_out (size_t row)
{
#ifdef __SANITIZE_THREAD__
    return rows[row].what == WEIGHT || rows[row].what == BACKUP;
#else
    (void)row;
    return false;
#endif
}

/* Every backup that has its name is whole, and nothing half done is left once another one
 * was made. */
static void
check_backups (bench *self)
{
    rig *owner = self->witness->rig;
    assert_int_equal (
        rig_belfry (owner, (const char *const[]){"backup", "--name", "last.db", NULL},
                    NULL),
        0);
    char *folder = temp_path (owner->data, "backups");
    DIR *list = opendir (folder);
    assert_non_null (list);
    size_t found = 0;
    const struct dirent *entry;
    while ((entry = readdir (list)) != NULL) {
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0) {
            continue;
        }
        assert_true (entry->d_name[0] != '.');
        char *path = temp_path (folder, entry->d_name);
        assert_int_equal (
            rig_belfry (owner, (const char *const[]){"check", path, NULL}, NULL), 0);
        free (path);
        found++;
    }
    closedir (list);
    free (folder);
    /* The last, and the one that had its name before the kill. */
    assert_int_equal (found, self->backups > 0 ? 2 : 1);
}

/* Calls whose effect was there though nobody had heard of it. */
static size_t
count_found_again (const bench *self)
{
    size_t count = 0;
    const bf_list *calls = &self->witness->load->calls;
    for (size_t i = 0; i < calls->count; i++) {
        const load_call *call = calls->items[i];
        count += call->first && call->first->repeated;
    }
    return count;
}

static void
test_every_point (void **state)
{
    bench *self = *state;
    int64_t from_us = bf_now_read ().boot.us;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t n = 0; rows[i].skip[n] >= 0 && !is_left_out (i); n++) {
            if (rows[i].what == START) {
                die_starting (self, rows[i].point, rows[i].skip[n], rows[i].action);
            } else {
                die_serving (self, rows[i].point, rows[i].skip[n], rows[i].what,
                             rows[i].action);
            }
            assert_false (failpoints_armed (self->points));
            self->kills++;
        }
    }
    start (self);
    load_drain (self->witness->load);
    check_backups (self);
    size_t found_again = count_found_again (self);
    assert_true (found_again > 0);
    witness_end (self->witness, REPEATS);
    assert_int_equal (rig_belfry (self->witness->rig,
                                  (const char *const[]){"check", "--data",
                                                        self->witness->rig->data, NULL},
                                  NULL),
                      0);
    witness_report (self->witness, self->kills, from_us);
    print_message ("%zu calls were committed and not answered before a kill\n",
                   found_again);
}

/* The very first start: the file is empty, or it is a database. */
static void
test_first_start (void **state)
{
    bench *self = *state;
    rig *owner = self->witness->rig;
    static const char *const points[] = {
        "before_migrate_commit", "after_migrate_commit", "before_settle",
        "after_settle",          "at_recover",           "after_apply_before_commit",
    };
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        failpoints_arm (self->points, points[i], 0, FAILPOINT_KILL);
        assert_int_equal (rig_refused (owner, NULL), EXIT_KILLED);
        rig_start (owner, NULL);
        peer *client = peer_client (owner, owner->commands.tcp, ZMQ_DEALER, "first");
        ask_job (client, "schedule.jobs.type=first schedule.jobs.after_us=0");
        peer_free (client);
        rig_stop (owner);
        assert_int_equal (
            rig_belfry (owner, (const char *const[]){"check", "--data", owner->data, NULL},
                        NULL),
            0);
        /* The next point finds no directory either. */
        free (owner->data);
        char name[16];
        (void)snprintf (name, sizeof name, "data-%zu", i);
        owner->data = temp_path (owner->directory, name);
    }
}

/* --- what is shipped has none ------------------------------------------------------------
 */

static bool
names_failpoints (const char *variable)
{
    FILE *file = fopen (getenv (variable), "r");
    assert_non_null (file);
    static const char word[] = "failpoint:";
    size_t matched = 0;
    int c;
    while (matched < sizeof word - 1 && (c = fgetc (file)) != EOF) {
        matched = c == word[matched] ? matched + 1 : c == word[0];
    }
    (void)fclose (file);
    return matched == sizeof word - 1;
}

static void
test_none_is_shipped (void **state)
{
    (void)state;
    assert_true (names_failpoints ("BELFRYD_FAILPOINTS"));
    assert_true (names_failpoints ("BELFRY_FAILPOINTS"));
    assert_false (names_failpoints ("BELFRYD"));
    assert_false (names_failpoints ("BELFRY"));
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_none_is_shipped),
        cmocka_unit_test_setup_teardown (test_first_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown (test_every_point, set_up, tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
