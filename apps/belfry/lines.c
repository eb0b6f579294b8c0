/* SPDX-License-Identifier: MPL-2.0
 *
 * The words of a line.
 */
#include "apps/belfry/lines.h"

#include <stdlib.h>
#include <string.h>

static bool
is_blank (char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n';
}

/* Takes the next word, unquoted, to where it begins; *line moves behind it. NULL where a
 * quote is not closed. */
static char *
take_word (char **line)
{
    char *word = *line;
    char *from = *line;
    char *to = *line;
    char quote = 0;
    for (; *from && (quote || !is_blank (*from)); from++) {
        if (*from == quote) {
            quote = 0;
        } else if (!quote && (*from == '\'' || *from == '"')) {
            quote = *from;
        } else if (*from == '\\' && from[1] &&
                   (!quote || (quote == '"' && (from[1] == '"' || from[1] == '\\')))) {
            *to++ = *++from;
        } else {
            *to++ = *from;
        }
    }
    if (quote) {
        return NULL;
    }
    *line = *from ? from + 1 : from;
    *to = '\0';
    return word;
}

bf_err
bf_cli_line_split (char *line, bf_cli_texts *words, bf_error *error)
{
    /* Every word has at least one letter of its own, and a blank behind it. */
    words->items = calloc (strlen (line) / 2 + 2, sizeof *words->items);
    if (!words->items) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    for (;;) {
        while (is_blank (*line)) {
            line++;
        }
        if (*line == '\0' || (words->count == 0 && *line == '#')) {
            return BF_OK;
        }
        char *word = take_word (&line);
        if (!word) {
            return bf_fail (error, BF_EINVALID, "a quote is not closed");
        }
        words->items[words->count++] = word;
    }
}
