/* SPDX-License-Identifier: MPL-2.0
 *
 * A backup takes the place of a database, or of none: examined first, copied, given a
 * stream_epoch of its own, so that subscribers notice that the history is another one, and
 * put there in such an order that a crash at any moment leaves the old one, the new one, or
 * a directory that belfryd refuses. The offline verb `belfry restore` is its caller.
 */
#ifndef BF_PERSIST_RESTORE_H
#define BF_PERSIST_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/check/check.h"

typedef struct {
    uint64_t stream_epoch; /* the new one; not 0 */
    bool force;            /* move a database that is there aside */
    bf_check_watch watch;  /* of the check, and of the copying (phase "copy", bytes) */
} bf_restore_options;

/* Restores the backup `file` into `directory`, which is made where it is missing. *backup:
 * what the check said of it. *aside: where the old database is now, or was left by a
 * restore that was cut off before its log followed it, also after an error; the caller's to
 * free; NULL where there was none. Errors: BF_ELOCKED (a daemon runs), BF_ESTATE (there is
 * a database and no force), BF_ECORRUPT (the backup has findings), those of bf_check for
 * the file, BF_EDISKFULL, BF_EIO. */
bf_err bf_restore (const char *file, const char *directory,
                   const bf_restore_options *options, bf_check_summary *backup,
                   char **aside, bf_error *error);

#endif
