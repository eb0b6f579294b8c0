/* SPDX-License-Identifier: MPL-2.0
 *
 * Reading UTF-8 that others wrote: what is a character, and which may be shown.
 */
#ifndef BF_CLI_UTF8_H
#define BF_CLI_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads one character. Returns its bytes, or 0 where there is none: no bytes left, an
 * overlong form, a surrogate, over U+10FFFF, cut off. */
size_t bf_cli_utf8_next (const uint8_t *bytes, size_t size, uint32_t *character);

/* C0, DEL, C1, and the characters that turn the direction of what follows: a terminal would
 * obey them. */
bool bf_cli_utf8_is_control (uint32_t character);

/* Whether all of it is UTF-8 without NUL. True for nothing. */
bool bf_cli_utf8_is_text (const uint8_t *bytes, size_t size);

/* Whether it may stand in a line of output as it is: text without control characters. */
bool bf_cli_utf8_is_printable (const uint8_t *bytes, size_t size);

#endif
