/* SPDX-License-Identifier: MPL-2.0
 *
 * The limit of open descriptors; see descriptors.h.
 *
 * Connections are bounded where libzmq takes them: it calls accept4, and finds the one of
 * the program before that of the C library. Where fewer than SPARE descriptors would be
 * left, the connection is closed again at once, and libzmq is told that its peer has gone:
 * that it tolerates on every transport, while its ipc listener (4.3.4) aborts on EMFILE.
 * The peer's libzmq tries again by itself, later and later.
 */
/* accept4, syscall. */
#define _GNU_SOURCE

#include "apps/belfryd/descriptors.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the scheduler holds for its threads, their sockets and its files, without the
 * endpoints; counted on Debian 12, with some room. */
#define OWN 64
/* For what it opens later: backups, a listener that libzmq makes anew, the log of a
 * database. */
#define SPARE 32
/* Fewer clients than this are not worth a start. */
#define CLIENTS 16

/* The first descriptor that no connection may have; 0 for no bound. Written once, before
 * there are other threads. */
static int bound;

/* Whether there are so many to be had now, whatever else the process has inherited. */
static bool
is_room_for (size_t count)
{
    int *held = calloc (count, sizeof *held);
    if (!held) {
        return false;
    }
    size_t got = 0;
    while (got < count && (held[got] = eventfd (0, EFD_CLOEXEC)) != -1) {
        got++;
    }
    for (size_t i = 0; i < got; i++) {
        close (held[i]);
    }
    free (held);
    return got == count;
}

bf_err
descriptors_prepare (size_t endpoints, bf_error *error)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit (RLIMIT_NOFILE, &limit);
    }
    size_t least = OWN + endpoints + SPARE + CLIENTS;
    if (!is_room_for (least)) {
        return bf_fail (
            error, BF_ELIMIT,
            "fewer than %zu more files can be opened, too few to serve anybody: "
            "raise the limit of open files (ulimit -n, LimitNOFILE=)",
            least);
    }
    if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < INT_MAX) {
        bound = (int)limit.rlim_cur - SPARE;
    }
    return BF_OK;
}

/* The kernel gives the lowest number that is free: one beyond the bound means that all
 * below it are taken. */
__attribute__ ((visibility ("default"))) int
accept4 (int listener, struct sockaddr *address, socklen_t *size, int flags)
{
    int fd = (int)syscall (SYS_accept4, listener, address, size, flags);
    if (fd >= 0 && bound > 0 && fd >= bound) {
        close (fd);
        errno = ECONNABORTED;
        fd = -1;
    }
    return fd;
}
