/* SPDX-License-Identifier: MPL-2.0
 *
 * A mount namespace of the test's own, so that it can have a small disk that really fills.
 */
#ifndef BF_TESTS_NAMESPACE_H
#define BF_TESTS_NAMESPACE_H

#include <stdbool.h>

/* Moves this process into one: as root, or as nobody in particular in a user namespace.
 * False, with errno, where that is not allowed. Take down what you mount: in a chroot it is
 * seen outside, too. */
bool namespace_enter (void);

#endif
