/* SPDX-License-Identifier: MPL-2.0
 *
 * Backup as a command of the ledger: slices between batches, answers after a second and at
 * the end, what is written meanwhile, and everything that may be in its way.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist/backup.h"
#include "persist/check/check.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/temp.h"

/* More than one slice of 200 pages. */
static void
fill (ledger *self)
{
    self->unchecked = true;
    for (int i = 0; i < 40; i++) {
        ledger_ok (self, "schedule.jobs.type=big schedule.jobs.after_us=99000000 "
                         "schedule.jobs.payload=*60000");
    }
    self->unchecked = false;
}

static int
setup (void **state)
{
    ledger_setup (state);
    ledger *self = *state;
    /* On files of its own. */
    self->vfs = NULL;
    ledger_reopen (self, false);
    fill (self);
    return 0;
}

/* A call that is not answered at once: its number. */
static uint64_t
call (ledger *self, const char *text)
{
    ledger_begin (self);
    uint64_t number = ledger_put (self, text);
    ledger_commit (self);
    return number;
}

static void
expect_whole (const char *path, uint64_t jobs)
{
    bf_check_summary summary;
    bf_error error = {0};
    if (bf_check (path, NULL, &summary, &error) != BF_OK) {
        fail_msg ("%s", error.text);
    }
    assert_int_equal (summary.findings, 0);
    assert_int_equal (summary.jobs, jobs);
}

/* The header does not ask for a log (https://sqlite.org/fileformat2.html, bytes 18, 19). */
static void
expect_no_log (const char *path)
{
    unsigned char header[20];
    FILE *file = fopen (path, "rb");
    assert_non_null (file);
    assert_int_equal (fread (header, 1, sizeof header, file), sizeof header);
    assert_int_equal (header[18], 1);
    assert_int_equal (header[19], 1);
    fclose (file);
}

static char *
backup_path (const ledger *self, const char *name)
{
    char *folder = temp_path (self->directory, "backups");
    char *path = temp_path (folder, name);
    free (folder);
    return path;
}

static bool
is_there (const ledger *self, const char *name)
{
    char *path = backup_path (self, name);
    bool there = access (path, F_OK) == 0;
    free (path);
    return there;
}

static void
make_file (const ledger *self, const char *name)
{
    char *path = backup_path (self, name);
    int fd = open (path, O_WRONLY | O_CREAT, 0600);
    assert_true (fd >= 0);
    close (fd);
    free (path);
}

/* Slices until the call has its answer. */
static Belfry__V1__Reply *
finish (ledger *self, uint64_t number)
{
    Belfry__V1__Reply *reply = NULL;
    while (!reply) {
        assert_true (ledger_slice (self));
        reply = ledger_reply (self, number);
    }
    return reply;
}

static void
test_backup (void **state)
{
    ledger *self = *state;
    uint64_t first = call (self, "request_id=b backup.name=one");
    assert_null (ledger_reply (self, first));
    assert_true (ledger_slice (self));
    assert_null (ledger_reply (self, first));
    assert_true (is_there (self, ".one.partial"));
    /* What is written between the slices is in it: new rows, and pages that are copied. */
    ledger_ok (self, "schedule.jobs.type=new schedule.jobs.after_us=5");
    ledger_ok (self, "cancel.job.id=256");
    ledger_pass (self, BF_SECOND_US);
    Belfry__V1__Reply *reply = finish (self, first);
    ledger_expect (self, reply, "code=1 backup.done=0");
    assert_in_range (reply->backup->pages_done, 200, reply->backup->pages - 1);
    /* The same call again hears the end; so does another beside it. */
    first = call (self, "request_id=b backup.name=one");
    uint64_t second = call (self, "request_id=b backup.name=one");
    reply = finish (self, first);
    ledger_expect (self, reply, "code=1 backup.done=1 repeated=0");
    ledger_expect (self, ledger_reply (self, second), "code=1 backup.done=1");
    assert_true (reply->backup->pages_done == reply->backup->pages);
    assert_true (reply->backup->stream_epoch == LEDGER_EPOCH);
    char *path = backup_path (self, "one");
    assert_string_equal (reply->backup->path, path);
    struct stat facts;
    assert_int_equal (stat (path, &facts), 0);
    assert_int_equal (facts.st_size, reply->backup->bytes);
    assert_int_equal (facts.st_mode & 0777, 0600);
    assert_false (is_there (self, ".one.partial"));
    assert_false (is_there (self, "one-wal"));
    expect_whole (path, 41);
    expect_no_log (path);
    free (path);
    /* Then all is quiet, and a repeat gets the same. */
    ledger_tend (self);
    assert_true (bf_ledger_next_tend (self->ledger).us > self->now.boot.us);
    reply = ledger_ok (self, "request_id=b backup.name=one");
    ledger_expect (self, reply, "backup.done=1 repeated=1");
    ledger_refused (self, BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED,
                    "request_id=b backup.name=two");
}

static void
test_refusals (void **state)
{
    ledger *self = *state;
    uint64_t first = call (self, "request_id=b backup.name=one");
    Belfry__V1__Reply *reply =
        ledger_refused (self, BELFRY__V1__CODE__CODE_BUSY, "request_id=c backup.name=two");
    assert_non_null (strstr (reply->text, "one, 0 of"));
    ledger_refused (self, BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED,
                    "request_id=b backup.name=two");
    finish (self, first);
    /* Not even forgotten yet, it is in nobody's way. */
    reply = ledger_refused (self, BELFRY__V1__CODE__CODE_WRONG_STATE,
                            "request_id=c backup.name=one");
    assert_non_null (strstr (reply->text, "is there already"));
    /* Without a name, twice in a second. */
    reply = finish (self, call (self, "backup"));
    assert_non_null (strstr (reply->backup->path, "/belfry-2026-01-01T000000Z.db"));
    reply = finish (self, call (self, "backup"));
    assert_non_null (strstr (reply->backup->path, "/belfry-2026-01-01T000000Z.2.db"));
    ledger_tend (self);
    bf_ledger_set_scarce (self->ledger, true);
    ledger_refused (self, BELFRY__V1__CODE__CODE_DISK_FULL, "backup.name=three");
    bf_ledger_set_scarce (self->ledger, false);
}

/* A batch that is lost with the disk full does not lose the answer. */
static void
test_lost_answer (void **state)
{
    ledger *self = *state;
    bf_error error = {0};
    uint64_t first = call (self, "request_id=b backup.name=one");
    while (!is_there (self, "one")) {
        ledger_begin (self);
        assert_int_equal (bf_ledger_tend (self->ledger, &error), BF_OK);
        if (is_there (self, "one")) {
            bf_ledger_rollback (self->ledger);
        } else {
            ledger_commit (self);
        }
    }
    assert_true (ledger_slice (self));
    ledger_expect (self, ledger_reply (self, first), "code=1 backup.done=1");
    ledger_tend (self);
    ledger_expect (self, ledger_ok (self, "request_id=b backup.name=one"), "repeated=1");
}

/* A batch that is rolled back takes the copying back to its beginning, not astray. */
static void
test_rollback (void **state)
{
    ledger *self = *state;
    uint64_t first = call (self, "request_id=b backup.name=one");
    assert_true (ledger_slice (self));
    ledger_begin (self);
    ledger_put (self, "schedule.jobs.type=gone schedule.jobs.after_us=5");
    bf_ledger_rollback (self->ledger);
    finish (self, first);
    char *path = backup_path (self, "one");
    expect_whole (path, 40);
    free (path);
}

/* Dry runs, which undo what they did, keep no backup from its end. */
static void
test_dry_runs (void **state)
{
    ledger *self = *state;
    uint64_t first = call (self, "request_id=b backup.name=one");
    Belfry__V1__Reply *reply = NULL;
    for (int i = 0; !reply && i < 20; i++) {
        ledger_ok (self, "cancel.job.id=256 cancel.dry_run=1");
        assert_true (ledger_slice (self));
        reply = ledger_reply (self, first);
    }
    assert_non_null (reply);
    ledger_expect (self, reply, "code=1 backup.done=1");
    char *path = backup_path (self, "one");
    expect_whole (path, 40);
    free (path);
}

/* The disk does not take the copy: the caller is told, nothing is left, all goes on. */
static void
test_failed (void **state)
{
    ledger *self = *state;
    struct rlimit before;
    assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 1024 * 1024, .rlim_max = before.rlim_max};
    uint64_t first = call (self, "request_id=b backup.name=one");
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
    Belfry__V1__Reply *reply = finish (self, first);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_INTERNAL);
    assert_non_null (strstr (reply->text, "/.one.partial: cannot be written"));
    assert_false (is_there (self, ".one.partial"));
    ledger_ok (self, "schedule.jobs.type=new schedule.jobs.after_us=5");
    ledger_expect (self, finish (self, call (self, "request_id=b backup.name=one")),
                   "code=1 backup.done=1 repeated=0");
}

static void
test_restart (void **state)
{
    ledger *self = *state;
    call (self, "request_id=b backup.name=one");
    assert_true (ledger_slice (self));
    ledger_reopen (self, false);
    assert_true (bf_ledger_next_tend (self->ledger).us > self->now.boot.us);
    assert_false (is_there (self, "one"));
    /* What a kill leaves goes with the next one. */
    static const char *const left[] = {".old.partial", ".old.partial-wal",
                                       ".old.partial-journal"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        make_file (self, left[i]);
    }
    finish (self, call (self, "request_id=b backup.name=one"));
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        assert_false (is_there (self, left[i]));
    }
    assert_true (is_there (self, "one"));
}

/* No name of a backup, nor of anybody else's file, is taken for one that was cut off. */
static void
test_names (void **state)
{
    ledger *self = *state;
    static const char *const others[] = {".partial", ".nfs0001", "a.partial.b",
                                         "x.partial"};
    finish (self, call (self, "backup.name=one.partial"));
    finish (self, call (self, "backup.name=one.partial-wal"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        make_file (self, others[i]);
    }
    finish (self, call (self, "backup.name=one"));
    assert_true (is_there (self, "one.partial"));
    assert_true (is_there (self, "one.partial-wal"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_true (is_there (self, others[i]));
    }
}

/* In a store without files there is nothing to copy to. */
static void
test_no_files (void **state)
{
    ledger *self = *state;
    self->vfs = "unix-none";
    ledger_reopen (self, false);
    ledger_refused (self, BELFRY__V1__CODE__CODE_WRONG_STATE, "backup.name=one");
}

static void
claim_with (ledger *self, const char *request_id)
{
    ledger_ok (self, "schedule.jobs.type=quick schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    const char *text = ledger_text (self, "request_id=%s claim.types=quick", request_id);
    Belfry__V1__Reply *reply = ledger_grant (self, ledger_claim (self, text));
    assert_non_null (reply);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_OK);
}

/* A claim that used the request_id meanwhile keeps it, and those who wait for the backup
 * hear of its end all the same. */
static void
test_claimed_meanwhile (void **state)
{
    ledger *self = *state;
    uint64_t first = call (self, "request_id=b backup.name=one");
    uint64_t second = call (self, "request_id=b backup.name=one");
    claim_with (self, "b");
    Belfry__V1__Reply *reply = finish (self, first);
    ledger_expect (self, reply, "code=1 backup.done=1");
    ledger_expect (self, ledger_reply (self, second), "code=1 backup.done=1");
    ledger_refused (self, BELFRY__V1__CODE__CODE_REQUEST_ID_REUSED,
                    "request_id=b backup.name=one");
    finish (self, call (self, "request_id=c backup.name=two"));
}

/* A slice whose batch is lost to a full disk. */
static void
lose_slice (ledger *self)
{
    bf_error error = {0};
    ledger_begin (self);
    assert_int_equal (bf_ledger_tend (self->ledger, &error), BF_OK);
    bf_ledger_rollback (self->ledger);
}

/* Who was to hear how far it is in a batch that was lost hears it in the next. */
static void
test_lost_progress (void **state)
{
    ledger *self = *state;
    uint64_t first = call (self, "request_id=b backup.name=one");
    ledger_pass (self, BF_SECOND_US);
    lose_slice (self);
    assert_null (ledger_reply (self, first));
    assert_true (ledger_slice (self));
    ledger_expect (self, ledger_reply (self, first), "code=1 backup.done=0");
}

/* A call whose batch is lost never was: it may come again, and is refused if the disk is
 * full by then. */
static void
test_lost_begin (void **state)
{
    ledger *self = *state;
    ledger_begin (self);
    ledger_put (self, "request_id=b backup.name=one");
    assert_true (is_there (self, ".one.partial"));
    bf_ledger_rollback (self->ledger);
    assert_false (is_there (self, ".one.partial"));
    uint64_t first = call (self, "request_id=b backup.name=one");
    ledger_begin (self);
    ledger_put (self, "request_id=b backup.name=one");
    bf_ledger_rollback (self->ledger);
    uint64_t second = call (self, "request_id=b backup.name=one");
    finish (self, first);
    ledger_expect (self, ledger_reply (self, second), "code=1 backup.done=1");
}

/* The disk becomes full meanwhile: the copy makes room at once, and whoever waits is told,
 * even if a batch is lost before. */
static void
test_scarce (void **state)
{
    ledger *self = *state;
    uint64_t first = call (self, "request_id=b backup.name=one");
    uint64_t second = call (self, "request_id=b backup.name=one");
    assert_true (ledger_slice (self));
    assert_true (is_there (self, ".one.partial"));
    bf_ledger_set_scarce (self->ledger, true);
    assert_false (is_there (self, ".one.partial"));
    ledger_refused (self, BELFRY__V1__CODE__CODE_BUSY, "request_id=c backup.name=two");
    lose_slice (self);
    Belfry__V1__Reply *reply = finish (self, first);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_DISK_FULL);
    assert_non_null (strstr (reply->text, "given up to make room"));
    reply = ledger_reply (self, second);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_DISK_FULL);
    assert_true (bf_ledger_next_tend (self->ledger).us > self->now.boot.us);
    ledger_refused (self, BELFRY__V1__CODE__CODE_DISK_FULL, "request_id=b backup.name=one");
    bf_ledger_set_scarce (self->ledger, false);
    finish (self, call (self, "request_id=b backup.name=one"));
    assert_true (is_there (self, "one"));
}

/* A copy that is whole by then stays. */
static void
test_scarce_whole (void **state)
{
    ledger *self = *state;
    uint64_t first = call (self, "request_id=b backup.name=one");
    while (!is_there (self, "one")) {
        lose_slice (self);
    }
    bf_ledger_set_scarce (self->ledger, true);
    ledger_expect (self, finish (self, first), "code=1 backup.done=1");
    assert_true (is_there (self, "one"));
    bf_ledger_set_scarce (self->ledger, false);
}

#define TEST(function) cmocka_unit_test_setup_teardown (function, setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_backup),
        TEST (test_refusals),
        TEST (test_names),
        TEST (test_lost_answer),
        TEST (test_claimed_meanwhile),
        TEST (test_lost_progress),
        TEST (test_lost_begin),
        TEST (test_scarce),
        TEST (test_scarce_whole),
        TEST (test_rollback),
        TEST (test_dry_runs),
        TEST (test_failed),
        TEST (test_restart),
        TEST (test_no_files),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
