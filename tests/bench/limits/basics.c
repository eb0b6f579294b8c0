/* SPDX-License-Identifier: MPL-2.0
 *
 * A clock, memory, directories, and what to do when one of them fails.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/limits/limits.h"

int64_t
limits_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int
limits_ascending (const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* splitmix64. */
uint64_t
limits_draw (uint64_t *state)
{
    uint64_t z = (*state += UINT64_C (0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void
say (const char *format, va_list arguments)
{
    fflush (stdout);
    fprintf (stderr, "limits: ");
    vfprintf (stderr, format, arguments);
    fprintf (stderr, "\n");
}

void
limits_require (bool holds, const char *format, ...)
{
    if (!holds) {
        va_list arguments;
        va_start (arguments, format);
        say (format, arguments);
        va_end (arguments);
        exit (1);
    }
}

void
limits_say (const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    say (format, arguments);
    va_end (arguments);
}

void *
limits_take (size_t size)
{
    void *memory = calloc (1, size ? size : 1);
    limits_require (memory != NULL, "no memory");
    return memory;
}

void *
limits_grow (void *memory, size_t size)
{
    void *grown = realloc (memory, size);
    limits_require (grown != NULL, "no memory");
    return grown;
}

char *
limits_text (const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    int size = vsnprintf (NULL, 0, format, arguments);
    va_end (arguments);
    char *text = limits_take ((size_t)size + 1);
    va_start (arguments, format);
    vsnprintf (text, (size_t)size + 1, format, arguments);
    va_end (arguments);
    return text;
}

/* Those that are there: two at a time at most, a ledger's and a player's. */
#define DIRECTORIES 4
static char *directories[DIRECTORIES];

/* Files only: none of the probes makes more. */
static void
remove_directory (const char *path)
{
    DIR *directory = opendir (path);
    if (!directory) {
        return;
    }
    for (struct dirent *entry = readdir (directory); entry; entry = readdir (directory)) {
        if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0) {
            unlinkat (dirfd (directory), entry->d_name, 0);
        }
    }
    closedir (directory);
    rmdir (path);
}

/* Where the program ended early. */
static void
remove_directories (void)
{
    for (size_t i = 0; i < DIRECTORIES; i++) {
        if (directories[i]) {
            remove_directory (directories[i]);
        }
    }
}

char *
limits_directory_make (const char *below)
{
    static bool prepared;
    char *path = limits_text ("%s/belfry-limits-XXXXXX", below);
    limits_require (mkdtemp (path) != NULL, "%s: %s", path, strerror (errno));
    size_t place = 0;
    while (place < DIRECTORIES && directories[place]) {
        place++;
    }
    limits_require (place < DIRECTORIES, "too many directories");
    directories[place] = path;
    prepared = prepared || atexit (remove_directories) == 0;
    return path;
}

void
limits_directory_remove (char **path_p)
{
    for (size_t i = 0; i < DIRECTORIES; i++) {
        if (directories[i] == *path_p) {
            directories[i] = NULL;
        }
    }
    remove_directory (*path_p);
    free (*path_p);
    *path_p = NULL;
}
