/* SPDX-License-Identifier: MPL-2.0
 *
 * Bytes from a peer become a Request that everything inside may trust, or an error that the
 * peer can act on: decoded inside a bounded arena, every field checked, every default
 * filled in. Called by the gateway; pure.
 */
#ifndef BF_MESSAGES_CODEC_H
#define BF_MESSAGES_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/errors.h"
#include "messages/pack.h"

#include "belfry.pb-c.h"

/* An allocator for protobuf-c that takes from the arena and frees nothing. Valid as long as
 * the arena. */
ProtobufCAllocator bf_arena_allocator (bf_arena *arena);

/* Decodes, validates and normalises one Request into the arena (an empty one of
 * BF_DECODE_BYTES has room for every request that is good): after BF_OK every field is in
 * its range, every default is set, and strings may be static. On error *request is NULL or
 * a Request without a command, so that the reply can name its request_id (set only if that
 * is itself valid). Errors: BF_EMALFORMED, BF_EVERSION, BF_EINVALID, BF_ETOOLARGE,
 * BF_ELIMIT (a list is too long), BF_ENOMEM. */
bf_err bf_request_decode (const uint8_t *bytes, size_t size, bf_arena *arena,
                          Belfry__V1__Request **request, bf_error *error);

/* The last step of bf_request_decode, for requests that were built in place. Changes
 * *request, also on error. Doing it again changes nothing. */
bf_err bf_request_normalise (Belfry__V1__Request *request, bf_arena *arena,
                             bf_error *error);

/* Whether the answer to this command is stored under its request_id: true for everything
 * that changes something, so not for reads and dry runs. */
bool bf_request_is_stored (const Belfry__V1__Request *request);

/* A hash of the normalised command alone, without version, client and request_id: tells
 * a repeat from a reuse. Same command in, same number out; 0 without memory, and only
 * then. */
uint64_t bf_request_fingerprint (const Belfry__V1__Request *request, bf_arena *arena);

/* A packed Reply that says only `code` and `text`: NULL for the list's text, cut before the
 * first byte that is not UTF-8. request_id may be NULL. NULL without memory. */
uint8_t *bf_reply_error (bf_arena *arena, const char *request_id, bf_err code,
                         const char *text, size_t *size);

/* [A-Za-z0-9_.-]{1,64}. */
bool bf_name_is_valid (const char *name);
/* 1..max bytes of UTF-8, no control characters. */
bool bf_text_is_valid (const char *text, size_t max_bytes);

#endif
