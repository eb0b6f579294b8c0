/* SPDX-License-Identifier: MPL-2.0
 *
 * A hash table of pointers for the checker: keys are bytes or a number, order is that of
 * insertion, so that a walk is the same at every replay. Out of memory ends the process.
 */
#ifndef BF_SIMULATION_CHECKER_TABLE_H
#define BF_SIMULATION_CHECKER_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct table table;

table *table_new (void);
/* `destroy` (may be NULL) is called for each value. Accepts NULL. */
void table_destroy (table **self_p, void (*destroy) (void *value));

size_t table_count (const table *self);
/* NULL for none. */
void *table_get (const table *self, const void *key, size_t size);
/* Copies the key; value is not NULL; a value that was there is forgotten. */
void table_put (table *self, const void *key, size_t size, void *value);
/* What was there, or NULL. */
void *table_remove (table *self, const void *key, size_t size);

void *table_get_number (const table *self, uint64_t key);
void table_put_number (table *self, uint64_t key, void *value);
void *table_remove_number (table *self, uint64_t key);

/* Walks from *cursor = 0 to NULL, in order of insertion. Removing while walking is allowed,
 * putting is not. */
void *table_each (const table *self, size_t *cursor);

/* Zeroed memory, or the end of the process. */
void *checker_alloc (size_t count, size_t size);
/* A longer array; the new part is not cleared. */
void *checker_grow (void *array, size_t count, size_t size);

/* FNV-1a, 64 bits; `hash` goes on from an earlier one, or is CHECKER_HASH. */
#define CHECKER_HASH UINT64_C (0xcbf29ce484222325)
uint64_t checker_hash (uint64_t hash, const void *bytes, size_t size);

#endif
