/* SPDX-License-Identifier: MPL-2.0
 *
 * Walks protobuf-c's descriptors by the names of fields. Out of memory fails the test.
 */
#include "tests/support/request.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

#define PATH_BYTES 128

static void *
take (bf_arena *arena, size_t size)
{
    void *bytes = bf_arena_alloc (arena, size);
    assert_non_null (bytes);
    return bytes;
}

static ProtobufCMessage *
make (bf_arena *arena, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = take (arena, descriptor->sizeof_message);
    protobuf_c_message_init (descriptor, message);
    return message;
}

static void *
member_of (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (char *)message + field->offset;
}

static size_t *
count_of (ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (size_t *)(void *)((char *)message + field->quantifier_offset);
}

static size_t
item_bytes (const ProtobufCFieldDescriptor *field)
{
    bool small =
        field->type == PROTOBUF_C_TYPE_ENUM || field->type == PROTOBUF_C_TYPE_UINT32;
    return small ? sizeof (int) : sizeof (void *);
}

/* Makes the list long enough; returns its items. */
static char *
grow (bf_arena *arena, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
      size_t count)
{
    size_t *have = count_of (message, field);
    char **items = member_of (message, field);
    if (count > *have) {
        char *longer = take (arena, count * item_bytes (field));
        if (*have > 0) {
            memcpy (longer, *items, *have * item_bytes (field));
        }
        *items = longer;
        for (; *have < count; ++*have) {
            if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                ((ProtobufCMessage **)(void *)longer)[*have] =
                    make (arena, field->descriptor);
            }
        }
    }
    return *items;
}

/* Cuts "jobs[3]" off the path. Returns the index, 0 where there is none. */
static size_t
next_name (const char **path, char name[PATH_BYTES])
{
    size_t length = strcspn (*path, ".[");
    assert_true (length < PATH_BYTES);
    memcpy (name, *path, length);
    name[length] = '\0';
    *path += length;
    size_t index = 0;
    if (**path == '[') {
        char *end;
        index = strtoul (*path + 1, &end, 10);
        assert_int_equal (*end, ']');
        *path = end + 1;
    }
    if (**path == '.') {
        ++*path;
    }
    return index;
}

static const ProtobufCFieldDescriptor *
find_field (const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name (message->descriptor, name);
    if (field == NULL) {
        fail_msg ("%s has no field %s", message->descriptor->name, name);
    }
    return field;
}

static char *
text_value (bf_arena *arena, const char *value)
{
    if (value[0] != '*') {
        char *copy = bf_arena_string (arena, value);
        assert_non_null (copy);
        return copy;
    }
    size_t size = strtoul (value + 1, NULL, 10);
    char *text = take (arena, size + 1);
    memset (text, 'x', size);
    return text;
}

/* One value, where member points. */
static void
set_value (bf_arena *arena, const ProtobufCFieldDescriptor *field, void *member,
           const char *value)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(char **)member = text_value (arena, value);
        break;
    case PROTOBUF_C_TYPE_BYTES: {
        char *text = text_value (arena, value);
        *(ProtobufCBinaryData *)member = (ProtobufCBinaryData){strlen (text), (void *)text};
        break;
    }
    case PROTOBUF_C_TYPE_INT64:
        *(int64_t *)member = strtoll (value, NULL, 10);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        *(uint64_t *)member = strtoull (value, NULL, 10);
        break;
    case PROTOBUF_C_TYPE_UINT32:
        *(uint32_t *)member = (uint32_t)strtoul (value, NULL, 10);
        break;
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_BOOL:
        *(int *)member = (int)strtol (value, NULL, 10);
        break;
    default:
        fail_msg ("no value can be given to %s", field->name);
    }
}

static void
set_leaf (bf_arena *arena, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
          const char *value)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED && value[0] == '#') {
        size_t count = strtoul (value + 1, NULL, 10);
        char *items = grow (arena, message, field, count);
        for (size_t i = 0; i < count && field->type == PROTOBUF_C_TYPE_STRING; i++) {
            ((char **)(void *)items)[i] = bf_arena_printf (arena, "1.1.%zu", i + 1);
        }
    } else if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *count_of (message, field);
        char *items = grow (arena, message, field, count + 1);
        set_value (arena, field, items + count * item_bytes (field), value);
    } else {
        set_value (arena, field, member_of (message, field), value);
    }
}

/* The sub-message of a field, made where it is not there. */
static ProtobufCMessage *
enter (bf_arena *arena, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
       size_t index)
{
    assert_int_equal (field->type, PROTOBUF_C_TYPE_MESSAGE);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        char *items = grow (arena, message, field, index + 1);
        return ((ProtobufCMessage **)(void *)items)[index];
    }
    ProtobufCMessage **member = member_of (message, field);
    /* In a oneof there may be another message. */
    if (*member == NULL || (*member)->descriptor != field->descriptor) {
        *member = make (arena, field->descriptor);
    }
    return *member;
}

static void
assign (ProtobufCMessage *message, bf_arena *arena, const char *path, const char *value)
{
    while (*path != '\0') {
        char name[PATH_BYTES];
        size_t index = next_name (&path, name);
        const ProtobufCFieldDescriptor *field = find_field (message, name);
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            *(uint32_t *)(void *)((char *)message + field->quantifier_offset) = field->id;
        }
        if (*path == '\0' && value != NULL) {
            set_leaf (arena, message, field, value);
        } else {
            message = enter (arena, message, field, index);
        }
    }
}

/* Cuts the next "path=value" off a copy of the text: returns the path, or NULL at the end;
 * *value is NULL where there is none. */
static char *
next_assignment (char **rest, char **value)
{
    char *word = *rest + strspn (*rest, " ");
    if (*word == '\0') {
        return NULL;
    }
    *rest = word + strcspn (word, " ");
    if (**rest != '\0') {
        *(*rest)++ = '\0';
    }
    *value = strchr (word, '=');
    if (*value != NULL) {
        *(*value)++ = '\0';
        for (char *at = *value; *at != '\0'; at++) {
            *at = *at == '^' ? ' ' : *at;
        }
    }
    return word;
}

void
request_fill (ProtobufCMessage *message, bf_arena *arena, const char *text)
{
    char *rest = bf_arena_string (arena, text);
    assert_non_null (rest);
    char *value;
    char *path;
    while ((path = next_assignment (&rest, &value)) != NULL) {
        assign (message, arena, path, value);
    }
}

Belfry__V1__Request *
request_make (bf_arena *arena, const char *text)
{
    ProtobufCMessage *request = make (arena, &belfry__v1__request__descriptor);
    request_fill (request, arena, "version=1 client=c request_id=r");
    request_fill (request, arena, text);
    return (Belfry__V1__Request *)request;
}

static const char *
read_value (bf_arena *arena, const ProtobufCFieldDescriptor *field, const void *member)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return *(char *const *)member;
    case PROTOBUF_C_TYPE_BYTES:
        return bf_arena_printf (arena, "%zu", ((const ProtobufCBinaryData *)member)->len);
    case PROTOBUF_C_TYPE_INT64:
        return bf_arena_printf (arena, "%" PRId64, *(const int64_t *)member);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return bf_arena_printf (arena, "%" PRIu64, *(const uint64_t *)member);
    case PROTOBUF_C_TYPE_UINT32:
        return bf_arena_printf (arena, "%" PRIu32, *(const uint32_t *)member);
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_BOOL:
        return bf_arena_printf (arena, "%d", *(const int *)member);
    default:
        return *(void *const *)member != NULL ? "set" : "-";
    }
}

static const char *
read_list (bf_arena *arena, const ProtobufCFieldDescriptor *field, const char *items,
           size_t count)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return bf_arena_printf (arena, "%zu", count);
    }
    const char *all = "";
    for (size_t i = 0; i < count; i++) {
        all = bf_arena_printf (arena, "%s%s%s", all, i > 0 ? "," : "",
                               read_value (arena, field, items + i * item_bytes (field)));
        assert_non_null (all);
    }
    return all;
}

const char *
request_read (ProtobufCMessage *message, bf_arena *arena, const char *path)
{
    for (;;) {
        char name[PATH_BYTES];
        size_t index = next_name (&path, name);
        const ProtobufCFieldDescriptor *field = find_field (message, name);
        char *member = member_of (message, field);
        bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
            *(uint32_t *)(void *)((char *)message + field->quantifier_offset) !=
                field->id) {
            return "-";
        }
        if (*path == '\0') {
            return list ? read_list (arena, field, *(char **)(void *)member,
                                     *count_of (message, field))
                        : read_value (arena, field, member);
        }
        if (list && index >= *count_of (message, field)) {
            return "-";
        }
        ProtobufCMessage **below = list ? *(ProtobufCMessage ***)(void *)member + index
                                        : (ProtobufCMessage **)(void *)member;
        if (*below == NULL) {
            return "-";
        }
        message = *below;
    }
}

void
request_expect (ProtobufCMessage *message, bf_arena *arena, const char *text)
{
    char *rest = bf_arena_string (arena, text);
    assert_non_null (rest);
    char *value;
    char *path;
    while ((path = next_assignment (&rest, &value)) != NULL) {
        const char *found = request_read (message, arena, path);
        if (value == NULL || strcmp (found, value) != 0) {
            fail_msg ("%s is '%s', expected '%s'", path, found, value);
        }
    }
}
