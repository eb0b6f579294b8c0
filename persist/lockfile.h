/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry.lock: who owns the data directory. Used by persist/ only.
 */
#ifndef BF_PERSIST_LOCKFILE_H
#define BF_PERSIST_LOCKFILE_H

#include "core/base/errors.h"

#define BF_NO_LOCKFILE (-1)

/* Takes the lock and keeps its file open in *fd. BF_ELOCKED: somebody else has it; the text
 * names the directory and, where it can be read, the process. */
bf_err bf_lockfile_take (int *fd, const char *directory, bf_error *error);

/* Gives the lock back and sets *fd to BF_NO_LOCKFILE, which it also accepts. */
void bf_lockfile_release (int *fd);

#endif
