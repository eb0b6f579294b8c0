/* SPDX-License-Identifier: MPL-2.0
 *
 * Tables of requests, as request.h writes them, that go over the wire and back: which are
 * refused with which sentence, and what the good ones become.
 */
#ifndef BF_TESTS_CODEC_ROWS_H
#define BF_TESTS_CODEC_ROWS_H

#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/errors.h"

#include "belfry.pb-c.h"

typedef struct {
    const char *request;
    bf_err code;
    const char *sentence; /* a part of it */
} codec_refused;

typedef struct {
    const char *request;
    const char *inside; /* request_expect */
} codec_accepted;

/* Packs the request of this text and decodes it again. */
bf_err codec_decode (bf_arena *arena, const char *text, Belfry__V1__Request **request,
                     bf_error *error);

/* Makes good the jobs that #N left empty. */
void codec_complete_jobs (bf_arena *arena, Belfry__V1__Request *request);

/* Each fails the test at the first row that is not so. The arena is reset for each row.
 * What was accepted is the same when it is normalised once more. */
void codec_expect_refused (bf_arena *arena, const codec_refused *rows, size_t count);
void codec_expect_accepted (bf_arena *arena, const codec_accepted *rows, size_t count);

#endif
