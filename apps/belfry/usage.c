/* SPDX-License-Identifier: MPL-2.0
 *
 * The help side of option tables.
 */
#include "apps/belfry/options.h"

#include <string.h>

#include "apps/belfry/words.h"

#define LINE_COLUMNS 80
#define HELP_COLUMN 26

void
bf_cli_wrap (FILE *out, const char *text, size_t indent, size_t column)
{
    while (*text) {
        size_t spaces = strspn (text, " ");
        size_t size = strcspn (text + spaces, " \n");
        if (column > indent && column + spaces + size > LINE_COLUMNS) {
            fputc ('\n', out);
            column = 0;
            text += spaces;
            spaces = 0;
        }
        if (column < indent) {
            fprintf (out, "%*s", (int)(indent - column), "");
            column = indent;
        }
        fwrite (text, 1, spaces + size, out);
        column += spaces + size;
        text += spaces + size;
        if (*text == '\n') {
            fputc ('\n', out);
            text++;
            column = 0;
            while (*text == '\n') {
                fputc ('\n', out);
                text++;
            }
        }
    }
    if (column > 0) {
        fputc ('\n', out);
    }
}

const char *
bf_cli_option_value (const bf_cli_option *option, char buffer[BF_CLI_VALUE_BYTES])
{
    size_t size = 0;
    snprintf (buffer, BF_CLI_VALUE_BYTES, "%s", option->value ? option->value : "");
    for (unsigned index = 0; option->words && index < option->words->n_values; index++) {
        char word[BF_CLI_WORD_BYTES];
        int value = option->words->values[index].value;
        if (value != 0) {
            snprintf (buffer + size, BF_CLI_VALUE_BYTES - size, "%s%s", size ? "|" : "",
                      bf_cli_word (option->words, value, word));
            size = strlen (buffer);
        }
    }
    return buffer;
}

void
bf_cli_options_print (FILE *out, const bf_cli_option *options)
{
    for (const bf_cli_option *option = options; option->name; option++) {
        char value[BF_CLI_VALUE_BYTES], letter[8] = "", help[1024];
        if (option->letter) {
            snprintf (letter, sizeof letter, "-%c, ", option->letter);
        }
        bf_cli_option_value (option, value);
        int column =
            fprintf (out, "  %s--%s%s%s", letter, option->name, *value ? " " : "", value);
        if (column + 2 > HELP_COLUMN) {
            fputc ('\n', out);
            column = 0;
        }
        snprintf (help, sizeof help, "%s%s", option->help,
                  option->required ? "; required" : "");
        bf_cli_wrap (out, help, HELP_COLUMN, (size_t)column);
    }
}
