/* SPDX-License-Identifier: MPL-2.0
 *
 * A hash map from a short byte string to a pointer. Numbers are keys by their bytes. Keys
 * are copied in, values are borrowed. Seeded, so that a peer who chooses keys cannot choose
 * collisions. Iteration order is not part of it, and nothing whose order can be seen may
 * depend on it.
 */
#ifndef BF_BASE_MAP_H
#define BF_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"

typedef struct bf_map bf_map;

/* NULL where there is no memory. */
bf_map *bf_map_new (uint64_t seed);
void bf_map_destroy (bf_map **self_p);

/* Adds or replaces. value must not be NULL. BF_ENOMEM leaves it as it was. */
bf_err bf_map_put (bf_map *self, const void *key, size_t size, void *value);
/* NULL where there is none. */
void *bf_map_get (const bf_map *self, const void *key, size_t size);
/* Returns what it removed, or NULL. */
void *bf_map_remove (bf_map *self, const void *key, size_t size);
size_t bf_map_count (const bf_map *self);

/* Visits every value, in any order: cursor starts at 0; NULL at the end. Only the value
 * just returned may be removed while it goes on. */
void *bf_map_each (const bf_map *self, size_t *cursor);

#endif
