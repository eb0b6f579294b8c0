/* SPDX-License-Identifier: MPL-2.0
 *
 * A disk in memory that lies: an SQLite VFS whose files keep, beside what reads see, what
 * has been synced and every write, truncate, create and delete since. A crash decides what
 * of those was on the platter. Faults come by count: the nth operation of a kind fails,
 * once or from then on. One thread.
 *
 *   write ----> seen by reads ----sync----> durable
 *                    |
 *                    '-- power loss: each write since the last sync of its file is kept,
 *                        dropped, torn at 512 bytes, or replaced by garbage, whatever
 *                        became of the ones before it
 */
#ifndef BF_SIMULATION_DISK_H
#define BF_SIMULATION_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

typedef struct disk disk;

/* Registers a VFS of its own; random bytes and the time of day that SQLite asks it for come
 * from the seed. `powersafe`: the device property SQLITE_IOCAP_POWERSAFE_OVERWRITE is
 * announced, and kept: a torn write leaves bytes beside it alone. */
disk *disk_new (uint64_t seed, bool powersafe);
/* All its files must be closed. Accepts NULL. */
void disk_destroy (disk **self_p);

/* The name to open databases by. */
const char *disk_vfs (const disk *self);

/* What reads of it see now, as a disk of its own: for those who look without touching. */
disk *disk_copy (const disk *self);

/* --- crashes ------------------------------------------------------------------------ */

typedef enum {
    DISK_KILLED,     /* the process is gone, the page cache is not: nothing is lost */
    DISK_POWER_LOST, /* what was not synced has the fate that the seed gives it */
} disk_crash;

/* Now, or in the middle of the nth operation from now on that changes or syncs a file
 * (that one, where it is a write, may be half done). From then on every operation fails
 * with SQLITE_IOERR, and changes nothing. */
void disk_stop (disk *self);
void disk_stop_after (disk *self, uint64_t operations);
bool disk_is_stopped (const disk *self);
/* Once every file is closed: the machine comes back. */
void disk_restart (disk *self, disk_crash crash);

/* --- faults ------------------------------------------------------------------------- */

typedef enum {
    DISK_READ,
    DISK_WRITE,
    DISK_SYNC,
    DISK_TRUNCATE,
    DISK_OPEN,
    DISK_DELETE,
    DISK_OPERATIONS,
} disk_operation;

/* The nth (1 for the next) operation of this kind fails, once or for ever. A write that
 * fails may have been done in part; a sync that fails has not made anything durable, and
 * reads go on seeing what was written (as after a failed fdatasync). */
void disk_fail (disk *self, disk_operation kind, uint64_t nth, bool for_ever);
/* A read that returns fewer bytes than are there counts as DISK_READ's other fault. */
void disk_fail_none (disk *self);
/* Whether the fault that was ordered last has come. */
bool disk_has_failed (const disk *self);
/* How many of a kind there have been. */
uint64_t disk_count (const disk *self, disk_operation kind);

/* Room for all files together; UINT64_MAX (at first) for no limit. Where a write would need
 * more: SQLITE_FULL. */
void disk_set_room (disk *self, uint64_t bytes);
uint64_t disk_used (const disk *self);

#endif
