/* SPDX-License-Identifier: MPL-2.0
 *
 * The data directory and the plain files in it: made here, resolved here, synced here.
 * Nothing here ever opens belfry.db.
 */
/* For realpath. */
#define _XOPEN_SOURCE 700

#include "persist/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REASON_BYTES 128

static const char *
advice (int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
        return "give this user the right to it, or choose another data directory";
    case EROFS:
        return "the file system is read-only: mount it for writing, or choose another "
               "data directory";
    case ENOSPC:
    case EDQUOT:
        return "free some space there";
    case ENOENT:
        return "make the missing parent directory first";
    case ENOTDIR:
    case EEXIST:
        return "a file is in the way: choose another data directory";
    case ELOOP:
        return "it is a symbolic link, which is not followed: put the file itself there";
    case EMFILE:
    case ENFILE:
        return "raise the limit of open files";
    default:
        return "look at the disk and the kernel's log";
    }
}

bf_err
bf_fail_errno (bf_error *error, const char *path, const char *fate, int number)
{
    char reason[REASON_BYTES];
    if (strerror_r (number, reason, sizeof reason) != 0) {
        snprintf (reason, sizeof reason, "error %d", number);
    }
    bf_err code = BF_EIO;
    if (number == ENOSPC || number == EDQUOT) {
        code = BF_EDISKFULL;
    } else if (number == ENOMEM) {
        code = BF_ENOMEM;
    }
    return bf_fail (error, code, "%s: cannot %s: %s; %s", path, fate, reason,
                    advice (number));
}

char *
bf_directory_path (const char *directory, const char *name, const char *suffix)
{
    size_t bytes = strlen (directory) + 1 + strlen (name) + strlen (suffix) + 1;
    char *path = malloc (bytes);
    if (path != NULL) {
        snprintf (path, bytes, "%s/%s%s", directory, name, suffix);
    }
    return path;
}

bf_err
bf_directory_sync (const char *directory, bf_error *error)
{
    int fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return bf_fail_errno (error, directory, "be opened", errno);
    }
    bf_err err = BF_OK;
    if (fsync (fd) != 0) {
        err = bf_fail_errno (error, directory, "be synced", errno);
    }
    close (fd);
    return err;
}

bf_err
bf_directory_touch (const char *path, bf_error *error)
{
    int fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno == EEXIST ? BF_OK : bf_fail_errno (error, path, "be made", errno);
    }
    bf_err err = BF_OK;
    if (fchmod (fd, 0600) != 0) {
        err = bf_fail_errno (error, path, "be made private", errno);
    }
    close (fd);
    return err;
}

/* A umask can only take rights away from 0700, so what it took is given back. */
static bf_err
make (const char *directory, bool *made, bf_error *error)
{
    if (mkdir (directory, 0700) == 0) {
        *made = true;
        if (chmod (directory, 0700) != 0) {
            return bf_fail_errno (error, directory, "be made private", errno);
        }
        return BF_OK;
    }
    int number = errno;
    struct stat facts;
    if (number == EEXIST && stat (directory, &facts) == 0 && S_ISDIR (facts.st_mode)) {
        *made = false;
        return BF_OK;
    }
    return bf_fail_errno (error, directory, "be made", number);
}

bf_err
bf_directory_make (const char *directory, char **real_path, bf_error *error)
{
    bool made = false;
    bf_err err = make (directory, &made, error);
    if (err != BF_OK) {
        return err;
    }
    char *path = realpath (directory, NULL);
    if (path == NULL) {
        return bf_fail_errno (error, directory, "be resolved", errno);
    }
    if (made) {
        char *parent = bf_directory_path (path, "..", "");
        err = parent != NULL ? bf_directory_sync (parent, error)
                             : bf_fail (error, BF_ENOMEM, "out of memory");
        free (parent);
    }
    if (err != BF_OK) {
        free (path);
        return err;
    }
    *real_path = path;
    return BF_OK;
}
