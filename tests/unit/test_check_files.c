/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_check on files and directories as they come: with pages that are gone, cut off, in
 * use, of others, and as a killed daemon leaves them.
 */
#include "persist/check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist/lockfile.h"
#include "tests/support/cmocka.h"
#include "tests/support/damage.h"
#include "tests/support/temp.h"

#define PAGE_HALF 2048

/* The second half of a page, where its rows begin, is gone; a file is cut off. */
static void
test_pages (void **state)
{
    const ledger *book = *state;
    char *good = temp_path (book->directory, "good.db");
    char *bad = temp_path (book->directory, "bad.db");
    size_t findings = 0;
    struct stat facts;
    assert_int_equal (stat (good, &facts), 0);
    for (long at = 4096 + PAGE_HALF; at < facts.st_size; at += 4096) {
        damage_copy_file (good, bad);
        FILE *file = fopen (bad, "r+b");
        assert_int_equal (fseek (file, at, SEEK_SET), 0);
        for (int i = 0; i < PAGE_HALF; i++) {
            fputc (0x5a, file);
        }
        assert_int_equal (fclose (file), 0);
        bf_check_summary summary;
        bf_err rc = bf_check (bad, NULL, &summary, NULL);
        assert_true (rc == BF_OK || rc == BF_ECORRUPT);
        findings += rc == BF_ECORRUPT || summary.findings > 0;
    }
    /* Some pages are of indexes that are empty. */
    assert_in_range (findings, (size_t)facts.st_size / 4096 / 2, SIZE_MAX);
    damage_copy_file (good, bad);
    assert_int_equal (truncate (bad, facts.st_size / 2), 0);
    bf_check_summary summary;
    bf_err rc = bf_check (bad, NULL, &summary, NULL);
    assert_true (rc == BF_ECORRUPT || (rc == BF_OK && summary.findings > 0));
    free (good);
    free (bad);
}

/* More findings than are told. */
static void
test_many (void **state)
{
    const ledger *book = *state;
    char *good = temp_path (book->directory, "good.db");
    char *bad = temp_path (book->directory, "bad.db");
    static damage_report found;
    damage_copy_file (good, bad);
    damage_make (bad, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                      "WHERE i < 500) INSERT INTO tag SELECT 'x' || i, 7 FROM n");
    bf_check_summary summary = damage_examine (bad, &found);
    assert_true (summary.findings >= 500);
    assert_int_equal (found.told, BF_FINDINGS_TOLD);
    free (good);
    free (bad);
}

static void
refused (const char *path, bf_err code, const char *sentence)
{
    bf_check_summary summary;
    bf_error error = {0};
    assert_int_equal (bf_check (path, NULL, &summary, &error), code);
    if (!strstr (error.text, sentence)) {
        fail_msg ("not \"%s\" but \"%s\"", sentence, error.text);
    }
}

static void
test_refused (void **state)
{
    const ledger *book = *state;
    char *empty = temp_make ();
    char *good = temp_path (book->directory, "good.db");
    char *bad = temp_path (empty, "a%20b?c#d.db");
    char *log = temp_path (empty, "a%20b?c#d.db-wal");
    char *missing = temp_path (empty, "nothing");
    refused (missing, BF_ENOTFOUND, "there is no such file");
    refused (empty, BF_ENOTFOUND, "there is no database");
    damage_copy_file (good, bad);
    bf_check_summary summary;
    assert_int_equal (bf_check (bad, NULL, &summary, NULL), BF_OK);
    damage_make (bad, "PRAGMA application_id = 7; DELETE FROM tag");
    refused (bad, BF_EFOREIGN, "another program");
    damage_copy_file (good, bad);
    damage_make (bad, "PRAGMA user_version = 99; DELETE FROM tag");
    refused (bad, BF_ENEWER, "newer");
    damage_copy_file (good, bad);
    damage_copy_file (good, log);
    refused (bad, BF_ESTATE, "is no backup, it has a log");
    free (bad);
    free (log);
    free (missing);
    free (good);
    temp_remove (empty);
}

/* A data directory as a killed daemon leaves it, log included, and one that is in use. */
static void
test_directory (void **state)
{
    ledger *book = *state;
    char *wal = temp_path (book->directory, "belfry.db-wal");
    char *database = temp_path (book->directory, "belfry.db");
    char *killed = temp_make ();
    char *to = temp_path (killed, "belfry.db");
    char *to_wal = temp_path (killed, "belfry.db-wal");
    static damage_report found;
    book->vfs = NULL;
    ledger_reopen (book, false);
    ledger_ok (book, "schedule.jobs.type=late schedule.jobs.after_us=5");
    refused (book->directory, BF_ELOCKED, "stop it, or make a backup");
    refused (database, BF_ELOCKED, "stop it, or make a backup");
    uint64_t head = (uint64_t)ledger_number (book, "SELECT head_seq FROM meta");
    damage_copy_file (database, to);
    damage_copy_file (wal, to_wal);
    struct stat before;
    struct stat after;
    assert_int_equal (stat (to_wal, &before), 0);
    assert_true (before.st_size > 0);
    bf_check_summary summary = damage_examine (killed, &found);
    assert_string_equal (found.text, "");
    assert_true (summary.head_seq == head);
    assert_int_equal (stat (to_wal, &after), 0);
    assert_int_equal (before.st_size, after.st_size);
    /* The lock is given back. */
    int fd = BF_NO_LOCKFILE;
    assert_int_equal (bf_lockfile_take (&fd, killed, NULL), BF_OK);
    bf_lockfile_release (&fd);
    free (wal);
    free (database);
    free (to);
    free (to_wal);
    temp_remove (killed);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_pages),
        cmocka_unit_test (test_many),
        cmocka_unit_test (test_refused),
        cmocka_unit_test (test_directory),
    };
    return cmocka_run_group_tests (tests, damage_setup, ledger_teardown);
}
