/* SPDX-License-Identifier: MPL-2.0
 *
 * How a connection is set: every switch, limit and PRAGMA, in one place. Used by
 * persist/database.c only.
 */
#ifndef BF_PERSIST_SETUP_H
#define BF_PERSIST_SETUP_H

#include "core/base/errors.h"
#include "persist/database.h"

/* Before the first access: defences, limits, locking, caches. Takes the lock and reads the
 * schema; writes nothing. */
bf_err bf_setup_connection (bf_database *db, bf_error *error);

/* Once the file was judged to be ours: how it is laid out and synced. Still writes nothing.
 */
bf_err bf_setup_storage (bf_database *db, bf_error *error);

/* Switches to the write-ahead log; a file that has none yet is written to. */
bf_err bf_setup_wal (bf_database *db, bf_error *error);

/* The last of it: foreign keys on, no more waiting for locks. */
bf_err bf_setup_finish (bf_database *db, bf_error *error);

#endif
