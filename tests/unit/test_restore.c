/* SPDX-License-Identifier: MPL-2.0
 *
 * Restore: a backup takes the place of a database, or is refused. And every state of a
 * directory in which a kill may leave it: belfryd refuses to start on it, and the next
 * restore makes it whole, with nothing lost of the old database.
 */
#include "persist/restore.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/damage.h"
#include "tests/support/ledger.h"
#include "tests/support/temp.h"

/* What is in the backup, and what came to the database later. */
#define THEN 3
#define LATER 2

typedef struct {
    ledger *book; /* its directory is the database's */
    char *file;   /* the backup */
} fixture;

static void
add_jobs (ledger *book, int count)
{
    for (int i = 0; i < count; i++) {
        ledger_ok (book, "schedule.jobs.type=mail schedule.jobs.after_us=99000000");
    }
}

/* A backup, jobs that came later, and a database that was killed: the later ones are in its
 * log. */
static int
setup (void **state)
{
    static fixture self;
    ledger_setup (state);
    ledger *book = *state;
    book->vfs = NULL;
    ledger_reopen (book, false);
    add_jobs (book, THEN);
    ledger_begin (book);
    uint64_t number = ledger_put (book, "backup.name=one");
    ledger_commit (book);
    while (!ledger_reply (book, number)) {
        assert_true (ledger_slice (book));
    }
    self.file = strdup (ledger_reply (book, number)->backup->path);
    self.book = book;
    add_jobs (book, LATER);
    *state = &self;
    return 0;
}

static int
teardown (void **state)
{
    fixture *self = *state;
    void *book = self->book;
    free (self->file);
    return ledger_teardown (&book);
}

/* --- directories made by hand -------------------------------------------------------- */

static bool
is_there (const char *directory, const char *name)
{
    char *path = temp_path (directory, name);
    bool there = access (path, F_OK) == 0;
    free (path);
    return there;
}

/* The database as a kill leaves it, in a directory of its own. */
static char *
killed (const fixture *self)
{
    static const char *const names[] = {"belfry.db", "belfry.db-wal"};
    char *directory = temp_make ();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *from = temp_path (self->book->directory, names[i]);
        char *to = temp_path (directory, names[i]);
        damage_copy_file (from, to);
        free (from);
        free (to);
    }
    return directory;
}

/* NULL for `to`: takes it away. */
static void
move (const char *directory, const char *from, const char *to)
{
    char *old = temp_path (directory, from);
    char *new = to ? temp_path (directory, to) : NULL;
    assert_int_equal (to ? rename (old, new) : unlink (old), 0);
    free (old);
    free (new);
}

static void
put (const char *directory, const char *name, const char *text)
{
    char *path = temp_path (directory, name);
    FILE *file = fopen (path, "w");
    assert_true (file && fputs (text, file) >= 0 && fclose (file) == 0);
    free (path);
}

static bf_err
restore (const char *file, const char *directory, bool force, char **aside, bf_error *error)
{
    bf_restore_options options = {.stream_epoch = 99, .force = force};
    bf_check_summary backup;
    *error = (bf_error){0};
    return bf_restore (file, directory, &options, &backup, aside, error);
}

static void
expect_jobs (const char *path, uint64_t jobs, bool restored)
{
    bf_check_summary summary;
    bf_error error = {0};
    if (bf_check (path, NULL, &summary, &error) != BF_OK) {
        fail_msg ("%s", error.text);
    }
    assert_int_equal (summary.findings, 0);
    assert_true (summary.jobs == jobs);
    assert_int_equal (summary.stream_epoch == 99, restored);
}

/* The old database, with its log: joined in an empty directory, as operations.md says. */
static void
expect_old (const char *directory, const char *aside)
{
    char *joined = temp_make ();
    char *database = temp_path (joined, "belfry.db");
    char *log = temp_path (joined, "belfry.db-wal");
    char old_log[4096];
    assert_true (strncmp (aside, directory, strlen (directory)) == 0);
    snprintf (old_log, sizeof old_log, "%s-wal", aside);
    damage_copy_file (aside, database);
    damage_copy_file (old_log, log);
    expect_jobs (joined, THEN + LATER, false);
    free (database);
    free (log);
    temp_remove (joined);
}

static void
expect_restored (const char *directory)
{
    expect_jobs (directory, THEN, true);
    assert_false (is_there (directory, "belfry.db-wal"));
    assert_false (is_there (directory, "belfry.db.restore"));
    assert_false (is_there (directory, "belfry.db.restore-journal"));
}

/* --- one that goes through ----------------------------------------------------------- */

static void
test_restore (void **state)
{
    fixture *self = *state;
    ledger *book = self->book;
    char *aside = NULL;
    bf_error error = {0};
    int64_t head = ledger_number (book, "SELECT head_seq FROM meta");
    assert_int_equal (restore (self->file, book->directory, true, &aside, &error),
                      BF_ELOCKED);
    assert_int_equal (restore (book->directory, book->directory, true, &aside, &error),
                      BF_ELOCKED);
    bf_ledger_close (&book->ledger);
    assert_int_equal (restore (self->file, book->directory, false, &aside, &error),
                      BF_ESTATE);
    assert_int_equal (restore (book->directory, book->directory, true, &aside, &error),
                      BF_EINVALID);
    assert_null (aside);
    assert_int_equal (restore (self->file, book->directory, true, &aside, &error), BF_OK);
    assert_non_null (strstr (aside, "/belfry.db.replaced-2"));
    expect_jobs (aside, THEN + LATER, false);
    free (aside);
    expect_restored (book->directory);
    /* The history goes on behind the backup, under its own epoch. The fixture's model knows
     * the other one. */
    book->unchecked = true;
    ledger_reopen (book, false);
    assert_int_equal (ledger_number (book, "SELECT count (*) FROM job"), THEN);
    assert_int_equal (ledger_number (book, "SELECT stream_epoch FROM meta"), 99);
    assert_true (ledger_number (book, "SELECT head_seq FROM meta") < head);
}

/* The log goes with its database, and a second one in the same second finds another name.
 */
static void
test_aside (void **state)
{
    fixture *self = *state;
    char *directory = killed (self);
    char *first = NULL;
    char *second = NULL;
    bf_error error = {0};
    assert_int_equal (restore (self->file, directory, true, &first, &error), BF_OK);
    expect_restored (directory);
    expect_old (directory, first);
    assert_int_equal (restore (self->file, directory, true, &second, &error), BF_OK);
    assert_string_not_equal (first, second);
    expect_restored (directory);
    expect_old (directory, first);
    expect_jobs (second, THEN, true);
    free (first);
    free (second);
    temp_remove (directory);
}

/* Answers and a command by filter that is under way are looked at, too, and come back. */
static void
test_under_way (void **state)
{
    fixture *self = *state;
    ledger *book = self->book;
    char *aside = NULL;
    bf_error error = {0};
    bf_check_summary summary;
    ledger_begin (book);
    ledger_put (book, "request_id=p pause.filter.type=mail");
    ledger_commit (book);
    assert_int_equal (ledger_number (book, "SELECT count (*) FROM operation"), 1);
    uint64_t answers = (uint64_t)ledger_number (book, "SELECT count (*) FROM answer");
    bf_ledger_close (&book->ledger);
    assert_int_equal (bf_check (book->directory, NULL, &summary, &error), BF_OK);
    assert_int_equal (summary.findings, 0);
    assert_true (summary.operations == 1 && summary.answers == answers && answers > THEN);
    char *file = temp_path (book->directory, "belfry.db");
    char *target = temp_make ();
    assert_int_equal (restore (file, target, false, &aside, &error), BF_OK);
    free (file);
    assert_null (aside);
    assert_int_equal (bf_check (target, NULL, &summary, &error), BF_OK);
    assert_true (summary.findings == 0 && summary.operations == 1);
    temp_remove (book->directory);
    book->directory = target;
    book->unchecked = true;
    ledger_reopen (book, false);
    ledger_tend (book);
    assert_int_equal (ledger_number (book, "SELECT count (*) FROM job WHERE paused"),
                      THEN + LATER);
    assert_int_equal (ledger_number (book, "SELECT count (*) FROM operation"), 0);
}

/* --- refused ------------------------------------------------------------------------- */

static void
test_refused (void **state)
{
    fixture *self = *state;
    char *aside = NULL;
    bf_error error = {0};
    char *target = temp_make ();
    /* A damaged one is not put anywhere. */
    damage_make (self->file, "UPDATE job SET fired = 7");
    assert_int_equal (restore (self->file, target, false, &aside, &error), BF_ECORRUPT);
    assert_non_null (strstr (error.text, "nothing was restored"));
    assert_false (is_there (target, "belfry.db"));
    /* Nor one that is only a part of a database. */
    char log[4096];
    snprintf (log, sizeof log, "%s-wal", self->file);
    FILE *file = fopen (log, "w");
    assert_true (file && fputs ("x", file) >= 0 && fclose (file) == 0);
    assert_int_equal (restore (self->file, target, false, &aside, &error), BF_ESTATE);
    assert_non_null (strstr (error.text, "a log beside it"));
    assert_null (aside);
    temp_remove (target);
}

/* One that the disk does not take the copy of. */
static void
restore_without_room (const fixture *self, const char *directory, char **aside)
{
    struct rlimit before;
    bf_error error = {0};
    assert_int_equal (getrlimit (RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 8192, .rlim_max = before.rlim_max};
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &small), 0);
    bf_err rc = restore (self->file, directory, true, aside, &error);
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &before), 0);
    assert_int_equal (rc, BF_EIO);
    assert_non_null (strstr (error.text, "cannot be written"));
}

/* Nothing is left of it, and the old database is where it was. */
static void
test_no_room (void **state)
{
    fixture *self = *state;
    char *directory = killed (self);
    char *aside = NULL;
    restore_without_room (self, directory, &aside);
    assert_null (aside);
    assert_false (is_there (directory, "belfry.db.restore"));
    expect_jobs (directory, THEN + LATER, false);
    temp_remove (directory);
}

/* --- cut off ------------------------------------------------------------------------- */

#define T0 "belfry.db.replaced-2026-01-01T000000Z"
#define T1 "belfry.db.replaced-2026-01-02T000000Z.2"
#define T2 "belfry.db.replaced-2026-01-02T000000Z.10"

/* How far a restore came that was killed, and what was there before it: moves of a killed
 * database's files. */
static const struct {
    const char *when;
    const char *database; /* where it is now; NULL: nowhere */
    const char *log;
    const char *others[4]; /* names of files that were there before */
    const char *aside;     /* where the old database is after the next restore */
    bool refused;          /* belfryd does not start */
} cuts[] = {
    {"before the first rename", "belfry.db", "belfry.db-wal", {0}, NULL, false},
    {"after the first", T2, "belfry.db-wal", {0}, T2, true},
    {"after the first, older ones", T2, "belfry.db-wal", {T0, T1}, T2, true},
    {"after the first, older with a log",
     T1,
     "belfry.db-wal",
     {T0, T0 "-wal", T2, T2 "-wal"},
     T1,
     true},
    {"after the second", T2, T2 "-wal", {T0}, T2, true},
};

/* belfryd and the check keep away, whatever the next restore does before it is through. */
static void
expect_no_start (const char *directory, const char *when)
{
    bf_database *opened = NULL;
    bf_error error = {0};
    if (bf_database_open (&opened, directory, NULL, &error) != BF_ECORRUPT) {
        fail_msg ("%s: started", when);
    }
    assert_non_null (strstr (error.text, "restore again"));
    assert_false (is_there (directory, "belfry.db"));
}

static void
test_cut_off (void **state)
{
    fixture *self = *state;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        char *directory = killed (self);
        char *aside = NULL;
        bf_error error = {0};
        if (strcmp (cuts[i].database, "belfry.db") != 0) {
            move (directory, "belfry.db", cuts[i].database);
        }
        if (strcmp (cuts[i].log, "belfry.db-wal") != 0) {
            move (directory, "belfry.db-wal", cuts[i].log);
        }
        for (size_t j = 0; j < 4 && cuts[i].others[j]; j++) {
            put (directory, cuts[i].others[j], "older");
        }
        put (directory, "belfry.db.restore", "half a copy");
        if (cuts[i].refused) {
            expect_no_start (directory, cuts[i].when);
            restore_without_room (self, directory, &aside);
            free (aside);
            aside = NULL;
            expect_no_start (directory, cuts[i].when);
        }
        if (restore (self->file, directory, true, &aside, &error) != BF_OK) {
            fail_msg ("%s: %s", cuts[i].when, error.text);
        }
        expect_restored (directory);
        char *old = cuts[i].aside ? temp_path (directory, cuts[i].aside)
                                  : strdup (aside ? aside : "none");
        expect_old (directory, old);
        free (old);
        free (aside);
        temp_remove (directory);
    }
}

/* What is left of a restore is no backup: neither the copy, nor the old database, whose log
 * was parted from it. */
static void
test_left (void **state)
{
    fixture *self = *state;
    char *directory = killed (self);
    char *aside = NULL;
    bf_error error = {0};
    move (directory, "belfry.db", T2);
    put (directory, "belfry.db.restore", "half a copy");
    char *parted = temp_path (directory, T2);
    assert_int_equal (restore (parted, directory, true, &aside, &error), BF_ESTATE);
    assert_non_null (strstr (error.text, "a log beside it"));
    assert_string_equal (aside, parted);
    expect_old (directory, parted);
    free (aside);
    char *copy = temp_path (directory, "belfry.db.restore");
    assert_int_equal (restore (copy, directory, true, &aside, &error), BF_EINVALID);
    assert_non_null (strstr (error.text, "name the backup"));
    expect_no_start (directory, "refused twice");
    assert_int_equal (restore (self->file, directory, true, &aside, &error), BF_OK);
    assert_null (aside);
    expect_restored (directory);
    expect_old (directory, parted);
    free (copy);
    free (parted);
    temp_remove (directory);
}

/* A log whose database is gone, and no restore that was cut off: it is nobody else's. */
static void
test_lone_log (void **state)
{
    fixture *self = *state;
    char *directory = killed (self);
    char *aside = NULL;
    bf_error error = {0};
    move (directory, "belfry.db", T0);
    assert_int_equal (restore (self->file, directory, true, &aside, &error), BF_OK);
    expect_restored (directory);
    assert_false (is_there (directory, T0 "-wal"));
    char log[4096];
    snprintf (log, sizeof log, "%s-wal", aside);
    assert_int_equal (access (log, F_OK), 0);
    free (aside);
    temp_remove (directory);
}

/* Cut off while the copy got its epoch: the journal of that is not played back into the
 * next copy. */
static void
test_journal (void **state)
{
    fixture *self = *state;
    char *directory = temp_make ();
    char *copy = temp_path (directory, "belfry.db.restore");
    char *journal = temp_path (directory, "belfry.db.restore-journal");
    char *kept = temp_path (directory, "kept-journal");
    char *aside = NULL;
    bf_error error = {0};
    sqlite3 *db;
    damage_copy_file (self->file, copy);
    assert_int_equal (sqlite3_open (copy, &db), SQLITE_OK);
    assert_int_equal (sqlite3_exec (db,
                                    "UPDATE job SET fired = 7; PRAGMA synchronous = OFF;"
                                    "BEGIN; UPDATE job SET fired = 8",
                                    NULL, NULL, NULL),
                      SQLITE_OK);
    assert_int_equal (sqlite3_db_cacheflush (db), SQLITE_OK);
    damage_copy_file (journal, kept);
    sqlite3_close (db);
    move (directory, "kept-journal", "belfry.db.restore-journal");
    assert_int_equal (restore (self->file, directory, false, &aside, &error), BF_OK);
    expect_restored (directory);
    free (copy);
    free (journal);
    free (kept);
    temp_remove (directory);
}

#define TEST(function) cmocka_unit_test_setup_teardown (function, setup, teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_restore), TEST (test_aside),    TEST (test_under_way),
        TEST (test_refused), TEST (test_cut_off),  TEST (test_no_room),
        TEST (test_left),    TEST (test_lone_log), TEST (test_journal),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
