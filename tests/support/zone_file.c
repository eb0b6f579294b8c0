/* SPDX-License-Identifier: MPL-2.0
 *
 * Each change has a type of its own, and the time before them the first.
 */
#include "tests/support/zone_file.h"

#include <string.h>

#include "core/base/errors.h"

#define NAME_BYTES 4

void
zone_file_put (uint8_t *at, int64_t number, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        at[i] = (uint8_t)((uint64_t)number >> (8 * (n_bytes - 1 - i)));
    }
}

static void
append (zone_file *file, int64_t number, size_t n_bytes)
{
    BF_INVARIANT (file->size + n_bytes <= sizeof file->bytes);
    zone_file_put (file->bytes + file->size, number, n_bytes);
    file->size += n_bytes;
}

static void
append_text (zone_file *file, const char *text)
{
    for (; *text != '\0'; text++) {
        append (file, *text, 1);
    }
}

static void
append_header (zone_file *file, const zone_recipe *recipe)
{
    int64_t types = (int64_t)recipe->n_changes + 1;
    int64_t indicators = recipe->with_indicators ? types : 0;
    append_text (file, "TZif");
    append (file, recipe->version, 1);
    append (file, 0, 8);
    append (file, 0, 7);
    append (file, indicators, 4);
    append (file, indicators, 4);
    append (file, recipe->leaps, 4);
    append (file, (int64_t)recipe->n_changes, 4);
    append (file, types, 4);
    append (file, NAME_BYTES, 4);
}

static void
append_block (zone_file *file, const zone_recipe *recipe, size_t time_bytes)
{
    append_header (file, recipe);
    for (size_t i = 0; i < recipe->n_changes; i++) {
        append (file, recipe->changes_s[i], time_bytes);
    }
    for (size_t i = 0; i < recipe->n_changes; i++) {
        append (file, (int64_t)i + 1, 1);
    }
    for (size_t i = 0; i <= recipe->n_changes; i++) {
        append (file, recipe->offsets[i], 4);
        append (file, 0, 2);
    }
    append_text (file, "AAA");
    append (file, 0, 1);
    for (size_t i = 0; i < recipe->leaps; i++) {
        append (file, 0, time_bytes);
        append (file, 0, 4);
    }
    for (size_t i = 0; recipe->with_indicators && i <= recipe->n_changes; i++) {
        append (file, 0, 2);
    }
}

void
zone_file_make (const zone_recipe *recipe, zone_file *file)
{
    *file = (zone_file){0};
    if (recipe->version == '\0') {
        append_block (file, recipe, 4);
        return;
    }
    zone_recipe slim = {.version = recipe->version};
    append_block (file, recipe->fat ? recipe : &slim, 4);
    file->second = file->size;
    append_block (file, recipe, 8);
    append_text (file, "\n");
    append_text (file, recipe->footer != NULL ? recipe->footer : "");
    append_text (file, "\n");
}
