/* SPDX-License-Identifier: MPL-2.0
 *
 * Lines of commands, split into words as a shell would: blanks and tabs between words,
 * '…' as it is, "…" with \" and \\, \ before any other character for itself. No variables,
 * no patterns. Pure.
 */
#ifndef BF_CLI_LINES_H
#define BF_CLI_LINES_H

#include "apps/belfry/options.h"

/* Splits the line in place; the words point into it. A line that is blank, or begins with
 * #, has none. BF_EINVALID where a quote is not closed. The caller clears words. */
bf_err bf_cli_line_split (char *line, bf_cli_texts *words, bf_error *error);

#endif
