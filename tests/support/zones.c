/* SPDX-License-Identifier: MPL-2.0
 *
 * Made-up zones are TZif files of version 2 in memory (RFC 8536, 3), without a footer rule.
 */
#include "tests/support/zones.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/zone_file.h"

bf_zone *
zone_of_name (const char *name)
{
    static uint8_t bytes[BF_ZONE_BYTES];
    char path[128];
    snprintf (path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen (path, "rb");
    if (file == NULL) {
        return NULL;
    }
    size_t size = fread (bytes, 1, sizeof bytes, file);
    fclose (file);
    bf_zone *zone = NULL;
    bf_zone_read (bytes, size, &zone, NULL);
    return zone;
}

bf_zone *
zone_of_changes (const int64_t *changes_s, size_t n_changes, const int32_t *offsets)
{
    zone_recipe recipe = {.version = '2', .n_changes = n_changes};
    memcpy (recipe.changes_s, changes_s, n_changes * sizeof *changes_s);
    memcpy (recipe.offsets, offsets, (n_changes + 1) * sizeof *offsets);
    zone_file file;
    zone_file_make (&recipe, &file);
    bf_zone *zone = NULL;
    bf_zone_read (file.bytes, file.size, &zone, NULL);
    return zone;
}
