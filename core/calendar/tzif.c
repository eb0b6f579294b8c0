/* SPDX-License-Identifier: MPL-2.0
 *
 * A TZif file is one block of data with 32-bit times and, since version 2, another with
 * 64-bit times and a footer after it; where there are two, the first is only stepped over.
 * The bytes are whatever somebody put into a file, so nothing is believed: every count is
 * measured against the bytes that are there, and every index against its count.
 *
 *   header of 44 bytes | times | their types | types | names | leap seconds | flags, flags
 */
#include "core/calendar/tzif.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_BYTES 44
#define TYPE_BYTES \
    6 /* offset (4), is it daylight saving time (1), where its name begins (1) */

typedef struct {
    uint8_t version; /* '\0', '2', '3' or '4' */
    uint32_t ut_flags;
    uint32_t standard_flags;
    uint32_t leaps;
    uint32_t times;
    uint32_t types;
    uint32_t name_bytes;
} header_t;

/* What of the bytes is not yet read. */
typedef struct {
    const uint8_t *at;
    size_t left;
} rest_t;

static uint32_t
read_u32 (const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

static int32_t
read_i32 (const uint8_t *bytes)
{
    return (int32_t)read_u32 (bytes);
}

static int64_t
read_i64 (const uint8_t *bytes)
{
    return (int64_t)((uint64_t)read_u32 (bytes) << 32 | read_u32 (bytes + 4));
}

static const uint8_t *
take (rest_t *rest, size_t size)
{
    const uint8_t *at = rest->at;
    rest->at += size;
    rest->left -= size;
    return at;
}

static bf_err
damaged (bf_error *error, const char *what)
{
    return bf_fail (error, BF_EINVALID, "the zone data is damaged: %s", what);
}

static bf_err
take_header (rest_t *rest, header_t *header, bf_error *error)
{
    if (rest->left < HEADER_BYTES) {
        return damaged (error, "it ends within a header");
    }
    const uint8_t *at = take (rest, HEADER_BYTES);
    if (memcmp (at, "TZif", 4) != 0) {
        return bf_fail (error, BF_EINVALID,
                        "this is no zone data: it does not begin with TZif");
    }
    if (at[4] != '\0' && (at[4] < '2' || at[4] > '4')) {
        return bf_fail (error, BF_EINVALID, "the zone data has an unknown version");
    }
    *header = (header_t){
        .version = at[4],
        .ut_flags = read_u32 (at + 20),
        .standard_flags = read_u32 (at + 24),
        .leaps = read_u32 (at + 28),
        .times = read_u32 (at + 32),
        .types = read_u32 (at + 36),
        .name_bytes = read_u32 (at + 40),
    };
    return BF_OK;
}

/* In 64 bits, so six counts of 32 bits cannot wrap it. */
static uint64_t
block_bytes (const header_t *header, size_t time_bytes)
{
    return (uint64_t)header->times * (time_bytes + 1) +
           (uint64_t)header->types * TYPE_BYTES + header->name_bytes +
           (uint64_t)header->leaps * (time_bytes + 4) + header->standard_flags +
           header->ut_flags;
}

/* RFC 8536, 3.2: what the types say lies within bounds; a name ends within the names. */
static bf_err
check_types (const header_t *header, const uint8_t *types, const uint8_t *names,
             bf_error *error)
{
    for (uint32_t i = 0; i < header->types; i++) {
        const uint8_t *type = types + (size_t)i * TYPE_BYTES;
        int32_t offset = read_i32 (type);
        if (offset < BF_TZIF_OFFSET_MIN || offset > BF_TZIF_OFFSET_MAX) {
            return damaged (error, "an offset is more than a day");
        }
        if (type[4] > 1) {
            return damaged (error, "a flag is neither 0 nor 1");
        }
        if (type[5] >= header->name_bytes ||
            memchr (names + type[5], '\0', header->name_bytes - type[5]) == NULL) {
            return damaged (error, "a name lies outside");
        }
    }
    return BF_OK;
}

static bf_err
check_times (const header_t *header, const bf_tzif *tzif, bf_error *error)
{
    int64_t previous = -BF_TZIF_TIME_MAX - 1;
    for (size_t i = 0; i < tzif->count; i++) {
        int64_t time = bf_tzif_time (tzif, i);
        if (time <= previous || time > BF_TZIF_TIME_MAX) {
            return damaged (error, "its times do not ascend");
        }
        if (tzif->types[i] >= header->types) {
            return damaged (error, "a time has no type");
        }
        previous = time;
    }
    return BF_OK;
}

static bf_err
take_block (rest_t *rest, const header_t *header, size_t time_bytes, bf_tzif *tzif,
            bf_error *error)
{
    if (header->leaps != 0) {
        return bf_fail (
            error, BF_EINVALID,
            "the zone data counts leap seconds (as those below right/ do), which "
            "clocks here do not; take the zone of the same name without them");
    }
    if (header->types == 0 || header->name_bytes == 0 ||
        (header->standard_flags != 0 && header->standard_flags != header->types) ||
        (header->ut_flags != 0 && header->ut_flags != header->types)) {
        return damaged (error, "its counts do not fit each other");
    }
    if (block_bytes (header, time_bytes) > rest->left) {
        return damaged (error, "it ends too early");
    }
    *tzif = (bf_tzif){.count = header->times, .time_bytes = time_bytes};
    tzif->times = take (rest, header->times * time_bytes);
    tzif->types = take (rest, header->times);
    tzif->type = take (rest, (size_t)header->types * TYPE_BYTES);
    const uint8_t *names = take (rest, header->name_bytes);
    take (rest, (size_t)header->standard_flags + header->ut_flags);
    bf_err err = check_types (header, tzif->type, names, error);
    return err != BF_OK ? err : check_times (header, tzif, error);
}

/* RFC 8536, 3.3: a line of its own, begun and ended by a newline. */
static bf_err
take_footer (rest_t *rest, bf_tzif *tzif, bf_error *error)
{
    if (rest->left < 2 || rest->at[0] != '\n' || rest->at[rest->left - 1] != '\n') {
        return damaged (error, "its last line is not whole");
    }
    tzif->footer = (const char *)rest->at + 1;
    tzif->footer_length = rest->left - 2;
    return BF_OK;
}

bf_err
bf_tzif_read (const uint8_t *bytes, size_t size, bf_tzif *tzif, bf_error *error)
{
    rest_t rest = {bytes, size};
    header_t header = {.version = 0};
    bf_tzif found;
    bf_err err = take_header (&rest, &header, error);
    if (err != BF_OK) {
        return err;
    }
    if (header.version == '\0') {
        err = take_block (&rest, &header, 4, &found, error);
        if (err == BF_OK && rest.left != 0) {
            err = damaged (error, "something follows its end");
        }
    } else {
        if (block_bytes (&header, 4) > rest.left) {
            return damaged (error, "it ends too early");
        }
        take (&rest, (size_t)block_bytes (&header, 4));
        uint8_t version = header.version;
        err = take_header (&rest, &header, error);
        if (err == BF_OK && header.version != version) {
            err = damaged (error, "its two versions differ");
        }
        if (err == BF_OK) {
            err = take_block (&rest, &header, 8, &found, error);
        }
        if (err == BF_OK) {
            err = take_footer (&rest, &found, error);
        }
    }
    if (err == BF_OK) {
        *tzif = found;
    }
    return err;
}

int64_t
bf_tzif_time (const bf_tzif *tzif, size_t index)
{
    const uint8_t *at = tzif->times + index * tzif->time_bytes;
    return tzif->time_bytes == 4 ? read_i32 (at) : read_i64 (at);
}

int32_t
bf_tzif_offset (const bf_tzif *tzif, size_t index)
{
    return read_i32 (tzif->type + (size_t)tzif->types[index] * TYPE_BYTES);
}

int32_t
bf_tzif_offset_before (const bf_tzif *tzif)
{
    return read_i32 (tzif->type);
}
