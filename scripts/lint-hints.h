/* SPDX-License-Identifier: MPL-2.0
 *
 * Read before each file by scripts/lint, and by nothing else. clang's analyzer does not
 * look into other files, so it takes into account that bf_fail returns BF_OK; here it
 * learns that what bf_fail returns is what it is given.
 */
#ifndef BF_LINT_HINTS_H
#define BF_LINT_HINTS_H

#include "core/base/errors.h"

#define bf_fail(error, code, ...) ((bf_fail)((error), (code), __VA_ARGS__), (code))
#define bf_fail_plain(error, code) ((bf_fail_plain)((error), (code)), (code))

#endif
