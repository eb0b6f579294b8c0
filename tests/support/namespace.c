/* SPDX-License-Identifier: MPL-2.0
 *
 * Entering a mount namespace.
 */
/* unshare */
#define _GNU_SOURCE

#include "tests/support/namespace.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>

bool
namespace_enter (void)
{
    if (unshare (CLONE_NEWNS) != 0 && unshare (CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return false;
    }
    /* In a chroot "/" is no mount, and so nothing that could be made private. */
    return mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 || errno == EINVAL;
}
