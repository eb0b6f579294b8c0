/* SPDX-License-Identifier: MPL-2.0
 *
 * Walks a decoded Request along the rules: every value is checked, every default filled in,
 * unknown fields are forgotten. Whoever gets the result trusts it. Doing it twice changes
 * nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/event.h"
#include "core/token.h"
#include "messages/codec.h"
#include "messages/limits.h"
#include "messages/rules.h"
#include "messages/text.h"

typedef struct {
    bf_arena *arena;
    bf_error *error;
} walk_t;

static bf_err
refuse_memory (const walk_t *walk)
{
    return bf_fail (walk->error, BF_ENOMEM, "%s", bf_err_text (BF_ENOMEM));
}

static bf_err
check_signed (const walk_t *walk, const bf_rule *rule, int64_t *value, const bf_place *at)
{
    if (*value == 0 && rule->optional) {
        *value = rule->fallback;
        return BF_OK;
    }
    if (*value < rule->min || *value > rule->max) {
        return bf_refuse (walk->error, BF_EINVALID, at,
                          "is %" PRId64 ", allowed are %" PRId64 "..%" PRId64 " (%s)",
                          *value, rule->min, rule->max, rule->words);
    }
    return BF_OK;
}

static bf_err
check_number (const walk_t *walk, const bf_rule *rule, ProtobufCType type, void *member,
              const bf_place *at)
{
    if (type == PROTOBUF_C_TYPE_UINT64 && *(uint64_t *)member > INT64_MAX) {
        return bf_refuse (walk->error, BF_EINVALID, at,
                          "is %" PRIu64 ", allowed are %" PRId64 "..%" PRId64 " (%s)",
                          *(uint64_t *)member, rule->min, rule->max, rule->words);
    }
    if (type == PROTOBUF_C_TYPE_UINT32) {
        int64_t value = *(uint32_t *)member;
        bf_err rc = check_signed (walk, rule, &value, at);
        if (rc == BF_OK) {
            *(uint32_t *)member = (uint32_t)value;
        }
        return rc;
    }
    return check_signed (walk, rule, member, at);
}

static bf_err
check_enum (const walk_t *walk, const bf_rule *rule, const ProtobufCEnumDescriptor *known,
            int *value, const bf_place *at)
{
    if (*value == 0 && rule->optional) {
        *value = (int)rule->fallback;
        return BF_OK;
    }
    if (*value != 0 && protobuf_c_enum_descriptor_get_value (known, *value) != NULL) {
        return BF_OK;
    }
    char list[BF_ERROR_TEXT_BYTES] = "";
    size_t used = 0;
    for (unsigned i = 0; i < known->n_values && used < sizeof list; i++) {
        if (known->values[i].value != 0) {
            used += (size_t)snprintf (list + used, sizeof list - used, "%s%d %s",
                                      used > 0 ? ", " : "", known->values[i].value,
                                      known->values[i].name);
        }
    }
    return bf_refuse (walk->error, BF_EINVALID, at, "is %d, allowed are %s", *value, list);
}

static bf_err
check_name (const walk_t *walk, const bf_rule *rule, char **text, const bf_place *at)
{
    if ((*text)[0] == '\0' && rule->optional) {
        *text = (char *)rule->fallback_text;
        return BF_OK;
    }
    if (!bf_name_is_valid (*text)) {
        return bf_refuse (walk->error, BF_EINVALID, at,
                          "is %s, allowed are 1..%d of A-Z a-z 0-9 _ . -",
                          (*text)[0] == '\0' ? "missing" : "not a name", BF_NAME_BYTES);
    }
    return BF_OK;
}

/* The text is the request's own copy. */
static void
blank_out (char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\t' || *text == '\r' || *text == '\n') {
            *text = ' ';
        }
    }
}

/* TEXT and REASON. */
static bf_err
check_text (const walk_t *walk, const bf_rule *rule, char **text, const bf_place *at)
{
    size_t size = strlen (*text);
    size_t max = (size_t)rule->max;
    if (size == 0 && !rule->optional) {
        return bf_refuse (walk->error, BF_EINVALID, at,
                          "is missing, allowed are 1..%zu bytes of UTF-8", max);
    }
    if (size > max && !rule->cut) {
        return bf_refuse (walk->error, BF_EINVALID, at,
                          "has %zu bytes, allowed are %d..%zu", size,
                          rule->optional ? 0 : 1, max);
    }
    if (rule->lines) {
        blank_out (*text);
    }
    bool reason = rule->kind == BF_RULE_REASON;
    size_t flaw =
        bf_text_flaw (*text, size, reason ? BF_CONTROL_ALLOWED : BF_CONTROL_REFUSED);
    if (flaw < size) {
        return bf_refuse (walk->error, BF_EINVALID, at,
                          "has a byte 0x%02x at %zu, allowed is UTF-8%s",
                          (unsigned)(unsigned char)(*text)[flaw], flaw,
                          reason ? "" : " without control characters");
    }
    if (size > max) {
        *text = bf_arena_copy (walk->arena, *text, bf_text_cut (*text, size, max));
        if (*text == NULL) {
            *text = "";
            return refuse_memory (walk);
        }
    }
    return BF_OK;
}

static bf_err
check_bytes (const walk_t *walk, const bf_rule *rule, const ProtobufCBinaryData *bytes,
             const bf_place *at)
{
    if (bytes->len > (size_t)rule->max) {
        return bf_refuse (walk->error, BF_ETOOLARGE, at,
                          "has %zu bytes, allowed are 0..%" PRId64
                          ": keep it elsewhere and send where",
                          bytes->len, rule->max);
    }
    return BF_OK;
}

static bf_err
check_token (const walk_t *walk, const char *text, const bf_place *at)
{
    bf_token token;
    if (bf_token_parse (text, &token) != BF_OK) {
        return bf_refuse (walk->error, BF_EINVALID, at,
                          "is %s: send JOB.ORDINAL.ATTEMPT as the lease has it",
                          text[0] == '\0' ? "missing" : "not a token");
    }
    return BF_OK;
}

static bf_err
check_run_id (const walk_t *walk, const bf_rule *rule, const char *text, const bf_place *at)
{
    bf_token run;
    if (text[0] == '\0' && rule->optional) {
        return BF_OK;
    }
    if (bf_run_id_parse (text, &run) != BF_OK) {
        return bf_refuse (walk->error, BF_EINVALID, at,
                          "is %s: send JOB.ORDINAL, or JOB for its newest run",
                          text[0] == '\0' ? "missing" : "not a run");
    }
    return BF_OK;
}

static bf_err
check_kind (const walk_t *walk, const char *text, const bf_place *at)
{
    if (bf_event_find (text) == 0) {
        return bf_refuse (walk->error, BF_EINVALID, at,
                          "is not a kind of event: %s, for example, is one",
                          bf_event_name (BF_EVENT_RUN_FIRED));
    }
    return BF_OK;
}

static bf_err walk_message (walk_t *walk, const bf_rules *rules, ProtobufCMessage *message,
                            const bf_place *here);

static bf_err
check_message (walk_t *walk, const bf_rule *rule, ProtobufCMessage **message,
               const bf_place *at)
{
    if (*message == NULL && rule->made) {
        *message = bf_arena_alloc (walk->arena, rule->rules->descriptor->sizeof_message);
        if (*message == NULL) {
            return refuse_memory (walk);
        }
        protobuf_c_message_init (rule->rules->descriptor, *message);
    }
    if (*message == NULL) {
        return rule->optional ? BF_OK
                              : bf_refuse (walk->error, BF_EINVALID, at, "is missing%s%s",
                                           rule->words != NULL ? ": " : "",
                                           rule->words != NULL ? rule->words : "");
    }
    return walk_message (walk, rule->rules, *message, at);
}

/* One value, be it a field or an item of a list. */
static bf_err
check_value (walk_t *walk, const bf_rule *rule, const ProtobufCFieldDescriptor *field,
             void *member, const bf_place *at)
{
    if (field->type == PROTOBUF_C_TYPE_STRING && *(char **)member == NULL) {
        *(char **)member = "";
    }
    switch (rule->kind) {
    case BF_RULE_ANY:
        return BF_OK;
    case BF_RULE_NUMBER:
        return check_number (walk, rule, field->type, member, at);
    case BF_RULE_ENUM:
        return check_enum (walk, rule, field->descriptor, member, at);
    case BF_RULE_NAME:
        return check_name (walk, rule, member, at);
    case BF_RULE_TEXT:
    case BF_RULE_REASON:
        return check_text (walk, rule, member, at);
    case BF_RULE_BYTES:
        return check_bytes (walk, rule, member, at);
    case BF_RULE_TOKEN:
        return check_token (walk, *(char **)member, at);
    case BF_RULE_RUN_ID:
        return check_run_id (walk, rule, *(char **)member, at);
    case BF_RULE_KIND:
        return check_kind (walk, *(char **)member, at);
    case BF_RULE_MESSAGE:
        return check_message (walk, rule, member, at);
    }
    return BF_OK;
}

static size_t
item_bytes (ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_ENUM ? sizeof (int) : sizeof (void *);
}

static bool
items_equal (ProtobufCType type, const char *one, const char *other)
{
    if (type == PROTOBUF_C_TYPE_STRING) {
        return strcmp (*(char *const *)one, *(char *const *)other) == 0;
    }
    return memcmp (one, other, item_bytes (type)) == 0;
}

static uint64_t
item_hash (ProtobufCType type, const char *item)
{
    return type == PROTOBUF_C_TYPE_STRING
               ? bf_hash (*(char *const *)item, strlen (*(char *const *)item))
               : bf_hash (item, item_bytes (type));
}

/* Looks at each pair, by hashes: of a thousand tokens that takes less than their parsing.
 */
static bf_err
check_twice (const walk_t *walk, bf_twice twice, ProtobufCType type, char *items,
             size_t *count, const bf_place *list)
{
    size_t step = item_bytes (type);
    size_t kept = 0;
    uint64_t *hashes = bf_arena_alloc (walk->arena, *count * sizeof *hashes);
    if (hashes == NULL) {
        return refuse_memory (walk);
    }
    for (size_t i = 0; i < *count; i++) {
        uint64_t hash = item_hash (type, items + i * step);
        size_t same = 0;
        while (same < kept &&
               (hashes[same] != hash ||
                !items_equal (type, items + same * step, items + i * step))) {
            same++;
        }
        if (same == kept) {
            memmove (items + kept * step, items + i * step, step);
            hashes[kept] = hash;
            kept++;
        } else if (twice == BF_TWICE_REFUSED) {
            const bf_place at = {list->above, list->name, i};
            return bf_refuse (walk->error, BF_EINVALID, &at,
                              "is that of %s[%zu] already: send it once", list->name, same);
        }
    }
    *count = kept;
    return BF_OK;
}

static bf_err
check_list (walk_t *walk, const bf_rule *rule, const ProtobufCFieldDescriptor *field,
            char *items, size_t *count, const bf_place *here)
{
    const bf_place list = {here, field->name, BF_NO_INDEX};
    if (*count < rule->least || *count > rule->most) {
        return bf_refuse (walk->error, *count > rule->most ? BF_ELIMIT : BF_EINVALID, &list,
                          "has %zu items, allowed are %" PRIu32 "..%" PRIu32, *count,
                          rule->least, rule->most);
    }
    for (size_t i = 0; i < *count; i++) {
        const bf_place at = {here, field->name, i};
        bf_err rc =
            check_value (walk, rule, field, items + i * item_bytes (field->type), &at);
        if (rc != BF_OK) {
            return rc;
        }
    }
    return rule->twice == BF_TWICE_KEPT
               ? BF_OK
               : check_twice (walk, rule->twice, field->type, items, count, &list);
}

static bf_err
walk_message (walk_t *walk, const bf_rules *rules, ProtobufCMessage *message,
              const bf_place *here)
{
    const ProtobufCMessageDescriptor *descriptor = rules->descriptor;
    message->n_unknown_fields = 0;
    message->unknown_fields = NULL;
    for (size_t i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        const bf_rule *rule = bf_rule_of (rules, i);
        char *member = (char *)message + field->offset;
        char *quantifier = (char *)message + field->quantifier_offset;
        bool choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (choice && *(uint32_t *)quantifier != field->id) {
            continue;
        }
        bf_err rc;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            rc = check_list (walk, rule, field, *(char **)member, (size_t *)quantifier,
                             here);
        } else {
            /* Paths begin below the command. */
            bool command = choice && rules == &bf_request_rules;
            const bf_place at = {here, command ? NULL : field->name, BF_NO_INDEX};
            rc = check_value (walk, rule, field, member, &at);
        }
        if (rc != BF_OK) {
            return rc;
        }
    }
    return rules->relate != NULL ? rules->relate (message, here, walk->arena, walk->error)
                                 : BF_OK;
}

bf_err
bf_request_normalise (Belfry__V1__Request *request, bf_arena *arena, bf_error *error)
{
    if (request->version != BF_PROTOCOL_VERSION) {
        return bf_fail (error, BF_EVERSION,
                        "version is %" PRIu32
                        ", this daemon speaks %d: set Request.version",
                        request->version, BF_PROTOCOL_VERSION);
    }
    walk_t walk = {.arena = arena, .error = error};
    return walk_message (&walk, &bf_request_rules, &request->base, NULL);
}
