/* SPDX-License-Identifier: MPL-2.0
 *
 * The first 100 bytes of belfry.db (https://sqlite.org/fileformat2.html, "The Database
 * Header"). SQLite itself would recover, create or truncate files beside a database before
 * we could ask whose it is, so whose it is gets answered here.
 */
#include "persist/header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist/database.h"
#include "persist/directory.h"

#define HEADER_BYTES 100
#define MAGIC "SQLite format 3"
#define MAGIC_BYTES 16
#define USER_VERSION_OFFSET 60
#define APPLICATION_ID_OFFSET 68

static uint32_t
big_endian (const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           (uint32_t)bytes[3];
}

/* Size of the file "PATH SUFFIX", 0 where there is none. */
static bf_err
companion_bytes (const char *path, const char *suffix, off_t *bytes)
{
    size_t length = strlen (path) + strlen (suffix) + 1;
    char *companion = malloc (length);
    if (companion == NULL) {
        return BF_ENOMEM;
    }
    memcpy (companion, path, strlen (path));
    memcpy (companion + strlen (path), suffix, strlen (suffix) + 1);
    struct stat facts;
    *bytes = stat (companion, &facts) == 0 ? facts.st_size : 0;
    free (companion);
    return BF_OK;
}

/* Our database is never empty while its WAL is not: SQLite would take the WAL for a
 * leftover and delete it, and with it perhaps all that was acknowledged. */
static bf_err
judge_empty (const char *path, bf_error *error)
{
    off_t wal_bytes = 0;
    bf_err err = companion_bytes (path, "-wal", &wal_bytes);
    if (err != BF_OK) {
        return bf_fail (error, err, "out of memory");
    }
    if (wal_bytes > 0) {
        return bf_fail (error, BF_ECORRUPT,
                        "%s: missing or empty, but its log %s-wal holds data; bring the "
                        "file back or restore a backup, or move the log away to start anew",
                        path, path);
    }
    return BF_OK;
}

/* A power cut in the very first commit leaves zeros and the journal that undoes them. */
static bool
is_unfinished (const char *path, const unsigned char *header)
{
    for (int i = 0; i < HEADER_BYTES; i++) {
        if (header[i] != 0) {
            return false;
        }
    }
    off_t journal_bytes = 0;
    return companion_bytes (path, "-journal", &journal_bytes) == BF_OK && journal_bytes > 0;
}

static bf_err
judge (const char *path, const unsigned char *header, int known_version, bf_error *error)
{
    if (memcmp (header, MAGIC, MAGIC_BYTES) != 0) {
        if (is_unfinished (path, header)) {
            return BF_OK;
        }
        return bf_fail (error, BF_EFOREIGN,
                        "%s: is not an SQLite file; it was left as it is: move it away, or "
                        "choose another data directory",
                        path);
    }
    uint32_t application_id = big_endian (header + APPLICATION_ID_OFFSET);
    if (application_id != BF_APPLICATION_ID) {
        return bf_fail (error, BF_EFOREIGN,
                        "%s: belongs to another program (application_id 0x%08x, ours is "
                        "0x%08x); it was left as it is: choose another data directory",
                        path, (unsigned)application_id, (unsigned)BF_APPLICATION_ID);
    }
    int32_t user_version = (int32_t)big_endian (header + USER_VERSION_OFFSET);
    if (user_version > known_version) {
        return bf_fail (error, BF_ENEWER,
                        "%s: was written by a newer version (schema %d, this program knows "
                        "%d); it was left as it is: install the newer version",
                        path, (int)user_version, known_version);
    }
    return BF_OK;
}

static bf_err
read_header (int fd, const char *path, unsigned char *header, size_t *count,
             bf_error *error)
{
    struct stat facts;
    if (fstat (fd, &facts) != 0) {
        return bf_fail_errno (error, path, "be read", errno);
    }
    if (!S_ISREG (facts.st_mode)) {
        return bf_fail (error, BF_EFOREIGN,
                        "%s: is not a regular file; choose another data directory", path);
    }
    size_t got = 0;
    while (got < HEADER_BYTES) {
        ssize_t bytes = read (fd, header + got, HEADER_BYTES - got);
        if (bytes == 0) {
            break;
        }
        if (bytes > 0) {
            got += (size_t)bytes;
        } else if (errno != EINTR) {
            return bf_fail_errno (error, path, "be read", errno);
        }
    }
    *count = got;
    return BF_OK;
}

bf_err
bf_header_check (const char *path, int known_version, bf_error *error)
{
    /* Non-blocking, so that a named pipe cannot hold us up. */
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? judge_empty (path, error)
                               : bf_fail_errno (error, path, "be opened", errno);
    }
    unsigned char header[HEADER_BYTES];
    size_t count = 0;
    bf_err err = read_header (fd, path, header, &count, error);
    close (fd);
    if (err != BF_OK) {
        return err;
    }
    if (count == 0) {
        return judge_empty (path, error);
    }
    if (count < HEADER_BYTES) {
        return bf_fail (error, BF_ECORRUPT,
                        "%s: cut off after %zu bytes; it was left as it is: restore a "
                        "backup",
                        path, count);
    }
    return judge (path, header, known_version, error);
}
