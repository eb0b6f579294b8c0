/* SPDX-License-Identifier: MPL-2.0
 *
 * Inside the disk: disk.c decides what fails and when, disk_files.c keeps bytes and what
 * has happened to them since the last sync, disk_vfs.c is what SQLite sees.
 */
#ifndef BF_SIMULATION_DISK_PRIVATE_H
#define BF_SIMULATION_DISK_PRIVATE_H

#include "tests/simulation/disk.h"
#include "tests/simulation/random.h"

#define DISK_TEAR_BYTES 512
#define DISK_NAME_BYTES 32

/* Grows, and never shrinks. */
typedef struct {
    uint8_t *at;
    size_t size;
    size_t room;
} disk_bytes;

/* A write, or a truncate, that no sync has followed. */
typedef struct {
    uint64_t at;   /* of a truncate: the new size */
    size_t size;   /* of a write */
    size_t copied; /* where in disk_file.written its bytes are */
    bool is_truncate;
} disk_change;

typedef struct disk_file disk_file;

/* The bytes of a file and its place in the directory. A name may belong to two of them: the
 * one that was deleted, which a power loss may bring back, and the one made since. */
struct disk_file {
    disk_file *next;
    char *name;         /* NULL: a temporary file without one */
    disk_bytes seen;    /* what reads see */
    disk_bytes durable; /* what was there at the last sync */
    disk_bytes written; /* the bytes of the changes */
    disk_change *changes;
    size_t n_changes;
    size_t changes_room;
    bool is_seen;         /* the name leads here */
    bool is_durable;      /* the name did when the directory was synced */
    unsigned handles;     /* that have it open */
    unsigned sharing;     /* of those: with a lock */
    const void *reserved; /* the one that means to write */
    bool is_pending;      /* and waits for the others to go */
};

/* What is ordered of one kind of operation. */
typedef struct {
    uint64_t countdown; /* 1: the next one fails; 0: none does */
    bool for_ever;
} disk_fault;

struct disk {
    sqlite3_vfs vfs;
    char name[DISK_NAME_BYTES];
    uint64_t seed;
    bool powersafe;
    size_t sector_bytes;
    sim_random for_sqlite; /* the random bytes that it asks for */
    sim_random for_fate;   /* what is lost with the power */
    sim_random for_faults; /* how much of an operation that fails was done */
    int64_t julian_ms;     /* the time of day, which stands */
    disk_file *files;      /* in the order in which they were made */
    uint64_t room;
    uint64_t counts[DISK_OPERATIONS];
    disk_fault faults[DISK_OPERATIONS];
    disk_operation ordered; /* the last fault */
    bool has_failed;        /* it has come */
    uint64_t stop_after;    /* changes from now; 0: not */
    bool is_stopped;
};

/* --- disk.c --------------------------------------------------------------------------- */

typedef enum {
    DISK_DO,
    DISK_REFUSE,        /* a fault that was ordered */
    DISK_BREAK_OFF,     /* the power goes, or the process is killed, in the middle */
    DISK_REFUSE_AT_ALL, /* it has gone */
} disk_verdict;

/* Counts an operation and says what becomes of it. */
disk_verdict disk_judge (disk *self, disk_operation kind, bool changes);

/* --- disk_vfs.c ----------------------------------------------------------------------- */

void disk_vfs_register (disk *self);

/* --- disk_files.c --------------------------------------------------------------------- */

/* NULL for no name: never found. */
disk_file *disk_file_find (disk *self, const char *name);
disk_file *disk_file_make (disk *self, const char *name);
/* Takes the name away; the bytes stay for who has it open, and for a power loss. */
void disk_file_delete (disk_file *file);
/* A handle is closed. */
void disk_file_leave (disk *self, disk_file *file);
void disk_file_free (disk_file *file);
/* The bytes of one, durable, in another disk. */
void disk_file_copy (disk *self, const disk_file *from);

void disk_file_write (disk_file *file, const void *bytes, size_t size, uint64_t at);
void disk_file_truncate (disk_file *file, uint64_t size);
void disk_file_sync (disk *self, disk_file *file);
/* Every name that was given or taken away. */
void disk_directory_sync (disk *self);
/* Nothing is open. */
void disk_files_lose_power (disk *self);

#endif
