/* SPDX-License-Identifier: MPL-2.0
 *
 * `belfry next --batch`: a question a line, an answer a line.
 *
 *   expr <tab> zone <tab> from      ->  2026-11-23T13:05:00Z;…   or   error: WHY
 *
 * Whatever is in a line, also nothing, it gets exactly one line, flushed before the next is
 * read.
 */
#ifndef BF_CLI_BATCH_NEXT_H
#define BF_CLI_BATCH_NEXT_H

#include <stdio.h>

#include "apps/belfry/slots.h"

/* Until the input ends, or the output fails. count: how many slots, at most, of each. */
void bf_cli_batch_next (FILE *in, FILE *out, bf_cli_zones *zones, uint64_t count);

#endif
