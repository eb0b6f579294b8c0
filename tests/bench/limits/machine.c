/* SPDX-License-Identifier: MPL-2.0
 *
 * What the figures were measured on: a figure without its machine says nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/bench/limits/limits.h"

#define LINE_BYTES 1024
#define DURABILITY "synchronous=FULL: a commit is on the disk before it is answered"

/* The rest of the first line of a file that begins like this, without what stands before
 * `mark`; "unknown" where there is none. The caller's to free. */
static char *
find_line (const char *path, const char *begins, char mark)
{
    char line[LINE_BYTES];
    char *found = NULL;
    FILE *file = fopen (path, "re");
    while (file && !found && fgets (line, sizeof line, file)) {
        const char *at = strchr (line, mark);
        if (strncmp (line, begins, strlen (begins)) == 0 && at) {
            at += 1 + strspn (at + 1, " \t");
            found = limits_text ("%.*s", (int)strcspn (at, "\n"), at);
        }
    }
    if (file) {
        fclose (file);
    }
    return found ? found : limits_text ("unknown");
}

/* "ext4 on /dev/vda": of the mount that this directory is on. */
static char *
find_disk (const char *directory)
{
    struct stat facts;
    char line[LINE_BYTES], type[64], source[256];
    char *found = NULL;
    FILE *file =
        stat (directory, &facts) == 0 ? fopen ("/proc/self/mountinfo", "re") : NULL;
    while (file && !found && fgets (line, sizeof line, file)) {
        unsigned major_number = 0, minor_number = 0;
        const char *rest = strstr (line, " - ");
        if (rest && sscanf (line, "%*s %*s %u:%u", &major_number, &minor_number) == 2 &&
            makedev (major_number, minor_number) == facts.st_dev &&
            sscanf (rest, " - %63s %255s", type, source) == 2) {
            found = limits_text ("%s on %s", type, source);
        }
    }
    if (file) {
        fclose (file);
    }
    return found ? found : limits_text ("unknown");
}

void
limits_machine (const limits_options *options)
{
    struct utsname kernel = {0};
    (void)uname (&kernel);
    char *cpu = find_line ("/proc/cpuinfo", "model name", ':');
    char *memory = find_line ("/proc/meminfo", "MemTotal", ':');
    char *disk = find_disk (options->data);
    long cores = sysconf (_SC_NPROCESSORS_ONLN);
    if (options->json) {
        limits_require (!strpbrk (cpu, "\"\\") && !strpbrk (disk, "\"\\"),
                        "a name of this machine cannot be written");
        printf ("{\"machine\":{\"cpu\":\"%s\",\"cores\":%ld,\"kernel\":\"%s\","
                "\"memory\":\"%s\",\"disk\":\"%s\",\"sqlite\":\"%s\","
                "\"durability\":\"" DURABILITY "\"}}\n",
                cpu, cores, kernel.release, memory, disk, sqlite3_libversion ());
    } else {
        printf ("%s, %ld cores, Linux %s, %s, %s, SQLite %s, " DURABILITY "\n", cpu, cores,
                kernel.release, memory, disk, sqlite3_libversion ());
    }
    fflush (stdout);
    free (cpu);
    free (memory);
    free (disk);
}
