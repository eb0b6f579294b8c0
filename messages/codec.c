/* SPDX-License-Identifier: MPL-2.0
 *
 * The way in and the way out: frames to requests, replies to frames. A request is scanned
 * (scan.c), unpacked by protobuf-c into the arena, and normalised (normalise.c); the values
 * themselves are judged there, by the rules of rules.c.
 */
#include "messages/codec.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/hash.h"
#include "messages/limits.h"
#include "messages/scan.h"
#include "messages/text.h"

static void *
arena_alloc (void *arena, size_t size)
{
    return bf_arena_alloc (arena, size);
}

static void
arena_free (void *arena, void *bytes)
{
    (void)arena;
    (void)bytes;
}

ProtobufCAllocator
bf_arena_allocator (bf_arena *arena)
{
    return (ProtobufCAllocator){arena_alloc, arena_free, arena};
}

static bf_err
decode (const uint8_t *bytes, size_t size, const bf_header *header, bf_arena *arena,
        Belfry__V1__Request **request, bf_error *error)
{
    if (size > BF_FRAME_BYTES) {
        return bf_fail (error, BF_ETOOLARGE,
                        "the request has %zu bytes, allowed are %d: split it", size,
                        BF_FRAME_BYTES);
    }
    /* Before anything else: a later version may look different in every other field. */
    if (header->version != 0 && header->version != BF_PROTOCOL_VERSION) {
        Belfry__V1__Request other = BELFRY__V1__REQUEST__INIT;
        other.version = header->version;
        return bf_request_normalise (&other, arena, error);
    }
    bf_err rc = bf_scan_request (bytes, size, error);
    if (rc != BF_OK) {
        return rc;
    }
    ProtobufCAllocator allocator = bf_arena_allocator (arena);
    Belfry__V1__Request *unpacked = belfry__v1__request__unpack (&allocator, size, bytes);
    if (unpacked == NULL) {
        /* The scan has read these bytes, so nothing but memory can be wrong. */
        return bf_fail (error, BF_ENOMEM, "%s", bf_err_text (BF_ENOMEM));
    }
    rc = bf_request_normalise (unpacked, arena, error);
    if (rc == BF_OK) {
        *request = unpacked;
    }
    return rc;
}

/* What a reply to a refused request needs: its request_id, if that can be repeated. */
static Belfry__V1__Request *
remains (const bf_header *header, bf_arena *arena)
{
    Belfry__V1__Request *request = bf_arena_alloc (arena, sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    belfry__v1__request__init (request);
    request->version = header->version;
    size_t size = header->request_id_size;
    if (size > 0 && size <= BF_REQUEST_ID_BYTES &&
        bf_text_flaw (header->request_id, size, BF_CONTROL_REFUSED) == size) {
        char *copy = bf_arena_copy (arena, header->request_id, size);
        if (copy == NULL) {
            return NULL;
        }
        request->request_id = copy;
    }
    return request;
}

bf_err
bf_request_decode (const uint8_t *bytes, size_t size, bf_arena *arena,
                   Belfry__V1__Request **request, bf_error *error)
{
    if (size == 0) {
        bytes = (const uint8_t *)"";
    }
    /* Of an endless frame only as much as is allowed is looked at. */
    bf_header header =
        bf_scan_header (bytes, size < BF_FRAME_BYTES ? size : BF_FRAME_BYTES);
    bf_err rc = decode (bytes, size, &header, arena, request, error);
    if (rc != BF_OK) {
        *request = remains (&header, arena);
    }
    return rc;
}

/* A dry run changes nothing. */
#define STORED_UNLESS_DRY(name, member)       \
    case BELFRY__V1__REQUEST__COMMAND_##name: \
        return !request->member->dry_run

bool
bf_request_is_stored (const Belfry__V1__Request *request)
{
    switch (request->command_case) {
        STORED_UNLESS_DRY (RESCHEDULE, reschedule);
        STORED_UNLESS_DRY (CANCEL, cancel);
        STORED_UNLESS_DRY (CONFIRM, confirm);
        STORED_UNLESS_DRY (PAUSE, pause);
        STORED_UNLESS_DRY (RESUME, resume);
        STORED_UNLESS_DRY (TRIGGER, trigger);
        STORED_UNLESS_DRY (REDRIVE, redrive);
        STORED_UNLESS_DRY (PRUNE, prune);
    case BELFRY__V1__REQUEST__COMMAND_SCHEDULE:
    case BELFRY__V1__REQUEST__COMMAND_BATCH:
    case BELFRY__V1__REQUEST__COMMAND_CLAIM:
    case BELFRY__V1__REQUEST__COMMAND_COMPLETE:
    case BELFRY__V1__REQUEST__COMMAND_FAIL:
    case BELFRY__V1__REQUEST__COMMAND_SNOOZE:
    case BELFRY__V1__REQUEST__COMMAND_BACKUP:
    case BELFRY__V1__REQUEST__COMMAND_SET_CALENDAR:
    case BELFRY__V1__REQUEST__COMMAND_DELETE_CALENDAR:
        return true;
    default:
        return false;
    }
}

uint64_t
bf_request_fingerprint (const Belfry__V1__Request *request, bf_arena *arena)
{
    Belfry__V1__Request command = *request;
    command.version = 0;
    command.client = "";
    command.request_id = "";
    size_t size;
    uint8_t *bytes = bf_pack (&command.base, arena, &size);
    if (bytes == NULL) {
        return 0;
    }
    uint64_t hash = bf_hash (bytes, size);
    return hash != 0 ? hash : 1;
}

uint8_t *
bf_reply_error (bf_arena *arena, const char *request_id, bf_err code, const char *text,
                size_t *size)
{
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = (Belfry__V1__Code)bf_err_wire (code);
    if (text == NULL) {
        text = bf_err_text (code);
    }
    /* A sentence may have been cut inside a character, and readers are strict. */
    size_t length = bf_text_flaw (text, strlen (text), BF_CONTROL_ALLOWED);
    reply.text = bf_arena_copy (arena, text, length);
    if (reply.text == NULL) {
        return NULL;
    }
    if (request_id != NULL) {
        reply.request_id = (char *)request_id;
    }
    return bf_pack (&reply.base, arena, size);
}
