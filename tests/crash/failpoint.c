/* SPDX-License-Identifier: MPL-2.0
 *
 * What a failpoint does in the programs that are built with them. Without an order, and
 * where the order is for another point, nothing.
 */
#include "core/base/failpoint.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/crash/failpoint.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static failpoint_order *order;

/* A test that names a file which cannot be mapped must not pass by doing nothing. */
static void
map_order (void)
{
    const char *path = getenv (FAILPOINT_VARIABLE);
    if (!path || !*path) {
        return;
    }
    int fd = open (path, O_RDWR | O_CLOEXEC);
    void *mapped =
        fd < 0 ? MAP_FAILED
               : mmap (NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    BF_INVARIANT (mapped != MAP_FAILED);
    close (fd);
    order = mapped;
}

bf_err
bf_failpoint (const char *name, bf_error *error)
{
    pthread_once (&once, map_order);
    if (!order || !atomic_load (&order->armed) ||
        strcmp (name + strlen ("failpoint:"), order->name) != 0) {
        return BF_OK;
    }
    if (atomic_fetch_sub (&order->left, 1) > 0) {
        return BF_OK;
    }
    atomic_store (&order->armed, 0);
    switch ((failpoint_action)order->action) {
    case FAILPOINT_KILL:
        (void)kill (getpid (), SIGKILL);
        for (;;) {
            /* Nothing may happen between the signal and the end. */
            (void)pause ();
        }
    case FAILPOINT_STOP:
        (void)kill (getpid (), SIGSTOP);
        return BF_OK;
    case FAILPOINT_ERROR:
        break;
    }
    return bf_fail (error, BF_EIO, "%s", name);
}
