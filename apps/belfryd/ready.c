/* SPDX-License-Identifier: MPL-2.0
 *
 * The file is written beside its place and renamed, so that a reader sees the old line or
 * the new one. It is not synced: after a power cut the daemon that starts next writes it
 * again.
 */
#include "apps/belfryd/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "DATA/NAME", the caller's to free; NULL without memory. */
static char *
path_of (const char *data, const char *name)
{
    size_t size = strlen (data) + strlen (name) + 2;
    char *path = malloc (size);
    if (path) {
        snprintf (path, size, "%s/%s", data, name);
    }
    return path;
}

/* 0, or -1 with errno set. */
static int
write_file (const char *path, const char *endpoints)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1) {
        return -1;
    }
    int printed = dprintf (fd, "ready %s\n", endpoints);
    int closed = close (fd);
    return printed < 0 ? -1 : closed;
}

static bf_err
publish (const char *temporary, const char *path, const char *endpoints, bf_error *error)
{
    if (write_file (temporary, endpoints) != 0 || rename (temporary, path) != 0) {
        bf_err rc = errno == ENOSPC || errno == EDQUOT ? BF_EDISKFULL : BF_EIO;
        bf_fail (error, rc, "%s cannot be written: %s", path, strerror (errno));
        unlink (temporary);
        return rc;
    }
    return BF_OK;
}

bf_err
ready_announce (const char *data, const char *endpoints, bf_error *error)
{
    char *path = path_of (data, "endpoints");
    char *temporary = path_of (data, "endpoints.new");
    bf_err rc = path && temporary ? publish (temporary, path, endpoints, error)
                                  : bf_fail_plain (error, BF_ENOMEM);
    free (path);
    free (temporary);
    if (rc == BF_OK) {
        /* After the file, so that whoever waits for the line finds the file too. */
        printf ("ready %s\n", endpoints);
        fflush (stdout);
    }
    return rc;
}

void
ready_withdraw (const char *data)
{
    char *path = path_of (data, "endpoints");
    if (path) {
        unlink (path);
        free (path);
    }
}
