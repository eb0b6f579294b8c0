/* SPDX-License-Identifier: MPL-2.0
 *
 * A hash map with open addressing: an array of slots, searched one after the other from
 * where the hash points. What is removed leaves a grave, so that nothing moves while
 * somebody iterates; graves go when the array is rebuilt, which only a put does.
 */
#include "core/base/map.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"

/* A power of two; rebuilt when three quarters are taken. */
#define FIRST_CAPACITY 16

typedef struct {
    void *value;
    size_t size;
    unsigned char key[];
} entry_t;

typedef struct {
    uint64_t hash;
    entry_t *entry; /* NULL: never used; &grave: was used */
} slot_t;

struct bf_map {
    uint64_t seed;
    slot_t *slots;
    size_t capacity;
    size_t count; /* entries */
    size_t taken; /* entries and graves */
};

static entry_t grave;

bf_map *
bf_map_new (uint64_t seed)
{
    bf_map *self = malloc (sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    *self = (bf_map){.seed = seed, .capacity = FIRST_CAPACITY};
    self->slots = calloc (self->capacity, sizeof (slot_t));
    if (self->slots == NULL) {
        free (self);
        return NULL;
    }
    return self;
}

void
bf_map_destroy (bf_map **self_p)
{
    bf_map *self = *self_p;
    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->capacity; i++) {
        if (self->slots[i].entry != &grave) {
            free (self->slots[i].entry);
        }
    }
    free (self->slots);
    free (self);
    *self_p = NULL;
}

/* Eight bytes a step; the seed decides how the steps fold, so that keys which collide under
 * one seed do not under another. */
static uint64_t
hash_of (const bf_map *self, const void *key, size_t size)
{
    const unsigned char *byte = key;
    uint64_t hash = bf_mix (self->seed ^ (uint64_t)size);
    while (size > 0) {
        uint64_t word = 0;
        size_t length = size < sizeof word ? size : sizeof word;
        memcpy (&word, byte, length);
        hash = bf_mix (hash ^ word) + self->seed;
        byte += length;
        size -= length;
    }
    return bf_mix (hash);
}

static slot_t *
find (const bf_map *self, uint64_t hash, const void *key, size_t size)
{
    size_t mask = self->capacity - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        slot_t *slot = &self->slots[i];
        if (slot->entry == NULL) {
            return NULL;
        }
        if (slot->entry != &grave && slot->hash == hash && slot->entry->size == size &&
            (size == 0 || memcmp (slot->entry->key, key, size) == 0)) {
            return slot;
        }
    }
}

static void
insert (slot_t *slots, size_t capacity, uint64_t hash, entry_t *entry)
{
    size_t i = (size_t)hash & (capacity - 1);
    while (slots[i].entry != NULL) {
        i = (i + 1) & (capacity - 1);
    }
    slots[i] = (slot_t){.hash = hash, .entry = entry};
}

/* Room for one more; at least half of the array is free afterwards. */
static bf_err
rebuild (bf_map *self)
{
    size_t capacity = FIRST_CAPACITY;
    while (capacity / 2 < self->count + 1) {
        capacity *= 2;
    }
    slot_t *slots = calloc (capacity, sizeof *slots);
    if (slots == NULL) {
        return BF_ENOMEM;
    }
    for (size_t i = 0; i < self->capacity; i++) {
        if (self->slots[i].entry != NULL && self->slots[i].entry != &grave) {
            insert (slots, capacity, self->slots[i].hash, self->slots[i].entry);
        }
    }
    free (self->slots);
    self->slots = slots;
    self->capacity = capacity;
    self->taken = self->count;
    return BF_OK;
}

bf_err
bf_map_put (bf_map *self, const void *key, size_t size, void *value)
{
    BF_INVARIANT (value != NULL);
    uint64_t hash = hash_of (self, key, size);
    slot_t *slot = find (self, hash, key, size);
    if (slot != NULL) {
        slot->entry->value = value;
        return BF_OK;
    }
    entry_t *entry = malloc (sizeof *entry + size);
    if (entry == NULL) {
        return BF_ENOMEM;
    }
    if (self->taken + 1 > self->capacity / 4 * 3 && rebuild (self) != BF_OK) {
        free (entry);
        return BF_ENOMEM;
    }
    entry->value = value;
    entry->size = size;
    if (size > 0) {
        memcpy (entry->key, key, size);
    }
    insert (self->slots, self->capacity, hash, entry);
    self->count++;
    self->taken++;
    return BF_OK;
}

void *
bf_map_get (const bf_map *self, const void *key, size_t size)
{
    const slot_t *slot = find (self, hash_of (self, key, size), key, size);
    return slot != NULL ? slot->entry->value : NULL;
}

void *
bf_map_remove (bf_map *self, const void *key, size_t size)
{
    slot_t *slot = find (self, hash_of (self, key, size), key, size);
    if (slot == NULL) {
        return NULL;
    }
    void *value = slot->entry->value;
    free (slot->entry);
    slot->entry = &grave;
    self->count--;
    return value;
}

size_t
bf_map_count (const bf_map *self)
{
    return self->count;
}

void *
bf_map_each (const bf_map *self, size_t *cursor)
{
    while (*cursor < self->capacity) {
        const slot_t *slot = &self->slots[(*cursor)++];
        if (slot->entry != NULL && slot->entry != &grave) {
            return slot->entry->value;
        }
    }
    return NULL;
}
