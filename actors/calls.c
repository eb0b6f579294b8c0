/* SPDX-License-Identifier: MPL-2.0
 *
 * The gateway's calls in flight: two maps, calls by their number and peers by their routing
 * id, and the counts that the limits look at. Called by the gateway only.
 */
#include "actors/calls.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"

/* One peer, as long as it has a call in flight. */
typedef struct {
    size_t calls[BF_CALL_KINDS];
    size_t bytes[BF_CALL_KINDS];
    uint8_t id_size;
    uint8_t id[BF_PATH_FRAME_BYTES];
} peer_t;

/* A call with what it counts for, and the bytes that its path and strings point into. */
typedef struct {
    bf_call call;
    peer_t *peer;
    size_t bytes;
    uint8_t storage[];
} entry_t;

struct bf_calls {
    bf_calls_limits limits;
    bf_map *entries; /* by id */
    bf_map *peers;   /* by routing id */
    uint64_t last_id;
    size_t calls[BF_CALL_KINDS];
    size_t bytes[BF_CALL_KINDS];
};

bf_calls *
bf_calls_new (const bf_calls_limits *limits, uint64_t seed)
{
    bf_calls *self = calloc (1, sizeof *self);
    if (!self) {
        return NULL;
    }
    self->limits = *limits;
    self->entries = bf_map_new (seed);
    self->peers = bf_map_new (seed);
    if (self->entries == NULL || self->peers == NULL) {
        bf_calls_destroy (&self);
    }
    return self;
}

static void
free_all (bf_map **map_p)
{
    if (*map_p != NULL) {
        size_t cursor = 0;
        void *value;
        while ((value = bf_map_each (*map_p, &cursor)) != NULL) {
            free (value);
        }
    }
    bf_map_destroy (map_p);
}

void
bf_calls_destroy (bf_calls **self_p)
{
    if (*self_p != NULL) {
        free_all (&(*self_p)->entries);
        free_all (&(*self_p)->peers);
        free (*self_p);
        *self_p = NULL;
    }
}

/* The peer of this routing id, made where it is new. NULL without memory. */
static peer_t *
peer_of (bf_calls *self, const bf_path *path)
{
    peer_t *peer = bf_map_get (self->peers, path->bytes, path->sizes[0]);
    if (peer != NULL) {
        return peer;
    }
    peer = calloc (1, sizeof *peer);
    if (!peer) {
        return NULL;
    }
    peer->id_size = path->sizes[0];
    memcpy (peer->id, path->bytes, peer->id_size);
    if (bf_map_put (self->peers, peer->id, peer->id_size, peer) != BF_OK) {
        free (peer);
        return NULL;
    }
    return peer;
}

/* Forgets a peer that has nothing in flight. */
static void
peer_release (bf_calls *self, peer_t *peer)
{
    if (peer->calls[BF_CALL_COMMAND] + peer->calls[BF_CALL_CLAIM] == 0) {
        bf_map_remove (self->peers, peer->id, peer->id_size);
        free (peer);
    }
}

/* Whether one more would be one too many. */
static bool
is_full (const bf_calls *self, const peer_t *peer, bf_call_kind kind, size_t bytes)
{
    const bf_calls_limits *limits = &self->limits;
    return self->calls[kind] >= limits->calls[kind] ||
           peer->calls[kind] >= limits->peer_calls[kind] ||
           bytes > limits->bytes - self->bytes[kind] ||
           bytes > limits->peer_bytes - peer->bytes[kind];
}

/* Copies path and strings into one block. NULL without memory. */
static entry_t *
entry_new (const bf_path *path, const char *client, const char *request_id)
{
    size_t path_bytes = 0;
    for (size_t index = 0; index < path->count; index++) {
        path_bytes += path->sizes[index];
    }
    size_t client_bytes = strlen (client) + 1;
    size_t request_id_bytes = strlen (request_id) + 1;
    entry_t *entry =
        calloc (1, sizeof *entry + path_bytes + client_bytes + request_id_bytes);
    if (!entry) {
        return NULL;
    }
    uint8_t *copy = entry->storage;
    entry->call.path = *path;
    entry->call.path.bytes = memcpy (copy, path->bytes, path_bytes);
    copy += path_bytes;
    entry->call.client = memcpy (copy, client, client_bytes);
    copy += client_bytes;
    entry->call.request_id = memcpy (copy, request_id, request_id_bytes);
    return entry;
}

bf_err
bf_calls_add (bf_calls *self, bf_call_kind kind, const bf_path *path, const char *client,
              const char *request_id, size_t request_bytes, uint64_t *id)
{
    BF_INVARIANT (path->count > 0 && path->count <= BF_PATH_FRAMES);
    peer_t *peer = peer_of (self, path);
    if (!peer) {
        return BF_ENOMEM;
    }
    if (is_full (self, peer, kind, request_bytes)) {
        peer_release (self, peer);
        return BF_EBUSY;
    }
    entry_t *entry = entry_new (path, client, request_id);
    uint64_t next_id = self->last_id + 1;
    if (entry == NULL ||
        bf_map_put (self->entries, &next_id, sizeof next_id, entry) != BF_OK) {
        free (entry);
        peer_release (self, peer);
        return BF_ENOMEM;
    }
    self->last_id = next_id;
    entry->call.id = next_id;
    entry->call.kind = kind;
    entry->peer = peer;
    entry->bytes = request_bytes;
    self->calls[kind]++;
    self->bytes[kind] += request_bytes;
    peer->calls[kind]++;
    peer->bytes[kind] += request_bytes;
    *id = next_id;
    return BF_OK;
}

const bf_call *
bf_calls_find (const bf_calls *self, uint64_t id)
{
    const entry_t *entry = bf_map_get (self->entries, &id, sizeof id);
    return entry != NULL ? &entry->call : NULL;
}

void
bf_calls_remove (bf_calls *self, uint64_t id)
{
    entry_t *entry = bf_map_remove (self->entries, &id, sizeof id);
    if (!entry) {
        return;
    }
    bf_call_kind kind = entry->call.kind;
    self->calls[kind]--;
    self->bytes[kind] -= entry->bytes;
    entry->peer->calls[kind]--;
    entry->peer->bytes[kind] -= entry->bytes;
    peer_release (self, entry->peer);
    free (entry);
}

size_t
bf_calls_count (const bf_calls *self, bf_call_kind kind)
{
    return self->calls[kind];
}

size_t
bf_calls_peers (const bf_calls *self)
{
    return bf_map_count (self->peers);
}
