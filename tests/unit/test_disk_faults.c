/* SPDX-License-Identifier: MPL-2.0
 *
 * How the disk of the simulation stops, fails and fills up.
 */
#include "tests/simulation/disk.h"

#include "tests/support/cmocka.h"
#include "tests/support/platter.h"

#define SEEDS 300

/* --- crashes -------------------------------------------------------------------------- */

static void
test_stopped (void **state)
{
    (void)state;
    disk *self = disk_new (1, true);
    sqlite3_file *file = platter_two_pages (self);
    assert_false (disk_is_stopped (self));
    disk_stop (self);
    assert_true (disk_is_stopped (self));
    char bytes[10];
    sqlite3_int64 size;
    sqlite3_file *other;
    sqlite3_vfs *vfs = sqlite3_vfs_find (disk_vfs (self));
    int result;
    const int failures[] = {
        file->pMethods->xRead (file, bytes, 10, 0),
        platter_try_write (file, 'b', 10, 0),
        platter_truncate (file, 0),
        platter_sync (file),
        file->pMethods->xFileSize (file, &size),
        file->pMethods->xLock (file, SQLITE_LOCK_SHARED),
        vfs->xAccess (vfs, "f", SQLITE_ACCESS_EXISTS, &result),
        platter_delete (self, "f", 1),
    };
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        assert_int_equal (failures[i] & 0xff, SQLITE_IOERR);
    }
    assert_int_equal (platter_try_open (self, "g", PLATTER_MAIN_FLAGS, &other),
                      SQLITE_CANTOPEN);
    platter_close (&file);
    disk_restart (self, DISK_KILLED);
    assert_false (disk_is_stopped (self));
    file = platter_open (self, "f");
    platter_expect (file, 'a', 2 * PLATTER_PAGE, 0);
    platter_close (&file);
    disk_destroy (&self);
}

/* Does the nth of: write, sync, truncate, make, delete. */
static int
change (disk *self, sqlite3_file *file, int nth)
{
    sqlite3_file *made = NULL;
    int rc;
    switch (nth) {
    case 1:
        return platter_try_write (file, 'b', PLATTER_PAGE, 0);
    case 2:
        return platter_sync (file);
    case 3:
        return platter_truncate (file, PLATTER_PAGE);
    case 4:
        rc = platter_try_open (self, "g", PLATTER_MAIN_FLAGS, &made);
        if (made) {
            platter_close (&made);
        }
        return rc;
    default:
        return platter_delete (self, "g", 0);
    }
}

/* The operations before are done, those behind are not, the one itself may be; a write,
 * in part. */
static void
test_stop_after (void **state)
{
    (void)state;
    int parts = 0, done[6] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        int last = (int)(seed % 5) + 1;
        disk *self = disk_new (seed, true);
        sqlite3_file *file = platter_two_pages (self);
        disk_stop_after (self, (uint64_t)last);
        for (int nth = 1; nth <= 5; nth++) {
            char byte;
            (void)file->pMethods->xRead (file, &byte, 1, 0);
            int rc = change (self, file, nth);
            assert_int_equal (rc == SQLITE_OK, nth < last);
            assert_int_equal (disk_is_stopped (self), nth >= last);
        }
        platter_close (&file);
        disk_restart (self, DISK_KILLED);
        sqlite3_vfs *vfs = sqlite3_vfs_find (disk_vfs (self));
        int made = 0;
        (void)vfs->xAccess (vfs, "g", SQLITE_ACCESS_READWRITE, &made);
        file = platter_open (self, "f");
        char bytes[PLATTER_PAGE];
        platter_read (file, bytes, PLATTER_PAGE, 0);
        int written = 0;
        while (written < PLATTER_PAGE && bytes[written] == 'b') {
            written++;
        }
        assert_true (platter_is_all (bytes + written, 'a', PLATTER_PAGE - written));
        assert_true (last == 1 || written == PLATTER_PAGE);
        parts += written > 0 && written < PLATTER_PAGE;
        done[3] += last == 3 && platter_size (file) == PLATTER_PAGE;
        assert_true (last >= 3 || platter_size (file) == (sqlite3_int64)2 * PLATTER_PAGE);
        done[4] += last == 4 && made;
        done[5] += last == 5 && !made;
        assert_true (last >= 4 || !made);
        platter_close (&file);
        disk_destroy (&self);
    }
    assert_true (parts > 10);
    for (int i = 3; i <= 5; i++) {
        assert_in_range (done[i], 5, SEEDS / 5 - 5);
    }
}

/* --- faults --------------------------------------------------------------------------- */

static int
operate (disk *self, sqlite3_file *file, disk_operation kind)
{
    char bytes[10];
    sqlite3_file *other = NULL;
    int rc;
    switch (kind) {
    case DISK_READ:
        return file->pMethods->xRead (file, bytes, 10, 0);
    case DISK_WRITE:
        return platter_try_write (file, 'b', 10, 0);
    case DISK_SYNC:
        return platter_sync (file);
    case DISK_TRUNCATE:
        return platter_truncate (file, PLATTER_PAGE);
    case DISK_OPEN:
        rc = platter_try_open (self, "g", PLATTER_MAIN_FLAGS, &other);
        if (other) {
            platter_close (&other);
        }
        return rc;
    default:
        other = platter_open (self, "h");
        platter_close (&other);
        return platter_delete (self, "h", 1);
    }
}

static void
test_faults (void **state)
{
    (void)state;
    static const int codes[DISK_OPERATIONS] = {
        [DISK_READ] = SQLITE_IOERR_READ,  [DISK_WRITE] = SQLITE_IOERR_WRITE,
        [DISK_SYNC] = SQLITE_IOERR_FSYNC, [DISK_TRUNCATE] = SQLITE_IOERR_TRUNCATE,
        [DISK_OPEN] = SQLITE_CANTOPEN,    [DISK_DELETE] = SQLITE_IOERR_DELETE,
    };
    for (disk_operation kind = 0; kind < DISK_OPERATIONS; kind++) {
        disk *self = disk_new (kind, true);
        sqlite3_file *file = platter_two_pages (self);
        for (int for_ever = 0; for_ever <= 1; for_ever++) {
            uint64_t before = disk_count (self, kind);
            disk_fail (self, kind, 3, for_ever);
            for (int nth = 1; nth <= 5; nth++) {
                assert_int_equal (disk_has_failed (self), nth > 3);
                bool fails = nth == 3 || (for_ever && nth > 3);
                assert_int_equal (operate (self, file, kind),
                                  fails ? codes[kind] : SQLITE_OK);
            }
            assert_int_equal (disk_count (self, kind), before + 5);
            disk_fail_none (self);
            assert_int_equal (operate (self, file, kind), SQLITE_OK);
        }
        disk_fail (self, kind, 2, false);
        disk_fail_none (self);
        for (int i = 0; i < 3; i++) {
            assert_int_equal (operate (self, file, kind), SQLITE_OK);
        }
        platter_close (&file);
        disk_destroy (&self);
    }
}

/* How far each goes before it fails. */
static void
test_faults_do_part (void **state)
{
    (void)state;
    int none = 0, part = 0, lost = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        disk *self = disk_new (seed, true);
        sqlite3_file *file = platter_two_pages (self);
        disk_fail (self, DISK_WRITE, 1, false);
        assert_int_equal (platter_try_write (file, 'b', 20, 0), SQLITE_IOERR_WRITE);
        char bytes[PLATTER_PAGE];
        platter_read (file, bytes, 20, 0);
        none += bytes[0] == 'a';
        part += bytes[0] == 'b' && bytes[19] == 'a';
        platter_write (file, 'c', PLATTER_PAGE, 0);
        disk_fail (self, DISK_SYNC, 1, false);
        assert_int_equal (platter_sync (file), SQLITE_IOERR_FSYNC);
        disk_fail (self, DISK_TRUNCATE, 1, false);
        assert_int_equal (platter_truncate (file, 0), SQLITE_IOERR_TRUNCATE);
        disk_fail (self, DISK_DELETE, 1, false);
        assert_int_equal (platter_delete (self, "f", 0), SQLITE_IOERR_DELETE);
        platter_expect (file, 'c', PLATTER_PAGE, 0);
        platter_expect (file, 'a', PLATTER_PAGE, PLATTER_PAGE);
        platter_lose_power (self, "f", &file);
        platter_read (file, bytes, PLATTER_PAGE, 0);
        lost += !platter_is_all (bytes, 'c', PLATTER_PAGE);
        assert_int_equal (platter_size (file), 2 * PLATTER_PAGE);
        platter_close (&file);
        disk_destroy (&self);
    }
    assert_true (none > 0 && part > 10 && lost > 10);
}

/* Of the log a read may come back short, too. */
static void
test_short_read (void **state)
{
    (void)state;
    int shorts = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        disk *self = disk_new (seed, true);
        sqlite3_file *file = NULL;
        assert_int_equal (platter_try_open (self, "f-wal", PLATTER_WAL_FLAGS, &file),
                          SQLITE_OK);
        platter_write (file, 'a', PLATTER_PAGE, 0);
        disk_fail (self, DISK_READ, 1, false);
        char bytes[PLATTER_PAGE];
        int rc = file->pMethods->xRead (file, bytes, PLATTER_PAGE, 0);
        assert_true (rc == SQLITE_IOERR_READ || rc == SQLITE_IOERR_SHORT_READ);
        shorts += rc == SQLITE_IOERR_SHORT_READ;
        platter_expect (file, 'a', PLATTER_PAGE, 0);
        platter_close (&file);
        disk_destroy (&self);
    }
    assert_in_range (shorts, 10, SEEDS - 10);
}

static void
test_room (void **state)
{
    (void)state;
    disk *self = disk_new (1, true);
    sqlite3_file *file = platter_two_pages (self);
    sqlite3_file *other = platter_open (self, "g");
    disk_set_room (self, 3 * PLATTER_PAGE + 10);
    platter_write (other, 'b', PLATTER_PAGE, 0);
    assert_int_equal (platter_try_write (other, 'b', PLATTER_PAGE, PLATTER_PAGE),
                      SQLITE_FULL);
    assert_int_equal (disk_used (self), 3 * PLATTER_PAGE + 10);
    assert_int_equal (platter_try_write (other, 'b', 1, 2 * PLATTER_PAGE), SQLITE_FULL);
    assert_int_equal (platter_size (other), PLATTER_PAGE + 10);
    /* In place there always is room. */
    platter_write (file, 'c', 2 * PLATTER_PAGE, 0);
    assert_int_equal (platter_truncate (file, 0), SQLITE_OK);
    platter_write (other, 'b', PLATTER_PAGE, PLATTER_PAGE);
    disk_set_room (self, 0);
    assert_int_equal (platter_try_write (other, 'b', PLATTER_PAGE, 2 * PLATTER_PAGE),
                      SQLITE_FULL);
    disk_set_room (self, UINT64_MAX);
    platter_write (other, 'b', PLATTER_PAGE, 2 * PLATTER_PAGE);
    platter_close (&file);
    platter_close (&other);
    disk_destroy (&self);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_stopped),    cmocka_unit_test (test_stop_after),
        cmocka_unit_test (test_faults),     cmocka_unit_test (test_faults_do_part),
        cmocka_unit_test (test_short_read), cmocka_unit_test (test_room),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
