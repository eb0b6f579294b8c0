/* SPDX-License-Identifier: MPL-2.0
 *
 * How others find the daemon: one line on stdout, and the same line in DATA/endpoints,
 * where `belfry` looks.
 */
#ifndef BF_BELFRYD_READY_H
#define BF_BELFRYD_READY_H

#include "core/base/errors.h"

/* endpoints: "commands=… feed=… monitor=…". BF_EIO where the file cannot be written. */
bf_err ready_announce (const char *data, const char *endpoints, bf_error *error);

/* Removes the file: before the stop, so that a successor's is never hit. */
void ready_withdraw (const char *data);

#endif
