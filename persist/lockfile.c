/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry.lock: flock belongs to the open file, not to the process, so it also keeps two
 * schedulers of one process apart, and no stray close of another descriptor drops it, as
 * happens to SQLite's own POSIX locks. The file is never deleted: whoever had opened the
 * deleted one would lock nothing.
 */
#include "persist/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "persist/directory.h"

#define LOCKFILE_NAME "belfry.lock"

/* Always written over in place with the same length, which needs no new block on a full
 * disk. */
#define PID_FORMAT "%-11ld\n"
#define PID_BYTES 12

static bf_err
fail_locked (int fd, const char *directory, bf_error *error)
{
    char text[PID_BYTES + 1] = "";
    long pid = 0;
    if (pread (fd, text, PID_BYTES, 0) > 0) {
        pid = strtol (text, NULL, 10);
    }
    if (pid > 0) {
        return bf_fail (error, BF_ELOCKED,
                        "%s: another daemon (process %ld) has this data directory; stop "
                        "it, or choose another directory",
                        directory, pid);
    }
    return bf_fail (error, BF_ELOCKED,
                    "%s: another daemon has this data directory; stop it, or choose "
                    "another directory",
                    directory);
}

/* For the sentence above only, so a disk that does not take it is no reason to stop. */
static void
write_pid (int fd)
{
    char text[PID_BYTES + 1];
    snprintf (text, sizeof text, PID_FORMAT, (long)getpid ());
    ssize_t written = pwrite (fd, text, PID_BYTES, 0);
    (void)written;
}

static bf_err
lock (int fd, const char *path, const char *directory, bf_error *error)
{
    int rc;
    do {
        rc = flock (fd, LOCK_EX | LOCK_NB);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0) {
        return BF_OK;
    }
    if (errno == EWOULDBLOCK) {
        return fail_locked (fd, directory, error);
    }
    return bf_fail_errno (error, path, "be locked", errno);
}

bf_err
bf_lockfile_take (int *fd, const char *directory, bf_error *error)
{
    char *path = bf_directory_path (directory, LOCKFILE_NAME, "");
    if (path == NULL) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    int file = -1;
    bf_err err = bf_directory_touch (path, error);
    if (err == BF_OK) {
        file = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        err = file >= 0 ? lock (file, path, directory, error)
                        : bf_fail_errno (error, path, "be opened", errno);
    }
    free (path);
    if (err == BF_OK) {
        write_pid (file);
        *fd = file;
    } else if (file >= 0) {
        close (file);
    }
    return err;
}

void
bf_lockfile_release (int *fd)
{
    if (*fd != BF_NO_LOCKFILE) {
        /* Said aloud, because a forked child may still hold a copy of the descriptor. */
        flock (*fd, LOCK_UN);
        close (*fd);
        *fd = BF_NO_LOCKFILE;
    }
}
