/* SPDX-License-Identifier: MPL-2.0
 *
 * TZif files put together in memory (RFC 8536, 3), right ones and such as no zic makes.
 */
#ifndef BF_TESTS_ZONE_FILE_H
#define BF_TESTS_ZONE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_FILE_CHANGES 64
#define ZONE_FILE_BYTES 4096

/* Names are "AAA" for every type. */
typedef struct {
    char version;         /* '\0' is the first; '2', '3', '4' */
    bool fat;             /* the 32-bit block says all of it, too, not next to nothing */
    bool with_indicators; /* of standard or wall, UT or local time; all 0 */
    uint32_t leaps;       /* leap seconds, of 0 s */
    const char *footer;   /* from version 2 on; NULL is an empty one */
    size_t n_changes;
    int64_t changes_s[ZONE_FILE_CHANGES];
    int32_t offsets[ZONE_FILE_CHANGES + 1]; /* before the first change, after it, … */
} zone_recipe;

typedef struct {
    size_t size;
    uint8_t bytes[ZONE_FILE_BYTES];
    size_t second; /* where the block that counts begins: 0 in version 1 */
} zone_file;

void zone_file_make (const zone_recipe *recipe, zone_file *file);

/* Writes a number into so many bytes, big-endian. */
void zone_file_put (uint8_t *at, int64_t number, size_t n_bytes);

#endif
