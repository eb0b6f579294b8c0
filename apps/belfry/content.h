/* SPDX-License-Identifier: MPL-2.0
 *
 * Payloads and results from the command line: the text itself, @FILE, or - for standard
 * input.
 */
#ifndef BF_CLI_CONTENT_H
#define BF_CLI_CONTENT_H

#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "core/base/errors.h"

/* Reads up to BF_PAYLOAD_BYTES into memory that the caller frees. NULL text gives nothing.
 * Errors: BF_EIO (the file could not be read), BF_ETOOLARGE, BF_ENOMEM. */
bf_err bf_cli_content_read (const char *text, ProtobufCBinaryData *content,
                            bf_error *error);

#endif
