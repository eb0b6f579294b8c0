/* SPDX-License-Identifier: MPL-2.0
 *
 * Wire format: protobuf.dev/programming-guides/encoding. Fields go by number, as protobuf-c
 * writes them, only backwards; of a field first its value, then its length, then its tag.
 */
#include "messages/pack.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/errors.h"

/* The longest varint. */
#define VARINT_BYTES 10

typedef enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LENGTH = 2 } wire_type;

/* What is written next goes in front of `at`. */
typedef struct {
    bf_packed *packed;
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
} writer_t;

static bool
grow (writer_t *self, size_t more)
{
    size_t used = (size_t)(self->end - self->at);
    size_t capacity = (size_t)(self->end - self->start);
    while (capacity < used + more) {
        capacity *= 2;
    }
    uint8_t *buffer = malloc (capacity);
    if (buffer == NULL) {
        return false;
    }
    memcpy (buffer + capacity - used, self->at, used);
    free (self->packed->buffer);
    self->packed->buffer = buffer;
    self->packed->capacity = capacity;
    self->start = buffer;
    self->end = buffer + capacity;
    self->at = self->end - used;
    return true;
}

/* Room for so many bytes in front. */
static inline bool
has_room (writer_t *self, size_t size)
{
    return (size_t)(self->at - self->start) >= size || grow (self, size);
}

/* A varint in front of `at`, where there is room; returns where it begins. */
static inline uint8_t *
varint_before (uint8_t *at, uint64_t value)
{
    if (value < 0x80) {
        *--at = (uint8_t)value;
        return at;
    }
    /* Seven bits a byte. */
    size_t count = (size_t)(70 - __builtin_clzll (value)) / 7;
    at -= count;
    uint8_t *byte = at;
    for (; value >= 0x80; value >>= 7) {
        *byte++ = (uint8_t)(value | 0x80);
    }
    *byte = (uint8_t)value;
    return at;
}

/* Two varints: a tag and what follows it, a number or a length. */
static inline bool
put_pair (writer_t *self, uint32_t id, wire_type type, uint64_t value)
{
    if (!has_room (self, 2 * VARINT_BYTES)) {
        return false;
    }
    uint8_t *at = varint_before (self->at, value);
    self->at = varint_before (at, ((uint64_t)id << 3) | (uint64_t)type);
    return true;
}

static inline bool
put_bytes (writer_t *self, const void *bytes, size_t size)
{
    if (!has_room (self, size)) {
        return false;
    }
    self->at -= size;
    if (size > 0) {
        memcpy (self->at, bytes, size);
    }
    return true;
}

static inline bool
put_text (writer_t *self, uint32_t id, const void *bytes, size_t size)
{
    return put_bytes (self, bytes, size) && put_pair (self, id, WIRE_LENGTH, size);
}

static bool
put_fixed64 (writer_t *self, uint32_t id, uint64_t value)
{
    if (!has_room (self, VARINT_BYTES + sizeof value)) {
        return false;
    }
    for (size_t i = sizeof value; i > 0; i--) {
        *--self->at = (uint8_t)(value >> (8 * (i - 1)));
    }
    self->at = varint_before (self->at, ((uint64_t)id << 3) | WIRE_FIXED64);
    return true;
}

static bool put_message (writer_t *self, const ProtobufCMessage *message);

static bool
put_nested (writer_t *self, uint32_t id, const ProtobufCMessage *message)
{
    /* Sizes, not pointers: the buffer may move. */
    size_t before = (size_t)(self->end - self->at);
    return put_message (self, message) &&
           put_pair (self, id, WIRE_LENGTH, (size_t)(self->end - self->at) - before);
}

/* A value of a kind that is a varint, as one. */
static inline uint64_t
varint_of (ProtobufCType type, const void *member)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)member != 0;
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)member;
    case PROTOBUF_C_TYPE_ENUM:
        /* A negative one takes all ten bytes. */
        return (uint64_t)(int64_t) * (const int32_t *)member;
    default:
        BF_INVARIANT (type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_UINT64);
        return *(const uint64_t *)member;
    }
}

/* A value with its tag. */
static bool
put_value (writer_t *self, const ProtobufCFieldDescriptor *field, const void *member)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return put_nested (self, field->id, *(const ProtobufCMessage *const *)member);
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(const char *const *)member;
        return put_text (self, field->id, text, strlen (text));
    }
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *bytes = member;
        return put_text (self, field->id, bytes->data, bytes->len);
    }
    case PROTOBUF_C_TYPE_FIXED64:
        return put_fixed64 (self, field->id, *(const uint64_t *)member);
    default:
        return put_pair (self, field->id, WIRE_VARINT, varint_of (field->type, member));
    }
}

/* Of one element of a list. */
static size_t
size_of (ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof (protobuf_c_boolean);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof (uint32_t);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof (ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof (void *);
    default:
        return sizeof (uint64_t);
    }
}

/* A list of numbers is one value of many varints. */
static bool
put_numbers (writer_t *self, const ProtobufCFieldDescriptor *field, size_t count,
             const uint8_t *items)
{
    size_t size = size_of (field->type);
    size_t before = (size_t)(self->end - self->at);
    for (size_t i = count; i > 0; i--) {
        if (!has_room (self, VARINT_BYTES)) {
            return false;
        }
        self->at =
            varint_before (self->at, varint_of (field->type, items + (i - 1) * size));
    }
    return put_pair (self, field->id, WIRE_LENGTH, (size_t)(self->end - self->at) - before);
}

static bool
put_list (writer_t *self, const ProtobufCFieldDescriptor *field, size_t count,
          const uint8_t *items)
{
    if (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) {
        return put_numbers (self, field, count, items);
    }
    size_t size = size_of (field->type);
    bool ok = true;
    for (size_t i = count; ok && i > 0; i--) {
        ok = put_value (self, field, items + (i - 1) * size);
    }
    return ok;
}

/* Whether a field has nothing to say: a list without elements, a member of a oneof that
 * chose another, a value that its absence says as well. Most fields of most messages are
 * such, so this is what packing spends its time on. */
static inline bool
is_absent (const ProtobufCFieldDescriptor *field, const uint8_t *message)
{
    const uint8_t *member = message + field->offset;
    const uint8_t *quantifier = message + field->quantifier_offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return *(const size_t *)quantifier == 0;
    }
    bool chosen = false;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        chosen = *(const uint32_t *)quantifier == field->id;
        if (!chosen) {
            return true;
        }
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
        return *(const uint32_t *)member == 0 && !chosen;
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(const char *const *)member;
        return text == NULL || (text[0] == '\0' && !chosen);
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(const void *const *)member == NULL;
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)member)->len == 0 && !chosen;
    default:
        return *(const uint64_t *)member == 0 && !chosen;
    }
}

static bool
put_field (writer_t *self, const ProtobufCFieldDescriptor *field, const uint8_t *message)
{
    const uint8_t *member = message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(message + field->quantifier_offset);
        return put_list (self, field, count, *(const uint8_t *const *)member);
    }
    return put_value (self, field, member);
}

static bool
put_message (writer_t *self, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    bool ok = true;
    for (size_t i = message->n_unknown_fields; ok && i > 0; i--) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i - 1];
        ok = put_bytes (self, field->data, field->len) && has_room (self, VARINT_BYTES);
        if (ok) {
            self->at = varint_before (self->at, ((uint64_t)field->tag << 3) |
                                                    (uint64_t)field->wire_type);
        }
    }
    for (size_t i = descriptor->n_fields; ok && i > 0; i--) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i - 1];
        if (!is_absent (field, (const uint8_t *)message)) {
            ok = put_field (self, field, (const uint8_t *)message);
        }
    }
    return ok;
}

bool
bf_packed_write (bf_packed *self, const ProtobufCMessage *message)
{
    self->buffer = NULL;
    self->capacity = 0;
    writer_t writer = {self, self->first, self->first + sizeof self->first, NULL};
    writer.end = writer.at;
    bool ok = put_message (&writer, message);
    if (!ok) {
        bf_packed_free (self);
        return false;
    }
    self->bytes = writer.at;
    self->size = (size_t)(writer.end - writer.at);
    return true;
}

void
bf_packed_free (bf_packed *self)
{
    free (self->buffer);
    self->buffer = NULL;
}

uint8_t *
bf_pack (const ProtobufCMessage *message, bf_arena *arena, size_t *size)
{
    bf_packed packed;
    if (!bf_packed_write (&packed, message)) {
        return NULL;
    }
    uint8_t *bytes = bf_arena_copy (arena, packed.bytes, packed.size);
    *size = packed.size;
    bf_packed_free (&packed);
    return bytes;
}
