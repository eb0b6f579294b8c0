/* SPDX-License-Identifier: MPL-2.0
 *
 * What belfry.proto's comments promise of a request, one row each: which values are refused
 * with which sentence, and what the good ones look like inside.
 */
#include "messages/codec.h"

#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/codec_rows.h"
#include "tests/support/request.h"

/* One job that is good. */
#define JOB "schedule.jobs.type=mail schedule.jobs.after_us=5 "
#define J "schedule.jobs."
#define RETRY "schedule.jobs.retry."

static bf_arena *arena;

static int
setup (void **state)
{
    (void)state;
    arena = bf_arena_new (2 * BF_DECODE_BYTES);
    return arena == NULL;
}

static int
teardown (void **state)
{
    (void)state;
    bf_arena_destroy (&arena);
    return 0;
}

static bf_err
decode (const char *text, Belfry__V1__Request **request, bf_error *error)
{
    return codec_decode (arena, text, request, error);
}

static const codec_refused refused[] = {
    {"version=0 status", BF_EVERSION, "version is 0, this daemon speaks 1"},
    {"version=2 status", BF_EVERSION, "version is 2, this daemon speaks 1"},
    {"version=2 schedule.jobs=#1001", BF_EVERSION, "version is 2"},
    {"", BF_EINVALID, "command is missing"},

    {"client= status", BF_EINVALID, "client is missing, allowed are 1..64 bytes"},
    {"client=*65 status", BF_EINVALID, "client has 65 bytes, allowed are 1..64"},
    {"client=a\nb status", BF_EINVALID, "client has a byte 0x0a at 1"},
    {"client=a\x7f status", BF_EINVALID, "without control characters"},
    {"client=\xc0\xaf status", BF_EINVALID,
     "client has a byte 0xc0 at 0, allowed is UTF-8"},
    {"client=ab\xed\xa0\x80 status", BF_EINVALID, "client has a byte 0xed at 2"},
    {"request_id= status", BF_EINVALID, "request_id is missing"},
    {"request_id=*65 status", BF_EINVALID, "request_id has 65 bytes"},

    {"schedule", BF_EINVALID, "jobs has 0 items, allowed are 1..1000"},
    {"schedule.jobs=#1001", BF_ELIMIT,
     "jobs has more than 1000 items, allowed are 1..1000"},
    {JOB "schedule.on_key=6", BF_EINVALID,
     "on_key is 6, allowed are 1 ON_KEY_REJECT, 2 ON_KEY_KEEP, 3 ON_KEY_REPLACE, 4 "
     "ON_KEY_THROTTLE, 5 ON_KEY_DEBOUNCE"},
    {JOB "schedule.on_key=-1", BF_EINVALID, "on_key is -1, allowed are"},
    {J "type=mail", BF_EINVALID,
     "jobs[0].trigger is missing: set exactly one of at_us, after_us, every, cron, daily "
     "and rrule"},
    {J "after_us=1", BF_EINVALID,
     "jobs[0].type is missing, allowed are 1..64 of A-Z a-z 0-9 _ . -"},
    {J "after_us=1 " J "type=a/b", BF_EINVALID, "jobs[0].type is not a name"},
    {J "after_us=1 " J "type=*65", BF_EINVALID, "jobs[0].type is not a name"},
    {J "after_us=1 " J "type=\xc3\xa4", BF_EINVALID, "jobs[0].type is not a name"},
    {JOB J "ns=a:b", BF_EINVALID, "jobs[0].ns is not a name"},
    {JOB J "ns=*65", BF_EINVALID, "jobs[0].ns is not a name"},
    {JOB J "key=*257", BF_EINVALID, "jobs[0].key has 257 bytes, allowed are 0..256"},
    {JOB J "key=a\tb", BF_EINVALID, "jobs[0].key has a byte 0x09 at 1"},
    {JOB J "payload=*65537", BF_ETOOLARGE,
     "jobs[0].payload has 65537 bytes, allowed are 0..65536"},
    {JOB J "content_type=*129", BF_EINVALID, "jobs[0].content_type has 129 bytes"},
    {JOB J "tags=#9", BF_ELIMIT, "jobs[0].tags has more than 8 items, allowed are 0..8"},
    {JOB J "tags=a " J "tags=", BF_EINVALID, "jobs[0].tags[1] is missing"},
    {JOB J "tags=*65", BF_EINVALID, "jobs[0].tags[0] has 65 bytes, allowed are 1..64"},
    {JOB J "tags=a " J "tags=b " J "tags=a", BF_EINVALID,
     "jobs[0].tags[2] is that of tags[0] already"},
    {JOB J "delivery=3", BF_EINVALID,
     "jobs[0].delivery is 3, allowed are 1 DELIVERY_WORK, 2 DELIVERY_NOTIFY"},
    {JOB J "at_us=-1", BF_EINVALID,
     "jobs[0].at_us is -1, allowed are 0..13569465600000000 (1970 to 2400)"},
    {JOB J "at_us=13569465600000001", BF_EINVALID, "jobs[0].at_us is 13569465600000001"},
    {JOB J "after_us=-1", BF_EINVALID,
     "jobs[0].after_us is -1, allowed are 0..3155760000000000 (0 to 100 years)"},
    {JOB J "after_us=3155760000000001", BF_EINVALID, "jobs[0].after_us is"},
    {JOB J "lease_us=5", BF_EINVALID,
     "jobs[0].lease_us is 5, allowed are 100000..86400000000 (100 ms to 24 h"},
    {JOB J "lease_us=-1", BF_EINVALID, "jobs[0].lease_us is -1"},
    {JOB J "lease_us=86400000001", BF_EINVALID, "jobs[0].lease_us is 86400000001"},
    {JOB J "run_timeout_us=99999", BF_EINVALID,
     "jobs[0].run_timeout_us is 99999, allowed are 100000..2592000000000"},
    {JOB J "run_timeout_us=2592000000001", BF_EINVALID, "jobs[0].run_timeout_us is"},
    {JOB J "start_timeout_us=999", BF_EINVALID,
     "jobs[0].start_timeout_us is 999, allowed are 1000..3155760000000000"},
    {JOB J "start_timeout_us=3155760000000001", BF_EINVALID, "jobs[0].start_timeout_us"},
    {JOB RETRY "max_attempts=1001", BF_EINVALID,
     "jobs[0].retry.max_attempts is 1001, allowed are 1..1000"},
    {JOB RETRY "backoff=5", BF_EINVALID, "jobs[0].retry.backoff is 5, allowed are 1"},
    {JOB RETRY "delay_us=999", BF_EINVALID, "jobs[0].retry.delay_us is 999"},
    {JOB RETRY "delay_us=2592000000001", BF_EINVALID, "jobs[0].retry.delay_us is"},
    {JOB RETRY "factor_permille=999", BF_EINVALID, "jobs[0].retry.factor_permille is 999"},
    {JOB RETRY "factor_permille=10001", BF_EINVALID, "jobs[0].retry.factor_permille"},
    {JOB RETRY "max_delay_us=999999", BF_EINVALID,
     "jobs[0].retry.max_delay_us is 999999, allowed are 1000000..2592000000000"},
    {JOB RETRY "max_delay_us=2592000000001", BF_EINVALID, "jobs[0].retry.max_delay_us"},
    {JOB RETRY "jitter_percent=51", BF_EINVALID,
     "jobs[0].retry.jitter_percent is 51, allowed are 0..50"},
    {JOB "schedule.jobs[1].type=a", BF_EINVALID, "jobs[1].trigger is missing"},
    {JOB
     "schedule.jobs[1].type=b schedule.jobs[1].after_us=1 schedule.jobs[1].retry.backoff=9",
     BF_EINVALID, "jobs[1].retry.backoff is 9"},

    {"reschedule.after_us=1", BF_EINVALID,
     "job is missing: name one, or set a filter for many"},
    {"reschedule.job.id=1", BF_EINVALID, "trigger is missing"},
    {"reschedule.job.id=1 reschedule.at_us=-5", BF_EINVALID, "at_us is -5, allowed are"},
    {"reschedule.job.id=1 reschedule.after_us=-5", BF_EINVALID, "after_us is -5"},
    {"cancel", BF_EINVALID, "job is missing: name one, or set a filter for many"},
    {"cancel.job", BF_EINVALID, "job is empty: name the job by id or by key"},
    {"cancel.job.ns=a", BF_EINVALID, "job is empty"},
    {"cancel.job.id=1 cancel.job.key=a", BF_EINVALID, "job has an id and a key"},
    {"cancel.job.id=9223372036854775808", BF_EINVALID, "job.id is 9223372036854775808"},
    {"cancel.job.key=*257", BF_EINVALID, "job.key has 257 bytes"},
    {"cancel.job.key=a cancel.job.ns=*65", BF_EINVALID, "job.ns is not a name"},
    {"cancel.job.id=1 cancel.reason=*1025", BF_EINVALID,
     "reason has 1025 bytes, allowed are 0..1024"},
    {"cancel.job.id=1 cancel.reason=\xff", BF_EINVALID, "reason has a byte 0xff at 0"},
    {"confirm", BF_EINVALID, "job is missing"},
    {"pause", BF_EINVALID, "job is missing"},
    {"resume.job", BF_EINVALID, "job is empty"},
    {"trigger.job", BF_EINVALID, "job is empty"},

    {"claim", BF_EINVALID, "types has 0 items, allowed are 1..64"},
    {"claim.types=#65", BF_ELIMIT, "types has more than 64 items, allowed are 1..64"},
    {"claim.types=a claim.types=", BF_EINVALID, "types[1] is missing"},
    {"claim.types=a\x01", BF_EINVALID, "types[0] is not a name"},
    {"claim.types=a claim.ns=a,b", BF_EINVALID, "ns is not a name"},
    {"claim.types=a claim.max=101", BF_EINVALID, "max is 101, allowed are 1..100"},
    {"claim.types=a claim.wait_us=60000001", BF_EINVALID,
     "wait_us is 60000001, allowed are 0..60000000 (0 to 60 s)"},
    {"claim.types=a claim.wait_us=-1", BF_EINVALID, "wait_us is -1"},
    {"claim.types=a claim.worker=*65", BF_EINVALID, "worker has 65 bytes"},
    {"heartbeat", BF_EINVALID, "tokens has 0 items, allowed are 1..1000"},
    {"heartbeat.tokens=#1001", BF_ELIMIT, "tokens has more than 1000 items"},
    {"heartbeat.tokens=1.1.1 heartbeat.tokens=1.1", BF_EINVALID,
     "tokens[1] is not a token: send JOB.ORDINAL.ATTEMPT"},
    {"complete", BF_EINVALID, "token is missing"},
    {"complete.token=1.2.03", BF_EINVALID, "token is not a token"},
    {"complete.token=1.2.3 complete.result=*65537", BF_ETOOLARGE, "result has 65537 bytes"},
    {"fail.token=x", BF_EINVALID, "token is not a token"},
    {"fail.token=1.1.1 fail.reason=a\xf4\x90\x80\x80", BF_EINVALID,
     "reason has a byte 0xf4 at 1"},
    {"snooze.token=1.1.1", BF_EINVALID,
     "until is missing: set exactly one of for_us and at_us"},
    {"snooze.for_us=1", BF_EINVALID, "token is missing"},
    {"snooze.token=1.1.1 snooze.for_us=-1", BF_EINVALID, "for_us is -1"},
    {"snooze.token=1.1.1 snooze.for_us=31622400000001", BF_EINVALID,
     "for_us is 31622400000001, allowed are 0..31622400000000 (0 to 366 days)"},
    {"snooze.token=1.1.1 snooze.at_us=-1", BF_EINVALID, "at_us is -1"},
    {"snooze.token=1.1.1 snooze.for_us=1 snooze.reason=*1025", BF_EINVALID,
     "reason has 1025 bytes"},
    {"redrive", BF_EINVALID, "run is missing: name one, or set a filter for many"},
    {"redrive.run=1.2.3", BF_EINVALID, "run is not a run"},

    {"get", BF_EINVALID, "job is missing: name the job by id or by key"},
    {"get.job.id=1 get.max_runs=101", BF_EINVALID, "max_runs is 101, allowed are 1..100"},
    {"list.ns=a/b", BF_EINVALID, "ns is not a name"},
    {"list.type=a/b", BF_EINVALID, "type is not a name"},
    {"list.states=1 list.states=8", BF_EINVALID,
     "states[1] is 8, allowed are 1 JOB_STATE_W"},
    {"list.states=0", BF_EINVALID, "states[0] is 0, allowed are 1"},
    {"list.states=#65", BF_ELIMIT, "states has more than 64 items"},
    {"list.tags=#9", BF_ELIMIT, "tags has more than 8 items"},
    {"list.tags=*65", BF_EINVALID, "tags[0] has 65 bytes"},
    {"list.key_prefix=*257", BF_EINVALID, "key_prefix has 257 bytes"},
    {"list.limit=1001", BF_EINVALID, "limit is 1001, allowed are 1..1000"},
    {"list.cursor=9223372036854775808", BF_EINVALID, "cursor is 9223372036854775808"},
    {"history.job", BF_EINVALID, "job is empty"},
    {"history.from_us=-1", BF_EINVALID, "from_us is -1"},
    {"history.until_us=-1", BF_EINVALID, "until_us is -1"},
    {"history.from_us=7 history.until_us=7", BF_EINVALID,
     "until_us is 7, not after from_us 7"},
    {"history.kinds=run.fried", BF_EINVALID, "kinds[0] is not a kind of event: run.fired"},
    {"history.kinds=#65", BF_ELIMIT, "kinds has more than 64 items"},
    {"history.type=a/b", BF_EINVALID, "type is not a name"},
    {"history.limit=1001", BF_EINVALID, "limit is 1001"},
    {"history.cursor=9223372036854775808", BF_EINVALID, "cursor is"},
    {"replay.after_seq=9223372036854775808", BF_EINVALID, "after_seq is"},
    {"replay.kinds=", BF_EINVALID, "kinds[0] is not a kind"},
    {"replay.types=a replay.types=a/b", BF_EINVALID, "types[1] is not a name"},
    {"replay.types=#65", BF_ELIMIT, "types has more than 64 items"},
    {"replay.limit=1001", BF_EINVALID, "limit is 1001"},
};

static void
test_refused (void **state)
{
    (void)state;
    codec_expect_refused (arena, refused, sizeof refused / sizeof refused[0]);
}

/* What a request becomes. */
static const codec_accepted accepted[] = {
    {JOB, "schedule.on_key=1 schedule.reject_past=0 schedule.jobs=1 " J "ns=default " J
          "key= " J "type=mail " J "payload=0 " J "content_type= " J "tags= " J
          "delivery=1 " J "at_us=- " J "after_us=5 " J "lease_us=30000000 " J
          "run_timeout_us=0 " J "start_timeout_us=0 " RETRY "max_attempts=5 " RETRY
          "backoff=1 " RETRY "delay_us=1000000 " RETRY "factor_permille=2000 " RETRY
          "max_delay_us=300000000 " RETRY "jitter_percent=10"},
    {"schedule.jobs.type=*64 " J "ns=*64 " J "key=*256 " J "payload=*65536 " J
     "content_type=*128 " J "tags=#8 " J "delivery=2 " J "at_us=0 " J "lease_us=100000 " J
     "run_timeout_us=100000 " J "start_timeout_us=1000 schedule.on_key=3",
     J "payload=65536 " J "tags=1.1.1,1.1.2,1.1.3,1.1.4,1.1.5,1.1.6,1.1.7,1.1.8 " J
       "delivery=2 " J "at_us=0 " J "after_us=- " J "lease_us=100000 schedule.on_key=3 " J
       "run_timeout_us=100000 " J "start_timeout_us=1000"},
    {"schedule.jobs.type=a " J "at_us=13569465600000000 " J "lease_us=86400000000 " J
     "run_timeout_us=2592000000000 " J "start_timeout_us=3155760000000000",
     J "at_us=13569465600000000 " J "lease_us=86400000000 " J
       "run_timeout_us=2592000000000 " J "start_timeout_us=3155760000000000"},
    {"schedule.jobs.type=a " J "after_us=3155760000000000", J "after_us=3155760000000000"},
    {"schedule.jobs.type=a " J "after_us=0 " J "key=gr\xc3\xbc\xc3\x9f " J
     "tags=\xf0\x9f\x94\x94",
     J "after_us=0 " J "key=gr\xc3\xbc\xc3\x9f " J "tags=\xf0\x9f\x94\x94"},
    {JOB RETRY "max_attempts=1000 " RETRY "delay_us=1000 " RETRY
               "factor_permille=10000 " RETRY "max_delay_us=1000 " RETRY "jitter_percent=0",
     RETRY "max_attempts=1000 " RETRY "delay_us=1000 " RETRY "factor_permille=10000 " RETRY
           "max_delay_us=1000 " RETRY "jitter_percent=0"},
    {JOB RETRY "delay_us=600000000", RETRY "max_delay_us=600000000"},
    {JOB RETRY "backoff=2 " RETRY "delay_us=7000 " RETRY "factor_permille=3000 " RETRY
               "max_delay_us=5000",
     RETRY "backoff=2 " RETRY "factor_permille=1000 " RETRY "max_delay_us=7000 " RETRY
           "jitter_percent=10"},
    {"schedule.jobs=#1000", ""},
    {"reschedule.job.id=7 reschedule.at_us=9 reschedule.reject_past=1",
     "reschedule.job.id=7 reschedule.at_us=9 reschedule.after_us=- "
     "reschedule.reject_past=1"},
    {"cancel.job.key=k", "cancel.job.id=0 cancel.job.ns=default cancel.job.key=k"},
    {"cancel.job.id=9223372036854775807 cancel.reason=two\nlines",
     "cancel.job.id=9223372036854775807 cancel.reason=two\nlines"},
    {"confirm.job.id=1 confirm.cancel_open=1", "confirm.cancel_open=1"},
    {"pause.job.id=1", "pause.job.id=1"},
    {"resume.job.id=1", "resume.job.id=1"},
    {"trigger.job.key=a trigger.job.ns=b", "trigger.job.ns=b trigger.job.key=a"},
    {"claim.types=a", "claim.ns=default claim.types=a claim.max=1 claim.wait_us=0 "
                      "claim.worker=c"},
    {"claim.types=b claim.types=a claim.types=b claim.max=100 claim.wait_us=60000000 "
     "claim.worker=w claim.ns=n",
     "claim.types=b,a claim.max=100 claim.wait_us=60000000 claim.worker=w claim.ns=n"},
    {"claim.types=#64", ""},
    {"heartbeat.tokens=1.1.1 heartbeat.tokens=2.1.1 heartbeat.tokens=1.1.1",
     "heartbeat.tokens=1.1.1,2.1.1"},
    {"heartbeat.tokens=#1000", ""},
    {"complete.token=5.1.1 complete.result=*65536", "complete.result=65536"},
    {"fail.token=5.1.1", "fail.reason= fail.non_retryable=0"},
    {"snooze.token=5.1.1 snooze.for_us=0", "snooze.for_us=0 snooze.at_us=-"},
    {"snooze.token=5.1.1 snooze.for_us=31622400000000", "snooze.for_us=31622400000000"},
    {"snooze.token=5.1.1 snooze.at_us=1 snooze.reason=*1024", "snooze.at_us=1"},
    {"redrive.run=7", "redrive.run=7"},
    {"redrive.run=7.2", "redrive.run=7.2"},
    {"get.job.id=1", "get.max_runs=10 get.before_ordinal=0 get.with_payload=0"},
    {"get.job.id=1 get.max_runs=100 get.before_ordinal=4294967295",
     "get.max_runs=100 get.before_ordinal=4294967295"},
    {"list", "list.ns= list.type= list.states= list.tags= list.limit=100 list.cursor=0"},
    {"list.states=7 list.states=1 list.states=7 list.tags=b list.tags=b list.limit=1000",
     "list.states=7,1 list.tags=b list.limit=1000"},
    {"history", "history.job=- history.limit=100 history.from_us=0 history.until_us=0"},
    {"history.job.id=1 history.kinds=run.fired history.kinds=run.fired history.from_us=7 "
     "history.until_us=8",
     "history.job.id=1 history.kinds=run.fired history.until_us=8"},
    {"history.from_us=7", "history.from_us=7 history.until_us=0"},
    {"replay", "replay.after_seq=0 replay.limit=500"},
    {"replay.after_seq=9223372036854775807 replay.kinds=clock.stepped replay.types=a "
     "replay.types=b replay.types=a",
     "replay.after_seq=9223372036854775807 replay.kinds=clock.stepped replay.types=a,b"},
    {"status", "version=1 client=c request_id=r status=set"},
    {"client=*64 request_id=*64 status", "status=set"},
};

static void
test_accepted (void **state)
{
    (void)state;
    codec_expect_accepted (arena, accepted, sizeof accepted / sizeof accepted[0]);
}

static void
test_long_reason_is_cut_between_characters (void **state)
{
    (void)state;
    static const struct {
        size_t before; /* a character of two bytes */
        size_t kept;
    } rows[] = {{1021, 1023}, {1022, 1024}, {1023, 1023}, {1024, 1024}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Belfry__V1__Request *request = request_make (arena, "fail.token=1.1.1");
        char reason[2000];
        memset (reason, 'a', rows[i].before);
        memcpy (reason + rows[i].before, "\xc3\xa4", 3);
        request->fail->reason = reason;
        assert_int_equal (bf_request_normalise (request, arena, NULL), BF_OK);
        assert_int_equal (strlen (request->fail->reason), rows[i].kept);
        assert_memory_equal (request->fail->reason, reason, rows[i].kept);
    }
}

static void
test_keys_once_in_a_call (void **state)
{
    (void)state;
    Belfry__V1__Request *sent = request_make (arena, "schedule.jobs=#1000");
    codec_complete_jobs (arena, sent);
    for (size_t i = 0; i < 1000; i++) {
        sent->schedule->jobs[i]->key = bf_arena_printf (arena, "k%zu", i * 7919 % 1000);
    }
    bf_error error = {0};
    assert_int_equal (bf_request_normalise (sent, arena, &error), BF_OK);

    sent->schedule->jobs[998]->key = sent->schedule->jobs[3]->key;
    assert_int_equal (bf_request_normalise (sent, arena, &error), BF_EINVALID);
    assert_string_equal (
        error.text,
        "jobs[998].key is that of jobs[3] already: name a key once in one call");

    /* Another namespace is another key; no key is no key. */
    sent->schedule->jobs[998]->ns = "other";
    assert_int_equal (bf_request_normalise (sent, arena, &error), BF_OK);
    sent->schedule->jobs[999]->key = sent->schedule->jobs[3]->key;
    assert_int_equal (bf_request_normalise (sent, arena, &error), BF_EINVALID);
    assert_non_null (strstr (error.text, "jobs[999].key is that of jobs[3]"));
    sent->schedule->jobs[999]->key = "another";
    sent->schedule->jobs[0]->key = "";
    sent->schedule->jobs[1]->key = "";
    assert_int_equal (bf_request_normalise (sent, arena, &error), BF_OK);
}

static void
test_built_in_place (void **state)
{
    (void)state;
    bf_error error = {0};
    /* Limits hold without a wire as well, and missing pieces are found. */
    Belfry__V1__Request *request = request_make (arena, "claim.types=#65");
    assert_int_equal (bf_request_normalise (request, arena, &error), BF_ELIMIT);
    assert_string_equal (error.text, "types has 65 items, allowed are 1..64");
    request = request_make (arena, JOB);
    request->schedule->jobs[0] = NULL;
    assert_int_equal (bf_request_normalise (request, arena, &error), BF_EINVALID);
    assert_string_equal (error.text, "jobs[0] is missing");
    request = request_make (arena, "status");
    request->client = NULL;
    assert_int_equal (bf_request_normalise (request, arena, &error), BF_EINVALID);
}

static const struct {
    const char *request;
    bool stored;
} commands[] = {
    {JOB, true},
    {"reschedule.job.id=1 reschedule.at_us=1", true},
    {"cancel.job.id=1", true},
    {"confirm.job.id=1", true},
    {"pause.job.id=1", true},
    {"resume.job.id=1", true},
    {"trigger.job.id=1", true},
    {"claim.types=a", true},
    {"heartbeat.tokens=1.1.1", false},
    {"complete.token=1.1.1", true},
    {"fail.token=1.1.1", true},
    {"snooze.token=1.1.1 snooze.for_us=1", true},
    {"redrive.run=1", true},
    {"batch.items.cancel.job.id=1", true},
    {"prune.finals_us=1", true},
    {"backup", true},
    {"backup.name=a", true},
    {"cancel.filter.all=1", true},
    {"reschedule.job.id=1 reschedule.at_us=1 reschedule.dry_run=1", false},
    {"cancel.filter.all=1 cancel.dry_run=1", false},
    {"cancel.job.id=1 cancel.dry_run=1", false},
    {"confirm.filter.all=1 confirm.dry_run=1", false},
    {"pause.filter.all=1 pause.dry_run=1", false},
    {"resume.filter.all=1 resume.dry_run=1", false},
    {"trigger.filter.all=1 trigger.dry_run=1", false},
    {"redrive.filter.all=1 redrive.dry_run=1", false},
    {"prune.finals_us=1 prune.dry_run=1", false},
    {"get.job.id=1", false},
    {"list", false},
    {"history", false},
    {"replay", false},
    {"status", false},
    {"stats", false},
    {"snapshot", false},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void
test_stored (void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        Belfry__V1__Request *request = NULL;
        assert_int_equal (decode (commands[i].request, &request, NULL), BF_OK);
        assert_int_equal (bf_request_is_stored (request), commands[i].stored);
    }
}

static uint64_t
fingerprint (const char *text)
{
    Belfry__V1__Request *request = NULL;
    assert_int_equal (decode (text, &request, NULL), BF_OK);
    return bf_request_fingerprint (request, arena);
}

static void
test_fingerprint (void **state)
{
    (void)state;
    uint64_t all[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) {
        all[i] = fingerprint (commands[i].request);
        for (size_t other = 0; other < i; other++) {
            assert_true (all[i] != all[other]);
        }
    }
    /* The caller does not matter, what is asked for does; a default is the same said or
     * not. */
    assert_true (fingerprint ("request_id=z client=y " JOB) == all[0]);
    assert_true (fingerprint (JOB J "ns=default " J "lease_us=30000000") == all[0]);
    assert_true (fingerprint (JOB J "lease_us=30000001") != all[0]);
    /* It is stored: it must never change. */
    assert_true (fingerprint ("pause.job.id=1") == UINT64_C (0xa69e0eebf9f045a8));

    bf_arena *small = bf_arena_new (1);
    Belfry__V1__Request *request = request_make (arena, JOB);
    assert_true (bf_request_fingerprint (request, small) == 0);
    bf_arena_destroy (&small);
}

static void
expect_reply (const uint8_t *bytes, size_t size, const char *request_id, int code,
              const char *text)
{
    assert_non_null (bytes);
    Belfry__V1__Reply *reply = belfry__v1__reply__unpack (NULL, size, bytes);
    assert_non_null (reply);
    assert_string_equal (reply->request_id, request_id);
    assert_int_equal (reply->code, code);
    assert_string_equal (reply->text, text);
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
    belfry__v1__reply__free_unpacked (reply, NULL);
}

static void
test_reply_error (void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = bf_reply_error (arena, "r7", BF_EBUSY, "try again", &size);
    expect_reply (bytes, size, "r7", BELFRY__V1__CODE__CODE_BUSY, "try again");
    bytes = bf_reply_error (arena, NULL, BF_ENOMEM, NULL, &size);
    expect_reply (bytes, size, "", BELFRY__V1__CODE__CODE_INTERNAL,
                  bf_err_text (BF_ENOMEM));
    /* A sentence that was cut inside a character. */
    bytes = bf_reply_error (arena, "", BF_EINVALID, "key gr\xc3", &size);
    expect_reply (bytes, size, "", BELFRY__V1__CODE__CODE_INVALID, "key gr");

    bf_arena *small = bf_arena_new (16);
    assert_null (bf_reply_error (small, "r", BF_EINVALID, "longer than that", &size));
    bf_arena_destroy (&small);
}

static const struct {
    const char *text;
    size_t max_bytes;
    bool name;
    bool good;
} texts[] = {
    {"", 9, false, false},
    {"a", 1, true, true},
    {"ab", 1, true, false},
    {"Az09_.-", 9, true, true},
    {"a b", 9, false, true},
    {"a/b", 9, false, true},
    {"a\x1f", 9, false, false},
    {"a\x7f", 9, false, false},
    {"\xc2\x80", 9, false, true},          /* U+0080, the lowest of two bytes */
    {"\xc1\xbf", 9, false, false},         /* overlong U+007F */
    {"\xc3", 9, false, false},             /* cut off */
    {"\xc3(", 9, false, false},            /* no continuation */
    {"\x80", 9, false, false},             /* no beginning */
    {"\xdf\xbf", 9, false, true},          /* U+07FF */
    {"\xe0\xa0\x80", 9, false, true},      /* U+0800 */
    {"\xe0\x9f\xbf", 9, false, false},     /* overlong U+07FF */
    {"\xed\x9f\xbf", 9, false, true},      /* U+D7FF */
    {"\xed\xa0\x80", 9, false, false},     /* U+D800, a surrogate */
    {"\xed\xbf\xbf", 9, false, false},     /* U+DFFF */
    {"\xee\x80\x80", 9, false, true},      /* U+E000 */
    {"\xef\xbf\xbf", 9, false, true},      /* U+FFFF */
    {"\xe2\x82", 9, false, false},         /* cut off */
    {"\xe2\x82(", 9, false, false},        /* no second continuation */
    {"\xf0\x90\x80\x80", 9, false, true},  /* U+10000 */
    {"\xf0\x8f\xbf\xbf", 9, false, false}, /* overlong U+FFFF */
    {"\xf4\x8f\xbf\xbf", 9, false, true},  /* U+10FFFF */
    {"\xf4\x90\x80\x80", 9, false, false}, /* U+110000 */
    {"\xf0\x90\x80", 9, false, false},     /* cut off */
    {"\xf5\x80\x80\x80", 9, false, false}, /* begins nothing */
    {"\xfe", 9, false, false},
};

static void
test_names_and_texts (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (bf_text_is_valid (texts[i].text, texts[i].max_bytes) != texts[i].good ||
            bf_name_is_valid (texts[i].text) != texts[i].name) {
            fail_msg ("row %zu", i);
        }
    }
    assert_false (bf_text_is_valid (NULL, 9));
    assert_false (bf_name_is_valid (NULL));
    char name[66] = "";
    memset (name, 'a', 64);
    assert_true (bf_name_is_valid (name));
    name[64] = 'a';
    assert_false (bf_name_is_valid (name));
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (test_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown (test_long_reason_is_cut_between_characters, setup,
                                         teardown),
        cmocka_unit_test_setup_teardown (test_keys_once_in_a_call, setup, teardown),
        cmocka_unit_test_setup_teardown (test_built_in_place, setup, teardown),
        cmocka_unit_test_setup_teardown (test_stored, setup, teardown),
        cmocka_unit_test_setup_teardown (test_fingerprint, setup, teardown),
        cmocka_unit_test_setup_teardown (test_reply_error, setup, teardown),
        cmocka_unit_test_setup_teardown (test_names_and_texts, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
