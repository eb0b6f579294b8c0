/* SPDX-License-Identifier: MPL-2.0
 *
 * Bytes, and what has happened to them since the last sync. A power loss starts from the
 * bytes of that sync and plays every change since again, each with a fate of its own.
 *
 * What is lost or damaged lies within what was written since the sync; on a disk that is
 * not `powersafe` also in the rest of the sectors that such a write touched. The names of
 * files have their own fate: as they are, or as they were when the directory was synced.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/errors.h"
#include "tests/simulation/disk_private.h"

#define LEAST_ROOM 4096

/* Makes room for `size` bytes; what is new is zero. */
static void
bytes_reach (disk_bytes *self, size_t size)
{
    if (size > self->room) {
        size_t room = self->room ? self->room : LEAST_ROOM;
        while (room < size) {
            room *= 2;
        }
        self->at = realloc (self->at, room);
        BF_INVARIANT (self->at != NULL);
        self->room = room;
    }
    if (size > self->size) {
        memset (self->at + self->size, 0, size - self->size);
        self->size = size;
    }
}

static void
bytes_put (disk_bytes *self, const void *bytes, size_t size, size_t at)
{
    if (size > 0) {
        bytes_reach (self, at + size);
        memcpy (self->at + at, bytes, size);
    }
}

static void
bytes_copy (disk_bytes *self, const disk_bytes *from)
{
    self->size = 0;
    bytes_put (self, from->at, from->size, 0);
}

static void
bytes_truncate (disk_bytes *self, size_t size)
{
    if (size < self->size) {
        self->size = size;
    } else {
        bytes_reach (self, size);
    }
}

/* --- names ---------------------------------------------------------------------------- */

disk_file *
disk_file_find (disk *self, const char *name)
{
    for (disk_file *file = self->files; file && name; file = file->next) {
        if (file->is_seen && strcmp (file->name, name) == 0) {
            return file;
        }
    }
    return NULL;
}

disk_file *
disk_file_make (disk *self, const char *name)
{
    disk_file *file = calloc (1, sizeof *file);
    BF_INVARIANT (file != NULL);
    if (name) {
        file->name = strdup (name);
        BF_INVARIANT (file->name != NULL);
        file->is_seen = true;
    }
    disk_file **end = &self->files;
    while (*end) {
        end = &(*end)->next;
    }
    *end = file;
    return file;
}

void
disk_file_delete (disk_file *file)
{
    file->is_seen = false;
}

void
disk_file_free (disk_file *file)
{
    free (file->name);
    free (file->seen.at);
    free (file->durable.at);
    free (file->written.at);
    free (file->changes);
    free (file);
}

/* Those that nothing leads to any more go. */
static void
sweep (disk *self)
{
    for (disk_file **at = &self->files; *at;) {
        disk_file *file = *at;
        if (file->is_seen || file->is_durable || file->handles > 0) {
            at = &file->next;
        } else {
            *at = file->next;
            disk_file_free (file);
        }
    }
}

void
disk_file_leave (disk *self, disk_file *file)
{
    BF_INVARIANT (file->handles > 0);
    file->handles--;
    sweep (self);
}

void
disk_file_copy (disk *self, const disk_file *from)
{
    disk_file *file = disk_file_make (self, from->name);
    bytes_copy (&file->seen, &from->seen);
    bytes_copy (&file->durable, &from->seen);
    file->is_durable = true;
}

void
disk_directory_sync (disk *self)
{
    for (disk_file *file = self->files; file; file = file->next) {
        file->is_durable = file->is_seen;
    }
    sweep (self);
}

/* --- changes -------------------------------------------------------------------------- */

static disk_change *
change_add (disk_file *file)
{
    if (file->n_changes == file->changes_room) {
        file->changes_room = file->changes_room ? 2 * file->changes_room : 64;
        file->changes = realloc (file->changes, file->changes_room * sizeof *file->changes);
        BF_INVARIANT (file->changes != NULL);
    }
    disk_change *change = &file->changes[file->n_changes++];
    *change = (disk_change){0};
    return change;
}

void
disk_file_write (disk_file *file, const void *bytes, size_t size, uint64_t at)
{
    disk_change *change = change_add (file);
    change->at = at;
    change->size = size;
    change->copied = file->written.size;
    bytes_put (&file->written, bytes, size, file->written.size);
    bytes_put (&file->seen, bytes, size, (size_t)at);
}

void
disk_file_truncate (disk_file *file, uint64_t size)
{
    disk_change *change = change_add (file);
    change->at = size;
    change->is_truncate = true;
    bytes_truncate (&file->seen, (size_t)size);
}

static void
changes_forget (disk_file *file)
{
    file->n_changes = 0;
    file->written.size = 0;
}

/* The name leads here from now on, whatever happens; and nowhere else. */
static void
name_hold (disk *self, disk_file *file)
{
    for (disk_file *other = self->files; other; other = other->next) {
        if (other->is_durable && strcmp (other->name, file->name) == 0) {
            other->is_durable = false;
        }
    }
    file->is_durable = true;
}

void
disk_file_sync (disk *self, disk_file *file)
{
    for (size_t i = 0; i < file->n_changes; i++) {
        const disk_change *change = &file->changes[i];
        if (change->is_truncate) {
            bytes_truncate (&file->durable, (size_t)change->at);
        } else {
            bytes_put (&file->durable, file->written.at + change->copied, change->size,
                       (size_t)change->at);
        }
    }
    changes_forget (file);
    /* As a journalling file system does: bytes that are safe under no name help nobody. */
    if (file->is_seen) {
        name_hold (self, file);
        sweep (self);
    }
}

/* --- power loss ----------------------------------------------------------------------- */

typedef enum {
    FATE_KEPT,
    FATE_DROPPED,
    FATE_TORN,
    FATE_GARBAGE,
    FATES,
} fate;

/* A mood for each power loss, so that nearly all and nearly nothing are met, too. */
static const unsigned moods[][FATES] = {
    {40, 30, 20, 10},
    {92, 4, 2, 2},
    {6, 88, 3, 3},
};
#define MOODS (sizeof moods / sizeof moods[0])

static void
fill (disk *self, disk_bytes *bytes, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        bytes->at[i] = (uint8_t)sim_draw (&self->for_fate);
    }
}

/* On the platter in pieces that end at multiples of 512 bytes of the file: those up to some
 * point, or any of them. */
static void
tear (disk *self, disk_file *file, const disk_change *change)
{
    const uint8_t *bytes = file->written.at + change->copied;
    size_t end = (size_t)change->at + change->size;
    bool in_order = sim_chance (&self->for_fate, 500);
    bool kept = true;
    for (size_t at = (size_t)change->at, next; at < end; at = next) {
        next = (at / DISK_TEAR_BYTES + 1) * DISK_TEAR_BYTES;
        next = next < end ? next : end;
        bool keep = sim_chance (&self->for_fate, in_order ? 800 : 500);
        kept = in_order ? kept && keep : keep;
        if (kept) {
            bytes_put (&file->durable, bytes + (at - (size_t)change->at), next - at, at);
        }
    }
}

static void
turn_to_garbage (disk *self, disk_file *file, const disk_change *change)
{
    size_t end = (size_t)change->at + change->size;
    bytes_reach (&file->durable, end);
    fill (self, &file->durable, (size_t)change->at, end);
}

/* What a disk without SQLITE_IOCAP_POWERSAFE_OVERWRITE may do beside a write. */
static void
spoil_sectors (disk *self, disk_file *file, const disk_change *change)
{
    disk_bytes *bytes = &file->durable;
    size_t at = (size_t)change->at;
    size_t end = at + change->size;
    size_t first = at / self->sector_bytes * self->sector_bytes;
    size_t last = (end + self->sector_bytes - 1) / self->sector_bytes * self->sector_bytes;
    last = last < bytes->size ? last : bytes->size;
    if (sim_chance (&self->for_fate, 500)) {
        fill (self, bytes, first, at < bytes->size ? at : bytes->size);
    }
    if (sim_chance (&self->for_fate, 500)) {
        fill (self, bytes, end, last);
    }
}

static void
change_meet (disk *self, disk_file *file, const disk_change *change, const unsigned *mood)
{
    fate met = (fate)sim_pick (&self->for_fate, mood, FATES);
    if (change->is_truncate) {
        if (met == FATE_KEPT || met == FATE_TORN) {
            bytes_truncate (&file->durable, (size_t)change->at);
        }
        return;
    }
    switch (met) {
    case FATE_KEPT:
        bytes_put (&file->durable, file->written.at + change->copied, change->size,
                   (size_t)change->at);
        return;
    case FATE_TORN:
        tear (self, file, change);
        break;
    case FATE_GARBAGE:
        turn_to_garbage (self, file, change);
        break;
    default:
        return;
    }
    if (!self->powersafe) {
        spoil_sectors (self, file, change);
    }
}

/* Whether a name leads to where it led last, or to where it led at the last sync. Asked of
 * both files that may have the name; the first of them draws. */
static void
name_meet (disk *self, disk_file *file)
{
    if (file->is_seen == file->is_durable) {
        return;
    }
    bool is_new = sim_chance (&self->for_fate, 500);
    for (disk_file *other = file; other; other = other->next) {
        if (strcmp (other->name, file->name) == 0) {
            bool stays = is_new ? other->is_seen : other->is_durable;
            other->is_seen = stays;
            other->is_durable = stays;
        }
    }
}

void
disk_files_lose_power (disk *self)
{
    const unsigned *mood = moods[sim_below (&self->for_fate, MOODS)];
    for (disk_file *file = self->files; file; file = file->next) {
        name_meet (self, file);
    }
    sweep (self);
    for (disk_file *file = self->files; file; file = file->next) {
        for (size_t i = 0; i < file->n_changes; i++) {
            change_meet (self, file, &file->changes[i], mood);
        }
        changes_forget (file);
        bytes_copy (&file->seen, &file->durable);
    }
}
