/* SPDX-License-Identifier: MPL-2.0
 *
 * Reading one file of the zone directory. Links are followed: most names are links, and the
 * directory is the administrator's. What is no regular file is never read, so that no name
 * can make the caller wait.
 */
#include "persist/zoneinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096 /* PATH_MAX of Linux, with its NUL */
#define REASON_BYTES 128

static bool
is_directory (const char *path)
{
    struct stat facts;
    return stat (path, &facts) == 0 && S_ISDIR (facts.st_mode);
}

/* The file could not be opened, or is none. */
static bf_err
fail_unknown (const char *directory, const char *name, bf_error *error)
{
    return is_directory (directory)
               ? bf_fail (error, BF_EINVALID,
                          "there is no time zone %s in %s: names are those of IANA, such "
                          "as Europe/Berlin",
                          name, directory)
               : bf_fail (error, BF_EINVALID,
                          "there is no time zone %s, because there is no directory %s: is "
                          "the package tzdata installed?",
                          name, directory);
}

static bf_err
fail_read (const char *path, const char *fate, int number, bf_error *error)
{
    char reason[REASON_BYTES];
    if (strerror_r (number, reason, sizeof reason) != 0) {
        snprintf (reason, sizeof reason, "error %d", number);
    }
    return bf_fail (error, number == ENOMEM ? BF_ENOMEM : BF_EIO, "%s: cannot be %s: %s",
                    path, fate, reason);
}

/* All of an open file, which may shrink or grow meanwhile: not beyond its end, not beyond
 * the limit. */
static bf_err
read_all (int fd, const char *path, uint8_t *bytes, size_t *size, bf_error *error)
{
    size_t have = 0;
    while (have <= BF_ZONE_BYTES) {
        ssize_t got = read (fd, bytes + have, BF_ZONE_BYTES + 1 - have);
        if (got < 0 && errno != EINTR) {
            return fail_read (path, "read", errno, error);
        }
        if (got == 0) {
            *size = have;
            return BF_OK;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    return bf_fail (error, BF_EINVALID,
                    "%s has more than %d bytes: it is no file of a time zone", path,
                    BF_ZONE_BYTES);
}

static bf_err
read_open (int fd, const char *directory, const char *name, const char *path,
           uint8_t **bytes_p, size_t *size, bf_error *error)
{
    struct stat facts;
    if (fstat (fd, &facts) != 0) {
        return fail_read (path, "looked at", errno, error);
    }
    if (!S_ISREG (facts.st_mode)) {
        return fail_unknown (directory, name, error);
    }
    uint8_t *bytes = malloc (BF_ZONE_BYTES + 1);
    if (!bytes) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_err rc = read_all (fd, path, bytes, size, error);
    if (rc != BF_OK) {
        free (bytes);
        return rc;
    }
    *bytes_p = bytes;
    return BF_OK;
}

bf_err
bf_zoneinfo_read (const char *directory, const char *name, uint8_t **bytes, size_t *size,
                  bf_error *error)
{
    const char *where = directory && directory[0] ? directory : BF_ZONEINFO_DIRECTORY;
    char path[PATH_BYTES];
    if (!bf_zone_name_is_valid (name)) {
        return bf_fail (error, BF_EINVALID,
                        "%.80s is no name of a time zone: names are those of IANA, such as "
                        "Europe/Berlin",
                        name);
    }
    if (snprintf (path, sizeof path, "%s/%s", where, name) >= (int)sizeof path) {
        return bf_fail (error, BF_EINVALID,
                        "the name of the directory of time zones is longer than %d bytes",
                        PATH_BYTES - BF_ZONE_NAME_BYTES - 2);
    }
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
                       errno == ENAMETOOLONG || errno == ENXIO;
        return missing ? fail_unknown (where, name, error)
                       : fail_read (path, "opened", errno, error);
    }
    bf_err rc = read_open (fd, where, name, path, bytes, size, error);
    close (fd);
    return rc;
}

bf_err
bf_zoneinfo_open (const char *directory, const char *name, bf_zone **zone_p,
                  bf_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    bf_error cause = {0};
    bf_err rc = bf_zoneinfo_read (directory, name, &bytes, &size, error);
    if (rc != BF_OK) {
        return rc;
    }
    rc = bf_zone_read (bytes, size, zone_p, &cause);
    free (bytes);
    return rc == BF_OK ? BF_OK : bf_fail (error, rc, "time zone %s: %s", name, cause.text);
}
