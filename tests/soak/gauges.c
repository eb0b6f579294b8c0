/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads /proc and the size of the WAL; see gauges.h.
 */
#include "tests/soak/gauges.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/time.h"
#include "tests/soak/soak.h"
#include "tests/support/cmocka.h"
#include "tests/support/proc.h"
#include "tests/support/temp.h"

#define MIB ((size_t)1024 * 1024)

/* SQLite's page cache is 16 MiB; program, libraries and the buffers of libzmq for our
 * connections were measured to be 20 MiB; timers, queues and leases of 30,000 open jobs and
 * 5,000 runs, which is more than the crowd lets there be, are 10 MiB; the arenas of a batch
 * and of an answer 2 MiB. That twice, so that fragments of malloc break nothing. The
 * sanitizers hold shadows, and freed memory, of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESIDENT_BYTES (1536 * MIB)
#else
#define RESIDENT_BYTES (96 * MIB)
#endif

/* After the warming up its memory is what it is: caches are full. What grows on, by more
 * than half and this, leaks. */
#define WARM_US (30 * BF_SECOND_US)
#define GROWTH_BYTES (16 * MIB)

/* One for each connection; as many as half of them again for those whose end libzmq has not
 * noticed yet, since the crowd reconnects as a whole; and for a file that is open for a
 * moment: a temporary one of SQLite, the directory when it is synced, the reserve. */
#define DESCRIPTORS(connections) ((connections) + (connections) / 2 + 8)

/* The store checkpoints between two batches when 16 MiB of pages have not been moved and
 * nobody waits, and at 64 MiB whoever waits. A batch, or a slice of a command by filter,
 * writes up to a few MiB more: 16 of them. */
#define WAL_BYTES (80 * MIB)

static size_t
threads_of (pid_t pid)
{
    char path[64];
    (void)snprintf (path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    char line[256];
    size_t count = 0;
    while (fgets (line, sizeof line, file)) {
        if (sscanf (line, "Threads: %zu", &count) == 1) {
            break;
        }
    }
    (void)fclose (file);
    return count;
}

static gauges_reading
read_all (const rig *daemon)
{
    pid_t pid = daemon->daemon.pid;
    char *wal = temp_path (daemon->data, "belfry.db-wal");
    struct stat facts;
    gauges_reading now = {
        .resident_bytes = proc_resident_bytes (pid),
        .descriptors = proc_descriptors (pid),
        .threads = threads_of (pid),
        .wal_bytes = stat (wal, &facts) == 0 ? (size_t)facts.st_size : 0,
    };
    free (wal);
    return now;
}

static void
raise_to (size_t *most, size_t now)
{
    *most = now > *most ? now : *most;
}

void
gauges_begin (gauges *self, const rig *daemon, size_t connections)
{
    self->connections = connections;
    self->born = read_all (daemon);
    self->born_us = soak_now_us ();
    self->settled = (gauges_reading){0};
}

static void
bound (const char *what, size_t value, size_t most, const char *reason)
{
    if (value > most) {
        soak_broken ("the daemon has %zu %s, and may have %zu: %s", value, what, most,
                     reason);
    }
}

void
gauges_check (gauges *self, const rig *daemon)
{
    gauges_reading now = read_all (daemon);
    self->last = now;
    raise_to (&self->most.resident_bytes, now.resident_bytes);
    raise_to (&self->most.descriptors, now.descriptors);
    raise_to (&self->most.threads, now.threads);
    raise_to (&self->most.wal_bytes, now.wal_bytes);
    bound ("bytes resident", now.resident_bytes, RESIDENT_BYTES, "caches have their sizes");
    bound ("descriptors", now.descriptors,
           self->born.descriptors + DESCRIPTORS (self->connections),
           "those of its start, and one for each connection");
    bound ("threads", now.threads, self->born.threads, "none is made after the start");
    bound ("bytes of WAL", now.wal_bytes, WAL_BYTES, "it checkpoints at 64 MiB");
    if (soak_now_us () - self->born_us < WARM_US) {
        return;
    }
    if (self->settled.resident_bytes == 0) {
        self->settled = now;
    }
    bound ("bytes resident", now.resident_bytes,
           self->settled.resident_bytes + self->settled.resident_bytes / 2 + GROWTH_BYTES,
           "half as many again as 30 s after its start, and 16 MiB");
}
