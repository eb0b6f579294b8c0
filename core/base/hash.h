/* SPDX-License-Identifier: MPL-2.0
 *
 * Hashes that are written down somewhere and so must never change.
 */
#ifndef BF_BASE_HASH_H
#define BF_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bit (Fowler, Noll, Vo): the payload_hash of the wire. Not a defence against
 * forgery. */
uint64_t bf_hash (const void *bytes, size_t size);

/* A bijective mix of 64 bits (the finaliser of SplitMix64, Steele et al. 2014): spreads ids
 * for jitter. */
uint64_t bf_mix (uint64_t value);

#endif
