/* SPDX-License-Identifier: MPL-2.0
 *
 * A disk that is really full: the data directory is a small tmpfs, in a mount namespace of
 * this process, so that nothing is left behind. Where mounting is not allowed the test is
 * skipped (77), or fails where BELFRY_NO_SKIP is set.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "core/base/hash.h"
#include "core/base/time.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/namespace.h"
#include "tests/support/peer.h"
#include "tests/support/rig.h"
#include "tests/support/story.h"
#include "tests/support/temp.h"

#define OK BELFRY__V1__CODE__CODE_OK
#define DISK_FULL BELFRY__V1__CODE__CODE_DISK_FULL

#define EXIT_DISK 14
#define EXIT_SKIPPED 77

/* The reserve of 16 MiB, and as much again for a database and its WAL. */
#define SMALL "size=40m"
#define LARGE "size=400m"

#define RESERVE_BYTES ((size_t)16 * 1024 * 1024)

/* 14 payloads of 64 KiB fit into a frame. */
#define BULK_JOBS 14

typedef struct {
    rig *rig;
    peer *client;
    char *ballast; /* the path of the file that takes the room */
    char *tokens[4];
    uint64_t cancelled;
    uint64_t confirmed;
    uint64_t due;  /* falls due while the disk is full */
    uint64_t bulk; /* the last job that was acknowledged on the way */
} bench;

static void
mount_disk (const char *path, unsigned long flags, const char *size)
{
    assert_int_equal (mount ("none", path, "tmpfs", flags, size), 0);
}

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    self->ballast = temp_path (self->rig->data, "ballast");
    assert_int_equal (mkdir (self->rig->data, 0700), 0);
    mount_disk (self->rig->data, 0, SMALL);
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    for (size_t i = 0; i < sizeof self->tokens / sizeof *self->tokens; i++) {
        free (self->tokens[i]);
    }
    peer_free (self->client);
    (void)umount2 (self->rig->data, MNT_DETACH);
    free (self->ballast);
    rig_destroy (&self->rig);
    free (self);
    return 0;
}

static void
start (bench *self)
{
    rig_start (self->rig, NULL);
    /* Request ids go on over a restart. */
    uint64_t calls = self->client ? self->client->calls : 0;
    peer_free (self->client);
    self->client = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "disk");
    self->client->calls = calls;
}

/* Takes so much of the room that is left. */
static void
take_room (const bench *self, size_t size)
{
    static const char block[65536];
    int file = open (self->ballast, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true (file >= 0);
    for (size_t taken = 0; taken < size; taken += sizeof block) {
        if (write (file, block, sizeof block) <= 0) {
            break;
        }
    }
    close (file);
}

/* To the last page. */
static void
fill (const bench *self)
{
    take_room (self, SIZE_MAX);
}

static void
free_room (const bench *self)
{
    assert_int_equal (unlink (self->ballast), 0);
}

/* --- before, while, after ----------------------------------------------------------------
 */

/* What there is before the disk is full: leases, jobs to end, a timer. */
static void
prepare (bench *self, int64_t due_us)
{
    for (size_t i = 0; i < sizeof self->tokens / sizeof *self->tokens; i++) {
        ask_job (self->client, "schedule.jobs.type=work schedule.jobs.after_us=0");
        self->tokens[i] = ask_lease (self->client, "work");
    }
    static const char far[] = "schedule.jobs.type=far schedule.jobs.after_us=3600000000";
    self->cancelled = ask_job (self->client, far);
    self->confirmed = ask_job (self->client, far);
    self->due = ask_job (self->client,
                         "schedule.jobs.type=due schedule.jobs.after_us=%" PRId64, due_us);
}

static Belfry__V1__Reply *
schedule_bulk (bench *self)
{
    char text[8192] = "";
    size_t size = 0;
    for (int i = 0; i < BULK_JOBS; i++) {
        size += (size_t)snprintf (text + size, sizeof text - size,
                                  " schedule.jobs[%d].type=bulk schedule.jobs[%d].after_us="
                                  "3600000000 schedule.jobs[%d].payload=*65536",
                                  i, i, i);
    }
    return ask (self->client, "%s", text);
}

/* Schedules until it is refused. */
static void
press_until_full (bench *self)
{
    Belfry__V1__Reply *reply;
    while ((reply = schedule_bulk (self))->code == OK) {
        self->bulk = reply->jobs->items[BULK_JOBS - 1]->job->id;
        reply_free (reply);
    }
    assert_int_equal (reply->code, DISK_FULL);
    assert_true (strlen (reply->text) > 0);
    reply_free (reply);
}

static bool
is_full (bench *self)
{
    Belfry__V1__Reply *reply = ask_status (self->client);
    bool full = reply->status->disk_full;
    reply_free (reply);
    return full;
}

/* Fills it up, and takes half of what the reserve leaves, so that it cannot be made again.
 * Until then the daemon may have found room once more. */
static void
make_scarce (bench *self)
{
    do {
        press_until_full (self);
        take_room (self, RESERVE_BYTES / 2);
    } while (!is_full (self));
}

static void
await_room (bench *self)
{
    int64_t until_us = bf_now_read ().boot.us + RIG_DEADLINE_MS * BF_MS_US;
    while (is_full (self)) {
        if (bf_now_read ().boot.us > until_us) {
            rig_fail (self->rig, "it does not notice that there is room");
        }
        (void)poll (NULL, 0, 20);
    }
}

static void
expect_reads (bench *self)
{
    reply_free (ask_for (self->client, OK, "get.job.id=%" PRIu64, self->due));
    ask_ok (self->client, "list.limit=10");
    ask_ok (self->client, "history.job.id=%" PRIu64, self->due);
    ask_ok (self->client, "replay.limit=10");
}

/* New work is refused, everything that ends work goes on. */
static void
expect_scarce (bench *self)
{
    for (int i = 0; i < 3; i++) {
        reply_free (ask_for (self->client, DISK_FULL,
                             "schedule.jobs.type=new schedule.jobs.after_us=0"));
    }
    ask_ok (self->client, "heartbeat.tokens=%s", self->tokens[0]);
    ask_ok (self->client, "complete.token=%s complete.result=*1000", self->tokens[0]);
    ask_ok (self->client, "fail.token=%s fail.non_retryable=1", self->tokens[1]);
    ask_ok (self->client, "snooze.token=%s snooze.for_us=3600000000", self->tokens[2]);
    ask_ok (self->client, "cancel.job.id=%" PRIu64, self->cancelled);
    ask_ok (self->client, "confirm.job.id=%" PRIu64, self->confirmed);
    expect_reads (self);
}

/* All that was acknowledged is in the log, and nothing else. */
static void
expect_kept (bench *self)
{
    story *log = story_new ();
    story_read (log, self->client);
    assert_int_equal (story_find_attempt (log, self->tokens[0])->end,
                      BF_EVENT_RUN_SUCCEEDED);
    assert_int_equal (story_find_attempt (log, self->tokens[1])->end, BF_EVENT_RUN_FAILED);
    assert_int_equal (story_find_attempt (log, self->tokens[2])->end, BF_EVENT_RUN_SNOOZED);
    assert_int_equal (story_find_job (log, self->cancelled)->state, BF_JOB_CANCELLED);
    assert_int_equal (story_find_job (log, self->confirmed)->state, BF_JOB_CONFIRMED);
    assert_true (story_find_job (log, self->due)->fired_seq > 0);
    /* Ids are counted, so the last one says how many there may be. */
    uint64_t last = self->bulk ? self->bulk : self->due;
    assert_non_null (story_find_job (log, last));
    assert_int_equal (bf_map_count (log->jobs), last / 256);
    story_destroy (&log);
}

/* Once there is room: the timer that fell due fires, open leases go on, new work is taken,
 * and a restart finds all of it. */
static void
expect_recovered (bench *self)
{
    await_room (self);
    char *late = ask_lease (self->client, "due");
    expect_kept (self);
    ask_ok (self->client, "complete.token=%s", late);
    free (late);
    ask_ok (self->client, "complete.token=%s", self->tokens[3]);
    ask_job (self->client, "schedule.jobs.type=new schedule.jobs.after_us=0");
    char *fresh = ask_lease (self->client, "new");
    rig_kill (self->rig);
    start (self);
    ask_ok (self->client, "complete.token=%s", fresh);
    free (fresh);
    rig_stop (self->rig);
}

/* Waits until the timer's time has passed; it must not have fired. */
static void
pass_due (bench *self)
{
    Belfry__V1__Reply *reply;
    int64_t left_us;
    do {
        reply = ask_for (self->client, OK, "get.job.id=%" PRIu64, self->due);
        left_us = reply->get->job->due_us + 100 * BF_MS_US - bf_now_read ().wall.us;
        assert_int_equal (reply->get->n_runs, 0);
        assert_int_equal (reply->get->job->state, BF_JOB_SCHEDULED);
        reply_free (reply);
        (void)poll (NULL, 0, 50);
    } while (left_us > 0);
}

/* --- the tests ---------------------------------------------------------------------------
 */

static void
test_filled_by_payloads (void **state)
{
    bench *self = *state;
    start (self);
    prepare (self, 60 * BF_SECOND_US);
    make_scarce (self);
    assert_true (self->bulk > 0);
    expect_scarce (self);
    /* Moved to now: a command on what is there already. */
    mount_disk (self->rig->data, MS_REMOUNT, LARGE);
    await_room (self);
    ask_ok (self->client, "reschedule.job.id=%" PRIu64 " reschedule.after_us=0", self->due);
    expect_recovered (self);
}

static void
test_filled_by_others (void **state)
{
    bench *self = *state;
    start (self);
    prepare (self, 1500 * BF_MS_US);
    fill (self);
    make_scarce (self);
    expect_scarce (self);
    pass_due (self);
    free_room (self);
    expect_recovered (self);
}

/* Others take the reserve, too, as soon as it is given away: not even a completion finds
 * room. Nothing is lost, and what was asked meanwhile is answered. */
static void
test_not_a_page_left (void **state)
{
    bench *self = *state;
    start (self);
    prepare (self, 500 * BF_MS_US);
    fill (self);
    press_until_full (self);
    fill (self);
    Belfry__V1__Reply *reply;
    do {
        /* Pages that SQLite has already may take a few. */
        reply = ask (self->client, "schedule.jobs.type=new schedule.jobs.after_us=0");
        assert_int_equal (reply->code, DISK_FULL);
        reply_free (reply);
        fill (self);
        reply = ask (self->client, "trigger.job.id=%" PRIu64, self->cancelled);
        assert_true (reply->code == DISK_FULL || reply->code == OK);
        bool refused = reply->code == DISK_FULL;
        reply_free (reply);
        if (refused) {
            break;
        }
    } while (true);
    pass_due (self);
    expect_reads (self);
    free_room (self);
    await_room (self);
    ask_ok (self->client, "complete.token=%s complete.result=*1000", self->tokens[0]);
    ask_ok (self->client, "fail.token=%s fail.non_retryable=1", self->tokens[1]);
    ask_ok (self->client, "snooze.token=%s snooze.for_us=3600000000", self->tokens[2]);
    ask_ok (self->client, "cancel.job.id=%" PRIu64, self->cancelled);
    ask_ok (self->client, "confirm.job.id=%" PRIu64, self->confirmed);
    expect_recovered (self);
}

/* The hash of a file. */
static uint64_t
hash_file (const bench *self, const char *name)
{
    char *path = temp_path (self->rig->data, name);
    FILE *file = fopen (path, "r");
    free (path);
    if (!file) {
        return 0;
    }
    uint64_t hash = 1;
    char block[4096];
    size_t size;
    while ((size = fread (block, 1, sizeof block, file)) > 0) {
        hash = bf_mix (hash) ^ bf_hash (block, size);
    }
    fclose (file);
    return hash;
}

/* No room for the first word: it says so, and leaves the file as it was. */
static void
test_start_on_full_disk (void **state)
{
    bench *self = *state;
    start (self);
    prepare (self, 0);
    rig_stop (self->rig);
    char *reserve = temp_path (self->rig->data, "belfry.reserve");
    assert_int_equal (unlink (reserve), 0);
    free (reserve);
    fill (self);
    uint64_t before = hash_file (self, "belfry.db");
    assert_int_equal (rig_refused (self->rig, NULL), EXIT_DISK);
    assert_true (hash_file (self, "belfry.db") == before);
    char *log = rig_log_text (self->rig);
    assert_non_null (strstr (log, "full"));
    free (log);
    free_room (self);
    start (self);
    for (size_t i = 0; i < sizeof self->tokens / sizeof *self->tokens; i++) {
        ask_ok (self->client, "complete.token=%s", self->tokens[i]);
    }
    rig_stop (self->rig);
}

/* After kill -9 the WAL holds what was acknowledged, and there is no room to move it. */
static void
test_restart_on_full_disk (void **state)
{
    bench *self = *state;
    start (self);
    prepare (self, 0);
    for (int i = 0; i < 3; i++) {
        reply_free (schedule_bulk (self));
    }
    rig_kill (self->rig);
    char *reserve = temp_path (self->rig->data, "belfry.reserve");
    assert_int_equal (unlink (reserve), 0);
    free (reserve);
    fill (self);
    assert_int_equal (rig_refused (self->rig, NULL), EXIT_DISK);
    assert_int_equal (rig_refused (self->rig, NULL), EXIT_DISK);
    free_room (self);
    start (self);
    for (size_t i = 0; i < sizeof self->tokens / sizeof *self->tokens; i++) {
        ask_ok (self->client, "complete.token=%s", self->tokens[i]);
    }
    Belfry__V1__Reply *reply = ask_status (self->client);
    /* Three bulks, and two that wait; what was due may have been fired by now. */
    assert_in_range (reply->status->open_jobs, 3 * BULK_JOBS + 2, 3 * BULK_JOBS + 3);
    reply_free (reply);
    rig_stop (self->rig);
}

/* A new directory without room for what it needs. */
static void
test_first_start_on_full_disk (void **state)
{
    bench *self = *state;
    fill (self);
    assert_int_equal (rig_refused (self->rig, NULL), EXIT_DISK);
    free_room (self);
    start (self);
    prepare (self, 0);
    rig_stop (self->rig);
}

/* A file system of our own. */
static bool
may_mount (void)
{
    if (!namespace_enter ()) {
        return false;
    }
    char *directory = temp_make ();
    bool may =
        mount ("none", directory, "tmpfs", 0, SMALL) == 0 && umount2 (directory, 0) == 0;
    temp_remove (directory);
    return may;
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    if (!may_mount ()) {
        (void)fprintf (stderr, "a tmpfs cannot be mounted here\n");
        const char *no_skip = getenv ("BELFRY_NO_SKIP");
        return no_skip && *no_skip ? 1 : EXIT_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        TEST (test_filled_by_payloads),   TEST (test_filled_by_others),
        TEST (test_not_a_page_left),      TEST (test_start_on_full_disk),
        TEST (test_restart_on_full_disk), TEST (test_first_start_on_full_disk),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
