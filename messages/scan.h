/* SPDX-License-Identifier: MPL-2.0
 *
 * The first look at a peer's bytes, before anything is allocated for them. What the structs
 * of protobuf-c no longer show is found here: a NUL inside a string, a field sent twice,
 * two commands in one call; and what would cost memory is counted first. For codec.c only.
 */
#ifndef BF_MESSAGES_SCAN_H
#define BF_MESSAGES_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"

/* What can be told of a request without decoding it. Slices of the scanned bytes. */
typedef struct {
    uint32_t version; /* 0 where it is not there */
    const char *request_id;
    size_t request_id_size;
} bf_header;

/* Reads as far as the bytes can be read; cannot fail. */
bf_header bf_scan_header (const uint8_t *bytes, size_t size);

/* BF_OK: protobuf-c reads these bytes as a Request within BF_DECODE_BYTES, every list is
 * within its limit, no string holds a NUL, nothing that may be there once is there twice.
 * Errors: BF_EMALFORMED, BF_EINVALID, BF_ELIMIT. */
bf_err bf_scan_request (const uint8_t *bytes, size_t size, bf_error *error);

#endif
