/* SPDX-License-Identifier: MPL-2.0
 *
 * A bump allocator for everything that lives as long as one message or one batch: many
 * small pieces, freed together. It has a limit, so that bytes from a peer cannot grow it
 * without bound. Not thread-safe.
 */
#ifndef BF_BASE_ARENA_H
#define BF_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bf_arena bf_arena;

/* limit_bytes: what it may hold at once. NULL where there is no memory. */
bf_arena *bf_arena_new (size_t limit_bytes);
void bf_arena_destroy (bf_arena **self_p);

/* Zeroed and aligned for any type; NULL over the limit or out of memory. size 0 gives a
 * valid pointer. */
void *bf_arena_alloc (bf_arena *self, size_t size);

/* A copy with a NUL behind it. NULL as bf_arena_alloc; bytes may be NULL where size is 0.
 */
void *bf_arena_copy (bf_arena *self, const void *bytes, size_t size);
char *bf_arena_string (bf_arena *self, const char *text);

/* printf into the arena. NULL as bf_arena_alloc. */
__attribute__ ((format (printf, 2, 3))) char *bf_arena_printf (bf_arena *self,
                                                               const char *format, ...);

/* Another limit from now on; what is handed out already stays, also beyond it. */
void bf_arena_set_limit (bf_arena *self, size_t limit_bytes);

/* Whether it gave NULL since its last reset, or since its limit was set: tells a decoder
 * without memory from one with bad bytes. */
bool bf_arena_failed (const bf_arena *self);
/* Whether it was its limit that made it do so, and not the system. */
bool bf_arena_is_full (const bf_arena *self);

/* Forgets everything, keeps its first block. All pointers into it die. */
void bf_arena_reset (bf_arena *self);

/* Bytes handed out since the last reset. */
size_t bf_arena_used (const bf_arena *self);

#endif
