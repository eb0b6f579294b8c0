/* SPDX-License-Identifier: MPL-2.0
 *
 * Open descriptors: every client is one, and libzmq, which has no limit of connections,
 * ends the process in several places where there are none left. So the program does not
 * start with too few, and takes no connection that would leave itself without.
 */
#ifndef BF_BELFRYD_DESCRIPTORS_H
#define BF_BELFRYD_DESCRIPTORS_H

#include <stddef.h>

#include "core/base/errors.h"

/* Raises the limit as far as it goes, and sees whether that is enough for so many
 * endpoints: BF_ELIMIT. Then bounds the connections. Before the first other thread. */
bf_err descriptors_prepare (size_t endpoints, bf_error *error);

#endif
