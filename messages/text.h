/* SPDX-License-Identifier: MPL-2.0
 *
 * What a string of the wire may hold: UTF-8, and mostly no control characters. Pure; for
 * messages/ only, the names that others need are in codec.h.
 */
#ifndef BF_MESSAGES_TEXT_H
#define BF_MESSAGES_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether control characters count as a flaw: U+0000..U+001F and U+007F. */
typedef enum { BF_CONTROL_REFUSED, BF_CONTROL_ALLOWED } bf_control;

/* Bytes before the first flaw; size where there is none. Not UTF-8 are overlong forms,
 * surrogates and what lies beyond U+10FFFF. */
size_t bf_text_flaw (const char *text, size_t size, bf_control control);

/* The longest length up to max_bytes that cuts no character in two. text is UTF-8. */
size_t bf_text_cut (const char *text, size_t size, size_t max_bytes);

#endif
