/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry.reserve: a file of real blocks and no meaning. A sparse file would promise space
 * that nobody has, hence posix_fallocate.
 */
#include "persist/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist/directory.h"

/* POSIX counts st_blocks in an unnamed unit; Linux uses this one everywhere. */
#define BLOCK_BYTES 512

static bool
is_whole (int fd, size_t bytes)
{
    struct stat facts;
    return fstat (fd, &facts) == 0 && (size_t)facts.st_size >= bytes &&
           (size_t)facts.st_blocks * BLOCK_BYTES >= bytes;
}

bf_err
bf_reserve_make (const char *path, size_t bytes, bf_error *error)
{
    bf_err err = bf_directory_touch (path, error);
    if (err != BF_OK) {
        return err;
    }
    int fd = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return bf_fail_errno (error, path, "be opened", errno);
    }
    int number = 0;
    if (!is_whole (fd, bytes)) {
        do {
            number = posix_fallocate (fd, 0, (off_t)bytes);
        } while (number == EINTR);
    }
    close (fd);
    if (number != 0) {
        bf_reserve_remove (path);
        return bf_fail_errno (error, path, "be filled with space to spare", number);
    }
    return BF_OK;
}

void
bf_reserve_remove (const char *path)
{
    unlink (path);
}
