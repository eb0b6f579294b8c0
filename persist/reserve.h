/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry.reserve: space that is kept so that it can be given up. Used by
 * persist/database.c only.
 */
#ifndef BF_PERSIST_RESERVE_H
#define BF_PERSIST_RESERVE_H

#include <stddef.h>

#include "core/base/errors.h"

/* Makes sure that the file at `path` has real blocks for `bytes`. On an error no file is
 * left: BF_EDISKFULL, BF_EIO. */
bf_err bf_reserve_make (const char *path, size_t bytes, bf_error *error);

/* Gives the space back. */
void bf_reserve_remove (const char *path);

#endif
