/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads /proc; see proc.h.
 */
#include "tests/support/proc.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/rig.h"

size_t
proc_descriptors (pid_t pid)
{
    char path[64];
    (void)snprintf (path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir (path);
    assert_non_null (directory);
    size_t count = 0;
    while (readdir (directory)) {
        count++;
    }
    closedir (directory);
    return count - 2; /* . and .. */
}

size_t
proc_resident_bytes (pid_t pid)
{
    char path[64];
    (void)snprintf (path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    size_t size;
    size_t resident;
    assert_int_equal (fscanf (file, "%zu %zu", &size, &resident), 2);
    fclose (file);
    return resident * (size_t)sysconf (_SC_PAGESIZE);
}

static bool
await (size_t (*measure) (pid_t), pid_t pid, size_t most)
{
    int64_t until_us = bf_now_read ().boot.us + RIG_DEADLINE_MS * BF_MS_US;
    while (measure (pid) > most) {
        if (bf_now_read ().boot.us > until_us) {
            return false;
        }
        (void)poll (NULL, 0, 1);
    }
    return true;
}

bool
proc_await_descriptors (pid_t pid, size_t count)
{
    return await (proc_descriptors, pid, count);
}

bool
proc_await_resident (pid_t pid, size_t bytes)
{
    return await (proc_resident_bytes, pid, bytes);
}

/* Whether its state, behind the name in brackets, is not yet T. */
static size_t
is_running (pid_t pid)
{
    char path[64];
    char text[512];
    (void)snprintf (path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    assert_non_null (fgets (text, sizeof text, file));
    (void)fclose (file);
    const char *name_end = strrchr (text, ')');
    assert_non_null (name_end);
    return name_end[2] != 'T';
}

bool
proc_await_stopped (pid_t pid)
{
    return await (is_running, pid, 0);
}
