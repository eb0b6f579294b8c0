/* SPDX-License-Identifier: MPL-2.0
 *
 * Aligned columns. A listing of many pages is printed page by page, so that memory stays
 * bounded; columns only grow.
 */
#include "apps/belfry/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/errors.h"

void
bf_cli_table_cell (bf_cli_table *self, const char *format, ...)
{
    if (!self->stream) {
        self->stream = open_memstream (&self->cells, &self->bytes);
        self->count = 0;
        if (!self->stream) {
            return;
        }
    }
    va_list arguments;
    va_start (arguments, format);
    vfprintf (self->stream, format, arguments);
    va_end (arguments);
    fputc ('\0', self->stream);
    self->count++;
}

static const char *
shown (const char *cell)
{
    return *cell ? cell : "-";
}

/* Width as bf_cli_text_put prints it: a character for each byte that begins one. */
static size_t
width_of (const char *cell)
{
    size_t width = 0;
    for (; *cell; cell++) {
        width += ((unsigned char)*cell & 0xc0) != 0x80;
    }
    return width;
}

static void
put_cell (const bf_cli_table *self, FILE *out, size_t column, const char *cell)
{
    size_t width = bf_cli_text_put (out, shown (cell));
    if (column + 1 == self->columns) {
        fputc ('\n', out);
    } else {
        size_t gap = self->widths[column] > width ? self->widths[column] - width : 0;
        fprintf (out, "%*s", (int)gap + 2, "");
    }
}

static void
widen (bf_cli_table *self, size_t column, const char *cell)
{
    size_t width = width_of (shown (cell));
    if (width > self->widths[column]) {
        self->widths[column] = width;
    }
}

bool
bf_cli_table_print (bf_cli_table *self, FILE *out)
{
    BF_INVARIANT (self->columns > 0 && self->columns <= BF_CLI_TABLE_COLUMNS);
    if (!self->stream) {
        return true;
    }
    bool failed = ferror (self->stream) != 0;
    failed = fclose (self->stream) != 0 || failed;
    self->stream = NULL;
    if (!failed) {
        const char *cell = self->cells;
        for (size_t column = 0; column < self->columns && !self->headed; column++) {
            widen (self, column, self->heads[column]);
        }
        for (size_t index = 0; index < self->count; index++, cell += strlen (cell) + 1) {
            widen (self, index % self->columns, cell);
        }
        for (size_t column = 0; column < self->columns && !self->headed; column++) {
            put_cell (self, out, column, self->heads[column]);
        }
        self->headed = true;
        cell = self->cells;
        for (size_t index = 0; index < self->count; index++, cell += strlen (cell) + 1) {
            put_cell (self, out, index % self->columns, cell);
        }
    }
    free (self->cells);
    self->cells = NULL;
    return !failed;
}
