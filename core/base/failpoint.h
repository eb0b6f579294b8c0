/* SPDX-License-Identifier: MPL-2.0
 *
 * Named points where a test can kill the program, stop it, or have it fail. In what is
 * shipped there are none: the macro is BF_OK then, and nothing of the name is left. Only
 * the programs that tests/crash builds for itself define BF_FAILPOINTS, and only they have
 * a bf_failpoint (tests/crash/failpoint.c).
 *
 * A point stands where what is on the disk and what is in memory, or what others have been
 * told, are not the same:
 *
 *   rc = BF_FAILPOINT (after_commit_before_reply, error);
 */
#ifndef BF_BASE_FAILPOINT_H
#define BF_BASE_FAILPOINT_H

#include "core/base/errors.h"

#ifdef BF_FAILPOINTS
/* BF_OK, or BF_EIO with a sentence in *error (which may be NULL). Any thread. */
bf_err bf_failpoint (const char *name, bf_error *error);
#define BF_FAILPOINT(name, error) bf_failpoint ("failpoint:" #name, (error))
#else
#define BF_FAILPOINT(name, error) BF_OK
#endif

#endif
