/* SPDX-License-Identifier: MPL-2.0
 *
 * What the callers of a crowd ask for, as lines of text (tests/support/request.h).
 */
#ifndef BF_SOAK_WISHES_H
#define BF_SOAK_WISHES_H

#include "tests/soak/crowd.h"

/* The next call of this caller, in the crowd's arena; NULL for none now. */
const char *wish_next (crowd *self, caller *who);

#endif
