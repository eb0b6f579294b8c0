/* SPDX-License-Identifier: MPL-2.0
 *
 * The one list of errors, turned into functions, and the end of a broken invariant. Called
 * from everywhere; calls nothing of ours.
 */
#include "core/base/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bf_err err;
    int wire;
    bool retryable;
    const char *name;
    const char *text;
} entry_t;

static const entry_t entries[] = {
#define X(name, value, wire, retryable, text) \
    {(bf_err)(value), (wire), (retryable), #name, (text)},
    BF_ERROR_MAP (X)
#undef X
};

static const entry_t *
find (bf_err err)
{
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (entries[i].err == err) {
            return &entries[i];
        }
    }
    return NULL;
}

const char *
bf_err_name (bf_err err)
{
    const entry_t *entry = find (err);
    return entry != NULL ? entry->name : "unknown";
}

const char *
bf_err_text (bf_err err)
{
    const entry_t *entry = find (err);
    return entry != NULL ? entry->text : "unknown error";
}

int
bf_err_wire (bf_err err)
{
    const entry_t *entry = find (err);
    return entry != NULL ? entry->wire : bf_err_wire (BF_EINTERNAL);
}

bool
bf_err_retryable (bf_err err)
{
    const entry_t *entry = find (err);
    return entry != NULL && entry->retryable;
}

/* One line, whatever was quoted in it. */
static void
flatten (char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f) {
            *text = ' ';
        }
    }
}

/* Drops the beginning of a character of UTF-8 that a cut has left at the end of a text that
 * is longer than any character. */
static void
drop_half_character (char *text, size_t length)
{
    size_t tail = 0; /* continuation bytes at the end */
    while (tail < 3 && ((unsigned char)text[length - tail - 1] & 0xc0) == 0x80) {
        tail++;
    }
    size_t at = length - tail - 1;
    unsigned char first = (unsigned char)text[at];
    size_t wants = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    if (tail < wants) {
        text[at] = '\0';
    }
}

bf_err
bf_fail (bf_error *error, bf_err code, const char *format, ...)
{
    if (error == NULL) {
        return code;
    }
    error->code = code;
    va_list arguments;
    va_start (arguments, format);
    int size = vsnprintf (error->text, sizeof error->text, format, arguments);
    va_end (arguments);
    if (size >= (int)sizeof error->text) {
        drop_half_character (error->text, sizeof error->text - 1);
    }
    flatten (error->text);
    return code;
}

bf_err
bf_fail_plain (bf_error *error, bf_err code)
{
    return bf_fail (error, code, "%s", bf_err_text (code));
}

void
bf_invariant_failed (const char *condition, const char *file, int line)
{
    fprintf (stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
    abort ();
}
