/* SPDX-License-Identifier: MPL-2.0
 *
 * A walk over the wire format of protobuf, guided by the descriptors and the rules:
 * https://protobuf.dev/programming-guides/encoding/. Depth is that of the schema, because
 * only known sub-messages are entered.
 */
#include "messages/scan.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "messages/limits.h"
#include "messages/rules.h"

#include "belfry.pb-c.h"

/* Room for the counts of one message; Request has the most fields. */
#define FIELDS_MAX 40

/* Bytes of the longest varint, and of the longest that protobuf-c takes as a tag or length.
 */
#define VARINT_BYTES 10
#define SHORT_VARINT_BYTES 5

typedef struct {
    const uint8_t *frame; /* of the request, for the offsets that errors name */
    size_t idle;          /* fields that say nothing here, unknown ones above all */
    size_t in_all;        /* items of the lists that are bounded together */
    bf_error *error;
} scan_t;

/* What is left of the message being read. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} bytes_t;

/* One field as the wire has it. */
typedef struct {
    uint32_t id;
    ProtobufCWireType wire_type;
    uint64_t number;      /* VARINT */
    const uint8_t *bytes; /* LENGTH_PREFIXED */
    size_t size;
} wire_field_t;

/* False where it does not end within max_bytes or within the message. */
static bool
read_varint (bytes_t *left, size_t max_bytes, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < max_bytes && left->at < left->end; i++) {
        uint8_t byte = *left->at++;
        sum |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *value = sum;
            return true;
        }
    }
    return false;
}

static bool
skip (bytes_t *left, size_t size)
{
    if (size > (size_t)(left->end - left->at)) {
        return false;
    }
    left->at += size;
    return true;
}

/* Reads the next field. NULL, or what is wrong with it. */
static const char *
read_field (bytes_t *left, wire_field_t *field)
{
    uint64_t tag;
    if (!read_varint (left, SHORT_VARINT_BYTES, &tag) || tag > UINT32_MAX) {
        return "a field number does not end";
    }
    *field = (wire_field_t){.id = (uint32_t)(tag >> 3), .wire_type = tag & 7};
    if (field->id == 0) {
        return "there is no field number 0";
    }
    uint64_t size;
    switch (field->wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return read_varint (left, VARINT_BYTES, &field->number) ? NULL
                                                                : "a number does not end";
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return skip (left, 8) ? NULL : "a fixed 64-bit number is cut off";
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return skip (left, 4) ? NULL : "a fixed 32-bit number is cut off";
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_varint (left, SHORT_VARINT_BYTES, &size)) {
            return "a length does not end";
        }
        field->bytes = left->at;
        field->size = (size_t)size;
        return skip (left, field->size) ? NULL : "a length goes beyond the end";
    default:
        return "only wire types 0, 1, 2 and 5 are in use";
    }
}

bf_header
bf_scan_header (const uint8_t *bytes, size_t size)
{
    enum { VERSION = 1, REQUEST_ID = 3 };
    bf_header header = {0};
    bytes_t left = {bytes, bytes + size};
    wire_field_t field;
    while (left.at < left.end && read_field (&left, &field) == NULL) {
        if (field.id == VERSION && field.wire_type == PROTOBUF_C_WIRE_TYPE_VARINT) {
            header.version = (uint32_t)field.number;
        } else if (field.id == REQUEST_ID &&
                   field.wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            header.request_id = (const char *)field.bytes;
            header.request_id_size = field.size;
        }
    }
    return header;
}

static bf_err
refuse_malformed (const scan_t *scan, const bf_place *here, const uint8_t *at,
                  const char *why)
{
    return bf_refuse (scan->error, BF_EMALFORMED, here,
                      "cannot be read as protobuf at byte %zu of the frame: %s",
                      (size_t)(at - scan->frame), why);
}

static ProtobufCWireType
wire_type_of (ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

/* Items of a list of varints in its packed form. */
static bool
count_packed (const wire_field_t *wire, uint32_t *count)
{
    bytes_t left = {wire->bytes, wire->bytes + wire->size};
    uint64_t value;
    *count = 0;
    while (left.at < left.end) {
        if (!read_varint (&left, VARINT_BYTES, &value)) {
            return false;
        }
        ++*count;
    }
    return true;
}

/* One more of a field that may be there once: neither itself nor another of its oneof may
 * have been there before. */
static bf_err
check_once (const scan_t *scan, const ProtobufCMessageDescriptor *descriptor, size_t index,
            const uint32_t *counts, const bf_place *here)
{
    const ProtobufCFieldDescriptor *field = &descriptor->fields[index];
    const bf_place at = {here, field->name, BF_NO_INDEX};
    if (counts[index] > 0) {
        return bf_refuse (scan->error, BF_EINVALID, &at, "is there twice: send it once");
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) {
        return BF_OK;
    }
    for (size_t i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *other = &descriptor->fields[i];
        if (counts[i] > 0 && (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
            other->quantifier_offset == field->quantifier_offset) {
            return bf_refuse (scan->error, BF_EINVALID, &at,
                              "is there beside %s: send exactly one", other->name);
        }
    }
    return BF_OK;
}

/* More items of a list, which has `count` with them. */
static bf_err
check_count (scan_t *scan, const bf_rule *rule, uint32_t count, uint32_t more,
             const bf_place *at)
{
    const bf_place list = {at->above, at->name, BF_NO_INDEX};
    if (count > rule->most) {
        return bf_refuse (scan->error, BF_ELIMIT, &list,
                          "has more than %" PRIu32 " items, allowed are %" PRIu32
                          "..%" PRIu32,
                          rule->most, rule->least, rule->most);
    }
    if (rule->in_all != 0 && (scan->in_all += more) > rule->in_all) {
        return bf_refuse (scan->error, BF_ELIMIT, &list,
                          "has too many items, allowed are %" PRIu32
                          " in all that the request has of them",
                          rule->in_all);
    }
    return BF_OK;
}

static bf_err
check_string (const scan_t *scan, const wire_field_t *wire, const bf_place *at)
{
    const uint8_t *nul = wire->size > 0 ? memchr (wire->bytes, 0, wire->size) : NULL;
    if (nul != NULL) {
        return bf_refuse (scan->error, BF_EINVALID, at,
                          "has a NUL at byte %zu: send text without it",
                          (size_t)(nul - wire->bytes));
    }
    return BF_OK;
}

/* One more field that is read for nothing, but costs protobuf-c memory. */
static bf_err
check_idle (scan_t *scan, const bf_place *here)
{
    if (++scan->idle <= BF_UNKNOWN_FIELDS) {
        return BF_OK;
    }
    return bf_refuse (scan->error, BF_ELIMIT, here,
                      "has too many unknown fields, allowed are %d in a request",
                      BF_UNKNOWN_FIELDS);
}

static bf_err scan_message (scan_t *scan, const bf_rules *rules, bytes_t left,
                            const bf_place *here);

/* A field that is known: its form, its number, and what is inside. */
static bf_err
scan_field (scan_t *scan, const bf_rules *rules, size_t index, const wire_field_t *wire,
            uint32_t *counts, const bf_place *here)
{
    const ProtobufCFieldDescriptor *field = &rules->descriptor->fields[index];
    const bf_rule *rule = bf_rule_of (rules, index);
    bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
    bf_place at = {here, field->name, list ? counts[index] : BF_NO_INDEX};
    ProtobufCWireType expected = wire_type_of (field->type);
    uint32_t more = 1;
    if (list && expected == PROTOBUF_C_WIRE_TYPE_VARINT &&
        wire->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        if (!count_packed (wire, &more)) {
            return refuse_malformed (scan, &at, wire->bytes, "a number does not end");
        }
        if (more == 0) {
            return check_idle (scan, here);
        }
    } else if (wire->wire_type != expected) {
        return bf_refuse (scan->error, BF_EMALFORMED, &at,
                          "has wire type %d, expected is %d: use belfry.proto",
                          (int)wire->wire_type, (int)expected);
    }
    bf_err rc = list ? check_count (scan, rule, counts[index] + more, more, &at)
                     : check_once (scan, rules->descriptor, index, counts, here);
    if (rc != BF_OK) {
        return rc;
    }
    counts[index] += more;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return check_string (scan, wire, &at);
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        /* Paths begin below the command. */
        bool command = rules == &bf_request_rules;
        return scan_message (scan, rule->rules,
                             (bytes_t){wire->bytes, wire->bytes + wire->size},
                             command ? here : &at);
    }
    return BF_OK;
}

static bf_err
scan_message (scan_t *scan, const bf_rules *rules, bytes_t left, const bf_place *here)
{
    const ProtobufCMessageDescriptor *descriptor = rules->descriptor;
    BF_INVARIANT (descriptor->n_fields <= FIELDS_MAX);
    uint32_t counts[FIELDS_MAX] = {0};
    while (left.at < left.end) {
        const uint8_t *start = left.at;
        wire_field_t wire;
        const char *wrong = read_field (&left, &wire);
        if (wrong != NULL) {
            return refuse_malformed (scan, here, start, wrong);
        }
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field (descriptor, wire.id);
        bf_err rc;
        if (field == NULL) {
            rc = check_idle (scan, here);
        } else {
            rc = scan_field (scan, rules, (size_t)(field - descriptor->fields), &wire,
                             counts, here);
        }
        if (rc != BF_OK) {
            return rc;
        }
    }
    return BF_OK;
}

bf_err
bf_scan_request (const uint8_t *bytes, size_t size, bf_error *error)
{
    scan_t scan = {.frame = bytes, .error = error};
    return scan_message (&scan, &bf_request_rules, (bytes_t){bytes, bytes + size}, NULL);
}
