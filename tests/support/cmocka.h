/* SPDX-License-Identifier: MPL-2.0
 *
 * cmocka with the headers that it wants to see before itself.
 */
#ifndef BF_TESTS_CMOCKA_H
#define BF_TESTS_CMOCKA_H

/* clang-format off: cmocka.h has to be the last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#endif
