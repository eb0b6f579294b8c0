/* SPDX-License-Identifier: MPL-2.0
 *
 * Frames that no client of ours would send: garbage, cut off, contradicting, swollen. Each
 * must be refused with an error that says where, within its memory, or be read as what it
 * says.
 */
#include "messages/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/frame.h"
#include "tests/support/request.h"

#define JOB "schedule.jobs.type=mail schedule.jobs.after_us=5 "
#define J "schedule.jobs."

/* Every field of two jobs. */
#define FULL_JOBS                                                                         \
    JOB J "ns=n " J "key=k " J "payload=p " J "content_type=c " J "tags=a " J "tags=b " J \
          "delivery=1 " J "retry.max_attempts=3 " J "retry.backoff=1 " J                  \
          "retry.delay_us=1000 " J "retry.factor_permille=1000 " J                        \
          "retry.max_delay_us=9999 " J "retry.jitter_percent=1 " J "lease_us=100000 " J   \
          "run_timeout_us=100000 " J "start_timeout_us=1000 schedule.jobs[1].type=x "     \
          "schedule.jobs[1].at_us=7 schedule.on_key=1 schedule.reject_past=1"

/* A recurring one, and a retry by list. */
#define FULL_SLOTS                                                                     \
    J "type=a " J "every.interval_us=10000 " J "every.anchor_us=3 " J "start_us=7 " J  \
      "end_us=9 " J "max_runs=3 " J "jitter_us=9 " J "late=2 " J "grace_us=1000 " J    \
      "catchup_max=9 " J "overlap=2 " J "retry.backoff=4 " J "retry.delays_us=1000 " J \
      "retry.delays_us=2000 " J "retry.max_age_us=1000 " J "key=k schedule.on_key=3 "  \
      "schedule.if_version=2"

#define FULL_FILTER(command)                                                              \
    command ".filter.ns=n " command ".filter.type=t " command ".filter.states=1 " command \
            ".filter.states=2 " command ".filter.tags=a " command                         \
            ".filter.key_prefix=k " command ".filter.all=1 " command ".dry_run=1 "

/* Everything that Request has, in one line a command. */
static const char *const full[] = {
    FULL_JOBS,
    FULL_SLOTS,
    "reschedule.job.key=k reschedule.job.ns=n reschedule.at_us=1 reschedule.if_version=3",
    "reschedule.job.id=9 reschedule.every.interval_us=10000 reschedule.every.anchor_us=3",
    "cancel.job.key=k cancel.reason=because cancel.if_version=3 cancel.dry_run=1",
    FULL_FILTER ("cancel"),
    FULL_FILTER ("redrive"),
    "confirm.job.id=9 confirm.cancel_open=1",
    "pause.job.id=9 pause.reason=because",
    "resume.job.id=9 resume.from=2",
    "trigger.job.id=9 trigger.if_version=3",
    "batch.items[0].cancel.job.id=9 batch.items[1].schedule.jobs.type=a "
    "batch.items[1].schedule.jobs.after_us=1 batch.items[2].complete.token=1.1.1 "
    "batch.items[3].redrive.run=1.1",
    "snapshot.job=9 snapshot.ordinal=3 snapshot.limit=7",
    "prune.events_us=3 prune.finals_us=4",
    FULL_FILTER ("prune") "prune.finals_us=4",
    "backup.name=a.db",
    "stats",
    "claim.ns=n claim.types=a claim.types=b claim.max=3 claim.wait_us=9 claim.worker=w",
    "heartbeat.tokens=1.1.1 heartbeat.tokens=1.2.1",
    "complete.token=1.1.1 complete.result=done",
    "fail.token=1.1.1 fail.reason=because fail.non_retryable=1",
    "snooze.token=1.1.1 snooze.for_us=1 snooze.reason=because",
    "redrive.run=1.1",
    "get.job.id=9 get.max_runs=3 get.before_ordinal=7 get.with_payload=1",
    "list.ns=n list.type=t list.states=1 list.states=2 list.tags=a",
    "list.key_prefix=k list.limit=1 list.cursor=1",
    "history.job.id=1 history.from_us=1 history.until_us=2 history.kinds=run.fired",
    "history.type=t history.limit=1 history.cursor=1",
    "replay.after_seq=1 replay.kinds=run.fired replay.types=t replay.limit=3",
    "status",
};

#define FULL (sizeof full / sizeof full[0])

static bf_arena *arena;      /* of the test */
static bf_arena *decoded_in; /* of the codec: what a daemon gives it */

static int
setup (void **state)
{
    (void)state;
    arena = bf_arena_new (64 * 1024 * 1024);
    decoded_in = bf_arena_new (BF_DECODE_BYTES);
    return arena == NULL || decoded_in == NULL;
}

static int
teardown (void **state)
{
    (void)state;
    bf_arena_destroy (&arena);
    bf_arena_destroy (&decoded_in);
    return 0;
}

static frame_t
pack (const char *text)
{
    frame_t frame = {0};
    frame.bytes = bf_pack (&request_make (arena, text)->base, arena, &frame.size);
    assert_non_null (frame.bytes);
    return frame;
}

/* ~ marks the byte that becomes a NUL. */
static const struct {
    const char *request;
    const char *sentence;
} with_nul[] = {
    {"client=a~b status", "client has a NUL at byte 1"},
    {"request_id=~ status", "request_id has a NUL at byte 0"},
    {JOB J "ns=a~", "jobs[0].ns has a NUL at byte 1"},
    {JOB J "key=key~", "jobs[0].key has a NUL at byte 3"},
    {"schedule.jobs.after_us=1 " J "type=a~", "jobs[0].type has a NUL"},
    {JOB J "content_type=a~", "jobs[0].content_type has a NUL"},
    {JOB J "tags=a " J "tags=b~", "jobs[0].tags[1] has a NUL at byte 1"},
    {JOB "schedule.jobs[1].key=~", "jobs[1].key has a NUL"},
    {"cancel.job.key=a~", "job.key has a NUL"},
    {"cancel.job.id=1 cancel.job.ns=a~", "job.ns has a NUL"},
    {"cancel.job.id=1 cancel.reason=a~", "reason has a NUL"},
    {"claim.types=a claim.types=~", "types[1] has a NUL"},
    {"claim.types=a claim.ns=n~", "ns has a NUL"},
    {"claim.types=a claim.worker=n~", "worker has a NUL"},
    {"heartbeat.tokens=1.1.1~", "tokens[0] has a NUL"},
    {"complete.token=1.1.1~", "token has a NUL at byte 5"},
    {"fail.token=1.1.1 fail.reason=a~", "reason has a NUL"},
    {"snooze.token=1.1.1 snooze.reason=a~", "reason has a NUL"},
    {"redrive.run=1~", "run has a NUL"},
    {"pause.job.id=1 pause.reason=a~", "reason has a NUL"},
    {"cancel.filter.ns=a~", "filter.ns has a NUL"},
    {"cancel.filter.tags=a cancel.filter.tags=b~", "filter.tags[1] has a NUL"},
    {"batch.items[1].cancel.job.key=a~", "items[1].cancel.job.key has a NUL at byte 1"},
    {"backup.name=a~", "name has a NUL"},
    {"list.key_prefix=~", "key_prefix has a NUL"},
    {"list.tags=a~", "tags[0] has a NUL"},
    {"history.kinds=run.fired~", "kinds[0] has a NUL"},
    {"replay.types=a~", "types[0] has a NUL"},
};

static void
test_embedded_nul (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof with_nul / sizeof with_nul[0]; i++) {
        frame_t frame = pack (with_nul[i].request);
        uint8_t *mark = memchr (frame.bytes, '~', frame.size);
        assert_non_null (mark);
        *mark = 0;
        frame_refused (decoded_in, &frame, BF_EINVALID, with_nul[i].sentence);
    }
    /* In bytes it is a byte like any other. */
    frame_t frame = pack (JOB J "payload=a~b");
    *(uint8_t *)memchr (frame.bytes, '~', frame.size) = 0;
    Belfry__V1__Request *request;
    bf_error error;
    assert_int_equal (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error),
                      BF_OK);
    assert_int_equal (request->schedule->jobs[0]->payload.len, 3);
}

#define BYTES(text) (text), sizeof (text) - 1

/* What follows a good header. */
static const struct {
    const char *bytes;
    size_t size;
    bf_err code;
    const char *sentence;
} raw[] = {
    /* Broken off, or nonsense. */
    {BYTES ("\x92"), BF_EMALFORMED,
     "the request cannot be read as protobuf at byte 8 of the frame: a field number does "
     "not end"},
    {BYTES ("\x92\x02\x05\x08"), BF_EMALFORMED, "a length goes beyond the end"},
    {BYTES ("\x92\x02\xff\xff\xff\xff\x0f"), BF_EMALFORMED, "a length goes beyond"},
    {BYTES ("\x92\x02\x80\x80\x80\x80\x80\x00"), BF_EMALFORMED, "a length does not end"},
    {BYTES ("\x80\x80\x80\x80\x80\x01\x00"), BF_EMALFORMED, "a field number does not end"},
    {BYTES ("\xf8\xff\xff\xff\x1f\x00"), BF_EMALFORMED, "a field number does not end"},
    {BYTES ("\x00\x00"), BF_EMALFORMED, "there is no field number 0"},
    {BYTES ("\x02\x00"), BF_EMALFORMED, "there is no field number 0"},
    {BYTES ("\xe0\x03\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), BF_EMALFORMED,
     "a number does not end"},
    {BYTES ("\xe1\x03\x00\x00\x00\x00\x00\x00\x00"), BF_EMALFORMED, "64-bit number is cut"},
    {BYTES ("\xe5\x03\x00\x00\x00"), BF_EMALFORMED, "32-bit number is cut"},
    {BYTES ("\xe3\x03\xe4\x03"), BF_EMALFORMED, "only wire types 0, 1, 2 and 5"},
    {BYTES ("\xe6\x03"), BF_EMALFORMED, "only wire types 0, 1, 2 and 5"},
    /* Inside: schedule { jobs { … } }. */
    {BYTES ("\x52\x03\x0a\x01\x0a"), BF_EMALFORMED,
     "jobs[0] cannot be read as protobuf at byte 12 of the frame: a length does not end"},
    {BYTES ("\x52\x04\x0a\x02\x0a\x05"), BF_EMALFORMED, "jobs[0] cannot be read"},
    {BYTES ("\x52\x07\x0a\x00\x0a\x03\x52\x01\x00"), BF_EMALFORMED,
     "jobs[1].at_us has wire type 2, expected is 0: use belfry.proto"},
    {BYTES ("\x50\x01"), BF_EMALFORMED, "schedule has wire type 0, expected is 2"},
    {BYTES ("\x52\x02\x08\x01"), BF_EMALFORMED, "jobs[0] has wire type 0, expected is 2"},
    {BYTES ("\xfa\x01\x03\x1a\x01\x80"), BF_EMALFORMED,
     "states[0] cannot be read as protobuf at byte 13 of the frame: a number does not end"},
    {BYTES ("\xfa\x01\x02\x1d\x01"), BF_EMALFORMED, "32-bit number is cut"},
    /* Twice, or two of which one may be there. */
    {BYTES ("\x08\x01\x92\x02\x00"), BF_EINVALID, "version is there twice: send it once"},
    {BYTES ("\x1a\x01r\x92\x02\x00"), BF_EINVALID, "request_id is there twice"},
    {BYTES ("\x92\x02\x00\x92\x02\x00"), BF_EINVALID, "status is there twice"},
    {BYTES ("\xfa\x01\x00\x92\x02\x00"), BF_EINVALID,
     "status is there beside list: send exactly one"},
    {BYTES ("\x92\x02\x00\xfa\x01\x00"), BF_EINVALID, "list is there beside status"},
    {BYTES ("\x52\x06\x0a\x04\x50\x01\x58\x01"), BF_EINVALID,
     "jobs[0].after_us is there beside at_us: send exactly one"},
    {BYTES ("\x52\x08\x0a\x06\xa2\x01\x00\xa2\x01\x00"), BF_EINVALID,
     "jobs[0].retry is there twice"},
    {BYTES ("\x62\x06\x0a\x00\x0a\x02\x08\x01"), BF_EINVALID, "job is there twice"},
    {BYTES ("\x52\x06\x0a\x04\x62\x00\x62\x00"), BF_EINVALID,
     "jobs[0].every is there twice"},
    {BYTES ("\x52\x06\x0a\x04\x50\x01\x62\x00"), BF_EINVALID,
     "jobs[0].every is there beside at_us: send exactly one"},
    {BYTES ("\x8a\x01\x06\x0a\x04\x62\x00\x6a\x00"), BF_EINVALID,
     "items[0].confirm is there beside cancel: send exactly one"},
    /* A list of numbers, packed, that does not end. */
    {BYTES ("\x52\x08\x0a\x06\xa2\x01\x03\x3a\x01\x80"), BF_EMALFORMED,
     "jobs[0].retry.delays_us[0] cannot be read as protobuf at byte 17 of the frame"},
    /* A batch in a batch, a claim in a batch: no command of those that it can hold. */
    {BYTES ("\x8a\x01\x05\x0a\x03\x8a\x01\x00"), BF_EINVALID,
     "items[0] has no command, or none that a batch can hold"},
    {BYTES ("\x8a\x01\x05\x0a\x03\xa2\x01\x00"), BF_EINVALID,
     "items[0] has no command, or none that a batch can hold"},
    /* A command of the future, and an enum beyond 32 bits (cut by protobuf itself). */
    {BYTES ("\xa2\x06\x00"), BF_EINVALID, "command is missing, or none that this version"},
    {BYTES ("\xfa\x01\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), BF_EINVALID,
     "states[0] is -1"},
};

static void
test_raw_bytes (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++) {
        bf_arena_reset (arena);
        frame_t frame = frame_new (arena, 64);
        frame_header (&frame);
        frame_put (&frame, raw[i].bytes, raw[i].size);
        frame_refused (decoded_in, &frame, raw[i].code, raw[i].sentence);
    }
}

/* Forms that are unusual and good. */
static const struct {
    const char *bytes;
    size_t size;
    const char *inside;
} unusual[] = {
    {BYTES ("\x92\x02\x00"), "status=set"},
    /* A status with a field of tomorrow. */
    {BYTES ("\x92\x02\x02\x08\x05"), "status=set"},
    /* A list of enums, packed, one by one, and both. */
    {BYTES ("\xfa\x01\x04\x1a\x02\x01\x02"), "list.states=1,2"},
    {BYTES ("\xfa\x01\x04\x18\x01\x18\x02"), "list.states=1,2"},
    {BYTES ("\xfa\x01\x08\x18\x03\x1a\x00\x1a\x02\x01\x02"), "list.states=3,1,2"},
    /* And of numbers: backoff LIST, 5 ms, 5 ms. */
    {BYTES ("\x52\x13\x0a\x11\x1a\x01t\x58\x01\xa2\x01\x09\x10\x04\x38\x88\x27\x3a\x02"
            "\x88\x27"),
     "schedule.jobs.retry.delays_us=5000,5000"},
    /* Numbers with more bytes than they need. */
    {BYTES ("\xfa\x01\x04\x30\x85\x80\x00"), "list.limit=5"},
    {BYTES ("\x92\x82\x80\x00\x80\x80\x00"), "status=set"},
    /* Unknown fields of every wire type, before and in the command. */
    {BYTES ("\xe0\x03\x01\xe1\x03"
            "12345678\xe2\x03\x02\x00\xff\xe5\x03"
            "1234\xfa\x01\x05\xe2\x03\x02\x00\xff"),
     "list.limit=100"},
};

static void
test_unusual_but_good (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unusual / sizeof unusual[0]; i++) {
        bf_arena_reset (arena);
        frame_t frame = frame_new (arena, 64);
        frame_header (&frame);
        frame_put (&frame, unusual[i].bytes, unusual[i].size);
        Belfry__V1__Request *request;
        bf_error error;
        if (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error) != BF_OK) {
            fail_msg ("row %zu: %s", i, error.text);
        }
        request_expect (&request->base, arena, unusual[i].inside);
        assert_int_equal (request->base.n_unknown_fields, 0);
    }
}

static void
test_request_id_survives (void **state)
{
    (void)state;
    Belfry__V1__Request *request;
    bf_error error;
    /* Broken behind the request_id. */
    frame_t frame = frame_new (arena, 64);
    frame_header (&frame);
    frame_put (&frame, "\x92", 1);
    assert_int_equal (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error),
                      BF_EMALFORMED);
    assert_string_equal (request->request_id, "r");
    /* One that may not be repeated. */
    frame = pack ("request_id=a\x01 status");
    assert_int_equal (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error),
                      BF_EINVALID);
    assert_string_equal (request->request_id, "");
    frame = pack ("request_id=*65 status");
    assert_int_equal (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error),
                      BF_EINVALID);
    assert_string_equal (request->request_id, "");
    frame = pack ("request_id=a~b status");
    *(uint8_t *)memchr (frame.bytes, '~', frame.size) = 0;
    assert_int_equal (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error),
                      BF_EINVALID);
    assert_string_equal (request->request_id, "");
    /* Another version, and a frame that is too large. */
    frame = pack ("version=9 status");
    assert_int_equal (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error),
                      BF_EVERSION);
    assert_string_equal (request->request_id, "r");
    frame = pack ("complete.result=*1048577");
    assert_int_equal (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error),
                      BF_ETOOLARGE);
    assert_string_equal (request->request_id, "r");
    /* Nothing at all. */
    assert_int_equal (frame_decode (decoded_in, NULL, 0, &request, &error), BF_EVERSION);
    assert_int_equal (bf_request_decode (NULL, 0, decoded_in, &request, NULL), BF_EVERSION);
}

static void
test_frame_limit (void **state)
{
    (void)state;
    Belfry__V1__Request *request;
    bf_error error;
    frame_t frame = frame_new (arena, BF_FRAME_BYTES + 1);
    frame_header (&frame);
    frame_put (&frame, "\x92\x02\x00", 3);
    /* An unknown field fills the rest: 2 bytes of tag, 3 of length. */
    frame_varint (&frame, 60 << 3 | 2);
    frame_varint (&frame, BF_FRAME_BYTES - frame.size - 3);
    frame.size = BF_FRAME_BYTES;
    assert_int_equal (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error),
                      BF_OK);
    frame.size++;
    frame_refused (decoded_in, &frame, BF_ETOOLARGE,
                   "the request has 1048577 bytes, allowed are 1048576");
}

/* Every prefix of every command, and every byte of it changed. */
static void
test_cut_and_changed (void **state)
{
    (void)state;
    Belfry__V1__Request *request;
    bf_error error;
    for (size_t i = 0; i < FULL; i++) {
        bf_arena_reset (arena);
        frame_t frame = pack (full[i]);
        assert_int_equal (
            frame_decode (decoded_in, frame.bytes, frame.size, &request, &error), BF_OK);
        for (size_t size = 0; size < frame.size; size++) {
            frame_decode (decoded_in, frame.bytes, size, &request, &error);
        }
        for (size_t at = 0; at < frame.size; at++) {
            uint8_t good = frame.bytes[at];
            static const uint8_t others[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
            for (size_t other = 0; other < sizeof others; other++) {
                frame.bytes[at] = others[other];
                frame_decode (decoded_in, frame.bytes, frame.size, &request, &error);
            }
            frame.bytes[at] = good;
        }
    }
}

/* xorshift64 of Marsaglia: the same bytes in every run. */
static uint64_t
next_random (uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void
test_garbage (void **state)
{
    (void)state;
    Belfry__V1__Request *request;
    bf_error error;
    uint64_t seed = 20261123;
    uint8_t bytes[300];
    for (int round = 0; round < 10000; round++) {
        size_t size = next_random (&seed) % sizeof bytes;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)next_random (&seed);
        }
        assert_int_not_equal (frame_decode (decoded_in, bytes, size, &request, &error),
                              BF_OK);
    }
    /* Bytes that mean something, in the wrong places. */
    for (int round = 0; round < 10000; round++) {
        bf_arena_reset (arena);
        frame_t frame = pack (full[next_random (&seed) % FULL]);
        for (int i = 0; i < 4; i++) {
            frame.bytes[next_random (&seed) % frame.size] =
                frame.bytes[next_random (&seed) % frame.size];
        }
        if (frame_decode (decoded_in, frame.bytes, frame.size, &request, &error) == BF_OK) {
            assert_int_equal (bf_request_normalise (request, decoded_in, &error), BF_OK);
        }
    }
}

/* Whatever the arena has: an error or the request, never half of it. */
static void
test_small_arena (void **state)
{
    (void)state;
    for (size_t i = 0; i < FULL; i++) {
        bf_arena_reset (arena);
        frame_t frame = pack (full[i]);
        bf_err rc = BF_ENOMEM;
        for (size_t limit = 0; rc != BF_OK && limit < 65536; limit += 16) {
            bf_arena *small = bf_arena_new (limit);
            assert_non_null (small);
            Belfry__V1__Request *request = NULL;
            bf_error error = {0};
            rc = bf_request_decode (frame.bytes, frame.size, small, &request, &error);
            if (rc != BF_OK) {
                assert_int_equal (rc, BF_ENOMEM);
                assert_true (request == NULL || request->command_case ==
                                                    BELFRY__V1__REQUEST__COMMAND__NOT_SET);
            }
            bf_arena_destroy (&small);
        }
        assert_int_equal (rc, BF_OK);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_embedded_nul, setup, teardown),
        cmocka_unit_test_setup_teardown (test_raw_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown (test_unusual_but_good, setup, teardown),
        cmocka_unit_test_setup_teardown (test_request_id_survives, setup, teardown),
        cmocka_unit_test_setup_teardown (test_frame_limit, setup, teardown),
        cmocka_unit_test_setup_teardown (test_cut_and_changed, setup, teardown),
        cmocka_unit_test_setup_teardown (test_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown (test_small_arena, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
