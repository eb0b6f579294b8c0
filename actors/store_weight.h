/* SPDX-License-Identifier: MPL-2.0
 *
 * How much of a batch's time an item of the store takes, in commands of the usual size.
 */
#ifndef BF_ACTORS_STORE_WEIGHT_H
#define BF_ACTORS_STORE_WEIGHT_H

#include <stddef.h>

#include "internal.pb-c.h"

size_t bf_store_weight (const Belfry__Internal__StoreItem *item);

#endif
