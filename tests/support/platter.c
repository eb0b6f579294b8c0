/* SPDX-License-Identifier: MPL-2.0
 *
 * What SQLite does with files, done by a test.
 */
#include "tests/support/platter.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

int
platter_try_open (disk *self, const char *name, int flags, sqlite3_file **file)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find (disk_vfs (self));
    assert_non_null (vfs);
    *file = calloc (1, (size_t)vfs->szOsFile);
    assert_non_null (*file);
    int rc = vfs->xOpen (vfs, name, *file, flags, NULL);
    if (rc != SQLITE_OK) {
        free (*file);
        *file = NULL;
    }
    return rc;
}

sqlite3_file *
platter_open (disk *self, const char *name)
{
    sqlite3_file *file = NULL;
    assert_int_equal (platter_try_open (self, name, PLATTER_MAIN_FLAGS, &file), SQLITE_OK);
    return file;
}

void
platter_close (sqlite3_file **file)
{
    assert_int_equal ((*file)->pMethods->xClose (*file), SQLITE_OK);
    free (*file);
    *file = NULL;
}

int
platter_try_write (sqlite3_file *file, char letter, int size, sqlite3_int64 at)
{
    char bytes[4 * PLATTER_PAGE];
    assert_in_range (size, 0, sizeof bytes);
    memset (bytes, letter, (size_t)size);
    return file->pMethods->xWrite (file, bytes, size, at);
}

void
platter_write (sqlite3_file *file, char letter, int size, sqlite3_int64 at)
{
    assert_int_equal (platter_try_write (file, letter, size, at), SQLITE_OK);
}

int
platter_sync (sqlite3_file *file)
{
    return file->pMethods->xSync (file, SQLITE_SYNC_NORMAL);
}

int
platter_truncate (sqlite3_file *file, sqlite3_int64 size)
{
    return file->pMethods->xTruncate (file, size);
}

sqlite3_int64
platter_size (sqlite3_file *file)
{
    sqlite3_int64 size = -1;
    assert_int_equal (file->pMethods->xFileSize (file, &size), SQLITE_OK);
    return size;
}

void
platter_read (sqlite3_file *file, char *bytes, int size, sqlite3_int64 at)
{
    int rc = file->pMethods->xRead (file, bytes, size, at);
    assert_int_equal (rc, at + size <= platter_size (file) ? SQLITE_OK
                                                           : SQLITE_IOERR_SHORT_READ);
}

bool
platter_is_all (const char *bytes, char letter, int size)
{
    for (int i = 0; i < size; i++) {
        if (bytes[i] != letter) {
            return false;
        }
    }
    return true;
}

void
platter_expect (sqlite3_file *file, char letter, int size, sqlite3_int64 at)
{
    char bytes[4 * PLATTER_PAGE];
    platter_read (file, bytes, size, at);
    assert_true (platter_is_all (bytes, letter, size));
}

static bool
access_to (disk *self, const char *name, int flags)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find (disk_vfs (self));
    int result = 0;
    assert_int_equal (vfs->xAccess (vfs, name, flags, &result), SQLITE_OK);
    return result != 0;
}

bool
platter_exists (disk *self, const char *name)
{
    return access_to (self, name, SQLITE_ACCESS_EXISTS);
}

bool
platter_is_named (disk *self, const char *name)
{
    return access_to (self, name, SQLITE_ACCESS_READWRITE);
}

int
platter_delete (disk *self, const char *name, int sync_directory)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find (disk_vfs (self));
    return vfs->xDelete (vfs, name, sync_directory);
}

void
platter_lose_power (disk *self, const char *name, sqlite3_file **file)
{
    disk_stop (self);
    platter_close (file);
    disk_restart (self, DISK_POWER_LOST);
    *file = platter_open (self, name);
}

sqlite3_file *
platter_two_pages (disk *self)
{
    sqlite3_file *file = platter_open (self, "f");
    platter_write (file, 'a', 2 * PLATTER_PAGE, 0);
    assert_int_equal (platter_sync (file), SQLITE_OK);
    return file;
}
