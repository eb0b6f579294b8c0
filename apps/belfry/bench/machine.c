/* SPDX-License-Identifier: MPL-2.0
 *
 * See machine.h.
 */
#include "apps/belfry/bench/machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#define LINE_BYTES 1024

/* What a file says behind the colon of the first line that begins so. */
static void
find_line (const char *path, const char *begins, char *text, size_t room)
{
    char line[LINE_BYTES];
    bool found = false;
    FILE *file = fopen (path, "re");
    (void)snprintf (text, room, "unknown");
    while (file && !found && fgets (line, sizeof line, file)) {
        const char *at = strchr (line, ':');
        found = at && strncmp (line, begins, strlen (begins)) == 0;
        if (found) {
            at += 1 + strspn (at + 1, " \t");
            (void)snprintf (text, room, "%.*s", (int)strcspn (at, "\n\"\\"), at);
        }
    }
    if (file) {
        (void)fclose (file);
    }
}

/* Whether a line of mountinfo is of this device: "36 35 98:0 / /mnt rw - ext4 /dev/vda". */
static bool
is_of (const char *line, dev_t device)
{
    const char *at = line;
    for (int word = 0; at && word < 2; word++) {
        at = strchr (at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at) {
        return false;
    }
    char *colon;
    unsigned major_number = (unsigned)strtoul (at, &colon, 10);
    return *colon == ':' &&
           makedev (major_number, (unsigned)strtoul (colon + 1, NULL, 10)) == device;
}

/* "ext4 on /dev/vda": the mount that the directory is on. */
static void
find_disk (const char *directory, char *text, size_t room)
{
    struct stat facts;
    char line[LINE_BYTES], type[64], source[224];
    bool found = false;
    FILE *file =
        stat (directory, &facts) == 0 ? fopen ("/proc/self/mountinfo", "re") : NULL;
    (void)snprintf (text, room, "unknown");
    while (file && !found && fgets (line, sizeof line, file)) {
        const char *rest = strstr (line, " - ");
        found = rest && is_of (line, facts.st_dev) &&
                sscanf (rest, " - %63s %223s", type, source) == 2 &&
                !strpbrk (source, "\"\\");
        if (found) {
            (void)snprintf (text, room, "%s on %s", type, source);
        }
    }
    if (file) {
        (void)fclose (file);
    }
}

void
bf_bench_machine_read (bf_bench_machine *self, const char *directory)
{
    struct utsname kernel = {0};
    (void)uname (&kernel);
    *self = (bf_bench_machine){.cores = sysconf (_SC_NPROCESSORS_ONLN)};
    (void)snprintf (self->kernel, sizeof self->kernel, "%.*s %.*s", 32, kernel.sysname, 64,
                    kernel.release);
    find_line ("/proc/cpuinfo", "model name", self->cpu, sizeof self->cpu);
    find_line ("/proc/meminfo", "MemTotal", self->memory, sizeof self->memory);
    find_disk (directory, self->disk, sizeof self->disk);
}
