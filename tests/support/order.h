/* SPDX-License-Identifier: MPL-2.0
 *
 * A file of zeroes that a test and the program under test have mapped both: by it the test
 * tells the program what to do while it runs (tests/crash/failpoint.h, clock_shim.h).
 */
#ifndef BF_TESTS_ORDER_H
#define BF_TESTS_ORDER_H

#include <stddef.h>

/* Makes the file and maps it. What cannot be done fails the test. */
void *order_new (const char *path, size_t size);

/* Unmaps it; the file stays. Accepts NULL. */
void order_destroy (void *order, size_t size);

#endif
