/* SPDX-License-Identifier: MPL-2.0
 *
 * Hashes that are written down: their results are part of the wire and of stored rows, so
 * the constants never change.
 */
#include "core/base/hash.h"

#define FNV_OFFSET UINT64_C (0xcbf29ce484222325)
#define FNV_PRIME UINT64_C (0x100000001b3)

uint64_t
bf_hash (const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    uint64_t hash = FNV_OFFSET;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * FNV_PRIME;
    }
    return hash;
}

uint64_t
bf_mix (uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C (0x94d049bb133111eb);
    return value ^ (value >> 31);
}
