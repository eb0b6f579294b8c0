/* SPDX-License-Identifier: MPL-2.0
 *
 * Definitions as they are kept: what is default is left out and comes back, everything else
 * stays. The defaults themselves are pinned: rows and events that were written with them
 * say nothing of them.
 */
#include <string.h>

#include "core/base/arena.h"
#include "messages/codec.h"
#include "messages/translate.h"
#include "tests/support/cmocka.h"
#include "tests/support/request.h"

#define PLAIN "schedule.jobs.type=t schedule.jobs.ns=n schedule.jobs.key=k "
#define AT PLAIN "schedule.jobs.at_us=7 "
#define EVERY PLAIN "schedule.jobs.every.interval_us=60000000 "

/* As the gateway has it: every default resolved. */
static const Belfry__V1__JobSpec *
normal (bf_arena *arena, const char *text)
{
    Belfry__V1__Request *request = request_make (arena, text);
    bf_error error = {0};
    if (bf_request_normalise (request, arena, &error) != BF_OK) {
        fail_msg ("%s: %s", text, error.text);
    }
    return request->schedule->jobs[0];
}

static const char *const rows[] = {
    AT,
    PLAIN "schedule.jobs.after_us=1",
    EVERY,
    PLAIN "schedule.jobs.cron=@daily",
    PLAIN "schedule.jobs.daily=0800 schedule.jobs.tz=Europe/Berlin",
    PLAIN "schedule.jobs.rrule=FREQ=DAILY",
    AT "schedule.jobs.delivery=2",
    AT "schedule.jobs.lease_us=31000000",
    AT "schedule.jobs.late=2",
    AT "schedule.jobs.late=2 schedule.jobs.catchup_max=7",
    AT "schedule.jobs.late=2 schedule.jobs.catchup_max=1",
    AT "schedule.jobs.late=3 schedule.jobs.catchup_max=7",
    AT "schedule.jobs.grace_us=2000000",
    AT "schedule.jobs.overlap=1",
    EVERY "schedule.jobs.overlap=6",
    EVERY "schedule.jobs.overlap=1",
    AT "schedule.jobs.retry.max_attempts=6",
    AT "schedule.jobs.retry.backoff=2",
    AT "schedule.jobs.retry.delay_us=2000000",
    AT "schedule.jobs.retry.factor_permille=3000",
    AT "schedule.jobs.retry.max_delay_us=400000000",
    AT "schedule.jobs.retry.jitter_percent=0",
    AT "schedule.jobs.retry.max_age_us=1000000",
    AT "schedule.jobs.retry.backoff=4 schedule.jobs.retry.delays_us=5000",
    AT "schedule.jobs.run_timeout_us=1000000 schedule.jobs.start_timeout_us=5000 "
       "schedule.jobs.tags=a schedule.jobs.tags=b schedule.jobs.content_type=c",
    EVERY "schedule.jobs.start_us=5 schedule.jobs.end_us=60000000000 "
          "schedule.jobs.max_runs=3 schedule.jobs.jitter_us=9 schedule.jobs.exclude=x",
};

static void
expect_same (bf_arena *arena, const char *text, const Belfry__V1__JobSpec *one,
             const Belfry__V1__JobSpec *other)
{
    size_t size = 0;
    size_t other_size = 0;
    const uint8_t *bytes = bf_pack (&one->base, arena, &size);
    const uint8_t *other_bytes = bf_pack (&other->base, arena, &other_size);
    if (size != other_size || memcmp (bytes, other_bytes, size) != 0) {
        fail_msg ("%s: it is not what it was", text);
    }
}

static void
test_there_and_back (void **state)
{
    bf_arena *arena = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const Belfry__V1__JobSpec *spec = normal (arena, rows[i]);
        Belfry__V1__JobSpec nameless = *spec;
        nameless.ns = nameless.key = nameless.type = "";
        Belfry__V1__JobSpec kept = bf_spec_kept (spec);
        assert_string_equal (kept.key, "");
        Belfry__V1__JobSpec whole = kept;
        bf_spec_resolve (&whole);
        expect_same (arena, rows[i], &whole, &nameless);
        assert_true (bf_spec_is_whole (&whole));
        /* What older versions kept was whole already. */
        Belfry__V1__JobSpec again = *spec;
        bf_spec_resolve (&again);
        expect_same (arena, rows[i], &again, spec);
        /* Kept twice is kept once. */
        Belfry__V1__JobSpec twice = bf_spec_kept (&whole);
        expect_same (arena, rows[i], &twice, &kept);
    }
}

/* at_us = 7: nothing else is kept of a plain job, nor of its payload. */
static void
test_plain_job_is_its_trigger (void **state)
{
    bf_arena *arena = *state;
    Belfry__V1__JobSpec kept =
        bf_spec_kept (normal (arena, AT "schedule.jobs.payload=hello"));
    size_t size = 0;
    const uint8_t *bytes = bf_pack (&kept.base, arena, &size);
    assert_int_equal (size, 2);
    assert_memory_equal (bytes, "\x50\x07", 2);
}

/* If one of these is red because a default was changed: jobs that were made before say
 * nothing of theirs and would change with it. Write the old value into their definitions
 * with a step of the schema first (messages/translate.h), then change it here. */
static void
test_defaults_are_pinned (void **state)
{
    bf_arena *arena = *state;
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
    spec.at_us = 7;
    bf_spec_resolve (&spec);
    request_expect (&spec.base, arena,
                    "delivery=1 lease_us=30000000 late=1 grace_us=1000000 catchup_max=1 "
                    "overlap=6 retry.max_attempts=5 retry.backoff=1 retry.delay_us=1000000 "
                    "retry.factor_permille=2000 retry.max_delay_us=300000000 "
                    "retry.jitter_percent=10 retry.max_age_us=0");
    Belfry__V1__JobSpec series = BELFRY__V1__JOB_SPEC__INIT;
    series.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_CRON;
    series.late = BELFRY__V1__LATE__LATE_FIRE_ALL;
    bf_spec_resolve (&series);
    request_expect (&series.base, arena, "catchup_max=100 overlap=1 late=2");
}

static int
setup (void **state)
{
    *state = bf_arena_new ((size_t)16 * 1024 * 1024);
    return *state ? 0 : -1;
}

static int
teardown (void **state)
{
    bf_arena_destroy ((bf_arena **)state);
    return 0;
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_there_and_back),
        cmocka_unit_test (test_plain_job_is_its_trigger),
        cmocka_unit_test (test_defaults_are_pinned),
    };
    return cmocka_run_group_tests (tests, setup, teardown);
}
