/* SPDX-License-Identifier: MPL-2.0
 *
 * See mutate.h.
 */
#include "tests/fuzz/mutate.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/arena.h"

#define ARENA_BYTES (8 * 1024 * 1024)
#define TEXT_ROOM 300

typedef struct {
    bf_arena *arena;
    uint64_t state; /* of the random numbers */
} mutator;

/* splitmix64. */
static uint64_t
draw (mutator *self)
{
    uint64_t z = self->state += UINT64_C (0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C (0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t
below (mutator *self, size_t bound)
{
    return (size_t)(draw (self) % bound);
}

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

/* Numbers where ranges of belfry.proto begin and end, and where integers do. */
static const int64_t numbers[] = {
    0,
    1,
    2,
    3,
    8,
    10,
    64,
    100,
    255,
    256,
    1000,
    1001,
    10000,
    65535,
    65536,
    99999,
    100000,
    1000000,
    60000000,
    60000001,
    86400000000,
    86400000001,
    2592000000000,
    INT32_MAX,
    UINT32_MAX,
    INT64_C (1767225600000000),
    INT64_C (3155760000000000),
    INT64_C (13569465600000000),
    INT64_C (13569465600000001),
    INT64_MAX,
    INT64_MIN,
    -1,
    -1000,
};

static int64_t
mutate_number (mutator *self, int64_t number)
{
    switch (below (self, 4)) {
    case 0:
        return (int64_t)((uint64_t)number + below (self, 3) - 1);
    case 1:
        return (int64_t)((uint64_t)number ^ UINT64_C (1) << below (self, 64));
    default:
        return numbers[below (self, sizeof numbers / sizeof numbers[0])];
    }
}

/* What strings of the wire look like, and what they must not. */
static const char *const texts[] = {
    "",
    "a",
    "default",
    "k",
    "mail",
    "work",
    "run.fired",
    "1.1",
    "256.1",
    "256.1.1",
    "256.1.2",
    "job.pruned",
    "c",
    "r",
    "a.b-c",
    "slot.missed",
    "x y",
    "a\nb",
    "\xff",
    "\xc3\xa9",
    "\xc3",
    "0.1",
    "18446744073709551616.1",
    "1.4294967296.1",
    "run.delivered",
    "\x7f",
    "18446744073709551615.4294967295.4294967295",
    ".hidden",
    "..",
    "hex:00",
};

static char *
mutate_text (mutator *self, const char *text)
{
    char buffer[TEXT_ROOM + 1];
    size_t size = text != NULL ? strlen (text) : 0;
    switch (below (self, 6)) {
    case 0: /* long, about where a limit is */
        size = (size_t)1 << (6 + below (self, 3));
        size += below (self, 3) - 1;
        memset (buffer, 'x', sizeof buffer);
        break;
    case 1:
        size = size < TEXT_ROOM ? size : TEXT_ROOM;
        memcpy (buffer, size > 0 ? text : "", size);
        size = LLVMFuzzerMutate ((uint8_t *)buffer, size, TEXT_ROOM);
        break;
    default:
        text = texts[below (self, sizeof texts / sizeof texts[0])];
        return bf_arena_copy (self->arena, text, strlen (text));
    }
    return bf_arena_copy (self->arena, buffer, size);
}

static size_t
value_bytes (ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return sizeof (int64_t);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof (void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof (ProtobufCBinaryData);
    default:
        return sizeof (int32_t);
    }
}

static void mutate_message (mutator *self, ProtobufCMessage *message);

static void
mutate_enum (mutator *self, const ProtobufCEnumDescriptor *known, void *at)
{
    int value = below (self, 8) > 0 ? known->values[below (self, known->n_values)].value
                                    : (int)mutate_number (self, 0);
    memcpy (at, &value, sizeof value);
}

static void
mutate_bytes (mutator *self, ProtobufCBinaryData *bytes)
{
    uint8_t buffer[TEXT_ROOM];
    size_t size = bytes->len < sizeof buffer ? bytes->len : sizeof buffer;
    memcpy (buffer, size > 0 ? (const void *)bytes->data : "", size);
    bytes->len = LLVMFuzzerMutate (buffer, size, sizeof buffer);
    bytes->data = bf_arena_copy (self->arena, buffer, bytes->len);
}

/* The message at `at`, made where there is none; NULL without memory. */
static ProtobufCMessage *
make_message (mutator *self, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = bf_arena_alloc (self->arena, descriptor->sizeof_message);
    if (message != NULL) {
        protobuf_c_message_init (descriptor, message);
    }
    return message;
}

/* One value, be it a field or an item of a list. */
static void
mutate_value (mutator *self, const ProtobufCFieldDescriptor *field, void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(char **)at = mutate_text (self, *(char **)at);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        mutate_bytes (self, at);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        mutate_enum (self, field->descriptor, at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = !*(protobuf_c_boolean *)at;
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (*(ProtobufCMessage **)at == NULL) {
            *(ProtobufCMessage **)at = make_message (self, field->descriptor);
        }
        if (*(ProtobufCMessage **)at != NULL) {
            mutate_message (self, *(ProtobufCMessage **)at);
        }
        break;
    default: {
        int64_t number = 0;
        memcpy (&number, at, value_bytes (field->type));
        number = mutate_number (self, number);
        memcpy (at, &number, value_bytes (field->type));
        break;
    }
    }
}

/* Takes an item away, doubles one, adds a new one, or changes one. */
static void
mutate_list (mutator *self, const ProtobufCFieldDescriptor *field, char **items,
             size_t *count)
{
    size_t step = value_bytes (field->type);
    size_t which = *count > 0 ? below (self, *count) : 0;
    size_t what = below (self, 5);
    if (what == 0 && *count > 0) {
        *count -= 1;
        memmove (*items + which * step, *items + (which + 1) * step,
                 (*count - which) * step);
        return;
    }
    if (what < 3 || *count == 0) {
        char *longer = bf_arena_alloc (self->arena, (*count + 1) * step);
        if (longer == NULL) {
            return;
        }
        if (*count > 0) {
            memcpy (longer, *items, *count * step);
        }
        if (what == 1 && *count > 0) {
            memcpy (longer + *count * step, *items + which * step, step);
        } else {
            mutate_value (self, field, longer + *count * step);
        }
        *items = longer;
        *count += 1;
        return;
    }
    mutate_value (self, field, *items + which * step);
}

static void
mutate_field (mutator *self, ProtobufCMessage *message,
              const ProtobufCFieldDescriptor *field)
{
    char *at = (char *)message + field->offset;
    void *quantifier = (char *)message + field->quantifier_offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        mutate_list (self, field, (char **)at, quantifier);
        return;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        uint32_t *which = quantifier;
        if (*which != field->id) {
            /* The member's memory is that of another type. */
            size_t bytes = value_bytes (field->type);
            memset (at, 0, bytes);
            *which = field->id;
        }
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE && below (self, 6) == 0) {
        *(ProtobufCMessage **)at = NULL;
        return;
    }
    mutate_value (self, field, at);
}

/* Rather a field that is there: a request is one path through a wide tree. */
static void
mutate_message (mutator *self, ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    if (descriptor->n_fields == 0) {
        return;
    }
    const ProtobufCFieldDescriptor *field =
        &descriptor->fields[below (self, descriptor->n_fields)];
    for (int tries = 0; tries < 24; tries++) {
        const char *at = (const char *)message + field->offset;
        const void *quantifier = (const char *)message + field->quantifier_offset;
        bool choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        bool there = choice ? *(const uint32_t *)quantifier == field->id
                     : field->label == PROTOBUF_C_LABEL_REPEATED
                         ? *(const size_t *)quantifier > 0
                     : field->type == PROTOBUF_C_TYPE_MESSAGE
                         ? *(ProtobufCMessage *const *)(const void *)at != NULL
                         : below (self, 4) == 0;
        if (there || below (self, 16) == 0) {
            break;
        }
        field = &descriptor->fields[below (self, descriptor->n_fields)];
    }
    mutate_field (self, message, field);
}

size_t
fuzz_mutate (const ProtobufCMessageDescriptor *descriptor, uint8_t *bytes, size_t size,
             size_t room, unsigned seed)
{
    static bf_arena *arena;
    if (arena == NULL) {
        arena = bf_arena_new (ARENA_BYTES);
    }
    mutator self = {arena, seed};
    if (arena == NULL || below (&self, 8) == 0) {
        return LLVMFuzzerMutate (bytes, size, room);
    }
    bf_arena_reset (arena);
    ProtobufCAllocator allocator = {arena_alloc, arena_free, arena};
    ProtobufCMessage *message =
        protobuf_c_message_unpack (descriptor, &allocator, size, bytes);
    if (message == NULL) {
        return LLVMFuzzerMutate (bytes, size, room);
    }
    for (size_t changes = 1 + below (&self, 4); changes > 0; changes--) {
        mutate_message (&self, message);
    }
    if (bf_arena_failed (arena) || protobuf_c_message_get_packed_size (message) > room) {
        return LLVMFuzzerMutate (bytes, size, room);
    }
    return protobuf_c_message_pack (message, bytes);
}
