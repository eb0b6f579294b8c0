/* SPDX-License-Identifier: MPL-2.0
 *
 * Directories for tests; see temp.h.
 */
/* For nftw, which POSIX has in its XSI part. */
#define _XOPEN_SOURCE 700

#include "tests/support/temp.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

static const char TEMP_MARK[] = "belfry-test-";

char *
temp_path (const char *directory, const char *name)
{
    size_t size = strlen (directory) + strlen (name) + 2;
    char *path = malloc (size);
    assert_non_null (path);
    (void)snprintf (path, size, "%s/%s", directory, name);
    return path;
}

char *
temp_make (void)
{
    const char *parent = getenv ("TMPDIR");
    char name[sizeof TEMP_MARK + 6];
    (void)snprintf (name, sizeof name, "%sXXXXXX", TEMP_MARK);
    char *path = temp_path (parent && *parent ? parent : "/tmp", name);
    if (!mkdtemp (path)) {
        fail_msg ("no temporary directory %s", path);
    }
    return path;
}

static int
remove_entry (const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove (path);
}

void
temp_remove (char *directory)
{
    if (!directory) {
        return;
    }
    /* Only what temp_make made, whatever a test hands in. */
    assert_non_null (strstr (directory, TEMP_MARK));
    /* Depth first, within one file system, without following links; 16 descriptors. */
    if (nftw (directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0) {
        perror (directory);
    }
    free (directory);
}
