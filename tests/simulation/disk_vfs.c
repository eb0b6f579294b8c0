/* SPDX-License-Identifier: MPL-2.0
 *
 * What SQLite sees: the methods of a VFS and of its files, version 1, which is all that a
 * connection with locking_mode=EXCLUSIVE asks for. Locks are those of one process.
 */
#include <string.h>

#include "core/base/errors.h"
#include "tests/simulation/disk_private.h"

#define PATH_BYTES 512
#define MS_PER_DAY 86400000

typedef struct {
    sqlite3_file base; /* first: SQLite knows only this */
    disk *disk;
    disk_file *file;
    int flags;
    int lock;
    bool syncs_directory; /* with the next sync: it may have made the file */
} handle;

static handle *
handle_of (sqlite3_file *file)
{
    return (handle *)file;
}

/* --- files ---------------------------------------------------------------------------- */

static int
file_unlock (sqlite3_file *base, int level)
{
    handle *self = handle_of (base);
    if (self->lock > SQLITE_LOCK_SHARED && self->file->reserved == self) {
        self->file->reserved = NULL;
        self->file->is_pending = false;
    }
    if (self->lock >= SQLITE_LOCK_SHARED && level == SQLITE_LOCK_NONE) {
        self->file->sharing--;
    }
    self->lock = level;
    return SQLITE_OK;
}

static int
file_close (sqlite3_file *base)
{
    handle *self = handle_of (base);
    (void)file_unlock (base, SQLITE_LOCK_NONE);
    if (self->flags & SQLITE_OPEN_DELETEONCLOSE && !self->disk->is_stopped) {
        disk_file_delete (self->file);
    }
    disk_file_leave (self->disk, self->file);
    base->pMethods = NULL;
    return SQLITE_OK;
}

/* A short read of the log is an error to SQLite, of anything else the end of the file,
 * which it takes for zeroes: damage, and not a fault. */
static int
refuse_read (handle *self)
{
    bool is_short =
        (self->flags & SQLITE_OPEN_WAL) && sim_chance (&self->disk->for_faults, 500);
    return is_short ? SQLITE_IOERR_SHORT_READ : SQLITE_IOERR_READ;
}

static int
file_read (sqlite3_file *base, void *bytes, int size, sqlite3_int64 at)
{
    handle *self = handle_of (base);
    size_t wanted = (size_t)size;
    if (disk_judge (self->disk, DISK_READ, false) != DISK_DO) {
        memset (bytes, 0, wanted);
        return refuse_read (self);
    }
    const disk_bytes *seen = &self->file->seen;
    size_t there = (size_t)at < seen->size ? seen->size - (size_t)at : 0;
    there = there < wanted ? there : wanted;
    if (there > 0) {
        memcpy (bytes, seen->at + at, there);
    }
    memset ((uint8_t *)bytes + there, 0, wanted - there);
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

/* How many bytes of a write find room. */
static size_t
room_for (handle *self, size_t size, uint64_t at)
{
    uint64_t used = disk_used (self->disk);
    uint64_t left = self->disk->room > used ? self->disk->room - used : 0;
    uint64_t end = self->file->seen.size;
    if (at + size <= end || at + size - end <= left) {
        return size;
    }
    return end + left > at ? (size_t)(end + left - at) : 0;
}

static int
file_write (sqlite3_file *base, const void *bytes, int size, sqlite3_int64 at)
{
    handle *self = handle_of (base);
    disk_verdict verdict = disk_judge (self->disk, DISK_WRITE, true);
    if (verdict == DISK_REFUSE_AT_ALL) {
        return SQLITE_IOERR_WRITE;
    }
    size_t room = room_for (self, (size_t)size, (uint64_t)at);
    size_t part = room;
    if (verdict != DISK_DO) {
        part = (size_t)sim_below (&self->disk->for_faults, room + 1);
    }
    if (part > 0) {
        disk_file_write (self->file, bytes, part, (uint64_t)at);
    }
    if (verdict != DISK_DO) {
        return SQLITE_IOERR_WRITE;
    }
    return part == (size_t)size ? SQLITE_OK : SQLITE_FULL;
}

/* Whether an operation that is not made of parts is done. */
static bool
is_done (handle *self, disk_verdict verdict)
{
    return verdict == DISK_DO ||
           (verdict == DISK_BREAK_OFF && sim_chance (&self->disk->for_faults, 500));
}

static int
file_truncate (sqlite3_file *base, sqlite3_int64 size)
{
    handle *self = handle_of (base);
    disk_verdict verdict = disk_judge (self->disk, DISK_TRUNCATE, true);
    if (is_done (self, verdict)) {
        disk_file_truncate (self->file, (uint64_t)size);
    }
    return verdict == DISK_DO ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int
file_sync (sqlite3_file *base, int flags)
{
    (void)flags;
    handle *self = handle_of (base);
    disk_verdict verdict = disk_judge (self->disk, DISK_SYNC, true);
    if (is_done (self, verdict)) {
        disk_file_sync (self->disk, self->file);
        if (self->syncs_directory) {
            disk_directory_sync (self->disk);
            self->syncs_directory = false;
        }
    }
    return verdict == DISK_DO ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int
file_size (sqlite3_file *base, sqlite3_int64 *size)
{
    handle *self = handle_of (base);
    *size = (sqlite3_int64)self->file->seen.size;
    return self->disk->is_stopped ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int
file_lock (sqlite3_file *base, int level)
{
    handle *self = handle_of (base);
    disk_file *file = self->file;
    if (self->disk->is_stopped) {
        return SQLITE_IOERR_LOCK;
    }
    bool is_others = file->reserved && file->reserved != self;
    if (self->lock < SQLITE_LOCK_SHARED) {
        if (file->is_pending) {
            return SQLITE_BUSY;
        }
        file->sharing++;
        self->lock = SQLITE_LOCK_SHARED;
    }
    if (level > SQLITE_LOCK_SHARED && is_others) {
        return SQLITE_BUSY;
    }
    if (level > SQLITE_LOCK_SHARED) {
        file->reserved = self;
        self->lock = self->lock > SQLITE_LOCK_RESERVED ? self->lock : SQLITE_LOCK_RESERVED;
    }
    if (level > SQLITE_LOCK_RESERVED) {
        file->is_pending = true;
        self->lock = file->sharing > 1 ? SQLITE_LOCK_PENDING : SQLITE_LOCK_EXCLUSIVE;
    }
    return self->lock >= level ? SQLITE_OK : SQLITE_BUSY;
}

static int
file_check_reserved (sqlite3_file *base, int *reserved)
{
    handle *self = handle_of (base);
    *reserved = self->file->reserved != NULL;
    return self->disk->is_stopped ? SQLITE_IOERR_CHECKRESERVEDLOCK : SQLITE_OK;
}

static int
file_control (sqlite3_file *base, int operation, void *argument)
{
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int
file_sector_size (sqlite3_file *base)
{
    return (int)handle_of (base)->disk->sector_bytes;
}

static int
file_characteristics (sqlite3_file *base)
{
    return handle_of (base)->disk->powersafe ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

/* --- the disk ------------------------------------------------------------------------- */

static disk *
disk_of (sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static int
vfs_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
    disk *self = disk_of (vfs);
    handle *opened = handle_of (base);
    *opened = (handle){0};
    disk_file *file = disk_file_find (self, name);
    bool makes = !file && (flags & SQLITE_OPEN_CREATE);
    disk_verdict verdict = disk_judge (self, DISK_OPEN, makes);
    if (verdict == DISK_BREAK_OFF && makes && sim_chance (&self->for_faults, 500)) {
        (void)disk_file_make (self, name);
    }
    if (verdict != DISK_DO || (!file && !makes) ||
        (file && (flags & SQLITE_OPEN_EXCLUSIVE))) {
        return SQLITE_CANTOPEN;
    }
    opened->disk = self;
    opened->file = file ? file : disk_file_make (self, name);
    opened->file->handles++;
    opened->flags = flags;
    /* As os_unix.c does: logs and journals are found again only where their names are. */
    opened->syncs_directory =
        (flags & SQLITE_OPEN_CREATE) &&
        (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL));
    base->pMethods = &methods;
    if (out_flags) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

static int
vfs_delete (sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    disk *self = disk_of (vfs);
    disk_file *file = disk_file_find (self, name);
    if (!file) {
        return self->is_stopped ? SQLITE_IOERR_DELETE : SQLITE_IOERR_DELETE_NOENT;
    }
    disk_verdict verdict = disk_judge (self, DISK_DELETE, true);
    bool half = verdict == DISK_BREAK_OFF && sim_chance (&self->for_faults, 500);
    if (verdict == DISK_DO || half) {
        disk_file_delete (file);
    }
    if (verdict == DISK_DO && sync_directory) {
        disk_directory_sync (self);
    }
    return verdict == DISK_DO ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

/* An empty file is none, as in os_unix.c. */
static int
vfs_access (sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    disk *self = disk_of (vfs);
    const disk_file *file = disk_file_find (self, name);
    *result = file && (flags != SQLITE_ACCESS_EXISTS || file->seen.size > 0);
    return self->is_stopped ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int
vfs_full_path (sqlite3_vfs *vfs, const char *name, int size, char *path)
{
    (void)vfs;
    sqlite3_snprintf (size, path, "%s", name);
    return strlen (name) < (size_t)size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int
vfs_randomness (sqlite3_vfs *vfs, int size, char *bytes)
{
    disk *self = disk_of (vfs);
    for (int i = 0; i < size; i++) {
        bytes[i] = (char)sim_draw (&self->for_sqlite);
    }
    return size;
}

static int
vfs_sleep (sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int
vfs_time_ms (sqlite3_vfs *vfs, sqlite3_int64 *julian_ms)
{
    *julian_ms = disk_of (vfs)->julian_ms;
    return SQLITE_OK;
}

static int
vfs_time (sqlite3_vfs *vfs, double *julian_days)
{
    *julian_days = (double)disk_of (vfs)->julian_ms / MS_PER_DAY;
    return SQLITE_OK;
}

static int
vfs_last_error (sqlite3_vfs *vfs, int size, char *text)
{
    (void)vfs;
    (void)size;
    (void)text;
    return 0;
}

void
disk_vfs_register (disk *self)
{
    self->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof (handle),
        .mxPathname = PATH_BYTES,
        .zName = self->name,
        .pAppData = self,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time_ms,
    };
    int rc = sqlite3_vfs_register (&self->vfs, 0);
    BF_INVARIANT (rc == SQLITE_OK);
}
