/* SPDX-License-Identifier: MPL-2.0
 *
 * The decoder follows the table of RFC 3629, section 4.
 */
#include "apps/belfry/utf8.h"

size_t
bf_cli_utf8_next (const uint8_t *bytes, size_t size, uint32_t *character)
{
    if (size == 0) {
        return 0;
    }
    uint8_t lead = bytes[0];
    if (lead < 0x80) {
        *character = lead;
        return 1;
    }
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || size < length) {
        return 0;
    }
    uint32_t value = lead & (0xffU >> (length + 1));
    for (size_t index = 1; index < length; index++) {
        if ((bytes[index] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (bytes[index] & 0x3fU);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *character = value;
    return length;
}

bool
bf_cli_utf8_is_control (uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

static bool
is_made_of (const uint8_t *bytes, size_t size, bool controls)
{
    for (size_t at = 0; at < size;) {
        uint32_t character = 0;
        size_t used = bf_cli_utf8_next (bytes + at, size - at, &character);
        if (used == 0 || character == 0 ||
            (!controls && bf_cli_utf8_is_control (character))) {
            return false;
        }
        at += used;
    }
    return true;
}

bool
bf_cli_utf8_is_text (const uint8_t *bytes, size_t size)
{
    return is_made_of (bytes, size, true);
}

bool
bf_cli_utf8_is_printable (const uint8_t *bytes, size_t size)
{
    return is_made_of (bytes, size, false);
}
