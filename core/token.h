/* SPDX-License-Identifier: MPL-2.0
 *
 * Names of runs and attempts as people and programs see them: "JOB.ORDINAL" and
 * "JOB.ORDINAL.ATTEMPT", decimal.
 */
#ifndef BF_CORE_TOKEN_H
#define BF_CORE_TOKEN_H

#include <stdint.h>

#include "core/base/errors.h"

typedef struct {
    uint64_t job;
    uint32_t ordinal;
    uint32_t attempt; /* 0 where it names the run and not an attempt */
} bf_token;

/* 20 + 1 + 10 + 1 + 10 digits, and the NUL. */
#define BF_TOKEN_BYTES 43

/* Without the attempt where that is 0. Returns buffer. */
char *bf_token_format (bf_token token, char buffer[BF_TOKEN_BYTES]);

/* "JOB.ORDINAL.ATTEMPT", each at least 1, no leading zero or sign. BF_EINVALID otherwise.
 */
bf_err bf_token_parse (const char *text, bf_token *token);

/* "JOB.ORDINAL", or "JOB" (ordinal 0). */
bf_err bf_run_id_parse (const char *text, bf_token *token);

#endif
