/* SPDX-License-Identifier: MPL-2.0
 *
 * The wall clock is set under a running daemon, forward and back. It has a clock of its own
 * preloaded (tests/crash/clock_shim.c), which only this test sets. What counts on the wall
 * clock is late by the step and does what its policy says; what counts on the boot clock
 * does not move; nothing fires early and nothing twice.
 */
/* syscall. */
#define _GNU_SOURCE

#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <zmq.h>

#include "core/base/hash.h"
#include "core/base/time.h"
#include "tests/crash/clock_shim.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/order.h"
#include "tests/support/peer.h"
#include "tests/support/rig.h"
#include "tests/support/temp.h"

#define OK BELFRY__V1__CODE__CODE_OK

/* What reading two clocks and a busy machine may add to a step. */
#define BLUR_US (RIG_DEADLINE_MS * BF_MS_US)
/* A step that is smaller is none (actors/clock.c). */
#define STEP_US (100 * BF_MS_US)

#define STEPS 24
#define SHOTS 400
#define FIRES 2000

typedef struct {
    uint64_t job;
    int64_t due_us;
} fire;

typedef struct {
    rig *rig;
    clock_order *order;
    char *order_path;
    char settings[3][512];
    const char *starter[5];
    peer *client;
    peer *feed;
    /* The log, folded. */
    uint64_t seq;
    fire fires[FIRES];
    size_t fire_count;
    size_t steps_told; /* clock.stepped */
} bench;

static void
set (char text[512], const char *name, const char *value, const char *more)
{
    int size = snprintf (text, 512, "%s=%s%s", name, value ? value : "", more);
    assert_true (size > 0 && size < 512);
}

static int
set_up (void **state)
{
    bench *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->rig = rig_new ();
    self->order_path = temp_path (self->rig->directory, "clock");
    self->order = order_new (self->order_path, sizeof *self->order);
    set (self->settings[0], "LD_PRELOAD", getenv ("BELFRY_CLOCK_SHIM"), "");
    set (self->settings[1], CLOCK_VARIABLE, self->order_path, "");
    /* It has to come before everything else, the sanitizer included. */
    set (self->settings[2], "ASAN_OPTIONS", getenv ("ASAN_OPTIONS"),
         ":verify_asan_link_order=0");
    self->starter[0] = "/usr/bin/env";
    for (size_t i = 0; i < 3; i++) {
        self->starter[i + 1] = self->settings[i];
    }
    self->rig->starter = self->starter;
    *state = self;
    return 0;
}

static int
tear_down (void **state)
{
    bench *self = *state;
    peer_free (self->client);
    peer_free (self->feed);
    order_destroy (self->order, sizeof *self->order);
    free (self->order_path);
    rig_destroy (&self->rig);
    free (self);
    return 0;
}

static void
start (bench *self)
{
    rig_start (self->rig, NULL);
    uint64_t calls = self->client ? self->client->calls : 0;
    peer_free (self->client);
    peer_free (self->feed);
    self->client = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "clock");
    self->client->calls = calls;
    self->feed = peer_subscriber (self->rig, self->rig->feed.tcp, "");
}

/* The daemon's wall clock. */
static int64_t
wall_us (const bench *self)
{
    return bf_now_read ().wall.us + atomic_load (&self->order->moved_us);
}

static void
step (bench *self, int64_t delta_us)
{
    atomic_fetch_add (&self->order->moved_us, delta_us);
    atomic_fetch_add (&self->order->steps, 1);
    (void)syscall (SYS_futex, &self->order->steps, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* The next event of this kind and, unless key is NULL, of this job. */
static Belfry__V1__Event *
await (bench *self, const char *kind, const char *key)
{
    for (;;) {
        Belfry__V1__Event *event = peer_await (self->feed, kind);
        if (!key || strcmp (event->key, key) == 0) {
            return event;
        }
        belfry__v1__event__free_unpacked (event, NULL);
    }
}

static void
await_step (bench *self, int64_t delta_us)
{
    Belfry__V1__Event *event = await (self, "clock.stepped", NULL);
    assert_in_range (event->delta_us - delta_us + STEP_US, 0, 2 * STEP_US);
    belfry__v1__event__free_unpacked (event, NULL);
}

/* --- the log -----------------------------------------------------------------------------
 */

static void
tell_fire (bench *self, const Belfry__V1__Event *event)
{
    assert_true (event->lateness_us >= 0);
    if (event->clock == 0 && event->at_us < event->due_us) {
        fail_msg ("job %" PRIu64 " fired %" PRId64 " us early", event->job,
                  event->due_us - event->at_us);
    }
    for (size_t i = 0; i < self->fire_count; i++) {
        if (self->fires[i].job == event->job && self->fires[i].due_us == event->due_us) {
            fail_msg ("a slot of job %" PRIu64 " fired twice", event->job);
        }
    }
    assert_true (self->fire_count < FIRES);
    self->fires[self->fire_count++] = (fire){event->job, event->due_us};
}

static void
read_log (bench *self)
{
    uint64_t head_seq;
    do {
        Belfry__V1__Reply *reply = ask_for (
            self->client, OK, "replay.after_seq=%" PRIu64 " replay.limit=1000", self->seq);
        for (size_t i = 0; i < reply->events->n_events; i++) {
            const Belfry__V1__Event *event = reply->events->events[i];
            assert_int_equal (event->seq, self->seq + 1);
            self->seq = event->seq;
            self->steps_told += strcmp (event->kind, "clock.stepped") == 0;
            if (strcmp (event->kind, "run.fired") == 0) {
                tell_fire (self, event);
            }
        }
        head_seq = reply->events->head_seq;
        reply_free (reply);
    } while (self->seq < head_seq);
}

static size_t
count_fires (const bench *self, uint64_t job)
{
    size_t count = 0;
    for (size_t i = 0; i < self->fire_count; i++) {
        count += self->fires[i].job == job;
    }
    return count;
}

static void
await_fires (bench *self, uint64_t job, size_t count)
{
    int64_t until_us = bf_now_read ().boot.us + RIG_DEADLINE_MS * BF_MS_US;
    read_log (self);
    while (count_fires (self, job) < count) {
        if (bf_now_read ().boot.us > until_us) {
            rig_fail (self->rig, "a slot did not fire");
        }
        read_log (self);
    }
}

/* A slot in a moment fires in time, and whatever was to fire before it has fired by then.
 */
static void
expect_quiet (bench *self)
{
    char key[32];
    (void)snprintf (key, sizeof key, "soon-%zu", self->fire_count);
    ask_job (self->client,
             "schedule.jobs.type=t schedule.jobs.delivery=2 schedule.jobs.key=%s "
             "schedule.jobs.at_us=%" PRId64,
             key, wall_us (self) + 200 * BF_MS_US);
    Belfry__V1__Event *event = await (self, "run.fired", key);
    assert_in_range (event->lateness_us, 0, BLUR_US);
    belfry__v1__event__free_unpacked (event, NULL);
    read_log (self);
}

/* When it is due; it still waits for its slot. */
static int64_t
due_of (bench *self, uint64_t job)
{
    Belfry__V1__Reply *reply = ask_for (self->client, OK, "get.job.id=%" PRIu64, job);
    assert_int_equal (reply->get->job->state, BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED);
    int64_t due_us = reply->get->job->due_us;
    reply_free (reply);
    return due_us;
}

static void
expect_state (bench *self, uint64_t job, Belfry__V1__JobState state)
{
    Belfry__V1__Reply *reply = ask_for (self->client, OK, "get.job.id=%" PRIu64, job);
    assert_int_equal (reply->get->job->state, state);
    reply_free (reply);
}

/* --- forward, by an hour and a half, and back --------------------------------------------
 */

#define FORWARD_US (90 * BF_MINUTE_US)

typedef struct {
    uint64_t once;  /* due in an hour, by policy: */
    uint64_t skip;  /* LATE_SKIP */
    uint64_t fail;  /* LATE_FAIL */
    uint64_t lax;   /* a grace of two hours */
    uint64_t grid;  /* every ten minutes, FIRE_ALL, at most three */
    uint64_t after; /* in an hour of the boot clock */
    uint64_t far;   /* due in three hours */
} jobs;

static uint64_t
schedule_at (bench *self, const char *key, int64_t at_us, const char *more)
{
    return ask_job (self->client,
                    "schedule.jobs.type=t schedule.jobs.key=%s schedule.jobs.at_us=%" PRId64
                    " %s",
                    key, at_us, more);
}

static jobs
schedule_all (bench *self, int64_t now_us)
{
    static const char notify[] = "schedule.jobs.delivery=2";
    int64_t hour_us = now_us + BF_HOUR_US;
    jobs all = {
        .once = schedule_at (self, "once", hour_us, notify),
        .skip = schedule_at (self, "skip", hour_us, "schedule.jobs.late=3"),
        .fail = schedule_at (self, "fail", hour_us,
                             "schedule.jobs.late=4 schedule.jobs.retry.max_attempts=1"),
        .lax = schedule_at (self, "lax", hour_us,
                            "schedule.jobs.delivery=2 schedule.jobs.late=3 "
                            "schedule.jobs.grace_us=7200000000"),
        .far = schedule_at (self, "far", now_us + 3 * BF_HOUR_US, notify),
        .after = ask_job (self->client,
                          "schedule.jobs.type=t schedule.jobs.key=after "
                          "schedule.jobs.delivery=2 schedule.jobs.after_us=3600000000"),
    };
    all.grid = ask_job (self->client,
                        "schedule.jobs.type=t schedule.jobs.key=grid "
                        "schedule.jobs.delivery=2 schedule.jobs.every.interval_us=600000000"
                        " schedule.jobs.every.anchor_us=%" PRId64
                        " schedule.jobs.late=2 schedule.jobs.catchup_max=3"
                        " schedule.jobs.overlap=6",
                        now_us + 5 * BF_MINUTE_US);
    return all;
}

static void
expect_late (bench *self, const jobs *all)
{
    Belfry__V1__Event *event = await (self, "recovery.report", NULL);
    belfry__v1__event__free_unpacked (event, NULL);
    /* The others of the grid are paced, and in no hurry to be reported. */
    await_fires (self, all->grid, 3);
    assert_int_equal (count_fires (self, all->once), 1);
    assert_int_equal (count_fires (self, all->lax), 1);
    assert_int_equal (count_fires (self, all->skip), 0);
    assert_int_equal (count_fires (self, all->far), 0);
    assert_int_equal (count_fires (self, all->after), 0);
    expect_state (self, all->once, BELFRY__V1__JOB_STATE__JOB_STATE_COMPLETED);
    expect_state (self, all->lax, BELFRY__V1__JOB_STATE__JOB_STATE_COMPLETED);
    expect_state (self, all->skip, BELFRY__V1__JOB_STATE__JOB_STATE_DEAD);
    expect_state (self, all->fail, BELFRY__V1__JOB_STATE__JOB_STATE_DEAD);
}

static void
test_forward_and_back (void **state)
{
    bench *self = *state;
    start (self);
    int64_t now_us = wall_us (self);
    jobs all = schedule_all (self, now_us);
    /* The clock has heard of all of them: what it only hears of behind a step it would not
     * know to have been stepped over. */
    expect_quiet (self);

    step (self, FORWARD_US);
    await_step (self, FORWARD_US);
    Belfry__V1__Event *event = await (self, "run.fired", "once");
    assert_in_range (event->lateness_us, FORWARD_US - BF_HOUR_US,
                     FORWARD_US - BF_HOUR_US + BLUR_US);
    belfry__v1__event__free_unpacked (event, NULL);
    expect_late (self, &all);
    /* Nine slots came to be due; the next one is on the grid. */
    assert_int_equal (due_of (self, all.grid), now_us + 95 * BF_MINUTE_US);

    /* Back: all that fired comes again on the clock, and must not fire again. */
    step (self, -FORWARD_US);
    await_step (self, -FORWARD_US);
    expect_quiet (self);
    assert_int_equal (count_fires (self, all.once), 1);
    assert_int_equal (count_fires (self, all.lax), 1);
    assert_int_equal (count_fires (self, all.grid), 3);
    assert_int_equal (due_of (self, all.grid), now_us + 95 * BF_MINUTE_US);
    assert_int_equal (due_of (self, all.far), now_us + 3 * BF_HOUR_US);

    /* Over a time that it has seen before, and on. */
    step (self, 3 * BF_HOUR_US);
    await_step (self, 3 * BF_HOUR_US);
    event = await (self, "run.fired", "far");
    assert_in_range (event->lateness_us, 0, BLUR_US);
    belfry__v1__event__free_unpacked (event, NULL);
    await_fires (self, all.grid, 6);
    expect_quiet (self);
    assert_int_equal (count_fires (self, all.once), 1);
    assert_int_equal (count_fires (self, all.far), 1);
    assert_int_equal (count_fires (self, all.grid), 6);
    assert_int_equal (count_fires (self, all.after), 0);
    expect_state (self, all.after, BELFRY__V1__JOB_STATE__JOB_STATE_SCHEDULED);
    rig_stop (self->rig);
}

/* --- the boot clock ----------------------------------------------------------------------
 */

#define AFTER_US (1500 * BF_MS_US)

/* A day forward and a day back while it waits: what is to come after so long comes after so
 * long. */
static void
test_after_does_not_move (void **state)
{
    static const int64_t steps_us[] = {BF_DAY_US, -BF_DAY_US};
    bench *self = *state;
    start (self);
    for (size_t i = 0; i < 2; i++) {
        int64_t from_us = bf_now_read ().boot.us;
        uint64_t job = ask_job (self->client,
                                "schedule.jobs.type=t schedule.jobs.key=after%zu "
                                "schedule.jobs.delivery=2 schedule.jobs.after_us=%" PRId64,
                                i, AFTER_US);
        step (self, steps_us[i]);
        await_step (self, steps_us[i]);
        Belfry__V1__Event *event = await (self, "run.fired", NULL);
        int64_t passed_us = bf_now_read ().boot.us - from_us;
        assert_int_equal (event->job, job);
        assert_true (passed_us >= AFTER_US);
        assert_in_range (event->lateness_us, 0, BLUR_US);
        belfry__v1__event__free_unpacked (event, NULL);
    }
    read_log (self);
    rig_stop (self->rig);
}

/* --- many steps --------------------------------------------------------------------------
 */

/* Within a quarter of an hour from now. */
static void
schedule_shots (bench *self)
{
    static char text[SHOTS * 120];
    size_t size = 0;
    int64_t now_us = wall_us (self);
    for (uint64_t i = 0; i < SHOTS; i++) {
        int64_t in_us = (int64_t)(bf_mix (i) % (15 * BF_MINUTE_US));
        size += (size_t)snprintf (text + size, sizeof text - size,
                                  " schedule.jobs[%" PRIu64 "].type=shot"
                                  " schedule.jobs[%" PRIu64 "].delivery=2"
                                  " schedule.jobs[%" PRIu64 "].at_us=%" PRId64,
                                  i, i, i, now_us + in_us);
    }
    ask_job (self->client, "%s", text + 1);
}

/* Up to two minutes either way, a little more often forward. */
static int64_t
random_step_us (uint64_t number)
{
    int64_t size_us = (int64_t)(bf_mix (2 * number) % (2 * BF_MINUTE_US)) + 3 * STEP_US;
    return bf_mix (2 * number + 1) % 5 < 3 ? size_us : -size_us;
}

static void
test_many_steps (void **state)
{
    bench *self = *state;
    start (self);
    schedule_shots (self);
    size_t told = 0;
    for (uint64_t i = 0; i < STEPS; i++) {
        int64_t delta_us = random_step_us (i);
        if (i % 6 == 5) {
            /* While nobody is there: nobody can tell of it, and all else holds. */
            rig_kill (self->rig);
            step (self, delta_us);
            start (self);
        } else {
            step (self, delta_us);
            await_step (self, delta_us);
            told++;
        }
        read_log (self);
    }
    step (self, BF_HOUR_US);
    int64_t until_us = bf_now_read ().boot.us + RIG_DEADLINE_MS * BF_MS_US;
    while (self->fire_count < SHOTS) {
        if (bf_now_read ().boot.us > until_us) {
            rig_fail (self->rig, "some slots were lost");
        }
        read_log (self);
    }
    expect_quiet (self);
    assert_int_equal (self->fire_count, SHOTS + 1);
    assert_int_equal (self->steps_told, told + 1);
    rig_stop (self->rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, set_up, tear_down)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_forward_and_back),
        TEST (test_after_does_not_move),
        TEST (test_many_steps),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
