/* SPDX-License-Identifier: MPL-2.0
 *
 * Numbered steps from any older version of the tables to today's, behind a copy of the
 * file as it was. Used by persist/database.c only.
 */
#ifndef BF_PERSIST_MIGRATE_H
#define BF_PERSIST_MIGRATE_H

#include "core/base/errors.h"
#include "persist/database.h"

/* steps[n] leads from user_version n to n + 1; each is one or more SQL statements, none of
 * them BEGIN, COMMIT or ROLLBACK. */
struct bf_schema {
    const char *const *steps;
    int version; /* how many steps there are */
};

/* Runs the steps from version `from` (0: an empty file) in one transaction, which also sets
 * application_id and user_version. A database that has tables already is first copied to
 * DIRECTORY/belfry.db.vFROM.backup, or, where that exists, beside it with a number; with
 * directory NULL it is not. On an error tables and version are what they were, and the copy
 * is gone again, unless the disk failed in the COMMIT, whose outcome the next start tells.
 * PRAGMA foreign_keys must be off: steps may rebuild tables; what they leave is checked. */
bf_err bf_migrate (bf_database *db, const bf_schema *schema, int from,
                   const char *directory, bf_error *error);

#endif
