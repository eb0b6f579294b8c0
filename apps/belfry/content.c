/* SPDX-License-Identifier: MPL-2.0
 *
 * Reads a payload, bounded by what the wire allows.
 */
#include "apps/belfry/content.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages/limits.h"

static bf_err
read_stream (FILE *file, const char *name, ProtobufCBinaryData *content, bf_error *error)
{
    /* One byte more than allowed shows that there was more. */
    uint8_t *bytes = malloc (BF_PAYLOAD_BYTES + 1);
    if (!bytes) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    size_t size = fread (bytes, 1, BF_PAYLOAD_BYTES + 1, file);
    if (ferror (file)) {
        free (bytes);
        return bf_fail (error, BF_EIO, "%s could not be read: %s", name, strerror (errno));
    }
    if (size > BF_PAYLOAD_BYTES) {
        free (bytes);
        return bf_fail (error, BF_ETOOLARGE, "%s is longer than %d bytes", name,
                        BF_PAYLOAD_BYTES);
    }
    *content = (ProtobufCBinaryData){size, bytes};
    return BF_OK;
}

bf_err
bf_cli_content_read (const char *text, ProtobufCBinaryData *content, bf_error *error)
{
    if (!text) {
        *content = (ProtobufCBinaryData){0};
        return BF_OK;
    }
    if (!strcmp (text, "-")) {
        return read_stream (stdin, "standard input", content, error);
    }
    if (text[0] == '@') {
        FILE *file = fopen (text + 1, "rb");
        if (!file) {
            return bf_fail (error, BF_EIO, "%s could not be opened: %s", text + 1,
                            strerror (errno));
        }
        bf_err err = read_stream (file, text + 1, content, error);
        fclose (file);
        return err;
    }
    size_t size = strlen (text);
    if (size > BF_PAYLOAD_BYTES) {
        return bf_fail (error, BF_ETOOLARGE, "the text is longer than %d bytes",
                        BF_PAYLOAD_BYTES);
    }
    uint8_t *bytes = malloc (size + 1);
    if (!bytes) {
        return bf_fail (error, BF_ENOMEM, "out of memory");
    }
    memcpy (bytes, text, size + 1);
    *content = (ProtobufCBinaryData){size, bytes};
    return BF_OK;
}
