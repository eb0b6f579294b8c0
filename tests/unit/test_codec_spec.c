/* SPDX-License-Identifier: MPL-2.0
 *
 * What belfry.proto's comments promise of a definition: repetition and its bounds, late and
 * overlap policies, retries by list; one row each.
 */
#include "messages/codec.h"

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/codec_rows.h"
#include "tests/support/request.h"

#define J "schedule.jobs."
#define RETRY J "retry."
/* A one-shot, and a job that recurs every minute. */
#define ONCE J "type=mail " J "after_us=5 "
#define EVERY J "type=mail " J "every.interval_us=60000000 "

static const codec_refused refused[] = {
    {J "type=mail " J "every", BF_EINVALID,
     "jobs[0].every.interval_us is 0, allowed are 10000..3155760000000000 (10 ms to 100 "
     "years)"},
    {J "type=mail " J "every.interval_us=9999", BF_EINVALID,
     "jobs[0].every.interval_us is 9999"},
    {J "type=mail " J "every.interval_us=-60000000", BF_EINVALID,
     "jobs[0].every.interval_us is -60000000"},
    {J "type=mail " J "every.interval_us=3155760000000001", BF_EINVALID,
     "jobs[0].every.interval_us is 3155760000000001"},
    {EVERY J "every.anchor_us=-1", BF_EINVALID,
     "jobs[0].every.anchor_us is -1, allowed are 0..13569465600000000 (1970 to 2400)"},
    {EVERY J "every.anchor_us=13569465600000001", BF_EINVALID, "jobs[0].every.anchor_us"},

    {EVERY J "start_us=-1", BF_EINVALID, "jobs[0].start_us is -1, allowed are 0..1356"},
    {EVERY J "start_us=13569465600000001", BF_EINVALID, "jobs[0].start_us is 1356946"},
    {EVERY J "end_us=-1", BF_EINVALID, "jobs[0].end_us is -1, allowed are 0..1356"},
    {EVERY J "end_us=13569465600000001", BF_EINVALID, "jobs[0].end_us is 13569465600"},
    {EVERY J "start_us=8 " J "end_us=7", BF_EINVALID,
     "jobs[0].end_us is 7, before start_us 8: set it later, or 0 for an open end"},
    {EVERY J "jitter_us=-1", BF_EINVALID, "jobs[0].jitter_us is -1, allowed are 0..2592"},
    {EVERY J "jitter_us=60000000", BF_EINVALID,
     "jobs[0].jitter_us is 60000000, as long as the interval or longer: set it below "
     "60000000"},
    {ONCE J "jitter_us=2592000000001", BF_EINVALID,
     "jobs[0].jitter_us is 2592000000001, allowed are 0..2592000000000 (0 to 30 days)"},
    {ONCE J "start_us=1", BF_EINVALID,
     "jobs[0].start_us is for recurring jobs: leave it out, or set every, cron, daily or "
     "rrule"},
    {ONCE J "end_us=1", BF_EINVALID, "jobs[0].end_us is for recurring jobs"},
    {ONCE J "max_runs=1", BF_EINVALID, "jobs[0].max_runs is for recurring jobs"},
    {J "type=mail " J "at_us=9 " J "max_runs=1", BF_EINVALID, "jobs[0].max_runs is for"},

    {EVERY J "late=5", BF_EINVALID,
     "jobs[0].late is 5, allowed are 1 LATE_FIRE_ONCE, 2 LATE_FIRE_ALL, 3 LATE_SKIP, 4 "
     "LATE_FAIL"},
    {EVERY J "late=-1", BF_EINVALID, "jobs[0].late is -1"},
    {EVERY J "late=4 " J "delivery=2", BF_EINVALID,
     "jobs[0].late is FAIL, but nobody retries a NOTIFY job: choose another policy, or "
     "delivery WORK"},
    {ONCE J "late=4 " J "delivery=2", BF_EINVALID, "jobs[0].late is FAIL"},
    {EVERY J "grace_us=999", BF_EINVALID,
     "jobs[0].grace_us is 999, allowed are 1000..3155760000000000 (1 ms to 100 years, 0 "
     "for 1 s)"},
    {EVERY J "grace_us=3155760000000001", BF_EINVALID, "jobs[0].grace_us is"},
    {EVERY J "late=2 " J "catchup_max=1001", BF_EINVALID,
     "jobs[0].catchup_max is 1001, allowed are 0..1000 (0 for 100)"},
    {EVERY J "overlap=7", BF_EINVALID,
     "jobs[0].overlap is 7, allowed are 1 OVERLAP_SKIP, 2 OVERLAP_BUFFER_ONE, 3 "
     "OVERLAP_BUFFER_ALL, 4 OVERLAP_CANCEL_OTHER"},

    {ONCE RETRY "backoff=4", BF_EINVALID,
     "jobs[0].retry.delays_us is empty: backoff LIST needs 1..100 waiting times"},
    {ONCE RETRY "backoff=4 " RETRY "delays_us=999", BF_EINVALID,
     "jobs[0].retry.delays_us[0] is 999, allowed are 1000..2592000000000 (1 ms to 30 "
     "days)"},
    {ONCE RETRY "backoff=4 " RETRY "delays_us=5000 " RETRY "delays_us=0", BF_EINVALID,
     "jobs[0].retry.delays_us[1] is 0"},
    {ONCE RETRY "backoff=4 " RETRY "delays_us=2592000000001", BF_EINVALID,
     "jobs[0].retry.delays_us[0] is 2592000000001"},
    {ONCE RETRY "backoff=4 " RETRY "delays_us=#101", BF_ELIMIT,
     "jobs[0].retry.delays_us has more than 100 items, allowed are 0..100"},
    {ONCE RETRY "delays_us=5000", BF_EINVALID,
     "jobs[0].retry.delays_us is for backoff LIST: set that, or leave the list out"},
    {ONCE RETRY "backoff=2 " RETRY "delays_us=5000", BF_EINVALID,
     "jobs[0].retry.delays_us is for backoff LIST"},
    {ONCE RETRY "backoff=3 " RETRY "delays_us=5000", BF_EINVALID,
     "jobs[0].retry.delays_us is for backoff LIST"},
    {ONCE RETRY "backoff=3 " RETRY "delay_us=5000 " RETRY "max_delay_us=4999", BF_EINVALID,
     "jobs[0].retry.max_delay_us is 4999, allowed are 5000..2592000000000"},
    {ONCE RETRY "max_age_us=999", BF_EINVALID,
     "jobs[0].retry.max_age_us is 999, allowed are 1000..3155760000000000 (up to 100 "
     "years, 0 for none)"},
    {ONCE RETRY "max_age_us=3155760000000001", BF_EINVALID, "jobs[0].retry.max_age_us is"},

    {"reschedule.job.id=1 reschedule.every", BF_EINVALID, "every.interval_us is 0"},
    {"reschedule.job.id=1 reschedule.every.interval_us=9999", BF_EINVALID,
     "every.interval_us is 9999"},
    {"reschedule.job.id=1 reschedule.every.interval_us=10000 "
     "reschedule.every.anchor_us=-1",
     BF_EINVALID, "every.anchor_us is -1"},

    {ONCE "schedule.if_version=1", BF_EINVALID,
     "if_version is for one job with a key and on_key REPLACE or DEBOUNCE"},
    {ONCE J "key=k schedule.on_key=4", BF_EINVALID,
     "window_us is missing: on_key THROTTLE"},
    {ONCE J "key=k schedule.on_key=4 schedule.window_us=999", BF_EINVALID,
     "window_us is 999, allowed are 1000..31622400000000 (1 ms to 366 days"},
    {ONCE J "key=k schedule.on_key=4 schedule.window_us=31622400000001", BF_EINVALID,
     "window_us is 31622400000001"},
    {ONCE J "key=k schedule.on_key=2 schedule.window_us=1000", BF_EINVALID,
     "window_us is for on_key THROTTLE"},
    {ONCE "schedule.on_key=4 schedule.window_us=1000", BF_EINVALID,
     "jobs[0].key is missing: on_key THROTTLE and DEBOUNCE go by it"},
    {ONCE "schedule.on_key=5", BF_EINVALID, "jobs[0].key is missing"},
    {J "type=a " J "key=k " J "at_us=1 schedule.on_key=5", BF_EINVALID,
     "jobs[0].trigger is not after_us: on_key DEBOUNCE"},
    {ONCE J "key=k schedule.on_key=4 schedule.window_us=1000 schedule.if_version=1",
     BF_EINVALID, "if_version is for one job"},
    {ONCE J "key=k schedule.if_version=1", BF_EINVALID, "if_version is for one job"},
    {ONCE J "key=k schedule.on_key=2 schedule.if_version=1", BF_EINVALID, "if_version is"},
    {ONCE "schedule.on_key=3 schedule.if_version=1", BF_EINVALID, "if_version is for one"},
    {ONCE J "key=k schedule.jobs[1].type=b schedule.jobs[1].after_us=1 "
            "schedule.jobs[1].key=l schedule.on_key=3 schedule.if_version=1",
     BF_EINVALID, "if_version is for one job"},
};

static const codec_accepted accepted[] = {
    /* The defaults of a one-shot, and of a recurring job. */
    {ONCE, J "every=- " J "start_us=0 " J "end_us=0 " J "max_runs=0 " J "jitter_us=0 " J
             "late=1 " J "grace_us=1000000 " J "catchup_max=1 " J "overlap=6 " RETRY
             "delays_us= " RETRY "max_age_us=0"},
    {EVERY,
     J "at_us=- " J "after_us=- " J "every.interval_us=60000000 " J "every.anchor_us=- " J
       "start_us=0 " J "end_us=0 " J "max_runs=0 " J "jitter_us=0 " J "late=1 " J
       "grace_us=1000000 " J "catchup_max=1 " J "overlap=1"},
    {J "type=mail " J "every.interval_us=10000", J "every.interval_us=10000"},
    {J "type=mail " J "every.interval_us=3155760000000000",
     J "every.interval_us=3155760000000000"},
    /* 1970 is an anchor, and not the same as none. */
    {EVERY J "every.anchor_us=0", J "every.anchor_us=0"},
    {EVERY J "every.anchor_us=13569465600000000", J "every.anchor_us=13569465600000000"},
    {EVERY J "start_us=7 " J "end_us=7 " J "max_runs=4294967295 " J "jitter_us=59999999",
     J "start_us=7 " J "end_us=7 " J "max_runs=4294967295 " J "jitter_us=59999999"},
    {EVERY J "end_us=13569465600000000", J "start_us=0 " J "end_us=13569465600000000"},
    {J "type=mail " J "every.interval_us=2592000000001 " J "jitter_us=2592000000000",
     J "jitter_us=2592000000000"},
    {ONCE J "jitter_us=2592000000000", J "jitter_us=2592000000000"},

    {EVERY J "late=2", J "late=2 " J "catchup_max=100"},
    {EVERY J "late=2 " J "catchup_max=1", J "catchup_max=1"},
    {EVERY J "late=2 " J "catchup_max=1000", J "catchup_max=1000"},
    {EVERY J "late=1 " J "catchup_max=7", J "late=1 " J "catchup_max=1"},
    {EVERY J "late=3 " J "catchup_max=7", J "late=3 " J "catchup_max=1"},
    {EVERY J "late=4 " J "catchup_max=7 " J "delivery=1", J "late=4 " J "catchup_max=1"},
    {EVERY J "late=3 " J "delivery=2", J "late=3 " J "delivery=2"},
    {EVERY J "grace_us=1000", J "grace_us=1000"},
    {EVERY J "grace_us=3155760000000000", J "grace_us=3155760000000000"},
    {EVERY J "overlap=6", J "overlap=6"},
    {ONCE J "overlap=1", J "overlap=1"},

    {ONCE RETRY "backoff=3", RETRY "backoff=3 " RETRY "delay_us=1000000 " RETRY
                                   "factor_permille=1000 " RETRY "max_delay_us=300000000"},
    {ONCE RETRY "backoff=3 " RETRY "factor_permille=3000 " RETRY "max_delay_us=2000000",
     RETRY "factor_permille=1000 " RETRY "max_delay_us=2000000"},
    {ONCE RETRY "backoff=3 " RETRY "delay_us=400000000", RETRY "max_delay_us=400000000"},
    /* A list shows its ends in the fields that it makes meaningless. */
    {ONCE RETRY "backoff=4 " RETRY "delays_us=5000 " RETRY "delays_us=9000 " RETRY
                "delays_us=1000 " RETRY "delays_us=9000",
     RETRY "delays_us=5000,9000,1000,9000 " RETRY "delay_us=5000 " RETRY
           "factor_permille=1000 " RETRY "max_delay_us=9000 " RETRY "jitter_percent=10"},
    {ONCE RETRY "backoff=4 " RETRY "delays_us=2592000000000 " RETRY "delay_us=7000 " RETRY
                "max_delay_us=3000 " RETRY "factor_permille=9000",
     RETRY "delay_us=2592000000000 " RETRY "factor_permille=1000 " RETRY
           "max_delay_us=2592000000000"},
    {ONCE RETRY "max_age_us=1000", RETRY "max_age_us=1000"},
    {ONCE RETRY "max_age_us=3155760000000000", RETRY "max_age_us=3155760000000000"},

    {"reschedule.job.id=1 reschedule.every.interval_us=10000",
     "reschedule.at_us=- reschedule.after_us=- reschedule.every.interval_us=10000 "
     "reschedule.every.anchor_us=-"},
    {"reschedule.job.id=1 reschedule.every.interval_us=10000 reschedule.every.anchor_us=0 "
     "reschedule.if_version=7",
     "reschedule.every.anchor_us=0 reschedule.if_version=7"},
    {ONCE J "key=k schedule.on_key=3 schedule.if_version=4294967295",
     "schedule.if_version=4294967295"},
};

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

static void
test_refused (void **state)
{
    (void)state;
    codec_expect_refused (arena, refused, sizeof refused / sizeof refused[0]);
}

static void
test_accepted (void **state)
{
    (void)state;
    codec_expect_accepted (arena, accepted, sizeof accepted / sizeof accepted[0]);
}

/* The fields that two definitions differ by are told apart, and what is a default said or
 * not is the same. */
static void
test_fingerprints (void **state)
{
    (void)state;
    static const struct {
        const char *one;
        const char *other;
        bool same;
    } rows[] = {
        {EVERY, EVERY J "overlap=1 " J "late=1 " J "grace_us=1000000", true},
        {EVERY, EVERY J "catchup_max=9", true},
        {EVERY, EVERY J "every.anchor_us=0", false},
        {EVERY, EVERY J "start_us=1", false},
        {EVERY, EVERY J "end_us=1", false},
        {EVERY, EVERY J "max_runs=1", false},
        {EVERY, EVERY J "jitter_us=1", false},
        {EVERY, EVERY J "late=2", false},
        {EVERY, EVERY J "grace_us=1000001", false},
        {EVERY, EVERY J "overlap=2", false},
        {EVERY J "late=2", EVERY J "late=2 " J "catchup_max=100", true},
        {EVERY J "late=2", EVERY J "late=2 " J "catchup_max=99", false},
        {EVERY, EVERY RETRY "max_age_us=1000", false},
        {EVERY RETRY "backoff=4 " RETRY "delays_us=5000",
         EVERY RETRY "backoff=4 " RETRY "delays_us=5000 " RETRY "delay_us=7000", true},
        {EVERY RETRY "backoff=4 " RETRY "delays_us=5000",
         EVERY RETRY "backoff=4 " RETRY "delays_us=5000 " RETRY "delays_us=5000", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_arena_reset (arena);
        Belfry__V1__Request *one = NULL;
        Belfry__V1__Request *other = NULL;
        assert_int_equal (codec_decode (arena, rows[i].one, &one, NULL), BF_OK);
        assert_int_equal (codec_decode (arena, rows[i].other, &other, NULL), BF_OK);
        bool same =
            bf_request_fingerprint (one, arena) == bf_request_fingerprint (other, arena);
        if (same != rows[i].same) {
            fail_msg ("'%s' and '%s' are %s", rows[i].one, rows[i].other,
                      same ? "the same" : "told apart");
        }
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (test_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown (test_fingerprints, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
