/* SPDX-License-Identifier: MPL-2.0
 *
 * The data directory and the plain files in it: paths, and what an errno means to the
 * person who has to act on it. Used by persist/ only.
 */
#ifndef BF_PERSIST_DIRECTORY_H
#define BF_PERSIST_DIRECTORY_H

#include "core/base/errors.h"

/* Makes `directory` (0700) where it is missing, never its parents, and returns its absolute
 * path without symbolic links; the caller frees it. SQLite refuses links anywhere in a path
 * that it opens with NOFOLLOW, so a linked data directory is resolved here. */
bf_err bf_directory_make (const char *directory, char **real_path, bf_error *error);

/* Syncs the directory's own entries to disk. */
bf_err bf_directory_sync (const char *directory, bf_error *error);

/* "DIRECTORY/name" with `suffix` behind it; the caller frees it. NULL: out of memory. */
char *bf_directory_path (const char *directory, const char *name, const char *suffix);

/* Makes an empty file, 0600 whatever the umask, where there is none. */
bf_err bf_directory_touch (const char *path, bf_error *error);

/* Fills *error with "PATH: cannot FATE: REASON; ADVICE" for an errno: BF_EDISKFULL,
 * BF_ENOMEM or BF_EIO. */
bf_err bf_fail_errno (bf_error *error, const char *path, const char *fate, int number);

#endif
