/* SPDX-License-Identifier: MPL-2.0
 *
 * Messages as JSON: every kind of field, and the rules of `belfry help json`.
 */
#include "apps/belfry/json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "belfry.pb-c.h"
#include "tests/support/cmocka.h"

static char *
printed (const ProtobufCMessage *message)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    assert_non_null (out);
    bf_cli_json_print (out, message);
    assert_int_equal (fclose (out), 0);
    return text;
}

static void
expect (const ProtobufCMessage *message, const char *line)
{
    char *text = printed (message);
    assert_string_equal (text, line);
    free (text);
}

static void
expect_part (const ProtobufCMessage *message, const char *part)
{
    char *text = printed (message);
    if (!strstr (text, part)) {
        fail_msg ("%s is not in %s", part, text);
    }
    free (text);
}

static void
test_defaults (void **state)
{
    (void)state;
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__Cancel cancel = BELFRY__V1__CANCEL__INIT;
    Belfry__V1__ClaimReply claim = BELFRY__V1__CLAIM_REPLY__INIT;
    expect (&ref.base, "{\"id\":\"0\",\"ns\":\"\",\"key\":\"\"}\n");
    expect (&cancel.base, "{\"reason\":\"\",\"dry_run\":false,\"if_version\":0}\n");
    cancel.job = &ref;
    expect (&cancel.base,
            "{\"job\":{\"id\":\"0\",\"ns\":\"\",\"key\":\"\"},\"reason\":\"\","
            "\"dry_run\":false,\"if_version\":0}\n");
    expect (&claim.base, "{\"leases\":[]}\n");
}

static void
test_numbers (void **state)
{
    (void)state;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    job.id = UINT64_MAX;
    job.paused = 1;
    job.version = UINT32_MAX;
    job.payload_hash = UINT64_C (9007199254740993);
    expect_part (&job.base, "\"id\":\"18446744073709551615\"");
    expect_part (&job.base, "\"paused\":true");
    expect_part (&job.base, "\"version\":4294967295");
    expect_part (&job.base, "\"payload_hash\":\"9007199254740993\"");
}

static void
test_words (void **state)
{
    (void)state;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    Belfry__V1__List list = BELFRY__V1__LIST__INIT;
    Belfry__V1__JobState states[] = {BELFRY__V1__JOB_STATE__JOB_STATE_DEAD,
                                     (Belfry__V1__JobState)99};
    job.state = BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED;
    expect_part (&job.base, "\"state\":\"scheduled\",\"reason\":null");
    list.states = states;
    list.n_states = 2;
    expect_part (&list.base, "\"states\":[\"dead\",99]");
}

static void
test_times (void **state)
{
    (void)state;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    job.due_us = INT64_C (1795439146120000);
    expect_part (&job.base, "\"due_us\":\"2026-11-23T13:05:46.120000Z\"");
    expect_part (&job.base, "\"final_us\":null");
    spec.lease_us = 30000000;
    expect_part (&spec.base, "\"lease_us\":30000000,\"run_timeout_us\":0");
    char *text = printed (&spec.base);
    assert_null (strstr (text, "at_us"));
    assert_null (strstr (text, "after_us"));
    free (text);
    spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
    expect_part (&spec.base, "\"at_us\":\"1970-01-01T00:00:00Z\"");
    spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
    expect_part (&spec.base, "\"after_us\":0");
}

static void
test_jitter_of_none (void **state)
{
    (void)state;
    Belfry__V1__RetryPolicy retry = BELFRY__V1__RETRY_POLICY__INIT;
    expect (&retry.base, "{\"max_attempts\":0,\"backoff\":null,\"delay_us\":0,"
                         "\"factor_permille\":0,\"max_delay_us\":0,\"delays_us\":[],"
                         "\"max_age_us\":0}\n");
    retry.jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT;
    expect_part (&retry.base, ",\"jitter_percent\":0,\"delays_us\":[]");
}

/* In events, what is on the boot clock has no date. */
static void
test_clocks (void **state)
{
    (void)state;
    Belfry__V1__Run run = BELFRY__V1__RUN__INIT;
    run.due_us = 1000000;
    run.timer_us = 2000000;
    run.created_us = 3000000;
    expect_part (&run.base, "\"due_us\":\"1970-01-01T00:00:01Z\"");
    expect_part (&run.base, "\"timer_us\":\"1970-01-01T00:00:02Z\"");
    Belfry__V1__Event event = BELFRY__V1__EVENT__INIT;
    event.run_after = &run;
    event.due_us = 1000000;
    expect_part (&event.base, "\"due_us\":\"1970-01-01T00:00:01Z\",\"lateness_us\":0");
    expect_part (&event.base, "\"timer_us\":2000000");
    Belfry__V1__Slots slots = BELFRY__V1__SLOTS__INIT;
    Belfry__V1__Job job = BELFRY__V1__JOB__INIT;
    event.slots = &slots;
    event.job_after = &job;
    slots.first_due_us = slots.last_due_us = job.wake_us = job.armed_us = 4000000;
    expect_part (&event.base, "\"first_due_us\":\"1970-01-01T00:00:04Z\"");
    event.clock = 1;
    expect_part (&event.base, "\"first_due_us\":4000000,\"last_due_us\":4000000");
    expect_part (&event.base, "\"armed_us\":4000000,\"wake_us\":4000000");
    expect_part (&event.base, "\"due_us\":1000000,\"lateness_us\":0");
    expect_part (&event.base, "\"due_us\":1000000,\"clock\":1,");
    expect_part (&event.base, "\"created_us\":\"1970-01-01T00:00:03Z\"");
}

/* The instants of the wire. Every other int64 is a length. */
static const char *const instants[] = {
    "anchor_us",   "armed_us",       "at_us",      "claimed_us",       "created_us",
    "due_us",      "end_us",         "final_us",   "first_due_us",     "from_us",
    "last_due_us", "lease_until_us", "now_us",     "oldest_answer_us", "start_us",
    "remind_us",   "slot_due_us",    "started_us", "timer_us",         "until_us",
    "updated_us",  "wake_us",
};

static bool
is_instant (const char *name)
{
    for (size_t index = 0; index < sizeof instants / sizeof instants[0]; index++) {
        if (!strcmp (name, instants[index])) {
            return true;
        }
    }
    return false;
}

/* Sets the field, which is not repeated, and looks how it is printed. */
static void
check_field (const ProtobufCMessageDescriptor *kind, const ProtobufCFieldDescriptor *field)
{
    uint8_t *message = calloc (1, kind->sizeof_message);
    kind->message_init ((ProtobufCMessage *)message);
    *(int64_t *)(void *)(message + field->offset) = 1000000;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        *(uint32_t *)(void *)(message + field->quantifier_offset) = field->id;
    }
    char part[96];
    snprintf (part, sizeof part, "\"%s\":%s", field->name,
              is_instant (field->name) ? "\"1970-01-01T00:00:01Z\"" : "1000000");
    expect_part ((const ProtobufCMessage *)message, part);
    free (message);
}

static size_t
check_kind (const ProtobufCMessageDescriptor *kind,
            const ProtobufCMessageDescriptor *seen[128], size_t count)
{
    for (size_t index = 0; index < count; index++) {
        if (seen[index] == kind) {
            return count;
        }
    }
    assert_true (count < 128);
    seen[count++] = kind;
    for (unsigned index = 0; index < kind->n_fields; index++) {
        const ProtobufCFieldDescriptor *field = &kind->fields[index];
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            count = check_kind (field->descriptor, seen, count);
        } else if (field->type == PROTOBUF_C_TYPE_INT64 &&
                   field->label != PROTOBUF_C_LABEL_REPEATED) {
            check_field (kind, field);
        }
    }
    return count;
}

/* So that no field that is added is printed as what it is not. */
static void
test_every_time_of_the_wire (void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *seen[128];
    size_t count = check_kind (&belfry__v1__request__descriptor, seen, 0);
    count = check_kind (&belfry__v1__reply__descriptor, seen, count);
    count = check_kind (&belfry__v1__event__descriptor, seen, count);
    assert_true (count > 40);
    int64_t delays[] = {1000, 2000};
    Belfry__V1__RetryPolicy retry = BELFRY__V1__RETRY_POLICY__INIT;
    retry.delays_us = delays;
    retry.n_delays_us = 2;
    expect_part (&retry.base, "\"delays_us\":[1000,2000]");
}

static void
test_texts (void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *json;
    } rows[] = {
        {"turn-7", "\"turn-7\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\x01\t\n\x7f", "\"\\u0001\\u0009\\n\\u007f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x94",
         "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x94\""},
        {"\xc2\x9b", "\"\\u009b\""},
        {"\xe2\x80\xae", "\"\\u202e\""},
        {"\xff\xc3", "\"\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xc0\xaf", "\"\\ufffd\\ufffd\""},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        Belfry__V1__Redrive redrive = BELFRY__V1__REDRIVE__INIT;
        char line[128];
        redrive.run = (char *)rows[index].text;
        snprintf (line, sizeof line, "{\"run\":%s,\"dry_run\":false}\n", rows[index].json);
        expect (&redrive.base, line);
    }
}

static void
test_bytes (void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *json;
    } rows[] = {
        {"", 0, ""},
        {"{\"a\":1}", 7, ",\"result\":\"{\\\"a\\\":1}\""},
        {"\n", 1, ",\"result\":\"\\n\""},
        {"\0", 1, ",\"result\":{\"base64\":\"AA==\"}"},
        {"\xff\xfe", 2, ",\"result\":{\"base64\":\"//4=\"}"},
        {"\xff\xfe\xfd", 3, ",\"result\":{\"base64\":\"//79\"}"},
        {"\xff\xfe\xfd\xfc", 4, ",\"result\":{\"base64\":\"//79/A==\"}"},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        Belfry__V1__Complete complete = BELFRY__V1__COMPLETE__INIT;
        char line[128];
        complete.result.data = (uint8_t *)rows[index].bytes;
        complete.result.len = rows[index].size;
        snprintf (line, sizeof line, "{\"token\":\"\"%s}\n", rows[index].json);
        expect (&complete.base, line);
    }
}

static void
test_lists (void **state)
{
    (void)state;
    char *tokens[] = {"256.1.1", "512.1.1"};
    Belfry__V1__Heartbeat heartbeat = BELFRY__V1__HEARTBEAT__INIT;
    heartbeat.tokens = tokens;
    heartbeat.n_tokens = 2;
    expect (&heartbeat.base, "{\"tokens\":[\"256.1.1\",\"512.1.1\"]}\n");
    Belfry__V1__Lease one = BELFRY__V1__LEASE__INIT, other = BELFRY__V1__LEASE__INIT;
    Belfry__V1__Lease *leases[] = {&one, &other};
    Belfry__V1__ClaimReply claim = BELFRY__V1__CLAIM_REPLY__INIT;
    claim.leases = leases;
    claim.n_leases = 2;
    expect_part (&claim.base, "\"slot_due_us\":null},{\"token\":\"\"");
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_defaults),
        cmocka_unit_test (test_numbers),
        cmocka_unit_test (test_words),
        cmocka_unit_test (test_times),
        cmocka_unit_test (test_jitter_of_none),
        cmocka_unit_test (test_clocks),
        cmocka_unit_test (test_texts),
        cmocka_unit_test (test_bytes),
        cmocka_unit_test (test_lists),
        cmocka_unit_test (test_every_time_of_the_wire),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
