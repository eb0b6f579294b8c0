/* SPDX-License-Identifier: MPL-2.0
 *
 * The JSON printer. Strings are made safe for a terminal too: every control character is
 * escaped, and what is not UTF-8 is replaced.
 */
#include "apps/belfry/json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "apps/belfry/utf8.h"
#include "apps/belfry/words.h"
#include "core/base/time.h"

#include "belfry.pb-c.h"

/* The int64 fields that are lengths of time; every other one whose name ends in _us is an
 * instant. */
static const char *const durations[] = {
    "after_us",       "delay_us",         "delays_us",       "delta_us",
    "events_us",      "finals_us",        "for_us",          "grace_us",
    "interval_us",    "jitter_us",        "lateness_us",     "lease_us",
    "max_age_us",     "max_delay_us",     "oldest_ready_us", "remind_before_us",
    "run_timeout_us", "start_timeout_us", "wait_us",         "window_us",
};

/* Instants that events give on the clock that they were reckoned on: this one always the
 * boot clock, */
static const char boot_instant[] = "timer_us";
/* and these the job's own, which the event names. */
static const char *const own_clock_instants[] = {
    "armed_us", "due_us", "first_due_us", "last_due_us", "remind_us", "wake_us",
};

typedef struct {
    FILE *out;
    bool event; /* inside an event */
    bool boot;  /* and of a job that counts on the boot clock */
} printer;

static void
put_text (FILE *out, const uint8_t *bytes, size_t size)
{
    fputc ('"', out);
    for (size_t at = 0; at < size;) {
        uint32_t character = 0;
        size_t used = bf_cli_utf8_next (bytes + at, size - at, &character);
        if (used == 0) {
            fputs ("\\ufffd", out);
            at += 1;
            continue;
        }
        if (character == '"' || character == '\\') {
            fprintf (out, "\\%c", (int)character);
        } else if (character == '\n') {
            fputs ("\\n", out);
        } else if (bf_cli_utf8_is_control (character)) {
            fprintf (out, "\\u%04" PRIx32, character);
        } else {
            fwrite (bytes + at, 1, used, out);
        }
        at += used;
    }
    fputc ('"', out);
}

static void
put_base64 (FILE *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    fputs ("{\"base64\":\"", out);
    for (size_t at = 0; at < size; at += 3) {
        size_t left = size - at;
        uint32_t group = (uint32_t)bytes[at] << 16;
        group |= left > 1 ? (uint32_t)bytes[at + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)bytes[at + 2] : 0;
        fputc (digits[group >> 18], out);
        fputc (digits[group >> 12 & 63], out);
        fputc (left > 1 ? digits[group >> 6 & 63] : '=', out);
        fputc (left > 2 ? digits[group & 63] : '=', out);
    }
    fputs ("\"}", out);
}

static void
put_bytes (FILE *out, const ProtobufCBinaryData *bytes)
{
    if (bf_cli_utf8_is_text (bytes->data, bytes->len)) {
        put_text (out, bytes->data, bytes->len);
    } else {
        put_base64 (out, bytes->data, bytes->len);
    }
}

static bool
ends_with (const char *name, const char *end)
{
    size_t length = strlen (name), tail = strlen (end);
    return length >= tail && !strcmp (name + length - tail, end);
}

static bool
is_one_of (const char *name, const char *const *names, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        if (!strcmp (name, names[index])) {
            return true;
        }
    }
    return false;
}

#define IS_ONE_OF(name, names) is_one_of ((name), (names), sizeof (names) / sizeof *(names))

static void
put_int64 (const printer *self, const ProtobufCFieldDescriptor *field, int64_t value)
{
    bool number = (self->event && !strcmp (field->name, boot_instant)) ||
                  (self->boot && IS_ONE_OF (field->name, own_clock_instants));
    if (!ends_with (field->name, "_us")) {
        fprintf (self->out, "\"%" PRId64 "\"", value);
        return;
    }
    if (IS_ONE_OF (field->name, durations)) {
        fprintf (self->out, "%" PRId64, value);
        return;
    }
    if (value == 0 && !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)) {
        fputs ("null", self->out);
    } else if (number) {
        fprintf (self->out, "%" PRId64, value);
    } else {
        char iso[BF_ISO_BYTES];
        fprintf (self->out, "\"%s\"", bf_wall_format ((bf_wall){value}, iso));
    }
}

static void
put_enum (FILE *out, const ProtobufCEnumDescriptor *words, int value)
{
    char word[BF_CLI_WORD_BYTES];
    if (value == 0) {
        fputs ("null", out);
    } else if (protobuf_c_enum_descriptor_get_value (words, value)) {
        fprintf (out, "\"%s\"", bf_cli_word (words, value, word));
    } else {
        fprintf (out, "%d", value);
    }
}

static void put_message (const printer *self, const ProtobufCMessage *message);

/* One value that stands at `at` in the memory of its message. */
static void
put_value (const printer *self, const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        fprintf (self->out, "%" PRId32, *(const int32_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        fprintf (self->out, "%" PRIu32, *(const uint32_t *)at);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        put_int64 (self, field, *(const int64_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        fprintf (self->out, "\"%" PRIu64 "\"", *(const uint64_t *)at);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        fprintf (self->out, "%.9g", (double)*(const float *)at);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        fprintf (self->out, "%.17g", *(const double *)at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        fputs (*(const protobuf_c_boolean *)at ? "true" : "false", self->out);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_enum (self->out, field->descriptor, *(const int *)at);
        break;
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(const char *const *)at;
        put_text (self->out, (const uint8_t *)text, text ? strlen (text) : 0);
        break;
    }
    case PROTOBUF_C_TYPE_BYTES:
        put_bytes (self->out, at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        put_message (self, *(const ProtobufCMessage *const *)at);
        break;
    }
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
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof (void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof (ProtobufCBinaryData);
    default:
        return 4;
    }
}

static void
put_repeated (const printer *self, const ProtobufCFieldDescriptor *field,
              const uint8_t *values, size_t count)
{
    fputc ('[', self->out);
    for (size_t index = 0; index < count; index++) {
        if (index > 0) {
            fputc (',', self->out);
        }
        put_value (self, field, values + index * value_bytes (field->type));
    }
    fputc (']', self->out);
}

/* Whether the field has something to show. */
static bool
is_shown (const ProtobufCFieldDescriptor *field, const uint8_t *message)
{
    const void *at = message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return true;
    }
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t which =
            *(const uint32_t *)(const void *)(message + field->quantifier_offset);
        return which == field->id;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return *(const void *const *)at != NULL;
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        return ((const ProtobufCBinaryData *)at)->len > 0;
    }
    return true;
}

static void
put_message (const printer *parent, const ProtobufCMessage *message)
{
    printer self = *parent;
    if (message->descriptor == &belfry__v1__event__descriptor) {
        self.event = true;
        self.boot = ((const Belfry__V1__Event *)message)->clock != 0;
    }
    const uint8_t *memory = (const uint8_t *)message;
    const char *separator = "";
    fputc ('{', self.out);
    for (unsigned index = 0; index < message->descriptor->n_fields; index++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[index];
        if (!is_shown (field, memory)) {
            continue;
        }
        fprintf (self.out, "%s\"%s\":", separator, field->name);
        separator = ",";
        const void *at = memory + field->offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            const void *count = memory + field->quantifier_offset;
            put_repeated (&self, field, *(const uint8_t *const *)at,
                          *(const size_t *)count);
        } else {
            put_value (&self, field, at);
        }
    }
    fputc ('}', self.out);
}

void
bf_cli_json_print (FILE *out, const ProtobufCMessage *message)
{
    printer self = {.out = out};
    put_message (&self, message);
    fputc ('\n', out);
}
