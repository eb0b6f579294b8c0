/* SPDX-License-Identifier: MPL-2.0
 *
 * When the disk fails, stops and comes back.
 */
#include "tests/simulation/disk.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/errors.h"
#include "tests/simulation/disk_private.h"

/* One stream for each part: what SQLite asks for must not move what the faults do. */
enum {
    STREAM_SHAPE = 0x4449534b00, /* "DISK" */
    STREAM_SQLITE,
    STREAM_FATE,
    STREAM_FAULTS,
    STREAM_COPY,
};

/* 2026-01-01, in SQLite's milliseconds since noon of 24 November 4714 before Christ. */
#define JULIAN_MS INT64_C (212634072000000)

disk *
disk_new (uint64_t seed, bool powersafe)
{
    static unsigned disks;
    disk *self = calloc (1, sizeof *self);
    BF_INVARIANT (self != NULL);
    snprintf (self->name, sizeof self->name, "disk-%u", ++disks);
    sim_random shape = sim_random_new (seed, STREAM_SHAPE);
    self->seed = seed;
    self->powersafe = powersafe;
    self->sector_bytes = sim_chance (&shape, 500) ? 512 : 4096;
    self->julian_ms = JULIAN_MS + sim_between (&shape, 0, INT64_C (86400000) * 365);
    self->for_sqlite = sim_random_new (seed, STREAM_SQLITE);
    self->for_fate = sim_random_new (seed, STREAM_FATE);
    self->for_faults = sim_random_new (seed, STREAM_FAULTS);
    self->room = UINT64_MAX;
    disk_vfs_register (self);
    return self;
}

static bool
is_closed (const disk *self)
{
    for (const disk_file *file = self->files; file; file = file->next) {
        if (file->handles > 0) {
            return false;
        }
    }
    return true;
}

void
disk_destroy (disk **self_p)
{
    disk *self = *self_p;
    if (!self) {
        return;
    }
    BF_INVARIANT (is_closed (self));
    sqlite3_vfs_unregister (&self->vfs);
    while (self->files) {
        disk_file *file = self->files;
        self->files = file->next;
        disk_file_free (file);
    }
    free (self);
    *self_p = NULL;
}

const char *
disk_vfs (const disk *self)
{
    return self->name;
}

disk *
disk_copy (const disk *self)
{
    /* Of the seed, not of a stream: looking changes nothing that comes after. */
    sim_random other = sim_random_new (self->seed, STREAM_COPY);
    disk *copy = disk_new (sim_draw (&other), self->powersafe);
    copy->sector_bytes = self->sector_bytes;
    for (const disk_file *file = self->files; file; file = file->next) {
        if (file->is_seen) {
            disk_file_copy (copy, file);
        }
    }
    return copy;
}

/* --- crashes -------------------------------------------------------------------------- */

void
disk_stop (disk *self)
{
    self->is_stopped = true;
    self->stop_after = 0;
}

void
disk_stop_after (disk *self, uint64_t operations)
{
    self->stop_after = operations;
}

bool
disk_is_stopped (const disk *self)
{
    return self->is_stopped;
}

void
disk_restart (disk *self, disk_crash crash)
{
    BF_INVARIANT (is_closed (self));
    if (crash == DISK_POWER_LOST) {
        disk_files_lose_power (self);
    }
    self->is_stopped = false;
    self->stop_after = 0;
}

/* --- faults --------------------------------------------------------------------------- */

disk_verdict
disk_judge (disk *self, disk_operation kind, bool changes)
{
    if (self->is_stopped) {
        return DISK_REFUSE_AT_ALL;
    }
    self->counts[kind]++;
    if (changes && self->stop_after > 0 && --self->stop_after == 0) {
        disk_stop (self);
        return DISK_BREAK_OFF;
    }
    disk_fault *fault = &self->faults[kind];
    if (fault->countdown == 0) {
        return DISK_DO;
    }
    if (fault->countdown > 1) {
        fault->countdown--;
        return DISK_DO;
    }
    self->has_failed |= kind == self->ordered;
    if (!fault->for_ever) {
        fault->countdown = 0;
    }
    return DISK_REFUSE;
}

void
disk_fail (disk *self, disk_operation kind, uint64_t nth, bool for_ever)
{
    self->faults[kind] = (disk_fault){.countdown = nth, .for_ever = for_ever};
    self->ordered = kind;
    self->has_failed = false;
}

void
disk_fail_none (disk *self)
{
    for (size_t i = 0; i < DISK_OPERATIONS; i++) {
        self->faults[i] = (disk_fault){0};
    }
}

bool
disk_has_failed (const disk *self)
{
    return self->has_failed;
}

uint64_t
disk_count (const disk *self, disk_operation kind)
{
    return self->counts[kind];
}

void
disk_set_room (disk *self, uint64_t bytes)
{
    self->room = bytes;
}

uint64_t
disk_used (const disk *self)
{
    uint64_t used = 0;
    for (const disk_file *file = self->files; file; file = file->next) {
        if (file->is_seen || file->handles > 0) {
            used += file->seen.size;
        }
    }
    return used;
}
