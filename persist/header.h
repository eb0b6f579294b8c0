/* SPDX-License-Identifier: MPL-2.0
 *
 * The first 100 bytes of belfry.db, judged before SQLite sees the file. Used by
 * persist/ only.
 */
#ifndef BF_PERSIST_HEADER_H
#define BF_PERSIST_HEADER_H

#include "core/base/errors.h"

/* Reads and closes the file at `path`, which must not be open anywhere in this process: the
 * close drops every POSIX lock that the process has on it. BF_OK: missing, empty or ours.
 * BF_EFOREIGN, BF_ENEWER (above known_version), BF_ECORRUPT, BF_EIO otherwise. Changes
 * nothing on disk. */
bf_err bf_header_check (const char *path, int known_version, bf_error *error);

#endif
