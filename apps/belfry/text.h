/* SPDX-License-Identifier: MPL-2.0
 *
 * Output for people: times, durations, tables, and bytes that others wrote, made safe for a
 * terminal. Knows no message of the wire.
 */
#ifndef BF_CLI_TEXT_H
#define BF_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Text in one line: what is a control character or no UTF-8 becomes '?'. Returns its width
 * in characters. NULL prints nothing. */
size_t bf_cli_text_put (FILE *out, const char *text);

/* As it is where it is printable in one line, else "hex:" and hex digits; so is text that
 * itself begins with "hex:". */
void bf_cli_payload_put (FILE *out, const uint8_t *bytes, size_t size);

/* "2026-11-23T13:05:46.120Z": always with milliseconds, cut, so that lines align. Returns
 * buffer. */
#define BF_CLI_TIME_BYTES 48
char *bf_cli_time (int64_t us, char buffer[BF_CLI_TIME_BYTES]);

/* A duration as far as a person wants to know it, cut to its two greatest units: "3m12s",
 * "2d4h", "1.25s", "12.3ms", "40us". Returns buffer. */
#define BF_CLI_BRIEF_BYTES 64
char *bf_cli_brief (int64_t us, char buffer[BF_CLI_BRIEF_BYTES]);

/* From one instant, or count, to another, held inside the range of int64: both may be of
 * the wire. */
int64_t bf_cli_between (int64_t from_us, int64_t to_us);

/* "in 3m12s", "3m12s ago", "now". Returns buffer. */
char *bf_cli_relative (int64_t from_now_us, char buffer[BF_CLI_BRIEF_BYTES]);

/* "event" or "events". */
const char *bf_cli_counted (uint64_t count, const char *one, const char *many);

/* Columns as wide as their widest cell. Zero-initialise but for heads and columns. */
#define BF_CLI_TABLE_COLUMNS 12

typedef struct {
    const char *const *heads;
    size_t columns;
    size_t widths[BF_CLI_TABLE_COLUMNS]; /* in characters, of everything printed so far */
    bool headed;                         /* the heads are printed */
    FILE *stream;                        /* collects the cells, each ended by a NUL */
    char *cells;
    size_t bytes;
    size_t count;
} bf_cli_table;

/* The next cell, row by row. An empty one is printed as "-". */
__attribute__ ((format (printf, 2, 3))) void bf_cli_table_cell (bf_cli_table *self,
                                                                const char *format, ...);

/* Prints the rows collected since the last time, the heads before the first of all, and
 * forgets them. False without memory. */
bool bf_cli_table_print (bf_cli_table *self, FILE *out);

#endif
