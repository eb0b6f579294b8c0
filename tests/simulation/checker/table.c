/* SPDX-License-Identifier: MPL-2.0
 *
 * Open addressing over an array of entries that keeps the order of insertion. What is
 * removed leaves its entry empty; growing forgets the empty ones.
 */
#include "tests/simulation/checker/table.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More slots than entries by half. */
#define FIRST_SLOTS 64

typedef struct {
    uint64_t hash;
    void *key; /* NULL: the number is the key */
    uint64_t number_or_size;
    void *value; /* NULL: removed */
} entry;

struct table {
    entry *entries;
    size_t used; /* entries, removed ones included */
    size_t count;
    uint32_t *slots; /* index of an entry + 1, 0 for none */
    size_t slot_count;
};

void *
checker_alloc (size_t count, size_t size)
{
    void *memory = calloc (count ? count : 1, size);
    if (!memory) {
        fputs ("the checker is out of memory\n", stderr);
        abort ();
    }
    return memory;
}

void *
checker_grow (void *array, size_t count, size_t size)
{
    void *memory = realloc (array, count * size);
    if (!memory) {
        fputs ("the checker is out of memory\n", stderr);
        abort ();
    }
    return memory;
}

uint64_t
checker_hash (uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * UINT64_C (0x100000001b3);
    }
    return hash;
}

/* Numbers that grow by 256, as ids do, must not share their low bits. */
static uint64_t
hash_of_number (uint64_t number)
{
    number ^= number >> 32;
    number *= UINT64_C (0x9e3779b97f4a7c15);
    return number ^ (number >> 29);
}

table *
table_new (void)
{
    table *self = checker_alloc (1, sizeof *self);
    self->slot_count = FIRST_SLOTS;
    self->slots = checker_alloc (self->slot_count, sizeof *self->slots);
    self->entries = checker_alloc (FIRST_SLOTS / 2, sizeof *self->entries);
    return self;
}

void
table_destroy (table **self_p, void (*destroy) (void *value))
{
    table *self = *self_p;
    if (!self) {
        return;
    }
    for (size_t i = 0; i < self->used; i++) {
        if (self->entries[i].value && destroy) {
            destroy (self->entries[i].value);
        }
        free (self->entries[i].key);
    }
    free (self->entries);
    free (self->slots);
    free (self);
    *self_p = NULL;
}

size_t
table_count (const table *self)
{
    return self->count;
}

static bool
is_key (const entry *at, uint64_t hash, const void *key, uint64_t number_or_size)
{
    return at->hash == hash && at->number_or_size == number_or_size &&
           (at->key == NULL) == (key == NULL) &&
           (!key || memcmp (at->key, key, number_or_size) == 0);
}

static entry *
find (const table *self, uint64_t hash, const void *key, uint64_t number_or_size)
{
    size_t slot = hash & (self->slot_count - 1);
    while (self->slots[slot] != 0) {
        entry *at = &self->entries[self->slots[slot] - 1];
        if (is_key (at, hash, key, number_or_size)) {
            return at;
        }
        slot = (slot + 1) & (self->slot_count - 1);
    }
    return NULL;
}

static void
take_slot (table *self, size_t index)
{
    size_t slot = self->entries[index].hash & (self->slot_count - 1);
    while (self->slots[slot] != 0) {
        slot = (slot + 1) & (self->slot_count - 1);
    }
    self->slots[slot] = (uint32_t)(index + 1);
}

/* Room for one more. Walks stay valid only while nothing is put. */
static void
make_room (table *self)
{
    if (self->used < self->slot_count / 2) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < self->used; i++) {
        if (self->entries[i].value) {
            self->entries[kept++] = self->entries[i];
        } else {
            free (self->entries[i].key);
        }
    }
    self->used = kept;
    if (kept >= self->slot_count / 4) {
        self->slot_count *= 2;
    }
    self->entries =
        checker_grow (self->entries, self->slot_count / 2, sizeof *self->entries);
    free (self->slots);
    self->slots = checker_alloc (self->slot_count, sizeof *self->slots);
    for (size_t i = 0; i < kept; i++) {
        take_slot (self, i);
    }
}

static void
put (table *self, uint64_t hash, const void *key, uint64_t number_or_size, void *value)
{
    entry *at = find (self, hash, key, number_or_size);
    if (at) {
        self->count += at->value == NULL;
        at->value = value;
        return;
    }
    make_room (self);
    at = &self->entries[self->used];
    *at = (entry){.hash = hash, .number_or_size = number_or_size, .value = value};
    if (key) {
        at->key = checker_alloc (1, number_or_size ? number_or_size : 1);
        memcpy (at->key, key, number_or_size);
    }
    take_slot (self, self->used++);
    self->count++;
}

static void *
take (table *self, entry *at)
{
    void *value = at ? at->value : NULL;
    if (value) {
        at->value = NULL;
        self->count--;
    }
    return value;
}

void *
table_get (const table *self, const void *key, size_t size)
{
    entry *at = find (self, checker_hash (CHECKER_HASH, key, size), key, size);
    return at ? at->value : NULL;
}

void
table_put (table *self, const void *key, size_t size, void *value)
{
    put (self, checker_hash (CHECKER_HASH, key, size), key, size, value);
}

void *
table_remove (table *self, const void *key, size_t size)
{
    return take (self, find (self, checker_hash (CHECKER_HASH, key, size), key, size));
}

void *
table_get_number (const table *self, uint64_t key)
{
    entry *at = find (self, hash_of_number (key), NULL, key);
    return at ? at->value : NULL;
}

void
table_put_number (table *self, uint64_t key, void *value)
{
    put (self, hash_of_number (key), NULL, key, value);
}

void *
table_remove_number (table *self, uint64_t key)
{
    return take (self, find (self, hash_of_number (key), NULL, key));
}

void *
table_each (const table *self, size_t *cursor)
{
    while (*cursor < self->used) {
        void *value = self->entries[(*cursor)++].value;
        if (value) {
            return value;
        }
    }
    return NULL;
}
