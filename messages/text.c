/* SPDX-License-Identifier: MPL-2.0
 *
 * Names, texts and UTF-8, judged by their bytes. The well-formed sequences are those of
 * table 3-7 of the Unicode standard.
 */
#include "messages/text.h"

#include <string.h>

#include "messages/codec.h"
#include "messages/limits.h"

static bool
is_continuation (unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the character that begins here; 0 where it is not UTF-8. */
static size_t
character_bytes (const unsigned char *text, size_t left)
{
    unsigned char first = text[0];
    if (first < 0x80) {
        return 1;
    }
    size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || size > left) {
        return 0;
    }
    /* The second byte keeps out overlong forms, surrogates and what is too high. */
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if (!is_continuation (text[i])) {
            return 0;
        }
    }
    return size;
}

size_t
bf_text_flaw (const char *text, size_t size, bf_control control)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while (at < size) {
        unsigned char byte = bytes[at];
        if (control == BF_CONTROL_REFUSED && (byte < 0x20 || byte == 0x7f)) {
            return at;
        }
        size_t step = character_bytes (bytes + at, size - at);
        if (step == 0) {
            return at;
        }
        at += step;
    }
    return size;
}

size_t
bf_text_cut (const char *text, size_t size, size_t max_bytes)
{
    if (size <= max_bytes) {
        return size;
    }
    size_t length = max_bytes;
    while (length > 0 && is_continuation ((unsigned char)text[length])) {
        length--;
    }
    return length;
}

bool
bf_name_is_valid (const char *name)
{
    if (name == NULL) {
        return false;
    }
    size_t size = 0;
    for (; name[size] != '\0'; size++) {
        char c = name[size];
        bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
        if (!allowed || size == BF_NAME_BYTES) {
            return false;
        }
    }
    return size > 0;
}

bool
bf_text_is_valid (const char *text, size_t max_bytes)
{
    if (text == NULL) {
        return false;
    }
    size_t size = strlen (text);
    return size > 0 && size <= max_bytes &&
           bf_text_flaw (text, size, BF_CONTROL_REFUSED) == size;
}
