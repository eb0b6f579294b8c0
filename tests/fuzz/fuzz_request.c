/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_request_decode: any bytes of a peer are refused with a sentence that a peer can read,
 * or become a request that is within every limit of belfry.proto and that decodes to itself
 * once more. The limits are said here again, by the names of the fields.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "messages/codec.h"
#include "messages/limits.h"
#include "messages/text.h"
#include "tests/fuzz/mutate.h"

static bf_arena *arena; /* what a daemon gives it */
static bf_arena *other;

size_t
LLVMFuzzerCustomMutator (uint8_t *bytes, size_t size, size_t room, unsigned seed)
{
    return fuzz_mutate (&belfry__v1__request__descriptor, bytes, size, room, seed);
}

/* Texts and bytes: their longest. 0 in `least`: may be empty. */
static const struct {
    const char *field;
    size_t least;
    size_t most;
    bool name; /* of [A-Za-z0-9_.-] alone, where it is not empty */
    bool controls;
} text_limits[] = {
    {"client", 1, 64, false, false},      {"request_id", 1, 64, false, false},
    {"ns", 0, 64, true, false},           {"type", 0, 64, true, false},
    {"key", 0, 256, false, false},        {"content_type", 0, 128, false, false},
    {"tags", 1, 64, false, false},        {"reason", 0, 1024, false, true},
    {"key_prefix", 0, 256, false, false}, {"types", 1, 64, true, false},
    {"worker", 0, 64, false, false},      {"token", 5, 42, true, false},
    {"tokens", 5, 42, true, false},       {"run", 0, 31, true, false},
    {"kinds", 1, 64, true, false},        {"name", 0, 64, true, false},
    {"cron", 1, 256, false, false},       {"daily", 1, 256, false, false},
    {"rrule", 1, 4096, false, false},     {"tz", 0, 64, false, false},
    {"exclude", 1, 64, true, false},      {"dates", 1, 64, false, false},
    {"windows", 1, 64, false, false},     {"payload", 0, 65536, false, true},
    {"result", 0, 65536, false, true},    {"reminder_type", 0, 64, true, false},
};

#define DAY INT64_C (86400000000)
#define YEARS_100 (36525 * DAY)
#define YEAR_2400 INT64_C (13569465600000000)

/* Numbers by name, where 0 is good too unless it is said not to be. */
static const struct {
    const char *field;
    bool zero;
    int64_t least;
    int64_t most;
} number_limits[] = {
    {"version", true, 1, 1}, /* of a calendar 0 */
    {"max_attempts", false, 1, 1000},
    {"delay_us", false, 1000, 30 * DAY},
    {"delays_us", false, 1000, 30 * DAY},
    {"factor_permille", false, 1000, 10000},
    {"max_delay_us", false, 1000, 30 * DAY},
    {"jitter_percent", true, 0, 50},
    {"max_age_us", true, 1000, YEARS_100},
    {"interval_us", false, 10000, YEARS_100},
    {"anchor_us", true, 0, YEAR_2400},
    {"at_us", true, INT64_MIN, YEAR_2400},
    {"after_us", true, 0, YEARS_100},
    {"start_us", true, 0, YEAR_2400},
    {"end_us", true, 0, YEAR_2400},
    {"jitter_us", true, 0, 30 * DAY},
    {"lease_us", false, 100000, DAY},
    {"run_timeout_us", true, 100000, 30 * DAY},
    {"start_timeout_us", true, 1000, YEARS_100},
    {"grace_us", false, 1000, YEARS_100},
    {"catchup_max", false, 1, 1000},
    {"max", false, 1, 100},
    {"wait_us", true, 0, 60000000},
    {"for_us", true, 0, 366 * DAY},
    {"max_runs", true, 1, UINT32_MAX},
    {"from_us", true, 0, YEAR_2400},
    {"until_us", true, 0, YEAR_2400},
    {"limit", false, 1, 1000},
    {"id", true, 0, INT64_MAX},
    {"cursor", true, 0, INT64_MAX},
    {"after_seq", true, 0, INT64_MAX},
    {"finals_us", true, 0, YEARS_100},
    {"events_us", true, 0, YEARS_100},
    {"remind_before_us", false, 1000, 366 * DAY},
    {"window_us", true, 1000, 366 * DAY},
};

static const struct {
    const char *field;
    size_t least;
    size_t most;
} list_limits[] = {
    {"jobs", 1, 1000}, {"tags", 0, 8},      {"states", 0, 64},  {"items", 1, 1000},
    {"types", 0, 64},  {"tokens", 1, 1000}, {"kinds", 0, 64},   {"delays_us", 0, 100},
    {"exclude", 0, 8}, {"dates", 0, 1000},  {"windows", 0, 64}, {"remind_before_us", 0, 16},
};

#define COUNT(list) (sizeof (list) / sizeof (list)[0])

static void
check_text (const ProtobufCFieldDescriptor *field, const void *bytes, size_t size)
{
    for (size_t i = 0; i < COUNT (text_limits); i++) {
        if (strcmp (text_limits[i].field, field->name) != 0) {
            continue;
        }
        FUZZ_CHECK (size >= text_limits[i].least && size <= text_limits[i].most,
                    "%s has %zu bytes", field->name, size);
        if (field->type == PROTOBUF_C_TYPE_BYTES) {
            return;
        }
        bf_control control =
            text_limits[i].controls ? BF_CONTROL_ALLOWED : BF_CONTROL_REFUSED;
        FUZZ_CHECK (bf_text_flaw (bytes, size, control) == size, "%s: its bytes",
                    field->name);
        FUZZ_CHECK (!text_limits[i].name ||
                        strspn (bytes,
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789_.-") == size,
                    "%s is no name", field->name);
        return;
    }
    FUZZ_CHECK (false, "%s has no limit here: say it in text_limits", field->name);
}

static void
check_number (const ProtobufCFieldDescriptor *field, int64_t number)
{
    for (size_t i = 0; i < COUNT (number_limits); i++) {
        if (strcmp (number_limits[i].field, field->name) == 0) {
            bool zero = number == 0 && number_limits[i].zero;
            FUZZ_CHECK (zero || (number >= number_limits[i].least &&
                                 number <= number_limits[i].most),
                        "%s is %lld", field->name, (long long)number);
        }
    }
}

static void check_message (const ProtobufCMessage *message);

static void
check_value (const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(const char *const *)at;
        check_text (field, text, strlen (text));
        break;
    }
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *bytes = at;
        check_text (field, bytes->data, bytes->len);
        break;
    }
    case PROTOBUF_C_TYPE_ENUM: {
        int value = *(const int *)at;
        FUZZ_CHECK (protobuf_c_enum_descriptor_get_value (field->descriptor, value) != NULL,
                    "%s is %d", field->name, value);
        break;
    }
    case PROTOBUF_C_TYPE_UINT32:
        check_number (field, *(const uint32_t *)at);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        check_number (field, *(const int64_t *)at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (*(const ProtobufCMessage *const *)at != NULL) {
            check_message (*(const ProtobufCMessage *const *)at);
        }
        break;
    default:
        break;
    }
}

static void
check_list (const ProtobufCFieldDescriptor *field, const char *items, size_t count)
{
    bool known = false;
    for (size_t i = 0; i < COUNT (list_limits); i++) {
        if (strcmp (list_limits[i].field, field->name) == 0) {
            known = true;
            FUZZ_CHECK (count >= list_limits[i].least && count <= list_limits[i].most,
                        "%s has %zu items", field->name, count);
        }
    }
    FUZZ_CHECK (known, "%s has no limit here: say it in list_limits", field->name);
    size_t step = field->type == PROTOBUF_C_TYPE_ENUM ? sizeof (int) : sizeof (void *);
    for (size_t i = 0; i < count; i++) {
        check_value (field, items + i * step);
    }
}

static void
check_message (const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    FUZZ_CHECK (message->n_unknown_fields == 0, "%s has unknown fields", descriptor->name);
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        const char *at = (const char *)message + field->offset;
        const void *quantifier = (const char *)message + field->quantifier_offset;
        bool choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (choice && *(const uint32_t *)quantifier != field->id) {
            continue;
        }
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            check_list (field, *(const char *const *)(const void *)at,
                        *(const size_t *)quantifier);
        } else {
            check_value (field, at);
        }
    }
}

/* A JobSpec says what and when. */
static void
check_jobs (const Belfry__V1__Schedule *schedule)
{
    for (size_t i = 0; i < schedule->n_jobs; i++) {
        const Belfry__V1__JobSpec *spec = schedule->jobs[i];
        FUZZ_CHECK (spec->type[0] != '\0' && spec->trigger_case != 0, "job %zu", i);
        FUZZ_CHECK (spec->ns[0] != '\0' && spec->retry != NULL, "job %zu: defaults", i);
        FUZZ_CHECK (spec->end_us == 0 || spec->start_us == 0 ||
                        spec->end_us >= spec->start_us,
                    "job %zu ends before it starts", i);
        FUZZ_CHECK (spec->retry->max_delay_us >= spec->retry->delay_us ||
                        spec->retry->n_delays_us > 0,
                    "job %zu: its longest delay is the shorter one", i);
    }
}

static void
check_accepted (Belfry__V1__Request *request)
{
    bf_error error = {0};
    Belfry__V1__Request *again = NULL;
    FUZZ_CHECK (request->command_case != 0, "no command");
    FUZZ_CHECK (request->version == 1, "version is %u", request->version);
    check_message (&request->base);
    if (request->command_case == BELFRY__V1__REQUEST__COMMAND_SCHEDULE) {
        check_jobs (request->schedule);
    }
    bf_request_is_stored (request);
    bf_arena_reset (other);
    size_t size = 0;
    uint8_t *bytes = bf_pack (&request->base, other, &size);
    FUZZ_CHECK (bytes != NULL, "no memory");
    uint64_t before = bf_request_fingerprint (request, other);
    FUZZ_CHECK (before != 0, "no memory");
    FUZZ_CHECK (bf_request_decode (bytes, size, other, &again, &error) == BF_OK,
                "what was accepted is refused: %s", error.text);
    size_t size_again = 0;
    uint8_t *bytes_again = bf_pack (&again->base, other, &size_again);
    FUZZ_CHECK (bytes_again != NULL && size == size_again &&
                    memcmp (bytes, bytes_again, size) == 0,
                "it is another request the second time");
    FUZZ_CHECK (bf_request_fingerprint (again, other) == before, "its fingerprint");
    FUZZ_CHECK (bf_request_normalise (request, arena, &error) == BF_OK, "%s", error.text);
    FUZZ_CHECK (bf_request_fingerprint (request, other) == before, "normalised twice");
}

/* What the gateway answers can be read, and names the request where that has a name. */
static void
check_refused (const Belfry__V1__Request *request, bf_err rc, const bf_error *error)
{
    FUZZ_CHECK (error->code == rc && error->text[0] != '\0', "%s without a sentence",
                bf_err_name (rc));
    FUZZ_CHECK (rc == BF_EMALFORMED || rc == BF_EVERSION || rc == BF_EINVALID ||
                    rc == BF_ETOOLARGE || rc == BF_ELIMIT,
                "%s: %s", bf_err_name (rc), error->text);
    FUZZ_CHECK (request == NULL || request->command_case == 0, "a command was let through");
    bf_arena_reset (other);
    const char *id = request != NULL ? request->request_id : NULL;
    FUZZ_CHECK (id == NULL ||
                    (strlen (id) <= BF_REQUEST_ID_BYTES &&
                     bf_text_flaw (id, strlen (id), BF_CONTROL_REFUSED) == strlen (id)),
                "a request_id that cannot be repeated");
    size_t size = 0;
    uint8_t *bytes = bf_reply_error (other, id, rc, error->text, &size);
    FUZZ_CHECK (bytes != NULL, "no memory");
    Belfry__V1__Reply *reply = belfry__v1__reply__unpack (NULL, size, bytes);
    FUZZ_CHECK (reply != NULL, "the refusal cannot be read");
    FUZZ_CHECK (bf_text_flaw (reply->text, strlen (reply->text), BF_CONTROL_ALLOWED) ==
                    strlen (reply->text),
                "the refusal is no UTF-8");
    FUZZ_CHECK (reply->code == (Belfry__V1__Code)bf_err_wire (rc), "its code");
    FUZZ_CHECK (strcmp (reply->request_id, id != NULL ? id : "") == 0, "its request_id");
    belfry__v1__reply__free_unpacked (reply, NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    if (arena == NULL) {
        arena = bf_arena_new (BF_DECODE_BYTES);
        other = bf_arena_new (2 * BF_DECODE_BYTES);
        FUZZ_CHECK (arena != NULL && other != NULL, "no memory");
    }
    bf_arena_reset (arena);
    Belfry__V1__Request *request = NULL;
    bf_error error = {0};
    bf_err rc = bf_request_decode (bytes, size, arena, &request, &error);
    if (rc == BF_OK) {
        FUZZ_CHECK (request != NULL, "accepted, but not there");
        check_accepted (request);
    } else {
        check_refused (request, rc, &error);
    }
    return 0;
}
