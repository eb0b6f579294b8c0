/* SPDX-License-Identifier: MPL-2.0
 *
 * The disk of the simulation: what it keeps and what it loses. A disk that is kinder than
 * a real one would prove nothing.
 */
#include "tests/simulation/disk.h"

#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/platter.h"

#define SEEDS 300

/* --- what is kept --------------------------------------------------------------------- */

static void
test_reads_see_all (void **state)
{
    (void)state;
    disk *self = disk_new (1, true);
    sqlite3_file *file = platter_two_pages (self);
    platter_write (file, 'b', 100, 1000);
    platter_expect (file, 'a', 1000, 0);
    platter_expect (file, 'b', 100, 1000);
    platter_expect (file, 'a', 2 * PLATTER_PAGE - 1100, 1100);
    assert_int_equal (platter_truncate (file, 1050), SQLITE_OK);
    assert_int_equal (platter_size (file), 1050);
    /* What was cut off is not there again when the file grows over it. */
    platter_write (file, 'c', 10, 1060);
    platter_expect (file, 0, 10, 1050);
    platter_expect (file, 'c', 10, 1060);
    char bytes[20];
    memset (bytes, 'x', sizeof bytes);
    platter_read (file, bytes, sizeof bytes, 1065);
    assert_true (platter_is_all (bytes, 'c', 5) && platter_is_all (bytes + 5, 0, 15));
    assert_int_equal (disk_used (self), 1070);
    platter_close (&file);
    disk_destroy (&self);
    assert_null (self);
    disk_destroy (&self);
}

/* The page cache outlives the process, and is not yet the platter. */
static void
test_killed (void **state)
{
    (void)state;
    int lost = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        disk *self = disk_new (seed, true);
        sqlite3_file *file = platter_two_pages (self);
        platter_write (file, 'b', PLATTER_PAGE, 0);
        disk_stop (self);
        platter_close (&file);
        disk_restart (self, DISK_KILLED);
        file = platter_open (self, "f");
        platter_expect (file, 'b', PLATTER_PAGE, 0);
        platter_expect (file, 'a', PLATTER_PAGE, PLATTER_PAGE);
        platter_lose_power (self, "f", &file);
        char bytes[PLATTER_PAGE];
        platter_read (file, bytes, PLATTER_PAGE, 0);
        lost += !platter_is_all (bytes, 'b', PLATTER_PAGE);
        platter_close (&file);
        disk_destroy (&self);
    }
    assert_in_range (lost, 1, SEEDS - 1);
}

typedef struct {
    int kept, dropped, torn, garbage;
} tally;

/* Which fate a page has met that was 'a' and to be 'b'. */
static void
count_fate (tally *self, const char *page)
{
    int old = 0, new = 0;
    for (int at = 0; at < PLATTER_PAGE; at += PLATTER_TEAR) {
        old += platter_is_all (page + at, 'a', PLATTER_TEAR);
        new += platter_is_all (page + at, 'b', PLATTER_TEAR);
    }
    self->kept += new == PLATTER_PAGE / PLATTER_TEAR;
    self->dropped += old == PLATTER_PAGE / PLATTER_TEAR;
    self->torn += old > 0 && new > 0;
    self->garbage += old + new == 0;
    /* Nothing in between. */
    assert_true (old + new == PLATTER_PAGE / PLATTER_TEAR || old + new == 0);
}

static void
test_fates (void **state)
{
    (void)state;
    tally first = {0};
    int overtaken = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        disk *self = disk_new (seed, true);
        sqlite3_file *file = platter_open (self, "f");
        platter_write (file, 'a', 4 * PLATTER_PAGE, 0);
        assert_int_equal (platter_sync (file), SQLITE_OK);
        platter_write (file, 'b', PLATTER_PAGE, 0);
        platter_write (file, 'b', PLATTER_PAGE, 2 * PLATTER_PAGE);
        platter_lose_power (self, "f", &file);
        char pages[3 * PLATTER_PAGE];
        platter_read (file, pages, sizeof pages, 0);
        count_fate (&first, pages);
        overtaken += platter_is_all (pages, 'a', PLATTER_PAGE) &&
                     platter_is_all (pages + 2 * PLATTER_PAGE, 'b', PLATTER_PAGE);
        /* What was synced is there. */
        platter_expect (file, 'a', PLATTER_PAGE, PLATTER_PAGE);
        platter_expect (file, 'a', PLATTER_PAGE, 3 * PLATTER_PAGE);
        /* And nothing is in doubt any more. */
        platter_lose_power (self, "f", &file);
        char again[3 * PLATTER_PAGE];
        platter_read (file, again, sizeof again, 0);
        assert_memory_equal (again, pages, sizeof pages);
        platter_close (&file);
        disk_destroy (&self);
    }
    assert_true (first.kept > 10 && first.dropped > 10);
    assert_true (first.torn > 5 && first.garbage > 5);
    assert_true (overtaken > 10);
}

static void
test_synced (void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        disk *self = disk_new (seed, false);
        sqlite3_file *file = platter_two_pages (self);
        platter_write (file, 'b', PLATTER_PAGE, PLATTER_PAGE);
        assert_int_equal (platter_truncate (file, PLATTER_PAGE + 100), SQLITE_OK);
        platter_write (file, 'c', 10, 50);
        assert_int_equal (platter_sync (file), SQLITE_OK);
        platter_lose_power (self, "f", &file);
        assert_int_equal (platter_size (file), PLATTER_PAGE + 100);
        platter_expect (file, 'a', 50, 0);
        platter_expect (file, 'c', 10, 50);
        platter_expect (file, 'b', 100, PLATTER_PAGE);
        platter_close (&file);
        disk_destroy (&self);
    }
}

/* Bytes beside a write that was torn are safe on one kind of disk only, and on the other
 * in all sectors but its own. */
static void
test_beside (void **state)
{
    (void)state;
    static const bool kinds[] = {true, false};
    int spoiled[2] = {0};
    for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++) {
        int kind = seed % 2;
        disk *self = disk_new (seed, kinds[kind]);
        sqlite3_file *file = platter_open (self, "f");
        int sector = file->pMethods->xSectorSize (file);
        assert_true (sector == PLATTER_TEAR || sector == PLATTER_PAGE);
        assert_int_equal (file->pMethods->xDeviceCharacteristics (file),
                          kinds[kind] ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0);
        platter_write (file, 'a', 3 * PLATTER_PAGE, 0);
        assert_int_equal (platter_sync (file), SQLITE_OK);
        platter_write (file, 'b', 100, PLATTER_PAGE + 600);
        platter_lose_power (self, "f", &file);
        char bytes[3 * PLATTER_PAGE];
        platter_read (file, bytes, sizeof bytes, 0);
        int from = (PLATTER_PAGE + 600) / sector * sector;
        assert_true (platter_is_all (bytes, 'a', from));
        assert_true (
            platter_is_all (bytes + from + sector, 'a', (int)sizeof bytes - from - sector));
        spoiled[kind] += !platter_is_all (bytes + from, 'a', PLATTER_PAGE + 600 - from);
        spoiled[kind] += !platter_is_all (bytes + PLATTER_PAGE + 700, 'a',
                                          from + sector - PLATTER_PAGE - 700);
        assert_int_equal (platter_size (file), 3 * PLATTER_PAGE);
        platter_close (&file);
        disk_destroy (&self);
    }
    assert_int_equal (spoiled[0], 0);
    assert_true (spoiled[1] > 10);
}

static void
test_truncate_in_doubt (void **state)
{
    (void)state;
    int kept = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        disk *self = disk_new (seed, true);
        sqlite3_file *file = platter_two_pages (self);
        assert_int_equal (platter_truncate (file, 0), SQLITE_OK);
        platter_lose_power (self, "f", &file);
        sqlite3_int64 size = platter_size (file);
        assert_true (size == 0 || size == (sqlite3_int64)2 * PLATTER_PAGE);
        kept += size == 0;
        platter_expect (file, size > 0 ? 'a' : 0, 2 * PLATTER_PAGE, 0);
        platter_close (&file);
        disk_destroy (&self);
    }
    assert_in_range (kept, 10, SEEDS - 10);
}

/* --- names ---------------------------------------------------------------------------- */

typedef enum {
    MADE,           /* and not synced */
    MADE_LOG,       /* a file in doubt, then a log that is synced, and the directory */
    DELETED,        /* without a word to the directory */
    DELETED_SYNCED, /* with it */
    REPLACED,       /* deleted, and made again */
    REPLACED_SYNCED,
} name_story;

static void
tell_name (disk *self, name_story story)
{
    sqlite3_file *file = platter_open (self, "f");
    platter_write (file, 'a', PLATTER_PAGE, 0);
    if (story != MADE && story != MADE_LOG) {
        assert_int_equal (platter_sync (file), SQLITE_OK);
    }
    platter_close (&file);
    if (story == MADE_LOG) {
        assert_int_equal (platter_try_open (self, "f-wal", PLATTER_WAL_FLAGS, &file),
                          SQLITE_OK);
        assert_int_equal (platter_sync (file), SQLITE_OK);
        platter_close (&file);
    } else if (story != MADE) {
        assert_int_equal (platter_delete (self, "f", story == DELETED_SYNCED), SQLITE_OK);
        assert_false (platter_exists (self, "f"));
    }
    if (story == REPLACED || story == REPLACED_SYNCED) {
        file = platter_open (self, "f");
        assert_int_equal (platter_size (file), 0);
        platter_write (file, 'b', 2 * PLATTER_PAGE, 0);
        if (story == REPLACED_SYNCED) {
            assert_int_equal (platter_sync (file), SQLITE_OK);
        }
        platter_close (&file);
    }
}

/* 'a' and 'b' for the first and the second file of the name, ' ' for none. A short one has
 * lost some of its bytes, or all, but not its name. */
static char
name_leads_to (disk *self)
{
    if (!platter_is_named (self, "f")) {
        return ' ';
    }
    sqlite3_file *file = platter_open (self, "f");
    char found = platter_size (file) <= PLATTER_PAGE ? 'a' : 'b';
    platter_close (&file);
    return found;
}

static void
test_names (void **state)
{
    (void)state;
    static const struct {
        name_story story;
        const char *ends; /* each of these at least once, and nothing else */
    } rows[] = {
        {MADE, "a "},          {MADE_LOG, "a"},  {DELETED, "a "},
        {DELETED_SYNCED, " "}, {REPLACED, "ab"}, {REPLACED_SYNCED, "b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int met[256] = {0};
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            disk *self = disk_new (seed, true);
            tell_name (self, rows[i].story);
            disk_stop (self);
            disk_restart (self, DISK_POWER_LOST);
            met[(unsigned char)name_leads_to (self)]++;
            disk_destroy (&self);
        }
        int sum = 0;
        for (const char *end = rows[i].ends; *end; end++) {
            assert_true (met[(unsigned char)*end] > 0);
            sum += met[(unsigned char)*end];
        }
        assert_int_equal (sum, SEEDS);
    }
}

/* Who has it open goes on; the name is free. */
static void
test_delete_while_open (void **state)
{
    (void)state;
    disk *self = disk_new (1, true);
    assert_int_equal (platter_delete (self, "f", 1), SQLITE_IOERR_DELETE_NOENT);
    sqlite3_file *file = platter_two_pages (self);
    assert_int_equal (platter_delete (self, "f", 1), SQLITE_OK);
    platter_write (file, 'b', PLATTER_PAGE, 0);
    platter_expect (file, 'b', PLATTER_PAGE, 0);
    sqlite3_file *other = platter_open (self, "f");
    assert_int_equal (platter_size (other), 0);
    assert_int_equal (disk_used (self), 2 * PLATTER_PAGE);
    platter_close (&file);
    assert_int_equal (disk_used (self), 0);
    platter_close (&other);
    /* Without a name: gone with its last handle. */
    assert_int_equal (platter_try_open (self, NULL,
                                        PLATTER_MAIN_FLAGS | SQLITE_OPEN_DELETEONCLOSE,
                                        &file),
                      SQLITE_OK);
    platter_write (file, 'b', PLATTER_PAGE, 0);
    platter_close (&file);
    assert_int_equal (disk_used (self), 0);
    assert_int_equal (platter_try_open (self, "g", SQLITE_OPEN_READWRITE, &file),
                      SQLITE_CANTOPEN);
    disk_destroy (&self);
}

/* --- the whole ------------------------------------------------------------------------ */

static void
test_copy (void **state)
{
    (void)state;
    disk *self = disk_new (1, true);
    sqlite3_file *file = platter_two_pages (self);
    platter_write (file, 'b', PLATTER_PAGE, 0);
    disk *copy = disk_copy (self);
    assert_string_not_equal (disk_vfs (copy), disk_vfs (self));
    sqlite3_file *other = platter_open (copy, "f");
    platter_expect (other, 'b', PLATTER_PAGE, 0);
    platter_expect (other, 'a', PLATTER_PAGE, PLATTER_PAGE);
    platter_write (other, 'c', PLATTER_PAGE, 0);
    platter_expect (file, 'b', PLATTER_PAGE, 0);
    platter_lose_power (copy, "f", &other);
    platter_expect (other, 'a', PLATTER_PAGE, PLATTER_PAGE);
    platter_close (&other);
    disk_destroy (&copy);
    platter_expect (file, 'b', PLATTER_PAGE, 0);
    platter_close (&file);
    disk_destroy (&self);
}

static uint64_t
digest_of (uint64_t seed, bool look)
{
    disk *self = disk_new (seed, false);
    sqlite3_file *file = platter_two_pages (self);
    for (int i = 0; i < 20; i++) {
        platter_write (file, 'b', 700, i * 300);
    }
    if (look) {
        disk *copy = disk_copy (self);
        disk_destroy (&copy);
    }
    platter_lose_power (self, "f", &file);
    char bytes[2 * PLATTER_PAGE + 16];
    platter_read (file, bytes, 2 * PLATTER_PAGE, 0);
    sqlite3_vfs *vfs = sqlite3_vfs_find (disk_vfs (self));
    assert_int_equal (vfs->xRandomness (vfs, 16, bytes + 2 * PLATTER_PAGE), 16);
    uint64_t digest = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        digest = digest * 31 + (unsigned char)bytes[i];
    }
    double day = 0;
    assert_int_equal (vfs->xCurrentTime (vfs, &day), SQLITE_OK);
    platter_close (&file);
    disk_destroy (&self);
    return digest * 31 + (uint64_t)day;
}

static void
test_replays (void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t digest = digest_of (seed, false);
        assert_true (digest == digest_of (seed, true));
        assert_true (digest != digest_of (seed + 1, false));
    }
}

static sqlite3 *
open_database (disk *self)
{
    sqlite3 *db = NULL;
    assert_int_equal (sqlite3_open_v2 ("d/x.db", &db,
                                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                       disk_vfs (self)),
                      SQLITE_OK);
    return db;
}

static int
run (sqlite3 *db, const char *sql)
{
    return sqlite3_exec (db, sql, NULL, NULL, NULL);
}

/* A log without shared memory, and nobody beside it. */
static void
test_database (void **state)
{
    (void)state;
    disk *self = disk_new (3, true);
    sqlite3 *db = open_database (self);
    assert_int_equal (run (db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                               "CREATE TABLE t (v); INSERT INTO t VALUES (1)"),
                      SQLITE_OK);
    assert_true (platter_exists (self, "d/x.db-wal"));
    sqlite3 *other = open_database (self);
    assert_int_equal (run (other, "SELECT * FROM t"), SQLITE_BUSY);
    assert_int_equal (sqlite3_close (other), SQLITE_OK);
    disk *copy = disk_copy (self);
    other = open_database (copy);
    assert_int_equal (run (other,
                           "PRAGMA locking_mode = EXCLUSIVE;"
                           "UPDATE t SET v = 2; SELECT json ('{') FROM t WHERE v = 1"),
                      SQLITE_OK);
    assert_int_equal (sqlite3_close (other), SQLITE_OK);
    disk_destroy (&copy);
    disk_stop (self);
    assert_int_equal (run (db, "INSERT INTO t VALUES (3)"), SQLITE_IOERR);
    assert_int_equal (sqlite3_close (db), SQLITE_OK);
    disk_restart (self, DISK_POWER_LOST);
    db = open_database (self);
    assert_int_equal (run (db, "PRAGMA locking_mode = EXCLUSIVE;"
                               "SELECT json ('{') FROM t WHERE v <> 1;"
                               "SELECT json ('{') FROM (SELECT count(*) AS n FROM t) "
                               "WHERE n <> 1"),
                      SQLITE_OK);
    assert_int_equal (sqlite3_close (db), SQLITE_OK);
    assert_false (platter_exists (self, "d/x.db-wal"));
    disk_destroy (&self);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_reads_see_all), cmocka_unit_test (test_killed),
        cmocka_unit_test (test_fates),         cmocka_unit_test (test_synced),
        cmocka_unit_test (test_beside),        cmocka_unit_test (test_truncate_in_doubt),
        cmocka_unit_test (test_names),         cmocka_unit_test (test_delete_while_open),
        cmocka_unit_test (test_copy),          cmocka_unit_test (test_replays),
        cmocka_unit_test (test_database),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
