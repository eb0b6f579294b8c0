/* SPDX-License-Identifier: MPL-2.0
 *
 * Packing from the end: the same bytes as protobuf-c's, for random messages of every kind
 * that the .proto files have.
 */
#include "messages/pack.h"

#include <string.h>

#include "core/base/hash.h"
#include "tests/support/cmocka.h"

#include "belfry.pb-c.h"
#include "internal.pb-c.h"

#define ROUNDS 400
#define DEPTH 6

static const ProtobufCMessageDescriptor *const roots[] = {
    &belfry__v1__request__descriptor,
    &belfry__v1__reply__descriptor,
    &belfry__v1__event__descriptor,
    &belfry__v1__feed_heartbeat__descriptor,
    &belfry__internal__to_store__descriptor,
    &belfry__internal__to_clock__descriptor,
    &belfry__internal__to_retry__descriptor,
    &belfry__internal__to_dispatcher__descriptor,
    &belfry__internal__to_gateway__descriptor,
    &belfry__internal__to_feed__descriptor,
    &belfry__internal__stored_answer__descriptor,
};

typedef struct {
    bf_arena *arena;
    uint64_t state;
} dice;

static uint64_t
roll (dice *self)
{
    self->state = bf_mix (self->state + 1);
    return self->state;
}

/* Often nothing, often small, sometimes with all its bits. */
static uint64_t
number (dice *self)
{
    uint64_t value = roll (self);
    return value % 3 == 0 ? 0 : value >> (roll (self) % 64);
}

static char *
word (dice *self)
{
    size_t size = roll (self) % 4 == 0 ? 0 : roll (self) % 300;
    char *text = bf_arena_alloc (self->arena, size + 1);
    memset (text, 'a' + (int)(size % 26), size);
    return text;
}

static ProtobufCMessage *message (dice *self, const ProtobufCMessageDescriptor *kind,
                                  int depth);

static void
fill (dice *self, const ProtobufCFieldDescriptor *field, uint8_t *at, int depth)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)at =
            depth > 0 ? message (self, field->descriptor, depth - 1) : NULL;
        break;
    case PROTOBUF_C_TYPE_STRING:
        *(char **)at = word (self);
        break;
    case PROTOBUF_C_TYPE_BYTES: {
        char *text = word (self);
        *(ProtobufCBinaryData *)at = (ProtobufCBinaryData){strlen (text), (uint8_t *)text};
        break;
    }
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = (protobuf_c_boolean)(roll (self) & 1);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        *(int32_t *)at = roll (self) % 9 == 0 ? -1 : (int32_t)(roll (self) % 5);
        break;
    case PROTOBUF_C_TYPE_UINT32:
        *(uint32_t *)at = (uint32_t)number (self);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        *(uint64_t *)at = number (self);
        break;
    default:
        fail_msg ("%s: a kind of field that messages/pack.c does not know", field->name);
    }
}

static size_t
element (ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof (ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_UINT32:
        return sizeof (uint32_t);
    default:
        return sizeof (uint64_t);
    }
}

static void
fill_list (dice *self, const ProtobufCFieldDescriptor *field, uint8_t *bytes, int depth)
{
    size_t count =
        depth > 0 || field->type != PROTOBUF_C_TYPE_MESSAGE ? roll (self) % 4 : 0;
    size_t size = element (field->type);
    uint8_t *items = bf_arena_alloc (self->arena, count * size);
    for (size_t i = 0; i < count; i++) {
        fill (self, field, items + i * size, depth);
    }
    *(size_t *)(bytes + field->quantifier_offset) = count;
    *(uint8_t **)(bytes + field->offset) = items;
}

static ProtobufCMessage *
message (dice *self, const ProtobufCMessageDescriptor *kind, int depth)
{
    ProtobufCMessage *made = bf_arena_alloc (self->arena, kind->sizeof_message);
    assert_non_null (made);
    protobuf_c_message_init (kind, made);
    uint8_t *bytes = (uint8_t *)made;
    for (unsigned i = 0; i < kind->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &kind->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            fill_list (self, field, bytes, depth);
        } else if (roll (self) % 3 == 0) {
            continue;
        } else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            uint32_t *chosen = (uint32_t *)(bytes + field->quantifier_offset);
            if (*chosen == 0 && roll (self) % 4 == 0) {
                *chosen = field->id;
                fill (self, field, bytes + field->offset, depth);
            }
        } else {
            fill (self, field, bytes + field->offset, depth);
        }
    }
    return made;
}

static void
expect_same (const ProtobufCMessage *made, bf_arena *arena)
{
    size_t expected = protobuf_c_message_get_packed_size (made);
    uint8_t *bytes = bf_arena_alloc (arena, expected);
    protobuf_c_message_pack (made, bytes);
    size_t size = 0;
    uint8_t *packed = bf_pack (made, arena, &size);
    assert_non_null (packed);
    assert_int_equal (size, expected);
    if (size > 0) {
        assert_memory_equal (packed, bytes, size);
    }
}

static void
test_random (void **state)
{
    (void)state;
    dice self = {bf_arena_new ((size_t)256 * 1024 * 1024), 1};
    for (size_t root = 0; root < sizeof roots / sizeof roots[0]; root++) {
        for (int round = 0; round < ROUNDS; round++) {
            expect_same (message (&self, roots[root], round % DEPTH), self.arena);
            bf_arena_reset (self.arena);
        }
    }
    bf_arena_destroy (&self.arena);
}

/* Fields that a reader of an older version does not know stay, behind the others. */
static void
test_unknown_fields (void **state)
{
    (void)state;
    /* seq = 5, field 1000 with 3 bytes, field 1001 = 300, kind = "k". */
    static const uint8_t bytes[] = {0x18, 5,    0xc2, 0x3e, 3,    'a', 'b', 'c',
                                    0xc8, 0x3e, 0xac, 0x02, 0x32, 1,   'k'};
    bf_arena *arena = bf_arena_new (64 * 1024);
    Belfry__V1__Event *event = belfry__v1__event__unpack (NULL, sizeof bytes, bytes);
    assert_non_null (event);
    assert_int_equal (event->base.n_unknown_fields, 2);
    expect_same (&event->base, arena);
    belfry__v1__event__free_unpacked (event, NULL);
    bf_arena_destroy (&arena);
}

static void
test_sizes (void **state)
{
    (void)state;
    bf_arena *arena = bf_arena_new ((size_t)16 * 1024 * 1024);
    static uint8_t payload[300000];
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    expect_same (&spec.base, arena);
    spec.payload.data = payload;
    for (size_t size = 1; size < sizeof payload; size = size * 3 / 2 + 1) {
        memset (payload, (int)size, size);
        spec.payload.len = size;
        expect_same (&spec.base, arena);
    }
    bf_arena_destroy (&arena);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_random),
        cmocka_unit_test (test_unknown_fields),
        cmocka_unit_test (test_sizes),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
